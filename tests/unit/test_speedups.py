"""Records and typed items made in C; that they are those of Python is a law, see ``laws``."""

from __future__ import annotations

import gc
import json
import os
import shutil
import sys
import sysconfig
import weakref
from collections.abc import Iterator
from decimal import Context, Decimal, localcontext
from typing import Any
from unittest.mock import patch

import msgspec
import pytest

from dynamo_objects import DynamoRecord, field
from dynamo_objects.codec import making, typed
from dynamo_objects.codec.kept import KeptItem
from dynamo_objects.codec.records import RecordCodec
from dynamo_objects.codec.speedups import key_items, key_texts
from dynamo_objects.codec.typed import Text, TypedItem
from dynamo_objects.codec.values import Invalid
from dynamo_objects.operations.base import read_item
from dynamo_objects.operations.search import Scan
from dynamo_objects.record import codec_of

compiled = pytest.mark.skipif(making.RecordMaker is None, reason="there was no compiler")

ITEM: dict[str, Any] = {
    "id": {"S": "s1"},
    "visits": {"N": "21"},
    "price": {"N": "1.50"},
    "is_open": {"BOOL": True},
    "tags": {"L": [{"S": "a"}, {"S": "b"}]},
    "notes": {"M": {"x": {"S": "1"}, "y": {"S": ""}}},
    "counts": {"L": [{"N": "1"}, {"N": "2"}]},
    "weight": {"N": "2.5"},
}


class Shop(DynamoRecord):
    id: str
    visits: int = 7
    price: Decimal = Decimal(0)
    is_open: bool = False
    tags: list[str] = []
    notes: dict[str, str] = {}
    counts: list[int] = []
    weight: float = 0.0


CODEC = codec_of(Shop)


def read(item: dict[str, Any], codec: RecordCodec = CODEC) -> Any:
    """Return an item as it comes out of a reply."""
    return read_item(json.dumps({"Item": item}).encode(), codec.reader)


def page_of(*items: dict[str, Any]) -> list[Any]:
    """Return the items of a page."""
    body = {"Count": len(items), "ScannedCount": len(items), "Items": list(items)}
    return Scan(table="shops", reader=CODEC.reader).parse(json.dumps(body).encode()).items


def refuse(item: Any, invalid: Invalid) -> Exception:
    """Return the problems as they are."""
    return invalid


@pytest.mark.skipif(shutil.which("cc") is None, reason="there is no compiler")
def test_it_is_compiled_where_there_is_a_compiler():
    """
    Otherwise nobody would notice that it is not used, but for the time.
    """
    if os.environ.get("CI") and not sysconfig.get_config_var("Py_GIL_DISABLED"):
        assert making.RecordMaker is not None
        assert making.ItemMaker is not None


@compiled
def test_usual_classes_use_it():
    """
    Both ways.
    """
    assert isinstance(CODEC.decode, making.RecordMaker)
    assert isinstance(CODEC.encode_typed, making.ItemMaker)


@compiled
def test_items_stay_as_they_are():
    """
    A page's lists and maps are not those of its records.
    """
    items = page_of(ITEM)
    (record,) = CODEC.decode_page(items, "shops", refuse)
    record.tags.append("c")
    record.notes["z"] = "3"

    assert ITEM == items[0].plain()
    assert ITEM == record._item
    assert CODEC.is_dirty(record)


@compiled
def test_what_is_kept():
    """
    Of a whole item its values, of another one all of it.
    """
    whole = CODEC.decode(read(ITEM), "shops")
    part = CODEC.decode(read({"id": {"S": "s1"}}))

    assert isinstance(whole._stored, KeptItem)
    assert whole._home == "shops"
    assert isinstance(part._stored, TypedItem)
    assert not isinstance(part._stored, KeptItem)
    assert not hasattr(part, "_home")
    assert (7, Decimal(0), [], {}) == (part.visits, part.price, part.tags, part.notes)
    assert part.tags is not CODEC.decode(read({"id": {"S": "s2"}})).tags


