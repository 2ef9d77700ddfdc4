"""Import time: ``import dynamo_objects`` beside ``import boto3``, each in fresh processes.

The package imports its names when they are first used, so the second line tells what a
program pays that uses tables: ``from dynamo_objects import DynamoTable, MemoryTable``.

Run: ``python3 tools/bench/imports.py``. The two are started in turns; the ratio of the
medians counts. It also checks that importing us imports neither boto3 nor SQLAlchemy.
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

#: Prints the seconds that one import takes, without the start of the interpreter.
_TIMED = "import time; t = time.perf_counter(); {}; print(time.perf_counter() - t)"

_PACKAGE = "import dynamo_objects"
_TABLES = "from dynamo_objects import DynamoTable, MemoryTable"
_BOTO = "import boto3"


def seconds(statement: str) -> float:
    """Return the seconds of one import in a fresh process."""
    # As installed packages are, ours shall be compiled when its time is taken.
    variables = {name: v for name, v in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(
        [sys.executable, "-c", _TIMED.format(statement)],
        capture_output=True,
        text=True,
        check=True,
        env=variables,
    )
    return float(done.stdout)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=21)
    rounds = parser.parse_args().rounds
    check = f"import sys; {_TABLES}; print({{'boto3', 'botocore', 'sqlalchemy'}} & sys.modules.keys())"
    found = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    print(f"imported along with tables: {found.stdout.strip()} (expected: set())")
    times: dict[str, list[float]] = {_PACKAGE: [], _TABLES: [], _BOTO: []}
    for statement in times:
        seconds(statement)
    for _ in range(rounds):
        for statement, measured in times.items():
            measured.append(seconds(statement))
    boto = statistics.median(times[_BOTO])
    for statement, measured in times.items():
        median = statistics.median(measured)
        print(f"{statement:52} {median * 1e3:6.1f} ms, {median / boto:.2f} of boto3's")
    if found.stdout.strip() != "set()":
        raise SystemExit(1)


if __name__ == "__main__":
    main()
