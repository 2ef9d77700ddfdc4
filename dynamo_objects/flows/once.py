"""One write through a transaction, which its token lets happen exactly once.

A transaction answers nothing, so old values are read before it, and new ones after it.
"""

from __future__ import annotations

from typing import Any

import msgspec

from ..codec.values import Item
from ..errors import (
    CancellationReason,
    ConditionFailed,
    DynamoException,
    InvalidRequest,
    ItemCollectionTooLarge,
    TransactionCancelled,
)
from ..expressions.evaluate import matches
from ..expressions.tree import AttributeExists, AttributeNotExists, Condition, Path, all_of
from ..operations.item import DeleteItem, GetItem, PutItem, UpdateItem
from ..operations.transaction import TransactWriteItems
from .base import Flow

__all__ = ["write_once"]

SingleWrite = PutItem | UpdateItem | DeleteItem


def write_once(operation: SingleWrite, token: str) -> Flow[Item | None]:
    """Carry out a write exactly once and return what it asks for.

    Values that are read after it may be those of a writer who came between; that an item
    was there before it, or not, is made sure.

    Args:
        token: The transaction's; the same for all attempts to do the same.

    Raises:
        ConditionFailed: The condition is false, nothing was written.
    """
    if _returns_old(operation):
        return (yield from _write_for_old(operation, token))
    yield from _transact(operation, token)
    if isinstance(operation, UpdateItem) and operation.returns != "NONE":
        return (yield from _read_after(operation))
    return None


def _returns_old(operation: SingleWrite) -> bool:
    if isinstance(operation, UpdateItem):
        return operation.returns in ("ALL_OLD", "UPDATED_OLD")
    return operation.return_old


def _write_for_old(operation: SingleWrite, token: str) -> Flow[Item | None]:
    """Write on condition that the item is there, or is not, as it was read before."""
    table, key = operation.subject
    before: Item | None = yield GetItem(table, key, consistent=True)
    if before is None and isinstance(operation, DeleteItem):
        if operation.condition is not None and not matches(operation.condition, {}):
            raise _condition_failed(operation, None)
        return None  # there is nothing to delete
    path = Path.of(next(iter(key)))
    presence = AttributeNotExists(path) if before is None else AttributeExists(path)
    guarded = msgspec.structs.replace(operation, condition=all_of(presence, operation.condition))
    try:
        yield from _transact(guarded, token)
    except ConditionFailed as failed:
        if not _is_false(operation.condition, failed.item) and isinstance(operation, DeleteItem):
            return None  # somebody else has deleted it in between
        raise
    return before


def _is_false(condition: Condition | None, item: Item | None) -> bool:
    return condition is not None and not matches(condition, item or {})


def _transact(operation: SingleWrite, token: str) -> Flow[None]:
    """Send the transaction; what cancels it concerns its only action."""
    try:
        yield TransactWriteItems((operation,), token)
    except TransactionCancelled as cancelled:
        reason = cancelled.reasons[0] if cancelled.reasons else CancellationReason("Unknown")
        error = _error_of(operation, reason)
        if error is None:
            raise
    else:
        return
    raise error


def _error_of(operation: SingleWrite, reason: CancellationReason) -> DynamoException | None:
    if reason.code == "ConditionalCheckFailed":
        return _condition_failed(operation, reason.item)
    if reason.code == "ValidationError":
        return InvalidRequest("ValidationException", reason.message)
    if reason.code == "ItemCollectionSizeLimitExceeded":
        return ItemCollectionTooLarge("ItemCollectionSizeLimitExceededException", reason.message)
    return None


def _condition_failed(operation: SingleWrite, item: Any) -> ConditionFailed:
    table, key = operation.subject
    return ConditionFailed(
        f"{operation.name} of {table} {key!r}: the condition is false, nothing was written",
        table=table,
        key=key,
        item=item,
    )


def _read_after(operation: UpdateItem) -> Flow[Item]:
    """Read the new values; that this fails does not undo the write, and must not look so."""
    table, key = operation.subject
    done = f"{operation.name} of {table} {key!r} was carried out"
    try:
        after: Item | None = yield GetItem(table, key, consistent=True)
    except DynamoException as error:
        raise DynamoException(f"{done}, but the new values could not be read; do not repeat it") from error
    if after is None:
        raise DynamoException(f"{done}, and then somebody else has deleted the item")
    return after
