"""Operations on tables: create, describe, update, delete, list, time to live."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import msgspec

from ..errors import NotDynamoDBReply
from .base import Operation, encode_payload, read_reply

__all__ = [
    "CreateTable",
    "DeleteTable",
    "DescribeTable",
    "DescribeTimeToLive",
    "IndexDescription",
    "ListTables",
    "TableDescription",
    "TableNames",
    "UpdateTable",
    "UpdateTimeToLive",
]


class IndexDescription(msgspec.Struct, frozen=True):
    """One index as it is.

    Attributes:
        name: Name of the index.
        status: ``ACTIVE`` once it can be read; local indexes always are.
        keys: (attribute, ``HASH`` or ``RANGE``).
        projection: ``ALL``, ``KEYS_ONLY`` or ``INCLUDE``.
        read, write: Provisioned units; 0 on demand and for local indexes.
    """

    name: str
    status: str
    keys: tuple[tuple[str, str], ...]
    projection: str
    read: int = 0
    write: int = 0


class TableDescription(msgspec.Struct, frozen=True):
    """One table as it is.

    Attributes:
        name: Name with its prefix.
        status: ``CREATING``, ``UPDATING``, ``DELETING`` or ``ACTIVE``.
        keys: (attribute, ``HASH`` or ``RANGE``).
        types: Attribute -> ``S``, ``N`` or ``B``, for all keys.
        read, write: Provisioned units; 0 on demand.
        indexes: Name -> index.
        items: Number of items some hours ago.
    """

    name: str
    status: str
    keys: tuple[tuple[str, str], ...]
    types: Mapping[str, str]
    read: int
    write: int
    indexes: Mapping[str, IndexDescription]
    items: int = 0

    @property
    def can_be_used(self) -> bool:
        """Tell whether items can be read and written; a change may be under way."""
        return self.status in ("ACTIVE", "UPDATING")

    @property
    def is_active(self) -> bool:
        """Tell whether the table and all its indexes can be used and changed."""
        return self.status == "ACTIVE" and all(index.status == "ACTIVE" for index in self.indexes.values())

    @property
    def is_on_demand(self) -> bool:
        """Tell whether there is no provisioned throughput."""
        return self.read == 0 and self.write == 0


class _Key(msgspec.Struct):
    AttributeName: str
    KeyType: str


class _Attribute(msgspec.Struct):
    AttributeName: str
    AttributeType: str


class _Units(msgspec.Struct):
    ReadCapacityUnits: int = 0
    WriteCapacityUnits: int = 0


class _Projection(msgspec.Struct):
    ProjectionType: str = "ALL"


class _Index(msgspec.Struct):
    IndexName: str
    KeySchema: list[_Key]
    Projection: _Projection = msgspec.field(default_factory=_Projection)
    IndexStatus: str = "ACTIVE"
    ProvisionedThroughput: _Units | None = None


class _Table(msgspec.Struct):
    TableName: str
    TableStatus: str
    KeySchema: list[_Key] = []
    AttributeDefinitions: list[_Attribute] = []
    ProvisionedThroughput: _Units | None = None
    GlobalSecondaryIndexes: list[_Index] | None = None
    LocalSecondaryIndexes: list[_Index] | None = None
    ItemCount: int | None = None


class _DescribeReply(msgspec.Struct):
    Table: _Table


class _ChangeReply(msgspec.Struct):
    TableDescription: _Table


def _description(table: _Table) -> TableDescription:
    indexes = (table.GlobalSecondaryIndexes or []) + (table.LocalSecondaryIndexes or [])
    units = table.ProvisionedThroughput or _Units()
    return TableDescription(
        name=table.TableName,
        status=table.TableStatus,
        keys=_keys(table.KeySchema),
        types={a.AttributeName: a.AttributeType for a in table.AttributeDefinitions},
        read=units.ReadCapacityUnits,
        write=units.WriteCapacityUnits,
        indexes={index.IndexName: _index(index) for index in indexes},
        items=table.ItemCount or 0,
    )


def _index(index: _Index) -> IndexDescription:
    units = index.ProvisionedThroughput or _Units()
    return IndexDescription(
        name=index.IndexName,
        status=index.IndexStatus,
        keys=_keys(index.KeySchema),
        projection=index.Projection.ProjectionType,
        read=units.ReadCapacityUnits,
        write=units.WriteCapacityUnits,
    )


def _keys(schema: list[_Key]) -> tuple[tuple[str, str], ...]:
    return tuple((key.AttributeName, key.KeyType) for key in schema)


class _TableOperation(Operation[TableDescription], frozen=True):
    retries_limit: ClassVar[bool] = True

    table: str

    @property
    def subject(self) -> tuple[str, Any]:
        return self.table, None

    def payload(self) -> bytes:
        return encode_payload({"TableName": self.table})

    def parse(self, body: bytes) -> TableDescription:
        return self._description(read_reply(body, _ChangeReply).TableDescription)

    def _description(self, table: _Table) -> TableDescription:
        if table.TableName != self.table:
            raise NotDynamoDBReply("the description of another table")
        return _description(table)


class DescribeTable(_TableOperation, frozen=True):
    """Describes a table."""

    name: ClassVar[str] = "DescribeTable"

    def parse(self, body: bytes) -> TableDescription:
        return self._description(read_reply(body, _DescribeReply).Table)


class CreateTable(_TableOperation, frozen=True):
    """Begins to create a table; *definition* as TableSchema.definition() makes it."""

    name: ClassVar[str] = "CreateTable"
    is_write: ClassVar[bool] = True

    definition: Mapping[str, Any] = msgspec.field(default_factory=dict)

    def payload(self) -> bytes:
        return encode_payload({"TableName": self.table, **self.definition})


class UpdateTable(_TableOperation, frozen=True):
    """Begins to change throughputs; those left out stay.

    Attributes:
        units: (read, write) of the table, or None.
        index_units: Index name -> (read, write).
    """

    name: ClassVar[str] = "UpdateTable"
    is_write: ClassVar[bool] = True

    units: tuple[int, int] | None = None
    index_units: Mapping[str, tuple[int, int]] = msgspec.field(default_factory=dict)

    def payload(self) -> bytes:
        members: dict[str, Any] = {"TableName": self.table}
        if self.units is not None:
            members["ProvisionedThroughput"] = _as_units(self.units)
        if self.index_units:
            members["GlobalSecondaryIndexUpdates"] = [
                {"Update": {"IndexName": name, "ProvisionedThroughput": _as_units(units)}}
                for name, units in self.index_units.items()
            ]
        return encode_payload(members)


def _as_units(units: tuple[int, int]) -> dict[str, int]:
    return {"ReadCapacityUnits": units[0], "WriteCapacityUnits": units[1]}


class DeleteTable(_TableOperation, frozen=True):
    """Begins to delete a table."""

    name: ClassVar[str] = "DeleteTable"
    is_write: ClassVar[bool] = True


class TableNames(msgspec.Struct, frozen=True):
    """One page of table names.

    Attributes:
        names: Names with their prefixes.
        last: Where the next page begins; None after the last.
    """

    names: list[str]
    last: str | None


class _ListReply(msgspec.Struct):
    TableNames: list[str]
    LastEvaluatedTableName: str | None = None


class ListTables(Operation[TableNames], frozen=True):
    """Lists up to 100 names of tables, of all prefixes."""

    name: ClassVar[str] = "ListTables"

    start: str | None = None

    def payload(self) -> bytes:
        return encode_payload({"ExclusiveStartTableName": self.start})

    def parse(self, body: bytes) -> TableNames:
        reply = read_reply(body, _ListReply)
        return TableNames(reply.TableNames, reply.LastEvaluatedTableName)


class _TimeToLive(msgspec.Struct):
    TimeToLiveStatus: str = "DISABLED"
    AttributeName: str | None = None


class _TimeToLiveReply(msgspec.Struct):
    TimeToLiveDescription: _TimeToLive


class DescribeTimeToLive(Operation[str | None], frozen=True):
    """The attribute by which items expire, or None where none do."""

    name: ClassVar[str] = "DescribeTimeToLive"

    table: str

    def payload(self) -> bytes:
        return encode_payload({"TableName": self.table})

    def parse(self, body: bytes) -> str | None:
        found = read_reply(body, _TimeToLiveReply).TimeToLiveDescription
        return found.AttributeName if found.TimeToLiveStatus in ("ENABLED", "ENABLING") else None


class _TimeToLiveSpecification(msgspec.Struct):
    TimeToLiveSpecification: dict[str, Any]


class UpdateTimeToLive(Operation[None], frozen=True):
    """Lets items expire by an attribute that holds seconds since 1970."""

    name: ClassVar[str] = "UpdateTimeToLive"
    is_write: ClassVar[bool] = True
    retries_limit: ClassVar[bool] = True

    table: str
    attribute: str

    def payload(self) -> bytes:
        return encode_payload(
            {
                "TableName": self.table,
                "TimeToLiveSpecification": {"AttributeName": self.attribute, "Enabled": True},
            }
        )

    def parse(self, body: bytes) -> None:
        read_reply(body, _TimeToLiveSpecification)
