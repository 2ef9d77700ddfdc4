"""DynamoDatabase: one connection and table prefix, and the tables under that prefix."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Self

import attrs

from ..codec.values import Invalid, Item
from ..connection.attempts import RetryPolicy
from ..connection.aws import (
    AwsSettings,
    boto_resource,
    boto_transport,
    is_loopback,
    local_settings,
)
from ..connection.connection import Connection
from ..connection.transport import Transport
from ..errors import DynamoException, DynamoSchemaException, ValidationError
from ..flows.copying import Copied, copy_item, copy_table
from ..flows.waiting import delete_table, describe, ensure_table, table_names, wait_active
from ..operations.table import CreateTable, TableDescription
from ..record import DynamoRecord, SchemalessRecord, codec_of
from ..schema import GlobalIndex, HashKey, LocalIndex, RangeKey, TableSchema
from ..schema.declarations import check_name
from ..schema.declarations import throughput as read_throughput
from .progress import Progress

__all__ = ["DynamoDatabase", "OpenTable"]

_PREFIX = re.compile(r"[A-Za-z0-9_.-]{0,200}", re.ASCII)

#: How long a table may take to become active or to disappear.
_PATIENCE_SECONDS = 300.0


@attrs.frozen(eq=False)
class OpenTable:
    """A table that was found or created.

    Attributes:
        name: With the prefix.
        index_problems: Name of a declared index -> why it cannot be used.
    """

    name: str
    index_problems: Mapping[str, str] = attrs.field(factory=dict)


@attrs.define
class _State:
    """What ``connect`` makes and ``disconnect`` drops."""

    connection: Connection
    prefix: str
    settings: AwsSettings | None
    auto_create: bool
    is_local: bool
    tables: dict[TableSchema, OpenTable] = attrs.field(factory=dict)


class DynamoDatabase:
    """A connection to DynamoDB under a table prefix.

    ``DynamoDatabase()`` is always the same database, the one that tables use unless told
    otherwise; ``DynamoDatabase("reports")`` is a second one with a connection of its own.
    """

    _databases: ClassVar[dict[str, DynamoDatabase]] = {}
    _creating: ClassVar[threading.Lock] = threading.Lock()

    name: str
    _state: _State | None
    _lock: threading.RLock

    def __new__(cls, name: str = "default") -> Self:
        """Return the database of this name."""
        with cls._creating:
            found = cls._databases.get(name)
            if found is None:
                found = super().__new__(cls)
                found.name, found._state, found._lock = name, None, threading.RLock()
                cls._databases[name] = found
        assert isinstance(found, cls)
        return found

    def __repr__(self) -> str:
        return f"DynamoDatabase({self.name!r})"

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
        transport: Transport | None = None,
        auto_create: bool = True,
        deadline_seconds: float = 30.0,
        timeout_seconds: float = 20.0,
        max_parallel: int = 8,
        allow_plaintext: bool = False,
        DYNAMODB_HOST: str | None = None,
        DYNAMODB_PORT: int | str | None = None,
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
            transport: Carries the bytes of requests instead of boto3.
            auto_create: Whether tables create themselves.
            deadline_seconds: How long a call goes on trying.
            timeout_seconds: How long one attempt may take.
            max_parallel: How many requests of one call run at the same time.
            allow_plaintext: Whether plain HTTP may leave this machine.

        Raises:
            DynamoException: Already connected, or arguments that contradict each other.
        """
        with self._lock:
            if self._state is not None:
                raise DynamoException(f"{self!r} is already connected: disconnect() it first")
            if not _PREFIX.fullmatch(table_prefix):
                raise DynamoException("table_prefix has up to 200 of a-z, A-Z, 0-9, '_', '-', '.'")
            credentials = {
                "aws_access_key_id": aws_access_key_id,
                "aws_secret_access_key": aws_secret_access_key,
                "aws_session_token": aws_session_token,
                "profile_name": profile_name,
            }
            arguments = {name: value for name, value in credentials.items() if value is not None}
            if region_name == "localhost":
                endpoint_url, arguments, region_name = local_settings(DYNAMODB_HOST, DYNAMODB_PORT)
            settings = None
            if transport is None:
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
                transport = boto_transport(settings)
            policy = RetryPolicy(deadline_seconds=deadline_seconds, timeout_seconds=timeout_seconds)
            self._state = _State(
                connection=Connection(transport, policy, max_parallel=max_parallel),
                prefix=table_prefix,
                settings=settings,
                auto_create=auto_create,
                is_local=_is_local(settings),
            )
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
        """Tell whether the engine is on this machine."""
        return self._opened().is_local

    def get_connection(self) -> Connection:
        """Return the connection.

        Raises:
            DynamoException: There is none.
        """
        return self._opened().connection

    @property
    def table_prefix(self) -> str:
        """Return the prefix of all tables."""
        return self._opened().prefix

    def _opened(self) -> _State:
        state = self._state
        if state is None:
            raise DynamoException(
                f"{self!r} is not connected: call connect(region_name=..., table_prefix=...) first"
            )
        return state

    # --- tables ---------------------------------------------------------------------------

    def get_table_name(self, table_name: str) -> str:
        """Return the name of a table in the service: with the prefix."""
        return check_name(self._opened().prefix + table_name, "table")

    def get_tables(self) -> list[str]:
        """Return the names of all tables that begin with the prefix, without it."""
        prefix = self._opened().prefix
        names = self.get_connection().run(table_names())
        return [name[len(prefix) :] for name in names if name.startswith(prefix)]

    def exists(self, table_name: str) -> bool:
        """Tell whether a table exists."""
        return self._describe(table_name) is not None

    def get_table_key(self, table_name: str) -> tuple[str, str | None]:
        """Return the attributes of a table's hash key and range key, the latter or None."""
        keys = {role: wire for wire, role in self._existing(table_name).keys}
        return keys["HASH"], keys.get("RANGE")

    def get_table_throughputs(self, table: Any) -> dict[str, dict[str, int]]:
        """Return the throughput of a table and its global indexes.

        Args:
            table: A DynamoTable, or the name of one.

        Returns:
            ``{"table": {"read": 3, "write": 3}, "<index>": {...}}``; zeros on demand.
        """
        found = self._existing(getattr(table, "table_name", table))
        units = {"table": {"read": found.read, "write": found.write}}
        for name, index in found.indexes.items():
            if index.read or index.write:
                units[name] = {"read": index.read, "write": index.write}
        return units

    def create_table(
        self,
        table_name: str,
        schema: Sequence[HashKey | RangeKey],
        throughput: Mapping[str, int] | None = None,
        *,
        global_indexes: Sequence[GlobalIndex] = (),
        local_indexes: Sequence[LocalIndex] = (),
    ) -> None:
        """Create a table without a record class and wait until it is active.

        Args:
            table_name: Without the prefix.
            schema: Keys, with ``data_type="N"`` where they are not text.
            throughput: ``{"read": 3, "write": 3}``; left out: on demand.
            global_indexes, local_indexes: As in DynamoTable.

        Raises:
            TableInUse: It exists.
        """
        name = self.get_table_name(table_name)
        built = TableSchema.build(
            table_name,
            codec_of(SchemalessRecord),
            schema,
            global_indexes=global_indexes,
            local_indexes=local_indexes,
            throughput=read_throughput(throughput, table_name),
        )
        self.get_connection().call(CreateTable(name, built.definition()))
        self.wait_table_active(table_name)

    def wait_table_active(self, table_name: str, timeout_seconds: float = _PATIENCE_SECONDS) -> None:
        """Wait until a table and its indexes are active.

        Raises:
            TableNotFound: There is no such table.
            DynamoException: It is not active in time.
        """
        flow = wait_active(self.get_table_name(table_name), timeout_seconds)
        self.get_connection().run(flow)

    def delete_table(self, table_name: str) -> bool:
        """Delete a table with all its items and wait until it is gone; False when absent."""
        state = self._opened()
        name = self.get_table_name(table_name)
        deleted = state.connection.run(delete_table(name, _PATIENCE_SECONDS))
        with self._lock:
            state.tables = {s: t for s, t in state.tables.items() if t.name != name}
        return deleted

    def get_table(self, table_name: str) -> Any:
        """Return the boto3 Table, for what this library does not do."""
        settings = self._opened().settings
        if settings is None:
            raise DynamoException("there is no boto3 behind a transport= of one's own")
        return boto_resource(settings).Table(self.get_table_name(table_name))

    def open_table(self, schema: TableSchema, auto_create: bool | None) -> OpenTable:
        """Return the table of a declaration, made if it is missing; asks the service once.

        Raises:
            DynamoSchemaException: The table exists with other keys.
        """
        state = self._opened()
        opened = state.tables.get(schema)
        if opened is not None:
            return opened
        name = self.get_table_name(schema.table_name)
        if not (state.auto_create if auto_create is None else auto_create):
            return OpenTable(name)
        with self._lock:
            opened = state.tables.get(schema)
            if opened is None:
                create = CreateTable(name, schema.definition())
                ttl = next((f.wire for f in schema.codec.fields if f.options.ttl), None)
                found = state.connection.run(ensure_table(create, ttl, _PATIENCE_SECONDS))
                opened = OpenTable(name, _compare(schema, found))
                state.tables[schema] = opened
            return opened

    def _describe(self, table_name: str) -> TableDescription | None:
        return self.get_connection().run(describe(self.get_table_name(table_name)))

    def _existing(self, table_name: str) -> TableDescription:
        found = self._describe(table_name)
        if found is None:
            raise DynamoException(f"there is no table {self.get_table_name(table_name)}")
        return found

    # --- copying --------------------------------------------------------------------------

    def copy_item(
        self, item_from: DynamoRecord | Item, table_to: str, update: bool = False
    ) -> SchemalessRecord:
        """Copy one item to another table and return it as stored.

        Args:
            item_from: A record that was loaded, or attribute values.
            table_to: Name of the table, without the prefix.
            update: Merge into an item that exists.

        Raises:
            ItemExists: The key is taken, and *update* is not set.
        """
        item = item_from if isinstance(item_from, dict) else _item_of(item_from)
        self.get_connection().run(copy_item(self._existing(table_to), item, update=update))
        copied = codec_of(SchemalessRecord).decode(item)
        assert isinstance(copied, SchemalessRecord)
        return copied

    def copy_table_data(
        self,
        table_from: str,
        table_to: str,
        update: bool = False,
        progress: Progress | None = None,
        transform: Callable[[Any], Any] | None = None,
    ) -> int:
        """Copy all items of one table to another and return how many.

        On an error the items already copied stay.

        Args:
            table_from, table_to: Names of tables, without the prefix.
            update: Merge into items that exist, instead of raising ItemExists.
            progress: Its ``update(1)`` is called for each item copied.
            transform: Gets each item as a schemaless record and changes it in place.
        """
        source, target = self.get_table_name(table_from), self._existing(table_to)
        flow = copy_table(source, target, update=update, transform=_transformer(transform))
        events = self.get_connection().stream(flow)
        while True:
            try:
                event = next(events)
            except StopIteration as stop:
                count: int = stop.value
                return count
            if isinstance(event, Copied) and progress is not None:
                progress.update(1)


