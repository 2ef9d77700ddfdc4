"""update: changes without reading first."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from enum import IntEnum

import pytest
from boto3.dynamodb.conditions import Attr

from dynamo_objects import (
    ConditionFailed,
    DecodeError,
    DynamoRecord,
    DynamoTable,
    HashKey,
    InvalidKeysException,
    ItemNotFound,
    QueryError,
    UnknownFieldError,
    ValidationError,
    field,
)

from .tables import Store, StoreTable, Visit, VisitTable


class Level(IntEnum):
    """Numbers that mean something."""

    LOW = 1
    HIGH = 2


class Job(DynamoRecord):
    """A record with required fields, and numbers that are not for counting."""

    job_id: str
    owner: str
    steps: set[str]
    level: Level = Level.LOW
    due: datetime | None = field(default=None, epoch=True)
    tries: int = 3
    cost: Decimal = Decimal("0.5")


class JobTable(DynamoTable[Job]):
    """Jobs by id."""

    table_name = "job"
    schema = [HashKey("job_id")]


def test_update_returns_the_new_record(db, kind, count_requests):
    """
    All kinds of changes go in one request, and the new record comes back.
    """
    table = kind.StoreTable()
    table.save(kind.Store(store_id="s1", city="Oslo", visits=1, tags=["a"], labels={"x", "y"}))
    requests = count_requests()
    updated = table.update(
        "s1", put={"city": "Bergen"}, add={"visits": 2}, delete={"labels": {"x"}}, remove=["tags"]
    )

    assert kind.Store(store_id="s1", city="Bergen", visits=3, labels={"y"}) == updated
    assert {"UpdateItem": 1} == requests.sent()
    assert updated == table.get("s1")


def test_updated_record_can_be_saved(db, kind):
    """
    What update returns is a loaded record: its next save sends only changes.
    """
    table = kind.StoreTable()
    record = table.update("s1", put={"city": "Oslo"})
    table.save(kind.changed(record, visits=4))

    assert ("Oslo", 4) == (table.get("s1").city, table.get("s1").visits)


def test_update_creates(db, kind):
    """
    An absent record is created from the change.
    """
    table = kind.StoreTable()

    expected = kind.Store(store_id="s1", visits=2, labels={"x"})
    assert expected == table.update("s1", add={"visits": 2, "labels": {"x"}})


def test_update_of_a_pair(db):
    """
    update takes the range value like get.
    """
    table = VisitTable()

    assert Visit(store_id="s1", number=1, note="n") == table.update("s1", 1, put={"note": "n"})
    assert Visit(store_id="s1", number=1, note="m") == table.update("s1", range=1, put={"note": "m"})


def test_putting_an_empty_value_removes_it(db, kind):
    """
    An empty value that equals the default is removed, as save does it.
    """
    table = kind.StoreTable()
    table.save(kind.Store(store_id="s1", city="Oslo", company_id="c1", tags=["a"]))
    table.update("s1", put={"city": "", "company_id": "", "tags": []})

    assert {"store_id": "s1", "visits": 0} == table.table.get_item(Key={"store_id": "s1"})["Item"]


def test_values_are_converted_as_on_assignment(db):
    """
    The converters of fields make of a value what they make of it when it is assigned.
    """

    class Session(DynamoRecord):
        session_id: str = ""
        user: str = field(default="", converter=str.lower, name="u")
        expires: datetime | None = field(default=None, ttl=True)

    table: DynamoTable[Session] = DynamoTable("session", schema=[HashKey("session_id")], record_class=Session)
    expires = datetime(2026, 11, 20, 12, 30, 15, 500, tzinfo=UTC)
    updated = table.update("a", put={"user": "ANN", "expires": expires})

    assert ("ann", expires.replace(microsecond=0)) == (updated.user, updated.expires)
    assert "bob" == table.update("a", put={"u": "BOB"}).user


def test_missing_record_that_cannot_be_made(db):
    """
    An update never leaves an item that its class cannot read: what lacks required fields is ItemNotFound.
    """
    table = JobTable()

    for change in ({"put": {"owner": "ann"}}, {"add": {"tries": 1}}, {"remove": ["due"]}):
        with pytest.raises(ItemNotFound, match="job has no item with key 'j1'"):
            table.update("j1", **change)
    with pytest.raises(ItemNotFound):
        table.update_counter("j1", tries=1)
    assert [] == table.scan()()


def test_record_that_can_be_made(db):
    """
    An update that gives all required fields creates the record.
    """
    made = JobTable().update("j1", put={"owner": "ann"}, add={"steps": {"a"}})

    assert Job(job_id="j1", owner="ann", steps={"a"}) == made


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({}, QueryError, "an update that changes nothing"),
        ({"put": ["owner"]}, QueryError, "put= takes fields with their values"),
        ({"add": "tries"}, QueryError, "add= takes fields with their values"),
        ({"put": {"ownr": "x"}}, UnknownFieldError, "did you mean 'owner'"),
        ({"put": {"owner": 5}}, ValidationError, "owner: expected str, got int"),
        ({"put": {"job_id": "j2"}}, QueryError, "job_id is a key: keys cannot be changed"),
        ({"remove": ["job_id"]}, QueryError, "job_id is required"),
        ({"remove": ["owner"]}, QueryError, "owner is required: without it the item cannot be read"),
        ({"remove": "owner"}, QueryError, "remove= takes several names"),
        ({"add": {"owner": "x"}}, QueryError, "owner is not a number"),
        ({"add": {"level": Level.HIGH}}, QueryError, "level is Level, which is not for counting"),
        ({"add": {"due": datetime(2026, 1, 1, tzinfo=UTC)}}, QueryError, "due is .*not for counting"),
        ({"add": {"tries": Decimal("0.5")}}, ValidationError, "tries: expected int, got Decimal"),
        ({"add": {"tries": True}}, ValidationError, "tries: expected int, got bool"),
        ({"delete": {"steps": {"a"}}}, QueryError, "steps is required, and deleting its last member"),
        ({"delete": {"tries": 1}}, QueryError, "tries is not a set"),
        ({"put": {"tries": 1}, "add": {"tries": 1}}, QueryError, "names a field twice"),
    ],
)
def test_changes_that_cannot_work(offline, change, error, message):
    """
    A change that cannot work, or would leave an unreadable item, is an error before any request.
    """
    table = JobTable()

    with pytest.raises(error, match=message):
        table.update("j1", **change)


@pytest.mark.parametrize("key", ["", None, 5])
def test_wrong_keys(offline, key):
    """
    No record can be created under an empty key, nor under one of another type.
    """
    with pytest.raises(InvalidKeysException):
        StoreTable().update(key, put={"city": "Oslo"})


@pytest.mark.parametrize("condition", [{"visits__lt": 5}, Attr("visits").lt(5)], ids=["keywords", "boto3"])
def test_condition(db, condition):
    """
    A condition decides; a false one is ConditionFailed with the key as the user writes it.
    """
    table = StoreTable()
    table.save(Store(store_id="s1", visits=4))
    table.update("s1", add={"visits": 1}, condition=condition)

    with pytest.raises(
        ConditionFailed, match="store 's1': the condition is false, nothing was written"
    ) as caught:
        table.update("s1", add={"visits": 1}, condition=condition)
    assert ("store", "s1", {"N": "5"}) == (caught.value.table, caught.value.key, caught.value.item["visits"])
    assert 5 == table.get("s1").visits


def test_condition_on_an_absent_record(db):
    """
    A condition that an absent record cannot meet creates nothing.
    """
    table = StoreTable()

    with pytest.raises(ConditionFailed, match="store 's1'") as caught:
        table.update("s1", put={"city": "Oslo"}, condition={"visits__gt": 1})
    assert caught.value.item is None
    assert table.find("s1") is None


def test_condition_and_required_fields(db):
    """
    With required fields, an absent record is ItemNotFound even if a condition was given too.
    """
    table = JobTable()
    table.save(Job(job_id="j1", owner="ann", steps={"a"}))

    with pytest.raises(ItemNotFound):
        table.update("j2", put={"owner": "bob"}, condition={"tries__eq": 3})
    with pytest.raises(ConditionFailed):
        table.update("j1", put={"owner": "bob"}, condition={"tries__eq": 4})
    assert "ann" == table.get("j1").owner


def test_adding_starts_at_the_default(db):
    """
    An absent number counts from what it would load as.
    """
    table = JobTable()
    table.table.put_item(Item={"job_id": "j1", "owner": "ann", "steps": {"a"}})
    updated = table.update("j1", add={"tries": -1, "cost": Decimal("0.25")})

    assert (2, Decimal("0.75")) == (updated.tries, updated.cost)
    assert 1 == table.update("j1", add={"tries": -1}).tries


def test_update_of_an_unreadable_item_is_made_all_the_same(db):
    """
    An item that its class cannot read is changed, and the error says so.
    """
    table = StoreTable()
    table.table.put_item(Item={"store_id": "s1", "city": 5})

    with pytest.raises(DecodeError, match="city: expected") as caught:
        table.update("s1", add={"visits": 1})
    assert ["it was updated all the same"] == caught.value.__notes__
    assert 1 == table.update("s1", put={"city": "Oslo"}).visits
