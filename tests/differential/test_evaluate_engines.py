"""The evaluator against engines: random items and conditions, one scan compares many items.

An engine is the judge: every condition goes to it as the FilterExpression of a scan, and
the items that it returns must be those that `matches` finds. Only legal conditions are
asked; what is legal is what `check_legal` lets pass, as the stricter engine judges.
``DIFFERENTIAL_ROUNDS`` and ``DIFFERENTIAL_SEED`` make a longer or a different run.
"""

from __future__ import annotations

import os
import random
import sys
from binascii import a2b_base64, b2a_base64
from collections.abc import Iterator
from decimal import Decimal
from functools import partial
from pathlib import Path as FilePath
from typing import Any, TypeVar
from uuid import uuid4

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from dynamo_objects.codec.values import TAGS, AttributeValue, Item
from dynamo_objects.errors import QueryError
from dynamo_objects.expressions import tree
from dynamo_objects.expressions.evaluate import find, matches
from dynamo_objects.expressions.legal import check_legal
from dynamo_objects.expressions.render import Placeholders

#: One round makes a table of items and asks it this many conditions.
ROUNDS = int(os.environ.get("DIFFERENTIAL_ROUNDS", "6"))
SEED = int(os.environ.get("DIFFERENTIAL_SEED", "1"))
ITEMS = 100
CONDITIONS = 100
WRITES = 20

#: Few names, so that paths often lead somewhere; most of them would break a text. Each with
#: the type that its values often have, so that comparisons are often of one type.
NAMES = dict(
    zip(
        ("a", "b", "size", "a.b", "a[0]", "#n0", ":v0", "é", "NULL", "x OR attribute_exists(id)"),
        ("N", "S", "B", "L", "M", "SS", "NS", "BS", "N", "S"),
        strict=True,
    )
)
#: What follows the first name of a path.
STEPS: tuple[str | int, ...] = (0, 0, 1, 2, *list(NAMES)[:4])
TEXTS = ("", "a", "ab", "abc", "b", "1", "é", "e\u0301", "\uffee", "😀", "a😀b", "AND", "\0")
#: The same number in several spellings, neighbours in the last of 38 digits, and the extremes.
NUMBERS = (
    *("0", "-0", "0.0", "0E5", "1", "1.0", "+1", "1e0", "01", "0.10e1", "2", "-1", "-1.", ".5"),
    *("0.50", "10", "1E+1", "3", "4", "1E-130", "9" * 38, "9" * 37 + "8", "0.1" + "0" * 36 + "1"),
    *("0.1", "9." + "9" * 37 + "E+125", "-9." + "9" * 37 + "E+125"),
)
SPELLINGS = {Decimal(one): [n for n in NUMBERS if Decimal(n) == Decimal(one)] for one in NUMBERS}
BINARIES = (b"", b"a", b"ab", b"abc", b"b", b"\0", b"\xff", b"a\xff", b"\xc3\xa9")
COMPARATORS: tuple[tree.Comparator, ...] = ("=", "<>", "<", "<=", ">", ">=")

PATH = tree.Path.of("a")
SIZE = tree.Size(PATH)
NUMBER = tree.Value({"N": "1"})
SAME: tree.Condition = tree.Compare("=", PATH, NUMBER)

T = TypeVar("T")


# --- until tests/conftest.py has it: a fixture of the same name, DELETE IT THEN -----------


@pytest.fixture(scope="module", params=["dynoxide", "dynamodb_local"])
def engine_client(request: pytest.FixtureRequest) -> Iterator[Any]:
    """A boto3 client of an engine, which is started for this module."""
    sys.path.insert(0, str(FilePath(__file__).resolve().parents[2] / "tools"))
    try:
        engine = __import__(request.param)
    finally:
        del sys.path[0]
    with engine.serve() as url:
        yield boto3.client(
            "dynamodb",
            endpoint_url=url,
            region_name="us-east-1",
            aws_access_key_id="none",
            aws_secret_access_key="none",
            config=Config(retries={"total_max_attempts": 1}),
        )


