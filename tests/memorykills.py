"""Kills MemoryTables with a journal, and recoveries, again and again, and looks for what they had accepted.

Everything happens in forked children over one SQLite file; the parent only keeps the accounts.
In each round a worker accepts units and flushes them until it is killed (SIGKILL): at a random
moment, or at a named point, or in the middle of writing a line of its journal. Then a rival writes
some of the same records, and a recovery runs, which may be killed as well, and run again, while the
rival goes on. At last the table and the file of conflicts are compared with what was accepted.

All values are different, so that each tells who has written it. What was accepted must be in the
table; where the rival has written too, it may have been there before, or be in the file of conflicts.
"""

from __future__ import annotations

import itertools
import json
import os
import random
import select
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs

from dynamo_objects import DynamoDatabase, DynamoRecord, DynamoTable, HashKey, MemoryTable, field, recover
from dynamo_objects.connection import workers  # noqa: F401 - children are forked: what they need is here
from dynamo_objects.expressions.tree import Path as Place
from dynamo_objects.expressions.tree import Set, Update, Value
from dynamo_objects.memorydb.journal import journal as journals
from dynamo_objects.memorydb.journal import (
    keeping,  # noqa: F401 - likewise
    points,
)
from dynamo_objects.operations.item import PutItem, UpdateItem

__all__ = ["Report", "campaign"]

#: How many records there are.
_KEYS = 120
_FLUSH_POINTS = ("flush: acknowledged", "flush: marked", "settle: begun", "settle: cut", "settle: ended")
_UNIT_POINTS = (
    "torn",
    "accept: begun",
    "accept: written",
    "accept: synced",
    "compact: written",
    "compact: renamed",
)
_RECOVERY_POINTS = (*tuple(name for name in points.NAMES if name.startswith("recover:")), "settle: cut")


class Entry(DynamoRecord):
    """A record; the rival alone writes notes."""

    entry_id: str = ""
    number: int = 0
    text: str = ""
    note: str = ""


class Counted(DynamoRecord):
    """The same with a version."""

    entry_id: str = ""
    number: int = 0
    text: str = ""
    note: str = ""
    version: int = field(default=0, version=True)


class EntryTable(DynamoTable[Entry]):
    """A plain table."""

    table_name = "entry"
    schema = [HashKey("entry_id")]


class CountedTable(DynamoTable[Counted]):
    """A table of records with versions."""

    table_name = "counted"
    schema = [HashKey("entry_id")]


_TABLES: dict[str, Any] = {"entry": EntryTable, "counted": CountedTable}


@attrs.define
class Report:
    """What a campaign found.

    Attributes:
        kills: Processes killed.
        in_flush, in_recovery, at_points: How many of them while they flushed, recovered; at named points.
        accepted: Records accepted before a kill.
        replayed, there_already, conflicts: What recoveries did with them.
        newer: Writes of the rival since the kill.
        lost: Accepted records of which there was no trace, or only an older state.
        overwritten: Writes of the rival that were gone.
        strange: Records that were changed without having been accepted.
        twice: Conflicts that are in the file more than once.
    """

    kills: int = 0
    in_flush: int = 0
    in_recovery: int = 0
    at_points: int = 0
    accepted: int = 0
    replayed: int = 0
    there_already: int = 0
    conflicts: int = 0
    newer: int = 0
    lost: int = 0
    overwritten: int = 0
    strange: int = 0
    twice: int = 0

    @property
    def faults(self) -> int:
        """Return how many things were found that must not be."""
        return self.lost + self.overwritten + self.strange + self.twice


def campaign(*, kills: int, folder: Path, seed: int) -> Report:
    """Kill so many processes, and report."""
    report, chance = Report(), random.Random(seed)
    _warm_up()
    _in_child(lambda tell: [_connect(folder, name) for name in _TABLES], 60)
    numbers = itertools.count(1_000_000, 10_000)
    accounts = {name: _Account(folder, name, numbers) for name in _TABLES}
    while report.kills < kills:
        accounts[chance.choice(["entry", "entry", "counted"])].round(report, chance)
    return report


# --- children ----------------------------------------------------------------------------------


@attrs.frozen
class _Ended:
    """How a child has ended: what it has told, and whether it was killed."""

    told: list[Any]
    was_killed: bool


