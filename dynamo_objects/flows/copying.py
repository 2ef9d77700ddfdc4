"""Copies items from table to table, one conditional write for each, several at a time."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from ..codec.structs import Quiet
from ..codec.values import Item
from ..errors import ConditionFailed, DynamoSchemaException, ItemExists
from ..expressions.tree import AttributeNotExists, Path, Set, Update, Value
from ..operations.item import PutItem, UpdateItem
from ..operations.search import Page, Scan
from ..operations.table import TableDescription
from .base import Emit, Flow, Together

__all__ = ["Copied", "copy_item", "copy_table"]

#: Attributes that one update sets, so that its expression stays under 4 KB.
_ATTRIBUTES_AT_ONCE = 200


class Copied(Quiet, frozen=True):
    """One item was copied.

    Attributes:
        item: As written.
    """

    unshown = frozenset({"item"})

    item: Item


def copy_table(
    source: str,
    target: TableDescription,
    *,
    update: bool,
    transform: Callable[[Item], Item],
) -> Flow[int]:
    """Copy all items of a table, emitting Copied, and return how many.

    Args:
        source: Name of the table with its prefix.
        target: The other table.
        update: Merge into items that exist, instead of raising ItemExists.
        transform: Gets each item and returns the one to write.
    """
    count = 0
    scan = Scan(table=source, consistent=True)
    while True:
        page: Page = yield scan
        items = [transform(item) for item in page.items]
        yield Together(_copy_one(target, item, update) for item in items)
        count += len(items)
        if page.last_key is None:
            return count
        scan = msgspec.structs.replace(scan, start_key=page.last_key)


def _copy_one(target: TableDescription, item: Item, update: bool) -> Flow[None]:
    yield from copy_item(target, item, update=update)
    yield Emit(Copied(item))


def copy_item(target: TableDescription, item: Item, *, update: bool) -> Flow[None]:
    """Write one item to another table.

    Raises:
        ItemExists: The key is taken, and *update* is not set.
        DynamoSchemaException: The item has no key for the other table.
    """
    if missing := [wire for wire, _ in target.keys if wire not in item]:
        raise DynamoSchemaException(f"an item has no {missing[0]}, which is a key of {target.name}")
    key = {wire: item[wire] for wire, _ in target.keys}
    if update:
        yield from _merge(target.name, key, item)
        return
    absent = AttributeNotExists(Path.of(target.keys[0][0]))
    try:
        yield PutItem(target.name, item, absent, key_wires=frozenset(key))
    except ConditionFailed as failed:
        raise ItemExists(
            f"Item already exists: {key!r} in {target.name}; update=True merges into it",
            table=target.name,
            key=key,
            item=failed.item,
        ) from None


def _merge(table: str, key: Item, item: Item) -> Flow[None]:
    others = [wire for wire in item if wire not in key]
    for start in range(0, max(len(others), 1), _ATTRIBUTES_AT_ONCE):
        wires = others[start : start + _ATTRIBUTES_AT_ONCE]
        sets = tuple(Set(Path.of(wire), Value(item[wire])) for wire in wires)
        yield UpdateItem(table, key, Update(sets=sets))
