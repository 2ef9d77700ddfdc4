"""What checkers see of journals."""

from __future__ import annotations

from pathlib import Path
from typing import assert_type

from dynamo_objects import (
    DynamoRecord,
    DynamoTable,
    HashKey,
    JournalDamaged,
    MemoryTable,
    RecoveryReport,
    recover,
)


class Store(DynamoRecord):
    store_id: str = ""


class StoreTable(DynamoTable[Store]):
    table_name = "store"
    schema = [HashKey("store_id")]


def opened() -> None:
    """A journal is named by a text or a path, and by nothing else."""
    assert_type(MemoryTable(StoreTable(), journal="run.journal"), MemoryTable[Store])
    assert_type(MemoryTable(StoreTable(), journal=Path("run.journal")), MemoryTable[Store])
    MemoryTable(StoreTable(), journal=7)  # type: ignore[arg-type]


def recovered() -> None:
    """A recovery gives a report."""
    try:
        report = recover("run.journal", StoreTable())
    except JournalDamaged as error:
        assert_type(error.kept, str)
        raise
    assert_type(report, RecoveryReport)
    assert_type(report.replayed + report.there_already + report.conflicts, int)
    recover("run.journal", Store)  # type: ignore[arg-type]
