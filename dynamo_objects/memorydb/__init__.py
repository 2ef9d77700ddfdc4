"""MemoryTable: an identity map with write-back over a table.

``entries`` is what is known of a key, ``cache`` where entries are kept, ``identity`` what
becomes of them, ``reading`` how each key is read once, and ``gathering`` many with one
request; ``overlay`` is how queries (``query``) see what is cached; ``units`` undo changes.
``plan`` is what a flush writes, ``flush`` how, ``flushing`` when, also of several tables
(``together``), and ``pressure`` when nobody has asked for it. ``leftovers`` warns of what
was never flushed. ``journal`` keeps what was accepted on disk, for ``recovery``, which lets
``replay`` carry it out.
"""

from __future__ import annotations

from .gathering import Loader, Pending
from .leftovers import UnwrittenChanges
from .plan import FlushReport
from .query import MemoryQuery
from .recovery import RecoveryReport, recover
from .table import MemoryTable
from .together import save_all
from .units import Unit

__all__ = [
    "FlushReport",
    "Loader",
    "MemoryQuery",
    "MemoryTable",
    "Pending",
    "RecoveryReport",
    "Unit",
    "UnwrittenChanges",
    "recover",
    "save_all",
]
