"""DynamoDatabase: the tables under one connection and prefix."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..codec.values import Item
from ..connection.aws import boto_resource
from ..connection.local import LocalTransport, local_resource
from ..errors import DynamoException, DynamoSchemaException, TableNotFound
from ..flows.copying import Copied, copy_item, copy_table
from ..flows.waiting import create_table, delete_table, describe, ensure_table, table_names, wait_active
from ..operations.item import GetItem
from ..operations.table import CreateTable, TableDescription
from ..record import DynamoRecord, SchemalessRecord, codec_of
from ..schema import GlobalIndex, HashKey, LocalIndex, RangeKey, TableSchema
from ..schema.declarations import check_name, read_throughput
from .connected import Connected
from .copying import checked_for, item_of, record_of, transformer
from .opening import OpenTable, compare
from .progress import Progress

__all__ = ["DynamoDatabase"]

#: How long a table may take to become active or to disappear.
_PATIENCE_SECONDS = 300.0


class DynamoDatabase(Connected):
    """A connection to DynamoDB under a table prefix.

    ``DynamoDatabase()`` is always the same database, the one that tables use unless told
    otherwise; ``DynamoDatabase("reports")`` is a second one with a connection of its own.
    """

    # --- tables ---------------------------------------------------------------------------

    def get_table_name(self, table_name: str) -> str:
        """Return the name of a table in the service: with the prefix.

        Raises:
            DynamoSchemaException: It is no name for a table.
        """
        if not isinstance(table_name, str) or not table_name:
            raise DynamoSchemaException(f"expected the name of a table, got {table_name!r}")
        return check_name(self._opened().prefix + table_name, "table")

    def get_tables(self) -> list[str]:
        """Return the names of all tables that begin with the prefix, without it.

        With ``app_`` these are also the tables of ``app_test_``: choose prefixes none of
        which begins another.
        """
        prefix = self._opened().prefix
        names = self.get_connection().run(table_names())
        return [name[len(prefix) :] for name in names if name.startswith(prefix) and name != prefix]

    def exists(self, table_name: str) -> bool:
        """Tell whether a table exists."""
        return self._describe(table_name) is not None

    def get_table_key(self, table_name: str) -> tuple[str, str | None]:
        """Return the attributes of a table's hash key and range key, the latter or None.

        Raises:
            TableNotFound: There is no such table.
        """
        keys = {role: wire for wire, role in self._existing(table_name).keys}
        return keys["HASH"], keys.get("RANGE")

    def get_table_throughputs(self, table: Any) -> dict[str, dict[str, int]]:
        """Return the throughput of a table and its global indexes.

        Args:
            table: A DynamoTable, or the name of one.

        Returns:
            ``{"table": {"read": 3, "write": 3}, "<index>": {...}}``; zeros on demand.

        Raises:
            TableNotFound: There is no such table.
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
        self.get_connection().run(create_table(CreateTable(name, built.definition()), _PATIENCE_SECONDS))

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
            gone = {schema: table for schema, table in state.tables.items() if table.name == name}
            state.tables = {schema: table for schema, table in state.tables.items() if schema not in gone}
            state.deleted |= gone
        return deleted

    def get_table(self, table_name: str) -> Any:
        """Return the boto3 Table, for what this library does not do."""
        state = self._opened()
        settings, transport = state.settings, state.connection.transport
        if settings is None and not isinstance(transport, LocalTransport):
            raise DynamoException("there is no boto3 behind a transport= of one's own")
        made, pid = state.resources, os.getpid()
        if getattr(made, "pid", None) != pid:
            if isinstance(transport, LocalTransport):
                made.resource = local_resource(transport.engine)
            elif settings is not None:
                made.resource = boto_resource(settings)
            made.pid = pid
        return made.resource.Table(self.get_table_name(table_name))

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
            return state.named.setdefault(schema, OpenTable(name))
        with self._lock:
            opened = state.tables.get(schema)
            if opened is None:
                create = CreateTable(name, schema.definition())
                ttl = next((f.wire for f in schema.codec.fields if f.options.ttl), None)
                found = state.connection.run(ensure_table(create, ttl, _PATIENCE_SECONDS))
                opened = OpenTable(name, compare(schema, found))
                state.tables[schema] = opened
            return opened

    def opened_table(self, schema: TableSchema, auto_create: bool | None) -> OpenTable:
        """Return the table of a declaration as it was opened, or open it after a reconnect.

        A table that was deleted since is not made again: only making a table object does that.
        """
        state = self._state or self._opened()
        opened = state.tables.get(schema) or state.deleted.get(schema)
        if opened is None and not (state.auto_create if auto_create is None else auto_create):
            opened = state.named.get(schema)
        return self.open_table(schema, auto_create) if opened is None else opened

    def _describe(self, table_name: str) -> TableDescription | None:
        return self.get_connection().run(describe(self.get_table_name(table_name)))

    def _existing(self, table_name: str) -> TableDescription:
        found = self._describe(table_name)
        if found is None:
            name = self.get_table_name(table_name)
            raise TableNotFound("ResourceNotFoundException", f"there is no table {name}")
        return found

    # --- copying --------------------------------------------------------------------------

    def copy_item(
        self, item_from: DynamoRecord | Item, table_to: str, update: bool = False
    ) -> SchemalessRecord:
        """Copy one item to another table and return it as stored there.

        Args:
            item_from: A record that was loaded, or attribute values.
            table_to: Name of the table, without the prefix.
            update: Merge into an item that exists.

        Raises:
            ItemExists: The key is taken, and *update* is not set.
            InvalidKeysException: The item lacks a key of the table.
        """
        connection, target = self.get_connection(), self._existing(table_to)
        item = checked_for(target, item_of(item_from))
        key = {wire: item[wire] for wire, _ in target.keys}
        connection.run(copy_item(target, item, update=update))
        stored = connection.call(GetItem(target.name, key, consistent=True)) if update else item
        return record_of(item if stored is None else stored, key)

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

        Raises:
            TableNotFound: There is no such table.
            ItemExists: A key is taken, and *update* is not set.
            InvalidKeysException: An item lacks a key of the other table.
        """
        source, target = self._existing(table_from), self._existing(table_to)
        change = transformer(transform, source, target)
        events = self.get_connection().stream(
            copy_table(source.name, target, update=update, transform=change)
        )
        try:
            while True:
                event = next(events)
                if isinstance(event, Copied) and progress is not None:
                    progress.update(1)
        except StopIteration as stop:
            count: int = stop.value
            return count
        finally:
            events.close()
