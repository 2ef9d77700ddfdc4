"""Records as objects: names, update_data, get_dict, to_json, evolve, validate, repr, equality, copies."""

from __future__ import annotations

import copy
import enum
import json
import pickle
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import attrs
import pytest

from dynamo_objects import (
    DynamoException,
    DynamoRecord,
    DynamoSchemaException,
    UnknownFieldError,
    ValidationError,
    field,
)
from dynamo_objects.record import codec_of


class Color(enum.Enum):
    """Stored as text."""

    RED = "red"


class Level(enum.IntEnum):
    """Its members are int."""

    LOW = 1


class Slug(str):
    """Text of a subclass."""

    __slots__ = ()


@attrs.define
class Point:
    """An attrs class."""

    x: int = 0


class Address(DynamoRecord):
    """A nested record."""

    city: str = ""


class Store(DynamoRecord):
    """The usual record."""

    store_id: str = ""
    city: str = ""
    count: int = 0
    tags: list[str] = []


class Checked(DynamoRecord):
    """Normalises, derives and validates."""

    city: str = ""
    kind: str = "shop"
    key: str = ""
    tags: list[str] = []

    def _check_data(self) -> None:
        """Normalise the city, derive the key, refuse other kinds, count by a tag."""
        self.city = self.city.strip()
        self.key = f"{self.kind}:{self.city}"
        self.tags.append("checked")
        if self.kind not in ("shop", "bar"):
            raise DynamoException(f"unknown kind {self.kind!r}")


# --- names --------------------------------------------------------------------------------


def test_unknown_name_in_the_constructor() -> None:
    """
    A mistyped name is an error that names class and nearest field; Python's own errors catch it too.
    """
    for error in (UnknownFieldError, DynamoSchemaException, DynamoException, TypeError, AttributeError):
        with pytest.raises(error) as caught:
            Store(ctiy="Oslo")
        assert "Store has no field 'ctiy' (did you mean 'city'?)" == str(caught.value)


def test_unknown_name_on_assignment_and_reading() -> None:
    """
    So is assigning, reading or deleting one, and assigning what is not a field.
    """
    store = Store()
    for name in ("ctiy", "get_dict", "_private", "__dict__x"):
        with pytest.raises(UnknownFieldError, match=f"Store has no field '{name}'"):
            setattr(store, name, "x")
        with pytest.raises(UnknownFieldError):
            delattr(store, name)
    with pytest.raises(AttributeError, match="'Store' object has no attribute 'ctiy'") as raised:
        store.ctiy
    assert "ctiy" == raised.value.name  # by which the interpreter finds "Did you mean: 'city'?"
    assert not hasattr(store, "ctiy")
    assert "x" == getattr(store, "ctiy", "x")
    assert not hasattr(store, "__dict__")


def test_positional_and_missing_arguments() -> None:
    """
    Fields are given by name, and those without default must be given.
    """

    class Strict(DynamoRecord):
        """Has a required field."""

        name: str

    with pytest.raises(TypeError, match="positional"):
        Store("1")
    with pytest.raises(TypeError, match="missing 1 required keyword-only argument: 'name'"):
        Strict()


def test_field_cannot_be_deleted() -> None:
    """
    A field always has a value.
    """
    with pytest.raises(DynamoSchemaException, match=r"Store\.city cannot be deleted: assign its default"):
        del Store().city


# --- update_data --------------------------------------------------------------------------


def test_update_data_sets_fields_and_checks() -> None:
    """
    update_data sets all that it is given and then runs _check_data.
    """
    record = Checked()
    record.update_data(city=" Oslo ", kind="bar")

    assert ("Oslo", "bar:Oslo", ["checked", "checked"]) == (record.city, record.key, record.tags)


