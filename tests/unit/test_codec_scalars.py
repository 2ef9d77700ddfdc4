"""Text, bytes, bool, None, times, ids, enums and literals: what is stored, read and refused."""

from __future__ import annotations

import enum
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

import pytest

from dynamo_objects import DynamoRecord, ValidationError, field
from dynamo_objects.codec.values import Invalid
from dynamo_objects.record import codec_of
from tests.leaves import SUMMER_TIME


class Color(enum.Enum):
    """Stored as text."""

    RED = "red"
    GREEN = "green"


class Mood(enum.StrEnum):
    """Its members are str."""

    GOOD = "good"


class Level(enum.IntEnum):
    """Its members are int."""

    LOW = 1


class Rights(enum.Flag):
    """Its members combine."""

    READ = 1
    WRITE = 2


class Plain(DynamoRecord):
    """A field of each type."""

    text: str = "-"
    blob: bytes = b"-"
    flag: bool = False
    nothing: None = field(default=None, null="store")
    when: datetime = datetime(2000, 1, 1, tzinfo=UTC)
    epoch: datetime = field(default=datetime(2000, 1, 1, tzinfo=UTC), epoch=True)
    ttl: datetime = field(default=datetime(2000, 1, 1, tzinfo=UTC), ttl=True)
    day: date = date(2000, 1, 1)
    uuid: UUID = UUID(int=0)
    color: Color = Color.RED
    mood: Mood = Mood.GOOD
    level: Level = Level.LOW
    rights: Rights = Rights.READ
    literal: Literal["a", "b"] = "a"
    mixed: Literal["auto", 0, True, None] = "auto"
    red: Literal[Color.RED] = Color.RED
    any: Any = "-"


class NoZone(tzinfo):
    """A time zone that does not know its offset."""

    def utcoffset(self, moment: datetime | None) -> None:
        """Return None."""

    def dst(self, moment: datetime | None) -> None:
        """Return None."""

    def tzname(self, moment: datetime | None) -> str:
        """Return a name."""
        return "nowhere"


def stored(name: str, value: Any) -> Any:
    """Return the attribute value of one field."""
    return codec_of(Plain).encode(Plain(**{name: value}))[name]


def loaded(name: str, value: Any) -> Any:
    """Return the value of one field of a stored item."""
    return getattr(codec_of(Plain).decode({name: value}), name)


STORED: list[tuple[str, Any, Any]] = [
    # field, value, attribute value
    ("text", "", {"S": ""}),
    ("text", "Oslo 日本 😀 \x00", {"S": "Oslo 日本 😀 \x00"}),
    ("text", Mood.GOOD, {"S": "good"}),
    ("blob", b"", {"B": ""}),
    ("blob", b"\x00\xff", {"B": "AP8="}),
    ("flag", True, {"BOOL": True}),
    ("flag", False, {"BOOL": False}),
    ("nothing", None, {"NULL": True}),
    ("when", datetime(2024, 5, 6, 7, 8, 9, 10, tzinfo=UTC), {"S": "2024-05-06T07:08:09.000010Z"}),
    ("when", datetime(2024, 7, 1, 12, tzinfo=SUMMER_TIME), {"S": "2024-07-01T10:00:00.000000Z"}),
    ("when", datetime(2024, 10, 27, 2, 30, tzinfo=SUMMER_TIME, fold=0), {"S": "2024-10-27T00:30:00.000000Z"}),
    ("when", datetime(2024, 10, 27, 2, 30, tzinfo=SUMMER_TIME, fold=1), {"S": "2024-10-27T01:30:00.000000Z"}),
    ("when", datetime.min.replace(tzinfo=UTC), {"S": "0001-01-01T00:00:00.000000Z"}),
    ("when", datetime.max.replace(tzinfo=UTC), {"S": "9999-12-31T23:59:59.999999Z"}),
    (
        "when",
        datetime(987, 6, 5, tzinfo=timezone(timedelta(hours=1, seconds=7, microseconds=3))),
        {"S": "0987-06-04T22:59:52.999997Z"},
    ),
    ("epoch", datetime(1970, 1, 1, 0, 0, 1, 500_000, tzinfo=UTC), {"N": "1.5"}),
    ("epoch", datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC), {"N": "-0.000001"}),
    ("epoch", datetime.max.replace(tzinfo=UTC), {"N": "253402300799.999999"}),
    ("ttl", datetime(2024, 1, 1, 0, 0, 0, 999_999, tzinfo=UTC), {"N": "1704067200"}),
    ("day", date(987, 6, 5), {"S": "0987-06-05"}),
    ("uuid", UUID(int=1), {"S": "00000000-0000-0000-0000-000000000001"}),
    ("color", Color.GREEN, {"S": "green"}),
    ("mood", Mood.GOOD, {"S": "good"}),
    ("level", Level.LOW, {"N": "1"}),
    ("rights", Rights.READ | Rights.WRITE, {"N": "3"}),
    ("rights", Rights(0), {"N": "0"}),
    ("literal", "b", {"S": "b"}),
    ("mixed", 0, {"N": "0"}),
    ("mixed", True, {"BOOL": True}),
    ("mixed", None, {"NULL": True}),
    ("red", Color.RED, {"S": "red"}),
    ("any", "x", {"S": "x"}),
    ("any", Mood.GOOD, {"S": "good"}),
    ("any", b"x", {"B": "eA=="}),
    ("any", True, {"BOOL": True}),
    ("any", None, {"NULL": True}),
]


