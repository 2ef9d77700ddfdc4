"""Conditions in memory: which items they hold for, row by row, and laws that hold for all."""

from __future__ import annotations

import operator
from binascii import b2a_base64
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dynamo_objects.codec.values import AttributeValue, Item
from dynamo_objects.expressions import tree
from dynamo_objects.expressions.evaluate import find, matches, order_key

# --- shorthand, so that a row fits a line -------------------------------------------------


def num(spelling: str) -> AttributeValue:
    """Return a number."""
    return {"N": spelling}


def text(content: str) -> AttributeValue:
    """Return a text."""
    return {"S": content}


def blob(content: bytes) -> AttributeValue:
    """Return bytes."""
    return {"B": b2a_base64(content, newline=False).decode()}


def list_of(*elements: AttributeValue) -> AttributeValue:
    """Return a list."""
    return {"L": list(elements)}


def map_of(**values: AttributeValue) -> AttributeValue:
    """Return a map."""
    return {"M": values}


SS, NS = {"SS": ["a", "b"]}, {"NS": ["1", "2.50"]}
BS: AttributeValue = {"BS": [blob(b"a")["B"], blob(b"b")["B"]]}
YES, NO, NULL = {"BOOL": True}, {"BOOL": False}, {"NULL": True}

A, OTHER, ABSENT = tree.Path.of("a"), tree.Path.of("b"), tree.Path.of("absent")
SIZE = tree.Size(A)


def operand(of: AttributeValue | tree.Operand) -> tree.Operand:
    """Return an operand; an attribute value is a constant."""
    return tree.Value(of) if isinstance(of, dict) else of


def compare(left: Any, comparator: tree.Comparator, right: Any) -> tree.Condition:
    """Return a comparison."""
    return tree.Compare(comparator, operand(left), operand(right))


def between(value: Any, low: Any, high: Any) -> tree.Condition:
    """Return BETWEEN."""
    return tree.Between(operand(value), operand(low), operand(high))


def is_in(value: Any, *options: Any) -> tree.Condition:
    """Return IN."""
    return tree.In(operand(value), tuple(map(operand, options)))


def contains(path: tree.Path, member: Any) -> tree.Condition:
    """Return contains."""
    return tree.Contains(path, operand(member))


def begins(path: tree.Path, prefix: Any) -> tree.Condition:
    """Return begins_with."""
    return tree.BeginsWith(path, operand(prefix))


def has_type(path: tree.Path, tag: str) -> tree.Condition:
    """Return attribute_type."""
    return tree.AttributeType(path, tree.Value(text(tag)))


# --- rows: (condition, value of the attribute a, verdict) ---------------------------------

