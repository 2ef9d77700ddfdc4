"""What a flush writes: entries in, operations out, nothing sent yet.

Whatever cannot be stored is found here, so that one bad record does not stop the others.
"""

from __future__ import annotations

from typing import Any

import attrs

from ..codec.records import Change
from ..codec.values import Item
from ..errors import DynamoException, Failure, InvalidKeysException
from ..expressions.tree import Condition
from ..flows.saving import Save, encode_record, guard_of, plan_put, plan_save
from ..operations.batch import Write
from ..operations.item import DeleteItem
from ..schema import TableSchema
from .entries import Entry, is_dirty

__all__ = ["FlushReport", "Plan", "Removal", "Stored", "plan_flush"]


@attrs.define
class FlushReport:
    """What a flush did.

    Attributes:
        puts: Records written as a whole.
        updates: Records of which only changes were written.
        deletes: Records deleted.
        skipped: Clean ones, which needed no write.
        requests: Requests sent.
        failed: Key, reason and record of those that were not written and stay dirty.
    """

    puts: int = 0
    updates: int = 0
    deletes: int = 0
    skipped: int = 0
    requests: int = 0
    failed: list[Failure] = attrs.field(factory=list)

    @property
    def written(self) -> int:
        """Return the number of records written or deleted."""
        return self.puts + self.updates + self.deletes


@attrs.frozen(eq=False)
class Stored:
    """What a write in a batch will have stored: kept to mark the record clean afterwards.

    Attributes:
        entry: Whose write it is.
        record: The record as planned; None for a deletion.
        loaded: Its immutable values.
        save: The planned save, where the version has to be counted.
    """

    entry: Entry
    record: Any = None
    loaded: tuple[Any, ...] | None = None
    save: Save | None = None


@attrs.frozen(eq=False)
class Removal:
    """A conditional deletion."""

    entry: Entry
    operation: DeleteItem


@attrs.define
class Plan:
    """The writes of one flush.

    Attributes:
        batch: Unconditional writes; their ``ref`` is a `Stored`.
        saves: Conditional saves with their entries.
        removals: Conditional deletions.
        skipped: Number of clean entries.
        failed: Entries that cannot be written, with the reason.
    """

    batch: list[Write] = attrs.field(factory=list)
    saves: list[tuple[Entry, Save]] = attrs.field(factory=list)
    removals: list[Removal] = attrs.field(factory=list)
    skipped: int = 0
    failed: list[Failure] = attrs.field(factory=list)


def plan_flush(
    schema: TableSchema, table: str, entries: list[Entry], *, conditional: bool, overwrite: bool
) -> Plan:
    """Return what flushing these entries takes.

    Args:
        table: Name of the table with its prefix.
        conditional: Guard every write; else only those of records with a version.
        overwrite: Guard none.
    """
    guarded = not overwrite and (conditional or schema.codec.version is not None)
    plan = Plan()
    for entry in entries:
        if not is_dirty(schema.codec, entry):
            plan.skipped += 1
            continue
        try:
            _check_key(schema, entry)
            if entry.record is None:
                _plan_deletion(plan, schema, table, entry, guarded)
            else:
                _plan_record(plan, schema, table, entry, guarded, overwrite)
        except DynamoException as error:
            plan.failed.append(Failure(entry.key, error, entry.record))
    return plan


def _check_key(schema: TableSchema, entry: Entry) -> None:
    record = entry.record
    if record is not None:
        now = schema.record_key(record)
        if schema.lookup_item(schema.key_item(*now)) != entry.lookup:
            data = {key.name: value for key, value in zip(schema.keys, now, strict=False)}
            raise InvalidKeysException(
                type(record), data, f"the record was cached under {entry.key!r}: evolve() makes a copy"
            )


def _plan_record(
    plan: Plan, schema: TableSchema, table: str, entry: Entry, guarded: bool, overwrite: bool
) -> None:
    record = entry.record
    if guarded:
        replaced = entry.base if record._item is None else None
        if replaced is not None:  # deleted here and made anew
            save: Save | None = plan_put(schema, table, record, _unchanged(schema, replaced))
        else:
            save = plan_save(schema, table, record, overwrite=overwrite)
        if save is None:
            plan.skipped += 1
        else:
            plan.saves.append((entry, save))
        return
    if schema.codec.version is None:
        item = encode_record(schema, record)
        stored = Stored(entry, record, schema.codec.loaded_values(record))
    else:
        put = plan_put(schema, table, record, None)
        item, stored = put.item, Stored(entry, record, put.loaded, put)
    plan.batch.append(Write(table, schema.key_of(item), item, stored))


def _plan_deletion(plan: Plan, schema: TableSchema, table: str, entry: Entry, guarded: bool) -> None:
    key = schema.key_item(*schema.pair(entry.key))
    if guarded and entry.base is not None:
        condition = _unchanged(schema, entry.base)
        plan.removals.append(Removal(entry, DeleteItem(table, key, condition)))
    else:
        plan.batch.append(Write(table, key, None, Stored(entry)))


def _unchanged(schema: TableSchema, base: Item) -> Condition:
    """Return the condition that an item is still as it was read, all of it, or its version."""
    attributes = [Change(wire, None, value) for wire, value in base.items() if wire not in schema.key_wires]
    return guard_of(schema, base, attributes)
