"""The base class of all errors, and what messages are made of."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

__all__ = [
    "DynamoException",
    "Problem",
    "closest",
]


class DynamoException(Exception):
    """Base class of every error of this library."""

    def __reduce__(self) -> Any:
        # The constructors take facts, not messages: process pools pass errors on as they are.
        return _restored, (type(self), self.args, self.__dict__)


def _restored(kind: type[DynamoException], args: tuple[Any, ...], facts: dict[str, Any]) -> DynamoException:
    error = kind.__new__(kind, *args)
    error.args = args
    error.__dict__.update(facts)
    return error


def closest(name: str, names: Iterable[str]) -> str:
    """Return " (did you mean 'x'?)" for the name nearest to *name*, or an empty text."""
    import difflib  # only misspelt names need it

    found = difflib.get_close_matches(name, list(names), n=1, cutoff=0.6)
    return f" (did you mean {found[0]!r}?)" if found else ""


class Problem(msgspec.Struct, frozen=True):
    """One thing that is wrong with a record.

    Attributes:
        path: Where, for example ``address.lines[2]``.
        reason: What is wrong and what is expected; never the value itself.
    """

    path: str
    reason: str

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}" if self.path else self.reason
