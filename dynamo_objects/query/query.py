"""Query: one lazy object for queries and scans; nothing is sent until results are wanted."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from msgspec.structs import replace

from ..codec.values import Item
from ..errors import QueryError
from ..expressions import tree
from ..expressions.builders import split_keyword
from ..flows.paging import following, pages, pages_together
from ..operations.search import Page as SearchPage
from ..operations.search import Query as QueryOperation
from ..operations.search import Scan as ScanOperation
from ..record import DynamoRecord
from ..schema import KeyField
from .conditions import key_condition, merge_bounds, split
from .cursors import Place, read_cursor, write_cursor
from .results import Page, decoder, only_one
from .search import MAX_PAGE_SIZE, Search

__all__ = ["Query"]

Record = TypeVar("Record", bound=DynamoRecord)

_MAX_SEGMENTS = 1_000_000


class Query(Search[Record], frozen=True, eq=False):
    """A query or scan that can be refined, kept, and run any number of times.

    Iterating streams the results page by page; calling it returns them as a list.
    Methods that refine it return a new one.
    """

    # --- refining -------------------------------------------------------------------------

    def hash(self, value: Any) -> Query[Record]:
        """Return the query for one value of the hash key."""
        return self._where_key(self._keys[0], "eq", value)

    def range(self, start: Any = None, end: Any = None) -> Query[Record]:
        """Return the query for range keys from *start* to *end*, both included.

        Raises:
            QueryError: The table or index has no range key, or neither bound is given.
        """
        if len(self._keys) < 2:
            raise QueryError(f"{self._where} has no range key")
        key = self._keys[1]
        if start is None and end is None:
            raise QueryError("range() needs a start, an end or both")
        if start is None:
            return self._where_key(key, "lte", end)
        if end is None:
            return self._where_key(key, "gte", start)
        return self._where_key(key, "between", (start, end))

    def where(
        self,
        condition: Any = None,
        *,
        query_filter: Mapping[str, Any] | Any = None,
        conditional_operator: str = "AND",
        **keywords: Any,
    ) -> Query[Record]:
        """Return the query with more conditions; those on keys choose what is read.

        Args:
            condition: A condition of boto3's ``Key``, of ``Attr`` on other fields, or both
                joined by ``&``.
            query_filter: Keywords in a dict, or a condition of boto3's ``Attr``; no keys.
            conditional_operator: ``AND`` or ``OR`` between the conditions that are not on keys.
            keywords: As ``range__gte=5`` or ``city__eq="Oslo"``.
        """
        query = self
        others = {}
        for keyword, value in merge_bounds(keywords, self._keys).items():
            name, operator = split_keyword(keyword)
            key = next((key for key in self._keys if key.name == name), None)
            if key is None or self._is_scan:
                others[keyword] = value
            else:
                query = query._where_key(key, operator, value)
        joined = self._joined(conditional_operator, others, query_filter)
        query = query._filtered(joined)
        return query if condition is None else query._where_tree(self._build.condition(condition))

    def filter(
        self, condition: Any = None, *, conditional_operator: str = "AND", **keywords: Any
    ) -> Query[Record]:
        """Return the query with a filter, which DynamoDB applies after reading.

        Args:
            condition: A condition of boto3's ``Attr``.
            conditional_operator: ``AND`` or ``OR`` between the keywords.
            keywords: As ``city__eq="Oslo"``.
        """
        given = None if condition is None else self._build.condition(condition)
        return self._filtered(given, self._joined(conditional_operator, keywords, None))

    def index(self, name: str) -> Query[Record]:
        """Return the query on an index; choose it before conditions on keys.

        Raises:
            DynamoSchemaException: There is no such index.
        """
        if self._hash is not None or self._range is not None:
            raise QueryError("choose the index first: index= or .index(...) before conditions")
        self._schema.index(name)
        return replace(self, _index=name)

    def attributes(self, *names: str) -> Query[Record]:
        """Return the query for partial records: with the keys and these fields only."""
        for name in names:
            self._build.path(name)
        return replace(self, _attributes=tuple(names))

    def limit(self, count: int) -> Query[Record]:
        """Return the query for at most *count* results."""
        return replace(self, _limit=_positive(count, "limit"))

    def page_size(self, count: int) -> Query[Record]:
        """Return the query that reads at most *count* items with one request."""
        return replace(self, _page_size=_positive(count, "max_page_size"))

    def reverse(self, reverse: bool = True) -> Query[Record]:
        """Return the query in descending order of the range key."""
        if self._is_scan and reverse:
            raise QueryError("a scan has no order to reverse")
        return replace(self, _reverse=bool(reverse))

    def consistent(self, consistent: bool = True) -> Query[Record]:
        """Return the query with strongly consistent reads; global indexes have none."""
        return replace(self, _consistent=bool(consistent))

    def segment(self, segment: int, total_segments: int) -> Query[Record]:
        """Return the scan of one of several segments, for several workers."""
        total = self._segment_count(total_segments, "total_segments")
        if isinstance(segment, bool) or not isinstance(segment, int) or not 0 <= segment < total:
            raise QueryError(f"segment is a whole number from 0 to {total - 1}, got {segment!r}")
        if self._segments is not None:
            raise QueryError("segments= reads all segments: leave out segment= and total_segments=")
        return replace(self, _segment=segment, _total_segments=total)

    def segments(self, count: int) -> Query[Record]:
        """Return the scan that reads *count* segments in parallel, in no order."""
        if self._segment is not None:
            raise QueryError("segments= reads all segments: leave out segment= and total_segments=")
        return replace(self, _segments=self._segment_count(count, "segments"))

    def _segment_count(self, count: int, what: str) -> int:
        if not self._is_scan:
            raise QueryError("segments belong to scans")
        if _positive(count, what) > _MAX_SEGMENTS:
            raise QueryError(f"{what} is at most {_MAX_SEGMENTS}")
        return count

    # --- results --------------------------------------------------------------------------

    def __iter__(self) -> Iterator[Record]:
        return self._take(self._records())

    def __call__(self) -> list[Record]:
        if self._limit is not None or self._segments is not None:
            return list(self)
        # One request after another needs no flow.
        decode, found, call = self._decoder(), list[Record](), self._source.connection().call
        operation: QueryOperation | ScanOperation | None = self._operation()
        while operation is not None:
            page = call(operation)
            found += decode(page.items)
            operation = following(operation, page)
        return found

    def first(self) -> Record | None:
        """Return the first result, or None."""
        return next(iter(self.limit(1)), None)

    def one(self) -> Record:
        """Return the only result.

        Raises:
            ItemNotFound: There is none.
            MultipleItemsFound: There are more.
        """
        return only_one(self._for_one(), self._schema.table_name, self._where)

    def _for_one(self) -> Query[Record]:
        """Return the query that reads no more than ``one`` has to see."""
        return self.limit(min(2, self._limit or 2))

    def count(self) -> int:
        """Return the number of results, without reading them into records."""
        total = 0
        for page in self._pages(count_only=True):
            total += page.count
            if self._limit is not None and total >= self._limit:
                return self._limit
        return total

    def page(self, size: int, after: str | None = None) -> Page[Record]:
        """Return the next *size* results and a cursor for those that follow.

        Where a filter drops results, the last page may be empty.

        Args:
            size: How many results.
            after: The cursor of the page before; None for the first page.

        Raises:
            CursorError: The cursor is damaged, or belongs to another query.
        """
        if self._segments is not None:
            raise QueryError("pages come from one segment: use segment= and total_segments=")
        wanted, seen = _positive(size, "size"), 0
        operation = self._operation()
        if after is not None:
            place = read_cursor(self._digest(), after, self._cursor_types())
            operation, seen = replace(operation, start_key=place.key), place.seen
        if self._limit is not None:
            wanted = min(wanted, self._limit - seen)
            if wanted < 1:
                return Page([], None)
        if self._page_size is None and self._filter is None:
            # One more than wanted tells whether anything follows.
            operation = replace(operation, limit=min(wanted + 1, MAX_PAGE_SIZE))
        items, last = self._read_page(operation, wanted)
        seen += len(items)
        is_over = last is None or seen == self._limit
        cursor = None if last is None or is_over else write_cursor(self._digest(), Place(last, seen))
        return Page(list(self._decoder()(items)), cursor)

    def _read_page(
        self, operation: QueryOperation | ScanOperation, wanted: int
    ) -> tuple[list[Item], Item | None]:
        """Return up to *wanted* items, and the key after which others may follow."""
        items: list[Item] = []
        last: Item | None = None
        for found in self._source.connection().stream(pages(operation)):
            items += found.items
            last = found.last_key
            # Looking for one more could take many requests where a filter drops results.
            if len(items) > wanted or (len(items) == wanted and self._filter is not None):
                break
        if len(items) > wanted:
            items = items[:wanted]
            last = {key.wire: items[-1][key.wire] for key in self._all_keys}
        return items, last

    # --- how they are read ------------------------------------------------------------------

    def _take(self, records: Iterator[Record]) -> Iterator[Record]:
        return records if self._limit is None else itertools.islice(records, self._limit)

    def _records(self) -> Iterator[Record]:
        decode = self._decoder()
        for page in self._pages():
            yield from decode(page.items)

    def _decoder(self) -> Callable[[Sequence[Item]], Iterator[Record]]:
        return decoder(self._schema, self._source.table(), self._wires_read())

    def _pages(self, *, count_only: bool = False) -> Iterator[SearchPage]:
        connection = self._source.connection()
        if self._segments is None:
            yield from connection.stream(pages(self._operation(count_only=count_only)))
            return
        whole = replace(self, _segments=None)
        parts = [
            whole.segment(number, self._segments)._operation(count_only=count_only)
            for number in range(self._segments)
        ]
        yield from connection.stream(pages_together(parts))

    # --- conditions -------------------------------------------------------------------------

    def _joined(
        self, operator: str, keywords: Mapping[str, Any], more: Mapping[str, Any] | Any
    ) -> tree.Condition | None:
        """Return the conditions of keywords, and more of them, joined by the operator."""
        parts = [self._build.keywords(keywords, operator)]
        if isinstance(more, Mapping):
            parts.append(self._build.keywords(more, operator))
        elif more is not None:
            parts.append(self._build.condition(more))
        return tree.any_of(*parts) if operator.upper() == "OR" else tree.all_of(*parts)

    def _filtered(self, *conditions: tree.Condition | None) -> Query[Record]:
        added = tree.all_of(*conditions)
        if added is None:
            return self
        self._check_filter(added)
        return replace(self, _filter=tree.all_of(self._filter, added))

    def _where_key(self, key: KeyField, operator: str, value: Any) -> Query[Record]:
        if self._is_scan:
            raise QueryError("a scan has filters only: use .filter(...)")
        return self._with_key(key, key_condition(key, operator, value, self._where, self._build))

    def _with_key(self, key: KeyField, condition: tree.Condition) -> Query[Record]:
        if (self._hash if key.role == "HASH" else self._range) is not None:
            raise QueryError(f"two conditions on {key.name}: use {key.name}__between=(low, high)")
        if key.role == "HASH":
            return replace(self, _hash=condition)
        return replace(self, _range=condition)

    def _where_tree(self, condition: tree.Condition) -> Query[Record]:
        parts = split(condition, () if self._is_scan else self._keys, self._where)
        query = self._filtered(*parts.filters)
        for key, part in parts.keys:
            query = query._with_key(key, part)
        return query


def _positive(count: int, what: str) -> int:
    if isinstance(count, bool) or not isinstance(count, int) or count < 1:
        raise QueryError(f"{what} is a whole number from 1, got {count!r}")
    return count
