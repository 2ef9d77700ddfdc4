"""Engines quote in their messages what they refuse; our errors do not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from dynamo_objects.connection.attempts import RetryPolicy
from dynamo_objects.connection.aws import AwsSettings, boto_transport
from dynamo_objects.connection.connection import Connection
from dynamo_objects.errors import DynamoException
from dynamo_objects.operations.base import Operation
from tests.engines import Engine

#: A text and a number that nothing else holds.
TEXT, NUMBER = "sentinel of a value", "987654321"
KEY = {"id": {"S": "k1"}}


class Request(Operation[None], frozen=True):
    """A request that the library would not make."""

    name: str  # type: ignore[misc]  # here it differs from value to value
    members: dict[str, Any]

    def payload(self) -> bytes:
        return json.dumps(self.members).encode()

    def parse(self, body: bytes) -> None:
        """Take anything."""


WRONG: dict[str, Any] = {
    "no number": {"N": TEXT},
    "39 digits": {"N": "9" * 29 + NUMBER + "1"},
    "a huge number": {"N": f"{NUMBER}E+500"},
    "a tiny number": {"N": f"{NUMBER}E-500"},
    "texts twice": {"SS": [TEXT, TEXT]},
    "numbers twice": {"NS": [NUMBER, NUMBER]},
    "no numbers": {"NS": [TEXT]},
    "two types": {"S": TEXT, "N": NUMBER},
    "no number inside": {"M": {"a": {"L": [{"N": TEXT}]}}},
    "too long": {"S": TEXT * 30_000},
}


def requests(table: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield operations with what engines refuse."""
    names, have = {"#a": "a", "#s": "text"}, {"id": {"S": "have"}}
    for value in WRONG.values():
        item = {**KEY, "a": value}
        values = {"ExpressionAttributeNames": {"#a": "a"}, "ExpressionAttributeValues": {":v": value}}
        yield "PutItem", {"TableName": table, "Item": item}
        yield "UpdateItem", {"TableName": table, "Key": KEY, "UpdateExpression": "SET #a = :v", **values}
        yield "UpdateItem", {"TableName": table, "Key": KEY, "UpdateExpression": "ADD #a :v", **values}
        yield "Scan", {"TableName": table, "FilterExpression": "#a = :v", **values}
        yield "GetItem", {"TableName": table, "Key": {"id": value}}
        yield "BatchWriteItem", {"RequestItems": {table: [{"PutRequest": {"Item": item}}]}}
        yield "TransactWriteItems", {"TransactItems": [{"Put": {"TableName": table, "Item": item}}]}
    texts = {":v": {"S": TEXT}, ":w": {"S": "a" + TEXT}}
    filters = ("#a BETWEEN :v AND :w", "attribute_type(#a, :v) AND #a = :w", "#a = :v")
    for text in filters:
        members = {"ExpressionAttributeNames": {"#a": "a"}, "ExpressionAttributeValues": texts}
        yield "Scan", {"TableName": table, "FilterExpression": text, **members}
    for text in (
        "ADD #s :v",
        "SET #s = #s + :v",
        "SET #s = list_append(#s, :v)",
        "DELETE #s :v",
        "SET #s.#a = :v",
    ):
        members = {"ExpressionAttributeNames": names, "ExpressionAttributeValues": {":v": {"S": TEXT}}}
        yield "UpdateItem", {"TableName": table, "Key": have, "UpdateExpression": text, **members}
    many = [{"PutRequest": {"Item": {"id": {"S": f"{TEXT}{n % 26}"}, "a": {"S": TEXT}}}} for n in range(27)]
    yield "BatchWriteItem", {"RequestItems": {table: many[:26]}}
    yield "BatchWriteItem", {"RequestItems": {table: [many[0], many[26]]}}
    put = {"Put": {"TableName": table, "Item": {"id": {"S": TEXT}, "a": {"S": TEXT}}}}
    yield "TransactWriteItems", {"TransactItems": [put], "ClientRequestToken": TEXT * 5}
    yield "TransactWriteItems", {"TransactItems": [put, put]}
    yield "PutItem", {"TableName": table, "Item": {"id": {"S": TEXT * 200}}}
    yield "PutItem", {"TableName": table, "Item": {"text": {"S": TEXT}}}
    absent = {
        "ConditionExpression": "attribute_not_exists(id)",
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }
    yield "PutItem", {"TableName": table, "Item": have, **absent}
    yield "TransactWriteItems", {"TransactItems": [{"Put": {"TableName": table, "Item": have, **absent}}]}


@pytest.fixture
def connection(engine: Engine) -> Iterator[Connection]:
    """A connection that tries once."""
    client = engine.client()
    yield Connection(boto_transport(AwsSettings(client=client)), RetryPolicy(deadline_seconds=0.0))
    client.close()


def shown(error: BaseException | None) -> Iterator[str]:
    """Yield what our errors in a chain show; those of an engine in this process are its own."""
    while error is not None:
        if isinstance(error, DynamoException):
            yield f"{error} {error!r} {getattr(error, '__notes__', '')} {getattr(error, 'reasons', '')!r}"
        yield from shown(error.__cause__)
        error = error.__context__


def test_errors_quote_no_values(connection: Connection, engine: Engine, prefix: str) -> None:
    """
    Whatever an engine refuses, and however it explains that.
    """
    table = f"{prefix}things"
    client = engine.client()
    client.create_table(
        TableName=table,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    client.put_item(TableName=table, Item={"id": {"S": "have"}, "text": {"S": TEXT}})
    refused = 0
    for operation, members in requests(table):
        try:
            connection.call(Request(operation, members))
        except DynamoException as error:
            refused += 1
            text = " ".join(shown(error))
            assert TEXT not in text, (operation, members)
            assert NUMBER not in text, (operation, members)
    client.delete_table(TableName=table)
    client.close()

    assert 30 < refused
