"""The file beside a journal with the changes that were not replayed, because others have written since.

Each line is a JSON object. It has ``name``, unlike that of any other change, ``table``, ``key``, ``mine``,
``theirs`` and ``base``, which are attribute values or null where there is no item, and ``reason``.
"""

from __future__ import annotations

import threading

import msgspec

from ...codec.values import Item
from .files import JournalFile, sync_folder
from .points import reach

__all__ = ["Conflict", "ConflictFile"]


class Conflict(msgspec.Struct, frozen=True, kw_only=True):
    """A change that was not replayed.

    Attributes:
        name: Unlike that of any other change.
        table: Name of the table, with its prefix.
        key: The key attributes.
        mine: The item as it was accepted; None for a deletion.
        theirs: The item that is stored; None when there is none.
        base: The item that the change was made from, as far as known.
        reason: Why it was not replayed.
    """

    name: str
    table: str
    key: Item
    mine: Item | None
    theirs: Item | None
    base: Item | None
    reason: str


class _Named(msgspec.Struct):
    name: str


class ConflictFile:
    """Adds conflicts to a file, each of them once.

    Whoever uses it holds the lock of the journal.

    Args:
        path: Of the file; it is made when it is first needed.

    Attributes:
        path: Likewise.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._file: JournalFile | None = None
        self._names: set[str] = set()
        self._lock = threading.Lock()

    def add(self, conflict: Conflict) -> None:
        """Have a conflict on disk, unless it is there already.

        Raises:
            JournalError: The file cannot be used safely.
            OSError: It cannot be written.
        """
        with self._lock:
            if self._file is None:
                self._file = self._open()
            if conflict.name not in self._names:
                self._append(self._file, msgspec.json.encode(conflict) + b"\n")
                self._names.add(conflict.name)

    def _open(self) -> JournalFile:
        file = JournalFile(self.path, create=True)
        sync_folder(self.path)
        end = 0
        for line in file.lines():
            name = _name_in(line)
            if name is not None:
                self._names.add(name)
            if line.endswith(b"\n") or name is not None:
                end += len(line)
        if end != file.size:  # half a line, of a recovery that died here
            file.cut(end)
        file.end_line()  # somebody may have edited it
        file.sync()  # what it holds counts as kept
        return file

    def _append(self, file: JournalFile, line: bytes) -> None:
        file.note(line)
        reach("recover: conflict written")
        file.sync()

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            if self._file is not None:
                self._file.close()
                self._file = None


def _name_in(line: bytes) -> str | None:
    try:
        return msgspec.json.decode(line, type=_Named).name
    except (ValueError, RecursionError):
        return None
