"""Carries out the plans of a flush, marking each record clean as its write is acknowledged."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import AbstractContextManager, closing
from itertools import chain
from typing import Any

from ..codec.records import RecordCodec
from ..codec.values import Item
from ..connection.connection import Connection
from ..database.progress import Progress
from ..errors import DynamoException, Failure, OutcomeUnknown
from ..flows.base import Flow
from ..flows.batching import NotWritten, Written
from ..flows.flushing import Begun, Done, Guarded, Refused, noted, write_in_turn, write_together
from ..flows.planning import Save
from ..flows.resolving import Resolved
from ..flows.saving import saved
from ..flows.transacting import write_as_one
from ..operations.batch import Write
from ..operations.item import PutItem
from .entries import Entry, rebased, recount
from .plan import FlushReport, Plan, Stored
from .resolved import count, take_over

__all__ = ["Flush", "Settling"]


class Flush:
    """One flush, of one table or of several.

    Args:
        connection: Sends the writes.
        parts: What is to be done with the records of each table.
        progress: Told how many records were written.

    Attributes:
        error: Why no further writes were begun; None if all were.
    """

    def __init__(
        self, connection: Connection, parts: Sequence[Settling], progress: Progress | None = None
    ) -> None:
        self._connection = connection.scope()
        self._parts = parts
        self._progress = progress
        self.error: DynamoException | None = None

    def run(self, *, one_by_one: bool = False, token: str | None = None) -> int:
        """Write everything that can be written, and return the number of requests sent.

        Args:
            one_by_one: Without batches.
            token: Of the transaction, for all or nothing.
        """
        if any(part.pending for part in self._parts):
            flow = noted(self._flow(one_by_one, token), self._note)
            try:
                with closing(self._connection.stream(flow)) as events:
                    self._follow(events)
            except BaseException:  # it was interrupted: of what was sent nobody knows
                for part in self._parts:
                    part.interrupted()
                raise
        return sum(self._connection.requests.values())

    def _flow(self, one_by_one: bool, token: str | None) -> Flow[None]:
        patience = self._connection.policy.deadline_seconds
        writes = list(chain.from_iterable(part.pending for part in self._parts))
        if token is not None:
            return write_as_one(writes, token)
        if one_by_one:
            return write_in_turn(writes, patience)
        plain = list(chain.from_iterable(part.plan.batch for part in self._parts))
        guarded = list(chain.from_iterable(part.plan.guarded for part in self._parts))
        return write_together(plain, guarded, patience)

    def _follow(self, events: Generator[Any, None, None]) -> None:
        """Show the progress until the flow has ended, well or not."""
        while True:
            try:
                event = next(events)
            except StopIteration:
                return
            except DynamoException as error:  # nothing more was begun
                self.error = error
                for part in self._parts:
                    part.give_up(error)
                return
            count = len(event.writes) if isinstance(event, Written) else isinstance(event, Done)
            if self._progress is not None and count:
                self._progress.update(int(count))

    # --- events, in whatever thread they happen ---------------------------------------------------

    def _note(self, event: Any) -> None:
        match event:
            case Written(writes):
                for part in self._parts:
                    part.written([w for w in writes if w in part.pending] if self._parts[1:] else writes)
            case Begun(guarded):
                self._part_of(guarded).begun.add(guarded)
            case Done(guarded, resolved):
                self._part_of(guarded).done(guarded, resolved)
            case NotWritten(write, reason) | Refused(write, reason):
                self._part_of(write).failed([write], reason)

    def _part_of(self, write: Write | Guarded) -> Settling:
        """Return the part that a write is from; one that was settled before is nobody's."""
        return next((part for part in self._parts if write in part.pending), self._parts[0])


class Settling:
    """What becomes of the records of one table in a flush.

    Args:
        codec: Of the records.
        plan: What is to be written.
        lock: Held while entries change, never while requests run.

    Attributes:
        pending: Writes of which nothing is known yet.
        begun: Conditional writes that were sent.
        report: What was done.
        acknowledge: Told of acknowledged writes first.
    """

    def __init__(self, codec: RecordCodec, plan: Plan, lock: AbstractContextManager[Any]) -> None:
        self._codec = codec
        self._lock = lock
        self.plan = plan
        self.pending: dict[Write | Guarded, None] = dict.fromkeys([*plan.batch, *plan.guarded])
        self.begun: set[Guarded] = set()
        self.report = FlushReport(skipped=plan.skipped, failed=list(plan.failed))
        self.acknowledge: Callable[[Iterable[Write | Guarded]], None] | None = None

    @property
    def is_idle(self) -> bool:
        """Tell whether there is nothing to write."""
        return not self.plan.batch and not self.plan.guarded

    def give_up(self, reason: Exception) -> None:
        """Report everything that is still pending as not written, or not known to be."""
        begun = [write for write in self.pending if isinstance(write, Guarded) and write in self.begun]
        for write in begun:
            table, key = write.plan.operation.subject
            lost = OutcomeUnknown(write.plan.operation.name, table=table, key=key)
            lost.__cause__ = reason
            self.failed([write], lost)
        self.failed(list(self.pending), reason)

    def interrupted(self) -> None:
        """Take note that nobody will ever know what became of everything that is still pending."""
        with self._lock:
            for write in self.pending:
                write.ref.entry.is_doubtful = True

    def failed(self, writes: Iterable[Write | Guarded], reason: Exception) -> None:
        """Take note that writes were refused, or that nobody knows what became of them."""
        with self._lock:
            for write in writes:
                if write in self.pending:
                    del self.pending[write]
                    stored: Stored = write.ref
                    self.report.failed.append(Failure(stored.entry.key, reason, stored.record))
                    # A batch may have got through before it was refused.
                    if isinstance(reason, OutcomeUnknown) or isinstance(write, Write):
                        stored.entry.is_doubtful = True
                    if stored.record is not None and stored.entry.base is None:
                        _perhaps_stored(stored.entry)

    def written(self, writes: Sequence[Write]) -> None:
        """Take note that plain writes were acknowledged."""
        if self.acknowledge is not None:
            self.acknowledge(writes)
        successors = [_successor(write.ref.save) for write in writes]
        with self._lock:
            for write, now in zip(writes, successors, strict=True):
                self.pending.pop(write, None)
                if write.item is None:
                    self.report.deletes += 1
                    self._removed(write.ref.entry)
                else:
                    self.report.puts += 1
                    self._stored(write.ref, write.item, now)

    def done(self, guarded: Guarded, resolved: Resolved | None = None) -> None:
        """Take note that a conditional write was acknowledged, or its conflict resolved."""
        if self.acknowledge is not None:
            self.acknowledge([guarded])
        stored: Stored = guarded.ref
        case = guarded.case
        if resolved is not None and case is not None:
            with self._lock:
                self.pending.pop(guarded, None)
                count(self.report, resolved)
                take_over(case.schema, case.table, stored, resolved)
            return
        now = _successor(stored.save)
        with self._lock:
            self.pending.pop(guarded, None)
            if stored.save is None:
                self.report.deletes += 1
                self._removed(stored.entry)
                return
            if isinstance(guarded.plan.operation, PutItem):
                self.report.puts += 1
            else:
                self.report.updates += 1
            self._stored(stored, stored.save.item, now)

    # --- what the table holds now -----------------------------------------------------------------

    def _stored(self, stored: Stored, item: Item, now: Any) -> None:
        """Take over that an item was stored, whatever happened to its entry meanwhile."""
        entry = stored.entry
        entry.base, entry.is_known, entry.is_gone, entry.is_doubtful = item, True, False, False
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
        entry.is_doubtful = False
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
