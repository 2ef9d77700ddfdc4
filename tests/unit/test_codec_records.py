"""Records <-> items: what is left out, what is missing, what is unknown, nested and partial records."""

from __future__ import annotations

import copy
import gc
import pickle
import weakref
from datetime import datetime
from decimal import Decimal
from typing import Any

import attrs
import pytest

from dynamo_objects import DynamoRecord, FieldNotLoaded, ValidationError, field
from dynamo_objects.codec.values import Invalid, Item
from dynamo_objects.record import codec_of


class Address(DynamoRecord):
    """A nested record."""

    city: str = ""
    lines: list[str] = []


class Store(DynamoRecord):
    """The usual record."""

    store_id: str = ""
    city: str = ""
    count: int = 0
    tags: list[str] = []
    words: set[str] = set()
    opened: datetime | None = None
    address: Address | None = None


def encode(record: DynamoRecord) -> Item:
    """Return the item of a record."""
    return codec_of(type(record)).encode(record)


def decode(record_class: type[DynamoRecord], item: Item) -> Any:
    """Return the record of an item."""
    return codec_of(record_class).decode(item)


def decode_problems(record_class: type[DynamoRecord], item: Item) -> list[tuple[str, str]]:
    """Return paths and reasons for which an item cannot be read."""
    with pytest.raises(Invalid) as caught:
        decode(record_class, item)
    return [(problem.path, problem.reason) for problem in caught.value.problems]


# --- empties ------------------------------------------------------------------------------


class Empties(DynamoRecord):
    """Fields with empty defaults, with other defaults, and without."""

    text: str = ""
    blob: bytes = b""
    items: list[str] = []
    names: dict[str, str] = {}
    words: set[str] = set()
    frozen: frozenset[str] = frozenset()
    row: tuple[int, ...] = ()
    maybe: str | None = None
    made: list[str] = field(factory=list)
    noted: str | None = field(default=None, null="store")
    other: str = "x"
    full: list[str] = ["a"]
    required: str
    number: int = 0
    flag: bool = False


def test_empty_values_that_equal_their_default_are_left_out() -> None:
    """
    '', b'', [], {}, set(), () and None are not stored where they are the default; 0 and False are.
    """
    expected = {
        "noted": {"NULL": True},
        "other": {"S": "x"},
        "full": {"L": [{"S": "a"}]},
        "required": {"S": ""},
        "number": {"N": "0"},
        "flag": {"BOOL": False},
    }
    record = Empties(required="")

    assert expected == encode(record)
    assert record == decode(Empties, expected)


def test_empty_values_that_differ_from_their_default_are_stored() -> None:
    """
    An empty value says something where the default is another; an empty set is an empty list.
    """

    class Full(DynamoRecord):
        """Fields whose defaults are not empty."""

        text: str = "x"
        items: list[str] = ["x"]
        words: set[str] = {"x"}
        maybe: str | None = "x"
        empty_text: str | None = ""

    record = Full(text="", items=[], words=set(), maybe=None, empty_text=None)
    expected = {
        "text": {"S": ""},
        "items": {"L": []},
        "words": {"L": []},
        "maybe": {"NULL": True},
        "empty_text": {"NULL": True},
    }

    assert expected == encode(record)
    assert record == decode(Full, expected)


def test_clearing_a_field_removes_its_attribute() -> None:
    """
    On updates too, an empty value that is the default is left out, so that indexes stay sparse.
    """
    codec = codec_of(Store)
    record = codec.decode({"store_id": {"S": "1"}, "city": {"S": "Oslo"}, "tags": {"L": [{"S": "a"}]}})
    record.city, record.tags = "", []

    assert [("city", None), ("tags", None)] == [(c.wire, c.new) for c in codec.changes(record)]


def test_stored_empty_values_are_read_and_clean() -> None:
    """
    What others stored as '' or [] or NULL equals what is missing, and is no change.
    """
    codec = codec_of(Store)
    item = {"city": {"S": ""}, "tags": {"L": []}, "opened": {"NULL": True}, "words": {"L": []}}
    record = codec.decode(item)

    assert Store() == record
    assert not codec.is_dirty(record)


# --- missing attributes -------------------------------------------------------------------


def test_missing_attributes_take_literal_defaults() -> None:
    """
    Items of an older version of the program load, with their defaults, and are clean.
    """
    codec = codec_of(Empties)
    record = codec.decode({"required": {"S": "r"}})

    assert Empties(required="r") == record
    assert not codec.is_dirty(record)


