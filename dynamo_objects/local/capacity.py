"""Capacity units: what reads and writes of so many bytes cost, and how replies report it.

Sources: AWS Developer Guide, "DynamoDB read and write operations" (a read unit is 4 KB read
consistently, eventually consistent reads cost half; a write unit is 1 KB; transactions cost
double) and "Using global secondary indexes", "Provisioned throughput considerations".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from .definitions import Table

__all__ = ["Consumed", "read_units", "report", "reports", "write_units"]

_READ_BYTES = 4096
_WRITE_BYTES = 1024


def read_units(size_bytes: int, *, consistent: bool, transactional: bool = False) -> float:
    """Return the units that reading so many bytes costs; reading nothing costs like the smallest item."""
    started = max(1, -(-size_bytes // _READ_BYTES))
    if transactional:
        return started * 2.0
    return started * (1.0 if consistent else 0.5)


def write_units(size_bytes: int) -> float:
    """Return the units that writing so many bytes costs, once."""
    return float(max(1, -(-size_bytes // _WRITE_BYTES)))


class Consumed(msgspec.Struct):
    """What requests have consumed of one table.

    Attributes:
        table: The table.
        own: Units of the table itself.
        indexes: Index -> units.
        is_write: Whether the units are write units.
        is_split: Whether reports tell reads from writes, as those of transactions do.
    """

    table: Table
    own: float = 0.0
    indexes: dict[str, float] = msgspec.field(default_factory=dict)
    is_write: bool = False
    is_split: bool = False

    @property
    def total(self) -> float:
        """Return the units of table and indexes together."""
        return self.own + sum(self.indexes.values())

    def add(self, other: Consumed, *, transactional: bool = False) -> None:
        """Add what another request has consumed of the same table.

        Args:
            transactional: It is part of a transaction, which costs double, but not in indexes
                (github.com/nubo-db/dynoxide/pull/188, checked on AWS).
        """
        self.own += other.own * (2 if transactional else 1)
        for name, units in other.indexes.items():
            self.indexes[name] = self.indexes.get(name, 0.0) + units


def report(request: Mapping[str, Any], consumed: Consumed) -> dict[str, Any] | None:
    """Return ConsumedCapacity as the request asks for it; None when it does not."""
    detail = request.get("ReturnConsumedCapacity")
    if detail is None or detail == "NONE":
        return None
    found = {"TableName": consumed.table.name, **_units(consumed, consumed.total)}
    if detail == "INDEXES":
        found["Table"] = _units(consumed, consumed.own)
        for member, is_global in (("LocalSecondaryIndexes", False), ("GlobalSecondaryIndexes", True)):
            named = {
                name: _units(consumed, units)
                for name, units in consumed.indexes.items()
                if consumed.table.indexes[name].is_global is is_global
            }
            if named:
                found[member] = named
    return found


def reports(request: Mapping[str, Any], consumed: Iterable[Consumed]) -> list[dict[str, Any]] | None:
    """Return ConsumedCapacity of a request for several tables; None when it does not ask."""
    found = [one for one in (report(request, each) for each in consumed) if one is not None]
    return found or None


def _units(consumed: Consumed, units: float) -> dict[str, Any]:
    found = {"CapacityUnits": units}
    if consumed.is_split:
        found["WriteCapacityUnits" if consumed.is_write else "ReadCapacityUnits"] = units
    return found
