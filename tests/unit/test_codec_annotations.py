"""Annotations: what can be written, what is refused, and types of one's own."""

from __future__ import annotations

import dataclasses
import enum
import subprocess
import sys
import textwrap
import typing
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Generic, Literal, NamedTuple, NewType, Optional, TypedDict, TypeVar, Union

import attrs
import pytest

from dynamo_objects import DynamoRecord, DynamoSchemaException, ValidationError, field, register_type
from dynamo_objects.codec.values import Invalid
from dynamo_objects.record import codec_of

T = TypeVar("T")
UserId = NewType("UserId", str)
MaybeId = NewType("MaybeId", str | None)


def declared(annotation: Any, **options: Any) -> type[DynamoRecord]:
    """Return a record class with one field, x, of this annotation."""
    namespace = {"__annotations__": {"x": annotation}, "__module__": __name__}
    if options:
        namespace["x"] = field(**options)
    return type(DynamoRecord)("Declared", (DynamoRecord,), namespace)


ACCEPTED: list[tuple[Any, Any]] = [
    # annotation, value
    (Optional[str], None),  # noqa: UP045
    (Union[str, None, int], 5),  # noqa: UP007
    (str | None, "a"),
    ("str | None", "a"),
    (Annotated[int, "comment"], 5),
    (Annotated[list[Annotated[int, 1]] | None, "comment"], [5]),
    (UserId, "a"),
    (MaybeId, None),
    (list[UserId], ["a"]),
    (typing.List[int], [5]),  # noqa: UP006
    (typing.Dict[str, int], {"a": 5}),  # noqa: UP006
    (typing.Set[str], {"a"}),  # noqa: UP006
    (typing.FrozenSet[str], frozenset("a")),  # noqa: UP006
    (typing.Tuple[int, ...], (5,)),  # noqa: UP006
    (typing.Optional[typing.List[str]], ["a"]),  # noqa: UP006, UP045
    (list, [1, "a"]),
    (dict, {"a": [1]}),
    (tuple, (1, "a")),
    (Any, {"a": 1}),
    (Optional[Any], None),  # noqa: UP045
    (Any | None, 5),
    (list[Any], [1, None]),
    (T, {"a": 1}),
    (Literal["a", None], None),
    (Literal["a", 1, True], True),
    (None, None),
    (set[UserId], {"a"}),
    (set[Literal["a", "b"]], {"a"}),
]


@pytest.mark.parametrize(("annotation", "value"), ACCEPTED)
def test_annotation_is_understood(annotation: Any, value: Any) -> None:
    """
    All usual ways to write a type work, old and new.
    """
    kind = declared(annotation)
    codec = codec_of(kind)
    record = kind(x=value)

    assert record == codec.decode(codec.encode(record))


class Movie(TypedDict):
    """A dict with declared keys."""

    name: str


class Pair(NamedTuple):
    """A tuple with names."""

    one: int


@dataclasses.dataclass
class Data:
    """A dataclass."""

    one: int


class Slug(str):
    """A str that is not registered."""


class Mixed(enum.Enum):
    """Members of several types."""

    A = 1
    B = "b"


class Real(enum.Enum):
    """Members that are floats."""

    A = 1.5


class Cat(DynamoRecord):
    """A record without a tag."""

    name: str = ""


class Dog(DynamoRecord, tag="dog"):
    """A record with a tag."""

    name: str = ""


class Wolf(DynamoRecord, tag="dog"):
    """A record with the tag of another."""

    name: str = ""


class Fox(DynamoRecord, tag="fox", tag_field="kind"):
    """A record with its tag elsewhere."""

    name: str = ""


RECORD_INSTEAD = "make it a record or an attrs class, or see register_type()"

