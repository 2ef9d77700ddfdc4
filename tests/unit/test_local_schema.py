"""Keys of tables and indexes: what items and keys are accepted for a table."""

from __future__ import annotations

from typing import Any

import pytest

from tests.localmodel_service import Service, plain, wired


@pytest.fixture(scope="module")
def service() -> Service:
    return Service()


@pytest.mark.parametrize(
    "key",
    [
        {}, {"h": "a"}, {"r": 1}, {"h": "a", "r": "1"}, {"h": 1, "r": 1}, {"h": "a", "r": 1, "x": 1}, {"h": "", "r": 1}, {"h": "a", "x": 1},
        {"h": "x" * 2049, "r": 1}, {"h": "é" * 1025, "r": 1}, {"h": None, "r": 1}, {"h": ["a"], "r": 1},
    ],
)  # fmt: skip
@pytest.mark.parametrize("operation", ["GetItem", "DeleteItem", "UpdateItem"])
def test_what_is_no_key_of_the_table_is_refused(service, operation, key):
    """
    Half a key, more than a key, other types, empty and too long values.
    """
    code, _ = service.error(operation, TableName="ranged", Key=wired(key))

    assert "ValidationException" == code


@pytest.mark.parametrize(
    "item",
    [
        {"x": 1}, {"h": "a"}, {"h": 1, "r": 1}, {"h": "", "r": 1}, {"h": "a", "r": 1, "a": 5}, {"h": "a", "r": 1, "a": ""}, {"h": "a", "r": 1, "b": "5"},
        {"h": "a", "r": 1, "a": "x" * 2049}, {"h": "a", "r": 1, "c": "x" * 1025}, {"h": "a", "r": 1, "d": "text"}, {"h": "a", "r": 1, "d": b""},
        {"h": "a", "r": 1, "a": None}, {"h": "a", "r": 1, "b": {"n": 1}},
    ],
)  # fmt: skip
def test_what_cannot_stand_in_the_table_or_an_index_is_refused(service, item):
    """
    Keys of indexes have types and sizes too, also those of an index that does not get the item.
    """
    put = service.error("PutItem", TableName="indexed", Item=wired(item))
    batch = service.error("BatchWriteItem", RequestItems={"indexed": [{"PutRequest": {"Item": wired(item)}}]})

    assert ("ValidationException", "ValidationException") == (put[0], batch[0])
    assert [] == service.all_of("indexed")


@pytest.mark.parametrize(
    ("text", "value"),
    [("SET a = :v", 1), ("SET a = :v", ""), ("SET b = :v", "x"), ("SET d = :v", b""), ("SET a = :v", "x" * 2049), ("ADD a :v", 1), ("SET a = r, x = :v", 1)],
)  # fmt: skip
def test_updates_keep_keys_of_indexes_right(service, text, value):
    """
    An update may not make a key of an index that none can be, whichever way it is made.
    """
    key = {"TableName": "indexed", "Key": wired({"h": "u", "r": 1})}
    code, _ = service.error(
        "UpdateItem", **key, UpdateExpression=text, ExpressionAttributeValues=wired({":v": value})
    )

    assert "ValidationException" == code
    assert service.get("indexed", h="u", r=1) is None


@pytest.mark.parametrize(
    "item",
    [
        {"h": "x" * 2048, "r": 0}, {"h": "é" * 1024, "r": -1}, {"h": "a", "r": 2, "a": "x" * 2048}, {"h": "a", "r": 3, "c": "x" * 1024, "d": b"\x00"},
        {"h": "a", "r": 4, "x": ""}, {"h": "\x00", "r": 5}, {"h": "\U0001f600", "r": 6, "b": 0},
    ],
)  # fmt: skip
def test_keys_may_be_as_long_as_aws_says(item):
    """
    2,048 bytes of a hash key and 1,024 of a range key, counted in UTF-8.
    """
    service = Service()
    service.put("indexed", item)
    expected: Any = plain(wired(item))

    assert [expected] == service.all_of("indexed")
    assert expected == service.get("indexed", h=item["h"], r=item["r"])