def test_mutable_defaults_are_not_shared() -> None:
    """
    Each loaded record has its own copy of a mutable default, as each new one has.
    """
    one, two = decode(Store, {}), decode(Store, {})
    one.tags.append("x")
    Store().tags.append("y")

    assert ([], []) == (two.tags, Store().tags)


def test_factories_do_not_invent_loaded_data() -> None:
    """
    An id or time that a factory would make is not made for an item that lacks it.
    """

    class Made(DynamoRecord):
        """Two fields with factories that make values."""

        id: str = field(factory=lambda: "new")
        maybe: str | None = field(factory=lambda: "new")

    assert [(".id", "required attribute is missing")] == decode_problems(Made, {})
    assert None is decode(Made, {"id": {"S": "1"}}).maybe


def test_factory_of_a_nested_record_is_as_good_as_a_literal() -> None:
    """
    ``factory=Address`` loads like an empty map: with what is literal in it, nothing made up.
    """

    class Ticket(DynamoRecord):
        """Makes an id."""

        id: str = field(factory=lambda: "new")

    class Owner(DynamoRecord):
        """Has factories of records."""

        address: Address = field(factory=Address)
        point: Point = field(factory=lambda: Point(1))

    class Buyer(DynamoRecord):
        """Has a factory of a record that makes an id."""

        ticket: Ticket = field(factory=Ticket)

    codec = codec_of(Owner)
    record = codec.decode({"point": {"M": {"x": {"N": "5"}}}})

    assert Address() == record.address
    assert not codec.is_dirty(record)
    assert {"M": {}} == encode(Owner())["address"]
    assert [(".point", "required attribute is missing")] == decode_problems(Owner, {})
    assert [(".ticket.id", "required attribute is missing")] == decode_problems(Buyer, {})


def test_required_optional_field_may_be_missing() -> None:
    """
    A field that may be None needs no attribute, even if the constructor wants a value.
    """

    class Asked(DynamoRecord):
        """A field without default that takes None."""

        name: str | None
        anything: Any

    record = Asked(name=None, anything=None)
    expected = {"name": {"NULL": True}, "anything": {"NULL": True}}

    assert record == decode(Asked, {})
    assert expected == encode(record)


def test_default_that_only_its_converter_makes_fit() -> None:
    """
    A missing attribute has the value that a new record has, where the bare default does not fit.
    """

    class Converted(DynamoRecord):
        """Fields whose defaults are converted."""

        count: int = field(default="5", converter=int)
        words: set[str] = field(factory=list, converter=set)

    assert Converted() == decode(Converted, {}) == Converted(count=5, words=set())
    assert {"count": {"N": "5"}} == encode(Converted())
    decode(Converted, {}).words.add("x")
    assert set() == decode(Converted, {}).words


def test_converter_does_not_invent_loaded_data() -> None:
    """
    None stays None when an item is loaded, even if the converter makes something of it.
    """

    class Stamped(DynamoRecord):
        """A field whose converter fills it in."""

        stamp: str | None = field(default=None, converter=lambda value: value or "now")

    assert "now" == Stamped().stamp
    assert None is decode(Stamped, {}).stamp


# --- problems -----------------------------------------------------------------------------


def test_all_problems_of_a_record_are_reported_together() -> None:
    """
    One error names every bad value, also in nested records, with the path of each.
    """
    record = Store(
        store_id=7,
        count=True,
        tags=["ok", 2, 3],
        words={"\ud800"},
        opened=datetime(2024, 1, 1),
        address=Address(city=b"Oslo", lines=["a", None]),
    )
    with pytest.raises(ValidationError) as caught:
        record.validate()

    assert "Store" == caught.value.subject
    assert [
        ("store_id", "expected str, got int"),
        ("count", "expected int, got bool"),
        ("tags[1]", "expected str, got int"),
        ("tags[2]", "expected str, got int"),
        ("words{}", "text has a lone surrogate, which UTF-8 cannot hold"),
        ("opened", "expected an aware datetime, got a naive one: give it a time zone"),
        ("address.city", "expected str, got bytes"),
        ("address.lines[1]", "expected str, got NoneType"),
    ] == [(problem.path, problem.reason) for problem in caught.value.problems]


def test_record_is_as_it_was_after_a_problem() -> None:
    """
    A refused record keeps its values, what it was loaded as, and its other changes.
    """
    codec = codec_of(Store)
    record = codec.decode({"store_id": {"S": "1"}, "count": {"N": "1"}})
    record.count, record.city = 2, 5
    before = (record.get_dict(), record._item, record._loaded)
    with pytest.raises(ValidationError):
        record.validate()
    with pytest.raises(Invalid):
        codec.changes(record)

    assert before == (record.get_dict(), record._item, record._loaded)


