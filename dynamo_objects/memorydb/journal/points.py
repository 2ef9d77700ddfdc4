"""Named points at which tests may stop a process that writes a journal.

``hook`` is for tests only. Unset, a point costs a comparison.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["NAMES", "reach"]

#: The points, in the order in which a flush and a recovery come by them.
NAMES = (
    "accept: begun",
    "accept: written",
    "accept: synced",
    "flush: acknowledged",
    "flush: marked",
    "settle: begun",
    "settle: cut",
    "settle: ended",
    "compact: written",
    "compact: renamed",
    "recover: begun",
    "recover: sending",
    "recover: sent",
    "recover: marked",
    "recover: conflict written",
    "recover: conflict kept",
    "recover: ending",
)

#: Called with the name of a point, and with what is about to be written there.
hook: Callable[[str, Any], None] | None = None


def reach(name: str, about: Any = None) -> None:
    """Come by a point."""
    if hook is not None:
        hook(name, about)
