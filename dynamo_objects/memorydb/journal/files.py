"""The file of a journal: opened safely, locked, appended to, cut, replaced as a whole.

Everything that was promised is on disk when a function returns, as far as the operating
system and the disk say so.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from ...errors import JournalError, JournalInUse
from .lines import HEADER_BEGIN
from .points import reach
from .reading import Contents, read_lines

if sys.platform == "win32":
    fcntl: Any = None
else:
    import fcntl

__all__ = ["JournalFile", "sync_folder"]

#: A line holds two items of 400 KB at most, which JSON may make longer.
_MAX_LINE_BYTES = 16 * 1024 * 1024
_OPEN = os.O_RDWR | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)


def _write_all(descriptor: int, data: bytes, place: int) -> None:
    """Write all of *data* at a place."""
    view = memoryview(data)
    while view:
        count = os.pwrite(descriptor, view, place)
        view, place = view[count:], place + count


def _sync(descriptor: int) -> None:
    """Return when a file is on disk."""
    if sys.platform == "darwin":  # where fsync leaves the data in the disk's memory
        with suppress(OSError):
            fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
            return
    getattr(os, "fdatasync", os.fsync)(descriptor)


def sync_folder(path: str) -> None:
    """Return when the entry of a file in its folder is on disk."""
    descriptor = os.open(os.path.dirname(path) or ".", os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class JournalFile:
    """A journal's file, locked while it is open.

    Args:
        path: Where it is, or is to be.
        create: Make it if it is missing.

    Raises:
        FileNotFoundError: It is missing, and *create* is not set.
        JournalInUse: Somebody else has it open.
        JournalError: It cannot be used safely.

    Attributes:
        path: Absolute.
        size: Bytes in it.
    """

    def __init__(self, path: str, *, create: bool) -> None:
        if fcntl is None:
            raise JournalError(path, "journals need file locks and permissions as POSIX systems have them")
        self.path = path
        self._descriptor = self._opened(create)
        self.size = os.fstat(self._descriptor).st_size

    def _opened(self, create: bool) -> int:
        while True:
            descriptor = self._open(self.path, os.O_CREAT if create else 0)
            try:
                self._check(descriptor)
                _lock(descriptor, self.path)
                if _is_at(descriptor, self.path):
                    return descriptor
            except BaseException:
                os.close(descriptor)
                raise
            os.close(descriptor)  # it was replaced or moved away meanwhile

    def _open(self, path: str, flags: int) -> int:
        try:
            return os.open(path, _OPEN | flags, 0o600)
        except FileNotFoundError:
            if not flags:
                raise
            raise JournalError(path, "its folder is missing") from None
        except OSError as error:
            if error.errno == errno.ELOOP:
                raise JournalError(path, "is a symbolic link: name the file itself") from None
            raise JournalError(path, f"cannot be opened: {error.strerror}") from None

    def _check(self, descriptor: int) -> None:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise JournalError(self.path, "is not a file")
        if found.st_uid != os.geteuid():
            raise JournalError(self.path, "belongs to another user")
        if found.st_mode & 0o077:
            raise JournalError(self.path, "others may read or change it: look at it, then chmod 600")

    def close(self, *, keeps_lock: bool = False) -> None:
        """Close the file and unlock it.

        Args:
            keeps_lock: In a forked child: the lock stays its parent's.
        """
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            if not keeps_lock:
                with suppress(OSError):  # a child that was forked without our knowledge may hold it
                    fcntl.flock(descriptor, fcntl.LOCK_UN)
            os.close(descriptor)

    # --- reading ------------------------------------------------------------------------------

    def read(self) -> Contents:
        """Return what the file holds."""
        return read_lines(self.lines())

    def lines(self) -> Iterator[bytes]:
        """Yield the lines of the file, with their ends; the last may lack it."""
        with open(os.dup(self._descriptor), "rb") as file:
            file.seek(0)
            while line := file.readline(_MAX_LINE_BYTES):
                # What is longer than any line of ours is damage, and no end of the file.
                yield line if line.endswith(b"\n") or len(line) < _MAX_LINE_BYTES else line + b"\n"

    def is_start_of(self, data: bytes) -> bool:
        """Tell whether *data* begins with all that the file holds."""
        return self.size < len(data) and data.startswith(os.pread(self._descriptor, self.size, 0))

    def is_torn_header(self) -> bool:
        """Tell whether the file is nothing but the beginning of a first line of ours."""
        start = os.pread(self._descriptor, _MAX_LINE_BYTES, 0)
        begin = start[9 : 9 + len(HEADER_BEGIN)]
        return b"\n" not in start and HEADER_BEGIN.startswith(begin)

    # --- writing ------------------------------------------------------------------------------

    def append(self, data: bytes) -> None:
        """Add lines, all of them and on disk, or none.

        Raises:
            OSError: They could not be written.
        """
        try:
            reach("accept: begun", (self._descriptor, data, self.size))
            _write_all(self._descriptor, data, self.size)
            reach("accept: written")
            _sync(self._descriptor)
        except BaseException:
            os.ftruncate(self._descriptor, self.size)
            raise
        self.size += len(data)
        reach("accept: synced")

    def note(self, data: bytes) -> None:
        """Add lines that may be lost with the power.

        Raises:
            OSError: They could not be written.
        """
        _write_all(self._descriptor, data, self.size)
        self.size += len(data)

    def end_line(self) -> None:
        """Make sure that what is added next begins a line."""
        if self.size and os.pread(self._descriptor, 1, self.size - 1) != b"\n":
            self.note(b"\n")

    def sync(self) -> None:
        """Return when the file is on disk."""
        _sync(self._descriptor)

    def cut(self, size: int) -> None:
        """Drop everything from *size* on."""
        os.ftruncate(self._descriptor, size)
        self.size = size
        reach("settle: cut")
        _sync(self._descriptor)

    def replace(self, data: bytes) -> None:
        """Put other contents in the place of all; a crash leaves the old ones or the new ones."""
        other = f"{self.path}.new"
        with suppress(FileNotFoundError):
            os.unlink(other)  # of a process that was killed here; whoever writes it holds our lock
        descriptor = self._open(other, os.O_CREAT | os.O_EXCL)
        try:
            _lock(descriptor, other)
            _write_all(descriptor, data, 0)
            _sync(descriptor)
            reach("compact: written")
            os.rename(other, self.path)
        except BaseException:
            os.close(descriptor)
            with suppress(OSError):
                os.unlink(other)
            raise
        self.close()
        self._descriptor, self.size = descriptor, len(data)
        reach("compact: renamed")
        sync_folder(self.path)

    def move_away(self, kind: str) -> str:
        """Rename the file to one that is not there yet, and return its name; its name is free then."""
        place = f"{self.path}.{kind}"
        number = 1
        while os.path.lexists(place):
            number += 1
            place = f"{self.path}.{kind}-{number}"
        os.rename(self.path, place)
        sync_folder(self.path)
        return place


def _lock(descriptor: int, path: str) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise JournalInUse(path, "is in use by another process, or another MemoryTable") from None
    except OSError as error:
        raise JournalError(path, f"cannot be locked: {error.strerror}") from None


def _is_at(descriptor: int, path: str) -> bool:
    """Tell whether an open file is the one that a path leads to."""
    try:
        there = os.stat(path, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return os.path.samestat(os.fstat(descriptor), there)
