"""What requests for items may hold: one structure an operation, its members in the order of messages."""

from __future__ import annotations

from collections.abc import Mapping

from .kinds import Keyed, Many, Struct, Text, Whole
from .shapes import (
    ANY_TEXT,
    CAPACITY,
    CONDITIONAL_OPERATOR,
    CONDITIONS,
    EXPECTED,
    FLAG,
    INDEX_NAME,
    ITEM,
    METRICS,
    NAMES,
    ON_FAILURE,
    RETURN_VALUES,
    SELECT,
    TABLE,
    VALUE,
    VALUES,
    one_of,
    struct,
)

__all__ = ["ITEM_REQUESTS"]

_ATTRIBUTES = Many(Text(high=65535), 1)
_LIMIT = Whole(low=1)

_GET_ITEM = struct(
    "GetItemInput",
    "TableName Key",
    ReturnConsumedCapacity=CAPACITY,
    AttributesToGet=_ATTRIBUTES,
    TableName=TABLE,
    Key=ITEM,
    ConsistentRead=FLAG,
    ProjectionExpression=ANY_TEXT,
    ExpressionAttributeNames=NAMES,
)
_PUT_ITEM = struct(
    "PutItemInput",
    "TableName Item",
    ReturnConsumedCapacity=CAPACITY,
    ReturnValues=RETURN_VALUES,
    TableName=TABLE,
    ReturnItemCollectionMetrics=METRICS,
    ConditionalOperator=CONDITIONAL_OPERATOR,
    Item=ITEM,
    Expected=EXPECTED,
    ConditionExpression=ANY_TEXT,
    ExpressionAttributeNames=NAMES,
    ExpressionAttributeValues=VALUES,
    ReturnValuesOnConditionCheckFailure=ON_FAILURE,
)
_UPDATE_ITEM = struct(
    "UpdateItemInput",
    "TableName Key",
    ReturnConsumedCapacity=CAPACITY,
    TableName=TABLE,
    ReturnValues=RETURN_VALUES,
    ReturnItemCollectionMetrics=METRICS,
    ConditionalOperator=CONDITIONAL_OPERATOR,
    Key=ITEM,
    AttributeUpdates=Keyed(
        struct("AttributeValueUpdate", Value=VALUE, Action=one_of("ADD", "DELETE", "PUT"))
    ),
    Expected=EXPECTED,
    UpdateExpression=ANY_TEXT,
    ConditionExpression=ANY_TEXT,
    ExpressionAttributeNames=NAMES,
    ExpressionAttributeValues=VALUES,
    ReturnValuesOnConditionCheckFailure=ON_FAILURE,
)
_DELETE_ITEM = struct(
    "DeleteItemInput",
    "TableName Key",
    ReturnConsumedCapacity=CAPACITY,
    TableName=TABLE,
    ReturnValues=RETURN_VALUES,
    ReturnItemCollectionMetrics=METRICS,
    ConditionalOperator=CONDITIONAL_OPERATOR,
    Key=ITEM,
    Expected=EXPECTED,
    ConditionExpression=ANY_TEXT,
    ExpressionAttributeNames=NAMES,
    ExpressionAttributeValues=VALUES,
    ReturnValuesOnConditionCheckFailure=ON_FAILURE,
)

_BATCH_GET = struct(
    "BatchGetItemInput",
    "RequestItems",
    ReturnConsumedCapacity=CAPACITY,
    RequestItems=Keyed(
        struct(
            "KeysAndAttributes",
            "Keys",
            Keys=Many(ITEM, 1, 100),
            AttributesToGet=_ATTRIBUTES,
            ConsistentRead=FLAG,
            ProjectionExpression=ANY_TEXT,
            ExpressionAttributeNames=NAMES,
        ),
        tables=True,
    ),
)
# The service prints a member that requests cannot have: workloadProfileName (seen at AWS in 2026).
_PUT_REQUEST = Struct("PutRequest", {"Item": ITEM}, frozenset({"Item"}), ("Item", "WorkloadProfileName"))
_BATCH_WRITE = struct(
    "BatchWriteItemInput",
    "RequestItems",
    ReturnConsumedCapacity=CAPACITY,
    ReturnItemCollectionMetrics=METRICS,
    RequestItems=Keyed(
        Many(
            struct(
                "WriteRequest",
                PutRequest=_PUT_REQUEST,
                DeleteRequest=struct("DeleteRequest", "Key", Key=ITEM),
            ),
            1,
            25,
        ),
        tables=True,
    ),
)

