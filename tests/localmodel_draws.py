"""What the machine draws for its model's tables: definitions, items, keys, queries."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from .localmodel import FIVE_YEARS, Index, Part, Table
from .localmodel_conditions import PATHS, Path
from .localmodel_values import KEY_VALUES, containers, order, values

__all__ = [
    "Ask",
    "NOW",
    "as_request",
    "definitions",
    "global_index",
    "index_request",
    "index_values",
    "items",
    "key_conditions",
    "key_values",
    "keys",
    "searchable",
    "tables",
]

NOW = 1_800_000_000.0
_PROJECTIONS: list[Any] = ["ALL", "KEYS_ONLY", frozenset({"x"}), frozenset({"x", "y"})]
_TYPES = st.sampled_from("SNB")
_KEY_VALUES = {tag: st.sampled_from(held) for tag, held in KEY_VALUES.items()}
_FEW_VALUES = {tag: st.sampled_from(held[:2]) for tag, held in KEY_VALUES.items()}
_WRONG: list[Any] = ["", b"", True, "s", b"b", *KEY_VALUES["N"][:1]]
_EXPIRY = [KEY_VALUES["N"][4] * int(NOW + at) for at in (-1000, -1, 5, 700, -FIVE_YEARS - 10)]


# --- tables -------------------------------------------------------------------------------


@st.composite
def tables(draw: st.DrawFn, name: str) -> Table:
    """Return a new table."""
    types = {name: draw(_TYPES) for name in "hrabc"}
    has_range = draw(st.booleans())
    ranged = (Part("r", types["r"]),) if has_range else ()
    table = Table(name, (Part("h", types["h"]),), ranged)
    for number in range(draw(st.integers(0, 2)) if has_range else 0):
        second = Part(part := draw(st.sampled_from("abc")), types[part])
        projection = draw(st.sampled_from(_PROJECTIONS))
        table.indexes[f"loc{number}"] = Index(f"loc{number}", False, table.hash, (second,), projection)
    for number in range(draw(st.integers(0, 3))):
        table.indexes[f"glo{number}"] = draw(global_index(f"glo{number}", types, has_range))
    return table


@st.composite
def global_index(draw: st.DrawFn, name: str, types: dict[str, str], has_range: bool) -> Index:
    """Return an index on attributes of these types."""
    pool = sorted(set(types) - (set() if has_range else {"r"}))
    names = draw(st.lists(st.sampled_from(pool), min_size=1, max_size=4, unique=True))
    count = draw(st.integers(1, min(2, len(names))))
    parts = tuple(Part(name, types[name]) for name in names)
    return Index(name, True, parts[:count], parts[count:], draw(st.sampled_from(_PROJECTIONS)))


def as_request(table: Table) -> dict[str, Any]:
    """Return what CreateTable is asked for."""
    parts = {part.name: part.type for one in (table, *table.indexes.values()) for part in one.parts}
    request = {
        "TableName": table.name,
        "AttributeDefinitions": definitions(parts),
        "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": _schema(table),
    }
    for member, is_global in (("GlobalSecondaryIndexes", True), ("LocalSecondaryIndexes", False)):
        found = [index_request(index) for index in table.indexes.values() if index.is_global is is_global]
        if found:
            request[member] = found
    return request


def definitions(types: dict[str, str]) -> list[dict[str, str]]:
    """Return AttributeDefinitions."""
    return [{"AttributeName": name, "AttributeType": type} for name, type in types.items()]


def _schema(one: Table | Index) -> list[dict[str, str]]:
    kinds = (("HASH", one.hash), ("RANGE", one.range))
    return [{"AttributeName": part.name, "KeyType": kind} for kind, parts in kinds for part in parts]


def index_request(index: Index) -> dict[str, Any]:
    """Return a secondary index as requests have it."""
    projection: dict[str, Any] = {"ProjectionType": index.projection}
    if not isinstance(index.projection, str):
        projection = {"ProjectionType": "INCLUDE", "NonKeyAttributes": sorted(index.projection)}
    return {"IndexName": index.name, "KeySchema": _schema(index), "Projection": projection}


# --- items --------------------------------------------------------------------------------


def key_values(part: Part, *, few: bool = False) -> st.SearchStrategy[Any]:
    """Return the strategy of values of a part of a key; few different ones for hash keys."""
    return (_FEW_VALUES if few else _KEY_VALUES)[part.type]


@st.composite
def keys(draw: st.DrawFn, table: Table) -> dict[str, Any]:
    """Return the key of an item, often of one that is there."""
    if table.items and draw(st.booleans()):
        found = draw(st.sampled_from(sorted(table.items, key=repr)))
        return {part.name: value for part, value in zip(table.parts, found, strict=True)}
    return {part.name: draw(key_values(part, few=part in table.hash)) for part in table.parts}


def index_values(table: Table) -> dict[str, list[Any]]:
    """Return the attributes that are keys of indexes only, and what they may be, some of it wrong."""
    own = {part.name for part in table.parts}
    parts = {part.name: part for index in table.indexes.values() for part in index.parts}
    hashes = {part.name for index in table.indexes.values() for part in index.hash}
    return {
        name: (KEY_VALUES[part.type][:2] * 15 if name in hashes else KEY_VALUES[part.type] * 4) + _WRONG
        for name, part in parts.items()
        if name not in own
    }


@st.composite
def items(draw: st.DrawFn, table: Table) -> dict[str, Any]:
    """Return an item."""
    item = draw(keys(table))
    for name, choices in index_values(table).items():
        if draw(st.integers(0, 3)):
            item[name] = draw(st.sampled_from(choices))
    for name in draw(st.sets(st.sampled_from(["x", "y", "d"]))):
        item.setdefault(name, draw(containers() if name != "d" and draw(st.booleans()) else values()))
    if draw(st.booleans()):
        item["t"] = draw(st.sampled_from([*_EXPIRY, "soon"]))
    return item


# --- queries ------------------------------------------------------------------------------


def searchable(table: Table, index: Index | None, is_query: bool) -> list[Path]:
    """Return the paths that a filter of a query or scan may look at."""
    place: Table | Index = table if index is None else index
    names = {part.name for part in place.parts} if is_query else set()
    held = None if index is None or not is_query or index.projection == "ALL" else index.projection
    known = frozenset() if held == "KEYS_ONLY" else held
    keyed = {part.name for one in (table, *table.indexes.values()) for part in one.parts}
    return [
        path
        for path in PATHS
        if path[0] not in names
        and (known is None or path[0] in known or path[0] in {part.name for part in table.parts})
        and (len(path) == 1 or path[0] not in keyed)
    ]


class Ask:
    """A key condition: values of hash parts, equal range parts, and one operator on the next."""

    def __init__(
        self, place: Table | Index, hash: list[Any], equal: list[Any], last: tuple[Any, ...] | None
    ) -> None:
        self.place, self.hash, self.equal, self.last = place, hash, equal, last

    def fits(self, item: dict[str, Any]) -> bool:
        """Tell whether an item, which has all parts, is asked for."""
        wanted = zip(self.place.hash + self.place.range, self.hash + self.equal, strict=False)
        if any(item[part.name] != value for part, value in wanted):
            return False
        if self.last is None:
            return True
        operator, *operands = self.last
        value, *others = map(order, (item[self.place.range[len(self.equal)].name], *operands))
        match operator:
            case "<":
                return bool(value < others[0])
            case "<=":
                return bool(value <= others[0])
            case ">":
                return bool(value > others[0])
            case ">=":
                return bool(value >= others[0])
            case "BETWEEN":
                return bool(others[0] <= value <= others[1])
        return bool(value.startswith(others[0]))


@st.composite
def key_conditions(draw: st.DrawFn, place: Table | Index, stored: list[dict[str, Any]]) -> Ask:
    """Return a key condition on a table or index, often on what is stored."""
    like = draw(st.sampled_from(stored)) if stored and draw(st.integers(0, 4)) else {}
    hash = [like[part.name] if like else draw(key_values(part, few=True)) for part in place.hash]
    count = draw(st.integers(0, len(place.range)))
    equal = [like[part.name] if like else draw(key_values(part)) for part in place.range[:count]]
    if count == len(place.range) or draw(st.booleans()):
        return Ask(place, hash, equal, None)
    part = place.range[count]
    operator = draw(
        st.sampled_from(["<", "<=", ">", ">=", "BETWEEN", *(["begins_with"] if part.type != "N" else [])])
    )
    near = [
        item[part.name] for item in stored if all(item[one.name] == like.get(one.name) for one in place.hash)
    ]
    known = st.sampled_from(near) if near else key_values(part)
    operands = [draw(known | key_values(part)) for _ in range(2 if operator == "BETWEEN" else 1)]
    if operator == "begins_with" and draw(st.integers(0, 3)) == 0:
        operands = ["" if part.type == "S" else b""]
    return Ask(place, hash, equal, (operator, *sorted(operands, key=order)))
