"""What tests of journals share: a table in an embedded engine, and journals made of units."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dynamo_objects import DynamoDatabase, DynamoRecord, DynamoTable, HashKey, MemoryTable

__all__ = ["Note", "NoteTable", "connected", "fill", "points_hook"]


class Note(DynamoRecord):
    """A record."""

    note_id: str = ""
    text: str = ""
    number: int = 0


class NoteTable(DynamoTable[Note]):
    """Its table."""

    table_name = "note"
    schema = [HashKey("note_id")]


def connected(url: str = "memory://") -> NoteTable:
    """Return the table, in a database that is connected anew."""
    database = DynamoDatabase()
    database.disconnect()
    database.connect(url=url, table_prefix="journal_")
    return NoteTable()


def fill(table: NoteTable, path: Path, units: int, records: int) -> list[dict[str, int]]:
    """Write a journal of some units, each of some records of five; return the state after each unit.

    Returns:
        Key -> number, as accepted: before the first unit, after the first, and so on.
    """
    memory = MemoryTable(table, journal=path)
    state: dict[str, int] = {}
    states: list[dict[str, int]] = [{}]
    for unit in range(units):
        with memory.unit():
            for record in range(records):
                key, number = f"n{(unit + record) % 5}", 10 * unit + record + 1
                memory.get(key, create=True).number = number
                state[key] = number
        states.append(dict(state))
    memory.close()
    return states


def points_hook(monkeypatch: Any, hook: Any) -> None:
    """Have a function called at each named point while the test runs."""
    from dynamo_objects.memorydb.journal import points

    monkeypatch.setattr(points, "hook", hook)
