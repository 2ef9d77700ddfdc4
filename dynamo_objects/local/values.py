"""Attribute values in requests: checked, and with their numbers in normal form.

The same value comes back if nothing had to be changed: nobody else holds a request's values.
"""

from __future__ import annotations

from binascii import Error as Base64Error
from binascii import a2b_base64
from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache
from typing import Any

from ..codec.sizes import number_size, plain_size, values_size
from ..codec.values import AttributeValue, Item
from .errors import ApiError, invalid, invalid_parameter, malformed
from .numbers import is_plain, normal_number

__all__ = ["MAX_DEPTH", "check_name", "checked_item", "checked_value", "is_deeper", "sized_item", "type_of"]

#: Lists and maps that may stand inside each other, the attribute's own value counted
#: (31 pass and 32 fail on DynamoDB Local and dynoxide; Developer Guide, "Quotas": 32 levels).
MAX_DEPTH = 31

#: Bytes of an attribute's name (Developer Guide, "Quotas"; DynamoDB Local for the wording).
_MAX_NAME_BYTES = 65535
#: A shorter name cannot have so many.
_LONG_NAME = _MAX_NAME_BYTES // 4

_NO_NAME = "Empty attribute name"
_TOO_DEEP = (
    "Nesting Levels have exceeded supported limits: "
    "Attributes in the item have nested levels beyond supported limit"
)

_TAGS = frozenset({"S", "N", "B", "SS", "NS", "BS", "L", "M", "NULL", "BOOL"})


def type_of(value: AttributeValue) -> str:
    """Return the type tag of an attribute value."""
    (tag,) = value
    return tag


def checked_item(raw: dict[str, Any]) -> Item:
    """Return the attribute values of a request's map of attributes.

    Raises:
        ApiError: One is none.
    """
    return _checked(raw)[0]


def sized_item(raw: dict[str, Any]) -> tuple[Item, int]:
    """Return the attribute values of a request's map of attributes, and their size in bytes.

    Raises:
        ApiError: One is none.
    """
    size = plain_size(raw, _LONG_NAME)
    if size >= 0:
        return raw, size
    item, size, others = _checked(raw)
    return item, size + values_size(others) if others else size


def _checked(raw: dict[str, Any]) -> tuple[Item, int, list[AttributeValue]]:
    """Return the attribute values, the bytes of all names and of those that are plain, and the others."""
    changed: dict[str, AttributeValue] = {}
    others: list[AttributeValue] = []
    names = "".join(raw)
    size = len(names) if names.isascii() else len(names.encode("utf-8", "surrogatepass"))
    is_odd = len(names) > _LONG_NAME or "" in raw
    try:
        for name, value in raw.items():
            try:
                ((tag, held),) = value.items()
            except (AttributeError, ValueError):
                tag = held = ""
            # Most values are one of these: seen without a call.
            if tag == "S" and type(held) is str and held.isascii():
                size += len(held)
            elif tag == "N" and type(held) is str:
                if is_plain(held):
                    size += number_size(held)
                else:
                    normal, count = _number_and_size(held)
                    size += count
                    if normal != held:
                        changed[name] = {"N": normal}
            elif tag == "BOOL" and (held is True or held is False):
                size += 1
            else:
                checked = checked_value(value)
                others.append(checked)
                if checked is not value:
                    changed[name] = checked
            if is_odd and (not name or len(name) > _LONG_NAME):
                check_name(name)
    except ApiError as error:
        raise _first_of(raw, error) from None
    return {**raw, **changed} if changed else raw, size, others


@lru_cache(maxsize=4096)
def _number_and_size(text: str) -> tuple[str, int]:
    """Return the normal form of a number and its bytes; the same numbers come again and again."""
    normal = normal_number(text)
    return normal, number_size(normal)


def _first_of(raw: dict[str, Any], found: ApiError) -> ApiError:
    """Return what AWS finds first: an attribute without a name, too deep values, empty names inside of them.

    Source: deepRequests.test.ts of the Parity Suite (ten regions, October 2026).
    """
    if found.message == _TOO_DEEP and "" in raw:
        return invalid(_NO_NAME)
    if found.message == _NO_NAME and "" not in raw and is_deeper(raw, 2 * MAX_DEPTH + 1):
        return invalid(_TOO_DEEP)
    return found


