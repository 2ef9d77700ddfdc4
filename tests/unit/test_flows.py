"""Flows over a scripted transport or a small service: paging, batches, tables, saving, copying."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pytest

from dynamo_objects import DynamoRecord, HashKey, field
from dynamo_objects.codec.values import Item
from dynamo_objects.connection.connection import Connection
from dynamo_objects.connection.transport import Reply
from dynamo_objects.errors import (
    AccessRefused,
    ConditionFailed,
    ConflictError,
    DynamoException,
    DynamoSchemaException,
    InvalidRequest,
    ItemCollectionTooLarge,
    ItemExists,
    OutcomeUnknown,
    TableInUse,
    TableNotFound,
    ThrottledError,
    TransactionCancelled,
    TransportError,
)
from dynamo_objects.expressions.tree import Add, AttributeExists, Compare, Path, Set, Update, Value
from dynamo_objects.flows.base import Flow
from dynamo_objects.flows.batching import Answered, NotWritten, Written, read_batches, write_batches
from dynamo_objects.flows.copying import Copied, copy_item, copy_table
from dynamo_objects.flows.once import write_once
from dynamo_objects.flows.paging import pages, pages_together
from dynamo_objects.flows.saving import Save, plan_save, save
from dynamo_objects.flows.waiting import (
    create_table,
    delete_table,
    ensure_table,
    table_names,
    update_table,
    wait_active,
)
from dynamo_objects.operations.batch import BatchGetItem, Write
from dynamo_objects.operations.item import DeleteItem, GetItem, PutItem, UpdateItem
from dynamo_objects.operations.search import Query, Scan
from dynamo_objects.operations.table import CreateTable, TableDescription
from dynamo_objects.record import codec_of
from dynamo_objects.schema import TableSchema
from tests.dictservice import POISON, DictService, error_reply, good_reply
from tests.transports import RecordingTransport, Request, ScriptedTransport, VirtualClock, connected

DEFINITION = {"KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}]}
RESET = TransportError("connection reset", sent=True)
THROTTLED = error_reply("ThrottlingException")
FALSE = error_reply("ConditionalCheckFailedException", "The conditional request failed")
ID, N = Path.of("id"), Path.of("n")
ONE = Value({"N": "1"})


def key_of(name: Any) -> Item:
    """Return a key."""
    return {"id": {"S": str(name)}}


def item_of(name: Any, **attributes: Any) -> Item:
    """Return an item."""
    return {**key_of(name), **{name: {"S": value} for name, value in attributes.items()}}


def service(*tables: str, page_size: int = 100) -> DictService:
    """Return a service with some tables."""
    made = DictService(page_size=page_size)
    for table in tables:
        made.send("CreateTable", json.dumps({"TableName": table, **DEFINITION}).encode(), 1)
    return made


def events_of(connection: Connection, flow: Flow[Any]) -> tuple[list[Any], Any]:
    """Run a flow; return its events, and its result or error."""
    seen = []
    events = connection.stream(flow)
    while True:
        try:
            seen.append(next(events))
        except StopIteration as stop:
            return seen, stop.value
        except DynamoException as error:
            return seen, error


# --- paging ---------------------------------------------------------------------------------


def test_pages_go_on_until_there_is_no_last_key() -> None:
    """
    Empty pages do not end a scan.
    """
    script = [
        good_reply({"Items": [], "Count": 0, "ScannedCount": 5, "LastEvaluatedKey": key_of(1)}),
        good_reply({"Items": [item_of(2)], "Count": 1, "ScannedCount": 5, "LastEvaluatedKey": key_of(2)}),
        good_reply({"Items": [], "Count": 0, "ScannedCount": 0, "LastEvaluatedKey": key_of(3)}),
        good_reply({"Items": [item_of(4)], "Count": 1, "ScannedCount": 5}),
    ]
    transport = ScriptedTransport(*script)

    found, _ = events_of(connected(transport), pages(Scan(table="t")))

    assert [item_of(2), item_of(4)] == [item for page in found for item in page.items]
    starts = [request.members.get("ExclusiveStartKey") for request in transport.requests]
    assert [None, key_of(1), key_of(2), key_of(3)] == starts


def test_segments_are_read_together() -> None:
    """
    All items, each once.
    """
    engine = service("t", page_size=3)
    connection = connected(engine)
    for n in range(50):
        connection.call(PutItem("t", item_of(n)))

    scans = [Scan(table="t", segment=n, total_segments=4) for n in range(4)]
    found, _ = events_of(connection, pages_together(scans))

    ids = [item["id"]["S"] for page in found for item in page.items]
    assert sorted(map(str, range(50))) == sorted(ids)


def test_queries_keep_their_order_over_pages() -> None:
    """
    Page follows page.
    """
    connection = connected(service("t", page_size=1))
    connection.call(PutItem("t", item_of(1)))

    found, _ = events_of(
        connection, pages(Query(table="t", key_condition=Compare("=", ID, Value({"S": "1"}))))
    )

    assert [[item_of(1)]] == [page.items for page in found]


# --- batch reads ----------------------------------------------------------------------------


def answered(events: Iterable[Any]) -> tuple[dict[str, Item], list[str]]:
    """Return what was found, and the names that are absent."""
    found: dict[str, Item] = {}
    absent = []
    for event in events:
        assert isinstance(event, Answered)
        for key, item in event.found:
            assert key["id"]["S"] not in found
            found[key["id"]["S"]] = item
        absent += [key["id"]["S"] for key in event.absent]
    return found, absent


def test_any_number_of_keys_is_read_by_hundreds() -> None:
    """
    Every key is found or absent, once.
    """
    engine = RecordingTransport(service("t"))
    connection = connected(engine)
    for n in range(0, 350, 2):
        connection.call(PutItem("t", item_of(n)))

    events, _ = events_of(connection, read_batches(BatchGetItem("t", [key_of(n) for n in range(350)]), 10))

    found, absent = answered(events)
    assert {str(n): item_of(n) for n in range(0, 350, 2)} == found
    assert {str(n) for n in range(1, 350, 2)} == set(absent)
    assert 4 == engine.operations.count("BatchGetItem")


def read_reply(found: Iterable[Any], left: Iterable[Any]) -> Reply:
    """Return the reply to a BatchGetItem."""
    keys = [key_of(name) for name in left]
    unprocessed = {"t": {"Keys": keys}} if keys else {}
    return good_reply({"Responses": {"t": [item_of(name) for name in found]}, "UnprocessedKeys": unprocessed})


def test_unprocessed_keys_are_asked_again_and_never_absent() -> None:
    """
    After pauses that grow, and begin anew when something got through.
    """
    clock = VirtualClock()
    transport = ScriptedTransport(
        read_reply([], [1, 2, 3]),
        read_reply([], [1, 2, 3]),
        read_reply([], [1, 2, 3]),
        read_reply([1], [3]),
        read_reply([], [3]),
        read_reply([3], []),
    )

    events, _ = events_of(
        connected(transport, clock), read_batches(BatchGetItem("t", [key_of(n) for n in (1, 2, 3)]), 10)
    )

    assert ({"1": item_of(1), "3": item_of(3)}, ["2"]) == answered(events)
    assert [0.025, 0.05, 0.1, 0.025, 0.05] == clock.slept
    assert [3, 3, 3, 3, 1, 1] == [len(r.members["RequestItems"]["t"]["Keys"]) for r in transport.requests]


def test_reads_give_up_when_nothing_gets_through() -> None:
    """
    After their patience, with an error: keys without an answer are not absent.
    """
    clock = VirtualClock()

    events, error = events_of(
        connected(ScriptedTransport(read_reply([], [1])), clock),
        read_batches(BatchGetItem("t", [key_of(1)]), 10),
    )

    assert [] == events
    assert isinstance(error, ThrottledError)
    assert "1 keys of t were not read within 10 s" in str(error)
    assert 10 < clock.now < 16


def test_foreign_items_in_a_batch_are_asked_again() -> None:
    """
    Such a reply belongs to another request.
    """
    transport = ScriptedTransport(read_reply([7], []), read_reply([1, 1], []), read_reply([1], []))

    events, _ = events_of(connected(transport), read_batches(BatchGetItem("t", [key_of(1), key_of(2)]), 10))

    assert ({"1": item_of(1)}, ["2"]) == answered(events)
    assert 3 == len(transport.requests)


# --- batch writes ---------------------------------------------------------------------------


def puts(*names: Any, table: str = "t", **attributes: Any) -> list[Write]:
    """Return writes of items."""
    return [Write(table, key_of(name), item_of(name, **attributes), ref=name) for name in names]


def outcome(events: Iterable[Any]) -> tuple[list[Any], dict[Any, DynamoException]]:
    """Return the refs of what was written, and ref -> reason of what was not."""
    written, failed = [], {}
    for event in events:
        if isinstance(event, Written):
            written += [write.ref for write in event.writes]
        else:
            assert isinstance(event, NotWritten)
            failed[event.write.ref] = event.reason
    return written, failed


def test_any_number_of_writes_goes_by_25() -> None:
    """
    Puts and deletions, each acknowledged once.
    """
    engine = service("t")
    transport = RecordingTransport(engine)
    writes = puts(*range(60)) + [Write("t", key_of(n), ref=n) for n in range(100, 120)]

    events, result = events_of(connected(transport), write_batches(iter(writes), 10))

    assert ([write.ref for write in writes], {}) == (sorted(outcome(events)[0]), outcome(events)[1])
    assert result is None
    assert 60 == len(engine.tables["t"].items)
    assert [25, 25, 25, 5] == sorted(
        (len(r.members["RequestItems"]["t"]) for r in transport.requests), reverse=True
    )


@pytest.mark.parametrize(
    ("value", "count"),
    [
        pytest.param({"S": "\x01" * 390_000}, 30, id="control characters grow six times"),
        pytest.param({"S": "x" * 390_000}, 60, id="plain text"),
        pytest.param({"L": [{"S": ""}] * 300_000}, 30, id="empty texts grow nine times"),
        pytest.param({"S": "\u20ac" * 130_000}, 60, id="other scripts"),
        pytest.param({"B": "AAAA" * 130_000}, 60, id="binaries"),
    ],
)
def test_requests_stay_under_16_mb_on_the_wire(value: Any, count: int) -> None:
    """
    Counted in bytes of JSON, not as DynamoDB counts items.
    """
    sizes = []

    def note(request: Request) -> Reply:
        sizes.append(len(request.payload))
        return good_reply({"UnprocessedItems": {}})

    writes = [Write("t", key_of(n), {**key_of(n), "a": value}, ref=n) for n in range(count)]
    events, _ = events_of(connected(ScriptedTransport(note), max_parallel=1), write_batches(writes, 10))

    assert list(range(count)) == outcome(events)[0]
    assert max(sizes) < 16 * 1024 * 1024
    assert len(sizes) <= 2 + sum(sizes) / (12 * 1024 * 1024) + count / 25


def write_reply(*left: Write) -> Reply:
    """Return the reply to a BatchWriteItem."""
    requests = [write.request() for write in left]
    return good_reply({"UnprocessedItems": {"t": requests} if requests else {}})


def test_unprocessed_writes_are_sent_again() -> None:
    """
    After pauses that grow, and begin anew when something got through.
    """
    clock, (a, b, c) = VirtualClock(), puts("a", "b", "c")
    script = [write_reply(a, b, c)] * 3 + [write_reply(b, c), write_reply(c), write_reply(c), write_reply()]
    transport = ScriptedTransport(*script)

    events, _ = events_of(connected(transport, clock), write_batches([a, b, c], 10))

    assert (["a", "b", "c"], {}) == outcome(events)
    assert [0.025, 0.05, 0.1, 0.025, 0.025, 0.05] == clock.slept
    assert [3, 3, 3, 3, 2, 1, 1] == [len(r.members["RequestItems"]["t"]) for r in transport.requests]


def test_writes_that_never_get_through_are_named() -> None:
    """
    After their patience, which counts from the last progress.
    """
    clock, (a, b) = VirtualClock(), puts("a", "b")
    transport = ScriptedTransport(write_reply(b))

    events, error = events_of(connected(transport, clock), write_batches([a, b], 10))

    written, failed = outcome(events)
    assert (["a"], ["b"]) == (written, list(failed))
    assert isinstance(error, ThrottledError)
    assert failed["b"] is error
    assert 10 < clock.now < 16


def test_a_refused_batch_is_halved_until_the_bad_ones_are_left() -> None:
    """
    All others are written, though the service names no key.
    """
    engine = service("t")
    writes = puts(*range(40))
    bad = {3, 17, 18, 30}
    for n in bad:
        writes[n] = Write("t", key_of(n), item_of(n, **{POISON: "x"}), ref=n)

    events, result = events_of(connected(engine), write_batches(writes, 10))

    written, failed = outcome(events)
    assert set(range(40)) - bad == set(written)
    assert bad == set(failed)
    assert result is None
    assert all(isinstance(reason, InvalidRequest) for reason in failed.values())
    assert 36 == len(engine.tables["t"].items)


@pytest.mark.parametrize(
    "refusal",
    [
        Reply(413, {}, b""),
        error_reply("ItemCollectionSizeLimitExceededException"),
        error_reply("ValidationException", "Too many items"),
    ],
    ids=["413", "collection", "invalid"],
)
def test_what_refuses_single_writes(refusal: Reply) -> None:
    """
    A gateway with a smaller limit, a full item collection, a bad item: all others get through.
    """

    def judge(request: Request) -> Reply:
        return refusal if b'"7"' in request.payload else write_reply()

    events, result = events_of(connected(ScriptedTransport(judge)), write_batches(puts(*range(10)), 10))

    written, failed = outcome(events)
    assert ({*range(10)} - {7}, [7]) == (set(written), list(failed))
    assert isinstance(failed[7], InvalidRequest | ItemCollectionTooLarge)
    assert result is None


def test_halving_goes_on_with_what_was_left_unprocessed() -> None:
    """
    Acknowledged writes are not sent again, and patience is not used up by halving.
    """
    clock, writes = VirtualClock(), puts("a", "b", "c", "d")
    invalid = error_reply("ValidationException")
    script = [write_reply(*writes[1:]), invalid, write_reply(writes[1]), write_reply(), write_reply()]
    transport = ScriptedTransport(*script)

    events, _ = events_of(connected(transport, clock), write_batches(writes, 10))

    assert (["a", "b", "c", "d"], {}) == (sorted(outcome(events)[0]), outcome(events)[1])
    assert [4, 3, 1, 1, 2] == [len(r.members["RequestItems"]["t"]) for r in transport.requests]


def test_a_missing_table_does_not_stop_the_writes_of_another() -> None:
    """
    The batch is taken apart by table; then the error is raised.
    """
    engine = service("t", "v")
    writes = [*puts(1, 2), *puts(3, 4, table="u"), *puts(5, table="v")]

    events, error = events_of(connected(engine), write_batches(writes, 10))

    written, failed = outcome(events)
    assert ([1, 2, 5], [3, 4]) == (sorted(written), list(failed))
    assert isinstance(error, TableNotFound)


def test_an_error_that_is_about_all_stops_further_batches() -> None:
    """
    What was sent is named with its own reason; what was not is not mentioned.
    """

    def judge(request: Request) -> Reply:
        return error_reply("AccessDeniedException") if b'"0"' in request.payload else write_reply()

    transport = ScriptedTransport(judge)
    events, error = events_of(connected(transport, max_parallel=1), write_batches(puts(*range(100)), 10))

    written, failed = outcome(events)
    assert [] == written
    assert list(range(25)) == list(failed)
    assert isinstance(error, AccessRefused)
    assert 1 == len(transport.requests)


def test_a_lost_batch_is_unknown() -> None:
    """
    Written again until the deadline; then nobody knows.
    """
    events, error = events_of(connected(ScriptedTransport(RESET)), write_batches(puts(1, 2), 10))

    assert isinstance(error, OutcomeUnknown)
    assert [1, 2] == list(outcome(events)[1])


def test_done_but_reported_unprocessed() -> None:
    """
    The protocol allows it: written again, with the same result.
    """
    engine, (a, b) = service("t"), puts("a", "b")

    def lie(request: Request) -> Reply:
        engine.send(request.operation, request.payload, 1)
        return write_reply(a)

    def honest(request: Request) -> Reply:
        return engine.send(request.operation, request.payload, 1)

    events, _ = events_of(connected(ScriptedTransport(lie, honest)), write_batches([a, b], 10))

    assert (["b", "a"], {}) == outcome(events)
    assert 3 == engine.applied
    assert 2 == len(engine.tables["t"].items)


# --- tables ---------------------------------------------------------------------------------

CREATE = CreateTable("t", DEFINITION)


def described(status: str, **members: Any) -> Reply:
    """Return the reply to a DescribeTable."""
    return good_reply({"Table": {"TableName": "t", "TableStatus": status, **DEFINITION, **members}})


def changed(status: str) -> Reply:
    """Return the reply to CreateTable, UpdateTable and DeleteTable."""
    return good_reply({"TableDescription": {"TableName": "t", "TableStatus": status}})


GONE = error_reply("ResourceNotFoundException")
IN_USE = error_reply("ResourceInUseException")
INVALID = error_reply("ValidationException")
NO_TTL = good_reply({"TimeToLiveDescription": {"TimeToLiveStatus": "DISABLED"}})
TTL = good_reply({"TimeToLiveDescription": {"TimeToLiveStatus": "ENABLING", "AttributeName": "at"}})
TTL_SET = good_reply({"TimeToLiveSpecification": {}})


def ran(flow: Flow[Any], *script: Any) -> tuple[Any, list[str], VirtualClock]:
    """Run a flow on a script; return its result or error, what was sent, and the clock."""
    transport, clock = ScriptedTransport(*script), VirtualClock()
    return events_of(connected(transport, clock), flow)[1], transport.operations, clock


@pytest.mark.parametrize(
    ("script", "operations"),
    [
        pytest.param([described("ACTIVE")], ["DescribeTable"], id="it exists"),
        pytest.param([described("UPDATING")], ["DescribeTable"], id="an index is being made, for hours"),
        pytest.param([described("CREATING"), described("ACTIVE")], ["DescribeTable"] * 2, id="being created"),
        pytest.param(
            [GONE, changed("CREATING"), described("CREATING"), described("ACTIVE")],
            ["DescribeTable", "CreateTable", "DescribeTable", "DescribeTable"],
            id="created",
        ),
        pytest.param(
            [GONE, changed("CREATING"), GONE, GONE, described("ACTIVE")],
            ["DescribeTable", "CreateTable", *["DescribeTable"] * 3],
            id="not visible at once",
        ),
        pytest.param(
            [GONE, IN_USE, described("CREATING"), described("ACTIVE")],
            ["DescribeTable", "CreateTable", "DescribeTable", "DescribeTable"],
            id="another process was faster",
        ),
        pytest.param(
            [GONE, RESET, IN_USE, described("ACTIVE")],
            ["DescribeTable", "CreateTable", "CreateTable", "DescribeTable"],
            id="the reply was lost",
        ),
        pytest.param(
            [GONE, error_reply("LimitExceededException"), changed("CREATING"), described("ACTIVE")],
            ["DescribeTable", "CreateTable", "CreateTable", "DescribeTable"],
            id="too many at once",
        ),
        pytest.param(
            [described("DELETING"), described("DELETING"), GONE, changed("CREATING"), described("ACTIVE")],
            [*["DescribeTable"] * 3, "CreateTable", "DescribeTable"],
            id="being deleted",
        ),
    ],
)
def test_ensure_table(script: list[Any], operations: list[str]) -> None:
    """
    Lost replies and races end with a table that can be used.
    """
    found, sent, clock = ran(ensure_table(CREATE, None, 60), *script)

    assert isinstance(found, TableDescription)
    assert found.can_be_used
    assert operations == sent
    assert clock.now < 5


def test_a_table_that_is_deleted_while_it_is_ensured_is_created_again() -> None:
    """
    CreateTable meets a table that is going: it is asked again once that has gone.
    """
    creations = iter([IN_USE, changed("CREATING")])
    made: list[Reply] = []

    def judge(request: Request) -> Reply:
        if request.operation == "CreateTable":
            made.append(next(creations))
            return made[-1]
        return GONE if len(made) < 2 else described("ACTIVE")

    result, sent, clock = ran(ensure_table(CREATE, None, 60), judge)

    assert isinstance(result, TableDescription)
    assert 2 == sent.count("CreateTable")
    assert clock.now < 10


@pytest.mark.parametrize(
    ("script", "sent"),
    [
        ([NO_TTL, TTL_SET], ["DescribeTimeToLive", "UpdateTimeToLive"]),
        ([TTL], ["DescribeTimeToLive"]),
        ([NO_TTL, INVALID, TTL], ["DescribeTimeToLive", "UpdateTimeToLive", "DescribeTimeToLive"]),
    ],
    ids=["set", "set already", "set by another process meanwhile"],
)
def test_a_new_table_gets_its_time_to_live(script: list[Any], sent: list[str]) -> None:
    """
    Also when two processes do it at the same time.
    """
    result, operations, _ = ran(
        ensure_table(CREATE, "at", 60), GONE, changed("CREATING"), described("ACTIVE"), *script
    )

    assert isinstance(result, TableDescription)
    assert sent == operations[3:]


def test_a_time_to_live_that_cannot_be_set_is_an_error() -> None:
    """
    Nobody else has set it.
    """
    result, _, _ = ran(
        ensure_table(CREATE, "at", 60),
        GONE,
        changed("CREATING"),
        described("ACTIVE"),
        NO_TTL,
        INVALID,
        NO_TTL,
    )

    assert isinstance(result, InvalidRequest)


def test_create_table_by_hand() -> None:
    """
    An existing table is an error; a lost reply or a faster twin is not.
    """
    created, _, _ = ran(create_table(CREATE, 60), GONE, RESET, IN_USE, described("ACTIVE"))
    exists, sent, _ = ran(create_table(CREATE, 60), described("ACTIVE"))
    other = described("ACTIVE", KeySchema=[{"AttributeName": "x", "KeyType": "HASH"}])
    differs, _, _ = ran(create_table(CREATE, 60), GONE, IN_USE, other)
    again, _, _ = ran(
        create_table(CREATE, 60), described("DELETING"), GONE, changed("CREATING"), described("ACTIVE")
    )

    assert isinstance(created, TableDescription)
    assert isinstance(exists, TableInUse)
    assert ["DescribeTable"] == sent
    assert isinstance(differs, TableInUse)
    assert isinstance(again, TableDescription)


def test_waiting_has_an_end() -> None:
    """
    And begins when it begins, whatever the flow has done before.
    """
    error, _, clock = ran(wait_active("t", 60), described("CREATING"))
    late, _, after = ran(
        ensure_table(CREATE, None, 60),
        *[described("DELETING")] * 32,
        GONE,
        changed("CREATING"),
        *[described("CREATING")] * 25,
        described("ACTIVE"),
    )

    assert "CREATING after 60 s" in str(error)
    assert 60 < clock.now < 65
    assert isinstance(late, TableDescription)
    assert after.now > 90


def test_waiting_for_a_table_that_is_not_there() -> None:
    """
    TableNotFound at once.
    """
    assert isinstance(ran(wait_active("t", 60), GONE)[0], TableNotFound)


@pytest.mark.parametrize(
    ("script", "result"),
    [
        pytest.param([GONE], False, id="absent"),
        pytest.param(
            [described("ACTIVE"), changed("DELETING"), described("DELETING"), GONE], True, id="there"
        ),
        pytest.param([described("ACTIVE"), GONE], True, id="gone meanwhile"),
        pytest.param([described("ACTIVE"), RESET, GONE], True, id="the reply was lost"),
        pytest.param(
            [described("ACTIVE"), RESET, IN_USE, described("DELETING"), described("DELETING"), GONE],
            True,
            id="the reply was lost, it is going",
        ),
        pytest.param(
            [described("CREATING"), IN_USE, described("CREATING"), changed("DELETING"), GONE],
            True,
            id="being created",
        ),
        pytest.param([described("DELETING"), IN_USE, GONE], True, id="being deleted"),
    ],
)
def test_delete_table(script: list[Any], result: bool) -> None:
    """
    True when it was there, False when not; it is gone in any case.
    """
    assert result is ran(delete_table("t", 60), *script)[0]


def test_deleting_has_an_end() -> None:
    """
    A table that stays is an error.
    """
    stays, _, _ = ran(delete_table("t", 60), described("ACTIVE"), changed("DELETING"), described("DELETING"))
    in_use, _, _ = ran(delete_table("t", 1), *[described("UPDATING"), IN_USE] * 20)

    assert "still exists after 60 s" in str(stays)
    assert isinstance(in_use, TableInUse)


def test_table_names_of_all_pages() -> None:
    """
    A hundred on each.
    """
    engine = service(*(f"table_{n:03}" for n in range(250)))

    names = connected(engine).run(table_names())

    assert [f"table_{n:03}" for n in range(250)] == names


UNITS = {"ProvisionedThroughput": {"ReadCapacityUnits": 3, "WriteCapacityUnits": 4}}
WANTED = {"ProvisionedThroughput": {"ReadCapacityUnits": 10, "WriteCapacityUnits": 4}}


@pytest.mark.parametrize(
    ("script", "result", "updates"),
    [
        pytest.param(
            [described("ACTIVE", **UNITS), changed("UPDATING"), described("ACTIVE", **WANTED)],
            True,
            1,
            id="changed",
        ),
        pytest.param([described("ACTIVE", **WANTED)], False, 0, id="as asked already"),
        pytest.param([described("ACTIVE")], False, 0, id="on demand"),
        pytest.param(
            [
                described("ACTIVE", **UNITS),
                RESET,
                IN_USE,
                described("UPDATING", **UNITS),
                described("ACTIVE", **WANTED),
            ],
            True,
            2,
            id="the reply was lost",
        ),
        pytest.param(
            [described("ACTIVE", **UNITS), RESET, INVALID, described("ACTIVE", **WANTED)],
            True,
            2,
            id="the reply was lost, it was quick",
        ),
        pytest.param(
            [
                described("ACTIVE", **UNITS),
                IN_USE,
                described("ACTIVE", **UNITS),
                changed("UPDATING"),
                described("ACTIVE", **WANTED),
            ],
            True,
            2,
            id="another process changes it too",
        ),
    ],
)
def test_update_table(script: list[Any], result: bool, updates: int) -> None:
    """
    What differs is changed; lost replies and races end well.
    """
    throughputs = {"table": {"read": 10, "write": 4}}

    changed_, sent, _ = ran(update_table("t", throughputs, wait=True, patience_seconds=60), *script)

    assert result is changed_
    assert updates == sent.count("UpdateTable")


def test_update_table_raises_what_is_wrong() -> None:
    """
    An unknown index, or units that the service refuses.
    """
    wanted = {"table": {"read": 10, "write": 4}}
    index, _, _ = ran(
        update_table("t", {"by_x": {"read": 1, "write": 1}}, wait=True, patience_seconds=60),
        described("ACTIVE", **UNITS),
    )
    refused, _, _ = ran(
        update_table("t", wanted, wait=True, patience_seconds=60),
        described("ACTIVE", **UNITS),
        INVALID,
        described("ACTIVE", **UNITS),
    )
    busy, _, _ = ran(
        update_table("t", wanted, wait=True, patience_seconds=1), *[described("ACTIVE", **UNITS), IN_USE] * 20
    )

    assert "no index 'by_x'" in str(index)
    assert isinstance(refused, InvalidRequest)
    assert isinstance(busy, TableInUse)


# --- exactly once ---------------------------------------------------------------------------

KEY = key_of("k1")
COUNT = UpdateItem("t", KEY, Update(adds=(Add(N, ONE),)), returns="ALL_NEW")
TAKE = DeleteItem("t", KEY, return_old=True)
COUNTED = {**KEY, "n": {"N": "1"}}


def cancelled(code: str, **members: Any) -> Reply:
    """Return a reply that cancels a transaction of one action."""
    reasons = [{"Code": code, "Message": "why", **members}]
    return error_reply("TransactionCanceledException", CancellationReasons=reasons)


def test_a_counter_counts_once_whatever_is_lost() -> None:
    """
    The token goes with every attempt; the new value is read afterwards.
    """
    engine = service("t")
    lost = iter([True, True, False])

    def flaky(request: Request) -> Reply:
        reply = engine.send(request.operation, request.payload, 1)
        if request.operation == "TransactWriteItems" and next(lost):
            raise TransportError("reset", sent=True)
        return reply

    transport = ScriptedTransport(flaky)
    result = connected(transport).run(write_once(COUNT, "token"))

    assert COUNTED == result
    assert 1 == engine.applied
    assert ["TransactWriteItems"] * 3 + ["GetItem"] == transport.operations


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("ConditionalCheckFailed", ConditionFailed),
        ("ValidationError", InvalidRequest),
        ("ItemCollectionSizeLimitExceeded", ItemCollectionTooLarge),
        ("SomethingNew", TransactionCancelled),
    ],
)
def test_what_cancels_it_is_about_the_write(code: str, kind: type) -> None:
    """
    The only action's reason becomes the error that the write itself would have had.
    """
    error, sent, _ = ran(write_once(COUNT, "token"), cancelled(code, Item=COUNTED))

    assert isinstance(error, kind)
    assert ["TransactWriteItems"] == sent
    if isinstance(error, ConditionFailed):
        assert (COUNTED, "t", KEY) == (error.item, error.table, error.key)


def test_a_counted_value_that_cannot_be_read_is_not_a_failed_count() -> None:
    """
    The error says that it was carried out, so that nobody repeats it.
    """
    unread, _, _ = ran(write_once(COUNT, "token"), good_reply({}), error_reply("AccessDeniedException"))
    deleted, _, _ = ran(write_once(COUNT, "token"), good_reply({}), good_reply({}))

    assert "was carried out" in str(unread)
    assert "do not repeat" in str(unread)
    assert isinstance(unread.__cause__, AccessRefused)
    assert "was carried out" in str(deleted)


def test_a_deletion_returns_what_it_deleted() -> None:
    """
    Of two that delete the same item, one gets it.
    """
    engine = service("t")
    connection = connected(engine)
    connection.call(PutItem("t", COUNTED))

    assert COUNTED == connection.run(write_once(TAKE, "one"))
    assert connection.run(write_once(TAKE, "two")) is None
    absent, sent, _ = ran(write_once(TAKE, "token"), good_reply({}))
    assert absent is None
    assert ["GetItem"] == sent
    raced, _, _ = ran(
        write_once(TAKE, "token"), good_reply({"Item": COUNTED}), cancelled("ConditionalCheckFailed")
    )
    assert raced is None


def test_of_two_deletions_at_the_same_time_one_gets_the_item() -> None:
    """
    The other finds nothing, though it had read the item.
    """
    engine = service("t")
    connected(engine).call(PutItem("t", COUNTED))

    def overtaken(request: Request) -> Reply:
        if request.operation == "TransactWriteItems":
            assert COUNTED == connected(engine).run(write_once(TAKE, "the other's"))
        return engine.send(request.operation, request.payload, 1)

    assert connected(ScriptedTransport(overtaken)).run(write_once(TAKE, "mine")) is None


def test_a_deletion_with_a_condition() -> None:
    """
    It holds or not for what is stored, also for nothing.
    """
    is_one = Compare("=", N, ONE)
    take = DeleteItem("t", KEY, is_one, return_old=True)
    two = {**KEY, "n": {"N": "2"}}

    absent, _, _ = ran(write_once(take, "token"), good_reply({}))
    false, _, _ = ran(
        write_once(take, "token"), good_reply({"Item": two}), cancelled("ConditionalCheckFailed", Item=two)
    )
    done, _, _ = ran(write_once(take, "token"), good_reply({"Item": COUNTED}), good_reply({}))

    assert isinstance(absent, ConditionFailed)
    assert isinstance(false, ConditionFailed)
    assert two == false.item
    assert COUNTED == done


def test_a_put_that_asks_for_the_old_item() -> None:
    """
    It is put on condition that the item is still there, or still not.
    """
    put = PutItem("t", COUNTED, return_old=True, key_wires=frozenset({"id"}))
    connection = connected(service("t"))

    assert connection.run(write_once(put, "one")) is None
    assert COUNTED == connection.run(write_once(put, "two"))
    raced, _, _ = ran(write_once(put, "x"), good_reply({}), cancelled("ConditionalCheckFailed", Item=COUNTED))
    assert isinstance(raced, ConditionFailed)


def test_an_update_that_asks_for_old_values() -> None:
    """
    They are read before.
    """
    update = UpdateItem("t", KEY, Update(sets=(Set(N, Value({"N": "5"})),)), returns="ALL_OLD")
    connection = connected(service("t"))
    connection.call(PutItem("t", COUNTED))

    assert COUNTED == connection.run(write_once(update, "token"))
    assert {**KEY, "n": {"N": "5"}} == connection.call(GetItem("t", KEY))


def test_a_write_that_asks_for_nothing_reads_nothing() -> None:
    """
    One transaction, and that is it.
    """
    _, sent, _ = ran(write_once(DeleteItem("t", KEY), "token"), good_reply({}))

    assert ["TransactWriteItems"] == sent


# --- saving ---------------------------------------------------------------------------------


class Thing(DynamoRecord):
    """A record."""

    id: str = ""
    name: str = ""
    size: int = 0


class Versioned(DynamoRecord):
    """A record with a version."""

    id: str = ""
    name: str = ""
    version: int = field(default=0, version=True)


def schema(record_class: type[DynamoRecord] = Thing) -> TableSchema:
    """Return the schema of a table of records."""
    return TableSchema.build("things", codec_of(record_class), [HashKey("id")])


def planned(record: Any, **options: Any) -> Save:
    """Return a planned save."""
    plan = plan_save(schema(type(record)), "t", record, **options)
    assert plan is not None
    return plan


def loaded(item: Item, record_class: type[DynamoRecord] = Thing) -> Any:
    """Return a record as loaded."""
    return codec_of(record_class).decode(item)


STORED = {"id": {"S": "k1"}, "name": {"S": "old"}, "size": {"N": "5"}}


def test_a_new_record_must_not_exist() -> None:
    """
    ItemExists carries what is stored.
    """
    error, _, _ = ran(
        save(planned(Thing(id="k1", name="new"))), error_reply("ConditionalCheckFailedException", Item=STORED)
    )

    assert isinstance(error, ItemExists)
    assert ("old", "new", None) == (error.theirs.name, error.mine.name, error.base)
    assert "k1" in str(error)
    assert "old" not in str(error)


def test_a_conflict_names_the_fields_that_differ() -> None:
    """
    Mine, theirs, and what I had loaded.
    """
    record = loaded(STORED)
    record.name = "mine"
    theirs = {**STORED, "name": {"S": "theirs"}}

    error, sent, _ = ran(save(planned(record)), error_reply("ConditionalCheckFailedException", Item=theirs))

    assert type(error) is ConflictError
    assert ("mine", "theirs", "old") == (error.mine.name, error.theirs.name, error.base.name)
    assert ("name",) == error.fields
    assert ["UpdateItem"] == sent


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (good_reply({}), "was deleted"),
        (good_reply({"Item": {**STORED, "name": {"S": "x"}}}), "was changed by somebody else"),
        (good_reply({"Item": STORED}), "was changed by somebody else"),
        (error_reply("AccessDeniedException"), "was changed or deleted"),
    ],
    ids=["deleted", "changed", "changed and back again", "cannot be read"],
)
def test_a_conflict_where_the_service_does_not_send_the_item(reply: Reply, words: str) -> None:
    """
    It is read; that this fails, or that the item is as before again, changes nothing.
    """
    record = loaded(STORED)
    record.name = "mine"

    error, sent, _ = ran(save(planned(record)), FALSE, reply)

    assert type(error) is ConflictError
    assert words in str(error)
    assert ["UpdateItem", "GetItem"] == sent


def test_a_condition_of_the_caller_is_no_conflict() -> None:
    """
    ConditionFailed where the guard holds, ConflictError where not.
    """
    record = loaded(STORED)
    record.name = "mine"
    plan = planned(record, condition=Compare("=", Path.of("size"), ONE))

    condition, _, _ = ran(save(plan), error_reply("ConditionalCheckFailedException", Item=STORED))
    changed_ = {**STORED, "name": {"S": "x"}}
    conflict, _, _ = ran(save(plan), error_reply("ConditionalCheckFailedException", Item=changed_))
    overwrite, _, _ = ran(
        save(planned(Thing(id="k1"), overwrite=True, condition=AttributeExists(N))),
        error_reply("ConditionalCheckFailedException", Item=STORED),
    )

    assert type(condition) is ConditionFailed
    assert STORED == condition.item
    assert type(conflict) is ConflictError
    assert type(overwrite) is ConditionFailed


def test_a_lost_save_leaves_the_record_as_it_was() -> None:
    """
    OutcomeUnknown, and the record is not taken for saved.
    """
    record = loaded(STORED)
    record.name = "mine"

    error, _, _ = ran(save(planned(record)), RESET, FALSE)

    assert isinstance(error, OutcomeUnknown)
    assert STORED == record._item
    assert plan_save(schema(), "t", record) is not None


def test_versions_go_up_when_saved_and_only_then() -> None:
    """
    A record whose save failed keeps its version.
    """
    record = loaded({"id": {"S": "k1"}, "name": {"S": "old"}, "version": {"N": "3"}}, Versioned)
    record.name = "mine"

    error, _, _ = ran(save(planned(record)), RESET, FALSE)
    before = record.version
    saved, _, _ = ran(save(planned(record)), good_reply({}))

    assert isinstance(error, OutcomeUnknown)
    assert 3 == before
    assert 4 == saved.version
    assert {"N": "4"} == record._item["version"]


def test_plans_show_no_values() -> None:
    """
    Neither what is saved, nor what was loaded.
    """
    record = loaded({**STORED, "name": {"S": "sentinel-1"}})
    record.name = "sentinel-2"

    assert "sentinel" not in repr(planned(record))


# --- copying --------------------------------------------------------------------------------


def target(name: str = "u") -> TableDescription:
    """Return the description of a table to copy to."""
    return TableDescription(name, "ACTIVE", (("id", "HASH"),), {"id": "S"}, 0, 0, {})


def test_copying_a_table() -> None:
    """
    All items of all pages, each reported.
    """
    engine = service("t", "u", page_size=7)
    connection = connected(engine)
    for n in range(30):
        connection.call(PutItem("t", item_of(n)))

    flow = copy_table("t", target(), update=False, transform=lambda item: {**item, "new": {"S": "x"}})
    events, count = events_of(connection, flow)

    assert 30 == count
    assert 30 == sum(isinstance(event, Copied) for event in events)
    assert [item_of(n, new="x") for n in range(30)] == [
        engine.tables["u"].items[(("id", "S", str(n)),)] for n in range(30)
    ]


def test_copying_onto_an_item_that_exists() -> None:
    """
    ItemExists, or a merge with update=True.
    """
    engine = service("u")
    connection = connected(engine)
    connection.call(PutItem("u", item_of("k1", old="o", both="o")))

    with pytest.raises(ItemExists) as caught:
        connection.run(copy_item(target(), item_of("k1", both="n", new="n"), update=False))
    connection.run(copy_item(target(), item_of("k1", both="n", new="n"), update=True))

    assert KEY == caught.value.key
    assert item_of("k1", old="o", both="n", new="n") == connection.call(GetItem("u", KEY))


def test_merging_an_item_with_many_attributes() -> None:
    """
    In several updates, since an expression has 4 KB at most; one with keys only is created.
    """
    engine = RecordingTransport(service("u"))
    connection = connected(engine)
    many = item_of("k1", **{f"attribute_{n}": str(n) for n in range(450)})

    connection.run(copy_item(target(), many, update=True))
    connection.run(copy_item(target(), key_of("k2"), update=True))

    assert many == connection.call(GetItem("u", KEY))
    assert key_of("k2") == connection.call(GetItem("u", key_of("k2")))
    assert 4 == engine.operations.count("UpdateItem")


def test_a_lost_copy_is_unknown() -> None:
    """
    It is not taken for an item that existed before.
    """
    error, _, _ = ran(copy_item(target(), item_of("k1"), update=False), RESET, FALSE)

    assert isinstance(error, OutcomeUnknown)


def test_an_item_without_the_keys_of_the_target() -> None:
    """
    The error names the key.
    """
    error, sent, _ = ran(copy_item(target(), {"x": {"S": "1"}}, update=False), good_reply({}))

    assert isinstance(error, DynamoSchemaException)
    assert "no id, which is a key of u" in str(error)
    assert [] == sent
