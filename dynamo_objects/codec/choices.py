"""Codecs of one of several values: enums and literals."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from enum import Enum, Flag
from typing import Any

from .codec import Codec, Source, Typed
from .scalars import BOOL, BYTES, DECIMAL, INT, NONE, STR, refuse
from .values import AttributeValue, Invalid

__all__ = ["enum_codec", "literal_codec"]


def _plain_codec(values: Iterable[Any], what: str) -> Codec:
    by_type = {str: STR, int: INT, bool: BOOL, bytes: BYTES, Decimal: DECIMAL, type(None): NONE}
    kinds = {type(value) for value in values}
    if len(kinds) == 1 and (kind := kinds.pop()) in by_type:
        return by_type[kind]
    raise TypeError(f"{what}: all values must have one type of str, int, bytes, bool or Decimal")


def enum_codec(kind: type[Enum]) -> Codec:
    """Return the codec of an enum, whose members are stored as their values."""
    plain = _plain_codec((_plain_value(member) for member in kind), f"enum {kind.__name__}")

    def encode(value: Any) -> AttributeValue:
        if not isinstance(value, kind):
            raise refuse(value, kind.__name__)
        return plain.encode(_plain_value(value))

    def member(held: Any) -> Enum:
        try:
            found = kind(held)
        except ValueError:
            raise Invalid(f"not a value of {kind.__name__}") from None
        if isinstance(found, Flag) and _plain_value(found) != held:
            # Early releases of Python 3.11 drop bits that they do not know.
            raise Invalid(f"not a value of {kind.__name__}")
        return found

    return Codec(
        name=kind.__name__,
        encode=encode,
        decode=lambda value: member(plain.decode(value)),
        tags=plain.tags,
        types=(kind,),
        key_type=plain.key_type,
        typed=_typed(plain, member),
    )


def _typed(plain: Codec, convert: Callable[[Any], Any]) -> Typed | None:
    inner = plain.typed
    if inner is None:
        return None

    def decode(source: Source, v: str) -> str:
        return f"{source.constant(convert)}({inner.decode(source, v)})"

    return Typed(inner.kind, decode)


def _plain_value(member: Enum) -> Any:
    value = member.value
    for kind in (str, int):  # an enum whose values are of a subclass of these
        if isinstance(value, kind) and not isinstance(value, bool):
            return kind(value)
    return value


def literal_codec(values: tuple[Any, ...]) -> Codec:
    """Return the codec of ``Literal[...]`` with values of one type."""
    members = {(type(value), value) for value in values}
    kinds = {kind for kind, _ in members}
    if len(kinds) == 1 and issubclass(kind := kinds.pop(), Enum):
        plain = enum_codec(kind)
    else:
        plain = _plain_codec(values, f"Literal{list(values)}")

    def check(value: Any) -> Any:
        if type(value) in plain.types and (type(value), value) in members:
            return value
        raise Invalid(f"expected one of {list(values)}, got another {type(value).__name__}")

    return Codec(
        name=f"Literal{list(values)}",
        encode=lambda value: plain.encode(check(value)),
        decode=lambda value: check(plain.decode(value)),
        tags=plain.tags,
        types=plain.types,
        key_type=plain.key_type,
        typed=_typed(plain, check),
    )
