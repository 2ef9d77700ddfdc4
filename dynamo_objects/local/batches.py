"""BatchGetItem and BatchWriteItem."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

import msgspec

from ..codec.values import Item
from .capacity import Consumed, read_units, reports
from .definitions import Position, Table
from .engine import Context, Handler
from .errors import ApiError, invalid, not_found, throughput_exceeded
from .expressions.projecting import project
from .items import json_of, paths_of, read
from .legacy import check_mixed
from .requests import name_of
from .schema import check_index_keys, check_item, check_key, check_paths, has_usual_keys, mismatch
from .storage.base import Unit
from .values import checked_item
from .writes import Place, Write, carry_out, metrics, plan, plan_put

__all__ = ["HANDLERS"]

MAX_READS = 100
MAX_WRITES = 25
#: Bytes of items in one reply (API reference, BatchGetItem).
MAX_REPLY_BYTES = 16 * 1024 * 1024

_DUPLICATES = "Provided list of item keys contains duplicates"


# --- reading ------------------------------------------------------------------------------


class _Read(msgspec.Struct, frozen=True):
    """What is asked of one table.

    Attributes:
        name: As the request names the table.
        asked: The request's part for it.
        keys: Checked by themselves.
        paths: The parts of items that are wanted; None for all.
    """

    name: str
    asked: Mapping[str, Any]
    keys: list[Item]
    paths: Any

    @property
    def consistent(self) -> bool:
        """Tell whether the reads are consistent."""
        return bool(self.asked.get("ConsistentRead"))


def batch_get_item(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Return the items of many keys, as far as one reply can hold them."""
    reads = list(_planned_reads(request["RequestItems"]))
    responses: dict[str, Any] = {}
    unprocessed: dict[str, Any] = {}
    totals = []
    room = MAX_REPLY_BYTES
    with context.storage.reading() as unit:
        tables = [_table(context, unit, wanted.name) for wanted in reads]
        for wanted, table in zip(reads, tables, strict=True):
            check_paths(table, wanted.paths or ())
            _check_keys(table, wanted.keys)
        for wanted, table in zip(reads, tables, strict=True):
            found, left, room, consumed = _read(context, unit, table, wanted, room)
            responses[wanted.name] = msgspec.Raw(b"[" + b",".join(found) + b"]")
            if left:
                unprocessed[wanted.name] = {**wanted.asked, "Keys": left}
            totals.append(consumed)
    if unprocessed and room and not any(consumed.own for consumed in totals):
        raise throughput_exceeded()
    reply = {"Responses": responses, "UnprocessedKeys": unprocessed}
    capacity = reports(request, totals)
    return reply if capacity is None else {**reply, "ConsumedCapacity": capacity}


def _planned_reads(requested: Mapping[str, Any]) -> Iterator[_Read]:
    for name, asked in requested.items():
        paths = None if len(asked) == 1 else paths_of(asked)
        yield _Read(name, asked, [checked_item(key) for key in asked["Keys"]], paths)
    kinds = [
        name
        for name in ("AttributesToGet", "ProjectionExpression")
        if any(name in a for a in requested.values())
    ]
    if len(kinds) > 1:
        check_mixed(dict.fromkeys(kinds, True), ("AttributesToGet",), ("ProjectionExpression",))
    if sum(len(asked["Keys"]) for asked in requested.values()) > MAX_READS:
        raise invalid("Too many items requested for the BatchGetItem call")


def _check_keys(table: Table, keys: list[Item]) -> None:
    seen: set[Position] = set()
    for key in keys:
        check_key(table, key)
        seen.add(table.position(key))
    if len(seen) != len(keys):
        raise invalid(_DUPLICATES)


def _read(
    context: Context, unit: Unit, table: Table, wanted: _Read, room: int
) -> tuple[list[bytes], list[Item], int, Consumed]:
    """Return the items found as JSON, the keys that were not read, the room left, and the units taken."""
    found: list[bytes] = []
    consumed = Consumed(table)
    for place, key in enumerate(wanted.keys):
        entry = read(unit, table, key)
        size = 0 if entry is None else entry.size
        units = read_units(size, consistent=wanted.consistent)
        if size > room or not context.meter.has_read(table, units):
            return found, wanted.keys[place:], 0 if size > room else room, consumed
        room -= size
        consumed.own += units
        if entry is not None:
            found.append(_shown(entry, wanted.paths))
    return found, [], room, consumed


