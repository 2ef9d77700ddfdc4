"""Search: the parts of a query or scan, and the request that they make together."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

import msgspec

from ..codec.records import RecordCodec
from ..codec.typed import PLAIN_ITEMS, ItemReader
from ..errors import DynamoSchemaException, QueryError
from ..expressions import tree
from ..expressions.builders import ExpressionBuilder
from ..operations.search import Query as QueryOperation
from ..operations.search import Scan as ScanOperation
from ..record import DynamoRecord
from ..schema import IndexSchema, KeyField, TableSchema
from .conditions import wires
from .cursors import digest
from .source import Source

__all__ = ["MAX_PAGE_SIZE", "Search"]

Record = TypeVar("Record", bound=DynamoRecord)

#: DynamoDB's Limit is a signed 32-bit integer; more in one request is of no use anyway.
MAX_PAGE_SIZE = 2**31 - 1


class Search(msgspec.Struct, Generic[Record], frozen=True, eq=False):
    """What is asked for. Everything that can be wrong with it is found before it is sent."""

    _source: Source
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

    def __repr__(self) -> str:
        """Return what is asked for, without values."""
        parts = [f"scan of {self._where}" if self._is_scan else self._where]
        for name, condition in (("hash", self._hash), ("range", self._range), ("filter", self._filter)):
            if condition is not None:
                parts.append(f"{name} on {', '.join(dict.fromkeys(wires(condition)))}")
        for name in (
            "attributes",
            "limit",
            "page_size",
            "consistent",
            "segment",
            "total_segments",
            "segments",
        ):
            if (value := getattr(self, f"_{name}")) is not None:
                parts.append(f"{name}={value}")
        return f"{type(self).__name__}({'; '.join(parts + ['reverse'] * self._reverse)})"

    # --- where ----------------------------------------------------------------------------

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
    def _all_keys(self) -> tuple[KeyField, ...]:
        return (*self._schema.keys, *self._keys)

    @property
    def _where(self) -> str:
        table = self._schema.table_name
        return table if self._index is None else f"index {self._index} of {table}"

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
            "reader": self._reader(),
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
        self._check_filter(self._filter)
        if self._index is None:
            return
        problem = self._source.index_problem(self._index)
        if problem is not None:
            raise DynamoSchemaException(problem)
        self._check_projected()

    def _check_projected(self) -> None:
        """Refuse what an index does not hold; engines would take it for absent."""
        index = self._index_schema
        held = None if index is None else self._schema.projected(index.name)
        if index is None or held is None:
            return
        asked = set(wires(self._filter))
        if index.is_global:  # a local one fetches from the table
            asked |= {str(path.steps[0]) for path in self._projection() or ()}
        if missing := sorted(asked - held):
            raise QueryError(f"{self._where} does not hold {', '.join(missing)}: see its projection=")

    def _request_limit(self) -> int | None:
        limit = self._page_size
        if limit is None and self._filter is None:
            limit = self._limit
        return None if limit is None else min(limit, MAX_PAGE_SIZE)

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
        asked = [tree.Path.of(key.wire) for key in self._all_keys]
        version = self._codec.version
        if version is not None:  # without it, a change could not be saved safely
            asked.append(tree.Path.of(version.wire))
        asked += [self._build.path(name) for name in self._attributes]
        return tuple(dict.fromkeys(asked))

    def _wires_read(self) -> frozenset[str] | None:
        """Return the attributes that results were asked for; None when it is all of them."""
        projection = self._projection()
        if projection is not None:
            return frozenset(str(path.steps[0]) for path in projection)
        # Also a local index answers with what it holds, unless it is asked for more.
        return None if self._index is None else self._schema.projected(self._index)

    def _reader(self) -> ItemReader:
        """Return what reads the items: records of a part of their attributes are put together by hand."""
        return self._codec.reader if self._wires_read() is None else PLAIN_ITEMS

    def _check_filter(self, condition: tree.Condition | None) -> None:
        """Refuse filters on the keys that a query reads by, as DynamoDB does."""
        if condition is None or self._is_scan:
            return
        names = {key.wire: key.name for key in self._keys}
        for wire in wires(condition):
            if wire in names:
                raise QueryError(
                    f"{names[wire]} is a key of {self._where}, and DynamoDB does not filter by "
                    f"keys: put it into the query's own conditions"
                )

    def _digest(self) -> bytes:
        return digest(
            *(self._source.table(), self._is_scan, self._index, self._reverse),
            *(self._segment, self._total_segments, self._hash, self._range, self._filter),
        )

    def _cursor_types(self) -> dict[str, str]:
        return {key.wire: key.tag for key in self._all_keys}
