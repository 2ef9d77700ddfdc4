"""The engine: the name of an operation and the bytes of its request in, a reply out."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import count
from os import urandom
from typing import Any
from zlib import crc32

import msgspec

from ..codec.structs import Quiet
from .catalog import Catalog
from .conflicts import Claims
from .errors import ApiError, malformed
from .faults import Faults
from .faulty import answer
from .meter import Meter
from .nulls import check_nulls
from .requests import REQUESTS, check
from .storage.base import Storage
from .throughput import Throttle

__all__ = ["Context", "Handler", "LocalEngine", "LocalReply", "Options"]

#: Operation -> members of its request; AWS ignores all others.
_KNOWN = {operation: frozenset(kind.members) for operation, kind in REQUESTS.items()}


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """How the engine deviates from answering everything at once.

    Raises:
        ValueError: A page of nothing, or less than no time.

    Attributes:
        clock: Returns the seconds since 1970; tests may move it.
        page_bytes: How much one Query or Scan reads (AWS Developer Guide, "Query": 1 MB).
        throughput: Whether provisioned throughput is enforced.
        faults: What goes wrong, and how often; None for nothing.
        table_seconds: How long tables and indexes take to be created, changed and deleted.
        index_lag_seconds: How long global indexes lag behind their table.
        region: In the names of tables (ARNs).
        ttl_delay_seconds: How long after their time expired items are deleted; None for never.
    """

    clock: Callable[[], float] = time.time
    page_bytes: int = 1024 * 1024
    throughput: bool = False
    faults: Faults | None = None
    table_seconds: float = 0.0
    index_lag_seconds: float = 0.0
    ttl_delay_seconds: float | None = None
    region: str = "us-east-1"

    def __post_init__(self) -> None:
        if self.page_bytes < 1:
            raise ValueError(f"page_bytes must be 1 or more, got {self.page_bytes}")
        for name in ("table_seconds", "index_lag_seconds", "ttl_delay_seconds"):
            seconds = getattr(self, name)
            if seconds is not None and not seconds >= 0:
                raise ValueError(f"{name} must be 0 or more, got {seconds}")


class Context(msgspec.Struct, frozen=True):
    """What handlers work with.

    Attributes:
        storage: The entries.
        catalog: The tables.
        options: See there.
        claims: Keys that transactions are about to write.
        meter: Counts the units that are consumed, and refuses what is too much.
    """

    storage: Storage
    catalog: Catalog
    options: Options
    claims: Claims
    meter: Meter


#: Carries out one operation: its members in, the members of the reply out, which may hold
#: ``msgspec.Raw``; or the body itself.
Handler = Callable[[Context, dict[str, Any]], dict[str, Any] | bytes]


class LocalReply(Quiet, frozen=True):
    """A reply, in the shape of the waist.

    Attributes:
        status: HTTP status.
        headers: Names in lower case.
        body: DynamoDB JSON.
    """

    unshown = frozenset({"body"})

    status: int
    headers: Mapping[str, str]
    body: bytes


class LocalEngine:
    """DynamoDB in the process.

    Args:
        storage: Where entries are kept; closed with the engine.
        handlers: Operation -> what carries it out.
        options: See there.
        before: What is done before each request.
    """

    def __init__(
        self,
        storage: Storage,
        handlers: Mapping[str, Handler],
        options: Options | None = None,
        before: Sequence[Callable[[Context], None]] = (),
    ) -> None:
        options = options or Options()
        meter = Throttle(options.clock) if options.throughput else Meter()
        self.context = Context(storage, Catalog(storage, options.clock), options, Claims(), meter)
        self._handlers = handlers
        self._before = before
        #: Request ids have 52 characters, as AWS's.
        self._name, self._numbers = urandom(16).hex().upper(), count(10**19)

    def send(self, operation: str, payload: bytes) -> LocalReply:
        """Carry out one request.

        Raises:
            LostReply: A fault that was asked for: the connection breaks.
        """
        try:
            body, status = self._answered(operation, payload), 200
        except ApiError as error:
            body, status = error.body(), error.status
        headers = {
            "content-type": "application/x-amz-json-1.0",
            "x-amzn-requestid": f"{self._name}{next(self._numbers)}",
            "x-amz-crc32": str(crc32(body)),
            "content-length": str(len(body)),
        }
        return LocalReply(status, headers, body)

    def close(self) -> None:
        """Close the storage."""
        self.context.storage.close()

    def _answered(self, operation: str, payload: bytes) -> bytes:
        faults = self.context.options.faults
        if faults is None:
            return self._carried_out(operation, payload)
        return answer(faults, operation, payload, partial(self._carried_out, operation))

    def _carried_out(self, operation: str, payload: bytes) -> bytes:
        handler = self._handlers.get(operation)
        if handler is None:
            raise ApiError("UnknownOperationException")
        request = _checked(operation, payload)
        for work in self._before:
            work(self.context)
        result = handler(self.context, request)
        return result if isinstance(result, bytes) else msgspec.json.encode(result)


def _checked(operation: str, payload: bytes) -> dict[str, Any]:
    """Return a request of the right shape, with no other members than AWS knows."""
    try:
        request = msgspec.json.decode(payload)
        if not isinstance(request, dict):
            raise malformed("Start of structure or map found where not expected")
        check(operation, request)
        if b"null" in payload:
            check_nulls(operation, request)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise malformed("") from None
    known = _KNOWN[operation]
    if request.keys() <= known:
        return request
    return {name: held for name, held in request.items() if name in known}
