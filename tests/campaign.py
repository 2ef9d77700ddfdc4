"""Many operations through `DynamoTable`, with faults all around, against an oracle.

For every key the oracle knows the set of states that it may be in: one after an
acknowledgement, more after an unknown outcome. Whatever is read, refused or left in the
service at the end must fit. ``python -m tests.campaign SEED OPERATIONS RATE`` runs a long one.
"""

from __future__ import annotations

import random
import sys
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import attrs

from dynamo_objects import DynamoRecord, DynamoTable, HashKey, RangeKey
from dynamo_objects.codec.values import Item
from dynamo_objects.connection.attempts import RetryPolicy
from dynamo_objects.connection.connection import Connection
from dynamo_objects.connection.transport import Transport
from dynamo_objects.database import DynamoDatabase
from dynamo_objects.errors import (
    BatchFailed,
    ConflictError,
    DynamoException,
    ItemExists,
    ItemNotFound,
    OutcomeUnknown,
)
from dynamo_objects.operations.item import GetItem
from tests.dictservice import DictService
from tests.transports import FaultTransport, VirtualClock

__all__ = ["Campaign", "Outcome", "connect", "run", "stored"]

#: Hash values of one worker, and range values of each.
NAMES, PARTS = 12, 4

Key = tuple[str, int]


class Thing(DynamoRecord):
    """What is stored."""

    id: str = ""
    at: int = 0
    text: str = ""
    count: int = 0


class ThingTable(DynamoTable[Thing]):
    """Where it is stored."""

    table_name = "things"
    schema = [HashKey("id"), RangeKey("at")]
    consistent_read = True


@attrs.frozen
class State:
    """What an item says besides its key."""

    text: str
    count: int


#: None: there is no item.
Possible = State | None
Change = Callable[[Possible], Possible]


class NotPossible(Exception):
    """A change that cannot have happened in this state."""


def connect(name: str, transport: Transport, clock: VirtualClock) -> DynamoDatabase:
    """Return a database over a transport, on virtual time."""
    database = DynamoDatabase(name)
    database.disconnect()
    database.connect(transport=transport)
    assert database._state is not None
    database._state.connection = Connection(
        transport,
        RetryPolicy(),
        max_parallel=3,
        clock=clock,
        sleep=clock.sleep,
        chance=lambda: 0.5,
    )
    return database


class Oracle:
    """What every key may hold."""

    def __init__(self) -> None:
        self.violations: list[str] = []
        self._possible: dict[Key, set[Possible]] = {}

    def of(self, key: Key) -> set[Possible]:
        """Return the states that a key may be in."""
        return self._possible.setdefault(key, {None})

    def seen(self, key: Key, state: Possible, how: str) -> None:
        """Take note of a state that was read."""
        if state not in self.of(key):
            kind = "false absent" if state is None else "lost or applied twice"
            self._violated(key, f"{kind}: {how} gave {state}")
        self._possible[key] = {state}

    def overtaken(self, key: Key, state: Possible) -> None:
        """Take note of a state that came about behind everybody's back."""
        self._possible[key] = {state}

    def acknowledged(self, key: Key, change: Change, how: str) -> None:
        """Take note of a change that was carried out."""
        after = _all_after(self.of(key), change)
        if not after:
            self._violated(key, f"acknowledged what cannot have happened: {how}")
            after = {None}
        self._possible[key] = after

    def unknown(self, key: Key, change: Change) -> None:
        """Take note of a change that may have been carried out."""
        self._possible[key] = self.of(key) | _all_after(self.of(key), change)

    def refused(self, key: Key, holds: Callable[[Possible], bool], how: str) -> None:
        """Take note of a refusal, which holds for some states only."""
        left = {state for state in self.of(key) if holds(state)}
        if not left:
            self._violated(key, f"refused without a reason: {how}")
            return
        self._possible[key] = left

    def _violated(self, key: Key, what: str) -> None:
        self.violations.append(f"{key}: {what}; possible were {self.of(key)}")


def _all_after(states: set[Possible], change: Change) -> set[Possible]:
    after = set()
    for state in states:
        with suppress(NotPossible):
            after.add(change(state))
    return after


def _always(new: Possible) -> Change:
    return lambda state: new


def _state(record: Any) -> State:
    return State(record.text, record.count)


@attrs.define
class Outcome:
    """What a campaign counted."""

    operations: int = 0
    faults: Counter[str] = attrs.field(factory=Counter)
    results: Counter[str] = attrs.field(factory=Counter)
    requests: int = 0
    violations: list[str] = attrs.field(factory=list)

    def __str__(self) -> str:
        results = ", ".join(f"{name} {count}" for name, count in self.results.most_common())
        faults = ", ".join(f"{name} {count}" for name, count in sorted(self.faults.items()))
        return (
            f"{self.operations} operations, {self.requests} requests, {self.faults.total()} faults, "
            f"{len(self.violations)} violations\nresults: {results}\nfaults: {faults}"
        )


