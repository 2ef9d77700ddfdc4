"""MemoryQuery: a query or scan of a MemoryTable, refined like one of its table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Generic, TypeVar

import attrs

from ..errors import QueryError
from ..query import Query, only_one
from ..record import DynamoRecord
from .overlay import Overlay
from .reading import Reader

__all__ = ["MemoryQuery"]

Record = TypeVar("Record", bound=DynamoRecord)


def _check(instance: Any, attribute: Any, query: Query[Any]) -> None:
    if query._segment is not None:
        raise QueryError(
            "segment= reads a part of the table, and what is cached belongs to no part: "
            "use segments=, which reads all parts in parallel"
        )


@attrs.frozen(eq=False)
class MemoryQuery(Generic[Record]):
    """A query or scan over a MemoryTable; refined and run like one over its table.

    Results are whole records, read consistently where the service can. There are no
    cursors: a page could not tell where unsaved records begin.
    """

    _reader: Reader = attrs.field(alias="reader", repr=False)
    _query: Query[Record] = attrs.field(alias="query", validator=_check)

    # --- refining -------------------------------------------------------------------------

    def _with(self, query: Query[Record]) -> MemoryQuery[Record]:
        return attrs.evolve(self, query=query)

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

    def attributes(self, *names: str) -> MemoryQuery[Record]:
        """Return the query itself, after a check of the names: records in memory are whole."""
        return self._with(self._query.attributes(*names))

    def consistent(self, consistent: bool = True) -> MemoryQuery[Record]:
        """Return the query with consistent reads, as all are that can be; global indexes have none."""
        return self._with(self._query.consistent(consistent))

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
        return self._query._take(Overlay(self._reader, self._query).records())

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
        query = self._query
        return only_one(self._with(query._for_one()), query._schema.table_name, query._where)

    def count(self) -> int:
        """Return the number of results."""
        return sum(1 for _ in self)
