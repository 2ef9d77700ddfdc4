"""What requests for tables may hold: one structure an operation, its members in the order of messages."""

from __future__ import annotations

from collections.abc import Mapping

from .kinds import NAME_PATTERN, Kind, Many, Struct, TableNames, Text, Whole
from .shapes import ANY_TEXT, FLAG, one_of, struct

__all__ = ["TABLE_REQUESTS"]

_TABLE = TableNames(3)
_KEY_NAME = Text(1, 255)
_INDEX_NAME = Text(3, 255, NAME_PATTERN, lengths_first=True)
_UNITS = Whole("Long", low=1)
_LONG = Whole("Long")
_THROUGHPUT = struct(
    "ProvisionedThroughput",
    "ReadCapacityUnits WriteCapacityUnits",
    WriteCapacityUnits=_UNITS,
    ReadCapacityUnits=_UNITS,
)
_ON_DEMAND = struct("OnDemandThroughput", MaxReadRequestUnits=_LONG, MaxWriteRequestUnits=_LONG)
_WARM = struct("WarmThroughput", ReadUnitsPerSecond=_LONG, WriteUnitsPerSecond=_LONG)

_DEFINITIONS = Many(
    struct(
        "AttributeDefinition",
        "AttributeName AttributeType",
        AttributeType=one_of("B", "N", "S"),
        AttributeName=_KEY_NAME,
    )
)
_ELEMENT = struct(
    "KeySchemaElement",
    "AttributeName KeyType",
    AttributeName=_KEY_NAME,
    KeyType=one_of("HASH", "RANGE"),
)
#: One hash and one range attribute in tables and local indexes.
_KEY_SCHEMA = Many(_ELEMENT, 1, 2)
#: Up to four of each in global indexes (since November 2025); their number is checked with the rest.
_LONG_KEY_SCHEMA = Many(_ELEMENT, 1)
_PROJECTION = struct(
    "Projection",
    ProjectionType=one_of("ALL", "INCLUDE", "KEYS_ONLY"),
    NonKeyAttributes=Many(_KEY_NAME, 1, 20),
)
_GLOBAL_MEMBERS: Mapping[str, Kind] = {
    "IndexName": _INDEX_NAME,
    "ProvisionedThroughput": _THROUGHPUT,
    "KeySchema": _LONG_KEY_SCHEMA,
    "Projection": _PROJECTION,
    "OnDemandThroughput": _ON_DEMAND,
    "WarmThroughput": _WARM,
}
_LOCAL = struct(
    "LocalSecondaryIndex",
    "IndexName KeySchema Projection",
    IndexName=_INDEX_NAME,
    KeySchema=_KEY_SCHEMA,
    Projection=_PROJECTION,
)
_GLOBAL = struct("GlobalSecondaryIndex", "IndexName KeySchema Projection", **_GLOBAL_MEMBERS)

_STREAM = struct(
    "StreamSpecification",
    "StreamEnabled",
    StreamEnabled=FLAG,
    StreamViewType=one_of("OLD_IMAGE", "KEYS_ONLY", "NEW_AND_OLD_IMAGES", "NEW_IMAGE"),
)
_SSE = struct("SSESpecification", Enabled=FLAG, SSEType=one_of("AES256", "KMS"), KMSMasterKeyId=ANY_TEXT)
# What is wrong with a tag has words of its own.
_TAGS = Many(struct("Tag", Key=ANY_TEXT, Value=ANY_TEXT))
_BILLING = one_of("PROVISIONED", "PAY_PER_REQUEST")
_TABLE_CLASS = one_of("STANDARD", "STANDARD_INFREQUENT_ACCESS")