def _is_local(settings: AwsSettings | None) -> bool:
    if settings is None:
        return True
    meta = getattr(settings.client, "meta", None)
    return is_loopback(settings.endpoint_url or getattr(meta, "endpoint_url", None))


def _item_of(record: DynamoRecord) -> Item:
    try:
        return codec_of(type(record)).encode(record)
    except Invalid as invalid:
        raise ValidationError(type(record).__name__, invalid.problems) from None


def _transformer(transform: Callable[[Any], Any] | None) -> Callable[[Item], Item]:
    if transform is None:
        return lambda item: item
    codec = codec_of(SchemalessRecord)

    def transformed(item: Item) -> Item:
        record = codec.decode(item)
        transform(record)
        changed = dict(item)
        try:
            changes = codec.changes(record)
        except Invalid as invalid:
            raise ValidationError("transformed item", invalid.problems) from None
        for change in changes:
            if change.new is None:
                del changed[change.wire]
            else:
                changed[change.wire] = change.new
        return changed

    return transformed


def _compare(schema: TableSchema, found: TableDescription) -> dict[str, str]:
    """Compare a declaration with the table; return what is wrong with its indexes.

    Raises:
        DynamoSchemaException: The keys differ.
    """

    def shown(keys: Any) -> str:
        return ", ".join(f"{role} {wire} ({found.types.get(wire, '?')})" for wire, role in keys)

    declared = tuple((key.wire, key.role) for key in schema.keys)
    types = {key.wire: key.tag for key in schema.keys}
    if declared != found.keys or any(found.types.get(w) != tag for w, tag in types.items()):
        wanted = ", ".join(f"{key.role} {key.wire} ({key.tag})" for key in schema.keys)
        raise DynamoSchemaException(
            f"table {found.name} has the keys {shown(found.keys)}, but {wanted} is declared"
        )
    problems = {}
    for name, index in schema.indexes.items():
        keys = tuple((key.wire, key.role) for key in index.keys)
        if name not in found.indexes:
            problems[name] = f"table {found.name} has no index {name}: it was made without it"
        elif found.indexes[name].keys != keys:
            problems[name] = f"index {name} of {found.name} has other keys than declared"
    return problems
