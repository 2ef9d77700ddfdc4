"""dyntastic: Pydantic models over boto3, with exact Decimals."""

from __future__ import annotations

from decimal import Decimal
from itertools import cycle
from typing import Any

from dyntastic import A, Dyntastic

from .client import ObjectClient, new_dict
from .orders import BATCH, CUSTOMER, STATUSES, TABLE, order_id

__all__ = ["DyntasticModel"]


class Order(Dyntastic):
    """An order."""

    __table_name__ = TABLE
    __table_region__ = "us-east-1"
    __hash_key__ = "customer_id"
    __range_key__ = "order_id"

    customer_id: str
    order_id: str
    status: str
    created: str
    email: str
    quantity: int
    price: Decimal
    is_paid: bool
    note: str
    tags: list[str]
    address: dict[str, str]


class DyntasticModel(ObjectClient):
    """Its models."""

    def __init__(self, endpoint: str) -> None:
        super().__init__(endpoint)
        Order.__table_host__ = endpoint
        self.keys = [(CUSTOMER, order_id(number)) for number in range(BATCH)]
        self.statuses = cycle(STATUSES)

    def new(self, number: int) -> Order:
        """Return a new model."""
        return Order(**new_dict(number, Decimal))

    def get(self, _: Any) -> Order:
        """Read one."""
        return Order.get(CUSTOMER, order_id(0))

    def put(self, order: Order) -> None:
        """Store one."""
        order.save()

    def update(self, order: Order) -> None:
        """Change an attribute, without reading the item again."""
        order.update(A.status.set(next(self.statuses)), refresh=False)

    def query(self, _: Any) -> list[Order]:
        """Read all of a customer."""
        return list(Order.query(CUSTOMER))

    def batch_get(self, _: Any) -> list[Order]:
        """Read by keys."""
        return Order.batch_get(self.keys)

    def batch_write(self, orders: list[Order]) -> None:
        """Store several."""
        with Order.batch_writer():
            for order in orders:
                order.save()

    def scan(self, _: Any) -> list[Order]:
        """Read all."""
        return list(Order.scan())
