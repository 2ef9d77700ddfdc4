"""Wrong JSON types, in the service's words: what its front says before anything else.

The front reads a request as it comes, so the first wrong place in the text is reported.
Members that are null are as good as absent, and are taken out; unknown members are ignored.

Source of the wordings: what AWS answered to dynalite's tests (helpers.js, since 2019), which
dynoxide's runs against AWS confirm (2026).
"""

from __future__ import annotations

import re
from binascii import Error as WrongBase64
from binascii import a2b_base64
from typing import Any

from ..errors import ApiError, malformed
from .kinds import AttributeValues, Flag, Keyed, Kind, Many, Struct, TableNames, Text, Whole

__all__ = ["read"]

_PACKAGE = "com.amazonaws.dynamodb.v20120810."
_STRUCTURE = "Start of structure or map found where not expected"
_NO_LIST = "Unrecognized collection type "
#: What a Java exception says of a list or map that stands in a list or map and is something else.
_CAST = (
    "class sun.reflect.generics.reflectiveObjects.ParameterizedTypeImpl cannot be cast to class "
    "java.lang.Class (sun.reflect.generics.reflectiveObjects.ParameterizedTypeImpl and java.lang.Class "
    "are in module java.base of loader 'bootstrap')"
)
#: Attribute values are read no deeper here: values that are nested so deeply are refused as such.
_DEEPEST = 64

_TEXTS = {"S", "N"}
_FLAGS = {"BOOL", "NULL"}
_LISTS = {"SS", "NS", "BS", "L"}


def read(kind: Kind, value: Any, *, inner: bool = False) -> Any:
    """Return a value that has the JSON types of its kind, without null members.

    Args:
        inner: It stands in a list or a map, not in a structure.

    Raises:
        ApiError: SerializationException.
    """
    match kind:
        case Text() | TableNames():
            return _text(value)
        case Whole():
            return _whole(value, kind.java)
        case Flag():
            return _flag(value)
        case AttributeValues():
            return _attribute_value(value, inner, 0)
        case Many():
            return _list(kind, value, inner)
        case Keyed():
            return _map(kind, value, inner)
        case Struct():
            return _struct(kind, value, inner)


def _text(value: Any) -> str:
    if type(value) is str:
        return value
    raise _not_a(value, "String", "java.lang.String")


def _whole(value: Any, java: str) -> int:
    if type(value) is int:
        return value
    if type(value) is float:
        return int(value)  # cut off, as Java's longValue does
    raise _not_a(value, java, f"java.lang.{java}")


def _flag(value: Any) -> bool:
    if type(value) is bool:
        return value
    if type(value) is str:
        raise malformed("Unexpected token received from parser")
    raise _not_a(value, "Boolean", "java.lang.Boolean")


def _not_a(value: Any, short: str, java: str) -> ApiError:
    if type(value) is dict:
        return malformed(_STRUCTURE)
    if type(value) is list:
        return malformed(f"{_NO_LIST}class {java}")
    return malformed(f"{_token(value)} cannot be converted to {short}")


def _token(value: Any) -> str:
    """Return how the service's JSON parser calls what it met."""
    if type(value) is bool:
        return "TRUE_VALUE" if value else "FALSE_VALUE"
    if type(value) is str:
        return "STRING_VALUE"
    return "DECIMAL_VALUE" if type(value) is float else "NUMBER_VALUE"


def _list(kind: Many, value: Any, inner: bool) -> list[Any]:
    if type(value) is dict:
        raise malformed(_STRUCTURE)
    if type(value) is not list:
        raise malformed(_CAST if inner else "Unexpected field type")
    return [None if one is None else read(kind.of, one, inner=True) for one in value]


def _map(kind: Keyed, value: Any, inner: bool) -> dict[str, Any]:
    if type(value) is list:
        raise malformed(f"{_NO_LIST}java.util.Map<java.lang.String, {_java(kind.of)}>")
    if type(value) is not dict:
        raise malformed(_CAST if inner else "Unexpected field type")
    for name, one in value.items():
        if one is not None:
            value[name] = read(kind.of, one, inner=True)
    return value


def _struct(kind: Struct, value: Any, inner: bool) -> dict[str, Any]:
    _need_object(value, kind.java, inner)
    for name in [name for name in value if name in kind.members]:
        if value[name] is None:
            del value[name]
        else:
            value[name] = read(kind.members[name], value[name])
    held: dict[str, Any] = value
    return held


def _need_object(value: Any, java: str, inner: bool) -> None:
    if type(value) is list:
        raise malformed(f"{_NO_LIST}class {_PACKAGE}{java}")
    if type(value) is not dict:
        raise malformed("Unexpected value type in payload" if inner else "Unexpected field type")


def _java(kind: Kind) -> str:
    if isinstance(kind, Struct):
        return _PACKAGE + kind.java
    if isinstance(kind, AttributeValues):
        return f"{_PACKAGE}AttributeValue"
    if isinstance(kind, Many):
        return f"java.util.List<{_java(kind.of)}>"
    return "java.lang.String"


def _attribute_value(value: Any, inner: bool, depth: int) -> dict[str, Any]:
    _need_object(value, "AttributeValue", inner)
    for tag, held in value.items():
        if held is not None and depth < _DEEPEST:
            _content(tag, held, depth)
    held_value: dict[str, Any] = value
    return held_value


def _content(tag: str, held: Any, depth: int) -> None:
    if tag in _TEXTS:
        _text(held)
    elif tag in _FLAGS:
        _flag(held)
    elif tag == "B":
        _binary(held)
    elif tag in _LISTS:
        _elements(tag, held, depth)
    elif tag == "M":
        if type(held) is list:
            raise malformed(f"{_NO_LIST}java.util.Map<java.lang.String, {_PACKAGE}AttributeValue>")
        if type(held) is not dict:
            raise malformed("Unexpected field type")
        for one in held.values():
            if one is not None:
                _attribute_value(one, True, depth + 1)


def _elements(tag: str, held: Any, depth: int) -> None:
    if type(held) is dict:
        raise malformed(_STRUCTURE)
    if type(held) is not list:
        raise malformed("Unexpected field type")
    for one in held:
        if one is None:
            continue
        if tag == "L":
            _attribute_value(one, True, depth + 1)
        elif tag == "BS":
            _binary(one)
        else:
            _text(one)


def _binary(held: Any) -> None:
    if type(held) in (dict, list):
        raise _not_a(held, "", "java.nio.ByteBuffer")
    if type(held) is not str:
        raise malformed("only base-64-encoded strings are convertible to bytes")
    if len(held) % 4:
        found = f"Base64 encoded length is expected a multiple of 4 bytes but found: {len(held)}"
        raise malformed(found)
    if wrong := re.search(r"[^A-Za-z0-9+/=]", held):
        raise malformed(f"Invalid Base64 character: '{wrong[0]}'")
    try:
        a2b_base64(held, strict_mode=True)
    except WrongBase64:
        raise malformed("Invalid last non-pad Base64 character dectected") from None
