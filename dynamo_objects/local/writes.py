"""Single writes: planned from a request, then carried out in a unit.

A plan is made of what the request says by itself; everything that can be wrong with that is
found before any table is looked at. Single calls, batches and transactions share both steps.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Literal, TypeAlias

import msgspec

from ..codec.sizes import MAX_ITEM_BYTES, item_size
from ..codec.values import Item
from ..expressions import tree
from .capacity import Consumed, write_units
from .conflicts import transaction_conflict
from .definitions import Index, Position, Table
from .engine import Context
from .errors import ApiError, Layer, invalid, invalid_parameter, worded
from .expressions.charging import charge, may_be_large
from .expressions.parsing import condition, update
from .expressions.placeholders import Placeholders
from .expressions.testing import holds, paths_in
from .expressions.updating import Applied, apply
from .lagging import postpone
from .legacy import attribute_updates, check_mixed, expected
from .requests import is_too_deep, table_name
from .schema import check_item, check_key, check_paths, check_updated_index_keys
from .storage.base import Entry, Unit
from .values import sized_item

__all__ = [
    "Action",
    "Done",
    "Place",
    "Write",
    "carry_out",
    "conditional_failure",
    "metrics",
    "plan",
    "plan_put",
    "remove",
]

Action = Literal["Put", "Update", "Delete", "ConditionCheck"]


class Write(msgspec.Struct, frozen=True):
    """One write as its request has it.

    Attributes:
        action: Which.
        table: Name of the table.
        item: The item to put, or the key.
        size: Bytes of an item to put.
        condition: What must hold of the stored item.
        update: What to change, for an update.
        paths: The places that the condition looks at, if some of them lie inside of attributes.
        returns_failed: Whether a failed condition sends the stored item back.
        is_in_transaction: Whether it is part of one.
    """

    action: Action
    table: str
    item: Item
    size: int = 0
    condition: Any = None
    update: Any = None
    paths: frozenset[tree.Path] = frozenset()
    returns_failed: bool = False
    is_in_transaction: bool = False


class Done(msgspec.Struct, frozen=True):
    """One write that was carried out.

    Attributes:
        table: The table as it is.
        old: What was stored before.
        new: What is stored now.
        applied: What an update has changed.
        consumed: The units that it took.
    """

    table: Table
    old: Entry | None
    new: Entry | None
    applied: Applied | None
    consumed: Consumed


# --- planning -----------------------------------------------------------------------------


def plan(action: Action, request: Mapping[str, Any], layer: Layer = "enveloped") -> Write:
    """Return the write that a request asks for.

    Args:
        layer: How errors are worded.

    Raises:
        ApiError: Something is wrong with the request by itself.
    """
    try:
        return _planned(action, request, layer)
    except ApiError as error:
        raise worded(error, layer) from None


def plan_put(table: str, raw: dict[str, Any], layer: Layer) -> Write:
    """Return the put of an item that nothing else is asked of.

    Args:
        table: Name of the table.
        raw: The item as its request has it.

    Raises:
        ApiError: An attribute value is none, or the item is too large.
    """
    try:
        item, size = sized_item(raw)
        if size > MAX_ITEM_BYTES:
            raise invalid("Item size has exceeded the maximum allowed size")
    except ApiError as error:
        raise worded(error, layer) from None
    return Write("Put", table, item, size)


def _planned(action: Action, request: Mapping[str, Any], layer: Layer) -> Write:
    is_plain = len(request) == 2  # most puts have nothing but table and item
    if not is_plain:
        check_mixed(request, _LEGACY, _EXPRESSIONS if action == "Update" else _EXPRESSIONS[1:])
    try:
        item, size = sized_item(request["Item" if action == "Put" else "Key"])
    except ApiError:
        if layer == "older" and action != "Put" and is_too_deep(request):
            # Only then expressions come first (deepRequests.test.ts of the Parity Suite, October 2026).
            _with_expressions(Write(action, table_name(request), {}), request, layer)
        raise
    size = size if action == "Put" else 0
    if size > MAX_ITEM_BYTES:
        raise invalid("Item size has exceeded the maximum allowed size")
    write = Write(action, table_name(request), item, size)
    return write if is_plain else _with_expressions(write, request, layer)


_LEGACY = ("AttributeUpdates", "Expected", "ConditionalOperator")
_EXPRESSIONS = ("UpdateExpression", "ConditionExpression")


def _with_expressions(write: Write, request: Mapping[str, Any], layer: Layer) -> Write:
    returns_failed = request.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD"
    if write.action != "Update" and request.keys().isdisjoint(_NEEDS_VALUES):
        text, names = request.get("ConditionExpression"), request.get("ExpressionAttributeNames")
        if text is not None:  # the guard of a new item, most of the time
            must, paths = _without_values(text, None if names is None else tuple(names.items()))
            return Write(write.action, write.table, write.item, write.size, must, None, paths, returns_failed)
    placeholders = Placeholders.of(request, layer)
    changes = None
    if (text := request.get("UpdateExpression")) is not None:
        changes = update(text, placeholders)
    elif (given := request.get("AttributeUpdates")) is not None:
        changes = attribute_updates(given)
    if (text := request.get("ConditionExpression")) is not None:
        must = condition("ConditionExpression", text, placeholders)
    else:
        must = expected(request)
    placeholders.check_used()
    paths = paths_in(must) if text is not None and _is_deep(text) else _NO_PATHS
    return Write(write.action, write.table, write.item, write.size, must, changes, paths, returns_failed)


_NEEDS_VALUES = frozenset({"ExpressionAttributeValues", "Expected", "ConditionalOperator"})


@lru_cache(maxsize=256)
def _without_values(text: str, names: tuple[tuple[str, str], ...] | None) -> tuple[Any, frozenset[tree.Path]]:
    """Return the condition of a text that has names only, and its paths; many requests have the same."""
    placeholders = Placeholders.of(
        {"ConditionExpression": text, "ExpressionAttributeNames": None if names is None else dict(names)}
    )
    must = condition("ConditionExpression", text, placeholders)
    placeholders.check_used()
    return must, paths_in(must) if _is_deep(text) else _NO_PATHS


_NO_PATHS: frozenset[tree.Path] = frozenset()


def _is_deep(text: str) -> bool:
    """Tell whether a path of an expression may lead into an attribute."""
    return "." in text or "[" in text


# --- carrying out -------------------------------------------------------------------------


#: Where a write goes that was checked against its table already.
Place: TypeAlias = tuple[Table, Position]


def carry_out(
    context: Context, unit: Unit, write: Write, owner: object = None, place: Place | None = None
) -> Done:
    """Carry out a planned write.

    Args:
        owner: The transaction that it is part of.
        place: Where it goes, where that is known.

    Raises:
        ApiError: The table or its keys do not fit, the condition is false, or the item grows too big.
    """
    if place is not None:
        table, position = place
    else:
        table = context.catalog.table(unit, write.table)
        if write.action == "Put":
            check_item(table, write.item)
        else:
            check_key(table, write.item)
        position = table.position(write.item)
    if write.update is not None:
        _check_keys_stay(table, write.update)
    if write.paths:
        check_paths(table, write.paths)
    if context.claims.is_claimed((table.collection, position), owner):
        raise transaction_conflict()
    old = unit.get(table.collection, position)
    if write.condition is not None and not holds(write.condition, {} if old is None else old.item):
        _check_charge(write, write.item if old is None else old.item)  # comes before the condition
        raise conditional_failure(old if write.returns_failed else None)
    if write.action == "ConditionCheck":
        return Done(table, old, old, None, _own_units(table, old, None))
    applied = None
    if write.action == "Put":
        new: Entry | None = Entry(write.item, write.size)
    else:
        new, applied = _new_entry(table, write, old)
    if new is not None:
        unit.put(table.collection, position, new)
    elif old is not None:
        unit.delete(table.collection, position)
    consumed = _own_units(table, old, new)
    if table.indexes:
        _maintain(context, unit, table, old, new, consumed)
    return Done(table, old, new, applied, consumed)


def conditional_failure(old: Entry | None) -> ApiError:
    """Return the error for a condition that is false, with the stored item where it is given."""
    error = ApiError("ConditionalCheckFailedException", "The conditional request failed")
    if old is not None:
        error.members["Item"] = old.item
    return error


def _check_keys_stay(table: Table, changes: Any) -> None:
    names = table.keys.names
    for name in changes.attributes:
        if name in names:
            raise invalid_parameter(f"Cannot update attribute {name}. This attribute is part of the key")
    check_paths(table, changes.paths)


def _new_entry(table: Table, write: Write, old: Entry | None) -> tuple[Entry | None, Applied | None]:
    if write.action == "Delete":
        return None, None
    before = write.item if old is None else old.item
    if write.update is None:
        return old or Entry(before, item_size(before)), None
    applied = apply(write.update, before)
    if old is None and write.update.only_takes:
        # Nothing to take from: the item is not created (ScyllaDB's test_update_expression.py, run on AWS).
        return None, None
    size = item_size(applied.item) if old is None else _size_after(old, applied.item)
    if size > MAX_ITEM_BYTES:
        raise invalid(_TOO_BIG)
    if size > _NEARLY_FULL or may_be_large(write.update):
        _check_charge(write, before)
    if table.indexes:
        check_updated_index_keys(table, applied.item, write.update.literals)
    return Entry(applied.item, size), applied


def _size_after(old: Entry, item: Item) -> int:
    """Return the size of an item that was made from another one: what is the same was counted already."""
    before, size = old.item, old.size
    gone = {name: value for name, value in before.items() if item.get(name) is not value}
    came = {name: value for name, value in item.items() if before.get(name) is not value}
    return size - item_size(gone) + item_size(came)


#: Below this size an update needs no exact count.
_NEARLY_FULL = 300 * 1024
_TOO_BIG = "Item size to update has exceeded the maximum allowed size"


def _check_charge(write: Write, before: Item) -> None:
    """Check what an UpdateExpression counts by itself; in transactions it does not."""
    changes = write.update
    if changes is None or changes.is_legacy or write.is_in_transaction:
        return
    if charge(changes, before) > MAX_ITEM_BYTES:
        raise invalid(_TOO_BIG)


def _own_units(table: Table, old: Entry | None, new: Entry | None) -> Consumed:
    size = max(0 if old is None else old.size, 0 if new is None else new.size)
    return Consumed(table, write_units(size), is_write=True)


def _maintain(
    context: Context, unit: Unit, table: Table, old: Entry | None, new: Entry | None, consumed: Consumed
) -> None:
    """Bring the entries of all indexes in line with a change of an item, and count what that takes."""
    before = {} if old is None else {index.name: (at, item) for index, at, item in table.entries(old.item)}
    after = {} if new is None else {index.name: (at, item) for index, at, item in table.entries(new.item)}
    for name, index in table.indexes.items():
        was, now = before.get(name), after.get(name)
        if was == now:
            continue
        sizes = []
        if was is not None:
            sizes.append(item_size(was[1]))
            if now is None or now[0] != was[0]:
                _store(context, unit, index, was[0], None)
        if now is not None:
            sizes.append(item_size(now[1]))
            _store(context, unit, index, now[0], Entry(now[1], sizes[-1]))
        if was is not None and now is not None and was[0] == now[0]:
            sizes = [max(sizes)]
        consumed.indexes[name] = sum(map(write_units, sizes))


def _store(context: Context, unit: Unit, index: Index, position: Position, entry: Entry | None) -> None:
    if index.is_global and context.options.index_lag_seconds:
        postpone(context, unit, index, position, None if entry is None else entry.item)
    elif entry is None:
        unit.delete(index.collection, position)
    else:
        unit.put(index.collection, position, entry)


def remove(context: Context, unit: Unit, table: Table, position: Position) -> None:
    """Delete an item without a request, as TTL does."""
    old = unit.get(table.collection, position)
    if old is not None:
        unit.delete(table.collection, position)
        _maintain(context, unit, table, old, None, Consumed(table))


def metrics(request: Mapping[str, Any], table: Table, item: Item) -> dict[str, Any] | None:
    """Return ItemCollectionMetrics; None where they are not asked for, or there are no collections."""
    if request.get("ReturnItemCollectionMetrics") != "SIZE":
        return None
    if all(index.is_global for index in table.indexes.values()):
        return None
    key = {part.name: item[part.name] for part in table.keys.hash}
    return {"ItemCollectionKey": key, "SizeEstimateRangeGB": [0.0, 1.0]}
