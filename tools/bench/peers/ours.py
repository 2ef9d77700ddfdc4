"""Our package: typed records, exact Decimals, what they were loaded as is kept, all checks on."""

from __future__ import annotations

from decimal import Decimal
from itertools import cycle
from typing import Any, ClassVar

from dynamo_objects import DynamoDatabase, DynamoRecord, DynamoTable, HashKey, RangeKey

from .client import ObjectClient, new_dict
from .orders import BATCH, CHANGED, CUSTOMER, REFERENCES, STATUSES, TABLE, order_id

__all__ = ["OverBoto", "OverCurl", "OverSockets"]


class Order(DynamoRecord):
    """An order."""

    customer_id: str = ""
    order_id: str = ""
    status: str = ""
    created: str = ""
    email: str = ""
    quantity: int = 0
    price: Decimal = Decimal(0)
    is_paid: bool = False
    note: str = ""
    tags: list[str] = []
    address: dict[str, str] = {}


class OrderTable(DynamoTable[Order]):
    """Their table."""

    table_name = TABLE
    schema = [HashKey("customer_id"), RangeKey("order_id")]


class _Ours(ObjectClient):
    transport: ClassVar[str | None] = None

    def __init__(self, endpoint: str) -> None:
        super().__init__(endpoint)
        self.database = DynamoDatabase().connect(
            region_name="us-east-1", endpoint_url=endpoint, transport=self.transport, auto_create=False
        )
        self.table = OrderTable()
        self.keys = [(CUSTOMER, order_id(number)) for number in range(BATCH)]
        self.statuses = cycle(STATUSES)

    def close(self) -> None:
        """Disconnect."""
        self.database.disconnect()

    def new(self, number: int) -> Order:
        """Return a new record."""
        return Order(**new_dict(number, Decimal))

    def get(self, _: Any) -> Order:
        """Read one."""
        return self.table.get(CUSTOMER, order_id(0))

    def put(self, order: Order) -> None:
        """Store one, whatever is there, as the others do."""
        self.table.save(order, overwrite=True)

    def update(self, order: Order) -> None:
        """Change a field; the request also says what it must have been before."""
        order.status = next(self.statuses)
        self.table.save(order)

    def query(self, _: Any) -> list[Order]:
        """Read all of a customer."""
        return self.table.query(CUSTOMER)()

    def batch_get(self, _: Any) -> list[Order]:
        """Read by keys."""
        return list(self.table.get_many(self.keys).values())

    def batch_write(self, orders: list[Order]) -> None:
        """Store several."""
        self.table.save_many(orders)

    def scan(self, _: Any) -> list[Order]:
        """Read all."""
        return self.table.scan()()

    def job(self, _: Any) -> None:
        """Look at many orders, each read once, and store those that were changed."""
        from dynamo_objects import MemoryTable

        orders = MemoryTable(self.table)
        orders.prefetch(self.keys)
        for key in REFERENCES:
            order = orders.get(CUSTOMER, key)
            if key in CHANGED:
                order.quantity += 1
        orders.save_data_batch()


class OverSockets(_Ours):
    """As it comes."""


class OverCurl(_Ours):
    """Over libcurl."""

    transport = "curl"


class OverBoto(_Ours):
    """Over a boto3 client."""

    transport = "boto3"
