"""Dirty or clean: by value, whatever the spelling, in place or by assignment."""

from __future__ import annotations

import enum
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

import pytest

from dynamo_objects import DynamoRecord, field, register_type
from dynamo_objects.codec.values import Invalid, Item
from dynamo_objects.record import codec_of


class Mood(enum.StrEnum):
    """Its members are str."""

    GOOD = "good"


class Level(enum.IntEnum):
    """Its members are int."""

    LOW = 1


class Celsius:
    """A type of the user's without ``==``."""

    def __init__(self, degrees: int) -> None:
        self.degrees = degrees


register_type(Celsius, stored_as=int, encode=lambda value: value.degrees, decode=Celsius)


class Inner(DynamoRecord):
    """A nested record."""

    tags: list[str] = []
    grid: list[list[int]] = []


class Frozen(DynamoRecord, frozen=True):
    """A nested record that cannot change, but what it holds can."""

    tags: list[str] = []


class All(DynamoRecord):
    """A field of each type that matters here."""

    text: str = ""
    whole: int = 0
    exact: Decimal = Decimal(0)
    real: float = 0.0
    flag: bool = False
    maybe_flag: bool | None = None
    when: datetime | None = None
    day: date | None = None
    uuid: UUID | None = None
    mood: Mood | None = None
    level: Level | None = None
    choice: Literal["a", 1, True, None] = None
    either: int | bool | str | None = None
    celsius: Celsius | None = None
    words: frozenset[str] = frozenset()
    times: frozenset[datetime] = frozenset()
    items: list[str] = []
    names: dict[str, list[int]] = {}
    numbers: set[Decimal] = set()
    pair: tuple[list[int], str] = ([], "")
    inner: Inner | None = None
    frozen: Frozen | None = None
    points: list[Inner] = []
    any: Any = None
    noted: str | None = field(default=None, null="store")
    full: str = "x"


CODEC = codec_of(All)
NOON = datetime(2024, 1, 1, 12, tzinfo=UTC)
SAME_NOON = datetime(2024, 1, 1, 13, tzinfo=timezone(timedelta(hours=1)))

SAME: list[tuple[str, Any, Any]] = [
    # field, loaded value, value assigned: stored alike
    ("text", "good", Mood.GOOD),
    ("text", "", ""),
    ("whole", 1, Level.LOW),
    ("exact", Decimal("1.0"), Decimal(1)),
    ("exact", Decimal("1.50"), Decimal("1.5")),
    ("exact", Decimal(1), 1),
    ("exact", Decimal("0"), Decimal("-0")),
    ("real", 1.0, 1),
    ("real", 0.0, -0.0),
    ("when", NOON, SAME_NOON),
    ("celsius", Celsius(5), Celsius(5)),
    ("times", frozenset({NOON}), frozenset({SAME_NOON})),
    ("words", frozenset({"a", "b"}), frozenset({"b", "a"})),
    ("items", ["a"], ["a"]),
    ("numbers", {Decimal("1.0")}, {Decimal(1)}),
    ("any", {"a": [1, Decimal("2.0")]}, {"a": [Decimal(1), 2]}),
    ("any", {1, 2}, frozenset({2, 1})),
    ("inner", Inner(tags=["a"]), Inner(tags=["a"])),
    ("noted", None, None),
]


def load(**values: Any) -> All:
    """Return a record as it is loaded."""
    record: All = CODEC.decode(CODEC.encode(All(**values)))
    return record


@pytest.mark.parametrize(("name", "loaded", "assigned"), SAME)
def test_value_that_is_stored_alike_is_no_change(name: str, loaded: Any, assigned: Any) -> None:
    """
    Assigning another object, type or spelling of the same stored value leaves a record clean.
    """
    record = load(**{name: loaded})
    setattr(record, name, assigned)

    assert not CODEC.is_dirty(record)
    assert [] == CODEC.changes(record)