@pytest.mark.parametrize(("name", "value", "expected"), STORED)
def test_value_is_stored_and_comes_back(name: str, value: Any, expected: Any) -> None:
    """
    Each type has one form in an item, with exact types inside, and is read back from it equal.
    """
    actual = stored(name, value)

    assert expected == actual
    assert [type(held) for held in expected.values()] == [type(held) for held in actual.values()]
    found = loaded(name, actual)
    if isinstance(value, datetime):
        value = (value.replace(microsecond=0) if name == "ttl" else value).astimezone(UTC)
        assert found.tzinfo is UTC
    assert value == found


SURROGATE = "text has a lone surrogate, which UTF-8 cannot hold"
NAIVE = "expected an aware datetime, got a naive one: give it a time zone"

REFUSED: list[tuple[str, Any, str]] = [
    # field, value, reason
    ("text", 5, "expected str, got int"),
    ("text", b"x", "expected str, got bytes"),
    ("text", None, "expected str, got NoneType"),
    ("text", Color.RED, "expected str, got Color"),
    ("text", "x\ud800", SURROGATE),
    ("text", "\udfff", SURROGATE),
    ("any", "\ud800", SURROGATE),
    ("blob", "x", "expected bytes, got str"),
    ("blob", bytearray(b"x"), "expected bytes, got bytearray"),
    ("blob", memoryview(b"x"), "expected bytes, got memoryview"),
    ("flag", 1, "expected bool, got int"),
    ("flag", 0, "expected bool, got int"),
    ("flag", "true", "expected bool, got str"),
    ("flag", None, "expected bool, got NoneType"),
    ("nothing", False, "expected None, got bool"),
    ("when", datetime(2024, 1, 1), NAIVE),
    ("when", datetime(2024, 1, 1, tzinfo=NoZone()), NAIVE),
    ("when", date(2024, 1, 1), "expected datetime, got date"),
    ("when", "2024-01-01T00:00:00Z", "expected datetime, got str"),
    ("when", datetime.min.replace(tzinfo=timezone(timedelta(hours=1))), "datetime is out of range in UTC"),
    ("when", datetime.max.replace(tzinfo=timezone(timedelta(hours=-1))), "datetime is out of range in UTC"),
    ("epoch", datetime(2024, 1, 1), NAIVE),
    ("epoch", 1704067200, "expected datetime, got int"),
    ("ttl", datetime(2024, 1, 1), NAIVE),
    ("day", datetime(2024, 1, 1, tzinfo=UTC), "expected date, got datetime"),
    ("day", "2024-01-01", "expected date, got str"),
    ("uuid", "0" * 32, "expected UUID, got str"),
    ("color", "red", "expected Color, got str"),
    ("color", Mood.GOOD, "expected Color, got Mood"),
    ("mood", "good", "expected Mood, got str"),
    ("level", 1, "expected Level, got int"),
    ("literal", "c", "expected one of ['a', 'b'], got another str"),
    ("literal", Mood.GOOD, "expected one of ['a', 'b'], got another Mood"),
    ("mixed", 1, "expected one of [0], got another int"),
    ("mixed", False, "expected one of [True], got another bool"),
    ("red", Color.GREEN, "expected one of [<Color.RED: 'red'>], got another Color"),
    ("any", bytearray(b"x"), "bytearray cannot be stored in a field of type Any"),
    ("any", datetime(2024, 1, 1, tzinfo=UTC), "datetime cannot be stored in a field of type Any"),
    ("any", Color.RED, "Color cannot be stored in a field of type Any"),
    ("any", (1, 2), "tuple cannot be stored in a field of type Any"),
    ("any", 1j, "complex cannot be stored in a field of type Any"),
    ("any", object, "type cannot be stored in a field of type Any"),
]


