"""Storages of the embedded engine for tests, by name."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from dynamo_objects.local.storage.base import Storage
from dynamo_objects.local.storage.opening import open_storage

__all__ = ["STORAGES", "opened", "storage_url"]

STORAGES = ["memory", "sqlite", "sqlite-memory", "postgresql"]


@contextmanager
def storage_url(name: str, folder: Path, postgres: str | None) -> Iterator[str | None]:
    """Give the URL of an empty storage while the block runs; None when there is no such database."""
    if name == "postgresql":
        with _schema(postgres) as url:
            yield url
    else:
        file = f"sqlite:///{folder / uuid.uuid4().hex}.db"
        yield {"memory": "memory://", "sqlite": file, "sqlite-memory": "sqlite://"}[name]


@contextmanager
def opened(url: str) -> Iterator[Storage]:
    """Give a storage while the block runs."""
    storage = open_storage(url)
    try:
        yield storage
    finally:
        storage.close()


@contextmanager
def _schema(server: str | None) -> Iterator[str | None]:
    """Give the URL of a schema of its own."""
    if server is None:
        yield None
        return
    name = f"test_{uuid.uuid4().hex}"
    engine = sa.create_engine(server, poolclass=sa.NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE SCHEMA {name}")
    yield f"{server}?options=-csearch_path%3D{name}"
    with engine.connect() as connection:
        connection.exec_driver_sql(f"DROP SCHEMA {name} CASCADE")
