"""Every flow under a sync and an async driver: the same requests, events, results and pauses."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from dynamo_objects import DynamoRecord, HashKey
from dynamo_objects.codec.values import Item
from dynamo_objects.connection.attempts import RetryPolicy
from dynamo_objects.connection.transport import Reply
from dynamo_objects.errors import ConflictError, DynamoException, TransportError
from dynamo_objects.expressions.tree import Add, AttributeNotExists, Compare, Path, Update, Value
from dynamo_objects.flows import (
    batching,
    copying,
    deciding,
    flushing,
    once,
    paging,
    planning,
    removing,
    resolving,
    saving,
    waiting,
)
from dynamo_objects.flows.base import Backoff, Emit, Flow, Pause, Together
from dynamo_objects.operations.batch import BatchGetItem, Write
from dynamo_objects.operations.item import DeleteItem, GetItem, PutItem, UpdateItem
from dynamo_objects.operations.search import Query, Scan
from dynamo_objects.operations.table import CreateTable, TableDescription
from dynamo_objects.record import codec_of
from dynamo_objects.schema import TableSchema
from tests.async_driver import AsyncConnection, AsyncOver
from tests.dictservice import POISON, DictService, error_reply, good_reply
from tests.transports import (
    FaultTransport,
    RecordingTransport,
    Request,
    ScriptedTransport,
    VirtualClock,
    connected,
)

DEFINITION = {"KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}]}
ID = Path.of("id")


def item_of(name: Any, **attributes: Any) -> Item:
    """Return an item."""
    item: Item = {"id": {"S": f"key-{name}"}}
    return {**item, **attributes}


def service() -> DictService:
    """Return a service with two tables, one of them with items."""
    made = DictService(page_size=7)
    for table in ("t", "u"):
        made.send("CreateTable", json.dumps({"TableName": table, **DEFINITION}).encode(), 1)
    for n in range(60):
        made.send("PutItem", json.dumps({"TableName": "t", "Item": item_of(n, n={"N": "1"})}).encode(), 1)
    return made


class Partial:
    """Leaves some of every batch unprocessed, by its content."""

    retries_by_itself = False

    def __init__(self, inner: DictService) -> None:
        self._inner = inner
        self._seen: Counter[str] = Counter()

    def send(self, operation: str, payload: bytes, timeout_seconds: float) -> Reply:
        if operation not in ("BatchGetItem", "BatchWriteItem"):
            return self._inner.send(operation, payload, timeout_seconds)
        is_read = operation == "BatchGetItem"
        done: dict[str, Any] = {}
        left: dict[str, Any] = {}
        for table, asked in json.loads(payload)["RequestItems"].items():
            for n, request in enumerate(asked["Keys"] if is_read else asked):
                name = json.dumps([table, request])
                self._seen[name] += 1
                place = left if n % 3 == 1 and self._seen[name] < 3 else done
                place.setdefault(table, []).append(request)
        reply = self._inner.send(operation, json.dumps({"RequestItems": _asked(done, is_read)}).encode(), 1)
        if reply.status != 200:
            return reply
        member = "UnprocessedKeys" if is_read else "UnprocessedItems"
        return good_reply({**json.loads(reply.body), member: _asked(left, is_read)})

    def close(self) -> None:
        pass


def _asked(requests: dict[str, Any], is_read: bool) -> dict[str, Any]:
    return {table: {"Keys": some} if is_read else some for table, some in requests.items()}


class Thing(DynamoRecord):
    """A record."""

    id: str = ""
    name: str = ""


SCHEMA = TableSchema.build("things", codec_of(Thing), [HashKey("id")])


def plan(record: Thing) -> planning.Save:
    """Return a planned save."""
    planned = planning.plan_save(SCHEMA, "t", record)
    assert planned is not None
    return planned


def writes(*, poison: int | None = None) -> list[Write]:
    """Return writes for several batches."""
    made = [Write("u", {"id": {"S": f"key-{n}"}}, item_of(n, a={"S": "x"})) for n in range(70)]
    if poison is not None:
        bad = item_of(poison, **{POISON: {"S": "x"}})
        made[poison] = Write("u", {"id": bad["id"]}, bad)
    return [*made, *(Write("t", {"id": {"S": f"key-{n}"}}) for n in range(30))][
        : 70 if poison is not None else 100
    ]


def loaded() -> Thing:
    """Return a changed record that was loaded with other values than are stored."""
    record: Thing = codec_of(Thing).decode({"id": {"S": "key-47"}, "name": {"S": "old"}})
    record.name = "new"
    return record


TARGET = TableDescription("u", "ACTIVE", (("id", "HASH"),), {"id": "S"}, 0, 0, {})
COUNT = UpdateItem(
    "t", {"id": {"S": "key-1"}}, Update(adds=(Add(Path.of("n"), Value({"N": "1"})),)), returns="ALL_NEW"
)
TAKE = DeleteItem("t", {"id": {"S": "key-1"}}, return_old=True)
CREATE = CreateTable("w", DEFINITION)
WANTED = {"table": {"read": 5, "write": 5}}
KEYS = [{"id": {"S": f"key-{n}"}} for n in range(0, 250, 2)]


def everything() -> Flow[list[Any]]:
    """Return a flow that yields each command, in children of children too."""

    def child(n: int) -> Flow[int]:
        yield Emit(("begun", n))
        elapsed: float = yield Pause(0.5)
        assert elapsed > 0.4
        yield Backoff(n)
        found: Item | None = yield GetItem("t", {"id": {"S": f"key-{n}"}})
        results: list[int] = yield Together([inner(n), inner(n + 100)])
        yield Emit(("found", n, found, results))
        return n

    def inner(n: int) -> Flow[int]:
        try:
            yield PutItem("t", item_of(n), AttributeNotExists(ID))
        except DynamoException as error:
            yield Emit(("refused", n, type(error).__name__))
        return n

    numbers: list[int] = yield Together(child(n) for n in range(9))
    return numbers


def guarded() -> list[flushing.Guarded]:
    """Return conditional writes: some are refused."""
    saves = [plan(Thing(id=f"key-{n}")) for n in (45, 100, 101)]
    must = AttributeNotExists(Path.of("n"))
    removals = [
        flushing.Removal(SCHEMA, f"key-{n}", DeleteItem("t", {"id": {"S": f"key-{n}"}}, must), item_of(n))
        for n in (46, 200)
    ]
    plans: list[Any] = [*saves, plan(loaded()), *removals]
    return [flushing.Guarded(each, None) for each in plans]


def case(on_conflict: Any) -> deciding.Case:
    """Return a save that meets what is stored, and what is to happen then."""
    return deciding.Case.of(plan(loaded()), on_conflict)


def resolving_flush() -> Flow[None]:
    """Return a flush whose conflicts are resolved: saves and deletions, by words and a function."""
    removal = removing.plan_removal(SCHEMA, "t", "key-46", item_of(46))
    ways: list[Any] = [case("mine"), case(lambda base, mine, theirs: None), deciding.Case.of(removal, "mine")]
    return flushing.write_in_turn([flushing.Guarded(each.plan, None, each) for each in ways], 60)


def resolving_by_hand() -> Flow[Any]:
    """Return a conflict that is met, and then resolved."""
    given = case("mine")
    try:
        yield from saving.save(given.plan)  # type: ignore[arg-type]
    except ConflictError as error:
        conflict = error
    else:
        return None
    try:
        return (yield from resolving.resolve(given, conflict)).item
    except resolving.Undecided as undecided:
        raise undecided.reason from None


FLOWS: dict[str, Callable[[], Flow[Any]]] = {
    "all commands": everything,
    "pages": lambda: paging.pages(Scan(table="t")),
    "a query": lambda: paging.pages(Query(table="t", key_condition=Compare("=", ID, Value({"S": "key-1"})))),
    "pages together": lambda: paging.pages_together(
        [Scan(table="t", segment=n, total_segments=5) for n in range(5)]
    ),
    "read batches": lambda: batching.read_batches(BatchGetItem("t", KEYS), 60),
    "write batches": lambda: batching.write_batches(iter(writes()), 60),
    "write batches, halved": lambda: batching.write_batches(iter(writes(poison=33)), 60),
    "describe": lambda: waiting.describe("nothing"),
    "ensure a table": lambda: waiting.ensure_table(CREATE, "ttl", 60),
    "create a table": lambda: waiting.create_table(CREATE, 60),
    "create a table that exists": lambda: waiting.create_table(CreateTable("t", DEFINITION), 60),
    "wait for a table": lambda: waiting.wait_active("t", 60),
    "wait for no table": lambda: waiting.wait_active("nothing", 60),
    "delete a table": lambda: waiting.delete_table("u", 60),
    "table names": waiting.table_names,
    "update a table": lambda: waiting.update_table("t", WANTED, wait=True, patience_seconds=60),
    "copy a table": lambda: copying.copy_table("t", TARGET, update=False, transform=lambda item: item),
    "merge a table": lambda: copying.copy_table("t", TARGET, update=True, transform=lambda item: item),
    "copy an item": lambda: copying.copy_item(TARGET, item_of(1), update=False),
    "save": lambda: saving.save(plan(Thing(id="key-new"))),
    "save what exists": lambda: saving.save(plan(Thing(id="key-1"))),
    "save a conflict": lambda: saving.save(plan(loaded())),
    "save once": lambda: saving.save(plan(Thing(id="key-new")), "token"),
    "save and merge": lambda: resolving.save_resolving(case("merge")),
    "save mine once": lambda: resolving.save_resolving(case("mine"), "token"),
    "resolve": resolving_by_hand,
    "flush and resolve": resolving_flush,
    "write": lambda: saving.write(TAKE, None),
    "count once": lambda: once.write_once(COUNT, "token"),
    "delete once": lambda: once.write_once(TAKE, "token"),
    "flush together": lambda: flushing.write_together(writes(), guarded(), 60),
    "flush in turn": lambda: flushing.write_in_turn([*writes()[:5], *guarded()], 60),
    "flush and note": lambda: flushing.noted(
        flushing.write_together(writes(), guarded(), 60), lambda event: None
    ),
}


def shown(outcome: Any) -> str:
    """Return what to compare of a result, an error or an event."""
    if isinstance(outcome, Exception):
        return f"{type(outcome).__name__}: {outcome}"
    return repr(outcome)


class Run:
    """One run of a flow: what was sent, what came out, how long it slept."""

    def __init__(self, transport: Any, clock: VirtualClock) -> None:
        self.recording = RecordingTransport(transport)
        self.clock = clock
        self.events: list[str] = []
        self.outcome = ""

    def sync(self, flow: Flow[Any], parallel: int) -> Run:
        """Run it with the connection."""
        connection = connected(self.recording, self.clock, max_parallel=parallel)
        events = connection.stream(flow)
        try:
            while True:
                self.events.append(shown(next(events)))
        except StopIteration as stop:
            self.outcome = shown(stop.value)
        except DynamoException as error:
            self.outcome = shown(error)
        return self

    def by_tasks(self, flow: Flow[Any], parallel: int) -> Run:
        """Run it with the async driver."""

        async def sleep(seconds: float) -> None:
            await asyncio.sleep(0)
            self.clock.sleep(seconds)

        connection = AsyncConnection(
            AsyncOver(self.recording),
            RetryPolicy(),
            max_parallel=parallel,
            clock=self.clock,
            sleep=sleep,
            chance=lambda: 0.5,
        )
        try:
            result = asyncio.run(connection.run(flow, lambda event: self.events.append(shown(event))))
        except DynamoException as error:
            self.outcome = shown(error)
        else:
            self.outcome = shown(result)
        return self

    @property
    def requests(self) -> list[Request]:
        """Return what was sent."""
        return self.recording.requests


def runs(make: Callable[[VirtualClock], Any]) -> Iterator[Run]:
    """Yield two runs that begin alike."""
    for _ in range(2):
        clock = VirtualClock()
        yield Run(make(clock), clock)


@pytest.mark.parametrize("name", FLOWS)
def test_one_after_another_the_drivers_do_the_same(name: str) -> None:
    """
    Without parallelism requests, events and pauses are the same, in the same order.
    """
    sync, by_tasks = runs(lambda clock: Partial(service()))

    sync.sync(FLOWS[name](), 1)
    by_tasks.by_tasks(FLOWS[name](), 1)

    assert sync.requests == by_tasks.requests
    assert sync.events == by_tasks.events
    assert sync.outcome == by_tasks.outcome
    assert sync.clock.slept == by_tasks.clock.slept
    assert [] != sync.requests


@pytest.mark.parametrize("name", FLOWS)
def test_in_parallel_the_drivers_do_the_same(name: str) -> None:
    """
    With parallelism they are the same, in whatever order.
    """
    sync, by_tasks = runs(lambda clock: Partial(service()))

    sync.sync(FLOWS[name](), 4)
    by_tasks.by_tasks(FLOWS[name](), 4)

    assert Counter(sync.requests) == Counter(by_tasks.requests)
    assert Counter(sync.events) == Counter(by_tasks.events)
    assert sync.outcome == by_tasks.outcome


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("name", FLOWS)
def test_with_faults_the_drivers_do_the_same(name: str, seed: int) -> None:
    """
    Retries, lost replies and final errors too.
    """

    def make(clock: VirtualClock) -> FaultTransport:
        return FaultTransport(service(), seed=seed, rate=0.5, clock=clock)

    sync, by_tasks = runs(make)

    sync.sync(FLOWS[name](), 1)
    by_tasks.by_tasks(FLOWS[name](), 1)

    assert sync.requests == by_tasks.requests
    assert sync.events == by_tasks.events
    assert sync.outcome == by_tasks.outcome
    assert sync.clock.slept == by_tasks.clock.slept


#: Flows that are part of others, and are run with them.
PARTS = {"explain", "explain_removal", "resolve"}


def test_every_flow_is_run_here() -> None:
    """
    A new flow has its row above.
    """
    flows = {
        name
        for module in (batching, copying, flushing, once, paging, removing, resolving, saving, waiting)
        for name in module.__all__
        if str(getattr(getattr(module, name), "__annotations__", {}).get("return", "")).startswith("Flow[")
    }
    run = {name for make in FLOWS.values() for name in (*make.__code__.co_names, make.__name__)}

    assert set() == flows - run - PARTS


def test_over_a_retrying_client_the_async_driver_uses_transactions_too() -> None:
    """
    That rule is the core's, not a driver's.
    """
    engine = service()
    engine.retries_by_itself = True
    run = Run(engine, VirtualClock())

    run.by_tasks(saving.write(COUNT, None), 1)

    assert ["TransactWriteItems", "GetItem"] == run.recording.operations


def test_children_under_way_end_by_themselves_in_tasks_too() -> None:
    """
    When one fails, the others' events are still handed on, and no further one begins.
    """

    def fails() -> Flow[None]:
        yield GetItem("t", {"id": {"S": "x"}})

    def goes_on() -> Flow[None]:
        for n in range(20):
            yield Pause(0.1)
            yield Emit(n)

    def late() -> Flow[None]:
        yield Emit("late")

    def flow() -> Flow[None]:
        yield Together([fails(), goes_on(), late()])

    run = Run(ScriptedTransport(error_reply("AccessDeniedException")), VirtualClock())
    run.by_tasks(flow(), 2)

    assert [str(n) for n in range(20)] == run.events
    assert run.outcome.startswith("AccessRefused")


def test_lost_replies_are_unknown_in_tasks_too() -> None:
    """
    The same core decides.
    """
    run = Run(ScriptedTransport(TransportError("reset", sent=True)), VirtualClock())

    run.by_tasks(saving.write(COUNT, None), 1)

    assert run.outcome.startswith("OutcomeUnknown")
