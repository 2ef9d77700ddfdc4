"""What a journal holds: lines in; what is still to be done, and what is wrong with the file, out.

What is after the last unit that ended is what a process was writing when it died: it was never
accepted, and is left out. Anything else that cannot be read is damage. Each unit proves itself
by its own mark, so that those behind a damaged one count too: they are the newer ones.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Any
from zlib import crc32

import attrs

from .lines import (
    Change,
    Commit,
    Done,
    Header,
    Withdrawal,
    decode_header,
    decode_line,
    is_whole_but_for_its_end,
)

__all__ = ["Accepted", "Contents", "read_lines"]


@attrs.frozen(eq=False)
class Accepted:
    """A change that was accepted.

    Attributes:
        change: What is to become of the item.
        name: Unlike that of any other change, in all journals.
    """

    change: Change
    name: str


@attrs.define(eq=False)
class Contents:
    """What a journal holds.

    Attributes:
        header: None for an empty file.
        keys: Identity of a key -> its accepted changes, the oldest first.
        pending: Identity of a key -> the change that is to be carried out.
        discarded: Changes at the end that were never accepted.
        damaged: Lines and units that cannot be read.
        end: Where the last line ends that counts.
        last_number, last_unit: The highest ones.
    """

    header: Header | None = None
    keys: dict[tuple[Any, ...], list[Accepted]] = attrs.field(factory=dict)
    pending: dict[tuple[Any, ...], Accepted] = attrs.field(factory=dict)
    discarded: int = 0
    damaged: int = 0
    end: int = 0
    last_number: int = 0
    last_unit: int = 0

    def earlier(self, accepted: Accepted) -> list[Accepted]:
        """Return the changes of the same key that were accepted before: what is stored may be theirs."""
        same = self.keys[accepted.change.identity]
        return [found for found in same if found.change.number < accepted.change.number]


def read_lines(lines: Iterable[bytes]) -> Contents:
    """Return what the lines of a journal, each with its end, hold.

    The header is None when the file is empty, and also when its first line is damaged:
    then there is nothing but damage.
    """
    reader = _Reader()
    for line in lines:
        reader.take(line)
    return reader.ended()


class _Reader:
    def __init__(self) -> None:
        self._contents = Contents()
        self._place = 0
        self._is_first = True
        self._unit: list[Change | Withdrawal] = []
        self._crc = 0
        self._done: set[int] = set()

    def take(self, line: bytes) -> None:
        """Take the next line."""
        contents = self._contents
        self._place += len(line)
        if not line.endswith(b"\n"):
            contents.damaged += is_whole_but_for_its_end(line)
            return  # the end of the file
        if self._is_first:
            self._is_first = False
            contents.header = decode_header(line)
            found: Any = contents.header
        else:
            found = decode_line(line)
        if found is None:
            contents.damaged += 1
        elif isinstance(found, Change | Withdrawal):
            self._add(found, line)
            return
        elif isinstance(found, Commit):
            self._commit(found)
        elif isinstance(found, Done):
            self._abandon()
            self._done.update(found.numbers)
        contents.end = self._place

    def ended(self) -> Contents:
        """Return what was found, at the end of the file."""
        contents = self._contents
        contents.discarded = sum(isinstance(line, Change) for line in self._unit)
        contents.pending = {
            key: found for key, found in contents.pending.items() if found.change.number not in self._done
        }
        return contents

    def _add(self, line: Change | Withdrawal, text: bytes) -> None:
        if self._unit and self._unit[-1].unit != line.unit:
            self._abandon()
        self._unit.append(line)
        self._crc = crc32(text, self._crc)

    def _abandon(self) -> None:
        """Count a unit as damaged that has lost its mark, with others behind it."""
        self._contents.damaged += bool(self._unit)
        self._unit, self._crc = [], 0

    def _commit(self, mark: Commit) -> None:
        contents, unit = self._contents, self._unit
        is_whole = (
            mark.count == len(unit)
            and mark.crc == self._crc
            and all(line.unit == mark.unit for line in unit)
            and mark.unit > contents.last_unit
            and all(a.number < b.number for a, b in itertools.pairwise(unit))
            and (not unit or unit[0].number > contents.last_number)
        )
        if not is_whole:
            contents.damaged += 1
            self._unit, self._crc = [], 0
            return
        self._unit, self._crc = [], 0
        contents.last_unit = mark.unit
        for line in unit:
            contents.last_number = line.number
            self._accept(line, mark)

    def _accept(self, line: Change | Withdrawal, mark: Commit) -> None:
        contents = self._contents
        if isinstance(line, Change):
            found = Accepted(line, f"{mark.session}-{line.number}")
            contents.keys.setdefault(line.identity, []).append(found)
            contents.pending[line.identity] = found
        else:
            contents.pending.pop(line.identity, None)
