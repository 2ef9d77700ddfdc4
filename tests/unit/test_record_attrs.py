"""What attrs and Python can do with classes, records can too."""

from __future__ import annotations

import abc
import copy
import sys
import types
from datetime import UTC, datetime
from typing import Any, ClassVar, Generic, TypeVar

import attrs
import pytest

from dynamo_objects import DynamoRecord, UnknownFieldError, field
from dynamo_objects.record import codec_of

T = TypeVar("T")


# --- fields -------------------------------------------------------------------------------


class Checked(DynamoRecord):
    """Has converters, validators and hooks."""

    name: str = field(default="", converter=str.strip)
    count: int = field(default=0, validator=attrs.validators.ge(0))
    both: int = field(default=1, converter=int, validator=[attrs.validators.ge(1), attrs.validators.lt(10)])
    fixed: str = field(default="", on_setattr=attrs.setters.frozen)
    free: int = field(default=0, validator=attrs.validators.ge(0), on_setattr=attrs.setters.NO_OP)
    only_converted: int = field(default=0, converter=int, on_setattr=[attrs.setters.convert])


def test_converters_and_validators_run_in_the_constructor() -> None:
    """
    A value is converted, then validated; the error is the validator's own.
    """
    assert "x" == Checked(name=" x ").name
    assert 5 == Checked(both="5").both
    with pytest.raises(ValueError, match="count"):
        Checked(count=-1)
    with pytest.raises(ValueError, match="both"):
        Checked(both="10")


def test_converters_and_validators_run_on_assignment() -> None:
    """
    So do they on assignment, which changes nothing when it is refused.
    """
    record = Checked(count=1)
    record.name = " y "
    record.only_converted = "7"
    with pytest.raises(ValueError, match="count"):
        record.count = -1
    with pytest.raises(attrs.exceptions.FrozenAttributeError):
        record.fixed = "x"
    record.free = -5

    assert ("y", 7, 1, "", -5) == (
        record.name,
        record.only_converted,
        record.count,
        record.fixed,
        record.free,
    )


def test_hooks_do_not_loosen_the_schema() -> None:
    """
    A class with on_setattr hooks refuses mistyped names like any other, and so do its children.
    """

    class Child(Checked):
        """Inherits the hooks."""

    for record in (Checked(), Child()):
        with pytest.raises(UnknownFieldError):
            record.nmae = "x"
        with pytest.raises(attrs.exceptions.FrozenAttributeError):
            record.fixed = "x"
        with pytest.raises(ValueError, match="count"):
            record.count = -1


def test_loading_neither_converts_nor_validates() -> None:
    """
    Old data stays loadable: what is stored is what the record has.
    """
    codec = codec_of(Checked)
    record = codec.decode({"name": {"S": " x "}, "count": {"N": "-5"}})

    assert (" x ", -5) == (record.name, record.count)
    assert not codec.is_dirty(record)


class Decorated(DynamoRecord):
    """Uses attrs' own field() and its decorators."""

    low: int = attrs.field(default=1)
    high: int = attrs.field()
    tags: list[str] = attrs.field(default=["a"])
    made: list[str] = attrs.field(factory=list)
    other: str = attrs.field(default="", alias="another")

    @high.default
    def _high(self) -> int:
        return self.low + 1

    @low.validator
    def _check_low(self, attribute: attrs.Attribute[int], value: int) -> None:
        if value > 100:
            raise ValueError("low is too high")


def test_decorators_of_attrs() -> None:
    """
    Defaults that depend on other fields and validators as methods work.
    """
    assert (1, 2) == (Decorated().low, Decorated().high)
    assert 9 == Decorated(low=8).high
    with pytest.raises(ValueError, match="low is too high"):
        Decorated(low=101)
    Decorated().tags.append("b")
    assert ["a"] == Decorated().tags


def test_alias_is_the_name_in_the_constructor() -> None:
    """
    A field with an alias is given by it in the constructor, and by its name everywhere else.
    """
    record = Decorated(another="x")
    record.update_data(other="y")

    assert "y" == record.other == record.evolve(low=5).other
    assert "z" == record.evolve(other="z").other
    with pytest.raises(UnknownFieldError, match="did you mean 'another'"):
        Decorated(other="x")


def test_each_class_has_its_own_fields() -> None:
    """
    A subclass inherits fields and may give them other defaults or types.
    """

    class Parent(DynamoRecord):
        """Two fields."""

        name: str = "parent"
        value: int | None = None

    class Child(Parent):
        """Redefines both and adds one."""

        name: str = "child"
        value: str = ""
        more: list[str] = []

    assert ("parent", "child") == (Parent().name, Child().name)
    assert Parent(value=1) == codec_of(Parent).decode({"name": {"S": "parent"}, "value": {"N": "1"}})
    assert {"name": {"S": "child"}, "value": {"S": "x"}} == codec_of(Child).encode(Child(value="x"))
    assert {"name", "value", "more"} == set(Child.__dynamo_fields__)
    assert not hasattr(Child(), "__dict__")


