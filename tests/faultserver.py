"""A small HTTP server on 127.0.0.1 that answers as told: well, badly, half, late or not at all.

It asks a service for good replies: one in this process, or another server by its URL.
"""

from __future__ import annotations

import http.client
import json
import os
import socket
import struct
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import attrs
import msgspec

from dynamo_objects.connection.transport import Reply, Transport
from tests.dictservice import error_reply, good_reply

__all__ = ["ANSWERS", "FaultServer", "Received"]

HTML = b"<html><body>Please log in</body></html>"


@attrs.frozen
class Received:
    """One request that came in.

    Attributes:
        operation: Of the header X-Amz-Target.
        body: As received.
        headers: Names in lower case.
        peer: The port at the other end, the same for requests on one connection.
    """

    operation: str
    body: bytes = attrs.field(repr=False)
    headers: dict[str, str] = attrs.field(repr=False)
    peer: int

    @property
    def members(self) -> Any:
        """Return the body as JSON says."""
        return json.loads(self.body)


def _page(status: int, body: bytes = HTML, **headers: str) -> Reply:
    return Reply(status, {"content-type": "text/html", **headers}, body)


def _without_crc(reply: Reply, body: bytes) -> Reply:
    headers = {name: text for name, text in reply.headers.items() if name != "x-amz-crc32"}
    return Reply(reply.status, headers, body)


