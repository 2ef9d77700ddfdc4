"""The heads of HTTP replies: status, headers, and how long the body is.

A reply of the usual form is not taken apart: what matters is looked up in its bytes, and the rest is
read when somebody asks for it. Anything else goes through `parsed`, which says the same of the usual form.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["LENGTH_DIGITS", "Headers", "parsed", "usual"]

#: What a length has at most; one of more digits is none.
LENGTH_DIGITS = 18

_USUAL = b"HTTP/1.1 200 "
_LENGTH = b"\r\ncontent-length:"
_LENGTH_SIZE = len(_LENGTH)
_STATUS_DIGITS = 3

#: What stands before the value of those that every reply is asked for.
_FIELDS = {name: f"\r\n{name}:".encode() for name in ("content-type", "x-amz-crc32")}


class Headers(Mapping[str, str]):
    """The headers of a reply, each read when it is asked for; of those that come twice the last one holds.

    Args:
        raw: A head, with the end of its last line.
        low: The same in lower case.
    """

    __slots__ = ("_low", "_raw")

    def __init__(self, raw: bytes, low: bytes) -> None:
        self._raw, self._low = raw, low

    def get(self, name: str, default: Any = None) -> Any:
        """Return the value of a header whose name is in lower case."""
        field = _FIELDS.get(name) or f"\r\n{name}:".encode()
        at = self._low.rfind(field)
        if at < 0:
            return default
        at += len(field)
        return self._raw[at : self._raw.find(b"\r\n", at)].decode().strip()

    def __getitem__(self, name: str) -> str:
        found = self.get(name)
        if found is None:
            raise KeyError(name)
        return str(found)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self.get(name) is not None

    def __iter__(self) -> Iterator[str]:
        return iter(self._parsed())

    def __len__(self) -> int:
        return len(self._parsed())

    def _parsed(self) -> dict[str, str]:
        return parsed(self._raw[:-2])[1]

    def __repr__(self) -> str:
        return f"<{len(self)} headers>"


def usual(data: bytes, end: int) -> tuple[Headers, int] | None:
    """Return the headers and the length of a reply that says 200 and has just a length; None for another.

    Args:
        data: What was received.
        end: Where its head ends.
    """
    if not data.startswith(_USUAL):
        return None
    raw = data[: end + 2]
    low = raw.lower()
    at = low.find(_LENGTH)
    if at < 0:
        return None
    stop = low.find(b"\r\n", at + _LENGTH_SIZE)
    digits = raw[at + _LENGTH_SIZE : stop].strip()
    if not digits.isdigit() or len(digits) > LENGTH_DIGITS or low.find(_LENGTH, stop) >= 0:
        return None
    if b"transfer-encoding" in low or b"close" in low or not raw.isascii():
        return None
    return Headers(raw, low), int(digits)


def parsed(head: bytes) -> tuple[int, dict[str, str]]:
    """Return the status and the headers; of those that come twice the last one holds.

    Raises:
        ConnectionError: It is none of HTTP, or has two lengths.
    """
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if colon:  # a line without one says nothing, here as above
            headers[name.lower()] = value.strip()
    status = first[9:13].rstrip(" ")
    is_status = len(status) == _STATUS_DIGITS and status.isascii() and status.isdigit()
    if not first.startswith("HTTP/1.") or not is_status:
        raise ConnectionError("what came is no HTTP reply")
    if len(headers) < len(lines) and "content-length" in headers:
        _check_length(lines)
    return int(status), headers


def _check_length(lines: list[str]) -> None:
    """Raise ConnectionError where there are two lengths: nobody knows where such a reply ends."""
    fields = (line.partition(":") for line in lines)
    found = {value.strip() for name, colon, value in fields if colon and name.lower() == "content-length"}
    if len(found) > 1:
        raise ConnectionError("the reply has two lengths")
