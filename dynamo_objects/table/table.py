"""DynamoTable: what users do with a table; the work itself is in `verbs` and `batches`."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, TypeVar, overload

from ..codec.values import Item
from ..errors import ConditionFailed, DynamoException, QueryError
from ..expressions.tree import Condition, Path
from ..flows.deciding import Case, OnConflict, check_on_conflict
from ..flows.planning import Save, plan_save
from ..flows.resolving import save_resolving
from ..flows.saving import explain, save, saved
from ..operations.item import GetItem
from .batches import Deleting, Reading, Saving
from .declared import Record
from .searching import Searching
from .verbs import Verbs

__all__ = ["DynamoTable"]

#: A key as users write it: the hash value, or the pair of hash and range value.
Key = Any

Default = TypeVar("Default")


class DynamoTable(Searching[Record]):
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

    #: Those of the table as it was opened last.
    _made_verbs: Verbs | None = None

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
        if create:
            self._verbs.check_creatable()
        record = self._find(hash, range, consistent)
        if record is not None:
            return record
        if not create:
            raise self._verbs.not_found(hash, range)
        return self._new_record(hash, range)

    @overload
    def find(
        self, hash: Any, range: Any = None, default: None = None, *, consistent: bool | None = None
    ) -> Record | None: ...
    @overload
    def find(
        self, hash: Any, range: Any, default: Default, *, consistent: bool | None = None
    ) -> Record | Default: ...
    @overload
    def find(
        self, hash: Any, range: Any = None, *, default: Default, consistent: bool | None = None
    ) -> Record | Default: ...
    def find(
        self, hash: Any, range: Any = None, default: Any = None, *, consistent: bool | None = None
    ) -> Any:
        """Return the record with this key, or *default*.

        Raises:
            InvalidKeysException: Half a key, or a value of a wrong type.
            DecodeError: The item cannot become a record.
        """
        record = self._find(hash, range, consistent)
        return default if record is None else record

    def _find(self, hash: Any, range: Any, consistent: bool | None) -> Record | None:
        verbs = self._verbs
        if consistent is None:
            consistent = self.consistent_read
        operation = verbs.get(hash, range, consistent)
        if operation is None:
            return None
        item = self._connection.call(operation)
        return None if item is None else verbs.record(item)

    def save(
        self,
        record: Record,
        overwrite: bool = False,
        condition: Any = None,
        *,
        exactly_once: bool = False,
        on_conflict: OnConflict = "raise",
    ) -> Record:
        """Save a record and return it (a frozen one with a version as a new instance).

        A new record must not exist yet. Of a loaded one only the changed fields are sent,
        and they must still be as they were loaded. Nothing changed: nothing is sent.

        Args:
            record: The record.
            overwrite: Save it whatever is stored.
            condition: What must hold besides: of boto3's ``Attr``, or keywords in a dict.
            exactly_once: Use a transaction, for twice the write units.
            on_conflict: What to do when somebody else changed or deleted the item, or has made
                it: ``raise``; take ``mine`` for the fields that I changed; take ``theirs``;
                ``merge`` by the rules of the fields; or a function of (base, mine, theirs), each
                a record or None, that returns the record to store, or None to give up.

        Raises:
            ItemExists: A new record's key is taken.
            ConflictError: Somebody else changed or deleted the item.
            ItemNotFound: It was deleted, and *on_conflict* is ``theirs``.
            ConditionFailed: *condition* is false.
            ValidationError: Values that cannot be stored; all problems together.
            OutcomeUnknown: The reply was lost; it may or may not be saved.
        """
        must = None if condition is None else self._condition(condition)
        if on_conflict != "raise":
            check_on_conflict(on_conflict, overwrite=overwrite)
        plan = plan_save(self._schema, self.full_name, record, overwrite=overwrite, condition=must)
        if plan is None:
            return record
        if on_conflict == "raise" and not exactly_once:
            return self._saved(plan)
        if on_conflict == "raise":
            flow = save(plan, _token(exactly_once))
        else:
            flow = save_resolving(Case.of(plan, on_conflict, must), _token(exactly_once))
        stored: Record = self._connection.run(flow)
        return stored

    def _saved(self, plan: Save) -> Record:
        """Carry out a save as the flow ``save`` does, without a flow in the usual case."""
        try:
            self._connection.call(plan.operation)
        except ConditionFailed as failed:
            refusal = failed
        else:
            stored: Record = saved(plan)
            return stored
        raise self._connection.run(explain(plan, refusal))

    def delete(
        self, hash: Any, range: Any = None, condition: Any = None, *, exactly_once: bool = False
    ) -> Record:
        """Delete a record and return it as it was.

        Raises:
            ItemNotFound: There is no such record.
            ConditionFailed: *condition* is false.
            OutcomeUnknown: The reply was lost; it may or may not be deleted.
        """
        must = self._condition(condition)
        flow = self._verbs.delete(hash, range, must, _token(exactly_once))
        deleted: Record = self._connection.run(flow)
        return deleted

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
            add: Field -> number to add, starting at the field's default, or members to add
                to a set.
            delete: Field -> members to take from a set.
            remove: Fields to remove; they load as their defaults.
            condition: What must hold: of boto3's ``Attr``, or keywords in a dict.
            exactly_once: Use a transaction, for twice the write units.

        Raises:
            ItemNotFound: There is no such record, and it cannot be created from the change.
            ConditionFailed: *condition* is false.
            OutcomeUnknown: The reply was lost, and the change must not be made twice.
        """
        verbs = self._verbs
        change = verbs.change(put, add, delete, remove)
        must = self._condition(condition)
        if exactly_once:
            updated: Record = self._connection.run(verbs.update(hash, range, change, must, _token(True)))
            return updated
        operation = verbs.plan_update(hash, range, change, must)
        try:
            updated = verbs.updated(self._connection.call(operation))
        except ConditionFailed as failed:
            refusal = failed
        else:
            return updated
        raise self._connection.run(verbs.explain_update(operation, refusal))

    def update_counter(
        self, hash: Any, range: Any = None, /, *, exactly_once: bool = False, **increments: Any
    ) -> dict[str, Any]:
        """Add to number fields, starting at their default where absent; return their new values.

        Raises:
            QueryError: No field is named, or one is not a number.
            ItemNotFound: There is no such record, and its class has other required fields.
            OutcomeUnknown: The reply was lost: the counters may have changed or not.
        """
        if not increments:
            raise QueryError("update_counter needs a field: update_counter(key, visits=1)")
        flow = self._verbs.count(hash, range, increments, _token(exactly_once))
        values: dict[str, Any] = self._connection.run(flow)
        return values

    # --- many records -----------------------------------------------------------------------

    def get_many(self, keys: Iterable[Key], *, consistent: bool | None = None) -> dict[Key, Record]:
        """Return key -> record for those of the keys that exist, in the order asked.

        Args:
            keys: Hash values, or pairs of hash and range value; any number.
            consistent: Whether to see all writes that were acknowledged before.
        """
        reading = Reading(self._verbs, keys, self._reads(consistent))
        reading.run(self._connection)
        return reading.result

    def save_many(self, records: Iterable[Record]) -> list[Record]:
        """Store whole records, whatever is there, and return them; of one key, the last wins.

        Records with a version field are saved conditionally, as by ``save``.

        Raises:
            ValidationError: A record cannot be stored; nothing was sent.
            BatchFailed: Some were not written; all others were.
        """
        saving = Saving(self._verbs, records)
        try:
            self._connection.run(saving.flow(self._patience))
        except DynamoException as error:
            saving.stop(error)
        return saving.result

    def delete_many(self, keys: Iterable[Key]) -> None:
        """Delete any number of records, whether they exist or not.

        Raises:
            BatchFailed: Some were not deleted; all others were.
        """
        deleting = Deleting(self._verbs, keys)
        try:
            for event in self._connection.stream(deleting.flow(self._patience)):
                deleting.take(event)
        except DynamoException as error:
            deleting.stop(error)
        return deleting.result

    # --- mapping style ----------------------------------------------------------------------

    def __getitem__(self, key: Key) -> Record:
        return self.get(*self._schema.pair(key))

    def __setitem__(self, key: Key, record: Record) -> None:
        """Store a whole record under its key, whatever is there."""
        self._schema.check_class(record)
        record._check_data()  # which may derive the key
        pair = self._schema.pair(key)
        mine = self._schema.key_item(*self._schema.record_key(record))
        if self._schema.lookup_item(mine) != self._schema.lookup_item(self._schema.key_item(*pair)):
            raise self._schema.invalid_key(*pair, "the record has another key")
        self.save(record, overwrite=True)

    def __delitem__(self, key: Key) -> None:
        self.delete(*self._schema.pair(key))

    def __contains__(self, key: Key) -> bool:
        """Tell whether there is an item with this key, without reading the rest of it."""
        operation = self._verbs.get(*self._schema.pair(key), self._reads(None))
        if operation is None:
            return False
        projection = (Path.of(self._schema.hash.wire),)
        found = self._connection.call(
            GetItem(operation.table, operation.key, operation.consistent, projection)
        )
        return found is not None

    __iter__: ClassVar[None] = None  # iterating would be a scan: say scan()

    # --- parts ------------------------------------------------------------------------------

    @property
    def _verbs(self) -> Verbs:
        name, made = self.full_name, self._made_verbs
        if made is None or made.table is not name:  # after a reconnect it may have another prefix
            made = self._made_verbs = Verbs(self._schema, name)
        return made

    @property
    def _patience(self) -> float:
        return self._connection.policy.deadline_seconds

    def _reads(self, consistent: bool | None) -> bool:
        return self.consistent_read if consistent is None else consistent

    def _record(self, item: Item) -> Record:
        record: Record = self._verbs.record(item)
        return record

    def _new_record(self, hash: Any, range: Any) -> Record:
        record: Record = self._verbs.new_record(hash, range)
        return record

    def _condition(self, condition: Any) -> Condition | None:
        return None if condition is None else self._verbs.build.condition(condition)


def _token(exactly_once: bool) -> str | None:
    """Return the token of a transaction, where a write must go through one."""
    return uuid.uuid4().hex if exactly_once else None
