"""Random queries: results, counts, pages and the first of them agree with a plain Python model."""

from __future__ import annotations

import operator
import random
from collections.abc import Callable
from typing import Any

import attrs
import pytest

from .tables import Visit, VisitTable

ROUNDS = 25

OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "lt": operator.lt,
    "lte": operator.le,
    "gt": operator.gt,
    "gte": operator.ge,
}

#: Where to read -> the hash key, the range key and its highest value.
PLACES = {
    None: ("store_id", "number", 40),
    "ByGuest": ("guest", "number", 40),
    "ByPaid": ("store_id", "paid", 4),
}


@attrs.define
class Case:
    """A query and what it must find.

    Attributes:
        query: What is asked.
        expected: The records that fit, in any order.
        order: The field that orders them; None for a scan.
        is_reversed: Whether in descending order.
    """

    query: Any
    expected: list[Visit]
    order: str | None = None
    is_reversed: bool = False


def key_of(visit: Visit) -> tuple[str, int]:
    """Return the key of a visit."""
    return visit.store_id, visit.number


class Dice:
    """Makes random visits and queries, the same for the same seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def visits(self) -> list[Visit]:
        """Return visits of two stores."""
        choice = self.random.choice
        return [
            Visit(
                store_id=store_id,
                number=number,
                guest=choice(["", "ann", "bob"]),
                paid=float(self.random.randrange(4)),
                note=choice(["", "x", "xy"]),
                version=self.random.randrange(3),
            )
            for store_id in "ab"
            for number in self.random.sample(range(40), 20)
        ]

    def case(self, table: VisitTable, visits: list[Visit]) -> Case:
        """Return a query of the table and what it finds."""
        filters, matches = self._filters()
        if self.random.random() < 0.25:
            case = Case(table.scan(**filters), [visit for visit in visits if matches(visit)])
        else:
            case = self._query(table, visits, filters, matches)
        if self.random.random() < 0.4:
            case.query = case.query.page_size(self.random.choice([1, 3, 7, 100]))
        return case

    def _filters(self) -> tuple[dict[str, Any], Callable[[Visit], bool]]:
        if self.random.random() < 0.4:
            return {}, lambda visit: True
        name, value = self.random.choice(list(OPERATORS)), self.random.randrange(3)
        return {f"version__{name}": value}, lambda visit: OPERATORS[name](visit.version, value)

    def _query(
        self,
        table: VisitTable,
        visits: list[Visit],
        filters: dict[str, Any],
        matches: Callable[[Visit], bool],
    ) -> Case:
        index = self.random.choice(list(PLACES))
        hash_name, range_name, highest = PLACES[index]
        value = self.random.choice(["ann", "bob", "a", "b"])
        low = type(getattr(visits[0], range_name))(self.random.randrange(highest))
        operator_name = self.random.choice(["none", "eq", "lt", "gte", "between"])
        bounds = {"none": {}, "between": {f"{range_name}__between": (low, low + 5)}}
        keywords = bounds.get(operator_name, {f"{range_name}__{operator_name}": low})

        def fits(visit: Visit) -> bool:
            place = getattr(visit, range_name)
            inside = {"none": True, "between": low <= place <= low + 5}
            found = inside.get(operator_name)
            return OPERATORS[operator_name](place, low) if found is None else found

        expected = [v for v in visits if getattr(v, hash_name) == value and fits(v) and matches(v)]
        is_reversed = self.random.random() < 0.4
        query = table.query(value, index=index, reverse=is_reversed, **keywords, **filters)
        return Case(query, expected, range_name, is_reversed)


def all_pages(query: Any, size: int) -> list[list[Visit]]:
    """Return the results on each page."""
    pages, cursor = [], None
    while True:
        page = query.page(size, after=cursor)
        pages.append(page.items)
        cursor = page.cursor
        if cursor is None:
            return pages


@pytest.mark.parametrize("seed", [1, 2])
def test_all_ways_to_read_agree(db, seed):
    """
    Whatever the index, range, filter, order, limit and page size: what is found is what fits, in order.
    """
    dice = Dice(seed)
    table, visits = VisitTable(), dice.visits()
    table.save_many(visits)
    for _ in range(ROUNDS):
        case = dice.case(table, visits)
        limit, size = dice.random.choice([None, 1, 5]), dice.random.choice([1, 4, 9])
        query = case.query if limit is None else case.query.limit(limit)
        count = len(case.expected) if limit is None else min(limit, len(case.expected))
        found = list(query)

        assert count == len(found) == len({key_of(visit) for visit in found}) == query.count()
        assert all(visit in case.expected for visit in found)
        if case.order is not None:
            order = sorted((getattr(v, case.order) for v in case.expected), reverse=case.is_reversed)
            assert order[:count] == [getattr(visit, case.order) for visit in found]
        pages = all_pages(query, size)
        assert [key_of(v) for v in found] == [key_of(v) for page in pages for v in page]
        assert {size} >= {len(page) for page in pages[:-1]}
        assert (found[0] if found else None) == query.first()
