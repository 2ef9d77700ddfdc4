"""The embedded engine against a model, call by call: ``python -m tests.properties.test_local_engine_model``.

After each call, everything that is stored is compared: items, entries of indexes, totals.
"""

from __future__ import annotations

import sqlite3
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import msgspec
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from dynamo_objects.local.engine import Options
from dynamo_objects.local.opening import open_engine
from dynamo_objects.local.storage.base import Span
from tests.localmodel import Action, Index, Model, Table
from tests.localmodel_conditions import PATHS, Words, conditions, written
from tests.localmodel_draws import (
    NOW,
    as_request,
    definitions,
    global_index,
    index_request,
    index_values,
    items,
    key_conditions,
    keys,
    searchable,
    tables,
)
from tests.localmodel_updates import key_updates, returned, update_text, updates
from tests.localmodel_values import Refused, from_wire, item_from_wire, item_size, item_to_wire, order, project, same

NAMES = ["one", "two"]
ABSENT = "absent"
RETURNS = ["NONE", "ALL_OLD", "ALL_NEW", "UPDATED_OLD", "UPDATED_NEW"]
PROJECTIONS = st.lists(st.sampled_from([*PATHS, ("h",), ("t",)]), min_size=1, max_size=3, unique_by=lambda path: path[0])


def by_key(table: Table, found: list[dict[str, Any]]) -> dict[Any, dict[str, Any]]:
    """Return items by their keys; none may be there twice."""
    keyed = {table.key(item): item for item in found}
    assert len(keyed) == len(found)
    return keyed