class Campaign:
    """One worker: the only writer of its own keys."""

    def __init__(self, table: ThingTable, worker: int, seed: int | str) -> None:
        self.oracle = Oracle()
        self.results: Counter[str] = Counter()
        self._table = table
        self._worker = worker
        self._random = random.Random(f"{seed}/{worker}")
        self._number = 0

    def run(self, operations: int) -> None:
        """Do any number of operations."""
        verbs = [
            self.create, self.create, self.change, self.change, self.overwrite, self.put, self.count,
            self.count, self.count, self.delete, self.get, self.contains, self.query,
            self.get_many, self.save_many, self.delete_many,
        ]  # fmt: skip
        for _ in range(operations):
            self._random.choice(verbs)()

    def check(self, connection: Connection) -> None:
        """Compare what is stored with what may be stored."""
        for name in map(self._name, range(NAMES)):
            for at in range(PARTS):
                key = {"id": {"S": name}, "at": {"N": str(at)}}
                item = connection.call(GetItem(self._table.full_name, key, consistent=True))
                self.oracle.seen((name, at), None if item is None else stored(item), "the service")

    # --- verbs --------------------------------------------------------------------------------

    def create(self) -> None:
        """Save a new record."""
        key, once = self._key(), self._once()
        record = self._new(key)
        new = _state(record)

        def change(state: Possible) -> Possible:
            if state is not None:
                raise NotPossible
            return new

        def call() -> None:
            try:
                self._table.save(record, exactly_once=once)
            except ItemExists as exists:
                if exists.item is not None:
                    self.oracle.seen(key, stored(exists.item), "ItemExists")
                raise

        self._write(key, change, call, {ItemExists: lambda state: state is not None}, "create")

    def change(self) -> None:
        """Load a record, change it, save it."""
        key, once = self._key(), self._once()
        record = self._found(key)
        if record is None:
            return
        old, text = _state(record), self._text()
        record.text = text

        def change(state: Possible) -> Possible:
            if state is None or state.text != old.text:
                raise NotPossible
            return State(text, state.count)

        def differs(state: Possible) -> bool:
            return state is None or state.text != old.text

        def call() -> None:
            self._table.save(record, exactly_once=once)

        self._write(key, change, call, {ConflictError: differs}, "change")

    def overwrite(self) -> None:
        """Save a new record whatever is there."""
        key = self._key()
        record = self._new(key)
        new = _state(record)
        self._write(key, lambda state: new, lambda: self._table.save(record, overwrite=True), {}, "overwrite")

    def put(self) -> None:
        """Set a field without reading."""
        key, text = self._key(), self._text()

        def change(state: Possible) -> Possible:
            return State(text, 0 if state is None else state.count)

        def call() -> None:
            record = self._table.update(*key, put={"text": text}, exactly_once=once)
            self.oracle.acknowledged(key, change, "put")
            self.oracle.seen(key, _state(record), "put")

        once = self._once()
        self._write(key, change, call, {}, "put", is_told=True)

    def count(self) -> None:
        """Add one to a field: what must never happen twice."""
        key, once = self._key(), self._once()

        def change(state: Possible) -> Possible:
            return State("", 1) if state is None else State(state.text, state.count + 1)

        def call() -> None:
            values = self._table.update_counter(*key, count=1, exactly_once=once)
            self.oracle.acknowledged(key, change, "count")
            self.oracle.refused(
                key, lambda state: state is not None and state.count == values["count"], f"counted {values}"
            )

        self._write(key, change, call, {}, "count", is_told=True)

    def delete(self) -> None:
        """Delete a record and look at it."""
        key, once = self._key(), self._once()

        def change(state: Possible) -> Possible:
            if state is None:
                raise NotPossible
            return None

        def call() -> None:
            record = self._table.delete(*key, exactly_once=once)
            self.oracle.seen(key, _state(record), "delete")

        self._write(key, change, call, {ItemNotFound: lambda state: state is None}, "delete")

    def get(self) -> None:
        """Read a record."""
        self._found(self._key())

    def contains(self) -> None:
        """Ask whether a record is there."""
        key = self._key()

        def call() -> None:
            there = key in self._table
            self.oracle.refused(key, lambda state: (state is not None) == there, f"contains: {there}")

        self._read(call, "contains")

    def query(self) -> None:
        """Read all records of one hash value."""
        name = self._name(self._random.randrange(NAMES))

        def call() -> None:
            found = {record.at: record for record in self._table.query(name, max_page_size=2)}
            for at in range(PARTS):
                self.oracle.seen((name, at), _state(found[at]) if at in found else None, "query")

        self._read(call, "query")

    def get_many(self) -> None:
        """Read several records by their keys."""
        keys = self._keys()

        def call() -> None:
            found = self._table.get_many(keys)
            for key in keys:
                self.oracle.seen(key, _state(found[key]) if key in found else None, "get_many")

        self._read(call, "get_many")

    def save_many(self) -> None:
        """Store several records whatever is there."""
        records = [self._new(key) for key in self._keys()]
        news = {(record.id, record.at): _state(record) for record in records}
        self._write_many(
            {key: _always(new) for key, new in news.items()},
            lambda: self._table.save_many(records),
            "save_many",
        )

    def delete_many(self) -> None:
        """Delete several records."""
        keys = self._keys()
        self._write_many(
            {key: lambda state: None for key in keys}, lambda: self._table.delete_many(keys), "delete_many"
        )

    # --- parts --------------------------------------------------------------------------------

    def _write(
        self,
        key: Key,
        change: Change,
        call: Callable[[], Any],
        refusals: dict[type[DynamoException], Callable[[Possible], bool]],
        name: str,
        *,
        is_told: bool = False,
    ) -> None:
        try:
            call()
        except OutcomeUnknown:
            self.oracle.unknown(key, change)
            self.results["unknown"] += 1
        except tuple(refusals) as error:
            self.oracle.refused(key, next(h for kind, h in refusals.items() if isinstance(error, kind)), name)
            self.results[type(error).__name__] += 1
        except DynamoException as error:
            if "was carried out" in str(error):  # only the new values could not be read
                self.oracle.acknowledged(key, change, name)
            self.results[type(error).__name__] += 1
        else:
            if not is_told:
                self.oracle.acknowledged(key, change, name)
            self.results[name] += 1

    def _write_many(self, changes: dict[Key, Change], call: Callable[[], Any], name: str) -> None:
        failed: set[Key] = set()
        try:
            call()
        except BatchFailed as error:
            failed = {failure.key for failure in error.failures}
            self.results[f"{name} failed for some"] += 1
            if not failed <= set(changes):
                self.oracle.violations.append(f"{name} names keys that were not asked for")
        else:
            self.results[name] += 1
        for key, change in changes.items():
            if key in failed:
                self.oracle.unknown(key, change)
            else:
                self.oracle.acknowledged(key, change, name)

    def _read(self, call: Callable[[], None], name: str) -> None:
        try:
            call()
        except DynamoException as error:
            self.results[type(error).__name__] += 1
        else:
            self.results[name] += 1

    def _found(self, key: Key) -> Thing | None:
        try:
            record = self._table.get(*key)
        except ItemNotFound:
            self.oracle.seen(key, None, "get")
            self.results["get absent"] += 1
            return None
        except DynamoException as error:
            self.results[type(error).__name__] += 1
            return None
        self.oracle.seen(key, _state(record), "get")
        self.results["get"] += 1
        return record

    def _name(self, number: int) -> str:
        return f"worker {self._worker}, thing {number}"

    def _key(self) -> Key:
        return self._name(self._random.randrange(NAMES)), self._random.randrange(PARTS)

    def _keys(self) -> list[Key]:
        every = [(self._name(number), at) for number in range(NAMES) for at in range(PARTS)]
        return self._random.sample(every, self._random.randrange(2, 40))

    def _once(self) -> bool:
        return self._random.random() < 0.3

    def _text(self) -> str:
        self._number += 1
        return f"text {self._number}"

    def _new(self, key: Key) -> Thing:
        return Thing(id=key[0], at=key[1], text=self._text())


