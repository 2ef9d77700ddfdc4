"""Valid requests of every operation, from a random generator: what the fuzzer mutates.

Most refer to one of the tables that `TABLES` describes, a few to tables that are not there.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any

from .localmodel_words import NAMES, Words, any_value, condition, key_condition, scalar, update

__all__ = ["CANARY", "KEYS", "OPERATIONS", "TABLES", "items_of", "valid_request"]

#: A table that no request names.
CANARY = "the.canary"

_ALL = {"ProjectionType": "ALL"}


def _keys(*names: str) -> list[dict[str, str]]:
    return [{"AttributeName": name, "KeyType": "RANGE" if at else "HASH"} for at, name in enumerate(names)]


def _table(types: str, schema: tuple[str, ...], **more: Any) -> dict[str, Any]:
    defined = [part.split(":") for part in types.split()]
    return {
        "AttributeDefinitions": [{"AttributeName": name, "AttributeType": type} for name, type in defined],
        "KeySchema": _keys(*schema),
        "BillingMode": "PAY_PER_REQUEST",
        **more,
    }


#: Name -> what CreateTable is asked for, the name left out.
TABLES: dict[str, dict[str, Any]] = {
    "plain": _table("h:S", ("h",)),
    "ranged": _table(
        "h:S r:N a:S b:B",
        ("h", "r"),
        LocalSecondaryIndexes=[
            {
                "IndexName": "local",
                "KeySchema": _keys("h", "a"),
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            }
        ],
        GlobalSecondaryIndexes=[
            {"IndexName": "global", "KeySchema": _keys("a", "b"), "Projection": _ALL},
            {
                "IndexName": "several",
                "KeySchema": [
                    {"AttributeName": "a", "KeyType": "HASH"},
                    {"AttributeName": "h", "KeyType": "HASH"},
                    {"AttributeName": "r", "KeyType": "RANGE"},
                    {"AttributeName": "b", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["x", "y"]},
            },
        ],
    ),
    "binary": _table("h:B r:S", ("h", "r")),
}
KEYS = {"plain": {"h": "S"}, "ranged": {"h": "S", "r": "N"}, "binary": {"h": "B", "r": "S"}}
_INDEXED = {"plain": {}, "ranged": {"a": "S", "b": "B"}, "binary": {}}


def _key(dice: random.Random, table: str) -> dict[str, Any]:
    return {name: scalar(dice, type, is_key=True) for name, type in KEYS[table].items()}


def items_of(dice: random.Random, table: str) -> dict[str, Any]:
    """Return an item of a table."""
    item = {name: any_value(dice) for name in dice.sample(NAMES, dice.randrange(5))}
    for name, type in _INDEXED[table].items():
        item.pop(name, None)
        if dice.random() < 0.6:
            item[name] = scalar(dice, type, is_key=True)
    return {**item, **_key(dice, table)}


# --- operations ---------------------------------------------------------------------------


def _with_condition(
    dice: random.Random, request: dict[str, Any], member: str, chance: float = 0.5
) -> dict[str, Any]:
    if dice.random() < chance:
        words = Words(dice)
        request[member] = condition(words)
        request.update(words.members())
    return request


def _extras(dice: random.Random, request: dict[str, Any], **members: tuple[Any, ...]) -> dict[str, Any]:
    members["ReturnConsumedCapacity"] = ("TOTAL", "INDEXES", "NONE")
    for name, choices in members.items():
        if dice.random() < 0.3:
            request[name] = dice.choice(choices)
    return request


_BOTH = (True, False)
_METRICS = ("SIZE", "NONE")


def _put(dice: random.Random, table: str) -> dict[str, Any]:
    request = _with_condition(
        dice, {"TableName": table, "Item": items_of(dice, table)}, "ConditionExpression"
    )
    return _extras(dice, request, ReturnValues=("ALL_OLD", "NONE"), ReturnItemCollectionMetrics=_METRICS)


def _get(dice: random.Random, table: str) -> dict[str, Any]:
    request = {"TableName": table, "Key": _key(dice, table)}
    if dice.random() < 0.4:
        words = Words(dice)
        request["ProjectionExpression"] = f"{words.path()}, s.t[1]"
        request.update(words.members())
    elif dice.random() < 0.2:
        request["AttributesToGet"] = ["x", "y"]
    return _extras(dice, request, ConsistentRead=_BOTH)


def _delete(dice: random.Random, table: str) -> dict[str, Any]:
    request = _with_condition(dice, {"TableName": table, "Key": _key(dice, table)}, "ConditionExpression")
    on_failure = ("ALL_OLD", "NONE")
    return _extras(dice, request, ReturnValues=on_failure, ReturnValuesOnConditionCheckFailure=on_failure)


def _updating(dice: random.Random, table: str) -> dict[str, Any]:
    request: dict[str, Any] = {"TableName": table, "Key": _key(dice, table)}
    if dice.random() < 0.2:
        action = {"Action": dice.choice(("PUT", "ADD", "DELETE")), "Value": any_value(dice)}
        expected = {"y": {"ComparisonOperator": dice.choice(("EQ", "NULL", "GT")), "AttributeValueList": []}}
        return {**request, "AttributeUpdates": {"x": action}, "Expected": expected}
    words = Words(dice)
    request["UpdateExpression"] = update(words)
    request.update(words.members())
    returns = ("NONE", "ALL_OLD", "ALL_NEW", "UPDATED_OLD", "UPDATED_NEW")
    return _extras(dice, request, ReturnValues=returns)


def _query(dice: random.Random, table: str) -> dict[str, Any]:
    words = Words(dice)
    request: dict[str, Any] = {"TableName": table}
    parts: Mapping[str, str] = KEYS[table]
    if table == "ranged" and dice.random() < 0.6:
        name = request["IndexName"] = dice.choice(("local", "global", "several"))
        indexes = {"local": "h:S a:S", "global": "a:S b:B", "several": "a:S h:S r:N b:B"}
        parts = dict(part.split(":") for part in indexes[name].split())
    request["KeyConditionExpression"] = key_condition(words, parts)
    if dice.random() < 0.3:
        request["FilterExpression"] = f"{words.name('y')} = {words.value()}"
    if dice.random() < 0.2:
        start = {name: scalar(dice, type, is_key=True) for name, type in {**KEYS[table], **parts}.items()}
        request["ExclusiveStartKey"] = start
    request.update(words.members())
    return _extras(
        dice,
        request,
        Limit=(1, 3, 100),
        ScanIndexForward=_BOTH,
        ConsistentRead=_BOTH,
        Select=("COUNT", "ALL_ATTRIBUTES"),
    )


def _scan(dice: random.Random, table: str) -> dict[str, Any]:
    request = _with_condition(dice, {"TableName": table}, "FilterExpression", 0.4)
    if table == "ranged" and dice.random() < 0.4:
        request["IndexName"] = dice.choice(("local", "global", "several"))
    if dice.random() < 0.3:
        request["TotalSegments"] = total = dice.choice((1, 2, 7, 1000000))
        request["Segment"] = min(dice.randrange(total), 999_999)
    elif dice.random() < 0.2:
        request["ScanFilter"] = {"x": {"ComparisonOperator": "EQ", "AttributeValueList": [any_value(dice)]}}
    if dice.random() < 0.2:
        request["ExclusiveStartKey"] = _key(dice, table)
    return _extras(dice, request, Limit=(1, 3, 100), Select=("COUNT", "SPECIFIC_ATTRIBUTES"))


def _batch_get(dice: random.Random, table: str) -> dict[str, Any]:
    asked = {
        name: {"Keys": [_key(dice, name) for _ in range(dice.randrange(1, 4))]} for name in (table, "plain")
    }
    return _extras(dice, {"RequestItems": asked})


def _batch_write(dice: random.Random, table: str) -> dict[str, Any]:
    def one(name: str) -> dict[str, Any]:
        if dice.random() < 0.6:
            return {"PutRequest": {"Item": items_of(dice, name)}}
        return {"DeleteRequest": {"Key": _key(dice, name)}}

    asked = {name: [one(name) for _ in range(dice.randrange(1, 4))] for name in (table, "plain")}
    return _extras(dice, {"RequestItems": asked}, ReturnItemCollectionMetrics=_METRICS)


def _transact_get(dice: random.Random, table: str) -> dict[str, Any]:
    return _extras(dice, {"TransactItems": [{"Get": _strip(_get(dice, name))} for name in (table, "plain")]})


def _transact_write(dice: random.Random, table: str) -> dict[str, Any]:
    makers = {"Put": _put, "Delete": _delete, "Update": _updating, "ConditionCheck": _delete}
    actions = []
    for _ in range(dice.randrange(1, 4)):
        name = dice.choice(list(makers))
        actions.append({name: _strip(makers[name](dice, dice.choice((table, "plain"))))})
    request: dict[str, Any] = {"TransactItems": actions}
    return _extras(dice, request, ClientRequestToken=("t1", "t2"), ReturnItemCollectionMetrics=_METRICS)


def _strip(request: dict[str, Any]) -> dict[str, Any]:
    """Return a request without what actions of transactions do not have."""
    gone = ("ReturnConsumedCapacity", "ReturnItemCollectionMetrics", "ReturnValues", "ConsistentRead")
    return {name: held for name, held in request.items() if name not in gone}


def _create(dice: random.Random, table: str) -> dict[str, Any]:
    return {"TableName": dice.choice((table, "extra", "extra2")), **deepcopy(TABLES[table])}


def _update_table(dice: random.Random, table: str) -> dict[str, Any]:
    create = {"IndexName": "added", "KeySchema": _keys("x", "y"), "Projection": dict(_ALL)}
    change = dice.choice(({"Create": create}, {"Delete": {"IndexName": "added"}}))
    defined = [{"AttributeName": name, "AttributeType": "S"} for name in "xy"]
    return {
        "TableName": dice.choice((table, "extra")),
        "AttributeDefinitions": defined,
        "GlobalSecondaryIndexUpdates": [change],
    }


def _named(dice: random.Random, table: str) -> dict[str, Any]:
    return {"TableName": dice.choice((table, "extra", "absent"))}


def _arn(dice: random.Random, table: str) -> dict[str, Any]:
    tags = {"Tags": [{"Key": "k", "Value": "v"}], "TagKeys": ["k"]}
    return {"ResourceArn": f"arn:aws:dynamodb:us-east-1:000000000000:table/{table}", **tags}


def _expiry(dice: random.Random, table: str) -> dict[str, Any]:
    return {
        "TableName": table,
        "TimeToLiveSpecification": {"AttributeName": "z", "Enabled": dice.random() < 0.5},
    }


#: Operation -> how to make a request of it for a table, and how often it is wanted.
OPERATIONS: dict[str, tuple[Callable[[random.Random, str], dict[str, Any]], int]] = {
    "PutItem": (_put, 12),
    "GetItem": (_get, 8),
    "DeleteItem": (_delete, 6),
    "UpdateItem": (_updating, 14),
    "Query": (_query, 14),
    "Scan": (_scan, 10),
    "BatchGetItem": (_batch_get, 5),
    "BatchWriteItem": (_batch_write, 5),
    "TransactGetItems": (_transact_get, 5),
    "TransactWriteItems": (_transact_write, 9),
    "CreateTable": (_create, 4),
    "UpdateTable": (_update_table, 3),
    "DeleteTable": (lambda dice, table: {"TableName": dice.choice(("extra", "extra2"))}, 2),
    "DescribeTable": (_named, 1),
    "ListTables": (lambda dice, table: {"Limit": 3, "ExclusiveStartTableName": table}, 1),
    "UpdateTimeToLive": (_expiry, 1),
    "DescribeTimeToLive": (_named, 1),
    "TagResource": (_arn, 1),
    "UntagResource": (_arn, 1),
    "ListTagsOfResource": (_arn, 1),
    "DescribeLimits": (lambda dice, table: {}, 1),
    "DescribeEndpoints": (lambda dice, table: {}, 1),
    "DescribeContinuousBackups": (_named, 1),
}
_NAMES_OF = list(OPERATIONS)
_WEIGHTS = [weight for _, weight in OPERATIONS.values()]


def valid_request(dice: random.Random) -> tuple[str, dict[str, Any]]:
    """Return an operation and a request of it, which is all right by itself, or nearly so."""
    (operation,) = dice.choices(_NAMES_OF, _WEIGHTS)
    make, _ = OPERATIONS[operation]
    return operation, make(dice, dice.choice(list(TABLES)))
