"""Tests an item in memory as DynamoDB would: a tree and an item in, true or false out.

Rules (AWS Developer Guide, "Condition and filter expressions, operators, and functions";
ScyllaDB's test_condition_expression.py, which runs on AWS too; runs on DynamoDB Local and
dynoxide, see tests/differential): comparing what is absent, or values of different types,
is false, but ``<>`` is true then. Only text, numbers and bytes have an order. Numbers
compare by value, text by its UTF-8 bytes, sets by their members.

Whether DynamoDB would take the condition at all is not judged here: conditions that it
refuses, such as ``<`` with a constant list, or BETWEEN with bounds in the wrong order, are
false by the same rules.
"""

from __future__ import annotations

from binascii import a2b_base64
from collections.abc import Callable, Iterable
from decimal import Decimal
from operator import ge, gt, le, lt
from typing import Any

from ..codec.values import AttributeValue, Item
from . import tree

__all__ = ["equal", "find", "matches", "order_key"]

_ORDER: dict[str, Callable[[Any, Any], bool]] = {"<": lt, "<=": le, ">": gt, ">=": ge}
_SET_TAGS = frozenset({"SS", "NS", "BS"})


def matches(condition: tree.Condition, item: Item) -> bool:
    """Tell whether *condition* holds for *item*; an empty item stands for an absent one."""
    match condition:
        case tree.Compare(comparator, left, right):
            return _compare(comparator, _resolve(left, item), _resolve(right, item))
        case tree.Between(operand, low, high):
            value = _resolve(operand, item)
            return _compare(">=", value, _resolve(low, item)) and _compare("<=", value, _resolve(high, item))
        case tree.In(operand, options):
            value = _resolve(operand, item)
            return any(_compare("=", value, _resolve(option, item)) for option in options)
        case tree.And(conditions):
            return all(matches(inner, item) for inner in conditions)
        case tree.Or(conditions):
            return any(matches(inner, item) for inner in conditions)
        case tree.Not(inner):
            return not matches(inner, item)
        case tree.AttributeExists(path):
            return find(path, item) is not None
        case tree.AttributeNotExists(path):
            return find(path, item) is None
        case tree.AttributeType(path, type_):
            value, wanted = find(path, item), _resolve(type_, item)
            return value is not None and wanted is not None and wanted.get("S") in value
        case tree.BeginsWith(path, prefix):
            return _begins_with(find(path, item), _resolve(prefix, item))
        case tree.Contains(path, member):
            return _contains(find(path, item), _resolve(member, item))


def find(path: tree.Path, item: Item) -> AttributeValue | None:
    """Return the attribute value at a path, or None where there is nothing."""
    value: AttributeValue | None = {"M": item}
    for step in path.steps:
        if value is None:
            return None
        if isinstance(step, str):
            value = value.get("M", {}).get(step)
        else:
            elements = value.get("L", ())
            value = elements[step] if 0 <= step < len(elements) else None
    return value


def _resolve(operand: tree.Operand, item: Item) -> AttributeValue | None:
    # Of structs ``type(x) is`` asks quicker than ``match``, and nothing is asked more often.
    if type(operand) is tree.Value:
        return operand.value
    if type(operand) is tree.Path:
        return find(operand, item)
    assert type(operand) is tree.Size
    return _size(find(operand.path, item))


def _size(value: AttributeValue | None) -> AttributeValue | None:
    """Return the size as a number; numbers, bool and NULL have none.

    The size of a text is its length in UTF-16: 1 for most characters, 2 for an emoji.
    Source: github.com/ExtendDB/extenddb/pull/67, tried on AWS; both engines agree.
    """
    if value is None:
        return None
    ((tag, held),) = value.items()
    if tag == "S":
        return {"N": str(len(held.encode("utf-16-le", "surrogatepass")) // 2)}
    if tag == "B":
        return {"N": str(len(a2b_base64(held)))}
    return {"N": str(len(held))} if tag in _SET_TAGS or tag in ("L", "M") else None


def _compare(comparator: tree.Comparator, left: AttributeValue | None, right: AttributeValue | None) -> bool:
    if comparator == "=":
        return left is not None and right is not None and equal(left, right)
    if comparator == "<>":
        return left is None or right is None or not equal(left, right)
    if left is None or right is None or left.keys() != right.keys():
        return False
    (tag,) = left
    if tag not in ("S", "N", "B"):
        return False
    return _ORDER[comparator](order_key(left), order_key(right))


def order_key(value: AttributeValue) -> Any:
    """Return what values of one type (text, number or bytes) sort by, as in an index."""
    ((tag, held),) = value.items()
    if tag == "N":
        return Decimal(held)
    # UTF-8 keeps the order of code points, which is the order of Python's str.
    return a2b_base64(held) if tag == "B" else held


def equal(left: AttributeValue, right: AttributeValue) -> bool:
    """Tell whether two attribute values are equal for DynamoDB."""
    if left == right:
        return True
    if left.keys() != right.keys():
        return False
    ((tag, mine),) = left.items()
    theirs = right[tag]
    if tag in ("N", "B"):
        return bool(order_key(left) == order_key(right))
    if tag in _SET_TAGS:
        return _members(tag, mine) == _members(tag, theirs)
    if tag == "L":
        return len(mine) == len(theirs) and all(map(equal, mine, theirs))
    if tag == "M":
        return mine.keys() == theirs.keys() and all(equal(mine[name], theirs[name]) for name in mine)
    return False


def _members(tag: str, held: Iterable[str]) -> set[Any]:
    """Return the members of a set as values that are equal where DynamoDB says so."""
    return {order_key({tag[0]: member}) for member in held}


def _begins_with(value: AttributeValue | None, prefix: AttributeValue | None) -> bool:
    if value is None or prefix is None or value.keys() != prefix.keys():
        return False
    (tag,) = value
    if tag not in ("S", "B"):
        return False
    whole, start = order_key(value), order_key(prefix)
    return bool(whole.startswith(start))


def _contains(value: AttributeValue | None, member: AttributeValue | None) -> bool:
    """Tell whether a list or set has the member, or a text or bytes the part.

    The guide wants texts for members; in fact every type does (ScyllaDB's test, as above).
    """
    if value is None or member is None:
        return False
    ((tag, held),) = value.items()
    (member_tag,) = member
    if tag == "L":
        return any(equal(element, member) for element in held)
    if tag in _SET_TAGS:
        return tag == f"{member_tag}S" and order_key(member) in _members(tag, held)
    if tag in ("S", "B") and member_tag == tag:
        return bool(order_key(member) in order_key(value))
    return False
