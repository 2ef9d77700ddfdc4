"""Faults that are hard to come by, from a seed: what users test their retry code with.

Which request gets which fault follows from the seed, the request and how often it came before,
so that a run can be repeated, also when requests of several threads change places.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
from hashlib import blake2b

import attrs

__all__ = ["KINDS", "Faults", "LostReply"]

#: What can happen to a request.
KINDS = {
    "throttle": "refused by throttling, not carried out",
    "error": "HTTP 500, not carried out",
    "late_error": "HTTP 500, carried out all the same",
    "unprocessed": "a batch of which only a part is carried out",
    "lost_request": "the connection breaks before the request is carried out",
    "lost_reply": "the connection breaks after the request was carried out",
    "half_reply": "the connection breaks in the middle of the reply",
    "delay": "answered late",
}


class LostReply(ConnectionError):
    """The connection breaks instead of a reply, or in the middle of one.

    Attributes:
        body: Of the reply of which a part arrives; None when nothing does.
    """

    def __init__(self, body: bytes | None = None) -> None:
        self.body = body
        super().__init__("the connection broke")


def _check_rates(instance: object, attribute: object, rates: Mapping[str, float]) -> None:
    unknown = rates.keys() - KINDS.keys()
    if unknown:
        raise ValueError(f"no such faults: {', '.join(sorted(unknown))}; there are {', '.join(KINDS)}")
    if any(rate < 0 for rate in rates.values()) or sum(rates.values()) > 1:
        raise ValueError("the rates of faults are probabilities, together at most 1")


@attrs.frozen
class Faults:
    """How often which fault happens.

    Attributes:
        rates: Kind -> probability; together at most 1.
        seed: Another seed gives other faults.
        delay_seconds: How long a delayed reply takes.
    """

    rates: Mapping[str, float] = attrs.field(validator=_check_rates)
    seed: int | str = 0
    delay_seconds: float = 0.05
    _seen: Counter[bytes] = attrs.field(factory=Counter, init=False, eq=False, repr=False)
    _lock: threading.Lock = attrs.field(factory=threading.Lock, init=False, eq=False, repr=False)

    def choose(self, operation: str, payload: bytes) -> str | None:
        """Return the kind of fault that a request gets, or None."""
        number = self._number(operation, payload)
        for kind, rate in self.rates.items():
            if number < rate:
                return kind
            number -= rate
        return None

    def part(self, operation: str, payload: bytes, count: int) -> int:
        """Return how many of *count* parts of a batch are carried out: not all of them."""
        return int(self._number(f"{operation} in part", payload) * count)

    def _number(self, operation: str, payload: bytes) -> float:
        """Return a number from 0 to 1 that belongs to the seed, the request and its repetition."""
        request = blake2b(payload, digest_size=16, key=operation.encode()[:64]).digest()
        with self._lock:
            self._seen[request] += 1
            times = self._seen[request]
        drawn = blake2b(f"{self.seed}/{times}".encode(), digest_size=7, key=request).digest()
        return int.from_bytes(drawn, "big") / 2**56