#: Name -> answer without asking the service.
_BEFORE: dict[str, Reply] = {
    "html": _page(200),
    "json of others": Reply(200, {"content-type": "application/json"}, b'{"ok":true}'),
    "ok true": good_reply({"ok": True}),
    "list": good_reply([1]),
    "not utf-8": good_reply(b'{"Item":{"id":{"S":"\xff"}}}'),
    "deep": good_reply(b"[" * 50_000),
    "empty": _page(200, b""),
    "500": error_reply("InternalServerError", status=500),
    "500 page": _page(500),
    "500 empty": Reply(500, {}, b""),
    "503": error_reply("ServiceUnavailable", status=503),
    "503 page": _page(503),
    "400 page": _page(400),
    "400 list": good_reply([1], 400),
    "404 page": _page(404),
    "413": Reply(413, {}, b""),
    "429": _page(429),
    "redirect": _page(301, location="http://127.0.0.1:1/"),
    "redirect 307": _page(307, location="http://127.0.0.1:1/"),
    "throughput exceeded": error_reply("ProvisionedThroughputExceededException"),
    "throttling": error_reply("ThrottlingException"),
    "request limit": error_reply("RequestLimitExceeded"),
    "expired token": error_reply("ExpiredTokenException", "The security token included is expired"),
    "invalid": error_reply("ValidationException", "why"),
}
#: Name -> answer made from the service's.
_AFTER: dict[str, Callable[[Reply], Reply]] = {
    "good": lambda reply: reply,
    "wrong crc": lambda reply: msgspec.structs.replace(reply, headers={**reply.headers, "x-amz-crc32": "1"}),
    "truncated": lambda reply: _without_crc(reply, reply.body[: len(reply.body) // 2]),
    "no request id": lambda reply: Reply(reply.status, {"content-type": "application/json"}, reply.body),
    "no crc": lambda reply: _without_crc(reply, reply.body),
    "500 after": lambda reply: error_reply("InternalServerError", status=500),
}
#: What is done to the connection instead of a whole answer.
_BROKEN = (
    "reset before",
    "reset after",
    "close before",
    "half",
    "half of the headers",
    "late",
    "late and done",
)

#: Everything that the server can be told.
ANSWERS = (*_BEFORE, *_AFTER, *_BROKEN)


class FaultServer:
    """Serves while its ``with`` block runs.

    Attributes:
        received: All requests, in the order in which they came.
        release: Set it to let late answers go.
    """

    def __init__(self, service: Transport | str) -> None:
        self.received: list[Received] = []
        self.release = threading.Event()
        self._service = _Proxy(service) if isinstance(service, str) else service
        self._answers: deque[str] = deque()
        self._lock = threading.Lock()
        self._sockets: set[socket.socket] = set()
        self._server = _Server(("127.0.0.1", 0), _handler_for(self))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    @property
    def url(self) -> str:
        """Return where it listens."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def tell(self, *answers: str) -> None:
        """Answer the next requests so; after that well. Forgets what it was told before."""
        assert set(answers) <= set(ANSWERS)
        with self._lock:
            self._answers = deque(answers)
            self.received.clear()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.release.set()
        self._server.shutdown()
        self._server.server_close()
        with self._lock:
            sockets = list(self._sockets)
        for each in sockets:
            with suppress(OSError):  # closed already
                each.shutdown(socket.SHUT_RDWR)
        self._thread.join(5)

    # --- for the handler ----------------------------------------------------------------------

    def _next(self, request: Received) -> str:
        with self._lock:
            self.received.append(request)
            return self._answers.popleft() if self._answers else "good"

    def _ask(self, request: Received) -> Reply:
        return self._service.send(request.operation, request.body, 5)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: clients that break off are what this is about."""


def _handler_for(owner: FaultServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            super().setup()
            self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with owner._lock:
                owner._sockets.add(self.connection)

        def finish(self) -> None:
            with owner._lock:
                owner._sockets.discard(self.connection)
            super().finish()

        def do_POST(self) -> None:
            headers = {name.lower(): text for name, text in self.headers.items()}
            body = self.rfile.read(int(headers.get("content-length", 0)))
            operation = headers.get("x-amz-target", "").rpartition(".")[2]
            request = Received(operation, body, headers, self.client_address[1])
            answer = owner._next(request)
            if answer in _BEFORE:
                self._reply(_BEFORE[answer])
            elif answer in _AFTER:
                self._reply(_AFTER[answer](owner._ask(request)))
            else:
                self._break(answer, request)

        def _break(self, answer: str, request: Received) -> None:
            self.close_connection = True
            if answer == "reset before":
                self._reset()
            elif answer == "close before":
                pass
            elif answer == "late":
                owner.release.wait(5)
            else:
                reply = owner._ask(request)
                if answer == "reset after":
                    self._reset()
                elif answer == "half":
                    self._reply(reply, upto=len(reply.body) // 2)
                elif answer == "half of the headers":
                    self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: appl")
                else:
                    owner.release.wait(5)

        def _reset(self) -> None:
            """Break the connection off, so that the other side gets an error and no end."""
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            os.close(self.connection.detach())

        def _reply(self, reply: Reply, upto: int | None = None) -> None:
            head = [f"HTTP/1.1 {reply.status} Reason"]
            head += [f"{name}: {text}" for name, text in reply.headers.items()]
            head += [f"Content-Length: {len(reply.body)}", "", ""]
            self.wfile.write("\r\n".join(head).encode() + reply.body[:upto])

        def log_message(self, format: str, *arguments: Any) -> None:
            """Say nothing."""

    return Handler


class _Proxy:
    """Asks another server."""

    retries_by_itself = False

    def __init__(self, url: str) -> None:
        self._address = urlsplit(url).netloc

    def send(self, operation: str, payload: bytes, timeout_seconds: float) -> Reply:
        """Send one request on a connection of its own."""
        connection = http.client.HTTPConnection(self._address, timeout=timeout_seconds)
        credential = "Credential=local/20260101/us-east-1/dynamodb/aws4_request"
        headers = {
            "Content-Type": "application/x-amz-json-1.0",
            "X-Amz-Target": f"DynamoDB_20120810.{operation}",
            "X-Amz-Date": "20260101T000000Z",
            "Authorization": f"AWS4-HMAC-SHA256 {credential}, SignedHeaders=host, Signature=0",
        }
        try:
            connection.request("POST", "/", payload, headers)
            response = connection.getresponse()
            body = response.read()
            found = {name.lower(): text for name, text in response.headers.items()}
        finally:
            connection.close()
        kept = {n: text for n, text in found.items() if n.startswith("x-am") or n == "content-type"}
        return Reply(response.status, kept, body)

    def close(self) -> None:
        """Do nothing."""
