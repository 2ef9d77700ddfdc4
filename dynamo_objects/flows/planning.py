"""What a save takes, planned without any I/O: which item, which operation, which guard.

A new record must not exist yet. A loaded one sends only what changed, and requires that
the item still has the values that were loaded, or its version.
"""

from __future__ import annotations

from typing import Any

import msgspec

from ..codec.records import Change, RecordCodec
from ..codec.structs import Quiet
from ..codec.values import Invalid, Item
from ..errors import (
    DynamoSchemaException,
    InvalidKeysException,
    ValidationError,
)
from ..expressions.tree import (
    Add,
    AttributeExists,
    AttributeNotExists,
    Compare,
    Condition,
    Path,
    Remove,
    Set,
    Update,
    Value,
    all_of,
)
from ..operations.base import ItemText
from ..operations.item import PutItem, UpdateItem
from ..schema import TableSchema

__all__ = [
    "Save",
    "encode_record",
    "guard_of",
    "plan_put",
    "plan_save",
    "with_version",
]


class Save(Quiet, frozen=True, eq=False):
    """A planned save.

    Attributes:
        schema: Of the table.
        record: What is to be saved.
        operation: What is sent.
        guard: What the stored item must be like; None when it may be anything.
        item: The item after the save.
        loaded: The record's immutable values at the time of planning; None if it is partial.
        version: The record's new version, where it has one.
    """

    unshown = frozenset({"schema", "record", "item", "loaded"})

    schema: TableSchema
    record: Any
    operation: PutItem | UpdateItem
    guard: Condition | None
    item: Item
    loaded: tuple[Any, ...] | None
    version: int | None

    @property
    def key(self) -> Any:
        """Return the record's key as users write it."""
        return self.schema.user_key(self.item)


def encode_record(schema: TableSchema, record: Any) -> Item:
    """Return the whole item of a record, after ``_check_data`` and all checks.

    Raises:
        ValidationError: With all problems of the record.
        InvalidKeysException: A key is missing, empty or too long.
    """
    _check_class(schema, record)
    record._check_data()
    item = _encoded(schema, record)
    schema.check_item(item)
    return item


def _typed_text(schema: TableSchema, record: Any) -> tuple[ItemText, tuple[Any, ...]] | None:
    """Return the typed item, and the immutable values, of a new record that is as usual in all; else None.

    One with a version is not.
    """
    codec = schema.codec
    if codec.version is not None or (record.__dynamo_validated__ and record._validator_problems()):
        return None
    encoded: Any = codec.encode_typed(record)
    if encoded is None:
        return None
    item, loaded = encoded
    try:
        return ItemText(item, schema.check_item(item)), loaded
    except UnicodeEncodeError:  # a lone surrogate
        return None


def _encoded(schema: TableSchema, record: Any) -> Item:
    """Return the item of a record that ``_check_data`` has seen, with valid values and keys."""
    problems = record._validator_problems()
    item: Item = {}
    try:
        item = schema.codec.encode(record)
    except Invalid as invalid:
        problems += invalid.problems
    if problems:
        raise ValidationError(schema.codec.record_class.__name__, problems)
    schema.check_keys(record, item)
    return item


def _check_class(schema: TableSchema, record: Any) -> None:
    if type(record) is not schema.codec.record_class:
        raise DynamoSchemaException(
            f"{schema.table_name} holds {schema.codec.record_class.__name__}, not {type(record).__name__}"
        )


def plan_save(
    schema: TableSchema,
    table: str,
    record: Any,
    *,
    overwrite: bool = False,
    condition: Condition | None = None,
) -> Save | None:
    """Return what saving a record takes; None when nothing changed.

    Args:
        table: Name of the table with its prefix.
        overwrite: Store the record whatever is there.
        condition: What must hold besides.

    Raises:
        ValidationError: The record cannot be stored; with all problems.
        InvalidKeysException: Its key is missing, invalid, or changed since it was loaded.
    """
    _check_class(schema, record)
    record._check_data()  # it may derive the key
    is_ours = getattr(record, "_home", table) == table
    if is_ours and record._stored is not None and not _is_moved(schema, record):
        if not overwrite or _is_partial(schema.codec, record):
            return _plan_update(schema, table, record, overwrite, condition)
        return plan_put(schema, table, record, None, condition)
    guard = None if overwrite else AttributeNotExists(Path.of(schema.hash.wire))
    return _plan_put(schema, table, record, guard, condition)


def plan_put(
    schema: TableSchema,
    table: str,
    record: Any,
    guard: Condition | None,
    condition: Condition | None = None,
) -> Save:
    """Return what storing a whole record takes."""
    _check_class(schema, record)
    record._check_data()
    return _plan_put(schema, table, record, guard, condition)


