"""Carries out requests with faults put in."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from .errors import ApiError, throughput_exceeded
from .faults import Faults, LostReply

__all__ = ["answer"]

#: Operation -> the member of its reply that holds what was not processed.
_BATCHES = {"BatchGetItem": "UnprocessedKeys", "BatchWriteItem": "UnprocessedItems"}


def answer(faults: Faults, operation: str, payload: bytes, carry_out: Callable[[bytes], bytes]) -> bytes:
    """Return the body of the reply to a request, with the fault that it gets.

    Args:
        carry_out: Returns the body without any.

    Raises:
        ApiError: Of the fault, or as without one.
        LostReply: There is no reply, or not all of it.
    """
    match faults.choose(operation, payload):
        case "throttle":
            raise throughput_exceeded()
        case "error":
            raise _internal()
        case "late_error":
            carry_out(payload)
            raise _internal()
        case "lost_request":
            raise LostReply
        case "lost_reply":
            carry_out(payload)
            raise LostReply
        case "half_reply":
            raise LostReply(carry_out(payload))
        case "delay":
            time.sleep(faults.delay_seconds)
        case "unprocessed" if operation in _BATCHES:
            return _in_part(faults, operation, payload, carry_out)
    return carry_out(payload)


def _internal() -> ApiError:
    return ApiError("InternalServerError", "Internal server error", 500)


def _in_part(faults: Faults, operation: str, payload: bytes, carry_out: Callable[[bytes], bytes]) -> bytes:
    """Carry out a batch without its last parts, and report these as unprocessed."""
    request = _batch(payload)
    if request is None:  # will be refused
        return carry_out(payload)
    parts = [(table, part) for table, asked in request["RequestItems"].items() for part in _parts(asked)]
    kept = faults.part(operation, payload, len(parts))
    if kept == 0:
        raise throughput_exceeded()
    first, rest = (_together(request["RequestItems"], some) for some in (parts[:kept], parts[kept:]))
    reply = msgspec.json.decode(carry_out(msgspec.json.encode({**request, "RequestItems": first})))
    member = _BATCHES[operation]
    for table, asked in rest.items():
        held = reply[member].get(table)
        reply[member][table] = asked if held is None else _joined(held, asked)
    return msgspec.json.encode(reply)


def _batch(payload: bytes) -> dict[str, Any] | None:
    """Return the request of a batch, or None if it does not look like one."""
    try:
        request = msgspec.json.decode(payload)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    tables = request.get("RequestItems") if isinstance(request, dict) else None
    if not isinstance(tables, dict):
        return None
    lists = (asked.get("Keys") if isinstance(asked, dict) else asked for asked in tables.values())
    return request if all(isinstance(listed, list) for listed in lists) else None


def _parts(asked: Any) -> list[Any]:
    return list(asked["Keys"]) if isinstance(asked, dict) else list(asked)


def _together(requested: Mapping[str, Any], parts: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return RequestItems of some parts, in the shape of the whole."""
    tables: dict[str, list[Any]] = {}
    for table, part in parts:
        tables.setdefault(table, []).append(part)
    return {
        table: {**requested[table], "Keys": listed} if isinstance(requested[table], dict) else listed
        for table, listed in tables.items()
    }


def _joined(held: Any, more: Any) -> Any:
    if isinstance(held, dict):
        return {**held, "Keys": [*held["Keys"], *more["Keys"]]}
    return [*held, *more]
