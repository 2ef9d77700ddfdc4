"""Items on their way from table to table: made of records, transformed, and checked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..codec.values import Invalid, Item
from ..errors import DecodeError, DynamoException, InvalidKeysException, ValidationError
from ..operations.table import TableDescription
from ..record import DynamoRecord, SchemalessRecord, codec_of

__all__ = ["checked_for", "item_of", "record_of", "transformer"]


def item_of(source: Any) -> Item:
    """Return the item of a record, or the item itself.

    Raises:
        ValidationError: The record cannot be stored.
        FieldNotLoaded: It is a partial one.
    """
    if isinstance(source, Mapping):
        return source
    if not isinstance(source, DynamoRecord):
        raise DynamoException(f"copy_item takes a record or attribute values, not {type(source).__name__}")
    try:
        item: Item = codec_of(type(source)).encode(source)
        return item
    except Invalid as invalid:
        raise ValidationError(type(source).__name__, invalid.problems) from None


def record_of(item: Item, key: Item) -> SchemalessRecord:
    """Return an item as a record of any fields.

    Raises:
        DecodeError: It holds what DynamoDB does not; names *key*.
    """
    try:
        record = codec_of(SchemalessRecord).decode(item)
    except Invalid as invalid:
        raise DecodeError(f"item {key!r}", invalid.problems) from None
    assert isinstance(record, SchemalessRecord)
    return record


def checked_for(target: TableDescription, item: Item) -> Item:
    """Return an item that the target can hold.

    Raises:
        InvalidKeysException: It lacks a key of the table, or has one of another type.
    """
    for wire, _ in target.keys:
        wanted = target.types.get(wire)
        if wire not in item or (wanted is not None and wanted not in item[wire]):
            keys = {name: item.get(name) for name, _ in target.keys}
            raise InvalidKeysException(
                SchemalessRecord, keys, f"{wire} is a key of type {wanted} of {target.name}"
            )
    return item


def transformer(
    transform: Callable[[Any], Any] | None, source: TableDescription, target: TableDescription
) -> Callable[[Item], Item]:
    """Return the function from an item of the source to the item that is written.

    Args:
        transform: Changes a schemaless record in place; None changes nothing.
    """
    if transform is None:
        return lambda item: checked_for(target, item)
    codec = codec_of(SchemalessRecord)

    def transformed(item: Item) -> Item:
        key = {wire: item[wire] for wire, _ in source.keys}
        record = record_of(item, key)
        transform(record)
        try:
            changes = codec.changes(record)
        except Invalid as invalid:
            raise ValidationError(f"transformed item {key!r}", invalid.problems) from None
        changed = {**item, **{change.wire: change.new for change in changes if change.new is not None}}
        for change in changes:
            if change.new is None:
                del changed[change.wire]
        return checked_for(target, changed)

    return transformed
