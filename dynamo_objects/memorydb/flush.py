"""Carries out the plan of a flush, marking each record clean as its write is acknowledged."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from contextlib import AbstractContextManager, closing
from typing import Any

from ..codec.records import RecordCodec
from ..codec.values import Item
from ..connection.connection import Connection
from ..database.progress import Progress
from ..errors import DynamoException, Failure
from ..flows.batching import NotWritten, Written
from ..flows.flushing import Done, Guarded, Refused, noted, write_in_turn, write_together
from ..flows.saving import Save, saved
from ..operations.batch import Write
from ..operations.item import PutItem
from .entries import Entry, rebased, recount
from .plan import FlushReport, Plan, Stored

__all__ = ["Flush"]


class Flush:
    """One flush of a MemoryTable.

    Args:
        connection: Sends the writes.
        codec: Of the records.
        plan: What to write.
        lock: Held while entries change, never while requests run.
        progress: Told how many records were written.
    """

    def __init__(
        self,
        connection: Connection,
        codec: RecordCodec,
        plan: Plan,
        lock: AbstractContextManager[Any],
        progress: Progress | None,
    ) -> None:
        self._connection = connection.scope()
        self._codec = codec
        self._lock = lock
        self._progress = progress
        self._plan = plan
        self._pending: dict[Write | Guarded, None] = dict.fromkeys([*plan.batch, *plan.guarded])
        self._report = FlushReport(skipped=plan.skipped, failed=list(plan.failed))

    def run(self, *, one_by_one: bool) -> FlushReport:
        """Write everything that can be written, and return what was done."""
        if self._pending:
            patience = self._connection.policy.deadline_seconds
            if one_by_one:
                flow = write_in_turn(list(self._pending), patience)
            else:
                flow = write_together(self._plan.batch, self._plan.guarded, patience)
            with closing(self._connection.stream(noted(flow, self._note))) as events:
                self._follow(events)
        self._report.requests = sum(self._connection.requests.values())
        return self._report

    def _follow(self, events: Generator[Any, None, None]) -> None:
        """Show the progress until the flow has ended, well or not."""
        while True:
            try:
                event = next(events)
            except StopIteration:
                return
            except DynamoException as error:  # nothing more was begun
                with self._lock:
                    self._failed(list(self._pending), error)
                return
            count = len(event.writes) if isinstance(event, Written) else isinstance(event, Done)
            if self._progress is not None and count:
                self._progress.update(int(count))

    # --- events, in whatever thread they happen ---------------------------------------------------

    def _note(self, event: Any) -> None:
        match event:
            case Written(writes):
                for write in writes:
                    self._written(write)
            case Done(guarded):
                self._done(guarded)
            case NotWritten(write, reason) | Refused(write, reason):
                with self._lock:
                    self._failed([write], reason)

    def _failed(self, writes: Iterable[Write | Guarded], reason: DynamoException) -> None:
        for write in writes:
            if write in self._pending:
                del self._pending[write]
                stored: Stored = write.ref
                self._report.failed.append(Failure(stored.entry.key, reason, stored.record))
                if stored.record is not None and stored.entry.base is None:
                    _perhaps_stored(stored.entry)

    def _written(self, write: Write) -> None:
        stored: Stored = write.ref
        now = _successor(stored.save)
        with self._lock:
            self._pending.pop(write, None)
            if write.item is None:
                self._report.deletes += 1
                self._removed(stored.entry)
            else:
                self._report.puts += 1
                self._stored(stored, write.item, now)

    def _done(self, guarded: Guarded) -> None:
        stored: Stored = guarded.ref
        now = _successor(stored.save)
        with self._lock:
            self._pending.pop(guarded, None)
            if stored.save is None:
                self._report.deletes += 1
                self._removed(stored.entry)
                return
            if isinstance(guarded.plan.operation, PutItem):
                self._report.puts += 1
            else:
                self._report.updates += 1
            self._stored(stored, stored.save.item, now)

    # --- what the table holds now -----------------------------------------------------------------

    def _stored(self, stored: Stored, item: Item, now: Any) -> None:
        """Take over that an item was stored, whatever happened to its entry meanwhile."""
        entry = stored.entry
        entry.base, entry.is_known, entry.is_gone = item, True, False
        if entry.record is stored.record:
            if now is not None:
                entry.record = now
            elif stored.save is not None:
                saved(stored.save)
            self._codec.remember(entry.record, item, stored.loaded)
            entry.created, entry.is_deleted = None, False
        elif entry.record is None or entry.record._stored is None:
            entry.is_deleted = True  # deleted or replaced meanwhile
            recount(self._codec, entry)
        else:  # another instance, which was put in its place: a change of this item
            entry.record = rebased(self._codec, entry.record, item)

    def _removed(self, entry: Entry) -> None:
        entry.base, entry.is_known, entry.is_gone, entry.is_deleted = None, True, True, False
        if entry.record is not None and entry.record._stored is not None:
            self._codec.remember(entry.record, None, None)  # saved again meanwhile


def _successor(save: Save | None) -> Any:
    """Return the saved copy of a frozen record whose version counts; its checks run without a lock."""
    if save is None or save.version is None or not type(save.record).__dynamo_frozen__:
        return None
    return saved(save)


def _perhaps_stored(entry: Entry) -> None:
    """Take over that nobody knows any more whether the table has an item."""
    entry.is_known = False
    if entry.record is None:
        entry.is_deleted = True
