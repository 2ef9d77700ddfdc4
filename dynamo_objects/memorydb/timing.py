"""Seconds spent, added up by name."""

from __future__ import annotations

import time

__all__ = ["add_time"]


def add_time(times: dict[str, float] | None, name: str, began: float) -> None:
    """Add the seconds since *began*, of ``time.perf_counter``, to those of a name."""
    if times is not None:
        times[name] = times.get(name, 0.0) + time.perf_counter() - began
