"""Recovery: carries out what a dead process had accepted, and had not been told to be written.

It may die itself at any point and be run again: what is done is noted as it goes, and a change that
was carried out without a note is found in the table. Conflicts are on disk before they count as done.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from contextlib import closing
from typing import Any

import attrs
import msgspec

from ..codec.typed import plain_item
from ..connection.connection import Connection
from ..database import DynamoDatabase
from ..errors import (
    BatchFailed,
    ConditionFailed,
    DynamoException,
    Failure,
    InvalidRequest,
    ItemCollectionTooLarge,
    JournalDamaged,
    JournalError,
    OutcomeUnknown,
    TransactionConflict,
)
from ..flows.base import Emit, Flow, Together
from ..flows.flushing import noted
from ..table import DynamoTable
from .journal.conflicts import Conflict, ConflictFile
from .journal.files import JournalFile
from .journal.home import check_home, home_of, place_of
from .journal.lines import Done, Header, encode_line
from .journal.points import reach
from .journal.reading import Accepted, Contents
from .replay import Outcome, replay

__all__ = ["RecoveryReport", "recover", "recover_in", "read_header"]

#: Errors that concern one record alone; after others no further record is begun.
_OF_ONE_RECORD = (
    ConditionFailed,
    InvalidRequest,
    ItemCollectionTooLarge,
    OutcomeUnknown,
    TransactionConflict,
)


@attrs.define
class RecoveryReport:
    """What a recovery did.

    Attributes:
        replayed: Records that were written now.
        there_already: Records whose change was in the table.
        conflicts: Records that others have written since; both sides are in *conflict_file*.
        discarded: Changes that a process was writing down when it died: they were never accepted.
        damaged: Places in the journal that cannot be read.
        failed: Key and reason of those that are left in the journal.
        conflict_file: Where the conflicts are, or would be.
    """

    replayed: int = 0
    there_already: int = 0
    conflicts: int = 0
    discarded: int = 0
    damaged: int = 0
    failed: list[Failure] = attrs.field(factory=list)
    conflict_file: str = ""


def recover(journal: str | os.PathLike[str], table: DynamoTable[Any]) -> RecoveryReport:
    """Write what a process had accepted and not written when it died; harmless when there is nothing.

    Run it before ``MemoryTable(table, journal=...)``. A newer write of somebody else is never
    overwritten: such changes go to a file beside the journal, with both sides.

    Args:
        journal: Path of the file; it may be missing.
        table: The table that it belongs to.

    Raises:
        JournalError: It is in use, belongs to another table, or is no journal.
        JournalDamaged: Parts of it cannot be read; everything else was recovered, the file was kept.
        BatchFailed: Some records could not be written; they stay in the journal.
        DynamoException: The service cannot be reached, say; run it again.
    """
    return _recovered(journal, table._connection, lambda _: home_of(table))


def recover_in(journal: str | os.PathLike[str], database: DynamoDatabase) -> RecoveryReport:
    """Do the same without a table class: the journal says which table of the database it belongs to.

    Raises:
        JournalError: It is from another endpoint or prefix; and as `recover`.
    """
    connection = database.get_connection()
    endpoint, region = place_of(connection)

    def home(found: Header) -> Header:
        if not found.table.startswith(database.table_prefix):
            raise JournalError(
                os.fspath(journal),
                f"belongs to another prefix: its table is {found.table!r}, not {database.table_prefix!r}...",
            )
        return msgspec.structs.replace(found, endpoint=endpoint, region=region)

    return _recovered(journal, connection, home)


def read_header(journal: str | os.PathLike[str]) -> Header | None:
    """Return what a journal is bound to; None where nothing was ever written to it.

    Raises:
        FileNotFoundError: There is none.
        JournalError: It is in use, or is no journal.
    """
    file = JournalFile(os.path.abspath(os.fspath(journal)), create=False)
    with closing(file):
        return _header(file, file.read())


def _recovered(
    journal: str | os.PathLike[str], connection: Connection, home: Callable[[Header], Header]
) -> RecoveryReport:
    path = os.path.abspath(os.fspath(journal))
    report = RecoveryReport(conflict_file=f"{path}.conflicts")
    try:
        file = JournalFile(path, create=False)
    except FileNotFoundError:
        return report
    with closing(file):
        try:
            contents = file.read()
            header = _header(file, contents)
            if header is not None:
                check_home(path, header, home(header))
                _Recovery(file, connection, header, contents, report).run()
        except OSError as error:
            raise JournalError(path, f"cannot be written: {error.strerror}") from None
    return report


def _header(file: JournalFile, contents: Contents) -> Header | None:
    if contents.header is None and (contents.damaged or (file.size and not file.is_torn_header())):
        raise JournalError(file.path, "is no journal, or its first line is damaged; it is left as it is")
    return contents.header


class _Recovery:
    def __init__(
        self,
        file: JournalFile,
        connection: Connection,
        header: Header,
        contents: Contents,
        report: RecoveryReport,
    ) -> None:
        self._file = file
        self._connection = connection
        self._header = header
        self._contents = contents
        self._report = report
        self._conflicts = ConflictFile(report.conflict_file)
        self._lock = threading.Lock()

    def run(self) -> None:
        """Recover everything, and fill in the report."""
        report, contents = self._report, self._contents
        report.discarded, report.damaged = contents.discarded, contents.damaged
        reach("recover: begun")
        if contents.damaged:
            self._file.end_line()  # nothing of it is dropped
        elif self._file.size > contents.end:
            self._file.cut(contents.end)
        if contents.pending:
            with (
                closing(self._conflicts),
                closing(self._connection.stream(noted(self._all(), self._note))) as events,
            ):
                for _ in events:
                    pass
        if report.failed:
            raise BatchFailed(f"recovery of {self._header.table}", report.failed, report)
        reach("recover: ending")
        self._end()

    def _end(self) -> None:
        """Leave no journal, or one that holds nothing but its header."""
        if not self._contents.damaged:
            self._file.cut(len(encode_line(self._header)))
            return
        kept = self._file.move_away("damaged")
        raise JournalDamaged(
            self._file.path,
            f"{self._contents.damaged} places of it cannot be read: what they held may be lost. "
            f"Everything else was recovered; the file is kept as {kept}",
            kept,
            self._report,
        )

    # --- one change after another, or several at the same time ------------------------------------

    def _all(self) -> Flow[None]:
        yield Together(self._one(accepted) for accepted in self._contents.pending.values())

    def _one(self, accepted: Accepted) -> Flow[None]:
        earlier = [found.change for found in self._contents.earlier(accepted)]
        result: Outcome | DynamoException
        try:
            result = yield from replay(self._header, accepted.change, earlier)
        except _OF_ONE_RECORD as error:
            result = error
        yield Emit((accepted, result))

    def _note(self, event: tuple[Accepted, Outcome | DynamoException]) -> None:
        accepted, result = event
        report = self._report
        with self._lock:
            if isinstance(result, DynamoException):
                report.failed.append(Failure(self._user_key(accepted), result))
                return
            if result.what == "conflict":
                self._keep(accepted, result)
                report.conflicts += 1
            elif result.what == "replayed":
                report.replayed += 1
            else:
                report.there_already += 1
            self._file.note(encode_line(Done([accepted.change.number])))
            reach("recover: marked")

    def _keep(self, accepted: Accepted, outcome: Outcome) -> None:
        change = accepted.change
        self._conflicts.add(
            Conflict(
                name=accepted.name,
                table=self._header.table,
                key=change.key,
                mine=change.item,
                theirs=None if outcome.theirs is None else plain_item(outcome.theirs),
                base=change.base,
                reason=outcome.reason,
            )
        )
        reach("recover: conflict kept")

    def _user_key(self, accepted: Accepted) -> Any:
        """Return a key as texts: nobody knows the types of its fields here."""
        parts = [next(iter(accepted.change.key[wire].values())) for wire, _ in self._header.keys]
        return tuple(parts) if len(parts) > 1 else parts[0]
