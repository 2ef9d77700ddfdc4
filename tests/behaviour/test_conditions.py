"""Conditions of boto3 in queries and scans."""

from __future__ import annotations

import pytest
from boto3.dynamodb.conditions import Attr, Key

from dynamo_objects import (
    DynamoRecord,
    DynamoTable,
    HashKey,
    QueryError,
    RangeKey,
    UnknownFieldError,
    ValidationError,
    field,
)
from dynamo_objects.errors import InvalidRequest

from .tables import Visit, VisitTable


class Address(DynamoRecord):
    """Part of another record."""

    street: str = ""
    lines: list[str] = []


class Person(DynamoRecord):
    """A record with parts, some of them stored under other names."""

    group: str = field(default="", name="g")
    number: int = field(default=0, name="n")
    address: Address = Address()
    size: int = 0
    scores: dict[str, int] = {}
    friends: set[str] = set()


class PersonTable(DynamoTable[Person]):
    """People by group and number."""

    table_name = "person"
    schema = [HashKey("group"), RangeKey("number")]


@pytest.fixture
def people(db):
    """A table with three people."""
    table = PersonTable()
    table.save_many(
        [
            Person(
                group="a", number=1, address=Address(street="Elm", lines=["x", "y"]), size=1, friends={"b"}
            ),
            Person(group="a", number=2, address=Address(street="Oak"), size=2, scores={"go": 5}),
            Person(group="a", number=3, size=3, friends={"b", "c"}, scores={"go": 7}),
        ]
    )
    return table


def numbers(query):
    """Return the numbers of the people found."""
    return sorted(person.number for person in query)


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (Attr("size").eq(2), [2]),
        (Attr("size").ne(2), [1, 3]),
        (Attr("size").lt(2) | Attr("size").gt(2), [1, 3]),
        (Attr("size").between(2, 3) & ~Attr("size").eq(3), [2]),
        (Attr("size").is_in([1, 3, 9]), [1, 3]),
        (Attr("address.street").eq("Elm"), [1]),
        (Attr("address.street").begins_with("O"), [2]),
        (Attr("address.lines[1]").eq("y"), [1]),
        (Attr("address.lines").contains("x"), [1]),
        (Attr("scores.go").gt(5), [3]),
        (Attr("scores.go").exists(), [2, 3]),
        (Attr("scores").not_exists(), [1]),
        (Attr("scores").attribute_type("M"), [2, 3]),
        (Attr("friends").contains("c"), [3]),
        (Attr("n").gt(1), [2, 3]),
        (Attr("number").gt(1), [2, 3]),
    ],
)
def test_filters_of_a_scan(people, condition, expected):
    """
    Every condition of boto3 works, with names of fields or of attributes.
    """
    assert expected == numbers(people.scan(condition))


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (Attr("address.lines").size().gte(1), [1]),
        (Attr("friends").size().eq(2), [3]),
        (Attr("size").eq(Attr("friends").size()), [1]),
    ],
)
def test_sizes(people, engine, condition, expected):
    """
    The size of what is absent is absent, and equals nothing.
    """
    if engine.differs("refuses sizes of what is absent"):
        with pytest.raises(InvalidRequest):
            numbers(people.scan(condition))
    else:
        assert expected == numbers(people.scan(condition))


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (Key("group").eq("a"), [1, 2, 3]),
        (Key("g").eq("a") & Key("n").gte(2), [2, 3]),
        (Key("g").eq("a") & Key("n").between(1, 2), [1, 2]),
        (Key("number").lt(3) & Key("group").eq("a"), [1, 2]),
        (Key("group").eq("a") & Key("number").eq(2) & Attr("size").gt(1), [2]),
        (Key("group").eq("a") & (Attr("size").eq(1) | Attr("size").eq(3)), [1, 3]),
        (Attr("group").eq("a") & Attr("size").eq(1), [1]),
    ],
)
def test_queries(people, condition, expected):
    """
    Conditions on keys choose what is read, others filter; they may be joined by ``&``.
    """
    assert expected == numbers(people.query(condition))
    assert expected == numbers(people.query(condition=condition))
    assert expected == numbers(people.query().where(condition))


