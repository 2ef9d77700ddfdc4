"""Faults from a seed: which request gets which, and what happens to it."""

from __future__ import annotations

from collections import Counter

import msgspec
import pytest

from dynamo_objects.local.errors import ApiError
from dynamo_objects.local.faults import KINDS, Faults, LostReply
from dynamo_objects.local.faulty import answer


def outcomes(faults: Faults, count: int) -> list[str | None]:
    """Return the faults of so many different requests."""
    return [faults.choose("PutItem", str(number).encode()) for number in range(count)]


def test_a_seed_gives_the_same_faults_again() -> None:
    """
    The same requests get the same faults from the same seed, and others from another one.
    """
    rates = dict.fromkeys(KINDS, 0.1)
    first, again, other = (outcomes(Faults(rates, seed), 200) for seed in (7, 7, 8))

    assert first == again
    assert first != other


def test_the_order_of_requests_does_not_matter() -> None:
    """
    A request gets its fault by what it is and how often it came, not by when.
    """
    requests = [str(number).encode() for number in range(50)] * 2
    there, back = Faults({"throttle": 0.5}), Faults({"throttle": 0.5})
    found = [(r, there.choose("GetItem", r)) for r in requests]
    turned = [(r, back.choose("GetItem", r)) for r in reversed(requests)]

    assert Counter(found) == Counter(turned)
    assert 2 == len({kind for _, kind in found})


def test_rates_are_kept() -> None:
    """
    Faults happen about as often as asked for.
    """
    found = Counter(outcomes(Faults({"error": 0.25, "delay": 0.05}), 4000))

    assert 800 < found["error"] < 1200
    assert 120 < found["delay"] < 280
    assert {"error", "delay", None} == set(found)


@pytest.mark.parametrize("rates", [{"earthquake": 0.1}, {"error": -0.1}, {"error": 0.6, "delay": 0.6}])
def test_rates_that_make_no_sense_are_refused(rates: dict[str, float]) -> None:
    """
    Unknown kinds and impossible probabilities are errors.
    """
    with pytest.raises(ValueError, match="fault"):
        Faults(rates)


class Service:
    """Counts what it carried out."""

    def __init__(self, reply: bytes = b'{"Attributes":{}}') -> None:
        self.reply = reply
        self.carried_out: list[bytes] = []

    def __call__(self, payload: bytes) -> bytes:
        self.carried_out.append(payload)
        return self.reply


@pytest.mark.parametrize(
    ("kind", "code", "count"),
    [
        ("throttle", "ProvisionedThroughputExceededException", 0),
        ("error", "InternalServerError", 0),
        ("late_error", "InternalServerError", 1),
    ],
)
def test_errors(kind: str, code: str, count: int) -> None:
    """
    Errors come before the request is carried out, or after it.
    """
    service = Service()
    with pytest.raises(ApiError) as raised:
        answer(Faults({kind: 1.0}), "PutItem", b"{}", service)

    assert code == raised.value.code
    assert count == len(service.carried_out)


@pytest.mark.parametrize(("kind", "count"), [("lost_request", 0), ("lost_reply", 1), ("half_reply", 1)])
def test_lost_connections(kind: str, count: int) -> None:
    """
    A connection breaks before the request is carried out, or after it.
    """
    service = Service()
    with pytest.raises(LostReply):
        answer(Faults({kind: 1.0}), "PutItem", b"{}", service)

    assert count == len(service.carried_out)


def test_half_a_reply_and_a_late_one() -> None:
    """
    Of half a reply a part arrives, a late one is whole; both requests were carried out.
    """
    service = Service()
    with pytest.raises(LostReply) as raised:
        answer(Faults({"half_reply": 1.0}), "PutItem", b"{}", service)
    late = answer(Faults({"delay": 1.0}, delay_seconds=0.0), "PutItem", b"{}", service)

    assert service.reply == raised.value.body == late
    assert 2 == len(service.carried_out)


def test_a_part_of_a_batch_is_unprocessed() -> None:
    """
    Of a batch a first part is carried out, and the rest is reported as unprocessed.
    """
    service = Service(b'{"UnprocessedItems":{}}')
    writes = [{"DeleteRequest": {"Key": {"id": {"S": str(number)}}}} for number in range(10)]
    payload = msgspec.json.encode({"RequestItems": {"a": writes[:5], "b": writes[5:]}})
    parts = set()
    for seed in range(20):
        faults = Faults({"unprocessed": 1.0}, seed)
        try:
            reply = msgspec.json.decode(answer(faults, "BatchWriteItem", payload, service))
        except ApiError:
            continue  # nothing was processed
        left = reply["UnprocessedItems"]
        sent = msgspec.json.decode(service.carried_out[-1])["RequestItems"]
        for table, whole in (("a", writes[:5]), ("b", writes[5:])):
            assert whole == [*sent.get(table, []), *left.get(table, [])]
        parts.add(len(left.get("a", [])) + len(left.get("b", [])))

    assert 3 < len(parts)
    assert 0 not in parts


def test_keys_of_a_batch_that_were_not_read() -> None:
    """
    Unprocessed keys come back with everything that was asked about them.
    """
    service = Service(b'{"Responses":{"a":[]},"UnprocessedKeys":{}}')
    keys = [{"id": {"S": str(number)}} for number in range(9)]
    payload = msgspec.json.encode({"RequestItems": {"a": {"Keys": keys, "ConsistentRead": True}}})
    reply = msgspec.json.decode(answer(Faults({"unprocessed": 1.0}, 3), "BatchGetItem", payload, service))

    sent = msgspec.json.decode(service.carried_out[0])["RequestItems"]["a"]
    left = reply["UnprocessedKeys"]["a"]
    assert keys == [*sent["Keys"], *left["Keys"]]
    assert left["ConsistentRead"] is True is sent["ConsistentRead"]
