"""Sizes of items: encoded attribute values in, bytes out, counted as DynamoDB counts them.

The one rule: an item is as big as its attribute names and its values together, and `MAX_ITEM_BYTES` is the limit.
A value weighs:

* string: its bytes in UTF-8; binary: its raw bytes, before base64; BOOL and NULL: 1;
* set: its members, and nothing for the set itself;
* list: 3, and for each element 1 and the element; map: 3, and for each entry 1, its name and its value;
* number: 1, and 1 for each pair of digits, and 1 when it is negative, but never more than 21; zero: 1.
  The pairs are the digits of base 100: cut at the decimal point, without zero pairs at either end.
  So 1200 has one (12'00), 120 has two (1'20), 1.5 has two (1 . 50), 0.015 has two (.01'50).
  How the number is spelled does not matter: 1E+125 weighs what 10 weighs.

Sources. AWS Developer Guide, "DynamoDB item sizes and formats": all of this but the numbers, which it gives as
"approximately" 1 byte per two significant digits plus 1. The numbers were measured at the 400 KB limit of DynamoDB
Local (January 2020), over all counts of digits, signs and exponents. They agree with all 23 sizes measured on AWS by
the DynamoDB conformance project (github.com/nubo-db/dynamodb-conformance, src/item-size.ts, August 2026).
dynoxide 1.2.1 differs: it never cuts the digits of a whole number or of a pure fraction (120 and 0.015 have one pair
there), and it lets a number weigh 22.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

from .speedups import plain_size

__all__ = [
    "MAX_HASH_KEY_BYTES",
    "MAX_ITEM_BYTES",
    "MAX_RANGE_KEY_BYTES",
    "attribute_value_size",
    "item_size",
    "number_size",
    "plain_size",
    "values_size",
]

#: A type tag and its content, as on the wire: ``{"N": "21"}``. Binaries are base64 text.
AttributeValue: TypeAlias = Mapping[str, Any]

#: An item may be this big and not a byte bigger (AWS Developer Guide, "Quotas in Amazon DynamoDB": 400 KB).
MAX_ITEM_BYTES = 409600

#: The value of a hash key may be this big, its name not counted (same page).
MAX_HASH_KEY_BYTES = 2048

#: The value of a range key may be this big, its name not counted (same page).
MAX_RANGE_KEY_BYTES = 1024

_CONTAINER_BYTES = 3
_MAX_NUMBER_BYTES = 21


def item_size(item: Mapping[str, AttributeValue]) -> int:
    """Return the size of *item* in bytes, which DynamoDB holds against `MAX_ITEM_BYTES`.

    Args:
        item: All attributes of the item, its keys too. Content is taken as valid: what DynamoDB refuses for
            another reason (an empty set, a number of 39 digits, too deep nesting) has some size too.

    Raises:
        ValueError: A value does not have exactly one type tag, or has an unknown one.
    """
    return _text_size("".join(item)) + values_size(item.values())


def attribute_value_size(value: AttributeValue) -> int:
    """Return the size of one attribute value in bytes, without the name of its attribute.

    For the value of a key this is also what counts against `MAX_HASH_KEY_BYTES` and `MAX_RANGE_KEY_BYTES`.

    Raises:
        ValueError: The value, or one inside it, does not have exactly one type tag, or has an unknown one.
    """
    return values_size((value,))


def values_size(values: Iterable[AttributeValue]) -> int:
    """Return the size of several attribute values in bytes, without names of attributes.

    Raises:
        ValueError: As for ``attribute_value_size``.
    """
    size = 0
    groups = [values]
    for group in groups:  # grows meanwhile: containers add their members, so depth costs no stack
        for value in group:
            try:
                (tag,) = value
            except ValueError:
                raise ValueError(f"an attribute value has exactly one type tag, not {list(value)}") from None
            content = value[tag]
            if tag == "S":
                size += len(content) if content.isascii() else _text_size(content)
            elif tag == "N":
                size += number_size(content)
            elif tag == "BOOL" or tag == "NULL":
                size += 1
            elif tag == "M":
                size += _CONTAINER_BYTES + len(content) + _text_size("".join(content))
                groups.append(content.values())
            elif tag == "L":
                size += _CONTAINER_BYTES + len(content)
                groups.append(content)
            elif tag == "B":
                size += _binary_size(content)
            elif tag == "SS":
                size += _text_size("".join(content))
            elif tag == "NS":
                size += sum(map(number_size, content))
            elif tag == "BS":
                size += sum(map(_binary_size, content))
            else:
                raise ValueError(f"{tag!r} is not a type tag of an attribute value")
    return size


def _text_size(text: str) -> int:
    # A lone surrogate has no UTF-8 and is refused elsewhere; here it counts the 3 bytes it would have.
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def _binary_size(base64_text: str) -> int:
    return (len(base64_text) - base64_text[-2:].count("=")) * 3 // 4


def number_size(text: str) -> int:
    """Return the size of a number in bytes."""
    if text.isdecimal():  # the common case: as below, without sign, point and exponent
        if text[0] != "0" != text[-1]:
            return 2 + (len(text) - 1) // 2
        digits = text.lstrip("0")
        zeros = len(digits) - len(digits.rstrip("0"))
        return 2 + (len(digits) - 1) // 2 - zeros // 2 if digits else 1
    whole, _, fraction = text.partition(".")
    if (
        fraction and fraction[-1] != "0" and whole[:1] != "0" and (whole + fraction).isdecimal()
    ):  # the next common
        return min(1 + (len(whole) + 1) // 2 + (len(fraction) + 1) // 2, _MAX_NUMBER_BYTES)
    mantissa, _, exponent = text.lstrip("+-").upper().partition("E")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    if not digits:
        return 1
    unit = int(exponent or 0) - len(fraction)  # the power of ten that the last digit counts
    highest = unit + len(digits) - 1
    lowest = unit + len(digits) - len(digits.rstrip("0"))
    pairs = highest // 2 - lowest // 2 + 1
    return min(1 + pairs + text.startswith("-"), _MAX_NUMBER_BYTES)
