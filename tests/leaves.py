"""Kinds of values that contain no others: their annotations, their legal values, their spellings.

Everything is drawn from a ``random.Random`` that the caller gives.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from decimal import Decimal
from random import Random
from typing import Annotated, Any, Literal, NewType
from uuid import UUID

import attrs

from dynamo_objects import register_type

__all__ = [
    "BYTES_VALUES",
    "SUMMER_TIME",
    "TTL",
    "Kind",
    "Money",
    "canonical",
    "exact",
    "leaf",
    "real",
    "respell_number",
    "text",
    "whole",
]


@attrs.frozen(eq=False, repr=False)
class Kind:
    """One annotation, and what its values are like.

    Attributes:
        annotation: As a class body would have it.
        make: Returns a legal value.
        tags: Type tags of its values.
        empties: Defaults that are left out of items.
        is_key: Whether sets hold such values.
        respell: Returns the same attribute value as another program might write it.
        mutate: Changes a value in place, where it can be.
        uses: ``datetime`` and ``Any``, where options of the field bear on the values.
        types: Types of its values, for kinds that *mutate* can change.
        can_be_empty: Whether it is a class that needs no arguments and makes nothing up.
    """

    annotation: Any
    make: Callable[[Random], Any]
    tags: frozenset[str]
    empties: tuple[Any, ...] = ()
    is_key: bool = False
    respell: Callable[[Random, Any], Any] = lambda rng, value: value
    mutate: Callable[[Random, Any], None] | None = None
    uses: frozenset[str] = frozenset()
    types: tuple[type, ...] = ()
    can_be_empty: bool = False


# --- what values mean ---------------------------------------------------------------------


def canonical(value: Any) -> Any:
    """Return what a value is stored as, worked out without the codecs; equal when stored alike."""
    if value is None or isinstance(value, bool):
        return ("plain", repr(value))
    if isinstance(value, enum.Enum):
        return canonical(value.value)
    if isinstance(value, int | float | Decimal):
        return ("number", Decimal(value))
    if isinstance(value, datetime):
        return ("time", value.astimezone(UTC).isoformat())
    if isinstance(value, str | bytes | date | UUID | Money | Slug):
        return (type(value).__name__, value)
    if isinstance(value, set | frozenset):
        return ("set", frozenset(map(canonical, value)))
    if isinstance(value, list | tuple):
        return ("list", tuple(map(canonical, value)))
    if isinstance(value, dict):
        return ("map", frozenset((name, canonical(inner)) for name, inner in value.items()))
    names = [attribute.name for attribute in attrs.fields(type(value))]
    return ("record", type(value), tuple(canonical(getattr(value, name)) for name in names))


# --- text and numbers ---------------------------------------------------------------------

_TEXTS = (
    "",
    "x",
    "Oslo",
    "S",
    "naïve",
    "日本",
    "\x00",
    "😀",
    " ",
    "a.b[0]",
    "#name",
    "'\"",
    "\u2028",
    "x" * 300,
)


def text(rng: Random) -> str:
    if rng.random() < 0.5:
        return rng.choice(_TEXTS)
    return "".join(rng.choice("abcXYZ019 _-é中") for _ in range(rng.randint(0, 12)))


_WHOLE = (0, 1, -1, 2**63, 10**38 - 1, -(10**38) + 1, 10**38, 10**125, -99 * 10**124, 12 * 10**36)


def whole(rng: Random) -> int:
    return rng.choice(_WHOLE) if rng.random() < 0.3 else rng.randint(-(10**6), 10**6)


_DECIMALS = tuple(
    map(
        Decimal,
        [
            "0",
            "-0",
            "1",
            "1.10",
            "-0.5",
            "0E+200",
            "1E+125",
            "9.99E+125",
            "-9.99E+125",
            "1E-130",
            "0.00001",
            "12345678901234567890123456789012345678",
            "1234567890.1234567890123456789012345678",
            "1.2345678901234567890123456789012345678E-93",
            "100",
            "1E+38",
        ],
    )
)


def exact(rng: Random) -> Decimal:
    if rng.random() < 0.3:
        return rng.choice(_DECIMALS)
    return Decimal(rng.randint(-(10**9), 10**9)).scaleb(rng.randint(-12, 12))


_FLOATS = (0.0, -0.0, 0.1 + 0.2, 1.5, -1e-130, 9.99e125, 1e23, 2.0**53, 1e16, 5e-100, 123456.789)


def real(rng: Random) -> float:
    return rng.choice(_FLOATS) if rng.random() < 0.3 else round(rng.uniform(-1000, 1000), 9)


def respell_number(rng: Random, value: Any) -> Any:
    if not isinstance(value, dict) or "N" not in value:
        return value
    text = value["N"]
    number = Decimal(text)
    spellings = [text, f"{number:E}", f"{number:e}", f"0{text}" if text[0] != "-" else text]
    spellings += [f"{text}.0" if "." not in text else f"{text}0", f"+{text}" if text[0] != "-" else text]
    return {"N": rng.choice(spellings)}


# --- times --------------------------------------------------------------------------------


class _SummerTime(tzinfo):
    """One hour ahead of UTC, two from 31 March to 27 October 2024: one hour is shown twice, one never."""

    def utcoffset(self, moment: datetime | None) -> timedelta:
        """Return the offset; ``fold`` tells the second of two equal times."""
        assert moment is not None
        shown = moment.replace(tzinfo=None, fold=0)
        begins, ends = datetime(2024, 3, 31, 2), datetime(2024, 10, 27, 3 - moment.fold)
        return timedelta(hours=2 if begins <= shown < ends else 1)

    def dst(self, moment: datetime | None) -> timedelta:
        """Return what summer time adds."""
        return self.utcoffset(moment) - timedelta(hours=1)

    def tzname(self, moment: datetime | None) -> str:
        """Return a name."""
        return "summer time"


SUMMER_TIME = _SummerTime()
_ZONES = (UTC, timezone(timedelta(hours=-5)), timezone(timedelta(hours=5, minutes=30, seconds=7)))
_TIMES = (
    datetime(1, 1, 1, tzinfo=UTC),
    datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
    datetime(1970, 1, 1, tzinfo=UTC),
    datetime(2024, 10, 27, 2, 30, tzinfo=SUMMER_TIME, fold=0),
    datetime(2024, 10, 27, 2, 30, tzinfo=SUMMER_TIME, fold=1),
    datetime(2024, 3, 31, 2, 30, tzinfo=SUMMER_TIME),  # a time that no clock showed
    datetime(987, 6, 5, 4, 3, 2, 1, tzinfo=_ZONES[2]),
)


def _datetime(rng: Random) -> datetime:
    if rng.random() < 0.3:
        return rng.choice(_TIMES)
    seconds = timedelta(seconds=rng.randint(-(10**9), 10**9), microseconds=rng.choice((0, 1, 500_000)))
    return (datetime(2000, 1, 1, tzinfo=UTC) + seconds).astimezone(rng.choice(_ZONES))


def _whole_datetime(rng: Random) -> datetime:
    return _datetime(rng).replace(microsecond=0)


def _respell_datetime(rng: Random, value: Any) -> Any:
    if not isinstance(value, dict) or "S" not in value:
        return value
    text = value["S"].removesuffix("Z")
    spellings = [value["S"], f"{text}+00:00", f"{text.replace('T', ' ')}Z", f"{text}123Z"]
    if text.endswith(".000000"):
        spellings.append(f"{text[:-7]}Z")
    return {"S": rng.choice(spellings)}


def _date(rng: Random) -> date:
    return rng.choice((date.min, date.max, date(987, 6, 5), date(2024, 2, rng.randint(1, 29))))


# --- enums, literals, types of one's own --------------------------------------------------


class Color(enum.Enum):
    """Stored as text."""

    RED = "red"
    BLUE = "blue"
    NONE = ""


class Size(enum.IntEnum):
    """Stored as a number; its members are ints."""

    SMALL = 0
    BIG = 10


class Mood(enum.StrEnum):
    """Stored as text; its members are str."""

    GOOD = "good"
    BAD = "bad"


class Rights(enum.Flag):
    """Stored as a number; members combine."""

    READ = 1
    WRITE = 2


class Rate(enum.Enum):
    """Stored as a number that is not whole."""

    LOW = Decimal("0.5")
    HIGH = Decimal("1.25")


@attrs.frozen
class Money:
    """A type of the user's, stored as a number."""

    cents: int


