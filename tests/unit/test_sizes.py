"""Sizes of items and values, to the byte.

The sizes of numbers marked "AWS" were measured on AWS by the DynamoDB conformance project
(github.com/nubo-db/dynamodb-conformance, src/item-size.ts, August 2026); DynamoDB Local of January 2020 agrees.
All other rows were measured on DynamoDB Local (the empty string and binary, which it refuses, on dynoxide 1.2.1): an
item that the row brings to exactly 409,600 bytes is accepted, and one byte more is refused.
"""

from __future__ import annotations

import base64
from decimal import Context, Decimal
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dynamo_objects.codec.sizes import (
    MAX_HASH_KEY_BYTES,
    MAX_ITEM_BYTES,
    MAX_RANGE_KEY_BYTES,
    attribute_value_size,
    item_size,
)
from dynamo_objects.codec.speedups import RecordMaker, plain_size
from dynamo_objects.local import values as local_values
from dynamo_objects.local.values import checked_item, sized_item

DIGITS_38 = "12345678901234567890123456789012345678"

NUMBERS = [
    # text, bytes, reason
    ("0", 1, "AWS: zero has no digits"),
    ("-0", 1, "AWS: zero has no sign"),
    ("0.00", 1, "zero, spelled long"),
    ("0E200", 1, "zero has no exponent"),
    ("1", 2, "AWS: one byte, and one for a pair that is not full"),
    ("12", 2, "AWS: one pair"),
    ("123", 3, "AWS: 1'23"),
    ("1234", 3, "AWS: 12'34"),
    ("123456", 4, "AWS: three pairs"),
    (DIGITS_38, 20, "AWS: 19 pairs, as many digits as a number may have"),
    ("0042", 2, "AWS: leading zeros do not count"),
    ("+42", 2, "a plus sign does not count"),
    ("10", 2, "one pair: 10"),
    ("100", 2, "AWS: 1'00, and a zero pair at the end does not count"),
    ("120", 3, "1'20: two digits in two pairs"),
    ("1200", 2, "12'00: two digits in one pair"),
    ("12000", 3, "1'20'00"),
    ("1010", 3, "AWS: 10'10"),
    ("1000001", 5, "zero pairs in the middle count"),
    ("1E125", 2, "AWS: the exponent does not count"),
    ("1E+125", 2, "with a sign in the exponent too"),
    ("12e10", 2, "an even exponent: 12 and five zero pairs"),
    ("12e11", 3, "an odd exponent: 1'20"),
    ("1E-100", 2, "AWS: a small number"),
    ("1E-130", 2, "the smallest number"),
    ("12E-130", 2, ".00'12 has one pair"),
    ("12E-129", 3, ".01'20 has two"),
    ("0.0000001", 2, "AWS: leading zeros of the fraction do not count"),
    ("0.15", 2, "AWS: one pair after the point"),
    (".15", 2, "no whole part"),
    ("15.", 2, "no fraction"),
    ("0.015", 3, ".01'50: two digits in two pairs"),
    ("0.0015", 2, ".00'15"),
    ("15", 2, "AWS"),
    ("1.5", 3, "AWS: pairs end at the point"),
    ("1.2", 3, "AWS"),
    ("1.200", 3, "AWS: trailing zeros of the fraction do not count"),
    ("1.234", 4, "AWS: 1 . 23'40"),
    ("3.14159", 5, "AWS: 3 . 14'15'90"),
    ("100.5", 4, "AWS: 1'00 . 50"),
    ("100.05", 4, "1'00 . 05"),
    ("1000000.0000001", 9, "1'00'00'00 . 00'00'00'10"),
    ("-1", 3, "a sign is a byte"),
    ("-42", 3, "AWS"),
    ("-1.5", 4, "a sign and two pairs"),
    ("-" + DIGITS_38, 21, "a sign and 19 pairs"),
    (DIGITS_38 + "E1", 21, "38 digits cut into 20 pairs"),
    ("-" + DIGITS_38 + "E1", 21, "a sign and 20 pairs: 21 is the most"),
    ("9.9999999999999999999999999999999999999E+125", 20, "the biggest number"),
]

