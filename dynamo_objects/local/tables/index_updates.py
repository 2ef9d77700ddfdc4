"""Changes of global indexes by UpdateTable: create, with what the table holds; update; delete."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from ...codec.sizes import item_size
from ..definitions import Index, Table
from ..engine import Context
from ..errors import ApiError, invalid, invalid_parameter, not_found
from ..lifecycle import UNTIL
from ..schema import check_index_keys
from ..storage.base import Entry, Span, Unit
from .capacities import (
    check_bounds,
    check_on_demand_bounds,
    check_on_demand_mode,
    check_warmth,
    units_of,
    will_not_change,
    with_limits,
    with_units,
)
from .creating import new_index
from .rules import MAX_GLOBAL, check_global_index

__all__ = ["check_index_updates", "with_index_updates"]

Members = Mapping[str, Any]

_LIMITS = ("OnDemandThroughput", "WarmThroughput")
_ACTIONS = ("Update", "Create", "Delete")
_ONE = "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table"


def check_index_updates(request: Members) -> None:
    """Check what updates of indexes say by themselves.

    Raises:
        ApiError: ValidationException, or LimitExceededException for two actions in one update.
    """
    seen: set[str] = set()
    for given in request.get("GlobalSecondaryIndexUpdates") or ():
        actions = [given[action] for action in _ACTIONS if given.get(action) is not None]
        if not actions:
            names = ", ".join(f"GlobalSecondaryIndexUpdate.{action}" for action in _ACTIONS)
            raise invalid_parameter(f"One of {names} must not be null")
        if len(actions) > 1:
            raise invalid_parameter(
                "Only one global secondary index action is allowed per GlobalSecondaryIndexUpdate object"
            )
        name = actions[0]["IndexName"]
        if given.get("Update") and given["Update"].get("WarmThroughput") == {}:
            raise invalid_parameter(
                "WarmThroughput must have at least one of ReadUnitsPerSecond or WriteUnitsPerSecond specified "
                f"for index: {name}"
            )
        if name in seen:
            raise invalid_parameter(
                f"Only one global secondary index update per index is allowed simultaneously. Index: {name}"
            )
        seen.add(name)


def with_index_updates(
    context: Context, unit: Unit, stored: Table, table: Table, request: Members, now: float
) -> Table:
    """Return a table with its indexes changed.

    Args:
        stored: The table as it was before the request.
        table: The table as the request has changed it so far.

    Raises:
        ApiError: An update is not possible.
    """
    updates = request.get("GlobalSecondaryIndexUpdates") or ()
    _check_known(stored, updates)
    _check_one_online(stored, updates)
    for given in updates:
        if (update := given.get("Update")) is not None:
            table = _updated(table, update, now)
        elif (create := given.get("Create")) is not None:
            table = _created(context, unit, table, create, request)
        else:
            table = _deleted(unit, table, given["Delete"]["IndexName"])
    return _with_types_in_use(table) if updates else table


def _check_known(table: Table, updates: Sequence[Members]) -> None:
    for given in updates:
        update = given.get("Update")
        if update is not None:
            _global_index(table, update["IndexName"], "update")


def _check_one_online(table: Table, updates: Sequence[Members]) -> None:
    """Check that no more than one index is created or deleted at once."""
    count = sum(given.get("Update") is None for given in updates)
    # An index that is still being created can be deleted: that stops it.
    is_busy = count and any(
        index.status in ("CREATING", "DELETING")
        for index in table.indexes.values()
        if not any((given.get("Delete") or {}).get("IndexName") == index.name for given in updates)
    )
    if count > 1 or is_busy:
        raise ApiError("LimitExceededException", _ONE)


def _global_index(table: Table, name: str, action: str) -> Index:
    index = table.indexes.get(name)
    if index is None:
        raise not_found(f"Requested resource not found: Index {name} for table {table.name}")
    if not index.is_global:
        raise invalid(f"Cannot {action} an index that is not a GlobalSecondaryIndex: {name}")
    return index


def _updated(table: Table, given: Members, now: float) -> Table:
    index = table.indexes[given["IndexName"]]
    throughput = given.get("ProvisionedThroughput")
    if table.units is None and (throughput or not any(given.get(name) for name in _LIMITS)):
        raise invalid_parameter(
            f"The only Updates for index: {index.name} when TableThroughputMode is PAY_PER_REQUEST can be to "
            f"{', '.join(_LIMITS)}"
        )
    description = dict(index.description)
    if warm := given.get("WarmThroughput"):
        check_warmth(index, warm, f"index {index.name}")
        description["WarmThroughput"] = {**description.get("WarmThroughput", {}), **warm}
    if limits := given.get("OnDemandThroughput"):
        check_on_demand_mode(limits, table.units is None, "the ", f" for index : {index.name}")
        check_on_demand_bounds(limits, none=-1, what=f"index : {index.name}")
        description = with_limits(description, limits)
    index = msgspec.structs.replace(index, status="UPDATING", description=description)
    if throughput is not None:
        check_bounds(throughput)
        units = units_of(throughput)
        if units is not None and units == index.units:
            raise invalid(will_not_change(f"index {index.name}", "index", units))
        if units is not None:
            index = with_units(index, units, now)
    return _with_index(table, index)


def _created(context: Context, unit: Unit, table: Table, given: Members, request: Members) -> Table:
    declared = {
        definition["AttributeName"]: definition["AttributeType"]
        for definition in request.get("AttributeDefinitions") or ()
    }
    if given["IndexName"] in table.indexes:
        raise invalid("Attempting to create an index which already exists")
    if not declared:
        raise invalid_parameter(f"AttributeDefinitions is not specified for index: {given['IndexName']}")
    # AWS wants the keys of a new index declared in the request, those it knows too.
    check_global_index(given, declared)
    _check_units(table, given)
    _check_types(table, given["KeySchema"], declared)
    if sum(index.is_global for index in table.indexes.values()) >= MAX_GLOBAL:
        raise ApiError(
            "LimitExceededException",
            f"Subscriber limit exceeded: Number of global secondary indexes exceeds per-table limit of {MAX_GLOBAL}",
        )
    index = new_index(context, unit, given, declared)
    grown = _with_index(msgspec.structs.replace(table, types={**declared, **table.types}), index)
    _fill(unit, grown, index)
    return grown


def _check_units(table: Table, given: Members) -> None:
    """Check that a new index has units if its table has them."""
    name, is_given = given["IndexName"], given.get("ProvisionedThroughput") is not None
    if table.units is None and is_given:
        raise invalid_parameter(
            f"Neither ReadCapacityUnits nor WriteCapacityUnits can be specified for index: {name} when "
            "BillingMode is PAY_PER_REQUEST"
        )
    if table.units is not None and not is_given:
        raise invalid_parameter(
            f"Both ReadCapacityUnits and WriteCapacityUnits must be specified for index: {name}"
        )


def _check_types(table: Table, schema: Sequence[Members], declared: Mapping[str, str]) -> None:
    """Check that keys of a new index have the types that they have already."""
    for element in schema:
        name = element["AttributeName"]
        if table.types.get(name, declared[name]) != declared[name]:
            old = ", ".join(
                f"SchemaElement: key{{{part.name}:{part.type}:{kind}}}"
                for kind, parts in (("HASH", table.keys.hash), ("RANGE", table.keys.range))
                for part in parts
            )
            new = f"SchemaElement: key{{{name}:{declared[name]}:{element['KeyType']}}}"
            raise invalid_parameter(
                "Attributes cannot be redefined. Please check that your attribute has the same type as "
                f"previously defined. Existing schema: Schema:[{old}] New schema: Schema:[{new}]"
            )


def _fill(unit: Unit, table: Table, index: Index) -> None:
    """Put what a table holds into a new index; items whose keys cannot stand in it are left out.

    Source: Developer Guide, "Detecting and correcting index key violations".
    """
    alone = msgspec.structs.replace(table, indexes={index.name: index})
    for _, entry in unit.entries(table.collection, Span()):
        position = table.index_position(index, entry.item)
        if position is not None and _can_stand(alone, entry):
            held = table.projected(index, entry.item)
            unit.put(index.collection, position, _entry_of(entry, held))


def _can_stand(table: Table, entry: Entry) -> bool:
    try:
        check_index_keys(table, entry.item)
    except ApiError:
        return False
    return True


def _entry_of(entry: Entry, held: Mapping[str, Any]) -> Entry:
    return entry if held is entry.item else Entry(held, item_size(held))


def _deleted(unit: Unit, table: Table, name: str) -> Table:
    index = _global_index(table, name, "delete")
    unit.drop(index.collection)
    without_end = {held: value for held, value in index.description.items() if held != UNTIL}
    return _with_index(table, msgspec.structs.replace(index, status="DELETING", description=without_end))


def _with_index(table: Table, index: Index) -> Table:
    return msgspec.structs.replace(table, indexes={**table.indexes, index.name: index})


def _with_types_in_use(table: Table) -> Table:
    """Return a table that defines no attribute but those of its keys and of indexes that stay."""
    used = {*table.keys.names}
    for index in table.indexes.values():
        if index.status != "DELETING":
            used |= {*index.keys.names}
    return msgspec.structs.replace(
        table, types={name: kind for name, kind in table.types.items() if name in used}
    )
