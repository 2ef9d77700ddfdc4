"""MemoryTable: what counts as a change, and is written."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from dynamo_objects import (
    DynamoRecord,
    DynamoTable,
    HashKey,
    MemoryTable,
)

from .memory import both_ways, filled, written
from .tables import StoreTable

# --- what is dirty --------------------------------------------------------------------------------


@both_ways
def test_only_dirty_records_are_written(db, kind, flush, count_requests):
    """
    Of ten cached records the one that was changed is written, and nothing else is sent.
    """
    table = filled(kind.StoreTable(), 10)
    memory = MemoryTable(table)
    memory.prefetch(f"s{n}" for n in range(10))
    memory.save(kind.changed(memory.get("s3"), city="Oslo"))
    requests = count_requests()

    report = getattr(memory, flush)()

    assert ["Oslo", ""] == [table.get("s3").city, table.get("s4").city]
    assert (1, 9, 1) == (report.written, report.skipped, report.requests)
    assert 1 == written(requests.sent())
    assert [] == memory.dirty_keys()


@both_ways
def test_nothing_dirty_costs_nothing(db, kind, flush, count_requests):
    """
    Reading, saving unchanged records and flushing writes nothing.
    """
    table = filled(kind.StoreTable(), 3, city="Oslo", tags=["a"])
    memory = MemoryTable(table)
    for n in range(3):
        memory.save(memory.get(f"s{n}"))
    requests = count_requests()

    report = getattr(memory, flush)()

    assert (0, 3, 0, []) == (report.written, report.skipped, report.requests, report.failed)
    assert {} == requests.sent()


@both_ways
def test_changes_in_place_count(db, flush):
    """
    A list that grew and a set that shrank make their records dirty, without save.
    """
    table = filled(StoreTable(), 2, tags=["a"], labels={"x", "y"})
    memory = MemoryTable(table)
    memory.get("s0").tags.append("b")
    memory.get("s1").labels.discard("y")

    assert ["s0", "s1"] == memory.dirty_keys()
    getattr(memory, flush)()
    assert (["a", "b"], {"x"}) == (table.get("s0").tags, table.get("s1").labels)


@both_ways
def test_nested_records_count(db, flush):
    """
    A change deep inside, of a record in a list in a record, is found and written.
    """

    class Line(DynamoRecord):
        text: str = ""
        marks: list[int] = []

    class Page(DynamoRecord):
        page_id: str = ""
        lines: list[Line] = []

    class PageTable(DynamoTable[Page]):
        table_name = "page"
        schema = [HashKey("page_id")]

    table = PageTable()
    table.save(Page(page_id="p1", lines=[Line(text="one"), Line(text="two")]))
    memory = MemoryTable(table)
    page = memory.get("p1")
    assert [] == memory.dirty_keys()
    page.lines[1].marks.append(5)

    assert ["p1"] == memory.dirty_keys()
    getattr(memory, flush)()
    assert [Line(text="one"), Line(text="two", marks=[5])] == table.get("p1").lines


@both_ways
def test_equal_values_are_no_change(db, flush, count_requests):
    """
    A value assigned again, an equal copy, and a change that was taken back are clean.
    """
    opened = datetime(2026, 11, 20, 12, tzinfo=UTC)
    table = filled(StoreTable(), 1, city="Oslo", visits=7, rating=0.5, opened=opened, tags=["a"])
    memory = MemoryTable(table)
    record = memory.get("s0")
    record.city, record.visits, record.rating = "".join(["Os", "lo"]), int("7"), float("0.5")
    record.opened, record.tags = datetime(2026, 11, 20, 12, tzinfo=UTC), ["a"]
    record.tags.append("b")
    record.tags.pop()
    requests = count_requests()

    assert [] == memory.dirty_keys()
    assert 0 == getattr(memory, flush)().written
    assert {} == requests.sent()


@both_ways
def test_foreign_spellings_are_no_change(db, flush, count_requests):
    """
    A time in another zone, or without fractions, as other programs write it, is clean; so are unknown attributes.
    """
    table = StoreTable()
    item = {
        "store_id": "s1",
        "opened": "2026-11-20T13:00:00+01:00",
        "rating": Decimal("0.50"),
        "other": {"a": 1},
    }
    table.table.put_item(Item=item)
    memory = MemoryTable(table)
    assert datetime(2026, 11, 20, 12, tzinfo=UTC) == memory.get("s1").opened
    requests = count_requests()

    assert [] == memory.dirty_keys()
    assert 0 == getattr(memory, flush)().written
    assert {} == requests.sent()


@both_ways
def test_unknown_attributes_survive(db, kind, flush):
    """
    Attributes that the class does not have are kept through load, change and flush.
    """
    table = kind.StoreTable()
    table.table.put_item(Item={"store_id": "s1", "city": "Oslo", "other": {"deep": [1, "x"]}})
    memory = MemoryTable(table)
    memory.save(kind.changed(memory.get("s1"), city="Bergen"))

    getattr(memory, flush)()

    expected = {"store_id": "s1", "city": "Bergen", "other": {"deep": [1, "x"]}}
    assert expected == table.table.get_item(Key={"store_id": "s1"})["Item"]


@both_ways
def test_checks_may_undo_a_change(db, flush, count_requests):
    """
    What _check_data makes of a record before it is written counts: if that is what was loaded, nothing is sent.
    """

    class Note(DynamoRecord):
        note_id: str = ""
        text: str = ""

        def _check_data(self):
            self.text = self.text.strip()

    class NoteTable(DynamoTable[Note]):
        table_name = "note"
        schema = [HashKey("note_id")]

    table = NoteTable()
    table.save(Note(note_id="n1", text="x"))
    memory = MemoryTable(table)
    memory.get("n1").text = " x "
    assert ["n1"] == memory.dirty_keys()
    requests = count_requests()

    report = getattr(memory, flush)()

    assert (0, 1) == (report.written, report.skipped)
    assert {} == requests.sent()
    assert [] == memory.dirty_keys()
