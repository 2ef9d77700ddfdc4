"""Global indexes that lag behind their table: changes wait, as documents, until they are due."""

from __future__ import annotations

import msgspec

from ..codec.sizes import item_size
from ..codec.values import Item
from .definitions import Index, Position
from .engine import Context
from .storage.base import Entry, Unit

__all__ = ["catch_up", "postpone"]

_KIND = "lag"


class _Change(msgspec.Struct):
    """One change of an index: what is to stand at a position; None for nothing."""

    collection: int
    hash: bytes
    sort: bytes
    item: Item | None


def postpone(context: Context, unit: Unit, index: Index, position: Position, item: Item | None) -> None:
    """Have an entry of an index stored or deleted later, after all changes before it."""
    due = context.options.clock() + context.options.index_lag_seconds
    last = next(reversed([name for name, _ in unit.documents(_KIND)]), None)
    number = 0 if last is None else int(last.partition("/")[2]) + 1
    change = _Change(index.collection, *position, item)
    unit.put_document(_KIND, f"{due:020.6f}/{number:012d}", msgspec.json.encode(change))


def catch_up(context: Context) -> None:
    """Carry out the changes that are due."""
    now = f"{context.options.clock():020.6f}/~"
    with context.storage.reading() as unit:
        if next((name for name, _ in unit.documents(_KIND)), "~") > now:
            return
    with context.storage.writing() as unit:
        known = {
            index.collection for table in context.catalog.tables(unit) for index in table.indexes.values()
        }
        for name, content in [(n, c) for n, c in unit.documents(_KIND) if n <= now]:
            _apply(unit, msgspec.json.decode(content, type=_Change), known)
            unit.delete_document(_KIND, name)


def _apply(unit: Unit, change: _Change, known: set[int]) -> None:
    if change.collection not in known:  # the index is gone
        return
    position = (change.hash, change.sort)
    if change.item is None:
        unit.delete(change.collection, position)
    else:
        unit.put(change.collection, position, Entry(change.item, item_size(change.item)))
