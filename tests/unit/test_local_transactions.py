"""TransactGetItems and TransactWriteItems of the embedded engine."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.localmodel_service import Refusal, Service, plain, wired

TOP = Path(__file__).resolve().parents[2]


@pytest.fixture(params=["memory://", "sqlite:///{}/file.db"])
def service(request, tmp_path) -> Service:
    return Service(request.param.format(tmp_path))


def put(item: dict[str, Any], table: str = "plain", **more: Any) -> dict[str, Any]:
    """Return a put of a transaction."""
    return {"Put": {"TableName": table, "Item": wired(item), **more}}


def update(key: str, text: str, values: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return an update of a transaction."""
    written = {"UpdateExpression": text, "ExpressionAttributeValues": wired(values)}
    return {"Update": {"TableName": "plain", "Key": wired({"h": key}), **written, **more}}


def on_key(kind: str, key: str, **more: Any) -> dict[str, Any]:
    """Return a delete or a condition check of a transaction."""
    return {kind: {"TableName": "plain", "Key": wired({"h": key}), **more}}


def reasons(service: Service, *actions: Any, **more: Any) -> list[str]:
    """Return the codes of the reasons why a transaction is cancelled."""
    with pytest.raises(Refusal) as caught:
        service.call("TransactWriteItems", TransactItems=list(actions), **more)
    assert "TransactionCanceledException" == caught.value.code
    return [reason["Code"] for reason in caught.value.body["CancellationReasons"]]


IS_THERE = {"ConditionExpression": "attribute_exists(h)"}


def test_all_actions_are_carried_out(service):
    """
    Puts, updates, deletes and checks of several tables happen together.
    """
    service.put("plain", {"h": "gone"})
    service.put("plain", {"h": "count", "n": 1})
    actions = [
        put({"h": "a", "r": 1}, "ranged"),
        update("count", "ADD n :one", {":one": 1}),
        on_key("Delete", "gone"),
        on_key("ConditionCheck", "never", ConditionExpression="attribute_not_exists(h)"),
    ]
    reply = service.call("TransactWriteItems", TransactItems=actions)

    assert {} == reply
    assert [plain(wired({"h": "count", "n": 2}))] == service.all_of("plain")
    assert 1 == len(service.all_of("ranged"))


def test_one_false_condition_undoes_all(service):
    """
    The reasons stand in the order of the actions, and nothing is changed.
    """
    service.put("plain", {"h": "count", "n": 1})
    told = reasons(
        service,
        put({"h": "new"}),
        on_key("ConditionCheck", "never", **IS_THERE),
        update("count", "SET n = h + :one", {":one": 1}),
    )

    assert ["None", "ConditionalCheckFailed", "ValidationError"] == told
    assert [plain(wired({"h": "count", "n": 1}))] == service.all_of("plain")


def test_a_failed_condition_can_show_the_item(service):
    """
    The reason holds the stored item where it was asked for.
    """
    service.put("plain", {"h": "a", "n": 1})
    absent = {
        "ConditionExpression": "attribute_not_exists(h)",
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }
    with pytest.raises(Refusal) as caught:
        service.call("TransactWriteItems", TransactItems=[put({"h": "a"}, **absent)])

    assert wired({"h": "a", "n": 1}) == caught.value.body["CancellationReasons"][0]["Item"]


@pytest.mark.parametrize(
    "actions",
    [
        [put({"h": "a"}), on_key("Delete", "a")], [None], [{}], [{**put({"h": "a"}), **on_key("Delete", "b")}], [],
        [on_key("ConditionCheck", "a")], [put({"h": str(number)}) for number in range(101)],
    ],
)  # fmt: skip
def test_what_is_no_transaction_is_refused(service, actions):
    """
    Two actions on one item, null, nothing, too many.
    """
    code, _ = service.error("TransactWriteItems", TransactItems=actions)

    assert "ValidationException" == code
    assert [] == service.all_of("plain")


def test_members_that_an_action_does_not_have_are_ignored(service):
    """
    Parameters of the single operations are none of an action.
    """
    foreign = {"AttributeUpdates": {"y": {"Value": {"S": "z"}}}, "Expected": {"y": {"Exists": True}}}
    service.call("TransactWriteItems", TransactItems=[update("a", "SET x = :x", {":x": 1}, **foreign)])
    get = {
        "Get": {"TableName": "plain", "Key": wired({"h": "a"}), "AttributesToGet": ["h"], "ConsistentRead": 5}
    }
    read = service.call("TransactGetItems", TransactItems=[get])

    assert [{"Item": wired({"h": "a", "x": 1})}] == read["Responses"]


# --- tokens -------------------------------------------------------------------------------


def test_a_token_is_carried_out_once(service):
    """
    The same request again is answered and not carried out, for ten minutes.
    """
    request = {"TransactItems": [update("a", "ADD n :one", {":one": 1})], "ClientRequestToken": "t"}
    service.call("TransactWriteItems", **request)
    service.clock.now += 599
    service.call("TransactWriteItems", **request)
    soon = service.get("plain", h="a")["n"]
    service.clock.now += 2
    service.call("TransactWriteItems", **request)

    assert (1, 2) == (soon, service.get("plain", h="a")["n"])


