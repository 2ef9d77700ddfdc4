"""Fixtures of the behaviour suite."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from dynamo_objects import DynamoDatabase

from .tables import FROZEN, MUTABLE, Kind


@pytest.fixture(params=[MUTABLE, FROZEN], ids=lambda kind: kind.name)
def kind(request: pytest.FixtureRequest) -> Kind:
    """Mutable and frozen records: a test that uses it runs on both."""
    chosen: Kind = request.param
    return chosen


class Unreachable:
    """A transport that nothing may use."""

    retries_by_itself = False

    def send(self, operation: str, payload: bytes, timeout_seconds: float) -> Any:
        """Fail the test."""
        pytest.fail(f"{operation} was sent")

    def close(self) -> None:
        """Do nothing."""


@pytest.fixture
def offline() -> Iterator[DynamoDatabase]:
    """The database of all tables, where any request fails the test; tables need not exist."""
    database = DynamoDatabase()
    database.connect(transport=Unreachable(), auto_create=False, table_prefix="offline_")
    yield database
    database.disconnect()


class Requests:
    """Counts the requests that a database has sent since this was made."""

    def __init__(self, db: DynamoDatabase) -> None:
        self._db = db
        self._before = Counter(db.get_connection().requests)

    def sent(self) -> dict[str, int]:
        """Return operation -> number of requests."""
        return dict(Counter(self._db.get_connection().requests) - self._before)


@pytest.fixture
def count_requests(db: DynamoDatabase) -> Any:
    """Make counters of requests: ``requests = count_requests()``, then ``requests.sent()``."""
    return lambda: Requests(db)
