"""Malformed requests of all kinds: the engine answers them, and goes on; ``tools/fuzz_engine.py`` does so at length."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

TOOLS = Path(__file__).resolve().parents[2] / "tools"
sys.path.append(str(TOOLS))  # at the end: tools/test.py must not hide the standard library's "test"

import fuzz_engine  # noqa: E402


@pytest.mark.parametrize(
    ("url", "count", "with_faults"),
    [("memory://", 12_000, False), ("sqlite://", 4_000, False), ("memory://", 4_000, True)],
)
def test_whatever_comes_in_is_answered(url, count, with_faults):
    """
    Spoilt requests get an error that AWS documents, and harm nothing.
    """
    report = fuzz_engine.fuzz(2026, count, url, with_faults=with_faults)

    assert {} == report.failures
    assert count == report.count
    assert 5 < len(report.codes)
