"""Tables and indexes as DescribeTable answers them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..definitions import Index, Keys, Table, Units
from ..engine import Context
from ..storage.base import Unit
from .capacities import warmth

__all__ = ["ACCOUNT", "described", "described_briefly", "region_of", "table_arn"]

#: The account that all tables belong to.
ACCOUNT = "000000000000"

#: Members that are described as they are kept.
_AS_KEPT = (
    "StreamSpecification",
    "LatestStreamLabel",
    "LatestStreamArn",
    "SSEDescription",
    "OnDemandThroughput",
)


def region_of(context: Context) -> str:
    """Return the region that the engine says it is."""
    return str(getattr(context.options, "region", "us-east-1"))


def table_arn(context: Context, name: str) -> str:
    """Return the ARN of a table."""
    return f"arn:aws:dynamodb:{region_of(context)}:{ACCOUNT}:table/{name}"


def described(context: Context, unit: Unit, table: Table) -> dict[str, Any]:
    """Return all members that AWS answers about a table."""
    found: dict[str, Any] = {
        "AttributeDefinitions": [
            {"AttributeName": name, "AttributeType": kind} for name, kind in sorted(table.types.items())
        ],
        "TableName": table.name,
        "KeySchema": _key_schema(table.keys),
        "TableStatus": table.status,
        "CreationDateTime": table.created,
        "ProvisionedThroughput": _throughput(table),
        **_totals(unit, table.collection, "TableSizeBytes"),
        "TableArn": table_arn(context, table.name),
        **_kept(table),
    }
    indexes = [*table.indexes.values()]
    if local := [_index(context, unit, table, index) for index in indexes if not index.is_global]:
        found["LocalSecondaryIndexes"] = local
    if others := [_global(context, unit, table, index) for index in indexes if index.is_global]:
        found["GlobalSecondaryIndexes"] = others
    return found


def described_briefly(context: Context, unit: Unit, table: Table) -> dict[str, Any]:
    """Return what AWS answers about a table that it deletes."""
    found = described(context, unit, table)
    for name in ("AttributeDefinitions", "KeySchema", "CreationDateTime", "WarmThroughput"):
        found.pop(name, None)
    for name in ("LocalSecondaryIndexes", "GlobalSecondaryIndexes"):
        found.pop(name, None)
    return found


def _kept(table: Table) -> dict[str, Any]:
    """Return the members that are kept in the description."""
    description = table.description
    found: dict[str, Any] = {"TableId": description.get("TableId", "")}
    if "BillingModeSummary" in description:
        found["BillingModeSummary"] = description["BillingModeSummary"]
    found |= {name: description[name] for name in _AS_KEPT if name in description}
    if "TableClass" in description:
        found["TableClassSummary"] = {"TableClass": description["TableClass"]}
    found["DeletionProtectionEnabled"] = description.get("DeletionProtectionEnabled", False)
    found["WarmThroughput"] = _warm(table.units, description, table.status)
    return found


def _key_schema(keys: Keys) -> list[dict[str, str]]:
    elements = [{"AttributeName": part.name, "KeyType": "HASH"} for part in keys.hash]
    return elements + [{"AttributeName": part.name, "KeyType": "RANGE"} for part in keys.range]


def _totals(unit: Unit, collection: int, size_name: str) -> dict[str, int]:
    count, size = unit.totals(collection)
    return {size_name: size, "ItemCount": count}


def _throughput(thing: Table | Index) -> dict[str, Any]:
    """Return units, those before an update as long as it goes on, and when they were changed."""
    before = thing.description.get("before")
    read, write = before if before is not None else _pair(thing.units)
    return {
        "NumberOfDecreasesToday": 0,
        **thing.description.get("changes", {}),
        "ReadCapacityUnits": read,
        "WriteCapacityUnits": write,
    }


def _pair(units: Units | None) -> tuple[int, int]:
    return (units.read, units.write) if units is not None else (0, 0)


def _warm(units: Units | None, description: Mapping[str, Any], status: str) -> dict[str, Any]:
    warm = warmth(units, description.get("WarmThroughput", {}))
    return {**warm, "Status": "ACTIVE" if status == "ACTIVE" else "UPDATING"}


def _index(context: Context, unit: Unit, table: Table, index: Index) -> dict[str, Any]:
    return {
        "IndexName": index.name,
        "KeySchema": _key_schema(index.keys),
        "Projection": _projection(index),
        **_totals(unit, index.collection, "IndexSizeBytes"),
        "IndexArn": f"{table_arn(context, table.name)}/index/{index.name}",
    }


def _projection(index: Index) -> dict[str, Any]:
    if isinstance(index.projection, str):
        return {"ProjectionType": index.projection}
    return {"ProjectionType": "INCLUDE", "NonKeyAttributes": sorted(index.projection)}


def _global(context: Context, unit: Unit, table: Table, index: Index) -> dict[str, Any]:
    found = _index(context, unit, table, index)
    found["IndexStatus"] = index.status
    # An index of a new table has nothing to fill itself from.
    if index.status == "CREATING" and table.status != "CREATING":
        found["Backfilling"] = True
    found["ProvisionedThroughput"] = _throughput(index)
    if "OnDemandThroughput" in index.description:
        found["OnDemandThroughput"] = index.description["OnDemandThroughput"]
    found["WarmThroughput"] = _warm(index.units, index.description, index.status)
    return found
