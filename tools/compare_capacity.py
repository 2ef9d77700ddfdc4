"""Consumed capacity of our engine, DynamoDB Local and dynoxide, call by call: ``python3 tools/compare_capacity.py``.

Generated calls of all operations, on tables with indexes of all projections and items of up to
50 KB, go to all three engines. Where they differ, a row of `ROWS` says who is right by AWS's
documents; a difference without a row makes the exit status 1.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import attrs

from tests.conformance.backends import Send, backend, make_tables
from tests.localmodel_capacity import LOCALS, TABLES, calls

__all__ = ["ROWS", "Row"]

OURS, OTHERS = "memory", ("dynamodb-local", "dynoxide")


# --- comparing ----------------------------------------------------------------------------

Figures = dict[tuple[str, ...], float]


def figures_of(status: int, body: Any) -> Figures | str:
    """Return the figures of a reply, each by its place; or the code of an error."""
    if status != 200:
        return str(body.get("__type", "")).rpartition("#")[2]
    told = body.get("ConsumedCapacity")
    listed = told if isinstance(told, list) else [told] if told else []
    return {place: figure for one in listed for place, figure in _placed((one["TableName"],), one)}


def _placed(path: tuple[str, ...], held: dict[str, Any]) -> Iterator[tuple[tuple[str, ...], float]]:
    for name, inner in held.items():
        if isinstance(inner, dict):
            yield from _placed((*path, name), inner)
        elif name != "TableName":
            yield (*path, name), float(inner)


@attrs.frozen
class Case:
    """One call, and what was answered.

    Attributes:
        body: Of our reply.
        ours: Figures of our reply.
        theirs: Figures of the other engine's.
    """

    operation: str
    request: dict[str, Any]
    body: Any
    ours: Figures
    theirs: Figures

    def without(self, figures: Figures, *words: str) -> Figures:
        """Return the figures that have none of some words in their places."""
        return {place: figure for place, figure in figures.items() if not {*words} & {*place}}

    def same_but(self, *words: str) -> bool:
        """Tell whether no figures differ but those with some words in their places, and the totals."""
        total = {place for place in self.ours if len(place) == 2}
        mine, others = (self.without(figures, *words) for figures in (self.ours, self.theirs))
        return all(mine.get(place) == others.get(place) for place in {*mine, *others} if place not in total)

    @property
    def surplus(self) -> float:
        """Return how much more than ours the other engine's totals are."""
        return sum(
            sign * figure
            for sign, figures in ((1, self.theirs), (-1, self.ours))
            for place, figure in figures.items()
            if place[1:] == ("CapacityUnits",)
        )

    @property
    def is_local(self) -> bool:
        """Tell whether local indexes take part."""
        index = self.request.get("IndexName")
        return (
            index in LOCALS if self.operation in ("Query", "Scan") else "indexed" in json.dumps(self.request)
        )


@attrs.frozen
class Row:
    """A difference that is known, and why ours is right.

    Attributes:
        engine: That differs.
        name: What it does.
        why: What tells that AWS does otherwise.
        fits: Tells whether a difference is this one.
    """

    engine: str
    name: str
    why: str
    fits: Callable[[Case], bool]


def _reads_nothing_for_nothing(case: Case) -> bool:
    if case.operation in ("Query", "Scan"):
        return case.body["ScannedCount"] == 0 and set(case.theirs.values()) == {0.0}
    if case.operation != "BatchGetItem":
        return False
    missed = sum(
        (len(asked["Keys"]) - len(case.body["Responses"][name])) * (1.0 if asked["ConsistentRead"] else 0.5)
        for name, asked in case.request["RequestItems"].items()
    )
    return -missed <= case.surplus < 0


def _weighs_local_entries_more(case: Case) -> bool:
    return case.is_local and case.same_but("LocalSecondaryIndexes") and 0 < case.surplus <= 12 * 4


def _is_transaction(case: Case) -> bool:
    return case.operation == "TransactWriteItems"


def _scans_whole_items(case: Case) -> bool:
    return (
        case.operation == "Scan" and case.request.get("IndexName") in ("gkeys", "gsome") and case.surplus > 0
    )


def _has_no_split(case: Case) -> bool:
    lacking = {place for place in case.ours if place not in case.theirs}
    return (
        bool(lacking)
        and all(place[-2:] == ("Table", "ReadCapacityUnits") for place in lacking)
        and not case.surplus
    )


def _deletes_nothing(case: Case) -> bool:
    deletes = json.dumps(case.request).count("DeleteRequest")
    return case.operation == "BatchWriteItem" and 0 < case.surplus <= deletes + 48 * case.is_local


def _reads_parts(case: Case) -> bool:
    return case.operation == "GetItem" and "ProjectionExpression" in case.request and case.surplus < 0


