"""MemoryTable: versions, and other kinds of records, through both flushes."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from dynamo_objects import (
    ConflictError,
    DynamoRecord,
    DynamoTable,
    HashKey,
    MemoryTable,
    RangeKey,
    field,
)

from .memory import both_ways, filled
from .tables import FrozenAccount, FrozenAccountTable, Store, StoreTable, Visit, VisitTable

# --- versions -----------------------------------------------------------------------------------------


@both_ways
def test_versions_are_counted(db, kind, flush):
    """
    Each flush that writes a record counts its version by one; records in memory know it.
    """
    table = kind.AccountTable()
    memory = MemoryTable(table)
    memory.save(kind.Account(account_id="a1", balance=1))
    for balance in (2, 3):
        getattr(memory, flush)()
        memory.save(kind.changed(memory.get("a1"), balance=balance))
    getattr(memory, flush)()

    assert (3, 3) == (table.get("a1").balance, table.get("a1").version)
    assert 3 == memory.get("a1").version
    assert [] == memory.dirty_keys()


@both_ways
def test_versions_guard_both_flushes(db, kind, flush):
    """
    Records with a version are never overwritten blindly, also not by save_data_batch.
    """
    table = kind.AccountTable()
    table.save_many([kind.Account(account_id=f"a{n}", balance=1) for n in range(3)])
    memory = MemoryTable(table)
    for n in range(3):
        memory.save(kind.changed(memory.get(f"a{n}"), balance=2))
    theirs = table.save(kind.changed(table.get("a1"), balance=50))
    memory.delete("a2")
    table.save(kind.changed(table.get("a2"), owner="ann"))

    report = getattr(memory, flush)(ignore_errors=True)

    reasons = {failure.key: failure.reason for failure in report.failed}
    assert {"a1", "a2"} == reasons.keys() == set(memory.dirty_keys())
    assert all(isinstance(reason, ConflictError) for reason in reasons.values())
    assert theirs == reasons["a1"].theirs
    assert [2, 50, 1] == [table.get(f"a{n}").balance for n in range(3)]
    report = getattr(memory, flush)(overwrite=True)
    assert (1, 1) == (report.puts, report.deletes)
    assert 2 == table.get("a1").balance
    assert [] == memory.dirty_keys()


@both_ways
def test_versions_only_grow(db, kind, flush):
    """
    A new record in the place of another one, or after its deletion, goes on with its version.
    """
    table = kind.AccountTable()
    table.save_many([kind.Account(account_id=f"a{n}", balance=1) for n in range(2)])
    for _ in range(2):
        for n in range(2):
            table.save(kind.changed(table.get(f"a{n}"), balance=table.get(f"a{n}").balance + 1))
    memory = MemoryTable(table)
    memory.get("a0")
    memory.save(kind.Account(account_id="a0", balance=10))
    memory.delete("a1")
    memory.save(kind.Account(account_id="a1", balance=11))

    assert 2 == getattr(memory, flush)().written

    assert [(10, 4), (11, 4)] == [(table.get(f"a{n}").balance, table.get(f"a{n}").version) for n in range(2)]


def test_frozen_records_stay_as_they_are(db):
    """
    A frozen record that has to go on with a version is not changed: a copy is taken, and returned.
    """
    table = FrozenAccountTable()
    stored = table.save(table.save(FrozenAccount(account_id="a1")).evolve(balance=1))
    memory = MemoryTable(table)
    memory.get("a1")
    given = FrozenAccount(account_id="a1", balance=7)

    taken = memory.save(given)

    assert (0, 2, 2) == (given.version, taken.version, stored.version)
    assert taken is memory.get("a1")
    memory.save_data()
    assert (7, 3) == (table.get("a1").balance, table.get("a1").version)


# --- other records ------------------------------------------------------------------------------------


class Anything(DynamoRecord, schemaless=True):
    """A record of any fields."""

    name: str = ""


class AnythingTable(DynamoTable[Anything]):
    """Records of any fields, by name."""

    table_name = "anything"
    schema = [HashKey("name")]


@both_ways
def test_schemaless_records(db, flush):
    """
    Fields that are added, changed and removed on records without a schema are written.
    """
    table = AnythingTable()
    table.table.put_item(Item={"name": "n1", "size": 1, "old": True})
    memory = MemoryTable(table)
    record = memory.get("n1")
    assert [] == memory.dirty_keys()
    record.size, record.colour = 2, "red"
    del record.old

    getattr(memory, flush)()

    assert {"name": "n1", "size": 2, "colour": "red"} == table.table.get_item(Key={"name": "n1"})["Item"]


class Partly(DynamoRecord):
    """A record that drops what it does not know."""

    name: str = ""
    size: int = 0
    stamp: str = field(default="", name="s")


class PartlyTable(DynamoTable[Partly]):
    """Records with a field of another name on the wire."""

    table_name = "partly"
    schema = [HashKey("name")]


@both_ways
def test_partial_records_are_not_taken(db, flush):
    """
    A record of which only some fields were read is refused: it could not be written whole.
    """
    table = PartlyTable()
    table.save(Partly(name="n1", size=1, stamp="x"))
    memory = MemoryTable(table)
    partial = table.scan(attributes=["size"])()[0]

    with pytest.raises(Exception, match="was not read"):
        memory.save(partial)
    assert [] == memory.get_data()
    memory.get("n1").stamp = "y"
    getattr(memory, flush)()
    assert {"name": "n1", "size": 1, "s": "y"} == table.table.get_item(Key={"name": "n1"})["Item"]


@both_ways
def test_pairs(db, flush):
    """
    Records with a range key are written and deleted by the pair.
    """
    table = VisitTable()
    table.save_many([Visit(store_id="s1", number=n, guest="ann", note="n") for n in range(3)])
    memory = MemoryTable(table)
    memory.get("s1", 0).guest = "bob"
    memory.delete("s1", 1)
    memory.get("s1", 7, create=True).guest = "eve"

    assert {("s1", 0), ("s1", 1), ("s1", 7)} == set(memory.dirty_keys())
    report = getattr(memory, flush)()

    assert (3, 0) == (report.written, report.skipped)
    assert [(0, "bob"), (2, "ann"), (7, "eve")] == [
        (v.number, v.guest) for v in table.query("s1", consistent=True)
    ]


class Slot(DynamoRecord):
    """A record whose key may be spelled in several ways."""

    at: datetime = datetime(2026, 1, 1, tzinfo=UTC)
    name: str = ""
    note: str = ""


class SlotTable(DynamoTable[Slot]):
    """Slots by name and time."""

    table_name = "slot"
    schema = [HashKey("name"), RangeKey("at")]


@both_ways
def test_foreign_spellings_of_keys(db, flush):
    """
    An item whose key another program has spelled in its own way is changed and deleted where it is.
    """
    table = SlotTable()
    for hour in (10, 11):
        table.table.put_item(Item={"name": "a", "at": f"2026-11-20T{hour}:00:00Z", "note": "old"})
    memory = MemoryTable(table)
    first, second = memory.query("a")()
    first.note = "new"
    memory.delete("a", second.at)

    assert 2 == getattr(memory, flush)().written

    items = table.table.scan(ConsistentRead=True)["Items"]
    assert [{"name": "a", "at": "2026-11-20T10:00:00Z", "note": "new"}] == items
    memory.delete("a", first.at)
    memory.save(Slot(name="a", at=first.at, note="made anew"))
    assert 1 == getattr(memory, flush)().puts
    items = table.table.scan(ConsistentRead=True)["Items"]
    assert [{"name": "a", "at": "2026-11-20T10:00:00Z", "note": "made anew"}] == items


@both_ways
def test_two_memory_tables(db, kind, flush):
    """
    Two MemoryTables over one table know nothing of each other until they flush.
    """
    table = filled(kind.StoreTable(), 1)
    one, other = MemoryTable(table), MemoryTable(table)
    one.save(kind.changed(one.get("s0"), city="Oslo"))
    other.save(kind.changed(other.get("s0"), visits=3))

    one.save_data()
    other.save_data()

    assert ("Oslo", 3) == (table.get("s0").city, table.get("s0").visits)


def test_report_reads_well(db):
    """
    The report of a flush shows what was done.
    """
    memory = MemoryTable(StoreTable())
    memory.save(Store(store_id="s1"))

    report = memory.save_data_batch()

    assert "FlushReport(puts=1, updates=0, deletes=0, skipped=0, merged=0, requests=1, failed=[])" == repr(
        report
    )


@both_ways
def test_defaults_do_not_leak(db, kind, flush):
    """
    Defaults that are not stored are not written with a change of something else, nor are other spellings.
    """
    table = kind.StoreTable()
    item = {"store_id": "s1", "opened": "2026-11-20T13:00:00+01:00", "tags": []}
    table.table.put_item(Item=item)
    memory = MemoryTable(table)
    memory.save(kind.changed(memory.get("s1"), city="Oslo"))

    getattr(memory, flush)()

    assert {**item, "city": "Oslo"} == table.table.get_item(Key={"store_id": "s1"})["Item"]
