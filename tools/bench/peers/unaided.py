"""Our package without the extra ``fast``: what that would install cannot be imported."""

from __future__ import annotations

import sys

#: Before our package is imported, which looks for them.
sys.modules.update(dict.fromkeys(("isal", "pycurl")))  # type: ignore[arg-type]

from .ours import OverSockets  # noqa: E402

__all__ = ["WithoutExtras"]


class WithoutExtras(OverSockets):
    """As it comes."""
