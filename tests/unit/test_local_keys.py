"""Key values as bytes: their order, and where values end."""

from __future__ import annotations

from base64 import b64decode, b64encode
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dynamo_objects.codec.numbers import decimal_text
from dynamo_objects.local.keys import digest, following, ordered_bytes, prefix_bytes

#: All numbers of the service, with few digits often, so that neighbours meet.
NUMBERS = st.builds(
    lambda sign, digits, exponent: Decimal((sign, tuple(map(int, str(digits))), exponent - len(str(digits)))),
    st.integers(0, 1),
    st.one_of(st.integers(0, 130), st.integers(0, 10**38 - 1)),
    st.one_of(st.integers(-2, 4), st.integers(-129, 126)),
).map(decimal_text)
TEXTS = st.text(st.one_of(st.sampled_from("\x00\x01aé\U0010ffff"), st.characters(codec="utf-8")), max_size=8)
BYTES = st.lists(st.sampled_from([0, 1, 2, 254, 255]), max_size=6).map(bytes)


def base64(raw: bytes) -> str:
    """Return binary as it stands in an attribute value."""
    return b64encode(raw).decode()


VALUES = st.one_of(
    st.tuples(st.just("S"), TEXTS),
    st.tuples(st.just("N"), NUMBERS),
    st.tuples(st.just("B"), BYTES.map(base64)),
)


def same_order(left, right, left_bytes: bytes, right_bytes: bytes) -> bool:
    """Tell whether values and their bytes compare alike."""
    return (left < right, left == right) == (left_bytes < right_bytes, left_bytes == right_bytes)


@given(NUMBERS, NUMBERS)
def test_numbers_sort_by_value(left, right):
    """
    The bytes of numbers compare as the numbers do.
    """
    assert same_order(Decimal(left), Decimal(right), ordered_bytes("N", left), ordered_bytes("N", right))


@pytest.mark.parametrize(
    ("smaller", "greater"),
    [
        ("-1" + "0" * 125, "-99"),
        ("-99", "-9.9"),
        ("-1.01", "-1"),
        ("-1", "-0." + "0" * 129 + "1"),
        ("-0." + "0" * 129 + "1", "0"),
        ("0", "0." + "0" * 129 + "1"),
        ("0." + "0" * 129 + "1", "0.1"),
        ("0.1", "0.11"),
        ("0.11", "1"),
        ("9" * 38, "1" + "0" * 38),
        ("9." + "9" * 37, "1" + "0" * 125),
    ],
)
def test_numbers_at_the_edges(smaller, greater):
    """
    Signs, zero and the limits of the range have their places.
    """
    assert ordered_bytes("N", smaller) < ordered_bytes("N", greater)


@given(TEXTS, TEXTS)
def test_texts_sort_by_utf8(left, right):
    """
    The bytes of texts compare as their UTF-8 does.
    """
    assert same_order(left.encode(), right.encode(), ordered_bytes("S", left), ordered_bytes("S", right))


@given(BYTES, BYTES)
def test_binaries_sort_by_bytes(left, right):
    """
    The bytes of binaries compare as they do.
    """
    assert same_order(left, right, ordered_bytes("B", base64(left)), ordered_bytes("B", base64(right)))


@given(VALUES, VALUES)
def test_encodings_end_themselves(left, right):
    """
    Of two values of one type, the bytes of none begin with those of the other, unless they are equal.
    """
    mine, theirs = ordered_bytes(*left), ordered_bytes(*right)

    assert left[0] != right[0] or mine == theirs or not mine.startswith(theirs)


@given(st.sampled_from("SB"), BYTES, BYTES)
def test_prefixes(type_, start, value):
    """
    A value begins with another exactly when its bytes lie between the prefix and what follows it.
    """
    if type_ == "S":
        start_held, held = (
            raw.replace(b"\xfe", b"a").replace(b"\xff", b"b").decode() for raw in (start, value)
        )
        begins = held.startswith(start_held)
    else:
        start_held, held = base64(start), base64(value)
        begins = b64decode(held).startswith(b64decode(start_held))
    low = prefix_bytes(type_, start_held)
    high, raw = following(low), ordered_bytes(type_, held)

    assert begins == raw.startswith(low)
    assert begins == (low <= raw and (high is None or raw < high))


@given(VALUES, VALUES, BYTES)
def test_what_follows_a_value(value, other, rest):
    """
    Greater values of the type lie behind everything that begins with a value, smaller and equal ones before it.
    """
    raw, another = ordered_bytes(*value), ordered_bytes(*other)
    end = following(raw)
    assert end is not None

    assert raw + rest < end
    assert value[0] != other[0] or (another > raw) == (another >= end)


@given(BYTES)
def test_following_is_the_smallest(raw):
    """
    Nothing lies between what begins with some bytes and what follows them.
    """
    end = following(raw)

    if end is None:
        assert b"" == raw.strip(b"\xff")
    else:
        assert raw + b"\xff" * 20 < end
        assert raw < end
        assert not end.startswith(raw)
        assert raw.rstrip(b"\xff") == end[:-1] + bytes((end[-1] - 1,))


def test_digests_have_two_bytes():
    """
    Hash keys are spread by two bytes.
    """
    assert {2} == {len(digest(b"%d" % number)) for number in range(10)}
    assert len({digest(b"%d" % number) for number in range(100)}) > 90
