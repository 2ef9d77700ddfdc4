"""Keys: what may be one, and the form in which a cache looks one up."""

from __future__ import annotations

import enum
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from dynamo_objects import DynamoRecord, field
from dynamo_objects.codec.codec import Codec
from dynamo_objects.codec.keys import check_key_value, key_text
from dynamo_objects.codec.values import AttributeValue, Invalid
from dynamo_objects.record import codec_of


class Mood(enum.StrEnum):
    """Its members are str."""

    GOOD = "good"


class Level(enum.IntEnum):
    """Its members are int."""

    LOW = 1


class Bytes(bytes):
    """Bytes of a subclass."""


class Keys(DynamoRecord):
    """A field of each type that can be a key."""

    text: str = ""
    whole: int = 0
    exact: Decimal = Decimal(0)
    real: float = 0.0
    blob: bytes = b""
    when: datetime = datetime(2000, 1, 1, tzinfo=UTC)
    epoch: datetime = field(default=datetime(2000, 1, 1, tzinfo=UTC), epoch=True)
    mood: Mood = Mood.GOOD
    level: Level = Level.LOW


def codec(name: str) -> Codec:
    """Return the codec of one field."""
    return codec_of(Keys).by_name[name].codec


@pytest.mark.parametrize(
    ("value", "role"),
    [
        ({"S": "x" * 2048}, "HASH"),
        ({"S": "x" * 1024}, "RANGE"),
        ({"S": "é" * 1024}, "HASH"),
        ({"B": "AAAA" * 682 + "AAA="}, "HASH"),
        ({"N": "1" + "0" * 125}, "RANGE"),
        ({"N": "0"}, "HASH"),
    ],
)
def test_value_that_can_be_a_key(value: AttributeValue, role: str) -> None:
    """
    A key has up to 2,048 or 1,024 bytes of UTF-8; a number always fits, zero too.
    """
    check_key_value(value, role)


@pytest.mark.parametrize(
    ("value", "role", "reason"),
    [
        ({"S": ""}, "HASH", "a key must not be empty"),
        ({"B": ""}, "RANGE", "a key must not be empty"),
        ({"BOOL": True}, "HASH", "a key must be text, a number or bytes, not BOOL"),
        ({"NULL": True}, "HASH", "a key must be text, a number or bytes, not NULL"),
        ({"SS": ["a"]}, "HASH", "a key must be text, a number or bytes, not SS"),
        ({"S": "x" * 2049}, "HASH", "a hash key has 2049 bytes, at most 2048 allowed"),
        ({"S": "é" * 513}, "RANGE", "a range key has 1026 bytes, at most 1024 allowed"),
        ({"B": "AAAA" * 683}, "HASH", "a hash key has 2049 bytes, at most 2048 allowed"),
    ],
)
def test_value_that_cannot_be_a_key(value: AttributeValue, role: str, reason: str) -> None:
    """
    An empty, oversized or wrong key is refused with the reason.
    """
    with pytest.raises(Invalid) as caught:
        check_key_value(value, role)

    assert reason == str(caught.value)


NOON = datetime(2024, 1, 1, 12, tzinfo=UTC)

SAME_KEY: list[tuple[str, Any, Any]] = [
    # field, two values that are stored as the same key
    ("text", "good", Mood.GOOD),
    ("whole", 1, Level.LOW),
    ("exact", Decimal("1.0"), 1),
    ("exact", Decimal("100"), Decimal("1E+2")),
    ("exact", Decimal("-0"), 0),
    ("real", 1.0, 1),
    ("real", -0.0, 0.0),
    ("blob", b"x", Bytes(b"x")),
    ("when", NOON, NOON.astimezone(timezone(timedelta(hours=5)))),
    ("epoch", NOON, NOON.astimezone(timezone(timedelta(hours=5)))),
]


@pytest.mark.parametrize(("name", "one", "other"), SAME_KEY)
def test_values_of_one_key_have_one_form(name: str, one: Any, other: Any) -> None:
    """
    A cache finds a record under each value that is stored as its key.
    """
    assert codec(name).encode(one) == codec(name).encode(other)
    assert key_text(codec(name), one) == key_text(codec(name), other)
    assert hash(key_text(codec(name), one)) == hash(key_text(codec(name), other))


@pytest.mark.parametrize(
    ("name", "one", "other"),
    [
        ("text", "1", "01"),
        ("whole", 1, 2),
        ("exact", Decimal("1.1"), Decimal("1.11")),
        ("real", 0.3, 0.1 + 0.2),
        ("blob", b"x", b"y"),
        ("when", NOON, NOON + timedelta(microseconds=1)),
    ],
)
def test_values_of_two_keys_have_two_forms(name: str, one: Any, other: Any) -> None:
    """
    A cache never gives the record of another key.
    """
    assert key_text(codec(name), one) != key_text(codec(name), other)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("text", 1),
        ("text", None),
        ("whole", "1"),
        ("whole", True),
        ("exact", 1.0),
        ("blob", "x"),
        ("level", 1),
    ],
)
def test_value_of_a_wrong_type_has_no_form(name: str, value: Any) -> None:
    """
    1 is not '1', and True is not 1: a wrong type is an error, not another key.
    """
    with pytest.raises(Invalid):
        key_text(codec(name), value)
