"""What a loaded record remembers of its item."""

from __future__ import annotations

import copy
import json
import pickle
import subprocess
import sys
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from dynamo_objects import DynamoRecord
from dynamo_objects.codec.kept import KeptItem
from dynamo_objects.operations.base import read_item
from dynamo_objects.record import codec_of

ITEM: dict[str, Any] = {
    "id": {"S": "s1"},
    "city": {"S": "Ålesund"},
    "visits": {"N": "21"},
    "price": {"N": "1.50"},
    "is_open": {"BOOL": True},
    "tags": {"L": [{"S": "a"}, {"S": "b"}]},
    "notes": {"M": {"x": {"S": "1"}, "y": {"S": ""}}},
    "counts": {"L": [{"N": "1"}, {"N": "2"}]},
}


class Shop(DynamoRecord):
    id: str = ""
    city: str = ""
    visits: int = 0
    price: Decimal = Decimal(0)
    is_open: bool = False
    tags: list[str] = []
    notes: dict[str, str] = {}
    counts: list[int] = []


class SmallShop(Shop):
    size: int = 0


CODEC = codec_of(Shop)


def loaded(item: dict[str, Any] = ITEM, kind: type[DynamoRecord] = Shop) -> Any:
    """Return a record as it comes out of a reply."""
    codec = codec_of(kind)
    read = read_item(json.dumps({"Item": item}).encode(), codec.reader)
    assert read is not None
    return codec.decode(read)


def test_a_complete_item_is_kept_in_little():
    """
    As a mapping it is still the item.
    """
    stored = loaded()._stored

    assert isinstance(stored, KeptItem)
    assert ITEM == dict(stored)
    assert stored == ITEM
    assert len(ITEM) == len(stored)
    assert stored.get("city") == {"S": "Ålesund"}
    assert stored.get("nothing") is None
    assert "city" in stored
    assert "nothing" not in stored


def test_a_kept_item_is_not_written_by_mistake():
    """
    Its members are not those of the item: JSON of it would be garbage.
    """
    with pytest.raises(TypeError):
        msgspec.json.encode(loaded()._stored)


@pytest.mark.parametrize("text", ["007", "21.0", "2.1E1", "-0"])
def test_numbers_that_are_spelt_otherwise_are_kept_as_they_are(text: str):
    """
    A guard must send what is stored, to the letter.
    """
    record = loaded({**ITEM, "visits": {"N": text}})

    assert record._stored["visits"] == {"N": text}
    assert record.visits == int(Decimal(text))
    assert not CODEC.is_dirty(record)


def test_a_change_in_place_is_found():
    """
    Only what was changed is dirty.
    """
    record = loaded()

    assert not CODEC.is_dirty(record)
    record.tags.append("c")
    assert CODEC.is_dirty(record)
    assert ["tags"] == [change.wire for change in CODEC.changes(record)]


def test_assigning_replaces_a_container():
    """
    The old value is known all the same.
    """
    record = loaded()
    record.tags = ["z"]

    (change,) = CODEC.changes(record)
    assert ("tags", {"L": [{"S": "z"}]}, ITEM["tags"]) == (change.wire, change.new, change.old)


@pytest.mark.parametrize("forget", ["remember", "item"])
def test_values_outlive_what_they_were_made_of(forget: str):
    """
    When a record is told to be new, or another item, its own values stay.
    """
    record = loaded()
    if forget == "remember":
        CODEC.remember(record, None, None)
    else:
        assert ITEM == record._item

    assert ["a", "b"] == record.tags
    assert {"x": "1", "y": ""} == record.notes


def test_item_does_not_make_a_record_dirty():
    """
    Whoever looks at the attribute values changes nothing.
    """
    record = loaded()

    assert ITEM == record._item
    assert not CODEC.is_dirty(record)
    record.visits += 1
    assert ["visits"] == [change.wire for change in CODEC.changes(record)]