_CREATE = struct(
    "CreateTableInput",
    "TableName AttributeDefinitions KeySchema",
    AttributeDefinitions=_DEFINITIONS,
    TableName=Text(3, 255, NAME_PATTERN),
    BillingMode=_BILLING,
    ProvisionedThroughput=_THROUGHPUT,
    KeySchema=_KEY_SCHEMA,
    # Global before local, whatever the order in the request (Parity Suite, captured in October 2026).
    GlobalSecondaryIndexes=Many(_GLOBAL),
    LocalSecondaryIndexes=Many(_LOCAL),
    StreamSpecification=_STREAM,
    SSESpecification=_SSE,
    Tags=_TAGS,
    TableClass=_TABLE_CLASS,
    DeletionProtectionEnabled=FLAG,
    WarmThroughput=_WARM,
    ResourcePolicy=ANY_TEXT,
    OnDemandThroughput=_ON_DEMAND,
    # These are known to be refused; what stands in them does not matter.
    VectorIndexes=Many(struct("VectorIndex")),
    GlobalTableSourceArn=ANY_TEXT,
)
_UPDATE = struct(
    "UpdateTableInput",
    "TableName",
    AttributeDefinitions=_DEFINITIONS,
    TableName=_TABLE,
    BillingMode=_BILLING,
    ProvisionedThroughput=_THROUGHPUT,
    GlobalSecondaryIndexUpdates=Many(
        struct(
            "GlobalSecondaryIndexUpdate",
            Update=struct(
                "UpdateGlobalSecondaryIndexAction",
                "IndexName",
                IndexName=_INDEX_NAME,
                ProvisionedThroughput=_THROUGHPUT,
                OnDemandThroughput=_ON_DEMAND,
                WarmThroughput=_WARM,
            ),
            Create=struct(
                "CreateGlobalSecondaryIndexAction", "IndexName KeySchema Projection", **_GLOBAL_MEMBERS
            ),
            Delete=struct("DeleteGlobalSecondaryIndexAction", "IndexName", IndexName=_INDEX_NAME),
        )
    ),
    StreamSpecification=_STREAM,
    SSESpecification=_SSE,
    TableClass=_TABLE_CLASS,
    DeletionProtectionEnabled=FLAG,
    OnDemandThroughput=_ON_DEMAND,
    WarmThroughput=_WARM,
    ReplicaUpdates=Many(struct("ReplicationGroupUpdate")),
    GlobalTableWitnessUpdates=Many(struct("GlobalTableWitnessGroupUpdate")),
    VectorIndexUpdates=Many(struct("VectorIndexUpdate")),
)
_TIME_TO_LIVE = struct(
    "TimeToLiveSpecification",
    "Enabled AttributeName",
    AttributeName=Text(1, 255),
    Enabled=FLAG,
)


def _of_table(java: str) -> Struct:
    return struct(java, "TableName", TableName=_TABLE)


#: Operation -> what its request may hold. Names of resources are checked by their operations.
TABLE_REQUESTS: Mapping[str, Struct] = {
    "CreateTable": _CREATE,
    "DescribeTable": _of_table("DescribeTableInput"),
    "UpdateTable": _UPDATE,
    "DeleteTable": _of_table("DeleteTableInput"),
    "ListTables": struct(
        "ListTablesInput",
        Limit=Whole(low=1, high=100),
        ExclusiveStartTableName=Text(3, 255, NAME_PATTERN),
    ),
    "UpdateTimeToLive": struct(
        "UpdateTimeToLiveInput",
        "TableName TimeToLiveSpecification",
        TableName=_TABLE,
        TimeToLiveSpecification=_TIME_TO_LIVE,
    ),
    "DescribeTimeToLive": _of_table("DescribeTimeToLiveInput"),
    "TagResource": struct("TagResourceInput", "Tags", ResourceArn=Text(0, 1283), Tags=_TAGS),
    "UntagResource": struct(
        "UntagResourceInput", "TagKeys", ResourceArn=Text(0, 1283), TagKeys=Many(ANY_TEXT)
    ),
    "ListTagsOfResource": struct("ListTagsOfResourceInput", ResourceArn=Text(0, 1283), NextToken=ANY_TEXT),
    "DescribeLimits": struct("DescribeLimitsInput"),
    "DescribeEndpoints": struct("DescribeEndpointsRequest"),
    "DescribeContinuousBackups": _of_table("DescribeContinuousBackupsInput"),
}
