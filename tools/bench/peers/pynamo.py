"""PynamoDB: models; numbers are int and float, as its NumberAttribute has them."""

from __future__ import annotations

from itertools import cycle
from typing import Any

from pynamodb.attributes import (
    BooleanAttribute,
    ListAttribute,
    MapAttribute,
    NumberAttribute,
    UnicodeAttribute,
)
from pynamodb.models import Model

from .client import ObjectClient, new_dict
from .orders import BATCH, CUSTOMER, STATUSES, TABLE, order_id

__all__ = ["Pynamo"]


class Order(Model):
    """An order."""

    class Meta:
        """Where it is."""

        table_name = TABLE
        region = "us-east-1"

    customer_id = UnicodeAttribute(hash_key=True)
    order_id = UnicodeAttribute(range_key=True)
    status = UnicodeAttribute()
    created = UnicodeAttribute()
    email = UnicodeAttribute()
    quantity = NumberAttribute()
    price = NumberAttribute()
    is_paid = BooleanAttribute()
    note = UnicodeAttribute()
    tags: ListAttribute[str] = ListAttribute(of=UnicodeAttribute)
    address: MapAttribute[str, str] = MapAttribute()


class Pynamo(ObjectClient):
    """Its models."""

    def __init__(self, endpoint: str) -> None:
        super().__init__(endpoint)
        Order.Meta.host = endpoint  # type: ignore[attr-defined]
        self.keys = [(CUSTOMER, order_id(number)) for number in range(BATCH)]
        self.statuses = cycle(STATUSES)

    def new(self, number: int) -> Order:
        """Return a new model."""
        return Order(**new_dict(number, float))

    def plain(self, order: Order) -> dict[str, Any]:
        """Return the fields."""
        return {**super().plain(order), "address": order.address.as_dict()}

    def get(self, _: Any) -> Order:
        """Read one."""
        return Order.get(CUSTOMER, order_id(0))

    def put(self, order: Order) -> None:
        """Store one."""
        order.save()

    def update(self, order: Order) -> None:
        """Change an attribute; the reply holds the whole item, which it takes over."""
        order.update(actions=[Order.status.set(next(self.statuses))])

    def query(self, _: Any) -> list[Order]:
        """Read all of a customer."""
        return list(Order.query(CUSTOMER))

    def batch_get(self, _: Any) -> list[Order]:
        """Read by keys."""
        return list(Order.batch_get(self.keys))

    def batch_write(self, orders: list[Order]) -> None:
        """Store several."""
        with Order.batch_write() as batch:
            for order in orders:
                batch.save(order)

    def scan(self, _: Any) -> list[Order]:
        """Read all."""
        return list(Order.scan())
