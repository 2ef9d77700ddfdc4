"""Lists, tuples, sets, maps, unions and Any: faithful both ways, every problem with its path."""

from __future__ import annotations

import collections
import enum
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

import attrs
import pytest

from dynamo_objects import DynamoRecord, ValidationError, field
from dynamo_objects.codec.members import TOO_DEEP
from dynamo_objects.codec.values import Invalid
from dynamo_objects.record import codec_of


class Mood(enum.StrEnum):
    """Its members are str."""

    GOOD = "good"


class Level(enum.IntEnum):
    """Its members are int."""

    LOW = 1


@attrs.define
class Point:
    """A nested class that is no record."""

    x: int
    y: int = 0


class Node(DynamoRecord):
    """A record that may contain records of its own class."""

    name: str = ""
    next: Node | None = None
    children: list[Node] = []
    by_name: dict[str, Node] = {}
    extra: Any = None


class Box(DynamoRecord):
    """A field of each container."""

    texts: list[str] = []
    grid: list[list[int]] = []
    pair: tuple[int, str] = (0, "")
    row: tuple[int, ...] = ()
    anything: tuple = ()
    words: set[str] = set()
    numbers: set[int] = set()
    exact: frozenset[Decimal] = frozenset()
    reals: set[float] = set()
    blobs: set[bytes] = set()
    times: set[datetime] = set()
    moods: set[Mood] = set()
    counts: dict[str, int] = {}
    deep: dict[str, list[dict[str, str]]] = {}
    bare: dict = {}
    point: Point | None = None
    points: list[Point] = []
    either: str | int | bool | bytes | None = None
    amount: Decimal | None = None
    rate: float | None = None
    level: Level | None = None
    some: set[str] | dict[str, int] | None = None
    any: Any = None
    floats: Any = field(default=None, numbers=float)


def stored(name: str, value: Any) -> Any:
    """Return the attribute value of one field."""
    return codec_of(Box).encode(Box(**{name: value})).get(name)


def loaded(name: str, value: Any) -> Any:
    """Return the value of one field of a stored item."""
    return getattr(codec_of(Box).decode({name: value}), name)


def problems(record: DynamoRecord) -> list[tuple[str, str]]:
    """Return the paths and reasons for which a record is refused."""
    with pytest.raises(ValidationError) as caught:
        record.validate()
    return [(problem.path, problem.reason) for problem in caught.value.problems]


ONE, TWO = UUID(int=1), UUID(int=2)

STORED: list[tuple[str, Any, Any]] = [
    # field, value, attribute value
    ("texts", ["a", ""], {"L": [{"S": "a"}, {"S": ""}]}),
    ("grid", [[1], []], {"L": [{"L": [{"N": "1"}]}, {"L": []}]}),
    ("pair", (1, "a"), {"L": [{"N": "1"}, {"S": "a"}]}),
    ("row", (1, 2), {"L": [{"N": "1"}, {"N": "2"}]}),
    ("anything", (1, "a", [None]), {"L": [{"N": "1"}, {"S": "a"}, {"L": [{"NULL": True}]}]}),
    ("words", {"b", "a"}, {"SS": ["a", "b"]}),
    ("words", {"", "a"}, {"SS": ["", "a"]}),
    ("numbers", {2, 10}, {"NS": ["10", "2"]}),
    ("exact", frozenset({Decimal("1.0"), Decimal("1.5")}), {"NS": ["1", "1.5"]}),
    ("reals", {0.1, 2.0}, {"NS": ["0.1", "2"]}),
    ("reals", {-0.0}, {"NS": ["0"]}),
    ("blobs", {b"x", b""}, {"BS": ["", "eA=="]}),
    ("moods", {Mood.GOOD}, {"SS": ["good"]}),
    (
        "counts",
        {"a": 1, " ": 2, "a.b[0]": 3},
        {"M": {"a": {"N": "1"}, " ": {"N": "2"}, "a.b[0]": {"N": "3"}}},
    ),
    ("deep", {"a": [{"b": "c"}]}, {"M": {"a": {"L": [{"M": {"b": {"S": "c"}}}]}}}),
    ("bare", {"a": [1, {"b": b"x"}]}, {"M": {"a": {"L": [{"N": "1"}, {"M": {"b": {"B": "eA=="}}}]}}}),
    ("point", Point(1, 2), {"M": {"x": {"N": "1"}, "y": {"N": "2"}}}),
    ("points", [Point(1)], {"L": [{"M": {"x": {"N": "1"}, "y": {"N": "0"}}}]}),
    ("either", "a", {"S": "a"}),
    ("either", 1, {"N": "1"}),
    ("either", True, {"BOOL": True}),
    ("either", b"a", {"B": "YQ=="}),
    ("either", Mood.GOOD, {"S": "good"}),
    ("either", Level.LOW, {"N": "1"}),
    ("amount", Decimal("1.5"), {"N": "1.5"}),
    ("amount", 2, {"N": "2"}),
    ("rate", 1.5, {"N": "1.5"}),
    ("rate", 2, {"N": "2"}),
    ("level", Level.LOW, {"N": "1"}),
    ("some", {"a"}, {"SS": ["a"]}),
    ("some", set(), {"L": []}),
    ("some", {"a": 1}, {"M": {"a": {"N": "1"}}}),
    ("any", [{"a": {1, 2}}, {"x"}], {"L": [{"M": {"a": {"NS": ["1", "2"]}}}, {"SS": ["x"]}]}),
    ("any", {b"x"}, {"BS": ["eA=="]}),
    ("any", {1, Decimal("2.5")}, {"NS": ["1", "2.5"]}),
    ("any", {Level.LOW}, {"NS": ["1"]}),
    ("any", collections.OrderedDict(a=1), {"M": {"a": {"N": "1"}}}),
    ("any", {Mood.GOOD: 1}, {"M": {"good": {"N": "1"}}}),
    ("floats", {0.5, 2.0}, {"NS": ["0.5", "2"]}),
    ("floats", [1.5, {"a": 2}], {"L": [{"N": "1.5"}, {"M": {"a": {"N": "2"}}}]}),
]


