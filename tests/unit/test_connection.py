"""A connection runs flows: events as they come, children in threads, nothing left behind."""

from __future__ import annotations

import gc
import logging
import os
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from dynamo_objects.connection.attempts import RetryPolicy
from dynamo_objects.connection.connection import Connection
from dynamo_objects.connection.transport import Reply
from dynamo_objects.errors import (
    AccessRefused,
    ConditionFailed,
    DynamoException,
    ThrottledError,
    TransportError,
)
from dynamo_objects.expressions.tree import Add, AttributeNotExists, Path, Update, Value
from dynamo_objects.flows.base import Backoff, Emit, Flow, Pause, Together
from dynamo_objects.flows.paging import pages_together
from dynamo_objects.operations.item import DeleteItem, GetItem, PutItem, UpdateItem
from dynamo_objects.operations.search import Scan
from tests.dictservice import DictService, error_reply, good_reply
from tests.transports import RecordingTransport, Request, ScriptedTransport, VirtualClock, connected

KEY = {"id": {"S": "k1"}}
ITEM = {**KEY, "n": {"N": "5"}}
GET = GetItem("t", KEY)
COUNT = UpdateItem("t", KEY, Update(adds=(Add(Path.of("n"), Value({"N": "1"})),)), returns="ALL_NEW")
CREATE = PutItem("t", ITEM, AttributeNotExists(Path.of("id")), key_wires=frozenset({"id"}))
TAKE = DeleteItem("t", KEY, return_old=True)
FOUND = good_reply({"Item": ITEM})


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    """Whatever a test does with flows, their threads end with them."""
    yield
    gc.collect()
    left = [thread.name for thread in threading.enumerate() if thread.name.startswith("dynamo_objects")]
    assert [] == left


def emitting(*values: Any, result: Any = None) -> Flow[Any]:
    """Return a flow that only emits."""
    for value in values:
        yield Emit(value)
    return result


def together(*flows: Flow[Any]) -> Flow[list[Any]]:
    """Return a flow that runs others."""
    results: list[Any] = yield Together(flows)
    return results


def finish(events: Any) -> tuple[list[Any], Any]:
    """Return all events and the result of a stream."""
    seen = []
    while True:
        try:
            seen.append(next(events))
        except StopIteration as stop:
            return seen, stop.value


class Gate:
    """A transport whose requests wait until the test lets them pass."""

    retries_by_itself = False

    def __init__(self, reply: Reply = FOUND) -> None:
        self.entered = threading.Semaphore(0)
        self.open = threading.Event()
        self.reply = reply
        self.most = self.running = 0
        self._lock = threading.Lock()

    def send(self, operation: str, payload: bytes, timeout_seconds: float) -> Reply:
        with self._lock:
            self.running += 1
            self.most = max(self.most, self.running)
        self.entered.release()
        self.open.wait(5)
        with self._lock:
            self.running -= 1
        return self.reply

    def close(self) -> None:
        pass


# --- one flow -------------------------------------------------------------------------------


def test_a_flow_is_told_results_errors_and_times() -> None:
    """
    Results are sent in, errors thrown in, pauses answered with the seconds since the flow began.
    """
    clock = VirtualClock()
    clock.tick(128)
    told: list[Any] = []

    def flow() -> Flow[str]:
        told.append((yield GET))
        try:
            yield GET
        except AccessRefused as error:
            told.append(error.code)
        told.append((yield Pause(2.0)))
        told.append((yield Backoff(1)))
        told.append((yield Emit("event")))
        return "result"

    connection = connected(
        ScriptedTransport(FOUND, error_reply("AccessDeniedException")), clock, base_seconds=0.25
    )
    events, result = finish(connection.stream(flow()))

    assert (["event"], "result") == (events, result)
    assert [ITEM, "AccessDeniedException", 2.0, 2.25, None] == told
    assert [2.0, 0.25] == clock.slept


def test_run_returns_the_result_and_drops_events() -> None:
    """
    Whoever wants no events runs the flow.
    """
    assert 7 == connected(ScriptedTransport(FOUND)).run(emitting(1, 2, result=7))


def test_run_hands_events_on() -> None:
    """
    What the receiver raises ends the flow, and all that runs with it, at once.
    """
    seen: list[Any] = []
    connection = connected(ScriptedTransport(FOUND))

    assert 7 == connection.run(emitting(1, 2, result=7), seen.append)
    assert [1, 2] == seen

    def refuse(event: Any) -> None:
        raise KeyError(event)

    with pytest.raises(KeyError) as caught:
        connection.run(together(emitting(*range(99)), emitting(*range(99))), refuse)
    assert not any(thread.name.startswith("dynamo_objects") for thread in threading.enumerate())
    assert caught.value.__traceback__ is not None


