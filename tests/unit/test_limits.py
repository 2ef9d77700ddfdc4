"""How many requests run at the same time: fewer when the service throttles, more while all goes well."""

from __future__ import annotations

import os
import threading
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dynamo_objects.connection.connection import Connection
from dynamo_objects.connection.limits import Gate, Limit
from dynamo_objects.connection.transport import Reply
from dynamo_objects.flows.base import Backoff, Flow, Together
from dynamo_objects.flows.batching import read_batches, write_batches
from dynamo_objects.operations.batch import BatchGetItem, Write
from dynamo_objects.operations.item import GetItem, PutItem
from dynamo_objects.operations.transaction import TransactWriteItems
from tests.dictservice import error_reply, good_reply
from tests.transports import Request, ScriptedTransport, connected

KEY = {"id": {"S": "k1"}}
GET = GetItem("t", KEY)
FOUND = good_reply({"Item": KEY})
THROTTLED = error_reply("ThrottlingException")


# --- the arithmetic -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("most", "first"), [(0, 1), (1, 1), (2, 2), (4, 4), (5, 4), (8, 4), (20, 10), (64, 32)]
)
def test_it_begins_in_the_middle(most: int, first: int) -> None:
    """
    With half of what is allowed, or with four if that is allowed.
    """
    assert first == Limit(most).now


def test_it_grows_by_one_a_round() -> None:
    """
    As many successes as run at the same time, and one more may.
    """
    limit = Limit(20)
    numbers = []
    for _ in range(10):
        for _ in range(limit.now + 1):
            limit.succeeded(limit.round)
        numbers.append(limit.now)

    assert [11, 12, 13, 14, 15, 16, 17, 18, 19, 20] == numbers


def test_it_halves_when_throttled() -> None:
    """
    Down to one, and no further.
    """
    limit = Limit(20)
    numbers = []
    for _ in range(5):
        limit.throttled(limit.round)
        numbers.append(limit.now)

    assert [5, 2, 1, 1, 1] == numbers


def test_requests_that_ran_together_halve_it_once() -> None:
    """
    Those that began before it was halved say nothing new, good or bad.
    """
    limit = Limit(20)
    for _ in range(10):
        limit.throttled(0)
    for _ in range(1000):
        limit.succeeded(0)

    assert 5 == limit.now


def test_it_takes_care_where_it_was_throttled_last() -> None:
    """
    Up to there it comes soon; the last step takes twenty times as long; beyond it all is as before.
    """
    limit = Limit(20)
    limit.throttled(0)
    steps = dict.fromkeys(range(5, 13), 0)
    while limit.now < 13:
        steps[limit.now] += 1
        limit.succeeded(1)

    assert [6, 6, 8, 8, 184, 11, 11, 13] == list(steps.values())


@given(most=st.integers(1, 100), events=st.lists(st.tuples(st.booleans(), st.integers(0, 3)), max_size=300))
def test_it_stays_within_its_bounds(most: int, events: list[tuple[bool, int]]) -> None:
    """
    Whatever comes back: never below one, never above what is allowed.
    """
    limit = Limit(most)
    for is_good, age in events:
        (limit.succeeded if is_good else limit.throttled)(limit.round - age)

        assert 1 <= limit.now <= most


@given(most=st.integers(1, 50), halvings=st.integers(0, 10))
def test_it_recovers(most: int, halvings: int) -> None:
    """
    However often it was halved, it comes back to what is allowed.
    """
    limit = Limit(most)
    for _ in range(halvings):
        limit.throttled(limit.round)
    for _ in range(most * (most + 40)):
        limit.succeeded(limit.round)

    assert most == limit.now


# --- the gate -----------------------------------------------------------------------------------


def test_who_waits_is_let_through_or_gives_up() -> None:
    """
    When somebody leaves, or when nobody wants it any more.
    """
    gate, abandoned, never = Gate(1), threading.Event(), threading.Event()
    seen: list[bool] = []
    assert gate.enter(never)
    threads = [
        threading.Thread(target=lambda e=e: seen.append(gate.enter(e)), daemon=True)
        for e in (abandoned, never)
    ]
    for thread in threads:
        thread.start()
    abandoned.set()
    threads[0].join(5)
    assert [False] == seen
    gate.leave(is_good=True)
    threads[1].join(5)

    assert [False, True] == seen


class Crowd:
    """A transport that counts how many requests are under way, and throttles what is more than it can do.

    Attributes:
        room: How many it can do at the same time.
        most: How many were under way at the same time since it was last set.
        throttled: How many were refused.
    """

    retries_by_itself = False

    def __init__(self, room: int) -> None:
        self.room = room
        self.most = self.throttled = self.sent = self._running = 0
        self._lock = threading.Lock()

    def send(self, operation: str, payload: bytes, timeout_seconds: float) -> Reply:
        """Answer after a moment."""
        with self._lock:
            self.sent += 1
            if self._running >= self.room:
                self.throttled += 1
                return THROTTLED
            self._running += 1
            self.most = max(self.most, self._running)
        time.sleep(0.001)
        with self._lock:
            self._running -= 1
        return FOUND

    def close(self) -> None:
        """Do nothing."""


def get(operation: GetItem = GET) -> Flow[Any]:
    """Return a flow of one read."""
    return (yield operation)


def gets(count: int) -> Flow[Any]:
    """Return a flow of many reads."""
    return (yield Together(get() for _ in range(count)))


