"""The tree of conditions and updates. Values in it are attribute values, never Python's.

A condition is one of the classes in `Condition`; an update is an `Update` of clauses.
Nothing here knows how text looks or where items come from.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from ..codec.structs import Quiet
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


class Path(msgspec.Struct, frozen=True):
    """A place in an item: names of attributes and map keys, and indexes of lists."""

    steps: tuple[str | int, ...]

    @classmethod
    def of(cls, *steps: str | int) -> Path:
        """Return the path that leads through *steps*."""
        return cls(steps)


class Value(Quiet, frozen=True):
    """A constant."""

    unshown = frozenset({"value"})

    value: AttributeValue


class Size(msgspec.Struct, frozen=True):
    """The size of what stands at a path: length of text, bytes, members, elements."""

    path: Path


Operand: TypeAlias = Path | Value | Size


class Compare(msgspec.Struct, frozen=True):
    """Two operands compared; false when one is absent or their types differ."""

    comparator: Comparator
    left: Operand
    right: Operand


class Between(msgspec.Struct, frozen=True):
    """*operand* lies between two others, both included."""

    operand: Operand
    low: Operand
    high: Operand


class In(msgspec.Struct, frozen=True):
    """*operand* equals one of several."""

    operand: Operand
    options: tuple[Operand, ...]


class BeginsWith(msgspec.Struct, frozen=True):
    """Text or bytes at a path begin with the operand."""

    path: Path
    prefix: Operand


class Contains(msgspec.Struct, frozen=True):
    """A set or list at a path has the member, or a text the part."""

    path: Path
    member: Operand


class AttributeExists(msgspec.Struct, frozen=True):
    """There is something at a path, NULL included."""

    path: Path


class AttributeNotExists(msgspec.Struct, frozen=True):
    """There is nothing at a path."""

    path: Path


class AttributeType(msgspec.Struct, frozen=True):
    """What stands at a path has the type tag that the operand, a text, names."""

    path: Path
    type: Operand


class And(msgspec.Struct, frozen=True):
    """All conditions hold."""

    conditions: tuple[Condition, ...]


class Or(msgspec.Struct, frozen=True):
    """At least one condition holds."""

    conditions: tuple[Condition, ...]


class Not(msgspec.Struct, frozen=True):
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


class IfNotExists(msgspec.Struct, frozen=True):
    """What stands at a path, or the operand where there is nothing."""

    path: Path
    default: Operand


class ListAppend(msgspec.Struct, frozen=True):
    """Two lists as one."""

    first: Operand | IfNotExists
    second: Operand | IfNotExists


class Plus(msgspec.Struct, frozen=True):
    """Two numbers added."""

    left: Operand | IfNotExists
    right: Operand | IfNotExists


class Minus(msgspec.Struct, frozen=True):
    """One number taken from another."""

    left: Operand | IfNotExists
    right: Operand | IfNotExists


SetValue: TypeAlias = Operand | IfNotExists | ListAppend | Plus | Minus


class Set(msgspec.Struct, frozen=True):
    """Store something at a path."""

    path: Path
    value: SetValue


class Remove(msgspec.Struct, frozen=True):
    """Remove what stands at a path."""

    path: Path


class Add(msgspec.Struct, frozen=True):
    """Add to a number, or members to a set; absent ones are created."""

    path: Path
    value: Value


class Delete(msgspec.Struct, frozen=True):
    """Take members from a set."""

    path: Path
    value: Value


class Update(msgspec.Struct, frozen=True):
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
