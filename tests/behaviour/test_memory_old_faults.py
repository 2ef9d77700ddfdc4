"""The faults that the memory tables of dynamo_objects 1.0.18 had: none of them here.

The numbers are those of the list of 18 faults that was made by running it.
"""

from __future__ import annotations

import pytest

from dynamo_objects import (
    BatchFailed,
    DynamoException,
    DynamoRecord,
    DynamoTable,
    HashKey,
    ItemNotFound,
    MemoryTable,
    RangeKey,
    TableNotFound,
)

from .tables import Store, StoreTable


class Day(DynamoRecord):
    """A record of a table with two keys of text."""

    name: str = ""
    day: str = ""
    count: int = 0


class DayTable(DynamoTable[Day]):
    """Counts by name and day."""

    table_name = "day"
    schema = [HashKey("name"), RangeKey("day")]


class Numbered(DynamoRecord):
    """A record with a number as its key."""

    number: int = 0
    note: str = ""


class NumberedTable(DynamoTable[Numbered]):
    """Notes by number."""

    table_name = "numbered"
    schema = [HashKey("number")]


class StoreMemoryTable(MemoryTable[Store]):
    """As the readme makes one."""

    def __init__(self):
        super().__init__(StoreTable())


def item(table, **key):
    """Return what is stored under a key, as boto3 reads it."""
    return table.table.get_item(Key=key, ConsistentRead=True).get("Item")


def test_fault_1_the_table_below_is_kept(db):
    """
    1. A subclass whose __init__ calls that of MemoryTable works: get and save reach the table below.
    """
    memory = StoreMemoryTable()
    memory.save(memory.get("s1", create=True))
    memory.save_data_batch()

    assert isinstance(memory.get_db_table(), StoreTable)
    assert Store(store_id="s1") == StoreTable().get("s1")


def test_fault_2_keys_are_not_joined_to_text(db):
    """
    2. ('a#b', 'c') is not ('a', 'b#c'); 1 is not '1'; a hash key alone is not 'k#None'.
    """
    days = MemoryTable(DayTable())
    days.get("a#b", "c", create=True).count = 1
    assert days.find("a", "b#c") is None
    numbers = MemoryTable(NumberedTable())
    numbers.get(1, create=True)
    with pytest.raises(DynamoException):
        numbers.get("1")
    stores = StoreMemoryTable()
    stores.get("k", create=True)
    assert stores.find("k#None") is None


def test_fault_3_no_key_is_special(db):
    """
    3. The key '2015-01-11', at which a debugging aid was left, is a key like any other.
    """
    memory = MemoryTable(DayTable())
    memory.save(Day(name="2015-01-11", day="2015-01-11", count=3))
    memory.save_data_batch()

    assert 3 == DayTable().get("2015-01-11", "2015-01-11").count


@pytest.mark.parametrize("flush", ["save_data", "save_data_batch"])
def test_fault_4_deleted_records_stay_deleted(db, flush):
    """
    4. delete returns the record, writes nothing before the flush, and no flush brings it back.
    """
    StoreTable().save(Store(store_id="s1", city="Oslo"))
    memory = StoreMemoryTable()

    assert "Oslo" == memory.delete("s1").city
    assert item(StoreTable(), store_id="s1") is not None
    with pytest.raises(ItemNotFound):
        memory.get("s1")
    getattr(memory, flush)()
    getattr(memory, flush)()
    assert item(StoreTable(), store_id="s1") is None


@pytest.mark.parametrize("flush", ["save_data", "save_data_batch"])
def test_fault_5_clean_records_are_not_written(db, flush, count_requests):
    """
    5. Of three cached records with one change, one is written: one request, not three.
    """
    StoreTable().save_many(Store(store_id=f"s{n}", city="Oslo") for n in range(3))
    memory = StoreMemoryTable()
    for n in range(3):
        memory.save(memory.get(f"s{n}"))
    memory.get("s1").city = "Bergen"
    requests = count_requests()

    report = getattr(memory, flush)()

    assert (1, 2) == (report.written, report.skipped)
    assert 1 == sum(requests.sent().values())


def test_fault_6_create_after_a_miss(db):
    """
    6. A key that was found to be absent gets a new record when create=True asks for one.
    """
    memory = StoreMemoryTable()
    assert memory.find("s1") is None

    record = memory.get("s1", create=True)

    assert Store(store_id="s1") == record
    assert {"store_id": "s1"}.items() <= record.get_dict().items()


def test_fault_7_misses_are_not_data(db):
    """
    7. A key that is known to be absent is no item, and nothing stands for it among the data.
    """
    memory = StoreMemoryTable()
    assert memory.find("s1") is None

    assert [] == memory.get_data()
    assert not memory.has_item("s1")


