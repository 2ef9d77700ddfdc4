"""UpdateTable: one change after the other, each from a definition to the next.

Order and words of what is refused: what a lab recorded of AWS for aws-controllers-k8s in us-west-2
and us-east-1 (October 2026), dynoxide's tests in eu-west-2 (July 2026), and before that AWS's answers
to dynalite's tests (updateTable.js).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from ..definitions import Index, Table, Units
from ..engine import Context
from ..errors import invalid, invalid_parameter, not_found
from ..lifecycle import UNTIL, check_active, entered, settled
from ..requests import table_name
from ..storage.base import Unit
from .capacities import (
    check_bounds,
    check_no_units,
    check_on_demand_bounds,
    check_on_demand_mode,
    check_warmth,
    units_of,
    will_not_change,
    with_limits,
    with_units,
)
from .creating import refuse_members
from .describing import described
from .index_updates import check_index_updates, with_index_updates
from .streams import encrypted, with_stream

__all__ = ["update_table"]

Members = Mapping[str, Any]

_UNSUPPORTED = ("ReplicaUpdates", "GlobalTableWitnessUpdates", "VectorIndexUpdates")
_CHANGES = (
    "ProvisionedThroughput",
    "BillingMode",
    "GlobalSecondaryIndexUpdates",
    "StreamSpecification",
    "SSESpecification",
    "TableClass",
    "DeletionProtectionEnabled",
    "OnDemandThroughput",
    "WarmThroughput",
)
#: What has to be changed alone, in the order in which AWS finds it.
_ALONE = {
    "SSESpecification": "Server-Side Encryption modification",
    "TableClass": "TableClass modification",
    "DeletionProtectionEnabled": "DeletionProtection modification",
    "WarmThroughput": "WarmThroughput",
}


def update_table(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Change a table."""
    refuse_members(request, _UNSUPPORTED)
    _check(request)
    now = round(context.options.clock(), 3)
    with context.storage.writing() as unit:
        table = _active_table(context, unit, table_name(request), now)
        changed = _changed(context, unit, table, request, now)
        context.catalog.save(unit, _entered(changed, now, context.options.table_seconds))
        return {
            "TableDescription": described(context, unit, msgspec.structs.replace(changed, status="UPDATING"))
        }


def _active_table(context: Context, unit: Unit, name: str, now: float) -> Table:
    existing = context.catalog.find(unit, name)
    table = None if existing is None else settled(existing, now)
    if table is None:
        raise not_found(f"Requested resource not found: Table: {name} not found")
    check_active(table)
    return table


def _entered(table: Table, now: float, seconds: float) -> Table:
    """Return a changed table as it is stored, with states as long as they are to last.

    A new index takes as long again as its table: AWS's tables are ACTIVE long before their new
    indexes are.
    """
    indexes: dict[str, Index] = {}
    for name, index in table.indexes.items():
        if index.status == "ACTIVE" or UNTIL in index.description:
            indexes[name] = index
        elif index.status != "DELETING" or seconds > 0:
            lasts = 2 * seconds if index.status == "CREATING" else seconds
            indexes[name] = entered(index, index.status, now, lasts)
    return entered(msgspec.structs.replace(table, indexes=indexes), "UPDATING", now, seconds)


# --- what a request says by itself --------------------------------------------------------


def _check(request: Members) -> None:
    throughput = request.get("ProvisionedThroughput")
    if not any(request.get(name) not in (None, []) for name in _CHANGES):
        raise invalid(
            "At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, "
            "GlobalSecondaryIndexUpdates, SSESpecification, ReplicaUpdates, MultiAccountReplicaReady, "
            "ReplicaTransitRoleArn, MultiRegionConsistency, DeletionProtectionEnabled, "
            "OnDemandThroughput, WarmThroughput or TableClass is required"
        )
    if request.get("GlobalSecondaryIndexUpdates") == []:
        raise invalid_parameter("List of GlobalSecondaryIndexUpdates is empty")
    if request.get("BillingMode") == "PAY_PER_REQUEST":
        check_no_units(throughput)
    check_bounds(throughput)
    check_index_updates(request)
    _check_together({name for name in _CHANGES if request.get(name) not in (None, {})}, request)


