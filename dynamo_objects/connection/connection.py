"""Connection: runs operations and flows, one after another or in threads."""

from __future__ import annotations

import itertools
import os
import threading
import time
import uuid
import weakref
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import closing
from typing import Any, TypeVar

from ..errors import DynamoException, TransportError
from ..flows.base import Backoff, Command, Emit, Flow, Pause, Together
from ..flows.once import write_once
from ..operations.base import Operation, Resend
from ..operations.item import DeleteItem, PutItem, UpdateItem
from .attempts import First, RetryPolicy, Send, attempts
from .limits import Gate
from .replies import read
from .transport import Reply, Transport

__all__ = ["MAX_PARALLEL", "Connection", "once_only"]

#: How many requests of groups run at the same time, unless somebody says otherwise.
MAX_PARALLEL = 8

Result = TypeVar("Result")


def once_only(operation: Operation[Any], transport: Transport) -> Flow[Any] | None:
    """Return the flow that carries out a write exactly once, where it cannot be sent as it is.

    A transport that repeats requests by itself hides lost replies. What must not be
    repeated blindly goes through a transaction there.
    """
    if not transport.retries_by_itself or operation.resend is Resend.SAFE:
        return None
    assert isinstance(operation, PutItem | UpdateItem | DeleteItem)  # all others are safe
    return write_once(operation, uuid.uuid4().hex)


def _chance() -> float:
    """Return a random number from 0 to 1."""
    import random  # seeds itself from hashes; only retries need it

    return random.random()  # noqa: S311 - no secret


def _abandoned() -> BaseException:
    from .workers import Abandoned  # there already: only workers are abandoned

    return Abandoned()


