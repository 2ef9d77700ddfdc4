"""dynamock: every boto3 client of the process served from memory, until it is stopped."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import botocore.client
import botocore.endpoint
import botocore.session
import pytest
from boto3.dynamodb.conditions import Key
from botocore.config import Config
from botocore.exceptions import ClientError, ParamValidationError

from dynamo_objects import (
    DynamoDatabase,
    DynamoException,
    DynamoRecord,
    DynamoTable,
    HashKey,
    ItemNotFound,
    dynamock,
)
from dynamo_objects.connection.transport import Reply
from tests.dictservice import error_reply, good_reply

dynamock.stop()  # importing it started it

TOP = Path(__file__).resolve().parents[2]
PATCHED = (
    (botocore.client.BaseClient, "_make_api_call"),
    (botocore.endpoint.Endpoint, "_send"),
    (botocore.session.Session, "create_client"),
)
ORIGINALS = [getattr(owner, name) for owner, name in PATCHED]

THINGS: dict[str, Any] = {
    "TableName": "things",
    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
    "BillingMode": "PAY_PER_REQUEST",
}


class Thing(DynamoRecord):
    id: str = ""
    raw: bytes = b""
    n: int = 0


class ThingTable(DynamoTable[Thing]):
    table_name = "thing"
    schema = [HashKey("id")]


@pytest.fixture(autouse=True)
def no_aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Neither credentials nor a region anywhere; nothing is served, before and after."""
    for name in (
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_DEFAULT_REGION",
        "AWS_REGION",
        "AWS_PROFILE",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    DynamoDatabase().disconnect()
    yield
    DynamoDatabase().disconnect()
    dynamock.stop()


def unserved_client() -> Any:
    """Return a client that reaches nothing by itself."""
    return boto3.client(
        "dynamodb",
        region_name="us-east-1",
        endpoint_url="http://127.0.0.1:1",
        aws_access_key_id="a",
        aws_secret_access_key="b",
        config=Config(retries={"total_max_attempts": 1}),
    )


class Told:
    """An engine that answers one after another, the last one again and again."""

    def __init__(self, *replies: Reply) -> None:
        self._replies = list(replies)
        self.received: list[tuple[str, bytes]] = []
        self.is_closed = False

    def send(self, operation: str, payload: bytes) -> Reply:
        """Answer."""
        self.received.append((operation, payload))
        return self._replies.pop(0) if len(self._replies) > 1 else self._replies[0]

    def close(self) -> None:
        """Note it."""
        self.is_closed = True


# --- start, stop, reset ---------------------------------------------------------------------


def test_importing_it_starts_it_without_credentials_region_or_network() -> None:
    """
    The recipe of 2016 works in a fresh process: import it, use boto3 and this library.
    """
    program = """
import socket
def refuse(*_, **__): raise AssertionError("network")
socket.socket.connect = socket.getaddrinfo = refuse
import boto3
from dynamo_objects import database
from dynamo_objects import dynamock
client = boto3.client("dynamodb")
assert dynamock.is_serving() and client.list_tables()["TableNames"] == []
database.Database().connect(region_name="eu-west-1", table_prefix="x_")
database.Database().create_table("things", schema=[__import__("dynamo_objects").HashKey("id")])
print(client.list_tables()["TableNames"], database.Database().get_tables())
"""
    environment = {
        "PATH": "",
        "AWS_CONFIG_FILE": "/nonexistent",
        "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent",
    }
    result = subprocess.run(
        [sys.executable, "-c", program], cwd=TOP, env=environment, capture_output=True, text=True, check=False
    )

    assert ("['x_things'] ['things']\n", "") == (result.stdout, result.stderr)


def test_clients_made_before_and_after_are_served() -> None:
    """
    All clients and resources, in all threads, share the same tables.
    """
    before = unserved_client()
    dynamock.start()
    before.create_table(**THINGS)
    boto3.resource("dynamodb").Table("things").put_item(Item={"id": "a", "n": 1})
    found: list[Any] = []

    def read() -> None:
        client = boto3.session.Session().client("dynamodb", region_name="eu-west-3")
        found.append(client.get_item(TableName="things", Key={"id": {"S": "a"}})["Item"])

    thread = threading.Thread(target=read)
    thread.start()
    thread.join()

    assert [{"id": {"S": "a"}, "n": {"N": "1"}}] == found


def test_stop_gives_everything_back() -> None:
    """
    After stop() botocore is as it was, and clients try to reach their own endpoints again.
    """
    client = unserved_client()
    dynamock.start()
    dynamock.start()
    assert [] == client.list_tables()["TableNames"]
    dynamock.stop()
    dynamock.stop()

    assert ORIGINALS == [getattr(owner, name) for owner, name in PATCHED]
    assert not dynamock.is_serving()
    with pytest.raises(Exception, match="Could not connect"):
        client.list_tables()


def test_starting_again_keeps_the_tables_and_stopping_forgets_them() -> None:
    """
    start() is harmless when it is started, also with the other mode; stop() ends it all.
    """
    client = unserved_client()
    dynamock.start()
    client.create_table(**THINGS)
    dynamock.start(retries=True)
    assert ["things"] == client.list_tables()["TableNames"]
    dynamock.stop()
    dynamock.start()

    assert [] == client.list_tables()["TableNames"]


def test_reset_forgets_all_tables_and_this_librarys_too() -> None:
    """
    After reset() tables are created anew when they are used, by objects made before as well.
    """
    dynamock.reset()
    dynamock.start()
    DynamoDatabase().connect(region_name="us-east-1", table_prefix="x_")
    table = ThingTable()
    table.save(Thing(id="a"))
    dynamock.reset()

    assert [] == DynamoDatabase().get_tables()
    with pytest.raises(ItemNotFound):
        table.get("a")
    assert ["thing"] == DynamoDatabase().get_tables()


def test_a_block_has_tables_of_its_own() -> None:
    """
    In a with block there are other tables; after it, those from before are back.
    """
    client = unserved_client()
    with dynamock.serving():
        client.create_table(**THINGS)
        with dynamock.serving():
            assert [] == client.list_tables()["TableNames"]

        assert ["things"] == client.list_tables()["TableNames"]
    assert not dynamock.is_serving()
    assert ORIGINALS == [getattr(owner, name) for owner, name in PATCHED]


def test_a_block_serves_any_engine_and_leaves_it_open() -> None:
    """
    An engine that was given answers, and is not closed.
    """
    engine = Told(good_reply({"TableNames": ["told"]}))
    with dynamock.serving(engine=engine) as served:
        assert ["told"] == boto3.client("dynamodb").list_tables()["TableNames"]

    assert served is engine
    assert not engine.is_closed


def test_stop_and_reset_in_a_block_leave_what_was_before() -> None:
    """
    What happens in a block concerns the block; an engine that was given cannot be reset.
    """
    client = unserved_client()
    dynamock.start()
    client.create_table(**THINGS)
    with dynamock.serving():
        client.create_table(**{**THINGS, "TableName": "inner"})
        dynamock.reset()
        assert [] == client.list_tables()["TableNames"]
    with dynamock.serving():
        dynamock.stop()
        assert not dynamock.is_serving()
    with dynamock.serving(engine=Told(good_reply({}))):
        with pytest.raises(DynamoException, match="given"):
            dynamock.reset()

    assert ["things"] == client.list_tables()["TableNames"]


def test_what_others_put_over_it_stays() -> None:
    """
    A tool that wraps botocore's method meanwhile keeps its place; ours below it passes calls on.
    """
    owner: Any = botocore.client.BaseClient
    calls: list[str] = []
    client = unserved_client()
    dynamock.start()
    ours = owner._make_api_call

    def traced(self: Any, operation: str, parameters: Any) -> Any:
        calls.append(operation)
        return ours(self, operation, parameters)

    owner._make_api_call = traced
    try:
        client.list_tables()
        dynamock.stop()

        assert traced is owner._make_api_call
        with pytest.raises(Exception, match="Could not connect"):
            client.list_tables()
        assert ["ListTables", "ListTables"] == calls
    finally:
        owner._make_api_call = ORIGINALS[0]
    dynamock.start()
    assert [] == client.list_tables()["TableNames"]


def test_other_services_are_left_alone() -> None:
    """
    Only DynamoDB is served, and only its clients get made-up credentials.
    """
    dynamock.start()
    client = boto3.client(
        "sts",
        region_name="us-east-1",
        endpoint_url="http://127.0.0.1:1",
        aws_access_key_id="a",
        aws_secret_access_key="b",
        config=Config(retries={"total_max_attempts": 1}),
    )

    with pytest.raises(Exception, match="Could not connect"):
        client.get_caller_identity()
    with pytest.raises(botocore.exceptions.NoRegionError):
        boto3.client("sqs")


# --- as boto3 -------------------------------------------------------------------------------


@pytest.mark.parametrize("retries", [False, True])
def test_boto3_works_as_on_the_service(retries: bool) -> None:
    """
    Tables, items, bytes, queries, pages, waiters, batches and errors of boto3, in both modes.
    """
    with dynamock.serving(retries=retries):
        client = boto3.client("dynamodb")
        client.create_table(**THINGS)
        client.get_waiter("table_exists").wait(TableName="things")
        table = boto3.resource("dynamodb").Table("things")
        with table.batch_writer() as batch:
            for n in range(30):
                batch.put_item(Item={"id": f"{n:02}", "raw": b"\x00\xff", "tags": {"a", "b"}})
        pages = client.get_paginator("scan").paginate(TableName="things", PaginationConfig={"PageSize": 7})
        ids = sorted(item["id"]["S"] for page in pages for item in page["Items"])
        found = table.query(KeyConditionExpression=Key("id").eq("07"))["Items"]

        assert [f"{n:02}" for n in range(30)] == ids
        assert [{"id": "07", "raw": b"\x00\xff", "tags": {"a", "b"}}] == found
        with pytest.raises(client.exceptions.ConditionalCheckFailedException):
            client.put_item(
                TableName="things", Item={"id": {"S": "07"}}, ConditionExpression="attribute_not_exists(id)"
            )
        with pytest.raises(ParamValidationError, match="Unknown parameter"):
            client.get_item(TableName="things", Kye={})
        with pytest.raises(client.exceptions.ResourceNotFoundException):
            client.describe_table(TableName="others")


def test_metadata_of_replies() -> None:
    """
    Replies have their request id, status, header fields and number of retries.
    """
    with dynamock.serving(engine=Told(good_reply({"TableNames": []}))):
        metadata = boto3.client("dynamodb").list_tables()["ResponseMetadata"]

    assert ("ID", 200, 0) == (metadata["RequestId"], metadata["HTTPStatusCode"], metadata["RetryAttempts"])
    assert "application/x-amz-json-1.0" == metadata["HTTPHeaders"]["content-type"]


@pytest.mark.parametrize(("retries", "requests"), [(False, 1), (True, 3)])
def test_botocores_retries_are_a_mode(retries: bool, requests: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    With retries=True botocore tries again after a throttle; otherwise it surfaces at once.
    """
    throttled = error_reply("ProvisionedThroughputExceededException", "slow down")
    engine = Told(throttled, throttled, good_reply({"TableNames": ["late"]}))
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    with dynamock.serving(engine=engine, retries=retries):
        client = boto3.client(
            "dynamodb", config=Config(retries={"total_max_attempts": 3, "mode": "standard"})
        )
        if retries:
            reply = client.list_tables()
            assert (["late"], 2) == (reply["TableNames"], reply["ResponseMetadata"]["RetryAttempts"])
        else:
            with pytest.raises(ClientError, match="slow down"):
                client.list_tables()

    assert requests == len(engine.received)


# --- under this library ---------------------------------------------------------------------


@pytest.mark.parametrize("retries", [False, True])
def test_the_boto_transport_sees_replies_as_they_are(retries: bool) -> None:
    """
    Our own transport gets status, header fields and body untouched, in both modes.
    """
    reply = error_reply("TransactionCanceledException", "m", CancellationReasons=[{"Code": "None"}])
    with dynamock.serving(engine=Told(reply), retries=retries):
        DynamoDatabase().connect(region_name="us-east-1")
        transport = DynamoDatabase().get_connection().transport
        found = transport.send("TransactWriteItems", b'{"TransactItems":[]}', 1.0)

    assert (reply.status, reply.body) == (found.status, found.body)
    assert dict(reply.headers) == {
        name: text for name, text in found.headers.items() if name in reply.headers
    }


@pytest.mark.parametrize("retries", [False, True])
def test_records_are_saved_and_found(retries: bool) -> None:
    """
    Tables of this library work on it, next to boto3's own.
    """
    with dynamock.serving(retries=retries):
        DynamoDatabase().connect(region_name="us-east-1", table_prefix="x_")
        ThingTable().save(Thing(id="a", raw=b"\x00"))
        ThingTable().update_counter("a", n=2)

        assert Thing(id="a", raw=b"\x00", n=2) == ThingTable().get("a")
        assert 2 == ThingTable().table.get_item(Key={"id": "a"})["Item"]["n"]
        assert ["x_thing"] == boto3.client("dynamodb").list_tables()["TableNames"]
