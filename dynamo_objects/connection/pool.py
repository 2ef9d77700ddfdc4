"""The urllib3 transport: connections made by urllib3, requests and replies read and written here.

urllib3 resolves, connects, tunnels through proxies and checks certificates. An HTTP/1.1 reply of a
known length is read in place; any other one is left to http.client.
"""

from __future__ import annotations

import http.client
import io
import socket
import ssl
import time
from collections.abc import Callable
from typing import Any

from ..errors import TransportError
from .slots import Slots, watch
from .transport import Reply
from .wire import Route

__all__ = ["PoolWire"]

_RECEIVE_BYTES = 16384
_HEAD_BYTES = 65536  # of a reply; more is none of DynamoDB's
_JOIN_BYTES = 65536  # a larger payload is not copied to stand behind its headers
_LENGTH_DIGITS = 18


class _Link:
    """A connection, and a look whether it was closed from the other side."""

    __slots__ = ("connection", "is_stale", "sock")

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self.sock: Any = None
        self.is_stale: Callable[[], object] = lambda: False


class PoolWire:
    """Exchanges requests for replies over kept connections.

    Args:
        route: Where to, and how.
        max_reply_bytes: A larger reply is refused.
    """

    def __init__(self, route: Route, max_reply_bytes: int) -> None:
        self._route, self._max = route, max_reply_bytes
        self._context = _tls(route) if route.is_tls else None
        lines = [f"POST {route.target} HTTP/1.1", f"Host: {route.host_header}", *route.lines]
        self._start = "\r\n".join(lines) + "\r\n"
        self._slots = Slots(self._made, _closed, route.max_connections)

    def exchange(self, lines: list[str], payload: bytes, timeout_seconds: float) -> Reply:
        """Send one request and return its reply.

        Raises:
            TransportError: No complete reply came; says whether the request was sent.
        """
        deadline = time.monotonic() + timeout_seconds
        link = self._slots.take(timeout_seconds)
        is_whole = False
        try:
            if link.sock is not None and link.is_stale():
                link.connection.close()
                link.sock = None
            if link.sock is None:
                self._connect(link, timeout_seconds)
            rest = "\r\n".join(lines)
            head = f"{self._start}{rest}\r\nContent-Length: {len(payload)}\r\n\r\n"
            self._write(link, head.encode("latin-1"), payload, deadline)
            reply, is_whole = self._read(link, deadline)
            return reply
        finally:
            if is_whole:
                self._slots.give(link)
            else:
                self._slots.drop(link)

    def close(self) -> None:
        """Close the connections."""
        self._slots.close()

    def abandon(self) -> None:
        """Close this process's ends of the connections of its parent, which goes on using them."""
        for link in self._slots.taken_apart():
            link.connection.close()

    # --- connecting -----------------------------------------------------------------------

    def _made(self) -> _Link:
        from urllib3.connection import HTTPConnection, HTTPSConnection

        route = self._route
        host, port = (route.proxy.host, route.proxy.port) if route.proxy else (route.host, route.port)
        options: dict[str, Any] = {"socket_options": route.socket_options}
        if self._context is None:
            return _Link(HTTPConnection(host, port, **options))
        connection = HTTPSConnection(host, port, ssl_context=self._context, **options)
        if route.proxy:
            connection.set_tunnel(route.host, route.port, route.proxy.headers)
        return _Link(connection)

    def _connect(self, link: _Link, timeout_seconds: float) -> None:
        connection = link.connection
        connection.timeout = min(self._route.connect_seconds, timeout_seconds)
        try:
            connection.connect()
        except Exception as error:
            failure = _not_connected(self._route, error)
        else:
            link.sock = connection.sock
            link.is_stale = watch(link.sock.fileno())
            return
        raise failure

    # --- writing and reading --------------------------------------------------------------

    def _write(self, link: _Link, head: bytes, payload: bytes, deadline: float) -> None:
        sock, sent = link.sock, False
        data = head + payload if len(payload) <= _JOIN_BYTES else head
        try:
            sock.settimeout(_left(deadline))
            sent = self._context is not None
            count = sock.send(data)
            sent = True
            if count < len(data):
                _send_all(sock, data[count:], deadline)
            if len(payload) > _JOIN_BYTES:
                _send_all(sock, payload, deadline)
        except OSError as error:
            # What a plain socket has refused at once was not sent at all.
            failure = TransportError(f"the connection broke: {_said(error)}", sent=sent)
        else:
            return
        raise failure

    def _read(self, link: _Link, deadline: float) -> tuple[Reply, bool]:
        """Return a reply, and whether the connection can be used again."""
        try:
            return self._read_reply(link.sock, deadline)
        except TimeoutError:
            failure = TransportError("no reply came in time", sent=True)
        except (OSError, http.client.HTTPException) as error:
            failure = TransportError(f"the connection broke: {_said(error)}", sent=True)
        raise failure

    def _read_reply(self, sock: Any, deadline: float) -> tuple[Reply, bool]:
        data: bytes = sock.recv(_RECEIVE_BYTES)
        end = data.find(b"\r\n\r\n")
        while end < 0:
            more = _received(sock, _RECEIVE_BYTES, deadline) if data else b""
            if not more:
                raise ConnectionError("it was closed before a reply")
            data += more
            end = data.find(b"\r\n\r\n")
            if end < 0 and len(data) > _HEAD_BYTES:
                raise ConnectionError("the reply's headers do not end")
        status, headers = _head(data[:end].decode("latin-1"))
        length = headers.get("content-length", "")
        if len(length) > _LENGTH_DIGITS:
            raise _too_large(self._max)
        if "transfer-encoding" in headers or not _is_plain(status, length):
            return self._read_unusual(sock, data, deadline), False
        missing = int(length) - (len(data) - end - 4)
        if int(length) > self._max:
            raise _too_large(self._max)
        body = data[end + 4 :]
        if missing > 0:
            body = self._whole(sock, body, missing, deadline)
            if self._context is not None and sock.pending():  # decrypted: no look at the socket finds it
                missing = -1
        is_kept = missing >= 0 and _is_kept(data[:9], headers)
        return Reply(status, headers, body[: int(length)]), is_kept

    def _whole(self, sock: Any, body: bytes, missing: int, deadline: float) -> bytes:
        buffer = bytearray(len(body) + missing)
        buffer[: len(body)] = body
        rest = memoryview(buffer)[len(body) :]
        while rest:
            sock.settimeout(_left(deadline))
            count = sock.recv_into(rest)
            if not count:
                raise ConnectionError("it was closed within a reply")
            rest = rest[count:]
        return bytes(buffer)

    def _read_unusual(self, sock: Any, data: bytes, deadline: float) -> Reply:
        """Return a reply of any form of HTTP; the connection is not used again."""
        replay: Any = _Replay(sock, data, deadline)
        response = http.client.HTTPResponse(replay, method="POST")
        try:
            response.begin()
            body = response.read(self._max + 1)
        finally:
            response.close()
        if len(body) > self._max:
            raise _too_large(self._max)
        if response.length:  # left to come: with an amount asked for, http.client does not say so
            raise ConnectionError("it was closed within a reply")
        headers = {name.lower(): text for name, text in response.getheaders()}
        return Reply(response.status, headers, body)