def is_deeper(value: Any, levels: int) -> bool:
    """Tell whether lists and objects of JSON stand in each other in more than so many levels."""
    layer = [value]
    for _ in range(levels):
        members = (one.values() if type(one) is dict else one for one in layer)
        layer = [inner for held in members for inner in held if type(inner) in (dict, list)]
        if not layer:
            return False
    return True


def checked_value(raw: Any, depth: int = 0) -> AttributeValue:
    """Return a request's attribute value with numbers in their normal form.

    Args:
        depth: How many lists and maps stand around it.

    Raises:
        ApiError: It is none.
    """
    if type(raw) is not dict:
        raise _no_value(raw)
    if len(raw) != 1:
        raw = _single(raw)
    value: AttributeValue = raw
    ((tag, held),) = value.items()
    if held is None:  # as good as absent
        raise _empty()
    if tag == "S":
        if type(held) is str and (held.isascii() or _is_utf8(held)):
            return value
        raise _not_text(held)
    if tag == "N":
        return value if is_plain(held) else {"N": _number(held)}
    check = _CHECKS.get(tag)
    if check is None:
        raise _empty()
    return check(raw, held, depth)


def _number(held: Any) -> str:
    if type(held) is not str:
        raise _not_text(held)
    return normal_number(held)


def _no_value(raw: Any) -> ApiError:
    if raw is None:
        return _empty()
    return malformed("Unexpected value type in payload")


def _empty() -> ApiError:
    return invalid("Supplied AttributeValue is empty, must contain exactly one of the supported datatypes")


def _single(raw: dict[str, Any]) -> dict[str, Any]:
    """Return the one member with a type tag; others are unknown members, which the service ignores."""
    known = {tag: held for tag, held in raw.items() if tag in _TAGS and held is not None}
    if len(known) == 1:
        return known
    if not known:
        raise _empty()
    for tag, held in known.items():  # each is looked at before they are counted
        checked_value({tag: held})
    raise invalid(
        "Supplied AttributeValue has more than one datatypes set, "
        "must contain exactly one of the supported datatypes"
    )


# --- texts and binaries -------------------------------------------------------------------


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise malformed("") from None
    return True


def _not_text(held: Any) -> ApiError:
    if type(held) is str:
        return malformed("")
    return malformed(f"{_json_type(held)} cannot be converted to String")


def _json_type(held: Any) -> str:
    """Return what the service calls a JSON value of a wrong type."""
    match held:
        case True:
            return "TRUE_VALUE"
        case False:
            return "FALSE_VALUE"
        case None:
            return "NULL_VALUE"
        case int():
            return "NUMBER_VALUE"
        case float():
            return "DECIMAL_VALUE"
        case str():
            return "STRING_VALUE"
        case list():
            return "START_ARRAY"
    return "START_OBJECT"


def _check_binary(raw: Any, held: Any, depth: int) -> AttributeValue:
    text = _binary(held)
    return raw if text is held else {"B": text}


def _binary(held: Any) -> str:
    """Return the base64 text of a binary as everybody writes it: unused bits are zero."""
    if type(held) is not str:
        raise malformed(f"{_json_type(held)} cannot be converted to Blob")
    try:
        a2b_base64(held, strict_mode=True)
    except (Base64Error, ValueError):
        raise malformed("Invalid base64") from None
    if len(held) % 4:
        raise malformed("Invalid base64")
    return held


# --- bool and NULL ------------------------------------------------------------------------


def _check_bool(raw: Any, held: Any, depth: int) -> AttributeValue:
    if type(held) is not bool:
        raise malformed(f"{_json_type(held)} cannot be converted to Boolean")
    value: AttributeValue = raw
    return value


def _check_null(raw: Any, held: Any, depth: int) -> AttributeValue:
    # Some regions stored false as true for a while; since July 2026 all refuse it
    # (github.com/paritysuite/dynamodb-conformance, error-messages/putItem.test.ts).
    if not _check_bool(raw, held, depth)["NULL"]:
        raise invalid_parameter("Null attribute value types must have the value of true")
    value: AttributeValue = raw
    return value


