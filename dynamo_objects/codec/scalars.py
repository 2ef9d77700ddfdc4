"""Codecs of values that cannot change in place: text, numbers, bytes, bool, times, ids."""

from __future__ import annotations

from binascii import Error as Base64Error
from binascii import a2b_base64, b2a_base64
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from . import numbers, times
from .codec import Code, Codec, Source, Typed
from .typed import Binary, Boolean, Number, Text
from .values import AttributeValue, Invalid, wrong_tag

__all__ = [
    "BOOL",
    "BYTES",
    "DATE",
    "DATETIME",
    "DECIMAL",
    "EPOCH",
    "FLOAT",
    "INT",
    "NONE",
    "STR",
    "TTL_DATETIME",
    "UUID_CODEC",
    "check_text",
    "content",
    "parse_bytes",
    "refuse",
    "text_codec",
]


def content(value: AttributeValue, tag: str, kind: type) -> Any:
    """Return what an attribute value holds if it has just the type *tag*, or raise Invalid."""
    try:
        if len(value) == 1 and type(held := value[tag]) is kind:
            return held
    except (KeyError, TypeError):
        pass
    raise wrong_tag(value, tag)


def refuse(value: object, expected: str) -> Invalid:
    """Return the error for a value of a wrong type."""
    return Invalid(f"expected {expected}, got {type(value).__name__}")


def _tagged(tag: str, text: Callable[[Any], str]) -> Callable[[Any], AttributeValue]:
    return lambda value: {tag: text(value)}


def _parsed(tag: str, parse: Callable[[str], Any]) -> Callable[[AttributeValue], Any]:
    return lambda value: parse(content(value, tag, str))


def _typed(tag: str, parse: Callable[[str], Any]) -> Typed:
    kind = {"S": Text, "N": Number, "B": Binary}[tag]
    return Typed(kind, lambda source, v: f"{source.constant(parse)}({v}.{tag})")


def check_text(value: str) -> str:
    """Return a text that is valid UTF-8; a lone surrogate is not."""
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise Invalid("text has a lone surrogate, which UTF-8 cannot hold") from None
    return value


# --- text ---------------------------------------------------------------------------------


def _encode_str(value: Any) -> AttributeValue:
    if not isinstance(value, str):
        raise refuse(value, "str")
    return {"S": check_text(str.__str__(value))}


def _inline_encode_str(source: Source, v: str) -> Code:
    slow = source.constant(_encode_str)
    return Code(f"{{'S': {v}}} if type({v}) is str and {v}.isascii() else {slow}({v})")


def _decode_str(value: AttributeValue) -> str:
    text: str = content(value, "S", str)
    return text


def _inline_decode_str(source: Source, v: str) -> str:
    t, slow = source.variable(), source.constant(_decode_str)
    return f"{t} if len({v}) == 1 and type({t} := {v}['S']) is str else {slow}({v})"


STR = Codec(
    name="str",
    encode=_encode_str,
    decode=_decode_str,
    tags=frozenset({"S"}),
    types=(str,),
    key_type="S",
    inline_encode=_inline_encode_str,
    inline_decode=_inline_decode_str,
    typed=Typed(Text, lambda source, v: f"{v}.S"),
)


# --- numbers ------------------------------------------------------------------------------


def _encode_int(value: Any) -> AttributeValue:
    if isinstance(value, bool) or not isinstance(value, int):
        raise refuse(value, "int")
    return {"N": numbers.int_text(value)}


def _inline_encode_int(source: Source, v: str) -> Code:
    t, slow = source.variable(), source.constant(_encode_int)
    # An int of thousands of digits makes a ValueError of its text; the caller then asks again.
    return Code(
        f"{{'N': {t}}} if type({v}) is int and len({t} := f'{{{v}}}') <= {numbers.MAX_DIGITS} else {slow}({v})"
    )


def _inline_decode_int(source: Source, v: str) -> str:
    t, slow = source.variable(), source.constant(INT.decode)
    return (
        f"int({t}) if len({v}) == 1 and ({t} := {v}['N']).isdigit() and {t}.isascii()"
        f" and len({t}) <= {numbers.MAX_DIGITS} else {slow}({v})"
    )


def _typed_int(source: Source, v: str) -> str:
    t, slow = source.variable(), source.constant(numbers.parse_int)
    return (
        f"int({t}) if ({t} := {v}.N).isdigit() and {t}.isascii()"
        f" and len({t}) <= {numbers.MAX_DIGITS} else {slow}({t})"
    )


def _inline_encode_decimal(source: Source, v: str) -> Code:
    t, slow, kind = source.variable(), source.constant(_encode_decimal), source.constant(Decimal)
    # Plain, no NaN, and without zeros to spare; see decimal_text for all others.
    return Code(
        f"{{'N': {t}}} if type({v}) is {kind} and ({t} := str({v}))[-1] in '123456789' and 'E' not in {t}"
        f" and 'e' not in {t} and 'N' not in {t} and len({t}) <= {numbers.MAX_DIGITS} else {slow}({v})"
    )


def _inline_decode_decimal(source: Source, v: str) -> str:
    t, slow = source.variable(), source.constant(DECIMAL.decode)
    plain = _plain_decimal(source, t, f"{v}['N']")
    return f"{plain} and len({v}) == 1 else {slow}({v})"


def _typed_decimal(source: Source, v: str) -> str:
    t, slow = source.variable(), source.constant(numbers.parse_decimal)
    return f"{_plain_decimal(source, t, f'{v}.N')} else {slow}({t})"


def _plain_decimal(source: Source, t: str, text: str) -> str:
    # Of texts of these characters it takes numbers only, and raises InvalidOperation else.
    return (
        f"{source.constant(numbers.exact_decimal)}({t}) if not ({t} := {text}).strip('-.0123456789')"
        f" and len({t}) <= {numbers.MAX_DIGITS}"
    )


