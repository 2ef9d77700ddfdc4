"""Jobs that die: a MemoryTable with a journal, or without, is dropped in the middle, and recovered.

The process goes on, its objects do not: they are left as they were at a named point, or inside of a request.
What was accepted must be found in the table, or in the file of conflicts; what others have written since must
be there still.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from dynamo_objects import MemoryTable, recover
from dynamo_objects.errors import DynamoException, JournalUnfinished
from dynamo_objects.memorydb.journal import points
from tests.campaignfaults import Crash
from tests.campaignrules import Change, Refused, after
from tests.campaignsessions import Session, flush_together
from tests.campaignworld import Key, Possible, State, World

__all__ = ["crash", "interrupted"]

#: How often a recovery is tried with faults.
_TRIES = 8
_RECOVERING = tuple(name for name in points.NAMES if name.startswith("recover:"))
_ACCEPTING = ("torn", *(name for name in points.NAMES if name.startswith("accept:")))
_FLUSHING = tuple(name for name in points.NAMES if name.startswith(("flush:", "settle:")))


class _Points:
    """Dies when a named point is passed for the so-manyth time, and at every point after that."""

    def __init__(self, world: World, name: str, count: int) -> None:
        self._world = world
        self._name = name
        self._count = count
        self.is_synced = False
        self.has_died = False

    def __call__(self, found: str, about: Any) -> None:
        if self.has_died:
            raise Crash
        self.is_synced = self.is_synced or found == "accept: synced"
        if found != ("accept: begun" if self._name == "torn" else self._name):
            return
        self._count -= 1
        if self._count > 0:
            return
        if self._name == "torn":
            descriptor, data, place = about
            os.pwrite(descriptor, data[: len(data) * 2 // 3], place)
        self.has_died = self._world.transport.is_dead = True
        self._world.ledger.crashes[self._name] += 1
        raise Crash

    def __enter__(self) -> _Points:
        points.hook = self
        return self

    def __exit__(self, *arguments: Any) -> None:
        points.hook = None
        self._world.transport.is_dead = False


def interrupted(world: World) -> None:
    """Die inside of a request of a flush, without a journal; drop everything, or go on."""
    session = Session(world, world.chance.choice(["plain", "counted"]))
    keys = world.some_keys(30)
    session.load(keys)
    for key in keys:
        session.alter(key)
    manner, call = session.manner()
    world.transport.crash_in = world.chance.randint(0, 3)
    try:
        flush_together([session], manner, lambda: [call()])
    except Crash:
        world.ledger.crashes["in a request"] += 1
        world.transport.crash_in, world.transport.is_dead = None, False
        _after_interrupt(world, session, manner)
    world.transport.crash_in, world.transport.is_dead = None, False
    session.close()


def _after_interrupt(world: World, session: Session, manner: Any) -> None:
    """See that what is written is written, and that everything else is dirty still."""
    truths = {key: world.truth(session.name, key) for key in session.dirty()}
    session.settle(manner, None)
    dirty = set(session.memory.dirty_keys())
    for key, held in session.dirty().items():
        if key not in dirty:
            change = held.change(session.is_counted)
            done, now = after(change, manner, truths[key]), world.truth(session.name, key)
            same = now is done or (now is not None and isinstance(done, State) and now[:4] == done[:4])
            if not same:
                world.violated("lost", f"{session.name} {key}: clean, and not written: {change}, is {now}")


def crash(world: World) -> None:
    """Die with a journal, at a named point, and recover."""
    name, chance = world.chance.choice(["plain", "counted"]), world.chance
    path = world.folder / f"{world.word('j')}.journal"
    session = Session(world, name, journal=path, way=chance.choice(["raise", "merge"]))
    keys = world.some_keys(24)
    session.load(keys)
    for _ in range(chance.randint(0, 2)):
        session.unit()
        world.overtake(name, keys, 0.05)
    if chance.random() < 0.3:
        session.flush()
    for key in keys:
        session.alter(key)
    promised, perhaps = _die(world, session)
    session.close()
    _recovered(world, session, path, promised, perhaps)


def _die(world: World, session: Session) -> tuple[dict[Key, Change], dict[Key, Change]]:
    """Die, and return what was accepted for certain, and what may have been."""
    chance = world.chance
    point = chance.choice(_ACCEPTING if chance.random() < 0.3 else _FLUSHING)
    before = dict(session.accepted)
    manner: Any = "batch"
    with _Points(world, point, 1 if point in _ACCEPTING else chance.randint(1, 4)) as watch:
        try:
            if point in _ACCEPTING and chance.random() < 0.5:
                session.unit()
            else:
                manner, call = session.manner()
                flush_together([session], manner, lambda: [call()])
        except Crash:
            pass
    if not watch.has_died:
        world.ledger.crashes["dropped"] += 1
        return session.accepted, {}
    if manner in ("guarded", "merge", "batch", "overwrite") and watch.is_synced:
        session.settle(manner, None)
    accepting = getattr(session, "accepting", {})
    return (accepting, before) if watch.is_synced else (before, accepting)


def _recovered(
    world: World, session: Session, path: Path, promised: dict[Key, Change], perhaps: dict[Key, Change]
) -> None:
    name = session.name
    keys = list({**promised, **perhaps})
    crashed = {key: world.truth(name, key) for key in keys}
    world.overtake(name, keys, world.chance.choice([0.0, 0.2, 0.5]))
    _recover(world, name, path, {repr(key) for key in keys})
    conflicts = _conflicts(path)
    world.look_ahead(name, keys)
    for key in keys:
        world.ledger.operations += 1
        _compare(world, session, key, crashed[key], promised.get(key), perhaps.get(key), key in conflicts)
    if world.chance.random() < 0.3:
        try:
            MemoryTable(world.tables[name], journal=path).close()
        except JournalUnfinished as error:
            world.violated("recovery", f"{name}: the journal is not finished after a recovery: {error}")
    for file in path.parent.glob(f"{path.name}*"):
        file.unlink()


def _recover(world: World, name: str, path: Path, known: set[str]) -> None:
    """Recover, with faults and deaths on the way, until it is done."""
    for _number in range(_TRIES):
        point = world.chance.choice(_RECOVERING) if world.chance.random() < 0.3 else "none"
        with _Points(world, point, world.chance.randint(1, 4)):
            try:
                report = recover(path, world.tables[name])
            except Crash:
                continue
            except DynamoException as error:
                world.ledger.results[f"recovery: {type(error).__name__}"] += 1
                failures = getattr(error, "failures", ())
                strange = {repr((each.key[0], int(each.key[1]))) for each in failures} - known
                if strange:
                    world.violated("unnamed", f"{name}: a recovery names {sorted(strange)}")
                continue
        _count(world, report)
        return
    rate, world.chooser.rate = world.chooser.rate, 0.0
    with suppress(DynamoException):
        _count(world, recover(path, world.tables[name]))
    world.chooser.rate = rate


def _count(world: World, report: Any) -> None:
    for what in ("replayed", "there_already", "conflicts"):
        world.ledger.results[f"recovery: {what}"] += getattr(report, what)


def _conflicts(path: Path) -> set[Key]:
    file = Path(f"{path}.conflicts")
    lines = file.read_text().splitlines() if file.exists() else []
    keys = [json.loads(line)["key"] for line in lines]
    return {(key["id"]["S"], int(key["at"]["N"])) for key in keys}


def _compare(
    world: World,
    session: Session,
    key: Key,
    crashed: Possible,
    promised: Change | None,
    perhaps: Change | None,
    is_filed: bool,
) -> None:
    """Compare what a recovery has left with what was accepted."""
    before = world.truth(session.name, key)
    changes = [change for change in (promised, perhaps) if change is not None]
    allowed: list[Possible] = [before]
    now = world.now(session.name, key)
    for change in changes:
        done = after(change, "guarded", before)
        if isinstance(done, Refused) and before in session.sent.get(key, ()):
            done = change.mine
        if isinstance(done, Refused):
            continue
        is_free = change.is_anew or before in session.sent.get(key, ())
        if is_free and now is not None and done is not None and now[:4] == done[:4]:
            done = now  # its version goes on from somewhere
        allowed.append(done)
    how = f"after a recovery of {changes}, crashed at {crashed}"
    world.look(session.name, key, allowed, "overwritten", how)
    if promised is None or now != before or is_filed:
        return
    is_sent = crashed is not None and crashed in session.sent.get(key, ())  # merged with theirs, say
    if not (is_sent or _shows(promised, now) or _shows(promised, crashed)):
        world.violated("recovery", f"{session.name} {key}: accepted, and lost: {how}, is {now}")


def _shows(change: Change, state: Possible) -> bool:
    """Tell whether a state has everything that a change was to do."""
    if change.mine is None or state is None:
        return change.mine is None and state is None
    if change.base is None or change.is_anew:
        return state[:4] == change.mine[:4]
    return all(getattr(state, name) == getattr(change.mine, name) for name in change.changed)
