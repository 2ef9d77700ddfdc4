"""The tables of the behaviour suite."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import attrs

from dynamo_objects import DynamoRecord, DynamoTable, GlobalIndex, HashKey, LocalIndex, RangeKey, field

__all__ = ["Kind", "FROZEN", "MUTABLE", "Store", "StoreTable", "Visit", "VisitTable"]


class Store(DynamoRecord):
    """A record of a table with a hash key."""

    store_id: str = ""
    company_id: str = ""
    city: str = ""
    visits: int = 0
    rating: float | None = None
    opened: datetime | None = None
    tags: list[str] = []
    labels: set[str] = set()


class StoreTable(DynamoTable[Store]):
    """Stores by id, and by company."""

    table_name = "store"
    schema = [HashKey("store_id")]
    global_indexes = [GlobalIndex("ByCompany", [HashKey("company_id"), RangeKey("store_id")])]


class FrozenStore(DynamoRecord, frozen=True):
    """The same, immutable."""

    store_id: str = ""
    company_id: str = ""
    city: str = ""
    visits: int = 0
    rating: float | None = None
    opened: datetime | None = None
    tags: list[str] = []
    labels: set[str] = set()


class FrozenStoreTable(DynamoTable[FrozenStore]):
    """The same table with immutable records."""

    table_name = "store"
    schema = [HashKey("store_id")]
    global_indexes = [GlobalIndex("ByCompany", [HashKey("company_id"), RangeKey("store_id")])]


class Visit(DynamoRecord):
    """A record of a table with a hash and a range key."""

    store_id: str = ""
    number: int = 0
    guest: str = ""
    paid: float = 0.0
    note: str = ""
    version: int = 0


class VisitTable(DynamoTable[Visit]):
    """Visits by store and number; indexes of all kinds of projection."""

    table_name = "visit"
    schema = [HashKey("store_id"), RangeKey("number")]
    global_indexes = [
        GlobalIndex("ByGuest", [HashKey("guest"), RangeKey("number")]),
        GlobalIndex("KeysByGuest", [HashKey("guest")], projection="KEYS_ONLY"),
        GlobalIndex("PaidByGuest", [HashKey("guest"), RangeKey("paid")], projection=["note"]),
    ]
    local_indexes = [
        LocalIndex("ByPaid", [RangeKey("paid")]),
        LocalIndex("KeysByNote", [RangeKey("note")], projection="KEYS_ONLY"),
    ]


class Account(DynamoRecord):
    """A record that counts its saves."""

    account_id: str = ""
    balance: int = 0
    owner: str = ""
    version: int = field(default=0, version=True)


class AccountTable(DynamoTable[Account]):
    """Accounts by id."""

    table_name = "account"
    schema = [HashKey("account_id")]


class FrozenAccount(DynamoRecord, frozen=True):
    """The same, immutable."""

    account_id: str = ""
    balance: int = 0
    owner: str = ""
    version: int = field(default=0, version=True)


class FrozenAccountTable(DynamoTable[FrozenAccount]):
    """The same table with immutable records."""

    table_name = "account"
    schema = [HashKey("account_id")]


@attrs.frozen
class Kind:
    """Records of one kind, mutable or frozen: what tests need to treat both alike.

    Attributes:
        Store, StoreTable, Account, AccountTable: Classes.
    """

    name: str
    Store: Any
    StoreTable: Any
    Account: Any
    AccountTable: Any

    def changed(self, record: Any, **changes: Any) -> Any:
        """Return the record with some fields changed: itself, or a copy."""
        if self.name == "frozen":
            return record.evolve(**changes)
        for name, value in changes.items():
            setattr(record, name, value)
        return record


MUTABLE = Kind("mutable", Store, StoreTable, Account, AccountTable)
FROZEN = Kind("frozen", FrozenStore, FrozenStoreTable, FrozenAccount, FrozenAccountTable)
