"""MemoryTable: what maxsize drops and what it never drops; indexes that lag; forks."""

from __future__ import annotations

import gc
import os
import sys
import warnings
import weakref

import pytest

from dynamo_objects import DynamoException, MemoryTable
from tests.behaviour.tables import Store, StoreTable, VisitTable
from tests.memoryservice import MemoryService, connect, memory_table


def stores(count, maxsize=None, **fields):
    """Return a service with some stores, and a MemoryTable over it."""
    service = MemoryService()
    memory = memory_table(StoreTable, service, maxsize=maxsize)
    item = {"visits": {"N": "1"}, **fields}
    service.write(*({"store_id": {"S": f"s{n}"}, **item} for n in range(count)))
    service.forget()
    return service, memory


# --- maxsize ------------------------------------------------------------------------------------------


def test_maxsize_drops_what_was_not_used():
    """
    Of clean records the most recently used are kept; others are read again.
    """
    service, memory = stores(5, maxsize=3)
    for n in (0, 1, 2, 0, 3):
        memory.get(f"s{n}")

    assert [True, False, True, True] == [memory.has_item(f"s{n}") for n in range(4)]
    assert 4 == service.operations()["GetItem"]
    memory.get("s1")
    assert 5 == service.operations()["GetItem"]
    assert 3 == len(memory.get_data())


def test_dirty_records_are_never_dropped():
    """
    1,000 changed, new and deleted records in a cache of 10 are all there, and all flushed.
    """
    service, memory = stores(600, maxsize=10)
    for n in range(300):
        memory.get(f"s{n}").visits = 2
    for n in range(300, 600):
        memory.delete(f"s{n}")
    for n in range(600, 1000):
        memory.save(Store(store_id=f"s{n}", visits=2))

    assert 1000 == len(memory.dirty_keys())
    assert 2 == memory.get("s0").visits
    assert memory.find("s400") is None
    report = memory.save_data_batch()

    assert (700, 300, []) == (report.puts, report.deletes, report.failed)
    assert {f"s{n}": "2" for n in (*range(300), *range(600, 1000))} == {
        item["store_id"]["S"]: item["visits"]["N"] for item in service.items
    }
    assert 600 == service.operations()["GetItem"]
    assert 10 >= len(memory.get_data())


def test_records_that_become_dirty_are_kept():
    """
    A record that was read clean and changed later is kept while others come and go.
    """
    service, memory = stores(50, maxsize=2)
    record = memory.get("s0")
    record.tags.append("x")
    for n in range(1, 50):
        memory.get(f"s{n}")

    assert record is memory.get("s0")
    assert ["s0"] == memory.dirty_keys()
    assert 1 == memory.save_data().updates


def test_what_failed_is_kept():
    """
    Records that a flush could not write stay pinned until one can.
    """
    _, memory = stores(20, maxsize=2)
    for n in range(20):
        memory.get(f"s{n}").visits = "many" if n % 2 else 2

    assert 10 == len(memory.save_data_batch(ignore_errors=True).failed)
    assert 10 == len(memory.dirty_keys())
    for n in range(1, 20, 2):
        memory.get(f"s{n}").visits = 3
    assert 10 == memory.save_data_batch().puts
    assert [] == memory.dirty_keys()


def test_untouched_null_objects_are_dropped():
    """
    Null objects that nobody touched do not fill the cache; touched ones are kept.
    """
    service, memory = stores(0, maxsize=2)
    memory.get("s0", create=True).visits = 5
    for n in range(1, 10):
        memory.get(f"s{n}", create=True)

    assert 5 == memory.get("s0").visits
    assert ["s0"] == memory.dirty_keys()
    assert 3 == len(memory.get_data())


def test_a_record_in_hands_is_never_dropped():
    """
    A record that the program still refers to stays the one object of its key, and its changes count.
    """
    service, memory = stores(5, maxsize=1)
    record = memory.get("s0")
    memory.get("s1")
    record.visits = 9

    assert ["s0"] == memory.dirty_keys()
    assert record is memory.get("s0")
    assert 1 == memory.save_data().updates
    assert {"N": "9"} == next(item for item in service.items if item["store_id"]["S"] == "s0")["visits"]
    assert 2 == service.operations()["GetItem"]


