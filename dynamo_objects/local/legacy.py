"""The parameters from before expressions: checked, and turned into what expressions become.

A name in them is that of an attribute at the top, dots and all. Wording and order: dynalite's
tests (github.com/architect/dynalite, run on AWS) and experiments on DynamoDB Local. What the
operators mean beyond expressions: ScyllaDB's test_expected.py, which runs on AWS too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..codec.values import AttributeValue
from ..expressions import tree
from ..expressions.evaluate import order_key
from .errors import invalid, invalid_parameter
from .expressions.keyconditions import KeyCondition
from .expressions.updating import Change, Update
from .values import check_name, checked_value, type_of

__all__ = [
    "attribute_updates",
    "attributes_to_get",
    "check_conditional_operator",
    "check_mixed",
    "expected",
    "filters",
    "key_conditions",
]

_SETS = ("SS", "NS", "BS")
_SCALARS = ("S", "N", "B")

#: Operator -> how many values it takes, at least and at most.
_COUNTS = {
    "EQ": (1, 1),
    "NE": (1, 1),
    "LE": (1, 1),
    "LT": (1, 1),
    "GE": (1, 1),
    "GT": (1, 1),
    "CONTAINS": (1, 1),
    "NOT_CONTAINS": (1, 1),
    "BEGINS_WITH": (1, 1),
    "IN": (1, 2**31),
    "BETWEEN": (2, 2),
    "NULL": (0, 0),
    "NOT_NULL": (0, 0),
}

#: Operator -> types that it takes; those not named take all.
_TYPES = {
    "LE": _SCALARS,
    "LT": _SCALARS,
    "GE": _SCALARS,
    "GT": _SCALARS,
    "CONTAINS": (*_SCALARS, "BOOL", "NULL"),
    "NOT_CONTAINS": (*_SCALARS, "BOOL", "NULL"),
    "BEGINS_WITH": ("S", "B"),
    "IN": _SCALARS,
    "BETWEEN": _SCALARS,
}

#: Words for types where the service does not use tags.
_WORDS = {"S": "STRING", "N": "NUMBER", "B": "BINARY", "BOOL": "BOOLEAN", "L": "LIST", "M": "MAP"}


def check_mixed(request: Mapping[str, Any], non_expression: Sequence[str], expression: Sequence[str]) -> None:
    """Check that a request does not have expressions and their predecessors at once.

    Args:
        non_expression: The legacy parameters of the operation.
        expression: Its expressions; the names and values given must have one that uses them.

    Raises:
        ApiError: It has both, or names or values without an expression.
    """
    given = [name for name in expression if request.get(name) is not None]
    if given and request.keys().isdisjoint(non_expression) and given != ["ProjectionExpression"]:
        return  # as nearly always
    if given:
        old = [name for name in non_expression if request.get(name) is not None]
        if "KeyConditions" in old and "KeyConditionExpression" not in given:
            old.remove("KeyConditions")  # goes with other expressions
        if old:
            raise invalid(
                "Can not use both expression and non-expression parameters in the same request: "
                f"Non-expression parameters: {{{', '.join(old)}}} "
                f"Expression parameters: {{{', '.join(given)}}}"
            )
    elif request.get("ExpressionAttributeNames") is not None:
        raise invalid("ExpressionAttributeNames can only be specified when using expressions")
    if request.get("ExpressionAttributeValues") is not None and given in ([], ["ProjectionExpression"]):
        takers = [name for name in expression if name != "ProjectionExpression"]
        are = f": {' and '.join(takers)} {'are' if len(takers) > 1 else 'is'} null" if takers else ""
        reason = "ExpressionAttributeValues can only be specified when using expressions"
        raise invalid(f"{reason}{are}", older=f"{reason}{are}", enveloped=reason)


def attributes_to_get(raw: Sequence[str]) -> tuple[tree.Path, ...]:
    """Return the paths that AttributesToGet names.

    Raises:
        ApiError: A name is there twice.
    """
    seen: set[str] = set()
    for name in raw:
        if name in seen:
            raise invalid_parameter(f"Duplicate value in attribute name: {name}")
        seen.add(name)
    return tuple(tree.Path((name,)) for name in raw)


# --- conditions ---------------------------------------------------------------------------


def expected(request: Mapping[str, Any]) -> tree.Condition | None:
    """Return the condition that Expected and ConditionalOperator of a request describe.

    Raises:
        ApiError: They describe none.
    """
    raw: Mapping[str, Any] | None = request.get("Expected")
    operator = request.get("ConditionalOperator")
    _check_operator(operator, raw)
    if not raw:
        return None
    return _joined([_expectation(name, given) for name, given in raw.items()], operator)


def filters(raw: Mapping[str, Any], operator: str | None = "AND") -> tree.Condition | None:
    """Return the condition that a QueryFilter or ScanFilter describes.

    Args:
        operator: ConditionalOperator of the request.

    Raises:
        ApiError: They describe none.
    """
    conditions = []
    for name, given in raw.items():
        check_name(name)
        comparison, values = _checked(given)
        conditions.append(_condition(name, comparison, values))
    return _joined(conditions, operator) if conditions else None


def key_conditions(raw: Mapping[str, Any]) -> tuple[KeyCondition, ...]:
    """Return the conditions on keys that KeyConditions describe, for ``key_range``.

    Raises:
        ApiError: They describe none.
    """
    conditions = []
    for name, given in raw.items():
        check_name(name)
        comparison, values = _checked(given)
        conditions.append(KeyCondition(name, _KEY_OPERATORS.get(comparison, comparison), tuple(values)))
    return tuple(conditions)


_KEY_OPERATORS = {
    "EQ": "=",
    "LT": "<",
    "LE": "<=",
    "GT": ">",
    "GE": ">=",
    "BETWEEN": "BETWEEN",
    "BEGINS_WITH": "begins_with",
}


def check_conditional_operator(request: Mapping[str, Any], conditions: str) -> None:
    """Check ConditionalOperator of a request with a QueryFilter or ScanFilter.

    Args:
        conditions: The name of that parameter.

    Raises:
        ApiError: It has nothing to join.
    """
    _check_operator(request.get("ConditionalOperator"), request.get(conditions))


def _check_operator(operator: str | None, conditions: Mapping[str, Any] | None) -> None:
    if operator is None:
        return
    if not conditions:
        raise invalid("ConditionalOperator cannot be used without Filter or Expected")
    if len(conditions) < 2:
        raise invalid("ConditionalOperator can only be used when Filter or Expected has two or more elements")


def _expectation(name: str, given: Mapping[str, Any]) -> tree.Condition:
    check_name(name)
    comparison, exists = given.get("ComparisonOperator"), given.get("Exists")
    value, values = given.get("Value"), given.get("AttributeValueList")
    _check_together(name, given)
    if comparison is not None:
        listed = [value] if value is not None else values
        return _condition(name, *_checked({**given, "AttributeValueList": listed}))
    path = tree.Path((name,))
    if exists is False:
        return tree.AttributeNotExists(path)
    return tree.Compare("=", path, tree.Value(checked_value(value)))


def _check_together(name: str, given: Mapping[str, Any]) -> None:
    """Check which members of an expectation are there."""
    comparison, exists = given.get("ComparisonOperator"), given.get("Exists")
    has_value, has_values = given.get("Value") is not None, given.get("AttributeValueList") is not None
    reason = None
    if has_value and has_values:
        reason = "Value and AttributeValueList cannot be used together"
    elif comparison is not None:
        if exists is not None:
            reason = "Exists and ComparisonOperator cannot be used together"
        elif not has_value and not has_values and comparison not in ("NULL", "NOT_NULL"):
            reason = f"Value or AttributeValueList must be used with ComparisonOperator: {comparison}"
    elif has_values:
        reason = "AttributeValueList can only be used with a ComparisonOperator"
    elif exists is not False and not has_value:
        reason = f"Value must be provided when Exists is {'null' if exists is None else 'true'}"
    elif exists is False and has_value:
        reason = "Value cannot be used when Exists is false"
    if reason is not None:
        raise invalid_parameter(f"{reason} for Attribute: {name}")


def _checked(given: Mapping[str, Any]) -> tuple[str, list[AttributeValue]]:
    """Return operator and values of a condition."""
    comparison: str = given.get("ComparisonOperator") or ""
    values = [checked_value(value) for value in given.get("AttributeValueList") or ()]
    if comparison not in _COUNTS:
        raise invalid("Comparison type does not exist in DynamoDB")
    low, high = _COUNTS[comparison]
    if not low <= len(values) <= high:
        raise invalid_parameter(f"Invalid number of argument(s) for the {comparison} ComparisonOperator")
    if values:
        _check_types(comparison, [type_of(value) for value in values])
    if comparison == "BETWEEN" and order_key(values[0]) > order_key(values[1]):
        raise invalid(
            "The BETWEEN condition was provided a range where the lower bound is greater than the upper bound"
        )
    return comparison, values


def _check_types(comparison: str, types: list[str]) -> None:
    if any(type != types[0] for type in types):
        raise invalid_parameter("AttributeValues inside AttributeValueList must be of same type")
    if comparison in _TYPES and types[0] not in _TYPES[comparison]:
        raise invalid_parameter(
            f"ComparisonOperator {comparison} is not valid for {types[0]} AttributeValue type"
        )


def _joined(conditions: list[tree.Condition], operator: str | None) -> tree.Condition:
    if len(conditions) == 1:
        return conditions[0]
    return tree.Or(tuple(conditions)) if operator == "OR" else tree.And(tuple(conditions))


def _condition(name: str, comparison: str, values: list[AttributeValue]) -> tree.Condition:
    return _CONDITIONS[comparison](tree.Path((name,)), [tree.Value(value) for value in values])


def _not_contains(path: tree.Path, values: list[tree.Value]) -> tree.Condition:
    """Return the condition of NOT_CONTAINS: unlike NE it is false of what is absent.

    Source: ScyllaDB's test_expected.py and test_scan_filter, which run on AWS.
    """
    return tree.And((tree.AttributeExists(path), tree.Not(tree.Contains(path, values[0]))))


_CONDITIONS: dict[str, Callable[[tree.Path, list[tree.Value]], tree.Condition]] = {
    "EQ": lambda path, values: tree.Compare("=", path, values[0]),
    "NE": lambda path, values: tree.Compare("<>", path, values[0]),
    "LE": lambda path, values: tree.Compare("<=", path, values[0]),
    "LT": lambda path, values: tree.Compare("<", path, values[0]),
    "GE": lambda path, values: tree.Compare(">=", path, values[0]),
    "GT": lambda path, values: tree.Compare(">", path, values[0]),
    "BETWEEN": lambda path, values: tree.Between(path, values[0], values[1]),
    "IN": lambda path, values: tree.In(path, tuple(values)),
    "BEGINS_WITH": lambda path, values: tree.BeginsWith(path, values[0]),
    "CONTAINS": lambda path, values: tree.Contains(path, values[0]),
    "NOT_CONTAINS": _not_contains,
    "NULL": lambda path, values: tree.AttributeNotExists(path),
    "NOT_NULL": lambda path, values: tree.AttributeExists(path),
}


# --- updates ------------------------------------------------------------------------------


def attribute_updates(raw: Mapping[str, Any]) -> Update:
    """Return the update that AttributeUpdates describe.

    Raises:
        ApiError: They describe none.
    """
    return Update(tuple(_change(name, given) for name, given in raw.items()), is_legacy=True)


def _change(name: str, given: Mapping[str, Any]) -> Change:
    check_name(name)
    action = given.get("Action") or "PUT"
    path = tree.Path((name,))
    if given.get("Value") is None:
        if action != "DELETE":
            raise invalid_parameter("Only DELETE action is allowed when no attribute value is specified")
        return Change("REMOVE", path)
    value = tree.Value(checked_value(given["Value"]))
    if action not in ("PUT", "ADD", "DELETE"):
        raise invalid("Member must satisfy enum value set: [ADD, DELETE, PUT]")
    if action == "PUT":
        return Change("SET", path, value)
    _check_action(action, type_of(value.value))
    return Change(action, path, value)


def _check_action(action: str, type: str) -> None:
    if type in _SETS or (action == "ADD" and type in ("N", "L")):
        return
    with_value = " with value" if action == "DELETE" else ""
    raise invalid_parameter(
        f"{action} action{with_value} is not supported for the type {_WORDS.get(type, type)}"
    )
