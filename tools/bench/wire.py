"""What one request costs below the tables, over each transport: CPU of the client's process, and ratios.

Run: ``python3 tools/bench/wire.py`` (about a minute), ``--tls`` for TLS. Every transport has a process of its own;
they work in turns against the server of the peer benchmark, all of them in every round. Each sends a GetItem that is
answered with 1 KB, a PutItem of 1 KB, or a query that is answered with 100 KB. The floor is prepared bytes over one socket. A
reply's checksum is compared, as in use; nothing is decoded. ``--first`` shows the time to the first get of fresh
processes instead.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

_FOLDERS = (Path(__file__).resolve().parent, Path(__file__).resolve().parents[2])
sys.path += [str(folder) for folder in _FOLDERS]  # at the end: its modules must not hide others

from peers.processes import Place, fresh, serving  # noqa: E402

FLOOR, OURS = "floor", "urllib3"
TRANSPORTS = (FLOOR, OURS, "curl", "boto3")
WORKLOADS = ("get", "put", "query")
TURN_SECONDS = 0.15


def _payloads() -> dict[str, tuple[str, bytes]]:
    """Return workload -> operation and payload."""
    from peers.orders import CUSTOMER, TABLE, order_id
    from peers.stub import item

    key = {"customer_id": {"S": CUSTOMER}, "order_id": {"S": order_id(0)}}
    condition = {"KeyConditionExpression": "#0 = :0", "ExpressionAttributeNames": {"#0": "customer_id"}}
    members: dict[str, tuple[str, dict[str, Any]]] = {
        "get": ("GetItem", {"TableName": TABLE, "Key": key}),
        "put": ("PutItem", {"TableName": TABLE, "Item": item(0)}),
        "query": (
            "Query",
            {"TableName": TABLE, **condition, "ExpressionAttributeValues": {":0": {"S": CUSTOMER}}},
        ),
    }
    return {
        name: (operation, json.dumps(found, separators=(",", ":")).encode())
        for name, (operation, found) in members.items()
    }


def _call(name: str, url: str) -> Callable[[str], None]:
    """Return what sends one request of a workload."""
    if name == FLOOR:
        from peers.floor import Floor

        floor = Floor(url)
        return lambda workload: getattr(floor, workload)(None)
    from dynamo_objects.connection.aws import AwsSettings
    from dynamo_objects.connection.native import chosen_transport
    from dynamo_objects.connection.replies import _check_crc

    transport = chosen_transport(AwsSettings(endpoint_url=url), name)
    payloads = _payloads()

    def call(workload: str) -> None:
        operation, payload = payloads[workload]
        reply = transport.send(operation, payload, 20.0)
        _check_crc(reply)
        assert reply.status == 200

    return call


def _work(name: str, url: str) -> None:
    """Do what standard input asks for, and answer with the CPU seconds of each call."""
    call = _call(name, url)
    for line in sys.stdin:
        workload, count = json.loads(line)
        began = time.process_time()
        for _ in range(count):
            call(workload)
        print((time.process_time() - began) / count, flush=True)


class Worker:
    """A process with one transport."""

    def __init__(self, name: str, place: Place) -> None:
        command = [sys.executable, __file__, "--worker", name, place.endpoint]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=place.variables
        )

    def ask(self, workload: str, count: int) -> float:
        """Return the CPU seconds of one call."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps([workload, count]), file=self._process.stdin, flush=True)
        return float(self._process.stdout.readline())

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *_: object) -> None:
        with self._process:  # closes the pipes, and waits
            pass


def _measured(place: Place, names: list[str], rounds: int) -> Iterator[tuple[str, dict[str, list[float]]]]:
    """Yield each workload with the CPU seconds of each transport, one figure for each round."""
    with ExitStack() as stack:
        workers = {name: stack.enter_context(Worker(name, place)) for name in names}
        counts: dict[tuple[str, str], int] = {}
        for workload in WORKLOADS:
            for name, worker in workers.items():
                worker.ask(workload, 20)
                counts[workload, name] = max(20, min(5000, int(TURN_SECONDS / worker.ask(workload, 50))))
        for workload in WORKLOADS:
            found: dict[str, list[float]] = {name: [] for name in names}
            for number in range(rounds):
                turn = number % len(names)
                for name in names[turn:] + names[:turn]:
                    found[name].append(workers[name].ask(workload, counts[workload, name]))
            yield workload, found


def _show(place: Place, names: list[str], rounds: int) -> None:
    print(f"{'':8}" + "".join(f"{name:>22}" for name in names) + f"{'ours over floor':>18}")
    for workload, found in _measured(place, names, rounds):
        line = f"{workload:8}"
        for name in names:
            ratio = statistics.median(a / b for a, b in zip(found[name], found[OURS], strict=True))
            line += f"{statistics.median(found[name]) * 1e6:>12.1f} us {ratio:>5.2f} x"
        over = statistics.median(a - b for a, b in zip(found[OURS], found[FLOOR], strict=True))
        print(f"{line}{over * 1e6:>15.1f} us")


def _show_first(place: Place, rounds: int) -> None:
    found: dict[str, list[tuple[float, float]]] = {}
    programs = {
        "ours": "from peers.ours import OverSockets as Client",
        "ours, unaided": "from peers.unaided import WithoutExtras as Client",
        "ours, curl": "from peers.ours import OverCurl as Client",
        "boto3 client": "from peers.boto import BotoClient as Client",
    }
    for _ in range(rounds):
        for name, program in programs.items():
            run = f"{program}; client = Client({place.endpoint!r}); client.once(client.get)"
            found.setdefault(name, []).append(fresh(run, place, "client.close()"))
    boto = found["boto3 client"]
    for name, samples in found.items():
        wall, cpu = (statistics.median(part) * 1e3 for part in zip(*samples, strict=True))
        ratio = statistics.median(b[1] / o[1] for o, b in zip(samples, boto, strict=True))
        print(f"{name:14}{wall:8.0f} ms{cpu:8.0f} ms of CPU; boto3 needs {ratio:.2f} times as much")


def main() -> None:
    """Measure and show."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tls", action="store_true", help="over TLS, with a certificate made for this run")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--first", action="store_true", help="the first get of fresh processes")
    parser.add_argument("--only", nargs="+", choices=TRANSPORTS, default=list(TRANSPORTS))
    parser.add_argument("--worker", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.worker:
        _work(*given.worker)
        return
    with serving(tls=given.tls) as place:
        if given.first:
            _show_first(place, given.rounds)
        else:
            _show(place, [name for name in TRANSPORTS if name in (FLOOR, OURS, *given.only)], given.rounds)


if __name__ == "__main__":
    main()
