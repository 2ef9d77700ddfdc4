"""Faults for campaigns, chosen by hash of seed, operation, keys and attempt; and the death of a process.

So a flush whose requests run at the same time has the same faults as one after the other. Some faults
last: they happen again and again to the same keys, until the deadline of the request has passed.
"""

from __future__ import annotations

import re
import threading
from collections import Counter
from hashlib import blake2b
from typing import Any

import msgspec

from dynamo_objects.connection.transport import Reply, Transport
from dynamo_objects.errors import TransportError
from tests.dictservice import good_reply
from tests.faults import BATCH_FAULTS, BATCHES, FAULTS
from tests.faultserver import ANSWERS, FaultServer, Received
from tests.transports import VirtualClock

__all__ = ["CampaignServer", "CampaignTransport", "Chooser", "Crash"]

#: One fault in so many lasts for so many attempts: longer than a deadline of 30 seconds.
_ONE_LASTS, _LASTS = 80, 40
_TOKEN = re.compile(rb'"ClientRequestToken":"[^"]*"')
_KEYS = re.compile(rb'"(?:id":\{"S|at":\{"N)":"[^"]*"')
_RANGE = 2**64
#: Quick faults are so many times as likely as replies that are late, which takes real time.
_SELDOM = 10
_SLOW = ("late", "late and done")
_NOT_FAULTS = ("good", "no crc")


class Crash(BaseException):
    """The death of the process, for a campaign that goes on afterwards."""


class Chooser:
    """Chooses what happens to a request.

    Attributes:
        rate: The share of requests that something happens to.
        faults: How often each kind has happened.
        requests: How many requests there were.
    """

    def __init__(self, seed: str) -> None:
        self.rate = 0.0
        self.faults: Counter[str] = Counter()
        self.requests = 0
        self._seed = seed.encode()
        self._attempts: Counter[bytes] = Counter()
        self._lasting: dict[bytes, tuple[str, int]] = {}
        self._lock = threading.Lock()

    def choose(self, operation: str, payload: bytes, names: tuple[str, ...]) -> str | None:
        """Return one of the names, or None for most requests."""
        keys = sorted(_KEYS.findall(payload)) or [_TOKEN.sub(b"", payload)]
        request = blake2b(b"\0".join([operation.encode(), self._seed, *keys]), digest_size=16).digest()
        with self._lock:
            self.requests += 1
            self._attempts[request] = attempt = self._attempts[request] + 1
            if not self.rate or not names:
                return None
            name = self._lasted(request) or self._drawn(request, attempt, names)
            if name is not None:
                self.faults[name] += 1
            return name

    def _lasted(self, request: bytes) -> str | None:
        name, left = self._lasting.get(request, ("", 0))
        if not left:
            return None
        self._lasting[request] = name, left - 1
        return name

    def _drawn(self, request: bytes, attempt: int, names: tuple[str, ...]) -> str | None:
        digest = blake2b(request + attempt.to_bytes(4, "big"), digest_size=20).digest()
        if int.from_bytes(digest[:8], "big") >= self.rate * _RANGE:
            return None
        name = names[int.from_bytes(digest[8:16], "big") % len(names)]
        if name not in _SLOW and not int.from_bytes(digest[16:], "big") % _ONE_LASTS:
            self._lasting[request] = name, _LASTS
            self.faults["(lasting)"] += 1
        return name

    def end_lasting(self) -> None:
        """Have everything that lasts pass."""
        with self._lock:
            self._lasting.clear()


def _names_of(operation: str) -> tuple[str, ...]:
    names = tuple(name for name, fault in FAULTS.items() if operation in fault.operations)
    return names + (BATCH_FAULTS if operation in BATCHES else ())