@pytest.mark.parametrize(
    "data",
    [
        {"city": "Oslo", "ctiy": "x"},
        {"city": "Oslo", "kind": "zoo"},
        {"city": 5},
        {"tags": ["a"], "kind": "zoo"},
    ],
)
def test_update_data_changes_all_or_nothing(data: dict[str, Any]) -> None:
    """
    When a name is unknown or the check fails, no field is changed, also not in place.
    """
    record = Checked(city="Bergen")
    before, tags = record.evolve(), record.tags
    before.tags.pop()
    with pytest.raises((DynamoException, AttributeError)):
        record.update_data(**data)

    assert ("Bergen", "shop", "shop:Bergen", ["checked"]) == (
        record.city,
        record.kind,
        record.key,
        record.tags,
    )
    assert before == record
    assert tags == record.tags or tags == ["checked", "checked"]


def test_update_data_leaves_values_in_place_when_nothing_touched_them() -> None:
    """
    After a refused update a list is still the same object.
    """
    store = Store(tags=["a"])
    tags = store.tags
    with pytest.raises(UnknownFieldError):
        store.update_data(city="x", tagz=[])

    assert tags is store.tags
    assert "" == store.city


def test_update_data_safe_skips_unknown_names() -> None:
    """
    update_data_safe takes what the record has, and nothing else.
    """
    store = Store()
    store.update_data_safe(city="Oslo", country="NO", get_dict=1, _item={})

    assert Store(city="Oslo") == store
    assert None is store._item


# --- get_dict and to_json -----------------------------------------------------------------


def test_get_dict_checks_and_copies() -> None:
    """
    get_dict normalises first; its values are copies, so that changing them changes no record.
    """
    record = Checked(city="Oslo")
    record.city = " Bergen "
    values = record.get_dict(exclude=["kind"])
    values["tags"].append("x")

    assert {"city": "Bergen", "key": "shop:Bergen", "tags": ["checked", "checked", "x"]} == values
    assert ["checked", "checked"] == record.tags


def test_get_dict_copies_nested_values() -> None:
    """
    Copies go all the way down; nested records stay records.
    """

    class Owner(DynamoRecord):
        """Has nested values."""

        address: Address = Address()
        deep: dict[str, list[str]] = {}
        pair: tuple[list[str], ...] = ()

    owner = Owner(deep={"a": ["b"]}, pair=(["c"],))
    values = owner.get_dict()
    values["address"].city = "x"
    values["deep"]["a"].append("x")
    values["pair"][0].append("x")

    assert Owner(deep={"a": ["b"]}, pair=(["c"],)) == owner


def test_get_dict_takes_names_that_exist() -> None:
    """
    A single name is one name, and a mistyped one is an error like everywhere.
    """
    assert {"store_id", "count", "tags"} == Store().get_dict(exclude="city").keys()
    assert {"store_id"} == Store().get_dict(exclude={"city", "count", "tags"}).keys()
    with pytest.raises(UnknownFieldError, match="did you mean 'city'"):
        Store().get_dict(exclude=["ctiy"])


class Everything(DynamoRecord):
    """A field of each type."""

    text: str = Slug("slug")
    whole: int = Level.LOW
    exact: Decimal = Decimal("1.5")
    round: Decimal = Decimal("1E+2")
    real: float = 0.5
    flag: bool = True
    nothing: str | None = None
    blob: bytes = b"\x00\xff"
    when: datetime = datetime(2024, 1, 1, 12, tzinfo=UTC)
    expires: datetime = field(default=datetime(2024, 1, 1, tzinfo=UTC), ttl=True)
    day: date = date(2024, 1, 1)
    uuid: UUID = UUID(int=1)
    color: Color = Color.RED
    level: Level = Level.LOW
    words: set[str] = {"b", "a"}
    numbers: set[int] = {10, 9}
    colors: frozenset[Color] = frozenset({Color.RED})
    row: tuple[int, str] = (1, "a")
    names: dict[str, list[Decimal]] = {"a": [Decimal(1)]}
    address: Address = Address(city="Oslo")
    point: Point = Point(1)
    any: Any = field(default={"a": [b"x", None, {"b"}]})


