"""get, find and the Null object."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from dynamo_objects import (
    DecodeError,
    DynamoException,
    DynamoRecord,
    DynamoSchemaException,
    DynamoTable,
    HashKey,
    InvalidKeysException,
    ItemNotFound,
    RangeKey,
    field,
)

from .tables import Store, StoreTable, Visit, VisitTable


class Ticket(DynamoRecord):
    """A record whose fields cannot all be made up."""

    ticket_id: uuid.UUID
    at: datetime
    amount: Decimal
    created: str = field(factory=lambda: "now")


class TicketTable(DynamoTable[Ticket]):
    """Keys of types that are not DynamoDB's own."""

    table_name = "ticket"
    schema = [HashKey("ticket_id"), RangeKey("at")]


class Blob(DynamoRecord):
    """A record with binary keys."""

    digest: bytes = b""
    weight: Decimal = Decimal(0)


class BlobTable(DynamoTable[Blob]):
    """A table with binary and decimal keys."""

    table_name = "blob"
    schema = [HashKey("digest"), RangeKey("weight")]


def test_get_returns_what_was_saved(db, kind):
    """
    A saved record is read back equal.
    """
    table = kind.StoreTable()
    given = {"store_id": "s1", "city": "Oslo", "tags": ["a"], "labels": {"x", "y"}, "rating": 4.5}
    table.save(kind.Store(**given))

    assert kind.Store(**given) == table.get("s1")


def test_get_of_a_pair(db):
    """
    A table with a range key finds a record by the pair only.
    """
    table = VisitTable()
    table.save_many(
        [Visit(store_id="s1", number=1, guest="ann"), Visit(store_id="s1", number=2, guest="bob")]
    )

    assert "bob" == table.get("s1", 2).guest
    assert "ann" == table.get("s1", range=1).guest


def test_missing_record(db):
    """
    A key that no item has raises ItemNotFound, also a KeyError, which names table and key.
    """
    with pytest.raises(ItemNotFound, match=r"^store has no item with key 's1'$") as caught:
        StoreTable().get("s1")

    assert isinstance(caught.value, KeyError)
    assert ("store", "s1") == (caught.value.table, caught.value.key)


def test_missing_record_of_a_pair(db):
    """
    The error of a missing pair names the pair.
    """
    with pytest.raises(ItemNotFound, match=r"^visit has no item with key \('s1', 3\)$"):
        VisitTable().get("s1", 3)


@pytest.mark.parametrize("empty", ["", None, b""])
def test_empty_key_is_not_found(offline, empty):
    """
    No item has an empty key: it is not found, without a request.
    """
    table = StoreTable()

    with pytest.raises(ItemNotFound):
        table.get(empty)
    assert table.find(empty) is None


@pytest.mark.parametrize("pair", [("", None), (None, None), ("", ""), ("", 5)])
def test_empty_pair_is_not_found(offline, pair):
    """
    An empty hash value is not found on a table with a range key either.
    """
    assert VisitTable().find(*pair) is None


@pytest.mark.parametrize(
    ("pair", "reason"),
    [
        (("s1",), "the range key has no value"),
        (("s1", None), "the range key has no value"),
        (("s1", ""), "the range key has no value"),
        ((None, 5), "the hash key has no value"),
        (("s1", "one"), "number: expected int, got str"),
        (("s1", True), "number: expected int, got bool"),
        ((5, 5), "store_id: expected str, got int"),
        ((["s1"], 5), "store_id: expected str, got list"),
        ((("s1", 5),), "hash and range are two arguments here, not a pair"),
        (("s" * 2049, 5), "store_id: a hash key has 2049 bytes, at most 2048 allowed"),
    ],
)
def test_half_and_wrong_keys(offline, pair, reason):
    """
    Half a key, or a value that is no key of this table, is InvalidKeysException before any request.
    """
    table = VisitTable()

    with pytest.raises(InvalidKeysException) as caught:
        table.get(*pair)

    assert str(caught.value).endswith(f": {reason}")


def test_range_key_for_a_table_without(offline):
    """
    A range value on a table with a hash key only is InvalidKeysException.
    """
    with pytest.raises(InvalidKeysException, match="the table has a hash key only"):
        StoreTable().get("s1", "extra")


def test_message_of_invalid_keys(offline):
    """
    The error names class and keys as it always did, and tells which keys are empty.
    """
    with pytest.raises(InvalidKeysException) as caught:
        VisitTable().find("s1")

    expected = f"Hash / range keys for {Visit!r} are invalid or empty: {{'store_id': 's1', 'number': None}}"
    assert str(caught.value).startswith(expected)
    assert {"store_id": "s1", "number": None} == caught.value.keys_data
    assert ["number"] == caught.value.empty_keys


def test_find_returns_a_default(db):
    """
    find gives None, or what it was told to, where get raises.
    """
    table = StoreTable()
    nobody = Store(store_id="nobody")

    assert table.find("s1") is None
    assert nobody is table.find("s1", default=nobody)
    assert "none" == table.find("s1", None, "none")


