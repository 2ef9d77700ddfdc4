"""save: new records, changes, conflicts, conditions."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest
from boto3.dynamodb.conditions import Attr

from dynamo_objects import (
    ConditionFailed,
    ConflictError,
    DynamoException,
    DynamoRecord,
    DynamoSchemaException,
    DynamoTable,
    HashKey,
    InvalidKeysException,
    ItemExists,
    MemoryTable,
    OutcomeUnknown,
    QueryError,
    UnknownFieldError,
    ValidationError,
)

from .tables import Store, StoreTable, Visit, VisitTable


class SpyStore(Store):
    """Another class with the same fields."""


def stored(table, key):
    """Return the attributes of an item as boto3 reads them."""
    return table.table.get_item(Key={"store_id": key}, ConsistentRead=True).get("Item")


# --- new records ------------------------------------------------------------------------------


def test_new_record_is_put_whole(db, kind, count_requests):
    """
    A new record costs one PutItem, and save returns it.
    """
    table = kind.StoreTable()
    requests = count_requests()
    record = kind.Store(store_id="s1", city="Oslo", visits=0)

    assert record == table.save(record)
    assert {"PutItem": 1} == requests.sent()
    assert {"store_id": "s1", "city": "Oslo", "visits": 0} == stored(table, "s1")


def test_new_record_never_overwrites(db, kind):
    """
    A new record whose key is taken raises ItemExists with both records; the stored one stays.
    """
    table = kind.StoreTable()
    table.save(kind.Store(store_id="s1", city="Oslo"))
    mine = kind.Store(store_id="s1", city="Bergen")

    with pytest.raises(ItemExists, match="store 's1' exists already: get") as caught:
        table.save(mine)

    error = caught.value
    assert isinstance(error, ConflictError)
    assert ("store", "s1", None) == (error.table, error.key, error.base)
    assert mine is error.mine
    assert "Oslo" == error.theirs.city
    assert "Oslo" == table.get("s1").city


def test_refused_new_record_stays_new(db):
    """
    After ItemExists the record is as it was: another key makes it storable.
    """
    table = StoreTable()
    table.save(Store(store_id="s1"))
    mine = Store(store_id="s1", city="Bergen")
    with pytest.raises(ItemExists):
        table.save(mine)
    mine.store_id = "s2"
    table.save(mine)

    assert "Bergen" == table.get("s2").city


def test_overwrite_replaces_what_is_there(db, kind):
    """
    overwrite=True stores the record whatever is there, and forgets attributes it does not have.
    """
    table = kind.StoreTable()
    table.save(kind.Store(store_id="s1", city="Oslo", company_id="c1"))
    table.save(kind.Store(store_id="s1", visits=3), overwrite=True)

    assert {"store_id": "s1", "visits": 3} == stored(table, "s1")


def test_missing_key(offline):
    """
    A record without its key is InvalidKeysException, before any request.
    """
    with pytest.raises(InvalidKeysException, match="store_id") as caught:
        StoreTable().save(Store(city="Oslo"))

    assert caught.value.is_empty_keys()
    assert ["store_id"] == caught.value.empty_keys


def test_record_of_another_class(offline):
    """
    A table takes records of its own class only; a subclass may hold more than the table knows.
    """
    table = StoreTable()

    for other in (Visit(store_id="s1"), SpyStore(store_id="s1"), {"store_id": "s1"}, None):
        with pytest.raises(DynamoSchemaException, match=f"store holds Store, not {type(other).__name__}"):
            table.save(other)


def test_all_problems_at_once(offline):
    """
    A record that cannot be stored raises one error with all problems, nothing is sent, and it stays as it was.
    """
    table = StoreTable()
    record = Store(store_id="s1", city=5, visits=True, tags=["ok", 1], rating=float("nan"))

    with pytest.raises(ValidationError) as caught:
        table.save(record)

    assert ["city", "visits", "rating", "tags[1]"] == [problem.path for problem in caught.value.problems]
    assert record._item is None


def test_item_over_400_kb(offline):
    """
    An item over 400 KB is refused before it is sent.
    """
    with pytest.raises(ValidationError, match="at most 409600 allowed"):
        StoreTable().save(Store(store_id="s1", city="x" * 409_600))


# --- changes ----------------------------------------------------------------------------------


def test_only_changes_are_sent(db, kind, count_requests):
    """
    Saving a loaded record updates the changed fields; what others wrote into other fields stays.
    """
    table = kind.StoreTable()
    table.save(kind.Store(store_id="s1", city="Oslo", visits=1))
    mine = table.get("s1")
    theirs = table.get("s1")
    table.save(kind.changed(theirs, visits=2))
    requests = count_requests()
    table.save(kind.changed(mine, city="Bergen"))

    assert {"UpdateItem": 1} == requests.sent()
    assert {"store_id": "s1", "city": "Bergen", "visits": 2} == stored(table, "s1")


def test_unchanged_record_costs_nothing(db, kind, count_requests):
    """
    Saving a loaded record that was not changed sends nothing.
    """
    table = kind.StoreTable()
    table.save(kind.Store(store_id="s1", city="Oslo", tags=["a"], labels={"x"}))
    record = table.get("s1")
    requests = count_requests()

    assert record is table.save(record)
    assert record is table.save(kind.changed(record, city="Oslo")) or kind.name == "frozen"
    assert {} == requests.sent()


def test_change_inside_a_container_counts(db):
    """
    A list or set that was changed in place is a change.
    """
    table = StoreTable()
    table.save(Store(store_id="s1", tags=["a"], labels={"x"}))
    record = table.get("s1")
    record.tags.append("b")
    record.labels.add("y")
    table.save(record)

    expected = {"store_id": "s1", "visits": 0, "tags": ["a", "b"], "labels": {"x", "y"}}
    assert expected == stored(table, "s1")


def test_clearing_removes_the_attribute(db, kind):
    """
    A field set back to its empty default is removed from the item.
    """
    table = kind.StoreTable()
    table.save(kind.Store(store_id="s1", city="Oslo", tags=["a"], rating=1.5))
    table.save(kind.changed(table.get("s1"), city="", tags=[], rating=None))

    assert {"store_id": "s1", "visits": 0} == stored(table, "s1")


def test_defaults_do_not_leak(db):
    """
    Saving an old item that lacks attributes does not store their defaults.
    """
    table = StoreTable()
    table.table.put_item(Item={"store_id": "s1"})
    record = table.get("s1")
    record.city = "Oslo"
    table.save(record)

    assert {"store_id": "s1", "city": "Oslo"} == stored(table, "s1")


def test_saving_again_after_a_save(db, kind, count_requests):
    """
    A record can be saved any number of times; only what changed since the last save is sent.
    """
    table = kind.StoreTable()
    record = table.save(kind.Store(store_id="s1", city="Oslo"))
    record = table.save(kind.changed(record, city="Bergen"))
    requests = count_requests()
    table.save(record)
    table.save(kind.changed(record, visits=5))

    assert {"UpdateItem": 1} == requests.sent()
    assert {"store_id": "s1", "city": "Bergen", "visits": 5} == stored(table, "s1")


# --- conflicts --------------------------------------------------------------------------------


def test_conflict_on_a_changed_field(db, kind):
    """
    When somebody else changed the same field, nothing is written; the error has mine, theirs and base.
    """
    table = kind.StoreTable()
    table.save(kind.Store(store_id="s1", city="Oslo"))
    mine = kind.changed(table.get("s1"), city="Bergen", visits=9)
    table.save(kind.changed(table.get("s1"), city="Tromsø"))

    with pytest.raises(ConflictError, match="store 's1' was changed by somebody else") as caught:
        table.save(mine)

    error = caught.value
    assert ("Bergen", "Tromsø", "Oslo") == (error.mine.city, error.theirs.city, error.base.city)
    assert ("city",) == error.fields
    assert {"store_id": "s1", "city": "Tromsø", "visits": 0} == stored(table, "s1")


def test_conflict_on_a_field_that_was_empty(db, kind):
    """
    Of two who fill a field that was empty, the second one is told, and the first one's value stays.
    """
    table = kind.StoreTable()
    table.save(kind.Store(store_id="s1"))
    mine = kind.changed(table.get("s1"), city="Bergen")
    table.save(kind.changed(table.get("s1"), city="Oslo"))

    with pytest.raises(ConflictError) as caught:
        table.save(mine)

    assert ("city",) == caught.value.fields
    assert {"store_id": "s1", "city": "Oslo", "visits": 0} == stored(table, "s1")


def test_conflict_can_be_resolved(db, kind):
    """
    After a conflict the change can be made again on what is stored now.
    """
    table = kind.StoreTable()
    table.save(kind.Store(store_id="s1", visits=1))
    mine = kind.changed(table.get("s1"), visits=2)
    table.save(kind.changed(table.get("s1"), visits=5))
    with pytest.raises(ConflictError) as caught:
        table.save(mine)
    table.save(kind.changed(caught.value.theirs, visits=caught.value.theirs.visits + 1))

    assert 6 == table.get("s1").visits


def test_conflict_with_a_deletion(db, kind):
    """
    A change of a record that somebody has deleted is a conflict; nothing is made of it.
    """
    table = kind.StoreTable()
    table.save(kind.Store(store_id="s1", city="Oslo"))
    mine = kind.changed(table.get("s1"), visits=1)
    table.delete("s1")

    with pytest.raises(ConflictError, match="store 's1' was deleted") as caught:
        table.save(mine)
    assert caught.value.theirs is None
    assert table.find("s1") is None


def test_overwrite_ends_a_conflict(db, kind):
    """
    overwrite=True stores the whole record, also over a deletion.
    """
    table = kind.StoreTable()
    table.save(kind.Store(store_id="s1", city="Oslo"))
    mine = kind.changed(table.get("s1"), visits=1)
    table.delete("s1")
    table.save(mine, overwrite=True)

    assert {"store_id": "s1", "city": "Oslo", "visits": 1} == stored(table, "s1")


def test_overwrite_with_a_part_of_a_deleted_record(db):
    """
    overwrite=True with a partial record brings no part of a deleted item back.
    """
    table = StoreTable()
    table.save(Store(store_id="s1", city="Oslo", visits=1))
    partial = table.scan(attributes=["store_id", "visits"]).one()
    partial.visits = 2
    table.save(partial, overwrite=True)
    assert {"store_id": "s1", "city": "Oslo", "visits": 2} == stored(table, "s1")
    partial = table.scan(attributes=["store_id", "visits"]).one()
    partial.visits = 3
    table.delete("s1")

    with pytest.raises(ConflictError, match="store 's1' was deleted"):
        table.save(partial, overwrite=True)
    assert table.find("s1") is None


def test_same_value_in_another_spelling_is_no_conflict(db):
    """
    Guards send what was read, so that foreign spellings of numbers are no conflicts.
    """
    table = StoreTable()
    table.table.meta.client.put_item(
        TableName=table.full_name,
        Item={"store_id": "s1", "visits": 7, "rating": Decimal("1.50")},
    )
    record = table.get("s1")
    record.visits, record.rating = 8, 2.5
    table.save(record)

    assert (8, 2.5) == (table.get("s1").visits, table.get("s1").rating)


def test_conflicts_hold_the_stored_item_on_every_engine(db, engine, engine_client):
    """
    Where the service does not send the stored item with a failed condition, it is read.
    """
    table = StoreTable()
    table.save(Store(store_id="s1", city="Oslo"))
    with pytest.raises(engine_client.exceptions.ConditionalCheckFailedException) as refused:
        engine_client.put_item(
            TableName=table.full_name,
            Item={"store_id": {"S": "s1"}},
            ConditionExpression="attribute_not_exists(store_id)",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
    with pytest.raises(ItemExists) as caught:
        table.save(Store(store_id="s1"))

    assert engine.differs("keeps failed items to itself") == ("Item" not in refused.value.response)
    assert {"S": "Oslo"} == caught.value.item["city"]


# --- changed keys -----------------------------------------------------------------------------


def test_changed_key_is_refused(db, count_requests):
    """
    A loaded record whose key was changed is neither the old nor a new one.
    """
    table = StoreTable()
    table.save(Store(store_id="s1"))
    record = table.get("s1")
    record.store_id = "s2"
    requests = count_requests()

    for save in (table.save, lambda r: table.save(r, overwrite=True), lambda r: table.save_many([r])):
        with pytest.raises(InvalidKeysException, match="the key was changed after loading"):
            save(record)
    assert {} == requests.sent()


def test_evolve_with_another_key_makes_a_new_record(db, kind):
    """
    evolve(key=...) gives a copy that is saved as a new record.
    """
    table = kind.StoreTable()
    table.save(kind.Store(store_id="s1", city="Oslo"))
    table.save(table.get("s1").evolve(store_id="s2"))

    assert ["Oslo", "Oslo"] == [table.get("s1").city, table.get("s2").city]
    with pytest.raises(ItemExists):
        table.save(table.get("s1").evolve(store_id="s2"))


# --- conditions -------------------------------------------------------------------------------


@pytest.mark.parametrize("condition", [{"visits__lt": 5}, Attr("visits").lt(5)], ids=["keywords", "boto3"])
def test_condition(db, kind, condition):
    """
    A condition that holds lets the save through; a false one is ConditionFailed, and no conflict.
    """
    table = kind.StoreTable()
    record = table.save(kind.Store(store_id="s1", visits=4))
    record = table.save(kind.changed(record, visits=5), condition=condition)

    with pytest.raises(ConditionFailed, match="store 's1': the condition is false") as caught:
        table.save(kind.changed(record, city="Oslo"), condition=condition)
    assert not isinstance(caught.value, ConflictError)
    assert {"store_id": "s1", "visits": 5} == stored(table, "s1")


def test_condition_on_an_unchanged_record_is_asked(db, kind, engine):
    """
    With a condition even an unchanged record asks the service.
    """
    table = kind.StoreTable()
    record = table.save(kind.Store(store_id="s1", visits=4))
    connection = db.get_connection()
    connection.policy = msgspec.structs.replace(connection.policy, deadline_seconds=0.2)
    if engine.differs("fails on updates without changes"):
        with pytest.raises(OutcomeUnknown):
            table.save(record, condition={"visits__eq": 4})
    else:
        table.save(record, condition={"visits__eq": 4})
        with pytest.raises(ConditionFailed):
            table.save(record, condition={"visits__eq": 5})

    assert {"store_id": "s1", "visits": 4} == stored(table, "s1")


def test_condition_with_overwrite(db, kind):
    """
    overwrite=True drops the guards, not the condition.
    """
    table = kind.StoreTable()
    table.save(kind.Store(store_id="s1", visits=4))
    table.save(kind.Store(store_id="s1", visits=5), overwrite=True, condition={"visits__eq": 4})

    with pytest.raises(ConditionFailed):
        table.save(kind.Store(store_id="s1", visits=6), overwrite=True, condition={"visits__eq": 4})


@pytest.mark.parametrize(
    ("condition", "error", "message"),
    [
        ({"vists__eq": 1}, UnknownFieldError, "Store has no field 'vists' .did you mean 'visits'"),
        ({"visits__eqq": 1}, QueryError, "no operator 'eqq' .did you mean 'eq'"),
        ({"visits": 1}, QueryError, "visits: write visits__eq"),
        ({"visits__eq": "1"}, ValidationError, "visits: expected int, got str"),
        (Attr("vists").eq(1), UnknownFieldError, "did you mean 'visits'"),
        ("visits = 1", QueryError, "expected a condition"),
        ({}, QueryError, "empty condition"),
    ],
)
def test_bad_conditions(offline, condition, error, message):
    """
    A condition that cannot work is an error before any request.
    """
    table = StoreTable()

    with pytest.raises(error, match=message):
        table.save(Store(store_id="s1"), condition=condition)


def test_condition_over_4_kb(offline):
    """
    A condition that is longer than DynamoDB takes is refused before it is sent.
    """
    with pytest.raises(QueryError, match="at most 4096"):
        StoreTable().save(Store(store_id="s1"), condition={"city__in": [f"c{i}" for i in range(900)]})


# --- _check_data ------------------------------------------------------------------------------


class Checked(DynamoRecord):
    """Derives a field and refuses bad ones."""

    store_id: str = ""
    city: str = ""
    city_key: str = ""

    def _check_data(self) -> None:
        self.city_key = self.city.lower()
        if self.city == "Nowhere":
            raise ValueError("no such city")


def test_check_data_runs_before_every_save(db):
    """
    _check_data normalises what was assigned, and what it raises stops the save.
    """
    table: DynamoTable[Checked] = DynamoTable("checked", schema=[HashKey("store_id")], record_class=Checked)
    record = table.save(Checked(store_id="s1", city="OSLO"))
    record.city = "BERGEN"
    table.save(record)
    record.city = "Nowhere"

    with pytest.raises(ValueError, match="no such city"):
        table.save(record)
    assert ("BERGEN", "bergen") == (table.get("s1").city, table.get("s1").city_key)


class Derived(DynamoRecord):
    """Its key comes from other fields."""

    key: str = ""
    shop: str = ""
    day: int = 0

    def _check_data(self) -> None:
        self.key = f"{self.shop}#{self.day}" if self.shop else ""


def test_key_may_be_derived(db):
    """
    _check_data may derive the key: every way to save uses what it makes of it.
    """
    table: DynamoTable[Derived] = DynamoTable("derived", schema=[HashKey("key")], record_class=Derived)
    records = [Derived() for _ in range(4)]
    for number, record in enumerate(records):
        record.shop, record.day = "a", number // 2 * 2
    table.save(records[0])
    table.save_many(records[1:])
    late = Derived()
    late.shop = "b"
    table["b#0"] = late

    assert ["a#0", "a#2", "b#0"] == sorted(record.key for record in table.scan())


def test_derived_key_of_a_loaded_record_cannot_change(db):
    """
    A loaded record whose key would be derived anew is refused before any request, as if it was assigned.
    """
    table: DynamoTable[Derived] = DynamoTable("derived", schema=[HashKey("key")], record_class=Derived)
    table.save(Derived(shop="a", day=1))
    record = table.get("a#1")
    record.day = 2

    with pytest.raises(InvalidKeysException, match="the key was changed after loading"):
        table.save(record)
    assert 1 == table.scan().one().day


def test_range_tables_save_by_the_pair(db):
    """
    Records that share a hash value are saved and guarded on their own.
    """
    table = VisitTable()
    first, second = Visit(store_id="s1", number=1), Visit(store_id="s1", number=2)
    table.save(first)
    table.save(second)
    first.note = "changed"
    table.save(first)

    with pytest.raises(ItemExists, match=r"visit \('s1', 2\) exists already"):
        table.save(Visit(store_id="s1", number=2))
    assert ["changed", ""] == [table.get("s1", 1).note, table.get("s1", 2).note]


def test_record_of_another_table_is_new_there(db, kind):
    """
    A record that was loaded from one table is stored whole by another, and guarded there as a new one.
    """
    here = kind.StoreTable()

    class ArchiveTable(DynamoTable[kind.Store]):
        table_name = "archive"
        schema = [HashKey("store_id")]

    archive = ArchiveTable(database=db)
    here.save(kind.Store(store_id="s1", city="Oslo"))
    for record in (here.get("s1"), here.scan().one()):
        archived = archive.save(record)

        assert ("Oslo", "Oslo") == (archive.get("s1").city, here.get("s1").city)
        assert archive.save(archived) is archived  # at home there now: nothing changed
        with pytest.raises(ItemExists):
            archive.save(here.get("s1"))
        with pytest.raises(DynamoException, match=r"read from table .*store: take a new one"):
            MemoryTable(archive).save(here.get("s1"))
        archive.delete("s1")
