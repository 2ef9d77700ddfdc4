"""HTTP/1.1 as far as a service needs it: bytes of a request head in, a `Head` out, or a refusal.

Whatever is ambiguous is refused: other programs between a client and this server might read it
in another way. Source: RFC 9112, sections 2 to 7 and 11.2.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from ..codec.structs import Quiet

__all__ = ["BadRequest", "Head", "chunk_size", "parse_head"]

_TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_REQUEST_LINE = re.compile(rb"(" + _TOKEN + rb") ([!-~]+) HTTP/1\.([01])")
_FIELDS = re.compile(rb"(?:" + _TOKEN + rb":[\t\x20-\x7e\x80-\xff]*\r\n)*")
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;[\t\x20-\x7e]*)?\r\n")
_DIGITS = re.compile(r"[0-9]{1,18}", re.ASCII)

MAX_FIELDS = 100
#: Fields that a request has once, or that mean nothing when they are there twice.
_SINGLE = frozenset(
    {"host", "authorization", "content-type", "content-encoding", "x-amz-target", "x-amz-date"}
)


class BadRequest(Exception):
    """A request that is not HTTP, or not HTTP that this server speaks; the connection ends.

    Attributes:
        status: HTTP status.
        reason: For people.
    """

    def __init__(self, status: int, reason: str) -> None:
        self.status, self.reason = status, reason
        super().__init__(reason)


class Head(Quiet, frozen=True):
    """The head of a request.

    Attributes:
        method: As sent.
        path: Without the query.
        query: Without the question mark.
        fields: Names in lower case; the texts of repeated fields are joined by commas.
        keep_alive: Whether the client wants to send another request on this connection.
        length: Of the body, in bytes; None for a body in chunks.
        expects_continue: Whether the client waits for a word before it sends the body.
    """

    unshown = frozenset({"fields"})

    method: str
    path: str
    query: str
    fields: Mapping[str, str]
    keep_alive: bool
    length: int | None
    expects_continue: bool


def parse_head(raw: bytes) -> Head:
    """Return the head of a request.

    Args:
        raw: Up to and with the line break before the empty line.

    Raises:
        BadRequest: It is not one.
    """
    line, _, rest = raw.partition(b"\r\n")
    found = _REQUEST_LINE.fullmatch(line)
    if found is None:
        raise BadRequest(*_bad_line(line))
    if _FIELDS.fullmatch(rest) is None:
        raise BadRequest(400, "malformed header field")
    fields = _fields(rest.decode("latin-1"))
    is_new = found[3] == b"1"
    if is_new and "host" not in fields:
        raise BadRequest(400, "no Host")
    path, query = _target(found[2].decode())
    connection = fields.get("connection", "").lower()
    return Head(
        method=found[1].decode(),
        path=path,
        query=query,
        fields=fields,
        keep_alive="close" not in connection if is_new else "keep-alive" in connection,
        length=_length(fields, is_new),
        expects_continue=is_new and _expects_continue(fields),
    )


def _bad_line(line: bytes) -> tuple[int, str]:
    if re.fullmatch(_TOKEN + rb" [!-~]+ HTTP/[0-9]\.[0-9]", line):
        return 505, "HTTP/1.1 is spoken here"
    return 400, "malformed request line"


def _fields(text: str) -> dict[str, str]:
    lines = text.split("\r\n")
    if len(lines) > MAX_FIELDS + 1:
        raise BadRequest(431, "too many header fields")
    fields: dict[str, str] = {}
    for line in lines[:-1]:
        name, _, value = line.partition(":")
        name, value = name.lower(), value.strip(" \t")
        if name in fields:
            value = _joined(name, fields[name], value)
        fields[name] = value
    return fields


def _joined(name: str, first: str, second: str) -> str:
    if name in _SINGLE:
        raise BadRequest(400, f"more than one {name}")
    if name == "content-length" and first == second:
        return first
    return f"{first}, {second}"


def _target(target: str) -> tuple[str, str]:
    if target.startswith("/"):
        path, _, query = target.partition("?")
        return path, query
    try:
        parts = urlsplit(target)  # a whole URL, as to a proxy
    except ValueError:
        raise BadRequest(400, "malformed request target") from None
    if parts.scheme not in ("http", "https") and target != "*":
        raise BadRequest(400, "malformed request target")
    return parts.path or "/", parts.query


def _length(fields: Mapping[str, str], is_new: bool) -> int | None:
    """Return the length of the body, None for chunks."""
    coding, length = fields.get("transfer-encoding"), fields.get("content-length")
    if coding is not None:
        if length is not None or not is_new:
            raise BadRequest(400, "ambiguous length of the body")
        if coding.lower() != "chunked":
            raise BadRequest(501, "unknown Transfer-Encoding")
        return None
    if length is None:
        return 0
    if _DIGITS.fullmatch(length) is None:
        raise BadRequest(400, "malformed Content-Length")
    return int(length)


def _expects_continue(fields: Mapping[str, str]) -> bool:
    expected = fields.get("expect")
    if expected is None:
        return False
    if expected.lower() != "100-continue":
        raise BadRequest(417, "unknown Expect")
    return True


def chunk_size(line: bytes) -> int:
    """Return the size that the first line of a chunk announces; 0 for the last one.

    Raises:
        BadRequest: It is no such line.
    """
    found = _CHUNK.fullmatch(line)
    if found is None:
        raise BadRequest(400, "malformed chunk")
    return int(found[1], 16)
