"""The choice of engines, and the table of their differences."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest

from .engines import DIFFERENCES, DYNOXIDE, ENGINES, LOCAL, MEMORY, MOTO, chosen_engines

TESTS = Path(__file__).resolve().parent


@pytest.mark.parametrize(
    ("variable", "named", "expected"),
    [
        (None, [], ENGINES),
        ("", [], (LOCAL,)),
        ("1", [], (MEMORY,)),
        (None, [DYNOXIDE, MOTO], (MOTO, DYNOXIDE)),
        ("", [DYNOXIDE], (DYNOXIDE,)),
    ],
)
def test_choice_of_engines(monkeypatch, variable, named, expected):
    """
    All engines run unless the command line, or the variable DYNAMODB_MOCK of old, says otherwise.
    """
    monkeypatch.delenv("DYNAMODB_MOCK", raising=False)
    if variable is not None:
        monkeypatch.setenv("DYNAMODB_MOCK", variable)

    assert expected == chosen_engines(named)


@pytest.mark.parametrize("name", sorted(DIFFERENCES))
def test_differences_are_dated_and_met(name):
    """
    Each difference names engines, what they do, and when that was seen; and a test meets it.
    """
    difference = DIFFERENCES[name]
    sources = [path.read_text(encoding="utf-8") for path in TESTS.rglob("test_*.py")]

    assert set(difference.instead) <= set(ENGINES)
    assert all(difference.instead.values())
    assert difference.aws
    assert datetime.date.fromisoformat(difference.seen)
    assert any(f'"{name}"' in source for source in sources)
