"""update_counter."""

from __future__ import annotations

import threading
from decimal import Decimal
from typing import Any

import pytest

from dynamo_objects import (
    DynamoRecord,
    DynamoTable,
    HashKey,
    InvalidKeysException,
    QueryError,
    UnknownFieldError,
    ValidationError,
    field,
)

from .tables import Store, StoreTable, VisitTable


class Counts(DynamoRecord):
    """Numbers of all types."""

    name: str = ""
    hits: int = 0
    share: float = 0.0
    cost: Decimal = Decimal(0)
    lives: int = 3
    maybe: int | None = None
    other: Any = None
    short: int = field(default=0, name="s")


class CountsTable(DynamoTable[Counts]):
    """Counters by name."""

    table_name = "counts"
    schema = [HashKey("name")]


def test_counters_return_their_new_values(db, kind, count_requests):
    """
    One request adds to any number of counters and gives their new values.
    """
    table = kind.StoreTable()
    table.save(kind.Store(store_id="s1", visits=5, rating=0.5))
    requests = count_requests()

    assert {"visits": 7, "rating": 0.25} == table.update_counter("s1", visits=2, rating=-0.25)
    assert {"UpdateItem": 1} == requests.sent()
    assert (7, 0.25) == (table.get("s1").visits, table.get("s1").rating)


def test_counter_creates_record_and_counter(db, kind):
    """
    An absent counter, or record, is created.
    """
    table = kind.StoreTable()

    assert {"visits": 1} == table.update_counter("s1", visits=1)
    assert {"visits": -1} == table.update_counter("s1", visits=-2)
    assert kind.Store(store_id="s1", visits=-1) == table.get("s1")


def test_counter_of_a_pair(db):
    """
    The range value comes second.
    """
    assert {"paid": 2.5} == VisitTable().update_counter("s1", 7, paid=2.5)
    assert 2.5 == VisitTable().get("s1", 7).paid


def test_counters_of_all_types(db):
    """
    Values come back in the type of the field; fields may be stored under another name.
    """
    given = {"hits": 1, "share": 0.5, "cost": Decimal("1.1"), "maybe": 2, "other": 3, "short": 4}

    assert given == CountsTable().update_counter("c", **given)
    assert {name: value * 2 for name, value in given.items()} == CountsTable().update_counter("c", **given)


def test_counter_starts_at_its_default(db):
    """
    A counter that is absent counts from what it would load as.
    """
    table = CountsTable()

    assert {"lives": 2} == table.update_counter("c", lives=-1)
    assert {"lives": 1} == table.update_counter("c", lives=-1)
    assert 1 == table.get("c").lives


def test_concurrent_counters_all_count(db, engine):
    """
    Nothing is lost when several threads count at the same time.
    """
    table = StoreTable()
    threads = [
        threading.Thread(target=lambda: [table.update_counter("s1", visits=1) for _ in range(10)])
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    counted = table.get("s1").visits
    assert counted <= 40 if engine.differs("loses concurrent changes") else 40 == counted


@pytest.mark.parametrize(
    ("increments", "error", "message"),
    [
        ({}, QueryError, "update_counter needs a field"),
        ({"vists": 1}, UnknownFieldError, "Store has no field 'vists' .did you mean 'visits'"),
        ({"visits": 1.5}, ValidationError, "visits: expected int, got float"),
        ({"visits": True}, ValidationError, "visits: expected int, got bool"),
        ({"visits": None}, ValidationError, "visits: expected int, got None"),
        ({"city": "x"}, QueryError, "city is not a number"),
        ({"labels": {"x"}}, QueryError, "labels is not a number"),
        ({"store_id": "x"}, QueryError, "store_id is not a number"),
    ],
)
def test_what_cannot_be_counted(offline, increments, error, message):
    """
    A field that does not exist or is no number, or a wrong increment, is an error before any request.
    """
    table = StoreTable()

    with pytest.raises(error, match=message):
        table.update_counter("s1", **increments)


def test_wrong_keys(offline):
    """
    No counter is created under an empty key, or half a key.
    """
    with pytest.raises(InvalidKeysException):
        StoreTable().update_counter("", visits=1)
    with pytest.raises(InvalidKeysException):
        VisitTable().update_counter("s1", paid=1.0)


def test_counters_keep_other_fields(db):
    """
    Counting changes nothing else.
    """
    table = StoreTable()
    table.save(Store(store_id="s1", city="Oslo", tags=["a"]))
    table.update_counter("s1", visits=1)

    assert Store(store_id="s1", city="Oslo", tags=["a"], visits=1) == table.get("s1")
