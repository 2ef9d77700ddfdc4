"""Tables that take their time: create, wait until active, delete, change throughputs.

Several processes may do the same at the same time, and a reply may be lost: what counts
is what the table looks like afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

import msgspec

from ..errors import DynamoException, InvalidRequest, TableInUse, TableNotFound
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

__all__ = [
    "create_table",
    "delete_table",
    "describe",
    "ensure_table",
    "table_names",
    "update_table",
    "wait_active",
]

#: Seconds between two looks at a table: short at first, since local engines are quick.
_POLL_SECONDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0)


class _Looks(msgspec.Struct):
    """Looks at a table again and again, with growing pauses, as long as *patience_seconds*."""

    patience_seconds: float
    _count: int = 0
    _began: float | None = None
    _elapsed: float = 0.0

    def pause(self) -> Flow[None]:
        seconds = _POLL_SECONDS[min(self._count, len(_POLL_SECONDS) - 1)]
        now: float = yield Pause(seconds)  # since the flow began, which may have done more
        self._began = now - seconds if self._began is None else self._began
        self._count += 1
        self._elapsed = now - self._began

    def is_over(self) -> bool:
        return self._elapsed > self.patience_seconds


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
    looks = _Looks(patience_seconds)
    while True:
        description: TableDescription = yield DescribeTable(table)
        if description.is_active:
            return description
        yield from looks.pause()
        if looks.is_over():
            raise DynamoException(
                f"table {table} is {description.status} after {patience_seconds:g} s, not ACTIVE"
            )


def ensure_table(
    create: CreateTable, ttl_attribute: str | None, patience_seconds: float
) -> Flow[TableDescription]:
    """Create a table unless it exists, wait until it can be used, and return its description.

    Several processes may do this at the same time. A new table gets its time to live.
    """
    found: TableDescription | None = yield from describe(create.table)
    if found is not None and found.status == "DELETING":
        yield from _wait_gone(create.table, patience_seconds)
        found = None
    if found is not None:
        if found.can_be_used:
            return found
        return (yield from wait_active(create.table, patience_seconds))
    found = yield from _create(create, patience_seconds)
    if ttl_attribute is not None:
        yield from _set_ttl(create.table, ttl_attribute)
    return found


def create_table(create: CreateTable, patience_seconds: float) -> Flow[TableDescription]:
    """Create a table, wait until it is active, and return its description.

    Raises:
        TableInUse: It exists, or another process has created it meanwhile with other keys.
    """
    found: TableDescription | None = yield from describe(create.table)
    if found is not None and found.status != "DELETING":
        raise TableInUse("TableAlreadyExistsException", f"table {create.table} exists already")
    if found is not None:
        yield from _wait_gone(create.table, patience_seconds)
    created = yield from _create(create, patience_seconds)
    if sorted(created.keys) != _declared_keys(create):
        raise TableInUse("TableAlreadyExistsException", f"table {create.table} exists with other keys")
    return created


def _declared_keys(create: CreateTable) -> list[tuple[str, str]]:
    return sorted((key["AttributeName"], key["KeyType"]) for key in create.definition.get("KeySchema", ()))


def _create(create: CreateTable, patience_seconds: float) -> Flow[TableDescription]:
    """Create a table that was not there, and wait until it is active."""
    looks = _Looks(patience_seconds)
    while True:
        # In use: another process was faster, or the reply to our own first attempt was lost.
        with suppress(TableInUse):
            yield create
        try:
            return (yield from _wait_visible(create.table, patience_seconds))
        except TableNotFound:  # the table that was in the way has gone
            yield from looks.pause()
            if looks.is_over():
                raise


def _wait_visible(table: str, patience_seconds: float) -> Flow[TableDescription]:
    """Wait for a table that was just created: describing it may fail for a moment."""
    looks = _Looks(min(patience_seconds, sum(_POLL_SECONDS)))
    while True:
        try:
            return (yield from wait_active(table, patience_seconds))
        except TableNotFound:
            yield from looks.pause()
            if looks.is_over():
                raise


def _set_ttl(table: str, attribute: str) -> Flow[None]:
    """Let the items of a new table expire, unless somebody else has done it already."""
    enabled: str | None = yield DescribeTimeToLive(table)
    if enabled is not None:
        return
    try:
        yield UpdateTimeToLive(table, attribute)
    except (InvalidRequest, TableInUse):
        enabled = yield DescribeTimeToLive(table)
        if enabled != attribute:
            raise


def delete_table(table: str, patience_seconds: float) -> Flow[bool]:
    """Delete a table and wait until it is gone; False where there was none."""
    found = yield from describe(table)
    if found is None:
        return False
    looks = _Looks(patience_seconds)
    while True:
        try:
            yield DeleteTable(table)
        except TableNotFound:
            return True  # it was there a moment ago
        except TableInUse:  # being created, changed or deleted
            found = yield from describe(table)
            if found is None or found.status == "DELETING":
                break
            yield from looks.pause()
            if looks.is_over():
                raise
        else:
            break
    yield from _wait_gone(table, patience_seconds)
    return True


def _wait_gone(table: str, patience_seconds: float) -> Flow[None]:
    looks = _Looks(patience_seconds)
    while (yield from describe(table)) is not None:
        yield from looks.pause()
        if looks.is_over():
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
    looks = _Looks(patience_seconds)
    is_changed = False
    while True:
        now = yield from wait_active(table, patience_seconds)
        change = None if now.is_on_demand else _changed(table, now, throughputs)
        if change is None:
            return is_changed
        try:
            yield change
        except (TableInUse, InvalidRequest) as error:
            # Another process changes it too, or our own change went through unanswered.
            if isinstance(error, InvalidRequest) and not (yield from _is_as_asked(table, throughputs)):
                raise
            yield from looks.pause()
            if looks.is_over():
                raise
            is_changed = True
        else:
            break
    if wait:
        yield from wait_active(table, patience_seconds)
    return True


def _is_as_asked(table: str, throughputs: Mapping[str, Mapping[str, int]]) -> Flow[bool]:
    now: TableDescription = yield DescribeTable(table)
    return _changed(table, now, throughputs) is None


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
