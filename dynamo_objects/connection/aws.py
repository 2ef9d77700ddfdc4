"""From what ``connect`` is given to a boto transport: regions, sessions, clients, endpoints."""

from __future__ import annotations

import ipaddress
import os
from typing import Any
from urllib.parse import SplitResult, urlsplit

import msgspec

from ..codec.structs import Quiet
from ..errors import DynamoException, TransportError
from .boto import BotoTransport, client_retries
from .boto_errors import without_user

__all__ = [
    "LOCAL_CREDENTIALS",
    "LOCAL_REGION",
    "USER_AGENT",
    "AwsSettings",
    "boto_resource",
    "boto_transport",
    "is_loopback",
    "local_settings",
]

#: Made-up credentials for engines on this machine, which do not check them.
LOCAL_CREDENTIALS = {"aws_access_key_id": "local", "aws_secret_access_key": "local"}
LOCAL_REGION = "us-east-1"

#: What requests say of this library.
USER_AGENT = "dynamo_objects/2.0.0"


class AwsSettings(Quiet, frozen=True):
    """How to reach DynamoDB. Shows no credentials.

    Attributes:
        region_name: An AWS region.
        endpoint_url: Another place than the region's own.
        session: A boto3 session to use.
        client: A boto3-shaped client to use as it is.
        config: A botocore Config; retries are always ours.
        session_arguments: For a new boto3 session: credentials, profile_name.
        timeout_seconds: For one attempt.
        max_connections: Connections kept.
        allow_plaintext: Whether plain HTTP may leave this machine.
    """

    unshown = frozenset({"session", "client", "config", "session_arguments"})

    region_name: str | None = None
    endpoint_url: str | None = None
    session: Any = None
    client: Any = None
    config: Any = None
    session_arguments: dict[str, Any] = msgspec.field(default_factory=dict)
    timeout_seconds: float = 20.0
    max_connections: int = 16
    allow_plaintext: bool = False

    def __post_init__(self) -> None:
        given = (self.client, self.session, self.session_arguments or None)
        if sum(value is not None for value in given) > 1:
            raise DynamoException("connect takes a client, a session or credentials, not several")
        if self.client is not None and not hasattr(self.client, "get_item"):
            raise DynamoException("client= takes a client, such as boto3.client('dynamodb')")
        if self.endpoint_url is not None:
            _check_endpoint(self.endpoint_url, self.allow_plaintext)


def local_settings(host: str | None, port: int | str | None) -> tuple[str, dict[str, Any], str]:
    """Return endpoint, credentials and region for DynamoDB Local."""
    host = host or os.environ.get("DYNAMODB_HOST") or "localhost"
    port = port or os.environ.get("DYNAMODB_PORT") or 8000
    return f"http://{host}:{port}", dict(LOCAL_CREDENTIALS), LOCAL_REGION


def _check_endpoint(url: str, allow_plaintext: bool) -> None:
    """Check an endpoint; its text is not shown, since it may hold a password.

    Raises:
        DynamoException: It is no URL, holds a password, or would be reached without encryption.
    """
    parts = _url_parts(url)
    if parts is None:
        raise DynamoException("an endpoint is a URL, as http://localhost:8000 or https://db.example.com")
    if parts.username is not None or parts.password is not None:
        raise DynamoException(
            "an endpoint has no user and password: credentials go into aws_access_key_id "
            "and aws_secret_access_key"
        )
    if parts.scheme == "http" and not allow_plaintext and not is_loopback(url):
        raise DynamoException(
            f"{parts.hostname} would be reached without encryption: "
            f"use https, or allow_plaintext=True in a network that you trust"
        )


def _url_parts(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        is_url = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:  # of brackets or ports
        return None
    return parts if is_url else None


def is_loopback(url: str | None) -> bool:
    """Tell whether an endpoint is on this machine."""
    parts = _url_parts(url) if url is not None else None
    if parts is None:
        return False
    host = parts.hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _session(settings: AwsSettings) -> Any:
    if settings.session is not None:
        return settings.session
    import boto3

    return boto3.session.Session(**settings.session_arguments)


def _client_arguments(settings: AwsSettings) -> dict[str, Any]:
    return {"region_name": settings.region_name, "endpoint_url": settings.endpoint_url}


def boto_transport(settings: AwsSettings) -> BotoTransport:
    """Return a transport over the client given, or over a new one that never retries."""
    if settings.client is not None:
        return BotoTransport(
            lambda: settings.client, retries_by_itself=client_retries(settings.client), is_ours=False
        )

    def make_client() -> Any:
        from botocore.config import Config

        config = Config(
            connect_timeout=min(5.0, settings.timeout_seconds),
            read_timeout=settings.timeout_seconds,
            max_pool_connections=settings.max_connections,
            parameter_validation=False,
            user_agent_extra=USER_AGENT,
        )
        if settings.config is not None:
            config = config.merge(settings.config)
        config = config.merge(Config(retries={"total_max_attempts": 1, "mode": "standard"}))
        session = _session(settings)
        try:
            client = session.client("dynamodb", config=config, **_client_arguments(settings))
        except ValueError as error:  # of boto's own checks, of endpoints for one
            raise TransportError(f"boto3: {without_user(str(error))}", sent=False, can_retry=False) from None
        # It may also come from the environment or a profile.
        _check_endpoint(client.meta.endpoint_url, settings.allow_plaintext)
        return client

    return BotoTransport(make_client, retries_by_itself=False)


def boto_resource(settings: AwsSettings) -> Any:
    """Return a boto3 DynamoDB resource for the same place and credentials.

    For a ``client`` that was given, the resource takes the credentials from boto3's own
    search, since a client does not hand out its own.
    """
    arguments = _client_arguments(settings)
    meta = getattr(settings.client, "meta", None)
    if meta is not None:
        arguments = {"region_name": meta.region_name, "endpoint_url": meta.endpoint_url}
    return _session(settings).resource("dynamodb", config=settings.config, **arguments)
