"""Batches and transactions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .words import (
    AV,
    SOME,
    Answers,
    Call,
    Case,
    Fails,
    Group,
    Has,
    Like,
    absent,
    batch_get,
    batch_write,
    call,
    case,
    delete,
    failing,
    get,
    invalid,
    item,
    n,
    ok,
    parameter,
    put,
    ss,
    stored,
    transact,
    transact_get,
    update,
)

__all__ = ["GROUPS"]

# Cases are rows of tables, one a line.
# fmt: off

API = "AWS API reference"
NUBO = "github.com/nubo-db/dynamodb-conformance, tier1/batch*, tier2/transactions, tier3/error-messages (run on AWS)"
DYNALITE = "dynalite test/batchWriteItem.js, batchGetItem.js (run on AWS)"

DUPLICATES = "Provided list of item keys contains duplicates"


def _writes(*requests: dict[str, Any], table: str = "hash", **more: Any) -> Call:
    return call("BatchWriteItem", RequestItems={table: list(requests)}, **more)


def _put(key: object) -> dict[str, Any]:
    return {"PutRequest": {"Item": item({"pk": key})}}


def _delete(key: object) -> dict[str, Any]:
    return {"DeleteRequest": {"Key": item({"pk": key})}}


def batch_writes() -> Iterator[Case]:
    """Yield BatchWriteItem."""
    done = ok(UnprocessedItems={})
    yield case("put and delete", _writes(_put("a"), _delete("b")), done, given=[put("hash", {"pk": "b"})], then=[stored("hash", "a", {"pk": "a"}), absent("hash", "b")])
    yield case("delete of nothing", _writes(_delete("b")), done)
    yield case("25 puts", _writes(*(_put(f"k{number}") for number in range(25))), done)
    yield case("two tables", batch_write({"hash": [{"pk": "a"}], "range": [{"pk": "a", "sk": 1}]}), done, then=[stored("hash", "a", {"pk": "a"}), stored("range", ("a", 1), {"pk": "a", "sk": 1})])
    over = Like(r"1 validation error detected: Value '\{hash=\[.+\]\}' at 'requestItems' failed to satisfy constraint: Map value must satisfy constraint: \[Member must have length less than or equal to 25, Member must have length greater than or equal to 1\]")
    yield case("26 puts", _writes(*(_put(f"k{number}") for number in range(26))), invalid(over), then=[absent("hash", "k0")])
    yield case("26 puts in two tables", batch_write({"hash": [{"pk": f"k{number}"} for number in range(20)], "range": [{"pk": "a", "sk": number} for number in range(6)]}), invalid(Like("Too many items requested for the BatchWriteItem call|.*")), then=[absent("hash", "k0")])
    for name, requests in (
        ("two puts", (_put("a"), _put("a"))), ("put and delete", (_put("a"), _delete("a"))), ("two deletes", (_delete("a"), _delete("a"))), ("apart", (_put("a"), _put("b"), _delete("a"))),
    ):
        yield case(f"duplicates: {name}", _writes(*requests), invalid(DUPLICATES), then=[absent("hash", "a"), absent("hash", "b")])
    yield case("duplicates: 1 and 1.0", _writes(_put(1), _put(n("1.0")), table="number"), invalid(DUPLICATES), then=[absent("number", n(1))])
    yield case("one key in two tables", call("BatchWriteItem", RequestItems={"hash": [_put("a")], "range": [{"PutRequest": {"Item": item({"pk": "a", "sk": 1})}}]}), done)
    yield case("no tables", call("BatchWriteItem", RequestItems={}), invalid(Like("The requestItems parameter is required for BatchWriteItem|1 validation error detected: Value .* at '[rR]equestItems' failed to satisfy constraint: Member must have length greater than or equal to 1")))
    yield case("no requests", call("BatchWriteItem", RequestItems={"hash": []}), invalid(Like("1 validation error detected: Value '{hash=\\[\\]}' at 'requestItems' failed to satisfy constraint: Map value must satisfy constraint: .*|.*")))
    yield case("an empty request", _writes({}), invalid())
    yield case("both requests", _writes({**_put("a"), **_delete("b")}), invalid())
    yield case("wrong key type", _writes(_put(1)), invalid("The provided key element does not match the schema"))
    yield case("wrong key type of a delete", _writes(_delete(1)), invalid("The provided key element does not match the schema"))
    yield case("one wrong of two stores nothing", _writes(_put("a"), {"PutRequest": {"Item": item({"pk": "b", "x": AV(SS=[])})}}), parameter("An string set  may not be empty"), then=[absent("hash", "a")])
    yield case("missing key", _writes({"PutRequest": {"Item": item({"x": 1})}}), invalid())
    yield case("empty key", _writes(_put("")), invalid("One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: pk"))
    yield case("no members", call("BatchWriteItem"), invalid(Like("1 validation error detected: Value null at 'requestItems' failed to satisfy constraint: Member must not be null|The requestItems parameter is required for BatchWriteItem")))


def _got(items: list[dict[str, object]], table: str = "hash") -> Answers:
    return ok(Responses={table: [item(one) for one in items]}, UnprocessedKeys={})


def batch_gets() -> Iterator[Case]:
    """Yield BatchGetItem."""
    a = {"pk": "a", "x": 1, "m": {"y": 2}}
    given = [put("hash", a)]
    yield case("one", batch_get({"hash": ["a"]}), _got([a]), given=given)
    yield case("one there, one not", batch_get({"hash": ["a", "b"]}), _got([a]), given=given)
    yield case("none", batch_get({"hash": ["b"]}), _got([]))
    yield case("projection", batch_get({"hash": ["a"]}, ProjectionExpression="m.y"), _got([{"m": {"y": 2}}]), given=given)
    yield case("projection with a name", batch_get({"hash": ["a"]}, ProjectionExpression="#x", ExpressionAttributeNames={"#x": "x"}), _got([{"x": 1}]), given=given)
    yield case("AttributesToGet", batch_get({"hash": ["a"]}, AttributesToGet=["x"]), _got([{"x": 1}]), given=given)
    yield case("consistent", batch_get({"hash": ["a"]}, ConsistentRead=True), _got([a]), given=given)
    yield case("100 keys", batch_get({"hash": [f"k{number}" for number in range(100)]}), _got([]))
    yield case("101 keys", batch_get({"hash": [f"k{number}" for number in range(101)]}), invalid(Like("1 validation error detected: Value (at 'RequestItems.hash.member.Keys'|.*at 'requestItems.hash.member.keys') failed to satisfy constraint: Member must have length less than or equal to 100")))
    yield case("101 keys in two tables", batch_get({"hash": [f"k{number}" for number in range(100)], "number": [n(1)]}), invalid(Like("Too many items requested for the BatchGetItem call")))
    yield case("duplicates", batch_get({"hash": ["a", "a"]}), invalid(DUPLICATES))
    yield case("duplicates 1 and 1.0", batch_get({"number": [n(1), n("1.0")]}), invalid(DUPLICATES))
    yield case("no tables", call("BatchGetItem", RequestItems={}), invalid(Like("The requestItems parameter is required for BatchGetItem|1 validation error detected: Value .*at '[rR]equestItems' failed to satisfy constraint: Member must have length greater than or equal to 1")))
    yield case("no keys", call("BatchGetItem", RequestItems={"hash": {"Keys": []}}), invalid(Like("1 validation error detected: Value .*failed to satisfy constraint: Member must have length greater than or equal to 1")))
    yield case("no members", call("BatchGetItem"), invalid(Like("1 validation error detected: Value null at 'requestItems' failed to satisfy constraint: Member must not be null|The requestItems parameter is required for BatchGetItem")))
    yield case("keys missing", call("BatchGetItem", RequestItems={"hash": {}}), invalid("1 validation error detected: Value null at 'requestItems.hash.member.keys' failed to satisfy constraint: Member must not be null"))
    yield case("wrong key", batch_get({"hash": [{"pk": 1}]}), invalid("The provided key element does not match the schema"))
    yield case("half a key", batch_get({"range": [{"pk": "a"}]}), invalid("The provided key element does not match the schema"))
    overlap = "Invalid ProjectionExpression: Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [q], path two: [q]"
    yield case("overlap", batch_get({"hash": ["a"]}, ProjectionExpression="q, q"), invalid(overlap))
    both = "Can not use both expression and non-expression parameters in the same request: Non-expression parameters: {AttributesToGet} Expression parameters: {ProjectionExpression}"
    yield case("both kinds of projection", batch_get({"hash": ["a"]}, ProjectionExpression="q", AttributesToGet=["q"]), invalid(both))
    mixed = call("BatchGetItem", RequestItems={"hash": {"Keys": [item({"pk": "a"})], "ProjectionExpression": "pk"}, "number": {"Keys": [item({"pk": 1})], "AttributesToGet": ["pk"]}})
    yield case("a kind of projection for each table", mixed, invalid())
    big = [{"pk": f"k{number:02}", "p": "x" * 400_000} for number in range(45)]
    asked = batch_get({"hash": [row["pk"] for row in big]})
    yield case("16 MB", asked, Answers(Has({"UnprocessedKeys": Has({"hash": Has({"Keys": SOME})})})), given=[batch_write({"hash": big[start : start + 15]}) for start in (0, 15, 30)])


CONDITION = {"Code": "ConditionalCheckFailed", "Message": "The conditional request failed", "Item": None}
NEW = {"ConditionExpression": "attribute_not_exists(pk)"}


def _check(key: str, expression: str = "attribute_exists(pk)", table: str = "hash", **more: Any) -> Call:
    return call("ConditionCheck", TableName=table, Key=item({"pk": key}), ConditionExpression=expression, **more)


def transactions() -> Iterator[Case]:
    """Yield TransactWriteItems."""
    a = [put("hash", {"pk": "a", "v": 1})]
    done = transact(put("hash", {"pk": "p"}), update("hash", "u", "ADD c :v", {":v": 1}), delete("hash", "a"), _check("n", "attribute_not_exists(pk)"))
    yield case("all actions", done, ok(), given=a, then=[stored("hash", "p", {"pk": "p"}), stored("hash", "u", {"pk": "u", "c": 1}), absent("hash", "a"), absent("hash", "n")])
    yield case("two tables", transact(put("hash", {"pk": "p"}), put("range", {"pk": "p", "sk": 1})), ok(), then=[stored("range", ("p", 1), {"pk": "p", "sk": 1})])
    nothing = [absent("hash", "b")]
    yield case("a failed condition undoes all", transact(put("hash", {"pk": "b"}), put("hash", {"pk": "a"}, **NEW)), failing({"Code": "None", "Message": None}, CONDITION), given=a, then=nothing)
    yield case("reasons in order", transact(put("hash", {"pk": "a"}, **NEW), put("hash", {"pk": "b"}), _check("c")), failing(CONDITION, "None", CONDITION), given=a, then=nothing)
    old = {"ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
    with_item = {"Code": "ConditionalCheckFailed", "Item": item({"pk": "a", "v": 1})}
    for name, action in (
        ("put", put("hash", {"pk": "a"}, **NEW, **old)), ("update", update("hash", "a", "SET v = :v", {":v": 2}, **NEW, **old)), ("delete", delete("hash", "a", **NEW, **old)),
        ("check", _check("a", "attribute_not_exists(pk)", **old)),
    ):
        yield case(f"the item of a failed {name}", transact(action), failing(with_item), given=a)
    yield case("no item where there is none", transact(_check("c", **old)), failing(CONDITION))
    wrong = {"Code": "ValidationError", "Message": "The provided expression refers to an attribute that does not exist in the item"}
    yield case("an update that cannot be done", transact(put("hash", {"pk": "b"}), update("hash", "a", "SET v = x")), failing("None", wrong), given=a, then=nothing)
    wrong = {"Code": "ValidationError", "Message": "An operand in the update expression has an incorrect data type"}
    yield case("an update of a wrong type", transact(update("hash", "a", "SET v = v + :v", {":v": 1})), failing(wrong), given=[put("hash", {"pk": "a", "v": "x"})])
    multiple = "Transaction request cannot include multiple operations on one item"
    for name, actions in (
        ("two puts", (put("hash", {"pk": "a"}), put("hash", {"pk": "a"}))), ("put and check", (put("hash", {"pk": "a"}), _check("a"))), ("update and delete", (update("hash", "a", "REMOVE x"), delete("hash", "a"))),
        ("1 and 1.0", (put("number", {"pk": 1}), put("number", {"pk": n("1.0")}))),
    ):
        yield case(f"one item twice: {name}", transact(*actions), invalid(multiple))
    for number, expected in ((100, ok()), (101, invalid(Like(r"1 validation error detected: Value '\[.+\]' at 'transactItems' failed to satisfy constraint: Member must have length less than or equal to 100")))):
        yield case(f"{number} actions", transact(*(put("hash", {"pk": f"k{one}"}) for one in range(number))), expected)
    yield case("no actions", call("TransactWriteItems", TransactItems=[]), invalid("1 validation error detected: Value '[]' at 'transactItems' failed to satisfy constraint: Member must have length greater than or equal to 1"))
    yield case("no members", call("TransactWriteItems"), invalid("1 validation error detected: Value null at 'transactItems' failed to satisfy constraint: Member must not be null"))
    yield case("an empty action", call("TransactWriteItems", TransactItems=[{}]), invalid())
    yield case("two actions in one", call("TransactWriteItems", TransactItems=[{"Put": {"TableName": "hash", "Item": item({"pk": "a"})}, "Delete": {"TableName": "hash", "Key": item({"pk": "b"})}}]), invalid())
    yield case("over 4 MB", transact(*(put("hash", {"pk": f"k{one}", "p": "x" * 350_000}) for one in range(12))), invalid(), then=[absent("hash", "k0")])
    yield case("3.5 MB", transact(*(put("hash", {"pk": f"k{one}", "p": "x" * 350_000}) for one in range(10))), ok())
    yield case("no update expression", call("TransactWriteItems", TransactItems=[{"Update": {"TableName": "hash", "Key": item({"pk": "a"})}}]), invalid())
    yield case("no condition in a check", call("TransactWriteItems", TransactItems=[{"ConditionCheck": {"TableName": "hash", "Key": item({"pk": "a"})}}]), invalid())
    mismatch = {"Code": "ValidationError", "Message": "The provided key element does not match the schema"}
    for key in (5, ["x"]):
        for name, action in (
            ("update", call("UpdateItem", TableName="hash", Key=item({"pk": key}), UpdateExpression="REMOVE x")), ("delete", call("DeleteItem", TableName="hash", Key=item({"pk": key}))),
            ("check", call("ConditionCheck", TableName="hash", Key=item({"pk": key}), ConditionExpression="attribute_exists(pk)")),
        ):
            yield case(f"{name} of key {key}", transact(action), failing(mismatch))
    kind = {5: "N", "x": "L"}
    yield case("put of a number as key", transact(put("hash", {"pk": 5})), failing({"Code": "ValidationError", "Message": f"One or more parameter values were invalid: Type mismatch for key pk expected: S actual: {kind[5]}"}))
    empty = "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: pk"
    for name, action in (("put", put("hash", {"pk": ""})), ("update", update("hash", "", "REMOVE x")), ("delete", delete("hash", "")), ("check", _check(""))):
        yield case(f"{name} of an empty key", transact(action), invalid(empty))
    for name, action, message in (
        ("syntax", update("hash", "a", "SET"), Like("Invalid UpdateExpression: Syntax error; .*")), ("undefined value", put("hash", {"pk": "a"}, ConditionExpression="x = :v"), "Invalid ConditionExpression: An expression attribute value used in expression is not defined; attribute value: :v"),
        ("reserved word", update("hash", "a", "SET status = :v", {":v": 1}), "Invalid UpdateExpression: Attribute name is a reserved keyword; reserved keyword: status"),
    ):
        yield case(f"refused as a whole: {name}", transact(action), invalid(message))
    yield case("empty set", transact(put("hash", {"pk": "a", "x": AV(SS=[])})), parameter("An string set  may not be empty"))
    yield case("DELETE to the last member", transact(update("hash", "a", "DELETE s :v", {":v": ss("x")})), ok(), given=[put("hash", {"pk": "a", "s": ss("x")})], then=[stored("hash", "a", {"pk": "a"})])


def tokens() -> Iterator[Case]:
    """Yield ClientRequestToken: each case has its own, for they live ten minutes."""
    def count(token: str, by: int = 1) -> Call:
        return transact(update("hash", "c", "ADD n :v", {":v": by}), ClientRequestToken=token)

    yield case("twice is once", count("twice-is-once"), ok(), given=[count("twice-is-once")], then=[stored("hash", "c", {"pk": "c", "n": 1})])
    yield case("other token", count("other-token-2"), ok(), given=[count("other-token-1")], then=[stored("hash", "c", {"pk": "c", "n": 2})])
    yield case("other content", count("other-content", 2), Fails("IdempotentParameterMismatchException"), given=[count("other-content")], then=[stored("hash", "c", {"pk": "c", "n": 1})])
    yield case("36 characters", count("t" * 36), ok())
    yield case("37 characters", count("t" * 37), invalid(Like("1 validation error detected: Value .*at '[cC]lientRequestToken' failed to satisfy constraint: Member must have length less than or equal to 36")))
    yield case("empty", count(""), invalid())
    failed = transact(put("hash", {"pk": "f"}, ConditionExpression="attribute_exists(pk)"), ClientRequestToken="failed-first")
    yield case("capacity of a repetition is that of reading", transact(put("hash", {"pk": "r"}), ClientRequestToken="repeated-put", ReturnConsumedCapacity="TOTAL"), Answers(Has({"ConsumedCapacity": [Has({"ReadCapacityUnits": 2})]})), given=[transact(put("hash", {"pk": "r"}), ClientRequestToken="repeated-put")])
    yield case("a failed transaction is tried again", failed, failing("ConditionalCheckFailed"))


def transaction_gets() -> Iterator[Case]:
    """Yield TransactGetItems."""
    a = {"pk": "a", "m": {"x": 1, "y": 2}}
    given = [put("hash", a)]
    yield case("there and not", transact_get(get("hash", "a"), get("hash", "b")), ok(Responses=[{"Item": item(a)}, {}]), given=given)
    yield case("in order", transact_get(get("hash", "b"), get("hash", "a")), ok(Responses=[{}, {"Item": item(a)}]), given=given)
    yield case("projection", transact_get(get("hash", "a", ProjectionExpression="m.x")), ok(Responses=[{"Item": item({"m": {"x": 1}})}]), given=given)
    yield case("projection of a name", transact_get(get("hash", "a", {"#m": "m"}, ProjectionExpression="#m.y")), ok(Responses=[{"Item": item({"m": {"y": 2}})}]), given=given)
    yield case("one twice", transact_get(get("hash", "a"), get("hash", "a")), invalid("Transaction request cannot include multiple operations on one item"))
    yield case("none", call("TransactGetItems", TransactItems=[]), invalid("1 validation error detected: Value '[]' at 'transactItems' failed to satisfy constraint: Member must have length greater than or equal to 1"))
    for number, expected in ((100, ok(Responses=[{}] * 100)), (101, invalid(Like(r"1 validation error detected: Value '\[.+\]' at 'transactItems' failed to satisfy constraint: Member must have length less than or equal to 100")))):
        yield case(f"{number} gets", transact_get(*(get("hash", f"k{one}") for one in range(number))), expected)
    yield case("empty key object", transact_get(get("hash", {})), failing("ValidationError"))
    yield case("wrong key", transact_get(get("hash", {"pk": 1})), failing({"Code": "ValidationError", "Message": "The provided key element does not match the schema"}))
    yield case("syntax", transact_get(get("hash", "a", ProjectionExpression="!!!")), invalid('Invalid ProjectionExpression: Syntax error; token: "!", near: "!!"'))


GROUPS = (
    Group("batch writes", f"{API}, BatchWriteItem; {NUBO}; {DYNALITE}", batch_writes()),
    Group("batch gets", f"{API}, BatchGetItem; {NUBO}; {DYNALITE}", batch_gets()),
    Group("transactions: writes", f"{API}, TransactWriteItems (its list of cancellation reasons); {NUBO}", transactions()),
    Group("transactions: tokens", f"{API}, TransactWriteItems; {NUBO}", tokens()),
    Group("transactions: gets", f"{API}, TransactGetItems; {NUBO}", transaction_gets()),
)
