"""The high-water mark: a flush when too much is dirty, at once or in the background.

Nobody tells a MemoryTable that a record was changed, and looking at all of them for every
change would take too long. So records are counted as they are handed out, saved or deleted,
each once; when there are enough, these are looked at, and the clean ones are no longer
counted. A change made to a record that was handed out long ago is not seen here, but by the
next flush like any other.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Literal

from ..errors import DynamoException
from .entries import is_dirty
from .identity import IdentityMap

__all__ = ["Pressure", "WhenFull"]

#: What happens at the mark: whoever passes it flushes and waits, or a thread does that.
WhenFull = Literal["block", "flush"]


class Pressure:
    """Keeps the number of dirty records of a map below a mark.

    Args:
        map: The map.
        max_dirty: The mark.
        when_full: ``block`` or ``flush``.
    """

    def __init__(self, map: IdentityMap, max_dirty: int, when_full: WhenFull) -> None:
        self._map = map
        self._when_full = when_full
        # So many at least can be handed out between two looks, which cost as much as there are.
        self._step = max(1, max_dirty // 8)
        self._enough = max_dirty - self._step + 1
        self._look_at = max_dirty
        self._max_dirty = max_dirty
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._error: Exception | None = None
        map.marks = set()

    def relieve(self, flush: Callable[[], Any]) -> None:
        """Flush if too much is dirty.

        Raises:
            BatchFailed: A flush, this one or one in the background before, could not write
                some records; they stay dirty. Each such error is raised once.
        """
        self.surface()
        marks, known = self._map.marks, self._map
        if marks is None or len(marks) < self._look_at:
            return
        # Not inside of a flush, whose checks may read; nor while a unit is not complete.
        if known.is_flushed_here or known.unit_owner is not None:
            return
        if self._count() < self._enough:
            return
        if self._when_full == "block":
            flush()
            self._count()
        else:
            self._begin(flush)

    def surface(self) -> None:
        """Raise what has gone wrong in the background, once."""
        with self._lock:
            error, self._error = self._error, None
        if error is not None:
            raise error

    def close(self) -> None:
        """Wait for what runs in the background."""
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def _count(self) -> int:
        """Look at what was counted, keep what is dirty, and return how much that is."""
        known = self._map
        with known.lock:
            taken, known.marks = known.marks or set(), set()
            entries = [entry for lookup in taken if (entry := known.cache.peek(lookup)) is not None]
        dirty = {entry.lookup for entry in entries if is_dirty(known.codec, entry)}
        with known.lock:
            known.marks = known.marks | dirty
        self._look_at = max(self._max_dirty, len(dirty) + self._step)
        return len(dirty)

    # --- in the background --------------------------------------------------------------------

    def _begin(self, flush: Callable[[], Any]) -> None:
        with self._lock:
            if self._thread is not None and self._thread.is_alive():
                return
            thread = threading.Thread(target=self._run, args=(flush,), name="dynamo_objects-flush")
            try:
                thread.start()
            except RuntimeError:  # too many threads, or the interpreter is shutting down
                self._thread = None
            else:
                self._thread = thread
                return
        flush()
        self._count()

    def _run(self, flush: Callable[[], Any]) -> None:
        try:
            flush()
        except Exception as error:
            with self._lock:
                self._error = error
        except BaseException as error:  # nobody would see it
            with self._lock:
                self._error = DynamoException(
                    f"the flush in the background was stopped: {type(error).__name__}"
                )
        self._count()
