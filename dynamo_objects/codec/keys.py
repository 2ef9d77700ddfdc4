"""Keys: what identifies an item, and the bytes that may be in it."""

from __future__ import annotations

from binascii import a2b_base64
from typing import Any

from .codec import Codec
from .sizes import MAX_HASH_KEY_BYTES, MAX_RANGE_KEY_BYTES
from .values import AttributeValue, Invalid

__all__ = ["check_key_value", "key_text"]

_SIZE_LIMITS = {"HASH": MAX_HASH_KEY_BYTES, "RANGE": MAX_RANGE_KEY_BYTES}


def check_key_value(value: AttributeValue, role: str) -> None:
    """Raise Invalid when an encoded value cannot be a key.

    Args:
        value: The attribute value.
        role: ``HASH`` or ``RANGE``: at most 2,048 or 1,024 bytes (AWS Developer Guide, "Quotas").
    """
    ((tag, text),) = value.items()
    if tag not in ("S", "N", "B"):
        raise Invalid(f"a key must be text, a number or bytes, not {tag}")
    if not text:
        raise Invalid("a key must not be empty")
    if tag == "N":
        return
    size = len(a2b_base64(text)) if tag == "B" else len(text.encode())
    if size > _SIZE_LIMITS[role]:
        raise Invalid(f"a {role.lower()} key has {size} bytes, at most {_SIZE_LIMITS[role]} allowed")


def key_text(codec: Codec, value: Any) -> Any:
    """Return the form of a key value by which a cache may look it up.

    Values of one codec have equal forms exactly when they are stored as the same key.
    """
    kind = type(value)
    if kind in (str, int, bytes) and kind in codec.types:
        return value
    ((_, text),) = codec.encode(value).items()
    for base in (int, bytes):  # a member of an IntEnum in a field of type int
        if base in codec.types and isinstance(value, base):
            return base(value)
    return text
