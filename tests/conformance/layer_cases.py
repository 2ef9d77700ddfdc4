"""What AWS finds first, and in which of its wordings, as it answers since June 2026."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from .words import (
    AV,
    Call,
    Case,
    Expected,
    Group,
    Like,
    absent,
    av,
    b,
    batch_get,
    bs,
    call,
    case,
    delete,
    failing,
    get,
    invalid,
    item,
    missing,
    n,
    ns,
    ok,
    put,
    query,
    scan,
    ss,
    stored,
    transact,
    transact_get,
    update,
)

__all__ = ["GROUPS"]

# Cases are rows of tables, one a line.
# fmt: off

PARITY = "github.com/paritysuite/dynamodb-conformance (run on AWS in October 2026)"
ONE = "1 validation error detected: "
INVALID = "One or more parameter values were invalid: "

OVERFLOW = "Number overflow. Attempting to store a number with magnitude larger than supported range"
UNDERFLOW = "Number underflow. Attempting to store a number with magnitude smaller than supported range"
NO_NUMBER = "The parameter cannot be converted to a numeric value"
#: Number -> its messages in the current and in the older wording.
NUMBERS = {
    "abc": (f"{NO_NUMBER}: abc", f"{NO_NUMBER}: abc"), "": (f"{NO_NUMBER}: ", NO_NUMBER), "1e126": (OVERFLOW, OVERFLOW), "1e2147483647": (OVERFLOW, UNDERFLOW),
    "1e9223372036854775808": (f"{NO_NUMBER}: 1e9223372036854775808",) * 2, "0e126": (OVERFLOW, OVERFLOW), "0e-131": (UNDERFLOW, UNDERFLOW),
}
#: Sets with a member twice, and their messages in both wordings.
SETS = (
    (ss("b", "a", "b"), f'{INVALID}Input collection ["a", "b", "b"] contains duplicates.', f"{INVALID}Input collection [b, a, b] contains duplicates."),
    (AV(BS=["/w==", "AA==", "AA=="]), f'{INVALID}Input collection ["AA==","/w==","AA=="]of type BS contains duplicates.', f"{INVALID}Input collection [/w==, AA==, AA==]of type BS contains duplicates."),
    (ns(2, 1, 2), f"{INVALID}Input collection contains duplicates.", "Input collection contains duplicates"),
)


def _single(value: AV) -> Iterator[tuple[str, Call]]:
    """Yield single writes with a bad value in each place that one can stand in."""
    yield "an item", put("hash", {"pk": "a", "x": value})
    yield "a nested value", put("hash", {"pk": "a", "x": {"y": [value]}})
    yield "a condition of a put", put("hash", {"pk": "a"}, {":v": value}, ConditionExpression="x = :v")
    yield "Expected", put("hash", {"pk": "a"}, Expected={"x": {"Value": value}})
    yield "an update", update("hash", "a", "SET x = :v", {":v": value})
    yield "AttributeUpdates", update("hash", "a", AttributeUpdates={"x": {"Action": "PUT", "Value": value}})
    yield "the key of an update", update("hash", value, "REMOVE x")
    yield "the key of a delete", delete("hash", value)
    yield "a condition of a delete", delete("hash", "a", {":v": value}, ConditionExpression="x = :v")


def _reads(value: AV) -> Iterator[tuple[str, Call]]:
    yield "the key of a get", get("hash", value)
    yield "a key of a batch", batch_get({"hash": [value]})
    yield "a filter of a query", query("hash", "pk = :p", {":p": "a", ":v": value}, FilterExpression="x = :v")
    yield "a start key", query("hash", "pk = :p", {":p": "a"}, ExclusiveStartKey={"pk": value})


def _write(request: str, **members: Any) -> Call:
    return call("BatchWriteItem", RequestItems={"hash": [{request: members}]})


def values() -> Iterator[Case]:
    """Yield bad values in all places: which wording an operation has."""
    bad: list[tuple[str, AV, str, str]] = [(repr(text), n(text), *messages) for text, messages in NUMBERS.items()]
    bad += [(next(iter(value)), value, current, older) for value, current, older in SETS]
    for name, value, current, older in bad:
        for place, asked in _single(value):
            yield case(f"{name} in {place}", asked, invalid(ONE + current), then=[absent("hash", "a")])
        for place, asked in _reads(value):
            yield case(f"{name} in {place}", asked, invalid(current))
        yield case(f"{name} in a batch of writes", _write("PutRequest", Item=item({"pk": "a", "x": value})), invalid(older), then=[absent("hash", "a")])
        yield case(f"{name} in a scan", scan("hash", "x = :v", {":v": value}), invalid(f"ExpressionAttributeValues contains invalid value: {older} for key :v"))
        yield case(f"{name} in a transaction", transact(put("hash", {"pk": "a", "x": value})), invalid(older))
        yield case(f"{name} in an update of a transaction", transact(update("hash", "a", "SET x = :v", {":v": value})), invalid(f"ExpressionAttributeValues contains invalid value: {older} for key :v"))
        yield case(f"{name} in a get of a transaction", transact_get(get("hash", value)), invalid(older))
    for text in ("0e125", "0e-130"):
        yield case(f"{text} is zero", put("hash", {"pk": "a", "x": n(text)}), ok(), then=[stored("hash", "a", {"pk": "a", "x": n(0)})])
    null = f"{INVALID}Null attribute value types must have the value of true"
    yield case("NULL false", put("hash", {"pk": "a", "x": AV(NULL=False)}), invalid(ONE + null), then=[absent("hash", "a")])
    start = "The provided starting key is invalid: "
    for name, value, message in (("empty", AV(), f"{start}Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"), ("empty set", AV(SS=[]), f"{start}{INVALID}An string set  may not be empty")):
        yield case(f"a start key that is {name}", query("hash", "pk = :p", {":p": "a"}, ExclusiveStartKey={"pk": value}), invalid(message))


RCC = "Value 'BOGUS' at 'returnConsumedCapacity' failed to satisfy constraint: Member must satisfy enum value set: [INDEXES, TOTAL, NONE]"
METRICS = "Value 'BOGUS' at 'returnItemCollectionMetrics' failed to satisfy constraint: Member must satisfy enum value set: [SIZE, NONE]"
BOGUS = {"ReturnConsumedCapacity": "BOGUS"}
BOTH = {**BOGUS, "ReturnItemCollectionMetrics": "BOGUS"}
NAMES = "failed to satisfy constraint: Map keys must satisfy constraint: [Member must have length less than or equal to 255, Member must have length greater than or equal to 3, Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+]"


def batches() -> Iterator[Case]:
    """Yield what is found first in batches."""
    def writes(table: str, **more: Any) -> Call:
        return call("BatchWriteItem", RequestItems={table: [{"PutRequest": {"Item": item({"pk": "a"})}}]}, **more)

    def reads(table: str, **more: Any) -> Call:
        return call("BatchGetItem", RequestItems={table: {"Keys": [item({"pk": "a"})]}}, **more)

    for name, asked in (("write", writes), ("get", reads)):
        for table in ("hash", "nosuch"):
            yield case(f"{name}: an enumeration before {table}", asked(table, **BOGUS), invalid(ONE + RCC), then=[absent("hash", "a")])
        yield case(f"{name}: no such table", asked("nosuch"), missing())
    yield case("write: both enumerations", writes("hash", **BOTH), invalid(f"2 validation errors detected: {RCC}; {METRICS}"))
    yield case("write: an enumeration, not the name of a table", writes("bad!name", **BOGUS), invalid(ONE + RCC))
    yield case("write: the name of a table", writes("bad!name"), invalid(Like(r"1 validation error detected: Value '\{bad!name=\[WriteRequest\(putRequest=PutRequest\(item=\{pk=.+\}.*\)\]\}' at 'requestItems' failed to satisfy constraint: Map keys must .*")))
    shown = json.dumps({"bad!name": {"Keys": [{"pk": {"S": "a"}}]}}, separators=(",", ":"))
    yield case("get: the name of a table", reads("bad!name"), invalid(f"{ONE}Value '{shown}' at 'requestItems' {NAMES}"))
    yield case("get: the name of a table and an enumeration", reads("bad!name", **BOGUS), invalid(f"2 validation errors detected: Value '{shown}' at 'requestItems' {NAMES}; {RCC}"))
    least = "failed to satisfy constraint: Member must have length greater than or equal to 1"
    yield case("get: no tables", call("BatchGetItem", RequestItems={}), invalid(f"{ONE}Value at 'RequestItems' {least}"))
    yield case("get: no keys", call("BatchGetItem", RequestItems={"hash": {"Keys": []}}), invalid(f"{ONE}Value at 'RequestItems.hash.member.Keys' {least}"))
    yield case("write: no requests", call("BatchWriteItem", RequestItems={"hash": []}), invalid(f"{ONE}Value '{{hash=[]}}' at 'requestItems' failed to satisfy constraint: Map value must satisfy constraint: [Member must have length less than or equal to 25, Member must have length greater than or equal to 1]"))


DEEP = "Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond supported limit"
NO_NAME = "Empty attribute name"
SYNTAX = 'Invalid ConditionExpression: Syntax error; token: "=", near: "= = b"'


def _deep(levels: int) -> AV:
    value: Any = "x"
    for _ in range(levels):
        value = {"n": value}
    return av(value)


def transactions() -> Iterator[Case]:
    """Yield what is found first in transactions: actions one by one, whatever is wrong with them."""
    nameless = put("nosuch", {"pk": "a", "": "x"})
    wrong = put("nosuch", {"pk": "a"}, ConditionExpression="a = = b")
    unused = call("ConditionCheck", TableName="hash", Key=item({"pk": "c"}), ConditionExpression="attribute_not_exists(pk)", ExpressionAttributeValues=item({":v": "x"}))
    unused_value = "Value provided in ExpressionAttributeValues unused in expressions: keys: {:v}"
    deep_key = call("DeleteItem", TableName="nosuch", Key={"pk": _deep(100)})
    deep_put = put("nosuch", {"pk": "b", "d": _deep(40)})
    value = Like(f"(ExpressionAttributeValues contains invalid value: )?{DEEP}( for key :d)?")
    for name, actions, message in (
        ("deep, then nameless", (deep_put, nameless), DEEP), ("nameless, then deep", (nameless, put("nosuch", {"pk": "b", "d": _deep(100)})), NO_NAME),
        ("nameless and deep", (put("nosuch", {"pk": "a", "": "x", "d": _deep(100)}),), NO_NAME), ("deep and nameless", (put("nosuch", {"pk": "a", "d": _deep(100), "": "x"}),), NO_NAME),
        ("deep beside a nameless member", (put("nosuch", {"pk": "a", "m": {"": "x"}, "d": _deep(40)}),), DEEP),
        ("deep value, then nameless", (update("nosuch", {"pk": "a"}, "SET d = :d", {":d": _deep(40)}), nameless), value),
        ("deep key, then syntax", (call("DeleteItem", TableName="nosuch", Key={"pk": _deep(40)}), wrong), DEEP), ("syntax, then deep key", (wrong, deep_key), SYNTAX),
        ("syntax beside a very deep key", (call("DeleteItem", TableName="nosuch", Key={"pk": _deep(100)}, ConditionExpression="a = = b"),), SYNTAX),
        ("unused value after a missing table", (put("nosuch", {"pk": "a"}), unused), unused_value), ("unused value before a missing table", (unused, put("nosuch", {"pk": "a"})), unused_value),
        ("unused value, and one item twice", (put("hash", {"pk": "c"}), unused), unused_value),
    ):
        yield case(name, transact(*actions), invalid(message), then=[absent("hash", "c")])
    two = (put("hash", {"pk": "a"}), delete("hash", "a"))
    for name, actions in (("a missing table", (put("nosuch", {"pk": "a"}),)), ("one item twice", two)):
        yield case(f"an enumeration before {name}", transact(*actions, **BOGUS), invalid(ONE + RCC))
    yield case("both enumerations", transact(two[0], **BOTH), invalid(f"2 validation errors detected: {RCC}; {METRICS}"))
    yield case("an enumeration of gets", transact_get(get("nosuch", {"pk": "a"}), **BOGUS), invalid(ONE + RCC))
    yield case("only the first wrong key is a reason", transact(put("hash", {"pk": 7}), put("hash", {"pk": 8}), put("hash", {"pk": "x"}, ConditionExpression="attribute_exists(pk)")), failing("ValidationError", "None", "None"))
    index = {"pk": "a", "sk": "b"}
    text = "One or more parameter values are not valid. The update expression attempted to update a secondary index key to a value that is not supported. The AttributeValue for a key attribute cannot contain an empty string value."
    yield case("an empty key of an index", transact(update("index", index, "SET all_h = :v", {":v": ""})), invalid(text))
    yield case("a wrong key of an index", transact(update("index", index, "SET all_h = :v", {":v": 1})), failing({"Code": "ValidationError", "Message": f"{INVALID}Type mismatch for Index Key all_h Expected: S Actual: N IndexName: all"}))
    yield case("a projection that finds nothing", transact_get(get("hash", "a", ProjectionExpression="nothing")), ok(Responses=[{}]), given=[put("hash", {"pk": "a"})])
    yield case("over 4 MB of values", transact(*(update("hash", f"k{one}", "SET p = :p", {":p": "x" * 350_000}) for one in range(13))), invalid(Like(".*size cannot exceed.*")), then=[absent("hash", "k0")])


def single() -> Iterator[Case]:
    """Yield single operations: enumerations and expressions without a use."""
    old_values = "Value 'BOGUS' at 'returnValues' failed to satisfy constraint: Member must satisfy enum value set: [ALL_NEW, UPDATED_OLD, ALL_OLD, NONE, UPDATED_NEW]"
    yield case("ReturnValues beside a very deep key", delete("nosuch", {"pk": _deep(100)}, ReturnValues="BOGUS"), invalid(ONE + old_values))
    yield case("UPDATED_NEW beside a very deep value", delete("nosuch", {"pk": "a"}, {":d": _deep(100)}, ConditionExpression="x = :d", ReturnValues="UPDATED_NEW"), invalid("ReturnValues can only be ALL_OLD or NONE"))
    yield case("UPDATED_NEW of a delete", delete("hash", "a", ReturnValues="UPDATED_NEW"), invalid(f"{ONE}ReturnValues can only be ALL_OLD or NONE"))
    for name, asked in (("put", put("hash", {"pk": "a"}, {":v": 1})), ("delete", delete("hash", "a", {":v": 1}))):
        yield case(f"{name}: values without an expression", asked, invalid(f"{ONE}ExpressionAttributeValues can only be specified when using expressions"))
    yield case("query: SPECIFIC_ATTRIBUTES of nothing", query("hash", "pk = :p", {":p": "a"}, Select="SPECIFIC_ATTRIBUTES"), invalid(f"{ONE}Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES"))
    yield case("query: a start key of other attributes", query("range", "pk = :p", {":p": "a"}, ExclusiveStartKey=item({"x": "a"})), invalid("The provided starting key is invalid"))
    values = {":p": "a", ":v": 1, ":w": 5}
    yield case("query: three conditions", query("range", "pk = :p AND sk > :v AND x = :w", values), invalid("The number of query conditions (3) exceeds the number of key attributes defined in the schema (2)"))
    wrong = item({"pk": "a", "sk": "b", "all_h": 5})
    for name, of in (("put", put("index", wrong)), ("update", update("index", {"pk": "a", "sk": "b"}, "SET all_h = :v", {":v": 5}))):
        yield case(f"{name}: a wrong key of an index", of, invalid(f"{INVALID}Type mismatch for Index Key all_h Expected: S Actual: N IndexName: all"))


LIMIT = 409_600


def _target(first: str, *rest: str | int) -> int:
    return len(first) + sum(4 + len(str(one)) for one in rest)


def _operand(*steps: str | int) -> int:
    return 1 + sum(14 + len(str(one)) for one in steps)


def charges() -> Iterator[Case]:
    """Yield updates beside a long text: what each kind of clause counts, to the byte."""
    ten = "y" * 10
    rows: tuple[tuple[str, int, dict[str, Any], dict[str, Any]], ...] = (
        ("SET c = abcdefghij", 20 + _operand("abcdefghij"), {}, {"abcdefghij": ten}), ("SET c = m.z", 20 + _operand("m", "z"), {}, {"m": {"z": ten}}),
        ("SET c = l[10]", 20 + _operand("l", 10), {}, {"l": ["e"] * 10 + [ten]}), ("SET l = list_append(l, :v)", 20 + 37 + _operand("l") + 14, {":v": [ten]}, {"l": ["e"]}),
        ("SET c = if_not_exists(c, :v)", 20 + 39 + _operand("c") + 105, {":v": {"a": "y" * 100}}, {"c": "c"}), ("SET x = x + :v", 20 + 34 + _operand("x") + 2, {":v": 1}, {"x": n("12345678901234567890")}),
        ("SET x = x - :v", 20 + 37 + _operand("x") + 2, {":v": 1}, {"x": 1}), ("ADD abcdefghij :v", 19 + 10 + 2, {":v": 1}, {"abcdefghij": 1}),
        ("ADD ss :v", 19 + 2 + 500, {":v": ss("s" * 500, "p")}, {"ss": ss("p")}), ("REMOVE abcdefghij", 11, {}, {"abcdefghij": "r"}),
        ("REMOVE m.yyyyyyyyyy", 1 + _target("m", ten), {}, {"m": {ten: "r"}}), ("REMOVE l[10]", 1 + _target("l", 10), {}, {"l": ["e"] * 11}), ("DELETE ss :v", 3, {":v": ss("q")}, {"ss": ss("p", "q")}),
    )
    for clause, charge, values_, given in rows:
        expression = f"SET b = :pad, {clause[4:]}" if clause.startswith("SET ") else f"SET b = :pad {clause}"
        room = LIMIT - 3 - 20 - charge
        for padding, expected in ((room, ok()), (room + 1, invalid(Like(f"({ONE})?Item size to update has exceeded the maximum allowed size")))):
            asked = update("hash", "a", expression, {**values_, ":pad": "x" * padding})
            yield case(f"{clause} {'fits' if padding == room else 'is too much'}", asked, expected, given=[put("hash", {"pk": "a", **given})])
    huge = {":v": "h" * (LIMIT + 100)}
    too_big: Expected = invalid(Like(f"({ONE})?Item size to update has exceeded the maximum allowed size"))
    yield case("counts what is not stored", update("hash", "a", "SET c = if_not_exists(c, :v)", huge), too_big, given=[put("hash", {"pk": "a", "c": "x"})])
    yield case("comes before the condition", update("hash", "a", "SET c = :v", huge, ConditionExpression="attribute_exists(nope)"), too_big, given=[put("hash", {"pk": "a", "c": "x"})])
    yield case("AttributeUpdates count the item", update("hash", "a", AttributeUpdates={"b": {"Action": "PUT", "Value": av("x" * (LIMIT - 4))}}), ok())


def index_projection() -> Iterator[Case]:
    """Yield reads of what an index does not hold, and binaries in sets."""
    message = f"{INVALID}Global secondary index keys does not project [x]"
    yield case("query", query("index", "keys_h = :p", {":p": "a"}, IndexName="keys", ProjectionExpression="x"), invalid(message))
    yield case("scan", scan("index", IndexName="keys", ProjectionExpression="x"), invalid(message))
    yield case("an empty binary in a set", put("hash", {"pk": "a", "x": bs(b"", b"a"), "y": b(b"")}), ok(), then=[stored("hash", "a", {"pk": "a", "x": bs(b"", b"a"), "y": b(b"")})])


GROUPS = (
    Group("layers: values", f"{PARITY}, valueLayers.test.ts, numberExponent.test.ts; dynalite test/query.js", values()),
    Group("layers: batches", f"{PARITY}, batchOperations.test.ts, batchGetItem.test.ts, batchWriteItem.test.ts", batches()),
    Group("layers: transactions", f"{PARITY}, transactions.test.ts, deepRequests.test.ts; ScyllaDB test_transact.py", transactions()),
    Group("layers: single operations", f"{PARITY}, deepRequests.test.ts, deleteItem.test.ts, queryKeyConditionOperands.test.ts", single()),
    Group("layers: what updates count", f"{PARITY}, itemSizeBySurface.test.ts", charges()),
    Group("layers: indexes", f"{PARITY}, captures/cross-region-latest.json (September 2026)", index_projection()),
)
