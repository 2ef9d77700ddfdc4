"""Expressions of requests for `dictservice`: text and placeholders in, trees or items out.

It reads what the library writes: placeholders everywhere, attributes at the top level.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

from dynamo_objects.codec.values import Item
from dynamo_objects.expressions import tree

__all__ = ["Expression", "updated"]


def updated(old: Item, request: dict[str, Any]) -> Item:
    """Return the item after an UpdateExpression on top-level attributes."""
    new = dict(old)
    parser = Expression(request.get("UpdateExpression", ""), request)
    for keyword, name, operand in parser.clauses():
        value: Any = operand(old) if operand is not None else None
        if keyword == "REMOVE":
            new.pop(name, None)
        elif keyword == "SET":
            assert value is not None
            new[name] = value
        elif keyword == "ADD":
            new[name] = _sum(old.get(name), value, "+")
        else:
            members = set(next(iter(old.get(name, {"SS": []}).values()))) - set(next(iter(value.values())))
            new[name] = {next(iter(value)): sorted(members)}
            if not members:
                del new[name]
    return new


def _sum(left: Any, right: Any, operator: str) -> Any:
    ((tag, held),) = right.items()
    if tag != "N":
        return {tag: sorted({*(left or {tag: []})[tag], *held})}
    number = Decimal((left or {"N": "0"})["N"])
    result = number + Decimal(held) if operator == "+" else number - Decimal(held)
    return {"N": f"{result:f}"}


class Expression:
    """Reads the expressions that the library writes: placeholders everywhere, no nested paths."""

    _TOKEN = re.compile(r"\s*([#:]\w+|\w+|<>|<=|>=|[=<>(),+-])")

    def __init__(self, text: str, request: dict[str, Any]) -> None:
        self._tokens = self._TOKEN.findall(text)
        assert "".join(self._tokens) == re.sub(r"\s", "", text), f"cannot read {text!r}"
        self._names = request.get("ExpressionAttributeNames", {})
        self._values = request.get("ExpressionAttributeValues", {})

    def _next(self, *expected: str) -> str:
        token: str = self._tokens.pop(0)
        assert not expected or token in expected, f"expected {expected}, got {token}"
        return token

    def _peek(self) -> str:
        return self._tokens[0] if self._tokens else ""

    def condition(self) -> tree.Condition:
        """Return the condition that the whole text is."""
        condition = self._joined()
        assert not self._tokens
        return condition

    def _joined(self) -> tree.Condition:
        alternatives = []
        parts = [self._one()]
        while self._peek() in ("AND", "OR"):
            if self._next() == "OR":
                alternatives.append(tree.And(tuple(parts)))
                parts = []
            parts.append(self._one())
        alternatives.append(tree.And(tuple(parts)))
        return tree.Or(tuple(alternatives))

    def _one(self) -> tree.Condition:
        if self._peek() == "NOT":
            self._next()
            return tree.Not(self._one())
        if self._peek() == "(":
            self._next()
            inner = self._joined()
            self._next(")")
            return inner
        if self._peek() in ("attribute_exists", "attribute_not_exists", "begins_with", "contains"):
            return self._function()
        left = self._operand()
        operator = self._next("=", "<>", "<", "<=", ">", ">=", "BETWEEN", "IN")
        if operator == "BETWEEN":
            low = self._operand()
            self._next("AND")
            return tree.Between(left, low, self._operand())
        if operator == "IN":
            return tree.In(left, tuple(self._arguments()))
        return tree.Compare(operator, left, self._operand())  # type: ignore[arg-type]

    def _function(self) -> tree.Condition:
        name = self._next()
        path, *others = self._arguments()
        assert isinstance(path, tree.Path)
        match name:
            case "attribute_exists":
                return tree.AttributeExists(path)
            case "attribute_not_exists":
                return tree.AttributeNotExists(path)
            case "begins_with":
                return tree.BeginsWith(path, others[0])
        return tree.Contains(path, others[0])

    def _arguments(self) -> Iterator[tree.Operand]:
        self._next("(")
        yield self._operand()
        while self._next(",", ")") == ",":
            yield self._operand()

    def _operand(self) -> tree.Operand:
        token = self._next()
        return tree.Path.of(self._names[token]) if token[0] == "#" else tree.Value(self._values[token])

    def clauses(self) -> Iterator[tuple[str, str, Callable[[Item], Any] | None]]:
        """Yield keyword, attribute, and what gives the operand's value for the old item."""
        keyword = ""
        while self._tokens:
            if self._peek() in ("SET", "REMOVE", "ADD", "DELETE"):
                keyword = self._next()
            else:
                self._next(",")
            name = self._names[self._next()]
            if keyword == "SET":
                self._next("=")
            yield keyword, name, None if keyword == "REMOVE" else self._value()

    def _value(self) -> Callable[[Item], Any]:
        if self._peek() in ("if_not_exists", "list_append"):
            function = self._next()
            self._next("(")
            first = self._value()
            self._next(",")
            second = self._value()
            self._next(")")
            if function == "list_append":
                return lambda item: {"L": [*first(item)["L"], *second(item)["L"]]}
            left: Callable[[Item], Any] = lambda item: first(item) or second(item)  # noqa: E731
        else:
            token = self._next()
            if token[0] == ":":
                left = lambda item: self._values[token]  # noqa: E731
            else:
                left = lambda item: item.get(self._names[token])  # noqa: E731
        if self._peek() not in ("+", "-"):
            return left
        operator = self._next()
        right = self._value()
        return lambda item: _sum(left(item), right(item), operator)
