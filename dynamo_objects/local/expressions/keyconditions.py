"""Key conditions: what a query asks of hash and range attributes, found in its condition.

Wording and order: DynamoDB Local and dynalite's tests, see the package. Several hash or range
attributes: AWS Developer Guide, "Multi-attribute keys pattern": all hash attributes by equality,
range attributes from the left, equality on all but the last one; wording: the Parity Suite
(multiAttributeGsiKey.test.ts, queryKeyConditionOperands.test.ts, run on AWS in October 2026).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from ...codec.structs import Quiet
from ...codec.values import AttributeValue, Item
from ...expressions.tree import Path, Value
from ..definitions import KeyPart, Keys
from ..errors import invalid, invalid_parameter

__all__ = ["KeyCondition", "KeyNode", "KeyRange", "conditions_of", "key_leaf", "key_range"]

_MIRRORED = {"=": "=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
_FIRST = frozenset({"BETWEEN", "begins_with"})


class KeyNode(msgspec.Struct, frozen=True):
    """A condition as a KeyConditionExpression has it, not yet known to be one on keys."""

    operator: str
    operands: tuple[Any, ...]

    def conditions(self) -> tuple[KeyCondition, ...]:
        """Return the conditions that it joins by AND.

        Raises:
            ApiError: It has what no key condition may have.
        """
        return tuple(_unique(_conditions(self)))


class KeyCondition(Quiet, frozen=True):
    """A condition on one attribute.

    Attributes:
        name: Of the attribute.
        operator: ``=``, ``<``, ``<=``, ``>``, ``>=``, ``BETWEEN`` or ``begins_with``; or a legacy
            ComparisonOperator that keys do not have.
        operands: One value, two for ``BETWEEN``.
    """

    unshown = frozenset({"operands"})

    name: str
    operator: str
    operands: tuple[AttributeValue, ...]


class KeyRange(Quiet, frozen=True):
    """What a query asks for.

    Attributes:
        hash: The hash attributes.
        equal: The range attributes that must be equal, from the left.
        part: The range attribute behind them that must fulfil a condition; None if there is none.
        operator: ``<``, ``<=``, ``>``, ``>=``, ``BETWEEN`` or ``begins_with``.
        operands: Of that condition.
    """

    unshown = frozenset({"operands"})

    hash: Item
    equal: Item
    part: KeyPart | None = None
    operator: str = ""
    operands: tuple[AttributeValue, ...] = ()


def key_leaf(operator: str, operands: Sequence[Any]) -> KeyNode:
    """Return a condition of a KeyConditionExpression."""
    return KeyNode(operator, tuple(operands))


def conditions_of(condition: KeyNode | tuple[KeyCondition, ...]) -> tuple[KeyCondition, ...]:
    """Return the conditions of a query, whichever way it has them.

    The service finds what is wrong here after all expressions were read, and before it looks
    at the table.

    Raises:
        ApiError: There is something that no key condition may have.
    """
    return condition.conditions() if isinstance(condition, KeyNode) else condition


def key_range(condition: KeyNode | tuple[KeyCondition, ...], keys: Keys) -> KeyRange:
    """Return what a query asks of a table or index.

    Raises:
        ApiError: Its conditions do not go with the keys.
    """
    given = {found.name: found for found in conditions_of(condition)}
    if not given:
        raise invalid("Conditions can be of length 1 or 2 only")
    if len(given) > len(keys.parts):
        raise invalid(
            f"The number of query conditions ({len(given)}) exceeds the number of key attributes "
            f"defined in the schema ({len(keys.parts)})"
        )
    hash = {part.name: _hash_value(part, given) for part in keys.hash}
    return _ranged(keys, hash, given)


# --- what a text may say ------------------------------------------------------------------


def _conditions(node: KeyNode) -> Iterator[KeyCondition]:
    operator = node.operator
    if operator in ("OR", "NOT", "IN", "<>") or operator in _NO_KEY_FUNCTIONS:
        raise invalid(f"Invalid operator used in KeyConditionExpression: {operator}")
    if operator == "AND":
        for inner in node.operands:
            yield from _conditions(inner)
    else:
        yield _condition(node)


_NO_KEY_FUNCTIONS = frozenset({"attribute_exists", "attribute_not_exists", "attribute_type", "contains"})


def _condition(node: KeyNode) -> KeyCondition:
    first: Any = node.operands[0]
    if node.operator in _FIRST and not isinstance(first, Path):
        raise _bad(f"{node.operator} operator must have the key attribute as its first operand")
    path: Path | None = None
    for operand in node.operands:
        if isinstance(operand, Path):
            if path is not None:
                raise _bad("Multiple attribute names used in one condition")
            path = operand
            if len(operand.steps) > 1:
                raise invalid("KeyConditionExpressions cannot have conditions on nested attributes")
        elif not isinstance(operand, Value):
            raise invalid("KeyConditionExpressions cannot contain nested operations")
    if path is None:
        raise _bad("No key attribute specified")
    operator = node.operator if path is first else _MIRRORED[node.operator]
    values = tuple(operand.value for operand in node.operands if isinstance(operand, Value))
    return KeyCondition(str(path.steps[0]), operator, values)


def _bad(reason: str) -> Exception:
    return invalid(f"Invalid condition in KeyConditionExpression: {reason}")


def _unique(conditions: Iterable[KeyCondition]) -> Iterator[KeyCondition]:
    names: set[str] = set()
    for found in conditions:
        if found.name in names:
            raise invalid(
                "Invalid KeyConditionExpression: "
                "KeyConditionExpressions must only contain one condition per key"
            )
        names.add(found.name)
        yield found


# --- what keys allow ----------------------------------------------------------------------


def _hash_value(part: KeyPart, given: dict[str, KeyCondition]) -> AttributeValue:
    found = given.get(part.name)
    if found is None:
        raise _missed(part)
    _check_fits(part, found)
    if found.operator != "=":
        raise invalid("Query key condition not supported")
    return found.operands[0]


def _missed(part: KeyPart) -> Exception:
    return invalid(f"Query condition missed key schema element: {part.name}")


def _check_fits(part: KeyPart, found: KeyCondition) -> None:
    if found.operator.isupper() and found.operator != "BETWEEN":  # a legacy one
        raise invalid("Attempted conditional constraint is not an indexable operation")
    if any(part.type not in operand for operand in found.operands):
        raise invalid_parameter("Condition parameter type does not match schema type")


def _check_gaps(parts: Sequence[KeyPart], given: dict[str, KeyCondition]) -> None:
    """Check that all range attributes before the last one with a condition are equal to something."""
    last = max((place for place, part in enumerate(parts) if part.name in given), default=0)
    open_names = [
        part.name for part in parts[:last] if part.name not in given or given[part.name].operator != "="
    ]
    if open_names:
        raise invalid(
            f"RANGE key attributes {', '.join(open_names)} must have equality conditions specified "
            f"in the query because a condition is present on key attribute {parts[last].name}"
        )


def _ranged(keys: Keys, hash: Item, given: dict[str, KeyCondition]) -> KeyRange:
    equal: dict[str, AttributeValue] = {}
    left = len(given) - len(hash)
    if left and len(keys.range) > 1:
        _check_gaps(keys.range, given)
    for part in keys.range[:left]:
        found = given.get(part.name)
        if found is None:
            raise _missed(part)
        _check_fits(part, found)
        left -= 1
        if found.operator == "=":
            equal[part.name] = found.operands[0]
        elif left:
            raise invalid("Query key condition not supported")
        else:
            return KeyRange(hash, equal, part, found.operator, found.operands)
    return KeyRange(hash, equal)