# --- random values, items and conditions --------------------------------------------------


class Dice:
    """Makes random things, the same for the same seed."""

    def __init__(self, seed: int, *, empties: bool) -> None:
        self.random = random.Random(seed)
        self.texts = TEXTS if empties else TEXTS[1:]
        self.binaries = BINARIES if empties else BINARIES[1:]
        self.items = [self.item(number) for number in range(ITEMS)]

    def item(self, number: int) -> Item:
        """Return an item with some of the names."""
        names = self.random.sample(list(NAMES), self.random.randint(3, len(NAMES)))
        return {"id": {"S": str(number)}, **{name: self._value(NAMES[name]) for name in names}}

    def _value(self, tag: str = "", depth: int = 2) -> AttributeValue:
        """Return an attribute value, often of the type *tag*."""
        if not tag or self.random.random() < 0.3:
            tag = self.random.choice(sorted(TAGS))
        if depth == 0 and tag in ("L", "M"):
            tag = "N"
        return {tag: self._content(tag, depth)}

    def _content(self, tag: str, depth: int) -> Any:
        match tag:
            case "S":
                return self.random.choice(self.texts)
            case "N":
                return self.random.choice(NUMBERS)
            case "B":
                return _base64(self.random.choice(self.binaries))
            case "SS":
                return self._some(self.texts)
            case "NS":
                return list({Decimal(text): text for text in self._some(NUMBERS)}.values())
            case "BS":
                return [_base64(member) for member in self._some(self.binaries)]
            case "L":
                return [self._value("", depth - 1) for _ in range(self.random.randint(0, 3))]
            case "M":
                names = self.random.sample(list(NAMES)[:4], self.random.randint(0, 3))
                return {name: self._value(NAMES[name], depth - 1) for name in names}
            case _:
                return tag == "NULL" or self.random.random() < 0.5

    def _some(self, members: tuple[T, ...]) -> list[T]:
        return self.random.sample(members, self.random.randint(1, 3))

    def condition(self, depth: int = 3) -> tree.Condition:
        """Return a legal condition."""
        kind = self.random.choice(("and", "or", "not", "leaf", "leaf")) if depth else "leaf"
        if kind == "not":
            return tree.Not(self.condition(depth - 1))
        if kind != "leaf":
            several = tuple(self.condition(depth - 1) for _ in range(self.random.randint(1, 3)))
            return tree.And(several) if kind == "and" else tree.Or(several)
        while True:
            leaf = self._leaf()
            if _is_legal(leaf):
                return leaf

    def _leaf(self) -> tree.Condition:
        path, pick = self._path(), self.random.choice
        left: tree.Operand = path
        if self.random.random() < 0.2:
            left = pick((tree.Size(path), self._operand(path)))
        other = partial(self._operand, left)
        match self.random.randint(0, 9):
            case 0 | 1 | 2:
                return tree.Compare(pick(COMPARATORS), left, other())
            case 3 | 4:
                return tree.Between(left, other(), other())
            case 5:
                return tree.In(left, tuple(other() for _ in range(pick((1, 2, 5)))))
            case 6:
                return pick((tree.AttributeExists, tree.AttributeNotExists))(path)
            case 7:
                return tree.AttributeType(path, tree.Value({"S": pick(sorted(TAGS))}))
            case 8:
                return tree.BeginsWith(path, self._operand(path, parts=True))
            case _:
                return tree.Contains(path, self._operand(path, parts=True))

    def _path(self) -> tree.Path:
        """Return a path, which leads nowhere in many items."""
        steps: list[str | int] = [self.random.choice(list(NAMES))]
        while self.random.random() < 0.3:
            steps.append(self.random.choice(STEPS))
        return tree.Path(tuple(steps))

    def _operand(self, left: tree.Operand, *, parts: bool = False) -> tree.Operand:
        """Return what to compare with *left*: often a constant like what stands there."""
        kind = self.random.random()
        if kind < 0.1:
            return self._path()
        if kind < 0.15:
            return tree.Size(self._path())
        if isinstance(left, tree.Size) and kind < 0.9:
            return tree.Value({"N": str(self.random.randint(0, 4))})
        stored = [find(left, item) for item in self.items] if isinstance(left, tree.Path) else []
        likes = [value for value in stored if value is not None]
        if likes and kind < 0.9:
            like = self.random.choice(likes)
            return tree.Value(self._part(like) if parts else self._respelled(like))
        return tree.Value(self._value())

    def _part(self, value: AttributeValue) -> AttributeValue:
        """Return a part of a text or bytes, or a member; sometimes the value itself."""
        ((tag, held),) = value.items()
        if self.random.random() < 0.2:
            return self._respelled(value)
        if tag in ("SS", "NS", "BS"):
            return self._respelled({tag[0]: self.random.choice(held)})
        if tag == "L" and held:
            return self._respelled(self.random.choice(held))
        whole = a2b_base64(held) if tag == "B" else held
        if tag not in ("S", "B") or len(whole) < 2:
            return value
        start = self.random.randint(0, 1)
        part = whole[start : start + self.random.randint(1, 2)]
        return {tag: _base64(part) if tag == "B" else part}

    def _respelled(self, value: AttributeValue) -> AttributeValue:
        """Return an equal value that looks different."""
        ((tag, held),) = value.items()
        match tag:
            case "N":
                return {tag: self.random.choice(SPELLINGS[Decimal(held)])}
            case "NS":
                return {tag: [self.random.choice(SPELLINGS[Decimal(one)]) for one in held[::-1]]}
            case "SS" | "BS":
                return {tag: held[::-1]}
            case "L":
                return {tag: [self._respelled(element) for element in held]}
            case "M":
                return {tag: {name: self._respelled(held[name]) for name in held}}
            case _:
                return value


