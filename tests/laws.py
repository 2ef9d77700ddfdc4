"""The laws of records and items: what must hold for every record of every class.

Each law takes a generated class and a source of choices, and raises AssertionError.
``LAWS`` lists them; the tests and ``tools/round_trip.py`` run the same ones.
"""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from itertools import takewhile
from random import Random
from typing import Any
from unittest.mock import patch
from weakref import WeakKeyDictionary

import attrs
import msgspec

from dynamo_objects.codec import making
from dynamo_objects.codec.records import RecordCodec
from dynamo_objects.codec.values import Invalid
from dynamo_objects.operations.base import read_item
from dynamo_objects.operations.search import Scan
from dynamo_objects.record import DynamoRecord, codec_of

from .leaves import canonical
from .strategies import ClassSpec, importable, wire_value

__all__ = ["LAWS", "same"]

Law = Callable[[ClassSpec, Random], None]


def same(expected: Any, actual: Any) -> bool:
    """Tell whether two values are equal, of equal types all the way down; times in UTC."""
    if type(expected) is not type(actual):
        return isinstance(expected, str) and type(expected) is str is type(actual)
    if isinstance(expected, datetime):
        return actual.tzinfo is UTC and expected.astimezone(UTC) == actual
    if isinstance(expected, dict):
        return expected.keys() == actual.keys() and all(same(expected[n], actual[n]) for n in expected)
    if isinstance(expected, list | tuple):
        return len(expected) == len(actual) and all(map(same, expected, actual))
    if isinstance(expected, set | frozenset):
        types = ({type(member) for member in members} for members in (expected, actual))
        return canonical(expected) == canonical(actual) and next(types) == next(types)
    if attrs.has(type(expected)):
        names = [attribute.name for attribute in attrs.fields(type(expected))]
        return all(same(getattr(expected, name), getattr(actual, name)) for name in names)
    return bool(expected == actual)


def _codec(spec: ClassSpec) -> RecordCodec:
    return codec_of(spec.made)


def _loaded(spec: ClassSpec, rng: Random) -> Any:
    codec = _codec(spec)
    return _decoded(codec, codec.encode(spec.make(rng)), rng)


def _decoded(codec: RecordCodec, item: Any, rng: Random) -> Any:
    """Return the record of an item: of its attribute values, or parsed as from a reply."""
    if rng.random() < 0.5:
        return codec.decode(item)
    parsed = read_item(msgspec.json.encode({"Item": item}), codec.reader)
    assert parsed is not None
    return codec.decode(parsed)


def round_trip(spec: ClassSpec, rng: Random) -> None:
    """decode(encode(record)) is the record; it is clean, and encodes to the same item."""
    codec, record = _codec(spec), spec.make(rng)
    item = codec.encode(record)
    loaded = codec.decode(item)
    assert same(record, loaded), (record, loaded)
    assert not codec.is_dirty(loaded), codec.changes(loaded)
    assert [] == codec.changes(loaded)
    assert item == codec.encode(loaded)
    assert all(len(value) == 1 for value in item.values())


def unknown_survives(spec: ClassSpec, rng: Random) -> None:
    """Attributes that the class does not know are kept through load, change and encode."""
    codec = _codec(spec)
    item = codec.encode(spec.make(rng))
    unknown = {f"unknown {n}": wire_value(rng) for n in range(rng.randint(1, 3))}
    loaded = codec.decode({**item, **unknown})
    assert not codec.is_dirty(loaded)
    assert {**item, **unknown} == codec.encode(loaded)
    spec.mutate(rng, loaded)
    assert unknown == {name: codec.encode(loaded)[name] for name in unknown}


def foreign_spelling_is_clean(spec: ClassSpec, rng: Random) -> None:
    """A record is clean after a load, however its numbers and times are written."""
    codec, record = _codec(spec), spec.make(rng)
    item = spec.respell(rng, codec.encode(record))
    loaded = codec.decode(item)
    assert same(record, loaded), (record, item, loaded)
    assert not codec.is_dirty(loaded), (item, codec.changes(loaded))
    assert item is loaded._item


