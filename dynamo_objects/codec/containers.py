"""Codecs of lists, tuples, sets and dicts, made from the codecs of their members.

They are faithful both ways: what a container may not hold is an error with its path,
never dropped. An empty set has no form of its own and is stored as an empty list.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .anything import any_codec
from .codec import Code, Codec, Source, Typed, decode_source, encode_code
from .members import MAX_DEPTH, each, each_value, encode_map, expect, indexed, sorted_members
from .options import MAX_NAME_BYTES
from .scalars import content
from .typed import list_of, map_of
from .values import AttributeValue, Invalid, TooDeep, problems_of

__all__ = [
    "MAX_DEPTH",
    "any_codec",
    "dict_codec",
    "list_codec",
    "set_codec",
    "tuple_codec",
    "variadic_tuple_codec",
]

# --- lists and tuples ---------------------------------------------------------------------


def list_codec(element: Codec) -> Codec:
    """Return the codec of ``list[element]``."""

    def encode(value: Any) -> AttributeValue:
        expect(value, list)
        return {"L": each(element.encode, value)}

    def decode(value: AttributeValue) -> list[Any]:
        return each(element.decode, content(value, "L", list))

    def inline_encode(source: Source, v: str) -> Code:
        result, members, inner_v = source.variable(), source.variable(), source.variable()
        slow = source.constant(encode)
        inner = encode_code(element, source, inner_v).expression
        lines = (
            f"if type({v}) is list:",
            f"    {members} = []",
            f"    for {inner_v} in {v}: {members}.append({inner})",
            f"    {result} = {{'L': {members}}}",
            f"else: {result} = {slow}({v})",
        )
        return Code(result, lines)

    def inline_decode(source: Source, v: str) -> str:
        held, inner_v, slow = source.variable(), source.variable(), source.constant(decode)
        inner = decode_source(element, source, inner_v)
        return (
            f"[{inner} for {inner_v} in {held}] if len({v}) == 1 and"
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
        # Only around scalars: whoever writes code in place converts again to find all problems.
        inline_encode=inline_encode if element.is_scalar else None,
        inline_decode=inline_decode if element.is_scalar else None,
        typed=_typed_list(element),
    )


def _typed_list(element: Codec) -> Typed | None:
    inner = element.typed
    if inner is None:
        return None

    def decode(source: Source, v: str) -> str:
        member = source.variable()
        return f"[{inner.decode(source, member)} for {member} in {v}.L]"

    return Typed(list_of(inner.kind), decode)


def variadic_tuple_codec(element: Codec) -> Codec:
    """Return the codec of ``tuple[element, ...]``."""

    def encode(value: Any) -> AttributeValue:
        expect(value, tuple)
        return {"L": each(element.encode, value)}

    return Codec(
        name=f"tuple[{element.name}, ...]",
        encode=encode,
        decode=lambda value: tuple(each(element.decode, content(value, "L", list))),
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
        results = []
        steps = zip(indexed(values), functions, strict=True)
        for (step, value), function in steps:
            try:
                results.append(function(value))
            except TooDeep:
                raise
            except Invalid as invalid:
                problems = invalid.under(step)
                for later, other in steps:
                    problems += problems_of((later,), other)
                raise Invalid(problems) from None
        return results

    encoders = [element.encode for element in elements]
    decoders = [element.decode for element in elements]

    def encode(value: Any) -> AttributeValue:
        expect(value, tuple)
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
        expect(value, kind)
        if not value:
            return {"L": []}
        try:
            members = [element.encode(member)[member_tag] for member in value]
        except Invalid:
            raise Invalid(problems_of((("{}", member) for member in value), element.encode)) from None
        return {tag: sorted_members(members)}

    def decode(value: AttributeValue) -> Any:
        if value == {"L": []}:
            return kind()
        members = content(value, tag, list)
        decoded = kind(each(lambda member: element.decode({member_tag: member}), members))
        if not members or len(decoded) != len(members):
            raise Invalid("set is empty or has members that are equal")
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


# --- maps ---------------------------------------------------------------------------------


def dict_codec(element: Codec) -> Codec:
    """Return the codec of ``dict[str, element]``."""

    def encode(value: Any) -> AttributeValue:
        expect(value, dict)
        return encode_map(element.encode, value)

    def decode(value: AttributeValue) -> dict[str, Any]:
        return each_value(element.decode, content(value, "M", dict))

    def inline_encode(source: Source, v: str) -> Code:
        result, members = source.variable(), source.variable()
        name, inner_v = source.variable(), source.variable()
        slow = source.constant(encode)
        inner = encode_code(element, source, inner_v).expression
        lines = (
            f"if type({v}) is dict:",
            f"    {members} = {{}}",
            f"    for {name}, {inner_v} in {v}.items():",
            f"        if type({name}) is str and {name} and {name}.isascii() and len({name}) <= {MAX_NAME_BYTES}:",
            f"            {members}[{name}] = {inner}",
            f"        else: {members}.update({slow}({{{name}: {inner_v}}})['M'])",
            f"    {result} = {{'M': {members}}}",
            f"else: {result} = {slow}({v})",
        )
        return Code(result, lines)

    def inline_decode(source: Source, v: str) -> str:
        held, name, inner_v = source.variable(), source.variable(), source.variable()
        slow = source.constant(decode)
        inner = decode_source(element, source, inner_v)
        return (
            f"{{{name}: {inner} for {name}, {inner_v} in {held}.items()}} if len({v}) == 1 and"
            f" type({held} := {v}['M']) is dict else {slow}({v})"
        )

    return Codec(
        name=f"dict[str, {element.name}]",
        encode=encode,
        decode=decode,
        tags=frozenset({"M"}),
        types=(dict,),
        is_scalar=False,
        is_deep=element.is_deep,
        element=element,
        inline_encode=inline_encode if element.is_scalar else None,
        inline_decode=inline_decode if element.is_scalar else None,
        typed=_typed_map(element),
    )


def _typed_map(element: Codec) -> Typed | None:
    inner = element.typed
    if inner is None:
        return None

    def decode(source: Source, v: str) -> str:
        name, member = source.variable(), source.variable()
        return f"{{{name}: {inner.decode(source, member)} for {name}, {member} in {v}.M.items()}}"

    return Typed(map_of(inner.kind), decode)
