"""Two processes increment versioned records through MemoryTables, while requests and replies get lost.

Run: ``python3 tools/two_writers.py --increments 10000``. The embedded engine is served over HTTP, with
faults; each process increments records that the other one increments too, flushing each increment.
What must hold in the end: acknowledged <= stored <= acknowledged + reported as unknown. With
``--exactly-once``, which flushes by transactions, an increment is repeated until it is
acknowledged, none is unknown, and exactly all of them are stored. The exit status is 1 if that is not so.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from dynamo_objects import (
    ConflictError,
    DynamoDatabase,
    DynamoRecord,
    DynamoTable,
    HashKey,
    MemoryTable,
    OutcomeUnknown,
    field,
)
from dynamo_objects.local import Faults, Options, open_engine
from dynamo_objects.local.server import serve

__all__: list[str] = []

#: Kind of fault -> how often it happens to a request.
RATES = {
    "throttle": 0.01,
    "error": 0.01,
    "late_error": 0.01,
    "lost_request": 0.01,
    "lost_reply": 0.01,
    "half_reply": 0.005,
}


class Counter(DynamoRecord):
    """What is incremented."""

    name: str = ""
    count: int = 0
    version: int = field(default=0, version=True)


class CounterTable(DynamoTable[Counter]):
    """Where it is."""

    table_name = "counters"
    schema = [HashKey("name")]


def connect(url: str) -> None:
    """Connect to the served engine."""
    DynamoDatabase().connect(
        endpoint_url=url, region_name="us-east-1", aws_access_key_id="local", aws_secret_access_key="local"
    )


def write(url: str, increments: int, keys: int, seed: str, *, exactly_once: bool) -> dict[str, int]:
    """Increment records at random; return what became of that."""
    connect(url)
    chance = random.Random(seed)
    memory = MemoryTable(CounterTable())
    done = {"acknowledged": 0, "unknown": 0, "conflicts": 0, "given up": 0}
    while done["acknowledged"] + done["unknown"] < increments:
        memory.get(f"counter {chance.randrange(keys)}", create=True).count += 1
        # Records with a version are written conditionally, by whichever flush.
        report = (
            memory.save_data(ignore_errors=True, atomic=True)
            if exactly_once
            else memory.save_data_batch(ignore_errors=True)
        )
        if not report.failed:
            assert 1 == report.written
            done["acknowledged"] += 1
            continue
        ((reason,),) = [[failure.reason for failure in report.failed]]
        if isinstance(reason, OutcomeUnknown):
            done["unknown"] += 1
        elif isinstance(reason, ConflictError):
            done["conflicts"] += 1
        else:
            done["given up"] += 1
        memory.reset()
    return done


def run(increments: int, keys: int, seed: int, *, exactly_once: bool) -> bool:
    """Have two processes write, show what is stored, and tell whether it is what must be."""
    engine = open_engine("memory://", options=Options(faults=Faults(RATES, seed)))
    began = time.monotonic()
    with serve(engine) as url:
        connect(url)
        table = CounterTable()
        command = [
            sys.executable,
            __file__,
            "--url",
            url,
            "--increments",
            str(increments),
            "--keys",
            str(keys),
        ]
        command += ["--exactly-once"] if exactly_once else []
        children = [
            subprocess.Popen([*command, "--child", f"{seed}/{number}"], stdout=subprocess.PIPE, text=True)
            for number in range(2)
        ]
        reports = [json.loads(child.communicate()[0]) for child in children]
        stored = sum(counter.count for counter in table.scan(consistent=True))
        counted = sum(counter.version for counter in table.scan(consistent=True))
        DynamoDatabase().disconnect()
    engine.close()
    totals = {name: sum(report[name] for report in reports) for name in reports[0]}
    for name, number in {**totals, "stored": stored, "versions": counted}.items():
        print(f"{name:>14} {number:>9,}")
    print(f"{'seconds':>14} {time.monotonic() - began:>9.0f}")
    if exactly_once:
        return stored == counted == totals["acknowledged"] == 2 * increments
    return totals["acknowledged"] <= stored == counted <= totals["acknowledged"] + totals["unknown"]


def main() -> int:
    """Do what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--increments", type=int, default=10_000, help="of each process (10000)")
    parser.add_argument("--keys", type=int, default=10, help="records to increment (10)")
    parser.add_argument("--seed", type=int, default=1, help="of faults and choices (1)")
    parser.add_argument("--exactly-once", action="store_true", help="flush by transactions")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child is not None:
        done = write(given.url, given.increments, given.keys, given.child, exactly_once=given.exactly_once)
        print(json.dumps(done))
        return 0
    holds = run(given.increments, given.keys, given.seed, exactly_once=given.exactly_once)
    print("holds" if holds else "DOES NOT HOLD")
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
