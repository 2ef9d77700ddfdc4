"""What a program does with a MemoryTable before it flushes: it reads, changes, makes, deletes, in units and without.

It keeps for each key what it has read and what it has made of it, and compares all that it reads with that, and
with what is stored.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

import attrs

from dynamo_objects import MemoryTable
from dynamo_objects.errors import DynamoException, ItemNotFound
from tests.campaignfaults import Crash
from tests.campaignrules import Change
from tests.campaignworld import ABSENT, Key, Possible, Table, World, state_of

__all__ = ["Held", "Program", "Way"]

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


class Program:
    """A MemoryTable, and what its user knows.

    Attributes:
        held: Key -> what is known of it.
        accepted: Key -> what the journal has accepted, and no flush has written.
        accepting: Key -> what it is going to accept.
        sent: Key -> states that flushes may have stored.
        murky: Keys that a query may have read before it failed.
    """

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
        self.murky: set[Key] = set()
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
            self.murky |= {key for key in self.world.every_key() if key[0] == name}
            return
        found = {(record.id, record.at): state_of(record) for record in records}
        if len(found) < len(records):
            self.world.violated("wrong read", f"{self.name} {name}: a query has given a record twice")
        for key in self.world.every_key():
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
            is_deleted_blindly = held.mine is None and not held.is_known
            held.is_anew = held.is_anew or held.base is not None or is_deleted_blindly
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

    def dirty(self) -> dict[Key, Held]:
        """Return what a flush has to write."""
        return {key: held for key, held in self.held.items() if held.is_dirty}

    def close(self) -> None:
        """End without a flush."""
        self.memory.close()
