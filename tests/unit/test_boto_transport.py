"""All transports over HTTP against a server that misbehaves; the boto transport with clients of all kinds."""

from __future__ import annotations

import json
import logging
import os
import threading
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from moto import mock_aws

from dynamo_objects.connection.attempts import RetryPolicy
from dynamo_objects.connection.aws import (
    AwsSettings,
    boto_resource,
    boto_transport,
    is_loopback,
    local_settings,
)
from dynamo_objects.connection.boto import BotoTransport, client_retries
from dynamo_objects.connection.connection import Connection
from dynamo_objects.connection.native import TRANSPORTS, chosen_transport
from dynamo_objects.connection.transport import Transport
from dynamo_objects.errors import (
    DynamoException,
    InvalidRequest,
    ItemNotFound,
    NotDynamoDBReply,
    OutcomeUnknown,
    ThrottledError,
    TransactionCancelled,
    TransportError,
)
from dynamo_objects.expressions.tree import Add, AttributeNotExists, Compare, Path, Set, Update, Value
from dynamo_objects.flows.batching import read_batches, write_batches
from dynamo_objects.operations.batch import BatchGetItem, Write, key_identity
from dynamo_objects.operations.item import DeleteItem, GetItem, PutItem, UpdateItem
from dynamo_objects.operations.search import Query, Scan
from dynamo_objects.operations.table import CreateTable, DescribeTable, ListTables
from dynamo_objects.operations.transaction import TransactGetItems, TransactWriteItems
from tests.dictservice import DictService
from tests.faultserver import ANSWERS, FaultServer
from tests.transports import VirtualClock

KEY_ID, SECRET, TOKEN = "AKIASENTINELKEYID", "sentinel-secret-key", "sentinel-session-token"
CREDENTIALS: dict[str, Any] = {
    "aws_access_key_id": KEY_ID,
    "aws_secret_access_key": SECRET,
    "aws_session_token": TOKEN,
}
VALUE = "sentinel-of-a-value"

KEY = {"id": {"S": "k1"}}
ITEM = {**KEY, "text": {"S": VALUE}, "n": {"N": "1"}}
GET, PUT = GetItem("things", KEY), PutItem("things", ITEM, key_wires=frozenset({"id"}))
COUNT = UpdateItem("things", KEY, Update(adds=(Add(Path.of("n"), Value({"N": "1"})),)), returns="ALL_NEW")
CREATE = CreateTable(
    "things",
    {
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        "BillingMode": "PAY_PER_REQUEST",
    },
)


@pytest.fixture(scope="module")
def service() -> DictService:
    """A service with one table."""
    made = DictService()
    made.send("CreateTable", CREATE.payload(), 1)
    return made


@pytest.fixture(scope="module")
def started(service: DictService) -> Iterator[FaultServer]:
    """A server, running."""
    with FaultServer(service) as server:
        yield server


@pytest.fixture
def server(started: FaultServer, service: DictService) -> FaultServer:
    """A server with one item, and nothing else to say."""
    service.tables["things"].items = {key_identity(KEY): ITEM}
    started.tell()
    started.release.clear()
    return started


@pytest.fixture(scope="module", params=TRANSPORTS)
def shared(started: FaultServer, request: pytest.FixtureRequest) -> Iterator[Transport]:
    """A transport of each kind, with a client of our own."""
    if request.param == "curl":
        pytest.importorskip("pycurl")
    transport = chosen_transport(settings(started), request.param)
    yield transport
    assert not getattr(transport, "falls_back", "")
    transport.close()


def settings(server: FaultServer, **options: Any) -> AwsSettings:
    """Return how to reach the server."""
    given = {"session_arguments": CREDENTIALS, "timeout_seconds": 0.25, **options}
    return AwsSettings(region_name="us-east-1", endpoint_url=server.url, **given)


def item_in(connection: Connection) -> Any:
    """Return the item."""
    return connection.call(GET)


