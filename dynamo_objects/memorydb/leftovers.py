"""A warning for changes that nobody will write any more: a MemoryTable ends, and has some.

It is given when a table is freed, or at the exit of the program. Whoever has been told by an
error (a flush that failed, an exception in the block), or has said ``reset()``, is not told
again.
"""

from __future__ import annotations

import atexit
import warnings
import weakref
from contextlib import suppress

from .identity import IdentityMap

__all__ = ["UnwrittenChanges", "leave", "watch"]

#: How many keys a warning names.
_NAMED = 5


class UnwrittenChanges(RuntimeWarning):
    """A MemoryTable has ended with changes that were never flushed; they are lost."""


_watched: weakref.WeakSet[IdentityMap] = weakref.WeakSet()


def watch(known: IdentityMap) -> None:
    """Have a map looked at when the program exits."""
    _watched.add(known)


def leave(known: IdentityMap) -> None:
    """Look at a map that nobody will use any more, and warn if it has unwritten changes."""
    # Not by _watched: the garbage collector clears weak references before it calls __del__.
    if known.is_left:
        return
    known.is_left = True
    if known.was_inherited_dirty:
        return  # the process that has made the changes knows of them
    keys = [entry.key for entry in known.dirty() if entry.key not in known.was_reported]
    if known.journal is not None and known.journal.count >= len(keys):
        return  # they are accepted: a recovery writes them
    if keys:
        named = ", ".join(repr(key) for key in keys[:_NAMED]) + (", ..." if len(keys) > _NAMED else "")
        warnings.warn(
            f"MemoryTable of {known.schema.table_name} ends with unwritten changes of {len(keys)} records, "
            f"which are lost ({named}): save_data_batch() writes them, reset() forgets them",
            UnwrittenChanges,
            stacklevel=3,
        )


def _at_exit() -> None:
    for known in list(_watched):
        with suppress(Exception):
            leave(known)


atexit.register(_at_exit)