class CampaignTransport:
    """Puts faults around a service, on virtual time.

    Attributes:
        chooser: Chooses them.
        crash_in: After so many requests the process dies, in the middle of the next one; None: it does not.
        is_dead: Whether it has died: nothing is sent any more.
    """

    retries_by_itself = False
    place = "campaign"

    def __init__(self, service: Transport, seed: str, clock: VirtualClock) -> None:
        self.chooser = Chooser(seed)
        self.crash_in: int | None = None
        self.is_dead = False
        self._service = service
        self._clock = clock
        self._names: dict[str, tuple[str, ...]] = {}
        self._lock = threading.Lock()

    def send(self, operation: str, payload: bytes, timeout_seconds: float) -> Reply:
        """Answer one request, well or badly."""
        self._clock.tick(0.001)
        if self.is_dead:
            raise Crash
        if self.crash_in is not None:
            self._die(operation, payload, timeout_seconds)
        names = self._names.get(operation)
        if names is None:
            names = self._names[operation] = _names_of(operation)
        name = self.chooser.choose(operation, payload, names)
        if name is None:
            return self._service.send(operation, payload, timeout_seconds)
        if name in BATCH_FAULTS:
            return self._in_part(name, operation, payload, timeout_seconds)
        return self._badly(name, operation, payload, timeout_seconds)

    def close(self) -> None:
        """Close the service."""
        self._service.close()

    def _die(self, operation: str, payload: bytes, timeout_seconds: float) -> None:
        with self._lock:
            assert self.crash_in is not None
            self.crash_in -= 1
            left = self.crash_in
            self.is_dead = left < 0
        if left < 0:
            if len(payload) % 2:  # the request may still arrive
                self._service.send(operation, payload, timeout_seconds)
            raise Crash

    def _badly(self, name: str, operation: str, payload: bytes, timeout_seconds: float) -> Reply:
        fault = FAULTS[name]
        reply = good_reply({})
        if not fault.is_before:
            reply = self._service.send(operation, payload, timeout_seconds)
        answer = fault.answer(reply)
        if isinstance(answer, TransportError):
            self._clock.tick(timeout_seconds if name == "read timeout" else 0.0)
            raise TransportError(str(answer), sent=answer.sent)
        return answer

    def _in_part(self, name: str, operation: str, payload: bytes, timeout_seconds: float) -> Reply:
        """Leave some of a batch unprocessed, or say so though it was done."""
        is_write = operation == "BatchWriteItem"
        asked: dict[str, Any] = msgspec.json.decode(payload)["RequestItems"]
        left: dict[str, Any] = {}
        done: dict[str, Any] = {}
        for table, whole in asked.items():
            requests = whole if is_write else whole["Keys"]
            stays = requests if name == "all unprocessed" else requests[::2]
            is_done = name == "done but unprocessed" and is_write
            goes = requests if is_done else [each for each in requests if each not in stays]
            left[table] = stays if is_write else {**whole, "Keys": stays}
            if goes:
                done[table] = goes if is_write else {**whole, "Keys": goes}
        member = "UnprocessedItems" if is_write else "UnprocessedKeys"
        reply: dict[str, Any] = {} if is_write else {"Responses": {table: [] for table in asked}}
        if done:
            body = msgspec.json.encode({"RequestItems": done})
            answer = self._service.send(operation, body, timeout_seconds)
            if answer.status != 200:
                return answer
            found = msgspec.json.decode(answer.body)
            reply = {**found, "Responses": {**reply["Responses"], **found["Responses"]}} if reply else found
        reply[member] = left
        return good_reply(reply)


class CampaignServer(FaultServer):
    """A server whose faults are chosen by hash.

    Attributes:
        chooser: Chooses them.
    """

    def __init__(self, service: Transport | str, seed: str) -> None:
        super().__init__(service)
        self.chooser = Chooser(seed)
        self._quick = tuple(answer for answer in ANSWERS if answer not in (*_SLOW, *_NOT_FAULTS))
        self._all = self._quick * _SELDOM + _SLOW

    def _next(self, request: Received) -> str:
        return self.chooser.choose(request.operation, request.body, self._all) or "good"
