"""delete: returns what was there."""

from __future__ import annotations

import pytest
from boto3.dynamodb.conditions import Attr

from dynamo_objects import ConditionFailed, DecodeError, InvalidKeysException, ItemNotFound

from .tables import Store, StoreTable, Visit, VisitTable


def test_delete_returns_the_record(db, kind, count_requests):
    """
    delete costs one request and returns the record as it was.
    """
    table = kind.StoreTable()
    table.save(kind.Store(store_id="s1", city="Oslo"))
    requests = count_requests()

    assert kind.Store(store_id="s1", city="Oslo") == table.delete("s1")
    assert {"DeleteItem": 1} == requests.sent()
    assert table.find("s1") is None


def test_deleted_record_is_new(db, kind):
    """
    Saving a deleted record makes it anew.
    """
    table = kind.StoreTable()
    table.save(kind.Store(store_id="s1", city="Oslo"))
    table.save(table.delete("s1"))

    assert "Oslo" == table.get("s1").city


def test_delete_of_a_pair(db):
    """
    On a table with a range key only that one record goes.
    """
    table = VisitTable()
    table.save_many(Visit(store_id="s1", number=number) for number in (1, 2))

    assert 1 == table.delete("s1", 1).number
    assert [2] == [visit.number for visit in table.query("s1")]


def test_absent_record(db):
    """
    Deleting what is not there is ItemNotFound, also for an empty key and for the second time.
    """
    table = StoreTable()
    table.save(Store(store_id="s1"))
    table.delete("s1")

    for key in ("s1", "s2", "", None):
        with pytest.raises(ItemNotFound):
            table.delete(key)


def test_wrong_keys(offline):
    """
    Half a key deletes nothing.
    """
    with pytest.raises(InvalidKeysException):
        VisitTable().delete("s1")


@pytest.mark.parametrize("condition", [{"visits__gt": 5}, Attr("visits").gt(5)], ids=["keywords", "boto3"])
def test_condition(db, condition):
    """
    A condition decides; a false one is ConditionFailed with the key as the user writes it.
    """
    table = StoreTable()
    table.save_many([Store(store_id="s1", visits=5), Store(store_id="s2", visits=6)])
    assert 6 == table.delete("s2", condition=condition).visits

    with pytest.raises(
        ConditionFailed, match="store 's1': the condition is false, nothing was written"
    ) as caught:
        table.delete("s1", condition=condition)
    assert ("store", "s1", {"N": "5"}) == (caught.value.table, caught.value.key, caught.value.item["visits"])
    assert table.find("s1") is not None


def test_condition_on_an_absent_record(db):
    """
    An absent record is ItemNotFound, whatever the condition.
    """
    table = StoreTable()

    for condition in ({"visits__gt": 5}, {"visits__null": True}, Attr("store_id").not_exists()):
        with pytest.raises(ItemNotFound):
            table.delete("s1", condition=condition)


def test_unreadable_record_is_deleted_all_the_same(db):
    """
    An item that its class cannot read is deleted, and the error says so.
    """
    table = StoreTable()
    table.table.put_item(Item={"store_id": "s1", "city": 5})

    with pytest.raises(DecodeError, match="city: expected") as caught:
        table.delete("s1")
    assert ["it was deleted all the same"] == caught.value.__notes__
    assert table.find("s1") is None
