"""Mistakes in the declaration of a record class say how to write it right, before any record is made."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from datetime import datetime
from typing import Any

import attrs
import pytest

from dynamo_objects import DynamoException, DynamoRecord, DynamoSchemaException, SchemalessRecord, field
from dynamo_objects.record import codec_of


class Store(DynamoRecord):
    """A record class without mistakes."""

    store_id: str = ""
    city: str = ""


class Company(DynamoRecord):
    """Another one."""

    name: str = ""


class WithFields:
    """A mixin that declares a field."""

    created: datetime | None = None


class WithMethod:
    """A mixin with a method."""

    def city(self) -> str:
        """Return a city."""
        return ""


def old_form() -> Any:
    """The form of the first version of the library."""

    class Old(DynamoRecord):
        def __init__(self, **data: Any) -> None:
            self.store_id = ""
            super().__init__(**data)

    return Old


def like_a_method() -> Any:
    """A field named like a method of all records."""

    class Wrong(DynamoRecord):
        validate: str = ""

    return Wrong


def like_a_method_of_its_parent() -> Any:
    """A field named like a method of its parent."""

    class Parent(DynamoRecord):
        def area(self) -> int:
            return 0

    class Wrong(Parent):
        area: int = 0

    return Wrong


def method_and_field() -> Any:
    """A method that takes the place of the field's default."""

    class Wrong(DynamoRecord):
        name: str

        def name(self) -> str:
            return ""

    return Wrong


def like_a_method_of_a_mixin() -> Any:
    """A field named like a method of a mixin."""

    class Wrong(DynamoRecord, WithMethod):
        city: str = ""

    return Wrong


def mixin_hides_a_field() -> Any:
    """A mixin that hides a field of the parent."""

    class Wrong(WithMethod, Store):
        pass

    return Wrong


def method_hides_a_field() -> Any:
    """A method that hides a field of the parent."""

    class Wrong(Store):
        def city(self) -> str:
            return ""

    return Wrong


def value_hides_a_field() -> Any:
    """A new default without its type."""

    class Wrong(Store):
        city = "Oslo"

    return Wrong


def underscore() -> Any:
    """A private field."""

    class Wrong(DynamoRecord):
        _note: str = ""

    return Wrong


def called_self() -> Any:
    """A field that the constructor cannot take."""

    class Wrong(DynamoRecord):
        self: str = ""

    return Wrong


def two_bases() -> Any:
    """Two record bases."""

    class Wrong(Store, Company):
        pass

    return Wrong


def mixin_with_fields() -> Any:
    """A mixin that declares fields."""

    class Wrong(WithFields, DynamoRecord):
        pass

    return Wrong


def field_without_type() -> Any:
    """A field() without annotation."""

    class Wrong(DynamoRecord):
        name = field(default="")

    return Wrong


def attrs_field_without_type() -> Any:
    """The same with attrs' own."""

    class Wrong(DynamoRecord):
        name = attrs.field(default="")

    return Wrong


def same_wire_name() -> Any:
    """Two fields with one stored name."""

    class Wrong(DynamoRecord):
        one: str = field(default="", name="x")
        two: str = field(default="", name="x")

    return Wrong


def wire_name_of_another_field() -> Any:
    """A stored name that is the name of an inherited field."""

    class Wrong(Store):
        town: str = field(default="", name="city")

    return Wrong


def tag_field_is_a_field() -> Any:
    """A tag stored where a field is."""

    class Wrong(DynamoRecord, tag="x"):
        type: str = ""

    return Wrong


def empty_tag() -> Any:
    """A tag that says nothing."""

    class Wrong(DynamoRecord, tag=""):
        pass

    return Wrong


def tag_is_no_text() -> Any:
    """A tag of another type."""

    class Wrong(DynamoRecord, tag="x", tag_field=5):
        pass

    return Wrong


def two_versions() -> Any:
    """Two version fields."""

    class Wrong(DynamoRecord):
        one: int = field(default=0, version=True)
        two: int = field(default=0, version=True)

    return Wrong


def unknown_policy() -> Any:
    """A policy that does not exist."""

    class Wrong(DynamoRecord, unknown="ignore"):
        pass

    return Wrong


def cached() -> Any:
    """A cached property, which has no place to keep its value."""

    class Wrong(DynamoRecord):
        name: str = ""

        @functools.cached_property
        def upper(self) -> str:
            return self.name.upper()

    return Wrong


def not_in_constructor() -> Any:
    """A field that the constructor does not take."""

    class Wrong(DynamoRecord):
        total: int = attrs.field(init=False, default=0)

    return Wrong


