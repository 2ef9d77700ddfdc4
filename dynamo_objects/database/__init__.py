"""Databases: a connection with a prefix, its tables, and their throughput."""

from __future__ import annotations

from ..errors import ItemNotFound
from .database import DynamoDatabase
from .throughput import TableThroughput

#: Names of the 2016 library and of its readme.
Database = DynamoDatabase
TablesThroughput = TableThroughput

__all__ = ["Database", "DynamoDatabase", "ItemNotFound", "TableThroughput", "TablesThroughput"]
