"""Keeps a few connections for reuse, at most so many at a time: the last one used goes first."""

from __future__ import annotations

import select
import threading
import time
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


class Slots(Generic[Handle]):
    """Lends handles to threads, each to one thread at a time.

    Args:
        make: Makes a handle.
        close: Closes one.
        limit: No more handles than this exist at any time.
    """

    def __init__(self, make: Callable[[], Handle], close: Callable[[Handle], None], limit: int) -> None:
        self._make, self._close, self._limit = make, close, limit
        self._free: list[Handle] = []
        self._count = 0
        self._waiting = 0
        self._is_closed = False
        self._room = threading.Condition(threading.Lock())

    def take(self, timeout_seconds: float) -> Handle:
        """Return a free handle, or a new one, or wait for one.

        Raises:
            TransportError: None was free in time.
        """
        try:
            return self._free.pop()  # the common case goes without a lock
        except IndexError:
            return self._taken_late(timeout_seconds)

    def _taken_late(self, timeout_seconds: float) -> Handle:
        deadline = time.monotonic() + timeout_seconds
        with self._room:
            self._waiting += 1
            try:
                while self._count >= self._limit:
                    for handle in self.taken_apart(1):
                        return handle
                    left = deadline - time.monotonic()
                    if left <= 0:
                        raise TransportError(f"all {self._limit} connections are in use", sent=False)
                    self._room.wait(left)
                self._count += 1
            finally:
                self._waiting -= 1
        try:
            return self._make()
        except BaseException:
            self._forget_one()
            raise

    def give(self, handle: Handle) -> None:
        """Take a handle back that may be used again."""
        self._free.append(handle)
        if self._waiting:
            with self._room:
                self._room.notify()
        if self._is_closed:
            self.close()

    def drop(self, handle: Handle) -> None:
        """Close a handle that must not be used again."""
        self._forget_one()
        self._close(handle)

    def _forget_one(self) -> None:
        with self._room:
            self._count -= 1
            self._room.notify()

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
