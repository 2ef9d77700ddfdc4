"""The journal of one MemoryTable: what it has accepted and not yet written, kept on disk.

What a plan writes is accepted first: from the return of `Journal.accept` on it survives the
death of the process. As writes are acknowledged that is noted, and when nothing is left the
file is cut back to its header. A newer change of a key takes the place of the older one.
"""

from __future__ import annotations

import errno
import os
import threading
import uuid
import weakref
from collections.abc import Callable, Iterable
from hashlib import blake2b
from typing import Any
from zlib import crc32

import attrs
import msgspec

from ...errors import JournalError, JournalUnfinished
from ...flows.flushing import Guarded
from ...operations.batch import MAX_WRITES, Write
from ...schema import TableSchema
from ..plan import Plan
from .changes import failed_keys, planned_changes
from .files import JournalFile
from .home import check_home
from .lines import Commit, Done, Header, Withdrawal, change_line, encode_line
from .opening import open_file
from .points import reach
from .reading import Contents

__all__ = ["Acknowledge", "Journal"]

#: Told the writes that were acknowledged, in whatever thread that happens.
Acknowledge = Callable[[Iterable[Write | Guarded]], None]

#: The file is written anew when it is larger than this, and four times what it was then.
_COMPACT_BYTES = 256 * 1024
#: How many states of one key that were sent, but not acknowledged, are told apart from a stranger's.
_MAX_SENT = 8
#: After these errors the file is as it was before, and may be written again later.
_PASSING = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@attrs.define(eq=False)
class _Pending:
    """The last accepted change of a key.

    Attributes:
        number: Of the change.
        digest: Of what it says.
        key: The key attributes.
        sent: Numbers of the changes that a flush has sent, this one or earlier ones.
    """

    number: int
    digest: bytes
    key: Any
    sent: tuple[int, ...]


