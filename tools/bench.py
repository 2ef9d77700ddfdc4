"""Our package beside other clients of DynamoDB for Python: CPU and time per call, start, memory.

``python3 tools/bench.py`` makes its own virtual environment (.venv-bench) with all clients, starts a server on the
loopback interface that answers every request with prepared bytes, and lets the clients work in turns. It ends with
code 1 and names the lines where ours needs more than it may. See docs/benchmark.rst for what the figures mean.

``--quick`` takes about half a minute and judges nothing; ``--here`` installs nothing and takes the clients that this
Python has. ``--only`` takes names of workloads and clients, several times or with commas.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import environment

# At the end: its modules must not hide others. The checkout is there in case it is not installed.
sys.path += [str(Path(__file__).resolve().parent / "bench"), str(environment.TOP)]


class PeerEnvironment(environment.Environment):
    """The environment of the benchmark: the project with the clients it is compared with, all versions pinned."""

    def __init__(self, top: Path, requirements: tuple[str, ...]) -> None:
        super().__init__(top)
        self._requirements = requirements
        self.folder = top / ".venv-bench"
        self.scripts = self.folder / self.scripts.name
        self.python = self.scripts / self.python.name
        self._record = self.folder / self._record.name
        self._unfinished = self.folder / self._unfinished.name

    def _facts(self) -> dict[str, Any]:
        digest = hashlib.sha256(json.dumps(self._requirements).encode())
        return {**super()._facts(), "requirements": digest.hexdigest()}

    def _run(self, command: list[str], purpose: str) -> None:
        """Run a command; the clients are installed together with the project, so that all fit."""
        is_installing = "install" in command
        super()._run([*command, *self._requirements] if is_installing else command, purpose)
        if is_installing:
            (self.folder / ".gitignore").write_text("*\n", encoding="utf-8")


def _enter() -> None:
    """Continue inside the environment of the benchmark; made when it is first needed."""
    from peers.registry import PEERS

    own = PeerEnvironment(environment.TOP, PEERS)
    try:
        own.ensure()
    except environment.EnvironmentProblem as problem:
        sys.exit(str(problem))
    if not own.is_active():
        own.run([str(own.python), *sys.orig_argv[1:]])


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, help="turns of each client (default: 9)")
    parser.add_argument("--only", action="append", default=[], metavar="NAMES", help="workloads, clients")
    parser.add_argument("--quick", action="store_true", help="one short round, for a look; nothing is judged")
    parser.add_argument("--tls", action="store_true", help="over TLS, with a certificate made for this run")
    parser.add_argument("--here", action="store_true", help="in this Python, with the clients it has")
    parser.add_argument("--json", metavar="FILE", help="write everything that was measured")
    parser.add_argument("--chart", metavar="FILE", help="draw an SVG")
    parser.add_argument("--table", metavar="FILE", help="write the table of the README")
    return parser.parse_args()


def _plan(options: argparse.Namespace) -> Any:
    """Return what to measure; ours are always part of it."""
    from peers.measuring import Plan
    from peers.registry import CLIENTS, OURS, WORKLOADS

    asked = [name for names in options.only for name in names.replace(" ", ",").split(",") if name]
    unknown = [name for name in asked if name not in CLIENTS and name not in WORKLOADS]
    if unknown:
        sys.exit(f"{', '.join(unknown)}: the names are {', '.join([*WORKLOADS, *CLIENTS])}")
    clients = [name for name in CLIENTS if name in asked or name in OURS]
    workloads = [name for name in WORKLOADS if name in asked]
    rounds = options.rounds or (1 if options.quick else 9)
    return Plan(
        clients=tuple(CLIENTS if set(clients) == set(OURS) and not set(asked) & set(OURS) else clients),
        workloads=tuple(workloads or WORKLOADS),
        rounds=rounds,
        turn_seconds=0.01 if options.quick else 0.1,
        starts=1 if options.quick else rounds,
        pages=2 if options.quick else 100,
        tls=options.tls,
    )


def main() -> int:
    """Measure and show.

    Returns:
        The exit code: 0 when everything is as it must be.
    """
    options = _options()
    if not options.here:
        _enter()
    from peers import chart, report, verdict
    from peers.measuring import measure
    from peers.processes import serving

    plan = _plan(options)
    facts = report.about(plan)
    with serving(tls=plan.tls) as place:
        results = measure(plan, place, lambda line: print(line, file=sys.stderr, flush=True))
    found = list(verdict.claims(results, plan.workloads))
    print(report.as_text(results, facts))
    if options.json:
        report.write(options.json, report.as_json(results, facts, found))
    if options.chart:
        report.write(options.chart, chart.as_svg(results, facts))
    if options.table:
        report.write(options.table, report.as_rst(results))
    is_partial = options.quick or options.here or options.only
    return _judge(found, is_partial=bool(is_partial), is_judged=not options.quick)


def _judge(found: list[Any], *, is_partial: bool, is_judged: bool) -> int:
    """Print what must hold; return 1 where it does not. A partial run says nothing about what it left out."""
    if not is_judged:
        print("A quick run is not judged.")
        return 0
    missed = []
    for claim in found:
        if is_partial and claim.found is None:
            continue
        print(f"{'holds ' if claim.holds else 'MISSED'} {claim}")
        if not claim.holds:
            missed.append(claim)
    return 1 if missed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)  # what shells call "ended by Ctrl-C"
    except subprocess.SubprocessError as problem:
        sys.exit(str(problem))
