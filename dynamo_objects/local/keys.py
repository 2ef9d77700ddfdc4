"""Key values as bytes that sort as DynamoDB sorts the values.

Each encoding ends itself, so that the bytes of several values can stand one behind the other
and still sort by the first, then the second, and so on. Numbers sort by value, texts by their
UTF-8 bytes, binaries by their bytes (AWS Developer Guide, "Query": the sort key's order).
"""

from __future__ import annotations

from binascii import a2b_base64
from zlib import crc32

__all__ = ["digest", "following", "number_bytes", "ordered_bytes", "prefix_bytes", "text_bytes"]

_INVERTED = bytes(range(255, -1, -1))


def digest(raw: bytes) -> bytes:
    """Return two bytes that spread hash keys evenly."""
    return (crc32(raw) & 0xFFFF).to_bytes(2, "big")


def ordered_bytes(type: str, held: str) -> bytes:
    """Return the bytes of a key value.

    Args:
        type: ``S``, ``N`` or ``B``.
        held: As in an attribute value; a number in its normal form.
    """
    if type == "N":
        return number_bytes(held)
    return text_bytes(held) if type == "S" else prefix_bytes(type, held) + b"\x00\x01"


def prefix_bytes(type: str, held: str) -> bytes:
    """Return what the bytes of all texts, or binaries, that begin with *held* have in front; no others have.

    Args:
        type: ``S`` or ``B``.
        held: As in an attribute value; may be empty.
    """
    raw = held.encode() if type == "S" else a2b_base64(held)
    return raw.replace(b"\x00", b"\x00\xff") if b"\x00" in raw else raw


def following(raw: bytes) -> bytes | None:
    """Return the smallest bytes behind all that begin with *raw*; None when nothing can be behind them."""
    head = raw.rstrip(b"\xff")
    return head[:-1] + bytes((head[-1] + 1,)) if head else None


def text_bytes(text: str) -> bytes:
    """Return the bytes of a text."""
    raw = text.encode() + b"\x00\x01"
    return raw if raw.find(b"\x00") == len(raw) - 2 else prefix_bytes("S", text) + b"\x00\x01"


def number_bytes(text: str) -> bytes:
    """Return sign and exponent of a number, then the digits; for negative ones all bits inverted."""
    if text.isdigit() and text[0] != "0":  # the common case: as below, without sign and point
        return (0x8300 + len(text)).to_bytes(2, "big") + text.rstrip("0").encode() + b"\x00"
    whole, _, fraction = text.lstrip("-").partition(".")
    whole = whole.lstrip("0")
    digits = (whole + fraction).lstrip("0")
    if not digits:
        return b"\x80"
    exponent = len(whole) or len(digits) - len(fraction)
    # Exponents run from -129 to 126: one byte would do, were it not for the sign.
    raw = (0x8300 + exponent).to_bytes(2, "big") + digits.rstrip("0").encode() + b"\x00"
    return raw.translate(_INVERTED) if text.startswith("-") else raw
