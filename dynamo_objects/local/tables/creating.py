"""CreateTable."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from ..definitions import Index, Table
from ..engine import Context
from ..errors import in_use, invalid_parameter
from ..lifecycle import entered, settled
from ..storage.base import Unit
from ..tags import with_tags
from .capacities import (
    check_bounds,
    check_first_warmth,
    check_no_units,
    check_on_demand_bounds,
    check_on_demand_mode,
    check_units_given,
    units_of,
)
from .describing import described
from .rules import check_all_used, check_global_indexes, check_keys, check_local_indexes, keys_of, types_of
from .streams import check_stream, encrypted, with_stream

__all__ = ["create_table", "new_index", "refuse_members"]

Members = Mapping[str, Any]

#: Members that change what a table is, and that this engine does not have.
_UNSUPPORTED = ("VectorIndexes", "GlobalTableSourceArn", "ResourcePolicy")


def create_table(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Create a table."""
    refuse_members(request, _UNSUPPORTED)
    types = types_of(request["AttributeDefinitions"])
    _check(request, types)
    now = round(context.options.clock(), 3)
    with context.storage.writing() as unit:
        name = request["TableName"]
        existing = context.catalog.find(unit, name)
        if existing is not None and settled(existing, now) is not None:
            raise in_use(f"Table already exists: {name}")
        table = _new_table(context, unit, request, types, now)
        seconds = context.options.table_seconds
        context.catalog.save(unit, _entered(table, now, seconds))
        return {"TableDescription": described(context, unit, table)}


def refuse_members(request: Members, names: tuple[str, ...]) -> None:
    """Refuse what cannot be done, instead of ignoring it.

    Raises:
        ApiError: ValidationException; AWS would not answer so.
    """
    for name in names:
        if request.get(name):
            raise invalid_parameter(f"{name} is not supported by this engine")


def new_index(context: Context, unit: Unit, given: Members, types: Mapping[str, str]) -> Index:
    """Return a global index that is being created, with a collection of its own."""
    projection = given["Projection"]
    kind = projection["ProjectionType"]
    held: Literal["ALL", "KEYS_ONLY"] | frozenset[str] = (
        frozenset(projection["NonKeyAttributes"]) if kind == "INCLUDE" else kind
    )
    described_as = {name: given[name] for name in ("OnDemandThroughput", "WarmThroughput") if given.get(name)}
    return Index(
        name=given["IndexName"],
        collection=context.catalog.new_collection(unit),
        is_global=True,
        keys=keys_of(given["KeySchema"], types),
        projection=held,
        units=units_of(given.get("ProvisionedThroughput")),
        status="CREATING",
        description=described_as,
    )


def _check(request: Members, types: Mapping[str, str]) -> None:
    throughput, on_demand = request.get("ProvisionedThroughput"), _is_on_demand(request)
    if on_demand:
        check_no_units(throughput)
    else:
        check_units_given(throughput)
    check_bounds(throughput)
    check_on_demand_mode(request.get("OnDemandThroughput"), on_demand)
    check_on_demand_bounds(request.get("OnDemandThroughput"))
    check_keys(request["KeySchema"], types)
    check_all_used(request, types)
    check_local_indexes(request, types)
    check_global_indexes(request, types, on_demand)
    check_stream(request.get("StreamSpecification"))
    check_first_warmth(request, on_demand)
    with_tags({}, request.get("Tags") or ())


def _is_on_demand(request: Members) -> bool:
    return request.get("BillingMode") == "PAY_PER_REQUEST"


def _new_table(context: Context, unit: Unit, request: Members, types: Mapping[str, str], now: float) -> Table:
    local = [
        msgspec.structs.replace(new_index(context, unit, given, types), is_global=False, status="ACTIVE")
        for given in request.get("LocalSecondaryIndexes") or ()
    ]
    others = [new_index(context, unit, given, types) for given in request.get("GlobalSecondaryIndexes") or ()]
    return Table(
        name=request["TableName"],
        collection=context.catalog.new_collection(unit),
        keys=keys_of(request["KeySchema"], types),
        types=types,
        indexes={index.name: index for index in (*local, *others)},
        units=units_of(request.get("ProvisionedThroughput")),
        status="CREATING",
        created=now,
        description=_description(context, request, now),
    )


def _description(context: Context, request: Members, now: float) -> dict[str, Any]:
    found: dict[str, Any] = {"TableId": str(uuid.uuid4())}
    if _is_on_demand(request):
        found["BillingModeSummary"] = {
            "BillingMode": "PAY_PER_REQUEST",
            "LastUpdateToPayPerRequestDateTime": now,
        }
    for name in ("TableClass", "DeletionProtectionEnabled", "WarmThroughput", "OnDemandThroughput"):
        if name in request:
            found[name] = request[name]
    if tags := request.get("Tags"):
        found["tags"] = with_tags({}, tags)
    stream = request.get("StreamSpecification")
    if stream is not None and stream["StreamEnabled"]:
        found = with_stream(context, request["TableName"], found, stream, now)
    if (encryption := request.get("SSESpecification")) is not None:
        found = encrypted(context, found, encryption)
    return found


def _entered(table: Table, now: float, seconds: float) -> Table:
    """Return a new table as it is stored: its indexes take as long as it does."""
    indexes = {
        name: entered(index, "CREATING", now, seconds) if index.is_global else index
        for name, index in table.indexes.items()
    }
    return entered(msgspec.structs.replace(table, indexes=indexes), "CREATING", now, seconds)