class _Child:
    """A forked child that runs a function, which may tell things."""

    def __init__(self, act: Callable[[Callable[[Any], None]], Any]) -> None:
        self._reading, writing = os.pipe()
        self._id = os.fork()
        if not self._id:
            os.close(self._reading)
            _run(act, writing)
        os.close(writing)

    def ended(self, seconds: float) -> _Ended:
        """Wait for its end, and kill it after so many seconds."""
        data, deadline = b"", time.monotonic() + seconds
        while True:
            left = deadline - time.monotonic()
            if left <= 0:
                os.kill(self._id, signal.SIGKILL)
                data += _rest(self._reading)
                break
            if select.select([self._reading], [], [], left)[0]:
                part = os.read(self._reading, 1 << 16)
                if not part:
                    break
                data += part
        os.close(self._reading)
        _, status = os.waitpid(self._id, 0)
        was_killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        if not was_killed and status != 0:
            raise RuntimeError(f"a child has failed with {status}: {data[-2000:].decode(errors='replace')}")
        told = [json.loads(line) for line in data[: data.rfind(b"\n") + 1].splitlines()]
        return _Ended(told, was_killed)


def _in_child(act: Callable[[Callable[[Any], None]], Any], seconds: float) -> list[Any]:
    """Return what a function tells in a child of its own, which ends by itself."""
    ended = _Child(act).ended(seconds)
    if ended.was_killed:
        raise RuntimeError("a child took too long")
    return ended.told


def _run(act: Callable[[Callable[[Any], None]], Any], writing: int) -> None:
    """Be the child."""
    import traceback

    def tell(value: Any) -> None:
        os.write(writing, json.dumps(value).encode() + b"\n")  # whole up to 4 KB, which all are

    status = 1
    try:
        act(tell)
        status = 0
    except BaseException:
        os.write(writing, traceback.format_exc().encode())
    finally:
        os._exit(status)


def _rest(reading: int) -> bytes:
    data = b""
    while part := os.read(reading, 1 << 16):
        data += part
    return data


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(10)


