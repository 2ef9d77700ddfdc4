"""Converts the members of containers: all of them, or all problems with the way to each.

Each member is converted once, also when one is bad: where containers nest, trying again
from the start at every level would double the work with each of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from ..errors import Problem
from .options import MAX_NAME_BYTES
from .scalars import check_text
from .values import AttributeValue, Invalid, TooDeep, attribute_path, problems_of

__all__ = [
    "MAX_DEPTH",
    "MAX_SHOWN",
    "TOO_DEEP",
    "check_name",
    "each",
    "each_value",
    "encode_map",
    "expect",
    "indexed",
    "nesting_depth",
    "sorted_members",
]

#: Lists and maps that may stand inside each other. The Developer Guide ("Quotas") says 32
#: levels, and DynamoDB Local and AWS count the value inside the innermost one as a level.
MAX_DEPTH = 31

#: Names that are too long are cut in messages.
MAX_SHOWN = 50

TOO_DEEP = f"lists and maps nest deeper than {MAX_DEPTH} levels, or a value contains itself"


def nesting_depth(value: AttributeValue) -> int:
    """Return how many lists and maps stand inside each other, counting to one too many."""
    depth, level = 0, [value]
    while level := [inner for inner in level if "L" in inner or "M" in inner]:
        depth += 1
        if depth > MAX_DEPTH:
            break
        level = [child for inner in level for child in (inner["L"] if "L" in inner else inner["M"].values())]
    return depth


def expect(value: object, kind: type) -> None:
    """Raise Invalid unless *value* is of this kind."""
    if not isinstance(value, kind):
        raise Invalid(f"expected {kind.__name__}, got {type(value).__name__}")


def indexed(values: Iterable[Any], start: int = 0) -> Iterator[tuple[str, Any]]:
    """Yield the step to each value, and the value."""
    return ((f"[{index}]", value) for index, value in enumerate(values, start))


def each(convert: Callable[[Any], Any], values: Sequence[Any]) -> list[Any]:
    """Return the converted *values*."""
    rest = iter(values)
    try:
        return [convert(value) for value in rest]
    except TooDeep:
        raise
    except Invalid as invalid:
        later = list(rest)  # what stands behind the bad one
        place = len(values) - len(later) - 1
        problems = invalid.under(f"[{place}]")
        problems += problems_of(indexed(later, place + 1), convert)
        raise Invalid(problems) from None


def each_value(convert: Callable[[Any], Any], values: dict[str, Any]) -> dict[str, Any]:
    """Return the same names with the converted values."""
    converted: dict[str, Any] = {}
    rest = iter(values.items())
    name = ""
    try:
        for name, value in rest:
            converted[name] = convert(value)
    except TooDeep:
        raise
    except Invalid as invalid:
        problems = invalid.under(attribute_path(name))
        problems += problems_of(((attribute_path(name), value) for name, value in rest), convert)
        raise Invalid(problems) from None
    return converted


def encode_map(convert: Callable[[Any], Any], values: dict[Any, Any]) -> AttributeValue:
    """Return a dict as a map; its keys must be names of attributes."""
    problems = _name_problems(values)
    if problems:
        named = ((attribute_path(name), v) for name, v in values.items() if isinstance(name, str))
        raise Invalid(problems + problems_of(named, convert))
    return {"M": each_value(convert, values)}


def _name_problems(names: Iterable[object]) -> list[Problem]:
    problems: list[Problem] = []
    for name in names:
        if not isinstance(name, str):
            problems.append(Problem("", f"expected str as key of a map, got {type(name).__name__}"))
            continue
        try:
            check_name(name)
        except Invalid as invalid:
            problems += invalid.under(attribute_path(name[:MAX_SHOWN]))
    return problems


def check_name(name: str) -> None:
    """Raise Invalid unless *name* can be the name of an attribute, in an item or in a map."""
    if not 0 < len(check_text(name).encode()) <= MAX_NAME_BYTES:
        raise Invalid(f"the name of an attribute has 1 to {MAX_NAME_BYTES:,} bytes")


def sorted_members(members: list[str]) -> list[str]:
    """Return the members of a set in an order of their own, so that equal sets are equal values."""
    if len(set(members)) != len(members):
        raise Invalid("set has members that are stored as the same value")
    return sorted(members)