EQUALITY = [
    (compare(A, "=", num("1")), num("1"), True),
    (compare(A, "=", num("1.0")), num("01"), True),
    (compare(A, "=", num("1E+2")), num("100.00"), True),
    (compare(A, "=", num("0")), num("-0.0"), True),
    (compare(A, "=", num("9" * 38)), num("9" * 37 + "8"), False),
    (compare(A, "=", num("1")), text("1"), False),
    (compare(A, "=", text("é")), text("e\u0301"), False),
    (compare(A, "=", blob(b"\xff")), blob(b"\xff"), True),
    (compare(A, "=", {"B": "YR=="}), {"B": "YQ=="}, True),
    (compare(A, "=", YES), YES, True),
    (compare(A, "=", YES), NO, False),
    (compare(A, "=", NULL), NULL, True),
    (compare(A, "=", {"SS": ["b", "a"]}), SS, True),
    (compare(A, "=", {"SS": ["a"]}), SS, False),
    (compare(A, "=", {"NS": ["2.5", "1.0"]}), NS, True),
    (compare(A, "=", {"BS": BS["BS"][::-1]}), BS, True),
    (compare(A, "=", SS), list_of(text("a"), text("b")), False),
    (compare(A, "=", list_of(num("1"), text("x"))), list_of(num("1.0"), text("x")), True),
    (compare(A, "=", list_of(num("1"))), list_of(num("1"), num("1")), False),
    (compare(A, "=", list_of(text("x"), num("1"))), list_of(num("1"), text("x")), False),
    (compare(A, "=", list_of(NS)), list_of({"NS": ["2.5", "1"]}), True),
    (compare(A, "=", map_of(x=num("1"), y=list_of())), map_of(y=list_of(), x=num("1.0")), True),
    (compare(A, "=", map_of(x=num("1"))), map_of(x=num("1"), y=num("1")), False),
    (compare(A, "=", map_of(x=num("1"), y=num("1"))), map_of(x=num("1")), False),
    (compare(A, "=", map_of(x=num("1"))), map_of(y=num("1")), False),
    (compare(num("1"), "=", A), num("1"), True),
    (compare(num("1"), "=", num("1.0")), None, True),
    (compare(A, "=", num("1")), None, False),
    (compare(A, "=", ABSENT), None, False),
    (compare(A, "<>", num("1")), num("2"), True),
    (compare(A, "<>", num("1")), num("1.0"), False),
    (compare(A, "<>", num("1")), text("1"), True),
    (compare(A, "<>", num("1")), None, True),
    (compare(A, "<>", ABSENT), None, True),
]

ORDER = [
    (compare(A, "<", num("10")), num("9"), True),
    (compare(A, "<", num("10")), num("10.0"), False),
    (compare(A, "<=", num("10")), num("10.0"), True),
    (compare(A, ">", num("-1")), num("-1.5"), False),
    (compare(A, ">", num("1E-130")), num("2E-130"), True),
    (compare(A, ">=", num("10")), num("1E+1"), True),
    (compare(num("10"), ">", A), num("9"), True),
    (compare(A, "<", text("10")), text("9"), False),
    (compare(A, "<", text("a")), text("Z"), True),
    (compare(A, "<", text("ab")), text("a"), True),
    (compare(A, ">", text("\uffee")), text("😀"), True),
    (compare(A, "<", blob(b"\xff")), blob(b"\x7f"), True),
    (compare(A, ">", blob(b"")), blob(b"\0"), True),
    (compare(A, "<", text("2")), num("1"), False),
    (compare(A, "<", num("1")), None, False),
    (compare(A, ">=", num("1")), None, False),
    (compare(A, ">=", ABSENT), None, False),
    (compare(A, ">=", YES), YES, False),
    (compare(A, "<=", NULL), NULL, False),
    (compare(A, "<=", list_of()), list_of(), False),
    (compare(A, "<=", SS), SS, False),
]

RANGES = [
    (between(A, num("1"), num("2")), num("1.0"), True),
    (between(A, num("1"), num("2")), num("2"), True),
    (between(A, num("1"), num("2")), num("2.1"), False),
    (between(A, text("a"), text("b")), text("ab"), True),
    (between(A, blob(b"a"), blob(b"b")), blob(b"b\0"), False),
    (between(A, num("2"), num("1")), num("1.5"), False),
    (between(A, num("1"), text("b")), num("2"), False),
    (between(A, num("1"), num("2")), text("1"), False),
    (between(A, num("1"), num("2")), None, False),
    (between(A, ABSENT, num("2")), num("1"), False),
    (between(num("3"), A, num("5")), num("3"), True),
    (between(SIZE, num("1"), num("2")), text("ab"), True),
    (is_in(A, num("1"), num("2")), num("2.0"), True),
    (is_in(A, num("1"), text("2")), num("2"), False),
    (is_in(A, NS, list_of()), list_of(), True),
    (is_in(A, ABSENT), None, False),
    (is_in(num("1"), num("3"), A), num("1"), True),
    (is_in(SIZE, num("7"), num("2")), text("ab"), True),
    (is_in(A), num("1"), False),
]

