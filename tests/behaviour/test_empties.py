"""Empty values: left out where they are the default, stored where they mean something."""

from __future__ import annotations

import pytest
from boto3.dynamodb.conditions import Attr

from dynamo_objects import DynamoRecord, DynamoTable, HashKey, field
from dynamo_objects.errors import InvalidRequest


class Empties(DynamoRecord):
    """Fields whose empty values are their defaults."""

    id: str = ""
    text: str = ""
    data: bytes = b""
    items: list[int] = []
    parts: dict[str, int] = {}
    labels: set[str] = set()
    maybe: str | None = None
    number: int = 0
    flag: bool = False


class EmptiesTable(DynamoTable[Empties]):
    """A table of them."""

    table_name = "empties"
    schema = [HashKey("id")]


class Full(DynamoRecord):
    """Fields whose defaults are not empty, so that empty values say something."""

    id: str = ""
    text: str = "x"
    data: bytes = b"x"
    items: list[int] = [1]
    parts: dict[str, int] = {"a": 1}
    labels: set[str] = {"x"}
    maybe: str | None = "x"
    null: str | None = field(default=None, null="store")


class FullTable(DynamoTable[Full]):
    """A table of them."""

    table_name = "full"
    schema = [HashKey("id")]


EMPTY = {"text": "", "data": b"", "items": [], "parts": {}, "labels": set(), "maybe": None}


def item(table, key):
    """Return an item as boto3 reads it."""
    return table.table.get_item(Key={"id": key})["Item"]


def test_empty_defaults_are_left_out(db):
    """
    An empty value that is the default is no attribute; zero and False are values.
    """
    table = EmptiesTable()
    table.save(Empties(id="a"))

    assert {"id": "a", "number": 0, "flag": False} == item(table, "a")
    assert Empties(id="a") == table.get("a")


def test_clearing_removes(db):
    """
    Setting fields back to empty removes the attributes, by save, update and save_many.
    """
    full = {"text": "x", "data": b"x", "items": [1], "parts": {"a": 1}, "labels": {"x"}, "maybe": "x"}
    table = EmptiesTable()
    table.save_many(Empties(id=key, **full) for key in "abc")
    record = table.get("a")
    record.update_data(**EMPTY)
    table.save(record)
    table.update("b", put=EMPTY)
    table.save_many([Empties(id="c", **EMPTY)])

    for key in "abc":
        assert {"id": key, "number": 0, "flag": False} == item(table, key)
        assert Empties(id=key) == table.get(key)


def test_other_empties_are_stored(db, engine):
    """
    An empty value that is not the default is stored, and read back as it was.
    """
    table = FullTable()
    record = Full(id="a", **EMPTY)
    if engine.differs("refuses empty values"):
        with pytest.raises(InvalidRequest):
            table.save(record)
        record.text, record.data = "y", b"y"
    table.save(record)

    assert record == table.get("a")
    stored = item(table, "a")
    assert ([], {}, [], None, None) == tuple(stored[n] for n in ("items", "parts", "labels", "maybe", "null"))


def test_comparing_with_empty_finds_absent(db):
    """
    A condition with an empty default finds records that lack the attribute.
    """
    table = EmptiesTable()
    table.save_many([Empties(id="a"), Empties(id="b", text="x", items=[1], labels={"x"}, maybe="x")])
    table.table.put_item(Item={"id": "c", "items": [], "maybe": None})

    def ids(condition=None, **keywords):
        return sorted(record.id for record in table.scan(condition, **keywords))

    for empty in ({"text": ""}, {"items": []}, {"maybe": None}, {"labels": set()}):
        ((name, value),) = empty.items()
        assert ["a", "c"] == ids(**{f"{name}__eq": value})
        assert ["a", "c"] == ids(Attr(name).eq(value))
        assert ["b"] == ids(**{f"{name}__ne": value})
    assert ["a", "c"] == ids(maybe__null=True)
    assert ["b"] == ids(maybe__nnull=True)
    assert ["b"] == ids(maybe__null=False)
    assert ["a", "b", "c"] == ids(text__in=["", "x"])
    assert ["a", "c"] == ids(text__in=[""])


def test_empty_values_inside_others_stay(db, engine):
    """
    Empty values inside lists and maps are values.
    """
    table: DynamoTable = DynamoTable("inside", schema=[HashKey("id")])
    given = {"list": [[], {}, None], "map": {"a": [], "b": None}}
    table.save(table.record_class(id="a", **given))

    assert given == {name: getattr(table.get("a"), name) for name in given}


def test_foreign_empties_load(db, engine):
    """
    Empty texts that others have stored load, and stay as they are when other fields are saved.
    """
    table = EmptiesTable()
    foreign = {"id": "a", "items": [], "parts": {}, "maybe": None}
    if not engine.differs("refuses empty values"):
        foreign |= {"text": "", "data": b""}
    table.table.put_item(Item=foreign)
    record = table.get("a")
    assert Empties(id="a") == record

    record.number = 5
    table.save(record)
    assert foreign | {"number": 5} == item(table, "a")
