"""Numbers of requests in their normal form: a text in, the text that DynamoDB answers out.

The range, the digits, and the words for what is outside of them: Developer Guide, "Data types";
dynalite's tests; the Parity Suite (numberExponent.test.ts, valueLayers.test.ts, run on AWS in October 2026).
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from ..codec.numbers import decimal_text
from ..codec.values import Invalid
from .errors import ApiError, invalid

__all__ = ["is_plain", "normal_number"]

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII).fullmatch
#: The normal form, but for -0.
_NORMAL = re.compile(r"-?(0|[1-9]\d*)(\.\d*[1-9])?", re.ASCII).fullmatch
_MAX_DIGITS = 38


def is_plain(text: Any) -> bool:
    """Tell whether a number is in its normal form for sure: digits only, not many."""
    if type(text) is not str or not text.isdigit() or not text.isascii() or len(text) > _MAX_DIGITS:
        return False
    return text[0] != "0" or text == "0"


def normal_number(text: str) -> str:
    """Return a number's text in its normal form: plain, without zeros to spare.

    Raises:
        ApiError: It is no number, or has too many digits, or is out of range.
    """
    if len(text) <= _MAX_DIGITS and _NORMAL(text) and text != "-0":
        return text
    if not _NUMBER(text):
        raise _not_numeric(text)
    mantissa, _, exponent = text.upper().partition("E")
    whole, _, fraction = mantissa.lstrip("+-").partition(".")
    digits = (whole + fraction).lstrip("0")
    power = _power(text, exponent)
    # Zero is in range by the exponent that it is written with (numberExponent.test.ts, run on AWS).
    magnitude = len(digits) - len(fraction) - 1 + power if digits else power
    if magnitude > 125:
        raise _overflow(text, magnitude, power)
    if magnitude < -130:
        raise _underflow(text, power)
    if not digits:
        return "0"
    if len(digits.rstrip("0")) > _MAX_DIGITS:
        raise invalid("Attempting to store more than 38 significant digits in a Number")
    try:
        return decimal_text(Decimal(text))
    except Invalid as error:  # checked above
        raise AssertionError("a number of the service's range") from error


_NOT_NUMERIC = "The parameter cannot be converted to a numeric value"
_OVERFLOW = "Number overflow. Attempting to store a number with magnitude larger than supported range"
_UNDERFLOW = "Number underflow. Attempting to store a number with magnitude smaller than supported range"
#: The older layer reads numbers as Java's BigDecimal does, whose exponents are of 32 bits
#: (valueLayers.test.ts of the Parity Suite); the current one knows exponents of 64 bits.
_MAX_INT, _MAX_LONG = 2**31 - 1, 2**63 - 1


def _power(text: str, exponent: str) -> int:
    if len(exponent) < 19:
        return int(exponent or 0)
    sign = "-" if exponent[0] == "-" else ""
    digits = exponent.lstrip("+-0") or "0"
    power = int(sign + digits) if len(digits) < 20 else _MAX_LONG + 1
    if not -_MAX_LONG - 1 <= power <= _MAX_LONG:
        raise _not_numeric(text)
    return power


def _not_numeric(text: str) -> ApiError:
    return invalid(f"{_NOT_NUMERIC}: {text}", f"{_NOT_NUMERIC}: {text}" if text else _NOT_NUMERIC)


def _overflow(text: str, magnitude: int, power: int) -> ApiError:
    if power > _MAX_INT:
        return invalid(_OVERFLOW, f"{_NOT_NUMERIC}: {text}")
    return invalid(_OVERFLOW, _UNDERFLOW if magnitude >= _MAX_INT else _OVERFLOW)  # its sum wraps around


def _underflow(text: str, power: int) -> ApiError:
    return invalid(_UNDERFLOW, f"{_NOT_NUMERIC}: {text}" if power < -_MAX_INT else _UNDERFLOW)
