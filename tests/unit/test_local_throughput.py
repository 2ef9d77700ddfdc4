"""Throttling of the embedded engine, on a clock that the tests move."""

from __future__ import annotations

from typing import Any

import pytest

from dynamo_objects.local.capacity import Consumed
from dynamo_objects.local.definitions import Index, KeyPart, Keys, Table, Units
from dynamo_objects.local.errors import ApiError
from dynamo_objects.local.throughput import BURST_SECONDS, Throttle

KEYS = Keys((KeyPart("id", "S"),))
INDEX = Index("by_city", 2, True, Keys((KeyPart("city", "S"),)), units=Units(1, 1))
LOCAL = Index("by_age", 3, False, Keys((KeyPart("id", "S"),), (KeyPart("age", "N"),)))
TABLE = Table("people", 1, KEYS, {"id": "S"}, {"by_city": INDEX, "by_age": LOCAL}, Units(read=2, write=5))


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    """The clock of a test."""
    return Clock()


@pytest.fixture
def throttle(clock: Clock) -> Throttle:
    """A meter on the clock of the test."""
    return Throttle(clock)


def refused(call: Any, *arguments: Any) -> bool:
    """Tell whether a call is throttled."""
    try:
        call(*arguments)
    except ApiError as error:
        return error.code == "ProvisionedThroughputExceededException"
    return False


def reads(throttle: Throttle, count: int) -> int:
    """Return how many of so many reads of one unit pass."""
    return sum(not refused(throttle.read, TABLE, None, 1.0) for _ in range(count))


def write(own: float, **indexes: float) -> Consumed:
    """Return what a write consumes."""
    return Consumed(TABLE, own, indexes, is_write=True)


def test_a_second_has_its_units_and_no_more(clock: Clock, throttle: Throttle) -> None:
    """
    A table answers as many reads a second as are provisioned.
    """
    first = reads(throttle, 10)
    clock.now += 1
    second = reads(throttle, 10)

    assert (2, 2) == (first, second)


def test_unused_units_are_saved_for_five_minutes(clock: Clock, throttle: Throttle) -> None:
    """
    What was not used in the last 300 seconds can be used at once, and no more than that.
    """
    reads(throttle, 2)
    clock.now += 10_000

    assert 2 * BURST_SECONDS == reads(throttle, 1000)


def test_a_large_request_passes_and_the_next_ones_pay(clock: Clock, throttle: Throttle) -> None:
    """
    A request is carried out while anything is left, and what it took too much is waited for.
    """
    passed = not refused(throttle.read, TABLE, None, 100.0)
    clock.now += 48
    too_early = refused(throttle.read, TABLE, None, 1.0)
    clock.now += 2
    late_enough = not refused(throttle.read, TABLE, None, 1.0)

    assert (True, True, True) == (passed, too_early, late_enough)


def test_an_index_throttles_the_writes_that_change_it(throttle: Throttle) -> None:
    """
    A write fails as a whole when a global index that it changes has no units; others pass.
    """
    assert not refused(throttle.write, write(1, by_city=1))
    assert refused(throttle.write, write(1, by_city=1))
    assert not refused(throttle.write, write(1))


def test_a_refused_write_takes_nothing(throttle: Throttle) -> None:
    """
    A write that an index refuses leaves the units of the table alone.
    """
    throttle.write(write(1, by_city=1))
    for _ in range(10):
        refused(throttle.write, write(1, by_city=1))

    passed = sum(not refused(throttle.write, write(1)) for _ in range(10))

    assert 4 == passed


def test_a_local_index_takes_the_units_of_its_table(throttle: Throttle) -> None:
    """
    Writes and reads of local indexes count for the table.
    """
    throttle.write(write(2, by_age=3))

    assert refused(throttle.write, write(1))
    throttle.read(TABLE, "by_age", 2.0)
    assert refused(throttle.read, TABLE, None, 1.0)


def test_a_table_on_demand_is_never_throttled(throttle: Throttle) -> None:
    """
    Without provisioned throughput everything passes.
    """
    free = Table("free", 9, KEYS, {"id": "S"})

    assert not any(refused(throttle.read, free, None, 1000.0) for _ in range(100))
    assert throttle.has_write(free)


def test_what_is_provisioned_anew_counts_at_once(clock: Clock, throttle: Throttle) -> None:
    """
    After an UpdateTable the buckets fill at the new rate.
    """
    reads(throttle, 2)
    faster = Table("people", 1, KEYS, {"id": "S"}, units=Units(10, 5))
    refused(throttle.read, faster, None, 1.0)
    clock.now += 1

    assert 10 == sum(not refused(throttle.read, faster, None, 1.0) for _ in range(20))


def test_batches_ask_before_they_take(throttle: Throttle) -> None:
    """
    Batches learn whether there are units left, for table and indexes, without an error.
    """
    assert throttle.has_read(TABLE, 5.0)
    assert not throttle.has_read(TABLE, 1.0)
    assert throttle.has_write(TABLE)
    throttle.write(write(1, by_city=1))
    assert not throttle.has_write(TABLE)


def test_a_clock_that_goes_back_takes_nothing_away(clock: Clock, throttle: Throttle) -> None:
    """
    When a clock is set back, units do not vanish.
    """
    reads(throttle, 1)
    clock.now -= 100

    assert 1 == reads(throttle, 5)
