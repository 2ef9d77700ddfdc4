"""A server with faults that also keeps writes back, and carries them out when nobody expects them any more.

A write that timed out may still be on its way. If it is a plain one and lands on something newer, no client can
notice; such cases are counted here, by what was sent and what its sender has been told.
"""

from __future__ import annotations

import random
import re
import threading
from collections import Counter
from contextlib import suppress
from typing import Any

from dynamo_objects.connection.connection import Connection
from dynamo_objects.connection.transport import Reply, Transport
from dynamo_objects.operations.item import GetItem
from tests.campaign import Campaign, Key, Possible, ThingTable, stored
from tests.faultserver import ANSWERS, FaultServer, Received

__all__ = ["QUICK", "SLOW", "Held", "LateCampaign", "SeededServer"]

#: One in so many faults is a reply that does not come in time, which takes its time.
_SELDOM = 30
SLOW = ("late", "late and done", "late write", "late write")
QUICK = tuple(answer for answer in ANSWERS if answer not in (*SLOW, "good", "no crc"))

_WRITES = ("PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems")
_WORKER = re.compile(rb"worker (\d+),")
#: A write that is kept back lands after so many further operations, on average.
_LANDS_AFTER = 4


class Held:
    """A write that is kept back until it is let go.

    Attributes:
        is_repeated: Whether the same request came again, and was answered well.
    """

    def __init__(self, request: Received) -> None:
        self.request = request
        self.go = threading.Event()
        self.done = threading.Event()
        self.is_repeated = False

    @property
    def kind(self) -> str:
        """Return what it is: a plain write, or one with a guard."""
        name, body = self.request.operation, self.request.body
        if name == "TransactWriteItems":
            return "transaction (with a token)"
        if name == "BatchWriteItem" or b'"ConditionExpression"' not in body:
            return f"plain {name}"
        return f"guarded {name}"

    @property
    def keys(self) -> set[Key]:
        """Return the keys that it is about."""
        return set(_keys_in(self.request.members))


def _keys_in(members: Any) -> list[Key]:
    """Return all keys in a request: wherever both key attributes stand."""
    if isinstance(members, list):
        return [key for each in members for key in _keys_in(each)]
    if not isinstance(members, dict):
        return []
    with suppress(KeyError, TypeError):
        return [(members["id"]["S"], int(members["at"]["N"]))]
    return [key for each in members.values() for key in _keys_in(each)]


class SeededServer(FaultServer):
    """Answers a part of all requests badly.

    Attributes:
        rate: The part.
        faults: How often each answer was given.
        requests: How many there were.
        next_answers: What to answer first.
    """

    def __init__(self, service: Transport | str, seed: int) -> None:
        super().__init__(service)
        self.rate = 0.0
        self.faults: Counter[str] = Counter()
        self.requests = 0
        self.next_answers: list[str] = []
        self._random = random.Random(seed)
        self._held: dict[int, list[Held]] = {}

    def held(self, worker: int) -> list[Held]:
        """Return a worker's writes that are kept back."""
        with self._lock:
            return list(self._held.get(worker, ()))

    def land(self, worker: int, held: Held) -> None:
        """Let a write go, and wait until it is carried out."""
        held.go.set()
        assert held.done.wait(30)
        with self._lock:
            self._held[worker].remove(held)

    def __exit__(self, *arguments: Any) -> None:
        for each in [held for found in self._held.values() for held in found]:
            each.go.set()
        super().__exit__(*arguments)

    def _next(self, request: Received) -> str:
        with self._lock:
            self.requests += 1
            if self.next_answers:
                answer = self.next_answers.pop(0)
            elif self._random.random() >= self.rate:
                return "good"
            else:
                answer = self._random.choice(QUICK if self._random.randrange(_SELDOM) else SLOW)
            if answer == "late write":
                found = _WORKER.search(request.body)
                if request.operation not in _WRITES or found is None:
                    answer = "late"
                else:
                    self._held.setdefault(int(found[1]), []).append(Held(request))
            self.faults[answer] += 1
            return answer

    def _ask(self, request: Received) -> Reply:
        with self._lock:
            held = [each for found in self._held.values() for each in found]
        mine = next((each for each in held if each.request is request), None)
        if mine is None:
            reply = super()._ask(request)
            for each in held:
                if each.request.body == request.body and reply.status == 200:
                    each.is_repeated = True
            return reply
        mine.go.wait()
        try:
            return super()._ask(request)
        finally:
            mine.done.set()


class LateCampaign(Campaign):
    """A worker whose late writes land between its operations.

    Attributes:
        landed: How often a late write has changed something, by its kind and what was said of it.
    """

    def __init__(
        self, table: ThingTable, worker: int, seed: int, server: SeededServer, service: Transport
    ) -> None:
        super().__init__(table, worker, seed)
        self.landed: Counter[str] = Counter()
        self._server, self._direct = server, Connection(service)
        self._dice = random.Random(f"landing {seed}/{worker}")

    def run(self, operations: int) -> None:
        """Do any number of operations, with landings between them and at the end."""
        for _ in range(operations):
            super().run(1)
            for held in self._server.held(self._worker):
                if not self._dice.randrange(_LANDS_AFTER):
                    self._land(held)
        for held in self._server.held(self._worker):
            self._land(held)

    def _land(self, held: Held) -> None:
        keys = sorted(held.keys)
        before = [self._stored(key) for key in keys]
        for key, state in zip(keys, before, strict=True):
            self.oracle.seen(key, state, "the service")
        self._server.land(self._worker, held)
        after = [self._stored(key) for key in keys]
        changed = [(key, state) for key, old, state in zip(keys, before, after, strict=True) if old != state]
        for key, state in changed:
            self.oracle.overtaken(key, state)
        said = "after it was acknowledged" if held.is_repeated else "its outcome was unknown"
        self.landed[f"{held.kind}, {said}" if changed else "without effect"] += 1

    def _stored(self, key: Key) -> Possible:
        wire = {"id": {"S": key[0]}, "at": {"N": str(key[1])}}
        item = self._direct.call(GetItem(self._table.full_name, wire, consistent=True))
        return None if item is None else stored(item)