@pytest.mark.parametrize("text", ["0", "-1", "9" * 18, "9" * 19, "-" + "9" * 38, str(2**63), str(-(2**63))])
def test_whole_numbers(text: str):
    """
    Of all lengths.
    """
    record = CODEC.decode(read({**ITEM, "visits": {"N": text}}))

    assert record.visits == int(text)
    assert type(record.visits) is int
    assert isinstance(record._stored, KeptItem)
    assert record._stored["visits"] == {"N": text}


@pytest.mark.parametrize("text", ["-0", "007", "1E2", "+1", "1.0", "9" * 38 + "0"])
def test_whole_numbers_spelt_otherwise(text: str):
    """
    What is kept is the text, to the letter.
    """
    record = CODEC.decode(read({**ITEM, "visits": {"N": text}}))

    assert record.visits == int(Decimal(text))
    assert record._stored["visits"] == {"N": text}


@pytest.mark.parametrize("text", ["", "-", "1-2", "1_0", " 1", "٣", "NaN", "1.5.5", "0x1", "1\0"])
@pytest.mark.parametrize("name", ["visits", "price"])
def test_what_is_no_number(name: str, text: str):
    """
    A page has the records up to it, and then the error.
    """
    items = page_of(ITEM, {**ITEM, name: {"N": text}}, ITEM)
    records = CODEC.decode_page(items, "shops", refuse)

    assert next(records).visits == 21
    with pytest.raises(Invalid, match=name):
        next(records)
    with pytest.raises(Invalid, match=name):
        CODEC.decode(items[1])


def test_a_required_attribute():
    """
    A typed item without it is no record.
    """
    with pytest.raises(Invalid, match=r"id.*missing"):
        CODEC.decode(read({"visits": {"N": "1"}}))


def test_dicts_of_attribute_values():
    """
    They are decoded as ever.
    """
    assert Shop(id="s1", visits=21) == CODEC.decode({"id": {"S": "s1"}, "visits": {"N": "21"}}, "shops")
    assert [] == list(CODEC.decode_page([], "shops", refuse))
    assert ["s1"] == [record.id for record in CODEC.decode_page((read(ITEM),), "shops", refuse)]


class Checked(DynamoRecord):
    id: str = ""
    size: Decimal = Decimal(0)


@compiled
@pytest.mark.parametrize("interruption", [KeyboardInterrupt, SystemExit])
def test_interruptions_go_through(interruption: type[BaseException]):
    """
    They are no reason to look again.
    """

    def interrupted(text: str) -> Any:
        raise interruption

    with patch.object(making, "exact_decimal", interrupted):
        codec = RecordCodec(Checked)
        item = read({"id": {"S": "a"}, "size": {"N": "1.5"}}, codec)
        with pytest.raises(interruption):
            codec.decode(item)
        with pytest.raises(interruption):
            list(codec.decode_page([item], "t", refuse))


@compiled
def test_classes_of_many_fields():
    """
    More than find room on the stack.
    """
    names = [f"field_{n}" for n in range(200)]
    body = {"__annotations__": dict.fromkeys(names, str), **dict.fromkeys(names, "")}
    wide: Any = type(DynamoRecord)("Wide", (DynamoRecord,), {**body, "__module__": __name__})
    codec, record = codec_of(wide), wide(**{name: name for name in names})
    encoded = codec.encode_typed(record)

    assert encoded is not None
    assert isinstance(codec.encode_typed, making.ItemMaker)
    assert codec.encode(record) == encoded[0]
    assert record == codec.decode(read(codec.encode(record), codec))
    assert wide() == codec.decode(read({}, codec))


