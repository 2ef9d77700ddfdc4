"""Reading keys at most once, one at a time or many together, in any number of threads.

Whoever wants a key that is being read waits for that read. A key counts as absent only
when a reply has said so; a read that fails leaves nothing behind.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from contextlib import closing
from typing import Any

import attrs

from ..codec.values import Item
from ..database.progress import Progress
from ..errors import DecodeError
from ..flows.batching import Answered, read_batches
from ..operations.batch import BatchGetItem
from .entries import Entry, Lookup
from .gathering import Gatherer
from .identity import IdentityMap, Reading
from .timing import add_time

__all__ = ["Reader"]

_log = logging.getLogger("dynamo_objects.memorydb")


@attrs.define(eq=False)
class _Claim:
    """Who has, or reads, the entries of some keys.

    Attributes:
        found: Those that are there.
        mine: Reads that are ours to do.
        others: Reads of other threads, to wait for.
    """

    found: dict[Lookup, Entry] = attrs.field(factory=dict)
    mine: dict[Lookup, Reading] = attrs.field(factory=dict)
    others: dict[Lookup, Reading] = attrs.field(factory=dict)

    def wait(self) -> None:
        """Wait for the reads of others, and take over what all reads have found."""
        for reading in self.others.values():
            reading.done.wait()
        for lookup, reading in (*self.mine.items(), *self.others.items()):
            if reading.entry is not None:
                self.found[lookup] = reading.entry


class Reader:
    """Reads the keys of an identity map.

    Args:
        gather_seconds: How long single reads wait for those of other threads, to be made with
            one request; 0 for not at all.

    Attributes:
        map: The map.
    """

    def __init__(self, map: IdentityMap, gather_seconds: float = 0.0) -> None:
        self.map = map
        self._gatherer = Gatherer(gather_seconds, self._read_gathered) if gather_seconds else None

    # --- one key ------------------------------------------------------------------------------

    def entry(self, hash: Any, range: Any) -> tuple[Entry, bool]:
        """Return the entry of a key, and whether this call has read it.

        Where keys are not to be read, an entry that is not cached says nothing.

        Raises:
            InvalidKeysException: Half a key, or a value of a wrong type.
        """
        known = self.map
        key = known.schema.key_item(hash, range)
        lookup = known.lookup(key)
        while True:
            claim = _Claim()
            try:
                self._claim([lookup], claim, may_read=known.loads)
                if claim.mine and self._gatherer is None:
                    self._read_one(hash, range, key)
            finally:
                if self._gatherer is None:
                    self._finish(claim.mine)
            if claim.mine and self._gatherer is not None:
                self._gatherer.read(lookup, key)
                reading = claim.mine[lookup]
                reading.done.wait()
                if reading.error is not None:
                    raise reading.error
            claim.wait()
            if lookup in claim.found:
                if not claim.mine:
                    known.count_hit()
                return claim.found[lookup], bool(claim.mine)
            if not known.loads:
                return Entry(lookup, known.schema.user_key(key)), False

    def _read_one(self, hash: Any, range: Any, key: Item) -> None:
        self.map.check_home()
        record = self.map.table.find(hash, range, consistent=True)
        with self.map.lock:
            self.map.db_reads += 1
            self._learn(self.map.lookup(key), key, record)

    def _read_gathered(self, items: dict[Lookup, Item]) -> None:
        """Read the keys that several threads wait for; whatever fails is raised in all of them."""
        readings = self.map.readings
        try:
            self._read_many(items, None)
        except DecodeError:
            pass  # those whose item is bad know it
        except Exception as error:
            with self.map.lock:
                for lookup in items:
                    if readings[lookup].entry is None:
                        readings[lookup].error = error
        finally:
            self._finish(items)

    # --- many keys ----------------------------------------------------------------------------

    def prefetch(
        self, keys: Iterable[Any], progress: Progress | None, times: dict[str, float] | None
    ) -> None:
        """Read those of the keys, as users write them, that are not cached."""
        began, reads = time.perf_counter(), self.map.db_reads
        schema = self.map.schema
        items: dict[Lookup, Item] = {}
        for key in keys:
            pair = schema.pair(key)
            if not schema.is_empty_key(*pair):
                item = schema.key_item(*pair)
                items[self.map.lookup(item)] = item
        if self.map.loads:
            self.read(items, progress)
        self.map.settle()
        add_time(times, "mem_prefetch", began)
        _log.info(
            "prefetched %s: %d keys, %d requests, %.3f s",
            *(self.map.schema.table_name, len(items), self.map.db_reads - reads),
            time.perf_counter() - began,
        )

    def read(self, items: dict[Lookup, Item], progress: Progress | None = None) -> dict[Lookup, Entry]:
        """Return the entries of key items by their lookups, reading those that are not cached."""
        found: dict[Lookup, Entry] = {}
        while len(found) < len(items):
            claim = _Claim(found)
            try:
                self._claim(items, claim)
                if claim.mine:
                    self._read_many({lookup: items[lookup] for lookup in claim.mine}, progress)
            finally:
                self._finish(claim.mine)
            claim.wait()
        return found

    def _read_many(self, keys: dict[Lookup, Item], progress: Progress | None) -> None:
        self.map.check_home()
        connection = self.map.table._connection
        request = BatchGetItem(
            self.map.name,
            list(keys.values()),
            True,
            refs=list(keys),
            are_texts=self.map.schema.has_text_keys,
            reader=self.map.codec.reader,
        )
        bad: DecodeError | None = None
        with closing(connection.stream(read_batches(request, connection.policy.deadline_seconds))) as events:
            for answered in events:
                assert isinstance(answered, Answered)
                bad = self._take(keys, answered) or bad
                if progress is not None:
                    progress.update(len(answered.refs) + len(answered.absent))
        if bad is not None:  # the others were read, and are kept
            raise bad

    def _take(self, keys: dict[Lookup, Item], answered: Answered) -> DecodeError | None:
        """Keep what was read; return what is wrong with the last bad item."""
        bad: dict[Lookup, DecodeError] = {}
        read: list[tuple[Lookup, Any]] = [(lookup, None) for lookup in answered.absent]
        for lookup, item in zip(answered.refs, answered.items, strict=True):
            try:
                read.append((lookup, self.map.table._record(item)))
            except DecodeError as error:
                bad[lookup] = error
        with self.map.lock:
            self.map.db_reads += 1
            for lookup, problem in bad.items():
                self.map.readings[lookup].error = problem
            for lookup, record in read:
                self._learn(lookup, keys[lookup], record)
        return next(reversed(bad.values()), None)

    # --- who reads what -----------------------------------------------------------------------

    def _claim(self, lookups: Iterable[Lookup], claim: _Claim, *, may_read: bool = True) -> None:
        """Find what is cached, and share out what is to be read."""
        known = self.map
        with known.lock:
            for lookup in lookups:
                entry = claim.found.get(lookup) or known.cache.get(lookup)
                if entry is not None:
                    claim.found[lookup] = entry
                elif lookup in known.readings:
                    claim.others[lookup] = known.readings[lookup]
                elif may_read:
                    claim.mine[lookup] = known.readings[lookup] = Reading()

    def _finish(self, lookups: Iterable[Lookup]) -> None:
        """End reads, well or not, and wake those who wait for them."""
        with self.map.lock:
            for lookup in lookups:
                reading = self.map.readings.pop(lookup, None)
                if reading is not None:
                    reading.done.set()

    def _learn(self, lookup: Lookup, key: Item, record: Any) -> None:
        """Take what a read of ours has found: a record, or the proof that there is none.

        Where the key was saved meanwhile and dropped again, it is not taken: it may be old.
        """
        reading = self.map.readings[lookup]
        if not reading.is_outdated or self.map.cache.get(lookup) is not None:
            reading.entry = self.map.keep(lookup, key, record)
