"""Shows the results as text, as JSON, and as a table for the README."""

from __future__ import annotations

import json
import os
import platform
import statistics
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from .measuring import FIRST, IMPORT, Plan, Results, Sample
from .registry import CLIENTS, WORKLOADS
from .verdict import Claim, ratio, shown_ratio

__all__ = ["RULES", "about", "as_json", "as_rst", "as_text", "write"]

RULES = """\
What is compared, and what is not like for like
* CPU is user and system time of the client's whole process with all its threads, per call; the server is another process.
* The server answers at once with prepared bytes over loopback: nothing here says how long DynamoDB takes.
* Every client has its own process; they work in turns, one at a time, all of them in every round. Ratios are medians
  of the ratios within each round. All use one connection and make one call after another.
* Everybody sends the same requests, and as many. Objects to be written are made before the clock starts.
* dynamo_objects, dyntastic and pydynox's Model give objects with exact Decimals; boto3's Table gives dicts with exact
  Decimals. PynamoDB's numbers are floats. The dicts of pydynox and aiodynamo have floats and know nothing of a class;
  boto3's client converts nothing at all.
* dynamo_objects compares checksums and keys, checks every value before it is sent, and keeps what a record was loaded
  as; pydynox's Model tracks changes; the others do none of this. Its update is guarded by the loaded value.
* PynamoDB's update always reads the whole item back. aiodynamo is asynchronous; its strength is many calls at once.
* The cached job is a MemoryTable on our side and a dict written by hand on theirs; both send two requests.
"""


def about(plan: Plan) -> dict[str, Any]:
    """Return where and how the figures are taken."""
    return {
        "python": platform.python_version(),
        "system": platform.platform(),
        "cores": os.cpu_count(),
        "load": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        "rounds": plan.rounds,
        "turn_seconds": plan.turn_seconds,
        "tls": plan.tls,
    }


def as_json(results: Results, facts: dict[str, Any], found: Iterable[Claim]) -> str:
    """Return everything that was measured, in seconds and bytes."""
    base = results.base()
    shown = {
        **facts,
        "versions": results.versions,
        "problems": results.problems,
        "ratios_to": base,
        "workloads": {
            workload: {
                name: {
                    "cpu": [sample.cpu for sample in rounds],
                    "wall": [sample.wall for sample in rounds],
                    "cpu_ratio": base and ratio(results, workload, name, base),
                    "wall_ratio": base and ratio(results, workload, name, base, "wall"),
                }
                for name, rounds in clients.items()
            }
            for workload, clients in results.samples.items()
        },
        "bytes_per_record": results.memory,
        "claims": [
            {"claim": claim.subject, "wanted": claim.wanted, "found": claim.found, "holds": claim.holds}
            for claim in found
        ],
    }
    return json.dumps(shown, indent=1)


def as_text(results: Results, facts: dict[str, Any]) -> str:
    """Return the tables and the rules."""
    lines = [", ".join(f"{name} {value}" for name, value in facts.items())]
    for name in results.versions:
        lines.append(f"  {CLIENTS[name].label} {results.versions[name]}: {CLIENTS[name].gives}")
    for name, problem in results.problems.items():
        lines.append(f"  not measured: {CLIENTS[name].label}: {problem}")
    base = results.base()
    for workload, clients in results.samples.items():
        lines += ["", *_table(results, workload, clients, base)]
    if results.memory:
        lines += ["", *_memory(results, base)]
    return "\n".join([*lines, "", RULES])


def _table(
    results: Results, workload: str, clients: dict[str, list[Sample]], base: str | None
) -> Iterator[str]:
    title, unit, scale = _unit(workload)
    to = "" if base is None else f"ratios to {CLIENTS[base].label}"
    yield f"{title:28}{f'CPU {unit}: min':>16}{'median':>10}{'max':>10}{'ratio':>8}{f'wall {unit}':>12}{'ratio':>8}  {to}"
    for name, rounds in clients.items():
        cpu = [sample.cpu * scale for sample in rounds]
        wall = statistics.median(sample.wall for sample in rounds) * scale
        cells = f"{min(cpu):16.1f}{statistics.median(cpu):10.1f}{max(cpu):10.1f}"
        ratios = [_shown(results, workload, name, base, part) for part in ("cpu", "wall")]
        yield f"  {CLIENTS[name].label:26}{cells}{ratios[0]:>8}{wall:12.1f}{ratios[1]:>8}"


def _unit(workload: str) -> tuple[str, str, float]:
    if workload in WORKLOADS:
        return WORKLOADS[workload].title, "µs", 1e6
    return {IMPORT: "import", FIRST: "start to the first get"}[workload], "ms", 1e3


def _shown(results: Results, workload: str, name: str, base: str | None, part: str) -> str:
    found = None if base is None else ratio(results, workload, name, base, part)
    return "" if found is None else f"{found:.2f}"


def _memory(results: Results, base: str | None) -> Iterator[str]:
    yield f"{'memory of 100,000 records':28}{'MB':>16}{'ratio':>10}"
    for name, size in results.memory.items():
        share = f"{size / results.memory[base]:.2f}" if base in results.memory else ""
        yield f"  {CLIENTS[name].label:26}{size / 10:16.0f}{share:>10}"


def as_rst(results: Results) -> str:
    """Return the medians as a table of reStructuredText: CPU in µs, and how many times ours that is."""
    base = results.base()
    workloads = [workload for workload in WORKLOADS if workload in results.samples]
    rows = [["CPU per call, µs", *(WORKLOADS[workload].title for workload in workloads)]]
    for name in results.versions:
        cells = []
        for workload in workloads:
            middle = statistics.median(sample.cpu for sample in results.samples[workload][name]) * 1e6
            times = None if base in (None, name) else ratio(results, workload, name, str(base))
            cells.append(f"{middle:,.0f}" + ("" if times is None else f" ({shown_ratio(times)}x)"))
        rows.append([CLIENTS[name].label, *cells])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    rule = "  ".join("=" * width for width in widths)
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    return "\n".join([rule, lines[0].rstrip(), rule, *(line.rstrip() for line in lines[1:]), rule, ""])


def write(path: str, text: str) -> None:
    """Write a file."""
    Path(path).write_text(text, encoding="utf-8")
