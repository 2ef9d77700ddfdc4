"""A server with one prepared answer for each operation, as cheap as Python can make it.

One process, one thread, an epoll or kqueue loop over plain sockets, HTTP/1.1 with keep-alive, TLS where a certificate
is given. The answers have what DynamoDB's have: request id, checksum, content type, date. Nothing is stored. The keys
in the answers are those that all clients ask for, since ours compares them.

Run as a program, it prints its port, and ends when its standard input does, so that it does not outlive its parent.
``GET /`` answers how many requests there were of each operation.
"""

from __future__ import annotations

import argparse
import json
import re
import select
import selectors
import socket
import ssl
import sys
import time
import zlib
from email.utils import formatdate
from typing import Any

from .client import new_dict
from .orders import BATCH, ORDERS, SCAN, TABLE

__all__ = ["Stub", "answers", "item", "main"]

_TARGET = re.compile(rb"x-amz-target: *DynamoDB_20120810\.(\w+)", re.IGNORECASE)
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_JSON = "application/x-amz-json-1.0"
#: UpdateItem answers with the item if asked to.
_ALL_NEW = b'"ALL_NEW"'


def item(number: int) -> dict[str, Any]:
    """Return an order as DynamoDB has it."""
    return {name: _value(value) for name, value in new_dict(number, float).items()}


def _value(value: Any) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"BOOL": value}
    if isinstance(value, (int, float)):
        return {"N": str(value)}
    if isinstance(value, list):
        return {"L": [_value(member) for member in value]}
    if isinstance(value, dict):
        return {"M": {name: _value(member) for name, member in value.items()}}
    return {"S": value}


def answers() -> dict[str, bytes]:
    """Return operation -> body."""
    members: dict[str, Any] = {
        "GetItem": {"Item": item(0)},
        "PutItem": {},
        "UpdateItem": {},
        "UpdateItem ALL_NEW": {"Attributes": item(0)},
        "Query": {"Count": ORDERS, "Items": [item(n) for n in range(ORDERS)], "ScannedCount": ORDERS},
        "Scan": {"Count": SCAN, "Items": [item(n) for n in range(SCAN)], "ScannedCount": SCAN},
        "BatchGetItem": {"Responses": {TABLE: [item(n) for n in range(BATCH)]}, "UnprocessedKeys": {}},
        "BatchWriteItem": {"UnprocessedItems": {}},
    }
    return {name: json.dumps(found, separators=(",", ":")).encode() for name, found in members.items()}


def _head(status: str, body: bytes) -> bytes:
    lines = (
        f"HTTP/1.1 {status}",
        "Server: Server",
        f"Date: {formatdate(usegmt=True)}",
        f"Content-Type: {_JSON}",
        f"Content-Length: {len(body)}",
        "Connection: keep-alive",
        f"x-amzn-RequestId: {'STUB' * 13}",
        f"x-amz-crc32: {zlib.crc32(body)}",
    )
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


class Stub:
    """The server, on a free port of the loopback interface.

    Attributes:
        port: The port.
        counts: Operation -> requests.
    """

    def __init__(self, certificate: str | None = None) -> None:
        self._bodies = answers()
        self._heads: dict[str, bytes] = {}
        self._second = 0
        self.counts: dict[str, int] = {}
        self._context: ssl.SSLContext | None = None
        if certificate is not None:
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._context.load_cert_chain(certificate)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._buffers: dict[socket.socket, bytearray] = {}

    def serve(self, parent: int) -> None:
        """Answer until the file descriptor *parent* is at its end."""
        with selectors.DefaultSelector() as selector:
            selector.register(parent, selectors.EVENT_READ)
            selector.register(self._listener, selectors.EVENT_READ)
            while True:
                for key, _ in selector.select():
                    if key.fileobj is self._listener:
                        self._accept(selector)
                    elif isinstance(key.fileobj, socket.socket):
                        self._receive(selector, key.fileobj)
                    else:
                        return

    def _accept(self, selector: selectors.BaseSelector) -> None:
        connection, _ = self._listener.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._context is not None:
            connection.settimeout(5)
            try:
                connection = self._context.wrap_socket(connection, server_side=True)
            except OSError:  # somebody who does not know our certificate
                connection.close()
                return
        connection.setblocking(False)
        self._buffers[connection] = bytearray()
        selector.register(connection, selectors.EVENT_READ)

    def _receive(self, selector: selectors.BaseSelector, connection: socket.socket) -> None:
        buffer = self._buffers[connection]
        try:
            while True:  # TLS may hold more than select knows of
                received = connection.recv(65536)
                buffer += received
                if not received or (self._context is None and len(received) < 65536):
                    break
        except (BlockingIOError, ssl.SSLWantReadError):
            received = b"more to come"
        except OSError:
            received = b""
        try:
            while self._answer(connection, buffer):
                pass
        except OSError:
            received = b""
        if not received:
            selector.unregister(connection)
            del self._buffers[connection]
            connection.close()

    def _answer(self, connection: socket.socket, buffer: bytearray) -> bool:
        """Answer the first request in the buffer, if it is complete."""
        end = buffer.find(b"\r\n\r\n")
        if end < 0:
            return False
        head = bytes(buffer[: end + 2])
        length = _LENGTH.search(head)
        whole = end + 4 + (0 if length is None else int(length[1]))
        if len(buffer) < whole:
            if b"100-continue" in head:
                _send(connection, b"HTTP/1.1 100 Continue\r\n\r\n")
            return False
        body = bytes(buffer[end + 4 : whole])
        del buffer[:whole]
        target = _TARGET.search(head)
        self._reply(connection, None if target is None else target[1].decode(), body)
        return True

    def _reply(self, connection: socket.socket, operation: str | None, body: bytes) -> None:
        if operation is None:
            shown = json.dumps(self.counts).encode()
            _send(connection, _head("200 OK", shown) + shown)
            return
        self.counts[operation] = self.counts.get(operation, 0) + 1
        if operation == "UpdateItem" and _ALL_NEW in body:
            operation = "UpdateItem ALL_NEW"
        now = int(time.time())
        if now != self._second:
            self._second = now
            self._heads = {name: _head("200 OK", found) for name, found in self._bodies.items()}
        if operation in self._bodies:
            _send(connection, self._heads[operation] + self._bodies[operation])
        else:
            refusal = b'{"__type":"com.amazon.coral.service#UnknownOperationException","message":""}'
            _send(connection, _head("400 Bad Request", refusal) + refusal)


def _send(connection: socket.socket, message: bytes) -> None:
    view = memoryview(message)
    while view:
        try:
            view = view[connection.send(view) :]
        except (BlockingIOError, ssl.SSLWantWriteError):
            if not select.select([], [connection], [], 10)[1]:
                raise TimeoutError("a client does not read what it asked for") from None


def main() -> None:
    """Serve as the command line asks, until standard input ends."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--certificate", help="a PEM file with a key and a certificate, for TLS")
    stub = Stub(parser.parse_args().certificate)
    print(stub.port, flush=True)
    stub.serve(sys.stdin.fileno())
