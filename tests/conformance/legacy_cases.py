"""The parameters of before expressions: AttributeUpdates, Expected, KeyConditions, filters, AttributesToGet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .words import (
    Answers,
    Call,
    Case,
    Expected,
    Group,
    Has,
    Like,
    absent,
    av,
    batch_write,
    bs,
    case,
    condition_failed,
    delete,
    get,
    invalid,
    item,
    n,
    ns,
    ok,
    parameter,
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

NUBO = "github.com/nubo-db/dynamodb-conformance, tier3/legacy-api (run on AWS)"
DYNALITE = "dynalite test/updateItem.js, putItem.js, scan.js, query.js (run on AWS)"
GUIDE = "AWS Developer Guide, 'Legacy conditional parameters'"

ITEM: Mapping[str, object] = {"pk": "k", "num": 5, "s": "abc", "st": ss("a", "b"), "nu": ns(1, 2), "l": [1], "m": {"x": 1}, "t": True, "b1": b"abc", "nul": None}


def _updates(**actions: tuple[str | None, object]) -> dict[str, Any]:
    """Return AttributeUpdates: name -> (action, value); no value if it is ``...``."""
    found: dict[str, Any] = {}
    for name, (action, value) in actions.items():
        members: dict[str, Any] = {} if action is None else {"Action": action}
        if value is not ...:
            members["Value"] = av(value)
        found[name] = members
    return found


def _typed(text: str, tag: str) -> Like:
    """Return a message that names a type: AWS's newer ones have the tag, DynamoDB Local's a word."""
    words = {"S": "STRING", "N": "NUMBER", "L": "LIST", "B": "BINARY", "BOOL": "BOOLEAN", "M": "MAP"}
    return Like(f"One or more parameter values were invalid: {text} ({tag}|{words[tag]})")


def attribute_updates() -> Iterator[Case]:
    """Yield AttributeUpdates."""
    given = [put("hash", ITEM)]
    for name, updates, changes in (
        ("PUT", {"num": ("PUT", 1)}, {"num": 1}), ("no action is PUT", {"num": (None, 1)}, {"num": 1}), ("PUT of a new one", {"x": ("PUT", "y")}, {"x": "y"}),
        ("ADD", {"num": ("ADD", 3)}, {"num": 8}), ("ADD of a new one", {"x": ("ADD", 3)}, {"x": 3}), ("ADD to a set", {"st": ("ADD", ss("c"))}, {"st": ss("a", "b", "c")}),
        ("ADD to a list", {"l": ("ADD", [2])}, {"l": [1, 2]}), ("DELETE", {"num": ("DELETE", ...)}, {"num": None}), ("DELETE of nothing", {"x": ("DELETE", ...)}, {}),
        ("DELETE of members", {"st": ("DELETE", ss("a"))}, {"st": ss("b")}), ("DELETE of all members", {"st": ("DELETE", ss("a", "b"))}, {"st": None}),
        ("several", {"num": ("ADD", 1), "s": ("PUT", "z"), "t": ("DELETE", ...)}, {"num": 6, "s": "z", "t": None}), ("none", {}, {}),
    ):
        after = {key: value for key, value in {**ITEM, **changes}.items() if key == "nul" or value is not None}
        yield case(name, update("hash", "k", AttributeUpdates=_updates(**updates)), ok(), given=given, then=[stored("hash", "k", after)])
    yield case("UPDATED_NEW", update("hash", "k", AttributeUpdates=_updates(num=("ADD", 1), t=("DELETE", ...)), ReturnValues="UPDATED_NEW"), ok(Attributes=item({"num": 6})), given=given)
    yield case("UPDATED_OLD", update("hash", "k", AttributeUpdates=_updates(num=("ADD", 1), t=("DELETE", ...)), ReturnValues="UPDATED_OLD"), ok(Attributes=item({"num": 5, "t": True})), given=given)
    new = _updates(d=("ADD", 5), e=("ADD", ss("a")), f=("ADD", [1]), g=("DELETE", ss("a")), h=("DELETE", ...), i=("PUT", 1))
    yield case("a new item", update("hash", "n", AttributeUpdates=new), ok(), then=[stored("hash", "n", {"pk": "n", "d": 5, "e": ss("a"), "f": [1], "i": 1})])
    yield case("DELETE of a new item", update("hash", "n", AttributeUpdates=_updates(a=("DELETE", ...))), ok(), then=[absent("hash", "n")])
    key = "Cannot update attribute pk. This attribute is part of the key"
    for name, updates, message in (
        ("no value", {"a": ("PUT", ...)}, "Only DELETE action is allowed when no attribute value is specified"), ("ADD without value", {"a": ("ADD", ...)}, "Only DELETE action is allowed when no attribute value is specified"),
        ("DELETE S", {"a": ("DELETE", "x")}, _typed("DELETE action with value is not supported for the type", "S")), ("DELETE N", {"a": ("DELETE", 1)}, _typed("DELETE action with value is not supported for the type", "N")),
        ("DELETE L", {"a": ("DELETE", [])}, _typed("DELETE action with value is not supported for the type", "L")), ("ADD S", {"a": ("ADD", "x")}, _typed("ADD action is not supported for the type", "S")),
        ("ADD B", {"a": ("ADD", b"x")}, _typed("ADD action is not supported for the type", "B")), ("ADD BOOL", {"a": ("ADD", True)}, _typed("ADD action is not supported for the type", "BOOL")),
        ("ADD M", {"a": ("ADD", {})}, _typed("ADD action is not supported for the type", "M")), ("key", {"pk": ("PUT", "x")}, key), ("key DELETE", {"pk": ("DELETE", ...)}, key),
    ):
        expected = parameter(message) if isinstance(message, str) else invalid(message)
        yield case(f"refused {name}", update("hash", "k", AttributeUpdates=_updates(**updates)), expected)
    for name, updates in (("DELETE of another type", {"st": ("DELETE", ns(1))}), ("ADD of another type", {"st": ("ADD", ns(1))}), ("ADD a number to a set", {"nu": ("ADD", 1)}), ("ADD a set to a number", {"num": ("ADD", ns(1))})):
        yield case(f"refused {name}", update("hash", "k", AttributeUpdates=_updates(**updates)), invalid("Type mismatch for attribute to update"), given=given)
    yield case("a name over 65535 bytes", update("hash", "k", AttributeUpdates=_updates(**{"x" * 65536: ("PUT", 1)})), invalid(Like(".*6553[56].*")))
    yield case("unknown action", update("hash", "k", AttributeUpdates=_updates(a=("DOG", 1))), invalid(Like(".*Member must satisfy enum value set: \\[ADD, (PUT, DELETE|DELETE, PUT)\\]")))


def _one(operator: str, *values: object) -> dict[str, Any]:
    members: dict[str, Any] = {"ComparisonOperator": operator}
    if values:
        members["AttributeValueList"] = [av(value) for value in values]
    return members


#: (attribute, condition, whether it holds for ITEM)
COMPARED: tuple[tuple[str, dict[str, Any], bool], ...] = (
    ("num", _one("EQ", 5), True), ("num", _one("EQ", n("5.0")), True), ("num", _one("EQ", 6), False), ("st", _one("EQ", ss("b", "a")), True), ("t", _one("EQ", True), True), ("l", _one("EQ", [1]), True),
    ("num", _one("NE", 6), True), ("gone", _one("NE", 6), True), ("num", _one("LT", 6), True), ("num", _one("LE", 5), True), ("num", _one("GT", 5), False), ("num", _one("GE", 5), True),
    ("s", _one("GT", "abb"), True), ("num", _one("LT", "6"), False), ("gone", _one("LT", 6), False), ("gone", _one("NULL"), True), ("nul", _one("NULL"), False), ("nul", _one("NOT_NULL"), True),
    ("num", _one("NULL"), False), ("num", _one("NOT_NULL"), True), ("s", _one("CONTAINS", "b"), True), ("st", _one("CONTAINS", "a"), True), ("nu", _one("CONTAINS", 1), True), ("l", _one("CONTAINS", 1), True),
    ("s", _one("NOT_CONTAINS", "x"), True), ("st", _one("NOT_CONTAINS", "a"), False), ("gone", _one("CONTAINS", "a"), False), ("s", _one("BEGINS_WITH", "ab"), True), ("b1", _one("BEGINS_WITH", b"ab"), True),
    ("num", _one("IN", 1, 5), True), ("num", _one("IN", 1, 2), False), ("num", _one("BETWEEN", 1, 5), True), ("s", _one("BETWEEN", "a", "b"), True), ("num", _one("BETWEEN", 6, 7), False),
)


def filters() -> Iterator[Case]:
    """Yield ScanFilter, QueryFilter and Expected for each comparison."""
    given = [put("hash", ITEM)]
    for name, condition, holds in COMPARED:
        shown = f"{name} {condition['ComparisonOperator']} {condition.get('AttributeValueList', '')}"
        yield case(f"ScanFilter {shown}", scan("hash", ScanFilter={name: condition}), Answers(Has({"Count": int(holds), "ScannedCount": 1})), given=given)
        expected: Expected = ok() if holds else condition_failed()
        yield case(f"Expected {shown}", delete("hash", "k", Expected={name: condition}), expected, given=given)
    two = {"num": _one("EQ", 5), "s": _one("EQ", "x")}
    for operator, count in ((None, 0), ("AND", 0), ("OR", 1)):
        more = {} if operator is None else {"ConditionalOperator": operator}
        yield case(f"two conditions, {operator}", scan("hash", ScanFilter=two, **more), Answers(Has({"Count": count})), given=given)
        yield case(f"Expected two conditions, {operator}", delete("hash", "k", Expected=two, **more), ok() if count else condition_failed(), given=given)
    keys = {"pk": _one("EQ", "k")}
    yield case("QueryFilter", query("hash", KeyConditions=keys, QueryFilter={"num": _one("GT", 5)}), ok(Items=[], Count=0, ScannedCount=1), given=given)
    yield case("QueryFilter on a key", query("hash", KeyConditions=keys, QueryFilter={"pk": _one("EQ", "k")}), invalid("QueryFilter can only contain non-primary key attributes: Primary key attribute: pk"))
    for name, members, expected in (
        ("Exists false", {"gone": {"Exists": False}}, ok()), ("Exists false fails", {"num": {"Exists": False}}, condition_failed()), ("Value", {"num": {"Value": n(5)}}, ok()), ("Value fails", {"num": {"Value": n(6)}}, condition_failed()),
        ("Exists true", {"num": {"Exists": True, "Value": n(5)}}, ok()),
        ("Exists true without value", {"a": {"Exists": True}}, parameter("Value must be provided when Exists is true for Attribute: a")), ("nothing", {"a": {}}, parameter("Value must be provided when Exists is null for Attribute: a")),
        ("Exists false with value", {"a": {"Exists": False, "Value": n(1)}}, parameter("Value cannot be used when Exists is false for Attribute: a")),
        ("Value and list", {"a": {"Value": n(1), "ComparisonOperator": "EQ", "AttributeValueList": [n(1)]}}, parameter("Value and AttributeValueList cannot be used together for Attribute: a")),
        ("Exists and operator", {"a": {"Exists": True, "ComparisonOperator": "EQ", "AttributeValueList": [n(1)]}}, parameter("Exists and ComparisonOperator cannot be used together for Attribute: a")),
    ):
        yield case(f"Expected {name}", delete("hash", "k", Expected=members), expected, given=given)
    count = "Invalid number of argument(s) for the {} ComparisonOperator"
    for operator, values in (("EQ", ()), ("EQ", (1, 2)), ("NULL", (1,)), ("BETWEEN", (1,)), ("IN", ()), ("CONTAINS", ()), ("BEGINS_WITH", ("a", "b"))):
        yield case(f"{operator} of {len(values)}", scan("hash", ScanFilter={"a": _one(operator, *values)}), parameter(count.format(operator)))
    type_ = "ComparisonOperator {} is not valid for {} AttributeValue type"
    for operator, tag, values in (
        ("LT", "BOOL", (True,)), ("GE", "SS", (ss("a"),)), ("CONTAINS", "SS", (ss("a"),)), ("CONTAINS", "M", ({},)), ("BETWEEN", "L", ([], [])), ("BEGINS_WITH", "N", (1,)), ("BEGINS_WITH", "BS", (bs(b"a"),)), ("IN", "SS", (ss("a"),)),
    ):
        yield case(f"{operator} of {tag}", scan("hash", ScanFilter={"a": _one(operator, *values)}), parameter(type_.format(operator, tag)))
    yield case("mixed types", scan("hash", ScanFilter={"a": _one("BETWEEN", 1, "x")}), parameter("AttributeValues inside AttributeValueList must be of same type"))
    yield case("reversed bounds", scan("hash", ScanFilter={"a": _one("BETWEEN", 2, 1)}), invalid())
    yield case("operator without filter", scan("hash", ConditionalOperator="OR"), invalid("ConditionalOperator cannot be used without Filter or Expected"))
    yield case("operator with one condition", scan("hash", ScanFilter={"num": _one("EQ", 5)}, ConditionalOperator="OR"), invalid("ConditionalOperator can only be used when Filter or Expected has two or more elements"))
    both = "Can not use both expression and non-expression parameters in the same request: Non-expression parameters: {{{}}} Expression parameters: {{{}}}"
    yield case("both in a scan", scan("hash", "a = b", ScanFilter={"num": _one("EQ", 5)}), invalid(both.format("ScanFilter", "FilterExpression")))
    yield case("both projections", scan("hash", ProjectionExpression="a", AttributesToGet=["a"]), invalid(both.format("AttributesToGet", "ProjectionExpression")))


def key_conditions() -> Iterator[Case]:
    """Yield KeyConditions and AttributesToGet."""
    rows = [{"pk": "a", "sk": number} for number in range(5)]
    given = [batch_write({"range": rows})]
    a = _one("EQ", "a")

    def found(*numbers: int) -> Answers:
        return ok(Items=[item(rows[number]) for number in numbers], Count=len(numbers), ScannedCount=len(numbers))

    def asked(**conditions: dict[str, Any]) -> Call:
        return query("range", KeyConditions=conditions)

    for operator, values, numbers in (
        ("EQ", (2,), (2,)), ("LT", (2,), (0, 1)), ("LE", (2,), (0, 1, 2)), ("GT", (2,), (3, 4)), ("GE", (2,), (2, 3, 4)), ("BETWEEN", (1, 3), (1, 2, 3)),
    ):
        yield case(operator, asked(pk=a, sk=_one(operator, *values)), found(*numbers), given=given)
    yield case("hash only", asked(pk=a), found(0, 1, 2, 3, 4), given=given)
    yield case("backward", query("range", KeyConditions={"pk": a}, ScanIndexForward=False), found(4, 3, 2, 1, 0), given=given)
    texts = [{"pk": "a", "sk": text} for text in ("ab", "abc", "b")]
    yield case("BEGINS_WITH", query("index", KeyConditions={"pk": a, "sk": _one("BEGINS_WITH", "ab")}), ok(Items=[item(row) for row in texts[:2]], Count=2, ScannedCount=2), given=[batch_write({"index": texts})])
    indexable = "Attempted conditional constraint is not an indexable operation"
    for name, conditions, message in (
        ("none", {}, Like("Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.|Conditions can be of length 1 or 2 only|.*")), ("NE", {"pk": a, "sk": _one("NE", 1)}, indexable), ("IN", {"pk": a, "sk": _one("IN", 1, 2)}, indexable), ("CONTAINS", {"pk": a, "sk": _one("CONTAINS", 1)}, indexable), ("NULL", {"pk": a, "sk": _one("NULL")}, indexable),
        ("range only", {"sk": _one("EQ", 1)}, "Query condition missed key schema element: pk"), ("other", {"pk": a, "v": _one("EQ", 1)}, "Query condition missed key schema element: sk"),
        ("three", {"pk": a, "sk": _one("EQ", 1), "v": _one("EQ", 1)}, Like("Conditions can be of length 1 or 2 only|The number of query conditions .3. exceeds the number of key attributes defined in the schema .2.")), ("hash LT", {"pk": _one("LT", "a")}, "Query key condition not supported"),
        ("wrong type", {"pk": _one("EQ", 1)}, "One or more parameter values were invalid: Condition parameter type does not match schema type"),
    ):
        yield case(f"refused {name}", asked(**conditions), invalid(message))
    stored_ = {"pk": "k", "a": 1, "b1": {"c": 2}}
    yield case("AttributesToGet", get("hash", "k", AttributesToGet=["a", "x"]), ok(Item=item({"a": 1})), given=[put("hash", stored_)])
    yield case("AttributesToGet knows no paths", get("hash", "k", AttributesToGet=["b1.c"]), ok(Item={}), given=[put("hash", stored_)])
    yield case("AttributesToGet twice the same", get("hash", "k", AttributesToGet=["a", "a"]), parameter("Duplicate value in attribute name: a"))
    yield case("AttributesToGet of nothing", get("hash", "k", AttributesToGet=[]), invalid(Like("1 validation error detected: Value '\\[\\]' at 'attributesToGet' failed to satisfy constraint: Member must have length greater than or equal to 1")))
    yield case("AttributesToGet of a scan", scan("hash", AttributesToGet=["a"]), Answers(Has({"Items": [item({"a": 1})]})), given=[put("hash", stored_)])
    yield case("Select with AttributesToGet", scan("hash", AttributesToGet=["a"], Select="COUNT"), invalid("Cannot specify the AttributesToGet when choosing to get only the Count"))


GROUPS = (
    Group("legacy: AttributeUpdates", f"{NUBO}; {DYNALITE}", attribute_updates()),
    Group("legacy: filters and Expected", f"{GUIDE}; {DYNALITE}; {NUBO}", filters()),
    Group("legacy: KeyConditions, AttributesToGet", f"{NUBO}; {DYNALITE}", key_conditions()),
)
