"""What every storage of the embedded engine promises."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from itertools import islice
from threading import Event, Thread

import pytest

from dynamo_objects.local.storage.base import Entry, Span, Storage, StorageError
from tests.postgres import postgres_url
from tests.storages import STORAGES, opened, storage_url

WHOLE = Span()
A, B, C = (b"a", b"1"), (b"a", b"2"), (b"b", b"")
ITEM = {"id": {"S": "ünï\x00"}, "n": {"N": "1"}, "l": {"L": [{"NULL": True}, {"SS": ["x", "y"]}]}}


class Oops(Exception):
    """Something went wrong in a unit."""


@pytest.fixture(scope="module")
def postgres() -> Iterator[str | None]:
    """The URL of a PostgreSQL server, if there is one."""
    with postgres_url() as url:
        yield url


@pytest.fixture(params=STORAGES)
def storage(request, tmp_path, postgres) -> Iterator[Storage]:
    """Each storage, empty."""
    with storage_url(request.param, tmp_path, postgres) as url:
        if url is None:
            pytest.skip("no PostgreSQL here")
        with opened(url) as storage:
            yield storage


def entry(number: int) -> Entry:
    """Return an entry that can be told from others."""
    return Entry({"n": {"N": str(number)}}, number)


def fill(storage: Storage, *positions: tuple[bytes, bytes], collection: int = 1) -> None:
    """Store entries of sizes 1, 2, 3 ..."""
    with storage.writing() as unit:
        for number, position in enumerate(positions, 1):
            unit.put(collection, position, entry(number))


def sizes(storage: Storage, span: Span = WHOLE, **options) -> list[int]:
    """Return the sizes of the entries of a span, as they come."""
    with storage.reading() as unit:
        return [found.size for _, found in unit.entries(1, span, **options)]


def test_what_is_put_is_found(storage):
    """
    An entry comes back with its item, its size and, on request, its JSON.
    """
    with storage.writing() as unit:
        unit.put(1, A, Entry(ITEM, 12))
    with storage.reading() as unit:
        found = unit.get(1, A)

    assert found is not None
    assert (ITEM, 12) == (found.item, found.size)
    assert ITEM == json.loads(found.encoded())
    assert found.json is found.encoded()


def test_absent_entries(storage):
    """
    There is nothing at other positions, and in other collections.
    """
    fill(storage, A)
    with storage.reading() as unit:
        assert [None, None, None] == [unit.get(1, B), unit.get(2, A), unit.get(1, (b"a1", b""))]
        assert [] == list(unit.entries(2, Span()))
        assert (0, 0) == unit.totals(2)


def test_a_unit_sees_its_own_changes(storage):
    """
    What a writing unit has put, replaced and deleted shows in it at once.
    """
    fill(storage, A, B)
    with storage.writing() as unit:
        unit.put(1, A, entry(7))
        unit.delete(1, B)
        unit.put(1, C, entry(9))
        found = [unit.get(1, position) for position in (A, B, C)]

        assert [7, None, 9] == [got.size if got else None for got in found]
        assert [(A, 7), (C, 9)] == [(position, got.size) for position, got in unit.entries(1, Span())]
        assert (2, 16) == unit.totals(1)


def test_an_exception_undoes_everything(storage):
    """
    A unit that ends by an exception leaves entries, totals, documents and collections as they were.
    """
    fill(storage, A, B)
    fill(storage, C, collection=2)
    with storage.writing() as unit:
        unit.put_document("table", "t", b"1")
    with pytest.raises(Oops):
        with storage.writing() as unit:
            unit.put(1, A, entry(50))
            unit.delete(1, B)
            unit.put(3, C, entry(60))
            unit.drop(2)
            unit.put(2, A, entry(70))
            assert 1 == unit.totals(2)[0]
            unit.put_document("table", "t", b"2")
            unit.put_document("table", "u", b"3")
            raise Oops

    with storage.reading() as unit:
        assert [1, 2] == [found.size for _, found in unit.entries(1, Span())]
        assert [(C, 1)] == [(position, found.size) for position, found in unit.entries(2, Span())]
        assert [(2, 3), (1, 1), (0, 0)] == [unit.totals(number) for number in (1, 2, 3)]
        assert [("t", b"1")] == list(unit.documents("table"))


def test_spans_include_their_low_end_only(storage):
    """
    A span begins with its first position and ends before its last, forwards and backwards.
    """
    fill(storage, A, B, C)

    assert [1, 2] == sizes(storage, Span(A, C))
    assert [2, 1] == sizes(storage, Span(A, C), reverse=True)
    assert [2, 3] == sizes(storage, Span((b"a", b"1\x00"), None))
    assert [3, 2] == sizes(storage, Span((b"a", b"1\x00"), None), reverse=True)
    assert [] == sizes(storage, Span(C, A))
    assert [] == sizes(storage, Span(A, A), reverse=True)


def test_order_is_bytewise_by_hash_then_sort(storage):
    """
    Positions come by hash bytes, then by sort bytes, whatever bytes there are.
    """
    positions = [(b"", b""), (b"\x00", b"\xff"), (b"a", b"\xff"), (b"a\x00", b""), (b"\xff\xff", b"\x00")]
    fill(storage, *reversed(positions))

    assert [5, 4, 3, 2, 1] == sizes(storage)
    assert [1, 2, 3, 4, 5] == sizes(storage, reverse=True)


@pytest.mark.parametrize("reverse", [False, True])
def test_a_limit_is_only_a_hint(storage, reverse):
    """
    However many are said to be wanted, all entries of a span can be had.
    """
    fill(storage, *((b"%03d" % number, b"") for number in range(700)))
    expected = sorted(range(1, 701), reverse=reverse)

    assert expected == sizes(storage, reverse=reverse, limit=1)
    assert expected == sizes(storage, reverse=reverse, limit=3)
    assert expected == sizes(storage, reverse=reverse, limit=700)
    assert expected == sizes(storage, reverse=reverse)


@pytest.mark.parametrize("reverse", [False, True])
def test_entries_come_and_go_while_they_are_read(storage, reverse):
    """
    Who reads a span and deletes what was read, and puts elsewhere, meets each entry once.
    """
    fill(storage, *((b"%03d" % number, b"") for number in range(500)))
    met = []
    with storage.writing() as unit:
        for position, found in unit.entries(1, Span(), reverse=reverse, limit=10):
            met.append(found.size)
            unit.delete(1, position)
            unit.put(2, position, found)

    assert sorted(range(1, 501), reverse=reverse) == met
    with storage.reading() as unit:
        assert [(0, 0), (500, sum(met))] == [unit.totals(1), unit.totals(2)]


def test_totals_follow_every_change(storage):
    """
    Numbers and bytes are exact after puts, replacements, deletions of what is there and what is not.
    """
    fill(storage, A, B, C)
    with storage.writing() as unit:
        unit.put(1, A, entry(10))
        unit.put(1, A, entry(20))
        unit.delete(1, B)
        unit.delete(1, B)
        unit.delete(1, (b"zz", b""))
        unit.put(1, C, entry(3))

    with storage.reading() as unit:
        assert (2, 23) == unit.totals(1)


def test_drop_deletes_one_collection(storage):
    """
    Dropping a collection leaves the others alone, and the collection can be used again.
    """
    fill(storage, A, B)
    fill(storage, A, collection=2)
    with storage.writing() as unit:
        unit.drop(1)
        unit.drop(99)
        unit.put(1, C, entry(5))

    assert [5] == sizes(storage)
    with storage.reading() as unit:
        assert [(1, 5), (1, 1)] == [unit.totals(1), unit.totals(2)]


def test_documents(storage):
    """
    Documents are found by kind and name, replaced, deleted, and listed in the order of names.
    """
    with storage.writing() as unit:
        for name in ("b", "é", "B", "a\x00", "a"):
            unit.put_document("token", name, name.encode())
        unit.put_document("token", "b", b"new")
        unit.put_document("other", "b", b"other")
        unit.delete_document("token", "é")
        unit.delete_document("token", "absent")

    with storage.reading() as unit:
        assert [b"new", b"other", None] == [
            unit.document(*where) for where in (("token", "b"), ("other", "b"), ("token", "é"))
        ]
        assert [("B", b"B"), ("a", b"a"), ("a\x00", b"a\x00"), ("b", b"new")] == list(unit.documents("token"))


def version(storage: Storage) -> int:
    """Return the version, as a unit of its own sees it."""
    with storage.reading() as unit:
        return storage.version(unit)


def test_the_version_changes_with_tables_only(storage):
    """
    The version is another one after each change of a table's document, and after nothing else.
    """
    seen = [version(storage)]
    with storage.writing() as unit:
        unit.put_document("table", "t", b"1")
        inside = storage.version(unit)
    seen.append(version(storage))
    with storage.writing() as unit:
        unit.delete_document("table", "t")
    seen.append(version(storage))
    fill(storage, A)
    with storage.writing() as unit:
        unit.put_document("token", "t", b"1")

    assert inside == seen[1]
    assert 3 == len(set(seen))
    assert seen[2] == version(storage)


def test_a_version_that_was_undone_never_comes_again(storage):
    """
    What a unit that failed has called the state of the tables stands for no other state later.
    """
    with pytest.raises(Oops):
        with storage.writing() as unit:
            unit.put_document("table", "t", b"1")
            undone = storage.version(unit)
            raise Oops
    seen = [version(storage)]
    with storage.writing() as unit:
        unit.put_document("table", "t", b"2")
        seen.append(storage.version(unit))

    assert undone not in [*seen, version(storage)]


def test_reading_units_cannot_write(storage):
    """
    A unit that only reads refuses changes.
    """
    with storage.reading() as unit:
        for change in (
            lambda: unit.put(1, A, entry(1)),
            lambda: unit.delete(1, A),
            lambda: unit.drop(1),
            lambda: unit.put_document("table", "t", b""),
            lambda: unit.delete_document("table", "t"),
        ):
            with pytest.raises(StorageError, match="only reads"):
                change()


def test_threads_do_not_lose_increments(storage):
    """
    Writing units of several threads run one after the other.
    """
    fill(storage, A)

    def increment() -> None:
        for _ in range(50):
            with storage.writing() as unit:
                found = unit.get(1, A)
                assert found is not None
                unit.put(1, A, entry(found.size + 1))

    threads = [Thread(target=increment) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [201] == sizes(storage)


def test_readers_see_all_of_a_unit_or_nothing(storage):
    """
    While others write two entries in each unit, a reading unit finds them equal.
    """
    fill(storage, A)
    with storage.writing() as unit:
        unit.put(1, B, entry(1))
    done = Event()

    def write() -> None:
        for number in range(100):
            with storage.writing() as unit:
                unit.put(1, A, entry(number))
                unit.put(1, B, entry(number))
        done.set()

    writer = Thread(target=write)
    writer.start()
    torn = []
    while not done.is_set():
        with storage.reading() as unit:
            found = [unit.get(1, A), unit.get(1, B), *(one for _, one in unit.entries(1, Span()))]
            if len({one.size for one in found if one}) != 1:
                torn.append(found)
    writer.join()

    assert [] == torn


def test_parent_and_child_after_a_fork(storage):
    """
    After a fork, parent and child can both read and write.
    """
    fill(storage, A, B)
    read, write = os.pipe()
    child = os.fork()
    if child == 0:  # pragma: no cover - coverage does not see it
        try:
            fill(storage, (b"c", b"1"), collection=5)
            os.write(write, bytes(sizes(storage)))
        finally:
            os._exit(0)
    os.close(write)
    with storage.writing() as unit:
        unit.put(6, A, entry(1))
    os.waitpid(child, 0)

    assert bytes([1, 2]) == os.read(read, 10)
    assert [1, 2] == sizes(storage)
    os.close(read)


def test_reprs_show_no_values(storage):
    """
    Neither entries nor storages show what is stored.
    """
    assert "<Entry of 3 bytes>" == repr(Entry({"secret": {"S": "x"}}, 3))
    assert "secret" not in repr(storage)


def test_the_first_of_many_come_without_the_rest(storage):
    """
    Of a long span one can read the first ones only.
    """
    fill(storage, *((b"%03d" % number, b"") for number in range(300)))
    with storage.reading() as unit:
        first = [found.size for _, found in islice(unit.entries(1, Span(), limit=5), 5)]

    assert [1, 2, 3, 4, 5] == first
