"""The campaign of `tests.campaign` over real sockets, with faults on the wire; children of a fork; many threads.

``python -m tests.wirecampaign --operations 20000 --seed 1 --transport curl --service local`` runs a long one
against DynamoDB Local, ``--forks 8 --gets 5000`` lets children read at the same time, ``--threads 16 --gets 5000`` threads.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs
from botocore.config import Config

from dynamo_objects.connection.aws import AwsSettings
from dynamo_objects.connection.connection import Connection
from dynamo_objects.connection.native import chosen_transport
from dynamo_objects.connection.transport import Transport
from dynamo_objects.operations.item import GetItem, PutItem
from tests import campaign
from tests.campaign import Outcome, ThingTable
from tests.dictservice import DictService
from tests.faultserver import FaultServer
from tests.faultserver import _Proxy as Forwarding
from tests.latewrites import LateCampaign, SeededServer
from tests.transports import VirtualClock

__all__ = ["SERVICES", "WireOutcome", "forks", "run", "serving", "threads", "transport_to"]

#: What keeps the items: a dict in this process, our own server, DynamoDB Local.
SERVICES = ("dict", "server", "local")

#: More wrong replies than this are not told apart: an exit code holds them.
_MOST = 250


@attrs.define
class WireOutcome(Outcome):
    """What a campaign over sockets counted.

    Attributes:
        landed: Late writes, by what they were and what their sender had been told.
    """

    landed: Counter[str] = attrs.field(factory=Counter)

    @property
    def table(self) -> str:
        """Return all of it as a table."""
        lines = [
            f"{'operations':<60}{self.operations:>8}",
            f"{'requests':<60}{self.requests:>8}",
            f"{'faults':<60}{self.faults.total():>8}",
            f"{'violations':<60}{len(self.violations):>8}",
        ]
        for title, counts in (("fault", self.faults), ("result", self.results), ("late write", self.landed)):
            lines += [f"{f'{title}: {name}':<60}{count:>8}" for name, count in sorted(counts.items())]
        return "\n".join(lines)


@contextmanager
def serving(name: str) -> Iterator[str | None]:
    """Run one of the services while the block runs and give its URL; None for the dict."""
    if name == "local":
        sys.path.append(str(Path(__file__).resolve().parents[1] / "tools"))
        import dynamodb_local

        with dynamodb_local.serve() as url:
            yield url
    elif name == "server":
        from dynamo_objects.local.opening import open_engine
        from dynamo_objects.local.server import serve

        with serve(open_engine("memory://")) as url:
            yield url
    else:
        yield None


def transport_to(kind: str | None, url: str, **options: Any) -> Any:
    """Return a transport to a server; None for the one that is chosen by itself."""
    return chosen_transport(
        AwsSettings(
            "us-east-1",
            url,
            session_arguments={"aws_access_key_id": "local", "aws_secret_access_key": "local"},
            config=Config(read_timeout=1.0, parameter_validation=False),
            **options,
        ),
        kind,
    )


def run(
    kind: str, seed: int, operations: int, rate: float, *, workers: int = 3, url: str | None = None
) -> WireOutcome:
    """Run a campaign over one kind of transport and return what came of it.

    Args:
        url: Of the server that keeps the items; None: a dict does.
    """
    service: Transport = DictService() if url is None else Forwarding(url)
    clock = VirtualClock()
    with SeededServer(service, seed) as server:
        transport = transport_to(kind, server.url)
        database = campaign.connect("wire campaign", transport, clock)
        table = ThingTable(database=database)
        server.rate = rate
        campaigns = [LateCampaign(table, worker, seed, server, service) for worker in range(workers)]
        _in_threads([lambda each=each: each.run(operations // workers) for each in campaigns])  # type: ignore[misc]
        done = operations // workers * workers
        outcome = WireOutcome(done, server.faults, requests=server.requests)
        for each in campaigns:
            each.check(Connection(service))
            outcome.results += each.results
            outcome.landed += each.landed
            outcome.violations += each.oracle.violations
        database.disconnect()
    return outcome


def _in_threads(calls: list[Callable[[], None]]) -> None:
    started = [threading.Thread(target=call) for call in calls]
    for thread in started:
        thread.start()
    for thread in started:
        thread.join()


class _Reader:
    """Reads items whose content is known, over a transport that was used already."""

    def __init__(self, kind: str, url: str | None, keys: int = 50, **options: Any) -> None:
        self._server = None if url is not None else FaultServer(DictService()).__enter__()
        address = url if self._server is None else self._server.url
        assert address is not None
        self.transport = transport_to(kind, address, **options)
        self._database = campaign.connect("readers", self.transport, VirtualClock())
        self._table = ThingTable(database=self._database).full_name
        self._connection = Connection(self.transport)
        self._items = [
            {"id": {"S": f"k{n}"}, "at": {"N": "0"}, "text": {"S": f"text {n}"}} for n in range(keys)
        ]
        for item in self._items:
            self._connection.call(PutItem(self._table, item))

    def wrong(self, seed: int, gets: int) -> tuple[int, int]:
        """Read at random, and return how many replies were wrong, and how many were missing."""
        chosen = random.Random(seed)
        wrong = missing = 0
        for _ in range(gets):
            item = chosen.choice(self._items)
            key = {"id": item["id"], "at": item["at"]}
            try:
                wrong += self._connection.call(GetItem(self._table, key, consistent=True)) != item
            except Exception:
                missing += 1
        return wrong, missing

    def close(self) -> None:
        """End everything."""
        self._database.disconnect()
        if self._server is not None:
            self._server.__exit__(None, None, None)


def forks(kind: str, children: int, gets: int, *, url: str | None = None) -> list[int]:
    """Read in children of a fork and in their parent, which has read before.

    Returns:
        How many replies were wrong or missing, for the parent and each child, up to 250.
    """
    reader = _Reader(kind, url)
    started = []
    for number in range(children):
        child = os.fork()
        if not child:
            code = 255
            try:
                code = min(sum(reader.wrong(number, gets)), _MOST)
                reader.transport.close()
            finally:
                os._exit(code)
        started.append(child)
    found = [sum(reader.wrong(children, gets))]
    found += [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in started]
    reader.close()
    return found


def threads(kind: str, count: int, gets: int, *, connections: int = 4, url: str | None = None) -> list[int]:
    """Read in threads that share a few connections.

    Returns:
        How many replies were wrong or missing, for each thread.
    """
    reader = _Reader(kind, url, max_connections=connections)
    found = [-1] * count

    def work(number: int) -> None:
        found[number] = sum(reader.wrong(number, gets))

    _in_threads([lambda number=number: work(number) for number in range(count)])  # type: ignore[misc]
    reader.close()
    return found


def _main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.wirecampaign", description=__doc__)
    parser.add_argument("--transport", choices=("curl", "urllib3", "boto3"), default="urllib3")
    parser.add_argument("--service", choices=SERVICES, default="dict", help="what keeps the items")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--operations", type=int, default=20_000)
    parser.add_argument("--rate", type=float, default=0.25, help="share of requests that go wrong")
    parser.add_argument("--forks", type=int, default=0, help="children that read instead")
    parser.add_argument("--threads", type=int, default=0, help="threads that read instead")
    parser.add_argument("--gets", type=int, default=5000, help="of each child or thread")
    given = parser.parse_args(words)
    with serving(given.service) as url:
        if given.forks or given.threads:
            read = forks if given.forks else threads
            counts = read(given.transport, given.forks or given.threads, given.gets, url=url)
            sys.stdout.write(f"{len(counts)} x {given.gets} gets, wrong or missing: {counts}\n")
            return int(any(counts))
        found = run(given.transport, given.seed, given.operations, given.rate, url=url)
    sys.stdout.write("\n".join([found.table, *found.violations[:20], ""]))
    return int(bool(found.violations))


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1:]))
