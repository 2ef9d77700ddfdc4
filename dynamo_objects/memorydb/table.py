"""MemoryTable: reads every key at most once and holds all writes back until a flush."""

from __future__ import annotations

import time
from collections.abc import Iterable
from os import PathLike
from typing import Any, Generic, TypeVar, overload

from ..database.progress import Progress
from ..errors import DynamoException, ItemNotFound
from ..flows.deciding import OnConflict, check_on_conflict
from ..flows.planning import encode_record
from ..record import DynamoRecord
from ..table import DynamoTable
from .entries import Entry
from .gathering import Loader
from .identity import IdentityMap
from .leftovers import watch
from .options import check_choice, check_count, check_seconds
from .pressure import Pressure, WhenFull
from .query import MemoryQuery
from .reading import Reader
from .timing import add_time
from .writing import Writing

__all__ = ["MemoryTable"]

Record = TypeVar("Record", bound=DynamoRecord)
Default = TypeVar("Default")


class MemoryTable(Writing, Generic[Record]):
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
        maxsize: How many records to keep, the most recently used ones. Dirty ones, and those
            that the program still refers to, are kept besides. None keeps any number.
        maxbytes: How many bytes to keep, likewise, counting items as DynamoDB does, and 100
            for each key. In memory a record takes several times that.
        max_dirty: How many unwritten records there may be before they are flushed by themselves,
            as by ``save_data_batch``; counted as they are handed out. None: any number.
        when_full: ``block``: whoever passes *max_dirty* flushes and waits. ``flush``: a thread
            does it; what goes wrong there is raised by the next call.
        gather_seconds: How long a single read waits for those of other threads, to be made
            with one request. 0: not at all.
        journal: Path of a file that keeps what was accepted: at the end of a unit, and when
            a flush starts. After a crash ``recover()`` writes what is in it.
        on_conflict: What a flush does when somebody else has changed a record: as for
            ``DynamoTable.save``, where it writes on condition.

    Raises:
        JournalInUse: Another process, or another MemoryTable, has the journal.
        JournalUnfinished: It holds what a process has left behind: ``recover()`` first.
        JournalError: It belongs to another table, or cannot be used safely.
    """

    def __init__(
        self,
        db_table: DynamoTable[Record],
        maxsize: int | None = None,
        *,
        maxbytes: int | None = None,
        max_dirty: int | None = None,
        when_full: WhenFull = "block",
        gather_seconds: float = 0.0,
        journal: str | PathLike[str] | None = None,
        on_conflict: OnConflict = "raise",
    ) -> None:
        if not isinstance(db_table, DynamoTable):
            raise DynamoException(f"MemoryTable takes a table, not {type(db_table).__name__}")
        check_count("maxsize", maxsize)
        check_count("maxbytes", maxbytes)
        check_count("max_dirty", max_dirty)
        check_choice("when_full", when_full, ("block", "flush"))
        check_seconds("gather_seconds", gather_seconds)
        self._table = db_table
        self._schema = db_table._schema
        self._codec = self._schema.codec
        check_on_conflict(on_conflict)
        self._map = IdentityMap(db_table, maxsize, maxbytes)
        self._map.on_conflict = on_conflict
        self._reader = Reader(self._map, gather_seconds)
        self._pressure = None if max_dirty is None else Pressure(self._map, max_dirty, when_full)
        if journal is not None:
            from .journal.keeping import keep_journal  # few need it

            keep_journal(self._map, journal)
        watch(self._map)
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
                if entry is not None and entry.record is not None and known.marks is None:
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
            self._map.mark(entry)
            self._relieve()
            return record
        finally:
            add_time(times, "mem_total", began)

    def _entry(self, hash: Any, range: Any, times: dict[str, float]) -> Entry:
        began = time.perf_counter()
        is_read = True
        try:
            entry, is_read = self._reader.entry(hash, range)
            return entry
        finally:
            add_time(times, "mem_get_from_db" if is_read else "mem_get_item", began)

    def _create(self, entry: Entry, hash: Any, range: Any, times: dict[str, float]) -> Record:
        began = time.perf_counter()
        self._table._verbs.check_creatable()
        record: Record = self._map.create(entry, hash, range)
        add_time(times, "mem_create_record", began)
        return record

    # --- reading ahead, or not at all ---------------------------------------------------------

    def prefetch(
        self,
        keys: Iterable[Any],
        progress: Progress | None = None,
        times: dict[str, float] | None = None,
    ) -> None:
        """Read many records at once, with a request for each 100 that are not cached.

        Args:
            keys: Hash values, or pairs of hash and range value; any number.
            progress: Its ``update(n)`` is called as keys are read.
            times: Gets the seconds spent, added to ``mem_prefetch``.

        Raises:
            InvalidKeysException: Half a key, or a value of a wrong type; nothing was read.
            DecodeError: An item cannot become a record; all others were read.
        """
        self._reader.prefetch(keys, progress, times)

    def set_load_from_db(self, load_from_db: bool) -> None:
        """Set whether keys that are not cached are read; if not, ``get`` makes new records.

        Queries and scans read in any case.
        """
        self._map.loads = load_from_db

    def loader(self) -> Loader[Record]:
        """Return what collects keys, and reads them together once the first is needed. ::

        loader = stores.loader()
        wanted = [loader.load(key) for key in keys]
        cities = [pending.get().city for pending in wanted]
        """
        return Loader(self)

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
        self._relieve()
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
        self._relieve()
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

    def reset(self, *, discard: bool = False) -> None:
        """Forget everything, unwritten changes too.

        Args:
            discard: Forget also what the journal has accepted.

        Raises:
            JournalError: It has accepted changes that are not written, and *discard* is not set.
        """
        self._map.reset(discard=discard)

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
