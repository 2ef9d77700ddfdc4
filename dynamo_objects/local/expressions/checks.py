"""What operators and functions accept: checked when their operands are known.

Order (DynamoDB Local): the number of operands, then what they may be by themselves, then
what they are together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from ...codec.values import AttributeValue
from ...expressions.evaluate import order_key
from ...expressions.tree import Path, Size, Value
from ..errors import ApiError
from .testing import ConstantSize
from .tokens import failure

__all__ = ["check", "path_text"]

#: (kind of expression, operator or function, operands)
Check: TypeAlias = Callable[[str, str, Sequence[Any]], None]

_ORDERED = frozenset({"S", "N", "B"})
_TYPES = ("B", "NULL", "SS", "BOOL", "L", "BS", "N", "NS", "S", "M")
#: Operands of IN, its left side counted (ScyllaDB's test_condition_expression.py, which runs on
#: AWS too; DynamoDB Local).
_MAX_IN = 100

_COUNTS = {
    "attribute_exists": 1,
    "attribute_not_exists": 1,
    "attribute_type": 2,
    "begins_with": 2,
    "contains": 2,
    "size": 1,
    "if_not_exists": 2,
    "list_append": 2,
}


def check(kind: str, operator: str, operands: Sequence[Any]) -> None:
    """Check the operands of an operator or function.

    Raises:
        ApiError: It does not accept them.
    """
    found = _CHECKS.get(operator)
    if found is None:
        return
    count = _COUNTS.get(operator)
    if count is not None and count != len(operands):
        raise failure(
            kind,
            "Incorrect number of operands for operator or function; "
            f"operator or function: {operator}, number of operands: {len(operands)}",
        )
    found(kind, operator, operands)


def path_text(path: Path) -> str:
    """Return a path as the service shows it: ``[a, b, [0]]``."""
    steps = (f"[{step}]" if isinstance(step, int) else step for step in path.steps)
    return f"[{', '.join(steps)}]"


def _tag(operand: Any) -> str | None:
    """Return the type of an operand; None for what only an item can tell."""
    if isinstance(operand, Value):
        return next(iter(operand.value))
    return "N" if isinstance(operand, Size | ConstantSize) else None


def _wrong_type(kind: str, operator: str, tag: str) -> ApiError:
    return failure(
        kind,
        "Incorrect operand type for operator or function; "
        f"operator or function: {operator}, operand type: {tag}",
    )


def _types(allowed: frozenset[str]) -> Check:
    def check_types(kind: str, operator: str, operands: Sequence[Any]) -> None:
        for operand in operands:
            tag = _tag(operand)
            if tag is not None and tag not in allowed:
                raise _wrong_type(kind, operator, tag)

    return check_types


def _distinct(kind: str, operator: str, operands: Sequence[Any]) -> None:
    first = operands[0]
    if isinstance(first, Path) and first in operands[1:]:
        raise failure(
            kind,
            "The first operand must be distinct from the remaining operands for this operator or function; "
            f"operator: {operator}, first operand: {path_text(first)}",
        )


def _is_path(kind: str, operator: str, operands: Sequence[Any]) -> None:
    if not isinstance(operands[0], Path):
        raise failure(
            kind, f"Operator or function requires a document path; operator or function: {operator}"
        )


def _is_type_name(kind: str, operator: str, operands: Sequence[Any]) -> None:
    wanted = operands[1]
    tag = _tag(wanted)
    if tag != "S" or not isinstance(wanted, Value):
        raise _wrong_type(kind, operator, tag or "{NS,SS,L,BS,N,M,B,BOOL,NULL,S}")
    name = wanted.value["S"]
    if name not in _TYPES:
        valid = ",".join(_TYPES)
        raise failure(kind, f"Invalid attribute type name found; type: {name}, valid types: {{{valid}}}")


def _bounds(kind: str, operator: str, operands: Sequence[Any]) -> None:
    low, high = operands[1:]
    if not isinstance(low, Value) or not isinstance(high, Value):
        return
    if low.value.keys() != high.value.keys():
        wrong = "requires same data type for lower and upper bounds"
    elif order_key(low.value) > order_key(high.value):
        wrong = "requires upper bound to be greater than or equal to lower bound"
    else:
        return
    raise failure(
        kind,
        f"The BETWEEN operator {wrong}; lower bound operand: AttributeValue: {_shown(low.value)}, "
        f"upper bound operand: AttributeValue: {_shown(high.value)}",
    )


def _shown(value: AttributeValue) -> str:
    ((tag, held),) = value.items()
    return f"{{{tag}:{held}}}"


def _few_options(kind: str, operator: str, operands: Sequence[Any]) -> None:
    if len(operands) > _MAX_IN:
        raise failure(
            kind,
            f"The IN operator is provided with too many operands; number of operands: {len(operands)}",
        )


def _all(*checks: Check) -> Check:
    def check_all(kind: str, operator: str, operands: Sequence[Any]) -> None:
        for each in checks:
            each(kind, operator, operands)

    return check_all


_in_order = _all(_types(_ORDERED), _distinct)
_CHECKS: dict[str, Check] = {
    "=": _distinct,
    "<>": _distinct,
    "<": _in_order,
    "<=": _in_order,
    ">": _in_order,
    ">=": _in_order,
    "BETWEEN": _all(_types(_ORDERED), _distinct, _bounds),
    "IN": _all(_few_options, _distinct),
    "attribute_exists": _is_path,
    "attribute_not_exists": _is_path,
    "attribute_type": _all(_distinct, _is_type_name),
    "begins_with": _all(_types(frozenset({"S", "B"})), _distinct),
    "contains": _distinct,
    "size": _types(frozenset({"S", "B", "SS", "NS", "BS", "L", "M"})),
    "if_not_exists": _all(_is_path, _distinct),
    "list_append": _types(frozenset({"L"})),
    "+": _types(frozenset({"N"})),
    "-": _types(frozenset({"N"})),
}
