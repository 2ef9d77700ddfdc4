"""The flow that resolves conflicts: how often, how long, with which tokens, and what it must not resolve."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dynamo_objects import ConditionFailed, ConflictError, DynamoRecord, HashKey, OutcomeUnknown, field
from dynamo_objects.connection.transport import Reply
from dynamo_objects.expressions.tree import Compare, Path, Value
from dynamo_objects.flows.deciding import Case
from dynamo_objects.flows.planning import plan_save
from dynamo_objects.flows.resolving import ROUNDS, save_resolving
from dynamo_objects.record import codec_of
from dynamo_objects.schema import TableSchema
from tests.dictservice import error_reply, good_reply
from tests.flowing import FALSE, RESET, ran, service
from tests.transports import Request, ScriptedTransport, VirtualClock, connected


class Counter(DynamoRecord):
    """A record that counts."""

    id: str = ""
    n: int = field(default=0, merge="sum")


SCHEMA = TableSchema.build("things", codec_of(Counter), [HashKey("id")])


def case(on_conflict: Any = "merge") -> Case:
    """Return a save of a counter that was loaded with 1 and set to 2."""
    record = codec_of(Counter).decode({"id": {"S": "k1"}, "n": {"N": "1"}})
    record.n = 2
    plan = plan_save(SCHEMA, "t", record)
    assert plan is not None
    return Case.of(plan, on_conflict)


def conflict(n: int) -> Reply:
    """Return the refusal of a write by an item that is stored with this count."""
    item = {"id": {"S": "k1"}, "n": {"N": str(n)}}
    return error_reply("ConditionalCheckFailedException", "The conditional request failed", Item=item)


def test_a_conflict_that_changes_again_is_merged_again() -> None:
    """
    Each time from what is stored then and the first base; the first repeat comes at once, later ones wait.
    """
    sent: list[dict[str, Any]] = []

    def answer(request: Request) -> Reply:
        sent.append(json.loads(request.payload))
        return conflict(10 * len(sent)) if len(sent) < 4 else good_reply({})

    clock = VirtualClock()
    record = connected(ScriptedTransport(answer), clock).run(save_resolving(case()))

    assert 31 == record.n
    assert ["2", "11", "21", "31"] == [_new_n(each) for each in sent]
    assert 2 == len(clock.slept)


def _new_n(request: dict[str, Any]) -> str:
    """Return the number that an update sets."""
    place = request["UpdateExpression"].split("=")[1].strip()
    text: str = request["ExpressionAttributeValues"][place]["N"]
    return text


def test_it_ends_after_a_number_of_rounds() -> None:
    """
    Somebody who is always quicker leaves a ConflictError; the record is as it was.
    """
    given, count = case(), iter(range(10, 10_000))
    transport, clock = ScriptedTransport(lambda request: conflict(next(count))), VirtualClock()

    with pytest.raises(ConflictError, match="12 times while") as caught:
        connected(transport, clock).run(save_resolving(given))

    assert ["UpdateItem"] * (1 + ROUNDS) == transport.operations
    assert (1, 2, 22) == (caught.value.base.n, caught.value.mine.n, caught.value.theirs.n)
    assert 2 == given.plan.record.n  # type: ignore[union-attr]
    assert ROUNDS - 1 == len(clock.slept)


def test_a_lost_reply_is_no_conflict() -> None:
    """
    After a lost reply a false condition may be our own write: adding it again would count it twice.
    """
    error, sent, _ = ran(save_resolving(case()), RESET, conflict(2))

    assert isinstance(error, OutcomeUnknown)
    assert ["UpdateItem", "UpdateItem"] == sent


def test_a_lost_reply_of_the_merged_write_is_none_either() -> None:
    """
    The same when the write that resolves it loses its reply.
    """
    error, sent, _ = ran(save_resolving(case()), conflict(5), RESET, conflict(6))

    assert isinstance(error, OutcomeUnknown)
    assert 3 == len(sent)


def test_every_write_has_a_token_of_its_own() -> None:
    """
    A token stands for one write; a merged one is another. None is longer than 36 characters.
    """
    tokens: list[str] = []

    def answer(request: Request) -> Reply:
        tokens.append(json.loads(request.payload)["ClientRequestToken"])
        if len(tokens) == 3:
            return good_reply({})
        item = {"id": {"S": "k1"}, "n": {"N": str(len(tokens))}}
        reasons = [{"Code": "ConditionalCheckFailed", "Item": {**item, "n": {"N": str(7 + len(tokens))}}}]
        return error_reply("TransactionCanceledException", CancellationReasons=reasons)

    record = connected(ScriptedTransport(answer)).run(save_resolving(case(), "x" * 32))

    assert 10 == record.n
    assert 3 == len(set(tokens))
    assert 36 >= max(map(len, tokens))


def test_an_item_that_cannot_be_seen_stays_a_conflict() -> None:
    """
    An engine that does not send it is asked; when that fails too, nothing is written on a guess.
    """
    for way in ("merge", "mine", "theirs", lambda base, mine, theirs: mine):
        error, sent, _ = ran(save_resolving(case(way)), FALSE, error_reply("AccessDeniedException"))

        assert isinstance(error, ConflictError)
        assert not error.is_deleted
        assert ["UpdateItem", "GetItem"] == sent


def test_an_item_that_cannot_be_read_stays_a_conflict() -> None:
    """
    Another program stored a text where the number was.
    """
    bad = error_reply("ConditionalCheckFailedException", "", Item={"id": {"S": "k1"}, "n": {"S": "x"}})
    for way in ("merge", "mine", "theirs", lambda base, mine, theirs: mine):
        error, _, _ = ran(save_resolving(case(way)), bad, good_reply({}))

        assert isinstance(error, ConflictError)
        assert error.theirs is None


def test_the_item_of_another_key_stays_a_conflict() -> None:
    """
    A reply that belongs to another request must not lead to a write of that other item.
    """
    other = error_reply("ConditionalCheckFailedException", "", Item={"id": {"S": "k2"}, "n": {"N": "5"}})
    none = error_reply("ConditionalCheckFailedException", "", Item={"n": {"N": "5"}})
    for way in ("merge", "mine", "theirs", lambda base, mine, theirs: theirs):
        for reply in (other, none):
            error, sent, _ = ran(save_resolving(case(way)), reply)

            assert isinstance(error, ConflictError)
            assert ["UpdateItem"] == sent


def test_a_new_record_whose_rival_is_gone_again() -> None:
    """
    It exists, and is deleted before it is looked at: the record is new as ever, and is put again.
    """
    plan = plan_save(SCHEMA, "t", Counter(id="k1", n=4))
    assert plan is not None
    record, sent, _ = ran(
        save_resolving(Case.of(plan, "theirs")), FALSE, good_reply({}), good_reply({}), good_reply({})
    )

    assert ["PutItem", "GetItem", "PutItem"] == sent
    assert 4 == record.n


def test_the_condition_goes_with_the_merged_write() -> None:
    """
    It was true for what was seen, and is false when that is written: nothing is, and it is no conflict.
    """
    must = Compare("=", Path.of("open"), Value({"BOOL": True}))
    given = case()
    given = Case(given.plan, given.base, "merge", must)
    items = [{"id": {"S": "k1"}, "n": {"N": "5"}, "open": {"BOOL": is_open}} for is_open in (True, False)]
    refusals = [error_reply("ConditionalCheckFailedException", "", Item=item) for item in items]

    transport = ScriptedTransport(*refusals, good_reply({}))
    with pytest.raises(ConditionFailed) as caught:
        connected(transport).run(save_resolving(given))

    assert not isinstance(caught.value, ConflictError)
    _, merged = transport.requests
    names = json.loads(merged.payload)["ExpressionAttributeNames"].values()
    assert "open" in names


def test_what_is_written_anew_must_still_be_absent() -> None:
    """
    Somebody may make it again after it was found deleted: then that is a change to be resolved.
    """
    sent: list[dict[str, Any]] = []
    replies = [FALSE, good_reply({}), conflict(7), good_reply({})]

    def answer(request: Request) -> Reply:
        sent.append(json.loads(request.payload))
        return replies[len(sent) - 1]

    transport = ScriptedTransport(answer)
    record = connected(transport).run(save_resolving(case("mine")))

    assert ["UpdateItem", "GetItem", "PutItem", "UpdateItem"] == transport.operations
    assert "attribute_not_exists" in sent[2]["ConditionExpression"]
    assert 2 == record.n


def test_on_a_service_with_two_writers() -> None:
    """
    What the other has counted, and what I have, is stored.
    """
    engine = service("t")
    connection = connected(engine)
    connection.run(save_resolving(_new(5)))

    connection.run(save_resolving(_new(7)))

    (item,) = engine.tables["t"].items.values()
    assert {"N": "12"} == item["n"]


def _new(n: int) -> Case:
    plan = plan_save(SCHEMA, "t", Counter(id="k1", n=n))
    assert plan is not None
    return Case.of(plan, "merge")
