"""Entries in memory: a dict for each collection, and its positions in order.

One lock makes all units exclusive. They are short, and the interpreter runs one thread at a
time anyway. A writing unit remembers what it changed, and puts it back after an exception.
"""

from __future__ import annotations

from collections.abc import Iterator
from threading import Lock
from types import TracebackType

from ..definitions import Position
from .base import TABLE_KIND, Entry, OnlyReads, Span, Unit
from .forking import whole_at_fork
from .ordered import Positions

__all__ = ["MemoryStorage"]

#: So many positions are looked at at once, when nobody says how many are wanted.
_CHUNK = 100


class _Collection:
    """The entries of one collection."""

    __slots__ = ("bytes", "entries", "order")

    def __init__(self) -> None:
        self.entries: dict[Position, Entry] = {}
        self.order = Positions()
        self.bytes = 0

    def put(self, position: Position, entry: Entry) -> Entry | None:
        """Store an entry, and return the one that was there."""
        entries = self.entries
        old = entries.get(position)
        entries[position] = entry
        if old is None:
            self.order.add(position)
            self.bytes += entry.size
        else:
            self.bytes += entry.size - old.size
        return old

    def delete(self, position: Position) -> Entry | None:
        """Delete an entry, and return it if it was there."""
        old = self.entries.pop(position, None)
        if old is not None:
            self.order.remove(position)
            self.bytes -= old.size
        return old


class _Reading(OnlyReads):
    """The unit that reads; all reading units are this one, one after the other."""

    __slots__ = ("_storage",)

    def __init__(self, storage: MemoryStorage) -> None:
        self._storage = storage

    def __enter__(self) -> Unit:
        self._storage.lock.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._storage.lock.release()

    def get(self, collection: int, position: Position) -> Entry | None:
        found = self._storage.collections.get(collection)
        return None if found is None else found.entries.get(position)

    def entries(
        self, collection: int, span: Span, *, reverse: bool = False, limit: int | None = None
    ) -> Iterator[tuple[Position, Entry]]:
        found = self._storage.collections.get(collection)
        if found is None:
            return
        get, count, (low, high) = found.entries.get, limit or _CHUNK, (span.low, span.high)
        while True:
            order = found.order
            chunk = order.behind(low, high, count) if reverse else order.ahead(low, high, count)
            for position in chunk:
                entry = get(position)
                if entry is not None:  # it may have been deleted since
                    yield position, entry
            if len(chunk) < count:
                return
            if reverse:
                high = chunk[-1]
            else:
                low = (chunk[-1][0], chunk[-1][1] + b"\x00")
            count = max(count, _CHUNK)

    def totals(self, collection: int) -> tuple[int, int]:
        found = self._storage.collections.get(collection)
        return (0, 0) if found is None else (len(found.entries), found.bytes)

    def document(self, kind: str, name: str) -> bytes | None:
        return self._storage.documents.get(kind, {}).get(name)

    def documents(self, kind: str) -> Iterator[tuple[str, bytes]]:
        yield from sorted(self._storage.documents.get(kind, {}).items())


class _Writing(_Reading):
    """The unit that writes."""

    __slots__ = ("_old_documents", "_undo")

    def __init__(self, storage: MemoryStorage) -> None:
        super().__init__(storage)
        # What was there before each change; for a whole collection the position is None.
        self._undo: list[tuple[int, Position | None, Entry | _Collection | None]] = []
        self._old_documents: list[tuple[str, str, bytes | None]] = []

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is not None:
                self._undo_all()
        finally:
            self._undo.clear()
            self._old_documents.clear()
            self._storage.lock.release()

    def put(self, collection: int, position: Position, entry: Entry) -> None:
        collections = self._storage.collections
        found = collections.get(collection)
        if found is None:
            found = collections[collection] = _Collection()
        self._undo.append((collection, position, found.put(position, entry)))

    def delete(self, collection: int, position: Position) -> None:
        found = self._storage.collections.get(collection)
        if found is not None:
            old = found.delete(position)
            if old is not None:
                self._undo.append((collection, position, old))

    def drop(self, collection: int) -> None:
        old = self._storage.collections.pop(collection, None)
        self._undo.append((collection, None, old))

    def put_document(self, kind: str, name: str, content: bytes) -> None:
        self._change_document(kind, name, content)

    def delete_document(self, kind: str, name: str) -> None:
        self._change_document(kind, name, None)

    def _change_document(self, kind: str, name: str, content: bytes | None) -> None:
        self._old_documents.append((kind, name, self._storage.set_document(kind, name, content)))

    def _undo_all(self) -> None:
        collections = self._storage.collections
        for number, position, old in reversed(self._undo):
            if isinstance(old, _Collection):
                collections[number] = old
            elif position is None:
                collections.pop(number, None)
            elif old is None:
                collections[number].delete(position)
            else:
                collections[number].put(position, old)
        for kind, name, content in reversed(self._old_documents):
            self._storage.set_document(kind, name, content)


class MemoryStorage:
    """Entries in memory; several threads may use them.

    After a fork, parent and child go on with a copy each.
    """

    def __init__(self) -> None:
        self.lock = Lock()
        self.collections: dict[int, _Collection] = {}
        self.documents: dict[str, dict[str, bytes]] = {}
        self._version = 0
        self._reading = _Reading(self)
        self._writing = _Writing(self)
        whole_at_fork(self)

    def reading(self) -> _Reading:
        """Return a unit that only reads."""
        return self._reading

    def writing(self) -> _Writing:
        """Return a unit that may write; nothing is kept when it ends by an exception."""
        return self._writing

    def version(self, unit: Unit) -> int:
        """Return a number that changes whenever a document of kind ``table`` changes; it only grows."""
        return self._version

    def close(self) -> None:
        """Forget everything."""
        with self.lock:
            self.collections.clear()
            self.documents.clear()
            self._version += 1

    def set_document(self, kind: str, name: str, content: bytes | None) -> bytes | None:
        """Store a document, or delete it, and return the one that was there."""
        if kind == TABLE_KIND:
            self._version += 1
        documents = self.documents.setdefault(kind, {})
        if content is None:
            return documents.pop(name, None)
        old = documents.get(name)
        documents[name] = content
        return old

    def before_fork(self) -> None:
        """Wait until no unit is under way."""
        self.lock.acquire()

    def after_fork(self) -> None:
        """Let units go on."""
        self.lock.release()