def over(transport: Transport, clock: VirtualClock | None = None) -> Connection:
    """Return a connection on virtual time."""
    clock = clock or VirtualClock()
    policy = RetryPolicy(deadline_seconds=5.0)
    return Connection(transport, policy, clock=clock, sleep=clock.sleep, chance=lambda: 0.5)


def client_of(server: FaultServer, **config: Any) -> Any:
    """Return a client as users make it."""
    return boto3.client(
        "dynamodb", region_name="us-east-1", endpoint_url=server.url, config=Config(**config), **CREDENTIALS
    )


# --- what is sent ---------------------------------------------------------------------------


def test_requests_arrive_as_they_are(server: FaultServer, shared: Transport) -> None:
    """
    The server sees the JSON of the payload, binaries as base64, and the operation's name.
    """
    binary: dict[str, Any] = {
        **KEY,
        "b": {"B": "AAH/"},
        "bs": {"BS": ["AA==", "/w=="]},
        "m": {"M": {"B": {"L": [{"B": ""}]}}},
    }
    put = PutItem("things", binary)

    over(shared).call(put)

    assert ["PutItem"] == [request.operation for request in server.received]
    assert json.loads(put.payload()) == server.received[0].members
    assert binary == over(shared).call(GET)


def test_replies_come_as_they_were_sent(server: FaultServer, shared: Transport) -> None:
    """
    Status, headers and the very bytes, before botocore has read them.
    """
    server.tell("good", "truncated", "html", "413")

    good, truncated, html, large = (shared.send("GetItem", GET.payload(), 1) for _ in range(4))

    assert {"Item": ITEM} == json.loads(good.body)
    assert good.headers["x-amz-crc32"]
    assert good.body[: len(good.body) // 2] == truncated.body
    assert (200, b"<html>") == (html.status, html.body[:6])
    assert (413, b"") == (large.status, large.body)


LOST = {
    *(
        "html",
        "json of others",
        "ok true",
        "list",
        "not utf-8",
        "deep",
        "empty",
        "500",
        "500 page",
        "500 empty",
    ),
    *("503", "503 page", "wrong crc", "truncated", "no request id", "500 after"),
    *("reset before", "reset after", "close before", "half", "half of the headers", "late", "late and done"),
}
NOT_DONE = {
    *("400 page", "400 list", "404 page", "429", "redirect", "redirect 307"),
    *("throughput exceeded", "throttling", "request limit"),
}
FINAL = {"413": "InvalidRequest", "expired token": "AccessRefused", "invalid": "InvalidRequest"}


def test_all_answers_are_known_here() -> None:
    """
    Whatever the server can be told is in one of the sets above.
    """
    assert set(ANSWERS) == LOST | NOT_DONE | set(FINAL) | {"good", "no crc"}


@pytest.mark.parametrize("answer", sorted(LOST | NOT_DONE))
def test_a_read_gets_over_it(answer: str, server: FaultServer, shared: Transport) -> None:
    """
    One request for each attempt, and at last the item.
    """
    server.tell(answer)
    connection = over(shared)

    item = connection.call(GET)

    assert ITEM == item
    assert 2 == len(server.received) == connection.requests["GetItem"]


@pytest.mark.parametrize("answer", sorted(LOST))
def test_a_counter_is_not_sent_again(answer: str, server: FaultServer, shared: Transport) -> None:
    """
    One request, OutcomeUnknown, and the counter has counted once or not at all.
    """
    server.tell(answer)

    with pytest.raises(OutcomeUnknown):
        over(shared).call(COUNT)

    assert 1 == len(server.received)
    server.release.set()
    assert item_in(over(shared))["n"] in ({"N": "1"}, {"N": "2"})


@pytest.mark.parametrize("answer", sorted(NOT_DONE))
def test_a_counter_that_was_not_counted_is_sent_again(
    answer: str, server: FaultServer, shared: Transport
) -> None:
    """
    And counts once.
    """
    server.tell(answer)

    counted: Any = over(shared).call(COUNT)

    assert {"N": "2"} == counted["n"]
    assert 2 == len(server.received)


@pytest.mark.parametrize("answer", FINAL)
def test_what_is_final_is_raised(answer: str, server: FaultServer, shared: Transport) -> None:
    """
    After one request.
    """
    server.tell(answer)

    with pytest.raises(DynamoException) as caught:
        over(shared).call(PUT)

    assert FINAL[answer] == type(caught.value).__name__
    assert 1 == len(server.received)


@pytest.mark.parametrize(
    "answer", ["html", "json of others", "ok true", "no request id", "empty", "redirect", "404 page"]
)
def test_a_portal_is_never_absent_nor_stored(answer: str, server: FaultServer, shared: Transport) -> None:
    """
    However often it answers.
    """
    connection = over(shared)
    batch = BatchGetItem("things", [KEY])
    operations: tuple[Any, ...] = (
        GET,
        PUT,
        DeleteItem("things", KEY, return_old=True),
        Scan(table="things"),
        batch,
        ListTables(),
    )
    for operation in operations:
        server.tell(*[answer] * 10)
        with pytest.raises((NotDynamoDBReply, OutcomeUnknown)):
            connection.call(operation)
        assert 4 == len(server.received)


def test_a_reply_without_checksum_is_good(server: FaultServer, shared: Transport) -> None:
    """
    Alternator sends none.
    """
    server.tell("no crc")

    assert ITEM == over(shared).call(GET)


def test_throttles_end_at_the_deadline_with_one_request_each(server: FaultServer, shared: Transport) -> None:
    """
    There is one layer of retries.
    """
    clock = VirtualClock()
    server.tell(*["throttling"] * 100)
    connection = over(shared, clock)

    with pytest.raises(ThrottledError):
        connection.call(GET)

    assert 5 < len(server.received) == connection.requests["GetItem"] == len(clock.slept) + 1


@pytest.mark.parametrize("mode", ["legacy", "standard", "adaptive"])
def test_boto_itself_never_retries(mode: str, server: FaultServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Whatever the environment, a profile or the user's own config say.
    """
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "7")
    monkeypatch.setenv("AWS_RETRY_MODE", mode)
    monkeypatch.setenv("AWS_NEW_RETRIES_2026", "true")
    retries: Any = {"max_attempts": 5, "mode": mode}
    transport = boto_transport(settings(server, config=Config(retries=retries)))
    try:
        for answer in ("500", "throttling", "wrong crc", "reset before", "throughput exceeded", "503 page"):
            server.tell(*[answer] * 10)
            with pytest.raises((OutcomeUnknown, ThrottledError)):
                Connection(transport, RetryPolicy(deadline_seconds=0.0)).call(COUNT)
            assert 1 == len(server.received), answer
        assert not transport.retries_by_itself
    finally:
        transport.close()


def test_nobody_listens() -> None:
    """
    The request was certainly not sent, so even a counter is tried again.
    """
    transport = boto_transport(
        AwsSettings("us-east-1", "http://127.0.0.1:1", session_arguments=CREDENTIALS, timeout_seconds=0.2)
    )
    connection = over(transport)

    with pytest.raises(TransportError) as caught:
        connection.call(COUNT)
    transport.close()

    assert not caught.value.sent
    assert 5 < connection.requests["UpdateItem"]


def test_no_tls_where_it_is_expected(server: FaultServer) -> None:
    """
    The connection is not made, so nothing was sent.
    """
    url = server.url.replace("http://", "https://")
    transport = boto_transport(AwsSettings("us-east-1", url, session_arguments=CREDENTIALS))

    with pytest.raises(TransportError, match="SSL") as caught:
        transport.send("UpdateItem", COUNT.payload(), 1)
    transport.close()

    assert not caught.value.sent


def test_threads_get_their_own_replies(server: FaultServer, shared: Transport) -> None:
    """
    The raw reply is kept for the thread that waits for it.
    """
    for n in range(8):
        over(shared).call(PutItem("things", {"id": {"S": str(n)}}))
    wrong = []

    def work(n: int) -> None:
        key = {"id": {"S": str(n)}}
        connection = over(shared)
        for _ in range(20):
            if connection.call(GetItem("things", key)) != key:
                wrong.append(n)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [] == wrong


# --- clients of the user --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("retries", "expected"),
    [
        (None, True),
        ({"mode": "standard"}, True),
        ({"max_attempts": 3}, True),
        ({"max_attempts": 0}, False),
        ({"total_max_attempts": 1}, False),
        ({"total_max_attempts": 1, "mode": "standard"}, False),
        ({"total_max_attempts": 2}, True),
    ],
)
def test_whether_a_client_retries(retries: Any, expected: bool, server: FaultServer) -> None:
    """
    Its configuration tells; what tells nothing may retry.
    """
    client = client_of(server) if retries is None else client_of(server, retries=retries)

    assert expected is client_retries(client)
    client.close()


def test_whether_others_retry() -> None:
    """
    Objects that are not botocore's are taken to retry.
    """

    class Meta:
        config = None

    class Client:
        meta = Meta()

    assert client_retries(object())
    assert client_retries(Client())


def test_a_retrying_client_counts_once(server: FaultServer) -> None:
    """
    A counter is a transaction there, whose repeats by the client carry one token.
    """
    client = client_of(server, retries={"total_max_attempts": 4, "mode": "standard"})
    transport = boto_transport(AwsSettings(client=client))
    server.tell("reset after", "500 after")

    counted: Any = over(transport).call(COUNT)
    client.close()

    assert transport.retries_by_itself
    assert {"N": "2"} == counted["n"]
    writes = [r.members["ClientRequestToken"] for r in server.received if r.operation == "TransactWriteItems"]
    assert 3 == len(writes)
    assert 1 == len(set(writes))


def test_a_retrying_client_gives_its_last_reply(server: FaultServer) -> None:
    """
    Not one that it has thrown away.
    """
    client = client_of(server, retries={"total_max_attempts": 2, "mode": "standard"})
    transport = boto_transport(AwsSettings(client=client))

    server.tell("500", "good")
    assert ITEM == over(transport).call(GET)
    server.tell("500", "reset before", "good")
    with pytest.raises(TransportError, match="ConnectionClosedError"):
        transport.send("GetItem", GET.payload(), 1)
    client.close()


def test_a_client_of_the_user_stays_open(server: FaultServer) -> None:
    """
    It is not ours to close; our own is closed, and says so.
    """
    client = client_of(server, retries={"total_max_attempts": 1})
    closed: list[bool] = []
    client.close, close = lambda: closed.append(True), client.close
    theirs, ours = boto_transport(AwsSettings(client=client)), boto_transport(settings(server))
    for transport in (theirs, ours):
        assert ITEM == over(transport).call(GET)
        transport.close()
        transport.close()

    assert [] == closed
    assert "things" in client.list_tables()["TableNames"]
    close()
    with pytest.raises(TransportError, match="closed") as caught:
        over(ours).call(COUNT)
    assert not caught.value.sent


def test_two_transports_share_a_client(server: FaultServer) -> None:
    """
    Both see raw replies, and one that is closed does not take the other with it.
    """
    client = client_of(server, retries={"total_max_attempts": 1})
    first, second = (boto_transport(AwsSettings(client=client)) for _ in range(2))
    for transport in (first, second):
        server.tell("html")
        assert b"<html>" == transport.send("GetItem", GET.payload(), 1).body[:6]

    first.close()
    server.tell("html")
    assert b"<html>" == second.send("GetItem", GET.payload(), 1).body[:6]
    second.close()
    client.close()


class Stub:
    """A client that is not botocore's."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.parameters: list[Any] = []

    def get_item(self, **parameters: Any) -> Any:
        """Answer, or raise the answer."""
        self.parameters.append(parameters)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    put_item = update_item = transact_write_items = get_item


def test_a_stub_gives_results_as_boto_does() -> None:
    """
    With binaries as bytes, with or without metadata.
    """
    stored = {**KEY, "b": {"B": b"\x00\xff"}, "bs": {"BS": [b"a"]}, "flag": {"BOOL": True}}
    stub = Stub({"Item": stored, "ResponseMetadata": {"HTTPStatusCode": 200}})
    connection = over(BotoTransport(lambda: stub, retries_by_itself=False))

    assert {**KEY, "b": {"B": "AP8="}, "bs": {"BS": ["YQ=="]}, "flag": {"BOOL": True}} == connection.call(GET)
    assert [{"TableName": "things", "Key": KEY}] == stub.parameters
    stub.answer = {}
    assert connection.call(GET) is None


@pytest.mark.parametrize(
    "metadata", [{}, {"ResponseMetadata": {"HTTPStatusCode": 400}}, {"ResponseMetadata": {"RequestId": "1"}}]
)
def test_a_stub_raises_errors_as_boto_does(metadata: Any) -> None:
    """
    Code, message, the stored item, the reasons of a transaction.
    """

    def raised(code: str, **members: Any) -> DynamoException:
        error: Any = {"Error": {"Code": code, "Message": "why"}, **metadata, **members}
        stub = Stub(ClientError(error, "PutItem"))
        try:
            over(BotoTransport(lambda: stub, retries_by_itself=False)).call(PUT)
        except DynamoException as caught:
            return caught
        raise AssertionError("nothing was raised")

    assert isinstance(raised("ValidationException"), InvalidRequest)
    assert isinstance(raised("ThrottlingException"), ThrottledError)
    assert isinstance(raised("InternalServerError"), OutcomeUnknown)
    failed = raised("ConditionalCheckFailedException", Item=ITEM)
    assert ITEM == failed.item  # type: ignore[attr-defined]
    cancelled = raised(
        "TransactionCanceledException", CancellationReasons=[{"Code": "ConditionalCheckFailed"}]
    )
    assert isinstance(cancelled, TransactionCancelled)
    assert ["ConditionalCheckFailed"] == [reason.code for reason in cancelled.reasons]


@pytest.mark.parametrize(
    "answer",
    [None, 5, "ok", [], {"ok": True}, {"Item": {"a": object()}}, {"Item": None}],
    ids=map(str, range(7)),
)
def test_what_a_stub_should_not_return(answer: Any) -> None:
    """
    It is judged as any reply that is not DynamoDB's.
    """
    with pytest.raises(NotDynamoDBReply):
        over(BotoTransport(lambda: Stub(answer), retries_by_itself=False)).call(GET)


def test_what_a_stub_may_raise() -> None:
    """
    An OSError may pass; anything else is a fault of the client, and its own exception the cause.
    """
    broken = Stub(OSError("broken pipe"))
    with pytest.raises(TransportError, match="broken pipe") as caught:
        over(BotoTransport(lambda: broken, retries_by_itself=False)).call(GET)
    assert caught.value.sent
    assert len(broken.parameters) > 1

    odd = Stub(RuntimeError("odd"))
    with pytest.raises(TransportError, match="failed with RuntimeError") as caught:
        over(BotoTransport(lambda: odd, retries_by_itself=False)).call(GET)
    assert 1 == len(odd.parameters)
    assert isinstance(caught.value.__cause__, RuntimeError)
    with pytest.raises(OutcomeUnknown):
        over(BotoTransport(lambda: odd, retries_by_itself=False)).call(PUT)


def test_a_stub_that_lacks_an_operation() -> None:
    """
    Said at once; nothing was sent.
    """
    stub = BotoTransport(lambda: Stub({}), retries_by_itself=True)

    with pytest.raises(TransportError, match="the client has no delete_item") as caught:
        over(stub).call(DeleteItem("things", KEY))

    assert not caught.value.sent


# --- settings -------------------------------------------------------------------------------


def test_no_credentials_and_no_region(server: FaultServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Said at once: nothing was sent, and trying again does not help.
    """
    for name in list(os.environ):
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    without = (
        AwsSettings("us-east-1", server.url),
        AwsSettings(None, server.url, session_arguments=CREDENTIALS),
        AwsSettings("us-east-1", server.url, session_arguments={"profile_name": "nobody"}),
    )
    for given in without:
        transport = boto_transport(given)
        with pytest.raises(TransportError) as caught:
            over(transport).call(COUNT)
        transport.close()
        assert not caught.value.sent
        assert not caught.value.can_retry
    assert [] == server.received


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://db.example.com", "without encryption"),
        ("http://10.0.0.5:8000", "without encryption"),
        ("http://localhost.example.com", "without encryption"),
        ("https://me:sentinel@db.example.com", "no user and password"),
        ("http://me:sentinel@localhost:8000", "no user and password"),
        ("localhost:8000", "an endpoint is a URL"),
        ("ftp://localhost", "an endpoint is a URL"),
        ("http://", "an endpoint is a URL"),
        ("https://", "an endpoint is a URL"),
        ("http://[::1", "an endpoint is a URL"),
        ("http://localhost:99999", "an endpoint is a URL"),
        ("", "an endpoint is a URL"),
    ],
)
def test_endpoints_that_cannot_be_meant(url: str, words: str) -> None:
    """
    Refused before anything is made; what may be a password is not shown.
    """
    with pytest.raises(DynamoException, match=words) as caught:
        AwsSettings(endpoint_url=url)

    assert "sentinel" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["http://localhost:1", "http://127.0.0.1", "http://[::1]:8", "http://x.localhost"]
)
def test_endpoints_on_this_machine_need_no_encryption(url: str) -> None:
    """
    Nor do others where it is asked for.
    """
    assert is_loopback(url)
    AwsSettings(endpoint_url=url)
    AwsSettings(endpoint_url="http://db.example.com", allow_plaintext=True)
    AwsSettings(endpoint_url="https://db.example.com")
    assert not is_loopback("https://db.example.com")
    assert not is_loopback(None)


def test_an_endpoint_of_the_environment_is_checked_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Before the first request goes there.
    """
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", "http://db.example.com")
    transport = boto_transport(AwsSettings("us-east-1", session_arguments=CREDENTIALS))

    with pytest.raises(DynamoException, match="without encryption"):
        over(transport).call(GET)


def test_what_contradicts_itself(server: FaultServer) -> None:
    """
    A client, a session or credentials; and a resource is no client.
    """
    session = boto3.session.Session(**CREDENTIALS, region_name="us-east-1")
    client = session.client("dynamodb", endpoint_url=server.url)
    with pytest.raises(DynamoException, match="not several"):
        AwsSettings(client=client, session=session)
    with pytest.raises(DynamoException, match="not several"):
        AwsSettings(session=session, session_arguments=CREDENTIALS)
    with pytest.raises(DynamoException, match=r"such as boto3\.client"):
        AwsSettings(client=session.resource("dynamodb", endpoint_url=server.url))
    client.close()


def test_a_session_of_the_user(server: FaultServer) -> None:
    """
    Its credentials sign the requests.
    """
    session = boto3.session.Session(**CREDENTIALS, region_name="eu-north-1")
    transport = boto_transport(AwsSettings(endpoint_url=server.url, session=session))

    assert ITEM == over(transport).call(GET)
    transport.close()

    assert f"Credential={KEY_ID}/" in server.received[0].headers["authorization"]
    assert "/eu-north-1/" in server.received[0].headers["authorization"]


def test_the_resource_is_at_the_same_place(server: FaultServer) -> None:
    """
    With the same credentials, or where a given client is.
    """
    client = client_of(server)
    for given in (settings(server), AwsSettings(client=client)):
        table = boto_resource(given).Table("things")
        assert server.url == table.meta.client.meta.endpoint_url
        table.meta.client.close()
    client.close()


def test_local_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Of arguments, of the environment, or DynamoDB Local's own.
    """
    monkeypatch.delenv("DYNAMODB_HOST", raising=False)
    monkeypatch.delenv("DYNAMODB_PORT", raising=False)
    assert "http://localhost:8000" == local_settings(None, None)[0]
    assert "http://h:5" == local_settings("h", 5)[0]
    monkeypatch.setenv("DYNAMODB_HOST", "127.0.0.1")
    monkeypatch.setenv("DYNAMODB_PORT", "7")
    assert "http://127.0.0.1:7" == local_settings(None, None)[0]


# --- secrets --------------------------------------------------------------------------------


def chain(error: BaseException | None) -> Iterator[str]:
    """Yield all that an exception and those behind it show."""
    while error is not None:
        yield f"{error} {error!r} {error.args!r} {getattr(error, '__notes__', ())!r}"
        yield from chain(error.__cause__)
        error = error.__context__


def check_no_secrets(text: str) -> None:
    """Check that no credentials and no value are in a text."""
    for secret in (KEY_ID, SECRET, TOKEN, VALUE):
        assert secret not in text


@pytest.mark.parametrize("answer", sorted(LOST | NOT_DONE | set(FINAL)))
def test_errors_show_no_credentials_and_no_values(
    answer: str, server: FaultServer, shared: Transport, caplog: pytest.LogCaptureFixture
) -> None:
    """
    Neither do their causes, contexts and notes, nor our loggers.
    """
    caplog.set_level(logging.DEBUG)
    update = UpdateItem(
        "things",
        KEY,
        Update(sets=(Set(Path.of("text"), Value({"S": VALUE})),)),
        AttributeNotExists(Path.of("x")),
    )
    operations: tuple[Any, ...] = (PUT, update, TransactWriteItems((PUT,), "token"), GET)
    for operation in operations:
        server.tell(answer)
        with pytest.raises(DynamoException) as caught:
            Connection(shared, RetryPolicy(deadline_seconds=0.0)).call(operation)
        check_no_secrets(" ".join(chain(caught.value)))
        check_no_secrets(repr(operation))
        server.release.set()
    ours = [record for record in caplog.records if record.name.startswith("dynamo_objects")]
    check_no_secrets(" ".join(record.getMessage() for record in ours))


def test_a_key_with_a_line_break_is_not_shown(server: FaultServer) -> None:
    """
    A common slip with files: no header can hold it, and the error of whoever tries quotes it.
    """
    for name in CREDENTIALS:
        credentials = {**CREDENTIALS, name: f"{CREDENTIALS[name]}\n"}
        transport = boto_transport(settings(server, session_arguments=credentials))
        connection = Connection(transport, RetryPolicy(deadline_seconds=0.0))
        try:
            connection.call(GET)
        except DynamoException as error:
            check_no_secrets(" ".join(chain(error)))
        transport.close()


def test_a_client_that_checks_parameters_shows_no_values(server: FaultServer) -> None:
    """
    botocore's own check quotes what it refuses.
    """
    client = client_of(server, retries={"total_max_attempts": 1})
    transport = boto_transport(AwsSettings(client=client))
    wrong = PutItem("things", {"id": {"S": "k1"}, "n": {"N": [VALUE]}})

    with pytest.raises(TransportError, match="ParamValidationError") as caught:
        over(transport).call(wrong)
    client.close()

    assert not caught.value.sent
    check_no_secrets(" ".join(chain(caught.value)))


def test_reprs_show_no_secrets(server: FaultServer, shared: Transport) -> None:
    """
    Settings, transports, connections.
    """
    given = settings(server)

    check_no_secrets(
        f"{given!r} {shared!r} {over(shared)!r} {AwsSettings(session=boto3.session.Session(**CREDENTIALS))!r}"
    )


# --- fork -----------------------------------------------------------------------------------


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is nothing to test without fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.parametrize("is_given", [False, True], ids=["our client", "a client of the user"])
def test_children_get_connections_of_their_own(is_given: bool, server: FaultServer) -> None:
    """
    Parent and children that share a socket would read each other's replies.
    """
    client = client_of(server, retries={"total_max_attempts": 1}) if is_given else None
    transport = boto_transport(AwsSettings(client=client) if is_given else settings(server))
    connection = Connection(transport, RetryPolicy(deadline_seconds=0.0))
    for n in range(4):
        connection.call(PutItem("things", {"id": {"S": str(n)}}))
    server.tell()

    def is_right(n: int) -> bool:
        key = {"id": {"S": str(n)}}
        return all(connection.call(GetItem("things", key)) == key for _ in range(40))

    children = []
    for n in range(3):
        pid = os.fork()
        if not pid:
            threading.Timer(20, os._exit, (3,)).start()
            try:
                os._exit(0 if is_right(n) else 1)
            except BaseException:
                os._exit(2)
        children.append(pid)
    mine = is_right(3)
    codes = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children]
    transport.close()
    if client is not None:
        client.close()

    assert mine
    assert [0, 0, 0] == codes
    assert 160 == len(server.received)
    assert 4 == len({request.peer for request in server.received})


# --- a server behind the server -------------------------------------------------------------


def test_faults_before_a_real_server(service: DictService, server: FaultServer) -> None:
    """
    The server that misbehaves passes good requests on to another one.
    """
    with FaultServer(server.url) as outer:
        transport = boto_transport(settings(outer))
        outer.tell("throttling", "reset before", "good")
        item = over(transport).call(GET)
        passed_on = len(server.received)
        server.tell("invalid")
        with pytest.raises(InvalidRequest):
            over(transport).call(PUT)
        transport.close()

    assert ITEM == item
    assert 1 == passed_on


# --- moto -----------------------------------------------------------------------------------


def test_all_operations_on_moto() -> None:
    """
    Through botocore's own hooks, with real replies.
    """
    with mock_aws():
        transport = boto_transport(AwsSettings("us-east-1", session_arguments=CREDENTIALS))
        connection = over(transport)
        created = connection.call(CREATE)
        binary: dict[str, Any] = {**KEY, "b": {"B": "AAH/"}, "bs": {"BS": ["AA=="]}, "n": {"N": "1"}}

        assert "things" == created.name
        assert connection.call(DescribeTable("things")).is_active
        assert connection.call(GET) is None
        assert connection.call(PutItem("things", binary)) is None
        assert binary == connection.call(GET)
        counted: Any = connection.call(COUNT)
        assert {"N": "2"} == counted["n"]
        is_k1 = Compare("=", Path.of("id"), Value({"S": "k1"}))
        assert 1 == connection.call(Query(table="things", key_condition=is_k1)).count
        assert 1 == connection.call(Scan(table="things", count_only=True)).count
        writes = [Write("things", {"id": {"S": str(n)}}, {"id": {"S": str(n)}}) for n in range(30)]
        connection.run(write_batches(writes, 5))
        keys = [write.key for write in writes] + [{"id": {"S": "absent"}}]
        answered = list(connection.stream(read_batches(BatchGetItem("things", keys), 5)))
        assert [(30, 1)] == [(len(event.items), len(event.absent)) for event in answered]
        assert connection.call(TransactWriteItems((PutItem("things", {"id": {"S": "tx"}}),), "token")) is None
        assert [{"id": {"S": "tx"}}] == connection.call(
            TransactGetItems((GetItem("things", {"id": {"S": "tx"}}),))
        )
        with pytest.raises(TransactionCancelled):
            connection.call(
                TransactWriteItems((PutItem("things", ITEM, AttributeNotExists(Path.of("id"))),), "t2")
            )
        with pytest.raises(DynamoException) as caught:
            connection.call(PutItem("things", ITEM, AttributeNotExists(Path.of("id"))))
        assert {"N": "2"} == caught.value.item["n"]  # type: ignore[attr-defined]
        old = connection.call(DeleteItem("things", KEY, return_old=True))
        assert old is not None
        assert connection.call(DeleteItem("things", KEY, return_old=True)) is None
        assert ["things"] == connection.call(ListTables()).names
        transport.close()
    assert not issubclass(ItemNotFound, NotDynamoDBReply)
