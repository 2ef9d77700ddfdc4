"""The HTTP server over an engine: protocol, refusals, limits, and its end. The engine is a small one of tests."""

from __future__ import annotations

import gzip
import http.client
import json
import logging
import re
import socket
import threading
import zlib
from collections.abc import Iterator
from typing import Any

import attrs
import boto3
import pytest
from botocore.config import Config

from dynamo_objects.connection.transport import Reply
from dynamo_objects.local.server import Access, Limits, Server, serve
from dynamo_objects.local.server_coding import CodingProblem, decoded, wanted_coding
from dynamo_objects.local.server_http import BadRequest, chunk_size, parse_head
from tests.dictservice import DictService, good_reply

JSON = "application/x-amz-json-1.0"
AUTH = (
    "AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=b"
)
SIGNED = {"Authorization": AUTH, "X-Amz-Date": "20260101T000000Z"}
LIST = {"X-Amz-Target": "DynamoDB_20120810.ListTables", "Content-Type": JSON}
GOOD = {**SIGNED, **LIST}


class FakeEngine:
    """Answers with what it got, unless it is told otherwise.

    Attributes:
        received: The requests.
        answers: Operation -> what is answered, raised, or called first.
    """

    def __init__(self) -> None:
        self.received: list[tuple[str, bytes]] = []
        self.answers: dict[str, Any] = {}

    def send(self, operation: str, payload: bytes) -> Reply:
        """Answer."""
        self.received.append((operation, payload))
        answer = self.answers.get(operation, {"TableNames": []})
        if callable(answer):
            answer = answer()
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, Reply) else good_reply(answer)


@attrs.frozen
class Response:
    """A response as it came."""

    status: int
    headers: dict[str, str]
    body: bytes


class Talk:
    """A connection, byte by byte."""

    def __init__(self, url: str) -> None:
        host, _, port = url.removeprefix("http://").rpartition(":")
        self.socket = socket.create_connection((host, int(port)), timeout=10)
        self._reader = self.socket.makefile("rb")

    def __enter__(self) -> Talk:
        return self

    def __exit__(self, *_: Any) -> None:
        self._reader.close()
        self.socket.close()

    def say(self, raw: bytes) -> None:
        """Send bytes."""
        self.socket.sendall(raw)

    def hear(self, *, has_body: bool = True) -> Response:
        """Receive a response."""
        status = int(self._reader.readline().split()[1])
        headers: dict[str, str] = {}
        while (line := self._reader.readline().decode().strip()) != "":
            name, _, text = line.partition(": ")
            headers[name.lower()] = text
        length = int(headers.get("content-length", 0)) if has_body else 0
        return Response(status, headers, self._reader.read(length))

    def is_over(self) -> bool:
        """Tell whether the server has ended the connection."""
        try:
            return self._reader.read(1) == b""
        except ConnectionResetError:
            return True

    def ask(self, method: str = "POST", path: str = "/", body: bytes = b"", **headers: str) -> Response:
        """Send a request, with underscores for hyphens in names, and return the response."""
        self.say(request(method, path, body, {n.replace("_", "-"): text for n, text in headers.items()}))
        return self.hear(has_body=method != "HEAD")


def request(method: str = "POST", path: str = "/", body: bytes = b"", headers: Any = None) -> bytes:
    """Return the bytes of a request."""
    fields = {"Host": "127.0.0.1", **({"Content-Length": str(len(body))} if body else {}), **(headers or {})}
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {text}" for name, text in fields.items())]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


@pytest.fixture
def engine() -> FakeEngine:
    """An engine."""
    return FakeEngine()


@pytest.fixture
def url(engine: FakeEngine) -> Iterator[str]:
    """A server."""
    with serve(engine) as url:
        yield url


@pytest.fixture
def talk(url: str) -> Iterator[Talk]:
    """A connection to it."""
    with Talk(url) as talk:
        yield talk


