"""Kills a process that writes to a SQLite file, again and again, and looks for what it had acknowledged.

The writer is a child process. It puts entries, each in a unit of its own, two at the same
positions of two collections, and writes a line to a pipe after each. The parent kills it after
a random number of lines and a random moment, opens the file, and compares.
"""

from __future__ import annotations

import random
import select
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import attrs

from dynamo_objects.local.storage.base import Entry, Span
from dynamo_objects.local.storage.opening import open_storage

__all__ = ["Report", "campaign"]

_KEYS = 200


@attrs.define
class Report:
    """What a campaign found.

    Attributes:
        kills: Writers killed.
        acknowledged: Units that writers said they had ended.
        ahead: Units found that had not been acknowledged yet, which is no fault.
        lost: Acknowledged units of which there was no trace.
        torn: Units of which one half was there.
        unsound: Files in which SQLite's check, or the totals, found a fault.
    """

    kills: int = 0
    acknowledged: int = 0
    ahead: int = 0
    lost: int = 0
    torn: int = 0
    unsound: int = 0


def campaign(*, kills: int, folder: Path, seed: int) -> Report:
    """Kill so many writers of one file, and report."""
    report, chance, file = Report(), random.Random(seed), folder / "kills.db"
    last = 0
    for _ in range(kills):
        last = _kill_one(report, chance, file, last)
    return report


def _kill_one(report: Report, chance: random.Random, file: Path, last: int) -> int:
    """Run and kill one writer, whose first unit has the number after *last*; return the last number found."""
    command = [sys.executable, "-m", "tests.kills", str(file), str(last + 1)]
    top = Path(__file__).resolve().parents[1]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=top) as writer:
        acknowledged = _read_until(writer, chance)
    if writer.returncode != -signal.SIGKILL:
        raise RuntimeError(f"a writer ended by itself, with status {writer.returncode}")
    report.kills += 1
    report.acknowledged += max(0, acknowledged - last)
    return _compare(report, file, max(acknowledged, last))


def _read_until(writer: subprocess.Popen[bytes], chance: random.Random) -> int:
    """Read numbers for a random time, kill the writer, and return the last whole number it wrote."""
    assert writer.stdout is not None
    seen = writer.stdout.readline()  # it has started
    deadline = time.monotonic() + chance.random() * 0.3
    while time.monotonic() < deadline:
        if select.select([writer.stdout], [], [], max(0.0, deadline - time.monotonic()))[0]:
            seen += writer.stdout.read1(65536)  # type: ignore[attr-defined]
    writer.kill()
    seen += writer.stdout.read()
    lines = seen[: seen.rfind(b"\n") + 1].split()
    return int(lines[-1]) if lines else 0


def _compare(report: Report, file: Path, acknowledged: int) -> int:
    """Compare a file with what was acknowledged; return the last number in it."""
    storage = open_storage(f"sqlite:///{file}")
    with storage.reading() as unit:
        first, second = ({at: found.item for at, found in unit.entries(of, Span())} for of in (1, 2))
        totals = unit.totals(1)
    storage.close()
    numbers = {int(item["n"]["N"]) for item in first.values()}
    last = max(numbers, default=0)
    wanted = set(range(max(1, acknowledged - _KEYS + 1), acknowledged + 1))
    # Units after the acknowledged ones have taken the places of the oldest.
    report.lost += len({number for number in wanted if number > last - _KEYS} - numbers)
    report.ahead += max(0, last - acknowledged)
    report.torn += first != second
    with sqlite3.connect(file) as connection:
        (check,) = connection.execute("PRAGMA integrity_check").fetchone()
    connection.close()
    report.unsound += check != "ok" or totals != (len(first), 10 * len(first))
    return last


def _write(file: str, number: int) -> None:
    """Put entries until killed; write the number of each when its unit has ended."""
    storage = open_storage(f"sqlite:///{file}")
    while True:
        position = (b"%03d" % (number % _KEYS), b"")
        with storage.writing() as unit:
            for collection in (1, 2):
                unit.put(collection, position, Entry({"n": {"N": str(number)}}, 10))
        sys.stdout.write(f"{number}\n")
        sys.stdout.flush()
        number += 1


if __name__ == "__main__":
    _write(sys.argv[1], int(sys.argv[2]))
