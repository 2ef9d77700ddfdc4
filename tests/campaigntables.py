"""Jobs over tables, without a MemoryTable: saves that meet rivals, counters, many records at a time."""

from __future__ import annotations

from typing import Any

from dynamo_objects.errors import BatchFailed, ConditionFailed, DynamoException, ItemNotFound, OutcomeUnknown
from tests.campaignrules import Change, Refused, after
from tests.campaignworld import ABSENT, Key, Possible, World, state_of

__all__ = ["counters", "many", "saves"]


def saves(world: World) -> None:
    """Load some records, have a rival come between, save them."""
    name = world.chance.choice(["plain", "counted"])
    table = world.tables[name]
    for key in world.some_keys(8):
        way = world.chance.choice(["raise", "merge"])
        record: Any = table.record_class(id=key[0], at=key[1])
        base: Possible = None
        try:
            record = table.get(*key)
            base = state_of(record)
            world.read(name, key, base, "get")
        except ItemNotFound:
            world.read(name, key, None, "get")
        except DynamoException:
            continue
        world.overtake(name, [key], 0.3)
        _change(world, record)
        change = Change(base, state_of(record), is_counted=name == "counted")
        once = world.chance.random() < 0.2
        _saved(
            world,
            name,
            key,
            change,
            way,
            lambda r=record, w=way, o=once: table.save(r, on_conflict=w, exactly_once=o),
        )


def _change(world: World, record: Any) -> None:
    if world.chance.random() < 0.6:
        record.text = world.word("s")
    else:
        record.count += world.chance.randint(1, 9)
    if world.chance.random() < 0.2:
        record.tags.add(world.word("st"))


def _saved(world: World, name: str, key: Key, change: Change, way: str, call: Any) -> None:
    world.ledger.operations += 1
    before = world.truth(name, key)
    done = after(change, "merge" if way == "merge" else "guarded", before)
    how = f"save, {way}, {change}"
    try:
        saved = call()
    except OutcomeUnknown:
        world.ledger.results["save: OutcomeUnknown"] += 1
        world.look(name, key, [before] if isinstance(done, Refused) else [before, done], "lost", how)
    except DynamoException as error:
        world.ledger.results[f"save: {type(error).__name__}"] += 1
        is_blind = way == "merge" and (getattr(error, "item", None) is None or "another item" in str(error))
        if isinstance(error, ConditionFailed) and not isinstance(done, Refused) and not is_blind:
            world.violated("other", f"{name} {key}: refused without a reason: {how}, was {before}")
        world.look(name, key, [before], "double apply", f"{how}: {type(error).__name__}")
    else:
        world.ledger.results["save"] += 1
        if isinstance(done, Refused):
            world.violated("lost", f"{name} {key}: acknowledged against the rules: {how}, was {before}")
            return
        now = world.look(name, key, [done], "lost", how)
        state = state_of(saved)
        if now is None or any(getattr(state, field) != getattr(now, field) for field in change.changed):
            world.violated("wrong read", f"{name} {key}: saved, the record is {state}, stored is {now}")


def counters(world: World) -> None:
    """Count some fields up, with a transaction or without."""
    name = world.chance.choice(["plain", "counted"])
    table = world.tables[name]
    for key in world.some_keys(6):
        for _ in range(world.chance.randint(1, 6)):
            step, once = world.chance.randint(1, 9), world.chance.random() < 0.3
            before = world.truth(name, key)
            old = before or ABSENT
            done = old._replace(count=old.count + step)
            if name == "counted":
                done = done._replace(version=old.version + 1)
            world.ledger.operations += 1
            how = f"count {step}, exactly once: {once}"
            try:
                values = table.update_counter(*key, count=step, exactly_once=once)
            except OutcomeUnknown:
                world.ledger.results["count: OutcomeUnknown"] += 1
                world.look(name, key, [before, done], "lost", how)
            except DynamoException as error:
                world.ledger.results[f"count: {type(error).__name__}"] += 1
                is_done = "was carried out" in str(error)  # only the new values could not be read
                world.look(name, key, [done if is_done else before], "double apply", f"{how}: {error}")
            else:
                world.ledger.results["count"] += 1
                world.look(name, key, [done], "lost", how)
                if values != {"count": done.count}:
                    world.violated("wrong read", f"{name} {key}: {how} gave {values}, right is {done.count}")


def many(world: World) -> None:
    """Read, store and delete many records of plain keys."""
    table = world.tables["plain"]
    keys = world.some_keys(60)
    kind = world.chance.random()
    if kind < 0.4:
        try:
            found = table.get_many(keys)
        except DynamoException as error:
            world.ledger.results[f"get_many: {type(error).__name__}"] += 1
            return
        for key in keys:
            world.read("plain", key, state_of(found[key]) if key in found else None, "get_many")
    elif kind < 0.85:
        news = {key: ABSENT._replace(text=world.word("many")) for key in keys}
        records = [table.record_class(id=key[0], at=key[1], text=new.text) for key, new in news.items()]
        _all(world, {**news}, lambda: table.save_many(records), "save_many")
    else:
        _all(world, dict.fromkeys(keys), lambda: table.delete_many(keys), "delete_many")


def _all(world: World, news: dict[Key, Possible], call: Any, how: str) -> None:
    failed: set[Key] = set()
    try:
        call()
    except BatchFailed as error:
        failed = {each.key for each in error.failures}
        world.ledger.results[f"{how}: BatchFailed"] += 1
    except DynamoException as error:
        failed = set(news)
        world.violated("unnamed", f"{how} has failed, and does not say for whom: {error!r}")
    else:
        world.ledger.results[how] += 1
    if not failed <= set(news):
        world.violated("unnamed", f"{how} names {sorted(failed - set(news))}, which it was not asked for")
    world.look_ahead("plain", news)
    for key, new in news.items():
        world.ledger.operations += 1
        allowed = [new, world.truth("plain", key)] if key in failed else [new]
        world.look("plain", key, allowed, "lost", how)
