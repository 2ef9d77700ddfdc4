"""A service for tests of MemoryTable: indexes, counts of what is read by key, and places to step in."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Callable
from typing import Any

from dynamo_objects import DynamoDatabase, DynamoTable, MemoryTable
from dynamo_objects.codec.values import Item
from dynamo_objects.connection.transport import Reply
from dynamo_objects.expressions.evaluate import matches, order_key
from dynamo_objects.operations.batch import key_identity
from tests.dictexpressions import Expression
from tests.dictservice import DictService, good_reply
from tests.transports import VirtualClock, connected

__all__ = ["MemoryService", "Step", "connect", "keys_in", "memory_table", "unprocessed"]

#: Looks at a request before the service does; may answer in its place, or raise TransportError.
Step = Callable[[str, dict[str, Any]], Reply | None]

_names = itertools.count()


def connect(service: DictService, *, table_prefix: str = "", max_parallel: int = 8) -> DynamoDatabase:
    """Return a database of its own on a service, on virtual time: failures give up at once."""
    database = DynamoDatabase(f"memory{next(_names)}")
    database.connect(transport=service, table_prefix=table_prefix)
    assert database._state is not None
    database._state.connection = connected(service, VirtualClock(), max_parallel=max_parallel)
    return database


def memory_table(table_class: type[DynamoTable[Any]], service: DictService, **arguments: Any) -> Any:
    """Return a MemoryTable over a new table of a service."""
    maxsize = arguments.pop("maxsize", None)
    return MemoryTable(table_class(database=connect(service, **arguments)), maxsize)


def keys_in(operation: str, request: dict[str, Any], wire: str) -> list[Any]:
    """Return the values of a key attribute that a request is about."""
    if operation in ("GetItem", "UpdateItem", "DeleteItem"):
        keys = [request["Key"]]
    elif operation == "PutItem":
        keys = [request["Item"]]
    elif operation == "BatchGetItem":
        keys = [key for asked in request["RequestItems"].values() for key in asked["Keys"]]
    elif operation == "BatchWriteItem":
        writes = [write for asked in request["RequestItems"].values() for write in asked]
        keys = [w["PutRequest"]["Item"] if "PutRequest" in w else w["DeleteRequest"]["Key"] for w in writes]
    else:
        keys = []
    return [text for key in keys for text in key[wire].values()]


class MemoryService(DictService):
    """A service in a dict, with queries of indexes.

    Attributes:
        sent: (operation, request) of every request.
        reads: How often each key was read by GetItem or BatchGetItem.
        step: Sees every request before the service does.
        stale: What global indexes answer from instead of the items, where it is set.
    """

    def __init__(self, *, page_size: int = 100) -> None:
        super().__init__(page_size=page_size)
        self.sent: list[tuple[str, dict[str, Any]]] = []
        self.reads: Counter[Any] = Counter()
        self.step: Step | None = None
        self.stale: list[Item] | None = None

    def send(self, operation: str, payload: bytes, timeout_seconds: float) -> Reply:
        """Answer one request, unless a test steps in."""
        request = json.loads(payload)
        with self._lock:
            self.sent.append((operation, request))
            for key in self._read_by(operation, request):
                self.reads[key_identity(key)] += 1
        if self.step is not None:
            answer = self.step(operation, request)
            if answer is not None:
                return answer
        return super().send(operation, payload, timeout_seconds)

    def _read_by(self, operation: str, request: dict[str, Any]) -> list[Item]:
        if operation == "GetItem":
            return [request["Key"]]
        if operation == "BatchGetItem":
            return [key for asked in request["RequestItems"].values() for key in asked["Keys"]]
        return []

    def forget(self) -> None:
        """Begin to count anew."""
        self.sent.clear()
        self.reads.clear()

    def operations(self) -> dict[str, int]:
        """Return operation -> number of requests since the beginning, or since ``forget``."""
        return dict(Counter(operation for operation, _ in self.sent))

    @property
    def items(self) -> list[Item]:
        """Return the items of the only table."""
        (table,) = self.tables.values()
        return list(table.items.values())

    def write(self, *items: Item) -> None:
        """Store items as another program would."""
        (table,) = self.tables.values()
        with self._lock:
            for item in items:
                table.items[table.identity(item)] = item

    def remove(self, key: Item) -> None:
        """Delete an item as another program would."""
        (table,) = self.tables.values()
        with self._lock:
            table.items.pop(table.identity(key), None)

    # --- indexes ------------------------------------------------------------------------------

    def _search(self, request: dict[str, Any], condition: Any) -> Any:
        if "IndexName" not in request:
            return super()._search(request, condition)
        definition = self.table(request["TableName"]).definition
        index = _index(definition, request["IndexName"])
        wires = [key["AttributeName"] for key in (*index["KeySchema"], *definition["KeySchema"])]
        is_global = index in definition.get("GlobalSecondaryIndexes", ())
        items = self.items if self.stale is None or not is_global else self.stale
        found = [item for item in items if all(wire in item for wire in wires)]
        found = [item for item in found if condition is None or matches(condition, item)]
        found.sort(key=lambda item: [order_key(item[wire]) for wire in wires])
        if request.get("ScanIndexForward") is False:
            found.reverse()
        return _page(request, found, wires, _held(index, definition), self.page_size)


def _index(definition: dict[str, Any], name: str) -> dict[str, Any]:
    indexes = [*definition.get("GlobalSecondaryIndexes", ()), *definition.get("LocalSecondaryIndexes", ())]
    return next(index for index in indexes if index["IndexName"] == name)


def _held(index: dict[str, Any], definition: dict[str, Any]) -> set[str] | None:
    projection = index["Projection"]
    if projection["ProjectionType"] == "ALL":
        return None
    keys = {key["AttributeName"] for key in (*index["KeySchema"], *definition["KeySchema"])}
    return keys | set(projection.get("NonKeyAttributes", ()))


def _page(
    request: dict[str, Any], found: list[Item], wires: list[str], held: set[str] | None, page_size: int
) -> dict[str, Any]:
    if start := request.get("ExclusiveStartKey"):
        at = [all(item[w] == start[w] for w in wires) for item in found].index(True)
        found = found[at + 1 :]
    page = found[: min(page_size, request.get("Limit", page_size))]
    text = request.get("FilterExpression")
    left = [item for item in page if text is None or matches(Expression(text, request).condition(), item)]
    items = [{w: v for w, v in item.items() if held is None or w in held} for item in left]
    reply: dict[str, Any] = {"Count": len(items), "ScannedCount": len(page), "Items": items}
    if len(page) < len(found):
        reply["LastEvaluatedKey"] = {wire: page[-1][wire] for wire in wires}
    return reply


def unprocessed(operation: str, request: dict[str, Any]) -> Reply:
    """Return the answer that nothing of a batch was done."""
    if operation == "BatchWriteItem":
        return good_reply({"UnprocessedItems": request["RequestItems"]})
    return good_reply({"Responses": {}, "UnprocessedKeys": request["RequestItems"]})
