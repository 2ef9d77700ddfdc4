"""Import time: ``import dynamo_objects`` beside ``import boto3``, and the first record after it.

Everything is measured in fresh processes, started in turns; the ratio of the medians counts.
The package imports at once what every program needs, so that the first record is quick as well:
classes declared, connected to the engine in memory, table created, record saved and read back.

Run: ``python3 tools/bench/imports.py``. It also checks that importing us imports neither boto3
nor SQLAlchemy nor cachetools, and not less than records and tables.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))

import environment

if __name__ == "__main__":
    environment.enter("test")

import argparse
import os
import statistics
import subprocess

#: What we want: our import as a part of boto3's, and the seconds of the first record.
_MOST_OF_BOTO = 0.6
_MOST_SECONDS = 0.030

#: Prints the seconds that one import takes, without the start of the interpreter.
_TIMED = "import time; t = time.perf_counter(); {}; print(time.perf_counter() - t)"

_BOTO = "import boto3"
_PACKAGE = "import dynamo_objects"
_MEMORY = "from dynamo_objects import DynamoTable, MemoryTable"
_IMPORTS = (_BOTO, _PACKAGE, _MEMORY)

_FIRST_RECORD = """
import time, dynamo_objects
began = time.perf_counter()
from dynamo_objects import DynamoDatabase, DynamoRecord, DynamoTable, HashKey

class Store(DynamoRecord):
    store_id: str
    city: str = ""

class StoreTable(DynamoTable[Store]):
    table_name = "store"
    record_class = Store
    schema = [HashKey("store_id")]

DynamoDatabase().connect(url="memory://")
table = StoreTable()
table.save(Store(store_id="s1", city="Oslo"))
assert table.get("s1").city == "Oslo"
print(time.perf_counter() - began)
"""

_LOADED = """
import sys, dynamo_objects
late = {"boto3", "botocore", "cachetools", "sqlalchemy"} & sys.modules.keys()
early = {"attrs", "msgspec", "dynamo_objects.record", "dynamo_objects.table"} - sys.modules.keys()
print(*sorted(late | early))
"""


def printed(program: str) -> str:
    """Return what a program prints in a fresh process."""
    # As installed packages are, ours shall be compiled when its time is taken.
    variables = {name: v for name, v in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=variables
    )
    return done.stdout.strip()


def medians(programs: dict[str, str], rounds: int) -> dict[str, float]:
    """Return the median of the seconds that each program prints; they run in turns."""
    times: dict[str, list[float]] = {name: [] for name in programs}
    for number in range(rounds + 1):
        for name, program in programs.items():
            seconds = float(printed(program))
            if number:  # the first round compiles
                times[name].append(seconds)
    return {name: statistics.median(found) for name, found in times.items()}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=21)
    rounds = parser.parse_args().rounds
    wrong = printed(_LOADED)
    print(f"imported too early, or not at once: {wrong or 'nothing'} (expected: nothing)")
    programs = {statement: _TIMED.format(statement) for statement in _IMPORTS}
    found = medians({**programs, "the first record": _FIRST_RECORD}, rounds)
    for statement in _IMPORTS:
        seconds = found[statement]
        part = f"{seconds / found[_BOTO]:.2f} of boto3's"
        wanted = f" (at most {_MOST_OF_BOTO})" if statement == _PACKAGE else ""
        print(f"{statement:52} {seconds * 1e3:6.1f} ms, {part}{wanted}")
    first = found["the first record"]
    print(
        f"{'the first record, after the import':52} {first * 1e3:6.1f} ms (at most {_MOST_SECONDS * 1e3:.0f})"
    )
    if wrong:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
