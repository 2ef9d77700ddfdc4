"""Errors of the service and of the way to it."""

from __future__ import annotations

from typing import Any

import msgspec

from .base import DynamoException

__all__ = [
    "AccessRefused",
    "CancellationReason",
    "InternalError",
    "InvalidRequest",
    "ItemCollectionTooLarge",
    "LimitExceeded",
    "NotDynamoDBReply",
    "ServiceError",
    "TableInUse",
    "TableNotFound",
    "ThrottledError",
    "TransactionCancelled",
    "TransactionConflict",
    "TransportError",
]


class TransportError(DynamoException):
    """A request that could not be sent, or whose reply could not be read.

    Attributes:
        sent: False only when it is certain that the service has not seen the request.
        can_retry: Whether another attempt can help; not with missing credentials, say.
    """

    def __init__(self, message: str, *, sent: bool, can_retry: bool = True) -> None:
        self.sent = sent
        self.can_retry = can_retry
        super().__init__(message)


class NotDynamoDBReply(DynamoException):
    """Something answered that is not DynamoDB: a proxy, a portal, a wrong endpoint.

    Attributes:
        status: HTTP status of the reply.
    """

    def __init__(self, reason: str, *, status: int = 0) -> None:
        self.status = status
        super().__init__(f"the reply is not DynamoDB's: {reason}; check the endpoint")


class ServiceError(DynamoException):
    """DynamoDB answered with an error.

    Attributes:
        code: AWS's error code, for example ``ValidationException``.
        reason: AWS's message.
        status: HTTP status.
        request_id: AWS's id of the request, for their support.
        item: The stored item, where a failed condition sent it.
    """

    def __init__(
        self,
        code: str,
        reason: str,
        *,
        status: int = 400,
        request_id: str = "",
        item: Any = None,
    ) -> None:
        self.code = code
        self.reason = reason
        self.status = status
        self.request_id = request_id
        self.item = item
        super().__init__(f"{code}: {reason}" if reason else code)


class AccessRefused(ServiceError):
    """Credentials, rights, signature or the clock of this machine are wrong."""


class InvalidRequest(ServiceError):
    """DynamoDB did not accept the request (ValidationException)."""


class ItemCollectionTooLarge(ServiceError):
    """All items of one hash key and its local indexes passed 10 GB."""


class LimitExceeded(ServiceError):
    """Too many table operations at once, or too many tables or indexes."""


class TableNotFound(ServiceError):
    """The table (or index) does not exist. Never means "no such record"."""


class TableInUse(ServiceError):
    """The table is being created, changed or deleted, or exists already."""


class ThrottledError(ServiceError):
    """The throughput of the table, or of the account, is used up."""


class InternalError(ServiceError):
    """DynamoDB failed (a 5xx status); a write may have happened."""


class TransactionConflict(ServiceError):
    """A running transaction holds the item."""


class CancellationReason(msgspec.Struct, frozen=True):
    """Why one action of a transaction stopped it.

    Attributes:
        code: For example ``ConditionalCheckFailed``; ``None`` as text for the innocent.
        message: AWS's message, or an empty text.
        item: The stored item, where it was asked for.
    """

    code: str
    message: str = ""
    item: Any = None

    def __repr__(self) -> str:
        return f"CancellationReason(code={self.code!r}, message={self.message!r})"  # no item


class TransactionCancelled(ServiceError):
    """A transaction was cancelled: nothing of it was written.

    Attributes:
        reasons: One for each action, in the order of the actions.
    """

    reasons: tuple[CancellationReason, ...] = ()
