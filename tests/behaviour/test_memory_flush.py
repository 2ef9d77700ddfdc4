"""MemoryTable: what a flush writes, what it does not, and what it says about it."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from dynamo_objects import (
    BatchFailed,
    ConflictError,
    DynamoRecord,
    DynamoSchemaException,
    DynamoTable,
    HashKey,
    InvalidKeysException,
    ItemExists,
    ItemNotFound,
    MemoryTable,
    RangeKey,
    ValidationError,
    field,
)

from .tables import FrozenAccount, FrozenAccountTable, Store, StoreTable, Visit, VisitTable

#: Both ways to flush.
both_ways = pytest.mark.parametrize("flush", ["save_data", "save_data_batch"])


def filled(table, count, **fields):
    """Store some records, and return the table."""
    table.save_many([table.record_class(store_id=f"s{n}", **fields) for n in range(count)])
    return table


def written(sent):
    """Return how many requests wrote something."""
    return sum(sent.get(name, 0) for name in ("PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem"))


class Bar:
    """A progress bar."""

    def __init__(self):
        self.counted = []

    def update(self, n=1):
        self.counted.append(n)


# --- what is dirty --------------------------------------------------------------------------------


@both_ways
def test_only_dirty_records_are_written(db, kind, flush, count_requests):
    """
    Of ten cached records the one that was changed is written, and nothing else is sent.
    """
    table = filled(kind.StoreTable(), 10)
    memory = MemoryTable(table)
    memory.prefetch(f"s{n}" for n in range(10))
    memory.save(kind.changed(memory.get("s3"), city="Oslo"))
    requests = count_requests()

    report = getattr(memory, flush)()

    assert ["Oslo", ""] == [table.get("s3").city, table.get("s4").city]
    assert (1, 9, 1) == (report.written, report.skipped, report.requests)
    assert 1 == written(requests.sent())
    assert [] == memory.dirty_keys()


@both_ways
def test_nothing_dirty_costs_nothing(db, kind, flush, count_requests):
    """
    Reading, saving unchanged records and flushing writes nothing.
    """
    table = filled(kind.StoreTable(), 3, city="Oslo", tags=["a"])
    memory = MemoryTable(table)
    for n in range(3):
        memory.save(memory.get(f"s{n}"))
    requests = count_requests()

    report = getattr(memory, flush)()

    assert (0, 3, 0, []) == (report.written, report.skipped, report.requests, report.failed)
    assert {} == requests.sent()


@both_ways
def test_changes_in_place_count(db, flush):
    """
    A list that grew and a set that shrank make their records dirty, without save.
    """
    table = filled(StoreTable(), 2, tags=["a"], labels={"x", "y"})
    memory = MemoryTable(table)
    memory.get("s0").tags.append("b")
    memory.get("s1").labels.discard("y")

    assert ["s0", "s1"] == memory.dirty_keys()
    getattr(memory, flush)()
    assert (["a", "b"], {"x"}) == (table.get("s0").tags, table.get("s1").labels)


@both_ways
def test_nested_records_count(db, flush):
    """
    A change deep inside, of a record in a list in a record, is found and written.
    """

    class Line(DynamoRecord):
        text: str = ""
        marks: list[int] = []

    class Page(DynamoRecord):
        page_id: str = ""
        lines: list[Line] = []

    class PageTable(DynamoTable[Page]):
        table_name = "page"
        schema = [HashKey("page_id")]

    table = PageTable()
    table.save(Page(page_id="p1", lines=[Line(text="one"), Line(text="two")]))
    memory = MemoryTable(table)
    page = memory.get("p1")
    assert [] == memory.dirty_keys()
    page.lines[1].marks.append(5)

    assert ["p1"] == memory.dirty_keys()
    getattr(memory, flush)()
    assert [Line(text="one"), Line(text="two", marks=[5])] == table.get("p1").lines


@both_ways
def test_equal_values_are_no_change(db, flush, count_requests):
    """
    A value assigned again, an equal copy, and a change that was taken back are clean.
    """
    opened = datetime(2026, 11, 20, 12, tzinfo=UTC)
    table = filled(StoreTable(), 1, city="Oslo", visits=7, rating=0.5, opened=opened, tags=["a"])
    memory = MemoryTable(table)
    record = memory.get("s0")
    record.city, record.visits, record.rating = "".join(["Os", "lo"]), int("7"), float("0.5")
    record.opened, record.tags = datetime(2026, 11, 20, 12, tzinfo=UTC), ["a"]
    record.tags.append("b")
    record.tags.pop()
    requests = count_requests()

    assert [] == memory.dirty_keys()
    assert 0 == getattr(memory, flush)().written
    assert {} == requests.sent()


@both_ways
def test_foreign_spellings_are_no_change(db, flush, count_requests):
    """
    A time in another zone, or without fractions, as other programs write it, is clean; so are unknown attributes.
    """
    table = StoreTable()
    item = {
        "store_id": "s1",
        "opened": "2026-11-20T13:00:00+01:00",
        "rating": Decimal("0.50"),
        "other": {"a": 1},
    }
    table.table.put_item(Item=item)
    memory = MemoryTable(table)
    assert datetime(2026, 11, 20, 12, tzinfo=UTC) == memory.get("s1").opened
    requests = count_requests()

    assert [] == memory.dirty_keys()
    assert 0 == getattr(memory, flush)().written
    assert {} == requests.sent()


@both_ways
def test_unknown_attributes_survive(db, kind, flush):
    """
    Attributes that the class does not have are kept through load, change and flush.
    """
    table = kind.StoreTable()
    table.table.put_item(Item={"store_id": "s1", "city": "Oslo", "other": {"deep": [1, "x"]}})
    memory = MemoryTable(table)
    memory.save(kind.changed(memory.get("s1"), city="Bergen"))

    getattr(memory, flush)()

    expected = {"store_id": "s1", "city": "Bergen", "other": {"deep": [1, "x"]}}
    assert expected == table.table.get_item(Key={"store_id": "s1"})["Item"]


@both_ways
def test_checks_may_undo_a_change(db, flush, count_requests):
    """
    What _check_data makes of a record before it is written counts: if that is what was loaded, nothing is sent.
    """

    class Note(DynamoRecord):
        note_id: str = ""
        text: str = ""

        def _check_data(self):
            self.text = self.text.strip()

    class NoteTable(DynamoTable[Note]):
        table_name = "note"
        schema = [HashKey("note_id")]

    table = NoteTable()
    table.save(Note(note_id="n1", text="x"))
    memory = MemoryTable(table)
    memory.get("n1").text = " x "
    assert ["n1"] == memory.dirty_keys()
    requests = count_requests()

    report = getattr(memory, flush)()

    assert (0, 1) == (report.written, report.skipped)
    assert {} == requests.sent()
    assert [] == memory.dirty_keys()


# --- batches --------------------------------------------------------------------------------------


@pytest.mark.parametrize("dirty", [0, 1, 25, 26, 60])
def test_25_records_to_a_request(db, kind, dirty, count_requests):
    """
    A flush by batches takes dirty / 25 requests, rounded up.
    """
    table = kind.StoreTable()
    memory = MemoryTable(table)
    for n in range(dirty):
        memory.save(kind.Store(store_id=f"s{n}", visits=n))
    requests = count_requests()

    report = memory.save_data_batch()

    expected = math.ceil(dirty / 25)
    assert (dirty, expected) == (report.puts, report.requests)
    assert expected == written(requests.sent())
    assert dirty == len(table.scan(consistent=True)())


def test_puts_and_deletions_share_batches(db, kind, count_requests):
    """
    New, changed and deleted records go together, each key once.
    """
    table = filled(kind.StoreTable(), 20)
    memory = MemoryTable(table)
    for n in range(20):
        if n % 2:
            memory.delete(f"s{n}")
        else:
            memory.save(kind.changed(memory.get(f"s{n}"), city="Oslo"))
    for n in range(20, 25):
        memory.save(kind.Store(store_id=f"s{n}"))
    requests = count_requests()

    report = memory.save_data_batch()

    assert (15, 0, 10, 0) == (report.puts, report.updates, report.deletes, report.skipped)
    assert {"BatchWriteItem": 1} == requests.sent()
    assert 15 == len(table.scan(consistent=True)())
    assert [] == memory.dirty_keys()


def test_batch_write_is_another_name(db):
    """
    batch_write, as the first readme calls it, is save_data_batch.
    """
    memory = MemoryTable(StoreTable())
    memory.get("s1", create=True).city = "Oslo"

    assert 1 == memory.batch_write().puts


# --- one by one -----------------------------------------------------------------------------------


def test_save_data_sends_only_what_changed(db, kind, count_requests):
    """
    save_data writes as DynamoTable.save does: others' changes of other fields stay.
    """
    table = filled(kind.StoreTable(), 3, city="Oslo", visits=1)
    memory = MemoryTable(table)
    memory.prefetch(["s0", "s1", "s2"])
    memory.save(kind.changed(memory.get("s0"), visits=2))
    memory.delete("s1")
    memory.save(kind.Store(store_id="new"))
    table.update("s0", put={"city": "Bergen"})
    requests = count_requests()

    report = memory.save_data()

    assert (1, 1, 1, 1, 3) == (
        report.puts,
        report.updates,
        report.deletes,
        report.skipped,
        report.requests,
    )
    assert {"PutItem": 1, "UpdateItem": 1, "DeleteItem": 1} == requests.sent()
    stored = table.get("s0")
    assert ("Bergen", 2) == (stored.city, stored.visits)


def test_save_data_finds_conflicts(db, kind):
    """
    What somebody else changed is not overwritten: the flush names it and why, and writes all others.
    """
    table = filled(kind.StoreTable(), 4, visits=1)
    memory = MemoryTable(table)
    for n in range(4):
        memory.save(kind.changed(memory.get(f"s{n}"), visits=10 + n))
    memory.save(kind.Store(store_id="new", visits=14))
    table.update("s1", put={"visits": 99})
    table.delete("s2")
    table.save(kind.Store(store_id="new", visits=99))

    with pytest.raises(BatchFailed, match="flush of store: 3 not written") as caught:
        memory.save_data()

    report = caught.value.report
    reasons = {failure.key: failure.reason for failure in report.failed}
    assert {"s1", "s2", "new"} == reasons.keys() == set(memory.dirty_keys())
    assert [ConflictError, ConflictError, ItemExists] == [type(reasons[k]) for k in ("s1", "s2", "new")]
    assert (1, 11, 99) == tuple(getattr(reasons["s1"], side).visits for side in ("base", "mine", "theirs"))
    assert reasons["s2"].theirs is None
    assert memory.get("s1") is next(f.record for f in report.failed if f.key == "s1")
    assert (0, 2) == (report.puts, report.updates)
    assert [10, 99, 13, 99] == [table.get(key).visits for key in ("s0", "s1", "s3", "new")]
    assert table.find("s2") is None


def test_conflicts_can_be_resolved(db, kind):
    """
    After a conflict the record that is stored can take the place of ours, changed or not.
    """
    table = filled(kind.StoreTable(), 2, visits=1)
    memory = MemoryTable(table)
    for key in ("s0", "s1"):
        memory.save(kind.changed(memory.get(key), visits=2))
        table.update(key, put={"visits": 50})

    failed = memory.save_data(ignore_errors=True).failed
    for failure in failed:
        theirs = failure.reason.theirs
        memory.save(kind.changed(theirs, visits=theirs.visits + 1) if failure.key == "s0" else theirs)

    assert ["s0"] == memory.dirty_keys()
    assert 1 == memory.save_data().updates
    assert [51, 50] == [table.get(key).visits for key in ("s0", "s1")]


@both_ways
def test_overwrite(db, kind, flush):
    """
    overwrite=True writes whole records whatever is stored: changed, deleted or made by others.
    """
    table = filled(kind.StoreTable(), 3, visits=1)
    memory = MemoryTable(table)
    for n in range(2):
        memory.save(kind.changed(memory.get(f"s{n}"), visits=10))
    memory.delete("s2")
    memory.save(kind.Store(store_id="new", visits=10))
    table.update("s0", put={"visits": 99, "city": "Oslo"})
    table.delete("s1")
    table.update("s2", put={"visits": 99})
    table.save(kind.Store(store_id="new", visits=99))

    report = getattr(memory, flush)(overwrite=True)

    assert (3, 1) == (report.puts, report.deletes)
    assert [10, 10, 10] == [table.get(key).visits for key in ("s0", "s1", "new")]
    assert "" == table.get("s0").city
    assert table.find("s2") is None
    assert [] == memory.dirty_keys()


def test_batches_overwrite(db, kind):
    """
    Batch writes carry no conditions: the last writer wins.
    """
    table = filled(kind.StoreTable(), 1, visits=1)
    memory = MemoryTable(table)
    memory.save(kind.changed(memory.get("s0"), visits=10))
    table.update("s0", put={"visits": 99})

    memory.save_data_batch()

    assert 10 == table.get("s0").visits


# --- what may go wrong ------------------------------------------------------------------------------


@both_ways
def test_bad_records_do_not_stop_others(db, flush, count_requests):
    """
    A record that cannot be stored is named with all its problems; the others are written.
    """
    table = filled(StoreTable(), 3)
    memory = MemoryTable(table)
    for n in range(3):
        memory.get(f"s{n}").city = "Oslo"
    memory.get("s1").visits = "many"
    memory.get("s1").tags = [1]
    memory.get("fresh", create=True).visits = True

    with pytest.raises(BatchFailed) as caught:
        getattr(memory, flush)()

    failed = {failure.key: failure.reason for failure in caught.value.report.failed}
    assert {"s1", "fresh"} == failed.keys()
    assert all(isinstance(reason, ValidationError) for reason in failed.values())
    assert ["visits", "tags[0]"] == [problem.path for problem in failed["s1"].problems]
    assert ["Oslo", "", "Oslo"] == [table.get(f"s{n}").city for n in range(3)]
    assert ["s1", "fresh"] == memory.dirty_keys()
    memory.get("s1").visits, memory.get("s1").tags, memory.get("fresh").visits = 5, ["a"], 1
    assert 2 == getattr(memory, flush)().written
    assert [5, 1] == [table.get("s1").visits, table.get("fresh").visits]


@both_ways
def test_checks_that_raise_do_not_stop_others(db, flush):
    """
    An error of _check_data, whatever it is, is a reason like any other.
    """

    class Strict(DynamoRecord):
        name: str = ""
        size: int = 0

        def _check_data(self):
            if self.size < 0:
                raise ZeroDivisionError("too small")

    class StrictTable(DynamoTable[Strict]):
        table_name = "strict"
        schema = [HashKey("name")]

    table = StrictTable()
    memory = MemoryTable(table)
    memory.get("a", create=True).size = -1
    memory.get("b", create=True).size = 1

    with pytest.raises(BatchFailed, match="'a': too small") as caught:
        getattr(memory, flush)()

    assert isinstance(caught.value.__cause__, ZeroDivisionError)
    assert 1 == table.get("b").size
    assert ["a"] == memory.dirty_keys()


@both_ways
def test_ignore_errors(db, kind, flush):
    """
    With ignore_errors the report is returned, and names what was not written.
    """
    table = kind.StoreTable()
    memory = MemoryTable(table)
    memory.save(kind.Store(store_id="s1"))
    good = memory.save(kind.Store(store_id="s2"))
    table.table.delete()

    report = getattr(memory, flush)(ignore_errors=True)

    assert {"s1", "s2"} == {failure.key for failure in report.failed}
    assert 0 == report.written
    assert {"s1", "s2"} == set(memory.dirty_keys())
    kind.StoreTable()
    table.database.create_table("store", [HashKey("store_id")])
    assert 2 == getattr(memory, flush)().puts
    assert good == table.get("s2")


@both_ways
def test_progress(db, flush):
    """
    The progress counts what was written, and no more.
    """
    table = filled(StoreTable(), 30)
    memory = MemoryTable(table)
    memory.prefetch(f"s{n}" for n in range(30))
    for n in range(29):
        memory.get(f"s{n}").city = "Oslo"
    memory.get("s0").visits = "bad"
    memory.delete("s28")
    bar = Bar()

    getattr(memory, flush)(ignore_errors=True, progress=bar)

    assert 28 == sum(bar.counted)


def test_context_manager(db, kind):
    """
    A block that succeeds is flushed by batches.
    """
    table = filled(kind.StoreTable(), 1)
    with MemoryTable(table) as memory:
        memory.save(kind.changed(memory.get("s0"), city="Oslo"))
        assert "" == table.get("s0").city

    assert "Oslo" == table.get("s0").city


def test_context_manager_of_a_block_that_fails(db, kind, count_requests):
    """
    A block that raises writes nothing; what it changed stays dirty.
    """
    table = filled(kind.StoreTable(), 1)
    memory = MemoryTable(table)
    requests = count_requests()

    with pytest.raises(ZeroDivisionError), memory:
        memory.save(kind.changed(memory.get("s0"), city="Oslo"))
        raise ZeroDivisionError

    assert {"GetItem": 1} == requests.sent()
    assert ["s0"] == memory.dirty_keys()


def test_context_manager_tells_of_failures(db):
    """
    A flush that fails at the end of the block raises.
    """
    with pytest.raises(BatchFailed, match="'s1'"), MemoryTable(StoreTable()) as memory:
        memory.get("s1", create=True).visits = "many"


# --- records that come and go -----------------------------------------------------------------------


@both_ways
def test_records_can_be_flushed_again_and_again(db, kind, flush, count_requests):
    """
    Each flush writes what changed since the one before, of new records too.
    """
    table = kind.StoreTable()
    memory = MemoryTable(table)
    memory.save(kind.Store(store_id="s1"))
    for visits in range(1, 4):
        getattr(memory, flush)()
        memory.save(kind.changed(memory.get("s1"), visits=visits))
    getattr(memory, flush)()
    requests = count_requests()

    assert 0 == getattr(memory, flush)().written
    assert {} == requests.sent()
    assert 3 == table.get("s1").visits


@both_ways
def test_deletion(db, kind, flush, count_requests):
    """
    delete returns the record; it is gone here at once, and in the table after a flush.
    """
    table = filled(kind.StoreTable(), 2, city="Oslo")
    memory = MemoryTable(table)

    assert "Oslo" == memory.delete("s0").city
    assert memory.find("s0") is None
    with pytest.raises(ItemNotFound):
        memory.delete("s0")
    assert "Oslo" == table.get("s0").city
    requests = count_requests()
    report = getattr(memory, flush)()

    assert (1, 1) == (report.deletes, report.requests)
    assert table.find("s0") is None
    assert memory.find("s0") is None
    assert "Oslo" == table.get("s1").city
    assert 1 == written(requests.sent())


@both_ways
def test_deletion_of_new_and_absent_records(db, kind, flush, count_requests):
    """
    A new record that is deleted leaves nothing to do; an absent one is ItemNotFound.
    """
    memory = MemoryTable(kind.StoreTable())
    memory.save(memory.get("s1", create=True))
    memory.delete("s1")
    with pytest.raises(ItemNotFound):
        memory.delete("s1")
    with pytest.raises(ItemNotFound):
        memory.delete("s2")
    requests = count_requests()

    assert 0 == getattr(memory, flush)().written
    assert {} == requests.sent()


@both_ways
def test_saved_and_deleted_without_reading(db, kind, flush):
    """
    A record that was saved here without being read, then deleted, is deleted in the table too.
    """
    table = filled(kind.StoreTable(), 1)
    memory = MemoryTable(table)
    memory.save(kind.Store(store_id="s0", city="Oslo"))
    memory.delete("s0")

    assert 1 == getattr(memory, flush)().deletes
    assert table.find("s0") is None


@both_ways
def test_deleted_and_made_anew(db, kind, flush):
    """
    A record that is made anew after its deletion replaces the old one, with everything in it.
    """
    table = kind.StoreTable()
    table.table.put_item(Item={"store_id": "s0", "city": "Oslo", "visits": 5, "other": 1})
    memory = MemoryTable(table)
    old = memory.delete("s0")
    new = memory.save(kind.Store(store_id="s0", city="Bergen"))

    assert new is memory.get("s0")
    report = getattr(memory, flush)()

    assert (1, 0) == (report.puts, report.deletes)
    assert {"store_id": "s0", "city": "Bergen"}.items() <= table.table.get_item(Key={"store_id": "s0"})[
        "Item"
    ].items()
    assert "other" not in table.table.get_item(Key={"store_id": "s0"})["Item"]
    assert old != memory.get("s0")
    memory.save(kind.changed(memory.get("s0"), visits=1))
    assert 1 == getattr(memory, flush)().written
    assert 1 == table.get("s0").visits


@both_ways
def test_deleted_and_saved_again(db, kind, flush):
    """
    The record that delete returned can be saved again, before a flush and after it.
    """
    table = filled(kind.StoreTable(), 1, city="Oslo")
    memory = MemoryTable(table)

    memory.save(memory.delete("s0"))
    getattr(memory, flush)()
    assert "Oslo" == table.get("s0").city

    record = memory.delete("s0")
    getattr(memory, flush)()
    assert table.find("s0") is None
    memory.save(record)
    assert ["s0"] == memory.dirty_keys()
    getattr(memory, flush)()
    assert "Oslo" == table.get("s0").city


@both_ways
def test_copy_of_a_deleted_record(db, kind, flush):
    """
    A copy that was made before a deletion was flushed is written when it is saved afterwards.
    """
    table = filled(kind.StoreTable(), 1, city="Oslo")
    memory = MemoryTable(table)
    copied = memory.get("s0").evolve()
    memory.delete("s0")
    getattr(memory, flush)()

    memory.save(copied)

    assert ["s0"] == memory.dirty_keys()
    getattr(memory, flush)()
    assert "Oslo" == table.get("s0").city


@both_ways
def test_null_object_does_not_undo_a_deletion(db, kind, flush):
    """
    After delete, a Null object that nobody touches leaves the deletion as it is.
    """
    table = filled(kind.StoreTable(), 2, city="Oslo")
    memory = MemoryTable(table)
    for key in ("s0", "s1"):
        memory.delete(key)
    null, touched = memory.get("s0", create=True), memory.get("s1", create=True)
    assert [kind.Store(store_id="s0"), kind.Store(store_id="s1")] == [null, touched]
    memory.save(kind.changed(touched, visits=3))

    report = getattr(memory, flush)()

    assert (1, 1) == (report.puts, report.deletes)
    assert table.find("s0") is None
    assert kind.Store(store_id="s1", visits=3) == table.get("s1")
    assert null is memory.get("s0")
    assert [] == memory.dirty_keys()


@both_ways
def test_deletion_of_what_is_gone(db, kind, flush):
    """
    A record that somebody else has deleted already is deleted: nothing to complain about.
    """
    table = filled(kind.StoreTable(), 1)
    memory = MemoryTable(table)
    memory.delete("s0")
    table.delete("s0")

    assert 1 == getattr(memory, flush)().deletes
    assert [] == memory.dirty_keys()


def test_deletion_of_what_was_changed(db, kind):
    """
    save_data does not delete what somebody else has changed: it is a conflict with both sides.
    """
    table = filled(kind.StoreTable(), 1, visits=1)
    memory = MemoryTable(table)
    memory.delete("s0")
    table.update("s0", put={"visits": 99})

    (failure,) = memory.save_data(ignore_errors=True).failed

    assert isinstance(failure.reason, ConflictError)
    assert ("s0", None) == (failure.key, failure.record)
    assert (1, 99) == (failure.reason.base.visits, failure.reason.theirs.visits)
    assert 99 == table.get("s0").visits
    assert ["s0"] == memory.dirty_keys()
    assert 1 == memory.save_data(overwrite=True).deletes
    assert table.find("s0") is None


@both_ways
def test_made_anew_after_others(db, kind, flush):
    """
    save_data does not replace what others changed since the record was read that was deleted here; what they have
    deleted too may be made anew. Batch writes replace both.
    """
    table = filled(kind.StoreTable(), 2, visits=1)
    memory = MemoryTable(table)
    for key in ("s0", "s1"):
        memory.delete(key)
        memory.save(kind.Store(store_id=key, visits=5))
    table.update("s0", put={"visits": 99})
    table.delete("s1")

    report = getattr(memory, flush)(ignore_errors=True)

    assert 5 == table.get("s1").visits
    if flush == "save_data_batch":
        assert 5 == table.get("s0").visits
        return
    (failure,) = report.failed
    assert ("s0", ItemExists, 99) == (failure.key, type(failure.reason), failure.reason.theirs.visits)
    assert 99 == table.get("s0").visits
    assert ["s0"] == memory.dirty_keys()


# --- other instances --------------------------------------------------------------------------------


@both_ways
def test_copies_take_the_place_of_records(db, kind, flush, count_requests):
    """
    A copy made by evolve is written as a change, and is the record from then on.
    """
    table = filled(kind.StoreTable(), 1, city="Oslo")
    memory = MemoryTable(table)
    copied = memory.get("s0").evolve(visits=5)

    assert copied is memory.save(copied)
    assert copied is memory.get("s0")
    requests = count_requests()
    report = getattr(memory, flush)()

    assert 1 == report.written
    assert 1 == written(requests.sent())
    assert ("Oslo", 5) == (table.get("s0").city, table.get("s0").visits)
    assert [] == memory.dirty_keys()


@both_ways
def test_new_record_in_the_place_of_a_loaded_one(db, kind, flush):
    """
    A new instance with the key of a cached record replaces it, and is written as a change of it.
    """
    table = kind.StoreTable()
    table.table.put_item(Item={"store_id": "s0", "city": "Oslo", "visits": 5, "other": 1})
    memory = MemoryTable(table)
    memory.get("s0")
    new = memory.save(kind.Store(store_id="s0", visits=6))

    getattr(memory, flush)()

    assert new is memory.get("s0")
    expected = {"store_id": "s0", "visits": 6, "other": 1}
    assert expected == table.table.get_item(Key={"store_id": "s0"})["Item"]


@both_ways
def test_records_of_the_table_itself(db, kind, flush, count_requests):
    """
    A record that the table itself has read can be saved here: its changes are written, not the whole as new.
    """
    table = filled(kind.StoreTable(), 2, city="Oslo")
    memory = MemoryTable(table)
    memory.save(kind.changed(table.get("s0"), visits=1))
    memory.save(table.get("s1"))

    assert ["s0"] == memory.dirty_keys()
    requests = count_requests()
    assert 1 == getattr(memory, flush)().written
    assert 1 == written(requests.sent())
    assert 1 == table.get("s0").visits


@both_ways
def test_copy_under_another_key(db, kind, flush):
    """
    evolve with another key makes a new record; the old one stays.
    """
    table = filled(kind.StoreTable(), 1, city="Oslo")
    memory = MemoryTable(table)
    memory.save(memory.get("s0").evolve(store_id="s9"))

    assert ["s9"] == memory.dirty_keys()
    assert 1 == getattr(memory, flush)().puts
    assert ["Oslo", "Oslo"] == [table.get(key).city for key in ("s0", "s9")]


@both_ways
def test_key_changed_in_place(db, flush):
    """
    A cached record must not change its key: save refuses it, and so does a flush, naming both keys.
    """
    table = filled(StoreTable(), 2)
    memory = MemoryTable(table)
    record = memory.get("s0")
    record.store_id = "s9"

    with pytest.raises(InvalidKeysException, match="the key was changed after loading"):
        memory.save(record)
    (failure,) = getattr(memory, flush)(ignore_errors=True).failed
    assert "s0" == failure.key
    assert isinstance(failure.reason, InvalidKeysException)
    assert "cached under 's0'" in str(failure.reason)
    assert table.find("s9") is None
    record.store_id = "s0"
    assert [] == memory.dirty_keys()


@both_ways
def test_key_changed_by_a_check(db, flush):
    """
    A key that _check_data derives anew from changed fields is a changed key: refused, never written elsewhere.
    """

    class Derived(DynamoRecord):
        key: str = ""
        user: str = ""
        day: int = 0

        def _check_data(self):
            self.key = f"{self.user}#{self.day}"

    class DerivedTable(DynamoTable[Derived]):
        table_name = "derived"
        schema = [HashKey("key")]

    table = DerivedTable()
    memory = MemoryTable(table)
    memory.save(Derived(user="ann", day=1))
    getattr(memory, flush)()
    memory.get("ann#1").day = 2

    (failure,) = getattr(memory, flush)(ignore_errors=True).failed

    assert ("ann#1", InvalidKeysException) == (failure.key, type(failure.reason))
    assert ["ann#1"] == [record.key for record in table.scan(consistent=True)]
    memory.get("ann#1").day = 1
    assert 0 == getattr(memory, flush)().written


def test_records_of_another_class(db):
    """
    A record of another class is refused by save.
    """
    memory = MemoryTable(StoreTable())

    with pytest.raises(DynamoSchemaException, match="store holds Store, not Visit"):
        memory.save(Visit(store_id="s1", number=1))


@both_ways
def test_key_of_a_copy_changed_in_place(db, flush):
    """
    Nor must a copy that has taken its place.
    """
    memory = MemoryTable(filled(StoreTable(), 1))
    copied = memory.save(memory.get("s0").evolve(city="Oslo"))
    copied.store_id = "s9"

    with pytest.raises(InvalidKeysException, match="the key was changed after loading"):
        memory.save(copied)
    assert not memory.has_item("s9")
    (failure,) = getattr(memory, flush)(ignore_errors=True).failed
    assert isinstance(failure.reason, InvalidKeysException)


def test_save_checks_the_record(db, kind, count_requests):
    """
    What cannot be stored is refused by save already, with all problems, and is not taken.
    """
    memory, requests = MemoryTable(kind.StoreTable()), count_requests()

    with pytest.raises(ValidationError) as caught:
        memory.save(kind.Store(store_id="s1", visits="many", tags=[1]))
    assert 2 == len(caught.value.problems)
    with pytest.raises(InvalidKeysException):
        memory.save(kind.Store())
    with pytest.raises((InvalidKeysException, ValidationError)):
        memory.save(kind.Store(store_id=None))
    assert [] == memory.get_data()
    assert {} == requests.sent()


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

    assert "FlushReport(puts=1, updates=0, deletes=0, skipped=0, requests=1, failed=[])" == repr(report)


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
