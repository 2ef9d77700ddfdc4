"""Operations as values: their payloads, their results, what they tell about themselves."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from dynamo_objects import DynamoRecord
from dynamo_objects.errors import NotDynamoDBReply, QueryError
from dynamo_objects.expressions.tree import (
    Add,
    And,
    AttributeExists,
    AttributeNotExists,
    Between,
    Compare,
    Path,
    Set,
    Update,
    Value,
)
from dynamo_objects.operations.base import Operation, Resend
from dynamo_objects.operations.batch import BatchGetItem, BatchRead, BatchWriteItem, Write, key_identity
from dynamo_objects.operations.item import DeleteItem, GetItem, PutItem, UpdateItem
from dynamo_objects.operations.search import Page, Query, Scan
from dynamo_objects.operations.table import (
    CreateTable,
    DeleteTable,
    DescribeTable,
    DescribeTimeToLive,
    IndexDescription,
    ListTables,
    TableDescription,
    TableNames,
    UpdateTable,
    UpdateTimeToLive,
)
from dynamo_objects.operations.transaction import ConditionCheck, TransactGetItems, TransactWriteItems
from dynamo_objects.record import codec_of

KEY = {"id": {"S": "k1"}}
SECRET = "sentinel-of-a-value"
ITEM = {**KEY, "text": {"S": SECRET}}
ID, TEXT = Path.of("id"), Path.of("text")
SECRET_VALUE = Value({"S": SECRET})
EXISTS = AttributeExists(ID)
IS_K1 = Compare("=", ID, Value({"S": "k1"}))


def sent(operation: Operation[Any]) -> Any:
    """Return the payload as JSON says."""
    return json.loads(operation.payload())


def parsed(operation: Operation[Any], body: Any) -> Any:
    """Return what an operation makes of a body."""
    return operation.parse(json.dumps(body).encode())


GUARD = {
    "ConditionExpression": "attribute_exists(#n0)",
    "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    "ExpressionAttributeNames": {"#n0": "id"},
}

PAYLOADS: tuple[tuple[Operation[Any], dict[str, Any]], ...] = (
    (GetItem("t", KEY), {"TableName": "t", "Key": KEY}),
    (GetItem("t", KEY, consistent=True), {"TableName": "t", "Key": KEY, "ConsistentRead": True}),
    (
        GetItem("t", KEY, projection=(ID, Path.of("a", 0, "b"))),
        {
            "TableName": "t",
            "Key": KEY,
            "ProjectionExpression": "#n0, #n1[0].#n2",
            "ExpressionAttributeNames": {"#n0": "id", "#n1": "a", "#n2": "b"},
        },
    ),
    (PutItem("t", ITEM), {"TableName": "t", "Item": ITEM}),
    (PutItem("t", ITEM, return_old=True), {"TableName": "t", "Item": ITEM, "ReturnValues": "ALL_OLD"}),
    (PutItem("t", ITEM, EXISTS), {"TableName": "t", "Item": ITEM, **GUARD}),
    (DeleteItem("t", KEY), {"TableName": "t", "Key": KEY}),
    (
        DeleteItem("t", KEY, EXISTS, return_old=True),
        {"TableName": "t", "Key": KEY, "ReturnValues": "ALL_OLD", **GUARD},
    ),
    (UpdateItem("t", KEY, Update()), {"TableName": "t", "Key": KEY}),
    (
        UpdateItem("t", KEY, Update(sets=(Set(TEXT, SECRET_VALUE),)), EXISTS, "ALL_NEW"),
        {
            "TableName": "t",
            "Key": KEY,
            "UpdateExpression": "SET #n0 = :v0",
            "ExpressionAttributeValues": {":v0": {"S": SECRET}},
            "ReturnValues": "ALL_NEW",
            **GUARD,
            "ConditionExpression": "attribute_exists(#n1)",
            "ExpressionAttributeNames": {"#n0": "text", "#n1": "id"},
        },
    ),
    (BatchGetItem("t", [KEY]), {"RequestItems": {"t": {"Keys": [KEY]}}}),
    (
        BatchGetItem("t", [KEY], consistent=True, projection=(ID,)),
        {
            "RequestItems": {
                "t": {
                    "Keys": [KEY],
                    "ConsistentRead": True,
                    "ProjectionExpression": "#n0",
                    "ExpressionAttributeNames": {"#n0": "id"},
                }
            }
        },
    ),
    (
        BatchWriteItem((Write("t", KEY, ITEM), Write("u", KEY), Write("t", {"id": {"S": "k2"}}))),
        {
            "RequestItems": {
                "t": [{"PutRequest": {"Item": ITEM}}, {"DeleteRequest": {"Key": {"id": {"S": "k2"}}}}],
                "u": [{"DeleteRequest": {"Key": KEY}}],
            }
        },
    ),
    (
        Query(table="t", key_condition=IS_K1),
        {
            "TableName": "t",
            "KeyConditionExpression": "#n0 = :v0",
            "ExpressionAttributeNames": {"#n0": "id"},
            "ExpressionAttributeValues": {":v0": {"S": "k1"}},
        },
    ),
    (
        Query(
            table="t",
            key_condition=IS_K1,
            reverse=True,
            index="by_city",
            limit=5,
            consistent=True,
            start_key=KEY,
            filter=AttributeExists(TEXT),
            projection=(ID,),
        ),
        {
            "TableName": "t",
            "IndexName": "by_city",
            "KeyConditionExpression": "#n0 = :v0",
            "FilterExpression": "attribute_exists(#n1)",
            "ProjectionExpression": "#n0",
            "ExpressionAttributeNames": {"#n0": "id", "#n1": "text"},
            "ExpressionAttributeValues": {":v0": {"S": "k1"}},
            "ScanIndexForward": False,
            "Limit": 5,
            "ConsistentRead": True,
            "ExclusiveStartKey": KEY,
        },
    ),
    (Scan(table="t"), {"TableName": "t"}),
    (
        Scan(table="t", segment=0, total_segments=4, count_only=True, projection=(ID,)),
        {"TableName": "t", "Segment": 0, "TotalSegments": 4, "Select": "COUNT"},
    ),
    (
        TransactWriteItems((PutItem("t", ITEM), ConditionCheck("t", {"id": {"S": "k2"}}, EXISTS)), "token"),
        {
            "TransactItems": [
                {"Put": {"TableName": "t", "Item": ITEM}},
                {"ConditionCheck": {"TableName": "t", "Key": {"id": {"S": "k2"}}, **GUARD}},
            ],
            "ClientRequestToken": "token",
        },
    ),
    (
        TransactWriteItems(
            (DeleteItem("t", KEY, return_old=True), UpdateItem("t", KEY, Update(), EXISTS)), "x"
        ),
        {
            "TransactItems": [
                {"Delete": {"TableName": "t", "Key": KEY}},
                {"Update": {"TableName": "t", "Key": KEY, **GUARD}},
            ],
            "ClientRequestToken": "x",
        },
    ),
    (
        TransactGetItems((GetItem("t", KEY, consistent=True),)),
        {"TransactItems": [{"Get": {"TableName": "t", "Key": KEY}}]},
    ),
    (CreateTable("t", {"KeySchema": []}), {"TableName": "t", "KeySchema": []}),
    (DescribeTable("t"), {"TableName": "t"}),
    (DeleteTable("t"), {"TableName": "t"}),
    (ListTables(), {}),
    (ListTables("t"), {"ExclusiveStartTableName": "t"}),
    (UpdateTable("t"), {"TableName": "t"}),
    (
        UpdateTable("t", (3, 4), {"by_city": (1, 2)}),
        {
            "TableName": "t",
            "ProvisionedThroughput": {"ReadCapacityUnits": 3, "WriteCapacityUnits": 4},
            "GlobalSecondaryIndexUpdates": [
                {
                    "Update": {
                        "IndexName": "by_city",
                        "ProvisionedThroughput": {"ReadCapacityUnits": 1, "WriteCapacityUnits": 2},
                    }
                }
            ],
        },
    ),
    (DescribeTimeToLive("t"), {"TableName": "t"}),
    (
        UpdateTimeToLive("t", "ttl"),
        {"TableName": "t", "TimeToLiveSpecification": {"AttributeName": "ttl", "Enabled": True}},
    ),
)


@pytest.mark.parametrize(("operation", "payload"), PAYLOADS, ids=lambda value: getattr(value, "name", ""))
def test_payload(operation: Operation[Any], payload: dict[str, Any]) -> None:
    """
    The bytes are the JSON that DynamoDB's API reference asks for, without empty members.
    """
    assert payload == sent(operation)
    assert operation.payload() == operation.payload()


@pytest.mark.parametrize("operation", [row[0] for row in PAYLOADS], ids=lambda o: o.name)
def test_operations_are_values(operation: Operation[Any]) -> None:
    """
    They compare by value, cannot be changed, and show keys but no item values.
    """
    same = msgspec.structs.replace(operation)

    assert same == operation
    with pytest.raises(AttributeError):
        operation.table = "u"  # type: ignore[attr-defined]
    assert SECRET not in repr(operation)


def test_an_operation_without_payload_says_so() -> None:
    """
    Whoever makes a kind of operation has to say how it is sent and read.
    """
    with pytest.raises(TypeError, match="Operation has no payload"):
        Operation().payload()
    with pytest.raises(TypeError, match="Operation has no reply"):
        Operation().parse(b"{}")
    assert ("", None) == Operation().subject


def test_subjects_name_table_and_key() -> None:
    """
    Errors say which table and which key, of a transaction the first.
    """
    put = PutItem("t", ITEM, key_wires=frozenset({"id"}))

    assert ("t", KEY) == put.subject == GetItem("t", KEY).subject == UpdateItem("t", KEY, Update()).subject
    assert (
        ("t", KEY)
        == TransactWriteItems((put,), "x").subject
        == TransactGetItems((GetItem("t", KEY),)).subject
    )
    assert ("t", KEY) == TransactWriteItems((ConditionCheck("t", KEY, EXISTS),), "x").subject
    assert ("a, t", None) == BatchWriteItem((Write("t", KEY), Write("a", KEY))).subject
    assert (
        ("t", None)
        == BatchGetItem("t", [KEY]).subject
        == Scan(table="t").subject
        == DescribeTable("t").subject
    )


def test_what_may_be_sent_again() -> None:
    """
    Reads and whole puts are safe; with a condition, or asking for old values, a repeat must be checked.
    """
    sets, adds = Update(sets=(Set(TEXT, SECRET_VALUE),)), Update(adds=(Add(TEXT, Value({"N": "1"})),))

    assert Resend.SAFE is GetItem("t", KEY).resend is PutItem("t", ITEM).resend is DeleteItem("t", KEY).resend
    assert (
        Resend.SAFE is UpdateItem("t", KEY, sets).resend is UpdateItem("t", KEY, sets, None, "ALL_NEW").resend
    )
    assert Resend.SAFE is BatchWriteItem(()).resend is TransactWriteItems((), "x").resend
    assert Resend.CHECKED is PutItem("t", ITEM, EXISTS).resend is PutItem("t", ITEM, return_old=True).resend
    assert (
        Resend.CHECKED is DeleteItem("t", KEY, EXISTS).resend is DeleteItem("t", KEY, return_old=True).resend
    )
    assert Resend.CHECKED is UpdateItem("t", KEY, sets, EXISTS).resend
    assert Resend.CHECKED is UpdateItem("t", KEY, sets, None, "UPDATED_OLD").resend
    assert Resend.NEVER is UpdateItem("t", KEY, adds).resend is UpdateItem("t", KEY, adds, EXISTS).resend


# --- results --------------------------------------------------------------------------------


def test_items() -> None:
    """
    Reads give the item or None, writes the attributes that they ask for.
    """
    assert ITEM == parsed(GetItem("t", KEY), {"Item": ITEM})
    assert parsed(GetItem("t", KEY), {}) is None
    assert ITEM == parsed(UpdateItem("t", KEY, Update()), {"Attributes": ITEM})
    assert {"n": {"N": "1"}} == parsed(UpdateItem("t", KEY, Update()), {"Attributes": {"n": {"N": "1"}}})
    assert ITEM == parsed(DeleteItem("t", KEY), {"Attributes": ITEM})
    assert parsed(PutItem("t", ITEM), {"ItemCollectionMetrics": {}}) is None


def test_batch_reads_tell_keys_apart() -> None:
    """
    Found, absent and unprocessed together are what was asked for, in the spelling of the asker.
    """
    keys = [{"id": {"N": spelling}} for spelling in ("1", "2.0", "3", "4")]
    two, four = {"id": {"N": "2"}, "a": {"S": "x"}}, {"id": {"N": "4.0"}}
    body = {"Responses": {"t": [two]}, "UnprocessedKeys": {"t": {"Keys": [four]}}}

    read = parsed(BatchGetItem("t", keys), body)

    assert BatchRead([keys[1]], [two], [keys[0], keys[2]], [keys[3]]) == read
    assert BatchRead([], [], [], keys) == parsed(
        BatchGetItem("t", keys), {"Responses": {}, "UnprocessedKeys": {"t": {"Keys": keys}}}
    )


@pytest.mark.parametrize(
    "refs", [[("a", "1"), ("a", "2"), ("a", "3")], ["x", "y", "z"]], ids=["texts", "names"]
)
def test_batch_reads_tell_what_their_keys_are_known_by(refs: list[Any]) -> None:
    """
    Whether that is the texts of the keys, or anything else; requests for the rest know it too.
    """
    keys = [{"h": {"S": "a"}, "r": {"S": number}} for number in "123"]
    are_texts = refs[0] == ("a", "1")
    request = BatchGetItem("t", keys, refs=refs, are_texts=are_texts, reader=codec_of(Pair).reader)
    body = {"Responses": {"t": [keys[2]]}, "UnprocessedKeys": {"t": {"Keys": [{**keys[1]}]}}}

    read = parsed(request, body)

    assert ([refs[2]], [keys[2]], [refs[0]], [keys[1]]) == (
        read.refs,
        read.items,
        read.absent,
        read.unprocessed,
    )
    rest = request.only(read.unprocessed)
    assert ([keys[1]], [refs[1]]) == (rest.keys, rest.refs)
    for items in ([keys[0], keys[0]], [{**keys[0], "r": {"S": "4"}}]):
        with pytest.raises(NotDynamoDBReply, match="not asked for"):
            parsed(request, {"Responses": {"t": items}, "UnprocessedKeys": {}})


class Pair(DynamoRecord):
    h: str = ""
    r: str = ""


def test_batch_writes_return_what_was_left() -> None:
    """
    Unprocessed requests become the writes that were given, by table and key.
    """
    put = Write("t", {"id": {"N": "1"}}, {"id": {"N": "1"}, "a": {"S": "x"}}, ref="r")
    delete, other = Write("t", {"id": {"N": "2"}}), Write("u", {"id": {"N": "2"}})
    left = {
        "t": [{"PutRequest": {"Item": {"id": {"N": "1.0"}, "a": {"S": "x"}}}}],
        "u": [{"DeleteRequest": {"Key": {"id": {"N": "2"}}}}],
    }

    unprocessed = parsed(BatchWriteItem((put, delete, other)), {"UnprocessedItems": left})

    assert [put, other] == unprocessed
    assert "r" == unprocessed[0].ref
    assert [] == parsed(BatchWriteItem((put,)), {"UnprocessedItems": {}})


def test_keys_are_identified_by_value() -> None:
    """
    Numbers by their value, texts and binaries as they are, whatever the order of the attributes.
    """
    assert key_identity({"a": {"N": "1"}, "b": {"S": "x"}}) == key_identity(
        {"b": {"S": "x"}, "a": {"N": "1.0"}}
    )
    assert key_identity({"a": {"N": "1"}}) != key_identity({"a": {"S": "1"}})
    assert key_identity({"a": {"S": "é"}}) != key_identity({"a": {"S": "e\u0301"}})
    assert key_identity({"a": {"N": "1e125"}}) == key_identity({"a": {"N": "1" + "0" * 125}})


def test_pages() -> None:
    """
    Items, their count, and where the next page begins.
    """
    body = {"Items": [ITEM], "Count": 1, "ScannedCount": 7, "LastEvaluatedKey": KEY}

    assert Page([ITEM], 1, KEY) == parsed(Scan(table="t"), body)
    assert Page([], 0, None) == parsed(Scan(table="t"), {"Items": [], "Count": 0, "ScannedCount": 7})
    assert Page([], 7, None) == parsed(Scan(table="t", count_only=True), {"Count": 7, "ScannedCount": 7})


@pytest.mark.parametrize(
    "condition",
    [
        IS_K1,
        And((IS_K1, Between(TEXT, Value({"S": "a"}), Value({"S": "b"})))),
        And((Compare("<", TEXT, Value({"S": "a"})), IS_K1)),
    ],
)
def test_queries_take_items_of_their_hash_key_only(condition: Any) -> None:
    """
    A page that belongs to another query is refused; a projection may leave the key out.
    """
    query = Query(table="t", key_condition=condition)

    assert [ITEM] == parsed(query, {"Items": [ITEM], "Count": 1, "ScannedCount": 1}).items
    assert 1 == parsed(query, {"Items": [{"a": {"S": "x"}}], "Count": 1, "ScannedCount": 1}).count
    with pytest.raises(Exception, match="another key"):
        parsed(query, {"Items": [{"id": {"S": "k2"}}], "Count": 1, "ScannedCount": 1})


def test_transactions() -> None:
    """
    A read gives each item or None in the order asked; a write gives nothing.
    """
    gets = TransactGetItems((GetItem("t", KEY), GetItem("t", {"id": {"S": "k2"}})))

    assert [ITEM, None] == parsed(gets, {"Responses": [{"Item": ITEM}, {}]})
    assert parsed(TransactWriteItems((PutItem("t", ITEM),), "x"), {}) is None


@pytest.mark.parametrize("count", [0, 101])
def test_transactions_have_1_to_100_actions(count: int) -> None:
    """
    Anything else is refused before it is sent.
    """
    with pytest.raises(QueryError, match=f"not {count}"):
        TransactWriteItems((PutItem("t", ITEM),) * count, "x").payload()
    with pytest.raises(QueryError, match=f"not {count}"):
        TransactGetItems((GetItem("t", KEY),) * count).payload()


TABLE = {
    "TableName": "t",
    "TableStatus": "ACTIVE",
    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}, {"AttributeName": "at", "KeyType": "RANGE"}],
    "AttributeDefinitions": [
        {"AttributeName": "id", "AttributeType": "S"},
        {"AttributeName": "at", "AttributeType": "N"},
    ],
    "ProvisionedThroughput": {"ReadCapacityUnits": 3, "WriteCapacityUnits": 4, "NumberOfDecreasesToday": 0},
    "ItemCount": 7,
    "GlobalSecondaryIndexes": [
        {
            "IndexName": "by_at",
            "IndexStatus": "CREATING",
            "KeySchema": [{"AttributeName": "at", "KeyType": "HASH"}],
            "Projection": {"ProjectionType": "KEYS_ONLY"},
            "ProvisionedThroughput": {"ReadCapacityUnits": 1, "WriteCapacityUnits": 2},
        }
    ],
    "LocalSecondaryIndexes": [
        {"IndexName": "local", "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}], "Projection": {}}
    ],
}


def test_table_descriptions() -> None:
    """
    Keys with their types, throughput, indexes; a table is active with its indexes only.
    """
    found = parsed(DescribeTable("t"), {"Table": TABLE})

    assert found == TableDescription(
        name="t",
        status="ACTIVE",
        keys=(("id", "HASH"), ("at", "RANGE")),
        types={"id": "S", "at": "N"},
        read=3,
        write=4,
        indexes={
            "by_at": IndexDescription("by_at", "CREATING", (("at", "HASH"),), "KEYS_ONLY", 1, 2),
            "local": IndexDescription("local", "ACTIVE", (("id", "HASH"),), "ALL"),
        },
        items=7,
    )
    assert not found.is_active
    assert found.can_be_used
    assert not found.is_on_demand


def test_a_table_that_is_being_made() -> None:
    """
    It tells little yet, and cannot be used; being changed it can.
    """
    made = parsed(CreateTable("t"), {"TableDescription": {"TableName": "t", "TableStatus": "CREATING"}})

    assert made.is_on_demand
    assert not made.is_active
    assert not made.can_be_used
    assert msgspec.structs.replace(made, status="UPDATING").can_be_used


def test_lists_and_times_to_live() -> None:
    """
    Names with where the next page begins; the attribute by which items expire, if they do.
    """
    assert TableNames(["a"], "a") == parsed(
        ListTables(), {"TableNames": ["a"], "LastEvaluatedTableName": "a"}
    )
    assert TableNames([], None) == parsed(ListTables(), {"TableNames": []})

    def ttl(**members: str) -> Any:
        return parsed(DescribeTimeToLive("t"), {"TimeToLiveDescription": members})

    assert "at" == ttl(TimeToLiveStatus="ENABLED", AttributeName="at")
    assert "at" == ttl(TimeToLiveStatus="ENABLING", AttributeName="at")
    assert ttl(TimeToLiveStatus="DISABLED") is None
    assert ttl(TimeToLiveStatus="DISABLING", AttributeName="at") is None
    assert parsed(UpdateTimeToLive("t", "at"), {"TimeToLiveSpecification": {}}) is None


def test_the_conditions_of_guards() -> None:
    """
    A guard on absence reads as DynamoDB wants it.
    """
    put = PutItem("t", ITEM, AttributeNotExists(ID))

    assert "attribute_not_exists(#n0)" == sent(put)["ConditionExpression"]