def one_change_is_named(spec: ClassSpec, rng: Random) -> None:
    """A field with another value makes the record dirty; changes() names it, and no other."""
    codec = _codec(spec)
    item = spec.respell(rng, codec.encode(spec.make(rng)))
    loaded = _decoded(codec, item, rng)
    field = rng.choice(spec.fields)
    value = field.kind.make(rng)
    is_changed = canonical(value) != canonical(getattr(loaded, field.name))
    changed = loaded.evolve(**{field.name: value})
    if not type(loaded).__dynamo_frozen__:
        setattr(loaded, field.name, value)
        assert codec.changes(loaded) == codec.changes(changed)
        changed = loaded
    changes = codec.changes(changed)
    assert codec.is_dirty(changed) == is_changed, (value, changes)
    assert [field.wire] * is_changed == [change.wire for change in changes]
    for change in changes:
        assert change.old == item.get(field.wire)
        assert change.new == codec.encode(changed).get(field.wire)


def change_in_place_counts(spec: ClassSpec, rng: Random) -> None:
    """A container that was changed in place, however deep, makes the record dirty."""
    codec, loaded = _codec(spec), _loaded(spec, rng)
    fields = [field for field in spec.fields if field.kind.mutate is not None]
    for field in fields:
        before = canonical(getattr(loaded, field.name))
        assert field.kind.mutate is not None
        field.kind.mutate(rng, getattr(loaded, field.name))
        is_changed = before != canonical(getattr(loaded, field.name))
        names = [change.wire for change in codec.changes(loaded)]
        assert is_changed == (field.wire in names), (field.name, before, getattr(loaded, field.name))


def copies_remember(spec: ClassSpec, rng: Random) -> None:
    """copy, deepcopy and pickle keep what a record was loaded as, and whether it is dirty."""
    codec, loaded = _codec(spec), _loaded(spec, rng)
    spec.mutate(rng, loaded)
    is_dirty = codec.is_dirty(loaded)
    with importable(spec):
        pickled = pickle.loads(pickle.dumps(loaded))
    for other in (copy.copy(loaded), copy.deepcopy(loaded), pickled):
        assert same(_in_utc(loaded), _in_utc(other))
        assert loaded._item == other._item
        assert is_dirty == codec.is_dirty(other)
        assert codec.changes(loaded) == codec.changes(other)


def _in_utc(record: Any) -> Any:
    """Return a record as it would be loaded."""
    codec = codec_of(type(record))
    return codec.decode(codec.encode(record))


def partial_reads_the_same(spec: ClassSpec, rng: Random) -> None:
    """A partial record has the values of a whole one, and is clean."""
    codec = _codec(spec)
    item = codec.encode(spec.make(rng))
    read = [field for field in spec.fields if rng.random() < 0.6]
    whole = codec.decode(item)
    partial = codec.decode_partial(
        {field.wire: item[field.wire] for field in read if field.wire in item}, {field.name for field in read}
    )
    assert all(same(getattr(whole, field.name), getattr(partial, field.name)) for field in read)
    assert not codec.is_dirty(partial)


def missing_attribute_is_its_default(spec: ClassSpec, rng: Random) -> None:
    """An item that lacks attributes with literal defaults loads as a new record with them, and is clean."""
    codec = _codec(spec)
    required = {field.name: field.kind.make(rng) for field in spec.fields if field.is_required}
    record = spec.made(**copy.deepcopy(required))
    gone = {field.wire for field in spec.fields if field.is_literal and rng.random() < 0.7}
    loaded = codec.decode({wire: value for wire, value in codec.encode(record).items() if wire not in gone})
    assert canonical(record) == canonical(loaded), (record, loaded)
    assert not codec.is_dirty(loaded)
    for field in spec.fields:
        if field.kind.mutate is not None:
            field.kind.mutate(rng, getattr(loaded, field.name))
    assert canonical(record) == canonical(spec.made(**required)), "the default was changed through a record"


