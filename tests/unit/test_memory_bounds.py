"""MemoryTable: bounds in records, bytes and unwritten changes."""

from __future__ import annotations

import gc
import threading
import tracemalloc
import warnings
from concurrent.futures import ThreadPoolExecutor

import pytest

from dynamo_objects import BatchFailed, DynamoDatabase, DynamoException, MemoryTable, memorydb
from tests.behaviour.tables import Store, StoreTable
from tests.dictservice import error_reply, good_reply
from tests.memoryservice import MemoryService, connect


def stores(count, service=None, **arguments):
    """Return a service with some stores, and a MemoryTable over it."""
    service = service or MemoryService()
    memory = MemoryTable(StoreTable(database=connect(service)), **arguments)
    service.write(*({"store_id": {"S": f"s{n:03}"}, "visits": {"N": "1"}} for n in range(count)))
    service.forget()
    return service, memory


# --- what is kept -------------------------------------------------------------------------------------


@pytest.mark.parametrize("bounds", [{"maxsize": 5}, {"maxbytes": 600}, {"maxsize": 5, "maxbytes": 600}])
def test_one_object_while_it_is_in_hands(bounds):
    """
    Records that the program holds stay the objects of their keys; those that it lets go of are dropped.
    """
    service, memory = stores(200, **bounds)
    held = [memory.get(f"s{n:03}") for n in range(100)]
    for n in range(100, 200):
        memory.get(f"s{n:03}")

    assert all(record is memory.get(record.store_id) for record in held)
    assert 1 == max(service.reads.values())
    held.clear()
    memory.save_data()
    assert 5 >= len(memory.get_data())


def test_changes_after_the_cache_has_gone_on():
    """
    A record that is changed when the cache has long gone on, and is then let go of, is flushed all the same.
    """
    service, memory = stores(50, maxsize=2)

    def change_late(n):
        record = memory.get(f"s{n:03}")
        for other in range(40, 50):
            memory.get(f"s{other:03}")
        record.visits = 7

    for n in range(30):
        change_late(n)

    assert 30 == memory.save_data_batch().puts
    assert 30 == sum(item["visits"]["N"] == "7" for item in service.items)


@pytest.mark.parametrize("flush", ["save_data", "save_data_batch"])
def test_changed_back_while_it_is_written(flush):
    """
    A record that looks clean while its write is under way is not dropped then: the write makes it dirty.
    """
    service, memory = stores(10, maxsize=1)
    memory.get("s000").visits = 2

    def step(operation, request):
        if operation in ("UpdateItem", "BatchWriteItem"):
            service.step = None
            memory.get("s000").visits = 1
            memory.prefetch(f"s{n:03}" for n in range(1, 10))

    service.step = step
    getattr(memory, flush)()

    assert ["s000"] == memory.dirty_keys()
    assert 1 == getattr(memory, flush)().written
    assert {"N": "1"} == next(item for item in service.items if item["store_id"]["S"] == "s000")["visits"]


def test_bytes():
    """
    maxbytes counts items as DynamoDB does, and 100 for each key; what is larger than all is not kept.
    """
    service, memory = stores(10, maxbytes=10 * 100)
    for n in range(10):
        memory.get(f"s{n:03}")
    # store_id and its text are 12 bytes, visits and its number 8.
    assert 1000 // 120 == len(memory.get_data())

    service.write({"store_id": {"S": "big"}, "city": {"S": "x" * 5000}})
    memory.get("big")
    assert memory.has_item("big")
    memory.get("s000")
    assert not memory.has_item("big")


def test_dropped_records_are_freed():
    """
    A pass over many records through a small cache takes the memory of the small cache.
    """
    service, memory = stores(3000, maxsize=10)
    keys = [f"s{n:03}" for n in range(3000)]
    for key in keys[:100]:
        memory.get(key)
    service.forget()
    gc.collect()
    tracemalloc.start()
    for key in keys[100:]:
        memory.get(key).visits
        service.forget()
    gc.collect()
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert 60_000 > size  # 2,900 records would take a megabyte


@pytest.mark.parametrize(
    "bad",
    [
        {"maxsize": 0},
        {"maxbytes": -1},
        {"max_dirty": True},
        {"max_dirty": 0},
        {"max_dirty": 5, "when_full": "wait"},
        {"gather_seconds": -1},
        {"gather_seconds": float("nan")},
    ],
)
def test_bounds_that_are_none(bad):
    """
    A bound that makes no sense is an error at once, which names it.
    """
    with pytest.raises(DynamoException, match=list(bad)[-1]):
        stores(0, **bad)