class Slug(str):
    """A type of the user's, stored as text; it is a str too."""

    __slots__ = ()


register_type(
    Money,
    stored_as=Decimal,
    encode=lambda money: Decimal(money.cents).scaleb(-2),
    decode=lambda number: Money(int(number.scaleb(2))),
)
register_type(Slug, stored_as=str, encode=str, decode=Slug)

UserId = NewType("UserId", str)


def _enum(kind: type[enum.Enum], tag: str) -> Kind:
    members = list(kind)
    return Kind(kind, lambda rng: rng.choice(members), frozenset({tag}), is_key=True)


def _literal(annotation: Any, *values: Any, tags: str) -> Kind:
    return Kind(annotation, lambda rng: rng.choice(values), frozenset(tags.split()))


def _keys(annotation: Any, make: Callable[[Random], Any], tag: str, **more: Any) -> Kind:
    return Kind(annotation, make, frozenset({tag}), is_key=True, **more)


BYTES_VALUES = (b"", b"x", b"\x00\xff", bytes(range(256)))

STR = _keys(str, text, "S", empties=("",))
INT = _keys(int, whole, "N", respell=respell_number)
DECIMAL = _keys(Decimal, exact, "N", respell=respell_number)
FLOAT = _keys(float, real, "N", respell=respell_number)
BOOL = Kind(bool, lambda rng: rng.random() < 0.5, frozenset({"BOOL"}))
DATETIME = _keys(datetime, _datetime, "S", respell=_respell_datetime, uses=frozenset({"datetime"}))
EPOCH = _keys(datetime, _datetime, "N", respell=respell_number, uses=frozenset({"datetime"}))
TTL = _keys(datetime, _whole_datetime, "N", respell=respell_number, uses=frozenset({"datetime"}))
OTHER_LEAVES = (
    _keys(bytes, lambda rng: rng.choice(BYTES_VALUES), "B", empties=(b"",)),
    _keys(date, _date, "S"),
    _keys(
        UUID,
        lambda rng: UUID(int=rng.getrandbits(128)),
        "S",
        respell=lambda rng, value: {"S": value["S"].upper()} if "S" in value else value,
    ),
    _enum(Color, "S"),
    _enum(Size, "N"),
    _enum(Mood, "S"),
    _keys(Rights, lambda rng: Rights(rng.randint(0, 3)), "N"),
    _enum(Rate, "N"),
    _literal(Literal["a", "b", ""], "a", "b", "", tags="S"),
    _literal(Literal[1, 2], 1, 2, tags="N"),
    _literal(Literal["auto", 0, True, None], "auto", 0, True, None, tags="S N BOOL NULL"),
    _literal(Literal[Color.RED, Color.BLUE], Color.RED, Color.BLUE, tags="S"),
    _keys(Money, lambda rng: Money(rng.randint(-999, 10**6)), "N", respell=respell_number),
    _keys(Slug, lambda rng: Slug(text(rng)), "S"),
    _keys(UserId, lambda rng: UserId(text(rng)), "S", empties=("",)),
    _keys(Annotated[str, "a comment"], text, "S", empties=("",)),
)


def leaf(rng: Random, mode: str) -> Kind:
    times = {"epoch": EPOCH, "ttl": TTL}.get(mode, DATETIME)
    return rng.choice((STR, STR, INT, INT, DECIMAL, FLOAT, BOOL, times, times, *OTHER_LEAVES))
