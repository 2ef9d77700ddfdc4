"""Stretches of positions that queries and scans read, and where a page begins in them."""

from __future__ import annotations

from ..codec.values import AttributeValue, Item
from .definitions import Index, Keys, Position, Table
from .errors import invalid
from .expressions.keyconditions import KeyRange
from .keys import following, ordered_bytes, prefix_bytes
from .schema import check_key_values
from .storage.base import Span

__all__ = ["after", "before", "query_span", "segment_of", "segment_span", "start_position"]

_BUCKETS = 65536


def query_span(keys: Keys, asked: KeyRange) -> Span:
    """Return the positions with the keys that are asked for."""
    hash_bytes = keys.hash_bytes(asked.hash)
    start = b"".join(
        ordered_bytes(part.type, asked.equal[part.name][part.type])
        for part in keys.range
        if part.name in asked.equal
    )
    low, high = start, following(start)
    if asked.part is not None:
        low, high = _bounds(start, asked.part.type, asked.operator, asked.operands)
    end = (hash_bytes + b"\x00", b"") if high is None else (hash_bytes, high)
    return Span((hash_bytes, low), end)


def _bounds(
    start: bytes, type: str, operator: str, operands: tuple[AttributeValue, ...]
) -> tuple[bytes, bytes | None]:
    """Return the sort bytes from which, and before which, values fulfil a condition."""
    if operator == "begins_with":
        prefix = start + prefix_bytes(type, operands[0][type])
        return prefix, following(prefix)
    at = start + ordered_bytes(type, operands[0][type])
    match operator:
        case "<":
            return start, at
        case "<=":
            return start, following(at)
        case ">":
            return following(at) or b"\xff", following(start)
        case ">=":
            return at, following(start)
        case "BETWEEN":
            return at, following(start + ordered_bytes(type, operands[1][type]))
    raise AssertionError(operator)


def segment_span(segment: int, total: int) -> Span:
    """Return the positions of one segment of a scan."""
    low, high = (-(-_BUCKETS * number // total) for number in (segment, segment + 1))
    if low == high:  # more segments than digests
        return Span((b"", b""), (b"", b""))
    end = (high.to_bytes(2, "big"), b"") if high < _BUCKETS else None
    return Span((low.to_bytes(2, "big"), b""), end)


def segment_of(position: Position, total: int) -> int:
    """Return the segment in which a position lies."""
    return int.from_bytes(position[0][:2], "big") * total // _BUCKETS


def after(span: Span, position: Position) -> Span:
    """Return what of a span lies behind a position."""
    return Span(max(span.low, (position[0], position[1] + b"\x00")), span.high)


def before(span: Span, position: Position) -> Span:
    """Return what of a span lies before a position."""
    return Span(span.low, position if span.high is None else min(span.high, position))


def start_position(table: Table, index: Index | None, key: Item, *, is_query: bool = False) -> Position:
    """Return the position that an ExclusiveStartKey names; there need not be an item.

    Args:
        is_query: Queries say less of what is wrong (Parity Suite, error-messages/query.test.ts).

    Raises:
        ApiError: It does not have just the key attributes of table and index.
    """
    parts = {part.name: part for part in table.keys.parts}
    if index is not None:
        parts.update({part.name: part for part in index.keys.parts})
    fits = len(key) == len(parts) and all(
        name in key and part.type in key[name] for name, part in parts.items()
    )
    if not fits:
        reason = (
            "" if index is not None or is_query else ": The provided key element does not match the schema"
        )
        raise invalid(f"The provided starting key is invalid{reason}")
    check_key_values(tuple(parts.values()), key)
    position = table.position(key) if index is None else table.index_position(index, key)
    assert position is not None  # all its attributes are there
    return position
