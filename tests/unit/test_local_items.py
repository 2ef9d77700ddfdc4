"""GetItem, PutItem, UpdateItem and DeleteItem of the embedded engine."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import msgspec
import pytest

from tests.localmodel_service import Service, plain, wired


@pytest.fixture(params=["memory://", "sqlite:///{}/file.db"])
def service(request, tmp_path) -> Service:
    return Service(request.param.format(tmp_path))


def test_an_item_comes_back_as_it_was_put(service):
    """
    Values of all types survive, numbers in their normal form.
    """
    item = {
        "h": "a",
        "n": 1,
        "t": "é\x00",
        "b": b"\xff",
        "o": True,
        "e": None,
        "l": [1, {"m": "x"}],
        "s": {"a", "b"},
        "i": {1, 2},
    }
    service.put("plain", item)
    service.call("PutItem", TableName="plain", Item={"h": {"S": "b"}, "n": {"N": "+1.50E1"}})

    assert plain(wired(item)) == service.get("plain", h="a")
    assert {"N": "15"} == service.call("GetItem", TableName="plain", Key=wired({"h": "b"}))["Item"]["n"]


def test_absent_items_give_empty_replies(service):
    """
    Reading or deleting what is not there is no error.
    """
    got = service.call("GetItem", TableName="plain", Key=wired({"h": "x"}))
    deleted = service.call("DeleteItem", TableName="plain", Key=wired({"h": "x"}), ReturnValues="ALL_OLD")

    assert ({}, {}) == (got, deleted)


@pytest.mark.parametrize(
    ("returns", "expected"),
    [
        ("NONE", None), ("ALL_OLD", {"h": "a", "n": 1, "m": {"x": 1, "y": 2}}), ("ALL_NEW", {"h": "a", "n": 3, "m": {"x": 5, "y": 2}, "z": "new"}),
        ("UPDATED_OLD", {"n": 1, "m": {"x": 1}}), ("UPDATED_NEW", {"n": 3, "m": {"x": 5}, "z": "new"}),
    ],
)  # fmt: skip
def test_updates_return_what_is_asked_for(service, returns, expected):
    """
    UPDATED_OLD and UPDATED_NEW give the changed paths only, in their surroundings.
    """
    service.put("plain", {"h": "a", "n": 1, "m": {"x": 1, "y": 2}})
    values = {":n": 2, ":x": 5, ":z": "new"}
    reply = service.update(
        "plain", {"h": "a"}, "SET n = n + :n, m.x = :x, z = :z", values, ReturnValues=returns
    )

    assert (None if expected is None else plain(wired(expected))) == plain(reply.get("Attributes"))


def test_updates_create_items_unless_they_only_take(service):
    """
    SET, ADD and an update without expression create an item; REMOVE and DELETE alone do not.
    """
    service.update("plain", {"h": "set"}, "SET a = :a", {":a": 1})
    service.update("plain", {"h": "add"}, "ADD a :a", {":a": 1})
    service.call("UpdateItem", TableName="plain", Key=wired({"h": "bare"}))
    service.update("plain", {"h": "remove"}, "REMOVE a")
    service.update("plain", {"h": "delete"}, "DELETE a :a", {":a": {"x"}})

    assert ["add", "bare", "set"] == sorted(item["h"] for item in service.all_of("plain"))


def test_a_failed_condition_changes_nothing_and_can_show_the_item(service):
    """
    The stored item comes back only where it was asked for.
    """
    service.put("plain", {"h": "a", "n": 1})
    request = {
        "TableName": "plain",
        "Item": wired({"h": "a", "n": 2}),
        "ConditionExpression": "attribute_not_exists(h)",
    }
    code, _ = service.error("PutItem", **request)
    _, shown = service.raw("PutItem", encoded({**request, "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}))

    assert "ConditionalCheckFailedException" == code
    assert wired({"h": "a", "n": 1}) == shown["Item"]
    assert plain(wired({"h": "a", "n": 1})) == service.get("plain", h="a")


@pytest.mark.parametrize(
    ("operation", "request_"),
    [
        ("UpdateItem", {"UpdateExpression": "SET h = :v", "ExpressionAttributeValues": {":v": {"S": "b"}}}),
        ("UpdateItem", {"UpdateExpression": "SET x = y"}),
        ("UpdateItem", {"UpdateExpression": "SET n = n + t"}),
        ("UpdateItem", {"UpdateExpression": "REMOVE t.a"}),
        ("UpdateItem", {"UpdateExpression": "ADD t :v", "ExpressionAttributeValues": {":v": {"N": "1"}}}),
        ("UpdateItem", {"UpdateExpression": "SET n = n + :v", "ExpressionAttributeValues": {":v": {"N": "9.9E125"}}}),
        ("UpdateItem", {"UpdateExpression": "SET x = :v", "ExpressionAttributeValues": {":v": {"S": "x" * 409_600}}}),
        ("DeleteItem", {"ReturnValues": "ALL_NEW"}),
    ],
)  # fmt: skip
def test_what_cannot_be_done_leaves_the_item_alone(service, operation, request_):
    """
    An update that fails half-way has done nothing.
    """
    item = {"h": "a", "n": 1, "t": "text"}
    service.put("plain", item)
    code, _ = service.error(operation, TableName="plain", Key=wired({"h": "a"}), **request_)

    assert "ValidationException" == code
    assert plain(wired(item)) == service.get("plain", h="a")


def test_members_that_an_operation_does_not_have_are_ignored(service):
    """
    AWS drops unknown members before it looks at the request.
    """
    service.put("plain", {"h": "a"}, UpdateExpression="nonsense (", KeyConditionExpression="h = :x", Foo=None)
    reply = service.call("GetItem", TableName="plain", Key=wired({"h": "a"}), FilterExpression="(", Limit=0)

    assert {"Item": wired({"h": "a"})} == reply


@pytest.mark.parametrize(
    ("operation", "members"),
    [
        ("GetItem", {"AttributesToGet": [None]}), ("UpdateItem", {"AttributeUpdates": {"x": None}}), ("DeleteItem", {"Expected": {"x": None}}),
        ("DeleteItem", {"ConditionExpression": "attribute_exists(#a)", "ExpressionAttributeNames": {"#a": None}}),
    ],
)  # fmt: skip
def test_null_in_lists_and_maps_is_refused(service, operation, members):
    """
    Null stands for an absent member of a structure, but for nothing in a list or map.
    """
    code, message = service.error(operation, TableName="plain", Key=wired({"h": "a"}), **members)

    assert "ValidationException" == code
    assert "Member must not be null" in message


def test_values_nested_beyond_measure_are_refused(service):
    """
    Whatever stands around it, deep nesting is an error and not a crash.
    """
    deep = b'{"M":{"m":' * 900 + b'{"S":"x"}' + b"}}" * 900
    put = service.raw("PutItem", b'{"TableName":"plain","Item":{"h":{"S":"a"},"x":' + deep + b"}}")
    transact = service.raw(
        "TransactWriteItems", b'{"TransactItems":[null,{"Put":{"Item":{"x":' + deep + b"}}}]}"
    )
    lists = service.raw("PutItem", b'{"TableName":"plain","Item":' + b"[" * 100_000 + b"]" * 100_000 + b"}")

    assert [400, 400, 400] == [status for status, _ in (put, transact, lists)]


def test_index_entries_follow_their_items(service):
    """
    Indexes hold what the items say, and lose what no longer belongs to them.
    """
    service.put("indexed", {"h": "a", "r": 1, "a": "x", "b": 5, "x": "in", "y": "out"})
    before = [service.all_of("indexed", IndexName=name) for name in ("all", "some", "keys")]
    service.update("indexed", {"h": "a", "r": 1}, "REMOVE a SET y = :y", {":y": "new"})
    after = [service.all_of("indexed", IndexName=name) for name in ("all", "some", "keys")]

    assert [["a", "b", "h", "r", "x", "y"], ["a", "h", "r", "x"], ["b", "h", "r"]] == [
        sorted(one[0]) for one in before
    ]
    assert [0, 0, 1] == [len(found) for found in after]


# --- threads ------------------------------------------------------------------------------


def test_no_increment_of_any_thread_is_lost(service):
    """
    ADD of many threads adds up to exactly what they added.
    """
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: service.update("plain", {"h": "a"}, "ADD n :one", {":one": 1}), range(200)))

    assert 200 == service.get("plain", h="a")["n"]


def test_one_of_many_creators_wins(service):
    """
    Of threads that create an item on condition that it is absent, exactly one does.
    """
    barrier = threading.Barrier(8)

    def create(number: int) -> bool:
        barrier.wait()
        request = {
            "TableName": "plain",
            "Item": wired({"h": "a", "n": number}),
            "ConditionExpression": "attribute_not_exists(h)",
        }
        return service.raw("PutItem", encoded(request))[0] == 200

    with ThreadPoolExecutor(8) as pool:
        won = [number for number, has in enumerate(pool.map(create, range(8))) if has]

    assert 1 == len(won)
    assert won[0] == service.get("plain", h="a")["n"]


def encoded(request) -> bytes:
    """Return the payload of a request."""
    return msgspec.json.encode(request)
