"""What a table is: its keys, indexes and throughput, checked against a record class."""

from __future__ import annotations

from .declarations import GlobalIndex, HashKey, Index, LocalIndex, RangeKey, Throughput
from .resolving import IndexSchema, KeyField
from .tables import TableSchema

__all__ = [
    "GlobalIndex",
    "HashKey",
    "Index",
    "IndexSchema",
    "KeyField",
    "LocalIndex",
    "RangeKey",
    "TableSchema",
    "Throughput",
]
