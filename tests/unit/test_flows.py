"""Flows over a scripted transport or a small service: paging, batches, copying."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pytest

from dynamo_objects.codec.values import Item
from dynamo_objects.connection.transport import Reply
from dynamo_objects.errors import (
    AccessRefused,
    DynamoException,
    DynamoSchemaException,
    InvalidRequest,
    ItemCollectionTooLarge,
    ItemExists,
    OutcomeUnknown,
    TableNotFound,
    ThrottledError,
)
from dynamo_objects.expressions.tree import Compare, Value
from dynamo_objects.flows.batching import Answered, NotWritten, Written, read_batches, write_batches
from dynamo_objects.flows.copying import Copied, copy_item, copy_table
from dynamo_objects.flows.paging import pages, pages_together
from dynamo_objects.operations.batch import BatchGetItem, Write
from dynamo_objects.operations.item import GetItem, PutItem
from dynamo_objects.operations.search import Query, Scan
from dynamo_objects.operations.table import TableDescription
from tests.dictservice import POISON, error_reply, good_reply
from tests.flowing import FALSE, ID, KEY, RESET, events_of, item_of, key_of, ran, service
from tests.transports import RecordingTransport, Request, ScriptedTransport, VirtualClock, connected

# --- paging -------------------------------------------------------------------------------


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


# --- batch reads --------------------------------------------------------------------------


def answered(events: Iterable[Any]) -> tuple[dict[str, Item], list[str]]:
    """Return what was found, and the names that are absent."""
    found: dict[str, Item] = {}
    absent = []
    for event in events:
        assert isinstance(event, Answered)
        for key, item in zip(event.refs, event.items, strict=True):
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


# --- batch writes -------------------------------------------------------------------------


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
    requests = [json.loads(write.request) for write in left]
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


def test_a_batch_that_moves_is_not_given_up() -> None:
    """
    However long it takes: patience begins anew with each write that gets through.
    """
    clock, writes = VirtualClock(), puts(*range(10))
    script = [write_reply(*writes[done:]) for done in range(1, 11) for _ in range(3)]

    events, error = events_of(connected(ScriptedTransport(*script), clock), write_batches(writes, 0.2))

    assert (list(range(10)), {}) == outcome(events)
    assert error is None
    assert clock.now > 1.5


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


def test_all_parts_of_a_batch_that_fails_are_named() -> None:
    """
    Also those that were waiting while another half of it was tried.
    """
    transport = ScriptedTransport(error_reply("ValidationException"), error_reply("AccessDeniedException"))

    events, error = events_of(connected(transport), write_batches(puts(*range(4)), 10))

    written, failed = outcome(events)
    assert ([], [0, 1, 2, 3]) == (written, list(failed))
    assert isinstance(error, AccessRefused)


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


# --- copying ------------------------------------------------------------------------------


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
        engine.tables["u"].items[(str(n),)] for n in range(30)
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
