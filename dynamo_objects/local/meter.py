"""Where consumed units are counted. This meter lets everything pass."""

from __future__ import annotations

from .capacity import Consumed
from .definitions import Table

__all__ = ["Meter"]


class Meter:
    """Takes note of consumed units; a stricter one refuses what exceeds the provisioned throughput."""

    def read(self, table: Table, index: str | None, units: float) -> None:
        """Count read units of a table or of one of its indexes."""

    def has_read(self, table: Table, units: float) -> bool:
        """Count read units of a batch if there are any left; tell whether there were."""
        return True

    def has_write(self, table: Table) -> bool:
        """Tell whether there are any write units left for one more write of a batch."""
        return True

    def write(self, consumed: Consumed) -> None:
        """Count write units of a table and its indexes."""
