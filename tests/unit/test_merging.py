"""Three-way merges: rules of fields, items, and records that take over what is stored."""

from __future__ import annotations

import copy
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum
from typing import Any, Literal
from zoneinfo import ZoneInfo

import pytest

from dynamo_objects import DynamoRecord, DynamoSchemaException, HashKey, RangeKey, SchemalessRecord, field
from dynamo_objects.codec.merging import adopt, laid_over, merge
from dynamo_objects.codec.rules import UNDECIDED, combined
from dynamo_objects.codec.values import Invalid
from dynamo_objects.record import codec_of
from dynamo_objects.schema import TableSchema


class Page(DynamoRecord):
    """A record with every rule."""

    page_id: str = ""
    title: str = ""
    views: int = field(default=0, merge="sum")
    price: Decimal = field(default=Decimal(0), merge="sum")
    weight: float = field(default=0.0, merge="sum")
    labels: set[str] = field(default=set(), merge="union")
    seen: datetime | None = field(default=None, merge="max")
    owner: str = field(default="", merge="mine")
    state: str = field(default="", merge="theirs")
    parts: dict[str, int] = {}
    stock: int = field(default=10, merge="sum")


class Counted(DynamoRecord):
    """A record with a version."""

    page_id: str = ""
    title: str = ""
    views: int = field(default=0, merge="sum")
    version: int = field(default=0, version=True)


CODEC = codec_of(Page)
KEY = {"page_id": {"S": "p1"}}


def merged(base: Any, mine: Any, theirs: Any) -> tuple[Any, tuple[str, ...]]:
    """Return the merged record of three, each given by its fields, and what is undecided."""
    items = [None if one is None else CODEC.encode(Page(page_id="p1", **one)) for one in (base, mine, theirs)]
    assert items[1] is not None
    assert items[2] is not None
    result = merge(CODEC, items[0], items[1], items[2])
    return CODEC.decode(result.item), result.undecided


# --- rules --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "base", "mine", "theirs", "expected"),
    [
        ("sum", 5, 6, 7, 8),
        ("sum", 5, 6, 6, 7),
        ("sum", None, 6, 7, 13),
        ("sum", Decimal("0.1"), Decimal("0.3"), Decimal("0.2"), Decimal("0.4")),
        ("sum", 0.1, 0.2, 0.1, 0.2),
        ("sum", 5, None, 7, UNDECIDED),
        ("union", {"a", "b"}, {"b", "c"}, {"a", "b", "d"}, {"b", "c", "d"}),
        ("union", None, {"a"}, {"b"}, {"a", "b"}),
        ("union", frozenset("a"), frozenset(), frozenset("ab"), frozenset("b")),
        ("max", 5, 3, 4, 4),
        ("max", "a", "c", "b", "c"),
        ("max", None, date(2026, 1, 2), date(2026, 1, 1), date(2026, 1, 2)),
        ("max", 5, None, 4, UNDECIDED),
        ("mine", 1, 2, 3, 2),
        ("mine", 1, None, 3, None),
        ("theirs", 1, 2, 3, 3),
    ],
)
def test_rules(rule, base, mine, theirs, expected):
    """
    What two changes of one value make together; a value that one side took away is undecided.
    """
    result = combined(rule, base, mine, theirs)

    assert expected == result
    assert type(expected) is type(result)


def test_sums_of_decimals_are_exact():
    """
    Numbers far apart are not rounded; what cannot be stored is an error when it is encoded.
    """
    total = combined("sum", Decimal(0), Decimal("1E+125"), Decimal("1E-130"))

    assert (256, 1, 1) == (
        len(total.as_tuple().digits),
        total.as_tuple().digits[0],
        total.as_tuple().digits[-1],
    )
    with pytest.raises(Invalid):
        merge(
            CODEC,
            KEY,
            {**KEY, "price": {"N": "1E+125"}},
            {**KEY, "price": {"N": "1E-130"}},
        )


def test_times_are_compared_as_instants():
    """
    The later instant wins, whatever the clocks show.
    """
    early = datetime(2026, 1, 1, 12, tzinfo=timezone(timedelta(hours=5)))
    late = datetime(2026, 1, 1, 8, tzinfo=UTC)

    assert late == combined("max", None, early, late)
    assert late == combined("max", None, late, early)

    oslo = ZoneInfo("Europe/Oslo")  # summer time ended at three, which was two again
    first, second = (
        datetime(2026, 10, 25, 2, minute, tzinfo=oslo, fold=fold) for minute, fold in ((30, 0), (10, 1))
    )
    assert 1 == combined("max", None, first, second).fold == combined("max", None, second, first).fold


