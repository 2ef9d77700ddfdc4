"""MemoryTable: units, whose changes an exception undoes in memory."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from dynamo_objects import DynamoException, ItemNotFound
from tests.behaviour.tables import FROZEN, MUTABLE, Store, StoreTable
from tests.memoryservice import MemoryService, memory_table

kinds = pytest.mark.parametrize("kind", [MUTABLE, FROZEN], ids=["mutable", "frozen"])


class Stop(Exception):
    """Ends a unit."""


def stores(count=3, table=StoreTable, **arguments):
    """Return a service with some stores, and a MemoryTable over it."""
    service = MemoryService()
    memory = memory_table(table, service, **arguments)
    service.write(
        *(
            {
                "store_id": {"S": f"s{n}"},
                "visits": {"N": "1"},
                "tags": {"L": [{"S": "a"}]},
                "x": {"S": "kept"},
            }
            for n in range(count)
        )
    )
    service.forget()
    return service, memory


def failing(memory, act):
    """Do something in a unit that fails."""
    with pytest.raises(Stop), memory.unit():
        act()
        raise Stop


@kinds
@pytest.mark.parametrize("maxsize", [None, 1])
def test_everything_is_undone(kind, maxsize):
    """
    Changes in place and in lists, copies, new records and deletions of a failed unit are undone; reads stay.
    """
    service, memory = stores(4, kind.StoreTable, maxsize=maxsize)
    before = memory.get("s0")

    def act():
        before.tags.append("b")
        memory.save(memory.get("s1").evolve(visits=9))
        memory.delete("s2")
        memory.save(kind.Store(store_id="new", visits=5))
        memory.save(memory.get("null", create=True).evolve(city="Oslo"))
        assert 5 == len(memory.dirty_keys())

    failing(memory, act)

    assert [] == memory.dirty_keys()
    assert before is memory.get("s0")
    assert ["a"] == before.tags
    assert [1, 1] == [memory.get(key).visits for key in ("s1", "s2")]
    assert not memory.has_item("new")
    assert memory.find("null") is None
    assert 0 == memory.save_data().requests
    assert {1} == set(service.reads.values()) or maxsize is not None


def test_dirty_records_get_their_unwritten_values_back():
    """
    What was changed before the unit and not flushed is as changed as before, in lists too; new ones likewise.
    """
    service, memory = stores()
    loaded, new, null = memory.get("s0"), Store(store_id="new", tags=["n"]), memory.get("z", create=True)
    loaded.visits, loaded.tags = 2, ["b"]
    memory.save(new)

    def act():
        loaded.visits = 3
        loaded.tags.append("c")
        new.tags.append("m")
        null.city = "Oslo"
        memory.delete("s0")
        memory.delete("new")

    failing(memory, act)

    assert (2, ["b"]) == (loaded.visits, loaded.tags)
    assert ["n"] == new.tags
    assert "" == null.city
    assert {"s0", "new"} == set(memory.dirty_keys())
    assert loaded is memory.get("s0")
    assert 2 == memory.save_data().written
    assert {"S": "kept"} == next(item for item in service.items if item["store_id"]["S"] == "s0")["x"]


def test_deletions_before_the_unit_stay():
    """
    A deletion that was made before the unit is there after it, whatever was saved in its place.
    """
    service, memory = stores()
    memory.delete("s0")

    failing(memory, lambda: memory.save(Store(store_id="s0", visits=7)))

    assert ["s0"] == memory.dirty_keys()
    with pytest.raises(ItemNotFound):
        memory.get("s0")
    assert 1 == memory.save_data().deletes


def test_success_sends_nothing():
    """
    A unit that ends well sends nothing; its changes are written by the next flush.
    """
    service, memory = stores()
    with memory.unit() as unit:
        memory.get("s0").visits = 5
        memory.delete("s1")

    assert not unit.is_undone
    assert {"GetItem": 2} == service.operations()
    report = memory.save_data_batch()
    assert (1, 1) == (report.puts, report.deletes)


def test_rollback_without_an_exception():
    """
    ``rollback`` undoes the unit at the end of its block, quietly.
    """
    _, memory = stores()
    with memory.unit() as unit:
        memory.get("s0").visits = 5
        unit.rollback()

    assert 1 == memory.get("s0").visits
    assert [] == memory.dirty_keys()


def test_a_unit_in_a_unit_is_undone_alone():
    """
    An inner unit that fails leaves the outer one's changes; an outer one that fails takes all.
    """
    _, memory = stores()
    with memory.unit():
        memory.get("s0").visits = 5
        failing(memory, lambda: (setattr(memory.get("s0"), "visits", 6), memory.delete("s1")))
        assert 5 == memory.get("s0").visits
        assert memory.has_item("s1")
    assert ["s0"] == memory.dirty_keys()

    with pytest.raises(Stop), memory.unit():
        with memory.unit():
            memory.get("s0").visits = 7
            memory.delete("s2")
        raise Stop
    assert 5 == memory.get("s0").visits
    assert ["s0"] == memory.dirty_keys()


def test_no_flush_and_no_reset_in_a_unit():
    """
    Inside of its own unit a table is neither flushed nor reset; a unit is opened once.
    """
    _, memory = stores()
    with memory.unit() as unit:
        memory.get("s0").visits = 5
        for refused in (memory.save_data, memory.save_data_batch, memory.reset, unit.__enter__):
            with pytest.raises(DynamoException, match="unit"):
                refused()

    assert 1 == memory.save_data().updates


def test_flushes_of_other_threads_wait():
    """
    A flush in another thread begins when the unit is over, and so never writes what is undone.
    """
    service, memory = stores()
    memory.get("s1").visits = 3
    asked = threading.Event()

    def flush():
        asked.set()
        return memory.save_data_batch()

    with ThreadPoolExecutor(1) as pool:
        with pytest.raises(Stop), memory.unit():
            memory.get("s0").visits = 5
            future = pool.submit(flush)
            assert asked.wait(10)
            assert 1 == memory.get("s2").visits  # reads go on
            raise Stop
        assert 1 == future.result(10).puts

    assert {"s0": "1", "s1": "3", "s2": "1"} == {i["store_id"]["S"]: i["visits"]["N"] for i in service.items}


def test_units_of_threads_come_one_after_another():
    """
    Units of several threads that change the same record and fail at random lose and add nothing.
    """
    _, memory = stores()

    def work(number):
        for n in range(50):
            try:
                with memory.unit():
                    memory.get("s0").visits += 1
                    if (n + number) % 3 == 0:
                        raise Stop
            except Stop:
                pass

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))

    kept = sum((n + number) % 3 != 0 for n in range(50) for number in range(4))
    assert 1 + kept == memory.get("s0").visits


def test_what_was_sent_is_not_undone():
    """
    A record that was saved by the table itself inside of a failed unit is as it is stored.
    """
    service, memory = stores()
    record = memory.get("s0")

    def act():
        record.visits = 5
        memory.db_table.save(record)
        record.visits = 6

    failing(memory, act)

    assert 5 == record.visits
    assert [] == memory.dirty_keys()


def test_keys_changed_by_a_unit():
    """
    Whoever is to be told gets the entries that the unit has changed, once, when the outermost has ended well.
    """
    _, memory = stores()
    memory.get("s2").visits = 4
    told = []
    memory._map.on_unit = lambda entries: told.append({entry.key for entry in entries})
    with memory.unit():
        memory.get("s0").visits = 5
        with memory.unit():
            memory.delete("s1")
    failing(memory, lambda: memory.delete("s0"))

    assert [{"s0", "s1"}] == told
