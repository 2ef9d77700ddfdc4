"""What a user has configured in boto3 holds for the native transports; what is unusual is left to boto3."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from email.utils import formatdate
from typing import Any
from urllib.parse import urlsplit

import boto3
import botocore
import botocore.exceptions
import botocore.session
import pytest
from botocore.awsrequest import AWSResponse
from botocore.client import BaseClient
from botocore.config import Config
from botocore.credentials import Credentials
from moto import mock_aws

from dynamo_objects import DynamoRecord, DynamoTable, HashKey
from dynamo_objects.connection.aws import AwsSettings
from dynamo_objects.connection.boto import BotoTransport
from dynamo_objects.connection.native import NativeTransport, chosen_transport
from dynamo_objects.database import DynamoDatabase
from dynamo_objects.errors import DynamoException, TransportError
from tests.wireservers import RawServer

CREDENTIALS: dict[str, Any] = {
    "aws_access_key_id": "AKIASENTINEL",
    "aws_secret_access_key": "sentinel-secret",
}
PAYLOAD = b'{"TableName":"things","Key":{"id":{"S":"k1"}}}'
REGION = "eu-north-1"

kinds = pytest.mark.parametrize("kind", ["urllib3", "curl"])


class Seen:
    """A handler of before-send that notes requests and answers."""

    def __init__(self) -> None:
        self.requests: list[Any] = []
        self.replies: list[tuple[int, dict[str, str], bytes]] = []

    def __call__(self, request: Any, **_: Any) -> AWSResponse:
        """Answer as told, or well."""
        self.requests.append(request)
        status, headers, body = self.replies.pop(0) if self.replies else (200, {}, b"{}")
        return AWSResponse(request.url, status, headers, _Raw(body))  # type: ignore[arg-type]

    def header(self, name: str, index: int = -1) -> str:
        """Return a header of a request."""
        value = self.requests[index].headers[name]
        return value.decode() if isinstance(value, bytes) else value


class _Raw:
    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self, *_: Any, **__: Any) -> Iterator[bytes]:
        """Yield the body."""
        yield self._body


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> boto3.session.Session:
    """A session that the environment does not touch."""
    for name in ("AWS_PROFILE", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, "/nonexistent") if name != "AWS_PROFILE" else monkeypatch.delenv(name, False)
    return boto3.session.Session(**CREDENTIALS, region_name=REGION)


@pytest.fixture
def seen(session: Any) -> Seen:
    """What the session's handler sees."""
    handler = Seen()
    session.events.register("before-send.dynamodb", handler)
    return handler


@pytest.fixture
def opened() -> Iterator[Callable[..., NativeTransport]]:
    """Makes native transports."""
    made: list[NativeTransport] = []

    def make(kind: str, **options: Any) -> NativeTransport:
        if kind == "curl":
            pytest.importorskip("pycurl")
        transport = chosen_transport(AwsSettings(**options), kind)
        assert isinstance(transport, NativeTransport)
        made.append(transport)
        return transport

    yield make
    for transport in made:
        transport.close()


Opened = Callable[..., NativeTransport]


def get(transport: Any) -> Any:
    """Get an item."""
    return transport.send("GetItem", PAYLOAD, 5.0)