# --- the high-water mark ------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["get", "save", "delete"])
def test_block(how):
    """
    With "block" no more than max_dirty records are ever dirty, and whoever passes the mark flushes.
    """
    service, memory = stores(100, max_dirty=16)
    for n in range(100):
        if how == "get":
            memory.get(f"s{n:03}").visits = 2
        elif how == "save":
            memory.save(Store(store_id=f"s{n:03}", visits=2))
        else:
            memory.delete(f"s{n:03}")
        assert 16 >= len(memory.dirty_keys())

    assert 84 <= 100 - len(memory.dirty_keys())
    assert 4 <= service.operations()["BatchWriteItem"] <= 8
    memory.save_data_batch()
    expected = 0 if how == "delete" else 100
    assert expected == sum(item["visits"]["N"] == "2" for item in service.items)


def test_dirty_records_stay_counted():
    """
    Clean records between dirty ones do not let more of these be there than the mark allows.
    """
    _, memory = stores(100, max_dirty=16)
    most = 0
    for n in range(100):
        record = memory.get(f"s{n:03}")
        if n % 3:
            record.visits = 2
        most = max(most, len(memory.dirty_keys()))

    assert 14 <= most <= 16


def test_reading_alone_does_not_flush():
    """
    Records that are handed out and not changed are not counted for long.
    """
    service, memory = stores(100, max_dirty=8)
    for n in range(100):
        memory.get(f"s{n:03}")
        memory.get("s000").visits = n

    assert "BatchWriteItem" not in service.operations()
    assert ["s000"] == memory.dirty_keys()


def test_block_raises_what_fails():
    """
    What a flush at the mark cannot write is raised to the one who passes it, and stays dirty.
    """
    service, memory = stores(0, max_dirty=4)
    service.step = lambda operation, request: (
        error_reply("ValidationException") if operation == "BatchWriteItem" else None
    )
    with pytest.raises(BatchFailed):
        for n in range(4):
            memory.save(Store(store_id=f"n{n}"))

    service.step = None
    assert 4 == len(memory.dirty_keys())
    assert 4 == memory.save_data_batch().puts


def test_flush_in_the_background():
    """
    With "flush" the caller goes on while a thread flushes; changes made meanwhile are written later.
    """
    service, memory = stores(0, max_dirty=8, when_full="flush")
    entered, leave = threading.Event(), threading.Event()

    def step(operation, request):
        entered.set()
        leave.wait(10)

    service.step = step
    for n in range(8):
        memory.save(Store(store_id=f"n{n}", visits=1))
    assert entered.wait(10)
    for n in range(8):
        memory.get(f"n{n}").visits = 2
    leave.set()
    memory.close()

    assert ["1"] * 8 == [item["visits"]["N"] for item in service.items]
    assert 8 == memory.save_data_batch().puts
    assert ["2"] * 8 == [item["visits"]["N"] for item in service.items]
    assert not [thread for thread in threading.enumerate() if "flush" in thread.name]


def test_errors_in_the_background_are_raised_by_the_next_call():
    """
    What goes wrong in the background is raised once, by the next call, and the records stay dirty.
    """
    service, memory = stores(0, max_dirty=4, when_full="flush")
    service.step = lambda operation, request: error_reply("ValidationException")
    for n in range(4):
        memory.save(Store(store_id=f"n{n}"))
    memory._pressure.close()
    service.step = None

    with pytest.raises(BatchFailed):
        memory.get("n0")
    assert "n0" == memory.get("n0").store_id
    assert 4 == memory.save_data_batch().puts


def test_errors_in_the_background_are_raised_by_close():
    """
    A table that is closed raises what went wrong in the background at last.
    """
    service, memory = stores(0, max_dirty=4, when_full="flush")
    service.step = lambda operation, request: error_reply("ValidationException")
    for n in range(4):
        memory.save(Store(store_id=f"n{n}"))

    with pytest.raises(BatchFailed):
        memory.close()


def test_no_flush_while_a_unit_is_open():
    """
    The mark waits for the end of a unit, in any thread.
    """
    service, memory = stores(0, max_dirty=4)
    with memory.unit():
        for n in range(10):
            memory.save(Store(store_id=f"n{n}"))
        with ThreadPoolExecutor(1) as pool:
            pool.submit(memory.save, Store(store_id="other")).result(10)
        assert {} == service.operations()

    memory.get("n0")
    assert 11 == len(service.items)


