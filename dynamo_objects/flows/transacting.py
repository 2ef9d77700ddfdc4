"""The writes of a flush as one transaction: all of them are carried out, or none.

Whatever cancels it concerns some of the records; each gets its own reason, and the innocent
ones that of the whole.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..codec.sizes import item_size
from ..codec.values import Item
from ..errors import (
    CancellationReason,
    ConditionFailed,
    ConflictError,
    DynamoException,
    InvalidRequest,
    ItemCollectionTooLarge,
    TransactionCancelled,
)
from ..operations.batch import Write
from ..operations.item import DeleteItem, PutItem, UpdateItem
from ..operations.transaction import MAX_ACTIONS, TransactWriteItems
from .base import Emit, Flow
from .batching import NotWritten, Written
from .flushing import Done, Guarded, Refused
from .planning import Save
from .saving import explain

__all__ = ["MAX_TRANSACTION_BYTES", "check_as_one", "write_as_one"]

#: Bytes of all items of one transaction (API reference, TransactWriteItems: 4 MB).
MAX_TRANSACTION_BYTES = 4 * 1024 * 1024


def check_as_one(writes: Sequence[Write | Guarded]) -> None:
    """Refuse what no single transaction can hold; nothing was sent.

    Raises:
        DynamoException: There are more than 100 writes, or more than 4 MB.
    """
    if len(writes) > MAX_ACTIONS:
        raise DynamoException(
            f"{len(writes)} records are to be written, and a transaction holds at most {MAX_ACTIONS}: "
            f"nothing was sent, flush without atomic=True or in smaller parts"
        )
    size_bytes = sum(item_size(_item(write)) for write in writes)
    if size_bytes > MAX_TRANSACTION_BYTES:
        raise DynamoException(
            f"{len(writes)} records of {size_bytes:,} bytes are to be written, and a transaction holds "
            f"at most {MAX_TRANSACTION_BYTES:,}: nothing was sent, flush without atomic=True or in smaller parts"
        )


def _item(write: Write | Guarded) -> Item:
    if isinstance(write, Write):
        return write.item or write.key
    return write.plan.item if isinstance(write.plan, Save) else write.plan.operation.key


def write_as_one(writes: Sequence[Write | Guarded], token: str) -> Flow[None]:
    """Carry out writes of different keys in one transaction, emitting as ``write_together``.

    Args:
        writes: At most 100.
        token: The transaction's. However often it is sent, it is carried out once.
    """
    try:
        yield TransactWriteItems(tuple(map(_action, writes)), token)
    except TransactionCancelled as cancelled:
        reasons = []
        for write, reason in zip(writes, _padded(cancelled, len(writes)), strict=True):
            error = yield from _error_of(write, reason)
            reasons.append((write, error))
        # Those at fault come first, where they are seen.
        for write, error in sorted(reasons, key=lambda pair: pair[1] is None):
            yield Emit(_refused(write, error or cancelled))
    except DynamoException as error:
        for write in writes:
            yield Emit(_refused(write, error))
    else:
        for write in writes:
            yield Emit(Written([write]) if isinstance(write, Write) else Done(write))


def _action(write: Write | Guarded) -> PutItem | UpdateItem | DeleteItem:
    if isinstance(write, Guarded):
        return write.plan.operation
    if write.item is None:
        return DeleteItem(write.table, write.key)
    return PutItem(write.table, write.item, None, key_wires=frozenset(write.key))


def _refused(write: Write | Guarded, reason: DynamoException) -> NotWritten | Refused:
    return NotWritten(write, reason) if isinstance(write, Write) else Refused(write, reason)


def _padded(cancelled: TransactionCancelled, count: int) -> list[CancellationReason]:
    """Return a reason for each write, also where the service gave fewer."""
    reasons = list(cancelled.reasons[:count])
    return reasons + [CancellationReason("None")] * (count - len(reasons))


def _error_of(write: Write | Guarded, reason: CancellationReason) -> Flow[DynamoException | None]:
    """Return what is wrong with one write; None if another one is at fault, or it may pass."""
    if reason.code == "ValidationError":
        return InvalidRequest("ValidationException", reason.message)
    if reason.code == "ItemCollectionSizeLimitExceeded":
        return ItemCollectionTooLarge("ItemCollectionSizeLimitExceededException", reason.message)
    if reason.code != "ConditionalCheckFailed" or not isinstance(write, Guarded):
        return None
    table, key = write.plan.operation.subject
    if isinstance(write.plan, Save):
        failed = ConditionFailed("the condition is false", table=table, key=key, item=reason.item)
        return (yield from explain(write.plan, failed))
    return ConflictError(
        f"{write.plan.schema.table_name} {write.plan.key!r} was changed by somebody else since it was read: "
        f"get() it again to see, or flush with overwrite=True",
        table=write.plan.schema.table_name,
        key=write.plan.key,
        item=reason.item,
    )
