"""The identity map: what is known of each key, and the one record of it.

``lock`` is held while entries change, never while requests run, and never while code of
users runs (``_check_data``, validators, progress bars). ``planning`` keeps ``save`` and
``delete`` away from records that a flush is looking at, ``flushing`` keeps flushes and
units apart.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from typing import Any, Protocol

from ..codec.values import Item
from ..errors import DynamoException, Failure
from ..flows.deciding import OnConflict
from ..table import DynamoTable
from .cache import BoundedCache, Cache, UnboundedCache, entry_bytes
from .entries import Entry, Lookup, counted_on, is_dirty, rebased, shape

__all__ = ["IdentityMap", "Keeper", "OpenUnit", "Reading"]


class Reading:
    """A read under way: others who want the key wait for it.

    Attributes:
        done: Set when it has ended, well or not.
        entry: What was found; None when it failed.
        error: Why it failed, for those who have had it read by somebody else.
        is_outdated: Whether the key was saved meanwhile, so that what is read may be old.
    """

    def __init__(self) -> None:
        self.done = threading.Event()
        self.entry: Entry | None = None
        self.error: Exception | None = None
        self.is_outdated = False


class OpenUnit(Protocol):
    """A unit that wants to know what is about to change."""

    def remember(self, lookup: Lookup, entry: Entry | None, record: Any) -> None:
        """Note how an entry is, None for none, and the record that is to come; called with the lock."""


class Keeper(Protocol):
    """A journal, as those see it who do not write it."""

    @property
    def count(self) -> int:
        """Return how many records are accepted and not known to be written."""
        ...

    def accept(self, plan: Any, *, sends: bool = True) -> Callable[[Iterable[Any]], None]:
        """Have what a plan writes on disk, and return what is told of acknowledged writes."""
        ...

    def settle(self) -> None:
        """At the end of a flush: drop what is done."""

    def check_reset(self) -> None:
        """Raise JournalError if there are changes that were accepted and not written."""

    def discard(self) -> None:
        """Forget what was accepted and not written."""

    def open(self) -> None:
        """Open the file, if it was closed."""

    def close(self) -> None:
        """Let others use the file."""


class IdentityMap:
    """What is known of the keys of one table.

    Args:
        table: The table to read from.
        maxsize: How many clean entries to keep; None for any number.
        maxbytes: Bytes of their items; None for any number.

    Attributes:
        name: Name of the table, with its prefix, that everything here is from.
        cache: The entries. Whoever uses it holds ``lock``.
        loads: Whether single keys that are not cached are read.
        hits: How many single keys were found here.
        db_reads: How many requests read something.
        is_bounded: Whether entries may be dropped.
        flushes: How many flushes have begun and ended; odd while one is under way.
        readings: Reads under way. Whoever uses it holds ``lock``.
        flusher: The thread that flushes, while one does.
        deciders: Threads in which a function of the user's decides a conflict of a flush.
        on_conflict: What to do when a guarded write of a flush meets another.
        units: The open units, the innermost last; they belong to one thread, ``unit_owner``.
        journal: Keeps what was accepted, if there is one.
        is_left: Whether its end was looked at.
        on_unit: Told the entries that a unit has changed, when it has ended well.
        marks: What is counted for the high-water mark, if there is one.
        was_reported: The keys of which the last flush has said that they were not written.
        was_inherited_dirty: Whether this process was forked off with unwritten changes.
    """

    def __init__(
        self, table: DynamoTable[Any], maxsize: int | None = None, maxbytes: int | None = None
    ) -> None:
        self.table = table
        self.schema = table._schema
        self.name = self._name_now()
        self.codec = self.schema.codec
        self.lock = threading.RLock()
        self.planning = threading.RLock()
        self.flushing = threading.Lock()
        self.flusher: int | None = None
        self.deciders: set[int] = set()
        self.on_conflict: OnConflict = "raise"
        self.units: list[OpenUnit] = []
        self.unit_owner: int | None = None
        self.journal: Keeper | None = None
        self.is_left = False
        self.on_unit: Callable[[list[Entry]], None] | None = None
        self.marks: set[Lookup] | None = None
        self.was_reported: frozenset[Any] = frozenset()
        self.is_bounded = maxsize is not None or maxbytes is not None
        self.cache: Cache = UnboundedCache()
        if self.is_bounded:
            size = partial(entry_bytes, self.codec.encode)
            self.cache = BoundedCache(maxsize, maxbytes, partial(is_dirty, self.codec), size)
        self.loads = True
        self.hits = 0
        self.db_reads = 0
        self.was_inherited_dirty = False
        self.flushes = 0
        self.readings: dict[Lookup, Reading] = {}
        _maps.add(self)

    def lookup(self, item: Item) -> Lookup:
        """Return the key of an item, or of its key attributes, as a typed tuple."""
        return self.schema.lookup_item(item)

    def entries(self) -> list[Entry]:
        """Return all entries."""
        with self.lock:
            return self.cache.entries()

    def dirty(self) -> list[Entry]:
        """Return the entries for which a flush has something to write."""
        codec = self.codec
        return [entry for entry in self.entries() if is_dirty(codec, entry)]

    @property
    def is_in_unit(self) -> bool:
        """Tell whether this thread has an open unit."""
        return self.unit_owner == threading.get_ident()

    def _remember(self, lookup: Lookup, entry: Entry | None, record: Any = None) -> None:
        for unit in self.units:
            unit.remember(lookup, entry, record)

    def hold(self, entry: Entry) -> Entry:
        """Return the entry that is cached for the key of *entry*: that one, if there was none."""
        with self.lock:
            held = self.cache.get(entry.lookup)
            if held is None:
                self.cache.add(entry)
                return entry
            return held

    def mark(self, entry: Entry) -> None:
        """Count an entry that is, or may soon be, dirty."""
        if self.marks is not None:
            self.marks.add(entry.lookup)

    def count_hit(self) -> None:
        """Count one key that was found here."""
        with self.lock:
            self.hits += 1

    def count_read(self) -> None:
        """Count one request that read something."""
        with self.lock:
            self.db_reads += 1

    def check_home(self) -> None:
        """Raise DynamoException if the database has been connected with another prefix."""
        name = self._name_now()
        if name != self.name:
            raise DynamoException(
                f"what is cached is from {self.name}, but {self.table!r} is {name} now: "
                f"connect as before, or reset() to forget it"
            )

    def _name_now(self) -> str:
        return self.table.database.get_table_name(self.schema.table_name)

    # --- one key ------------------------------------------------------------------------------

    def create(self, entry: Entry, hash: Any, range: Any) -> Any:
        """Return the record of an entry that had none: a new one, the Null object."""
        made = self.table._new_record(hash, range)
        with self.lock:
            is_held = self.cache.peek(entry.lookup) is not None
            entry = self.hold(entry)
            if entry.record is None:
                self._remember(entry.lookup, entry if is_held else None)
                record = counted_on(self.codec, made, entry.base)
                entry.created = shape(self.codec, record)  # before anybody can see the record
                entry.record = record
            return entry.record

    def put(self, key: Item, record: Any) -> Any:
        """Take a saved record for its key, and return it; see ``MemoryTable.save``."""
        lookup = self.lookup(key)
        with self.planning, self.lock:
            reading = self.readings.get(lookup)
            if reading is not None:
                reading.is_outdated = True
            entry = self.cache.get(lookup)
            self._remember(lookup, entry, record)
            if entry is None:
                entry = Entry(lookup, self.schema.user_key(key))
            elif entry.record is not record:
                record = self._instead(entry, record)
            entry.put(record)
            self.cache.add(entry)  # after the change: others are judged by what they are now
            self.mark(entry)
            return record

    def _instead(self, entry: Entry, record: Any) -> Any:
        """Return a record that is to stand in the place of another one."""
        held = entry.record
        base = entry.base if held is None or held._stored is None else held._stored
        if record._stored is None:
            if base is not None and not entry.is_deleted:
                return rebased(self.codec, record, base)
            return counted_on(self.codec, record, base)
        if entry.is_gone:  # a copy of what a flush has deleted
            self.codec.remember(record, None, None)
        return record

    def delete(self, entry: Entry) -> Any:
        """Have an entry's item deleted, and return its record; None where there is none."""
        with self.planning, self.lock:
            held = self.cache.get(entry.lookup)
            entry = entry if held is None else held
            record = entry.record
            if record is not None:
                self._remember(entry.lookup, held, record)
                entry.delete()
                self.codec.remember(record, None, None)
                self.hold(entry)
                self.mark(entry)
            return record

    def is_held_elsewhere(self, record: Any) -> bool:
        """Tell whether a loaded record is cached under the key that it was loaded by."""
        with self.lock:
            entry = self.cache.get(self.lookup(record._stored))
            return entry is not None and entry.record is record

    # --- what was read ------------------------------------------------------------------------

    def adopt(self, item: Item) -> Entry:
        """Return the entry of an item that a query has read; what was cached before stays."""
        record = self.table._record(item)
        with self.lock:
            return self.keep(self.lookup(item), item, record)

    def keep(self, lookup: Lookup, key: Item, record: Any) -> Entry:
        """Return the entry of a key that was read; what was cached before stays."""
        entry = self.cache.get(lookup)
        item = None if record is None else record._stored
        if entry is None:
            entry = Entry(lookup, self.schema.user_key(key))
            entry.learn(record, item)
            self.cache.add(entry)
        elif entry.is_absent and not entry.is_gone and record is not None:
            entry.learn(record, item)  # others have made it since
        return entry

    @property
    def is_flushed_here(self) -> bool:
        """Tell whether this thread is in a flush, which it must not begin again."""
        thread = threading.get_ident()
        return self.flusher == thread or thread in self.deciders

    def begin_flush(self) -> None:
        """Take note that what is being read may be old soon."""
        with self.lock:
            self.flushes += 1

    def end_flush(self) -> None:
        """Let go of entries that were kept for a flush, and are clean now."""
        with self.lock:
            self.flushes += 1
            self.cache.settle()

    def flushed(self, failed: Iterable[Failure]) -> None:
        """Take note of what a flush could not write, and has said so."""
        self.was_reported = frozenset(failure.key for failure in failed)

    def forget_leftovers(self) -> None:
        """Take note that an exception was raised, and who sees it knows that nothing was flushed."""
        self.was_reported = frozenset(entry.key for entry in self.dirty())

    def settle(self) -> None:
        """Let go of entries that need not be kept any longer."""
        with self.lock:
            self.cache.settle()

    def is_overtaken(self, flushes: int) -> bool:
        """Tell whether items read since there were so many *flushes* may be older than what was flushed.

        What is cached still is not at risk; what was dropped after a flush would be.
        """
        return self.is_bounded and (self.flushes != flushes or flushes % 2 == 1)

    def reset(self, *, discard: bool = False) -> None:
        """Forget everything; what a journal has accepted only if *discard* is set."""
        if self.is_in_unit:
            raise DynamoException(f"{self.table!r} in memory has an open unit: reset it after the unit")
        if self.journal is not None:
            if discard:
                self.journal.discard()
            else:
                self.journal.check_reset()
        name = self._name_now() if self.table.database.connected() else self.name
        with self.lock:
            self.name = name
            self.cache.clear()
            self.hits = self.db_reads = 0
            self.was_inherited_dirty = False
            self.was_reported = frozenset()
            for reading in self.readings.values():
                reading.is_outdated = True

    # --- forks --------------------------------------------------------------------------------

    def after_fork(self) -> None:
        """Make a copy in a forked process usable: threads that held locks are not there."""
        self.lock, self.planning, self.flushing = threading.RLock(), threading.RLock(), threading.Lock()
        self.flushes += self.flushes % 2
        self.readings, self.units = {}, []
        self.flusher = self.unit_owner = None
        self.deciders = set()
        self.was_inherited_dirty = True
        with suppress(Exception):  # a thread may have been changing it at that moment
            self.was_inherited_dirty = bool(self.dirty())


_maps: weakref.WeakSet[IdentityMap] = weakref.WeakSet()


def _after_fork() -> None:
    for identity_map in list(_maps):
        identity_map.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
