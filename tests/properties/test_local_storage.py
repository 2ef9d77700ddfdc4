"""Storages against plain dicts, and sorted positions against sorted()."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from dynamo_objects.local.storage import ordered
from dynamo_objects.local.storage.base import Entry, Span, Storage
from dynamo_objects.local.storage.opening import open_storage

PARTS = st.lists(st.sampled_from([0, 1, 97, 255]), max_size=2).map(bytes)
POSITIONS = st.tuples(PARTS, PARTS)
SPANS = st.builds(Span, POSITIONS, st.none() | POSITIONS)
COLLECTIONS = st.integers(1, 2)
ENTRIES = st.builds(
    lambda text, size: Entry({"t": {"S": text}}, size), st.text(max_size=3), st.integers(1, 50)
)
NAMES = st.sampled_from(["a", "b", "\x00", "é"])
KINDS = st.sampled_from(["table", "token"])

#: What a unit may do: name of the method, and its arguments.
CHANGES = st.one_of(
    st.tuples(st.just("put"), COLLECTIONS, POSITIONS, ENTRIES),
    st.tuples(st.just("put"), COLLECTIONS, POSITIONS, ENTRIES),
    st.tuples(st.just("delete"), COLLECTIONS, POSITIONS),
    st.tuples(st.just("drop"), COLLECTIONS),
    st.tuples(st.just("put_document"), KINDS, NAMES, st.binary(max_size=3)),
    st.tuples(st.just("delete_document"), KINDS, NAMES),
    st.tuples(st.just("look"), COLLECTIONS, POSITIONS, SPANS, st.booleans()),
)


class Oops(Exception):
    """A unit is to be undone."""


class Model:
    """The oracle: dicts."""

    def __init__(self) -> None:
        self.collections = {1: {}, 2: {}}
        self.all_documents = {"table": {}, "token": {}}

    def copy(self) -> Model:
        """Return another one that is equal."""
        other = Model()
        other.collections = {number: dict(held) for number, held in self.collections.items()}
        other.all_documents = {kind: dict(held) for kind, held in self.all_documents.items()}
        return other

    def get(self, collection, position):
        return self.collections[collection].get(position)

    def entries(self, collection, span, *, reverse=False, limit=None):
        held = sorted(self.collections[collection].items(), key=lambda pair: pair[0], reverse=reverse)
        return [(at, found) for at, found in held if at >= span.low and (span.high is None or at < span.high)]

    def totals(self, collection):
        held = self.collections[collection].values()
        return len(held), sum(found.size for found in held)

    def documents(self, kind):
        return sorted(self.all_documents[kind].items())

    def put(self, collection, position, entry):
        self.collections[collection][position] = entry

    def delete(self, collection, position):
        self.collections[collection].pop(position, None)

    def drop(self, collection):
        self.collections[collection].clear()

    def put_document(self, kind, name, content):
        self.all_documents[kind][name] = content

    def delete_document(self, kind, name):
        self.all_documents[kind].pop(name, None)


def told(pairs):
    """Return entries as what can be compared."""
    return [(position, entry.item, entry.size) for position, entry in pairs]


def same(unit, model, collection, position, span, reverse) -> None:
    """Compare what can be read."""
    mine, theirs = unit.get(collection, position), model.get(collection, position)

    assert (mine and (mine.item, mine.size)) == (theirs and (theirs.item, theirs.size))
    assert told(unit.entries(collection, span, reverse=reverse, limit=2)) == told(
        model.entries(collection, span, reverse=reverse)
    )
    assert model.totals(collection) == unit.totals(collection)
    for kind in ("table", "token"):
        assert model.documents(kind) == list(unit.documents(kind))


class StorageMachine(RuleBasedStateMachine):
    """Units of random changes, some of them undone, against the oracle."""

    url = "memory://"

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.storage: Storage
        self.model = Model()
        self.versions: dict[int, list[tuple[str, bytes]]] = {}

    @initialize()
    def open(self) -> None:
        """Begin with an empty storage."""
        self.file = Path(self.folder.name) / "file.db"
        self.storage = open_storage(self.url.format(file=self.file))

    @rule(changes=st.lists(CHANGES, max_size=8), fails=st.booleans())
    def write(self, changes, fails) -> None:
        """Change in one unit, and look in between; a unit that fails has done nothing."""
        before = self.model.copy()
        try:
            with self.storage.writing() as unit:
                for name, *arguments in changes:
                    if name == "look":
                        same(unit, self.model, *arguments)
                    else:
                        getattr(unit, name)(*arguments)
                        getattr(self.model, name)(*arguments)
                self.see_version(unit)
                if fails:
                    raise Oops
        except Oops:
            self.model = before

    @rule()
    def reopen(self) -> None:
        """Open a file again."""
        if "{file}" in self.url:
            self.storage.close()
            self.open()

    @invariant()
    def all_is_as_it_should_be(self) -> None:
        """Everything is as in the oracle, in both directions, and versions never lie."""
        with self.storage.reading() as unit:
            for collection in (1, 2):
                same(unit, self.model, collection, (b"", b""), Span(), False)
                same(unit, self.model, collection, (b"a", b""), Span((b"a", b"")), True)
            self.see_version(unit)

    def see_version(self, unit) -> None:
        """A version that was seen stands for one state of the tables."""
        state = self.model.documents("table")

        assert state == self.versions.setdefault(self.storage.version(unit), state)

    def teardown(self) -> None:
        """Close."""
        self.storage.close()
        self.folder.cleanup()


class FileMachine(StorageMachine):
    """The same in a file of SQLite."""

    url = "sqlite:///{file}"


_SETTINGS = settings(
    max_examples=30,
    stateful_step_count=15,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
TestMemory = StorageMachine.TestCase
TestMemory.settings = _SETTINGS
TestFile = FileMachine.TestCase
TestFile.settings = _SETTINGS


@pytest.mark.parametrize("length", [4, 6, 128])
@given(data=st.data())
@settings(deadline=None, max_examples=60)
def test_positions_are_sorted(length, data):
    """
    Whatever was added and removed, positions come as sorted() has them, from both sides.
    """
    usual, ordered._LENGTH = ordered._LENGTH, length
    try:
        positions, model = ordered.Positions(), set()
        for position in data.draw(st.lists(POSITIONS, max_size=60)):
            (positions.remove if position in model else positions.add)(position)
            model ^= {position}
            low, high = data.draw(POSITIONS), data.draw(st.none() | POSITIONS)
            count = data.draw(st.integers(1, 70))
            inside = sorted(at for at in model if at >= low and (high is None or at < high))

            assert inside[:count] == positions.ahead(low, high, count)
            assert inside[::-1][:count] == positions.behind(low, high, count)
    finally:
        ordered._LENGTH = usual
