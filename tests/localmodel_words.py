"""Values and expressions from a random generator, for the requests that the fuzzer mutates."""

from __future__ import annotations

import random
from base64 import b64encode
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["any_value", "NAMES", "Words", "condition", "key_condition", "scalar", "update"]

_TEXTS = ("a", "b", "ab", "é", "\U0001f600", "a\x00b", "x" * 300, "1", "size", "")
_NUMBERS = ("0", "1", "-1", "1.5", "1E3", "-2.50", "9" * 38, "1E-130", "9.9E125", "007")
_BLOBS = tuple(b64encode(raw).decode() for raw in (b"a", b"\x00", b"\xff\xff", b"abc", b""))
NAMES = ("x", "y", "z", "a", "b", "name", "data", "l", "m", "a.b", "é")


def any_value(dice: random.Random, depth: int = 0) -> dict[str, Any]:
    tag = dice.choice(
        ("S", "N", "B", "BOOL", "NULL", "SS", "NS", "BS", *(("L", "M") * 2 if depth < 3 else ()))
    )
    if tag in ("S", "N", "B"):
        return scalar(dice, tag)
    if tag == "BOOL":
        return {tag: dice.random() < 0.5}
    if tag == "NULL":
        return {tag: True}
    if tag == "L":
        return {tag: [any_value(dice, depth + 1) for _ in range(dice.randrange(4))]}
    if tag == "M":
        return {tag: {dice.choice(NAMES): any_value(dice, depth + 1) for _ in range(dice.randrange(4))}}
    pool = {"SS": _TEXTS, "NS": _NUMBERS[:7], "BS": _BLOBS}[tag]
    return {tag: dice.sample(pool, dice.randrange(1, 4))}


def scalar(dice: random.Random, tag: str, *, is_key: bool = False) -> dict[str, Any]:
    pool = {"S": _TEXTS, "N": _NUMBERS, "B": _BLOBS}[tag]
    return {tag: dice.choice([held for held in pool if held] if is_key else pool)}


class Words:
    """The names and values of one request."""

    def __init__(self, dice: random.Random) -> None:
        self.dice = dice
        self.names: dict[str, str] = {}
        self.values: dict[str, Any] = {}

    def path(self) -> str:
        """Return a path with some placeholders."""
        steps = [self._step()]
        while self.dice.random() < 0.3:
            steps.append(self.dice.choice((f".{self._step()}", f"[{self.dice.randrange(4)}]")))
        return "".join(steps)

    def _step(self) -> str:
        name = self.dice.choice(NAMES)
        if name in ("x", "y", "z", "l", "m") and self.dice.random() < 0.5:
            return name
        return self.name(name)

    def name(self, name: str) -> str:
        """Return a placeholder for a name."""
        found = f"#n{len(self.names)}"
        self.names[found] = name
        return found

    def value(self, value: dict[str, Any] | None = None) -> str:
        """Return a placeholder for a value."""
        found = f":v{len(self.values)}"
        self.values[found] = any_value(self.dice) if value is None else value
        return found

    def members(self) -> dict[str, Any]:
        """Return the members of a request that say what placeholders stand for."""
        found = {"ExpressionAttributeNames": self.names, "ExpressionAttributeValues": self.values}
        return {name: held for name, held in found.items() if held}


def _operand(words: Words) -> str:
    return words.dice.choice((words.path, words.value, lambda: f"size({words.path()})"))()


def condition(words: Words, depth: int = 0) -> str:
    """Return the text of a condition."""
    dice = words.dice
    makers: list[Callable[[], str]] = [
        lambda: f"{_operand(words)} {dice.choice(('=', '<>', '<', '<=', '>', '>='))} {_operand(words)}",
        lambda: f"{words.path()} BETWEEN {words.value({'N': '1'})} AND {words.value({'N': '5'})}",
        lambda: f"{words.path()} IN ({', '.join(words.value() for _ in range(dice.randrange(1, 4)))})",
        lambda: f"attribute_exists({words.path()})",
        lambda: f"attribute_not_exists({words.path()})",
        lambda: f"attribute_type({words.path()}, {words.value({'S': dice.choice(('S', 'N', 'L', 'BOOL'))})})",
        lambda: f"begins_with({words.path()}, {words.value({'S': 'a'})})",
        lambda: f"contains({words.path()}, {_operand(words)})",
    ]
    if depth < 3:
        inner = [
            lambda: f"NOT {condition(words, depth + 1)}",
            lambda: f"({condition(words, depth + 1)}) AND {condition(words, depth + 1)}",
            lambda: f"{condition(words, depth + 1)} OR ({condition(words, depth + 1)})",
        ]
        makers += inner
    return dice.choice(makers)()


def update(words: Words) -> str:
    dice = words.dice
    names = dice.sample(("x", "y", "z", "l", "m", "s", "t"), 4)
    sets = [
        f"{names[0]} = {words.value()}",
        f"{names[0]}[1] = {words.value()}",
        f"{names[0]}.{words.name('b')} = {words.value()}",
        f"{names[0]} = if_not_exists({words.path()}, {words.value()})",
        f"{names[0]} = {words.path()} + {words.value({'N': '1'})}",
        f"{names[0]} = list_append({words.path()}, {words.value({'L': []})})",
    ]
    number = dice.choice(({"N": "1"}, {"NS": ["1", "2"]}, {"SS": ["a"]}))
    sections = [
        f"SET {dice.choice(sets)}",
        f"REMOVE {names[1]}, {names[2]}[0]",
        f"ADD {names[3]} {words.value(number)}",
        f"DELETE {words.name('set')} {words.value({'SS': ['a', 'b']})}",
    ]
    chosen = " ".join(dice.sample(sections, dice.randrange(1, 4)))
    used = {name: held for name, held in words.values.items() if name in chosen}
    words.names = {name: held for name, held in words.names.items() if name in chosen}
    words.values = used
    return chosen


def key_condition(words: Words, parts: Mapping[str, str]) -> str:
    dice, found = words.dice, []
    for at, (name, type) in enumerate(parts.items()):
        value = words.value(scalar(dice, type, is_key=True))
        other = f"{words.name(name)} {dice.choice(('<', '<=', '>', '>='))} {value}"
        found.append(other if at and dice.random() < 0.5 else f"{name} = {value}")
    words.names = {name: held for name, held in words.names.items() if any(name in text for text in found)}
    return " AND ".join(found[: dice.choice((1, len(found)))] if len(parts) < 2 else found)