def post(talk: Talk, body: bytes = b"{}", path: str = "/", **headers: str) -> Response:
    """Send a good request, changed by headers; None leaves one out."""
    fields = {**GOOD, **{name.replace("_", "-"): text for name, text in headers.items()}}
    talk.say(request("POST", path, body, {name: text for name, text in fields.items() if text is not None}))
    return talk.hear()


# --- good requests --------------------------------------------------------------------------


def test_requests_reach_the_engine_and_its_reply_comes_back(talk: Talk, engine: FakeEngine) -> None:
    """
    Operation and body reach the engine as they are; its reply comes with AWS's header fields.
    """
    response = post(talk, b'{"Limit":3}')

    assert [("ListTables", b'{"Limit":3}')] == engine.received
    assert (200, b'{"TableNames": []}') == (response.status, response.body)
    assert (JSON, "18") == (response.headers["content-type"], response.headers["content-length"])
    assert str(zlib.crc32(response.body)) == response.headers["x-amz-crc32"]
    assert re.fullmatch(r"[0-9A-Z]{52}", response.headers["x-amzn-requestid"])
    assert "access-control-allow-origin" not in response.headers


def test_boto3_uses_it_as_the_service() -> None:
    """
    A boto3 client creates a table, writes and reads, and gets the service's errors.
    """
    service = DictService()

    class Engine:
        def send(self, operation: str, payload: bytes) -> Reply:
            return service.send(operation, payload, 1.0)

    with serve(Engine()) as url:
        client = boto3.client(
            "dynamodb",
            endpoint_url=url,
            region_name="eu-west-1",
            aws_access_key_id="a",
            aws_secret_access_key="b",
            config=Config(retries={"total_max_attempts": 1}),
        )
        client.create_table(
            TableName="things",
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        item = {"id": {"S": "é"}, "b": {"B": b"\x00\xff"}}
        client.put_item(TableName="things", Item=item)

        assert item == client.get_item(TableName="things", Key={"id": {"S": "é"}})["Item"]
        with pytest.raises(client.exceptions.ResourceNotFoundException):
            client.describe_table(TableName="others")
        client.close()


def test_the_content_type_of_a_reply_is_that_of_its_request(talk: Talk) -> None:
    """
    application/json is answered in kind, with parameters or without.
    """
    plain = post(talk, Content_Type="  application/json  ;charset=utf-8")

    assert (200, "application/json") == (plain.status, plain.headers["content-type"])


def test_requests_on_one_connection_are_answered_in_order(talk: Talk, engine: FakeEngine) -> None:
    """
    Requests may be sent before replies are read, on a connection that stays open.
    """
    names = ["GetItem", "PutItem", "Query"]
    targets = [{**GOOD, "X-Amz-Target": f"DynamoDB_20120810.{name}"} for name in names]
    engine.answers = {name: {"n": name} for name in names}
    talk.say(b"".join(request(body=b"{}", headers=headers) for headers in targets))

    responses = [json.loads(talk.hear().body)["n"] for _ in names]

    assert names == responses
    assert 200 == post(talk).status


def test_a_request_may_come_in_pieces(talk: Talk, engine: FakeEngine) -> None:
    """
    Where the network cuts a request does not matter.
    """
    for byte in request(body=b'{"Limit":1}', headers=GOOD):
        talk.say(bytes([byte]))

    assert 200 == talk.hear().status
    assert [("ListTables", b'{"Limit":1}')] == engine.received


def test_bodies_in_chunks(talk: Talk, engine: FakeEngine) -> None:
    """
    A body may come in chunks, with extensions and a trailer; the next request follows it.
    """
    head = request(headers={**GOOD, "Transfer-Encoding": "chunked"})
    talk.say(
        head
        + b'3\r\n{"L\r\nA;x="y"\r\nimit": 1 }\r\n0\r\nTrailer: x\r\n\r\n'
        + request(body=b"{}", headers=GOOD)
    )

    assert [200, 200] == [talk.hear().status, talk.hear().status]
    assert [b'{"Limit": 1 }', b"{}"] == [body for _, body in engine.received]


def test_the_client_may_wait_before_it_sends_the_body(talk: Talk, engine: FakeEngine) -> None:
    """
    Expect: 100-continue is answered before the body comes.
    """
    talk.say(request(headers={**GOOD, "Expect": "100-continue", "Content-Length": "2"}))
    first = talk.hear()
    talk.say(b"{}")

    assert (100, 200) == (first.status, talk.hear().status)
    assert [("ListTables", b"{}")] == engine.received


@pytest.mark.parametrize(
    ("line", "connection", "is_kept"),
    [
        ("HTTP/1.1", None, True),
        ("HTTP/1.1", "close", False),
        ("HTTP/1.0", None, False),
        ("HTTP/1.0", "keep-alive", True),
    ],
)
def test_connections_are_kept_as_the_client_asks(
    talk: Talk, line: str, connection: str | None, is_kept: bool
) -> None:
    """
    HTTP/1.1 keeps connections unless told otherwise, HTTP/1.0 the other way round.
    """
    headers = {**GOOD, **({"Connection": connection} if connection else {})}
    talk.say(request(body=b"{}", headers=headers).replace(b"HTTP/1.1", line.encode()))

    response = talk.hear()

    assert (200, "keep-alive" if is_kept else "close") == (response.status, response.headers["connection"])
    assert 200 == post(talk).status if is_kept else talk.is_over()


# --- what AWS's front says (dynalite's tests of AWS) ---------------------------------------

CORAL = "com.amazon.coral.service#"
UNSIGNED: dict[str, Any] = {"Authorization": None, "X_Amz_Date": None}


@pytest.mark.parametrize(
    "headers", [{}, {"Content-Type": "whatever"}, {"Content-Type": "application/x-amz-json-1.1"}]
)
def test_bodies_of_other_types_are_no_operation(talk: Talk, headers: dict[str, str]) -> None:
    """
    A body that is not announced as JSON gets a page of 29 bytes, with 404.
    """
    talk.say(request(body=b"hi", headers=headers))
    response = talk.hear()

    assert (404, b"<UnknownOperationException/>\n") == (response.status, response.body)
    assert ("3552371480", "29") == (response.headers["x-amz-crc32"], response.headers["content-length"])


@pytest.mark.parametrize(
    ("body", "target", "code"),
    [
        (b"hi", None, "SerializationException"),
        (b"{", "DynamoDB_20120810.ListTables", "SerializationException"),
        (b"[" * 100_000, "nothing", "SerializationException"),
        (b"{}", None, "UnknownOperationException"),
        (b"", None, "UnknownOperationException"),
        (b"{}", "whatever", "UnknownOperationException"),
        (b"{}", "DynamoDB_20120810.ListTable", "UnknownOperationException"),
        (b"{}", "DynamoDB_20111205.ListTables", "UnknownOperationException"),
        (b"{}", "DynamoDB_20120810.ListTables", "MissingAuthenticationTokenException"),
    ],
)
def test_json_then_the_operation_then_the_signature(
    talk: Talk, body: bytes, target: str | None, code: str
) -> None:
    """
    Without a signature, bad JSON is seen first, then an unknown operation, then the missing signature.
    """
    headers: Any = {"Content-Type": JSON, **({"X-Amz-Target": target} if target else {})}
    talk.say(request(body=body, headers=headers))
    response = talk.hear()

    assert (400, f"{CORAL}{code}") == (response.status, json.loads(response.body)["__type"])


MISSING = ("MissingAuthenticationTokenException", "Request is missing Authentication Token")
NEEDS = "Authorization header requires"
DATE = f"{NEEDS} existence of either a 'X-Amz-Date' or a 'Date' header. "
MUST = "AWS query-string parameters must include"


@pytest.mark.parametrize(
    ("path", "authorization", "date", "expected"),
    [
        ("/", None, None, MISSING),
        ("/", "AWS4", None, MISSING),
        ("/", "Bearer x", "a", MISSING),
        ("/?X-Amz-Algorith", "X", None, MISSING),
        ("/?X-Amz-Credential=a&X-Amz-Signature=b&X-Amz-SignedHeaders=c&X-Amz-Date=d", None, None, MISSING),
        (
            "/?X-Amz-Algorithm",
            "X",
            None,
            (
                "InvalidSignatureException",
                "Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header.",
            ),
        ),
        (
            "/",
            "AWS4-",
            None,
            (
                "IncompleteSignatureException",
                f"{NEEDS} 'Credential' parameter. {NEEDS} 'Signature' parameter. "
                f"{NEEDS} 'SignedHeaders' parameter. {DATE}Authorization=AWS4-",
            ),
        ),
        *(
            (
                "/",
                f"AWS4- Signature=b{separator}Credential=a",
                "a",
                (
                    "IncompleteSignatureException",
                    f"{NEEDS} 'SignedHeaders' parameter. Authorization=AWS4- Signature=b{separator}Credential=a",
                ),
            )
            for separator in (" ", ",", ", ")
        ),
        ("/", AUTH, None, ("IncompleteSignatureException", f"{DATE}Authorization={AUTH}")),
        (
            "/?X-Amz-Algorithm",
            None,
            None,
            (
                "IncompleteSignatureException",
                f"{MUST} 'X-Amz-Algorithm'. {MUST} 'X-Amz-Credential'. {MUST} 'X-Amz-Signature'. "
                f"{MUST} 'X-Amz-SignedHeaders'. {MUST} 'X-Amz-Date'. Re-examine the query-string parameters.",
            ),
        ),
        (
            "/?X-Amz-Algorithm=a&X-Amz-Credential=b&X-Amz-Signature=c&X-Amz-Date=d",
            None,
            None,
            (
                "IncompleteSignatureException",
                f"{MUST} 'X-Amz-SignedHeaders'. Re-examine the query-string parameters.",
            ),
        ),
    ],
)
def test_a_signature_has_all_its_parts(
    talk: Talk, path: str, authorization: str | None, date: str | None, expected: tuple[str, str]
) -> None:
    """
    What is missing from a signature is named as AWS names it.
    """
    given: Any = {"Authorization": authorization, "X_Amz_Date": None, "Date": date}
    response = post(talk, path=path, **given)
    body = json.loads(response.body)

    assert (400, expected) == (response.status, (body["__type"].removeprefix(CORAL), body["message"]))


@pytest.mark.parametrize(
    ("path", "authorization"),
    [
        ("/?X-Amz-Algorithm=a&X-Amz-Credential=b&X-Amz-Signature=c&X-Amz-SignedHeaders=d&X-Amz-Date=e", None),
        ("/", AUTH.replace(", ", ",")),
        ("/", AUTH.replace(", ", " ")),
    ],
)
def test_signatures_are_found_wherever_they_may_stand(talk: Talk, path: str, authorization: Any) -> None:
    """
    A signature may stand in the URL; its parts in the header may be separated by commas or spaces.
    """
    assert 200 == post(talk, path=path, Authorization=authorization).status


def test_get_says_that_it_is_healthy(talk: Talk) -> None:
    """
    GET is the health check, at the root alone.
    """
    response = talk.ask("GET", "/?healthcheck")

    assert (200, b"healthy: dynamodb.us-east-1.amazonaws.com ") == (response.status, response.body)
    assert str(zlib.crc32(response.body)) == response.headers["x-amz-crc32"]
    assert 404 == talk.ask("GET", "/health").status


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "HEAD", "WHATEVER"])
def test_other_methods_are_no_operation(talk: Talk, method: str) -> None:
    """
    Other methods get 404, and the connection stays.
    """
    response = talk.ask(method)

    assert (404, "29") == (response.status, response.headers["content-length"])
    assert 200 == post(talk).status