class EngineMachine(RuleBasedStateMachine):
    """Random calls on the engine and on the model."""

    url = "memory://"
    lag_seconds = 0.0
    steps = 0

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.model = Model(NOW)
        self.repeatable: list[tuple[dict[str, Any], list[Action], str]] = []

    @initialize(data=st.data())
    def begin(self, data) -> None:
        """Begin with two tables and some items."""
        self.open()
        for name in NAMES:
            self.model.tables[name] = table = data.draw(tables(name))
            self.call("CreateTable", as_request(table))
        for _ in range(data.draw(st.integers(0, 3))):
            self.batch(data, 5)

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

    # --- calling --------------------------------------------------------------------------

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
        try:
            expected, refusal = do(), None
        except Refused as refused:
            expected, refusal = None, refused
        try:
            reply = self.call(operation, request)
        except Refused as refused:
            assert refusal is not None, f"{refused.code} for {operation} {request}"
            wanted, got = (refusal.code, refusal.reasons), (refused.code, refused.reasons)
            assert wanted == got, f"{wanted} wanted, {got} came, for {operation} {request}"
            return None, None
        assert refusal is None, f"no {refusal} for {operation} {request}"
        return reply, expected

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
        """Draw an index, or the table itself."""
        return data.draw(st.sampled_from([None, *table.indexes.values()]))

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

    # --- tables ---------------------------------------------------------------------------

    @rule(data=st.data(), name=st.sampled_from(NAMES))
    def create_table(self, data, name) -> None:
        """Create a table."""
        table = data.draw(tables(name))

        def do() -> None:
            if name in self.model.tables:
                raise Refused("ResourceInUseException")
            self.model.tables[name] = table

        self.both("CreateTable", as_request(table), do)

    @rule(name=st.sampled_from([*NAMES, ABSENT]), is_meant=st.sampled_from([False] * 5 + [True]))
    def delete_table(self, name, is_meant) -> None:
        """Delete a table; not often."""
        if is_meant:
            self.both("DeleteTable", {"TableName": name}, lambda: (self.model.table(name), self.model.tables.pop(name)))

    has_tables = precondition(lambda self: self.model.tables)

    @has_tables
    @rule(data=st.data())
    def create_index(self, data) -> None:
        """Add a global index."""
        table = self.some_table(data)
        if len(table.indexes) >= 5:
            return
        known = {part.name: part.type for one in (table, *table.indexes.values()) for part in one.parts}
        types = {**known, **{new: data.draw(st.sampled_from("SNB")) for new in "abcd" if new not in known}}
        name = next(f"new{number}" for number in range(9) if f"new{number}" not in table.indexes)
        index = data.draw(global_index(name, types, bool(table.range)))
        declared = {part.name: part.type for part in (*table.parts, *index.parts)}
        request = {
            "TableName": table.name,
            "AttributeDefinitions": definitions(declared),
            "GlobalSecondaryIndexUpdates": [{"Create": index_request(index)}],
        }
        self.both("UpdateTable", request, lambda: table.indexes.update({name: index}))

    @has_tables
    @rule(data=st.data())
    def delete_index(self, data) -> None:
        """Delete a global index."""
        table = self.some_table(data)
        names = [name for name, index in table.indexes.items() if index.is_global]
        if names:
            name = data.draw(st.sampled_from(names))
            request = {"TableName": table.name, "GlobalSecondaryIndexUpdates": [{"Delete": {"IndexName": name}}]}
            self.both("UpdateTable", request, lambda: table.indexes.pop(name))

    @has_tables
    @rule(data=st.data(), enabled=st.booleans())
    def set_expiry(self, data, enabled) -> None:
        """Turn expiry on or off."""
        table = self.some_table(data)

        def do() -> None:
            if enabled is (table.ttl is not None):
                raise Refused
            table.ttl = "t" if enabled else None

        specification = {"AttributeName": "t", "Enabled": enabled}
        self.both("UpdateTimeToLive", {"TableName": table.name, "TimeToLiveSpecification": specification}, do)

    # --- items ----------------------------------------------------------------------------

    @has_tables
    @rule(data=st.data(), odd=st.booleans(), returns=st.sampled_from(RETURNS), shows=st.booleans())
    def write(self, data, odd, returns, shows) -> None:
        """Put, update or delete one item."""
        action = self.action(data)
        table = self.model.table(action.table)
        if action.kind != "Update" and returns != "ALL_OLD":
            returns = "NONE"
        stored = table.items.get(table.key(action.item))
        request = {**self.written(action, odd), "ReturnValues": returns, "ReturnConsumedCapacity": "INDEXES"}
        if shows:
            request["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
        reply, expected = self.both(f"{action.kind}Item", request, lambda: self.model.write(action))
        if reply is not None:
            old, new = expected
            wanted = returned(returns, action.clauses, old, new)
            assert same(wanted, item_from_wire(reply.get("Attributes", {}))), (wanted, reply, request)
            self.check_units(table, reply["ConsumedCapacity"], old, new)
        elif shows and stored is not None:
            reply = msgspec.json.decode(self.engine.send(f"{action.kind}Item", msgspec.json.encode(request)).body)
            if "Item" in reply:
                assert same(stored, item_from_wire(reply["Item"]))

    def check_units(self, table: Table, capacity: dict[str, Any], old: Any, new: Any) -> None:
        """Compare the units of a write."""
        units = table.write_units(old, new)
        shown: dict[Any, float] = {None: capacity["Table"]["CapacityUnits"]}
        for member in ("GlobalSecondaryIndexes", "LocalSecondaryIndexes"):
            shown |= {name: held["CapacityUnits"] for name, held in capacity.get(member, {}).items()}

        assert units == shown
        assert sum(units.values()) == capacity["CapacityUnits"]

    @has_tables
    @rule(data=st.data(), paths=st.none() | PROJECTIONS)
    def get(self, data, paths) -> None:
        """Read one item."""
        table = self.some_table(data)
        key = data.draw(keys(table))
        request = {"TableName": table.name, "Key": item_to_wire(key), "ReturnConsumedCapacity": "TOTAL"}
        paths = self.legal(table, paths)
        request |= self.projection(paths)
        stored = table.items.get(table.key(key))
        wanted = stored if paths is None or stored is None else project(paths, stored)
        reply = self.call("GetItem", request)

        assert (wanted is None) is ("Item" not in reply)
        assert same(wanted or {}, item_from_wire(reply.get("Item", {})))
        kilobytes = -(-item_size(stored or {}) // 4096)
        assert max(1, kilobytes) / 2 == reply["ConsumedCapacity"]["CapacityUnits"]

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

    # --- several items --------------------------------------------------------------------

    @has_tables
    @rule(data=st.data(), odd=st.booleans(), count=st.integers(1, 5))
    def batch_write(self, data, odd, count) -> None:
        """Put and delete several items."""
        self.batch(data, count, odd, "Put Delete")

    def batch(self, data, count: int, odd: bool = False, kinds: str = "Put") -> None:
        """Write a batch."""
        drawn = [self.action(data, kinds) for _ in range(count)]
        actions = [Action(one.kind, one.table, one.item) for one in drawn]
        asked: dict[str, list[Any]] = {}
        for one in actions:
            member, inner = ("PutRequest", "Item") if one.kind == "Put" else ("DeleteRequest", "Key")
            asked.setdefault(one.table, []).append({member: {inner: item_to_wire(one.item, odd)}})
        reply, _ = self.both("BatchWriteItem", {"RequestItems": asked}, lambda: self.model.batch(actions))
        assert reply is None or reply["UnprocessedItems"] == {}

    @has_tables
    @rule(data=st.data(), count=st.integers(1, 5), paths=st.none() | PROJECTIONS)
    def batch_get(self, data, count, paths) -> None:
        """Read several items."""
        table = self.some_table(data)
        wanted = [data.draw(keys(table)) for _ in range(count)]
        paths = self.legal(table, paths)
        found = {table.key(key): table.items.get(table.key(key)) for key in wanted}
        asked = {"Keys": [item_to_wire(key) for key in wanted], **self.projection(paths)}

        def do() -> list[Any]:
            if len(found) < len(wanted):
                raise Refused
            return [item if paths is None else project(paths, item) for item in found.values() if item is not None]

        reply, expected = self.both("BatchGetItem", {"RequestItems": {table.name: asked}}, do)
        if reply is not None:
            got = [item_from_wire(item) for item in reply["Responses"].get(table.name, [])]
            assert len(expected) == len(got)
            assert all(any(same(one, other) for other in got) for one in expected)

    @has_tables
    @rule(data=st.data(), odd=st.booleans(), count=st.integers(1, 4), token=st.none() | st.sampled_from(["t1", "t2"]))
    def transact(self, data, odd, count, token) -> None:
        """Write several items, all or none."""
        actions = [self.action(data, "Put Put Delete Update Update ConditionCheck") for _ in range(count)]
        actions = [one for one in actions if one.kind != "Update" or one.clauses]
        if not actions:
            return
        request: dict[str, Any] = {"TransactItems": [{one.kind: self.written(one, odd)} for one in actions]}
        if token is not None:
            request["ClientRequestToken"] = token
            self.repeatable.append((request, actions, token))
        self.both("TransactWriteItems", request, lambda: self.model.transact(actions, token))

    @precondition(lambda self: self.repeatable)
    @rule(data=st.data())
    def repeat(self, data) -> None:
        """Send a transaction again, with its token."""
        request, actions, token = data.draw(st.sampled_from(self.repeatable))
        if all(action.table in self.model.tables for action in actions) and self.still_fit(actions):
            self.both("TransactWriteItems", request, lambda: self.model.transact(actions, token))

    def still_fit(self, actions: list[Action]) -> bool:
        """Tell whether the tables have the keys that they had, and no index is in the way."""
        found = [(action, self.model.tables[action.table]) for action in actions]
        return all(
            all(part.fits(action.item) for part in table.parts)
            and (action.kind == "Put" or len(action.item) == len(table.parts))
            and self._fits(table)(action.clauses)
            and not {path[0] for _, path, *_ in action.clauses} & {part.name for part in table.parts}
            and action.condition is None
            for action, table in found
        )

    @has_tables
    @rule(data=st.data(), count=st.integers(1, 4))
    def transact_get(self, data, count) -> None:
        """Read several items at one moment."""
        asked = [(table := self.some_table(data), data.draw(keys(table))) for _ in range(count)]
        places = {(table.name, table.key(key)) for table, key in asked}
        gets = [{"Get": {"TableName": table.name, "Key": item_to_wire(key)}} for table, key in asked]

        def do() -> list[Any]:
            if len(places) < len(asked):
                raise Refused
            return [table.items.get(table.key(key)) for table, key in asked]

        reply, expected = self.both("TransactGetItems", {"TransactItems": gets}, do)
        if reply is not None:
            got = [item_from_wire(one["Item"]) if "Item" in one else None for one in reply["Responses"]]
            assert all(same(one or {}, other or {}) for one, other in zip(expected, got, strict=True))

    # --- searching ------------------------------------------------------------------------

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

    @has_tables
    @rule(
        data=st.data(), limit=st.integers(1, 4), reverse=st.booleans(), filtered=st.booleans(), odd=st.booleans(),
        paths=st.none() | PROJECTIONS,
    )  # fmt: skip
    def query(self, data, limit, reverse, filtered, odd, paths) -> None:
        """Query a table or an index, in pages of all sizes."""
        self.settle()
        table = self.some_table(data)
        index = self.some_index(data, table)
        place = table if index is None else index
        stored = table.read(index)
        ask = data.draw(key_conditions(place, sorted(stored, key=repr)))
        words = Words(odd)
        request: dict[str, Any] = {"TableName": table.name, "KeyConditionExpression": self.key_text(ask, words)}
        if index is not None:
            request["IndexName"] = index.name
        searched = searchable(table, index, True)
        condition = data.draw(conditions(searched)) if filtered and searched else None
        if condition is not None:
            request["FilterExpression"] = written(condition, words)
        request["ScanIndexForward"] = not reverse
        paths = self.shown(table, index, paths)
        if paths is not None:
            request["ProjectionExpression"] = ", ".join(map(words.path, paths))
        request |= words.members()
        self.check_search("Query", request, table, index, [one for one in stored if ask.fits(one)], condition, limit, paths)
        if paths is None:
            got = [item_from_wire(item) for item in self.pages("Query", request)]
            rows = [[order(item[part.name]) for part in place.range] for item in got]
            assert sorted(rows, reverse=reverse) == rows

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
            assert sorted(map(repr, map(canonical, wanted))) == sorted(map(repr, map(canonical, plain))), request
        assert got == self.pages(operation, {**request, "Limit": limit})
        if paths is None:
            assert len(got) == len(self.pages(operation, {**request, "Select": "COUNT"}))

    @has_tables
    @rule(data=st.data(), limit=st.integers(1, 4), filtered=st.booleans(), total=st.integers(1, 5), paths=st.none() | PROJECTIONS)
    def scan(self, data, limit, filtered, total, paths) -> None:
        """Scan a table or an index, whole and in segments."""
        self.settle()
        table = self.some_table(data)
        index = self.some_index(data, table)
        words = Words()
        request: dict[str, Any] = {"TableName": table.name}
        if index is not None:
            request["IndexName"] = index.name
        condition = data.draw(conditions(searchable(table, index, False))) if filtered else None
        if condition is not None:
            request["FilterExpression"] = written(condition, words)
        paths = self.shown(table, index, paths)
        if paths is not None:
            request["ProjectionExpression"] = ", ".join(map(words.path, paths))
        request |= words.members()
        self.check_search("Scan", request, table, index, table.read(index), condition, limit, paths)
        segments = [{**request, "TotalSegments": total, "Segment": number} for number in range(total)]
        assert self.pages("Scan", request) == [item for one in segments for item in self.pages("Scan", one)]

    @has_tables
    @rule(data=st.data(), limit=st.integers(1, 3))
    def delete_between_pages(self, data, limit) -> None:
        """A page goes on where the last one ended, also when that item is gone."""
        table = self.some_table(data)
        request = {"TableName": table.name, "Limit": limit}
        whole = self.pages("Scan", request)
        reply = self.call("Scan", request)
        if "LastEvaluatedKey" in reply:
            start = reply["LastEvaluatedKey"]
            self.call("DeleteItem", {"TableName": table.name, "Key": start})
            del table.items[table.key(item_from_wire(start))]
            rest = self.pages("Scan", {**request, "ExclusiveStartKey": start})
            assert whole[reply["ScannedCount"] :] == rest

    # --- time and files -------------------------------------------------------------------

    @rule(seconds=st.sampled_from([1.0, 3.0, 10.0, 650.0]))
    def wait(self, seconds) -> None:
        """Let time pass, and have expired items deleted by the next request."""
        self.model.now += seconds
        self.call("ListTables", {})
        self.model.reap()

    @rule()
    def reopen(self) -> None:
        """Open a file again."""
        if "{file}" in self.url:
            self.engine.close()
            self.check_file()
            self.open()
            self.call("ListTables", {})
            self.model.reap()

    # --- looking --------------------------------------------------------------------------

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
        stored = by_key(table, [item_from_wire(entry.item) for entry in entries])
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


def canonical(value: Any) -> Any:
    """Return a value whose repr is the same for equal values."""
    if isinstance(value, dict):
        return sorted((name, canonical(one)) for name, one in value.items())
    if isinstance(value, list):
        return [canonical(one) for one in value]
    if isinstance(value, frozenset):
        return ("set", sorted(map(repr, value)))
    return value.normalize() if hasattr(value, "normalize") else value


class FileMachine(EngineMachine):
    """The same in a file of SQLite, which is opened again now and then."""

    url = "sqlite:///{file}"


class LaggingMachine(EngineMachine):
    """The same with global indexes that lag behind."""

    lag_seconds = 2.0

    def settle(self) -> None:
        """Let global indexes catch up."""
        self.model.now += 3.0
        self.call("ListTables", {})
        self.model.reap()


def limits(examples: int, steps: int, **more: Any) -> settings:
    """Return how much is tried."""
    return settings(
        **more,
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )


TestMemory = EngineMachine.TestCase
TestMemory.settings = limits(20, 25)
TestFile = FileMachine.TestCase
TestFile.settings = limits(8, 25)
TestLagging = LaggingMachine.TestCase
TestLagging.settings = limits(8, 25)


def main(examples: int) -> None:
    """Run all machines at length."""
    for machine in (EngineMachine, FileMachine, LaggingMachine):
        start = time.perf_counter()
        run_state_machine_as_test(machine, settings=limits(examples, 100, phases=[Phase.generate], database=None))
        print(f"{machine.__name__}: {machine.steps} calls in {time.perf_counter() - start:.0f} s")  # noqa: T201


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100)
