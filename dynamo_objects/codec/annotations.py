"""From a type annotation to the codec of its values.

Annotations are resolved late, so that forward references and
``from __future__ import annotations`` work.
"""

from __future__ import annotations

import sys
import types
import typing
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin
from uuid import UUID

import attrs

from .codec import Codec
from .containers import (
    any_codec,
    dict_codec,
    list_codec,
    set_codec,
    tuple_codec,
    union_codec,
    variadic_tuple_codec,
)
from .options import FieldOptions
from .scalars import (
    BOOL,
    BYTES,
    DATE,
    DATETIME,
    DECIMAL,
    EPOCH,
    FLOAT,
    INT,
    NONE,
    STR,
    TTL_DATETIME,
    UUID_CODEC,
    enum_codec,
    literal_codec,
)
from .values import AttributeValue, Invalid

__all__ = ["accepts_none", "codec_for", "register_type", "resolve"]

_PLAIN: dict[Any, Codec] = {
    str: STR,
    int: INT,
    float: FLOAT,
    Decimal: DECIMAL,
    bytes: BYTES,
    bool: BOOL,
    None: NONE,
    type(None): NONE,
    datetime: DATETIME,
    date: DATE,
    UUID: UUID_CODEC,
}

#: Types that users registered; filled by register_type only.
_REGISTERED: dict[type, Codec] = {}

_Own = TypeVar("_Own")
_Stored = TypeVar("_Stored")

#: Makes the codec of a nested attrs class.
NestedCodec = Callable[[type], Codec]


def register_type(
    kind: type[_Own],
    *,
    stored_as: type[_Stored],
    encode: Callable[[_Own], _Stored],
    decode: Callable[[_Stored], _Own],
) -> None:
    """Let fields be annotated with a type of one's own.

    Register before records with such fields are first used. Values must be immutable
    and comparable with ``==``, and ``decode(encode(value)) == value`` must hold.

    Args:
        kind: The type.
        stored_as: A supported type, for example ``str`` or ``Decimal``.
        encode: Turns a value into one of *stored_as*.
        decode: The other way; a ValueError means that the stored value is bad.
    """
    inner = codec_for(stored_as, FieldOptions(), _no_nested)

    def encode_own(value: Any) -> AttributeValue:
        if not isinstance(value, kind):
            raise Invalid(f"expected {kind.__name__}, got {type(value).__name__}")
        return inner.encode(encode(value))

    def decode_own(value: AttributeValue) -> Any:
        try:
            return decode(inner.decode(value))
        except ValueError:
            raise Invalid(f"not a stored {kind.__name__}") from None

    _REGISTERED[kind] = Codec(
        name=kind.__name__,
        encode=encode_own,
        decode=decode_own,
        tags=inner.tags,
        types=(kind,),
        key_type=inner.key_type,
    )


def _no_nested(kind: type) -> Codec:
    raise TypeError(f"stored_as must be a plain type, not {kind.__name__}")


def resolve(owner: type, annotations: Mapping[str, Any], local: Mapping[str, Any]) -> dict[str, Any]:
    """Return *annotations* of *owner* with all names in them looked up.

    Raises:
        NameError: A name is not known (yet).
    """
    module = sys.modules.get(owner.__module__)
    holder = types.SimpleNamespace(__annotations__=dict(annotations))
    return typing.get_type_hints(
        holder,
        globalns=vars(module) if module else {},
        localns={owner.__name__: owner, **local},
        include_extras=True,
    )


def _union_members(annotation: Any) -> tuple[Any, ...]:
    if get_origin(annotation) in (Union, types.UnionType):
        return get_args(annotation)
    return ()


def accepts_none(annotation: Any) -> bool:
    """Tell whether None is a value of the annotation."""
    if get_origin(annotation) is Annotated:
        return accepts_none(get_args(annotation)[0])
    return annotation in (None, type(None), Any) or type(None) in _union_members(annotation)


def codec_for(annotation: Any, options: FieldOptions, nested: NestedCodec, depth: int = 0) -> Codec:
    """Return the codec of values with this annotation, inside of *depth* lists and maps.

    Raises:
        TypeError: Values of this type cannot be stored, or not told apart.
    """

    def inner(annotation: Any, deeper: int = 0) -> Codec:
        return codec_for(annotation, options, nested, depth + deeper)

    origin = get_origin(annotation)
    if origin is Annotated:
        return inner(get_args(annotation)[0])
    if origin is Literal:
        return literal_codec(get_args(annotation))
    if members := _union_members(annotation):
        codecs = [inner(member) for member in members]
        return union_codec(codecs, " | ".join(codec.name for codec in codecs))
    if isinstance(annotation, typing.NewType):
        return inner(annotation.__supertype__)
    if annotation is datetime and (options.ttl or options.epoch):
        return TTL_DATETIME if options.ttl else EPOCH
    if annotation is Any or isinstance(annotation, TypeVar):
        return any_codec(floats=options.numbers is float, depth=depth)
    if (origin or annotation) in (list, tuple, set, frozenset, dict):
        return _container(origin or annotation, get_args(annotation), lambda member: inner(member, 1))
    return _class_codec(annotation, nested)


def _class_codec(kind: Any, nested: NestedCodec) -> Codec:
    try:
        if kind in _REGISTERED:
            return _REGISTERED[kind]
        if kind in _PLAIN:
            return _PLAIN[kind]
    except TypeError:  # not hashable, so certainly not a type
        pass
    if isinstance(kind, type):
        if issubclass(kind, Enum):
            return enum_codec(kind)
        if attrs.has(kind):
            return nested(kind)
    shown = kind.__name__ if isinstance(kind, type) else str(kind)
    raise TypeError(f"{shown} cannot be stored: see register_type()")


def _container(kind: Any, args: tuple[Any, ...], inner: Callable[[Any], Codec]) -> Codec:
    if kind is tuple:
        if not args:
            return variadic_tuple_codec(inner(Any))
        if len(args) == 2 and args[1] is Ellipsis:
            return variadic_tuple_codec(inner(args[0]))
        return tuple_codec([inner(arg) for arg in args if arg != ()])
    if kind is dict:
        if args and args[0] is not str:
            raise TypeError("dict keys must be str: attribute names are text")
        return dict_codec(inner(args[1] if args else Any))
    element = inner(args[0] if args else Any)
    if kind is list:
        return list_codec(element)
    if not args:
        raise TypeError(f"{kind.__name__} needs its type of members: {kind.__name__}[str], say")
    return set_codec(kind, element)
