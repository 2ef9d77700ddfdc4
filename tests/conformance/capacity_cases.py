"""Consumed capacity: the arithmetic of units, for every operation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .words import (
    ANYTHING,
    Answers,
    Call,
    Case,
    Group,
    Has,
    batch_get,
    batch_write,
    call,
    case,
    delete,
    get,
    item,
    ok,
    put,
    query,
    scan,
    transact,
    transact_get,
    update,
)

__all__ = ["GROUPS"]

# Cases are rows of tables, one a line.
# fmt: off

GUIDE = "AWS Developer Guide, 'DynamoDB read and write operations', 'Provisioned capacity mode'"
NUBO = "github.com/nubo-db/dynamodb-conformance, putItem/indexConsumedCapacity (measured 2026-08-12)"
DYNALITE = "dynalite test/query.js, test/putItem.js, test/updateItem.js (run on AWS)"

TOTAL: dict[str, Any] = {"ReturnConsumedCapacity": "TOTAL"}
INDEXES: dict[str, Any] = {"ReturnConsumedCapacity": "INDEXES"}


def sized(size: int, key: str = "k", **more: object) -> dict[str, object]:
    """Return an item of the table ``hash`` of just this many bytes, without *more*."""
    return {"pk": key, "p": "x" * (size - 3 - len(key)), **more}


def units(value: float, table: str = "hash") -> Answers:
    """Return an answer with these units, and whatever else."""
    return Answers(Has({"ConsumedCapacity": {"TableName": table, "CapacityUnits": value}}))


def simple() -> Iterator[Case]:
    """Yield operations on one item."""
    yield case("none unless asked", put("hash", {"pk": "k"}), ok())
    yield case("NONE", put("hash", {"pk": "k"}, ReturnConsumedCapacity="NONE"), ok())
    for size, wanted in ((4, 1), (1024, 1), (1025, 2), (10_240, 10), (10_241, 11), (409_600, 400)):
        yield case(f"put of {size} bytes", put("hash", sized(size), **TOTAL), units(wanted))
    for old, new, wanted in ((3000, 100, 3), (100, 3000, 3), (3000, 3000, 3)):
        yield case(f"put of {new} over {old} bytes", put("hash", sized(new), **TOTAL), units(wanted), given=[put("hash", sized(old))])
    yield case("delete of 2500 bytes", delete("hash", "k", **TOTAL), units(3), given=[put("hash", sized(2500))])
    yield case("delete of nothing", delete("hash", "k", **TOTAL), units(1))
    yield case("update that shrinks", update("hash", "k", "SET p = :v", {":v": "x"}, **TOTAL), units(3), given=[put("hash", sized(2500))])
    yield case("update that grows", update("hash", "k", "SET q = :v", {":v": "x" * 2500}, **TOTAL), units(3), given=[put("hash", {"pk": "k"})])
    yield case("update of a small attribute of 5000 bytes", update("hash", "k", "SET q = :v", {":v": 1}, **TOTAL), units(5), given=[put("hash", sized(5000))])
    for size, eventually, strongly in ((4096, 0.5, 1), (4097, 1, 2), (8192, 1, 2), (10_240, 1.5, 3), (12_289, 2, 4)):
        for consistent, wanted in ((False, eventually), (True, strongly)):
            yield case(f"get of {size} bytes, consistent {consistent}", get("hash", "k", ConsistentRead=consistent, **TOTAL), units(wanted), given=[put("hash", sized(size))])
    for consistent, wanted in ((False, 0.5), (True, 1)):
        yield case(f"get of nothing, consistent {consistent}", get("hash", "k", ConsistentRead=consistent, **TOTAL), units(wanted))
    yield case("a projection is not cheaper", get("hash", "k", ProjectionExpression="pk", **TOTAL), units(1.5), given=[put("hash", sized(10_240))])
    table = {"TableName": "hash", "CapacityUnits": 1, "Table": {"CapacityUnits": 1}}
    yield case("INDEXES of a put", put("hash", {"pk": "k"}, **INDEXES), ok(ConsumedCapacity=table))
    yield case("INDEXES of a delete", delete("hash", "k", **INDEXES), ok(ConsumedCapacity=table))
    yield case("INDEXES of an update", update("hash", "k", "SET a = :v", {":v": 1}, **INDEXES), ok(ConsumedCapacity=table))
    half = {"TableName": "hash", "CapacityUnits": 0.5, "Table": {"CapacityUnits": 0.5}}
    yield case("INDEXES of a get", get("hash", "k", **INDEXES), ok(ConsumedCapacity=half))


def searches() -> Iterator[Case]:
    """Yield queries and scans, where sizes are added before they are rounded."""
    small = [{"pk": "k", "sk": number, "p": "x" * 1000} for number in range(1, 7)]
    given = [batch_write({"range": small})]
    by = ("pk = :p", {":p": "k"})
    yield case("query of six items of 1 KB", query("range", *by, **TOTAL), units(1, "range"), given=given)
    yield case("consistent", query("range", *by, ConsistentRead=True, **TOTAL), units(2, "range"), given=given)
    yield case("limit", query("range", *by, Limit=2, **TOTAL), units(0.5, "range"), given=given)
    yield case("filter", query("range", "pk = :p", {":p": "k", ":v": 1}, FilterExpression="p = :v", ConsistentRead=True, **TOTAL), units(2, "range"), given=given)
    yield case("projection", query("range", *by, ProjectionExpression="sk", ConsistentRead=True, **TOTAL), units(2, "range"), given=given)
    yield case("count", query("range", *by, Select="COUNT", ConsistentRead=True, **TOTAL), units(2, "range"), given=given)
    yield case("query that finds nothing", query("range", *by, **TOTAL), units(0.5, "range"))
    yield case("consistent query that finds nothing", query("range", *by, ConsistentRead=True, **TOTAL), units(1, "range"))
    yield case("scan", scan("range", **TOTAL), units(1, "range"), given=given)
    yield case("consistent scan with a filter", scan("range", "p = :v", {":v": 1}, ConsistentRead=True, **TOTAL), units(2, "range"), given=given)
    yield case("INDEXES of a query", query("range", *by, **INDEXES), Answers(Has({"ConsumedCapacity": {"TableName": "range", "CapacityUnits": 1, "Table": {"CapacityUnits": 1}}})), given=given)
    many = [{"pk": "k", "sk": str(number), "all_h": "h", "all_r": 1, "lkeys_r": 2, "keys_h": "q", "p": "x" * 3000} for number in range(3)]
    given = [batch_write({"index": many})]

    def capacity(total: float, table: float, kind: str, name: str, index: float) -> Answers:
        return Answers(Has({"ConsumedCapacity": {"TableName": "index", "CapacityUnits": total, "Table": {"CapacityUnits": table}, kind: {name: {"CapacityUnits": index}}}}))

    globals_, locals_ = "GlobalSecondaryIndexes", "LocalSecondaryIndexes"
    yield case("global index", query("index", "all_h = :h", {":h": "h"}, IndexName="all", **INDEXES), capacity(1.5, 0, globals_, "all", 1.5), given=given)
    yield case("index of keys only", query("index", "keys_h = :h", {":h": "q"}, IndexName="keys", **INDEXES), capacity(0.5, 0, globals_, "keys", 0.5), given=given)
    yield case("scan of a global index", scan("index", IndexName="all", **INDEXES), capacity(1.5, 0, globals_, "all", 1.5), given=given)
    local = query("index", "pk = :p", {":p": "k"}, IndexName="lkeys", **INDEXES)
    yield case("local index", local, capacity(0.5, 0, locals_, "lkeys", 0.5), given=given)
    fetched = Call("Query", {**local.members, "Select": "ALL_ATTRIBUTES"})
    yield case("local index that fetches from the table", fetched, capacity(2, 1.5, locals_, "lkeys", 0.5), given=given)
    consistent = Call("Query", {**fetched.members, "ConsistentRead": True})
    yield case("the same, consistent", consistent, capacity(4, 3, locals_, "lkeys", 1), given=given)
    yield case("TOTAL of an index", query("index", "all_h = :h", {":h": "h"}, IndexName="all", **TOTAL), Answers(Has({"ConsumedCapacity": {"TableName": "index", "CapacityUnits": 1.5}})), given=given)


def index_writes() -> Iterator[Case]:
    """Yield writes to a table with indexes: an index costs only where it changes."""
    def arms(total: float, table: float = 1, globals_: dict[str, float] | None = None, locals_: dict[str, float] | None = None) -> Answers:
        capacity: dict[str, Any] = {"TableName": "index", "CapacityUnits": total, "Table": {"CapacityUnits": table}}
        if globals_:
            capacity["GlobalSecondaryIndexes"] = {name: {"CapacityUnits": one} for name, one in globals_.items()}
        if locals_:
            capacity["LocalSecondaryIndexes"] = {name: {"CapacityUnits": one} for name, one in locals_.items()}
        return ok(ConsumedCapacity=capacity)

    key = {"pk": "k", "sk": "r"}
    some, lall = {**key, "some_h": "g", "inc": "p"}, {**key, "lall_r": "l"}
    both = {**some, **lall, "oth": "o"}
    big = "x" * 2000
    yield case("global index", put("index", some, **INDEXES), arms(2, 1, {"some": 1}))
    yield case("local index", put("index", lall, **INDEXES), arms(2, 1, None, {"lall": 1}))
    yield case("both", put("index", both, **INDEXES), arms(3, 1, {"some": 1}, {"lall": 1}))
    yield case("neither", put("index", key, **INDEXES), arms(1))
    yield case("TOTAL", put("index", both, **TOTAL), ok(ConsumedCapacity={"TableName": "index", "CapacityUnits": 3}))
    yield case("half an index key", put("index", {**key, "all_h": "x"}, **INDEXES), arms(1))
    yield case("the same item again", put("index", both, **INDEXES), arms(1), given=[put("index", both)])
    yield case("big item, small projection", put("index", {**some, "oth": big}, **INDEXES), arms(3 + 0, 2, {"some": 1}))
    yield case("big projection", put("index", {**some, "inc": big}, **INDEXES), arms(4, 2, {"some": 2}))
    for name, expression, values, expected in (
        ("attribute not projected", "SET oth = :v", {":v": "o2"}, arms(2, 1, None, {"lall": 1})), ("projected attribute", "SET inc = :v", {":v": "p2"}, arms(3, 1, {"some": 1}, {"lall": 1})),
        ("index key", "SET some_h = :v", {":v": "g2"}, arms(4, 1, {"some": 2}, {"lall": 1})), ("index key away", "REMOVE some_h", None, arms(3, 1, {"some": 1}, {"lall": 1})),
        ("local index key", "SET lall_r = :v", {":v": "l2"}, arms(3, 1, None, {"lall": 2})), ("nothing", "SET inc = :v", {":v": "p"}, arms(1)),
    ):
        yield case(f"update {name}", update("index", ("k", "r"), expression, values, **INDEXES), expected, given=[put("index", both)])
    yield case("delete", delete("index", ("k", "r"), **INDEXES), arms(3, 1, {"some": 1}, {"lall": 1}), given=[put("index", both)])
    yield case("delete without indexes", delete("index", ("k", "r"), **INDEXES), arms(1), given=[put("index", key)])
    yield case("put that moves", put("index", {**some, "some_h": "g2"}, **INDEXES), arms(3, 1, {"some": 2}), given=[put("index", some)])
    capacity = {"TableName": "index", "CapacityUnits": 3, "Table": {"CapacityUnits": 2}, "GlobalSecondaryIndexes": {"some": {"CapacityUnits": 1}}}
    yield case("batch", batch_write({"index": [some, {"pk": "k2", "sk": "r"}]}, **INDEXES), ok(UnprocessedItems={}, ConsumedCapacity=[capacity]))


def several() -> Iterator[Case]:
    """Yield batches and transactions."""
    puts = [sized(100, "a"), sized(1500, "b")]
    yield case("batch write", batch_write({"hash": puts}, **TOTAL), ok(UnprocessedItems={}, ConsumedCapacity=[{"TableName": "hash", "CapacityUnits": 3}]))
    given = [batch_write({"hash": puts})]
    for consistent, wanted in ((False, 1.5), (True, 3)):
        asked = batch_get({"hash": ["a", "b", "absent"]}, ConsistentRead=consistent)
        with_ = Call(asked.operation, {**asked.members, **TOTAL})
        yield case(f"batch get, consistent {consistent}", with_, Answers(Has({"ConsumedCapacity": [{"TableName": "hash", "CapacityUnits": wanted}]})), given=given)
    many = batch_get({"hash": ["a"]})
    yield case("INDEXES of a batch get", Call(many.operation, {**many.members, **INDEXES}), Answers(Has({"ConsumedCapacity": [{"TableName": "hash", "CapacityUnits": 0.5, "Table": {"CapacityUnits": 0.5}}]})), given=given)

    def doubled(**members: Any) -> Answers:
        return Answers(Has({"ConsumedCapacity": [Has({"TableName": "hash", **members})]}))

    yield case("transaction", transact(put("hash", sized(100, "a")), put("hash", sized(1500, "b")), **TOTAL), doubled(CapacityUnits=6))
    yield case("transaction with a check", transact(put("hash", {"pk": "a"}), call("ConditionCheck", TableName="hash", Key=item({"pk": "b"}), ConditionExpression="attribute_not_exists(pk)"), **TOTAL), doubled(CapacityUnits=4))
    yield case("transaction of a delete", transact(delete("hash", "b"), **TOTAL), doubled(CapacityUnits=4), given=given)
    yield case("transaction of an update", transact(update("hash", "b", "SET q = :v", {":v": 1}), **TOTAL), doubled(CapacityUnits=4), given=given)
    yield case("transaction get", transact_get(get("hash", "a"), get("hash", "absent"), **TOTAL), doubled(CapacityUnits=4), given=given)
    yield case("transaction get of 5000 bytes", transact_get(get("hash", "k"), **TOTAL), doubled(CapacityUnits=4), given=[put("hash", sized(5000))])
    yield case("INDEXES of a transaction get", transact_get(get("hash", "a"), **INDEXES), doubled(CapacityUnits=2, Table=Has({"ReadCapacityUnits": 2})), given=given)
    yield case("INDEXES of a transaction", transact(put("hash", {"pk": "a"}), **INDEXES), doubled(CapacityUnits=2, Table=Has({"CapacityUnits": 2})))
    both = transact(put("hash", {"pk": "a"}), put("range", {"pk": "a", "sk": 1}), **TOTAL)
    yield case("transaction over two tables", both, Answers(Has({"ConsumedCapacity": ANYTHING})))


def collections() -> Iterator[Case]:
    """Yield the metrics of item collections, which only tables with local indexes have."""
    size: dict[str, Any] = {"ReturnItemCollectionMetrics": "SIZE"}
    metrics = {"ItemCollectionKey": item({"pk": "k"}), "SizeEstimateRangeGB": [0, 1]}
    yield case("put", put("index", {"pk": "k", "sk": "r"}, **size), ok(ItemCollectionMetrics=metrics))
    yield case("update", update("index", ("k", "r"), "SET a = :v", {":v": 1}, **size), ok(ItemCollectionMetrics=metrics))
    yield case("delete", delete("index", ("k", "r"), **size), ok(ItemCollectionMetrics=metrics), given=[put("index", {"pk": "k", "sk": "r"})])
    yield case("batch", batch_write({"index": [{"pk": "k", "sk": "r"}]}, **size), ok(UnprocessedItems={}, ItemCollectionMetrics={"index": [metrics]}))
    yield case("transaction", transact(put("index", {"pk": "k", "sk": "r"}), **size), ok(ItemCollectionMetrics={"index": [metrics]}))
    yield case("no local index", put("hash", {"pk": "k"}, **size), ok())
    yield case("not asked", put("index", {"pk": "k", "sk": "r"}), ok())


GROUPS = (
    Group("capacity: one item", GUIDE, simple()),
    Group("capacity: searches", f"{GUIDE}; {DYNALITE}", searches()),
    Group("capacity: writes with indexes", NUBO, index_writes()),
    Group("capacity: batches, transactions", f"{GUIDE}; {NUBO}", several()),
    Group("capacity: item collections", "AWS API reference, ItemCollectionMetrics; dynalite test/putItem.js", collections()),
)
