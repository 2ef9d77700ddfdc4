"""Query and Scan over all their pages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import msgspec

from ..operations.search import Page, Query, Scan
from .base import Emit, Flow, Together

__all__ = ["following", "pages", "pages_together"]

Search = TypeVar("Search", bound=Query | Scan)


def following(search: Search, page: Page) -> Search | None:
    """Return the request for the page after this one; only a missing last key ends it: a page may be empty."""
    return None if page.last_key is None else msgspec.structs.replace(search, start_key=page.last_key)


def pages(search: Query | Scan) -> Flow[None]:
    """Emit every page."""
    left: Query | Scan | None = search
    while left is not None:
        page: Page = yield left
        yield Emit(page)
        left = following(left, page)


def pages_together(searches: Sequence[Query | Scan]) -> Flow[None]:
    """Emit every page of several searches, such as the segments of a scan, as they come."""
    yield Together(pages(search) for search in searches)
