"""Times: aware datetimes <-> texts in UTC, or seconds since 1970; dates <-> texts.

The text is always ``YYYY-MM-DDTHH:MM:SS.ffffffZ``, so that texts sort as times do and
equal times are equal texts. Other ISO 8601 spellings with an offset are read too.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from .numbers import EXACT, decimal_text, parse_decimal
from .values import Invalid

__all__ = [
    "date_text",
    "datetime_text",
    "epoch_text",
    "parse_date",
    "parse_datetime",
    "parse_epoch",
    "whole_seconds",
]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def _in_utc(value: Any) -> datetime:
    if not isinstance(value, datetime):
        raise Invalid(f"expected datetime, got {type(value).__name__}")
    moment = value if type(value) is datetime else _plain(value)
    if moment.utcoffset() is None:
        raise Invalid("expected an aware datetime, got a naive one: give it a time zone")
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise Invalid("datetime is out of range in UTC") from None


def _plain(value: datetime) -> datetime:
    """Return an instance of a subclass as a datetime; some, like pandas.NaT, are no time at all."""
    try:
        parts = (value.year, value.month, value.day, value.hour, value.minute, value.second)
        return datetime(*parts, value.microsecond, tzinfo=value.tzinfo, fold=value.fold)
    except (TypeError, ValueError):
        raise Invalid(f"expected datetime, got {type(value).__name__} that is no time") from None


def datetime_text(value: Any) -> str:
    """Return an aware datetime as ``YYYY-MM-DDTHH:MM:SS.ffffffZ``."""
    return _in_utc(value).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def parse_datetime(text: object) -> datetime:
    """Return the time of an ISO 8601 text that has an offset or a Z, in UTC."""
    if not isinstance(text, str) or not text.isascii() or len(text) < len("2000-01-01T00Z"):
        raise Invalid("not an ISO 8601 date and time")
    try:
        return _in_utc(datetime.fromisoformat(text))
    except ValueError:
        raise Invalid("not an ISO 8601 date and time") from None


def epoch_text(value: Any, *, whole: bool = False) -> str:
    """Return the seconds since 1970 of an aware datetime, exact to the microsecond."""
    microseconds = (_in_utc(value) - _EPOCH) // _MICROSECOND
    if whole and microseconds % 1_000_000:
        raise Invalid("a ttl field holds whole seconds")
    return decimal_text(EXACT.scaleb(Decimal(microseconds), -6))


def parse_epoch(text: object) -> datetime:
    """Return the time, in UTC, of a number of seconds since 1970."""
    microseconds = EXACT.scaleb(parse_decimal(text), 6)
    if microseconds != microseconds.to_integral_value():
        raise Invalid("expected seconds since 1970, to the microsecond at most")
    try:
        return _EPOCH + int(microseconds) * _MICROSECOND
    except OverflowError:
        raise Invalid("expected seconds since 1970, got a time out of range") from None


def whole_seconds(value: Any) -> Any:
    """Return a datetime without its fraction of a second, and anything else as it is.

    Time to live counts whole seconds (AWS Developer Guide, "Time to Live").
    """
    return value.replace(microsecond=0) if isinstance(value, datetime) else value


def date_text(value: Any) -> str:
    """Return a date as ``YYYY-MM-DD``."""
    if not isinstance(value, date) or isinstance(value, datetime):
        raise Invalid(f"expected date, got {type(value).__name__}")
    return value.isoformat()


def parse_date(text: object) -> date:
    """Return the date of a ``YYYY-MM-DD`` text."""
    if not isinstance(text, str) or len(text) != len("2000-01-01") or not text.isascii():
        raise Invalid("not a date")
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Invalid("not a date") from None
