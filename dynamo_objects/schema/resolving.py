"""From names to fields: the keys of tables and indexes, found in a record class."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from ..codec.codec import Codec
from ..codec.fields import FieldCodec
from ..codec.records import RecordCodec
from ..codec.scalars import BYTES, DECIMAL, STR
from ..errors import DynamoSchemaException, closest
from .declarations import GlobalIndex, HashKey, Index, RangeKey, Throughput

__all__ = ["IndexSchema", "KeyField", "Resolver"]

#: Codecs of keys that are no fields of the record class.
_UNTYPED: dict[str, Codec] = {"S": STR, "N": DECIMAL, "B": BYTES}


class KeyField(msgspec.Struct, frozen=True):
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


class IndexSchema(msgspec.Struct, frozen=True):
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


class Resolver:
    """Finds the fields that a declaration names.

    Args:
        table_name: For messages.
        codec: Of the records.
        throughput: Of the table.
    """

    def __init__(self, table_name: str, codec: RecordCodec, throughput: Throughput | None) -> None:
        self._table_name = table_name
        self._codec = codec
        self._throughput = throughput
        self._untyped: dict[str, str] = {}

    def _wrong(self, where: str, reason: str) -> DynamoSchemaException:
        return DynamoSchemaException(f"{self._table_name}, {where}: {reason}")

    def keys(self, parts: Sequence[HashKey | RangeKey], where: str) -> tuple[KeyField, KeyField | None]:
        """Return the hash key and the range key, if there is one.

        Raises:
            DynamoSchemaException: They cannot be keys.
        """
        hashes = [part for part in parts if isinstance(part, HashKey)]
        ranges = [part for part in parts if isinstance(part, RangeKey)]
        if len(hashes) != 1 or len(ranges) > 1:
            raise self._wrong(where, "one HashKey is needed, and at most one RangeKey")
        if ranges and ranges[0].name == hashes[0].name:
            raise self._wrong(where, "hash and range key must be two fields")
        hash_key = self._key(hashes[0], "HASH", where)
        return hash_key, self._key(ranges[0], "RANGE", where) if ranges else None

    def check_never_merged(self, *keys: KeyField | None) -> None:
        """Refuse keys of the table with a rule for conflicts: two writers of one item have the same key.

        Raises:
            DynamoSchemaException: A key has ``merge=``.
        """
        for key in keys:
            field = None if key is None else self._codec.by_name.get(key.name)
            if field is not None and field.options.merge is not None:
                raise self._wrong("schema", f"{field.name} is a key, which never changes: leave merge= out")

    def index(self, index: Index, table_hash: KeyField, table_range: KeyField | None) -> IndexSchema:
        """Return an index with its keys.

        Raises:
            DynamoSchemaException: The table cannot have it.
        """
        where = f"index {index.name}"
        for name in () if isinstance(index.projection, str) else index.projection:
            self._field(name, where)
        if isinstance(index, GlobalIndex):
            hash_key, range_key = self.keys(index.parts, where)
            if index.throughput is not None and self._throughput is None:
                raise self._wrong(where, "has a throughput, but the table is on demand")
            return IndexSchema(index.name, hash_key, range_key, index.projection, index.throughput, True)
        parts = index.parts
        if not any(isinstance(part, HashKey) for part in parts):
            parts = (HashKey(table_hash.name), *parts)
        hash_key, range_key = self.keys(parts, where)
        if hash_key.name != table_hash.name or range_key is None:
            raise self._wrong(where, f"a local index has the hash key {table_hash.name} and a range key")
        if table_range is None:
            raise self._wrong(where, "a local index needs a table with a range key")
        return IndexSchema(index.name, hash_key, range_key, index.projection, None, False)

    def _field(self, name: str, where: str) -> FieldCodec | None:
        field = self._codec.by_name.get(name)
        if field is None and not self._codec.options.schemaless:
            owner = self._codec.record_class.__name__
            raise self._wrong(where, f"{owner} has no field {name!r}{closest(name, self._codec.by_name)}")
        return field

    def _key(self, part: HashKey | RangeKey, role: str, where: str) -> KeyField:
        field = self._field(part.name, where)
        if field is None:
            return self._untyped_key(part, role, where)
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

    def _untyped_key(self, part: HashKey | RangeKey, role: str, where: str) -> KeyField:
        """Return a key that is no field; its type may be said once, or nowhere for text."""
        known = self._untyped.get(part.name)
        data_type = part.data_type or known or "S"
        if known not in (None, data_type):
            raise self._wrong(where, f"{part.name} is of type {known} elsewhere, and {data_type} here")
        self._untyped[part.name] = data_type
        return KeyField(part.name, part.name, _UNTYPED[data_type], role)


def _without_none(codec: Codec) -> Codec:
    """Return the codec of ``X`` for ``X | None``: an index key may be absent from an item."""
    tags = codec.tags - {"NULL"}
    if len(tags) == 1 and tags <= {"S", "N", "B"}:
        (tag,) = tags
        return msgspec.structs.replace(codec, key_type=tag, tags=tags)
    return codec