@compiled
def test_unusual_values_are_encoded_in_python():
    """
    Or not at all: None then, and whoever asked finds out why.
    """
    assert CODEC.encode_typed(Shop(id="s1", price=Decimal("1.500"), tags=["ø"])) is not None
    for name, value in [
        ("visits", True),
        ("visits", 10**39),
        ("visits", 10**5000),
        ("price", Decimal("NaN")),
        ("price", "1"),
        ("is_open", 1),
        ("tags", ("a",)),
        ("tags", ["a", 1]),
        ("notes", {"": "a"}),
        ("notes", {1: "a"}),
        ("notes", {"a": None}),
        ("counts", ["1"]),
        ("id", b"s1"),
    ]:
        record: Any = Shop(id="s1")
        setattr(record, name, value)
        assert CODEC.encode_typed(record) is None, (name, value)
    encoded = CODEC.encode_typed(Shop(id="s1", price=Decimal("1.500"), visits=0, weight=1.0))
    assert encoded is not None
    assert CODEC.encode(Shop(id="s1", price=Decimal("1.500"), visits=0, weight=1.0)) == encoded[0]
    assert CODEC.encode_typed(CODEC.decode_partial({"id": {"S": "a"}}, ["id"])) is None
    assert CODEC.encode_typed(Checked()) is None


def _uses() -> Iterator[Any]:
    """Do everything once that may go wrong."""
    yield CODEC.decode(read(ITEM), "shops")
    yield CODEC.decode(read({"id": {"S": "s1"}}))
    yield list(CODEC.decode_page(page_of(ITEM, {"id": {"S": "s1"}}), "shops", refuse))
    for bad in (
        {"visits": {"N": "x"}},
        {"price": {"N": "-"}},
        {"weight": {"N": "z"}},
        {"counts": {"L": [{"N": ""}]}},
    ):
        try:
            CODEC.decode(read({**ITEM, **bad}))
        except Invalid:
            yield None
    yield CODEC.encode_typed(CODEC.decode(read(ITEM)))
    for changes in ({"tags": ["a", 1]}, {"notes": {"a": 1}}, {"counts": [None]}, {"price": Decimal("2.50")}):
        record: Any = Shop(id="s1")
        for name, value in changes.items():
            setattr(record, name, value)
        yield CODEC.encode_typed(record)


@compiled
def test_nothing_is_lost_and_nothing_freed_too_early():
    """
    The number of objects stays the same, however often all is done.
    """

    def done(times: int) -> int:
        for _ in range(times):
            for used in _uses():
                del used
        gc.collect()
        return sys.getallocatedblocks()

    done(20)
    before = done(20)
    after = done(300)

    assert abs(after - before) < 200


@compiled
def test_a_class_goes_with_its_makers():
    """
    They refer to it, and it to them.
    """

    class Short(DynamoRecord):
        id: str = ""

    codec = codec_of(Short)
    assert codec.encode_typed(Short(id="a")) is not None
    assert Short(id="a") == codec.decode(read({"id": {"S": "a"}}, codec))
    gone = weakref.ref(Short)
    del Short, codec
    gc.collect()

    assert gone() is None


@compiled
def test_wrong_plans_are_refused():
    """
    Nothing but slots of the right classes is ever looked into.
    """
    record, item, kept = making.RecordMaker, making.ItemMaker, CODEC._kept_item
    kind: Any = CODEC._typed_item
    assert kept is not None
    slots = tuple(making._slot(Shop, name) for name in ("_stored", "_loaded", "_home"))
    plan = making._reading(Shop, CODEC.fields[0], True, kind)
    first = (Shop, kind, kept, None, (), msgspec.UNSET, repr)

    assert record(*first, slots, (plan,)) is not None
    for bad in (
        (*plan[:2], making._slot(Shop, "id"), *plan[3:]),
        (*plan[:4], making._slot(kind, "f1"), *plan[5:]),
        (*plan[:7], Shop.__repr__, *plan[8:]),
        (7, *plan[1:]),
        (-1, *plan[1:]),
        (4, *plan[1:]),
        (2, *plan[1:]),
        (*plan[:3], None, *plan[4:]),
        (*plan[:3], "no type", *plan[4:]),
    ):
        with pytest.raises(TypeError):
            record(*first, slots, (bad,))
    for arguments in (
        (),
        first,
        (*first, slots[:2], (plan,)),
        (*first, (None, None, None), (plan,)),
        (1, *first[1:]),
    ):
        with pytest.raises(TypeError):
            record(*arguments)
    with pytest.raises(TypeError):
        record(*first, slots, (plan,), more=1)

    writing = making._writing(Shop, CODEC.fields[0], True)
    flags = (False, True)
    assert item(Shop, kind, msgspec.UNSET, flags, repr, 100, (writing,)) is not None
    for bad in (
        (9, *writing[1:]),
        (*writing[:2], None, *writing[3:]),
        (2, *writing[1:]),
        (*writing[:4], 1, *writing[5:]),
    ):
        with pytest.raises(TypeError):
            item(Shop, kind, msgspec.UNSET, flags, repr, 100, (bad,))
    with pytest.raises(TypeError):
        item(Shop)
    with pytest.raises(TypeError):
        item(Shop, kind, msgspec.UNSET, flags, repr, 100, (writing,), more=1)