def _plan_put(
    schema: TableSchema, table: str, record: Any, guard: Condition | None, condition: Condition | None
) -> Save:
    is_plain = record._stored is None and schema.quick_item(*schema.record_key(record)) is not None
    typed = _typed_text(schema, record) if is_plain else None
    version = None
    if typed is not None:
        text, loaded = typed
    else:
        item = _encoded(schema, record)
        version = _next_version(schema.codec, record)
        if version is not None and schema.codec.version is not None:
            item = {**item, schema.codec.version.wire: {"N": str(version)}}
        text, loaded = ItemText(item, schema.check_item(item)), _loaded(schema.codec, record, version)
    must = all_of(guard, condition) if guard is not None or condition is not None else None
    put = PutItem(table, text.item, must, key_wires=schema.key_wires, text=text)
    return Save(schema, record, put, guard, text.item, loaded, version)


def _plan_update(
    schema: TableSchema, table: str, record: Any, overwrite: bool, condition: Condition | None
) -> Save | None:
    if not _is_partial(schema.codec, record):
        encode_record(schema, record)  # all problems at once, also of unchanged fields
    try:
        changes = schema.codec.changes(record)
    except Invalid as invalid:
        raise ValidationError(type(record).__name__, invalid.problems) from None
    if not changes and condition is None:
        return None
    version = _next_version(schema.codec, record) if changes else None
    # Overwriting with a partial record must not bring a part of a deleted item back.
    exists = AttributeExists(Path.of(schema.hash.wire))
    guard = exists if overwrite else guard_of(schema, record._stored, changes)
    if version is not None and schema.codec.version is not None:
        wire = schema.codec.version.wire
        changes = [c for c in changes if c.wire != wire]
        changes.append(Change(wire, {"N": str(version)}, record._stored.get(wire)))
    item = _changed(record._stored, changes)
    schema.check_item(item)
    update = Update(
        sets=tuple(Set(Path.of(c.wire), Value(c.new)) for c in changes if c.new is not None),
        removes=tuple(Remove(Path.of(c.wire)) for c in changes if c.new is None),
    )
    operation = UpdateItem(table, schema.key_of(record._stored), update, all_of(guard, condition))
    loaded = None
    if not _is_partial(schema.codec, record):
        loaded = _loaded(schema.codec, record, version)
    return Save(schema, record, operation, guard, item, loaded, version)


def guard_of(schema: TableSchema, base: Item, changes: list[Change]) -> Condition:
    """Return the condition that nobody else changed what is about to be changed."""
    conditions: list[Condition] = [AttributeExists(Path.of(schema.hash.wire))]
    version = schema.codec.version
    guarded = [(c.wire, c.old) for c in changes]
    if version is not None:
        guarded = [(version.wire, base.get(version.wire))]
    for wire, old in guarded:
        path = Path.of(wire)
        conditions.append(AttributeNotExists(path) if old is None else Compare("=", path, Value(old)))
    guard = all_of(*conditions)
    assert guard is not None  # there is one condition at least
    return guard


def _changed(item: Item, changes: list[Change]) -> Item:
    changed = dict(item)
    for change in changes:
        if change.new is None:
            changed.pop(change.wire, None)
        else:
            changed[change.wire] = change.new
    return changed


def _is_moved(schema: TableSchema, record: Any) -> bool:
    """Tell whether a loaded record has another key now; only ``evolve`` may do that."""
    now = schema.record_key(record)
    if schema.lookup_item(schema.key_item(*now)) == schema.lookup_item(record._stored):
        return False
    if record._loaded is None:
        return True
    data = {key.name: value for key, value in zip(schema.keys, now, strict=False)}
    raise InvalidKeysException(
        type(record), data, "the key was changed after loading: record.evolve(key=...) makes a copy"
    )


def _is_partial(codec: RecordCodec, record: Any) -> bool:
    if record._loaded is not None:
        return False
    return any(name not in record._values() for name in codec.by_name)


def _next_version(codec: RecordCodec, record: Any) -> int | None:
    if codec.version is None:
        return None
    return int(getattr(record, codec.version.name) or 0) + 1


def _loaded(codec: RecordCodec, record: Any, version: int | None) -> tuple[Any, ...]:
    if version is None or codec.version is None:
        return codec.loaded_values(record)
    return codec.loaded_values(record, **{codec.version.name: version})


def with_version(schema: TableSchema, update: Update) -> Update:
    """Return an update that also counts the version, for records that have one."""
    version = schema.codec.version
    if version is None:
        return update
    return msgspec.structs.replace(update, adds=(*update.adds, Add(Path.of(version.wire), Value({"N": "1"}))))