def stored(item: Item) -> State:
    """Return the state that an item says."""
    return State(item.get("text", {"S": ""})["S"], int(item.get("count", {"N": "0"})["N"]))


def run(
    seed: int, operations: int, rate: float, *, workers: int = 3, service: Transport | None = None
) -> Outcome:
    """Run a campaign of several threads and return what came of it.

    Args:
        service: What keeps the items; left out, a new one.
    """
    service, clock = service or DictService(), VirtualClock()
    transport = FaultTransport(service, seed=seed, rate=0.0, clock=clock)
    database = connect("campaign", transport, clock)
    table = ThingTable(database=database)
    transport.rate = rate
    campaigns = [Campaign(table, worker, seed) for worker in range(workers)]
    threads = [threading.Thread(target=each.run, args=(operations // workers,)) for each in campaigns]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    outcome = Outcome(operations // workers * workers, transport.faults, requests=transport.requests)
    for each in campaigns:
        each.check(Connection(service))
        outcome.results += each.results
        outcome.violations += each.oracle.violations
    database.disconnect()
    return outcome


if __name__ == "__main__":
    arguments = sys.argv[1:] or ["1", "20000", "0.3"]
    found = run(int(arguments[0]), int(arguments[1]), float(arguments[2]))
    sys.stdout.write("\n".join([str(found), *found.violations[:20], ""]))
    sys.exit(bool(found.violations))
