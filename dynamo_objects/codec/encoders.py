"""Writes the function that encodes the records of a class; see ``generating``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .codec import Source, encode_code
from .fields import FieldCodec
from .generating import checked, compiled, explained, indented, marker, needs_markers

__all__ = ["compile_encoder"]


def compile_encoder(
    fields: Sequence[FieldCodec], add_unknown: Callable[[Any, dict[str, Any]], None] | None = None
) -> Callable[[Any], dict[str, Any]]:
    """Return a function from a record to its item; it raises Invalid with all problems.

    Args:
        add_unknown: Adds to the item of a record that was loaded what the class does not know.
    """
    source = Source()
    values = {field.name: source.variable() for field in fields}
    reading = [f"{values[field.name]} = record.{checked(field.name)}" for field in fields]
    lines = _one_by_one(fields, values, source)
    if fields and not needs_markers(fields):
        lines = _at_once(fields, values, source, lines)
    # TypeError: a key of a dict that is no text; ValueError: an int too long for a text.
    caught = "Invalid, TypeError, ValueError"
    lines = [*reading, *explained(fields, lines, caught, _conversion, "record", source)]
    if add_unknown is not None:
        lines.append(f"if record._stored is not None: {source.constant(add_unknown)}(record, item)")
    return compiled("encode", "record", [*lines, "return item"], source)


def _conversion(field: FieldCodec, record: Any) -> tuple[Callable[[Any], Any], Any]:
    return field.encode, getattr(record, field.name)


def _at_once(
    fields: Sequence[FieldCodec], values: Mapping[str, str], source: Source, one_by_one: Sequence[str]
) -> list[str]:
    """Return the lines that make the item whole, so that it need not grow, if nothing is left out."""
    lines: list[str] = []
    members = []
    for field in fields:
        code = encode_code(field.codec, source, values[field.name])
        lines += code.lines
        members.append(f"{source.constant(field.wire)}: {code.expression}")
    lines.append(f"item = {{{', '.join(members)}}}")
    there = [
        f"{values[field.name]} is not None" if field.left_out is type(None) else values[field.name]
        for field in fields
        if field.left_out is not None
    ]
    if not there:
        return lines
    return [f"if {' and '.join(there)}:", *indented(lines), "else:", *indented(one_by_one)]


def _one_by_one(fields: Sequence[FieldCodec], values: Mapping[str, str], source: Source) -> list[str]:
    lines = ["item = {}"]
    for place, field in enumerate(fields):
        value = values[field.name]
        code = encode_code(field.codec, source, value)
        store = [*code.lines, f"item[{source.constant(field.wire)}] = {code.expression}"]
        lines += marker(fields, place)
        if field.left_out is type(None):
            lines += [f"if {value} is not None:", *indented(store)]
        elif field.left_out is not None:
            condition = f"{value} or type({value}) is not {source.constant(field.left_out)}"
            lines += [f"if {condition}:", *indented(store)]
        else:
            lines += store
    return lines
