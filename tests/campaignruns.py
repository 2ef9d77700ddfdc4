"""Episodes of the campaign, in the twin or over a socket: jobs one after the other, in a world of their own.

``tools/campaign.py`` runs many. An episode depends on its seed alone, so that it can be run again, and only up to
the job in which something was found.
"""

from __future__ import annotations

import shutil
import tempfile
import threading
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from zlib import crc32

import attrs

from dynamo_objects.connection.attempts import RetryPolicy
from dynamo_objects.connection.connection import Connection
from dynamo_objects.connection.transport import Reply
from dynamo_objects.database import DynamoDatabase
from dynamo_objects.memorydb.leftovers import UnwrittenChanges
from tests import campaigncrashes, campaignsessions, campaigntables
from tests.campaign import Campaign, ThingTable
from tests.campaignfaults import CampaignServer, CampaignTransport, Crash
from tests.campaignworld import Ledger, World
from tests.dictservice import DictService
from tests.transports import VirtualClock
from tests.wirecampaign import transport_to

__all__ = ["JOBS", "JOBS_OF_AN_EPISODE", "Finding", "episode", "is_parallel", "wire_episode"]

#: So many jobs are in an episode.
JOBS_OF_AN_EPISODE = 40
#: So many calls of a table are a job.
_VERBS = 25

Job = Callable[[World], None]
#: Name -> job, and how often it is drawn.
JOBS: dict[str, tuple[Job, int]] = {
    "session": (campaignsessions.session, 8),
    "together": (campaignsessions.together, 2),
    "interrupted": (campaigncrashes.interrupted, 2),
    "crash": (campaigncrashes.crash, 3),
    "saves": (campaigntables.saves, 3),
    "counters": (campaigntables.counters, 4),
    "many": (campaigntables.many, 4),
    "verbs": (lambda world: _verbs(world), 3),
}
#: Shares of requests that something happens to; each episode has one.
_RATES = (0.1, 0.3, 0.4, 0.5)


@attrs.frozen
class Finding:
    """Something that must not be.

    Attributes:
        episode: Its number.
        job: The job's number, from 1.
        kind, what: As in the ledger.
    """

    episode: str
    job: int
    kind: str
    what: str


def is_parallel(seed: str) -> bool:
    """Tell whether the flushes of an episode send several requests at a time.

    What each request meets is the same again; which of them an error keeps from being sent is up to the threads.
    """
    return sum(seed.encode()) % 3 == 2


def episode(seed: str, *, jobs: int = JOBS_OF_AN_EPISODE) -> tuple[Ledger, list[Finding]]:
    """Run an episode in the twin, and return its accounts and what was found."""
    clock, service = VirtualClock(), DictService(page_size=7)
    transport = CampaignTransport(service, seed, clock)
    with _world(seed, service, transport, transport, clock) as world:
        return _run(world, seed, jobs)


def wire_episode(
    seed: str, kind: str | None, url: str, *, jobs: int = JOBS_OF_AN_EPISODE
) -> tuple[Ledger, list[Finding]]:
    """Run an episode through sockets, faults on the way, with a server behind.

    Args:
        kind: Of the transport; None for the default one.
        url: Of the server.
    """
    clock, service = VirtualClock(), _Direct(url)
    with closing(service), CampaignServer(service, seed) as server:
        inner = transport_to(kind, server.url)
        transport = _Mortal(inner)
        transport.chooser = server.chooser
        with _world(
            seed, service, transport, transport, clock, prefix=f"e{crc32(seed.encode())}_", most_atomic=10
        ) as world:
            return _run(world, seed, jobs)


class _Direct:
    """Asks a server, and gives what its replies mean."""

    retries_by_itself = False

    def __init__(self, url: str) -> None:
        self._inner = transport_to(None, url)

    def send(self, operation: str, payload: bytes, timeout_seconds: float) -> Reply:
        """Send one request."""
        reply: Reply = self._inner.send(operation, payload, timeout_seconds)
        headers = {n: t for n, t in reply.headers.items() if n.startswith("x-am") or n == "content-type"}
        return Reply(reply.status, headers, reply.body)

    def close(self) -> None:
        """Close the connections."""
        self._inner.close()


