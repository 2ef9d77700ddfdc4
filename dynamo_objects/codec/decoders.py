"""Writes the functions that make the records of a class; see ``generating``.

All take an item and the name of its table, if that is known. There are four: for items of attribute values and for typed items, and of each kind one for
items that have every attribute, which need no look for missing ones, and one for the others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from .codec import Source, decode_source
from .fields import FieldCodec
from .generating import checked, compiled, explained, indented, marker
from .kept import KEPT, KeptItem, contents, spelt_otherwise
from .typed import TypedItem

__all__ = ["compile_decoder", "compile_typed_decoder"]

#: Stands for an attribute that an item does not have; JSON's null is no attribute value.
_MISSING = object()


def compile_decoder(
    record_class: type, fields: Sequence[FieldCodec], scalars: Sequence[FieldCodec]
) -> Callable[..., Any]:
    """Return a function from an item to a record that remembers it.

    It raises Invalid with all problems.
    """
    source = Source()
    building = _Building(record_class, fields, scalars, source)
    raws = {field.name: source.variable() for field in fields}
    lines = [f"{raws[field.name]} = item[{source.constant(field.wire)}]" for field in fields]
    if lines:
        sparse = source.constant(_compile_sparse_decoder(record_class, fields, scalars))
        lines = ["try:", *indented(lines), f"except KeyError: return {sparse}(item, home)"]
    values = {field.name: decode_source(field.codec, source, raws[field.name]) for field in fields}
    lines += _explained(fields, building.values(values), source)
    return compiled("decode", "item, home=None", [*lines, *building.record()], source)


def _compile_sparse_decoder(
    record_class: type, fields: Sequence[FieldCodec], scalars: Sequence[FieldCodec]
) -> Callable[..., Any]:
    source = Source()
    building = _Building(record_class, fields, scalars, source)
    missing = source.constant(_MISSING)
    lines, values = [], {}
    for field in fields:
        raw = source.variable()
        lines.append(f"{raw} = item.get({source.constant(field.wire)}, {missing})")
        decoded = decode_source(field.codec, source, raw)
        values[field.name] = f"{_when_missing(field, source)} if {raw} is {missing} else ({decoded})"
    lines += _explained(fields, building.values(values), source)
    return compiled("decode", "item, home=None", [*lines, *building.record()], source)


def compile_typed_decoder(
    record_class: type,
    fields: Sequence[FieldCodec],
    scalars: Sequence[FieldCodec],
    kind: type[TypedItem],
    decode: Callable[..., Any],
    kept: type[KeptItem] | None,
) -> Callable[..., Any]:
    """Return a function from an item, typed or not, to a record that remembers it.

    Args:
        kind: The type of typed items.
        kept: The type of what is kept of them; None: they are kept whole.
        decode: Takes over where anything is wrong, and raises Invalid with all problems.
    """
    source, places = Source(), kind.places
    building = _Building(record_class, fields, scalars, source)
    sparse = source.constant(_compile_sparse_typed_decoder(record_class, fields, scalars, places, decode))
    lines, values = [], {}
    for field in fields:
        place = f"item.{places[field.wire]}"
        if field.codec.typed is None:
            lines.append(f"if {place} is {source.constant(msgspec.UNSET)}: return {sparse}(item, home)")
        values[field.name] = _typed_source(field, source, place)
    lines = [
        f"if type(item) is not {source.constant(kind)}: return {source.constant(decode)}(item, home)",
        "try:",
        *indented([*lines, *building.values(values)]),
        f"except AttributeError: return {sparse}(item, home)",  # what is unset has no content
        f"except Exception: return {source.constant(decode)}(item, home)",
    ]
    if kept is None:
        return compiled("decode", "item, home=None", [*lines, *building.record()], source)
    made = contents(kept, fields, building.held, places, source)
    if odd := spelt_otherwise(fields, building.held, places):
        lines.append(f"if {odd}: return {sparse}(item, home)")
    return compiled("decode", "item, home=None", [*lines, *building.record(made)], source)


def _compile_sparse_typed_decoder(
    record_class: type,
    fields: Sequence[FieldCodec],
    scalars: Sequence[FieldCodec],
    places: Mapping[str, str],
    decode: Callable[..., Any],
) -> Callable[..., Any]:
    source = Source()
    building = _Building(record_class, fields, scalars, source)
    unset = source.constant(msgspec.UNSET)
    values = {}
    for field in fields:
        place = f"item.{places[field.wire]}"
        decoded = _typed_source(field, source, place)
        values[field.name] = f"{_when_missing(field, source)} if {place} is {unset} else ({decoded})"
    lines = [
        "try:",
        *indented(building.values(values)),
        f"except Exception: return {source.constant(decode)}(item, home)",
    ]
    return compiled("decode", "item, home=None", [*lines, *building.record()], source)


def _typed_source(field: FieldCodec, source: Source, place: str) -> str:
    if field.codec.typed is None:
        return f"{source.constant(field.codec.decode)}({place})"
    return field.codec.typed.decode(source, place)


def _when_missing(field: FieldCodec, source: Source) -> str:
    if field.has_literal and field.factory is None:
        return source.constant(field.literal)
    return f"{source.constant(field.when_missing)}()"


def _explained(fields: Sequence[FieldCodec], lines: Sequence[str], source: Source) -> list[str]:
    caught = "Invalid, KeyError, TypeError, AttributeError, ArithmeticError"
    return explained(fields, lines, caught, lambda field, item: (field.read, item), "item", source)


class _Building:
    """The lines that make a record.

    The guard of records against misspelt names makes every assignment a call. So the
    record begins its life in a subclass without the guard, and changes class at the end.
    """

    def __init__(
        self,
        record_class: type,
        fields: Sequence[FieldCodec],
        scalars: Sequence[FieldCodec],
        source: Source,
    ) -> None:
        self._record_class = record_class
        self._fields = fields
        self._scalars = scalars
        self._source = source
        self.held = {field.name: source.variable() for field in fields}

    def values(self, sources: Mapping[str, str]) -> list[str]:
        """Return the lines that decode the fields, each by its expression."""
        lines = []
        for place, field in enumerate(self._fields):
            lines += [*marker(self._fields, place), f"{self.held[field.name]} = {sources[field.name]}"]
        return lines or ["pass"]

    def record(self, kept: str = "") -> list[str]:
        """Return the lines that return the record of the decoded values.

        Args:
            kept: The expression of the kept item; left out: the item itself is kept.
        """
        loaded = f"({''.join(f'{self.held[field.name]}, ' for field in self._scalars)})"
        new, loader = (
            self._source.constant(object.__new__),
            self._source.constant(_loader(self._record_class)),
        )
        return [
            f"record = {new}({loader})",
            *(f"record.{checked(name)} = {value}" for name, value in self.held.items()),
            f"record._stored = {kept or 'item'}",
            "if home is not None: record._home = home",
            f"record._loaded = {self._source.constant(KEPT) if kept else loaded}",
            f"record.__class__ = {self._source.constant(self._record_class)}",
            "return record",
        ]


#: Where the subclass stands on its class.
_LOADER = "__dynamo_loader__"


class _Unannounced:
    """Keeps a subclass from those who want to hear of subclasses."""

    __slots__ = ()

    @classmethod
    def __init_subclass__(cls, **keywords: Any) -> None:
        """Tell nobody."""


def _loader(record_class: type) -> type:
    """Return the subclass without guard; one for all functions of a class."""
    found: type | None = vars(record_class).get(_LOADER)
    if found is None:
        body = {
            "__slots__": (),
            "__setattr__": object.__setattr__,
            "__delattr__": object.__delattr__,
            "__doc__": "Records of the class while they are made.",
        }
        bases = (_Unannounced, record_class)
        found = type.__new__(type(record_class), f"_{record_class.__name__}Loader", bases, body)
        setattr(record_class, _LOADER, found)
    return found
