"""Units: changes that are kept together, or undone together where they were made, in memory.

A unit notes what it could not find out later: the values of records that had unwritten
changes before it, or were new, and each entry before it is saved, deleted or created. All
other records are as they were loaded; what a unit has changed in them is loaded again from
the item that they keep.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

import attrs

from ..codec.options import needs_copy
from ..errors import DynamoException
from .entries import Entry, Lookup, is_dirty
from .identity import IdentityMap

__all__ = ["Unit"]


@attrs.frozen(eq=False)
class _Before:
    """An entry as it was, and what its record was loaded as."""

    entry: Entry
    state: dict[str, Any]
    stored: Any
    loaded: Any

    @classmethod
    def of(cls, entry: Entry) -> _Before:
        """Return what is to be put back."""
        record = entry.record
        stored, loaded = (None, None) if record is None else (record._stored, record._loaded)
        return cls(entry, attrs.asdict(entry, recurse=False), stored, loaded)


class Unit:
    """The changes of one ``with`` block, which an exception undoes.

    Nothing is sent. When the block ends well, its changes wait for the next flush like all
    others. A unit belongs to the thread that opened it: flushes of others, and their units,
    wait until it is over. A unit inside a unit is undone alone.

    Attributes:
        is_undone: Whether its changes are, or will be, undone.
    """

    def __init__(self, map: IdentityMap) -> None:
        self._map = map
        self._lock: threading.Lock | None = None
        self._values: dict[int, tuple[Any, dict[str, Any]]] = {}
        self._before: dict[Lookup, _Before | None] = {}
        self._taken: dict[int, tuple[Any, Any, Any]] = {}
        self.is_undone = False

    def rollback(self) -> None:
        """Have the block undo its changes at its end, as an exception would."""
        self.is_undone = True

    # --- with ---------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        known = self._map
        if known.is_flushed_here:
            raise DynamoException(f"{known.table!r} in memory is being flushed by this thread: no unit here")
        if self in known.units:
            raise DynamoException("this unit is open already: unit() begins another one")
        if not known.is_in_unit:
            self._lock = known.flushing
            self._lock.acquire()
            known.unit_owner = threading.get_ident()
        try:
            with known.lock:
                known.units.append(self)
                entries = known.cache.entries()
            self._note(entries)
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.is_undone = self.is_undone or kind is not None
        known = self._map
        try:
            if self.is_undone:
                self._roll_back()
            elif known.on_unit is not None and self._lock is not None:
                self._accept(known.on_unit)
        finally:
            self._close()

    def _accept(self, accept: Callable[[list[Entry]], None]) -> None:
        """Have the changes accepted, or undo them."""
        try:
            accept(self.changed())
        except BaseException:
            self.is_undone = True
            self._roll_back()
            raise

    def _close(self) -> None:
        known = self._map
        with known.lock:
            if self in known.units:  # not in a forked child
                known.units.remove(self)
        self._values, self._before, self._taken = {}, {}, {}
        if self._lock is not None:
            lock, self._lock = self._lock, None
            known.unit_owner = None
            lock.release()

    # --- before -------------------------------------------------------------------------------

    def _note(self, entries: list[Entry]) -> None:
        """Note the values that could not be loaded again."""
        codec = self._map.codec
        for entry in entries:
            record = entry.record
            if record is not None and (record._stored is None or codec.is_dirty(record)):
                self._values[id(record)] = record, _copied(record)

    def remember(self, lookup: Lookup, entry: Entry | None, record: Any) -> None:
        """Note how an entry is before its first change, and what a record was loaded as."""
        if lookup not in self._before:
            self._before[lookup] = None if entry is None else _Before.of(entry)
        if record is not None:
            self._taken.setdefault(id(record), (record, record._stored, record._loaded))

    def changed(self) -> list[Entry]:
        """Return the entries with unwritten changes that were not there before the unit."""
        codec, changed = self._map.codec, []
        for entry in self._map.entries():
            record = entry.record
            _, values = self._values.get(id(record), (None, None))
            is_same = values is not None and record._values() == values and entry.lookup not in self._before
            if not is_same and is_dirty(codec, entry):
                changed.append(entry)
        return changed

    # --- undoing ------------------------------------------------------------------------------

    def _roll_back(self) -> None:
        known = self._map
        with known.planning, known.lock:
            if self not in known.units:
                return  # a forked child, which has nothing of it
            for record, stored, loaded in self._taken.values():
                known.codec.remember(record, stored, loaded)
            for lookup, before in self._before.items():
                self._put_back(lookup, before)
            for record, values in self._values.values():
                record._put_back(values)
            for entry in known.cache.entries():
                self._load_again(entry.record)

    def _put_back(self, lookup: Lookup, before: _Before | None) -> None:
        cache = self._map.cache
        if before is None:
            cache.remove(lookup)
            return
        entry = before.entry
        for name, value in before.state.items():
            setattr(entry, name, value)
        if entry.record is not None:
            self._map.codec.remember(entry.record, before.stored, before.loaded)
        if cache.peek(lookup) is not entry:
            cache.add(entry)

    def _load_again(self, record: Any) -> None:
        codec = self._map.codec
        if record is None or record._stored is None or id(record) in self._values:
            return
        if codec.is_dirty(record):
            stored = record._stored
            record._put_back(codec.decode(stored)._values())
            codec.remember(record, stored, codec.loaded_values(record))


def _copied(record: Any) -> dict[str, Any]:
    return {
        name: copy.deepcopy(value) if needs_copy(value) else value for name, value in record._values().items()
    }
