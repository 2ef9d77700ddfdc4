"""MemoryTable: a flush in one transaction, and flushes of several tables together."""

from __future__ import annotations

import gc
import logging
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from dynamo_objects import (
    BatchFailed,
    ConflictError,
    DynamoDatabase,
    DynamoException,
    DynamoRecord,
    DynamoTable,
    HashKey,
    ItemExists,
    MemoryTable,
    OutcomeUnknown,
    field,
    save_all,
)
from dynamo_objects.errors import TransportError
from dynamo_objects.memorydb.collecting import few_collections
from dynamo_objects.memorydb.flushing import Manner, flush_tables
from tests.behaviour.tables import Store, StoreTable, Visit, VisitTable
from tests.dictservice import error_reply
from tests.memoryservice import MemoryService, connect
from tests.transports import RecordingTransport, VirtualClock, connected

_names = iter(range(1_000_000))


class Account(DynamoRecord):
    """A record with a version."""

    account_id: str = ""
    balance: int = 0
    version: int = field(default=0, version=True)


class AccountTable(DynamoTable[Account]):
    """Accounts."""

    table_name = "account"
    schema = [HashKey("account_id")]


class Engine:
    """The embedded engine behind a transport that notes requests, and loses replies.

    Attributes:
        lose: The numbers of replies that are still to be lost.
    """

    def __init__(self):
        self.database = DynamoDatabase(f"together{next(_names)}").connect(url="memory://")
        database = DynamoDatabase(f"together{next(_names)}")
        self.inner = RecordingTransport(self.database.get_connection().transport)
        self.lose = 0
        self.retries_by_itself = False
        database.connect(transport=self)
        database._state.connection = connected(self, VirtualClock())
        self.db = database

    def send(self, operation, payload, timeout_seconds):
        """Pass a request on."""
        reply = self.inner.send(operation, payload, timeout_seconds)
        if self.lose and operation == "TransactWriteItems":
            self.lose -= 1
            raise TransportError("lost", sent=True)
        return reply

    def close(self):
        """Do nothing."""

    def sent(self, operation):
        """Return what was sent of one operation."""
        return [request.members for request in self.inner.requests if request.operation == operation]

    def tables(self):
        """Return MemoryTables of stores and accounts."""
        return MemoryTable(StoreTable(database=self.db)), MemoryTable(AccountTable(database=self.db))


@pytest.fixture
def engine():
    """Return an engine."""
    return Engine()


# --- one transaction ----------------------------------------------------------------------------------


def test_everything_in_one_transaction(engine):
    """
    New, changed and deleted records go in one transaction; afterwards all are clean.
    """
    stores, _ = engine.tables()
    stores.db_table.save_many(Store(store_id=f"s{n}", visits=1) for n in range(3))
    stores.get("s0").visits = 2
    stores.delete("s1")
    stores.save(Store(store_id="new"))
    times = {}

    report = stores.save_data(atomic=True, times=times)

    assert (1, 1, 1, 1) == (report.puts, report.updates, report.deletes, report.requests)
    (request,) = engine.sent("TransactWriteItems")
    assert 3 == len(request["TransactItems"])
    assert [] == stores.dirty_keys()
    assert 0 == stores.save_data(atomic=True).requests
    assert {"s0": 2, "s2": 1, "new": 0} == {store.store_id: store.visits for store in stores.db_table.scan()}
    assert {"mem_flush_plan", "mem_flush_write", "mem_flush_total"} == set(times)


def test_all_or_nothing(engine):
    """
    One conflict cancels all; each record has its reason, the guilty one first, and everything stays dirty.
    """
    stores, _ = engine.tables()
    stores.db_table.save_many(Store(store_id=f"s{n}", visits=1) for n in range(3))
    for n in range(3):
        stores.get(f"s{n}").visits = 2
    stores.save(Store(store_id="taken"))
    other = StoreTable(database=engine.db)
    other.save(Store(store_id="taken", visits=7))
    other.update("s1", put={"visits": 5})

    with pytest.raises(BatchFailed) as failed:
        stores.save_data(atomic=True)

    report = failed.value.report
    assert 0 == report.written
    assert {"s1": ConflictError, "taken": ItemExists} == {f.key: type(f.reason) for f in report.failed[:2]}
    assert {"s0", "s2"} == {failure.key for failure in report.failed[2:]}
    assert ("visits",) == next(f.reason for f in report.failed if f.key == "s1").fields
    assert {"s0", "s1", "s2", "taken"} == set(stores.dirty_keys())
    assert [1, 5, 1] == [other.get(f"s{n}").visits for n in range(3)]
    assert 4 == stores.save_data(atomic=True, overwrite=True).written


