"""The floor: prepared bytes over one socket; nothing is signed, checked or decoded."""

from __future__ import annotations

import json
import os
import socket
import ssl
from typing import Any
from urllib.parse import urlsplit

from .client import Client, new_dict
from .orders import BATCH, CUSTOMER, TABLE, WRITES, order_id

__all__ = ["Floor"]


class Floor(Client):
    """A socket."""

    def __init__(self, endpoint: str) -> None:
        super().__init__(endpoint)
        place = urlsplit(endpoint)
        self.socket = socket.create_connection((str(place.hostname), place.port or 80))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if place.scheme == "https":
            context = ssl.create_default_context(cafile=os.environ["SSL_CERT_FILE"])
            self.socket = context.wrap_socket(self.socket, server_hostname=place.hostname)
        key = {"customer_id": {"S": CUSTOMER}, "order_id": {"S": order_id(0)}}
        keys = [{**key, "order_id": {"S": order_id(number)}} for number in range(BATCH)]
        items = [self._item(number) for number in range(WRITES)]
        writes = {"RequestItems": {TABLE: [{"PutRequest": {"Item": item}} for item in items]}}
        self._requests = {
            "get": self._request("GetItem", {"TableName": TABLE, "Key": key}),
            "put": self._request("PutItem", {"TableName": TABLE, "Item": items[0]}),
            "update": self._request("UpdateItem", {"TableName": TABLE, "Key": key}),
            "query": self._request("Query", {"TableName": TABLE}),
            "batch_get": self._request("BatchGetItem", {"RequestItems": {TABLE: {"Keys": keys}}}),
            "batch_write": self._request("BatchWriteItem", writes),
            "scan": self._request("Scan", {"TableName": TABLE}),
        }

    def _item(self, number: int) -> dict[str, Any]:
        return {name: {"S": str(value)} for name, value in new_dict(number, str).items()}

    def _request(self, operation: str, members: dict[str, Any]) -> bytes:
        body = json.dumps(members).encode()
        head = (
            f"POST / HTTP/1.1\r\nHost: localhost\r\nX-Amz-Target: DynamoDB_20120810.{operation}\r\n"
            f"Content-Type: application/x-amz-json-1.0\r\nContent-Length: {len(body)}\r\n"
            f"Authorization: {'x' * 200}\r\nX-Amz-Date: 20261120T050000Z\r\n\r\n"
        )
        return head.encode() + body

    def arguments(self, workload: str, count: int) -> list[Any]:
        """Return nothing: the requests are ready."""
        return [None] * count

    def _send(self, workload: str) -> None:
        self.socket.sendall(self._requests[workload])
        received = self.socket.recv(65536)
        head, _, body = received.partition(b"\r\n\r\n")
        left = int(head.partition(b"Content-Length: ")[2].partition(b"\r\n")[0]) - len(body)
        while left > 0:
            received = self.socket.recv(min(left, 262144))
            if not received:
                raise ConnectionError("the server ended the connection")
            left -= len(received)

    def get(self, _: Any) -> None:
        """Send a get."""
        self._send("get")

    def put(self, _: Any) -> None:
        """Send a put."""
        self._send("put")

    def update(self, _: Any) -> None:
        """Send an update."""
        self._send("update")

    def query(self, _: Any) -> None:
        """Send a query."""
        self._send("query")

    def batch_get(self, _: Any) -> None:
        """Send a batch of gets."""
        self._send("batch_get")

    def batch_write(self, _: Any) -> None:
        """Send a batch of writes."""
        self._send("batch_write")

    def scan(self, _: Any) -> None:
        """Send a scan."""
        self._send("scan")

    def job(self, _: Any) -> None:
        """Send the two requests of the job."""
        self._send("batch_get")
        self._send("batch_write")