# --- sets ---------------------------------------------------------------------------------
# Their members are kept in AWS's order: texts and binaries by bytes, which for texts is the order of
# code points, numbers by value (Parity Suite, tier1/updateItem/basic.test.ts, October 2026).


def _check_text_set(raw: Any, held: Any, depth: int) -> AttributeValue:
    members = _members(held)
    for member in members:
        if type(member) is not str or not (member.isascii() or _is_utf8(member)):
            raise _not_text(member)
    if not members:
        raise invalid_parameter("An string set  may not be empty")
    if len(set(members)) != len(members):
        quoted = ", ".join(f'"{member}"' for member in _up_to_repeat(members, str.encode))
        raise _duplicates(f"[{quoted}] contains", f"[{', '.join(members)}] contains")
    return {"SS": sorted(members)}


def _check_number_set(raw: Any, held: Any, depth: int) -> AttributeValue:
    members = [_number(member) for member in _members(held)]
    if not members:
        raise invalid_parameter("An number set  may not be empty")
    if len(set(members)) != len(members):
        raise invalid(
            f"{_INVALID}Input collection contains duplicates.", "Input collection contains duplicates"
        )
    return {"NS": sorted(members, key=Decimal)}


def _check_binary_set(raw: Any, held: Any, depth: int) -> AttributeValue:
    members = [_binary(member) for member in _members(held)]
    if not members:
        raise invalid_parameter("Binary sets should not be empty")
    if len({a2b_base64(member) for member in members}) != len(members):
        quoted = ",".join(f'"{member}"' for member in _up_to_repeat(members, a2b_base64))
        raise _duplicates(f"[{quoted}]of type BS contains", f"[{', '.join(members)}]of type BS contains")
    return {"BS": sorted(members, key=a2b_base64)}


_INVALID = "One or more parameter values were invalid: "


def _duplicates(current: str, older: str) -> ApiError:
    parts = (f"{_INVALID}Input collection {shown} duplicates." for shown in (current, older))
    return invalid(*parts)


def _up_to_repeat(members: list[str], order: Callable[[str], bytes]) -> list[str]:
    """Return the members as AWS shows them: sorted up to the first repeat, the others as they were sent."""
    seen: dict[bytes, str] = {}
    for place, member in enumerate(members):
        if order(member) in seen:
            return [*(seen[key] for key in sorted(seen)), *members[place:]]
        seen[order(member)] = member
    return members


def _members(held: Any) -> list[Any]:
    if type(held) is not list:
        raise malformed("Unexpected field type")
    return held


# --- lists and maps -----------------------------------------------------------------------


def _check_list(raw: Any, held: Any, depth: int) -> AttributeValue:
    _check_depth(depth)
    members = [checked_value(member, depth + 1) for member in _members(held)]
    return {"L": members}


def _check_map(raw: Any, held: Any, depth: int) -> AttributeValue:
    _check_depth(depth)
    if type(held) is not dict:
        raise malformed("Unexpected field type")
    for name in held:
        if not name or len(name) > _MAX_NAME_BYTES // 4:
            check_name(name)
    return {"M": {name: checked_value(value, depth + 1) for name, value in held.items()}}


def _check_depth(depth: int) -> None:
    if depth >= MAX_DEPTH:
        raise invalid(_TOO_DEEP)


def check_name(name: str) -> None:
    """Check that the name of an attribute is neither empty nor too long.

    Raises:
        ApiError: ``ValidationException``, as AWS words it.
    """
    if not name:
        raise invalid(_NO_NAME)
    if len(name.encode("utf-8", "surrogatepass")) > _MAX_NAME_BYTES:
        raise invalid("Attribute name is too large, must be less than 65536 bytes")


_CHECKS = {
    "B": _check_binary,
    "BOOL": _check_bool,
    "NULL": _check_null,
    "SS": _check_text_set,
    "NS": _check_number_set,
    "BS": _check_binary_set,
    "L": _check_list,
    "M": _check_map,
}