def test_as_many_run_as_the_service_can_do() -> None:
    """
    Everything is done, with fewer refusals than threads get that always try all at once.
    """
    crowd, alone = Crowd(4), Crowd(4)
    Connection(crowd, max_parallel=16).run(gets(1600))
    other = Connection(alone)
    threads = [threading.Thread(target=lambda: [other.call(GET) for _ in range(100)]) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert 1600 == crowd.sent - crowd.throttled == alone.sent - alone.throttled
    assert crowd.throttled < alone.throttled


def test_they_halve_and_grow_again() -> None:
    """
    As the service throttles, and as it goes on; what runs at the same time follows.
    """
    crowd = Crowd(100)
    connection = connected(crowd, max_parallel=16)
    assert 8 == connection.parallel_now
    connection.run(gets(300))
    assert 16 == connection.parallel_now == crowd.most

    crowd.room = 0
    with pytest.raises(Exception, match="ThrottlingException"):
        connection.run(gets(20))
    assert 1 == connection.parallel_now
    crowd.room, crowd.most = 100, 0
    connection.run(gets(6))
    assert 4 >= crowd.most
    connection.run(gets(300))

    assert 16 == connection.parallel_now == crowd.most


def test_flows_of_a_connection_share_it() -> None:
    """
    Flows that run at the same time are no way around it; counting scopes neither.
    """
    crowd = Crowd(100)
    connection = connected(crowd, max_parallel=4)
    flows = [connection, connection.scope(), connection.scope()]
    threads = [threading.Thread(target=each.run, args=(gets(50),)) for each in flows]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert 150 == crowd.sent
    assert 4 == crowd.most


def test_single_calls_are_not_held_up() -> None:
    """
    The limit is one of groups: a thread of one's own sends when it wants.
    """
    crowd = Crowd(0)
    connection = connected(crowd, max_parallel=2)
    with pytest.raises(Exception, match="ThrottlingException"):
        connection.run(gets(2))
    crowd.room = 100
    assert 1 == connection.parallel_now
    assert connection._gate.enter(threading.Event())

    assert KEY == connection.call(GET)


# --- what flows say -----------------------------------------------------------------------------


def _batches(connection: Connection, kind: str) -> None:
    keys = [{"id": {"S": str(n)}} for n in range(200)]
    if kind == "read":
        connection.run(read_batches(BatchGetItem("t", keys), 60.0))
    else:
        connection.run(write_batches([Write("t", key, key) for key in keys[:50]], 60.0))


@pytest.mark.parametrize("kind", ["read", "write"])
def test_batches_that_are_left_in_part_halve_it(kind: str) -> None:
    """
    DynamoDB throttles batches so: what it could not do is left unprocessed.
    """
    rest = threading.Semaphore(2)

    def answer(request: Request) -> Reply:
        (asked,) = request.members["RequestItems"].values()
        is_cut = rest.acquire(blocking=False)
        if kind == "write":
            return good_reply({"UnprocessedItems": {"t": asked[:1]} if is_cut else {}})
        left = asked["Keys"][:50] if is_cut else []
        body: dict[str, Any] = {"Responses": {"t": []}, "UnprocessedKeys": {}}
        body["UnprocessedKeys"] = {"t": {"Keys": left}} if left else {}
        return good_reply(body)

    connection = connected(ScriptedTransport(answer), max_parallel=8)
    _batches(connection, kind)

    assert connection.parallel_now < 4


def test_batches_that_are_full_do_not() -> None:
    """
    A reply holds 16 MB: that keys are left for the next one is no sign of too many requests.
    """
    text = "x" * 390_000

    def answer(request: Request) -> Reply:
        keys = request.members["RequestItems"]["t"]["Keys"]
        items = [{**key, "text": {"S": text}} for key in keys[:42]]
        body: dict[str, Any] = {"Responses": {"t": items}, "UnprocessedKeys": {}}
        if keys[42:]:
            body["UnprocessedKeys"] = {"t": {"Keys": keys[42:]}}
        return good_reply(body)

    connection = connected(ScriptedTransport(answer), max_parallel=8)
    _batches(connection, "read")

    assert 4 <= connection.parallel_now


@pytest.mark.parametrize(
    ("code", "expected"),
    [("ThrottlingError", 2), ("ProvisionedThroughputExceeded", 2), ("TransactionConflict", 4)],
)
def test_transactions_that_are_throttled_halve_it(code: str, expected: int) -> None:
    """
    Their reasons say so; those that meet another one are no sign of too many requests.
    """
    refused = threading.Semaphore(1)
    cancelled = error_reply("TransactionCanceledException", CancellationReasons=[{"Code": code}])

    def answer(request: Request) -> Reply:
        return cancelled if refused.acquire(blocking=False) else good_reply({})

    def write() -> Flow[None]:
        yield TransactWriteItems([PutItem("t", KEY)], "token")

    def flow() -> Flow[None]:
        yield Together([write(), write()])

    connection = connected(ScriptedTransport(answer), max_parallel=8)
    connection.run(flow())

    assert expected == connection.parallel_now


def test_a_backoff_before_any_request_changes_nothing() -> None:
    """
    There was none that could have been throttled.
    """

    def waits() -> Flow[None]:
        yield Backoff(0)

    def flow() -> Flow[None]:
        yield Together([waits(), waits()])

    connection = connected(ScriptedTransport(FOUND), max_parallel=8)
    connection.run(flow())

    assert 4 == connection.parallel_now


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is nothing to test without fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_does_not_wait_for_threads_of_the_parent() -> None:
    """
    Those that were under way at the moment of the fork are not there to leave.
    """
    connection = connected(ScriptedTransport(FOUND), max_parallel=2)
    event = threading.Event()
    assert connection._gate.enter(event)
    assert connection._gate.enter(event)
    pid = os.fork()
    if not pid:
        threading.Timer(5, os._exit, (1,)).start()
        os._exit(0 if connection.run(gets(4)) == [KEY] * 4 else 2)
    _, status = os.waitpid(pid, 0)

    assert 0 == os.waitstatus_to_exitcode(status)
