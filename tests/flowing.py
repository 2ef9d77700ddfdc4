"""What tests of flows share: a service with tables, scripts, and how flows are run on them."""

from __future__ import annotations

import json
from typing import Any

from dynamo_objects.codec.values import Item
from dynamo_objects.connection.connection import Connection
from dynamo_objects.errors import DynamoException, TransportError
from dynamo_objects.expressions.tree import Path, Value
from dynamo_objects.flows.base import Flow
from tests.dictservice import DictService, error_reply
from tests.transports import ScriptedTransport, VirtualClock, connected

__all__ = [
    "DEFINITION",
    "FALSE",
    "ID",
    "KEY",
    "N",
    "ONE",
    "RESET",
    "events_of",
    "item_of",
    "key_of",
    "ran",
    "service",
]

DEFINITION = {"KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}]}
RESET = TransportError("connection reset", sent=True)
FALSE = error_reply("ConditionalCheckFailedException", "The conditional request failed")
KEY: Item = {"id": {"S": "k1"}}
ID, N = Path.of("id"), Path.of("n")
ONE = Value({"N": "1"})


def key_of(name: Any) -> Item:
    """Return a key."""
    return {"id": {"S": str(name)}}


def item_of(name: Any, **attributes: Any) -> Item:
    """Return an item."""
    return {**key_of(name), **{name: {"S": value} for name, value in attributes.items()}}


def service(*tables: str, page_size: int = 100) -> DictService:
    """Return a service with some tables."""
    made = DictService(page_size=page_size)
    for table in tables:
        made.send("CreateTable", json.dumps({"TableName": table, **DEFINITION}).encode(), 1)
    return made


def events_of(connection: Connection, flow: Flow[Any]) -> tuple[list[Any], Any]:
    """Run a flow; return its events, and its result or error."""
    seen = []
    events = connection.stream(flow)
    while True:
        try:
            seen.append(next(events))
        except StopIteration as stop:
            return seen, stop.value
        except DynamoException as error:
            return seen, error


def ran(flow: Flow[Any], *script: Any) -> tuple[Any, list[str], VirtualClock]:
    """Run a flow on a script; return its result or error, what was sent, and the clock."""
    transport, clock = ScriptedTransport(*script), VirtualClock()
    return events_of(connected(transport, clock), flow)[1], transport.operations, clock