# --- web pages ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "origin", ["http://localhost:3000", "http://127.0.0.1", "https://x.localhost", "whatever"]
)
def test_pages_of_this_machine_may_ask(talk: Talk, origin: str) -> None:
    """
    What a page of this machine asks for in advance is allowed, and replies can be read.
    """
    asked = {"Access_Control_Request_Headers": "a, b, c", "Access_Control_Request_Method": "d"}
    before = talk.ask("OPTIONS", Origin=origin, **asked)
    response = post(talk, Origin=origin)

    assert (200, b"") == (before.status, before.body)
    assert ("*", "172800") == (
        before.headers["access-control-allow-origin"],
        before.headers["access-control-max-age"],
    )
    assert ("a, b, c", "d") == (
        before.headers["access-control-allow-headers"],
        before.headers["access-control-allow-methods"],
    )
    assert (200, "*") == (response.status, response.headers["access-control-allow-origin"])
    assert "x-amzn-RequestId" in response.headers["access-control-expose-headers"]
    assert "access-control-max-age" not in response.headers


@pytest.mark.parametrize(
    "origin", ["https://example.com", "null", "http://127.0.0.1.example.com", "http://[x"]
)
def test_pages_of_other_machines_are_refused(talk: Talk, engine: FakeEngine, origin: str) -> None:
    """
    A page from anywhere else gets nothing, and is not told that it may ask.
    """
    responses = [talk.ask("OPTIONS", Origin=origin), post(talk, Origin=origin)]

    assert [403, 403] == [response.status for response in responses]
    assert not any("access-control-allow-origin" in response.headers for response in responses)
    assert [] == engine.received


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost:8000", 200),
        ("[::1]:8000", 200),
        ("[::1]", 200),
        ("10.0.0.3", 200),
        ("host.docker.internal:8000", 200),
        ("dynamo:8000", 200),
        ("dynamodb.us-east-1.amazonaws.com", 200),
        ("db.example.com:8000", 200),
        ("example.com", 403),
        ("example.com:8000", 403),
        ("localhost.example.com.", 403),
    ],
)
def test_requests_for_other_machines_are_refused(engine: FakeEngine, host: str, status: int) -> None:
    """
    A name that somebody else's DNS could lead here is refused, unless it was allowed.
    """
    with serve(engine, access=Access(hosts=frozenset({"db.example.com"}))) as url, Talk(url) as talk:
        talk.say(request(body=b"{}", headers={**GOOD, "Host": host}))

        assert status == talk.hear().status


