"""What mypy and pyright see in records; checked by both, never run. An unused ignore is a failure.

Both find the same mistakes without a plugin: mistyped names, wrong types, changes of frozen records.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, assert_type

import attrs

from dynamo_objects import DynamoRecord, SchemalessRecord, field, register_type


class Address(DynamoRecord):
    """A nested record."""

    city: str = ""
    lines: list[str] = []


class Store(DynamoRecord):
    """A mutable record."""

    store_id: str
    city: str = ""
    count: int = 0
    tags: list[str] = []
    opened: datetime | None = None
    address: Address | None = None
    price: Decimal = field(default=Decimal(0), name="p")
    made: list[int] = field(factory=list)
    expires: datetime | None = field(default=None, ttl=True)
    version: int = field(default=0, version=True)
    anything: Any = field(default=None, numbers=float)
    by_attrs: int = attrs.field(default=0, validator=attrs.validators.ge(0))
    needed: str = field(name="n")


class Frozen(DynamoRecord, frozen=True):
    """An immutable record."""

    name: str = ""


class Child(Store):
    """Inherits fields."""

    more: bool = False


class Loose(DynamoRecord, schemaless=True, unknown="drop", tag="loose", tag_field="kind"):
    """Uses the other class keywords."""

    name: str = ""


# --- the constructor ----------------------------------------------------------------------

store = Store(store_id="1", city="Oslo", tags=["a"], opened=datetime.now(UTC), needed="x")
assert_type(store, Store)
assert_type(Child(store_id="1", needed="x", more=True), Child)

Store()  # type: ignore[call-arg]
Store("1", needed="x")  # type: ignore[call-arg]
Store(store_id="1", needed="x", ctiy="Oslo")  # type: ignore[call-arg]
Store(store_id=1, needed="x")  # type: ignore[arg-type]
Store(store_id="1", needed="x", tags="a")  # type: ignore[arg-type]
Store(store_id="1", needed="x", address="Oslo")  # type: ignore[arg-type]
Child(store_id="1", needed="x", mroe=True)  # type: ignore[call-arg]

# --- fields -------------------------------------------------------------------------------

assert_type(store.city, str)
assert_type(store.tags, list[str])
assert_type(store.opened, datetime | None)
assert_type(store.address, Address | None)
assert_type(store.price, Decimal)
assert_type(store.made, list[int])
assert_type(store.expires, datetime | None)
assert_type(store.version, int)
assert_type(store.by_attrs, int)
assert_type(store.needed, str)

store.city = "Bergen"
store.city = 5  # type: ignore[assignment]
store.ctiy = "Bergen"  # type: ignore[attr-defined]
unknown = store.ctiy  # type: ignore[attr-defined]
store.tags.append(5)  # type: ignore[arg-type]
store.address = Address(city="Oslo")
if store.address is not None:
    assert_type(store.address.lines, list[str])

frozen = Frozen(name="a")
frozen.name = "b"  # type: ignore[misc]
assert_type(frozen.evolve(name="b"), Frozen)

# --- methods ------------------------------------------------------------------------------

assert_type(store.evolve(city="x"), Store)
assert_type(store.get_dict(), dict[str, Any])
assert_type(store.get_dict(exclude=["city"]), dict[str, Any])
assert_type(store.to_json(), dict[str, Any])
store.update_data(city="x")
store.update_data_safe(city="x", other=1)
store.validate()
store.vaildate()  # type: ignore[attr-defined]


class Checked(Store):
    """Overrides what is there to be overridden."""

    def _check_data(self) -> None:
        self.city = self.city.strip()
        self.tags.append(self.ctiy)  # type: ignore[attr-defined]

    def _freeze_schema(self) -> None:
        pass


# --- declarations -------------------------------------------------------------------------


class Wrong(DynamoRecord):
    """Has defaults of wrong types."""

    count: int = "1"  # type: ignore[assignment]
    price: Decimal = field(default="1")  # type: ignore[assignment]
    both: int = field(default=1, factory=int)  # type: ignore[call-overload]
    typo: int = field(defualt=1)  # type: ignore[call-overload]


class Money:
    """A type of the user's."""

    def __init__(self, cents: int) -> None:
        self.cents = cents


def to_money(number: Decimal) -> Money:
    """Return the money of an amount."""
    return Money(int(number))


def from_money(money: Money) -> Decimal:
    """Return the amount of money."""
    return Decimal(money.cents)


register_type(Money, stored_as=Decimal, encode=from_money, decode=to_money)
register_type(Money, stored_as=str, encode=from_money, decode=to_money)  # type: ignore[arg-type]


# --- schemaless ---------------------------------------------------------------------------

loose = SchemalessRecord(id="1", price=Decimal("1.5"))
loose.city = "Oslo"
assert_type(loose.country, Any)
assert_type(loose.evolve(price=2), SchemalessRecord)
Loose(name=5)  # type: ignore[arg-type]
Loose(city="Oslo")  # type: ignore[call-arg]
