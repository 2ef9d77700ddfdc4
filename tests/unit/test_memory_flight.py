"""MemoryTable: what happens to records while their flush, or their reading, is under way."""

from __future__ import annotations

import json

import pytest

from dynamo_objects.errors import OutcomeUnknown, TransportError
from tests.behaviour.tables import FROZEN, MUTABLE, Store
from tests.dictservice import error_reply
from tests.memoryservice import MemoryService, memory_table

both_ways = pytest.mark.parametrize("flush", ["save_data", "save_data_batch"])
kinds = pytest.mark.parametrize("kind", [MUTABLE, FROZEN], ids=["mutable", "frozen"])

WRITES = ("PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem")


def in_flight(service, act, *, after=True):
    """Have *act* called once, while the next write is under way: after the service did it, or before."""

    def step(operation, request):
        if operation not in WRITES:
            return None
        service.step = None
        if not after:
            act()
            return None
        reply = super(MemoryService, service).send(operation, json.dumps(request).encode(), 1.0)
        act()
        return reply

    service.step = step


def account(kind, *, stored=True):
    """Return a service and a MemoryTable of accounts, with or without one stored as a1."""
    service = MemoryService()
    memory = memory_table(kind.AccountTable, service)
    if stored:
        memory.save(kind.Account(account_id="a1", balance=1))
        memory.save_data_batch()
        memory.reset()
    return service, memory


def store(kind=MUTABLE, *, stored=True, **arguments):
    """Return a service and a MemoryTable of stores, with or without one stored as s1."""
    service = MemoryService()
    memory = memory_table(kind.StoreTable, service, **arguments)
    if stored:
        service.write({"store_id": {"S": "s1"}, "visits": {"N": "1"}, "other": {"S": "kept"}})
    return service, memory


# --- changes ------------------------------------------------------------------------------------------


@both_ways
@pytest.mark.parametrize("after", [True, False])
@pytest.mark.parametrize("stored", [True, False])
def test_changes_in_flight_are_not_lost(flush, after, stored):
    """
    A change made while the record is being written keeps it dirty, and the next flush writes it.
    """
    service, memory = store(stored=stored)
    record = memory.get("s1", create=True)
    record.visits, record.tags = 2, ["a"]

    def change():
        record.visits = 3
        record.tags.append("b")

    in_flight(service, change, after=after)
    getattr(memory, flush)()

    assert ["s1"] == memory.dirty_keys()
    assert record is memory.get("s1")
    report = getattr(memory, flush)()
    assert (1, []) == (report.written, report.failed)
    assert [] == memory.dirty_keys()
    (item,) = service.items
    assert ({"N": "3"}, {"L": [{"S": "a"}, {"S": "b"}]}) == (item["visits"], item["tags"])


@both_ways
def test_change_back_in_flight(flush):
    """
    A record that is made what it was, while something else is being written, is dirty: the table has the other.
    """
    service, memory = store()
    record = memory.get("s1")
    record.visits = 2
    in_flight(service, lambda: setattr(record, "visits", 1))
    getattr(memory, flush)()

    assert ["s1"] == memory.dirty_keys()
    getattr(memory, flush)()
    assert {"N": "1"} == service.items[0]["visits"]


@both_ways
@kinds
def test_copies_saved_in_flight(kind, flush):
    """
    A copy that takes the record's place while it is being written is written next, as a change of what was.
    """
    service, memory = store(kind)
    memory.save(memory.get("s1").evolve(visits=2))
    in_flight(service, lambda: memory.save(memory.get("s1").evolve(city="Oslo", visits=1)))
    getattr(memory, flush)()

    assert ["s1"] == memory.dirty_keys()
    assert 1 == getattr(memory, flush)().written
    (item,) = service.items
    assert ({"N": "1"}, {"S": "Oslo"}, {"S": "kept"}) == (item["visits"], item["city"], item["other"])


@both_ways
@kinds
def test_versions_of_copies_saved_in_flight(kind, flush):
    """
    The same for records with a version: it goes on, and nothing conflicts.
    """
    service, memory = account(kind)
    memory.save(memory.get("a1").evolve(balance=2))
    in_flight(service, lambda: memory.save(memory.get("a1").evolve(owner="ann")))
    getattr(memory, flush)()

    report = getattr(memory, flush)()

    assert (1, []) == (report.written, report.failed)
    assert "ann" == memory.get("a1").owner
    (item,) = service.items
    assert ({"N": "3"}, {"N": "2"}, {"S": "ann"}) == (item["version"], item["balance"], item["owner"])
    assert [] == memory.dirty_keys()