REFUSED: list[tuple[Any, str]] = [
    # annotation, reason
    (object, "object cannot be stored: use Any"),
    (bytearray, "bytearray cannot be stored: use bytes"),
    (memoryview, "memoryview cannot be stored: use bytes"),
    (complex, "complex cannot be stored: see register_type()"),
    (Slug, "Slug cannot be stored: see register_type()"),
    (DynamoRecord, "DynamoRecord cannot be stored: see register_type()"),
    (Movie, f"Movie cannot be stored: {RECORD_INSTEAD}"),
    (Pair, f"Pair cannot be stored: {RECORD_INSTEAD}"),
    (Data, f"Data cannot be stored: {RECORD_INSTEAD}"),
    (Sequence[str], "collections.abc.Sequence[str] cannot be stored: use list or tuple"),
    (Mapping[str, int], "collections.abc.Mapping[str, int] cannot be stored: use dict"),
    (typing.Iterable[str], "typing.Iterable[str] cannot be stored: use list or tuple"),
    (typing.Self, "typing.Self cannot be stored: use the name of the class, in quotes"),
    (typing.Final[int], "typing.Final[int] cannot be stored: use ClassVar, for a constant of the class"),
    (type[int], "type[int] cannot be stored: see register_type()"),
    (dict[int, str], "dict keys must be str: attribute names are text"),
    (dict[UserId, str], "dict keys must be str: attribute names are text"),
    (set, "set needs its type of members: set[str], say"),
    (frozenset, "frozenset needs its type of members: frozenset[str], say"),
    (set[bool], "set[bool]: sets hold text, numbers or bytes"),
    (set[str | None], "set[str | None]: sets hold text, numbers or bytes"),
    (set[str | int], "set[str | int]: sets hold text, numbers or bytes"),
    (set[Any], "set[Any]: sets hold text, numbers or bytes"),
    (frozenset[tuple[str, ...]], "frozenset[tuple[str, ...]]: sets hold text, numbers or bytes"),
    (int | float, "int | float: int and float are both stored as N and cannot be told apart"),
    (str | datetime, "str | datetime: str and datetime are both stored as S and cannot be told apart"),
    (datetime | date, "datetime | date: datetime and date are both stored as S and cannot be told apart"),
    (list[str] | set[str], "list[str] | set[str]: list[str] and set[str] are both stored as L"),
    (list[str] | list[int], "list[str] | list[int]: list[str] and list[int] are both stored as L"),
    (dict[str, int] | Cat, "dict[str, int] | Cat: dict[str, int] and Cat are both stored as M"),
    (Cat | Dog, "Cat | Dog: Cat and Dog are both stored as M and cannot be told apart: choose one, or give"),
    (Dog | Wolf, "Dog | Wolf: every record class needs its own tag=, in one tag_field="),
    (Dog | Fox, "Dog | Fox: every record class needs its own tag=, in one tag_field="),
    (Mixed, "enum Mixed: all values must have one type of str, int, bytes, bool or Decimal"),
    (Real, "enum Real: all values must have one type of str, int, bytes, bool or Decimal"),
]


@pytest.mark.parametrize(("annotation", "reason"), REFUSED)
def test_annotation_is_refused(annotation: Any, reason: str) -> None:
    """
    A type that cannot be stored, or not told apart, is an error that names the field and a way out.
    """
    kind = declared(annotation)
    with pytest.raises(DynamoSchemaException) as caught:
        codec_of(kind)

    assert str(caught.value).startswith(f"Declared.x: {reason}")


OPTIONS: list[tuple[Any, dict[str, Any], str]] = [
    # annotation, options, reason
    (str, {"ttl": True}, "a field with ttl=True is a datetime (or an int: seconds), not str"),
    (list[datetime], {"ttl": True}, "a field with ttl=True is a datetime (or an int: seconds), not list[datetime]"),
    (str, {"version": True}, "a field with version=True is an int, not str"),
    (Decimal, {"version": True}, "a field with version=True is an int, not Decimal"),
    (date, {"epoch": True}, "epoch=True is for datetime, not date"),
    (float, {"numbers": float}, "numbers=float is for Any, not float"),
    (int, {"default": "x"}, "its default cannot be stored: expected int, got str"),
    (datetime, {"default": datetime(2024, 1, 1)}, "its default cannot be stored: expected an aware datetime"),
    (Decimal, {"default": 0.5}, "its default cannot be stored: expected Decimal, got float"),
    (list[int], {"default": ["x", 1]}, "its default cannot be stored: [0]: expected int, got str"),
    (set[str], {"factory": list}, "its default cannot be stored: expected set, got list"),
    (int, {"default": "x", "converter": int}, "its converter fails with its default: ValueError"),
    (int, {"default": "x", "converter": str}, "its default cannot be stored: expected int, got str"),
]  # fmt: skip


@pytest.mark.parametrize(("annotation", "options", "reason"), OPTIONS)
def test_options_that_do_not_fit_the_type_are_refused(
    annotation: Any, options: dict[str, Any], reason: str
) -> None:
    """
    A field whose options or default cannot work is refused before a record of the class is saved.
    """
    with pytest.raises(DynamoSchemaException) as caught:
        codec_of(declared(annotation, **options))

    assert str(caught.value).startswith(f"Declared.x: {reason}")


