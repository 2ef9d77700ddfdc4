"""Python values -> JSON types, for people and other programs; nothing here is read back."""

from __future__ import annotations

from typing import Any

import attrs

from .annotations import codec_for
from .options import FieldOptions
from .records import nested_codec
from .values import Invalid

__all__ = ["json_value"]


def json_value(value: Any) -> Any:
    """Return *value* as text, int, float, bool, None, list or dict.

    Raises:
        Invalid: A type that cannot be stored.
    """
    if value is None or (isinstance(value, bool | str) and type(value) in (bool, str)):
        return value
    if isinstance(value, list | tuple):
        return [json_value(inner) for inner in value]
    if isinstance(value, set | frozenset):
        return sorted((json_value(inner) for inner in value), key=lambda v: (str(type(v)), v))
    if isinstance(value, dict):
        return {name: json_value(inner) for name, inner in value.items()}
    if hasattr(value, "to_json"):
        return value.to_json()
    if attrs.has(type(value)):
        return {a.name: json_value(getattr(value, a.name)) for a in attrs.fields(type(value))}
    return _scalar(value)


def _scalar(value: Any) -> Any:
    if isinstance(value, float | int) and type(value) in (float, int):
        return value
    try:
        ((tag, held),) = codec_for(type(value), FieldOptions(), nested_codec).encode(value).items()
    except TypeError as error:
        raise Invalid(str(error)) from None
    if tag != "N":
        return held
    return float(held) if "." in held else int(held)
