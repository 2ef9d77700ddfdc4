"""Threads that run child flows of one `Together` and pass on what they emit.

The consumer takes events from a bounded queue, so that a slow one slows the flows down.
No thread outlives the consumer: whoever stops to take events waits for the requests that
are under way, and for nothing else.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator, Iterable, Iterator
from typing import Any, Protocol

from ..flows.base import Flow

__all__ = ["Abandoned", "Workers"]

#: Seconds between two looks of a waiting worker whether anybody still consumes.
_LOOK_SECONDS = 0.1


class Abandoned(BaseException):
    """Nobody waits any more for what this worker does; no flow catches it."""


class _Drive(Protocol):
    def __call__(
        self, flow: Flow[Any], parallel: int, abandoned: threading.Event | None, /
    ) -> Generator[Any, None, Any]:
        """Run a flow, yielding its events."""
        ...


class Workers:
    """Runs flows in some threads, each taking the next flow when it is done with one.

    Args:
        drive: Runs one flow.
        flows: The flows, taken as there is room.
        count: Number of threads.
    """

    def __init__(self, drive: _Drive, flows: Iterable[Flow[Any]], count: int) -> None:
        self._drive = drive
        self._flows: Iterator[tuple[int, Flow[Any]]] = enumerate(flows)
        self._take = threading.Lock()
        self._queue: queue.Queue[tuple[str, Any]] = queue.Queue(maxsize=2 * count)
        self._stop = threading.Event()
        self._abandoned = threading.Event()
        self._threads = [
            threading.Thread(target=self._work, name=f"dynamo_objects-{n}", daemon=True) for n in range(count)
        ]

    def events(self) -> Generator[Any, None, list[Any]]:
        """Yield what the flows emit; return their results, or raise the first error."""
        results: dict[int, Any] = {}
        error: BaseException | None = None
        try:
            running = self._start()
            if not running:
                return (yield from self._one_after_another())
            while running:
                kind, content = self._queue.get()
                if kind == "event":
                    yield content
                elif kind == "result":
                    results[content[0]] = content[1]
                elif kind == "error":
                    self._stop.set()
                    error = error or content
                else:
                    running -= 1
        finally:
            self._stop.set()
            self._abandoned.set()
            self._make_room()
            for thread in self._threads:
                # The garbage collector may close this in one of them.
                if thread.is_alive() and thread is not threading.current_thread():
                    thread.join()
        if error is not None:
            raise error
        return [results[index] for index in sorted(results)]

    def _start(self) -> int:
        """Start as many threads as the system allows, and return how many."""
        for started, thread in enumerate(self._threads):
            try:
                thread.start()
            except RuntimeError:  # too many of them, or the interpreter is shutting down
                return started
        return len(self._threads)

    def _one_after_another(self) -> Generator[Any, None, list[Any]]:
        results = []
        for _, flow in self._flows:
            results.append((yield from self._drive(flow, 1, None)))
        return results

    def _make_room(self) -> None:
        """Drop what nobody takes any more, so that no worker waits to put it."""
        try:
            while True:
                self._queue.get_nowait()
        except queue.Empty:
            pass

    def _work(self) -> None:
        try:
            while not self._stop.is_set():
                taken = self._next()
                if taken is None:
                    break
                index, flow = taken
                events = self._drive(flow, 1, self._abandoned)
                try:
                    self._put("result", (index, self._pass_on(events)))
                finally:
                    events.close()
        except Abandoned:
            pass
        except BaseException as error:  # handed to the consumer, who raises it
            self._put("error", error)
        finally:
            self._put("end", None)

    def _next(self) -> tuple[int, Flow[Any]] | None:
        with self._take:
            return next(self._flows, None)

    def _pass_on(self, events: Generator[Any, None, Any]) -> Any:
        while not self._abandoned.is_set():
            try:
                self._put("event", next(events))
            except StopIteration as stop:
                return stop.value
        raise Abandoned

    def _put(self, kind: str, content: Any) -> None:
        while True:
            try:
                self._queue.put((kind, content), timeout=_LOOK_SECONDS)
                return
            except queue.Full:
                if self._abandoned.is_set():
                    return
