"""From a type annotation to the codec of its values.

Annotations are resolved late, so that forward references and
``from __future__ import annotations`` work.
"""

from __future__ import annotations

import inspect
import sys
import types
import typing
from collections import abc
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin
from uuid import UUID

import attrs

from ..errors import DynamoSchemaException
from .anything import any_codec
from .choices import enum_codec, literal_codec
from .codec import Codec
from .containers import dict_codec, list_codec, set_codec, tuple_codec, variadic_tuple_codec
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
)
from .unions import union_codec
from .values import AttributeValue, Invalid

__all__ = [
    "NestedCodec",
    "accepts_none",
    "bound_types",
    "class_hints",
    "codec_for",
    "is_registered",
    "mentions",
    "register_type",
    "resolve",
    "substituted",
]

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

#: Annotations that name no type of values, and what says the same.
_INSTEAD: dict[Any, str] = {
    object: "Any",
    bytearray: "bytes",
    memoryview: "bytes",
    abc.Sequence: "list or tuple",
    abc.MutableSequence: "list",
    abc.Iterable: "list or tuple",
    abc.Collection: "list or tuple",
    abc.Mapping: "dict",
    abc.MutableMapping: "dict",
    abc.Set: "set or frozenset",
    abc.MutableSet: "set",
    typing.Final: "ClassVar, for a constant of the class",
    typing.Self: "the name of the class, in quotes",
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
        encode: Turns a value into one of *stored_as*; a ValueError means that it cannot be stored.
        decode: The other way; a ValueError means that the stored value is bad.

    Raises:
        DynamoSchemaException: *kind* is no class, or values of *stored_as* cannot be stored.
    """
    if not isinstance(kind, type):
        raise DynamoSchemaException(f"register_type() takes a class, not {kind!r}")
    try:
        inner = codec_for(stored_as, FieldOptions(), _no_nested)
    except TypeError as error:
        raise DynamoSchemaException(f"{kind.__name__}: stored_as: {error}") from None

    def encode_own(value: Any) -> AttributeValue:
        if not isinstance(value, kind):
            raise Invalid(f"expected {kind.__name__}, got {type(value).__name__}")
        try:
            stored = encode(value)
        except ValueError:
            raise Invalid(f"this {kind.__name__} cannot be stored") from None
        return inner.encode(stored)

    def decode_own(value: AttributeValue) -> Any:
        stored = inner.decode(value)
        try:
            return decode(stored)
        except ValueError:
            raise Invalid(f"not a stored {kind.__name__}") from None

    _REGISTERED[kind] = Codec(
        name=kind.__name__,
        encode=encode_own,
        decode=decode_own,
        tags=inner.tags,
        types=(kind,),
        key_type=inner.key_type,
        is_deep=not inner.is_scalar,
    )


def is_registered(kind: type) -> bool:
    """Tell whether a user registered this type."""
    return kind in _REGISTERED


def _no_nested(kind: type) -> Codec:
    raise TypeError(f"a plain type is expected, not {kind.__name__}")


def resolve(owner: type, annotations: Mapping[str, Any], local: Mapping[str, Any]) -> dict[str, Any]:
    """Return *annotations* of *owner* with all names in them looked up.

    Raises:
        NameError: A name is not known (yet).
    """
    module = sys.modules.get(owner.__module__)
    holder = types.SimpleNamespace(__annotations__=dict(annotations))
    inner = {
        name: value
        for base in reversed(owner.__mro__[:-1])
        for name, value in vars(base).items()
        if isinstance(value, type) and name != "__class__"
    }
    return typing.get_type_hints(
        holder,
        globalns=vars(module) if module else {},
        localns={**local, **inner, owner.__name__: owner},
        include_extras=True,
    )


def bound_types(owner: type) -> dict[type, dict[Any, Any]]:
    """Return class -> type variable -> type, for the generic classes that *owner* derives from."""
    bound: dict[type, dict[Any, Any]] = {}
    for base in owner.__mro__:
        for parent in vars(base).get("__orig_bases__", ()):
            parameters = getattr(get_origin(parent), "__parameters__", ())
            arguments = (substituted(argument, bound.get(base, {})) for argument in get_args(parent))
            bound.setdefault(get_origin(parent), dict(zip(parameters, arguments, strict=False)))
    return bound


def substituted(annotation: Any, bound: Mapping[Any, Any]) -> Any:
    """Return an annotation with types instead of type variables."""
    if isinstance(annotation, TypeVar):
        return bound.get(annotation, annotation)
    parameters = getattr(annotation, "__parameters__", ())
    if isinstance(annotation, type) or not parameters:
        return annotation
    return annotation[tuple(bound.get(parameter, parameter) for parameter in parameters)]


def _union_members(annotation: Any) -> tuple[Any, ...]:
    if get_origin(annotation) in (Union, types.UnionType):
        return get_args(annotation)
    return ()


def _unwrapped(annotation: Any) -> Any:
    """Return the type behind ``Annotated``, ``NewType`` and ``type`` aliases."""
    while True:
        if get_origin(annotation) is Annotated:
            annotation = get_args(annotation)[0]
        elif isinstance(annotation, typing.NewType):
            annotation = annotation.__supertype__
        elif type(annotation).__name__ == "TypeAliasType":  # ``type X = ...``, from 3.12
            annotation = annotation.__value__
        else:
            return annotation


def _is_any(annotation: Any) -> bool:
    return annotation is Any or isinstance(annotation, TypeVar)


def accepts_none(annotation: Any) -> bool:
    """Tell whether None is a value of the annotation."""
    annotation = _unwrapped(annotation)
    if get_origin(annotation) is Literal:
        return None in get_args(annotation)
    if annotation in (None, type(None)) or _is_any(annotation):
        return True
    return any(accepts_none(member) for member in _union_members(annotation))


def mentions(annotation: Any, kind: Any) -> bool:
    """Tell whether *kind* is the annotation, or stands inside of it."""
    annotation = _unwrapped(annotation)
    args = get_args(annotation)
    if kind is Any and (_is_any(annotation) or (annotation in (list, dict, tuple) and not args)):
        return True
    return annotation is kind or any(mentions(arg, kind) for arg in args)


def codec_for(annotation: Any, options: FieldOptions, nested: NestedCodec, depth: int = 0) -> Codec:
    """Return the codec of values with this annotation, inside of *depth* lists and maps.

    Raises:
        TypeError: Values of this type cannot be stored, or not told apart.
    """

    def inner(annotation: Any, deeper: int = 0) -> Codec:
        return codec_for(annotation, options, nested, depth + deeper)

    annotation = _unwrapped(annotation)
    origin = get_origin(annotation)
    if origin is Literal:
        return _literal(get_args(annotation))
    if members := _union_members(annotation):
        if any(_is_any(_unwrapped(member)) for member in members):
            return inner(Any)
        codecs = [inner(member) for member in members]
        return union_codec(codecs, " | ".join(codec.name for codec in codecs))
    if annotation is datetime and (options.ttl or options.epoch):
        return TTL_DATETIME if options.ttl else EPOCH
    if _is_any(annotation):
        return any_codec(floats=options.numbers is float, depth=depth)
    if (origin or annotation) in (list, tuple, set, frozenset, dict):
        return _container(origin or annotation, get_args(annotation), lambda member: inner(member, 1))
    return _class_codec(annotation, nested)


def _literal(values: tuple[Any, ...]) -> Codec:
    """Return the codec of ``Literal[...]``: of a union, where the values have several types."""
    kinds = dict.fromkeys(type(value) for value in values)
    codecs = [
        NONE if kind is type(None) else literal_codec(tuple(v for v in values if type(v) is kind))
        for kind in kinds
    ]
    return codecs[0] if len(codecs) == 1 else union_codec(codecs, f"Literal{list(values)}")


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
    raise TypeError(f"{shown} cannot be stored: {_advice(kind)}")


def _advice(kind: Any) -> str:
    """Return what to write instead of a type that cannot be stored."""
    origin = get_origin(kind) or kind
    for strange, plain in _INSTEAD.items():
        if origin is strange:
            return f"use {plain}"
    if hasattr(kind, "__dataclass_fields__") or hasattr(kind, "_fields") or typing.is_typeddict(kind):
        return "make it a record or an attrs class, or see register_type()"
    return "see register_type()"


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


def class_hints(record_class: type) -> dict[str, Any]:
    """Return field name -> type, with parents' fields; early resolved ones as they were kept."""
    attributes = {attribute.name: attribute for attribute in attrs.fields(record_class)}
    hints: dict[str, Any] = {name: a.type for name, a in attributes.items() if isinstance(a.type, type)}
    bound = bound_types(record_class)
    for owner in reversed(record_class.__mro__[:-1]):
        kept = vars(owner).get("__dynamo_hints__")
        if kept is None:
            own = inspect.get_annotations(owner)
            kept = resolve(owner, {name: own[name] for name in own if name in attributes}, {})
        hints.update({name: substituted(hint, bound.get(owner, {})) for name, hint in kept.items()})
    return hints