# --- places -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("environment", "config", "host"),
    [
        ({}, {}, "dynamodb.eu-north-1.amazonaws.com"),
        ({}, {"region_name": "us-gov-west-1"}, "dynamodb.us-gov-west-1.amazonaws.com"),
        ({}, {"use_fips_endpoint": True}, "dynamodb-fips.eu-north-1.amazonaws.com"),
        ({"AWS_USE_DUALSTACK_ENDPOINT": "true"}, {}, "dynamodb.eu-north-1.api.aws"),
        ({"AWS_ENDPOINT_URL_DYNAMODB": "https://db.example.com:1234/at"}, {}, "db.example.com:1234"),
        ({"AWS_ENDPOINT_URL": "http://[::1]:8000"}, {}, "[::1]:8000"),
    ],
)
def test_endpoints_are_those_of_botocore(
    environment: dict[str, str], config: dict[str, Any], host: str,
    session: Any, seen: Seen, opened: Opened, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """
    Of the region, the variants, the environment; boto3 sends the same to the same place.
    """
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    transport = opened("urllib3", session=session, config=Config(**config))

    assert 200 == get(transport).status
    assert "" == transport.falls_back
    theirs = session.client("dynamodb", config=Config(**config))
    theirs.get_item(TableName="things", Key={"id": {"S": "k1"}})

    ours, boto = seen.requests
    assert host == urlsplit(ours.url).netloc
    assert boto.url == ours.url
    assert boto.method == ours.method
    same = ("Content-Type", "X-Amz-Target")
    assert [seen.header(name, 1) for name in same] == [seen.header(name, 0) for name in same]
    credential, _, _ = seen.header("Authorization", 0).partition(", Signature")
    assert seen.header("Authorization", 1).startswith(credential)


def test_an_endpoint_may_depend_on_the_account(session: Any, seen: Seen, opened: Opened) -> None:
    """
    Of the credentials, which may become others.
    """
    session._session._credentials = Credentials("id", "secret", account_id="123456789012")
    transport = opened("urllib3", session=session)
    get(transport)
    transport.client._request_signer._credentials.account_id = "210987654321"
    get(transport)

    found = [request.url for request in seen.requests]
    assert [f"https://{n}.ddb.eu-north-1.amazonaws.com/" for n in ("123456789012", "210987654321")] == found


def test_timeouts_of_the_configuration(session: Any, seen: Seen, opened: Opened) -> None:
    """
    They go before ours.
    """
    config = Config(connect_timeout=1.5, read_timeout=7, max_pool_connections=3, tcp_keepalive=True)
    given, ours = opened("urllib3", session=session, config=config), opened("urllib3", session=session)
    routes = [transport._opened().route for transport in (given, ours)]

    assert [(1.5, 7.0, 3), (5.0, None, 16)] == [
        (route.connect_seconds, route.read_seconds, route.max_connections) for route in routes
    ]
    assert len(routes[0].socket_options) > len(routes[1].socket_options)


# --- credentials ------------------------------------------------------------------------------


def test_credentials_are_looked_at_for_each_request(session: Any, seen: Seen, opened: Opened) -> None:
    """
    New ones sign the next request, with their session token.
    """
    transport = opened("urllib3", session=session)
    get(transport)
    credentials = transport.client._request_signer._credentials
    credentials.access_key, credentials.token = "OTHER", "its-token"
    get(transport)

    assert "Credential=AKIASENTINEL/" in seen.header("Authorization", 0)
    assert "Credential=OTHER/" in seen.header("Authorization", 1)
    assert "X-Amz-Security-Token" not in seen.requests[0].headers
    assert "its-token" == seen.header("X-Amz-Security-Token", 1)


@kinds
def test_without_credentials(kind: str, opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Said at once: nothing was sent, and trying again does not help.
    """
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, "/nonexistent")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(TransportError, match="Unable to locate credentials") as caught:
        get(opened(kind, region_name=REGION))

    assert not caught.value.sent
    assert not caught.value.can_retry


def test_credentials_that_cannot_be_renewed(session: Any, seen: Seen, opened: Opened) -> None:
    """
    The request is not sent.
    """
    transport = opened("urllib3", session=session)
    get(transport)

    def fail() -> Any:
        raise botocore.exceptions.CredentialRetrievalError(provider="sso", error_msg="log in again")

    state = transport._state
    assert state is not None
    state.credentials = fail
    with pytest.raises(TransportError, match="log in again") as caught:
        get(transport)

    assert not caught.value.sent
    assert 1 == len(seen.requests)


# --- the clock --------------------------------------------------------------------------------


def refusal(code: str, date: str) -> tuple[int, dict[str, str], bytes]:
    """Return a refusal of a request."""
    body = json.dumps({"__type": f"com.amazon.coral.service#{code}", "message": "Signature expired"})
    return 400, {"Date": date}, body.encode()


@pytest.mark.parametrize("code", ["InvalidSignatureException", "RequestTimeTooSkewed", "RequestExpired"])
def test_a_wrong_clock_is_put_right(code: str, session: Any, seen: Seen, opened: Opened) -> None:
    """
    From the Date of the refusal, for that request and the next ones.
    """
    theirs = formatdate(time.time() + 7200, usegmt=True)
    seen.replies = [refusal(code, theirs)]
    transport = opened("urllib3", session=session)
    statuses = [get(transport).status for _ in range(2)]

    hours = [int(seen.header("X-Amz-Date", index)[9:11]) for index in range(3)]
    assert [200, 200] == statuses
    assert [2, 2] == [(hour - hours[0]) % 24 for hour in hours[1:]]


@pytest.mark.parametrize(
    ("code", "date"),
    [
        ("InvalidSignatureException", lambda: formatdate(usegmt=True)),
        ("InvalidSignatureException", lambda: "soon"),
        ("ValidationException", lambda: formatdate(0, usegmt=True)),
    ],
    ids=["right", "no date", "other"],
)
def test_other_refusals_are_passed_on(
    code: str, date: Callable[[], str], session: Any, seen: Seen, opened: Opened
) -> None:
    """
    After one request: the clock is right, or has nothing to do with it.
    """
    seen.replies = [refusal(code, date())]
    reply = get(opened("urllib3", session=session))

    assert 400 == reply.status
    assert 1 == len(seen.requests)


# --- handlers ---------------------------------------------------------------------------------


@kinds
def test_handlers_that_look_on_or_change_requests(kind: str, session: Any, opened: Opened) -> None:
    """
    What they add is sent.
    """

    def add(request: Any, **_: Any) -> None:
        request.headers["X-Trace"] = "sentinel"

    session.events.register("before-send.dynamodb.GetItem", add)
    with RawServer() as server:
        transport = opened(kind, session=session, endpoint_url=server.url)
        reply = get(transport)

    assert (200, b'{"Item"') == (reply.status, reply.body[:7])
    assert "" == transport.falls_back
    assert b"X-Trace: sentinel" in server.heads[0]
    assert b"Authorization: AWS4" in server.heads[0]
    assert [PAYLOAD] == server.bodies


@kinds
def test_handlers_that_fail(kind: str, session: Any, opened: Opened) -> None:
    """
    What they have done is not known.
    """

    def fail(**_: Any) -> None:
        raise RuntimeError("odd")

    session.events.register("before-send.dynamodb.GetItem", fail)
    with RawServer() as server, pytest.raises(TransportError, match="RuntimeError") as caught:
        get(opened(kind, session=session, endpoint_url=server.url))

    assert caught.value.sent
    assert [] == server.heads


@pytest.mark.parametrize(
    "event", ["before-sign", "request-created", "before-call", "choose-signer", "needs-retry", "before-parse"]
)
def test_handlers_elsewhere_are_left_to_boto3(event: str, session: Any, opened: Opened) -> None:
    """
    It calls them as ever.
    """
    called: list[str] = []

    def note(**_: Any) -> None:
        called.append(event)

    session.events.register(f"{event}.dynamodb", note)
    with RawServer() as server:
        transport = opened("urllib3", session=session, endpoint_url=server.url)
        assert "note" not in transport.falls_back or event in transport.falls_back
        assert event in transport.falls_back
        assert 200 == get(transport).status

    assert [event] == called
    assert 1 == len(server.heads)


@pytest.mark.parametrize(
    "config",
    [{"signature_version": botocore.UNSIGNED}, {"proxies": {"http": "http://127.0.0.1:1"}}],
    ids=["unsigned", "proxy"],
)
def test_unusual_configurations_are_left_to_boto3(config: Any, session: Any, opened: Opened) -> None:
    """
    Nothing is guessed.
    """
    with RawServer() as server:
        transport = opened("urllib3", session=session, endpoint_url=server.url, config=Config(**config))

        assert transport.falls_back


def test_methods_that_were_replaced_are_called(
    session: Any, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Tracing libraries wrap methods of botocore, at any time.
    """
    called: list[str] = []
    original: Any = BaseClient._make_api_call  # type: ignore[attr-defined]

    def wrapper(self: Any, name: str, parameters: Any) -> Any:
        called.append(name)
        return original(self, name, parameters)

    with RawServer() as server:
        transport = opened("urllib3", session=session, endpoint_url=server.url)
        get(transport)
        with monkeypatch.context() as patch:
            patch.setattr(BaseClient, "_make_api_call", wrapper)
            get(transport)
        get(transport)
        transport = opened("urllib3", session=session, endpoint_url=server.url)
        with monkeypatch.context() as patch:
            patch.setattr(BaseClient, "_make_api_call", wrapper)
            get(transport)
            assert "replaced" in transport.falls_back
        assert "" == transport.falls_back

    assert ["GetItem", "GetItem"] == called
    assert 4 == len(server.heads)


def test_credentials_that_no_header_can_hold(session: Any, seen: Seen, opened: Opened) -> None:
    """
    A line break in a token would begin another header.
    """
    transport = opened("urllib3", session=session)
    get(transport)
    transport.client._request_signer._credentials.token = "token\r\nX-Odd: 1"
    with pytest.raises(TransportError, match="cannot stand in a header") as caught:
        get(transport)

    assert "token" not in str(caught.value)
    assert not caught.value.can_retry


def test_lambda_functions_are_traced(
    session: Any, seen: Seen, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    AWS notices functions that call themselves by a header, other for each call.
    """
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "f")
    transport = opened("urllib3", session=session)
    for trace in ("Root=1;é", "Root=2"):
        monkeypatch.setenv("_X_AMZN_TRACE_ID", trace)
        get(transport)

    assert ["Root=1;%C3%A9", "Root=2"] == [seen.header("X-Amzn-Trace-Id", index) for index in range(2)]


# --- choosing ---------------------------------------------------------------------------------


class Thing(DynamoRecord):
    """What is stored."""

    id: str = ""


class RoutedThings(DynamoTable[Thing]):
    """Where it is stored."""

    table_name = "routed_things"
    schema = [HashKey("id")]


@pytest.mark.parametrize("kind", ["boto3", "urllib3", "curl", None])
def test_moto_works_around_tables(kind: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    With no special setting, on any transport.
    """
    if kind == "curl":
        pytest.importorskip("pycurl")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    database = DynamoDatabase("test of routes")
    with mock_aws():
        database.connect(region_name=REGION, transport=kind)
        try:
            table = RoutedThings(database=database)
            table.save(Thing(id="a"))

            assert Thing(id="a") == table.get("a")
            assert kind == "boto3" or "" == database.get_connection().transport.falls_back  # type: ignore[attr-defined]
            names = boto3.client("dynamodb", region_name=REGION).list_tables()["TableNames"]
            assert ["routed_things"] == names
            assert 1 == table.table.item_count
        finally:
            database.disconnect()


@pytest.mark.parametrize("has_pycurl", [True, False])
def test_our_own_sockets_are_chosen(has_pycurl: bool, session: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Whether there is a pycurl or not: they need less, and leave no bytes unseen.
    """
    if not has_pycurl:
        monkeypatch.setitem(__import__("sys").modules, "pycurl", None)
    transport = chosen_transport(AwsSettings(session=session), None)
    assert isinstance(transport, NativeTransport)
    kind = type(transport._opened().wire).__name__
    transport.close()

    assert "PoolWire" == kind


def test_transports_that_cannot_be_chosen(session: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A client sends its requests itself; names are those that there are.
    """
    client = session.client("dynamodb")
    assert isinstance(chosen_transport(AwsSettings(client=client), None), BotoTransport)
    with pytest.raises(DynamoException, match="leave out transport='curl'"):
        chosen_transport(AwsSettings(client=client), "curl")
    with pytest.raises(DynamoException, match="one of boto3, urllib3, curl"):
        chosen_transport(AwsSettings(session=session), "carrier pigeon")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(DynamoException, match=r"pip install dynamo_objects\[fast\]"):
        chosen_transport(AwsSettings(session=session), "curl")
    client.close()
