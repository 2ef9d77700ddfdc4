"""How the state machine calls engine and model, and compares them; what it calls is in the test."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
)

from dynamo_objects.local.engine import Options
from dynamo_objects.local.opening import open_engine
from dynamo_objects.local.storage.base import Span
from tests.localmodel import Action, Index, Model, Table
from tests.localmodel_conditions import Words, conditions, written
from tests.localmodel_draws import (
    NOW,
    index_values,
    items,
    keys,
    searchable,
)
from tests.localmodel_updates import key_updates, update_text, updates
from tests.localmodel_values import (
    Refused,
    item_from_wire,
    item_size,
    item_to_wire,
    order,
    project,
    same,
)


def by_key(table: Table, found: list[dict[str, Any]]) -> dict[Any, dict[str, Any]]:
    """Return items by their keys; none may be there twice."""
    keyed = {table.key(item): item for item in found}
    assert len(keyed) == len(found)
    return keyed


def check_order(place: Table | Index, found: list[dict[str, Any]]) -> None:
    """Items of one hash key must stand together, in the order of their range keys."""
    groups: dict[Any, list[Any]] = {}
    last = None
    for item in found:
        key = tuple(item[part.name] for part in place.hash)
        assert key == last or key not in groups
        groups.setdefault(key, []).append([order(item[part.name]) for part in place.range])
        last = key
    assert all(sorted(rows) == rows for rows in groups.values())


def canonical(value: Any) -> Any:
    """Return a value whose repr is the same for equal values."""
    if isinstance(value, dict):
        return sorted((name, canonical(one)) for name, one in value.items())
    if isinstance(value, list):
        return [canonical(one) for one in value]
    if isinstance(value, frozenset):
        return ("set", sorted(map(repr, value)))
    return value.normalize() if hasattr(value, "normalize") else value


def _tried(do: Callable[[], Any]) -> tuple[Any, Refused | None]:
    try:
        return do(), None
    except Refused as refused:
        return None, refused


def _told(refused: Refused | None) -> Any:
    return None if refused is None else (refused.code, refused.reasons)


class Calling(RuleBasedStateMachine):
    """Calls, and comparisons of replies, pages, and of all that is stored."""

    url = "memory://"
    lag_seconds = 0.0
    steps = 0

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.model = Model(NOW)
        self.repeatable: list[tuple[dict[str, Any], list[Action], str]] = []

    def open(self) -> None:
        """Open the engine on what the storage holds."""
        options = Options(
            clock=lambda: self.model.now,
            page_bytes=600,
            ttl_delay_seconds=0.0,
            index_lag_seconds=self.lag_seconds,
        )
        self.file = Path(self.folder.name) / "file.db"
        self.engine = open_engine(self.url.format(file=self.file), options=options)

    def teardown(self) -> None:
        """Close, and look for what was left behind."""
        self.engine.close()
        self.check_file()
        self.folder.cleanup()

    def call(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        """Return the reply to a request.

        Raises:
            Refused: It is an error.
        """
        type(self).steps += 1
        reply = self.engine.send(operation, msgspec.json.encode(request))
        body: dict[str, Any] = msgspec.json.decode(reply.body)
        if reply.status == 200:
            return body
        assert 400 == reply.status, body
        reasons = [reason["Code"] for reason in body.get("CancellationReasons", ())] or None
        raise Refused(body["__type"].partition("#")[2], reasons)

    def both(self, operation: str, request: dict[str, Any], do: Any) -> tuple[dict[str, Any] | None, Any]:
        """Have engine and model do the same; return both answers, or None when both refuse."""
        expected, refusal = _tried(do)
        reply, refused = _tried(lambda: self.call(operation, request))
        wanted, got = _told(refusal), _told(refused)
        assert wanted == got, f"{wanted} wanted, {got} came, for {operation} {request}"
        return (reply, expected) if refused is None else (None, None)

    def action(self, data: st.DataObject, kinds: str = "Put Delete Update") -> Action:
        """Draw one write."""
        table = self.some_table(data)
        kind = data.draw(st.sampled_from(kinds.split()))
        condition = data.draw(st.none() | conditions(self.paths(table))) if kind != "ConditionCheck" else None
        if kind == "ConditionCheck":
            condition = data.draw(conditions(self.paths(table)))
        item = data.draw(items(table) if kind == "Put" else keys(table))
        clauses = []
        if kind == "Update":
            clauses = data.draw(updates().filter(self._fits(table)))
            taken = {path[0] for _, path, *_ in clauses}
            free = {name: held for name, held in index_values(table).items() if name not in taken}
            clauses += data.draw(key_updates(free))
        return Action(kind, table.name, item, clauses, condition)

    def _fits(self, table: Table) -> Any:
        keyed = {part.name for one in (table, *table.indexes.values()) for part in one.parts}
        return lambda clauses: all(len(path) == 1 or path[0] not in keyed for _, path, *_ in clauses)

    def paths(self, table: Table) -> list[Any]:
        """Return the paths that conditions on items of a table may have."""
        return searchable(table, None, False)

    def some_table(self, data: st.DataObject) -> Table:
        """Draw a table that is there."""
        return self.model.tables[data.draw(st.sampled_from(sorted(self.model.tables)))]

    def some_index(self, data: st.DataObject, table: Table) -> Index | None:
        """Draw an index, or the table itself; mostly one with something in it."""
        places = [None, *table.indexes.values()]
        full = [place for place in places if table.read(place)]
        return data.draw(st.sampled_from(full * 3 + places))

    @staticmethod
    def written(action: Action, odd: bool) -> dict[str, Any]:
        """Return an action as a request."""
        words = Words(odd)
        member = "Item" if action.kind == "Put" else "Key"
        request: dict[str, Any] = {"TableName": action.table, member: item_to_wire(action.item, odd)}
        if action.clauses:
            request["UpdateExpression"] = update_text(action.clauses, words)
        if action.condition is not None:
            request["ConditionExpression"] = written(action.condition, words)
        return {**request, **words.members()}

    def check_units(self, table: Table, capacity: dict[str, Any], old: Any, new: Any) -> None:
        """Compare the units of a write."""
        units = table.write_units(old, new)
        shown: dict[Any, float] = {None: capacity["Table"]["CapacityUnits"]}
        for member in ("GlobalSecondaryIndexes", "LocalSecondaryIndexes"):
            shown |= {name: held["CapacityUnits"] for name, held in capacity.get(member, {}).items()}

        assert units == shown
        assert sum(units.values()) == capacity["CapacityUnits"]

    def legal(self, table: Table, paths: Any) -> Any:
        """Return paths without those that lead into keys."""
        keyed = {part.name for one in (table, *table.indexes.values()) for part in one.parts}
        kept = [path for path in paths or () if len(path) == 1 or path[0] not in keyed]
        return kept or None

    @staticmethod
    def projection(paths: Any) -> dict[str, Any]:
        """Return the members for a projection."""
        if paths is None:
            return {}
        words = Words()
        return {"ProjectionExpression": ", ".join(map(words.path, paths)), **words.members()}

    def pages(self, operation: str, request: dict[str, Any]) -> list[dict[str, Any]]:
        """Return all items, page by page."""
        found: list[dict[str, Any]] = []
        start: dict[str, Any] | None = None
        for _ in range(1000):
            asked = request if start is None else {**request, "ExclusiveStartKey": start}
            reply = self.call(operation, asked)
            assert reply["Count"] <= reply["ScannedCount"] <= request.get("Limit", 10**9)
            found += reply.get("Items", [{}] * reply["Count"])
            start = reply.get("LastEvaluatedKey")
            if start is None:
                return found
        raise AssertionError("pages without end")

    def settle(self) -> None:
        """Let global indexes catch up."""

    def shown(self, table: Table, index: Index | None, paths: Any) -> Any:
        """Return paths that an index can show without fetching."""
        paths = self.legal(table, paths)
        if paths is None or index is None or index.projection == "ALL":
            return paths
        held = {part.name for part in (*table.parts, *index.parts)}
        held |= set() if isinstance(index.projection, str) else index.projection
        return [path for path in paths if path[0] in held] or None

    def key_text(self, ask: Any, words: Words) -> str:
        """Return a key condition as an expression."""
        parts = ask.place.hash + ask.place.range
        texts = [
            f"{words.path((part.name,))} = {words.value(value)}"
            for part, value in zip(parts, ask.hash + ask.equal, strict=False)
        ]
        if ask.last is not None:
            operator, *operands = ask.last
            path = words.path((ask.place.range[len(ask.equal)].name,))
            values = [words.value(operand) for operand in operands]
            if operator == "begins_with":
                texts.append(f"begins_with({path}, {values[0]})")
            else:
                texts.append(f"{path} {operator} {' AND '.join(values)}")
        return " AND ".join(texts)

    def check_search(
        self, operation: str, request: dict[str, Any], table: Table, index: Index | None,
        expected: list[dict[str, Any]], condition: Any, limit: int, paths: Any,
    ) -> None:  # fmt: skip
        """Compare what is found, in pages by size and by number, and counted only."""
        from tests.localmodel_conditions import holds

        kept = [item for item in expected if condition is None or holds(condition, item)]
        wanted = [item if paths is None else project(paths, item) for item in kept]
        got = self.pages(operation, request)
        plain = [item_from_wire(item) for item in got]
        if paths is None:
            left, right = by_key(table, wanted), by_key(table, plain)
            assert left.keys() == right.keys(), request
            assert all(same(left[key], right[key]) for key in left), request
        else:
            assert sorted(map(repr, map(canonical, wanted))) == sorted(map(repr, map(canonical, plain))), (
                request
            )
        assert got == self.pages(operation, {**request, "Limit": limit})
        if paths is None:
            assert len(got) == len(self.pages(operation, {**request, "Select": "COUNT"}))

    @invariant()
    def all_is_as_it_should_be(self) -> None:
        """Items, entries of indexes and totals are as in the model, and nothing else is stored."""
        context = self.engine.context
        with context.storage.reading() as unit:
            assert sorted(self.model.tables) == context.catalog.names(unit)
            numbers = set()
            for name, table in self.model.tables.items():
                definition = context.catalog.table(unit, name)
                assert table.indexes.keys() == definition.indexes.keys()
                places = [(None, definition.collection)]
                places += [(table.indexes[one], held.collection) for one, held in definition.indexes.items()]
                numbers |= {number for _, number in places}
                for index, number in places:
                    if index is None or not (index.is_global and self.lag_seconds):
                        self.check_collection(unit, table, index, number)
            self.check_numbers(unit, numbers)

    def check_collection(self, unit: Any, table: Table, index: Index | None, number: int) -> None:
        """Compare one collection with what should be in it."""
        entries = [entry for _, entry in unit.entries(number, Span())]
        found = [item_from_wire(entry.item) for entry in entries]
        check_order(table if index is None else index, found)
        stored = by_key(table, found)
        expected = by_key(table, table.read(index))

        assert expected.keys() == stored.keys()
        assert all(same(expected[key], stored[key]) for key in expected)
        assert sorted(map(item_size, expected.values())) == sorted(entry.size for entry in entries)
        assert (len(expected), sum(map(item_size, expected.values()))) == unit.totals(number)

    def check_numbers(self, unit: Any, numbers: set[int]) -> None:
        """Look for collections of tables and indexes that are gone."""
        collections = getattr(self.engine.context.storage, "collections", {})
        assert {number for number, held in collections.items() if held.entries} <= numbers
        self.numbers = numbers

    def check_file(self) -> None:
        """Look for rows of tables and indexes that are gone."""
        if self.file.exists():
            with sqlite3.connect(self.file) as connection:
                rows = connection.execute("SELECT DISTINCT collection FROM dynamo_objects_entries")
                assert {number for (number,) in rows} <= self.numbers
            connection.close()
