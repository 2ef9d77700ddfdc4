"""MemoryTable: reads every key at most once and holds all writes back until a flush."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

from ..codec.values import Invalid, Item
from ..database.progress import Progress
from ..errors import BatchFailed, DynamoException, ItemNotFound, ValidationError
from ..flows.batching import Answered, read_batches
from ..flows.saving import encode_record
from ..operations.batch import BatchGetItem
from ..query import Query
from ..record import DynamoRecord
from ..table import DynamoTable
from .cache import Cache, make_cache
from .entries import Entry, is_dirty
from .flush import Flush
from .overlay import MemoryQuery
from .plan import FlushReport, plan_flush

__all__ = ["MemoryTable"]

Record = TypeVar("Record", bound=DynamoRecord)

Lookup = tuple[Any, ...]


class _Reading:
    """A read under way: others who want the key wait for it."""

    def __init__(self) -> None:
        self.done = threading.Event()


class MemoryTable(Generic[Record]):
    """A table in memory over a table in DynamoDB, for computations and request handlers.

    Each key is read at most once, and there is one record object for each key. Nothing is
    written before ``save_data`` or ``save_data_batch``; then every cached record that
    differs from what was read is, whether ``save`` was called for it or not. What could
    not be written stays dirty. ::

        with MemoryTable(StoreTable()) as stores:
            stores.get("s1").visits += 1

    As a context manager it flushes by ``save_data_batch`` when the block succeeds.

    Args:
        table: The table.
        maxsize: How many clean records to keep; dirty ones are always kept. A change made
            to a record after it was dropped needs ``save``. None keeps all.

    Attributes:
        hits: How many gets were answered from memory.
        db_reads: How many requests read something.
    """

    def __init__(self, table: DynamoTable[Record], maxsize: int | None = None) -> None:
        if not isinstance(table, DynamoTable):
            raise DynamoException(f"MemoryTable takes a table, not {type(table).__name__}")
        if maxsize is not None and maxsize < 1:
            raise DynamoException("maxsize is a whole number from 1, or None")
        self._table = table
        self._schema = table._schema
        self._codec = self._schema.codec
        self._lock = threading.RLock()
        self._cache: Cache = make_cache(maxsize, self._is_dirty)
        self._reading: dict[Lookup, _Reading] = {}
        self._loads = True
        self._pid = os.getpid()
        self.hits = 0
        self.db_reads = 0
        plain = [
            next((kind for kind in (str, int, bytes) if kind in key.codec.types), None)
            for key in self._schema.keys
        ]
        self._hash_kind = plain[0]
        self._range_kind = type(None) if len(plain) == 1 else plain[1]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._table!r}, {len(self._cache)} cached)"

    @property
    def db_table(self) -> DynamoTable[Record]:
        """Return the table below."""
        return self._table

    def get_db_table(self) -> DynamoTable[Record]:
        """Return the table below."""
        return self._table

    # --- one record -------------------------------------------------------------------------

    def get(
        self,
        hash: Any,
        range: Any = None,
        create: bool = False,
        times: dict[str, float] | None = None,
    ) -> Record:
        """Return the record with this key, always the same object.

        Args:
            hash, range: The key.
            create: Return a new record where there is none. It is written by a flush if
                it was changed or saved, so that an untouched Null object is not.
            times: Gets the seconds spent, added to ``mem_get_item``, ``mem_get_from_db``,
                ``mem_create_record`` and ``mem_total``.

        Raises:
            ItemNotFound: There is no such record; also for an empty hash value.
            InvalidKeysException: Half a key, or a value of a wrong type.
        """
        if times is not None:
            return self._get_timed(hash, range, create, times)
        if type(hash) is self._hash_kind and type(range) is self._range_kind:
            with self._lock:
                entry = self._cache.get((hash,) if range is None else (hash, range))
                if entry is not None and entry.record is not None:
                    self.hits += 1
                    record: Record = entry.record
                    return record
        return self._get(hash, range, create)

    def find(self, hash: Any, range: Any = None, default: Any = None) -> Record | None:
        """Return the record with this key, or *default*."""
        try:
            return self.get(hash, range)
        except ItemNotFound:
            return default  # type: ignore[no-any-return]

    def _get(self, hash: Any, range: Any, create: bool) -> Record:
        if self._schema.is_empty_key(hash, range):
            if create:
                return self._table._new_record(hash, range)
            raise ItemNotFound(self._table.table_name, self._user_key(hash, range))
        entry = self._entry(hash, range)
        with self._lock:
            if entry.record is None and (create or not self._loads):
                self._create(entry, hash, range)
            if entry.record is None:
                raise ItemNotFound(self._table.table_name, entry.key)
            record: Record = entry.record
            return record

    def _get_timed(self, hash: Any, range: Any, create: bool, times: dict[str, float]) -> Record:
        began = time.perf_counter()
        reads = self.db_reads
        try:
            record = self.get(hash, range)
        except ItemNotFound:
            _add_time(times, "mem_get_from_db" if self.db_reads > reads else "mem_get_item", began)
            if not create:
                _add_time(times, "mem_total", began)
                raise
            creating = time.perf_counter()
            record = self.get(hash, range, create=True)
            _add_time(times, "mem_create_record", creating)
        else:
            _add_time(times, "mem_get_from_db" if self.db_reads > reads else "mem_get_item", began)
        _add_time(times, "mem_total", began)
        return record

    def _create(self, entry: Entry, hash: Any, range: Any) -> None:
        record = self._table._new_record(hash, range)
        entry.record = record
        entry.is_deleted = False
        try:
            entry.created = self._codec.encode(record)
        except Invalid:
            entry.created = None  # not complete yet: a flush will say so if it stays so

    def _user_key(self, hash: Any, range: Any) -> Any:
        return hash if self._schema.range is None else (hash, range)

    # --- reading each key once ----------------------------------------------------------------

    def _entry(self, hash: Any, range: Any) -> Entry:
        """Return the entry of a key, read from the table at the first time."""
        key = self._schema.key_item(hash, range)
        lookup = self._schema.lookup_item(key)
        while True:
            with self._lock:
                entry = self._cache.get(lookup)
                if entry is not None:
                    self.hits += 1
                    return entry
                if not self._loads:
                    return self._add(Entry(lookup, self._user_key(hash, range)))
                reading = self._reading.get(lookup)
                if reading is None:
                    reading = self._reading[lookup] = _Reading()
                    break
            reading.done.wait()
        try:
            record = self._table.find(hash, range, consistent=True)
            with self._lock:
                self.db_reads += 1
                return self._learn(lookup, record)
        finally:
            self._finish_reading([lookup])

    def _finish_reading(self, lookups: Iterable[Lookup]) -> None:
        with self._lock:
            for lookup in lookups:
                reading = self._reading.pop(lookup, None)
                if reading is not None:
                    reading.done.set()

    def _learn(self, lookup: Lookup, record: Any) -> Entry:
        """Take a record that was read, or the proof that there is none."""
        entry = self._cache.get(lookup)
        if entry is not None and not (entry.is_absent and record is not None):
            return entry  # saved here while it was being read
        key = self._schema.user_key(record._item) if record is not None else self._key_of(lookup)
        base = None if record is None else record._item
        return self._add(Entry(lookup, key, record, base, is_known=True))

    def _key_of(self, lookup: Lookup) -> Any:
        return lookup if self._schema.range is not None else lookup[0]

    def _add(self, entry: Entry) -> Entry:
        self._cache.add(entry)
        return entry

    def prefetch(self, keys: Iterable[Any], progress: Progress | None = None) -> None:
        """Read many records at once, with a request for each 100 that are not cached.

        Args:
            keys: Hash values, or pairs of hash and range value; any number.
            progress: Its ``update(n)`` is called as keys are read.
        """
        wanted: dict[Lookup, Item] = {}
        waiting: list[_Reading] = []
        with self._lock:
            for key in keys:
                pair = self._schema.pair(key)
                if self._schema.is_empty_key(*pair):
                    continue
                item = self._schema.key_item(*pair)
                lookup = self._schema.lookup_item(item)
                if self._cache.get(lookup) is not None or lookup in wanted:
                    continue
                if lookup in self._reading:
                    waiting.append(self._reading[lookup])
                    continue
                self._reading[lookup] = _Reading()
                wanted[lookup] = item
        try:
            if wanted:
                self._read(list(wanted.values()), progress)
        finally:
            self._finish_reading(wanted)
        for reading in waiting:
            reading.done.wait()

    def _read(self, keys: list[Item], progress: Progress | None) -> None:
        request = BatchGetItem(self._table.full_name, keys, consistent=True)
        connection = self._table._connection
        for answered in connection.stream(read_batches(request, self._patience)):
            assert isinstance(answered, Answered)
            records = [self._table._record(item) for _, item in answered.found]
            with self._lock:
                self.db_reads += 1
                for record in records:
                    self._learn(self._schema.lookup_item(record._item), record)
                for key in answered.absent:
                    self._learn(self._schema.lookup_item(key), None)
            if progress is not None:
                progress.update(len(answered.found) + len(answered.absent))

    @property
    def _patience(self) -> float:
        return self._table._connection.policy.deadline_seconds

    def set_load_from_db(self, load_from_db: bool) -> None:
        """Set whether keys that are not cached are read; if not, ``get`` makes new records."""
        self._loads = load_from_db

    # --- changing -----------------------------------------------------------------------------

    def save(self, record: Record) -> Record:
        """Take a record; it is written by the next flush.

        Another record in the place of a cached one, such as a copy made by ``evolve``,
        is written as a change of it.

        Raises:
            ValidationError: The record cannot be stored; with all problems.
            InvalidKeysException: Its key is missing, invalid, or changed since it was loaded.
        """
        encode_record(self._schema, record)
        hash, range = self._schema.record_key(record)
        lookup = self._schema.lookup_item(self._schema.key_item(hash, range))
        if record._item is not None and self._schema.lookup_item(record._item) != lookup:
            if record._loaded is not None:
                raise self._schema.invalid_key(
                    hash, range, "the key was changed after loading: evolve() makes a copy"
                )
            self._codec.remember(record, None, None)  # a copy under a new key is a new record
        with self._lock:
            entry = self._cache.get(lookup)
            if entry is None:
                entry = self._add(Entry(lookup, self._user_key(hash, range), base=record._item))
            elif record._item is None and entry.base is not None and not entry.is_deleted:
                if entry.record is not record:
                    self._codec.remember(record, entry.base, None)
            entry.record, entry.is_deleted, entry.is_saved = record, False, True
        return record

    def delete(self, hash: Any, range: Any = None) -> Record:
        """Return a record and delete it with the next flush.

        Raises:
            ItemNotFound: There is no such record.
        """
        if self._schema.is_empty_key(hash, range):
            raise ItemNotFound(self._table.table_name, self._user_key(hash, range))
        entry = self._entry(hash, range)
        with self._lock:
            record: Record | None = entry.record
            if record is None:
                raise ItemNotFound(self._table.table_name, entry.key)
            entry.record, entry.created, entry.is_saved = None, None, False
            # A record that was only made here leaves nothing to delete, if that is known.
            entry.is_deleted = entry.base is not None or not entry.is_known
            self._codec.remember(record, None, None)
            return record

    # --- what is cached -------------------------------------------------------------------------

    def has_item(self, hash: Any, range: Any = None) -> bool:
        """Tell whether a record with this key is cached; nothing is read."""
        lookup = self._schema.lookup_item(self._schema.key_item(hash, range))
        with self._lock:
            entry = self._cache.get(lookup)
            return entry is not None and entry.record is not None

    def get_data(self) -> list[Record]:
        """Return all cached records, without deleted ones."""
        with self._lock:
            return [entry.record for entry in self._cache.entries() if entry.record is not None]

    def reset(self) -> None:
        """Forget everything, unwritten changes too."""
        with self._lock:
            self._cache.clear()
            self.hits = self.db_reads = 0

    def dirty_keys(self) -> list[Any]:
        """Return the keys that a flush would write or delete."""
        with self._lock:
            return [entry.key for entry in self._cache.entries() if self._is_dirty(entry)]

    def _is_dirty(self, entry: Entry) -> bool:
        return is_dirty(self._codec, entry)

    # --- queries --------------------------------------------------------------------------------

    def query(self, hash: Any = None, condition: Any = None, **keywords: Any) -> MemoryQuery[Record]:
        """Return a lazy query that shows unflushed changes; arguments as for the table's."""
        return self._over(self._table.query(hash, condition, **keywords))

    def scan(self, condition: Any = None, **keywords: Any) -> MemoryQuery[Record]:
        """Return a lazy scan that shows unflushed changes; arguments as for the table's."""
        return self._over(self._table.scan(condition, **keywords))

    def query_count(self, hash: Any = None, condition: Any = None, **keywords: Any) -> int:
        """Return the number of results of a query."""
        return self.query(hash, condition, **keywords).count()

    def _over(self, query: Query[Record]) -> MemoryQuery[Record]:
        return MemoryQuery(self, query)

    def cached_items(self) -> Iterator[tuple[Lookup, Any, Item | None]]:
        """Yield key, record and current item of every cached key; see QueryCache."""
        with self._lock:
            # A Null object that nobody has touched is not an addition.
            entries = [
                entry for entry in self._cache.entries() if entry.is_known_to_table or self._is_dirty(entry)
            ]
        for entry in entries:
            yield entry.lookup, entry.record, self._current_item(entry)

    def current(self, lookup: Lookup) -> tuple[Any, Item | None] | None:
        """Return record and current item of a cached key; see QueryCache."""
        with self._lock:
            entry = self._cache.get(lookup)
        return None if entry is None else (entry.record, self._current_item(entry))

    def _current_item(self, entry: Entry) -> Item | None:
        if entry.record is None:
            return None
        try:
            return self._codec.encode(entry.record)
        except Invalid as invalid:
            name = f"{type(entry.record).__name__} {entry.key!r}"
            raise ValidationError(name, invalid.problems) from None

    def adopt(self, item: Item) -> Any:
        """Cache an item that was read; see QueryCache."""
        record = self._table._record(item)
        with self._lock:
            return self._learn(self._schema.lookup_item(item), record).record

    def fetch(self, items: list[Item]) -> None:
        """Read whole items by the keys of these; see QueryCache."""
        self.prefetch(self._schema.user_key(item) for item in items)

    def lookup(self, item: Item) -> Lookup:
        """Return the key of an item as a typed tuple; see QueryCache."""
        return self._schema.lookup_item(item)

    def count_read(self) -> None:
        """Count one request that read something; see QueryCache."""
        with self._lock:
            self.db_reads += 1

    # --- flushing -------------------------------------------------------------------------------

    def save_data(
        self,
        ignore_errors: bool = False,
        overwrite: bool = False,
        progress: Progress | None = None,
    ) -> FlushReport:
        """Write all dirty records one by one, each guarded as by ``DynamoTable.save``.

        Args:
            ignore_errors: Return the report even if some were not written.
            overwrite: Write whatever is stored.
            progress: Its ``update(n)`` is called as records are written.

        Raises:
            BatchFailed: Some were not written; they stay dirty. ``report`` says which and why.
        """
        return self._flush(ignore_errors, overwrite, progress, one_by_one=True)

    def save_data_batch(
        self,
        ignore_errors: bool = False,
        overwrite: bool = False,
        progress: Progress | None = None,
    ) -> FlushReport:
        """Write all dirty records by batch writes, 25 to a request, several at a time.

        DynamoDB's batch writes carry no conditions: the last writer wins. Records with a
        version field are written conditionally instead, unless *overwrite* is set.
        Arguments and errors are those of ``save_data``.
        """
        return self._flush(ignore_errors, overwrite, progress, one_by_one=False)

    batch_write = save_data_batch

    def _flush(
        self,
        ignore_errors: bool,
        overwrite: bool,
        progress: Progress | None,
        *,
        one_by_one: bool,
    ) -> FlushReport:
        if os.getpid() != self._pid:
            raise DynamoException(
                f"{self!r} was inherited by a forked process: flush it where it was filled, "
                f"or its changes would be written twice"
            )
        with self._lock:
            plan = plan_flush(
                self._schema,
                self._table.full_name,
                list(self._cache.entries()),
                conditional=one_by_one,
                overwrite=overwrite,
            )
        flush = Flush(self._table, plan, self._lock, progress)
        report = flush.one_by_one() if one_by_one else flush.in_batches()
        with self._lock:
            self._cache.settle()
        if report.failed and not ignore_errors:
            raise BatchFailed(f"flush of {self._table.table_name}", report.failed, report)
        return report

    # --- with -----------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is None:
            self.save_data_batch()


def _add_time(times: dict[str, float], name: str, began: float) -> None:
    times[name] = times.get(name, 0.0) + time.perf_counter() - began
