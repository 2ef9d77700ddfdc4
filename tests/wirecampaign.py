"""The campaign of `tests.campaign` over real sockets, with faults on the wire; and children of a fork.

``python -m tests.wirecampaign KIND SEED OPERATIONS RATE`` runs a long one on one transport,
``python -m tests.wirecampaign forks KIND CHILDREN GETS`` lets children read at the same time.
"""

from __future__ import annotations

import os
import random
import sys
import threading
from collections import Counter
from typing import Any

from botocore.config import Config

from dynamo_objects.connection.aws import AwsSettings
from dynamo_objects.connection.connection import Connection
from dynamo_objects.connection.native import chosen_transport
from dynamo_objects.connection.transport import Transport
from dynamo_objects.operations.item import GetItem, PutItem
from tests import campaign
from tests.campaign import Campaign, Outcome, ThingTable
from tests.dictservice import DictService
from tests.faultserver import ANSWERS, FaultServer, Received
from tests.transports import VirtualClock

__all__ = ["SeededServer", "forks", "run"]

#: One in so many faults is a reply that does not come in time, which takes its time.
_SELDOM = 100
_SLOW = ("late", "late and done")
_QUICK = tuple(answer for answer in ANSWERS if answer not in (*_SLOW, "good", "no crc"))


class SeededServer(FaultServer):
    """Answers a part of all requests badly.

    Attributes:
        rate: The part.
        faults: How often each answer was given.
        requests: How many there were.
    """

    def __init__(self, service: Transport, seed: int) -> None:
        super().__init__(service)
        self.rate = 0.0
        self.faults: Counter[str] = Counter()
        self.requests = 0
        self._random = random.Random(seed)

    def _next(self, request: Received) -> str:
        with self._lock:
            self.requests += 1
            if self._random.random() >= self.rate:
                return "good"
            answer = self._random.choice(_QUICK if self._random.randrange(_SELDOM) else _SLOW)
            self.faults[answer] += 1
            return answer


def _transport(kind: str, server: FaultServer) -> Any:
    """Return a transport to a server."""
    return chosen_transport(
        AwsSettings(
            "us-east-1",
            server.url,
            session_arguments={"aws_access_key_id": "local", "aws_secret_access_key": "local"},
            config=Config(read_timeout=1.0, parameter_validation=False),
        ),
        kind,
    )


def run(kind: str, seed: int, operations: int, rate: float, *, workers: int = 3) -> Outcome:
    """Run a campaign over one kind of transport and return what came of it."""
    service, clock = DictService(), VirtualClock()
    with SeededServer(service, seed) as server:
        transport = _transport(kind, server)
        database = campaign.connect("wire campaign", transport, clock)
        table = ThingTable(database=database)
        server.rate = rate
        campaigns = [Campaign(table, worker, seed) for worker in range(workers)]
        threads = [threading.Thread(target=each.run, args=(operations // workers,)) for each in campaigns]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        outcome = Outcome(operations // workers * workers, server.faults, requests=server.requests)
        for each in campaigns:
            each.check(Connection(service))
            outcome.results += each.results
            outcome.violations += each.oracle.violations
        database.disconnect()
    return outcome


def forks(kind: str, children: int, gets: int, *, keys: int = 50) -> list[int]:
    """Read in children of a fork and in their parent, which has read before.

    Returns:
        How many replies were wrong or missing, for the parent and each child, up to 250.
    """
    service = DictService()
    with FaultServer(service) as server:
        campaign.connect("forks", service, VirtualClock()).disconnect()
        database = campaign.connect("forks", service, VirtualClock())
        table = ThingTable(database=database).full_name
        transport = _transport(kind, server)
        connection = Connection(transport)
        items = [{"id": {"S": f"k{n}"}, "at": {"N": "0"}, "text": {"S": f"text {n}"}} for n in range(keys)]
        for item in items:
            connection.call(PutItem(table, item))

        def wrong(seed: int) -> int:
            chosen = random.Random(seed)
            count = 0
            for _ in range(gets):
                item = chosen.choice(items)
                key = {"id": item["id"], "at": item["at"]}
                try:
                    count += connection.call(GetItem(table, key)) != item
                except Exception:
                    count += 1
            return min(count, 250)

        started = []
        for number in range(children):
            child = os.fork()
            if not child:
                code = 255
                try:
                    code = wrong(number)
                    transport.close()
                finally:
                    os._exit(code)
            started.append(child)
        found = [wrong(children)]
        found += [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in started]
        transport.close()
        database.disconnect()
    return found


def _main(arguments: list[str]) -> int:
    if arguments[0] == "forks":
        counts = forks(arguments[1], int(arguments[2]), int(arguments[3]))
        sys.stdout.write(f"wrong or missing, parent and children: {counts}\n")
        return int(any(counts))
    found = run(arguments[0], int(arguments[1]), int(arguments[2]), float(arguments[3]))
    sys.stdout.write("\n".join([str(found), *found.violations[:20], ""]))
    return int(bool(found.violations))


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1:]))
