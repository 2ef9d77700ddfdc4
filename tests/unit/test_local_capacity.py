"""Consumed capacity of the embedded engine; ``tools/compare_capacity.py`` compares it with other engines."""

from __future__ import annotations

from typing import Any

import pytest

from dynamo_objects.local.capacity import read_units, write_units
from tests.localmodel_service import Service, wired


@pytest.fixture
def service() -> Service:
    return Service()


def consumed(service: Service, operation: str, **request: Any) -> Any:
    """Return the capacity that a request tells, with its parts."""
    return service.call(operation, **request, ReturnConsumedCapacity="INDEXES")["ConsumedCapacity"]


def figures(told: dict[str, Any]) -> dict[str, float]:
    """Return the units of table and indexes by their names, and the total."""
    found = {"total": told["CapacityUnits"], "table": told["Table"]["CapacityUnits"]}
    for member in ("LocalSecondaryIndexes", "GlobalSecondaryIndexes"):
        found |= {name: held["CapacityUnits"] for name, held in told.get(member, {}).items()}
    return found


@pytest.mark.parametrize(
    ("size", "write", "consistent", "eventually", "transactional"),
    [(0, 1, 1, 0.5, 2), (1, 1, 1, 0.5, 2), (1024, 1, 1, 0.5, 2), (1025, 2, 1, 0.5, 2), (4096, 4, 1, 0.5, 2), (4097, 5, 2, 1, 4), (409_600, 400, 100, 50, 200)],
)  # fmt: skip
def test_units_are_of_1_and_4_kilobytes(size, write, consistent, eventually, transactional):
    """
    Each unit that is begun counts, and nothing counts as one.
    """
    reads = [read_units(size, consistent=True), read_units(size, consistent=False)]
    reads.append(read_units(size, consistent=True, transactional=True))

    assert write == write_units(size)
    assert [consistent, eventually, transactional] == reads


def test_a_write_costs_by_the_bigger_item_and_by_what_indexes_change(service):
    """
    Nothing for an index that stays as it is, one write for a change in place, two for a move.
    """
    key = {"h": "a", "r": 1}
    item = {**key, "a": "g", "b": 1, "x": "x" * 2000}
    first = consumed(service, "PutItem", TableName="indexed", Item=wired(item))
    again = consumed(service, "PutItem", TableName="indexed", Item=wired(item))
    moved = consumed(service, "PutItem", TableName="indexed", Item=wired({**item, "a": "other"}))
    small = consumed(service, "PutItem", TableName="indexed", Item=wired({**key, "b": 1}))
    gone = consumed(service, "DeleteItem", TableName="indexed", Key=wired(key))

    assert {"total": 7, "table": 2, "all": 2, "some": 2, "keys": 1} == figures(first)
    assert {"total": 2, "table": 2} == figures(again)
    assert {"total": 10, "table": 2, "all": 4, "some": 4} == figures(moved)
    assert {"total": 6, "table": 2, "all": 2, "some": 2} == figures(small)
    assert {"total": 2, "table": 1, "keys": 1} == figures(gone)


def test_transactions_cost_double_but_not_in_indexes(service):
    """
    Source: github.com/nubo-db/dynoxide/pull/188, checked on AWS.
    """
    item = {"h": "a", "r": 1, "a": "g", "x": "x" * 1500}
    (told,) = consumed(
        service, "TransactWriteItems", TransactItems=[{"Put": {"TableName": "indexed", "Item": wired(item)}}]
    )

    assert {"total": 6, "table": 4, "some": 2} == figures(told)
    assert 6 == told["WriteCapacityUnits"]
    assert 4 == told["Table"]["WriteCapacityUnits"]


def test_a_repeated_transaction_costs_reads_of_what_the_first_one_saw(service):
    """
    Also when the item is gone since: 9 KB are three units of 4 KB, twice. Source: as above.
    """
    service.put("plain", {"h": "a", "x": "x" * 9000})
    request: dict[str, Any] = {
        "TransactItems": [{"Delete": {"TableName": "plain", "Key": wired({"h": "a"})}}]
    }
    (first,) = consumed(service, "TransactWriteItems", **request, ClientRequestToken="t")
    (again,) = consumed(service, "TransactWriteItems", **request, ClientRequestToken="t")

    assert (18, 18) == (first["CapacityUnits"], first["WriteCapacityUnits"])
    assert (6, 6) == (again["CapacityUnits"], again["ReadCapacityUnits"])


def test_searches_add_up_before_they_round(service):
    """
    Items of one page are charged together; those fetched for a local index one by one.
    """
    for number in range(3):
        service.put("indexed", {"h": "a", "r": number, "c": f"c{number}", "x": "x" * 3000})
    request = {
        "TableName": "indexed",
        "KeyConditionExpression": "h = :h",
        "ExpressionAttributeValues": wired({":h": "a"}),
    }
    whole = consumed(service, "Query", **request, ConsistentRead=True)
    filtered = consumed(service, "Query", **request, FilterExpression="attribute_exists(nothing)")
    fetched = consumed(service, "Query", **request, IndexName="local", Select="ALL_ATTRIBUTES")
    nothing = consumed(service, "Query", **{**request, "ExpressionAttributeValues": wired({":h": "b"})})

    assert {"total": 3, "table": 3} == figures(whole)
    assert {"total": 1.5, "table": 1.5} == figures(filtered)
    assert {"total": 2, "table": 1.5, "local": 0.5} == figures(fetched)
    assert {"total": 0.5, "table": 0.5} == figures(nothing)


def test_capacity_is_told_when_asked_for(service):
    """
    TOTAL without parts, NONE not at all; batches and transactions for each table.
    """
    keys = {
        name: {"Keys": [wired(key)]} for name, key in (("plain", {"h": "a"}), ("ranged", {"h": "a", "r": 1}))
    }
    total = service.call("BatchGetItem", RequestItems=keys, ReturnConsumedCapacity="TOTAL")
    none = service.call("BatchGetItem", RequestItems=keys, ReturnConsumedCapacity="NONE")

    assert [{"TableName": name, "CapacityUnits": 0.5} for name in ("plain", "ranged")] == total[
        "ConsumedCapacity"
    ]
    assert "ConsumedCapacity" not in none
