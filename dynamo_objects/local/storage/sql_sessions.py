"""Sessions: connections of SQLAlchemy, and how their databases begin and end units.

A session serves one unit at a time, and is kept for the next. SQLAlchemy opens connections,
keeps passwords, and knows dialects; statements, which are already texts for the driver, go to
the driver's own cursor, which is three times as fast as SQLAlchemy's way there.

SQLite: a file is in WAL mode, so that readers never wait. With ``synchronous=NORMAL`` an
acknowledged write is with the operating system, and survives the end of the process, however
violent; after a power failure the last ones may be missing, but none is there by half.
PostgreSQL: as its own settings say, which means durable unless ``synchronous_commit`` is off.
"""

from __future__ import annotations

import os
import time
from typing import Any, ClassVar

import sqlalchemy as sa

from .sql_schema import Statements

__all__ = ["BUSY_SECONDS", "PostgresSession", "Session", "SqliteSession", "read_version"]

#: How long a writing unit waits for those of other processes (SQLite).
BUSY_SECONDS = 30.0

#: The document that tells one state of the tables from another; see `Session.version`.
_VERSION = ("version", b"tables")


def read_version(cursor: Any, sql: Statements) -> int:
    """Return the number of the present state of the tables."""
    cursor.execute(sql.document, _VERSION)
    row = cursor.fetchone()
    return 0 if row is None else int(row[0])


class Session:
    """One connection. Its units are begun and ended here; what they do goes through ``cursor``."""

    #: Whether a connection that was idle may be dead, and another one should be tried.
    may_be_lost: ClassVar[bool] = False

    def __init__(self, connection: sa.Connection, sql: Statements) -> None:
        self.connection = connection.execution_options(isolation_level="AUTOCOMMIT")
        self.sql = sql
        self.cursor: Any = self._new_cursor()
        self.prepare()

    def prepare(self) -> None:
        """Set what the connection needs."""

    def begin_reading(self) -> None:
        """Begin a unit that sees one state."""
        raise NotImplementedError

    def begin_writing(self) -> None:
        """Begin a unit that is alone."""
        raise NotImplementedError

    def begin_creating(self) -> None:
        """Begin a unit that is alone, where there may be no tables yet."""
        self.begin_writing()

    def commit(self) -> None:
        """Keep what was written."""
        self.cursor.execute("COMMIT")

    def rollback(self) -> None:
        """Forget what was written."""
        self.cursor.execute("ROLLBACK")

    def version(self) -> int:
        """Return a number that stands for the state of the tables, as this unit sees it."""
        raise NotImplementedError

    def change_version(self) -> None:
        """Have others see that tables changed."""
        # Drawn, not counted: a number that was used in a unit that was undone must not come again.
        # The operating system draws, since programs that seed ``random`` draw alike.
        number = int.from_bytes(os.urandom(8), "big") >> 1
        self.cursor.execute(self.sql.put_document, (*_VERSION, str(number).encode()))
        self.forget_version()

    def forget_version(self) -> None:
        """Read the version again when it is next asked for."""

    def close(self, *, for_good: bool = False) -> None:
        """Give the connection back to its pool, or close it."""
        if for_good:
            self.connection.invalidate()
        self.connection.close()

    def _new_cursor(self) -> Any:
        return self.connection.connection.cursor()


class SqliteSession(Session):
    """A connection to SQLite."""

    def prepare(self) -> None:
        """Choose WAL and what survives; see above."""
        self._seen: int | None = None
        self._version = 0
        self.cursor.execute(f"PRAGMA busy_timeout={int(BUSY_SECONDS * 1000)}")
        self._use_wal()
        self.cursor.execute("PRAGMA synchronous=NORMAL")

    def begin_reading(self) -> None:
        """Begin a unit that sees one state: that of its first statement."""
        self.cursor.execute("BEGIN")

    def begin_writing(self) -> None:
        """Begin a unit that is alone."""
        self.cursor.execute("BEGIN IMMEDIATE")

    def rollback(self) -> None:
        """Forget what was written."""
        self._seen = None
        # SQLite ends a transaction itself after some errors, a full disk for one.
        if self.connection.connection.driver_connection.in_transaction:  # type: ignore[union-attr]
            self.cursor.execute("ROLLBACK")

    def version(self) -> int:
        """Return the number of the state; read only after another connection has written anything."""
        self.cursor.execute("PRAGMA data_version")
        (seen,) = self.cursor.fetchone()
        if seen != self._seen:
            self._version, self._seen = read_version(self.cursor, self.sql), seen
        return self._version

    def forget_version(self) -> None:
        """Read the version again when it is next asked for."""
        self._seen = None

    def _use_wal(self) -> None:
        """Switch to WAL; SQLite does not wait by itself when others do the same just now."""
        deadline = time.monotonic() + BUSY_SECONDS
        while True:
            try:
                self.cursor.execute("PRAGMA journal_mode=WAL")
            except Exception as error:
                if "locked" not in str(error) or time.monotonic() > deadline:
                    raise
                time.sleep(0.005)
            else:
                return


class PostgresSession(Session):
    """A connection to PostgreSQL, by psycopg 3."""

    may_be_lost = True

    #: Of the advisory lock that a writing unit holds; the same for all programs that use this storage.
    _LOCK = int.from_bytes(b"dynamo_o", "big")
    _READ_VERSION = (
        "SELECT content FROM dynamo_objects_documents"  # a text without parameters, to go with others
        " WHERE kind = 'version' AND name = 'tables'::bytea"
    )
    _READING = f"BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY; {_READ_VERSION}"
    # READ COMMITTED, since each statement then sees what was there when the lock had been granted.
    _WRITING = f"BEGIN ISOLATION LEVEL READ COMMITTED; SELECT pg_advisory_xact_lock({_LOCK})"

    def prepare(self) -> None:
        """Nothing is set: units say what they need."""
        self._version: int | None = None
        # Only with results as text may several statements go on one way.
        self._several: Any = self.connection.connection.cursor()

    def begin_reading(self) -> None:
        """Begin a unit that sees one state, and read the version on the same way."""
        self._several.execute(self._READING)
        self._keep_version(results=2)

    def begin_writing(self) -> None:
        """Begin a unit that is alone, when it is its turn, and read the version on the same way."""
        self._several.execute(f"{self._WRITING}; {self._READ_VERSION}")
        self._keep_version(results=3)

    def begin_creating(self) -> None:
        """Begin a unit that is alone, where there may be no tables yet."""
        self._several.execute(self._WRITING)

    def version(self) -> int:
        """Return the number of the state."""
        if self._version is None:
            self._version = read_version(self.cursor, self.sql)
        return self._version

    def forget_version(self) -> None:
        """Read the version again when it is next asked for."""
        self._version = None

    def _keep_version(self, results: int) -> None:
        """Take the version from the last of the results."""
        for _ in range(results - 1):
            self._several.nextset()
        row = self._several.fetchone()
        self._version = 0 if row is None else int(row[0])

    def _new_cursor(self) -> Any:
        return self.connection.connection.cursor(binary=True)
