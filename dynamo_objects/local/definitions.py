"""Definitions of tables and indexes, and where their items stand.

Every table and every index is a *collection* of entries of its own. An entry stands at a
*position*: (hash bytes, sort bytes), by which ``storage`` orders it. The hash bytes begin with
a digest, so that a scan, which goes through all positions in order, meets hash keys in no
order that one could rely on, and segments are of equal size.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import Any, Literal

import msgspec

from ..codec.values import AttributeValue, Item
from .keys import digest, number_bytes, ordered_bytes, text_bytes

__all__ = ["Index", "KeyPart", "Keys", "Position", "Table", "Units"]

#: (hash bytes, sort bytes)
Position = tuple[bytes, bytes]


class KeyPart(msgspec.Struct, frozen=True):
    """One attribute of a key.

    Attributes:
        name: Of the attribute.
        type: ``S``, ``N`` or ``B``.
    """

    name: str
    type: str


class Keys(msgspec.Struct, frozen=True, dict=True):  # a dict for cached properties
    """The key of a table, one hash and at most one range attribute, or of an index, up to four of each."""

    hash: tuple[KeyPart, ...]
    range: tuple[KeyPart, ...] = ()

    @cached_property
    def parts(self) -> tuple[KeyPart, ...]:
        """Hash and range parts."""
        return self.hash + self.range

    @cached_property
    def named(self) -> tuple[tuple[str, str], ...]:
        """Name and type of each part."""
        return tuple((part.name, part.type) for part in self.parts)

    @cached_property
    def position(self) -> Callable[[Item], Position]:
        """The function from an item that has these attributes, of their types, to where it stands."""
        hash_of, range_of = _bytes_of(self.hash), _bytes_of(self.range)

        def position(item: Item) -> Position:
            raw = hash_of(item)
            return digest(raw) + raw, range_of(item)

        return position

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of the attributes."""
        return tuple([part.name for part in self.parts])  # quicker than without the list

    def hash_bytes(self, item: Item) -> bytes:
        """Return the hash bytes of an item that has the hash attributes, of their types."""
        raw = _joined(self.hash, item)
        return digest(raw) + raw

    def range_bytes(self, item: Item) -> bytes:
        """Return the sort bytes that its range attributes give an item; of the first ones if it lacks others."""
        parts = self.range
        if len(parts) != 1 or parts[0].name not in item:
            parts = tuple(part for part in parts if part.name in item)
        return _joined(parts, item)


def _joined(parts: tuple[KeyPart, ...], item: Item) -> bytes:
    if len(parts) == 1:  # as in most keys
        part = parts[0]
        return ordered_bytes(part.type, item[part.name][part.type])
    return b"".join(ordered_bytes(part.type, item[part.name][part.type]) for part in parts)


def _bytes_of(parts: tuple[KeyPart, ...]) -> Callable[[Item], bytes]:
    """Return the function that does for one part what `_joined` does for any."""
    if not parts:
        return lambda item: b""
    first, *others = parts
    if others or first.type == "B":
        return lambda item: _joined(parts, item)
    name, type = first.name, first.type
    made = text_bytes if type == "S" else number_bytes
    return lambda item: made(item[name][type])


class Units(msgspec.Struct, frozen=True):
    """Provisioned capacity units per second."""

    read: int
    write: int


class Index(msgspec.Struct, frozen=True):
    """One secondary index.

    Attributes:
        name: Of the index.
        collection: Number of its entries in storage, never used twice.
        is_global: Or local.
        keys: Of the index.
        projection: What it holds besides keys: ``ALL``, ``KEYS_ONLY`` or the names of attributes.
        units: Of a provisioned global index.
        status: ``ACTIVE``, ``CREATING``, ``UPDATING`` or ``DELETING``.
        description: Further members that DescribeTable answers with, as they were given.
    """

    name: str
    collection: int
    is_global: bool
    keys: Keys
    projection: Literal["ALL", "KEYS_ONLY"] | frozenset[str] = "ALL"
    units: Units | None = None
    status: str = "ACTIVE"
    description: Mapping[str, Any] = msgspec.field(default_factory=dict)


class Table(msgspec.Struct, frozen=True):
    """One table.

    Attributes:
        name: Of the table.
        collection: Number of its entries in storage, never used twice.
        keys: One hash, at most one range attribute.
        types: Attribute -> ``S``, ``N`` or ``B``, of all keys here and in indexes.
        indexes: By name.
        units: Provisioned units; None for an on-demand table.
        status: ``ACTIVE``, ``CREATING``, ``UPDATING`` or ``DELETING``.
        created: Seconds since 1970.
        ttl: The attribute that items expire by, or None.
        description: Further members that DescribeTable answers with.
    """

    name: str
    collection: int
    keys: Keys
    types: Mapping[str, str]
    indexes: Mapping[str, Index] = msgspec.field(default_factory=dict)
    units: Units | None = None
    status: str = "ACTIVE"
    created: float = 0.0
    ttl: str | None = None
    description: Mapping[str, Any] = msgspec.field(default_factory=dict)

    def key_of(self, item: Item) -> Item:
        """Return the key attributes of an item."""
        return {part.name: item[part.name] for part in self.keys.parts}

    def position(self, item: Item) -> Position:
        """Return where an item, or its key, stands in the table."""
        return self.keys.position(item)

    def index_position(self, index: Index, item: Item) -> Position | None:
        """Return where an item stands in an index; None when the index does not hold it.

        Behind the index's own keys stand the table's, to tell items of equal index keys apart.
        """
        for part in index.keys.parts:
            value: AttributeValue | None = item.get(part.name)
            if value is None or part.type not in value:
                return None
        hash_bytes, sort_bytes = self.position(item)
        own = index.keys.range_bytes(item)
        if not index.is_global:
            return index.keys.hash_bytes(item), own + sort_bytes
        return index.keys.hash_bytes(item), own + hash_bytes + sort_bytes

    def projected(self, index: Index, item: Item) -> Item:
        """Return what an index holds of an item."""
        if index.projection == "ALL":
            return item
        names = {*self.keys.names, *index.keys.names}
        if not isinstance(index.projection, str):
            names |= index.projection
        return {name: value for name, value in item.items() if name in names}

    def entries(self, item: Item) -> Iterator[tuple[Index, Position, Item]]:
        """Yield the entries of an item in the indexes that hold it: index, position, what it holds."""
        for index in self.indexes.values():
            if index.status != "DELETING":
                position = self.index_position(index, item)
                if position is not None:
                    yield index, position, self.projected(index, item)
