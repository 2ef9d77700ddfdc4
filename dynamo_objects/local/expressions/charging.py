"""What AWS counts of an update before it is carried out: an update and the old item in, bytes out.

An UpdateItem with an UpdateExpression must not only leave an item that is small enough: what the
expression writes must be so too, with some bytes for each clause and function, whatever comes of it.
What is stored and left alone does not count, nor does the key.

Source: measured on AWS by the Parity Suite (github.com/paritysuite/dynamodb-conformance,
itemSizeBySurface.test.ts, October 2026): 22 of 33 regions count so, the others look only at the
finished item, as all do for AttributeUpdates and in transactions.
"""

from __future__ import annotations

from typing import Any

from ...codec.sizes import attribute_value_size
from ...codec.values import Item
from ...expressions import tree
from ...expressions.evaluate import find
from .updating import Change, Update, added_members

__all__ = ["charge", "may_be_large"]

_UPDATE, _WRITES, _TAKES = 3, 19, 1
_TARGET_STEP, _OPERAND, _OPERAND_STEP = 4, 1, 14
_IF_NOT_EXISTS, _PLUS, _MINUS, _LIST_APPEND = 39, 34, 37, 37


def charge(update: Update, item: Item) -> int:
    """Return the bytes that an update counts.

    Args:
        item: As it was before.
    """
    return _UPDATE + sum(_of_change(change, item) for change in update.changes)


def may_be_large(update: Update) -> bool:
    """Tell whether an update may count many bytes that are not in the finished item."""
    return any(isinstance(change.value, tree.IfNotExists) for change in update.changes)


def _of_change(change: Change, item: Item) -> int:
    first, *others = change.path.steps
    target = _size(first) + sum(_TARGET_STEP + _size(step) for step in others)
    match change.section:
        case "SET":
            return _WRITES + target + _of_operand(change.value)
        case "ADD":
            value = added_members(find(change.path, item), change.value.value)
            return _WRITES + target + attribute_value_size(value)
    return _TAKES + target


def _of_operand(node: Any) -> int:
    match node:
        case tree.Value(value):
            return attribute_value_size(value)
        case tree.Path(steps):
            return _OPERAND + sum(_OPERAND_STEP + _size(step) for step in steps)
        case tree.IfNotExists(path, default):
            return _IF_NOT_EXISTS + _of_operand(path) + _of_operand(default)
        case tree.ListAppend(first, second):
            return _LIST_APPEND + _of_operand(first) + _of_operand(second)
    own = _PLUS if isinstance(node, tree.Plus) else _MINUS
    return own + _of_operand(node.left) + _of_operand(node.right)


def _size(step: str | int) -> int:
    return len(str(step).encode())
