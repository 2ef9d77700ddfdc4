"""The native transports: what goes over the wire, who is trusted, what is kept open, and forks."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from dynamo_objects.connection.aws import AwsSettings
from dynamo_objects.connection.native import NativeTransport, chosen_transport
from dynamo_objects.connection.transport import Reply
from dynamo_objects.errors import TransportError
from tests.wireservers import GOOD, Certificate, ConnectProxy, RawServer, make_certificate

CREDENTIALS: dict[str, Any] = {
    "aws_access_key_id": "AKIASENTINEL",
    "aws_secret_access_key": "sentinel-secret",
}
TOP = Path(__file__).resolve().parents[2]
PAYLOAD = b'{"TableName":"things","Key":{"id":{"S":"k1"}}}'
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.0\r\n"

Connect = Callable[..., NativeTransport]


@pytest.fixture(params=["urllib3", "curl"])
def connect(request: pytest.FixtureRequest) -> Iterator[Connect]:
    """Makes native transports of each kind."""
    if request.param == "curl":
        pytest.importorskip("pycurl")
    made: list[NativeTransport] = []

    def make(server: RawServer, **options: Any) -> NativeTransport:
        settings: dict[str, Any] = {"session_arguments": CREDENTIALS, "timeout_seconds": 5.0, **options}
        url = settings.pop("url", server.url)
        transport = chosen_transport(AwsSettings("us-east-1", url, **settings), request.param)
        assert isinstance(transport, NativeTransport)
        made.append(transport)
        return transport

    yield make
    for transport in made:
        transport.close()


def get(transport: NativeTransport, payload: bytes = PAYLOAD, seconds: float = 5.0) -> Reply:
    """Get the item."""
    return transport.send("GetItem", payload, seconds)


def lines_of(head: bytes) -> dict[str, str]:
    """Return the headers of a request."""
    lines = head.decode().split("\r\n")[1:]
    return {name.lower(): text for name, _, text in (line.partition(": ") for line in lines)}


# --- requests and replies ---------------------------------------------------------------------


def test_a_request_has_what_it_needs(connect: Connect) -> None:
    """
    And says who sends it; replies are not to be compressed.
    """
    with RawServer() as server:
        reply = get(connect(server))
        head, body = server.heads[0], server.bodies[0]

    headers = lines_of(head)
    assert b"POST / HTTP/1.1" == head.split(b"\r\n")[0]
    assert (200, b'{"Item":{"id":{"S":"k1"}}}') == (reply.status, reply.body)
    assert "application/x-amz-json-1.0" == headers["content-type"] == reply.headers["content-type"]
    assert "DynamoDB_20120810.GetItem" == headers["x-amz-target"]
    assert "identity" == headers["accept-encoding"]
    assert f"127.0.0.1:{server.port}" == headers["host"]
    assert "dynamo_objects" in headers["user-agent"]
    assert PAYLOAD == body


@pytest.mark.parametrize(
    "reply",
    [
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n3\r\n{ \n\r\n2\r\n }\r\n0\r\n\r\n",
        HEAD + b"Connection: close\r\n\r\n{ \n }",
        b"HTTP/1.1 100 Continue\r\n\r\n" + HEAD + b"Content-Length: 5\r\n\r\n{ \n }",
        HEAD + b"CONTENT-LENGTH:5\r\nX-Odd:\r\n\r\n{ \n }",
        HEAD.replace(b"1.1", b"1.0") + b"Content-Length: 5\r\n\r\n{ \n }",
    ],
    ids=["chunked", "until the end", "continue", "odd", "1.0"],
)
def test_replies_of_all_forms(reply: bytes, connect: Connect) -> None:
    """
    Bodies are told from what is around them; the next request works too.
    """
    with RawServer(reply) as server:
        transport = connect(server)
        first = get(transport)
        server.wait_for_end()
        second = get(transport)

    assert (200, b"{ \n }", "application/x-amz-json-1.0") == (
        first.status, first.body, first.headers["content-type"],
    )  # fmt: skip
    assert b'{"Item"' == second.body[:7]


@pytest.mark.parametrize(
    "reply",
    [
        b"",
        b"HTTP/1.1 200 OK",
        b"not HTTP at all\r\n\r\n",
        HEAD,
        HEAD + b"Content-Length: 6\r\n\r\n{ \n }",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\n{ \n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\n{ \n }\r\n",
        HEAD + b"X: " + b"x" * 400_000,
    ],
    ids=["nothing", "status", "text", "headers", "body", "chunk", "no last chunk", "endless"],
)
def test_half_replies_are_none(reply: bytes, connect: Connect) -> None:
    """
    The request was sent once, whether the connection was new or not; the next one works.
    """
    with RawServer(GOOD, reply, GOOD, reply) as server:
        transport = connect(server)
        for _ in range(2):
            get(transport)
            with pytest.raises(TransportError) as caught:
                get(transport)
            assert caught.value.sent
            assert caught.value.can_retry
        assert 200 == get(transport).status

    assert 5 == len(server.heads)


def test_large_requests_and_replies(connect: Connect) -> None:
    """
    Both arrive whole, without asking first whether they may.
    """
    body = b'"' + b"x" * 3_000_000 + b'"'
    with RawServer(HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body) as server:
        reply = get(connect(server), body)

    assert body == reply.body == server.bodies[0]
    assert "expect" not in lines_of(server.heads[0])


@pytest.mark.parametrize("framing", [b"Content-Length: 100001\r\n", b"Connection: close\r\n"])
def test_replies_have_a_limit(framing: bytes, connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Memory is not filled by a server that has gone mad, and asking again does not help.
    """
    monkeypatch.setattr("dynamo_objects.connection.native.MAX_REPLY_BYTES", 100_000)
    with (
        RawServer(HEAD + framing + b"\r\n" + b"x" * 100_001) as server,
        pytest.raises(TransportError) as caught,
    ):
        get(connect(server))

    assert "larger than 100000 bytes" in str(caught.value)
    assert caught.value.sent
    assert not caught.value.can_retry


