"""The words that cases are written in: Python values to attribute values, calls, expected answers."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import attrs

__all__ = [
    "ANYTHING", "AV", "SOME", "Answers", "Call", "Case", "Expected", "Fails", "Group", "Has", "Like", "absent", "av", "b",
    "batch_get", "batch_write", "bs", "call", "case", "condition_failed", "delete", "failing", "get", "invalid",
    "item", "missing", "n", "ns", "ok", "parameter", "put", "query", "scan", "ss", "stored", "transact",
    "transact_get", "update",
]  # fmt: skip

#: The shared tables: name -> names of key attributes (see ``tables``).
KEYS: Mapping[str, tuple[str, ...]] = {
    "hash": ("pk",), "range": ("pk", "sk"), "index": ("pk", "sk"), "binary": ("pk", "sk"), "number": ("pk",),
}  # fmt: skip


class AV(dict[str, Any]):
    """An attribute value as it goes over the wire, to tell it from a map."""


def n(text: object) -> AV:
    """Return a number, spelled as given."""
    return AV(N=str(text))


def b(raw: bytes) -> AV:
    """Return a binary."""
    return AV(B=b64encode(raw).decode())


def ss(*members: str) -> AV:
    """Return a set of texts."""
    return AV(SS=list(members))


def ns(*members: object) -> AV:
    """Return a set of numbers."""
    return AV(NS=[str(member) for member in members])


def bs(*members: bytes) -> AV:
    """Return a set of binaries."""
    return AV(BS=[b64encode(member).decode() for member in members])


def av(value: object) -> AV:
    """Return the attribute value of a Python value."""
    match value:
        case AV():
            return value
        case bool():
            return AV(BOOL=value)
        case None:
            return AV(NULL=True)
        case int() | Decimal():
            return n(value)
        case str():
            return AV(S=value)
        case bytes():
            return b(value)
        case dict():
            return AV(M=item(value))
        case list():
            return AV(L=[av(one) for one in value])
    raise TypeError(f"no attribute value for {value!r}")


def item(values: Mapping[str, object]) -> dict[str, AV]:
    """Return an item, or any map of attribute values."""
    return {name: av(value) for name, value in values.items()}


# --- what is expected ---------------------------------------------------------------------

#: Equals everything.
ANYTHING = object()
#: Equals every list that has members.
SOME = object()


@attrs.frozen
class Like:
    """A text that a pattern matches as a whole."""

    pattern: str

    def matches(self, text: object) -> bool:
        """Tell whether it does."""
        return isinstance(text, str) and re.fullmatch(self.pattern, text, re.DOTALL) is not None


@attrs.frozen
class Has:
    """An object with these members, and maybe others."""

    members: Mapping[str, Any]


@attrs.frozen
class Answers:
    """Success.

    Attributes:
        body: The whole reply: JSON, where sets have no order, with `Like`, `Has` and `ANYTHING` inside.
    """

    body: Any = ANYTHING


@attrs.frozen
class Fails:
    """An error.

    Attributes:
        code: Of AWS.
        message: Its text, or a pattern; None where AWS's wording is not known.
        members: Others that the reply has, as `CancellationReasons`; those named with None it has not.
    """

    code: str
    message: str | Like | None = None
    members: Mapping[str, Any] = attrs.field(factory=dict)


Expected = Answers | Fails


def ok(**body: Any) -> Answers:
    """Return a reply with these members and no others."""
    return Answers(body)


def invalid(message: str | Like | None = None) -> Fails:
    """Return the error of a request that is refused."""
    return Fails("ValidationException", message)


def parameter(reason: str) -> Fails:
    """Return the error of a parameter's value, in its most frequent wording."""
    return invalid(f"One or more parameter values were invalid: {reason}")


def missing(message: str | Like | None = "Requested resource not found") -> Fails:
    """Return the error of a table that does not exist."""
    return Fails("ResourceNotFoundException", message)


def condition_failed(**members: Any) -> Fails:
    """Return the error of a condition that is false."""
    return Fails("ConditionalCheckFailedException", "The conditional request failed", members)


def failing(*reasons: str | Mapping[str, Any]) -> Fails:
    """Return the error of a cancelled transaction: a code, or members, for each of its actions."""
    full = [Has({"Code": reason} if isinstance(reason, str) else reason) for reason in reasons]
    codes = ", ".join(str(reason.members["Code"]) for reason in full)
    text = f"Transaction cancelled, please refer cancellation reasons for specific reasons [{codes}]"
    return Fails("TransactionCanceledException", text, {"CancellationReasons": full})


# --- calls --------------------------------------------------------------------------------


@attrs.frozen
class Call:
    """One request: the operation and its members, or raw JSON text."""

    operation: str
    members: Any


def call(operation: str, **members: Any) -> Call:
    """Return a request with these members as they are."""
    return Call(operation, members)


def _key(table: str, key: object) -> dict[str, AV]:
    if isinstance(key, dict) and not isinstance(key, AV):
        return item(key)
    parts: Sequence[object] = key if isinstance(key, tuple) else (key,)
    return item(dict(zip(KEYS[table], parts, strict=True)))


