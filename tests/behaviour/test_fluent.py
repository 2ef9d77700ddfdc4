"""Queries step by step: every step gives a new query."""

from __future__ import annotations

import pytest
from boto3.dynamodb.conditions import Attr, Key

from dynamo_objects import DynamoSchemaException, QueryError, UnknownFieldError

from .tables import StoreTable, Visit, VisitTable


@pytest.fixture
def visits(db):
    """A table with ten visits of s1."""
    table = VisitTable()
    table.save_many(
        Visit(store_id="s1", number=number, guest="ann" if number % 2 else "bob", paid=number / 2)
        for number in range(10)
    )
    return table


def numbers(query):
    """Return the numbers of the visits found."""
    return [visit.number for visit in query]


def test_the_example_of_the_readme(visits):
    """
    Steps follow each other as one says them.
    """
    assert [9, 7] == numbers(visits.query("s1").range(2, 9).filter(guest__eq="ann").reverse().limit(2))


@pytest.mark.parametrize(
    ("bounds", "expected"),
    [
        ((3, 5), [3, 4, 5]),
        ((8,), [8, 9]),
        ((8, None), [8, 9]),
        ((None, 1), [0, 1]),
        ((4, 4), [4]),
        ((20, 30), []),
    ],
)
def test_range_includes_its_bounds(visits, bounds, expected):
    """
    range takes one bound or both, and includes them.
    """
    assert expected == numbers(visits.query("s1").range(*bounds))


def test_steps_do_not_change_the_query(visits):
    """
    A query that was refined is as it was before.
    """
    query = visits.query("s1")
    query.range(3, 5)
    query.filter(guest__eq="ann")
    query.reverse()
    query.limit(1)
    query.attributes("paid")

    assert list(range(10)) == numbers(query)


def test_filters_add_up(visits):
    """
    Each filter drops more; OR stands between the keywords of one step only.
    """
    query = visits.query("s1").filter(guest__eq="ann").filter(Attr("paid").gt(1))
    assert [3, 5, 7, 9] == numbers(query)

    query = query.filter(paid__lt=2.0, paid__gt=4.0, conditional_operator="OR")
    assert [3, 9] == numbers(query)


def test_where_takes_keys_and_filters(visits):
    """
    where sorts its conditions by itself.
    """
    assert [5, 7] == numbers(visits.query("s1").where(number__between=(4, 8), guest__eq="ann"))
    assert [5, 7] == numbers(visits.query("s1").where(Key("number").between(4, 8) & Attr("guest").eq("ann")))
    found = visits.query().where(store_id__eq="s1", number__lt=3)
    assert [0, 1, 2] == numbers(found)


def test_hash_later(visits):
    """
    The hash value may come later, also of an index.
    """
    assert [0, 1] == numbers(visits.query().hash("s1").limit(2))
    assert [1, 3, 5] == numbers(visits.query().index("ByGuest").hash("ann").range(None, 5))


def test_steps_for_reading(visits, count_requests):
    """
    page_size, consistent and attributes choose how it is read.
    """
    requests = count_requests()

    assert 10 == len(visits.query("s1").page_size(4).consistent()())
    assert {"Query": 3} == requests.sent()
    partial = visits.query("s1").attributes("paid").first()
    assert ("s1", 0, 0.0) == (partial.store_id, partial.number, partial.paid)


def test_scan_step_by_step(visits):
    """
    A scan is refined in the same way.
    """
    scan = visits.scan().filter(guest__eq="ann").limit(3)

    assert 3 == len(scan())
    assert {"ann"} == {visit.guest for visit in scan}
    assert 10 == len(visits.scan().segments(2)())


def test_reverse_can_be_taken_back(visits):
    """
    The last word on the order counts.
    """
    assert [0] == numbers(visits.query("s1").reverse().reverse(False).limit(1))


@pytest.mark.parametrize(
    ("step", "error", "message"),
    [
        (lambda q: q.hash("s2"), QueryError, "two conditions on store_id"),
        (lambda q: q.range(), QueryError, "needs a start, an end or both"),
        (lambda q: q.range(5, 3), QueryError, "above the upper one"),
        (lambda q: q.range(1).range(None, 5), QueryError, "two conditions on number"),
        (lambda q: q.index("ByGuest"), QueryError, "choose the index first"),
        (lambda q: q.filter(number__gt=1), QueryError, "DynamoDB does not filter by keys"),
        (lambda q: q.filter(gest__eq="x"), UnknownFieldError, "did you mean 'guest'"),
        (lambda q: q.limit(0), QueryError, "limit is a whole number from 1"),
        (lambda q: q.segment(0, 2), QueryError, "segments belong to scans"),
        (lambda q: q.segments(2), QueryError, "segments belong to scans"),
        (lambda q: q.attributes("nothing"), UnknownFieldError, "no field 'nothing'"),
    ],
)
def test_steps_that_cannot_work(offline, step, error, message):
    """
    A wrong step is an error at once.
    """
    with pytest.raises(error, match=message):
        step(VisitTable().query("s1"))


@pytest.mark.parametrize(
    ("step", "message"),
    [
        (lambda s: s.hash("s1"), "a scan has filters only"),
        (lambda s: s.range(1, 2), "a scan has filters only"),
        (lambda s: s.reverse(), "a scan has no order to reverse"),
        (lambda s: s.segments(2).segment(0, 2), "segments= reads all segments"),
        (lambda s: s.segment(0, 2).segments(2), "segments= reads all segments"),
    ],
)
def test_steps_that_a_scan_has_not(offline, step, message):
    """
    What only queries have is an error on scans.
    """
    with pytest.raises(QueryError, match=message):
        step(VisitTable().scan())


def test_index_that_does_not_exist(offline):
    """
    A misspelt index is an error with the nearest name.
    """
    with pytest.raises(DynamoSchemaException, match=r"visit has no index 'ByGest' .did you mean 'ByGuest'"):
        VisitTable().query().index("ByGest")


def test_range_of_a_table_without(offline):
    """
    A table without a range key has no range to choose.
    """
    with pytest.raises(QueryError, match="store has no range key"):
        StoreTable().query("s1").range(1, 2)


def test_repr_shows_no_values(offline):
    """
    A query's repr tells its conditions, not the values.
    """
    query = VisitTable().query("secret", index="ByGuest", number__gt=987, note__ne="secret", paid__lt=9.87)
    expected = (
        "index ByGuest of visit; hash on guest; range on number; filter on note, paid; limit=3; reverse"
    )

    assert f"Query({expected})" == repr(query.limit(3).reverse())
    assert "Query(scan of visit; attributes=('note',); segments=4)" == repr(
        VisitTable().scan(attributes=["note"], segments=4)
    )
