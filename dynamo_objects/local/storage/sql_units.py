"""Units of the SQL storage: positions and entries to parameters and rows.

A writing unit keeps its changes until somebody has to see them: its end, a search, a request
for totals. They are then sent all at once.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..definitions import Position
from .base import TABLE_KIND, Entry, OnlyReads, Span
from .sql_schema import parameters
from .sql_sessions import Session

__all__ = ["ReadingUnit", "WritingUnit"]

#: So many entries are read at once when nobody says how many are wanted, and while they are small ...
_CHUNK = 200
#: ... so many that they are about this many bytes.
_CHUNK_BYTES = 1024 * 1024
#: So many changes are kept before they are sent.
_MAX_CHANGES = 500

_Place = tuple[int, Position]
_Row = tuple[int | bytes, ...]


class ReadingUnit(OnlyReads):
    """A unit that only reads."""

    __slots__ = ("_cursor", "_session", "_sql")

    def __init__(self, session: Session) -> None:
        self._session = session
        self._cursor = session.cursor
        self._sql = session.sql

    def version(self) -> int:
        """Return the number of the tables' state."""
        return self._session.version()

    def end(self) -> None:
        """Have nobody use this unit any more."""
        del self._cursor

    def get(self, collection: int, position: Position) -> Entry | None:
        """Return the entry at a position, or None."""
        cursor = self._cursor
        cursor.execute(self._sql.get, (collection, *position))
        row = cursor.fetchone()
        return None if row is None else Entry.stored(*row)

    def entries(
        self, collection: int, span: Span, *, reverse: bool = False, limit: int | None = None
    ) -> Iterator[tuple[Position, Entry]]:
        """Yield the entries of a span in order."""
        low, high, count = span.low, span.high, limit or _CHUNK
        while True:
            self._cursor.execute(
                self._sql.spans[high is not None, reverse], parameters(collection, low, high, count)
            )
            rows = self._cursor.fetchall()
            for hash_bytes, sort_bytes, item, size in rows:
                yield (hash_bytes, sort_bytes), Entry.stored(item, size)
            if len(rows) < count:
                return
            last: Position = rows[-1][:2]
            low, high = (low, last) if reverse else ((last[0], last[1] + b"\x00"), high)
            mean = 1 + sum(row[3] for row in rows) // len(rows)
            count = max(1, min(_CHUNK * 5, _CHUNK_BYTES // mean))

    def totals(self, collection: int) -> tuple[int, int]:
        """Return the number of entries of a collection, and their size in bytes."""
        self._cursor.execute(self._sql.totals, (collection,))
        row = self._cursor.fetchone()
        return (0, 0) if row is None else (row[0], row[1])

    def document(self, kind: str, name: str) -> bytes | None:
        """Return a document, or None."""
        self._cursor.execute(self._sql.document, (kind, name.encode()))
        row = self._cursor.fetchone()
        return None if row is None else row[0]

    def documents(self, kind: str) -> Iterator[tuple[str, bytes]]:
        """Yield (name, document) of a kind, in the order of names."""
        self._cursor.execute(self._sql.documents, (kind,))
        for name, content in self._cursor.fetchall():
            yield name.decode(), content


class WritingUnit(ReadingUnit):
    """A unit that may write."""

    __slots__ = ("_changes", "_sizes")

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._changes: dict[_Place, Entry | None] = {}
        #: What is stored, as far as it was seen: the size of an entry, None for none.
        self._sizes: dict[_Place, int | None] = {}

    def get(self, collection: int, position: Position) -> Entry | None:
        """Return the entry at a position, or None."""
        place = (collection, position)
        if place in self._changes:
            return self._changes[place]
        entry = super().get(collection, position)
        self._sizes[place] = None if entry is None else entry.size
        return entry

    def entries(
        self, collection: int, span: Span, *, reverse: bool = False, limit: int | None = None
    ) -> Iterator[tuple[Position, Entry]]:
        """Yield the entries of a span in order, with what was changed before."""
        self.flush()
        return super().entries(collection, span, reverse=reverse, limit=limit)

    def totals(self, collection: int) -> tuple[int, int]:
        """Return the number of entries of a collection, and their size in bytes."""
        self.flush()
        return super().totals(collection)

    def put(self, collection: int, position: Position, entry: Entry) -> None:
        """Store an entry, in the place of the one that is there."""
        self._change((collection, position), entry)

    def delete(self, collection: int, position: Position) -> None:
        """Delete an entry if there is one."""
        self._change((collection, position), None)

    def drop(self, collection: int) -> None:
        """Delete all entries of a collection."""
        self.flush()
        self._sizes.clear()
        self._cursor.execute(self._sql.drop, (collection,))
        self._cursor.execute(self._sql.drop_totals, (collection,))

    def put_document(self, kind: str, name: str, content: bytes) -> None:
        """Store a document."""
        self._cursor.execute(self._sql.put_document, (kind, name.encode(), content))
        self._document_changed(kind)

    def delete_document(self, kind: str, name: str) -> None:
        """Delete a document if there is one."""
        self._cursor.execute(self._sql.delete_document, (kind, name.encode()))
        self._document_changed(kind)

    def flush(self) -> None:
        """Send the changes."""
        if not self._changes:
            return
        changes, self._changes = self._changes, {}
        puts: list[_Row] = []
        deletes: list[_Row] = []
        sums: dict[int, tuple[int, int]] = {}
        for place, entry in changes.items():
            collection, position = place
            old = self._size(place)
            number, size = sums.get(collection, (0, 0))
            if old is not None:
                number, size = number - 1, size - old
            if entry is not None:
                puts.append((collection, *position, entry.encoded(), entry.size))
                number, size = number + 1, size + entry.size
                self._sizes[place] = entry.size
            elif old is not None:
                deletes.append((collection, *position))
                self._sizes[place] = None
            sums[collection] = number, size
        self._send(self._sql.put, puts)
        self._send(self._sql.delete, deletes)
        self._send(self._sql.add_totals, [(number, *sum_) for number, sum_ in sums.items() if any(sum_)])

    def _change(self, place: _Place, entry: Entry | None) -> None:
        self._changes[place] = entry
        if len(self._changes) >= _MAX_CHANGES:
            self.flush()
            self._sizes.clear()

    def _size(self, place: _Place) -> int | None:
        """Return the size of what is stored at a place, or None."""
        if place in self._sizes:
            return self._sizes[place]
        self._cursor.execute(self._sql.size, (place[0], *place[1]))
        row = self._cursor.fetchone()
        return None if row is None else row[0]

    def _send(self, statement: str, rows: list[_Row]) -> None:
        if len(rows) == 1:
            self._cursor.execute(statement, rows[0])
        elif rows:
            self._cursor.executemany(statement, rows)

    def _document_changed(self, kind: str) -> None:
        if kind == TABLE_KIND:
            # Each time, for whoever looks between two changes.
            self._session.change_version()
