"""DynamoTable: declares a table once, creates it, and reads and writes its records."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Generic, TypeVar, cast, get_args, get_origin

from .codec.values import Invalid, Item
from .connection.connection import Connection
from .database import DynamoDatabase
from .errors import (
    BatchFailed,
    ConditionFailed,
    DynamoException,
    DynamoSchemaException,
    Failure,
    ItemNotFound,
    NotDynamoDBReply,
    QueryError,
    closest,
)
from .expressions.builders import ExpressionBuilder
from .expressions.tree import AttributeExists, Condition, Path, Update, all_of
from .flows.base import Flow
from .flows.batching import Answered, NotWritten, Written, read_batches, write_batches
from .flows.saving import encode_record, plan_save, save, with_version, write
from .operations.batch import BatchGetItem, Write
from .operations.item import DeleteItem, GetItem, PutItem, UpdateItem
from .query import Query, Source, decode_error
from .record import DynamoRecord, SchemalessRecord, codec_of
from .schema import GlobalIndex, HashKey, LocalIndex, RangeKey, TableSchema
from .schema.declarations import throughput as read_throughput

__all__ = ["DynamoTable"]

Record = TypeVar("Record", bound=DynamoRecord)

#: A key as users write it: the hash value, or the pair of hash and range value.
Key = Any


class DynamoTable(Generic[Record]):
    """A table of records.

    Declared by a class::

        class StoreTable(DynamoTable[Store]):
            table_name = "store"
            schema = [HashKey("store_id")]

    or by the arguments of ``__init__``. Making an instance creates the table if it is
    missing; later instances cost no request.

    Attributes:
        table_name: Name without the prefix.
        schema: ``[HashKey(...)]`` or ``[HashKey(...), RangeKey(...)]``.
        throughput: ``{"read": 3, "write": 3}``; None for on-demand tables.
        record_class: Class of the records, where it is not in the brackets.
        global_indexes, local_indexes: Other orders to query by.
        database: Where the table is; left out: ``DynamoDatabase()``.
        auto_create: Whether to create a missing table; None: as the database says.
        consistent_read: Whether reads are strongly consistent unless told otherwise.
    """

    table_name: str = ""
    schema: Sequence[HashKey | RangeKey] = ()
    throughput: Mapping[str, int] | None = None
    record_class: type[Record]
    global_indexes: Sequence[GlobalIndex] = ()
    local_indexes: Sequence[LocalIndex] = ()
    database: DynamoDatabase
    auto_create: bool | None = None
    consistent_read: bool = False

    _schemas: ClassVar[dict[Any, TableSchema]] = {}

    def __init_subclass__(cls, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        cls._schemas = {}
        for base in getattr(cls, "__orig_bases__", ()):
            if get_origin(base) is DynamoTable and "record_class" not in vars(cls):
                (argument,) = get_args(base)
                if isinstance(argument, type) and issubclass(argument, DynamoRecord):
                    cls.record_class = argument
        if cls.table_name and cls.schema and hasattr(cls, "record_class"):
            _check_names(cls)

    def __init__(
        self,
        table_name: str | None = None,
        schema: Sequence[HashKey | RangeKey] | None = None,
        throughput: Mapping[str, int] | None = None,
        record_class: type[Record] | None = None,
        global_indexes: Sequence[GlobalIndex] | None = None,
        local_indexes: Sequence[LocalIndex] | None = None,
        database: DynamoDatabase | str | None = None,
    ) -> None:
        """Find the table, and create it if it is missing.

        Raises:
            DynamoSchemaException: The declaration cannot work, or the table has other keys.
            DynamoException: There is no connection.
        """
        given = {
            "table_name": table_name,
            "schema": schema,
            "throughput": throughput,
            "record_class": record_class,
            "global_indexes": global_indexes,
            "local_indexes": local_indexes,
        }
        for name, value in given.items():
            if value is not None:
                setattr(self, name, value)
        if isinstance(database, str):
            self.database = DynamoDatabase(database)
        elif database is not None:
            self.database = database
        elif not hasattr(self, "database"):
            self.database = DynamoDatabase()
        self._schema = self._compiled()
        self._codec = self._schema.codec
        self._opened = self.database.open_table(self._schema, self.auto_create)

    def _compiled(self) -> TableSchema:
        record_class = getattr(self, "record_class", SchemalessRecord)
        declared = (
            self.table_name,
            tuple(self.schema),
            tuple(self.throughput.items()) if isinstance(self.throughput, dict) else self.throughput,
            record_class,
            tuple(self.global_indexes),
            tuple(self.local_indexes),
        )
        schemas = type(self)._schemas
        try:
            return schemas[declared]
        except KeyError:
            pass
        if not self.table_name:
            raise DynamoSchemaException(f"{type(self).__name__} has no table_name")
        schemas[declared] = TableSchema.build(
            self.table_name,
            codec_of(record_class),
            self.schema,
            global_indexes=self.global_indexes,
            local_indexes=self.local_indexes,
            throughput=read_throughput(self.throughput, self.table_name),
        )
        return schemas[declared]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.table_name!r})"

    # --- where it is ------------------------------------------------------------------------

    @property
    def full_name(self) -> str:
        """Return the name of the table in the service, with the prefix."""
        return self._opened.name

    @property
    def table(self) -> Any:
        """Return the boto3 Table, for what this library does not do."""
        return self.database.get_table(self.table_name)

    @property
    def _connection(self) -> Connection:
        return self.database.get_connection()

    # --- one record -------------------------------------------------------------------------

    def get(
        self,
        hash: Any,
        range: Any = None,
        create: bool = False,
        *,
        consistent: bool | None = None,
    ) -> Record:
        """Return the record with this key.

        Args:
            hash: Value of the hash key.
            range: Value of the range key, where the table has one.
            create: Return a new, unsaved record where there is none: the Null object.
            consistent: Whether to see all writes that were acknowledged before.

        Raises:
            ItemNotFound: There is no such record; also for an empty hash value.
            InvalidKeysException: Half a key, or a value of a wrong type.
            DecodeError: The item cannot become a record.
        """
        record = self._find(hash, range, consistent)
        if record is not None:
            return record
        if not create:
            raise ItemNotFound(self.table_name, hash if self._schema.range is None else (hash, range))
        return self._new_record(hash, range)

    def find(
        self,
        hash: Any,
        range: Any = None,
        default: Any = None,
        *,
        consistent: bool | None = None,
    ) -> Record | None:
        """Return the record with this key, or *default*.

        Raises:
            InvalidKeysException: Half a key, or a value of a wrong type.
        """
        record = self._find(hash, range, consistent)
        return default if record is None else record

    def _find(self, hash: Any, range: Any, consistent: bool | None) -> Record | None:
        if self._schema.is_empty_key(hash, range):
            return None
        key = self._schema.key_item(hash, range)
        item = self._connection.call(GetItem(self.full_name, key, self._reads(consistent)))
        return None if item is None else self._record(item, key)

    def _reads(self, consistent: bool | None) -> bool:
        return self.consistent_read if consistent is None else consistent

    def _record(self, item: Item, key: Item | None = None) -> Record:
        """Return the record of an item, which must have the key that was asked for."""
        try:
            if key is not None and self._schema.lookup_item(item) != self._schema.lookup_item(key):
                raise NotDynamoDBReply("the item of another key")
            return cast(Record, self._codec.decode(item))
        except KeyError:
            raise NotDynamoDBReply("an item without its key") from None
        except Invalid as invalid:
            raise decode_error(self._schema, item, invalid) from None

    def _new_record(self, hash: Any, range: Any) -> Record:
        keys = {self._schema.hash.name: hash}
        if self._schema.range is not None:
            keys[self._schema.range.name] = range
        keys = {name: value for name, value in keys.items() if value is not None}
        return cast(Record, self._codec.record_class(**keys))

    def save(
        self,
        record: Record,
        overwrite: bool = False,
        condition: Any = None,
        *,
        exactly_once: bool = False,
    ) -> Record:
        """Save a record and return it (a frozen one with a version as a new instance).

        A new record must not exist yet. Of a loaded one only the changed fields are sent,
        and they must still be as they were loaded. Nothing changed: nothing is sent.

        Args:
            record: The record.
            overwrite: Save it whatever is stored.
            condition: What must hold besides: of boto3's ``Attr``, or keywords in a dict.
            exactly_once: Use a transaction, for twice the write units.

        Raises:
            ItemExists: A new record's key is taken.
            ConflictError: Somebody else changed or deleted the item.
            ConditionFailed: *condition* is false.
            ValidationError: Values that cannot be stored; all problems together.
            OutcomeUnknown: The reply was lost; it may or may not be saved.
        """
        plan = plan_save(
            self._schema,
            self.full_name,
            record,
            overwrite=overwrite,
            condition=self._condition(condition),
        )
        if plan is None:
            return record
        flow = save(plan, self._token(exactly_once, plan.operation))
        return cast(Record, self._connection.run(flow))

    def delete(
        self,
        hash: Any,
        range: Any = None,
        condition: Any = None,
        *,
        exactly_once: bool = False,
    ) -> Record:
        """Delete a record and return it as it was.

        Raises:
            ItemNotFound: There is no such record.
            ConditionFailed: *condition* is false.
            OutcomeUnknown: The reply was lost; it may or may not be deleted.
        """
        user_key = hash if self._schema.range is None else (hash, range)
        if self._schema.is_empty_key(hash, range):
            raise ItemNotFound(self.table_name, user_key)
        key = self._schema.key_item(hash, range)
        must = self._condition(condition)
        operation = DeleteItem(self.full_name, key, must, return_old=True)
        flow = write(operation, self._token(exactly_once, operation))
        item: Item | None = self._connection.run(flow)
        if item is None:
            raise ItemNotFound(self.table_name, user_key)
        record = self._record(item, key)
        self._codec.remember(record, None, None)  # saving it again makes it anew
        return record

    def update(
        self,
        hash: Any,
        range: Any = None,
        *,
        put: Mapping[str, Any] | None = None,
        add: Mapping[str, Any] | None = None,
        delete: Mapping[str, Any] | None = None,
        remove: Iterable[str] = (),
        condition: Any = None,
        exactly_once: bool = False,
    ) -> Record:
        """Change fields without reading the record first, and return the new record.

        An absent record is created, unless its class has required fields that are not put.

        Args:
            hash, range: The key.
            put: Field -> new value.
            add: Field -> number to add, or members to add to a set.
            delete: Field -> members to take from a set.
            remove: Fields to remove; they load as their defaults.
            condition: What must hold: of boto3's ``Attr``, or keywords in a dict.
            exactly_once: Use a transaction, for twice the write units.

        Raises:
            ItemNotFound: There is no such record, and it cannot be created from the change.
            ConditionFailed: *condition* is false.
            OutcomeUnknown: The reply was lost, and the change must not be made twice.
        """
        change = self._build.update(put, add, delete, remove)
        item, key = self._updated(hash, range, change, condition, exactly_once, "ALL_NEW")
        return self._record(item, key)

    def update_counter(
        self, hash: Any, range: Any = None, /, exactly_once: bool = False, **increments: Any
    ) -> dict[str, Any]:
        """Add to number fields, starting at 0 where they are absent; return their new values.

        Raises:
            QueryError: No field is named, or one is not a number.
            OutcomeUnknown: The reply was lost: the counters may have changed or not.
        """
        if not increments:
            raise QueryError("update_counter needs a field: update_counter(key, visits=1)")
        change = self._build.update(add=increments)
        item, _ = self._updated(hash, range, change, None, exactly_once, "UPDATED_NEW")
        fields = {name: self._codec.by_name.get(name) for name in increments}
        return {
            name: self._value(item, name) if field is None else field.decode(item.get(field.wire))
            for name, field in fields.items()
        }

    def _value(self, item: Item, name: str) -> Any:
        return getattr(codec_of(SchemalessRecord).decode(item), name)

    def _updated(
        self,
        hash: Any,
        range: Any,
        change: Update,
        condition: Any,
        exactly_once: bool,
        returns: Any,
    ) -> tuple[Item, Item]:
        if self._schema.is_empty_key(hash, range):
            raise self._schema.invalid_key(hash, range)
        if change.is_empty:
            raise QueryError("an update that changes nothing: give put, add, delete or remove")
        key = self._schema.key_item(hash, range)
        if touched := [n for n in _wires(change) if n in self._schema.key_wires]:
            raise QueryError(f"{touched[0]} is a key: keys cannot be changed")
        change = with_version(self._schema, change)
        needed = self._required_but_absent(change)
        exists = AttributeExists(Path.of(self._schema.hash.wire)) if needed else None
        must = self._condition(condition)
        operation = UpdateItem(self.full_name, key, change, all_of(exists, must), returns)
        try:
            flow = write(operation, self._token(exactly_once, operation))
            item: Item | None = self._connection.run(flow)
        except ConditionFailed as failed:
            if exists is not None and failed.item is None and must is None:
                shown = hash if self._schema.range is None else (hash, range)
                raise ItemNotFound(self.table_name, shown) from None
            raise
        return item or {}, key

    def _required_but_absent(self, change: Update) -> bool:
        """Tell whether an item made from the change alone could not be read."""
        put = {clause.path.steps[0] for clause in change.sets} | self._schema.key_wires
        return any(not f.has_literal and f.wire not in put for f in self._codec.fields)

    # --- many records -----------------------------------------------------------------------

    def get_many(self, keys: Iterable[Key], *, consistent: bool | None = None) -> dict[Key, Record]:
        """Return key -> record for those of the keys that exist, in the order asked.

        Args:
            keys: Hash values, or pairs of hash and range value; any number.
            consistent: Whether to see all writes that were acknowledged before.
        """
        asked: dict[Any, Key] = {}
        items: list[Item] = []
        for key in keys:
            pair = self._schema.pair(key)
            if self._schema.is_empty_key(*pair):
                continue
            item = self._schema.key_item(*pair)
            lookup = self._schema.lookup_item(item)
            if lookup not in asked:
                asked[lookup] = key
                items.append(item)
        found: dict[Any, Record] = {}
        request = BatchGetItem(self.full_name, items, self._reads(consistent))
        for answered in self._stream(read_batches(request, self._patience)) if items else ():
            assert isinstance(answered, Answered)
            for _, item in answered.found:
                found[self._schema.lookup_item(item)] = self._record(item)
        return {key: found[lookup] for lookup, key in asked.items() if lookup in found}

    def save_many(self, records: Iterable[Record]) -> list[Record]:
        """Store whole records, whatever is there, and return them; of one key, the last wins.

        Records with a version field are saved conditionally, as by ``save``.

        Raises:
            ValidationError: A record cannot be stored; nothing was sent.
            BatchFailed: Some were not written; all others were.
        """
        by_key: dict[Any, Record] = {}
        for record in records:
            lookup = self._schema.lookup_item(self._schema.key_item(*self._schema.record_key(record)))
            by_key.pop(lookup, None)
            by_key[lookup] = record
        if self._codec.version is not None:
            return self._save_versioned(list(by_key.values()))
        writes = []
        for record in by_key.values():
            item = encode_record(self._schema, record)
            ref = (record, self._codec.loaded_values(record))
            writes.append(Write(self.full_name, self._schema.key_of(item), item, ref))
        self._write_all("save_many", writes)
        return list(by_key.values())

    def _save_versioned(self, records: list[Record]) -> list[Record]:
        saved, failures = [], []
        for record in records:
            try:
                saved.append(self.save(record))
            except DynamoException as error:
                key = self._schema.user_key(self._schema.key_item(*self._schema.record_key(record)))
                failures.append(Failure(key, error, record))
        if failures:
            raise BatchFailed("save_many", failures)
        return saved

    def delete_many(self, keys: Iterable[Key]) -> None:
        """Delete any number of records, whether they exist or not.

        Raises:
            BatchFailed: Some were not deleted; all others were.
        """
        items = {}
        for key in keys:
            item = self._schema.key_item(*self._schema.pair(key))
            items[self._schema.lookup_item(item)] = item
        self._write_all("delete_many", [Write(self.full_name, item) for item in items.values()])

    def _write_all(self, what: str, writes: list[Write]) -> None:
        """Carry out plain writes, letting each record know as soon as it is stored."""
        pending = dict.fromkeys(writes)
        failures: list[Failure] = []
        try:
            for event in self._stream(write_batches(writes, self._patience)):
                if isinstance(event, Written):
                    for done in event.writes:
                        pending.pop(done, None)
                        if done.ref is not None:
                            self._codec.remember(done.ref[0], done.item or {}, done.ref[1])
                elif isinstance(event, NotWritten):
                    pending.pop(event.write, None)
                    failures.append(self._failure(event.write, event.reason))
        except DynamoException as error:
            failures += [self._failure(write, error) for write in pending]
        if failures:
            raise BatchFailed(f"{what} of {self.table_name}", failures)

    def _failure(self, write: Write, reason: Exception) -> Failure:
        return Failure(self._schema.user_key(write.key), reason, write.ref[0] if write.ref else None)

    @property
    def _patience(self) -> float:
        return self._connection.policy.deadline_seconds

    def _stream(self, flow: Flow[Any]) -> Iterator[Any]:
        return self._connection.stream(flow)

    # --- queries ----------------------------------------------------------------------------

    def query(
        self,
        hash: Any = None,
        condition: Any = None,
        *,
        index: str | None = None,
        limit: int | None = None,
        reverse: bool = False,
        consistent: bool | None = None,
        attributes: Sequence[str] | None = None,
        query_filter: Mapping[str, Any] | Any = None,
        conditional_operator: str = "AND",
        max_page_size: int | None = None,
        **keywords: Any,
    ) -> Query[Record]:
        """Return a lazy query of the records of one hash value, in the order of the range key.

        Args:
            hash: Value of the hash key of the table or index, or a condition of boto3's ``Key``.
            condition: More conditions of boto3.
            index: Name of the index to read.
            limit: Number of results at most.
            reverse: Descending order.
            consistent: Strongly consistent reads.
            attributes: Fields to read; the records are partial then.
            query_filter: Keywords in a dict, or a condition of boto3's ``Attr``.
            conditional_operator: ``AND`` or ``OR`` between the keywords of *query_filter*.
            max_page_size: Items to read with one request at most.
            keywords: Conditions as ``range__gte=50``; those on other fields than keys filter.

        Raises:
            UnknownFieldError: A field that the records do not have.
            QueryError: Conditions that DynamoDB cannot use.
        """
        query = self._refined(
            Query(self._source()), index, limit, consistent, attributes, max_page_size
        ).reverse(reverse)
        if hasattr(hash, "get_expression"):
            query, hash = query.where(hash), None
        if hash is not None:
            query = query.hash(hash)
        query = query.where(condition, **keywords)
        if isinstance(query_filter, Mapping):
            return query.filter(conditional_operator=conditional_operator, **query_filter)
        return query if query_filter is None else query.filter(query_filter)

    def scan(
        self,
        condition: Any = None,
        *,
        index: str | None = None,
        limit: int | None = None,
        consistent: bool | None = None,
        attributes: Sequence[str] | None = None,
        conditional_operator: str = "AND",
        max_page_size: int | None = None,
        segment: int | None = None,
        total_segments: int | None = None,
        segments: int | None = None,
        **keywords: Any,
    ) -> Query[Record]:
        """Return a lazy scan of all records, in no order.

        Args:
            condition: A condition of boto3's ``Attr``.
            segment, total_segments: Read one of several segments.
            segments: Read that many segments in parallel.
            keywords: Conditions as ``city__eq="Oslo"``.
            index, limit, consistent, attributes, conditional_operator, max_page_size: As for
                ``query``.
        """
        scan: Query[Record] = self._refined(
            Query(self._source(), is_scan=True), index, limit, consistent, attributes, max_page_size
        )
        if segments is not None:
            scan = scan.segments(segments)
        if (segment is None) != (total_segments is None):
            raise QueryError("segment= and total_segments= go together")
        if segment is not None and total_segments is not None:
            scan = scan.segment(segment, total_segments)
        return scan.filter(condition, conditional_operator=conditional_operator, **keywords)

    def query_count(self, hash: Any = None, condition: Any = None, **keywords: Any) -> int:
        """Return the number of results of a query, without reading them into records."""
        return self.query(hash, condition, **keywords).count()

    def _refined(
        self,
        query: Query[Record],
        index: str | None,
        limit: int | None,
        consistent: bool | None,
        attributes: Sequence[str] | None,
        max_page_size: int | None,
    ) -> Query[Record]:
        if index is not None:
            query = query.index(index)
        if limit is not None:
            query = query.limit(limit)
        if consistent is not None:
            query = query.consistent(consistent)
        if attributes is not None:
            query = query.attributes(*attributes)
        return query if max_page_size is None else query.page_size(max_page_size)

    def _source(self) -> Source:
        return Source(
            self._schema,
            lambda: self.full_name,
            lambda: self._connection,
            self._opened.index_problems.get,
            self.consistent_read,
        )

    # --- mapping style ----------------------------------------------------------------------

    def __getitem__(self, key: Key) -> Record:
        return self.get(*self._schema.pair(key))

    def __setitem__(self, key: Key, record: Record) -> None:
        """Store a whole record under its key, whatever is there."""
        pair = self._schema.pair(key)
        mine = self._schema.key_item(*self._schema.record_key(record))
        if self._schema.lookup_item(mine) != self._schema.lookup_item(self._schema.key_item(*pair)):
            raise self._schema.invalid_key(*pair, "the record has another key")
        self.save(record, overwrite=True)

    def __delitem__(self, key: Key) -> None:
        self.delete(*self._schema.pair(key))

    def __contains__(self, key: Key) -> bool:
        return self.find(*self._schema.pair(key)) is not None

    __iter__: ClassVar[None] = None  # iterating would be a scan: say scan()

    # --- parts ------------------------------------------------------------------------------

    @property
    def _build(self) -> ExpressionBuilder:
        return ExpressionBuilder(self._codec)

    def _condition(self, condition: Any) -> Condition | None:
        return None if condition is None else self._build.condition(condition)

    def _token(self, exactly_once: bool, operation: PutItem | UpdateItem | DeleteItem) -> str | None:
        """Return a token where the write must go through a transaction to happen once."""
        if not exactly_once and not (
            self._connection.transport.retries_by_itself and operation.resend.value != "safe"
        ):
            return None
        return uuid.uuid4().hex


def _check_names(table_class: type[DynamoTable[Any]]) -> None:
    """Find misspelt keys when the class is made; types are checked when it is first used."""
    record_class = table_class.record_class
    if record_class.__dynamo_options__.schemaless:
        return
    fields = record_class.__dynamo_fields__
    for index in (None, *table_class.global_indexes, *table_class.local_indexes):
        parts = table_class.schema if index is None else index.parts
        for part in parts:
            if part.name not in fields:
                where = "schema" if index is None else f"index {index.name}"
                raise DynamoSchemaException(
                    f"{table_class.__name__}, {where}: {record_class.__name__} has no field "
                    f"{part.name!r}{closest(part.name, fields)}"
                )


def _wires(change: Update) -> list[str]:
    clauses = (*change.sets, *change.removes, *change.adds, *change.deletes)
    return [str(clause.path.steps[0]) for clause in clauses]