@pytest.mark.parametrize(
    "copied",
    [
        copy.copy,
        copy.deepcopy,
        lambda record: pickle.loads(pickle.dumps(record)),
        lambda record: record.evolve(),
    ],
    ids=["copy", "deepcopy", "pickle", "evolve"],
)
def test_copies_are_complete(copied: Any):
    """
    A copy has all values, and still knows what it was loaded as.
    """
    record = loaded()
    other = copied(record)

    assert record == other
    assert ["a", "b"] == other.tags
    assert not CODEC.is_dirty(other)
    other.tags.append("c")
    assert CODEC.is_dirty(other)


def test_records_of_one_item_are_equal():
    """
    And are shown alike.
    """
    seen, unseen = loaded(), loaded()
    assert seen.tags

    assert seen == unseen
    assert repr(seen) == repr(unseen)


def test_subclasses_have_their_own_places():
    """
    A field that was declared in a parent is found in the items of both.
    """
    record = loaded({**ITEM, "size": {"N": "3"}, "tags": {"L": [{"S": "q"}]}}, SmallShop)

    assert ["q"] == record.tags
    assert 3 == record.size
    assert ["a", "b"] == loaded().tags


def test_new_and_partial_records_are_not_concerned():
    """
    A new record has its values at once; a field that was not read raises.
    """
    new = Shop(tags=["n"])
    partial = CODEC.decode_partial({"id": {"S": "s1"}}, {"id"})

    assert ["n"] == new.tags
    with pytest.raises(AttributeError):
        _ = partial.tags
    with pytest.raises(AttributeError):
        CODEC.changes(partial)
        _ = partial.notes


def test_an_item_that_lacks_something_is_kept_whole():
    """
    Defaults stand in for what is not stored.
    """
    item = {name: value for name, value in ITEM.items() if name != "tags"}
    record = loaded(item)

    assert [] == record.tags
    assert item == dict(record._stored)
    assert not CODEC.is_dirty(record)


#: Fresh types of replies, each read for the first time by several threads at once.
FIRST_READS = """
import sys, threading
from typing import Any, Generic, TypeVar
import msgspec
from dynamo_objects.codec.typed import ItemReader, Text, typed_item

sys.setswitchinterval(1e-6)
X = TypeVar("X")
for number in range(300):
    made = {}
    exec('''
from __future__ import annotations
import msgspec
from typing import Generic, TypeVar
X = TypeVar("X")
class Inner(msgspec.Struct):
    a: str | None = None
    b: dict[str, int] | None = None
class Reply(msgspec.Struct, Generic[X]):
    Items: dict[str, list[X]]
    Inner: dict[str, list[Inner]]
''', made := {"__name__": f"made{number}"})
    sys.modules[f"made{number}"] = type("Module", (), made)
    reader = ItemReader(typed_item("Made", [("id", Text)]))
    gate = threading.Barrier(4)
    def read():
        gate.wait()
        reader.read(made["Reply"], b'{"Items": {"t": [{"id": {"S": "x"}}]}, "Inner": {}}')
    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
print("alive")
"""


def test_threads_may_read_for_the_first_time_together():
    """
    msgspec crashes the interpreter when two threads make decoders of one generic type at once.
    """
    result = subprocess.run([sys.executable, "-c", FIRST_READS], capture_output=True, text=True, check=False)

    assert ("alive", 0) == (result.stdout.strip(), result.returncode), result.stderr[-1000:]


def test_an_item_can_be_read_again():
    """
    After a save a record remembers a typed item whole: what is read of it again must leave it as it is.
    """
    record = Shop(
        id="s1", city="Oslo", tags=["a"], notes={"x": "1"}, counts=[1], visits=1, price=Decimal("1.5")
    )
    encoded = CODEC.encode_typed(record)
    assert encoded is not None
    item, loaded = encoded
    before = dict(item)
    CODEC.remember(record, item, loaded)

    assert [["a"], ["a"]] == [CODEC.decode(item).tags, CODEC.decode(item).tags]
    assert before == dict(item)
    assert not CODEC.is_dirty(record)
