"""DescribeTable, ListTables, DeleteTable, and what AWS answers about an account."""

from __future__ import annotations

from typing import Any

import msgspec

from ..definitions import Table
from ..engine import Context
from ..errors import ApiError, invalid, not_found
from ..lifecycle import check_active, entered, settled
from ..requests import table_name
from ..storage.base import Unit
from .describing import described, described_briefly, region_of

__all__ = [
    "delete_table",
    "describe_continuous_backups",
    "describe_endpoints",
    "describe_limits",
    "describe_table",
    "list_tables",
]

#: Units per account and per table (AWS, "Quotas in Amazon DynamoDB").
_ACCOUNT_UNITS = 80_000
_TABLE_UNITS = 40_000


def describe_table(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Return all about a table."""
    with context.storage.reading() as unit:
        return {"Table": described(context, unit, _table(context, unit, table_name(request)))}


def list_tables(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Return names of tables, up to a hundred."""
    start, limit = request.get("ExclusiveStartTableName"), request.get("Limit") or 100
    now = context.options.clock()
    with context.storage.reading() as unit:
        tables = context.catalog.tables(unit)
        names = sorted(table.name for table in tables if settled(table, now) is not None)
    page = [name for name in names if start is None or name > start]
    found: dict[str, Any] = {"TableNames": page[:limit]}
    if len(page) > limit:
        found["LastEvaluatedTableName"] = page[limit - 1]
    return found


def delete_table(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Delete a table with all that is in it."""
    now = context.options.clock()
    with context.storage.writing() as unit:
        table = _table(context, unit, table_name(request))
        _check_deletable(table)
        for collection in (table.collection, *(index.collection for index in table.indexes.values())):
            unit.drop(collection)
        seconds = context.options.table_seconds
        gone = msgspec.structs.replace(table, status="DELETING")
        if seconds > 0:
            context.catalog.save(unit, entered(gone, "DELETING", now, seconds))
        else:
            context.catalog.delete(unit, table.name)
        return {"TableDescription": described_briefly(context, unit, gone)}


def _check_deletable(table: Table) -> None:
    check_active(table)
    if table.description.get("DeletionProtectionEnabled"):
        raise invalid(
            "Resource cannot be deleted as it is currently protected against deletion. "
            "Disable deletion protection first."
        )


def describe_limits(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Return the limits that a new account has."""
    return {
        "AccountMaxReadCapacityUnits": _ACCOUNT_UNITS,
        "AccountMaxWriteCapacityUnits": _ACCOUNT_UNITS,
        "TableMaxReadCapacityUnits": _TABLE_UNITS,
        "TableMaxWriteCapacityUnits": _TABLE_UNITS,
    }


def describe_endpoints(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Return where the service is: for clients that ask, AWS's address of the region."""
    address = f"dynamodb.{region_of(context)}.amazonaws.com"
    return {"Endpoints": [{"Address": address, "CachePeriodInMinutes": 1440}]}


def describe_continuous_backups(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Return that there is no recovery to points in time."""
    name = table_name(request)
    with context.storage.reading() as unit:
        existing = context.catalog.find(unit, name)
        if existing is None or settled(existing, context.options.clock()) is None:
            raise ApiError("TableNotFoundException", f"Table not found: {name}")
    return {
        "ContinuousBackupsDescription": {
            "ContinuousBackupsStatus": "ENABLED",
            "PointInTimeRecoveryDescription": {"PointInTimeRecoveryStatus": "DISABLED"},
        }
    }


def _table(context: Context, unit: Unit, name: str) -> Table:
    existing = context.catalog.find(unit, name)
    table = None if existing is None else settled(existing, context.options.clock())
    if table is None:
        raise not_found(f"Requested resource not found: Table: {name} not found")
    return table
