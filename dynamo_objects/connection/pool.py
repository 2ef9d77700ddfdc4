"""The transport over our own sockets: requests are written here, and replies read.

An HTTP/1.1 reply of a known length is read in place; any other one is left to http.client, and a
proxy is asked by urllib3. Neither is imported for anything else.
"""

from __future__ import annotations

import io
from time import monotonic

from ..errors import TransportError
from .heads import LENGTH_DIGITS, parsed, usual
from .slots import Slots
from .sockets import Connector, Link, left, said
from .transport import Reply
from .wire import Route

__all__ = ["PoolWire"]

_RECEIVE_BYTES = 16384  # all of a record of TLS, so that none of it waits where nobody sees it
_HEAD_BYTES = 65536  # of a reply; more is none of DynamoDB's
_JOIN_BYTES = 65536  # a larger payload is not copied to stand behind its headers


class PoolWire:
    """Exchanges requests for replies over kept connections.

    Args:
        route: Where to, and how.
        max_reply_bytes: A larger reply is refused.
    """

    def __init__(self, route: Route, max_reply_bytes: int) -> None:
        self._max = max_reply_bytes
        self._connector = Connector(route)
        self._is_tls, self._not_yet = self._connector.is_tls, self._connector.not_yet
        lines = [f"POST {route.target} HTTP/1.1", f"Host: {route.host_header}", *route.lines]
        self._start = "\r\n".join(lines) + "\r\n"
        self._slots = Slots(Link, Link.close, route.max_connections)

    def exchange(self, lines: list[str], payload: bytes, timeout_seconds: float) -> Reply:
        """Send one request and return its reply.

        Raises:
            TransportError: No complete reply came; says whether the request was sent.
        """
        deadline = monotonic() + timeout_seconds
        link = self._slots.take(timeout_seconds)
        is_whole = False
        try:
            if link.sock is None or link.look(0):  # nothing is expected: it was closed, or is out of step
                link.close()
                link.open(self._connector.connect(deadline - monotonic()))
            rest = "\r\n".join(lines)
            head = f"{self._start}{rest}\r\nContent-Length: {len(payload)}\r\n\r\n".encode("latin-1")
            self._write(link, head, payload, deadline)
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
            link.close()

    # --- writing --------------------------------------------------------------------------

    def _write(self, link: Link, head: bytes, payload: bytes, deadline: float) -> None:
        is_joined = len(payload) <= _JOIN_BYTES
        data = head + payload if is_joined else head
        sent = self._is_tls  # what a plain socket refuses at once was not sent at all
        try:
            try:
                count = link.sock.send(data)
            except self._not_yet as refusal:
                link.wait_after(refusal, deadline, is_writing=True)
                count = 0
            sent = True
            if count < len(data):
                self._write_rest(link, data[count:], deadline)
            if not is_joined:
                self._write_rest(link, payload, deadline)
        except OSError as error:
            failure = TransportError(f"the connection broke: {said(error)}", sent=sent)
        else:
            return
        raise failure

    def _write_rest(self, link: Link, data: bytes, deadline: float) -> None:
        rest = memoryview(data)
        while rest:
            left(deadline)
            try:
                rest = rest[link.sock.send(rest) :]
            except self._not_yet as refusal:
                link.wait_after(refusal, deadline, is_writing=True)

    # --- reading --------------------------------------------------------------------------

    def _read(self, link: Link, deadline: float) -> tuple[Reply, bool]:
        """Return a reply, and whether the connection can be used again."""
        try:
            link.wait(deadline)
            data = self._received(link, _RECEIVE_BYTES, deadline)
            end = data.find(b"\r\n\r\n")
            if end < 0:
                data, end = self._whole_head(link, data, deadline)
            found = usual(data, end)
            if found is None:
                return self._read_other(link, data, end, deadline)
            headers, length = found
            body, is_kept = self._body(link, data, end + 4, length, deadline)
            return Reply(200, headers, body), is_kept
        except TimeoutError:
            failure = TransportError("no reply came in time", sent=True)
        except OSError as error:
            failure = TransportError(f"the connection broke: {said(error)}", sent=True)
        raise failure

    def _received(self, link: Link, count: int, deadline: float) -> bytes:
        """Return up to so many bytes, none at the end."""
        while True:
            try:
                received: bytes = link.sock.recv(count)
                return received
            except self._not_yet as refusal:
                link.wait_after(refusal, deadline, is_writing=False)

    def _whole_head(self, link: Link, data: bytes, deadline: float) -> tuple[bytes, int]:
        """Return what has come when the headers are complete, and where they end."""
        while True:
            left(deadline)
            more = self._received(link, _RECEIVE_BYTES, deadline) if data else b""
            if not more:
                raise ConnectionError("it was closed before a reply")
            data += more
            end = data.find(b"\r\n\r\n")
            if end >= 0:
                return data, end
            if len(data) > _HEAD_BYTES:
                raise ConnectionError("the reply's headers do not end")

    def _body(self, link: Link, data: bytes, start: int, length: int, deadline: float) -> tuple[bytes, bool]:
        """Return the body that begins there, and whether nothing came behind it."""
        if length > self._max:
            raise _too_large(self._max)
        have = len(data) - start
        if have >= length:
            return data[start : start + length], have == length
        body = self._long_body(link, memoryview(data)[start:], length, deadline)
        # What TLS has decrypted already, no look at the socket finds.
        return body, not (self._is_tls and link.sock.pending())

    def _long_body(self, link: Link, begun: memoryview, length: int, deadline: float) -> bytes:
        """Return a body of which only the beginning has come: it is received in place, and not copied."""
        whole = io.BytesIO(bytes(length))
        have = len(begun)
        with whole.getbuffer() as view:
            view[:have] = begun
            while have < length:
                left(deadline)
                try:
                    count = link.sock.recv_into(view[have:])
                except self._not_yet as refusal:
                    link.wait_after(refusal, deadline, is_writing=False)
                    continue
                if not count:
                    raise ConnectionError("it was closed within a reply")
                have += count
        return whole.getvalue()

    def _read_other(self, link: Link, data: bytes, end: int, deadline: float) -> tuple[Reply, bool]:
        """Return a reply that is an error, or of an unusual form."""
        status, headers = parsed(data[:end])
        length = headers.get("content-length", "")
        if len(length) > LENGTH_DIGITS:
            raise _too_large(self._max)
        if "transfer-encoding" in headers or not _has_length(status, length):
            return self._read_unusual(link, data, deadline), False
        body, is_kept = self._body(link, data, end + 4, int(length), deadline)
        is_kept = is_kept and data.startswith(b"HTTP/1.1")
        return Reply(status, headers, body), is_kept and "close" not in headers.get("connection", "").lower()

    def _read_unusual(self, link: Link, data: bytes, deadline: float) -> Reply:
        from . import unusual  # and http.client with it

        def receive(count: int) -> bytes:
            left(deadline)
            return self._received(link, count, deadline)

        try:
            return unusual.read_unusual(data, receive, self._max)
        except unusual.TooLarge:
            raise _too_large(self._max) from None


def _has_length(status: int, length: str) -> bool:
    """Tell whether a body of the stated length follows."""
    return 200 <= status and status not in (204, 304) and length.isascii() and length.isdigit()


def _too_large(limit: int) -> TransportError:
    return TransportError(f"the reply is larger than {limit} bytes", sent=True, can_retry=False)
