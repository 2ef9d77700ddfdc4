"""Every error of the library, and which of DynamoDB's error codes becomes which class.

An error says what happened, to which table and key, and what to do about it.
Its facts are attributes. No error shows item values or credentials; keys are shown.

The tree::

    DynamoException
    ├── DynamoSchemaException       a declaration that cannot work, an existing table that differs
    │   ├── UnknownFieldError       a field name that the record does not have
    │   └── FieldNotLoaded          a field that a partial record did not read
    ├── InvalidKeysException        keys missing, empty, of a wrong type, too long, or changed
    ├── ValidationError             values that cannot be stored; carries all problems
    ├── DecodeError                 a stored item that the record class cannot read
    ├── QueryError                  a query or condition that cannot work
    │   └── CursorError             a cursor that is damaged or belongs to another query
    ├── ItemNotFound                (also a KeyError)
    ├── MultipleItemsFound          ``one()`` found more than one
    ├── ConditionFailed             the condition of a write was false, nothing was written
    │   └── ConflictError           somebody else changed the item since it was read
    │       └── ItemExists          a new record whose key is taken
    ├── OutcomeUnknown              the reply was lost: the write may or may not have happened
    ├── BatchFailed                 some writes of a batch or flush did not happen
    ├── TransportError              the request could not be sent, or its reply not be read
    ├── NotDynamoDBReply            something answered that is not DynamoDB
    └── ServiceError                DynamoDB answered with an error code
        ├── AccessRefused, InvalidRequest, ItemCollectionTooLarge, LimitExceeded
        ├── TableNotFound, TableInUse
        ├── ThrottledError, InternalError, TransactionConflict
        └── TransactionCancelled    one reason for each action
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import attrs

__all__ = [
    "AccessRefused",
    "BatchFailed",
    "CancellationReason",
    "ConditionFailed",
    "ConflictError",
    "CursorError",
    "DecodeError",
    "DynamoException",
    "DynamoSchemaException",
    "Failure",
    "FieldNotLoaded",
    "InternalError",
    "InvalidKeysException",
    "InvalidRequest",
    "ItemCollectionTooLarge",
    "ItemExists",
    "ItemNotFound",
    "LimitExceeded",
    "MultipleItemsFound",
    "NotDynamoDBReply",
    "OutcomeUnknown",
    "Problem",
    "QueryError",
    "ServiceError",
    "TableInUse",
    "TableNotFound",
    "ThrottledError",
    "TransactionCancelled",
    "TransactionConflict",
    "TransportError",
    "UnknownFieldError",
    "ValidationError",
    "closest",
    "service_error",
]


class DynamoException(Exception):
    """Base class of every error of this library."""


class DynamoSchemaException(DynamoException):
    """A declaration that cannot work, or a table that differs from its declaration."""


def closest(name: str, names: Iterable[str]) -> str:
    """Return " (did you mean 'x'?)" for the name nearest to *name*, or an empty text."""
    found = difflib.get_close_matches(name, list(names), n=1, cutoff=0.6)
    return f" (did you mean {found[0]!r}?)" if found else ""


class UnknownFieldError(DynamoSchemaException, AttributeError, TypeError):
    """A field name that the record class does not have.

    Also an ``AttributeError`` and a ``TypeError``, which Python itself would raise
    on assignment and in a constructor.
    """

    def __init__(self, record_class: type, field: str, fields: Iterable[str]) -> None:
        self.record_class = record_class
        self.field = field
        super().__init__(f"{record_class.__name__} has no field {field!r}{closest(field, fields)}")


class FieldNotLoaded(DynamoSchemaException, AttributeError):
    """A partial record was asked for a field that its query did not read."""

    def __init__(self, record_class: type, field: str) -> None:
        self.record_class = record_class
        self.field = field
        super().__init__(
            f"{record_class.__name__}.{field} was not read: this record is partial, "
            f"read it by its key, or name the field in attributes="
        )


class InvalidKeysException(DynamoException):
    """Keys that are missing, empty, of a wrong type, too long, or changed after loading.

    Attributes:
        keys_data: key field name -> the value given, for every key of the table.
        empty_keys: The key fields without a value.
    """

    def __init__(self, record_class: type, keys_data: Mapping[str, Any], reason: str = "") -> None:
        self.record_class = record_class
        self.keys_data = dict(keys_data)
        self.empty_keys = [name for name, value in self.keys_data.items() if value in (None, "", b"")]
        message = f"Hash / range keys for {record_class!r} are invalid or empty: {self.keys_data}"
        super().__init__(f"{message}: {reason}" if reason else message)

    def is_empty_keys(self) -> bool:
        """Tell whether any key has no value."""
        return bool(self.empty_keys)


@attrs.frozen
class Problem:
    """One thing that is wrong with a record.

    Attributes:
        path: Where, for example ``address.lines[2]``.
        reason: What is wrong and what is expected; never the value itself.
    """

    path: str
    reason: str

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}" if self.path else self.reason


def _from_the_top(problems: Sequence[Problem]) -> tuple[Problem, ...]:
    """Return the problems with paths as users write them: without the first dot."""
    return tuple(Problem(p.path.removeprefix("."), p.reason) for p in problems)


class ValidationError(DynamoException, ValueError):
    """Values that cannot be stored. Nothing was sent; the record is as it was.

    Attributes:
        subject: What was checked, for example ``Store``.
        problems: All problems that were found.
    """

    def __init__(self, subject: str, problems: Sequence[Problem]) -> None:
        self.subject = subject
        self.problems = _from_the_top(problems)
        listed = "; ".join(map(str, self.problems))
        super().__init__(f"{subject} cannot be stored: {listed}" if subject else listed)


class DecodeError(DynamoException, ValueError):
    """A stored item that cannot become a record.

    Attributes:
        subject: The record class, with the key of the item when it is known.
        problems: All problems that were found, each with its path.
    """

    def __init__(self, subject: str, problems: Sequence[Problem]) -> None:
        self.subject = subject
        self.problems = _from_the_top(problems)
        listed = "; ".join(map(str, self.problems))
        super().__init__(f"cannot read {subject}: {listed}")


class QueryError(DynamoException, ValueError):
    """A query, a condition or an update that cannot work. Nothing was sent."""


class CursorError(QueryError):
    """A cursor that is damaged or belongs to another query."""


class ItemNotFound(DynamoException, KeyError):
    """No item has this key."""

    def __init__(self, table: str, key: object) -> None:
        self.table = table
        self.key = key
        super().__init__(f"{table} has no item with key {key!r}")

    def __str__(self) -> str:
        return str(self.args[0])  # KeyError would show the repr of the message


class MultipleItemsFound(DynamoException):
    """``one()`` found more than one record."""


class ConditionFailed(DynamoException):
    """The condition of a write was false: nothing was written.

    Attributes:
        table: Name of the table, as declared.
        key: Key of the item.
        item: The stored attribute values, or None where the service did not send them.
    """

    def __init__(self, message: str, *, table: str = "", key: object = None, item: Any = None) -> None:
        self.table = table
        self.key = key
        self.item = item
        super().__init__(message)


class ConflictError(ConditionFailed):
    """Somebody else changed or deleted the item since it was read. Nothing was written.

    Attributes:
        mine: The record that was to be saved, as it was (it stays unsaved).
        theirs: The record that is stored now; None when it is gone.
        base: The record as it was loaded; None for a new one.
        fields: Names of the fields that differ between base and theirs.
    """

    mine: Any = None
    theirs: Any = None
    base: Any = None
    fields: tuple[str, ...] = ()


class ItemExists(ConflictError):
    """A new record was to be saved, but its key is taken. Nothing was written."""


class OutcomeUnknown(DynamoException):
    """The reply to a write was lost: it may or may not have happened.

    Sending it again could apply it twice. Read the item to see, or use
    ``exactly_once=True``, which goes through a transaction with one token.

    Attributes:
        table: Name of the table in the service, with its prefix.
        key: Key of the item, as attribute values.
    """

    def __init__(self, what: str, *, table: str = "", key: object = None) -> None:
        self.table = table
        self.key = key
        where = f" of {table} {key!r}" if table else ""
        super().__init__(
            f"{what}{where} may or may not have happened, its reply was lost: "
            f"read the item again, or use exactly_once=True"
        )


@attrs.frozen
class Failure:
    """One write of a batch or flush that did not happen.

    Attributes:
        key: The key, as the user writes it: the hash value, or the pair.
        reason: The error.
        record: The record, still unsaved; None for a deletion.
    """

    key: Any
    reason: Exception
    record: Any = None


class BatchFailed(DynamoException):
    """Some writes of a batch or flush did not happen; all others did.

    Attributes:
        failures: Key, reason and record of each write that did not happen.
        report: The report of the flush, or None.
    """

    #: How many keys the message names before it only counts.
    NAMED = 10

    def __init__(self, what: str, failures: Sequence[Failure], report: Any = None) -> None:
        self.failures = tuple(failures)
        self.report = report
        named = "; ".join(f"{f.key!r}: {f.reason}" for f in self.failures[: self.NAMED])
        more = len(self.failures) - self.NAMED
        rest = f"; and {more} more, see .failures" if more > 0 else ""
        super().__init__(f"{what}: {len(self.failures)} not written: {named}{rest}")


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


@attrs.frozen
class CancellationReason:
    """Why one action of a transaction stopped it.

    Attributes:
        code: For example ``ConditionalCheckFailed``; ``None`` as text for the innocent.
        message: AWS's message, or an empty text.
        item: The stored item, where it was asked for.
    """

    code: str
    message: str = ""
    item: Any = attrs.field(default=None, repr=False)


class TransactionCancelled(ServiceError):
    """A transaction was cancelled: nothing of it was written.

    Attributes:
        reasons: One for each action, in the order of the actions.
    """

    reasons: tuple[CancellationReason, ...] = ()


#: Codes from the API reference's "Common errors" and the errors of each operation.
_CODES: dict[str, type[ServiceError]] = {
    "AccessDeniedException": AccessRefused,
    "ExpiredTokenException": AccessRefused,
    "IncompleteSignatureException": AccessRefused,
    "InvalidSignatureException": AccessRefused,
    "MissingAuthenticationTokenException": AccessRefused,
    "RequestExpired": AccessRefused,
    "RequestTimeTooSkewed": AccessRefused,
    "SignatureDoesNotMatch": AccessRefused,
    "UnrecognizedClientException": AccessRefused,
    "ValidationException": InvalidRequest,
    "SerializationException": InvalidRequest,
    "IdempotentParameterMismatchException": InvalidRequest,
    "ItemCollectionSizeLimitExceededException": ItemCollectionTooLarge,
    "LimitExceededException": LimitExceeded,
    "ResourceNotFoundException": TableNotFound,
    "TableNotFoundException": TableNotFound,
    "ResourceInUseException": TableInUse,
    "TableAlreadyExistsException": TableInUse,
    "TableInUseException": TableInUse,
    "ProvisionedThroughputExceededException": ThrottledError,
    "RequestLimitExceeded": ThrottledError,
    "ThrottlingException": ThrottledError,
    "ReplicatedWriteConflictException": TransactionConflict,
    "TransactionConflictException": TransactionConflict,
    "TransactionInProgressException": TransactionConflict,
    "TransactionCanceledException": TransactionCancelled,
    "InternalServerError": InternalError,
    "ServiceUnavailable": InternalError,
}


def service_error(
    code: str, reason: str, *, status: int = 400, request_id: str = "", item: Any = None
) -> ServiceError:
    """Return the error for one of DynamoDB's codes; 5xx are ``InternalError`` whatever the code."""
    error_class = InternalError if status >= 500 else _CODES.get(code, ServiceError)
    return error_class(code, reason, status=status, request_id=request_id, item=item)
