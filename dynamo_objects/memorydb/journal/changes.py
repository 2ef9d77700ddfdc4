"""From what a flush is going to write to what a journal keeps of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...codec.typed import plain_item
from ...codec.values import Item
from ...flows.flushing import Guarded, Removal
from ...operations.batch import Write, key_identity
from ...schema import TableSchema
from ..plan import Plan, Stored
from .lines import Kind, change_body

__all__ = ["Planned", "failed_keys", "planned_changes"]


#: A write, the identity of its key, its key attributes, and what the change says.
Planned = tuple[Write | Guarded, tuple[Any, ...], Item, bytes]


def planned_changes(schema: TableSchema, plan: Plan) -> Iterator[Planned]:
    """Yield what a journal keeps of each write of a plan."""
    for write in plan.batch:
        yield _planned(write, write.key, write.item)
    for guarded in plan.guarded:
        if isinstance(guarded.plan, Removal):
            yield _planned(guarded, guarded.plan.operation.key, None)
        else:
            item = guarded.plan.item
            yield _planned(guarded, schema.key_of(item), item)


def _planned(write: Write | Guarded, key: Item, item: Item | None) -> Planned:
    kind, base = _based(write.ref, item)
    base = None if base is None else plain_item(base)
    return write, key_identity(key), key, change_body(kind, key, item, base)


def _based(stored: Stored, item: Item | None) -> tuple[Kind, Item | None]:
    """Return the kind of a change, and the item that it was made from."""
    if item is None:
        return "delete", stored.entry.base
    if stored.record._stored is not None:
        return "update", stored.record._stored
    # A new record where an item is to go takes its place.
    base = stored.entry.base
    return ("put", None) if base is None else ("replace", base)


def failed_keys(schema: TableSchema, plan: Plan) -> set[tuple[Any, ...]]:
    """Return the keys of the records that could not be planned."""
    return {key_identity(schema.key_item(*schema.pair(failure.key))) for failure in plan.failed}
