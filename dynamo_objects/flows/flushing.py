"""The writes of a flush, several at a time or one after another, each reported on its own.

What concerns one record does not stop the others. After errors that would meet every
write, such as a missing table, and after several writes in a row that were given up,
no further ones are begun.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import Any

import msgspec

from ..codec.structs import Quiet
from ..errors import (
    ConditionFailed,
    ConflictError,
    DynamoException,
    InternalError,
    InvalidRequest,
    ItemCollectionTooLarge,
    NotDynamoDBReply,
    OutcomeUnknown,
    QueryError,
    ThrottledError,
    TransactionConflict,
    TransportError,
)
from ..operations.batch import MAX_WRITES, Write
from .base import Emit, Flow, Together
from .batching import NotWritten, Written, write_batches
from .deciding import Case
from .planning import Save
from .removing import Removal, explain_removal
from .resolving import Resolved, Undecided, resolve
from .saving import explain

__all__ = [
    "Begun",
    "Done",
    "Guarded",
    "Refused",
    "Removal",
    "noted",
    "write_in_turn",
    "write_together",
]

#: Errors that concern one record alone.
_OF_ONE_RECORD = (ConditionFailed, InvalidRequest, ItemCollectionTooLarge, QueryError, TransactionConflict)
#: After these, given up at the end of all retries, other writes may still get through.
_MAY_PASS = (ThrottledError, InternalError)
#: So many writes given up, and none carried out between them, are the end of a flush.
_MAX_GIVEN_UP = 3


class Guarded(Quiet, frozen=True, eq=False):
    """One conditional write.

    Attributes:
        plan: What is to be done.
        ref: Whatever the caller wants to find again.
        case: What is to happen when it meets somebody else's write; None: it is refused.
    """

    unshown = frozenset({"ref", "case"})

    plan: Save | Removal
    ref: Any
    case: Case | None = None


class Begun(msgspec.Struct, frozen=True):
    """A conditional write is about to be sent; nothing but the ``note`` of ``noted`` sees this."""

    write: Guarded


class Done(msgspec.Struct, frozen=True):
    """A conditional write was acknowledged, or its conflict was resolved."""

    write: Guarded
    resolved: Resolved | None = None


class Refused(msgspec.Struct, frozen=True):
    """A conditional write was not carried out; the reason tells whether it may have been."""

    write: Guarded
    reason: Exception


def write_together(plain: Sequence[Write], guarded: Iterable[Guarded], patience_seconds: float) -> Flow[None]:
    """Carry out writes of different keys in parallel, plain ones in batches.

    Emits Written and NotWritten for plain ones, Done and Refused for guarded ones.

    Args:
        plain: Unconditional writes.
        guarded: Conditional ones.
        patience_seconds: How long one batch may go on without any write getting through.

    Raises:
        DynamoException: Further writes would fare no better; they were not begun.
    """
    health = _Health()
    yield Together(
        chain(
            (_write_batch(batch, patience_seconds, health) for batch in _chunks(plain)),
            (_write_guarded(write, health) for write in guarded),
        )
    )


def write_in_turn(writes: Iterable[Write | Guarded], patience_seconds: float) -> Flow[None]:
    """Carry out writes one after another; otherwise as ``write_together``."""
    health = _Health()
    for write in writes:
        if isinstance(write, Write):
            yield from _write_batch([write], patience_seconds, health)
        else:
            yield from _write_guarded(write, health)


def _chunks(writes: Sequence[Write]) -> Iterator[Sequence[Write]]:
    return (writes[start : start + MAX_WRITES] for start in range(0, len(writes), MAX_WRITES))


def _write_batch(writes: Sequence[Write], patience_seconds: float, health: _Health) -> Flow[None]:
    left = dict.fromkeys(writes)

    def note(event: Written | NotWritten) -> None:
        for write in event.writes if isinstance(event, Written) else (event.write,):
            left.pop(write, None)

    while left:
        count = len(left)
        try:
            yield from noted(write_batches(list(left), patience_seconds), note)
        except DynamoException as error:
            if len(left) == count:
                raise  # nothing was sent: trying again would be for ever
            health.given_up(error)
        else:
            health.carried_out()


def _write_guarded(guarded: Guarded, health: _Health) -> Flow[None]:
    resolved: Resolved | None = None
    yield Emit(Begun(guarded))
    try:
        yield guarded.plan.operation
    except DynamoException as failed:
        error = yield from _explained(guarded.plan, failed)
        if guarded.case is not None and isinstance(error, ConflictError):
            try:
                resolved = yield from resolve(guarded.case, error)
            except Undecided as undecided:  # which says nothing about other records
                yield Emit(Refused(guarded, undecided.reason))
                return
            except DynamoException as other:
                error = other
        if error is not None and resolved is None:
            yield Emit(Refused(guarded, error))
            health.given_up(error)
            return
    yield Emit(Done(guarded, resolved))
    health.carried_out()


def _explained(plan: Save | Removal, error: DynamoException) -> Flow[DynamoException | None]:
    """Return why a write failed; None for the deletion of what is gone."""
    if isinstance(plan, Removal):
        if isinstance(error, ConditionFailed | OutcomeUnknown):
            return (yield from explain_removal(plan, error))
    elif isinstance(error, ConditionFailed):
        return (yield from explain(plan, error))
    return error


class _Health:
    """Decides whether a flush goes on after an error."""

    def __init__(self) -> None:
        self._in_a_row = 0

    def carried_out(self) -> None:
        """Take note that a write got through."""
        self._in_a_row = 0

    def given_up(self, error: DynamoException) -> None:
        """Raise the error unless the next write may fare better."""
        if _may_pass(error):
            self._in_a_row += 1
            if self._in_a_row >= _MAX_GIVEN_UP:
                raise error
        elif not isinstance(error, (*_OF_ONE_RECORD, OutcomeUnknown)):
            raise error


def _may_pass(error: DynamoException) -> bool:
    if isinstance(error, OutcomeUnknown):  # after losing replies, or after a lost one and a refusal
        return isinstance(error.__cause__, (*_MAY_PASS, TransportError, NotDynamoDBReply))
    return isinstance(error, _MAY_PASS)


def noted(flow: Flow[None], note: Callable[[Any], None]) -> Flow[None]:
    """Run a flow, calling *note* with what it emits where that happens.

    Events reach a consumer later, or never if it is interrupted; what was acknowledged
    must be known at once.

    Args:
        note: Called by several threads at the same time.
    """
    value: Any = None
    error: Exception | None = None
    try:
        while True:
            try:
                command = flow.send(value) if error is None else flow.throw(error)
            except StopIteration:
                return
            value, error = None, None
            if isinstance(command, Emit):
                note(command.value)
                if isinstance(command.value, Begun):
                    continue
            elif isinstance(command, Together):
                command = Together(noted(child, note) for child in command.flows)
            try:
                value = yield command
            except Exception as failure:
                error = failure
    finally:
        flow.close()