FUNCTIONS = [
    (tree.AttributeExists(A), NULL, True),
    (tree.AttributeExists(A), None, False),
    (tree.AttributeNotExists(A), None, True),
    (tree.AttributeNotExists(A), text(""), False),
    (has_type(A, "S"), text("N"), True),
    (has_type(A, "S"), SS, False),
    (has_type(A, "SS"), SS, True),
    (has_type(A, "NULL"), NULL, True),
    (has_type(A, "BOOL"), NO, True),
    (has_type(A, "M"), list_of(), False),
    (has_type(A, "S"), None, False),
    (begins(A, text("ab")), text("abc"), True),
    (begins(A, text("bc")), text("abc"), False),
    (begins(A, text("")), text("abc"), True),
    (begins(A, text("abcd")), text("abc"), False),
    (begins(A, blob(b"\xc3")), blob(b"\xc3\xa9"), True),
    (begins(A, blob(b"a")), text("abc"), False),
    (begins(A, text("1")), num("12"), False),
    (begins(A, num("1")), num("12"), False),
    (begins(A, text("a")), list_of(text("a")), False),
    (begins(A, text("a")), None, False),
    (begins(A, ABSENT), text("a"), False),
]

MEMBERS = [
    (contains(A, text("bc")), text("abcd"), True),
    (contains(A, text("ac")), text("abcd"), False),
    (contains(A, text("")), text("abcd"), True),
    (contains(A, blob(b"\xff")), blob(b"a\xff"), True),
    (contains(A, text("a")), blob(b"a"), False),
    (contains(A, num("1")), text("1"), False),
    (contains(A, num("1")), num("11"), False),
    (contains(A, text("a")), SS, True),
    (contains(A, text("ab")), SS, False),
    (contains(A, num("2.5")), NS, True),
    (contains(A, text("1")), NS, False),
    (contains(A, blob(b"b")), BS, True),
    (contains(A, SS), SS, False),
    (contains(A, {"SS": ["a"]}), SS, False),
    (contains(A, num("1.0")), list_of(text("1"), num("1")), True),
    (contains(A, text("a")), list_of(text("abc")), False),
    (contains(A, list_of(num("1"))), list_of(list_of(num("1.0"))), True),
    (contains(A, SS), list_of({"SS": ["b", "a"]}), True),
    (contains(A, NULL), list_of(NULL), True),
    (contains(A, NO), list_of(YES), False),
    (contains(A, text("x")), map_of(x=text("x")), False),
    (contains(A, text("x")), None, False),
    (contains(A, ABSENT), list_of(), False),
    (contains(A, SIZE), list_of(num("2"), text("x")), True),
]

SIZES = [
    (compare(SIZE, "=", num("3")), text("abc"), True),
    (compare(SIZE, "=", num("0")), text(""), True),
    (compare(SIZE, "=", num("1")), text("é"), True),
    (compare(SIZE, "=", num("2")), text("e\u0301"), True),
    (compare(SIZE, "=", num("2")), text("😀"), True),
    (compare(SIZE, "=", num("3")), text("é𝄞"), True),
    (compare(SIZE, "=", num("2")), blob(b"\xc3\xa9"), True),
    (compare(SIZE, "=", num("2")), SS, True),
    (compare(SIZE, "=", num("2")), NS, True),
    (compare(SIZE, "=", num("2")), BS, True),
    (compare(SIZE, "=", num("0")), list_of(), True),
    (compare(SIZE, "=", num("2")), list_of(list_of(), NULL), True),
    (compare(SIZE, "=", num("1")), map_of(x=map_of(y=num("1"), z=num("1"))), True),
    (compare(SIZE, ">=", num("0")), num("12"), False),
    (compare(SIZE, ">=", num("0")), YES, False),
    (compare(SIZE, ">=", num("0")), NULL, False),
    (compare(SIZE, ">=", num("0")), None, False),
    (compare(SIZE, "<>", num("1")), num("12"), True),
    (compare(SIZE, "<>", num("1")), None, True),
    (compare(SIZE, "=", text("1")), text("a"), False),
    (compare(SIZE, "=", SIZE), text("a"), True),
    (compare(SIZE, "=", tree.Size(ABSENT)), None, False),
]


