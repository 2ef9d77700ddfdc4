"""Jobs over MemoryTable: a program loads, changes, saves, deletes, flushes, fails, goes on or gives up.

A session keeps for each key what the program has read and what it has made of it. After each call that may
have written something it looks at what is stored, and at what the library says of each key.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

import attrs

from dynamo_objects import MemoryTable, save_all
from dynamo_objects.errors import (
    BatchFailed,
    ConditionFailed,
    DynamoException,
    InternalError,
    ItemNotFound,
    OutcomeUnknown,
    TransportError,
)
from tests.campaignfaults import Crash
from tests.campaignrules import REFUSED, Change, Manner, after
from tests.campaignworld import ABSENT, Key, Possible, State, Table, World, state_of

__all__ = ["Held", "Session", "flush_together", "session", "together"]

Way = Literal["raise", "merge"]


class _Undone(Exception):
    """Raised in a unit, which it undoes."""


@attrs.define
class Held:
    """What a program knows of a key.

    Attributes:
        base: What it has read; None: nothing there.
        mine: What it has made of that.
        is_known: Whether it has read at all.
        is_new: Whether it has saved a record that is to be written though nothing was there.
        is_anew: Whether it has deleted the record and saved another one.
        is_loose: Whether a clean record may be read again: it was let go of.
        carried_out: What a flush has made of the record that did not get to know that.
        is_doubtful: Whether a flush may have done so, as far as the library can know.
    """

    base: Possible
    mine: Possible
    is_known: bool = True
    is_new: bool = False
    is_anew: bool = False
    is_loose: bool = False
    carried_out: Possible = None
    is_doubtful: bool = False

    @property
    def is_dirty(self) -> bool:
        """Tell whether a flush has something to write."""
        return self.is_new or self.mine != self.base

    def change(self, is_counted: bool) -> Change:
        """Return what a flush is to do."""
        return Change(self.base, self.mine, self.is_known, self.is_anew, is_counted)


class Session:
    """A MemoryTable, and what its user knows."""

    def __init__(
        self, world: World, name: Table, *, journal: Path | None = None, way: Way = "raise", **bounds: Any
    ) -> None:
        self.world = world
        self.name = name
        self.way = way
        self.is_counted = name == "counted"
        self.is_loose = bool(bounds)
        self.is_atomic = False
        self.memory: Any = MemoryTable(world.tables[name], journal=journal, on_conflict=way, **bounds)
        self.held: dict[Key, Held] = {}
        self.accepted: dict[Key, Change] = {}
        self.accepting: dict[Key, Change] = {}
        self.sent: dict[Key, list[Possible]] = {}
        self.murky: set[Key] = set()  # read by a query that has failed, perhaps
        self.has_journal = journal is not None

    # --- reading --------------------------------------------------------------------------------

    def load(self, keys: list[Key]) -> None:
        """Read some keys in one of the ways that there are."""
        chance = self.world.chance.random()
        if chance < 0.45:
            with suppress(DynamoException):
                self.memory.prefetch(keys)
        elif chance < 0.6:
            loader = self.memory.loader()
            waiting = [loader.load(*key) for key in keys]
            with suppress(DynamoException):
                waiting[0].get()
        elif chance < 0.75:
            self.query(keys[0][0])
        for key in keys if chance < 0.75 else keys[:8]:
            self.get(key)

    def get(self, key: Key) -> Any:
        """Read one key, and return its record; None where nothing is there, or nothing is known."""
        held = self.held.get(key)
        try:
            record = self.memory.get(*key)
        except ItemNotFound:
            self._found(key, held, None, "get")
            return None
        except DynamoException as error:
            self.world.ledger.results[f"read: {type(error).__name__}"] += 1
            self.world.ledger.operations += 1
            if held is not None and held.is_dirty and held.mine is not None:
                self.world.violated("lost", f"{self.name} {key}: a dirty record is not in memory any more")
            return None
        self._found(key, held, state_of(record), "get")
        return record

    def _found(self, key: Key, held: Held | None, found: Possible, how: str) -> None:
        """Compare what was read with what the program knows."""
        if key in self.murky and (held is None or not held.is_dirty):
            self.murky.discard(key)
            self.world.ledger.operations += 1
            self.held[key] = Held(found, found)
            return
        if held is None or (not held.is_dirty and found != held.base and (held.is_loose or self.is_loose)):
            self.world.read(self.name, key, found, how)
            self.held[key] = Held(found, found)
            return
        self.world.ledger.operations += 1
        if found != held.mine:
            if held.base is None and held.mine is None and how != "get":
                self.world.read(self.name, key, found, how)  # others have made it since
                self.held[key] = Held(found, found)
                return
            kind = "false absent" if found is None else "wrong read"
            self.world.violated(kind, f"{self.name} {key}: {how} gave {found}, in memory is {held}")

    def query(self, name: str) -> None:
        """Read all records of one hash value, with what is not written yet."""
        if self.world.chance.random() < 0.5:
            query = self.memory.query(name, max_page_size=5)
        else:
            query = self.memory.query(name).reverse()
        try:
            records = query()
        except DynamoException as error:
            self.world.ledger.results[f"query: {type(error).__name__}"] += 1
            self.murky |= {key for key in self.world.keys() if key[0] == name}
            return
        found = {(record.id, record.at): state_of(record) for record in records}
        if len(found) < len(records):
            self.world.violated("wrong read", f"{self.name} {name}: a query has given a record twice")
        for key in self.world.keys():
            if key[0] == name and (key in found or key in self.held or self.world.truth(self.name, key)):
                held = self.held.get(key)
                if key not in found and held is not None and not held.is_dirty:
                    self.world.ledger.operations += 1
                    truth = self.world.truth(self.name, key)
                    if truth is not None and held.mine is not None:
                        self.world.violated("false absent", f"{self.name} {key}: query; in memory is {held}")
                elif key not in found and held is None:
                    self.world.read(self.name, key, None, "query")
                else:
                    self._found(key, held, found.get(key), "query")

    # --- changing -------------------------------------------------------------------------------

    def alter(self, key: Key) -> None:
        """Change, make or delete one record."""
        chance, held = self.world.chance, self.held.get(key)
        if held is None:
            if chance.random() < 0.3:
                self.make(key)
            return
        if held.mine is None:
            if chance.random() < 0.7:
                self.make(key)
        elif chance.random() < 0.12 and (held.base is not None or not self.is_loose):
            self.delete(key)  # a bounded table may have forgotten that there was nothing
        else:
            self.change(key)

    def change(self, key: Key) -> None:
        """Change fields of a record in place."""
        record = self.get(key)
        if record is None:
            return
        chance, held = self.world.chance, self.held[key]
        self._change(record)
        held.mine = state_of(record)
        if chance.random() < 0.1:
            self.memory.save(record)

    def _change(self, record: Any) -> None:
        chance = self.world.chance
        kind = chance.random()
        if kind < 0.5:
            record.text = self.world.word("m")
        if kind > 0.35:
            record.count += chance.randint(1, 9)
        if 0.2 < kind < 0.5:
            record.tags.add(self.world.word("g"))
        if kind > 0.9 and record.tags:
            record.tags.discard(min(record.tags))
        if 0.6 < kind < 0.75:
            record.note = self.world.word("n")

    def make(self, key: Key) -> None:
        """Save a new record, or fill the Null object."""
        if key in self.murky:
            self.get(key)
            if key in self.murky or self.held[key].mine is not None:
                return
        held = self.held.get(key)
        made = ABSENT._replace(text=self.world.word("new"), count=self.world.chance.randint(0, 5))
        if held is not None and self.world.chance.random() < 0.4:
            try:
                record = self.memory.get(*key, create=True)
            except DynamoException:  # it was let go of, and could not be read again
                return
            if state_of(record)._replace(version=0) != ABSENT:  # read again, and others have made it
                self._found(key, held, state_of(record), "get")
                return
            record.text, record.count = made.text, made.count
        else:
            record = self.memory.save(
                self.world.tables[self.name].record_class(
                    id=key[0], at=key[1], text=made.text, count=made.count
                )
            )
        mine = state_of(record)
        if held is None:
            self.held[key] = Held(None, mine, is_known=False, is_new=True)
        else:
            held.is_anew = held.is_anew or held.base is not None
            held.mine, held.is_new = mine, True

    def delete(self, key: Key) -> None:
        """Delete a record that was read, or made."""
        held = self.held[key]
        try:
            record = self.memory.delete(*key)
        except ItemNotFound:
            self._found(key, held, None, "get")
            return
        except DynamoException:  # it was let go of, and could not be read again
            return
        self._found(key, held, state_of(record), "delete")
        held = self.held[key]
        held.mine, held.is_new = None, not held.is_known

    def unit(self) -> None:
        """Do several things in a unit, which may be undone."""
        before = {key: attrs.evolve(held) for key, held in self.held.items()}
        try:
            with self.memory.unit():
                for key in self.world.some_keys(12):
                    self.alter(key)
                if self.world.chance.random() < 0.4:
                    raise _Undone
                self._accepting()
        except _Undone:
            self._undo(before)
        except Crash:
            raise
        except DynamoException as error:
            self.world.violated("other", f"{self.name}: a unit has failed: {error!r}")
            self._undo(before)
        else:
            self._accepted()

    def _undo(self, before: dict[Key, Held]) -> None:
        for key, held in self.held.items():
            if key not in before and held.is_known:
                before[key] = Held(held.base, held.base)
        for held in before.values():
            held.is_loose = True  # entries of the unit may be gone
        self.held = before

    def _accepting(self) -> None:
        self.accepting = {key: held.change(self.is_counted) for key, held in self.dirty().items()}

    def _accepted(self) -> None:
        if self.has_journal:
            self.accepted = self.accepting

    # --- flushing -------------------------------------------------------------------------------

    def dirty(self) -> dict[Key, Held]:
        """Return what a flush has to write."""
        return {key: held for key, held in self.held.items() if held.is_dirty}

    def manner(self) -> tuple[Manner, Callable[[], Any]]:
        """Return a way to flush."""
        self.is_atomic = False
        chance = self.world.chance.random()
        ignore = self.world.chance.random() < 0.3
        if any(held.is_anew for held in self.dirty().values()):  # how it merges is not documented
            return "guarded", lambda: self.memory.save_data(ignore_errors=ignore, on_conflict="raise")
        way: Manner = "merge" if self.way == "merge" else "guarded"
        if chance < 0.45:
            if self.is_counted:
                return way, lambda: self.memory.save_data_batch(ignore_errors=ignore)
            return "batch", lambda: self.memory.save_data_batch(ignore_errors=ignore)
        if chance < 0.7:
            return way, lambda: self.memory.save_data(ignore_errors=ignore)
        if chance < 0.8:
            return "merge", lambda: self.memory.save_data(on_conflict="merge")
        if chance < 0.9 and len(self.dirty()) <= self.world.most_atomic:
            self.is_atomic = True
            return "guarded", lambda: self.memory.save_data(atomic=True)
        return "overwrite", lambda: self.memory.save_data_batch(overwrite=True)

    def flush(self) -> None:
        """Write what is dirty."""
        manner, call = self.manner()
        flush_together([self], manner, lambda: [call()])

    def settle(
        self, manner: Manner, failed: dict[Key, BaseException] | None, is_atomic: bool = False
    ) -> None:
        """Compare what is stored after a flush with what it has said.

        Args:
            failed: Key -> why it was not written; None: the process has died in the flush.
        """
        self._records = {(r.id, r.at): r for r in self.memory.get_data()}
        before = {key: self.world.truth(self.name, key) for key in self.dirty()}
        self.world.look_ahead(self.name, before)
        for key, held in self.dirty().items():
            self._settle(key, held, manner, failed)
        if failed is None:
            return
        if is_atomic and failed:
            self._check_whole(before)
        left = set(self.dirty())
        named = set(self.memory.dirty_keys())
        if named != left:
            unlike = sorted(named ^ left)[:3]
            kind = "lost" if left - named else "other"
            self.world.violated(kind, f"{self.name}: after a flush dirty and failed keys differ by {unlike}")

    def _settle(self, key: Key, held: Held, manner: Manner, failed: dict[Key, BaseException] | None) -> None:
        world = self.world
        world.ledger.operations += 1
        before = world.truth(self.name, key)
        change = held.change(self.is_counted)
        if manner == "mixed":
            manner = "guarded" if self.is_counted else "batch"
        plain = after(change, manner, before)
        is_carried = held.carried_out is not None and before is not None
        if is_carried and manner == "merge" and change.mine is not None:
            change = attrs.evolve(change, base=held.carried_out)  # an earlier flush did that much, unseen
        done = after(change, manner, before)
        if is_carried and manner == "merge" and change.mine is not None and not change.changed:
            done = before
        if manner == "overwrite":  # of its version nothing is promised
            now = world.now(self.name, key)
            if isinstance(done, State) and now is not None and self.is_counted:
                done = done._replace(version=now.version)
        if done is not REFUSED:
            self.sent.setdefault(key, []).append(done)
        if failed is None:
            allowed = [before] if done is REFUSED else [before, done]
            world.look(self.name, key, allowed, "lost", f"{manner} flush that died, {change}")
            return
        reason = failed.get(key)
        how = f"{manner} flush, {change}, {_name(reason)}"
        if reason is None:
            if done is REFUSED:
                world.violated("lost", f"{self.name} {key}: acknowledged against the rules: {how}")
                world.look(self.name, key, [world.now(self.name, key)], "lost", how)
            else:
                allowed = [done]
                if is_carried and isinstance(plain, State) and isinstance(done, State):
                    allowed.append(done._replace(tags=plain.tags))  # those that it has stored count as theirs
                world.look(self.name, key, allowed, "lost", how)
            self._written(key, held, change, manner, before)
        elif isinstance(reason, ConditionFailed):
            is_doubtful = held.is_doubtful and manner == "merge"
            if done is not REFUSED and not is_doubtful and not _is_blind(reason, change, manner):
                said = f"refused without a reason: {reason}: {how}, was {before}"
                world.violated("other", f"{self.name} {key}: {said}")
            world.look(self.name, key, [before], "double apply", how)
        elif manner in ("guarded", "merge") and not _may_be_done(reason) and not _is_plain(change):
            world.look(self.name, key, [before], "double apply", how)
        else:
            allowed = [before] if done is REFUSED else [before, done]
            if world.look(self.name, key, allowed, "lost", how) != before:
                held.carried_out = held.mine and held.mine._replace(version=-1)
        if reason is not None and (isinstance(reason, OutcomeUnknown) or manner in ("batch", "overwrite")):
            held.is_doubtful = True
        if reason is not None and held.mine is not None and (held.base is None or held.is_anew):
            held.is_known = held.is_known and held.base is not None  # nobody knows whether it is there now

    def _written(self, key: Key, held: Held, change: Change, manner: Manner, before: Possible) -> None:
        """Take over what the record says after its write, and compare it."""
        self.accepted.pop(key, None)
        now = self.world.truth(self.name, key)
        held.is_new = held.is_anew = False
        held.is_known = True
        held.carried_out, held.is_doubtful = None, False
        if change.mine is None:
            held.base = held.mine = None
            return
        record = self._records.get(key)
        if record is None:
            held.base = held.mine = now
            if not self.is_loose:
                self.world.violated("lost", f"{self.name} {key}: a written record is not in memory any more")
            return
        state = state_of(record)
        held.base = held.mine = state
        wrong = [
            name for name in change.changed if now is not None and getattr(state, name) != getattr(now, name)
        ]
        if wrong or now is None or state.version != now.version:
            self.world.violated(
                "wrong read",
                f"{self.name} {key}: after its {manner} flush the record is {state}, stored {now}",
            )

    def _check_whole(self, before: dict[Key, Possible]) -> None:
        """Complain if a transaction was carried out in part."""
        written = [self.world.truth(self.name, key) != state for key, state in before.items()]
        if any(written) and not all(written):
            self.world.violated("other", f"{self.name}: {sum(written)} of {len(written)} of a transaction")

    def close(self) -> None:
        """End without a flush."""
        self.memory.close()


def _is_plain(change: Change) -> bool:
    """Tell whether a change goes by a batch write in any case: the deletion of what was never read."""
    return change.mine is None and (change.base is None or not change.is_known)


def _is_blind(reason: ConditionFailed, change: Change, manner: Manner) -> bool:
    """Tell whether a conflict stays one because the item could not be seen."""
    if manner != "merge" and change.mine is not None:
        return False
    return reason.item is None or "shows another item" in str(reason)


def _may_be_done(reason: BaseException) -> bool:
    return isinstance(reason, OutcomeUnknown)


def _name(reason: BaseException | None) -> str:
    return "acknowledged" if reason is None else type(reason).__name__


def flush_together(sessions: list[Session], manner: Manner, call: Callable[[], list[Any]]) -> None:
    """Flush one or more sessions by one call, and compare.

    Args:
        call: Returns the report of each.
    """
    world = sessions[0].world
    for session in sessions:
        session._accepting()
        if session.has_journal:
            session.accepted = dict(session.accepting)
    try:
        reports = call()
    except BatchFailed as error:
        reports = [error.report] if len(sessions) == 1 else [
            error.report.tables[world.tables[session.name]._schema.table_name] for session in sessions
        ]  # fmt: skip
        named = sorted((repr(each.key) for each in error.failures))
        told = sorted(repr(each.key) for report in reports for each in report.failed)
        if named != told:
            world.violated("unnamed", f"a flush has failed for {told}, and names {named}")
        world.ledger.results["flush: BatchFailed"] += 1
    except DynamoException as error:
        world.violated("unnamed", f"a {manner} flush has failed, and does not say for whom: {error!r}")
        for session in sessions:
            session.settle(manner, dict.fromkeys(session.dirty(), error))
        return
    else:
        world.ledger.results["flush"] += 1
    for session, report in zip(sessions, reports, strict=True):
        failed = {each.key: each.reason for each in report.failed}
        for reason in failed.values():
            world.ledger.results[f"not written: {type(reason).__name__}"] += 1
        strange = set(failed) - set(session.dirty())
        if strange:
            known = {key: session.held.get(key) for key in strange}
            world.violated("unnamed", f"{session.name}: a flush names what it had not to write: {known}")
        session.settle(manner, failed, is_atomic=session.is_atomic)


# --- jobs -----------------------------------------------------------------------------------------


def session(world: World) -> None:
    """Load, change, flush, several times; flush again what was not written; leave the rest."""
    chance = world.chance
    bounds = {"maxsize": chance.randint(3, 20)} if chance.random() < 0.2 else {}
    each = Session(
        world, chance.choice(["plain", "counted"]), way=chance.choice(["raise", "merge"]), **bounds
    )
    for _ in range(chance.randint(1, 3)):
        _work(each, world.some_keys(60))
        each.flush()
        for _ in range(2):
            if each.dirty() and chance.random() < 0.7:
                each.flush()
        if each.dirty() and chance.random() < 0.3:
            each.memory.reset()
            each.held.clear()
    each.memory.reset()
    each.close()


def _work(each: Session, keys: list[Key]) -> None:
    chance, world = each.world.chance, each.world
    each.load(keys)
    if chance.random() < 0.3:
        each.unit()
    for key in keys:
        each.alter(key)
    if chance.random() < 0.3:
        each.query(keys[0][0])
    if chance.random() < 0.4:
        world.overtake(each.name, keys, chance.choice([0.05, 0.3]))


def together(world: World) -> None:
    """Flush two tables as one."""
    chance = world.chance
    both = [Session(world, "plain"), Session(world, "counted")]
    for each in both:
        _work(each, world.some_keys(min(40, world.most_atomic)))
    memories = [each.memory for each in both]
    number = sum(len(each.dirty()) for each in both)
    is_atomic = chance.random() < 0.4 and number <= world.most_atomic
    one_by_one = (
        is_atomic or chance.random() < 0.5 or any(h.is_anew for e in both for h in e.dirty().values())
    )
    for each in both:
        each.is_atomic = is_atomic

    def call() -> list[Any]:
        report = save_all(*memories, atomic=is_atomic, one_by_one=one_by_one)
        return [report.tables[each.name] for each in both]

    flush_together(both, "guarded" if one_by_one else "mixed", call)
    for each in both:
        if each.dirty():
            each.flush()
        each.memory.reset()
        each.close()
