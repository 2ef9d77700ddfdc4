"""From a reply to a result or an error; what is not DynamoDB's is always an error.

DynamoDB's replies carry a request id and DynamoDB's own content type, and usually a CRC.
A page of a proxy or portal does not, whatever its status.
"""

from __future__ import annotations

import re
from typing import Any, TypeVar
from zlib import crc32

import msgspec

from ..errors import (
    CancellationReason,
    NotDynamoDBReply,
    ServiceError,
    TransactionCancelled,
    service_error,
)
from ..operations.base import Operation
from .transport import Reply

__all__ = ["read"]

Result = TypeVar("Result")


def read(operation: Operation[Result], reply: Reply) -> Result:
    """Return the operation's result.

    Raises:
        ServiceError: DynamoDB answered with an error.
        NotDynamoDBReply: Something else answered, or the reply is damaged.
    """
    _check_crc(reply)
    if reply.status != 200:
        raise _error(reply)
    headers = reply.headers
    if "x-amzn-requestid" not in headers:
        raise NotDynamoDBReply("it has no request id", status=reply.status)
    if "json" not in headers.get("content-type", ""):
        raise NotDynamoDBReply("its content type is not JSON", status=reply.status)
    return operation.parse(reply.body)


def _check_crc(reply: Reply) -> None:
    """Compare the body with its checksum (header x-amz-crc32), where there is one."""
    stated = reply.headers.get("x-amz-crc32")
    if stated is not None and stated != str(crc32(reply.body)):
        raise NotDynamoDBReply("its checksum is wrong", status=reply.status)


def _error(reply: Reply) -> ServiceError | NotDynamoDBReply:
    request_id = reply.headers.get("x-amzn-requestid", "")
    try:
        body = msgspec.json.decode(reply.body, type=dict[str, Any])
        code = str(body["__type"]).rpartition("#")[2]
    except (msgspec.DecodeError, KeyError, RecursionError):
        if reply.status >= 500:
            return service_error("ServiceUnavailable", "", status=reply.status, request_id=request_id)
        return NotDynamoDBReply(f"status {reply.status} without an error code", status=reply.status)
    reason = _without_values(str(body.get("message") or body.get("Message") or ""))
    error = service_error(code, reason, status=reply.status, request_id=request_id, item=body.get("Item"))
    if isinstance(error, TransactionCancelled):
        error.reasons = tuple(_reason(found) for found in body.get("CancellationReasons") or ())
    return error


#: Services quote what they refuse: ``Value '...' at 'requestItems' failed to satisfy ...``.
_QUOTED = re.compile(r"(?<=[Vv]alue ')(.*)(?=' at ')", re.DOTALL)
_LONGEST_REASON = 300


def _without_values(reason: str) -> str:
    """Return a message without the item values that it may quote."""
    return _QUOTED.sub("...", reason)[:_LONGEST_REASON]


def _reason(found: Any) -> CancellationReason:
    if not isinstance(found, dict):
        return CancellationReason("Unknown")
    return CancellationReason(
        code=str(found.get("Code") or "None"),
        message=_without_values(str(found.get("Message") or found.get("message") or "")),
        item=found.get("Item"),
    )
