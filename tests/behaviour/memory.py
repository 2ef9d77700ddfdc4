"""What the tests of MemoryTable share."""

from __future__ import annotations

import pytest

__all__ = ["Bar", "both_ways", "filled", "written"]

#: Both ways to flush.
both_ways = pytest.mark.parametrize("flush", ["save_data", "save_data_batch"])


def filled(table, count, **fields):
    """Store some records, and return the table."""
    table.save_many([table.record_class(store_id=f"s{n}", **fields) for n in range(count)])
    return table


def written(sent):
    """Return how many requests wrote something."""
    return sum(sent.get(name, 0) for name in ("PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem"))


class Bar:
    """A progress bar."""

    def __init__(self):
        self.counted = []

    def update(self, n=1):
        self.counted.append(n)
