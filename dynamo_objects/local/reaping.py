"""TTL: expired items are deleted some time after they have expired.

Source: AWS Developer Guide, "Using time to live (TTL)": the attribute is a number of seconds
since 1970; items that expired more than five years ago are kept; deletion may take days.
"""

from __future__ import annotations

from decimal import Decimal

from ..codec.values import Item
from .definitions import Position, Table
from .engine import Context
from .storage.base import Span, Unit
from .writes import remove

__all__ = ["Reaper", "reap"]

_FIVE_YEARS = 5 * 365 * 24 * 3600


def reap(context: Context) -> int:
    """Delete the items that have expired; return how many there were."""
    now = context.options.clock() - (context.options.ttl_delay_seconds or 0.0)
    count = 0
    with context.storage.writing() as unit:
        for table in list(context.catalog.tables(unit)):
            if table.ttl is not None and table.status == "ACTIVE":
                for position in _expired(unit, table, table.ttl, now):
                    remove(context, unit, table, position)
                    count += 1
    return count


def _expired(unit: Unit, table: Table, attribute: str, now: float) -> list[Position]:
    return [
        position
        for position, entry in unit.entries(table.collection, Span())
        if _has_expired(entry.item, attribute, now)
    ]


def _has_expired(item: Item, attribute: str, now: float) -> bool:
    text = item.get(attribute, {}).get("N")
    return text is not None and now - _FIVE_YEARS <= Decimal(text) < now


class Reaper:
    """Deletes expired items, at most once a second."""

    def __init__(self) -> None:
        self._reaped = float("-inf")

    def __call__(self, context: Context) -> None:
        now = context.options.clock()
        if not 0 <= now - self._reaped < 1:
            self._reaped = now
            reap(context)
