"""What a journal costs: flushes of 250 records to DynamoDB Local, with and without one, in turns.

Run: ``python3 tools/bench/journal.py``. It exits with 1 if the journal takes more than a tenth of a flush.

Each round makes the same changes in two MemoryTables over two tables of the same engine, and flushes one after the
other, the first one in turns. What counts is the median of how much longer the flush with the journal took than the
other one of its round. The time inside the journal is shown beside it: seconds before the first request and after the
last one, and processor time in between, where its notes are made while other requests are under way.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # before this folder, which has an "engines" too

import environment

if __name__ == "__main__":
    environment.enter("test")

import argparse
import statistics
import tempfile
import time
from typing import Any

import dynamodb_local

from dynamo_objects import DynamoDatabase, DynamoRecord, DynamoTable, HashKey, MemoryTable
from dynamo_objects.memorydb.journal.journal import Journal

#: At most this part of a flush may be spent on the journal.
GOAL = 0.10


class Store(DynamoRecord):
    """A record of usual size."""

    store_id: str = ""
    city: str = ""
    visits: int = 0
    rating: float = 0.0
    tags: list[str] = []
    note: str = ""


class PlainTable(DynamoTable[Store]):
    """The table without a journal."""

    table_name = "plain"
    schema = [HashKey("store_id")]


class KeptTable(DynamoTable[Store]):
    """The table with one."""

    table_name = "kept"
    schema = [HashKey("store_id")]


class Watch:
    """Adds up the seconds that a journal takes."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def around(self, method: Any, clock: Any) -> Any:
        """Return a method whose time is counted by a clock."""

        def timed(*arguments: Any, **keywords: Any) -> Any:
            began = clock()
            try:
                return method(*arguments, **keywords)
            finally:
                self.seconds += clock() - began

        return timed


def change(memory: MemoryTable[Store], records: int, number: int) -> None:
    """Change every record."""
    for place in range(records):
        record = memory.get(f"s{place:04}")
        record.visits += 1
        record.note = f"changed in round {number}"


def flushed(memory: MemoryTable[Store]) -> float:
    """Flush, and return the seconds."""
    began = time.perf_counter()
    memory.save_data_batch()
    return time.perf_counter() - began


def measure(folder: str, records: int, rounds: int) -> float:
    """Print the figures, and return what the journal costs, as a part of a flush without one."""
    watch = Watch()
    clocks = {"accept": time.perf_counter, "settle": time.perf_counter, "_acknowledged": time.thread_time}
    for name, clock in clocks.items():
        setattr(Journal, name, watch.around(getattr(Journal, name), clock))
    plain, kept = MemoryTable(PlainTable()), MemoryTable(KeptTable(), journal=f"{folder}/run.journal")
    for memory in (plain, kept):
        for place in range(records):
            memory.save(Store(store_id=f"s{place:04}", city="Oslo", rating=4.5, tags=["a", "b"]))
        memory.save_data_batch()
    without, with_one, shares = [], [], []
    for number in range(rounds):
        for memory in (plain, kept) if number % 2 else (kept, plain):
            change(memory, records, number)
            watch.seconds = 0.0
            seconds = flushed(memory)
            if memory is plain:
                without.append(seconds)
            else:
                with_one.append(seconds)
                shares.append(watch.seconds / seconds)
    kept.close()
    longer = statistics.median(more / less - 1 for more, less in zip(with_one, without, strict=True))
    print(f"{rounds} flushes of {records} records each, medians")
    print(f"without a journal {1000 * statistics.median(without):7.1f} ms")
    print(f"with a journal    {1000 * statistics.median(with_one):7.1f} ms")
    print(f"inside of it      {100 * statistics.median(shares):7.1f} %")
    print(f"it costs          {100 * longer:7.1f} %, at most {100 * GOAL:.0f} % allowed")
    return longer


def main() -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--records", type=int, default=250)
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--folder", help="of the journal; a temporary one by default")
    options = parser.parse_args()
    with dynamodb_local.serve() as endpoint, tempfile.TemporaryDirectory() as temporary:
        port = endpoint.rpartition(":")[2]
        database = DynamoDatabase().connect(
            region_name="localhost", DYNAMODB_HOST="localhost", DYNAMODB_PORT=port
        )
        cost = measure(options.folder or temporary, options.records, options.rounds)
        database.disconnect()
    return 1 if cost > GOAL else 0


if __name__ == "__main__":
    sys.exit(main())
