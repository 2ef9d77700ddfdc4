"""Small servers for the native transports: bytes as told, TLS with certificates made here, and a proxy.

All of them listen on 127.0.0.1 while their ``with`` block runs.
"""

from __future__ import annotations

import datetime
import ipaddress
import json
import socket
import ssl
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Self
from zlib import crc32

__all__ = [
    "GOOD",
    "Certificate",
    "ConnectProxy",
    "OddServer",
    "RawServer",
    "SlowReader",
    "echo",
    "make_certificate",
]

_BODY = b'{"Item":{"id":{"S":"k1"}}}'
_HEAD = b"HTTP/1.1 200 OK\r\nx-amzn-RequestId: ID\r\nContent-Type: application/x-amz-json-1.0\r\n"

#: A good reply to a GetItem.
GOOD = _HEAD + b"Content-Length: %d\r\n\r\n" % len(_BODY) + _BODY


class Certificate:
    """Files of a certificate that has signed itself, with its key.

    Attributes:
        path: Both, in one file.
    """

    def __init__(self, path: Path) -> None:
        self.path = str(path)


def make_certificate(folder: Path, *names: str) -> Certificate:
    """Return a certificate for some host names and addresses."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, names[0])])
    kinds: list[Any] = []
    for name in names:
        try:
            kinds.append(x509.IPAddress(ipaddress.ip_address(name)))
        except ValueError:
            kinds.append(x509.DNSName(name))
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName(kinds), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    text = made.public_bytes(pem) + key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = folder / f"{names[0]}.pem"
    path.write_bytes(text)
    return Certificate(path)


class _Listening:
    """Accepts connections, each served by a thread of its own.

    Attributes:
        accepted: How many connections there were.
        port: Where it listens.
    """

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._ended = threading.Semaphore(0)
        self._is_over = False
        self.accepted = 0
        self.port: int = self._socket.getsockname()[1]

    def wait_for_end(self) -> None:
        """Wait until a connection was closed from this side, one more than before."""
        assert self._ended.acquire(timeout=5)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: Any) -> None:
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(5)
        self._is_over = True
        for each in list(self._open):
            _end(each)

    def _secured(self, connection: socket.socket, context: ssl.SSLContext) -> ssl.SSLSocket:
        """Return a connection with TLS, which is closed with all others, however late it comes about."""
        served = context.wrap_socket(connection, server_side=True)
        self._open.append(served)
        if self._is_over:
            _end(served)
        return served

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self.accepted += 1
            self._open.append(connection)
            threading.Thread(target=self._serve_quietly, args=(connection,), daemon=True).start()

    def _serve_quietly(self, connection: socket.socket) -> None:
        with suppress(OSError, ssl.SSLError, ValueError):
            self._serve(connection)
        with suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)
        self._ended.release()

    def _serve(self, connection: socket.socket) -> None:
        raise NotImplementedError


def _end(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()


def _read_request(connection: Any) -> tuple[bytes, bytes]:
    """Return head and body of a request.

    Raises:
        OSError: There is none.
    """
    data = b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(65536)
        if not more:
            raise OSError
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    lengths = [
        line.partition(b":")[2] for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")
    ]
    while len(body) < int(lengths[0] if lengths else 0):
        body += connection.recv(65536)
    return head, body


class RawServer(_Listening):
    """Sends the bytes it is told to, in turn; then good replies.

    Args:
        certificate: For TLS.
        client_ca: A certificate that clients have to have.

    Attributes:
        heads: Of the requests that came.
        bodies: Of the requests that came.
        is_closing: Whether it closes a connection after a reply.
    """

    def __init__(
        self, *replies: bytes, certificate: Certificate | None = None, client_ca: Certificate | None = None
    ):
        super().__init__()
        self.heads: list[bytes] = []
        self.bodies: list[bytes] = []
        self.is_closing = False
        self._replies = list(replies)
        self._context = None
        self._scheme = "http" if certificate is None else "https"
        if certificate is not None:
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._context.load_cert_chain(certificate.path)
        if self._context is not None and client_ca is not None:
            self._context.verify_mode = ssl.CERT_REQUIRED
            self._context.load_verify_locations(client_ca.path)

    @property
    def url(self) -> str:
        """Return where it listens."""
        return f"{self._scheme}://127.0.0.1:{self.port}"

    def _serve(self, connection: socket.socket) -> None:
        served: Any = connection
        if self._context is not None:
            served = self._secured(connection, self._context)
        while True:
            head, body = _read_request(served)
            self.heads.append(head)
            self.bodies.append(body)
            reply = self._replies.pop(0) if self._replies else GOOD
            served.sendall(reply)
            if self.is_closing or reply is not GOOD:
                return


class OddServer(_Listening):
    """Echoes the first value of each request, as an item; but first it gives one odd reply.

    Args:
        parts: The odd reply, each part sent on its own, with pauses of a moment.
        is_closing: Whether it closes the connection after that; else it goes on.
        certificate: For TLS.
    """

    def __init__(
        self, *parts: bytes, is_closing: bool = False, certificate: Certificate | None = None
    ) -> None:
        super().__init__()
        self.tell(*parts, is_closing=is_closing)
        self._context = None
        if certificate is not None:
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._context.load_cert_chain(certificate.path)

    def tell(self, *parts: bytes, is_closing: bool = False) -> None:
        """Give another odd reply to the next request."""
        self._parts: tuple[bytes, ...] | None = parts
        self._is_closing = is_closing

    @property
    def url(self) -> str:
        """Return where it listens."""
        return f"{'http' if self._context is None else 'https'}://127.0.0.1:{self.port}"

    def _serve(self, connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        served: Any = connection
        if self._context is not None:
            served = self._secured(connection, self._context)
        while True:
            _, body = _read_request(served)
            parts, self._parts = self._parts, None
            if parts is None:
                served.sendall(echo(body))
                continue
            for number, part in enumerate(parts):
                time.sleep(0.02 if number else 0)
                served.sendall(part)
            if self._is_closing:
                return


class SlowReader(OddServer):
    """Reads a little of a request from time to time, and answers nothing."""

    def _serve(self, connection: socket.socket) -> None:
        served: Any = connection
        if self._context is not None:
            served = self._secured(connection, self._context)
        while served.recv(200_000):
            time.sleep(0.05)


def echo(request: bytes) -> bytes:
    """Return the good reply to a GetItem, with the item that was asked for."""
    body = json.dumps({"Item": json.loads(request)["Key"]}).encode()
    return _HEAD + b"x-amz-crc32: %d\r\nContent-Length: %d\r\n\r\n" % (crc32(body), len(body)) + body


class ConnectProxy(_Listening):
    """A proxy that connects, if it is asked with the right password.

    Attributes:
        asked: The requests for connections.
    """

    def __init__(self, authorization: str | None = None) -> None:
        super().__init__()
        self.asked: list[bytes] = []
        self._authorization = authorization

    @property
    def address(self) -> str:
        """Return where it listens."""
        return f"127.0.0.1:{self.port}"

    def _serve(self, connection: socket.socket) -> None:
        head, _ = _read_request(connection)
        self.asked.append(head)
        if self._authorization is not None and self._authorization.encode() not in head:
            connection.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
            return
        host, _, port = head.split(b" ")[1].decode().rpartition(":")
        other = socket.create_connection((host, int(port)))
        self._open.append(other)
        connection.sendall(b"HTTP/1.1 200 Connection established\r\nProxy-Agent: test\r\n\r\n")
        back = threading.Thread(target=_copy, args=(other, connection), daemon=True)
        back.start()
        _copy(connection, other)
        back.join(5)


def _copy(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)
