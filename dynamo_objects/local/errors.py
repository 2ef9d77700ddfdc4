"""Errors as the service answers them: a code, a message, a status."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

__all__ = [
    "ApiError",
    "Layer",
    "worded",
    "in_use",
    "invalid",
    "invalid_parameter",
    "malformed",
    "not_found",
    "throughput_exceeded",
]

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
        older: The text where AWS still words it as it did before June 2026.
        enveloped: The text in errors of single writes.
    """

    def __init__(self, code: str, message: str = "", status: int = 400, **members: Any) -> None:
        self.code = code
        self.message = message
        self.status = status
        self.members = members
        self.older = message
        self.enveloped = message
        super().__init__(f"{code}: {message}")

    def body(self) -> bytes:
        """Return the body of the reply."""
        text = "Message" if self.code in _CAPITAL else "message"
        body = {"__type": f"{_FRONT.get(self.code, _OWN)}#{self.code}"}
        if self.message or self.code not in _FRONT:
            body[text] = self.message
        return msgspec.json.encode(body | self.members)


def invalid(message: str, older: str | None = None, enveloped: str | None = None) -> ApiError:
    """Return the error for a request that the service refuses to carry out.

    Args:
        older: The text in the older wording, if it is another.
        enveloped: The text in errors of single writes, if it is another.
    """
    error = ApiError("ValidationException", message)
    error.older = message if older is None else older
    error.enveloped = message if enveloped is None else enveloped
    return error


def invalid_parameter(reason: str) -> ApiError:
    """Return the error for a parameter's value: the service's most frequent wording."""
    return invalid(f"One or more parameter values were invalid: {reason}")


#: How AWS words errors about a request by itself, found before any table is looked at. Since
#: June 2026 those of single writes begin like those about constraints, reads of keys and queries
#: have new texts, and batches of writes, transactions and scans the older ones. Source: captures
#: of AWS's replies, github.com/paritysuite/dynamodb-conformance, valueLayers.test.ts (October 2026).
Layer = Literal["enveloped", "current", "older"]


def worded(error: ApiError, layer: Layer) -> ApiError:
    """Return an error about a request by itself in the words of the operation."""
    if error.code != "ValidationException":
        return error
    if layer == "enveloped":
        return error if error.message[1:].startswith(_ENVELOPE[1:]) else invalid(_ENVELOPE + error.enveloped)
    return invalid(error.older) if layer == "older" else error


_ENVELOPE = "1 validation error detected: "


def malformed(message: str) -> ApiError:
    """Return the error for JSON of a wrong shape."""
    return ApiError("SerializationException", message)


def not_found(message: str) -> ApiError:
    """Return the error for a table or index that does not exist."""
    return ApiError("ResourceNotFoundException", message)


def in_use(message: str) -> ApiError:
    """Return the error for a table that cannot be changed now."""
    return ApiError("ResourceInUseException", message)


def throughput_exceeded(*, is_index: bool = False) -> ApiError:
    """Return the error for a request that exceeds the provisioned throughput."""
    return ApiError("ProvisionedThroughputExceededException", _INDEX_EXCEEDED if is_index else _EXCEEDED)


_EXCEEDED = (
    "The level of configured provisioned throughput for the table was exceeded. "
    "Consider increasing your provisioning level with the UpdateTable API."
)
_INDEX_EXCEEDED = (
    "The level of configured provisioned throughput for one or more global secondary indexes of the table "
    "was exceeded. Consider increasing your provisioning level for the under-provisioned "
    "global secondary indexes with the UpdateTable API"
)
