"""TableSchema: the keys and indexes of a table, resolved against its record class.

It turns keys as users write them into key items, checks items before they are sent, and
says what CreateTable needs.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import msgspec

from ..codec.keys import check_key_value, key_text
from ..codec.records import RecordCodec
from ..codec.scalars import STR
from ..codec.sizes import MAX_ITEM_BYTES, MAX_RANGE_KEY_BYTES, item_size
from ..codec.values import AttributeValue, Invalid, Item, attribute_path
from ..errors import DynamoSchemaException, InvalidKeysException, Problem, ValidationError, closest
from .declarations import GlobalIndex, HashKey, LocalIndex, RangeKey, Throughput, read_parts
from .keying import QuickItem, QuickItems, QuickLookup, quick_item, quick_items, quick_lookup
from .resolving import IndexSchema, KeyField, Resolver

__all__ = ["TableSchema"]


class TableSchema(msgspec.Struct, frozen=True, eq=False, dict=True):  # a dict for cached properties
    """The keys and indexes of one table.

    Attributes:
        table_name: As declared, without a prefix.
        codec: Codec of its records.
        hash, range: Its key fields.
        indexes: Name -> index.
        throughput: None for on-demand tables.
    """

    table_name: str
    codec: RecordCodec
    hash: KeyField
    range: KeyField | None
    indexes: dict[str, IndexSchema]
    throughput: Throughput | None

    @classmethod
    def build(
        cls,
        table_name: str,
        codec: RecordCodec,
        parts: Sequence[HashKey | RangeKey],
        *,
        global_indexes: Sequence[GlobalIndex] = (),
        local_indexes: Sequence[LocalIndex] = (),
        throughput: Throughput | None = None,
    ) -> TableSchema:
        """Return the schema of a declaration.

        Raises:
            DynamoSchemaException: The declaration cannot work; says where and why.
        """
        resolve = Resolver(table_name, codec, throughput)
        hash_key, range_key = resolve.keys(read_parts(parts), "schema")
        resolve.check_never_merged(hash_key, range_key)
        indexes: dict[str, IndexSchema] = {}
        for kind, given in ((GlobalIndex, global_indexes), (LocalIndex, local_indexes)):
            for index in given:
                if not isinstance(index, kind):
                    raise DynamoSchemaException(f"{table_name}: expected a {kind.__name__}, got {index!r}")
                if index.name in indexes:
                    raise DynamoSchemaException(f"{table_name}: two indexes are called {index.name}")
                indexes[index.name] = resolve.index(index, hash_key, range_key)
        return cls(table_name, codec, hash_key, range_key, indexes, throughput)

    # --- keys -----------------------------------------------------------------------------

    @cached_property
    def keys(self) -> tuple[KeyField, ...]:
        """Return the key fields of the table."""
        return (self.hash,) if self.range is None else (self.hash, self.range)

    @cached_property
    def key_wires(self) -> frozenset[str]:
        """Return the names of the key attributes."""
        return frozenset(key.wire for key in self.keys)

    @cached_property
    def quick_item(self) -> QuickItem:
        """The function that makes the key attributes of plain values; None of others."""
        return quick_item(self.keys)

    @cached_property
    def quick_items(self) -> QuickItems:
        """The function that makes the key attributes of keys as users write them; None where one is not plain."""
        return quick_items(self.keys)

    @cached_property
    def has_text_keys(self) -> bool:
        """Whether all keys are texts, so that typed tuples of them are those of the texts in items."""
        return all(key.codec is STR for key in self.keys)

    @cached_property
    def quick_lookup(self) -> QuickLookup:
        """The function from an item to its ``lookup``, if that is plain; else it returns None."""
        return quick_lookup(self.keys, self.codec.reader)

    def pair(self, key: Any) -> tuple[Any, Any]:
        """Return hash and range value of a key as users write it: the hash value, or the pair.

        Raises:
            InvalidKeysException: It is half a key, or not one.
        """
        if self.range is None:
            if isinstance(key, tuple):
                if len(key) == 1 or (len(key) == 2 and key[1] is None):
                    return key[0], None
                raise self.invalid_key(key[0] if key else None, key[1:], "the table has a hash key only")
            return key, None
        if not isinstance(key, tuple) or len(key) != 2:
            raise self.invalid_key(key, None, "the key is a pair, a tuple: (hash, range)")
        return key[0], key[1]

    def user_key(self, item: Item) -> Any:
        """Return the key of an item as users write it: the hash value, or the pair."""
        values = tuple(key.codec.decode(item[key.wire]) for key in self.keys)
        return values if self.range is not None else values[0]

    def is_empty_key(self, hash_value: Any, range_value: Any = None) -> bool:
        """Tell whether the hash value is one that no item can have: None, '' or b''.

        Raises:
            InvalidKeysException: Half a key, an empty range value, or one for a table without.
        """
        is_empty = _has_no_value(hash_value)
        if self.range is not None and range_value is None and isinstance(hash_value, tuple):
            raise self.invalid_key(hash_value, None, "hash and range are two arguments here, not a pair")
        if self.range is None:
            if range_value is not None:
                raise self.invalid_key(hash_value, range_value, "the table has a hash key only")
        elif _has_no_value(range_value):
            if not is_empty:
                raise self.invalid_key(hash_value, range_value, "the range key has no value")
        elif hash_value is None:
            raise self.invalid_key(hash_value, range_value, "the hash key has no value")
        return is_empty

    def key_item(self, hash_value: Any, range_value: Any = None) -> Item:
        """Return the key attributes of an item.

        Raises:
            InvalidKeysException: A value is missing, empty, too long or of a wrong type.
        """
        quick = self.quick_item(hash_value, range_value)
        if quick is not None:
            return quick
        item: dict[str, AttributeValue] = {}
        for key, value in zip(self.keys, (hash_value, range_value), strict=False):
            try:
                item[key.wire] = key.codec.encode(value)
                check_key_value(item[key.wire], key.role)
            except Invalid as invalid:
                raise self.invalid_key(hash_value, range_value, f"{key.name}: {invalid}") from None
        return item

    def lookup(self, hash_value: Any, range_value: Any = None) -> tuple[Any, ...]:
        """Return a dict key for a cache: equal exactly for values stored as the same key.

        Raises:
            Invalid: A value has a wrong type.
        """
        if self.range is None:
            return (key_text(self.hash.codec, hash_value),)
        return (key_text(self.hash.codec, hash_value), key_text(self.range.codec, range_value))

    def lookup_item(self, item: Item) -> tuple[Any, ...]:
        """Return the dict key of an item, or of its key attributes."""
        return self.quick_lookup(item) or self.lookup(
            *(key.codec.decode(item[key.wire]) for key in self.keys)
        )

    def key_of(self, item: Item) -> Item:
        """Return the key attributes of an item."""
        return {key.wire: item[key.wire] for key in self.keys}

    def record_key(self, record: Any) -> tuple[Any, Any]:
        """Return hash and range value of a record."""
        hash_value = getattr(record, self.hash.name, None)
        return hash_value, None if self.range is None else getattr(record, self.range.name, None)

    def invalid_key(self, hash_value: Any, range_value: Any = None, reason: str = "") -> InvalidKeysException:
        """Return the error for a key that cannot be used."""
        data = {self.hash.name: hash_value}
        data[str(self.range.name if self.range else None)] = range_value
        error = InvalidKeysException(self.codec.record_class, data, reason)
        if self.range is None:  # its place in the message is no key that could be empty
            error.empty_keys = [name for name in error.empty_keys if name == self.hash.name]
        return error

    # --- items ----------------------------------------------------------------------------

    def check_class(self, record: Any) -> None:
        """Check that a record is one of this table's.

        Raises:
            DynamoSchemaException: It is of another class.
        """
        if type(record) is not self.codec.record_class:
            raise DynamoSchemaException(
                f"{self.table_name} holds {self.codec.record_class.__name__}, not {type(record).__name__}"
            )

    def check_keys(self, record: Any, item: Item) -> None:
        """Check the key attributes of a record's item.

        Raises:
            InvalidKeysException: One is missing, empty, too long or of another type.
        """
        for key in self.keys:
            text = item.get(key.wire, {}).get("S")
            if text and key.codec is STR and len(text) <= MAX_RANGE_KEY_BYTES // 4:  # of up to four bytes
                continue
            try:
                if key.wire not in item:
                    raise Invalid("has no value")
                _check_key(key, item[key.wire])
            except Invalid as invalid:
                raise self.invalid_key(*self.record_key(record), f"{key.name}: {invalid}") from None

    def check_item(self, item: Item) -> bytes:
        """Check what DynamoDB would refuse: bad keys of indexes, and too large an item; return it as JSON.

        Raises:
            ValidationError: With all problems.
        """
        problems: list[Problem] = []
        for index in self.indexes.values():
            for key in index.keys:
                if key.wire in item and key.wire not in self.key_wires:
                    try:
                        _check_key(key, item[key.wire])
                    except Invalid as invalid:
                        problems += invalid.under(attribute_path(key.name))
        # As JSON it is larger, and that is quicker to know.
        text = msgspec.json.encode(item)
        if len(text) > MAX_ITEM_BYTES and (size := item_size(item)) > MAX_ITEM_BYTES:
            problems.append(Problem("", f"item has {size} bytes, at most {MAX_ITEM_BYTES} allowed"))
        if problems:
            raise ValidationError(self.codec.record_class.__name__, problems)
        return text

    # --- what the service needs to know -----------------------------------------------------

    def wire(self, name: str) -> str:
        """Return the name of the attribute that holds a field."""
        field = self.codec.by_name.get(name)
        return name if field is None else field.wire

    def projected(self, name: str) -> frozenset[str] | None:
        """Return the attributes that an index holds; None when it is all of them."""
        index = self.index(name)
        if index.projection == "ALL":
            return None
        named = () if isinstance(index.projection, str) else index.projection
        keys = {key.wire for key in (*self.keys, *index.keys)}
        return frozenset(keys | {self.wire(name) for name in named})

    def index(self, name: str) -> IndexSchema:
        """Return a declared index.

        Raises:
            DynamoSchemaException: There is none of this name.
        """
        try:
            return self.indexes[name]
        except KeyError:
            near = closest(name, self.indexes)
            raise DynamoSchemaException(f"{self.table_name} has no index {name!r}{near}") from None

    def definition(self) -> dict[str, Any]:
        """Return CreateTable's members, without TableName."""
        used = {key.wire: key for key in self.keys}
        for index in self.indexes.values():
            used.update({key.wire: key for key in index.keys})
        definition: dict[str, Any] = {
            "KeySchema": _key_schema(self.keys),
            "AttributeDefinitions": [
                {"AttributeName": wire, "AttributeType": key.tag} for wire, key in used.items()
            ],
            **_billing(self.throughput),
        }
        for member, is_global in (("GlobalSecondaryIndexes", True), ("LocalSecondaryIndexes", False)):
            chosen = [index for index in self.indexes.values() if index.is_global is is_global]
            if chosen:
                definition[member] = [self._index_definition(index) for index in chosen]
        return definition

    def _index_definition(self, index: IndexSchema) -> dict[str, Any]:
        projection: dict[str, Any] = {"ProjectionType": "INCLUDE"}
        if isinstance(index.projection, str):
            projection["ProjectionType"] = index.projection
        else:
            projection["NonKeyAttributes"] = [self.wire(name) for name in index.projection]
        definition = {
            "IndexName": index.name,
            "KeySchema": _key_schema(index.keys),
            "Projection": projection,
        }
        units = index.throughput or self.throughput
        if index.is_global and units is not None:
            definition["ProvisionedThroughput"] = _units(units)
        return definition


def _has_no_value(value: Any) -> bool:
    return value is None or (isinstance(value, str | bytes) and not value)


def _check_key(key: KeyField, value: AttributeValue) -> None:
    """Raise Invalid when an attribute value cannot be this key."""
    check_key_value(value, key.role)
    if key.tag not in value:
        raise Invalid(f"is a key of type {key.tag}, got {next(iter(value))}")


def _key_schema(keys: Sequence[KeyField]) -> list[dict[str, str]]:
    return [{"AttributeName": key.wire, "KeyType": key.role} for key in keys]


def _units(units: Throughput) -> dict[str, int]:
    return {"ReadCapacityUnits": units.read, "WriteCapacityUnits": units.write}


def _billing(units: Throughput | None) -> dict[str, Any]:
    if units is None:
        return {"BillingMode": "PAY_PER_REQUEST"}
    return {"BillingMode": "PROVISIONED", "ProvisionedThroughput": _units(units)}
