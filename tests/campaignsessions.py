"""Jobs over MemoryTable: a program loads, changes, flushes, fails, goes on or gives up.

After each flush it looks at what is stored, and at what the library says of each key.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs

from dynamo_objects import save_all
from dynamo_objects.errors import BatchFailed, ConditionFailed, DynamoException, OutcomeUnknown
from tests.campaignprograms import Held, Program
from tests.campaignrules import Change, Manner, Refused, after
from tests.campaignworld import Key, Possible, State, World, state_of

__all__ = ["Session", "flush_together", "session", "together"]


class Session(Program):
    """A program that flushes."""

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
        if not isinstance(done, Refused):
            self.sent.setdefault(key, []).append(done)
        if failed is None:
            allowed = [before] if isinstance(done, Refused) else [before, done]
            world.look(self.name, key, allowed, "lost", f"{manner} flush that died, {change}")
            return
        rights: list[Possible] = [] if isinstance(done, Refused) else [done]
        if is_carried and isinstance(plain, State) and isinstance(done, State):
            rights.append(done._replace(tags=plain.tags))  # those that it has stored count as theirs
        reason = failed.get(key)
        how = f"{manner} flush, {change}, {_name(reason)}"
        if reason is None:
            if isinstance(done, Refused):
                world.violated("lost", f"{self.name} {key}: acknowledged against the rules: {how}")
                world.look(self.name, key, [world.now(self.name, key)], "lost", how)
            else:
                world.look(self.name, key, rights, "lost", how)
            self._written(key, held, change, manner, before)
        elif isinstance(reason, ConditionFailed):
            is_doubtful = held.is_doubtful and manner == "merge"
            if not isinstance(done, Refused) and not is_doubtful and not _is_blind(reason, change, manner):
                said = f"refused without a reason: {reason}: {how}, was {before}"
                world.violated("other", f"{self.name} {key}: {said}")
            world.look(self.name, key, [before], "double apply", how)
        elif manner in ("guarded", "merge") and not _may_be_done(reason) and not _is_plain(change):
            world.look(self.name, key, [before], "double apply", how)
        else:
            if world.look(self.name, key, [before, *rights], "lost", how) != before:
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
        named = sorted(repr(each.key) for each in error.failures)
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
    bounds: dict[str, Any] = {"maxsize": chance.randint(3, 20)} if chance.random() < 0.2 else {}
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
