"""Carries out the plan of a flush, marking each record clean as its write is acknowledged."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from typing import Any

from ..codec.values import Item
from ..connection.connection import Connection
from ..database.progress import Progress
from ..errors import DynamoException, Failure
from ..flows.base import Flow
from ..flows.batching import NotWritten, Written, write_batches
from ..flows.flushing import Done, Guarded, Refused, stops_flush, write_guarded, write_one
from ..flows.saving import saved
from ..operations.batch import Write
from ..operations.item import PutItem
from ..table import DynamoTable
from .entries import Entry
from .plan import FlushReport, Plan, Stored

__all__ = ["Flush"]


class Flush:
    """One flush of a MemoryTable.

    Args:
        table: The table to write to.
        plan: What to write.
        lock: Held while entries change, never while requests run.
        progress: Told how many records were written.
    """

    def __init__(
        self,
        table: DynamoTable[Any],
        plan: Plan,
        lock: AbstractContextManager[Any],
        progress: Progress | None,
    ) -> None:
        self._table = table
        self._codec = table._schema.codec
        self._plan = plan
        self._lock = lock
        self._progress = progress
        self._report = FlushReport(skipped=plan.skipped, failed=list(plan.failed))
        self._connection: Connection = table._connection.scope()

    def _guarded(self) -> list[Guarded]:
        token = self._table._token
        saves = (
            Guarded(save.operation, save, token(False, save.operation), entry)
            for entry, save in self._plan.saves
        )
        removals = (
            Guarded(removal.operation, None, token(False, removal.operation), removal.entry)
            for removal in self._plan.removals
        )
        return [*saves, *removals]

    # --- two ways -----------------------------------------------------------------------------

    def in_batches(self) -> FlushReport:
        """Write plain records by batch writes, then guarded ones, several at a time."""
        patience = self._connection.policy.deadline_seconds
        plain, guarded = self._plan.batch, self._guarded()
        stopped = None
        if plain:
            stopped = self._run(write_batches(plain, patience), plain)
        if guarded:
            if stopped is None:
                self._run(write_guarded(guarded), guarded)
            else:
                self._all_failed(guarded, stopped)
        return self._report

    def one_by_one(self) -> FlushReport:
        """Write each record with a request of its own, one after another."""
        patience = self._connection.policy.deadline_seconds
        writes: list[Write | Guarded] = [*self._plan.batch, *self._guarded()]
        for number, write in enumerate(writes):
            if isinstance(write, Write):
                flow: Flow[Any] = write_batches([write], patience)
            else:
                flow = write_one(write)
            stopped = self._run(flow, [write])
            if stopped is not None:
                self._all_failed(writes[number + 1 :], stopped)
                break
        return self._report

    def _run(self, flow: Flow[Any], writes: Iterable[Write | Guarded]) -> DynamoException | None:
        """Run a flow of writes; return the error that makes further ones useless."""
        pending: dict[Write | Guarded, None] = dict.fromkeys(writes)
        events: Iterator[Any] = self._connection.stream(flow)
        try:
            for event in events:
                self._take(event, pending)
        except DynamoException as error:
            self._all_failed(pending, error)
            return error if stops_flush(error) else None
        finally:
            self._report.requests = sum(self._connection.requests.values())
        return None

    # --- events -------------------------------------------------------------------------------

    def _take(self, event: Any, pending: dict[Write | Guarded, None]) -> None:
        match event:
            case Written(writes):
                for write in writes:
                    pending.pop(write, None)
                    self._stored(write.ref, write.item)
                self._tell(len(writes))
            case Done(guarded):
                pending.pop(guarded, None)
                self._guarded_done(guarded)
                self._tell(1)
            case NotWritten(write, reason) | Refused(write, reason):
                pending.pop(write, None)
                self._all_failed([write], reason)

    def _tell(self, count: int) -> None:
        if self._progress is not None and count:
            self._progress.update(count)

    def _all_failed(self, writes: Iterable[Write | Guarded], reason: DynamoException) -> None:
        for write in writes:
            entry: Entry = write.ref.entry if isinstance(write, Write) else write.ref
            self._report.failed.append(Failure(entry.key, reason, entry.record))

    def _stored(self, stored: Stored, item: Item | None) -> None:
        with self._lock:
            if item is None:
                self._report.deletes += 1
                _removed(stored.entry)
                return
            self._report.puts += 1
            now = stored.record
            if stored.save is not None:
                now = saved(stored.save)
            else:
                self._codec.remember(now, item, stored.loaded)
            self._settle(stored.entry, stored.record, now, item)

    def _guarded_done(self, guarded: Guarded) -> None:
        entry: Entry = guarded.ref
        with self._lock:
            if guarded.save is None:
                self._report.deletes += 1
                _removed(entry)
                return
            if isinstance(guarded.operation, PutItem):
                self._report.puts += 1
            else:
                self._report.updates += 1
            self._settle(entry, guarded.save.record, saved(guarded.save), guarded.save.item)

    def _settle(self, entry: Entry, written: Any, now: Any, item: Item) -> None:
        """Take over what the table holds now, whatever happened to the entry meanwhile."""
        entry.base, entry.is_known = item, True
        if entry.record is written:
            entry.record, entry.is_saved, entry.created = now, False, None
        elif entry.record is not None and entry.record._item is not None:
            self._codec.remember(entry.record, item, None)  # another instance: compare with this


def _removed(entry: Entry) -> None:
    entry.base, entry.is_known, entry.is_deleted = None, True, False
