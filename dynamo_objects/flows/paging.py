"""Query and Scan over all their pages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import msgspec

from ..operations.search import Page, Query, Scan
from .base import Emit, Flow, Together

__all__ = ["pages", "pages_together"]

Search = TypeVar("Search", Query, Scan)


def pages(search: Query | Scan) -> Flow[None]:
    """Emit every page. Only a missing last key ends it: a page may well be empty."""
    while True:
        page: Page = yield search
        yield Emit(page)
        if page.last_key is None:
            return
        search = msgspec.structs.replace(search, start_key=page.last_key)


def pages_together(searches: Sequence[Query | Scan]) -> Flow[None]:
    """Emit every page of several searches, such as the segments of a scan, as they come."""
    yield Together(pages(search) for search in searches)
