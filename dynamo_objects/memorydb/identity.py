"""The identity map: one record for each key, and each key read at most once.

``lock`` is held while entries change, never while requests run, and never while code of
users runs (``_check_data``, validators, progress bars). ``planning`` keeps ``save`` and
``delete`` away from records that a flush is looking at.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Iterable
from contextlib import closing, suppress
from functools import partial
from typing import Any

from ..codec.values import Item
from ..database.progress import Progress
from ..errors import DecodeError
from ..flows.batching import Answered, read_batches
from ..operations.batch import BatchGetItem
from ..table import DynamoTable
from .cache import Cache, make_cache
from .entries import Entry, Lookup, counted_on, is_dirty, rebased, shape

__all__ = ["IdentityMap"]


class _Reading:
    """A read under way: others who want the key wait for it.

    Attributes:
        done: Set when it has ended, well or not.
        entry: What was found; None when it failed.
        is_outdated: Whether the key was saved meanwhile, so that what is read may be old.
    """

    def __init__(self) -> None:
        self.done = threading.Event()
        self.entry: Entry | None = None
        self.is_outdated = False


class IdentityMap:
    """What is known of the keys of one table.

    Args:
        table: The table to read from.
        maxsize: How many clean entries to keep; None for all.

    Attributes:
        cache: The entries. Whoever uses it holds ``lock``.
        loads: Whether single keys that are not cached are read.
        hits: How many single keys were found here.
        db_reads: How many requests read something.
        was_inherited_dirty: Whether this process was forked off with unwritten changes.
    """

    def __init__(self, table: DynamoTable[Any], maxsize: int | None) -> None:
        self.table = table
        self.schema = table._schema
        self.codec = self.schema.codec
        self.lock = threading.RLock()
        self.planning = threading.RLock()
        self.cache: Cache = make_cache(maxsize, partial(is_dirty, self.codec))
        self.loads = True
        self.hits = 0
        self.db_reads = 0
        self.was_inherited_dirty = False
        self._reading: dict[Lookup, _Reading] = {}
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

    def hold(self, entry: Entry) -> Entry:
        """Return the entry that is cached for the key of *entry*: that one, if there was none."""
        with self.lock:
            held = self.cache.get(entry.lookup)
            if held is None:
                self.cache.add(entry)
                return entry
            return held

    def count_read(self) -> None:
        """Count one request that read something."""
        with self.lock:
            self.db_reads += 1

    # --- one key ------------------------------------------------------------------------------

    def entry(self, hash: Any, range: Any) -> tuple[Entry, bool]:
        """Return the entry of a key, and whether this call has read it.

        Where keys are not to be read, an entry that is not cached says nothing.

        Raises:
            InvalidKeysException: Half a key, or a value of a wrong type.
        """
        key = self.schema.key_item(hash, range)
        lookup = self.lookup(key)
        while True:
            with self.lock:
                entry = self.cache.get(lookup)
                if entry is not None:
                    self.hits += 1
                    return entry, False
                if not self.loads:
                    return Entry(lookup, self.schema.user_key(key)), False
                reading = self._reading.get(lookup)
                is_mine = reading is None
                if reading is None:
                    reading = self._reading[lookup] = _Reading()
            if is_mine:
                self._read_one(lookup, hash, range, key, reading)
            else:
                reading.done.wait()
            if reading.entry is not None:
                if not is_mine:
                    with self.lock:
                        self.hits += 1
                return reading.entry, is_mine

    def _read_one(self, lookup: Lookup, hash: Any, range: Any, key: Item, reading: _Reading) -> None:
        try:
            record = self.table.find(hash, range, consistent=True)
            with self.lock:
                self.db_reads += 1
                self._learn(lookup, key, record)
        finally:
            self._finish([lookup])

    def create(self, entry: Entry, hash: Any, range: Any) -> Any:
        """Return the record of an entry that had none: a new one, the Null object."""
        made = self.table._new_record(hash, range)
        with self.lock:
            entry = self.hold(entry)
            if entry.record is None:
                record = counted_on(self.codec, made, entry.base)
                entry.created = shape(self.codec, record)  # before anybody can see the record
                entry.record = record
            return entry.record

    def put(self, key: Item, record: Any) -> Any:
        """Take a saved record for its key, and return it; see ``MemoryTable.save``."""
        lookup = self.lookup(key)
        with self.planning, self.lock:
            reading = self._reading.get(lookup)
            if reading is not None:
                reading.is_outdated = True
            entry = self.cache.get(lookup)
            if entry is None:
                entry = Entry(lookup, self.schema.user_key(key))
            elif entry.record is not record:
                record = self._instead(entry, record)
            entry.put(record)
            self.cache.add(entry)  # after the change: others are judged by what they are now
            return record

    def _instead(self, entry: Entry, record: Any) -> Any:
        """Return a record that is to stand in the place of another one."""
        held = entry.record
        base = entry.base if held is None or held._item is None else held._item
        if record._item is None:
            if base is not None and not entry.is_deleted:
                return rebased(self.codec, record, base)
            return counted_on(self.codec, record, base)
        if entry.is_gone:  # a copy of what a flush has deleted
            self.codec.remember(record, None, None)
        return record

    def delete(self, entry: Entry) -> Any:
        """Have an entry's item deleted, and return its record; None where there is none."""
        with self.planning, self.lock:
            entry = self.cache.get(entry.lookup) or entry
            record = entry.record
            if record is not None:
                entry.delete()
                self.codec.remember(record, None, None)
                self.hold(entry)
            return record

    def is_held_elsewhere(self, record: Any) -> bool:
        """Tell whether a loaded record is cached under the key that it was loaded by."""
        with self.lock:
            entry = self.cache.get(self.lookup(record._item))
            return entry is not None and entry.record is record

    # --- many keys ----------------------------------------------------------------------------

    def prefetch(self, keys: Iterable[Any], progress: Progress | None) -> None:
        """Read those of the keys, as users write them, that are not cached."""
        items: dict[Lookup, Item] = {}
        for key in keys:
            pair = self.schema.pair(key)
            if not self.schema.is_empty_key(*pair):
                item = self.schema.key_item(*pair)
                items[self.lookup(item)] = item
        if self.loads:
            self.read(items, progress)

    def read(self, items: dict[Lookup, Item], progress: Progress | None = None) -> dict[Lookup, Entry]:
        """Return the entries of key items by their lookups, reading those that are not cached."""
        found: dict[Lookup, Entry] = {}
        while len(found) < len(items):
            mine, others = self._claim(items, found)
            try:
                if mine:
                    self._read_many([items[lookup] for lookup in mine], progress)
            finally:
                self._finish(mine)
            for reading in others.values():
                reading.done.wait()
            for lookup, reading in (*mine.items(), *others.items()):
                if reading.entry is not None:
                    found[lookup] = reading.entry
        return found

    def _claim(
        self, items: dict[Lookup, Item], found: dict[Lookup, Entry]
    ) -> tuple[dict[Lookup, _Reading], dict[Lookup, _Reading]]:
        """Add cached entries to *found*; return the reads that are ours to do, and those of others."""
        mine: dict[Lookup, _Reading] = {}
        others: dict[Lookup, _Reading] = {}
        with self.lock:
            for lookup in items:
                entry = found.get(lookup) or self.cache.get(lookup)
                if entry is not None:
                    found[lookup] = entry
                elif lookup in self._reading:
                    others[lookup] = self._reading[lookup]
                else:
                    mine[lookup] = self._reading[lookup] = _Reading()
        return mine, others

    def _read_many(self, keys: list[Item], progress: Progress | None) -> None:
        connection = self.table._connection
        request = BatchGetItem(self.table.full_name, keys, consistent=True)
        bad: DecodeError | None = None
        with closing(connection.stream(read_batches(request, connection.policy.deadline_seconds))) as events:
            for answered in events:
                assert isinstance(answered, Answered)
                bad = self._take(answered) or bad
                if progress is not None:
                    progress.update(len(answered.found) + len(answered.absent))
        if bad is not None:  # the others were read, and are kept
            raise bad

    def _take(self, answered: Answered) -> DecodeError | None:
        """Keep what was read; return what is wrong with the last bad item."""
        bad: DecodeError | None = None
        read: list[tuple[Item, Any]] = [(key, None) for key in answered.absent]
        for key, item in answered.found:
            try:
                read.append((key, self.table._record(item)))
            except DecodeError as error:
                bad = error
        with self.lock:
            self.db_reads += 1
            for key, record in read:
                self._learn(self.lookup(key), key, record)
        return bad

    def _finish(self, lookups: Iterable[Lookup]) -> None:
        """End reads, well or not, and wake those who wait for them."""
        with self.lock:
            for lookup in lookups:
                self._reading.pop(lookup).done.set()

    # --- what was read ------------------------------------------------------------------------

    def adopt(self, item: Item) -> Entry:
        """Return the entry of an item that a query has read; what was cached before stays."""
        record = self.table._record(item)
        with self.lock:
            return self._keep(self.lookup(item), item, record)

    def _learn(self, lookup: Lookup, key: Item, record: Any) -> None:
        """Take what a read of ours has found: a record, or the proof that there is none.

        Where the key was saved meanwhile and dropped again, it is not taken: it may be old.
        """
        reading = self._reading[lookup]
        if not reading.is_outdated or self.cache.get(lookup) is not None:
            reading.entry = self._keep(lookup, key, record)

    def _keep(self, lookup: Lookup, key: Item, record: Any) -> Entry:
        entry = self.cache.get(lookup)
        item = None if record is None else record._item
        if entry is None:
            entry = Entry(lookup, self.schema.user_key(key))
            entry.learn(record, item)
            self.cache.add(entry)
        elif entry.is_absent and record is not None:
            entry.learn(record, item)
        return entry

    def settle(self) -> None:
        """Let go of entries that were kept for a flush, and are clean now."""
        with self.lock:
            self.cache.settle()

    def reset(self) -> None:
        """Forget everything."""
        with self.lock:
            self.cache.clear()
            self.hits = self.db_reads = 0
            self.was_inherited_dirty = False
            for reading in self._reading.values():
                reading.is_outdated = True

    # --- forks --------------------------------------------------------------------------------

    def after_fork(self) -> None:
        """Make a copy in a forked process usable: threads that held locks are not there."""
        self.lock, self.planning = threading.RLock(), threading.RLock()
        self._reading = {}
        self.was_inherited_dirty = True
        with suppress(Exception):  # a thread may have been changing it at that moment
            self.was_inherited_dirty = bool(self.dirty())


_maps: weakref.WeakSet[IdentityMap] = weakref.WeakSet()


def _after_fork() -> None:
    for identity_map in list(_maps):
        identity_map.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
