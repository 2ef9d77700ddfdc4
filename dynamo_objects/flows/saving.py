"""Saves of single records, with everything that protects them; see ``planning``."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from ..codec.records import RecordCodec
from ..codec.values import Invalid, Item
from ..errors import (
    ConditionFailed,
    ConflictError,
    DynamoException,
    ItemExists,
)
from ..expressions.evaluate import matches
from ..operations.item import DeleteItem, GetItem, PutItem, UpdateItem
from .base import Flow
from .once import write_once
from .planning import Save

__all__ = ["at_home", "conflict", "explain", "remember", "save", "saved", "write"]

_set = object.__setattr__


def saved(plan: Save) -> Any:
    """Let the record know that it was saved, and return it; a frozen one as a new instance."""
    record, codec = plan.record, plan.schema.codec
    if plan.version is not None and codec.version is not None:
        if type(record).__dynamo_frozen__:
            record = record.evolve(**{codec.version.name: plan.version})
        else:
            object.__setattr__(record, codec.version.name, plan.version)
    remember(record, plan.item, plan.loaded, plan.operation.table)
    return record


def remember(record: Any, item: Item | None, loaded: tuple[Any, ...] | None, table: str) -> None:
    """Let a record know what is stored of it, and in which table."""
    _set(record, "_stored", item)
    _set(record, "_loaded", loaded)
    _set(record, "_home", table)


def at_home(record: Any, table: str) -> Any:
    """Return a record that knows in which table its item is: in another one it is new."""
    object.__setattr__(record, "_home", table)
    return record


def save(plan: Save, token: str | None = None) -> Flow[Any]:
    """Carry out a planned save and return the saved record.

    Args:
        token: For a save that must happen exactly once, through a transaction.

    Raises:
        ConflictError: The item is not as it was loaded, or exists already (ItemExists).
        ConditionFailed: The condition given to the save is false.
    """
    try:
        yield from write(plan.operation, token)
    except ConditionFailed as failed:
        raise (yield from explain(plan, failed)) from None
    return saved(plan)


def write(operation: PutItem | UpdateItem | DeleteItem, token: str | None) -> Flow[Item | None]:
    """Send a write, through a transaction where a token is given, and return its result."""
    if token is None:
        result: Item | None = yield operation
        return result
    return (yield from write_once(operation, token))


def explain(plan: Save, failed: ConditionFailed) -> Flow[ConditionFailed]:
    """Return what went wrong with a save: a conflict, or the condition of the caller."""
    stored: Item | None = failed.item
    is_known = stored is not None
    if not is_known:  # deleted, or an engine that does not send the item
        table, key = plan.operation.table, plan.schema.key_of(plan.item)
        with suppress(DynamoException):  # that nothing was written is known anyway
            stored = yield GetItem(table, key, consistent=True)
            is_known = True
    has_condition = plan.operation.condition != plan.guard
    if plan.guard is None or (has_condition and is_known and matches(plan.guard, stored or {})):
        return ConditionFailed(
            f"{plan.schema.table_name} {plan.key!r}: the condition is false, nothing was written",
            table=plan.schema.table_name,
            key=plan.key,
            item=stored,
        )
    return conflict(plan, stored, is_known=is_known)


def conflict(plan: Save, stored: Item | None, *, is_known: bool = True) -> ConflictError:
    """Return the conflict between a planned save and the item that is stored.

    Args:
        is_known: Whether *stored* was read; it may be gone again, or not be readable now.
    """
    codec, base = plan.schema.codec, plan.record._stored
    theirs = _decoded(codec, stored)
    name = plan.schema.table_name
    if base is None or isinstance(plan.operation, PutItem):
        error: ConflictError = ItemExists(
            f"{name} {plan.key!r} exists already: get() it and change it, or save(..., overwrite=True)",
            table=name,
            key=plan.key,
            item=stored,
        )
    else:
        happened = "was changed by somebody else"
        if stored is None:
            happened = "was deleted" if is_known else "was changed or deleted by somebody else"
        error = ConflictError(
            f"{name} {plan.key!r} {happened} since it was read: "
            f"get() it again and repeat the change, or save(..., overwrite=True)",
            table=name,
            key=plan.key,
            item=stored,
        )
    error.mine, error.theirs = plan.record, theirs
    error.is_deleted = stored is None and is_known
    error.base = _decoded(codec, base)
    if error.base is not None and theirs is not None:
        error.fields = tuple(
            field.name
            for field in codec.fields
            if getattr(error.base, field.name) != getattr(theirs, field.name)
        )
    return error


def _decoded(codec: RecordCodec, item: Item | None) -> Any:
    """Return the record of an item, or None: a conflict is reported even if it is unreadable."""
    if item is None:
        return None
    try:
        return codec.decode(item)
    except Invalid:
        return None
