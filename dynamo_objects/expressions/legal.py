"""Which conditions DynamoDB refuses although they can be written: checked before sending.

The rules are DynamoDB Local's, AWS's own code, found by experiment (January 2020 build)
and agreeing with what public test suites report of AWS. Other engines call some of these
conditions merely false.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..codec.values import TAGS
from ..errors import QueryError
from . import tree
from .evaluate import order_key

__all__ = ["check_legal", "reasons"]

_ORDERED = frozenset({"S", "N", "B"})


def check_legal(condition: tree.Condition) -> None:
    """Check a condition and all conditions inside it.

    Raises:
        QueryError: DynamoDB would refuse it.
    """
    for reason in reasons(condition):
        raise QueryError(f"a condition that DynamoDB refuses: {reason}")


def reasons(condition: tree.Condition) -> Iterator[str]:
    """Yield why DynamoDB would refuse a condition."""
    match condition:
        case tree.And(conditions) | tree.Or(conditions):
            for inner in conditions:
                yield from reasons(inner)
        case tree.Not(inner):
            yield from reasons(inner)
        case tree.Compare(comparator, left, right):
            if comparator not in ("=", "<>"):
                yield from _without_order(left, right)
            yield from _not_distinct(left, right)
        case tree.Between(operand, low, high):
            yield from _without_order(operand, low, high)
            yield from _not_distinct(operand, low, high)
            yield from _reversed(low, high)
        case tree.In(operand, options):
            yield from _not_distinct(operand, *options)
        case tree.Contains(path, member):
            yield from _not_distinct(path, member)
        case tree.BeginsWith(path, prefix):
            if isinstance(prefix, tree.Size) or _tag(prefix) not in (None, "S", "B"):
                yield "only text and bytes begin with something"
            yield from _not_distinct(path, prefix)
        case tree.AttributeType(_, wanted):
            if not isinstance(wanted, tree.Value) or wanted.value.get("S") not in TAGS:
                yield f"the type of an attribute is one of {', '.join(sorted(TAGS))}"


def _tag(operand: tree.Operand) -> str | None:
    """Return the type tag of a constant; None for what is only known with an item."""
    return next(iter(operand.value)) if isinstance(operand, tree.Value) else None


def _without_order(*operands: tree.Operand) -> Iterator[str]:
    if any(_tag(operand) not in (None, *_ORDERED) for operand in operands):
        yield "only text, numbers and bytes have an order"


def _not_distinct(first: tree.Operand, *others: tree.Operand) -> Iterator[str]:
    if isinstance(first, tree.Path) and first in others:
        yield "something is compared with itself"


def _reversed(low: tree.Operand, high: tree.Operand) -> Iterator[str]:
    if not isinstance(low, tree.Value) or not isinstance(high, tree.Value):
        return
    if _tag(low) != _tag(high):
        yield "the bounds of a range have different types"
    elif _tag(low) in _ORDERED and order_key(low.value) > order_key(high.value):
        yield "the lower bound of a range is above the upper one"