@pytest.mark.parametrize("flush", ["save_data", "save_data_batch"])
def test_fault_8_another_instance_is_not_dropped(db, flush):
    """
    8. Saving another instance for a cached key puts it in the place of the first one; it is what is written.
    """
    StoreTable().save(Store(store_id="s1", city="Oslo"))
    memory = StoreMemoryTable()
    memory.get("s1")
    other = Store(store_id="s1", city="Bergen")

    memory.save(other)
    getattr(memory, flush)()

    assert other is memory.get("s1")
    assert "Bergen" == StoreTable().get("s1").city


def test_fault_9_times_may_be_empty(db):
    """
    9. An empty dict for the times is filled, and one with times from before is added to.
    """
    memory = StoreMemoryTable()
    times = {}
    memory.get("s1", create=True, times=times)
    assert times["mem_total"] >= times["mem_get_from_db"] > 0

    given = {"mem_total": 100.0}
    memory.get("s2", create=True, times=given)
    assert 100 < given["mem_total"] < 200
    assert given["mem_create_record"] > 0


@pytest.mark.parametrize("flush", ["save_data", "save_data_batch"])
def test_fault_9_errors_do_not_stop_the_rest(db, flush):
    """
    9. With ignore_errors everything else is written, also after the first error, and all errors are reported.
    """
    memory = StoreMemoryTable()
    for n in range(6):
        memory.get(f"s{n}", create=True).visits = "many" if n < 2 else n

    report = getattr(memory, flush)(ignore_errors=True)

    assert ["s0", "s1"] == [failure.key for failure in report.failed]
    assert [2, 3, 4, 5] == [StoreTable().get(f"s{n}").visits for n in range(2, 6)]


def test_fault_9_errors_are_not_absence(db):
    """
    9. A read that fails, whatever the reason, is not remembered as "no such record".
    """
    memory = StoreMemoryTable()
    memory.db_table.table.delete()
    with pytest.raises(TableNotFound):
        memory.get("s1")
    db.create_table("store", [HashKey("store_id")])
    StoreTable().save(Store(store_id="s1", city="Oslo"))

    assert "Oslo" == memory.get("s1").city


def test_fault_9_records_are_not_compared_to_text(db):
    """
    9. A record that compares strangely is a record like any other.
    """

    class Odd(DynamoRecord):
        name: str = ""
        size: int = 0

        def __eq__(self, other):
            return isinstance(other, str) or self is other

        __hash__ = None

    class OddTable(DynamoTable[Odd]):
        table_name = "odd"
        schema = [HashKey("name")]

    memory = MemoryTable(OddTable())
    memory.get("missing", create=True).size = 1

    assert 1 == memory.get("missing").size
    assert 1 == memory.save_data_batch().puts


@pytest.mark.parametrize("flush", ["save_data", "save_data_batch"])
def test_fault_10_new_records_can_be_saved_twice(db, flush):
    """
    10. A new record that was flushed is not new any more: the next flush of it works.
    """
    memory = StoreMemoryTable()
    record = Store(store_id="s1")
    for city in ("Oslo", "Bergen"):
        record.city = city
        memory.save(record)
        getattr(memory, flush)()

    assert "Bergen" == StoreTable().get("s1").city


@pytest.mark.parametrize("flush", ["save_data", "save_data_batch"])
def test_fault_11_defaults_do_not_leak(db, flush):
    """
    11. A change of one field does not store the defaults of others that are not stored yet.
    """
    table = StoreTable()
    table.table.put_item(Item={"store_id": "s1"})
    memory = StoreMemoryTable()
    memory.get("s1").city = "Oslo"

    getattr(memory, flush)()

    assert {"store_id": "s1", "city": "Oslo"} == item(table, store_id="s1")


def test_fault_12_data_is_not_aliased(db):
    """
    12. What get_dict gives can be changed without changing the record, which stays clean.
    """
    StoreTable().save(Store(store_id="s1", tags=["a"]))
    memory = StoreMemoryTable()
    memory.get("s1").get_dict()["tags"].append("b")

    assert ["a"] == memory.get("s1").tags
    assert [] == memory.dirty_keys()


def test_fault_17_batches_delete(db):
    """
    17. Deletions go into batch writes like all else.
    """
    StoreTable().save_many(Store(store_id=f"s{n}") for n in range(30))
    memory = StoreMemoryTable()
    for n in range(30):
        memory.delete(f"s{n}")

    assert (30, 2) == ((report := memory.save_data_batch()).deletes, report.requests)
    assert [] == StoreTable().scan(consistent=True)()


def test_fault_17_conflicts_show(db):
    """
    17. Conditions are enforced: a conflict is found, by the mock as by every engine.
    """
    StoreTable().save(Store(store_id="s1", visits=1))
    one, other = StoreMemoryTable(), StoreMemoryTable()
    one.get("s1").visits = 2
    other.get("s1").visits = 3
    one.save_data()

    with pytest.raises(BatchFailed, match="was changed by somebody else"):
        other.save_data()
