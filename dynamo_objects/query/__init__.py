"""Queries and scans: lazy objects that are refined, kept, and run any number of times.

``query`` is what users hold, ``conditions`` tells key conditions from filters, ``results``
turns items into records, ``cursors`` are the texts by which pages go on.
"""

from __future__ import annotations

from .query import Query
from .results import Page, decode_error, decoder, only_one
from .source import Source

__all__ = ["Page", "Query", "Source", "decode_error", "decoder", "only_one"]
