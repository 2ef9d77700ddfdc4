"""Strict record objects for Amazon DynamoDB: records, self-creating tables, MemoryTable.

Names are imported from their modules when they are first used, so that importing this
package costs next to nothing; checkers and editors see plain imports. ``dynamock`` is not one
of them: importing that module starts it, which nothing but ``from dynamo_objects import
dynamock`` should do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
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
    from .memorydb import FlushReport, MemoryTable
    from .query import Page, Query
    from .record import DynamoRecord, SchemalessRecord, field
    from .schema import GlobalIndex, HashKey, LocalIndex, RangeKey, Throughput
    from .table import DynamoTable

__version__ = "2.0.0"

#: Module -> the public names that come from it.
_NAMES = {
    "codec.annotations": ("register_type",),
    "database": ("DynamoDatabase", "TableThroughput"),
    "errors": (
        "BatchFailed",
        "ConditionFailed",
        "ConflictError",
        "CursorError",
        "DecodeError",
        "DynamoException",
        "DynamoSchemaException",
        "FieldNotLoaded",
        "InvalidKeysException",
        "ItemExists",
        "ItemNotFound",
        "MultipleItemsFound",
        "NotDynamoDBReply",
        "OutcomeUnknown",
        "QueryError",
        "ServiceError",
        "TableNotFound",
        "ThrottledError",
        "TransportError",
        "UnknownFieldError",
        "ValidationError",
    ),
    "memorydb": ("FlushReport", "MemoryTable"),
    "query": ("Page", "Query"),
    "record": ("DynamoRecord", "SchemalessRecord", "field"),
    "schema": ("GlobalIndex", "HashKey", "LocalIndex", "RangeKey", "Throughput"),
    "table": ("DynamoTable",),
}

_MODULES = {name: module for module, names in _NAMES.items() for name in names}

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
    "LocalIndex",
    "MemoryTable",
    "MultipleItemsFound",
    "NotDynamoDBReply",
    "OutcomeUnknown",
    "Page",
    "Query",
    "QueryError",
    "RangeKey",
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
    "register_type",
]

if not TYPE_CHECKING:

    def __getattr__(name):
        """Import a public name, or a module of the package, when it is first used."""
        from importlib import import_module

        if name in _MODULES:
            value = getattr(import_module(f".{_MODULES[name]}", __name__), name)
        elif name in _NAMES:
            value = import_module(f".{name}", __name__)
        else:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        globals()[name] = value
        return value

    def __dir__():
        """List the public names, imported or not."""
        return sorted({*globals(), *__all__})
