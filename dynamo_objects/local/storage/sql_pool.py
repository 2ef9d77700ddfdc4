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
from sqlalchemy import exc

from .base import StorageError
from .sql_schema import Statements
from .sql_sessions import BUSY_SECONDS, PostgresSession, Session, SqliteSession

__all__ = ["SessionPool"]

_SESSIONS: dict[str, type[Session]] = {"sqlite": SqliteSession, "postgresql": PostgresSession}


class SessionPool:
    """Sessions with one database.

    Attributes:
        writing: Held by the writing unit of this process; the database keeps out others.
        failures: The class of the driver's errors.

    Args:
        engine: Opens connections.
        sql: The statements for it.
        is_single: The database lives in one connection, which is shared, one unit at a time.
    """

    def __init__(self, engine: sa.Engine, sql: Statements, *, is_single: bool) -> None:
        self.writing = Lock()
        self.failures: type[Exception] = engine.dialect.loaded_dbapi.Error
        self._engine, self._sql = engine, sql
        self._make = _SESSIONS[engine.dialect.name]
        self._alone: Lock | None = Lock() if is_single else None
        self._idle: deque[Session] = deque()

    def begin(self, begin: Callable[[Session], None]) -> Session:
        """Return a session that nobody else uses, with a unit begun by one of its methods.

        Raises:
            StorageError: The database cannot be reached, or is busy for too long.
        """
        if self._alone is not None:
            self._alone.acquire()
        try:
            return self._begun(begin)
        except BaseException:
            if self._alone is not None:
                self._alone.release()
            raise

    def end(self, session: Session, error: BaseException | None) -> None:
        """Keep what a unit did, or forget it after an error, and take the session back.

        Raises:
            StorageError: Instead of an error of the driver.
        """
        try:
            session.commit() if error is None else session.rollback()
        except BaseException as failure:
            self._discard(session)
            raise self._explained(failure) from failure
        finally:
            if self._alone is not None:
                self._alone.release()
        self._idle.append(session)
        if isinstance(error, self.failures):
            raise self._explained(error) from error

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

    def _begun(self, begin: Callable[[Session], None]) -> Session:
        while True:
            session, was_idle = self._session()
            try:
                begin(session)
            except BaseException as failure:
                self._discard(session)
                if was_idle and session.may_be_lost and isinstance(failure, self.failures):
                    continue  # nothing has been done yet: try the next, in the end a new one
                raise self._explained(failure) from failure
            return session

    def _session(self) -> tuple[Session, bool]:
        """Return a session, and whether it was there before."""
        try:
            return self._idle.pop(), True
        except IndexError:
            return self._open(), False

    def _open(self) -> Session:
        try:
            connection = self._engine.connect()
        except exc.DBAPIError as failure:
            # The driver's words, without SQLAlchemy's around them.
            raise self._explained(failure.orig or failure) from failure
        try:
            return self._make(connection, self._sql)
        except BaseException as failure:
            connection.close()
            raise self._explained(failure) from failure

    def _discard(self, session: Session) -> None:
        if self._alone is not None:
            self._idle.append(session)  # all data would go with it
        else:
            session.close(for_good=True)

    def _explained(self, failure: BaseException) -> BaseException:
        """Return an error of this library for one of the driver; others as they are."""
        if not isinstance(failure, self.failures):
            return failure
        # Further lines of PostgreSQL's may show values.
        reason = (str(failure).splitlines() or [type(failure).__name__])[0]
        if "database is locked" in reason:
            reason = f"another process has kept it locked for {BUSY_SECONDS:.0f} seconds"
        return StorageError(
            f"the {self._engine.dialect.name} database of the embedded engine failed: {reason}"
        )