def parsed_reads_the_same(spec: ClassSpec, rng: Random) -> None:
    """An item parsed from a reply makes the record, or the problems, that its attribute values make."""
    codec = _codec(spec)
    item = spec.respell(rng, codec.encode(spec.make(rng)))
    _spoil(item, rng)
    body = msgspec.json.encode({"Item": item})
    parsed = read_item(body, codec.reader)
    assert parsed is not None
    assert item == parsed
    assert parsed == item
    assert len(item) == len(parsed)
    assert item.keys() == parsed.keys()
    assert dict(item.items()) == dict(parsed.items())
    for name in (*item, "no such attribute"):
        assert item.get(name) == parsed.get(name)
        assert (name in item) is (name in parsed)
    expected, loaded = _outcome(codec.decode, item), _outcome(codec.decode, parsed)
    if isinstance(expected, set):
        assert expected == loaded, item
        return
    assert canonical(expected) == canonical(loaded), (expected, loaded)
    assert not codec.is_dirty(loaded), item
    assert codec.encode(expected) == codec.encode(loaded)
    seed = rng.random()
    for record in (expected, loaded):
        spec.mutate(Random(seed), record)
    assert _outcome(codec.changes, expected) == _outcome(codec.changes, loaded)
    copied = copy.deepcopy(loaded)
    assert item == copied._item == loaded._item
    assert type(loaded._item) is dict
    assert codec.is_dirty(copied) is codec.is_dirty(loaded)


def typed_encodes_the_same(spec: ClassSpec, rng: Random) -> None:
    """A typed item, where one is made of a record, is the item of its attribute values, and the same JSON."""
    codec, record = _codec(spec), spec.make(rng)
    encoded, item = codec.encode_typed(record), codec.encode(record)
    if encoded is not None:
        typed, loaded = encoded
        assert item == typed
        assert item == msgspec.json.decode(msgspec.json.encode(typed))
        assert codec.loaded_values(record) == loaded


def pages_read_the_same(spec: ClassSpec, rng: Random) -> None:
    """The items of a page make the records, up to the first bad one, that each of them makes by itself."""
    codec = _codec(spec)
    items = [spec.respell(rng, codec.encode(spec.make(rng))) for _ in range(rng.randrange(6))]
    if items and rng.random() < 0.5:
        _spoil(rng.choice(items), rng)
    body = msgspec.json.encode({"Count": len(items), "ScannedCount": len(items), "Items": items})
    found: list[Any] = []
    refused: list[Any] = []

    def refuse(item: Any, invalid: Invalid) -> Exception:
        refused.append({str(problem) for problem in invalid.problems})
        return invalid

    page = Scan(table="t", reader=codec.reader).parse(body)
    with suppress(Invalid):
        found.extend(codec.decode_page(page.items, "t", refuse))
    expected = [_outcome(codec.decode, item) for item in items]
    good = list(takewhile(lambda one: not isinstance(one, set), expected))
    assert expected[len(good) : len(good) + 1] == refused
    assert canonical(good) == canonical(found)
    seed = rng.random()
    for item, one, other in zip(items, good, found, strict=False):
        assert not codec.is_dirty(other)
        assert codec.encode(one) == codec.encode(other)
        for record in (one, other):
            spec.mutate(Random(seed), record)
        assert _outcome(codec.changes, one) == _outcome(codec.changes, other)
        assert item == other._item
        assert other._home == "t"


