"""The codec of ``Any``: whatever DynamoDB can hold, each value by its own type."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from . import numbers
from .codec import Codec
from .members import MAX_DEPTH, TOO_DEEP, each, each_value, encode_map, sorted_members
from .scalars import BOOL, BYTES, DECIMAL, INT, NONE, STR, content, parse_bytes
from .values import TAGS, AttributeValue, Invalid, TooDeep, problems_of, wrong_tag

__all__ = ["any_codec"]

_Encode = Callable[[Any], AttributeValue]


def any_codec(*, floats: bool = False, depth: int = 0) -> Codec:
    """Return the codec of ``Any``.

    Numbers become int when they are whole and Decimal otherwise; with *floats*, float
    instead of Decimal, and floats may be stored. *depth* is the number of lists and maps
    around the value.
    """
    scalars = {codec.types[0]: codec.encode for codec in (STR, INT, BOOL, BYTES, NONE)}
    refused: type
    if floats:
        scalars[int] = _encode_int_beside_floats
        scalars[float] = lambda value: {"N": numbers.whole_float_text(value)}
        refused, hint = Decimal, "expected int or float, got Decimal: this field has numbers=float"
    else:
        scalars[Decimal] = DECIMAL.encode
        refused, hint = float, "expected int or Decimal, got float: declare the field with numbers=float"

    def encode_at(value: Any, depth: int) -> AttributeValue:
        kind = type(value)
        if kind in scalars:
            return scalars[kind](value)
        if isinstance(value, set | frozenset):
            return _encode_set(value, scalars)
        if isinstance(value, list | dict):
            if depth >= MAX_DEPTH:
                raise TooDeep(TOO_DEEP)
            if isinstance(value, list):
                return {"L": each(lambda inner: encode_at(inner, depth + 1), value)}
            return encode_map(lambda inner: encode_at(inner, depth + 1), value)
        if isinstance(value, refused):
            raise Invalid(hint)
        for base in kind.__mro__[1:-1]:  # subclasses of str, int and bytes
            if base in scalars:
                return scalars[base](value)
        # A tuple would come back as a list, which does not equal it.
        raise Invalid(f"{kind.__name__} cannot be stored in a field of type Any")

    number: type = float if floats else Decimal
    return Codec(
        name="Any",
        encode=lambda value: encode_at(value, depth),
        decode=_decoder(numbers.parse_number_or_float if floats else numbers.parse_number),
        tags=TAGS,
        types=(str, int, number, bytes, bool, type(None), list, dict, set, frozenset),
        is_scalar=False,
    )


def _encode_int_beside_floats(value: Any) -> AttributeValue:
    """Encode an int where a number of more than 38 digits is read as a float."""
    if abs(value) < 10**numbers.MAX_DIGITS:
        return INT.encode(value)
    try:
        nearest = float(value)
    except OverflowError:
        nearest = 0.0
    if nearest != value:
        raise Invalid("integer cannot be held exactly by a float")
    return {"N": numbers.float_text(nearest)}


def _encode_set(value: Any, scalars: dict[type, _Encode]) -> AttributeValue:
    if not value:
        # As an empty list it would come back as a list.
        raise Invalid("an empty set in a field of type Any: declare the field as a set")

    def encode(member: Any) -> AttributeValue:
        kind = next((base for base in type(member).__mro__ if base in scalars), object)
        if kind in (bool, type(None), object):
            raise Invalid(f"sets hold text, numbers or bytes, not {type(member).__name__}")
        return scalars[kind](member)

    if problems := problems_of((("{}", member) for member in value), encode):
        raise Invalid(problems)
    encoded = [next(iter(encode(member).items())) for member in value]
    tags = {tag for tag, _ in encoded}
    if len(tags) > 1:
        raise Invalid("sets hold one type only: text, numbers or bytes, not a mixture")
    return {f"{tags.pop()}S": sorted_members([text for _, text in encoded])}


def _decoder(parse: Callable[[object], Any]) -> Callable[[AttributeValue], Any]:
    """Return a decoder by type tag; sets become sets, lists lists, maps dicts."""

    def members(parse_member: Callable[[Any], Any]) -> Callable[[AttributeValue, str], Any]:
        def decode_set(value: AttributeValue, tag: str) -> set[Any]:
            held = content(value, tag, list)
            found = set(each(parse_member, held))
            if not found or len(found) != len(held):
                raise Invalid("set is empty or has members that are equal")
            return found

        return decode_set

    def text_member(text: object) -> str:
        if not isinstance(text, str):
            raise Invalid("expected text in a set")
        return text

    by_tag: dict[str, Callable[[AttributeValue, str], Any]] = {
        "S": lambda value, tag: content(value, tag, str),
        "N": lambda value, tag: parse(content(value, tag, str)),
        "B": lambda value, tag: parse_bytes(content(value, tag, str)),
        "BOOL": lambda value, tag: content(value, tag, bool),
        "NULL": lambda value, tag: NONE.decode(value),
        "L": lambda value, tag: each(decode, content(value, tag, list)),
        "M": lambda value, tag: each_value(decode, content(value, tag, dict)),
        "SS": members(text_member),
        "NS": members(parse),
        "BS": members(lambda text: parse_bytes(text_member(text))),
    }

    def decode(value: AttributeValue) -> Any:
        if isinstance(value, dict):
            for tag in value:
                if tag in by_tag:
                    return by_tag[tag](value, tag)
        raise wrong_tag(value, "an attribute value")

    return decode
