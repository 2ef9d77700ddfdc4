"""Provisioned throughput: buckets of capacity units that fill with time.

A table or index that is provisioned saves up what it does not use, for 300 seconds at most
(AWS Developer Guide, "Burst and adaptive capacity"). A request is carried out while there is
anything left, however much it takes, and the next ones pay for it: the service, too, learns
what a request costs only by carrying it out. A table on demand is never throttled.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

import msgspec

from .capacity import Consumed
from .definitions import Table, Units
from .errors import throughput_exceeded
from .meter import Meter

__all__ = ["BURST_SECONDS", "Throttle"]

BURST_SECONDS = 300.0


class _Bucket(msgspec.Struct):
    """Units that are left.

    Attributes:
        rate: Units per second.
        level: Units left at *filled*; below zero when a request took more than there was.
        filled: Time of the last look.
    """

    rate: float
    level: float
    filled: float

    def look(self, now: float, rate: float) -> float:
        """Return what is left now."""
        if rate != self.rate:  # provisioned anew: what was saved up stays, as far as there is room
            self.level = min(self.level, rate * BURST_SECONDS)
            self.rate = rate
        gained = max(0.0, now - self.filled) * rate
        self.level = min(rate * BURST_SECONDS, self.level + gained)
        self.filled = now
        return self.level


class Throttle(Meter):
    """Refuses what exceeds the provisioned throughput of tables and indexes.

    Args:
        clock: Returns the seconds since 1970.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._buckets: dict[tuple[int, str], _Bucket] = {}

    def read(self, table: Table, index: str | None, units: float) -> None:
        """Take read units.

        Raises:
            ApiError: None were left.
        """
        with self._lock:
            bucket = self._read_bucket(table, index)
            if bucket is not None:
                if bucket.level <= 0:
                    raise throughput_exceeded(is_index=index is not None)
                bucket.level -= units

    def has_read(self, table: Table, units: float) -> bool:
        """Take read units if any are left; tell whether they were."""
        with self._lock:
            bucket = self._read_bucket(table, None)
            if bucket is None:
                return True
            if bucket.level <= 0:
                return False
            bucket.level -= units
            return True

    def has_write(self, table: Table) -> bool:
        """Tell whether the table and all its indexes have write units left."""
        with self._lock:
            names = [None, *(name for name, index in table.indexes.items() if index.is_global)]
            buckets = [self._write_bucket(table, name) for name in names]
            return all(bucket is None or bucket.level > 0 for bucket in buckets)

    def write(self, consumed: Consumed) -> None:
        """Take write units of a table and its indexes, or none of them.

        Raises:
            ApiError: The table, or an index that the write changes, had none left.
        """
        table = consumed.table
        own = consumed.own + sum(
            u for name, u in consumed.indexes.items() if not table.indexes[name].is_global
        )
        wanted: list[tuple[str | None, float]] = [(None, own)]
        wanted += [(name, u) for name, u in consumed.indexes.items() if table.indexes[name].is_global]
        with self._lock:
            buckets = [(name, self._write_bucket(table, name), units) for name, units in wanted]
            for name, bucket, _ in buckets:
                if bucket is not None and bucket.level <= 0:
                    raise throughput_exceeded(is_index=name is not None)
            for _, bucket, units in buckets:
                if bucket is not None:
                    bucket.level -= units

    def _read_bucket(self, table: Table, index: str | None) -> _Bucket | None:
        units, collection = _provisioned(table, index)
        return None if units is None else self._bucket(collection, "read", units.read)

    def _write_bucket(self, table: Table, index: str | None) -> _Bucket | None:
        units, collection = _provisioned(table, index)
        return None if units is None else self._bucket(collection, "write", units.write)

    def _bucket(self, collection: int, kind: str, rate: float) -> _Bucket:
        now = self._clock()
        bucket = self._buckets.get((collection, kind))
        if bucket is None:
            # AWS: a new table has its provisioned throughput at once, and nothing saved up.
            bucket = self._buckets[collection, kind] = _Bucket(rate, float(rate), now)
        bucket.look(now, rate)
        return bucket


def _provisioned(table: Table, name: str | None) -> tuple[Units | None, int]:
    """Return the units that count for a table or index, and the collection that they are of."""
    index = None if name is None else table.indexes[name]
    if index is None or not index.is_global:  # a local index takes its table's units
        return table.units, table.collection
    return index.units, index.collection
