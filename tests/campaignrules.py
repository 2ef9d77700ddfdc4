"""What a write of a MemoryTable makes of a stored state: the documented rules, written down once more.

Everything here is arithmetic on states; nothing talks to a table, and nothing of the library is used.
"""

from __future__ import annotations

from typing import Any, Literal

import attrs

from tests.campaignworld import ABSENT, Possible, State

__all__ = ["REFUSED", "Change", "Manner", "Refused", "after", "merged"]

#: How a change is written; ``mixed`` is guarded for records with versions, else a batch.
Manner = Literal["batch", "guarded", "merge", "mixed", "overwrite"]


class Refused:
    """What becomes of a change that meets another."""

    def __repr__(self) -> str:
        return "refused"


#: Stands for a conflict, which leaves what is stored.
REFUSED = Refused()


@attrs.frozen
class Change:
    """A change of one key, as its maker sees it.

    Attributes:
        base: What it was made from; None: from nothing.
        mine: What it is to become; None: deleted.
        is_known: Whether *base* was read; else nobody has looked.
        is_anew: Whether it was deleted and made again in between.
        is_counted: Whether records have versions.
    """

    base: Possible
    mine: Possible
    is_known: bool = True
    is_anew: bool = False
    is_counted: bool = False

    @property
    def changed(self) -> list[str]:
        """Return the fields that differ from the base, without the version."""
        base, mine = self.base or ABSENT, self.mine or ABSENT
        return [name for name in _FIELDS if getattr(base, name) != getattr(mine, name)]


_FIELDS = ("text", "note", "count", "tags")


def after(change: Change, manner: Manner, stored: Possible) -> Possible | Refused:
    """Return what is stored after a write that was carried out, or REFUSED.

    A version that is wrong by the rules shows as a wrong state, except of an overwrite.
    """
    if manner == "overwrite" or (manner == "batch" and not change.is_counted):
        return _whole(change, stored)
    if change.mine is None:
        return _deleted(change, stored)
    if change.is_anew:
        if stored is None or not change.is_known or _is_same(change, stored):
            return _counted(change, change.mine, change.base)
        return REFUSED
    if change.base is None:
        if stored is None:
            return _counted(change, change.mine, None)
        return merged(change, stored) if manner == "merge" else REFUSED
    if stored is None:
        return REFUSED
    if _is_guarded(change, stored):
        fields = {name: getattr(change.mine, name) for name in change.changed}
        return _counted(change, stored._replace(**fields), stored)
    return merged(change, stored) if manner == "merge" else REFUSED


def _whole(change: Change, stored: Possible) -> Possible:
    if change.mine is None:
        return None
    return _counted(change, change.mine, change.mine if change.base is not None else None)


def _deleted(change: Change, stored: Possible) -> Possible | Refused:
    if stored is None or not change.is_known or _is_same(change, stored):
        return None
    return REFUSED


def _is_same(change: Change, stored: State) -> bool:
    """Tell whether an item is as it was read: its version, or each of its values."""
    if change.base is None:
        return False
    return stored.version == change.base.version if change.is_counted else stored == change.base


def _is_guarded(change: Change, stored: State) -> bool:
    assert change.base is not None
    if change.is_counted:
        return stored.version == change.base.version
    return all(getattr(stored, name) == getattr(change.base, name) for name in change.changed)


def _counted(change: Change, state: State, before: Possible) -> State:
    if not change.is_counted:
        return state
    return state._replace(version=(before.version if before is not None else 0) + 1)


def merged(change: Change, stored: State) -> State | Refused:
    """Return both changes put together, or REFUSED where no rule decides."""
    base, mine = change.base or ABSENT, change.mine
    assert mine is not None
    values: dict[str, Any] = {}
    for name in change.changed:
        old, my, their = (getattr(each, name) for each in (base, mine, stored))
        if their == old or (my == their and name in ("text", "note")):
            values[name] = my
        elif name == "count":
            values[name] = their + my - old
        elif name == "tags":
            values[name] = tuple(sorted((set(their) | set(my) - set(old)) - (set(old) - set(my))))
        else:
            return REFUSED
    result = stored._replace(**values)
    return stored if result == stored else _counted(change, result, stored)
