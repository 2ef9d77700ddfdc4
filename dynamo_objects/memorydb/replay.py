"""Replays an accepted change late: as ``save`` would, so that no newer write is overwritten.

A changed record sends its changed fields, guarded by the values that they were made from, or by
its version; a new one must not exist yet; what is deleted or replaced must be as it was. What is
stored already counts as done. What is stored by an earlier change of the same journal is ours, and
the later change goes on from there. Everything else is a conflict.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import attrs
import msgspec

from ..codec.values import AttributeValue, Item
from ..errors import ConditionFailed, OutcomeUnknown, QueryError
from ..expressions.evaluate import equal, matches
from ..expressions.tree import (
    AttributeExists,
    AttributeNotExists,
    Compare,
    Condition,
    Path,
    Remove,
    Set,
    Update,
    Value,
    all_of,
    any_of,
)
from ..flows.base import Flow
from ..operations.item import DeleteItem, GetItem, PutItem, UpdateItem
from .journal.lines import Change, Header
from .journal.points import reach

__all__ = ["Outcome", "replay"]

#: How often a change is tried while others keep changing its item.
_MAX_TRIES = 5


@attrs.frozen(eq=False)
class Outcome:
    """What became of a change.

    Attributes:
        what: ``conflict`` stands for everything that could not be replayed safely.
        theirs: The stored item, of a conflict.
        reason: Of a conflict.
    """

    what: Literal["replayed", "there already", "conflict"]
    theirs: Item | None = attrs.field(default=None, repr=False)
    reason: str = ""


class _Conflict(Exception):
    """Carries the outcome of a conflict."""

    def __init__(self, theirs: Item | None, reason: str) -> None:
        self.outcome = Outcome("conflict", theirs, reason)
        super().__init__(reason)


_REPLAYED, _THERE = Outcome("replayed"), Outcome("there already")


def replay(header: Header, change: Change, earlier: Sequence[Change]) -> Flow[Outcome]:
    """Carry out a change, unless somebody else has written since, and return what became of it.

    Args:
        header: Of the journal.
        change: The last one of its key.
        earlier: Those before it, which may have been carried out.

    Raises:
        DynamoException: Nothing is known; it may be tried again.
    """
    try:
        return (yield from _replay(header, change, earlier))
    except _Conflict as conflict:
        return conflict.outcome
    except QueryError:  # a condition that is longer than DynamoDB allows
        theirs = yield GetItem(header.table, change.key, consistent=True)
        return Outcome("conflict", theirs, "it has too many attributes for a condition")


def _replay(header: Header, change: Change, earlier: Sequence[Change]) -> Flow[Outcome]:
    # Conditions cannot say that an item has no further attributes: what goes as a whole is looked at first.
    needs_look = change.kind in ("delete", "replace")
    for _ in range(_MAX_TRIES):
        if needs_look:
            stored = yield GetItem(header.table, change.key, consistent=True)
            if _is_there(header, change, stored):
                return _THERE
            change = _going_on(header, change, earlier, stored)
        operation = _operation(header, change)
        if operation is None:
            return _THERE
        reach("recover: sending")
        try:
            yield operation
        except (ConditionFailed, OutcomeUnknown):
            needs_look = True
        else:
            reach("recover: sent")
            return _REPLAYED
    raise _Conflict(None, "its item is being changed again and again")


# --- what is stored --------------------------------------------------------------------------


def _is_there(header: Header, change: Change, stored: Item | None) -> bool:
    """Tell whether everything that a change was to do is to be seen in the table."""
    if change.item is None or stored is None:
        return change.item is None and stored is None
    if change.kind != "update":
        return _same(change.item, stored)
    return all(
        _same_value(stored.get(wire), change.item.get(wire))
        for wire in _changed(change)
        if wire != header.version
    )


def _going_on(header: Header, change: Change, earlier: Sequence[Change], stored: Item | None) -> Change:
    """Return the change to be made of what is stored.

    Raises:
        _Conflict: Somebody else has written it.
    """
    if _fits(header, change, stored):
        return change
    if stored is not None and any(ours.item is not None and _same(ours.item, stored) for ours in earlier):
        return _rebased(header, change, stored)
    raise _Conflict(stored, _reason(change, stored))


def _fits(header: Header, change: Change, stored: Item | None) -> bool:
    """Tell whether what is stored is what a change was made from."""
    if change.kind == "update":
        return stored is not None and matches(_guard(header, change), stored)
    if stored is None:
        return True  # nothing to be put aside; deletions of nothing are there already
    return change.kind != "put" and change.base is not None and _same(change.base, stored)


def _rebased(header: Header, change: Change, stored: Item) -> Change:
    """Return a change as one of *stored*, which an earlier change of ours has made."""
    item = change.item
    if item is None:
        return msgspec.structs.replace(change, base=stored)
    if header.version is not None:
        item = {**item, header.version: _next(stored.get(header.version))}
    return msgspec.structs.replace(change, kind="update", item=item, base=stored)


def _next(version: AttributeValue | None) -> AttributeValue:
    return {"N": str(int((version or {}).get("N", "0")) + 1)}


def _reason(change: Change, stored: Item | None) -> str:
    if stored is None:
        return "it was deleted by somebody else"
    if change.base is None:
        return "there is an item that was not known of" if change.item is None else "there is an item already"
    return "it was changed by somebody else"


def _same(left: Item, right: Item) -> bool:
    return left.keys() == right.keys() and all(equal(left[wire], right[wire]) for wire in left)


def _same_value(left: AttributeValue | None, right: AttributeValue | None) -> bool:
    if left is None or right is None:
        return left is right
    return equal(left, right)


def _changed(change: Change) -> list[str]:
    """Return the attributes that an update changes."""
    item, base = change.item or {}, change.base or {}
    return [w for w in {**base, **item} if base.get(w) != item.get(w) and w not in change.key]


# --- what is sent ----------------------------------------------------------------------------


def _operation(header: Header, change: Change) -> PutItem | UpdateItem | DeleteItem | None:
    """Return the guarded write of a change; None when it changes nothing."""
    table, item, wires = header.table, change.item, frozenset(change.key)
    if item is None:
        return DeleteItem(table, change.key, _guard(header, change))
    if change.kind != "update":
        return PutItem(table, item, _put_guard(header, change), key_wires=wires)
    changed = _changed(change)
    update = Update(
        sets=tuple(Set(Path.of(wire), Value(item[wire])) for wire in changed if wire in item),
        removes=tuple(Remove(Path.of(wire)) for wire in changed if wire not in item),
    )
    return UpdateItem(table, change.key, update, _guard(header, change)) if changed else None


def _guard(header: Header, change: Change) -> Condition:
    """Return the condition that an item is still what a change was made from."""
    base = change.base or {}
    if header.version is not None:
        guarded = [header.version]
    elif change.kind == "update":
        guarded = _changed(change)
    else:  # also what somebody may add between the look and the write, as far as it can be named
        guarded = list(dict.fromkeys([*base, *header.attributes]))
    conditions: list[Condition] = [AttributeExists(Path.of(header.keys[0][0]))]
    for wire in guarded:
        if wire not in change.key:
            path, old = Path.of(wire), base.get(wire)
            conditions.append(AttributeNotExists(path) if old is None else Compare("=", path, Value(old)))
    guard = all_of(*conditions)
    assert guard is not None  # there is one condition at least
    return guard


def _put_guard(header: Header, change: Change) -> Condition | None:
    """Return the condition of putting a whole item."""
    absent = AttributeNotExists(Path.of(header.keys[0][0]))
    return absent if change.base is None else any_of(absent, _guard(header, change))
