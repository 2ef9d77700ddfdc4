"""A journal is opened, or begun, for one table."""

from __future__ import annotations

from ...errors import JournalError
from .files import JournalFile, sync_folder
from .home import check_home
from .lines import Header, encode_line
from .reading import Contents

__all__ = ["open_file"]


def open_file(path: str, header: Header) -> tuple[JournalFile, Contents]:
    """Open a journal, or begin a new one; return also what it holds.

    Raises:
        JournalError: It belongs to another table, is no journal, or cannot be used safely.
    """
    try:
        return _open_file(path, header)
    except OSError as error:
        raise JournalError(path, f"cannot be written: {error.strerror}") from None


def _open_file(path: str, header: Header) -> tuple[JournalFile, Contents]:
    file = JournalFile(path, create=True)
    try:
        line = encode_line(header)
        if file.is_start_of(line):  # it is new, or we died while it was
            file.cut(0)
            file.append(line)
            sync_folder(path)
        contents = file.read()
        if contents.header is None:
            raise JournalError(path, "is no journal, or its first line is damaged; it is left as it is")
        check_home(path, contents.header, header)
    except BaseException:
        file.close()
        raise
    return file, contents
