"""MemoryTable: each key is read once, and one record object stands for it."""

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
    MemoryTable,
    RangeKey,
)

from .tables import Store, StoreTable, Visit, VisitTable


class Pair(DynamoRecord):
    """A record of a table with two keys of text."""

    left: str = ""
    right: str = ""
    note: str = ""


class PairTable(DynamoTable[Pair]):
    """Keys that look alike when they are joined."""

    table_name = "pair"
    schema = [HashKey("left"), RangeKey("right")]


class Amount(DynamoRecord):
    """A record with a Decimal and a binary key."""

    amount: Decimal = Decimal(0)
    digest: bytes = b""
    note: str = ""


class AmountTable(DynamoTable[Amount]):
    """Keys of numbers and bytes."""

    table_name = "amount"
    schema = [HashKey("amount"), RangeKey("digest")]


class Event(DynamoRecord):
    """A record with keys of types that are not DynamoDB's own."""

    event_id: uuid.UUID = uuid.UUID(int=0)
    at: datetime = datetime(2026, 1, 1, tzinfo=UTC)
    note: str = ""


class EventTable(DynamoTable[Event]):
    """Events by id and time."""

    table_name = "event"
    schema = [HashKey("event_id"), RangeKey("at")]


class Numbered(DynamoRecord):
    """A record with a whole number as its key."""

    number: int = 0
    note: str = ""


class NumberedTable(DynamoTable[Numbered]):
    """Records by number."""

    table_name = "numbered"
    schema = [HashKey("number")]


# --- one read, one object -----------------------------------------------------------------------


def test_each_key_is_read_once(db, kind, count_requests):
    """
    The first get reads, all others give the same object.
    """
    table = kind.StoreTable()
    table.save(kind.Store(store_id="s1", city="Oslo"))
    memory, requests = MemoryTable(table), count_requests()

    first = memory.get("s1")
    others = [memory.get("s1"), memory.find("s1"), memory.get("s1", create=True)]

    assert "Oslo" == first.city
    assert all(first is other for other in others)
    assert {"GetItem": 1} == requests.sent()
    assert (1, 3) == (memory.db_reads, memory.hits)


def test_absence_is_remembered(db, kind, count_requests):
    """
    That there is no item is read once; then it is answered from memory, as a hit.
    """
    memory, requests = MemoryTable(kind.StoreTable()), count_requests()
    nobody = kind.Store(store_id="nobody")

    for _ in range(2):
        with pytest.raises(ItemNotFound, match=r"^store has no item with key 's1'$"):
            memory.get("s1")
    assert nobody is memory.find("s1", default=nobody)
    assert memory.find("s1") is None
    assert {"GetItem": 1} == requests.sent()
    assert (1, 3) == (memory.db_reads, memory.hits)


def test_reads_are_consistent(db):
    """
    What was acknowledged before is read, whatever the table's own way of reading is.
    """
    table = StoreTable()
    memory = MemoryTable(table)
    table.save(Store(store_id="s1", city="Oslo"))

    assert "Oslo" == memory.get("s1").city


def test_an_unreadable_item_is_not_absent(db):
    """
    An item that does not fit its class is an error each time, never "no such record".
    """
    table = StoreTable()
    table.table.put_item(Item={"store_id": "s1", "city": 5})
    memory = MemoryTable(table)

    for _ in range(2):
        with pytest.raises(DecodeError):
            memory.find("s1")
    assert not memory.has_item("s1")


# --- keys ---------------------------------------------------------------------------------------


def test_keys_are_not_joined(db):
    """
    ('a#b', 'c') and ('a', 'b#c') are two keys.
    """
    table = PairTable()
    table.save_many([Pair(left="a#b", right="c", note="one"), Pair(left="a", right="b#c", note="two")])
    memory = MemoryTable(table)

    assert "one" == memory.get("a#b", "c").note
    assert "two" == memory.get("a", "b#c").note


def test_text_that_looks_alike_is_not_one_key(db):
    """
    Text is a key as it is: two spellings of one letter are two keys.
    """
    composed, combined = "\u00e9", "e\u0301"
    table = StoreTable()
    table.save_many([Store(store_id=composed, visits=1), Store(store_id=combined, visits=2)])
    memory = MemoryTable(table)

    assert [1, 2] == [memory.get(composed).visits, memory.get(combined).visits]


@pytest.mark.parametrize("wrong", [True, "1", 1.0, Decimal(1), [1], b"1"])
def test_keys_are_typed(db, wrong):
    """
    True, '1', 1.0 and Decimal(1) are no keys of a table of ints, also when 1 is cached.
    """
    memory = MemoryTable(NumberedTable())
    memory.get(1, create=True)

    with pytest.raises(InvalidKeysException):
        memory.get(wrong)
    with pytest.raises(InvalidKeysException):
        memory.has_item(wrong)
    with pytest.raises(InvalidKeysException):
        memory.delete(wrong)