def test_create_makes_the_null_object(db, kind, count_requests):
    """
    create=True gives a new record with its key and defaults, and writes nothing.
    """
    table = kind.StoreTable()
    requests = count_requests()

    assert kind.Store(store_id="s1") == table.get("s1", create=True)
    assert {"GetItem": 1} == requests.sent()
    assert table.find("s1") is None


def test_created_record_can_be_saved(db, kind):
    """
    What create=True made is saved as a new record, and read the next time.
    """
    table = kind.StoreTable()
    table.save(kind.changed(table.get("s1", create=True), city="Oslo"))

    assert "Oslo" == table.get("s1", create=True).city


@pytest.mark.parametrize("empty", ["", None])
def test_create_for_an_empty_key(offline, empty):
    """
    The Null object of an empty key has the defaults.
    """
    assert Store() == StoreTable().get(empty, create=True)


def test_create_for_a_pair(db):
    """
    The Null object of a pair has both keys; half a pair stays an error.
    """
    table = VisitTable()

    assert Visit(store_id="s1", number=7) == table.get("s1", 7, create=True)
    with pytest.raises(InvalidKeysException):
        table.get("s1", create=True)


def test_create_needs_defaults(offline):
    """
    A class that needs more than its keys has no Null object: an error, whether the record exists or not.
    """
    with pytest.raises(
        DynamoSchemaException, match="makes a Ticket of its keys alone, but amount must be given"
    ):
        TicketTable().get(uuid.uuid4(), datetime.now(UTC), create=True)


def test_keys_of_other_types(db):
    """
    Keys may be of any type that is stored as text, number or bytes.
    """
    ticket_id, at = uuid.uuid4(), datetime(2026, 11, 20, 12, 30, tzinfo=UTC)
    TicketTable().save(Ticket(ticket_id=ticket_id, at=at, amount=Decimal("9.95")))
    BlobTable().save(Blob(digest=b"\x00\xff", weight=Decimal("0.1")))

    assert Decimal("9.95") == TicketTable().get(ticket_id, at).amount
    assert Blob(digest=b"\x00\xff", weight=Decimal("0.1")) == BlobTable().get(b"\x00\xff", Decimal("0.10"))
    with pytest.raises(InvalidKeysException, match="ticket_id: expected UUID, got str"):
        TicketTable().get(str(ticket_id), at)


def test_consistent_reads(db, monkeypatch):
    """
    Reads are eventually consistent unless the call or the table says otherwise.
    """

    class ConsistentTable(StoreTable):
        consistent_read = True

    ConsistentTable()
    sent = []
    connection = db.get_connection()
    call = connection.call
    monkeypatch.setattr(connection, "call", lambda operation: sent.append(operation) or call(operation))
    StoreTable().find("s1")
    StoreTable().find("s1", consistent=True)
    ConsistentTable().find("s1")
    ConsistentTable().find("s1", consistent=False)

    assert [False, True, True, False] == [operation.consistent for operation in sent]


def test_unreadable_item_is_named(db):
    """
    An item that does not fit its class is an error with the key and every field that is wrong.
    """
    table = StoreTable()
    table.table.put_item(Item={"store_id": "s1", "city": 5, "tags": "none"})

    with pytest.raises(DecodeError, match=r"^cannot read Store 's1': ") as caught:
        table.get("s1")
    assert ["city", "tags"] == [problem.path for problem in caught.value.problems]


def test_defaults_for_missing_attributes(db):
    """
    An attribute that an old item lacks loads as the default of its field; factories invent nothing.
    """
    StoreTable().table.put_item(Item={"store_id": "s1"})
    assert Store(store_id="s1") == StoreTable().get("s1")

    key = {"ticket_id": str(uuid.uuid4()), "at": "2026-11-20T12:30:00.000000Z"}
    TicketTable().table.put_item(Item={**key, "amount": 1})
    with pytest.raises(DecodeError, match="created: required attribute is missing"):
        TicketTable().get(uuid.UUID(key["ticket_id"]), datetime(2026, 11, 20, 12, 30, tzinfo=UTC))


def test_missing_table_is_never_a_missing_record(db):
    """
    When somebody has deleted the table, reading is an error, not "no such record".
    """
    table = StoreTable()
    table.table.delete()

    with pytest.raises(DynamoException) as caught:
        table.find("s1")
    assert not isinstance(caught.value, ItemNotFound)


def test_escape_hatches(db):
    """
    The boto3 Table and the attribute values of a loaded record are there for what this library does not do.
    """
    table = StoreTable()
    table.save(Store(store_id="s1", visits=2))

    assert {"store_id": "s1", "visits": 2} == table.table.get_item(Key={"store_id": "s1"})["Item"]
    assert {"store_id": {"S": "s1"}, "visits": {"N": "2"}} == table.get("s1")._item
    assert Store()._item is None