VALUES: list[tuple[dict[str, Any], int, str]] = [
    ({"S": ""}, 0, "an empty string"),
    ({"S": "abc"}, 3, "a byte for each ASCII character"),
    ({"S": "\x00\x7f"}, 2, "control characters too"),
    ({"S": "é"}, 2, "UTF-8, not characters"),
    ({"S": "漢"}, 3, "UTF-8"),
    ({"S": "\U0001f600"}, 4, "UTF-8, not UTF-16"),
    ({"B": ""}, 0, "an empty binary"),
    ({"B": "AA=="}, 1, "raw bytes, not base64"),
    ({"B": "AAA="}, 2, "one character of padding"),
    ({"B": "AAAA"}, 3, "no padding"),
    ({"BOOL": True}, 1, "always 1"),
    ({"BOOL": False}, 1, "always 1"),
    ({"NULL": True}, 1, "always 1"),
    ({"SS": ["x", "é", "\U0001f600"]}, 7, "the members alone: 1 + 2 + 4"),
    ({"NS": ["1", "-2", "120"]}, 8, "the members alone: 2 + 3 + 3"),
    ({"BS": ["AA==", "AAA=", "AAAA"]}, 6, "the members alone: 1 + 2 + 3"),
    ({"L": []}, 3, "an empty list"),
    ({"L": [{"S": "x"}]}, 5, "3, and 1 + 1"),
    ({"L": [{"S": "x"}] * 3}, 9, "3, and three times 1 + 1"),
    ({"L": [{"L": [{"L": []}]}]}, 11, "each list has its 3, each element its 1"),
    ({"M": {}}, 3, "an empty map"),
    ({"M": {"b": {"S": "x"}}}, 6, "3, and 1 + name 1 + value 1"),
    (
        {"M": {"b": {"S": "x"}, "c": {"BOOL": True}, "dé": {"NULL": True}}},
        14,
        "names in UTF-8: 3 + 3 + 3 + 5",
    ),
    ({"L": [{"M": {"q": {"L": [{"N": "12"}]}}}]}, 15, "all kinds of nesting"),
]


@pytest.mark.parametrize(("text", "size", "reason"), NUMBERS)
def test_number_is_sized_by_its_pairs_of_digits(text: str, size: int, reason: str) -> None:
    """
    A number weighs 1, its pairs of digits as cut at the decimal point, and its minus sign; at most 21.
    """
    assert size == attribute_value_size({"N": text}), reason


@pytest.mark.parametrize(("value", "size", "reason"), VALUES)
def test_value_is_sized_by_its_type(value: dict[str, Any], size: int, reason: str) -> None:
    """
    Each type has the size that DynamoDB gives it.
    """
    assert size == attribute_value_size(value), reason


def test_item_is_its_names_and_its_values() -> None:
    """
    Names count in UTF-8, and an item has no size of its own.
    """
    assert 0 == item_size({})
    assert 4 + 4 + 6 + 2 == item_size({"city": {"S": "Bonn"}, "é\U0001f600": {"N": "5"}})


def test_limits_are_those_of_the_service() -> None:
    """
    400 KB for an item, 2 KB for a hash key, 1 KB for a range key.
    """
    assert (400 * 1024, 2048, 1024) == (MAX_ITEM_BYTES, MAX_HASH_KEY_BYTES, MAX_RANGE_KEY_BYTES)


def test_depth_costs_no_stack() -> None:
    """
    A value nested far deeper than DynamoDB allows has a size, not a RecursionError.
    """
    value: dict[str, Any] = {"S": "x"}
    for _ in range(50_000):
        value = {"L": [{"M": {"m": value}}]}

    assert 1 + 50_000 * (4 + 5) == attribute_value_size(value)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({}, "exactly one type tag, not []"),
        ({"S": "secret", "N": "1"}, "exactly one type tag, not ['S', 'N']"),
        ({"X": "secret"}, "'X' is not a type tag"),
        ({"L": [{"s": "secret"}]}, "'s' is not a type tag"),
    ],
)
def test_foreign_value_is_refused_without_showing_it(value: dict[str, Any], message: str) -> None:
    """
    What is no attribute value is a ValueError that names the tags and nothing else.
    """
    with pytest.raises(ValueError) as caught:
        item_size({"a": value})

    assert message in str(caught.value)
    assert "secret" not in str(caught.value)


