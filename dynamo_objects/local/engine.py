"""The engine: the name of an operation and the bytes of its request in, a reply out."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any
from zlib import crc32

import attrs
import msgspec

from .catalog import Catalog
from .errors import ApiError, malformed
from .storage.base import Storage

__all__ = ["Context", "Handler", "LocalEngine", "LocalReply", "Options"]


@attrs.frozen
class Options:
    """How the engine deviates from answering everything at once.

    Attributes:
        clock: Returns the seconds since 1970; tests may move it.
        page_bytes: How much one Query or Scan reads (AWS Developer Guide, "Query": 1 MB).
    """

    clock: Callable[[], float] = time.time
    page_bytes: int = 1024 * 1024


@attrs.frozen
class Context:
    """What handlers work with.

    Attributes:
        storage: The entries.
        catalog: The tables.
        options: See there.
    """

    storage: Storage
    catalog: Catalog
    options: Options


#: Carries out one operation: its members in, the members of the reply out, which may hold
#: ``msgspec.Raw``; or the body itself.
Handler = Callable[[Context, dict[str, Any]], dict[str, Any] | bytes]


@attrs.frozen
class LocalReply:
    """A reply, in the shape of the waist.

    Attributes:
        status: HTTP status.
        headers: Names in lower case.
        body: DynamoDB JSON.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes = attrs.field(repr=False)


class LocalEngine:
    """DynamoDB in the process.

    Args:
        storage: Where entries are kept; closed with the engine.
        handlers: Operation -> what carries it out.
        options: See there.
    """

    def __init__(
        self, storage: Storage, handlers: Mapping[str, Handler], options: Options | None = None
    ) -> None:
        self.context = Context(storage, Catalog(storage), options or Options())
        self._handlers = handlers

    def send(self, operation: str, payload: bytes) -> LocalReply:
        """Carry out one request."""
        try:
            body, status = self._carried_out(operation, payload), 200
        except ApiError as error:
            body, status = error.body(), error.status
        headers = {
            "content-type": "application/x-amz-json-1.0",
            "x-amzn-requestid": uuid.uuid4().hex.upper(),
            "x-amz-crc32": str(crc32(body)),
            "content-length": str(len(body)),
        }
        return LocalReply(status, headers, body)

    def close(self) -> None:
        """Close the storage."""
        self.context.storage.close()

    def _carried_out(self, operation: str, payload: bytes) -> bytes:
        handler = self._handlers.get(operation)
        if handler is None:
            raise ApiError("UnknownOperationException")
        try:
            request = msgspec.json.decode(payload)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise malformed("") from None
        if not isinstance(request, dict):
            raise malformed("Start of structure or map found where not expected")
        result = handler(self.context, request)
        return result if isinstance(result, bytes) else msgspec.json.encode(result)
