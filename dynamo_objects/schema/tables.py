"""TableSchema: the keys and indexes of a table, resolved against its record class.

It turns keys as users write them into key items, checks items before they are sent, and
says what CreateTable needs.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import attrs

from ..codec.codec import Codec
from ..codec.fields import FieldCodec
from ..codec.keys import check_key_value, key_text
from ..codec.records import RecordCodec
from ..codec.scalars import BYTES, DECIMAL, STR
from ..codec.sizes import MAX_ITEM_BYTES, item_size
from ..codec.values import Invalid, Item, attribute_path
from ..errors import DynamoSchemaException, InvalidKeysException, Problem, ValidationError, closest
from .declarations import GlobalIndex, HashKey, Index, LocalIndex, RangeKey, Throughput

__all__ = ["IndexSchema", "KeyField", "TableSchema"]

_UNTYPED: dict[str, Codec] = {"S": STR, "N": DECIMAL, "B": BYTES}


@attrs.frozen
class KeyField:
    """One key attribute of a table or index.

    Attributes:
        name: Name of the field.
        wire: Name of the attribute.
        codec: Codec of its values.
        role: ``HASH`` or ``RANGE``.
    """

    name: str
    wire: str
    codec: Codec
    role: str

    @property
    def tag(self) -> str:
        """Return the type tag of its values: ``S``, ``N`` or ``B``."""
        return str(self.codec.key_type)


@attrs.frozen
class IndexSchema:
    """One index with its keys resolved."""

    name: str
    hash: KeyField
    range: KeyField | None
    projection: str | tuple[str, ...]
    throughput: Throughput | None
    is_global: bool

    @property
    def keys(self) -> tuple[KeyField, ...]:
        """Return its key fields."""
        return (self.hash,) if self.range is None else (self.hash, self.range)


@attrs.frozen(eq=False)
class TableSchema:
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
        resolve = _Resolver(table_name, codec)
        hash_key, range_key = resolve.keys(parts, "schema")
        indexes: dict[str, IndexSchema] = {}
        for index in (*global_indexes, *local_indexes):
            if index.name in indexes:
                raise DynamoSchemaException(f"{table_name}: two indexes are called {index.name}")
            indexes[index.name] = resolve.index(index, hash_key, throughput)
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
            raise self.invalid_key(key, None, "the key is a pair: (hash, range)")
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
        if self.range is None:
            if range_value is not None:
                raise self.invalid_key(hash_value, range_value, "the table has a hash key only")
        elif hash_value in (None, "", b"") and range_value in (None, "", b""):
            return True
        elif range_value in (None, "", b""):
            raise self.invalid_key(hash_value, range_value, "the range key has no value")
        return bool(hash_value is None or hash_value == "" or hash_value == b"")

    def key_item(self, hash_value: Any, range_value: Any = None) -> Item:
        """Return the key attributes of an item.

        Raises:
            InvalidKeysException: A value is missing, empty, too long or of a wrong type.
        """
        item: Item = {}
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
        return self.lookup(*(key.codec.decode(item[key.wire]) for key in self.keys))

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
        return InvalidKeysException(self.codec.record_class, data, reason)

    # --- items ----------------------------------------------------------------------------

    def check_keys(self, record: Any, item: Item) -> None:
        """Check the key attributes of a record's item.

        Raises:
            InvalidKeysException: One is missing, empty or too long.
        """
        for key in self.keys:
            try:
                if key.wire not in item:
                    raise Invalid("has no value")
                check_key_value(item[key.wire], key.role)
            except Invalid as invalid:
                raise self.invalid_key(*self.record_key(record), f"{key.name}: {invalid}") from None

    def check_item(self, item: Item) -> None:
        """Check what DynamoDB would refuse: index keys that are empty or too long, the size.

        Raises:
            ValidationError: With all problems.
        """
        problems: list[Problem] = []
        for index in self.indexes.values():
            for key in index.keys:
                if key.wire in item and key.wire not in self.key_wires:
                    try:
                        check_key_value(item[key.wire], key.role)
                    except Invalid as invalid:
                        problems += invalid.under(attribute_path(key.name))
        if (size := item_size(item)) > MAX_ITEM_BYTES:
            problems.append(Problem("", f"item has {size} bytes, at most {MAX_ITEM_BYTES} allowed"))
        if problems:
            raise ValidationError(self.codec.record_class.__name__, problems)

    # --- what the service needs to know -----------------------------------------------------

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
            projection["NonKeyAttributes"] = [
                self.codec.by_name[name].wire if name in self.codec.by_name else name
                for name in index.projection
            ]
        definition = {
            "IndexName": index.name,
            "KeySchema": _key_schema(index.keys),
            "Projection": projection,
        }
        units = index.throughput or self.throughput
        if index.is_global and units is not None:
            definition["ProvisionedThroughput"] = _units(units)
        return definition


class _Resolver:
    """Finds the fields that a declaration names."""

    def __init__(self, table_name: str, codec: RecordCodec) -> None:
        self._table_name = table_name
        self._codec = codec

    def _wrong(self, where: str, reason: str) -> DynamoSchemaException:
        return DynamoSchemaException(f"{self._table_name}, {where}: {reason}")

    def keys(self, parts: Sequence[HashKey | RangeKey], where: str) -> tuple[KeyField, KeyField | None]:
        hashes = [part for part in parts if isinstance(part, HashKey)]
        ranges = [part for part in parts if isinstance(part, RangeKey)]
        if len(hashes) != 1 or len(ranges) > 1:
            raise self._wrong(where, "one HashKey is needed, and at most one RangeKey")
        if ranges and ranges[0].name == hashes[0].name:
            raise self._wrong(where, "hash and range key must be two fields")
        hash_key = self._key(hashes[0], "HASH", where)
        return hash_key, self._key(ranges[0], "RANGE", where) if ranges else None

    def index(self, index: Index, table_hash: KeyField, table_throughput: Throughput | None) -> IndexSchema:
        where = f"index {index.name}"
        is_global = isinstance(index, GlobalIndex)
        parts = index.parts
        if not is_global and not any(isinstance(part, HashKey) for part in parts):
            parts = (HashKey(table_hash.name), *parts)
        hash_key, range_key = self.keys(parts, where)
        units = index.throughput if isinstance(index, GlobalIndex) else None
        if not is_global and (hash_key.name != table_hash.name or range_key is None):
            raise self._wrong(where, f"a local index has the hash key {table_hash.name} and a range key")
        if units is not None and table_throughput is None:
            raise self._wrong(where, "has a throughput, but the table is on demand")
        for name in () if isinstance(index.projection, str) else index.projection:
            self._field(name, where)
        return IndexSchema(index.name, hash_key, range_key, index.projection, units, is_global)

    def _field(self, name: str, where: str) -> FieldCodec | None:
        field = self._codec.by_name.get(name)
        if field is None and not self._codec.options.schemaless:
            owner = self._codec.record_class.__name__
            raise self._wrong(where, f"{owner} has no field {name!r}{closest(name, self._codec.by_name)}")
        return field

    def _key(self, part: HashKey | RangeKey, role: str, where: str) -> KeyField:
        field = self._field(part.name, where)
        if field is None:
            codec = _UNTYPED[part.data_type or "S"]
            return KeyField(part.name, part.name, codec, role)
        if field.codec.key_type is None:
            codec = _without_none(field.codec)
            if codec.key_type is None:
                raise self._wrong(
                    where, f"{part.name} is {field.codec.name}: keys are text, numbers or bytes"
                )
        else:
            codec = field.codec
        if part.data_type not in (None, codec.key_type):
            raise self._wrong(where, f"{part.name} is stored as {codec.key_type}, not {part.data_type}")
        return KeyField(part.name, field.wire, codec, role)


def _without_none(codec: Codec) -> Codec:
    """Return the codec of ``X`` for ``X | None``: an index key may be absent from an item."""
    tags = codec.tags - {"NULL"}
    if len(tags) == 1 and tags <= {"S", "N", "B"}:
        (tag,) = tags
        return attrs.evolve(codec, key_type=tag, tags=tags)
    return codec


def _key_schema(keys: Sequence[KeyField]) -> list[dict[str, str]]:
    return [{"AttributeName": key.wire, "KeyType": key.role} for key in keys]


def _units(units: Throughput) -> dict[str, int]:
    return {"ReadCapacityUnits": units.read, "WriteCapacityUnits": units.write}


def _billing(units: Throughput | None) -> dict[str, Any]:
    if units is None:
        return {"BillingMode": "PAY_PER_REQUEST"}
    return {"BillingMode": "PROVISIONED", "ProvisionedThroughput": _units(units)}
