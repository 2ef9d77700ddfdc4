"""Operations on tables in the embedded engine, from bytes to bytes."""

from __future__ import annotations

from typing import Any

import pytest

from tests.localtables import ARN, INVALID, UNITS, Service, attributes, index, keys, new_table, on_demand


@pytest.fixture
def service() -> Service:
    return Service()


# --- creating and describing --------------------------------------------------------------


def test_a_new_table_is_described(service):
    """
    CreateTable says CREATING, and DescribeTable, at once, ACTIVE, with all that AWS answers.
    """
    created = service.call("CreateTable", **new_table())["TableDescription"]
    found = service.table("music")

    assert "CREATING" == created["TableStatus"]
    assert 36 == len(found.pop("TableId"))
    assert {
        "AttributeDefinitions": attributes("a"),
        "TableName": "music",
        "KeySchema": keys("a"),
        "TableStatus": "ACTIVE",
        "CreationDateTime": 1_800_000_000.0,
        "ProvisionedThroughput": {"NumberOfDecreasesToday": 0, **UNITS},
        "TableSizeBytes": 0,
        "ItemCount": 0,
        "TableArn": f"{ARN}music",
        "DeletionProtectionEnabled": False,
        "WarmThroughput": {"ReadUnitsPerSecond": 5, "WriteUnitsPerSecond": 5, "Status": "ACTIVE"},
    } == found


def test_an_on_demand_table_is_described(service):
    """
    A table that pays per request has no units, and says so.
    """
    service.call("CreateTable", **on_demand())
    found = service.table("music")

    assert "PAY_PER_REQUEST" == found["BillingModeSummary"]["BillingMode"]
    zero = {"NumberOfDecreasesToday": 0, "ReadCapacityUnits": 0, "WriteCapacityUnits": 0}
    assert zero == found["ProvisionedThroughput"]
    assert 12000 == found["WarmThroughput"]["ReadUnitsPerSecond"]


def test_indexes_are_described(service):
    """
    Indexes come back as they were asked for, with their sizes and names of their own.
    """
    include = {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["x", "y", "z"]}
    request = on_demand(
        AttributeDefinitions=attributes("a", "b", "c"),
        KeySchema=keys("a", "b"),
        LocalSecondaryIndexes=[index("by_c", "a", "c", projection={"ProjectionType": "KEYS_ONLY"})],
        GlobalSecondaryIndexes=[index("of_c", "c", "a", projection=include)],
    )
    created = service.call("CreateTable", **request)["TableDescription"]
    service.put("music", a={"S": "1"}, b={"S": "2"}, c={"S": "3"})
    found = service.table("music")

    assert "CREATING" == created["GlobalSecondaryIndexes"][0]["IndexStatus"]
    (local,), (other,) = found["LocalSecondaryIndexes"], found["GlobalSecondaryIndexes"]
    assert "IndexStatus" not in local
    assert (f"{ARN}music/index/by_c", 1) == (local["IndexArn"], local["ItemCount"])
    assert ("ACTIVE", include, 10) == (other["IndexStatus"], other["Projection"], other["IndexSizeBytes"])
    assert keys("c", "a") == other["KeySchema"]


