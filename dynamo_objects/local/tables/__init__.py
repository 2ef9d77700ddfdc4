"""Operations on tables: their definitions checked as AWS checks them, kept, and described.

Handlers get requests that ``requests.check`` has passed. Each works in one unit of the storage.
"""

from __future__ import annotations

from ..engine import Handler
from ..tags import TAG_HANDLERS
from ..ttl import TTL_HANDLERS
from .creating import create_table
from .reading import (
    delete_table,
    describe_continuous_backups,
    describe_endpoints,
    describe_limits,
    describe_table,
    list_tables,
)
from .updating import update_table

__all__ = ["HANDLERS"]

#: Operation -> what carries it out.
HANDLERS: dict[str, Handler] = {
    "CreateTable": create_table,
    "DescribeTable": describe_table,
    "UpdateTable": update_table,
    "DeleteTable": delete_table,
    "ListTables": list_tables,
    "DescribeLimits": describe_limits,
    "DescribeEndpoints": describe_endpoints,
    "DescribeContinuousBackups": describe_continuous_backups,
    **TTL_HANDLERS,
    **TAG_HANDLERS,
}