def _scans_in_table(case: Case) -> bool:
    return case.operation == "Scan" and case.is_local and not case.surplus


def _fetches_together(case: Case) -> bool:
    return case.is_local and case.request.get("Select") == "ALL_ATTRIBUTES"


_GUIDE = "Developer Guide"
#: What differs, and what tells that ours is right.
ROWS = (
    Row(
        "dynamodb-local",
        "reading nothing costs nothing",
        f"{_GUIDE}, 'Read consumption': reading an item that does not exist is charged like the smallest one",
        _reads_nothing_for_nothing,
    ),
    Row(
        "dynamodb-local",
        "an entry of a local index weighs 100 bytes more",
        f"{_GUIDE}, 'Local secondary indexes', 'Storage considerations': these 100 bytes are for storage",
        _weighs_local_entries_more,
    ),
    Row(
        "dynamodb-local",
        "a transaction costs four times a write, and its condition checks count as reads",
        f"{_GUIDE}, 'Transactions': twice; not in indexes, and checks by what they look at: "
        "github.com/nubo-db/dynoxide/pull/188, checked on AWS; dynoxide agrees with ours",
        _is_transaction,
    ),
    Row(
        "dynamodb-local",
        "a scan of a global index counts whole items",
        f"{_GUIDE}, 'Global secondary indexes', 'Read capacity units': by the sizes of index entries",
        _scans_whole_items,
    ),
    Row(
        "dynamodb-local",
        "Table of TransactGetItems has no ReadCapacityUnits",
        "github.com/nubo-db/dynoxide/pull/57, seen at AWS (the engine is of January 2020)",
        _has_no_split,
    ),
    Row(
        "dynamodb-local",
        "a delete of nothing in a batch costs twice as much",
        f"{_GUIDE}, 'Write consumption': deleting an item that does not exist costs one unit",
        _deletes_nothing,
    ),
    Row(
        "dynoxide",
        "a projection makes GetItem cheaper",
        f"{_GUIDE}, 'Item sizes and capacity unit consumption': by the size of the item, not of what is returned",
        _reads_parts,
    ),
    Row(
        "dynoxide",
        "a scan of a local index counts as one of the table",
        "API reference, ConsumedCapacity: LocalSecondaryIndexes are the units of each local index affected",
        _scans_in_table,
    ),
    Row(
        "dynoxide",
        "items fetched from the table are added up before they are rounded, even if there are none",
        f"{_GUIDE}, 'Local secondary indexes', 'Read capacity units': each fetched item is rounded up by itself",
        _fetches_together,
    ),
)


def explained(engine: str, case: Case) -> str | None:
    """Return the name of the row that a difference belongs to."""
    return next((row.name for row in ROWS if row.engine == engine and row.fits(case)), None)


def _compare(sends: dict[str, Send], seed: int, count: int) -> tuple[Counter[str], list[str]]:
    counts: Counter[str] = Counter()
    unexplained: list[str] = []
    for operation, request in calls(seed, count):
        replies = {name: send(operation, request) for name, send in sends.items()}
        told = {name: figures_of(*reply) for name, reply in replies.items()}
        ours = told[OURS]
        counts[f"{operation} {'refused' if isinstance(ours, str) else 'carried out'}"] += 1
        for name in OTHERS:
            theirs = told[name]
            if theirs == ours:
                counts[f"equal: {name}"] += 1
                continue
            row = None
            if isinstance(ours, dict) and isinstance(theirs, dict):
                row = explained(name, Case(operation, request, replies[OURS][1], ours, theirs))
            counts[f"differs: {row or 'unexplained'} ({name})"] += 1
            if row is None:
                unexplained.append(_shown(operation, request, told, name))
    return counts, unexplained


def _shown(operation: str, request: dict[str, Any], told: dict[str, Any], name: str) -> str:
    text = json.dumps(request)
    for size in (50_000, 5_000, 500, 50):
        text = text.replace("x" * size, f"<{size}>")
    return f"{operation} {text[:500]}\n    ours:  {told[OURS]}\n    {name}: {told[name]}"


def main() -> int:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seed", type=int, default=1, help="of the calls (1)")
    parser.add_argument("--count", type=int, default=2000, help="calls (2,000)")
    arguments = parser.parse_args()
    with ExitStack() as stack:
        sends = {name: stack.enter_context(backend(name)) for name in (OURS, *OTHERS)}
        for send in sends.values():
            make_tables(send, TABLES)
        counts, unexplained = _compare(sends, arguments.seed, arguments.count)
    for what, times in sorted(counts.items()):
        print(f"{times:7} {what}")
    print(*unexplained[:10], sep="\n")
    return 1 if unexplained else 0


if __name__ == "__main__":
    sys.exit(main())
