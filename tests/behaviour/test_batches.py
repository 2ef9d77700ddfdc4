"""get_many, save_many, delete_many."""

from __future__ import annotations

from decimal import Decimal

import pytest

from dynamo_objects import (
    BatchFailed,
    DecodeError,
    DynamoException,
    DynamoSchemaException,
    FieldNotLoaded,
    InvalidKeysException,
    QueryError,
    ValidationError,
)

from .tables import Store, StoreTable, Visit, VisitTable


def fill(table, count):
    """Store visits 0 to count - 1 of s1."""
    table.save_many(Visit(store_id="s1", number=number, guest="ann") for number in range(count))


# --- get_many ---------------------------------------------------------------------------------


def test_get_many_keeps_the_order_asked(db, kind):
    """
    get_many gives key -> record for those that exist, in the order asked; each key once.
    """
    table = kind.StoreTable()
    table.save_many(kind.Store(store_id=name, city=name.upper()) for name in "abc")
    found = table.get_many(["c", "missing", "a", "c", "", None])

    assert ["c", "a"] == list(found)
    assert ["C", "A"] == [record.city for record in found.values()]


def test_get_many_of_pairs(db):
    """
    On a table with a range key, keys are pairs.
    """
    table = VisitTable()
    fill(table, 3)
    found = table.get_many([("s1", 2), ("s1", 9), ("s1", 0)])

    assert [("s1", 2), ("s1", 0)] == list(found)
    assert [2, 0] == [visit.number for visit in found.values()]


def test_get_many_takes_100_keys_at_once(db, count_requests):
    """
    Any number of keys is read by 100 for each request.
    """
    table = VisitTable()
    fill(table, 230)
    requests = count_requests()
    found = table.get_many(("s1", number) for number in range(240))

    assert [("s1", number) for number in range(230)] == list(found)
    assert {"BatchGetItem": 3} == requests.sent()


def test_get_many_of_nothing_costs_nothing(offline):
    """
    No keys, or empty ones only, send nothing.
    """

    assert {} == StoreTable().get_many([])
    assert {} == StoreTable().get_many(["", None])


@pytest.mark.parametrize(
    "keys",
    [
        ["s1"],
        [("s1",)],
        [("s1", 1), ("s1", None)],
        [["s1", 1]],
        [("s1", 1, 2)],
        [("s1", "1")],
        [{"store_id": "s1"}],
    ],
)
def test_half_and_wrong_keys(offline, keys):
    """
    One wrong key of many is InvalidKeysException, before any request.
    """
    with pytest.raises(InvalidKeysException):
        VisitTable().get_many(keys)
    with pytest.raises(InvalidKeysException):
        VisitTable().delete_many(keys)


def test_one_text_is_not_several_keys(db):
    """
    A text given in place of a list of keys is an error, not its letters.
    """
    table = StoreTable()
    table.save_many(Store(store_id=name) for name in "abc")

    with pytest.raises(QueryError, match=r"write get_many\(\[key\]\)"):
        table.get_many("abc")
    with pytest.raises(QueryError, match=r"write delete_many\(\[key\]\)"):
        table.delete_many("abc")
    assert 3 == table.scan().count()


def test_get_many_names_an_unreadable_item(db):
    """
    An item that does not fit its class is named.
    """
    table = StoreTable()
    table.save(Store(store_id="a"))
    table.table.put_item(Item={"store_id": "b", "city": 5})

    with pytest.raises(DecodeError, match="cannot read Store 'b': city"):
        table.get_many(["a", "b"])


def test_records_of_get_many_can_be_saved(db, kind):
    """
    What get_many returns are loaded records.
    """
    table = kind.StoreTable()
    table.save_many(kind.Store(store_id=name) for name in "ab")
    found = table.get_many(["a", "b"])
    table.save(kind.changed(found["a"], city="Oslo"))

    assert "Oslo" == table.get("a").city


# --- save_many --------------------------------------------------------------------------------


def test_save_many_writes_25_at_once(db, kind, count_requests):
    """
    Any number of records is stored by 25 for each request.
    """
    table = kind.StoreTable()
    requests = count_requests()
    table.save_many(kind.Store(store_id=f"s{number}") for number in range(60))

    assert {"BatchWriteItem": 3} == requests.sent()
    assert 60 == table.scan().count()


def test_save_many_replaces(db, kind):
    """
    Whole records are stored, whatever is there.
    """
    table = kind.StoreTable()
    table.save(kind.Store(store_id="a", city="Oslo", company_id="c"))
    table.save_many([kind.Store(store_id="a", visits=2)])

    assert kind.Store(store_id="a", visits=2) == table.get("a")


