"""Writes the encode and decode functions of a record class.

A loop over the fields spends most of its time on calls and look-ups. These functions do
the same field by field with the common types in place, which is about twice as fast.
Their text is made of generated names and of field names that are checked identifiers;
everything else (attribute names, codecs, defaults) is passed in as a constant.
"""

from __future__ import annotations

import keyword
from collections.abc import Callable, Sequence
from typing import Any

from .codec import Source, decode_source, encode_source
from .fields import FieldCodec
from .values import Item

__all__ = ["compile_decoder", "compile_encoder"]


def compile_encoder(fields: Sequence[FieldCodec]) -> Callable[[Any], Item]:
    """Return a function from a record to its item, without attributes unknown to the class.

    It raises Invalid for the first bad value, not for all.
    """
    source = Source()
    lines = ["item = {}"]
    for field in fields:
        value = source.variable()
        lines.append(f"{value} = record.{_checked(field.name)}")
        condition = _is_stored(field, source, value)
        store = f"item[{source.constant(field.wire)}] = {encode_source(field.codec, source, value)}"
        lines.append(f"if {condition}: {store}" if condition else store)
    lines.append("return item")
    return _compile("encode", "record", lines, source)


def _is_stored(field: FieldCodec, source: Source, value: str) -> str:
    if field.left_out is None:
        return ""
    if field.left_out is type(None):
        return f"{value} is not None"
    return f"{value} or type({value}) is not {source.constant(field.left_out)}"


def compile_decoder(
    record_class: type, fields: Sequence[FieldCodec], scalars: Sequence[FieldCodec]
) -> Callable[[Item], Any]:
    """Return a function from an item to a record that remembers it.

    It raises Invalid, or whatever bad values lead to, for the first bad value.
    """
    source = Source()
    new, owner = source.constant(object.__new__), source.constant(record_class)
    lines = ["get = item.get"]
    held: dict[str, str] = {}
    for field in fields:
        raw, value = source.variable(), source.variable()
        held[field.name] = value
        lines.append(f"{raw} = get({source.constant(field.wire)})")
        decoded = decode_source(field.codec, source, raw)
        lines.append(f"{value} = {_when_missing(field, source)} if {raw} is None else ({decoded})")
    lines.append(f"record = {new}({owner})")
    for field in fields:
        setter = source.constant(getattr(record_class, field.name).__set__)
        lines.append(f"{setter}(record, {held[field.name]})")
    for slot, value in (
        ("_item", "item"),
        ("_loaded", "(" + "".join(f"{held[field.name]}, " for field in scalars) + ")"),
    ):
        lines.append(f"{source.constant(getattr(record_class, slot).__set__)}(record, {value})")
    lines.append("return record")
    return _compile("decode", "item", lines, source)


def _when_missing(field: FieldCodec, source: Source) -> str:
    if field.has_literal and field.factory is None:
        return source.constant(field.literal)
    return f"{source.constant(field.when_missing)}()"


def _checked(name: str) -> str:
    if not name.isidentifier() or keyword.iskeyword(name):
        raise TypeError(f"{name!r} is not a field name")
    return name


def _compile(name: str, parameter: str, lines: Sequence[str], source: Source) -> Callable[[Any], Any]:
    constants = "".join(f", {constant}={constant}" for constant in source.constants)
    body = "\n    ".join(lines)
    text = f"def {name}({parameter}{constants}):\n    {body}\n"
    namespace = dict(source.constants)
    exec(compile(text, f"<dynamo_objects {name}>", "exec"), namespace)  # noqa: S102
    function: Callable[[Any], Any] = namespace[name]
    return function