def test_equal_numbers_are_one_key(db, count_requests):
    """
    Of a Decimal key, all spellings are one key, as in DynamoDB.
    """
    memory, requests = MemoryTable(AmountTable()), count_requests()
    record = memory.get(Decimal("1.50"), b"x", create=True)

    assert record is memory.get(Decimal("1.5"), b"x")
    assert record is memory.get(Decimal("15E-1"), b"x")
    assert memory.get(1, b"x", create=True) is memory.get(Decimal("1.0"), b"x")
    assert {"GetItem": 2} == requests.sent()


def test_keys_of_other_types(db):
    """
    UUIDs, datetimes, Decimals and bytes are keys like any other, through a whole life of a record.
    """
    event_id, at = uuid.uuid4(), datetime(2026, 11, 20, 12, 30, tzinfo=UTC)
    for table, key in ((EventTable(), (event_id, at)), (AmountTable(), (Decimal("0.10"), b"\x00\xff"))):
        memory = MemoryTable(table)
        with pytest.raises(ItemNotFound):
            memory.get(*key)
        memory.get(*key, create=True).note = "made"
        assert [key] == memory.dirty_keys()
        memory.save_data_batch()
        assert "made" == table.get(*key).note

        memory.delete(*key)
        assert [key] == memory.dirty_keys()
        memory.save_data_batch()
        assert table.find(*key) is None
        assert memory.find(*key) is None


@pytest.mark.parametrize("empty", ["", None, b""])
def test_empty_keys_are_not_found(db, empty, count_requests):
    """
    No item has an empty key; it costs no request, and its Null object is not cached.
    """
    memory, requests = MemoryTable(StoreTable()), count_requests()

    with pytest.raises(ItemNotFound):
        memory.get(empty)
    with pytest.raises(ItemNotFound):
        memory.delete(empty)
    memory.prefetch([empty])
    assert memory.find(empty) is None
    assert not memory.has_item(empty)
    assert Store().city == memory.get(empty, create=True).city
    assert [] == memory.get_data()
    assert {} == requests.sent()


def test_half_keys(db, count_requests):
    """
    Half a key, or one too many, is InvalidKeysException before any request.
    """
    visits, stores, requests = MemoryTable(VisitTable()), MemoryTable(StoreTable()), count_requests()

    for call in (visits.get, visits.find, visits.delete, visits.has_item):
        with pytest.raises(InvalidKeysException, match="the range key has no value"):
            call("s1")
    with pytest.raises(InvalidKeysException, match="the table has a hash key only"):
        stores.get("s1", 5)
    with pytest.raises(InvalidKeysException, match="the key is a pair"):
        visits.prefetch(["s1"])
    assert {} == requests.sent()


# --- the Null object ----------------------------------------------------------------------------


def test_null_object_is_made_once(db, kind, count_requests):
    """
    create=True gives a new record with its keys, and the same one the next time.
    """
    memory, requests = MemoryTable(kind.StoreTable()), count_requests()
    record = memory.get("s1", create=True)

    assert kind.Store(store_id="s1") == record
    assert record is memory.get("s1", create=True)
    assert record is memory.get("s1")
    assert {"GetItem": 1} == requests.sent()


def test_untouched_null_object_is_not_written(db, kind, count_requests):
    """
    A Null object that nobody changed or saved leaves nothing behind.
    """
    table = kind.StoreTable()
    memory, requests = MemoryTable(table), count_requests()
    memory.get("s1", create=True)

    assert [] == memory.dirty_keys()
    report = memory.save_data_batch()
    assert (0, 1, 0) == (report.written, report.skipped, report.requests)
    assert {"GetItem": 1} == requests.sent()
    assert [] == list(memory.scan())


def test_changed_null_object_is_written(db):
    """
    A Null object that was changed is written, also when only a list in it was.
    """
    table = StoreTable()
    memory = MemoryTable(table)
    memory.get("s1", create=True).city = "Oslo"
    memory.get("s2", create=True).tags.append("new")

    report = memory.save_data_batch()

    assert 2 == report.puts
    assert ("Oslo", ["new"]) == (table.get("s1").city, table.get("s2").tags)


@pytest.mark.parametrize("flush", ["save_data", "save_data_batch"])
def test_saved_null_object_is_written(db, kind, flush):
    """
    A Null object that was saved is written even if it has nothing but its key.
    """
    table = kind.StoreTable()
    memory = MemoryTable(table)
    memory.save(memory.get("s1", create=True))

    assert ["s1"] == memory.dirty_keys()
    getattr(memory, flush)()
    assert kind.Store(store_id="s1") == table.get("s1")
    assert [] == memory.dirty_keys()


