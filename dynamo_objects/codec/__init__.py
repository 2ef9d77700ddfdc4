"""How Python values become attribute values, and back: one codec per type and record class."""

from __future__ import annotations
