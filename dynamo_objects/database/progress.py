"""What a progress bar must offer."""

from __future__ import annotations

from typing import Any, Protocol

__all__ = ["Progress"]


class Progress(Protocol):
    """Anything with ``update(n)``, a tqdm bar for one."""

    def update(self, n: int = 1, /) -> Any:
        """Count *n* more."""
