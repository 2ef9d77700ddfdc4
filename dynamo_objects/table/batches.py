"""Many records at once: what is asked for, the flow that does it, and what came of it.

`Reading` runs by itself; the others have a ``flow`` to run and take note of what happens. Then they have the result.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import Any

import msgspec

from ..codec.structs import Quiet
from ..codec.values import Item
from ..connection.connection import Connection
from ..errors import BatchFailed, DynamoException, Failure, QueryError, ValidationError
from ..flows.base import Emit, Flow, Together
from ..flows.batching import Answered, NotWritten, Written, read_batches, write_batches
from ..flows.flushing import noted
from ..flows.planning import Save, encode_record, plan_save
from ..flows.saving import remember, save
from ..operations.batch import MAX_READS, BatchGetItem, Write
from ..operations.item import PutItem
from ..record import DynamoRecord, has_checks
from ..schema import TableSchema
from .verbs import Verbs

__all__ = ["Deleting", "Reading", "Saving"]


def _check_several(keys: Any, call: str) -> None:
    if isinstance(keys, str | bytes):
        raise QueryError(f"{call} takes several keys, got one text: write {call}([key])")


class Reading:
    """Reads any number of records by their keys.

    Raises:
        InvalidKeysException: Half a key, or a value of a wrong type.
    """

    def __init__(self, verbs: Verbs, keys: Iterable[Any], consistent: bool) -> None:
        _check_several(keys, "get_many")
        self._verbs = verbs
        self._consistent = consistent
        asked = list(keys)
        items = verbs.schema.quick_items(asked)
        #: Whether the keys as they were asked for are just what stands in the items.
        self._are_texts = items is not None and verbs.schema.has_text_keys and verbs.schema.range is not None
        #: Key as it was asked for -> its attributes.
        self._keys: dict[Any, Item] = (
            self._each(asked) if items is None else dict(zip(asked, items, strict=True))
        )
        #: The same keys, in their order -> record; None where there is none, or not yet.
        self._found: dict[Any, Any] = dict.fromkeys(self._keys)
        self._count = 0

    def _each(self, asked: list[Any]) -> dict[Any, Item]:
        """Return key -> attributes, one by one; of two spellings of one key, the first."""
        schema, seen, items = self._verbs.schema, set[Any](), dict[Any, Item]()
        for key in asked:
            pair = schema.pair(key)
            if schema.is_empty_key(*pair):
                continue
            item = schema.key_item(*pair)
            lookup = schema.lookup_item(item)
            if lookup not in seen:
                seen.add(lookup)
                items[key] = item
        return items

    def run(self, connection: Connection) -> None:
        """Read them all."""
        if not self._keys:
            return
        keys, refs, reader = list(self._keys.values()), list(self._keys), self._verbs.schema.codec.reader
        request = BatchGetItem(
            self._verbs.table, keys, self._consistent, refs=refs, are_texts=self._are_texts, reader=reader
        )
        first = None
        if len(keys) <= MAX_READS:
            first = connection.call(request)
            if not first.unprocessed:  # the usual case needs no flow
                self._take(first.refs, first.items)
                return
        for event in connection.stream(read_batches(request, connection.policy.deadline_seconds, first)):
            if isinstance(event, Answered):
                self._take(event.refs, event.items)

    def _take(self, refs: list[Any], items: list[Item]) -> None:
        self._found.update(zip(refs, self._verbs.records(items), strict=True))
        self._count += len(refs)

    @property
    def result(self) -> dict[Any, Any]:
        """Return key -> record of those that exist, in the order asked."""
        if self._count == len(self._found):
            return self._found
        return {key: record for key, record in self._found.items() if record is not None}


class _Stored(Quiet, frozen=True, eq=False):
    """Whose write it is, in a batch.

    Attributes:
        lookup: The key as a typed tuple.
        record: The record.
        loaded: Its immutable values at the time of planning.
    """

    unshown = frozenset({"record", "loaded"})

    lookup: Any
    record: Any
    loaded: tuple[Any, ...] | None


class _Saved(Quiet, frozen=True):
    """One guarded save was acknowledged."""

    unshown = frozenset({"record"})

    lookup: Any
    record: Any


class _NotSaved(msgspec.Struct, frozen=True):
    """One guarded save was not carried out, or its outcome is not known."""

    lookup: Any
    reason: DynamoException


def _save_one(lookup: Any, plan: Save) -> Flow[None]:
    try:
        record = yield from save(plan)
    except DynamoException as error:
        yield Emit(_NotSaved(lookup, error))
    else:
        yield Emit(_Saved(lookup, record))


class Saving:
    """Stores any number of records; of several with one key, the last.

    Raises:
        ValidationError: A record cannot be stored; nothing was sent.
        InvalidKeysException: A key is missing, or was changed after loading.
    """

    def __init__(self, verbs: Verbs, records: Iterable[Any]) -> None:
        if isinstance(records, DynamoRecord):
            raise QueryError("save_many takes several records: write save_many([record])")
        self._verbs = verbs
        self._is_guarded = verbs.schema.codec.version is not None
        #: Key -> record, in the order asked.
        self._records: dict[Any, Any] = {}
        #: Key -> what is to be done and was not done yet: one of the two is empty.
        self._plans: dict[Any, Save] = {}
        self._writes: dict[Any, Write] = {}
        self._take_all(records)
        for lookup, record in self._records.items():
            if lookup not in self._writes:
                self._plan(lookup, record)
        self._failures: dict[Any, Failure] = {}
        self._lock = threading.Lock()

    def _take_all(self, records: Iterable[Any]) -> None:
        """Take the records, of several with one key the last in its place, and plan the usual ones."""
        schema, table = self._verbs.schema, self._verbs.table
        kept, writes, plan = self._records, self._writes, self._verbs.plan_put
        record_class: Any = schema.codec.record_class
        checks, count = has_checks(record_class), 0
        for record in records:
            if type(record) is not record_class:
                schema.check_class(record)
            if checks:
                record._check_data()  # which may derive the key
            put = plan(record)
            if put is None:
                lookup = schema.lookup_item(schema.key_item(*schema.record_key(record)))
                kept[lookup] = record
            else:
                lookup, key, item, text, loaded = put
                kept[lookup] = record
                writes[lookup] = Write(table, key, item, _Stored(lookup, record, loaded), text)
            count += 1
            if len(kept) < count:  # there was one with this key
                count -= 1
                kept[lookup] = kept.pop(lookup)
                if put is None:
                    writes.pop(lookup, None)

    def _plan(self, lookup: Any, record: Any) -> None:
        schema, table = self._verbs.schema, self._verbs.table
        try:
            plan = plan_save(schema, table, record, overwrite=not self._is_guarded)
            if self._is_guarded:
                if plan is not None:
                    self._plans[lookup] = plan
                return
            if plan is None or not isinstance(plan.operation, PutItem):
                encode_record(schema, record)  # a partial record: says which field was not read
            assert plan is not None
            key, ref = schema.key_of(plan.item), _Stored(lookup, record, plan.loaded)
            self._writes[lookup] = Write(table, key, plan.item, ref)
        except ValidationError as error:
            error.add_note(f"the record with the key {_shown(schema, record)!r}; nothing was sent")
            raise

    def flow(self, patience_seconds: float) -> Flow[None]:
        """Return the flow that stores them; each record learns at once that it is stored."""
        return noted(self._flow(patience_seconds), self._take)

    def _flow(self, patience_seconds: float) -> Flow[None]:
        if self._is_guarded:
            plans = list(self._plans.items())
            yield Together(_save_one(lookup, plan) for lookup, plan in plans)
        else:
            yield from write_batches(list(self._writes.values()), patience_seconds)

    def _take(self, event: Any) -> None:
        with self._lock:
            match event:
                case Written(writes):
                    pending, table = self._writes, self._verbs.table
                    is_all = len(writes) == len(pending)
                    for write in writes:
                        stored = write.ref
                        if not is_all:
                            del pending[stored.lookup]
                        remember(stored.record, write.item, stored.loaded, table)
                    if is_all:
                        pending.clear()
                case _Saved(lookup, record):
                    del self._plans[lookup]
                    self._records[lookup] = record
                case NotWritten(write, reason):
                    self._failed(write.ref.lookup, reason)
                case _NotSaved(lookup, reason):
                    self._failed(lookup, reason)

    def _failed(self, lookup: Any, reason: DynamoException) -> None:
        plan = self._plans.pop(lookup, None) or self._writes.pop(lookup)
        key, record = self._verbs.schema.user_key(plan.item or {}), self._records[lookup]
        self._failures[lookup] = Failure(key, reason, record)

    def stop(self, error: DynamoException) -> None:
        """Count all that was not acknowledged as failed: *error* ended the flow."""
        for lookup in [*self._plans, *self._writes]:
            self._failed(lookup, error)

    @property
    def result(self) -> list[Any]:
        """Return the stored records.

        Raises:
            BatchFailed: Some were not written; all others were.
        """
        if self._failures:
            in_order = [self._failures[lookup] for lookup in self._records if lookup in self._failures]
            raise BatchFailed(f"save_many of {self._verbs.schema.table_name}", in_order)
        return list(self._records.values())


class Deleting:
    """Deletes any number of records by their keys, whether they exist or not."""

    def __init__(self, verbs: Verbs, keys: Iterable[Any]) -> None:
        _check_several(keys, "delete_many")
        self._verbs = verbs
        self._pending: dict[Any, Write] = {}
        self._failures: list[Failure] = []
        schema = verbs.schema
        for key in keys:
            pair = schema.pair(key)
            if not schema.is_empty_key(*pair):
                item = schema.key_item(*pair)
                lookup = schema.lookup_item(item)
                self._pending[lookup] = Write(verbs.table, item, None, lookup)

    def flow(self, patience_seconds: float) -> Flow[None]:
        """Return the flow that deletes them."""
        yield from write_batches(list(self._pending.values()), patience_seconds)

    def take(self, event: Any) -> None:
        """Take an event of the flow."""
        match event:
            case Written(writes):
                for write in writes:
                    self._pending.pop(write.ref)
            case NotWritten(write, reason):
                self._failed(self._pending.pop(write.ref), reason)

    def _failed(self, write: Write, reason: DynamoException) -> None:
        self._failures.append(Failure(self._verbs.schema.user_key(write.key), reason))

    def stop(self, error: DynamoException) -> None:
        """Count all that was not acknowledged as failed: *error* ended the flow."""
        for write in self._pending.values():
            self._failed(write, error)

    @property
    def result(self) -> None:
        """Return nothing.

        Raises:
            BatchFailed: Some were not deleted; all others were.
        """
        if self._failures:
            raise BatchFailed(f"delete_many of {self._verbs.schema.table_name}", self._failures)


def _shown(schema: TableSchema, record: Any) -> Any:
    hash, range = schema.record_key(record)
    return hash if schema.range is None else (hash, range)
