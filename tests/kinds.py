"""Kinds of values that contain others: lists, maps, sets, tuples, unions and ``Any``."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any, Union

from .leaves import BYTES_VALUES, Kind, canonical, exact, real, respell_number, text, whole

__all__ = [
    "any_kind",
    "dict_of",
    "list_of",
    "long_tuple_of",
    "name_of_key",
    "set_of",
    "tuple_of",
    "union",
]

# --- containers ---------------------------------------------------------------------------


def _several(rng: Random, make: Callable[[Random], Any]) -> list[Any]:
    return [make(rng) for _ in range(rng.choice((0, 1, 1, 2, 3)))]


def name_of_key(rng: Random) -> str:
    return rng.choice(("a", "b", "S", "odd name", "é", "#x", text(rng) or "c"))


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


def list_of(inner: Kind) -> Kind:
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


def dict_of(inner: Kind) -> Kind:
    def mutate(rng: Random, value: dict[str, Any]) -> None:
        if _change_one(rng, inner, [*value.values()]):
            return
        if value and rng.random() < 0.5:
            del value[rng.choice([*value])]
        else:
            value[name_of_key(rng)] = inner.make(rng)

    return Kind(
        dict[str, inner.annotation],  # type: ignore[name-defined]
        lambda rng: {name_of_key(rng): member for member in _several(rng, inner.make)},
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


def set_of(inner: Kind, kind: Any) -> Kind:
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


def tuple_of(*inner: Kind) -> Kind:
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


def long_tuple_of(inner: Kind) -> Kind:
    like_list = list_of(inner)
    return Kind(
        tuple[inner.annotation, ...],  # type: ignore[name-defined]
        lambda rng: tuple(_several(rng, inner.make)),
        frozenset({"L"}),
        empties=((),),
        respell=like_list.respell,
        uses=inner.uses,
    )


# --- unions and Any -----------------------------------------------------------------------


def union(rng: Random, *members: Kind) -> Kind:
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
        return {name_of_key(rng): _anything(rng, number, depth - 1) for _ in range(rng.randint(0, 3))}
    make = rng.choice((text, number, number, lambda rng: rng.choice(BYTES_VALUES)))
    if rng.random() < 0.2:
        return {make(rng)} | {make(rng)}
    return rng.choice((make(rng), make(rng), None, True, False))


def _some_decimal(rng: Random) -> Any:
    number = rng.choice((whole, exact))(rng)
    return int(number) if number == int(number) else number  # as they are read


def _some_float(rng: Random) -> Any:
    number: Any = rng.choice((whole, real))(rng)
    if abs(number) >= 10**38:
        return float(number) if float(number) == number else 1e50
    return int(number) if number == int(number) else number


def _mutate_any(rng: Random, value: Any) -> None:
    if isinstance(value, list):
        value.append(text(rng))
    elif isinstance(value, dict):
        value[name_of_key(rng)] = rng.randint(0, 9)
    elif isinstance(value, set) and value and isinstance(next(iter(value)), str):
        value.add(text(rng))


def _respell_any(rng: Random, value: Any) -> Any:
    if "L" in value or "M" in value or "NS" in value:
        return _respell_inside(Kind(Any, text, frozenset(), respell=_respell_any))(rng, value)
    return respell_number(rng, value)


def any_kind(mode: str) -> Kind:
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
