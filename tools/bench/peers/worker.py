"""A process with one client in it, driven over its standard input and output by lines of JSON.

``["run", workload, count]`` is answered with the CPU and wall seconds of so many calls, ``["load", pages]`` with the
bytes that so many scans of a thousand records take while they are kept. CPU is that of the whole process, user and
system, all threads: pydynox, for one, works in threads of its own. The end of the input ends the process.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import time
from typing import IO, Any

from .orders import CUSTOMER, ORDERS, SCAN, order_id, price
from .registry import CLIENTS, WORKLOADS

__all__ = ["check", "main"]


def check(client: Any) -> None:
    """Read once in every way, and check what comes back.

    Raises:
        ValueError: It is not what the service answered.
    """
    orders = [client.once(client.get)]
    for method, count in ((client.query, ORDERS), (client.batch_get, ORDERS), (client.scan, SCAN)):
        found = client.once(method)
        if len(found) != count:
            raise ValueError(f"{len(found)} orders instead of {count}")
        orders.append(found[-1])
    for order, number in zip(orders, (0, ORDERS - 1, ORDERS - 1, SCAN - 1), strict=True):
        _check_order(client.plain(order), number)


def _check_order(found: dict[str, Any], number: int) -> None:
    wanted = {"customer_id": CUSTOMER, "order_id": order_id(number), "quantity": 42 + number}
    wrong = [name for name, value in wanted.items() if found[name] != value]
    if str(found["price"]) != price(number):
        wrong.append("price")
    if found["is_paid"] is not True or list(found["tags"])[-1] != "signed":
        wrong.append("is_paid or tags")
    if dict(found["address"])["street"] != f"Storgata {number}":
        wrong.append("address")
    if wrong:
        raise ValueError(f"order {number} has another {', '.join(wrong)}")


def _timed(client: Any, workload: str, count: int) -> dict[str, float]:
    method, arguments = getattr(client, workload), client.arguments(workload, count)
    gc.collect()
    wall, cpu = time.perf_counter(), time.process_time()
    client.run(method, arguments)
    return {"cpu": time.process_time() - cpu, "wall": time.perf_counter() - wall}


def _loaded(client: Any, pages: int) -> dict[str, float]:
    client.once(client.scan)
    gc.collect()
    before = _resident()
    kept = [client.once(client.scan) for _ in range(pages)]
    gc.collect()
    return {"bytes": float(_resident() - before), "records": float(sum(map(len, kept)))}


def _resident() -> int:
    """Return the bytes of this process that are in memory."""
    try:
        with open("/proc/self/statm", encoding="ascii") as statm:
            return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except FileNotFoundError:  # no Linux: the most that it ever was
        import resource

        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return most if sys.platform == "darwin" else most * 1024


def _answers() -> IO[str]:
    """Return standard output for the answers; what a client prints goes to standard error."""
    kept = os.dup(1)
    os.dup2(2, 1)
    return os.fdopen(kept, "w", encoding="utf-8")


def main() -> None:
    """Serve one client, named on the command line with its endpoint, until standard input ends."""
    name, endpoint = sys.argv[1:]
    output = _answers()
    client: Any = None
    try:
        client = CLIENTS[name].make(endpoint)
        if CLIENTS[name].packages:
            check(client)
        for workload in WORKLOADS:
            _timed(client, workload, 1)
        answer: dict[str, Any] = {"version": CLIENTS[name].version()}
    except Exception as error:
        answer = {"problem": f"{type(error).__name__}: {error}"}
    print(json.dumps(answer), file=output, flush=True)
    for line in sys.stdin:
        command, *arguments = json.loads(line)
        answer = _timed(client, *arguments) if command == "run" else _loaded(client, *arguments)
        print(json.dumps(answer), file=output, flush=True)
    if client is not None:
        client.close()