def test_deletion_of_what_is_gone(engine):
    """
    A record that somebody else has deleted meanwhile does not stop the transaction that deletes it; a changed one does.
    """
    stores, _ = engine.tables()
    stores.db_table.save_many(Store(store_id=f"s{n}", visits=1) for n in range(2))
    stores.delete("s0")
    stores.db_table.delete("s0")
    assert 1 == stores.save_data(atomic=True).deletes

    stores.delete("s1")
    stores.db_table.update("s1", put={"visits": 5})
    (failure,) = stores.save_data(atomic=True, ignore_errors=True).failed
    assert isinstance(failure.reason, ConflictError)
    assert 5 == stores.db_table.get("s1").visits


def test_more_than_a_transaction_holds(engine):
    """
    More than 100 records, or 4 MB, are refused before anything is sent, with the number; 100 are not.
    """
    stores, _ = engine.tables()
    for n in range(101):
        stores.save(Store(store_id=f"s{n}"))
    with pytest.raises(DynamoException, match="101 records"):
        stores.save_data(atomic=True)
    assert [] == engine.sent("TransactWriteItems")
    assert 101 == len(stores.dirty_keys())

    stores.reset()
    for n in range(100):
        stores.save(Store(store_id=f"s{n}"))
    assert 100 == stores.save_data(atomic=True).puts

    stores.reset()
    for n in range(11):
        stores.save(Store(store_id=f"big{n}", city="x" * 390_000))
    with pytest.raises(DynamoException, match="4,194,304"):
        stores.save_data(atomic=True)
    assert 1 == len(engine.sent("TransactWriteItems"))


def test_one_bad_record_stops_a_transaction_before_it_is_sent(engine):
    """
    If a record cannot be stored nothing is sent, and every record is reported as not written.
    """
    stores, _ = engine.tables()
    stores.save(Store(store_id="s1"))
    bad = Store(store_id="s2")
    stores.save(bad)
    bad.visits = "many"

    report = stores.save_data(atomic=True, ignore_errors=True)

    assert ["s2", "s1"] == [failure.key for failure in report.failed]
    assert "nothing of the transaction was sent" in str(report.failed[1].reason)
    assert [] == engine.sent("TransactWriteItems")
    bad.visits = 3
    assert 2 == stores.save_data(atomic=True).puts


def test_a_lost_reply_is_asked_for_again_with_the_same_token(engine):
    """
    When replies are lost the same transaction is sent again, and counts once.
    """
    _, accounts = engine.tables()
    accounts.db_table.save(Account(account_id="a", balance=1))
    accounts.get("a").balance += 10
    engine.lose = 3

    assert 1 == accounts.save_data(atomic=True).updates

    tokens = {request["ClientRequestToken"] for request in engine.sent("TransactWriteItems")}
    assert 4 == len(engine.sent("TransactWriteItems"))
    assert 1 == len(tokens)
    stored = accounts.db_table.get("a")
    assert (11, 2) == (stored.balance, stored.version)
    assert 2 == accounts.get("a").version


def test_an_outcome_that_stays_unknown(engine):
    """
    When no reply comes at all, every record says that its outcome is unknown, and stays dirty.
    """
    stores, _ = engine.tables()
    stores.save(Store(store_id="s1"))
    stores.save(Store(store_id="s2"))
    engine.lose = 1_000_000

    report = stores.save_data(atomic=True, ignore_errors=True)

    assert [OutcomeUnknown] * 2 == [type(failure.reason) for failure in report.failed]
    assert ["s1", "s2"] == stores.dirty_keys()


