"""A small honest DynamoDB in a dict, to put faults around: payload in, reply out.

It does what the library's own requests need, on top-level attributes, and keeps to the
rules that the promises rest on: conditions, batches that are refused as a whole, tokens of
transactions. What it does not know it refuses. It never fails by itself; see `transports`.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any
from zlib import crc32

from dynamo_objects.codec.sizes import MAX_ITEM_BYTES, item_size
from dynamo_objects.codec.values import Item
from dynamo_objects.connection.transport import Reply
from dynamo_objects.expressions import tree
from dynamo_objects.expressions.evaluate import matches, order_key
from dynamo_objects.operations.batch import MAX_REQUEST_BYTES, key_identity
from tests.dictexpressions import Expression, updated

__all__ = ["DictService", "ServiceFault", "error_reply", "good_reply"]

#: An item with this attribute is refused, as one with a value that only the service forbids.
POISON = "poison"

JSON = "application/x-amz-json-1.0"


def good_reply(body: Any, status: int = 200, **headers: str) -> Reply:
    """Return a reply as DynamoDB sends it: request id, content type, checksum."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    own = {"x-amzn-requestid": "ID", "content-type": JSON, "x-amz-crc32": str(crc32(raw))}
    return Reply(status, {**own, **{name.replace("_", "-"): text for name, text in headers.items()}}, raw)


def error_reply(code: str, message: str = "", status: int = 400, **members: Any) -> Reply:
    """Return an error as DynamoDB sends it."""
    kind = f"com.amazonaws.dynamodb.v20120810#{code}"
    return good_reply({"__type": kind, "message": message, **members}, status)


class ServiceFault(Exception):
    """An error that the service answers."""

    def __init__(self, code: str, message: str = "", **members: Any) -> None:
        self.reply = error_reply(code, message, **members)
        super().__init__(code)


class _Table:
    def __init__(self, definition: dict[str, Any]) -> None:
        self.definition = definition
        self.keys = [key["AttributeName"] for key in definition["KeySchema"]]
        self.items: dict[Any, Item] = {}
        self.ttl: str | None = None

    def identity(self, item: Item, *, exact: bool = False) -> Any:
        if any(name not in item for name in self.keys) or (exact and len(item) != len(self.keys)):
            raise ServiceFault("ValidationException", "The provided key element does not match the schema")
        return key_identity({name: item[name] for name in self.keys})

    def description(self) -> dict[str, Any]:
        return {**self.definition, "TableStatus": "ACTIVE", "ItemCount": len(self.items)}


