"""aiodynamo over aiohttp, the quicker one of its two: dicts, with numbers as float, its default.

It is asynchronous. Here its calls come one after another, as those of all clients do.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence
from itertools import cycle
from typing import Any

import aiohttp
from aiodynamo.client import Client as AioClient
from aiodynamo.credentials import Key, StaticCredentials
from aiodynamo.expressions import F, HashKey
from aiodynamo.http.aiohttp import AIOHTTP
from aiodynamo.models import BatchGetRequest, BatchWriteRequest
from yarl import URL

from .client import Client, new_dict
from .orders import BATCH, CHANGED, CUSTOMER, REFERENCES, STATUSES, TABLE, order_id

__all__ = ["Aiodynamo"]


class Aiodynamo(Client):
    """Its client."""

    def __init__(self, endpoint: str) -> None:
        super().__init__(endpoint)
        self.loop = asyncio.new_event_loop()
        self.key = {"customer_id": CUSTOMER, "order_id": order_id(0)}
        self.keys = [{"customer_id": CUSTOMER, "order_id": order_id(number)} for number in range(BATCH)]
        self.statuses = cycle(STATUSES)
        self.client = self.loop.run_until_complete(self._connected(endpoint))
        self.table = self.client.table(TABLE)

    async def _connected(self, endpoint: str) -> AioClient:
        credentials = StaticCredentials(Key(os.environ["AWS_ACCESS_KEY_ID"], "benchmark"))
        self.session = aiohttp.ClientSession()
        return AioClient(AIOHTTP(self.session), credentials, "us-east-1", URL(endpoint))

    def run(self, method: Callable[[Any], Any], arguments: Sequence[Any]) -> None:
        """Await a method with each of the arguments, one after another."""
        self.loop.run_until_complete(self._run(method, arguments))

    async def _run(self, method: Callable[[Any], Any], arguments: Sequence[Any]) -> None:
        for argument in arguments:
            await method(argument)

    def once(self, method: Callable[[Any], Any], argument: Any = None) -> Any:
        """Await a method and return what it returns."""
        return self.loop.run_until_complete(method(argument))

    def close(self) -> None:
        """Close the session and the loop."""
        self.loop.run_until_complete(self.session.close())
        self.loop.close()

    def new(self, number: int) -> dict[str, Any]:
        """Return a new dict."""
        return new_dict(number, float)

    def plain(self, order: Any) -> dict[str, Any]:
        """Return the dict."""
        return dict(order)

    async def get(self, _: Any) -> Any:
        """Read one."""
        return await self.table.get_item(self.key)

    async def put(self, order: Any) -> None:
        """Store one."""
        await self.table.put_item(order)

    async def update(self, _: Any) -> None:
        """Change an attribute."""
        await self.table.update_item(self.key, F("status").set(next(self.statuses)))

    async def query(self, _: Any) -> list[Any]:
        """Read all of a customer."""
        return [order async for order in self.table.query(HashKey("customer_id", CUSTOMER))]

    async def scan(self, _: Any) -> list[Any]:
        """Read all."""
        return [order async for order in self.table.scan()]

    async def batch_get(self, _: Any) -> list[Any]:
        """Read by keys."""
        reply = await self.client.batch_get({TABLE: BatchGetRequest(keys=self.keys)})
        assert not reply.unprocessed_keys
        return list(reply.items[TABLE])

    async def batch_write(self, orders: list[Any]) -> None:
        """Store several."""
        left = await self.client.batch_write({TABLE: BatchWriteRequest(items_to_put=orders)})
        assert not left

    async def job(self, _: Any) -> None:
        """Look at many orders, each read once, and store those that were changed."""
        orders = {order["order_id"]: order for order in await self.batch_get(None)}
        changed = {}
        for key in REFERENCES:
            order = orders[key]
            if key in CHANGED:
                order["quantity"] += 1
                changed[key] = order
        await self.batch_write(list(changed.values()))