# --- several tables -----------------------------------------------------------------------------------


def test_one_flush_of_several_tables():
    """
    Batch writes are filled with records of all tables; the report is of the whole, and has one for each.
    """
    service = MemoryService()
    database = connect(service)
    stores, visits = MemoryTable(StoreTable(database=database)), MemoryTable(VisitTable(database=database))
    for n in range(30):
        stores.save(Store(store_id=f"s{n}"))
        visits.save(Visit(store_id="s", number=n))
    bar = []

    class Bar:
        def update(self, n=1):
            bar.append(n)

    report = save_all(stores, visits, progress=Bar())

    assert (60, 3) == (report.puts, report.requests)
    assert {"store": 30, "visit": 30} == {name: part.puts for name, part in report.tables.items()}
    assert {"BatchWriteItem": 3} == {k: n for k, n in service.operations().items() if "Write" in k}
    assert 60 == sum(bar)
    assert 0 == save_all(stores, visits).requests
    assert 30 == save_all(stores).skipped


def test_failures_are_told_by_table():
    """
    What fails in one table does not stop the other, and is in the report of its own table.
    """
    service = MemoryService()
    database = connect(service)
    stores, visits = MemoryTable(StoreTable(database=database)), MemoryTable(VisitTable(database=database))
    stores.save(Store(store_id="s1"))
    bad = visits.save(Visit(store_id="s", number=1))
    bad.note = 5

    with pytest.raises(BatchFailed, match="flush of store, visit: 1 not written") as failed:
        save_all(stores, visits)

    report = failed.value.report
    assert (1, 0) == (report.tables["store"].written, len(report.tables["store"].failed))
    assert [("s", 1)] == [failure.key for failure in report.tables["visit"].failed]
    assert [("s", 1)] == visits.dirty_keys()
    assert [] == stores.dirty_keys()


def test_one_transaction_over_several_tables(engine):
    """
    ``atomic=True`` writes the records of all tables or none.
    """
    stores, accounts = engine.tables()
    stores.save(Store(store_id="s1"))
    accounts.save(Account(account_id="a1", balance=5))
    assert 2 == save_all(stores, accounts, atomic=True).puts
    assert 1 == len(engine.sent("TransactWriteItems"))

    stores.get("s1").visits = 9
    accounts.get("a1").balance = 6
    accounts.db_table.update("a1", put={"balance": 50})
    report = save_all(stores, accounts, atomic=True, ignore_errors=True)

    assert 0 == report.written
    assert (["s1"], ["a1"]) == (stores.dirty_keys(), accounts.dirty_keys())
    assert 0 == stores.db_table.get("s1").visits
    assert 50 == accounts.db_table.get("a1").balance


def test_tables_that_do_not_go_together():
    """
    Tables of different databases, or one table twice, are refused before anything is sent; no tables are no work.
    """
    service = MemoryService()
    one, two = connect(service, table_prefix="one_"), connect(service, table_prefix="two_")
    stores, visits = MemoryTable(StoreTable(database=one)), MemoryTable(VisitTable(database=two))
    again = MemoryTable(StoreTable(database=one))
    stores.save(Store(store_id="s1"))
    service.forget()

    for atomic in (False, True):
        with pytest.raises(DynamoException, match="different databases"):
            save_all(stores, visits, atomic=atomic)
        with pytest.raises(DynamoException, match="twice"):
            save_all(stores, again, atomic=atomic)
        assert 0 == save_all(atomic=atomic).written
    assert {} == service.operations()
    assert ["s1"] == stores.dirty_keys()


def test_flushes_in_any_order_do_not_wait_for_each_other():
    """
    Threads that flush the same tables in different orders, and alone, all come to their end.
    """
    service = MemoryService()
    database = connect(service)
    stores, visits = MemoryTable(StoreTable(database=database)), MemoryTable(VisitTable(database=database))

    def work(number):
        for n in range(20):
            stores.save(Store(store_id=f"s{number}-{n}"))
            visits.save(Visit(store_id=f"s{number}", number=n))
            match number % 3:
                case 0:
                    save_all(stores, visits)
                case 1:
                    save_all(visits, stores)
                case _:
                    visits.save_data_batch()

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(work, range(6), timeout=60))
    save_all(stores, visits)

    assert [120, 120] == [len(table.items) for table in service.tables.values()]