@pytest.mark.parametrize("maxsize", [1, 2, 7])
def test_small_caches_and_large_pages(maxsize):
    """
    A record that a query has just given can be changed, even if a page holds more than the cache.
    """
    service = MemoryService()
    memory = memory_table(VisitTable, service, maxsize=maxsize)
    service.write(
        *(
            {"store_id": {"S": "s"}, "number": {"N": str(n)}, "guest": {"S": "g"}, "paid": {"N": "1"}}
            for n in range(50)
        )
    )
    for query in (memory.query("s"), memory.query("g", index="ByGuest"), memory.scan(segments=3)):
        found = []
        for visit in query:
            visit.note += "x"
            found.append(visit.number)
        assert list(range(50)) == sorted(found)
        assert 50 == len(memory.dirty_keys())
        assert 50 == memory.save_data().updates

    assert {"xxx"} == {item["note"]["S"] for item in service.items}


def test_results_that_are_changed_before_they_are_given():
    """
    What was changed, flushed and pushed out of a small cache while a query ran comes as it is now.
    """
    _, memory = stores(6, maxsize=1)
    found = {}
    for store in memory.scan():
        if not found:
            others = [f"s{n}" for n in range(6) if f"s{n}" != store.store_id]
            for key in others:
                memory.get(key).visits = 5
            memory.save_data_batch()
            for key in others:
                memory.get(key)
        found[store.store_id] = store.visits

    assert [1, 5, 5, 5, 5, 5] == sorted(found.values())


def test_small_caches_after_a_flush():
    """
    A flush that is over does not make later queries read their results again.
    """
    service, memory = stores(20, maxsize=5)
    for n in range(3):
        memory.get(f"s{n}").visits += 1
        memory.save_data_batch()
        service.forget()

        assert 20 == len(memory.scan()())
        assert {"Scan": 1} == service.operations()


def test_prefetch_into_a_small_cache():
    """
    Fetching more than the cache keeps is no error; what is left over is read again.
    """
    service, memory = stores(50, maxsize=5)
    memory.prefetch(f"s{n}" for n in range(50))

    assert 5 == len(memory.get_data())
    assert [1] * 50 == [memory.get(f"s{n}").visits for n in range(50)]


def test_looking_is_not_using():
    """
    Flushes, dirty_keys and get_data do not change what is dropped next.
    """
    _, memory = stores(5, maxsize=3)
    for n in (0, 1, 2, 0):
        memory.get(f"s{n}")
    memory.get_data()
    memory.dirty_keys()
    memory.save_data_batch()
    memory.get("s3")

    assert [True, False, True, True] == [memory.has_item(f"s{n}") for n in range(4)]


def test_looking_for_what_is_dirty_is_not_using():
    """
    The high-water mark looks at records without keeping them: the one that was used least is dropped next.
    """
    service = MemoryService()
    memory = MemoryTable(StoreTable(database=connect(service)), maxsize=50, max_dirty=50)
    service.write(*({"store_id": {"S": f"s{n}"}} for n in range(60)))
    for n in range(60):
        memory.get(f"s{n}")

    assert {f"s{n}" for n in range(10, 60)} == {store.store_id for store in memory.get_data()}


def test_reset_of_a_small_cache():
    """
    reset forgets pinned records too.
    """
    _, memory = stores(5, maxsize=1)
    for n in range(5):
        memory.get(f"s{n}").visits = 2
    memory.reset()

    assert ([], []) == (memory.get_data(), memory.dirty_keys())
    assert 1 == memory.get("s0").visits


def test_nothing_else_keeps_records_alive():
    """
    A MemoryTable that is let go of, and records that it has dropped, can be freed.
    """
    _, memory = stores(3, maxsize=1)
    dropped = weakref.ref(memory.get("s0"))
    memory.get("s1")
    gc.collect()
    assert dropped() is None
    memory.save_data_batch()
    kept = weakref.ref(memory.get("s1"))
    del memory
    gc.collect()
    assert kept() is None


# --- indexes that lag -----------------------------------------------------------------------------------


def visit(number, guest="g", paid="1", **more):
    """Return a stored visit."""
    return {
        "store_id": {"S": "s"},
        "number": {"N": str(number)},
        "guest": {"S": guest},
        "paid": {"N": paid},
        **more,
    }


