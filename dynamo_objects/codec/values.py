"""Attribute values: how DynamoDB JSON looks as Python values, and what is wrong with one.

An attribute value is a dict of exactly one type tag, as on the wire: ``{"N": "21"}``.
Numbers are texts and binaries are base64 texts, so that nothing is converted twice.
Items are treated as immutable: whoever wants a changed one makes a new one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ..errors import Problem

__all__ = [
    "AttributeValue",
    "Invalid",
    "Item",
    "TAGS",
    "TooDeep",
    "attribute_path",
    "problems_of",
    "wrong_tag",
]

#: One value on the wire: exactly one type tag and its content.
AttributeValue = dict[str, Any]
#: Attribute name -> attribute value.
Item = Mapping[str, AttributeValue]

#: All type tags (API reference, "AttributeValue").
TAGS = frozenset({"S", "N", "B", "SS", "NS", "BS", "L", "M", "NULL", "BOOL"})

_SIMPLE_STEP = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*", re.ASCII)


class Invalid(Exception):
    """Values that cannot be encoded or decoded: all problems, with paths from here down."""

    def __init__(self, problems: str | Iterable[Problem]) -> None:
        if isinstance(problems, str):
            self.problems = [Problem("", problems)]
        else:
            self.problems = list(problems)
        super().__init__("; ".join(map(str, self.problems)))

    def under(self, step: str) -> list[Problem]:
        """Return the problems as seen from one level up, where *step* leads here."""
        return [Problem(step + problem.path, problem.reason) for problem in self.problems]


class TooDeep(Invalid):
    """A value that is nested too deeply, or contains itself.

    It passes all levels at once. Looking for more problems beside it could take forever:
    a list that contains itself twice has 2 ** 31 places at the deepest level.
    """


def attribute_path(name: str) -> str:
    """Return the step of a path for a map's key: ``.city``, or ``['odd name']``."""
    return f".{name}" if _SIMPLE_STEP.fullmatch(name) else f"[{name!r}]"


def problems_of(steps: Iterable[tuple[str, Any]], convert: Callable[[Any], Any]) -> list[Problem]:
    """Return what is wrong with the values that *steps* lead to."""
    problems: list[Problem] = []
    for step, value in steps:
        try:
            convert(value)
        except TooDeep:
            raise
        except Invalid as invalid:
            problems += invalid.under(step)
    return problems


def wrong_tag(value: object, expected: str) -> Invalid:
    """Return the error for an attribute value that is not *expected*, naming only its type."""
    if isinstance(value, Mapping):
        if len(value) != 1:
            return Invalid(f"expected {expected}, got {len(value)} type tags instead of one")
        (tag,) = value
        if tag == expected:
            return Invalid(f"the content of {tag} has a wrong JSON type")
        if tag in TAGS:
            return Invalid(f"expected {expected}, got type {tag}")
    return Invalid(f"expected {expected}, got something that is not an attribute value")