class Journal:
    """Keeps what a MemoryTable has accepted.

    Args:
        path: Of the file.
        schema: Of the table.
        home: Returns what the file is bound to, if it is asked now.

    Raises:
        JournalInUse: Somebody else has it open.
        JournalUnfinished: It holds what a process has left behind.
        JournalError: It belongs to another table, or cannot be used safely.
    """

    def __init__(self, path: str | os.PathLike[str], schema: TableSchema, home: Callable[[], Header]) -> None:
        self.path = os.path.abspath(os.fspath(path))
        self._schema = schema
        self._home = home
        self._header = home()
        self._file: JournalFile | None = None
        self._lock = threading.RLock()
        self._pid = os.getpid()
        self._session = uuid.uuid4().hex
        self._number = self._unit = 0
        self._pending: dict[tuple[Any, ...], _Pending] = {}
        self._marks: list[int] = []
        self._compact_at = _COMPACT_BYTES
        self._failure = ""
        self.open()
        _journals.add(self)

    def __repr__(self) -> str:
        return f"Journal({self.path!r}, {len(self._pending)} accepted)"

    def open(self) -> None:
        """Open the file and lock it; harmless while it is open."""
        with self._lock:
            self._check_process()
            if self._file is not None:
                return
            file, contents = open_file(self.path, self._header)
            try:
                self._begin(file, contents)
            except BaseException:
                file.close()
                raise
            self._file = file
            self._close = weakref.finalize(self, file.close)

    def _begin(self, file: JournalFile, contents: Contents) -> None:
        """Make sure that nobody's changes are in the file, and have it hold its header only."""
        count = len(contents.pending)
        if count or contents.damaged:
            what = f"{count} accepted changes" if count else "damaged parts"
            raise JournalUnfinished(
                self.path, f"a process has left {what} in it: call recover() before it is used again", count
            )
        if contents.header == self._header:
            size = len(encode_line(self._header))
            if file.size != size:
                file.cut(size)
        else:  # the table's records have a version now, or none any more
            file.replace(encode_line(self._header))
        self._pending = {}
        self._failure = ""
        self._compact_at = _COMPACT_BYTES

    def close(self) -> None:
        """Unlock the file; what was accepted and not written stays in it."""
        with self._lock:
            file, self._file = self._file, None
            if file is not None:
                self._close.detach()
                file.close(keeps_lock=self._pid != os.getpid())

    @property
    def count(self) -> int:
        """Return how many records this process has accepted, and not seen written."""
        with self._lock:
            return len(self._pending) if self._pid == os.getpid() else 0

    # --- accepting ----------------------------------------------------------------------------

    def accept(self, plan: Plan, *, sends: bool = True) -> Acknowledge:
        """Have everything that a plan writes on disk, and return what is told of acknowledged writes.

        What was accepted before for keys that the plan does not name, because they are clean
        again, is withdrawn; so the plan must be about all entries.

        Args:
            sends: Whether the writes are going to be sent now.

        Raises:
            JournalError: It cannot be written; nothing of the plan is accepted.
        """
        with self._lock:
            file = self._usable()
            check_home(self.path, self._header, self._home())
            unit, number, lines = self._unit + 1, self._number, []
            places: dict[Write | Guarded, tuple[tuple[Any, ...], int]] = {}
            pending: dict[tuple[Any, ...], _Pending] = {}
            for write, identity, key, body in planned_changes(self._schema, plan):
                digest = blake2b(body, digest_size=16).digest()
                known = self._pending.get(identity)
                if known is None or known.digest != digest:
                    number += 1
                    lines.append(change_line(unit, number, body))
                    known = _Pending(number, digest, key, () if known is None else known.sent)
                if sends and known.number not in known.sent:
                    known.sent = (*known.sent, known.number)[-_MAX_SENT:]
                pending[identity] = known
                places[write] = identity, known.number
            kept = failed_keys(self._schema, plan) if plan.failed else set()
            for identity, known in self._pending.items():
                if identity in kept:
                    pending.setdefault(identity, known)
                elif identity not in pending:
                    number += 1
                    lines.append(encode_line(Withdrawal(unit, number, known.key)))
            if lines:
                self._write_unit(file, unit, lines)
                self._unit, self._number = unit, number
            self._pending = pending
            self._compact_if_due(file)
        return lambda writes: self._acknowledged([places[w] for w in writes if w in places])

    def _write_unit(self, file: JournalFile, unit: int, lines: list[bytes]) -> None:
        try:
            file.append(_unit(unit, lines, self._session))
        except OSError as error:
            if error.errno not in _PASSING:
                self._failed(error)
            raise JournalError(
                self.path, f"cannot be written: {error.strerror}; nothing was accepted or sent"
            ) from None

    # --- what becomes of it -------------------------------------------------------------------

    def _acknowledged(self, places: list[tuple[tuple[Any, ...], int]]) -> None:
        with self._lock:
            file = self._file
            if file is None or self._pid != os.getpid() or not places:
                return
            reach("flush: acknowledged")
            for identity, number in places:
                known = self._pending.get(identity)
                if known is not None and known.number <= number:
                    del self._pending[identity]
                elif known is not None:
                    known.sent = tuple(n for n in known.sent if n >= number)
            self._marks += [number for _, number in places]
            if len(self._marks) >= MAX_WRITES:
                self._write_marks(file)
            reach("flush: marked")

    def _write_marks(self, file: JournalFile) -> None:
        marks, self._marks = self._marks, []
        try:
            file.note(encode_line(Done(marks)))
        except OSError as error:  # what was written is written: the next who accepts is told
            self._failed(error)

    def settle(self) -> None:
        """At the end of a flush: drop what is done from the file."""
        with self._lock:
            self._check_process()
            file = self._file
            if file is None or self._failure:  # the next who accepts is told
                return
            reach("settle: begun")
            if self._pending:
                if self._marks:
                    self._write_marks(file)
                self._compact_if_due(file)
            else:
                self._clear(file)
            reach("settle: ended")

    def check_reset(self) -> None:
        """Raise JournalError if there are changes that were accepted and not written."""
        if self.count:
            raise JournalError(
                self.path,
                f"{self.count} records are accepted and not written: flush them, or reset(discard=True)",
            )

    def discard(self) -> None:
        """Forget what was accepted and not written, on disk too.

        Raises:
            JournalError: It cannot be written.
        """
        with self._lock:
            if self._pending:
                file = self._usable()
                self._clear(file)
                self._usable()
                self._pending = {}

    def _clear(self, file: JournalFile) -> None:
        self._marks = []
        size = len(encode_line(self._header))
        if file.size != size:
            try:
                file.cut(size)
            except OSError as error:
                self._failed(error)
            self._compact_at = _COMPACT_BYTES

    def _compact_if_due(self, file: JournalFile) -> None:
        if file.size > self._compact_at:
            try:
                self._compact(file)
            except OSError as error:  # the file is as it was, or written anew
                if error.errno not in _PASSING:
                    self._failed(error)
            self._compact_at = max(_COMPACT_BYTES, 4 * file.size)

    def _compact(self, file: JournalFile) -> None:
        """Keep the last change of each key, and those that may be what the table holds."""
        keys = file.read().keys
        kept = {
            found.change.number: found.change
            for identity, known in self._pending.items()
            for found in keys[identity]
            if found.change.number == known.number or found.change.number in known.sent
        }
        unit = self._unit + 1
        lines = [
            encode_line(msgspec.structs.replace(change, unit=unit)) for _, change in sorted(kept.items())
        ]
        file.replace(encode_line(self._header) + _unit(unit, lines, self._session))
        self._unit = unit

    def _failed(self, error: OSError) -> None:
        self._failure = f"cannot be written any more: {error.strerror}"

    # --- who may use it -----------------------------------------------------------------------

    def _usable(self) -> JournalFile:
        self._check_process()
        if self._failure:
            raise JournalError(
                self.path, f"{self._failure}; recover() what it holds, then make a new MemoryTable"
            )
        if self._file is None:
            raise JournalError(self.path, "was closed: make a new MemoryTable, or use it by a with block")
        return self._file

    def _check_process(self) -> None:
        if self._pid != os.getpid():
            raise JournalError(
                self.path,
                "was inherited by a forked process: make a MemoryTable with another journal here",
            )

    def after_fork(self) -> None:
        """Leave the file to the parent process."""
        self._lock = threading.RLock()
        file, self._file = self._file, None
        if file is not None:
            self._close.detach()
            file.close(keeps_lock=True)


def _unit(unit: int, lines: list[bytes], session: str) -> bytes:
    """Return the lines of a unit with the mark that makes them accepted."""
    content = b"".join(lines)
    return content + encode_line(Commit(unit, len(lines), crc32(content), session))


_journals: weakref.WeakSet[Journal] = weakref.WeakSet()


def _after_fork() -> None:
    for journal in list(_journals):
        journal.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
