"""Values, keys, sizes: what is stored and how it reads back, what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .words import (
    AV,
    Case,
    Expected,
    Group,
    Like,
    absent,
    batch_write,
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
    parameter,
    put,
    query,
    ss,
    stored,
    transact,
    update,
)

__all__ = ["GROUPS"]

# Cases are rows of tables, one a line.
# fmt: off

RULES = "AWS Developer Guide, 'Supported data types', 'Constraints in Amazon DynamoDB'"
DYNALITE = "dynalite test/putItem.js, test/updateItem.js (its authors ran them on AWS)"
NUBO = "github.com/nubo-db/dynamodb-conformance, tests/tier1, tier3 and captures (run on AWS)"

MANY = "9" * 38
#: As sent -> as read back.
NORMAL = {
    "0": "0", "-0": "0", "0.0": "0", "0e10": "0", "+5": "5", "007.50": "7.5", "1.10": "1.1", "1E+2": "100", "1e2": "100",
    "100": "100", ".5": "0.5", "5.": "5", "-1.50": "-1.5", "1e-3": "0.001", "0.1e1": "1", MANY: MANY, f"-{MANY}": f"-{MANY}",
    "0." + MANY: "0." + MANY, "1e37": "1" + "0" * 37, "12e-2": "0.12", "123456789012345678901234567890.12345678": "123456789012345678901234567890.12345678",
    "0" * 50 + "1": "1", "1" + "0" * 40: "1" + "0" * 40, "1." + "0" * 60: "1", "9e125": "9" + "0" * 125, "1e-130": "0." + "0" * 129 + "1",
}

TOO_MANY = "Attempting to store more than 38 significant digits in a Number"
OVERFLOW = "Number overflow. Attempting to store a number with magnitude larger than supported range"
UNDERFLOW = "Number underflow. Attempting to store a number with magnitude smaller than supported range"
NO_NUMBER = "The parameter cannot be converted to a numeric value"

#: Text of a number -> message.
NO_NUMBERS = {
    "9" * 39: TOO_MANY, "1." + "1" * 38: TOO_MANY, "1e126": OVERFLOW, "-1e126": OVERFLOW, "1e-131": UNDERFLOW, "-1e-131": UNDERFLOW,
    "": f"{NO_NUMBER}: ", "b": f"{NO_NUMBER}: b", "NaN": f"{NO_NUMBER}: NaN", "Infinity": f"{NO_NUMBER}: Infinity", "1_0": f"{NO_NUMBER}: 1_0",
    "0x10": f"{NO_NUMBER}: 0x10", "1 2": f"{NO_NUMBER}: 1 2", "--1": f"{NO_NUMBER}: --1", "1e": f"{NO_NUMBER}: 1e", "1,5": f"{NO_NUMBER}: 1,5",
}

EMPTY = "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"
SEVERAL = "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes"
#: (attribute value, message)
NO_VALUES: tuple[tuple[AV, str | Like | None], ...] = (
    (AV(), EMPTY), (AV(a=""), EMPTY), (AV(M={"a": {}}), EMPTY), (AV(L=[{}]), EMPTY), (AV(S="a", N="1"), SEVERAL),
    (AV(SS=[]), "One or more parameter values were invalid: An string set  may not be empty"),
    (AV(NS=[]), "One or more parameter values were invalid: An number set  may not be empty"),
    (AV(BS=[]), "One or more parameter values were invalid: Binary sets should not be empty"),
    (ss("a", "a"), Like(r"One or more parameter values were invalid: Input collection \[\"?a\"?, \"?a\"?\] contains duplicates.")),
    (bs(b"b", b"b"), Like(r"One or more parameter values were invalid: Input collection \[.*\]of type BS contains duplicates.")),
    # Both as worded since June 2026 (captured on AWS, paritysuite/dynamodb-conformance, valueLayers.test.ts).
    (ns(1, 1), "One or more parameter values were invalid: Input collection contains duplicates."),
    (ns(1, "1.0"), "One or more parameter values were invalid: Input collection contains duplicates."),
    (ns(1, "b"), f"{NO_NUMBER}: b"), (ns("9" * 39), TOO_MANY), (AV(M={"a": {"L": [{"SS": []}]}}), "One or more parameter values were invalid: An string set  may not be empty"),
    (AV(L=[{"N": "x"}]), f"{NO_NUMBER}: x"),
)


def numbers() -> Iterator[Case]:
    """Yield numbers as they read back, and those refused."""
    for sent, read in NORMAL.items():
        asked = put("hash", {"pk": "a", "n": n(sent), "s": ns(sent), "d": [n(sent)]})
        yield case(f"{sent} reads {read}", asked, ok(), then=[stored("hash", "a", {"pk": "a", "n": n(read), "s": ns(read), "d": [n(read)]})])
    for text, message in NO_NUMBERS.items():
        yield case(f"{text!r} is no number", put("hash", {"pk": "a", "n": n(text)}), invalid(message), then=[absent("hash", "a")])
    for first, operator, second, result in (
        (MANY, "+", "1", "1" + "0" * 38), ("1e125", "+", "1e125", "2" + "0" * 125), ("0.1", "-", "0.3", "-0.2"), ("1e20", "-", "1e20", "0"),
        ("1e30", "+", "1e-7", "1" + "0" * 30 + ".0000001"),
    ):
        asked = update("hash", "a", f"SET n = :a {operator} :b", {":a": n(first), ":b": n(second)}, ReturnValues="UPDATED_NEW")
        yield case(f"{first} {operator} {second}", asked, ok(Attributes=item({"n": n(result)})))
    for first, operator, second, message in (
        ("9.9e125", "+", "9.9e125", OVERFLOW), ("1e38", "+", "0.1", TOO_MANY), (MANY, "+", "0.1", TOO_MANY),
    ):
        asked = update("hash", "a", f"SET n = :a {operator} :b", {":a": n(first), ":b": n(second)})
        yield case(f"refused {first} {operator} {second}", asked, invalid(Like(f"({message}|.*(38|overflow).*)")))
    asked = update("hash", "a", "ADD n :b", {":b": n("9.9e125")})
    yield case("ADD beyond the range", asked, invalid(), given=[put("hash", {"pk": "a", "n": n("9.9e125")})])
    for sent in ("1.0", "+1", "1e0", "001"):
        yield case(f"a key {sent} is 1", get("number", n(sent)), ok(Item=item({"pk": 1})), given=[put("number", {"pk": 1})])


def values() -> Iterator[Case]:
    """Yield values that are stored, and those refused."""
    deep: Any = "x"
    for _ in range(31):
        deep = [deep]
    for name, value in (
        ("empty text", ""), ("empty binary", b""), ("empty list", []), ("empty map", {}), ("null", None), ("true", True), ("false", False),
        ("text", "é😀\x00"), ("binary", bytes(range(256))), ("set of texts", ss("b", "a")), ("empty text in a set", ss("", "a")),
        ("empty binary in a set", bs(b"", b"a")), ("nested", {"a": [{"b": {"c": ss("x")}}]}), ("31 levels", deep), ("map of odd names", {"a.b": 1, "#c": 2, " ": 3, "é": 4}),
        ("sets of numbers", ns(1, "2.5", "-3")), ("long text", "x" * 100_000),
    ):
        yield case(f"stored {name}", put("hash", {"pk": "a", "v": value}), ok(), then=[stored("hash", "a", {"pk": "a", "v": value})])
    yield case("32 levels", put("hash", {"pk": "a", "v": [deep]}), invalid("Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond supported limit"), then=[absent("hash", "a")])
    for value, message in NO_VALUES:
        yield case(f"refused {dict(value)}", put("hash", {"pk": "a", "v": value}), invalid(message), then=[absent("hash", "a")])
    yield case("an attribute without name", put("hash", {"pk": "a", "": 1}), invalid(), then=[absent("hash", "a")])


MISMATCH = "The provided key element does not match the schema"
EMPTY_KEY = "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty {} value. Key: {}"


def keys() -> Iterator[Case]:
    """Yield keys that are refused."""
    wrong: tuple[Any, ...] = (
        {}, {"b": "a"}, {"pk": "a", "b": "a"}, {"pk": b"abc"}, {"pk": 1}, {"pk": True}, {"pk": None}, {"pk": ss("a")}, {"pk": {}}, {"pk": []},
    )
    for key in wrong:
        for name, asked in (("get", get("hash", key)), ("delete", delete("hash", key)), ("update", update("hash", key, "REMOVE a"))):
            yield case(f"{name} {key}", asked, invalid(MISMATCH))
    for name, asked in (("get", get("range", {"pk": "a"})), ("delete", delete("range", {"pk": "a"})), ("update", update("range", {"pk": "a"})), ("get", get("range", ("a", "1")))):
        yield case(f"{name} half or wrong key {asked.members['Key']}", asked, invalid(MISMATCH))
    for values_of, message in (
        ({"x": 1}, "Missing the key pk in the item"), ({"pk": 1}, "Type mismatch for key pk expected: S actual: N"),
        ({"pk": [1]}, "Type mismatch for key pk expected: S actual: L"), ({"pk": None}, "Type mismatch for key pk expected: S actual: NULL"),
    ):
        yield case(f"put {values_of}", put("hash", values_of), parameter(message))
    yield case("put without range key", put("range", {"pk": "a"}), parameter("Missing the key sk in the item"))
    for table, key, kind in (("hash", "", "string"), ("binary", (b"", b"a"), "binary")):
        for name, asked in (("get", get(table, key)), ("delete", delete(table, key)), ("update", update(table, key, "REMOVE a"))):
            yield case(f"{name} empty {kind} key", asked, invalid(EMPTY_KEY.format(kind, "pk")))
    yield case("put empty key", put("hash", {"pk": ""}), invalid(EMPTY_KEY.format("string", "pk")))
    yield case("put empty binary range key", put("binary", {"pk": b"a", "sk": b""}), invalid(EMPTY_KEY.format("binary", "sk")))
    hash_size = "Size of hashkey has exceeded the maximum size limit of2048 bytes"
    range_size = "Aggregated size of all range keys has exceeded the size limit of 1024 bytes"
    yield case("hash key of 2048 bytes", put("hash", {"pk": "é" * 1024}), ok())
    yield case("hash key of 2049 bytes", put("hash", {"pk": "é" * 1024 + "x"}), parameter(hash_size))
    yield case("get of a hash key of 2049 bytes", get("hash", "x" * 2049), parameter(hash_size))
    yield case("delete of a hash key of 2049 bytes", delete("hash", "x" * 2049), parameter(hash_size))
    yield case("range key of 1024 bytes", put("binary", {"pk": b"a", "sk": b"x" * 1024}), ok())
    yield case("range key of 1025 bytes", put("binary", {"pk": b"a", "sk": b"x" * 1025}), parameter(range_size))
    yield case("get of a range key of 1025 bytes", get("binary", (b"a", b"x" * 1025)), parameter(range_size))
    index = "Type mismatch for Index Key {} Expected: {} Actual: {} IndexName: {}"
    base = {"pk": "a", "sk": "b"}
    for extra, message in (
        ({"all_h": 1}, index.format("all_h", "S", "N", "all")), ({"all_r": "x"}, index.format("all_r", "N", "S", "all")),
        ({"lall_r": [1]}, index.format("lall_r", "S", "L", "lall")), ({"keys_h": None}, index.format("keys_h", "S", "NULL", "keys")),
    ):
        yield case(f"put index key {extra}", put("index", {**base, **extra}), parameter(message), then=[absent("index", ("a", "b"))])
        yield case(f"batch put index key {extra}", batch_write({"index": [{**base, **extra}]}), parameter(message), then=[absent("index", ("a", "b"))])
        reason = {"Code": "ValidationError", "Message": f"One or more parameter values were invalid: {message}"}
        yield case(f"transaction put index key {extra}", transact(put("index", {**base, **extra})), failing(reason), then=[absent("index", ("a", "b"))])
    empty = (
        "One or more parameter values are not valid. A value specified for a secondary index key is not supported. "
        "The AttributeValue for a key attribute cannot contain an empty string value. IndexName: all, IndexKey: all_h"
    )
    for name, asked in (("put", put("index", {**base, "all_h": ""})), ("batch", batch_write({"index": [{**base, "all_h": ""}]})), ("transaction", transact(put("index", {**base, "all_h": ""})))):
        yield case(f"{name} empty index key", asked, invalid(empty), then=[absent("index", ("a", "b"))])
    yield case("index range key over 1024 bytes", put("index", {**base, "lall_r": "x" * 1025}), invalid())
    yield case("index hash key over 2048 bytes", put("index", {**base, "all_h": "x" * 2049, "all_r": 1}), invalid())


LIMIT = 409_600
PUT_SIZE = "Item size has exceeded the maximum allowed size"
UPDATE_SIZE = "Item size to update has exceeded the maximum allowed size"


def sizes() -> Iterator[Case]:
    """Yield items at the limit of 400 KB, to the byte."""

    def sized(size: int, key: str = "kkkkkkkkkkkkkkkkkkkkkkkk", **more: object) -> dict[str, object]:
        return {"pk": key, "p": "x" * (size - len(key) - 3), **more}

    big, over = sized(LIMIT), sized(LIMIT + 1)
    key = "kkkkkkkkkkkkkkkkkkkkkkkk"
    for name, asked, expected in (
        ("put at", put("hash", big), ok()), ("put over", put("hash", over), invalid(PUT_SIZE)),
        ("batch at", batch_write({"hash": [big]}), ok(UnprocessedItems={})), ("batch over", batch_write({"hash": [over]}), invalid(PUT_SIZE)),
        ("transaction put at", transact(put("hash", big)), ok()), ("transaction put over", transact(put("hash", over)), invalid(PUT_SIZE)),
        ("update at, long key", update("hash", key, "SET p = :p", {":p": big["p"]}), ok()),
        ("update over, long key", update("hash", key, "SET p = :p", {":p": over["p"]}), invalid(UPDATE_SIZE)),
        ("transaction update over", transact(update("hash", key, "SET p = :p", {":p": over["p"]})), failing({"Code": "ValidationError", "Message": UPDATE_SIZE})),
    ):
        size: tuple[Any, ...] = (stored("hash", key, big),) if not hasattr(expected, "code") else (absent("hash", key),)
        yield case(name, asked, expected, then=size)
    # An UpdateItem is measured as what it writes, 3 bytes, and 19 for each SET or ADD, 2 for each REMOVE or DELETE,
    # or the whole item if that is more.
    for expression, values, cost, extra in (
        ("SET p = :p", {}, 22, {}), ("SET p = :p, q = :q", {":q": "y"}, 41, {"q": "y"}), ("SET p = :p REMOVE r", {}, 24, {}),
        ("SET p = :p ADD q :q", {":q": 1}, 41, {"q": 1}),
    ):
        for over_by, expected in ((0, ok()), (1, invalid(UPDATE_SIZE))):
            written = LIMIT - cost + over_by - (2 if extra.get("q") == "y" else 3 if extra else 0)
            asked = update("hash", "K", expression, {":p": "x" * (written - 1), **values})
            yield case(f"short key {expression} {over_by} over", asked, expected, given=[put("hash", {"pk": "K", "r": "z"})] if "REMOVE" in expression else ())
    for name, value, size_of in (
        ("list", ["a", "b"], 3 + 2 + 2), ("map", {"a": "b"}, 3 + 1 + 2), ("null", None, 1), ("number", n("123"), 3), ("1.5", n("1.5"), 3), ("-42", n("-42"), 3),
        ("100.5", n("100.5"), 4), ("3.14159", n("3.14159"), 5), ("38 digits", n("12345678901234567890123456789012345678"), 20), ("1e125", n("1e125"), 2), ("set", ss("ab", "c"), 3), ("é", "é", 2), ("binary", b"abc", 3), ("true", True, 1),
    ):
        for over_by, expected in ((0, ok()), (1, invalid(PUT_SIZE))):
            asked = put("hash", sized(LIMIT - size_of - 1 + over_by, v=value))
            yield case(f"with {name} {over_by} over", asked, expected)
    grown: Expected = invalid(UPDATE_SIZE)
    yield case("update that grows an item", update("hash", key, "SET q = :q", {":q": "x" * 100}), grown, given=[put("hash", sized(LIMIT - 50))])


def tables() -> Iterator[Case]:
    """Yield requests for tables that do not exist."""
    for asked in (
        put("none", {"pk": "a"}), call("GetItem", TableName="none", Key=item({"pk": "a"})), call("DeleteItem", TableName="none", Key=item({"pk": "a"})),
        call("UpdateItem", TableName="none", Key=item({"pk": "a"})), query("none", "pk = :v", {":v": "a"}), call("Scan", TableName="none"),
        batch_write({"none": [{"pk": "a"}]}), call("BatchGetItem", RequestItems={"none": {"Keys": [item({"pk": "a"})]}}), transact(put("none", {"pk": "a"})),
        call("TransactGetItems", TransactItems=[{"Get": {"TableName": "none", "Key": item({"pk": "a"})}}]),
    ):
        yield case(asked.operation, asked, missing())
    yield case("DescribeTable", call("DescribeTable", TableName="none"), missing("Requested resource not found: Table: none not found"))
    yield case("DeleteTable", call("DeleteTable", TableName="none"), missing("Requested resource not found: Table: none not found"))
    yield case("UpdateTable", call("UpdateTable", TableName="none", BillingMode="PAY_PER_REQUEST"), missing("Requested resource not found: Table: none not found"))
    yield case("one of two", batch_write({"hash": [{"pk": "a"}], "none": [{"pk": "a"}]}), missing(), then=[absent("hash", "a")])


GROUPS = (
    Group("values: numbers", f"{RULES}; {DYNALITE}", numbers()),
    Group("values: stored and refused", f"{RULES}; {DYNALITE}; {NUBO}", values()),
    Group("keys", f"{DYNALITE}; {NUBO}", keys()),
    Group("sizes", f"{NUBO} (limits/itemSizeBySurface, numberByteSize)", sizes()),
    Group("tables that do not exist", f"{DYNALITE}; {NUBO}", tables()),
)