@compiled
def test_wrong_calls_are_refused():
    """
    As by any function.
    """
    decode: Any = CODEC.decode
    encode: Any = CODEC.encode_typed
    for call in (
        decode,
        lambda: decode(1, 2, 3),
        lambda: decode(read(ITEM), no="home"),
        decode.page,
        lambda: decode.page((), "shops"),
        encode,
        lambda: encode(record=Shop(id="a")),
    ):
        with pytest.raises(TypeError):
            call()
    assert Shop(id="s1") == decode(item={"id": {"S": "s1"}}, home="shops")


def test_the_same_without_it():
    """
    Where there is no compiler.
    """
    with patch.multiple(making, RecordMaker=None, ItemMaker=None):
        codec = RecordCodec(Shop)
        decode, page, encode = codec.decode, codec.decode_page, codec.encode_typed
    record = decode(read(ITEM, codec), "shops")
    typed = encode(record)

    assert not isinstance(decode, type(CODEC.decode)) or making.RecordMaker is None
    assert [record] == list(page([read(ITEM, codec)], "shops", refuse))
    assert typed is not None
    assert CODEC.encode(record) == typed[0]


class Renamed(DynamoRecord):
    id: str = field(name="the-id", default="")
    note: str | None = None


def test_other_names_and_none():
    """
    What is left out is not there.
    """
    codec = codec_of(Renamed)
    encoded = codec.encode_typed(Renamed(id="a"))

    assert encoded is not None
    assert encoded[0] == {"the-id": {"S": "a"}}
    assert Renamed(id="a") == codec.decode(read({"the-id": {"S": "a"}}, codec))
    assert Renamed(id="a", note="n") == codec.decode(read({"the-id": {"S": "a"}, "note": {"S": "n"}}, codec))


@compiled
def test_wrong_keys_are_refused():
    """
    By what makes key attributes, and by what finds them.
    """
    kind: Any = codec_of(Renamed)._typed_item
    assert key_items is not None
    assert key_texts is not None
    make: Any = key_items
    find: Any = key_texts
    slots, text = (vars(kind)["f0"],), vars(Text)["S"]

    assert make([], kind, ((Text, 10),)) == []
    assert make(["a", "bc"], kind, ((Text, 2),)) == [{"the-id": {"S": "a"}}, {"the-id": {"S": "bc"}}]
    for odd in (["a", ""], ["abc"], ["ø"], [1], [("a",)], [None]):
        assert make(odd, kind, ((Text, 2),)) is None
    for odd in ([True], [10**38], [-(10**38)], [10**5000], ["1"], [1.0]):
        assert make(odd, kind, ((Text, 0),)) is None
    for odd in (["ab"], [("a",)], [("a", "b", "c")], [["a", "b"]]):
        assert make(odd, kind, ((Text, 2), (Text, 2))) is None
    for arguments in (
        (),
        ((), kind, ((Text, 1),)),
        ([], kind, ()),
        ([], kind, ((Text, 1),) * 3),
        ([], kind, (1,)),
    ):
        with pytest.raises((TypeError, SystemError)):
            make(*arguments)

    item = read({"the-id": {"S": "a"}}, codec_of(Renamed))
    assert [("a",), ("a",)] == find([item, item], kind, slots, Text, text)
    for odd in ([read({}, codec_of(Renamed))], [{}], [item, None]):
        with pytest.raises(AttributeError):
            find(odd, kind, slots, Text, text)
    for arguments in (
        (),
        ([], kind, (), Text, text),
        ([], kind, (text,), Text, text),
        ([], kind, slots, Text, 1),
    ):
        with pytest.raises(TypeError):
            find(*arguments)


