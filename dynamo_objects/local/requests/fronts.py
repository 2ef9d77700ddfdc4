"""Which of a request's violations AWS reports, and how: its fronts differ from operation to operation.

In 2026 AWS brought a new front into use for single items, Query and BatchGetItem; the others
keep the old one, which reports all violations at once. The new one steps back to the old one
where a required member is missing, or values are nested very deeply.

Source: replies of AWS in eu-west-2 and us-east-1 between June and October 2026, as the Parity
Suite (paritysuite.org) captured them; names of tables in operations on tables: dynalite's tests.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from ..errors import invalid
from ..values import is_deeper
from .constraints import at_least, detected, map_keys, violations
from .kinds import NAME_PATTERN, Struct, Text, is_table_name
from .shapes import CAPACITY, CONDITIONAL_OPERATOR, RETURN_VALUES

__all__ = ["is_too_deep", "refuse"]

_NEW = frozenset({"GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query"})
_ON_TABLES = frozenset(
    {
        "CreateTable",
        "DescribeTable",
        "UpdateTable",
        "DeleteTable",
        "UpdateTimeToLive",
        "DescribeTimeToLive",
        "DescribeContinuousBackups",
    }
)
#: Levels of JSON that the new front reads: attribute values nested in 62 levels (Parity Suite).
_DEEPEST = 128
_NO_SUCH_VALUE = "Failed to satisfy constraint: Member must satisfy enum value set: "
#: The new front's words; the third and fourth names of the first are its own mistakes.
_NEW_RETURN_VALUES = f"{_NO_SUCH_VALUE}[ALL_OLD, UPDATED_OLD, ALL_NEW, UPDATE_NEW, NONE]"
_NEW_OPERATOR = f"{_NO_SUCH_VALUE}[ALL, OR]"


def refuse(operation: str, kind: Struct, request: dict[str, Any]) -> None:
    """Raise what AWS answers to a request of the right JSON types, or return if it is all right.

    Raises:
        ApiError: ValidationException.
    """
    if operation in _ON_TABLES:
        _refuse_table_name(operation, request)
    elif operation.startswith("Batch"):
        _refuse_batch(operation, request)
    elif operation in _NEW and _is_for_the_new_front(kind, request):
        _refuse_anew(operation, kind, request)
        return
    found = violations(kind, request)
    if operation == "BatchWriteItem" and any(_ENUM in message for message in found):
        found = [message for message in found if " Map keys must " not in message]  # gives way to them
    if found:
        raise detected(found)


#: As operations on tables look at it (aws-controllers-k8s, October 2026).
_TABLE_NAME = Text(3, 255, NAME_PATTERN, lengths_first=True)
_ENUM = " Member must satisfy enum value set: "


def _is_for_the_new_front(kind: Struct, request: Mapping[str, Any]) -> bool:
    is_whole = all(request.get(name) is not None for name in kind.required)
    return is_whole and not is_too_deep(request)


def is_too_deep(request: Mapping[str, Any]) -> bool:
    """Tell whether the values of a request are nested so deeply that the new front cannot read it."""
    return is_deeper(request, _DEEPEST)


def _refuse_table_name(operation: str, request: Mapping[str, Any]) -> None:
    name = request.get("TableName")
    if name is None:
        raise invalid("The parameter 'TableName' is required but was not present in the request")
    if len(name) < 3 or (len(name) > 255 and not name.startswith("arn:")):
        raise detected(violations(_TABLE_NAME, name, "tableName"))


def _refuse_batch(operation: str, request: Mapping[str, Any]) -> None:
    tables = request.get("RequestItems")
    if tables == {} and operation == "BatchGetItem":
        raise detected([f"Value at 'RequestItems' failed to satisfy constraint: {at_least(1)}"])
    if not tables:
        raise invalid(f"The requestItems parameter is required for {operation}")
    if operation == "BatchGetItem":
        _refuse_reads(request, tables)


def _refuse_reads(request: Mapping[str, Any], tables: Mapping[str, Any]) -> None:
    """Refuse what the new front finds in a BatchGetItem; it shows a request as JSON."""
    if not all(map(is_table_name, tables)):
        shown = msgspec.json.encode(tables).decode()
        message = f"Value '{shown}' at 'requestItems' failed to satisfy constraint: {map_keys()}"
        enums = violations(
            CAPACITY, request.get("ReturnConsumedCapacity") or "NONE", "returnConsumedCapacity"
        )
        raise detected([message, *enums])
    for name, wanted in tables.items():
        keys = None if wanted is None else wanted.get("Keys")
        if keys is not None and not 1 <= len(keys) <= 100:
            constraint = "Member must have length less than or equal to 100" if keys else at_least(1)
            raise detected(
                [f"Value at 'RequestItems.{name}.member.Keys' failed to satisfy constraint: {constraint}"]
            )


def _refuse_anew(operation: str, kind: Struct, request: Mapping[str, Any]) -> None:
    if not request["TableName"]:
        raise detected([f"Value at 'TableName' failed to satisfy constraint: {at_least(1)}"])
    named = violations(kind.members["TableName"], request["TableName"], "tableName")
    if named:
        raise detected(named)
    if request.get("ConditionalOperator", "AND") not in CONDITIONAL_OPERATOR.values:
        raise invalid(_NEW_OPERATOR) if operation == "Query" else detected([_NEW_OPERATOR])
    if operation == "UpdateItem" and request.get("ReturnValues", "NONE") not in RETURN_VALUES.values:
        raise detected([_NEW_RETURN_VALUES])
    found = [*_reworded(violations(kind, request))]
    if found:
        raise detected(found)


def _reworded(messages: list[str]) -> Iterator[str]:
    """Yield the old front's messages in the new one's words, as far as they are known."""
    for message in messages:
        if " at 'returnValues' " in message:
            yield _NEW_RETURN_VALUES
        elif " at 'limit' " in message:
            yield f"Value at 'Limit' {message[message.index('failed to') :]}"
        else:
            yield message
