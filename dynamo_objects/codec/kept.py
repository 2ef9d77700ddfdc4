"""Kept items: what a record remembers of the item that it was loaded from, in little memory.

A typed item has a small object for each attribute. Most of them hold just what the record
holds too: texts and flags are the same objects. So a kept item has these alone, of numbers
and the like the text and the value, of lists and maps of texts a copy, and of other containers
the typed values.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from operator import attrgetter
from typing import Any, ClassVar, Literal, TypeAlias, cast

import msgspec

from .codec import Source
from .fields import FieldCodec
from .generating import compiled, indented
from .scalars import BOOL, INT, STR
from .typed import Binary, Boolean, Number, Text, TypedItem
from .values import AttributeValue

__all__ = [
    "KEPT",
    "NOT_FOR_WRITING",
    "KeptItem",
    "contents",
    "in_place",
    "keeps",
    "kept_item",
    "loaded_values",
    "spelt_otherwise",
    "way_of",
]

#: Stands in ``_loaded`` for the values in a kept item.
KEPT: tuple[Any, ...] = ("kept",)

#: How an attribute is kept: the very value of the field, the whole number, the text and the value,
#: a tuple or dict of texts, or as it was parsed.
Way: TypeAlias = Literal["same", "number", "text", "list", "dict", "whole"]

_TAGS = {Text: "S", Number: "N", Binary: "B", Boolean: "BOOL"}
_CONTAINER_TAGS: dict[Way, str] = {"list": "L", "dict": "M"}

#: No encoder knows it: a kept item that is to be written by mistake is an error.
NOT_FOR_WRITING = object()


class KeptItem(TypedItem, frozen=True, gc=False, eq=False):
    """What is kept of a complete item; as a mapping it holds attribute values like any other.

    The members are ``k0``, ``k1`` ... in the order of the fields, and ``v5``, say, where
    value and text differ.
    """

    #: Attribute -> tag of its values; None where they are kept whole.
    tags: ClassVar[Mapping[str, str | None]] = {}
    #: The values of the immutable fields, as ``Differences.loaded_values`` orders them.
    values_of: ClassVar[Any] = None

    guard: Any

    def __getitem__(self, wire: str) -> AttributeValue:
        tag = self.tags[wire]
        content = getattr(self, self.places[wire])
        if tag is None:
            plain: AttributeValue = msgspec.to_builtins(content)
            return plain
        if tag == "L":
            return {tag: [{"S": text} for text in content]}
        if tag == "M":
            return {tag: {name: {"S": text} for name, text in content.items()}}
        return {tag: f"{content}" if type(content) is int else content}

    def __iter__(self) -> Iterator[str]:
        return iter(self.tags)

    def __len__(self) -> int:
        return len(self.tags)

    def __contains__(self, wire: object) -> bool:
        return wire in self.tags

    def plain(self) -> dict[str, AttributeValue]:
        """Return it as a dict of attribute values."""
        return {wire: self[wire] for wire in self.tags}

    def has_texts(self, wire: str, value: Any) -> bool:
        """Tell whether a list or dict has the texts of this attribute; False also where that is not known."""
        tag = self.tags[wire]
        if tag == "L":
            return type(value) is list and tuple(value) == getattr(self, self.places[wire])
        return tag == "M" and type(value) is dict and value == getattr(self, self.places[wire])


def loaded_values(record: Any) -> tuple[Any, ...] | None:
    """Return what the immutable fields of a record were loaded as; None where that is not known."""
    loaded: tuple[Any, ...] | None = record._loaded
    return record._stored.values_of(record._stored) if loaded is KEPT else loaded


def way_of(field: FieldCodec) -> Way:
    """Return how the attribute of a field is kept."""
    if field.codec is STR or field.codec is BOOL:
        return "same"
    if field.codec is INT:
        return "number"
    typed = field.codec.typed
    if typed is None:
        return "whole"
    if field.codec.is_scalar:
        return "text" if typed.kind in _TAGS else "whole"
    if field.codec.element is STR and field.codec.types in ((list,), (dict,)):
        return "list" if field.codec.types == (list,) else "dict"
    return "whole"


def keeps(fields: Sequence[FieldCodec]) -> bool:
    """Tell whether the items of a class can be kept so: all immutable values are scalars of one tag."""
    return all(way_of(field) != "whole" or not field.codec.is_scalar for field in fields)


def kept_item(name: str, fields: Sequence[FieldCodec], scalars: Sequence[FieldCodec]) -> type[KeptItem]:
    """Return the type of the kept items of a record class, whose members are as `contents` says.

    Args:
        name: Of the class.
        fields: All its fields.
        scalars: The immutable ones.
    """
    ways = {field.wire: way_of(field) for field in fields}
    members = ["guard", *(f"k{n}" for n in range(len(fields)))]
    members += [f"v{n}" for n, field in enumerate(fields) if ways[field.wire] == "text"]
    numbers = {field.name: n for n, field in enumerate(fields)}
    values = [f"{'v' if ways[f.wire] == 'text' else 'k'}{numbers[f.name]}" for f in scalars]
    source = Source()
    values_of = compiled("values", "item", [f"return ({''.join(f'item.{v}, ' for v in values)})"], source)
    getter = staticmethod(attrgetter(*values) if len(values) > 1 else values_of)
    tags = {field.wire: _tag(field) for field in fields}
    kind = msgspec.defstruct(
        f"{name}Kept",
        [(member, Any) for member in members[1:]],
        bases=(KeptItem,),
        namespace={
            "places": {field.wire: f"k{n}" for n, field in enumerate(fields)},
            "tags": tags,
            "values_of": getter,
        },
        frozen=True,
        gc=False,
        eq=False,
    )
    return cast(type[KeptItem], kind)


def _tag(field: FieldCodec) -> str | None:
    way = way_of(field)
    if way == "whole" or field.codec.typed is None:
        return None
    return _CONTAINER_TAGS.get(way) or _TAGS[field.codec.typed.kind]


def in_place(field: FieldCodec, held: str, source: Source) -> list[str]:
    """Return the lines that put texts in the place of typed values, in a list or map that is nobody's from then on.

    They raise nothing: msgspec has looked at all members. There are none for fields that are kept in other ways.

    Args:
        held: The variable of the content, and of the value afterwards.
    """
    way, member, place = way_of(field), source.variable(), source.variable()
    if way == "list":
        lines = [f"{held}[{place}] = {member}.S", f"{place} += 1"]
        return [f"{place} = 0", f"for {member} in {held}:", *indented(lines)]
    if way == "dict":
        return [f"for {place}, {member} in {held}.items(): {held}[{place}] = {member}.S"]
    return []


def contents(
    kind: type[KeptItem],
    fields: Sequence[FieldCodec],
    held: Mapping[str, str],
    places: Mapping[str, str],
    texts: Mapping[str, str],
    source: Source,
) -> str:
    """Return the expression that makes a kept item.

    Args:
        held: Field -> variable of its value.
        places: Attribute -> member of the typed item, which is called ``item``.
        texts: Field -> variable of its text, where there is one.
    """
    kept, values = [source.constant(NOT_FOR_WRITING)], []
    for field in fields:
        place, way = f"item.{places[field.wire]}", way_of(field)
        if way in ("same", "number"):
            kept.append(held[field.name])
        elif way == "text":
            kept.append(texts.get(field.name) or f"{place}.{kind.tags[field.wire]}")
            values.append(held[field.name])
        elif way == "list":
            kept.append(f"tuple({held[field.name]})")
        elif way == "dict":
            kept.append(f"{held[field.name]}.copy()")
        else:
            kept.append(place)
    return f"{source.constant(kind)}({', '.join([*kept, *values])})"


def spelt_otherwise(fields: Sequence[FieldCodec], held: Mapping[str, str], places: Mapping[str, str]) -> str:
    """Return the condition that one of these whole numbers is not spelt as we would, and must be kept as it is."""
    tests = [f"f'{{{held[f.name]}}}' != item.{places[f.wire]}.N" for f in fields if way_of(f) == "number"]
    return " or ".join(tests)