_QUERY = struct(
    "QueryInput",
    "TableName",
    ReturnConsumedCapacity=CAPACITY,
    Select=SELECT,
    AttributesToGet=_ATTRIBUTES,
    TableName=TABLE,
    Limit=_LIMIT,
    ConditionalOperator=CONDITIONAL_OPERATOR,
    IndexName=INDEX_NAME,
    ConsistentRead=FLAG,
    KeyConditions=CONDITIONS,
    QueryFilter=CONDITIONS,
    ScanIndexForward=FLAG,
    ExclusiveStartKey=ITEM,
    ProjectionExpression=ANY_TEXT,
    FilterExpression=ANY_TEXT,
    KeyConditionExpression=ANY_TEXT,
    ExpressionAttributeNames=NAMES,
    ExpressionAttributeValues=VALUES,
)
_SCAN = struct(
    "ScanInput",
    "TableName",
    ReturnConsumedCapacity=CAPACITY,
    Select=SELECT,
    AttributesToGet=_ATTRIBUTES,
    Segment=Whole(low=0, high=999_999),
    TableName=TABLE,
    Limit=_LIMIT,
    TotalSegments=Whole(low=1, high=1_000_000),
    ConditionalOperator=CONDITIONAL_OPERATOR,
    IndexName=INDEX_NAME,
    ScanFilter=CONDITIONS,
    ExclusiveStartKey=ITEM,
    ProjectionExpression=ANY_TEXT,
    FilterExpression=ANY_TEXT,
    ExpressionAttributeNames=NAMES,
    ExpressionAttributeValues=VALUES,
    ConsistentRead=FLAG,
)

_TRANSACT_GET = struct(
    "TransactGetItemsInput",
    "TransactItems",
    TransactItems=Many(
        struct(
            "TransactGetItem",
            "Get",
            Get=struct(
                "Get",
                "Key TableName",
                Key=ITEM,
                TableName=TABLE,
                ProjectionExpression=ANY_TEXT,
                ExpressionAttributeNames=NAMES,
            ),
        ),
        1,
        100,
    ),
    ReturnConsumedCapacity=CAPACITY,
)


def _action(java: str, required: str, subject: str, *texts: str) -> Struct:
    """Return one action of a transaction: its key or item, and its expressions."""
    expressions = dict.fromkeys(texts, ANY_TEXT)
    return struct(
        java,
        f"{subject} TableName {required}",
        **{subject: ITEM},
        **expressions,
        TableName=TABLE,
        ExpressionAttributeNames=NAMES,
        ExpressionAttributeValues=VALUES,
        ReturnValuesOnConditionCheckFailure=ON_FAILURE,
    )


_TRANSACT_WRITE = struct(
    "TransactWriteItemsInput",
    "TransactItems",
    ClientRequestToken=Text(1, 36),
    TransactItems=Many(
        struct(
            "TransactWriteItem",
            ConditionCheck=_action("ConditionCheck", "ConditionExpression", "Key", "ConditionExpression"),
            Put=_action("Put", "", "Item", "ConditionExpression"),
            Delete=_action("Delete", "", "Key", "ConditionExpression"),
            Update=_action("Update", "UpdateExpression", "Key", "UpdateExpression", "ConditionExpression"),
        ),
        1,
        100,
    ),
    ReturnConsumedCapacity=CAPACITY,
    ReturnItemCollectionMetrics=METRICS,
)

#: Operation -> what its request may hold.
ITEM_REQUESTS: Mapping[str, Struct] = {
    "GetItem": _GET_ITEM,
    "PutItem": _PUT_ITEM,
    "UpdateItem": _UPDATE_ITEM,
    "DeleteItem": _DELETE_ITEM,
    "BatchGetItem": _BATCH_GET,
    "BatchWriteItem": _BATCH_WRITE,
    "Query": _QUERY,
    "Scan": _SCAN,
    "TransactGetItems": _TRANSACT_GET,
    "TransactWriteItems": _TRANSACT_WRITE,
}
