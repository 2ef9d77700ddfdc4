"""Kinds of members: what a request's JSON may hold at a place, and a quick test of whether it does.

A kind is a value. ``fits`` turns it into a closure that is True for what is surely all right;
whatever it refuses is looked at again, slowly, by ``reading`` and ``constraints``, which have
the service's words for it, or find that it is all right after all.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import msgspec

__all__ = [
    "AttributeValues",
    "Flag",
    "Keyed",
    "Kind",
    "Many",
    "NAME_PATTERN",
    "Struct",
    "TableNames",
    "Text",
    "Whole",
    "fits",
    "is_table_name",
]

#: The service's pattern of table and index names, as its messages show it.
NAME_PATTERN = "[a-zA-Z0-9_.-]+"
_NAME = re.compile(r"[a-zA-Z0-9_.-]{1,255}", re.ASCII)
#: AWS accepts a table's ARN wherever it accepts its name (announced in 2024, with resource policies).
_ARN = re.compile(r"arn:aws[a-z-]*:dynamodb:[a-z0-9-]*:[0-9]*:table/[a-zA-Z0-9_.-]{1,255}", re.ASCII)

Test = Callable[[Any], bool]


class Text(msgspec.Struct, frozen=True):
    """A string.

    Attributes:
        low: Least length.
        high: Greatest length.
        pattern: As the service's messages show it.
        values: All that it can be, in the order of the service's messages; empty for any.
        lengths_first: Whether a wrong length is reported before a wrong pattern.
    """

    low: int = 0
    high: int | None = None
    pattern: str | None = None
    values: tuple[str, ...] = ()
    lengths_first: bool = False


class TableNames(msgspec.Struct, frozen=True):
    """The name of a table, or its ARN.

    Attributes:
        low: Least length: operations on items look for tables of any name.
    """

    low: int = 1


class Whole(msgspec.Struct, frozen=True):
    """A whole number.

    Attributes:
        java: ``Integer`` or ``Long``.
        low: The least.
        high: The greatest.
    """

    java: str = "Integer"
    low: int | None = None
    high: int | None = None


class Flag(msgspec.Struct, frozen=True):
    """A boolean."""


class AttributeValues(msgspec.Struct, frozen=True):
    """An attribute value; what is in it is checked with the item that it belongs to."""


class Many(msgspec.Struct, frozen=True):
    """A list.

    Attributes:
        of: The kind of its elements.
        low: Least length.
        high: Greatest length.
    """

    of: Kind
    low: int = 0
    high: int | None = None


class Keyed(msgspec.Struct, frozen=True):
    """A map from names.

    Attributes:
        of: The kind of its values.
        tables: Whether its names are those of tables.
    """

    of: Kind
    tables: bool = False


class Struct(msgspec.Struct, frozen=True):
    """A structure: an object with the members that the service knows.

    Attributes:
        java: Its class, as the service's messages show it.
        members: Name -> kind, in the order in which the service reports violations.
        required: The members that must be there.
        order: The members as the service prints them, where that is another order or more of them.
    """

    java: str
    members: Mapping[str, Kind]
    required: frozenset[str] = frozenset()
    order: tuple[str, ...] = ()


Kind = Text | TableNames | Whole | Flag | AttributeValues | Many | Keyed | Struct

_DICTS = {dict}


@lru_cache(maxsize=4096)
@lru_cache(maxsize=1024)
def is_table_name(text: str) -> bool:
    """Tell whether a text can name a table, by its name or its ARN."""
    return bool(_NAME.fullmatch(text) or (len(text) <= 1024 and _ARN.fullmatch(text)))


def fits(kind: Kind) -> Test:
    """Return a test that is True only of values that are all right."""
    match kind:
        case Text():
            return _text(kind)
        case TableNames():
            return _table_names(kind.low)
        case Whole():
            return _whole(kind)
        case Flag():
            return lambda value: type(value) is bool
        case AttributeValues():
            return lambda value: type(value) is dict
        case Many():
            return _many(kind)
        case Keyed():
            return _keyed(kind)
        case Struct():
            return _struct(kind)


def _text(kind: Text) -> Test:
    low, high = kind.low, kind.high
    if kind.values:
        values = frozenset(kind.values)
        return lambda value: type(value) is str and value in values
    if kind.pattern is not None:
        matches = re.compile(f"{kind.pattern}", re.ASCII).fullmatch
        most = high if high is not None else 1 << 30
        return lambda value: type(value) is str and low <= len(value) <= most and matches(value) is not None
    if not low and high is None:
        return lambda value: type(value) is str
    most = high if high is not None else 1 << 30
    return lambda value: type(value) is str and low <= len(value) <= most


def _table_names(low: int) -> Test:
    if low <= 1:
        return lambda value: type(value) is str and is_table_name(value)
    return lambda value: type(value) is str and len(value) >= low and is_table_name(value)


def _whole(kind: Whole) -> Test:
    low = kind.low if kind.low is not None else -(1 << 31)
    high = kind.high if kind.high is not None else (1 << 31) - 1
    return lambda value: type(value) is int and low <= value <= high


def _many(kind: Many) -> Test:
    one, low = fits(kind.of), kind.low
    high = kind.high if kind.high is not None else 1 << 30
    return lambda value: type(value) is list and low <= len(value) <= high and all(map(one, value))


def _keyed(kind: Keyed) -> Test:
    if isinstance(kind.of, AttributeValues):
        return lambda value: type(value) is dict and set(map(type, value.values())) <= _DICTS
    one = fits(kind.of)
    if kind.tables:
        return lambda value: (
            type(value) is dict
            and bool(value)
            and all(map(is_table_name, value))
            and all(map(one, value.values()))
        )
    return lambda value: type(value) is dict and all(map(one, value.values()))


def _struct(kind: Struct) -> Test:
    find = {name: fits(member) for name, member in kind.members.items()}.get
    required = tuple(kind.required)

    def test(value: Any) -> bool:
        if type(value) is not dict:
            return False
        for name, held in value.items():
            one = find(name)
            if one is not None and not one(held):
                return False
        return all(map(value.__contains__, required))

    return test
