"""The embedded engine as a transport, and as the service behind a boto3 resource."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import unquote, unquote_plus

from ..errors import DynamoException, TransportError
from .answering import Engine, answer
from .aws import LOCAL_CREDENTIALS, LOCAL_REGION
from .boto_errors import without_user
from .transport import Reply

if TYPE_CHECKING:
    from ..local import Options

__all__ = ["LocalTransport", "local_resource", "local_transport"]

_SECRET = re.compile(r"(?i)pass|pwd|secret|token|key")


class LocalTransport:
    """Sends requests to an engine in this process.

    Attributes:
        engine: Answers them.
        place: Where it keeps its tables: a URL without user and password.
    """

    def __init__(self, engine: Engine, *, is_ours: bool = True, place: str = "embedded") -> None:
        self.engine = engine
        self.place = place
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
        except ConnectionError:  # a fault that was asked for
            failure = TransportError("the connection broke", sent=True)
        except Exception as error:
            failure = _failure(error)
        else:
            return cast(Reply, reply)  # it has the same attributes
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


def local_transport(url: str | None, engine: Any, options: Options | None = None) -> LocalTransport:
    """Return a transport to the engine of a URL, or over a SQLAlchemy engine.

    Args:
        url: ``memory://``, or a SQLAlchemy URL of SQLite or PostgreSQL: ``sqlite:///stores.db``.
        engine: A SQLAlchemy engine, or an embedded engine that somebody else closes.
        options: What a new embedded engine simulates.

    Raises:
        DynamoException: It cannot be opened. Passwords are not shown.
    """
    if engine is not None and hasattr(engine, "send"):
        if options is not None:
            raise DynamoException("an embedded engine has its options already: leave out options")
        return LocalTransport(engine, is_ours=False)
    try:
        from ..local.opening import open_engine  # with its storages: not needed for AWS

        opened = open_engine(url, engine=engine, options=options)
        return LocalTransport(opened, place=_place(str(url if engine is None else engine.url)))
    except Exception as error:
        text = _without_secrets(f"{type(error).__name__}: {error}", url)
    raise DynamoException(f"the embedded engine cannot be opened: {text}")


def _place(url: str) -> str:
    """Return where a database is: its kind and host, and its name or the whole path of its file."""
    scheme, _, rest = url.partition("?")[0].partition("://")
    kind, (place, _, name) = scheme.partition("+")[0], rest.partition("/")
    if kind != "sqlite":
        host = place.rpartition("@")[2]
        return f"{kind}://{host}/{name}" if name else f"{kind}://{host}"
    return "sqlite://" if name in ("", ":memory:") else f"sqlite:///{os.path.realpath(name)}"


def _without_secrets(text: str, url: Any) -> str:
    """Return a text without the passwords of a URL, in whatever form it quotes them."""
    for secret in sorted(_secrets(url) if isinstance(url, str) else (), key=len, reverse=True):
        text = text.replace(secret, "***")
    return without_user(text)


def _secrets(url: str) -> set[str]:
    """Return what may be secret in a URL; where parsers disagree, each part that one of them could mean."""
    user, _, place = url.partition("://")[2].rpartition("@")
    found = [user.partition(":")[2], *re.split("[:@/]", user)[1:]]
    for parameter in place.partition("?")[2].split("&"):
        name, _, value = parameter.partition("=")
        found += [value] if _SECRET.search(name) else []
    plain = [unquote_plus(secret) for secret in found] + [unquote(secret) for secret in found]
    return {form for secret in [*found, *plain] for form in (secret, repr(secret)[1:-1]) if form}


def local_resource(engine: Engine) -> Any:
    """Return a boto3 DynamoDB resource that an engine answers; nothing of it reaches the network."""
    import boto3

    credentials: dict[str, Any] = dict(LOCAL_CREDENTIALS)
    session = boto3.session.Session(region_name=LOCAL_REGION, **credentials)
    resource = session.resource("dynamodb", endpoint_url="http://embedded.localhost")
    client = resource.meta.client
    client._make_api_call = lambda operation, parameters: answer(engine, client, operation, parameters)
    return resource