def decorated() -> Any:
    """attrs' decorator on top of the base class."""

    @attrs.define
    class Wrong(DynamoRecord):
        name: str = ""

    return Wrong


def decorated_without_slots() -> Any:
    """The same, without a new class."""

    @attrs.define(slots=False)
    class Wrong(DynamoRecord):
        name: str = ""

    return Wrong


def decorated_frozen() -> Any:
    """The decorator for immutable classes."""

    @attrs.frozen
    class Wrong(DynamoRecord):
        name: str = ""

    return Wrong


def decorated_as_dataclass() -> Any:
    """Another library's decorator."""

    @dataclasses.dataclass
    class Wrong(DynamoRecord):
        name: str = ""

    return Wrong


def slots() -> Any:
    """Slots that the class body names."""

    class Wrong(DynamoRecord):
        __slots__ = ("cache",)

    return Wrong


def without_type() -> Any:
    """A field without its type, which is noticed when it is used."""

    class Wrong(DynamoRecord):
        city = ""

    return Wrong(city="Oslo")


def without_type_assigned() -> Any:
    """The same, on assignment."""

    class Wrong(DynamoRecord):
        tags = []

    Wrong().tags = ["a"]


def default_and_factory() -> Any:
    """Contradicting options."""
    return field(default=1, factory=int)


def wrong_numbers() -> Any:
    """An option with a wrong value."""
    return field(numbers=int)


def wrong_null() -> Any:
    """An option with a wrong value."""
    return field(null="keep")


def empty_name() -> Any:
    """A stored name that DynamoDB does not take."""
    return field(name="")


def long_name() -> Any:
    """A stored name that DynamoDB does not take."""
    return field(name="é" * 40_000)


def broken_name() -> Any:
    """A stored name that is no UTF-8."""
    return field(name="\ud800")


def unstorable() -> Any:
    """A field of a type that cannot be stored."""

    class Wrong(DynamoRecord):
        good: str = ""
        bad: complex = 0j

    return codec_of(Wrong)


def wrong_default() -> Any:
    """A default that cannot be stored."""

    class Wrong(DynamoRecord):
        count: int = "none"

    return codec_of(Wrong)


def no_fields_at_all() -> Any:
    """The base class, where a class of one's own is needed."""
    return codec_of(DynamoRecord)


DECORATED = (
    "Wrong: records are attrs classes by themselves: leave out the decorator; "
    "class Wrong(DynamoRecord, frozen=True) makes them immutable"
)

MISTAKES: list[tuple[Callable[[], Any], str]] = [
    (
        old_form,
        "Old defines __init__: declare its fields in attrs style instead,\n"
        "    class Old(DynamoRecord):\n"
        "        store_id: str = ''\n"
        "        tags: list[str] = []\n"
        "and put checks into _check_data",
    ),
    (
        like_a_method,
        "Wrong.validate collides with a method of that name: rename the field, "
        "and keep its stored name with field(name='validate')",
    ),
    (
        like_a_method_of_its_parent,
        "Wrong.area collides with a method of that name: rename the field, "
        "and keep its stored name with field(name='area')",
    ),
    (
        method_and_field,
        "Wrong.name collides with a method of that name: rename the field, "
        "and keep its stored name with field(name='name')",
    ),
    (
        like_a_method_of_a_mixin,
        "Wrong.city collides with WithMethod.city: rename one of them; "
        "a field keeps its stored name with field(name='city')",
    ),
    (
        mixin_hides_a_field,
        "Wrong.city collides with WithMethod.city: rename one of them; "
        "a field keeps its stored name with field(name='city')",
    ),
    (
        method_hides_a_field,
        "Wrong.city hides a field of Store: to change its default repeat its type, city: ... = ...",
    ),
    (
        value_hides_a_field,
        "Wrong.city hides a field of Store: to change its default repeat its type, city: ... = ...",
    ),
    (
        underscore,
        "Wrong._note: fields must not begin with an underscore: store it under that name with field(name='_note')",
    ),
    (called_self, "Wrong.self: rename the field, and keep its stored name with field(name='self')"),
    (
        two_bases,
        "Wrong has two record bases, Store and Company: derive from one, "
        "and put what they share into a mixin without fields",
    ),
    (
        mixin_with_fields,
        "Wrong: mixin WithFields declares fields: mixins of records have methods only, "
        "move its fields into a record class",
    ),
    (field_without_type, "Wrong.name needs a type: name: str = field(...)"),
    (attrs_field_without_type, "Wrong.name needs a type: name: str = field(...)"),
    (same_wire_name, "Wrong: one and two are both stored as 'x'"),
    (wire_name_of_another_field, "Wrong: city and town are both stored as 'city'"),
    (tag_field_is_a_field, "Wrong: type and the tag are both stored as 'type': choose another tag_field="),
    (empty_tag, "tag= and tag_field= are texts, and not empty"),
    (tag_is_no_text, "tag= and tag_field= are texts, and not empty"),
    (two_versions, "Wrong has two version fields: one, two"),
    (unknown_policy, "unknown= is 'keep', 'reject' or 'drop'"),
    (cached, "Wrong.upper: records have no place for a cached_property: use a property"),
    (
        not_in_constructor,
        "Wrong.total: init=False: records are copied through their constructor, "
        "leave it out, and derive the value in _check_data",
    ),
    (decorated, DECORATED),
    (decorated_without_slots, DECORATED),
    (decorated_frozen, DECORATED),
    (decorated_as_dataclass, DECORATED),
    (slots, "Wrong defines __slots__: records make their own, leave it out"),
    (without_type, "Wrong.city is no field without its type: write city: str = ..."),
    (without_type_assigned, "Wrong.tags is no field without its type: write tags: list = ..."),
    (default_and_factory, "a field has a default or a factory, not both"),
    (wrong_numbers, "numbers= takes float, or is left out"),
    (wrong_null, "null= is 'omit' or 'store'"),
    (empty_name, "name= has 1 to 65,535 bytes of UTF-8"),
    (long_name, "name= has 1 to 65,535 bytes of UTF-8"),
    (broken_name, "name= has 1 to 65,535 bytes of UTF-8"),
    (unstorable, "Wrong.bad: complex cannot be stored: see register_type()"),
    (wrong_default, "Wrong.count: its default cannot be stored: expected int, got str"),
    (no_fields_at_all, "DynamoRecord is no record class of its own: derive one from it, with fields"),
]


