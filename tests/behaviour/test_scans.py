"""scan, and segments."""

from __future__ import annotations

import pytest
from boto3.dynamodb.conditions import Attr

from dynamo_objects import QueryError

from .tables import Store, StoreTable, VisitTable


@pytest.fixture
def stores(db):
    """A table with forty stores."""
    table = StoreTable()
    table.save_many(
        Store(store_id=f"s{number}", city="Oslo" if number % 4 else "Bergen", visits=number)
        for number in range(40)
    )
    return table


def ids(scan):
    """Return the ids of the stores found, in order."""
    return sorted(store.store_id for store in scan)


def test_scan_gives_all_records(stores, kind):
    """
    A scan gives every record once.
    """
    expected = sorted(f"s{number}" for number in range(40))

    assert expected == ids(stores.scan())
    assert expected == ids(stores.scan(max_page_size=7))
    assert [] == kind.StoreTable().scan(city__eq="Paris")()


@pytest.mark.parametrize("segments", [1, 3, 8, 100])
def test_segments_together(stores, segments):
    """
    Segments that are read in parallel give every record once.
    """
    assert sorted(f"s{number}" for number in range(40)) == ids(stores.scan(segments=segments))
    assert 10 == stores.scan(segments=segments, city__eq="Bergen").count()
    assert 5 == len(stores.scan(segments=segments, limit=5)())
    assert 5 == stores.scan(segments=segments, limit=5).count()


def test_segments_one_by_one(stores):
    """
    Each worker may read a segment of its own; together they read every record once.
    """
    found = [ids(stores.scan(segment=number, total_segments=4)) for number in range(4)]

    assert sorted(f"s{number}" for number in range(40)) == sorted(key for part in found for key in part)


def test_filters(stores):
    """
    Keywords and conditions filter, also by keys.
    """
    assert 10 == len(stores.scan(city__eq="Bergen")())
    assert 3 == len(stores.scan(Attr("visits").lt(3))())
    assert ["s7"] == ids(stores.scan(store_id__eq="s7"))
    assert ["s1", "s2"] == ids(stores.scan(store_id__in=["s1", "s2", "x"]))
    assert 11 == len(stores.scan(city__eq="Bergen", visits__eq=7, conditional_operator="OR")())


def test_limit(stores):
    """
    limit counts results, with filters too.
    """
    assert 5 == len(stores.scan(limit=5)())
    assert 5 == len(stores.scan(limit=5, city__eq="Bergen", max_page_size=3)())
    assert 5 == stores.scan(limit=5, city__eq="Bergen").count()
    assert stores.scan(city__eq="Paris").first() is None


def test_more_than_a_page(db):
    """
    A table of more than one megabyte is read to its end, whatever a page may hold.
    """
    table = StoreTable()
    table.save_many(Store(store_id=f"s{number}", city="x" * 200_000) for number in range(12))

    assert 12 == len(table.scan()())
    assert 12 == table.scan().count()
    assert ["s7"] == ids(table.scan(store_id__eq="s7"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"segment": 0}, "segment= and total_segments= go together"),
        ({"total_segments": 2}, "segment= and total_segments= go together"),
        ({"segment": 2, "total_segments": 2}, "segment is a whole number from 0 to 1, got 2"),
        ({"segment": -1, "total_segments": 2}, "segment is a whole number from 0 to 1, got -1"),
        ({"segment": "0", "total_segments": 2}, "segment is a whole number from 0 to 1, got '0'"),
        ({"segment": 0, "total_segments": 0}, "total_segments is a whole number from 1"),
        ({"segment": 0, "total_segments": 1_000_001}, "total_segments is at most 1000000"),
        ({"segments": 0}, "segments is a whole number from 1"),
        ({"segments": 1_000_001}, "segments is at most 1000000"),
        ({"segments": 2, "segment": 0, "total_segments": 2}, "segments= reads all segments"),
        ({"limit": 0}, "limit is a whole number from 1"),
        ({"reverse": True}, "reverse: write reverse__eq"),
    ],
)
def test_what_cannot_work(offline, arguments, message):
    """
    A scan that cannot work is an error before any request.
    """

    with pytest.raises(QueryError, match=message):
        StoreTable().scan(**arguments)


def test_scan_of_a_table_with_pairs(db):
    """
    Scans work on tables with range keys as well.
    """
    table = VisitTable()
    table.save_many(table.record_class(store_id=s, number=n) for s in "ab" for n in range(3))

    assert 6 == table.scan().count()
    assert 2 == table.scan(number__gt=1).count()