class DictService:
    """A transport that is the service itself.

    Attributes:
        retries_by_itself: As of a client that repeats requests; it does not.
        page_size: Items that one Query or Scan reads.
        applied: How many single writes were carried out.
    """

    retries_by_itself = False

    def __init__(self, *, page_size: int = 100) -> None:
        self.page_size = page_size
        self.applied = 0
        self.tables: dict[str, _Table] = {}
        self._tokens: dict[str, bytes] = {}
        self._lock = threading.RLock()

    def send(self, operation: str, payload: bytes, timeout_seconds: float) -> Reply:
        """Answer one request."""
        request = json.loads(payload)
        do: Callable[[dict[str, Any]], Any] | None = getattr(self, f"_{operation}", None)
        with self._lock:
            try:
                if do is None:
                    raise ServiceFault("UnknownOperationException")
                if operation == "TransactWriteItems":
                    return good_reply(self._transact(request, payload))
                return good_reply(do(request))
            except ServiceFault as fault:
                return fault.reply

    def close(self) -> None:
        """Do nothing."""

    # --- tables -----------------------------------------------------------------------------

    def table(self, name: str) -> _Table:
        """Return a table, or answer that there is none."""
        try:
            return self.tables[name]
        except KeyError:
            raise ServiceFault("ResourceNotFoundException", "Requested resource not found") from None

    def _CreateTable(self, request: dict[str, Any]) -> Any:
        if request["TableName"] in self.tables:
            raise ServiceFault("ResourceInUseException", "Table already exists")
        self.tables[request["TableName"]] = _Table(request)
        return {"TableDescription": {**request, "TableStatus": "CREATING"}}

    def _DescribeTable(self, request: dict[str, Any]) -> Any:
        return {"Table": self.table(request["TableName"]).description()}

    def _DeleteTable(self, request: dict[str, Any]) -> Any:
        table = self.table(request["TableName"])
        del self.tables[request["TableName"]]
        return {"TableDescription": {**table.description(), "TableStatus": "DELETING"}}

    def _UpdateTable(self, request: dict[str, Any]) -> Any:
        table = self.table(request["TableName"])
        units = request.get("ProvisionedThroughput")
        if units is None or units == table.definition.get("ProvisionedThroughput"):
            raise ServiceFault("ValidationException", "The provisioned throughput will not change")
        table.definition["ProvisionedThroughput"] = units
        return {"TableDescription": table.description()}

    def _ListTables(self, request: dict[str, Any]) -> Any:
        names = [name for name in sorted(self.tables) if name > request.get("ExclusiveStartTableName", "")]
        reply: dict[str, Any] = {"TableNames": names[:100]}
        if names[100:]:
            reply["LastEvaluatedTableName"] = names[99]
        return reply

    def _DescribeTimeToLive(self, request: dict[str, Any]) -> Any:
        ttl = self.table(request["TableName"]).ttl
        status = {"TimeToLiveStatus": "DISABLED" if ttl is None else "ENABLED"}
        return {"TimeToLiveDescription": status if ttl is None else {**status, "AttributeName": ttl}}

    def _UpdateTimeToLive(self, request: dict[str, Any]) -> Any:
        table = self.table(request["TableName"])
        if table.ttl is not None:
            raise ServiceFault("ValidationException", "TimeToLive is already enabled")
        table.ttl = request["TimeToLiveSpecification"]["AttributeName"]
        return {"TimeToLiveSpecification": request["TimeToLiveSpecification"]}

    # --- single items -----------------------------------------------------------------------

    def _GetItem(self, request: dict[str, Any]) -> Any:
        table = self.table(request["TableName"])
        item = table.items.get(table.identity(request["Key"], exact=True))
        return {} if item is None else {"Item": _projected(item, request)}

    def _PutItem(self, request: dict[str, Any]) -> Any:
        return self._write(request, request["Item"], lambda old: request["Item"])

    def _DeleteItem(self, request: dict[str, Any]) -> Any:
        return self._write(request, request["Key"], lambda old: None)

    def _UpdateItem(self, request: dict[str, Any]) -> Any:
        return self._write(request, request["Key"], lambda old: updated(old or request["Key"], request))

    def _write(
        self, request: dict[str, Any], key: Item, change: Callable[[Item | None], Item | None]
    ) -> dict[str, Any]:
        table, identity, old, new = self._planned(request, key, change)
        self._store(table, identity, new)
        match request.get("ReturnValues", "NONE"), old, new:
            case ("ALL_OLD", dict(), _):
                return {"Attributes": old}
            case ("ALL_NEW", _, dict()):
                return {"Attributes": new}
            case ("UPDATED_NEW", _, dict()):
                names = set(request.get("ExpressionAttributeNames", {}).values())
                return {"Attributes": {name: new[name] for name in names if name in new}}
        return {}

    def _planned(
        self, request: dict[str, Any], key: Item, change: Callable[[Item | None], Item | None]
    ) -> tuple[_Table, Any, Item | None, Item | None]:
        table = self.table(request["TableName"])
        identity = table.identity(key)
        old = table.items.get(identity)
        condition = request.get("ConditionExpression")
        if condition is not None and not matches(Expression(condition, request).condition(), old or {}):
            shown = request.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD" and old is not None
            members = {"Item": old} if shown else {}
            raise ServiceFault("ConditionalCheckFailedException", "The conditional request failed", **members)
        new = change(old)
        _check_item(new)
        return table, identity, old, new

    def _store(self, table: _Table, identity: Any, new: Item | None) -> None:
        self.applied += 1
        if new is None:
            table.items.pop(identity, None)
        else:
            table.items[identity] = new

    # --- several items ----------------------------------------------------------------------

    def _BatchGetItem(self, request: dict[str, Any]) -> Any:
        responses: dict[str, list[Item]] = {}
        for name, asked in request["RequestItems"].items():
            table = self.table(name)
            identities = [table.identity(key, exact=True) for key in asked["Keys"]]
            if len(set(identities)) < len(identities) or len(identities) > 100:
                raise ServiceFault("ValidationException", "too many keys, or duplicates")
            found = [table.items[identity] for identity in identities if identity in table.items]
            responses[name] = found[::-1]
        return {"Responses": responses, "UnprocessedKeys": {}}

    def _BatchWriteItem(self, request: dict[str, Any]) -> Any:
        writes = []
        for name, requests in request["RequestItems"].items():
            table = self.table(name)
            for one in requests:
                item = one["PutRequest"]["Item"] if "PutRequest" in one else None
                key = item if item is not None else one["DeleteRequest"]["Key"]
                _check_item(item)
                writes.append((table, table.identity(key), item))
        size = len(json.dumps(request))
        identities = {(id(table), identity) for table, identity, _ in writes}
        if not 0 < len(writes) <= 25 or len(identities) < len(writes) or size > MAX_REQUEST_BYTES:
            raise ServiceFault("ValidationException", "too many writes, too many bytes, or duplicates")
        for table, identity, item in writes:
            self._store(table, identity, item)
        return {"UnprocessedItems": {}}

    def _TransactGetItems(self, request: dict[str, Any]) -> Any:
        return {"Responses": [self._GetItem(action["Get"]) for action in request["TransactItems"]]}

    def _TransactWriteItems(self, request: dict[str, Any]) -> Any:
        raise AssertionError("goes to _transact, with its bytes")

    def _transact(self, request: dict[str, Any], payload: bytes) -> Any:
        token = request["ClientRequestToken"]
        if token in self._tokens:
            if self._tokens[token] != payload:
                raise ServiceFault("IdempotentParameterMismatchException")
            return {}
        planned, reasons = [], []
        for action in request["TransactItems"]:
            ((kind, members),) = action.items()
            try:
                planned.append((kind, self._planned(members, *_change_of(kind, members))))
                reasons.append({"Code": "None"})
            except ServiceFault as fault:
                reasons.append(_cancellation(fault))
        if len(planned) < len(reasons):
            raise ServiceFault("TransactionCanceledException", "cancelled", CancellationReasons=reasons)
        for kind, (table, identity, _, new) in planned:
            if kind != "ConditionCheck":
                self._store(table, identity, new)
        self._tokens[token] = payload
        return {}

    # --- searches ---------------------------------------------------------------------------

    def _Query(self, request: dict[str, Any]) -> Any:
        return self._search(request, Expression(request["KeyConditionExpression"], request).condition())

    def _Scan(self, request: dict[str, Any]) -> Any:
        return self._search(request, None)

    def _search(self, request: dict[str, Any], condition: tree.Condition | None) -> Any:
        table = self.table(request["TableName"])

        def place(item: Item) -> list[Any]:
            return [order_key(item[name]) for name in table.keys]

        items = sorted(
            (i for i in table.items.values() if condition is None or matches(condition, i)), key=place
        )
        items = [
            i
            for i in items
            if _segment(i, table) % request.get("TotalSegments", 1) == request.get("Segment", 0)
        ]
        if request.get("ScanIndexForward") is False:
            items.reverse()
        if start := request.get("ExclusiveStartKey"):
            at = [table.identity(item) for item in items].index(table.identity(start))
            items = items[at + 1 :]
        page = items[: min(self.page_size, request.get("Limit", self.page_size))]
        filter_ = request.get("FilterExpression")
        left = [i for i in page if filter_ is None or matches(Expression(filter_, request).condition(), i)]
        reply: dict[str, Any] = {"Count": len(left), "ScannedCount": len(page)}
        if request.get("Select") != "COUNT":
            reply["Items"] = [_projected(item, request) for item in left]
        if len(page) < len(items):
            reply["LastEvaluatedKey"] = {name: page[-1][name] for name in table.keys}
        return reply