def _is_legal(condition: tree.Condition) -> bool:
    """Tell whether AWS accepts a condition; DynamoDB Local judges so, dynoxide accepts more."""
    try:
        check_legal(condition)
    except QueryError:
        return False
    return True


def _base64(content: bytes) -> str:
    return b2a_base64(content, newline=False).decode()


# --- the engine ---------------------------------------------------------------------------


class EngineTable:
    """A table of an engine that is asked what it finds."""

    def __init__(self, client: Any, name: str) -> None:
        self.client, self.name = client, name

    def create(self) -> None:
        """Create the table and wait for it."""
        self.client.create_table(
            TableName=self.name,
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        self.client.get_waiter("table_exists").wait(TableName=self.name)

    def accepts_empty_texts(self) -> bool:
        """Tell whether the engine knows the rule of May 2020, which allows them."""
        try:
            self.client.put_item(TableName=self.name, Item={"id": {"S": "empty"}, "a": {"S": ""}})
        except ClientError:
            return False
        self.client.delete_item(TableName=self.name, Key={"id": {"S": "empty"}})
        return True

    def fill(self, items: list[Item]) -> None:
        """Store *items*."""
        for start in range(0, len(items), 25):
            puts = [{"PutRequest": {"Item": _wire(item)}} for item in items[start : start + 25]]
            reply = self.client.batch_write_item(RequestItems={self.name: puts})
            assert not reply["UnprocessedItems"]

    def find(self, condition: tree.Condition) -> set[str]:
        """Return the ids of the items for which the condition holds."""
        asked = _parameters("FilterExpression", condition)
        pages = self.client.get_paginator("scan").paginate(
            TableName=self.name, ProjectionExpression="id", ConsistentRead=True, **asked
        )
        return {item["id"]["S"] for page in pages for item in page["Items"]}

    def permits(self, condition: tree.Condition, item: Item) -> bool:
        """Tell whether a write, which changes nothing, happens on the condition."""
        asked = _parameters("ConditionExpression", condition)
        try:
            if "id" in item:
                self.client.put_item(TableName=self.name, Item=_wire(item), **asked)
            else:
                self.client.delete_item(TableName=self.name, Key={"id": {"S": "absent"}}, **asked)
        except self.client.exceptions.ConditionalCheckFailedException:
            return False
        return True


def _parameters(role: str, condition: tree.Condition) -> dict[str, Any]:
    placeholders = Placeholders()
    asked: dict[str, Any] = {role: placeholders.condition(condition)}
    placeholders.add_to(asked)
    if "ExpressionAttributeValues" in asked:
        asked["ExpressionAttributeValues"] = _wire(asked["ExpressionAttributeValues"])
    return asked


def _wire(item: Item) -> Item:
    """Return an item as boto3 wants it: with bytes where the wire has base64."""
    return {name: _boto_value(value) for name, value in item.items()}


def _boto_value(value: AttributeValue) -> AttributeValue:
    ((tag, held),) = value.items()
    match tag:
        case "B":
            return {"B": a2b_base64(held)}
        case "BS":
            return {"BS": [a2b_base64(one) for one in held]}
        case "L":
            return {"L": [_boto_value(one) for one in held]}
        case "M":
            return {"M": _wire(held)}
        case _:
            return value


@pytest.fixture
def engine_table(engine_client: Any) -> Iterator[EngineTable]:
    """An empty table with a name of its own, deleted afterwards."""
    table = EngineTable(engine_client, f"evaluate-{uuid4().hex}")
    table.create()
    yield table
    engine_client.delete_table(TableName=table.name)


# --- the tests ----------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(SEED, SEED + ROUNDS))
def test_evaluator_finds_what_the_engine_finds(engine_table: EngineTable, seed: int) -> None:
    """
    For random items and legal conditions, `matches` and the engine agree on every item.
    """
    dice = Dice(seed, empties=engine_table.accepts_empty_texts())
    engine_table.fill(dice.items)
    for _ in range(CONDITIONS):
        condition = dice.condition()

        found = engine_table.find(condition)

        expected = {item["id"]["S"] for item in dice.items if matches(condition, item)}
        differing = [item for item in dice.items if item["id"]["S"] in expected ^ found]
        assert expected == found, f"seed {seed}: {_shown(condition)} differs on {differing[:1]}"


def test_evaluator_judges_writes_as_the_engine_does(engine_table: EngineTable) -> None:
    """
    For conditional writes too, `matches` and the engine agree; no item is an empty one.
    """
    dice = Dice(SEED, empties=engine_table.accepts_empty_texts())
    for number in range(WRITES):
        item = dice.items[number] if number % 4 else {}
        if item:
            engine_table.fill([item])
        condition = dice.condition()

        permitted = engine_table.permits(condition, item)

        assert matches(condition, item) == permitted, f"{_shown(condition)} on {item}"


@pytest.mark.parametrize(
    "condition",
    [
        pytest.param(tree.And((SAME,) * 150), id="299-operators"),
        pytest.param(tree.Or((tree.Not(SAME),) * 100), id="299-operators-with-not"),
        pytest.param(tree.Or((tree.Compare("=", SIZE, SIZE),) * 75), id="299-operators-with-size"),
        pytest.param(tree.In(PATH, (NUMBER,) * 99), id="99-options"),
        pytest.param(tree.In(PATH, (NUMBER,) * 400), id="400-options"),
        pytest.param(tree.Not(tree.In(SIZE, (SIZE,) * 100)), id="100-sizes"),
        pytest.param(tree.AttributeExists(tree.Path(("a",) * 32)), id="32-names"),
        pytest.param(tree.AttributeExists(tree.Path(("a", *[2**31 - 1] * 31))), id="31-indexes"),
        pytest.param(tree.Or((tree.And((tree.Or((SAME, tree.And((SAME,)))),)),)), id="of-one"),
    ],
)
def test_engine_takes_the_largest_conditions(engine_table: EngineTable, condition: tree.Condition) -> None:
    """
    What `Placeholders` lets through at its limits, the engine does not refuse.
    """
    found = engine_table.find(condition)

    assert set() == found


def _shown(condition: tree.Condition) -> str:
    placeholders = Placeholders()
    text = placeholders.condition(condition)
    return f"{text} with {placeholders.names()} {placeholders.values()}"
