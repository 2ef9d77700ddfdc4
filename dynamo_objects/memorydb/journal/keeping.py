"""A MemoryTable with a journal: what happens when it opens, when a unit ends, and around a flush."""

from __future__ import annotations

import os
import weakref
from functools import partial

from ...errors import BatchFailed
from ..entries import Entry
from ..identity import IdentityMap
from ..plan import plan_flush
from .home import home_of
from .journal import Journal

__all__ = ["keep_journal"]


def keep_journal(known: IdentityMap, path: str | os.PathLike[str]) -> None:
    """Have everything that a map accepts kept in a journal.

    Raises:
        JournalInUse: Somebody else has it open.
        JournalUnfinished: It holds what a process has left behind.
        JournalError: It belongs to another table, or cannot be used safely.
    """
    known.journal = Journal(path, known.schema, partial(home_of, known.table))
    # A map that held itself would keep the lock of its file until the next garbage collection.
    known.on_unit = partial(_accept_unit, weakref.ref(known))


def _accept_unit(reference: weakref.ref[IdentityMap], entries: list[Entry]) -> None:
    """Have everything that is dirty on disk at the end of a unit.

    Raises:
        BatchFailed: The unit has changed records so that they cannot be stored.
        JournalError: The journal cannot be written.
    """
    known = reference()
    assert known is not None  # its own unit is ending
    assert known.journal is not None
    with known.planning:
        plan = plan_flush(known.schema, known.name, known.entries(), conditional=False, overwrite=False)
    keys = {entry.lookup for entry in entries}
    bad = [
        failure
        for failure in plan.failed
        if known.lookup(known.schema.key_item(*known.schema.pair(failure.key))) in keys
    ]
    if bad:
        raise BatchFailed(f"unit of {known.schema.table_name}, which was undone", bad)
    known.journal.accept(plan, sends=False)
