"""Sums of numbers, as texts, exact or not at all."""

from __future__ import annotations

from decimal import Context, Decimal, Inexact

from ...codec.numbers import MAX_DIGITS, decimal_text
from ..errors import invalid

__all__ = ["difference", "total"]

#: From 1E-130 to 9.9E+125 no digit is lost.
_WIDE = Context(prec=300, Emax=9999, Emin=-9999, traps=[Inexact])
_MAX_EXPONENT, _MIN_EXPONENT = 125, -130

#: Sums of numbers with fewer characters are in range; most have.
_SHORT = 18


def total(left: str, right: str) -> str:
    """Return the sum of two numbers.

    Raises:
        ApiError: DynamoDB could not store it.
    """
    if len(left) < _SHORT and len(right) < _SHORT and "." not in left and "." not in right:
        return str(int(left) + int(right))
    return _text(_WIDE.add(Decimal(left), Decimal(right)))


def difference(left: str, right: str) -> str:
    """Return the difference of two numbers; else as `total`."""
    if len(left) < _SHORT and len(right) < _SHORT and "." not in left and "." not in right:
        return str(int(left) - int(right))
    return _text(_WIDE.subtract(Decimal(left), Decimal(right)))


def _text(value: Decimal) -> str:
    if not value:
        return "0"
    if value.adjusted() < _MIN_EXPONENT:
        raise invalid(
            "Number underflow. Attempting to store a number with magnitude smaller than supported range"
        )
    digits = "".join(map(str, value.as_tuple().digits)).strip("0")
    if value.adjusted() > _MAX_EXPONENT or len(digits) > MAX_DIGITS:
        # AWS says so of too many digits too (ScyllaDB's test_number.py, which runs on AWS).
        raise invalid(
            "Number overflow. Attempting to store a number with magnitude larger than supported range"
        )
    return decimal_text(value)
