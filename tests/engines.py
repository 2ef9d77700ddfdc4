"""The engines that the behaviour suite runs on, and where each differs from AWS.

A difference is a row of `DIFFERENCES`. A test that meets one asks ``engine.differs(name)`` and
says what happens instead; it is never skipped. What AWS does is from its documents; nothing
here ran against AWS itself.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import attrs
import boto3
from botocore.config import Config

from dynamo_objects.connection.answering import answer

__all__ = ["DIFFERENCES", "ENGINES", "OWN", "Difference", "Engine", "chosen_engines"]

MEMORY = "memory"
SQLITE = "sqlite"
POSTGRES = "postgres"
SERVER = "server"
MOTO = "moto"
LOCAL = "dynamodb-local"
DYNOXIDE = "dynoxide"

#: Our own engine: in memory, in an SQLite file, in PostgreSQL, and in memory behind its server.
OWN = (MEMORY, SQLITE, POSTGRES, SERVER)

#: Also moto 5.2.5 in this process; DynamoDB Local of January 2020; dynoxide 1.2.1.
ENGINES = (*OWN, MOTO, LOCAL, DYNOXIDE)

REGION = "us-east-1"
_CREDENTIALS = {"aws_access_key_id": "local", "aws_secret_access_key": "local"}


@attrs.frozen
class Difference:
    """One way in which engines differ from AWS.

    Attributes:
        aws: What AWS does.
        instead: Engine -> what it does instead.
        seen: When, in ISO form.
    """

    aws: str
    instead: Mapping[str, str]
    seen: str


DIFFERENCES: Mapping[str, Difference] = {
    "refuses empty values": Difference(
        "stores empty texts and binaries in attributes that are no keys, since 2020-05-18",
        {LOCAL: "ValidationException"},
        "2026-11-20",
    ),
    "keeps failed items to itself": Difference(
        "sends the stored item with a failed condition where it is asked for, since 2023-06-30",
        {LOCAL: "sends none outside of transactions"},
        "2026-11-20",
    ),
    "ignores tokens": Difference(
        "carries out a transaction with the same ClientRequestToken once in ten minutes",
        {MOTO: "carries it out each time"},
        "2026-11-20",
    ),
    "ignores index throughput": Difference(
        "UpdateTable changes the throughput of global indexes",
        {DYNOXIDE: "answers as if it did, and changes nothing"},
        "2026-11-20",
    ),
    "stores index keys of any type": Difference(
        "refuses an item whose index key is of another type than declared",
        {MOTO: "stores it, and leaves it out of the index"},
        "2026-11-20",
    ),
    "local indexes never fetch": Difference(
        "fetches attributes that a local index does not hold from the table, where they are named",
        {MOTO: "answers without them", DYNOXIDE: "answers without them"},
        "2026-11-20",
    ),
    "refuses sizes of what is absent": Difference(
        "finds a condition on the size of an absent attribute false",
        {MOTO: "ValidationException: Invalid attribute name"},
        "2026-11-20",
    ),
    "loses concurrent changes": Difference(
        "changes an item for one request after another",
        {MOTO: "two threads may read the same old value"},
        "2026-11-20",
    ),
    "fails on updates without changes": Difference(
        "takes an UpdateItem that has a condition and changes nothing",
        {MOTO: "HTTP 500"},
        "2026-11-20",
    ),
}


@attrs.frozen
class Engine:
    """A running engine.

    Attributes:
        name: One of `ENGINES`.
        endpoint_url: Where it answers; None if it is in this process.
        session: A boto3 session for it.
        own: Our own engine, if it is in this process.
    """

    name: str
    endpoint_url: str | None
    session: Any = attrs.field(repr=False)
    own: Any = attrs.field(repr=False, default=None)

    def differs(self, difference: str) -> bool:
        """Tell whether this engine has a difference; the name must be in the table."""
        return self.name in DIFFERENCES[difference].instead

    def client(self, **retries: Any) -> Any:
        """Return a new boto3 client that never retries, or as asked."""
        client = self.session.client(
            "dynamodb",
            endpoint_url=self.endpoint_url,
            region_name=REGION,
            config=Config(retries=retries or {"total_max_attempts": 1, "mode": "standard"}),
        )
        if self.own is not None:
            client._make_api_call = lambda operation, parameters: answer(
                self.own, client, operation, parameters
            )
        return client

    @property
    def connect_arguments(self) -> dict[str, Any]:
        """Return what ``DynamoDatabase.connect`` needs to reach it."""
        if self.own is not None:
            return {"engine": self.own}
        return {"session": self.session, "endpoint_url": self.endpoint_url, "region_name": REGION}


def make_session() -> Any:
    """Return a boto3 session with made-up credentials, which moto can serve too."""
    import moto.core.models  # noqa: F401 (adds its hook to all sessions made from now on)

    return boto3.session.Session(region_name=REGION, **_CREDENTIALS)


@contextmanager
def mocked() -> Iterator[None]:
    """Serve boto3's requests to AWS by moto while the block runs."""
    from moto import mock_aws

    with mock_aws():
        yield


def chosen_engines(named: list[str]) -> tuple[str, ...]:
    """Return the engines to run on.

    Args:
        named: Those of the command line. Where there is none, the variable DYNAMODB_MOCK
            decides as it always did: empty means DynamoDB Local, anything else the mock;
            without it, all engines run.
    """
    if named:
        return tuple(name for name in ENGINES if name in named)
    mock = os.environ.get("DYNAMODB_MOCK")
    if mock is None:
        return ENGINES
    return (MEMORY,) if mock else (LOCAL,)
