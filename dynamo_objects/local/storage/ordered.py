"""Positions in order: a sorted list that stays cheap with millions of them.

The list is cut into short lists, so that inserting moves few elements, and the last position
of each is kept beside them, so that finding is two bisections.
"""

from __future__ import annotations

from bisect import bisect_left, insort

from ..definitions import Position

__all__ = ["Positions"]

#: A list of twice this length is halved; one of a quarter is joined to its neighbour.
_LENGTH = 128


class Positions:
    """A sorted set of positions."""

    __slots__ = ("_lasts", "_lists")

    def __init__(self) -> None:
        self._lists: list[list[Position]] = []
        self._lasts: list[Position] = []

    def add(self, position: Position) -> None:
        """Add a position that is not there."""
        lists, lasts = self._lists, self._lasts
        if not lasts or position > lasts[-1]:
            self._append(position)
            return
        at = bisect_left(lasts, position)
        found = lists[at]
        insort(found, position)
        if len(found) > 2 * _LENGTH:
            self._halve(at)

    def remove(self, position: Position) -> None:
        """Remove a position that is there."""
        lists, lasts = self._lists, self._lasts
        at = bisect_left(lasts, position)
        found = lists[at]
        del found[bisect_left(found, position)]
        if len(found) < _LENGTH // 4:
            self._join(at)
        else:
            lasts[at] = found[-1]

    def ahead(self, low: Position, high: Position | None, count: int) -> list[Position]:
        """Return up to *count* positions from *low* on, before *high*, in order."""
        lists, lasts = self._lists, self._lasts
        at = bisect_left(lasts, low)
        if at == len(lasts):
            return []
        start = bisect_left(lists[at], low)
        result = lists[at][start : start + count]
        while len(result) < count and at + 1 < len(lists):
            at += 1
            result += lists[at][: count - len(result)]
        if high is not None and result and result[-1] >= high:
            del result[bisect_left(result, high) :]
        return result

    def behind(self, low: Position, high: Position | None, count: int) -> list[Position]:
        """Return up to *count* positions before *high*, not before *low*, from the last to the first."""
        lists, lasts = self._lists, self._lasts
        at = len(lists) if high is None else bisect_left(lasts, high)
        end = 0 if high is None or at == len(lists) else bisect_left(lists[at], high)
        result = lists[at][max(0, end - count) : end][::-1] if end else []
        while len(result) < count and at:
            at -= 1
            result += lists[at][: -1 - (count - len(result)) : -1]
        while result and result[-1] < low:
            result.pop()
        return result

    def _append(self, position: Position) -> None:
        if not self._lists:
            self._lists.append([position])
            self._lasts.append(position)
            return
        last = self._lists[-1]
        last.append(position)
        self._lasts[-1] = position
        if len(last) > 2 * _LENGTH:
            self._halve(len(self._lists) - 1)

    def _halve(self, at: int) -> None:
        found = self._lists[at]
        self._lists.insert(at + 1, found[_LENGTH:])
        del found[_LENGTH:]
        self._lasts.insert(at, found[-1])

    def _join(self, at: int) -> None:
        """Join a list that became short to the one before it, or the first to the second."""
        lists, lasts = self._lists, self._lasts
        if len(lists) > 1:
            first = max(0, at - 1)
            lists[first] += lists.pop(first + 1)
            del lasts[first]
            lasts[first] = lists[first][-1]
            if len(lists[first]) > 2 * _LENGTH:
                self._halve(first)
        elif lists[at]:
            lasts[at] = lists[at][-1]
        else:
            lists.clear()
            lasts.clear()
