"""Rules for one field that two writers have changed: what both changes together make of it.

=========  ======================  ==========================================================
rule       fields                  result
=========  ======================  ==========================================================
sum        int, float, Decimal     theirs + (mine - base): both differences count
union      set, frozenset          what either side has added, without what either has removed
max        numbers, text, bytes,   the greater of the two
           datetime, date
mine       any                     mine
theirs     any                     theirs
=========  ======================  ==========================================================

Each may also be None: nothing to begin with for *base*, and no answer where a side has become None.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Context, Decimal, Inexact
from typing import Any

from .codec import Codec
from .options import MergeRule

__all__ = ["UNDECIDED", "check_rule", "combined"]

#: The answer where a rule has none.
UNDECIDED = object()

_NUMBERS: tuple[type, ...] = (int, float, Decimal)
_SETS: tuple[type, ...] = (set, frozenset)
_ORDERED: tuple[type, ...] = (*_NUMBERS, str, bytes, datetime, date)
_FITTING: dict[str, tuple[tuple[type, ...], str]] = {
    "sum": (_NUMBERS, "numbers"),
    "union": (_SETS, "sets: lists have an order, and may hold a value twice"),
    "max": (_ORDERED, "numbers, text, bytes and times"),
}

#: Holds the sum of any numbers that DynamoDB can; what it would have to round is an error.
_EXACT = Context(prec=600, Emax=9999, Emin=-9999, traps=[Inexact])


def check_rule(rule: MergeRule | None, codec: Codec) -> None:
    """Refuse a rule that does not fit the values of a field.

    Raises:
        TypeError: With what the rule is for.
    """
    if rule not in _FITTING:
        return
    fitting, what = _FITTING[rule]
    kinds = set(codec.types) - {type(None)}
    is_fixed = rule == "sum" and "Literal[" in codec.name  # a sum is another value
    if len(kinds) != 1 or not kinds <= set(fitting) or is_fixed:
        raise TypeError(f"merge={rule!r} is for {what}, not {codec.name}")


def combined(rule: MergeRule, base: Any, mine: Any, theirs: Any) -> Any:
    """Return what both changes of a field make together, or UNDECIDED.

    Args:
        base: What both began with; None where there was nothing.
    """
    if rule == "mine":
        return mine
    if rule == "theirs":
        return theirs
    if mine is None or theirs is None:
        return UNDECIDED  # removed on one side, and changed on the other
    return _COMBINE[rule](base, mine, theirs)


def _sum(base: Any, mine: Any, theirs: Any) -> Any:
    begun = 0 if base is None else base
    if isinstance(mine, int):
        return theirs + mine - begun
    # Floats by the digits that are stored, rounded once, so that the order does not matter.
    exact = [_decimal(value) for value in (begun, mine, theirs)]
    total = _EXACT.add(_EXACT.subtract(exact[1], exact[0]), exact[2])
    return float(total) if isinstance(mine, float) else total


def _decimal(value: Any) -> Decimal:
    return Decimal(repr(value)) if isinstance(value, float) else Decimal(value)


def _union(base: Any, mine: Any, theirs: Any) -> Any:
    begun = set() if base is None else set(base)
    return type(mine)((mine & theirs) | (mine - begun) | (theirs - begun))


def _max(base: Any, mine: Any, theirs: Any) -> Any:
    return mine if _order(mine) > _order(theirs) else theirs


def _order(value: Any) -> Any:
    # Of two times in one zone Python compares what the clock shows, not the instants.
    return value.astimezone(UTC) if isinstance(value, datetime) else value


_COMBINE: dict[str, Callable[[Any, Any, Any], Any]] = {"sum": _sum, "union": _union, "max": _max}