@pytest.mark.parametrize(
    ("condition", "value", "verdict"),
    [*EQUALITY, *ORDER, *RANGES, *FUNCTIONS, *MEMBERS, *SIZES],
)
def test_a_condition_holds_as_in_dynamodb(
    condition: tree.Condition, value: AttributeValue | None, verdict: bool
) -> None:
    """
    Every row is what DynamoDB answers for an item whose attribute ``a`` has that value.
    """
    item: Item = {"id": text("x")} if value is None else {"id": text("x"), "a": value}

    assert verdict == matches(condition, item)


DOCUMENT: Item = {
    "a": map_of(b=list_of(num("0"), map_of(c=text("deep"))), **{"a.b": num("1"), "": num("2")}),
    "list": list_of(text("first"), list_of(text("inner"))),
    "a.b": num("3"),
    "set": SS,
    "text": text("text"),
}


@pytest.mark.parametrize(
    ("steps", "value"),
    [
        (("text",), text("text")),
        (("a", "b", 0), num("0")),
        (("a", "b", 1, "c"), text("deep")),
        (("a", "a.b"), num("1")),
        (("a.b",), num("3")),
        (("list", 1, 0), text("inner")),
        (("list", 2), None),
        (("list", -1), None),
        (("list", "0"), None),
        (("list", 0, 0), None),
        (("a", 0), None),
        (("a", "x", "y", "z"), None),
        (("set", 0), None),
        (("text", "x"), None),
        (("absent",), None),
        (("absent", "x"), None),
        (("absent", 0), None),
    ],
)
def test_a_path_leads_to_a_value_or_nowhere(
    steps: tuple[str | int, ...], value: AttributeValue | None
) -> None:
    """
    Names lead into maps and indexes into lists; all other steps lead nowhere, without an error.
    """
    found = find(tree.Path(steps), DOCUMENT)

    assert value == found


HOLDS, FAILS = tree.AttributeExists(tree.Path.of("id")), tree.AttributeExists(ABSENT)


@pytest.mark.parametrize(
    ("condition", "verdict"),
    [
        (tree.And((HOLDS, HOLDS)), True),
        (tree.And((HOLDS, FAILS)), False),
        (tree.Or((FAILS, HOLDS)), True),
        (tree.Or((FAILS, FAILS)), False),
        (tree.Not(FAILS), True),
        (tree.Not(HOLDS), False),
        (tree.Not(tree.Not(HOLDS)), True),
        (tree.Not(compare(ABSENT, "=", num("1"))), True),
        (tree.Not(compare(ABSENT, "<>", num("1"))), False),
        (tree.Not(compare(ABSENT, "<", num("1"))), True),
        (tree.Or((HOLDS, tree.And((FAILS, FAILS)))), True),
        (tree.And((tree.Or((HOLDS, FAILS)), FAILS)), False),
    ],
)
def test_logic_has_two_values(condition: tree.Condition, verdict: bool) -> None:
    """
    A comparison with what is absent is false, so its NOT is true: there is no third value.
    """
    holds = matches(condition, {"id": text("x")})

    assert verdict == holds


@pytest.mark.parametrize(
    ("condition", "verdict"),
    [
        (tree.AttributeNotExists(A), True),
        (compare(A, "<>", num("1")), True),
        (compare(A, "=", num("1")), False),
        (tree.AttributeExists(A), False),
    ],
)
def test_no_item_is_an_empty_item(condition: tree.Condition, verdict: bool) -> None:
    """
    A condition on a key that is not there is judged as on an item without attributes.
    """
    holds = matches(condition, {})

    assert verdict == holds


