"""Malformed requests for the embedded engine: ``python3 tools/fuzz_engine.py --seed 1 --count 100000``.

Valid requests of every operation are spoilt, as JSON trees, as expressions and as bytes. Whatever
comes in, the engine answers with 200 or an error code that AWS documents; nothing is raised,
no request takes long, and an item that nobody touched is unharmed. The exit status is 1 otherwise.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import attrs
import msgspec

from dynamo_objects.local.engine import LocalEngine, Options
from dynamo_objects.local.faults import Faults, LostReply
from dynamo_objects.local.opening import open_engine
from tests.localmodel_seeds import CANARY, TABLES, items_of, valid_request

__all__ = ["Report", "fuzz"]

SLOW_SECONDS = 1.0
#: Requests between two looks at the canary.
ROUND = 500
#: Requests that are bigger are not spoilt further.
MOST_BYTES = 500_000
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


# --- spoiling -----------------------------------------------------------------------------

_DEEP = "[" * 3000 + "]" * 3000


def _nested(depth: int, tag: str) -> Any:
    value: Any = {"S": "x"}
    for _ in range(depth):
        value = {"L": [value]} if tag == "L" else {"M": {"m": value}}
    return value


#: What stands in the place of anything.
_HOSTILE: list[Callable[[], Any]] = [
    *(
        (lambda value: lambda: value)(value)
        for value in (
            None, True, False, 0, 1, -1, 2**31, 2**63, 2**70, -(2**63), 0.5, 1e300, -1e-300, "", " ", "x", "a" * 70_000,
            "\x00", "\ud800", "\ufffe", "٣", "e\u0301", "\u202e", "😀", "null", "1", "#", ":", "#n0", ":v0",
            "arn:aws:dynamodb:us-east-1:1:table/plain", "arn:aws:dynamodb:::table/", "plain", "PLAIN", "a" * 256, "..", "ALL_OLD", "ALL",
        )
    ),
    lambda: [], lambda: {}, lambda: [None], lambda: [[]], lambda: [{}], lambda: {"": {}}, lambda: {"S": None}, lambda: {"N": "1"},
    lambda: {"N": "1" * 39}, lambda: {"N": "1E126"}, lambda: {"N": "-1E-131"}, lambda: {"N": "1e99999999999"}, lambda: {"N": "NaN"},
    lambda: {"N": "Infinity"}, lambda: {"N": "٣"}, lambda: {"N": "1_0"}, lambda: {"N": " 1"}, lambda: {"N": ""}, lambda: {"N": 1},
    lambda: {"N": "0" * 5000 + "1"}, lambda: {"N": "1" + "0" * 5000}, lambda: {"N": "0." + "0" * 400 + "1"}, lambda: {"N": "1e" + "9" * 5000},
    lambda: {"B": "a"}, lambda: {"B": "="}, lambda: {"B": "ab=="}, lambda: {"B": "é"}, lambda: {"B": "YQ=="}, lambda: {"S": "\udfff"},
    lambda: {"SS": []}, lambda: {"SS": ["a", "a"]}, lambda: {"NS": ["1", "1.0"]}, lambda: {"BS": ["YQ==", "YQ=="]}, lambda: {"SS": [None]},
    lambda: {"L": None}, lambda: {"M": []}, lambda: {"L": [None]}, lambda: {"M": {"": {"S": ""}}}, lambda: {"NULL": False}, lambda: {"NULL": None},
    lambda: {"BOOL": "true"}, lambda: {"S": "a", "N": "1"}, lambda: {"X": "a"}, lambda: {"S": {"S": "a"}}, lambda: {"S": ["a"]},
    lambda: _nested(31, "L"), lambda: _nested(32, "M"), lambda: _nested(70, "L"), lambda: _nested(300, "M"),
    lambda: {"S": "x" * 410_000}, lambda: {"B": "AAAA" * 1000}, lambda: {"L": [{"S": "x"}] * 2000}, lambda: [{}] * 101, lambda: ["a"] * 300,
    lambda: {f"k{n}": {"S": "v"} for n in range(300)}, lambda: {"k" * 65_536: {"S": "v"}}, lambda: {"#n0": "x"}, lambda: {":v0": {"S": "x"}},
]  # fmt: skip

_TOKENS = (
    *"=<>()[],.+-#:*/!'\"\\ \t\n", "<>", "<=", ">=", "AND", "OR", "NOT", "IN", "BETWEEN", "SET", "REMOVE", "ADD", "DELETE", "size(", "contains(",
    "begins_with(", "attribute_exists(", "attribute_type(", "if_not_exists(", "list_append(", "#n0", ":v0", ":v1", "x", "y", "[0]", "[99999999999]",
    "[-1]", "[1.5]", "a.b", "x[0].y", "((", "))", "(" * 500, "NOT " * 400, "not", "é", "\x00", "\ud800", "1", "0x1", "null", "x, " * 200, " AND x=:v0" * 400, ".x" * 40, "[0]" * 40,
)  # fmt: skip


def _spots(tree: Any) -> list[tuple[Any, Any]]:
    """Return all places of a JSON tree: a container and a key or index in it."""
    found: list[tuple[Any, Any]] = []
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        keys: Any = list(node) if isinstance(node, dict) else range(len(node))
        for key in keys:
            found.append((node, key))
            if isinstance(node[key], dict | list):
                waiting.append(node[key])
    return found


def _spoil_tree(dice: random.Random, tree: dict[str, Any]) -> None:
    spots = _spots(tree)
    if not spots:
        tree["TableName"] = dice.choice(_HOSTILE)()
        return
    container, key = dice.choice(spots)
    match dice.randrange(8):
        case 0 | 1 | 2:
            container[key] = _hostile(dice, container[key])
        case 3:
            del container[key]
        case 4:
            other, there = dice.choice(spots)
            container[key] = json.loads(_encode(other[there])) if there in _keys(other) else None
        case 5:
            container[key] = [container[key]] if dice.random() < 0.5 else {"S": container[key]}
        case 6 if isinstance(container, dict):
            container[dice.choice(("Extra", "", "Item", "Key", "N", "S", "é", "Limit", "x"))] = container[key]
        case 7 if isinstance(container, list):
            container.extend([container[key]] * dice.randrange(1, 120))
        case _:
            container[key] = None


def _hostile(dice: random.Random, old: Any) -> Any:
    """Return something hostile, mostly of the same JSON type, so that it is not refused at once."""
    for _ in range(8 if dice.random() < 0.8 else 1):
        found = dice.choice(_HOSTILE)()
        if type(found) is type(old):
            break
    return found


def _keys(container: Any) -> Any:
    return container if isinstance(container, dict) else range(len(container))


def _spoil_expression(dice: random.Random, tree: dict[str, Any]) -> None:
    texts = [spot for spot in _spots(tree) if str(spot[1]).endswith("Expression")]
    if not texts:
        _spoil_tree(dice, tree)
        return
    container, key = dice.choice(texts)
    text = container[key]
    if type(text) is not str:
        return
    parts = text.split(" ")
    for _ in range(dice.randrange(1, 3)):
        at = dice.randrange(len(parts))
        match dice.randrange(4):
            case 0:
                parts.insert(at, dice.choice(_TOKENS))
            case 1:
                parts[at] = dice.choice(_TOKENS)
            case 2:
                parts[at] += dice.choice(_TOKENS)
            case _:
                where = dice.randrange(len(parts[at]) + 1)
                parts[at] = parts[at][:where] + parts[at][where + 1 :]
    container[key] = dice.choice((" ", " ", " ", "")).join(parts)


def _spoil_bytes(dice: random.Random, payload: bytes) -> bytes:
    raw = bytearray(payload)
    for _ in range(dice.randrange(1, 4)):
        at = dice.randrange(len(raw) + 1)
        match dice.randrange(5):
            case 0:
                raw[at : at + 1] = bytes([dice.randrange(256)])
            case 1:
                raw[at : at + dice.randrange(1, 20)] = b""
            case 2:
                raw[at:at] = dice.choice(
                    (
                        b"\\ud800",
                        b"\\u0000",
                        b"\xed\xa0\x80",
                        b"\xff",
                        b"1e400",
                        b"{",
                        b"[",
                        b'"',
                        b"null",
                        b",",
                    )
                )
            case 3:
                end = at + dice.randrange(1, 40)
                raw[at:at] = raw[at:end]
            case _:
                raw[at:at] = dice.choice(
                    (_DEEP.encode(), b"-", b"0" * 30, b"9" * 400, b"1E5000", b"\x00", b"\xef\xbb\xbf")
                )
    return bytes(raw)


def spoilt(dice: random.Random) -> tuple[str, bytes]:
    """Return an operation and a payload, most of them wrong somehow."""
    try:
        return _spoilt(dice)
    except RecursionError:  # nested more deeply than JSON can be written
        return _spoilt(dice)


def _spoilt(dice: random.Random) -> tuple[str, bytes]:
    operation, request = valid_request(dice)
    way = dice.random()
    if way < 0.4:
        for _ in range(dice.choice((1, 1, 1, 2, 4))):
            _spoil_tree(dice, request)
            if len(_encode(request)) > MOST_BYTES:
                break
    elif way < 0.75:
        _spoil_expression(dice, request)
    payload = _encode(request)[: 4 * MOST_BYTES]
    if 0.75 <= way < 0.85:
        payload = _spoil_bytes(dice, payload)
    if dice.random() < 0.01:
        operation = dice.choice(("", "NoSuch", "getitem", "é", "Query" * 100, "_put", "__init__"))
    return operation, payload


def _encode(tree: Any) -> bytes:
    """Return JSON; lone surrogates become escapes, which no encoder of ours would write."""
    return json.dumps(tree, ensure_ascii=True).encode()


# --- running ------------------------------------------------------------------------------

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
                reply = self.engine.send(operation, _encode(request))
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
            self.report.fail("the canary was harmed", "GetItem", _encode(found))
        new = {"h": {"S": "new"}, "x": {"N": "2"}}
        self._sure("PutItem", {"TableName": CANARY, "Item": new})
        items = self._sure("Scan", {"TableName": CANARY, "ConsistentRead": True})["Items"]
        if sorted(item["h"]["S"] for item in items) != ["canary", "new"]:
            self.report.fail("a scan was wrong", "Scan", _encode(items))
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
