"""Stored attributes that a record class does not know: a newer version of the program wrote them."""

from __future__ import annotations

import attrs
import pytest

from dynamo_objects import DecodeError, DynamoRecord, DynamoTable, HashKey

from .tables import Store, StoreTable

UNKNOWN = {"new": "x", "more": {"deep": [1, {"a": None}]}, "odd name": {"s"}, "city2": 5}


class Place(DynamoRecord):
    """Part of a record."""

    street: str = ""


class Shop(DynamoRecord):
    """A record with parts."""

    shop_id: str = ""
    place: Place = Place()
    places: list[Place] = []


@attrs.define
class Plain:
    """A part that has nowhere to keep what it does not know."""

    street: str = ""


class Strict(DynamoRecord, unknown="reject"):
    """Refuses what it does not know."""

    shop_id: str = ""


class Forgetful(DynamoRecord, unknown="drop"):
    """Drops what it does not know when it is saved as a whole."""

    shop_id: str = ""
    city: str = ""


class PlainShop(DynamoRecord):
    """A record with a plain part."""

    shop_id: str = ""
    place: Plain = Plain()


def table_of(record_class):
    """Return a table of shops."""
    return DynamoTable("shop", schema=[HashKey("shop_id")], record_class=record_class)


def item(table, key):
    """Return an item as boto3 reads it."""
    (name,) = [key["AttributeName"] for key in table.table.key_schema]
    return table.table.get_item(Key={name: key})["Item"]


def test_they_survive_load_change_save(db, kind):
    """
    Changing a loaded record keeps what its class does not know.
    """
    table = kind.StoreTable()
    table.table.put_item(Item={"store_id": "s1", **UNKNOWN})
    record = table.save(kind.changed(table.get("s1"), city="Oslo"))
    table.save(kind.changed(record, visits=3))

    assert {"store_id": "s1", "city": "Oslo", "visits": 3, **UNKNOWN} == item(table, "s1")


def test_they_survive_writing_the_whole_record(db, kind):
    """
    overwrite=True, save_many and table[key] = record keep them as well.
    """
    table = kind.StoreTable()
    for key in "abc":
        table.table.put_item(Item={"store_id": key, **UNKNOWN})
    found = table.get_many(["a", "b", "c"])
    table.save(kind.changed(found["a"], city="Oslo"), overwrite=True)
    table.save_many([kind.changed(found["b"], city="Oslo")])
    table["c"] = kind.changed(found["c"], city="Oslo")

    for key in "abc":
        assert {"store_id": key, "city": "Oslo", "visits": 0, **UNKNOWN} == item(table, key)


def test_they_survive_updates_and_copies(db):
    """
    update changes only what it names, and a copy under another key has them too.
    """
    table = StoreTable()
    table.table.put_item(Item={"store_id": "s1", **UNKNOWN})
    table.update("s1", put={"city": "Oslo"})
    table.save(table.get("s1").evolve(store_id="s2"))

    assert {"store_id": "s1", "city": "Oslo", **UNKNOWN} == item(table, "s1")
    assert {"store_id": "s2", "city": "Oslo", "visits": 0, **UNKNOWN} == item(table, "s2")


def test_they_survive_inside_nested_records(db):
    """
    Nested records keep what they do not know, too.
    """
    table = table_of(Shop)
    table.table.put_item(
        Item={
            "shop_id": "s1",
            "place": {"street": "Elm", **UNKNOWN},
            "places": [{"street": "Oak", **UNKNOWN}],
        }
    )
    shop = table.get("s1")
    shop.place.street = "Ash"
    shop.places[0].street = "Fir"
    table.save(shop)

    assert {"street": "Ash", **UNKNOWN} == item(table, "s1")["place"]
    assert [{"street": "Fir", **UNKNOWN}] == item(table, "s1")["places"]


def test_they_go_with_a_deleted_record(db):
    """
    A deleted record that is saved again is new, without what its class does not know.
    """
    table = StoreTable()
    table.table.put_item(Item={"store_id": "s1", **UNKNOWN})
    table.save(table.delete("s1"))

    assert {"store_id": "s1", "visits": 0} == item(table, "s1")


def test_records_that_refuse_them(db):
    """
    unknown="reject" makes them an error that names them.
    """
    table = table_of(Strict)
    table.table.put_item(Item={"shop_id": "s1", **UNKNOWN})

    with pytest.raises(DecodeError, match="cannot read Strict 's1': city2: Strict has no field for"):
        table.get("s1")


def test_records_that_drop_them(db):
    """
    unknown="drop" forgets them when the record is stored as a whole.
    """
    table = table_of(Forgetful)
    table.table.put_item(Item={"shop_id": "s1", **UNKNOWN})
    shop = table.get("s1")
    shop.city = "Oslo"
    table.save(shop)
    assert {"shop_id": "s1", "city": "Oslo", **UNKNOWN} == item(table, "s1")

    table.save(shop, overwrite=True)
    assert {"shop_id": "s1", "city": "Oslo"} == item(table, "s1")


def test_plain_attrs_classes_refuse_them(db):
    """
    A plain attrs class has nowhere to keep them, and says so instead of losing them.
    """
    table = table_of(PlainShop)
    table.table.put_item(Item={"shop_id": "s1", "place": {"street": "Elm", "new": 1}})

    with pytest.raises(DecodeError, match=r"place\.new: Plain has no field for"):
        table.get("s1")


def test_they_are_no_fields(db):
    """
    What a class does not know cannot be touched by mistake.
    """
    table = StoreTable()
    table.table.put_item(Item={"store_id": "s1", **UNKNOWN})
    record = table.get("s1")

    assert not hasattr(record, "new")
    with pytest.raises(AttributeError):
        record.new = "y"
    assert Store(store_id="s1") == record
