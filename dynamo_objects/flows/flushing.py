"""Guarded writes of a flush, several at a time, each reported on its own."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import attrs

from ..errors import (
    ConditionFailed,
    DynamoException,
    InvalidRequest,
    ItemCollectionTooLarge,
    OutcomeUnknown,
)
from ..operations.item import DeleteItem
from .base import Emit, Flow, Together
from .saving import Save, explain, write

__all__ = ["Guarded", "Refused", "Done", "stops_flush", "write_guarded"]

#: Errors that concern one record; after any other, the rest would fare no better.
_OF_ONE_RECORD = (ConditionFailed, InvalidRequest, ItemCollectionTooLarge, OutcomeUnknown)


@attrs.frozen(eq=False)
class Guarded:
    """One guarded write.

    Attributes:
        operation: What is sent.
        save: The planned save; None for a deletion.
        token: Makes it a transaction that happens once.
        ref: Whatever the caller wants to find again.
    """

    operation: Any
    save: Save | None
    token: str | None
    ref: Any = attrs.field(repr=False)


@attrs.frozen
class Done:
    """A guarded write was acknowledged."""

    write: Guarded


@attrs.frozen
class Refused:
    """A guarded write was not carried out."""

    write: Guarded
    reason: DynamoException


def stops_flush(error: Exception) -> bool:
    """Tell whether an error concerns more than one record."""
    return isinstance(error, DynamoException) and not isinstance(error, _OF_ONE_RECORD)


def write_guarded(writes: Iterable[Guarded]) -> Flow[None]:
    """Carry out guarded writes in parallel, emitting Done and Refused."""
    yield Together(write_one(guarded) for guarded in writes)


def write_one(guarded: Guarded) -> Flow[None]:
    """Carry out one guarded write, emitting Done or Refused."""
    try:
        yield from write(guarded.operation, guarded.token)
    except ConditionFailed as failed:
        error: DynamoException = failed
        if guarded.save is not None and not isinstance(guarded.operation, DeleteItem):
            error = yield from explain(guarded.save, failed)
        yield Emit(Refused(guarded, error))
    except _OF_ONE_RECORD as error:
        yield Emit(Refused(guarded, error))
    else:
        yield Emit(Done(guarded))
