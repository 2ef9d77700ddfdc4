"""Compressed bodies: gzip in requests, gzip or deflate in long replies to those who ask for it.

Source: test_compressed_request.py and test_compressed_response.py of ScyllaDB's Alternator, which
were run on AWS.
"""

from __future__ import annotations

import gzip
import zlib

__all__ = ["THRESHOLD_BYTES", "CodingProblem", "compressed", "decoded", "wanted_coding"]

#: Replies from this length on are compressed.
THRESHOLD_BYTES = 4096

_GZIP_WINDOW = 31


class CodingProblem(Exception):
    """A body that is not what its Content-Encoding says, or that is too long.

    Attributes:
        is_too_long: Which of the two.
    """

    def __init__(self, *, is_too_long: bool = False) -> None:
        self.is_too_long = is_too_long
        super().__init__("too long" if is_too_long else "not what its Content-Encoding says")


def decoded(body: bytes, coding: str, max_bytes: int) -> bytes:
    """Return the body of a request as it was before it was compressed.

    Raises:
        CodingProblem: It is not compressed in this way, or too long.
    """
    if coding in ("", "identity"):
        return body
    if coding != "gzip":
        raise CodingProblem
    parts: list[bytes] = []
    left = max_bytes
    while body or not parts:
        part, body = _member(body, left)
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


def _member(body: bytes, max_bytes: int) -> tuple[bytes, bytes]:
    """Return the content of the first gzip, and what stands behind it."""
    reader = zlib.decompressobj(_GZIP_WINDOW)
    try:
        part = reader.decompress(body, max_bytes + 1)
    except zlib.error:
        raise CodingProblem from None
    if len(part) > max_bytes:
        raise CodingProblem(is_too_long=True)
    if not reader.eof:
        raise CodingProblem
    return part, reader.unused_data


def wanted_coding(accepted: str) -> str | None:
    """Return ``gzip`` or ``deflate``, whichever an Accept-Encoding prefers, or None.

    What it says of ``identity`` means nothing to the service; of equals the first one named counts.
    """
    asked: dict[str, tuple[float, int]] = {}
    for place, part in enumerate(accepted.lower().split(",")):
        name, *parameters = part.split(";")
        found = (-_quality(parameters), place)
        asked[name.strip()] = min(found, asked.get(name.strip(), found))
    offers = []
    for rank, coding in enumerate(("gzip", "deflate")):
        quality, place = asked.get(coding) or asked.get("*") or (0.0, 0)
        if quality < 0:
            offers.append((quality, coding not in asked, place, rank, coding))
    return min(offers)[-1] if offers else None


def _quality(parameters: list[str]) -> float:
    """Return the first ``q``; one that is no number, and none at all, is 1."""
    for parameter in parameters:
        name, _, text = parameter.partition("=")
        if name.strip() == "q":
            try:
                return min(float(text), 1.0)
            except ValueError:
                break
    return 1.0


def compressed(body: bytes, coding: str) -> bytes:
    """Return a body in a coding of `wanted_coding`."""
    return gzip.compress(body, 6, mtime=0) if coding == "gzip" else zlib.compress(body)
