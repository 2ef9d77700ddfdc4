"""Measures all clients in turns, so that whatever else the machine does falls on all of them.

Every client has a process of its own: imports, heaps and background threads of one are no burden on another, and the
CPU of a process is that of its client and of nothing else. Only one of them works at any time. In every round each
client takes its turn of some calls at each workload, in an order that moves on from round to round.
"""

from __future__ import annotations

import http.client
import json
import ssl
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from .processes import Place, Worker, fresh
from .registry import CLIENTS, OURS, WORKLOADS

__all__ = ["FIRST", "IMPORT", "Plan", "Results", "Sample", "measure"]

#: What is measured in fresh processes.
IMPORT, FIRST = "import", "first get"

_TURN_CALLS = 1000


@dataclass(frozen=True)
class Sample:
    """What one call took in one round.

    Attributes:
        cpu: Seconds of the client's process, user and system.
        wall: Seconds until it returned.
    """

    cpu: float
    wall: float


@dataclass(frozen=True)
class Plan:
    """What to measure, and how long.

    Attributes:
        clients: Their names.
        workloads: Their names.
        rounds: How many times.
        turn_seconds: How long about one turn of one client takes.
        starts: Rounds of fresh processes.
        pages: Scans to keep for the memory figures; 0 for none.
        tls: Whether over TLS.
    """

    clients: tuple[str, ...]
    workloads: tuple[str, ...]
    rounds: int
    turn_seconds: float
    starts: int
    pages: int
    tls: bool = False


@dataclass
class Results:
    """What was measured.

    Attributes:
        versions: Client -> version of its package.
        problems: Client -> why it was not measured.
        samples: Workload -> client -> one sample for each round; also of fresh processes.
        memory: Client -> bytes of each record that was read and kept.
    """

    versions: dict[str, str] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)
    samples: dict[str, dict[str, list[Sample]]] = field(default_factory=dict)
    memory: dict[str, float] = field(default_factory=dict)

    def base(self) -> str | None:
        """Return the client that all ratios are to: the quickest of ours that there is."""
        return next((name for name in OURS if name in self.versions), None)


def measure(plan: Plan, place: Place, tell: Callable[[str], None]) -> Results:
    """Measure everything.

    Args:
        tell: Gets a line about each part.
    """
    results = Results()
    with ExitStack() as stack:
        workers = dict(_started(plan.clients, place, results, stack))
        tell(f"{len(workers)} clients: {', '.join(workers)}")
        counts = _calibrated(plan, workers, place)
        for number in range(plan.rounds):
            tell(f"round {number + 1} of {plan.rounds}")
            _round(plan.workloads, number, workers, counts, results)
        if plan.pages:
            tell(f"memory of {plan.pages * 1000:,} records")
            _weigh(plan.pages, workers, results)
    for number in range(plan.starts):
        tell(f"fresh processes, round {number + 1} of {plan.starts}")
        _start(list(workers), place, results)
    return results


def _started(
    names: Iterable[str], place: Place, results: Results, stack: ExitStack
) -> Iterable[tuple[str, Worker]]:
    for name in names:
        if not CLIENTS[name].is_installed():
            results.problems[name] = f"needs {', '.join(CLIENTS[name].packages)}"
            continue
        worker = stack.enter_context(Worker(name, place))
        if worker.problem is None:
            results.versions[name] = worker.version
            yield name, worker
        else:
            results.problems[name] = worker.problem


def _calibrated(plan: Plan, workers: Mapping[str, Worker], place: Place) -> dict[tuple[str, str], int]:
    """Return (workload, client) -> calls that take a turn's time; check how many requests a call sends."""
    counts = {}
    for workload in plan.workloads:
        for name, worker in workers.items():
            worker.ask("run", workload, 2)
            took = worker.ask("run", workload, 2)["wall"] / 2
            counts[workload, name] = max(2, min(_TURN_CALLS, round(plan.turn_seconds / took)))
            _check_requests(workload, name, worker, place)
    return counts


def _check_requests(workload: str, name: str, worker: Worker, place: Place) -> None:
    """Check that every client asks the service as often as the others.

    Raises:
        RuntimeError: It does not.
    """
    loading = 3 if workload == "update" else 0  # an update begins with a record that was read
    before = _requests(place)
    worker.ask("run", workload, 3)
    sent = _requests(place) - before
    wanted = 3 * WORKLOADS[workload].requests
    if sent not in (wanted, wanted + loading):
        raise RuntimeError(f"{name} sends {sent} requests in 3 calls of {workload}, not {wanted}")


def _requests(place: Place) -> int:
    """Return how many requests the server has had."""
    parts = urlsplit(place.endpoint)
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=10)
    if parts.scheme == "https":
        context = ssl.create_default_context(cafile=place.variables["SSL_CERT_FILE"])
        connection = http.client.HTTPSConnection(str(parts.hostname), parts.port, timeout=10, context=context)
    try:
        connection.request("GET", "/")
        return sum(json.loads(connection.getresponse().read()).values())
    finally:
        connection.close()


def _round(
    workloads: Iterable[str],
    number: int,
    workers: Mapping[str, Worker],
    counts: Mapping[tuple[str, str], int],
    results: Results,
) -> None:
    names = list(workers)
    turn = number % len(names)
    for workload in workloads:
        for name in names[turn:] + names[:turn]:
            count = counts[workload, name]
            took = workers[name].ask("run", workload, count)
            _add(results, workload, name, Sample(took["cpu"] / count, took["wall"] / count))


def _add(results: Results, workload: str, name: str, sample: Sample) -> None:
    results.samples.setdefault(workload, {}).setdefault(name, []).append(sample)


def _weigh(pages: int, workers: Mapping[str, Worker], results: Results) -> None:
    for name, worker in workers.items():
        if CLIENTS[name].packages:
            took = worker.ask("load", pages)
            results.memory[name] = took["bytes"] / took["records"]


def _start(names: Iterable[str], place: Place, results: Results) -> None:
    for name in names:
        wall, cpu = fresh(CLIENTS[name].statement, place)
        _add(results, IMPORT, name, Sample(cpu, wall))
        kind = CLIENTS[name]
        make = f"from peers.{kind.module} import {kind.name}; client = {kind.name}({place.endpoint!r})"
        wall, cpu = fresh(f"{make}; client.once(client.get)", place, "client.close()")
        _add(results, FIRST, name, Sample(cpu, wall))