class Color(Enum):
    """An enum."""

    RED = "red"


@pytest.mark.parametrize(
    ("annotation", "rule", "default"),
    [
        (str, "sum", ""),
        (bool, "sum", False),
        (datetime | None, "sum", None),
        (Literal[1, 2], "sum", 1),
        (int | str, "sum", 0),
        (Any, "sum", 0),
        (int, "union", 0),
        (list[str], "union", []),
        (dict[str, int], "union", {}),
        (list[str], "max", []),
        (bool, "max", False),
        (Color, "max", Color.RED),
        (int | str, "max", 0),
        (set[str], "max", set()),
    ],
)
def test_a_rule_that_does_not_fit_is_a_declaration_error(annotation, rule, default):
    """
    It names class and field, and what the rule is for, before anything is stored.
    """
    namespace = {
        "__annotations__": {"page_id": str, "odd": annotation},
        "odd": field(default=default, merge=rule),
        "page_id": "",
        "__module__": __name__,
    }
    record_class = type(DynamoRecord)("Odd", (DynamoRecord,), namespace)
    with pytest.raises(DynamoSchemaException, match=rf"Odd\.odd: merge='{rule}' is for"):
        codec_of(record_class)


@pytest.mark.parametrize(
    ("annotation", "rule"),
    [
        (int | None, "sum"),
        (float, "sum"),
        (frozenset[bytes], "union"),
        (set[int] | None, "union"),
        (bytes, "max"),
        (Literal["a", "b"], "max"),
        (dict[str, int], "mine"),
        (list[str], "theirs"),
    ],
)
def test_rules_that_fit(annotation, rule):
    """
    Optional fields, every kind of number and set, and any field for mine and theirs.
    """
    namespace = {"__annotations__": {"good": annotation}, "good": field(merge=rule), "__module__": __name__}

    record_class = type(DynamoRecord)("Good", (DynamoRecord,), namespace)

    assert rule == codec_of(record_class).by_name["good"].options.merge


def test_declarations_without_sense():
    """
    Unknown rules, a rule for the version, and one for a key of the table are refused.
    """
    with pytest.raises(DynamoSchemaException, match="merge= is 'sum'"):
        field(default=0, merge="add")
    with pytest.raises(DynamoSchemaException, match="version field"):
        field(default=0, version=True, merge="max")

    class Keyed(DynamoRecord):
        page_id: str = ""
        number: int = field(default=0, merge="sum")

    with pytest.raises(DynamoSchemaException, match="number is a key"):
        TableSchema.build("pages", codec_of(Keyed), [HashKey("page_id"), RangeKey("number")])


# --- items --------------------------------------------------------------------------------


def test_each_field_takes_the_side_that_changed_it():
    """
    Changes of different fields do not conflict, with rules and without.
    """
    result, undecided = merged(
        {"title": "a", "views": 1}, {"title": "b", "views": 1}, {"title": "a", "views": 4, "parts": {"x": 1}}
    )

    assert () == undecided
    assert Page(page_id="p1", title="b", views=4, parts={"x": 1}) == result


def test_each_rule_in_an_item():
    """
    What both have changed goes by the rule of its field.
    """
    result, undecided = merged(
        {"views": 1, "labels": {"a", "b"}, "owner": "o", "state": "s", "weight": 1.0},
        {"views": 3, "labels": {"a", "c"}, "owner": "m", "state": "m", "weight": 1.25},
        {"views": 2, "labels": {"a", "b", "d"}, "owner": "t", "state": "t", "weight": 2.0},
    )

    assert () == undecided
    expected = {"views": 4, "labels": {"a", "c", "d"}, "owner": "m", "state": "t", "weight": 2.25}
    assert Page(page_id="p1", **expected) == result


def test_without_a_rule_both_sides_conflict_unless_they_agree():
    """
    The fields that both have changed to different values are named, no others.
    """
    _, undecided = merged(
        {"title": "a", "parts": {"x": 1}, "views": 1},
        {"title": "b", "parts": {"x": 2}, "views": 2},
        {"title": "c", "parts": {"x": 2}, "views": 3},
    )

    assert ("title",) == undecided


def test_equal_changes_of_a_sum_count_twice():
    """
    Two writers that each count one make two.
    """
    result, _ = merged({"views": 1}, {"views": 2}, {"views": 2})

    assert 3 == result.views


