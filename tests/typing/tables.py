"""What checkers know of tables and queries; checked by mypy and pyright, never run."""

from __future__ import annotations

from typing import Any, TypeVar, assert_type

from boto3.dynamodb.conditions import Attr, Key

from dynamo_objects import (
    DynamoDatabase,
    DynamoRecord,
    DynamoTable,
    GlobalIndex,
    HashKey,
    LocalIndex,
    Page,
    Query,
    RangeKey,
    TableThroughput,
    Throughput,
    field,
)

R = TypeVar("R", bound=DynamoRecord)


class Store(DynamoRecord):
    store_id: str = ""
    city: str = ""
    visits: int = 0
    version: int = field(default=0, version=True)


class FrozenStore(DynamoRecord, frozen=True):
    store_id: str = ""
    city: str = ""


class StoreTable(DynamoTable[Store]):
    table_name = "store"
    schema = [HashKey("store_id"), RangeKey("visits")]
    throughput = {"read": 3, "write": 3}
    global_indexes = [
        GlobalIndex("ByCity", [HashKey("city")], projection="KEYS_ONLY", throughput=Throughput(1, 1)),
        GlobalIndex("ByVisits", [HashKey("visits")], projection=["city"], throughput={"read": 1, "write": 1}),
    ]
    local_indexes = [LocalIndex("Local", [RangeKey("city")])]
    consistent_read = True


class FrozenTable(DynamoTable[FrozenStore]):
    table_name = "frozen"
    schema = [HashKey("store_id")]


class Audited(DynamoTable[R]):
    """A generic table class of one's own."""

    def latest(self) -> R | None:
        return self.scan().first()


class AuditedStoreTable(Audited[Store]):
    table_name = "audited"
    schema = [HashKey("store_id")]


class SeedTable(DynamoTable[Store]):
    def __init__(self) -> None:
        super().__init__(
            "store", schema=[HashKey("store_id")], throughput={"read": 3, "write": 3}, record_class=Store
        )


table = StoreTable()
store = Store(store_id="s1")

# --- one record

assert_type(table.get("s1"), Store)
assert_type(table.get("s1", 5, create=True), Store)
assert_type(table.find("s1"), Store | None)
assert_type(table.find("s1", 5, consistent=True), Store | None)
assert_type(table.find("s1", default=store), Store)
assert_type(table.find("s1", 5, "none"), Store | str)
assert_type(table.save(store), Store)
assert_type(table.save(store, overwrite=True, condition=Attr("city").eq("Oslo"), exactly_once=True), Store)
assert_type(table.save(store, condition={"city__eq": "Oslo"}), Store)
assert_type(table.save(store, on_conflict="merge"), Store)
assert_type(table.save(store, on_conflict=lambda base, mine, theirs: mine or theirs), Store)
assert_type(table.delete("s1"), Store)
assert_type(table.update("s1", put={"city": "Oslo"}, add={"visits": 1}, remove=["city"]), Store)
assert_type(table.update_counter("s1", 5, visits=1), dict[str, Any])
assert_type(FrozenTable().save(FrozenStore(store_id="s1")), FrozenStore)

# --- many records

assert_type(table.get_many([("s1", 1), ("s1", 2)]), dict[Any, Store])
assert_type(table.save_many([store]), list[Store])
table.delete_many([("s1", 1)])

# --- mapping style

assert_type(table["s1", 1], Store)
table["s1", 1] = store
del table["s1", 1]
assert_type(("s1", 1) in table, bool)

# --- queries

query = table.query("s1")
assert_type(query, Query[Store])
assert_type(list(query), list[Store])
assert_type(query(), list[Store])
assert_type(query.first(), Store | None)
assert_type(query.one(), Store)
assert_type(query.count(), int)
assert_type(query.page(5), Page[Store])
assert_type(query.page(5).items, list[Store])
assert_type(query.page(5).cursor, str | None)
assert_type(query.range(1, 5).filter(city__eq="Oslo").reverse().limit(2), Query[Store])
assert_type(query.where(Key("visits").gt(1), city__eq="Oslo").attributes("city"), Query[Store])
assert_type(table.scan(city__eq="Oslo", segments=4), Query[Store])
assert_type(table.scan(Attr("city").eq("Oslo")), Query[Store])
assert_type(table.query_count(store_id__eq="s1"), int)
for found in table.query("s1", index="ByCity", limit=3, reverse=True, query_filter={"city__ne": ""}):
    assert_type(found, Store)

# --- generic and seed-style tables

assert_type(AuditedStoreTable().latest(), Store | None)
assert_type(AuditedStoreTable().get("s1"), Store)
assert_type(SeedTable().find("s1"), Store | None)
assert_type(DynamoTable("store", schema=[HashKey("store_id")], record_class=Store).get("s1"), Store)

# --- databases

database = DynamoDatabase().connect(region_name="localhost", table_prefix="dev_")
assert_type(database, DynamoDatabase)
assert_type(database.get_tables(), list[str])
assert_type(database.delete_table("store"), bool)
assert_type(database.copy_table_data("a", "b", transform=lambda record: None), int)
with TableThroughput({"store": {"table": {"read": 1, "write": 1}}}) as raised:
    assert_type(raised, TableThroughput)

# --- mistakes

table.get("s1").nmae  # type: ignore[attr-defined]
table.save(FrozenStore())  # type: ignore[arg-type]
table.save(store, on_conflict="Merge")  # type: ignore[arg-type]
field(default=0, merge="add")  # type: ignore[call-overload]
table.save_many([FrozenStore()])  # type: ignore[list-item]
table.query("s1", limit="5")  # type: ignore[arg-type]
table.query("s1").reverse("yes")  # type: ignore[arg-type]
database.connect(prefix="dev_")  # type: ignore[call-arg]
FrozenStore().city = "Oslo"  # type: ignore[misc]
