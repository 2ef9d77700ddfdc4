"""Entries in a SQL database: SQLite files, SQLite in memory, PostgreSQL.

Several processes may share a database. Tables are created when they are missing.
On PostgreSQL the hash and sort bytes of an entry may have 2,700 bytes together, unless they
can be compressed: its indexes take no more.
"""

from __future__ import annotations

from types import TracebackType
from typing import Any, Generic, TypeVar, cast

import sqlalchemy as sa
from sqlalchemy.pool import NullPool, StaticPool

from .base import StorageError, Unit
from .forking import whole_at_fork
from .sql_pool import SessionPool
from .sql_schema import METADATA, Statements
from .sql_sessions import BUSY_SECONDS, PostgresSession, Session
from .sql_units import ReadingUnit, WritingUnit

__all__ = ["SqlStorage"]

#: The shape of the tables; it grows when a later version of the library changes them.
_SCHEMA = b"1"
_SCHEMA_NAME = ("schema", b"version")
_DRIVERS = {"sqlite": "pysqlite", "postgresql": "psycopg"}

_U = TypeVar("_U", ReadingUnit, WritingUnit)


class _Units(Generic[_U]):
    """What ``with`` works on: a unit from its begin to its end."""

    __slots__ = ("_storage", "_unit")

    def __init__(self, storage: SqlStorage) -> None:
        self._storage = storage

    def __enter__(self) -> _U:
        raise NotImplementedError

    def _end(self, session: Session, error: BaseException | None) -> None:
        """Commit or roll back, and have the session back or gone."""
        pool = self._storage.pool
        try:
            session.commit() if error is None else session.rollback()
        except self._storage.driver_error as failure:
            pool.discard(session)
            raise _explained(failure) from failure
        except BaseException:
            pool.discard(session)
            raise
        pool.give(session)
        if isinstance(error, self._storage.driver_error):
            raise _explained(error) from error


class _Reading(_Units[ReadingUnit]):
    __slots__ = ()

    def __enter__(self) -> ReadingUnit:
        self._unit = ReadingUnit(self._storage.begun(Session.begin_reading))
        return self._unit

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._unit.end()
        self._end(self._unit.session, error)


class _Writing(_Units[WritingUnit]):
    __slots__ = ()

    def __enter__(self) -> WritingUnit:
        writing = self._storage.pool.writing
        writing.acquire()
        try:
            self._unit = WritingUnit(self._storage.begun(Session.begin_writing))
        except BaseException:
            writing.release()
            raise
        return self._unit
