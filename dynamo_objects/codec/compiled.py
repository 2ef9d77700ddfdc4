"""Writes the encode and decode functions of a record class.

A loop over the fields spends most of its time on calls and look-ups. These functions do
the same field by field with the common types in place, which is about twice as fast.
Their text is made of generated names and of field names that are checked identifiers;
everything else (attribute names, codecs, defaults) is passed in as a constant.

They keep note of the field they are at. When its value is bad, the rest is done one by
one, to report all problems; what came before is not done again (see ``members``).
"""

from __future__ import annotations

import keyword
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .codec import Source, decode_source, encode_source
from .fields import FieldCodec
from .values import Invalid, Item, TooDeep, attribute_path, problems_of

__all__ = ["compile_decoder", "compile_encoder"]

#: Stands for an attribute that an item does not have; JSON's null is no attribute value.
_MISSING = object()


def compile_encoder(fields: Sequence[FieldCodec]) -> Callable[[Any], Item]:
    """Return a function from a record to its item, without attributes unknown to the class.

    It raises Invalid with all problems.
    """
    source = Source()
    lines = ["item = {}"]
    for place, field in enumerate(fields):
        value = source.variable()
        condition = _is_stored(field, source, value)
        store = f"item[{source.constant(field.wire)}] = {encode_source(field.codec, source, value)}"
        lines += [
            f"at = {place}",
            f"{value} = record.{_checked(field.name)}",
            f"if {condition}: {store}" if condition else store,
        ]

    def explain(error: Exception, at: int, record: Any) -> Exception:
        return _explain(
            error, [(f, f.encode, getattr(record, f.name)) for f in fields[at:]], is_encoding=True
        )

    # TypeError: a key of a dict that is no text; ValueError: an int too long for a text.
    lines = _explained(lines, "Invalid, TypeError, ValueError", source.constant(explain), "record", source)
    return _compile("encode", "record", [*lines, "return item"], source)


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

    It raises Invalid with all problems. An item that has every attribute of the class needs
    no look for missing ones; any other is left to a second function, before a value is decoded.
    """
    loader = _loader(record_class)
    source = Source()
    raws = {field.name: source.variable() for field in fields}
    lines = [f"{raws[field.name]} = item[{source.constant(field.wire)}]" for field in fields]
    if lines:
        sparse = source.constant(_compile_sparse_decoder(record_class, fields, scalars, loader))
        lines = ["try:", *(f"    {line}" for line in lines), f"except KeyError: return {sparse}(item)"]
    values = {field.name: decode_source(field.codec, source, raws[field.name]) for field in fields}
    lines += _decoding(record_class, fields, scalars, values, loader, source)
    return _compile("decode", "item", lines, source)


def _compile_sparse_decoder(
    record_class: type, fields: Sequence[FieldCodec], scalars: Sequence[FieldCodec], loader: type
) -> Callable[[Item], Any]:
    source = Source()
    raws = {field.name: source.variable() for field in fields}
    missing = source.constant(_MISSING)
    lines, values = [], {}
    for field in fields:
        raw = raws[field.name]
        lines.append(f"{raw} = item.get({source.constant(field.wire)}, {missing})")
        decoded = decode_source(field.codec, source, raw)
        values[field.name] = f"{_when_missing(field, source)} if {raw} is {missing} else ({decoded})"
    lines += _decoding(record_class, fields, scalars, values, loader, source)
    return _compile("decode", "item", lines, source)


def _decoding(
    record_class: type,
    fields: Sequence[FieldCodec],
    scalars: Sequence[FieldCodec],
    values: Mapping[str, str],
    loader: type,
    source: Source,
) -> list[str]:
    """Return the lines that decode each field by its expression in *values*, and make the record."""
    held = {field.name: source.variable() for field in fields}
    lines = []
    for place, field in enumerate(fields):
        lines += [f"at = {place}", f"{held[field.name]} = {values[field.name]}"]

    def explain(error: Exception, at: int, item: Item) -> Exception:
        return _explain(error, [(f, f.read, item) for f in fields[at:]], is_encoding=False)

    caught = "Invalid, KeyError, TypeError, AttributeError"
    lines = _explained(lines, caught, source.constant(explain), "item", source)
    return [*lines, *_building(record_class, held, scalars, loader, source)]


def _building(
    record_class: type,
    held: Mapping[str, str],
    scalars: Sequence[FieldCodec],
    loader: type,
    source: Source,
) -> list[str]:
    """Return the lines that make the record of the values in *held*.

    The guard of records against misspelt names makes every assignment a call. So the
    record begins its life in a subclass without the guard, and changes class at the end.
    """
    return [
        f"record = {source.constant(object.__new__)}({source.constant(loader)})",
        *(f"record.{_checked(name)} = {value}" for name, value in held.items()),
        "record._item = item",
        f"record._loaded = ({''.join(f'{held[field.name]}, ' for field in scalars)})",
        f"record.__class__ = {source.constant(record_class)}",
        "return record",
    ]


class _Unannounced:
    """Keeps a subclass from those who want to hear of subclasses."""

    __slots__ = ()

    @classmethod
    def __init_subclass__(cls, **keywords: Any) -> None:
        """Tell nobody."""


def _loader(record_class: type) -> type:
    body = {
        "__slots__": (),
        "__setattr__": object.__setattr__,
        "__delattr__": object.__delattr__,
        "__doc__": "Records of the class while they are made.",
    }
    bases = (_Unannounced, record_class)
    return type.__new__(type(record_class), f"_{record_class.__name__}Loader", bases, body)


def _when_missing(field: FieldCodec, source: Source) -> str:
    if field.has_literal and field.factory is None:
        return source.constant(field.literal)
    return f"{source.constant(field.when_missing)}()"


def _explained(lines: Sequence[str], caught: str, explain: str, subject: str, source: Source) -> list[str]:
    for error in (Invalid, TooDeep):
        source.constants[error.__name__] = error
    return [
        "try:",
        "    at = 0",
        *(f"    {line}" for line in lines),
        "except TooDeep: raise",
        f"except ({caught}) as error: raise {explain}(error, at, {subject}) from None",
    ]


def _explain(
    error: Exception, rest: Sequence[tuple[FieldCodec, Callable[[Any], Any], Any]], *, is_encoding: bool
) -> Exception:
    """Return the error with all problems of the field that failed first and of those behind it."""
    field, convert, value = rest[0]
    path = attribute_path(field.name)
    codec = field.codec
    was_in_place = (codec.inline_encode if is_encoding else codec.inline_decode) is not None
    if was_in_place or not isinstance(error, Invalid):
        # Code in place knows only that something is wrong: ask the codec what.
        problems = problems_of([(path, value)], convert)
        if not problems:
            return error
    else:
        problems = error.under(path)
    for field, convert, value in rest[1:]:
        problems += problems_of([(attribute_path(field.name), value)], convert)
    return Invalid(problems)


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