def test_nothing_runs_before_it_is_iterated() -> None:
    """
    A stream that nobody takes from sends nothing.
    """
    transport = ScriptedTransport(FOUND)

    events = connected(transport).stream(pages_together([Scan(table="t")]))
    events.close()

    assert [] == transport.requests


def test_an_error_that_a_flow_does_not_catch_is_raised() -> None:
    """
    It is raised as it is, and the flow is closed.
    """
    closed = []

    def flow() -> Flow[None]:
        try:
            yield GET
        finally:
            closed.append(True)

    with pytest.raises(AccessRefused):
        connected(ScriptedTransport(error_reply("AccessDeniedException"))).run(flow())
    assert [True] == closed


def test_requests_are_counted_with_their_retries() -> None:
    """
    By operation; a scope counts its own besides.
    """
    connection = connected(ScriptedTransport(error_reply("ThrottlingException"), FOUND))
    scope = connection.scope()

    scope.call(GET)
    connection.call(GET)

    assert {"GetItem": 2} == scope.requests
    assert {"GetItem": 3} == connection.requests


def test_close_closes_the_transport() -> None:
    """
    A connection owns its transport.
    """
    transport = ScriptedTransport(FOUND)

    connected(transport).close()

    assert transport.is_closed


# --- children -------------------------------------------------------------------------------


@pytest.mark.parametrize("parallel", [1, 2, 8])
def test_results_are_in_the_order_of_the_children(parallel: int) -> None:
    """
    Whatever ends first.
    """
    flows = [emitting(n, result=n * n) for n in range(20)]

    events, results = finish(
        connected(ScriptedTransport(FOUND), max_parallel=parallel).stream(together(*flows))
    )

    assert [n * n for n in range(20)] == results
    assert set(range(20)) == set(events)


def test_events_of_one_child_stay_in_order() -> None:
    """
    Those of several may mix.
    """
    flows = [emitting(*((n, m) for m in range(50))) for n in range(4)]

    events, _ = finish(connected(ScriptedTransport(FOUND)).stream(together(*flows)))

    for n in range(4):
        assert [(n, m) for m in range(50)] == [event for event in events if event[0] == n]


def test_no_children() -> None:
    """
    Nothing to do is done at once.
    """
    assert [] == connected(ScriptedTransport(FOUND)).run(together())


def test_one_child_needs_no_thread() -> None:
    """
    It runs where its parent runs, and its own children may run in threads.
    """
    names = []

    def flow() -> Flow[None]:
        names.append(threading.current_thread().name)
        yield Emit(1)

    connected(ScriptedTransport(FOUND)).run(together(flow()))

    assert [threading.current_thread().name] == names


def test_as_many_requests_as_allowed_at_the_same_time() -> None:
    """
    No more, no fewer; children of children do not multiply them.
    """
    gate = Gate()

    def get() -> Flow[Any]:
        return (yield GET)

    outer = together(*(together(*(get() for _ in range(3))) for _ in range(9)))
    connection = connected(gate, max_parallel=3)
    runner = threading.Thread(target=connection.run, args=(outer,))
    runner.start()
    for _ in range(3):
        assert gate.entered.acquire(timeout=5)
    assert not gate.entered.acquire(timeout=0.05)
    gate.open.set()
    runner.join(5)

    assert 3 == gate.most


def test_children_are_taken_as_there_is_room() -> None:
    """
    A generator of children is not exhausted before the first of them has run.
    """
    taken = []

    def children() -> Iterator[Flow[Any]]:
        for n in range(1000):
            taken.append(n)
            yield emitting(n)

    def flow() -> Flow[None]:
        yield Together(children())

    events = connected(ScriptedTransport(FOUND), max_parallel=2).stream(flow())
    next(events)
    time.sleep(0.02)
    assert len(taken) < 20
    events.close()


def test_a_slow_consumer_slows_the_flows_down() -> None:
    """
    Events wait in a short queue, not in memory.
    """
    made = []

    def endless(n: int) -> Flow[None]:
        for m in range(10_000):
            made.append(m)
            yield Emit((n, m))

    events = connected(ScriptedTransport(FOUND), max_parallel=2).stream(together(endless(0), endless(1)))
    next(events)
    time.sleep(0.05)
    assert len(made) < 20
    events.close()


# --- errors of children ---------------------------------------------------------------------


