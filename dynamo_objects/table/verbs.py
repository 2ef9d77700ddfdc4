"""What is done to single records, as operations and flows: no I/O happens here.

`DynamoTable` runs them; so can anything else that drives flows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from functools import cached_property, partial
from typing import Any, Literal

import attrs
import msgspec

from ..codec.anything import any_codec
from ..codec.fields import FieldCodec
from ..codec.records import RecordCodec
from ..codec.typed import PLAIN_ITEMS
from ..codec.values import Invalid, Item
from ..errors import (
    ConditionFailed,
    DecodeError,
    DynamoException,
    DynamoSchemaException,
    ItemNotFound,
    QueryError,
)
from ..expressions.builders import ExpressionBuilder
from ..expressions.tree import (
    Add,
    AttributeExists,
    Condition,
    Delete,
    IfNotExists,
    Path,
    Plus,
    Remove,
    Set,
    Update,
    Value,
    all_of,
)
from ..flows.base import Flow
from ..flows.planning import with_version
from ..flows.putting import Put, put_planner
from ..flows.saving import write
from ..operations.item import DeleteItem, GetItem, UpdateItem
from ..query import decode_error
from ..schema import TableSchema

__all__ = ["Verbs"]

_ANY = any_codec()

_NUMBERS = frozenset({int, float, Decimal})


class Verbs(msgspec.Struct, frozen=True, eq=False, dict=True):  # a dict for cached properties
    """What can be done to single records of one table.

    Attributes:
        schema: Of the table.
        table: Its name with the prefix.
    """

    schema: TableSchema
    table: str

    @property
    def _codec(self) -> RecordCodec:
        return self.schema.codec

    @cached_property
    def build(self) -> ExpressionBuilder:
        """What makes conditions and updates for the records of this table."""
        return ExpressionBuilder(self.schema.codec)

    @cached_property
    def plan_put(self) -> Callable[[Any], Put | None]:
        """What plans the puts of new records in batches; see `put_planner`."""
        return put_planner(self.schema)

    # --- reading ----------------------------------------------------------------------------

    def get(self, hash: Any, range: Any, consistent: bool) -> GetItem | None:
        """Return the operation that reads one item; None for an empty key, which none has.

        Raises:
            InvalidKeysException: Half a key, or a value of a wrong type.
        """
        schema = self.schema
        key: Item | None = schema.quick_item(hash, range)
        if key is None:
            if schema.is_empty_key(hash, range):
                return None
            key = schema.key_item(hash, range)
        return GetItem(self.table, key, consistent, reader=schema.codec.reader)

    def record(self, item: Item) -> Any:
        """Return the record of an item; that it is the one that was asked for, its operation has checked.

        Raises:
            DecodeError: The item cannot become a record.
        """
        try:
            return self.schema.codec.decode(item, self.table)
        except Invalid as invalid:
            raise decode_error(self.schema, item, invalid) from None

    def records(self, items: Sequence[Item]) -> Iterator[Any]:
        """Return the records of the items of one reply, in their order; it uses the items up.

        Raises:
            DecodeError: An item cannot become a record.
        """
        return self._codec.decode_page(items, self.table, partial(decode_error, self.schema))

    def new_record(self, hash: Any, range: Any) -> Any:
        """Return a new record with its keys set: the Null object."""
        keys = {key.name: value for key, value in zip(self.schema.keys, (hash, range), strict=False)}
        return self._codec.record_class(**{name: value for name, value in keys.items() if value is not None})

    def check_creatable(self) -> None:
        """Raise DynamoSchemaException unless a record can be made of its keys alone."""
        keys = {key.name for key in self.schema.keys}
        record_class = self._codec.record_class
        needed = [
            attribute.name
            for attribute in attrs.fields(record_class)
            if attribute.default is attrs.NOTHING and attribute.name not in keys
        ]
        if needed:
            raise DynamoSchemaException(
                f"create=True makes a {record_class.__name__} of its keys alone, "
                f"but {', '.join(needed)} must be given: declare a default, or create it yourself"
            )

    def not_found(self, hash: Any, range: Any) -> ItemNotFound:
        """Return the error for a key that no item has."""
        return ItemNotFound(self.schema.table_name, hash if self.schema.range is None else (hash, range))

    # --- deleting ---------------------------------------------------------------------------

    def delete(self, hash: Any, range: Any, must: Condition | None, token: str | None) -> Flow[Any]:
        """Delete a record and return it as it was, as a new one.

        Args:
            hash, range: The key.
            must: What must hold.
            token: For a deletion that must happen exactly once, through a transaction.

        Raises:
            ItemNotFound: There is no such record.
            ConditionFailed: *must* is false.
        """
        if self.schema.is_empty_key(hash, range):
            raise self.not_found(hash, range)
        key = self.schema.key_item(hash, range)
        operation = DeleteItem(self.table, key, must, return_old=True)
        try:
            item = yield from write(operation, token)
        except ConditionFailed as failed:
            error = yield from self._explained(failed, key)
            raise error or self.not_found(hash, range) from None
        if item is None:
            raise self.not_found(hash, range)
        record = self._read_after(item, "it was deleted all the same")
        self._codec.remember(record, None, None)  # saving it again makes it anew
        return record

    def _read_after(self, item: Item, note: str) -> Any:
        try:
            return self.record(item)
        except DecodeError as error:
            error.add_note(note)
            raise

    def _explained(self, failed: ConditionFailed, key: Item) -> Flow[ConditionFailed | None]:
        """Return the error of a failed condition with the key as users write it; None if no item is there."""
        item: Item | None = failed.item
        if item is None:  # absent, or an engine that does not send the item
            try:
                item = yield GetItem(self.table, key, consistent=True)
            except DynamoException:
                return self._failed(key, None)  # that nothing was written is known anyway
        return None if item is None else self._failed(key, item)

    def _failed(self, key: Item, item: Item | None) -> ConditionFailed:
        shown, name = self.schema.user_key(key), self.schema.table_name
        message = f"{name} {shown!r}: the condition is false, nothing was written"
        return ConditionFailed(message, table=name, key=shown, item=item)

    # --- updating ---------------------------------------------------------------------------

    def change(
        self,
        put: Mapping[str, Any] | None,
        add: Mapping[str, Any] | None,
        delete: Mapping[str, Any] | None,
        remove: Iterable[str],
    ) -> Update:
        """Return what ``DynamoTable.update`` is to change."""
        for name, given in (("put", put), ("add", add), ("delete", delete)):
            if given is not None and not isinstance(given, Mapping):
                raise QueryError(f"{name}= takes fields with their values: {name}={{'city': ...}}")
        return self.build.update(self._converted(put or {}), add, delete, remove)

    @cached_property
    def _converters(self) -> dict[str, attrs.Attribute[Any]]:
        """Field -> attribute of those that convert what is assigned to them."""
        attributes = attrs.fields(self._codec.record_class)
        never = attrs.setters.NO_OP
        return {a.name: a for a in attributes if a.converter is not None and a.on_setattr is not never}

    def _converted(self, put: Mapping[str, Any]) -> dict[str, Any]:
        """Return values as assigning them to a record would make them: by the fields' converters."""
        converters = self._converters
        if not converters:
            return dict(put)
        converted = dict(put)
        for name, value in put.items():
            field = self._codec.by_name.get(name) or self._codec.by_wire.get(name)
            attribute = None if field is None else converters.get(field.name)
            if attribute is not None:
                converted[name] = attrs.setters.convert(None, attribute, value)
        return converted

    def update(
        self, hash: Any, range: Any, change: Update, must: Condition | None, token: str | None
    ) -> Flow[Any]:
        """Change a record, or create it, and return the new one.

        Raises:
            ItemNotFound: There is no such record, and the change alone makes none.
            ConditionFailed: *must* is false.
        """
        planned = self.plan_update(hash, range, change, must)
        try:
            item = yield from write(planned, token)
        except ConditionFailed as failed:
            raise (yield from self.explain_update(planned, failed)) from None
        return self.updated(item)

    def plan_update(self, hash: Any, range: Any, change: Update, must: Condition | None) -> UpdateItem:
        """Return the operation that changes a record and answers the new one."""
        key = self._checked_key(hash, range, change)
        return self._update_operation(key, change, must, "ALL_NEW")

    def updated(self, item: Item | None) -> Any:
        """Return the record of an updated item."""
        return self._read_after(item or {}, "it was updated all the same")

    def count(
        self, hash: Any, range: Any, increments: Mapping[str, Any], token: str | None
    ) -> Flow[dict[str, Any]]:
        """Add to number fields and return their new values.

        Raises:
            ItemNotFound: There is no such record, and counters alone make none.
        """
        change = self.build.update(add=increments)
        for name, clause in zip(increments, change.adds, strict=True):
            if "N" not in clause.value.value:
                raise QueryError(f"update_counter: {name} is not a number")
        key = self._checked_key(hash, range, change)
        item = yield from self._updated(key, change, None, token, "UPDATED_NEW")
        return {name: self._value(item, name) for name in increments}

    def _value(self, item: Item, name: str) -> Any:
        field = self._codec.by_name.get(name) or self._codec.by_wire.get(name)
        return _ANY.decode(item[name]) if field is None else field.decode(item.get(field.wire))

    def _checked_key(self, hash: Any, range: Any, change: Update) -> Item:
        """Return the key of a record that is to be changed, if it can be changed so."""
        if self.schema.is_empty_key(hash, range):
            raise self.schema.invalid_key(hash, range)
        if change.is_empty:
            raise QueryError("an update that changes nothing: give put, add, delete or remove")
        for wire in _wires(change):
            if wire in self.schema.key_wires:
                raise QueryError(f"{wire} is a key: keys cannot be changed")
            if self._codec.version is not None and wire == self._codec.version.wire:
                raise QueryError(f"{wire} is the version: every update counts it by itself")
        self._check_readable(change)
        return self.schema.key_item(hash, range)

    def _check_readable(self, change: Update) -> None:
        """Refuse changes after which the record could not be read."""
        for add in change.adds:
            field = self._field(add.path)
            if field is not None and "N" in add.value.value and not _NUMBERS & set(field.codec.types):
                raise QueryError(f"add: {field.name} is {field.codec.name}, which is not for counting")
        for delete in change.deletes:
            field = self._field(delete.path)
            if field is not None and not field.has_literal:
                raise QueryError(
                    f"{field.name} is required, and deleting its last member would remove it: "
                    f"declare a default, or save the record"
                )

    def _field(self, path: Path) -> FieldCodec | None:
        return self._codec.by_wire.get(str(path.steps[0]))

    def _updated(
        self,
        key: Item,
        change: Update,
        must: Condition | None,
        token: str | None,
        returns: Literal["ALL_NEW", "UPDATED_NEW"],
    ) -> Flow[Item]:
        """Carry out an update and return the attributes asked for."""
        operation = self._update_operation(key, change, must, returns)
        try:
            item = yield from write(operation, token)
        except ConditionFailed as failed:
            raise (yield from self.explain_update(operation, failed)) from None
        return item or {}

    def _update_operation(
        self, key: Item, change: Update, must: Condition | None, returns: Literal["ALL_NEW", "UPDATED_NEW"]
    ) -> UpdateItem:
        change = with_version(self.schema, self._from_defaults(change))
        exists = None
        if self._leaves_required(change):
            exists = AttributeExists(Path.of(self.schema.hash.wire))
        reader = self._codec.reader if returns == "ALL_NEW" else PLAIN_ITEMS
        return UpdateItem(self.table, key, change, all_of(exists, must), returns, reader=reader)

    def explain_update(self, operation: UpdateItem, failed: ConditionFailed) -> Flow[DynamoException]:
        """Return why an update was refused."""
        key = operation.key
        error = yield from self._explained(failed, key)
        if error is None and self._leaves_required(operation.update):
            return ItemNotFound(self.schema.table_name, self.schema.user_key(key))
        return error or self._failed(key, None)

    def _from_defaults(self, change: Update) -> Update:
        """Return the update with counters that start at their default, as an absent field loads."""
        if not change.adds:
            return change
        adds, sets = [], list(change.sets)
        for clause in change.adds:
            start = self._start(clause)
            if start is None:
                adds.append(clause)
            else:
                value = Plus(IfNotExists(clause.path, start), clause.value)
                sets.append(Set(clause.path, value))
        return msgspec.structs.replace(change, sets=tuple(sets), adds=tuple(adds))

    def _start(self, clause: Add) -> Value | None:
        """Return what a counter starts at where it is absent; None for 0 and for sets."""
        field = self._field(clause.path)
        if field is None or "N" not in clause.value.value or not field.has_literal or not field.literal:
            return None
        encoded = field.encode(field.literal)
        return Value(encoded) if encoded is not None and "N" in encoded else None

    @cached_property
    def _needed(self) -> list[str]:
        """The attributes that an item must have to be read."""
        return [field.wire for field in self._codec.fields if not field.has_literal]

    def _leaves_required(self, change: Update) -> bool:
        """Tell whether an item made from the change alone could not be read."""
        needed = self._needed
        if not needed:
            return False
        made = set(_wires(Update(sets=change.sets, adds=change.adds))) | self.schema.key_wires
        return any(wire not in made for wire in needed)


def _wires(change: Update) -> Iterator[str]:
    clauses: Sequence[Set | Remove | Add | Delete]
    clauses = (*change.sets, *change.removes, *change.adds, *change.deletes)
    for clause in clauses:
        yield str(clause.path.steps[0])
