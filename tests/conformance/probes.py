"""What emulators get wrong: probes from AWS's documents, and how each emulator deviates.

Every probe is a case with AWS's answer. A deviation is a dated row; a test compares the rows
with what happens. Our engine has no row.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import attrs

from .words import (
    AV,
    Answers,
    Case,
    Fails,
    Group,
    Has,
    absent,
    batch_write,
    call,
    case,
    delete,
    get,
    invalid,
    item,
    n,
    ns,
    ok,
    put,
    scan,
    stored,
    transact,
    transact_get,
    update,
)

__all__ = ["DEVIATIONS", "GROUP", "Deviation"]

ITEM = {"pk": "k", "bin": b"abc", "n": 5, "s": "x", "l": ["a"], "m": {"a": 1, "b": 2}, "nu": ns(1, 2, 3)}


def _probes() -> Iterator[Case]:
    given = [put("hash", ITEM)]

    def holds(name: str, expression: str, values: Mapping[str, object], truth: bool) -> Case:
        return case(name, scan("hash", expression, values), Answers(Has({"Count": int(truth)})), given=given)

    def refused(name: str, expression: str, values: Mapping[str, object] | None = None, **names: str) -> Case:
        named = {f"#{key}": value for key, value in names.items()} or None
        return case(name, scan("hash", expression, values, named), invalid(), given=given)

    yield holds("begins_with of a binary is true", "begins_with(bin, :v)", {":v": b"ab"}, True)
    yield holds("contains of a binary is true", "contains(bin, :v)", {":v": b"bc"}, True)
    yield holds("a number is not less than a text, without an error", "n < :v", {":v": "9"}, False)
    yield holds("the size of a number is nothing, without an error", "size(n) > :v", {":v": 0}, False)
    yield holds("number sets are equal in any order", "nu = :v", {":v": ns(3, "1.0", 2)}, True)
    yield refused("attribute_type DOG is refused", "attribute_type(s, :v)", {":v": "DOG"})
    yield refused("an undefined value is refused", "s = :v")
    yield refused("an unused value is refused", "s = :v", {":v": 1, ":w": 1})
    yield refused("an unused name is refused", "s = :v", {":v": 1}, a="s")
    yield refused("a syntax error is refused", "s == :v", {":v": 1})
    yield refused("reversed bounds are refused", "n BETWEEN :b AND :a", {":a": 1, ":b": 2})
    yield case(
        "a global index key of a wrong type is refused",
        put("index", {"pk": "a", "sk": "b", "all_h": 1}),
        invalid(),
        then=[absent("index", ("a", "b"))],
    )
    yield case(
        "39 digits are refused",
        put("hash", {"pk": "a", "n": n("9" * 39)}),
        invalid(),
        then=[absent("hash", "a")],
    )
    yield case(
        "007.50 reads back as 7.5",
        put("hash", {"pk": "a", "n": n("007.50")}),
        ok(),
        then=[stored("hash", "a", {"pk": "a", "n": n("7.5")})],
    )
    yield case(
        "26 writes are refused, nothing is stored",
        batch_write({"hash": [{"pk": f"k{number}"} for number in range(26)]}),
        invalid(),
        then=[absent("hash", "k0")],
    )
    twice = [{"PutRequest": {"Item": item({"pk": "a"})}}, {"DeleteRequest": {"Key": item({"pk": "a"})}}]
    yield case(
        "put and delete of one key in a batch are refused",
        call("BatchWriteItem", RequestItems={"hash": twice}),
        invalid(),
        then=[absent("hash", "a")],
    )
    yield case(
        "n + :a + :a is refused",
        update("hash", "k", "SET n = n + :a + :a", {":a": 1}),
        invalid(),
        given=given,
        then=[stored("hash", "k", ITEM)],
    )
    big = {"pk": "big", "p": "x" * (10_240 - 6)}
    units = {"ReturnConsumedCapacity": "TOTAL"}
    yield case(
        "a put of 10 KB costs 10 units",
        put("hash", big, **units),
        ok(ConsumedCapacity={"TableName": "hash", "CapacityUnits": 10}),
    )
    for consistent, cost in ((False, 1.5), (True, 3)):
        yield case(
            f"a get of 10 KB costs {cost} units, consistent {consistent}",
            get("hash", "big", ConsistentRead=consistent, **units),
            Answers(Has({"ConsumedCapacity": {"TableName": "hash", "CapacityUnits": cost}})),
            given=[put("hash", big)],
        )
    once = transact(update("hash", "c", "ADD n :v", {":v": 1}), ClientRequestToken="probe-once")
    yield case(
        "a token twice is applied once",
        once,
        Answers(),
        given=[once],
        then=[stored("hash", "c", {"pk": "c", "n": 1})],
    )
    first = transact(put("hash", {"pk": "c"}), ClientRequestToken="probe-other")
    other = transact(delete("hash", "c"), ClientRequestToken="probe-other")
    yield case(
        "a token with another payload is refused",
        other,
        Fails("IdempotentParameterMismatchException"),
        given=[first],
    )
    yield case(
        "a transaction's get is projected",
        transact_get(get("hash", "k", ProjectionExpression="n")),
        ok(Responses=[{"Item": item({"n": 5})}]),
        given=given,
    )
    yield case(
        "UPDATED_NEW of a nested path is the path",
        update("hash", "k", "SET m.a = :v", {":v": 9}, ReturnValues="UPDATED_NEW"),
        Answers(Has({"Attributes": item({"m": {"a": 9}})})),
        given=given,
    )
    yield case(
        "an index beyond the end appends",
        update("hash", "k", "SET l[5] = :v", {":v": "b"}),
        Answers(),
        given=given,
        then=[stored("hash", "k", {**ITEM, "l": ["a", "b"]})],
    )
    yield case(
        "overlapping paths are refused",
        update("hash", "k", "SET m.a = :v, m = :v", {":v": 1}),
        invalid(),
        given=given,
        then=[stored("hash", "k", ITEM)],
    )
    yield case(
        "an empty set is refused",
        put("hash", {"pk": "a", "x": AV(SS=[])}),
        invalid(),
        then=[absent("hash", "a")],
    )
    yield case("an empty key is refused", put("hash", {"pk": ""}), invalid())
    yield case("a hash key of 2049 bytes is refused", put("hash", {"pk": "x" * 2049}), invalid())
    yield case(
        "a binary in a key reads back",
        put("binary", {"pk": b"\xff", "sk": b"\x00"}),
        ok(),
        then=[stored("binary", (b"\xff", b"\x00"), {"pk": b"\xff", "sk": b"\x00"})],
    )


GROUP = Group("probes", "the AWS Developer Guide; the AWS API reference", _probes())


@attrs.frozen
class Deviation:
    """One probe that an emulator answers in another way.

    Attributes:
        probe: Its name.
        instead: What happens.
        seen: When, in ISO form.
    """

    probe: str
    instead: str
    seen: str = "2026-11-20"


#: Engine -> its deviations. Versions: see tests/engines.py.
DEVIATIONS: Mapping[str, tuple[Deviation, ...]] = {
    "dynamodb-local": (Deviation("UPDATED_NEW of a nested path is the path", "the whole attribute"),),
    "dynoxide": (
        Deviation("attribute_type DOG is refused", "false"),
        Deviation("reversed bounds are refused", "false"),
        Deviation("a transaction's get is projected", "the key is there too"),
        Deviation("an index beyond the end appends", "NULL between"),
    ),
    "moto": (
        Deviation("begins_with of a binary is true", "false"),
        Deviation("contains of a binary is true", "false"),
        Deviation("a number is not less than a text, without an error", "TypeError"),
        Deviation("the size of a number is nothing, without an error", "ValidationException"),
        Deviation("attribute_type DOG is refused", "false"),
        Deviation("an undefined value is refused", "KeyError"),
        Deviation("an unused value is refused", "success"),
        Deviation("reversed bounds are refused", "false"),
        Deviation("a global index key of a wrong type is refused", "stored"),
        Deviation("39 digits are refused", "stored"),
        Deviation("007.50 reads back as 7.5", "007.50"),
        Deviation("26 writes are refused, nothing is stored", "stored"),
        Deviation("put and delete of one key in a batch are refused", "success"),
        Deviation("n + :a + :a is refused", "added"),
        Deviation("a put of 10 KB costs 10 units", "1 unit"),
        Deviation("a get of 10 KB costs 1.5 units, consistent False", "0.5 units"),
        Deviation("a get of 10 KB costs 3 units, consistent True", "0.5 units"),
        Deviation("a token twice is applied once", "twice"),
        Deviation("a token with another payload is refused", "success"),
        Deviation("a transaction's get is projected", "the whole item"),
    ),
}
