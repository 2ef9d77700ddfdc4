"""All groups of cases."""

from __future__ import annotations

from . import (
    capacity_cases,
    condition_cases,
    layer_cases,
    legacy_cases,
    probes,
    search_cases,
    several_cases,
    table_cases,
    update_cases,
    value_cases,
)

__all__ = ["GROUPS"]

GROUPS = (
    probes.GROUP,
    *condition_cases.GROUPS,
    *update_cases.GROUPS,
    *value_cases.GROUPS,
    *search_cases.GROUPS,
    *capacity_cases.GROUPS,
    *several_cases.GROUPS,
    *legacy_cases.GROUPS,
    *table_cases.GROUPS,
    *layer_cases.GROUPS,
)