def test_lone_surrogate_has_a_size() -> None:
    """
    Text that has no UTF-8 is refused by others; asking for its size is no error.
    """
    assert 3 == attribute_value_size({"S": "\ud800"})


# Laws

_names = st.text(st.characters(codec="utf-8"), min_size=1, max_size=6)
_numbers = st.builds(
    lambda sign, digits, top: Decimal((sign, digits, top - len(digits) + 1)),
    st.integers(0, 1),
    st.lists(st.integers(0, 9), min_size=1, max_size=38).map(lambda digits: (digits[0] or 7, *digits[1:])),
    st.integers(-130, 125),
) | st.just(Decimal(0))
_binaries = st.binary(max_size=9).map(lambda raw: base64.b64encode(raw).decode())
_values: st.SearchStrategy[dict[str, Any]] = st.recursive(
    st.one_of(
        st.builds(lambda text: {"S": text}, st.text(st.characters(codec="utf-8"))),
        st.builds(lambda number: {"N": str(number)}, _numbers),
        st.builds(lambda text: {"B": text}, _binaries),
        st.builds(lambda flag: {"BOOL": flag}, st.booleans()),
        st.just({"NULL": True}),
        st.builds(lambda texts: {"SS": texts}, st.lists(_names, max_size=3)),
        st.builds(
            lambda numbers: {"NS": [str(number) for number in numbers]}, st.lists(_numbers, max_size=3)
        ),
        st.builds(lambda texts: {"BS": texts}, st.lists(_binaries, max_size=3)),
    ),
    lambda inner: st.one_of(
        st.builds(lambda members: {"L": members}, st.lists(inner, max_size=4)),
        st.builds(lambda members: {"M": members}, st.dictionaries(_names, inner, max_size=4)),
    ),
    max_leaves=12,
)


def _plain_size(value: dict[str, Any]) -> int:
    """The rule once more, in the shortest words: recursive, with integers for numbers and bytes for the rest."""
    [(tag, content)] = value.items()
    if tag in ("BOOL", "NULL"):
        return 1
    if tag == "L":
        return 3 + sum(1 + _plain_size(member) for member in content)
    if tag == "M":
        return 3 + sum(1 + len(name.encode()) + _plain_size(member) for name, member in content.items())
    members = content if tag.endswith("S") and tag != "S" else [content]
    if "N" in tag:
        return sum(_plain_number_size(Decimal(member)) for member in members)
    return sum(len(base64.b64decode(member) if "B" in tag else member.encode()) for member in members)


def _plain_number_size(number: Decimal) -> int:
    if not number:
        return 1
    context = Context(prec=400)
    scaled = int(
        context.scaleb(number.copy_abs(), 170)
    )  # whole for every legal number, and an even power keeps the pairs
    while scaled % 100 == 0:
        scaled //= 100
    pairs = (len(str(scaled)) + 1) // 2
    return min(21, 1 + pairs + (number < 0))


@given(item=st.dictionaries(_names, _values, max_size=11))
def test_size_is_the_sum_that_the_rule_says(item: dict[str, dict[str, Any]]) -> None:
    """
    The fast computation and the plain one agree on every item.
    """
    expected = sum(len(name.encode()) + _plain_size(value) for name, value in item.items())

    assert expected == item_size(item)


@given(number=_numbers, zeros=st.integers(0, 5))
def test_size_of_a_number_does_not_depend_on_its_spelling(number: Decimal, zeros: int) -> None:
    """
    Exponents, signs, points and idle zeros change the text of a number but not its size.
    """
    plain = f"{number:f}"
    sign, digits = ("-", plain[1:]) if plain.startswith("-") else ("", plain)
    point = "" if "." in digits else "."
    spellings = [
        plain,
        f"{number:e}",
        f"{number:E}".replace("E+", "e"),
        f"{sign}{'0' * zeros}{digits}",
        f"{sign or '+'}{digits}{point}{'0' * zeros}",
    ]

    assert {attribute_value_size({"N": str(number)})} == {
        attribute_value_size({"N": text}) for text in spellings
    }


@given(raw=st.binary())
def test_size_of_a_binary_is_its_raw_length(raw: bytes) -> None:
    """
    The raw length is found from base64 text with its padding or without.
    """
    text = base64.b64encode(raw).decode()

    assert len(raw) == attribute_value_size({"B": text})
    assert len(raw) == attribute_value_size({"B": text.rstrip("=")})


