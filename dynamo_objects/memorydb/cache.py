"""Where a MemoryTable keeps its entries: all of them, or within bounds.

The rule of the bounded cache: what anybody still has in hands, or what is dirty, is never
dropped. So there is one object for each key, however small the cache, and no change is lost
with it. Who has what in hands is seen from the reference counts: of a record that nobody
else refers to nobody can expect anything.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, Protocol

import cachetools

from ..codec.sizes import MAX_ITEM_BYTES, item_size
from ..codec.typed import plain_item
from ..codec.values import Invalid, Item
from .entries import Entry, Lookup

__all__ = ["BoundedCache", "Cache", "Encode", "UnboundedCache", "entry_bytes"]

#: Entries kept beyond the bounds are looked at again when there are twice as many, or so many.
_FEW = 16
#: What an entry counts besides its item, and one without an item counts: a key is never free.
_ENTRY_BYTES = 100

#: Makes the item of a record; raises Invalid.
Encode = Callable[[Any], Item]


class Cache(Protocol):
    """Entries by their keys. Whoever uses it holds a lock."""

    def get(self, lookup: Lookup, /) -> Entry | None:
        """Return the entry of a key, or None."""

    def peek(self, lookup: Lookup, /) -> Entry | None:
        """Return the entry of a key, or None; that is not a use of it."""

    def add(self, entry: Entry) -> None:
        """Add an entry, or put it in the place of another one."""

    def remove(self, lookup: Lookup) -> None:
        """Forget one key, dirty or not."""

    def entries(self) -> list[Entry]:
        """Return all entries; that is not a use of them."""
        ...

    def settle(self) -> None:
        """Let go of entries that need not be kept any longer."""

    def clear(self) -> None:
        """Forget everything."""

    def __len__(self) -> int: ...


class UnboundedCache(dict[Lookup, Entry]):
    """Keeps every entry."""

    def peek(self, lookup: Lookup, /) -> Entry | None:
        """Return the entry of a key, or None."""
        return self.get(lookup)

    def add(self, entry: Entry) -> None:
        """Add an entry, or put it in the place of another one."""
        self[entry.lookup] = entry

    def remove(self, lookup: Lookup) -> None:
        """Forget one key."""
        self.pop(lookup, None)

    def entries(self) -> list[Entry]:
        """Return all entries."""
        return list(self.values())

    def settle(self) -> None:
        """Do nothing: every entry stays."""


class _Recent(cachetools.LRUCache[Lookup, Entry]):
    """The most recently used entries, by number and by bytes; hands on those that it drops."""

    def __init__(
        self,
        maxcount: int | None,
        maxbytes: int | None,
        size: Callable[[Entry], int],
        dropped: Callable[[Entry], None],
    ) -> None:
        if maxbytes is None:
            super().__init__(maxcount or sys.maxsize)
        else:
            # Whatever is larger than the whole cache fills it alone.
            super().__init__(maxbytes, getsizeof=lambda entry: min(size(entry), maxbytes))
        self._maxcount = sys.maxsize if maxcount is None else maxcount
        self._dropped = dropped

    def __setitem__(self, lookup: Lookup, entry: Entry) -> None:
        super().__setitem__(lookup, entry)
        while len(self) > self._maxcount:
            self.popitem()

    def popitem(self) -> tuple[Lookup, Entry]:
        lookup, entry = super().popitem()
        self._dropped(entry)
        return lookup, entry

    def peek(self, lookup: Lookup) -> Entry:
        """Return an entry without counting that as a use."""
        return cachetools.Cache.__getitem__(self, lookup)


class BoundedCache:
    """Keeps the entries used most recently, and those that are dirty or in somebody's hands.

    Args:
        maxcount: Entries kept besides those; None for any number.
        maxbytes: Bytes of their items; None for any number.
        is_dirty: Asked when an entry would be dropped.
        size: Bytes of an entry, asked when it is added.
    """

    def __init__(
        self,
        maxcount: int | None,
        maxbytes: int | None,
        is_dirty: Callable[[Entry], bool],
        size: Callable[[Entry], int],
    ) -> None:
        self._is_dirty = is_dirty
        self._new: Callable[[], _Recent] = lambda: _Recent(maxcount, maxbytes, size, self._drop)
        self._recent = self._new()
        self._kept: dict[Lookup, Entry] = {}
        self._dropped: list[Lookup] = []
        self._look_at = _FEW
        # How many references there are when nobody has anything differs between Pythons.
        self._kept[()] = Entry((), None, object())
        self._usual = self._references(())
        del self._kept[()]

    def _drop(self, entry: Entry) -> None:
        """Keep an entry until its references can be counted: the caller has some now."""
        self._kept[entry.lookup] = entry
        self._dropped.append(entry.lookup)

    def _references(self, lookup: Lookup) -> tuple[int, int]:
        entry = self._kept[lookup]
        return sys.getrefcount(entry), sys.getrefcount(entry.record)

    def _must_stay(self, lookup: Lookup) -> bool:
        of_entry, of_record = self._references(lookup)
        if of_entry > self._usual[0]:
            return True  # a flush, a query or another thread is about to use it
        entry = self._kept[lookup]
        if entry.record is not None and of_record > self._usual[1]:
            return True
        return self._is_dirty(entry)

    def _release(self, lookups: list[Lookup]) -> None:
        for lookup in lookups:
            if lookup in self._kept and not self._must_stay(lookup):
                del self._kept[lookup]

    def get(self, lookup: Lookup, /) -> Entry | None:
        """Return the entry of a key, or None."""
        found: Entry | None = self._recent.get(lookup)
        return self._kept.get(lookup) if found is None else found

    def peek(self, lookup: Lookup, /) -> Entry | None:
        """Return the entry of a key, or None; that is not a use of it."""
        return self._recent.peek(lookup) if lookup in self._recent else self._kept.get(lookup)

    def add(self, entry: Entry) -> None:
        """Add an entry, or put it in the place of another one."""
        self._kept.pop(entry.lookup, None)
        self._recent[entry.lookup] = entry
        if self._dropped:
            dropped, self._dropped = self._dropped, []
            self._release(dropped)
            if len(self._kept) >= self._look_at:
                self.settle()

    def remove(self, lookup: Lookup) -> None:
        """Forget one key, dirty or not."""
        self._kept.pop(lookup, None)
        self._recent.pop(lookup, None)

    def entries(self) -> list[Entry]:
        """Return all entries; that is not a use of them."""
        return [*(self._recent.peek(lookup) for lookup in self._recent), *self._kept.values()]

    def settle(self) -> None:
        """Let go of what was kept and is clean and in nobody's hands by now."""
        self._release(list(self._kept))
        self._look_at = max(_FEW, 2 * len(self._kept))

    def clear(self) -> None:
        """Forget everything."""
        self._kept.clear()
        self._recent = self._new()

    def __len__(self) -> int:
        return len(self._recent) + len(self._kept)


def entry_bytes(encode: Encode, entry: Entry) -> int:
    """Return what an entry counts: its item, by DynamoDB's rule, and something for the rest."""
    record = entry.record
    item = entry.base if record is None or record._stored is None else record._stored
    if item is None and record is not None:
        try:
            item = encode(record)
        except Invalid:  # it may become anything
            return MAX_ITEM_BYTES
    return _ENTRY_BYTES if item is None else _ENTRY_BYTES + item_size(plain_item(item))