@pytest.mark.parametrize(("name", "value", "expected"), STORED)
def test_container_is_stored_and_comes_back(name: str, value: Any, expected: Any) -> None:
    """
    Containers have one form, whatever the order of their sets, and come back equal.
    """
    actual = stored(name, value)

    assert expected == actual
    assert value == loaded(name, actual)


MIXED = "sets hold one type only: text, numbers or bytes, not a mixture"

REFUSED: list[tuple[str, Any, list[tuple[str, str]]]] = [
    # field, value, problems
    ("texts", ("a",), [("", "expected list, got tuple")]),
    ("texts", "a", [("", "expected list, got str")]),
    ("texts", None, [("", "expected list, got NoneType")]),
    ("texts", [1, "a", None], [("[0]", "expected str, got int"), ("[2]", "expected str, got NoneType")]),
    ("texts", ["ok", "\ud800"], [("[1]", "text has a lone surrogate, which UTF-8 cannot hold")]),
    ("grid", [[1], [True, 2, "x"]], [("[1][0]", "expected int, got bool"), ("[1][2]", "expected int, got str")]),
    ("grid", [[1], 2, [2.5]], [("[1]", "expected list, got int"), ("[2][0]", "expected int, got float")]),
    ("pair", (1,), [("", "expected 2 values, got 1")]),
    ("pair", ("a", 1), [("[0]", "expected int, got str"), ("[1]", "expected str, got int")]),
    ("pair", [1, "a"], [("", "expected tuple, got list")]),
    ("row", (1, "a"), [("[1]", "expected int, got str")]),
    ("words", ["a"], [("", "expected set, got list")]),
    ("words", frozenset("a"), [("", "expected set, got frozenset")]),
    ("words", {"a", 1}, [("{}", "expected str, got int")]),
    ("words", {"\ud800"}, [("{}", "text has a lone surrogate, which UTF-8 cannot hold")]),
    ("numbers", {1.5}, [("{}", "expected int, got float")]),
    ("numbers", {True}, [("{}", "expected int, got bool")]),
    ("exact", {Decimal(1)}, [("", "expected frozenset, got set")]),
    ("exact", frozenset({Decimal("NaN")}), [("{}", "NaN and infinity are not numbers in DynamoDB")]),
    ("reals", {float("nan")}, [("{}", "NaN and infinity are not numbers in DynamoDB")]),
    ("blobs", {"x"}, [("{}", "expected bytes, got str")]),
    ("counts", {"a": "x", "b": 1, "c": None}, [(".a", "expected int, got str"), (".c", "expected int, got NoneType")]),
    ("counts", {"odd name": "x"}, [("['odd name']", "expected int, got str")]),
    ("counts", {1: 1}, [("", "expected str as key of a map, got int")]),
    ("counts", {None: 1, "a": "x"}, [("", "expected str as key of a map, got NoneType"), (".a", "expected int, got str")]),
    ("counts", {b"a": 1}, [("", "expected str as key of a map, got bytes")]),
    ("counts", {"\ud800": 1}, [("['\\ud800']", "text has a lone surrogate, which UTF-8 cannot hold")]),
    ("counts", {"": 1}, [("['']", "the name of an attribute has 1 to 65,535 bytes")]),
    ("counts", {"é" * 32768: 1}, [(f"['{'é' * 50}']", "the name of an attribute has 1 to 65,535 bytes")]),
    ("counts", {"x" * 65536: 1}, [(f".{'x' * 50}", "the name of an attribute has 1 to 65,535 bytes")]),
    ("any", {"": 1}, [("['']", "the name of an attribute has 1 to 65,535 bytes")]),
    ("deep", {"a": [{"b": 1}]}, [(".a[0].b", "expected str, got int")]),
    ("point", {"x": 1}, [("", "expected Point | None, got dict")]),
    ("point", Point("a", None), [(".x", "expected int, got str"), (".y", "expected int, got NoneType")]),
    ("points", [Point(1), Point("a")], [("[1].x", "expected int, got str")]),
    ("either", 1.5, [("", "expected str | int | bool | bytes | None, got float")]),
    ("either", ["a"], [("", "expected str | int | bool | bytes | None, got list")]),
    ("amount", True, [("", "expected Decimal, got bool")]),
    ("amount", 1.5, [("", "expected Decimal | None, got float")]),
    ("rate", True, [("", "expected float, got bool")]),
    ("rate", Decimal(1), [("", "expected float | None, got Decimal")]),
    ("level", 1, [("", "expected Level, got int")]),
    ("some", frozenset("a"), [("", "expected set[str] | dict[str, int] | None, got frozenset")]),
    ("any", {1, "a"}, [("", MIXED)]),
    ("any", {b"a", "a"}, [("", MIXED)]),
    ("any", {True, "a"}, [("{}", "sets hold text, numbers or bytes, not bool")]),
    ("any", {None}, [("{}", "sets hold text, numbers or bytes, not NoneType")]),
    ("any", {(1, 2)}, [("{}", "sets hold text, numbers or bytes, not tuple")]),
    ("any", set(), [("", "an empty set in a field of type Any: declare the field as a set")]),
    ("any", [1, {"a": (1,)}], [("[1].a", "tuple cannot be stored in a field of type Any")]),
    ("any", {1: 2}, [("", "expected str as key of a map, got int")]),
    ("any", Point(1), [("", "Point cannot be stored in a field of type Any")]),
    ("any", {"a": object(), "b": [1j]}, [(".a", "object cannot be stored in a field of type Any"), (".b[0]", "complex cannot be stored in a field of type Any")]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value", "expected"), REFUSED)
def test_container_is_refused(name: str, value: Any, expected: list[tuple[str, str]]) -> None:
    """
    Every problem of a container is named, each with the way to it; values are not shown.
    """
    assert [(name + path, reason) for path, reason in expected] == problems(Box(**{name: value}))


BAD: list[tuple[str, Any, list[tuple[str, str]]]] = [
    # field, attribute value, problems
    ("texts", {"S": "a"}, [("", "expected L, got type S")]),
    ("texts", {"L": {"S": "a"}}, [("", "the content of L has a wrong JSON type")]),
    ("texts", {"L": [{"S": "a"}, {"N": "1"}, "x"]}, [("[1]", "expected S, got type N"), ("[2]", "expected S, got something that is not an attribute value")]),
    ("texts", {"SS": ["a"]}, [("", "expected L, got type SS")]),
    ("texts", {"L": [], "M": {}}, [("", "expected L, got 2 type tags instead of one")]),
    ("pair", {"L": [{"N": "1"}]}, [("", "expected 2 values, got 1")]),
    ("pair", {"L": [{"S": "1"}, {"N": "1"}]}, [("[0]", "expected N, got type S"), ("[1]", "expected S, got type N")]),
    ("words", {"SS": []}, [("", "set is empty or has members that are equal")]),
    ("words", {"SS": ["a", "a"]}, [("", "set is empty or has members that are equal")]),
    ("words", {"SS": ["a", 1]}, [("[1]", "the content of S has a wrong JSON type")]),
    ("words", {"L": [{"S": "a"}]}, [("", "expected SS, got type L")]),
    ("words", {"NS": ["1"]}, [("", "expected SS, got type NS")]),
    ("numbers", {"NS": ["1", "1.0"]}, [("", "set is empty or has members that are equal")]),
    ("numbers", {"NS": ["1", "x"]}, [("[1]", "not a DynamoDB number")]),
    ("reals", {"NS": ["1", "1.00000000000000000001"]}, [("", "set is empty or has members that are equal")]),
    ("blobs", {"BS": ["!"]}, [("[0]", "not base64")]),
    ("counts", {"M": [1]}, [("", "the content of M has a wrong JSON type")]),
    ("counts", {"M": {"a": {"S": "x"}, "b": {"N": "x"}}}, [(".a", "expected N, got type S"), (".b", "not a DynamoDB number")]),
    ("deep", {"M": {"a": {"L": [{"M": {"b c": {"N": "1"}}}]}}}, [(".a[0]['b c']", "expected S, got type N")]),
    ("point", {"M": {"y": {"N": "1"}}}, [(".x", "required attribute is missing")]),
    ("point", {"M": {"x": None}}, [(".x", "expected N, got something that is not an attribute value")]),
    ("point", {"M": {"x": {"N": "1"}, "y": None}}, [(".y", "expected N, got something that is not an attribute value")]),
    ("point", {"M": {"x": {"N": "1"}, "z": {"N": "1"}, "w": {"N": "1"}}}, [(".w", "Point has no field for this attribute"), (".z", "Point has no field for this attribute")]),
    ("points", {"L": [{"M": {}}, {"M": {"x": {"S": ""}}}]}, [("[0].x", "required attribute is missing"), ("[1].x", "expected N, got type S")]),
    ("either", {"SS": ["a"]}, [("", "expected str | int | bool | bytes | None, got type SS")]),
    ("either", {"S": "a", "N": "1"}, [("", "expected S, got 2 type tags instead of one")]),
    ("either", 5, [("", "expected str | int | bool | bytes | None, got something that is not an attribute value")]),
    ("any", {"SS": []}, [("", "set is empty or has members that are equal")]),
    ("any", {"SS": ["a", 1]}, [("[1]", "expected text in a set")]),
    ("any", {"NS": ["1", "1.0"]}, [("", "set is empty or has members that are equal")]),
    ("any", {"BS": ["eA==", None]}, [("[1]", "expected text in a set")]),
    ("any", {"L": [{"M": {"a": {"S": 1}}}, {"N": "?"}]}, [("[0].a", "the content of S has a wrong JSON type"), ("[1]", "not a DynamoDB number")]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value", "expected"), BAD)
def test_bad_wire_data_is_an_error(name: str, value: Any, expected: list[tuple[str, str]]) -> None:
    """
    What cannot be the container that the field holds is an error, with the path of each problem.
    """
    with pytest.raises(Invalid) as caught:
        loaded(name, value)

    found = [(problem.path, problem.reason) for problem in caught.value.problems]
    assert [(f".{name}{path}", reason) for path, reason in expected] == found


def test_members_that_are_stored_alike_are_refused() -> None:
    """
    Two members of a set that DynamoDB would hold for one are an error, not one lost member.
    """

    class Moment(datetime):
        """A time that equals itself only."""

        def __eq__(self, other: object) -> bool:
            return self is other

        def __hash__(self) -> int:
            return id(self)

    moments: set[Any] = {
        Moment(2024, 1, 1, tzinfo=UTC),
        Moment(2024, 1, 1, 1, tzinfo=timezone(timedelta(hours=1))),
    }

    assert [("times", "set has members that are stored as the same value")] == problems(Box(times=moments))


# --- depth --------------------------------------------------------------------------------


def nested_list(levels: int, inside: Any) -> Any:
    """Return *inside* within so many lists."""
    for _ in range(levels):
        inside = [inside]
    return inside


def nested_node(levels: int) -> Node:
    """Return a chain of so many records inside of one."""
    node = Node(name="last")
    for _ in range(levels):
        node = Node(next=node)
    return node


def test_31_levels_are_stored() -> None:
    """
    Lists and maps nest as deep as DynamoDB allows; a set in the innermost is no level more.
    """
    for value in (nested_list(31, "x"), nested_list(31, {1})):
        assert value == loaded("any", stored("any", value))
    chain = nested_node(31)
    assert chain == codec_of(Node).decode(codec_of(Node).encode(chain))


@pytest.mark.parametrize(
    ("record", "path"),
    [
        (Box(any=nested_list(32, "x")), "any"),
        (Box(any=nested_list(1000, "x")), "any"),
        (Box(any=nested_list(100_000, "x")), "any"),
        (Box(bare={"a": nested_list(31, "x")}), "bare"),
        (nested_node(32), "next"),
        (nested_node(3000), "next"),
        (Node(next=Node(extra=nested_list(31, "x"))), "next"),
        (Node(children=[Node(extra=nested_list(30, "x"))]), "children"),
    ],
)
def test_deeper_levels_are_refused(record: DynamoRecord, path: str) -> None:
    """
    One level more than DynamoDB allows is refused, and a thousand more do not exhaust the stack.
    """
    assert [(path, TOO_DEEP)] == problems(record)


def test_other_problems_are_reported_beside_a_value_that_is_too_deep() -> None:
    """
    A value that is too deep hides no problem of another field.
    """
    record = Node(name=5, next=nested_node(40), extra=1.5)
    expected = [
        ("name", "expected str, got int"),
        ("next", TOO_DEEP),
        ("extra", "expected int or Decimal, got float: declare the field with numbers=float"),
    ]

    assert expected == problems(record)


def cyclic_list() -> list[Any]:
    """Return a list that contains itself twice: with 2 ** 31 places at the deepest level."""
    value: list[Any] = []
    value += [value, value]
    return value


def cyclic_dict() -> dict[str, Any]:
    """Return a dict that contains itself twice."""
    value: dict[str, Any] = {}
    value |= {"a": value, "b": [value]}
    return value


def cyclic_node() -> Node:
    """Return a record that contains itself in many ways."""
    node = Node()
    node.next, node.children, node.by_name = node, [node, node], {"a": node, "b": node}
    return node


@pytest.mark.parametrize(
    ("record", "paths"),
    [
        (Box(any=cyclic_list()), ["any"]),
        (Box(bare=cyclic_dict()), ["bare"]),
        (Box(anything=(cyclic_list(),), any=cyclic_dict()), ["anything", "any"]),
        (cyclic_node(), ["next", "children", "by_name"]),
    ],
)
def test_value_that_contains_itself_is_refused_at_once(record: DynamoRecord, paths: list[str]) -> None:
    """
    A value that contains itself is an error with its path, found without walking all its ways.
    """
    assert [(path, TOO_DEEP) for path in paths] == problems(record)


def test_a_problem_far_down_is_found_in_one_pass() -> None:
    """
    A problem inside 31 levels takes one pass over them, not two for each level (2 ** 31 in all).
    """
    bad = object()
    value: Any = bad
    for level in range(30):
        value = {"a": value, "b": bad} if level % 2 else [bad, value, bad]
    found = problems(Box(any=value))

    assert 46 == len(found)
    assert {"object cannot be stored in a field of type Any"} == {reason for _, reason in found}
    node = Node(name=5)
    for level in range(14):
        node = Node(children=[node]) if level % 2 else Node(by_name={"a": node})
    assert ["expected str, got int"] == [reason for _, reason in problems(node)]


def test_a_bad_item_is_explained_in_one_pass() -> None:
    """
    The same holds for items: another program's deep and bad item costs one pass.
    """
    value: dict[str, Any] = {"N": "?"}
    for level in range(31):
        value = {"M": {"a": value}} if level % 2 else {"L": [value, {"N": "1"}, {"N": "!"}]}
    with pytest.raises(Invalid) as caught:
        loaded("any", value)
    assert 17 == len(caught.value.problems)

    full: dict[str, Any] = {
        "children": {"L": []},
        "by_name": {"M": {}},
        "extra": {"N": "1"},
        "name": {"S": "a"},
    }
    for more in ({}, {"unknown": {"S": "a"}}):
        chain: dict[str, Any] = {**full, "name": {"N": "1"}, "next": {"NULL": True}}
        for _ in range(30):
            chain = {**full, **more, "next": {"M": chain}}
        with pytest.raises(Invalid) as caught:
            codec_of(Node).decode(chain)
        assert [".next" * 30 + ".name"] == [problem.path for problem in caught.value.problems]

    node: dict[str, Any] = {"name": {"N": "1"}}
    for level in range(31):
        node = {"next": {"M": node}} if level % 2 else {"children": {"L": [{"M": node}, {"M": {}}]}}
    with pytest.raises(Invalid) as caught:
        codec_of(Node).decode(node)
    assert ["expected S, got type N"] == [problem.reason for problem in caught.value.problems]


def test_item_that_is_nested_beyond_reason_is_an_error() -> None:
    """
    An item deeper than Python's stack is an error like any other.
    """
    value: dict[str, Any] = {"S": "x"}
    for _ in range(100_000):
        value = {"L": [value]}

    with pytest.raises(Invalid, match="nested too deeply"):
        loaded("any", value)
