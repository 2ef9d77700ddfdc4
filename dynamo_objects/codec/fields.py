"""The fields of a record class as the codecs see them: names, types, what is left out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import attrs
import msgspec

from .annotations import NestedCodec, accepts_none, codec_for, mentions
from .codec import Codec
from .members import MAX_DEPTH, TOO_DEEP, nesting_depth
from .options import CopyOf, FieldOptions, field_options, is_empty, needs_copy
from .rules import check_rule
from .values import AttributeValue, Invalid, Item, TooDeep

__all__ = ["FieldCodec", "Missing", "read_fields"]

#: Factories that make an empty value: as good as a literal default.
_EMPTY_FACTORIES: tuple[Any, ...] = (list, dict, set, frozenset, tuple, str, bytes)


class Missing(Invalid):
    """A required attribute is not in the item."""


class FieldCodec(msgspec.Struct, frozen=True, eq=False):
    """One field of a record class.

    Attributes:
        name: Name of the field.
        wire: Name of the attribute.
        codec: Codec of its values.
        options: As declared by ``field(...)``.
        has_literal: Whether a missing attribute has a value: a literal default, or None.
        literal: That value; mutable ones are copied for each record.
        factory: Makes that value where records must not share it; None where they may.
        left_out: The type whose empty value is not stored; None when all values are.
    """

    name: str
    wire: str
    codec: Codec
    options: FieldOptions
    has_literal: bool
    literal: Any
    factory: Callable[[], Any] | None
    left_out: type | None

    def when_missing(self) -> Any:
        """Return the value of a stored item that lacks the attribute."""
        if not self.has_literal:
            raise Missing("required attribute is missing")
        return self.literal if self.factory is None else self.factory()

    def is_left_out(self, value: Any) -> bool:
        """Tell whether *value* is stored by leaving the attribute out."""
        return type(value) is self.left_out and not value

    def encode(self, value: Any) -> AttributeValue | None:
        """Return the attribute value, or None where it is left out."""
        if self.is_left_out(value):
            return None
        try:
            encoded = self.codec.encode(value)
        except RecursionError:
            raise TooDeep(TOO_DEEP) from None
        if self.codec.is_deep and nesting_depth(encoded) > MAX_DEPTH:
            raise TooDeep(TOO_DEEP)
        return encoded

    def decode(self, value: AttributeValue | None) -> Any:
        """Return the Python value of an attribute value, or of a missing one."""
        return self.when_missing() if value is None else self.codec.decode(value)

    def read(self, item: Item) -> Any:
        """Return the Python value in an item."""
        return self.codec.decode(item[self.wire]) if self.wire in item else self.when_missing()


def read_fields(record_class: type, hints: Mapping[str, Any], nested: NestedCodec) -> tuple[FieldCodec, ...]:
    """Return the fields of an attrs class.

    Raises:
        TypeError: A field's values cannot be stored; the message names the field.
    """
    return tuple(
        _read_field(record_class, attribute, hints.get(attribute.name, Any), nested)
        for attribute in attrs.fields(record_class)
    )


def _read_field(
    record_class: type, attribute: attrs.Attribute[Any], hint: Any, nested: NestedCodec
) -> FieldCodec:
    options = field_options(attribute.metadata)
    try:
        codec = codec_for(hint, options, nested)
        _check_options(options, codec, hint)
        has_literal, literal, factory = _literal_default(attribute, codec)
    except TypeError as error:
        raise TypeError(f"{record_class.__name__}.{attribute.name}: {error}") from None
    if not has_literal and accepts_none(hint):
        has_literal, literal = True, None
    left_out = None
    if has_literal and attribute.default is not attrs.NOTHING and is_empty(literal):
        left_out = type(literal)
    if literal is None and options.null == "store":
        left_out = None
    return FieldCodec(
        name=attribute.name,
        wire=options.name or attribute.name,
        codec=codec,
        options=options,
        has_literal=has_literal,
        literal=literal,
        factory=factory,
        left_out=left_out,
    )


def _check_options(options: FieldOptions, codec: Codec, hint: Any) -> None:
    kinds = set(codec.types) - {type(None)}
    if options.ttl and kinds not in ({datetime}, {int}):
        raise TypeError(f"a field with ttl=True is a datetime (or an int: seconds), not {codec.name}")
    if options.version and kinds != {int}:
        raise TypeError(f"a field with version=True is an int, not {codec.name}")
    if options.epoch and not mentions(hint, datetime):
        raise TypeError(f"epoch=True is for datetime, not {codec.name}")
    if options.numbers is not None and not mentions(hint, Any):
        raise TypeError(f"numbers=float is for Any, not {codec.name}")
    check_rule(options.merge, codec)


def _literal_default(
    attribute: attrs.Attribute[Any], codec: Codec
) -> tuple[bool, Any, Callable[[], Any] | None]:
    """Return whether there is a literal default, its value, and how to copy it.

    Other factories make new values, ids or times, which must not be invented for old items.
    """
    default: Any = attribute.default
    if default is attrs.NOTHING:
        return False, None, None
    if isinstance(default, attrs.Factory):  # type: ignore[arg-type]
        if isinstance(default.factory, CopyOf):
            default = default.factory.value
        elif default.factory in _EMPTY_FACTORIES:
            default = default.factory()
        elif attrs.has(default.factory):
            # A nested record without attributes: what is literal in it, and no ids or times either.
            return True, attrs.NOTHING, lambda: codec.decode({"M": {}})
        else:
            return False, None, None
    literal = _fitting(default, attribute, codec)
    return True, literal, CopyOf(literal) if needs_copy(literal) else None


def _fitting(literal: Any, attribute: attrs.Attribute[Any], codec: Codec) -> Any:
    """Return the default as it is if it can be stored, and else what the converter makes of it.

    None stays None: a converter that makes an id or a time of it shall not do so for old items.
    """
    if literal is None:
        return None
    try:
        codec.encode(literal)
    except Invalid as invalid:
        convert: Any = attribute.converter
        if convert is None or isinstance(convert, attrs.Converter):
            raise TypeError(f"its default cannot be stored: {invalid}") from None
        try:
            converted = convert(literal)
            codec.encode(converted)
        except Invalid as other:
            raise TypeError(f"its default cannot be stored: {other}") from None
        except Exception as error:
            raise TypeError(f"its converter fails with its default: {type(error).__name__}") from None
        return converted
    return literal
