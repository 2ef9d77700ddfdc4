"""What the table answers to a query, with what is cached laid over it.

Every key that was cached when the query began shows as it is cached: changed, added or
deleted. Other results are read from the table and cached on their way. The order and the
limit of the query hold for the whole.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterator
from typing import Any

import attrs
import msgspec

from ..codec.keys import key_text
from ..codec.values import AttributeValue, Invalid, Item
from ..errors import ValidationError
from ..expressions import tree
from ..expressions.evaluate import equal, matches, order_key
from ..query import Query
from ..schema import KeyField
from .entries import Entry, Lookup, current_item
from .reading import Reader

__all__ = ["Overlay"]


@attrs.frozen(eq=False)
class _Descending:
    """Sorts backwards."""

    value: Any

    def __lt__(self, other: _Descending) -> bool:
        return bool(other.value < self.value)


class Overlay:
    """One run of a query.

    Args:
        reader: Knows what is cached, and reads the rest.
        query: What is asked for; its limit is the caller's business.
    """

    def __init__(self, reader: Reader, query: Query[Any]) -> None:
        self._reader = reader
        self._map = reader.map
        self._query = query
        self._index = query._index_schema
        self._condition = _condition(query)
        self._flushes = 0

    def records(self) -> Iterator[Any]:
        """Yield cached and read records in the order of the query."""
        self._map.check_home()
        self._flushes = self._map.flushes
        self._search(0)._operation()  # whatever is wrong with it is found first
        known = self._near(self._map.entries())
        waiting: list[tuple[Any, int, Entry]] = []  # a heap: sort key, number, entry
        numbers = itertools.count()
        for entry in known:
            item = self._item(entry)
            if item is not None:
                waiting.append((self._sort_key(item), next(numbers), entry))
        heapq.heapify(waiting)
        for place, entry, item in self._read(known):
            while waiting and not self._query._is_scan and not place < waiting[0][0]:
                yield from self._still(heapq.heappop(waiting)[2])
            now = self._sort_key(item)
            if place < now:  # an index that lags behind the table
                heapq.heappush(waiting, (now, next(numbers), entry))
            else:
                self._map.mark(entry)
                yield entry.record
        while waiting:
            yield from self._still(heapq.heappop(waiting)[2])

    # --- what is cached -------------------------------------------------------------------------

    def _near(self, entries: list[Entry]) -> list[Entry]:
        """Return the entries that are not absent and may lie where the query reads."""
        known = [entry for entry in entries if not entry.is_absent]
        if self._query._is_scan or self._query._hash is None:
            return known
        wanted, key = _value(self._query._hash), self._query._keys[0]
        if key.name == self._map.schema.hash.name:
            lookup = key_text(key.codec, key.codec.decode(wanted))
            return [entry for entry in known if entry.lookup[0] == lookup]
        return [entry for entry in known if _has(entry, key, wanted)]

    def _item(self, entry: Entry) -> Item | None:
        """Return the current item of an entry if it is a result, else None."""
        try:
            item = current_item(self._map.codec, entry)
        except Invalid as invalid:
            name = f"{type(entry.record).__name__} {entry.key!r}"
            raise ValidationError(name, invalid.problems) from None
        return item if item is not None and matches(self._condition, item) else None

    def _still(self, entry: Entry) -> Iterator[Any]:
        """Yield the record of an entry, unless it was changed and is no longer a result."""
        now = self._map.hold(entry)
        if self._item(now) is not None:
            self._map.mark(now)
            yield now.record

    def _sort_key(self, item: Item) -> Any:
        keys = self._query._keys
        if self._query._is_scan or len(keys) < 2:
            return 0
        value = order_key(item[keys[1].wire])
        return _Descending(value) if self._query._reverse else value

    # --- what is read ---------------------------------------------------------------------------

    def _read(self, known: list[Entry]) -> Iterator[tuple[Any, Entry, Item]]:
        """Yield (place in the order, entry, current item) of results that were not cached before."""
        seen = {entry.lookup for entry in known}
        for page in self._search(len(known))._pages():
            self._map.count_read()
            fresh: dict[Lookup, Item] = {}
            for item in page.items:
                lookup = self._map.lookup(item)
                if lookup not in seen:  # an item that moves may come twice
                    seen.add(lookup)
                    fresh[lookup] = item
            entries = self._entries(fresh)
            for lookup, item in fresh.items():
                # One page may be more than what is kept: results are kept as they are used.
                entry = self._map.hold(entries[lookup])
                now = self._item(entry)
                if now is not None:
                    yield self._sort_key(item), entry, now

    def _entries(self, items: dict[Lookup, Item]) -> dict[Lookup, Entry]:
        """Return the entries of items that were read; old ones, or parts, are read again by key."""
        index = self._index
        is_old = self._map.is_overtaken(self._flushes) or (index is not None and index.is_global)
        if is_old or (index is not None and index.projection != "ALL"):
            key_of = self._map.schema.key_of
            return self._reader.read({lookup: key_of(item) for lookup, item in items.items()})
        return {lookup: self._map.adopt(item) for lookup, item in items.items()}

    def _search(self, known: int) -> Query[Any]:
        """Return the query for whole items, as consistent as the table or index can, without a limit.

        Args:
            known: How many of the items may be cached, and so be of no use.
        """
        query, index = self._query, self._index
        size = query._page_size
        if size is None and query._filter is None and query._limit is not None:
            size = query._limit + known
        is_whole = index is None or index.projection == "ALL"
        return msgspec.structs.replace(
            query,
            _limit=None,
            _page_size=size,
            _attributes=None,
            _filter=query._filter if is_whole else None,  # it may be about what the index lacks
            _consistent=query._consistent if index is not None and index.is_global else True,
        )


def _condition(query: Query[Any]) -> tree.Condition:
    """Return what an item must be like to be a result, and to be in the index if there is one."""
    keys = (tree.AttributeType(tree.Path.of(key.wire), tree.Value({"S": key.tag})) for key in query._keys)
    condition = tree.all_of(query._hash, query._range, query._filter, *keys)
    assert condition is not None  # there is a hash key at least
    return condition


def _value(hash_condition: tree.Condition) -> AttributeValue:
    """Return the value that a query wants for its hash key."""
    assert isinstance(hash_condition, tree.Compare)
    assert isinstance(hash_condition.right, tree.Value)
    return hash_condition.right.value


def _has(entry: Entry, key: KeyField, value: AttributeValue) -> bool:
    """Tell whether the record of an entry has this value of an index's hash key."""
    try:
        return equal(key.codec.encode(getattr(entry.record, key.name, None)), value)
    except Invalid:
        return False