DIFFERENT: list[tuple[str, Any, Any]] = [
    # field, loaded value, value assigned
    ("text", "a", "b"),
    ("text", "a", "A"),
    ("text", "é", "e\u0301"),
    ("text", "a", ""),
    ("text", "", " "),
    ("whole", 0, 1),
    ("exact", Decimal("1.0"), Decimal("1.00000000000000000000000000000000001")),
    ("real", 0.3, 0.1 + 0.2),
    ("flag", True, False),
    ("maybe_flag", None, False),
    ("maybe_flag", False, None),
    ("when", NOON, NOON + timedelta(microseconds=1)),
    ("when", NOON, None),
    ("day", date(2024, 1, 1), date(2024, 1, 2)),
    ("uuid", UUID(int=1), UUID(int=2)),
    ("mood", None, Mood.GOOD),
    ("choice", 1, True),
    ("choice", True, 1),
    ("choice", None, "a"),
    ("either", 1, True),
    ("either", True, 1),
    ("either", 0, False),
    ("either", 1, "1"),
    ("either", None, ""),
    ("celsius", Celsius(5), Celsius(6)),
    ("words", frozenset("a"), frozenset()),
    ("items", ["a", "b"], ["b", "a"]),
    ("items", [], [""]),
    ("names", {"a": []}, {}),
    ("names", {"a": [1]}, {"b": [1]}),
    ("numbers", {Decimal(1)}, {Decimal(1), Decimal(2)}),
    ("pair", ([], ""), ([1], "")),
    ("inner", None, Inner()),
    ("inner", Inner(tags=["a"]), Inner(grid=[[1]])),
    ("any", 1, True),
    ("any", 0, False),
    ("any", [1], [True]),
    ("any", {"a": 0}, {"a": False}),
    ("any", "1", 1),
    ("any", None, ""),
    ("any", [], None),
    ("any", [], {}),
    ("any", "x", b"x"),
    ("any", ["x"], {"x"}),
    ("noted", None, ""),
    ("full", "x", ""),
]


@pytest.mark.parametrize(("name", "loaded", "assigned"), DIFFERENT)
def test_value_that_is_stored_otherwise_is_a_change(name: str, loaded: Any, assigned: Any) -> None:
    """
    A change names its attribute, what is to be stored, and what was loaded, word for word.
    """
    record = load(**{name: loaded})
    old = record._item
    assert old is not None
    setattr(record, name, assigned)

    assert CODEC.is_dirty(record)
    (change,) = CODEC.changes(record)
    assert (name, old.get(name)) == (change.wire, change.old)
    assert CODEC.encode(record).get(name) == change.new
    assert CODEC.encode(All(**{name: assigned})).get(name) == change.new


FULL: Item = {
    "whole": {"N": "1.0"},
    "exact": {"N": "15E-1"},
    "real": {"N": "1.50"},
    "when": {"S": "2024-01-01T13:00+01:00"},
    "uuid": {"S": "0000000000000000000000000000000A"},
    "numbers": {"NS": ["2.0", "1"]},
    "names": {"M": {"a": {"L": [{"N": "1.0"}]}}},
    "any": {"M": {"a": {"NS": ["2.0", "1"]}}},
    "times": {"SS": ["2024-01-01T13:00+01:00"]},
}


def test_foreign_spellings_are_clean_and_kept_for_guards() -> None:
    """
    An item that another program wrote is clean; a change guards with its spelling, not with ours.
    """
    record = CODEC.decode(FULL)
    assert not CODEC.is_dirty(record)
    record.exact = Decimal(2)
    record.numbers.add(Decimal(3))

    assert [("exact", {"N": "15E-1"}), ("numbers", {"NS": ["2.0", "1"]})] == [
        (change.wire, change.old) for change in CODEC.changes(record)
    ]


IN_PLACE: list[tuple[str, Any, Any]] = [
    # field, loaded value, what is done with the record
    ("items", [], lambda r: r.items.append("x")),
    ("items", ["b", "a"], lambda r: r.items.sort()),
    ("names", {"a": [1]}, lambda r: r.names["a"].append(2)),
    ("names", {"a": [1]}, lambda r: r.names.clear()),
    ("numbers", {Decimal(1)}, lambda r: r.numbers.discard(1)),
    ("pair", ([], "a"), lambda r: r.pair[0].append(1)),
    ("inner", Inner(), lambda r: r.inner.tags.append("x")),
    ("inner", Inner(grid=[[]]), lambda r: r.inner.grid[0].append(1)),
    ("inner", Inner(), lambda r: setattr(r.inner, "tags", ["x"])),
    ("frozen", Frozen(), lambda r: r.frozen.tags.append("x")),
    ("points", [Inner(), Inner()], lambda r: r.points[1].grid.append([])),
    ("any", {"a": [{"b": {"c"}}]}, lambda r: r.any["a"][0]["b"].add("d")),
    ("any", [1], lambda r: r.any.__setitem__(0, True)),
]


