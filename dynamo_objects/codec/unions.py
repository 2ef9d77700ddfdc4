"""Codecs of unions: members told apart by their type tags, records by the tag stored with each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from .codec import Code, Codec, Source, decode_source, encode_code
from .scalars import NONE, content
from .values import AttributeValue, Invalid, wrong_tag

__all__ = ["union_codec"]


def union_codec(members: Sequence[Codec], name: str) -> Codec:
    """Return the codec of a union.

    Raises:
        TypeError: Two members are stored with the same type tag.
    """
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
    types = tuple(by_type)
    if "N" in by_tag:
        # float and Decimal take whole numbers too, and whatever takes none says so itself.
        by_type.setdefault(int, by_tag["N"])

    def encode(value: Any) -> AttributeValue:
        member = by_type.get(type(value))
        if member is None:
            fitting = (by_type[kind] for kind in type(value).__mro__ if kind in by_type)
            member = next(fitting, None)
        if member is None:
            raise Invalid(f"expected {name}, got {type(value).__name__}")
        return member.encode(value)

    def decode(value: AttributeValue) -> Any:
        if isinstance(value, dict):
            for tag in value:
                if tag in by_tag:
                    return by_tag[tag].decode(value)
        raise wrong_tag(value, name)

    kinds = {member.key_type for member in members}
    union = Codec(
        name=name,
        encode=encode,
        decode=decode,
        tags=frozenset(by_tag),
        types=types,
        key_type=kinds.pop() if len(kinds) == 1 else None,
        is_scalar=all(m.is_scalar for m in members),
        is_deep=any(m.is_deep for m in members),
        element=next((m.element for m in members if m.element is not None), None),
        fields=next((m.fields for m in members if m.fields is not None), None),
    )
    if len(members) == 2 and NONE in members:
        (other,) = (member for member in members if member is not NONE)
        return _with_optional_in_place(union, other)
    return union


def _with_optional_in_place(union: Codec, other: Codec) -> Codec:
    """Return the codec of ``X | None`` with what the codec of X does in place."""
    if other.inline_encode is None or other.inline_decode is None:
        # Where None is stored as NULL, an item does not parse, and is read as any other.
        return msgspec.structs.replace(union, typed=other.typed)

    def inline_encode(source: Source, v: str) -> Code:
        code = encode_code(other, source, v)
        if not code.lines:
            return Code(f"({{'NULL': True}} if {v} is None else ({code.expression}))")
        lines = (
            f"if {v} is None: {code.expression} = {{'NULL': True}}",
            "else:",
            *(f"    {line}" for line in code.lines),
        )
        return Code(code.expression, lines)

    def inline_decode(source: Source, v: str) -> str:
        slow = source.constant(union.decode)
        return f"(({decode_source(other, source, v)}) if 'NULL' not in {v} else {slow}({v}))"

    return msgspec.structs.replace(
        union, inline_encode=inline_encode, inline_decode=inline_decode, typed=other.typed
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
