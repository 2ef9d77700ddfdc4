"""The narrow waist: bytes of one request down, bytes of one reply up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from ..codec.structs import Quiet

__all__ = ["Reply", "Transport"]


class Reply(Quiet, frozen=True):
    """What came back for one request.

    Attributes:
        status: HTTP status.
        headers: Names in lower case.
        body: As received.
    """

    unshown = frozenset({"headers", "body"})

    status: int
    headers: Mapping[str, str]
    body: bytes


class Transport(Protocol):
    """Carries requests to something that speaks DynamoDB's JSON protocol.

    Attributes:
        retries_by_itself: Whether one ``send`` may reach the service more than once.
    """

    @property
    def retries_by_itself(self) -> bool:
        """Whether one ``send`` may reach the service more than once."""
        ...

    def send(self, operation: str, payload: bytes, timeout_seconds: float) -> Reply:
        """Send one request and return its reply, whatever its status.

        Raises:
            TransportError: No complete reply came; says whether the request was sent.
        """
        ...

    def close(self) -> None:
        """Give up the connections."""
