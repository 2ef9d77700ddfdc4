"""MemoryTable: records that come and go, and other instances in their place."""

from __future__ import annotations

import pytest

from dynamo_objects import (
    ConflictError,
    DynamoRecord,
    DynamoSchemaException,
    DynamoTable,
    HashKey,
    InvalidKeysException,
    ItemExists,
    ItemNotFound,
    MemoryTable,
    ValidationError,
)

from .memory import both_ways, filled, written
from .tables import StoreTable, Visit

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


@both_ways
def test_deletion_sees_fields_that_came_since(db, kind, flush):
    """
    What was empty when the record was read, and is not any more, is a change by somebody else.
    """
    table = filled(kind.StoreTable(), 1)
    memory = MemoryTable(table)
    memory.delete("s0")
    table.update("s0", put={"city": "Oslo"})

    report = memory.save_data(ignore_errors=True)

    assert [ConflictError] == [type(failure.reason) for failure in report.failed]
    assert "Oslo" == table.get("s0").city
