"""page and cursors."""

from __future__ import annotations

import base64
import subprocess
import sys

import pytest

from dynamo_objects import CursorError, QueryError

from .tables import Visit, VisitTable


@pytest.fixture
def visits(db):
    """A table with ten visits of s1, and three of s2."""
    table = VisitTable()
    table.save_many(
        Visit(store_id="s1", number=number, guest="ann" if number % 2 else "bob", paid=float(number % 3))
        for number in range(10)
    )
    table.save_many(Visit(store_id="s2", number=number) for number in range(3))
    return table


def pages(query, size):
    """Return the numbers on each page."""
    found, cursor = [], None
    while True:
        page = query.page(size, after=cursor)
        found.append([visit.number for visit in page.items])
        cursor = page.cursor
        if cursor is None:
            return found


def test_pages_go_on_where_the_last_ended(visits):
    """
    Pages of a query together are the query; the last has no cursor.
    """
    assert [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]] == pages(visits.query("s1"), 4)
    assert [[9, 8, 7, 6, 5], [4, 3, 2, 1, 0]] == pages(visits.query("s1", reverse=True), 5)
    assert [list(range(10))] == pages(visits.query("s1"), 10)
    assert [list(range(10))] == pages(visits.query("s1"), 1000)
    assert [[]] == pages(visits.query("s3"), 5)


def test_pages_with_a_filter_are_full(visits):
    """
    A page has as many results as asked for, whatever the filter drops; a last one may be empty.
    """
    query = visits.query("s1", guest__eq="ann")

    assert [[1, 3], [5, 7], [9]] == [page for page in pages(query, 2) if page]
    assert [[1, 3], [5, 7], [9]] == [page for page in pages(query.page_size(1), 2) if page]
    assert [[1, 3], [5, 7], [9]] == [page for page in pages(query.page_size(3), 2) if page]


def test_pages_cut_from_larger_ones(visits):
    """
    max_page_size does not show in the pages.
    """
    assert [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]] == pages(visits.query("s1", max_page_size=3), 4)
    assert [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]] == pages(visits.query("s1", max_page_size=100), 4)
    assert [list(range(10))] == pages(visits.query("s1", max_page_size=5), 10)


def test_one_page_costs_one_request(visits, count_requests):
    """
    Without a filter, a page is one request.
    """
    requests = count_requests()
    visits.query("s1").page(4)

    assert {"Query": 1} == requests.sent()


def test_limit_holds_for_all_pages(visits):
    """
    The limit of a query counts over its pages.
    """
    assert [[0, 1, 2], [3, 4]] == pages(visits.query("s1", limit=5), 3)
    assert [[0, 1, 2], [3, 4, 5]] == pages(visits.query("s1", limit=6), 3)
    assert [[0, 1]] == pages(visits.query("s1", limit=2), 3)
    assert [[1, 3], [5]] == pages(visits.query("s1", guest__eq="ann", limit=3), 2)


def test_pages_of_an_index(visits):
    """
    Cursors of an index hold the keys of index and table, also where several items share a place.
    """
    for name in ("ByGuest", "PaidByGuest", "KeysByGuest"):
        found = pages(visits.query("ann", index=name), 2)
        assert [1, 3, 5, 7, 9] == sorted(number for page in found for number in page)
        assert [2, 2, 1] == [len(page) for page in found]
    found = [number for page in pages(visits.query("s1", index="ByPaid"), 3) for number in page]
    assert [{0, 3, 6, 9}, {1, 4, 7}, {2, 5, 8}] == [set(found[:4]), set(found[4:7]), set(found[7:])]


def test_pages_of_a_scan(visits):
    """
    Scans have pages too, and so has each segment.
    """
    assert 13 == len([number for page in pages(visits.scan(), 4) for number in page])
    found = [pages(visits.scan(segment=segment, total_segments=3), 2) for segment in range(3)]
    assert 13 == len([number for segment in found for page in segment for number in page])


def test_partial_records_on_pages(visits):
    """
    Fields may be left out from pages, and cursors still work.
    """
    assert [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]] == pages(visits.query("s1", attributes=[]), 4)