@both_ways
@kinds
def test_new_instance_saved_in_flight(kind, flush):
    """
    A new instance that is saved while another new one is being written replaces it with the next flush.
    """
    service, memory = store(kind, stored=False)
    memory.save(kind.Store(store_id="s1", visits=1, city="Oslo"))
    in_flight(service, lambda: memory.save(kind.Store(store_id="s1", visits=2)))
    getattr(memory, flush)()

    assert ["s1"] == memory.dirty_keys()
    report = getattr(memory, flush)()
    assert (1, []) == (report.written, report.failed)
    assert [{"store_id": {"S": "s1"}, "visits": {"N": "2"}}] == service.items


@both_ways
@kinds
@pytest.mark.parametrize("is_deleted", [True, False])
def test_versions_of_new_instances_saved_in_flight(kind, flush, is_deleted):
    """
    A new instance, saved while another one is being written, goes on with the version of that one.
    """
    service, memory = account(kind, stored=False)
    memory.save(kind.Account(account_id="a1", balance=1))

    def act():
        if is_deleted:
            memory.delete("a1")
        memory.save(kind.Account(account_id="a1", balance=2))

    in_flight(service, act)
    getattr(memory, flush)()

    report = getattr(memory, flush)()
    assert (1, []) == (report.puts, report.failed)
    (item,) = service.items
    assert ({"N": "2"}, {"N": "2"}) == (item["version"], item["balance"])
    assert 2 == memory.get("a1").version
    assert [] == memory.dirty_keys()


@both_ways
@kinds
def test_versions_of_null_objects_made_in_flight(kind, flush):
    """
    So does a Null object that is made, after a deletion, while the record is being written: it stays untouched.
    """
    service, memory = account(kind, stored=False)
    memory.save(kind.Account(account_id="a1", balance=1))

    def act():
        memory.delete("a1")
        memory.get("a1", create=True)

    in_flight(service, act)
    getattr(memory, flush)()

    memory.save(memory.get("a1").evolve(balance=5))
    assert 1 == getattr(memory, flush)().puts
    assert {"N": "2"} == service.items[0]["version"]
    memory.delete("a1")
    assert 0 == memory.get("a1", create=True).balance
    assert 1 == getattr(memory, flush)().deletes


# --- deletions ----------------------------------------------------------------------------------------


@both_ways
@pytest.mark.parametrize("stored", [True, False])
@pytest.mark.parametrize("after", [True, False])
@kinds
def test_deletion_in_flight(kind, flush, stored, after):
    """
    A record that is deleted while it is being written is deleted by the next flush, and stays deleted.
    """
    service, memory = store(kind, stored=stored)
    memory.save(memory.get("s1", create=True).evolve(visits=2))
    in_flight(service, lambda: memory.delete("s1"), after=after)
    getattr(memory, flush)()

    assert memory.find("s1") is None
    assert ["s1"] == memory.dirty_keys()
    report = getattr(memory, flush)()
    assert (1, []) == (report.deletes, report.failed)
    assert [] == service.items
    assert [] == memory.dirty_keys()


@both_ways
def test_deletion_in_flight_of_a_write_that_may_have_happened(flush):
    """
    The same when the reply to the write was lost.
    """
    service, memory = store(stored=False)
    memory.get("s1", create=True).visits = 2

    def step(operation, request):
        if operation in WRITES:
            super(MemoryService, service).send(operation, json.dumps(request).encode(), 1.0)
            if memory.has_item("s1"):
                memory.delete("s1")
            raise TransportError("reset", sent=True)

    service.step = step
    (failure,) = getattr(memory, flush)(ignore_errors=True).failed
    service.step = None

    assert isinstance(failure.reason, OutcomeUnknown)
    assert ["s1"] == memory.dirty_keys()
    assert memory.find("s1") is None
    assert 1 == getattr(memory, flush)().deletes
    assert [] == service.items


