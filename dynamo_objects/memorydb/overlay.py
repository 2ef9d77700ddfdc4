"""Queries through a MemoryTable: what the table answers, with what is cached laid over it.

Every key that was cached when the query began shows as it is cached: changed, added or
deleted. Other results are read from the table and cached on their way. The order and the
limit of the query hold for the whole.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterable, Iterator
from typing import Any, Generic, Protocol, TypeVar

import attrs

from ..codec.values import Item
from ..errors import ItemNotFound, MultipleItemsFound
from ..expressions import tree
from ..expressions.evaluate import matches, order_key
from ..operations.search import Page
from ..query import Query
from ..record import DynamoRecord
from ..schema import KeyField

__all__ = ["MemoryQuery", "QueryCache"]

Record = TypeVar("Record", bound=DynamoRecord)

Lookup = tuple[Any, ...]


class QueryCache(Protocol):
    """What a query needs of a MemoryTable."""

    def cached_items(self) -> Iterable[tuple[Lookup, Any, Item | None]]:
        """Yield key, record and current item of every cached key; None, None when deleted."""

    def current(self, lookup: Lookup) -> tuple[Any, Item | None] | None:
        """Return record and current item of a key; None when it is not cached."""

    def adopt(self, item: Item) -> Any:
        """Cache an item that was read, and return its record, or the one that is cached."""

    def fetch(self, items: list[Item]) -> None:
        """Read and cache items of which only the keys are known for certain."""

    def lookup(self, item: Item) -> Lookup:
        """Return the key of an item as a typed tuple."""

    def count_read(self) -> None:
        """Count one request that read something."""


@attrs.frozen(eq=False)
class _Descending:
    """Sorts backwards."""

    value: Any

    def __lt__(self, other: _Descending) -> bool:
        return bool(other.value < self.value)


@attrs.frozen(eq=False)
class MemoryQuery(Generic[Record]):
    """A query or scan over a MemoryTable; refined and run like one over its table.

    There are no cursors: a page could not tell where unsaved records begin.
    """

    _cache: QueryCache = attrs.field(repr=False)
    _query: Query[Record]

    # --- refining -------------------------------------------------------------------------

    def _with(self, query: Query[Record]) -> MemoryQuery[Record]:
        return MemoryQuery(self._cache, query)

    def hash(self, value: Any) -> MemoryQuery[Record]:
        """Return the query for one value of the hash key."""
        return self._with(self._query.hash(value))

    def range(self, start: Any = None, end: Any = None) -> MemoryQuery[Record]:
        """Return the query for range keys from *start* to *end*, both included."""
        return self._with(self._query.range(start, end))

    def where(self, condition: Any = None, **keywords: Any) -> MemoryQuery[Record]:
        """Return the query with more conditions."""
        return self._with(self._query.where(condition, **keywords))

    def filter(
        self, condition: Any = None, *, conditional_operator: str = "AND", **keywords: Any
    ) -> MemoryQuery[Record]:
        """Return the query with a filter."""
        query = self._query.filter(condition, conditional_operator=conditional_operator, **keywords)
        return self._with(query)

    def index(self, name: str) -> MemoryQuery[Record]:
        """Return the query on an index."""
        return self._with(self._query.index(name))

    def limit(self, count: int) -> MemoryQuery[Record]:
        """Return the query for at most *count* results."""
        return self._with(self._query.limit(count))

    def page_size(self, count: int) -> MemoryQuery[Record]:
        """Return the query that reads at most *count* items with one request."""
        return self._with(self._query.page_size(count))

    def reverse(self, reverse: bool = True) -> MemoryQuery[Record]:
        """Return the query in descending order of the range key."""
        return self._with(self._query.reverse(reverse))

    def segments(self, count: int) -> MemoryQuery[Record]:
        """Return the scan that reads *count* segments in parallel."""
        return self._with(self._query.segments(count))

    # --- results --------------------------------------------------------------------------

    def __iter__(self) -> Iterator[Record]:
        return self._query._take(self._merged())

    def __call__(self) -> list[Record]:
        return list(self)

    def first(self) -> Record | None:
        """Return the first result, or None."""
        return next(iter(self.limit(1)), None)

    def one(self) -> Record:
        """Return the only result.

        Raises:
            ItemNotFound: There is none.
            MultipleItemsFound: There are more.
        """
        found = list(self.limit(2))
        if not found:
            raise ItemNotFound(self._query._schema.table_name, "of this query")
        if len(found) > 1:
            raise MultipleItemsFound(f"{self._query._where}: more than one record found")
        return found[0]

    def count(self) -> int:
        """Return the number of results."""
        return sum(1 for _ in self)

    # --- how it is carried out --------------------------------------------------------------

    def _condition(self) -> tree.Condition | None:
        query = self._query
        present = [tree.AttributeExists(tree.Path.of(key.wire)) for key in query._keys]
        return tree.all_of(query._hash, query._range, query._filter, *present)

    def _matches(self, item: Item) -> bool:
        condition = self._condition()
        return condition is None or matches(condition, item)

    def _sort_key(self, item: Item) -> Any:
        keys: tuple[KeyField, ...] = self._query._keys
        if self._query._is_scan or len(keys) < 2:
            return 0
        value = order_key(item[keys[1].wire])
        return _Descending(value) if self._query._reverse else value

    def _merged(self) -> Iterator[Record]:
        """Yield cached and read records in the order of the query."""
        waiting: list[tuple[Any, int, Any]] = []  # a heap: sort key, number, record
        numbers = itertools.count()
        begun_with: set[Lookup] = set()
        for lookup, record, item in self._cache.cached_items():
            begun_with.add(lookup)
            if item is not None and self._matches(item):
                waiting.append((self._sort_key(item), next(numbers), record))
        heapq.heapify(waiting)
        for place, record, item in self._read(begun_with):
            while waiting and not self._query._is_scan and not place < waiting[0][0]:
                yield heapq.heappop(waiting)[2]
            now = self._sort_key(item)
            if place < now:  # an index that lags behind the table
                heapq.heappush(waiting, (now, next(numbers), record))
            else:
                yield record
        while waiting:
            yield heapq.heappop(waiting)[2]

    def _read(self, seen: set[Lookup]) -> Iterator[tuple[Any, Any, Item]]:
        """Yield (place in the order, record, current item) of keys that are not in *seen*."""
        for page in self._pages():
            self._cache.count_read()
            fresh = [item for item in page.items if self._cache.lookup(item) not in seen]
            if self._is_stale:
                self._cache.fetch(fresh)
            for item in fresh:
                lookup = self._cache.lookup(item)
                seen.add(lookup)  # an item that moves may come twice
                if not self._is_stale:
                    self._cache.adopt(item)
                now = self._cache.current(lookup)
                if now is not None and now[1] is not None and self._matches(now[1]):
                    yield self._sort_key(item), now[0], now[1]

    def _pages(self) -> Iterator[Page]:
        """Read whole items, as consistently as the table or index can, until told to stop."""
        query = self._query
        size = query._page_size
        if size is None and query._filter is None:
            size = query._limit
        index = query._index_schema
        consistent = None if index is not None and index.is_global else True
        return attrs.evolve(
            query, limit=None, page_size=size, attributes=None, consistent=consistent
        )._pages()

    @property
    def _is_stale(self) -> bool:
        """Tell whether items must be read again by key: old ones, or parts of them."""
        index = self._query._index_schema
        return index is not None and (index.is_global or index.projection != "ALL")
