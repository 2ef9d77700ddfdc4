"""Codecs of lists, tuples, sets, dicts, unions and ``Any``, made from the codecs inside them.

They are faithful both ways: what a container may not hold is an error with its path,
never dropped. An empty set has no form of its own and is stored as an empty list.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import Any

from . import numbers
from .codec import Codec, Source, decode_source, encode_source
from .scalars import BOOL, BYTES, DECIMAL, FLOAT, INT, NONE, STR, check_text, content, parse_bytes
from .values import AttributeValue, Invalid, attribute_path, gather, wrong_tag

__all__ = [
    "MAX_DEPTH",
    "any_codec",
    "dict_codec",
    "list_codec",
    "set_codec",
    "tuple_codec",
    "union_codec",
    "variadic_tuple_codec",
]

#: Lists and maps that may stand inside each other. The Developer Guide ("Quotas") says 32
#: levels, and DynamoDB Local and AWS count the value inside the innermost one as a level.
MAX_DEPTH = 31


def _expect(value: object, kind: type) -> None:
    if not isinstance(value, kind):
        raise Invalid(f"expected {kind.__name__}, got {type(value).__name__}")


def _indexed(values: Iterable[Any]) -> Iterable[tuple[str, Any]]:
    return ((f"[{index}]", value) for index, value in enumerate(values))


def _each(convert: Callable[[Any], Any], values: Sequence[Any]) -> list[Any]:
    try:
        return [convert(value) for value in values]
    except Invalid:
        raise gather(_indexed(values), convert) from None


# --- lists and tuples ---------------------------------------------------------------------


def list_codec(element: Codec) -> Codec:
    """Return the codec of ``list[element]``."""

    def encode(value: Any) -> AttributeValue:
        _expect(value, list)
        return {"L": _each(element.encode, value)}

    def decode(value: AttributeValue) -> list[Any]:
        return _each(element.decode, content(value, "L", list))

    def inline_encode(source: Source, v: str) -> str:
        each, slow = source.variable(), source.constant(encode)
        inner = encode_source(element, source, each)
        return f"{{'L': [{inner} for {each} in {v}]}} if type({v}) is list else {slow}({v})"

    def inline_decode(source: Source, v: str) -> str:
        held, each, slow = source.variable(), source.variable(), source.constant(decode)
        inner = decode_source(element, source, each)
        return (
            f"[{inner} for {each} in {held}] if len({v}) == 1 and"
            f" type({held} := {v}['L']) is list else {slow}({v})"
        )

    return Codec(
        name=f"list[{element.name}]",
        encode=encode,
        decode=decode,
        tags=frozenset({"L"}),
        types=(list,),
        is_scalar=False,
        is_deep=element.is_deep,
        element=element,
        inline_encode=inline_encode,
        inline_decode=inline_decode,
    )


def variadic_tuple_codec(element: Codec) -> Codec:
    """Return the codec of ``tuple[element, ...]``."""

    def encode(value: Any) -> AttributeValue:
        _expect(value, tuple)
        return {"L": _each(element.encode, value)}

    return Codec(
        name=f"tuple[{element.name}, ...]",
        encode=encode,
        decode=lambda value: tuple(_each(element.decode, content(value, "L", list))),
        tags=frozenset({"L"}),
        types=(tuple,),
        is_scalar=False,
        is_deep=element.is_deep,
        element=element,
    )


def tuple_codec(elements: Sequence[Codec]) -> Codec:
    """Return the codec of a tuple of a fixed length, each place with its own type."""

    def convert(values: Any, functions: list[Callable[[Any], Any]]) -> list[Any]:
        if len(values) != len(functions):
            raise Invalid(f"expected {len(functions)} values, got {len(values)}")
        results, problems = [], []
        for (step, value), function in zip(_indexed(values), functions, strict=True):
            try:
                results.append(function(value))
            except Invalid as invalid:
                problems += invalid.under(step)
        if problems:
            raise Invalid(problems)
        return results

    encoders = [element.encode for element in elements]
    decoders = [element.decode for element in elements]

    def encode(value: Any) -> AttributeValue:
        _expect(value, tuple)
        return {"L": convert(value, encoders)}

    return Codec(
        name=f"tuple[{', '.join(element.name for element in elements)}]",
        encode=encode,
        decode=lambda value: tuple(convert(content(value, "L", list), decoders)),
        tags=frozenset({"L"}),
        types=(tuple,),
        is_scalar=False,
        is_deep=any(element.is_deep for element in elements),
        element=elements[0] if len({id(element) for element in elements}) == 1 else None,
    )


# --- sets ---------------------------------------------------------------------------------


def set_codec(kind: type, element: Codec) -> Codec:
    """Return the codec of ``set[element]`` or ``frozenset[element]``."""
    if element.key_type is None:
        raise TypeError(f"{kind.__name__}[{element.name}]: sets hold text, numbers or bytes")
    member_tag = element.key_type
    tag = member_tag + "S"

    def encode(value: Any) -> AttributeValue:
        _expect(value, kind)
        if not value:
            return {"L": []}
        try:
            members = [element.encode(member)[member_tag] for member in value]
        except Invalid:
            raise gather((("{}", member) for member in value), element.encode) from None
        return {tag: _sorted_members(members)}

    def decode(value: AttributeValue) -> Any:
        if value == {"L": []}:
            return kind()
        members = content(value, tag, list)
        decoded = kind(_each(lambda member: element.decode({member_tag: member}), members))
        if len(decoded) != len(members):
            raise Invalid("set has members that are equal")
        return decoded

    return Codec(
        name=f"{kind.__name__}[{element.name}]",
        encode=encode,
        decode=decode,
        tags=frozenset({tag, "L"}),
        types=(kind,),
        is_scalar=kind is frozenset,
        element=element,
    )


def _sorted_members(members: list[str]) -> list[str]:
    """Return the members in an order of their own, so that equal sets are equal values."""
    if len(set(members)) != len(members):
        raise Invalid("set has members that are stored as the same value")
    return sorted(members)


# --- maps ---------------------------------------------------------------------------------


def _check_name(name: object) -> None:
    if not isinstance(name, str):
        raise Invalid(f"expected str as key of a map, got {type(name).__name__}")
    check_text(name)


def _each_value(convert: Callable[[Any], Any], values: dict[str, Any]) -> dict[str, Any]:
    try:
        return {name: convert(value) for name, value in values.items()}
    except Invalid:
        steps = ((attribute_path(name), value) for name, value in values.items())
        raise gather(steps, convert) from None


def dict_codec(element: Codec) -> Codec:
    """Return the codec of ``dict[str, element]``."""

    def encode(value: Any) -> AttributeValue:
        _expect(value, dict)
        for name in value:
            _check_name(name)
        return {"M": _each_value(element.encode, value)}

    return Codec(
        name=f"dict[str, {element.name}]",
        encode=encode,
        decode=lambda value: _each_value(element.decode, content(value, "M", dict)),
        tags=frozenset({"M"}),
        types=(dict,),
        is_scalar=False,
        is_deep=element.is_deep,
        element=element,
    )


# --- unions -------------------------------------------------------------------------------


def union_codec(members: Sequence[Codec], name: str) -> Codec:
    """Return the codec of a union whose members are told apart by their type tags."""
    by_tag: dict[str, Codec] = {}
    by_type: dict[type, Codec] = {}
    records = [member for member in members if member.record_tag is not None]
    if len(records) > 1:
        others = [member for member in members if member.record_tag is None]
        members = [*others, _tagged_records_codec(records, name)]
    for member in members:
        for tag in member.tags:
            if tag in by_tag:
                raise TypeError(
                    f"{name}: {by_tag[tag].name} and {member.name} are both stored as {tag} and "
                    f"cannot be told apart: choose one, or give record classes a tag= each"
                )
            by_tag[tag] = member
        by_type.update(dict.fromkeys(member.types, member))

    def encode(value: Any) -> AttributeValue:
        member = by_type.get(type(value))
        if member is None:
            fitting = (by_type[kind] for kind in type(value).__mro__ if kind in by_type)
            member = next(fitting, None)
        if member is None:
            raise Invalid(f"expected {name}, got {type(value).__name__}")
        return member.encode(value)

    def decode(value: AttributeValue) -> Any:
        for tag in value:
            if tag in by_tag:
                return by_tag[tag].decode(value)
        raise wrong_tag(value, name)

    kinds = {member.key_type for member in members}
    return Codec(
        name=name,
        encode=encode,
        decode=decode,
        tags=frozenset(by_tag),
        types=tuple(by_type),
        key_type=kinds.pop() if len(kinds) == 1 else None,
        # bool equals 0 and 1 in Python, but not in DynamoDB: compare such unions encoded.
        is_scalar=all(m.is_scalar for m in members) and not {"BOOL", "N"} <= set(by_tag),
        is_deep=any(m.is_deep for m in members),
        element=next((m.element for m in members if m.element is not None), None),
        fields=next((m.fields for m in members if m.fields is not None), None),
    )


def _tagged_records_codec(records: Sequence[Codec], name: str) -> Codec:
    """Return the codec of records that are told apart by the tag stored with each."""
    by_tag = {record.record_tag: record for record in records}
    places = {record.record_tag[0] for record in records if record.record_tag is not None}
    if len(by_tag) < len(records) or len(places) > 1:
        raise TypeError(f"{name}: every record class needs its own tag=, in one tag_field=")
    place = places.pop()
    by_type = {kind: record for record in records for kind in record.types}

    def encode(value: Any) -> AttributeValue:
        if type(value) not in by_type:
            raise Invalid(f"expected {name}, got {type(value).__name__}")
        return by_type[type(value)].encode(value)

    def decode(value: AttributeValue) -> Any:
        tag = content(value, "M", dict).get(place)
        record = by_tag.get((place, content(tag, "S", str))) if tag is not None else None
        if record is None:
            raise Invalid(f"expected {name}, got a map without a known {place!r}")
        return record.decode(value)

    return Codec(
        name=name,
        encode=encode,
        decode=decode,
        tags=frozenset({"M"}),
        types=tuple(by_type),
        is_scalar=False,
        is_deep=True,
    )


# --- Any ----------------------------------------------------------------------------------


def any_codec(*, floats: bool = False, depth: int = 0) -> Codec:
    """Return the codec of ``Any``: whatever DynamoDB can hold, each value by its own type.

    Numbers become int when they are whole and Decimal otherwise; with *floats*, float
    instead of Decimal, and floats may be stored. *depth* is the number of lists and maps
    around the value.
    """
    number = FLOAT if floats else DECIMAL
    scalars = (STR, INT, number, BOOL, BYTES, NONE)
    encoders = {codec.types[0]: codec.encode for codec in scalars}
    other_number = (
        "expected int or float, got Decimal: this field has numbers=float"
        if floats
        else "expected int or Decimal, got float: declare the field with numbers=float"
    )

    def encode_at(value: Any, depth: int) -> AttributeValue:
        kind = type(value)
        if kind in encoders:
            return encoders[kind](value)
        if depth >= MAX_DEPTH:
            raise Invalid(f"nested deeper than {MAX_DEPTH} levels")
        if isinstance(value, list):
            return {"L": _each(lambda inner: encode_at(inner, depth + 1), value)}
        if isinstance(value, dict):
            for name in value:
                _check_name(name)
            return {"M": _each_value(lambda inner: encode_at(inner, depth + 1), value)}
        if isinstance(value, set | frozenset):
            return _encode_any_set(value, encoders)
        if isinstance(value, float | Decimal):
            raise Invalid(other_number)
        for base in kind.__mro__[1:-1]:  # subclasses of str, int and bytes
            if base in encoders:
                return encoders[base](value)
        # A tuple would come back as a list, which does not equal it.
        raise Invalid(f"{kind.__name__} cannot be stored in a field of type Any")

    def parse(text: object) -> Any:
        if floats:
            whole = numbers.parse_number(text)
            return whole if isinstance(whole, int) else numbers.parse_float(text)
        return numbers.parse_number(text)

    decode = _any_decoder(parse)
    return Codec(
        name="Any",
        encode=lambda value: encode_at(value, depth),
        decode=decode,
        tags=frozenset({"S", "N", "B", "SS", "NS", "BS", "L", "M", "NULL", "BOOL"}),
        types=(str, int, number.types[0], bytes, bool, type(None), list, dict, set, frozenset),
        is_scalar=False,
    )


def _encode_any_set(value: Any, encoders: dict[type, Any]) -> AttributeValue:
    if not value:
        # As an empty list it would come back as a list.
        raise Invalid("an empty set in a field of type Any: declare the field as a set")
    tags: set[str] = set()
    members: list[str] = []
    for member in value:
        if type(member) not in encoders or type(member) in (bool, type(None)):
            raise Invalid(f"sets hold text, numbers or bytes, not {type(member).__name__}")
        ((tag, text),) = encoders[type(member)](member).items()
        tags.add(tag)
        members.append(text)
    if len(tags) > 1:
        raise Invalid("sets hold one type only: text, numbers or bytes, not a mixture")
    return {f"{tags.pop()}S": _sorted_members(members)}


def _any_decoder(parse: Callable[[object], Any]) -> Callable[[AttributeValue], Any]:
    """Return a decoder by type tag; sets become sets, lists lists, maps dicts."""

    def members(parse_member: Callable[[Any], Any]) -> Callable[[AttributeValue, str], Any]:
        def decode_set(value: AttributeValue, tag: str) -> set[Any]:
            held = content(value, tag, list)
            found = set(_each(parse_member, held))
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
        "L": lambda value, tag: _each(decode, content(value, tag, list)),
        "M": lambda value, tag: _each_value(decode, content(value, tag, dict)),
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
