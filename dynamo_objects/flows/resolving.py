"""Writes that met somebody else's are decided again, and written again.

The item comes back with the failed condition, so that nothing is read. What ``deciding``
wants to be stored is written on condition that the item is still as it was seen; when it is
not, that is decided again, a number of times.
"""

from __future__ import annotations

import copy
from typing import Any

from ..codec.merging import adopt
from ..codec.structs import Quiet
from ..codec.values import Item
from ..errors import ConditionFailed, ConflictError, DynamoException, ItemNotFound, OutcomeUnknown
from ..schema import TableSchema
from .base import Backoff, Flow
from .deciding import Case, decide, told
from .planning import Save
from .removing import Removal, explain_removal
from .saving import at_home, explain, save, write

__all__ = ["ROUNDS", "Resolved", "Undecided", "adopted", "resolve", "save_resolving"]

#: So many times a resolved write is sent; each time somebody else's write has come before it.
ROUNDS = 12


class Resolved(Quiet, frozen=True, eq=False):
    """How a conflict ended.

    Attributes:
        item: What is stored now; None where nothing is.
        plan: What was written; None where theirs was taken.
        planned: What the record was to become; None where it was to be deleted.
    """

    unshown = frozenset({"item", "plan", "planned"})

    item: Item | None
    plan: Save | Removal | None
    planned: Item | None


class Undecided(Exception):
    """A conflict that could not be decided, or must not be; it concerns one record alone."""

    def __init__(self, reason: Exception) -> None:
        self.reason = reason
        super().__init__(str(reason))


def save_resolving(case: Case, token: str | None = None) -> Flow[Any]:
    """Carry out a planned save, resolve the conflict that it may meet, and return the record.

    A mutable record is the same object, with the values that are stored.

    Args:
        token: For a save that must happen exactly once, through a transaction.

    Raises:
        ConflictError: The conflict stays one.
        ItemNotFound: The item was deleted, and theirs is to be taken.
        ConditionFailed: The condition given to the save is false.
    """
    assert isinstance(case.plan, Save)
    try:
        return (yield from save(case.plan, token))
    except ConflictError as conflict:
        error = conflict
    try:
        resolved = yield from resolve(case, error, token)
    except Undecided as undecided:
        raise undecided.reason from undecided.reason.__cause__
    if resolved.item is None:
        raise ItemNotFound(case.schema.table_name, case.plan.key)
    return adopted(case.schema, case.plan.record, resolved, case.table)


def adopted(schema: TableSchema, record: Any, resolved: Resolved, table: str) -> Any:
    """Return a record that holds what is stored now: a frozen one as a new instance.

    Changes that were made in it since the save was planned stay, as changes.
    """
    assert resolved.item is not None
    if type(record).__dynamo_frozen__:
        record = copy.deepcopy(record)
    adopt(schema.codec, record, resolved.planned or {}, resolved.item)
    return at_home(record, table)


def resolve(case: Case, error: ConflictError, token: str | None = None) -> Flow[Resolved]:
    """Decide a conflict, and write what was decided.

    Args:
        error: The conflict, with the item that is stored.
        token: As for ``save``; each write has another one, made from it.

    Raises:
        Undecided: It cannot be decided; with the reason.
        ConflictError: Others were quicker each time.
    """
    for attempt in range(ROUNDS):
        try:
            plan = decide(case, error)
        except Exception as reason:
            raise Undecided(reason) from None
        if plan is None:
            return Resolved(error.item, None, case.mine)
        if attempt:
            yield Backoff(attempt - 1)
        try:
            yield from write(plan.operation, None if token is None else f"{token}{attempt:02}")
        except (ConditionFailed, OutcomeUnknown) as failed:
            again = yield from _explained(plan, failed)
            if again is not None:
                if not isinstance(again, ConflictError):
                    raise again from None
                error = again
                continue
        return Resolved(plan.item if isinstance(plan, Save) else None, plan, case.mine)
    raise told(case, error, f"was changed by somebody else {ROUNDS} times while this was being resolved")


def _explained(plan: Save | Removal, error: ConditionFailed | OutcomeUnknown) -> Flow[DynamoException | None]:
    if isinstance(plan, Removal):
        return (yield from explain_removal(plan, error))
    if isinstance(error, ConditionFailed):
        return (yield from explain(plan, error))
    return error