def test_class_variables_are_no_fields() -> None:
    """
    ClassVar, also as text and with its module, and names without annotation stay on the class.
    """

    class Constants(DynamoRecord):
        """One field."""

        one: ClassVar[int] = 1
        two: ClassVar = 2
        three: "ClassVar[list[int]]" = [3]  # noqa: UP037
        four = 4
        name: str = ""

    assert ("name",) == Constants.__dynamo_fields__
    assert (1, 2, [3], 4) == (Constants.one, Constants.two, Constants.three, Constants().four)
    with pytest.raises(UnknownFieldError):
        Constants(one=1)


def test_pre_and_post_init_hooks() -> None:
    """
    attrs' hooks run; what they set is there before _check_data.
    """

    class Hooked(DynamoRecord):
        """Derives a field after it is made."""

        low: int = 0
        double: int = 0

        def __attrs_post_init__(self) -> None:
            self.double = self.low * 2

    assert 6 == Hooked(low=3).double
    assert 8 == Hooked(low=3).evolve(low=4).double


def test_copy_made_while_a_record_is_made() -> None:
    """
    A hook may copy, compare and show the record that is being made.
    """
    copies = []

    class Copied(DynamoRecord):
        """Copies itself before it is finished."""

        name: str = ""

        def __attrs_post_init__(self) -> None:
            copies.extend([copy.copy(self), copy.deepcopy(self)])
            assert "Copied" in repr(self)

    Copied(name="x")
    codec = codec_of(Copied)

    assert {"name": {"S": "x"}} == codec.encode(copies[0])
    assert [True, True] == [codec.is_dirty(other) for other in copies]
    copies[1].name = "y"


# --- classes ------------------------------------------------------------------------------


