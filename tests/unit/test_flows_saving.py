"""Flows that write single records: exactly once, and with what protects them."""

from __future__ import annotations

from typing import Any

import pytest

from dynamo_objects import DynamoRecord, HashKey, field
from dynamo_objects.codec.values import Item
from dynamo_objects.connection.transport import Reply
from dynamo_objects.errors import (
    AccessRefused,
    ConditionFailed,
    ConflictError,
    InvalidRequest,
    ItemCollectionTooLarge,
    ItemExists,
    OutcomeUnknown,
    TransactionCancelled,
    TransportError,
)
from dynamo_objects.expressions.tree import Add, AttributeExists, Compare, Path, Set, Update, Value
from dynamo_objects.flows.once import write_once
from dynamo_objects.flows.planning import Save, plan_save
from dynamo_objects.flows.saving import save
from dynamo_objects.operations.item import DeleteItem, GetItem, PutItem, UpdateItem
from dynamo_objects.record import codec_of
from dynamo_objects.schema import TableSchema
from tests.dictservice import error_reply, good_reply
from tests.flowing import FALSE, KEY, ONE, RESET, N, ran, service
from tests.transports import Request, ScriptedTransport, connected

# --- exactly once -------------------------------------------------------------------------

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


# --- saving -------------------------------------------------------------------------------


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
