"""Runs cases on an engine: a case in, what differs out."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import attrs

from .backends import Send
from .matching import code_of, differences, message_of
from .tables import MADE, TABLES
from .words import KEYS, Answers, Call, Case, Expected

__all__ = ["Outcome", "run_case"]


@attrs.frozen
class Outcome:
    """How a case went.

    Attributes:
        problems: What differs, nothing if all is as expected.
    """

    problems: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Tell whether the engine answers as AWS does."""
        return not self.problems


def run_case(send: Send, case: Case, *, wordings: bool = True) -> Outcome:
    """Run a case on an engine whose shared tables are empty, and empty them again.

    Args:
        wordings: Whether messages are compared.
    """
    calls = [*case.given, case.call, *(request for request, _ in case.then)]
    try:
        return Outcome(tuple(_problems(send, case, wordings)))
    finally:
        _clean(send, calls)


def _problems(send: Send, case: Case, wordings: bool) -> Iterable[str]:
    for before in case.given:
        status, body = send(before.operation, before.members)
        if status != 200:
            return [f"given {before.operation}: status {status} {code_of(body)}: {message_of(body)[:300]}"]
    found = differences(_bare(case.expects, wordings), *send(case.call.operation, case.call.members))
    for request, expected in case.then:
        later = differences(_bare(expected, wordings), *send(request.operation, request.members))
        found += [f"then {request.operation}: {one}" for one in later]
    return found


def _bare(expected: Expected, wordings: bool) -> Expected:
    if wordings or isinstance(expected, Answers):
        return expected
    return attrs.evolve(expected, message=None, members={})


def _clean(send: Send, calls: list[Call]) -> None:
    text = json.dumps([one.members for one in calls])
    if any(one.operation == "CreateTable" for one in calls):
        send("DeleteTable", {"TableName": MADE})
    for name in TABLES:
        if f'"{name}"' in text:
            _empty(send, name)


def _empty(send: Send, name: str) -> None:
    start: dict[str, Any] = {}
    while True:
        _, page = send("Scan", {"TableName": name, **start})
        for found in page.get("Items", ()):
            key = {part: found.get(part) for part in KEYS[name]}  # some engine stores items without
            send("DeleteItem", {"TableName": name, "Key": key})
        if not page.get("LastEvaluatedKey"):
            return
        start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}