def test_a_token_is_of_one_request(service):
    """
    Another request is refused; one whose members stand in another order is the same.
    """
    service.call(
        "TransactWriteItems", TransactItems=[put({"h": "a", "x": 1, "y": 2})], ClientRequestToken="t"
    )
    service.call(
        "TransactWriteItems", TransactItems=[put({"y": 2, "x": 1, "h": "a"})], ClientRequestToken="t"
    )
    code, _ = service.error(
        "TransactWriteItems", TransactItems=[put({"h": "a", "x": 2})], ClientRequestToken="t"
    )

    assert "IdempotentParameterMismatchException" == code


def test_a_cancelled_transaction_leaves_its_token_free(service):
    """
    The same token may try again.
    """
    check = on_key("ConditionCheck", "b", **IS_THERE)
    told = reasons(service, put({"h": "a"}), check, ClientRequestToken="t")
    service.put("plain", {"h": "b"})
    service.call("TransactWriteItems", TransactItems=[put({"h": "a"}), check], ClientRequestToken="t")

    assert ["None", "ConditionalCheckFailed"] == told
    assert {"a", "b"} == {item["h"] for item in service.all_of("plain")}


# --- reading ------------------------------------------------------------------------------


def test_several_items_are_read_in_order(service):
    """
    Each read has its response, an empty one for an absent item.
    """
    service.put("plain", {"h": "a", "x": 1, "y": 2})
    gets = [
        {"Get": {"TableName": "plain", "Key": wired({"h": "never"})}},
        {"Get": {"TableName": "plain", "Key": wired({"h": "a"}), "ProjectionExpression": "y"}},
    ]
    reply = service.call("TransactGetItems", TransactItems=gets)
    code, _ = service.error("TransactGetItems", TransactItems=[gets[0], gets[0]])

    assert [{}, {"Item": wired({"y": 2})}] == reply["Responses"]
    assert "ValidationException" == code


# --- threads and processes ----------------------------------------------------------------


def transfer(service: Service, one: str, other: str) -> str:
    """Move 1 from one item to another; return "done" or the code of the error."""
    actions = [update(one, "ADD n :x", {":x": -1}), update(other, "ADD n :x", {":x": 1})]
    status, body = service.raw("TransactWriteItems", msgspec.json.encode({"TransactItems": actions}))
    if status == 200:
        return "done"
    return body.get("CancellationReasons", [{}])[0].get("Code", body["__type"])


def test_transactions_of_threads_move_without_loss(service):
    """
    Whatever conflicts there are, what one item loses another one gets.
    """
    names = [f"i{number}" for number in range(4)]
    service.call("TransactWriteItems", TransactItems=[put({"h": name, "n": 100}) for name in names])
    pairs = [(names[number % 4], names[(number + 1 + number // 4 % 3) % 4]) for number in range(120)]
    with ThreadPoolExecutor(8) as pool:
        told = list(pool.map(lambda pair: transfer(service, *pair), pairs))

    done = [pair for pair, how in zip(pairs, told, strict=True) if how == "done"]
    expected = {
        name: 100 - sum(a == name for a, _ in done) + sum(b == name for _, b in done) for name in names
    }
    assert expected == {item["h"]: int(item["n"]) for item in service.all_of("plain")}


def test_whoever_meets_a_transaction_is_refused(service):
    """
    Keys are claimed while a transaction waits for its turn; then they are free again.
    """
    context, owner = service.engine.context, object()
    with context.storage.reading() as unit:
        table = context.catalog.table(unit, "plain")
    context.claims.claim([(table.collection, table.position(wired({"h": "a"})))], owner)
    alone, _ = service.error("PutItem", TableName="plain", Item=wired({"h": "a"}))
    together = reasons(service, put({"h": "b"}), put({"h": "a"}))
    context.claims.release(owner)
    service.call("TransactWriteItems", TransactItems=[put({"h": "a"})])

    assert "TransactionConflictException" == alone
    assert ["None", "TransactionConflict"] == together
    assert 1 == len(service.all_of("plain"))


_COUNTING = """
import sys
from tests.localmodel_service import wired
from dynamo_objects.local.opening import open_engine
import msgspec
engine = open_engine(sys.argv[1])
for number in range(100):
    add = {"TableName": "plain", "Key": wired({"h": "a"}), "UpdateExpression": "ADD n :x", "ExpressionAttributeValues": wired({":x": 1})}
    assert engine.send("UpdateItem", msgspec.json.encode(add)).status == 200
    item = wired({"h": f"once {number}", "by": sys.argv[2]})
    once = {"TableName": "plain", "Item": item, "ConditionExpression": "attribute_not_exists(h)"}
    print(engine.send("PutItem", msgspec.json.encode(once)).status)
"""


def test_two_processes_share_a_file(tmp_path):
    """
    No increment is lost, and of two creators of one item exactly one wins.
    """
    url = f"sqlite:///{tmp_path}/file.db"
    service = Service(url)
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", _COUNTING, url, name], cwd=TOP, stdout=subprocess.PIPE, text=True
        )
        for name in ("one", "two")
    ]
    told = [process.communicate()[0].split() for process in processes]

    assert [0, 0] == [process.returncode for process in processes]
    assert 200 == service.get("plain", h="a")["n"]
    assert [["200", "400"]] * 100 == [sorted(pair) for pair in zip(*told, strict=True)]