def test_without_a_base_absent_values_are_it():
    """
    Two new items: what one leaves at its default is the other's; a sum begins at the default.
    """
    result, undecided = merged(
        None,
        {"title": "a", "views": 2, "stock": 11, "labels": {"a"}},
        {"views": 3, "stock": 12, "labels": {"b"}},
    )

    assert () == undecided
    assert Page(page_id="p1", title="a", views=5, stock=13, labels={"a", "b"}) == result


def test_a_value_taken_away_against_a_change_is_undecided():
    """
    None on one side, another value on the other: neither sum, union nor max can say what is meant.
    """
    now = datetime(2026, 1, 1, tzinfo=UTC)
    _, undecided = merged({"seen": now}, {"seen": None}, {"seen": now + timedelta(1)})

    assert ("seen",) == undecided


def test_other_spellings_are_no_changes():
    """
    A number with a zero to spare is the same number, and stays as it is spelled.
    """
    base = {**KEY, "views": {"N": "1.0"}, "labels": {"SS": ["b", "a"]}}
    mine = {**KEY, "views": {"N": "1"}, "labels": {"SS": ["a", "b"]}, "title": {"S": "t"}}
    theirs = {**base, "views": {"N": "1.00"}}

    result = merge(CODEC, base, mine, theirs)

    assert {**theirs, "title": {"S": "t"}} == result.item


def test_their_unknown_attributes_survive():
    """
    What the record does not show is as they have it: theirs are new, changed and removed ones.
    """
    base = {**KEY, "gone": {"S": "x"}, "other": {"S": "x"}}
    mine = {**base, "title": {"S": "t"}}
    theirs = {**KEY, "other": {"S": "y"}, "more": {"S": "z"}}

    assert {**theirs, "title": {"S": "t"}} == merge(CODEC, base, mine, theirs).item
    assert {**theirs, "title": {"S": "t"}} == laid_over(CODEC, base, mine, theirs)


def test_fields_that_are_not_declared():
    """
    A schemaless record's are merged as a whole, by name.
    """

    class Loose(SchemalessRecord):
        loose_id: str = ""

    codec = codec_of(Loose)
    base = {"a": {"N": "1"}, "b": {"N": "1"}, "c": {"N": "1"}}
    mine = {"a": {"N": "2"}, "b": {"N": "2"}, "c": {"N": "1"}, "d": {"S": "m"}}
    theirs = {"a": {"N": "1"}, "b": {"N": "3"}, "e": {"S": "t"}}

    result = merge(codec, base, mine, theirs)

    assert ("b",) == result.undecided
    assert {"a": {"N": "2"}, "b": {"N": "3"}, "d": {"S": "m"}, "e": {"S": "t"}} == result.item


def test_the_version_is_theirs():
    """
    It goes on from what is stored, never by a merge.
    """
    codec = codec_of(Counted)
    base, mine, theirs = (codec.encode(Counted(page_id="p", version=n)) for n in (1, 2, 7))

    assert {"N": "7"} == merge(codec, base, mine, theirs).item["version"]
    assert {"N": "7"} == laid_over(codec, None, mine, theirs)["version"]


def test_mine_over_theirs():
    """
    My changes win, their other changes stay; of a new record all fields are mine, defaults too.
    """
    base, mine, theirs = (
        CODEC.encode(Page(page_id="p1", **fields))
        for fields in ({"views": 1}, {"views": 2}, {"views": 9, "title": "t", "labels": {"x"}})
    )

    spelled = {**theirs, "views": {"N": "2.0"}}
    assert {"N": "2.0"} == laid_over(CODEC, base, mine, spelled)["views"]
    changed = CODEC.decode(laid_over(CODEC, base, mine, theirs))
    new = CODEC.decode(laid_over(CODEC, None, mine, theirs))

    assert Page(page_id="p1", views=2, title="t", labels={"x"}) == changed
    assert Page(page_id="p1", views=2) == new


# --- records ------------------------------------------------------------------------------


def loaded(**fields: Any) -> Page:
    """Return a loaded page."""
    record: Page = CODEC.decode(CODEC.encode(Page(page_id="p1", **fields)))
    return record


