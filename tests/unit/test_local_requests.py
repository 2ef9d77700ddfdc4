"""The front of the embedded engine: what a request may hold, and what AWS says if it does not."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from dynamo_objects.local.errors import ApiError
from dynamo_objects.local.requests import REQUESTS, check, name_of, table_name

KEY = {"a": {"S": "x"}}
NULL = "failed to satisfy constraint: Member must not be null"
CAPACITY = "Member must satisfy enum value set: [INDEXES, TOTAL, NONE]"


def answer(operation: str, request: dict[str, Any]) -> str:
    """Return the message that refuses a request."""
    with pytest.raises(ApiError) as refused:
        check(operation, request)
    return refused.value.message


def code_of(operation: str, request: dict[str, Any]) -> str | None:
    """Return the code of the error for a request, or None."""
    try:
        check(operation, request)
    except ApiError as error:
        return error.code
    return None


VALID = [
    ("GetItem", {"TableName": "abc", "Key": KEY, "ConsistentRead": True}),
    ("GetItem", {"TableName": "a", "Key": {}}),
    ("GetItem", {"TableName": "abc", "Key": KEY, "ConsistentRead": None, "ProjectionExpression": None}),
    ("GetItem", {"TableName": "arn:aws:dynamodb:eu-west-1:000000000000:table/abc", "Key": KEY}),
    ("PutItem", {"TableName": "abc", "Item": KEY, "Unknown": {"is": "ignored"}}),
    ("Query", {"TableName": "abc", "Limit": 1, "Select": "COUNT", "ScanIndexForward": False}),
    ("Query", {"TableName": "abc", "Limit": 2.9}),
    ("Scan", {"TableName": "abc", "Segment": 0, "TotalSegments": 1_000_000}),
    ("BatchGetItem", {"RequestItems": {"abc": {"Keys": [KEY] * 100}}}),
    ("BatchWriteItem", {"RequestItems": {"abc": [{"PutRequest": {"Item": KEY}}] * 25}}),
    ("TransactWriteItems", {"TransactItems": [{"Put": {"TableName": "abc", "Item": KEY}}] * 100}),
    ("ListTables", {}),
    ("ListTables", {"ExclusiveStartTableName": None, "Limit": None}),
    ("DescribeLimits", {}),
]


@pytest.mark.parametrize(("operation", "request_"), VALID)
def test_what_is_all_right_passes(operation, request_):
    """
    Requests of the right shape pass; members that are null count as absent, unknown ones are ignored.
    """
    check(operation, request_)

    assert None not in [request_.get(name) for name in request_]


def test_fractions_are_cut_off():
    """
    A fraction where a whole number belongs is cut off, as AWS's parser does.
    """
    request = {"TableName": "abc", "Limit": 2.9}

    check("Query", request)

    assert 2 == request["Limit"]


MALFORMED = [
    ("GetItem", {"TableName": 23}, "NUMBER_VALUE cannot be converted to String"),
    ("GetItem", {"TableName": 34.56}, "DECIMAL_VALUE cannot be converted to String"),
    ("GetItem", {"TableName": True}, "TRUE_VALUE cannot be converted to String"),
    ("GetItem", {"TableName": False}, "FALSE_VALUE cannot be converted to String"),
    ("GetItem", {"TableName": []}, "Unrecognized collection type class java.lang.String"),
    ("GetItem", {"TableName": {}}, "Start of structure or map found where not expected"),
    ("GetItem", {"ConsistentRead": "true"}, "Unexpected token received from parser"),
    ("GetItem", {"ConsistentRead": 1}, "NUMBER_VALUE cannot be converted to Boolean"),
    ("Query", {"Limit": "23"}, "STRING_VALUE cannot be converted to Integer"),
    ("Query", {"Limit": True}, "TRUE_VALUE cannot be converted to Integer"),
    ("CreateTable", {"ProvisionedThroughput": {"ReadCapacityUnits": "1"}}, "STRING_VALUE cannot be converted to Long"),
    ("GetItem", {"AttributesToGet": "a"}, "Unexpected field type"),
    ("GetItem", {"AttributesToGet": {}}, "Start of structure or map found where not expected"),
    ("GetItem", {"AttributesToGet": [1]}, "NUMBER_VALUE cannot be converted to String"),
    ("GetItem", {"Key": "a"}, "Unexpected field type"),
    ("GetItem", {"Key": []}, "Unrecognized collection type java.util.Map<java.lang.String, com.amazonaws.dynamodb.v20120810.AttributeValue>"),
    ("GetItem", {"Key": {"a": "x"}}, "Unexpected value type in payload"),
    ("GetItem", {"Key": {"a": []}}, "Unrecognized collection type class com.amazonaws.dynamodb.v20120810.AttributeValue"),
    ("GetItem", {"Key": {"a": {"S": 1}}, "AttributesToGet": []}, "NUMBER_VALUE cannot be converted to String"),
    ("PutItem", {"Item": {"a": {"L": [{"M": {"b": {"BOOL": 1}}}]}}}, "NUMBER_VALUE cannot be converted to Boolean"),
    ("PutItem", {"Item": {"a": {"B": "abc"}}}, "Base64 encoded length is expected a multiple of 4 bytes but found: 3"),
    ("PutItem", {"Item": {"a": {"BS": [5]}}}, "only base-64-encoded strings are convertible to bytes"),
    ("CreateTable", {"KeySchema": ["a"]}, "Unexpected value type in payload"),
    ("CreateTable", {"KeySchema": [[]]}, "Unrecognized collection type class com.amazonaws.dynamodb.v20120810.KeySchemaElement"),
    ("CreateTable", {"ProvisionedThroughput": 1}, "Unexpected field type"),
]  # fmt: skip


@pytest.mark.parametrize(("operation", "request_", "message"), MALFORMED)
def test_wrong_json_types(operation, request_, message):
    """
    Wrong JSON types are a SerializationException, said before anything else, in AWS's words.
    """
    with pytest.raises(ApiError) as refused:
        check(operation, request_)

    assert ("SerializationException", message) == (refused.value.code, refused.value.message)


def test_the_first_wrong_type_in_the_text_is_reported():
    """
    The front reads a request as it comes, whatever the order of its own members.
    """
    assert "TRUE_VALUE cannot be converted to Integer" == answer("Query", {"Limit": True, "TableName": 1})
    assert "NUMBER_VALUE cannot be converted to String" == answer("Query", {"TableName": 1, "Limit": True})


ONE = "1 validation error detected: "
LENGTH = "failed to satisfy constraint: Member must have length"
PATTERN = "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+"
NEW_RETURN = "Failed to satisfy constraint: Member must satisfy enum value set: [ALL_OLD, UPDATED_OLD, ALL_NEW, UPDATE_NEW, NONE]"
REFUSED = [
    ("PutItem", {"Item": KEY}, f"{ONE}Value null at 'tableName' {NULL}"),
    ("PutItem", {"TableName": "", "Item": {}, "ReturnValues": "X"}, f"{ONE}Value at 'TableName' {LENGTH} greater than or equal to 1"),
    ("PutItem", {"TableName": "a" * 256, "Item": KEY}, f"{ONE}Value '{'a' * 256}' at 'tableName' {LENGTH} less than or equal to 255"),
    ("PutItem", {"TableName": "bad table!@#", "Item": KEY}, f"{ONE}Value 'bad table!@#' at 'tableName' failed to satisfy constraint: {PATTERN}"),
    (
        "PutItem",
        {"TableName": "abc", "Item": KEY, "ReturnValues": "X", "ReturnConsumedCapacity": "X", "ReturnItemCollectionMetrics": "X"},
        f"3 validation errors detected: Value 'X' at 'returnConsumedCapacity' failed to satisfy constraint: {CAPACITY}; "
        f"{NEW_RETURN}; Value 'X' at 'returnItemCollectionMetrics' failed to satisfy constraint: Member must satisfy enum value set: [SIZE, NONE]",
    ),
    ("UpdateItem", {"TableName": "abc", "Key": KEY, "ReturnValues": "X", "ReturnConsumedCapacity": "X"}, ONE + NEW_RETURN),
    (
        "UpdateItem",
        {"TableName": "", "ReturnValues": "INVALID", "ReturnConsumedCapacity": "INVALID"},
        f"4 validation errors detected: Value 'INVALID' at 'returnConsumedCapacity' failed to satisfy constraint: {CAPACITY}; "
        f"Value '' at 'tableName' {LENGTH} greater than or equal to 1; "
        "Value 'INVALID' at 'returnValues' failed to satisfy constraint: Member must satisfy enum value set: [ALL_NEW, UPDATED_OLD, ALL_OLD, NONE, UPDATED_NEW]; "
        f"Value null at 'key' {NULL}",
    ),
    ("Query", {"TableName": "abc", "Limit": 0}, f"{ONE}Value at 'Limit' failed to satisfy constraint: Member must have value greater than or equal to 1"),
    ("Query", {"TableName": "abc", "ConditionalOperator": "XOR", "Select": "X"}, "Failed to satisfy constraint: Member must satisfy enum value set: [ALL, OR]"),
    (
        "Query",
        {"TableName": "abc", "Select": "X"},
        f"{ONE}Value 'X' at 'select' failed to satisfy constraint: Member must satisfy enum value set: [SPECIFIC_ATTRIBUTES, COUNT, ALL_ATTRIBUTES, ALL_PROJECTED_ATTRIBUTES]",
    ),
    ("Scan", {"TableName": "abc", "Limit": 0}, f"{ONE}Value '0' at 'limit' failed to satisfy constraint: Member must have value greater than or equal to 1"),
    ("Scan", {"TableName": "abc", "Segment": -1}, f"{ONE}Value '-1' at 'segment' failed to satisfy constraint: Member must have value greater than or equal to 0"),
    ("Scan", {"TableName": "abc", "TotalSegments": 1_000_001}, f"{ONE}Value '1000001' at 'totalSegments' failed to satisfy constraint: Member must have value less than or equal to 1000000"),
    ("GetItem", {"TableName": "abc", "Key": KEY, "AttributesToGet": []}, f"{ONE}Value '[]' at 'attributesToGet' {LENGTH} greater than or equal to 1"),
    ("BatchGetItem", {"RequestItems": {}}, f"{ONE}Value at 'RequestItems' {LENGTH} greater than or equal to 1"),
    ("BatchWriteItem", {}, "The requestItems parameter is required for BatchWriteItem"),
    ("BatchGetItem", {"RequestItems": {"abc": {"Keys": [KEY] * 101}}}, f"{ONE}Value at 'RequestItems.abc.member.Keys' {LENGTH} less than or equal to 100"),
    ("BatchGetItem", {"RequestItems": {"abc": {}}}, f"{ONE}Value null at 'requestItems.abc.member.keys' {NULL}"),
    ("TransactGetItems", {"TransactItems": []}, f"{ONE}Value '[]' at 'transactItems' {LENGTH} greater than or equal to 1"),
    (
        "TransactWriteItems",
        {"TransactItems": [{"Put": {"TableName": "abc", "Item": KEY}}], "ReturnConsumedCapacity": "X", "ClientRequestToken": "x" * 37},
        f"2 validation errors detected: Value '{'x' * 37}' at 'clientRequestToken' {LENGTH} less than or equal to 36; "
        f"Value 'X' at 'returnConsumedCapacity' failed to satisfy constraint: {CAPACITY}",
    ),
    ("TransactWriteItems", {"TransactItems": [{}, {"Put": {"TableName": "abc"}}]}, f"{ONE}Value null at 'transactItems.2.member.put.item' {NULL}"),
    ("CreateTable", {}, "The parameter 'TableName' is required but was not present in the request"),
    ("CreateTable", {"TableName": "ab"}, f"{ONE}Value 'ab' at 'tableName' {LENGTH} greater than or equal to 3"),
    ("DeleteTable", {"TableName": "ab"}, f"{ONE}Value 'ab' at 'tableName' {LENGTH} greater than or equal to 3"),
    (
        "CreateTable",
        {"TableName": "abc;"},
        f"3 validation errors detected: Value null at 'attributeDefinitions' {NULL}; Value 'abc;' at 'tableName' failed to satisfy constraint: {PATTERN}; Value null at 'keySchema' {NULL}",
    ),
    (
        "ListTables",
        {"ExclusiveStartTableName": "a;", "Limit": 500},
        "3 validation errors detected: Value '500' at 'limit' failed to satisfy constraint: Member must have value less than or equal to 100; "
        f"Value 'a;' at 'exclusiveStartTableName' failed to satisfy constraint: {PATTERN}; Value 'a;' at 'exclusiveStartTableName' {LENGTH} greater than or equal to 3",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("operation", "request_", "message"), REFUSED)
def test_violated_constraints(operation, request_, message):
    """
    Violated constraints are a ValidationException, in AWS's words and order.
    """
    assert message == answer(operation, request_)


def test_structures_are_shown_as_java_shows_them():
    """
    A list that is too long is shown as AWS shows it.
    """
    names = ("pk", "sk", "extra")
    schema = [{"AttributeName": name, "KeyType": "RANGE" if name != "pk" else "HASH"} for name in names]
    request = {"TableName": "abc", "AttributeDefinitions": [], "KeySchema": schema}

    assert (
        "1 validation error detected: Value '[KeySchemaElement(attributeName=pk, keyType=HASH), "
        "KeySchemaElement(attributeName=sk, keyType=RANGE), "
        "KeySchemaElement(attributeName=extra, keyType=RANGE)]' at 'keySchema' failed to satisfy constraint: "
        "Member must have length less than or equal to 2"
    ) == answer("CreateTable", request)


def test_too_many_writes_are_shown_as_java_shows_them():
    """
    A batch of too many writes is shown whole, with members and type tags that no request has.
    """
    message = answer(
        "BatchWriteItem", {"RequestItems": {"abc": [{"PutRequest": {"Item": {"pk": {"S": "bw"}}}}] * 26}}
    )

    first = (
        "1 validation error detected: Value '{abc=[WriteRequest(putRequest=PutRequest(item={pk=AttributeValue("
        "s=bw, n=null, b=null, iNT=null, dECIMAL=null, dOUBLE=null, sS=null, nS=null, bS=null, iNTSET=null, "
        "dECIMALSET=null, dOUBLESET=null, m=null, l=null, nULL=null, bOOL=null)}, workloadProfileName=null), "
        "deleteRequest=null), "
    )
    assert message.startswith(first)
    assert message.endswith(
        "]}' at 'requestItems' failed to satisfy constraint: Map value must satisfy constraint: "
        "[Member must have length less than or equal to 25, Member must have length greater than or equal to 1]"
    )


def test_no_more_than_ten_violations_are_told():
    """
    AWS counts up to ten.
    """
    message = answer(
        "CreateTable",
        {
            "TableName": "abc",
            "AttributeDefinitions": [],
            "KeySchema": [{"AttributeName": "a", "KeyType": "HASH"}],
            "LocalSecondaryIndexes": [{}] * 9,
        },
    )

    assert message.startswith("10 validation errors detected: ")
    assert 10 == message.count("failed to satisfy")


def test_global_indexes_are_reported_before_local_ones():
    """
    The order of violations is AWS's, not that of the request.
    """
    short = {"IndexName": "l1", "KeySchema": [{"AttributeName": "a", "KeyType": "HASH"}], "Projection": {}}
    message = answer(
        "CreateTable",
        {
            "TableName": "abc",
            "AttributeDefinitions": [],
            "KeySchema": [{"AttributeName": "a", "KeyType": "HASH"}],
            "LocalSecondaryIndexes": [short],
            "GlobalSecondaryIndexes": [{**short, "IndexName": "g1"}],
        },
    )

    assert message.index("globalSecondaryIndexes.1.member.indexName") < message.index("localSecondary")


def test_every_operation_survives_any_member():
    """
    Whatever stands in a member, the answer is an error of the service or none.
    """
    odd = [None, True, 5, 2.5, "", "x", [], [None], [[]], {}, {"a": None}, {"a": 1}, [{"a": []}]]
    codes = {
        code_of(operation, {"TableName": "abc", name: deepcopy(value)})
        for operation, kind in REQUESTS.items()
        for name in kind.members
        for value in odd
    }

    assert {None, "ValidationException", "SerializationException"} == codes


def test_deep_values_are_left_to_those_who_check_values():
    """
    A value that is nested too deeply is no matter of JSON types.
    """
    value: dict[str, Any] = {"S": "x"}
    for _ in range(300):
        value = {"L": [value]}

    check("PutItem", {"TableName": "abc", "Item": {"a": value}, "ReturnValues": None})


@pytest.mark.parametrize(("levels", "is_old"), [(62, False), (63, True)])
def test_very_deep_requests_get_the_old_words(levels, is_old):
    """
    The front of single items reads no further than 62 levels, and leaves the rest to the old one.
    """
    value: dict[str, Any] = {"S": "leaf"}
    for _ in range(levels):
        value = {"M": {"n": value}}

    message = answer(
        "DeleteItem",
        {
            "TableName": "abc",
            "Key": KEY,
            "ExpressionAttributeValues": {":deep": value},
            "ReturnValues": "BOGUS",
        },
    )

    assert is_old == ("Value 'BOGUS' at 'returnValues'" in message)


@pytest.mark.parametrize("table", ["abc", "arn:aws:dynamodb:us-east-1:000000000000:table/abc"])
def test_names_and_arns(table):
    """
    A table is given by its name or its ARN.
    """
    assert "abc" == name_of(table)
    assert "abc" == table_name({"TableName": table})
