"""Retries of one operation: what is sent again, how long, and what a lost reply means."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dynamo_objects.connection.attempts import RetryPolicy, Send, Sleep, attempts
from dynamo_objects.connection.transport import Reply
from dynamo_objects.errors import (
    AccessRefused,
    ConditionFailed,
    DynamoException,
    InternalError,
    LimitExceeded,
    NotDynamoDBReply,
    OutcomeUnknown,
    ServiceError,
    TableInUse,
    TableNotFound,
    ThrottledError,
    TransactionCancelled,
    TransportError,
)
from dynamo_objects.expressions.tree import (
    Add,
    AttributeExists,
    AttributeNotExists,
    Delete,
    ListAppend,
    Path,
    Plus,
    Remove,
    Set,
    Update,
    Value,
)
from dynamo_objects.operations.base import Operation, Resend
from dynamo_objects.operations.batch import BatchGetItem, BatchWriteItem, Write
from dynamo_objects.operations.item import DeleteItem, GetItem, PutItem, UpdateItem
from dynamo_objects.operations.search import Scan
from dynamo_objects.operations.table import CreateTable, DescribeTable, ListTables
from dynamo_objects.operations.transaction import TransactWriteItems
from tests.dictservice import error_reply, good_reply
from tests.faults import HTML
from tests.transports import ScriptedTransport, VirtualClock, connected

KEY = {"id": {"S": "k1"}}
ITEM = {**KEY, "n": {"N": "5"}}
OTHER = {"id": {"S": "k2"}, "n": {"N": "5"}}
N, ONE = Path.of("n"), Value({"N": "1"})

GET = GetItem("t", KEY)
PUT = PutItem("t", ITEM, key_wires=frozenset({"id"}))
CREATE = PutItem("t", ITEM, AttributeNotExists(Path.of("id")), key_wires=frozenset({"id"}))
SET = UpdateItem("t", KEY, Update(sets=(Set(N, ONE),)))
GUARDED = UpdateItem("t", KEY, Update(sets=(Set(N, ONE),)), AttributeExists(N))
COUNT = UpdateItem("t", KEY, Update(adds=(Add(N, ONE),)))
REMOVE = DeleteItem("t", KEY)
TAKE = DeleteItem("t", KEY, return_old=True)
BATCH = BatchWriteItem((Write("t", KEY, ITEM),))
TRANSACTION = TransactWriteItems((COUNT,), "token")

SAFE_WRITES = (PUT, SET, REMOVE, BATCH, TRANSACTION)
CHECKED_WRITES = (CREATE, GUARDED, TAKE)

THROTTLES = (
    error_reply("ProvisionedThroughputExceededException"),
    error_reply("ThrottlingException"),
    error_reply("RequestLimitExceeded"),
    Reply(429, {"content-type": "text/html"}, b"slow down"),
)
CONFLICTS = (
    error_reply("TransactionConflictException"),
    error_reply("ReplicatedWriteConflictException", status=409),
)
UNSENT = TransportError("connection refused", sent=False)
RESET = TransportError("connection reset", sent=True)
LOST = (
    RESET,
    error_reply("InternalServerError", status=500),
    Reply(502, {"content-type": "text/html"}, b"<html>"),
    Reply(503, {}, b""),
    HTML,
    good_reply({"ok": True}),
    good_reply({}, x_amz_crc32="1"),
    good_reply(b'{"Item":{"id":{"S'),
    good_reply(b""),
    Reply(200, {"content-type": "application/json"}, b"{}"),
    good_reply({"__type": "x#ThrottlingException"}, 500),
)
FALSE = error_reply("ConditionalCheckFailedException", "The conditional request failed")


def good(operation: Operation[Any]) -> Reply:
    """Return the reply that an operation gets when nothing is wrong."""
    if isinstance(operation, BatchWriteItem):
        return good_reply({"UnprocessedItems": {}})
    return good_reply({})


def run(
    operation: Operation[Any], *answers: Any, **policy: Any
) -> tuple[Any, ScriptedTransport, VirtualClock]:
    """Run an operation on a script; return its result or error, the transport and the clock."""
    transport, clock = ScriptedTransport(*answers), VirtualClock()
    try:
        return connected(transport, clock, **policy).call(operation), transport, clock
    except DynamoException as error:
        return error, transport, clock


def shown(answer: Any) -> str:
    """Return what a test is called for an answer."""
    if isinstance(answer, Reply):
        return f"{answer.status}-{answer.body[:40].decode()}"
    return str(answer)


# --- what is sent again ---------------------------------------------------------------------


@pytest.mark.parametrize("answer", [*THROTTLES, *CONFLICTS, UNSENT], ids=shown)
@pytest.mark.parametrize("operation", [GET, COUNT, CREATE, TAKE, *SAFE_WRITES], ids=lambda o: o.name)
def test_what_passes_by_itself_is_sent_again(operation: Operation[Any], answer: Any) -> None:
    """
    After a throttle, a conflict or an unsent request even a counter is sent again, unchanged.
    """
    result, transport, clock = run(
        operation, answer, answer, good_reply({"Attributes": ITEM}) if operation is TAKE else good(operation)
    )

    assert not isinstance(result, Exception)
    assert 3 == len(transport.requests)
    assert 1 == len({request.payload for request in transport.requests})
    assert 2 == len(clock.slept)


@pytest.mark.parametrize("answer", LOST, ids=shown)
@pytest.mark.parametrize("operation", SAFE_WRITES, ids=lambda o: o.name)
def test_an_idempotent_write_is_sent_again_after_a_lost_reply(operation: Operation[Any], answer: Any) -> None:
    """
    Twice applied is once applied for these, so a lost reply is asked for again.
    """
    result, transport, _ = run(operation, answer, good(operation))

    assert not isinstance(result, Exception)
    assert 2 == len(transport.requests)


@pytest.mark.parametrize("answer", LOST, ids=shown)
def test_a_read_is_sent_again_after_a_lost_reply(answer: Any) -> None:
    """
    A damaged or foreign reply to a read is followed by another try, and never believed.
    """
    result, transport, _ = run(GET, answer, good_reply({"Item": ITEM}))

    assert ITEM == result
    assert 2 == len(transport.requests)


NOT_REPEATABLE = (
    Update(adds=(Add(N, ONE),)),
    Update(sets=(Set(N, Plus(N, ONE)),)),
    Update(sets=(Set(N, ListAppend(N, Value({"L": []}))),)),
    Update(sets=(Set(N, Path.of("other")),)),
    Update(removes=(Remove(Path.of("list", 0)),)),
    Update(sets=(Set(Path.of("list", 9), ONE),)),
    Update(sets=(Set(Path.of("a"), ONE),), adds=(Add(N, ONE),)),
)


@pytest.mark.parametrize("answer", LOST, ids=shown)
@pytest.mark.parametrize("update", NOT_REPEATABLE, ids=repr)
def test_what_counts_twice_is_never_sent_blindly_again(update: Update, answer: Any) -> None:
    """
    ADD of a number, SET that reads what it changes, and list elements: one request, then OutcomeUnknown.
    """
    result, transport, _ = run(UpdateItem("t", KEY, update), answer, good_reply({}))

    assert isinstance(result, OutcomeUnknown)
    assert ("t", KEY) == (result.table, result.key)
    assert 1 == len(transport.requests)


REPEATABLE = (
    Update(sets=(Set(N, ONE),)),
    Update(removes=(Remove(N), Remove(Path.of("list", 0, "a")))),
    Update(adds=(Add(N, Value({"SS": ["a"]})),)),
    Update(deletes=(Delete(N, Value({"SS": ["a"]})),)),
)


@pytest.mark.parametrize("update", REPEATABLE, ids=repr)
def test_updates_that_are_the_same_twice_are_sent_again(update: Update) -> None:
    """
    Values set, attributes removed, members added to or taken from sets: safe to repeat.
    """
    result, transport, _ = run(UpdateItem("t", KEY, update), RESET, good_reply({}))

    assert result is None
    assert 2 == len(transport.requests)


def test_limits_pass_for_table_operations_only() -> None:
    """
    Too many table operations at once passes by itself; any other LimitExceeded does not.
    """
    limit = error_reply("LimitExceededException")
    described = good_reply({"Table": {"TableName": "t", "TableStatus": "ACTIVE"}})

    result, transport, _ = run(DescribeTable("t"), limit, limit, described)
    refused, once, _ = run(PUT, limit)

    assert "ACTIVE" == result.status
    assert 3 == len(transport.requests)
    assert isinstance(refused, LimitExceeded)
    assert 1 == len(once.requests)


FINAL = (
    ("ValidationException", ServiceError),
    ("ResourceNotFoundException", TableNotFound),
    ("ExpiredTokenException", AccessRefused),
    ("UnrecognizedClientException", AccessRefused),
    ("InvalidSignatureException", AccessRefused),
    ("RequestTimeTooSkewed", AccessRefused),
    ("AccessDeniedException", AccessRefused),
    ("ItemCollectionSizeLimitExceededException", ServiceError),
    ("IdempotentParameterMismatchException", ServiceError),
    ("UnknownOperationException", ServiceError),
    ("SomethingNewException", ServiceError),
)


@pytest.mark.parametrize(("code", "kind"), FINAL)
@pytest.mark.parametrize("operation", [GET, PUT, COUNT, BATCH, CREATE], ids=lambda o: o.name)
def test_what_does_not_pass_by_itself_fails_at_once(operation: Operation[Any], code: str, kind: type) -> None:
    """
    Refusals are raised as they are after one request, without a pause.
    """
    result, transport, clock = run(operation, error_reply(code, "why"))

    assert isinstance(result, kind)
    assert isinstance(result, ServiceError)
    assert code == result.code
    assert 1 == len(transport.requests)
    assert [] == clock.slept


def test_missing_credentials_are_not_tried_again() -> None:
    """
    What boto cannot send for want of credentials it will not send later either.
    """
    result, transport, _ = run(COUNT, TransportError("no credentials", sent=False, can_retry=False))

    assert isinstance(result, TransportError)
    assert 1 == len(transport.requests)


def test_a_wrong_clock_is_named() -> None:
    """
    The error of a refused signature names the clock, which is the usual reason.
    """
    result, _, _ = run(GET, error_reply("InvalidSignatureException", "Signature expired"))

    assert "clock" in " ".join(result.__notes__)


# --- lost replies ---------------------------------------------------------------------------


@pytest.mark.parametrize("answer", LOST, ids=shown)
@pytest.mark.parametrize("operation", [CREATE, GUARDED], ids=lambda o: o.name)
def test_a_condition_that_fails_on_a_repeat_proves_nothing(operation: Operation[Any], answer: Any) -> None:
    """
    After a lost reply the stored item may be our own: OutcomeUnknown, not a conflict.
    """
    result, transport, _ = run(operation, answer, FALSE)

    assert isinstance(result, OutcomeUnknown)
    assert not isinstance(result, ConditionFailed)
    assert 2 == len(transport.requests)


@pytest.mark.parametrize("answer", [*THROTTLES, *CONFLICTS, UNSENT], ids=shown)
def test_a_condition_that_fails_after_unsent_tries_is_a_fact(answer: Any) -> None:
    """
    Nothing was lost, so nobody else's item can be ours: ConditionFailed with the stored item.
    """
    result, _, _ = run(CREATE, answer, error_reply("ConditionalCheckFailedException", "failed", Item=OTHER))

    assert isinstance(result, ConditionFailed)
    assert OTHER == result.item
    assert ("t", KEY) == (result.table, result.key)


@pytest.mark.parametrize("answer", LOST, ids=shown)
def test_a_deletion_that_finds_nothing_on_a_repeat_proves_nothing(answer: Any) -> None:
    """
    The first attempt may have deleted the item: OutcomeUnknown, not "was not there".
    """
    result, _, _ = run(TAKE, answer, good_reply({}))

    assert isinstance(result, OutcomeUnknown)


def test_a_deletion_that_finds_the_item_on_a_repeat_is_settled() -> None:
    """
    The item that the repeat has deleted is the answer.
    """
    result, _, _ = run(TAKE, RESET, good_reply({"Attributes": ITEM}))

    assert ITEM == result


def test_old_values_of_a_repeat_may_be_our_own() -> None:
    """
    A put that finds its own item in place cannot tell what was there before.
    """
    put = PutItem("t", ITEM, return_old=True, key_wires=frozenset({"id"}))
    update = UpdateItem("t", KEY, Update(sets=(Set(N, ONE),)), returns="UPDATED_OLD")

    mine, _, _ = run(put, RESET, good_reply({"Attributes": {**KEY, "n": {"N": "5.0"}}}))
    theirs, _, _ = run(put, RESET, good_reply({"Attributes": {**KEY, "n": {"N": "6"}}}))
    changed, _, _ = run(update, RESET, good_reply({"Attributes": {"n": {"N": "1"}}}))

    assert isinstance(mine, OutcomeUnknown)
    assert {**KEY, "n": {"N": "6"}} == theirs
    assert isinstance(changed, OutcomeUnknown)


@pytest.mark.parametrize(
    "final",
    [*THROTTLES, error_reply("ExpiredTokenException"), error_reply("ValidationException"), UNSENT],
    ids=shown,
)
@pytest.mark.parametrize("operation", [*SAFE_WRITES, *CHECKED_WRITES], ids=lambda o: o.name)
def test_a_write_that_was_lost_once_never_fails_as_if_it_had_not_happened(
    operation: Operation[Any], final: Any
) -> None:
    """
    Whatever ends the tries after a lost reply, the write may have happened: OutcomeUnknown.
    """
    result, _, _ = run(operation, RESET, final)

    assert isinstance(result, OutcomeUnknown)


@pytest.mark.parametrize("final", [*THROTTLES, UNSENT], ids=shown)
@pytest.mark.parametrize("operation", [COUNT, *SAFE_WRITES, *CHECKED_WRITES], ids=lambda o: o.name)
def test_a_write_that_was_never_applied_says_so(operation: Operation[Any], final: Any) -> None:
    """
    As long as no reply was lost the error is the service's own, not OutcomeUnknown.
    """
    result, _, _ = run(operation, final)

    assert isinstance(result, ThrottledError | TransportError)


@pytest.mark.parametrize("answer", LOST, ids=shown)
def test_a_lost_read_is_no_unknown_outcome(answer: Any) -> None:
    """
    A read that gets no good reply raises what it got, and never returns "absent".
    """
    result, _, _ = run(GET, answer)

    assert isinstance(result, InternalError | NotDynamoDBReply | TransportError)


REFUSALS = (
    Reply(302, {"location": "http://portal/"}, b""),
    Reply(404, {"content-type": "text/html"}, b"<html>"),
    Reply(407, {}, b""),
    good_reply(b'{"__type":"Thr', 400),
    good_reply({"__type": "x#ThrottlingException"}, 400, x_amz_crc32="1"),
)


@pytest.mark.parametrize("answer", REFUSALS, ids=shown)
def test_refusals_by_status_lose_no_outcome(answer: Any) -> None:
    """
    A redirection or a 4xx says that nothing was done: even a counter is tried again, some times.
    """
    counted, transport, _ = run(COUNT, answer, good_reply({}))
    refused, others, _ = run(COUNT, answer)

    assert counted is None
    assert 2 == len(transport.requests)
    assert isinstance(refused, NotDynamoDBReply)
    assert 4 == len(others.requests)


def test_too_large_is_an_invalid_request() -> None:
    """
    413 comes without a code from DynamoDB Local and from gateways: it is final, and nothing was written.
    """
    empty, transport, _ = run(PUT, Reply(413, {}, b""))
    coded, _, _ = run(PUT, error_reply("RequestEntityTooLargeException", status=413))

    assert "InvalidRequest" == type(empty).__name__ == type(coded).__name__
    assert 1 == len(transport.requests)


def test_strange_replies_are_tried_a_few_times_only() -> None:
    """
    A portal or a wrong endpoint goes on answering: no need to ask it for half a minute.
    """
    result, transport, clock = run(GET, HTML)

    assert isinstance(result, NotDynamoDBReply)
    assert 4 == len(transport.requests)
    assert clock.now < 1


# --- tables ---------------------------------------------------------------------------------


def test_table_operations_raise_what_they_got() -> None:
    """
    What became of a lost CreateTable the table itself tells: its flow looks.
    """
    create = CreateTable("t", {})

    result, _, _ = run(create, RESET, error_reply("ResourceInUseException"))

    assert isinstance(result, TableInUse)


def test_a_missing_table_is_never_a_missing_record() -> None:
    """
    ResourceNotFound is an error for every operation on items.
    """
    missing = error_reply("ResourceNotFoundException", "Cannot do operations on a non-existent table")

    for operation in (GET, TAKE, Scan(table="t"), BatchGetItem("t", [KEY]), PUT, REMOVE, BATCH):
        assert isinstance(run(operation, missing)[0], TableNotFound)


# --- transactions ---------------------------------------------------------------------------


def cancelled(*codes: str) -> Reply:
    """Return a reply that cancels a transaction."""
    reasons = [{"Code": code} for code in codes]
    return error_reply("TransactionCanceledException", "cancelled", CancellationReasons=reasons)


def test_a_transaction_keeps_its_token() -> None:
    """
    All attempts are the same bytes, so the service carries one of them out.
    """
    passing = cancelled("None", "TransactionConflict", "ProvisionedThroughputExceeded", "ThrottlingError")
    in_progress = error_reply("TransactionInProgressException")

    result, transport, _ = run(TRANSACTION, RESET, passing, in_progress, THROTTLES[0], good_reply({}))

    assert result is None
    assert ["token"] * 5 == [request.members["ClientRequestToken"] for request in transport.requests]
    assert 1 == len({request.payload for request in transport.requests})


@pytest.mark.parametrize(
    "code", ["ConditionalCheckFailed", "ValidationError", "ItemCollectionSizeLimitExceeded", "AccessDenied"]
)
def test_a_transaction_is_tried_again_only_if_all_reasons_pass(code: str) -> None:
    """
    One reason that stays makes it final, and nothing was written.
    """
    result, transport, _ = run(TRANSACTION, cancelled("TransactionConflict", code))

    assert isinstance(result, TransactionCancelled)
    assert [("TransactionConflict", code)] == [tuple(reason.code for reason in result.reasons)]
    assert 1 == len(transport.requests)


def test_a_cancelled_transaction_without_reasons_is_final() -> None:
    """
    Nothing says that it passes by itself.
    """
    result, transport, _ = run(TRANSACTION, error_reply("TransactionCanceledException"))

    assert isinstance(result, TransactionCancelled)
    assert 1 == len(transport.requests)


def test_a_cancelled_repeat_of_a_transaction_is_conclusive() -> None:
    """
    Had the first attempt been carried out, its token would have made the repeat a success.
    """
    result, _, _ = run(TRANSACTION, RESET, cancelled("ConditionalCheckFailed"))

    assert isinstance(result, TransactionCancelled)


def test_a_passing_cancellation_after_a_lost_reply_is_not() -> None:
    """
    A conflict may be with our own first attempt.
    """
    result, _, _ = run(TRANSACTION, RESET, cancelled("TransactionConflict"))

    assert isinstance(result, OutcomeUnknown)


def test_a_token_is_not_used_after_it_has_expired() -> None:
    """
    Ten minutes later the service would carry the transaction out again.
    """
    result, transport, clock = run(TRANSACTION, RESET, deadline_seconds=3600.0, cap_seconds=100.0)

    assert isinstance(result, OutcomeUnknown)
    assert 60 < clock.now < 600
    assert len(transport.requests) > 10


# --- pauses ---------------------------------------------------------------------------------


def test_the_deadline_holds() -> None:
    """
    No attempt begins after the deadline, and there are many before it.
    """
    result, transport, clock = run(GET, THROTTLES[0], deadline_seconds=30.0)

    assert isinstance(result, ThrottledError)
    assert 20 < clock.now <= 30
    assert 10 < len(transport.requests)


def test_the_error_tells_where_and_how_often() -> None:
    """
    Table, key and number of tries are in a note of the error.
    """
    result, transport, _ = run(GET, THROTTLES[0])

    assert [f"GetItem of t {KEY!r}, {len(transport.requests)} tries"] == result.__notes__
    assert ["Scan of t, 1 try"] == run(Scan(table="t"), error_reply("ValidationException"))[0].__notes__


@given(attempt=st.integers(0, 5000), chance=st.floats(0, 1))
def test_pauses_have_full_jitter(attempt: int, chance: float) -> None:
    """
    A pause is a random share of a bound that doubles up to the cap.
    """
    policy = RetryPolicy(base_seconds=0.05, cap_seconds=5.0)

    bound = policy.pause(attempt, 1.0)
    assert min(5.0, 0.05 * 2 ** min(attempt, 20)) == bound
    assert chance * bound == policy.pause(attempt, chance)


def test_it_is_a_generator_without_io() -> None:
    """
    It yields what to send and how long to sleep, and is told the time.
    """
    steps = attempts(GET, RetryPolicy(), lambda: 0.0, lambda: 1.0)

    assert Send("GetItem", GET.payload(), 20.0) == next(steps)
    assert Sleep(0.05) == steps.send(UNSENT)
    assert Send("GetItem", GET.payload(), 20.0) == next(steps)
    assert Sleep(0.1) == steps.send(RESET)
    next(steps)
    with pytest.raises(StopIteration) as stop:
        steps.send(good_reply({"Item": ITEM}))
    assert ITEM == stop.value.value


# --- a law over all scripts -----------------------------------------------------------------

ANSWERS = st.sampled_from([*THROTTLES, *CONFLICTS, UNSENT, *LOST, *REFUSALS, FALSE, good_reply({})])


@given(
    answers=st.lists(ANSWERS, min_size=1, max_size=6),
    operation=st.sampled_from([COUNT, CREATE, PUT, TAKE, SET]),
)
def test_an_error_that_is_not_unknown_means_nothing_was_written(
    answers: list[Any], operation: Operation[Any]
) -> None:
    """
    If any reply was lost before the end, a failure is OutcomeUnknown; a counter sees one lost reply at most.
    """
    result, transport, _ = run(operation, *answers)

    sent = [answers[min(n, len(answers) - 1)] for n in range(len(transport.requests))]
    lost = [answer for answer in sent if answer in LOST]
    if isinstance(result, DynamoException) and not isinstance(result, OutcomeUnknown):
        assert [] == lost
    if isinstance(result, OutcomeUnknown):
        assert [] != lost
    if operation.resend is Resend.NEVER:
        assert lost in ([], sent[-1:])


def test_lists_of_tables_are_read_again() -> None:
    """
    ListTables is a read like any other.
    """
    result, _, _ = run(ListTables(), RESET, good_reply({"TableNames": ["a"]}))

    assert ["a"] == result.names
    assert {} == json.loads(ListTables().payload())