@both_ways
@kinds
def test_deleted_and_made_anew_in_flight(kind, flush):
    """
    A record that is deleted and made anew while it is being written is replaced, with nothing left of the old one.
    """
    service, memory = store(kind)
    memory.save(memory.get("s1").evolve(visits=2))

    def act():
        memory.delete("s1")
        memory.save(kind.Store(store_id="s1", city="Oslo"))

    in_flight(service, act)
    getattr(memory, flush)()

    assert ["s1"] == memory.dirty_keys()
    report = getattr(memory, flush)()
    assert (1, []) == (report.puts, report.failed)
    expected = {"store_id": {"S": "s1"}, "city": {"S": "Oslo"}, "visits": {"N": "0"}}
    assert [expected] == service.items


@both_ways
@kinds
def test_null_object_made_in_flight(kind, flush):
    """
    A record that is deleted while it is being written stays so, even if a Null object is made for it.
    """
    service, memory = store(kind, stored=False)
    memory.save(memory.get("s1", create=True).evolve(visits=2))

    def act():
        memory.delete("s1")
        memory.get("s1", create=True)

    in_flight(service, act)
    getattr(memory, flush)()

    assert ["s1"] == memory.dirty_keys()
    assert 1 == getattr(memory, flush)().deletes
    assert [] == service.items


@both_ways
@kinds
def test_saved_again_while_it_is_deleted(kind, flush):
    """
    A record that is saved again while its deletion is under way is written by the next flush.
    """
    service, memory = store(kind)
    copied = memory.get("s1").evolve()
    deleted = memory.delete("s1")
    for record in (copied, deleted):
        in_flight(service, lambda record=record: memory.save(record))
        getattr(memory, flush)()

        assert record is memory.get("s1")
        assert ["s1"] == memory.dirty_keys()
        report = getattr(memory, flush)()
        assert (1, []) == (report.puts, report.failed)
        assert {"N": "1"} == service.items[0]["visits"]
        memory.delete("s1")


@both_ways
def test_reset_in_flight(flush):
    """
    After a reset in the middle of a flush nothing of it comes back.
    """
    service, memory = store()
    memory.get("s1").visits = 2
    in_flight(service, memory.reset)

    assert 1 == getattr(memory, flush)().written

    assert [] == memory.get_data()
    assert 2 == memory.get("s1").visits


# --- behind its back ----------------------------------------------------------------------------------


def saved_directly(memory, record):
    """Change a cached record, and save it by the table itself."""
    record.visits += 1
    memory.db_table.save(record)
    assert [] == memory.dirty_keys()


@both_ways
def test_cached_records_may_be_saved_by_the_table(flush):
    """
    A cached record that was saved by the table itself is clean, and goes on from there.
    """
    service, memory = store()
    record = memory.get("s1")
    saved_directly(memory, record)
    record.city = "Oslo"
    assert 1 == getattr(memory, flush)().written
    saved_directly(memory, record)

    memory.delete("s1")
    report = getattr(memory, flush)()

    assert (1, []) == (report.deletes, report.failed)
    assert [] == service.items


@both_ways
def test_new_instance_for_a_record_that_the_table_has_saved(flush):
    """
    A new instance in the place of such a record is a change of what is stored by now.
    """
    service, memory = store()
    saved_directly(memory, memory.get("s1"))
    memory.save(Store(store_id="s1", visits=9))

    report = getattr(memory, flush)()

    assert (1, []) == (report.written, report.failed)
    assert ({"N": "9"}, {"S": "kept"}) == (service.items[0]["visits"], service.items[0]["other"])


@both_ways
def test_new_instance_after_a_deletion_was_undone(flush):
    """
    A deletion that is undone by saving a copy is forgotten: what comes later is a change again.
    """
    service, memory = store()
    copied = memory.get("s1").evolve()
    memory.delete("s1")
    memory.save(copied)
    assert [] == memory.dirty_keys()
    memory.save(Store(store_id="s1", visits=9))

    getattr(memory, flush)()

    assert ({"N": "9"}, {"S": "kept"}) == (service.items[0]["visits"], service.items[0]["other"])


def test_deleted_records_are_new():
    """
    What delete returns is a new record, also for the table itself.
    """
    service, memory = store()
    record = memory.delete("s1")
    memory.save_data()

    memory.db_table.save(record)

    assert [{"store_id": {"S": "s1"}, "visits": {"N": "1"}}] == service.items


# --- failures -----------------------------------------------------------------------------------------


