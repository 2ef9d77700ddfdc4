"""Keys that are made without their codecs are those that the codecs make."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dynamo_objects import DynamoRecord, HashKey, RangeKey
from dynamo_objects.codec.keys import check_key_value
from dynamo_objects.codec.values import Invalid
from dynamo_objects.operations.base import read_item
from dynamo_objects.record import codec_of
from dynamo_objects.schema import TableSchema, keying

VALUES = st.one_of(
    st.text(max_size=5),
    st.integers(-(10**40), 10**40),
    st.sampled_from(
        ["", "x" * 1024, "x" * 1025, "x" * 2048, "x" * 2049, "é" * 700, "\ud800", "日" * 683, 0, -1]
    ),
    st.sampled_from([10**38 - 1, 10**38, -(10**38), True, False, None, b"", b"k", Decimal(1), 1.5]),
)


class Texts(DynamoRecord):
    a: str = ""
    b: str = ""


class Mixed(DynamoRecord):
    a: int = 0
    b: str = ""


class Only(DynamoRecord):
    a: str = ""


class Exact(DynamoRecord):
    a: Decimal = Decimal(0)


PARTS: dict[type[DynamoRecord], list[Any]] = {
    Texts: [HashKey("a"), RangeKey("b")],
    Mixed: [HashKey("a"), RangeKey("b")],
    Only: [HashKey("a")],
    Exact: [HashKey("a")],
}
SCHEMAS = {kind: TableSchema.build("t", codec_of(kind), parts) for kind, parts in PARTS.items()}

with patch.object(keying, "key_items", None):
    #: What takes over where there is no compiler.
    WITHOUT_C = {kind: keying.quick_items(schema.keys) for kind, schema in SCHEMAS.items()}

kinds = pytest.mark.parametrize("kind", PARTS, ids=lambda kind: kind.__name__)


def slow(schema: TableSchema, values: tuple[Any, Any]) -> Any:
    """Return what the codecs make of a key, or None where it cannot be one."""
    if schema.range is None and values[1] is not None:
        return None
    item = {}
    try:
        for key, value in zip(schema.keys, values, strict=False):
            item[key.wire] = key.codec.encode(value)
            check_key_value(item[key.wire], key.role)
    except (Invalid, TypeError, ValueError):
        return None
    return item


@kinds
@given(hash=VALUES, range=st.one_of(st.none(), VALUES))
def test_quick_keys_are_the_codecs_keys(kind: Any, hash: Any, range: Any) -> None:
    """
    Whatever is made quickly is valid, and the same; what is no key is never made.
    """
    schema = SCHEMAS[kind]
    quick = schema.quick_item(hash, range)

    assert quick is None or quick == slow(schema, (hash, range))


@kinds
@given(hash=VALUES, range=VALUES)
def test_items_are_found_by_the_same_lookup(kind: Any, hash: Any, range: Any) -> None:
    """
    By the values, by attribute values, and by an item out of a reply.
    """
    schema = SCHEMAS[kind]
    values = (hash, None if schema.range is None else range)
    item = slow(schema, values)
    if item is None:
        return
    read = read_item(json.dumps({"Item": item}).encode(), schema.codec.reader)
    assert read is not None

    assert schema.lookup(*values) == schema.lookup_item(item) == schema.lookup_item(read)
    assert schema.lookup_item(item) == schema.lookup_item(schema.codec.decode(read)._stored)


@kinds
@given(pairs=st.lists(st.tuples(VALUES, VALUES), min_size=1, max_size=4), is_odd=st.booleans())
def test_many_quick_keys_are_each_the_same(kind: Any, pairs: list[tuple[Any, Any]], is_odd: bool) -> None:
    """
    All are made as each would be, or none.
    """
    schema = SCHEMAS[kind]
    keys: list[Any] = pairs if schema.range is not None else [hash for hash, _ in pairs]
    if is_odd:
        keys = [*keys, "ab", ("a",), ("a", "b", "c"), ["a", "b"]][-2:]
    each = [
        schema.quick_item(*key) if type(key) is tuple and len(key) == 2 else None
        for key in (keys if schema.range is not None else [(key, None) for key in keys])
    ]

    made = None if None in each else each
    assert schema.quick_items(keys) == made
    assert WITHOUT_C[kind](keys) == made


def test_plain_keys_are_quick() -> None:
    """
    The tests above would pass if nothing was.
    """
    assert {"a": {"S": "x"}, "b": {"S": "y"}} == SCHEMAS[Texts].quick_item("x", "y")
    assert {"a": {"N": "-5"}, "b": {"S": "y"}} == SCHEMAS[Mixed].quick_item(-5, "y")
    assert {"a": {"S": "x"}} == SCHEMAS[Only].quick_item("x")
    assert [] == SCHEMAS[Only].quick_items([]) == WITHOUT_C[Only]([])
    assert [] == SCHEMAS[Texts].quick_items([]) == WITHOUT_C[Texts]([])
    assert ("x",) == SCHEMAS[Only].quick_lookup({"a": {"S": "x"}})
    assert SCHEMAS[Only].quick_item("x", "y") is None
    assert SCHEMAS[Exact].quick_item(Decimal(1)) is None
