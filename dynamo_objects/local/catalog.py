"""The definitions of all tables, kept as documents and remembered until one of them changes."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec

from .definitions import Table
from .errors import not_found
from .lifecycle import is_changing, settled
from .storage.base import Storage, Unit

__all__ = ["Catalog"]

_KIND = "table"
_COUNTER = ("counter", "collection")

_encode = msgspec.json.Encoder().encode
_decoder = msgspec.json.Decoder(Table)


class Catalog:
    """The tables of a storage.

    Args:
        storage: Keeps them.
        clock: Returns the seconds since 1970.
    """

    def __init__(self, storage: Storage, clock: Callable[[], float]) -> None:
        self._storage = storage
        self._clock = clock
        # One value, that threads see whole.
        self._known: tuple[int, dict[str, Table], set[str]] | None = None

    def find(self, unit: Unit, name: str) -> Table | None:
        """Return the table of a name, whatever its status, or None."""
        return self._now(unit)[0].get(name)

    def table(self, unit: Unit, name: str) -> Table:
        """Return a table whose items can be read and written.

        Raises:
            ApiError: There is none, or it is being created or deleted.
        """
        tables, changing = self._now(unit)
        table = tables.get(name)
        if table is not None and name in changing:
            table = settled(table, self._clock())
        if table is None or table.status in ("CREATING", "DELETING"):
            raise not_found("Requested resource not found")
        return table

    def names(self, unit: Unit) -> list[str]:
        """Return the names of all tables, sorted."""
        return sorted(self._now(unit)[0])

    def tables(self, unit: Unit) -> Iterable[Table]:
        """Return all tables."""
        return self._now(unit)[0].values()

    def save(self, unit: Unit, table: Table) -> None:
        """Store a definition, new or in the place of that of the same name."""
        unit.put_document(_KIND, table.name, _encode(table))
        self._known = None

    def delete(self, unit: Unit, name: str) -> None:
        """Delete a definition; entries are dropped by their own collections."""
        unit.delete_document(_KIND, name)
        self._known = None

    def new_collection(self, unit: Unit) -> int:
        """Return a number for a collection that was never used before."""
        last = unit.document(*_COUNTER)
        number = 1 if last is None else int(last) + 1
        unit.put_document(*_COUNTER, str(number).encode())
        return number

    def _now(self, unit: Unit) -> tuple[dict[str, Table], set[str]]:
        """Return all tables, and the names of those whose state passes by itself."""
        version = self._storage.version(unit)
        known = self._known
        if known is None or known[0] != version:
            found = (_decoder.decode(content) for _, content in unit.documents(_KIND))
            tables = {table.name: table for table in found}
            changing = {name for name, table in tables.items() if is_changing(table)}
            known = self._known = version, tables, changing
        return known[1], known[2]
