"""Keeps a few connections for reuse, at most so many at a time: the last one used goes first."""

from __future__ import annotations

import select
import threading
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

from ..errors import TransportError

__all__ = ["Slots", "watch"]

Handle = TypeVar("Handle")


def watch(number: int, *, is_writing: bool = False) -> Callable[[float], object]:
    """Return a wait, of so many milliseconds at most, until there is something to read from a socket, the end for one.

    From a kept connection nothing is expected: if there is something, the other side has closed it.

    Args:
        number: Its file descriptor.
        is_writing: Wait until something can be written instead.
    """
    if not hasattr(select, "poll"):
        return lambda milliseconds: _selected(number, milliseconds / 1000, is_writing=is_writing)
    poll = select.poll()
    poll.register(number, select.POLLOUT if is_writing else select.POLLIN)
    return poll.poll


def _selected(number: int, seconds: float, *, is_writing: bool) -> bool:
    sockets = [number]
    if is_writing:  # Windows tells of failures in the third list
        return any(select.select([], sockets, sockets, seconds))
    return bool(select.select(sockets, [], [], seconds)[0])


class _Place(Generic[Handle]):
    """Where a thread stands in the line.

    Attributes:
        served: Set when it gets something.
        handle: The handle that was given; None: it may make one.
    """

    __slots__ = ("handle", "served")

    def __init__(self) -> None:
        self.served = threading.Event()
        self.handle: Handle | None = None


class Slots(Generic[Handle]):
    """Lends handles to threads, each to one thread at a time, and in the order in which they wait.

    Args:
        make: Makes a handle.
        close: Closes one.
        limit: No more handles than this exist at any time.
    """

    def __init__(self, make: Callable[[], Handle], close: Callable[[Handle], None], limit: int) -> None:
        self._make, self._close, self._limit = make, close, limit
        self._free: list[Handle] = []
        self._count = 0
        self._line: deque[_Place[Handle]] = deque()
        self._is_closed = False
        self._lock = threading.Lock()

    def take(self, timeout_seconds: float) -> Handle:
        """Return a free handle, or a new one, or wait for one.

        Raises:
            TransportError: None was free in time.
        """
        if not self._line:  # the common case goes without a lock
            try:
                return self._free.pop()
            except IndexError:
                pass
        return self._taken_late(timeout_seconds)

    def _taken_late(self, timeout_seconds: float) -> Handle:
        with self._lock:
            place = None
            if self._count < self._limit:
                self._count += 1
            else:
                place = _Place[Handle]()
                self._line.append(place)
                self._serve()  # what was given back a moment ago
        if place is not None:
            handle = self._waited(place, timeout_seconds)
            if handle is not None:
                return handle
        try:
            return self._make()
        except BaseException:
            self._forget_one()
            raise

    def _waited(self, place: _Place[Handle], timeout_seconds: float) -> Handle | None:
        """Return the handle that a thread got in its turn; None: it may make one."""
        try:
            place.served.wait(timeout_seconds)
        except BaseException:  # interrupted
            if not self._steps_out(place):
                self._forget_one() if place.handle is None else self.give(place.handle)
            raise
        if not place.served.is_set() and self._steps_out(place):
            raise TransportError(f"all {self._limit} connections are in use", sent=False)
        return place.handle

    def _steps_out(self, place: _Place[Handle]) -> bool:
        """Leave the line; tell whether that was possible: not for one who was served meanwhile."""
        with self._lock:
            if place.served.is_set():
                return False
            self._line.remove(place)
            return True

    def _serve(self) -> None:
        """Give free handles to those who wait. Whoever calls this holds the lock."""
        while self._line and (found := self.taken_apart(1)):
            place = self._line.popleft()
            (place.handle,) = found
            place.served.set()

    def give(self, handle: Handle) -> None:
        """Take a handle back that may be used again."""
        self._free.append(handle)
        if self._line:
            with self._lock:
                self._serve()
        if self._is_closed:
            self.close()

    def drop(self, handle: Handle) -> None:
        """Close a handle that must not be used again."""
        self._forget_one()
        self._close(handle)

    def _forget_one(self) -> None:
        with self._lock:
            if self._line:  # the first in the line makes another one
                self._line.popleft().served.set()
            else:
                self._count -= 1

    def close(self) -> None:
        """Close what is free now, and the rest when it is given back."""
        self._is_closed = True
        for handle in self.taken_apart():
            self.drop(handle)

    def taken_apart(self, limit: int | None = None) -> list[Handle]:
        """Return free handles, all or up to a limit, which are nobody's from then on."""
        found: list[Handle] = []
        while limit is None or len(found) < limit:
            try:
                found.append(self._free.pop())
            except IndexError:  # other threads take them too
                break
        return found
