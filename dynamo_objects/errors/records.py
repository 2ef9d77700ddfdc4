"""Errors about declarations, records, keys, queries and writes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from .base import DynamoException, Problem, closest

__all__ = [
    "BatchFailed",
    "ConditionFailed",
    "ConflictError",
    "CursorError",
    "DecodeError",
    "DynamoSchemaException",
    "Failure",
    "FieldNotLoaded",
    "InvalidKeysException",
    "ItemExists",
    "ItemNotFound",
    "MultipleItemsFound",
    "OutcomeUnknown",
    "QueryError",
    "UnknownFieldError",
    "ValidationError",
]


class DynamoSchemaException(DynamoException):
    """A declaration that cannot work, or a table that differs from its declaration."""


class UnknownFieldError(DynamoSchemaException, AttributeError, TypeError):
    """A field name that the record class does not have.

    Also an ``AttributeError`` and a ``TypeError``, which Python itself would raise
    on assignment and in a constructor.
    """

    def __init__(self, record_class: type, field: str, fields: Iterable[str]) -> None:
        self.record_class = record_class
        self.field = field
        super().__init__(f"{record_class.__name__} has no field {field!r}{closest(field, fields)}")


class FieldNotLoaded(DynamoSchemaException, AttributeError):
    """A partial record was asked for a field that its query did not read."""

    def __init__(self, record_class: type, field: str) -> None:
        self.record_class = record_class
        self.field = field
        super().__init__(
            f"{record_class.__name__}.{field} was not read: this record is partial, "
            f"read it by its key, or name the field in attributes="
        )


class InvalidKeysException(DynamoException):
    """Keys that are missing, empty, of a wrong type, too long, or changed after loading.

    Attributes:
        keys_data: key field name -> the value given, for every key of the table.
        empty_keys: The key fields without a value.
    """

    def __init__(self, record_class: type, keys_data: Mapping[str, Any], reason: str = "") -> None:
        self.record_class = record_class
        self.keys_data = dict(keys_data)
        self.empty_keys = [name for name, value in self.keys_data.items() if value in (None, "", b"")]
        message = f"Hash / range keys for {record_class!r} are invalid or empty: {self.keys_data}"
        super().__init__(f"{message}: {reason}" if reason else message)

    def is_empty_keys(self) -> bool:
        """Tell whether any key has no value."""
        return bool(self.empty_keys)


def _from_the_top(problems: Sequence[Problem]) -> tuple[Problem, ...]:
    """Return the problems with paths as users write them: without the first dot."""
    return tuple(Problem(p.path.removeprefix("."), p.reason) for p in problems)


class ValidationError(DynamoException, ValueError):
    """Values that cannot be stored. Nothing was sent; the record is as it was.

    Attributes:
        subject: What was checked, for example ``Store``.
        problems: All problems that were found.
    """

    def __init__(self, subject: str, problems: Sequence[Problem]) -> None:
        self.subject = subject
        self.problems = _from_the_top(problems)
        listed = "; ".join(map(str, self.problems))
        super().__init__(f"{subject} cannot be stored: {listed}" if subject else listed)


class DecodeError(DynamoException, ValueError):
    """A stored item that cannot become a record.

    Attributes:
        subject: The record class, with the key of the item when it is known.
        problems: All problems that were found, each with its path.
    """

    def __init__(self, subject: str, problems: Sequence[Problem]) -> None:
        self.subject = subject
        self.problems = _from_the_top(problems)
        listed = "; ".join(map(str, self.problems))
        super().__init__(f"cannot read {subject}: {listed}")


class QueryError(DynamoException, ValueError):
    """A query, a condition or an update that cannot work. Nothing was sent."""


class CursorError(QueryError):
    """A cursor that is damaged or belongs to another query."""


class ItemNotFound(DynamoException, KeyError):
    """No item has this key."""

    def __init__(self, table: str, key: object) -> None:
        self.table = table
        self.key = key
        super().__init__(f"{table} has no item with key {key!r}")

    def __str__(self) -> str:
        return str(self.args[0])  # KeyError would show the repr of the message


class MultipleItemsFound(DynamoException):
    """``one()`` found more than one record."""


class ConditionFailed(DynamoException):
    """The condition of a write was false: nothing was written.

    Attributes:
        table: Name of the table, as declared.
        key: Key of the item.
        item: The stored attribute values, or None where the service did not send them.
    """

    def __init__(self, message: str, *, table: str = "", key: object = None, item: Any = None) -> None:
        self.table = table
        self.key = key
        self.item = item
        super().__init__(message)


class ConflictError(ConditionFailed):
    """Somebody else changed or deleted the item since it was read. Nothing was written.

    Attributes:
        mine: The record that was to be saved, as it was (it stays unsaved).
        theirs: The record that is stored now; None when it is gone.
        base: The record as it was loaded; None for a new one.
        fields: Names of the fields that differ between base and theirs; of a merge those that
            both sides have changed, and that no rule decides.
        is_deleted: Whether the item is certainly gone.
    """

    mine: Any = None
    theirs: Any = None
    base: Any = None
    fields: tuple[str, ...] = ()
    is_deleted: bool = False


class ItemExists(ConflictError):
    """A new record was to be saved, but its key is taken. Nothing was written."""


class OutcomeUnknown(DynamoException):
    """The reply to a write was lost: it may or may not have happened.

    Sending it again could apply it twice. Read the item to see, or use
    ``exactly_once=True``, which goes through a transaction with one token.

    Attributes:
        table: Name of the table in the service, with its prefix.
        key: Key of the item, as attribute values.
    """

    def __init__(self, what: str, *, table: str = "", key: object = None) -> None:
        self.table = table
        self.key = key
        where = f" of {table} {key!r}" if table else ""
        super().__init__(
            f"{what}{where} may or may not have happened, its reply was lost: "
            f"read the item again, or use exactly_once=True"
        )


class Failure(msgspec.Struct, frozen=True):
    """One write of a batch or flush that did not happen.

    Attributes:
        key: The key, as the user writes it: the hash value, or the pair.
        reason: The error.
        record: The record, still unsaved; None for a deletion.
    """

    key: Any
    reason: Exception
    record: Any = None


class BatchFailed(DynamoException):
    """Some writes of a batch or flush did not happen; all others did.

    Attributes:
        failures: Key, reason and record of each write that did not happen.
        report: The report of the flush, or None.
    """

    #: How many keys the message names before it only counts.
    NAMED = 10

    def __init__(self, what: str, failures: Sequence[Failure], report: Any = None) -> None:
        self.failures = tuple(failures)
        self.report = report
        named = "; ".join(f"{f.key!r}: {f.reason}" for f in self.failures[: self.NAMED])
        more = len(self.failures) - self.NAMED
        rest = f"; and {more} more, see .failures" if more > 0 else ""
        super().__init__(f"{what}: {len(self.failures)} not written: {named}{rest}")
