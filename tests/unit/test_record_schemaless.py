"""Schemaless records: any field, with the same care for names, values and what is stored."""

from __future__ import annotations

import copy
import pickle
from decimal import Decimal
from typing import Any

import pytest

from dynamo_objects import DynamoRecord, SchemalessRecord, UnknownFieldError, ValidationError, field
from dynamo_objects.codec.values import Invalid, Item
from dynamo_objects.record import codec_of


class ByKeyword(DynamoRecord, schemaless=True):
    """Schemaless by a class keyword."""

    id: str = ""
    city: str = field(default="", name="c")


class ByMethod(DynamoRecord):
    """Schemaless as in the first version of the library."""

    id: str = ""
    city: str = field(default="", name="c")

    def _freeze_schema(self) -> None:
        pass


BOTH = pytest.mark.parametrize("kind", [ByKeyword, ByMethod])


@BOTH
def test_any_field_can_be_set_stored_and_read(kind: Any) -> None:
    """
    Fields that are not declared are stored by the types of their values, and come back.
    """
    record = kind(id="1", city="Oslo", count=5)
    record.tags = ["a", {"b": Decimal("1.5")}]
    record.update_data(note="x", nothing=None)
    item = {
        "id": {"S": "1"},
        "c": {"S": "Oslo"},
        "count": {"N": "5"},
        "tags": {"L": [{"S": "a"}, {"M": {"b": {"N": "1.5"}}}]},
        "note": {"S": "x"},
        "nothing": {"NULL": True},
    }
    codec = codec_of(kind)
    loaded = codec.decode(item)

    assert item == codec.encode(record)
    assert record == loaded
    assert (5, ["a", {"b": Decimal("1.5")}]) == (loaded.count, loaded.tags)
    assert not codec.is_dirty(loaded)
    assert {"id", "city", "count", "tags", "note", "nothing"} == loaded.get_dict().keys()
    assert {"id": "1", "count": 5}.items() <= loaded.to_json().items()
    assert "count=5" in repr(loaded)


@BOTH
def test_changes_of_fields_that_are_not_declared(kind: Any) -> None:
    """
    Setting, changing in place and deleting them are changes; a declared field changes as ever.
    """
    codec = codec_of(kind)
    item: Item = {"id": {"S": "1"}, "c": {"S": "Oslo"}, "a": {"N": "1.0"}, "b": {"L": []}, "d": {"S": "x"}}
    record = codec.decode(item)
    record.a = 1
    assert not codec.is_dirty(record)
    record.city = "Bergen"
    record.b.append(True)
    record.e = {1}
    del record.d
    changes = {change.wire: (change.old, change.new) for change in codec.changes(record)}

    assert {
        "c": ({"S": "Oslo"}, {"S": "Bergen"}),
        "b": ({"L": []}, {"L": [{"BOOL": True}]}),
        "d": ({"S": "x"}, None),
        "e": (None, {"NS": ["1"]}),
    } == changes
    assert {"id", "c", "a", "b", "e"} == codec.encode(record).keys()
    assert {"S": "Bergen"} == codec.encode(record)["c"]


@BOTH
def test_cleared_field_is_left_out(kind: Any) -> None:
    """
    A declared field that is cleared leaves the item, though the item had it when it was loaded.
    """
    codec = codec_of(kind)
    record = codec.decode({"id": {"S": "1"}, "c": {"S": "Oslo"}})
    record.city = ""

    assert {"id"} == codec.encode(record).keys()


@BOTH
@pytest.mark.parametrize("name", ["get_dict", "update_data", "_x", "_item", "__class__", "c"])
def test_names_that_cannot_be_fields(kind: Any, name: str) -> None:
    """
    Methods, names with an underscore, and names that declared fields are stored as, cannot be hidden.
    """
    record = kind()
    with pytest.raises((UnknownFieldError, TypeError)):
        setattr(record, name, "x")
    with pytest.raises(UnknownFieldError):
        kind(**{name: "x"})
    with pytest.raises(UnknownFieldError):
        record.evolve(**{name: "x"})


@BOTH
def test_stored_attributes_with_such_names_are_kept(kind: Any) -> None:
    """
    Attributes that would hide a method or a field are not shown, and not lost.
    """
    hidden: Item = {
        "get_dict": {"S": "x"},
        "_x": {"N": "1.0"},
        "city": {"S": "another"},
        "_item": {"BOOL": True},
        "mro": {"S": "shown"},
    }
    codec = codec_of(kind)
    record = codec.decode({"id": {"S": "1"}, "c": {"S": "Oslo"}, **hidden})
    record.note = "x"

    assert ("Oslo", "shown") == (record.city, record.mro)
    assert callable(record.get_dict)
    assert ["note"] == [change.wire for change in codec.changes(record)]
    assert hidden == {name: codec.encode(record)[name] for name in hidden}


def test_unknown_names_are_still_errors_when_read() -> None:
    """
    Reading or deleting a field that is not set is an error.
    """
    record = SchemalessRecord(a=1)
    with pytest.raises(AttributeError):
        record.b
    with pytest.raises(UnknownFieldError):
        del record.b