def c_makes_the_same(spec: ClassSpec, rng: Random) -> None:
    """What C makes of items and records, where it was compiled, Python makes too: problems, and what is kept."""
    codec, python = _codec(spec), _in_python(spec.made)
    record = spec.make(rng)
    assert _told(codec.encode_typed(record)) == _told(python.encode_typed(record))
    items = [spec.respell(rng, codec.encode(spec.make(rng))) for _ in range(rng.randint(1, 3))]
    if rng.random() < 0.3:
        _spoil(rng.choice(items), rng)
    bodies = [msgspec.json.encode({"Item": item}) for item in items]
    page = msgspec.json.encode({"Count": len(items), "ScannedCount": len(items), "Items": items})
    results = []
    for c in (codec, python):
        records = [_outcome(c.decode, read_item(body, c.reader)) for body in bodies]
        found: list[Any] = []
        with suppress(Invalid):
            found.extend(c.decode_page(Scan(table="t", reader=c.reader).parse(page).items, "t", _as_it_is))
        results.append(_told([records, found]))
    assert results[0] == results[1]


def _as_it_is(_: Any, invalid: Invalid) -> Exception:
    return invalid


def _told(value: Any) -> Any:
    """Return all that a record or typed item holds, with the types, as something to compare."""
    if isinstance(value, list | tuple):
        return type(value).__name__, [_told(member) for member in value]
    if isinstance(value, set | frozenset):
        return type(value).__name__, {str(_told(member)) for member in value}
    if isinstance(value, dict):
        return type(value).__name__, [(_told(name), _told(held)) for name, held in value.items()]
    if isinstance(value, DynamoRecord):
        internal = [getattr(value, name, "none") for name in ("_stored", "_loaded", "_home")]
        return type(value).__name__, _told(value._values()), _told(internal)
    if isinstance(value, msgspec.Struct):
        members = value.__struct_fields__
        return type(value).__name__, [
            _told(getattr(value, member)) for member in members if member != "guard"
        ]
    if attrs.has(type(value)):
        return type(value).__name__, [_told(getattr(value, a.name)) for a in attrs.fields(type(value))]
    return type(value).__name__, repr(value)


_python_codecs: WeakKeyDictionary[type, RecordCodec] = WeakKeyDictionary()


def _in_python(record_class: type) -> RecordCodec:
    """Return another codec of a class, one that uses no C."""
    codec = _python_codecs.get(record_class)
    if codec is None:
        codec = _python_codecs[record_class] = RecordCodec(record_class)
        with patch.multiple(making, RecordMaker=None, ItemMaker=None):
            assert None not in (codec.decode, codec.decode_page, codec.encode_typed)  # made now
    return codec


def _outcome(call: Callable[[Any], Any], record: Any) -> Any:
    try:
        return call(record)
    except Invalid as invalid:
        return {str(problem) for problem in invalid.problems}


def _spoil(item: dict[str, Any], rng: Random) -> None:
    """Change something about an item, sometimes."""
    name = rng.choice([*item, "other"])
    match rng.randrange(8):
        case 0:
            item.pop(name, None)
        case 1:
            item[name] = {"NULL": True}
        case 2:
            item[name] = wire_value(rng)
        case 3 if name in item:
            item[name] = {**item[name], "S" if "S" not in item[name] else "N": "1"}
        case 4:
            item[name] = rng.choice(
                [{"N": text} for text in ("NaN", "1_0", "٣", "1e999", "", "-", "1-2", " 1")]
            )
        case 5:
            item[name] = rng.choice(
                [{}, {"S": 1}, {"N": 1}, {"BOOL": "true"}, {"BOOL": 1}, {"L": {}}, {"M": []}]
            )


LAWS: tuple[Law, ...] = (
    round_trip,
    unknown_survives,
    foreign_spelling_is_clean,
    one_change_is_named,
    change_in_place_counts,
    copies_remember,
    partial_reads_the_same,
    missing_attribute_is_its_default,
    parsed_reads_the_same,
    typed_encodes_the_same,
    pages_read_the_same,
    c_makes_the_same,
)
