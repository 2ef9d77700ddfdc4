"""The tree of conditions and updates. Values in it are attribute values, never Python's.

A condition is one of the classes in `Condition`; an update is an `Update` of clauses.
Nothing here knows how text looks or where items come from.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import attrs

from ..codec.values import AttributeValue

__all__ = [
    "Add",
    "And",
    "AttributeExists",
    "AttributeNotExists",
    "AttributeType",
    "BeginsWith",
    "Between",
    "Compare",
    "Comparator",
    "Condition",
    "Contains",
    "Delete",
    "IfNotExists",
    "In",
    "ListAppend",
    "Minus",
    "Not",
    "Operand",
    "Or",
    "Path",
    "Plus",
    "Remove",
    "Set",
    "SetValue",
    "Size",
    "Update",
    "Value",
    "all_of",
    "any_of",
]

Comparator = Literal["=", "<>", "<", "<=", ">", ">="]


@attrs.frozen
class Path:
    """A place in an item: names of attributes and map keys, and indexes of lists."""

    steps: tuple[str | int, ...]

    @classmethod
    def of(cls, *steps: str | int) -> Path:
        """Return the path that leads through *steps*."""
        return cls(steps)


@attrs.frozen
class Value:
    """A constant."""

    value: AttributeValue = attrs.field(repr=False)


@attrs.frozen
class Size:
    """The size of what stands at a path: length of text, bytes, members, elements."""

    path: Path


Operand: TypeAlias = Path | Value | Size


@attrs.frozen
class Compare:
    """Two operands compared; false when one is absent or their types differ."""

    comparator: Comparator
    left: Operand
    right: Operand


@attrs.frozen
class Between:
    """*operand* lies between two others, both included."""

    operand: Operand
    low: Operand
    high: Operand


@attrs.frozen
class In:
    """*operand* equals one of several."""

    operand: Operand
    options: tuple[Operand, ...]


@attrs.frozen
class BeginsWith:
    """Text or bytes at a path begin with the operand."""

    path: Path
    prefix: Operand


@attrs.frozen
class Contains:
    """A set or list at a path has the member, or a text the part."""

    path: Path
    member: Operand


@attrs.frozen
class AttributeExists:
    """There is something at a path, NULL included."""

    path: Path


@attrs.frozen
class AttributeNotExists:
    """There is nothing at a path."""

    path: Path


@attrs.frozen
class AttributeType:
    """What stands at a path has the type tag that the operand, a text, names."""

    path: Path
    type: Operand


@attrs.frozen
class And:
    """All conditions hold."""

    conditions: tuple[Condition, ...]


@attrs.frozen
class Or:
    """At least one condition holds."""

    conditions: tuple[Condition, ...]


@attrs.frozen
class Not:
    """The condition does not hold."""

    condition: Condition


Condition: TypeAlias = (
    Compare
    | Between
    | In
    | BeginsWith
    | Contains
    | AttributeExists
    | AttributeNotExists
    | AttributeType
    | And
    | Or
    | Not
)


@attrs.frozen
class IfNotExists:
    """What stands at a path, or the operand where there is nothing."""

    path: Path
    default: Operand


@attrs.frozen
class ListAppend:
    """Two lists as one."""

    first: Operand | IfNotExists
    second: Operand | IfNotExists


@attrs.frozen
class Plus:
    """Two numbers added."""

    left: Operand | IfNotExists
    right: Operand | IfNotExists


@attrs.frozen
class Minus:
    """One number taken from another."""

    left: Operand | IfNotExists
    right: Operand | IfNotExists


SetValue: TypeAlias = Operand | IfNotExists | ListAppend | Plus | Minus


@attrs.frozen
class Set:
    """Store something at a path."""

    path: Path
    value: SetValue


@attrs.frozen
class Remove:
    """Remove what stands at a path."""

    path: Path


@attrs.frozen
class Add:
    """Add to a number, or members to a set; absent ones are created."""

    path: Path
    value: Value


@attrs.frozen
class Delete:
    """Take members from a set."""

    path: Path
    value: Value


@attrs.frozen
class Update:
    """What an UpdateItem changes."""

    sets: tuple[Set, ...] = ()
    removes: tuple[Remove, ...] = ()
    adds: tuple[Add, ...] = ()
    deletes: tuple[Delete, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Tell whether nothing is changed."""
        return not (self.sets or self.removes or self.adds or self.deletes)

    @property
    def can_repeat(self) -> bool:
        """Tell whether applying it twice is the same as once.

        Not so for ADD of a number, and for any SET that reads what it changes.
        """
        plain = all(isinstance(clause.value, Value) for clause in self.sets)
        return plain and not any("N" in clause.value.value for clause in self.adds)


def all_of(*conditions: Condition | None) -> Condition | None:
    """Return the conjunction of those that are not None, or None."""
    given = tuple(condition for condition in conditions if condition is not None)
    if len(given) > 1:
        return And(given)
    return given[0] if given else None


def any_of(*conditions: Condition | None) -> Condition | None:
    """Return the disjunction of those that are not None, or None."""
    given = tuple(condition for condition in conditions if condition is not None)
    if len(given) > 1:
        return Or(given)
    return given[0] if given else None