def test_index_that_lags_behind_the_table():
    """
    What a global index still shows, and what it does not show yet, is settled by reading the items by key.
    """
    service = MemoryService()
    memory = memory_table(VisitTable, service)
    service.write(*(visit(n) for n in range(6)))
    service.stale = [*(visit(n) for n in range(8)), visit(9, guest="other")]
    service.write(visit(2, guest="gone"))
    service.remove({"store_id": {"S": "s"}, "number": {"N": "4"}})

    found = memory.query("g", index="ByGuest")()

    assert [0, 1, 3, 5] == [record.number for record in found]
    assert "gone" == memory.get("s", 2).guest
    assert memory.find("s", 7) is None
    assert 1 == max(service.reads.values())


def test_record_that_has_moved_in_an_index():
    """
    A record whose place in the index is old is given in its present place, if that is still to come.
    """
    service = MemoryService()
    memory = memory_table(VisitTable, service)
    service.write(*(visit(n, paid=str(n * 10)) for n in range(5)))
    service.stale = service.items
    service.write(visit(1, paid="35"))

    assert [0, 2, 3, 1, 4] == [record.number for record in memory.query("g", index="PaidByGuest")]
    memory.reset()
    assert [4, 3, 2, 1, 0] == [
        record.number for record in memory.query("g", index="PaidByGuest", reverse=True)
    ]


def test_record_that_moves_while_a_query_runs():
    """
    A record that another program moves, so that the index shows it twice, is given once.
    """
    service = MemoryService(page_size=2)
    memory = memory_table(VisitTable, service)
    service.write(*(visit(n, paid=str(n * 10)) for n in range(5)))
    found = []
    for index in ("PaidByGuest", "ByPaid"):
        memory.reset()
        service.write(visit(0, paid="0"))
        hash = "g" if index == "PaidByGuest" else "s"
        for record in memory.query(hash, index=index):
            found.append(record.number)
            if record.number == 0:
                service.write(visit(0, paid="25"))

    assert [0, 1, 2, 3, 4] * 2 == found


def test_absence_is_not_learnt_from_an_index():
    """
    What an index does not show is not absent: it is read when it is asked for.
    """
    service = MemoryService()
    memory = memory_table(VisitTable, service)
    service.write(visit(1))
    service.stale = []

    assert [] == memory.query("g", index="ByGuest")()
    assert 1 == memory.get("s", 1).number


def test_results_that_are_cached_cost_no_requests_of_their_own():
    """
    A query with a limit reads on past what is cached in one request, not in one for each record.
    """
    service = MemoryService(page_size=1000)
    memory = memory_table(VisitTable, service)
    service.write(*(visit(n) for n in range(200)))
    for record in memory.query("s").range(0, 149):
        memory.delete("s", record.number)
    service.forget()

    assert 150 == memory.query("s").first().number
    assert {"Query": 1} == service.operations()


def test_pages_are_read_as_they_are_needed():
    """
    A query that is left early has not read everything.
    """
    service = MemoryService(page_size=10)
    memory = memory_table(VisitTable, service)
    service.write(*(visit(n) for n in range(100)))
    service.forget()

    for record in memory.query("s"):
        if record.number == 15:
            break

    assert {"Query": 2} == service.operations()
    assert 20 == len(memory.get_data())


# --- forks ----------------------------------------------------------------------------------------------