def _encode_decimal(value: Any) -> AttributeValue:
    if isinstance(value, Decimal):
        return {"N": numbers.decimal_text(value)}
    if isinstance(value, bool) or not isinstance(value, int):
        raise refuse(value, "Decimal")
    return {"N": numbers.int_text(value)}


def _encode_float(value: Any) -> AttributeValue:
    if isinstance(value, float):
        return {"N": numbers.float_text(value)}
    if isinstance(value, bool) or not isinstance(value, int):
        raise refuse(value, "float")
    try:
        exact = float(value)
    except OverflowError:
        exact = 0.0
    if exact != value:
        raise Invalid("integer cannot be held exactly by a float")
    return {"N": numbers.float_text(exact)}


INT = Codec(
    name="int",
    encode=_encode_int,
    decode=_parsed("N", numbers.parse_int),
    tags=frozenset({"N"}),
    types=(int,),
    key_type="N",
    inline_encode=_inline_encode_int,
    inline_decode=_inline_decode_int,
    typed=Typed(Number, _typed_int, numbers.parse_ints),
)
DECIMAL = Codec(
    name="Decimal",
    encode=_encode_decimal,
    decode=_parsed("N", numbers.parse_decimal),
    tags=frozenset({"N"}),
    types=(Decimal,),
    key_type="N",
    inline_encode=_inline_encode_decimal,
    inline_decode=_inline_decode_decimal,
    typed=Typed(Number, _typed_decimal, numbers.parse_decimals),
)
FLOAT = Codec(
    name="float",
    encode=_encode_float,
    decode=_parsed("N", numbers.parse_float),
    tags=frozenset({"N"}),
    types=(float,),
    key_type="N",
    typed=_typed("N", numbers.parse_float),
)


# --- bytes, bool, None --------------------------------------------------------------------


def _encode_bytes(value: Any) -> AttributeValue:
    if not isinstance(value, bytes):
        raise refuse(value, "bytes")
    return {"B": b2a_base64(value, newline=False).decode("ascii")}


def parse_bytes(text: str) -> bytes:
    """Return the bytes of a base64 text."""
    try:
        return a2b_base64(text, strict_mode=True)
    except (Base64Error, ValueError):
        raise Invalid("not base64") from None


BYTES = Codec(
    name="bytes",
    encode=_encode_bytes,
    decode=_parsed("B", parse_bytes),
    tags=frozenset({"B"}),
    types=(bytes,),
    key_type="B",
    typed=_typed("B", parse_bytes),
)


def _encode_bool(value: Any) -> AttributeValue:
    if value is True or value is False:
        return {"BOOL": value}
    raise refuse(value, "bool")


def _inline_encode_bool(source: Source, v: str) -> Code:
    slow = source.constant(_encode_bool)
    return Code(f"{{'BOOL': {v}}} if {v} is True or {v} is False else {slow}({v})")


def _decode_bool(value: AttributeValue) -> bool:
    held: bool = content(value, "BOOL", bool)
    return held


def _inline_decode_bool(source: Source, v: str) -> str:
    t, slow = source.variable(), source.constant(_decode_bool)
    return f"{t} if len({v}) == 1 and type({t} := {v}['BOOL']) is bool else {slow}({v})"


BOOL = Codec(
    name="bool",
    encode=_encode_bool,
    decode=_decode_bool,
    tags=frozenset({"BOOL"}),
    types=(bool,),
    inline_encode=_inline_encode_bool,
    inline_decode=_inline_decode_bool,
    typed=Typed(Boolean, lambda source, v: f"{v}.BOOL"),
)


def _encode_none(value: Any) -> AttributeValue:
    if value is not None:
        raise refuse(value, "None")
    return {"NULL": True}


def _decode_none(value: AttributeValue) -> None:
    if content(value, "NULL", bool) is not True:
        raise Invalid("NULL must be true")


NONE = Codec(
    name="None",
    encode=_encode_none,
    decode=_decode_none,
    tags=frozenset({"NULL"}),
    types=(type(None),),
)


# --- times and ids ------------------------------------------------------------------------


def text_codec(kind: type, tag: str, text: Callable[[Any], str], parse: Callable[[str], Any]) -> Codec:
    """Return the codec of an immutable type that is stored as a text or number."""
    return Codec(
        name=kind.__name__,
        encode=_tagged(tag, text),
        decode=_parsed(tag, parse),
        tags=frozenset({tag}),
        types=(kind,),
        key_type=tag,
        typed=_typed(tag, parse),
    )


def _uuid_text(value: Any) -> str:
    if not isinstance(value, UUID):
        raise refuse(value, "UUID")
    return str(value)


def _parse_uuid(text: str) -> UUID:
    try:
        value = UUID(text)
    except ValueError:
        raise Invalid("not a UUID") from None
    if value.hex not in text.replace("-", "").lower():
        raise Invalid("not a UUID")  # int() took an underscore or a space for a digit
    return value


def _parse_ttl(text: object) -> datetime:
    # Others may have stored fractions; a record must be able to hold what it loads.
    return times.parse_epoch(text).replace(microsecond=0)


DATETIME = text_codec(datetime, "S", times.datetime_text, times.parse_datetime)
EPOCH = text_codec(datetime, "N", times.epoch_text, times.parse_epoch)
TTL_DATETIME = text_codec(datetime, "N", lambda value: times.epoch_text(value, whole=True), _parse_ttl)
DATE = text_codec(date, "S", times.date_text, times.parse_date)
UUID_CODEC = text_codec(UUID, "S", _uuid_text, _parse_uuid)