SECRET = "s3cret"


@pytest.mark.parametrize(
    "record",
    [
        Store(count=SECRET),
        Store(city=SECRET + "\ud800"),
        Store(tags=SECRET),
        Store(tags=[{SECRET: SECRET}]),
        Store(words={SECRET, 1}),
        Store(address=SECRET),
        Store(opened=SECRET),
        Store(count=Decimal("Infinity")),
        Store(city=type(SECRET, (), {"__repr__": lambda self: SECRET})()),
    ],
)
def test_message_never_shows_a_value(record: Store) -> None:
    """
    Messages go to logs: they name fields and types, not what is in them.
    """
    with pytest.raises(ValidationError) as caught:
        record.validate()

    assert SECRET not in str(caught.value).replace("got s3cret", "")  # the name of a type
    assert "Infinity" not in str(caught.value)


def test_all_problems_of_an_item_are_reported_together() -> None:
    """
    An item that cannot be read is explained whole, with paths, and without its values.
    """
    item: Item = {
        "store_id": {"N": "1"},
        "city": {"S": "a", "N": "1"},
        "count": {"N": SECRET},
        "tags": {"L": [{"S": "ok"}, {"NULL": True}]},
        "address": {"M": {"city": {"BOOL": True}, "lines": {"S": SECRET}}},
    }

    assert [
        (".store_id", "expected S, got type N"),
        (".city", "expected S, got 2 type tags instead of one"),
        (".count", "not a DynamoDB number"),
        (".tags[1]", "expected S, got type NULL"),
        (".address.city", "expected S, got type BOOL"),
        (".address.lines", "expected L, got type S"),
    ] == decode_problems(Store, item)


# --- unknown attributes -------------------------------------------------------------------

UNKNOWN: Item = {"new": {"M": {"a": {"NS": ["1.0"]}}}, "": {"S": ""}, "_item": {"N": "5.00"}}


def test_unknown_attributes_are_kept_and_written_back() -> None:
    """
    What a newer version of the program stored survives load, change and save, to the letter.
    """
    nested: Item = {"city": {"S": "Oslo"}, **UNKNOWN}
    item: Item = {"store_id": {"S": "1"}, "count": {"N": "0"}, "address": {"M": nested}, **UNKNOWN}
    record = decode(Store, item)
    assert item == encode(record)
    record.city = "Bergen"
    record.address.city = "Lillehammer"

    changed = encode(record)
    assert UNKNOWN == {name: changed[name] for name in UNKNOWN}
    assert UNKNOWN == {name: changed["address"]["M"][name] for name in UNKNOWN}
    assert {"S": "Lillehammer"} == changed["address"]["M"]["city"]


def test_unknown_attributes_survive_copies() -> None:
    """
    A copy, a pickle and an evolved record write them back too.
    """

    record = decode(Store, {"store_id": {"S": "1"}, **UNKNOWN})
    copies = [
        copy.copy(record),
        copy.deepcopy(record),
        pickle.loads(pickle.dumps(record)),
        record.evolve(city="Oslo"),
        record.evolve(store_id="2"),
    ]

    for other in copies:
        assert UNKNOWN == {name: encode(other)[name] for name in UNKNOWN}


def test_unknown_attributes_can_be_dropped_or_rejected() -> None:
    """
    ``unknown="drop"`` forgets them, ``unknown="reject"`` names them all; subclasses do the same.
    """

    class Dropping(Store, unknown="drop"):
        """Forgets."""

    class Rejecting(Store, unknown="reject"):
        """Refuses."""

    class Child(Rejecting):
        """Refuses as its parent does."""

    item: Item = {"store_id": {"S": "1"}, "count": {"N": "0"}, **UNKNOWN}

    assert {"store_id", "count"} == encode(decode(Dropping, item)).keys()
    for kind in (Rejecting, Child):
        reason = f"{kind.__name__} has no field for this attribute"
        assert [("['']", reason), ("._item", reason), (".new", reason)] == decode_problems(kind, item)
    assert 4 == len(decode_problems(Rejecting, {**item, "count": {"S": "0"}}))


@attrs.define
class Point:
    """An attrs class that is no record."""

    x: int
    _hidden: int = 0
    label: str = attrs.field(default="", kw_only=True)
    total: int = attrs.field(init=False, default=0)


@attrs.frozen(slots=False)
class Range:
    """A frozen attrs class with a validator and a converter."""

    low: int = attrs.field(converter=int)
    high: int = attrs.field(validator=attrs.validators.gt(0))