def test_cursor_is_text_for_urls(visits):
    """
    A cursor is plain text that needs no quoting in a URL.
    """
    cursor = visits.query("s1").page(4).cursor

    assert cursor.replace("-", "").replace("_", "").isalnum()
    assert cursor.isascii()


def test_cursor_after_a_deletion(visits):
    """
    The item that a cursor stands on may be gone.
    """
    page = visits.query("s1").page(4)
    visits.delete("s1", 3)

    assert [4, 5] == [visit.number for visit in visits.query("s1").page(2, after=page.cursor).items]


@pytest.mark.parametrize(
    "other",
    [
        lambda table: table.query("s2"),
        lambda table: table.query("s1", reverse=True),
        lambda table: table.query("s1", number__gte=0),
        lambda table: table.query("s1", guest__eq="ann"),
        lambda table: table.query("s1", index="ByPaid"),
        lambda table: table.scan(),
        lambda table: table.scan(segment=0, total_segments=2),
    ],
)
def test_cursor_of_another_query(visits, count_requests, other):
    """
    A cursor works for its own query only.
    """
    cursor = visits.query("s1").page(4).cursor
    requests = count_requests()

    with pytest.raises(CursorError, match="belongs to another query"):
        other(visits).page(4, after=cursor)
    assert {} == requests.sent()


def test_cursor_does_not_mind_how_it_is_read(visits):
    """
    Size, fields, consistency and page size may change from page to page.
    """
    cursor = visits.query("s1").page(4).cursor
    query = visits.query("s1", consistent=True, attributes=["paid"], max_page_size=1)

    assert [4, 5] == [visit.number for visit in query.page(2, after=cursor).items]


def damaged(cursor):
    """Yield texts that are no cursors."""
    raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))

    def text(changed):
        return base64.urlsafe_b64encode(changed).decode().rstrip("=")

    yield from (
        "",
        "x",
        "æøå",
        "!" + cursor,
        cursor[:-1],
        cursor[:10],
        cursor + "A",
        cursor[::-1],
        5,
        b"x",
        [],
    )
    yield text(raw[:12])
    yield text(raw[:12] + b"[]")
    yield text(raw[:12] + b'[{"store_id":{"S":"s1"}},0]')
    yield text(raw[:12] + b'[{"store_id":{"S":"s1"},"number":{"S":"4"}},0]')
    yield text(raw[:12] + b'[{"store_id":{"S":"s1"},"number":{"N":4}},0]')
    yield text(raw[:12] + b'[{"store_id":{"S":"s1"},"number":{"N":"4"},"x":{"S":"y"}},0]')
    yield text(raw[:12] + b"[" * 100_000)


def test_damaged_cursors(visits, count_requests):
    """
    What is not a cursor is CursorError, a QueryError, before any request.
    """
    query = visits.query("s1")
    cursor = query.page(4).cursor
    requests = count_requests()

    for text in damaged(cursor):
        with pytest.raises(CursorError, match="the cursor"):
            query.page(4, after=text)
    assert issubclass(CursorError, QueryError)
    assert {} == requests.sent()


def test_sizes_of_pages(offline):
    """
    A page has at least one result, if there is one.
    """
    for size in (0, -1, True, 1.5, None, "4"):
        with pytest.raises(QueryError, match="size is a whole number from 1"):
            VisitTable().query("s1").page(size)


def test_no_pages_of_parallel_segments(offline):
    """
    Segments that are read together have no order to go on in.
    """
    with pytest.raises(QueryError, match="pages come from one segment"):
        VisitTable().scan(segments=2).page(4)


def test_cursors_of_sets_work_in_every_process():
    """
    A cursor of a query with a set in its conditions fits the same query in another process.
    """
    program = (
        "from dynamo_objects.query.cursors import digest\n"
        "from dynamo_objects.expressions.builders import ExpressionBuilder\n"
        "from dynamo_objects.record import codec_of\n"
        "from tests.behaviour.tables import Visit\n"
        "build = ExpressionBuilder(codec_of(Visit))\n"
        "print(digest('t', build.keyword('note', 'in', set('abcdefgh'))).hex())\n"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={"PYTHONHASHSEED": str(seed), "PYTHONPATH": ":".join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in range(3)
    }

    assert 1 == len(found)
