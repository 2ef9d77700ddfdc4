"""MemoryTable: an identity map with write-back over a table.

``entries`` is what is known of a key, ``cache`` where entries are kept, ``identity`` what
becomes of them, ``reading`` how each key is read once; ``overlay`` is how queries
(``query``) see what is cached; ``plan`` is what a flush writes and ``flush`` how.
"""

from __future__ import annotations

from .plan import FlushReport
from .query import MemoryQuery
from .table import MemoryTable

__all__ = ["FlushReport", "MemoryQuery", "MemoryTable"]
