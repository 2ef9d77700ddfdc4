"""Calls that tell what they consume, from a random generator, and the tables for them.

Items are of 1 byte to 50 KB, often near the sizes at which another unit begins. Whatever is
read in pieces has an order that all engines share.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

__all__ = ["GLOBALS", "LOCALS", "TABLES", "calls"]

HASHES, RANGES = "abc", "1234"


def _keys(*names: str) -> list[dict[str, str]]:
    return [{"AttributeName": name, "KeyType": "RANGE" if at else "HASH"} for at, name in enumerate(names)]


def _index(name: str, projection: str, *names: str) -> dict[str, Any]:
    held: dict[str, Any] = {"ProjectionType": projection}
    if projection == "INCLUDE":
        held["NonKeyAttributes"] = ["p"]
    return {"IndexName": name, "KeySchema": _keys(*names), "Projection": held}


GLOBALS = {"gall": "g", "gkeys": "g", "gsome": "k"}
LOCALS = {"lall": "l", "lkeys": "l", "lsome": "m"}
TABLES: dict[str, dict[str, Any]] = {
    "indexed": {
        "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name in "hrgklm"],
        "KeySchema": _keys("h", "r"),
        "BillingMode": "PAY_PER_REQUEST",
        "GlobalSecondaryIndexes": [
            _index("gall", "ALL", "g"),
            _index("gkeys", "KEYS_ONLY", "g"),
            _index("gsome", "INCLUDE", "k"),
        ],
        "LocalSecondaryIndexes": [
            _index("lall", "ALL", "h", "l"),
            _index("lkeys", "KEYS_ONLY", "h", "l"),
            _index("lsome", "INCLUDE", "h", "m"),
        ],
    },
    "plain": {
        "AttributeDefinitions": [{"AttributeName": "h", "AttributeType": "S"}],
        "KeySchema": _keys("h"),
        "BillingMode": "PAY_PER_REQUEST",
    },
}


# --- calls --------------------------------------------------------------------------------


class _Dice:
    """What is drawn; the same seed draws the same."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.operations: list[Callable[[], tuple[str, dict[str, Any]]]] = [
            self.put, self.put, self.put, self.update, self.update, self.update, self.delete, self.get, self.query, self.query,
            self.scan, self.batch_get, self.batch_write, self.transact_get, self.transact_write,
        ]  # fmt: skip

    def text(self, most: int = 50_000) -> dict[str, str]:
        """Return a text of 1 byte to *most*, small ones as often as big ones."""
        size = min(most, int(10 ** self.random.uniform(0, 4.7)))
        return {"S": "x" * self.random.choice((size, size, size, 1000, 1020, 2040, 4000))}

    def table(self) -> str:
        """Return a table."""
        return self.random.choice(("indexed", "indexed", "plain"))

    def key(self, table: str) -> dict[str, Any]:
        """Return a key; there are few."""
        key = {"h": {"S": self.random.choice(HASHES)}}
        return {**key, "r": {"S": self.random.choice(RANGES)}} if table == "indexed" else key

    def item(self, table: str) -> dict[str, Any]:
        """Return an item; attributes of local indexes differ from item to item."""
        item = self.key(table)
        for name in "pq":
            if self.random.random() < 0.6:
                item[name] = self.text()
        if table == "indexed":
            item |= {name: self.indexed(name, item) for name in "gklm" if self.random.random() < 0.6}
        return item

    def indexed(self, name: str, key: dict[str, Any]) -> dict[str, str]:
        """Return a value for a key of an index."""
        value = self.random.choice("uvw")
        return {"S": value if name in "gk" else f"{value}{key['r']['S']}"}

    def detail(self, **request: Any) -> dict[str, Any]:
        """Return a request that asks for its capacity."""
        return {**request, "ReturnConsumedCapacity": self.random.choice(("TOTAL", "INDEXES", "INDEXES"))}

    def condition(self) -> dict[str, Any]:
        """Return members for a condition, or none."""
        if self.random.random() < 0.7:
            return {}
        return {
            "ConditionExpression": f"{self.random.choice(('attribute_exists', 'attribute_not_exists'))}(q)"
        }

    def put(self) -> tuple[str, dict[str, Any]]:
        """Return a put."""
        table = self.table()
        return "PutItem", self.detail(TableName=table, Item=self.item(table), **self.condition())

    def delete(self) -> tuple[str, dict[str, Any]]:
        """Return a delete."""
        table = self.table()
        return "DeleteItem", self.detail(TableName=table, Key=self.key(table), **self.condition())

    def changes(self, table: str) -> dict[str, Any]:
        """Return an update as a part of a transaction has it."""
        key = self.key(table)
        names = self.random.sample("pqgklm" if table == "indexed" else "pq", self.random.randrange(1, 3))
        values = {
            f":{name}": self.indexed(name, key) if name in "gklm" else self.text(10_000)
            for name in names
            if self.random.random() < 0.7
        }
        removed = [name for name in names if f":{name}" not in values]
        sets = f"SET {', '.join(f'{name[1:]} = {name}' for name in values)}" if values else ""
        text = f"{sets} REMOVE {', '.join(removed)}" if removed else sets
        found: dict[str, Any] = {"TableName": table, "Key": key, "UpdateExpression": text.strip()}
        return {**found, "ExpressionAttributeValues": values} if values else found

    def update(self) -> tuple[str, dict[str, Any]]:
        """Return an update."""
        return "UpdateItem", self.detail(**self.changes(self.table()), **self.condition())

    def get(self) -> tuple[str, dict[str, Any]]:
        """Return a read."""
        table = self.table()
        request = self.detail(TableName=table, Key=self.key(table), ConsistentRead=self.random.random() < 0.5)
        if self.random.random() < 0.3:
            request["ProjectionExpression"] = "p"
        return "GetItem", request

    def searched(self, request: dict[str, Any], is_global: bool) -> dict[str, Any]:
        """Return a query or scan with a filter, a projection and so on."""
        if self.random.random() < 0.3:
            request["FilterExpression"] = "attribute_exists(p)"
        if self.random.random() < 0.3 and not is_global:
            request["ConsistentRead"] = True
        if self.random.random() < 0.3:
            request["Select"] = "COUNT"
        return request

    def query(self) -> tuple[str, dict[str, Any]]:
        """Return a query of a table or an index."""
        index = self.random.choice((None, None, *GLOBALS, *LOCALS))
        name = "h" if index is None or index in LOCALS else GLOBALS[index]
        value = {"S": self.random.choice("uvw" if index in GLOBALS else HASHES)}
        request = self.detail(TableName="indexed", KeyConditionExpression=f"{name} = :v")
        request["ExpressionAttributeValues"] = {":v": value}
        if index is not None:
            request["IndexName"] = index
        request = self.searched(request, index in GLOBALS)
        if index in ("gkeys", "lkeys"):
            request.pop("FilterExpression", None)
        if index not in GLOBALS and self.random.random() < 0.4:
            request["Limit"] = self.random.randrange(1, 5)
            request["ScanIndexForward"] = self.random.random() < 0.5
        if index in LOCALS and "Select" not in request and self.random.random() < 0.5:
            request["Select"] = "ALL_ATTRIBUTES"
        return "Query", request

    def scan(self) -> tuple[str, dict[str, Any]]:
        """Return a scan of a table or an index."""
        request = self.detail(TableName=self.table())
        index = self.random.choice((None, *GLOBALS, *LOCALS))
        if request["TableName"] == "indexed" and index is not None:
            request["IndexName"] = index
            return "Scan", self.searched(request, index in GLOBALS)
        return "Scan", self.searched(request, False)

    def distinct(self, make: Callable[[str], dict[str, Any]], most: int) -> list[tuple[str, dict[str, Any]]]:
        """Return some items or keys of tables, no two of one key."""
        found: dict[str, tuple[str, dict[str, Any]]] = {}
        for _ in range(self.random.randrange(1, most)):
            table = self.table()
            made = make(table)
            key = made.get("Key", made)
            found[f"{table}/{key['h']}/{key.get('r')}"] = (table, made)
        return list(found.values())

    def batch_get(self) -> tuple[str, dict[str, Any]]:
        """Return a batch of reads."""
        asked: dict[str, dict[str, Any]] = {}
        for table, key in self.distinct(self.key, 6):
            asked.setdefault(table, {"Keys": [], "ConsistentRead": self.random.random() < 0.5})[
                "Keys"
            ].append(key)
        return "BatchGetItem", self.detail(RequestItems=asked)

    def batch_write(self) -> tuple[str, dict[str, Any]]:
        """Return a batch of writes."""
        asked: dict[str, list[Any]] = {}
        for table, item in self.distinct(self.item, 6):
            key = {name: item[name] for name in "hr" if name in item}
            one = (
                {"PutRequest": {"Item": item}}
                if self.random.random() < 0.7
                else {"DeleteRequest": {"Key": key}}
            )
            asked.setdefault(table, []).append(one)
        return "BatchWriteItem", self.detail(RequestItems=asked)

    def transact_get(self) -> tuple[str, dict[str, Any]]:
        """Return a transaction of reads."""
        gets = [{"Get": {"TableName": table, "Key": key}} for table, key in self.distinct(self.key, 5)]
        return "TransactGetItems", self.detail(TransactItems=gets)

    def transact_write(self) -> tuple[str, dict[str, Any]]:
        """Return a transaction of writes."""
        actions: list[dict[str, Any]] = []
        for table, made in self.distinct(self.changes, 5):
            place = {"TableName": table, "Key": made["Key"]}
            put = {"TableName": table, "Item": {**self.item(table), **made["Key"]}}
            check = {**place, "ConditionExpression": "attribute_not_exists(zz)"}
            choices = [{"Update": made}, {"Delete": place}, {"ConditionCheck": check}]
            if not {"l", "m"} & put["Item"].keys():
                choices.append({"Put": put})
            actions.append(self.random.choice(choices))
        return "TransactWriteItems", self.detail(TransactItems=actions)


def calls(seed: int, count: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield operations and requests."""
    dice = _Dice(seed)
    for _ in range(count):
        yield dice.random.choice(dice.operations)()
