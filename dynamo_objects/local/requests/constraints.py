"""Violated constraints of members, in the service's words: ``Value '0' at 'limit' failed to satisfy ...``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from typing import Any

from ..errors import ApiError, invalid
from .kinds import NAME_PATTERN, Keyed, Kind, Many, Struct, TableNames, Text, Whole, is_table_name
from .rendering import camel, rendered

__all__ = ["at_least", "detected", "map_keys", "violations"]

#: The service counts and names no more than this many at once.
_MOST = 10


def detected(messages: Sequence[str]) -> ApiError:
    """Return the error that names violated constraints."""
    plural = "" if len(messages) == 1 else "s"
    return invalid(f"{len(messages)} validation error{plural} detected: {'; '.join(messages)}")


def violations(kind: Kind, value: Any, path: str = "") -> list[str]:
    """Return what is wrong with a value, in the service's order, up to ten messages.

    Args:
        path: Where the value stands, in the service's notation.
    """
    return list(islice(_found(kind, value, path), _MOST))


def at_least(low: int) -> str:
    """Return what the service says of a text or list that is too short."""
    return f"Member must have length greater than or equal to {low}"


def map_keys() -> str:
    """Return what the service says of a map with a key that can be no table's name."""
    return (
        "Map keys must satisfy constraint: [Member must have length less than or equal to 255, "
        f"{at_least(3)}, Member must satisfy regular expression pattern: {NAME_PATTERN}]"
    )


def _failed(kind: Kind, value: Any, path: str, constraint: str) -> str:
    shown = "null" if value is None else f"'{rendered(kind, value)}'"
    return f"Value {shown} at '{path}' failed to satisfy constraint: {constraint}"


def _found(kind: Kind, value: Any, path: str) -> Iterator[str]:
    match kind:
        case Struct():
            yield from _in_struct(kind, value, path)
        case Many():
            yield from _in_list(kind, value, path)
        case Keyed():
            yield from _in_map(kind, value, path)
        case _:
            yield from (_failed(kind, value, path, constraint) for constraint in _broken(kind, value))


def _broken(kind: Kind, value: Any) -> Iterator[str]:
    """Yield the constraints that a scalar breaks."""
    match kind:
        case TableNames():
            yield from _broken_by_table_name(value)
        case Text():
            if kind.values and value not in kind.values:
                yield f"Member must satisfy enum value set: [{', '.join(kind.values)}]"
            if kind.lengths_first:
                yield from _broken_lengths(value, kind.low, kind.high)
            if kind.pattern is not None and not re.fullmatch(kind.pattern, value, re.ASCII):
                yield f"Member must satisfy regular expression pattern: {kind.pattern}"
            if not kind.lengths_first:
                yield from _broken_lengths(value, kind.low, kind.high)
        case Whole():
            if kind.low is not None and value < kind.low:
                yield f"Member must have value greater than or equal to {kind.low}"
            if kind.high is not None and value > kind.high:
                yield f"Member must have value less than or equal to {kind.high}"


def _broken_lengths(value: str | list[Any], low: int, high: int | None) -> Iterator[str]:
    if len(value) < low:
        yield at_least(low)
    if high is not None and len(value) > high:
        yield f"Member must have length less than or equal to {high}"


def _broken_by_table_name(value: str) -> Iterator[str]:
    # Seen at AWS in 2026: an empty name breaks its length, and not its pattern too.
    if not value:
        yield at_least(1)
    elif not is_table_name(value):
        if not re.fullmatch(NAME_PATTERN, value, re.ASCII):
            yield f"Member must satisfy regular expression pattern: {NAME_PATTERN}"
        if len(value) > 255:
            yield "Member must have length less than or equal to 255"


def _in_struct(kind: Struct, value: dict[str, Any], path: str) -> Iterator[str]:
    for name, member in kind.members.items():
        inner = f"{path}.{camel(name)}" if path else camel(name)
        held = value.get(name)
        if held is not None:
            yield from _found(member, held, inner)
        elif name in kind.required:
            yield _failed(member, None, inner, "Member must not be null")


def _in_list(kind: Many, value: list[Any], path: str) -> Iterator[str]:
    for constraint in _broken_lengths(value, kind.low, kind.high):
        yield _failed(kind, value, path, constraint)
    members = (
        _found(kind.of, one, f"{path}.{number}.member")
        for number, one in enumerate(value, 1)
        if one is not None
    )
    yield from chain.from_iterable(members)


def _in_map(kind: Keyed, value: dict[str, Any], path: str) -> Iterator[str]:
    if kind.tables and not all(map(is_table_name, value)):
        yield _failed(kind, value, path, map_keys())
    if isinstance(kind.of, Many):
        yield from _in_map_of_lists(kind, kind.of, value, path)
        return
    for name, one in value.items():
        if one is not None:
            yield from _found(kind.of, one, f"{path}.{name}.member")


def _in_map_of_lists(kind: Keyed, inner: Many, value: dict[str, Any], path: str) -> Iterator[str]:
    """Yield one message for all lists of wrong lengths, and what is wrong inside lists."""
    if any([*_broken_lengths(one, inner.low, inner.high)] for one in value.values() if one is not None):
        constraint = (
            f"Map value must satisfy constraint: [Member must have length less than or equal to {inner.high}, "
            f"{at_least(inner.low)}]"
        )
        yield _failed(kind, value, path, constraint)
    for name, many in value.items():
        for number, one in enumerate(many or (), 1):
            if one is not None:
                yield from _found(inner.of, one, f"{path}.{name}.member.{number}.member")
