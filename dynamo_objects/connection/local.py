"""The embedded engine as a transport, and as the service behind a boto3 resource."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from ..errors import DynamoException, TransportError
from .answering import Engine, answer
from .aws import LOCAL_CREDENTIALS, LOCAL_REGION
from .boto_errors import without_user
from .transport import Reply

__all__ = ["LocalTransport", "local_resource", "local_transport"]

_SECRET = re.compile(r"(?i)pass|pwd|secret|token|key")


class LocalTransport:
    """Sends requests to an engine in this process.

    Attributes:
        engine: Answers them.
    """

    def __init__(self, engine: Engine, *, is_ours: bool = True) -> None:
        self.engine = engine
        self._is_ours = is_ours
        self._is_closed = False

    @property
    def retries_by_itself(self) -> bool:
        """Whether one ``send`` may reach the service more than once: never."""
        return False

    def send(self, operation: str, payload: bytes, timeout_seconds: float) -> Reply:
        """Carry out one request; it takes as long as it takes."""
        if self._is_closed:
            raise TransportError("the connection was closed", sent=False, can_retry=False)
        try:
            reply = self.engine.send(operation, payload)
        except DynamoException:
            raise
        except Exception as error:
            failure = _failure(error)
        else:
            return Reply(reply.status, reply.headers, reply.body)
        raise failure

    def close(self) -> None:
        """Close the engine, if it is ours."""
        was_closed, self._is_closed = self._is_closed, True
        if self._is_ours and not was_closed:
            self.engine.close()


def _failure(error: Exception) -> TransportError:
    """Return what an exception out of the engine means.

    Those of databases name the values of a statement; only their kind is told.
    """
    name = type(error).__name__
    if type(error).__module__.partition(".")[0] == "sqlalchemy":
        original = type(getattr(error, "orig", None) or error).__name__
        return TransportError(f"the database failed with {name} ({original})", sent=True, can_retry=False)
    failure = TransportError(f"the engine failed with {name}", sent=True, can_retry=False)
    failure.__cause__ = error
    return failure


def local_transport(url: str | None, engine: Any) -> LocalTransport:
    """Return a transport to the engine of a URL, or over a SQLAlchemy engine.

    Args:
        url: ``memory://``, ``sqlite:///stores.db`` or another URL of SQLAlchemy.
        engine: A SQLAlchemy engine, or an embedded engine that somebody else closes.

    Raises:
        DynamoException: It cannot be opened. Passwords are not shown.
    """
    if engine is not None and hasattr(engine, "send"):
        return LocalTransport(engine, is_ours=False)
    try:
        from ..local.opening import open_engine  # with its storages: not needed for AWS

        return LocalTransport(open_engine(url, engine=engine))
    except Exception as error:
        text = _without_secrets(f"{type(error).__name__}: {error}", url)
    raise DynamoException(f"the embedded engine cannot be opened: {text}")


def _without_secrets(text: str, url: Any) -> str:
    """Return a text without the password of a URL, however it is written in it."""
    if not isinstance(url, str):
        return without_user(text)
    for secret in _secrets(url):
        text = text.replace(secret, "***")
    return without_user(text)


def _secrets(url: str) -> list[str]:
    from urllib.parse import unquote, unquote_plus

    try:
        parts = urlsplit(url)
        query = parse_qsl(parts.query)
        password = parts.password or ""
    except ValueError:  # of brackets or ports
        return [url]
    found = [password, unquote(password), unquote_plus(password), repr(unquote(password))[1:-1]]
    found += [value for name, value in query if _SECRET.search(name)]
    found += [
        part.partition("=")[2] for part in parts.query.split("&") if _SECRET.search(part.partition("=")[0])
    ]
    return sorted({secret for secret in found if secret}, key=len, reverse=True)


def local_resource(engine: Engine) -> Any:
    """Return a boto3 DynamoDB resource that an engine answers; nothing of it reaches the network."""
    import boto3

    session = boto3.session.Session(region_name=LOCAL_REGION, **LOCAL_CREDENTIALS)
    resource = session.resource("dynamodb", endpoint_url="http://embedded.localhost")
    client = resource.meta.client
    client._make_api_call = lambda operation, parameters: answer(engine, client, operation, parameters)
    return resource
