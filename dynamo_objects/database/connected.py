"""The connection of a database: made once, used by all tables, dropped by ``disconnect``."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Self

import attrs

from ..connection.attempts import RetryPolicy
from ..connection.aws import AwsSettings, is_loopback, local_settings
from ..connection.connection import MAX_PARALLEL, Connection
from ..connection.local import local_transport
from ..connection.native import chosen_transport
from ..connection.transport import Transport
from ..errors import DynamoException
from ..schema import TableSchema
from .opening import OpenTable

if TYPE_CHECKING:
    from ..local import Options

__all__ = ["Connected", "State"]

_PREFIX = re.compile(r"[A-Za-z0-9_.-]{0,200}", re.ASCII)


@attrs.define
class State:
    """What ``connect`` makes and ``disconnect`` drops."""

    connection: Connection
    prefix: str
    settings: AwsSettings | None
    auto_create: bool
    is_local: bool | None
    tables: dict[TableSchema, OpenTable] = attrs.field(factory=dict)
    #: Tables that are not to be created, and so were not looked at.
    named: dict[TableSchema, OpenTable] = attrs.field(factory=dict)
    #: Tables that were deleted while objects for them may be around.
    deleted: dict[TableSchema, OpenTable] = attrs.field(factory=dict)
    #: boto3's resources, which threads and processes must not share.
    resources: threading.local = attrs.field(factory=threading.local)


class Connected:
    """A named connection under a table prefix, see `DynamoDatabase`."""

    _databases: ClassVar[dict[str, Connected]] = {}
    _creating: ClassVar[threading.Lock] = threading.Lock()

    name: str
    _state: State | None
    _lock: threading.RLock

    def __new__(cls, name: str = "default") -> Self:
        """Return the database of this name."""
        with cls._creating:
            found = cls._databases.get(name)
            if found is None:
                found = super().__new__(cls)
                found.name, found._state, found._lock = name, None, threading.RLock()
                cls._databases[name] = found
        if not isinstance(found, cls):
            raise DynamoException(f"{found!r} is a {type(found).__name__} already, not a {cls.__name__}")
        return found

    def __repr__(self) -> str:
        return f"DynamoDatabase({self.name!r})"

    @classmethod
    def forget_tables(cls) -> None:
        """Let every database look anew which tables there are, after they were changed behind its back."""
        with cls._creating:
            databases = list(cls._databases.values())
        for database in databases:
            state = database._state
            if state is not None:
                state.tables, state.deleted = {}, {}

    # --- connecting -----------------------------------------------------------------------

    def connect(
        self,
        *,
        region_name: str | None = None,
        table_prefix: str = "",
        endpoint_url: str | None = None,
        session: Any = None,
        client: Any = None,
        config: Any = None,
        aws_access_key_id: str | None = None,
        aws_secret_access_key: str | None = None,
        aws_session_token: str | None = None,
        profile_name: str | None = None,
        url: str | None = None,
        engine: Any = None,
        options: Options | None = None,
        transport: Transport | str | None = None,
        auto_create: bool = True,
        deadline_seconds: float = 30.0,
        timeout_seconds: float = 20.0,
        max_parallel: int | None = None,
        allow_plaintext: bool = False,
        DYNAMODB_HOST: str | None = None,  # noqa: N803 (as in the environment)
        DYNAMODB_PORT: int | str | None = None,  # noqa: N803
    ) -> Self:
        """Connect; nothing is sent yet.

        Args:
            region_name: An AWS region; ``localhost`` is DynamoDB Local on DYNAMODB_HOST and
                DYNAMODB_PORT, also from the environment, by default localhost and 8000.
            table_prefix: Stands before the names of all tables, for example ``staging_``.
            endpoint_url: Another service that speaks DynamoDB's protocol.
            session: A boto3 session.
            client: Any boto3-shaped client. If it retries by itself, writes that must not
                happen twice go through transactions.
            config: A botocore Config; retries are always done here.
            aws_access_key_id, aws_secret_access_key, aws_session_token, profile_name: As in
                boto3; left out, boto3 finds credentials by itself.
            url: Of the embedded engine: ``memory://``, or a SQLAlchemy URL of SQLite or
                PostgreSQL, as ``sqlite:///stores.db``; ``disconnect`` closes it, and forgets
                what was in memory.
            engine: A SQLAlchemy engine for the embedded engine; it is not closed.
            options: What the embedded engine simulates: throttling, faults, times.
            transport: How requests get there: ``"urllib3"``, our own sockets (the default),
                ``"curl"`` (needs pycurl: the extra ``fast``), ``"boto3"``; or an object that
                carries them.
            auto_create: Whether tables create themselves.
            deadline_seconds: How long a call goes on trying.
            timeout_seconds: How long one attempt may take.
            max_parallel: How many requests of one call run at the same time; left out, 8, and 1
                for ``memory://`` without options, where no request waits for anything.
            allow_plaintext: Whether plain HTTP may leave this machine.

        Raises:
            DynamoException: Already connected, or arguments that contradict each other.
        """
        credentials = {
            "aws_access_key_id": aws_access_key_id,
            "aws_secret_access_key": aws_secret_access_key,
            "aws_session_token": aws_session_token,
            "profile_name": profile_name,
        }
        place = {"endpoint_url": endpoint_url, "session": session, "client": client, "config": config}
        local = {"DYNAMODB_HOST": DYNAMODB_HOST, "DYNAMODB_PORT": DYNAMODB_PORT}
        with self._lock:
            if self._state is not None:
                raise DynamoException(f"{self!r} is already connected: disconnect() it first")
            _check_prefix(table_prefix)
            _check_embedded(url, engine, options, region_name, transport, {**place, **credentials, **local})
            _check_arguments(region_name, transport, {**place, **credentials}, local)
            arguments = {name: value for name, value in credentials.items() if value is not None}
            is_local = True if region_name == "localhost" else None
            if max_parallel is None:
                max_parallel = 1 if url == "memory://" and options is None else MAX_PARALLEL
            if url is not None or engine is not None:
                transport, is_local = local_transport(url, engine, options), True
            elif is_local:
                endpoint_url, arguments, region_name = local_settings(DYNAMODB_HOST, DYNAMODB_PORT)
            settings = None
            if transport is None or isinstance(transport, str):
                settings = AwsSettings(
                    region_name=region_name,
                    endpoint_url=endpoint_url,
                    session=session,
                    client=client,
                    config=config,
                    session_arguments=arguments,
                    timeout_seconds=timeout_seconds,
                    max_connections=max(10, 2 * max_parallel),
                    allow_plaintext=allow_plaintext,
                )
                transport = chosen_transport(settings, transport)
            policy = RetryPolicy(deadline_seconds=deadline_seconds, timeout_seconds=timeout_seconds)
            connection = Connection(transport, policy, max_parallel=max_parallel)
            self._state = State(connection, table_prefix, settings, auto_create, is_local)
        return self

    def disconnect(self) -> None:
        """Close the connection and forget its tables; harmless when not connected."""
        with self._lock:
            state, self._state = self._state, None
        if state is not None:
            state.connection.close()

    def connected(self) -> bool:
        """Tell whether there is a connection."""
        return self._state is not None

    def is_local_db(self) -> bool:
        """Tell whether this is DynamoDB Local, or another engine on this machine."""
        state = self._opened()
        if state.is_local is None:
            client = getattr(state.connection.transport, "client", None)
            state.is_local = is_loopback(getattr(getattr(client, "meta", None), "endpoint_url", None))
        return state.is_local

    def get_connection(self) -> Connection:
        """Return the connection.

        Raises:
            DynamoException: There is none.
        """
        state = self._state or self._opened()
        return state.connection

    @property
    def table_prefix(self) -> str:
        """Return the prefix of all tables."""
        return self._opened().prefix

    def _opened(self) -> State:
        state = self._state
        if state is None:
            raise DynamoException(
                f"{self!r} is not connected: call connect(region_name=..., table_prefix=...) first"
            )
        return state


def _check_prefix(prefix: Any) -> None:
    if not isinstance(prefix, str) or not _PREFIX.fullmatch(prefix):
        raise DynamoException("table_prefix has up to 200 of a-z, A-Z, 0-9, '_', '-', '.'")


def _check_embedded(
    url: Any,
    engine: Any,
    options: Any,
    region_name: str | None,
    transport: Any,
    others: Mapping[str, Any],
) -> None:
    """Raise DynamoException where the embedded engine is asked for together with another one."""
    embedded = {"url": url, "engine": engine}
    given = [name for name, value in embedded.items() if value is not None]
    if options is not None and not given:
        raise DynamoException('options= are of the embedded engine: give url="memory://", or another one')
    rest = {"region_name": region_name, "transport": transport, **others}
    contradicting = [name for name, value in rest.items() if value is not None]
    if given and (contradicting or len(given) > 1):
        raise DynamoException(
            f"{' and '.join([*given, *contradicting])} contradict each other: url= and engine= are two "
            f"ways to name the embedded engine, the others lead to a service"
        )


def _check_arguments(
    region_name: str | None, transport: Any, others: Mapping[str, Any], local: Mapping[str, Any]
) -> None:
    """Raise DynamoException where one argument of ``connect`` would make another one useless."""
    given = [name for name, value in others.items() if value is not None]
    is_object = transport is not None and not isinstance(transport, str)
    if is_object and (given or region_name is not None):
        raise DynamoException(f"connect takes a transport, or {', '.join(given) or 'region_name'}, not both")
    if region_name == "localhost":
        contradicting = [name for name in given if not name.startswith("aws_") and name != "config"]
        if contradicting:
            raise DynamoException(
                f"region_name='localhost' is DynamoDB Local at DYNAMODB_HOST and DYNAMODB_PORT: "
                f"leave out {', '.join(contradicting)}, or give another region"
            )
        return
    if useless := [name for name, value in local.items() if value is not None]:
        raise DynamoException(f"{', '.join(useless)} need region_name='localhost'")
    if others["client"] is not None and (useless := [n for n in given if n in ("endpoint_url", "config")]):
        raise DynamoException(f"a client= has its own {' and '.join(useless)}: leave them out")
