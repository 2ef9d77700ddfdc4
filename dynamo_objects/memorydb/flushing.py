"""Flushes, of one MemoryTable or of several together: who may flush when, and what it reports.

Flushes of one table never meet, nor does a flush meet a unit: each waits for the other.
"""

from __future__ import annotations

import logging
import sys
import threading
import time
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager

import attrs

from ..database.progress import Progress
from ..errors import BatchFailed, DynamoException
from ..flows.deciding import OnConflict
from ..flows.transacting import check_as_one
from ..operations.batch import MAX_WRITES
from .collecting import few_collections
from .entries import Entry
from .flush import Flush, Settling
from .identity import IdentityMap
from .plan import FlushReport, plan_flush
from .resolved import way_of
from .timing import add_time

__all__ = ["Manner", "flush_tables"]

_log = logging.getLogger("dynamo_objects.memorydb")


@attrs.frozen(kw_only=True)
class Manner:
    """How to flush.

    Attributes:
        ignore_errors: Return the report even if some records were not written.
        overwrite: Write whatever is stored.
        one_by_one: Guard every write, and send one record with each request.
        atomic: Write everything in one transaction.
        on_conflict: What to do when a guarded write meets another; None: as for the table.
        progress: Told how many records were written.
        times: Gets the seconds spent.
        round_size: How many records are planned, and then written, at a time.
    """

    ignore_errors: bool = False
    overwrite: bool = False
    one_by_one: bool = False
    atomic: bool = False
    on_conflict: OnConflict | None = None
    progress: Progress | None = None
    times: dict[str, float] | None = None
    round_size: int = 10_000


def flush_tables(maps: Sequence[IdentityMap], manner: Manner) -> list[FlushReport]:
    """Flush some tables of one database, and return the report of each, then that of the whole.

    Raises:
        BatchFailed: Some records were not written; they stay dirty.
        DynamoException: Nothing was sent: a flush or unit of this thread is under way, a
            transaction cannot hold so much, or this is a forked copy.
    """
    began = time.perf_counter()
    for known in maps:
        _check(known)
    with ExitStack() as alone:
        for known in sorted(maps, key=id):  # so that two threads cannot wait for each other
            alone.enter_context(_alone(known))
        with few_collections(sum(len(known.cache) for known in maps) >= manner.round_size):
            reports = _flushed(maps, manner)
    add_time(manner.times, "mem_flush_total", began)
    whole = reports[-1]
    _log.info(
        "flushed %s: %d puts, %d updates, %d deletes, %d skipped, %d failed, %d requests, %.3f s",
        _names(maps),
        *(whole.puts, whole.updates, whole.deletes, whole.skipped, len(whole.failed), whole.requests),
        time.perf_counter() - began,
    )
    if whole.failed and not manner.ignore_errors:
        failed = BatchFailed(f"flush of {_names(maps)}", whole.failed, whole)
        raise failed from whole.failed[0].reason
    return reports


def _names(maps: Sequence[IdentityMap]) -> str:
    return ", ".join(known.schema.table_name for known in maps)


def _check(known: IdentityMap) -> None:
    if known.was_inherited_dirty:
        raise DynamoException(
            f"{known.table!r} in memory was inherited with unwritten changes by a forked process: flush it "
            f"where they were made, or they would be written twice; here, reset() it"
        )
    if known.is_flushed_here:
        raise DynamoException(
            f"{known.table!r} in memory is being flushed: "
            f"a progress bar, or what decides conflicts, must not flush it again"
        )
    if known.is_in_unit:
        raise DynamoException(f"{known.table!r} in memory has an open unit here: flush it after the unit")


@contextmanager
def _alone(known: IdentityMap) -> Iterator[None]:
    """Keep other flushes, and units, of a table away."""
    with known.flushing:  # two at once would write everything twice
        known.flusher = threading.get_ident()
        known.begin_flush()
        try:
            yield
        finally:
            known.flusher = None
            known.end_flush()


def _flushed(maps: Sequence[IdentityMap], manner: Manner) -> list[FlushReport]:
    """Flush in rounds, so that plans take little memory; the first error that stops one stops all."""
    most = _round_size(maps, manner)
    totals = [FlushReport() for _ in maps]
    entries = [iter(known.entries()) for known in maps]
    requests, error, is_first = 0, None, True
    while True:
        began = time.perf_counter()
        parts = [_planned(*each, manner, most) for each in zip(maps, entries, strict=True)]
        add_time(manner.times, "mem_flush_plan", began)
        is_last = not any(len(part.pending) >= most for part in parts)
        if is_first or not is_last or any(part.pending or part.report.failed for part in parts):
            if error is None:
                sent, error = _round(maps, parts, manner)
                requests += sent
            else:
                for part in parts:
                    part.give_up(error)
        for total, part in zip(totals, parts, strict=True):
            total.add(part.report)
        if is_last:
            break
        is_first = False
    for known, total in zip(maps, totals, strict=True):
        known.flushed(total.failed)
    if len(maps) > 1:
        totals.append(_whole(maps, totals))
    totals[-1].requests = requests
    return totals


def _round_size(maps: Sequence[IdentityMap], manner: Manner) -> int:
    """Return how many records of each table are planned at a time."""
    if manner.atomic or any(known.journal is not None for known in maps):
        return sys.maxsize  # a transaction is one whole, and a journal accepts everything at first
    return max(1, manner.round_size // len(maps) // MAX_WRITES) * MAX_WRITES


def _round(
    maps: Sequence[IdentityMap], parts: Sequence[Settling], manner: Manner
) -> tuple[int, DynamoException | None]:
    """Write what was planned; return the number of requests, and what stops further rounds."""
    if manner.atomic:
        _check_atomic(parts)
    for known, part in zip(maps, parts, strict=True):
        # What was given up before anything was sent is not to be written later either.
        if known.journal is not None and (part.pending or part.is_idle):
            part.acknowledge = known.journal.accept(part.plan)
    began = time.perf_counter()
    flush = Flush(maps[0].table._connection, parts, manner.progress)
    token = uuid.uuid4().hex if manner.atomic else None
    requests = flush.run(one_by_one=manner.one_by_one, token=token)
    add_time(manner.times, "mem_flush_write", began)
    for known in maps:
        if known.journal is not None:
            known.journal.settle()
    return requests, flush.error


def _planned(known: IdentityMap, entries: Iterable[Entry], manner: Manner, most: int) -> Settling:
    known.check_home()
    way = way_of(known, manner.on_conflict, overwrite=manner.overwrite, atomic=manner.atomic)
    with known.planning:
        plan = plan_flush(
            known.schema,
            known.name,
            entries,
            conditional=manner.one_by_one or manner.atomic,
            overwrite=manner.overwrite,
            atomic=manner.atomic,
            on_conflict=way,
            most=most,
        )
    return Settling(known.codec, plan, known.lock)


def _check_atomic(parts: Sequence[Settling]) -> None:
    """Refuse what is too much, and give up everything where a part of it cannot be written."""
    check_as_one([write for part in parts for write in part.pending])
    bad = sum(len(part.report.failed) for part in parts)
    if bad:
        reason = DynamoException(
            f"nothing of the transaction was sent: {bad} of its records cannot be written"
        )
        for part in parts:
            part.give_up(reason)


def _whole(maps: Sequence[IdentityMap], reports: Sequence[FlushReport]) -> FlushReport:
    whole = FlushReport()
    for report in reports:
        whole.add(report)
    whole.tables = {known.schema.table_name: report for known, report in zip(maps, reports, strict=True)}
    return whole