# --- laws ---------------------------------------------------------------------------------

decimals = st.builds(
    lambda digits, exponent: Decimal(digits).scaleb(exponent),
    st.integers(-(10**20), 10**20),
    st.integers(-30, 30),
)
numbers = decimals.map(lambda number: num(str(number)))
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=5).map(text)
ordered = st.one_of(
    st.tuples(numbers, numbers),
    st.tuples(texts, texts),
    st.tuples(st.binary(max_size=3).map(blob), st.binary(max_size=3).map(blob)),
)
scalars = st.one_of(numbers, texts, st.sampled_from([YES, NO, NULL]))
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda elements: list_of(*elements)),
        st.dictionaries(st.text(max_size=2), inner, max_size=3).map(lambda held: {"M": held}),
    ),
    max_leaves=5,
)


@given(pair=ordered)
def test_exactly_one_of_less_equal_greater_holds(
    pair: tuple[AttributeValue, AttributeValue],
) -> None:
    """
    Two texts, numbers or bytes are in exactly one order, the same in both directions.
    """
    left, right = pair

    holding = [c for c in ("<", "=", ">") if matches(compare(left, c, right), {})]
    reversed_ = [c for c in (">", "=", "<") if matches(compare(right, c, left), {})]

    assert 1 == len(holding)
    assert [{"<": ">", "=": "=", ">": "<"}[one] for one in holding] == reversed_


@given(left=values, right=values)
def test_unequal_is_the_opposite_of_equal(left: AttributeValue, right: AttributeValue) -> None:
    """
    ``<>`` holds exactly where ``=`` does not, whatever the types.
    """
    item = {"a": left, "b": right}

    assert matches(compare(A, "=", OTHER), item) != matches(compare(A, "<>", OTHER), item)


@given(value=values)
def test_every_value_equals_itself(value: AttributeValue) -> None:
    """
    A stored value equals the same constant, at the top, in IN, and in a list.
    """
    item = {"a": value, "b": list_of(NULL, value)}

    assert matches(compare(A, "=", value), item)
    assert matches(is_in(A, text("other"), value), item)
    assert matches(contains(OTHER, value), item)


@given(number=decimals)
def test_numbers_are_equal_in_every_spelling(number: Decimal) -> None:
    """
    A number equals itself written plainly, with an exponent, and with zeros to spare.
    """
    plain = format(number, "f")
    spellings = [plain, f"{number:E}", f"{plain}.000" if "." not in plain else f"{plain}000"]

    equal = [matches(compare(A, "=", num(one)), {"a": num(str(number))}) for one in spellings]

    assert [True] * 3 == equal
    assert 1 == len({order_key(num(one)) for one in spellings})


@given(pair=st.tuples(texts, texts))
def test_texts_are_ordered_by_their_bytes(pair: tuple[AttributeValue, AttributeValue]) -> None:
    """
    Text is in the order of its UTF-8 bytes.
    """
    left, right = (value["S"].encode() for value in pair)

    assert (left < right) == matches(compare(pair[0], "<", pair[1]), {})


@given(pair=ordered, value=st.one_of(numbers, texts))
def test_between_is_two_comparisons(
    pair: tuple[AttributeValue, AttributeValue], value: AttributeValue
) -> None:
    """
    BETWEEN includes both bounds, and is false where the types differ.
    """
    low, high = pair
    above, below = compare(A, ">=", low), compare(A, "<=", high)

    expected = operator.and_(*(matches(one, {"a": value}) for one in (above, below)))

    assert expected == matches(between(A, low, high), {"a": value})


@given(value=texts)
def test_size_of_a_text_counts_utf16(value: AttributeValue) -> None:
    """
    The size of a text is its length in UTF-16, neither in characters nor in bytes.
    """
    length = len(value["S"].encode("utf-16-le")) // 2

    assert matches(compare(SIZE, "=", num(str(length))), {"a": value})
