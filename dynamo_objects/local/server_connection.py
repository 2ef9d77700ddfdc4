"""One connection: requests in, one after another, responses out in the same order.

Clients may be slow, silent, malformed or gone; each step has its time and its size.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus
from zlib import crc32

import msgspec

from .faults import LostReply
from .server_front import AMZ_JSON, MAX_BODY_BYTES, Front, Response
from .server_http import BadRequest, Head, chunk_size, parse_head

__all__ = ["Connection", "Limits"]

_READ_BYTES = 64 * 1024
_MAX_LINE_BYTES = 4096


class Limits(msgspec.Struct, frozen=True):
    """How much, and how long.

    Attributes:
        connections: At the same time; for one more, the one that has been silent longest is closed.
        idle_seconds: Between requests.
        head_seconds: From the first byte of a request to the end of its head.
        body_seconds: For the body.
        send_seconds: For the client to take a response.
        head_bytes: Of a request's head.
    """

    connections: int = 256
    idle_seconds: float = 120.0
    head_seconds: float = 10.0
    body_seconds: float = 30.0
    send_seconds: float = 30.0
    head_bytes: int = 32 * 1024


class _Gone(Exception):
    """There is nobody to talk to any more."""


class _Wire:
    """A socket whose reads have an end in time, with what was read ahead."""

    def __init__(self, raw: socket.socket) -> None:
        self._raw = raw
        self._ahead = bytearray()
        self._deadline = 0.0

    def allow(self, seconds: float) -> None:
        """Set when the reads that follow must be done."""
        self._deadline = time.monotonic() + seconds

    def has_ahead(self) -> bool:
        """Tell whether something was read that nobody has asked for yet."""
        return bool(self._ahead)

    def more(self) -> bool:
        """Read on; False when the client has nothing more to say."""
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._raw.settimeout(left)
        part = self._raw.recv(_READ_BYTES)
        self._ahead += part
        return bool(part)

    def until(self, end: bytes, limit: int) -> bytes:
        """Return what stands before and with *end*.

        Raises:
            BadRequest: It is too long.
            _Gone: The client stopped in the middle.
        """
        searched = 0
        while (found := self._ahead.find(end, searched)) < 0:
            if len(self._ahead) > limit:
                raise BadRequest(431, "header fields too large")
            searched = max(0, len(self._ahead) - len(end) + 1)
            if not self.more():
                raise _Gone
        if found + len(end) > limit:
            raise BadRequest(431, "header fields too large")
        return self.take(found + len(end))

    def exactly(self, size: int) -> bytes:
        """Return the next *size* bytes.

        Raises:
            _Gone: The client stopped in the middle.
        """
        while len(self._ahead) < size:
            if not self.more():
                raise _Gone
        return self.take(size)

    def take(self, size: int) -> bytes:
        """Return and forget the first bytes that were read."""
        ahead = self._ahead
        if size == len(ahead):
            taken = bytes(ahead)
            ahead.clear()
        else:
            taken = bytes(ahead[:size])
            del ahead[:size]
        return taken

    def skip_line_breaks(self) -> None:
        """Forget empty lines before a request (RFC 9112, section 2.2)."""
        while self._ahead.startswith(b"\r\n"):
            del self._ahead[:2]

    def send(self, data: bytes, seconds: float) -> None:
        """Send all of it."""
        self._raw.settimeout(seconds)
        self._raw.sendall(data)

    def drain(self, seconds: float, limit: int) -> None:
        """Say that nothing follows, and read what the client still sends, so that it gets our word."""
        self._raw.shutdown(socket.SHUT_WR)
        self.allow(seconds)
        read = 0
        while read < limit and self.more():
            read += len(self._ahead)
            self._ahead.clear()


class Connection:
    """A connection, served by one thread.

    Attributes:
        idle_since: When it began to wait for a request, by the monotonic clock; None while one is served.
    """

    def __init__(
        self, raw: socket.socket, front: Front, limits: Limits, is_ending: Callable[[], bool]
    ) -> None:
        self.idle_since: float | None = time.monotonic()
        self._raw, self._wire = raw, _Wire(raw)
        self._front, self._limits = front, limits
        self._is_ending = is_ending

    def serve(self) -> None:
        """Answer requests until one side ends the connection."""
        try:
            self._raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while self._serve_one():
                pass
        except (_Gone, OSError):  # also timeouts of silence and of clients that do not read
            pass
        finally:
            self._raw.close()

    def stop_reading(self) -> None:
        """End the connection after the request that is being served, if there is one."""
        self._shut(socket.SHUT_RD)

    def end(self) -> None:
        """End the connection now."""
        self._shut(socket.SHUT_RDWR)

    def _shut(self, how: int) -> None:
        with suppress(OSError):  # it has ended
            self._raw.shutdown(how)

    def _serve_one(self) -> bool:
        """Answer one request; False when it was the last one."""
        try:
            head = self._head()
            if head is None:
                return False
            body = self._body(head)
        except BadRequest as bad:
            self._refuse(bad.status, bad.reason.encode())
            return False
        except TimeoutError:
            self._refuse(408, b"the request took too long")
            return False
        if body is None:
            self._refuse(413)
            return False
        try:
            response = self._front.respond(head, body)
        except LostReply as lost:  # a fault that was asked for
            if lost.body is not None:
                whole = _raw(Response(200, lost.body, AMZ_JSON), keep_alive=False)
                self._wire.send(whole[: len(whole) - len(lost.body) // 2 - 1], self._limits.send_seconds)
            return False
        keep_alive = head.keep_alive and not self._is_ending()
        self._wire.send(
            _raw(response, keep_alive, with_body=head.method != "HEAD"), self._limits.send_seconds
        )
        return keep_alive

    def _head(self) -> Head | None:
        """Return the head of the next request; None when there is none."""
        wire, limits = self._wire, self._limits
        wire.skip_line_breaks()
        if not wire.has_ahead():
            self.idle_since = time.monotonic()
            wire.allow(limits.idle_seconds)
            if not self._has_begun():
                return None
        self.idle_since = None
        wire.allow(limits.head_seconds)
        return parse_head(wire.until(b"\r\n\r\n", limits.head_bytes)[:-2])

    def _has_begun(self) -> bool:
        """Wait for a request; False when none comes."""
        wire = self._wire
        try:
            while not wire.has_ahead():
                if not wire.more():
                    return False
                wire.skip_line_breaks()
        except TimeoutError:
            return False
        return True

    def _body(self, head: Head) -> bytes | None:
        """Return the body; None when it is too long."""
        wire = self._wire
        if head.length == 0:
            return b""
        if head.length is not None and head.length > MAX_BODY_BYTES:
            return None
        if head.expects_continue and not wire.has_ahead():
            wire.send(b"HTTP/1.1 100 Continue\r\n\r\n", self._limits.send_seconds)
        wire.allow(self._limits.body_seconds)
        return self._chunks() if head.length is None else wire.exactly(head.length)

    def _chunks(self) -> bytes | None:
        wire = self._wire
        parts: list[bytes] = []
        size = 0
        while length := chunk_size(wire.until(b"\r\n", _MAX_LINE_BYTES)):
            size += length
            if size > MAX_BODY_BYTES:
                return None
            parts.append(wire.exactly(length))
            if wire.exactly(2) != b"\r\n":
                raise BadRequest(400, "malformed chunk")
        self._skip_trailer()
        return b"".join(parts)

    def _skip_trailer(self) -> None:
        left = self._limits.head_bytes
        while (line := self._wire.until(b"\r\n", _MAX_LINE_BYTES)) != b"\r\n":
            left -= len(line)
            if left < 0:
                raise BadRequest(431, "trailer too large")

    def _refuse(self, status: int, reason: bytes = b"") -> None:
        """Answer a request that cannot be read to its end, and end the connection."""
        response = Response(status, reason, "text/plain" if reason else "")
        self._wire.send(_raw(response, keep_alive=False), self._limits.send_seconds)
        self._wire.drain(min(2.0, self._limits.body_seconds), 4 * MAX_BODY_BYTES)


def _raw(response: Response, keep_alive: bool, with_body: bool = True) -> bytes:
    """Return the bytes of a response, with the header fields that AWS sends."""
    body = response.body
    lines = [
        f"HTTP/1.1 {response.status} {_phrase(response.status)}",
        "Server: Server",
        f"Date: {_date(int(time.time()))}",
        f"Content-Length: {len(body)}",
        f"Connection: {'keep-alive' if keep_alive else 'close'}",
        f"x-amzn-RequestId: {os.urandom(26).hex().upper()}",
        f"x-amz-crc32: {crc32(body)}",
    ]
    if response.content_type:
        lines.append(f"Content-Type: {response.content_type}")
    lines += [f"{name}: {text}" for name, text in response.fields]
    head = "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"
    return head + body if with_body else head


@lru_cache(maxsize=64)
def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


@lru_cache(maxsize=2)
def _date(second: int) -> str:
    return formatdate(second, usegmt=True)