def _check_together(changes: set[str], request: Members) -> None:
    """Check that a request does not change at once what has to be changed alone."""
    updates = request.get("GlobalSecondaryIndexUpdates") or ()
    for name, subject in _ALONE.items():
        if name in changes and len(changes) > 1:
            if name == "WarmThroughput" and any(given.get("Create") for given in updates):
                raise invalid_parameter(
                    "Create global secondary index cannot be specified when updating WarmThroughput"
                )
            raise invalid_parameter(f"{subject} must be the only operation in the request")
    is_online = any(given.get("Update") is None for given in updates)
    is_iops = "ProvisionedThroughput" in changes
    if is_iops and "StreamSpecification" in changes:
        raise invalid_parameter("You cannot modify stream status while updating table IOPS")
    if is_iops and is_online:
        raise invalid_parameter("You cannot create or delete index while updating table IOPS")
    if "StreamSpecification" in changes and is_online:
        raise invalid_parameter("You cannot create or delete index while changing stream status")
    if {"StreamSpecification", "OnDemandThroughput"} <= changes:
        raise invalid_parameter(
            "OnDemandThroughput can only be combined with BillingMode in an UpdateTable request"
        )


# --- one change after the other -----------------------------------------------------------


def _changed(context: Context, unit: Unit, table: Table, request: Members, now: float) -> Table:
    changed = _with_throughput(table, request, now)
    changed = _with_on_demand(changed, request)
    changed = with_index_updates(context, unit, table, changed, request, now)
    _check_index_units(changed)
    description = dict(changed.description)
    if (stream := request.get("StreamSpecification")) is not None:
        description = with_stream(context, table.name, description, stream, now)
    if (encryption := request.get("SSESpecification")) is not None:
        description = encrypted(context, description, encryption)
    for name in ("TableClass", "DeletionProtectionEnabled"):
        if name in request:
            description[name] = request[name]
    if warm := request.get("WarmThroughput"):
        check_warmth(table, warm, "table")
        description["WarmThroughput"] = {**description.get("WarmThroughput", {}), **warm}
    return msgspec.structs.replace(changed, description=description)


def _with_throughput(table: Table, request: Members, now: float) -> Table:
    throughput, mode = request.get("ProvisionedThroughput"), request.get("BillingMode")
    if table.units is None and mode is None:
        check_no_units(throughput)
    if mode == "PROVISIONED" and throughput is None:
        raise invalid_parameter("ProvisionedThroughput must be specified when BillingMode is PROVISIONED")
    if mode == "PAY_PER_REQUEST":
        return table if table.units is None else _on_demand(table, now)
    units = units_of(throughput)
    if units is None:
        return table
    if units == table.units:
        raise invalid(will_not_change("table", "table", units))
    return _provisioned(table, units, now)


def _on_demand(table: Table, now: float) -> Table:
    """Return a table that pays per request, from now on."""
    summary = {"BillingMode": "PAY_PER_REQUEST", "LastUpdateToPayPerRequestDateTime": now}
    indexes = {name: msgspec.structs.replace(index, units=None) for name, index in table.indexes.items()}
    description = {**table.description, "BillingModeSummary": summary}
    return msgspec.structs.replace(table, units=None, indexes=indexes, description=description)


def _provisioned(table: Table, units: Units, now: float) -> Table:
    description = dict(table.description)
    if summary := description.get("BillingModeSummary"):
        description["BillingModeSummary"] = {**summary, "BillingMode": "PROVISIONED"}
    # AWS forgets limits of on-demand tables with the mode.
    description.pop("OnDemandThroughput", None)
    return with_units(msgspec.structs.replace(table, description=description), units, now)


def _with_on_demand(table: Table, request: Members) -> Table:
    """Return a table with other limits; -1 takes one away."""
    given = request.get("OnDemandThroughput")
    if not given:
        return table
    check_on_demand_mode(given, table.units is None, "the ")
    check_on_demand_bounds(given, none=-1)
    return msgspec.structs.replace(table, description=with_limits(table.description, given))


def _check_index_units(table: Table) -> None:
    """Check that all global indexes of a provisioned table have units."""
    for index in table.indexes.values():
        if table.units is not None and index.is_global and index.units is None:
            raise invalid_parameter(f"ProvisionedThroughput must be specified for index: {index.name}")