# --- connections ------------------------------------------------------------------------------


def test_connections_are_kept(connect: Connect) -> None:
    """
    Threads one after another share one.
    """
    with RawServer() as server:
        transport = connect(server)
        for _ in range(5):
            thread = threading.Thread(target=get, args=(transport,))
            thread.start()
            thread.join()

    assert 5 == len(server.heads)
    assert 1 == server.accepted


def test_a_connection_that_was_closed_is_not_used(connect: Connect) -> None:
    """
    Servers close connections that are idle; nobody notices.
    """
    with RawServer() as server:
        server.is_closing = True
        transport = connect(server)
        statuses = []
        for _ in range(5):
            statuses.append(get(transport).status)
            server.wait_for_end()

    assert [200] * 5 == statuses
    assert 5 == len(server.heads) == server.accepted


def test_connections_are_limited(connect: Connect) -> None:
    """
    More threads than connections wait for each other.
    """
    with RawServer() as server:
        transport = connect(server, max_connections=2)
        threads = [threading.Thread(target=lambda: [get(transport) for _ in range(20)]) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert 160 == len(server.heads)
    assert 2 >= server.accepted


def test_a_closed_transport_sends_nothing(connect: Connect) -> None:
    """
    Closing it twice does no harm.
    """
    with RawServer() as server:
        transport = connect(server)
        get(transport)
        transport.close()
        transport.close()
        with pytest.raises(TransportError, match="closed") as caught:
            get(transport)

    assert not caught.value.sent
    assert 1 == len(server.heads)


@pytest.mark.parametrize("kind", ["urllib3", "curl"])
def test_nothing_is_left_open_at_the_end(kind: str) -> None:
    """
    A program that just ends does so without a warning.
    """
    if kind == "curl":
        pytest.importorskip("pycurl")
    program = (
        "import sys; from dynamo_objects.connection.aws import AwsSettings\n"
        "from dynamo_objects.connection.native import chosen_transport\n"
        "given = {'aws_access_key_id': 'a', 'aws_secret_access_key': 'b'}\n"
        "settings = AwsSettings('us-east-1', sys.argv[1], session_arguments=given)\n"
        "kept = chosen_transport(settings, sys.argv[2])\n"
        "print(kept.send('GetItem', b'{}', 5.0).status, kept.falls_back)"
    )
    with RawServer() as server:
        arguments = [sys.executable, "-X", "dev", "-c", program, server.url, kind]
        run = subprocess.run(arguments, capture_output=True, text=True, cwd=TOP, check=False)

    assert ("200 \n", "") == (run.stdout, run.stderr)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_forked_children_have_their_own_connections(connect: Connect, tmp_path: Any) -> None:
    """
    The parent goes on with its own; TLS too, which a child could end with a last word.
    """
    certificate = make_certificate(tmp_path, "127.0.0.1")
    with RawServer(certificate=certificate) as server:
        transport = connect(server, **trusting(certificate))
        get(transport)
        children = []
        for _ in range(3):
            child = os.fork()
            if not child:
                code = 1
                try:
                    code = int(any(get(transport).status != 200 for _ in range(50)))
                    transport.close()
                finally:
                    os._exit(code)
            children.append(child)
        statuses = [get(transport).status for _ in range(50)]
        codes = [os.waitpid(child, 0)[1] for child in children]

    assert [0, 0, 0] == codes
    assert [200] * 50 == statuses
    assert 4 == server.accepted


# --- who is trusted ---------------------------------------------------------------------------


def trusting(certificate: Certificate, **config: Any) -> dict[str, Any]:
    """Return settings with a CA bundle, as of a profile."""
    session = boto3.session.Session(**CREDENTIALS, region_name="us-east-1")
    session._session.set_config_variable("ca_bundle", certificate.path)
    return {"session": session, "session_arguments": {}, "config": Config(**config)}


def test_certificates_are_verified(connect: Connect, tmp_path: Any) -> None:
    """
    Trusted ones for the right host only; nothing is sent to others.
    """
    right, other = make_certificate(tmp_path, "127.0.0.1"), make_certificate(tmp_path, "other.example")
    with RawServer(certificate=right) as server:
        assert 200 == get(connect(server, **trusting(right))).status
        with pytest.raises(TransportError, match="certificate") as unknown:
            get(connect(server))
    with (
        RawServer(certificate=other) as server,
        pytest.raises(TransportError, match=r"127\.0\.0\.1") as wrong,
    ):
        get(connect(server, **trusting(other)))

    for caught in (unknown, wrong):
        assert not caught.value.sent
        assert not caught.value.can_retry
    assert [] == server.heads


def test_certificates_of_clients(connect: Connect, tmp_path: Any) -> None:
    """
    The one of the configuration is shown, in one file or two.
    """
    ours, theirs = make_certificate(tmp_path, "client"), make_certificate(tmp_path, "127.0.0.1")
    for shown in (ours.path, (ours.path, ours.path)):
        with RawServer(certificate=theirs, client_ca=ours) as server:
            assert 200 == get(connect(server, **trusting(theirs, client_cert=shown))).status


def test_proxies_are_asked_to_connect(connect: Connect, tmp_path: Any) -> None:
    """
    With a password where there is one; only the proxy sees it, and no text shows it.
    """
    certificate = make_certificate(tmp_path, "127.0.0.1")
    with RawServer(certificate=certificate) as server, ConnectProxy("Basic bWU6c2VudGluZWw=") as proxy:
        good = trusting(certificate, proxies={"https": f"http://me:sentinel@{proxy.address}"})
        transport = connect(server, **good)
        statuses = [get(transport).status for _ in range(2)]
        bad = trusting(certificate, proxies={"https": f"{proxy.address}"})
        with pytest.raises(TransportError) as caught:
            get(connect(server, **bad))

    assert [200, 200] == statuses
    assert 2 == len(proxy.asked)
    assert f"CONNECT 127.0.0.1:{server.port} HTTP/1".encode() in proxy.asked[0]
    assert not caught.value.sent
    assert "proxy-authorization" not in lines_of(server.heads[0])
    assert "sentinel" not in f"{transport._opened().route!r} {caught.value}"


def test_proxies_of_the_environment_are_botocores_affair(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Where it finds that there is none, for this machine, none is used.
    """
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with RawServer() as server:
        assert 200 == get(connect(server)).status
