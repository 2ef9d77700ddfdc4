"""Trees from what users write: keywords (``city__eq="Oslo"``), boto3 conditions, updates.

Names are checked against the record class and values are encoded by their fields, so that
a misspelt name or a wrong type is an error before anything is sent. An empty value that is
stored by leaving the attribute out matches absent attributes too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Any

from ..codec.records import RecordCodec
from ..codec.scalars import BYTES, INT, STR
from ..codec.values import TAGS, Invalid
from ..errors import QueryError, ValidationError, closest
from . import tree
from .legal import check_legal
from .targets import Target, Targets, parse_path
from .updates import build_update

__all__ = ["KEYWORD_OPERATORS", "ExpressionBuilder", "split_keyword"]

_ZERO = tree.Value({"N": "0"})

_COMPARATORS: dict[str, tree.Comparator] = {
    "eq": "=",
    "ne": "<>",
    "lt": "<",
    "lte": "<=",
    "gt": ">",
    "gte": ">=",
}

#: Types of values that are nothing else than values.
_CONSTANTS = frozenset({str, int, float, bool, bytes, Decimal, type(None)})

#: What may follow ``field__``, as in boto.
KEYWORD_OPERATORS = (
    *_COMPARATORS,
    "between",
    "beginswith",
    "contains",
    "ncontains",
    "in",
    "null",
    "nnull",
)


@lru_cache(maxsize=1024)
def split_keyword(keyword: str) -> tuple[str, str]:
    """Return field name and operator of ``field__operator``.

    Raises:
        QueryError: There is no such operator.
    """
    name, separator, operator = keyword.rpartition("__")
    if not separator:
        raise QueryError(f"{keyword}: write {keyword}__eq, or another of {_listed()}")
    if operator not in KEYWORD_OPERATORS:
        near = closest(operator, KEYWORD_OPERATORS)
        raise QueryError(f"{keyword}: no operator {operator!r}{near}, there are {_listed()}")
    return name, operator


def _listed() -> str:
    return ", ".join(KEYWORD_OPERATORS)


class ExpressionBuilder:
    """Makes conditions and updates for the records of one class."""

    def __init__(self, codec: RecordCodec) -> None:
        self._targets = Targets(codec)

    # --- conditions -----------------------------------------------------------------------

    def keywords(self, conditions: Mapping[str, Any], operator: str = "AND") -> tree.Condition | None:
        """Return the condition of keywords like ``city__eq="Oslo"``; None when there are none.

        Args:
            operator: ``AND`` or ``OR`` between the keywords.
        """
        if operator.upper() not in ("AND", "OR"):
            raise QueryError("conditional_operator is 'AND' or 'OR'")
        parts = [self.keyword(*split_keyword(k), value) for k, value in conditions.items()]
        return tree.all_of(*parts) if operator.upper() == "AND" else tree.any_of(*parts)

    def keyword(self, name: str, operator: str, value: Any) -> tree.Condition:
        """Return the condition of one field, by the operator's name.

        Raises:
            QueryError: DynamoDB would refuse it.
        """
        condition = self._keyword(name, operator, value)
        check_legal(condition)
        return condition

    def _keyword(self, name: str, operator: str, value: Any) -> tree.Condition:
        target = self._targets.find((name,), name)
        if operator in _COMPARATORS:
            return self._compare(_COMPARATORS[operator], target, value)
        match operator:
            case "between":
                low, high = _pair(name, value)
                return self._between(target, low, high)
            case "in":
                return self._in(target, _several(name, value))
            case "beginswith":
                return self._begins_with(target, value)
            case "contains":
                return self._contains(target, value)
            case "ncontains":
                return tree.Not(self._contains(target, value))
            case "null" | "nnull":
                is_null = _no_value(target.path)
                return is_null if (operator == "null") == bool(value) else tree.Not(is_null)
            case _:
                raise QueryError(f"no operator {operator!r}")

    def condition(self, condition: Any) -> tree.Condition:
        """Return the tree of a boto3 condition, or of keywords in a dict.

        Raises:
            QueryError: It is neither.
        """
        if isinstance(condition, Mapping):
            built = self.keywords(condition)
            if built is None:
                raise QueryError("an empty condition")
            return built
        if not hasattr(condition, "get_expression"):
            raise QueryError(
                f"expected a condition as of boto3's Attr and Key, or keywords in a dict, "
                f"got {type(condition).__name__}"
            )
        built = self._boto(condition)
        check_legal(built)
        return built

    def _boto(self, condition: Any) -> tree.Condition:
        parts = condition.get_expression()
        operator, values = parts["operator"], parts["values"]
        match operator:
            case "AND":
                return tree.And(tuple(self._boto(value) for value in values))
            case "OR":
                return tree.Or(tuple(self._boto(value) for value in values))
            case "NOT":
                return tree.Not(self._boto(values[0]))
        first = values[0]
        if parts["operator"] != "size" and _operator_of(first) == "size":
            return self._boto_size(operator, first, values[1:])
        target = self._target_of(first)
        match operator:
            case "attribute_exists":
                return tree.AttributeExists(target.path)
            case "attribute_not_exists":
                return tree.AttributeNotExists(target.path)
            case "attribute_type":
                if values[1] not in TAGS:
                    raise QueryError(f"{target.name}: no type {values[1]!r}, there are {sorted(TAGS)}")
                return tree.AttributeType(target.path, tree.Value({"S": values[1]}))
            case "begins_with":
                return self._begins_with(target, values[1])
            case "contains":
                return self._contains(target, values[1])
            case "BETWEEN":
                return self._between(target, values[1], values[2])
            case "IN":
                return self._in(target, _several(target.name, values[1]))
            case "=" | "<>" | "<" | "<=" | ">" | ">=":
                return self._compare(operator, target, values[1])
        raise QueryError(f"condition with an unknown operator {operator!r}")

    def _boto_size(self, operator: str, size: Any, values: Iterable[Any]) -> tree.Condition:
        target = self._target_of(size.get_expression()["values"][0])
        operand = tree.Size(target.path)

        def encode(value: Any) -> tree.Operand:
            other = self._other_operand(value)
            return target.encode(value, INT) if other is None else other

        values = list(values)
        match operator:
            case "BETWEEN":
                return tree.Between(operand, encode(values[0]), encode(values[1]))
            case "IN":
                return tree.In(operand, tuple(encode(v) for v in _several(target.name, values[0])))
            case "=" | "<>" | "<" | "<=" | ">" | ">=":
                return tree.Compare(operator, operand, encode(values[0]))
        raise QueryError(f"size({target.name}) cannot stand in {operator}")

    def _target_of(self, attribute: Any) -> Target:
        if not hasattr(attribute, "name"):
            raise QueryError("the left side of a condition must be Attr(...) or Key(...)")
        return self._targets.find(parse_path(attribute.name), attribute.name)

    def _other_operand(self, value: Any) -> tree.Operand | None:
        """Return the operand where a value is itself Attr(...) or its size, else None."""
        if type(value) in _CONSTANTS:
            return None
        if _operator_of(value) == "size":
            return tree.Size(self._target_of(value.get_expression()["values"][0]).path)
        if hasattr(value, "begins_with") and hasattr(value, "between"):  # Attr or Key
            return self._target_of(value).path
        return None

    # --- single conditions ----------------------------------------------------------------

    def _compare(self, comparator: tree.Comparator, target: Target, value: Any) -> tree.Condition:
        other = self._other_operand(value)
        if other is not None:
            return tree.Compare(comparator, target.path, other)
        if not target.is_left_out(value):
            return tree.Compare(comparator, target.path, target.encode(value))
        # Absence first: moto fails on the size of what is absent.
        is_default = tree.Or((tree.AttributeNotExists(target.path), _is_empty(target.path, value)))
        match comparator:
            case "=":
                return is_default
            case "<>":
                return tree.Not(is_default)
            case "<=" | ">=":
                return tree.Or((is_default, tree.Compare(comparator, target.path, target.encode(value))))
            case _:
                return tree.Compare(comparator, target.path, target.encode(value))

    def _between(self, target: Target, low: Any, high: Any) -> tree.Condition:
        bounds = []
        for bound in (low, high):
            other = self._other_operand(bound)
            bounds.append(target.encode(bound) if other is None else other)
        between = tree.Between(target.path, bounds[0], bounds[1])
        if target.is_left_out(low):
            return tree.Or((between, tree.AttributeNotExists(target.path)))
        return between

    def _in(self, target: Target, values: list[Any]) -> tree.Condition:
        stored = [value for value in values if not target.is_left_out(value)]
        parts: list[tree.Condition] = []
        if stored:
            parts.append(tree.In(target.path, tuple(target.encode(value) for value in stored)))
        if len(stored) < len(values):
            empty = next(value for value in values if target.is_left_out(value))
            parts.append(self._compare("=", target, empty))
        found = tree.any_of(*parts)
        if found is None:
            raise QueryError(f"{target.name}: 'in' needs at least one value")
        return found

    def _begins_with(self, target: Target, prefix: Any) -> tree.Condition:
        # Any stored text has prefixes, also that of a datetime.
        codec = BYTES if isinstance(prefix, bytes) else STR
        tag = "B" if codec is BYTES else "S"
        if tag not in target.codec.tags:
            raise ValidationError(
                "",
                Invalid(f"{target.codec.name} does not begin with {type(prefix).__name__}").under(
                    target.name
                ),
            )
        begins = tree.BeginsWith(target.path, target.encode(prefix, codec))
        if not prefix and target.is_left_out(prefix):
            return tree.Or((begins, tree.AttributeNotExists(target.path)))
        return begins

    def _contains(self, target: Target, member: Any) -> tree.Condition:
        other = self._other_operand(member)
        if other is not None:
            return tree.Contains(target.path, other)
        codec = target.codec.element or target.codec
        if target.codec.element is None and not {"S", "B", "L"} & target.codec.tags:
            raise ValidationError("", Invalid(f"{target.codec.name} contains nothing").under(target.name))
        if target.codec.element is None and isinstance(member, str) and "S" in target.codec.tags:
            codec = STR
        return tree.Contains(target.path, target.encode(member, codec))

    # --- others -----------------------------------------------------------------------------

    def update(
        self,
        put: Mapping[str, Any] | None = None,
        add: Mapping[str, Any] | None = None,
        delete: Mapping[str, Any] | None = None,
        remove: Iterable[str] = (),
    ) -> tree.Update:
        """Return an update: see ``build_update``."""
        return build_update(self._targets, put or {}, add or {}, delete or {}, remove)

    def path(self, name: str) -> tree.Path:
        """Return the path of a field, for a projection.

        Raises:
            UnknownFieldError: There is no such field.
        """
        return self._targets.find((name,), name).path


def _operator_of(value: Any) -> str | None:
    return getattr(value, "expression_operator", None)


def _no_value(path: tree.Path) -> tree.Condition:
    null = tree.AttributeType(path, tree.Value({"S": "NULL"}))
    return tree.Or((tree.AttributeNotExists(path), null))


def _is_empty(path: tree.Path, value: Any) -> tree.Condition:
    """Return the condition for a stored empty value, without sending one: old engines refuse ""."""
    if value is None:
        return tree.AttributeType(path, tree.Value({"S": "NULL"}))
    return tree.Compare("=", tree.Size(path), _ZERO)


def _pair(name: str, value: Any) -> tuple[Any, Any]:
    try:
        low, high = value
    except (TypeError, ValueError):
        raise QueryError(f"{name}__between takes a pair: (low, high)") from None
    return low, high


def _several(name: str, value: Any) -> list[Any]:
    if isinstance(value, str | bytes) or not isinstance(value, Iterable):
        raise QueryError(f"{name}: 'in' takes several values: a list, tuple or set")
    return list(value)
