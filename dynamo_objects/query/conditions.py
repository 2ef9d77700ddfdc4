"""Conditions on keys, which choose what is read, told apart from filters, which drop results.

DynamoDB takes one condition on the hash key, which must be ``=``, one on the range key,
and no filter on the keys by which a query reads.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from ..codec.values import Invalid
from ..errors import QueryError, ValidationError
from ..expressions import tree
from ..expressions.builders import ExpressionBuilder
from ..expressions.legal import reasons
from ..schema import KeyField

__all__ = ["Split", "key_condition", "merge_bounds", "split", "wires"]

#: Operators that a range key may have in a key condition (API reference, Query).
_RANGE_OPERATORS = ("eq", "lt", "lte", "gt", "gte", "between", "beginswith")

_COMPARATORS: Mapping[str, tree.Comparator] = {
    "eq": "=",
    "lt": "<",
    "lte": "<=",
    "gt": ">",
    "gte": ">=",
}


def key_condition(
    key: KeyField, operator: str, value: Any, where: str, build: ExpressionBuilder
) -> tree.Condition:
    """Return the condition on a key, of keywords.

    Args:
        key: The key of the table or index.
        operator: As after ``field__``.
        value: The operand, a pair for ``between``.
        where: Table or index, for messages.
        build: Encodes the prefix of ``beginswith``.

    Raises:
        QueryError: DynamoDB has no such condition on this key.
        ValidationError: A value of a wrong type.
    """
    allowed = ("eq",) if key.role == "HASH" else _RANGE_OPERATORS
    if operator not in allowed:
        raise QueryError(
            f"{key.name} is a key of {where}: it takes {', '.join(allowed)}; DynamoDB does not filter by keys"
        )
    if operator == "between":
        low, high = _pair(key, value)
        bounds = _encoded(key, operator, low), _encoded(key, operator, high)
        return _legal(key, tree.Between(tree.Path.of(key.wire), *bounds))
    if operator == "beginswith":
        if key.tag == "N":
            raise QueryError(f"{key.name} is a number: it does not begin with anything")
        _check_given(key, operator, value)
        return build.keyword(key.name, operator, value)
    encoded = _encoded(key, operator, value)
    return tree.Compare(_COMPARATORS[operator], tree.Path.of(key.wire), encoded)


def _pair(key: KeyField, value: Any) -> tuple[Any, Any]:
    try:
        low, high = value
    except (TypeError, ValueError):
        raise QueryError(f"{key.name}__between takes a pair: (low, high)") from None
    return low, high


def _encoded(key: KeyField, operator: str, value: Any) -> tree.Value:
    _check_given(key, operator, value)
    try:
        return tree.Value(key.codec.encode(value))
    except Invalid as invalid:
        raise ValidationError("", invalid.under(key.name)) from None


def _check_given(key: KeyField, operator: str, value: Any) -> None:
    if value is None or (isinstance(value, str | bytes) and not value):
        raise QueryError(f"{key.name}__{operator} got an empty value: {key.name} is a key, which never is")


def _legal(key: KeyField, condition: tree.Condition) -> tree.Condition:
    for reason in reasons(condition):
        raise QueryError(f"{key.name}: {reason}")
    return condition


def merge_bounds(keywords: Mapping[str, Any], keys: Sequence[KeyField]) -> dict[str, Any]:
    """Return keywords with ``range__gte`` and ``range__lte`` as one: a key takes one only."""
    merged = dict(keywords)
    for key in keys:
        low, high = f"{key.name}__gte", f"{key.name}__lte"
        if low in merged and high in merged:
            merged[f"{key.name}__between"] = (merged.pop(low), merged.pop(high))
    return merged


class Split(msgspec.Struct, frozen=True):
    """A condition taken apart.

    Attributes:
        keys: Conditions on keys, each with its key.
        filters: The others.
    """

    keys: tuple[tuple[KeyField, tree.Condition], ...]
    filters: tuple[tree.Condition, ...]


def split(condition: tree.Condition, keys: Sequence[KeyField], where: str) -> Split:
    """Take a condition apart into those on keys and filters.

    Args:
        condition: All that must hold.
        keys: Of the table or index; empty for a scan, which has filters only.
        where: Table or index, for messages.

    Raises:
        QueryError: DynamoDB has no such condition on a key.
    """
    by_wire = {key.wire: key for key in keys}
    found: list[tuple[KeyField, tree.Condition]] = []
    filters: list[tree.Condition] = []
    for part in _parts(condition):
        key = by_wire.get(_only_wire(part) or "")
        if key is None:
            filters.append(part)
        else:
            _check_usable(key, part, where)
            found.append((key, part))
    return Split(tuple(found), tuple(filters))


def _parts(condition: tree.Condition) -> Iterator[tree.Condition]:
    if isinstance(condition, tree.And):
        for inner in condition.conditions:
            yield from _parts(inner)
    else:
        yield condition


def _only_wire(condition: tree.Condition) -> str | None:
    """Return the attribute that a condition is about, if it is about one as a whole."""
    place: Any = None
    if isinstance(condition, tree.Compare):
        place = condition.left
    elif isinstance(condition, tree.Between):
        place = condition.operand
    elif isinstance(condition, tree.BeginsWith):
        place = condition.path
    if isinstance(place, tree.Path) and len(place.steps) == 1:
        return str(place.steps[0])
    return None


def _check_usable(key: KeyField, part: tree.Condition, where: str) -> None:
    """Raise QueryError unless DynamoDB takes this condition on this key."""
    operands: tuple[tree.Operand, ...] = ()
    match part:
        case tree.Compare(comparator, _, right):
            usable = comparator == "=" or (key.role == "RANGE" and comparator != "<>")
            operands = (right,)
        case tree.Between(_, low, high):
            usable = key.role == "RANGE"
            operands = (low, high)
        case tree.BeginsWith(_, prefix):
            usable = key.role == "RANGE" and key.tag != "N"
            operands = (prefix,)
        case _:
            usable = False
    if not usable or not all(isinstance(operand, tree.Value) for operand in operands):
        raise QueryError(
            f"{key.name} is a key of {where}: DynamoDB does not take this condition on it, "
            f"and does not filter by keys"
        )


def wires(node: Any) -> Iterator[str]:
    """Yield the attributes at which the paths in a tree begin."""
    if isinstance(node, tree.Path):
        yield str(node.steps[0])
    elif isinstance(node, msgspec.Struct) and not isinstance(node, tree.Value):
        yield from wires(msgspec.structs.astuple(node))
    elif isinstance(node, tuple):
        for inner in node:
            yield from wires(inner)
