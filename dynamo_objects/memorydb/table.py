"""MemoryTable: reads every key at most once and holds all writes back until a flush."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from types import TracebackType
from typing import Any, Generic, Self, TypeVar, overload

from ..database.progress import Progress
from ..errors import BatchFailed, DynamoException, ItemNotFound
from ..flows.saving import encode_record
from ..record import DynamoRecord
from ..table import DynamoTable
from .entries import Entry
from .flush import Flush
from .identity import IdentityMap
from .plan import FlushReport, plan_flush
from .query import MemoryQuery
from .reading import Reader

__all__ = ["MemoryTable"]

Record = TypeVar("Record", bound=DynamoRecord)
Default = TypeVar("Default")


class MemoryTable(Generic[Record]):
    """A table in memory over a table in DynamoDB, for computations and request handlers.

    Each key is read at most once, and there is one record object for each key. Nothing is
    written before ``save_data`` or ``save_data_batch``; then every cached record that
    differs from what was read is, whether ``save`` was called for it or not. What could
    not be written stays dirty. ::

        with MemoryTable(StoreTable()) as stores:
            stores.get("s1").visits += 1

    As a context manager it flushes by ``save_data_batch`` when the block succeeds.
    Threads may share it.

    Args:
        db_table: The table.
        maxsize: How many clean records to keep; dirty ones are always kept. A change made
            to a record after it was dropped needs ``save``. None keeps all.
    """

    def __init__(self, db_table: DynamoTable[Record], maxsize: int | None = None) -> None:
        if not isinstance(db_table, DynamoTable):
            raise DynamoException(f"MemoryTable takes a table, not {type(db_table).__name__}")
        if maxsize is not None and (isinstance(maxsize, bool) or not isinstance(maxsize, int) or maxsize < 1):
            raise DynamoException("maxsize is a whole number from 1, or None")
        self._table = db_table
        self._schema = db_table._schema
        self._codec = self._schema.codec
        self._map = IdentityMap(db_table, maxsize)
        self._reader = Reader(self._map)
        self._flusher: int | None = None
        kinds = [
            next((kind for kind in (str, int, bytes) if kind in key.codec.types), None)
            for key in self._schema.keys
        ]
        self._hash_kind = kinds[0]
        self._range_kind = type(None) if len(kinds) == 1 else kinds[1]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._table!r}, {len(self._map.cache)} cached)"

    @property
    def db_table(self) -> DynamoTable[Record]:
        """Return the table below."""
        return self._table

    def get_db_table(self) -> DynamoTable[Record]:
        """Return the table below."""
        return self._table

    @property
    def hits(self) -> int:
        """Return how many gets were answered from memory."""
        return self._map.hits

    @property
    def db_reads(self) -> int:
        """Return how many requests have read something."""
        return self._map.db_reads

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
            DecodeError: The item cannot become a record.
        """
        if times is not None:
            return self._get(hash, range, create, times)
        if type(hash) is self._hash_kind and type(range) is self._range_kind:
            known = self._map
            with known.lock:
                entry = known.cache.get((hash,) if range is None else (hash, range))
                if entry is not None and entry.record is not None:
                    known.hits += 1
                    record: Record = entry.record
                    return record
        return self._get(hash, range, create, {})

    @overload
    def find(self, hash: Any, range: Any = None, default: None = None) -> Record | None: ...
    @overload
    def find(self, hash: Any, range: Any, default: Default) -> Record | Default: ...
    @overload
    def find(self, hash: Any, range: Any = None, *, default: Default) -> Record | Default: ...
    def find(self, hash: Any, range: Any = None, default: Any = None) -> Any:
        """Return the record with this key, or *default*.

        Raises:
            InvalidKeysException: Half a key, or a value of a wrong type.
        """
        try:
            return self.get(hash, range)
        except ItemNotFound:
            return default

    def _get(self, hash: Any, range: Any, create: bool, times: dict[str, float]) -> Record:
        began = time.perf_counter()
        if create:
            self._table._verbs.check_creatable()
        try:
            if self._schema.is_empty_key(hash, range):
                if create:
                    return self._table._new_record(hash, range)
                raise self._table._verbs.not_found(hash, range)
            entry = self._entry(hash, range, times)
            record: Record | None = entry.record
            if record is None:
                if not create and self._map.loads:
                    raise self._table._verbs.not_found(hash, range)
                record = self._create(entry, hash, range, times)
            return record
        finally:
            _add_time(times, "mem_total", began)

    def _entry(self, hash: Any, range: Any, times: dict[str, float]) -> Entry:
        began = time.perf_counter()
        is_read = True
        try:
            entry, is_read = self._reader.entry(hash, range)
            return entry
        finally:
            _add_time(times, "mem_get_from_db" if is_read else "mem_get_item", began)

    def _create(self, entry: Entry, hash: Any, range: Any, times: dict[str, float]) -> Record:
        began = time.perf_counter()
        self._table._verbs.check_creatable()
        record: Record = self._map.create(entry, hash, range)
        _add_time(times, "mem_create_record", began)
        return record

    # --- reading ahead, or not at all ---------------------------------------------------------

    def prefetch(self, keys: Iterable[Any], progress: Progress | None = None) -> None:
        """Read many records at once, with a request for each 100 that are not cached.

        Args:
            keys: Hash values, or pairs of hash and range value; any number.
            progress: Its ``update(n)`` is called as keys are read.

        Raises:
            InvalidKeysException: Half a key, or a value of a wrong type; nothing was read.
            DecodeError: An item cannot become a record; all others were read.
        """
        self._reader.prefetch(keys, progress)

    def set_load_from_db(self, load_from_db: bool) -> None:
        """Set whether keys that are not cached are read; if not, ``get`` makes new records.

        Queries and scans read in any case.
        """
        self._map.loads = load_from_db

    # --- changing -----------------------------------------------------------------------------

    def save(self, record: Record) -> Record:
        """Take a record, to be written by the next flush, and return it.

        Another record in the place of a cached one, such as a copy made by ``evolve``,
        is written as a change of it. Of a new record in that place that is frozen and has
        a version, a copy that goes on with the version is taken and returned.

        Raises:
            ValidationError: The record cannot be stored; with all problems.
            InvalidKeysException: Its key is missing, invalid, or changed since it was loaded.
            DynamoException: It was read from another table.
        """
        home = getattr(record, "_home", self._table.full_name)
        if record._stored is not None and home != self._table.full_name:
            raise DynamoException(
                f"the record was read from table {home}: take a new one, Store(**record.get_dict()), say"
            )
        encode_record(self._schema, record)
        key = self._schema.key_item(*self._schema.record_key(record))
        if record._stored is not None and self._map.lookup(record._stored) != self._map.lookup(key):
            self._move(record)
        taken: Record = self._map.put(key, record)
        return taken

    def _move(self, record: Any) -> None:
        """Make a copy with another key a new record; a record itself may not change its key."""
        if record._loaded is not None or self._map.is_held_elsewhere(record):
            key = self._schema.record_key(record)
            raise self._schema.invalid_key(*key, "the key was changed after loading: evolve() makes a copy")
        self._codec.remember(record, None, None)

    def delete(self, hash: Any, range: Any = None) -> Record:
        """Return a record and delete it with the next flush.

        Raises:
            ItemNotFound: There is no such record.
            InvalidKeysException: Half a key, or a value of a wrong type.
        """
        if self._schema.is_empty_key(hash, range):
            raise self._table._verbs.not_found(hash, range)
        entry, _ = self._reader.entry(hash, range)
        record: Record | None = self._map.delete(entry)
        if record is None:
            raise self._table._verbs.not_found(hash, range)
        return record

    # --- what is cached -------------------------------------------------------------------------

    def has_item(self, hash: Any, range: Any = None) -> bool:
        """Tell whether a record with this key is cached; nothing is read.

        Raises:
            InvalidKeysException: Half a key, or a value of a wrong type.
        """
        if self._schema.is_empty_key(hash, range):
            return False
        lookup = self._map.lookup(self._schema.key_item(hash, range))
        with self._map.lock:
            entry = self._map.cache.get(lookup)
            return entry is not None and entry.record is not None

    def get_data(self) -> list[Record]:
        """Return all cached records, without deleted ones."""
        return [record for entry in self._map.entries() if (record := entry.record) is not None]

    def dirty_keys(self) -> list[Any]:
        """Return the keys that a flush would write or delete."""
        return [entry.key for entry in self._map.dirty()]

    def reset(self) -> None:
        """Forget everything, unwritten changes too."""
        self._map.reset()

    # --- queries --------------------------------------------------------------------------------

    def query(self, hash: Any = None, condition: Any = None, **keywords: Any) -> MemoryQuery[Record]:
        """Return a lazy query that shows unflushed changes; arguments as for the table's."""
        return MemoryQuery(self._reader, self._table.query(hash, condition, **keywords))

    def scan(self, condition: Any = None, **keywords: Any) -> MemoryQuery[Record]:
        """Return a lazy scan that shows unflushed changes; arguments as for the table's."""
        return MemoryQuery(self._reader, self._table.scan(condition, **keywords))

    def query_count(self, hash: Any = None, condition: Any = None, **keywords: Any) -> int:
        """Return the number of results of a query."""
        return self.query(hash, condition, **keywords).count()

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
        self, ignore_errors: bool, overwrite: bool, progress: Progress | None, *, one_by_one: bool
    ) -> FlushReport:
        self._check_process()
        if self._flusher == threading.get_ident():
            raise DynamoException(f"{self!r} is being flushed: a progress bar must not flush it again")
        with self._map.flushing:  # two at once would write everything twice
            self._flusher = threading.get_ident()
            self._map.begin_flush()
            try:
                report = self._written(overwrite, progress, one_by_one=one_by_one)
            finally:
                self._flusher = None
                self._map.end_flush()
        if report.failed and not ignore_errors:
            failed = BatchFailed(f"flush of {self._table.table_name}", report.failed, report)
            raise failed from report.failed[0].reason
        return report

    def _written(self, overwrite: bool, progress: Progress | None, *, one_by_one: bool) -> FlushReport:
        known = self._map
        known.check_home()
        with known.planning:
            plan = plan_flush(
                self._schema,
                known.name,
                known.entries(),
                conditional=one_by_one,
                overwrite=overwrite,
            )
        flush = Flush(self._table._connection, self._codec, plan, known.lock, progress)
        return flush.run(one_by_one=one_by_one)

    def _check_process(self) -> None:
        if self._map.was_inherited_dirty:
            raise DynamoException(
                f"{self!r} was inherited with unwritten changes by a forked process: flush it "
                f"where they were made, or they would be written twice; here, reset() it"
            )

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
