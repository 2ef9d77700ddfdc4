"""What the engine asks of a storage: ordered entries in collections, and some named documents.

All work happens in units. A writing unit is atomic and alone: no other writing unit runs at
the same time, in this process or another that shares the storage, and its changes are seen by
others all at once, when it ends without an exception, and are durable then. A reading unit
sees one state of the storage. A unit is used by one thread, inside its ``with`` block only,
and no thread opens a unit inside another.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from ...codec.values import Item
from ...errors import DynamoException
from ..definitions import Position

__all__ = ["Entry", "OnlyReads", "Span", "Storage", "StorageError", "TABLE_KIND", "Unit"]

#: Documents of this kind define tables: when one changes, `Storage.version` does.
TABLE_KIND = "table"

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(dict[str, dict[str, Any]]).decode


class StorageError(DynamoException):
    """A storage cannot be opened, or cannot go on; the message says what to do."""


class Entry:
    """An item as stored. It is never changed: a change stores another entry.

    Attributes:
        item: Its attributes, with numbers in their normal form; decoded when it is first asked for.
        size: In bytes, as DynamoDB counts.
        json: The item as JSON, if it has been needed; see `encoded`.
    """

    __slots__ = ("item", "json", "size")

    item: Item
    size: int
    json: bytes | None

    def __init__(self, item: Item, size: int, json: bytes | None = None) -> None:
        self.item = item
        self.size = size
        self.json = json

    @classmethod
    def stored(cls, json: bytes, size: int) -> Entry:
        """Return the entry of an item that is at hand as JSON."""
        entry = cls.__new__(cls)
        entry.json = json
        entry.size = size
        return entry

    def encoded(self) -> bytes:
        """Return the item as JSON, made once."""
        json = self.json
        if json is None:
            json = self.json = _encode(self.item)
        return json

    if not TYPE_CHECKING:  # checkers know the attributes from above

        def __getattr__(self, name: str) -> Any:
            # Python asks here only for what is not set: an item that is still JSON.
            if name != "item":
                raise AttributeError(name)
            self.item = item = _decode(self.json)
            return item

    def __repr__(self) -> str:
        return f"<Entry of {self.size} bytes>"


class Span(msgspec.Struct, frozen=True):
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

        Entries may be put and deleted meanwhile: what lies ahead shows the change, or not.

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


class OnlyReads:
    """What a reading unit answers when it is asked to write."""

    __slots__ = ()

    def put(self, collection: int, position: Position, entry: Entry) -> None:
        """Refuse."""
        raise _only_reads()

    def delete(self, collection: int, position: Position) -> None:
        """Refuse."""
        raise _only_reads()

    def drop(self, collection: int) -> None:
        """Refuse."""
        raise _only_reads()

    def put_document(self, kind: str, name: str, content: bytes) -> None:
        """Refuse."""
        raise _only_reads()

    def delete_document(self, kind: str, name: str) -> None:
        """Refuse."""
        raise _only_reads()


def _only_reads() -> StorageError:
    return StorageError("this unit only reads: write in one from writing()")


class Storage(Protocol):
    """Keeps entries and documents."""

    def reading(self) -> AbstractContextManager[Unit]:
        """Return a unit that only reads."""
        ...

    def writing(self) -> AbstractContextManager[Unit]:
        """Return a unit that may write; nothing is kept when it ends by an exception."""
        ...

    def version(self, unit: Unit) -> int:
        """Return a number that changes whenever a document of kind ``table`` changes, by whomever.

        A number that was seen once never stands for another state, even where units that
        changed tables have been undone.
        """
        ...

    def close(self) -> None:
        """Give up connections; entries in memory are forgotten."""
        ...
