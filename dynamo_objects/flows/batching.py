"""Any number of reads by key and of plain writes, in batches and in parallel.

What a batch leaves unprocessed is asked again after a pause that grows until something
gets through. A read key counts as absent only when a reply has left it out.
A batch that is refused because of some of its writes is halved until only those are left.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any

import msgspec

from ..codec.sizes import item_size
from ..codec.structs import Quiet
from ..codec.values import Item
from ..errors import (
    DynamoException,
    InvalidRequest,
    ItemCollectionTooLarge,
    TableNotFound,
    ThrottledError,
)
from ..operations.batch import (
    MAX_READS,
    MAX_REQUEST_BYTES,
    MAX_WRITES,
    BatchGetItem,
    BatchRead,
    BatchWriteItem,
    Write,
)
from .base import Backoff, Emit, Flow, Together

__all__ = ["Answered", "NotWritten", "Written", "read_batches", "write_batches"]

#: Room in a request for everything but the items.
_OVERHEAD_BYTES = 64 * 1024
#: A reply holds up to 16 MB of items (API reference, BatchGetItem); the next one may not fit in, nor its names count.
_FULL_BYTES = 12 * 1024 * 1024


class Answered(Quiet, frozen=True):
    """Some keys were read.

    Attributes:
        refs: What the keys of those that exist are known by.
        items: Their items, in the same order; whoever takes them may use them up.
        absent: What the keys are known by of which the service has said that there is no item.
    """

    unshown = frozenset({"items"})

    refs: list[Any]
    items: list[Item]
    absent: list[Any]


class Written(msgspec.Struct, frozen=True):
    """Some writes were acknowledged."""

    writes: Sequence[Write]


class NotWritten(msgspec.Struct, frozen=True):
    """One write was refused, or given up; the reason tells whether it may have happened."""

    write: Write
    reason: DynamoException


def read_batches(
    request: BatchGetItem, patience_seconds: float, first: BatchRead | None = None
) -> Flow[None]:
    """Read any number of different keys of one table, emitting Answered.

    Args:
        request: With all the keys.
        patience_seconds: How long one batch may go on without any key getting through.
        first: The answer to the request, where somebody has sent it already.
    """
    if len(request.keys) <= MAX_READS:
        yield from _read_batch(request, patience_seconds, first)
        return
    yield Together(_read_batch(part, patience_seconds) for part in _parts(request))


def _read_batch(request: BatchGetItem, patience_seconds: float, first: BatchRead | None = None) -> Flow[None]:
    patience = _Patience(patience_seconds)
    while True:
        read: BatchRead = (yield request) if first is None else first
        first = None
        is_full = bool(read.unprocessed) and _is_full(read)  # whoever takes the items uses them up
        if read.refs or read.absent:
            patience.progress()
            yield Emit(Answered(read.refs, read.items, read.absent))
        if not read.unprocessed:
            return
        request = request.only(read.unprocessed)
        patience.elapsed = yield Backoff(patience.attempt, is_throttled=not is_full)
        if patience.is_over():
            raise ThrottledError(
                "UnprocessedKeys",
                f"{len(request.keys)} keys of {request.table} were not read within {patience_seconds:g} s",
            )


def _is_full(read: BatchRead) -> bool:
    """Tell whether keys were left unprocessed because no further item found room in the reply."""
    return sum(map(item_size, read.items)) > _FULL_BYTES


class _Patience(msgspec.Struct):
    """How often a batch was asked again, and for how long, since anything got through."""

    seconds: float
    attempt: int = 0
    elapsed: float = 0.0
    progress_at: float = 0.0

    def progress(self) -> None:
        """Begin anew."""
        self.attempt, self.progress_at = 0, self.elapsed

    def is_over(self) -> bool:
        """Count an attempt, and tell whether it was the last."""
        self.attempt += 1
        return self.elapsed - self.progress_at > self.seconds


def write_batches(writes: Iterable[Write], patience_seconds: float) -> Flow[None]:
    """Carry out any number of writes of different keys, emitting Written and NotWritten.

    After an error that is not about single writes no further batch is begun. Those that
    run end by themselves; then the first error is raised. The writes that were sent and
    are not Written have a NotWritten each; those that were not sent have nothing.

    Args:
        writes: Taken as they are needed.
        patience_seconds: How long one batch may go on without any write getting through.
    """
    batches = _batches(writes)
    first, second = next(batches, None), next(batches, None)
    if first is None:
        return
    if second is None:
        yield from _write_batch(first, patience_seconds)
        return
    yield Together(_write_batch(batch, patience_seconds) for batch in chain((first, second), batches))


def _write_batch(writes: Sequence[Write], patience_seconds: float) -> Flow[None]:
    patience = _Patience(patience_seconds)
    parts = [list(writes)]
    failed: DynamoException | None = None
    while parts:
        try:
            yield from _write_part(parts[-1], patience)
        except (InvalidRequest, ItemCollectionTooLarge, TableNotFound) as error:
            refused = parts.pop()
            smaller = _split(refused, error)
            parts += smaller
            if not smaller:
                yield from _not_written(refused, error)
                failed = error if isinstance(error, TableNotFound) else failed
        except DynamoException as error:
            yield from _not_written([write for part in reversed(parts) for write in part], error)
            raise
        else:
            parts.pop()
    if failed is not None:
        raise failed


def _write_part(pending: list[Write], patience: _Patience) -> Flow[None]:
    """Write until nothing is left of *pending*, which always holds what was not acknowledged."""
    while pending:
        unprocessed: list[Write] = yield BatchWriteItem(tuple(pending))
        left = set(unprocessed)
        written = [write for write in pending if write not in left] if left else list(pending)
        pending[:] = unprocessed
        if written:
            patience.progress()
            yield Emit(Written(written))
        if not pending:
            return
        patience.elapsed = yield Backoff(patience.attempt)
        if patience.is_over():
            raise ThrottledError(
                "UnprocessedItems",
                f"{len(pending)} writes were left unprocessed for {patience.seconds:g} s",
            )


def _split(refused: list[Write], error: DynamoException) -> list[list[Write]]:
    """Return the parts of a refused batch to try, the last first; none if it is at fault whole."""
    if isinstance(error, TableNotFound):
        tables = dict.fromkeys(write.table for write in refused)
        parts = [[write for write in refused if write.table == table] for table in reversed(tables)]
        return parts if len(parts) > 1 else []
    middle = len(refused) // 2
    return [refused[middle:], refused[:middle]] if middle else []


def _not_written(writes: Sequence[Write], reason: DynamoException) -> Flow[None]:
    for write in writes:
        yield Emit(NotWritten(write, reason))


def _parts(request: BatchGetItem) -> Iterator[BatchGetItem]:
    """Yield requests for the keys of a request that has too many."""
    keys, refs = request.keys, request.refs
    for start in range(0, len(keys), MAX_READS):
        part = slice(start, start + MAX_READS)
        yield msgspec.structs.replace(request, keys=keys[part], refs=None if refs is None else refs[part])


def _batches(writes: Iterable[Write]) -> Iterator[list[Write]]:
    """Yield batches of at most 25 writes that fit into one request."""
    batch: list[Write] = []
    size = _OVERHEAD_BYTES
    for write in writes:
        added = len(write.text or write.request)
        if batch and (len(batch) == MAX_WRITES or size + added > MAX_REQUEST_BYTES):
            yield batch
            batch, size = [], _OVERHEAD_BYTES
        batch.append(write)
        size += added
    if batch:
        yield batch
