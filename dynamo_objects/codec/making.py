"""Records and typed items made in C, where ``_speedups`` was compiled: how its makers are told what to do.

They make the same as the functions of ``decoders`` and ``typed_encoders``, which stay in charge where it was not
compiled, and for whatever is unusual.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from .codec import Source
from .decoders import PageDecoder, Refuse, one_or_refused
from .fields import FieldCodec
from .generating import compiled
from .kept import KEPT, NOT_FOR_WRITING, KeptItem, way_of
from .numbers import exact_decimal
from .options import MAX_NAME_BYTES
from .scalars import BOOL, DECIMAL
from .speedups import ItemMaker, RecordMaker
from .typed import Boolean, Text, TypedItem
from .typed_encoders import TypedEncoder, box_code
from .values import Item

__all__ = ["WAYS", "item_maker", "page_maker", "record_maker"]

#: How fields are read and kept, as C numbers them; the names are those of ``kept``, and decimal.
WAYS = ("same", "number", "decimal", "text", "list", "dict", "whole")


def record_maker(
    record_class: type,
    fields: Sequence[FieldCodec],
    scalars: Sequence[FieldCodec],
    kind: type[TypedItem],
    decode: Callable[..., Any],
    kept: type[KeptItem] | None,
) -> Callable[..., Any]:
    """Return what does as *decode*, in C where that is possible.

    Args:
        kind: The type of typed items.
        decode: Takes an item, and the name of its table or None, and returns the record.
        kept: The type of what is kept of items.
    """
    if RecordMaker is None or kept is None or getattr(record_class, "__abstractmethods__", None):
        return decode
    slots = tuple(_slot(record_class, name) for name in ("_stored", "_loaded", "_home"))
    plans = tuple(_reading(record_class, field, field in scalars, kind) for field in fields)
    constants = (kept, NOT_FOR_WRITING, KEPT, msgspec.UNSET)
    try:
        return RecordMaker(record_class, kind, *constants, decode, slots, plans)
    except TypeError:  # a field without a slot
        return decode


def page_maker(decode: Callable[..., Any]) -> PageDecoder | None:
    """Return what makes the records of a page, with a decoder that `record_maker` has returned; None if it cannot."""
    if RecordMaker is None or not isinstance(decode, RecordMaker):
        return None
    make, one = decode.page, one_or_refused(decode)

    def page(items: Sequence[Item], home: str, refuse: Refuse) -> Iterator[Any]:
        found, unusual = make(items if type(items) is list else list(items), home)
        return with_unusual(found, items, home, refuse) if unusual else iter(found)

    def with_unusual(found: list[Any], items: Sequence[Item], home: str, refuse: Refuse) -> Iterator[Any]:
        for record, item in zip(found, items, strict=True):
            yield one(item, home, refuse) if record is None else record

    return page


def item_maker(
    record_class: type,
    fields: Sequence[FieldCodec],
    scalars: Sequence[FieldCodec],
    kind: type[TypedItem],
    encode: TypedEncoder,
) -> TypedEncoder:
    """Return what does as *encode*, in C where that is possible.

    Args:
        kind: The type of the items, with a member for each field in their order.
        encode: From a record to its typed item and its immutable values, or to None.
    """
    reads: Any = record_class.__getattribute__
    if ItemMaker is None or reads is not object.__getattribute__:  # C looks into the slots
        return encode
    plans = tuple(_writing(record_class, field, field in scalars) for field in fields)
    flags = (Boolean(False), Boolean(True))
    max_name = MAX_NAME_BYTES // 4
    try:
        return ItemMaker(record_class, kind, msgspec.UNSET, flags, encode, max_name, plans)
    except TypeError:
        return encode


def _slot(owner: type, name: str) -> Any:
    """Return what stands for a name in a class; C refuses whatever is no slot."""
    return next((vars(base)[name] for base in owner.__mro__ if name in vars(base)), None)


def _way(field: FieldCodec) -> str:
    return "decimal" if field.codec is DECIMAL else way_of(field)


def _reading(
    record_class: type, field: FieldCodec, is_scalar: bool, kind: type[TypedItem]
) -> tuple[Any, ...]:
    """Return how a field is read, as ``read_field`` of records.c takes it."""
    typed, way = field.codec.typed, _way(field)
    box = content = member = text = None
    if way != "whole" and typed is not None:
        box = typed.kind
        content = _slot(box, box.__struct_fields__[0])
    if way in ("list", "dict"):
        member, text = Text, _slot(Text, "S")
    missing: Any = ...  # it must be there
    if field.has_literal:
        missing = field.literal if field.factory is None else field.factory
    return (
        WAYS.index(way),
        is_scalar,
        _slot(kind, kind.places[field.wire]),
        box,
        content,
        member,
        text,
        _slot(record_class, field.name),
        _from_box(field, way),
        missing,
        field.has_literal and field.factory is not None,
    )


def _from_box(field: FieldCodec, way: str) -> Callable[[Any], Any] | None:
    """Return the function from what was parsed to the value of a field; None where C needs none."""
    if way in ("same", "number", "list", "dict"):
        return None
    if way == "decimal":
        return exact_decimal
    if field.codec.typed is None:
        return field.codec.decode
    source = Source()
    return compiled("read", "value", [f"return {field.codec.typed.decode(source, 'value')}"], source)


def _writing(record_class: type, field: FieldCodec, is_scalar: bool) -> tuple[Any, ...]:
    """Return how a field is written, as ``read_field`` of items.c takes it."""
    typed, way = field.codec.typed, _way(field)
    return (
        WAYS.index(way),
        is_scalar,
        _slot(record_class, field.name),
        Decimal if way == "decimal" else None,
        field.left_out,
        None if typed is None or field.codec is BOOL else typed.kind,
        Text if way in ("list", "dict") else None,
        _to_box(field) if way in ("decimal", "text", "whole") else None,
    )


def _to_box(field: FieldCodec) -> Callable[[Any], Any]:
    """Return the function from the value of a field to what is written."""
    source = Source()
    code = box_code(field.codec, source, "value")
    return compiled("write", "value", [*code.lines, f"return {code.expression}"], source)