def test_pages_can_be_let_in(engine: FakeEngine) -> None:
    """
    An origin that was allowed may ask.
    """
    access = Access(origins=frozenset({"https://app.example.com"}))
    with serve(engine, access=access) as url, Talk(url) as talk:
        assert 200 == post(talk, Origin="https://app.example.com").status
        assert 403 == post(talk, Origin="https://example.com").status


# --- compression ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("coding", "body", "status"),
    [
        ("gzip", gzip.compress(b'{"Limit":1}', mtime=0), 200),
        ("GZIP", gzip.compress(b'{"Li', mtime=0) + gzip.compress(b'mit":1}', mtime=0), 200),
        ("identity", b'{"Limit":1}', 200),
        ("gzip", b'{"Limit":1}', 500),
        ("gzip", gzip.compress(b'{"Limit":1}', mtime=0)[:-1], 500),
        ("gzip", gzip.compress(b'{"Limit":1}', mtime=0) + b"junk", 500),
        ("gzip", b"", 500),
        ("garbage", b'{"Limit":1}', 500),
        ("gzip", gzip.compress(b" " * (16 * 1024 * 1024 + 1), mtime=0), 413),
    ],
)
def test_requests_may_be_compressed(
    talk: Talk, engine: FakeEngine, coding: str, body: bytes, status: int
) -> None:
    """
    gzip is understood; what is not gzip, or another coding, is AWS's 500.
    """
    response = post(talk, body, Content_Encoding=coding)

    assert status == response.status
    assert ([("ListTables", b'{"Limit":1}')] if status == 200 else []) == engine.received