@pytest.mark.parametrize(
    ("annotation", "options"),
    [
        (datetime, {"ttl": True}),
        (datetime | None, {"ttl": True, "default": None}),
        (int | None, {"ttl": True, "default": None}),
        (int, {"version": True, "default": 0}),
        (int | None, {"version": True}),
        (dict[str, datetime], {"epoch": True}),
        (list[Any] | None, {"numbers": float}),
        (dict, {"numbers": float}),
        (str, {"default": None}),
    ],
)
def test_options_that_fit_are_accepted(annotation: Any, options: dict[str, Any]) -> None:
    """
    Options may stand on optional fields and on containers of their type.
    """
    codec_of(declared(annotation, **options))


def test_epoch_and_floats_reach_into_containers() -> None:
    """
    An option of a field holds for the members of its lists and maps too.
    """
    kind = declared(dict[str, datetime], epoch=True)
    record = kind(x={"a": datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)})

    assert {"x": {"M": {"a": {"N": "1"}}}} == codec_of(kind).encode(record)
    floats = declared(list, numbers=float)(x=[0.5])
    assert {"x": {"L": [{"N": "0.5"}]}} == codec_of(type(floats)).encode(floats)


# --- names that are found late ------------------------------------------------------------


class Early(DynamoRecord):
    """Refers to a class that comes later in the module, and has a class of its own."""

    class Color(enum.Enum):
        """A class inside of a record class."""

        RED = "red"

    later: Later | None = None
    color: Color = Color.RED


class Later(DynamoRecord):
    """Refers to a class that came earlier, and to itself."""

    early: Early | None = None
    others: dict[str, Later] = {}


def test_forward_references_and_recursion() -> None:
    """
    Classes may name each other and themselves, whatever their order; inner classes are found.
    """
    record = Early(later=Later(early=Early(), others={"a": Later()}))
    codec = codec_of(Early)

    assert record == codec.decode(codec.encode(record))
    assert {"S": "red"} == codec.encode(record)["color"]


def test_classes_in_functions() -> None:
    """
    Classes and aliases that are local to a function are found, also when annotations are text.
    """

    @attrs.define
    class Point:
        """Local."""

        x: int = 0

    Alias = dict[str, Point]

    class Local(DynamoRecord):
        """Local too."""

        points: Alias = {}
        me: Local | None = None

    class Child(Local):
        """Inherits annotations."""

        more: list[Point] = []

    record = Child(points={"a": Point(1)}, me=Local(), more=[Point(2)])
    codec = codec_of(Child)

    assert record == codec.decode(codec.encode(record))


def test_name_that_is_never_found() -> None:
    """
    A type that is not there at run time is an error that says so, with class and name.
    """

    class Wrong(DynamoRecord):
        """Has a field of a type that was imported for the checkers only, say."""

        x: Nowhere = None  # noqa: F821

    with pytest.raises(DynamoSchemaException) as caught:
        codec_of(Wrong)

    assert str(caught.value).startswith(
        "Wrong: name 'Nowhere' is not defined: the types of fields must be known"
    )


def test_generic_records() -> None:
    """
    A subclass that gives a type variable a type has fields of that type.
    """

    class Page(DynamoRecord, Generic[T]):
        """Generic."""

        value: T
        rest: list[T] = []
        maybe: T | None = None

    class Ints(Page[int]):
        """With a type."""

    class Middle(Page[dict[str, T]], Generic[T]):
        """With a part of a type."""

    class Whole(Middle[bool]):
        """With the rest."""

    assert Ints(value=1, rest=[2]) == codec_of(Ints).decode(
        {"value": {"N": "1"}, "rest": {"L": [{"N": "2"}]}}
    )
    with pytest.raises(
        ValidationError, match=r"value: expected int, got str; rest\[0\]: expected int, got float"
    ):
        Ints(value="a", rest=[0.5]).validate()
    with pytest.raises(ValidationError, match=r"value\.a: expected bool, got int"):
        Whole(value={"a": 1}).validate()
    Page[int](value={"any": "thing"}).validate()


