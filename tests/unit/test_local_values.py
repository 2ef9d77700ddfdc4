"""Attribute values in requests: what is accepted, what is stored, what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from dynamo_objects.local.errors import ApiError
from dynamo_objects.local.values import checked_item, checked_value, normal_number


def nested(depth: int, tag: str = "L") -> dict[str, Any]:
    """Return a value in so many lists or maps."""
    value: dict[str, Any] = {"S": "x"}
    for _ in range(depth):
        value = {"L": [value]} if tag == "L" else {"M": {"m": value}}
    return value


@pytest.mark.parametrize(
    "value",
    [
        {"S": ""}, {"S": "é\x00"}, {"N": "12"}, {"N": "0"}, {"B": ""}, {"B": "YQ=="}, {"BOOL": False}, {"NULL": True},
        {"SS": ["", "a", "b"]}, {"NS": ["1", "2"]}, {"BS": ["", "YQ=="]}, {"L": []}, {"M": {}}, nested(31), nested(31, "M"),
    ],
)  # fmt: skip
def test_values_are_stored_as_they_are(value):
    """
    What needs no change comes back as it is.
    """
    found = checked_value(value)

    assert value == found


@pytest.mark.parametrize(
    ("given", "normal"),
    [
        ("007.50", "7.5"), ("1.0", "1"), ("+1", "1"), ("-0", "0"), ("1E3", "1000"), ("1e-3", "0.001"), (".5", "0.5"), ("5.", "5"),
        ("9.9E125", "99" + "0" * 124), ("1E-130", "0." + "0" * 129 + "1"), ("0" * 500 + "1", "1"), ("0E125", "0"),
        ("1" + "0" * 125, "1" + "0" * 125), ("1.000000000000000000000000000000000000000000", "1"), ("123E-2", "1.23"),
    ],
)  # fmt: skip
def test_numbers_have_one_form(given, normal):
    """
    Equal numbers are equal texts, and no legal spelling is refused.
    """
    found = normal_number(given)

    assert normal == found


@pytest.mark.parametrize(
    "text",
    [
        "",
        " 1",
        "1_0",
        "٣",
        "NaN",
        "Infinity",
        "0x1",
        "1e",
        "--1",
        "1E126",
        "1E-131",
        "1" * 39,
        "1E99999999999",
        "1E-99999999999",
    ],
)
def test_what_is_no_number_is_refused(text):
    """
    Numbers that DynamoDB cannot store are no numbers.
    """
    with pytest.raises(ApiError) as caught:
        normal_number(text)

    assert "ValidationException" == caught.value.code


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (None, "ValidationException"), ({}, "ValidationException"), ({"X": "a"}, "ValidationException"), ({"S": None}, "ValidationException"), ({"L": None}, "ValidationException"), ({"NULL": None}, "ValidationException"),
        ({"S": "a", "N": "1"}, "ValidationException"), ({"SS": []}, "ValidationException"), ({"SS": ["a", "a"]}, "ValidationException"),
        ({"NS": ["1", "1.0"]}, "ValidationException"), ({"BS": ["YQ==", "YQ=="]}, "ValidationException"), (nested(32), "ValidationException"),
        (nested(32, "M"), "ValidationException"), ({"M": {"a": None}}, "ValidationException"), ({"L": [None]}, "ValidationException"),
        ("a", "SerializationException"), ({"S": 1}, "SerializationException"), ({"N": 1}, "SerializationException"),
        ({"B": "a"}, "SerializationException"), ({"B": "é"}, "SerializationException"), ({"BOOL": "true"}, "SerializationException"),
        ({"NULL": "true"}, "SerializationException"), ({"SS": "a"}, "SerializationException"), ({"SS": [None]}, "SerializationException"),
        ({"L": {}}, "SerializationException"), ({"M": []}, "SerializationException"), ({"S": "\ud800"}, "SerializationException"),
    ],
)  # fmt: skip
def test_what_is_no_value_is_refused(value, code):
    """
    The right code, and never a Python exception.
    """
    with pytest.raises(ApiError) as caught:
        checked_value(value)

    assert code == caught.value.code


def test_numbers_inside_are_normal_too():
    """
    Numbers in sets, lists and maps get their normal form; what needs no change stays the same object.
    """
    text = {"S": "a"}
    found = checked_item({"a": text, "b": {"M": {"c": {"L": [{"N": "1.0"}, {"NS": ["2.0", "3"]}]}}}})

    assert {"a": text, "b": {"M": {"c": {"L": [{"N": "1"}, {"NS": ["2", "3"]}]}}}} == found
    assert text is found["a"]


@pytest.mark.parametrize("name", ["", "x" * 65_536, "é" * 32_768])
def test_names_of_attributes_have_limits(name):
    """
    A name has at least one byte and at most 65,535.
    """
    for item in ({name: {"S": "a"}}, {"m": {"M": {name: {"S": "a"}}}}):
        with pytest.raises(ApiError):
            checked_item(item)

    assert checked_item({"x" * 65_535: {"S": "a"}})