class Shape(DynamoRecord):
    """Has attrs classes inside."""

    point: Point | None = None
    ranges: list[Range] = []
    origin: Point = Point(0)


def test_plain_attrs_classes_are_nested() -> None:
    """
    Private names, keyword-only and not-in-constructor fields, slots or none, frozen or not: all come back.
    """
    point = Point(1, 2, label="x")
    point.total = 3
    record = Shape(point=point, ranges=[Range("1", 2)])
    item = encode(record)

    assert {"x", "_hidden", "label", "total"} == item["point"]["M"].keys() | {"label"}
    assert record == decode(Shape, item)


def test_plain_attrs_classes_reject_unknown_attributes() -> None:
    """
    They have no place to keep what they do not know, and losing it silently is no way.
    """
    item: Item = {"point": {"M": {"x": {"N": "1"}, "z": {"N": "1"}}}}

    assert [(".point.z", "Point has no field for this attribute")] == decode_problems(Shape, item)


def test_plain_attrs_class_that_refuses_stored_values() -> None:
    """
    A validator that refuses what is stored is an error with its path; its message may show values, ours not.
    """
    item: Item = {"ranges": {"L": [{"M": {"low": {"N": "1"}, "high": {"N": "-77"}}}]}}

    assert [(".ranges[0]", "Range refuses the stored values: ValueError")] == decode_problems(Shape, item)


def test_default_instances_are_not_shared() -> None:
    """
    A default that is a record or an attrs instance is copied: changing one record changes no other.
    """

    class Frozen(DynamoRecord, frozen=True):
        """Frozen, with a list in it."""

        tags: list[str] = []

    class Owner(DynamoRecord):
        """Has nested defaults."""

        frozen: Frozen = Frozen()
        pair: tuple[list[str], ...] = ([],)

    one = Owner()
    one.frozen.tags.append("x")
    one.pair[0].append("x")
    shape = Shape()
    shape.origin.x = 9

    assert ([], ([],)) == (Owner().frozen.tags, Owner().pair)
    assert ([], ([],)) == (decode(Owner, {}).frozen.tags, decode(Owner, {}).pair)
    assert 0 == Shape().origin.x == decode(Shape, {}).origin.x


# --- nested records and unions ------------------------------------------------------------


class Cat(DynamoRecord, tag="cat"):
    """One of two."""

    name: str = ""


class Dog(DynamoRecord, tag="dog"):
    """The other."""

    name: str = ""


class Kennel(DynamoRecord):
    """Has both."""

    pet: Cat | Dog | None = None
    pets: list[Cat | Dog | str] = []


def test_union_of_records_is_told_apart_by_tags() -> None:
    """
    Each record of a union is stored with its tag, and comes back as the class that it was.
    """
    record = Kennel(pet=Dog(name="a"), pets=[Cat(name="b"), "c", Dog()])
    item = encode(record)

    assert {"M": {"name": {"S": "a"}, "type": {"S": "dog"}}} == item["pet"]
    assert record == decode(Kennel, item)
    assert not codec_of(Kennel).is_dirty(decode(Kennel, item))


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ({"M": {"name": {"S": "a"}}}, "expected Cat | Dog | None, got a map without a known 'type'"),
        ({"M": {"type": {"S": "cow"}}}, "expected Cat | Dog | None, got a map without a known 'type'"),
        ({"M": {"type": {"N": "1"}}}, "expected S, got type N"),
    ],
)
def test_union_of_records_needs_a_known_tag(value: Any, reason: str) -> None:
    """
    A map without tag, or with another, is an error and never the first class that fits.
    """
    assert [(".pet", reason)] == decode_problems(Kennel, {"pet": value})


def test_tag_of_another_class_is_an_error() -> None:
    """
    An item of one class is not read as another; an old one without tag is.
    """
    assert [(".type", "the tag of another class")] == decode_problems(Cat, {"type": {"S": "dog"}})
    assert Cat(name="a") == decode(Cat, {"name": {"S": "a"}})
    assert {"name": {"S": "a"}, "type": {"S": "cat"}} == encode(Cat(name="a"))


def test_subclass_of_a_nested_record_is_refused() -> None:
    """
    It would come back as its parent, without its own fields: a union with tags can hold both.
    """

    class BigAddress(Address):
        """More than an address."""

        planet: str = ""

    with pytest.raises(ValidationError, match=r"address: expected Address, got its subclass BigAddress"):
        Store(address=BigAddress()).validate()


# --- partial records ----------------------------------------------------------------------


