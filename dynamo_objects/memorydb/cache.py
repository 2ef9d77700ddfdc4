"""Where a MemoryTable keeps its entries: unbounded, or bounded with dirty entries pinned."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import cachetools

from .entries import Entry, Lookup

__all__ = ["BoundedCache", "Cache", "UnboundedCache", "make_cache"]


class Cache(Protocol):
    """Entries by their keys. Whoever uses it holds a lock."""

    def get(self, lookup: Lookup, /) -> Entry | None:
        """Return the entry of a key, or None."""

    def add(self, entry: Entry) -> None:
        """Add an entry, or put it in the place of another one."""

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

    def add(self, entry: Entry) -> None:
        """Add an entry, or put it in the place of another one."""
        self[entry.lookup] = entry

    def entries(self) -> list[Entry]:
        """Return all entries."""
        return list(self.values())

    def settle(self) -> None:
        """Do nothing: every entry stays."""


class _Recent(cachetools.LRUCache[Lookup, Entry]):
    """The most recently used entries; hands on those that it drops."""

    def __init__(self, maxsize: int, dropped: Callable[[Entry], None]) -> None:
        super().__init__(maxsize)
        self._dropped = dropped

    def popitem(self) -> tuple[Lookup, Entry]:
        lookup, entry = super().popitem()
        self._dropped(entry)
        return lookup, entry

    def all(self) -> list[Entry]:
        """Return all entries without counting that as a use."""
        return [cachetools.Cache.__getitem__(self, lookup) for lookup in self]


class BoundedCache:
    """Keeps the entries used most recently, and dirty ones until they are written.

    Args:
        maxsize: Entries kept besides dirty ones.
        is_dirty: Asked when an entry would be dropped.
    """

    def __init__(self, maxsize: int, is_dirty: Callable[[Entry], bool]) -> None:
        self._is_dirty = is_dirty
        self._pinned: dict[Lookup, Entry] = {}
        self._recent = _Recent(maxsize, self._pin)

    def _pin(self, entry: Entry) -> None:
        if self._is_dirty(entry):
            self._pinned[entry.lookup] = entry

    def get(self, lookup: Lookup, /) -> Entry | None:
        """Return the entry of a key, or None."""
        found: Entry | None = self._recent.get(lookup)
        return self._pinned.get(lookup) if found is None else found

    def add(self, entry: Entry) -> None:
        """Add an entry, or put it in the place of another one."""
        self._pinned.pop(entry.lookup, None)
        self._recent[entry.lookup] = entry

    def entries(self) -> list[Entry]:
        """Return all entries; that is not a use of them."""
        return [*self._recent.all(), *self._pinned.values()]

    def settle(self) -> None:
        """Drop pinned entries that are clean by now."""
        self._pinned = {k: entry for k, entry in self._pinned.items() if self._is_dirty(entry)}

    def clear(self) -> None:
        """Forget everything."""
        self._pinned.clear()
        self._recent = _Recent(int(self._recent.maxsize), self._pin)

    def __len__(self) -> int:
        return len(self._recent) + len(self._pinned)


def make_cache(maxsize: int | None, is_dirty: Callable[[Entry], bool]) -> Cache:
    """Return a cache; *maxsize* None is unbounded."""
    return UnboundedCache() if maxsize is None else BoundedCache(maxsize, is_dirty)
