"""The orders that all clients read and write: 11 attributes, about 1 KB each as JSON.

It is imported by every client before anything is timed in a fresh process, so it imports nothing itself.
"""

from __future__ import annotations

__all__ = [
    "BATCH",
    "CHANGED",
    "CUSTOMER",
    "ORDERS",
    "REFERENCES",
    "SCAN",
    "STATUSES",
    "TABLE",
    "WRITES",
    "address",
    "note",
    "order_id",
    "price",
]

TABLE = "orders"
#: The hash key of all orders.
CUSTOMER = "customer-000123"
#: How many a query and a batch of gets answer with, a batch of writes holds, a scan reads.
ORDERS = 100
BATCH = 100
WRITES = 25
SCAN = 1000
#: An update sets one of these.
STATUSES = ("packed", "delivered")


def order_id(number: int) -> str:
    """Return the range key of an order."""
    return f"2026-11-20#{number:06}"


def price(number: int) -> str:
    """Return its price, which no float is equal to."""
    return f"{number + 19}.99"


def note(number: int) -> str:
    """Return its long text."""
    return f"order {number:06} " + "n" * 590


def address(number: int) -> dict[str, str]:
    """Return its map."""
    return {"street": f"Storgata {number}", "city": "Oslo", "zip": "0155", "country": "NO"}


#: The job looks at these orders, in this order, each about ten times ...
REFERENCES = [order_id(number * 37 % BATCH) for number in range(1000)]
#: ... and changes these whenever it meets them.
CHANGED = frozenset(order_id(number) for number in range(WRITES))
