"""Cursors: opaque texts that say where the next page of a query begins.

A cursor holds the key of the last result and how many results came before, behind a
digest of the query: it works in every process for the same query of the same table, and
in no other. It is no secret: whoever has it can read the key.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

import msgspec

from ..codec.values import Item
from ..errors import CursorError
from ..expressions import tree

__all__ = ["Place", "digest", "read_cursor", "write_cursor"]

_DIGEST_BYTES = 12


class Place(msgspec.Struct, frozen=True):
    """Where the next page begins.

    Attributes:
        key: Key attributes of the last result, of table and index.
        seen: How many results came before.
    """

    key: Item
    seen: int


class _Content(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    key: Item
    seen: int


def digest(*parts: Any) -> bytes:
    """Return what binds a cursor to its query: to its table, conditions and order."""
    import hashlib  # loads OpenSSL, which only pages with cursors need

    content = msgspec.json.encode([_shape(part) for part in parts])
    return hashlib.sha256(content).digest()[:_DIGEST_BYTES]


def _shape(part: Any) -> Any:
    """Return a condition as plain lists, the same in every process.

    The options of IN may come from a set, whose order changes from process to process.
    """
    if isinstance(part, tree.In):
        options = sorted((_shape(option) for option in part.options), key=msgspec.json.encode)
        return ["In", _shape(part.operand), options]
    if isinstance(part, tree.Value):
        return ["Value", part.value]
    if isinstance(part, msgspec.Struct):
        return [type(part).__name__, *map(_shape, msgspec.structs.astuple(part))]
    return [_shape(inner) for inner in part] if isinstance(part, tuple) else part


def write_cursor(query_digest: bytes, place: Place) -> str:
    """Return the text of a cursor, safe in URLs."""
    content = msgspec.json.encode(_Content(place.key, place.seen))
    return base64.urlsafe_b64encode(query_digest + content).decode("ascii").rstrip("=")


def read_cursor(query_digest: bytes, cursor: Any, key_types: Mapping[str, str]) -> Place:
    """Return the place that a cursor holds.

    Args:
        query_digest: Of the query that is to go on.
        cursor: The text.
        key_types: Key attribute -> type tag, of table and index.

    Raises:
        CursorError: It is damaged, or belongs to another query.
    """
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        content = msgspec.json.decode(raw[_DIGEST_BYTES:], type=_Content)
    except (binascii.Error, msgspec.DecodeError, ValueError, TypeError, RecursionError):
        raise CursorError("the cursor is damaged") from None
    place = Place(content.key, content.seen)
    if raw[:_DIGEST_BYTES] != query_digest:
        raise CursorError("the cursor belongs to another query, or is damaged")
    if not _is_key(place.key, key_types) or write_cursor(query_digest, place) != cursor:
        raise CursorError("the cursor is damaged")
    return place


def _is_key(key: Item, key_types: Mapping[str, str]) -> bool:
    if key.keys() != key_types.keys():
        return False
    return all(
        value.keys() == {key_types[wire]} and all(isinstance(text, str) for text in value.values())
        for wire, value in key.items()
    )
