"""Values of the library's own: compared by what they ask for, and silent about what items hold."""

from __future__ import annotations

from typing import Any

import pytest

from dynamo_objects.codec.typed import ItemReader
from dynamo_objects.codec.values import Item
from dynamo_objects.connection.attempts import Send
from dynamo_objects.connection.transport import Reply
from dynamo_objects.errors import CancellationReason
from dynamo_objects.expressions.tree import And, AttributeExists, Compare, Not, Path, Value
from dynamo_objects.flows.base import Emit
from dynamo_objects.flows.batching import Answered, Written
from dynamo_objects.operations.batch import BatchGetItem, BatchRead, Write
from dynamo_objects.operations.item import GetItem, PutItem
from dynamo_objects.operations.search import Page, Query, Scan

SECRET = "hunter2"
KEY: Item = {"id": {"S": "k1"}}
ITEM: Item = {**KEY, "a": {"S": SECRET}}
IS_SECRET = Compare("=", Path.of("a"), Value({"S": SECRET}))
WRITE = Write("t", KEY, ITEM, ITEM)


@pytest.mark.parametrize(
    "value",
    [
        Value({"S": SECRET}),
        And((IS_SECRET, Not(IS_SECRET))),
        PutItem("t", ITEM, IS_SECRET),
        Query(table="t", key_condition=IS_SECRET, filter=IS_SECRET),
        BatchRead([KEY], [ITEM], [], []),
        Page([ITEM], 1, KEY),
        WRITE,
        Written([WRITE]),
        Answered([KEY], [ITEM], []),
        Emit(ITEM),
        Send("PutItem", SECRET.encode(), 1.0),
        Reply(200, {"x": SECRET}, SECRET.encode()),
        CancellationReason("ConditionalCheckFailed", item=ITEM),
    ],
    ids=lambda value: type(value).__name__,
)
def test_values_do_not_show_what_items_hold(value: Any) -> None:
    """
    What is logged by mistake shows no item, wherever in a value it stands.
    """
    assert SECRET not in repr(value)


def test_what_is_shown_is_written_like_a_call() -> None:
    """
    The fields that are shown come in their order, with their names.
    """
    written = Write("t", KEY, ITEM)

    assert "Write(table='t', key={'id': {'S': 'k1'}})" == repr(written)
    assert "Value()" == repr(Value({"S": SECRET}))


@pytest.mark.parametrize(
    ("kind", "arguments"),
    [
        (GetItem, {"table": "t", "key": KEY}),
        (BatchGetItem, {"table": "t", "keys": [KEY]}),
        (Query, {"table": "t", "key_condition": IS_SECRET}),
        (Scan, {"table": "t"}),
    ],
)
def test_reads_are_compared_without_their_readers(kind: Any, arguments: dict[str, Any]) -> None:
    """
    How a reply is read is no part of what is asked for.
    """
    asked = kind(**arguments, reader=ItemReader(Item))

    assert kind(**arguments) == asked
    assert kind(**{**arguments, "table": "u"}) != asked
    assert "reader" not in repr(asked)


def test_reads_of_several_kinds_differ() -> None:
    """
    Equal fields do not make equal operations.
    """
    scan, same = Scan(table="t"), Scan(table="t", reader=ItemReader(Item))

    assert 1 == len({scan, same})
    assert Scan(table="t") != GetItem("t", KEY)
    assert "t" != scan


def test_conditions_without_values_can_be_members_of_sets() -> None:
    """
    Parts of trees are equal, and the same member, when their class and fields are.
    """
    path = Path.of("a", 0, "b")

    assert {path: 1} == {Path.of("a", 0, "b"): 1}
    assert 2 == len(
        {AttributeExists(path), AttributeExists(Path.of("a", 0, "b")), Not(AttributeExists(path))}
    )


def test_writes_of_a_batch_are_told_apart_by_identity() -> None:
    """
    Two equal writes are two: each is acknowledged by itself.
    """
    assert 2 == len({WRITE, Write("t", KEY, ITEM, ITEM)})