def test_marks_in_many_threads():
    """
    Threads that pass the mark together write everything once, and nothing is left dirty in the end.
    """
    service, memory = stores(0, max_dirty=20)

    def work(number):
        for n in range(100):
            memory.save(Store(store_id=f"n{number}-{n}", visits=n))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    memory.save_data_batch()

    assert 800 == len(service.items)
    assert [] == memory.dirty_keys()


# --- memory and leftovers -----------------------------------------------------------------------------


def test_memory_after_a_flush_and_a_reset():
    """
    After a flush to a transport that discards everything, and a reset, the memory is as before, within 5 %.
    """
    service = MemoryService()
    database = connect(service, max_parallel=2)
    memory = MemoryTable(StoreTable(database=database))
    database._state.connection.transport = Discarding()

    def fill(count):
        for n in range(count):
            memory.save(Store(store_id=f"store {n}", visits=n, tags=["a"]))
        memory.save_data_batch()
        memory.reset()
        gc.collect()

    fill(100)
    tracemalloc.start()
    ballast = [bytes(1000) for _ in range(1000)]  # a program has something itself
    before, _ = tracemalloc.get_traced_memory()
    fill(10_000)
    after, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert 1000 == len(ballast)
    assert peak > 5 * before
    assert abs(after - before) < 0.05 * before


class Discarding:
    """A transport that says yes."""

    retries_by_itself = False

    def send(self, operation, payload, timeout_seconds):
        """Acknowledge everything."""
        return good_reply({"UnprocessedItems": {}})

    def close(self):
        """Do nothing."""


def ended(act):
    """Return the warnings that come when a MemoryTable ends after *act*."""
    service, memory = stores(3)
    with warnings.catch_warnings(record=True) as given:
        warnings.simplefilter("always")
        act(service, memory)
        del memory
        gc.collect()
    return [str(w.message) for w in given if issubclass(w.category, memorydb.UnwrittenChanges)]


def test_unwritten_changes_are_told():
    """
    A table that is freed with changes that were never flushed says how many, of which keys, never values.
    """

    def act(service, memory):
        memory.get("s000").city = "a secret"
        memory.delete("s001")

    (text,) = ended(act)

    assert "unwritten changes of 2 records" in text
    assert "'s000', 's001'" in text
    assert "secret" not in text


def test_unwritten_changes_are_told_by_the_garbage_collector():
    """
    The same when the table is part of a cycle.
    """

    def act(service, memory):
        memory.get("s000").visits = 2
        memory.myself = memory

    assert 1 == len(ended(act))


def quiet_exception(service, memory):
    """Leave by an exception."""
    with pytest.raises(ZeroDivisionError), memory:
        memory.get("s000").visits = 2
        raise ZeroDivisionError


def quiet_failure(service, memory):
    """Be told by a report."""
    memory.get("s000").visits = 2
    service.step = lambda operation, request: error_reply("ValidationException")
    assert 1 == len(memory.save_data(ignore_errors=True).failed)


@pytest.mark.parametrize(
    "act",
    [
        lambda service, memory: memory.get("s000"),
        lambda service, memory: (setattr(memory.get("s000"), "visits", 2), memory.save_data()),
        lambda service, memory: (setattr(memory.get("s000"), "visits", 2), memory.reset()),
        quiet_exception,
        quiet_failure,
    ],
    ids=["clean", "flushed", "reset", "exception", "failed and reported"],
)
def test_nothing_to_tell(act):
    """
    Nothing is said of what was written, forgotten on purpose, or reported already.
    """
    assert [] == ended(act)


def test_at_exit(tmp_path):
    """
    At the exit of a program the same is said, once.
    """
    import subprocess
    import sys

    program = tmp_path / "program.py"
    program.write_text(
        "from dynamo_objects import *\n"
        "class R(DynamoRecord):\n    key: str = ''\n    n: int = 0\n"
        "class T(DynamoTable[R]):\n    table_name = 'things'\n    schema = [HashKey('key')]\n"
        "DynamoDatabase().connect(url='memory://')\n"
        "memory = MemoryTable(T())\nmemory.save(R(key='k', n=1))\n"
    )
    shown = subprocess.run([sys.executable, program], capture_output=True, text=True, check=True)

    assert 1 == shown.stderr.count("unwritten changes of 1 records")
    assert isinstance(DynamoDatabase, type)
