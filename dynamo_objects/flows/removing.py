"""Deletions of a flush: each on condition that the item is as it was read."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from ..codec.records import Change
from ..codec.structs import Quiet
from ..codec.values import Invalid, Item
from ..errors import ConditionFailed, ConflictError, DynamoException, OutcomeUnknown
from ..expressions.tree import Condition
from ..operations.item import DeleteItem, GetItem
from ..schema import TableSchema
from .base import Flow
from .planning import guard_of

__all__ = ["Removal", "explain_removal", "plan_removal", "unchanged"]


class Removal(Quiet, frozen=True, eq=False):
    """A planned conditional deletion.

    Attributes:
        schema: Of the table.
        key: As users write it.
        operation: What is sent.
        base: The item as it was read.
    """

    unshown = frozenset({"schema", "base"})

    schema: TableSchema
    key: Any
    operation: DeleteItem
    base: Item


def plan_removal(schema: TableSchema, table: str, key: Any, base: Item) -> Removal:
    """Return what deleting an item takes.

    Args:
        table: Name of the table with its prefix.
        key: As users write it.
        base: The item as it was read.
    """
    return Removal(schema, key, DeleteItem(table, schema.key_of(base), unchanged(schema, base)), base)


def unchanged(schema: TableSchema, base: Item) -> Condition:
    """Return the condition that an item is still as it was read, or its version.

    That is all attributes that it had, and that none of the class's has come to it.
    """
    wires = dict.fromkeys([*base, *schema.codec.by_wire])
    attributes = [Change(wire, None, base.get(wire)) for wire in wires if wire not in schema.key_wires]
    return guard_of(schema, base, attributes)


def explain_removal(plan: Removal, error: ConditionFailed | OutcomeUnknown) -> Flow[DynamoException | None]:
    """Return why a deletion failed; None where the item is gone, by whomever."""
    stored: Item | None = error.item if isinstance(error, ConditionFailed) else None
    if stored is None:  # deleted, or an engine that does not send the item
        try:
            stored = yield GetItem(plan.operation.table, plan.operation.key, consistent=True)
        except DynamoException:
            return error
        if stored is None:
            return None  # by somebody else, or by us when the reply was lost
    if isinstance(error, OutcomeUnknown):
        return error
    name = plan.schema.table_name
    conflict = ConflictError(
        f"{name} {plan.key!r} was changed by somebody else since it was read: "
        f"get() it again to see, or flush with overwrite=True",
        table=name,
        key=plan.key,
        item=stored,
    )
    with suppress(Invalid):  # a conflict is reported even if it cannot be read
        conflict.base = plan.schema.codec.decode(plan.base)
        conflict.theirs = plan.schema.codec.decode(stored)
    return conflict
