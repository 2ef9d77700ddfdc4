"""Transports for tests: scripted and recording ones, and one that puts faults around a service.

Nothing sleeps: a virtual clock goes on by the seconds that are slept, and a little with
every request.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

import attrs

from dynamo_objects.connection.attempts import RetryPolicy
from dynamo_objects.connection.connection import Connection
from dynamo_objects.connection.transport import Reply, Transport
from dynamo_objects.errors import TransportError
from tests.dictservice import good_reply
from tests.faults import BATCH_FAULTS, BATCHES, FAULTS

__all__ = [
    "FaultTransport",
    "RecordingTransport",
    "Request",
    "ScriptedTransport",
    "VirtualClock",
    "connected",
]

#: What a script may hold: an answer, an error to raise, or a function of the request.
Answer = Reply | TransportError | Callable[["Request"], Reply]


@attrs.frozen
class Request:
    """One request that was sent."""

    operation: str
    payload: bytes

    @property
    def members(self) -> Any:
        """Return the payload as JSON says."""
        return json.loads(self.payload)


class VirtualClock:
    """A clock that goes on only when somebody sleeps, or is told to; for each thread its own.

    Attributes:
        slept: Every sleep of all threads, in its order.
    """

    def __init__(self) -> None:
        self.slept: list[float] = []
        self._local = threading.local()

    @property
    def now(self) -> float:
        """Return the seconds since this thread has looked first."""
        now: float = getattr(self._local, "now", 0.0)
        return now

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        """Go on at once."""
        self.slept.append(seconds)
        self.tick(seconds)

    def tick(self, seconds: float) -> None:
        """Go on without a sleep."""
        self._local.now = self.now + seconds


class ScriptedTransport:
    """Gives the answers of a script, one for each request; the last one for ever.

    Attributes:
        requests: What was sent.
    """

    def __init__(self, *answers: Answer, retries_by_itself: bool = False) -> None:
        self.retries_by_itself = retries_by_itself
        self.requests: list[Request] = []
        self.is_closed = False
        self._answers = list(answers)
        self._lock = threading.Lock()

    def send(self, operation: str, payload: bytes, timeout_seconds: float) -> Reply:
        """Give the next answer."""
        with self._lock:
            request = Request(operation, payload)
            self.requests.append(request)
            answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, TransportError):
            raise TransportError(str(answer), sent=answer.sent, can_retry=answer.can_retry)
        return answer if isinstance(answer, Reply) else answer(request)

    def close(self) -> None:
        """Note it."""
        self.is_closed = True

    @property
    def operations(self) -> list[str]:
        """Return the names of what was sent."""
        return [request.operation for request in self.requests]


class RecordingTransport:
    """Passes requests on and keeps them.

    Attributes:
        requests: What was sent.
    """

    def __init__(self, inner: Transport) -> None:
        self.requests: list[Request] = []
        self._inner = inner

    @property
    def retries_by_itself(self) -> bool:
        """Return what the inner transport says."""
        return self._inner.retries_by_itself

    def send(self, operation: str, payload: bytes, timeout_seconds: float) -> Reply:
        """Keep the request and pass it on."""
        self.requests.append(Request(operation, payload))
        return self._inner.send(operation, payload, timeout_seconds)

    def close(self) -> None:
        """Close the inner transport."""
        self._inner.close()

    @property
    def operations(self) -> list[str]:
        """Return the names of what was sent."""
        return [request.operation for request in self.requests]


def connected(
    transport: Transport, clock: VirtualClock | None = None, *, max_parallel: int = 4, **policy: float
) -> Connection:
    """Return a connection on virtual time, whose pauses are half of the longest possible."""
    clock = clock or VirtualClock()
    return Connection(
        transport,
        RetryPolicy(**policy),
        max_parallel=max_parallel,
        clock=clock,
        sleep=clock.sleep,
        chance=lambda: 0.5,
    )


#: Tokens are random, and runs shall be the same.
_TOKEN = re.compile(rb'"ClientRequestToken":"[^"]*"')


class FaultTransport:
    """Puts faults around a service, by hash of seed, operation, keys and attempt.

    So a run with threads has the same faults as one without.

    Attributes:
        rate: The share of requests that something happens to.
        faults: How often each kind has happened.
    """

    retries_by_itself = False

    def __init__(
        self, service: Transport, *, seed: int, rate: float, clock: VirtualClock, only: Iterable[str] = ()
    ) -> None:
        self.rate = rate
        self.faults: Counter[str] = Counter()
        self.requests = 0
        self._service = service
        self._seed = seed
        self._clock = clock
        self._only = frozenset(only)
        self._attempts: Counter[bytes] = Counter()
        self._lock = threading.Lock()

    def send(self, operation: str, payload: bytes, timeout_seconds: float) -> Reply:
        """Answer one request, well or badly."""
        self._clock.tick(0.001)
        name = self._chosen(operation, payload)
        if name is None:
            return self._service.send(operation, payload, timeout_seconds)
        if name in BATCH_FAULTS:
            return self._in_part(name, operation, payload, timeout_seconds)
        fault = FAULTS[name]
        reply = good_reply({})
        if not fault.is_before:
            reply = self._service.send(operation, payload, timeout_seconds)
        answer = fault.answer(reply)
        if isinstance(answer, TransportError):
            self._clock.tick(timeout_seconds if name == "read timeout" else 0.0)
            raise TransportError(str(answer), sent=answer.sent)
        return answer

    def close(self) -> None:
        """Close the service."""
        self._service.close()

    def _chosen(self, operation: str, payload: bytes) -> str | None:
        """Return the name of a fault, or None."""
        request = operation.encode() + _TOKEN.sub(b"", payload)
        keys = hashlib.blake2b(request, digest_size=16).digest()
        with self._lock:
            self.requests += 1
            self._attempts[keys] += 1
            attempt = self._attempts[keys]
        digest = hashlib.blake2b(keys + f"{self._seed}/{attempt}".encode(), digest_size=16).digest()
        if int.from_bytes(digest[:8], "big") / 2**64 >= self.rate:
            return None
        names = [name for name, fault in FAULTS.items() if operation in fault.operations]
        names += BATCH_FAULTS if operation in BATCHES else ()
        names = [name for name in names if not self._only or name in self._only]
        if not names:
            return None
        name = names[int.from_bytes(digest[8:], "big") % len(names)]
        with self._lock:
            self.faults[name] += 1
        return name

    def _in_part(self, name: str, operation: str, payload: bytes, timeout_seconds: float) -> Reply:
        """Leave some of a batch unprocessed, or say so though it was done."""
        ((table, asked),) = json.loads(payload)["RequestItems"].items()
        is_write = operation == "BatchWriteItem"
        requests = asked if is_write else asked["Keys"]
        left = requests if name == "all unprocessed" else requests[::2]
        done = (
            requests
            if name == "done but unprocessed" and is_write
            else [r for r in requests if r not in left]
        )
        member = "UnprocessedItems" if is_write else "UnprocessedKeys"
        reply: dict[str, Any] = {"UnprocessedItems": {}} if is_write else {"Responses": {table: []}}
        if done:
            part = done if is_write else {**asked, "Keys": done}
            body = json.dumps({"RequestItems": {table: part}}).encode()
            answer = self._service.send(operation, body, timeout_seconds)
            if answer.status != 200:
                return answer
            reply = json.loads(answer.body)
        reply[member] = {table: left if is_write else {"Keys": left}}
        return good_reply(reply)