# --- reading ahead, or not at all -----------------------------------------------------------------


def test_prefetch_reads_100_at_once(db, kind, count_requests):
    """
    250 keys take 3 requests; then nothing is read any more, whether it exists or not.
    """
    table = kind.StoreTable()
    table.save_many([kind.Store(store_id=f"s{n}", visits=n) for n in range(0, 250, 2)])
    memory, requests = MemoryTable(table), count_requests()
    keys = [f"s{n}" for n in range(250)]

    memory.prefetch([*keys, *keys[:10], ""])

    assert {"BatchGetItem": 3} == requests.sent()
    assert 3 == memory.db_reads
    assert list(range(0, 250, 2)) == [memory.get(key).visits for key in keys[::2]]
    assert all(memory.find(key) is None for key in keys[1::2])
    assert {"BatchGetItem": 3} == requests.sent()


def test_prefetch_leaves_what_is_cached(db, count_requests):
    """
    Cached records, changed, new and deleted ones, stay as they are, and are not read again.
    """
    table = StoreTable()
    table.save_many([Store(store_id=f"s{n}", city="Oslo") for n in range(4)])
    memory = MemoryTable(table)
    changed = memory.get("s0")
    changed.city = "Bergen"
    memory.delete("s1")
    new = memory.save(Store(store_id="new"))
    assert memory.find("absent") is None
    requests = count_requests()

    memory.prefetch(["s0", "s1", "s2", "s3", "new", "absent"])

    assert {"BatchGetItem": 1} == requests.sent()
    assert changed is memory.get("s0")
    assert "Bergen" == changed.city
    assert memory.find("s1") is None
    assert new is memory.get("new")
    memory.prefetch(["s0", "s1", "s2", "s3", "new", "absent"])
    assert {"BatchGetItem": 1} == requests.sent()


def test_prefetch_shows_its_progress(db):
    """
    The progress counts every key that was read, also those that are absent.
    """
    table = StoreTable()
    table.save_many([Store(store_id=f"s{n}") for n in range(120)])
    counted = []

    class Bar:
        def update(self, n=1):
            counted.append(n)

    MemoryTable(table).prefetch([f"s{n}" for n in range(130)], progress=Bar())

    assert 130 == sum(counted)


def test_prefetch_of_an_unreadable_item(db, count_requests):
    """
    One item that does not fit its class is an error that names it, and not absent; the others are cached.
    """
    table = StoreTable()
    table.save_many([Store(store_id=f"s{n}") for n in range(3)])
    table.table.put_item(Item={"store_id": "bad", "city": 5})
    memory = MemoryTable(table)

    with pytest.raises(DecodeError, match="Store 'bad'"):
        memory.prefetch(["s0", "bad", "s1", "s2"])
    with pytest.raises(DecodeError, match="Store 'bad'"):
        memory.get("bad", create=True)

    requests = count_requests()
    assert 3 == len([memory.get(f"s{n}") for n in range(3)])
    assert {} == requests.sent()


def test_without_loading_everything_is_new(db, kind, count_requests):
    """
    set_load_from_db(False): nothing is read, get makes new records, and they are written when changed.
    """
    table = kind.StoreTable()
    table.save(kind.Store(store_id="s1", city="Oslo"))
    memory, requests = MemoryTable(table), count_requests()
    memory.set_load_from_db(False)

    record = memory.get("s1")
    memory.prefetch(["s2"])

    assert kind.Store(store_id="s1") == record
    assert record is memory.get("s1")
    with pytest.raises(ItemNotFound):
        memory.delete("s2")
    assert {} == requests.sent()
    memory.save(kind.changed(record, city="Bergen"))
    memory.save_data_batch()
    assert "Bergen" == table.get("s1").city


def test_absence_is_not_assumed_without_loading(db):
    """
    What was not found while nothing was read is read when reading is on again.
    """
    table = StoreTable()
    table.save(Store(store_id="s1", city="Oslo"))
    memory = MemoryTable(table)
    memory.set_load_from_db(False)
    with pytest.raises(ItemNotFound):
        memory.delete("s1")
    memory.set_load_from_db(True)

    assert "Oslo" == memory.get("s1").city


# --- what is cached -------------------------------------------------------------------------------


def test_has_item_and_get_data(db, kind, count_requests):
    """
    has_item and get_data tell of records that are cached: not of absent and not of deleted ones.
    """
    table = kind.StoreTable()
    table.save_many([kind.Store(store_id="s1"), kind.Store(store_id="s2"), kind.Store(store_id="s3")])
    memory = MemoryTable(table)
    s1 = memory.get("s1")
    new = memory.save(kind.Store(store_id="new"))
    assert memory.find("absent") is None
    memory.delete("s2")
    requests = count_requests()

    assert [s1, new] == memory.get_data()
    names = ("s1", "s2", "s3", "new", "absent")
    assert [True, False, False, True, False] == [memory.has_item(name) for name in names]
    assert {} == requests.sent()