class Connection:
    """A transport with retries, checks, counting and parallelism.

    Attributes:
        transport: Carries the bytes.
        policy: How long and how often to try.
        max_parallel: How many requests of groups run at the same time, at most; see `parallel_now`.
    """

    def __init__(
        self,
        transport: Transport,
        policy: RetryPolicy | None = None,
        *,
        max_parallel: int = MAX_PARALLEL,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        chance: Callable[[], float] = _chance,
    ) -> None:
        self.transport = transport
        self.policy = policy or RetryPolicy()
        self.max_parallel = max_parallel
        self._clock = clock
        self._sleep = sleep
        self._chance = chance
        self._requests: Counter[str] = Counter()
        self._gate = Gate(max_parallel)
        self._parent: Connection | None = None
        self._lock = threading.Lock()
        _connections.add(self)

    @property
    def requests(self) -> dict[str, int]:
        """Return how many requests of each operation were sent, retries included."""
        with self._lock:
            return dict(self._requests)

    @property
    def parallel_now(self) -> int:
        """Return how many requests of groups may run at the same time now.

        From 1 to ``max_parallel``. It grows by one with each round of requests that succeed, and halves when
        the service throttles; all flows of a connection share it.
        """
        return self._gate.now

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
        scope._gate = self._gate
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
        return self._call(operation, None)

    def _call(self, operation: Operation[Result], abandoned: threading.Event | None) -> Result:
        if self.transport.retries_by_itself:
            once: Flow[Result] | None = once_only(operation, self.transport)
            if once is not None:
                return self._run(once, abandoned)
        first = None
        if abandoned is None:
            # The usual case, a good reply to the first attempt, needs nothing of what follows.
            payload, began = operation.payload(), self._clock()
            reply = self._send(operation.name, payload, self.policy.timeout_seconds)
            if not isinstance(reply, TransportError):
                try:
                    return read(operation, reply)
                except DynamoException:
                    pass  # it is looked at again below
            first = First(payload, began, reply)
        steps = attempts(operation, self.policy, self._clock, self._chance, first)
        answer: Reply | TransportError | None = None
        while True:
            try:
                step = steps.send(answer)
            except StopIteration as stop:
                result: Result = stop.value
                return result
            answer = None
            if isinstance(step, Send):
                answer = self._sent(step, abandoned)
            else:
                if step.is_throttled and abandoned is not None:
                    self._gate.throttled()
                self._pause(step.seconds, abandoned)

    def _send(self, operation: str, payload: bytes, timeout_seconds: float) -> Reply | TransportError:
        with self._lock:
            self._requests[operation] += 1
        if self._parent is not None:
            self._parent._count(operation)
        try:
            return self.transport.send(operation, payload, timeout_seconds)
        except TransportError as error:
            return error

    def _sent(self, send: Send, abandoned: threading.Event | None) -> Reply | TransportError:
        """Send; workers, who run at the same time, when there is room."""
        if abandoned is None:
            return self._send(send.operation, send.payload, send.timeout_seconds)
        if not self._gate.enter(abandoned):
            raise _abandoned()
        is_good = False
        try:
            answer = self._send(send.operation, send.payload, send.timeout_seconds)
            is_good = not isinstance(answer, TransportError) and answer.status == 200
            return answer
        finally:
            self._gate.leave(is_good=is_good)

    def _pause(self, seconds: float, abandoned: threading.Event | None) -> None:
        """Sleep; in a worker, only as long as somebody waits for what it does."""
        if abandoned is not None and self._sleep is time.sleep:
            abandoned.wait(seconds)
        else:
            self._sleep(seconds)
        if abandoned is not None and abandoned.is_set():
            raise _abandoned()

    # --- flows ----------------------------------------------------------------------------

    def run(self, flow: Flow[Result], on_event: Callable[[Any], None] | None = None) -> Result:
        """Run a flow to its end and return its result.

        Args:
            on_event: Called with each event, in this thread; what it raises ends the flow.
        """
        return self._run(flow, None, on_event)

    def _run(
        self,
        flow: Flow[Result],
        abandoned: threading.Event | None,
        on_event: Callable[[Any], None] | None = None,
    ) -> Result:
        began, parallel = self._clock(), self.max_parallel if abandoned is None else 1
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
                if isinstance(command, Operation):
                    try:
                        value = self._call(command, abandoned)
                    except Exception as failure:
                        error = failure
                    continue
                with closing(self._obey(command, began, parallel, abandoned)) as events:
                    while True:
                        try:
                            event = next(events)
                        except StopIteration as stop:
                            value = stop.value
                            break
                        except Exception as failure:
                            error = failure
                            break
                        if on_event is not None:
                            on_event(event)
        finally:
            flow.close()

    def stream(self, flow: Flow[Result]) -> Generator[Any, None, Result]:
        """Run a flow, yielding its events as they come; nothing runs unless it is iterated."""
        return self._drive(flow, self.max_parallel, None)

    def _drive(
        self, flow: Flow[Result], parallel: int, abandoned: threading.Event | None
    ) -> Generator[Any, None, Result]:
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
                    if isinstance(command, Operation):
                        value = self._call(command, abandoned)
                    else:
                        value = yield from self._obey(command, began, parallel, abandoned)
                except Exception as failure:
                    error = failure
        finally:
            flow.close()

    def _obey(
        self, command: Command, began: float, parallel: int, abandoned: threading.Event | None
    ) -> Generator[Any, None, Any]:
        """Carry out what is no operation, yielding events; return what the flow gets."""
        match command:
            case Emit():
                yield command.value
                return None
            case Pause(seconds):
                self._pause(seconds, abandoned)
            case Backoff(attempt, is_throttled):
                if is_throttled and abandoned is not None:
                    self._gate.throttled()
                self._pause(self.policy.pause(attempt, self._chance()), abandoned)
            case Together():
                return (yield from self._together(command, parallel, abandoned))
        return self._clock() - began

    def _together(
        self, together: Together, parallel: int, abandoned: threading.Event | None
    ) -> Generator[Any, None, list[Any]]:
        children = iter(together.flows)
        first = list(itertools.islice(children, max(parallel, 1)))
        if len(first) > 1:
            from .workers import Workers  # with its queue: much is done without threads

            workers = Workers(self._drive, itertools.chain(first, children), len(first))
            return (yield from workers.events())
        results = []
        for child in itertools.chain(first, children):
            results.append((yield from self._drive(child, parallel, abandoned)))
        return results


_connections: weakref.WeakSet[Connection] = weakref.WeakSet()


def _renew_locks() -> None:
    """Give a forked child free locks: another thread may have held them at that moment."""
    for connection in list(_connections):
        connection._lock = threading.Lock()
        connection._gate.renew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_locks)