def test_to_json_gives_json_types() -> None:
    """
    Every value becomes text, int, float, bool, None, list or dict.
    """
    expected = {
        "text": "slug",
        "whole": 1,
        "exact": 1.5,
        "round": 100,
        "real": 0.5,
        "flag": True,
        "nothing": None,
        "blob": "AP8=",
        "when": "2024-01-01T12:00:00.000000Z",
        "expires": "2024-01-01T00:00:00.000000Z",
        "day": "2024-01-01",
        "uuid": "00000000-0000-0000-0000-000000000001",
        "color": "red",
        "level": 1,
        "words": ["a", "b"],
        "numbers": [9, 10],
        "colors": ["red"],
        "row": [1, "a"],
        "names": {"a": [1]},
        "address": {"city": "Oslo"},
        "point": {"x": 1},
        "any": {"a": ["eA==", None, ["b"]]},
    }
    actual = Everything().to_json()

    assert expected == actual
    assert actual == json.loads(json.dumps(actual))
    assert str is type(actual["text"])
    assert int is type(actual["whole"])


def test_to_json_reports_what_it_cannot_show() -> None:
    """
    Values that cannot be stored cannot be shown either; all are named, with a path.
    """
    record = Everything(when=datetime(2024, 1, 1), text=object(), blob=bytearray())
    cycle: list[Any] = []
    cycle.append(cycle)
    record.any = cycle
    with pytest.raises(ValidationError) as caught:
        record.to_json()

    assert [
        ("text", "object cannot be stored"),
        ("blob", "bytearray cannot be stored"),
        ("when", "expected an aware datetime, got a naive one: give it a time zone"),
        ("any", "contains itself"),
    ] == [(problem.path, problem.reason) for problem in caught.value.problems]


# --- evolve -------------------------------------------------------------------------------


def test_evolve_makes_a_changed_copy() -> None:
    """
    evolve leaves the record alone, copies what is mutable, and knows what was loaded.
    """
    codec = codec_of(Store)
    store = codec.decode({"store_id": {"S": "1"}, "tags": {"L": [{"S": "a"}]}})
    other = store.evolve(city="Oslo")
    other.tags.append("b")

    assert Store(store_id="1", tags=["a"]) == store
    assert Store(store_id="1", city="Oslo", tags=["a", "b"]) == other
    assert ["city", "tags"] == [change.wire for change in codec.changes(other)]
    assert not codec.is_dirty(store)


def test_evolve_refuses_unknown_names() -> None:
    """
    A mistyped name is an error here too.
    """
    with pytest.raises(UnknownFieldError, match="did you mean 'city'"):
        Store().evolve(ctiy="x")


def test_copy_replace_is_evolve() -> None:
    """
    ``copy.replace`` of Python 3.13 keeps what was loaded.
    """
    store = codec_of(Store).decode({"store_id": {"S": "1"}})
    other = store.__replace__(city="Oslo")

    assert (store._item, "Oslo") == (other._item, other.city)


# --- validate -----------------------------------------------------------------------------


def test_validate_reports_validators_and_types_together() -> None:
    """
    validate runs _check_data, then names what validators refuse and what cannot be stored.
    """

    class Strict(DynamoRecord):
        """Has validators."""

        name: str = field(default="a", validator=attrs.validators.min_len(1))
        count: int = field(default=1, validator=attrs.validators.gt(0))
        kind: str = field(default="a", validator=attrs.validators.in_(["a", "b"]))
        size: int = 0

    record = Strict()
    for name, value in (("count", -77), ("kind", "zzz"), ("size", "x")):
        object.__setattr__(record, name, value)
    with pytest.raises(ValidationError) as caught:
        record.validate()

    assert ["count", "kind", "size"] == [problem.path for problem in caught.value.problems]
    assert "-77" not in str(caught.value)
    assert "zzz" not in str(caught.value)


def test_validate_of_a_good_record() -> None:
    """
    A good record passes, and is normalised.
    """
    record = Checked()
    record.city = " Oslo "
    record.validate()

    assert "shop:Oslo" == record.key


# --- _check_data --------------------------------------------------------------------------


