"""The model of the engine: tables as dicts of plain items, and what each operation does to them.

Items are found by looking at all of them, and indexes are worked out anew whenever they are
read. It is slow and simple on purpose. Errors are `Refused`, with codes and no texts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import attrs

from .localmodel_conditions import holds
from .localmodel_updates import applied, only_takes
from .localmodel_values import Refused, item_size, same, tag_of

__all__ = ["FIVE_YEARS", "Action", "Index", "Model", "Part", "Table"]

Item = dict[str, Any]
_EMPTY = {"S": "", "B": b""}
FIVE_YEARS = 5 * 365 * 86400


@attrs.frozen
class Part:
    """One attribute of a key: its name and type."""

    name: str
    type: str

    def fits(self, item: Item) -> bool:
        """Tell whether an item has a value of the type, and one that keys can have."""
        if self.name not in item or tag_of(item[self.name]) != self.type:
            return False
        return bool(self.type == "N" or item[self.name])


@attrs.frozen
class Index:
    """A secondary index."""

    name: str
    is_global: bool
    hash: tuple[Part, ...]
    range: tuple[Part, ...]
    projection: str | frozenset[str]

    @property
    def parts(self) -> tuple[Part, ...]:
        """Return all parts of its key."""
        return self.hash + self.range


@attrs.define(eq=False)
class Table:
    """A table with its items, by key."""

    name: str
    hash: tuple[Part, ...]
    range: tuple[Part, ...]
    indexes: dict[str, Index] = attrs.field(factory=dict)
    items: dict[tuple[Any, ...], Item] = attrs.field(factory=dict)
    ttl: str | None = None

    @property
    def parts(self) -> tuple[Part, ...]:
        """Return all parts of the key."""
        return self.hash + self.range

    def key(self, item: Item) -> tuple[Any, ...]:
        """Return the key of an item."""
        return tuple(item[part.name] for part in self.parts)

    def held(self, index: Index | None, item: Item) -> Item | None:
        """Return what an index holds of an item, None for nothing; or the item."""
        if index is None:
            return item
        if not all(part.fits(item) for part in index.parts):
            return None
        if index.projection == "ALL":
            return item
        names = {part.name for part in (*self.parts, *index.parts)}
        if not isinstance(index.projection, str):
            names |= index.projection
        return {name: value for name, value in item.items() if name in names}

    def read(self, index: Index | None) -> list[Item]:
        """Return all that the table or an index holds."""
        found = (self.held(index, item) for item in self.items.values())
        return [item for item in found if item is not None]

    def accepts(self, item: Item) -> bool:
        """Tell whether the attributes of an item that are index keys can be some."""
        parts = (part for index in self.indexes.values() for part in index.parts)
        return all(part.name not in item or part.fits(item) for part in parts)

    def check(self, item: Item) -> None:
        """Refuse an item that it does not accept."""
        if not self.accepts(item):
            raise Refused

    def write_units(self, old: Item | None, new: Item | None) -> dict[str | None, float]:
        """Return the units that changing an item takes: of the table (None), and of indexes."""
        sizes = [item_size(item) for item in (old, new) if item is not None]
        units: dict[str | None, float] = {None: _kilobytes(max(sizes, default=0))}
        for name, index in self.indexes.items():
            was, now = (None if item is None else self.held(index, item) for item in (old, new))
            if same(was or {}, now or {}):
                continue
            parts = [one for one in (was, now) if one is not None]
            if was is not None and now is not None and all(was[p.name] == now[p.name] for p in index.parts):
                units[name] = _kilobytes(max(map(item_size, parts)))
            else:
                units[name] = sum(_kilobytes(item_size(one)) for one in parts)
        return units


def _kilobytes(size: int) -> float:
    return float(max(1, -(-size // 1024)))


@attrs.frozen
class Action:
    """One write: ``Put``, ``Delete``, ``Update`` or ``ConditionCheck``."""

    kind: str
    table: str
    item: Item
    clauses: list[Any] = attrs.field(factory=list)
    condition: Any = None


class Model:
    """All tables, and the tokens of transactions.

    Attributes:
        now: Seconds since 1970.
    """

    def __init__(self, now: float) -> None:
        self.now = now
        self.tables: dict[str, Table] = {}
        self.tokens: dict[str, tuple[Any, float]] = {}

    def table(self, name: str) -> Table:
        """Return a table."""
        if name not in self.tables:
            raise Refused("ResourceNotFoundException")
        return self.tables[name]

    # --- single writes --------------------------------------------------------------------

    def write(self, action: Action) -> tuple[Item | None, Item | None]:
        """Carry out one write; return the item before and after."""
        table = self.table(action.table)
        if action.kind == "Put":
            table.check(action.item)
        key = table.key(action.item)
        old = table.items.get(key)
        if action.condition is not None and not holds(action.condition, old or {}):
            raise Refused("ConditionalCheckFailedException")
        new = self._changed(table, action, old)
        if new is None:
            table.items.pop(key, None)
        else:
            table.items[key] = new
        return old, new

    def _changed(self, table: Table, action: Action, old: Item | None) -> Item | None:
        if action.kind == "Put":
            return action.item
        if action.kind == "Delete":
            return None
        if action.kind == "ConditionCheck":
            return old
        new = applied(action.clauses, action.item if old is None else old)
        if old is None and only_takes(action.clauses):
            return None
        if action.clauses:
            table.check(new)
        return new

    # --- several writes -------------------------------------------------------------------

    def batch(self, actions: list[Action]) -> None:
        """Carry out puts and deletes, unless one of them is wrong."""
        self._check_distinct(actions)
        for action in actions:
            if action.kind == "Put":
                self.table(action.table).check(action.item)
        for action in actions:
            self.write(action)

    def _check_distinct(self, actions: list[Action]) -> None:
        places = [(action.table, self.table(action.table).key(action.item)) for action in actions]
        if len(set(places)) != len(places):
            raise Refused

    def transact(self, actions: list[Action], token: str | None) -> None:
        """Carry out all writes or none, once for a token."""
        tables = [self.table(action.table) for action in actions]
        for table, action in zip(tables, actions, strict=True):
            literals = {
                path[0]: rest[0][1]
                for kind, path, *rest in action.clauses
                if kind == "SET" and rest[0][0] == "value" and len(path) == 1
            }
            for part in (part for index in table.indexes.values() for part in index.parts):
                if any(one.get(part.name, 1) == _EMPTY.get(part.type) for one in (action.item, literals)):
                    raise Refused
        for place, (table, action) in enumerate(zip(tables, actions, strict=True)):
            if action.kind == "Put" and not table.accepts(action.item):  # the first one alone is named
                reasons = ["None"] * len(actions)
                reasons[place] = "ValidationError"
                raise Refused("TransactionCanceledException", reasons)
        self._check_distinct(actions)
        known = self.tokens.get(token or "")
        if known is not None and self.now - known[1] < 600:
            if known[0] != actions:
                raise Refused("IdempotentParameterMismatchException")
            return
        before = [dict(table.items) for table in tables]
        try:
            self._raise_all(lambda action=action: self.write(action) for action in actions)
        except Refused:
            for table, items in zip(tables, before, strict=True):
                table.items = items
            raise
        if token is not None:
            self.tokens[token] = (actions, self.now)

    @staticmethod
    def _raise_all(steps: Iterator[Callable[[], Any]]) -> None:
        codes = {
            "ConditionalCheckFailedException": "ConditionalCheckFailed",
            "ValidationException": "ValidationError",
        }
        reasons = []
        for step in steps:
            try:
                step()
            except Refused as refused:
                reasons.append(codes[refused.code])
            else:
                reasons.append("None")
        if set(reasons) != {"None"}:
            raise Refused("TransactionCanceledException", reasons)

    # --- time -----------------------------------------------------------------------------

    def reap(self) -> int:
        """Delete what has expired; return how many items."""
        count = 0
        for table in self.tables.values():
            if table.ttl is not None:
                expired = [key for key, item in table.items.items() if self._has_expired(item.get(table.ttl))]
                for key in expired:
                    del table.items[key]
                count += len(expired)
        return count

    def _has_expired(self, value: Any) -> bool:
        if value is None or tag_of(value) != "N":
            return False
        return bool(self.now - FIVE_YEARS <= value < self.now)
