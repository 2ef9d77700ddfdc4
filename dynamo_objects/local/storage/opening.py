"""A storage from a URL. SQLAlchemy is imported only for storages that need it."""

from __future__ import annotations

from typing import Any

from .base import Storage, StorageError
from .memory import MemoryStorage

__all__ = ["open_storage"]

_MEMORY = ("memory://", "memory:")


def open_storage(url: str | None = None, engine: Any = None) -> Storage:
    """Return a storage, with its tables created when they were missing.

    Args:
        url: ``memory://``, or a URL of SQLAlchemy for SQLite or PostgreSQL: ``sqlite:///file.db``,
            ``sqlite://`` (in memory), ``postgresql+psycopg://user:password@host/database``.
        engine: An engine of SQLAlchemy instead of a URL; it stays open when the storage is closed.

    Raises:
        StorageError: It cannot be opened, or SQLAlchemy or a driver is not installed.
    """
    database = url if engine is None else engine
    if database is None or (url is not None and engine is not None):
        raise StorageError("give the embedded engine a url or an engine of SQLAlchemy, one of them")
    if url in _MEMORY:
        return MemoryStorage()
    try:
        from .sql import SqlStorage
    except ImportError as error:
        if (error.name or "").partition(".")[0] != "sqlalchemy":
            raise
        raise StorageError(
            "storing in a SQL database needs SQLAlchemy: pip install 'dynamo_objects[sql]'"
        ) from None
    return SqlStorage(database)
