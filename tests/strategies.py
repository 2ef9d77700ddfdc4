"""Generated record classes and legal records of them, from any source of random choices.

A ``Kind`` is one annotation with its legal values and what may happen to them: being
spelled otherwise by another program, being changed in place. ``make_class`` puts kinds
together into a record class. Everything is drawn from a ``random.Random``: the tests take
it from hypothesis, which can shrink what it drew, and ``tools/round_trip.py`` from a seed.
"""

from __future__ import annotations

import enum
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from random import Random
from typing import Annotated, Any, Literal, NewType, Optional, Union
from uuid import UUID
from zoneinfo import ZoneInfo

import attrs
from hypothesis import strategies as st

from dynamo_objects import DynamoRecord, field, register_type

__all__ = ["ClassSpec", "FieldSpec", "Kind", "canonical", "classes", "importable", "make_class", "wire_value"]

#: A source of choices for everything below, which hypothesis can shrink.
choices = st.randoms(use_true_random=False)


@attrs.frozen(eq=False)
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


def _text(rng: Random) -> str:
    if rng.random() < 0.5:
        return rng.choice(_TEXTS)
    return "".join(rng.choice("abcXYZ019 _-é中") for _ in range(rng.randint(0, 12)))


_WHOLE = (0, 1, -1, 2**63, 10**38 - 1, -(10**38) + 1, 10**38, 10**125, -99 * 10**124, 12 * 10**36)


def _int(rng: Random) -> int:
    return rng.choice(_WHOLE) if rng.random() < 0.3 else rng.randint(-(10**6), 10**6)


_DECIMALS = tuple(
    map(
        Decimal,
        "0 -0 1 1.10 -0.5 0E+200 1E+125 9.99E+125 -9.99E+125 1E-130 0.00001 12345678901234567890123456789012345678 "
        "1234567890.1234567890123456789012345678 1.2345678901234567890123456789012345678E-93 100 1E+38".split(),
    )
)


def _decimal(rng: Random) -> Decimal:
    if rng.random() < 0.3:
        return rng.choice(_DECIMALS)
    return Decimal(rng.randint(-(10**9), 10**9)).scaleb(rng.randint(-12, 12))


_FLOATS = (0.0, -0.0, 0.1 + 0.2, 1.5, -1e-130, 9.99e125, 1e23, 2.0**53, 1e16, 5e-100, 123456.789)


def _float(rng: Random) -> float:
    return rng.choice(_FLOATS) if rng.random() < 0.3 else rng.uniform(-1000, 1000)


def _respell_number(rng: Random, value: Any) -> Any:
    if not isinstance(value, dict) or "N" not in value:
        return value
    text = value["N"]
    number = Decimal(text)
    spellings = [text, f"{number:E}", f"{number:e}", f"0{text}" if text[0] != "-" else text]
    spellings += [f"{text}.0" if "." not in text else f"{text}0", f"+{text}" if text[0] != "-" else text]
    return {"N": rng.choice(spellings)}


# --- times --------------------------------------------------------------------------------

