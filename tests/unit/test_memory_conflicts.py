"""MemoryTable: flushes that resolve the conflicts they meet."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest

from dynamo_objects import (
    BatchFailed,
    ConflictError,
    DynamoException,
    DynamoRecord,
    DynamoTable,
    HashKey,
    ItemNotFound,
    MemoryTable,
    QueryError,
    ValidationError,
    field,
)
from tests.dictservice import error_reply
from tests.memoryservice import MemoryService, connect

both_ways = pytest.mark.parametrize("flush", ["save_data", "save_data_batch"])

WRITES = ("PutItem", "UpdateItem", "DeleteItem")


class Page(DynamoRecord):
    """A record with rules and a version."""

    page_id: str = ""
    title: str = ""
    views: int = field(default=0, merge="sum")
    labels: set[str] = field(default=set(), merge="union")
    parts: list[str] = []
    version: int = field(default=0, version=True)


class FrozenPage(DynamoRecord, frozen=True):
    """The same, immutable."""

    page_id: str = ""
    title: str = ""
    views: int = field(default=0, merge="sum")
    labels: set[str] = field(default=set(), merge="union")
    parts: list[str] = []
    version: int = field(default=0, version=True)


class PlainPage(DynamoRecord):
    """The same without a version."""

    page_id: str = ""
    title: str = ""
    views: int = field(default=0, merge="sum")
    labels: set[str] = field(default=set(), merge="union")
    parts: list[str] = []


class Pages:
    """A MemoryTable over a table, and the table itself for others."""

    def __init__(self, record_class: Any, **arguments: Any) -> None:
        self.Page = record_class
        self.service = MemoryService()
        database = connect(self.service)
        self.table: Any = DynamoTable(
            "page", [HashKey("page_id")], record_class=record_class, database=database
        )
        self.memory: Any = MemoryTable(self.table, **arguments)

    def write(self, key: str = "p1", **fields: Any) -> None:
        """Change a page as another program would, or make it."""
        theirs = self.table.find(key) or self.Page(page_id=key)
        self.table.save(theirs.evolve(**fields))

    def change(self, key: str = "p1", **fields: Any) -> Any:
        """Change a page in memory: the record itself, or a copy in its place."""
        record = self.memory.get(key)
        if self.Page.__dynamo_frozen__:
            return self.memory.save(record.evolve(**fields))
        for name, value in fields.items():
            setattr(record, name, value)
        return record

    def conflict(self, base: Any, mine: Any, theirs: Any) -> Any:
        """Return my changed page, after somebody else has changed it."""
        self.write(**base)
        record = self.change(**mine)
        self.write(**theirs)
        self.service.forget()
        return record

    def during(self, write: int, act: Any) -> None:
        """Have *act* called while the write of this number is under way, after it was done."""
        count = 0

        def step(operation: str, request: Any) -> Any:
            nonlocal count
            if operation not in WRITES:
                return None
            count += 1
            if count != write:
                return None
            self.service.step = None
            reply = super(MemoryService, self.service).send(operation, json.dumps(request).encode(), 1.0)
            act()
            return reply

        self.service.step = step


@pytest.fixture(params=[Page, FrozenPage, PlainPage], ids=lambda kind: kind.__name__)
def pages(request):
    """Pages of each kind."""
    return Pages(request.param)


# --- merging ------------------------------------------------------------------------------------


def test_a_flush_merges(pages):
    """
    The conflict costs one write more and no read; the record of the key has what is stored, and is clean.
    """
    mine = pages.conflict(
        {"views": 1, "labels": {"a"}},
        {"views": 2, "labels": {"b"}},
        {"views": 5, "title": "t", "labels": {"a", "c"}},
    )
    report = pages.memory.save_data(on_conflict="merge")

    assert {"UpdateItem": 2} == pages.service.operations()
    assert (1, 1, 0, 2, []) == (report.updates, report.merged, report.puts, report.requests, report.failed)
    assert 1 == report.written
    record = pages.memory.get("p1")
    assert ("t", 6, {"b", "c"}) == (record.title, record.views, record.labels)
    assert pages.table.get("p1") == record
    assert pages.Page.__dynamo_frozen__ or record is mine
    assert [] == pages.memory.dirty_keys()
    pages.change(views=record.views + 1)
    assert (1, 0) == (pages.memory.save_data().updates, pages.memory.save_data().updates)
    assert 7 == pages.table.get("p1").views


@pytest.mark.parametrize("record_class", [Page, FrozenPage])
def test_batch_flushes_merge_records_with_a_version(record_class):
    """
    Those go conditionally there too.
    """
    pages = Pages(record_class, on_conflict="merge")
    pages.conflict({"views": 1}, {"views": 2}, {"views": 5})

    report = pages.memory.save_data_batch()

    assert (1, 1) == (report.updates, report.merged)
    assert (6, 3) == (pages.memory.get("p1").views, pages.table.get("p1").version)


@both_ways
def test_the_default_is_that_of_the_table(flush):
    """
    ``raise`` by default; a flush may say otherwise, either way.
    """
    pages = Pages(Page)
    pages.conflict({"title": "a"}, {"title": "b"}, {"title": "c"})
    with pytest.raises(BatchFailed):
        getattr(pages.memory, flush)()
    assert ["p1"] == pages.memory.dirty_keys()

    pages = Pages(Page, on_conflict="mine")
    pages.conflict({"title": "a"}, {"title": "b"}, {"title": "c"})
    with pytest.raises(BatchFailed):
        getattr(pages.memory, flush)(on_conflict="raise")
    assert 1 == getattr(pages.memory, flush)().merged
    assert "b" == pages.table.get("p1").title


def test_what_cannot_be_merged_stays_dirty(pages):
    """
    The failure names the fields, the record is as it was, and other records are written.
    """
    mine = pages.conflict({"title": "a", "views": 1}, {"title": "b", "views": 2}, {"title": "c"})
    pages.memory.save(pages.Page(page_id="p2"))

    report = pages.memory.save_data(ignore_errors=True, on_conflict="merge")

    (failure,) = report.failed
    assert isinstance(failure.reason, ConflictError)
    assert (("title",), "p1", 1, 0) == (failure.reason.fields, failure.key, report.puts, report.merged)
    assert ("b", 2) == (mine.title, mine.views)
    assert ["p1"] == pages.memory.dirty_keys()


def test_unknown_attributes_survive(pages):
    """
    What others have added in between is kept, here too.
    """
    pages.conflict({"views": 1}, {"views": 2}, {"views": 5})
    (item,) = pages.service.items
    pages.service.write({**item, "other": {"S": "x"}})

    pages.memory.save_data(on_conflict="merge")

    (item,) = pages.service.items
    assert ({"S": "x"}, {"N": "6"}) == (item["other"], item["views"])
    assert {"S": "x"} == pages.memory.get("p1")._item["other"]


def test_a_new_record_meets_an_item(pages):
    """
    Both made the same key: merged from absent values.
    """
    pages.memory.save(pages.Page(page_id="p1", views=2))
    pages.write(title="t", views=5)

    report = pages.memory.save_data(on_conflict="merge")

    assert (1, 1, 0) == (report.merged, report.updates, report.puts)
    assert ("t", 7) == (pages.memory.get("p1").title, pages.memory.get("p1").views)
    assert pages.table.get("p1") == pages.memory.get("p1")


def test_what_was_resolved_before_a_flush_ended_is_written(pages):
    """
    When an error ends the flush, what was merged before is clean, and only the rest has failed.
    """
    pages.conflict({"views": 1}, {"views": 2}, {"views": 5})
    pages.memory.save(pages.Page(page_id="p2"))
    pages.service.step = lambda operation, request: (
        error_reply("AccessDeniedException") if operation == "PutItem" else None
    )

    report = pages.memory.save_data(ignore_errors=True, on_conflict="merge")

    assert (1, ["p2"]) == (report.merged, [failure.key for failure in report.failed])
    assert ["p2"] == pages.memory.dirty_keys()


# --- what happens meanwhile ---------------------------------------------------------------------


@pytest.mark.parametrize("write", [1, 2])
@pytest.mark.parametrize("record_class", [Page, PlainPage])
def test_changes_made_while_a_conflict_is_resolved_are_not_lost(write, record_class):
    """
    They are changes of what is stored then, by their rules, and the next flush writes them.
    """
    pages = Pages(record_class)
    mine = pages.conflict({"views": 1}, {"views": 2, "parts": ["x"]}, {"views": 10, "title": "t"})
    parts = mine.parts

    def act():
        mine.views += 100
        parts.append("y")

    pages.during(write, act)
    report = pages.memory.save_data(on_conflict="merge")

    assert (1, []) == (report.merged, report.failed)
    assert (111, "t", ["x", "y"]) == (mine.views, mine.title, mine.parts)
    assert (11, ["x"]) == (pages.table.get("p1").views, pages.table.get("p1").parts)
    assert ["p1"] == pages.memory.dirty_keys()
    assert (1, 0) == ((report := pages.memory.save_data()).updates, report.merged)
    assert (111, ["x", "y"]) == (pages.table.get("p1").views, pages.table.get("p1").parts)
    assert [] == pages.memory.dirty_keys()


@pytest.mark.parametrize("record_class", [Page, PlainPage])
def test_a_change_made_meanwhile_of_what_they_have_changed(record_class):
    """
    Without a rule it is a conflict of the next flush: never lost, and never written over theirs unseen.
    """
    pages = Pages(record_class)
    mine = pages.conflict({"title": "a", "views": 1}, {"views": 2}, {"views": 10, "title": "theirs"})
    pages.during(1, lambda: setattr(mine, "title", "mine"))
    pages.memory.save_data(on_conflict="merge")

    assert ("mine", 11) == (mine.title, mine.views)
    assert ("theirs", 11) == (pages.table.get("p1").title, pages.table.get("p1").views)
    with pytest.raises(BatchFailed) as caught:
        pages.memory.save_data(on_conflict="merge")
    assert ("title",) == caught.value.failures[0].reason.fields
    pages.memory.save_data(on_conflict="mine")
    assert ("mine", 11) == (pages.table.get("p1").title, pages.table.get("p1").views)


@pytest.mark.parametrize("record_class", [Page, FrozenPage, PlainPage])
def test_copies_put_in_its_place_meanwhile(record_class):
    """
    A copy that was saved while the conflict was being resolved has what is stored, and its own changes.
    """
    pages = Pages(record_class)
    pages.conflict({"views": 1}, {"views": 2}, {"views": 10, "title": "t"})
    pages.during(2, lambda: pages.memory.save(pages.memory.get("p1").evolve(views=102, parts=["x"])))
    pages.memory.save_data(on_conflict="merge")

    record = pages.memory.get("p1")
    assert (111, "t", ["x"]) == (record.views, record.title, record.parts)
    pages.memory.save_data()
    assert pages.memory.get("p1") == pages.table.get("p1")


@both_ways
def test_deleted_meanwhile(flush):
    """
    A record that was deleted while its conflict was being resolved is deleted by the next flush.
    """
    pages = Pages(Page, on_conflict="merge")
    pages.conflict({"views": 1}, {"views": 2}, {"views": 10})
    pages.during(2, lambda: pages.memory.delete("p1"))
    getattr(pages.memory, flush)()

    assert pages.memory.find("p1") is None
    assert 1 == getattr(pages.memory, flush)().deletes
    assert [] == pages.service.items


def test_deleted_and_made_anew_meanwhile(pages):
    """
    The new record takes the place of what the conflict has left.
    """
    pages.conflict({"views": 1}, {"views": 2}, {"views": 10, "title": "t"})

    def act():
        pages.memory.delete("p1")
        pages.memory.save(pages.Page(page_id="p1", views=7))

    pages.during(2, act)
    pages.memory.save_data(on_conflict="merge")
    report = pages.memory.save_data()

    assert (1, []) == (report.puts, report.failed)
    stored = pages.table.get("p1")
    assert (7, "") == (stored.views, stored.title)
    if hasattr(stored, "version"):
        assert 4 == stored.version  # two of theirs, the merged one, this one


# --- theirs and mine ----------------------------------------------------------------------------


def test_theirs(pages):
    """
    Nothing more is written; the record has their values, and is clean.
    """
    mine = pages.conflict({"title": "a"}, {"title": "b", "parts": ["x"]}, {"title": "c"})
    report = pages.memory.save_data(on_conflict="theirs")

    assert {"UpdateItem": 1} == pages.service.operations()
    assert (0, 1) == (report.written, report.merged)
    assert ("c", []) == (pages.memory.get("p1").title, pages.memory.get("p1").parts)
    assert pages.Page.__dynamo_frozen__ or mine is pages.memory.get("p1")
    assert [] == pages.memory.dirty_keys()


def test_theirs_is_a_deletion(pages):
    """
    The record is gone from memory as well.
    """
    pages.conflict({"title": "a"}, {"title": "b"}, {})
    pages.table.delete("p1")
    report = pages.memory.save_data(on_conflict="theirs")

    assert (0, 1, []) == (report.written, report.merged, report.failed)
    with pytest.raises(ItemNotFound):
        pages.memory.get("p1")
    assert [] == pages.memory.dirty_keys()


def test_theirs_is_a_deletion_and_the_record_was_changed_meanwhile():
    """
    The change is not lost: the record is a new one then.
    """
    pages = Pages(PlainPage)
    mine = pages.conflict({"title": "a"}, {"title": "b"}, {})
    pages.table.delete("p1")

    def step(operation, request):
        if operation == "GetItem":  # the look whether it is gone
            pages.service.step = None
            mine.views = 7

    pages.service.step = step
    pages.memory.save_data(on_conflict="theirs")

    assert mine is pages.memory.get("p1")
    assert ["p1"] == pages.memory.dirty_keys()
    assert 1 == pages.memory.save_data().puts
    assert ("b", 7) == (pages.table.get("p1").title, pages.table.get("p1").views)


def test_mine(pages):
    """
    My changes are written over theirs, their other changes stay.
    """
    pages.conflict({"title": "a"}, {"title": "b"}, {"title": "c", "parts": ["x"]})
    report = pages.memory.save_data(on_conflict="mine")

    assert (1, 1) == (report.updates, report.merged)
    assert ("b", ["x"]) == (pages.table.get("p1").title, pages.table.get("p1").parts)
    assert pages.table.get("p1") == pages.memory.get("p1")


def test_mine_of_a_deleted_item(pages):
    """
    It is written anew, as a whole.
    """
    pages.conflict({"title": "a", "views": 3}, {"title": "b"}, {})
    pages.table.delete("p1")
    report = pages.memory.save_data(on_conflict="mine")

    assert (1, 1) == (report.puts, report.merged)
    assert ("b", 3) == (pages.table.get("p1").title, pages.table.get("p1").views)
    assert [] == pages.memory.dirty_keys()


# --- deletions ----------------------------------------------------------------------------------


def deletion(pages):
    """Delete a page in memory that somebody else has changed."""
    pages.write(title="a")
    pages.memory.delete("p1")
    pages.write(title="b")
    pages.service.forget()


def test_a_deletion_of_mine(pages):
    """
    It is carried out, on condition that the item is as it was seen.
    """
    deletion(pages)
    report = pages.memory.save_data(on_conflict="mine")

    assert {"DeleteItem": 2} == pages.service.operations()
    assert (1, 1) == (report.deletes, report.merged)
    assert [] == pages.service.items
    assert pages.memory.find("p1") is None


def test_a_deletion_that_theirs_prevents(pages):
    """
    The record is there again, with their change.
    """
    deletion(pages)
    report = pages.memory.save_data(on_conflict="theirs")

    assert (0, 1) == (report.deletes, report.merged)
    assert "b" == pages.memory.get("p1").title
    pages.change(title="c")
    assert 1 == pages.memory.save_data().updates


def test_a_deletion_cannot_be_merged(pages):
    """
    It stays dirty, with a ConflictError.
    """
    deletion(pages)
    report = pages.memory.save_data(ignore_errors=True, on_conflict="merge")

    assert isinstance(report.failed[0].reason, ConflictError)
    assert ["p1"] == pages.memory.dirty_keys()


def test_a_function_decides_on_a_deletion(pages):
    """
    It gets None for mine; what it returns is stored, and the record is there again.
    """
    deletion(pages)
    seen = []

    def decide(base, mine, theirs):
        seen.append((base.title, mine, theirs.title))
        return theirs.evolve(title="kept")

    report = pages.memory.save_data(on_conflict=decide)

    assert [("a", None, "b")] == seen
    assert (1, 1) == (report.updates, report.merged)
    assert "kept" == pages.memory.get("p1").title == pages.table.get("p1").title


# --- functions ----------------------------------------------------------------------------------


@both_ways
def test_what_a_function_raises_concerns_its_record_alone(flush):
    """
    Other records are written; the failure has the error as it was raised.
    """
    pages = Pages(Page)
    for n in range(6):
        pages.write(f"p{n}", title="a")
        pages.change(f"p{n}", title="b")
        pages.write(f"p{n}", title="c")

    def decide(base, mine, theirs):
        number = int(mine.page_id[1:])
        if number == 1:
            raise KeyError("not today")
        if number == 2:
            return mine.evolve(title=5)
        return None if number == 3 else mine

    report = getattr(pages.memory, flush)(ignore_errors=True, on_conflict=decide)

    reasons = {failure.key: type(failure.reason) for failure in report.failed}
    assert {"p1": KeyError, "p2": ValidationError, "p3": ConflictError} == reasons
    assert (3, {"p1", "p2", "p3"}) == (report.merged, set(pages.memory.dirty_keys()))
    assert "b" == pages.table.get("p4").title


@both_ways
def test_functions_hold_no_lock(flush):
    """
    They, and other threads meanwhile, may read and save; flushing from there is an error, not a deadlock.
    """
    pages = Pages(Page)
    for n in range(2):
        pages.write(f"p{n}", title="a")
        pages.change(f"p{n}", title="b")
        pages.write(f"p{n}", title="c")
    pages.write("other", title="o")
    errors = []

    def elsewhere():
        pages.memory.get("other").views += 1
        pages.memory.save(Page(page_id=f"new{threading.get_ident()}"))

    def decide(base, mine, theirs):
        elsewhere()
        thread = threading.Thread(target=elsewhere, daemon=True)
        thread.start()
        thread.join(5)
        assert not thread.is_alive()
        try:
            pages.memory.save_data()
        except DynamoException as error:
            errors.append(str(error))
        with pytest.raises(DynamoException), pages.memory.unit():
            pass
        return mine

    report = getattr(pages.memory, flush)(on_conflict=decide)

    assert 2 == report.merged
    assert 2 == len(errors)
    assert all("must not flush it again" in error for error in errors)


# --- arguments ----------------------------------------------------------------------------------


def test_bad_arguments():
    """
    Unknown words are refused, and on_conflict= where there is nothing to decide.
    """
    pages = Pages(Page)
    pages.memory.save(Page(page_id="p1"))

    with pytest.raises(QueryError, match="on_conflict= is one of"):
        MemoryTable(pages.table, on_conflict="Merge")
    with pytest.raises(QueryError, match="on_conflict= is one of"):
        pages.memory.save_data(on_conflict="merg")
    with pytest.raises(QueryError, match="overwrite=True"):
        pages.memory.save_data(overwrite=True, on_conflict="merge")
    with pytest.raises(QueryError, match="atomic=True"):
        pages.memory.save_data(atomic=True, on_conflict="merge")
    assert ["p1"] == pages.memory.dirty_keys()


def test_overwriting_comes_before_the_default():
    """
    ``overwrite=True`` of a flush writes whatever is stored, also where the table would merge.
    """
    pages = Pages(Page, on_conflict="merge")
    pages.conflict({"views": 1}, {"views": 2}, {"views": 10})

    report = pages.memory.save_data(overwrite=True)

    assert (0, 2) == (report.merged, pages.table.get("p1").views)


def test_transactions_raise_conflicts():
    """
    They are all or nothing, whatever the table would do.
    """
    pages = Pages(Page, on_conflict="merge")
    pages.conflict({"views": 1}, {"views": 2}, {"views": 10})

    with pytest.raises(BatchFailed):
        pages.memory.save_data(atomic=True)

    assert 10 == pages.table.get("p1").views


def test_several_memory_tables_lose_nothing():
    """
    Threads with a MemoryTable each, over one table, that count and flush: every count is there in the end.
    """
    pages = Pages(Page)
    for n in range(3):
        pages.write(f"p{n}")
    errors: list[Exception] = []

    def work(name: int) -> None:
        try:
            memory: Any = MemoryTable(pages.table, on_conflict="merge")
            for n in range(12):
                record = memory.get(f"p{n % 3}")
                record.views += 1
                record.labels.add(f"{name}-{n}")
                memory.save_data_batch() if n % 2 else memory.save_data()
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(name,)) for name in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [] == errors
    stored = [pages.table.get(f"p{n}") for n in range(3)]
    assert [12, 12, 12] == [record.views for record in stored]
    assert 36 == sum(len(record.labels) for record in stored)
