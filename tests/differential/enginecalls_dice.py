"""Random tables, items and expressions: a seed in, the same material out.

Names and values come from small pools, so that calls meet: the same few keys, values that are
equal in another spelling, paths that often lead somewhere. Nothing depends on an answer.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

import attrs

__all__ = ["Dice", "Index", "Item", "Table", "Texts"]

Item = dict[str, Any]

TEXTS = ("a", "ab", "abc", "b", "B", "1", "é", "\uffee", "😀")
NUMBERS = (
    "0",
    "-0",
    "1",
    "1.0",
    "2",
    "-1",
    "10",
    "1E+1",
    "0.5",
    ".50",
    "3",
    "9" * 38,
    "1E-130",
    "-2.75",
    "100",
    "0.1",
)
BINARIES = tuple(b64encode(raw).decode() for raw in (b"a", b"ab", b"abc", b"\x00", b"\xff", b"\xffa"))
POOLS: Mapping[str, Sequence[str]] = {"S": TEXTS, "N": NUMBERS, "B": BINARIES}

#: Names of attributes that are no keys -> the type their values often have.
NAMES = {"a": "N", "bb": "S", "c": "L", "d": "M", "e": "SS", "f": "NS", "g": "B", "h": "BOOL", "k": "N"}
TAGS = ("S", "N", "B", "BOOL", "NULL", "L", "M", "SS", "NS", "BS")
COMPARATORS = ("=", "<>", "<", "<=", ">", ">=")


@attrs.frozen
class Index:
    """A secondary index: its key attributes, and what it holds."""

    name: str
    keys: tuple[str, ...]
    is_global: bool
    projection: str
    held: tuple[str, ...] = ()


@attrs.frozen
class Table:
    """A table: key attributes, their types and those of index keys."""

    name: str
    keys: tuple[str, ...]
    types: Mapping[str, str]
    indexes: tuple[Index, ...] = ()

    def definition(self) -> dict[str, Any]:
        """Return the members of CreateTable."""
        members: dict[str, Any] = {
            "TableName": self.name,
            "AttributeDefinitions": [
                {"AttributeName": name, "AttributeType": type_} for name, type_ in self.types.items()
            ],
            "KeySchema": _schema(self.keys),
            "BillingMode": "PAY_PER_REQUEST",
        }
        for kind, is_global in (("GlobalSecondaryIndexes", True), ("LocalSecondaryIndexes", False)):
            found = [_index(one) for one in self.indexes if one.is_global is is_global]
            if found:
                members[kind] = found
        return members


def _schema(keys: Sequence[str]) -> list[dict[str, str]]:
    return [
        {"AttributeName": name, "KeyType": kind} for name, kind in zip(keys, ("HASH", "RANGE"), strict=False)
    ]


def _index(index: Index) -> dict[str, Any]:
    projection: dict[str, Any] = {"ProjectionType": index.projection}
    if index.held:
        projection["NonKeyAttributes"] = list(index.held)
    return {"IndexName": index.name, "KeySchema": _schema(index.keys), "Projection": projection}


class Texts:
    """The placeholders of one request."""

    def __init__(self) -> None:
        self.values: Item = {}
        self.names: dict[str, str] = {}

    def value(self, value: Any) -> str:
        """Return the placeholder of a value."""
        name = f":v{len(self.values)}"
        self.values[name] = value
        return name

    def name(self, name: str, *, placed: bool) -> str:
        """Return a name, or a placeholder for it."""
        if not placed:
            return name
        self.names[f"#{name}"] = name
        return f"#{name}"

    def add_to(self, members: dict[str, Any]) -> None:
        """Add names and values to a request, where there are any."""
        if self.values:
            members["ExpressionAttributeValues"] = {
                **members.get("ExpressionAttributeValues", {}),
                **self.values,
            }
        if self.names:
            members["ExpressionAttributeNames"] = {
                **members.get("ExpressionAttributeNames", {}),
                **self.names,
            }


class Dice:
    """Makes random things, the same for the same seed."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.pick = self.random.choice

    def chance(self, percent: float) -> bool:
        """Return True in so many of a hundred."""
        return self.random.random() * 100 < percent

    def some(self, members: Sequence[Any], most: int = 3) -> list[Any]:
        """Return one to *most* different members."""
        return self.random.sample(members, self.random.randint(1, min(most, len(members))))

    # --- tables ---------------------------------------------------------------------------

    def table(self, name: str) -> Table:
        """Return a table with up to three global and two local indexes."""
        types = {"p": self.pick("SSNB")}
        keys: tuple[str, ...] = ("p",)
        if self.chance(75):
            types["r"] = self.pick("SNNB")
            keys = ("p", "r")
        indexes: list[Index] = []
        for number in range(self.random.randint(0, 3)):
            indexes.append(self._index(f"global{number}", self._global_keys(types), True))
        for number in range(self.random.randint(0, 2) if len(keys) == 2 else 0):
            indexes.append(self._index(f"local{number}", ("p", self._index_key(types)), False))
        return Table(name, keys, types, tuple(indexes))

    def _global_keys(self, types: dict[str, str]) -> tuple[str, ...]:
        first = self._index_key(types)
        if self.chance(40):
            return (first,)
        second = (
            self.pick([name for name in ("p", "r") if name in types and name != first])
            if self.chance(25)
            else self._index_key(types)
        )
        return (first, second) if second != first else (first,)

    def _index_key(self, types: dict[str, str]) -> str:
        name: str = self.pick(("i0", "i1", "i2", "i3"))
        types.setdefault(name, self.pick("SNB"))
        return name

    def _index(self, name: str, keys: tuple[str, ...], is_global: bool) -> Index:
        projection = self.pick(("ALL", "KEYS_ONLY", "INCLUDE"))
        held = tuple(self.some(sorted(NAMES), 3)) if projection == "INCLUDE" else ()
        return Index(name, keys, is_global, projection, held)

    # --- values ---------------------------------------------------------------------------

    def key_value(self, name: str, type_: str) -> Item:
        """Return a value of a key: few of the hash key, more of others."""
        pool = POOLS[type_]
        return {type_: self.pick(pool[:3] if name == "p" else pool)}

    def key(self, table: Table) -> Item:
        """Return a key of the table."""
        return {name: self.key_value(name, table.types[name]) for name in table.keys}

    def item(self, table: Table) -> Item:
        """Return an item: its key, some of the index keys, some other attributes."""
        item = self.key(table)
        for name, type_ in table.types.items():
            if name not in item and self.chance(70):
                item[name] = self.value() if self.chance(2) else self.key_value(name, type_)
        for name in self.random.sample(sorted(NAMES), self.random.randint(0, 5)):
            item[name] = self.value(NAMES[name])
        return item

    def value(self, tag: str = "", depth: int = 2) -> Item:
        """Return an attribute value, often of the type *tag*."""
        if not tag or self.chance(20):
            tag = self.pick(TAGS)
        if depth == 0 and tag in ("L", "M"):
            tag = "N"
        return {tag: self._content(tag, depth)}

    def _content(self, tag: str, depth: int) -> Any:
        match tag:
            case "S" | "N" | "B":
                return self.pick(POOLS[tag])
            case "SS" | "BS":
                return self.some(POOLS[tag[0]])
            case "NS":
                return self.some(("1", "2", "3", "-1", "0.5", "10"))
            case "L":
                return [self.value("", depth - 1) for _ in range(self.random.randint(0, 3))]
            case "M":
                names = self.random.sample(("a", "bb", "c"), self.random.randint(0, 3))
                return {name: self.value(NAMES[name], depth - 1) for name in names}
            case _:
                return tag == "NULL" or self.chance(50)

    # --- expressions ----------------------------------------------------------------------

    def path(self, texts: Texts, names: Sequence[str] = tuple(NAMES)) -> str:
        """Return a path, which may lead nowhere."""
        parts = [texts.name(self.pick(names), placed=self.chance(30))]
        while self.chance(25):
            parts.append(
                f"[{self.pick((0, 0, 1, 2, 7))}]"
                if self.chance(50)
                else f".{texts.name(self.pick(('a', 'bb', 'c')), placed=self.chance(20))}"
            )
        return "".join(parts)

    def condition(self, texts: Texts, names: Sequence[str] = tuple(NAMES), depth: int = 2) -> str:
        """Return the text of a condition, rarely one that is refused."""
        kind = self.pick(("and", "or", "not", "leaf", "leaf", "leaf")) if depth else "leaf"
        if kind == "leaf":
            return self._leaf(texts, names)
        if kind == "not":
            return f"NOT ({self.condition(texts, names, depth - 1)})"
        first, second = (self.condition(texts, names, depth - 1) for _ in range(2))
        return f"({first}) {kind.upper()} ({second})" if self.chance(60) else f"{first} {kind} {second}"

    def _leaf(self, texts: Texts, names: Sequence[str]) -> str:
        path = self.path(texts, names)
        first = path.lstrip("#").split(".")[0].split("[")[0]
        tag = NAMES.get(first, "S")
        match self.random.randint(0, 9):
            case 0:
                return f"attribute_exists({path})"
            case 1:
                return f"attribute_not_exists({path})"
            case 2:
                return f"attribute_type({path}, {texts.value({'S': self.pick(TAGS)})})"
            case 3:
                return f"begins_with({path}, {texts.value(self.value(self.pick('SB')) if self.chance(5) else {'S': self.pick(TEXTS)})})"
            case 4:
                return f"contains({path}, {texts.value(self.value(self.pick('SNB'), 0))})"
            case 5:
                return f"size({path}) {self.pick(COMPARATORS)} {texts.value({'N': str(self.random.randint(0, 4))})}"
            case 6:
                low, high = sorted((self.random.randint(-2, 4), self.random.randint(-2, 4)))
                return f"{path} BETWEEN {texts.value({'N': str(low)})} AND {texts.value({'N': str(high)})}"
            case 7:
                options = ", ".join(texts.value(self.value(tag, 1)) for _ in range(self.random.randint(1, 3)))
                return f"{path} IN ({options})"
            case _:
                comparator = self.pick(COMPARATORS)
                ordered = comparator not in ("=", "<>") and not self.chance(3)
                other = self.value(self.pick("SNB"), 0) if ordered else self.value(tag, 1)
                if ordered and next(iter(other)) not in "SNB":
                    other = {"N": "1"}
                return f"{path} {comparator} {texts.value(other)}"

    def projection(self, texts: Texts, names: Sequence[str] = tuple(NAMES)) -> str:
        """Return the text of a projection; its paths rarely overlap."""
        return ", ".join(f"{self.path(texts, (name,))}" for name in self.some(names, 3))

    def update(self, texts: Texts, table: Table) -> str:
        """Return the text of an update."""
        names = list(NAMES)
        self.random.shuffle(names)
        names += self.some(names, 1) if self.chance(3) else []  # overlaps
        keys = [name for name in table.types if name not in table.keys]
        clauses: dict[str, list[str]] = {}
        for _ in range(self.random.randint(1, 3)):
            kind = self.pick(("SET", "SET", "SET", "REMOVE", "ADD", "DELETE"))
            if kind == "SET" and keys and self.chance(25):
                name = keys.pop()
                clauses.setdefault(kind, []).append(
                    f"{name} = {texts.value(self.key_value(name, table.types[name]))}"
                )
            elif kind == "REMOVE" and keys and self.chance(25):
                clauses.setdefault(kind, []).append(keys.pop())
            else:
                clauses.setdefault(kind, []).append(self._action(kind, texts, names.pop()))
        return " ".join(f"{kind} {', '.join(parts)}" for kind, parts in clauses.items())

    def _action(self, kind: str, texts: Texts, name: str) -> str:
        path = self.path(texts, (name,))
        match kind:
            case "REMOVE":
                return path
            case "ADD":
                return f"{path} {texts.value(self.value(self.pick(('N', 'N', NAMES[name], 'SS', 'NS')), 0))}"
            case "DELETE":
                return f"{path} {texts.value({'SS': self.some(TEXTS[:4])} if self.chance(50) else {'NS': self.some(('1', '2', '3'))})}"
        return f"{path} = {self._operand(texts, name)}"

    def _operand(self, texts: Texts, name: str) -> str:
        match self.random.randint(0, 7):
            case 0:
                return f"{self._number(texts, name)} {self.pick('+-')} {texts.value({'N': self.pick(NUMBERS[:11])})}"
            case 1:
                return f"if_not_exists({self.path(texts)}, {texts.value(self.value(NAMES[name]))})"
            case 2:
                return f"list_append({self._list(texts)}, {texts.value({'L': [self.value('', 0)]})})"
            case 3:
                return self.path(texts)
            case _:
                return texts.value(self.value(NAMES[name]))

    def _list(self, texts: Texts) -> str:
        return self.path(texts, ("c",)) if self.chance(60) else texts.value({"L": [self.value("", 0)]})

    def _number(self, texts: Texts, name: str) -> str:
        if self.chance(40):
            return f"if_not_exists({name}, {texts.value({'N': '0'})})"
        return self.pick((name, "a", "k"))
