"""Replies become results or errors: what is not DynamoDB's is an error, and no error quotes values."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dynamo_objects.connection.redaction import without_credentials, without_values
from dynamo_objects.connection.replies import read
from dynamo_objects.connection.transport import Reply
from dynamo_objects.errors import (
    AccessRefused,
    DynamoException,
    InternalError,
    InvalidRequest,
    NotDynamoDBReply,
    ServiceError,
    ThrottledError,
    TransactionCancelled,
)
from dynamo_objects.expressions.tree import Compare, Path, Set, Update, Value
from dynamo_objects.operations.base import Operation
from dynamo_objects.operations.batch import BatchGetItem, BatchWriteItem, Write
from dynamo_objects.operations.item import DeleteItem, GetItem, PutItem, UpdateItem
from dynamo_objects.operations.search import Query, Scan
from dynamo_objects.operations.table import (
    CreateTable,
    DeleteTable,
    DescribeTable,
    DescribeTimeToLive,
    ListTables,
    UpdateTable,
    UpdateTimeToLive,
)
from dynamo_objects.operations.transaction import TransactGetItems, TransactWriteItems
from tests.dictservice import error_reply, good_reply

KEY = {"id": {"S": "k1"}}
SECRET = "sentinel-of-a-value"
ITEM = {**KEY, "text": {"S": SECRET}}
PUT = PutItem("t", ITEM, key_wires=frozenset({"id"}))
UPDATE = UpdateItem("t", KEY, Update(sets=(Set(Path.of("a"), Value({"S": SECRET})),)), returns="ALL_NEW")
IS_K1 = Compare("=", Path.of("id"), Value({"S": "k1"}))

OPERATIONS: tuple[Operation[Any], ...] = (
    GetItem("t", KEY),
    PUT,
    UPDATE,
    DeleteItem("t", KEY, return_old=True),
    BatchGetItem("t", [KEY]),
    BatchWriteItem((Write("t", KEY, ITEM),)),
    Query(table="t", key_condition=IS_K1),
    Scan(table="t"),
    Scan(table="t", count_only=True),
    TransactWriteItems((PUT,), "token"),
    TransactGetItems((GetItem("t", KEY),)),
    CreateTable("t", {}),
    DescribeTable("t"),
    UpdateTable("t"),
    DeleteTable("t"),
    ListTables(),
    DescribeTimeToLive("t"),
    UpdateTimeToLive("t", "ttl"),
)
BY_NAME = [pytest.param(operation, id=f"{operation.name}-{n}") for n, operation in enumerate(OPERATIONS)]

GOOD: dict[str, Any] = {
    "GetItem": {"Item": ITEM},
    "PutItem": {},
    "UpdateItem": {"Attributes": ITEM},
    "DeleteItem": {"Attributes": ITEM},
    "BatchGetItem": {"Responses": {"t": [ITEM]}, "UnprocessedKeys": {}},
    "BatchWriteItem": {"UnprocessedItems": {}},
    "Query": {"Items": [ITEM], "Count": 1, "ScannedCount": 1},
    "Scan": {"Items": [ITEM], "Count": 1, "ScannedCount": 1},
    "TransactWriteItems": {},
    "TransactGetItems": {"Responses": [{"Item": ITEM}]},
    "CreateTable": {"TableDescription": {"TableName": "t", "TableStatus": "CREATING"}},
    "DescribeTable": {"Table": {"TableName": "t", "TableStatus": "ACTIVE"}},
    "UpdateTable": {"TableDescription": {"TableName": "t", "TableStatus": "UPDATING"}},
    "DeleteTable": {"TableDescription": {"TableName": "t", "TableStatus": "DELETING"}},
    "ListTables": {"TableNames": ["t"]},
    "DescribeTimeToLive": {"TimeToLiveDescription": {"TimeToLiveStatus": "DISABLED"}},
    "UpdateTimeToLive": {"TimeToLiveSpecification": {"AttributeName": "ttl", "Enabled": True}},
}


@pytest.mark.parametrize("operation", BY_NAME)
def test_a_good_reply_is_read(operation: Operation[Any]) -> None:
    """
    What DynamoDB answers is taken, with the members that it adds when asked for capacity.
    """
    body = GOOD[operation.name]

    read(operation, good_reply(body))
    if operation.name in ("GetItem", "PutItem", "DeleteItem", "BatchWriteItem", "Query"):
        read(operation, good_reply({**body, "ConsumedCapacity": {"TableName": "t", "CapacityUnits": 1.0}}))


STRANGE = {
    "a page": Reply(200, {"content-type": "text/html"}, b"<html>log in</html>"),
    "a page with an id": Reply(200, {"content-type": "text/html", "x-amzn-requestid": "1"}, b"<html>"),
    "a text with an id": Reply(200, {"content-type": "text/plain", "x-amzn-requestid": "1"}, b"{}"),
    "nothing": Reply(200, {}, b""),
    "JSON of others": Reply(200, {"content-type": "application/json"}, b'{"ok":true}'),
    "JSON of others with an id": good_reply({"ok": True}),
    "a list": good_reply([]),
    "null": good_reply(None),
    "a text": good_reply("ok"),
    "a number": good_reply(1),
    "deep JSON": good_reply(b"[" * 100_000),
    "not UTF-8": good_reply(b'{"Item":{"id":{"S":"\xff"}}}'),
    "truncated": good_reply(b'{"Item":{"id":{"S":"k1'),
    "two objects": good_reply(b"{}{}"),
    "an empty body": good_reply(b""),
    "a wrong checksum": good_reply({}, x_amz_crc32="7"),
    "an odd checksum": good_reply({}, x_amz_crc32="none"),
    "204": good_reply({}, 204),
    "a redirection": Reply(301, {"location": "https://example.com"}, b""),
    "404": Reply(404, {"content-type": "text/html"}, b"<html>"),
    "403 of a gateway": Reply(403, {"content-type": "application/json"}, b'{"message":"Forbidden"}'),
    "a truncated error": good_reply(b'{"__type":"com.amazonaws', 400),
    "an error that is a list": good_reply([1], 400),
}


@pytest.mark.parametrize("reply", STRANGE.values(), ids=STRANGE)
@pytest.mark.parametrize("operation", BY_NAME)
def test_what_is_not_dynamodb_is_an_error(operation: Operation[Any], reply: Reply) -> None:
    """
    Never "absent", never "stored", for no operation.
    """
    with pytest.raises(NotDynamoDBReply):
        read(operation, reply)


@pytest.mark.parametrize("operation", BY_NAME)
def test_a_reply_of_json_needs_a_request_id(operation: Operation[Any]) -> None:
    """
    Without one it may be from anybody; DynamoDB's own content type is nobody else's (Alternator sends no id).
    """
    good = good_reply(GOOD[operation.name])

    with pytest.raises(NotDynamoDBReply):
        read(operation, Reply(200, {"content-type": "application/json"}, good.body))
    read(operation, Reply(200, {"content-type": "application/x-amz-json-1.0"}, good.body))
    read(operation, Reply(200, {"content-type": "application/json", "x-amzn-requestid": "1"}, good.body))


#: A reply without members that are always there; GetItem's and the writes' may well be empty.
_MAY_BE_EMPTY = ("GetItem", "PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems")


@pytest.mark.parametrize("operation", BY_NAME)
def test_missing_members_are_an_error(operation: Operation[Any]) -> None:
    """
    Every member that DynamoDB always sends must be there, and be what it is.
    """
    body = GOOD[operation.name]
    count_only = getattr(operation, "count_only", False)

    for name in body:
        for wrong in (5, "text", [5], None):
            if (name, wrong) != ("Items", None) and not (name.endswith("Count") and wrong == 5):
                with pytest.raises(NotDynamoDBReply):
                    read(operation, good_reply({**body, name: wrong}))
        if operation.name not in _MAY_BE_EMPTY and not (count_only and name == "Items"):
            with pytest.raises(NotDynamoDBReply):
                read(operation, good_reply({key: body[key] for key in body if key != name}))


FOREIGN = {"id": {"S": "k2"}, "text": {"S": "x"}}


@pytest.mark.parametrize(
    ("operation", "body"),
    [
        (OPERATIONS[0], {"Item": FOREIGN}),
        (OPERATIONS[0], {"Item": {"id": {"N": "1"}}}),
        (OPERATIONS[0], {"Item": {"id": {"S": 5}}}),
        (UPDATE, {"Attributes": FOREIGN}),
        (OPERATIONS[3], {"Attributes": FOREIGN}),
        (PutItem("t", ITEM, return_old=True, key_wires=frozenset(KEY)), {"Attributes": FOREIGN}),
        (OPERATIONS[4], {"Responses": {"t": [FOREIGN]}, "UnprocessedKeys": {}}),
        (OPERATIONS[4], {"Responses": {"t": [ITEM, ITEM]}, "UnprocessedKeys": {}}),
        (OPERATIONS[4], {"Responses": {"t": [ITEM]}, "UnprocessedKeys": {"t": {"Keys": [KEY]}}}),
        (OPERATIONS[4], {"Responses": {}, "UnprocessedKeys": {"t": {"Keys": [{"id": {"S": "k2"}}]}}}),
        (OPERATIONS[4], {"Responses": {}, "UnprocessedKeys": {"t": {"Keys": [{"id": {"N": "x"}}]}}}),
        (OPERATIONS[4], {"Responses": {"u": []}, "UnprocessedKeys": {}}),
        (OPERATIONS[4], {"Responses": {"t": [{"text": {"S": "x"}}]}, "UnprocessedKeys": {}}),
        (OPERATIONS[5], {"UnprocessedItems": {"t": [{"PutRequest": {"Item": FOREIGN}}]}}),
        (OPERATIONS[5], {"UnprocessedItems": {"u": [{"PutRequest": {"Item": ITEM}}]}}),
        (OPERATIONS[5], {"UnprocessedItems": {"t": [{}]}}),
        (OPERATIONS[5], {"UnprocessedItems": {"t": [{"PutRequest": {"Item": ITEM}}] * 2}}),
        (OPERATIONS[6], {"Items": [FOREIGN], "Count": 1, "ScannedCount": 1}),
        (OPERATIONS[7], {"Items": [ITEM], "Count": 2, "ScannedCount": 2}),
        (OPERATIONS[10], {"Responses": []}),
        (OPERATIONS[10], {"Responses": [{"Item": FOREIGN}]}),
        (OPERATIONS[10], {"Responses": [{"ok": True}]}),
        (OPERATIONS[12], {"Table": {"TableName": "u", "TableStatus": "ACTIVE"}}),
    ],
    ids=str,
)
def test_a_reply_to_another_request_is_an_error(operation: Operation[Any], body: Any) -> None:
    """
    Items of other keys, of other tables, twice, or without their key: nothing of it is believed.
    """
    with pytest.raises(NotDynamoDBReply):
        read(operation, good_reply(body))


def test_keys_are_the_same_in_other_spellings() -> None:
    """
    A number comes back as the service writes it.
    """
    key = {"id": {"N": "10"}, "at": {"B": "AA=="}}
    stored = {"id": {"N": "1E+1"}, "at": {"B": "AA=="}}

    item = read(GetItem("t", key), good_reply({"Item": stored}))
    batch = read(BatchGetItem("t", [key]), good_reply({"Responses": {"t": [stored]}, "UnprocessedKeys": {}}))

    assert stored == item
    assert ([key], [stored]) == (batch.refs, batch.items)


def test_a_projection_may_leave_out_everything() -> None:
    """
    An item without any of the attributes asked for is there all the same.
    """
    assert {} == read(GetItem("t", KEY, projection=(Path.of("a"),)), good_reply({"Item": {}}))
    assert read(GetItem("t", KEY), good_reply({})) is None


# --- errors ---------------------------------------------------------------------------------


def test_errors_carry_what_dynamodb_said() -> None:
    """
    Code, message, status, request id and the stored item are attributes.
    """
    with pytest.raises(ServiceError) as caught:
        read(PUT, error_reply("ConditionalCheckFailedException", "The conditional request failed", Item=ITEM))

    error = caught.value
    assert ("ConditionalCheckFailedException", "The conditional request failed") == (error.code, error.reason)
    assert (400, "ID", ITEM) == (error.status, error.request_id, error.item)
    assert SECRET not in repr(error)


@pytest.mark.parametrize("status", [500, 502, 503, 504])
@pytest.mark.parametrize(
    "body", [b"", b"<html>", b'{"__type":"x#ValidationException"}', b'{"message":"x"}', b"[1]"]
)
def test_a_5xx_status_is_an_internal_error(status: int, body: bytes) -> None:
    """
    With or without JSON, whatever the code says.
    """
    with pytest.raises(InternalError) as caught:
        read(PUT, Reply(status, {}, body))

    assert status == caught.value.status


def test_statuses_of_gateways() -> None:
    """
    413 and 429 need no code.
    """
    with pytest.raises(InvalidRequest):
        read(PUT, good_reply({"message": ""}, 413))
    with pytest.raises(ThrottledError):
        read(PUT, Reply(429, {}, b""))


def test_cancelled_transactions_list_their_reasons() -> None:
    """
    One for each action, in their order; the items are attributes, not text.
    """
    reasons = [
        {"Code": "None"},
        {"Code": "ConditionalCheckFailed", "Message": "The conditional request failed", "Item": ITEM},
        {"Code": "ValidationError", "Message": f"Input collection [{SECRET}, {SECRET}] contains duplicates"},
        "odd",
    ]
    with pytest.raises(TransactionCancelled) as caught:
        read(
            TransactWriteItems((PUT,), "t"),
            error_reply("TransactionCanceledException", SECRET, CancellationReasons=reasons),
        )

    error = caught.value
    assert ["None", "ConditionalCheckFailed", "ValidationError", "Unknown"] == [r.code for r in error.reasons]
    assert ITEM == error.reasons[1].item
    assert SECRET not in f"{error} {error!r} {error.reasons!r}"


#: As DynamoDB Local 1.11, dynoxide 1.2.1, moto 5.2 and AWS's documentation have it.
QUOTING = (
    "One or more parameter values were invalid: Input collection [{0}, {0}] contains duplicates",
    "1 validation error detected: Input collection [{0}, {0}]of type BS contains duplicates.",
    "The parameter cannot be converted to a numeric value: {0}",
    "Invalid FilterExpression: The BETWEEN operator requires upper bound to be greater than or equal to lower "
    "bound; lower bound operand: {{S: zz{0},}}, upper bound operand: {{S: aa{0},}}",
    "lower bound operand: AttributeValue: {{S:{0}}}, upper bound operand: AttributeValue: {{S:{0}}}",
    "Invalid attribute type name found; type: {0}, valid types: {{L,BOOL,N}}",
    "1 validation error detected: Value '{{t=[[WriteRequest {{ put_request: Some(PutRequest {{ item: "
    '{{"a": S("{0}")}} }}) }}]]}}\' at \'requestItems\' failed to satisfy constraint: Map value',
    "2 validation errors detected: Value '{0}' at 'a' failed to satisfy constraint: x; "
    "Value '{0}' at 'b' failed to satisfy constraint: y",
    "Value {0} at 'clientRequestToken' failed to satisfy constraint: Member must have length",
    "invalid type: integer `{0}`, expected a string at line 1",
    "Cannot read {0} for some reason that nobody has seen yet",
)


@pytest.mark.parametrize("message", QUOTING)
@pytest.mark.parametrize("value", [SECRET, "§", "it's at 'a' {", "12345.678", "a [b] c"])
def test_messages_lose_the_values_that_they_quote(message: str, value: str) -> None:
    """
    Values of the request do not get into errors; short ones not where services are known to quote.
    """
    operation = PutItem("t", {**KEY, "a": {"S": value}}, key_wires=frozenset(KEY))

    with pytest.raises(InvalidRequest) as caught:
        read(operation, error_reply("ValidationException", message.format(value)))

    if len(value) > 3 or message in QUOTING[:-1]:
        assert value not in caught.value.reason


@given(value=st.text(min_size=4, max_size=30), before=st.text(max_size=20), after=st.text(max_size=20))
def test_no_value_of_a_request_is_in_a_message(value: str, before: str, after: str) -> None:
    """
    Wherever a text of four characters or more stands, in lists and maps too, it goes.
    """
    payload = json.dumps({"Item": {"a": {"M": {"b": {"L": [{"S": value}]}}}}}).encode()

    cleaned = without_values(f"{before}{value}{after}", payload)

    assert value not in cleaned or value in "......"


def test_messages_keep_names() -> None:
    """
    Tables, indexes and attributes are named.
    """
    message = "Type mismatch for Index Key city Expected: N Actual: S IndexName: by_city; table stores"

    assert message == without_values(message, UPDATE.payload())


def test_a_very_long_message_is_a_list_of_values() -> None:
    """
    It is not shown at all, and nobody searches it.
    """
    assert "(a message of 30000 characters)" == without_values("x" * 30_000, b"{}")
    assert 300 == len(without_values("x" * 3000, b"{}"))


@pytest.mark.parametrize(
    "message",
    [
        "The request signature we calculated does not match the signature you provided.\n\n"
        "The Canonical String for this request should have been\n'POST\n/\nx-amz-security-token:TOKEN-SENTINEL'",
        "Authorization header requires 'Signature' parameter. Authorization=AWS4-HMAC-SHA256 "
        "Credential=AKIASENTINEL/20260101",
        "'AKIASENTINEL/20260101/us-east-1' not a valid key=value pair in Authorization header: 'x SENTINEL'",
        "User AKIASENTINEL is not authorized",
    ],
)
def test_refusals_show_no_credentials(message: str) -> None:
    """
    A service that explains a signature repeats what it was made of.
    """
    with pytest.raises(AccessRefused) as caught:
        read(PUT, error_reply("InvalidSignatureException", message))

    assert "SENTINEL" not in str(caught.value)
    assert "SENTINEL" not in without_credentials(message)


def test_refusals_keep_their_reason() -> None:
    """
    Who may not do what, and how wrong the clock is, stays.
    """
    late = (
        "Signature expired: 20261120T061212Z is now earlier than 20261120T062000Z (20261120T062500Z - 5 min.)"
    )

    assert late == without_credentials(late)


@given(body=st.binary(max_size=60), status=st.sampled_from([200, 204, 301, 400, 404, 413, 500]))
def test_any_bytes_are_an_error_or_a_result(body: bytes, status: int) -> None:
    """
    Whatever comes back, nothing but our errors comes out.
    """
    for operation in OPERATIONS:
        try:
            result = read(operation, good_reply(body, status))
        except DynamoException:
            continue
        assert (200, b"{}") == (status, body.strip()), result
