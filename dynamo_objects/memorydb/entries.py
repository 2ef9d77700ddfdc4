"""What a MemoryTable knows about one key, and whether it must be written.

=================  ==================================================================
an entry is        when
=================  ==================================================================
loaded             its record was read: dirty when it differs from what was read
new                its record was made here: dirty once saved, or changed since made
absent             the service has said that there is no item: never dirty
deleted            its item is to be deleted: dirty, also when a new record is there
=================  ==================================================================

A record that was made for an absent key and not touched since, the Null object, stands
for nothing: it is not written, queries do not show it, and it does not undo a deletion.
"""

from __future__ import annotations

import copy
from typing import Any

import attrs

from ..codec.records import RecordCodec
from ..codec.values import Invalid, Item

__all__ = [
    "Entry",
    "Lookup",
    "counted_on",
    "current_item",
    "is_dirty",
    "is_in_force",
    "rebased",
    "recount",
    "shape",
]

#: The key of an entry, as ``TableSchema.lookup`` makes it: a typed tuple.
Lookup = tuple[Any, ...]


@attrs.define(eq=False, weakref_slot=False)
class Entry:
    """The state of one key.

    Attributes:
        lookup: The key as a typed tuple.
        key: The key as users write it.
        record: The one record of this key; None when absent or deleted.
        base: The item in the table, as far as known; a loaded record's own is what counts.
        is_known: Whether *base*, or that there is none, was learnt from the table.
        created: The shape of a Null object as it was made; None for a record that was saved.
        is_deleted: Whether the item in the table is to go.
        is_gone: Whether a flush has deleted the item.
        is_doubtful: Whether a flush may have stored the record without getting to know that.
    """

    lookup: Lookup
    key: Any
    record: Any = None
    base: Item | None = None
    is_known: bool = False
    created: Any = None
    is_deleted: bool = False
    is_gone: bool = False
    is_doubtful: bool = False

    @property
    def is_absent(self) -> bool:
        """Tell whether there is no record, and nothing to delete either."""
        return self.record is None and not self.is_deleted

    def learn(self, record: Any, item: Item | None) -> None:
        """Take what the table holds: a record and its item, or None for both."""
        self.record, self.base, self.is_known, self.is_gone = record, item, True, False
        self.is_doubtful = False

    def put(self, record: Any) -> None:
        """Take a record that a flush is to write if it is new or differs."""
        self.record, self.created = record, None
        if record._stored is not None:
            self.base, self.is_deleted = record._stored, False

    def delete(self) -> None:
        """Have the item deleted, if there may be one, and forget the record."""
        if self.record is not None and self.record._stored is not None:
            self.base = self.record._stored
        self.record, self.created = None, None
        # Of a record that was only made here nothing is left to delete, if that is known.
        self.is_deleted = self.is_deleted or self.base is not None or not self.is_known


def is_dirty(codec: RecordCodec, entry: Entry) -> bool:
    """Tell whether a flush has anything to write for an entry."""
    record = entry.record
    if record is not None:
        if record._stored is not None:
            return codec.is_dirty(record)
        if is_in_force(codec, entry):
            return True
    return entry.is_deleted


def is_in_force(codec: RecordCodec, entry: Entry) -> bool:
    """Tell whether there is a record that is more than an untouched Null object."""
    record = entry.record
    if record is None:
        return False
    return record._stored is not None or entry.created is None or bool(shape(codec, record) != entry.created)


def shape(codec: RecordCodec, record: Any) -> Any:
    """Return what a record looks like, to find out later whether it was changed."""
    try:
        return codec.encode(record)
    except Invalid:  # a Null object need not be complete
        return copy.deepcopy(record._values())


def current_item(codec: RecordCodec, entry: Entry) -> Item | None:
    """Return the item as a flush would leave it; None when there is none.

    Raises:
        Invalid: The record cannot be stored.
    """
    if not is_in_force(codec, entry):
        return None
    record = entry.record
    if record._stored is not None and not codec.is_dirty(record):
        clean: Item = record._stored
        return clean
    return codec.encode(record)


def counted_on(codec: RecordCodec, record: Any, item: Item | None) -> Any:
    """Return a record with the version of the item that it replaces, so that versions only grow.

    A frozen record needs a copy for that.
    """
    version = codec.version
    if version is None or item is None:
        return record
    stored = version.decode(item.get(version.wire))
    if getattr(record, version.name) == stored:
        return record
    if type(record).__dynamo_frozen__:
        record = copy.copy(record)
    object.__setattr__(record, version.name, stored)
    return record


def recount(codec: RecordCodec, entry: Entry) -> None:
    """Have a new record go on with the version of the entry's base; that is no change of it."""
    if entry.record is not None and codec.version is not None:
        is_untouched = not is_in_force(codec, entry)
        entry.record = counted_on(codec, entry.record, entry.base)
        if is_untouched:
            entry.created = shape(codec, entry.record)


def rebased(codec: RecordCodec, record: Any, item: Item) -> Any:
    """Return a record as a change of *item*, whatever it was loaded as or made from."""
    record = counted_on(codec, record, item)
    codec.remember(record, item, None)
    return record
