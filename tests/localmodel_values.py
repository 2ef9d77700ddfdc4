"""Plain Python values for the model of the engine, and how they look on the wire.

str, Decimal, bytes, bool, None, list, dict, and frozensets of one of the first three: nothing
here uses the engine's own code, so that both cannot be wrong in the same way.
"""

from __future__ import annotations

import random
from base64 import b64decode, b64encode
from decimal import Decimal, localcontext
from typing import Any

from hypothesis import strategies as st

__all__ = [
    "KEY_VALUES",
    "Refused",
    "at",
    "containers",
    "from_wire",
    "item_from_wire",
    "item_size",
    "item_to_wire",
    "order",
    "project",
    "same",
    "tag_of",
    "to_wire",
    "values",
]


class Refused(Exception):
    """The service refuses a request.

    Attributes:
        code: As in the reply.
        reasons: The codes of a cancelled transaction's reasons.
    """

    def __init__(self, code: str = "ValidationException", reasons: list[str] | None = None) -> None:
        self.code, self.reasons = code, reasons
        super().__init__(code)


def tag_of(value: Any) -> str:
    """Return the type tag of a value."""
    if value is None:
        return "NULL"
    if isinstance(value, frozenset):
        return tag_of(next(iter(value))) + "S"
    kinds = {str: "S", Decimal: "N", bytes: "B", bool: "BOOL", list: "L", dict: "M"}
    return kinds[type(value)]


# --- the wire -----------------------------------------------------------------------------


def to_wire(value: Any, odd: bool = False) -> dict[str, Any]:
    """Return an attribute value.

    Args:
        odd: Write numbers as nobody would.
    """
    tag = tag_of(value)
    if tag == "L":
        return {tag: [to_wire(one, odd) for one in value]}
    if tag == "M":
        return {tag: item_to_wire(value, odd)}
    if tag in ("SS", "NS", "BS"):
        members = sorted(value)
        return {tag: [_text(one, odd) for one in (members[::-1] if odd else members)]}
    return {tag: True if tag == "NULL" else value if tag == "BOOL" else _text(value, odd)}


def _text(value: Any, odd: bool) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return b64encode(value).decode()
    return f"{value:+E}" if odd else format(value, "f")


def item_to_wire(item: dict[str, Any], odd: bool = False) -> dict[str, Any]:
    """Return an item."""
    return {name: to_wire(value, odd) for name, value in item.items()}


def from_wire(value: dict[str, Any]) -> Any:
    """Return the value of an attribute value; its numbers must be in their normal form."""
    ((tag, held),) = value.items()
    match tag:
        case "S" | "BOOL":
            return held
        case "N":
            return _number(held)
        case "B":
            return b64decode(held, validate=True)
        case "NULL":
            assert held is True
            return None
        case "L":
            return [from_wire(one) for one in held]
        case "M":
            return item_from_wire(held)
    members = [from_wire({tag[0]: one}) for one in held]
    assert members
    assert len(set(members)) == len(members)
    return frozenset(members)


def _number(text: str) -> Decimal:
    number = Decimal(text)
    with localcontext() as context:
        context.prec = 200
        normal = format(number.normalize(), "f")
    assert text == normal, f"{text} is not in its normal form"
    return number


def item_from_wire(item: dict[str, Any]) -> dict[str, Any]:
    """Return an item as plain values."""
    return {name: from_wire(value) for name, value in item.items()}


# --- what values mean ---------------------------------------------------------------------


def same(one: Any, other: Any) -> bool:
    """Tell whether two values are equal, and of one type at every level."""
    if tag_of(one) != tag_of(other):
        return False
    if isinstance(one, list):
        return len(one) == len(other) and all(same(a, b) for a, b in zip(one, other, strict=True))
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[name], other[name]) for name in one)
    return bool(one == other)


def order(value: Any) -> Any:
    """Return what a key value sorts by."""
    return value.encode() if isinstance(value, str) else value


def at(path: tuple[str | int, ...], item: dict[str, Any]) -> tuple[Any, ...]:
    """Return a tuple of the value at a path, or an empty one."""
    value: Any = item
    for step in path:
        if isinstance(step, str):
            if not isinstance(value, dict) or step not in value:
                return ()
        elif not isinstance(value, list) or step >= len(value):
            return ()
        value = value[step]
    return (value,)


