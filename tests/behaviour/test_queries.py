"""query by keywords."""

from __future__ import annotations

import pytest

from dynamo_objects import (
    DecodeError,
    ItemNotFound,
    MultipleItemsFound,
    QueryError,
    UnknownFieldError,
    ValidationError,
)

from .tables import Store, StoreTable, Visit, VisitTable


@pytest.fixture
def visits(db):
    """A table with ten visits of s1 and one of s2."""
    table = VisitTable()
    table.save_many(
        Visit(
            store_id="s1",
            number=number,
            guest="ann" if number % 2 else "bob",
            paid=number / 2,
            note=f"n{number}",
        )
        for number in range(10)
    )
    table.save(Visit(store_id="s2", number=5))
    return table


def numbers(query):
    """Return the numbers of the visits found."""
    return [visit.number for visit in query]


# --- keys -------------------------------------------------------------------------------------


def test_query_of_a_hash_value(visits):
    """
    A query gives the records of one hash value, in the order of the range key.
    """
    assert list(range(10)) == numbers(visits.query("s1"))
    assert list(range(10)) == numbers(visits.query(store_id__eq="s1"))
    assert [] == numbers(visits.query("s3"))


@pytest.mark.parametrize(
    ("keywords", "expected"),
    [
        ({"number__eq": 4}, [4]),
        ({"number__lt": 2}, [0, 1]),
        ({"number__lte": 2}, [0, 1, 2]),
        ({"number__gt": 7}, [8, 9]),
        ({"number__gte": 7}, [7, 8, 9]),
        ({"number__between": (3, 5)}, [3, 4, 5]),
        ({"number__between": [3, 3]}, [3]),
        ({"number__gte": 3, "number__lte": 5}, [3, 4, 5]),
    ],
)
def test_range_conditions(visits, keywords, expected):
    """
    One condition on the range key chooses what is read; ``gte`` and ``lte`` together are one.
    """
    assert expected == numbers(visits.query("s1", **keywords))


def test_beginswith_on_a_range_key(db):
    """
    Range keys that are text may be asked for by their beginning, also in an index.
    """
    table = VisitTable()
    table.save_many(Visit(store_id="s1", number=n, note=note) for n, note in enumerate(["ab", "abc", "b"]))
    found = table.query("s1", index="KeysByNote", note__beginswith="ab")

    assert [0, 1] == numbers(found)


def test_reverse_and_limit(visits):
    """
    reverse turns the order around; limit counts results.
    """
    assert [9, 8, 7] == numbers(visits.query("s1", reverse=True, limit=3))
    assert [0] == numbers(visits.query("s1", limit=1))
    assert list(range(10)) == numbers(visits.query("s1", limit=2**40))


# --- filters ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("keywords", "expected"),
    [
        ({"guest__eq": "ann"}, [1, 3, 5, 7, 9]),
        ({"guest__ne": "ann"}, [0, 2, 4, 6, 8]),
        ({"paid__lt": 1}, [0, 1]),
        ({"paid__lte": 1.0}, [0, 1, 2]),
        ({"paid__gt": 4.0}, [9]),
        ({"paid__gte": 4.0}, [8, 9]),
        ({"paid__between": (1.0, 2.0)}, [2, 3, 4]),
        ({"note__beginswith": "n1"}, [1]),
        ({"note__contains": "3"}, [3]),
        ({"note__ncontains": "n"}, []),
        ({"note__in": ["n2", "n4", "x"]}, [2, 4]),
        ({"note__null": True}, []),
        ({"note__nnull": True, "paid__gt": 4.0}, [9]),
        ({"guest__eq": "ann", "paid__lt": 2}, [1, 3]),
    ],
)
def test_filters(visits, keywords, expected):
    """
    Keywords on other fields than keys drop results, all of them together.
    """
    keywords = {name: float(value) if name == "paid__lt" else value for name, value in keywords.items()}

    assert expected == numbers(visits.query("s1", **keywords))
    assert expected == numbers(visits.query("s1", query_filter=keywords))