def test_decompression_stops_at_the_limit() -> None:
    """
    A small body that grows beyond all bounds is not unpacked.
    """
    with pytest.raises(CodingProblem) as caught:
        decoded(gzip.compress(b"x" * 1001, mtime=0) * 2, "gzip", 1000)

    assert caught.value.is_too_long
    assert b"x" * 1000 == decoded(gzip.compress(b"x" * 500, mtime=0) * 2, "gzip", 1000)


@pytest.mark.parametrize(
    ("accepted", "expected"),
    [
        ("identity", None),
        ("", None),
        ("br", None),
        ("x-gzip", None),
        ("gzip, deflate", "gzip"),
        ("br, identity, deflate, gzip", "deflate"),
        ("dog, GZIP ,, cat", "gzip"),
        ("gzip;q=0.8, deflate;q=0.5", "gzip"),
        ("br, gzip;q=0, deflate; q = 0.5 , identity;q=0", "deflate"),
        ("*", "gzip"),
        ("*, deflate;q=0.5", "gzip"),
        ("*, deflate", "deflate"),
        ("*, gzip;q=0.5", "deflate"),
        ("gzip ;q=0", None),
        ("*;q=0", None),
        ("gzip;q=0.5,identity;q=0.8", "gzip"),
        ('"gzip"', None),
        ("gzip br", None),
        ("gzip;q=31,deflate;q=51", "gzip"),
        ("deflate;q=0.5, gzip;q=1;q=0.2", "gzip"),
        ("deflate;q=0.5,gzip;q=0.", "deflate"),
        ("deflate;q=0.5,gzip;q=0.x", "gzip"),
        ("deflate;q=-0.5,gzip;q=0.2", "gzip"),
        ("gzip;nq=1;q=0 ", None),
        ("gzip;q=0, gzip;q=1, gzip;q=0", "gzip"),
        ("br,identity;q=0.5,gzip;q=0.0001", "gzip"),
    ],
)
def test_the_coding_that_a_client_prefers(accepted: str, expected: str | None) -> None:
    """
    Accept-Encoding is read as AWS reads it (test_compressed_response.py of Alternator, run on AWS).
    """
    assert expected == wanted_coding(accepted)