_ZONES = (UTC, timezone(timedelta(hours=-5)), timezone(timedelta(hours=5, minutes=30, seconds=7)))
_OSLO = ZoneInfo("Europe/Oslo")
_TIMES = (
    datetime(1, 1, 1, tzinfo=UTC),
    datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
    datetime(1970, 1, 1, tzinfo=UTC),
    datetime(2024, 10, 27, 2, 30, tzinfo=_OSLO, fold=0),
    datetime(2024, 10, 27, 2, 30, tzinfo=_OSLO, fold=1),
    datetime(2024, 3, 31, 2, 30, tzinfo=_OSLO),  # a time that no clock showed
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


_BYTES = (b"", b"x", b"\x00\xff", bytes(range(256)))

STR = _keys(str, _text, "S", empties=("",))
INT = _keys(int, _int, "N", respell=_respell_number)
DECIMAL = _keys(Decimal, _decimal, "N", respell=_respell_number)
FLOAT = _keys(float, _float, "N", respell=_respell_number)
BOOL = Kind(bool, lambda rng: rng.random() < 0.5, frozenset({"BOOL"}))
DATETIME = _keys(datetime, _datetime, "S", respell=_respell_datetime, uses=frozenset({"datetime"}))
EPOCH = _keys(datetime, _datetime, "N", respell=_respell_number, uses=frozenset({"datetime"}))
TTL = _keys(datetime, _whole_datetime, "N", respell=_respell_number, uses=frozenset({"datetime"}))
OTHER_LEAVES = (
    _keys(bytes, lambda rng: rng.choice(_BYTES), "B", empties=(b"",)),
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
    _keys(Money, lambda rng: Money(rng.randint(-999, 10**6)), "N", respell=_respell_number),
    _keys(Slug, lambda rng: Slug(_text(rng)), "S"),
    _keys(UserId, lambda rng: UserId(_text(rng)), "S", empties=("",)),
    _keys(Annotated[str, "a comment"], _text, "S", empties=("",)),
)


def _leaf(rng: Random, mode: str) -> Kind:
    times = {"epoch": EPOCH, "ttl": TTL}.get(mode, DATETIME)
    return rng.choice((STR, STR, INT, INT, DECIMAL, FLOAT, BOOL, times, times, *OTHER_LEAVES))


# --- containers ---------------------------------------------------------------------------


def _several(rng: Random, make: Callable[[Random], Any]) -> list[Any]:
    return [make(rng) for _ in range(rng.choice((0, 1, 1, 2, 3)))]


def _name(rng: Random) -> str:
    return rng.choice(("a", "b", "S", "odd name", "é", "#x", _text(rng) or "c"))


def _respell_inside(inner: Kind) -> Callable[[Random, Any], Any]:
    """Respell the members of a list, map or set, by the way members are spelled."""

    def respell(rng: Random, value: Any) -> Any:
        if not isinstance(value, dict) or len(value) != 1:
            return value
        ((tag, content),) = value.items()
        if tag == "L":
            return {"L": [inner.respell(rng, member) for member in content]}
        if tag == "M":
            return {"M": {name: inner.respell(rng, member) for name, member in content.items()}}
        if tag in ("NS", "SS"):
            members = [inner.respell(rng, {tag[0]: text})[tag[0]] for text in content]
            rng.shuffle(members)
            return {tag: members}
        return value

    return respell


def _change_one(rng: Random, inner: Kind, members: list[Any]) -> bool:
    if inner.mutate is None or not members or rng.random() < 0.3:
        return False
    inner.mutate(rng, rng.choice(members))
    return True


def _list(inner: Kind) -> Kind:
    def mutate(rng: Random, value: list[Any]) -> None:
        if _change_one(rng, inner, value):
            return
        if value and rng.random() < 0.5:
            del value[rng.randrange(len(value))]
        else:
            value.append(inner.make(rng))

    return Kind(
        list[inner.annotation],  # type: ignore[name-defined]
        lambda rng: _several(rng, inner.make),
        frozenset({"L"}),
        empties=([],),
        respell=_respell_inside(inner),
        mutate=mutate,
        types=(list,),
        uses=inner.uses,
    )


def _dict(inner: Kind) -> Kind:
    def mutate(rng: Random, value: dict[str, Any]) -> None:
        if _change_one(rng, inner, [*value.values()]):
            return
        if value and rng.random() < 0.5:
            del value[rng.choice([*value])]
        else:
            value[_name(rng)] = inner.make(rng)

    return Kind(
        dict[str, inner.annotation],  # type: ignore[name-defined]
        lambda rng: {_name(rng): member for member in _several(rng, inner.make)},
        frozenset({"M"}),
        empties=({},),
        respell=_respell_inside(inner),
        mutate=mutate,
        types=(dict,),
        uses=inner.uses,
    )


def _distinct(rng: Random, inner: Kind) -> list[Any]:
    """Return members that are stored as different values: two spellings of a time are not."""
    return [*{canonical(member): member for member in _several(rng, inner.make)}.values()]


def _set(inner: Kind, kind: Any) -> Kind:
    def mutate(rng: Random, value: set[Any]) -> None:
        if value and rng.random() < 0.5:
            value.discard(rng.choice(sorted(value, key=repr)))
            return
        member = inner.make(rng)
        if canonical(member) not in map(canonical, value):
            value.add(member)

    return Kind(
        kind[inner.annotation],
        lambda rng: kind(_distinct(rng, inner)),
        frozenset({next(iter(inner.tags)) + "S", "L"}),
        empties=(kind(),),
        respell=_respell_inside(inner),
        mutate=mutate if kind is set else None,
        types=(kind,),
        uses=inner.uses,
    )


def _tuple(*inner: Kind) -> Kind:
    can_change = [place for place, kind in enumerate(inner) if kind.mutate]

    def respell(rng: Random, value: Any) -> Any:
        pairs = zip(inner, value["L"], strict=True)
        return {"L": [kind.respell(rng, member) for kind, member in pairs]}

    def mutate(rng: Random, value: tuple[Any, ...]) -> None:
        place = rng.choice(can_change)
        change = inner[place].mutate
        assert change is not None
        change(rng, value[place])

    return Kind(
        tuple[tuple(kind.annotation for kind in inner)],  # type: ignore[misc]
        lambda rng: tuple(kind.make(rng) for kind in inner),
        frozenset({"L"}),
        respell=respell,
        mutate=mutate if can_change else None,
        types=(tuple,),
        uses=frozenset[str]().union(*(kind.uses for kind in inner)),
    )


def _long_tuple(inner: Kind) -> Kind:
    like_list = _list(inner)
    return Kind(
        tuple[inner.annotation, ...],  # type: ignore[name-defined]
        lambda rng: tuple(_several(rng, inner.make)),
        frozenset({"L"}),
        empties=((),),
        respell=like_list.respell,
        uses=inner.uses,
    )


# --- unions and Any -----------------------------------------------------------------------


def _union(rng: Random, *members: Kind) -> Kind:
    """Return a union of those members that can be told apart, and perhaps None."""
    chosen: list[Kind] = []
    for member in members:
        if not any(member.tags & other.tags for other in chosen):
            chosen.append(member)
    by_tag = {tag: member for member in chosen for tag in member.tags}
    has_none = "NULL" not in by_tag and (len(chosen) == 1 or rng.random() < 0.5)

    def make(rng: Random) -> Any:
        if has_none and rng.random() < 0.3:
            return None
        return rng.choice(chosen).make(rng)

    def respell(rng: Random, value: Any) -> Any:
        (tag,) = value
        return by_tag[tag].respell(rng, value) if tag in by_tag else value

    def mutate(rng: Random, value: Any) -> None:
        member = next((m for m in chosen if m.mutate and type(value) in m.types), None)
        if member is not None and member.mutate is not None:
            member.mutate(rng, value)

    annotations = [member.annotation for member in chosen] + [None] * has_none
    annotation = Union[tuple(annotations)]  # type: ignore[valid-type]  # noqa: UP007
    return Kind(
        annotation,
        make,
        frozenset(by_tag) | ({"NULL"} if has_none else set()),
        empties=(None,) if has_none else (),
        respell=respell,
        mutate=mutate if any(member.mutate for member in chosen) else None,
        uses=frozenset[str]().union(*(member.uses for member in chosen)),
    )


def _anything(rng: Random, number: Callable[[Random], Any], depth: int) -> Any:
    if depth and rng.random() < 0.4:
        if rng.random() < 0.5:
            return [_anything(rng, number, depth - 1) for _ in range(rng.randint(0, 3))]
        return {_name(rng): _anything(rng, number, depth - 1) for _ in range(rng.randint(0, 3))}
    make = rng.choice((_text, number, number, lambda rng: rng.choice(_BYTES)))
    if rng.random() < 0.2:
        return {make(rng)} | {make(rng)}
    return rng.choice((make(rng), make(rng), None, True, False))


def _some_decimal(rng: Random) -> Any:
    number = rng.choice((_int, _decimal))(rng)
    return int(number) if number == int(number) else number  # as they are read


def _some_float(rng: Random) -> Any:
    number: Any = rng.choice((_int, _float))(rng)
    if abs(number) >= 10**38:
        return float(number) if float(number) == number else 1e50
    return int(number) if number == int(number) else number


def _mutate_any(rng: Random, value: Any) -> None:
    if isinstance(value, list):
        value.append(_text(rng))
    elif isinstance(value, dict):
        value[_name(rng)] = rng.randint(0, 9)
    elif isinstance(value, set) and value and isinstance(next(iter(value)), str):
        value.add(_text(rng))


def _respell_any(rng: Random, value: Any) -> Any:
    if "L" in value or "M" in value or "NS" in value:
        return _respell_inside(Kind(Any, _text, frozenset(), respell=_respell_any))(rng, value)
    return _respell_number(rng, value)


def _any(mode: str) -> Kind:
    number = _some_float if mode == "floats" else _some_decimal
    return Kind(
        Any,
        lambda rng: _anything(rng, number, 3),
        frozenset({"S", "N", "B", "SS", "NS", "BS", "L", "M", "NULL", "BOOL"}),
        empties=("", [], {}, None),
        respell=_respell_any,
        mutate=_mutate_any,
        uses=frozenset({"Any"}),
    )


def make_kind(rng: Random, mode: str, depth: int) -> Kind:
    """Return some kind, with *depth* containers and records inside each other at most."""
    if not depth or rng.random() < 0.4:
        leaf = _leaf(rng, mode)
        if rng.random() < 0.3:
            return _union(rng, leaf, *(_leaf(rng, mode) for _ in range(rng.randint(0, 2))))
        return leaf

    def inner() -> Kind:
        return make_kind(rng, mode, depth - 1)

    def key() -> Kind:
        return next(kind for kind in iter(lambda: _leaf(rng, mode), None) if kind.is_key)

    def container() -> Kind:
        makers: tuple[Callable[[], Kind], ...] = (
            lambda: _list(inner()),
            lambda: _dict(inner()),
            lambda: _set(key(), set),
            lambda: _set(key(), frozenset),
            lambda: _tuple(*(inner() for _ in range(rng.randint(1, 3)))),
            lambda: _long_tuple(inner()),
            lambda: _nested(make_class(rng, depth - 1)),
            lambda: _nested(make_class(rng, depth - 1)),
            lambda: _nested(_make_plain(rng, depth - 1)),
            lambda: _tagged(rng, depth - 1),
        )
        return rng.choice(makers)()

    if rng.random() < 0.15:
        return _any(mode)
    if rng.random() < 0.2:
        return _union(rng, container(), _leaf(rng, mode), _leaf(rng, mode))
    return container()


# --- classes ------------------------------------------------------------------------------


@attrs.frozen(eq=False)
class FieldSpec:
    """One field of a generated class: its kind, its wire name, what it is when left alone."""

    name: str
    wire: str
    kind: Kind
    is_required: bool
    declared: Any


@attrs.frozen(eq=False)
class ClassSpec:
    """A generated class and its fields."""

    made: type[Any]
    fields: tuple[FieldSpec, ...]
    is_recursive: bool = False

    def make(self, rng: Random, depth: int = 2) -> Any:
        """Return a legal instance."""
        values = {f.name: f.kind.make(rng) for f in self.fields if f.is_required or rng.random() < 0.7}
        if self.is_recursive and depth and rng.random() < 0.5:
            values["child"] = self.make(rng, depth - 1)
        return self.made(**values)

    def mutate(self, rng: Random, record: Any) -> None:
        """Change something inside of a record, by assignment where it is not frozen."""
        spec = rng.choice(self.fields)
        if spec.kind.mutate is not None and rng.random() < 0.5:
            spec.kind.mutate(rng, getattr(record, spec.name))
            return
        try:
            setattr(record, spec.name, spec.kind.make(rng))
        except AttributeError:
            return  # frozen

    def respell(self, rng: Random, item: dict[str, Any]) -> dict[str, Any]:
        """Return an item as another program might have written it."""
        kinds = {spec.wire: spec.kind for spec in self.fields}
        return {
            wire: kinds[wire].respell(rng, value) if wire in kinds and value != {"NULL": True} else value
            for wire, value in item.items()
        }


def _nested(spec: ClassSpec) -> Kind:
    return Kind(
        spec.made,
        spec.make,
        frozenset({"M"}),
        respell=lambda rng, value: {"M": spec.respell(rng, value["M"])} if "M" in value else value,
        mutate=spec.mutate,
        types=(spec.made,),
    )


def _tagged(rng: Random, depth: int) -> Kind:
    """Return the union of two record classes that are told apart by their tags."""
    first, second = make_class(rng, depth, tag="first"), make_class(rng, depth, tag="second")
    by_class = {first.made: first, second.made: second}
    by_tag = {"first": first, "second": second}

    def respell(rng: Random, value: Any) -> Any:
        if "M" not in value:
            return value
        spec = by_tag[value["M"]["kind of record"]["S"]]
        return {"M": spec.respell(rng, value["M"])}

    return Kind(
        Union[first.made, second.made],  # noqa: UP007
        lambda rng: rng.choice((first, second)).make(rng),
        frozenset({"M"}),
        respell=respell,
        mutate=lambda rng, value: by_class[type(value)].mutate(rng, value),
        types=(first.made, second.made),
    )


_NAMES = ("name", "items", "keys", "copy", "value", "type", "cls", "record", "item", "größe", "get", "data")
_WIRES = ("#0", "a.b", "x[1]", "'", "SELECT", "ключ", "_hidden", "update_data", "\n")


def _make_field(rng: Random, name: str, depth: int, *, is_plain: bool = False) -> FieldSpec:
    mode = rng.choice(("text", "text", "epoch", "floats"))
    if rng.random() < 0.07:
        mode = "ttl"
        kind = rng.choice((TTL, _union(rng, TTL)))
    else:
        kind = make_kind(rng, mode, depth)
    options: dict[str, Any] = {}
    if mode == "ttl" or (mode == "epoch" and "datetime" in kind.uses):
        options[mode] = True
    if mode == "floats" and "Any" in kind.uses:
        options["numbers"] = float
    wire = name
    if rng.random() < 0.2:
        options["name"] = wire = f"{rng.choice(_WIRES)}{name}"
    if rng.random() < 0.2:
        options["null"] = "store"
    how = rng.choice(("required", "empty", "empty", "value", "factory"))
    if how == "empty" and kind.empties:
        empty = rng.choice(kind.empties)
        if type(empty) in (list, dict, set) and (is_plain or rng.random() < 0.5):
            options["factory"] = type(empty)
        else:
            options["default"] = empty
    elif how == "value" and not is_plain:
        options["default"] = kind.make(rng)
    elif how == "factory":
        made = kind.make(rng)
        if not isinstance(made, list | dict | set | tuple) and not attrs.has(type(made)):
            options["factory"] = lambda: made
    is_required = "default" not in options and "factory" not in options
    declared = options["default"] if options.keys() == {"default"} else field(**options) if options else None
    return FieldSpec(name, wire, kind, is_required, declared)


def _body(specs: tuple[FieldSpec, ...], extra: dict[str, Any]) -> Callable[[dict[str, Any]], None]:
    def fill(namespace: dict[str, Any]) -> None:
        namespace["__module__"] = __name__
        namespace["__annotations__"] = {spec.name: spec.kind.annotation for spec in specs} | extra
        for spec in specs:
            if spec.declared is not None or not spec.is_required:
                namespace[spec.name] = spec.declared
        namespace.update(dict.fromkeys(extra))

    return fill


def _make_fields(rng: Random, depth: int, *, is_plain: bool = False) -> tuple[FieldSpec, ...]:
    names = rng.sample(_NAMES, rng.randint(1, 4 if depth < 2 else 8))
    return tuple(_make_field(rng, name, depth, is_plain=is_plain) for name in names)


def make_class(rng: Random, depth: int = 2, tag: str | None = None) -> ClassSpec:
    """Return a record class: mutable or frozen, perhaps one whose records contain themselves."""
    specs = _make_fields(rng, depth)
    name = f"Record{rng.randrange(10**12)}"
    is_recursive = rng.random() < 0.15
    keywords: dict[str, Any] = {"frozen": rng.random() < 0.4}
    if tag is not None:
        keywords |= {"tag": tag, "tag_field": "kind of record"}
    body = _body(specs, {"child": f"{name} | None"} if is_recursive else {})
    made = types.new_class(name, (DynamoRecord,), keywords, body)
    return ClassSpec(made, specs, is_recursive)


def _make_plain(rng: Random, depth: int) -> ClassSpec:
    """Return an attrs class that is no record."""
    specs = _make_fields(rng, depth, is_plain=True)
    bare = types.new_class(f"Plain{rng.randrange(10**12)}", (), {}, _body(specs, {}))
    made = attrs.define(bare, slots=rng.random() < 0.5, frozen=rng.random() < 0.4, kw_only=True)
    return ClassSpec(made, specs)


@contextmanager
def importable(spec: ClassSpec) -> Iterator[None]:
    """Let pickle find the class, and those inside of it, by name."""
    made = [value for value in _classes_in(spec.made, set())]
    for kind in made:
        globals()[kind.__name__] = kind
    try:
        yield
    finally:
        for kind in made:
            globals().pop(kind.__name__, None)


def _classes_in(kind: Any, seen: set[Any]) -> Iterator[type[Any]]:
    if isinstance(kind, type) and attrs.has(kind) and kind is not Money:
        if kind not in seen:
            seen.add(kind)
            yield kind
            for annotation in vars(kind)["__annotations__"].values():
                yield from _classes_in(annotation, seen)
        return
    for inner in getattr(kind, "__args__", ()):
        yield from _classes_in(inner, seen)


def wire_value(rng: Random, depth: int = 2) -> dict[str, Any]:
    """Return an attribute value as DynamoDB might send it."""
    if depth and rng.random() < 0.3:
        if rng.random() < 0.5:
            return {"L": [wire_value(rng, depth - 1) for _ in range(rng.randint(0, 2))]}
        return {"M": {_name(rng): wire_value(rng, depth - 1) for _ in range(rng.randint(0, 2))}}
    return rng.choice(
        (
            {"S": _text(rng)},
            {"N": f"{_int(rng):,}".replace(",", "")},
            {"N": "1.50E+3"},
            {"B": "eA=="},
            {"BOOL": True},
            {"NULL": True},
            {"SS": ["b", "a"]},
            {"NS": ["1.0", "2"]},
        )
    )


classes: st.SearchStrategy[ClassSpec] = choices.map(make_class)
"""Record classes that hypothesis can shrink."""

# Both spellings of an optional type are in use.
assert Optional[str] == Union[str, None]  # noqa: UP007, UP045
