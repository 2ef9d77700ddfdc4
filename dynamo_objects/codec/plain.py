"""Python values -> JSON types, for people and other programs; nothing here is read back."""

from __future__ import annotations

from typing import Any

import attrs

from .annotations import codec_for, is_registered
from .anything import any_codec
from .options import FieldOptions
from .records import nested_codec
from .values import AttributeValue, Invalid

__all__ = ["json_value"]

_ANY = any_codec()


def json_value(value: Any) -> Any:
    """Return *value* as text, int, float, bool, None, list or dict.

    Raises:
        Invalid: A type that cannot be stored.
    """
    kind = type(value)
    if value is None or kind in (str, bool, int, float):
        return value
    if not is_registered(kind):
        if isinstance(value, list | tuple):
            return [json_value(inner) for inner in value]
        if isinstance(value, set | frozenset):
            return sorted((json_value(inner) for inner in value), key=lambda v: (str(type(v)), v))
        if isinstance(value, dict):
            return {name: json_value(inner) for name, inner in value.items()}
        if hasattr(value, "to_json"):
            return value.to_json()
        if attrs.has(kind):
            return {a.name: json_value(getattr(value, a.name)) for a in attrs.fields(kind)}
    ((tag, held),) = (encoded := _encoded(value)).items()
    if tag == "N":
        return float(held) if "." in held else int(held)
    if tag in ("S", "B", "BOOL"):
        return held
    return json_value(_ANY.decode(encoded))  # a type of the user's, stored as a container


def _encoded(value: Any) -> AttributeValue:
    for kind in type(value).__mro__:  # of a subclass of str or datetime, say
        try:
            codec = codec_for(kind, FieldOptions(), nested_codec)
        except TypeError:
            continue
        return codec.encode(value)
    raise Invalid(f"{type(value).__name__} cannot be stored")
