"""Writes the functions that make the records of a class; see ``generating``.

All take an item and the name of its table, if that is known. There are four: for items of attribute values and
for typed items, and of each kind one for items that have every attribute, which need no look for missing ones,
and one for the others. A fifth takes the typed items of a page, whose numbers it reads together.

The typed items of a page are used up: their lists and maps become those of the records. Others are not: records
remember some of them, and those are read again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import msgspec

from .codec import Source, decode_source
from .fields import FieldCodec
from .generating import checked, compiled, explained, indented, marker
from .kept import KEPT, KeptItem, contents, in_place, spelt_otherwise
from .typed import TypedItem
from .values import Invalid, Item

__all__ = [
    "PageDecoder",
    "Refuse",
    "compile_decoder",
    "compile_page_decoder",
    "compile_typed_decoder",
    "one_by_one",
    "one_or_refused",
]

#: From an item that cannot become a record, and what is wrong with it, to the error to raise.
Refuse: TypeAlias = Callable[[Item, Invalid], Exception]

#: From the items of a page, the name of their table, and what refuses an item, to the records.
PageDecoder: TypeAlias = Callable[[Sequence[Item], str, Refuse], Iterator[Any]]

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
    return compiled("decode", "item, home=None", [*lines, *building.record(), "return record"], source)


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
    return compiled("decode", "item, home=None", [*lines, *building.record(), "return record"], source)


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
    source = Source()
    building = _Building(record_class, fields, scalars, source)
    sparse = source.constant(
        _compile_sparse_typed_decoder(record_class, fields, scalars, kind.places, decode)
    )
    values = {field.name: _typed_source(field, source, f"item.{kind.places[field.wire]}") for field in fields}
    unset = source.constant(msgspec.UNSET)
    lines = [
        f"if item.{kind.places[field.wire]} is {unset}: return {sparse}(item, home)"
        for field in fields
        if field.codec.typed is None
    ]
    lines = [
        f"if type(item) is not {source.constant(kind)}: return {source.constant(decode)}(item, home)",
        "try:",
        *indented([*lines, *building.values(values)]),
        f"except AttributeError: return {sparse}(item, home)",  # what is unset has no content
        f"except Exception: return {source.constant(decode)}(item, home)",
    ]
    if kept is not None and (odd := spelt_otherwise(fields, building.held, kind.places)):
        lines.append(f"if {odd}: return {sparse}(item, home)")
    made = "" if kept is None else contents(kept, fields, building.held, kind.places, {}, source)
    return compiled("decode", "item, home=None", [*lines, *building.record(made), "return record"], source)


def compile_page_decoder(
    record_class: type,
    fields: Sequence[FieldCodec],
    scalars: Sequence[FieldCodec],
    kind: type[TypedItem],
    decode: Callable[..., Any],
    kept: type[KeptItem] | None,
) -> PageDecoder:
    """Return a generator function from items, all typed or none, to the records that remember them.

    Args:
        kind, kept: As for `compile_typed_decoder`.
        decode: The function for one item, which takes over where anything is unusual.
    """
    source = Source()
    building = _Building(record_class, fields, scalars, source)
    one, each = (source.constant(made(decode)) for made in (one_or_refused, one_by_one))
    # The numbers of one field, whole columns of them: their texts and their values.
    columns = {f.name: source.variable() for f in fields if f.codec.typed and f.codec.typed.together}
    texts = {name: source.variable() for name in columns}
    reading = []
    for field in fields:
        if field.name in columns and field.codec.typed:
            text, place = texts[field.name], kind.places[field.wire]
            together = source.constant(field.codec.typed.together)
            reading.append(f"{text} = [item.{place}.N for item in items]")
            reading.append(f"{columns[field.name]} = {together}({text})")
    values = {name: building.held[name] for name in columns}
    lines, last = _page_lines(fields, kind, kept, values, building, source)
    made = "" if kept is None else contents(kept, fields, building.held, kind.places, texts, source)
    lines = [
        "try:",
        f"    if type(items[0]) is not {source.constant(kind)}: raise TypeError",
        *indented(reading),
        "except Exception:",
        f"    yield from {each}(items, home, refuse)",
        "    return",
        f"for {_row(columns, texts, building.held)}:",
        "    try:",
        *indented(indented(lines)),
        "    except Exception:",
        f"        yield {one}(item, home, refuse)",
        "        continue",
        *indented([*last, *building.record(made, "record._home = home"), "yield record"]),
    ]
    page: PageDecoder = compiled("decode_page", "items, home, refuse", lines, source)
    return page


def _row(columns: Mapping[str, str], texts: Mapping[str, str], held: Mapping[str, str]) -> str:
    """Return the head of the loop over the items and their numbers."""
    if not columns:
        return "item in items"
    names = ", ".join(f"{texts[name]}, {held[name]}" for name in columns)
    rows = ", ".join(f"{texts[name]}, {column}" for name, column in columns.items())
    return f"item, {names} in zip(items, {rows}, strict=True)"


def _page_lines(
    fields: Sequence[FieldCodec],
    kind: type[TypedItem],
    kept: type[KeptItem] | None,
    known: Mapping[str, str],
    building: _Building,
    source: Source,
) -> tuple[list[str], list[str]]:
    """Return the lines that decode the fields of a typed item, and those that come when nothing can fail any more.

    Args:
        known: Field -> variable of those that are decoded already.
    """
    lines, values, last = [], {}, []
    for field in fields:
        place = f"item.{kind.places[field.wire]}"
        changing = [] if kept is None else in_place(field, building.held[field.name], source)
        if field.name in known:
            continue
        if field.codec.typed is None:
            lines.append(f"if {place} is {source.constant(msgspec.UNSET)}: raise AttributeError")
        if changing and field.codec.typed is not None:
            values[field.name] = f"{place}.{field.codec.typed.kind.__struct_fields__[0]}"
            last += changing
        else:
            values[field.name] = _typed_source(field, source, place)
    return [*lines, *building.values(values)], last


def one_by_one(decode: Callable[..., Any]) -> PageDecoder:
    """Return what makes the records of a page one after another."""
    one = one_or_refused(decode)

    def each(items: Sequence[Item], home: str, refuse: Refuse) -> Iterator[Any]:
        return (one(item, home, refuse) for item in items)

    return each


def one_or_refused(decode: Callable[..., Any]) -> Callable[[Item, str, Refuse], Any]:
    """Return what makes the record of one item of a page, or raises what *refuse* makes of its problems."""

    def one(item: Item, home: str, refuse: Refuse) -> Any:
        try:
            return decode(item, home)
        except Invalid as invalid:
            error = refuse(item, invalid)
        raise error

    return one


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
    return compiled("decode", "item, home=None", [*lines, *building.record(), "return record"], source)


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
            if field.name in sources:
                lines += [*marker(self._fields, place), f"{self.held[field.name]} = {sources[field.name]}"]
        return lines or ["pass"]

    def record(self, kept: str = "", at_home: str = "if home is not None: record._home = home") -> list[str]:
        """Return the lines that make the record of the decoded values.

        Args:
            kept: The expression of the kept item; left out: the item itself is kept.
            at_home: The line that tells it its table.
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
            at_home,
            f"record._loaded = {self._source.constant(KEPT) if kept else loaded}",
            f"record.__class__ = {self._source.constant(self._record_class)}",
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
