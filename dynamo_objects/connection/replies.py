"""From a reply to a result or an error; what is not DynamoDB's is always an error.

DynamoDB's replies have a request id and a content type of JSON, and usually a checksum.
ScyllaDB Alternator sends neither id nor checksum, but DynamoDB's own content type, which
nothing else has. A page of a proxy or portal has none of these, whatever its status.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any, TypeVar
from zlib import crc32

import msgspec

from ..errors import (
    AccessRefused,
    CancellationReason,
    InvalidRequest,
    NotDynamoDBReply,
    ServiceError,
    ThrottledError,
    TransactionCancelled,
)
from ..operations.base import Operation
from .codes import service_error
from .redaction import without_credentials, without_values
from .transport import Reply

with suppress(ImportError):
    from isal.isal_zlib import crc32  # the same sums, many times as fast: the extra "fast"

__all__ = ["read"]

Result = TypeVar("Result")

#: Only DynamoDB and what imitates it answer with this type.
_OWN_CONTENT_TYPE = "application/x-amz-json-1.0"

#: Statuses that say enough without a code.
_TOO_LARGE = 413
_TOO_MANY = 429

#: Frequent messages that quote nothing.
_CONSTANT = frozenset({"", "The conditional request failed"})


def read(operation: Operation[Result], reply: Reply) -> Result:
    """Return the operation's result.

    Raises:
        ServiceError: DynamoDB answered with an error.
        NotDynamoDBReply: Something else answered, or the reply is damaged.
    """
    _check_crc(reply)
    if reply.status != 200:
        raise _error(operation, reply)
    content_type = reply.headers.get("content-type", "")
    if not content_type.startswith(_OWN_CONTENT_TYPE):
        if "json" not in content_type:
            raise NotDynamoDBReply("its content type is not JSON", status=reply.status)
        if "x-amzn-requestid" not in reply.headers:
            raise NotDynamoDBReply("it has no request id", status=reply.status)
    return operation.parse(reply.body)


def _check_crc(reply: Reply) -> None:
    """Compare the body with its checksum (header x-amz-crc32), where there is one."""
    stated = reply.headers.get("x-amz-crc32")
    if stated is not None and stated != (found := str(crc32(reply.body))) and stated.strip() != found:
        raise NotDynamoDBReply("its checksum is wrong", status=reply.status)


def _error(operation: Operation[Any], reply: Reply) -> ServiceError | NotDynamoDBReply:
    try:
        body = msgspec.json.decode(reply.body, type=dict[str, Any])
        code = str(body["__type"]).rpartition("#")[2]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, KeyError):
        return _error_without_code(reply)
    if reply.status == _TOO_LARGE:
        return _too_large(reply)
    reasons = tuple(_reason(operation, found) for found in _listed(body.get("CancellationReasons")))
    kind = type(service_error(code, "", status=reply.status))
    error = service_error(
        code,
        _message(operation, kind, body, reasons),
        status=reply.status,
        request_id=_request_id(reply),
        item=body.get("Item"),
    )
    if isinstance(error, TransactionCancelled):
        error.reasons = reasons
    return error


def _error_without_code(reply: Reply) -> ServiceError | NotDynamoDBReply:
    """Return the error for a page of a gateway, or for an error that came damaged."""
    if reply.status >= 500:
        return service_error("ServiceUnavailable", "", status=reply.status, request_id=_request_id(reply))
    if reply.status == _TOO_LARGE:
        return _too_large(reply)
    if reply.status == _TOO_MANY:
        return ThrottledError("TooManyRequests", "", status=reply.status, request_id=_request_id(reply))
    return NotDynamoDBReply(f"status {reply.status} without an error code", status=reply.status)


def _too_large(reply: Reply) -> InvalidRequest:
    return InvalidRequest(
        "RequestEntityTooLarge",
        "the request is larger than the service takes",
        status=reply.status,
        request_id=_request_id(reply),
    )


def _request_id(reply: Reply) -> str:
    return reply.headers.get("x-amzn-requestid", "")


def _message(
    operation: Operation[Any],
    kind: type[ServiceError],
    body: dict[str, Any],
    reasons: tuple[CancellationReason, ...],
) -> str:
    """Return the service's message without values and credentials."""
    if kind is TransactionCancelled:
        return "nothing was written: " + ", ".join(reason.code for reason in reasons)
    message = str(body.get("message") or body.get("Message") or "")
    if kind is AccessRefused:
        return without_credentials(message)
    if message in _CONSTANT:
        return message
    return without_values(message, operation.payload())


def _listed(found: Any) -> list[Any]:
    return found if isinstance(found, list) else []


def _reason(operation: Operation[Any], found: Any) -> CancellationReason:
    if not isinstance(found, dict):
        return CancellationReason("Unknown")
    message = str(found.get("Message") or found.get("message") or "")
    if message not in _CONSTANT:
        message = without_values(message, operation.payload())
    return CancellationReason(
        code=str(found.get("Code") or "None"),
        message=message,
        item=found.get("Item"),
    )
