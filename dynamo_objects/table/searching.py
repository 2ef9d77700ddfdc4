"""Queries and scans of a table, as lazy objects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..errors import QueryError
from ..query import Query, Source
from .declared import Declared, Record

__all__ = ["Searching"]


class Searching(Declared[Record]):
    """A table that can be queried and scanned, see `DynamoTable`."""

    def query(
        self,
        hash: Any = None,
        condition: Any = None,
        *,
        index: str | None = None,
        limit: int | None = None,
        reverse: bool = False,
        consistent: bool | None = None,
        attributes: Sequence[str] | None = None,
        query_filter: Mapping[str, Any] | Any = None,
        conditional_operator: str = "AND",
        max_page_size: int | None = None,
        **keywords: Any,
    ) -> Query[Record]:
        """Return a lazy query of the records of one hash value, in the order of the range key.

        Args:
            hash: Value of the hash key of the table or index, or a condition of boto3's ``Key``.
            condition: More conditions of boto3.
            index: Name of the index to read.
            limit: Number of results at most.
            reverse: Descending order.
            consistent: Strongly consistent reads.
            attributes: Fields to read; the records are partial then.
            query_filter: Keywords in a dict, or a condition of boto3's ``Attr``.
            conditional_operator: ``AND`` or ``OR`` between the keywords that are not on keys,
                those of *query_filter* included.
            max_page_size: Items to read with one request at most.
            keywords: Conditions as ``range__gte=50``; those on other fields than keys filter.

        Raises:
            UnknownFieldError: A field that the records do not have.
            QueryError: Conditions that DynamoDB cannot use.
        """
        query = self._refined(index, limit, consistent, attributes, max_page_size)
        if reverse:
            query = query.reverse()
        if hasattr(hash, "get_expression"):
            query = query.where(hash)
        elif hash is not None:
            query = query.hash(hash)
        if condition is None and query_filter is None and not keywords and conditional_operator == "AND":
            return query
        return query.where(
            condition, query_filter=query_filter, conditional_operator=conditional_operator, **keywords
        )

    def scan(
        self,
        condition: Any = None,
        *,
        index: str | None = None,
        limit: int | None = None,
        consistent: bool | None = None,
        attributes: Sequence[str] | None = None,
        conditional_operator: str = "AND",
        max_page_size: int | None = None,
        segment: int | None = None,
        total_segments: int | None = None,
        segments: int | None = None,
        **keywords: Any,
    ) -> Query[Record]:
        """Return a lazy scan of all records, in no order.

        Args:
            condition: A condition of boto3's ``Attr``.
            segment, total_segments: Read one of several segments.
            segments: Read that many segments in parallel.
            keywords: Conditions as ``city__eq="Oslo"``.
            index, limit, consistent, attributes, conditional_operator, max_page_size: As for
                ``query``.
        """
        scan = self._refined(index, limit, consistent, attributes, max_page_size, is_scan=True)
        if segments is not None:
            scan = scan.segments(segments)
        if (segment is None) != (total_segments is None):
            raise QueryError("segment= and total_segments= go together")
        if segment is not None and total_segments is not None:
            scan = scan.segment(segment, total_segments)
        return scan.filter(condition, conditional_operator=conditional_operator, **keywords)

    def query_count(self, hash: Any = None, condition: Any = None, **keywords: Any) -> int:
        """Return the number of results of a query, without reading them into records."""
        return self.query(hash, condition, **keywords).count()

    def _refined(
        self,
        index: str | None,
        limit: int | None,
        consistent: bool | None,
        attributes: Sequence[str] | None,
        max_page_size: int | None,
        is_scan: bool = False,
    ) -> Query[Record]:
        query: Query[Record] = Query(self._source(), is_scan)
        if index is not None:
            query = query.index(index)
        if limit is not None:
            query = query.limit(limit)
        if consistent is not None:
            query = query.consistent(consistent)
        if isinstance(attributes, str):
            raise QueryError("attributes= takes several names: write attributes=[name]")
        if attributes is not None:
            query = query.attributes(*attributes)
        return query if max_page_size is None else query.page_size(max_page_size)

    def _source(self) -> Source:
        return Source(
            self._schema,
            lambda: self.full_name,
            lambda: self._connection,
            lambda index: self._opened.index_problems.get(index),
            self.consistent_read,
        )
