"""Random calls on random tables: dice in, requests out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs

from .enginecalls_dice import NAMES, POOLS, Dice, Index, Item, Table, Texts

__all__ = ["Call", "random_call"]

CAPACITY = ("NONE", "TOTAL", "INDEXES", "INDEXES")
OLD_AND_NEW = ("NONE", "ALL_OLD", "UPDATED_OLD", "ALL_NEW", "UPDATED_NEW")


@attrs.frozen
class Call:
    """One request, or one that is followed through its pages.

    Attributes:
        operation: Of DynamoDB.
        members: Of the request.
        touched: Table -> keys that it may change.
        order: For searches, the attributes whose order counts; None for other calls, () for no order.
    """

    operation: str
    members: dict[str, Any]
    touched: tuple[tuple[str, Item], ...] = ()
    order: tuple[str, ...] | None = None


def random_call(dice: Dice, tables: list[Table]) -> Call:
    """Return a call on one or several tables."""
    table = dice.pick(tables)
    make: Callable[[Dice, Table], Call] = dice.random.choices(
        (_put, _update, _delete, _get, _query, _scan), (22, 30, 8, 10, 20, 10)
    )[0]
    several = dice.random.random() * 100
    if several < 4:
        return _batch_write(dice, tables)
    if several < 8:
        return _batch_get(dice, tables)
    if several < 14:
        return _transact_write(dice, tables)
    if several < 17:
        return _transact_get(dice, tables)
    return make(dice, table)


def _finished(dice: Dice, members: dict[str, Any], texts: Texts) -> dict[str, Any]:
    texts.add_to(members)
    if dice.chance(1.5):
        members.setdefault("ExpressionAttributeValues", {})[":unused"] = {"N": "1"}
    capacity = dice.pick(CAPACITY)
    if capacity != "NONE":
        members["ReturnConsumedCapacity"] = capacity
    return members


def _conditioned(dice: Dice, members: dict[str, Any], texts: Texts, percent: float = 30) -> None:
    if dice.chance(percent):
        members["ConditionExpression"] = dice.condition(texts, (*NAMES, "p"))


def _put(dice: Dice, table: Table) -> Call:
    texts, item = Texts(), dice.item(table)
    members: dict[str, Any] = {"TableName": table.name, "Item": item}
    _conditioned(dice, members, texts)
    if dice.chance(30):
        members["ReturnValues"] = dice.pick(("NONE", "ALL_OLD", "ALL_OLD"))
    return Call("PutItem", _finished(dice, members, texts), ((table.name, _key_of(table, item)),))


def _key_of(table: Table, item: Item) -> Item:
    return {name: item[name] for name in table.keys}


def _update(dice: Dice, table: Table) -> Call:
    texts, key = Texts(), dice.key(table)
    members: dict[str, Any] = {"TableName": table.name, "Key": key}
    if dice.chance(98):
        members["UpdateExpression"] = dice.update(texts, table)
    _conditioned(dice, members, texts, 25)
    if dice.chance(60):
        members["ReturnValues"] = dice.pick(OLD_AND_NEW)
    return Call("UpdateItem", _finished(dice, members, texts), ((table.name, key),))


def _delete(dice: Dice, table: Table) -> Call:
    texts, key = Texts(), dice.key(table)
    members: dict[str, Any] = {"TableName": table.name, "Key": key}
    _conditioned(dice, members, texts)
    if dice.chance(50):
        members["ReturnValues"] = dice.pick(("NONE", "ALL_OLD"))
    return Call("DeleteItem", _finished(dice, members, texts), ((table.name, key),))


def _get(dice: Dice, table: Table) -> Call:
    texts = Texts()
    members: dict[str, Any] = {"TableName": table.name, "Key": dice.key(table)}
    if dice.chance(50):
        members["ProjectionExpression"] = dice.projection(texts, (*NAMES, "p"))
    if dice.chance(50):
        members["ConsistentRead"] = True
    return Call("GetItem", _finished(dice, members, texts))


# --- searches -----------------------------------------------------------------------------


def _searched(
    dice: Dice, table: Table, texts: Texts, index: Index | None, filtered: tuple[str, ...]
) -> dict[str, Any]:
    members: dict[str, Any] = {"TableName": table.name}
    if index is not None:
        members["IndexName"] = index.name
    if dice.chance(40):
        members["FilterExpression"] = dice.condition(texts, filtered)
    kind = dice.random.random() * 100
    if kind < 30:
        members["ProjectionExpression"] = dice.projection(texts, filtered)
    elif kind < 45:
        members["Select"] = "COUNT"
    elif kind < 50:
        members["Select"] = "ALL_PROJECTED_ATTRIBUTES" if index else "ALL_ATTRIBUTES"
    if dice.chance(40):
        members["Limit"] = dice.random.randint(1, 5)
    if not (index and index.is_global) and dice.chance(40):
        members["ConsistentRead"] = True
    return members


def _readable(table: Table, index: Index | None) -> tuple[str, ...]:
    """Return the attributes that a search may name: a global index must hold them."""
    if index is None or not index.is_global or index.projection == "ALL":
        return tuple(NAMES)
    return (
        index.held
        or tuple(name for name in table.types if name not in index.keys and name in table.keys)
        or tuple(NAMES)
    )


def _query(dice: Dice, table: Table) -> Call:
    texts = Texts()
    index = dice.pick(table.indexes) if table.indexes and dice.chance(55) else None
    keys = index.keys if index else table.keys
    filtered = tuple(name for name in _readable(table, index) if name not in keys) or ("a",)
    members = _searched(dice, table, texts, index, filtered)
    members["KeyConditionExpression"] = _key_condition(dice, table, texts, keys)
    if dice.chance(50):
        members["ScanIndexForward"] = dice.chance(50)
    if index is None and dice.chance(8) and "FilterExpression" not in members:
        members["ExclusiveStartKey"] = dice.key(table)
    return Call("Query", _finished(dice, members, texts), order=keys)


def _key_condition(dice: Dice, table: Table, texts: Texts, keys: tuple[str, ...]) -> str:
    hash_ = f"{texts.name(keys[0], placed=dice.chance(30))} = {texts.value(dice.key_value(keys[0], table.types[keys[0]]))}"
    if len(keys) == 1 or dice.chance(40):
        return hash_
    return f"{hash_} AND {_range_condition(dice, texts, keys[1], table.types[keys[1]])}"


def _range_condition(dice: Dice, texts: Texts, name: str, type_: str) -> str:
    placed = texts.name(name, placed=dice.chance(30))

    def value() -> str:
        return texts.value({type_: dice.pick(POOLS[type_])})

    kind = dice.pick(("=", "<", "<=", ">", ">=", "between", "begins"))
    if kind == "between":
        low, high = dice.pick(POOLS[type_][:1]), dice.pick(POOLS[type_])
        return f"{placed} BETWEEN {texts.value({type_: low})} AND {texts.value({type_: high})}"
    if kind == "begins":
        return f"begins_with({placed}, {value()})" if type_ == "S" else f"{placed} >= {value()}"
    return f"{placed} {kind} {value()}"


def _scan(dice: Dice, table: Table) -> Call:
    texts = Texts()
    index = dice.pick(table.indexes) if table.indexes and dice.chance(40) else None
    members = _searched(dice, table, texts, index, _readable(table, index))
    if dice.chance(20):
        total = dice.random.randint(1, 4)
        members["TotalSegments"] = total
    return Call("Scan", _finished(dice, members, texts), order=())


# --- several ------------------------------------------------------------------------------


def _batch_write(dice: Dice, tables: list[Table]) -> Call:
    requests: dict[str, list[Any]] = {}
    touched: list[tuple[str, Item]] = []
    for table in dice.some(tables, 2):
        for _ in range(dice.random.randint(1, 5)):
            item = dice.item(table)
            key = _key_of(table, item)
            if (table.name, key) in touched and not dice.chance(3):
                continue
            touched.append((table.name, key))
            put = {"PutRequest": {"Item": item}} if dice.chance(70) else {"DeleteRequest": {"Key": key}}
            requests.setdefault(table.name, []).append(put)
    members = _finished(dice, {"RequestItems": requests}, Texts())
    members.pop("ExpressionAttributeValues", None)
    return Call("BatchWriteItem", members, tuple(touched))


def _batch_get(dice: Dice, tables: list[Table]) -> Call:
    asked: dict[str, Any] = {}
    for table in dice.some(tables, 2):
        texts = Texts()
        keys: list[Item] = []
        for _ in range(dice.random.randint(1, 5)):
            key = dice.key(table)
            if key not in keys or dice.chance(3):
                keys.append(key)
        members: dict[str, Any] = {"Keys": keys}
        if dice.chance(40):
            members["ProjectionExpression"] = dice.projection(texts)
        if dice.chance(40):
            members["ConsistentRead"] = True
        texts.add_to(members)
        asked[table.name] = members
    members = _finished(dice, {"RequestItems": asked}, Texts())
    members.pop("ExpressionAttributeValues", None)
    return Call("BatchGetItem", members)


def _transact_write(dice: Dice, tables: list[Table]) -> Call:
    actions: list[dict[str, Any]] = []
    touched: list[tuple[str, Item]] = []
    for _ in range(dice.random.randint(1, 4)):
        table = dice.pick(tables)
        kind = dice.pick(("Put", "Update", "Update", "Delete", "ConditionCheck"))
        item = dice.item(table)
        key = _key_of(table, item)
        if (table.name, key) in touched and not dice.chance(3):
            continue
        touched.append((table.name, key))
        actions.append({kind: _transacted(dice, table, kind, item, key)})
    return Call("TransactWriteItems", _several(dice, {"TransactItems": actions}), tuple(touched))


def _transacted(dice: Dice, table: Table, kind: str, item: Item, key: Item) -> dict[str, Any]:
    texts = Texts()
    members: dict[str, Any] = {"TableName": table.name, **({"Item": item} if kind == "Put" else {"Key": key})}
    if kind == "Update":
        members["UpdateExpression"] = dice.update(texts, table)
    _conditioned(dice, members, texts, 100 if kind == "ConditionCheck" else 25)
    if dice.chance(30):
        members["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
    texts.add_to(members)
    return members


def _several(dice: Dice, members: dict[str, Any]) -> dict[str, Any]:
    capacity = dice.pick(CAPACITY)
    if capacity != "NONE":
        members["ReturnConsumedCapacity"] = capacity
    return members


def _transact_get(dice: Dice, tables: list[Table]) -> Call:
    gets: list[dict[str, Any]] = []
    asked: list[tuple[str, Item]] = []
    for _ in range(dice.random.randint(1, 4)):
        table, texts = dice.pick(tables), Texts()
        key = dice.key(table)
        if (table.name, key) in asked and not dice.chance(3):
            continue
        asked.append((table.name, key))
        members: dict[str, Any] = {"TableName": table.name, "Key": key}
        if dice.chance(40):
            members["ProjectionExpression"] = dice.projection(texts)
        texts.add_to(members)
        gets.append({"Get": members})
    return Call("TransactGetItems", _several(dice, {"TransactItems": gets}))
