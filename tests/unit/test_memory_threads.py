"""MemoryTable: threads share it; nobody waits for requests of others, and nobody reads twice."""

from __future__ import annotations

import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from dynamo_objects import DynamoException, DynamoRecord, DynamoTable, HashKey, ItemNotFound, MemoryTable
from tests.behaviour.tables import Store, StoreTable, VisitTable
from tests.dictservice import error_reply
from tests.memoryservice import MemoryService, connect, memory_table


def stored(count, service=None):
    """Return a service with some stores, and a MemoryTable over it."""
    service = service or MemoryService()
    memory = memory_table(StoreTable, service)
    service.write(*({"store_id": {"S": f"s{n}"}, "visits": {"N": str(n)}} for n in range(count)))
    service.forget()
    return service, memory


def at_once(count, work):
    """Run *work(number)* in many threads that begin together, and return the results."""
    barrier = threading.Barrier(count)

    def begin(number):
        barrier.wait()
        return work(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(begin, range(count)))


@pytest.mark.parametrize("threads", [8, 32])
def test_threads_that_want_one_key(threads):
    """
    Many threads that want a key at the same time cause one read, and get one object.
    """
    service, memory = stored(1)
    service.step = lambda operation, request: time.sleep(0.02)

    found = at_once(threads, lambda number: memory.get("s0"))

    assert 1 == len({id(record) for record in found})
    assert {"GetItem": 1} == service.operations()
    assert (1, threads - 1) == (memory.db_reads, memory.hits)


def test_threads_that_want_an_absent_key():
    """
    That a key is absent is read once too, and all make one Null object of it.
    """
    service, memory = stored(0)
    service.step = lambda operation, request: time.sleep(0.02)

    assert [None] * 16 == at_once(16, lambda number: memory.find("s0"))
    found = at_once(16, lambda number: memory.get("s0", create=True))

    assert 1 == len({id(record) for record in found})
    assert {"GetItem": 1} == service.operations()


def test_many_threads_and_keys():
    """
    32 threads with 100,000 gets of 1,000 keys: 1,000 reads, one object for each key.
    """
    service, memory = stored(1000)

    def work(number):
        keys = [f"s{(n * 7 + number) % 1000}" for n in range(3125)]
        return {key: memory.get(key) for key in keys}

    found = at_once(32, work)

    assert all(record is memory.get(key) for seen in found for key, record in seen.items())
    assert {"GetItem": 1000} == service.operations()
    assert 1 == max(service.reads.values())
    assert 1000 == memory.db_reads


def test_gets_prefetches_and_queries_meet():
    """
    get, prefetch, query and scan in several threads agree on one object for each key, and keys are read once.
    """
    service = MemoryService(page_size=7)
    memory = memory_table(VisitTable, service)
    service.write(
        *({"store_id": {"S": "s"}, "number": {"N": str(n)}, "guest": {"S": "g"}} for n in range(200))
    )
    service.forget()
    service.step = lambda operation, request: time.sleep(0.001)
    keys = [("s", n) for n in range(200)]

    def work(number):
        match number % 5:
            case 0:
                return [memory.get(*key) for key in keys]
            case 1:
                memory.prefetch(reversed(keys))
                return [memory.get(*key) for key in keys]
            case 2:
                return memory.query("s")()
            case 3:
                return memory.query("g", index="KeysByGuest")()
            case _:
                return memory.scan()()

    found = at_once(10, work)

    identities = [{record.number: id(record) for record in records} for records in found]
    assert all(identities[0] == others for others in identities)
    assert 1 == max(service.reads.values())
    assert 200 == len(memory.get_data())


def test_failed_reads_are_not_remembered():
    """
    When a read fails, one of those who waited reads again; the failure proves nothing.
    """
    service, memory = stored(1)
    failures = iter([error_reply("AccessDeniedException")])

    def step(operation, request):
        time.sleep(0.02)
        return next(failures, None)

    service.step = step

    def work(number):
        try:
            return memory.get("s0").visits
        except ItemNotFound:
            return "absent"
        except DynamoException:
            return "failed"

    assert {0: 7, "failed": 1} == Counter(at_once(8, work))
    assert {"GetItem": 2} == service.operations()


