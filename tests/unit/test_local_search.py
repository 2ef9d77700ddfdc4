"""Query and Scan of the embedded engine: stretches of keys, pages, segments, indexes."""

from __future__ import annotations

from typing import Any

import pytest

from tests.localmodel_service import Service, plain, wired


@pytest.fixture(params=["memory://", "sqlite://"])
def service(request) -> Service:
    return Service(request.param)


def numbered(service: Service, *numbers: int) -> None:
    """Put items with one hash key."""
    for number in numbers:
        service.put("ranged", {"h": "a", "r": number})


def ranges(service: Service, text: str, values: dict[str, Any], **more: Any) -> list[int]:
    """Return the range keys that a query finds."""
    return [int(item["r"]) for item in service.query("ranged", text, {":h": "a", **values}, **more)]


@pytest.mark.parametrize(
    ("condition", "values", "expected"),
    [
        ("", {}, [-20, -1, 0, 1, 2, 10]), (" AND r = :x", {":x": 1}, [1]), (" AND r < :x", {":x": 1}, [-20, -1, 0]),
        (" AND r <= :x", {":x": 1}, [-20, -1, 0, 1]), (" AND r > :x", {":x": 1}, [2, 10]), (" AND r >= :x", {":x": 1}, [1, 2, 10]),
        (" AND r BETWEEN :x AND :y", {":x": -1, ":y": 2}, [-1, 0, 1, 2]), (" AND r BETWEEN :x AND :y", {":x": 3, ":y": 9}, []),
    ],
)  # fmt: skip
def test_range_conditions_find_what_they_say(service, condition, values, expected):
    """
    Numbers are in the order of numbers, in both directions.
    """
    numbered(service, 10, -1, 2, 0, 1, -20)
    service.put("ranged", {"h": "b", "r": 1})
    forwards = ranges(service, f"h = :h{condition}", values)
    backwards = ranges(service, f"h = :h{condition}", values, ScanIndexForward=False)

    assert expected == forwards
    assert expected[::-1] == backwards


@pytest.mark.parametrize(
    ("prefix", "expected"),
    [
        ("", ["", "a", "a\x00", "ab", "é"]),
        ("a", ["a", "a\x00", "ab"]),
        ("a\x00", ["a\x00"]),
        ("ab", ["ab"]),
        ("z", []),
    ],
)
def test_beginnings_of_texts(service, prefix, expected):
    """
    begins_with finds the text itself and all that goes on from it, NUL or not.
    """
    for number, text in enumerate(["a", "ab", "a\x00", "é"]):
        service.put("indexed", {"h": "a", "r": number, "c": text})
    items = service.query(
        "indexed", "h = :h AND begins_with(c, :p)", {":h": "a", ":p": prefix}, IndexName="local"
    )

    assert [text for text in expected if text] == [item["c"] for item in items]


def test_beginnings_of_bytes_go_up_to_the_last_one(service):
    """
    Nothing stands behind bytes of 255, and they are found all the same.
    """
    for number, raw in enumerate([b"\xfe", b"\xff", b"\xff\x00", b"\xff\xff"]):
        service.put("indexed", {"h": "a", "r": number, "d": raw})
    items = service.query(
        "indexed", "h = :h AND begins_with(d, :p)", {":h": "a", ":p": b"\xff"}, IndexName="whole"
    )

    assert [b"\xff", b"\xff\x00", b"\xff\xff"] == [item["d"] for item in items]


@pytest.mark.parametrize("forward", [True, False])
@pytest.mark.parametrize("limit", [1, 2, 3, 7])
def test_pages_together_are_the_whole(service, limit, forward):
    """
    Every page goes on behind the last one; only the last page may be empty.
    """
    numbered(service, *range(7))
    found: list[int] = []
    request: dict[str, Any] = {
        "TableName": "ranged",
        "KeyConditionExpression": "h = :h",
        "Limit": limit,
        "ScanIndexForward": forward,
    }
    request["ExpressionAttributeValues"] = wired({":h": "a"})
    while True:
        reply = service.call("Query", **request)
        found += [int(plain(item)["r"]) for item in reply["Items"]]
        if "LastEvaluatedKey" not in reply:
            break
        request["ExclusiveStartKey"] = reply["LastEvaluatedKey"]
        assert limit == reply["ScannedCount"]

    assert (list(range(7)) if forward else list(range(7))[::-1]) == found


