"""Laws of three-way merges: of values, of items, and of writers that come in any order."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from dynamo_objects import DynamoRecord, field
from dynamo_objects.codec.merging import Merged, adopt, laid_over, merge
from dynamo_objects.codec.rules import combined
from dynamo_objects.record import codec_of


class Page(DynamoRecord):
    """A record with every rule, and fields without one."""

    page_id: str = "p"
    title: str = ""
    parts: list[int] = []
    views: int = field(default=0, merge="sum")
    price: Decimal = field(default=Decimal(0), merge="sum")
    weight: float = field(default=0.0, merge="sum")
    labels: set[str] = field(default=set(), merge="union")
    numbers: frozenset[int] = field(default=frozenset(), merge="union")
    seen: datetime = field(default=datetime(2020, 1, 1, tzinfo=UTC), merge="max")
    until: datetime | None = field(default=None, merge="max")
    best: int = field(default=0, merge="max")
    owner: str = field(default="", merge="mine")
    state: str = field(default="", merge="theirs")


CODEC = codec_of(Page)

WORDS = st.sampled_from(["", "a", "b", "c"])
WHOLE = st.integers(-(10**9), 10**9)
DECIMALS = st.decimals(-1000, 1000, places=3, allow_nan=False)
FLOATS = st.floats(-1e6, 1e6, allow_subnormal=False).filter(lambda x: x == 0 or abs(x) > 1e-100)
TEXTS = st.frozensets(st.sampled_from("abcd"))
TIMES = st.datetimes(datetime(2020, 1, 1), datetime(2021, 1, 1), timezones=st.just(UTC))

#: Values of the fields whose rules treat both sides alike.
EVEN = {
    "views": WHOLE,
    "price": DECIMALS,
    "labels": TEXTS.map(set),
    "numbers": st.frozensets(st.integers(0, 5)),
    "seen": TIMES,
    "best": WHOLE,
}
ALL = {
    **EVEN,
    "weight": FLOATS,
    "title": WORDS,
    "parts": st.lists(st.integers(0, 2), max_size=2),
    "until": st.none() | TIMES,
    "owner": WORDS,
    "state": WORDS,
}


def items(fields: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Return items of pages with some of these fields."""
    return st.fixed_dictionaries({}, optional=fields).map(lambda values: CODEC.encode(Page(**values)))


ANY = items(ALL)
ALIKE = items(EVEN)


@given(base=ANY, theirs=ANY)
def test_without_a_change_of_mine_theirs_it_is(base, theirs):
    """
    Law: merge(b, b, t) == t.
    """
    assert Merged(theirs, ()) == merge(CODEC, base, base, theirs)
    assert theirs == laid_over(CODEC, base, base, theirs)


@given(base=ANY, mine=ANY)
def test_without_a_change_of_theirs_mine_it_is(base, mine):
    """
    Law: merge(b, m, b) == m.
    """
    assert Merged(mine, ()) == merge(CODEC, base, mine, base)
    assert mine == laid_over(CODEC, base, mine, base)


@given(base=ANY, both=ANY)
def test_the_same_change_on_both_sides_is_that_change(base, both):
    """
    Law: merge(b, x, x) == x, but for sums, in which both count: x + (x - b).
    """
    sums = ("views", "price", "weight")

    result = merge(CODEC, base, both, both)

    assert () == result.undecided
    assert {w: v for w, v in both.items() if w not in sums} == {
        w: v for w, v in result.item.items() if w not in sums
    }
    began, x, made = CODEC.decode(base), CODEC.decode(both), CODEC.decode(result.item)
    assert (2 * x.views - began.views, 2 * x.price - began.price) == (made.views, made.price)


@given(base=ALIKE, mine=ALIKE, theirs=ALIKE)
def test_sum_union_and_max_do_not_mind_who_is_first(base, mine, theirs):
    """
    Law: merge(b, m, t) == merge(b, t, m); two writers reach the same item, whoever comes first.
    """
    assert merge(CODEC, base, mine, theirs) == merge(CODEC, base, theirs, mine)


@given(base=FLOATS, mine=FLOATS, theirs=FLOATS)
def test_sums_of_floats_do_not_mind_who_is_first(base, mine, theirs):
    """
    Law: the same for floats, which are rounded once.
    """
    assert combined("sum", base, mine, theirs) == combined("sum", base, theirs, mine)


@given(base=ALIKE, writers=st.lists(ALIKE, min_size=3, max_size=3))
def test_three_writers_in_any_order(base, writers):
    """
    Law: what is stored in the end does not depend on the order of any number of writers.
    """
    ends = []
    for order in itertools.permutations(writers):
        stored = base
        for mine in order:
            stored = merge(CODEC, base, mine, stored).item
        ends.append(stored)

    assert [ends[0]] * len(ends) == ends


@given(base=TEXTS, mine=TEXTS, theirs=TEXTS)
def test_what_a_union_holds(base, mine, theirs):
    """
    Law: a member is in it if one side has added it, or neither has removed it.
    """
    result = combined("union", base, mine, theirs)

    for member in "abcd":
        kept = member in mine and member in theirs
        assert (kept if member in base else member in mine | theirs) == (member in result)


@given(base=st.none() | ANY, mine=ANY, theirs=ANY)
def test_only_fields_that_both_have_changed_are_undecided(base, mine, theirs):
    """
    Law: each such field differs on all sides, and no other is named.
    """
    begun = CODEC.decode(base or {})
    sides = [CODEC.decode(item) for item in (mine, theirs)]
    changed = [
        name for name in ("title", "parts") if len({str(getattr(r, name)) for r in (begun, *sides)}) == 3
    ]
    untils = [record.until for record in (begun, *sides)]
    if None in untils[1:] and len(set(untils)) == 3:
        changed.append("until")

    assert tuple(changed) == merge(CODEC, base, mine, theirs).undecided


@given(planned=ANY, stored=ANY)
def test_adopting_is_what_loading_is(planned, stored):
    """
    Law: a record that was not touched since it was planned becomes what is stored, and is clean.
    """
    record = CODEC.decode(planned)

    adopt(CODEC, record, planned, stored)

    assert CODEC.decode(stored) == record
    assert not CODEC.is_dirty(record)


@given(planned=ALIKE, changed=ALIKE, stored=ALIKE)
def test_adopting_loses_no_change(planned, changed, stored):
    """
    Law: a record that was changed since holds the merge of that change and what is stored.
    """
    record = CODEC.decode(changed)

    adopt(CODEC, record, planned, stored)

    assert merge(CODEC, planned, changed, stored).item == CODEC.encode(record)
    assert stored == record._item


@given(mine=ANY, theirs=ANY)
def test_a_new_record_laid_over_theirs_is_mine(mine, theirs):
    """
    Law: nothing of theirs is left in the fields of a new record, defaults included.
    """
    assert mine == laid_over(CODEC, None, mine, theirs)
