"""Reads that come in one by one, gathered: of threads that wait together, and of one program.

Whoever comes first waits a moment for others, then reads for all of them with one request.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Any, Generic, Protocol, TypeVar

from ..codec.values import Item
from ..operations.batch import MAX_READS
from ..record import DynamoRecord
from .entries import Lookup

__all__ = ["Gatherer", "Loader", "Pending"]

Record = TypeVar("Record", bound=DynamoRecord)
RecordOut = TypeVar("RecordOut", bound=DynamoRecord, covariant=True)


class _Group:
    """Keys that are to be read with one request."""

    def __init__(self) -> None:
        self.items: dict[Lookup, Item] = {}
        self.is_full = threading.Event()


class Gatherer:
    """Has the reads of several threads made together.

    Args:
        seconds: How long the first one waits for others; less when there are 100.
        read: Reads some keys, and wakes those who wait for them; called by the first one.
    """

    def __init__(self, seconds: float, read: Callable[[dict[Lookup, Item]], None]) -> None:
        self._seconds = seconds
        self._read = read
        self._begin()

    def _begin(self) -> None:
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._group: _Group | None = None

    def read(self, lookup: Lookup, key: Item) -> None:
        """Have a key read, by this thread or by another one that has come before."""
        if self._pid != os.getpid():  # forked: the threads that were waiting are not here
            self._begin()
        with self._lock:
            group, is_first = self._group, self._group is None
            if group is None:
                group = self._group = _Group()
            group.items[lookup] = key
            if len(group.items) >= MAX_READS:
                self._group = None
                group.is_full.set()
        if is_first:
            try:
                group.is_full.wait(self._seconds)
            finally:  # also when this thread is interrupted: others wait for it
                with self._lock:
                    if self._group is group:
                        self._group = None
                self._read(group.items)


class _Table(Protocol[RecordOut]):
    def get(self, hash: Any, range: Any = None) -> RecordOut:
        """Return a record."""
        ...

    def prefetch(self, keys: list[Any]) -> None:
        """Read some keys."""
        ...


class Pending(Generic[Record]):
    """A record that was asked for, and is read when it is needed.

    Args:
        loader: Reads it.
        key: The hash value, and the range value where the table has one.
    """

    def __init__(self, loader: Loader[Record], key: tuple[Any, ...]) -> None:
        self._loader = loader
        self._key = key

    def get(self) -> Record:
        """Return the record, after reading everything that was asked for until now.

        Raises:
            ItemNotFound: There is no such record.
        """
        self._loader.run()
        return self._loader.table.get(*self._key)


class Loader(Generic[Record]):
    """Collects the keys that a program will need, and reads them together once one is needed.

    Attributes:
        table: The MemoryTable that they are read into.
    """

    def __init__(self, table: _Table[Record]) -> None:
        self.table = table
        self._keys: list[Any] = []

    def load(self, hash: Any, range: Any = None) -> Pending[Record]:
        """Ask for a record; nothing is read before ``get`` is called on what is returned."""
        self._keys.append(hash if range is None else (hash, range))
        return Pending(self, (hash,) if range is None else (hash, range))

    def run(self) -> None:
        """Read what was asked for, with a request for each 100 keys that are not cached."""
        keys, self._keys = self._keys, []
        if keys:
            self.table.prefetch(keys)