@pytest.mark.parametrize(("name", "loaded", "change"), IN_PLACE)
def test_change_in_place_counts(name: str, loaded: Any, change: Any) -> None:
    """
    A container that is changed in place, however deep, makes the record dirty; the loaded item stays.
    """
    record = load(**{name: loaded})
    before = CODEC.encode(record)
    change(record)

    assert [name] == [c.wire for c in CODEC.changes(record)]
    assert before == record._item


def test_change_and_change_back_is_clean() -> None:
    """
    What counts is the value at the end, not that somebody assigned.
    """
    record = load(items=["a"], text="a", any={"a": 1})
    record.items.append("b")
    record.text = "b"
    record.any["a"] = 2
    record.items.pop()
    record.text = "a"
    record.any["a"] = 1

    assert not CODEC.is_dirty(record)


def test_value_that_cannot_be_stored_is_dirty_and_reported() -> None:
    """
    True for an int equals 1 in Python, but is a change that cannot be saved; all such are reported.
    """
    record = load(whole=1, real=1.0, words=frozenset("a"))
    record.whole, record.real, record.words = True, True, frozenset({1})
    assert CODEC.is_dirty(record)
    with pytest.raises(Invalid) as caught:
        CODEC.changes(record)

    assert [".whole", ".real", ".words{}"] == [problem.path for problem in caught.value.problems]


def test_new_record_is_dirty() -> None:
    """
    A record that was never loaded differs from what is stored: nothing.
    """
    assert CODEC.is_dirty(All())


def test_record_without_scalars_is_compared() -> None:
    """
    A class of one field, or of containers alone, is compared like any other.
    """

    class Lists(DynamoRecord):
        """Only a list."""

        items: list[str] = []

    class One(DynamoRecord):
        """Only a text."""

        text: str = ""

    class Nothing(DynamoRecord):
        """Without fields."""

    for kind, name, value in ((Lists, "items", ["a"]), (One, "text", "a")):
        codec = codec_of(kind)
        record = codec.decode({})
        assert not codec.is_dirty(record)
        setattr(record, name, value)
        assert codec.is_dirty(record)
    assert not codec_of(Nothing).is_dirty(codec_of(Nothing).decode({"x": {"S": "kept"}}))


def test_remembering_a_save_makes_a_record_clean() -> None:
    """
    After a save the record is what was sent, with the values that it had then.
    """
    record = All(text="a", whole=1, when=SAME_NOON)
    item = CODEC.encode(record)
    loaded = CODEC.loaded_values(record, whole=2)
    CODEC.remember(record, {**item, "whole": {"N": "2"}}, loaded)
    assert ["whole"] == [change.wire for change in CODEC.changes(record)]
    record.whole = 2

    assert not CODEC.is_dirty(record)


def test_field_may_have_any_name() -> None:
    """
    Fields called like a parameter of ours work: values are passed by position.
    """

    class Odd(DynamoRecord):
        """Names that methods of ours use."""

        record: str = ""
        cls: str = ""
        item: str = ""
        values: str = ""
        name: str = ""
        data: str = ""
        changes: int = 0

    codec = codec_of(Odd)
    record = Odd(record="a", cls="b", item="c", values="d", name="e", data="f").evolve(cls="x", record="y")
    record.update_data(record="z", data="g")
    record.update_data_safe(cls="z", unknown=1)
    record = codec.decode(codec.encode(record))

    assert ("z", "z", "c", "d", "e", "g") == tuple(record.get_dict(exclude=["changes"]).values())
    assert ("q", "z") == codec.loaded_values(record, record="q")[:2]
