"""Codec speed: records <-> attribute values, beside boto3's TypeSerializer and TypeDeserializer.

Run: ``python3 tools/bench/codec.py``. One item of 11 attributes and about 1 KB, as Python
values on boto3's side and as a record on ours. The two are timed in turns within one run;
only the ratios mean anything, and their median over the rounds is what counts.

encode
    Python values -> what is written as JSON: the typed item that saves of new records make on ours, dicts on
    boto3's. A text that JSON cannot hold is found when it is written.
encode, general
    Python values -> attribute values, on both sides dicts.
decode
    What each side parses replies into -> Python values: typed items on ours, dicts on boto3's. Every
    value of the record is looked at, since some are made only then.
reply
    The same from the bytes of a GetItem reply, so that no work hides in the parsing.
decode, general
    Dicts of attribute values -> records: ours, for items that are not as their class expects.

Ours does more: it checks every value and type tag, keeps what the record was loaded as,
and makes a record object; boto3's makes a dict of values.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))

import environment

if __name__ == "__main__":
    environment.enter("test")

import argparse
import json
import statistics
import timeit
from collections.abc import Callable
from decimal import Decimal
from operator import attrgetter
from typing import Any

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer

from dynamo_objects import DynamoRecord
from dynamo_objects.operations.base import read_item
from dynamo_objects.record import codec_of


class Order(DynamoRecord):
    """The item of the benchmark: keys, texts, numbers, a flag, a list and a map."""

    customer_id: str = ""
    order_id: str = ""
    status: str = ""
    created: str = ""
    email: str = ""
    quantity: int = 0
    price: Decimal = Decimal(0)
    is_paid: bool = False
    note: str = ""
    tags: list[str] = []
    address: dict[str, str] = {}


def make_order() -> Order:
    """Return the record."""
    return Order(
        customer_id="customer-000123",
        order_id="2026-11-20#000042",
        status="shipped",
        created="2026-11-20T05:00:00.000000Z",
        email="somebody@example.com",
        quantity=42,
        price=Decimal("19.99"),
        is_paid=True,
        note="n" * 600,
        tags=["gift", "express", "fragile", "insured", "signed"],
        address={"street": "Storgata 1", "city": "Oslo", "zip": "0155", "country": "NO"},
    )


def seconds(call: Callable[[], Any], number: int) -> float:
    """Return the seconds of one call, over *number* of them."""
    return timeit.timeit(call, number=number) / number


def compare(name: str, ours: Callable[[], Any], boto: Callable[[], Any], rounds: int) -> None:
    """Time two calls in turns and print medians and the median of the ratios."""
    number = 2000
    pairs = [(seconds(ours, number), seconds(boto, number)) for _ in range(rounds)]
    ratio = statistics.median(theirs / mine for mine, theirs in pairs)
    mine, theirs = (statistics.median(times) * 1e6 for times in zip(*pairs, strict=True))
    print(f"{name:16} ours {mine:6.2f} µs   boto3 {theirs:6.2f} µs   boto3 / ours {ratio:5.2f}")


def main() -> None:
    """Run both comparisons."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=31)
    rounds = parser.parse_args().rounds
    record = make_order()
    codec = codec_of(Order)
    values = record.get_dict()
    serializer, deserializer = TypeSerializer(), TypeDeserializer()
    item = codec.encode(record)
    assert item == {name: serializer.serialize(value) for name, value in values.items()}
    assert codec.decode(item) == record
    assert codec.encode_typed(record) == item
    compare(
        "encode",
        lambda: codec.encode_typed(record),
        lambda: {name: serializer.serialize(value) for name, value in values.items()},
        rounds,
    )
    compare(
        "encode, general",
        lambda: codec.encode(record),
        lambda: {name: serializer.serialize(value) for name, value in values.items()},
        rounds,
    )
    body = json.dumps({"Item": item}).encode()
    typed = read_item(body, codec.reader)
    assert type(typed) is not dict
    assert codec.decode(typed) == record

    def boto_decode(found: dict[str, Any]) -> dict[str, Any]:
        return {name: deserializer.deserialize(value) for name, value in found.items()}

    every_value = attrgetter(*(field.name for field in codec.fields))
    compare("decode", lambda: every_value(codec.decode(typed)), lambda: boto_decode(item), rounds)
    compare(
        "reply",
        lambda: every_value(codec.decode(read_item(body, codec.reader))),
        lambda: boto_decode(json.loads(body)["Item"]),
        rounds,
    )
    compare("decode, general", lambda: codec.decode(item), lambda: boto_decode(item), rounds)


if __name__ == "__main__":
    main()
