"""The curl transport: requests and replies through libcurl, by way of pycurl.

libcurl sends a request again by itself when a kept connection turns out to be closed. So the
payload is handed to it as a stream that cannot be rewound: once any of it was read, libcurl gives
up, and whether any was read tells whether the request was sent.
"""

from __future__ import annotations

import io
import os
import time
from collections.abc import Callable
from typing import Any

from ..errors import TransportError
from .boto_errors import without_user
from .slots import Slots, watch
from .transport import Reply
from .wire import Route

__all__ = ["CurlWire"]

_BUFFER_BYTES = 512 * 1024
_EXPECT_BYTES = 1024 * 1024  # from here on libcurl asks first whether it may go on
_STATUS_DIGITS = 3
_NO_WAIT_SECONDS = 0.001


class _Handle:
    """A handle of libcurl with its one connection, and a look whether that was closed from the other side."""

    __slots__ = ("body", "curl", "head", "is_stale", "limit", "milliseconds", "number", "size")

    def __init__(self, limit: int) -> None:
        self.limit, self.size = limit, 0
        self.curl: Any = None
        self.head: list[bytes] = []
        self.body: list[bytes] = []
        self.milliseconds = 0
        self.number = -1
        self.is_stale: Callable[[float], object] = lambda _: False

    def take(self, data: bytes) -> int:
        """Keep a part of a reply, or refuse it: libcurl before 8.4 limits only bodies of a known length."""
        self.size += len(data)
        if self.size > self.limit:
            return 0
        self.body.append(data)
        return len(data)