def _watch(name: str, count: int, tell: Callable[[Any], None]) -> None:
    """Tell when something is accepted, and die when this process comes by a point for the so-manyth time."""
    passed = 0

    def hook(found: str, about: Any) -> None:
        nonlocal passed
        if found == "accept: synced":
            tell(["accepted"])
        if found != ("accept: begun" if name == "torn" else name):
            return
        passed += 1
        if passed == count:
            if name == "torn":
                descriptor, data, place = about
                os.pwrite(descriptor, data[: len(data) * passed // (passed + 1)], place)
            _die()

    points.hook = hook


def _warm_up() -> None:
    """Have everything imported and compiled here that children need; they are forked all the time."""
    for url in ("sqlite://", "memory://"):
        database = DynamoDatabase()
        database.connect(url=url)
        for kind in _TABLES.values():
            table = kind()
            table.save_many([table.record_class(entry_id="k0")])
            memory = MemoryTable(table)
            memory.prefetch(["k0", "k1"])
            memory.get("k0").number += 1
            memory.save_data()
            list(table.scan())
        database.disconnect()


def _connect(folder: Path, name: str) -> Any:
    database = DynamoDatabase()
    if not database.connected():
        database.connect(url=f"sqlite:///{folder}/kills.db", table_prefix="kills_")
    return _TABLES[name]()


# --- one table ---------------------------------------------------------------------------------


class _Account:
    """A table, its journal, and what is known of both."""

    def __init__(self, folder: Path, name: str, numbers: Iterator[int]) -> None:
        self._folder = folder
        self._name = name
        self._journal = folder / f"{name}.journal"
        self._numbers = numbers
        self._number = 0
        self._conflicts_seen = 0
        self._stored: dict[str, Any] = {}

    def round(self, report: Report, chance: random.Random) -> None:
        """Have a worker killed, recover, and compare."""
        worker = self._work(report, chance)
        before = self._look()
        rivals = [self._rival(chance).ended(30).told] if chance.random() < 0.6 else []
        while True:
            beside = self._rival(chance) if chance.random() < 0.3 else None
            ended = self._recover(report, chance)
            if beside is not None:
                rivals.append(beside.ended(30).told)
            if not ended.was_killed:
                break
        for counts in ended.told[-1:]:
            report.replayed += counts[0]
            report.there_already += counts[1]
            report.conflicts += counts[2]
        self._compare(report, worker, before, [write for told in rivals for write in told], self._look())

    # --- the worker -------------------------------------------------------------------------

    def _work(self, report: Report, chance: random.Random) -> list[Any]:
        seed, kind, number = chance.random(), chance.random(), self._number
        name, count, seconds = "", 0, 30.0
        if kind < 0.6:
            name, count = chance.choice(_FLUSH_POINTS), chance.randint(1, 6)
        elif kind < 0.7:
            name, count = chance.choice(_UNIT_POINTS), chance.randint(1, 4)
        else:
            seconds = 0.05 + chance.random() * 0.25

        def act(tell: Callable[[Any], None]) -> None:
            table = _connect(self._folder, self._name)
            if name.startswith("compact"):
                journals._COMPACT_BYTES = 3000
            _watch(name, count, tell)
            _be_the_worker(table, self._journal, random.Random(seed), number, tell)

        ended = _Child(act).ended(seconds)
        if not ended.was_killed:
            raise RuntimeError("a worker ended by itself")
        report.kills += 1
        report.at_points += bool(name)
        flushes = [event[0] for event in ended.told if event[0] in ("flush", "flushed")]
        report.in_flush += bool(flushes) and flushes[-1] == "flush"
        return ended.told

    # --- the rival --------------------------------------------------------------------------

    def _rival(self, chance: random.Random) -> _Child:
        """Begin to write some records as somebody else, telling (key, whether whole, text, number before)."""
        seed, number = chance.random(), next(self._numbers)

        def act(tell: Callable[[Any], None]) -> None:
            _be_the_rival(_connect(self._folder, self._name), random.Random(seed), number, tell)

        return _Child(act)

    # --- the recovery -----------------------------------------------------------------------

    def _recover(self, report: Report, chance: random.Random) -> _Ended:
        kind = chance.random()
        name, count, seconds = "", 0, 30.0
        if kind < 0.2:
            name, count = chance.choice(_RECOVERY_POINTS), chance.randint(1, 8)
        elif kind < 0.26:
            seconds = 0.03 + chance.random() * 0.1

        def act(tell: Callable[[Any], None]) -> None:
            table = _connect(self._folder, self._name)
            _watch(name, count, lambda _: None)
            found = recover(self._journal, table)
            tell([found.replayed, found.there_already, found.conflicts])

        ended = _Child(act).ended(seconds)
        if ended.was_killed:
            report.kills += 1
            report.in_recovery += 1
            report.at_points += bool(name)
        return ended

    # --- the comparison ---------------------------------------------------------------------

    def _look(self) -> dict[str, Any]:
        """Return key -> (number, text, note) of all that is stored."""

        def act(tell: Callable[[Any], None]) -> None:
            for record in _connect(self._folder, self._name).scan(consistent=True):
                tell([record.entry_id, record.number, record.text, record.note])

        return {key: tuple(values) for key, *values in _in_child(act, 60)}

    def _compare(
        self, report: Report, told: list[Any], before: dict[str, Any], rival: list[Any], now: dict[str, Any]
    ) -> None:
        accepted, perhaps, self._number = _accepted(told, self._number)
        report.accepted += len(accepted)
        report.newer += len(rival)
        filed = self._conflicts(report)
        for key in (f"k{number}" for number in range(_KEYS)):
            old, stored = (_number(where.get(key)) for where in (self._stored, now))
            traces = {stored}
            right = {accepted.get(key, old), *perhaps.get(key, ())}
            seen = [number for other, _, _, number in rival if other == key]
            if seen:
                traces |= {_number(before.get(key)), *seen, *filed.get(key, ())}
            if key in accepted:
                report.lost += not traces & right
            elif not traces & right:
                report.strange += 1
        for key, is_whole, text, _ in _last_writes(rival):
            found = now.get(key)
            report.overwritten += found is None or text != (found[1] if is_whole else found[2])
        self._stored = now

    def _conflicts(self, report: Report) -> dict[str, list[Any]]:
        """Return key -> numbers of the new conflicts."""
        file = Path(f"{self._journal}.conflicts")
        lines = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
        report.twice += len(lines) - len({line["name"] for line in lines})
        found: dict[str, list[Any]] = {}
        for line in lines[self._conflicts_seen :]:
            mine = line["mine"]
            number = None if mine is None else int(mine["number"]["N"])
            found.setdefault(line["key"]["entry_id"]["S"], []).append(number)
        self._conflicts_seen = len(lines)
        return found


def _number(values: Any) -> Any:
    return None if values is None else values[0]


def _accepted(told: list[Any], last: int) -> tuple[dict[str, Any], dict[str, set[Any]], int]:
    """Return key -> number that was accepted last, and key -> numbers that may have been; and the highest."""
    accepted: dict[str, Any] = {}
    waiting: dict[str, Any] = {}
    for kind, *rest in told:
        if kind == "changes":
            waiting.update(rest[0])
            last = max([last, *(number for number in rest[0].values() if number is not None)])
        elif kind == "accepted":
            accepted.update(waiting)
            waiting = {}
    return accepted, {key: {number} for key, number in waiting.items()}, last


def _last_writes(rival: list[Any]) -> list[Any]:
    """Return the last whole write of each key, and the last note after it."""
    found: dict[tuple[str, bool], Any] = {}
    for write in rival:
        key, is_whole, _, _ = write
        if is_whole:
            found.pop((key, False), None)
        found[key, is_whole] = write
    return list(found.values())


def _be_the_worker(
    table: Any, journal: Path, chance: random.Random, number: int, tell: Callable[[Any], None]
) -> None:
    """Accept changes, in units and by flushes, until killed."""
    memory = MemoryTable(table, journal=journal)
    memory.prefetch(f"k{key}" for key in range(_KEYS))
    while True:
        for _ in range(chance.randint(0, 3)):
            with memory.unit():
                number = _change_some(memory, number, chance, tell)
        number = _change_some(memory, number, chance, tell)
        tell(["flush"])
        if chance.random() < 0.7:
            memory.save_data_batch()
        else:
            memory.save_data()
        tell(["flushed"])


def _change_some(memory: Any, number: int, chance: random.Random, tell: Callable[[Any], None]) -> int:
    changes: dict[str, Any] = {}
    for key in chance.sample(range(_KEYS), chance.randint(1, 60)):
        number += 1
        changes[f"k{key}"] = _change(memory, f"k{key}", number, chance)
    tell(["changes", changes])
    return number


def _change(memory: Any, key: str, number: int, chance: random.Random) -> int | None:
    """Change, make or delete a record; return its number now."""
    record = memory.find(key)
    if record is not None and chance.random() < 0.1:
        memory.delete(key)
        return None
    if record is None:
        memory.save(memory.db_table.record_class(entry_id=key, number=number, text=f"w{number}"))
    else:
        record.number, record.text = number, f"w{number}"
    return number


def _be_the_rival(table: Any, chance: random.Random, number: int, tell: Callable[[Any], None]) -> None:
    """Write records whatever is there, and tell what was."""
    connection, name = table._connection, table.full_name
    for _ in range(chance.randint(1, 40)):
        number += 1
        key = f"k{chance.randrange(_KEYS)}"
        is_whole = chance.random() < 0.6
        text = f"r{number}" + ("" if is_whole else "n")
        if is_whole:
            item: dict[str, Any] = {
                "entry_id": {"S": key},
                "number": {"N": str(-number)},
                "text": {"S": text},
            }
            if table._codec.version is not None:
                item["version"] = {"N": str(number)}
            old = connection.call(PutItem(name, item, return_old=True, key_wires=frozenset({"entry_id"})))
        else:
            sets = [Set(Place.of("note"), Value({"S": text}))]
            if table._codec.version is not None:
                sets.append(Set(Place.of("version"), Value({"N": str(number)})))
            operation = UpdateItem(
                name, {"entry_id": {"S": key}}, Update(sets=tuple(sets)), returns="ALL_OLD"
            )
            old = connection.call(operation)
        there = int(old.get("number", {"N": "0"})["N"]) if old else None
        tell([key, is_whole, text, there])
