"""The engines that cases run on, each as one function: operation and members in, status and body out."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

__all__ = ["BACKENDS", "Send", "backend", "make_tables"]

#: Carries out one request: (operation, members or raw JSON text) -> (status, body).
Send = Callable[[str, Any], tuple[int, Any]]

_TARGET = "DynamoDB_20120810."
_HEADERS = {
    "Content-Type": "application/x-amz-json-1.0",
    "X-Amz-Date": "20261120T000000Z",
    "Authorization": "AWS4-HMAC-SHA256 Credential=local/20261120/us-east-1/dynamodb/aws4_request, "
    "SignedHeaders=host;x-amz-date;x-amz-target, Signature=0",
}


def _payload(members: Any) -> bytes:
    return members.encode() if isinstance(members, str) else json.dumps(members).encode()


def _body(raw: bytes) -> Any:
    try:
        return json.loads(raw) if raw else {}
    except ValueError:
        return {"message": raw.decode(errors="replace")}


@contextmanager
def over_http(url: str) -> Iterator[Send]:
    """Give the function for a server; one connection serves all requests."""
    host = url.removeprefix("http://").rstrip("/")
    connection = HTTPConnection(host, timeout=60)

    def send(operation: str, members: Any) -> tuple[int, Any]:
        headers = {**_HEADERS, "X-Amz-Target": _TARGET + operation}
        for attempt in (1, 2):
            try:
                connection.request("POST", "/", _payload(members), headers)
                reply = connection.getresponse()
                return reply.status, _body(reply.read())
            except (OSError, EOFError, ConnectionError):
                connection.close()
                if attempt == 2:
                    raise
            except Exception:
                connection.close()
                return 599, {"message": "the connection broke"}
        raise AssertionError

    try:
        yield send
    finally:
        connection.close()


@contextmanager
def _local() -> Iterator[Send]:
    import dynamodb_local

    with dynamodb_local.serve() as url, over_http(url) as send:
        yield send


@contextmanager
def _dynoxide() -> Iterator[Send]:
    import dynoxide

    with dynoxide.serve() as url, over_http(url) as send:
        yield send


@contextmanager
def _moto() -> Iterator[Send]:
    import requests
    from moto import mock_aws

    def send(operation: str, members: Any) -> tuple[int, Any]:
        headers = {**_HEADERS, "X-Amz-Target": _TARGET + operation}
        try:
            reply = requests.post(
                "https://dynamodb.us-east-1.amazonaws.com/",
                data=_payload(members),
                headers=headers,
                timeout=60,
            )
        except Exception as error:  # what moto raises through its mock, AWS answers with a status
            return 599, {"message": repr(error)}
        return reply.status_code, _body(reply.content)

    with mock_aws():
        yield send


@contextmanager
def _ours(url: str) -> Iterator[Send]:
    from dynamo_objects.local.opening import open_engine

    engine = open_engine(url)

    def send(operation: str, members: Any) -> tuple[int, Any]:
        reply = engine.send(operation, _payload(members))
        return reply.status, _body(reply.body)

    try:
        yield send
    finally:
        engine.close()


BACKENDS: dict[str, Callable[[], Any]] = {
    "memory": lambda: _ours("memory://"),
    "sqlite": lambda: _ours("sqlite://"),
    "dynamodb-local": _local,
    "dynoxide": _dynoxide,
    "moto": _moto,
}


@contextmanager
def backend(name: str) -> Iterator[Send]:
    """Run an engine; give its function."""
    tools = str(Path(__file__).resolve().parents[2] / "tools")
    if tools not in sys.path:
        sys.path.append(tools)
    with BACKENDS[name]() as send:
        yield send


def make_tables(send: Send, tables: dict[str, dict[str, Any]]) -> None:
    """Create tables and wait for them."""
    for name, members in tables.items():
        status, body = send("CreateTable", {"TableName": name, **members})
        assert status == 200, body
    for name in tables:
        while send("DescribeTable", {"TableName": name})[1]["Table"]["TableStatus"] != "ACTIVE":
            time.sleep(0.01)