def test_conditional_operator(visits):
    """
    OR stands between all filters, those of query_filter too; never between filters and keys.
    """
    either = {"paid__lt": 1.0, "note__eq": "n7"}

    assert [0, 1, 7] == numbers(visits.query("s1", query_filter=either, conditional_operator="OR"))
    assert [0, 1, 7] == numbers(visits.query("s1", conditional_operator="OR", **either))
    assert [7] == numbers(visits.query("s1", number__gt=5, conditional_operator="or", **either))
    assert [] == numbers(visits.query("s1", query_filter=either))
    found = visits.query("s1", paid__lt=1.0, query_filter={"note__eq": "n7"}, conditional_operator="OR")
    assert [0, 1, 7] == numbers(found)
    with pytest.raises(QueryError, match="conditional_operator is 'AND' or 'OR'"):
        visits.query("s1", conditional_operator="XOR")


def test_limit_with_a_filter(visits):
    """
    limit counts what the filter has left.
    """
    assert [1, 3, 5] == numbers(visits.query("s1", guest__eq="ann", limit=3))
    assert [9, 7] == numbers(visits.query("s1", guest__eq="ann", limit=2, reverse=True, max_page_size=1))


def test_max_page_size(visits, count_requests):
    """
    max_page_size is what one request reads; the results are the same.
    """
    requests = count_requests()

    assert list(range(10)) == numbers(visits.query("s1", max_page_size=4))
    assert {"Query": 3} == requests.sent()


def test_limit_reads_no_more_than_needed(visits, count_requests):
    """
    A query with a limit stops when it has its results.
    """
    requests = count_requests()

    assert [0, 1] == numbers(visits.query("s1", limit=2))
    assert [0, 1] == numbers(visits.query("s1", limit=2, max_page_size=2))
    assert {"Query": 2} == requests.sent()


# --- results ----------------------------------------------------------------------------------


def test_query_is_lazy_and_reusable(visits, count_requests):
    """
    Nothing is sent before results are wanted; each use asks again.
    """
    requests = count_requests()
    query = visits.query("s1", limit=2)
    assert {} == requests.sent()

    assert [0, 1] == numbers(query)
    visits.delete("s1", 0)
    assert [1, 2] == numbers(query())
    assert isinstance(query(), list)


def test_streaming_reads_page_by_page(visits, count_requests):
    """
    Iterating reads a page when it is needed.
    """
    requests = count_requests()
    found = iter(visits.query("s1", max_page_size=2))

    assert [0, 1] == [next(found).number, next(found).number]
    assert {"Query": 1} == requests.sent()
    assert 2 == next(found).number
    assert {"Query": 2} == requests.sent()


def test_first_and_one(visits):
    """
    first gives a record or None; one gives the only record, and errors that say which query.
    """
    assert 0 == visits.query("s1").first().number
    assert visits.query("s3").first() is None
    assert 3 == visits.query("s1", number__eq=3).one().number
    assert 0 == visits.query("s1", limit=1).one().number
    with pytest.raises(ItemNotFound, match=r"^visit: no record found$"):
        visits.query("s3").one()
    with pytest.raises(ItemNotFound, match=r"^index ByGuest of visit: no record found$"):
        visits.query("nobody", index="ByGuest").one()
    with pytest.raises(MultipleItemsFound, match="visit: more than one record found"):
        visits.query("s1").one()


def test_count(visits, count_requests):
    """
    count gives the number of results, also page by page, with filters and with a limit.
    """
    requests = count_requests()

    assert 10 == visits.query("s1").count()
    assert 10 == visits.query("s1", max_page_size=3).count()
    assert 5 == visits.query("s1", guest__eq="ann").count()
    assert 4 == visits.query("s1", limit=4).count()
    assert 2 == visits.query("s1", guest__eq="ann", limit=2, max_page_size=1).count()
    assert 3 == visits.query_count("s1", number__gte=7)
    assert 3 == visits.query_count("s1", number__gte=5, limit=3)
    assert {"Query"} == set(requests.sent())


def test_results_can_be_saved(visits):
    """
    Results are loaded records: a change of one is an update.
    """
    visit = visits.query("s1", number__eq=3).one()
    visit.note = "changed"
    visits.save(visit)

    assert "changed" == visits.get("s1", 3).note


def test_unreadable_result_is_named(visits):
    """
    A result that does not fit its class is an error with its key.
    """
    visits.table.put_item(Item={"store_id": "s1", "number": 3, "version": "x"})

    with pytest.raises(DecodeError, match=r"cannot read Visit \(.s1., 3\): version"):
        visits.query("s1")()


