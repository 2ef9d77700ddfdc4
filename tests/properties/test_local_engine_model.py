"""The embedded engine against a model, call by call: ``python -m tests.properties.test_local_engine_model``.

After each call, everything that is stored is compared: items, entries of indexes, totals.
"""

from __future__ import annotations

import sys
import time
from decimal import Decimal
from typing import Any

import msgspec
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.localmodel import Action, Table
from tests.localmodel_conditions import PATHS, Words, conditions, written
from tests.localmodel_draws import (
    as_request,
    definitions,
    global_index,
    index_request,
    key_conditions,
    keys,
    searchable,
    tables,
)
from tests.localmodel_machine import Calling
from tests.localmodel_updates import returned
from tests.localmodel_values import (
    Refused,
    item_from_wire,
    item_size,
    item_to_wire,
    order,
    project,
    same,
)

NAMES = ["one", "two"]
ABSENT = "absent"
RETURNS = ["NONE", "ALL_OLD", "ALL_NEW", "UPDATED_OLD", "UPDATED_NEW"]
PROJECTIONS = st.lists(
    st.sampled_from([*PATHS, ("h",), ("t",)]), min_size=1, max_size=3, unique_by=lambda path: path[0]
)


class EngineMachine(Calling):
    """Random calls on the engine and on the model."""

    @initialize(data=st.data())
    def begin(self, data) -> None:
        """Begin with two tables and some items."""
        self.open()
        for name in NAMES:
            self.model.tables[name] = table = data.draw(tables(name))
            self.call("CreateTable", as_request(table))
            self.set_ttl(table, data.draw(st.booleans()))
        for _ in range(data.draw(st.integers(1, 5))):
            self.batch(data, 5)

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
            self.both(
                "DeleteTable",
                {"TableName": name},
                lambda: (self.model.table(name), self.model.tables.pop(name)),
            )

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
            request = {
                "TableName": table.name,
                "GlobalSecondaryIndexUpdates": [{"Delete": {"IndexName": name}}],
            }
            self.both("UpdateTable", request, lambda: table.indexes.pop(name))

    @has_tables
    @rule(data=st.data(), enabled=st.booleans())
    def set_expiry(self, data, enabled) -> None:
        """Turn expiry on or off."""
        self.set_ttl(self.some_table(data), enabled)

    def set_ttl(self, table: Table, enabled: bool) -> None:
        """Turn expiry of a table on or off."""

        def do() -> None:
            if enabled is (table.ttl is not None):
                raise Refused
            table.ttl = "t" if enabled else None

        specification = {"AttributeName": "t", "Enabled": enabled}
        self.both("UpdateTimeToLive", {"TableName": table.name, "TimeToLiveSpecification": specification}, do)

    @has_tables
    @rule(data=st.data(), count=st.integers(1, 4))
    def write(self, data, count) -> None:
        """Put, update or delete some items, one by one."""
        for _ in range(count):
            self.write_one(
                data, data.draw(st.booleans()), data.draw(st.sampled_from(RETURNS)), data.draw(st.booleans())
            )

    def write_one(self, data, odd: bool, returns: str, shows: bool) -> None:
        """Put, update or delete an item."""
        action = self.action(data, "Put Update Update Delete")
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
            reply = msgspec.json.decode(
                self.engine.send(f"{action.kind}Item", msgspec.json.encode(request)).body
            )
            if "Item" in reply:
                assert same(stored, item_from_wire(reply["Item"]))

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
            return [
                item if paths is None else project(paths, item) for item in found.values() if item is not None
            ]

        reply, expected = self.both("BatchGetItem", {"RequestItems": {table.name: asked}}, do)
        if reply is not None:
            got = [item_from_wire(item) for item in reply["Responses"].get(table.name, [])]
            assert len(expected) == len(got)
            assert all(any(same(one, other) for other in got) for one in expected)

    @has_tables
    @rule(
        data=st.data(),
        odd=st.booleans(),
        count=st.integers(1, 4),
        token=st.none() | st.sampled_from(["t1", "t2"]),
    )
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

    @has_tables
    @rule(data=st.data(), seconds=st.sampled_from([1.0, 300.0, 650.0]))
    def repeat_soon(self, data, seconds) -> None:
        """Count in a transaction, and send it again later."""
        table = self.some_table(data)
        count = [("SET", ("x",), ("+", ("default", ("x",), ("value", Decimal(1))), ("value", Decimal(1))))]
        if any(part.name == "x" for index in table.indexes.values() for part in index.parts):
            return
        actions = [Action("Update", table.name, data.draw(keys(table)), count)]
        token = f"soon {self.model.now}"
        request = {
            "TransactItems": [{"Update": self.written(actions[0], False)}],
            "ClientRequestToken": token,
        }
        for _ in range(2):
            self.both("TransactWriteItems", request, lambda: self.model.transact(actions, token))
            self.wait(seconds)

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
        request: dict[str, Any] = {
            "TableName": table.name,
            "KeyConditionExpression": self.key_text(ask, words),
        }
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
        expected = [one for one in stored if ask.fits(one)]
        if index is not None and not index.is_global and condition is None and paths is None and odd:
            request["Select"] = "ALL_ATTRIBUTES"  # fetched from the table
            expected = [table.items[table.key(one)] for one in expected]
        self.check_search("Query", request, table, index, expected, condition, limit, paths)
        if paths is None:
            got = [item_from_wire(item) for item in self.pages("Query", request)]
            rows = [[order(item[part.name]) for part in place.range] for item in got]
            assert sorted(rows, reverse=reverse) == rows

    @has_tables
    @rule(
        data=st.data(),
        limit=st.integers(1, 4),
        filtered=st.booleans(),
        total=st.integers(1, 5),
        paths=st.none() | PROJECTIONS,
    )
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

    @rule(seconds=st.sampled_from([1.0, 3.0, 10.0, 650.0]))
    def pass_time(self, seconds) -> None:
        """Let time pass."""
        self.wait(seconds)

    def wait(self, seconds: float) -> None:
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


class FileMachine(EngineMachine):
    """The same in a file of SQLite, which is opened again now and then."""

    url = "sqlite:///{file}"


class LaggingMachine(EngineMachine):
    """The same with global indexes that lag behind."""

    lag_seconds = 2.0

    def settle(self) -> None:
        """Let global indexes catch up; what expires meanwhile leaves them later."""
        expired = 1
        while expired:
            self.model.now += 3.0
            self.call("ListTables", {})
            expired = self.model.reap()


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
        run_state_machine_as_test(
            machine, settings=limits(examples, 100, phases=[Phase.generate], database=None)
        )
        print(f"{machine.__name__}: {machine.steps} calls in {time.perf_counter() - start:.0f} s")  # noqa: T201


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100)
