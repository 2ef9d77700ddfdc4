"""Compares the answers of two engines to one call: two answers in, the kinds of difference out.

What DynamoDB leaves open is made equal first: the order of sets, of items with equal index
keys, of a scan; the spelling of numbers; how floats are written.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from typing import Any

import attrs

from ..conformance.backends import Send
from ..conformance.matching import code_of, message_of
from .enginecalls_calls import Call

__all__ = ["Answer", "answered", "compare"]

SETS = ("SS", "NS", "BS")
PAGES = 200


@attrs.frozen
class Answer:
    """What an engine answers.

    Attributes:
        code: Empty for success.
        message: Of an error.
        body: Of the reply; for searches, of all pages together.
    """

    code: str
    message: str
    body: Any = attrs.field(repr=False)


def answered(send: Send, call: Call) -> Answer:
    """Carry out a call, through all of its pages and segments."""
    if call.order is None:
        return _answer(*send(call.operation, call.members))
    total = call.members.get("TotalSegments")
    if total is None:
        return _searched(send, call.operation, call.members)
    parts = [
        _searched(send, call.operation, {**call.members, "Segment": segment}) for segment in range(total)
    ]
    wrong = [part for part in parts if part.code]
    return wrong[0] if wrong else Answer("", "", _joined([part.body for part in parts]))


def _answer(status: int, body: Any) -> Answer:
    if status == 200:
        return Answer("", "", body)
    return Answer(code_of(body) or f"status {status}", message_of(body), body)


def _searched(send: Send, operation: str, members: dict[str, Any]) -> Answer:
    pages: list[dict[str, Any]] = []
    start = members.get("ExclusiveStartKey")
    while len(pages) < PAGES:
        asked = members if start is None else {**members, "ExclusiveStartKey": start}
        answer = _answer(*send(operation, asked))
        if answer.code:
            return answer
        pages.append(answer.body)
        start = answer.body.get("LastEvaluatedKey")
        if start is None:
            return Answer("", "", _joined(pages, counts=True))
    return Answer("endless", f"more than {PAGES} pages", {})


def _joined(pages: list[dict[str, Any]], *, counts: bool = False) -> dict[str, Any]:
    body: dict[str, Any] = {
        "Count": sum(page["Count"] for page in pages),
        "ScannedCount": sum(page["ScannedCount"] for page in pages),
    }
    if any("Items" in page for page in pages):
        body["Items"] = [item for page in pages for item in page.get("Items", ())]
    if counts:
        body["Pages"] = [page["ScannedCount"] for page in pages if page["ScannedCount"]]
    if all("ConsumedCapacity" in page for page in pages) and len(pages) == 1:
        body["ConsumedCapacity"] = pages[0]["ConsumedCapacity"]
    return body


def compare(call: Call, mine: Answer, theirs: Answer, *, wording: bool) -> list[str]:
    """Return the kinds of difference: ``code``, ``message`` or the names of members."""
    if mine.code != theirs.code:
        return ["code"]
    if mine.code:
        return _errors(mine, theirs, wording)
    one, other = _normal(call, mine.body), _normal(call, theirs.body)
    return [name for name in sorted({*one, *other}) if one.get(name) != other.get(name)]


def _errors(mine: Answer, theirs: Answer, wording: bool) -> list[str]:
    found = ["message"] if wording and _says(mine.message) != _says(theirs.message) else []
    for name in ("Item", "CancellationReasons"):
        one, other = (_plain(answer.body.get(name)) for answer in (mine, theirs))
        if name == "CancellationReasons" and one and other:
            one, other = (
                json.dumps([(reason.get("Code"), reason.get("Item")) for reason in several], sort_keys=True)
                for several in (one, other)
            )
        if one != other:
            found.append(name)
    return found


def _says(message: str) -> str:
    return message.removeprefix("1 validation error detected: ")


def _normal(call: Call, body: dict[str, Any]) -> dict[str, Any]:
    plain = _plain(body)
    if "Limit" in call.members:
        plain.pop("ConsumedCapacity", None)  # an engine may end with an empty page, which costs too
    if call.order is not None and "Items" in plain:
        items = plain["Items"]
        keyed = [[item.get(name) for name in call.order] for item in items] if call.order else []
        plain["Order"] = keyed
        plain["Items"] = _sorted(items)
    if call.operation == "BatchGetItem":
        plain["Responses"] = {table: _sorted(items) for table, items in plain["Responses"].items()}
    if isinstance(plain.get("ConsumedCapacity"), list):
        plain["ConsumedCapacity"] = _sorted(plain["ConsumedCapacity"])
    return dict(plain)


def _sorted(values: Iterable[Any]) -> list[Any]:
    return sorted(values, key=lambda value: json.dumps(value, sort_keys=True))


def _plain(value: Any) -> Any:
    """Return a value with sorted sets, and numbers in their normal form."""
    if isinstance(value, dict):
        if len(value) == 1:
            ((tag, held),) = value.items()
            if tag == "N" and isinstance(held, str):
                return {tag: _number(held)}
            if tag in SETS and isinstance(held, list):
                return {tag: sorted(_number(one) if tag == "NS" else one for one in held)}
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return value


def _number(text: str) -> str:
    try:
        return format(Decimal(text).normalize(), "f") if Decimal(text) else "0"
    except InvalidOperation:
        return text
