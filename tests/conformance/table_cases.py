"""Tables, TTL, tags; and requests of a wrong shape."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .tables import MADE
from .words import (
    ANYTHING,
    Answers,
    Call,
    Case,
    Fails,
    Group,
    Has,
    Like,
    call,
    case,
    invalid,
    item,
    missing,
    ok,
    parameter,
)

__all__ = ["GROUPS"]

# Cases are rows of tables, one a line.
# fmt: off

NUBO = "github.com/nubo-db/dynamodb-conformance, tier1/createTable, tier2, tier3 (run on AWS)"
DYNALITE = "dynalite test/createTable.js, listTables.js, updateTimeToLive.js, tagResource.js, helpers.js (run on AWS)"

PK = [{"AttributeName": "pk", "KeyType": "HASH"}]
TYPES = [{"AttributeName": "pk", "AttributeType": "S"}]


def _create(name: object = MADE, **more: Any) -> Call:
    members: dict[str, Any] = {"TableName": name, "KeySchema": PK, "AttributeDefinitions": TYPES, "BillingMode": "PAY_PER_REQUEST", **more}
    return Call("CreateTable", {key: value for key, value in members.items() if value is not None})


def _schema(*names: str) -> list[dict[str, str]]:
    return [{"AttributeName": name, "KeyType": kind} for name, kind in zip(names, ("HASH", "RANGE", "RANGE"), strict=False)]


def _types(*names: str) -> list[dict[str, str]]:
    return [{"AttributeName": name, "AttributeType": "S"} for name in names]


def _index(name: str = "idx", *keys: str, **more: Any) -> dict[str, Any]:
    return {"IndexName": name, "KeySchema": _schema(*(keys or ("g",))), "Projection": {"ProjectionType": "ALL"}, **more}


def creations() -> Iterator[Case]:
    """Yield what CreateTable refuses, so that nothing is made."""
    throughput = {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}
    two = {"AttributeDefinitions": _types("pk", "g")}
    three = {"AttributeDefinitions": _types("pk", "sk", "l"), "KeySchema": _schema("pk", "sk")}
    for name, asked, expected in (
        ("no name", _create(None), invalid(Like("The parameter 'TableName' is required but was not present in the request|1 validation error detected: Value null at 'tableName' failed to satisfy constraint: Member must not be null"))),
        ("short name", _create("ab"), invalid(Like("(1 validation error detected: Value 'ab' at 'tableName' failed to satisfy constraint: Member must have length greater than or equal to 3|TableName must be at least 3 characters long and at most 255 characters long)"))),
        ("long name", _create("a" * 256), invalid()), ("odd name", _create("a b c"), invalid()),
        ("no key", _create(KeySchema=None), invalid()), ("no definitions", _create(AttributeDefinitions=None), invalid()), ("empty key", _create(KeySchema=[]), invalid()),
        ("key not defined", _create(AttributeDefinitions=_types("x")), invalid(Like("(One or more parameter values were invalid: Some index key attributes are not defined in AttributeDefinitions. Keys: \\[pk\\], AttributeDefinitions: \\[x\\]|.*)"))),
        ("too many definitions", _create(AttributeDefinitions=_types("pk", "x")), parameter("Number of attributes in KeySchema does not exactly match number of attributes defined in AttributeDefinitions")),
        ("one attribute twice", _create(KeySchema=_schema("pk", "pk")), invalid(Like("(Invalid KeySchema: Some index key attribute have no definition|Both the Hash Key and the Range Key element in the KeySchema have the same name)"))),
        ("three keys", _create(KeySchema=_schema("pk", "b", "c"), AttributeDefinitions=_types("pk", "b", "c")), invalid(Like("1 validation error detected: Value '\\[.*\\]' at 'keySchema' failed to satisfy constraint: Member must have length less than or equal to 2"))),
        ("range first", _create(KeySchema=[{"AttributeName": "pk", "KeyType": "RANGE"}]), invalid("Invalid KeySchema: The first KeySchemaElement is not a HASH key type")),
        ("two hashes", _create(KeySchema=[*PK, {"AttributeName": "b", "KeyType": "HASH"}], AttributeDefinitions=_types("pk", "b")), invalid("Invalid KeySchema: The second KeySchemaElement is not a RANGE key type")),
        ("unknown key type", _create(KeySchema=[{"AttributeName": "pk", "KeyType": "DOG"}]), invalid("1 validation error detected: Value 'DOG' at 'keySchema.1.member.keyType' failed to satisfy constraint: Member must satisfy enum value set: [HASH, RANGE]")),
        ("unknown attribute type", _create(AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "SS"}]), invalid("1 validation error detected: Value 'SS' at 'attributeDefinitions.1.member.attributeType' failed to satisfy constraint: Member must satisfy enum value set: [B, N, S]")),
        ("unknown billing mode", _create(BillingMode="DOG"), invalid(Like("1 validation error detected: Value 'DOG' at 'billingMode' failed to satisfy constraint: Member must satisfy enum value set: \\[PROVISIONED, PAY_PER_REQUEST\\]"))),
        ("no throughput", _create(BillingMode="PROVISIONED"), invalid(Like("(One or more parameter values were invalid: ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED|No provisioned throughput specified for the table)"))),
        ("throughput of an on-demand table", _create(ProvisionedThroughput=throughput), parameter("Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST")),
        ("no units", _create(BillingMode="PROVISIONED", ProvisionedThroughput={"ReadCapacityUnits": 0, "WriteCapacityUnits": 1}), invalid(Like("1 validation error detected: Value '0' at 'provisionedThroughput.readCapacityUnits' failed to satisfy constraint: Member must have value greater than or equal to 1"))),
        ("local index without range key", _create(LocalSecondaryIndexes=[_index("loc", "pk", "g")], **two), parameter("Table KeySchema does not have a range key, which is required when specifying a LocalSecondaryIndex")),
        ("local index of another hash", _create(LocalSecondaryIndexes=[_index("loc", "l", "pk")], **three), invalid(Like("One or more parameter values were invalid: Index KeySchema does not have the same leading hash key as table KeySchema for index: loc. index hash key: l, table hash key: pk"))),
        ("local index without range", _create(LocalSecondaryIndexes=[_index("loc", "pk")], **{**three, "AttributeDefinitions": _types("pk", "sk")}), invalid(Like("One or more parameter values were invalid: Index KeySchema does not have a range key for index: loc"))),
        ("six local indexes", _create(LocalSecondaryIndexes=[_index(f"l_{number}", "pk", "l") for number in range(6)], **three), parameter("Number of LocalSecondaryIndexes exceeds per-table limit of 5")),
        ("21 global indexes", _create(GlobalSecondaryIndexes=[_index(f"g_{number}") for number in range(21)], **two), invalid(Like("One or more parameter values were invalid: GlobalSecondaryIndex count exceeds the per-table limit of 20"))),
        ("one name twice", _create(GlobalSecondaryIndexes=[_index("same"), _index("same")], **two), parameter("Duplicate index name: same")),
        ("index key not defined", _create(GlobalSecondaryIndexes=[_index("idx")]), invalid(Like("One or more parameter values were invalid: Some index key attributes are not defined in AttributeDefinitions. Keys: \\[g\\], AttributeDefinitions: \\[pk\\]|.*"))),
        ("no global indexes", _create(GlobalSecondaryIndexes=[]), parameter("List of GlobalSecondaryIndexes is empty")), ("no local indexes", _create(LocalSecondaryIndexes=[]), parameter("List of LocalSecondaryIndexes is empty")),
        ("no projection", _create(GlobalSecondaryIndexes=[{"IndexName": "idx", "KeySchema": _schema("g")}], **two), invalid()),
        ("unknown projection", _create(GlobalSecondaryIndexes=[_index("idx", Projection={"ProjectionType": "DOG"})], **two), invalid(Like(".*Value 'DOG' at 'globalSecondaryIndexes.1.member.projection.projectionType' failed to satisfy constraint: Member must satisfy enum value set: \\[ALL, INCLUDE, KEYS_ONLY\\]"))),
        ("ALL with attributes", _create(GlobalSecondaryIndexes=[_index("idx", Projection={"ProjectionType": "ALL", "NonKeyAttributes": ["a"]})], **two), parameter("ProjectionType is ALL, but NonKeyAttributes is specified")),
        ("KEYS_ONLY with attributes", _create(GlobalSecondaryIndexes=[_index("idx", Projection={"ProjectionType": "KEYS_ONLY", "NonKeyAttributes": ["a"]})], **two), parameter("ProjectionType is KEYS_ONLY, but NonKeyAttributes is specified")),
        ("INCLUDE without attributes", _create(GlobalSecondaryIndexes=[_index("idx", Projection={"ProjectionType": "INCLUDE"})], **two), parameter("ProjectionType is INCLUDE, but NonKeyAttributes is not specified")),
        ("throughput of an on-demand index", _create(GlobalSecondaryIndexes=[_index("idx", ProvisionedThroughput=throughput)], **two), invalid()),
        ("stream off with a view", _create(StreamSpecification={"StreamEnabled": False, "StreamViewType": "NEW_IMAGE"}), invalid()),
    ):
        yield case(name, asked, expected, then=[(call("DescribeTable", TableName=MADE), missing(None))])
    yield case("again", _create("hash"), Fails("ResourceInUseException", Like("Table already exists: hash|Cannot create preexisting table")))


def described() -> Iterator[Case]:
    """Yield DescribeTable, ListTables, TTL and tags."""
    table = Has({
        "TableName": "range", "TableStatus": "ACTIVE", "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        "BillingModeSummary": Has({"BillingMode": "PAY_PER_REQUEST"}), "ItemCount": ANYTHING, "TableSizeBytes": ANYTHING, "TableArn": Like("arn:aws:dynamodb:[^:]+:[^:]+:table/range"), "TableId": ANYTHING, "CreationDateTime": ANYTHING,
        "ProvisionedThroughput": Has({"ReadCapacityUnits": 0, "WriteCapacityUnits": 0, "NumberOfDecreasesToday": 0}), "GlobalSecondaryIndexes": None, "LocalSecondaryIndexes": None,
    })
    yield case("a table", call("DescribeTable", TableName="range"), ok(Table=table))
    yield case("its indexes", call("DescribeTable", TableName="index"), ok(Table=Has({"LocalSecondaryIndexes": ANYTHING, "GlobalSecondaryIndexes": ANYTHING})))
    yield case("all tables", call("ListTables"), Answers(Has({"TableNames": ["binary", "hash", "index", "number", "range"], "LastEvaluatedTableName": None})))
    yield case("two tables", call("ListTables", Limit=2), ok(TableNames=["binary", "hash"], LastEvaluatedTableName="hash"))
    yield case("the next", call("ListTables", Limit=2, ExclusiveStartTableName="hash"), ok(TableNames=["index", "number"], LastEvaluatedTableName="number"))
    yield case("the last", call("ListTables", Limit=2, ExclusiveStartTableName="number"), ok(TableNames=["range"]))
    yield case("exactly the rest", call("ListTables", Limit=5), Answers(Has({"TableNames": ["binary", "hash", "index", "number", "range"]})))
    for limit in (0, 101, -1):
        bound = "greater than or equal to 1" if limit < 1 else "less than or equal to 100"
        yield case(f"limit {limit}", call("ListTables", Limit=limit), invalid(Like(f"1 validation error detected: Value ('{limit}' )?at '[lL]imit' failed to satisfy constraint: Member must have value {bound}")))
    yield case("UpdateTable of nothing", call("UpdateTable", TableName="hash"), invalid())
    yield case("TTL off", call("DescribeTimeToLive", TableName="hash"), ok(TimeToLiveDescription={"TimeToLiveStatus": "DISABLED"}))
    yield case("TTL of no table", call("DescribeTimeToLive", TableName="none"), missing(Like("Requested resource not found: Table: none not found")))
    ttl = {"AttributeName": "ttl", "Enabled": True}
    yield case("TTL on", call("UpdateTimeToLive", TableName="number", TimeToLiveSpecification=ttl), ok(TimeToLiveSpecification=ttl), then=[
        (call("DescribeTimeToLive", TableName="number"), Answers(Has({"TimeToLiveDescription": {"TimeToLiveStatus": Like("ENABLED|ENABLING"), "AttributeName": "ttl"}}))),
        (call("UpdateTimeToLive", TableName="number", TimeToLiveSpecification=ttl), invalid(Like("TimeToLive is already enabled|Time to live has been modified multiple times within a fixed interval"))),
        (call("UpdateTimeToLive", TableName="number", TimeToLiveSpecification={"AttributeName": "other", "Enabled": True}), invalid()),
    ])
    yield case("TTL off twice", call("UpdateTimeToLive", TableName="range", TimeToLiveSpecification={"AttributeName": "ttl", "Enabled": False}), invalid("TimeToLive is already disabled"))
    yield case("TTL without attribute", call("UpdateTimeToLive", TableName="range", TimeToLiveSpecification={"AttributeName": "", "Enabled": True}), invalid())
    yield case("TTL specification missing", call("UpdateTimeToLive", TableName="range"), invalid("1 validation error detected: Value null at 'timeToLiveSpecification' failed to satisfy constraint: Member must not be null"))
    yield case("tags of no arn", call("ListTagsOfResource", ResourceArn="dog"), Fails("ValidationException"))
    yield case("no arn", call("ListTagsOfResource"), Fails("ValidationException"))


def shapes() -> Iterator[Case]:
    """Yield JSON of a wrong shape, and wrong members."""
    serialization = Fails("SerializationException")
    pk = item({"pk": "a"})
    for name, operation, members in (
        ("no JSON", "GetItem", "{"), ("text", "GetItem", '"a"'), ("list", "GetItem", "[]"), ("nothing", "GetItem", ""), ("null", "GetItem", "null"),
        ("name a number", "GetItem", {"TableName": 1, "Key": pk}), ("name a list", "GetItem", {"TableName": ["a"], "Key": pk}), ("name an object", "GetItem", {"TableName": {}, "Key": pk}), ("name true", "GetItem", {"TableName": True, "Key": pk}),
        ("key a text", "GetItem", {"TableName": "hash", "Key": "a"}), ("key a list", "GetItem", {"TableName": "hash", "Key": []}), ("value a text", "GetItem", {"TableName": "hash", "Key": {"pk": "a"}}),
        ("S a number", "GetItem", {"TableName": "hash", "Key": {"pk": {"S": 1}}}), ("N a number", "PutItem", {"TableName": "hash", "Item": {**pk, "x": {"N": 1}}}), ("SS a text", "PutItem", {"TableName": "hash", "Item": {**pk, "x": {"SS": "a"}}}),
        ("SS of a number", "PutItem", {"TableName": "hash", "Item": {**pk, "x": {"SS": [1]}}}), ("L an object", "PutItem", {"TableName": "hash", "Item": {**pk, "x": {"L": {}}}}), ("M a list", "PutItem", {"TableName": "hash", "Item": {**pk, "x": {"M": []}}}),
        ("BOOL a text", "PutItem", {"TableName": "hash", "Item": {**pk, "x": {"BOOL": "maybe"}}}), ("B no base64", "PutItem", {"TableName": "hash", "Item": {**pk, "x": {"B": "%%%"}}}), ("B a number", "PutItem", {"TableName": "hash", "Item": {**pk, "x": {"B": 1}}}),
        ("ConsistentRead a text", "GetItem", {"TableName": "hash", "Key": pk, "ConsistentRead": "maybe"}), ("Limit a text", "Scan", {"TableName": "hash", "Limit": "many"}), ("projection a list", "GetItem", {"TableName": "hash", "Key": pk, "ProjectionExpression": []}),
        ("names a list", "GetItem", {"TableName": "hash", "Key": pk, "ExpressionAttributeNames": []}), ("a name's target a number", "GetItem", {"TableName": "hash", "Key": pk, "ExpressionAttributeNames": {"#a": 1}}), ("AttributesToGet a text", "GetItem", {"TableName": "hash", "Key": pk, "AttributesToGet": "a"}),
        ("RequestItems a list", "BatchGetItem", {"RequestItems": []}), ("Keys an object", "BatchGetItem", {"RequestItems": {"hash": {"Keys": {}}}}), ("requests an object", "BatchWriteItem", {"RequestItems": {"hash": {}}}), ("TransactItems an object", "TransactWriteItems", {"TransactItems": {}}),
        ("Put a text", "TransactWriteItems", {"TransactItems": [{"Put": "a"}]}), ("KeySchema an object", "CreateTable", {"TableName": MADE, "KeySchema": {}}),
    ):
        yield case(f"shape: {name}", Call(operation, members), serialization)
    yield case("unknown operation", call("Dog"), Fails("UnknownOperationException"))
    yield case("unknown members are ignored", call("GetItem", TableName="hash", Key=pk, Dog=1), ok())
    null = "1 validation error detected: Value null at '{}' failed to satisfy constraint: Member must not be null"
    for operation, members, name in (
        ("GetItem", {"Key": pk}, "tableName"), ("GetItem", {"TableName": "hash"}, "key"), ("PutItem", {"TableName": "hash"}, "item"), ("PutItem", {"Item": pk}, "tableName"), ("DeleteItem", {"TableName": "hash"}, "key"),
        ("UpdateItem", {"TableName": "hash"}, "key"), ("Query", {}, "tableName"), ("Scan", {}, "tableName"), ("DescribeTable", {}, "tableName"),
    ):
        known = operation in ("PutItem", "GetItem", "DeleteItem", "UpdateItem", "Query", "Scan")
        message = null.format(name) if known else Like(f"{null.format(name)}|The parameter 'TableName' is required but was not present in the request".replace("(", "\\("))
        yield case(f"{operation} without {name}", Call(operation, members), invalid(message))
    yield case("null is nothing", call("GetItem", TableName=None, Key=pk), invalid(null.format("tableName")))
    long = "a" * 256
    for name, table, message in (
        ("empty name", "", Like("1 validation error detected: Value ('' )?at '[tT]ableName' failed to satisfy constraint: Member must have length greater than or equal to 1")),
        ("long name", long, f"1 validation error detected: Value '{long}' at 'tableName' failed to satisfy constraint: Member must have length less than or equal to 255"),
        ("odd name", "bad table!@#", "1 validation error detected: Value 'bad table!@#' at 'tableName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+"),
    ):
        yield case(f"PutItem {name}", call("PutItem", TableName=table, Item=pk), invalid(message))
        yield case(f"GetItem {name}", call("GetItem", TableName=table, Key=pk), invalid(message))
    yield case("empty name before an empty key", call("UpdateItem", TableName="", Key={}), invalid(Like("1 validation error detected: Value ('' )?at '[tT]ableName' failed to satisfy constraint: Member must have length greater than or equal to 1")))
    wrong = "INVALID"
    yield case("three wrong options", call("PutItem", TableName="hash", Item=pk, ReturnValues=wrong, ReturnConsumedCapacity=wrong, ReturnItemCollectionMetrics=wrong), invalid(Like("3 validation errors detected: .*")))
    yield case("two wrong options", call("DeleteItem", TableName="hash", Key=pk, ReturnValues=wrong, ReturnConsumedCapacity=wrong), invalid(Like("2 validation errors detected: .*")))
    capacity = "1 validation error detected: Value 'INVALID' at 'returnConsumedCapacity' failed to satisfy constraint: Member must satisfy enum value set: [INDEXES, TOTAL, NONE]"
    for operation, members in (("PutItem", {"Item": pk}), ("GetItem", {"Key": pk}), ("Scan", {})):
        yield case(f"{operation} with a wrong option", call(operation, TableName="hash", ReturnConsumedCapacity=wrong, **members), invalid(capacity))
    many = call("TransactWriteItems", ReturnConsumedCapacity="hi", ReturnItemCollectionMetrics="hi")
    yield case("three wrong members of a transaction", many, invalid(Like("3 validation errors detected: .*Value null at 'transactItems' failed to satisfy constraint: Member must not be null.*")))
    yield case("a put without item in a transaction", call("TransactWriteItems", TransactItems=[{"Put": {"TableName": "hash"}}]), invalid("1 validation error detected: Value null at 'transactItems.1.member.put.item' failed to satisfy constraint: Member must not be null"))


def changes() -> Iterator[Case]:
    """Yield what AWS refuses in keys of global indexes, in tags, and in UpdateTable."""
    gsi, updates = "GlobalSecondaryIndexes", "GlobalSecondaryIndexUpdates"
    names = [f"k{number}" for number in range(5)]
    for name, kinds, used, message in (
        ("five hashes", "HHHHH", names, "One or more parameter values were invalid: The KeySchema exceeds the maximum allowed number of HASH key attributes"),
        ("five ranges", "HRRRRR", ["pk", *names], "One or more parameter values were invalid: The KeySchema exceeds the maximum allowed number of RANGE key attributes"),
        ("a hash after a range", "HRH", names[:3], "One or more parameter values were invalid: All HASH key attributes must precede RANGE key attributes in the KeySchema"),
        ("one hash twice", "HH", ["pk", "pk"], "The KeySchema contains multiple key attributes with the same name"),
        ("only ranges", "RR", names[:2], "Invalid KeySchema: The first KeySchemaElement is not a HASH key type"),
    ):
        schema = [{"AttributeName": attribute, "KeyType": {"H": "HASH", "R": "RANGE"}[kind]} for attribute, kind in zip(used, kinds, strict=True)]
        index = {"IndexName": "idx", "KeySchema": schema, "Projection": {"ProjectionType": "ALL"}}
        yield case(name, _create(AttributeDefinitions=_types(*dict.fromkeys(["pk", *used])), **{gsi: [index]}), invalid(message))
    yield case("an attribute defined twice", _create(AttributeDefinitions=_types("pk", "pk")), invalid("Attribute Name is duplicated: pk"))
    for name, tags, message in (
        ("no key", [{"Value": "v"}], "The Tag Key provided is invalid, Key: null"), ("an empty key", [{"Key": "", "Value": "v"}], "The Tag Key provided is invalid, Key: "), ("a comma", [{"Key": "a,b", "Value": "v"}], "The Tag Key provided is invalid, Key: a,b"),
        ("a long key", [{"Key": "k" * 129, "Value": "v"}], f"The Tag Key provided is invalid, Key: {'k' * 129}"), ("no value", [{"Key": "k"}], "The Tag Value provided is invalid, Value: null"), ("a percentage", [{"Key": "k", "Value": "100%"}], "The Tag Value provided is invalid, Value: 100%"),
        ("AWS's key", [{"Key": "aws:foo", "Value": "v"}], "Tag Key cannot be prefixed with aws:, Key: aws:foo"), ("a key twice", [{"Key": "dup", "Value": "v"}] * 2, "Duplicate Tag Keys provided as input: Duplicate Tag Key found dup"),
        ("51", [{"Key": f"k{number}", "Value": "v"} for number in range(51)], "Number of Tags exceed the current limit for the provided ResourceArn"),
    ):
        yield case(f"tags: {name}", _create(Tags=tags), invalid(message), then=[(call("DescribeTable", TableName=MADE), missing(None))])
    for name, more, message in (
        ("an attribute projected twice", {"Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["x", "x"]}}, "Duplicate element in NonKeyAttributes: x"),
        ("no limit of an index", {"OnDemandThroughput": {"MaxReadRequestUnits": 0}}, "Requested MaxReadRequestUnits for OnDemandThroughput for index : idx is outside of valid range"),
    ):
        yield case(name, _create(AttributeDefinitions=_types("pk", "g"), **{gsi: [_index("idx", **more)]}), parameter(message))
    limits = "Requested MaxReadRequestUnits for OnDemandThroughput for table is outside of valid range"
    yield case("no limit of a table", _create(OnDemandThroughput={"MaxReadRequestUnits": -1}), parameter(limits))
    yield case("an attribute not used, and a wrong index", _create(AttributeDefinitions=_types("pk", "g", "z"), **{gsi: [_index("idx", Projection={})]}), parameter("Some AttributeDefinitions are not used. AttributeDefinitions: [pk, g, z], keys used: [pk, g]"))
    warm = "Requested ReadUnitsPerSecond for WarmThroughput for table is lower than "
    yield case("not so warm", _create(WarmThroughput={"ReadUnitsPerSecond": 1}), invalid(Like(f"One or more parameter values were invalid: {warm}initial throughput for OnDemand. See: .*")))
    nothing = (
        "At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, GlobalSecondaryIndexUpdates, SSESpecification, ReplicaUpdates, MultiAccountReplicaReady, "
        "ReplicaTransitRoleArn, MultiRegionConsistency, DeletionProtectionEnabled, OnDemandThroughput, WarmThroughput or TableClass is required"
    )
    stream, alone = {"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"}, "must be the only operation in the request"
    for name, members, message in (
        ("nothing", {}, nothing), ("attributes alone", {"AttributeDefinitions": TYPES}, nothing), ("no updates", {updates: []}, nothing), ("no updates but a class", {updates: [], "TableClass": "STANDARD"}, "List of GlobalSecondaryIndexUpdates is empty"),
        ("class and protection", {"TableClass": "STANDARD", "DeletionProtectionEnabled": True}, f"TableClass modification {alone}"), ("protection and stream", {"StreamSpecification": stream, "DeletionProtectionEnabled": True}, f"DeletionProtection modification {alone}"),
        ("encryption and class", {"TableClass": "STANDARD", "SSESpecification": {"Enabled": True}}, f"Server-Side Encryption modification {alone}"), ("stream and limits", {"StreamSpecification": stream, "OnDemandThroughput": {"MaxReadRequestUnits": 5}}, "OnDemandThroughput can only be combined with BillingMode in an UpdateTable request"),
        ("stream and index", {"StreamSpecification": stream, updates: [{"Delete": {"IndexName": "gsi"}}]}, "You cannot create or delete index while changing stream status"), ("colder", {"WarmThroughput": {"ReadUnitsPerSecond": 1}}, f"{warm}current WarmThroughput, decreasing WarmThroughput is not supported"),
    ):
        yield case(f"update: {name}", call("UpdateTable", TableName="hash", **members), invalid(message) if message is nothing else parameter(message))
    pay = "The only Updates for index: all when TableThroughputMode is PAY_PER_REQUEST can be to OnDemandThroughput, WarmThroughput"
    for name, update, message in (
        ("units", {"ProvisionedThroughput": {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}}, pay), ("nothing", {}, pay), ("no limits", {"OnDemandThroughput": {}}, pay),
        ("no warmth", {"WarmThroughput": {}}, "WarmThroughput must have at least one of ReadUnitsPerSecond or WriteUnitsPerSecond specified for index: all"),
        ("colder", {"WarmThroughput": {"ReadUnitsPerSecond": 1}}, "Requested ReadUnitsPerSecond for WarmThroughput for index all is lower than current WarmThroughput, decreasing WarmThroughput is not supported"),
        ("limits of nothing", {"OnDemandThroughput": {"MaxReadRequestUnits": 0}}, "Requested MaxReadRequestUnits for OnDemandThroughput for index : all is outside of valid range"),
    ):
        yield case(f"update of an index: {name}", call("UpdateTable", TableName="index", **{updates: [{"Update": {"IndexName": "all", **update}}]}), parameter(message))
    yield case("update: a local index", call("UpdateTable", TableName="index", **{updates: [{"Delete": {"IndexName": "lall"}}]}), invalid("Cannot delete an index that is not a GlobalSecondaryIndex: lall"))
    yield case("describe: an empty name", call("DescribeTable", TableName=""), invalid(Like("2 validation errors detected: Value '' at 'tableName' failed to satisfy constraint: Member must have length greater than or equal to 3; .*")))
    yield case("update: an unknown index", call("UpdateTable", TableName="hash", **{updates: [{"Delete": {"IndexName": "none"}}]}), missing("Requested resource not found: Index none for table hash"))
    yield case("tags of no arn", call("ListTagsOfResource", ResourceArn="dog"), parameter("ARNs must start with 'arn:': dog"))


GROUPS = (
    Group("tables: refused", f"{NUBO}; {DYNALITE}", creations()),
    Group("tables: described, TTL, tags", f"{NUBO}; {DYNALITE}", described()),
    Group("tables: changes", "a lab of aws-controllers-k8s (us-west-2, us-east-1, October 2026)", changes()),
    Group("shapes", f"{DYNALITE}; {NUBO} and its captures", shapes()),
)