@given(number=_numbers)
def test_no_number_is_bigger_than_21_bytes(number: Decimal) -> None:
    """
    1 for zero, 21 at most.
    """
    assert 1 <= attribute_value_size({"N": str(number)}) <= 21


# --- plain items, which C can measure -----------------------------------------------------------

NUMBER_TEXTS = st.one_of(
    st.integers(-(10**39), 10**39).map(str),
    st.decimals(allow_nan=False, allow_infinity=False).map(lambda number: f"{number:f}"[:45]),
    st.from_regex(r"-?0?[0-9]{0,20}\.?[0-9]{0,20}", fullmatch=True),
    st.text("0123456789.-+eE", max_size=8),
)
PLAIN_TEXTS = st.text(st.characters(max_codepoint=127), max_size=5)
PLAIN_VALUES = st.one_of(
    PLAIN_TEXTS.map(lambda text: {"S": text}),
    NUMBER_TEXTS.map(lambda text: {"N": text}),
    st.booleans().map(lambda flag: {"BOOL": flag}),
)
ODD_VALUES = st.one_of(
    st.text().map(lambda text: {"S": text}),
    st.sampled_from(
        [{}, None, 1, {"S": 1}, {"N": 1}, {"BOOL": 1}, {"S": "a", "N": "1"}, {"NULL": True}, {1: "a"}]
    ),
    st.sampled_from(
        [{"B": "YQ=="}, {"L": []}, {"M": {}}, {"SS": ["a"]}, {"Sx": "a"}, {"": "a"}, {"S\0": "a"}]
    ),
)


@settings(max_examples=300)
@given(
    st.dictionaries(PLAIN_TEXTS.filter(bool), PLAIN_VALUES, max_size=3),
    st.dictionaries(st.text(max_size=5), ODD_VALUES, max_size=1),
    st.sampled_from([0, 5, 100]),
)
def test_plain_items_have_the_size_of_any(item, odd, most):
    """
    What C measures is an item that the engine would not change, and that has this size.
    """
    item |= odd
    size = plain_size(item, most)

    if size >= 0:
        assert item_size(item) == size
        assert checked_item(item) is item
        with patch.object(local_values, "plain_size", lambda *_: -1):
            assert (item, size) == sized_item(item)
        assert sum(map(len, item)) <= most
        assert all(item)


@pytest.mark.skipif(RecordMaker is None, reason="there was no compiler")
def test_plain_items_are_measured():
    """
    Those are most: C knows them.
    """
    item = {"a": {"S": "text"}, "n": {"N": "-12.5"}, "z": {"N": "0"}, "b": {"BOOL": True}, "s": {"S": ""}}

    assert item_size(item) == plain_size(item, 100)
    assert plain_size({}, 0) == 0
    assert plain_size(item, 4) == -1
    assert plain_size([], 100) == -1
    for odd in ("S\0", "S\0a", "N\0", "BOOL\0x", "s", "", "NULL", "SS", "B", "BOO"):
        for held in ("1", True):
            assert plain_size({"a": {odd: held}}, 100) == -1, (odd, held)
    for value in (
        {},
        {"S": "a", "N": "1"},
        {"S": 1},
        {"N": 1},
        {"BOOL": 1},
        {"S": "ø"},
        {"N": "-0"},
        None,
        "S",
    ):
        assert plain_size({"a": value}, 100) == -1, value
    for name in ("", "ø", 1):
        assert plain_size({name: {"S": "a"}}, 100) == -1, name
    for arguments in ((), (item,), (item, "1"), (item, 1, 1)):
        with pytest.raises(TypeError):
            plain_size(*arguments)


@pytest.mark.skipif(RecordMaker is None, reason="there was no compiler")
@pytest.mark.parametrize("digits", range(1, 39))
@pytest.mark.parametrize("pattern", ["{0}", "-{0}", "0.{0}", "{0}.5", "0.00{0}", "{0}00", "-{0}.05"])
def test_plain_numbers_of_all_lengths(digits, pattern):
    """
    They are cut into pairs at the point.
    """
    text = pattern.format("7" * digits)
    size = plain_size({"n": {"N": text}}, 100)

    assert size in (item_size({"n": {"N": text}}), -1)
    assert (size == -1) is (len(text) > 38)