def in_child(work):
    """Run *work* in a forked process, and return what it printed."""
    reading, writing = os.pipe()
    with warnings.catch_warnings():  # of Python 3.12 and later, about the threads of the test runner
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        try:
            text = str(work())
        except BaseException as error:
            text = f"{type(error).__name__}: {error}"
        os.write(writing, text.encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        text = pipe.read()
    os.waitpid(child, 0)
    return text


forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")


@forks
def test_forked_child_does_not_flush_what_it_inherited():
    """
    Changes that were made before a fork are flushed by the parent only; the child says so, until it resets.
    """
    service, memory = stores(2)
    memory.get("s0").visits = 2

    assert "inherited with unwritten changes" in in_child(lambda: memory.save_data_batch())
    assert "0" == in_child(lambda: (memory.reset(), memory.save_data_batch().written)[1])
    assert 1 == memory.save_data_batch().puts


@forks
def test_forked_child_with_a_clean_table():
    """
    A child that inherits nothing unwritten may fill and flush its copy, even if a thread held a lock at the fork.
    """
    service, memory = stores(2)
    memory.get("s0")
    with memory._map.lock, memory._map.planning:
        child = in_child(lambda: (setattr(memory.get("s0"), "visits", 3), memory.save_data_batch().puts)[1])

    assert "1" == child


def test_what_a_copy_in_a_child_does():
    """
    The copy in a child has locks of its own, forgets reads under way, and knows whether it inherited changes.
    """
    service, memory = stores(2)
    memory.get("s0")
    clean, dirty = memory._map, memory_table(StoreTable, MemoryService())
    dirty.save(Store(store_id="s1"))
    lock = clean.lock

    with lock, clean.flushing:
        clean.after_fork()
        dirty._map.after_fork()
        memory.get("s1").visits = 2
        assert 1 == memory.save_data_batch().puts

    assert clean.lock is not lock
    with pytest.raises(DynamoException, match="inherited with unwritten changes"):
        dirty.save_data()
    dirty.reset()
    assert 0 == dirty.save_data().written


# --- consistency ----------------------------------------------------------------------------------------


def test_everything_is_read_consistently():
    """
    Every read is strongly consistent, except of global indexes, which have no such reads.
    """
    service = MemoryService()
    memory = memory_table(VisitTable, service)
    service.write(*(visit(n) for n in range(3)))
    service.forget()
    memory.get("s", 0)
    memory.prefetch([("s", 1)])
    memory.query("s", consistent=False)()
    memory.scan()()
    memory.query("s", index="ByPaid")()
    memory.query("s", index="KeysByNote")()
    asked = [*service.sent]
    service.forget()
    memory.query("g", index="ByGuest")()

    assert 6 == len(asked)
    for operation, request in asked:
        (members,) = request["RequestItems"].values() if operation == "BatchGetItem" else [request]
        assert members["ConsistentRead"] is True
    assert ["ConsistentRead" in request for _, request in service.sent] == [False]


# --- other promises ----------------------------------------------------------------------------------------------


def test_reports_are_of_one_flush():
    """
    Each flush has a report of its own.
    """
    _, memory = stores(2)
    memory.get("s0").visits = 2
    first = memory.save_data_batch()
    memory.get("s1").visits = 2
    second = memory.save_data()

    assert ((1, 0, 0), (0, 1, 1)) == (
        (first.puts, first.updates, first.skipped),
        (second.puts, second.updates, second.skipped),
    )


def test_without_a_connection():
    """
    A MemoryTable of a database that was disconnected raises; what is dirty stays dirty.
    """
    _, memory = stores(1)
    memory.get("s0").visits = 2
    memory.db_table.database.disconnect()

    with pytest.raises(DynamoException, match="not connected"):
        memory.save_data_batch()
    with pytest.raises(DynamoException, match="not connected"):
        memory.get("s1")
    assert ["s0"] == memory.dirty_keys()
    memory.reset()
    assert [] == memory.dirty_keys()


def test_connected_somewhere_else():
    """
    What was read under one prefix is neither mixed with what is under another, nor written there.
    """
    service = MemoryService()
    database = connect(service, table_prefix="dev_")
    memory = MemoryTable(StoreTable(database=database))
    memory.get("s1", create=True).visits = 2
    database.disconnect()
    database.connect(transport=service, table_prefix="prod_")

    for call in (
        memory.save_data,
        memory.save_data_batch,
        memory.scan(),
        lambda: memory.get("s2"),
        lambda: memory.prefetch(["s2"]),
    ):
        with pytest.raises(DynamoException, match=r"from dev_store, but .* is prod_store now"):
            call()
    assert ["dev_store"] == list(service.tables)
    database.disconnect()
    database.connect(transport=service, table_prefix="dev_")
    assert 1 == memory.save_data().puts
    database.disconnect()
    database.connect(transport=service, table_prefix="prod_")
    memory.reset()
    assert memory.find("s1") is None


def test_many_records_use_little_memory():
    """
    An entry is a small object without a dict of its own.
    """
    _, memory = stores(1)
    memory.get("s0")
    (entry,) = memory._map.entries()

    assert not hasattr(entry, "__dict__")
    assert sys.getsizeof(entry) <= 112
