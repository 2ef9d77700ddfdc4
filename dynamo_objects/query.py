"""Query: one lazy object for queries and scans; nothing is sent until results are wanted."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Generic, TypeVar

import attrs
import msgspec

from .codec.records import RecordCodec
from .codec.values import Invalid, Item
from .connection.connection import Connection
from .errors import (
    CursorError,
    DecodeError,
    DynamoSchemaException,
    ItemNotFound,
    MultipleItemsFound,
    QueryError,
    ValidationError,
)
from .expressions import tree
from .expressions.builders import ExpressionBuilder, split_keyword
from .flows.paging import pages, pages_together
from .operations.search import Page as SearchPage
from .operations.search import Query as QueryOperation
from .operations.search import Scan as ScanOperation
from .record import DynamoRecord
from .schema import IndexSchema, KeyField, TableSchema

__all__ = ["Page", "Query", "Source"]

Record = TypeVar("Record", bound=DynamoRecord)

#: Operators that a range key may have in a key condition (API reference, Query).
_RANGE_OPERATORS = frozenset({"eq", "lt", "lte", "gt", "gte", "between", "beginswith"})

_MAX_SEGMENTS = 1_000_000


@attrs.frozen(eq=False)
class Source:
    """What a query reads from.

    Attributes:
        schema: Of the table.
        table: Returns the name of the table with its prefix.
        connection: Returns the connection.
        index_problem: Returns why an index cannot be used, or None.
        consistent: Whether reads are consistent unless told otherwise.
    """

    schema: TableSchema
    table: Callable[[], str]
    connection: Callable[[], Connection]
    index_problem: Callable[[str], str | None]
    consistent: bool = False


@attrs.frozen
class Page(Generic[Record]):
    """Some results, and where the next ones begin.

    Attributes:
        items: The records.
        cursor: Opaque text for ``page(after=...)``; None when nothing follows.
    """

    items: list[Record]
    cursor: str | None


@attrs.frozen(eq=False)
class Query(Generic[Record]):
    """A query or scan that can be refined, kept, and run any number of times.

    Iterating streams the results page by page; calling it returns them as a list.
    Methods that refine it return a new one.
    """

    _source: Source = attrs.field(repr=False)
    _is_scan: bool = False
    _index: str | None = None
    _hash: tree.Condition | None = None
    _range: tree.Condition | None = None
    _filter: tree.Condition | None = None
    _attributes: tuple[str, ...] | None = None
    _limit: int | None = None
    _page_size: int | None = None
    _reverse: bool = False
    _consistent: bool | None = None
    _segment: int | None = None
    _total_segments: int | None = None
    _segments: int | None = None

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

    def where(self, condition: Any = None, **keywords: Any) -> Query[Record]:
        """Return the query with more conditions; those on keys choose what is read.

        Args:
            condition: A condition of boto3's ``Key``; of ``Attr`` on other fields.
            keywords: As ``range__gte=5`` or ``city__eq="Oslo"``.
        """
        query = self
        others = {}
        merged = _merge_bounds(keywords, {key.name for key in self._keys})
        for keyword, value in merged.items():
            name, operator = split_keyword(keyword)
            key = next((key for key in self._keys if key.name == name), None)
            if key is None or self._is_scan:
                others[keyword] = value
            else:
                query = query._where_key(key, operator, value)
        if others:
            query = query.filter(**others)
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
        more = self._build.keywords(keywords, conditional_operator)
        for part in (given, more):
            self._check_filter(part)
        return attrs.evolve(self, filter=tree.all_of(self._filter, given, more))

    def index(self, name: str) -> Query[Record]:
        """Return the query on an index; choose it before conditions on keys.

        Raises:
            DynamoSchemaException: There is no such index.
        """
        if self._hash is not None or self._range is not None:
            raise QueryError("choose the index first: index= or .index(...) before conditions")
        self._schema.index(name)
        return attrs.evolve(self, index=name)

    def attributes(self, *names: str) -> Query[Record]:
        """Return the query for partial records: with the keys and these fields only."""
        for name in names:
            self._build.path(name)
        return attrs.evolve(self, attributes=tuple(names))

    def limit(self, count: int) -> Query[Record]:
        """Return the query for at most *count* results."""
        return attrs.evolve(self, limit=_positive(count, "limit"))

    def page_size(self, count: int) -> Query[Record]:
        """Return the query that reads at most *count* items with one request."""
        return attrs.evolve(self, page_size=_positive(count, "max_page_size"))

    def reverse(self, reverse: bool = True) -> Query[Record]:
        """Return the query in descending order of the range key."""
        if self._is_scan and reverse:
            raise QueryError("a scan has no order to reverse")
        return attrs.evolve(self, reverse=reverse)

    def consistent(self, consistent: bool = True) -> Query[Record]:
        """Return the query with strongly consistent reads; global indexes have none."""
        return attrs.evolve(self, consistent=consistent)

    def segment(self, segment: int, total_segments: int) -> Query[Record]:
        """Return the scan of one of several segments, for several workers."""
        total = _positive(total_segments, "total_segments")
        if total > _MAX_SEGMENTS or not 0 <= segment < total:
            raise QueryError(f"segment is 0 to total_segments - 1, which is at most {_MAX_SEGMENTS}")
        return attrs.evolve(self, segment=segment, total_segments=total)

    def segments(self, count: int) -> Query[Record]:
        """Return the scan that reads *count* segments in parallel, in no order."""
        return attrs.evolve(self, segments=_positive(count, "segments"))

    # --- results --------------------------------------------------------------------------

    def __iter__(self) -> Iterator[Record]:
        return self._take(self._records())

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
            raise ItemNotFound(self._schema.table_name, "of this query")
        if len(found) > 1:
            raise MultipleItemsFound(f"{self._where}: more than one record found")
        return found[0]

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

        Args:
            size: How many results.
            after: The cursor of the page before; None for the first page.

        Raises:
            CursorError: The cursor is damaged, or belongs to another query.
        """
        if self._segments is not None:
            raise QueryError("pages come from one segment: use segment= and total_segments=")
        wanted = _positive(size, "size")
        operation = self._operation()
        if after is not None:
            operation = attrs.evolve(operation, start_key=self._read_cursor(after))
        if self._page_size is None and self._filter is None:
            operation = attrs.evolve(operation, limit=wanted)
        items: list[Item] = []
        last: Item | None = None
        for found in self._source.connection().stream(pages(operation)):
            items += found.items
            last = found.last_key
            if len(items) >= wanted:
                break
        if len(items) > wanted:
            items = items[:wanted]
            last = self._key_of_last(items[-1])
        records = [self._decode(item) for item in items]
        return Page(records, None if last is None else self._make_cursor(last))

    # --- how it is carried out --------------------------------------------------------------

    @property
    def _schema(self) -> TableSchema:
        return self._source.schema

    @property
    def _codec(self) -> RecordCodec:
        return self._schema.codec

    @property
    def _build(self) -> ExpressionBuilder:
        return ExpressionBuilder(self._codec)

    @property
    def _index_schema(self) -> IndexSchema | None:
        return None if self._index is None else self._schema.index(self._index)

    @property
    def _keys(self) -> tuple[KeyField, ...]:
        index = self._index_schema
        return self._schema.keys if index is None else index.keys

    @property
    def _where(self) -> str:
        table = self._schema.table_name
        return table if self._index is None else f"index {self._index} of {table}"

    def _take(self, records: Iterator[Record]) -> Iterator[Record]:
        if self._limit is None:
            return records
        return (record for _, record in zip(range(self._limit), records, strict=False))

    def _records(self) -> Iterator[Record]:
        for page in self._pages():
            for item in page.items:
                yield self._decode(item)

    def _pages(self, *, count_only: bool = False) -> Iterator[SearchPage]:
        connection = self._source.connection()
        if self._segments is None:
            yield from connection.stream(pages(self._operation(count_only=count_only)))
            return
        parts = [
            self.segment(number, self._segments)._operation(count_only=count_only)
            for number in range(self._segments)
        ]
        yield from connection.stream(pages_together(parts))

    def _operation(self, *, count_only: bool = False) -> QueryOperation | ScanOperation:
        """Return the first request; everything that can be wrong is found here."""
        self._check()
        common: dict[str, Any] = {
            "table": self._source.table(),
            "index": self._index,
            "filter": self._filter,
            "projection": self._projection(),
            "limit": self._request_limit(),
            "consistent": self._is_consistent(),
            "count_only": count_only,
        }
        if self._is_scan:
            return ScanOperation(segment=self._segment, total_segments=self._total_segments, **common)
        key_condition = tree.all_of(self._hash, self._range)
        assert key_condition is not None  # _check has found the hash key
        return QueryOperation(key_condition=key_condition, reverse=self._reverse, **common)

    def _check(self) -> None:
        if not self._is_scan and self._hash is None:
            raise QueryError(
                f"a query of {self._where} needs {self._keys[0].name}__eq; without it, use scan()"
            )
        if not self._is_scan and (self._segments or self._segment is not None):
            raise QueryError("segments belong to scans")
        if self._index is not None:
            problem = self._source.index_problem(self._index)
            if problem is not None:
                raise DynamoSchemaException(problem)

    def _request_limit(self) -> int | None:
        if self._page_size is not None:
            return self._page_size
        return self._limit if self._filter is None else None

    def _is_consistent(self) -> bool:
        index = self._index_schema
        is_global = index is not None and index.is_global
        if self._consistent and is_global:
            raise QueryError(f"{self._where} is global: it cannot be read consistently")
        if self._consistent is not None:
            return self._consistent
        return self._source.consistent and not is_global

    def _projection(self) -> tuple[tree.Path, ...] | None:
        if self._attributes is None:
            return None
        keys = [tree.Path.of(key.wire) for key in (*self._schema.keys, *self._keys)]
        version = self._codec.version
        if version is not None:  # without it, a change could not be saved safely
            keys.append(tree.Path.of(version.wire))
        named = [self._build.path(name) for name in self._attributes]
        return tuple(dict.fromkeys([*keys, *named]))

    def _fields_read(self) -> frozenset[str] | None:
        """Return the fields that results have; None when it is all of them."""
        projection = self._projection()
        if projection is not None:
            wires = {str(path.steps[0]) for path in projection}
            return frozenset(f.name for f in self._codec.fields if f.wire in wires)
        index = self._index_schema
        if index is None or index.projection == "ALL" or not index.is_global:
            # A local index fetches from the table what it does not hold.
            return None
        names = set() if isinstance(index.projection, str) else set(index.projection)
        return frozenset(names | {key.name for key in (*self._schema.keys, *index.keys)})

    def _decode(self, item: Item) -> Record:
        names = self._fields_read()
        try:
            if names is None:
                record: Record = self._codec.decode(item)
            else:
                record = self._codec.decode_partial(item, names)
        except Invalid as invalid:
            raise decode_error(self._schema, item, invalid) from None
        return record

    # --- conditions -------------------------------------------------------------------------

    def _where_key(self, key: KeyField, operator: str, value: Any) -> Query[Record]:
        if self._is_scan:
            raise QueryError("a scan has filters only: use .filter(...)")
        allowed = {"eq"} if key.role == "HASH" else _RANGE_OPERATORS
        if operator not in allowed:
            raise QueryError(
                f"{key.name} is a key of {self._where}: it takes {', '.join(sorted(allowed))}; "
                f"DynamoDB does not filter by keys"
            )
        place = "hash" if key.role == "HASH" else "range"
        if getattr(self, f"_{place}") is not None:
            raise QueryError(f"two conditions on {key.name}: use {key.name}__between=(low, high)")
        if value is None or value in ("", b""):
            raise QueryError(f"{key.name} is a key: no item has an empty one")
        condition = self._key_condition(key, operator, value)
        return attrs.evolve(self, **{place: condition})

    def _key_condition(self, key: KeyField, operator: str, value: Any) -> tree.Condition:
        path = tree.Path.of(key.wire)

        def encode(bound: Any) -> tree.Value:
            try:
                return tree.Value(key.codec.encode(bound))
            except Invalid as invalid:
                raise ValidationError("condition", invalid.under(key.name)) from None

        if operator == "between":
            try:
                low, high = value
            except (TypeError, ValueError):
                raise QueryError(f"{key.name}__between takes a pair: (low, high)") from None
            return tree.Between(path, encode(low), encode(high))
        if operator == "beginswith":
            return self._build.keyword(key.name, operator, value)
        comparators: Mapping[str, tree.Comparator] = {
            "eq": "=",
            "lt": "<",
            "lte": "<=",
            "gt": ">",
            "gte": ">=",
        }
        return tree.Compare(comparators[operator], path, encode(value))

    def _where_tree(self, condition: tree.Condition) -> Query[Record]:
        """Take a condition apart into hash, range and filter."""
        query = self
        parts = condition.conditions if isinstance(condition, tree.And) else (condition,)
        wires = {key.wire: key for key in self._keys}
        for part in parts:
            if isinstance(part, tree.And):
                query = query._where_tree(part)
                continue
            key = None if query._is_scan else wires.get(_only_wire(part) or "")
            if key is None:
                query._check_filter(part)
                query = attrs.evolve(query, filter=tree.all_of(query._filter, part))
            else:
                query = query._where_key_tree(key, part)
        return query

    def _where_key_tree(self, key: KeyField, part: tree.Condition) -> Query[Record]:
        is_equal = isinstance(part, tree.Compare) and part.comparator == "="
        usable = isinstance(part, tree.Between | tree.BeginsWith) or (
            isinstance(part, tree.Compare) and part.comparator != "<>"
        )
        if not (is_equal if key.role == "HASH" else usable):
            raise QueryError(f"{key.name} is a key of {self._where}: this condition cannot be used")
        place = "hash" if key.role == "HASH" else "range"
        if getattr(self, f"_{place}") is not None:
            raise QueryError(f"two conditions on {key.name}: use between")
        return attrs.evolve(self, **{place: part})

    def _check_filter(self, condition: tree.Condition | None) -> None:
        """Refuse filters on the keys that a query reads by, as DynamoDB does."""
        if condition is None or self._is_scan:
            return
        wires = {key.wire: key.name for key in self._keys}
        for wire in _wires(condition):
            if wire in wires:
                raise QueryError(
                    f"{wires[wire]} is a key of {self._where}, and DynamoDB does not filter by "
                    f"keys: put it into the query's own conditions"
                )

    # --- cursors ----------------------------------------------------------------------------

    def _key_of_last(self, item: Item) -> Item:
        return {key.wire: item[key.wire] for key in (*self._schema.keys, *self._keys)}

    def _digest(self) -> bytes:
        """Return what binds a cursor to its query: where it reads, what, and in which order."""
        operation = self._operation()
        payload = attrs.evolve(operation, limit=None, projection=None, consistent=False).payload()
        return hashlib.sha256(type(operation).name.encode() + payload).digest()[:12]

    def _make_cursor(self, key: Item) -> str:
        content = msgspec.json.encode(key)
        return base64.urlsafe_b64encode(self._digest() + content).decode("ascii").rstrip("=")

    def _read_cursor(self, cursor: str) -> Item:
        try:
            raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
            key = msgspec.json.decode(raw[12:], type=Item)
        except (binascii.Error, ValueError, TypeError, RecursionError):
            raise CursorError("the cursor is damaged") from None
        if raw[:12] != self._digest():
            raise CursorError("the cursor belongs to another query")
        wanted = {k.wire: k.tag for k in (*self._schema.keys, *self._keys)}
        if {name: "".join(value) for name, value in key.items()} != wanted:
            raise CursorError("the cursor is damaged")
        return key


