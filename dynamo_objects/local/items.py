"""GetItem, PutItem, UpdateItem, DeleteItem."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from ..codec.values import Item
from .capacity import Consumed, read_units, report
from .definitions import Table
from .engine import Context, Handler
from .errors import ApiError, Layer, invalid, worded
from .expressions.parsing import projection
from .expressions.placeholders import Placeholders
from .expressions.projecting import project
from .legacy import attributes_to_get, check_mixed
from .requests import is_too_deep, table_name
from .schema import check_key, check_paths
from .storage.base import Entry, Unit
from .values import checked_item
from .writes import Done, Write, carry_out, metrics, plan

__all__ = ["HANDLERS", "json_of", "paths_of", "read"]


def json_of(entry: Entry) -> bytes:
    """Return an entry's item as JSON."""
    return entry.encoded()


def paths_of(request: Mapping[str, Any], layer: Layer = "current") -> Any:
    """Return the paths that a read asks for, of ProjectionExpression or AttributesToGet; None for all.

    Args:
        layer: How errors are worded.

    Raises:
        ApiError: They are wrong by themselves.
    """
    request = _without_values(request)
    check_mixed(request, ("AttributesToGet",), ("ProjectionExpression",))
    paths = None
    try:
        placeholders = Placeholders.of(request, layer)
        if (text := request.get("ProjectionExpression")) is not None:
            paths = projection(text, placeholders)
        elif (names := request.get("AttributesToGet")) is not None:
            paths = attributes_to_get(names)
        placeholders.check_used()
    except ApiError as error:
        raise worded(error, layer) from None
    return paths


def _without_values(request: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a read by key without ExpressionAttributeValues, which is no member of it, and is ignored."""
    if "ExpressionAttributeValues" not in request:
        return request
    return {name: held for name, held in request.items() if name != "ExpressionAttributeValues"}


def read(unit: Unit, table: Table, key: Item) -> Entry | None:
    """Return the entry of a key that has been checked by itself.

    Raises:
        ApiError: It is not a key of the table.
    """
    check_key(table, key)
    return unit.get(table.collection, table.position(key))


def get_item(context: Context, request: dict[str, Any]) -> dict[str, Any] | bytes:
    """Return the item of a key."""
    paths = None if len(request) == 2 else paths_of(request)
    key = checked_item(request["Key"])
    with context.storage.reading() as unit:
        table = context.catalog.table(unit, table_name(request))
        if paths is not None:
            check_paths(table, paths)
        entry = read(unit, table, key)
    size = 0 if entry is None else entry.size
    consistent = bool(request.get("ConsistentRead"))
    units = read_units(size, consistent=consistent)
    context.meter.read(table, None, units)
    capacity = report(request, Consumed(table, units)) if "ReturnConsumedCapacity" in request else None
    if capacity is None and paths is None:
        return b"{}" if entry is None else b'{"Item":' + json_of(entry) + b"}"
    reply: dict[str, Any] = {}
    if entry is not None:
        reply["Item"] = entry.item if paths is None else project(paths, entry.item)
    return _with(reply, ConsumedCapacity=capacity)


def put_item(context: Context, request: dict[str, Any]) -> dict[str, Any] | bytes:
    """Store an item."""
    _check_returns(request)
    done = _written(context, plan("Put", request))
    return b"{}" if len(request) == 2 else _finished(request, done, request["Item"])


def delete_item(context: Context, request: dict[str, Any]) -> dict[str, Any] | bytes:
    """Delete an item if there is one."""
    _check_returns(request)
    done = _written(context, plan("Delete", request))
    return b"{}" if len(request) == 2 else _finished(request, done, request["Key"])


def update_item(context: Context, request: dict[str, Any]) -> dict[str, Any] | bytes:
    """Change an item, or create it."""
    done = _written(context, plan("Update", request))
    return _finished(request, done, request["Key"])


def _check_returns(request: Mapping[str, Any]) -> None:
    if request.get("ReturnValues", "NONE") not in ("NONE", "ALL_OLD"):
        layer: Layer = "older" if is_too_deep(request) else "enveloped"
        raise worded(invalid("ReturnValues can only be ALL_OLD or NONE"), layer)


def _written(context: Context, write: Write) -> Done:
    with context.storage.writing() as unit:
        done = carry_out(context, unit, write)
        context.meter.write(done.consumed)
    return done


def _finished(request: Mapping[str, Any], done: Done, item: Item) -> dict[str, Any]:
    returned = _returned(request.get("ReturnValues"), done)
    reply: dict[str, Any] = {"Attributes": returned} if returned else {}
    return _with(
        reply,
        ConsumedCapacity=report(request, done.consumed),
        ItemCollectionMetrics=metrics(request, done.table, item),
    )


def _returned(returns: str | None, done: Done) -> Item | msgspec.Raw | None:
    match returns:
        case "ALL_OLD":
            return None if done.old is None else msgspec.Raw(json_of(done.old))
        case "ALL_NEW":
            return None if done.new is None else msgspec.Raw(json_of(done.new))
        case "UPDATED_OLD":
            return None if done.applied is None or done.old is None else done.applied.old
        case "UPDATED_NEW":
            return None if done.applied is None else done.applied.new
    return None


def _with(reply: dict[str, Any], **members: Any) -> dict[str, Any]:
    """Return a reply with those of the members that are not None."""
    for name, value in members.items():
        if value is not None:
            reply[name] = value
    return reply


HANDLERS: dict[str, Handler] = {
    "GetItem": get_item,
    "PutItem": put_item,
    "UpdateItem": update_item,
    "DeleteItem": delete_item,
}