def test_a_page_ends_when_it_has_read_enough():
    """
    Filters and projections make pages no longer: what was read counts.
    """
    service = Service(page_bytes=1000)
    for number in range(5):
        service.put("ranged", {"h": "a", "r": number, "x": "x" * 500})
    reply = service.call("Scan", TableName="ranged", FilterExpression="attribute_exists(nothing)")

    assert (0, 2) == (reply["Count"], reply["ScannedCount"])
    assert "LastEvaluatedKey" in reply


@pytest.mark.parametrize("limit", [101, 2**31 - 1, 2**63, 10**30])
def test_a_limit_may_be_huge(service, limit):
    """
    A limit beyond all items is no limit.
    """
    numbered(service, 1, 2)
    reply = service.raw("Scan", b'{"TableName":"ranged","Limit":%d}' % limit)

    assert (200, 2) == (reply[0], reply[1].get("Count"))


@pytest.mark.parametrize("total", [1, 2, 3, 50])
def test_segments_share_out_all_items(service, total):
    """
    Every item is in exactly one segment.
    """
    for number in range(30):
        service.put("plain", {"h": f"key {number}"})
    parts = [service.all_of("plain", Segment=number, TotalSegments=total) for number in range(total)]

    assert sorted(f"key {number}" for number in range(30)) == sorted(
        item["h"] for part in parts for item in part
    )


def test_there_may_be_a_million_segments(service):
    """
    The last of a million segments can be read, and there is no segment behind it.
    """
    last = service.call("Scan", TableName="plain", Segment=999_999, TotalSegments=1_000_000)
    code, _ = service.error("Scan", TableName="plain", Segment=5, TotalSegments=5)

    assert (0, "ValidationException") == (last["Count"], code)


def test_indexes_show_what_they_project(service):
    """
    A local index can fetch what it lacks, a global one cannot.
    """
    item = {"h": "a", "r": 1, "a": "g", "b": 2, "c": "l", "x": "in", "y": "out"}
    service.put("indexed", item)
    local = service.query("indexed", "h = :h", {":h": "a"}, IndexName="local")
    fetched = service.query("indexed", "h = :h", {":h": "a"}, IndexName="local", Select="ALL_ATTRIBUTES")
    some = service.query("indexed", "a = :a", {":a": "g"}, IndexName="some")
    request = {
        "TableName": "indexed",
        "IndexName": "some",
        "KeyConditionExpression": "a = :a",
        "ExpressionAttributeValues": wired({":a": "g"}),
    }
    code, _ = service.error("Query", **request, Select="ALL_ATTRIBUTES")

    assert [["c", "h", "r"]] == [sorted(one) for one in local]
    assert [plain(wired(item))] == fetched
    assert [["a", "h", "r", "x"]] == [sorted(one) for one in some]
    assert "ValidationException" == code


def test_items_of_one_index_key_are_all_there(service):
    """
    Index keys need not be unique, and pages tell their items apart.
    """
    for number in range(5):
        service.put("indexed", {"h": f"h{number}", "r": 1, "a": "same", "b": 1})
    request = {"TableName": "indexed", "IndexName": "all", "Limit": 2}
    found: list[str] = []
    start: dict[str, Any] = {}
    while True:
        reply = service.call("Scan", **request, **start)
        found += [item["h"]["S"] for item in reply["Items"]]
        if "LastEvaluatedKey" not in reply:
            break
        start = {"ExclusiveStartKey": reply["LastEvaluatedKey"]}

    assert [f"h{number}" for number in range(5)] == sorted(found)


@pytest.mark.parametrize(
    "request_",
    [
        {"ExclusiveStartKey": wired({"h": "a"})}, {"ExclusiveStartKey": wired({"h": "b", "r": 1})}, {"ExclusiveStartKey": wired({"h": "a", "r": 9})},
        {"IndexName": "absent"}, {"Limit": 0}, {"Select": "SPECIFIC_ATTRIBUTES"}, {"Select": "ALL_PROJECTED_ATTRIBUTES"},
        {"FilterExpression": "r = :h"}, {"ProjectionExpression": "h, h"},
    ],
)  # fmt: skip
def test_wrong_queries_are_refused(service, request_):
    """
    Start keys outside of the query, indexes that are not there and the like.
    """
    values = wired({":h": "a", ":r": 5})
    code, _ = service.error(
        "Query",
        TableName="ranged",
        KeyConditionExpression="h = :h AND r < :r",
        ExpressionAttributeValues=values,
        **request_,
    )

    assert "ValidationException" == code
