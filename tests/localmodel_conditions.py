"""Conditions as trees of tuples: drawn, written as expressions, and tested on plain items.

``("=", one, other)``, ``("BETWEEN", operand, low, high)``, ``("IN", operand, options)``,
``("exists", path)``, ``("absent", path)``, ``("type", path, tag)``, ``("begins", path, value)``,
``("contains", path, operand)``, ``("AND", parts)``, ``("OR", parts)``, ``("NOT", part)``.
Operands are ``("path", path)``, ``("value", value)`` and ``("size", path)``.
"""

from __future__ import annotations

from decimal import Decimal
from operator import eq, ge, gt, le, lt
from typing import Any

from hypothesis import strategies as st

from .localmodel_values import KEY_VALUES, at, order, same, tag_of, to_wire, values

__all__ = ["PATHS", "Words", "conditions", "holds", "written"]

Path = tuple[str | int, ...]

#: Attributes that anything may be in, and places in them.
PATHS: list[Path] = [
    ("x",),
    ("y",),
    ("d",),
    ("x", "m"),
    ("x", "m", "n"),
    ("x", 0),
    ("y", 1),
    ("y", "n", 0),
    ("x", 0, "m"),
]
_TAGS = ("S", "N", "B", "SS", "NS", "BS", "L", "M", "NULL", "BOOL")


class Words:
    """Placeholders of one request.

    Args:
        odd: Numbers are written as nobody would.
    """

    def __init__(self, odd: bool = False) -> None:
        self.odd = odd
        self.names: dict[str, str] = {}
        self.values: dict[str, Any] = {}

    def path(self, path: Path) -> str:
        """Return a path; the first step is a placeholder, others are as they are."""
        name = self.name(str(path[0]))
        return name + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path[1:])

    def name(self, name: str) -> str:
        """Return a placeholder for a name."""
        self.names[f"#{name}"] = name
        return f"#{name}"

    def value(self, value: Any) -> str:
        """Return a placeholder for a value."""
        found = f":v{len(self.values)}"
        self.values[found] = to_wire(value, self.odd)
        return found

    def members(self) -> dict[str, Any]:
        """Return the members of a request that say what placeholders stand for."""
        found = {"ExpressionAttributeNames": self.names, "ExpressionAttributeValues": self.values}
        return {name: held for name, held in found.items() if held}


# --- drawing ------------------------------------------------------------------------------

_ordered = st.sampled_from([value for tag in "SNB" for value in KEY_VALUES[tag][:4]])


@st.composite
def _bounds(draw: st.DrawFn) -> tuple[Any, Any]:
    tag = draw(st.sampled_from("SNB"))
    pair = draw(st.lists(st.sampled_from(KEY_VALUES[tag]), min_size=2, max_size=2))
    low, high = sorted(pair, key=order)
    return low, high


def conditions(paths: list[Path] = PATHS) -> st.SearchStrategy[Any]:
    """Return the strategy of conditions on some paths."""
    path = st.sampled_from(paths)
    paths_of = st.tuples(st.just("path"), path)
    sizes = st.tuples(st.just("size"), path)
    constants = st.tuples(st.just("value"), values())
    bounded = st.builds(lambda operand, pair: ("BETWEEN", operand, *pair), paths_of | sizes, _bounds())
    leaves = st.one_of(
        st.tuples(st.sampled_from(["=", "<>"]), paths_of, constants),
        st.tuples(
            st.sampled_from(["<", "<=", ">", ">="]), paths_of | sizes, st.tuples(st.just("value"), _ordered)
        ),
        st.tuples(st.sampled_from(["=", "<>", "<", ">="]), paths_of, paths_of | sizes).filter(
            lambda c: c[1] != c[2]
        ),
        bounded,
        st.tuples(st.just("IN"), paths_of, st.lists(values(), min_size=1, max_size=3)),
        st.tuples(st.sampled_from(["exists", "absent"]), path),
        st.tuples(st.just("type"), path, st.sampled_from(_TAGS)),
        st.tuples(st.just("begins"), path, st.sampled_from(["", "a", "ab", b"a", b"\xff"])),
        st.tuples(st.just("contains"), path, constants | paths_of).filter(lambda c: c[2] != ("path", c[1])),
    )
    return st.recursive(
        leaves,
        lambda inner: (
            st.tuples(st.sampled_from(["AND", "OR"]), st.lists(inner, min_size=2, max_size=3))
            | st.tuples(st.just("NOT"), inner)
        ),
        max_leaves=4,
    )