def test_partial_record_has_only_what_was_read() -> None:
    """
    Touching a field that was not read raises, so that a default is never taken for a stored value.
    """
    record = codec_of(Store).decode_partial({"city": {"S": "Oslo"}}, {"city", "count"})

    assert ("Oslo", 0) == (record.city, record.count)
    with pytest.raises(FieldNotLoaded, match=r"Store\.tags was not read: this record is partial"):
        record.tags
    assert not hasattr(record, "tags")
    assert {"city": "Oslo", "count": 0} == record.get_dict() == record.to_json()
    assert "Store(city='Oslo', count=0, ...)" == repr(record)


def test_partial_record_cannot_become_an_item() -> None:
    """
    Putting it would store defaults over what was not read.
    """
    codec = codec_of(Store)
    record = codec.decode_partial({"city": {"S": "Oslo"}}, {"city"})

    for use in (codec.encode, Store.validate, Store.evolve):
        with pytest.raises(FieldNotLoaded):
            use(record)


def test_changes_of_a_partial_record() -> None:
    """
    Fields that were read can be changed and saved.
    """
    codec = codec_of(Store)
    record = codec.decode_partial({"city": {"S": "Oslo"}, "count": {"N": "1.0"}}, {"city", "count"})
    assert not codec.is_dirty(record)
    record.count = 2

    assert codec.is_dirty(record)
    assert [("count", {"N": "2"}, {"N": "1.0"})] == [(c.wire, c.new, c.old) for c in codec.changes(record)]


def test_field_that_was_not_read_cannot_be_changed() -> None:
    """
    Nobody knows what is stored there, so a save could not tell whether somebody else changed it.
    """
    codec = codec_of(Store)
    record = codec.decode_partial({"city": {"S": "Oslo"}}, {"city"})
    for change in (lambda: setattr(record, "count", 2), lambda: record.update_data(city="x", count=2)):
        with pytest.raises(FieldNotLoaded, match=r"Store\.count was not read"):
            change()

    assert {"city": "Oslo"} == record.get_dict()


def test_copies_of_a_partial_record_are_partial() -> None:
    """
    A copy or pickle has not read more than its original.
    """
    record = codec_of(Store).decode_partial({"city": {"S": "Oslo"}}, {"city"})
    for other in (copy.copy(record), copy.deepcopy(record), pickle.loads(pickle.dumps(record))):
        assert {"city": "Oslo"} == other.get_dict()
        assert record == other
        with pytest.raises(FieldNotLoaded):
            other.count


def test_partial_records_compare_what_was_read() -> None:
    """
    Two partial records are equal when the same fields were read and are equal; none equals a whole one.
    """
    codec = codec_of(Store)
    one = codec.decode_partial({"city": {"S": "Oslo"}}, {"city"})

    assert one == codec.decode_partial({"city": {"S": "Oslo"}}, {"city"})
    assert one != codec.decode_partial({"city": {"S": "Bergen"}}, {"city"})
    assert one != codec.decode_partial({"city": {"S": "Oslo"}}, {"city", "count"})
    assert one != Store(city="Oslo")
    assert one in [Store(), one]


def test_problems_of_a_partial_item_are_reported_together() -> None:
    """
    A partial item is checked like a whole one: a required attribute that was read must be there.
    """

    class Strict(DynamoRecord):
        """Has required fields."""

        one: str
        two: int
        three: int

    with pytest.raises(Invalid) as caught:
        codec_of(Strict).decode_partial({"two": {"S": "x"}}, {"one", "two"})

    assert [(".one", "required attribute is missing"), (".two", "expected N, got type S")] == [
        (problem.path, problem.reason) for problem in caught.value.problems
    ]


def test_pickle_of_an_older_class_still_compares() -> None:
    """
    A pickled record of a class that has since got other fields knows what was loaded: by its item.
    """
    codec = codec_of(Store)
    record = codec.decode({"store_id": {"S": "1"}, "count": {"N": "3"}})
    state = record.__getstate__()
    del state["city"]
    state["_fields"] = ("count", "store_id")
    state["_loaded"] = (3, "1")
    old = object.__new__(Store)
    old.__setstate__(state)

    assert not codec.is_dirty(old)
    old.count = 4
    assert ["count"] == [change.wire for change in codec.changes(old)]


def test_record_classes_can_be_collected() -> None:
    """
    A class that was made in a function goes with it, its codec too.
    """

    def make() -> weakref.ref[type]:
        class Short(DynamoRecord):
            """Made and forgotten."""

            name: str = ""
            other: Address | None = None

        encode(Short(name="x", other=Address()))
        return weakref.ref(Short)

    reference = make()
    gc.collect()

    assert None is reference()