@pytest.mark.parametrize(("name", "value", "reason"), REFUSED)
def test_value_is_refused(name: str, value: Any, reason: str) -> None:
    """
    A value that does not fit is named by its field, with what is expected; it is never shown.
    """
    record = Plain(**{name: value})
    with pytest.raises(ValidationError) as caught:
        record.validate()

    assert [(name, reason)] == [(problem.path, problem.reason) for problem in caught.value.problems]
    assert f"Plain cannot be stored: {name}: {reason}" == str(caught.value)


READ: list[tuple[str, Any, Any]] = [
    # field, attribute value, value
    ("when", {"S": "2024-05-06T09:08:09+02:00"}, datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)),
    ("when", {"S": "2024-05-06 07:08:09Z"}, datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)),
    ("when", {"S": "2024-05-06T07:08Z"}, datetime(2024, 5, 6, 7, 8, tzinfo=UTC)),
    ("when", {"S": "2024-05-06T07:08:09.123456789Z"}, datetime(2024, 5, 6, 7, 8, 9, 123456, tzinfo=UTC)),
    ("epoch", {"N": "1.7E+9"}, datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)),
    ("ttl", {"N": "1.75"}, datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)),
    ("ttl", {"N": "-0.25"}, datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC)),
    ("uuid", {"S": "{00000000-0000-0000-0000-00000000000A}"}, UUID(int=10)),
    ("uuid", {"S": "urn:uuid:0000000000000000000000000000000a"}, UUID(int=10)),
    ("level", {"N": "1.0"}, Level.LOW),
    ("any", {"N": "1.50"}, Decimal("1.5")),
]


@pytest.mark.parametrize(("name", "value", "expected"), READ)
def test_other_spellings_are_read(name: str, value: Any, expected: Any) -> None:
    """
    Times, ids and numbers that others wrote are read by their value, and do not make a record dirty.
    """
    codec = codec_of(Plain)
    record = codec.decode({name: value})

    assert expected == getattr(record, name)
    assert not codec.is_dirty(record)
    assert name in codec.encode(record)


