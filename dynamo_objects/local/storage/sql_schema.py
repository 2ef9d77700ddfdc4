"""The tables of the SQL storage, and its statements as texts for a driver.

Keys are bytes, compared bytewise, so that only stretches of keys become SQL; what items hold
is nobody's business there. Statements are written with SQLAlchemy Core and compiled once for
each engine; values are always bound.
"""

from __future__ import annotations

from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql import ClauseElement

from ..definitions import Position

__all__ = ["METADATA", "Statements", "parameters"]

METADATA = sa.MetaData()

_ENTRIES = sa.Table(
    "dynamo_objects_entries",
    METADATA,
    sa.Column("collection", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("hash", sa.LargeBinary, primary_key=True),
    sa.Column("sort", sa.LargeBinary, primary_key=True),
    sa.Column("item", sa.LargeBinary, nullable=False),
    sa.Column("size", sa.Integer, nullable=False),
    sqlite_with_rowid=False,
)
#: Counted along with each change, since counting rows takes time in proportion to their number.
_TOTALS = sa.Table(
    "dynamo_objects_totals",
    METADATA,
    sa.Column("collection", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("entries", sa.BigInteger, nullable=False),
    sa.Column("bytes", sa.BigInteger, nullable=False),
)
#: Names are UTF-8, for no database agrees with another on the order of texts, or on NUL in them.
_DOCUMENTS = sa.Table(
    "dynamo_objects_documents",
    METADATA,
    sa.Column("kind", sa.String(40), primary_key=True),
    sa.Column("name", sa.LargeBinary, primary_key=True),
    sa.Column("content", sa.LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)

_E, _T, _D = _ENTRIES.c, _TOTALS.c, _DOCUMENTS.c
_INSERTS = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


class Statements(msgspec.Struct, frozen=True):
    """Texts of statements; a text's parameters are bound in the order that is given here."""

    get: str  # collection, hash, sort -> item, size
    size: str  # collection, hash, sort -> size
    put: str  # collection, hash, sort, item, size
    delete: str  # collection, hash, sort
    drop: str  # collection
    totals: str  # collection -> entries, bytes
    add_totals: str  # collection, entries, bytes
    drop_totals: str  # collection
    document: str  # kind, name -> content
    documents: str  # kind -> name, content
    put_document: str  # kind, name, content
    delete_document: str  # kind, name
    spans: dict[tuple[bool, bool], str]  # see `parameters` -> hash, sort, item, size

    @classmethod
    def of(cls, dialect: sa.Dialect) -> Statements:
        """Return the texts for a driver."""
        compiler = _Compiler(dialect)
        return cls(
            get=compiler.text(sa.select(_E.item, _E.size).where(*_equal(_ENTRIES))),
            size=compiler.text(sa.select(_E.size).where(*_equal(_ENTRIES))),
            put=compiler.upsert(_ENTRIES, lambda given: {"item": given.item, "size": given.size}),
            delete=compiler.text(sa.delete(_ENTRIES).where(*_equal(_ENTRIES))),
            drop=compiler.text(sa.delete(_ENTRIES).where(_is(_E.collection))),
            totals=compiler.text(sa.select(_T.entries, _T.bytes).where(*_equal(_TOTALS))),
            add_totals=compiler.upsert(
                _TOTALS,
                lambda given: {"entries": _T.entries + given.entries, "bytes": _T.bytes + given.bytes},
            ),
            drop_totals=compiler.text(sa.delete(_TOTALS).where(*_equal(_TOTALS))),
            document=compiler.text(sa.select(_D.content).where(*_equal(_DOCUMENTS))),
            documents=compiler.text(sa.select(_D.name, _D.content).where(_is(_D.kind)).order_by(_D.name)),
            put_document=compiler.upsert(_DOCUMENTS, lambda given: {"content": given.content}),
            delete_document=compiler.text(sa.delete(_DOCUMENTS).where(*_equal(_DOCUMENTS))),
            spans={
                (bounded, reverse): compiler.text(_span(bounded, reverse))
                for bounded in (False, True)
                for reverse in (False, True)
            },
        )


def parameters(collection: int, low: Position, high: Position | None, count: int) -> tuple[Any, ...]:
    """Return what is bound to the text of ``spans[high is not None, reverse]``."""
    return (collection, *low, count) if high is None else (collection, *low, *high, count)


def _is(column: sa.Column[Any]) -> sa.ColumnElement[bool]:
    return column == sa.bindparam(None, type_=column.type)


def _equal(table: sa.Table) -> list[sa.ColumnElement[bool]]:
    """Return the condition for one key."""
    return [_is(column) for column in table.primary_key.columns]


def _position() -> sa.Tuple:
    return sa.tuple_(*(sa.bindparam(None, type_=sa.LargeBinary) for _ in range(2)))


def _span(bounded: bool, reverse: bool) -> ClauseElement:
    key = sa.tuple_(_E.hash, _E.sort)
    found = sa.select(_E.hash, _E.sort, _E.item, _E.size).where(_is(_E.collection), key >= _position())
    if bounded:
        found = found.where(key < _position())
    order = (_E.hash.desc(), _E.sort.desc()) if reverse else (_E.hash, _E.sort)
    limited = found.order_by(*order).limit(sa.bindparam(None, type_=sa.Integer))
    return limited.offset(sa.literal_column("0"))  # or SQLite's dialect would bind a 0 of its own


class _Compiler:
    """Statements -> texts with parameters by place."""

    def __init__(self, dialect: sa.Dialect) -> None:
        style = "qmark" if dialect.name == "sqlite" else "format"
        make: Any = type(dialect)
        self._dialect = make(paramstyle=style)
        self._insert: Any = _INSERTS[dialect.name]

    def text(self, statement: ClauseElement) -> str:
        return str(statement.compile(dialect=self._dialect))

    def upsert(self, table: sa.Table, changes: Any) -> str:
        """Return the text that inserts a row, or changes the one with its key."""
        insert = self._insert(table).values(
            {column.name: sa.bindparam(None, type_=column.type) for column in table.columns}
        )
        return self.text(
            insert.on_conflict_do_update(
                index_elements=list(table.primary_key.columns), set_=changes(insert.excluded)
            )
        )
