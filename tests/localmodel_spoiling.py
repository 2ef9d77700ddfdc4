"""Valid requests made wrong: as JSON trees, as expressions, as bytes."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from functools import partial
from typing import Any

from .localmodel_seeds import valid_request

__all__ = ["as_json", "spoilt"]

#: Requests that are bigger are not spoilt further.
MOST_BYTES = 500_000

_DEEP = "[" * 3000 + "]" * 3000


def _nested(depth: int, tag: str) -> Any:
    value: Any = {"S": "x"}
    for _ in range(depth):
        value = {"L": [value]} if tag == "L" else {"M": {"m": value}}
    return value


def _given(value: Any) -> Any:
    return value


#: What stands in the place of anything.
_HOSTILE: list[Callable[[], Any]] = [
    *(
        partial(_given, value)
        for value in (
            None, True, False, 0, 1, -1, 2**31, 2**63, 2**70, -(2**63), 0.5, 1e300, -1e-300, "", " ", "x", "a" * 70_000,
            "\x00", "\ud800", "\ufffe", "٣", "e\u0301", "\u202e", "😀", "null", "1", "#", ":", "#n0", ":v0",
            "arn:aws:dynamodb:us-east-1:1:table/plain", "arn:aws:dynamodb:::table/", "plain", "PLAIN", "a" * 256, "..", "ALL_OLD", "ALL",
        )
    ),
    list, dict, lambda: [None], lambda: [[]], lambda: [{}], lambda: {"": {}}, lambda: {"S": None}, lambda: {"N": "1"},
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
            container[key] = json.loads(as_json(other[there])) if there in _keys(other) else None
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
            if len(as_json(request)) > MOST_BYTES:
                break
    elif way < 0.75:
        _spoil_expression(dice, request)
    payload = as_json(request)[: 4 * MOST_BYTES]
    if 0.75 <= way < 0.85:
        payload = _spoil_bytes(dice, payload)
    if dice.random() < 0.01:
        operation = dice.choice(("", "NoSuch", "getitem", "é", "Query" * 100, "_put", "__init__"))
    return operation, payload


def as_json(tree: Any) -> bytes:
    """Return JSON; lone surrogates become escapes, which no encoder of ours would write."""
    return json.dumps(tree, ensure_ascii=True).encode()