def test_when_one_child_fails_those_under_way_end_by_themselves() -> None:
    """
    Their events are delivered, no further child begins, and then the parent gets the error.
    """
    begun: list[str] = []
    failing = threading.Event()

    def fails() -> Flow[None]:
        begun.append("fails")
        yield Emit("before the error")
        failing.set()
        raise ThrottledError("code", "why")

    def goes_on() -> Flow[None]:
        begun.append("goes on")
        failing.wait(5)
        time.sleep(0.02)
        for n in range(30):
            yield Emit(n)

    caught = []

    def parent() -> Flow[str]:
        try:
            yield Together([fails(), goes_on(), emitting("late"), emitting("later")])
        except ThrottledError as error:
            caught.append(error.code)
        yield Emit("after")
        return "result"

    events, result = finish(connected(ScriptedTransport(FOUND), max_parallel=2).stream(parent()))

    assert ["code"] == caught
    assert "result" == result
    assert {"before the error", *range(30), "after"} == set(events)
    assert "after" == events[-1]
    assert {"fails", "goes on"} == set(begun)


def test_the_first_of_several_errors_is_raised() -> None:
    """
    All others have happened to flows that were under way.
    """

    def fails(n: int) -> Flow[None]:
        yield Emit(n)
        raise ThrottledError(str(n), "why")

    with pytest.raises(ThrottledError):
        connected(ScriptedTransport(FOUND)).run(together(*map(fails, range(8))))


@pytest.mark.parametrize("parallel", [1, 4])
def test_children_that_cannot_be_made(parallel: int) -> None:
    """
    An error of whoever makes the children is raised too.
    """

    def children() -> Iterator[Flow[Any]]:
        for n in range(6):
            yield emitting(n)
        raise ValueError("no more")

    def flow() -> Flow[None]:
        yield Together(children())

    with pytest.raises(ValueError, match="no more"):
        connected(ScriptedTransport(FOUND), max_parallel=parallel).run(flow())


def test_an_error_of_the_consumer_ends_everything() -> None:
    """
    What happens to events is not the flows' business: they are closed, and it goes on its way.
    """
    closed: list[int] = []

    def flow(n: int) -> Flow[None]:
        try:
            while True:
                yield Emit(n)
        finally:
            closed.append(n)

    with pytest.raises(KeyError):
        for _ in connected(ScriptedTransport(FOUND), max_parallel=3).stream(
            together(flow(1), flow(2), flow(3))
        ):
            raise KeyError("of the consumer")
    gc.collect()

    assert {1, 2, 3} == set(closed)


# --- abandoned half-way ---------------------------------------------------------------------


def test_an_iterator_that_is_left_leaves_nothing() -> None:
    """
    No thread, no flow, and no wait for more than the requests under way.
    """
    service = DictService(page_size=1)
    service.send("CreateTable", b'{"TableName":"t","KeySchema":[{"AttributeName":"id","KeyType":"HASH"}]}', 1)
    connection = connected(service)
    for n in range(100):
        connection.call(PutItem("t", {"id": {"S": str(n)}}))
    scans = [Scan(table="t", segment=n, total_segments=4) for n in range(4)]

    events = connection.stream(pages_together(scans))
    for _ in range(3):
        next(events)
    assert any(thread.name.startswith("dynamo_objects") for thread in threading.enumerate())
    del events
    gc.collect()

    assert not any(thread.name.startswith("dynamo_objects") for thread in threading.enumerate())


def test_pauses_end_when_nobody_waits() -> None:
    """
    A worker in a long backoff, of retries or of the flow, does not hold up whoever leaves.
    """
    transport = ScriptedTransport(error_reply("ThrottlingException"))
    policy = RetryPolicy(deadline_seconds=100.0, base_seconds=60.0, cap_seconds=60.0)
    connection = Connection(transport, policy, max_parallel=4, chance=lambda: 1.0)

    def get() -> Flow[Any]:
        yield Emit("begun")
        return (yield GET)

    def pauses(pause: Any) -> Flow[None]:
        yield Emit("begun")
        yield pause

    began = time.monotonic()
    events = connection.stream(together(get(), get(), pauses(Pause(60.0)), pauses(Backoff(3))))
    assert ["begun"] * 4 == [next(events) for _ in range(4)]
    events.close()

    assert time.monotonic() - began < 2


def test_requests_under_way_are_waited_for() -> None:
    """
    A request is not cut off: it ends, and its thread with it.
    """
    gate = Gate()

    def get() -> Flow[Any]:
        yield Emit("begun")
        return (yield GET)

    events = connected(gate).stream(together(get(), get()))
    assert ["begun"] * 2 == [next(events), next(events)]
    for _ in range(2):
        assert gate.entered.acquire(timeout=5)
    threading.Timer(0.05, gate.open.set).start()
    events.close()

    assert 0 == gate.running