# --- mistakes ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({}, QueryError, r"a query of visit needs store_id__eq; without it, use scan\(\)"),
        ({"number__eq": 1}, QueryError, "a query of visit needs store_id__eq"),
        ({"hash": ""}, QueryError, "store_id__eq got an empty value: store_id is a key"),
        ({"hash": 5}, ValidationError, "^store_id: expected str, got int"),
        ({"hash": "s1", "store_id__eq": "s2"}, QueryError, "two conditions on store_id"),
        ({"store_id__gt": "s1"}, QueryError, "store_id is a key of visit: it takes eq"),
        ({"hash": "s1", "number__gt": 1, "number__lt": 5}, QueryError, r"number__between=\(low, high\)"),
        ({"hash": "s1", "number__ne": 1}, QueryError, "number is a key of visit: it takes eq, lt"),
        ({"hash": "s1", "number__in": [1]}, QueryError, "DynamoDB does not filter by keys"),
        ({"hash": "s1", "number__null": True}, QueryError, "DynamoDB does not filter by keys"),
        ({"hash": "s1", "query_filter": {"number__gt": 1}}, QueryError, "DynamoDB does not filter by keys"),
        ({"hash": "s1", "number__beginswith": "1"}, QueryError, "number is a number: it does not begin"),
        ({"hash": "s1", "number__between": 5}, QueryError, r"number__between takes a pair: \(low, high\)"),
        ({"hash": "s1", "number__between": (5, 3)}, QueryError, "number: the lower bound .* above the upper"),
        ({"hash": "s1", "number__gte": 5, "number__lte": 3}, QueryError, "above the upper"),
        ({"hash": "s1", "number__between": (1, None)}, QueryError, "number__between got an empty value"),
        ({"hash": "s1", "number__eq": "1"}, ValidationError, "number: expected int, got str"),
        ({"hash": "s1", "number__eq": True}, ValidationError, "number: expected int, got bool"),
        (
            {"hash": "s1", "gest__eq": "ann"},
            UnknownFieldError,
            "Visit has no field 'gest' .did you mean 'guest'",
        ),
        ({"hash": "s1", "guest": "ann"}, QueryError, "guest: write guest__eq, or another of eq, ne"),
        ({"hash": "s1", "guest__equals": "ann"}, QueryError, "no operator 'equals'"),
        ({"hash": "s1", "guest__eq": 5}, ValidationError, "guest: expected str, got int"),
        ({"hash": "s1", "note__in": "n1"}, QueryError, "'in' takes several values"),
        ({"hash": "s1", "note__in": []}, QueryError, "'in' needs at least one value"),
        ({"hash": "s1", "limit": 0}, QueryError, "limit is a whole number from 1, got 0"),
        ({"hash": "s1", "limit": True}, QueryError, "limit is a whole number from 1"),
        ({"hash": "s1", "limit": "5"}, QueryError, "limit is a whole number from 1, got '5'"),
        ({"hash": "s1", "max_page_size": -1}, QueryError, "max_page_size is a whole number from 1"),
        ({"hash": "s1", "attributes": "note"}, QueryError, r"write attributes=\[name\]"),
        ({"hash": "s1", "attributes": ["nte"]}, UnknownFieldError, "did you mean 'note'"),
        ({"hash": "s1", "condition": "x"}, QueryError, "expected a condition as of boto3"),
    ],
)
def test_what_cannot_work(offline, arguments, error, message):
    """
    A query that cannot work is an error that says why, before any request.
    """

    with pytest.raises(error, match=message):
        VisitTable().query(**arguments)()


def test_misspelt_argument(offline):
    """
    An argument that does not exist is an error too.
    """
    with pytest.raises(QueryError, match="lmit: write lmit__eq"):
        VisitTable().query("s1", lmit=5)


def test_dates_and_decimals_in_conditions(db):
    """
    Values are encoded as the fields are.
    """
    from datetime import UTC, datetime

    table = StoreTable()
    opened = datetime(2026, 1, 2, tzinfo=UTC)
    table.save_many([Store(store_id="a", opened=opened), Store(store_id="b", opened=opened.replace(day=3))])

    assert ["b"] == [store.store_id for store in table.scan(opened__gt=opened)]
    assert ["a"] == [store.store_id for store in table.scan(opened__beginswith="2026-01-02")]
