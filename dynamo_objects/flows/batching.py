"""Any number of reads by key and of plain writes, in batches and in parallel.

What a batch leaves unprocessed is asked again after a pause that grows until something
gets through. A read key counts as absent only when a reply has left it out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

import attrs
import msgspec

from ..codec.sizes import item_size
from ..codec.values import Item
from ..errors import DynamoException, InvalidRequest, NotDynamoDBReply, ThrottledError
from ..operations.batch import (
    MAX_READS,
    MAX_REQUEST_BYTES,
    MAX_WRITES,
    BatchGetItem,
    BatchRead,
    BatchWriteItem,
    Write,
    key_identity,
)
from .base import Backoff, Emit, Flow, Together

__all__ = ["Answered", "NotWritten", "Written", "read_batches", "write_batches"]

#: A control character takes six bytes in JSON, and nothing takes more.
_JSON_GROWTH = 6
#: Room in a request for everything but the items.
_OVERHEAD_BYTES = 64 * 1024


@attrs.frozen
class Answered:
    """Some keys were read.

    Attributes:
        found: (key, item) of those that exist.
        absent: Keys of which the service has said that there is no item.
    """

    found: list[tuple[Item, Item]] = attrs.field(repr=False)
    absent: list[Item]


@attrs.frozen
class Written:
    """Some writes were acknowledged."""

    writes: Sequence[Write]


@attrs.frozen
class NotWritten:
    """One write was refused for good."""

    write: Write
    reason: DynamoException


def read_batches(request: BatchGetItem, patience_seconds: float) -> Flow[None]:
    """Read any number of different keys of one table, emitting Answered.

    Args:
        request: With all the keys.
        patience_seconds: How long one batch may go on without any key getting through.
    """
    yield Together(
        _read_batch(attrs.evolve(request, keys=keys), patience_seconds)
        for keys in _chunks(request.keys, MAX_READS)
    )


def _read_batch(request: BatchGetItem, patience_seconds: float) -> Flow[None]:
    attempt, progress_at, elapsed = 0, 0.0, 0.0
    while True:
        read: BatchRead = yield request
        answered = _answered(request, read)
        yield Emit(answered)
        if not read.unprocessed:
            return
        if answered.found or answered.absent:
            attempt, progress_at = 0, elapsed
        request = attrs.evolve(request, keys=read.unprocessed)
        elapsed = yield Backoff(attempt)
        attempt += 1
        if elapsed - progress_at > patience_seconds:
            raise ThrottledError(
                "UnprocessedKeys",
                f"{len(request.keys)} keys of {request.table} were not read within {patience_seconds:g} s",
            )


def _answered(request: BatchGetItem, read: BatchRead) -> Answered:
    asked = {key_identity(key): key for key in request.keys}
    wires = request.keys[0].keys()
    found = []
    for item in read.items:
        if wires - item.keys():
            raise NotDynamoDBReply("an item without its key")
        key = asked.pop(key_identity({name: item[name] for name in wires}), None)
        if key is None:
            raise NotDynamoDBReply("an item that was not asked for")
        found.append((key, item))
    for key in read.unprocessed:
        if asked.pop(key_identity(key), None) is None:
            raise NotDynamoDBReply("an unprocessed key that was not asked for")
    return Answered(found, list(asked.values()))


def write_batches(writes: Iterable[Write], patience_seconds: float) -> Flow[None]:
    """Carry out any number of writes of different keys, emitting Written and NotWritten.

    A batch that is refused as invalid is halved until only the bad writes are left over.

    Args:
        writes: Taken as they are needed.
        patience_seconds: How long one batch may go on without any write getting through.
    """
    yield Together(_write_batch(batch, patience_seconds) for batch in _batches(writes))


def _write_batch(writes: Sequence[Write], patience_seconds: float) -> Flow[None]:
    attempt, progress_at, elapsed = 0, 0.0, 0.0
    pending = list(writes)
    while True:
        try:
            unprocessed: list[Write] = yield BatchWriteItem(pending)
        except InvalidRequest as error:
            if len(pending) == 1:
                yield Emit(NotWritten(pending[0], error))
                return
            middle = len(pending) // 2
            yield from _write_batch(pending[:middle], patience_seconds)
            yield from _write_batch(pending[middle:], patience_seconds)
            return
        left = set(unprocessed)
        written = [write for write in pending if write not in left]
        if written:
            yield Emit(Written(written))
            attempt, progress_at = 0, elapsed
        if not unprocessed:
            return
        pending = unprocessed
        elapsed = yield Backoff(attempt)
        attempt += 1
        if elapsed - progress_at > patience_seconds:
            raise ThrottledError(
                "UnprocessedItems",
                f"{len(pending)} writes were left unprocessed for {patience_seconds:g} s",
            )


Element = TypeVar("Element")


def _chunks(elements: Sequence[Element], size: int) -> Iterator[Sequence[Element]]:
    return (elements[start : start + size] for start in range(0, len(elements), size))


def _batches(writes: Iterable[Write]) -> Iterator[list[Write]]:
    """Yield batches of at most 25 writes that fit into one request."""
    batch: list[Write] = []
    size = _OVERHEAD_BYTES
    for write in writes:
        added = _wire_bytes(write)
        if batch and (len(batch) == MAX_WRITES or size + added > MAX_REQUEST_BYTES):
            yield batch
            batch, size = [], _OVERHEAD_BYTES
        batch.append(write)
        size += added
    if batch:
        yield batch


def _wire_bytes(write: Write) -> int:
    """Return the bytes of a write as JSON; for small ones a bound that is quick to know."""
    if write.item is None:
        return len(msgspec.json.encode(write.key))
    bound = _JSON_GROWTH * item_size(write.item)
    if bound * MAX_WRITES < MAX_REQUEST_BYTES:
        return bound
    return len(msgspec.json.encode(write.item))