BAD: list[tuple[str, Any, str]] = [
    # field, attribute value, reason
    ("text", {"N": "5"}, "expected S, got type N"),
    ("text", {"S": 5}, "the content of S has a wrong JSON type"),
    ("text", {"S": None}, "the content of S has a wrong JSON type"),
    ("text", {"S": "a", "N": "1"}, "expected S, got 2 type tags instead of one"),
    ("text", {}, "expected S, got 0 type tags instead of one"),
    ("text", {"s": "a"}, "expected S, got something that is not an attribute value"),
    ("text", "a", "expected S, got something that is not an attribute value"),
    ("text", ["S"], "expected S, got something that is not an attribute value"),
    ("text", {"NULL": True}, "expected S, got type NULL"),
    ("blob", {"B": "eA"}, "not base64"),
    ("blob", {"B": "e A="}, "not base64"),
    ("blob", {"B": "eA==x"}, "not base64"),
    ("blob", {"B": "e_=="}, "not base64"),
    ("blob", {"B": "é==="}, "not base64"),
    ("blob", {"S": "eA=="}, "expected B, got type S"),
    ("flag", {"BOOL": 1}, "the content of BOOL has a wrong JSON type"),
    ("flag", {"BOOL": "true"}, "the content of BOOL has a wrong JSON type"),
    ("flag", {"N": "1"}, "expected BOOL, got type N"),
    ("nothing", {"NULL": False}, "NULL must be true"),
    ("nothing", {"NULL": 1}, "the content of NULL has a wrong JSON type"),
    ("when", {"S": "2024-01-01T00:00:00"}, NAIVE),
    ("when", {"S": "2024-01-01"}, "not an ISO 8601 date and time"),
    ("when", {"S": "2024-13-01T00:00:00Z"}, "not an ISO 8601 date and time"),
    ("when", {"S": "٢٠٢٤-01-01T00:00:00Z"}, "not an ISO 8601 date and time"),
    ("when", {"S": "yesterday, at noon"}, "not an ISO 8601 date and time"),
    ("when", {"S": "0001-01-01T00:00:00+01:00"}, "datetime is out of range in UTC"),
    ("when", {"N": "1704067200"}, "expected S, got type N"),
    ("epoch", {"N": "1704067200000"}, "expected seconds since 1970, got a time out of range"),
    ("epoch", {"N": "0.0000001"}, "expected seconds since 1970, to the microsecond at most"),
    ("epoch", {"N": "1E+125"}, "expected seconds since 1970, got a time out of range"),
    ("epoch", {"S": "2024-01-01T00:00:00Z"}, "expected N, got type S"),
    ("day", {"S": "2024-02-30"}, "not a date"),
    ("day", {"S": "2024-1-1"}, "not a date"),
    ("day", {"S": "2024-01-01T00:00:00Z"}, "not a date"),
    ("uuid", {"S": "1234"}, "not a UUID"),
    ("uuid", {"S": "0000000000000000000000000000_00a"}, "not a UUID"),
    ("uuid", {"S": "+000000000000000000000000000000a"}, "not a UUID"),
    ("color", {"S": "blue"}, "not a value of Color"),
    ("color", {"N": "1"}, "expected S, got type N"),
    ("level", {"N": "7"}, "not a value of Level"),
    ("rights", {"N": "8"}, "not a value of Rights"),
    ("literal", {"S": "c"}, "expected one of ['a', 'b'], got another str"),
    ("mixed", {"SS": ["a"]}, "expected Literal['auto', 0, True, None], got type SS"),
    ("any", {"S": "a", "N": "1"}, "expected S, got 2 type tags instead of one"),
    ("any", {"X": "a"}, "expected an attribute value, got something that is not an attribute value"),
    ("any", "a", "expected an attribute value, got something that is not an attribute value"),
    ("any", {"NULL": False}, "NULL must be true"),
    ("any", {"BOOL": "x"}, "the content of BOOL has a wrong JSON type"),
]


@pytest.mark.parametrize(("name", "value", "reason"), BAD)
def test_bad_wire_data_is_an_error(name: str, value: Any, reason: str) -> None:
    """
    The decoder takes exactly one type tag with the right JSON type, and guesses nothing.
    """
    with pytest.raises(Invalid) as caught:
        loaded(name, value)

    assert [(f".{name}", reason)] == [(problem.path, problem.reason) for problem in caught.value.problems]


class Stamp(datetime):
    """A datetime of a subclass that shows itself in its own way."""

    def isoformat(self, *args: Any, **options: Any) -> str:
        """Return something else."""
        return "now"


class NotATime(datetime):
    """Like pandas.NaT: a datetime that is none."""

    @property
    def year(self) -> Any:
        """Return what no year is."""
        return float("nan")


def test_subclasses_of_datetime() -> None:
    """
    They are stored by their value, and those that have none are refused.
    """
    moment = (2024, 5, 6, 7, 8, 9, 10, UTC)

    assert {"S": "2024-05-06T07:08:09.000010Z"} == stored("when", Stamp(*moment))
    assert {"N": "1714979289.00001"} == stored("epoch", Stamp(*moment))
    for name in ("when", "epoch"):
        with pytest.raises(ValidationError, match="expected datetime, got NotATime that is no time"):
            Plain(**{name: NotATime(*moment)}).validate()


def test_time_to_live_is_rounded_down_at_assignment() -> None:
    """
    A ttl field has whole seconds from the moment it is set, so that it equals what is stored.
    """
    record = Plain(ttl=datetime(2024, 1, 1, 0, 0, 0, 7, tzinfo=UTC))
    record.ttl = record.ttl.replace(microsecond=999_999)

    assert datetime(2024, 1, 1, tzinfo=UTC) == record.ttl


def test_two_times_that_the_clock_shows_alike_differ() -> None:
    """
    When summer time ends, 02:30 comes twice: the second is another time, and the record is dirty.
    """
    codec = codec_of(Plain)
    record = Plain(when=datetime(2024, 10, 27, 2, 30, tzinfo=SUMMER_TIME, fold=0))
    codec.remember(record, codec.encode(record), codec.loaded_values(record))
    record.when = record.when.replace(fold=1)

    assert codec.is_dirty(record)
    assert {"S": "2024-10-27T01:30:00.000000Z"} == codec.changes(record)[0].new
