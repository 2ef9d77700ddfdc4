"""Handles that are lent to threads: how many there are, and what becomes of them."""

from __future__ import annotations

import threading
import time

import pytest

from dynamo_objects.connection.slots import Slots
from dynamo_objects.errors import TransportError


class Handles:
    """Makes numbers, and notes which were closed."""

    def __init__(self) -> None:
        self.made = 0
        self.closed: list[int] = []

    def slots(self, limit: int) -> Slots[int]:
        """Return slots for so many."""
        return Slots(self.make, self.closed.append, limit)

    def make(self) -> int:
        """Return the next number."""
        self.made += 1
        return self.made


def test_the_last_one_used_goes_first() -> None:
    """
    So the others can be closed by the other side when there is little to do.
    """
    slots = Handles().slots(3)
    first, second = slots.take(0), slots.take(0)
    slots.give(first)
    slots.give(second)

    assert second == slots.take(0)


def test_there_are_never_more() -> None:
    """
    Nothing was sent by a thread that found none; one that was dropped makes room.
    """
    handles = Handles()
    slots = handles.slots(1)
    only = slots.take(0)
    with pytest.raises(TransportError, match="all 1 connections") as caught:
        slots.take(0)
    slots.drop(only)

    assert not caught.value.sent
    assert 2 == slots.take(0)
    assert [1] == handles.closed


@pytest.mark.parametrize("end", ["give", "drop"])
def test_who_waits_gets_one(end: str) -> None:
    """
    The one that is given back, or a new one.
    """
    slots = Handles().slots(1)
    only = slots.take(0)
    got: list[int] = []
    thread = threading.Thread(target=lambda: got.append(slots.take(5)))
    thread.start()
    getattr(slots, end)(only)
    thread.join()

    assert [1 if end == "give" else 2] == got


def test_one_that_cannot_be_made_takes_no_room() -> None:
    """
    The next try makes it.
    """
    failures = [OSError("no")]

    def make() -> int:
        if failures:
            raise failures.pop()
        return 1

    slots: Slots[int] = Slots(make, lambda handle: None, 1)
    with pytest.raises(OSError, match="no"):
        slots.take(0)

    assert 1 == slots.take(0)


def test_closing_closes_what_is_lent_when_it_comes_back() -> None:
    """
    Who has one may use it to its end.
    """
    handles = Handles()
    slots = handles.slots(2)
    first, second = slots.take(0), slots.take(0)
    slots.give(first)
    slots.close()
    assert [first] == handles.closed
    slots.give(second)

    assert [first, second] == handles.closed


def test_many_threads() -> None:
    """
    A handle is with one thread at a time.
    """
    handles = Handles()
    slots = handles.slots(3)
    used: set[int] = set()
    wrong: list[int] = []

    def work() -> None:
        for _ in range(300):
            handle = slots.take(5)
            if handle in used:
                wrong.append(handle)
            used.add(handle)
            used.discard(handle)
            slots.give(handle)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [] == wrong
    assert 3 >= handles.made


def test_those_who_wait_come_first() -> None:
    """
    In their order: a thread that gives its handle back and wants it again stands behind them.
    """
    slots = Handles().slots(1)
    order: list[str] = []

    def work(name: str) -> None:
        handle = slots.take(10)
        order.append(name)
        slots.give(handle)

    handle = slots.take(0)
    threads = []
    for name in ("first", "second", "third"):
        threads.append(threading.Thread(target=work, args=(name,)))
        threads[-1].start()
        while len(slots._line) < len(threads):
            time.sleep(0.001)
    slots.give(handle)
    work("the one before")
    for thread in threads:
        thread.join()

    assert ["first", "second", "third", "the one before"] == order


def test_who_has_waited_in_vain_is_forgotten() -> None:
    """
    The handle that comes back too late for one is there for the next.
    """
    slots = Handles().slots(1)
    handle = slots.take(0)
    with pytest.raises(TransportError):
        slots.take(0.01)
    slots.give(handle)

    assert handle == slots.take(0)


def test_a_dropped_handle_makes_room_for_those_who_wait() -> None:
    """
    The next in the line makes another one.
    """
    handles = Handles()
    slots = handles.slots(1)
    handle = slots.take(0)
    taken: list[int] = []
    thread = threading.Thread(target=lambda: taken.append(slots.take(10)))
    thread.start()
    while not slots._line:
        time.sleep(0.001)
    slots.drop(handle)
    thread.join()

    assert [2] == taken
    assert [handle] == handles.closed
