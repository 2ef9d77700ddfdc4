"""The tables of an example: stores of companies, and who visited them. Written as in any project."""

from __future__ import annotations

from datetime import datetime

from dynamo_objects import DynamoRecord, DynamoTable, GlobalIndex, HashKey, MemoryTable, RangeKey

__all__ = ["Store", "StoreMemoryTable", "StoreTable", "Visit", "VisitTable"]


class Store(DynamoRecord):
    """A store; its name is stored in one form."""

    store_id: str = ""
    company_id: str = ""
    name: str = ""
    tags: list[str] = []
    visits: int = 0

    def _check_data(self) -> None:
        self.name = self.name.strip()


class StoreTable(DynamoTable[Store]):
    """Stores by their id, and by their company."""

    table_name = "store"
    schema = [HashKey("store_id")]
    global_indexes = [
        GlobalIndex(
            "StoreCompanyIndex",
            [HashKey("company_id"), RangeKey("store_id")],
            throughput={"read": 3, "write": 3},
        )
    ]
    throughput = {"read": 3, "write": 3}


class StoreMemoryTable(MemoryTable[Store]):
    """Stores, read once and written in batches."""

    def __init__(self) -> None:
        super().__init__(StoreTable())


class Visit(DynamoRecord):
    """A visit of a store."""

    store_id: str = ""
    time: datetime
    guest: str = "guest"


class VisitTable(DynamoTable[Visit]):
    """The visits of a store, in their order."""

    table_name = "visit"
    schema = [HashKey("store_id"), RangeKey("time")]
    throughput = {"read": 3, "write": 3}
