"""How many requests of groups run at the same time: more while all goes well, half as many when throttled.

The arithmetic is in `Limit`; `Gate` lets threads through by it. What waits and what sends holds no lock.
"""

from __future__ import annotations

import math
import threading

__all__ = ["Gate", "Limit"]

#: A connection begins with as many at least, if it may.
_BEGIN = 4

#: The step to where it was throttled last is so much slower: each try costs a refused request.
_CARE = 20

#: Seconds between two looks of a thread that waits whether anybody still wants what it does.
_LOOK_SECONDS = 0.1


class Limit:
    """A number from 1 to a bound that follows what comes back from requests.

    A *round* is the time between two halvings. Requests that ran together are throttled together, and all
    of them say one thing; so what comes back from a request of an earlier round changes nothing.

    Args:
        most: The bound, 1 at least.
    """

    __slots__ = ("_knee", "_most", "_value", "round")

    def __init__(self, most: int) -> None:
        self._most = max(most, 1)
        self._value = float(min(self._most, max(_BEGIN, self._most // 2)))
        self._knee = math.inf
        self.round = 0

    @property
    def now(self) -> int:
        """Return how many requests may run at the same time."""
        return int(self._value)

    def succeeded(self, begun: int) -> None:
        """Grow: by one when as many as run together have succeeded; with care where it was throttled last.

        Args:
            begun: The round in which the request began.
        """
        if begun != self.round:
            return
        if self._value >= self._knee:
            self._knee = math.inf
        care = 1 if self._value + 1 < self._knee or self._knee == math.inf else _CARE
        self._value = min(float(self._most), self._value + 1 / (self._value * care))

    def throttled(self, begun: int) -> None:
        """Halve.

        Args:
            begun: The round in which the request began.
        """
        if begun == self.round:
            self._knee = self._value
            self._value = max(1.0, self._value / 2)
            self.round += 1


class Gate:
    """Lets as many threads through at the same time as the limit says.

    Args:
        most: No more than this are ever let through.
    """

    def __init__(self, most: int) -> None:
        self._limit = Limit(most)
        self._begun = threading.local()
        self.renew()

    def renew(self) -> None:
        """Begin anew in a forked child: threads of the parent are not there."""
        self._running = 0
        self._room = threading.Condition(threading.Lock())

    @property
    def now(self) -> int:
        """Return how many are let through at the same time."""
        return self._limit.now

    def enter(self, abandoned: threading.Event) -> bool:
        """Wait until there is room, and take it; tell whether it was taken before *abandoned* was set."""
        with self._room:
            while self._running >= self._limit.now:
                if abandoned.is_set():
                    return False
                self._room.wait(_LOOK_SECONDS)
            self._running += 1
            self._begun.round = self._limit.round
        return True

    def leave(self, *, is_good: bool) -> None:
        """Give the room back.

        Args:
            is_good: Whether the request succeeded.
        """
        with self._room:
            self._running -= 1
            if is_good:
                self._limit.succeeded(self._begun.round)
            self._room.notify(2)  # room for one, and for another one if the limit has grown

    def throttled(self) -> None:
        """Take note that the last request of this thread was throttled, or a part of it."""
        with self._room:
            self._limit.throttled(getattr(self._begun, "round", -1))
