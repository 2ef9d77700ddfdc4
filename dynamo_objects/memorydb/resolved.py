"""What a MemoryTable makes of a conflict that a flush has resolved, and of functions that decide one."""

from __future__ import annotations

import threading
from typing import Any

from ..codec.merging import is_as_planned
from ..errors import QueryError
from ..flows.deciding import OnConflict, check_on_conflict
from ..flows.removing import Removal
from ..flows.resolving import Resolved, adopted
from ..flows.saving import at_home
from ..operations.item import PutItem
from ..schema import TableSchema
from .entries import rebased, recount
from .identity import IdentityMap
from .plan import FlushReport, Stored

__all__ = ["count", "take_over", "way_of"]


def way_of(known: IdentityMap, given: OnConflict | None, *, overwrite: bool, atomic: bool) -> OnConflict:
    """Return how the conflicts of a flush end.

    Args:
        given: For this flush; None: as for the table.

    Raises:
        QueryError: It is no way to end conflicts, or there is nothing that it could decide.
    """
    if given is not None:
        check_on_conflict(given, overwrite=overwrite)
        if atomic and given != "raise":
            raise QueryError("atomic=True is all or nothing: on_conflict= has nothing to decide")
    way = known.on_conflict if given is None else given
    return _Decider(known, way) if callable(way) else way


class _Decider:
    """Calls a function of the user's, and takes note of the thread: it must not flush from there."""

    def __init__(self, known: IdentityMap, function: Any) -> None:
        self._known = known
        self._function = function

    def __call__(self, base: Any, mine: Any, theirs: Any) -> Any:
        thread = threading.get_ident()
        self._known.deciders.add(thread)
        try:
            return self._function(base, mine, theirs)
        finally:
            self._known.deciders.discard(thread)


def count(report: FlushReport, resolved: Resolved) -> None:
    """Count a resolved conflict, and what was written for it."""
    report.merged += 1
    if isinstance(resolved.plan, Removal):
        report.deletes += 1
    elif resolved.plan is not None and isinstance(resolved.plan.operation, PutItem):
        report.puts += 1
    elif resolved.plan is not None:
        report.updates += 1


def take_over(schema: TableSchema, table: str, stored: Stored, resolved: Resolved) -> None:
    """Have an entry, and its record, hold what is stored now, whatever happened to it meanwhile."""
    item = resolved.item
    if item is None:
        _take_over_nothing(schema, stored, resolved)
        return
    entry, record = stored.entry, stored.entry.record
    entry.base, entry.is_known, entry.is_gone, entry.is_doubtful = item, True, False, False
    if record is None and stored.record is None:  # the deletion was given up
        entry.learn(at_home(schema.codec.decode(dict(item)), table), item)
        entry.created, entry.is_deleted = None, False
    elif record is None or (record._stored is None and record is not stored.record):
        entry.is_deleted = True  # deleted or replaced meanwhile
        recount(schema.codec, entry)
    else:
        if resolved.planned is None:  # saved again meanwhile
            entry.record = rebased(schema.codec, record, item)
        else:
            entry.record = adopted(schema, record, resolved, table)
        entry.created, entry.is_deleted = None, False


def _take_over_nothing(schema: TableSchema, stored: Stored, resolved: Resolved) -> None:
    """Take over that there is no item any more."""
    entry, record, planned = stored.entry, stored.entry.record, resolved.planned
    entry.base, entry.is_known, entry.is_gone, entry.is_deleted = None, True, True, False
    entry.is_doubtful = False
    if record is not None and record._stored is not None:
        schema.codec.remember(record, None, None)  # if it was changed meanwhile, it is new
        if record is stored.record and planned is not None and is_as_planned(schema.codec, record, planned):
            entry.record, entry.created = None, None
