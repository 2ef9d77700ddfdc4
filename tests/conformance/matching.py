"""Compares an answer with the one that is expected: both in, the differences as texts out."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from .words import ANYTHING, SOME, Answers, Expected, Fails, Has, Like

__all__ = ["code_of", "differences", "message_of"]

_SETS = ("SS", "NS", "BS")
#: Some regions of AWS put this before messages of their own since June 2026, others do not
#: (github.com/nubo-db/dynamodb-conformance, captures/2026-06-09-validation-rewording.json).
_ENVELOPE = "1 validation error detected: "


def code_of(body: Any) -> str:
    """Return the code of an error's body; empty for others."""
    found = body.get("__type", "") if isinstance(body, dict) else ""
    return str(found).rpartition("#")[2]


def message_of(body: Any) -> str:
    """Return the text of an error's body."""
    return str(body.get("message", body.get("Message", ""))) if isinstance(body, dict) else ""


def differences(expected: Expected, status: int, body: Any) -> list[str]:
    """Return what differs, nothing if the answer is as expected."""
    if isinstance(expected, Answers):
        if status != 200:
            return [f"status {status} {code_of(body)}: {_short(message_of(body))}; expected success"]
        return list(_differing(expected.body, body, ""))
    return list(_failing(expected, status, body))


def _failing(expected: Fails, status: int, body: Any) -> Iterator[str]:
    if status == 200:
        yield f"success {_short(body)}; expected {expected.code}: {_wording(expected.message)}"
        return
    if status != 400 or code_of(body) != expected.code:
        yield f"status {status} {code_of(body)}: {_short(message_of(body))}; expected 400 {expected.code}: {_wording(expected.message)}"
        return
    if not _says(expected.message, message_of(body)):
        yield f"message {_short(message_of(body))!r}; expected {_wording(expected.message)!r}"
    for name, value in expected.members.items():
        if value is None:
            if name in body:
                yield f"has {name}"
        else:
            yield from _differing(value, body.get(name), name)


def _says(expected: str | Like | None, actual: str) -> bool:
    if expected is None:
        return True
    bare = actual.removeprefix(_ENVELOPE)
    if isinstance(expected, Like):
        return expected.matches(actual) or expected.matches(bare)
    return expected in (actual, bare)


def _wording(expected: str | Like | None) -> str:
    return "(any)" if expected is None else expected.pattern if isinstance(expected, Like) else expected


def _differing(expected: Any, actual: Any, path: str) -> Iterator[str]:
    if expected is ANYTHING:
        return
    if expected is SOME:
        if not isinstance(actual, list) or not actual:
            yield f"{path}: {_short(actual)}; expected some"
    elif isinstance(expected, Like):
        if not expected.matches(actual):
            yield f"{path}: {_short(actual)}; expected like {expected.pattern}"
    elif isinstance(expected, Has):
        if not isinstance(actual, dict):
            yield f"{path}: {_short(actual)}; expected an object"
            return
        for name, value in expected.members.items():
            yield from _differing(value, actual.get(name), f"{path}.{name}")
    elif isinstance(expected, dict):
        yield from _objects(expected, actual, path)
    elif isinstance(expected, list):
        if not isinstance(actual, list) or len(actual) != len(expected):
            yield f"{path}: {_short(actual)}; expected {_short(expected)}"
            return
        for place, (one, other) in enumerate(zip(expected, actual, strict=True)):
            yield from _differing(one, other, f"{path}[{place}]")
    elif expected != actual or isinstance(expected, bool) != isinstance(actual, bool):
        yield f"{path}: {_short(actual)}; expected {_short(expected)}"


def _objects(expected: dict[str, Any], actual: Any, path: str) -> Iterator[str]:
    if not isinstance(actual, dict) or expected.keys() != actual.keys():
        yield f"{path or 'reply'}: {_short(actual)}; expected {_short(expected)}"
        return
    for name, value in expected.items():
        other = actual[name]
        if name in _SETS and isinstance(value, list) and isinstance(other, list):
            value, other = sorted(value), sorted(other)
        yield from _differing(value, other, f"{path}.{name}")


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    text = re.sub(r"(.)\1{60,}", r"\1...\1", text)
    return text if len(text) < 500 else text[:400] + "..." + text[-80:]