class _Replay(io.RawIOBase):
    """What was received already, and then the socket."""

    def __init__(self, sock: Any, data: bytes, deadline: float) -> None:
        super().__init__()
        self._sock, self._data, self._deadline = sock, data, deadline

    def makefile(self, *_: Any, **__: Any) -> io.BufferedReader:
        """Return a file, as http.client asks of a socket."""
        return io.BufferedReader(self)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        """Read what there is."""
        part = self._data or _received(self._sock, len(buffer), self._deadline)
        taken = part[: len(buffer)]
        self._data = part[len(taken) :]
        buffer[: len(taken)] = taken
        return len(taken)


def _tls(route: Route) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=route.ca_bundle)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if route.client_cert is not None:
        context.load_cert_chain(*route.client_cert)
    return context


def _closed(link: _Link) -> None:
    link.connection.close()


def _send_all(sock: Any, data: bytes, deadline: float) -> None:
    """Send everything by the deadline, which `sendall` of TLS begins anew with each part."""
    rest = memoryview(data)
    while rest:
        sock.settimeout(_left(deadline))
        rest = rest[sock.send(rest) :]
    sock.settimeout(_left(deadline))


def _received(sock: Any, count: int, deadline: float) -> bytes:
    sock.settimeout(_left(deadline))
    received: bytes = sock.recv(count)
    return received


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError("timed out")
    return left


def _head(text: str) -> tuple[int, dict[str, str]]:
    """Return the status and the headers; of those that come twice the last one holds.

    Raises:
        ConnectionError: It is none of HTTP, or has two lengths.
    """
    first, *lines = text.split("\r\n")
    headers = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    status = first[9:13].rstrip(" ")
    if not first.startswith("HTTP/1.") or len(status) != 3 or not (status.isascii() and status.isdigit()):
        raise ConnectionError("what came is no HTTP reply")
    if len(headers) < len(lines) and "content-length" in headers:
        _check_length(lines)
    return int(status), headers


def _check_length(lines: list[str]) -> None:
    """Raise ConnectionError where there are two lengths: nobody knows where such a reply ends."""
    fields = (line.partition(":") for line in lines)
    if len({value.strip() for name, _, value in fields if name.lower() == "content-length"}) > 1:
        raise ConnectionError("the reply has two lengths")


def _is_plain(status: int, length: str) -> bool:
    """Tell whether a body of the stated length follows."""
    return 200 <= status and status not in (204, 304) and length.isascii() and length.isdigit()


def _is_kept(start: bytes, headers: dict[str, str]) -> bool:
    connection = headers.get("connection", "").lower()
    return start.startswith(b"HTTP/1.1") and "close" not in connection


def _too_large(limit: int) -> TransportError:
    return TransportError(f"the reply is larger than {limit} bytes", sent=True, can_retry=False)


def _said(error: Exception) -> str:
    """Return what an error of the network says."""
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def _not_connected(route: Route, error: Exception) -> TransportError:
    """Return what a failure to connect means: nothing was sent."""
    cause: BaseException = error
    while isinstance(cause.__cause__, OSError):
        cause = cause.__cause__
    is_refused = isinstance(cause, ssl.SSLCertVerificationError)
    kind = "SSL: " if isinstance(cause, ssl.SSLError) else ""
    if isinstance(cause, socket.gaierror):
        text = f"its name is not known ({cause.strerror})"
    else:
        text = getattr(cause, "strerror", None) or str(cause) or type(cause).__name__
    where = f"{route.host}:{route.port}" + (" through a proxy" if route.proxy else "")
    return TransportError(f"cannot connect to {where}: {kind}{text}", sent=False, can_retry=not is_refused)
