"""boto3, with the configuration that its documentation recommends: the defaults.

``parameter_validation=False`` would save some 5 %; the documentation recommends to leave it on.
"""

from __future__ import annotations

from decimal import Decimal
from itertools import cycle
from typing import Any

import boto3

from .client import Client, DictClient, new_dict
from .orders import BATCH, CHANGED, CUSTOMER, REFERENCES, STATUSES, TABLE, order_id

__all__ = ["BotoClient", "BotoTable"]


class BotoClient(Client):
    """The client: attribute values both ways, nothing is converted."""

    def __init__(self, endpoint: str) -> None:
        super().__init__(endpoint)
        self.client = boto3.client("dynamodb", region_name="us-east-1", endpoint_url=endpoint)
        self.key = {"customer_id": {"S": CUSTOMER}, "order_id": {"S": order_id(0)}}
        self.keys = [
            {"customer_id": {"S": CUSTOMER}, "order_id": {"S": order_id(number)}} for number in range(BATCH)
        ]
        self.statuses = cycle(STATUSES)

    def new(self, number: int) -> dict[str, Any]:
        """Return a new item of attribute values."""
        from boto3.dynamodb.types import TypeSerializer

        serialize = TypeSerializer().serialize
        return {name: serialize(value) for name, value in new_dict(number, Decimal).items()}

    def plain(self, order: dict[str, Any]) -> dict[str, Any]:
        """Return the item's values."""
        from boto3.dynamodb.types import TypeDeserializer

        return {name: TypeDeserializer().deserialize(value) for name, value in order.items()}

    def get(self, _: Any) -> Any:
        """Read one."""
        return self.client.get_item(TableName=TABLE, Key=self.key)["Item"]

    def put(self, order: Any) -> None:
        """Store one."""
        self.client.put_item(TableName=TABLE, Item=order)

    def update(self, _: Any) -> None:
        """Change an attribute."""
        self.client.update_item(
            TableName=TABLE,
            Key=self.key,
            UpdateExpression="SET #status = :status",
            ExpressionAttributeNames={"#status": "status"},
            ExpressionAttributeValues={":status": {"S": next(self.statuses)}},
        )

    def query(self, _: Any) -> list[Any]:
        """Read all of a customer."""
        request = {
            "TableName": TABLE,
            "KeyConditionExpression": "customer_id = :customer",
            "ExpressionAttributeValues": {":customer": {"S": CUSTOMER}},
        }
        return self._all(self.client.query, request)

    def scan(self, _: Any) -> list[Any]:
        """Read all."""
        return self._all(self.client.scan, {"TableName": TABLE})

    def _all(self, call: Any, request: dict[str, Any]) -> list[Any]:
        page = call(**request)
        items: list[Any] = page["Items"]
        while "LastEvaluatedKey" in page:
            page = call(**request, ExclusiveStartKey=page["LastEvaluatedKey"])
            items += page["Items"]
        return items

    def batch_get(self, _: Any) -> list[Any]:
        """Read by keys."""
        found: list[Any] = []
        asked = {TABLE: {"Keys": self.keys}}
        while asked:
            reply = self.client.batch_get_item(RequestItems=asked)
            found += reply["Responses"][TABLE]
            asked = reply["UnprocessedKeys"]
        return found

    def batch_write(self, orders: list[Any]) -> None:
        """Store several."""
        asked = {TABLE: [{"PutRequest": {"Item": order}} for order in orders]}
        while asked:
            asked = self.client.batch_write_item(RequestItems=asked)["UnprocessedItems"]

    def job(self, _: Any) -> None:
        """Look at many orders, each read once, and store those that were changed."""
        orders = {order["order_id"]["S"]: order for order in self.batch_get(None)}
        changed = {}
        for key in REFERENCES:
            order = orders[key]
            if key in CHANGED:
                order["quantity"] = {"N": str(int(order["quantity"]["N"]) + 1)}
                changed[key] = order
        self.batch_write(list(changed.values()))


class BotoTable(DictClient):
    """The Table resource: dicts of Python values, exact Decimals."""

    def __init__(self, endpoint: str) -> None:
        super().__init__(endpoint)
        self.resource = boto3.resource("dynamodb", region_name="us-east-1", endpoint_url=endpoint)
        self.table = self.resource.Table(TABLE)
        self.key = {"customer_id": CUSTOMER, "order_id": order_id(0)}
        self.keys = [{"customer_id": CUSTOMER, "order_id": order_id(number)} for number in range(BATCH)]
        self.statuses = cycle(STATUSES)

    def new(self, number: int) -> dict[str, Any]:
        """Return a new dict."""
        return new_dict(number, Decimal)

    def get(self, _: Any) -> Any:
        """Read one."""
        return self.table.get_item(Key=self.key)["Item"]

    def put(self, order: Any) -> None:
        """Store one."""
        self.table.put_item(Item=order)

    def update(self, _: Any) -> None:
        """Change an attribute."""
        self.table.update_item(
            Key=self.key,
            UpdateExpression="SET #status = :status",
            ExpressionAttributeNames={"#status": "status"},
            ExpressionAttributeValues={":status": next(self.statuses)},
        )

    def query(self, _: Any) -> list[Any]:
        """Read all of a customer."""
        from boto3.dynamodb.conditions import Key

        return self._all(self.table.query, {"KeyConditionExpression": Key("customer_id").eq(CUSTOMER)})

    def scan(self, _: Any) -> list[Any]:
        """Read all."""
        return self._all(self.table.scan, {})

    def _all(self, call: Any, request: dict[str, Any]) -> list[Any]:
        page = call(**request)
        items: list[Any] = page["Items"]
        while "LastEvaluatedKey" in page:
            page = call(**request, ExclusiveStartKey=page["LastEvaluatedKey"])
            items += page["Items"]
        return items

    def batch_get(self, _: Any) -> list[Any]:
        """Read by keys."""
        found: list[Any] = []
        asked = {TABLE: {"Keys": self.keys}}
        while asked:
            reply = self.resource.batch_get_item(RequestItems=asked)
            found += reply["Responses"][TABLE]
            asked = reply["UnprocessedKeys"]
        return found

    def batch_write(self, orders: list[Any]) -> None:
        """Store several."""
        with self.table.batch_writer() as batch:
            for order in orders:
                batch.put_item(Item=order)
