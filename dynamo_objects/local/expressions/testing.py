"""Conditions of requests tested on items. What comparing means is told by ``...expressions.evaluate``.

The service allows a constant where the tree wants a path: ``contains(:all, city)``. Such a
condition is put to an item that holds both the real item and the constants.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

from ...codec.structs import Quiet
from ...codec.values import AttributeValue, Item
from ...expressions import tree
from ...expressions.evaluate import matches

__all__ = ["Condition", "ConstantSize", "Staged", "attributes_in", "holds", "leaf", "paths_in"]

_ITEM, _CONSTANTS = "item", "constants"


class ConstantSize(Quiet, frozen=True):
    """The size of a constant."""

    unshown = frozenset({"sized"})

    sized: AttributeValue


class Staged(Quiet, frozen=True):
    """A condition on an item that holds the real item and constants side by side.

    Attributes:
        condition: With paths that begin accordingly.
        constants: A list.
        paths: The places in the real item that it looks at.
    """

    unshown = frozenset({"constants"})

    condition: tree.Condition
    constants: AttributeValue
    paths: frozenset[tree.Path]


#: ``And``, ``Or`` and ``Not`` may hold ``Staged`` ones too.
Condition: TypeAlias = tree.Condition | Staged

_NEVER = tree.Or(())
_ZERO = tree.Value({"N": "0"})


def holds(condition: Any, item: Item) -> bool:
    """Tell whether a condition of a request, or of legacy parameters, holds for an item."""
    kind = type(condition)
    if kind is tree.And:
        return all(holds(inner, item) for inner in condition.conditions)
    if kind is tree.Or:
        return any(holds(inner, item) for inner in condition.conditions)
    if kind is tree.Not:
        return not holds(condition.condition, item)
    if kind is Staged:
        return matches(condition.condition, {_ITEM: {"M": item}, _CONSTANTS: condition.constants})
    return matches(condition, item)


def attributes_in(condition: Any) -> frozenset[str]:
    """Return the names of the attributes that a condition looks at."""
    return frozenset(str(path.steps[0]) for path in paths_in(condition))


def paths_in(condition: Any) -> frozenset[tree.Path]:
    """Return the paths of a condition."""
    found: set[tree.Path] = set()
    waiting = [condition]
    while waiting:
        node = waiting.pop()
        match node:
            case tree.And(inner) | tree.Or(inner):
                waiting += inner
            case tree.Not(inner):
                waiting.append(inner)
            case Staged():
                found |= node.paths
            case tree.Path():
                found.add(node)
            case tuple():
                waiting += node
            case tree.Value():
                pass
            case _:
                waiting += [getattr(node, name) for name in _OPERANDS if hasattr(node, name)]
    return frozenset(found)


#: Where the classes of the tree hold operands.
_OPERANDS = ("path", "left", "right", "operand", "low", "high", "options", "prefix", "member", "type")


def leaf(operator: str, operands: Sequence[Any]) -> Condition:
    """Return the condition of an operator or function and its operands, which have been checked."""
    needs_path = operator in _FUNCTIONS and not isinstance(operands[0], tree.Path)
    if needs_path or any(type(operand) is ConstantSize for operand in operands):
        return _staged(operator, operands)
    return _leaf(operator, operands)


_FUNCTIONS = {
    "attribute_exists": tree.AttributeExists,
    "attribute_not_exists": tree.AttributeNotExists,
    "attribute_type": tree.AttributeType,
    "begins_with": tree.BeginsWith,
    "contains": tree.Contains,
}


def _leaf(operator: Any, operands: Sequence[Any]) -> tree.Condition:
    function: Any = _FUNCTIONS.get(operator)
    if function is not None:
        made: tree.Condition = function(*operands)
        return made
    if operator == "BETWEEN":
        return tree.Between(*operands)
    if operator == "IN":
        return tree.In(operands[0], tuple(operands[1:]))
    return tree.Compare(operator, *operands)


def _staged(operator: str, operands: Sequence[Any]) -> Condition:
    first = operands[0]
    if operator in _FUNCTIONS and not isinstance(first, tree.Path | tree.Value):
        # A size is a number: nothing is in it, and its type is known.
        if operator == "attribute_type" and operands[1].value == {"S": "N"}:
            return leaf(">=", (first, _ZERO))
        return _NEVER
    constants: list[AttributeValue] = []
    staged = [_moved(operand, constants) for operand in operands]
    if operator in _FUNCTIONS and isinstance(first, tree.Value):
        staged[0] = _constant(first.value, constants)
    paths = frozenset[tree.Path]().union(*(_paths(operand) for operand in operands))
    return Staged(_leaf(operator, staged), {"L": constants}, paths)


def _moved(operand: Any, constants: list[AttributeValue]) -> tree.Operand:
    match operand:
        case tree.Path(steps):
            return tree.Path((_ITEM, *steps))
        case tree.Size(path):
            return tree.Size(tree.Path((_ITEM, *path.steps)))
        case ConstantSize(sized):
            return tree.Size(_constant(sized, constants))
    value: tree.Value = operand
    return value


def _constant(value: AttributeValue, constants: list[AttributeValue]) -> tree.Path:
    constants.append(value)
    return tree.Path((_CONSTANTS, len(constants) - 1))


def _paths(operand: Any) -> frozenset[tree.Path]:
    path = operand.path if isinstance(operand, tree.Size) else operand
    return frozenset({path}) if isinstance(path, tree.Path) else frozenset()
