"""Checks of what a MemoryTable is made with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..errors import DynamoException

__all__ = ["check_choice", "check_count", "check_seconds"]


def check_count(name: str, value: Any) -> None:
    """Check that an option is None or a whole number from 1.

    Raises:
        DynamoException: It is not.
    """
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
        raise DynamoException(f"{name} is a whole number from 1, or None")


def check_choice(name: str, value: Any, choices: Sequence[str]) -> None:
    """Check that an option is one of some words.

    Raises:
        DynamoException: It is not.
    """
    if value not in choices:
        raise DynamoException(f"{name} is one of {', '.join(map(repr, choices))}")


def check_seconds(name: str, value: Any) -> None:
    """Check that an option is a number from 0.

    Raises:
        DynamoException: It is not.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0:
        raise DynamoException(f"{name} is a number of seconds from 0")
