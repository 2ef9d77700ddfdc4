"""pydynox, whose core is written in Rust: models with an exact Decimal, and the client's dicts."""

from __future__ import annotations

from itertools import cycle
from typing import Any

from pydynox import DynamoDBClient, Model, ModelConfig, SyncBatchWriter, set_default_client
from pydynox.attributes import (
    BooleanAttribute,
    DecimalAttribute,
    ListAttribute,
    MapAttribute,
    NumberAttribute,
    StringAttribute,
)

from .client import DictClient, ObjectClient, new_dict
from .orders import BATCH, CUSTOMER, STATUSES, TABLE, order_id

__all__ = ["PydynoxDicts", "PydynoxModel"]


class Order(Model):
    """An order."""

    model_config = ModelConfig(table=TABLE)

    customer_id = StringAttribute(partition_key=True)
    order_id = StringAttribute(sort_key=True)
    status = StringAttribute()
    created = StringAttribute()
    email = StringAttribute()
    quantity = NumberAttribute()
    price = DecimalAttribute()
    is_paid = BooleanAttribute()
    note = StringAttribute()
    tags = ListAttribute()
    address = MapAttribute()


def _client(endpoint: str) -> DynamoDBClient:
    return DynamoDBClient(
        region="us-east-1", access_key="benchmark", secret_key="benchmark", endpoint_url=endpoint
    )


class PydynoxModel(ObjectClient):
    """Its models, by the calls that block."""

    def __init__(self, endpoint: str) -> None:
        super().__init__(endpoint)
        self.client = _client(endpoint)
        set_default_client(self.client)
        self.keys = [{"customer_id": CUSTOMER, "order_id": order_id(number)} for number in range(BATCH)]
        self.statuses = cycle(STATUSES)

    def new(self, number: int) -> Order:
        """Return a new model."""
        from decimal import Decimal

        return Order(**new_dict(number, Decimal))

    def get(self, _: Any) -> Any:
        """Read one."""
        return Order.sync_get(customer_id=CUSTOMER, order_id=order_id(0))

    def put(self, order: Order) -> None:
        """Store one."""
        order.sync_save()

    def update(self, order: Order) -> None:
        """Change an attribute."""
        order.sync_update(status=next(self.statuses))

    def query(self, _: Any) -> list[Any]:
        """Read all of a customer."""
        return list(Order.sync_query(partition_key=CUSTOMER))

    def batch_get(self, _: Any) -> list[Any]:
        """Read by keys."""
        return Order.sync_batch_get(self.keys)

    def batch_write(self, orders: list[Order]) -> None:
        """Store several."""
        with SyncBatchWriter(self.client, TABLE) as batch:
            for order in orders:
                batch.put(order.to_dict())

    def scan(self, _: Any) -> list[Any]:
        """Read all."""
        return list(Order.sync_scan())


class PydynoxDicts(DictClient):
    """Its client: dicts with int and float, which its documentation recommends where speed matters."""

    def __init__(self, endpoint: str) -> None:
        super().__init__(endpoint)
        self.client = _client(endpoint)
        self.key = {"customer_id": CUSTOMER, "order_id": order_id(0)}
        self.keys = [{"customer_id": CUSTOMER, "order_id": order_id(number)} for number in range(BATCH)]
        self.statuses = cycle(STATUSES)

    def new(self, number: int) -> dict[str, Any]:
        """Return a new dict."""
        return new_dict(number, float)

    def get(self, _: Any) -> Any:
        """Read one."""
        return self.client.sync_get_item(TABLE, self.key)

    def put(self, order: Any) -> None:
        """Store one."""
        self.client.sync_put_item(TABLE, order)

    def update(self, _: Any) -> None:
        """Change an attribute."""
        self.client.sync_update_item(TABLE, self.key, updates={"status": next(self.statuses)})

    def query(self, _: Any) -> list[Any]:
        """Read all of a customer."""
        return list(
            self.client.sync_query(
                TABLE,
                "customer_id = :customer",
                expression_attribute_values={":customer": CUSTOMER},
            )
        )

    def batch_get(self, _: Any) -> list[Any]:
        """Read by keys."""
        return self.client.sync_batch_get(TABLE, self.keys)

    def batch_write(self, orders: list[Any]) -> None:
        """Store several."""
        self.client.sync_batch_write(TABLE, put_items=orders)

    def scan(self, _: Any) -> list[Any]:
        """Read all."""
        return list(self.client.sync_scan(TABLE))
