"""Connection: runs operations and flows, one after another or in threads."""

from __future__ import annotations

import itertools
import queue
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator
from typing import Any, TypeVar

from ..errors import TransportError
from ..flows.base import Backoff, Emit, Flow, Pause, Together
from ..operations.base import Operation
from .attempts import RetryPolicy, Send, attempts
from .transport import Reply, Transport

__all__ = ["Connection"]

Result = TypeVar("Result")


class Connection:
    """A transport with retries, checks, counting and parallelism.

    Attributes:
        transport: Carries the bytes.
        policy: How long and how often to try.
        max_parallel: How many requests of one flow run at the same time.
    """

    def __init__(
        self,
        transport: Transport,
        policy: RetryPolicy | None = None,
        *,
        max_parallel: int = 8,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.transport = transport
        self.policy = policy or RetryPolicy()
        self.max_parallel = max_parallel
        self._clock = clock
        self._sleep = sleep
        self._chance = chance
        self._requests: Counter[str] = Counter()
        self._parent: Connection | None = None
        self._lock = threading.Lock()

    @property
    def requests(self) -> dict[str, int]:
        """Return how many requests of each operation were sent, retries included."""
        with self._lock:
            return dict(self._requests)

    def scope(self) -> Connection:
        """Return a connection that counts its own requests, which count here too."""
        scope = Connection(
            self.transport,
            self.policy,
            max_parallel=self.max_parallel,
            clock=self._clock,
            sleep=self._sleep,
            chance=self._chance,
        )
        scope._parent = self
        return scope

    def _count(self, operation: str) -> None:
        with self._lock:
            self._requests[operation] += 1
        if self._parent is not None:
            self._parent._count(operation)

    def close(self) -> None:
        """Close the transport."""
        self.transport.close()

    # --- operations -----------------------------------------------------------------------

    def call(self, operation: Operation[Result]) -> Result:
        """Run one operation and return its result.

        Raises:
            DynamoException: It failed for good, or its outcome is not known.
        """
        steps = attempts(operation, self.policy, self._clock, self._chance)
        answer: Reply | TransportError | None = None
        while True:
            try:
                step = steps.send(answer)
            except StopIteration as stop:
                result: Result = stop.value
                return result
            answer = None
            if isinstance(step, Send):
                answer = self._send(step)
            else:
                self._sleep(step.seconds)

    def _send(self, send: Send) -> Reply | TransportError:
        self._count(send.operation)
        try:
            return self.transport.send(send.operation, send.payload, send.timeout_seconds)
        except TransportError as error:
            return error

    # --- flows ----------------------------------------------------------------------------

    def run(self, flow: Flow[Result]) -> Result:
        """Run a flow to its end and return its result; its events are dropped."""
        events = self.stream(flow)
        while True:
            try:
                next(events)
            except StopIteration as stop:
                result: Result = stop.value
                return result

    def stream(self, flow: Flow[Result]) -> Generator[Any, None, Result]:
        """Run a flow, yielding its events as they come; nothing runs unless it is iterated."""
        return self._drive(flow, parallel=self.max_parallel)

    def _drive(self, flow: Flow[Result], parallel: int) -> Generator[Any, None, Result]:
        began = self._clock()
        value: Any = None
        error: Exception | None = None
        try:
            while True:
                try:
                    command = flow.send(value) if error is None else flow.throw(error)
                except StopIteration as stop:
                    result: Result = stop.value
                    return result
                value, error = None, None
                try:
                    match command:
                        case Operation():
                            value = self.call(command)
                        case Emit():
                            yield command.value
                        case Pause(seconds):
                            self._sleep(seconds)
                            value = self._clock() - began
                        case Backoff(attempt):
                            self._sleep(self.policy.pause(attempt, self._chance()))
                            value = self._clock() - began
                        case Together():
                            value = yield from self._together(command, parallel)
                except Exception as failure:
                    error = failure
        finally:
            flow.close()

    def _together(self, together: Together, parallel: int) -> Generator[Any, None, list[Any]]:
        children = iter(together.flows)
        first = list(itertools.islice(children, max(parallel, 1)))
        if len(first) > 1:
            workers = _Workers(self._drive, itertools.chain(first, children), len(first))
            return (yield from workers.events())
        results = []
        for child in itertools.chain(first, children):
            results.append((yield from self._drive(child, parallel)))
        return results


class _Workers:
    """Threads that run child flows and pass on what they emit.

    The consumer takes events from a bounded queue, so that a slow one slows the flows down.
    """

    def __init__(
        self,
        drive: Callable[[Flow[Any], int], Generator[Any, None, Any]],
        flows: Iterable[Flow[Any]],
        count: int,
    ) -> None:
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
        started = self._start()
        try:
            while started:
                kind, content = self._queue.get()
                if kind == "event":
                    yield content
                elif kind == "result":
                    results[content[0]] = content[1]
                elif kind == "error":
                    self._stop.set()
                    error = error or content
                else:
                    started -= 1
        finally:
            self._stop.set()
            self._abandoned.set()
            for thread in self._threads:
                if thread.is_alive():
                    thread.join()
        if error is not None:
            raise error
        return [results[index] for index in sorted(results)]

    def _start(self) -> int:
        for thread in self._threads:
            thread.start()
        return len(self._threads)

    def _work(self) -> None:
        try:
            while not self._stop.is_set():
                taken = self._next()
                if taken is None:
                    break
                index, flow = taken
                events = self._drive(flow, 1)
                try:
                    self._put("result", (index, self._pass_on(events)))
                finally:
                    events.close()
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
        return None

    def _put(self, kind: str, content: Any) -> None:
        while True:
            try:
                self._queue.put((kind, content), timeout=0.1)
                return
            except queue.Full:
                if self._abandoned.is_set():
                    return