def test_a_record_adopts_what_is_stored():
    """
    It is clean then; what was as it should be keeps its object.
    """
    record = loaded(views=1, labels={"a"}, parts={"x": 1})
    record.views = 2
    parts = record.parts
    planned = CODEC.encode(record)
    stored = CODEC.encode(loaded(views=5, labels={"b"}, parts={"x": 1}, title="t"))

    adopt(CODEC, record, planned, stored)

    assert loaded(views=5, labels={"b"}, parts={"x": 1}, title="t") == record
    assert parts is record.parts
    assert not CODEC.is_dirty(record)
    assert stored == record._item


def test_changes_made_meanwhile_stay():
    """
    They are changes of what is stored now, and are put together with it by their rules.
    """
    record = loaded(views=1)
    planned = CODEC.encode(record.evolve(views=2))
    record.views, record.owner = 4, "me"  # two more than was planned

    adopt(CODEC, record, planned, CODEC.encode(loaded(views=12, title="t")))

    assert (14, "me", "t") == (record.views, record.owner, record.title)
    assert {"views", "owner"} == {change.wire for change in CODEC.changes(record)}


def test_changes_made_meanwhile_of_what_nobody_else_changed():
    """
    There is nothing to decide: a lower value stays under max, and mine under theirs.
    """
    record = loaded(views=1, state="a", seen=datetime(2026, 2, 1, tzinfo=UTC))
    planned = CODEC.encode(record)
    record.state, record.seen = "b", datetime(2026, 1, 1, tzinfo=UTC)

    adopt(CODEC, record, planned, {**planned, "views": {"N": "5"}})

    assert (5, "b", datetime(2026, 1, 1, tzinfo=UTC)) == (record.views, record.state, record.seen)


def test_a_change_made_meanwhile_that_no_rule_decides():
    """
    The record goes on from the older value, so that the next save meets the conflict.
    """
    record = loaded(title="a", views=1)
    record.views = 2
    planned = CODEC.encode(record)
    record.title = "mine"

    adopt(CODEC, record, planned, CODEC.encode(loaded(title="theirs", views=12)))

    assert ("mine", 12) == (record.title, record.views)
    (change,) = CODEC.changes(record)
    assert ("title", {"S": "a"}) == (change.wire, change.old)


def test_a_version_goes_on_from_the_older_one_then():
    """
    With a version the guard is the version alone, so that it must be the older one.
    """
    codec = codec_of(Counted)
    record = codec.decode(codec.encode(Counted(page_id="p", title="a", version=3)))
    planned = codec.encode(record)
    stored = codec.encode(Counted(page_id="p", title="t", version=7))
    clean, changed = copy.copy(record), copy.copy(record)
    changed.title = "m"

    adopt(codec, clean, planned, stored)
    adopt(codec, changed, planned, stored)

    assert (7, "t") == (clean.version, clean.title)
    assert (3, "m") == (changed.version, changed.title)
    assert {"N": "3"} == changed._item["version"]


def test_a_value_that_cannot_be_stored_stays_in_the_record():
    """
    Taking over what is stored does not hide it: the next save names it.
    """
    record = loaded(title="a")
    planned = CODEC.encode(record)
    record.title = 5  # type: ignore[assignment]

    adopt(CODEC, record, planned, CODEC.encode(loaded(title="b", views=1)))

    assert (5, 1) == (record.title, record.views)
    with pytest.raises(Invalid):
        CODEC.changes(record)


def test_a_partial_record_becomes_whole():
    """
    What was not read is there afterwards.
    """
    record = CODEC.decode_partial({**KEY, "views": {"N": "1"}}, ("page_id", "views"))

    adopt(CODEC, record, {**KEY, "views": {"N": "1"}}, {**KEY, "views": {"N": "3"}, "title": {"S": "t"}})

    assert (3, "t") == (record.views, record.title)


def test_undeclared_fields_of_a_record():
    """
    They are taken over, removed, and kept where they were changed meanwhile.
    """

    class Loose(SchemalessRecord):
        loose_id: str = ""

    codec = codec_of(Loose)
    planned = {"loose_id": {"S": "l"}, "a": {"N": "1"}, "b": {"N": "1"}, "c": {"N": "1"}, "f": {"N": "1"}}
    record = codec.decode(planned)
    record.b, record.f, record.g = 2, 2, 9

    adopt(codec, record, planned, {"loose_id": {"S": "l"}, "a": {"N": "5"}, "b": {"N": "1"}, "e": {"N": "6"}})

    assert {"a": 5, "b": 2, "e": 6, "f": 2, "g": 9} == vars(record)
    assert {"N": "1"} == record._item["f"]
    assert {"b", "f", "g"} == {change.wire for change in codec.changes(record)}
