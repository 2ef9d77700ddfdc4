"""The writing side of a MemoryTable: flushes, units, and what happens at its end."""

from __future__ import annotations

from contextlib import suppress
from types import TracebackType
from typing import Self

from ..database.progress import Progress
from ..flows.deciding import OnConflict
from .flushing import Manner, flush_tables
from .identity import IdentityMap
from .leftovers import leave
from .plan import FlushReport
from .pressure import Pressure
from .units import Unit

__all__ = ["Writing"]


class Writing:
    """What is common to all MemoryTables, whatever their records.

    Attributes:
        _map: What is cached.
        _pressure: The high-water mark, if there is one.
    """

    _map: IdentityMap
    _pressure: Pressure | None

    # --- flushing -------------------------------------------------------------------------------

    def save_data(
        self,
        ignore_errors: bool = False,
        overwrite: bool = False,
        progress: Progress | None = None,
        *,
        atomic: bool = False,
        on_conflict: OnConflict | None = None,
        times: dict[str, float] | None = None,
    ) -> FlushReport:
        """Write all dirty records one by one, each guarded as by ``DynamoTable.save``.

        Args:
            ignore_errors: Return the report even if some were not written.
            overwrite: Write whatever is stored.
            progress: Its ``update(n)`` is called as records are written.
            atomic: Write them in one transaction, all or none; at most 100 records of 4 MB.
            on_conflict: What to do when somebody else has changed a record: as for
                ``DynamoTable.save``; None: as this MemoryTable was made.
            times: Gets the seconds spent, added to ``mem_flush_plan``, ``mem_flush_write``
                and ``mem_flush_total``.

        Raises:
            BatchFailed: Some were not written; they stay dirty. ``report`` says which and why.
            DynamoException: Nothing was sent: a transaction cannot hold so much, say.
        """
        manner = Manner(
            ignore_errors=ignore_errors,
            overwrite=overwrite,
            one_by_one=True,
            atomic=atomic,
            on_conflict=on_conflict,
            progress=progress,
            times=times,
        )
        return self._flush(manner)

    def save_data_batch(
        self,
        ignore_errors: bool = False,
        overwrite: bool = False,
        progress: Progress | None = None,
        *,
        on_conflict: OnConflict | None = None,
        times: dict[str, float] | None = None,
    ) -> FlushReport:
        """Write all dirty records by batch writes, 25 to a request, several at a time.

        DynamoDB's batch writes carry no conditions: the last writer wins. Records with a
        version field are written conditionally instead, unless *overwrite* is set; only for
        these *on_conflict* has anything to decide.
        Arguments and errors are those of ``save_data``.
        """
        manner = Manner(
            ignore_errors=ignore_errors,
            overwrite=overwrite,
            on_conflict=on_conflict,
            progress=progress,
            times=times,
        )
        return self._flush(manner)

    batch_write = save_data_batch

    def _flush(self, manner: Manner) -> FlushReport:
        return flush_tables([self._map], manner)[-1]

    def _relieve(self) -> None:
        """Flush if too much is dirty."""
        if self._pressure is not None:
            self._pressure.relieve(self.save_data_batch)

    def unit(self) -> Unit:
        """Return a unit: an exception in its ``with`` block undoes all changes made in it. ::

            with stores.unit():
                stores.get("s1").visits += 1
                stores.delete("s2")

        Nothing is sent; when the block ends well, the changes wait for the next flush. A unit
        looks at every cached record when it begins, and copies those that are dirty or new.
        Other threads may read meanwhile; changes that they make to cached records are undone
        with it. A unit in a unit is undone alone. Flushes wait until the unit is over.
        """
        return Unit(self._map)

    # --- with -----------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        if self._map.journal is not None:
            self._map.journal.open()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                self.save_data_batch()
                self.close()
            else:
                self._map.forget_leftovers()
        finally:
            if self._map.journal is not None:
                self._map.journal.close()

    def close(self) -> None:
        """Wait for a flush in the background, and raise what has gone wrong in it.

        A journal is closed too: others may use it then. What it has accepted stays in it.
        """
        if self._pressure is not None:
            self._pressure.close()
        if self._map.journal is not None:
            self._map.journal.close()
        if self._pressure is not None:
            self._pressure.surface()

    def __del__(self) -> None:
        with suppress(Exception):  # the constructor may have failed, or the interpreter end
            leave(self._map)