def test_equality_includes_all_fields() -> None:
    """
    Two schemaless records differ when any field does.
    """
    assert SchemalessRecord(a=1) == SchemalessRecord(a=1)
    assert SchemalessRecord(a=1) != SchemalessRecord(a=2)
    assert SchemalessRecord(a=1) != SchemalessRecord(b=1)
    assert SchemalessRecord(a=1) != SchemalessRecord()


@pytest.mark.parametrize(
    "copied",
    [copy.copy, copy.deepcopy, lambda record: pickle.loads(pickle.dumps(record)), lambda r: r.evolve()],
)
def test_copies(copied: Any) -> None:
    """
    Copies have all fields, and what was loaded.
    """
    codec = codec_of(SchemalessRecord)
    record = codec.decode({"a": {"N": "1"}, "_b": {"S": "x"}})
    record.c = 3
    other = copied(record)

    assert record == other
    assert codec.changes(record) == codec.changes(other)
    assert codec.encode(record) == codec.encode(other)


def test_update_data_is_all_or_nothing() -> None:
    """
    A refused update removes the fields that it had added.
    """
    record = SchemalessRecord(a=1)
    with pytest.raises(UnknownFieldError):
        record.update_data(a=2, b=3, _c=4)

    assert SchemalessRecord(a=1) == record


def test_update_data_safe_skips_names_that_cannot_be_fields() -> None:
    """
    update_data_safe takes any name that can be a field, and skips the others.
    """
    record = SchemalessRecord()
    record.update_data_safe(a=1, get_dict=2, _item={})

    assert SchemalessRecord(a=1) == record


def test_problems_are_reported_together() -> None:
    """
    Declared and other fields are checked in one go, names too.
    """
    record = ByKeyword(id=5, a=1.5, b={1, "x"}, ok=1)
    setattr(record, "", 1)
    setattr(record, "\ud800", 1)
    with pytest.raises(ValidationError) as caught:
        record.validate()

    assert [
        ("id", "expected str, got int"),
        ("a", "expected int or Decimal, got float: declare the field with numbers=float"),
        ("b", "sets hold one type only: text, numbers or bytes, not a mixture"),
        ("['']", "the name of an attribute has 1 to 65,535 bytes"),
        ("['\\ud800']", "text has a lone surrogate, which UTF-8 cannot hold"),
    ] == [(problem.path, problem.reason) for problem in caught.value.problems]


def test_bad_attributes_are_reported_together() -> None:
    """
    So are the attributes of an item.
    """
    with pytest.raises(Invalid) as caught:
        codec_of(ByKeyword).decode({"id": {"S": "1"}, "a": {"N": "x"}, "b": {"L": [{"S": 1}]}})

    assert {".a", ".b[0]"} == {problem.path for problem in caught.value.problems}


def test_partial_records() -> None:
    """
    A partial record shows what was read, and saving it removes nothing that was not.
    """
    codec = codec_of(ByKeyword)
    record = codec.decode_partial({"c": {"S": "Oslo"}, "a": {"N": "1"}}, {"city"})
    assert ("Oslo", 1) == (record.city, record.a)
    assert not codec.is_dirty(record)
    record.a = 2

    assert ["a"] == [change.wire for change in codec.changes(record)]


def test_frozen_schemaless_record() -> None:
    """
    Frozen holds for all fields.
    """

    class Both(DynamoRecord, schemaless=True, frozen=True):
        """Frozen and schemaless."""

    record = Both(a=1)
    for change in (
        lambda: setattr(record, "a", 2),
        lambda: setattr(record, "b", 2),
        lambda: delattr(record, "a"),
    ):
        with pytest.raises(AttributeError, match="Both is frozen"):
            change()

    assert Both(a=2) == record.evolve(a=2)
    assert hash(Both(a=2)) == hash(record.evolve(a=2))


def test_schemaless_is_inherited_and_can_be_ended() -> None:
    """
    A child is as its parent, unless it says otherwise; mixins without slots are no obstacle.
    """

    class Mixin:
        """Has no slots."""

    class FreeMixin:
        """Brings the method."""

        __slots__ = ()

        def _freeze_schema(self) -> None:
            pass

    class Child(ByKeyword):
        """Schemaless too."""

    class Free(FreeMixin, DynamoRecord):
        """Schemaless by a mixin."""

    class Strict(ByKeyword, schemaless=False):
        """Not schemaless."""

    class Mixed(Mixin, DynamoRecord):
        """Strict, but with a dict."""

    class Later(Mixed, schemaless=True):
        """Schemaless on top of a dict."""

    assert 1 == Child(a=1).a
    assert 1 == Free(a=1).a
    assert 1 == Later(a=1).a
    with pytest.raises(UnknownFieldError):
        Strict(a=1)
    with pytest.raises(UnknownFieldError):
        Mixed(a=1)


def test_unset_optional_field_is_no_unknown_name() -> None:
    """
    A field that the class declares is found before the others.
    """

    class Declared(DynamoRecord, schemaless=True):
        """Declares one field."""

        note: str | None = None

    assert None is codec_of(Declared).decode({"other": {"S": "x"}}).note
