"""Tables that take their time: create, wait until active, delete, change throughputs."""

from __future__ import annotations

from collections.abc import Mapping

from ..errors import DynamoException, TableInUse, TableNotFound
from ..operations.table import (
    CreateTable,
    DeleteTable,
    DescribeTable,
    DescribeTimeToLive,
    ListTables,
    TableDescription,
    TableNames,
    UpdateTable,
    UpdateTimeToLive,
)
from .base import Flow, Pause

__all__ = ["delete_table", "describe", "ensure_table", "table_names", "update_table", "wait_active"]

#: Seconds between two looks at a table: short at first, since local engines are quick.
_POLL_SECONDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0)


def _poll(attempt: int) -> Pause:
    return Pause(_POLL_SECONDS[min(attempt, len(_POLL_SECONDS) - 1)])


def describe(table: str) -> Flow[TableDescription | None]:
    """Return the description of a table, or None where there is no such table."""
    try:
        description: TableDescription = yield DescribeTable(table)
    except TableNotFound:
        return None
    return description


def wait_active(table: str, patience_seconds: float) -> Flow[TableDescription]:
    """Wait until a table and its indexes are active, and return its description.

    Raises:
        TableNotFound: There is no such table.
        DynamoException: It is not active within *patience_seconds*.
    """
    attempt = 0
    while True:
        description: TableDescription = yield DescribeTable(table)
        if description.is_active:
            return description
        elapsed: float = yield _poll(attempt)
        attempt += 1
        if elapsed > patience_seconds:
            raise DynamoException(
                f"table {table} is {description.status} after {patience_seconds:g} s, not ACTIVE"
            )


def ensure_table(
    create: CreateTable, ttl_attribute: str | None, patience_seconds: float
) -> Flow[TableDescription]:
    """Create a table unless it exists, wait until it is active, and return its description.

    Several processes may do this at the same time. A new table gets its time to live.
    """
    found: TableDescription | None = yield from describe(create.table)
    if found is not None and found.status == "DELETING":
        yield from _wait_gone(create.table, patience_seconds)
        found = None
    if found is not None:
        if found.is_active:
            return found
        return (yield from wait_active(create.table, patience_seconds))
    try:
        yield create
    except TableInUse:
        pass  # another process was faster, or the reply to our own first attempt was lost
    found = yield from _wait_visible(create.table, patience_seconds)
    if ttl_attribute is not None:
        enabled: str | None = yield DescribeTimeToLive(create.table)
        if enabled is None:
            yield UpdateTimeToLive(create.table, ttl_attribute)
    return found


def _wait_visible(table: str, patience_seconds: float) -> Flow[TableDescription]:
    """Wait for a table that was just created: describing it may fail for a moment."""
    elapsed = 0.0
    for attempt in range(10):
        try:
            return (yield from wait_active(table, patience_seconds))
        except TableNotFound:
            elapsed = yield _poll(attempt)
            if elapsed > patience_seconds:
                raise
    return (yield from wait_active(table, patience_seconds))


def delete_table(table: str, patience_seconds: float) -> Flow[bool]:
    """Delete a table and wait until it is gone; False where there was none."""
    attempt = 0
    while True:
        try:
            yield DeleteTable(table)
            break
        except TableNotFound:
            return attempt > 0  # gone since we began to ask for it
        except TableInUse:  # being created, changed or deleted
            elapsed: float = yield _poll(attempt)
            attempt += 1
            if elapsed > patience_seconds:
                raise
    yield from _wait_gone(table, patience_seconds)
    return True


def _wait_gone(table: str, patience_seconds: float) -> Flow[None]:
    attempt = 0
    while (yield from describe(table)) is not None:
        elapsed: float = yield _poll(attempt)
        attempt += 1
        if elapsed > patience_seconds:
            raise DynamoException(f"table {table} still exists after {patience_seconds:g} s")


def table_names() -> Flow[list[str]]:
    """Return the names of all tables, of all prefixes."""
    names: list[str] = []
    start: str | None = None
    while True:
        page: TableNames = yield ListTables(start)
        names += page.names
        if page.last is None:
            return names
        start = page.last


def update_table(
    table: str,
    throughputs: Mapping[str, Mapping[str, int]],
    *,
    wait: bool,
    patience_seconds: float,
) -> Flow[bool]:
    """Change throughputs; False where all are as asked, or the table is on demand.

    Args:
        table: Name with its prefix.
        throughputs: ``table`` or the name of an index -> ``{"read": 3, "write": 3}``.
        wait: Whether to wait until the change is done.
        patience_seconds: How long to wait for each step.
    """
    before = yield from wait_active(table, patience_seconds)
    if before.is_on_demand:
        return False
    change = _changed(table, before, throughputs)
    if change is None:
        return False
    yield change
    if wait:
        yield from wait_active(table, patience_seconds)
    return True


def _changed(
    table: str, before: TableDescription, throughputs: Mapping[str, Mapping[str, int]]
) -> UpdateTable | None:
    """Return the operation for what differs: unchanged values are refused by the service."""
    units: tuple[int, int] | None = None
    index_units: dict[str, tuple[int, int]] = {}
    for name, wanted in throughputs.items():
        new = (wanted["read"], wanted["write"])
        if name == "table":
            units = new if new != (before.read, before.write) else None
        elif name not in before.indexes:
            raise DynamoException(f"table {table} has no index {name!r}")
        elif new != (before.indexes[name].read, before.indexes[name].write):
            index_units[name] = new
    if units is None and not index_units:
        return None
    return UpdateTable(table, units, index_units)
