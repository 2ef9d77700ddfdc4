"""DescribeTimeToLive, UpdateTimeToLive.

Source: API reference; words: AWS's answers to dynalite's tests. AWS refuses a second change
within an hour; this engine does not.
"""

from __future__ import annotations

from typing import Any

import msgspec

from .definitions import Table
from .engine import Context, Handler
from .errors import in_use, invalid, not_found
from .lifecycle import settled
from .requests import table_name
from .storage.base import Unit

__all__ = ["TTL_HANDLERS"]


def describe_time_to_live(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Return by which attribute the items of a table expire."""
    with context.storage.reading() as unit:
        table = _table(context, unit, table_name(request))
    if table.status in ("CREATING", "DELETING"):
        state = f"Current table state is {table.status}"
        raise invalid(f"Cannot describe time to live while table is in {table.status} state: {state}")
    if table.ttl is None:
        return {"TimeToLiveDescription": {"TimeToLiveStatus": "DISABLED"}}
    return {"TimeToLiveDescription": {"TimeToLiveStatus": "ENABLED", "AttributeName": table.ttl}}


def update_time_to_live(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Turn expiry on or off."""
    given = request["TimeToLiveSpecification"]
    name, is_enabled = given["AttributeName"], given["Enabled"]
    with context.storage.writing() as unit:
        table = _table(context, unit, table_name(request))
        _check(table, name, is_enabled)
        context.catalog.save(unit, msgspec.structs.replace(table, ttl=name if is_enabled else None))
    return {"TimeToLiveSpecification": {"Enabled": is_enabled, "AttributeName": name}}


def _check(table: Table, name: str, is_enabled: bool) -> None:
    if table.status in ("CREATING", "DELETING"):
        raise in_use(f"Time to live cannot be configured when table is in {table.status} state")
    if not is_enabled and table.ttl is None:
        raise invalid("TimeToLive is already disabled")
    if is_enabled and table.ttl == name:
        raise invalid("TimeToLive is already enabled")
    if table.ttl is not None and table.ttl != name:
        raise invalid(
            f"TimeToLive is active on a different AttributeName: current AttributeName is {table.ttl}"
        )


def _table(context: Context, unit: Unit, name: str) -> Table:
    table = context.catalog.find(unit, name)
    held = None if table is None else settled(table, context.options.clock())
    if held is None:
        raise not_found(f"Requested resource not found: Table: {name} not found")
    return held


#: Operation -> what carries it out.
TTL_HANDLERS: dict[str, Handler] = {
    "DescribeTimeToLive": describe_time_to_live,
    "UpdateTimeToLive": update_time_to_live,
}