# --- what is logged -----------------------------------------------------------------------------------


def test_log_lines_have_counts_and_no_values(caplog):
    """
    A flush and a prefetch log one line each, with counts and names of tables, without keys and values.
    """
    service = MemoryService()
    memory = MemoryTable(StoreTable(database=connect(service)))
    times = {}
    with caplog.at_level(logging.DEBUG, "dynamo_objects.memorydb"):
        memory.prefetch(["secret1", "secret2"], times=times)
        memory.save(Store(store_id="secret3", city="secret"))
        memory.save_data_batch()
        memory.save(Store(store_id="secret4", city="secret"))
        service.step = lambda operation, request: error_reply("ValidationException")
        memory.save_data_batch(ignore_errors=True)

    prefetched, flushed, failed = [record.getMessage() for record in caplog.records]
    assert prefetched.startswith("prefetched store: 2 keys, 1 requests")
    assert flushed.startswith("flushed store: 1 puts, 0 updates, 0 deletes, 0 skipped, 0 failed, 1 requests")
    assert "1 failed" in failed
    assert "secret" not in caplog.text
    assert {"mem_prefetch"} == set(times)


# --- gathering ----------------------------------------------------------------------------------------


def gathering(count, seconds, step=None):
    """Return a service with some stores, and a MemoryTable that gathers reads."""
    service = MemoryService()
    memory = MemoryTable(StoreTable(database=connect(service)), gather_seconds=seconds)
    service.write(*({"store_id": {"S": f"s{n}"}, "visits": {"N": str(n)}} for n in range(count)))
    service.forget()
    service.step = step
    return service, memory


def at_once(count, work):
    """Run *work(number)* in many threads that begin together, and return the results."""
    barrier = threading.Barrier(count)

    def begin(number):
        barrier.wait()
        return work(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(begin, range(count), timeout=60))


def test_reads_of_threads_are_gathered():
    """
    100 threads that get a key each are answered by one batch, without waiting for the time to pass.
    """
    service, memory = gathering(90, 60.0)

    found = at_once(100, lambda n: memory.find(f"s{n}"))

    assert {"BatchGetItem": 1} == service.operations()
    assert [*range(90)] == [store.visits for store in found[:90]]
    assert [None] * 10 == found[90:]
    assert (1, 0) == (memory.db_reads, memory.hits)
    assert all(found[n] is memory.get(f"s{n}") for n in range(90))


def test_a_read_alone_waits_a_moment():
    """
    A single read is made when the time has passed; two threads that want one key share it.
    """
    service, memory = gathering(2, 0.02)

    assert 1 == memory.get("s1").visits
    assert 1 == len({id(store) for store in at_once(8, lambda n: memory.get("s0"))})
    assert {"BatchGetItem": 2} == service.operations()
    assert 1 == max(service.reads.values())


def test_failed_gathered_reads():
    """
    An error is raised in every thread that waited for the batch; afterwards the keys can be read.
    """
    service, memory = gathering(100, 60.0, lambda *_: error_reply("AccessDeniedException"))

    def work(number):
        with pytest.raises(DynamoException, match="AccessDenied"):
            memory.get(f"s{number}")

    at_once(100, work)
    assert {"BatchGetItem": 1} == service.operations()
    service.step = None
    assert [*range(100)] == [store.visits for store in at_once(100, lambda n: memory.get(f"s{n}"))]


def test_a_bad_item_among_gathered_ones():
    """
    An item that cannot be read is the trouble of the thread that wants it, and of no other.
    """
    service, memory = gathering(100, 60.0)
    service.write({"store_id": {"S": "s7"}, "visits": {"S": "seven"}})

    def work(number):
        try:
            return memory.get(f"s{number}").visits
        except DynamoException as error:
            return type(error).__name__

    found = at_once(100, work)

    assert "DecodeError" == found.pop(7)
    assert [n for n in range(100) if n != 7] == found