def project(paths: list[tuple[str | int, ...]], item: dict[str, Any]) -> dict[str, Any]:
    """Return what of an item stands at paths, in its surroundings."""
    found = _part([tuple(path) for path in paths], item)
    return {} if found is _NOTHING else found


_NOTHING = object()


def _part(paths: list[tuple[str | int, ...]], value: Any) -> Any:
    if () in paths:
        return value
    tails: dict[Any, list[Any]] = {}
    for path in paths:
        tails.setdefault(path[0], []).append(path[1:])
    if isinstance(value, dict):
        parts = {step: _part(tail, value[step]) for step, tail in tails.items() if step in value}
        kept = {step: part for step, part in parts.items() if part is not _NOTHING}
        return kept or _NOTHING
    if isinstance(value, list):
        steps = sorted(step for step in tails if isinstance(step, int) and step < len(value))
        elements = [part for step in steps if (part := _part(tails[step], value[step])) is not _NOTHING]
        return elements or _NOTHING
    return _NOTHING


def item_size(item: dict[str, Any]) -> int:
    """Return the bytes of an item."""
    return sum(len(name.encode()) + _size(value) for name, value in item.items())


def _size(value: Any) -> int:
    match tag_of(value):
        case "S":
            return len(value.encode())
        case "B":
            return len(value)
        case "N":
            return _number_size(value)
        case "L":
            return 3 + sum(1 + _size(one) for one in value)
        case "M":
            return 3 + sum(1 + len(name.encode()) + _size(one) for name, one in value.items())
        case "SS" | "NS" | "BS":
            return sum(map(_size, value))
    return 1


def _number_size(number: Decimal) -> int:
    """Return 1, one byte for each pair of digits left and right of the point, and one for a sign."""
    if not number:
        return 1
    whole, _, fraction = format(abs(number), "f").partition(".")
    digits = whole.zfill(len(whole) + len(whole) % 2) + fraction.ljust(len(fraction) + len(fraction) % 2, "0")
    pairs = [digits[at : at + 2] for at in range(0, len(digits), 2)]
    while pairs and pairs[0] == "00":
        pairs.pop(0)
    while pairs and pairs[-1] == "00":
        pairs.pop()
    return min(21, 1 + len(pairs) + (number < 0))


# --- values to draw -----------------------------------------------------------------------

_NUMBERS = [
    Decimal(text) for text in ("-1.5", "-1", "0", "0.05", "1", "2", "10", "100", "1E+20", "-9E+120", "1E-130")
]
#: What keys can be, by type.
KEY_VALUES: dict[str, list[Any]] = {
    "S": ["a", "ab", "b", "a\x00", "a\x00\x01", "é", "\U0001f600"],
    "N": _NUMBERS,
    "B": [b"\x00", b"a", b"a\x00", b"ab", b"\xff", b"\xff\xff"],
}


def _pool() -> list[Any]:
    """Return scalars, sets, and what is made of them; one draw takes little of Hypothesis's budget then."""
    dice = random.Random(5)
    scalars = [*KEY_VALUES["S"][:4], "", *_NUMBERS[:6], b"", b"a", b"ab", True, False, None, "x" * 1100]
    sets = [frozenset(dice.sample(KEY_VALUES[tag][:4], count)) for tag in "SNB" for count in (1, 2, 3)]
    pool = scalars + sets
    for _ in range(40):
        pool.append([dice.choice(pool) for _ in range(dice.randrange(5))])
        pool.append({name: dice.choice(pool) for name in dice.sample(["m", "n"], dice.randrange(3))})
    return pool


_POOL = _pool()
_VALUES = st.sampled_from(_POOL)
_CONTAINERS = st.sampled_from([value for value in _POOL if isinstance(value, list | dict) and value])


def values() -> st.SearchStrategy[Any]:
    """Return the strategy of all values, nested a little."""
    return _VALUES


def containers() -> st.SearchStrategy[Any]:
    """Return the strategy of lists and maps with something in them."""
    return _CONTAINERS