# --- writing ------------------------------------------------------------------------------

_FUNCTIONS = {
    "exists": "attribute_exists",
    "absent": "attribute_not_exists",
    "type": "attribute_type",
    "begins": "begins_with",
    "contains": "contains",
}


def written(condition: Any, words: Words) -> str:
    """Return a condition as an expression."""
    kind, *rest = condition
    if kind in ("AND", "OR"):
        return f" {kind} ".join(_bracketed(part, words) for part in rest[0])
    if kind == "NOT":
        return f"NOT {_bracketed(rest[0], words)}"
    if kind == "BETWEEN":
        return f"{_operand(rest[0], words)} BETWEEN {words.value(rest[1])} AND {words.value(rest[2])}"
    if kind == "IN":
        return f"{_operand(rest[0], words)} IN ({', '.join(map(words.value, rest[1]))})"
    if kind in _FUNCTIONS:
        operands = [words.path(rest[0]), *(_argument(one, words) for one in rest[1:])]
        return f"{_FUNCTIONS[kind]}({', '.join(operands)})"
    return f"{_operand(rest[0], words)} {kind} {_operand(rest[1], words)}"


def _bracketed(condition: Any, words: Words) -> str:
    text = written(condition, words)
    return f"({text})" if condition[0] in ("AND", "OR", "NOT") else text


def _operand(operand: Any, words: Words) -> str:
    kind, held = operand
    if kind == "value":
        return words.value(held)
    return words.path(held) if kind == "path" else f"size({words.path(held)})"


def _argument(one: Any, words: Words) -> str:
    return _operand(one, words) if isinstance(one, tuple) else words.value(one)


# --- testing ------------------------------------------------------------------------------

_COMPARED = {"<": lt, "<=": le, ">": gt, ">=": ge, "=": eq}


def holds(condition: Any, item: dict[str, Any]) -> bool:
    """Tell whether a condition holds for an item; an empty one stands for none."""
    kind, *rest = condition
    if kind == "AND":
        return all(holds(part, item) for part in rest[0])
    if kind == "OR":
        return any(holds(part, item) for part in rest[0])
    if kind == "NOT":
        return not holds(rest[0], item)
    if kind == "exists":
        return bool(at(rest[0], item))
    if kind == "absent":
        return not at(rest[0], item)
    if kind == "BETWEEN":
        found = _found(rest[0], item)
        return _compares(">=", found, (rest[1],)) and _compares("<=", found, (rest[2],))
    if kind == "IN":
        return any(_compares("=", _found(rest[0], item), (option,)) for option in rest[1])
    if kind in ("type", "begins", "contains"):
        return any(_tells(kind, value, rest[1], item) for value in at(rest[0], item))
    return _compares(kind, _found(rest[0], item), _found(rest[1], item))


def _tells(kind: str, value: Any, other: Any, item: dict[str, Any]) -> bool:
    if kind == "type":
        return tag_of(value) == other
    if kind == "begins":
        return tag_of(value) == tag_of(other) and value.startswith(other)
    return any(_contains(value, member) for member in _found(other, item))


def _found(operand: Any, item: dict[str, Any]) -> tuple[Any, ...]:
    kind, held = operand
    if kind == "value":
        return (held,)
    found = at(held, item)
    if kind == "path":
        return found
    sized = [value for value in found if tag_of(value) not in ("N", "BOOL", "NULL")]
    return tuple(Decimal(_length(value)) for value in sized)


def _length(value: Any) -> int:
    return sum(2 if ord(one) > 0xFFFF else 1 for one in value) if isinstance(value, str) else len(value)


def _compares(comparator: str, left: tuple[Any, ...], right: tuple[Any, ...]) -> bool:
    if comparator == "<>":
        return not _compares("=", left, right)
    if not left or not right:
        return False
    if comparator == "=":
        return same(left[0], right[0])
    if tag_of(left[0]) != tag_of(right[0]) or tag_of(left[0]) not in "SNB":
        return False
    return bool(_COMPARED[comparator](order(left[0]), order(right[0])))


def _contains(value: Any, member: Any) -> bool:
    if isinstance(value, list):
        return any(same(one, member) for one in value)
    if isinstance(value, frozenset):
        return tag_of(value) == tag_of(member) + "S" and member in value
    return tag_of(value) in ("S", "B") and tag_of(value) == tag_of(member) and member in value
