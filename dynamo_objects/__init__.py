"""Strict record objects for Amazon DynamoDB: records, self-creating tables, MemoryTable."""

from __future__ import annotations

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
