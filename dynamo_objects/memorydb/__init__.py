"""MemoryTable: an identity map with write-back over a table.

``entries`` is what is known of a key, ``cache`` where entries are kept, ``overlay`` how
queries see them, ``plan`` what a flush writes and ``flush`` how.
"""

from __future__ import annotations

from .overlay import MemoryQuery
from .plan import FlushReport
from .table import MemoryTable

__all__ = ["FlushReport", "MemoryQuery", "MemoryTable"]
