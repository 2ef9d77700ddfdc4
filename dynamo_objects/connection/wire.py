"""What a native transport knows of the way to the service, and what carries requests along it."""

from __future__ import annotations

from typing import Protocol
from urllib.parse import urlsplit

from ..codec.structs import Quiet
from .signing import Signer
from .transport import Reply

__all__ = ["Proxy", "Route", "Wire", "host_header"]


class Proxy(Quiet, frozen=True):
    """A proxy that is asked to connect. Shows no credentials."""

    unshown = frozenset({"url", "headers"})

    host: str
    port: int
    url: str
    headers: dict[str, str]


class Route(Quiet, frozen=True):
    """Where requests go, and how.

    Attributes:
        url: Of all requests.
        host_header: Value of the header Host.
        target: What the first line of a request asks for.
        lines: Header lines that are the same for all requests, without Host.
        account_id: Of the credentials; an endpoint may depend on it.
        read_seconds: What the user has set; None: what each call says.
        client_cert: A file of a certificate, and one of its key.
        ca_bundle: A file of trusted certificates.
    """

    unshown = frozenset({"lines", "signer", "account_id"})

    url: str
    is_tls: bool
    host: str
    port: int
    host_header: str
    target: str
    lines: tuple[str, ...]
    signer: Signer
    account_id: str | None
    connect_seconds: float
    read_seconds: float | None
    max_connections: int
    proxy: Proxy | None
    ca_bundle: str | None
    client_cert: tuple[str, str | None] | None
    socket_options: list[tuple[int, int, int]]


class Wire(Protocol):
    """Carries signed requests along a route."""

    def exchange(self, lines: list[str], payload: bytes, timeout_seconds: float) -> Reply:
        """Send one request, with these headers besides those of the route, and return its reply.

        Raises:
            TransportError: No complete reply came; says whether the request was sent.
        """
        ...

    def close(self) -> None:
        """Close the connections."""
        ...

    def abandon(self) -> None:
        """Let the connections go that a parent process uses."""
        ...


def host_header(url: str) -> str:
    """Return the header Host of a URL: without the port that its scheme has anyway."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if ":" in host:
        host = f"[{host}]"
    is_usual = parts.port in (None, {"http": 80, "https": 443}.get(parts.scheme))
    return host if is_usual else f"{host}:{parts.port}"
