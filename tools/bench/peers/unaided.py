"""Our package in Python alone: what the extra ``fast`` would install cannot be imported, nor the part in C."""

from __future__ import annotations

import sys

#: Before our package is imported, which looks for them.
sys.modules.update(dict.fromkeys(("isal", "pycurl", "dynamo_objects.codec._speedups")))  # type: ignore[arg-type]

from .ours import OverSockets  # noqa: E402

__all__ = ["WithoutExtras"]


class WithoutExtras(OverSockets):
    """As it comes."""
