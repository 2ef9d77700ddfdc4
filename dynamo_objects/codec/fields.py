"""The fields of a record class as the codecs see them: names, types, what is left out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import attrs

from .annotations import NestedCodec, accepts_none, codec_for
from .codec import Codec
from .options import CopyOf, FieldOptions, field_options, is_empty
from .values import AttributeValue, Invalid

__all__ = ["FieldCodec", "Missing", "read_fields"]

#: Factories that make an empty value: as good as a literal default.
_EMPTY_FACTORIES = (list, dict, set, frozenset, tuple, str, bytes)


class Missing(Invalid):
    """A required attribute is not in the item."""


@attrs.frozen(eq=False)
class FieldCodec:
    """One field of a record class.

    Attributes:
        name: Name of the field.
        wire: Name of the attribute.
        codec: Codec of its values.
        options: As declared by ``field(...)``.
        has_literal: Whether a missing attribute has a value: a literal default, or None.
        literal: That value; mutable ones are copied for each record.
        factory: Makes a fresh copy of a mutable literal; None for immutable ones.
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
        return None if self.is_left_out(value) else self.codec.encode(value)

    def decode(self, value: AttributeValue | None) -> Any:
        """Return the Python value of an attribute value, or of a missing one."""
        return self.when_missing() if value is None else self.codec.decode(value)


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
    except TypeError as error:
        raise TypeError(f"{record_class.__name__}.{attribute.name}: {error}") from None
    has_literal, literal, factory = _literal_default(attribute.default)
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


def _literal_default(default: Any) -> tuple[bool, Any, Callable[[], Any] | None]:
    """Return whether there is a literal default, its value, and how to copy it.

    Other factories make new values, ids or times, which must not be invented for old items.
    """
    factory = getattr(default, "factory", None)
    if default is attrs.NOTHING:
        return False, None, None
    if not isinstance(default, attrs.Factory):  # type: ignore[arg-type]
        return True, default, None
    if isinstance(factory, CopyOf):
        return True, factory.value, factory
    if factory in _EMPTY_FACTORIES:
        return True, factory(), factory
    return False, None, None
