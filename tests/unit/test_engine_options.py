"""What the embedded engine simulates on request, seen from our own tables."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import dynamo_objects.local
from dynamo_objects import DynamoDatabase, DynamoException, DynamoRecord, DynamoTable, GlobalIndex, HashKey
from dynamo_objects.connection.local import local_transport
from dynamo_objects.local import Faults, Options, open_engine
from dynamo_objects.local.faults import KINDS
from tests import campaign
from tests.campaign import Campaign, ThingTable
from tests.transports import VirtualClock


class Guest(DynamoRecord):
    name: str = ""
    city: str = ""


class GuestTable(DynamoTable[Guest]):
    table_name = "guest"
    schema = [HashKey("name")]
    throughput = {"read": 1, "write": 1}
    global_indexes = [GlobalIndex("ByCity", [HashKey("city")])]
    consistent_read = True


@pytest.fixture
def db() -> Iterator[DynamoDatabase]:
    """The default database, free before and after."""
    database = DynamoDatabase()
    database.disconnect()
    yield database
    database.disconnect()


@pytest.fixture
def clock() -> VirtualClock:
    """The time of the engine and of its client."""
    return VirtualClock()


def connected(clock: VirtualClock, **options: Any) -> DynamoDatabase:
    """Return a database on an engine that simulates something, on virtual time."""
    return campaign.connect(
        "options", local_transport("memory://", None, Options(clock=clock, **options)), clock
    )


# --- faults -------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_tables_survive_each_kind_of_fault(kind: str, clock: VirtualClock) -> None:
    """
    With a fault in every third request, what was acknowledged is there, and counters are exact.
    """
    faults = Faults({kind: 0.3}, seed=7, delay_seconds=0.0)
    database = connected(clock, faults=faults)
    worker = Campaign(ThingTable(database=database), 0, 7)
    worker.run(400)
    worker.check(database.get_connection())
    database.disconnect()

    assert [] == worker.oracle.violations
    assert 10 < len(worker.results)


def test_tables_survive_all_faults_at_once(clock: VirtualClock) -> None:
    """
    With half of all requests failing in one way or another, nothing is lost and nothing done twice.
    """
    database = connected(clock, faults=Faults(dict.fromkeys(KINDS, 0.0625), seed=3, delay_seconds=0.0))
    worker = Campaign(ThingTable(database=database), 0, 3)
    worker.run(1000)
    worker.check(database.get_connection())
    database.disconnect()

    assert [] == worker.oracle.violations
    assert 0 < worker.results["unknown"]


def test_a_seed_gives_the_same_run_again(clock: VirtualClock) -> None:
    """
    The same seed makes the same faults, so that a failing test can be repeated.
    """

    def sent(seed: int) -> Any:
        database = connected(clock, faults=Faults({"throttle": 0.2, "lost_reply": 0.1}, seed))
        table = GuestTable(database=database)
        for number in range(50):
            table.save(Guest(name=str(number)), overwrite=True)
        requests = dict(database.get_connection().requests)
        database.disconnect()
        return requests

    assert sent(1) == sent(1)
    assert sent(1) != sent(2)


# --- time ---------------------------------------------------------------------------------


def test_provisioned_throughput_is_enforced(clock: VirtualClock) -> None:
    """
    A table with one write unit a second takes about a second for each write, and all are stored.
    """
    database = connected(clock, throughput=True)
    table = GuestTable(database=database)
    began = clock.now
    for number in range(10):
        table.save(Guest(name=str(number)))
    took = clock.now - began
    found = table.scan().count()
    database.disconnect()

    assert 10 == found
    assert 8 <= took < 60


def test_tables_take_their_time(clock: VirtualClock) -> None:
    """
    A table that takes a while to be created is waited for.
    """
    database = connected(clock, table_seconds=12.0)
    GuestTable(database=database).save(Guest(name="Ada"))
    took = clock.now
    database.disconnect()

    assert 12 <= took


def test_indexes_lag_behind(clock: VirtualClock) -> None:
    """
    What was saved shows in a global index later, and in the table at once.
    """
    database = connected(clock, index_lag_seconds=2.0)
    table = GuestTable(database=database)
    table.save(Guest(name="Ada", city="Oslo"))

    def seen() -> list[str]:
        return [guest.name for guest in table.query(city__eq="Oslo", index="ByCity", consistent=False)]

    before = seen()
    clock.tick(2.5)
    after = seen()
    there = table.get("Ada").city
    database.disconnect()

    assert ([], ["Ada"], "Oslo") == (before, after, there)


# --- at the surface -----------------------------------------------------------------------


def test_connect_takes_options(db: DynamoDatabase) -> None:
    """
    With pages of a single item, a scan needs a request for each of them.
    """
    db.connect(url="memory://", options=Options(page_bytes=1))
    table = GuestTable()
    table.save_many(Guest(name=f"guest {number}", city="Oslo") for number in range(20))
    found = table.scan()()

    assert 20 == len(found)
    assert 20 <= db.get_connection().requests["Scan"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"region_name": "eu-west-1"}, "of the embedded engine"),
        ({}, "of the embedded engine"),
        ({"engine": open_engine()}, "has its options already"),
    ],
    ids=["region", "nothing", "engine"],
)
def test_options_that_would_do_nothing_are_refused(
    arguments: dict[str, Any], message: str, db: DynamoDatabase
) -> None:
    """
    Options belong to an engine that connect makes; elsewhere they are an error, and nothing is connected.
    """
    with pytest.raises(DynamoException, match=message):
        db.connect(**arguments, options=Options())

    assert not db.connected()


@pytest.mark.parametrize(
    "wrong", [{"page_bytes": 0}, {"table_seconds": -1.0}, {"ttl_delay_seconds": float("nan")}]
)
def test_options_that_make_no_sense_are_refused(wrong: dict[str, Any]) -> None:
    """
    Pages of nothing and negative times are errors.
    """
    (name,) = wrong
    with pytest.raises(ValueError, match=name):
        Options(**wrong)


def test_the_package_has_its_names() -> None:
    """
    What is public can be imported from the package, and nothing else.
    """
    found = {name: getattr(dynamo_objects.local, name) for name in dynamo_objects.local.__all__}

    assert (Faults, Options, open_engine) == (found["Faults"], found["Options"], found["open_engine"])
    assert set(dynamo_objects.local.__all__) <= set(dir(dynamo_objects.local))
    with pytest.raises(AttributeError):
        _ = dynamo_objects.local.Nonsense  # type: ignore[attr-defined]
