"""Key values as bytes that sort as DynamoDB sorts the values.

Each encoding ends itself, so that the bytes of several values can stand one behind the other
and still sort by the first, then the second, and so on.
"""

from __future__ import annotations

from binascii import a2b_base64
from hashlib import blake2b

__all__ = ["digest", "ordered_bytes"]


def digest(raw: bytes) -> bytes:
    """Return two bytes that spread hash keys evenly."""
    return blake2b(raw, digest_size=2).digest()


def ordered_bytes(type: str, held: str) -> bytes:
    """Return the bytes of a key value.

    Args:
        type: ``S``, ``N`` or ``B``.
        held: As in an attribute value; a number in its normal form.
    """
    if type == "N":
        return _number_bytes(held)
    raw = held.encode() if type == "S" else a2b_base64(held)
    return raw.replace(b"\x00", b"\x00\xff") + b"\x00\x01"


def _number_bytes(text: str) -> bytes:
    """Return sign and exponent, then the digits; for negative numbers all bits inverted."""
    is_negative = text.startswith("-")
    whole, _, fraction = text.lstrip("-").partition(".")
    digits = (whole + fraction).lstrip("0")
    if not digits:
        return b"\x80"
    exponent = len(whole.lstrip("0")) if whole.strip("0") else len(digits) - len(fraction)
    # Exponents run from -129 to 126: one byte would do, were it not for the sign.
    raw = (0x8100 + 512 + exponent).to_bytes(2, "big") + digits.rstrip("0").encode() + b"\x00"
    return bytes(255 - byte for byte in raw) if is_negative else raw