@pytest.mark.parametrize(("declare", "message"), MISTAKES, ids=[declare.__name__ for declare, _ in MISTAKES])
def test_mistake_is_explained(declare: Callable[[], Any], message: str) -> None:
    """
    A declaration that cannot work is refused at once, naming class and field and what to write instead.
    """
    with pytest.raises(DynamoSchemaException) as caught:
        declare()

    assert message == str(caught.value)
    assert isinstance(caught.value, DynamoException)


@pytest.mark.parametrize("annotation", ["list[str", "list[str] | 5", "str str"])
def test_text_that_is_no_type(annotation: str) -> None:
    """
    An annotation that Python cannot read names the class.
    """
    with pytest.raises(DynamoSchemaException, match=r"^Wrong: an annotation is not a type: "):
        type(DynamoRecord)("Wrong", (DynamoRecord,), {"__annotations__": {"name": annotation}})


def test_names_that_may_be_used() -> None:
    """
    Stored names may be anything, and fields may be called like what only classes or metaclasses have.
    """

    class Fine(DynamoRecord):
        """Odd, but fine."""

        note: str = field(default="", name="_note")
        method: str = field(default="", name="validate")
        mro: str = ""
        register: str = ""
        größe: int = 0
        class_: str = field(default="", name="class")
        reserved: str = field(default="", name="#a.b[0] 'SELECT'")

    record = Fine(note="a", method="b", mro="c", größe=1, class_="d", reserved="e")
    item = codec_of(Fine).encode(record)

    assert {"_note", "validate", "mro", "größe", "class", "#a.b[0] 'SELECT'"} == item.keys() - {"register"}
    assert record == codec_of(Fine).decode(item)


def test_methods_may_be_overridden() -> None:
    """
    A subclass may override methods of records, and of its parent.
    """

    class Child(Store):
        """Overrides."""

        def get_dict(self, exclude: Any = ()) -> dict[str, Any]:
            """Return more."""
            return {**super().get_dict(exclude), "more": 1}

        def _check_data(self) -> None:
            self.city = self.city.title()

    assert {"store_id": "", "city": "Oslo", "more": 1} == Child(city="oslo").get_dict()


def test_schemaless_base_is_ready_to_use() -> None:
    """
    SchemalessRecord has no fields and takes any.
    """
    assert {"a": 1} == SchemalessRecord(a=1).get_dict()


def test_empty_record_class() -> None:
    """
    A class without fields is a record class too.
    """

    class Empty(DynamoRecord):
        """No fields yet."""

    assert {} == codec_of(Empty).encode(Empty())
    assert Empty() == codec_of(Empty).decode({})