def _shown(entry: Any, paths: Any) -> bytes:
    return json_of(entry) if paths is None else msgspec.json.encode(project(paths, entry.item))


# --- writing ------------------------------------------------------------------------------


#: One write of a batch: the table as it stands in the request, what is asked, and what that does.
_Planned: TypeAlias = tuple[str, Mapping[str, Any], Write]


def batch_write_item(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Put and delete many items, each by itself."""
    requested = request["RequestItems"]
    if sum(map(len, requested.values())) > MAX_WRITES:
        raise invalid("Too many items requested for the BatchWriteItem call")
    writes = [
        (name, asked, _planned_write(name, asked)) for name, listed in requested.items() for asked in listed
    ]
    is_measured = request.get("ReturnItemCollectionMetrics") == "SIZE"
    unprocessed: dict[str, list[Any]] = {}
    collections: dict[str, list[Any]] = {}
    totals: dict[str, Consumed] = {}
    with context.storage.writing() as unit:
        for (name, asked, write), place in zip(writes, _places(context, unit, writes), strict=True):
            if not context.meter.has_write(place[0]):
                unprocessed.setdefault(name, []).append(asked)
                continue
            done = carry_out(context, unit, write, place=place)
            context.meter.write(done.consumed)
            if name not in totals:
                totals[name] = Consumed(done.table, is_write=True)
            totals[name].add(done.consumed)
            if is_measured and (found := metrics(request, done.table, write.item)) is not None:
                collections.setdefault(name, []).append(found)
    if unprocessed and not totals:
        raise throughput_exceeded()
    reply: dict[str, Any] = {"UnprocessedItems": unprocessed}
    if (capacity := reports(request, totals.values())) is not None:
        reply["ConsumedCapacity"] = capacity
    if is_measured:
        reply["ItemCollectionMetrics"] = collections
    return reply


_WRITES = frozenset({"PutRequest", "DeleteRequest"})


def _planned_write(name: str, asked: Mapping[str, Any]) -> Write:
    named = [member for member in asked if member in _WRITES and asked[member] is not None]
    if len(named) != 1:
        raise invalid(
            "Supplied AttributeValue has more than one datatypes set, "
            "must contain exactly one of the supported datatypes"
            if named
            else "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"
        )
    (member,) = named
    inner = asked[member]
    if member == "PutRequest":
        return plan_put(name_of(name), inner["Item"], "older")
    return plan("Delete", {"TableName": name, "Key": inner["Key"]}, "older")


def _places(context: Context, unit: Unit, writes: list[_Planned]) -> list[Place]:
    """Return where the writes go, all checked against their tables, so that a bad one leaves nothing behind."""
    tables: dict[str, Table] = {}
    places: list[Place] = []
    for name, _, write in writes:
        table = tables.get(name)
        if table is None:
            table = tables[name] = _table(context, unit, name)
        _check_fits(table, write)
        places.append((table, table.keys.position(write.item)))
    if len({(table.collection, position) for table, position in places}) != len(places):
        raise invalid(_DUPLICATES)
    return places


def _check_fits(table: Table, write: Write) -> None:
    if write.action != "Put":
        check_key(table, write.item)
        return
    item = write.item
    if has_usual_keys(table, item):
        if table.indexes:
            check_index_keys(table, item)
        return
    if not all(part.type in item.get(part.name, ()) for part in table.keys.parts):
        raise mismatch()
    check_item(table, item)


def _table(context: Context, unit: Unit, name: str) -> Table:
    try:
        return context.catalog.table(unit, name_of(name))
    except ApiError as error:
        if error.code != "ResourceNotFoundException":
            raise
        raise not_found("Requested resource not found") from None


HANDLERS: dict[str, Handler] = {"BatchGetItem": batch_get_item, "BatchWriteItem": batch_write_item}
