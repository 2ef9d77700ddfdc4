"""Connections of our own: to which address, in which time, and with whom."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest

from dynamo_objects.connection.aws import AwsSettings
from dynamo_objects.connection.native import NativeTransport, chosen_transport
from dynamo_objects.connection.sockets import Connector
from dynamo_objects.errors import TransportError
from tests.wireservers import OddServer, RawServer, make_certificate

PAYLOAD = b'{"TableName":"things","Key":{"id":{"S":"k1"}}}'
SLACK_SECONDS = 1.5


def transport_to(url: str, **options: Any) -> NativeTransport:
    """Return the transport that is chosen by itself; boto3 has been asked already, which takes its time."""
    given = {"aws_access_key_id": "local", "aws_secret_access_key": "local"}
    transport = chosen_transport(AwsSettings("us-east-1", url, session_arguments=given, **options), None)
    assert isinstance(transport, NativeTransport)
    assert "" == transport.falls_back
    return transport


@pytest.fixture
def silent() -> Iterator[list[int]]:
    """Ports on which nobody answers, not even with a refusal: their queues are full."""
    with ExitStack() as stack:
        ports = []
        for _ in range(2):
            listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
            for _ in range(4):
                filling = stack.enter_context(socket.socket())
                filling.setblocking(False)
                with suppress(BlockingIOError):
                    filling.connect(listener.getsockname())
            ports.append(listener.getsockname()[1])
        yield ports


def resolving(monkeypatch: pytest.MonkeyPatch, *ports: int) -> None:
    """Let every name have these addresses."""
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port)) for port in ports]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: found)


def closed_port() -> int:
    """Return a port on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@pytest.mark.skipif(not hasattr(socket, "SO_REUSEPORT"), reason="queues are not full elsewhere")
def test_the_first_address_that_answers(silent: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    """
    One that refuses and one that is silent leave time for a third one.
    """
    with RawServer() as server:
        transport = transport_to(server.url, timeout_seconds=3.0)
        resolving(monkeypatch, closed_port(), silent[0], server.port)
        began = time.monotonic()
        reply = transport.send("GetItem", PAYLOAD, 3.0)
        seconds = time.monotonic() - began
        transport.close()

    assert 200 == reply.status
    assert 1.0 < seconds < 1.5 + SLACK_SECONDS


@pytest.mark.skipif(not hasattr(socket, "SO_REUSEPORT"), reason="queues are not full elsewhere")
def test_the_time_to_connect_is_for_all_addresses(silent: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    """
    More addresses do not get more of it; nothing was sent.
    """
    transport = transport_to("http://127.0.0.1:1", timeout_seconds=0.6)
    resolving(monkeypatch, *silent, *silent)
    began = time.monotonic()
    with pytest.raises(TransportError, match=r"cannot connect to 127\.0\.0\.1:1: timed out") as caught:
        transport.send("GetItem", PAYLOAD, 0.6)
    seconds = time.monotonic() - began
    transport.close()

    assert not caught.value.sent
    assert caught.value.can_retry
    assert 0.5 < seconds < 0.6 + SLACK_SECONDS


def test_names_that_nobody_knows() -> None:
    """
    Nothing was sent, and the message says why.
    """
    transport = transport_to("https://nowhere.invalid")
    with pytest.raises(TransportError, match=r"cannot connect to nowhere\.invalid:443: its name") as caught:
        transport.send("GetItem", PAYLOAD, 3.0)
    transport.close()

    assert not caught.value.sent


def test_a_handshake_has_no_more_time() -> None:
    """
    A server that accepts and says nothing is given up in time.
    """
    with socket.create_server(("127.0.0.1", 0)) as listener:
        transport = transport_to(f"https://127.0.0.1:{listener.getsockname()[1]}", timeout_seconds=0.5)
        began = time.monotonic()
        with pytest.raises(TransportError, match="cannot connect") as caught:
            transport.send("GetItem", PAYLOAD, 0.5)
        seconds = time.monotonic() - began
        transport.close()

    assert not caught.value.sent
    assert 0.4 < seconds < 0.5 + SLACK_SECONDS


def test_tls_is_verified_and_new_enough() -> None:
    """
    From version 1.2, with certificates and host names; HTTP/1.1 is asked for.
    """
    transport = transport_to("https://127.0.0.1:1")
    context = Connector(transport._opened().route)._context
    transport.close()

    assert ssl.CERT_REQUIRED == context.verify_mode
    assert context.check_hostname
    assert ssl.TLSVersion.TLSv1_2 == context.minimum_version


def test_http_is_what_is_spoken_over_tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A server that also knows another protocol is told so.
    """
    certificate = make_certificate(tmp_path, "127.0.0.1")
    monkeypatch.setenv("AWS_CA_BUNDLE", certificate.path)
    with RawServer(certificate=certificate) as server:
        assert server._context is not None
        server._context.set_alpn_protocols(["h2", "http/1.1"])
        transport: Any = transport_to(server.url)
        transport.send("GetItem", PAYLOAD, 5.0)
        (link,) = transport._opened().wire._slots._free
        spoken = link.sock.selected_alpn_protocol()
        transport.close()

    assert "http/1.1" == spoken


def test_large_requests_and_replies_over_tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Sockets that do not block send and receive all of it, in many parts; the connection is kept.
    """
    body = b'"' + b"xyz" * 1_500_000 + b'"'
    large = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    certificate = make_certificate(tmp_path, "127.0.0.1")
    monkeypatch.setenv("AWS_CA_BUNDLE", certificate.path)
    replies = []
    with OddServer(certificate=certificate) as server:
        transport = transport_to(server.url, timeout_seconds=30.0)
        for _ in range(2):
            server.tell(large)
            replies.append(transport.send("PutItem", body, 30.0).body)
        accepted = server.accepted
        transport.close()

    assert [body, body] == replies
    assert bytes is type(replies[0])
    assert 1 == accepted


def test_a_timeout_is_not_too_long_for_the_system() -> None:
    """
    Who wants to wait for ever may.
    """
    with OddServer() as server:
        transport = transport_to(server.url, timeout_seconds=1e9)
        server.tell(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        reply = transport.send("GetItem", PAYLOAD, float("inf"))
        transport.close()

    assert b"{}" == reply.body
