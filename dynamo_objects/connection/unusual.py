"""Replies of unusual forms, read by http.client: in chunks, until the end, after interim ones."""

from __future__ import annotations

import http.client
import io
from collections.abc import Callable
from typing import Any

from .transport import Reply

__all__ = ["TooLarge", "read_unusual"]


class TooLarge(Exception):
    """A body is larger than it may be."""


class _Replay(io.RawIOBase):
    """What was received already, and then what is yet to be."""

    def __init__(self, data: bytes, receive: Callable[[int], bytes]) -> None:
        super().__init__()
        self._data, self._receive = data, receive

    def makefile(self, *_: Any, **__: Any) -> io.BufferedReader:
        """Return a file, as http.client asks of a socket."""
        return io.BufferedReader(self)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        """Read what there is."""
        part = self._data or self._receive(len(buffer))
        taken = part[: len(buffer)]
        self._data = part[len(taken) :]
        buffer[: len(taken)] = taken
        return len(taken)


def read_unusual(data: bytes, receive: Callable[[int], bytes], max_bytes: int) -> Reply:
    """Return a reply of any form of HTTP; its connection must not be used again.

    Args:
        data: What was received.
        receive: Receives up to so many bytes more; none at the end.
        max_bytes: A larger body is refused.

    Raises:
        TooLarge: It is.
        ConnectionError: It is no HTTP, or was cut off.
        OSError: Of *receive*.
    """
    replay: Any = _Replay(data, receive)
    response = http.client.HTTPResponse(replay, method="POST")
    try:
        response.begin()
        body = response.read(max_bytes + 1)
    except http.client.HTTPException as error:
        raise ConnectionError(f"{type(error).__name__}: {error}") from None
    finally:
        response.close()
    if len(body) > max_bytes:
        raise TooLarge
    if response.length:  # left to come: with an amount asked for, http.client does not say so
        raise ConnectionError("it was closed within a reply")
    headers = {name.lower(): text for name, text in response.getheaders()}
    return Reply(response.status, headers, body)