def _expressed(
    more: Mapping[str, Any], values: Mapping[str, object] | None, names: Mapping[str, str] | None
) -> dict[str, Any]:
    members = dict(more)
    if values is not None:
        members["ExpressionAttributeValues"] = item(values)
    if names is not None:
        members["ExpressionAttributeNames"] = dict(names)
    return members


Values = Mapping[str, object] | None
Names = Mapping[str, str] | None


def put(
    table: str, values_of: Mapping[str, object], values: Values = None, names: Names = None, **more: Any
) -> Call:
    """Return a PutItem."""
    return Call("PutItem", {"TableName": table, "Item": item(values_of), **_expressed(more, values, names)})


def get(table: str, key: object, names: Names = None, **more: Any) -> Call:
    """Return a GetItem."""
    return Call("GetItem", {"TableName": table, "Key": _key(table, key), **_expressed(more, None, names)})


def delete(table: str, key: object, values: Values = None, names: Names = None, **more: Any) -> Call:
    """Return a DeleteItem."""
    return Call(
        "DeleteItem", {"TableName": table, "Key": _key(table, key), **_expressed(more, values, names)}
    )


def update(
    table: str,
    key: object,
    expression: str | None = None,
    values: Values = None,
    names: Names = None,
    **more: Any,
) -> Call:
    """Return an UpdateItem."""
    members = {"TableName": table, "Key": _key(table, key), **_expressed(more, values, names)}
    if expression is not None:
        members["UpdateExpression"] = expression
    return Call("UpdateItem", members)


def query(
    table: str, condition: str | None = None, values: Values = None, names: Names = None, **more: Any
) -> Call:
    """Return a Query."""
    members = {"TableName": table, **_expressed(more, values, names)}
    if condition is not None:
        members["KeyConditionExpression"] = condition
    return Call("Query", members)


def scan(
    table: str, expression: str | None = None, values: Values = None, names: Names = None, **more: Any
) -> Call:
    """Return a Scan."""
    members = {"TableName": table, **_expressed(more, values, names)}
    if expression is not None:
        members["FilterExpression"] = expression
    return Call("Scan", members)


def batch_write(puts: Mapping[str, Iterable[Mapping[str, object]]], **more: Any) -> Call:
    """Return a BatchWriteItem that puts items."""
    requests = {
        table: [{"PutRequest": {"Item": item(one)}} for one in several] for table, several in puts.items()
    }
    return Call("BatchWriteItem", {"RequestItems": requests, **more})


def batch_get(keys: Mapping[str, Iterable[object]], **more: Any) -> Call:
    """Return a BatchGetItem; further members go to each table."""
    asked = {
        table: {"Keys": [_key(table, one) for one in several], **more} for table, several in keys.items()
    }
    return Call("BatchGetItem", {"RequestItems": asked})


_ACTIONS = {
    "PutItem": "Put", "UpdateItem": "Update", "DeleteItem": "Delete", "GetItem": "Get",
    "ConditionCheck": "ConditionCheck",
}  # fmt: skip


def transact(*actions: Call, **more: Any) -> Call:
    """Return a TransactWriteItems of calls; for a ConditionCheck, `call("ConditionCheck", ...)`."""
    return Call("TransactWriteItems", {"TransactItems": [_action(one) for one in actions], **more})


def transact_get(*actions: Call, **more: Any) -> Call:
    """Return a TransactGetItems of GetItem calls."""
    return Call("TransactGetItems", {"TransactItems": [_action(one) for one in actions], **more})


def _action(one: Call) -> dict[str, Any]:
    return {_ACTIONS[one.operation]: one.members}


# --- cases --------------------------------------------------------------------------------


@attrs.frozen
class Case:
    """One request and AWS's answer.

    Attributes:
        name: What is asked, unique in its group.
        call: The request.
        expects: The answer.
        given: Requests before it, which succeed.
        then: Requests after it, each with its answer.
    """

    name: str
    call: Call
    expects: Expected
    given: tuple[Call, ...] = ()
    then: tuple[tuple[Call, Expected], ...] = ()


def _all(cases: Iterable[Case]) -> tuple[Case, ...]:
    return tuple(cases)


@attrs.frozen
class Group:
    """Cases of one subject.

    Attributes:
        name: Of the subject.
        source: Where AWS's answers are from.
        cases: The cases.
    """

    name: str
    source: str
    cases: tuple[Case, ...] = attrs.field(converter=_all)


def case(
    name: str,
    request: Call,
    expects: Expected,
    *,
    given: Iterable[Call] = (),
    then: Iterable[tuple[Call, Expected]] = (),
) -> Case:
    """Return a case."""
    return Case(name, request, expects, tuple(given), tuple(then))


def stored(table: str, key: object, values: Mapping[str, object]) -> tuple[Call, Expected]:
    """Return a question whether an item is stored just so."""
    return get(table, key, ConsistentRead=True), ok(Item=item(values))


def absent(table: str, key: object) -> tuple[Call, Expected]:
    """Return a question whether an item is absent."""
    return get(table, key, ConsistentRead=True), ok()