@compiled
def test_interruptions_go_through_when_writing():
    """
    And when keys are made.
    """

    class Interrupting(Decimal):
        def __str__(self) -> str:
            raise KeyboardInterrupt

    def interrupt(text: str) -> Any:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        CODEC.encode_typed(Shop(id="s1", price=Interrupting(1)))
    with pytest.raises(KeyboardInterrupt):
        key_items(["a"], dict, ((interrupt, 10),))


class Shouting(DynamoRecord):
    id: str = ""

    def __getattribute__(self, name: str) -> Any:
        found = object.__getattribute__(self, name)
        return found.upper() if name == "id" else found


def test_what_a_class_makes_of_its_fields_counts():
    """
    Items have what its attributes say, not what is in the slots.
    """
    encoded = codec_of(Shouting).encode_typed(Shouting(id="abc"))

    assert encoded is not None
    assert encoded[0] == {"id": {"S": "ABC"}}


def test_decimals_in_any_context():
    """
    The thread's own context changes neither what is written nor what is read.
    """
    with localcontext(Context(prec=3, capitals=0, traps=[])):
        for codec in (CODEC, WITHOUT_C):
            encoded = codec.encode_typed(Shop(id="a", price=Decimal("1E+5")))
            assert encoded is not None
            assert encoded[0]["price"] == {"N": "100000"}
            assert codec.encode(Shop(id="a", price=Decimal("1E+5")))["price"] == {"N": "100000"}
            assert codec.decode(read({**ITEM, "price": {"N": "123.4567"}}, codec)).price == Decimal(
                "123.4567"
            )
            for text in ("-", ""):
                with pytest.raises(Invalid, match="price"):
                    codec.decode(read({**ITEM, "price": {"N": text}}, codec))
                with pytest.raises(Invalid, match="price"):
                    codec.decode({**ITEM, "price": {"N": text}})


@compiled
def test_a_list_that_the_collector_changes():
    """
    Its finalizers may run whenever memory is wanted; nobody should do this, but it must not crash.
    """

    class Vandal:
        def __init__(self, changes: Any) -> None:
            self.itself, self.changes = self, changes

        def __del__(self) -> None:
            self.changes()

    thresholds = gc.get_threshold()
    try:
        for name in ("tags", "notes"):
            item: Any = read(ITEM)
            box = getattr(item, item.places[name])
            Vandal((box.L if name == "tags" else box.M).clear)
            gc.set_threshold(1)
            record = CODEC.decode(item)
            assert record.id == "s1"
            assert set(getattr(record, name)) <= {"a", "b", "x", "y"}
    finally:
        gc.set_threshold(*thresholds)
    gc.collect()


def test_keys_of_typed_items_without_c():
    """
    Columns of getters do the same.
    """
    with patch.object(typed, "key_texts", None):
        reader = typed.ItemReader(CODEC.reader.item_type)
        find = reader.texts(("id",))
    assert find is not None
    assert find([read(ITEM), read({"id": {"S": "b"}})]) == [("s1",), ("b",)]
    with pytest.raises(AttributeError):
        find([read({"visits": {"N": "1"}})])
    assert CODEC.reader.texts(("visits",)) is None


with patch.multiple(making, RecordMaker=None, ItemMaker=None):
    WITHOUT_C = RecordCodec(Shop)
    assert None not in (WITHOUT_C.decode, WITHOUT_C.decode_page, WITHOUT_C.encode_typed)  # made now