@pytest.mark.parametrize(("coding", "unpack"), [("gzip", gzip.decompress), ("deflate", zlib.decompress)])
def test_long_replies_are_compressed_on_request(
    talk: Talk, engine: FakeEngine, coding: str, unpack: Any
) -> None:
    """
    From 4096 bytes on replies are compressed; their checksum is that of what is sent.
    """
    long, short = json.dumps("x" * 4094).encode(), json.dumps("x" * 4093).encode()
    responses = []
    for body in (long, short):
        engine.answers["ListTables"] = good_reply(body)
        responses.append(post(talk, Accept_Encoding=coding))
    first, second = responses

    assert (coding, long) == (first.headers["content-encoding"], unpack(first.body))
    assert str(zlib.crc32(first.body)) == first.headers["x-amz-crc32"]
    assert (None, short) == (second.headers.get("content-encoding"), second.body)


# --- what is not HTTP -----------------------------------------------------------------------

START = b"POST / HTTP/1.1\r\nHost: x\r\n"


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
        (b"GET  / HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"GET / HTTP/1.1 \r\nHost: x\r\n\r\n", 400),
        (b"GET / HTTP/2.0\r\nHost: x\r\n\r\n", 505),
        (b"GET /\x80 HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"GET ftp://x/ HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\nHost: x\n\r\n\r\n", 400),
        (START + b"Host: y\r\n\r\n", 400),
        (START + b"A : b\r\n\r\n", 400),
        (START + b" folded\r\n\r\n", 400),
        (START + b"no colon\r\n\r\n", 400),
        (START + b": no name\r\n\r\n", 400),
        (START + b"A: b\rc\r\n\r\n", 400),
        (START + b"A: b\nc\r\n\r\n", 400),
        (START + b"A: \x00\r\n\r\n", 400),
        (START + b"Content-Length: x\r\n\r\n", 400),
        (START + b"Content-Length: +1\r\n\r\n", 400),
        (START + b"Content-Length: -1\r\n\r\n", 400),
        (START + b"Content-Length: 1_0\r\n\r\n", 400),
        (START + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
        (START + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        (START + b"Transfer-Encoding: chunked, chunked\r\n\r\n", 501),
        (START + b"Transfer-Encoding: xchunked\r\n\r\n", 501),
        (START + b"Expect: x\r\n\r\n", 417),
        (START + b"Transfer-Encoding: chunked\r\n\r\nx\r\n", 400),
        (START + b"Transfer-Encoding: chunked\r\n\r\n-1\r\n", 400),
        (START + b"Transfer-Encoding: chunked\r\n\r\n0x1\r\n", 400),
        (START + b"Transfer-Encoding: chunked\r\n\r\n1\r\nabc", 400),
        (START + b"A: b\r\n" * 101 + b"\r\n", 431),
        (START + b"A: " + b"b" * 33_000 + b"\r\n\r\n", 431),
        (b"A" * 40_000, 431),
        (START + b"Content-Length: 16777217\r\n\r\n", 413),
        (START + b"Content-Length: 999999999999999999\r\n\r\n", 413),
        (START + b"Transfer-Encoding: chunked\r\n\r\n1000001\r\n", 413),
    ],
)
def test_malformed_and_oversized_requests_end_the_connection(
    talk: Talk, engine: FakeEngine, raw: bytes, status: int
) -> None:
    """
    What is not HTTP, can be read in two ways, or is too long, is refused, and nothing follows it.
    """
    talk.say(raw)
    response = talk.hear()

    assert (status, "close") == (response.status, response.headers["connection"])
    assert talk.is_over()
    assert [] == engine.received


def test_a_body_of_sixteen_megabytes_is_taken(talk: Talk, engine: FakeEngine) -> None:
    """
    The limit itself is allowed.
    """
    body = b"{" + b" " * (16 * 1024 * 1024 - 2) + b"}"

    assert 200 == post(talk, body).status
    assert [len(body)] == [len(payload) for _, payload in engine.received]


def test_a_client_that_sends_too_much_hears_about_it(url: str) -> None:
    """
    A client that first sends all of its body still gets the 413.
    """
    host, _, port = url.removeprefix("http://").rpartition(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=10)
    connection.request("POST", "/", b"x" * (17 * 1024 * 1024), GOOD)

    assert 413 == connection.getresponse().status
    connection.close()


def test_empty_lines_and_whole_urls_are_understood(talk: Talk) -> None:
    """
    Empty lines before a request are skipped; a proxy's whole URL is a target.
    """
    talk.say(b"\r\n\r\nGET http://127.0.0.1/?x HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")

    assert 200 == talk.hear().status


def test_heads_have_their_parts() -> None:
    """
    A head is parsed into names in lower case; repeated fields are joined.
    """
    head = parse_head(
        b"POST /a?b=c HTTP/1.1\r\nHOST:x\r\nA:  1 \r\na:2\r\nContent-Length: 3\r\nContent-Length: 3\r\n"
    )

    assert ("POST", "/a", "b=c", True, 3) == (
        head.method,
        head.path,
        head.query,
        head.keep_alive,
        head.length,
    )
    assert "1, 2" == head.fields["a"]
    assert 26 == chunk_size(b"1a ; x\r\n")
    with pytest.raises(BadRequest):
        chunk_size(b"123456789\r\n")


# --- slow clients, many clients -------------------------------------------------------------


@pytest.mark.parametrize(
    ("limits", "raw", "status"),
    [
        (Limits(head_seconds=0.05), b"POST / HT", 408),
        (Limits(body_seconds=0.05), START + b"Content-Length: 5\r\n\r\n{", 408),
        (Limits(idle_seconds=0.05), b"", None),
        (Limits(idle_seconds=0.05), b"\r\n", None),
    ],
)
def test_slow_clients_are_left(engine: FakeEngine, limits: Limits, raw: bytes, status: int | None) -> None:
    """
    Each step has its time; a connection that is merely silent is closed without a word.
    """
    with serve(engine, limits=limits) as url, Talk(url) as talk:
        talk.say(raw)
        if status is not None:
            assert status == talk.hear().status

        assert talk.is_over()


def test_one_connection_too_many_takes_the_place_of_the_longest_silent_one(engine: FakeEngine) -> None:
    """
    At the limit, the connection that has been silent longest is closed.
    """
    with serve(engine, limits=Limits(connections=2)) as url, Talk(url) as first, Talk(url) as second:
        # Many, so that the threads of the server have taken note of the first one's silence.
        assert [200] * 21 == [post(talk).status for talk in (first, *[second] * 20)]
        with Talk(url) as third:
            assert 200 == post(third).status
            assert first.is_over()
            assert 200 == post(second).status


def test_busy_connections_are_not_closed_for_others(engine: FakeEngine) -> None:
    """
    When all connections are busy, another one is told so.
    """
    release, began = threading.Event(), threading.Event()
    engine.answers["ListTables"] = lambda: (began.set(), release.wait(10), {"done": 1})[-1]
    with serve(engine, limits=Limits(connections=1)) as url, Talk(url) as first:
        first.say(request(body=b"{}", headers=GOOD))
        assert began.wait(10)
        with Talk(url) as second:
            assert 503 == second.hear().status
        release.set()

        assert b'{"done": 1}' == first.hear().body


def test_clients_are_served_at_the_same_time(engine: FakeEngine) -> None:
    """
    One request does not wait for another.
    """
    barrier = threading.Barrier(3)
    engine.answers["ListTables"] = lambda: (barrier.wait(10), {"done": 1})[-1]
    with serve(engine) as url, Talk(url) as first, Talk(url) as second:
        for talk in (first, second):
            talk.say(request(body=b"{}", headers=GOOD))
        barrier.wait(10)

        assert [200, 200] == [first.hear().status, second.hear().status]


# --- its end, and faults --------------------------------------------------------------------


def test_the_end_waits_for_requests_that_are_served(engine: FakeEngine) -> None:
    """
    Closing ends silent connections at once, and others after their reply.
    """
    release, began = threading.Event(), threading.Event()
    engine.answers["Query"] = lambda: (began.set(), release.wait(10), {"done": 1})[-1]
    server = Server(engine)
    server.start()
    url = server.url
    with Talk(url) as silent, Talk(url) as busy:
        assert 200 == post(silent).status
        busy.say(request(body=b"{}", headers={**GOOD, "X-Amz-Target": "DynamoDB_20120810.Query"}))
        assert began.wait(10)
        closing = threading.Thread(target=server.close)
        closing.start()
        assert silent.is_over()
        release.set()
        response = busy.hear()
        closing.join(10)

        assert (b'{"done": 1}', "close") == (response.body, response.headers["connection"])
        assert not closing.is_alive()
        with pytest.raises(OSError, match="refused"):
            Talk(url)
    server.close()


def test_faults_of_the_engine_are_internal_errors(talk: Talk, engine: FakeEngine, caplog: Any) -> None:
    """
    An exception becomes a 500; what it says is neither sent nor logged, only where it happened.
    """
    engine.answers["ListTables"] = ValueError("a value of an item")
    with caplog.at_level(logging.ERROR):
        response = post(talk)

    assert 500 == response.status
    assert "InternalServerError" in json.loads(response.body)["__type"]
    assert "ListTables failed with ValueError" in caplog.text
    assert "a value of an item" not in caplog.text + response.body.decode()
    del engine.answers["ListTables"]
    assert 200 == post(talk).status


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_other_machines_are_not_let_in_by_accident(engine: FakeEngine, host: str) -> None:
    """
    Listening for other machines needs a word of its own.
    """
    with pytest.raises(ValueError, match="other machines"):
        Server(engine, host)


def test_it_says_where_it_cannot_listen(engine: FakeEngine) -> None:
    """
    An unknown host is a ValueError, a port in use an OSError.
    """
    with pytest.raises(ValueError, match="no place to listen"):
        Server(engine, "no.such.host.invalid")
    with serve(engine) as url, pytest.raises(OSError, match="in use"):
        Server(engine, port=int(url.rpartition(":")[2]))