if sys.version_info >= (3, 12):  # the syntax is not of 3.11

    def test_syntax_of_3_12(tmp_path: Path) -> None:
        """
        ``type X = ...`` and ``class X[T]`` work.
        """
        script = tmp_path / "script.py"
        script.write_text(
            textwrap.dedent(
                """
                from typing import Annotated
                from dynamo_objects import DynamoRecord
                from dynamo_objects.record import codec_of

                type Id = str
                type Ids = list[Id] | None

                class Page[T](DynamoRecord):
                    id: Id = ""
                    ids: Ids = None
                    value: T

                class Ints(Page[Annotated[int, "x"]]):
                    pass

                record = Ints(id="a", ids=["b"], value=3)
                codec = codec_of(Ints)
                assert record == codec.decode(codec.encode(record))
                assert {"value": {"N": "3"}} == codec.encode(Ints(value=3))
                """
            )
        )
        subprocess.run(
            [sys.executable, str(script)], check=True, cwd=Path(__file__).parents[2], env={"PYTHONPATH": "."}
        )


# --- register_type ------------------------------------------------------------------------


@attrs.frozen(order=True)
class Money:
    """Stored as a number."""

    cents: int


class Tag:
    """Stored as a list."""

    def __init__(self, *parts: str) -> None:
        self.parts = parts

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Tag) and self.parts == other.parts

    def __hash__(self) -> int:
        return hash(self.parts)


def to_money(number: Decimal) -> Money:
    """Return the money of an amount that is not negative."""
    if number < 0:
        raise ValueError(number)
    return Money(int(number * 100))


def from_money(money: Money) -> Decimal:
    """Return the amount of money that is not negative."""
    if money.cents < 0:
        raise ValueError(money)
    return Decimal(money.cents) / 100


register_type(Money, stored_as=Decimal, encode=from_money, decode=to_money)
register_type(Tag, stored_as=list, encode=lambda tag: list(tag.parts), decode=lambda parts: Tag(*parts))


class Priced(DynamoRecord):
    """Has registered types, also as keys of sets and in unions."""

    price: Money = Money(0)
    prices: set[Money] = set()
    maybe: Money | str | None = None
    tag: Tag | None = None


def test_registered_types_are_stored() -> None:
    """
    A registered type is stored as the type that stands for it, alone and in containers.
    """
    record = Priced(price=Money(150), prices={Money(1), Money(2)}, maybe=Money(5), tag=Tag("a", "b"))
    item = {
        "price": {"N": "1.5"},
        "prices": {"NS": ["0.01", "0.02"]},
        "maybe": {"N": "0.05"},
        "tag": {"L": [{"S": "a"}, {"S": "b"}]},
    }
    codec = codec_of(Priced)

    assert item == codec.encode(record)
    assert record == codec.decode(item)
    assert {"price": 1.5, "prices": [0.01, 0.02], "maybe": 0.05, "tag": ["a", "b"]} == record.to_json()


def test_registered_types_are_checked() -> None:
    """
    Other values, and values that the functions refuse with ValueError, are problems with paths.
    """
    record = Priced(price=5, prices={Money(-1)}, tag=Tag("\ud800"))
    with pytest.raises(ValidationError) as caught:
        record.validate()
    assert [
        ("price", "expected Money, got int"),
        ("prices{}", "this Money cannot be stored"),
        ("tag[0]", "text has a lone surrogate, which UTF-8 cannot hold"),
    ] == [(problem.path, problem.reason) for problem in caught.value.problems]

    with pytest.raises(Invalid) as bad:
        codec_of(Priced).decode({"price": {"N": "-1"}, "maybe": {"N": "x"}})
    assert [(".price", "not a stored Money"), (".maybe", "not a DynamoDB number")] == [
        (problem.path, problem.reason) for problem in bad.value.problems
    ]


def test_bug_in_a_registered_function_is_not_hidden() -> None:
    """
    An error of another kind is the function's own and stays what it is.
    """

    class Broken:
        """Its functions fail."""

    register_type(Broken, stored_as=str, encode=lambda value: 1 / 0, decode=lambda text: {}[text])
    kind = declared(Broken)

    with pytest.raises(ZeroDivisionError):
        codec_of(kind).encode(kind(x=Broken()))
    with pytest.raises(KeyError):
        codec_of(kind).decode({"x": {"S": "a"}})


@pytest.mark.parametrize(
    ("kind", "stored_as", "reason"),
    [
        (Slug, complex, "Slug: stored_as: complex cannot be stored: see register_type()"),
        (Slug, Cat, "Slug: stored_as: a plain type is expected, not Cat"),
        ("Slug", str, "register_type() takes a class, not 'Slug'"),
    ],
)
def test_registration_that_cannot_work(kind: Any, stored_as: Any, reason: str) -> None:
    """
    A type can be registered only as one that can be stored.
    """
    with pytest.raises(DynamoSchemaException) as caught:
        register_type(kind, stored_as=stored_as, encode=str, decode=str)

    assert reason == str(caught.value)
