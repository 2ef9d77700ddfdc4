"""MemoryTable speed: a cached get beside a dict lookup, and finding what is dirty.

Run: ``python3 tools/bench/memory.py``. Nothing is sent anywhere: the records are put into
the table as if they had been read.

The get and the lookup use the same tuple key and are timed in turns within one run;
their difference is what counts. The scan is of clean records of scalars.
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
import statistics
import time
import timeit

from dynamo_objects import DynamoDatabase, DynamoRecord, DynamoTable, HashKey, MemoryTable, RangeKey
from dynamo_objects.connection.transport import Reply
from dynamo_objects.errors import TransportError


class Reading(DynamoRecord):
    """A record of scalars."""

    station: str = ""
    number: int = 0
    city: str = ""
    value: float = 0.0
    is_valid: bool = True
    unit: str = ""


class ReadingTable(DynamoTable[Reading]):
    """The table of the benchmark."""

    table_name = "readings"
    schema = [HashKey("station"), RangeKey("number")]


class Nowhere:
    """A transport that is never used."""

    retries_by_itself = False

    def send(self, operation: str, payload: bytes, timeout_seconds: float) -> Reply:
        """Refuse to send anything."""
        raise TransportError("this benchmark sends nothing", sent=False, can_retry=False)

    def close(self) -> None:
        """Do nothing."""


def fill(count: int) -> MemoryTable[Reading]:
    """Return a MemoryTable that holds *count* clean records."""
    memory = MemoryTable(ReadingTable())
    for number in range(count):
        memory._map.adopt(
            {
                "station": {"S": "oslo"},
                "number": {"N": str(number)},
                "city": {"S": f"city {number % 100}"},
                "value": {"N": f"{number}.5"},
                "is_valid": {"BOOL": True},
                "unit": {"S": "celsius"},
            }
        )
    return memory


def cached_get(memory: MemoryTable[Reading], rounds: int) -> None:
    """Print what a cached get costs beside a lookup in a dict with the same key."""
    plain = {("oslo", number): number for number in range(1000)}
    number = 20_000
    extra = []
    for _ in range(rounds):
        get = timeit.timeit(lambda: memory.get("oslo", 500), number=number) / number
        lookup = timeit.timeit(lambda: plain[("oslo", 500)], number=number) / number
        extra.append((get - lookup, get, lookup))
    more, get, lookup = (statistics.median(times) * 1e6 for times in zip(*extra, strict=True))
    print(f"cached get {get:.2f} µs, dict lookup {lookup:.2f} µs, median of the differences {more:.2f} µs")


def dirty_scan(memory: MemoryTable[Reading], rounds: int) -> None:
    """Print how long it takes to find what is dirty, and that it is found."""
    seconds = []
    for _ in range(rounds):
        began = time.perf_counter()
        dirty = memory.dirty_keys()
        seconds.append(time.perf_counter() - began)
        assert dirty == []
    memory.get("oslo", 7).city = "elsewhere"
    assert memory.dirty_keys() == [("oslo", 7)]
    count = len(memory.get_data())
    print(f"dirty scan of {count:,} clean records: median {statistics.median(seconds):.3f} s")


def main() -> None:
    """Run both."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    DynamoDatabase().connect(transport=Nowhere(), auto_create=False)
    memory = fill(options.records)
    gc.freeze()
    cached_get(memory, options.rounds)
    dirty_scan(memory, max(3, options.rounds // 3))


if __name__ == "__main__":
    main()