def test_reset_forgets_everything(db, count_requests):
    """
    After reset nothing is cached or dirty, the counters are at 0, and everything is read anew.
    """
    table = StoreTable()
    table.save(Store(store_id="s1", city="Oslo"))
    memory = MemoryTable(table)
    memory.get("s1").city = "Bergen"
    memory.save(Store(store_id="new"))

    memory.reset()

    assert ([], [], 0, 0) == (memory.get_data(), memory.dirty_keys(), memory.hits, memory.db_reads)
    assert 0 == memory.save_data_batch().written
    assert "Oslo" == memory.get("s1").city
    assert memory.find("new") is None


def test_times_are_added_up(db):
    """
    The dict gets the seconds of reads, of hits, of making Null objects, and of all together.
    """
    memory = MemoryTable(StoreTable())
    times: dict[str, float] = {}

    memory.get("s1", create=True, times=times)
    assert {"mem_get_from_db", "mem_create_record", "mem_total"} == times.keys()
    before = dict(times)
    memory.get("s1", times=times)
    with pytest.raises(ItemNotFound):
        memory.get("s2", times=times)

    assert {"mem_get_from_db", "mem_get_item", "mem_create_record", "mem_total"} == times.keys()
    assert all(seconds > 0 for seconds in times.values())
    assert times["mem_total"] > before["mem_total"] + times["mem_get_item"]
    assert before["mem_create_record"] == times["mem_create_record"]
    assert (2, 1) == (memory.db_reads, memory.hits)


def test_db_table(db):
    """
    The table below is there for what MemoryTable does not do.
    """
    table = StoreTable()
    memory = MemoryTable(table)

    assert table is memory.db_table
    assert table is memory.get_db_table()
    assert "MemoryTable(StoreTable('store'), 0 cached)" == repr(memory)


def test_subclass_as_in_the_readme(db):
    """
    A MemoryTable may be a class of its own, which knows its table.
    """

    class StoreMemoryTable(MemoryTable[Store]):
        def __init__(self):
            super().__init__(StoreTable())

    memory = StoreMemoryTable()
    memory.get("s1", create=True).city = "Oslo"
    memory.save_data_batch()

    assert "Oslo" == StoreMemoryTable().get("s1").city


@pytest.mark.parametrize("wrong", [StoreTable, "store", None])
def test_it_takes_a_table(db, wrong):
    """
    Anything but a table, the class of one too, is refused with a clear word.
    """
    with pytest.raises(DynamoException, match="MemoryTable takes a table"):
        MemoryTable(wrong)


@pytest.mark.parametrize("wrong", [0, -1, True, 1.5, "10"])
def test_maxsize_is_a_whole_number(db, wrong):
    """
    maxsize counts records, from 1.
    """
    with pytest.raises(DynamoException, match="maxsize is a whole number from 1"):
        MemoryTable(StoreTable(), maxsize=wrong)


def test_visits_by_pair(db, count_requests):
    """
    Records of a table with a range key are cached by the pair.
    """
    table = VisitTable()
    table.save_many([Visit(store_id="s1", number=n, guest=f"g{n}") for n in range(3)])
    memory, requests = MemoryTable(table), count_requests()

    memory.prefetch([("s1", 0), ("s1", 1)])
    assert ["g0", "g1", "g2"] == [memory.get("s1", n).guest for n in range(3)]
    assert {"BatchGetItem": 1, "GetItem": 1} == requests.sent()


class Ticket(DynamoRecord):
    """A record that cannot be made of its key alone."""

    ticket_id: str
    amount: Decimal


class TicketTable(DynamoTable[Ticket]):
    """Tickets by id."""

    table_name = "ticket"
    schema = [HashKey("ticket_id")]


def test_create_needs_defaults(db, count_requests):
    """
    A class that needs more than its keys has no Null object: a clear error, cached or not, loading or not.
    """
    table = TicketTable()
    table.save(Ticket(ticket_id="t1", amount=Decimal(1)))
    memory = MemoryTable(table)
    requests = count_requests()

    for _ in range(2):
        with pytest.raises(DynamoSchemaException, match="amount must be given"):
            memory.get("t2", create=True)
    assert {} == requests.sent()
    assert Decimal(1) == memory.get("t1").amount
    memory.set_load_from_db(False)
    assert Decimal(1) == memory.get("t1").amount
    with pytest.raises(DynamoSchemaException, match="amount must be given"):
        memory.get("t2")
    assert [] == memory.dirty_keys()
