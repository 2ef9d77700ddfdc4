"""A table in the style of a dict."""

from __future__ import annotations

import pytest

from dynamo_objects import DynamoSchemaException, InvalidKeysException, ItemNotFound

from .tables import Store, StoreTable, Visit, VisitTable


def test_items_of_a_table(db, kind):
    """
    table[key] gets, table[key] = record stores whatever is there, del deletes.
    """
    table = kind.StoreTable()
    table["s1"] = kind.Store(store_id="s1", city="Oslo")
    table["s1"] = kind.Store(store_id="s1", city="Bergen")
    assert "Bergen" == table["s1"].city

    del table["s1"]
    with pytest.raises(KeyError):
        table["s1"]
    with pytest.raises(ItemNotFound):
        del table["s1"]


def test_pairs(db):
    """
    With a range key the key is a pair.
    """
    table = VisitTable()
    table["s1", 1] = Visit(store_id="s1", number=1, note="n")

    assert "n" == table["s1", 1].note
    assert "n" == table[("s1", 1)].note
    assert ("s1", 1) in table
    del table["s1", 1]
    assert ("s1", 1) not in table


def test_membership(db, count_requests):
    """
    ``key in table`` reads no more than the key; an empty key is not in it, and half a key is an error.
    """
    table = StoreTable()
    table.table.put_item(Item={"store_id": "s1", "city": 5})

    assert "s1" in table
    for absent in ("s2", "", None):
        assert absent not in table
    with pytest.raises(InvalidKeysException):
        assert "s1" in VisitTable()


@pytest.mark.parametrize("key", ["s1", ("s1",), ("s1", 1, 2), ["s1", 1], ("s1", None)])
def test_half_and_wrong_keys(offline, key):
    """
    What is no pair is InvalidKeysException.
    """
    table = VisitTable()

    with pytest.raises(InvalidKeysException):
        table[key]
    with pytest.raises(InvalidKeysException):
        del table[key]


def test_pair_for_a_table_without_range_key(offline):
    """
    A pair is no key of a table with a hash key only.
    """
    with pytest.raises(InvalidKeysException, match="hash key only"):
        StoreTable()["s1", "x"]


def test_key_of_another_record(db):
    """
    A record is stored under its own key only.
    """
    table = StoreTable()

    with pytest.raises(InvalidKeysException, match="the record has another key"):
        table["s1"] = Store(store_id="s2")
    with pytest.raises(InvalidKeysException):
        table["s1"] = Store()
    with pytest.raises(DynamoSchemaException, match="store holds Store, not dict"):
        table["s1"] = {"store_id": "s1"}
    assert 0 == table.scan().count()


def test_iterating_is_a_scan_and_says_so(offline):
    """
    A table cannot be iterated by accident.
    """
    with pytest.raises(TypeError, match="not iterable"):
        list(StoreTable())
