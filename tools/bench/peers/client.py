"""What all clients have in common: one method for each workload, and the objects that writes are given.

A method does one operation and returns what a program would work with. Objects to be written are made before the
clock starts, fresh ones for every call, since some mappers treat an object that was saved in another way than a new one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .orders import CHANGED, CUSTOMER, REFERENCES, WRITES, address, note, order_id, price

__all__ = ["Client", "DictClient", "ObjectClient", "new_dict"]


class Client:
    """One client, with one connection to the service.

    Args:
        endpoint: URL of the service.
    """

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint

    def arguments(self, workload: str, count: int) -> list[Any]:
        """Return what so many calls of a workload take."""
        if workload == "put":
            return [self.new(0) for _ in range(count)]
        if workload == "update":
            return [self.loaded() for _ in range(count)]
        if workload == "batch_write":
            return [[self.new(number) for number in range(WRITES)] for _ in range(count)]
        return [None] * count

    def new(self, number: int) -> Any:
        """Return a new order as this client stores it."""
        raise NotImplementedError

    def loaded(self) -> Any:
        """Return an order that was read, for an update."""
        return None

    def run(self, method: Callable[[Any], Any], arguments: Sequence[Any]) -> None:
        """Call a method with each of the arguments."""
        for argument in arguments:
            method(argument)

    def once(self, method: Callable[[Any], Any], argument: Any = None) -> Any:
        """Call a method and return what it returns."""
        return method(argument)

    def plain(self, order: Any) -> dict[str, Any]:
        """Return an order that was read as a dict of Python values, to check it."""
        raise NotImplementedError

    def close(self) -> None:
        """Give up the connection, where a client insists on it."""


class DictClient(Client):
    """A client whose orders are dicts."""

    batch_get: Callable[[Any], Any]
    batch_write: Callable[[Any], Any]

    def plain(self, order: Any) -> dict[str, Any]:
        """Return the dict."""
        return dict(order)

    def job(self, _: Any) -> None:
        """Look at many orders, each read once, and store those that were changed."""
        orders = {order["order_id"]: order for order in self.batch_get(None)}
        changed = {}
        for key in REFERENCES:
            order = orders[key]
            if key in CHANGED:
                order["quantity"] += 1
                changed[key] = order
        self.batch_write(list(changed.values()))


class ObjectClient(Client):
    """A client whose orders are objects with attributes."""

    batch_get: Callable[[Any], Any]
    batch_write: Callable[[Any], Any]
    get: Callable[[Any], Any]

    def loaded(self) -> Any:
        """Return an order that was read."""
        return self.get(None)

    def plain(self, order: Any) -> dict[str, Any]:
        """Return the fields."""
        names = ("customer_id", "order_id", "quantity", "price", "is_paid", "tags", "address")
        return {name: getattr(order, name) for name in names}

    def job(self, _: Any) -> None:
        """Look at many orders, each read once, and store those that were changed."""
        orders = {order.order_id: order for order in self.batch_get(None)}
        changed = {}
        for key in REFERENCES:
            order = orders[key]
            if key in CHANGED:
                order.quantity += 1
                changed[key] = order
        self.batch_write(list(changed.values()))


def new_dict(number: int, number_type: Callable[[str], Any]) -> dict[str, Any]:
    """Return a new order as a dict of Python values.

    Args:
        number_type: Makes its price.
    """
    return {
        "customer_id": CUSTOMER,
        "order_id": order_id(number),
        "status": "shipped",
        "created": "2026-11-20T05:00:00.000000Z",
        "email": "somebody@example.com",
        "quantity": 42 + number,
        "price": number_type(price(number)),
        "is_paid": True,
        "note": note(number),
        "tags": ["gift", "express", "fragile", "insured", "signed"],
        "address": address(number),
    }
