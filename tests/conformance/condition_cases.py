"""Conditions and filters: what holds, and what is refused."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from .words import (
    AV,
    Answers,
    Case,
    Group,
    Has,
    Like,
    bs,
    call,
    case,
    condition_failed,
    delete,
    get,
    invalid,
    n,
    ns,
    ok,
    put,
    query,
    scan,
    ss,
    stored,
    update,
)

__all__ = ["GROUPS"]

# Cases are rows of tables, one a line.
# fmt: off

GUIDE = "AWS Developer Guide, 'Condition and filter expressions, operators, and functions'"

ITEM: Mapping[str, object] = {
    "pk": "k", "s": "abc", "n": 7, "f": n("7.50"), "t": True, "u": None, "bin": b"abc", "nil": [],
    "m": {"x": {"y": [1, "two", {"z": 3}]}, "s": ss("p", "q")}, "l": ["a", 1, ["deep"], b"abc"],
    "strings": ss("a", "b"), "numbers": ns(1, 2, 3), "bytes": bs(b"a", b"b"), "emoji": "a😀",
}

#: (expression, values, whether it holds for ITEM)
TRUTHS: tuple[tuple[str, Mapping[str, object], bool], ...] = (
    ("s = :v", {":v": "abc"}, True), ("s = :v", {":v": "abd"}, False), ("n = :v", {":v": n("7.0")}, True),
    ("n = :v", {":v": "7"}, False), ("f = :v", {":v": n("75e-1")}, True), ("s <> :v", {":v": 1}, True),
    ("gone <> :v", {":v": 1}, True), ("gone = :v", {":v": 1}, False), ("gone < :v", {":v": 1}, False),
    ("NOT gone < :v", {":v": 1}, True), ("n < :v", {":v": "8"}, False), ("n < :v", {":v": 8}, True),
    ("n > :v", {":v": n("6.9999999999999999999999999999999999999")}, True), ("s < :v", {":v": "abd"}, True),
    ("s >= :v", {":v": "abc"}, True), ("bin > :v", {":v": b"abb"}, True), ("bin < :v", {":v": b"abc\x00"}, True),
    ("t = :v", {":v": True}, True), ("t = :v", {":v": False}, False), ("u = :v", {":v": None}, True),
    ("strings = :v", {":v": ss("b", "a")}, True), ("numbers = :v", {":v": ns("3.0", 1, "2e0")}, True),
    ("bytes = :v", {":v": bs(b"b", b"a")}, True), ("strings = :v", {":v": ss("a")}, False),
    ("nil = :v", {":v": []}, True), ("l = :v", {":v": ["a", 1, ["deep"], b"abc"]}, True),
    ("l = :v", {":v": ["a", n("1.0"), ["deep"], b"abc"]}, True), ("m.s = :v", {":v": ss("q", "p")}, True),
    ("m.x.y[0] = :v", {":v": 1}, True), ("m.x.y[2].z = :v", {":v": 3}, True), ("m.x.y[9] = :v", {":v": 1}, False),
    ("l[2][0] = :v", {":v": "deep"}, True), ("s[0] = :v", {":v": "a"}, False), ("n.x = :v", {":v": 1}, False),
    ("n BETWEEN :a AND :b", {":a": 7, ":b": 7}, True), ("n BETWEEN :a AND :b", {":a": 8, ":b": 9}, False),
    ("s BETWEEN :a AND :b", {":a": "a", ":b": "b"}, True), ("s BETWEEN :a AND :b", {":a": 1, ":b": 2}, False),
    ("n IN (:a, :b)", {":a": 1, ":b": 7}, True), ("n IN (:a, :b)", {":a": "7", ":b": 8}, False),
    ("s IN (:a)", {":a": "abc"}, True), ("l IN (:a)", {":a": ["a", 1, ["deep"], b"abc"]}, True),
    ("gone IN (:a)", {":a": 1}, False), ("attribute_exists(s)", {}, True), ("attribute_exists(u)", {}, True),
    ("attribute_exists(m.x.y[2])", {}, True), ("attribute_exists(m.x.y[3])", {}, False),
    ("attribute_not_exists(m.q)", {}, True), ("attribute_not_exists(s)", {}, False),
    ("attribute_type(s, :t)", {":t": "S"}, True), ("attribute_type(s, :t)", {":t": "N"}, False),
    ("attribute_type(u, :t)", {":t": "NULL"}, True), ("attribute_type(strings, :t)", {":t": "SS"}, True),
    ("attribute_type(m.x, :t)", {":t": "M"}, True), ("attribute_type(gone, :t)", {":t": "S"}, False),
    ("attribute_type(bin, :t)", {":t": "B"}, True), ("attribute_type(t, :t)", {":t": "BOOL"}, True),
    ("begins_with(s, :p)", {":p": "ab"}, True), ("begins_with(s, :p)", {":p": "b"}, False),
    ("begins_with(s, :p)", {":p": "abc"}, True),
    ("begins_with(bin, :p)", {":p": b"ab"}, True), ("begins_with(bin, :p)", {":p": "ab"}, False),
    ("begins_with(n, :p)", {":p": "7"}, False), ("begins_with(gone, :p)", {":p": "a"}, False),
    ("contains(s, :p)", {":p": "bc"}, True), ("contains(s, :p)", {":p": "bd"}, False),
    ("contains(bin, :p)", {":p": b"bc"}, True), ("contains(s, :p)", {":p": 1}, False),
    ("contains(strings, :p)", {":p": "a"}, True), ("contains(numbers, :p)", {":p": n("2.0")}, True),
    ("contains(numbers, :p)", {":p": "2"}, False), ("contains(bytes, :p)", {":p": b"a"}, True),
    ("contains(l, :p)", {":p": "a"}, True), ("contains(l, :p)", {":p": ["deep"]}, True),
    ("contains(l, :p)", {":p": "deep"}, False), ("contains(m, :p)", {":p": "x"}, False),
    ("contains(gone, :p)", {":p": "x"}, False), ("contains(:p, s)", {":p": "xabcx"}, True),
    ("size(s) = :v", {":v": 3}, True), ("size(bin) = :v", {":v": 3}, True), ("size(strings) = :v", {":v": 2}, True),
    ("size(l) = :v", {":v": 4}, True), ("size(m) = :v", {":v": 2}, True),
    ("size(n) > :v", {":v": 0}, False), ("size(t) > :v", {":v": 0}, False), ("size(u) >= :v", {":v": 0}, False),
    ("size(gone) > :v", {":v": -1}, False), ("size(m.x.y) = :v", {":v": 3}, True),
    ("size(s) BETWEEN :a AND :b", {":a": 3, ":b": 4}, True), ("size(emoji) = :v", {":v": 3}, True),
    ("n < size(l)", {}, False), ("s = :v AND n = :w", {":v": "abc", ":w": 7}, True),
    ("s = :v AND n = :w", {":v": "abc", ":w": 8}, False), ("s = :v OR n = :w", {":v": "x", ":w": 7}, True),
    ("NOT s = :v", {":v": "x"}, True), ("NOT (s = :v OR n = :w)", {":v": "x", ":w": 7}, False),
    ("s = :x OR s = :y AND n = :z", {":x": "abc", ":y": "abc", ":z": 0}, True),
    ("(s = :x OR s = :y) AND n = :z", {":x": "abc", ":y": "abc", ":z": 0}, False),
    ("NOT s = :x AND n = :z", {":x": "abc", ":z": 7}, False), ("not(s = :x)and(n = :z)", {":x": "q", ":z": 7}, True),
    ("NOT NOT s = :x", {":x": "abc"}, True), ("s between :a and :b or n in (:c)", {":a": "x", ":b": "y", ":c": 7}, True),
    (":a = :b", {":a": 1, ":b": 1}, True), (":a = n", {":a": 7}, True), (":a > n", {":a": 8}, True),
    ("n = f", {}, False), ("s <> bin", {}, True), ("l[0] = m.x.y[1]", {}, False),
    ("numbers < :v", {":v": 5}, False), ("t <= :v", {":v": 1}, False),
)


def truths() -> Iterator[Case]:
    """Yield a filter and a condition for each row."""
    for expression, values, holds in TRUTHS:
        shown = f"{expression} {list(values.values())}"
        found = Answers(Has({"Count": int(holds), "ScannedCount": 1}))
        yield case(f"filter {shown}", scan("hash", expression, values or None), found, given=[put("hash", ITEM)])
    for expression, values, holds in TRUTHS[::4]:
        shown = f"{expression} {list(values.values())}"
        asked = delete("hash", "k", values or None, ConditionExpression=expression)
        yield case(
            f"condition {shown}", asked, ok() if holds else condition_failed(), given=[put("hash", ITEM)]
        )


SYNTAX = "dynalite test/scan.js (its authors ran it on AWS)"

#: Filters that are no expressions.
NOT_PARSED = (
    "things are not gonna be ok", "a > 4", "attribute_exists(Pictures-RearView)", "a in b, c", "a > between", "a in b",
    "a in (b,c,)", "(a)between(b.c.d)and((c)", "#$.b > a", "a > :things.stuff", "b[:a] > a", "b[#_] > a", "ü > a",
    "size(a).b > a", "size(a)[0] > a", "attribute_exists(Pictures..RearView)", "_a = b", "a == b", "a != b",
    "a = b AND", "AND a = b", "a = b a = c", "a[-1] = b", "a[x] = b", "a[1.5] = b", "a =", "1a = b", "a = 'b'",
)

#: (expression, names, values, message after "Invalid FilterExpression: ")
REFUSED: tuple[tuple[str, Mapping[str, str] | None, Mapping[str, object] | None, str], ...] = (
    ("", None, None, "The expression can not be empty;"),
    ("((a = b))", None, None, "The expression has redundant parentheses;"),
    ("a=b AND ((a=c AND b=c))", None, None, "The expression has redundant parentheses;"),
    ("f(a) = b", None, None, "Invalid function name; function: f"),
    ("ATTRIBUTE_EXISTS(a)", None, None, "Invalid function name; function: ATTRIBUTE_EXISTS"),
    ("if_not_exists(a, b) = c", None, None, "The function is not allowed in a (condition|filter) expression; function: if_not_exists"),
    ("attribute_exists(a) = b", None, None, "The function is not allowed to be used this way in an expression; function: attribute_exists"),
    ("attribute_type(x, :a) > b", None, None, "The function is not allowed to be used this way in an expression; function: attribute_type"),
    ("size(x)", None, None, "The function is not allowed to be used this way in an expression; function: size"),
    ("x in (b, attribute_exists(c))", None, None, "The function is not allowed to be used this way in an expression; function: attribute_exists"),
    ("size(contains(x, b)) > c", None, None, "The function is not allowed to be used this way in an expression; function: contains"),
    ("status = :v", None, {":v": 1}, "Attribute name is a reserved keyword; reserved keyword: status"),
    (":v < abOrT", None, {":v": 1}, "Attribute name is a reserved keyword; reserved keyword: abOrT"),
    ("x.status = :v", None, {":v": 1}, "Attribute name is a reserved keyword; reserved keyword: status"),
    ("#a = :v", None, {":v": 1}, "An expression attribute name used in the document path is not defined; attribute name: #a"),
    ("a.#x = :v", {"#y": "y"}, {":v": 1}, "An expression attribute name used in the document path is not defined; attribute name: #x"),
    ("x = :v", None, None, "An expression attribute value used in expression is not defined; attribute value: :v"),
    ("x = :v", None, {":w": 1}, "An expression attribute value used in expression is not defined; attribute value: :v"),
    ("attribute_exists(x, y)", None, None, "Incorrect number of operands for operator or function; operator or function: attribute_exists, number of operands: 2"),
    ("attribute_type(x)", None, None, "Incorrect number of operands for operator or function; operator or function: attribute_type, number of operands: 1"),
    ("begins_with(x)", None, None, "Incorrect number of operands for operator or function; operator or function: begins_with, number of operands: 1"),
    ("contains(x)", None, None, "Incorrect number of operands for operator or function; operator or function: contains, number of operands: 1"),
    ("size(x, y) > z", None, None, "Incorrect number of operands for operator or function; operator or function: size, number of operands: 2"),
    ("attribute_type(x, :v)", None, {":v": 1}, "Incorrect operand type for operator or function; operator or function: attribute_type, operand type: N"),
    ("begins_with(x, :v)", None, {":v": 1}, "Incorrect operand type for operator or function; operator or function: begins_with, operand type: N"),
    ("begins_with(x, :v)", None, {":v": ss("a")}, "Incorrect operand type for operator or function; operator or function: begins_with, operand type: SS"),
    ("begins_with(:v, x)", None, {":v": None}, "Incorrect operand type for operator or function; operator or function: begins_with, operand type: NULL"),
    ("size(:v) > x", None, {":v": True}, "Incorrect operand type for operator or function; operator or function: size, operand type: BOOL"),
    ("x < :v", None, {":v": True}, "Incorrect operand type for operator or function; operator or function: <, operand type: BOOL"),
    ("x >= :v", None, {":v": ss("a")}, "Incorrect operand type for operator or function; operator or function: >=, operand type: SS"),
    ("x > :v", None, {":v": []}, "Incorrect operand type for operator or function; operator or function: >, operand type: L"),
    ("attribute_exists(:v)", None, {":v": "a"}, "Operator or function requires a document path; operator or function: attribute_exists"),
    ("attribute_not_exists(size(:v))", None, {":v": "a"}, "Operator or function requires a document path; operator or function: attribute_not_exists"),
    ("x = x", None, None, "The first operand must be distinct from the remaining operands for this operator or function; operator: =, first operand: [x]"),
    ("x <> #x", {"#x": "x"}, None, "The first operand must be distinct from the remaining operands for this operator or function; operator: <>, first operand: [x]"),
    ("contains(p.q[1].z, p.q[1].#z)", {"#z": "z"}, None, "The first operand must be distinct from the remaining operands for this operator or function; operator: contains, first operand: [p, q, [1], z]"),
    ("x BETWEEN :b AND :a", None, {":a": 1, ":b": 2}, "The BETWEEN operator requires upper bound to be greater than or equal to lower bound; lower bound operand: .*N.*2.*, upper bound operand: .*N.*1.*"),
    ("x BETWEEN :b AND :a", None, {":a": 1, ":b": "a"}, "The BETWEEN operator requires same data type for lower and upper bounds; lower bound operand: .*S.*a.*, upper bound operand: .*N.*1.*"),
)


def empties() -> Iterator[Case]:
    """Yield conditions on empty texts and binaries, which exist since May 2020."""
    given = [put("hash", {"pk": "k", "s": "", "b": b"", "t": "abc"})]
    for expression, values, holds in (
        ("s = :v", {":v": ""}, True), ("s < :v", {":v": "a"}, True), ("b = :v", {":v": b""}, True),
        ("size(s) = :v", {":v": 0}, True), ("size(b) = :v", {":v": 0}, True), ("begins_with(t, :v)", {":v": ""}, True),
        ("contains(t, :v)", {":v": ""}, True), ("begins_with(s, :v)", {":v": ""}, True), ("s = b", {}, False),
    ):
        shown = f"{expression} {list(values.values())}"
        found = Answers(Has({"Count": int(holds)}))
        yield case(f"empty {shown}", scan("hash", expression, values or None), found, given=given)


def _like(message: str) -> str | Like:
    """Return a pattern where part of a text is not known for sure."""
    if ".*" not in message and "|" not in message:
        return message
    return Like(message.replace("(condition", "\0").replace("(", r"\(").replace("\0", "(condition"))


def refusals() -> Iterator[Case]:
    """Yield filters that are refused."""
    for expression in NOT_PARSED:
        yield case(
            f"syntax {expression}",
            scan("hash", expression),
            invalid(Like("Invalid FilterExpression: Syntax error; token: .*, near: .*")),
        )
    for expression, names, values, message in REFUSED:
        yield case(
            f"refused {expression} {values or ''}",
            scan("hash", expression, values, names),
            invalid(_like(f"Invalid FilterExpression: {message}")),
        )
    yield case(
        "attribute_type of an unknown type",
        scan("hash", "attribute_type(x, :v)", {":v": "DOG"}),
        invalid(
            Like(r"Invalid FilterExpression: Invalid attribute type name found; type: DOG, valid types: \{.*\}")
        ),
    )
    for count, expected in ((99, ok(Count=0, ScannedCount=0, Items=[])), (101, invalid())):
        many = {f":v{number}": number for number in range(count)}
        yield case(f"IN with {count} options", scan("hash", f"x IN ({', '.join(many)})", many), expected)
    long = " OR ".join(["x = :v"] * 600)
    yield case("an expression over 4 KB", scan("hash", long, {":v": 1}), invalid(Like("Invalid FilterExpression: Expression size has exceeded the maximum allowed size;.*")))
    operators = " OR ".join(["a=:v"] * 200)
    yield case("over 300 operators", scan("hash", operators, {":v": 1}), invalid())
    for operation, asked in (
        ("PutItem", put("hash", {"pk": "a"}, {":v": 1}, ConditionExpression="x = :w")),
        ("DeleteItem", delete("hash", "a", {":v": 1}, ConditionExpression="x = :w")),
    ):
        yield case(
            f"undefined value in a condition of {operation}",
            asked,
            invalid("Invalid ConditionExpression: An expression attribute value used in expression is not defined; attribute value: :w"),
        )


def key_paths() -> Iterator[Case]:
    """Yield paths into attributes that are keys: they are scalars."""
    scalars = "Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: {}: {}"
    table, index = scalars.format("Key", "pk"), scalars.format("IndexKey", "all_h")
    key = {"pk": "a", "sk": "b"}
    for path in ("pk.a", "pk[0]"):
        yield case(f"put {path}", put("hash", {"pk": "a"}, ConditionExpression=f"attribute_exists({path})"), invalid(table))
        yield case(f"delete {path}", delete("hash", "a", ConditionExpression=f"attribute_exists({path})"), invalid(table))
        yield case(f"update {path}", update("hash", "a", "REMOVE x", ConditionExpression=f"attribute_exists({path})"), invalid(table))
        yield case(f"scan {path}", scan("hash", f"attribute_exists({path})"), invalid(table))
        yield case(f"get {path}", get("hash", "a", ProjectionExpression=path), invalid(table))
        yield case(f"scan's projection {path}", scan("hash", ProjectionExpression=path), invalid(table))
    asked = query("index", "pk = :p", {":p": "a"}, FilterExpression="attribute_exists(all_h[1])")
    yield case("query of a table, path into an index key", asked, invalid(index))
    yield case("put into an index key", put("index", key, ConditionExpression="attribute_exists(all_h.x)"), invalid(index))


def placeholders() -> Iterator[Case]:
    """Yield wrong names and values."""
    unused = "Value provided in ExpressionAttribute{} unused in expressions: keys: {{{}}}"
    yield case("unused value", scan("hash", "x = :v", {":v": 1, ":w": 2}), invalid(unused.format("Values", ":w")))
    yield case(
        "unused name",
        scan("hash", "x = :v", {":v": 1}, {"#x": "y"}),
        invalid(unused.format("Names", "#x")),
    )
    yield case(
        "several unused values",
        scan("hash", "x = :v", {":v": 1, ":w": 2, ":x": 2}),
        invalid(Like(r"Value provided in ExpressionAttributeValues unused in expressions: keys: \{(:w, :x|:x, :w)\}")),
    )
    yield case(
        "values without an expression",
        put("hash", {"pk": "a"}, {":v": 1}),
        invalid(Like("ExpressionAttributeValues can only be specified when using expressions(: .*)?")),
    )
    yield case(
        "names without an expression",
        get("hash", "a", {"#x": "y"}),
        invalid(Like("ExpressionAttributeNames can only be specified when using expressions(: .*)?")),
    )
    yield case(
        "values are no member of GetItem",
        call("GetItem", TableName="hash", Key={"pk": {"S": "a"}}, ExpressionAttributeValues={":v": {"S": "x"}}),
        ok(),
    )
    yield case("no values", scan("hash", "x = y", {}), invalid("ExpressionAttributeValues must not be empty"))
    yield case(
        "no names", scan("hash", "x = y", None, {}), invalid("ExpressionAttributeNames must not be empty")
    )
    yield case(
        "a value's key without colon",
        scan("hash", "x = :v", {"v": 1}),
        invalid('ExpressionAttributeValues contains invalid key: Syntax error; key: "v"'),
    )
    yield case(
        "a name's key without hash sign",
        scan("hash", "#x = y", None, {"x": "x"}),
        invalid('ExpressionAttributeNames contains invalid key: Syntax error; key: "x"'),
    )
    yield case(
        "an empty value among the values",
        scan("hash", "x = :v", {":v": AV()}),
        invalid(
            "ExpressionAttributeValues contains invalid value: Supplied AttributeValue is empty, "
            "must contain exactly one of the supported datatypes for key :v"
        ),
    )
    yield case(
        "an empty set among the values",
        scan("hash", "x = :v", {":v": AV(SS=[])}),
        invalid(
            "ExpressionAttributeValues contains invalid value: One or more parameter values were invalid: "
            "An string set  may not be empty for key :v"
        ),
    )
    yield case(
        "a wrong number among the values",
        scan("hash", "x = :v", {":v": n("dog")}),
        invalid(
            "ExpressionAttributeValues contains invalid value: The parameter cannot be converted to a numeric value: dog for key :v"
        ),
    )
    silly = "3 any characters.#="
    yield case(
        "names of any characters",
        scan("hash", "#0_a = :1", {":1": 1}, {"#0_a": silly}),
        Answers(Has({"Count": 1})),
        given=[put("hash", {"pk": "a", silly: 1})],
    )
    yield case(
        "a dot in a name is no path",
        scan("hash", "#d = :v", {":v": 1}, {"#d": "a.b"}),
        Answers(Has({"Count": 1})),
        given=[put("hash", {"pk": "a", "a.b": 1}), put("hash", {"pk": "b", "a": {"b": 1}})],
    )
    yield case(
        "a reserved word behind a name",
        scan("hash", "#s = :v", {":v": 1}, {"#s": "status"}),
        ok(Count=0, ScannedCount=0, Items=[]),
    )


def conditions() -> Iterator[Case]:
    """Yield conditions of writes."""
    old = put("hash", {"pk": "a", "v": 1})
    for name, asked in (
        ("put", put("hash", {"pk": "a", "v": 2}, {":x": 5}, ConditionExpression="v = :x")),
        ("delete", delete("hash", "a", {":x": 5}, ConditionExpression="v = :x")),
    ):
        for option, members in (
            ({}, {"Item": None}),
            ({"ReturnValuesOnConditionCheckFailure": "NONE"}, {"Item": None}),
            ({"ReturnValuesOnConditionCheckFailure": "ALL_OLD"}, {"Item": {"pk": {"S": "a"}, "v": {"N": "1"}}}),
        ):
            yield case(
                f"failed {name} {option}",
                call(asked.operation, **asked.members, **option),
                condition_failed(**members),
                given=[old],
                then=[stored("hash", "a", {"pk": "a", "v": 1})],
            )
        yield case(
            f"failed {name} of an absent item answers none",
            call(asked.operation, **asked.members, ReturnValuesOnConditionCheckFailure="ALL_OLD"),
            condition_failed(Item=None),
        )
    yield case(
        "an unknown ReturnValuesOnConditionCheckFailure",
        put("hash", {"pk": "a"}, ConditionExpression="attribute_exists(pk)", ReturnValuesOnConditionCheckFailure="ALL_NEW"),
        invalid(),
    )
    yield case(
        "attribute_not_exists protects an item",
        put("hash", {"pk": "a"}, ConditionExpression="attribute_not_exists(pk)"),
        condition_failed(),
        given=[old],
    )
    yield case(
        "not equal holds for an absent item",
        put("hash", {"pk": "a"}, {":v": 1}, ConditionExpression="v <> :v"),
        ok(),
    )
    yield case(
        "Expected and ConditionExpression",
        put("hash", {"pk": "a"}, Expected={"pk": {"Exists": False}}, ConditionExpression="attribute_not_exists(pk)"),
        invalid(
            "Can not use both expression and non-expression parameters in the same request: "
            "Non-expression parameters: {Expected} Expression parameters: {ConditionExpression}"
        ),
    )


GROUPS = (
    Group("conditions: truth", f"{GUIDE}; ScyllaDB test_condition_expression.py (runs on AWS)", truths()),
    Group("conditions: empty values", "AWS What's New, 2020-05-18", empties()),
    Group("conditions: refusals", SYNTAX, refusals()),
    Group("conditions: paths into keys", "dynalite test/getItem.js, query.js, scan.js, updateItem.js (run on AWS)", key_paths()),
    Group("conditions: placeholders", f"{SYNTAX}; github.com/nubo-db/dynamodb-conformance captures", placeholders()),
    Group("conditions: writes", "ScyllaDB test_returnvalues.py; AWS API reference, PutItem", conditions()),
)