def decode_error(schema: TableSchema, item: Item, invalid: Invalid) -> DecodeError:
    """Return the error for an item that its class cannot read, naming its key."""
    name = schema.codec.record_class.__name__
    try:
        subject = f"{name} {schema.user_key(item)!r}"
    except (Invalid, KeyError):
        subject = name
    return DecodeError(subject, invalid.problems)


def _merge_bounds(keywords: Mapping[str, Any], key_names: set[str]) -> dict[str, Any]:
    """Put ``range__gte`` and ``range__lte`` together: a key takes one condition only."""
    merged = dict(keywords)
    for name in key_names:
        low, high = f"{name}__gte", f"{name}__lte"
        if low in merged and high in merged:
            merged[f"{name}__between"] = (merged.pop(low), merged.pop(high))
    return merged


def _positive(count: int, what: str) -> int:
    if isinstance(count, bool) or not isinstance(count, int) or count < 1:
        raise QueryError(f"{what} is a whole number from 1")
    return count


def _only_wire(condition: tree.Condition) -> str | None:
    """Return the attribute that a condition is about, if it is about one as a whole."""
    if isinstance(condition, tree.Compare):
        place: Any = condition.left
    elif isinstance(condition, tree.Between):
        place = condition.operand
    elif isinstance(condition, tree.BeginsWith):
        place = condition.path
    else:
        return None
    if isinstance(place, tree.Path) and len(place.steps) == 1:
        return str(place.steps[0])
    return None


def _wires(node: Any) -> Iterator[str]:
    """Yield the attributes at which the paths in a tree begin."""
    if isinstance(node, tree.Path):
        yield str(node.steps[0])
    elif attrs.has(type(node)) and not isinstance(node, tree.Value):
        for attribute in attrs.fields(type(node)):
            yield from _wires(getattr(node, attribute.name))
    elif isinstance(node, Sequence) and not isinstance(node, str):
        for inner in node:
            yield from _wires(inner)
