"""What a flush writes: entries in, operations out, nothing sent yet.

Whatever cannot be stored is found here, so that one bad record does not stop the others.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

import attrs
import msgspec

from ..codec.records import RecordCodec
from ..codec.structs import Quiet
from ..codec.values import Item
from ..errors import Failure, InvalidKeysException
from ..expressions.tree import AttributeNotExists, Condition, Path, any_of
from ..flows.deciding import Case, OnConflict
from ..flows.flushing import Guarded, Removal
from ..flows.planning import Save, encode_record, plan_put, plan_save
from ..flows.putting import put_planner
from ..flows.removing import unchanged
from ..operations.batch import Write
from ..operations.item import DeleteItem, PutItem
from ..schema import TableSchema
from .entries import Entry, is_dirty, is_in_force

#: Types of key values that stand in a lookup as they are.
_QUICK = frozenset({str, int, bytes})

__all__ = ["FlushReport", "Plan", "Stored", "plan_flush"]


@attrs.define
class FlushReport:
    """What a flush did.

    Attributes:
        puts: Records written as a whole.
        updates: Records of which only changes were written.
        deletes: Records deleted.
        skipped: Clean records, which needed no write.
        merged: Conflicts that were resolved: what was written for them is counted above as well.
        requests: Requests sent; of a flush of several tables only the whole has them.
        failed: Key, reason and record of those that were not written and stay dirty.
        tables: Name of each table -> its own report, where several were flushed together.
    """

    puts: int = 0
    updates: int = 0
    deletes: int = 0
    skipped: int = 0
    merged: int = 0
    requests: int = 0
    failed: list[Failure] = attrs.field(factory=list)
    tables: dict[str, FlushReport] = attrs.field(factory=dict, repr=False)

    @property
    def written(self) -> int:
        """Return the number of records written or deleted."""
        return self.puts + self.updates + self.deletes

    def add(self, other: FlushReport) -> None:
        """Add what another flush, or another part of this one, did."""
        for name in ("puts", "updates", "deletes", "skipped", "merged", "requests"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.failed += other.failed


class Stored(Quiet, frozen=True, eq=False):
    """Whose write it is, and how to mark the record clean afterwards.

    Attributes:
        entry: The entry.
        record: The record as planned; None for a deletion.
        loaded: Its immutable values.
        save: The planned save, where there is one.
    """

    unshown = frozenset({"record", "loaded"})

    entry: Entry
    record: Any = None
    loaded: tuple[Any, ...] | None = None
    save: Save | None = None


@attrs.define
class Plan:
    """The writes of one flush.

    Attributes:
        batch: Unconditional writes; their ``ref`` is a `Stored`.
        guarded: Conditional saves and deletions; likewise.
        skipped: Number of clean records.
        failed: Records that cannot be written, with the reason.
    """

    batch: list[Write] = attrs.field(factory=list)
    guarded: list[Guarded] = attrs.field(factory=list)
    skipped: int = 0
    failed: list[Failure] = attrs.field(factory=list)


def plan_flush(
    schema: TableSchema,
    table: str,
    entries: Iterable[Entry],
    *,
    conditional: bool,
    overwrite: bool,
    atomic: bool = False,
    on_conflict: OnConflict = "raise",
    most: int = sys.maxsize,
) -> Plan:
    """Return what flushing these entries takes.

    Args:
        entries: No more are taken than are looked at.
        table: Name of the table with its prefix.
        conditional: Guard every write; else only those of records with a version.
        overwrite: Guard none.
        atomic: Plan for a transaction, which the deletion of what is gone must not stop.
        on_conflict: What to do when a guarded write meets another.
        most: With so many writes the plan ends.
    """
    guarded = not overwrite and (conditional or schema.codec.version is not None)
    planner = _Planner(schema, table, guarded, atomic, on_conflict)
    plan = planner.plan
    for entry in entries:
        planner.add(entry)
        if len(plan.batch) + len(plan.guarded) >= most:
            break
    return plan


class _Planner:
    def __init__(
        self, schema: TableSchema, table: str, guarded: bool, atomic: bool, on_conflict: OnConflict
    ) -> None:
        self._schema = schema
        self._codec = schema.codec
        self._table = table
        self._guarded = guarded
        self._atomic = atomic
        self._on_conflict: OnConflict = on_conflict
        self._put = put_planner(schema)
        self.plan = Plan()

    def add(self, entry: Entry) -> None:
        """Plan what one entry needs."""
        if not is_dirty(self._codec, entry):
            self.plan.skipped += entry.record is not None
            return
        record = entry.record if is_in_force(self._codec, entry) else None
        try:
            if record is None:
                self._delete(entry)
            else:
                record._check_data()  # it may derive the key from what was changed
                if not self._puts(entry, record):
                    _check_key(self._schema, entry)
                    self._save(entry, record)
        except Exception as error:  # _check_data may raise anything
            self.plan.failed.append(Failure(entry.key, error, record))

    # --- deletions ----------------------------------------------------------------------------

    def _delete(self, entry: Entry) -> None:
        schema, base = self._schema, entry.base
        if base is None:  # never read: there is nothing that it could be guarded by
            key = schema.key_item(*schema.pair(entry.key))
            self.plan.batch.append(Write(self._table, key, None, Stored(entry)))
            return
        key = schema.key_of(base)
        if not self._guarded:
            self.plan.batch.append(Write(self._table, key, None, Stored(entry)))
            return
        guard: Condition | None = unchanged(schema, base)
        if self._atomic:
            guard = any_of(AttributeNotExists(Path.of(schema.hash.wire)), guard)
        removal = Removal(schema, entry.key, DeleteItem(self._table, key, guard), base)
        self._guard(removal, Stored(entry))

    # --- records ------------------------------------------------------------------------------

    def _puts(self, entry: Entry, record: Any) -> bool:
        """Plan a new record that is as usual in all; tell whether it is one."""
        put = None if self._guarded or entry.base is not None else self._put(record)
        if put is None or put[0] != entry.lookup:
            return False
        _, key, item, text, loaded = put
        self.plan.batch.append(Write(self._table, key, item, Stored(entry, record, loaded), text))
        return True

    def _save(self, entry: Entry, record: Any) -> None:
        if self._guarded:
            self._save_guarded(entry, record)
            return
        if self._codec.version is None:
            item = encode_record(self._schema, record)
            stored = Stored(entry, record, self._codec.loaded_values(record))
        else:
            save = plan_put(self._schema, self._table, record, None)
            item, stored = save.item, Stored(entry, record, save.loaded, save)
        if record._stored is None:
            item = _with_key(self._schema, item, entry.base)
        else:
            changed = {change.wire for change in self._codec.changes(record)}
            if not changed:  # _check_data has made it what it was
                self.plan.skipped += 1
                return
            item = _as_loaded(self._codec, record._stored, item, changed)
        self.plan.batch.append(Write(self._table, self._schema.key_of(item), item, stored))

    def _save_guarded(self, entry: Entry, record: Any) -> None:
        save = self._planned(entry, record)
        if save is None:
            self.plan.skipped += 1
        else:
            self._guard(save, Stored(entry, record, save.loaded, save))

    def _guard(self, plan: Save | Removal, stored: Stored) -> None:
        case = None
        if self._on_conflict != "raise":
            case = Case.of(plan, self._on_conflict, is_doubtful=stored.entry.is_doubtful)
        self.plan.guarded.append(Guarded(plan, stored, case))

    def _planned(self, entry: Entry, record: Any) -> Save | None:
        if record._stored is not None or not entry.is_deleted:
            return plan_save(self._schema, self._table, record)
        # Deleted here and made anew: what is to go may be overwritten, or be gone already.
        guard: Condition | None = None
        if entry.base is not None:
            absent = AttributeNotExists(Path.of(self._schema.hash.wire))
            guard = any_of(absent, unchanged(self._schema, entry.base))
        save = plan_put(self._schema, self._table, record, guard)
        assert isinstance(save.operation, PutItem)
        item = _with_key(self._schema, save.item, entry.base)
        return msgspec.structs.replace(
            save, item=item, operation=msgspec.structs.replace(save.operation, item=item)
        )


def _check_key(schema: TableSchema, entry: Entry) -> None:
    record = entry.record
    now = schema.record_key(record)
    key = now if schema.range is not None else now[:1]
    if key == entry.lookup and type(key[0]) in _QUICK and type(key[-1]) in _QUICK:
        return
    if schema.lookup_item(schema.key_item(*now)) != entry.lookup:
        data = {key.name: value for key, value in zip(schema.keys, now, strict=False)}
        raise InvalidKeysException(
            type(record), data, f"the record was cached under {entry.key!r}: evolve() makes a copy"
        )


def _as_loaded(codec: RecordCodec, base: Item, item: Item, changed: set[str]) -> Item:
    """Return the item of a loaded record with everything that was not changed as it is stored.

    Defaults that are not stored stay so, which matters to indexes, and so do other
    spellings. The version counts as changed.
    """
    if codec.version is not None:
        changed = {*changed, codec.version.wire}
    fields = codec.by_wire
    kept = {w: v for w, v in base.items() if w not in changed and (w in fields or w in item)}
    return kept | {w: v for w, v in item.items() if w in changed or w not in fields}


def _with_key(schema: TableSchema, item: Item, base: Item | None) -> Item:
    """Return an item with its key spelt as in the table, where another spelling is another key."""
    if base is None or all(item[wire] == base[wire] for wire in schema.key_wires):
        return item
    return {**item, **schema.key_of(base)}