def test_keywords_and_conditions_together(people):
    """
    A query may have all of them.
    """
    found = people.query("a", Key("number").gt(1), query_filter=Attr("size").lt(3))
    assert [2] == numbers(found)

    found = people.query(
        Key("group").eq("a"), Attr("size").lt(3), number__gt=1, query_filter={"scores__nnull": True}
    )
    assert [2] == numbers(found)
    assert [1] == numbers(people.scan(Attr("size").lt(3), number__lt=2))


def test_reserved_and_odd_names_are_no_trouble(db):
    """
    Names never become part of an expression's text.
    """
    table: DynamoTable = DynamoTable("odd", schema=[HashKey("id")])
    names = ["size", "a.b", "#n0", ":v0", "x y", "OR", "æ", "1st"]
    table.save(table.record_class(id="a", **{name: number for number, name in enumerate(names)}))

    for number, name in enumerate(names):
        assert 1 == table.scan(**{f"{name}__eq": number}).count()
        assert 0 == table.scan(**{f"{name}__ne": number}).count()


@pytest.mark.parametrize(
    ("condition", "error", "message"),
    [
        (Key("group").gt("a"), QueryError, "group is a key of person: DynamoDB does not take this condition"),
        (
            Key("group").eq("a") & Key("number").gt(1) & Key("number").lt(3),
            QueryError,
            "two conditions on number",
        ),
        (Key("group").eq("a") | Key("group").eq("b"), QueryError, "does not filter by keys"),
        (Key("group").eq("a") & ~Key("number").eq(1), QueryError, "does not filter by keys"),
        (Key("group").eq("a") & Attr("size").eq(Attr("number")), QueryError, "does not filter by keys"),
        (Key("group").eq("a") & Attr("number").is_in([1]), QueryError, "does not filter by keys"),
        (Key("group").eq("a") & Attr("number").ne(1), QueryError, "DynamoDB does not take this condition"),
        (Key("group").eq(Attr("group")), QueryError, "compared with itself|does not take this condition"),
        (Key("group").eq("a") & Key("number").between(3, 1), QueryError, "above the upper one"),
        (
            Key("group").eq("a") & Key("number").begins_with("1"),
            ValidationError,
            "number: int does not begin",
        ),
        (Key("group").eq(""), QueryError, "does not filter by keys"),
        (Key("gruop").eq("a"), UnknownFieldError, "did you mean 'group'"),
        (Key("group").eq(5), ValidationError, "group: expected str, got int"),
        (Attr("address.stret").eq("x"), UnknownFieldError, "Address has no field 'stret'"),
        (Attr("address[0]").eq("x"), Exception, "nothing inside|Address"),
        (Attr("size").eq("1"), ValidationError, "size: expected int, got str"),
        (Attr("size").eq(True), ValidationError, "size: expected int, got bool"),
        (Attr("scores.go").eq("1"), ValidationError, "expected int, got str"),
        (Attr("").eq(1), QueryError, "is not a path"),
        (Attr("a..b").eq(1), QueryError, "is not a path"),
    ],
)
def test_what_cannot_work(offline, condition, error, message):
    """
    A condition that DynamoDB cannot use, or of wrong names or types, is an error before any request.
    """

    with pytest.raises(error, match=message):
        PersonTable().query(condition)()


def test_conditions_on_an_index(db):
    """
    On an index its own keys choose; those of the table filter.
    """
    table = VisitTable()
    table.save_many(Visit(store_id=s, number=n, guest="ann") for s in "ab" for n in range(3))
    condition = Key("guest").eq("ann") & Key("number").gt(0) & Attr("store_id").eq("b")

    assert [("b", 1), ("b", 2)] == [(v.store_id, v.number) for v in table.query(condition, index="ByGuest")]
