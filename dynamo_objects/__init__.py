"""Strict record objects for Amazon DynamoDB: records, self-creating tables, MemoryTable.

What every program needs is imported at once, so that its first record is quick. MemoryTable is
imported when its name is first used; checkers and editors see plain imports. ``dynamock`` is not one
of the names: importing that module starts it, which nothing but ``from dynamo_objects import
dynamock`` should do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .codec.annotations import register_type
from .database import DynamoDatabase, TableThroughput
from .errors import (
    BatchFailed,
    ConditionFailed,
    ConflictError,
    CursorError,
    DecodeError,
    DynamoException,
    DynamoSchemaException,
    FieldNotLoaded,
    InvalidKeysException,
    ItemExists,
    ItemNotFound,
    JournalDamaged,
    JournalError,
    JournalInUse,
    JournalUnfinished,
    MultipleItemsFound,
    NotDynamoDBReply,
    OutcomeUnknown,
    QueryError,
    ServiceError,
    TableNotFound,
    ThrottledError,
    TransportError,
    UnknownFieldError,
    ValidationError,
)
from .query import Page, Query
from .record import DynamoRecord, SchemalessRecord, field
from .schema import GlobalIndex, HashKey, LocalIndex, RangeKey, Throughput
from .table import DynamoTable

if TYPE_CHECKING:
    from .memorydb import FlushReport, MemoryTable, RecoveryReport, recover, save_all

__version__ = "2.0.0"

__all__ = [
    "BatchFailed",
    "ConditionFailed",
    "ConflictError",
    "CursorError",
    "DecodeError",
    "DynamoDatabase",
    "DynamoException",
    "DynamoRecord",
    "DynamoSchemaException",
    "DynamoTable",
    "FieldNotLoaded",
    "FlushReport",
    "GlobalIndex",
    "HashKey",
    "InvalidKeysException",
    "ItemExists",
    "ItemNotFound",
    "JournalDamaged",
    "JournalError",
    "JournalInUse",
    "JournalUnfinished",
    "LocalIndex",
    "MemoryTable",
    "MultipleItemsFound",
    "NotDynamoDBReply",
    "OutcomeUnknown",
    "Page",
    "Query",
    "QueryError",
    "RangeKey",
    "RecoveryReport",
    "SchemalessRecord",
    "ServiceError",
    "TableNotFound",
    "TableThroughput",
    "ThrottledError",
    "Throughput",
    "TransportError",
    "UnknownFieldError",
    "ValidationError",
    "field",
    "recover",
    "register_type",
    "save_all",
]

if not TYPE_CHECKING:

    def __getattr__(name):
        """Import what belongs to MemoryTable when it is first used."""
        if name not in ("FlushReport", "MemoryTable", "RecoveryReport", "memorydb", "recover", "save_all"):
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        memorydb = import_module(".memorydb", __name__)
        value = globals()[name] = memorydb if name == "memorydb" else getattr(memorydb, name)
        return value

    def __dir__():
        """List the public names, imported or not."""
        return sorted({*globals(), *__all__})