class _Mortal:
    """A transport that can die."""

    def __init__(self, inner: Any) -> None:
        self.crash_in: int | None = None
        self.is_dead = False
        self.chooser: Any = None
        self.retries_by_itself = inner.retries_by_itself
        self.place = "campaign"
        self._inner = inner
        self._lock = threading.Lock()

    def send(self, operation: str, payload: bytes, timeout_seconds: float) -> Any:
        """Pass a request on, or die."""
        if self.is_dead:
            raise Crash
        if self.crash_in is not None:
            with self._lock:
                self.crash_in -= 1
                self.is_dead = self.crash_in < 0
            if self.is_dead:
                if len(payload) % 2:  # the request may still arrive
                    self._inner.send(operation, payload, timeout_seconds)
                raise Crash
        return self._inner.send(operation, payload, timeout_seconds)

    def close(self) -> None:
        """Close the inner transport."""
        self._inner.close()


@contextmanager
def _world(
    seed: str,
    service: Any,
    transport: Any,
    mortal: Any,
    clock: VirtualClock,
    *,
    prefix: str = "",
    most_atomic: int = 100,
) -> Iterator[World]:
    folder = Path(tempfile.mkdtemp(prefix="campaign-", dir=_fast_folder()))
    database = DynamoDatabase(f"campaign {seed}")
    database.disconnect()
    try:
        database.connect(transport=transport, table_prefix=prefix)
        assert database._state is not None
        parallel = 4 if is_parallel(seed) else 1
        database._state.connection = Connection(
            transport,
            RetryPolicy(),
            max_parallel=parallel,
            clock=clock,
            sleep=clock.sleep,
            chance=lambda: 0.5,
        )
        yield World(seed, database, service, mortal.chooser, mortal, folder, most_atomic=most_atomic)
    finally:
        database.disconnect()
        shutil.rmtree(folder)


def _fast_folder() -> str | None:
    """Return a folder in memory, where there is one: journals are synced all the time."""
    return "/dev/shm" if Path("/dev/shm").is_dir() else None


def _run(world: World, seed: str, jobs: int) -> tuple[Ledger, list[Finding]]:
    ledger = world.ledger
    findings: list[Finding] = []
    world.verbs = Campaign(ThingTable(database=world.database), 0, seed)
    world.chooser.rate = world.chance.choice(_RATES)
    names = [name for name, (_, weight) in JOBS.items() for _ in range(weight)]

    def note(number: int) -> None:
        for kind, what in ledger.violations[len(findings) :]:
            findings.append(Finding(seed, number, kind, what))

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnwrittenChanges)
        for number in range(1, jobs + 1):
            name = world.chance.choice(names)
            world.job = f"{number} ({name})"
            ledger.results[f"job: {name}"] += 1
            try:
                JOBS[name][0](world)
            except Exception:  # of the library, or of what watches it
                world.violated("other", traceback.format_exc(limit=-4))
            note(number)
    world.chooser.rate = 0.0
    world.chooser.end_lasting()
    world.check_all()
    _check_verbs(world)
    note(jobs)
    ledger.requests = world.chooser.requests
    ledger.faults = world.chooser.faults
    return ledger, findings


def _verbs(world: World) -> None:
    """Do what `tests.campaign` does to its own table."""
    campaign: Campaign = world.verbs
    seen = len(campaign.oracle.violations)
    campaign.run(_VERBS)
    world.ledger.operations += _VERBS
    for violation in campaign.oracle.violations[seen:]:
        world.violated("false absent" if "false absent" in violation else "lost", violation)


def _check_verbs(world: World) -> None:
    campaign: Campaign = world.verbs
    seen = len(campaign.oracle.violations)
    campaign.check(Connection(world.service))
    for violation in campaign.oracle.violations[seen:]:
        world.violated("lost", violation)
    for name, count in campaign.results.items():
        world.ledger.results[f"verb: {name}"] += count
