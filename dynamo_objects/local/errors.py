"""Errors as the service answers them: a code, a message, a status."""

from __future__ import annotations

from typing import Any

import msgspec

__all__ = ["ApiError", "invalid", "invalid_parameter", "malformed", "not_found"]

#: Codes that the service's front gives, each under a name of its own (seen in replies of DynamoDB Local).
_FRONT = {
    "ValidationException": "com.amazon.coral.validate",
    "SerializationException": "com.amazon.coral.service",
    "UnknownOperationException": "com.amazon.coral.service",
    "AccessDeniedException": "com.amazon.coral.service",
    "MissingAuthenticationTokenException": "com.amazon.coral.service",
    "IncompleteSignatureException": "com.amazon.coral.service",
    "InvalidSignatureException": "com.amazon.coral.service",
    "UnrecognizedClientException": "com.amazon.coral.service",
    "InternalServerError": "com.amazonaws.dynamodb.v20120810",
}
_OWN = "com.amazonaws.dynamodb.v20120810"
#: Errors whose text stands under a name with a capital.
_CAPITAL = frozenset({"SerializationException", "TransactionCanceledException"})


class ApiError(Exception):
    """An error that the service answers with.

    Attributes:
        code: For example ``ValidationException``.
        message: The service's text.
        status: HTTP status.
        members: What the reply has besides: ``Item``, ``CancellationReasons``.
    """

    def __init__(self, code: str, message: str = "", status: int = 400, **members: Any) -> None:
        self.code = code
        self.message = message
        self.status = status
        self.members = members
        super().__init__(f"{code}: {message}")

    def body(self) -> bytes:
        """Return the body of the reply."""
        text = "Message" if self.code in _CAPITAL else "message"
        body = {"__type": f"{_FRONT.get(self.code, _OWN)}#{self.code}"}
        if self.message or self.code not in _FRONT:
            body[text] = self.message
        return msgspec.json.encode(body | self.members)


def invalid(message: str) -> ApiError:
    """Return the error for a request that the service refuses to carry out."""
    return ApiError("ValidationException", message)


def invalid_parameter(reason: str) -> ApiError:
    """Return the error for a parameter's value: the service's most frequent wording."""
    return invalid(f"One or more parameter values were invalid: {reason}")


def malformed(message: str) -> ApiError:
    """Return the error for JSON of a wrong shape."""
    return ApiError("SerializationException", message)


def not_found(message: str) -> ApiError:
    """Return the error for a table or index that does not exist."""
    return ApiError("ResourceNotFoundException", message)
