"""BatchGetItem and BatchWriteItem of the embedded engine."""

from __future__ import annotations

from typing import Any

import pytest

from dynamo_objects.local.engine import Options
from dynamo_objects.local.faults import Faults
from dynamo_objects.local.opening import open_engine
from tests.localmodel_service import Service, plain, wired


@pytest.fixture
def service() -> Service:
    return Service()


def put(item: dict[str, Any]) -> dict[str, Any]:
    """Return a put of a batch."""
    return {"PutRequest": {"Item": wired(item)}}


def delete(**key: Any) -> dict[str, Any]:
    """Return a delete of a batch."""
    return {"DeleteRequest": {"Key": wired(key)}}


def test_puts_and_deletes_of_several_tables(service):
    """
    Each write is carried out, and nothing is left unprocessed.
    """
    service.put("plain", {"h": "old"})
    asked = {
        "plain": [put({"h": "new", "x": 1}), delete(h="old"), delete(h="never")],
        "ranged": [put({"h": "a", "r": 1})],
    }
    reply = service.call("BatchWriteItem", RequestItems=asked)

    assert {"UnprocessedItems": {}} == reply
    assert [plain(wired({"h": "new", "x": 1}))] == service.all_of("plain")
    assert 1 == len(service.all_of("ranged"))


def test_keys_are_read_and_absent_ones_left_out(service):
    """
    The reply has a list for each table, also when nothing was found in it.
    """
    service.put("ranged", {"h": "a", "r": 1, "x": 1, "y": 2})
    keys = [wired({"h": "a", "r": 1}), wired({"h": "a", "r": 2})]
    asked = {"ranged": {"Keys": keys, "ProjectionExpression": "x"}, "plain": {"Keys": [wired({"h": "a"})]}}
    reply = service.call("BatchGetItem", RequestItems=asked)

    assert {"ranged": [wired({"x": 1})], "plain": []} == reply["Responses"]
    assert {} == reply["UnprocessedKeys"]


@pytest.mark.parametrize(
    "writes",
    [
        [put({"h": "a"}), delete(h="a")], [put({"h": "a"}), put({"h": "a"})], [put({"h": str(number)}) for number in range(26)],
        [put({"h": "ok"}), put({"x": "no key"})], [put({"h": "ok"}), put({"h": ""})], [put({"h": "ok"}), put({"h": "a", "x": "x" * 410_000})],
        [put({"h": "ok"}), {}], [put({"h": "ok"}), {"PutRequest": None}], [put({"h": "ok"}), None], None, [],
        [put({"h": "ok"}), {**put({"h": "a"}), **delete(h="b")}],
    ],
)  # fmt: skip
def test_a_batch_with_one_wrong_write_stores_nothing(service, writes):
    """
    Nothing of a batch is carried out when AWS would refuse it.
    """
    code, _ = service.error("BatchWriteItem", RequestItems={"plain": writes})

    assert "ValidationException" == code
    assert [] == service.all_of("plain")


def test_numbers_that_are_equal_are_one_key(service):
    """
    1 and 1.0 are duplicates.
    """
    one, other = ({"h": {"S": "a"}, "r": {"N": text}} for text in ("1", "1.0"))
    writes = [{"PutRequest": {"Item": one}}, {"DeleteRequest": {"Key": other}}]
    written = service.error("BatchWriteItem", RequestItems={"ranged": writes})
    read = service.error("BatchGetItem", RequestItems={"ranged": {"Keys": [one, other]}})

    assert written[0] == read[0] == "ValidationException"
    assert "duplicates" in written[1]
    assert "duplicates" in read[1]


@pytest.mark.parametrize(
    "asked",
    [
        None,
        {},
        {"Keys": []},
        {"Keys": [None]},
        {"Keys": [wired({"h": "a"})] * 101},
        {"Keys": [{}]},
        {"Keys": [wired({"h": ""})]},
    ],
)
def test_wrong_reads_are_refused(service, asked):
    """
    Null, nothing, too much, and what is no key.
    """
    code, _ = service.error("BatchGetItem", RequestItems={"plain": asked})

    assert "ValidationException" == code


def test_a_missing_table_stops_the_whole_batch(service):
    """
    Nothing is written to the tables that are there.
    """
    code, _ = service.error(
        "BatchWriteItem", RequestItems={"plain": [put({"h": "a"})], "absent": [put({"h": "a"})]}
    )

    assert "ResourceNotFoundException" == code
    assert [] == service.all_of("plain")


def test_a_reply_has_room_for_16_megabytes(service):
    """
    What does not fit into one reply is left for the next.
    """
    for number in range(45):
        service.put("ranged", {"h": "a", "r": number, "x": "x" * 390_000})
    keys = [wired({"h": "a", "r": number}) for number in range(45)]
    first = service.call("BatchGetItem", RequestItems={"ranged": {"Keys": keys}})
    rest = service.call("BatchGetItem", RequestItems=first["UnprocessedKeys"])

    assert [43, 2] == [len(one["Responses"]["ranged"]) for one in (first, rest)]
    assert {} == rest["UnprocessedKeys"]


@pytest.mark.parametrize(
    "payload",
    [
        b"{", b"\xff", b"[]", b'{"RequestItems":5}', b'{"RequestItems":{"plain":5}}', b'{"RequestItems":{"plain":{}}}',
        b'{"RequestItems":{"plain":{"Keys":null}}}', b'{"RequestItems":{"plain":{"Keys":5}}}', b"[" * 5000,
    ],
)  # fmt: skip
@pytest.mark.parametrize("operation", ["BatchGetItem", "BatchWriteItem"])
def test_faults_do_not_trip_over_malformed_batches(operation, payload):
    """
    What is no batch is refused like without faults.
    """
    engine = open_engine(options=Options(faults=Faults({"unprocessed": 1.0})))
    reply = engine.send(operation, payload)

    assert 400 == reply.status
    assert reply.body.startswith(b'{"__type":')
