"""MemoryTable: what it believes and keeps when the service fails."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from dynamo_objects import (
    BatchFailed,
    ConflictError,
    DynamoException,
    DynamoRecord,
    DynamoTable,
    HashKey,
    ItemNotFound,
    OutcomeUnknown,
    ThrottledError,
    field,
)
from dynamo_objects.connection.transport import Reply
from dynamo_objects.errors import AccessRefused, InvalidRequest, TableNotFound, TransportError
from tests.behaviour.tables import FROZEN, MUTABLE, Store, StoreTable, VisitTable
from tests.dictservice import POISON, error_reply, good_reply
from tests.faults import HTML
from tests.memoryservice import MemoryService, keys_in, memory_table, unprocessed

both_ways = pytest.mark.parametrize("flush", ["save_data", "save_data_batch"])

kinds = pytest.mark.parametrize("kind", [MUTABLE, FROZEN], ids=["mutable", "frozen"])

THROTTLED = error_reply("ProvisionedThroughputExceededException")
BROKEN = error_reply("InternalServerError", status=500)


def lost(operation, request):
    """Lose the connection before a reply came."""
    raise TransportError("connection reset", sent=True)


def refused(operation, request):
    """Have no connection at all."""
    raise TransportError("connection refused", sent=False)


def answering(reply):
    """Return a step that always answers the same."""
    return lambda operation, request: reply


def applied(service, reply):
    """Return a step that carries requests out, and answers something else."""

    def step(operation, request):
        super(MemoryService, service).send(operation, json.dumps(request).encode(), 1.0)
        if isinstance(reply, Reply):
            return reply
        raise TransportError("read timeout", sent=True)

    return step


def stores(count, **fields):
    """Return a service with some stores, and a MemoryTable over it."""
    service = MemoryService()
    memory = memory_table(StoreTable, service)
    item = {"visits": {"N": "1"}, **fields}
    service.write(*({"store_id": {"S": f"s{n}"}, **item} for n in range(count)))
    service.forget()
    return service, memory


def visits(service):
    """Return key -> visits of what is stored."""
    return {item["store_id"]["S"]: int(item["visits"]["N"]) for item in service.items}


# --- reading ----------------------------------------------------------------------------------------

READ_FAULTS = {
    "throttled": answering(THROTTLED),
    "500": answering(BROKEN),
    "lost": lost,
    "refused": refused,
    "portal": answering(HTML),
    "another service": answering(good_reply({"ok": True})),
    "no rights": answering(error_reply("AccessDeniedException")),
    "no table": answering(error_reply("ResourceNotFoundException")),
    "invalid": answering(error_reply("ValidationException")),
}


@pytest.mark.parametrize("fault", READ_FAULTS)
@pytest.mark.parametrize("read", ["get", "find", "create", "delete", "prefetch", "query", "index"])
def test_failures_are_no_absence(fault, read):
    """
    Whatever goes wrong with a read, it is an error, and the next read asks again: absence needs proof.
    """
    service = MemoryService()
    memory = memory_table(VisitTable, service)
    service.write({"store_id": {"S": "s"}, "number": {"N": "1"}, "guest": {"S": "g"}})
    calls = {
        "get": lambda: memory.get("s", 1),
        "find": lambda: memory.find("s", 1),
        "create": lambda: memory.get("s", 1, create=True),
        "delete": lambda: memory.delete("s", 1),
        "prefetch": lambda: memory.prefetch([("s", 1)]),
        "query": lambda: memory.query("s")(),
        "index": lambda: memory.query("g", index="ByGuest")(),
    }
    service.step = READ_FAULTS[fault]

    with pytest.raises(DynamoException) as caught:
        calls[read]()
    assert not isinstance(caught.value, ItemNotFound)
    assert not memory.has_item("s", 1)
    assert 0 == memory.db_reads
    service.step = None
    assert "g" == memory.get("s", 1).guest


def test_unprocessed_keys_are_asked_again():
    """
    Keys that a batch leaves out as unprocessed are read by the next one, and are not taken for absent.
    """
    service, memory = stores(150)
    first = iter([True, True])

    def step(operation, request):
        return unprocessed(operation, request) if operation == "BatchGetItem" and next(first, False) else None

    service.step = step
    memory.prefetch(f"s{n}" for n in range(200))

    assert 4 == service.operations()["BatchGetItem"]
    assert 150 == len(memory.get_data())
    service.forget()
    assert all(memory.find(f"s{n}") is None for n in range(150, 200))
    assert {} == service.operations()


def test_keys_that_stay_unprocessed():
    """
    When some keys are never processed, prefetch raises; what was answered is cached, the rest is not absent.
    """
    service, memory = stores(150)

    def step(operation, request):
        if operation == "BatchGetItem" and "s149" in keys_in(operation, request, "store_id"):
            return unprocessed(operation, request)
        return None

    service.step = step
    with pytest.raises(ThrottledError):
        memory.prefetch(f"s{n}" for n in range(200))

    cached = len(memory.get_data())
    assert 100 == cached
    service.step = None
    memory.prefetch(f"s{n}" for n in range(200))
    assert 150 == len(memory.get_data())


def test_keys_that_cannot_be_read_leave_nothing_behind():
    """
    A bad key among those to prefetch, or an iterator that raises, reads nothing and blocks nobody.
    """
    service, memory = stores(3)

    def keys():
        yield "s0"
        raise ZeroDivisionError

    with pytest.raises(DynamoException):
        memory.prefetch(["s0", "s1", 5])
    with pytest.raises(ZeroDivisionError):
        memory.prefetch(keys())

    assert {} == service.operations()
    assert [1, 1] == [memory.get("s0").visits, memory.get("s1").visits]


# --- batches ----------------------------------------------------------------------------------------


@kinds
def test_unprocessed_writes_are_sent_again(kind):
    """
    Writes that a batch leaves unprocessed are sent again until they are done; each counts once.
    """
    service = MemoryService()
    memory = memory_table(kind.StoreTable, service)
    for n in range(30):
        memory.save(kind.Store(store_id=f"s{n}", visits=n))
    service.forget()
    turns = Counter()

    def step(operation, request):
        ((table, writes),) = request["RequestItems"].items()
        turns[operation] += 1
        if turns[operation] > 2:
            return None
        done = {"RequestItems": {table: writes[::2]}}
        assert 200 == super(MemoryService, service).send(operation, json.dumps(done).encode(), 1.0).status
        return good_reply({"UnprocessedItems": {table: writes[1::2]}})

    service.step = step
    report = memory.save_data_batch()

    assert (30, 0, 4) == (report.puts, len(report.failed), report.requests)
    assert {f"s{n}": n for n in range(30)} == visits(service)
    assert [] == memory.dirty_keys()


@kinds
def test_writes_that_stay_unprocessed(kind):
    """
    What is never processed stays dirty and is named; all else is written, and clean.
    """
    service = MemoryService()
    memory = memory_table(kind.StoreTable, service)
    for n in range(60):
        memory.save(kind.Store(store_id=f"s{n:02}", visits=n))
    bad = {"s03", "s41"}

    def step(operation, request):
        ((table, writes),) = request["RequestItems"].items()
        left = [w for w in writes if w["PutRequest"]["Item"]["store_id"]["S"] in bad]
        done = [w for w in writes if w not in left]
        if done:
            body = json.dumps({"RequestItems": {table: done}}).encode()
            assert 200 == super(MemoryService, service).send(operation, body, 1.0).status
        return good_reply({"UnprocessedItems": {table: left} if left else {}})

    service.step = step
    with pytest.raises(BatchFailed) as caught:
        memory.save_data_batch()

    report = caught.value.report
    assert bad == {failure.key for failure in report.failed} == set(memory.dirty_keys())
    assert all(isinstance(failure.reason, ThrottledError) for failure in report.failed)
    assert {failure.record.store_id for failure in report.failed} == bad
    assert (58, 58) == (report.puts, len(service.items))
    service.step = None
    assert 2 == memory.save_data_batch().puts
    assert 60 == len(service.items)


def test_one_bad_record_of_a_batch():
    """
    A record that the service refuses is found by halving its batch; the other 24 are written.
    """

    class Free(DynamoRecord, schemaless=True):
        store_id: str = ""

    class FreeTable(DynamoTable[Free]):
        table_name = "store"
        schema = [HashKey("store_id")]

    service = MemoryService()
    memory = memory_table(FreeTable, service)
    for n in range(25):
        memory.save(Free(store_id=f"s{n}", **({POISON: 1} if n == 13 else {})))

    with pytest.raises(BatchFailed, match="'s13': ValidationException") as caught:
        memory.save_data_batch()

    (failure,) = caught.value.report.failed
    assert isinstance(failure.reason, InvalidRequest)
    assert 24 == len(service.items) == caught.value.report.puts
    assert ["s13"] == memory.dirty_keys()


def test_batches_fit_into_16_megabytes():
    """
    Batches are cut by their bytes on the wire as well as by 25 records.
    """
    service, memory = stores(0)
    for n in range(30):
        memory.save(Store(store_id=f"s{n}", city="\x01" * 390_000))

    report = memory.save_data_batch()

    assert 30 == report.puts == len(service.items)
    assert 5 == report.requests
    assert {"BatchWriteItem": 5} == service.operations()


@pytest.mark.parametrize("parallel", [1, 8])
def test_large_records_after_a_batch_that_failed(parallel):
    """
    Of 25 records that take several requests, those after a request that failed for good are still written.
    """
    service = MemoryService()
    memory = memory_table(StoreTable, service, max_parallel=parallel)
    for n in range(21):
        memory.save(Store(store_id=f"s{n:02}", city="\x01" * 390_000))

    def step(operation, request):
        return BROKEN if "s00" in keys_in(operation, request, "store_id") else None

    service.step = step
    report = memory.save_data_batch(ignore_errors=True)

    bad = {f"s{n:02}" for n in range(7)}
    assert bad == {failure.key for failure in report.failed} == set(memory.dirty_keys())
    assert 14 == report.puts == len(service.items)


def test_batch_that_cannot_even_be_sent():
    """
    Without credentials, say, each record is named once.
    """
    service, memory = stores(0)
    for n in range(60):
        memory.save(Store(store_id=f"s{n}"))

    def step(operation, request):
        raise TransportError("no credentials", sent=False, can_retry=False)

    service.step = step
    report = memory.save_data_batch(ignore_errors=True)

    assert 60 == len(report.failed) == len({failure.key for failure in report.failed})
    assert all(isinstance(failure.reason, TransportError) for failure in report.failed)


@pytest.mark.parametrize("parallel", [1, 8])
def test_first_batch_good_second_bad(parallel):
    """
    When a batch fails for good in the middle, what was acknowledged is clean, the rest dirty, and all of it named.
    """
    service = MemoryService()
    memory = memory_table(StoreTable, service, max_parallel=parallel)
    for n in range(100):
        memory.save(Store(store_id=f"s{n:02}", visits=n))

    def step(operation, request):
        bad = operation == "BatchWriteItem" and "s25" in keys_in(operation, request, "store_id")
        return BROKEN if bad else None

    service.step = step
    with pytest.raises(BatchFailed, match="flush of store: 25 not written") as caught:
        memory.save_data_batch()

    bad = {f"s{n:02}" for n in range(25, 50)}
    assert bad == {failure.key for failure in caught.value.report.failed} == set(memory.dirty_keys())
    assert all(isinstance(failure.reason, OutcomeUnknown) for failure in caught.value.failures)
    assert 75 == caught.value.report.puts == len(service.items)
    service.step = None
    assert (25, 75) == (memory.save_data_batch().puts, len(visits(service)) - 25)


@both_ways
def test_errors_that_meet_everybody_stop_the_flush(flush):
    """
    Without rights, or without the table, no further requests are made; everything stays dirty and is named.
    """
    for code, error in (
        ("AccessDeniedException", AccessRefused),
        ("ResourceNotFoundException", TableNotFound),
    ):
        service, memory = stores(0)
        for n in range(400):
            memory.save(Store(store_id=f"s{n}"))
        service.forget()
        service.step = answering(error_reply(code))

        report = getattr(memory, flush)(ignore_errors=True)

        assert 400 == len(report.failed) == len(memory.dirty_keys())
        assert all(isinstance(failure.reason, error) for failure in report.failed)
        assert report.requests == sum(service.operations().values()) <= 8


@both_ways
@pytest.mark.parametrize("step", [answering(BROKEN), answering(THROTTLED), lost, refused])
def test_a_service_that_is_down_ends_the_flush(flush, step):
    """
    After several writes in a row were given up no more are begun: a flush does not try for hours.
    """
    service, memory = stores(400)
    memory.prefetch(f"s{n}" for n in range(400))
    for record in memory.get_data():
        record.visits = 2
    service.forget()
    service.step = step

    report = getattr(memory, flush)(ignore_errors=True)

    assert 400 == len(report.failed) == len(memory.dirty_keys())
    assert len({str(request) for _, request in service.sent}) <= 16
    assert {f"s{n}": 1 for n in range(400)} == visits(service)
    service.step = None
    assert 400 == getattr(memory, flush)().written
    assert {f"s{n}": 2 for n in range(400)} == visits(service)


@both_ways
def test_bad_luck_of_some_does_not_stop_the_others(flush):
    """
    Records whose writes fail for good, each for its own reason, stay dirty; everything else is written.
    """

    class Counted(DynamoRecord):
        store_id: str = ""
        visits: int = 0
        version: int = field(default=0, version=True)

    class CountedTable(DynamoTable[Counted]):
        table_name = "counted"
        schema = [HashKey("store_id")]

    service = MemoryService()
    memory = memory_table(CountedTable, service)
    item = {"visits": {"N": "1"}, "version": {"N": "1"}}
    service.write(*({"store_id": {"S": f"s{n}"}, **item} for n in range(40)))
    memory.prefetch(f"s{n}" for n in range(40))
    for record in memory.get_data():
        record.visits = 2
    faults = {"s3": THROTTLED, "s11": BROKEN, "s20": error_reply("ValidationException"), "s30": THROTTLED}

    def step(operation, request):
        (key,) = keys_in(operation, request, "store_id") or [""]
        if key == "s5":
            raise TransportError("reset", sent=True)
        return faults.get(key) if operation == "UpdateItem" else None

    service.step = step
    service.write({"store_id": {"S": "s7"}, "visits": {"N": "1"}, "version": {"N": "9"}})
    report = getattr(memory, flush)(ignore_errors=True)

    reasons = {failure.key: type(failure.reason) for failure in report.failed}
    assert {
        "s3": ThrottledError,
        "s5": OutcomeUnknown,
        "s7": ConflictError,
        "s11": OutcomeUnknown,
        "s20": InvalidRequest,
        "s30": ThrottledError,
    } == reasons
    assert reasons.keys() == set(memory.dirty_keys())
    assert 34 == report.updates
    assert {key: 1 if key in reasons else 2 for key in visits(service)} == visits(service)


# --- lost replies -------------------------------------------------------------------------------------


@pytest.mark.parametrize("reply", [BROKEN, None], ids=["500", "timeout"])
def test_lost_replies_of_batches(reply):
    """
    Batches whose replies were lost stay dirty and are written again: twice is the same as once.
    """
    service, memory = stores(2)
    memory.get("s0").visits = 5
    memory.delete("s1")
    memory.save(Store(store_id="new", visits=7))
    service.step = applied(service, reply)

    report = memory.save_data_batch(ignore_errors=True)

    assert 3 == len(report.failed) == len(memory.dirty_keys())
    assert all(isinstance(failure.reason, OutcomeUnknown) for failure in report.failed)
    service.step = None
    assert (2, 1) == ((again := memory.save_data_batch()).puts, again.deletes)
    assert {"s0": 5, "new": 7} == visits(service)


@pytest.mark.parametrize("reply", [BROKEN, None], ids=["500", "timeout"])
def test_lost_reply_of_a_guarded_deletion(reply):
    """
    A guarded deletion whose reply was lost has happened if the item is gone.
    """
    service, memory = stores(1)
    memory.delete("s0")
    step = applied(service, reply)
    service.step = lambda operation, request: step(operation, request) if operation == "DeleteItem" else None

    report = memory.save_data()

    assert (1, []) == (report.deletes, report.failed)
    assert [] == memory.dirty_keys() == service.items


def test_lost_reply_of_a_guarded_deletion_that_did_not_happen():
    """
    A guarded deletion whose outcome is unknown stays to be done while the item is there.
    """
    service, memory = stores(1)
    memory.delete("s0")
    service.step = lambda operation, request: BROKEN if operation == "DeleteItem" else None

    (failure,) = memory.save_data(ignore_errors=True).failed

    assert isinstance(failure.reason, OutcomeUnknown)
    service.step = None
    assert 1 == memory.save_data().deletes
    assert [] == service.items


def test_deletion_after_an_unknown_put():
    """
    A new record whose put may have happened is deleted in the table when it is deleted here.
    """
    service, memory = stores(0)
    memory.get("s0", create=True).visits = 3
    service.step = applied(service, BROKEN)
    memory.save_data_batch(ignore_errors=True)
    service.step = None
    assert {"s0": 3} == visits(service)

    memory.delete("s0")

    assert ["s0"] == memory.dirty_keys()
    assert 1 == memory.save_data().deletes
    assert [] == service.items


@both_ways
def test_failures_do_not_name_values(flush):
    """
    The error of a flush names keys and reasons, but no values.
    """
    service, memory = stores(1)
    memory.get("s0").city = "very secret"
    service.step = answering(error_reply("ValidationException", "Value 'very secret' at 'city' is bad"))

    with pytest.raises(BatchFailed) as caught:
        getattr(memory, flush)()

    assert "'s0'" in str(caught.value)
    assert "secret" not in str(caught.value)
    assert 1 == visits(service)["s0"]


# --- interruptions ------------------------------------------------------------------------------------


class Interrupting:
    """A progress bar at which the user gives up."""

    def __init__(self, after, error):
        self.left = after
        self.error = error

    def update(self, n=1):
        self.left -= n
        if self.left <= 0:
            raise self.error


@both_ways
@pytest.mark.parametrize("error", [KeyboardInterrupt, ZeroDivisionError])
def test_interrupted_flush(flush, error):
    """
    What was acknowledged before, or while, a flush is interrupted is clean; the rest is dirty and can be flushed.
    """
    service, memory = stores(1000)
    memory.prefetch(f"s{n}" for n in range(1000))
    for record in memory.get_data():
        record.visits = 2

    with pytest.raises(error):
        getattr(memory, flush)(progress=Interrupting(30, error))

    done = {key for key, count in visits(service).items() if count == 2}
    assert 25 <= len(done) < 1000
    assert {f"s{n}" for n in range(1000)} - done == set(memory.dirty_keys())
    assert [] == memory.save_data().failed
    assert {2} == set(visits(service).values())
    assert [] == memory.dirty_keys()


@pytest.mark.parametrize("error", [KeyboardInterrupt, ZeroDivisionError])
def test_interrupted_flush_of_versions(error):
    """
    The same for guarded writes, several at a time: nothing that was done conflicts with itself later.
    """

    class Counted(DynamoRecord):
        store_id: str = ""
        visits: int = 0
        version: int = field(default=0, version=True)

    class CountedTable(DynamoTable[Counted]):
        table_name = "counted"
        schema = [HashKey("store_id")]

    service = MemoryService()
    memory = memory_table(CountedTable, service)
    for n in range(100):
        memory.save(Counted(store_id=f"s{n}", visits=1))
    memory.save_data_batch()
    for record in memory.get_data():
        record.visits = 2

    with pytest.raises(error):
        memory.save_data_batch(progress=Interrupting(10, error))

    done = {key for key, count in visits(service).items() if count == 2}
    assert 10 <= len(done) < 100
    assert {f"s{n}" for n in range(100)} - done == set(memory.dirty_keys())
    assert 100 - len(done) == memory.save_data_batch().updates
    assert {2} == {int(item["version"]["N"]) for item in service.items}
