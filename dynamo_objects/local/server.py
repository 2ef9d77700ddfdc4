"""An engine over HTTP on this machine, so that any SDK in any language can use it.

In a test::

    with serve(open_engine("memory://")) as url:
        client = boto3.client("dynamodb", endpoint_url=url, ...)
"""

from __future__ import annotations

import ipaddress
import selectors
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from .server_connection import Connection, Limits
from .server_front import Access, Answering, Front

__all__ = ["Access", "Limits", "Server", "serve"]

_BUSY = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
#: How long requests that are being served may take when the server ends.
_GRACE_SECONDS = 5.0


class Server:
    """Serves from ``start`` to ``close``, in threads of its own.

    Args:
        engine: Answers the requests; it is not closed.
        host, port: Where to listen; port 0 for any free one.
        access: Who may send requests, besides programs that call this machine by a name of its own.
        limits: How much, and how long.
        allow_remote: Whether other machines may be let in: nobody's signature is checked.

    Raises:
        ValueError: The host is not this machine alone, and *allow_remote* is not set; or is unknown.
        OSError: It cannot listen there.
    """

    def __init__(
        self,
        engine: Answering,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        access: Access | None = None,
        limits: Limits | None = None,
        allow_remote: bool = False,
    ) -> None:
        self._front = Front(engine, access)
        self._limits = limits or Limits()
        self._listener = _listener(host, port, allow_remote)
        self._waker, self._wakes = socket.socketpair()
        self._connections: dict[Connection, threading.Thread] = {}
        self._lock = threading.Lock()
        self._is_ending = False
        self._thread = threading.Thread(target=self._accept, name="dynamo-objects-server", daemon=True)

    @property
    def url(self) -> str:
        """Return where it listens."""
        host, port = self._listener.getsockname()[:2]
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    def start(self) -> None:
        """Take connections from now on."""
        self._thread.start()

    def close(self) -> None:
        """Take no more requests; those that are being served are answered. Harmless when closed."""
        with self._lock:
            if self._is_ending:
                return
            self._is_ending = True
        self._waker.send(b"x")
        if self._thread.ident is not None:
            self._thread.join()
        for closing in (self._listener, self._waker, self._wakes):
            closing.close()
        self._end_connections()

    def _end_connections(self) -> None:
        give_up = time.monotonic() + _GRACE_SECONDS
        for end in (Connection.stop_reading, Connection.end):
            with self._lock:
                left = dict(self._connections)
            for connection in left:
                end(connection)
            for thread in left.values():
                thread.join(max(0.0, give_up - time.monotonic()))
            give_up += 1.0

    def _accept(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._listener, selectors.EVENT_READ)
            selector.register(self._wakes, selectors.EVENT_READ)
            while not self._is_ending:
                selector.select()
                if not self._is_ending:
                    self._take()

    def _take(self) -> None:
        try:
            raw, _ = self._listener.accept()
        except BlockingIOError:
            return
        except OSError:  # the client has gone, or there are no more descriptors: the old ones end soon
            time.sleep(0.01)
            return
        raw.setblocking(True)
        with self._lock:
            is_full = len(self._connections) >= self._limits.connections
            idle = self._longest_idle() if is_full else None
        if is_full and idle is None:
            _say_busy(raw)
            return
        if idle is not None:
            idle.end()
        self._begin(Connection(raw, self._front, self._limits, lambda: self._is_ending))

    def _longest_idle(self) -> Connection | None:
        idle = [(one.idle_since, id(one), one) for one in self._connections if one.idle_since is not None]
        return min(idle)[2] if idle else None

    def _begin(self, connection: Connection) -> None:
        thread = threading.Thread(
            target=self._serve, args=(connection,), name="dynamo-objects-connection", daemon=True
        )
        with self._lock:
            self._connections[connection] = thread
        try:
            thread.start()
        except RuntimeError:  # no more threads
            with self._lock:
                del self._connections[connection]
            connection.end()

    def _serve(self, connection: Connection) -> None:
        try:
            connection.serve()
        finally:
            with self._lock:
                self._connections.pop(connection, None)


def _say_busy(raw: socket.socket) -> None:
    try:
        raw.setblocking(False)
        raw.send(_BUSY)
    except OSError:
        pass
    finally:
        raw.close()


def _listener(host: str, port: int, allow_remote: bool) -> socket.socket:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError, OverflowError) as error:
        raise ValueError(f"{host!r}, port {port}, is no place to listen at: {error}") from None
    family, _, _, _, address = found[0]
    if not allow_remote and not _is_loopback(address):
        raise ValueError(
            f"{host} lets other machines in, and signatures are not checked: "
            f"use 127.0.0.1, or allow remote machines explicitly"
        )
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        if sys.platform != "win32":  # where that option would share a port that is in use
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(256)
        listener.setblocking(False)
    except BaseException:
        listener.close()
        raise
    return listener


def _is_loopback(address: Any) -> bool:
    return ipaddress.ip_address(str(address[0]).partition("%")[0]).is_loopback


@contextmanager
def serve(
    engine: Answering,
    host: str = "127.0.0.1",
    port: int = 0,
    *,
    access: Access | None = None,
    limits: Limits | None = None,
    allow_remote: bool = False,
) -> Iterator[str]:
    """Serve an engine while the block runs; give the URL. Arguments and errors as of `Server`."""
    server = Server(engine, host, port, access=access, limits=limits, allow_remote=allow_remote)
    server.start()
    try:
        yield server.url
    finally:
        server.close()
