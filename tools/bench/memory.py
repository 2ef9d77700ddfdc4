"""MemoryTable speed: a cached get beside a dict lookup, finding what is dirty, threads, and flushes.

Run: ``python3 tools/bench/memory.py``. Nothing is sent anywhere: the records are put into
the table as if they had been read. ``--flush`` flushes as many dirty records to the embedded
engine in memory, then to a transport that discards them, and looks at the memory after that.
``--threads`` has 32 threads get 1,000 keys, all together 100,000 times each.

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
import tracemalloc
from concurrent.futures import ThreadPoolExecutor

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
    memory.get("oslo", 7).city = "city 7"
    count = len(memory.get_data())
    print(f"dirty scan of {count:,} clean records: median {statistics.median(seconds):.3f} s")


class Discarding(Nowhere):
    """A transport that acknowledges everything, and keeps nothing."""

    def send(self, operation: str, payload: bytes, timeout_seconds: float) -> Reply:
        """Say yes."""
        headers = {"content-type": "application/x-amz-json-1.0", "x-amzn-requestid": "0"}
        return Reply(200, headers, b'{"UnprocessedItems":{}}')


def make_dirty(memory: MemoryTable[Reading], count: int) -> None:
    """Save new records."""
    for number in range(count):
        memory.save(Reading(station="oslo", number=number, city="here", value=number + 0.5, unit="celsius"))


def flush(count: int) -> None:
    """Print how fast *count* dirty records are flushed to the embedded engine."""
    database = DynamoDatabase("engine").connect(url="memory://")
    memory = MemoryTable(ReadingTable(database=database))
    make_dirty(memory, count)
    gc.collect()
    began, cpu = time.perf_counter(), time.process_time()
    report = memory.save_data_batch()
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    assert report.puts == count
    print(
        f"flush of {count:,} records to the engine in memory: {seconds:.1f} s, {count / seconds:,.0f} a second "
        f"({count / cpu:,.0f} a second of processor time), {report.requests:,} requests"
    )
    database.disconnect()


def memory_after(count: int) -> None:
    """Print how fast records are flushed into nothing, and what memory is left over after a reset."""
    database = DynamoDatabase("nothing").connect(transport=Discarding(), auto_create=False)
    memory = MemoryTable(ReadingTable(database=database))
    make_dirty(memory, 1000)
    memory.save_data_batch()
    memory.reset()
    gc.collect()
    tracemalloc.start()
    held = [bytes(1000) for _ in range(count // 100)]  # a program has something itself
    before, _ = tracemalloc.get_traced_memory()
    make_dirty(memory, count // 10)
    memory.save_data_batch()
    memory.reset()
    gc.collect()
    after, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    print(
        f"memory before {before / 1e6:.2f} MB, at most {peak / 1e6:.0f} MB, after the flush of {count // 10:,} "
        f"records and reset {after / 1e6:.2f} MB ({100 * (after - before) / before:+.2f} %, {len(held):,} blocks)"
    )
    make_dirty(memory, count)
    began = time.perf_counter()
    memory.save_data_batch()
    seconds = time.perf_counter() - began
    print(f"flush of {count:,} records into nothing: {seconds:.1f} s, {count / seconds:,.0f} a second")


def threads(count: int, keys: int, gets: int) -> None:
    """Print what threads that get the same keys cause."""
    database = DynamoDatabase("threads").connect(url="memory://")
    table = ReadingTable(database=database)
    table.save_many(Reading(station="oslo", number=number) for number in range(keys))
    memory = MemoryTable(table)

    def work(first: int) -> set[int]:
        return {id(memory.get("oslo", (first + 7 * n) % keys)) for n in range(gets)}

    began = time.perf_counter()
    with ThreadPoolExecutor(count) as pool:
        objects = set().union(*pool.map(work, range(count)))
    seconds = time.perf_counter() - began
    assert (keys, keys) == (memory.db_reads, len(objects))
    print(
        f"{count} threads x {gets:,} gets of {keys:,} keys: {memory.db_reads:,} reads, {len(objects):,} objects, "
        f"{memory.hits:,} hits, {seconds:.1f} s"
    )
    database.disconnect()


def main() -> None:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--flush", action="store_true")
    parser.add_argument("--threads", action="store_true")
    options = parser.parse_args()
    if options.threads:
        threads(32, 1000, 100_000)
    if options.flush:
        flush(options.records)
        memory_after(options.records)
    if options.flush or options.threads:
        return
    DynamoDatabase().connect(transport=Nowhere(), auto_create=False)
    memory = fill(options.records)
    gc.freeze()
    cached_get(memory, options.rounds)
    dirty_scan(memory, max(3, options.rounds // 3))


if __name__ == "__main__":
    main()
