"""From botocore's models of operations to functions that do its work for frequent requests and replies.

A check tells whether botocore would accept a request and whether plain JSON says the same, so
that nothing but one ``encode`` is left to do. A reader turns the JSON of a reply into what
botocore's parser gives. Whatever is out of the ordinary is left to botocore.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["Check", "Reader", "check_of", "reader_of"]

#: Whether a value is legal, and its JSON is the obvious one.
Check = Callable[[Any], bool]
#: From JSON to what botocore gives; None: as it is.
Reader = Callable[[Any], Any] | None

#: A structure that means an attribute value in all operations.
_VALUE = "AttributeValue"
_TAGS = frozenset({"S", "N", "B", "SS", "NS", "BS", "M", "L", "NULL", "BOOL"})


def _never(value: Any) -> bool:
    return False


def _is_text(value: Any) -> bool:
    return type(value) is str


def _is_bool(value: Any) -> bool:
    return type(value) is bool


def _is_bytes(value: Any) -> bool:
    return type(value) is bytes


def _is_value(value: Any) -> bool:
    """Tell whether this is an attribute value; written out, since most of the time is spent here."""
    if type(value) is not dict:
        return False
    for tag, held in value.items():
        kind = type(held)
        if kind is str:
            if tag != "S" and tag != "N":
                return False
        elif kind is dict:
            if tag != "M" or not _is_item(held):
                return False
        elif kind is list:
            if not _is_members(tag, held):
                return False
        elif kind is bool:
            if tag != "BOOL" and tag != "NULL":
                return False
        elif kind is not bytes or tag != "B":
            return False
    return True


def _is_members(tag: str, held: list[Any]) -> bool:
    if tag == "L":
        return all(map(_is_value, held))
    if tag in ("SS", "NS"):
        return all(type(member) is str for member in held)
    return tag == "BS" and all(type(member) is bytes for member in held)


def _is_item(item: Any) -> bool:
    if type(item) is not dict:
        return False
    return all(type(name) is str and _is_value(value) for name, value in item.items())


def check_of(shape: Any) -> Check:
    """Return the check of a request's shape; it may say no to what botocore takes, never the reverse."""
    least = shape.metadata.get("min", 0)
    match shape.type_name:
        case "structure":
            return _is_value if shape.name == _VALUE else _structure_check(shape)
        case "map":
            return _map_check(shape, least)
        case "list":
            member = check_of(shape.member)
            return lambda value: type(value) is list and len(value) >= least and all(map(member, value))
        case "string":
            return _is_text if not least else lambda value: type(value) is str and len(value) >= least
        case "integer" | "long":
            limit = shape.metadata.get("min", float("-inf"))
            return lambda value: type(value) is int and value >= limit
        case "boolean":
            return _is_bool
        case "blob":
            return _is_bytes
    return _never  # of timestamps and floats


def _map_check(shape: Any, least: int) -> Check:
    key, value_check = check_of(shape.key), check_of(shape.value)

    def check(value: Any) -> bool:
        if type(value) is not dict or len(value) < least:
            return False
        return all(key(name) and value_check(inner) for name, inner in value.items())

    return check


def _structure_check(shape: Any) -> Check:
    if shape.is_document_type or shape.is_tagged_union:
        return _never
    members = {name: _member_check(name, member) for name, member in shape.members.items()}
    required = frozenset(shape.metadata.get("required", ()))

    def check(value: Any) -> bool:
        if type(value) is not dict or not required <= value.keys():
            return False
        for name, inner in value.items():
            member = members.get(name)
            if member is None or not member(inner):
                return False
        return True

    return check


def _member_check(name: str, shape: Any) -> Check:
    is_renamed = shape.serialization.get("name", name) != name
    return _never if is_renamed else check_of(shape)


def reader_of(shape: Any, *, has_binaries: bool, read_time: Callable[[Any], Any]) -> Reader:
    """Return the reader of a reply's shape; of None, which is the shape of replies without members, none.

    Args:
        has_binaries: Whether attribute values may hold bytes; without any, items are as JSON has them.
        read_time: Gives the datetime of a timestamp.
    """

    def inner(part: Any) -> Reader:
        return reader_of(part, has_binaries=has_binaries, read_time=read_time)

    match shape and shape.type_name:
        case "structure":
            if shape.name == _VALUE:
                return _value_with_bytes if has_binaries else None
            return _structure_reader({name: inner(member) for name, member in shape.members.items()})
        case "map":
            return _map_reader(inner(shape.value))
        case "list":
            return _list_reader(inner(shape.member))
        case "blob":
            return b64decode
        case "timestamp":
            return read_time
    return None


def _structure_reader(members: Mapping[str, Reader]) -> Reader:
    """Return a reader that leaves out unknown members and nulls."""

    def read(value: Any) -> Any:
        if value is None:
            return None
        found = {}
        for name, inner in value.items():
            if inner is not None and name in members:
                member = members[name]
                found[name] = inner if member is None else member(inner)
        return found

    return read


def _map_reader(inner: Reader) -> Reader:
    if inner is None:
        return None
    return lambda value: {name: inner(held) for name, held in value.items()}


def _list_reader(inner: Reader) -> Reader:
    if inner is None:
        return None
    return lambda value: [None if held is None else inner(held) for held in value]


def _value_with_bytes(value: Any) -> Any:
    if value is None:
        return None
    found = {}
    for tag, held in value.items():
        if held is None or tag not in _TAGS:
            continue
        if tag == "B":
            held = b64decode(held)
        elif tag == "BS":
            held = [b64decode(member) for member in held]
        elif tag == "M":
            held = {name: _value_with_bytes(inner) for name, inner in held.items()}
        elif tag == "L":
            held = [_value_with_bytes(inner) for inner in held]
        found[tag] = held
    return found