def test_nobody_waits_for_the_requests_of_others():
    """
    While a read, a prefetch, a query and a flush are under way, cached records and other keys are at hand.
    """
    service, memory = stored(10)
    memory.get("s0").visits = 5
    memory.get("s1")
    service.forget()
    entered, leave = threading.Semaphore(0), threading.Event()

    def step(operation, request):
        if "'s9'" not in str(request):
            entered.release()
            leave.wait(10)

    service.step = step
    work = [
        lambda: memory.get("s2"),
        lambda: memory.prefetch(["s3", "s4"]),
        lambda: memory.scan()(),
        memory.save_data_batch,
    ]
    with ThreadPoolExecutor(len(work)) as pool:
        running = [pool.submit(call) for call in work]
        for _ in work:
            assert entered.acquire(timeout=10)
        began = time.monotonic()
        assert 1 == memory.get("s1").visits
        assert 9 == memory.get("s9").visits
        memory.save(Store(store_id="new"))
        memory.delete("s9")
        assert memory.has_item("s0")
        assert {"s0", "s1", "new"} == {record.store_id for record in memory.get_data()}
        assert time.monotonic() - began < 5
        leave.set()
        for future in running:
            future.result(timeout=10)


def test_flushes_do_not_meet():
    """
    Threads that flush at the same time write each change once.
    """
    service, memory = stored(20)
    for n in range(20):
        memory.get(f"s{n}").city = "Oslo"
    service.step = lambda operation, request: time.sleep(0.005)

    reports = at_once(4, lambda number: memory.save_data())

    assert 20 == sum(report.updates for report in reports)
    assert 20 == service.operations()["UpdateItem"]
    assert all(not report.failed for report in reports)


def test_progress_must_not_flush():
    """
    A progress bar that flushes again gets an error instead of waiting for itself.
    """
    service, memory = stored(1)
    memory.get("s0").city = "Oslo"

    class Bar:
        def update(self, n=1):
            memory.save_data()

    with pytest.raises(DynamoException, match="is being flushed"):
        memory.save_data(progress=Bar())
    assert [] == memory.dirty_keys()


class Linked(DynamoRecord):
    """A record whose check reads another one."""

    name: str = ""
    parent: str = ""
    level: int = 0

    def _check_data(self):
        if self.parent and LOADER:
            self.level = LOADER[0].get(self.parent, create=True).level + 1


LOADER: list[MemoryTable[Linked]] = []


class LinkedTable(DynamoTable[Linked]):
    """Records with a parent."""

    table_name = "linked"
    schema = [HashKey("name")]


def test_checks_may_read():
    """
    _check_data may use the MemoryTable itself while a flush is planned, and others go on meanwhile.
    """
    service = MemoryService()
    memory = memory_table(LinkedTable, service)
    for n in range(5):
        memory.save(Linked(name=f"n{n}", parent=f"p{n}"))
    LOADER.append(memory)
    service.step = lambda operation, request: time.sleep(0.005)
    try:
        results = at_once(6, lambda n: memory.save_data_batch() if n == 0 else memory.find(f"p{n - 1}"))
    finally:
        LOADER.clear()

    assert 5 == results[0].puts
    assert 1 == max(service.reads.values())
    assert {1} == {record.level for record in memory.get_data() if record.parent}


def test_changes_of_threads_are_flushed():
    """
    Threads that change and save different records while others flush lose nothing.
    """
    service, memory = stored(40)
    service.step = lambda operation, request: time.sleep(0.001)

    def work(number):
        if number >= 4:
            for _ in range(20):
                memory.save_data_batch() if number % 2 else memory.save_data()
            return
        for n in range(number, 40, 4):
            memory.get(f"s{n}").visits += 1000
            memory.save(Store(store_id=f"new{n}", visits=n))
            if n % 3 == 0:
                memory.delete(f"s{n}")

    at_once(7, work)
    memory.save_data()

    expected = {f"s{n}": 1000 + n for n in range(40) if n % 3} | {f"new{n}": n for n in range(40)}
    assert expected == {item["store_id"]["S"]: int(item["visits"]["N"]) for item in service.items}
    assert [] == memory.dirty_keys()


def test_databases_of_their_own():
    """
    Two databases over one service are two worlds: each with its own MemoryTable.
    """
    service = MemoryService()
    one = MemoryTable(StoreTable(database=connect(service, table_prefix="one_")))
    two = MemoryTable(StoreTable(database=connect(service, table_prefix="two_")))
    one.save(Store(store_id="s1"))
    one.save_data_batch()

    assert two.find("s1") is None
    assert {"one_store", "two_store"} == service.tables.keys()