def test_what_is_only_described_comes_back(service):
    """
    Stream, encryption, class, protection, limits and tags are kept with the table.
    """
    service.call(
        "CreateTable",
        **on_demand(
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
            SSESpecification={"Enabled": True},
            TableClass="STANDARD_INFREQUENT_ACCESS",
            DeletionProtectionEnabled=True,
            OnDemandThroughput={"MaxReadRequestUnits": 10, "MaxWriteRequestUnits": 5},
            WarmThroughput={"ReadUnitsPerSecond": 20000, "WriteUnitsPerSecond": 4000},
            Tags=[{"Key": "team", "Value": "blue"}],
        ),
    )
    found = service.table("music")

    assert {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"} == found["StreamSpecification"]
    assert f"{ARN}music/stream/{found['LatestStreamLabel']}" == found["LatestStreamArn"]
    assert "ENABLED" == found["SSEDescription"]["Status"]
    assert found["SSEDescription"]["KMSMasterKeyArn"].startswith("arn:aws:kms:")
    assert {"TableClass": "STANDARD_INFREQUENT_ACCESS"} == found["TableClassSummary"]
    assert found["DeletionProtectionEnabled"] is True
    assert {"MaxReadRequestUnits": 10, "MaxWriteRequestUnits": 5} == found["OnDemandThroughput"]
    assert 20000 == found["WarmThroughput"]["ReadUnitsPerSecond"]
    tags = service.call("ListTagsOfResource", ResourceArn=f"{ARN}music")
    assert {"Tags": [{"Key": "team", "Value": "blue"}]} == tags


def test_a_table_exists_once(service):
    """
    A second table of a name is refused, and the first stays.
    """
    service.call("CreateTable", **new_table())
    refused = service.error("CreateTable", **on_demand())

    assert ("ResourceInUseException", "Table already exists: music") == refused
    assert UNITS.items() <= service.table("music")["ProvisionedThroughput"].items()


AB = attributes("a", "b")
KEYS_AB = keys("a", "b")
WRONG = [
    ({"ProvisionedThroughput": None}, f"{INVALID}ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED"),
    ({"BillingMode": "PAY_PER_REQUEST"}, f"{INVALID}Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST"),
    ({"ProvisionedThroughput": {"ReadCapacityUnits": 10**12 + 1, "WriteCapacityUnits": 1}}, "Given value 1000000000001 for ReadCapacityUnits is out of bounds"),
    ({"AttributeDefinitions": attributes("b")}, f"{INVALID}Some index key attributes are not defined in AttributeDefinitions. Keys: [a], AttributeDefinitions: [b]"),
    ({"KeySchema": [*keys("a"), {"AttributeName": "a", "KeyType": "RANGE"}]}, "Invalid KeySchema: Some index key attribute have no definition"),
    ({"AttributeDefinitions": AB, "KeySchema": keys("a", "a")}, "Both the Hash Key and the Range Key element in the KeySchema have the same name"),
    ({"AttributeDefinitions": AB, "KeySchema": keys("a", "b")[::-1]}, "Invalid KeySchema: The first KeySchemaElement is not a HASH key type"),
    ({"AttributeDefinitions": AB, "KeySchema": [*keys("a"), *keys("b")]}, "Invalid KeySchema: The second KeySchemaElement is not a RANGE key type"),
    ({"AttributeDefinitions": AB}, f"{INVALID}Number of attributes in KeySchema does not exactly match number of attributes defined in AttributeDefinitions"),
    ({"AttributeDefinitions": AB, "LocalSecondaryIndexes": []}, f"{INVALID}List of LocalSecondaryIndexes is empty"),
    ({"GlobalSecondaryIndexes": []}, f"{INVALID}List of GlobalSecondaryIndexes is empty"),
    ({"LocalSecondaryIndexes": [index("abc", "a", "b")]}, f"{INVALID}Table KeySchema does not have a range key, which is required when specifying a LocalSecondaryIndex"),
    ({"AttributeDefinitions": AB, "KeySchema": KEYS_AB, "LocalSecondaryIndexes": [index("abc", "a")]}, f"{INVALID}Index KeySchema does not have a range key for index: abc"),
    (
        {"AttributeDefinitions": AB, "KeySchema": KEYS_AB, "LocalSecondaryIndexes": [index("abc", "b", "a")]},
        f"{INVALID}Index KeySchema does not have the same leading hash key as table KeySchema for index: abc. index hash key: b, table hash key: a",
    ),
    ({"AttributeDefinitions": AB, "KeySchema": KEYS_AB, "LocalSecondaryIndexes": [index(f"ix{n}", "a", "b") for n in range(6)]}, f"{INVALID}Number of LocalSecondaryIndexes exceeds per-table limit of 5"),
    ({"GlobalSecondaryIndexes": [index(f"ix{n}", "a", ProvisionedThroughput=UNITS) for n in range(21)]}, f"{INVALID}GlobalSecondaryIndex count exceeds the per-table limit of 20"),
    ({"GlobalSecondaryIndexes": [index("abc", "a", ProvisionedThroughput=UNITS)] * 2}, f"{INVALID}Duplicate index name: abc"),
    ({"GlobalSecondaryIndexes": [index("abc", "a")]}, f"{INVALID}ProvisionedThroughput is not specified for index: abc"),
    (
        {"ProvisionedThroughput": None, "BillingMode": "PAY_PER_REQUEST", "GlobalSecondaryIndexes": [index("abc", "a", ProvisionedThroughput=UNITS)]},
        f"{INVALID}ProvisionedThroughput should not be specified for index: abc when BillingMode is PAY_PER_REQUEST",
    ),
    ({"GlobalSecondaryIndexes": [index("abc", "c")]}, f"{INVALID}Some index key attributes are not defined in AttributeDefinitions. Keys: [c], AttributeDefinitions: [a]"),
    ({"GlobalSecondaryIndexes": [index("abc", "a", projection={})]}, f"{INVALID}Unknown ProjectionType: null"),
    ({"GlobalSecondaryIndexes": [index("abc", "a", projection={"ProjectionType": "INCLUDE"})]}, f"{INVALID}ProjectionType is INCLUDE, but NonKeyAttributes is not specified"),
    ({"GlobalSecondaryIndexes": [index("abc", "a", projection={"ProjectionType": "KEYS_ONLY", "NonKeyAttributes": ["x"]})]}, f"{INVALID}ProjectionType is KEYS_ONLY, but NonKeyAttributes is specified"),
    (
        {"AttributeDefinitions": attributes("a", "b", "c"), "GlobalSecondaryIndexes": [index("abc", "b", ProvisionedThroughput=UNITS)]},
        f"{INVALID}Some AttributeDefinitions are not used. AttributeDefinitions: [a, b, c], keys used: [a, b]",
    ),
    (
        {"StreamSpecification": {"StreamEnabled": False, "StreamViewType": "NEW_IMAGE"}},
        f"{INVALID}Table is being created with a stream disabled, UpdateViewType should not be specified",
    ),
    ({"OnDemandThroughput": {"MaxReadRequestUnits": 5}}, f"{INVALID}MaxReadRequestUnits for OnDemandThroughput cannot be specified when table BillingMode is PROVISIONED."),
    ({"VectorIndexes": [{}]}, f"{INVALID}VectorIndexes is not supported by this engine"),
]  # fmt: skip


@pytest.mark.parametrize(("members", "message"), WRONG)
def test_wrong_definitions(service, members, message):
    """
    A wrong definition is refused in AWS's words, and no table is made.
    """
    refused = service.error("CreateTable", **new_table(**members))

    assert ("ValidationException", message) == refused
    assert {"TableNames": []} == service.call("ListTables")


def test_all_projections_together_name_a_hundred_attributes_at_most(service):
    """
    Names of attributes in projections count over all indexes.
    """
    wide = {"ProjectionType": "INCLUDE", "NonKeyAttributes": [f"n{n}" for n in range(20)]}
    indexes = [index(f"ix{n}", "a", projection=wide) for n in range(6)]

    code, message = service.error("CreateTable", **on_demand(GlobalSecondaryIndexes=indexes))
    service.call("CreateTable", **on_demand(GlobalSecondaryIndexes=indexes[:5]))

    assert ("ValidationException", True) == (code, "100" in message)


def test_global_indexes_have_keys_of_several_attributes(service):
    """
    Up to four hash and four range attributes make the key of a global index, not of others.
    """
    names = [f"k{n}" for n in range(10)]
    long = [{"AttributeName": name, "KeyType": "HASH"} for name in names[:4]]
    long += [{"AttributeName": name, "KeyType": "RANGE"} for name in names[4:8]]
    wide = {**index("wide", "a"), "KeySchema": long}
    service.call(
        "CreateTable",
        **on_demand(AttributeDefinitions=attributes("a", *names[:8]), GlobalSecondaryIndexes=[wide]),
    )

    assert long == service.table("music")["GlobalSecondaryIndexes"][0]["KeySchema"]
    for schema in ([*long, {"AttributeName": "k8", "KeyType": "RANGE"}], [*long, *keys("k8")]):
        wrong = {**wide, "KeySchema": schema}
        code, _ = service.error(
            "CreateTable",
            **on_demand(
                "other", AttributeDefinitions=attributes("a", *names[:9]), GlobalSecondaryIndexes=[wrong]
            ),
        )
        assert "ValidationException" == code


# --- listing and deleting -----------------------------------------------------------------


def test_tables_are_listed_in_pages(service):
    """
    Names come sorted; the last of a page is where the next begins.
    """
    for name in ("ccc", "aaa", "bbb"):
        service.call("CreateTable", **on_demand(name))

    first = service.call("ListTables", Limit=2)
    second = service.call("ListTables", Limit=2, ExclusiveStartTableName="bbb")

    assert {"TableNames": ["aaa", "bbb"], "LastEvaluatedTableName": "bbb"} == first
    assert {"TableNames": ["ccc"]} == second


def test_a_deleted_table_is_gone_with_its_items(service):
    """
    A table that is made again under the same name begins empty.
    """
    request = on_demand(AttributeDefinitions=AB, GlobalSecondaryIndexes=[index("of_b", "b")])
    service.call("CreateTable", **request)
    service.put("music", a={"S": "1"}, b={"S": "2"})
    deleted = service.call("DeleteTable", TableName="music")["TableDescription"]
    missing = service.error("DescribeTable", TableName="music")
    service.call("CreateTable", **request)

    assert ("DELETING", "music") == (deleted["TableStatus"], deleted["TableName"])
    assert ("ResourceNotFoundException", "Requested resource not found: Table: music not found") == missing
    assert 0 == service.table("music")["ItemCount"]
    assert [] == service.held("music", "of_b")


def test_deletion_protection(service):
    """
    A protected table stays until its protection is taken away.
    """
    service.call("CreateTable", **on_demand(DeletionProtectionEnabled=True))
    code, message = service.error("DeleteTable", TableName="music")
    service.call("UpdateTable", TableName="music", DeletionProtectionEnabled=False)
    service.call("DeleteTable", TableName="music")

    assert ("ValidationException", True) == (code, "protected against deletion" in message)


@pytest.mark.parametrize("operation", ["DescribeTable", "DeleteTable", "UpdateTable", "DescribeTimeToLive"])
def test_missing_tables(service, operation):
    """
    An operation on a table that does not exist names it.
    """
    more = {"BillingMode": "PAY_PER_REQUEST"} if operation == "UpdateTable" else {}

    missing = service.error(operation, TableName="none", **more)

    assert ("ResourceNotFoundException", "Requested resource not found: Table: none not found") == missing


def test_tables_are_found_by_their_arn(service):
    """
    An ARN does where a name does.
    """
    service.call("CreateTable", **on_demand())

    assert "music" == service.table(f"{ARN}music")["TableName"]


# --- time to live, tags, account ----------------------------------------------------------


def ttl(name: str, enabled: bool = True) -> dict[str, Any]:
    """Return members that turn time to live on or off."""
    return {
        "TableName": "music",
        "TimeToLiveSpecification": {"AttributeName": name, "Enabled": enabled},
    }


def test_time_to_live(service):
    """
    Time to live is turned on for one attribute, and off again; anything else is refused.
    """
    service.call("CreateTable", **on_demand())
    off = service.error("UpdateTimeToLive", **ttl("t", False))
    turned_on = service.call("UpdateTimeToLive", **ttl("t"))
    again = service.error("UpdateTimeToLive", **ttl("t"))
    other = service.error("UpdateTimeToLive", **ttl("u"))
    found = service.call("DescribeTimeToLive", TableName="music")
    service.call("UpdateTimeToLive", **ttl("t", False))

    assert ("ValidationException", "TimeToLive is already disabled") == off
    assert ttl("t")["TimeToLiveSpecification"] == turned_on["TimeToLiveSpecification"]
    assert ("ValidationException", "TimeToLive is already enabled") == again
    assert "TimeToLive is active on a different AttributeName: current AttributeName is t" == other[1]
    assert {"TimeToLiveDescription": {"TimeToLiveStatus": "ENABLED", "AttributeName": "t"}} == found
    assert {"TimeToLiveDescription": {"TimeToLiveStatus": "DISABLED"}} == service.call(
        "DescribeTimeToLive", TableName="music"
    )
    assert "at 'timeToLiveSpecification.attributeName'" in service.error("UpdateTimeToLive", **ttl(""))[1]


def test_tags(service):
    """
    Tags are added, replaced, taken away and listed, fifty at once.
    """
    service.call("CreateTable", **on_demand())
    arn = f"{ARN}music"
    tags = [{"Key": f"k{n:02}", "Value": "v"} for n in range(12)]
    service.call("TagResource", ResourceArn=arn, Tags=tags)
    service.call("TagResource", ResourceArn=arn, Tags=[{"Key": "k00", "Value": "new"}])
    service.call("UntagResource", ResourceArn=arn, TagKeys=["k01", "none"])
    found = service.call("ListTagsOfResource", ResourceArn=arn)

    assert {"Key": "k00", "Value": "new"} == found["Tags"][0]
    assert (11, ["Tags"]) == (len(found["Tags"]), [*found])


TAGS = [{"Key": "k", "Value": "v"}]
WRONG_TAGS = [
    ({"Tags": TAGS}, "ValidationException", "Invalid TableArn"),
    ({"ResourceArn": "none", "Tags": TAGS}, "ValidationException", f"{INVALID}ARNs must start with 'arn:': none"),
    ({"ResourceArn": "arn:none", "Tags": TAGS}, "ValidationException", f"{INVALID}Provided Arn is not a DynamoDB resource arn: arn:none"),
    (
        {"ResourceArn": f"{ARN}music/index/i", "Tags": TAGS}, "ValidationException",
        f"{INVALID}Invalid resource arn provided, only table or stream is accepted. Provided resource arn: {ARN}music/index/i",
    ),
    ({"ResourceArn": f"{ARN}music".replace("000000000000", "123456789012"), "Tags": TAGS}, "AccessDeniedException", "Access is denied"),
    ({"ResourceArn": f"{ARN}music", "Tags": [{"Value": "v"}]}, "ValidationException", "The Tag Key provided is invalid, Key: null"),
    ({"ResourceArn": f"{ARN}music", "Tags": [{"Key": "k"}]}, "ValidationException", "The Tag Value provided is invalid, Value: null"),
    ({"ResourceArn": f"{ARN}music", "Tags": [{"Key": "a,b", "Value": "v"}]}, "ValidationException", "The Tag Key provided is invalid, Key: a,b"),
    ({"ResourceArn": f"{ARN}music", "Tags": [{"Key": "k", "Value": "100%"}]}, "ValidationException", "The Tag Value provided is invalid, Value: 100%"),
    ({"ResourceArn": f"{ARN}music", "Tags": [{"Key": "AWS:k", "Value": "v"}]}, "ValidationException", "Tag Key cannot be prefixed with aws:, Key: AWS:k"),
    ({"ResourceArn": f"{ARN}music", "Tags": TAGS * 2}, "ValidationException", "Duplicate Tag Keys provided as input: Duplicate Tag Key found k"),
    ({"ResourceArn": f"{ARN}music", "Tags": [{"Key": f"{n}", "Value": "ключ"} for n in range(51)]}, "ValidationException", "Number of Tags exceed the current limit for the provided ResourceArn"),
    ({"ResourceArn": f"{ARN}none", "Tags": TAGS}, "ResourceNotFoundException", f"Requested resource not found: ResourceArn: {ARN}none not found"),
    ({"ResourceArn": f"{ARN}music", "Tags": []}, "ValidationException", "Atleast one Tag needs to be provided as Input."),
    ({"ResourceArn": f"{ARN}music"}, "ValidationException", "1 validation error detected: Value null at 'tags' failed to satisfy constraint: Member must not be null"),
]  # fmt: skip


@pytest.mark.parametrize(("members", "code", "message"), WRONG_TAGS)
def test_wrong_tags(service, members, code, message):
    """
    Tags go to tables of this account alone.
    """
    service.call("CreateTable", **on_demand())

    assert (code, message) == service.error("TagResource", **members)


def test_what_an_account_has(service):
    """
    Limits, endpoints and backups are those of a new account.
    """
    service.call("CreateTable", **on_demand())

    assert 40_000 == service.call("DescribeLimits")["TableMaxReadCapacityUnits"]
    assert 1440 == service.call("DescribeEndpoints")["Endpoints"][0]["CachePeriodInMinutes"]
    backups = service.call("DescribeContinuousBackups", TableName="music")["ContinuousBackupsDescription"]
    assert "DISABLED" == backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"]
    assert "TableNotFoundException" == service.error("DescribeContinuousBackups", TableName="none")[0]