def test_when_no_thread_can_be_started_all_runs_in_this_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Too many threads, or an interpreter that shuts down, are no reason to lose work.
    """
    allowed = [0]

    class Threads(threading.Thread):
        def start(self) -> None:
            if not allowed[0]:
                raise RuntimeError("can't start new thread")
            allowed[0] -= 1
            super().start()

    monkeypatch.setattr("dynamo_objects.connection.workers.threading.Thread", Threads)
    connection = connected(ScriptedTransport(FOUND))
    for allowed[0] in (0, 1):
        events, results = finish(connection.stream(together(*(emitting(n, result=n) for n in range(9)))))

        assert list(range(9)) == results
        assert set(range(9)) == set(events)


# --- threads of the user --------------------------------------------------------------------


def test_a_connection_serves_many_threads() -> None:
    """
    Every request is counted, every thread gets its own answer.
    """

    def echo(request: Request) -> Reply:
        return good_reply({"Item": {**request.members["Key"], "n": {"N": "1"}}})

    connection = connected(ScriptedTransport(echo))
    wrong: list[Any] = []

    def work(name: str) -> None:
        for n in range(200):
            key = {"id": {"S": f"{name}/{n}"}}
            if connection.call(GetItem("t", key)) != {**key, "n": {"N": "1"}}:
                wrong.append(key)

    threads = [threading.Thread(target=work, args=(str(n),)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [] == wrong
    assert {"GetItem": 1600} == connection.requests


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is nothing to test without fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_does_not_wait_for_locks_of_the_parent() -> None:
    """
    A thread that counts a request at the moment of the fork holds a lock that nobody frees in the child.
    """
    connection = connected(ScriptedTransport(FOUND))
    with connection._lock:
        pid = os.fork()
        if not pid:
            threading.Timer(5, os._exit, (1,)).start()
            os._exit(0 if connection.call(GET) == ITEM else 2)
    _, status = os.waitpid(pid, 0)

    assert 0 == os.waitstatus_to_exitcode(status)


# --- transports that repeat by themselves ---------------------------------------------------


def retrying(service: DictService) -> RecordingTransport:
    """Return a recording transport over a service, as of a client with retries."""
    service.retries_by_itself = True
    return RecordingTransport(service)


def table() -> DictService:
    """Return a service with one table."""
    service = DictService()
    service.send("CreateTable", b'{"TableName":"t","KeySchema":[{"AttributeName":"id","KeyType":"HASH"}]}', 1)
    return service


def test_over_a_retrying_client_unsafe_writes_are_transactions() -> None:
    """
    Wherever they come from: what must not be repeated blindly has a token there.
    """
    transport = retrying(table())
    connection = connected(transport)

    def flow() -> Flow[Any]:
        yield CREATE
        return (yield COUNT)

    counted = connection.run(flow())
    taken = connection.call(TAKE)

    assert {**KEY, "n": {"N": "6"}} == counted == taken
    assert {"TransactWriteItems", "GetItem"} == set(transport.operations)
    tokens = [r.members["ClientRequestToken"] for r in transport.requests if "Write" in r.operation]
    assert 3 == len(set(tokens))


def test_over_a_retrying_client_conditions_fail_as_ever() -> None:
    """
    ConditionFailed, with the stored item.
    """
    connection = connected(retrying(table()))
    connection.call(CREATE)

    with pytest.raises(ConditionFailed) as caught:
        connection.call(CREATE)

    assert ITEM == caught.value.item
    assert ("t", KEY) == (caught.value.table, caught.value.key)


def test_over_a_retrying_client_safe_operations_are_sent_as_they_are() -> None:
    """
    They cost no transaction.
    """
    transport = retrying(table())
    connection = connected(transport)

    connection.call(PutItem("t", ITEM))
    connection.call(GET)
    connection.call(DeleteItem("t", KEY))

    assert ["PutItem", "GetItem", "DeleteItem"] == transport.operations


# --- what is not shown ----------------------------------------------------------------------


def test_nothing_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """
    At the root logger on DEBUG, none of our loggers says anything about items.
    """
    caplog.set_level(logging.DEBUG)
    connection = connected(
        ScriptedTransport(error_reply("ThrottlingException"), TransportError("x", sent=True), good_reply({}))
    )

    connection.call(PutItem("t", {**KEY, "text": {"S": "sentinel"}}))

    assert "sentinel" not in caplog.text
    assert [] == [record for record in caplog.records if record.name.startswith("dynamo_objects")]


def test_errors_out_of_threads_are_our_own() -> None:
    """
    Their chains hold no other exceptions.
    """

    def get() -> Flow[Any]:
        return (yield GET)

    with pytest.raises(DynamoException) as caught:
        connected(ScriptedTransport(error_reply("AccessDeniedException"))).run(together(get(), get()))

    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