class CurlWire:
    """Exchanges requests for replies, each handle of libcurl having one connection.

    Args:
        route: Where to, and how.
        max_reply_bytes: A larger reply is refused.

    Raises:
        ImportError: There is no pycurl that works.
    """

    def __init__(self, route: Route, max_reply_bytes: int) -> None:
        import pycurl

        self._pycurl: Any = pycurl
        self._route, self._max = route, max_reply_bytes
        self._lines = [*route.lines, f"Host: {route.host_header}"]
        self._lines = [
            line for line in self._lines if not line.startswith(("User-Agent:", "Accept-Encoding: id"))
        ]
        self._slots: Slots[_Handle] = Slots(self._made, _closed, route.max_connections)
        self._options = self._constant()
        self._HEADERS, self._SIZE, self._READ, self._TIMEOUT, self._STATUS, self._SOCKET = (
            pycurl.HTTPHEADER,
            pycurl.POSTFIELDSIZE_LARGE,
            pycurl.READFUNCTION,
            pycurl.TIMEOUT_MS,
            pycurl.RESPONSE_CODE,
            pycurl.ACTIVESOCKET,
        )

    def _constant(self) -> list[tuple[int, Any]]:
        """Return the options that are the same for all requests."""
        curl, route = self._pycurl, self._route
        agent = next((line for line in route.lines if line.startswith("User-Agent: ")), "User-Agent: ")
        options: list[tuple[int, Any]] = [
            (curl.URL, route.url),
            (curl.POST, 1),
            (curl.USERAGENT, agent.partition(": ")[2]),
            (curl.ACCEPT_ENCODING, "identity"),
            (curl.HTTP_VERSION, curl.CURL_HTTP_VERSION_1_1),
            (curl.NOSIGNAL, 1),
            (curl.NOPROGRESS, 1),
            (curl.FOLLOWLOCATION, 0),
            (curl.MAXCONNECTS, 1),
            (curl.MAXFILESIZE_LARGE, self._max),
            (curl.BUFFERSIZE, _BUFFER_BYTES),
            (curl.CONNECTTIMEOUT_MS, max(int(route.connect_seconds * 1000), 1)),
            (curl.TCP_NODELAY, 1),
            (curl.PROXY, route.proxy.url if route.proxy else ""),
            (curl.NOPROXY, ""),
        ]
        if route.is_tls:
            options += [(curl.CAINFO, route.ca_bundle), (curl.SSL_VERIFYPEER, 1), (curl.SSL_VERIFYHOST, 2)]
            options.append((curl.SSLVERSION, curl.SSLVERSION_TLSv1_2))
        if route.client_cert is not None:
            certificate, key = route.client_cert
            options.append((curl.SSLCERT, certificate))
            options += [(curl.SSLKEY, key)] if key else []
        return options

    def _made(self) -> _Handle:
        handle = _Handle(self._max)
        self._prepare(handle)
        return handle

    def _prepare(self, handle: _Handle) -> None:
        """Begin anew, without a connection."""
        curl = handle.curl = self._pycurl.Curl()
        handle.milliseconds, handle.number = 0, -1
        for option, value in self._options:
            curl.setopt(option, value)
        curl.setopt(self._pycurl.HEADERFUNCTION, handle.head.append)
        curl.setopt(self._pycurl.WRITEFUNCTION, handle.take)

    def exchange(self, lines: list[str], payload: bytes, timeout_seconds: float) -> Reply:
        """Send one request and return its reply.

        Raises:
            TransportError: No complete reply came; says whether the request was sent.
        """
        began = time.monotonic()
        handle = self._slots.take(timeout_seconds)
        waited = time.monotonic() - began
        if waited > _NO_WAIT_SECONDS:
            timeout_seconds -= waited
        is_whole = False
        try:
            reply = self._exchange(handle, lines, payload, max(int(timeout_seconds * 1000), 1))
            is_whole = True
            return reply
        finally:
            if is_whole:
                self._slots.give(handle)
            else:
                self._slots.drop(handle)

    def _exchange(self, handle: _Handle, lines: list[str], payload: bytes, milliseconds: int) -> Reply:
        if handle.number >= 0 and handle.is_stale(0):
            handle.curl.close()
            self._prepare(handle)
        curl, head, body = handle.curl, handle.head, handle.body
        stream = io.BytesIO(payload)
        headers = self._lines + lines
        if len(payload) >= _EXPECT_BYTES:
            headers.append("Expect:")
        setopt = curl.setopt
        setopt(self._HEADERS, headers)
        setopt(self._SIZE, len(payload))
        setopt(self._READ, stream.read)
        if milliseconds != handle.milliseconds:
            setopt(self._TIMEOUT, milliseconds)
            handle.milliseconds = milliseconds
        failure = None
        try:
            curl.perform()
        except self._pycurl.error as error:
            failure = self._failure(error, stream.tell() > 0)
        if failure is not None:
            raise failure
        if not head or head[-1] != b"\r\n":  # libcurl takes the end for the end of the headers
            raise TransportError("the connection broke: the reply's headers do not end", sent=True)
        found = _headers(head)
        reply = Reply(curl.getinfo(self._STATUS), found, body[0] if len(body) == 1 else b"".join(body))
        head.clear()
        body.clear()
        handle.size = 0
        number = curl.getinfo(self._SOCKET)
        if number != handle.number:
            handle.number = number
            handle.is_stale = watch(number) if number >= 0 else lambda _: False
        return reply

    def close(self) -> None:
        """Close the connections."""
        self._slots.close()

    def abandon(self) -> None:
        """Put nothing in the place of the connections of the parent, which goes on using them.

        A handle that is let go says goodbye on its connection: that must not reach the other side.
        """
        for handle in self._slots.taken_apart():
            number = handle.curl.getinfo(self._pycurl.ACTIVESOCKET)
            if number >= 0:
                nothing = os.open(os.devnull, os.O_RDWR)
                os.dup2(nothing, number)
                os.close(nothing)
            handle.curl.close()

    def _failure(self, error: Exception, is_sent: bool) -> TransportError:
        """Return what an error of libcurl means; its texts name no headers and no payload."""
        curl = self._pycurl
        code, text = error.args[0], without_user(str(error.args[1]))
        too_large = (curl.E_FILESIZE_EXCEEDED, curl.E_WRITE_ERROR)
        if code in too_large:
            text = f"the reply is larger than {self._max} bytes"
        certificates = (curl.E_PEER_FAILED_VERIFICATION, curl.E_SSL_CACERT_BADFILE, curl.E_SSL_CERTPROBLEM)
        if code in (curl.E_SSL_CONNECT_ERROR, *certificates):
            text = f"SSL: {text}"
        final = (*certificates, *too_large, curl.E_URL_MALFORMAT)
        what = (
            "the connection broke" if is_sent else f"cannot connect to {self._route.host}:{self._route.port}"
        )
        return TransportError(f"{what}: {text}", sent=is_sent, can_retry=code not in final)


def _closed(handle: _Handle) -> None:
    handle.curl.close()


def _headers(lines: list[bytes]) -> dict[str, str]:
    """Return the headers of the last answer: there may be interim ones before.

    Raises:
        TransportError: It has two lengths, or no status of three digits.
    """
    found: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.decode("latin-1").partition(":")
        if name.startswith("HTTP/"):
            found.clear()
            if len(name.split(None, 2)[1]) != _STATUS_DIGITS:
                raise TransportError("the connection broke: the reply has no status", sent=True)
        elif colon:
            field, text = name.lower(), value.strip()
            if field == "content-length" and found.get(field, text) != text:
                raise TransportError("the connection broke: the reply has two lengths", sent=True)
            found[field] = text
    return found
