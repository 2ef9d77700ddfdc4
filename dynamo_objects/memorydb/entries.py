"""What a MemoryTable knows about one key, and whether it must be written.

=================  ==================================================================
an entry is        when
=================  ==================================================================
loaded             its record was read: dirty when it differs from what was read
new                its record was made here: dirty once saved, or changed since made
absent             the service has said that there is no item: never dirty
deleted            it is to be deleted: dirty
=================  ==================================================================
"""

from __future__ import annotations

from typing import Any

import attrs

from ..codec.records import RecordCodec
from ..codec.values import Invalid, Item

__all__ = ["Entry", "is_dirty"]


@attrs.define(eq=False, weakref_slot=False)
class Entry:
    """The state of one key.

    Attributes:
        lookup: The key as a typed tuple.
        key: The key as users write it.
        record: The one record of this key; None when absent or deleted.
        base: The item in the table, as far as known.
        is_known: Whether *base*, or that there is none, was learnt from the table.
        is_saved: Whether ``save`` was called for a new record.
        created: The item of a record that was made for an absent key, as it was made.
        is_deleted: Whether the item is to be deleted.
    """

    lookup: tuple[Any, ...]
    key: Any
    record: Any = None
    base: Item | None = None
    is_known: bool = False
    is_saved: bool = False
    created: Item | None = None
    is_deleted: bool = False

    @property
    def is_known_to_table(self) -> bool:
        """Tell whether the table has an item, as far as known."""
        return self.base is not None

    @property
    def is_absent(self) -> bool:
        """Tell whether there is no record, neither here nor in the table."""
        return self.record is None and not self.is_deleted


def is_dirty(codec: RecordCodec, entry: Entry) -> bool:
    """Tell whether a flush has anything to write for an entry."""
    record = entry.record
    if record is None:
        return entry.is_deleted
    if record._item is not None:
        return codec.is_dirty(record)
    if entry.is_saved or entry.base is not None:
        return True
    try:
        return codec.encode(record) != entry.created
    except Invalid:
        return True  # changed to something that cannot be stored: the flush will say so
