"""What may happen to a request on its way and back: about thirty kinds of faults."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import attrs
import msgspec

from dynamo_objects.connection.transport import Reply
from dynamo_objects.errors import TransportError
from tests.dictservice import error_reply, good_reply

__all__ = ["BATCHES", "BATCH_FAULTS", "FAULTS", "Fault", "HTML"]

HTML = Reply(200, {"content-type": "text/html"}, b"<html><body>Please log in</body></html>")

_TABLE_OPERATIONS = ("CreateTable", "UpdateTable", "DeleteTable", "DescribeTable")
_WRITES = ("PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems")
_SINGLE_WRITES = ("PutItem", "UpdateItem", "DeleteItem")
_READS = ("GetItem", "Query", "Scan", "BatchGetItem", "TransactGetItems")
_DATA = _WRITES + _READS
_ALL = _DATA + _TABLE_OPERATIONS


def _lost(text: str) -> TransportError:
    return TransportError(text, sent=True)


def _damaged(reply: Reply) -> Reply:
    return msgspec.structs.replace(reply, headers={**reply.headers, "x-amz-crc32": "1"})


def _truncated(reply: Reply) -> Reply:
    headers = {name: text for name, text in reply.headers.items() if name != "x-amz-crc32"}
    return Reply(reply.status, headers, reply.body[: len(reply.body) // 2])


def _anonymous(reply: Reply) -> Reply:
    return Reply(reply.status, {"content-type": "application/json"}, reply.body)


def _foreign(reply: Reply) -> Reply:
    """Return the reply with another key in it, as after a mix-up of connections."""
    body = json.loads(reply.body)
    for item in _items(body):
        if "id" in item:
            item["id"] = {"S": "somebody else's"}
    return good_reply(body, reply.status)


def _items(body: Any) -> list[Any]:
    found = [body[name] for name in ("Item", "Attributes") if name in body]
    found += body.get("Items", [])
    for items in body.get("Responses", {}).values() if isinstance(body.get("Responses"), dict) else ():
        found += items
    return found


@attrs.frozen
class Fault:
    """One kind of fault.

    Attributes:
        operations: Those that it may happen to.
        is_before: Whether the service never sees the request.
        answer: What comes back, made from the good reply where the service saw the request.
    """

    operations: tuple[str, ...]
    is_before: bool
    answer: Callable[[Reply], Reply | TransportError]


def _before(answer: Reply | TransportError, operations: tuple[str, ...] = _ALL) -> Fault:
    return Fault(operations, True, lambda reply: answer)


def _after(answer: Callable[[Reply], Reply | TransportError], operations: tuple[str, ...] = _ALL) -> Fault:
    return Fault(operations, False, answer)


_CANCELLED = error_reply(
    "TransactionCanceledException", CancellationReasons=[{"Code": "TransactionConflict"}]
)

#: Name -> fault. Those of batches, which depend on the request, are in `FaultTransport`.
FAULTS: dict[str, Fault] = {
    "connection refused": _before(TransportError("connection refused", sent=False)),
    "reset before": _before(_lost("connection reset")),
    "throughput exceeded": _before(error_reply("ProvisionedThroughputExceededException")),
    "throttling": _before(error_reply("ThrottlingException")),
    "request limit": _before(error_reply("RequestLimitExceeded")),
    "429 of a gateway": _before(Reply(429, {"content-type": "text/html"}, b"<html>")),
    "table operation limit": _before(error_reply("LimitExceededException"), _TABLE_OPERATIONS),
    "transaction conflict": _before(error_reply("TransactionConflictException"), _SINGLE_WRITES),
    "replication conflict": _before(error_reply("ReplicatedWriteConflictException", status=409), _WRITES),
    "transaction in progress": _before(
        error_reply("TransactionInProgressException"), ("TransactWriteItems",)
    ),
    "transaction cancelled": _before(_CANCELLED, ("TransactWriteItems",)),
    "500 before": _before(error_reply("InternalServerError", status=500)),
    "503 page before": _before(Reply(503, {"content-type": "text/html"}, b"<html>")),
    "portal": _before(HTML),
    "redirect": _before(Reply(302, {"location": "http://portal/"}, b"")),
    "another service": _before(good_reply({"ok": True})),
    "expired token": _before(error_reply("ExpiredTokenException")),
    "wrong clock": _before(error_reply("InvalidSignatureException")),
    "no rights": _before(error_reply("AccessDeniedException"), _DATA),
    "table being created": _before(error_reply("ResourceNotFoundException"), _DATA),
    "reset after": _after(lambda reply: _lost("connection reset")),
    "read timeout": _after(lambda reply: _lost("read timeout")),
    "half a reply": _after(lambda reply: _lost("incomplete read")),
    "500 after": _after(lambda reply: error_reply("InternalServerError", status=500)),
    "502 page after": _after(lambda reply: Reply(502, {"content-type": "text/html"}, b"<html>")),
    "wrong checksum": _after(_damaged),
    "truncated reply": _after(_truncated),
    "empty reply": _after(lambda reply: msgspec.structs.replace(_truncated(reply), body=b"")),
    "no request id": _after(_anonymous),
    "members missing": _after(lambda reply: good_reply({"ok": True})),
    "another key": _after(_foreign, ("GetItem", "DeleteItem", "UpdateItem", "Query", "BatchGetItem")),
}
BATCH_FAULTS = ("some unprocessed", "all unprocessed", "done but unprocessed")
BATCHES = ("BatchWriteItem", "BatchGetItem")