def test_gathering_in_a_forked_child():
    """
    What was being gathered at a fork is none of the child's business.
    """
    _, memory = gathering(1, 0.01)
    gatherer = memory._reader._gatherer
    gatherer._group, gatherer._pid = object(), -1  # as a child finds it

    assert 0 == memory.get("s0").visits


def test_loader():
    """
    Keys that are asked for one by one are read together, once the first record is needed.
    """
    service, memory = gathering(250, 0)
    loader = memory.loader()
    pending = [loader.load(f"s{n}") for n in range(250)]
    assert {} == service.operations()

    assert [*range(250)] == [wanted.get().visits for wanted in pending]
    assert {"BatchGetItem": 3} == service.operations()
    assert memory.get("s3") is pending[3].get()
    late = loader.load("s999")
    with pytest.raises(KeyError):
        late.get()
    assert {"BatchGetItem": 4} == service.operations()


# --- large flushes ------------------------------------------------------------------------------------


@pytest.mark.parametrize("one_by_one", [False, True])
def test_flushes_in_rounds(one_by_one):
    """
    A flush that is planned in several rounds writes everything once, in full batches, with one report.
    """
    service = MemoryService()
    memory = MemoryTable(StoreTable(database=connect(service)))
    service.write({"store_id": {"S": "s0"}, "visits": {"N": "1"}})
    for n in range(130):
        memory.save(Store(store_id=f"n{n}"))
    bad = memory.save(Store(store_id="bad"))
    memory.get("s0")
    memory.delete("s0")
    bad.visits = "many"
    threshold = gc.get_threshold()
    service.forget()

    manner = Manner(ignore_errors=True, one_by_one=one_by_one, round_size=50)
    (report,) = flush_tables([memory._map], manner)

    assert (130, 1, ["bad"]) == (report.puts, report.deletes, [failure.key for failure in report.failed])
    assert (131 if one_by_one else 6) == report.requests == len(service.sent)
    assert 130 == len(service.items)
    assert ["bad"] == memory.dirty_keys()
    assert threshold == gc.get_threshold()
    assert 130 == memory.save_data(ignore_errors=True).skipped


def test_rounds_after_an_error_that_stops_all():
    """
    After an error that would meet every write no further round is sent, and all its records are reported.
    """
    service = MemoryService()
    memory = MemoryTable(StoreTable(database=connect(service, max_parallel=1)))
    for n in range(100):
        memory.save(Store(store_id=f"n{n}"))
    service.step = lambda operation, request: error_reply("AccessDeniedException")
    service.forget()

    with pytest.raises(BatchFailed) as failed:
        flush_tables([memory._map], Manner(round_size=25))

    assert {f"n{n}" for n in range(100)} == {failure.key for failure in failed.value.failures}
    assert 1 == len(service.sent)
    service.step = None
    assert 100 == memory.save_data_batch().puts


def test_the_collector_is_left_as_it_was():
    """
    Large flushes, one inside of another, let the garbage collector look less often, and leave it as it was.
    """
    usual = gc.get_threshold()
    with few_collections(False):
        assert usual == gc.get_threshold()
    with pytest.raises(ZeroDivisionError), few_collections(True):
        with few_collections(True):
            assert usual[0] < gc.get_threshold()[0]
        assert usual[0] < gc.get_threshold()[0]
        raise ZeroDivisionError
    assert usual == gc.get_threshold()

    gc.set_threshold(0)
    try:
        with few_collections(True):
            assert 0 == gc.get_threshold()[0]
    finally:
        gc.set_threshold(*usual)


# --- two processes ------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", [[], ["--exactly-once"]])
def test_two_processes(how):
    """
    Two processes that increment the same versioned records, with faults all around, lose and double nothing.
    """
    tool = Path(__file__).resolve().parents[2] / "tools" / "two_writers.py"
    command = [sys.executable, str(tool), "--increments", "150", "--keys", "3", *how]
    shown = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)

    assert "holds" == shown.stdout.splitlines()[-1], shown.stderr
    assert 0 == shown.returncode
