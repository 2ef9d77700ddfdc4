"""Numbers: Python numbers <-> DynamoDB's number texts, exact to 38 digits.

A number has at most 38 significant digits and lies within ±9.99..E+125, with nothing
nearer to zero than 1E-130 except zero (AWS Developer Guide, "Supported data types: Number").
Texts that we write are plain (no exponent) and have no zeros to spare, so that equal
numbers are equal texts. bool is never a number.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Context, Decimal, Inexact, InvalidOperation, Rounded

import msgspec

from .values import Invalid

__all__ = [
    "EXACT",
    "MAX_DIGITS",
    "decimal_text",
    "exact_decimal",
    "float_text",
    "int_text",
    "is_plain_decimal",
    "parse_decimal",
    "parse_decimals",
    "parse_float",
    "parse_int",
    "parse_ints",
    "parse_number",
    "parse_number_or_float",
    "whole_float_text",
]

#: Significant digits, and exponents of the leading digit (same source as above).
MAX_DIGITS = 38
MAX_EXPONENT = 125
MIN_EXPONENT = -130

#: Integers between these need no further check.
_PLAIN_INT = 10**MAX_DIGITS
#: More digits than any legal integer has: not worth converting to text.
_HUGE_INT = 10 ** (MAX_EXPONENT + 1)

#: Reads a number's text; wide enough that nothing legal is rounded.
EXACT = Context(prec=200, Emax=9999, Emin=-9999)

#: What a number may look like: ASCII digits only, no NaN, no underscores.
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII).fullmatch
_WHOLE = re.compile(r"-?\d{1,38}", re.ASCII).fullmatch
_FEW_DIGITS = re.compile(r"[+-]?[\d.]{1,38}", re.ASCII).fullmatch

#: Matches numbers as we write them, up to 36 digits: plain, and without zeros to spare.
is_plain_decimal = re.compile(r"-?[1-9]\d{0,17}(\.\d{0,17}[1-9])?|-?0\.\d{0,17}[1-9]|0", re.ASCII).fullmatch


def int_text(value: int) -> str:
    """Return the text of an integer that is not a bool."""
    if -_PLAIN_INT < value < _PLAIN_INT:
        return int.__repr__(value)
    if not -_HUGE_INT < value < _HUGE_INT:
        raise Invalid("number out of range: more than 126 digits before the point")
    text = int.__repr__(value)
    _check_digits(len(text.lstrip("-").rstrip("0")))
    return text


def decimal_text(value: Decimal) -> str:
    """Return the text of a Decimal."""
    text = str(value)
    if len(text) <= MAX_DIGITS and "E" not in text and "e" not in text and value.is_finite():
        if "." in text:
            text = text.rstrip("0").rstrip(".")
        return text if text != "-0" else "0"
    if not value.is_finite():
        raise Invalid("NaN and infinity are not numbers in DynamoDB")
    if not value:
        return "0"
    sign, digits, exponent = value.as_tuple()
    assert isinstance(exponent, int)  # only NaN and infinity have texts there
    leading = next(i for i, digit in enumerate(digits) if digit)
    trailing = next(i for i, digit in enumerate(reversed(digits)) if digit)
    significant = digits[leading : len(digits) - trailing]
    _check_digits(len(significant))
    magnitude = len(digits) - leading - 1 + exponent
    if magnitude > MAX_EXPONENT:
        raise Invalid("number out of range: 1E+126 or more")
    if magnitude < MIN_EXPONENT:
        raise Invalid("number out of range: nearer to zero than 1E-130")
    return format(Decimal((sign, significant, exponent + trailing)), "f")


def float_text(value: float) -> str:
    """Return the shortest text that reads back as the same float."""
    text = float.__repr__(value)
    if text.endswith(".0"):
        return text[:-2] if text != "-0.0" else "0"
    if "e" in text or "n" in text:
        return decimal_text(Decimal(text))
    return text


def whole_float_text(value: float) -> str:
    """Return the text of a float where ints and floats stand side by side.

    A whole number up to 38 digits has all its digits, so that as an int it equals the float.
    """
    if -_PLAIN_INT < value < _PLAIN_INT and value.is_integer():
        return int_text(int(value))
    return float_text(value)


def parse_decimal(text: object) -> Decimal:
    """Return the exact value of a number's text."""
    if not isinstance(text, str) or not _NUMBER(text):
        raise Invalid("not a DynamoDB number")
    if len(text) > MAX_DIGITS:
        mantissa = text.upper().partition("E")[0].lstrip("+-0.").replace(".", "")
        _check_digits(len(mantissa.rstrip("0")) if mantissa else 0)
    value = EXACT.create_decimal(text)
    if value and not MIN_EXPONENT <= value.adjusted() <= MAX_EXPONENT:
        raise Invalid("not a DynamoDB number: out of range")
    return value


def parse_int(text: object) -> int:
    """Return the value of a number's text, which must be a whole number."""
    if isinstance(text, str) and _WHOLE(text):
        return int(text)
    value = parse_decimal(text)
    if value != value.to_integral_value():
        raise Invalid("expected a whole number")
    return int(value)


#: Reads numbers that stand in one JSON array, which is several times as quick as one by one.
_INTS = msgspec.json.Decoder(list[int])

#: Makes a Decimal of a text that need not be rounded, whatever the thread's own context allows.
exact_decimal = Context(prec=MAX_DIGITS, traps=[InvalidOperation, Inexact, Rounded]).create_decimal


def parse_ints(texts: Sequence[str]) -> list[int]:
    """Return the values of whole numbers that are all spelt as we would spell them.

    JSON takes no signs, zeros or points that say nothing. A text with a comma in it makes more numbers than
    there are texts, since none of them may be empty.

    Raises:
        ValueError: One of them is not, or is no whole number.
    """
    joined = ",".join(texts)
    data = joined.encode()
    if data.translate(None, b"0123456789,-") or "-0" in joined or max(map(len, texts)) > MAX_DIGITS:
        raise ValueError("a number is unusual")
    try:
        values = _INTS.decode(b"[%b]" % data)
    except msgspec.DecodeError as error:
        raise ValueError("a text is no number") from error
    if len(values) != len(texts):
        raise ValueError("a text is not one number")
    return values


def parse_decimals(texts: Sequence[str]) -> list[Decimal]:
    """Return the exact values of the texts of numbers in plain notation.

    Raises:
        ValueError: One of them is unusual, or is no number.
    """
    if "".join(texts).encode().translate(None, b"0123456789-."):
        raise ValueError("a number is unusual")
    try:
        return list(map(exact_decimal, texts))
    except ArithmeticError as error:
        raise ValueError("a text is no number, or of many digits") from error


def parse_float(text: object) -> float:
    """Return the float nearest to a number's text."""
    if isinstance(text, str) and _FEW_DIGITS(text) and _NUMBER(text):
        return float(text)
    return float(parse_decimal(text))


def parse_number(text: object) -> int | Decimal:
    """Return an int for a whole number and a Decimal for any other."""
    if isinstance(text, str) and _WHOLE(text):
        return int(text)
    value = parse_decimal(text)
    return int(value) if value == value.to_integral_value() else value


def parse_number_or_float(text: object) -> int | float:
    """Return an int for a whole number up to 38 digits and a float for any other."""
    value = parse_number(text)
    if isinstance(value, int) and -_PLAIN_INT < value < _PLAIN_INT:
        return value
    return parse_float(text)


def _check_digits(count: int) -> None:
    if count > MAX_DIGITS:
        raise Invalid(f"number has {count} significant digits, DynamoDB keeps {MAX_DIGITS}")