def test_last_of_one_key_wins(db, kind):
    """
    Of several records with one key, the last is stored and returned.
    """
    table = kind.StoreTable()
    records = [
        kind.Store(store_id="a", visits=1),
        kind.Store(store_id="b"),
        kind.Store(store_id="a", visits=2),
    ]

    assert records[1:] == table.save_many(records)
    assert 2 == table.get("a").visits


def test_saved_records_know_it(db, kind, count_requests):
    """
    Records that save_many has stored are clean: saving them again costs nothing, a change is an update.
    """
    table = kind.StoreTable()
    first, second = table.save_many([kind.Store(store_id="a"), kind.Store(store_id="b")])
    requests = count_requests()
    table.save(first)
    table.save(kind.changed(second, city="Oslo"))

    assert {"UpdateItem": 1} == requests.sent()


def test_large_records_are_split_by_size(db):
    """
    A batch never passes 16 MB, whatever the records hold.
    """
    table = StoreTable()
    table.save_many(Store(store_id=f"s{number}", city="\x01" * 390_000) for number in range(10))

    assert 10 == table.scan(attributes=["visits"]).count()


def test_one_bad_record_of_many(offline):
    """
    A record that cannot be stored is named, and nothing is sent.
    """
    table = StoreTable()
    records = [Store(store_id="a"), Store(store_id="b", city=5), Store(store_id="c")]

    with pytest.raises(ValidationError, match="city: expected str, got int") as caught:
        table.save_many(records)
    assert ["the record with the key 'b'; nothing was sent"] == caught.value.__notes__
    with pytest.raises(InvalidKeysException):
        table.save_many([Store(store_id="a"), Store()])


def test_other_things_than_records(offline):
    """
    A record alone, or another class, is an error.
    """
    table = StoreTable()

    with pytest.raises(QueryError, match=r"write save_many\(\[record\]\)"):
        table.save_many(Store(store_id="a"))
    with pytest.raises(DynamoSchemaException, match="store holds Store, not Visit"):
        table.save_many([Visit(store_id="a")])


def test_partial_records_are_not_put(db):
    """
    A partial record is never stored as a whole: what was not read would be lost.
    """
    table = StoreTable()
    table.save(Store(store_id="a", city="Oslo"))
    partial = table.scan(attributes=["visits"]).one()

    with pytest.raises(FieldNotLoaded):
        table.save_many([partial])
    partial.visits = 3
    with pytest.raises(FieldNotLoaded):
        table.save_many([Store(store_id="b"), partial])
    assert [("a", "Oslo", 0)] == [(s.store_id, s.city, s.visits) for s in table.scan()]


def test_save_many_of_nothing(offline):
    """
    No records send nothing.
    """

    assert [] == StoreTable().save_many([])


# --- delete_many ------------------------------------------------------------------------------


def test_delete_many(db, count_requests):
    """
    Any number of records is deleted by 25 for each request, whether they exist or not.
    """
    table = VisitTable()
    fill(table, 60)
    requests = count_requests()

    assert table.delete_many([("s1", number) for number in range(70)] + [("s1", 5), ("", 1)]) is None
    assert {"BatchWriteItem": 3} == requests.sent()
    assert 0 == table.query_count("s1")


# --- failures ---------------------------------------------------------------------------------


def test_missing_table_names_all_keys(db):
    """
    When nothing can be written, every key is named, and the records stay unsaved.
    """
    table = StoreTable()
    table.table.delete()
    records = [Store(store_id=f"s{number}") for number in range(30)]

    with pytest.raises(BatchFailed, match="save_many of store: 30 not written: 's0': ") as caught:
        table.save_many(records)
    assert [f"s{number}" for number in range(30)] == [failure.key for failure in caught.value.failures]
    assert records == [failure.record for failure in caught.value.failures]
    assert {None} == {record._item for record in records}
    with pytest.raises(BatchFailed, match="delete_many of store: 2 not written"):
        table.delete_many(["a", "b"])
    with pytest.raises(DynamoException):
        table.get_many(["a", "b"])


def test_keys_that_are_equal_as_numbers(db):
    """
    Different spellings of one number are one key.
    """
    from .test_get import Blob, BlobTable

    table = BlobTable()
    table.save_many([Blob(digest=b"d", weight=Decimal("1")), Blob(digest=b"d", weight=Decimal("1.0"))])
    found = table.get_many([(b"d", Decimal("1.00")), (b"d", Decimal("1"))])

    assert [(b"d", Decimal("1.00"))] == list(found)
    assert (b"d", Decimal("1")) in found
