"""Fewer looks of the garbage collector while very much is flushed.

A flush of a million records makes millions of objects that stay. The collector looks at all
of them again and again, for a third of the time of the flush (measured), and finds nothing.
While a large flush runs it looks only after so many new objects that what others leave
behind meanwhile stays below some megabytes.
"""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["few_collections"]

#: New objects between two looks of the collector; 700 is usual, or 2,000 from Python 3.13 on.
_OBJECTS = 100_000

_lock = threading.Lock()
_flushes = 0
_before = gc.get_threshold()


@contextmanager
def few_collections(is_large: bool) -> Iterator[None]:
    """Have the collector look less often while the block runs, if it is about much."""
    if not is_large:
        yield
        return
    _begin()
    try:
        yield
    finally:
        _end()


def _begin() -> None:
    global _flushes, _before
    with _lock:
        _flushes += 1
        now = gc.get_threshold()
        if _flushes == 1 and 0 < now[0] < _OBJECTS:  # 0: somebody has switched it off
            _before = now
            gc.set_threshold(_OBJECTS, *now[1:])


def _end() -> None:
    global _flushes
    with _lock:
        _flushes -= 1
        if _flushes == 0 and gc.get_threshold()[0] == _OBJECTS:  # nobody else has changed it
            gc.set_threshold(*_before)
