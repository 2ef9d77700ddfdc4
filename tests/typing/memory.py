"""What checkers know of MemoryTable; checked by mypy and pyright, never run."""

from __future__ import annotations

from typing import Any, TypeVar, assert_type

from boto3.dynamodb.conditions import Attr, Key

from dynamo_objects import (
    BatchFailed,
    DynamoRecord,
    DynamoTable,
    FlushReport,
    HashKey,
    MemoryTable,
    RangeKey,
)
from dynamo_objects.errors import Failure
from dynamo_objects.memorydb import MemoryQuery

R = TypeVar("R", bound=DynamoRecord)


class Store(DynamoRecord):
    store_id: str = ""
    number: int = 0
    city: str = ""


class FrozenStore(DynamoRecord, frozen=True):
    store_id: str = ""
    city: str = ""


class StoreTable(DynamoTable[Store]):
    table_name = "store"
    schema = [HashKey("store_id"), RangeKey("number")]


class FrozenTable(DynamoTable[FrozenStore]):
    table_name = "frozen"
    schema = [HashKey("store_id")]


class StoreMemoryTable(MemoryTable[Store]):
    """As the readme makes one."""

    def __init__(self) -> None:
        super().__init__(StoreTable())


class Cached(MemoryTable[R]):
    """A generic class of one's own."""

    def any(self) -> R | None:
        return self.scan().first()


class Bar:
    def update(self, n: int = 1, /) -> None:
        """Count."""


memory = MemoryTable(StoreTable())
store = Store(store_id="s1")

assert_type(memory, MemoryTable[Store])
assert_type(MemoryTable(FrozenTable(), maxsize=10), MemoryTable[FrozenStore])
assert_type(MemoryTable(db_table=FrozenTable(), maxsize=None), MemoryTable[FrozenStore])

# --- one record

assert_type(memory.get("s1", 5), Store)
assert_type(memory.get("s1", 5, create=True, times={}), Store)
assert_type(memory.find("s1", 5), Store | None)
assert_type(memory.find("s1", 5, default=store), Store)
assert_type(memory.find("s1", 5, "none"), Store | str)
assert_type(memory.save(store), Store)
assert_type(memory.delete("s1", 5), Store)
assert_type(MemoryTable(FrozenTable()).save(FrozenStore().evolve(city="Oslo")), FrozenStore)

# --- what is cached

assert_type(memory.has_item("s1", 5), bool)
assert_type(memory.get_data(), list[Store])
assert_type(memory.dirty_keys(), list[Any])
assert_type(memory.hits + memory.db_reads, int)
assert_type(memory.db_table, DynamoTable[Store])
assert_type(memory.get_db_table(), DynamoTable[Store])
memory.prefetch([("s1", 1), ("s1", 2)], progress=Bar())
memory.set_load_from_db(False)
memory.reset()

# --- queries

query = memory.query("s1")
assert_type(query, MemoryQuery[Store])
assert_type(list(query), list[Store])
assert_type(query(), list[Store])
assert_type(query.first(), Store | None)
assert_type(query.one(), Store)
assert_type(query.count(), int)
assert_type(query.range(1, 5).filter(city__eq="Oslo").reverse().limit(2), MemoryQuery[Store])
assert_type(query.where(Key("number").gt(1)).index("ByCity").page_size(5), MemoryQuery[Store])
assert_type(memory.scan(Attr("city").eq("Oslo")).segments(4), MemoryQuery[Store])
assert_type(memory.query_count(store_id__eq="s1"), int)
for found in memory.query("s1", limit=3, reverse=True, query_filter={"city__ne": ""}):
    assert_type(found, Store)

# --- flushing

assert_type(memory.save_data(), FlushReport)
assert_type(memory.save_data(on_conflict="theirs").merged, int)
assert_type(memory.save_data_batch(ignore_errors=True, overwrite=True, progress=Bar()), FlushReport)
assert_type(memory.batch_write(), FlushReport)
report = memory.save_data()
assert_type(report.written + report.puts + report.updates + report.deletes, int)
assert_type(report.skipped + report.requests, int)
assert_type(report.failed, list[Failure])
with MemoryTable(StoreTable()) as entered:
    assert_type(entered, MemoryTable[Store])
try:
    memory.save_data()
except BatchFailed as failed:
    assert_type(failed.failures, tuple[Failure, ...])

# --- classes of one's own

assert_type(StoreMemoryTable().get("s1", 5), Store)
assert_type(Cached(StoreTable()).any(), Store | None)
with StoreMemoryTable() as own:
    assert_type(own, StoreMemoryTable)

# --- mistakes

memory.get("s1", 5).ctiy  # type: ignore[attr-defined]
memory.save(FrozenStore())  # type: ignore[arg-type]
MemoryTable(StoreTable)  # type: ignore[arg-type]
MemoryTable(StoreTable(), maxsize="10")  # type: ignore[arg-type]
memory.save_data(progress=5)  # type: ignore[arg-type]
memory.save_data(on_conflict="Theirs")  # type: ignore[arg-type]
memory.hits = 5  # type: ignore[misc]
query.page(5)  # type: ignore[attr-defined]