class Registry(DynamoRecord):
    """Uses ``__init_subclass__``, ``super()`` and the class cell."""

    kinds: ClassVar[dict[str, type]] = {}
    name: str = ""

    def __init_subclass__(cls, *, kind: str = "", **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        __class__.kinds[kind] = cls

    def greet(self) -> str:
        """Return a greeting."""
        return f"I am {self.name}"


class Loud(Registry, kind="loud", frozen=True):
    """Calls its parent."""

    def greet(self) -> str:
        """Return a loud greeting."""
        return super().greet().upper()


def test_super_init_subclass_and_class_cells() -> None:
    """
    The class is not rebuilt, so that what refers to it refers to the right one.
    """
    assert Loud is Registry.kinds["loud"]
    assert "I AM X" == Loud(name="x").greet()


class Greeting(Generic[T]):
    """A generic mixin with methods only."""

    __slots__ = ()
    polite: ClassVar[bool] = True

    def greet(self, other: T) -> str:
        """Return a greeting."""
        return f"Hello {other}"


class Plain:
    """A mixin without slots."""

    def where(self) -> str:
        """Return the city."""
        return f"in {self.city}"


class Mixed(Greeting[int], Plain, DynamoRecord):
    """Has two mixins."""

    city: str = ""


def test_mixins_with_methods() -> None:
    """
    Mixins may be generic and may lack slots; records stay strict.
    """
    record = Mixed(city="Oslo")

    assert ("Hello 5", "in Oslo") == (record.greet(5), record.where())
    with pytest.raises(UnknownFieldError):
        record.town = "x"
    assert record == copy.deepcopy(record)
    assert record == codec_of(Mixed).decode(codec_of(Mixed).encode(record))


def test_properties() -> None:
    """
    Properties work, with setters too; a setter's typo is caught.
    """

    class Sized(DynamoRecord):
        """Has properties."""

        width: int = 0

        @property
        def double(self) -> int:
            """Twice the width."""
            return self.width * 2

        @double.setter
        def double(self, value: int) -> None:
            self.width = value // 2

        @property
        def read_only(self) -> int:
            """The width."""
            return self.width

    record = Sized()
    record.double = 10

    assert (5, 5) == (record.width, record.read_only)
    with pytest.raises(AttributeError):
        record.read_only = 5
    with pytest.raises(UnknownFieldError):
        Sized(double=5)


def test_classes_made_at_run_time() -> None:
    """
    ``types.new_class`` and a call of the metaclass make record classes too.
    """
    fields = {"__annotations__": {"name": str, "when": datetime | None}, "when": None}
    made = types.new_class(
        "Made", (DynamoRecord,), {"frozen": True}, lambda namespace: namespace.update(fields)
    )
    called = type(DynamoRecord)("Called", (DynamoRecord,), dict(fields))

    for kind in (made, called):
        codec = codec_of(kind)
        record = kind(name="a", when=datetime(2024, 1, 1, tzinfo=UTC))
        assert record == codec.decode(codec.encode(record))


def test_abstract_methods_do_not_clash() -> None:
    """
    Marking methods abstract is harmless; a mixin of class ABC has another metaclass, which Python refuses.
    """

    class Base(DynamoRecord):
        """Has an abstract method."""

        @abc.abstractmethod
        def cost(self) -> int:
            """Return the cost."""

    class Real(Base):
        """Implements it."""

        def cost(self) -> int:
            """Return the cost."""
            return 1

    assert 1 == Real().cost()


def test_weak_references_and_identity() -> None:
    """
    Records can be referred to weakly, also after a load.
    """
    import weakref

    record = codec_of(Mixed).decode({})

    assert record is weakref.ref(record)()


def test_class_pattern_matches_by_name() -> None:
    """
    ``match`` takes records apart by field names.
    """
    match Mixed(city="Oslo"):
        case Mixed(city=found):
            pass

    assert "Oslo" == found


def test_documented_attrs_functions() -> None:
    """
    attrs' own functions see a record as what it is: an attrs class.
    """
    assert ["city"] == [attribute.name for attribute in attrs.fields(Mixed)]
    assert {"city": "Oslo"} == attrs.asdict(Mixed(city="Oslo"))
    assert attrs.has(Mixed)
    assert sys.getsizeof(Loud(name="x")) < 100


# --- frozen records -----------------------------------------------------------------------


class Frozen(DynamoRecord, frozen=True):
    """Normalises by converters."""

    name: str = field(default="", converter=str.strip)
    tags: tuple[str, ...] = ()
    expires: datetime | None = field(default=None, ttl=True)


def test_frozen_record_refuses_changes() -> None:
    """
    Assigning, deleting and updating raise an error that says what to do instead.
    """
    record = Frozen(name=" a ")
    message = r"Frozen is frozen: record\.evolve\(name=\.\.\.\) makes a changed copy"
    for error in (attrs.exceptions.FrozenInstanceError, AttributeError):
        with pytest.raises(error, match=message):
            record.name = "b"
        with pytest.raises(error, match=message):
            record.update_data(name="b")
    with pytest.raises(AttributeError):
        del record.name
    with pytest.raises(UnknownFieldError):
        record.nmae = "b"

    assert "a" == record.name


def test_frozen_record_is_hashable_by_value() -> None:
    """
    Equal frozen records are one key of a dict; loaded ones too.
    """
    codec = codec_of(Frozen)
    record = Frozen(name="a", tags=("x",))
    loaded = codec.decode(codec.encode(record))

    assert 1 == len({record, loaded, record.evolve(), copy.deepcopy(loaded)})
    assert 2 == len({record, record.evolve(name="b")})


def test_frozen_record_evolves_and_still_updates() -> None:
    """
    evolve converts and validates, and the copy knows what was loaded.
    """
    codec = codec_of(Frozen)
    loaded = codec.decode({"name": {"S": "a"}, "unknown": {"S": "x"}})
    changed = loaded.evolve(name=" b ", expires=datetime(2024, 1, 1, 0, 0, 0, 5, tzinfo=UTC))

    assert ("b", 0) == (changed.name, changed.expires.microsecond)
    assert ["name", "expires"] == [change.wire for change in codec.changes(changed)]
    assert {"S": "x"} == codec.encode(changed)["unknown"]


def test_frozen_is_inherited_and_can_be_changed() -> None:
    """
    A child is as its parent, unless it says otherwise.
    """

    class Child(Frozen):
        """Frozen too."""

        more: str = ""

    class Thawed(Frozen, frozen=False):
        """Not frozen."""

    with pytest.raises(AttributeError):
        Child().more = "x"
    thawed = Thawed()
    thawed.name = " x "
    assert "x" == thawed.name
    with pytest.raises(TypeError, match="unhashable"):
        hash(thawed)


def test_frozen_record_may_derive_fields_while_it_is_made() -> None:
    """
    In attrs' post-init hook a frozen record can still be completed; in _check_data it cannot.
    """

    class Derived(DynamoRecord, frozen=True):
        """Derives a field."""

        low: int = 0
        double: int = 0

        def __attrs_post_init__(self) -> None:
            self.double = self.low * 2

    class Wrong(DynamoRecord, frozen=True):
        """Normalises too late."""

        name: str = ""

        def _check_data(self) -> None:
            self.name = self.name.strip()

    assert 6 == Derived(low=3).double
    with pytest.raises(AttributeError, match=r"field\(converter=\.\.\.\) normalises"):
        Wrong(name=" x")
