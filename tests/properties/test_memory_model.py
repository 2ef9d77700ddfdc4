"""MemoryTable against a model: a dict of what is stored, and a few words about each key.

The machine does what programs do, in any order: get, create, change in place, save copies
and new instances, delete, prefetch, query, scan, flush both ways, reset; meanwhile others
write to the table, and single writes fail. The service is a dict behind the transport.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Collection
from contextlib import suppress
from typing import Any

import attrs
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from dynamo_objects import (
    ConflictError,
    DynamoRecord,
    DynamoTable,
    GlobalIndex,
    HashKey,
    ItemExists,
    ItemNotFound,
    MemoryTable,
    RangeKey,
    field,
)
from tests.dictservice import error_reply, good_reply
from tests.memoryservice import MemoryService, connect, keys_in


class Plain(DynamoRecord):
    """A mutable record."""

    h: str = ""
    r: int = 0
    n: int = 0
    group: str = ""
    tags: list[str] = []


class Frozen(DynamoRecord, frozen=True):
    """A frozen one."""

    h: str = ""
    r: int = 0
    n: int = 0
    group: str = ""
    tags: list[str] = []


class Counted(Plain):
    """A mutable one with a version."""

    version: int = field(default=0, version=True)


class FrozenCounted(Frozen, frozen=True):
    """A frozen one with a version."""

    version: int = field(default=0, version=True)


class _Table:
    table_name = "model"
    schema = [HashKey("h"), RangeKey("r")]
    global_indexes = [GlobalIndex("ByGroup", [HashKey("group"), RangeKey("n")])]


class PlainTable(_Table, DynamoTable[Plain]):
    """Plain records."""


class FrozenTable(_Table, DynamoTable[Frozen]):
    """Frozen records."""


class CountedTable(_Table, DynamoTable[Counted]):
    """Records with a version."""


class FrozenCountedTable(_Table, DynamoTable[FrozenCounted]):
    """Frozen records with a version."""


TABLES = [PlainTable, FrozenTable, CountedTable, FrozenCountedTable]

Key = tuple[str, int]
Row = dict[str, Any]

KEYS = st.tuples(st.sampled_from(["a", "b"]), st.integers(0, 5))
NUMBERS = st.integers(0, 3)
GROUPS = st.sampled_from(["", "g", "k"])
TAGS = st.lists(st.sampled_from(["x", "y"]), max_size=2)


def row_of(record: Any) -> Row:
    """Return what storing a record stores: all but empty texts and lists."""
    row = {name: getattr(record, name) for name in type(record).__dynamo_fields__}
    row["tags"] = list(row["tags"])
    return {name: value for name, value in row.items() if value not in ("", [])}


def item_of(row: Row) -> Any:
    """Return a row as attribute values."""
    item: dict[str, Any] = {name: {"N": str(v)} for name, v in row.items() if isinstance(v, int)}
    item |= {name: {"S": v} for name, v in row.items() if isinstance(v, str)}
    return item | ({"tags": {"L": [{"S": tag} for tag in row["tags"]]}} if "tags" in row else {})


def row_in(item: Any) -> Row:
    """Return attribute values as a row."""
    row: Row = {name: int(v["N"]) for name, v in item.items() if "N" in v}
    row |= {name: v["S"] for name, v in item.items() if "S" in v}
    return row | ({"tags": [tag["S"] for tag in item["tags"]["L"]]} if "tags" in item else {})


@attrs.define(eq=False)
class Known:
    """What the model says of one key that was read, or saved.

    Attributes:
        record: The one record object.
        base: What the table held when it was read, or written from here; None if nothing.
        is_proven: Whether that comes from the table.
        is_change: Whether the record is a change of *base*, and not a new one.
        is_saved: Whether save was called for a new one.
        created: What a Null object was when it was made.
        is_deleted: Whether what is stored is to go.
        is_gone: Whether a flush has deleted it; what a page may show of it is old.
    """

    record: Any = None
    base: Row | None = None
    is_proven: bool = True
    is_change: bool = False
    is_saved: bool = False
    created: Row | None = None
    is_deleted: bool = False
    is_gone: bool = False

    @property
    def row(self) -> Row | None:
        """Return what a flush would leave in the table; None for nothing."""
        if self.record is None:
            return None
        row = row_of(self.record)
        return row if self.is_change or self.is_saved or row != self.created else None

    @property
    def is_dirty(self) -> bool:
        """Tell whether a flush has anything to write."""
        if self.is_change:
            return self.row != self.base
        return self.row is not None or self.is_deleted

    @property
    def is_absent(self) -> bool:
        """Tell whether there is nothing, here or to delete."""
        return self.record is None and not self.is_deleted


class Model(RuleBasedStateMachine):
    """The machine."""

    def __init__(self) -> None:
        super().__init__()
        self.service = MemoryService(page_size=3)
        self.stored: dict[Key, Row] = {}
        self.known: dict[Key, Known] = {}
        self.asked: set[Key] = set()

    @initialize(
        table=st.sampled_from(TABLES),
        bounds=st.sampled_from([{}, {}, {"maxsize": 1}, {"maxsize": 3}, {"maxbytes": 300}]),
        rows=st.dictionaries(KEYS, st.tuples(NUMBERS, GROUPS, TAGS), max_size=8),
        parallel=st.sampled_from([1, 4]),
    )
    def begin(self, table: Any, bounds: dict[str, int], rows: dict[Key, Any], parallel: int) -> None:
        """Make a table with some records in it."""
        self.table = table(database=connect(self.service, max_parallel=parallel))
        self.record_class = self.table.record_class
        self.is_counted = "version" in self.record_class.__dynamo_fields__
        self.is_frozen = self.record_class.__dynamo_frozen__
        self.maxsize = bounds.get("maxsize") or bounds.get("maxbytes")
        self.memory: Any = MemoryTable(self.table, **bounds)
        for key, (n, group, tags) in rows.items():
            self.store(key, n, group, tags)
        self.service.forget()

    def teardown(self) -> None:
        """Let go of the database."""
        if self.service.tables:
            self.table.database.disconnect()

    # --- helpers --------------------------------------------------------------------------------

    def store(self, key: Key, n: int, group: str, tags: list[str]) -> None:
        """Store a row as another program would."""
        row: Row = {"h": key[0], "r": key[1], "n": n}
        row |= {"group": group} if group else {}
        row |= {"tags": tags} if tags else {}
        if self.is_counted:
            row["version"] = self.stored.get(key, {"version": 0})["version"] + 1
        self.stored[key] = row
        self.service.write(item_of(row))

    def learn(self, key: Key, record: Any) -> Known:
        """Take what the table holds into the model."""
        base = self.stored.get(key)
        self.known[key] = Known(record, base, is_change=record is not None)
        return self.known[key]

    def see(self, flushed: Collection[Key] = ()) -> None:
        """Take over what queries have cached, and what a small cache has dropped."""
        cached = {entry.lookup for entry in self.memory._map.entries()}
        for key in {*self.stored, *self.known}:
            known = self.known.get(key)
            if self.memory.has_item(*key):
                if known is None or known.is_absent:
                    record = self.memory.get(*key)
                    assert self.stored[key] == row_of(record)
                    self.learn(key, record)
            elif known is not None and key not in cached:
                assert self.maxsize is not None, "nothing is dropped without maxsize"
                assert not known.is_dirty or key in flushed, "dirty records are never dropped"
                del self.known[key]

    def look_up(self, key: Key, create: bool) -> Any:
        """Get a record, checked against the model; None when there is none."""
        self.see()
        self.service.forget()
        known = self.known.get(key)
        try:
            record = self.memory.get(*key, create=create)
        except ItemNotFound:
            record = None
        reads = sum(self.service.reads.values())
        if reads:
            assert known is None or (self.maxsize is not None and known.is_absent)
            assert reads == 1 == len(self.service.sent)
            assert self.maxsize is not None or key not in self.asked, "read twice"
            known = self.learn(key, record if key in self.stored else None)
            if record is not None:
                assert self.stored.get(key) in (None, row_of(record))
        self.asked.add(key)
        assert known is not None, "cached without being read"
        if known.record is None:
            assert create is (record is not None)
            if record is not None:
                known.record, known.created = record, row_of(record)
                version = {"version": (known.base or {"version": 0})["version"]} if self.is_counted else {}
                assert {"h": key[0], "r": key[1], "n": 0, **version} == known.created
        assert record is known.record, "one object for each key"
        return record

    def put(self, key: Key, record: Any) -> None:
        """Save a record here, and say so in the model."""
        self.see()
        taken = self.memory.save(record)
        assert taken is record or (self.is_frozen and self.is_counted)
        known = self.known.get(key)
        if known is None:
            known = self.known[key] = Known(is_proven=False)
        known.record, known.is_saved = taken, True
        if known.base is not None and self.is_counted:
            assert known.base["version"] == taken.version
        if known.base is not None and not known.is_deleted:
            known.is_change = True

    # --- one record -----------------------------------------------------------------------------

    @rule(key=KEYS, create=st.booleans())
    def get(self, key: Key, create: bool) -> None:
        """Get a record."""
        self.look_up(key, create)

    @rule(key=KEYS, n=NUMBERS, group=GROUPS, tags=TAGS, create=st.booleans())
    def change(self, key: Key, n: int, group: str, tags: list[str], create: bool) -> None:
        """Change a record in place, or save a changed copy where that is impossible."""
        record = self.look_up(key, create)
        if record is None:
            return
        if self.is_frozen:
            self.save_copy_of(record, key, n=n, group=group, tags=tags)
        else:
            record.n, record.group, record.tags = n, group, tags

    @rule(key=KEYS, tag=st.sampled_from(["x", "y"]))
    def change_inside(self, key: Key, tag: str) -> None:
        """Change a list inside a record, whether it is frozen or not."""
        record = self.look_up(key, False)
        if record is not None:
            record.tags.append(tag) if len(record.tags) < 2 else record.tags.clear()

    @rule(key=KEYS, n=NUMBERS, group=GROUPS)
    def save_copy(self, key: Key, n: int, group: str) -> None:
        """Save a copy made by evolve."""
        record = self.look_up(key, True)
        self.save_copy_of(record, key, n=n, group=group, tags=list(record.tags))

    def save_copy_of(self, record: Any, key: Key, **changes: Any) -> None:
        """Save a changed copy; of a new record it is as new as that."""
        copied = record.evolve(**changes)
        is_change = self.known[key].is_change
        self.put(key, copied)
        self.known[key].is_change = is_change

    @rule(key=KEYS, n=NUMBERS, group=GROUPS, tags=TAGS)
    def save_new(self, key: Key, n: int, group: str, tags: list[str]) -> None:
        """Save a new record, whether there is one or not."""
        self.put(key, self.record_class(h=key[0], r=key[1], n=n, group=group, tags=tags))

    @rule(key=KEYS, other=KEYS)
    def save_under_another_key(self, key: Key, other: Key) -> None:
        """Save a copy under another key: a new record there."""
        record = self.look_up(key, False)
        if record is not None and key != other:
            more = {"version": 0} if self.is_counted else {}
            self.put(other, record.evolve(h=other[0], r=other[1], tags=list(record.tags), **more))

    @rule(key=KEYS)
    def delete(self, key: Key) -> None:
        """Delete a record, if there is one."""
        record = self.look_up(key, False)
        known = self.known[key]
        try:
            assert record is self.memory.delete(*key)
        except ItemNotFound:
            assert record is None
            return
        is_deleted = known.is_deleted or known.base is not None or not known.is_proven
        self.known[key] = Known(
            None, known.base, known.is_proven, is_deleted=is_deleted, is_gone=known.is_gone
        )

    @rule(keys=st.lists(KEYS, max_size=8))
    def prefetch(self, keys: list[Key]) -> None:
        """Read some keys ahead."""
        self.see()
        self.service.forget()
        self.memory.prefetch(keys)
        wanted = {key for key in keys if key not in self.known}
        read = {(hash, int(range)) for hash, range in self.service.reads}
        assert wanted <= read <= (wanted if self.maxsize is None else set(keys))
        assert all(count == 1 for count in self.service.reads.values())
        assert len(self.service.sent) == bool(read)
        if self.maxsize is None:
            assert not read & self.asked, "read twice"
        self.asked |= read
        for key in read:
            if key not in self.stored:
                self.learn(key, None)
        self.see()

    @precondition(lambda self: self.maxsize is not None)
    @rule(key=KEYS)
    def let_go(self, key: Key) -> None:
        """Have nobody refer to a clean record, so that a small cache drops it for others."""
        self.see()
        known = self.known.get(key)
        if known is None or known.is_dirty or not known.is_change or known.base != self.stored.get(key):
            return
        del self.known[key], known
        for number in range(5):
            self.memory.find("elsewhere", number)
        self.memory._map.settle()  # what was kept for us is looked at when there is more of it
        assert not self.memory.has_item(*key)
        self.see()

    # --- units ----------------------------------------------------------------------------------

    @rule(
        steps=st.lists(
            st.tuples(
                st.sampled_from(
                    ["change", "change_inside", "save_copy", "save_new", "delete", "get", "unit"]
                ),
                KEYS,
                NUMBERS,
            ),
            max_size=6,
        ),
        fails=st.booleans(),
    )
    def unit(self, steps: list[Any], fails: bool) -> None:
        """Change some records in a unit, and in one inside of it; an exception undoes its changes."""
        self.see()
        before = {
            key: (attrs.evolve(known), None if known.record is None else row_of(known.record))
            for key, known in self.known.items()
        }
        self.service.forget()
        with suppress(ZeroDivisionError), self.memory.unit():
            for number, (name, key, n) in enumerate(steps):
                if name == "unit":
                    self.unit(steps[number + 1 :], bool(n % 2))
                else:
                    self.step(name, key, n)
            if fails:
                raise ZeroDivisionError
        if fails:
            self.undo(before)
        self.see()

    def step(self, name: str, key: Key, n: int) -> None:
        """Do one thing in a unit."""
        match name:
            case "change":
                self.change(key, n, "g", ["y"], n > 1)
            case "change_inside":
                self.change_inside(key, "x")
            case "save_copy" | "save_new" if self.memory.has_item(*key) or name == "save_new":
                self.save_copy(key, n, "k") if name == "save_copy" else self.save_new(key, n, "k", ["x"])
            case "delete":
                self.delete(key)
            case "get":
                self.get(key, n > 1)

    def undo(self, before: dict[Key, Any]) -> None:
        """Take back in the model what a unit has changed; what it has read stays read."""
        cached = {entry.lookup: entry.record for entry in self.memory._map.entries()}
        for key in [*self.known]:
            if key not in before:
                del self.known[key]
                if key in cached:
                    self.learn(key, cached[key])
                else:
                    self.asked.discard(key)  # it was only saved here, and is not known any more
        for key, (known, row) in before.items():
            self.known[key] = known
            if known.record is not None:
                assert row == row_of(known.record), "the values before the unit"
                assert self.memory.get(*key) is known.record

    # --- searches -------------------------------------------------------------------------------

    def expected(self, *, by_index: bool) -> dict[Key, Row]:
        """Return what a search may find: the stored rows, with what is cached in their place."""
        self.see()
        rows = dict(self.stored)
        for key, known in self.known.items():
            if known.is_absent and not by_index and not known.is_gone:
                continue  # others may have made it since; then it shows
            rows.pop(key, None)
            if known.row is not None:
                rows[key] = known.row
        return rows

    def check(self, query: Any, rows: list[tuple[Key, Row]], limit: int | None, order: Any) -> None:
        """Run a query and compare: the records, their order, their identity."""
        found = list(query)
        keys = [(record.h, record.r) for record in found]
        assert len(keys) == len(set(keys)) == min(len(rows), len(rows) if limit is None else limit)
        by_key = dict(rows)
        assert [by_key[key] for key in keys] == [row_of(record) for record in found]
        if order is not None:
            expected = [order(row) for _, row in rows]
            assert expected[: len(found)] == [order(row_of(record)) for record in found]
        for key, record in zip(keys, found, strict=True):
            known = self.known.get(key)
            if known is not None and known.record is not None:
                assert record is known.record, "one object for each key"
        self.see()
        if self.maxsize is None:
            assert all(self.memory.get(*key) is record for key, record in zip(keys, found, strict=True))

    @rule(
        h=st.sampled_from(["a", "b"]),
        low=st.none() | st.integers(0, 5),
        high=st.none() | st.integers(0, 5),
        limit=st.none() | st.integers(1, 4),
        reverse=st.booleans(),
        least=st.none() | NUMBERS,
    )
    def query(
        self, h: str, low: int | None, high: int | None, limit: int | None, reverse: bool, least: int | None
    ) -> None:
        """Query a part of the table, with or without range, filter, limit, backwards."""
        query = self.memory.query(h, reverse=reverse)
        if (low is not None or high is not None) and (low or 0) <= (5 if high is None else high):
            query = query.range(low, high)
        else:
            low = high = None
        if least is not None:
            query = query.filter(n__gte=least)
        if limit is not None:
            query = query.limit(limit)
        rows = [
            (key, row)
            for key, row in sorted(self.expected(by_index=False).items(), reverse=reverse)
            if key[0] == h
            and (low or 0) <= key[1] <= (5 if high is None else high)
            and row["n"] >= (least or 0)
        ]
        self.check(query, rows, limit, lambda row: row["r"])

    @rule(
        limit=st.none() | st.integers(1, 5), tag=st.none() | st.just("x"), segments=st.sampled_from([1, 1, 3])
    )
    def scan(self, limit: int | None, tag: str | None, segments: int) -> None:
        """Scan the table, also in parallel."""
        query = self.memory.scan(**({} if tag is None else {"tags__contains": tag}))
        if segments > 1:
            query = query.segments(segments)
        if limit is not None:
            query = query.limit(limit)
        rows = [
            (key, row)
            for key, row in self.expected(by_index=False).items()
            if tag is None or tag in row.get("tags", ())
        ]
        self.check(query, rows, limit, None)

    @rule(group=st.sampled_from(["g", "k"]), limit=st.none() | st.integers(1, 4), reverse=st.booleans())
    def query_index(self, group: str, limit: int | None, reverse: bool) -> None:
        """Query the index, in which some records are."""
        query = self.memory.query(group, index="ByGroup", reverse=reverse)
        if limit is not None:
            query = query.limit(limit)
        rows = [(k, row) for k, row in self.expected(by_index=True).items() if row.get("group") == group]
        rows.sort(key=lambda pair: pair[1]["n"], reverse=reverse)
        self.service.forget()
        self.check(query, rows, limit, lambda row: row["n"])
        assert all(count == 1 for count in self.service.reads.values())
        read = {(hash, int(range)) for hash, range in self.service.reads}
        if self.maxsize is None:
            assert not read & self.asked, "read twice"
        self.asked |= read

    # --- others ---------------------------------------------------------------------------------

    @rule(key=KEYS, n=NUMBERS, group=GROUPS, tags=TAGS)
    def others_put(self, key: Key, n: int, group: str, tags: list[str]) -> None:
        """Another program stores a row."""
        if self.maxsize is None or key in self.stored:
            self.store(key, n, group, tags)

    @rule(key=KEYS)
    def others_delete(self, key: Key) -> None:
        """Another program deletes a row."""
        self.stored.pop(key, None)
        self.service.remove({"h": {"S": key[0]}, "r": {"N": str(key[1])}})

    # --- flushing -------------------------------------------------------------------------------

    def may_write(self, key: Key, known: Known, *, guarded: bool) -> type[Exception] | None:
        """Return the error that a write of a dirty key must meet, or None."""
        stored, base, row = self.stored.get(key), known.base, known.row
        if not guarded:
            return None
        if known.is_change:
            assert base is not None
            assert row is not None
            names = (
                {"version"}
                if self.is_counted
                else {name for name in base.keys() | row.keys() if base.get(name) != row.get(name)}
            )
            is_same = stored is not None and all(stored.get(name) == base.get(name) for name in names)
            return None if is_same else ConflictError
        if base is None:
            is_blind = known.is_deleted or row is None
            return ItemExists if stored is not None and not is_blind else None
        names = {"version"} if self.is_counted else set(base)
        is_same = stored is not None and all(stored.get(name) == base[name] for name in names)
        if stored is None or is_same:
            return None
        return ConflictError if row is None else ItemExists

    def written(self, key: Key, known: Known, row: Row | None, *, guarded: bool) -> None:
        """Do in the model what a successful write of a dirty key does; *row* is what it was before."""
        if row is None:
            self.stored.pop(key, None)
            record = known.record  # an untouched Null object, if any
            self.known[key] = Known(record, created=known.created, is_gone=True)
            return
        if self.is_counted:
            row = {**row, "version": row["version"] + 1}
        changed = row
        if guarded and known.is_change:
            assert known.base is not None
            names = {name for name in known.base.keys() | row.keys() if known.base.get(name) != row.get(name)}
            changed = {n: v for n, v in self.stored[key].items() if n not in names}
            changed |= {name: row[name] for name in names if name in row}
        self.stored[key] = changed
        self.known[key] = Known(known.record, row, is_change=True)

    @rule(
        one_by_one=st.booleans(),
        overwrite=st.sampled_from([False, False, True]),
        fault=st.sampled_from(["refused", "throttled", "lost"]),
        bad=st.sets(KEYS, max_size=2),
    )
    def flush(self, one_by_one: bool, overwrite: bool, fault: str, bad: set[Key]) -> None:
        """Flush, in one of both ways, while some writes fail."""
        self.see()
        guarded = not overwrite and (one_by_one or self.is_counted)
        dirty = {key: known for key, known in self.known.items() if known.is_dirty}
        clean = [key for key, known in self.known.items() if not known.is_dirty and known.record is not None]
        rows = {key: known.row for key, known in dirty.items()}
        reasons = {key: self.may_write(key, known, guarded=guarded) for key, known in dirty.items()}
        faults = {key: fault for key in bad if key in dirty and reasons[key] is None}
        gone = {key for key, known in dirty.items() if guarded and known.base and rows[key] is None}
        gone -= self.stored.keys()
        self.service.forget()
        self.service.step = lambda operation, request: self.fail(operation, request, faults)
        applied = self.service.applied
        flush = self.memory.save_data if one_by_one else self.memory.save_data_batch
        report = flush(ignore_errors=True, overwrite=overwrite)
        self.service.step = None

        failed = {failure.key: failure.reason for failure in report.failed}
        settled = {k for k, fault in faults.items() if fault == "lost" and rows[k] is None and guarded}
        settled -= {key for key in settled if dirty[key].base is None}
        assert {key for key, reason in reasons.items() if reason} | (faults.keys() - settled) == failed.keys()
        assert len(failed) == len(report.failed), "each is named once"
        for key, reason in reasons.items():
            assert reason is None or type(failed[key]) is reason
        good = dirty.keys() - failed.keys()
        assert len(good) == report.written == report.puts + report.updates + report.deletes
        assert len(clean) == report.skipped
        assert sum(rows[key] is None for key in good) == report.deletes
        assert len(self.service.sent) == report.requests
        if not faults and not guarded and not one_by_one:
            assert math.ceil(len(dirty) / 25) == report.requests
        lost = {key for key, fault in faults.items() if fault == "lost"}
        times = self.service.applied - applied
        assert times == len(good - gone) if not lost else times >= len(good - gone)
        for key in good:
            self.written(key, dirty[key], rows[key], guarded=guarded)
        for key in failed:
            if rows[key] is not None and dirty[key].base is None:
                dirty[key].is_proven = False
        for key in lost:  # done or not, that is how it is now
            self.stored.pop(key, None)
            self.stored |= {k: row for k, row in self.in_table().items() if k == key}
        self.take_successors(good)
        assert failed.keys() == set(self.memory.dirty_keys()), "what failed stays dirty, and nothing else"

    def fail(self, operation: str, request: Any, faults: dict[Key, str]) -> Any:
        """Answer a request that is about a key with a fault, if it is."""
        if operation not in ("PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem"):
            return None
        keys = list(
            zip(keys_in(operation, request, "h"), map(int, keys_in(operation, request, "r")), strict=True)
        )
        meant = {faults[key] for key in keys if key in faults}
        if not meant:
            return None
        if operation == "BatchWriteItem":
            return self.fail_in_batch(request, keys, faults)
        if meant == {"refused"}:
            return error_reply("ValidationException")
        if meant == {"throttled"}:
            return error_reply("ThrottlingException")
        super(MemoryService, self.service).send(operation, json.dumps(request).encode(), 1.0)
        return error_reply("InternalServerError", status=500)

    def fail_in_batch(self, request: Any, keys: list[Key], faults: dict[Key, str]) -> Any:
        """Refuse a batch whole, or leave the writes unprocessed that are to fail; "lost" ones are done."""
        if "refused" in (faults.get(key) for key in keys):
            return error_reply("ValidationException")
        ((table, writes),) = request["RequestItems"].items()
        paired = list(zip(writes, keys, strict=True))
        left = [write for write, key in paired if key in faults]
        done = [write for write, key in paired if faults.get(key) != "throttled"]
        if done:
            body = json.dumps({"RequestItems": {table: done}}).encode()
            super(MemoryService, self.service).send("BatchWriteItem", body, 1.0)
        return good_reply({"UnprocessedItems": {table: left} if left else {}})

    def take_successors(self, good: set[Key]) -> None:
        """Frozen records that count their saves are copies now; all others are what they were."""
        self.see(flushed=good)
        for key in good & self.known.keys():
            known = self.known[key]
            if known.record is None:
                continue
            record = self.memory.get(*key)
            if self.is_frozen and self.is_counted and known.is_change:
                assert known.base == row_of(record)
                known.record = record
            assert record is known.record

    @precondition(lambda self: self.known)
    @rule()
    def reset(self) -> None:
        """Forget everything."""
        self.memory.reset()
        self.known.clear()
        self.asked.clear()

    # --- what always holds ----------------------------------------------------------------------

    def in_table(self) -> dict[Key, Row]:
        """Return what the service holds."""
        rows = map(row_in, self.service.items)
        return {(row["h"], row["r"]): row for row in rows}

    @invariant()
    def table_is_as_the_model_says(self) -> None:
        """Nothing is written but by flushes, and by others."""
        if self.service.tables:
            assert self.stored == self.in_table()

    @invariant()
    def dirty_is_what_the_model_says(self) -> None:
        """dirty_keys are those of the model, no more and no less."""
        if self.service.tables:
            assert {key for key, known in self.known.items() if known.is_dirty} == set(
                self.memory.dirty_keys()
            )


LONG = os.environ.get("MEMORY_MODEL_EXAMPLES")

TestModel = Model.TestCase
TestModel.settings = settings(
    max_examples=int(LONG or 150),
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
