"""A small asyncio driver of operations and flows: it proves that the core does no I/O.

The core is used as it is: `attempts` decides about retries, `once_only` about transactions,
flows about everything else. Only sending, sleeping and running children together is here.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, Protocol, TypeVar

from dynamo_objects.connection.attempts import RetryPolicy, Send, attempts
from dynamo_objects.connection.connection import once_only
from dynamo_objects.connection.transport import Reply, Transport
from dynamo_objects.errors import TransportError
from dynamo_objects.flows.base import Backoff, Emit, Flow, Pause, Together
from dynamo_objects.operations.base import Operation

__all__ = ["AsyncConnection", "AsyncOver", "AsyncTransport"]

Result = TypeVar("Result")


class AsyncTransport(Protocol):
    """Carries requests, as `Transport` does."""

    retries_by_itself: bool

    async def send(self, operation: str, payload: bytes, timeout_seconds: float) -> Reply:
        """Send one request and return its reply."""
        ...


class AsyncOver:
    """A transport that lets others run before it asks one of the sync kind."""

    def __init__(self, inner: Transport) -> None:
        self.retries_by_itself = inner.retries_by_itself
        self._inner = inner

    async def send(self, operation: str, payload: bytes, timeout_seconds: float) -> Reply:
        """Send one request and return its reply."""
        await asyncio.sleep(0)
        return self._inner.send(operation, payload, timeout_seconds)


class AsyncConnection:
    """Runs operations and flows in tasks."""

    def __init__(
        self,
        transport: AsyncTransport,
        policy: RetryPolicy,
        *,
        max_parallel: int,
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]],
        chance: Callable[[], float],
    ) -> None:
        self.transport = transport
        self.policy = policy
        self.max_parallel = max_parallel
        self._clock = clock
        self._sleep = sleep
        self._chance = chance

    async def call(self, operation: Operation[Result]) -> Result:
        """Run one operation and return its result."""
        once = once_only(operation, self.transport)  # type: ignore[arg-type]  # it asks one attribute
        if once is not None:
            return await self.run(once)
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
                try:
                    answer = await self.transport.send(step.operation, step.payload, step.timeout_seconds)
                except TransportError as error:
                    answer = error
            else:
                await self._sleep(step.seconds)

    async def run(self, flow: Flow[Result], on_event: Callable[[Any], None] = lambda event: None) -> Result:
        """Run a flow to its end, handing on its events, and return its result."""
        return await self._drive(flow, self.max_parallel, on_event)

    async def _drive(self, flow: Flow[Result], parallel: int, on_event: Callable[[Any], None]) -> Result:
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
                            value = await self.call(command)
                        case Emit():
                            on_event(command.value)
                        case Pause(seconds):
                            await self._sleep(seconds)
                            value = self._clock() - began
                        case Backoff(attempt):
                            await self._sleep(self.policy.pause(attempt, self._chance()))
                            value = self._clock() - began
                        case Together():
                            value = await self._together(command, parallel, on_event)
                except Exception as failure:
                    error = failure
        finally:
            flow.close()

    async def _together(
        self, together: Together, parallel: int, on_event: Callable[[Any], None]
    ) -> list[Any]:
        children: Iterator[tuple[int, Flow[Any]]] = enumerate(together.flows)
        first = list(itertools.islice(children, max(parallel, 1)))
        children = itertools.chain(first, children)
        inner = 1 if len(first) > 1 else parallel
        results: dict[int, Any] = {}
        errors: list[Exception] = []

        async def work() -> None:
            while not errors and (taken := next(children, None)) is not None:
                index, flow = taken
                try:
                    results[index] = await self._drive(flow, inner, on_event)
                except Exception as error:
                    errors.append(error)

        await asyncio.gather(*(work() for _ in first))
        if errors:
            raise errors[0]
        return [results[index] for index in sorted(results)]
