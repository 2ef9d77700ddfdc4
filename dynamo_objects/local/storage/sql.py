"""Entries in a SQL database: SQLite files, SQLite in memory, PostgreSQL.

Several processes may share a database. Tables are created when they are missing.
On PostgreSQL the hash and sort bytes of an entry may have 2,700 bytes together, unless they
can be compressed: its indexes take no more.
"""

from __future__ import annotations

from operator import methodcaller
from types import TracebackType
from typing import Any, cast
from weakref import finalize

import sqlalchemy as sa
from sqlalchemy import exc
from sqlalchemy.pool import NullPool, StaticPool

from .base import StorageError, Unit
from .forking import whole_at_fork
from .sql_pool import SessionPool
from .sql_schema import METADATA, Statements
from .sql_units import ReadingUnit, WritingUnit

__all__ = ["SqlStorage"]

#: The shape of the tables; it changes when a later version of the library changes them.
_SCHEMA = b"1"
_SCHEMA_NAME = ("schema", b"version")
_BEGIN_READING, _BEGIN_WRITING, _BEGIN_CREATING = map(
    methodcaller, ("begin_reading", "begin_writing", "begin_creating")
)
_DRIVERS = {"sqlite": "pysqlite", "postgresql": "psycopg"}


class _Reading:
    """A reading unit, from its begin to its end."""

    __slots__ = ("_pool", "_session", "_unit")

    def __init__(self, pool: SessionPool) -> None:
        self._pool = pool

    def __enter__(self) -> ReadingUnit:
        self._session = self._pool.begin(_BEGIN_READING)
        self._unit = ReadingUnit(self._session)
        return self._unit

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._unit.end()
        self._pool.end(self._session, error)


class _Writing:
    """A writing unit, from its begin to its end."""

    __slots__ = ("_pool", "_session", "_unit")

    def __init__(self, pool: SessionPool) -> None:
        self._pool = pool

    def __enter__(self) -> WritingUnit:
        self._pool.writing.acquire()
        try:
            self._session = self._pool.begin(_BEGIN_WRITING)
        except BaseException:
            self._pool.writing.release()
            raise
        self._unit = WritingUnit(self._session)
        return self._unit

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                self._flush()
            self._unit.end()
            self._pool.end(self._session, error)
        finally:
            self._pool.writing.release()

    def _flush(self) -> None:
        try:
            self._unit.flush()
        except BaseException as failure:
            self._unit.end()
            self._pool.end(self._session, failure)
            raise


class SqlStorage:
    """Entries in a SQL database.

    Args:
        database: A URL of SQLAlchemy, or an engine of SQLAlchemy, which stays open when the
            storage is closed. An engine for SQLite in memory needs ``StaticPool`` and
            ``check_same_thread=False``.

    Raises:
        StorageError: The database cannot be reached, is of a kind that is not supported, or holds
            tables of another version of this library.
    """

    def __init__(self, database: str | sa.URL | sa.Engine) -> None:
        owns_engine = not isinstance(database, sa.Engine)
        self._engine = database if isinstance(database, sa.Engine) else _engine(_url(database))
        _check_driver(self._engine.dialect)
        self._sql = Statements.of(self._engine.dialect)
        self._pool = SessionPool(self._engine, self._sql, is_single=_is_in_memory(self._engine.url))
        # Whoever forgets to close a storage leaves no connection open.
        self._close = finalize(self, _close, self._pool, self._engine if owns_engine else None)
        whole_at_fork(self)
        self._create_tables()

    def reading(self) -> _Reading:
        """Return a unit that only reads."""
        return _Reading(self._pool)

    def writing(self) -> _Writing:
        """Return a unit that may write; nothing is kept when it ends by an exception."""
        return _Writing(self._pool)

    def version(self, unit: Unit) -> int:
        """Return a number that changes whenever a document of kind ``table`` changes, by whomever."""
        return cast(ReadingUnit, unit).version()

    def close(self) -> None:
        """Give up connections."""
        self._close()

    def before_fork(self) -> None:
        """Come to rest; called in the parent."""
        self._pool.before_fork()

    def after_fork(self) -> None:
        """Go on; called in the parent and in the child."""
        self._pool.after_fork()

    def __repr__(self) -> str:
        # Of the URL only what cannot hold a password.
        return f"SqlStorage({self._engine.dialect.name}, database={self._engine.url.database!r})"

    def _create_tables(self) -> None:
        """Create what is missing; processes that do so at the same time take turns."""
        with self._pool.writing:
            session = self._pool.begin(_BEGIN_CREATING)
            try:
                METADATA.create_all(session.connection)
                self._check_schema(session.cursor)
            except BaseException as failure:
                self._pool.end(session, failure)
                raise
            self._pool.end(session, None)

    def _check_schema(self, cursor: Any) -> None:
        cursor.execute(self._sql.document, _SCHEMA_NAME)
        row = cursor.fetchone()
        if row is None:
            cursor.execute(self._sql.put_document, (*_SCHEMA_NAME, _SCHEMA))
        elif row[0] != _SCHEMA:
            raise StorageError(
                f"the tables dynamo_objects_* of this database have the shape {row[0].decode()!r}, and this version "
                f"of dynamo_objects knows {_SCHEMA.decode()!r}: use another database, or the version that made them"
            )


def _close(pool: SessionPool, engine: sa.Engine | None) -> None:
    pool.close()
    if engine is not None:
        engine.dispose()


def _url(text: str | sa.URL) -> sa.URL:
    try:
        url = sa.make_url(text)
    except (exc.ArgumentError, ValueError):
        # Neither error is shown: they may quote the URL, and a password in it.
        raise StorageError(
            "the URL of the embedded engine's database is not one of SQLAlchemy: it looks like "
            "sqlite:///file.db or postgresql+psycopg://user:password@host/database"
        ) from None
    backend = url.get_backend_name()
    if backend in _DRIVERS and "+" not in url.drivername:
        return url.set(drivername=f"{backend}+{_DRIVERS[backend]}")
    return url


def _engine(url: sa.URL) -> sa.Engine:
    """Return an engine that leaves pooling to `SessionPool`."""
    if url.get_backend_name() not in _DRIVERS:
        raise _unsupported(url.drivername)
    try:
        if _is_in_memory(url):
            return sa.create_engine(url, poolclass=StaticPool, connect_args={"check_same_thread": False})
        return sa.create_engine(url, poolclass=NullPool)
    except ImportError:
        raise StorageError(
            f"{url.drivername} needs a driver that is not installed: pip install 'dynamo_objects[sql]'"
        ) from None
    except exc.ArgumentError:
        raise _unsupported(url.drivername) from None


def _check_driver(dialect: sa.Dialect) -> None:
    if _DRIVERS.get(dialect.name) != dialect.driver:
        raise _unsupported(f"{dialect.name}+{dialect.driver}")


def _unsupported(drivername: str) -> StorageError:
    return StorageError(
        f"the embedded engine keeps its data in SQLite (sqlite:///file.db) or PostgreSQL "
        f"(postgresql+psycopg://host/database), not in {drivername}"
    )


def _is_in_memory(url: sa.URL) -> bool:
    """Tell whether a database of SQLite vanishes with its connection."""
    if url.get_backend_name() != "sqlite":
        return False
    database = url.database or ":memory:"
    return ":memory:" in database or url.query.get("mode") == "memory"
