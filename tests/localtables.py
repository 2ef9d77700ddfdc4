"""An embedded engine with operations on tables alone, and parts of requests for it."""

from __future__ import annotations

from typing import Any

import msgspec

from dynamo_objects.local.definitions import Table
from dynamo_objects.local.engine import LocalEngine, Options
from dynamo_objects.local.storage.base import Entry, Span
from dynamo_objects.local.storage.memory import MemoryStorage
from dynamo_objects.local.tables import HANDLERS

__all__ = [
    "ALL",
    "ARN",
    "INVALID",
    "UNITS",
    "Service",
    "attributes",
    "index",
    "keys",
    "new_table",
    "on_demand",
]

UNITS = {"ReadCapacityUnits": 5, "WriteCapacityUnits": 5}
ALL = {"ProjectionType": "ALL"}
ARN = "arn:aws:dynamodb:us-east-1:000000000000:table/"
INVALID = "One or more parameter values were invalid: "


class Clock:
    """A clock that only tests move."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


class Service:
    """An engine with tables alone."""

    def __init__(self, **options: Any) -> None:
        self.clock = Clock()
        self.storage = MemoryStorage()
        self.engine = LocalEngine(self.storage, HANDLERS, Options(clock=self.clock, **options))

    def call(self, operation: str, **request: Any) -> dict[str, Any]:
        """Return the members of a reply."""
        reply = self.engine.send(operation, msgspec.json.encode(request))
        body: dict[str, Any] = msgspec.json.decode(reply.body)
        assert 200 == reply.status, body
        return body

    def error(self, operation: str, **request: Any) -> tuple[str, str]:
        """Return the code and the message of an error."""
        reply = self.engine.send(operation, msgspec.json.encode(request))
        body = msgspec.json.decode(reply.body)
        assert 400 == reply.status, body
        return body["__type"].partition("#")[2], body.get("message") or body.get("Message", "")

    def table(self, name: str) -> dict[str, Any]:
        """Return the description of a table."""
        found: dict[str, Any] = self.call("DescribeTable", TableName=name)["Table"]
        return found

    def definition(self, name: str) -> Table:
        """Return the definition of a table."""
        with self.storage.reading() as unit:
            table = self.engine.context.catalog.find(unit, name)
        assert table is not None
        return table

    def put(self, name: str, **item: dict[str, Any]) -> None:
        """Store an item with its entries in indexes, unchecked."""
        table = self.definition(name)
        with self.storage.writing() as unit:
            unit.put(table.collection, table.position(item), Entry(item, 10))
            for index, position, held in table.entries(item):
                unit.put(index.collection, position, Entry(held, 10))

    def held(self, name: str, index: str) -> list[Any]:
        """Return the items of an index."""
        collection = self.definition(name).indexes[index].collection
        with self.storage.reading() as unit:
            return [entry.item for _, entry in unit.entries(collection, Span())]


def attributes(*names: str, type: str = "S") -> list[dict[str, str]]:
    """Return attribute definitions of one type."""
    return [{"AttributeName": name, "AttributeType": type} for name in names]


def keys(*names: str) -> list[dict[str, str]]:
    """Return a key schema: a hash attribute, and range attributes."""
    return [
        {"AttributeName": name, "KeyType": "RANGE" if number else "HASH"} for number, name in enumerate(names)
    ]


def index(name: str, *names: str, projection: Any = ALL, **more: Any) -> dict[str, Any]:
    """Return a secondary index."""
    return {"IndexName": name, "KeySchema": keys(*names), "Projection": projection, **more}


def new_table(name: str = "music", hash: str = "a", **more: Any) -> dict[str, Any]:
    """Return a request for a provisioned table of one hash attribute, or with other members."""
    request = {
        "TableName": name,
        "AttributeDefinitions": attributes(hash),
        "KeySchema": keys(hash),
        "ProvisionedThroughput": UNITS,
    }
    return {member: held for member, held in {**request, **more}.items() if held is not None}


def on_demand(name: str = "music", **more: Any) -> dict[str, Any]:
    """Return a request for an on-demand table."""
    return new_table(name, ProvisionedThroughput=None, BillingMode="PAY_PER_REQUEST", **more)
