"""The embedded engine beside moto: the same calls through our own tables, in turns, in one process.

Each round runs some calls on every engine, and gives one ratio; the medians of the ratios count.
Then a query of 20 in a table of a thousand items and one of a million: many hash keys, and one.

Run: ``python3 tools/bench/engines.py``. SQLite keeps its tables in a file, as it is by default.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))

import environment

if __name__ == "__main__":
    environment.enter("test")

import argparse
import gc
import itertools
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

import attrs
import msgspec
from moto import mock_aws

from dynamo_objects import DynamoDatabase, DynamoRecord, DynamoTable, HashKey, RangeKey
from dynamo_objects.codec.values import Item
from dynamo_objects.operations.item import PutItem
from dynamo_objects.operations.transaction import TransactWriteItems

#: Verb -> how many times as fast as moto it is to be at least, in memory and on SQLite.
WANTED = {
    "get": (20, 8),
    "put": (20, 8),
    "conditional update": (20, 8),
    "query of 20": (20, 8),
    "transact_write of 4": (200, None),
}
#: How much slower the query may be in the large table.
MOST_GROWTH = 1.5

HASHES, RANGES = 50, 20
SMALL = 1_000


class Reading(DynamoRecord):
    """A record of about 200 bytes."""

    station: str = ""
    number: int = 0
    city: str = ""
    unit: str = "celsius"
    value: float = 0.0
    is_valid: bool = True
    note: str = "n" * 120


class ReadingTable(DynamoTable[Reading]):
    """The table of the benchmark."""

    table_name = "readings"
    schema = [HashKey("station"), RangeKey("number")]


def reading(station: int, at: int) -> Reading:
    """Return one of the records."""
    return Reading(station=f"station {station}", number=at, city=f"city {at}", value=at + 0.5)


def item(station: int, at: int) -> Item:
    """Return a smaller item with the same key."""
    return {"station": {"S": f"station {station}"}, "number": {"N": str(at)}, "city": {"S": f"city {at}"}}


@attrs.frozen
class Side:
    """One engine, with a table of a thousand items.

    Attributes:
        name: Of the engine.
        calls: How many calls of a verb a round has.
        table: The table.
        turn: Counts calls, so that each meets another key.
    """

    name: str
    calls: Mapping[str, int]
    table: ReadingTable
    turn: Iterator[int] = attrs.field(factory=itertools.count)

    def prepared(self, verb: str) -> Callable[[], object]:
        """Return a call of a verb, on another key each time; what it stores is made before."""
        number = next(self.turn)
        station, at = number % HASHES, number // HASHES % RANGES
        table, hash = self.table, f"station {station}"
        match verb:
            case "get":
                return lambda: table.get(hash, at)
            case "put":
                record = reading(station, at)
                return lambda: table.save(record, overwrite=True)
            case "conditional update":
                change, condition = {"city": f"city {number}"}, {"value__eq": at + 0.5}
                return lambda: table.update(hash, at, put=change, condition=condition)
            case "query of 20":
                return lambda: self._query(hash)
        connection, name = table.database.get_connection(), table.database.get_table_name(table.table_name)
        puts = [PutItem(name, item(station, (at + more) % RANGES)) for more in range(4)]
        return lambda: connection.call(TransactWriteItems(puts, f"token {number}"))

    def _query(self, hash: str) -> None:
        assert len(self.table.query(hash)()) == RANGES


# --- three engines in turns -------------------------------------------------------------------


@contextmanager
def sides(folder: str) -> Iterator[list[Side]]:
    """Open the engines, each with its table filled."""
    few = {"transact_write of 4": 1, "query of 20": 5}
    many = {"transact_write of 4": 50, "query of 20": 50}
    aws = {"region_name": "us-east-1", "aws_access_key_id": "any", "aws_secret_access_key": "any"}
    with ExitStack() as stack:
        stack.enter_context(mock_aws())
        found = [
            stack.enter_context(_side("moto", few, 10, aws)),
            stack.enter_context(_side("memory", many, 200, {"url": "memory://"})),
            stack.enter_context(_side("sqlite", many, 100, {"url": f"sqlite:///{folder}/bench.db"})),
        ]
        yield found


@contextmanager
def _side(name: str, calls: Mapping[str, int], usual: int, arguments: Mapping[str, Any]) -> Iterator[Side]:
    database = DynamoDatabase(name).connect(**arguments)
    try:
        table = ReadingTable(database=database)
        table.save_many(reading(station, at) for station in range(HASHES) for at in range(RANGES))
        yield Side(name, {verb: calls.get(verb, usual) for verb in WANTED}, table)
    finally:
        database.disconnect()


def compare(found: list[Side], rounds: int) -> list[str]:
    """Print the medians of all verbs; return what is slower than wanted."""
    slow = []
    print(f"{'':22}{'moto':>10}{'memory':>10}{'':>8}{'wanted':>8}{'sqlite':>10}{'':>8}{'wanted':>8}")
    for verb, wanted in WANTED.items():
        times = _times(found, verb, rounds)
        moto = times[0]
        line = f"{verb:22}{statistics.median(moto) * 1e6:7.0f} us"
        for side, seconds, least in zip(found[1:], times[1:], wanted, strict=True):
            ratio = statistics.median(theirs / ours for theirs, ours in zip(moto, seconds, strict=True))
            line += f"{statistics.median(seconds) * 1e6:7.0f} us{ratio:7.1f}x{least or '':>8}"
            if least is not None and ratio < least:
                slow.append(f"{verb} on {side.name} is {ratio:.1f} times as fast as moto, not {least}")
        print(line, flush=True)
    return slow


def _times(found: list[Side], verb: str, rounds: int) -> list[list[float]]:
    """Return the seconds of one call on each side, in each round."""
    times: list[list[float]] = [[] for _ in found]
    for number in range(rounds + 1):
        for side, seconds in zip(found, times, strict=True):
            calls = [side.prepared(verb) for _ in range(side.calls[verb])]
            began = time.perf_counter()
            for call in calls:
                call()
            if number:  # the first round warms up
                seconds.append((time.perf_counter() - began) / len(calls))
    return times


# --- a thousand and a million items -----------------------------------------------------------


def grow(rounds: int, large: int) -> list[str]:
    """Print how a query of 20 slows down as its table grows; return what slows down too much."""
    slow = []
    for shape, wide in (("many hash keys", True), ("one hash key", False)):
        with _grown("small", SMALL, wide) as small, _grown("large", large, wide) as big:
            gc.freeze()  # a million items are none of the queries' garbage
            times: list[list[float]] = [[], []]
            for number in range(rounds + 1):
                for table, seconds, size in zip((small, big), times, (SMALL, large), strict=True):
                    took = _query_times(table, size, wide)
                    if number:
                        seconds.append(took)
            gc.unfreeze()
        ratio = statistics.median(b / a for a, b in zip(*times, strict=True))
        at = [statistics.median(seconds) * 1e6 for seconds in times]
        print(
            f"query of 20, {shape}: {at[0]:.0f} us of {SMALL:,} items, {at[1]:.0f} us of {large:,}: {ratio:.2f}x (at most {MOST_GROWTH})"
        )
        if ratio > MOST_GROWTH:
            slow.append(f"a query of 20 in a large table with {shape} takes {ratio:.2f} times as long")
    return slow


@contextmanager
def _grown(name: str, count: int, wide: bool) -> Iterator[ReadingTable]:
    """Open a table in memory with so many items, loaded through the engine."""
    database = DynamoDatabase(name).connect(url="memory://")
    try:
        table = ReadingTable(database=database)
        transport = database.get_connection().transport
        began = time.perf_counter()
        for start in range(0, count, 25):
            puts = [{"PutRequest": {"Item": item(*_place(n, wide))}} for n in range(start, start + 25)]
            request = {"RequestItems": {database.get_table_name("readings"): puts}}
            assert transport.send("BatchWriteItem", msgspec.json.encode(request), 60).status == 200
        if name == "large":
            each = (time.perf_counter() - began) / count
            print(f"loaded {count:,} items by BatchWriteItem: {each * 1e6:.1f} us each", flush=True)
        yield table
    finally:
        database.disconnect()


def _place(number: int, wide: bool) -> tuple[int, int]:
    return divmod(number, RANGES) if wide else (0, number)


def _query_times(table: ReadingTable, size: int, wide: bool) -> float:
    """Return the seconds of one query, at places all over the table."""
    count = 100
    places = [_place(number * size // count // RANGES * RANGES, wide) for number in range(count)]
    began = time.perf_counter()
    for hash, start in places:
        found = table.query(f"station {hash}").range(start, start + RANGES - 1)()
        assert len(found) == RANGES
    return (time.perf_counter() - began) / count


def main() -> None:
    """Measure and print; exit with 1 where something is slower than wanted."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--large", type=int, default=1_000_000, metavar="ITEMS")
    parser.add_argument("--skip-growth", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, sides(folder) as found:
        slow = compare(found, options.rounds)
    if not options.skip_growth:
        slow += grow(options.rounds, options.large)
    for problem in slow:
        print(f"TOO SLOW: {problem}")
    sys.exit(bool(slow))


if __name__ == "__main__":
    main()
