"""Query and Scan: what is found, in which order, page by page, and what is refused."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from .words import (
    ANYTHING,
    AV,
    Answers,
    Call,
    Case,
    Group,
    Has,
    Like,
    batch_write,
    case,
    get,
    invalid,
    item,
    n,
    ok,
    parameter,
    put,
    query,
    scan,
)

__all__ = ["GROUPS"]

# Cases are rows of tables, one a line.
# fmt: off

GUIDE = "AWS Developer Guide, 'Querying tables', 'Scanning tables', 'Key conditions'; API reference, Query and Scan"
DYNALITE = "dynalite test/query.js, test/scan.js (its authors ran them on AWS)"
NUBO = "github.com/nubo-db/dynamodb-conformance, tests/tier1/query, tests/tier1/scan, tier3 (run on AWS)"
SCYLLA = "ScyllaDB test_key_condition_expression.py, test_query.py (run on AWS)"

NUMBERS = (-10, -2, 0, 1, 2, 10)
ROWS = [{"pk": "a", "sk": number, "v": number % 2} for number in NUMBERS]
GIVEN = (batch_write({"range": [*ROWS, {"pk": "b", "sk": 1}]}),)
EQUAL = "pk = :p"


def _items(*rows: Mapping[str, object]) -> list[Any]:
    return [item(row) for row in rows]


def _found(*numbers: int) -> Answers:
    rows = [row for number in numbers for row in ROWS if row["sk"] == number]
    return ok(Items=_items(*rows), Count=len(numbers), ScannedCount=len(numbers))


def key_conditions() -> Iterator[Case]:
    """Yield key conditions and what they find."""
    for condition, values, numbers in (
        ("", {}, NUMBERS), (" AND sk = :v", {":v": 1}, (1,)), (" AND sk = :v", {":v": n("1.0")}, (1,)), (" AND sk < :v", {":v": 1}, (-10, -2, 0)),
        (" AND sk <= :v", {":v": 1}, (-10, -2, 0, 1)), (" AND sk > :v", {":v": 1}, (2, 10)), (" AND sk >= :v", {":v": 1}, (1, 2, 10)),
        (" AND sk BETWEEN :v AND :w", {":v": -2, ":w": 2}, (-2, 0, 1, 2)), (" AND sk between :v and :w", {":v": 2, ":w": 2}, (2,)),
        (" AND :v < sk", {":v": 1}, (2, 10)), (" AND :v >= sk", {":v": -2}, (-10, -2)), (" AND sk = :v", {":v": 7}, ()),
    ):
        for forward in (True, False):
            asked = query("range", EQUAL + condition, {":p": "a", **values}, ScanIndexForward=forward)
            yield case(f"{EQUAL}{condition} {values} {'forward' if forward else 'backward'}", asked, _found(*(numbers if forward else numbers[::-1])), given=GIVEN)
    for condition in ("sk > :v AND pk = :p", "(pk = :p) AND (sk > :v)", "(pk = :p AND sk > :v)", "(pk = :p AND (sk > :v))", ":p = pk AND sk > :v", "pk = :p and sk > :v", "#p = :p AND #s > :v"):
        names = {"#p": "pk", "#s": "sk"} if "#" in condition else None
        yield case(f"form {condition}", query("range", condition, {":p": "a", ":v": 1}, names), _found(2, 10), given=GIVEN)
    texts = [{"pk": "a", "sk": text} for text in ("A", "a", "aa", "ab", "b", "é", "\uffee", "😀")]
    given = [batch_write({"index": texts})]
    yield case("texts in the order of UTF-8", query("index", EQUAL, {":p": "a"}), ok(Items=_items(*texts), Count=8, ScannedCount=8), given=given)
    yield case("begins_with", query("index", f"{EQUAL} AND begins_with(sk, :v)", {":p": "a", ":v": "a"}), ok(Items=_items(*texts[1:4]), Count=3, ScannedCount=3), given=given)
    binaries = [{"pk": b"a", "sk": raw} for raw in (b"\x00", b"\x00\x00", b"\x00\xff", b"\x01", b"a", b"\xff", b"\xff\xff")]
    given = [batch_write({"binary": binaries})]
    yield case("binaries in unsigned order", query("binary", EQUAL, {":p": b"a"}), ok(Items=_items(*binaries), Count=7, ScannedCount=7), given=given)
    yield case("begins_with of binary", query("binary", f"{EQUAL} AND begins_with(sk, :v)", {":p": b"a", ":v": b"\xff"}), ok(Items=_items(*binaries[5:]), Count=2, ScannedCount=2), given=given)
    yield case("binary less", query("binary", f"{EQUAL} AND sk < :v", {":p": b"a", ":v": b"\x00\xff"}), ok(Items=_items(*binaries[:2]), Count=2, ScannedCount=2), given=given)
    yield case("number hash key", query("number", EQUAL, {":p": n("1.00")}), ok(Items=_items({"pk": 1}), Count=1, ScannedCount=1), given=[put("number", {"pk": 1})])


def refused_conditions() -> Iterator[Case]:
    """Yield key conditions that are refused."""
    values = {":p": "a", ":v": 1}
    missed = "Query condition missed key schema element: {}"
    invalid_key = "Invalid KeyConditionExpression: "
    for condition, given, names, message in (
        ("", {":p": "a"}, None, f"{invalid_key}The expression can not be empty;"), ("sk = :v", {":v": 1}, None, missed.format("pk")), ("oth = :v", {":v": 1}, None, missed.format("pk")),
        ("pk = :p AND oth = :v", values, None, missed.format("sk")), ("pk > :p", {":p": "a"}, None, "Query key condition not supported"),
        ("pk = :p OR sk = :v", values, None, "Invalid operator used in KeyConditionExpression: OR"),
        ("pk = :p AND NOT sk = :v", values, None, "Invalid operator used in KeyConditionExpression: NOT"),
        ("pk = :p AND sk <> :v", values, None, "Invalid operator used in KeyConditionExpression: <>"),
        ("pk = :p AND sk IN (:v)", values, None, "Invalid operator used in KeyConditionExpression: IN"),
        ("pk = :p AND attribute_exists(sk)", {":p": "a"}, None, "Invalid operator used in KeyConditionExpression: attribute_exists"),
        ("pk = :p AND contains(sk, :v)", values, None, "Invalid operator used in KeyConditionExpression: contains"),
        ("pk = :p AND size(sk) = :v", values, None, "KeyConditionExpressions cannot contain nested operations"),
        ("pk = :p AND sk > :v AND sk < :w", {**values, ":w": 5}, None, "Invalid KeyConditionExpression: KeyConditionExpressions must only contain one condition per key"),
        ("pk = :p AND pk = :p", {":p": "a"}, None, "Invalid KeyConditionExpression: KeyConditionExpressions must only contain one condition per key"),
        ("pk = :p AND sk.x = :v", values, None, "KeyConditionExpressions cannot have conditions on nested attributes"),
        ("pk = :p AND sk = pk", {":p": "a"}, None, "Invalid condition in KeyConditionExpression: Multiple attribute names used in one condition"),
        ("pk = :p AND :v = :w", {**values, ":w": 1}, None, "Invalid condition in KeyConditionExpression: No key attribute specified"),
        ("pk = :w", {":p": "a"}, None, f"{invalid_key}An expression attribute value used in expression is not defined; attribute value: :w"),
        ("#x = :p", {":p": "a"}, None, f"{invalid_key}An expression attribute name used in the document path is not defined; attribute name: #x"),
        ("pk = :p", {":p": "a", ":x": 1}, None, "Value provided in ExpressionAttributeValues unused in expressions: keys: {:x}"),
        ("pk = :p", {":p": "a"}, {"#x": "x"}, "Value provided in ExpressionAttributeNames unused in expressions: keys: {#x}"),
        ("pk = :p AND sk BETWEEN :w AND :v", {":p": "a", ":w": 5, ":v": 1}, None, Like(f"{invalid_key}The BETWEEN operator requires upper bound to be greater than or equal to lower bound;.*")),
        ("pk = :p", {":p": 1}, None, "One or more parameter values were invalid: Condition parameter type does not match schema type"),
        ("pk = :p AND sk = :v", {":p": "a", ":v": "x"}, None, "One or more parameter values were invalid: Condition parameter type does not match schema type"),
        ("pk = :p AND begins_with(sk, :v)", values, None, Like(".*")),
        ("pk = :p", {":p": ""}, None, Like("One or more parameter values (are not valid|were invalid).*")),
        ("pk = :p AND", {":p": "a"}, None, Like(f"{invalid_key}Syntax error; .*")),
    ):
        yield case(f"{condition} {given or ''} {names or ''}", query("range", condition, given, names), invalid(message))
    yield case("redundant parentheses", query("range", "((pk = :p))", {":p": "a"}), invalid(f"{invalid_key}The expression has redundant parentheses;"))
    yield case("no condition", query("range"), invalid("Either the KeyConditions or KeyConditionExpression parameter must be specified in the request."))
    yield case("both kinds of condition", query("range", EQUAL, {":p": "a"}, KeyConditions={"pk": {"ComparisonOperator": "EQ", "AttributeValueList": [{"S": "a"}]}}), invalid("Can not use both expression and non-expression parameters in the same request: Non-expression parameters: {KeyConditions} Expression parameters: {KeyConditionExpression}"))
    yield case("filter on the hash key", query("range", EQUAL, {":p": "a", ":x": "b"}, FilterExpression="pk = :x"), invalid("Filter Expression can only contain non-primary key attributes: Primary key attribute: pk"))
    yield case("filter on the range key", query("range", EQUAL, {":p": "a", ":x": 1}, FilterExpression="v = :x OR sk = :x"), invalid("Filter Expression can only contain non-primary key attributes: Primary key attribute: sk"))
    yield case("filter on an index key", query("index", "keys_h = :p", {":p": "a"}, IndexName="keys", FilterExpression="attribute_exists(keys_h)"), invalid("Filter Expression can only contain non-primary key attributes: Primary key attribute: keys_h"))
    yield case("index that is not there", query("range", EQUAL, {":p": "a"}, IndexName="nothing"), invalid("The table does not have the specified index: nothing"))
    yield case("consistent read of a global index", query("index", "all_h = :p", {":p": "a"}, IndexName="all", ConsistentRead=True), invalid("Consistent reads are not supported on global secondary indexes"))
    yield case("table's key in an index", query("index", EQUAL, {":p": "a"}, IndexName="all"), invalid(missed.format("all_h")))
    yield case("undefined name in a filter", query("range", EQUAL, {":p": "a", ":x": 1}, FilterExpression="#m = :x"), invalid("Invalid FilterExpression: An expression attribute name used in the document path is not defined; attribute name: #m"))
    yield case("empty filter", query("range", EQUAL, {":p": "a"}, FilterExpression=""), invalid("Invalid FilterExpression: The expression can not be empty;"))
    yield case("limit 0", query("range", EQUAL, {":p": "a"}, Limit=0), invalid(Like("1 validation error detected: Value ('0' )?at '[lL]imit' failed to satisfy constraint: Member must have value greater than or equal to 1")))
    yield case("limit 0 of a scan", scan("range", Limit=0), invalid(Like("1 validation error detected: Value ('0' )?at '[lL]imit' failed to satisfy constraint: Member must have value greater than or equal to 1")))
    yield case("negative limit", scan("range", Limit=-1), invalid(Like("1 validation error detected: Value ('-1' )?at '[lL]imit' failed to satisfy constraint: Member must have value greater than or equal to 1")))


def _last(key: Mapping[str, object]) -> dict[str, AV]:
    return item(key)


def pages() -> Iterator[Case]:
    """Yield pages and start keys."""
    keys = {"pk": "a"}

    def page(limit: int, start: int | None = None, forward: bool = True) -> Call:
        more: dict[str, Any] = {} if start is None else {"ExclusiveStartKey": item({**keys, "sk": start})}
        return query("range", EQUAL, {":p": "a"}, Limit=limit, ScanIndexForward=forward, **more)

    def answer(numbers: tuple[int, ...], last: int | None) -> Answers:
        found = _found(*numbers).body
        return Answers(found if last is None else {**found, "LastEvaluatedKey": item({**keys, "sk": last})})

    for name, asked, expected in (
        ("first", page(2), answer((-10, -2), -2)), ("second", page(2, -2), answer((0, 1), 1)), ("full to the end", page(2, 1), answer((2, 10), 10)),
        ("behind the end", page(2, 10), answer((), None)), ("more than all", page(9), answer(NUMBERS, None)), ("all but one over", page(7), answer(NUMBERS, None)),
        ("backward", page(2, None, False), answer((10, 2), 2)), ("backward second", page(2, 2, False), answer((1, 0), 0)), ("between items", page(2, 5), answer((10,), None)),
        ("behind an absent item, backward", page(2, -1, False), answer((-2, -10), -10)), ("before all", page(1, -99), answer((-10,), -10)),
    ):
        yield case(name, asked, expected, given=GIVEN)
    yield case("limit counts what is read", query("range", EQUAL, {":p": "a", ":v": 1}, FilterExpression="v = :v", Limit=4), ok(Items=_items(ROWS[3]), Count=1, ScannedCount=4, LastEvaluatedKey=item({"pk": "a", "sk": 1})), given=GIVEN)
    yield case("empty page with a key", query("range", EQUAL, {":p": "a", ":v": 5}, FilterExpression="v = :v", Limit=2), ok(Items=[], Count=0, ScannedCount=2, LastEvaluatedKey=item({"pk": "a", "sk": -2})), given=GIVEN)
    bad = "The provided starting key is invalid"
    start = "ExclusiveStartKey"
    for name, key, message in (
        ("half", {"pk": "a"}, bad), ("other attribute", {"pk": "a", "x": 1}, bad), ("one more", {"pk": "a", "sk": 1, "x": 1}, bad), ("empty", {}, bad),
        ("wrong type", {"pk": "a", "sk": "x"}, Like(f"{bad}(: .*)?")), ("other hash", {"pk": "b", "sk": 1}, "The provided starting key is outside query boundaries based on provided conditions"),
    ):
        yield case(f"start key {name}", query("range", EQUAL, {":p": "a"}, **{start: item(key)}), invalid(Like(f"{message}(: .*)?") if isinstance(message, str) else message))
    yield case("start key outside of the range", query("range", f"{EQUAL} AND sk > :v", {":p": "a", ":v": 1}, **{start: item({"pk": "a", "sk": 0})}), invalid("The provided starting key does not match the range key predicate"))
    for name, key in (("half", {"pk": "a"}), ("empty", {}), ("one more", {"pk": "a", "sk": 1, "x": 1})):
        yield case(f"start key of a scan, {name}", scan("range", **{start: item(key)}), invalid(Like(f"{bad}.*")))
    row = {"pk": "a", "sk": "b", "all_h": "h", "all_r": 1}
    rows = [{**row, "sk": f"{number:02}", "all_r": number // 2} for number in range(6)]
    asked = query("index", "all_h = :h", {":h": "h"}, IndexName="all", Limit=3)
    last = item({name: rows[2][name] for name in ("pk", "sk", "all_h", "all_r")})
    yield case("index page", asked, Answers(Has({"Count": 3, "LastEvaluatedKey": Has({"all_h": {"S": "h"}, "pk": {"S": "a"}, "sk": ANYTHING, "all_r": ANYTHING})})), given=[batch_write({"index": rows})])
    yield case("index with table key only as start", query("index", "all_h = :h", {":h": "h"}, IndexName="all", **{start: item({"pk": "a", "sk": "b"})}), invalid(Like(f"{bad}.*")))
    yield case("table with index key as start", query("index", EQUAL, {":p": "a"}, **{start: last}), invalid(Like(f"{bad}.*")))
    big = [{"pk": "a", "sk": number, "p": "x" * 350_000} for number in range(4)]
    given = [batch_write({"range": big[:2]}), batch_write({"range": big[2:]})]
    for name, asked in (("query", query("range", EQUAL, {":p": "a"})), ("scan", scan("range"))):
        yield case(f"1 MB of a {name}", asked, Answers(Has({"Count": 3, "ScannedCount": 3, "LastEvaluatedKey": item({"pk": "a", "sk": 2})})), given=given)
        counted = Call(asked.operation, {**asked.members, "Select": "COUNT"})
        yield case(f"1 MB of a counting {name}", counted, ok(Count=3, ScannedCount=3, LastEvaluatedKey=item({"pk": "a", "sk": 2})), given=given)
        values = {**asked.members.get("ExpressionAttributeValues", {}), ":n": {"N": "99"}}
        nothing = Call(asked.operation, {**asked.members, "FilterExpression": "v = :n", "ExpressionAttributeValues": values})
        yield case(f"1 MB of a filtering {name}", nothing, ok(Items=[], Count=0, ScannedCount=3, LastEvaluatedKey=item({"pk": "a", "sk": 2})), given=given)


INDEXED: dict[str, object] = {
    "pk": "a", "sk": "b", "all_h": "h", "all_r": 1, "keys_h": "k", "some_h": "s", "lall_r": "l", "lkeys_r": 5, "inc": "i", "oth": "o",
}


def _only(*names: str) -> dict[str, object]:
    return {name: INDEXED[name] for name in names}


def _with(base: Call, **more: Any) -> Call:
    return Call(base.operation, {**base.members, **more})


def select() -> Iterator[Case]:
    """Yield Select, projections, and what indexes hold."""
    given = [put("index", INDEXED), put("index", {"pk": "a", "sk": "z"})]
    one = {"Count": 1, "ScannedCount": 1}
    by = {
        "all": ("all_h = :v", "h"), "keys": ("keys_h = :v", "k"), "some": ("some_h = :v", "s"), "lall": ("pk = :v AND lall_r > :z", "a"), "lkeys": ("pk = :v AND lkeys_r > :y", "a"),
    }
    held = {
        "all": INDEXED, "keys": _only("pk", "sk", "keys_h"), "some": _only("pk", "sk", "some_h", "inc"), "lall": INDEXED, "lkeys": _only("pk", "sk", "lkeys_r"),
    }

    def asked(index: str, **more: Any) -> Call:
        condition, value = by[index]
        values: dict[str, object] = {":v": value, **({":z": "a"} if ":z" in condition else {}), **({":y": 0} if ":y" in condition else {})}
        return query("index", condition, values, IndexName=index, **more)

    for index in by:
        yield case(f"{index} by default", asked(index), ok(Items=_items(held[index]), **one), given=given)
        yield case(f"{index} ALL_PROJECTED_ATTRIBUTES", asked(index, Select="ALL_PROJECTED_ATTRIBUTES"), ok(Items=_items(held[index]), **one), given=given)
        yield case(f"{index} COUNT", asked(index, Select="COUNT"), ok(**one), given=given)
        yield case(f"scan of {index}", scan("index", IndexName=index), ok(Items=_items(held[index]), **one), given=given)
    for index in ("keys", "some"):
        message = f"Select type ALL_ATTRIBUTES is not supported for global secondary index {index} because its projection type is not ALL"
        yield case(f"{index} ALL_ATTRIBUTES", asked(index, Select="ALL_ATTRIBUTES"), parameter(message), given=given)
        yield case(f"{index} other attribute", asked(index, ProjectionExpression="oth"), invalid(Like(r"One or more parameter values were invalid: Global secondary index .* does not project \[?oth\]?")), given=given)
    yield case("all ALL_ATTRIBUTES", asked("all", Select="ALL_ATTRIBUTES"), ok(Items=_items(INDEXED), **one), given=given)
    yield case("lkeys ALL_ATTRIBUTES reads the table", asked("lkeys", Select="ALL_ATTRIBUTES"), ok(Items=_items(INDEXED), **one), given=given)
    yield case("lkeys other attribute reads the table", asked("lkeys", ProjectionExpression="oth, pk"), ok(Items=_items(_only("oth", "pk")), **one), given=given)
    yield case("lkeys consistent", asked("lkeys", ConsistentRead=True), ok(Items=_items(held["lkeys"]), **one), given=given)
    yield case("filter on what a global index lacks", asked("keys", FilterExpression="attribute_exists(oth)"), parameter("Secondary index keys does not project one or more filter attributes: [oth]"), given=given)
    yield case("filter on what a local index lacks", asked("lkeys", FilterExpression="attribute_exists(oth)"), parameter("Secondary index lkeys does not project one or more filter attributes: [oth]"), given=given)
    yield case("a scan's filter on what a global index lacks", scan("index", "attribute_exists(oth)", IndexName="keys"), ok(Items=[], Count=0, ScannedCount=1), given=given)
    for operation, base in (("query", query("range", EQUAL, {":p": "a"})), ("scan", scan("range"))):
        with_ = partial(_with, base)
        yield case(f"{operation} SPECIFIC_ATTRIBUTES", with_(Select="SPECIFIC_ATTRIBUTES", ProjectionExpression="sk"), Answers(Has({"Items": _items(*({"sk": number} for number in NUMBERS))})), given=[batch_write({"range": ROWS})])
        yield case(f"{operation} SPECIFIC_ATTRIBUTES of nothing", with_(Select="SPECIFIC_ATTRIBUTES"), invalid(Like("Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES|.*SPECIFIC_ATTRIBUTES.*")))
        yield case(f"{operation} ALL_ATTRIBUTES with a projection", with_(Select="ALL_ATTRIBUTES", ProjectionExpression="sk"), invalid("Cannot specify the ProjectionExpression when choosing to get ALL_ATTRIBUTES"))
        yield case(f"{operation} COUNT with a projection", with_(Select="COUNT", ProjectionExpression="sk"), invalid("Cannot specify the ProjectionExpression when choosing to get only the Count"))
        yield case(f"{operation} ALL_PROJECTED_ATTRIBUTES of a table", with_(Select="ALL_PROJECTED_ATTRIBUTES"), invalid(Like("ALL_PROJECTED_ATTRIBUTES can be used only when (Querying|Scanning) using an IndexName")))
        enum = "Member must satisfy enum value set: [SPECIFIC_ATTRIBUTES, COUNT, ALL_ATTRIBUTES, ALL_PROJECTED_ATTRIBUTES]"
        yield case(f"{operation} unknown Select", with_(Select="DOG"), invalid(f"1 validation error detected: Value 'DOG' at 'select' failed to satisfy constraint: {enum}"))
    yield case("COUNT with a filter", query("range", EQUAL, {":p": "a", ":v": 1}, FilterExpression="v = :v", Select="COUNT"), ok(Count=1, ScannedCount=6), given=GIVEN)


def projections() -> Iterator[Case]:
    """Yield projections of GetItem."""
    stored = {"pk": "a", "m": {"x": {"y": 1, "z": 2}, "w": 3}, "l": ["l0", {"a": 1, "b": 2}, "l2"], "n": 1, "a.b": 5, "st": "x"}
    given = [put("hash", stored)]
    for expression, names, read in (
        ("n", None, {"n": 1}), ("pk, n", None, {"pk": "a", "n": 1}), ("m.x.y", None, {"m": {"x": {"y": 1}}}), ("m.x.y, m.w", None, {"m": {"x": {"y": 1}, "w": 3}}),
        ("l[1]", None, {"l": [{"a": 1, "b": 2}]}), ("l[2], l[0]", None, {"l": ["l0", "l2"]}), ("l[1].a", None, {"l": [{"a": 1}]}), ("l[1].b, l[0]", None, {"l": ["l0", {"b": 2}]}),
        ("m.x.y, m.x.z", None, {"m": {"x": {"y": 1, "z": 2}}}), ("#d", {"#d": "a.b"}, {"a.b": 5}), ("m.q", None, {}), ("l[9]", None, {}), ("q, n", None, {"n": 1}), ("n.x", None, {}),
        ("#m.#x.y", {"#m": "m", "#x": "x"}, {"m": {"x": {"y": 1}}}), (" n , st ", None, {"n": 1, "st": "x"}),
    ):
        yield case(f"{expression}", get("hash", "a", names, ProjectionExpression=expression), ok(Item=item(read)), given=given)
    overlap = "Invalid ProjectionExpression: Two document paths overlap with each other; must remove or rewrite one of these paths; path one: {}, path two: {}"
    for expression, names, message in (
        ("x, x", None, overlap.format("[x]", "[x]")), ("x, x.b", None, overlap.format("[x]", "[x, b]")), ("x[1], x[1].c", None, overlap.format("[x, [1]]", "[x, [1], c]")),
        ("#x, #y", {"#x": "q", "#y": "q"}, overlap.format("[q]", "[q]")),
        ("x[1], x.b", None, "Invalid ProjectionExpression: Two document paths conflict with each other; must remove or rewrite one of these paths; path one: [x, [1]], path two: [x, b]"),
        ("", None, "Invalid ProjectionExpression: The expression can not be empty;"), ("!!! INVALID !!!", None, 'Invalid ProjectionExpression: Syntax error; token: "!", near: "!!"'),
        ("x,", None, Like("Invalid ProjectionExpression: Syntax error; .*")), ("x y", None, Like("Invalid ProjectionExpression: Syntax error; .*")), (":x", None, Like("Invalid ProjectionExpression: Syntax error; .*")),
        ("size(x)", None, Like("Invalid ProjectionExpression: Syntax error; .*")), ("status", None, "Invalid ProjectionExpression: Attribute name is a reserved keyword; reserved keyword: status"),
        ("#z", None, "Invalid ProjectionExpression: An expression attribute name used in the document path is not defined; attribute name: #z"),
        ("x", {"#z": "z"}, "Value provided in ExpressionAttributeNames unused in expressions: keys: {#z}"),
    ):
        yield case(f"refused {expression} {names or ''}", get("hash", "a", names, ProjectionExpression=expression), invalid(message))
    yield case("undefined name in a scan that finds nothing", scan("hash", ProjectionExpression="#z"), invalid("Invalid ProjectionExpression: An expression attribute name used in the document path is not defined; attribute name: #z"))


def scans() -> Iterator[Case]:
    """Yield segments and what a scan refuses."""
    rows = [{"pk": f"key{number}"} for number in range(12)]
    given = [batch_write({"hash": rows})]
    yield case("one segment of one is all", scan("hash", Segment=0, TotalSegments=1), Answers(Has({"Count": 12, "ScannedCount": 12})), given=given)
    yield case("COUNT", scan("hash", Select="COUNT"), ok(Count=12, ScannedCount=12), given=given)
    yield case("limit", scan("hash", Limit=5), Answers(Has({"Count": 5, "LastEvaluatedKey": Has({"pk": ANYTHING})})), given=given)
    yield case("limit of all", scan("hash", Limit=12), Answers(Has({"Count": 12, "LastEvaluatedKey": Has({"pk": ANYTHING})})), given=given)
    yield case("limit over all", scan("hash", Limit=13), Answers(Has({"Count": 12, "LastEvaluatedKey": None})), given=given)
    for name, more, message in (
        ("Segment alone", {"Segment": 0}, "The TotalSegments parameter is required but was not present in the request when Segment parameter is present"),
        ("TotalSegments alone", {"TotalSegments": 4}, "The Segment parameter is required but was not present in the request when parameter TotalSegments is present"),
        ("Segment too high", {"Segment": 5, "TotalSegments": 5}, "The Segment parameter is zero-based and must be less than parameter TotalSegments: Segment: 5 is not less than TotalSegments: 5"),
        ("too many segments", {"Segment": 0, "TotalSegments": 1_000_001}, Like("1 validation error detected: Value ('1000001' )?at '[tT]otalSegments' failed to satisfy constraint: Member must have value less than or equal to 1000000")),
        ("no segments", {"Segment": 0, "TotalSegments": 0}, Like("1 validation error detected: Value ('0' )?at '[tT]otalSegments' failed to satisfy constraint: Member must have value greater than or equal to 1")),
        ("negative segment", {"Segment": -1, "TotalSegments": 2}, Like("1 validation error detected: Value ('-1' )?at '[sS]egment' failed to satisfy constraint: Member must have value greater than or equal to 0")),
    ):
        yield case(name, scan("hash", **more), invalid(message))
    yield case("index that is not there", scan("hash", IndexName="nothing"), invalid("The table does not have the specified index: nothing"))
    yield case("consistent scan of a global index", scan("index", IndexName="all", ConsistentRead=True), invalid("Consistent reads are not supported on global secondary indexes"))
    yield case("ALL_ATTRIBUTES of a global index", scan("index", IndexName="keys", Select="ALL_ATTRIBUTES"), parameter("Select type ALL_ATTRIBUTES is not supported for global secondary index keys because its projection type is not ALL"))
    yield case("filter on a key is fine", scan("hash", "pk = :v", {":v": "key3"}), ok(Items=_items(rows[3]), Count=1, ScannedCount=12), given=given)
    yield case("wrong operand with nothing stored", scan("hash", "begins_with(#p, :n)", {":n": 5}, {"#p": "nothing"}), invalid())


GROUPS = (
    Group("search: key conditions", f"{GUIDE}; {SCYLLA}; {NUBO}", key_conditions()),
    Group("search: refused conditions", f"{SCYLLA}; {DYNALITE}; {NUBO}", refused_conditions()),
    Group("search: pages", f"{DYNALITE}; {NUBO}; {GUIDE}", pages()),
    Group("search: select and indexes", f"{NUBO}; {DYNALITE}", select()),
    Group("search: projections", f"{NUBO} (getItem/projectionValidation); {DYNALITE}", projections()),
    Group("search: scans", f"{DYNALITE}; {NUBO}", scans()),
)
