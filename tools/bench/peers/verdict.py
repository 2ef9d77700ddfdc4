"""What the figures must be at least: how many times as much each client needs as ours."""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from .measuring import FIRST, Results
from .registry import CLIENTS, FAST, PLAIN, WORKLOADS

__all__ = ["Claim", "claims", "ratio", "shown_ratio"]

_CLIENT, _TABLE, _PYNAMO = "boto3-client", "boto3-table", "pynamodb"
_MODEL, _DICT = "pydynox-model", "pydynox-dict"
_MANY = {_TABLE: 18.0, _PYNAMO: 22.0, _MODEL: 7.0, _DICT: 2.6}
_PLAIN_ONE = {_TABLE: 3.5, _PYNAMO: 3.5, _MODEL: 1.0}

#: (workload, which of ours) -> client -> CPU of its calls in calls of ours.
_CPU = {
    ("get", FAST): {_TABLE: 12.0, _PYNAMO: 12.0, _MODEL: 4.2, _DICT: 3.5},
    ("put", FAST): {_TABLE: 10.0, _PYNAMO: 10.0, _MODEL: 3.8, _DICT: 3.0},
    ("query", FAST): _MANY,
    ("batch_get", FAST): _MANY,
    ("scan", FAST): _MANY,
    ("batch_write", FAST): {_TABLE: 17.0, _PYNAMO: 9.0, _MODEL: 2.4, _DICT: 1.9},
    ("get", PLAIN): _PLAIN_ONE,
    ("put", PLAIN): _PLAIN_ONE,
}
#: Time to the first get in a fresh process, and memory of the records read.
_FIRST = {_CLIENT: 2.0, _TABLE: 2.0}
_MEMORY = {_PYNAMO: 1.0}


@dataclass(frozen=True)
class Claim:
    """Something that must hold.

    Attributes:
        subject: What is compared.
        wanted: The least ratio.
        found: The ratio; None where one of the two was not measured.
    """

    subject: str
    wanted: float
    found: float | None

    @property
    def holds(self) -> bool:
        """Whether it does."""
        return self.found is not None and self.found >= self.wanted

    def __str__(self) -> str:
        found = "not measured" if self.found is None else f"{self.found:.2f}"
        return f"{self.subject}: {found}, at least {self.wanted:g}"


def ratio(results: Results, workload: str, theirs: str, ours: str, part: str = "cpu") -> float | None:
    """Return the median over the rounds of what a client needs in what ours needs; None if unknown."""
    samples = results.samples.get(workload, {})
    pairs = list(zip(samples.get(theirs, ()), samples.get(ours, ()), strict=False))
    if not pairs:
        return None
    found: float = statistics.median(getattr(their, part) / getattr(our, part) for their, our in pairs)
    return found


def shown_ratio(found: float) -> str:
    """Return a ratio as text, with two digits at least."""
    return f"{found:.1f}" if found >= 1 else f"{found:.2f}"


def claims(results: Results, workloads: Iterable[str]) -> Iterator[Claim]:
    """Yield everything that must hold of these workloads."""
    asked = set(workloads)
    for (workload, ours), least in _CPU.items():
        if workload not in asked:
            continue
        for theirs, wanted in least.items():
            found = ratio(results, workload, theirs, ours)
            subject = f"{WORKLOADS[workload].title}, {CLIENTS[theirs].label} / {CLIENTS[ours].label}"
            yield Claim(subject, wanted, found)
    for ours, theirs in itertools.product((FAST, PLAIN), _FIRST):
        found = ratio(results, FIRST, theirs, ours, "wall")
        subject = f"time to the first get, {CLIENTS[theirs].label} / {CLIENTS[ours].label}"
        yield Claim(subject, _FIRST[theirs], found)
    for theirs, wanted in _MEMORY.items():
        held, ours_held = results.memory.get(theirs), results.memory.get(FAST)
        found = held / ours_held if held and ours_held else None
        yield Claim(f"memory of records, {CLIENTS[theirs].label} / {CLIENTS[FAST].label}", wanted, found)
