"""An embedded engine with tables for unit tests, and short ways to call it.

Items are written as Python values: ``{"h": "a", "n": 1, "b": b"x", "l": [True], "s": {"a"}}``.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

from dynamo_objects.local.engine import LocalEngine, Options
from dynamo_objects.local.opening import open_engine

from .localmodel_values import item_from_wire, to_wire

__all__ = ["Clock", "Refusal", "Service", "plain", "wired"]

_ALL = {"ProjectionType": "ALL"}
_KEYS_ONLY = {"ProjectionType": "KEYS_ONLY"}
_INCLUDE = {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["x"]}


def wired(item: dict[str, Any]) -> dict[str, Any]:
    """Return an item of Python values as attribute values."""
    return {name: to_wire(_exact(value)) for name, value in item.items()}


def _exact(value: Any) -> Any:
    if isinstance(value, int) and not isinstance(value, bool):
        return Decimal(value)
    if isinstance(value, set):
        return frozenset(map(_exact, value))
    if isinstance(value, list):
        return list(map(_exact, value))
    return {name: _exact(one) for name, one in value.items()} if isinstance(value, dict) else value


def plain(item: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return an item of a reply as Python values."""
    return None if item is None else item_from_wire(item)


class Clock:
    """A clock that only tests move."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


class Refusal(AssertionError):
    """An error that a test did not ask for, or the one that it asked for.

    Attributes:
        code: Of the error.
        message: Its text.
        body: The whole reply.
    """

    def __init__(self, body: dict[str, Any]) -> None:
        self.code: str = body["__type"].partition("#")[2]
        self.message: str = body.get("message") or body.get("Message", "")
        self.body = body
        super().__init__(f"{self.code}: {self.message}")


def _keys(*names: str) -> list[dict[str, str]]:
    return [{"AttributeName": name, "KeyType": "RANGE" if at else "HASH"} for at, name in enumerate(names)]


def _attributes(text: str) -> list[dict[str, str]]:
    return [
        dict(zip(("AttributeName", "AttributeType"), part.split(":"), strict=True)) for part in text.split()
    ]


class Service:
    """An engine with the tables ``plain`` (h), ``ranged`` (h, r), ``indexed`` (h, r).

    ``indexed`` has the global indexes ``all`` (a, b), ``some`` (a), ``keys`` (b) and the local
    ones ``local`` (h, c: keys only) and ``whole`` (h, d: all). a is text, b a number.
    """

    def __init__(self, url: str = "memory://", **options: Any) -> None:
        self.clock = Clock()
        self.engine: LocalEngine = open_engine(url, options=Options(clock=self.clock, **options))
        mode = {"BillingMode": "PAY_PER_REQUEST"}
        plain_keys = {"AttributeDefinitions": _attributes("h:S"), "KeySchema": _keys("h")}
        self.call("CreateTable", TableName="plain", **plain_keys, **mode)
        ranged = {"AttributeDefinitions": _attributes("h:S r:N"), "KeySchema": _keys("h", "r")}
        self.call("CreateTable", TableName="ranged", **ranged, **mode)
        self.call("CreateTable", **self.indexed_table("indexed"))

    @staticmethod
    def indexed_table(name: str) -> dict[str, Any]:
        """Return the request for a table with indexes."""

        def index(name: str, projection: dict[str, Any], *keys: str) -> dict[str, Any]:
            return {"IndexName": name, "KeySchema": _keys(*keys), "Projection": projection}

        return {
            "TableName": name,
            "AttributeDefinitions": _attributes("h:S r:N a:S b:N c:S d:B"),
            "KeySchema": _keys("h", "r"),
            "BillingMode": "PAY_PER_REQUEST",
            "GlobalSecondaryIndexes": [
                index("all", _ALL, "a", "b"),
                index("some", _INCLUDE, "a"),
                index("keys", _KEYS_ONLY, "b"),
            ],
            "LocalSecondaryIndexes": [index("local", _KEYS_ONLY, "h", "c"), index("whole", _ALL, "h", "d")],
        }

    def raw(self, operation: str, payload: bytes) -> tuple[int, Any]:
        """Return status and body of the reply to bytes."""
        reply = self.engine.send(operation, payload)
        return reply.status, msgspec.json.decode(reply.body)

    def call(self, operation: str, **request: Any) -> dict[str, Any]:
        """Return the reply to a request.

        Raises:
            Refusal: It is an error.
        """
        status, body = self.raw(operation, msgspec.json.encode(request))
        if status != 200:
            raise Refusal(body)
        found: dict[str, Any] = body
        return found

    def error(self, operation: str, **request: Any) -> tuple[str, str]:
        """Return code and message of the error that a request gets."""
        try:
            reply = self.call(operation, **request)
        except Refusal as refusal:
            return refusal.code, refusal.message
        raise AssertionError(f"no error but {reply}")

    def put(self, table: str, item: dict[str, Any], **more: Any) -> dict[str, Any]:
        """Put an item."""
        return self.call("PutItem", TableName=table, Item=wired(item), **more)

    def get(self, table: str, **key: Any) -> dict[str, Any] | None:
        """Return an item, or None."""
        return plain(self.call("GetItem", TableName=table, Key=wired(key)).get("Item"))

    def update(
        self, table: str, key: dict[str, Any], text: str, values: dict[str, Any] | None = None, **more: Any
    ) -> dict[str, Any]:
        """Update an item."""
        if values:
            more["ExpressionAttributeValues"] = wired(values)
        return self.call("UpdateItem", TableName=table, Key=wired(key), UpdateExpression=text, **more)

    def query(self, table: str, text: str, values: dict[str, Any], **more: Any) -> list[dict[str, Any]]:
        """Return the items of one page."""
        request = {
            "TableName": table,
            "KeyConditionExpression": text,
            "ExpressionAttributeValues": wired(values),
        }
        return list(map(item_from_wire, self.call("Query", **request, **more)["Items"]))

    def all_of(self, table: str, **more: Any) -> list[dict[str, Any]]:
        """Return the items of a scan, by their reprs."""
        return sorted(map(item_from_wire, self.call("Scan", TableName=table, **more)["Items"]), key=repr)
