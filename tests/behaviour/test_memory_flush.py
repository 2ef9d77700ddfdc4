"""MemoryTable: how a flush writes, and what it says about what it did and did not."""

from __future__ import annotations

import math

import pytest

from dynamo_objects import (
    BatchFailed,
    ConflictError,
    DynamoRecord,
    DynamoTable,
    HashKey,
    ItemExists,
    MemoryTable,
    ValidationError,
)

from .memory import Bar, both_ways, filled, written
from .tables import StoreTable

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
