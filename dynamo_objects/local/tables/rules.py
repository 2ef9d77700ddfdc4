"""Rules of key schemas and secondary indexes, in AWS's words and order.

Source of words and order: AWS's answers to dynalite's tests (createTable.js); of what is newer,
AWS's documentation: global indexes with up to four hash and four range attributes since
November 2025 (Developer Guide, "Multi-attribute keys pattern").
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..definitions import KeyPart, Keys
from ..errors import ApiError, invalid, invalid_parameter
from .capacities import check_on_demand_bounds, check_on_demand_mode

__all__ = [
    "MAX_GLOBAL",
    "check_all_used",
    "check_global_index",
    "check_global_indexes",
    "check_keys",
    "check_local_indexes",
    "keys_of",
    "types_of",
]

Members = Mapping[str, Any]

#: Per table (AWS, "Quotas in Amazon DynamoDB").
MAX_GLOBAL = 20
_MAX_LOCAL = 5
_MAX_PROJECTED = 100
_MAX_PARTS = 4

_SAME_NAME = "Both the Hash Key and the Range Key element in the KeySchema have the same name"
_SAME_NAMES = "The KeySchema contains multiple key attributes with the same name"


def types_of(definitions: Iterable[Members]) -> dict[str, str]:
    """Return attribute -> type of attribute definitions.

    Raises:
        ApiError: An attribute is defined twice.
    """
    types: dict[str, str] = {}
    for definition in definitions:
        name = definition["AttributeName"]
        if name in types:
            raise invalid(f"Attribute Name is duplicated: {name}")
        types[name] = definition["AttributeType"]
    return types


def keys_of(schema: Iterable[Members], types: Mapping[str, str]) -> Keys:
    """Return the keys that a checked key schema means."""
    parts: dict[str, list[KeyPart]] = {"HASH": [], "RANGE": []}
    for element in schema:
        name = element["AttributeName"]
        parts[element["KeyType"]].append(KeyPart(name, types[name]))
    return Keys(tuple(parts["HASH"]), tuple(parts["RANGE"]))


def check_keys(schema: Sequence[Members], types: Mapping[str, str]) -> None:
    """Check the key schema of a table.

    Raises:
        ApiError: ValidationException.
    """
    if len(schema) > len(types):
        raise invalid("Invalid KeySchema: Some index key attribute have no definition")
    _check_defined(schema, types)
    _check_pair(schema)


def check_all_used(request: Members, types: Mapping[str, str]) -> None:
    """Check that every attribute that is defined is part of a key.

    AWS looks before it looks at the rest of the indexes (aws-controllers-k8s, October 2026).

    Raises:
        ApiError: ValidationException; also for a list of indexes without any.
    """
    for kind in ("LocalSecondaryIndexes", "GlobalSecondaryIndexes"):
        if request.get(kind) == []:
            raise invalid_parameter(f"List of {kind} is empty")
    indexes = [*_indexes(request, "LocalSecondaryIndexes"), *_indexes(request, "GlobalSecondaryIndexes")]
    schemas = [request["KeySchema"], *(index["KeySchema"] for index in indexes)]
    used = dict.fromkeys(name for schema in schemas for name in _names(schema))
    # What is not defined at all is found with the index.
    if len(used) == len(types) or not types.keys() >= used.keys():
        return
    if not indexes:
        raise invalid_parameter(
            "Number of attributes in KeySchema does not exactly match number of attributes defined in "
            "AttributeDefinitions"
        )
    raise invalid_parameter(
        f"Some AttributeDefinitions are not used. AttributeDefinitions: {_shown(types)}, "
        f"keys used: {_shown(used)}"
    )


def check_local_indexes(request: Members, types: Mapping[str, str]) -> None:
    """Check the local secondary indexes of a new table.

    Raises:
        ApiError: ValidationException.
    """
    indexes = request.get("LocalSecondaryIndexes")
    if not indexes:
        return
    schema = request["KeySchema"]
    if len(schema) < 2:
        raise invalid_parameter(
            "Table KeySchema does not have a range key, which is required when specifying a "
            "LocalSecondaryIndex"
        )
    seen: set[str] = set()
    for index in indexes:
        _check_local(index, schema[0]["AttributeName"], types)
        _check_name(index["IndexName"], seen)
    if len(indexes) > _MAX_LOCAL:
        raise invalid_parameter("Number of LocalSecondaryIndexes exceeds per-table limit of 5")


def check_global_indexes(request: Members, types: Mapping[str, str], on_demand: bool) -> None:
    """Check the global secondary indexes of a new table, and all that its indexes project.

    Raises:
        ApiError: ValidationException.
    """
    indexes = request.get("GlobalSecondaryIndexes")
    local = _indexes(request, "LocalSecondaryIndexes")
    if indexes is not None:
        seen = {index["IndexName"] for index in local}
        for index in indexes:
            check_global_index(index, types)
            _check_units(index, on_demand)
            _check_name(index["IndexName"], seen)
        if len(indexes) > MAX_GLOBAL:
            raise _too_many_global()
    _check_projected([*local, *(indexes or ())])


def check_global_index(index: Members, types: Mapping[str, str]) -> None:
    """Check keys and projection of one global secondary index.

    Raises:
        ApiError: ValidationException.
    """
    _check_defined(index["KeySchema"], types)
    _check_long_keys(index["KeySchema"])
    _check_projection(index["Projection"])


def _check_units(index: Members, on_demand: bool) -> None:
    name = index["IndexName"]
    check_on_demand_mode(index.get("OnDemandThroughput"), on_demand, index=f" for index: {name}")
    check_on_demand_bounds(index.get("OnDemandThroughput"), what=f"index : {name}")
    if on_demand and index.get("ProvisionedThroughput") is not None:
        raise invalid_parameter(
            f"ProvisionedThroughput should not be specified for index: {name} when BillingMode is "
            "PAY_PER_REQUEST"
        )
    if not on_demand and index.get("ProvisionedThroughput") is None:
        raise invalid_parameter(f"ProvisionedThroughput is not specified for index: {name}")


def _too_many_global() -> ApiError:
    return invalid_parameter(f"GlobalSecondaryIndex count exceeds the per-table limit of {MAX_GLOBAL}")


def _indexes(request: Members, kind: str) -> Sequence[Members]:
    return request.get(kind) or ()


def _names(schema: Iterable[Members]) -> list[str]:
    return [element["AttributeName"] for element in schema]


def _shown(names: Iterable[str]) -> str:
    return f"[{', '.join(names)}]"


def _check_name(name: str, seen: set[str]) -> None:
    if name in seen:
        raise invalid_parameter(f"Duplicate index name: {name}")
    seen.add(name)


def _check_defined(schema: Sequence[Members], types: Mapping[str, str]) -> None:
    if any(name not in types for name in _names(schema)):
        raise invalid_parameter(
            f"Some index key attributes are not defined in AttributeDefinitions. "
            f"Keys: {_shown(_names(schema))}, AttributeDefinitions: {_shown(types)}"
        )


def _check_first(schema: Sequence[Members]) -> None:
    if len({*_names(schema)}) < len(schema):
        is_pair = [element["KeyType"] for element in schema] == ["HASH", "RANGE"]
        raise invalid(_SAME_NAME if is_pair else _SAME_NAMES)
    if schema[0]["KeyType"] != "HASH":
        raise invalid("Invalid KeySchema: The first KeySchemaElement is not a HASH key type")


def _check_pair(schema: Sequence[Members]) -> None:
    """Check a key of one hash attribute, and at most one range attribute."""
    _check_first(schema)
    if len(schema) > 1 and schema[1]["KeyType"] != "RANGE":
        raise invalid("Invalid KeySchema: The second KeySchemaElement is not a RANGE key type")


def _check_long_keys(schema: Sequence[Members]) -> None:
    """Check a key of up to four hash attributes, then up to four range attributes.

    Words: aws-controllers-k8s, recorded in us-west-2 and us-east-1 in October 2026.
    """
    _check_first(schema)
    kinds = [element["KeyType"] for element in schema]
    if kinds != sorted(kinds):
        raise invalid_parameter("All HASH key attributes must precede RANGE key attributes in the KeySchema")
    for kind in ("HASH", "RANGE"):
        if kinds.count(kind) > _MAX_PARTS:
            raise invalid_parameter(
                f"The KeySchema exceeds the maximum allowed number of {kind} key attributes"
            )


def _check_local(index: Members, table_hash: str, types: Mapping[str, str]) -> None:
    schema, name = index["KeySchema"], index["IndexName"]
    _check_defined(schema, types)
    _check_pair(schema)
    if len(schema) < 2:
        raise invalid_parameter(f"Index KeySchema does not have a range key for index: {name}")
    if schema[0]["AttributeName"] != table_hash:
        raise invalid_parameter(
            "Index KeySchema does not have the same leading hash key as table KeySchema for index: "
            f"{name}. index hash key: {schema[0]['AttributeName']}, table hash key: {table_hash}"
        )
    _check_projection(index["Projection"])


def _check_projection(projection: Members) -> None:
    kind, names = projection.get("ProjectionType"), projection.get("NonKeyAttributes")
    if kind is None:
        raise invalid_parameter("Unknown ProjectionType: null")
    if names is not None and kind != "INCLUDE":
        raise invalid_parameter(f"ProjectionType is {kind}, but NonKeyAttributes is specified")
    if names is None and kind == "INCLUDE":
        raise invalid_parameter("ProjectionType is INCLUDE, but NonKeyAttributes is not specified")
    seen: set[str] = set()
    for name in names or ():
        if name in seen:
            raise invalid_parameter(f"Duplicate element in NonKeyAttributes: {name}")
        seen.add(name)


def _check_projected(indexes: Iterable[Members]) -> None:
    """Check how many attributes are named in projections (API reference, "Projection": 100 in all)."""
    count = sum(len(index["Projection"].get("NonKeyAttributes") or ()) for index in indexes)
    if count > _MAX_PROJECTED:
        raise invalid_parameter(
            f"The number of NonKeyAttributes in all indexes, {count}, exceeds the limit of {_MAX_PROJECTED}"
        )
