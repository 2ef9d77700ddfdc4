"""UpdateItem: what updates do, what they return, what is refused."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .words import (
    Case,
    Expected,
    Group,
    Like,
    absent,
    bs,
    call,
    case,
    condition_failed,
    invalid,
    item,
    n,
    ns,
    ok,
    parameter,
    put,
    ss,
    stored,
    update,
)

__all__ = ["GROUPS"]

# Cases are rows of tables, one a line.
# fmt: off

SCYLLA = "ScyllaDB test_update_expression.py, test_returnvalues.py (run on AWS)"
DYNALITE = "dynalite test/updateItem.js (its authors ran it on AWS)"
GUIDE = "AWS Developer Guide, 'Using update expressions in DynamoDB'"

INVALID_PATH = "The document path provided in the update expression is invalid for update"
ABSENT = "The provided expression refers to an attribute that does not exist in the item"
WRONG_TYPE = "An operand in the update expression has an incorrect data type"

ITEM: Mapping[str, object] = {
    "n": 5, "s": "abc", "m": {"a": 1, "b": {"c": "x"}}, "l": ["a", "b", "c"], "st": ss("a", "b", "c"), "nu": ns(1, 2),
    "bset": bs(b"a", b"b"), "t": True, "nested": {"l": [1, {"x": 1}], "st": ss("p")},
}

#: (expression, values, names, what changes in ITEM; None removes)
DONE: tuple[tuple[str, Mapping[str, object] | None, Mapping[str, str] | None, Mapping[str, object]], ...] = (
    ("SET n = :v", {":v": 1}, None, {"n": 1}), ("set n=:v", {":v": "x"}, None, {"n": "x"}),
    ("SET x = n", None, None, {"x": 5}), ("SET x = n, n = :v", {":v": 1}, None, {"x": 5, "n": 1}),
    ("SET n = s, s = n", None, None, {"n": "abc", "s": 5}), ("SET x = m.b.c", None, None, {"x": "x"}),
    ("SET n = n + :v", {":v": 3}, None, {"n": 8}), ("SET n = :v - n", {":v": 3}, None, {"n": -2}),
    ("SET n = n - n", None, None, {"n": 0}), ("SET x = :a + :b", {":a": n("0.1"), ":b": n("0.2")}, None, {"x": n("0.3")}),
    ("SET x = (n + :v)", {":v": 1}, None, {"x": 6}), ("SET m.a = m.a + :v", {":v": 1}, None, {"m": {"a": 2, "b": {"c": "x"}}}),
    ("SET m.z = :v", {":v": 1}, None, {"m": {"a": 1, "b": {"c": "x"}, "z": 1}}),
    ("SET #m.#b.#c = :v", {":v": "y"}, {"#m": "m", "#b": "b", "#c": "c"}, {"m": {"a": 1, "b": {"c": "y"}}}),
    ("SET #d = :v", {":v": 1}, {"#d": "m.a"}, {"m.a": 1}), ("SET l[1] = :v", {":v": "z"}, None, {"l": ["a", "z", "c"]}),
    ("SET l[5] = :v", {":v": "z"}, None, {"l": ["a", "b", "c", "z"]}),
    ("SET l[9] = :v, l[7] = :w", {":v": "nine", ":w": "seven"}, None, {"l": ["a", "b", "c", "seven", "nine"]}),
    ("SET nested.l[1].x = :v", {":v": 2}, None, {"nested": {"l": [1, {"x": 2}], "st": ss("p")}}),
    ("SET l = list_append(l, :v)", {":v": ["d"]}, None, {"l": ["a", "b", "c", "d"]}),
    ("SET l = list_append(:v, l)", {":v": ["d"]}, None, {"l": ["d", "a", "b", "c"]}),
    ("SET x = list_append(l, l)", None, None, {"x": ["a", "b", "c", "a", "b", "c"]}),
    ("SET x = list_append(if_not_exists(x, :e), :v)", {":e": [], ":v": [1]}, None, {"x": [1]}),
    ("SET n = if_not_exists(n, :v)", {":v": 1}, None, {"n": 5}), ("SET x = if_not_exists(x, :v)", {":v": 1}, None, {"x": 1}),
    ("SET x = if_not_exists(n, :v)", {":v": 1}, None, {"x": 5}), ("SET x = if_not_exists(x, :v) + :w", {":v": 1, ":w": 2}, None, {"x": 3}),
    ("SET x = if_not_exists(x, if_not_exists(y, :v))", {":v": 1}, None, {"x": 1}), ("SET x = if_not_exists(x, n) - :v", {":v": 1}, None, {"x": 4}),
    ("REMOVE n", None, None, {"n": None}), ("remove n, s", None, None, {"n": None, "s": None}), ("REMOVE x", None, None, {}),
    ("REMOVE m.a", None, None, {"m": {"b": {"c": "x"}}}), ("REMOVE l[1]", None, None, {"l": ["a", "c"]}),
    ("REMOVE l[0], l[2]", None, None, {"l": ["b"]}), ("REMOVE l[9]", None, None, {}), ("REMOVE m.z", None, None, {}),
    ("REMOVE l[0] SET l[1] = :v", {":v": "z"}, None, {"l": ["z", "c"]}),
    ("ADD n :v", {":v": 3}, None, {"n": 8}), ("ADD x :v", {":v": 3}, None, {"x": 3}), ("ADD n :v", {":v": n("-5.5")}, None, {"n": n("-0.5")}),
    ("ADD st :v", {":v": ss("c", "d")}, None, {"st": ss("a", "b", "c", "d")}), ("ADD x :v", {":v": ss("c")}, None, {"x": ss("c")}),
    ("ADD nu :v", {":v": ns("2.0", 3)}, None, {"nu": ns(1, 2, 3)}), ("ADD bset :v", {":v": bs(b"c")}, None, {"bset": bs(b"a", b"b", b"c")}),
    ("ADD m.a :v", {":v": 1}, None, {"m": {"a": 2, "b": {"c": "x"}}}), ("ADD m.z :v", {":v": 1}, None, {"m": {"a": 1, "b": {"c": "x"}, "z": 1}}),
    ("DELETE st :v", {":v": ss("a", "z")}, None, {"st": ss("b", "c")}), ("DELETE st :v", {":v": ss("a", "b", "c")}, None, {"st": None}),
    ("DELETE nu :v", {":v": ns("1.00")}, None, {"nu": ns(2)}), ("DELETE x :v", {":v": ss("a")}, None, {}),
    ("DELETE nested.st :v", {":v": ss("p")}, None, {"nested": {"l": [1, {"x": 1}]}}),
    ("SET x = :v REMOVE n ADD y :w DELETE st :z", {":v": 1, ":w": 2, ":z": ss("a")}, None, {"x": 1, "n": None, "y": 2, "st": ss("b", "c")}),
    ("DELETE st :z ADD y :w REMOVE n SET x = n", {":w": 2, ":z": ss("a")}, None, {"x": 5, "n": None, "y": 2, "st": ss("b", "c")}),
    ("SET x = pk", None, None, {"x": "k"}), ("SET e = :v", {":v": ""}, None, {"e": ""}), ("SET e = :v", {":v": b""}, None, {"e": b""}),
    ("SET e = :v", {":v": []}, None, {"e": []}), ("SET e = :v", {":v": None}, None, {"e": None}),
)

#: (expression, values, names, message after "Invalid UpdateExpression: ")
REFUSED: tuple[tuple[str, Mapping[str, object] | None, Mapping[str, str] | None, str], ...] = (
    ("", None, None, "The expression can not be empty;"),
    ("SET a = :v SET b = :v", {":v": 1}, None, 'The "SET" section can only be used once in an update expression;'),
    ("REMOVE a SET b = c REMOVE e", None, None, 'The "REMOVE" section can only be used once in an update expression;'),
    ("ADD a :v ADD b :v", {":v": 1}, None, 'The "ADD" section can only be used once in an update expression;'),
    ("SET a = f(b)", None, None, "Invalid function name; function: f"),
    ("SET a = LIST_APPEND(:v, :v)", {":v": []}, None, "Invalid function name; function: LIST_APPEND"),
    ("SET a = attribute_exists(b)", None, None, "The function is not allowed in an update expression; function: attribute_exists"),
    ("SET a = size(b)", None, None, "The function is not allowed in an update expression; function: size"),
    ("SET a = list_append(list_append(:v, :v), :v)", {":v": []}, None, "The function is not allowed to be used this way in an expression; function: list_append"),
    ("SET status = :v", {":v": 1}, None, "Attribute name is a reserved keyword; reserved keyword: status"),
    ("REMOVE Absolute", None, None, "Attribute name is a reserved keyword; reserved keyword: Absolute"),
    ("SET a = :w", {":v": 1}, None, "An expression attribute value used in expression is not defined; attribute value: :w"),
    ("SET #a = :v", {":v": 1}, None, "An expression attribute name used in the document path is not defined; attribute name: #a"),
    ("SET a = if_not_exists(a)", None, None, "Incorrect number of operands for operator or function; operator or function: if_not_exists, number of operands: 1"),
    ("SET a = list_append(:v)", {":v": []}, None, "Incorrect number of operands for operator or function; operator or function: list_append, number of operands: 1"),
    ("SET a = list_append(:v, :v, :v)", {":v": []}, None, "Incorrect number of operands for operator or function; operator or function: list_append, number of operands: 3"),
    ("SET a = if_not_exists(:v, b)", {":v": 1}, None, "Operator or function requires a document path; operator or function: if_not_exists"),
    ("SET a = if_not_exists(if_not_exists(b, c), d)", None, None, "Operator or function requires a document path; operator or function: if_not_exists"),
    ("SET a = list_append(b, :v)", {":v": "x"}, None, "Incorrect operand type for operator or function; operator or function: list_append, operand type: S"),
    ("SET a = a + :v", {":v": "x"}, None, "Incorrect operand type for operator or function; operator or function: +, operand type: S"),
    ("SET a = :v - a", {":v": True}, None, "Incorrect operand type for operator or function; operator or function: -, operand type: BOOL"),
    ("SET a = a + :v", {":v": []}, None, "Incorrect operand type for operator or function; operator or function: +, operand type: L"),
    ("ADD a :v", {":v": "x"}, None, "Incorrect operand type for operator or function; operator: ADD, operand type: STRING"),
    ("ADD a :v", {":v": None}, None, "Incorrect operand type for operator or function; operator: ADD, operand type: NULL"),
    ("ADD a :v", {":v": b"x"}, None, "Incorrect operand type for operator or function; operator: ADD, operand type: BINARY"),
    ("ADD a :v", {":v": []}, None, "Incorrect operand type for operator or function; operator: ADD, operand type: LIST"),
    ("DELETE a :v", {":v": 1}, None, "Incorrect operand type for operator or function; operator: DELETE, operand type: NUMBER"),
    ("DELETE a :v", {":v": {}}, None, "Incorrect operand type for operator or function; operator: DELETE, operand type: MAP"),
    ("DELETE a :v", {":v": True}, None, "Incorrect operand type for operator or function; operator: DELETE, operand type: BOOLEAN"),
    ("SET a = :v, a = :v", {":v": 1}, None, "Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [a], path two: [a]"),
    ("SET a.b = :v, a = :v", {":v": 1}, None, "Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [a, b], path two: [a]"),
    ("SET a = b REMOVE a", None, None, "Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [a], path two: [a]"),
    ("REMOVE c, #c.a", None, {"#c": "c"}, "Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [c], path two: [c, a]"),
    ("SET c[3].#d = a, c[3] = a", None, {"#d": "[3]"}, "Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [c, [3], [3]], path two: [c, [3]]"),
    ("REMOVE a.c SET a[1] = d", None, None, "Two document paths conflict with each other; must remove or rewrite one of these paths; path one: [a, c], path two: [a, [1]]"),
)

NOT_PARSED = (
    "whatever", "INVALID SYNTAX HERE", "set a", "add a", "delete a", "set a=set", "remove a = b", "add a = b", "delete a b",
    "add a if_not_exist(b)", "remove a b", "set a b", "set :a = b", "add :a b", "remove :a", "set a = b / c",
    "set a[1] = 1", "set (a = (b + c))", "set a = (b.c).d + e", "set a = b + c + d", "SET a = _f(b)",
    "SET c = if_not_exists(c, a + b)", "SET _a = b", "SET 1a = b", "SET a-b = c", "SET a = b,", "SET", ", SET a = b",
    "SET if_not_exist(a, b) = a", "DELETE a = :b", "SET a[-1] = b", "SET a. = b",
)


def done() -> Iterator[Case]:
    """Yield updates of ITEM and the item after them."""
    for expression, values, names, changes in DONE:
        after = {"pk": "k", **ITEM, **changes}
        kept = {name: one for name, one in after.items() if name not in changes or changes[name] is not None or expression == "SET e = :v"}
        yield case(
            f"{expression} {values or ''}",
            update("hash", "k", expression, values, names),
            ok(),
            given=[put("hash", {"pk": "k", **ITEM})],
            then=[stored("hash", "k", kept)],
        )
    yield case("creates the item", update("hash", "k", "SET a = :v", {":v": 1}), ok(), then=[stored("hash", "k", {"pk": "k", "a": 1})])
    yield case("without any update", update("hash", "k"), ok(), then=[stored("hash", "k", {"pk": "k"})])
    yield case("REMOVE creates nothing", update("hash", "k", "REMOVE a"), ok(), then=[absent("hash", "k")])
    yield case("DELETE creates nothing", update("hash", "k", "DELETE a :v", {":v": ss("x")}), ok(), then=[absent("hash", "k")])


def refused() -> Iterator[Case]:
    """Yield updates that are refused."""
    for expression in NOT_PARSED:
        asked = update("hash", "k", expression)
        yield case(f"syntax {expression}", asked, invalid(Like("Invalid UpdateExpression: Syntax error; .*")))
    yield case("token and its neighbours", update("hash", "k", "INVALID SYNTAX HERE"), invalid('Invalid UpdateExpression: Syntax error; token: "INVALID", near: "INVALID SYNTAX"'))
    for expression, values, names, message in REFUSED:
        yield case(f"refused {expression} {values or ''}", update("hash", "k", expression, values, names), invalid(f"Invalid UpdateExpression: {message}"))
    for expression, values in (
        ("SET pk = :v", {":v": "x"}), ("REMOVE pk", None), ("ADD pk :v", {":v": 1}), ("SET a = :v, pk = :v", {":v": "x"}), ("SET pk.a = :v", {":v": 1}),
    ):
        yield case(f"key {expression}", update("hash", "k", expression, values), parameter("Cannot update attribute pk. This attribute is part of the key"))
    yield case("range key", update("range", ("k", 1), "SET sk = :v", {":v": 2}), parameter("Cannot update attribute sk. This attribute is part of the key"))
    yield case("over 4 KB", update("hash", "k", "SET " + ", ".join(f"attribute{number} = :v" for number in range(300)), {":v": 1}), invalid(Like("Invalid UpdateExpression: Expression size has exceeded the maximum allowed size;.*")))
    given = [put("hash", {"pk": "k", **ITEM})]
    after = [stored("hash", "k", {"pk": "k", **ITEM})]
    for expression, values, message in (
        ("SET a = x", None, ABSENT), ("SET a = x + :v", {":v": 1}, ABSENT), ("SET a = :v, b = a", {":v": 1}, ABSENT),
        ("SET a = list_append(x, :v)", {":v": []}, ABSENT), ("SET a = m.z", None, ABSENT), ("SET a = l[9]", None, ABSENT),
        ("SET a = s + :v", {":v": 1}, WRONG_TYPE), ("SET a = list_append(s, :v)", {":v": []}, WRONG_TYPE),
        ("SET a = if_not_exists(s, :v) + :v", {":v": 1}, WRONG_TYPE),
        ("ADD s :v", {":v": 1}, WRONG_TYPE), ("ADD n :v", {":v": ss("a")}, WRONG_TYPE), ("ADD st :v", {":v": ns(1)}, WRONG_TYPE),
        ("ADD st :v", {":v": 1}, WRONG_TYPE), ("DELETE st :v", {":v": ns(1)}, WRONG_TYPE), ("DELETE s :v", {":v": ss("a")}, WRONG_TYPE),
        ("SET x.y = :v", {":v": 1}, INVALID_PATH), ("SET x[0] = :v", {":v": 1}, INVALID_PATH), ("SET s.y = :v", {":v": 1}, INVALID_PATH),
        ("SET s[0] = :v", {":v": 1}, INVALID_PATH), ("SET l.y = :v", {":v": 1}, INVALID_PATH), ("SET m[0] = :v", {":v": 1}, INVALID_PATH),
        ("SET m.z.y = :v", {":v": 1}, INVALID_PATH), ("SET l[9].y = :v", {":v": 1}, INVALID_PATH), ("REMOVE x.y", None, INVALID_PATH),
        ("REMOVE x[0]", None, INVALID_PATH), ("REMOVE s.y", None, INVALID_PATH), ("REMOVE m[0]", None, INVALID_PATH),
        ("ADD x.y :v", {":v": 1}, INVALID_PATH), ("DELETE x.y :v", {":v": ss("a")}, INVALID_PATH),
    ):
        yield case(f"on an item {expression} {values or ''}", update("hash", "k", expression, values), invalid(message), given=given, then=after)
    yield case(
        "UpdateExpression and AttributeUpdates",
        update("hash", "k", "SET a = :v", {":v": 1}, AttributeUpdates={"a": {"Value": {"N": "1"}}}),
        invalid(
            "Can not use both expression and non-expression parameters in the same request: "
            "Non-expression parameters: {AttributeUpdates} Expression parameters: {UpdateExpression}"
        ),
    )
    yield case("unused value", update("hash", "k", "SET a = :v", {":v": 1, ":w": 1}), invalid("Value provided in ExpressionAttributeValues unused in expressions: keys: {:w}"))
    yield case("nothing is stored when the condition fails", update("hash", "k", "SET a = :v", {":v": 1}, ConditionExpression="attribute_exists(pk)"), condition_failed(Item=None), then=[absent("hash", "k")])
    yield case("value used in the condition only", update("hash", "k", "REMOVE a", {":v": 1}, ConditionExpression="n = :v"), condition_failed())


#: (expression, values, ALL_OLD is the item before, UPDATED_OLD, UPDATED_NEW; None: no Attributes)
RETURNED: tuple[tuple[str, Mapping[str, object] | None, Any, Any], ...] = (
    ("SET n = :v", {":v": 6}, {"n": 5}, {"n": 6}), ("SET n = :v", {":v": 5}, {"n": 5}, {"n": 5}),
    ("SET n = :v, x = :w", {":v": 6, ":w": 1}, {"n": 5}, {"n": 6, "x": 1}), ("SET x = :v", {":v": 6}, None, {"x": 6}),
    ("REMOVE n", None, {"n": 5}, None), ("REMOVE x", None, None, None), ("REMOVE n SET s = :v", {":v": "y"}, {"n": 5, "s": "abc"}, {"s": "y"}),
    ("ADD n :v", {":v": 2}, {"n": 5}, {"n": 7}), ("ADD st :v", {":v": ss("d")}, {"st": ss("a", "b", "c")}, {"st": ss("a", "b", "c", "d")}),
    ("DELETE st :v", {":v": ss("a", "b", "c")}, {"st": ss("a", "b", "c")}, None),
    ("SET m.a = :v", {":v": 2}, {"m": {"a": 1}}, {"m": {"a": 2}}), ("SET m.z = :v", {":v": 2}, None, {"m": {"z": 2}}),
    ("SET m.b.c = :v", {":v": "y"}, {"m": {"b": {"c": "x"}}}, {"m": {"b": {"c": "y"}}}),
    ("SET l[1] = :v", {":v": "z"}, {"l": ["b"]}, {"l": ["z"]}), ("SET l[0] = :v, l[2] = :w", {":v": "y", ":w": "z"}, {"l": ["a", "c"]}, {"l": ["y", "z"]}),
    ("SET l[9] = :v", {":v": "z"}, None, None), ("REMOVE l[1]", None, {"l": ["b"]}, {"l": ["c"]}), ("REMOVE m.a", None, {"m": {"a": 1}}, None),
    ("SET nested.l[1].x = :v, m.a = :v", {":v": 2}, {"nested": {"l": [{"x": 1}]}, "m": {"a": 1}}, {"nested": {"l": [{"x": 2}]}, "m": {"a": 2}}),
)


def returned() -> Iterator[Case]:
    """Yield the attributes that updates return."""
    before = {"pk": "k", **ITEM}
    given = [put("hash", before)]

    def attributes(values: Any) -> Expected:
        return ok() if values is None else ok(Attributes=item(values))

    for expression, values, old, new in RETURNED:
        for kind, expected in (("UPDATED_OLD", old), ("UPDATED_NEW", new)):
            yield case(f"{kind} {expression} {values or ''}", update("hash", "k", expression, values, ReturnValues=kind), attributes(expected), given=given)
    change = ("SET n = :v", {":v": 6})
    yield case("NONE", update("hash", "k", *change, ReturnValues="NONE"), ok(), given=given)
    yield case("ALL_OLD", update("hash", "k", *change, ReturnValues="ALL_OLD"), attributes(before), given=given)
    yield case("ALL_NEW", update("hash", "k", *change, ReturnValues="ALL_NEW"), attributes({**before, "n": 6}), given=given)
    yield case("ALL_OLD of a new item", update("hash", "k", *change, ReturnValues="ALL_OLD"), ok())
    yield case("ALL_NEW of a new item", update("hash", "k", *change, ReturnValues="ALL_NEW"), attributes({"pk": "k", "n": 6}))
    yield case("UPDATED_OLD of a new item", update("hash", "k", *change, ReturnValues="UPDATED_OLD"), ok())
    yield case("UPDATED_NEW of a new item", update("hash", "k", *change, ReturnValues="UPDATED_NEW"), attributes({"n": 6}))
    yield case("ALL_NEW of nothing removed", update("hash", "k", "REMOVE n", ReturnValues="ALL_NEW"), ok())
    yield case("ALL_NEW of no update", update("hash", "k", ReturnValues="ALL_NEW"), attributes({"pk": "k"}))
    yield case("UPDATED_NEW of no update", update("hash", "k", ReturnValues="UPDATED_NEW"), ok())
    yield case("unknown", update("hash", "k", *change, ReturnValues="DOG"), invalid(Like(".*enum value set.*")))
    yield case("small letters", update("hash", "k", *change, ReturnValues="none"), invalid(Like(".*enum value set.*")))
    for kind in ("UPDATED_OLD", "ALL_NEW", "UPDATED_NEW"):
        yield case(f"put {kind}", put("hash", {"pk": "k"}, ReturnValues=kind), invalid("ReturnValues can only be ALL_OLD or NONE"))
        yield case(f"delete {kind}", call("DeleteItem", TableName="hash", Key={"pk": {"S": "k"}}, ReturnValues=kind), invalid("ReturnValues can only be ALL_OLD or NONE"))
    yield case("put ALL_OLD", put("hash", {"pk": "k"}, ReturnValues="ALL_OLD"), attributes(before), given=given)
    yield case("put ALL_OLD of a new item", put("hash", {"pk": "k"}, ReturnValues="ALL_OLD"), ok())
    yield case("delete ALL_OLD", call("DeleteItem", TableName="hash", Key={"pk": {"S": "k"}}, ReturnValues="ALL_OLD"), attributes(before), given=given)
    yield case("delete ALL_OLD of no item", call("DeleteItem", TableName="hash", Key={"pk": {"S": "k"}}, ReturnValues="ALL_OLD"), ok())
    failed = update("hash", "k", *change, ConditionExpression="n > :v", ReturnValuesOnConditionCheckFailure="ALL_OLD")
    yield case("the item with a failed condition", failed, condition_failed(Item=item(before)), given=given)
    yield case("no item with a failed condition", update("hash", "k", *change, ConditionExpression="n > :v"), condition_failed(Item=None), given=given)


def index_keys() -> Iterator[Case]:
    """Yield updates of attributes that are index keys."""
    mismatch = "Type mismatch for Index Key {} Expected: {} Actual: {} IndexName: {}"
    key = ("k", "r")
    for expression, values, text in (
        ("SET all_h = :v", {":v": 1}, mismatch.format("all_h", "S", "N", "all")), ("SET all_r = :v", {":v": "x"}, mismatch.format("all_r", "N", "S", "all")),
        ("SET lall_r = :v", {":v": [1]}, mismatch.format("lall_r", "S", "L", "lall")), ("SET keys_h = :v", {":v": None}, mismatch.format("keys_h", "S", "NULL", "keys")),
    ):
        yield case(f"{expression} {values}", update("index", key, expression, values), parameter(text), then=[absent("index", key)])
    yield case(
        "copies a wrong type",
        update("index", key, "SET all_h = x"),
        invalid("The update expression attempted to update the secondary index key to unsupported type"),
        given=[put("index", {"pk": "k", "sk": "r", "x": 1})],
    )
    yield case(
        "empty text",
        update("index", key, "SET all_h = :v", {":v": ""}),
        invalid(
            "One or more parameter values are not valid. The update expression attempted to update a secondary index key to a value "
            "that is not supported. The AttributeValue for a key attribute cannot contain an empty string value."
        ),
    )
    yield case(
        "path into a key",
        update("index", key, "SET all_h.x = :v", {":v": "x"}),
        invalid("Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: IndexKey: all_h"),
    )
    for number, text in ((2048, None), (2049, "One or more parameter values were invalid: Size of hashkey has exceeded the maximum size limit of2048 bytes")):
        asked = update("index", key, "SET all_h = :v", {":v": "x" * number})
        yield case(f"index key of {number} bytes", asked, ok() if text is None else invalid(Like(".*")))


GROUPS = (
    Group("updates: done", f"{GUIDE}; {SCYLLA}; {DYNALITE}", done()),
    Group("updates: refused", f"{DYNALITE}; {SCYLLA}", refused()),
    Group("updates: return values", SCYLLA, returned()),
    Group("updates: index keys", f"{DYNALITE}; github.com/nubo-db/dynamodb-conformance, tier3/error-messages", index_keys()),
)
