"""What the engine asks of a storage: ordered entries in collections, and some named documents.

All work happens in units. A writing unit is atomic and alone: no other writing unit runs at
the same time, in this process or another that shares the storage, and its changes are seen by
others all at once, when it ends without an exception, and are durable then. A reading unit
sees one state of the storage.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Protocol

import attrs

from ...codec.values import Item
from ..definitions import Position

__all__ = ["Entry", "Span", "Storage", "Unit"]


@attrs.define(eq=False, weakref_slot=False)
class Entry:
    """An item as stored. It is never changed: a change stores another entry.

    Attributes:
        item: Its attributes, with numbers in their normal form.
        size: In bytes, as DynamoDB counts.
        json: The item as JSON, if it has been needed; whoever makes it may keep it here.
    """

    item: Item
    size: int
    json: bytes | None = None


@attrs.frozen
class Span:
    """A stretch of positions in a collection, in the order of (hash bytes, sort bytes).

    Attributes:
        low: The first position, included.
        high: The end, not included; None for the end of the collection.
    """

    low: Position = (b"", b"")
    high: Position | None = None


class Unit(Protocol):
    """Some work that is done together."""

    def get(self, collection: int, position: Position) -> Entry | None:
        """Return the entry at a position, or None."""
        ...

    def entries(
        self, collection: int, span: Span, *, reverse: bool = False, limit: int | None = None
    ) -> Iterator[tuple[Position, Entry]]:
        """Yield the entries of a span in order, from its end where *reverse* is set.

        Args:
            limit: How many are likely to be wanted, to read no more at once; all can be had.
        """
        ...

    def put(self, collection: int, position: Position, entry: Entry) -> None:
        """Store an entry, in the place of the one that is there. Writing units only."""
        ...

    def delete(self, collection: int, position: Position) -> None:
        """Delete an entry if there is one. Writing units only."""
        ...

    def drop(self, collection: int) -> None:
        """Delete all entries of a collection. Writing units only."""
        ...

    def totals(self, collection: int) -> tuple[int, int]:
        """Return the number of entries of a collection, and their size in bytes."""
        ...

    def document(self, kind: str, name: str) -> bytes | None:
        """Return a document, or None.

        Args:
            kind: ``table``, ``token``, ``counter`` ...
        """
        ...

    def documents(self, kind: str) -> Iterator[tuple[str, bytes]]:
        """Yield (name, document) of a kind, in the order of names."""
        ...

    def put_document(self, kind: str, name: str, content: bytes) -> None:
        """Store a document. Writing units only."""
        ...

    def delete_document(self, kind: str, name: str) -> None:
        """Delete a document if there is one. Writing units only."""
        ...


class Storage(Protocol):
    """Keeps entries and documents."""

    def reading(self) -> AbstractContextManager[Unit]:
        """Return a unit that only reads."""
        ...

    def writing(self) -> AbstractContextManager[Unit]:
        """Return a unit that may write; nothing is kept when it ends by an exception."""
        ...

    def version(self, unit: Unit) -> int:
        """Return a number that changes whenever a document of kind ``table`` changes, by whomever."""
        ...

    def close(self) -> None:
        """Give up connections; entries in memory are forgotten."""
        ...
