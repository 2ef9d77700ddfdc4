"""Writes the function that makes typed items of records; see ``generating`` and ``typed``.

Typed items need less memory than attribute values, are quicker to write as JSON, and do not
keep Python's garbage collector busy. The function is for records of which all is as usual:
of others it returns None, and whoever asked encodes attribute values, which finds all problems.
Of a text with a lone surrogate it knows nothing: writing the item as JSON fails then.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, NoReturn, TypeAlias

import msgspec

from . import numbers
from .codec import Code, Codec, Source
from .fields import FieldCodec
from .generating import checked, compiled, indented
from .options import MAX_NAME_BYTES
from .scalars import BOOL, DECIMAL, INT, STR
from .typed import Binary, Boolean, Number, Text, TypedItem

__all__ = ["TypedEncoder", "box_code", "compile_typed_encoder", "is_flat"]

#: From a record to its typed item, and to its immutable values in the order of ``Differences.loaded_values``.
TypedEncoder: TypeAlias = Callable[[Any], "tuple[TypedItem, tuple[Any, ...]] | None"]

_TAGS = {Text: "S", Number: "N", Binary: "B", Boolean: "BOOL"}


def _unusual(*_: Any) -> NoReturn:
    raise TypeError("another way knows how, or what is wrong")


def compile_typed_encoder(
    fields: Sequence[FieldCodec], scalars: Sequence[FieldCodec], kind: type[TypedItem]
) -> TypedEncoder:
    """Return the function from a record to its item and its immutable values, and to None where anything is unusual.

    Args:
        fields: In the order of the members of *kind*.
        scalars: The immutable ones.
        kind: The type of the items.
    """
    source = Source()
    values = {field.name: source.variable() for field in fields}
    reading = [f"{value} = record.{checked(name)}" for name, value in values.items()]
    lines, members = [], []
    unset = source.constant(msgspec.UNSET)
    for field in fields:
        value, member = values[field.name], source.variable()
        code = box_code(field.codec, source, value)
        store = [*code.lines, f"{member} = {code.expression}"]
        if field.left_out is type(None):
            lines += [f"if {value} is None: {member} = {unset}", "else:", *indented(store)]
        elif field.left_out is not None:
            empty = source.constant(field.left_out)
            lines += [
                f"if {value} or type({value}) is not {empty}:",
                *indented(store),
                f"else: {member} = {unset}",
            ]
        else:
            lines += store
        members.append(member)
    loaded = f"({''.join(f'{values[field.name]}, ' for field in scalars)})"
    lines.append(f"return {source.constant(kind)}({', '.join(members)}), {loaded}")
    body = [*reading, *_at_once(fields, values, kind, loaded, source), *lines]
    return compiled("encode", "record", ["try:", *indented(body), "except Exception: return None"], source)


def is_flat(codec: Codec) -> bool:
    """Tell whether values are scalars, or lists and maps of those."""
    return codec.is_scalar or codec.typed is None or (codec.element is not None and codec.element.is_scalar)


def _at_once(
    fields: Sequence[FieldCodec],
    values: Mapping[str, str],
    kind: type[TypedItem],
    loaded: str,
    source: Source,
) -> list[str]:
    """Return the lines that make the item whole, if nothing is left out."""
    codes = [box_code(field.codec, source, values[field.name]) for field in fields]
    made = f"return {source.constant(kind)}({', '.join(code.expression for code in codes)}), {loaded}"
    lines = [line for code in codes for line in code.lines] + [made]
    there = [
        f"{values[field.name]} is not None" if field.left_out is type(None) else values[field.name]
        for field in fields
        if field.left_out is not None
    ]
    return [f"if {' and '.join(there)}:", *indented(lines)] if there else lines


def box_code(codec: Codec, source: Source, v: str) -> Code:
    """Return the code that makes the typed attribute value of a variable, or raises."""
    if codec.typed is None:
        return Code(f"{source.constant(codec.encode)}({v})")
    if codec.typed.kind in _TAGS:
        return Code(_scalar(codec, source, v))
    assert codec.element is not None  # of containers
    kind, inner = source.constant(codec.typed.kind), source.variable()
    element = _scalar(codec.element, source, inner)
    unusual = source.constant(_unusual)
    name, held = source.variable(), source.variable()
    lines: tuple[str, ...]
    if codec.types == (list,):
        lines = (
            f"{held} = []",
            f"{name} = {held}.append",
            f"for {inner} in {v} if type({v}) is list else {unusual}(): {name}({element})",
        )
        return Code(f"{kind}({held})", lines)
    lines = (
        f"{held} = {{}}",
        f"for {name}, {inner} in {v}.items() if type({v}) is dict else {unusual}():",
        f"    if type({name}) is not str or not {name} or len({name}) > {MAX_NAME_BYTES // 4}:",
        f"        {unusual}()",
        f"    {held}[{name}] = {element}",
    )
    return Code(f"{kind}({held})", lines)


def _scalar(codec: Codec, source: Source, v: str) -> str:
    """Return the expression of one small object around a scalar."""
    kind, unusual = source.constant(codec.typed.kind if codec.typed else None), source.constant(_unusual)
    if codec is STR:
        return f"{kind}({v}) if type({v}) is str else {unusual}()"
    if codec is BOOL:
        true, false = source.constant(Boolean(True)), source.constant(Boolean(False))
        return f"{true} if {v} is True else {false} if {v} is False else {unusual}()"
    t = source.variable()
    if codec is INT:
        is_usual = f"type({v}) is int and len({t} := f'{{{v}}}') <= {numbers.MAX_DIGITS}"
        return f"{kind}({t}) if {is_usual} else {unusual}()"
    if codec is DECIMAL:
        is_usual = (
            f"type({v}) is {source.constant(Decimal)} and ({t} := str({v}))[-1] in '123456789'"
            f" and 'E' not in {t} and 'e' not in {t} and 'N' not in {t} and len({t}) <= {numbers.MAX_DIGITS}"
        )
        return f"{kind}({t}) if {is_usual} else {kind}({source.constant(codec.encode)}({v})['N'])"
    tag = _TAGS[codec.typed.kind if codec.typed else Text]
    return f"{kind}({source.constant(codec.encode)}({v})['{tag}'])"
