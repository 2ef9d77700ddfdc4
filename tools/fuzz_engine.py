"""Malformed requests for the embedded engine: ``python3 tools/fuzz_engine.py --seed 1 --count 100000``.

Valid requests of every operation are spoilt, as JSON trees, as expressions and as bytes. Whatever
comes in, the engine answers with 200 or an error code that AWS documents; nothing is raised,
no request takes long, and an item that nobody touched is unharmed. The exit status is 1 otherwise.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
import traceback
from collections import Counter
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import attrs
import msgspec

from dynamo_objects.local.engine import LocalEngine, Options
from dynamo_objects.local.faults import Faults, LostReply
from dynamo_objects.local.opening import open_engine
from tests.localmodel_seeds import CANARY, TABLES, items_of
from tests.localmodel_spoiling import as_json, spoilt

__all__ = ["Report", "fuzz"]

SLOW_SECONDS = 1.0
#: Requests between two looks at the canary.
ROUND = 500
#: Requests for one engine; the next gets a new one, so that tables do not grow without end.
LIFE = 20_000

#: Error codes that operations document (API reference, and "Common error types").
CODES = frozenset(
    {
        "AccessDeniedException",
        "ConditionalCheckFailedException",
        "IdempotentParameterMismatchException",
        "ItemCollectionSizeLimitExceededException",
        "LimitExceededException",
        "ProvisionedThroughputExceededException",
        "ResourceInUseException",
        "ResourceNotFoundException",
        "SerializationException",
        "TableNotFoundException",
        "TransactionCanceledException",
        "TransactionConflictException",
        "UnknownOperationException",
        "ValidationException",
    }
)


@attrs.define
class Report:
    """What a run found.

    Attributes:
        count: Requests.
        codes: Error code, or ``200`` -> how often.
        failures: What went wrong -> the first request that shows it.
        slowest: Seconds that the slowest request took.
    """

    count: int = 0
    codes: Counter[str] = attrs.field(factory=Counter)
    failures: dict[str, tuple[str, bytes]] = attrs.field(factory=dict)
    slowest: float = 0.0

    def fail(self, what: str, operation: str, payload: bytes) -> None:
        """Keep the first request, and prefer a shorter one, for each thing that goes wrong."""
        known = self.failures.get(what)
        if known is None or len(payload) < len(known[1]):
            self.failures[what] = operation, payload


_CANARY_ITEM = {"h": {"S": "canary"}, "n": {"N": "1.5"}, "l": {"L": [{"M": {"x": {"BS": ["YQ=="]}}}]}}


class _Fuzzed:
    """An engine, and what watches it."""

    def __init__(self, url: str, dice: random.Random, faults: Faults | None, report: Report) -> None:
        self.report = report
        self.now = 1_700_000_000.0
        self.engine: LocalEngine = open_engine(
            url, options=Options(clock=lambda: self.now, faults=faults, ttl_delay_seconds=0.0)
        )
        self.faults = faults
        for name, definition in {**TABLES, CANARY: TABLES["plain"]}.items():
            self._sure("CreateTable", {"TableName": name, **definition})
        self._sure("PutItem", {"TableName": CANARY, "Item": _CANARY_ITEM})
        for name in TABLES:
            for _ in range(20):
                self._sure("PutItem", {"TableName": name, "Item": items_of(dice, name)})

    def _sure(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        """Return the reply of a request that has to be carried out."""
        for _ in range(50):  # faults give way in the end
            try:
                reply = self.engine.send(operation, as_json(request))
                found: dict[str, Any] = msgspec.json.decode(reply.body)
            except (LostReply, msgspec.DecodeError):
                continue
            if reply.status == 200:
                return found
            if b"ResourceInUse" in reply.body:
                return {}
        raise AssertionError((operation, reply.status, reply.body))

    def send(self, operation: str, payload: bytes) -> None:
        """Send one request and judge what comes back."""
        self.now += 0.3
        seconds = self._timed(operation, payload)
        if seconds > SLOW_SECONDS:
            seconds = min(seconds, self._timed(operation, payload), self._timed(operation, payload))
            if seconds > SLOW_SECONDS:
                self.report.fail(f"slow: {operation}", operation, payload)
        self.report.slowest = max(self.report.slowest, seconds)

    def _timed(self, operation: str, payload: bytes) -> float:
        start = time.perf_counter()
        try:
            reply = self.engine.send(operation, payload)
        except LostReply:
            self.report.codes["lost"] += 1
            if self.faults is None:
                self.report.fail("LostReply", operation, payload)
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                raise
            where = traceback.extract_tb(error.__traceback__)
            own = [frame for frame in where if "dynamo_objects" in frame.filename] or list(where)
            place = f"{Path(own[-1].filename).name}:{own[-1].lineno}"
            self.report.fail(f"{type(error).__name__} at {place}", operation, payload)
        else:
            self._judge(operation, payload, reply.status, reply.body)
        return time.perf_counter() - start

    def _judge(self, operation: str, payload: bytes, status: int, body: bytes) -> None:
        try:
            reply = msgspec.json.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError):
            if self.faults is None:
                self.report.fail("a reply that is not JSON", operation, payload)
            return
        code = "200" if status == 200 else str(reply.get("__type", "")).partition("#")[2]
        self.report.codes[code] += 1
        if status != 200 and (status != 400 or code not in CODES) and not (status == 500 and self.faults):
            self.report.fail(f"status {status}, code {code}", operation, payload)

    def check(self) -> None:
        """See that the canary is unharmed, and that a new item can be stored, found and deleted."""
        key = {"TableName": CANARY, "Key": {"h": {"S": "canary"}}}
        found = self._sure("GetItem", key)
        if found != {"Item": _CANARY_ITEM}:
            self.report.fail("the canary was harmed", "GetItem", as_json(found))
        new = {"h": {"S": "new"}, "x": {"N": "2"}}
        self._sure("PutItem", {"TableName": CANARY, "Item": new})
        items = self._sure("Scan", {"TableName": CANARY, "ConsistentRead": True})["Items"]
        if sorted(item["h"]["S"] for item in items) != ["canary", "new"]:
            self.report.fail("a scan was wrong", "Scan", as_json(items))
        self._sure("DeleteItem", {"TableName": CANARY, "Key": {"h": {"S": "new"}}})


def fuzz(seed: int, count: int, url: str = "memory://", *, with_faults: bool = False) -> Report:
    """Send so many spoilt requests; the same seed sends the same."""
    report = Report()
    dice = random.Random(seed)
    fuzzed: _Fuzzed | None = None
    for number in range(count):
        if fuzzed is None or number % LIFE == 0:
            if fuzzed is not None:
                fuzzed.engine.close()
            rates = {
                "unprocessed": 0.1,
                "error": 0.02,
                "late_error": 0.02,
                "throttle": 0.02,
                "half_reply": 0.02,
            }
            fuzzed = _Fuzzed(url, dice, Faults(rates, seed=seed) if with_faults else None, report)
        operation, payload = spoilt(dice)
        fuzzed.send(operation, payload)
        report.count += 1
        if number % ROUND == ROUND - 1 and not with_faults:
            fuzzed.check()
    if fuzzed is not None:
        fuzzed.engine.close()
    return report


def main() -> int:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seed", type=int, default=1, help="of the requests (1)")
    parser.add_argument("--count", type=int, default=100_000, help="requests (100,000)")
    parser.add_argument("--url", default="memory://", help="of the storage (memory://)")
    parser.add_argument("--faults", action="store_true", help="with faults put in")
    arguments = parser.parse_args()
    start = time.perf_counter()
    report = fuzz(arguments.seed, arguments.count, arguments.url, with_faults=arguments.faults)
    print(
        f"{report.count} requests in {time.perf_counter() - start:.0f} s, the slowest {report.slowest:.3f} s"
    )
    for code, times in report.codes.most_common():
        print(f"  {times:8} {code}")
    for what, (operation, payload) in report.failures.items():
        print(f"FAILED {what}\n    {operation} {payload[:300]!r}")
    return 1 if report.failures else 0


if __name__ == "__main__":
    sys.exit(main())
