"""Trees -> the text of DynamoDB's expressions, with a placeholder for every name and value.

The text of a request is made of keywords, ``#n0`` and ``:v0`` only. One `Placeholders`
serves all expressions of a request, as DynamoDB shares names and values among them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..codec.values import AttributeValue
from ..errors import QueryError
from . import tree

__all__ = ["MAX_EXPRESSION_BYTES", "Placeholders"]

#: An expression has at most this many bytes (Developer Guide, "Quotas": expression parameters).
MAX_EXPRESSION_BYTES = 4096
#: Operators and functions in a condition (same source). An update is too long before.
MAX_OPERATORS = 300
#: The guide allows 100 operands to IN, and AWS counts the left side as one of them
#: (ScyllaDB's test_condition_expression.py, which runs on AWS too; DynamoDB Local).
MAX_IN_OPTIONS = 99
#: Names and indexes in a path, as many as values may be nested (same guide, "Attributes").
MAX_PATH_STEPS = 32
#: Seen on DynamoDB Local.
MAX_LIST_INDEX = 2**31 - 1


#: Conditions that stand in brackets inside others.
_BRACKETED = frozenset({tree.And, tree.Or, tree.Between, tree.In})


class Placeholders:
    """The names and values of one request, and the texts that refer to them."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._held: dict[str, AttributeValue] = {}
        self._operators = 0

    # --- what a request needs -------------------------------------------------------------

    def names(self) -> dict[str, str]:
        """Return ExpressionAttributeNames: placeholder -> name."""
        return {placeholder: name for name, placeholder in self._names.items()}

    def values(self) -> dict[str, AttributeValue]:
        """Return ExpressionAttributeValues: placeholder -> attribute value."""
        return dict(self._held)

    def add_to(self, payload: dict[str, Any]) -> None:
        """Add names and values to a payload, where there are any: unused ones are refused."""
        if self._names:
            payload["ExpressionAttributeNames"] = self.names()
        if self._held:
            payload["ExpressionAttributeValues"] = self.values()

    # --- texts ----------------------------------------------------------------------------

    def condition(self, condition: tree.Condition) -> str:
        """Return the text of a condition.

        Raises:
            QueryError: It is longer than DynamoDB allows, or says nothing.
        """
        self._operators = 0
        text = self._condition(condition)
        if self._operators > MAX_OPERATORS:
            raise QueryError(
                f"condition has {self._operators} operators and functions, "
                f"at most {MAX_OPERATORS} are allowed"
            )
        return _checked(text, "condition")

    def projection(self, paths: Iterable[tree.Path]) -> str:
        """Return the text of a projection."""
        return _checked(", ".join(self._path(path) for path in paths), "projection")

    def update(self, update: tree.Update) -> str:
        """Return the text of an update."""
        clauses = []
        if update.sets:
            parts = (f"{self._path(s.path)} = {self._set_value(s.value)}" for s in update.sets)
            clauses.append("SET " + ", ".join(parts))
        if update.removes:
            clauses.append("REMOVE " + ", ".join(self._path(r.path) for r in update.removes))
        for keyword, changes in (("ADD", update.adds), ("DELETE", update.deletes)):
            if changes:
                parts = (f"{self._path(c.path)} {self._operand(c.value)}" for c in changes)
                clauses.append(f"{keyword} " + ", ".join(parts))
        return _checked(" ".join(clauses), "update")

    # --- parts ----------------------------------------------------------------------------

    def _name(self, name: str) -> str:
        if not name:
            raise QueryError("a path has an empty name")
        return self._names.setdefault(name, f"#n{len(self._names)}")

    def _value(self, value: AttributeValue) -> str:
        # Equal values do not share one, so that the text depends on the shape of a call only.
        placeholder = f":v{len(self._held)}"
        self._held[placeholder] = value
        return placeholder

    def _path(self, path: tree.Path) -> str:
        steps = path.steps
        if len(steps) == 1 and isinstance(steps[0], str):  # as most are
            return self._name(steps[0])
        _check_path(steps)
        text = ""
        for step in steps:
            if isinstance(step, int):
                text += f"[{step}]"
            else:
                text += f".{self._name(step)}" if text else self._name(step)
        return text

    def _operand(self, operand: tree.SetValue) -> str:
        # Of structs ``type(x) is`` asks quicker than ``match``, and nothing is asked more often.
        if type(operand) is tree.Path:
            return self._path(operand)
        if type(operand) is tree.Value:
            return self._value(operand.value)
        if type(operand) is tree.Size:
            self._operators += 1
            return f"size({self._path(operand.path)})"
        if type(operand) is tree.IfNotExists:
            return f"if_not_exists({self._path(operand.path)}, {self._operand(operand.default)})"
        raise QueryError(f"{type(operand).__name__} cannot stand here")

    def _set_value(self, value: tree.SetValue) -> str:
        match value:
            case tree.ListAppend(first, second):
                return f"list_append({self._operand(first)}, {self._operand(second)})"
            case tree.Plus(left, right):
                return f"{self._operand(left)} + {self._operand(right)}"
            case tree.Minus(left, right):
                return f"{self._operand(left)} - {self._operand(right)}"
            case _:
                return self._operand(value)

    def _condition(self, condition: tree.Condition) -> str:
        condition = _bare(condition)
        self._operators += 1
        match condition:
            case tree.Compare(comparator, left, right):
                return f"{self._operand(left)} {comparator} {self._operand(right)}"
            case tree.Between(operand, low, high):
                text = f"{self._operand(operand)} BETWEEN {self._operand(low)}"
                return f"{text} AND {self._operand(high)}"
            case tree.In(operand, options):
                return self._in(operand, options)
            case tree.BeginsWith(path, prefix):
                return f"begins_with({self._path(path)}, {self._operand(prefix)})"
            case tree.Contains(path, member):
                return f"contains({self._path(path)}, {self._operand(member)})"
            case tree.AttributeExists(path):
                return f"attribute_exists({self._path(path)})"
            case tree.AttributeNotExists(path):
                return f"attribute_not_exists({self._path(path)})"
            case tree.AttributeType(path, type_):
                return f"attribute_type({self._path(path)}, {self._operand(type_)})"
            case tree.And(conditions):
                return self._joined(" AND ", conditions)
            case tree.Or(conditions):
                return self._joined(" OR ", conditions)
            case tree.Not(inner):
                return f"NOT ({self._condition(inner)})"

    def _joined(self, word: str, conditions: tuple[tree.Condition, ...]) -> str:
        if not conditions:
            raise QueryError(f"{word.strip()} needs conditions, and got none")
        self._operators += len(conditions) - 2  # _condition has counted one
        return word.join(self._in_brackets(condition) for condition in conditions)

    def _in_brackets(self, condition: tree.Condition) -> str:
        condition = _bare(condition)
        text = self._condition(condition)
        return f"({text})" if type(condition) in _BRACKETED else text

    def _in(self, operand: tree.Operand, options: tuple[tree.Operand, ...]) -> str:
        """Return IN, split into several where there are too many options for one."""
        if not options:
            raise QueryError("IN needs options, and got none: such a condition never holds")
        parts = []
        for start in range(0, len(options), MAX_IN_OPTIONS):
            some = options[start : start + MAX_IN_OPTIONS]
            parts.append(f"{self._operand(operand)} IN ({', '.join(map(self._operand, some))})")
        self._operators += 2 * (len(parts) - 1)
        return " OR ".join(parts)


def _bare(condition: tree.Condition) -> tree.Condition:
    """Return a condition without AND and OR of one: brackets twice around it are refused."""
    while (type(condition) is tree.And or type(condition) is tree.Or) and len(condition.conditions) == 1:
        (condition,) = condition.conditions
    return condition


def _check_path(steps: tuple[str | int, ...]) -> None:
    if not steps or not isinstance(steps[0], str):
        raise QueryError(f"a path begins with the name of an attribute, got {list(steps)}")
    if len(steps) > MAX_PATH_STEPS:
        raise QueryError(
            f"path from {steps[0]!r} has {len(steps)} steps, at most {MAX_PATH_STEPS} are allowed"
        )
    for step in steps:
        if isinstance(step, int) and not 0 <= step <= MAX_LIST_INDEX:
            raise QueryError(
                f"path from {steps[0]!r} has list index {step}, only 0 to {MAX_LIST_INDEX} are allowed"
            )


def _checked(text: str, what: str) -> str:
    if len(text) > MAX_EXPRESSION_BYTES:
        raise QueryError(
            f"{what} has {len(text)} bytes as DynamoDB writes it, at most {MAX_EXPRESSION_BYTES} are allowed"
        )
    return text