def test_check_data_runs_when_records_are_made_and_not_when_they_are_loaded() -> None:
    """
    Old data stays loadable, and a loaded record is clean.
    """
    assert "shop:Oslo" == Checked(city=" Oslo").key
    with pytest.raises(DynamoException, match="unknown kind 'zoo'"):
        Checked(kind="zoo")
    codec = codec_of(Checked)
    old = codec.decode({"city": {"S": " Oslo "}, "kind": {"S": "zoo"}})

    assert (" Oslo ", "zoo", "") == (old.city, old.kind, old.key)
    assert not codec.is_dirty(old)


# --- Python's protocols -------------------------------------------------------------------


def test_repr_shows_the_fields() -> None:
    """
    A record shows its class and fields, without those that hide themselves.
    """

    class Secret(DynamoRecord):
        """Hides a field and shortens another."""

        name: str = "a"
        password: str = field(default="p", repr=False)
        blob: str = field(default="x" * 9, repr=lambda value: f"<{len(value)}>")

    assert "Secret(name='a', blob=<9>)" == repr(Secret())


def test_repr_of_a_record_that_contains_itself() -> None:
    """
    A cycle is cut, not a RecursionError.
    """

    class Node(DynamoRecord):
        """Contains itself."""

        next: Any = None

    node = Node()
    node.next = [node]

    assert "Node(next=[...])" == repr(node)


def test_equality_is_by_class_and_fields() -> None:
    """
    Equal fields make equal records, whatever they were loaded from; another class is never equal.
    """

    class Other(Store):
        """Another class."""

    loaded = codec_of(Store).decode({"city": {"S": "Oslo"}, "unknown": {"S": "x"}})

    assert Store(city="Oslo") == loaded
    assert Store(city="Oslo") != Store(city="oslo")
    assert Store() != Other()
    assert Store() != {"city": ""}
    with pytest.raises(TypeError, match="unhashable"):
        hash(Store())


def test_fields_can_stay_out_of_comparisons() -> None:
    """
    ``eq=False`` means what it means in attrs, for partial records too.
    """

    class Seen(DynamoRecord):
        """Has a field that does not count."""

        name: str = ""
        seen: int = field(default=0, eq=False)

    codec = codec_of(Seen)
    partial = codec.decode_partial({"seen": {"N": "1"}}, {"seen"})

    assert Seen(seen=1) == Seen(seen=2)
    assert partial == codec.decode_partial({"seen": {"N": "2"}}, {"seen"})


def test_own_equality_and_hash_are_kept() -> None:
    """
    A class may define how its records compare.
    """

    class Named(DynamoRecord, frozen=True):
        """Compares by name, whatever the case."""

        name: str = ""
        tags: list[str] = []

        def __eq__(self, other: object) -> bool:
            return isinstance(other, Named) and self.name.lower() == other.name.lower()

        def __hash__(self) -> int:
            return hash(self.name.lower())

    assert 1 == len({Named(name="a"), Named(name="A", tags=["x"])})


@pytest.mark.parametrize(
    "copied",
    [copy.copy, copy.deepcopy, lambda record: pickle.loads(pickle.dumps(record)), lambda r: r.evolve()],
)
def test_copies_know_what_was_loaded(copied: Any) -> None:
    """
    A copy of a dirty record is dirty, of a clean one clean, of a new one new.
    """
    codec = codec_of(Store)
    loaded = codec.decode({"store_id": {"S": "1"}, "count": {"N": "1.0"}})
    assert not codec.is_dirty(copied(loaded))
    loaded.count = 2
    changed = copied(loaded)

    assert loaded == changed
    assert codec.changes(loaded) == codec.changes(changed)
    assert None is copied(Store())._item


def test_deep_copies_share_nothing() -> None:
    """
    Changing a deep copy changes neither the record nor what it was loaded as.
    """
    codec = codec_of(Store)
    loaded = codec.decode({"tags": {"L": [{"S": "a"}]}, "unknown": {"L": []}})
    other = copy.deepcopy(loaded)
    other.tags.append("b")
    other._item["unknown"]["L"].append({"S": "x"})

    assert ["a"] == loaded.tags
    assert {"L": []} == loaded._item["unknown"]
