"""AWS's error codes: which class of error each becomes."""

from __future__ import annotations

from typing import Any

from ..errors import (
    AccessRefused,
    InternalError,
    InvalidRequest,
    ItemCollectionTooLarge,
    LimitExceeded,
    ServiceError,
    TableInUse,
    TableNotFound,
    ThrottledError,
    TransactionCancelled,
    TransactionConflict,
)

__all__ = ["service_error"]

#: Codes from the API reference's "Common errors" and the errors of each operation.
_CODES: dict[str, type[ServiceError]] = {
    "AccessDenied": AccessRefused,
    "AccessDeniedException": AccessRefused,
    "ExpiredToken": AccessRefused,
    "ExpiredTokenException": AccessRefused,
    "IncompleteSignatureException": AccessRefused,
    "InvalidSignatureException": AccessRefused,
    "MissingAuthenticationTokenException": AccessRefused,
    "RequestExpired": AccessRefused,
    "RequestTimeTooSkewed": AccessRefused,
    "SignatureDoesNotMatch": AccessRefused,
    "UnrecognizedClientException": AccessRefused,
    "ValidationException": InvalidRequest,
    "RequestEntityTooLarge": InvalidRequest,
    "RequestEntityTooLargeException": InvalidRequest,
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
    "Throttling": ThrottledError,
    "ThrottlingException": ThrottledError,
    "TooManyRequestsException": ThrottledError,
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
