"""Known differences of other engines from AWS, each with what tells it: dated rows.

A row explains a difference between our answer and another engine's. It never explains one
away by the operation alone: it looks at what was asked and what was answered.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence

import attrs

from .enginecalls_calls import Call
from .enginecalls_compare import Answer

__all__ = ["ROWS", "Row", "explained"]


@attrs.frozen
class Row:
    """One known difference.

    Attributes:
        name: What AWS does, and the other does not.
        engines: Which others.
        tells: Given the call, our answer, theirs and the kinds of difference, whether this is it.
        seen: When, in ISO form.
    """

    name: str
    engines: Sequence[str]
    tells: Callable[[Call, Answer, Answer, list[str]], bool]
    seen: str = "2026-11-20"


LOCAL, DYNOXIDE, SQLITE = "dynamodb-local", "dynoxide", "sqlite"


def _asked(call: Call) -> str:
    return json.dumps(call.members)


def _refused(pattern: str) -> Callable[[Call, Answer, Answer, list[str]], bool]:
    """Return a test for: we refuse with such a message, they do not."""
    matches = re.compile(pattern).search

    def tells(call: Call, mine: Answer, theirs: Answer, kinds: list[str]) -> bool:
        return kinds == ["code"] and (
            matches(mine.message) is not None
            or any(
                matches(str(reason.get("Message", ""))) for reason in mine.body.get("CancellationReasons", ())
            )
        )

    return tells


def _only(*names: str) -> Callable[[Call, Answer, Answer, list[str]], bool]:
    return lambda call, mine, theirs, kinds: set(kinds) <= set(names)


def _reasons(mine: Answer) -> list[str]:
    return [str(reason.get("Message", "")) for reason in mine.body.get("CancellationReasons", ())]


#: What may be wrong with an update of an item. Of several such things, DynamoDB Local tells one
#: in an order that is neither that of the text nor that of the names.
UPDATE_WORDS = frozenset({
    "The document path provided in the update expression is invalid for update",
    "The provided expression refers to an attribute that does not exist in the item",
    "An operand in the update expression has an incorrect data type",
    "Number overflow. Attempting to store a number with magnitude larger than supported range",
})  # fmt: skip
PATH_INVALID = "document path provided in the update expression is invalid"

ROWS: tuple[Row, ...] = (
    Row("paths that overlap are named, not others", (LOCAL,), lambda call, mine, theirs, kinds: kinds == ["message"] and "Two document paths" in mine.message and "Two document paths" in theirs.message),
    Row("a number is one key in every spelling", (LOCAL,), _refused("multiple operations on one item|contains duplicates")),
    Row("the table is read for what a local index never holds, not for what its items lack", (LOCAL,), lambda call, mine, theirs, kinds: kinds == ["ConsumedCapacity"] and call.members.get("IndexName", "").startswith("local")),
    Row("an index costs where it changes", (LOCAL,), lambda call, mine, theirs, kinds: kinds == ["ConsumedCapacity"] and call.operation in ("BatchWriteItem", "PutItem", "UpdateItem", "DeleteItem")),
    Row("a start key at the end of the range is in it (not known of AWS)", (LOCAL,), lambda call, mine, theirs, kinds: kinds == ["code"] and "ExclusiveStartKey" in call.members and not mine.code and theirs.message.endswith("does not match the range key predicate")),
    Row("an item that cannot be put cancels a transaction before its conditions (not known of AWS)", (LOCAL, DYNOXIDE), lambda call, mine, theirs, kinds: mine.code == theirs.code == "TransactionCanceledException" and "ValidationError" in mine.message and set(kinds) <= {"message", "CancellationReasons"}),
    Row("a global index answers with what it holds only", (LOCAL, DYNOXIDE), _refused("Global secondary index .* does not project")),
    Row("an index key of a type that no key has cancels a transaction", (LOCAL,), lambda call, mine, theirs, kinds: kinds == ["code"] and theirs.message == "Invalid attribute value type" and any("Type mismatch for Index Key" in text for text in _reasons(mine))),
    Row("of several things that are wrong, another comes first", (LOCAL,), lambda call, mine, theirs, kinds: kinds == ["message"] and call.operation in ("BatchWriteItem", "TransactWriteItems")),
    Row("a scan of an index filters by what the index holds (not known of AWS)", (LOCAL,), lambda call, mine, theirs, kinds: set(kinds) <= {"Count", "Items", "Order"} and call.operation == "Scan" and "IndexName" in call.members and "FilterExpression" in call.members),
    Row("a projection of a transaction's get that finds nothing gives no item", (LOCAL,), lambda call, mine, theirs, kinds: set(kinds) <= {"Responses", "ConsumedCapacity"} and call.operation == "TransactGetItems" and "ProjectionExpression" in _asked(call)),
    Row("a path into a key is found wherever it stands in a condition", (LOCAL,), lambda call, mine, theirs, kinds: kinds == ["code"] and (any("Key attributes must be scalars" in text for text in _reasons(mine)) or "Key attributes must be scalars" in theirs.message)),
    Row("arithmetic with too many digits cancels a transaction", (LOCAL,), lambda call, mine, theirs, kinds: kinds == ["code"] and mine.code == "TransactionCanceledException" and theirs.message.startswith("DynamoDB only supports precision")),
    Row("paths that overlap are refused", (DYNOXIDE,), _refused("Two document paths")),
    Row("of two things that are wrong with a transaction, another comes first", (DYNOXIDE,), lambda call, mine, theirs, kinds: kinds == ["code"] and mine.code == "TransactionCanceledException" and "multiple operations on one item" in theirs.message),
    Row("of several attributes that cannot be updated, another is told", (LOCAL,), lambda call, mine, theirs, kinds: kinds == ["message"] and call.operation == "UpdateItem" and mine.message in UPDATE_WORDS and theirs.message in UPDATE_WORDS),
    Row("the same, in a transaction", (LOCAL,), lambda call, mine, theirs, kinds: kinds == ["code"] and mine.code == "TransactionCanceledException" and theirs.message in UPDATE_WORDS and "ValidationError" in mine.message),
    Row("the filter is read before the key condition", (LOCAL,), lambda call, mine, theirs, kinds: kinds == ["message"] and "Invalid KeyConditionExpression" in mine.message and "Invalid FilterExpression" in theirs.message),
    Row("it breaks", (LOCAL,), lambda call, mine, theirs, kinds: theirs.code == "InternalFailure"),
    Row("a transaction is cancelled by an update that cannot be done", (LOCAL,), lambda call, mine, theirs, kinds: kinds == ["code"] and mine.code == "TransactionCanceledException" and theirs.code == "ValidationException" and theirs.message in _reasons(mine)),
    Row("a delete of nothing tells its capacity only when asked", (LOCAL,), lambda call, mine, theirs, kinds: kinds == ["ConsumedCapacity"] and call.operation == "DeleteItem" and "ReturnConsumedCapacity" not in call.members),
    Row("a batch's delete of nothing costs 1 unit", (LOCAL,), lambda call, mine, theirs, kinds: kinds == ["ConsumedCapacity"] and call.operation == "BatchWriteItem" and "DeleteRequest" in _asked(call)),
    Row("a path through nothing cannot be removed, in a transaction", (DYNOXIDE,), lambda call, mine, theirs, kinds: kinds == ["CancellationReasons"] and any(PATH_INVALID in text for text in _reasons(mine))),
    Row("UPDATED_OLD and UPDATED_NEW give the path alone", (LOCAL, DYNOXIDE), lambda call, mine, theirs, kinds: kinds == ["Attributes"] and call.members.get("ReturnValues", "").startswith("UPDATED_") and any(mark in call.members.get("UpdateExpression", "") for mark in ".[")),
    Row("transactions count twice, not four times", (LOCAL,), lambda call, mine, theirs, kinds: kinds == ["ConsumedCapacity"] and call.operation.startswith("Transact")),
    Row("what is absent costs in a batch get", (LOCAL,), lambda call, mine, theirs, kinds: kinds == ["ConsumedCapacity"] and call.operation == "BatchGetItem"),
    Row("a search that finds nothing costs a unit's least part", (LOCAL,), lambda call, mine, theirs, kinds: kinds == ["ConsumedCapacity"] and call.order is not None and mine.body["ScannedCount"] == 0),
    Row("failed conditions give the item outside of transactions", (LOCAL,), _only("Item")),
    Row("an update that only removes does not create the item", (LOCAL, DYNOXIDE), lambda call, mine, theirs, kinds: kinds == ["state"] and mine.body["after"] is None and set(theirs.body["after"]) <= {"p", "r"}),
    Row("the same, as it answers", (LOCAL, DYNOXIDE), lambda call, mine, theirs, kinds: kinds == ["Attributes"] and call.members.get("ReturnValues") == "ALL_NEW" and "Attributes" not in mine.body),
    Row("an index beyond the end of a list appends", (DYNOXIDE,), lambda call, mine, theirs, kinds: set(kinds) <= {"state", "Attributes"} and re.search(r"\[[0127]\](\.#?\w+)? (= |:v)", _asked(call)) is not None),
    Row("REMOVE of two elements counts before both", (DYNOXIDE,), lambda call, mine, theirs, kinds: set(kinds) <= {"state", "Attributes"} and _asked(call).count("[") > 3 and "REMOVE" in _asked(call)),
    Row("a path through nothing cannot be removed", (DYNOXIDE,), _refused(PATH_INVALID)),
    Row("operands are checked before items", (DYNOXIDE,), _refused("Incorrect operand type for operator or function|Invalid attribute type name|first operand must be distinct|BETWEEN operator requires")),
    Row("a projection of a transaction's get leaves the key out", (DYNOXIDE,), lambda call, mine, theirs, kinds: kinds == ["Responses"] and call.operation == "TransactGetItems" and "ProjectionExpression" in _asked(call)),
    Row("ALL_OLD of a new item is nothing", (DYNOXIDE,), lambda call, mine, theirs, kinds: kinds == ["Attributes"] and call.members.get("ReturnValues") == "ALL_OLD" and "Attributes" not in mine.body),
    Row("what an index costs is doubled in a transaction (not known of AWS)", (DYNOXIDE,), lambda call, mine, theirs, kinds: kinds == ["ConsumedCapacity"] and call.operation == "TransactWriteItems"),
    Row("numbers are one key in every spelling", (DYNOXIDE,), _refused("contains duplicates")),
    Row("local indexes fetch what they do not hold", (DYNOXIDE,), lambda call, mine, theirs, kinds: set(kinds) <= {"ConsumedCapacity", "Items", "Count", "Order"} and call.members.get("IndexName", "").startswith("local")),
    Row("paths into keys are refused", (DYNOXIDE,), _refused("Key attributes must be scalars")),
    Row("filters on what an index does not hold are refused", (DYNOXIDE,), _refused("does not project one or more filter attributes")),
    Row("start keys are checked", (DYNOXIDE,), _refused("starting key")),
    Row("a table with hash keys only has one item behind each", (DYNOXIDE,), lambda call, mine, theirs, kinds: theirs.code == "endless" or ("ExclusiveStartKey" in call.members and not mine.code and mine.body["ScannedCount"] == 0)),
    Row("expressions of a transaction are refused as a whole", (DYNOXIDE,), lambda call, mine, theirs, kinds: kinds == ["code"] and mine.code == "ValidationException" and theirs.code == "TransactionCanceledException" and re.match("(1 validation error detected: )?(Invalid|Value provided)", mine.message) is not None),
    Row("unused values are found before conditions are judged", (DYNOXIDE,), _refused("unused in expressions")),
    Row("begins_with tells capital letters", (LOCAL, DYNOXIDE), lambda call, mine, theirs, kinds: "code" not in kinds and "begins_with" in call.members.get("KeyConditionExpression", "")),
)  # fmt: skip


def explained(engine: str, call: Call, mine: Answer, theirs: Answer, kinds: list[str]) -> str | None:
    """Return the name of the row that explains a difference, or None."""
    for row in ROWS:
        if engine in row.engines and row.tells(call, mine, theirs, kinds):
            return row.name
    return None
