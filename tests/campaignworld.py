"""What the jobs of a campaign share: two kinds of records, a way behind everybody's back, and the accounts.

One episode is alone in its world: nobody but its jobs writes, one after the other. So what is stored is known
before each call, and after it only a few states are right: one after an acknowledgement, the old one after a
refusal, either of them where nobody knows. Whoever plays the rival goes through the back door, without faults.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import attrs

from dynamo_objects import DynamoRecord, DynamoTable, HashKey, RangeKey, field
from dynamo_objects.codec.values import Item
from dynamo_objects.connection.connection import Connection
from dynamo_objects.connection.transport import Transport
from dynamo_objects.database import DynamoDatabase
from dynamo_objects.operations.batch import BatchGetItem, key_identity
from dynamo_objects.operations.item import DeleteItem, GetItem, PutItem
from tests.campaignfaults import Chooser
from tests.dictservice import DictService

__all__ = [
    "ABSENT", "NAMES", "PARTS", "Back", "CountedTable", "Key", "Ledger", "PlainTable", "Possible", "State",
    "Table", "World", "state_of",
]  # fmt: skip

#: Hash values, and range values of each.
NAMES, PARTS = 8, 12

Key = tuple[str, int]
#: A table of the world, by its short name.
Table = str


class State(NamedTuple):
    """What an item says besides its key."""

    text: str = ""
    note: str = ""
    count: int = 0  # type: ignore[assignment]  # a method of tuples
    tags: tuple[str, ...] = ()
    version: int = 0


Possible = State | None
#: What a new record begins with.
ABSENT = State()


class Plain(DynamoRecord):
    """A record; of a batch write the last writer wins."""

    id: str = ""
    at: int = 0
    text: str = ""
    note: str = ""
    count: int = field(default=0, merge="sum")
    tags: set[str] = field(default=set(), merge="union")


class Counted(DynamoRecord):
    """The same with a version."""

    id: str = ""
    at: int = 0
    text: str = ""
    note: str = ""
    count: int = field(default=0, merge="sum")
    tags: set[str] = field(default=set(), merge="union")
    version: int = field(default=0, version=True)


class PlainTable(DynamoTable[Plain]):
    """Where records without versions are."""

    table_name = "plain"
    schema = [HashKey("id"), RangeKey("at")]
    consistent_read = True


class CountedTable(DynamoTable[Counted]):
    """Where records with versions are."""

    table_name = "counted"
    schema = [HashKey("id"), RangeKey("at")]
    consistent_read = True


def state_of(record: Any) -> State:
    """Return what a record says."""
    return State(
        record.text, record.note, record.count, tuple(sorted(record.tags)), getattr(record, "version", 0)
    )


def _stored(item: Item) -> State:
    return State(
        item["text"]["S"] if "text" in item else "",
        item["note"]["S"] if "note" in item else "",
        int(item["count"]["N"]) if "count" in item else 0,
        tuple(sorted(item["tags"]["SS"])) if "tags" in item else (),
        int(item["version"]["N"]) if "version" in item else 0,
    )


def _item(key: Key, state: State) -> Item:
    item: dict[str, Any] = {"id": {"S": key[0]}, "at": {"N": str(key[1])}, "count": {"N": str(state.count)}}
    if state.text:
        item["text"] = {"S": state.text}
    if state.note:
        item["note"] = {"S": state.note}
    if state.tags:
        item["tags"] = {"SS": list(state.tags)}
    if state.version:
        item["version"] = {"N": str(state.version)}
    return item


def _wire(key: Key) -> Item:
    return {"id": {"S": key[0]}, "at": {"N": str(key[1])}}


class Back:
    """The back door to what is stored, without faults.

    Args:
        service: Keeps the items.
    """

    def __init__(self, service: Transport) -> None:
        self._tables = service.tables if isinstance(service, DictService) else None
        self._connection = Connection(service)
        self._seen: dict[tuple[str, Key], Possible] = {}

    def get(self, table: str, key: Key) -> Possible:
        """Return what is stored."""
        if (table, key) in self._seen:
            return self._seen.pop((table, key))
        wire = _wire(key)
        if self._tables is not None:
            item = self._tables[table].items.get(key_identity(wire))
        else:
            item = self._connection.call(GetItem(table, wire, consistent=True))
        return None if item is None else _stored(item)

    def look_ahead(self, table: str, keys: Iterable[Key]) -> None:
        """Read some keys with a few requests; the next ``get`` of each tells what was found."""
        if self._tables is not None:
            return
        wanted = list(keys)
        self._seen.clear()
        for start in range(0, len(wanted), 100):
            part = wanted[start : start + 100]
            read = self._connection.call(BatchGetItem(table, [_wire(key) for key in part], True))
            assert not read.unprocessed  # without faults, and of small items
            found = {(item["id"]["S"], int(item["at"]["N"])): _stored(item) for item in read.items}
            self._seen.update({(table, key): found.get(key) for key in part})

    def put(self, table: str, key: Key, state: Possible) -> None:
        """Store something, or delete it."""
        self._seen.pop((table, key), None)
        if state is None:
            self._connection.call(DeleteItem(table, _wire(key)))
        else:
            self._connection.call(PutItem(table, _item(key, state)))


@attrs.define
class Ledger:
    """What was done, and what was found.

    Attributes:
        operations: What was asked for one key: read, written, deleted or counted by a table, found in a
            MemoryTable, or written by its flush.
        requests: Requests that reached the transport.
        faults: How often each kind has happened.
        crashes: By the place of the death.
        results: How jobs and flushes have ended.
        violations: (kind, what was wrong).
    """

    operations: int = 0
    requests: int = 0
    faults: Counter[str] = attrs.field(factory=Counter)
    crashes: Counter[str] = attrs.field(factory=Counter)
    results: Counter[str] = attrs.field(factory=Counter)
    violations: list[tuple[str, str]] = attrs.field(factory=list)

    def add(self, other: Ledger) -> None:
        """Add another one."""
        self.operations += other.operations
        self.requests += other.requests
        self.faults += other.faults
        self.crashes += other.crashes
        self.results += other.results
        self.violations += other.violations


class World:
    """One episode's tables, and what is known of them.

    Attributes:
        chance: Decides everything.
        ledger: The accounts.
        chooser: Of the faults.
        transport: What the library sends by.
        folder: For journals.
        most_atomic: Records in one transaction.
    """

    def __init__(
        self,
        seed: str,
        database: DynamoDatabase,
        service: Transport,
        chooser: Chooser,
        transport: Any,
        folder: Path,
        *,
        most_atomic: int = 100,
    ) -> None:
        self.chance = random.Random(seed)
        self.ledger = Ledger()
        self.chooser = chooser
        self.transport = transport
        self.folder = folder
        self.most_atomic = most_atomic
        self.database = database
        self.tables: dict[Table, DynamoTable[Any]] = {
            "plain": PlainTable(database=database),
            "counted": CountedTable(database=database),
        }
        self.job = ""
        self.service = service
        self.verbs: Any = None
        self._back = Back(service)
        self._names = {name: table.full_name for name, table in self.tables.items()}
        self._truth: dict[tuple[Table, Key], Possible] = {}
        self._number = 0

    # --- what is stored -------------------------------------------------------------------------

    def truth(self, table: Table, key: Key) -> Possible:
        """Return what was stored when somebody looked last."""
        return self._truth.get((table, key))

    def look(self, table: Table, key: Key, allowed: Iterable[Possible], kind: str, how: str) -> Possible:
        """Look at what is stored after a call, and complain if it is none of what is allowed.

        Args:
            kind: Of the complaint, where no better one is found.
        """
        now, before = self._back.get(self._names[table], key), self.truth(table, key)
        if now not in (states := list(allowed)):
            most = max((state.count for state in states if state is not None), default=0)
            if (
                now is not None
                and now.count > most
                and len(states)
                and now.text in [s.text for s in states if s]
            ):
                kind = "double apply"
            self.violated(kind, f"{table} {key}: {how}: was {before}, is {now}, allowed {states}")
        self._truth[table, key] = now
        return now

    def look_ahead(self, table: Table, keys: Iterable[Key]) -> None:
        """Look at several keys at once, of which each is looked at next."""
        self._back.look_ahead(self._names[table], keys)

    def now(self, table: Table, key: Key) -> Possible:
        """Return what is stored, whatever it should be."""
        return self._back.get(self._names[table], key)

    def rival(self, table: Table, key: Key, state: Possible) -> None:
        """Write something behind everybody's back."""
        self._back.put(self._names[table], key, state)
        self._truth[table, key] = state

    def check_all(self) -> None:
        """Compare everything that is stored with what is known."""
        for table in self.tables:
            self.look_ahead(table, self.every_key())
            for key in self.every_key():
                self.look(table, key, [self.truth(table, key)], "lost", "at the end of the episode")

    def violated(self, kind: str, what: str) -> None:
        """Take note of something that must not be."""
        self.ledger.violations.append((kind, f"job {self.job}: {what}"))

    def read(self, table: Table, key: Key, found: Possible, how: str) -> None:
        """Compare what a read has given with what is stored."""
        self.ledger.operations += 1
        truth = self.truth(table, key)
        if found != truth:
            kind = "false absent" if found is None else "wrong read"
            self.violated(kind, f"{table} {key}: {how} gave {found}, stored is {truth}")

    # --- choices --------------------------------------------------------------------------------

    def every_key(self) -> list[Key]:
        """Return all keys."""
        return [(f"t{name}", at) for name in range(NAMES) for at in range(PARTS)]

    def some_keys(self, most: int) -> list[Key]:
        """Return some keys, each once."""
        return self.chance.sample(self.every_key(), self.chance.randint(1, most))

    def word(self, what: str) -> str:
        """Return a text that nobody has used."""
        self._number += 1
        return f"{what}{self._number}"

    def overtake(self, table: Table, keys: Iterable[Key], share: float) -> None:
        """Have a rival write some of the keys."""
        for key in keys:
            if self.chance.random() < share:
                self.rival(table, key, self._rivals(table, self.truth(table, key)))

    def _rivals(self, table: Table, old: Possible) -> Possible:
        """Return what a rival makes of a state: something that nobody else would."""
        chance = self.chance.random()
        if old is not None and chance < 0.15:
            return None
        state = old or ABSENT
        if chance < 0.6 or old is None:
            state = state._replace(text=self.word("r"))
        if chance > 0.4:
            state = state._replace(count=state.count + self.chance.randint(1000, 9000))
        if chance > 0.75:
            state = state._replace(tags=tuple(sorted({*state.tags, self.word("rt")})[-4:]))
        if 0.5 < chance < 0.7:
            state = state._replace(note=self.word("rn"))
        return state._replace(version=state.version + 1) if table == "counted" else state
