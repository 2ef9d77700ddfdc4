"""An engine from a URL: its storage, and what carries out each operation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import batches, items, search, tables, transactions
from .engine import Context, Handler, LocalEngine, Options
from .lagging import catch_up
from .reaping import Reaper
from .storage.opening import open_storage

__all__ = ["HANDLERS", "open_engine"]

#: Operation -> what carries it out.
HANDLERS: dict[str, Handler] = {
    **tables.HANDLERS,
    **items.HANDLERS,
    **search.HANDLERS,
    **batches.HANDLERS,
    **transactions.HANDLERS,
}


def open_engine(url: str | None = None, *, engine: Any = None, options: Options | None = None) -> LocalEngine:
    """Return an engine with the storage that a URL names.

    Args:
        url: ``memory://``, or any URL of SQLAlchemy; left out, memory.
        engine: A SQLAlchemy engine instead of a URL.
        options: How it deviates from answering everything at once.
    """
    storage = open_storage("memory://" if url is None and engine is None else url, engine)
    options = options or Options()
    before: list[Callable[[Context], None]] = []
    if options.index_lag_seconds:
        before.append(catch_up)
    if options.ttl_delay_seconds is not None:
        before.append(Reaper())
    return LocalEngine(storage, HANDLERS, options, before)
