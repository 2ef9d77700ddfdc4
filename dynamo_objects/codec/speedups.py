"""The part in C, or what stands in its place where there was no compiler, or this is not CPython; see csrc/module.c."""

from __future__ import annotations

from typing import Any

__all__ = ["ItemMaker", "RecordMaker", "key_items", "key_texts", "plain_size"]

try:
    from ._speedups import ItemMaker, RecordMaker, key_items, key_texts, plain_size
except ImportError:
    ItemMaker = RecordMaker = key_items = key_texts = None  # type: ignore[assignment, misc]

    def plain_size(item: Any, most: int, /) -> int:
        """Return the bytes of an item of usual attribute values, or -1: here always."""
        return -1