@both_ways
def test_copy_saved_while_a_write_fails(flush):
    """
    When the write of a record fails that another one has replaced meanwhile, the other one is dirty.
    """
    service, memory = store()
    memory.get("s1").visits = 2

    def step(operation, request):
        if operation not in WRITES:
            return None
        service.step = None
        memory.save(memory.get("s1").evolve(city="Oslo"))
        return error_reply("ValidationException")

    service.step = step
    (failure,) = getattr(memory, flush)(ignore_errors=True).failed

    assert "s1" == failure.key
    assert ["s1"] == memory.dirty_keys()
    assert 1 == getattr(memory, flush)().written
    assert ({"N": "2"}, {"S": "Oslo"}) == (service.items[0]["visits"], service.items[0]["city"])


# --- reads --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("read", ["get", "prefetch", "query", "index"])
def test_saved_while_it_is_read(read):
    """
    A record that is saved while its key is being read is the one that counts.
    """
    service, memory = store()
    service.write({"store_id": {"S": "s1"}, "visits": {"N": "1"}, "company_id": {"S": "c"}})
    mine = Store(store_id="s1", company_id="c", visits=5)
    calls = {
        "get": lambda: memory.get("s1"),
        "prefetch": lambda: memory.prefetch(["s1"]),
        "query": lambda: memory.scan()(),
        "index": lambda: memory.query("c", index="ByCompany")(),
    }

    def step(operation, request):
        service.step = None
        reply = super(MemoryService, service).send(operation, json.dumps(request).encode(), 1.0)
        memory.save(mine)
        return reply

    service.step = step
    calls[read]()

    assert mine is memory.get("s1")
    assert ["s1"] == memory.dirty_keys()
    memory.save_data_batch()
    assert {"N": "5"} == service.items[0]["visits"]


@pytest.mark.parametrize("read", ["get", "prefetch"])
def test_saved_flushed_and_dropped_while_it_is_read(read):
    """
    A read that was overtaken by a save, its flush and its eviction is made again: it may be old.
    """
    service, memory = store(maxsize=1)

    def step(operation, request):
        service.step = None
        reply = super(MemoryService, service).send(operation, json.dumps(request).encode(), 1.0)
        memory.save(Store(store_id="s1", visits=5))
        memory.save_data_batch()
        memory.find("another")
        assert not memory.has_item("s1")
        return reply

    service.step = step
    if read == "get":
        record = memory.get("s1")
    else:
        memory.prefetch(["s1"])
        record = memory.get("s1")

    assert 5 == record.visits
    record.visits = 6
    assert [] == memory.save_data().failed
    assert {"N": "6"} == service.items[0]["visits"]


def overtaken(service, act):
    """Have *act* called once, between the service's answer to a scan and its arrival."""

    def step(operation, request):
        if operation != "Scan":
            return None
        service.step = None
        reply = super(MemoryService, service).send(operation, json.dumps(request).encode(), 1.0)
        act()
        return reply

    service.step = step


@pytest.mark.parametrize("segments", [1, 3])
@pytest.mark.parametrize("maxsize", [None, 1])
def test_page_that_a_deletion_has_overtaken(segments, maxsize):
    """
    A record that was deleted, and flushed, while a page with it was on its way does not come back.
    """
    service, memory = store(maxsize=maxsize)

    def act():
        memory.delete("s1")
        memory.save_data_batch()
        memory.find("another")

    overtaken(service, act)

    assert [] == memory.scan(segments=segments)()
    assert memory.find("s1") is None
    assert [] == memory.dirty_keys()


@pytest.mark.parametrize("maxsize", [None, 1])
def test_page_that_a_flush_has_overtaken(maxsize):
    """
    A record that was changed, flushed and dropped while a page with it was on its way is not taken from that page.
    """
    service, memory = store(maxsize=maxsize)

    def act():
        memory.get("s1").visits = 5
        memory.save_data_batch()
        memory.find("another")

    overtaken(service, act)
    (record,) = memory.scan()

    assert 5 == record.visits
    record.city = "Oslo"
    assert [] == memory.save_data().failed
    assert {"N": "5"} == service.items[0]["visits"]


def test_what_others_make_anew_after_a_deletion():
    """
    After our own deletion, what others store under the key is not seen before a reset: get and queries agree.
    """
    service, memory = store()
    memory.delete("s1")
    memory.save_data_batch()
    service.write({"store_id": {"S": "s1"}, "visits": {"N": "9"}})

    assert memory.find("s1") is None
    assert [] == memory.scan()()
    memory.reset()
    assert 9 == memory.get("s1").visits
