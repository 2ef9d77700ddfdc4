"""Connections of our own: to the first address that answers, encrypted where the route says so.

Sockets do not block: whoever waits does so in `Link.wait`, with the time that is left of all. The module
ssl is imported only for encrypted routes, urllib3 only for those through a proxy.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from typing import Any

from ..errors import TransportError
from .slots import watch
from .wire import Route

__all__ = ["Connector", "Link", "left", "said"]

#: No wait is longer than a day, which system calls can tell in milliseconds; it begins anew then.
_MOST_SECONDS = 86400.0


class Link:
    """A connection, and a look whether there is something to read from it.

    Attributes:
        sock: Its socket, which does not block; None where there is none.
        look: Waits up to so many milliseconds for something to read, which may be the end.
    """

    __slots__ = ("look", "sock")

    def __init__(self) -> None:
        self.sock: Any = None
        self.look: Callable[[float], object] = lambda _: False

    def open(self, sock: Any) -> None:
        """Begin with a socket."""
        sock.setblocking(False)
        self.sock, self.look = sock, watch(sock.fileno())

    def close(self) -> None:
        """Close the socket; nothing is said on it."""
        sock, self.sock = self.sock, None
        if sock is not None:
            sock.close()

    def wait(self, deadline: float) -> None:
        """Wait until there is something to read.

        Raises:
            TimeoutError: There was nothing until the deadline.
        """
        while not self.look(left(deadline) * 1000):
            pass

    def wait_to_write(self, deadline: float) -> None:
        """Wait until something can be written.

        Raises:
            TimeoutError: It could not until the deadline.
        """
        look = watch(self.sock.fileno(), is_writing=True)
        while not look(left(deadline) * 1000):
            pass

    def wait_after(self, refusal: Exception, deadline: float, *, is_writing: bool) -> None:
        """Wait for what a socket has asked for; TLS may have to write before it can read, or the other way round."""
        kind = type(refusal).__name__
        if kind == "SSLWantWriteError" or (is_writing and kind != "SSLWantReadError"):
            self.wait_to_write(deadline)
        else:
            self.wait(deadline)


class Connector:
    """Connects along a route.

    Attributes:
        is_tls: Whether connections are encrypted.
        not_yet: What sockets raise that would have to wait.
    """

    def __init__(self, route: Route) -> None:
        self._route = route
        self.is_tls = route.is_tls
        self.not_yet: tuple[type[Exception], ...] = (BlockingIOError,)
        self._context: Any = None
        if route.is_tls:
            import ssl

            self.not_yet = (ssl.SSLWantReadError, ssl.SSLWantWriteError, BlockingIOError)
            self._context = _tls(ssl, route)

    def connect(self, timeout_seconds: float) -> Any:
        """Return a connected socket; certificates were checked.

        Raises:
            TransportError: There is none in time, over all addresses; nothing was sent.
        """
        seconds = min(self._route.connect_seconds, timeout_seconds)
        try:
            if self._route.proxy is not None:
                return self._through_proxy(seconds)
            return self._directly(time.monotonic() + seconds)
        except Exception as error:
            failure = self._not_connected(error)
        raise failure

    def _directly(self, deadline: float) -> Any:
        sock = self._reached(deadline)
        if self._context is None:
            return sock
        try:
            sock.settimeout(left(deadline))
            return self._context.wrap_socket(sock, server_hostname=self._route.host.rstrip("."))
        except BaseException:
            sock.close()
            raise

    def _reached(self, deadline: float) -> socket.socket:
        """Return a socket to the first address that answers; each has its part of the time."""
        route = self._route
        found = socket.getaddrinfo(route.host, route.port, 0, socket.SOCK_STREAM)
        failure: Exception = ConnectionError("its name has no address")
        for number, (family, kind, protocol, _, address) in enumerate(found):
            try:
                sock = socket.socket(family, kind, protocol)
            except OSError as error:  # a family that this machine does not have
                failure = error
                continue
            try:
                for option in route.socket_options:
                    sock.setsockopt(*option)
                sock.settimeout(left(deadline) / (len(found) - number))
                sock.connect(address)
            except Exception as error:
                sock.close()
                failure = error
            except BaseException:
                sock.close()
                raise
            else:
                return sock
        raise failure

    def _through_proxy(self, seconds: float) -> Any:
        """Return a socket that a proxy has connected: urllib3 asks it, as it does for botocore."""
        from urllib3.connection import HTTPSConnection

        route = self._route
        assert route.proxy is not None
        options: dict[str, Any] = {"ssl_context": self._context, "socket_options": route.socket_options}
        connection = HTTPSConnection(route.proxy.host, route.proxy.port, timeout=seconds, **options)
        connection.set_tunnel(route.host, route.port, route.proxy.headers)
        try:
            connection.connect()
        except BaseException:
            connection.close()
            raise
        return connection.sock

    def _not_connected(self, error: Exception) -> TransportError:
        """Return what a failure to connect means: nothing was sent."""
        route = self._route
        cause: BaseException = error
        while isinstance(cause.__cause__, OSError):
            cause = cause.__cause__
        kinds = {kind.__name__ for kind in type(cause).__mro__}
        kind = "SSL: " if "SSLError" in kinds else ""
        if isinstance(cause, socket.gaierror):
            text = f"its name is not known ({cause.strerror})"
        else:
            text = getattr(cause, "strerror", None) or str(cause) or type(cause).__name__
        where = f"{route.host}:{route.port}" + (" through a proxy" if route.proxy else "")
        is_refused = "SSLCertVerificationError" in kinds
        return TransportError(
            f"cannot connect to {where}: {kind}{text}", sent=False, can_retry=not is_refused
        )


def _tls(ssl: Any, route: Route) -> Any:
    """Return a context that verifies certificates and host names."""
    context = ssl.create_default_context(cafile=route.ca_bundle)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    if route.client_cert is not None:
        context.load_cert_chain(*route.client_cert)
    return context


def left(deadline: float) -> float:
    """Return the seconds until a deadline, up to a day.

    Raises:
        TimeoutError: There are none.
    """
    seconds = deadline - time.monotonic()
    if seconds <= 0:
        raise TimeoutError("timed out")
    return seconds if seconds < _MOST_SECONDS else _MOST_SECONDS


def said(error: Exception) -> str:
    """Return what an error of the network says."""
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
