"""Errors about journals: the files in which a MemoryTable keeps what it has accepted."""

from __future__ import annotations

from typing import Any

from .base import DynamoException

__all__ = ["JournalDamaged", "JournalError", "JournalInUse", "JournalUnfinished"]


class JournalError(DynamoException):
    """A journal cannot be used, or not be written. What it holds is left as it is.

    Attributes:
        path: The file.
    """

    def __init__(self, path: str, reason: str) -> None:
        self.path = path
        super().__init__(f"journal {path}: {reason}")


class JournalInUse(JournalError):
    """Another process, or another MemoryTable of this one, uses the journal."""


class JournalUnfinished(JournalError):
    """The journal holds accepted changes of a process that has ended: call ``recover()`` first.

    Attributes:
        count: How many records are waiting.
    """

    def __init__(self, path: str, reason: str, count: int) -> None:
        self.count = count
        super().__init__(path, reason)


class JournalDamaged(JournalError):
    """Parts of a journal cannot be read. The intact parts were recovered, the file was kept.

    Attributes:
        kept: Where the file is now.
        report: What was recovered.
    """

    def __init__(self, path: str, reason: str, kept: str, report: Any) -> None:
        self.kept = kept
        self.report = report
        super().__init__(path, reason)