def _segment(item: Item, table: _Table) -> int:
    return crc32(repr(table.identity(item)).encode())


def _check_item(item: Item | None) -> None:
    if item is not None and (POISON in item or item_size(item) > MAX_ITEM_BYTES):
        raise ServiceFault("ValidationException", "One or more parameter values were invalid")


def _projected(item: Item, request: dict[str, Any]) -> Item:
    if "ProjectionExpression" not in request:
        return item
    names = request["ExpressionAttributeNames"]
    wanted = [names[placeholder] for placeholder in request["ProjectionExpression"].split(", ")]
    return {name: item[name] for name in wanted if name in item}


def _change_of(kind: str, members: dict[str, Any]) -> tuple[Item, Callable[[Item | None], Item | None]]:
    if kind == "Put":
        return members["Item"], lambda old: members["Item"]
    if kind == "Update":
        return members["Key"], lambda old: updated(old or members["Key"], members)
    return members["Key"], lambda old: None


def _cancellation(fault: ServiceFault) -> dict[str, Any]:
    body = json.loads(fault.reply.body)
    code = "ConditionalCheckFailed" if "Conditional" in str(fault) else "ValidationError"
    shown = {"Item": body["Item"]} if "Item" in body else {}
    return {"Code": code, "Message": body["message"], **shown}
