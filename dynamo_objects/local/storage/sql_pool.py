"""A pool of sessions: one for each unit that is under way, kept for the next ones.

Nobody but the process that opened a session uses it: before a fork, those at rest are closed.
(SQLite keeps what it knows of locks by file and process, so that even a new connection would
go wrong in a child that inherits an open one: sqlite.org, "How To Corrupt An SQLite Database
File", section 2.6.)
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from threading import Lock

import sqlalchemy as sa

from .sql_schema import Statements
from .sql_sessions import PostgresSession, Session, SqliteSession

__all__ = ["SessionPool"]

_SESSIONS: dict[str, type[Session]] = {"sqlite": SqliteSession, "postgresql": PostgresSession}


class SessionPool:
    """Sessions with one database.

    Attributes:
        writing: Held by the writing unit of this process; the database keeps out others.

    Args:
        engine: Opens connections.
        sql: The statements for it.
        is_single: The database lives in one connection, which is shared, one unit at a time.
    """

    def __init__(self, engine: sa.Engine, sql: Statements, *, is_single: bool) -> None:
        self.writing = Lock()
        self._engine, self._sql = engine, sql
        self._make: Callable[[sa.Connection, Statements], Session] = _SESSIONS[engine.dialect.name]
        self._alone: Lock | None = Lock() if is_single else None
        self._idle: deque[Session] = deque()

    def take(self, *, fresh: bool = False) -> Session:
        """Return a session that nobody else uses; a *fresh* one has not been idle."""
        alone = self._alone
        if alone is not None:
            alone.acquire()
        try:
            return self._open() if fresh else self._idle.pop()
        except IndexError:
            pass
        except BaseException:
            self._release()
            raise
        try:
            return self._open()
        except BaseException:
            self._release()
            raise

    def give(self, session: Session) -> None:
        """Take a session back."""
        self._idle.append(session)
        self._release()

    def discard(self, session: Session) -> None:
        """Close a session that may be broken."""
        try:
            session.close(for_good=True)
        finally:
            self._release()

    def close(self) -> None:
        """Close the sessions at rest."""
        while self._idle:
            self._idle.pop().close()

    def before_fork(self) -> None:
        """Let the writing unit end, and have no connection open, where one can be opened again."""
        self.writing.acquire()
        if self._alone is not None:
            self._alone.acquire()
            return
        while self._idle:
            self._idle.pop().close(for_good=True)

    def after_fork(self) -> None:
        """Go on, in the parent as in the child."""
        if self._alone is not None:
            self._alone.release()
        self.writing.release()

    def _open(self) -> Session:
        connection = self._engine.connect()
        try:
            return self._make(connection, self._sql)
        except BaseException:
            connection.close()
            raise

    def _release(self) -> None:
        if self._alone is not None:
            self._alone.release()
