"""TransactGetItems and TransactWriteItems: all or nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import blake2b
from typing import Any

import msgspec

from ..codec.sizes import item_size
from ..codec.values import Item
from .capacity import Consumed, read_units, reports
from .conflicts import MESSAGE, Place
from .definitions import Table
from .engine import Context, Handler
from .errors import ApiError, invalid, worded
from .expressions.projecting import project
from .items import paths_of, read
from .requests import REQUESTS, table_name
from .schema import check_item, check_key, check_literals, check_not_empty, check_paths
from .storage.base import Unit
from .values import checked_item
from .writes import Action, Done, Write, carry_out, metrics, plan

__all__ = ["HANDLERS"]

#: Bytes of all items of a transaction (Developer Guide, "Quotas").
MAX_BYTES = 4 * 1024 * 1024
#: How long a token stands for one request (API reference, TransactWriteItems).
TOKEN_SECONDS = 600.0

_ACTIONS: dict[str, Action] = {
    "ConditionCheck": "ConditionCheck",
    "Put": "Put",
    "Delete": "Delete",
    "Update": "Update",
}
_NONE = {"Code": "None"}


def _members(operation: str) -> dict[str, frozenset[str]]:
    """Return the members that the actions of a transaction have."""
    actions: Any = REQUESTS[operation].members["TransactItems"]
    return {name: frozenset(action.members) for name, action in actions.of.members.items()}


_MEMBERS = {**_members("TransactGetItems"), **_members("TransactWriteItems")}


def _known(name: str, asked: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return an action without the members that AWS does not know, such as those of the single operation."""
    action: Mapping[str, Any] = asked[name]
    if action.keys() <= _MEMBERS[name]:
        return action
    return {member: held for member, held in action.items() if member in _MEMBERS[name]}


def cancelled(reasons: list[dict[str, Any]]) -> ApiError:
    """Return the error for a transaction that was not carried out, with a reason for each action."""
    codes = ", ".join(reason["Code"] for reason in reasons)
    return ApiError(
        "TransactionCanceledException",
        f"Transaction cancelled, please refer cancellation reasons for specific reasons [{codes}]",
        CancellationReasons=reasons,
    )


# --- reading ------------------------------------------------------------------------------


class _Get(msgspec.Struct, frozen=True):
    """One read of a transaction."""

    table: str
    key: Item
    paths: Any


def transact_get_items(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Return the items of several keys as they are at one moment."""
    gets = [_planned_get(_known("Get", asked)) for asked in request["TransactItems"]]
    responses: list[dict[str, Any]] = []
    totals: dict[str, Consumed] = {}
    with context.storage.reading() as unit:
        tables = [context.catalog.table(unit, get.table) for get in gets]
        _check_each([lambda t=t, g=g: check_key(t, g.key) for t, g in zip(tables, gets, strict=True)])
        places = [
            (table.collection, table.position(get.key)) for table, get in zip(tables, gets, strict=True)
        ]
        _check_distinct(places)
        _check_free(context, places)
        size_bytes = 0
        for get, table in zip(gets, tables, strict=True):
            check_paths(table, get.paths or ())
            entry = read(unit, table, get.key)
            size = 0 if entry is None else entry.size
            size_bytes += size
            consumed = totals.setdefault(table.name, Consumed(table, is_split=True))
            consumed.own += read_units(size, consistent=True, transactional=True)
            item = None if entry is None else _shown(entry.item, get.paths)
            responses.append({"Item": item} if item else {})  # no Item where a projection finds nothing
    if size_bytes > MAX_BYTES:
        raise invalid("Collection size exceeds 4 MB")
    for consumed in totals.values():
        context.meter.read(consumed.table, None, consumed.own)
    reply: dict[str, Any] = {"Responses": responses}
    if (capacity := reports(request, totals.values())) is not None:
        reply["ConsumedCapacity"] = capacity
    return reply


def _planned_get(asked: Mapping[str, Any]) -> _Get:
    try:
        key = checked_item(asked["Key"])
    except ApiError as error:
        raise worded(error, "older") from None
    return _Get(table_name(asked), key, None if len(asked) == 2 else paths_of(asked, "older"))


def _shown(item: Item, paths: Any) -> Item:
    return item if paths is None else project(paths, item)


def _check_free(context: Context, places: list[Place]) -> None:
    reasons = [
        {"Code": "TransactionConflict", "Message": MESSAGE}
        if context.claims.is_claimed(place, None)
        else _NONE
        for place in places
    ]
    if any(reason is not _NONE for reason in reasons):
        raise cancelled(reasons)


# --- writing ------------------------------------------------------------------------------


def transact_write_items(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Carry out several writes, all or none of them."""
    writes = [_planned_write(asked) for asked in request["TransactItems"]]
    if sum(map(_size, writes)) > MAX_BYTES:
        # ScyllaDB's test_transact.py knows parts of these words, and that stored items do not count.
        raise invalid("Transaction payload size cannot exceed 4 MB")
    owner = object()
    places = _places(context, writes)
    _check_distinct(places)
    taken = context.claims.claim(places, owner)
    if taken:
        conflict = {"Code": "TransactionConflict", "Message": MESSAGE}
        raise cancelled([conflict if place in taken else _NONE for place in places])
    try:
        return _carried_out(context, request, writes, owner)
    finally:
        context.claims.release(owner)


def _size(write: Write) -> int:
    """Return the bytes that a write brings along."""
    size = write.size or item_size(write.item)
    return size if write.update is None else size + item_size(write.update.literals)


def _planned_write(asked: Mapping[str, Any]) -> Write:
    named = [name for name in _ACTIONS if asked.get(name) is not None]
    if len(named) != 1:
        raise invalid("TransactItems can only contain one of Check, Put, Update or Delete")
    (name,) = named
    return msgspec.structs.replace(plan(_ACTIONS[name], _known(name, asked), "older"), is_in_transaction=True)


def _places(context: Context, writes: list[Write]) -> list[Place]:
    with context.storage.reading() as unit:
        tables = [context.catalog.table(unit, write.table) for write in writes]
    for table, write in zip(tables, writes, strict=True):
        check_not_empty(table, write.item)  # is no reason to cancel, but an error of the request
        if write.update is not None:
            check_literals(table, write.update.literals)
    _check_each([lambda t=t, w=w: _check_fits(t, w) for t, w in zip(tables, writes, strict=True)])
    return [
        (table.collection, table.position(write.item)) for table, write in zip(tables, writes, strict=True)
    ]


def _check_fits(table: Table, write: Write) -> None:
    (check_item if write.action == "Put" else check_key)(table, write.item)


def _check_each(checks: Iterable[Any]) -> None:
    """Run checks, one an action; the first that finds something is the reason of a cancelled transaction.

    Source: ScyllaDB's test_transact.py, run on AWS: later actions are not looked at any more.
    """
    waiting = list(checks)
    for place, check in enumerate(waiting):
        try:
            check()
        except ApiError as error:
            reasons = [_NONE] * len(waiting)
            reasons[place] = _reason(error)
            raise cancelled(reasons) from None


def _reason(error: ApiError) -> dict[str, Any]:
    """Return the reason that an error of one action is for the whole transaction."""
    code = _REASONS.get(error.code)
    if code is None:
        raise error
    return {"Code": code, "Message": error.message, **error.members}


_REASONS = {
    "ConditionalCheckFailedException": "ConditionalCheckFailed",
    "ValidationException": "ValidationError",
    "TransactionConflictException": "TransactionConflict",
    "ProvisionedThroughputExceededException": "ProvisionedThroughputExceeded",
}


def _check_distinct(places: list[Place]) -> None:
    if len(set(places)) != len(places):
        raise invalid("Transaction request cannot include multiple operations on one item")


def _carried_out(
    context: Context, request: dict[str, Any], writes: list[Write], owner: object
) -> dict[str, Any]:
    token = request.get("ClientRequestToken")
    with context.storage.writing() as unit:
        if token is not None and (known := _earlier(context, unit, token, request)) is not None:
            return _reply(request, _repeated(context, unit, writes, known), [])
        done = _all_done(context, unit, writes, owner)
        if token is not None:
            _remember(context, unit, token, request, done)
        totals: dict[str, Consumed] = {}
        for one in done:
            consumed = totals.setdefault(one.table.name, Consumed(one.table, is_write=True, is_split=True))
            consumed.add(one.consumed, transactional=True)
        for consumed in totals.values():
            context.meter.write(consumed)
    return _reply(request, totals, list(zip(writes, done, strict=True)))


def _all_done(context: Context, unit: Unit, writes: list[Write], owner: object) -> list[Done]:
    done: list[Done] = []
    reasons = []
    for write in writes:
        try:
            done.append(carry_out(context, unit, write, owner))
        except ApiError as error:
            reasons.append(_reason(error))
        else:
            reasons.append(_NONE)
    if len(done) != len(writes):
        raise cancelled(reasons)
    return done


def _reply(
    request: Mapping[str, Any], totals: Mapping[str, Consumed], done: list[tuple[Write, Done]]
) -> dict[str, Any]:
    reply: dict[str, Any] = {}
    if (capacity := reports(request, totals.values())) is not None:
        reply["ConsumedCapacity"] = capacity
    collections: dict[str, list[Any]] = {}
    for write, one in done:
        if (found := metrics(request, one.table, write.item)) is not None:
            collections.setdefault(one.table.name, []).append(found)
    if collections:
        reply["ItemCollectionMetrics"] = collections
    return reply


# --- tokens -------------------------------------------------------------------------------


class _Token(msgspec.Struct):
    """What a token stands for.

    Attributes:
        digest: Of its request.
        seconds: When that came.
        sizes: Bytes of the item of each action, before it or after it, whichever were more.
    """

    digest: str
    seconds: float
    sizes: list[int] = []


def _digest(request: Mapping[str, Any]) -> str:
    content = msgspec.json.encode(request["TransactItems"], order="deterministic")
    return blake2b(content, digest_size=16).hexdigest()


def _earlier(context: Context, unit: Unit, token: str, request: Mapping[str, Any]) -> _Token | None:
    """Return what is known of a request that has been carried out before; None if it has not been.

    Raises:
        ApiError: Its token came with another request.
    """
    found = unit.document("token", token)
    if found is None:
        return None
    known = msgspec.json.decode(found, type=_Token)
    if context.options.clock() - known.seconds >= TOKEN_SECONDS:
        return None
    if known.digest != _digest(request):
        raise ApiError(
            "IdempotentParameterMismatchException",
            "This request is a duplicate of another request with the same ClientRequestToken "
            "but with different parameters",
        )
    return known


def _remember(context: Context, unit: Unit, token: str, request: Mapping[str, Any], done: list[Done]) -> None:
    now = context.options.clock()
    sizes = [max(0 if entry is None else entry.size for entry in (one.old, one.new)) for one in done]
    unit.put_document("token", token, msgspec.json.encode(_Token(_digest(request), now, sizes)))
    if context.claims.is_time_to_tidy(now):
        for name, content in list(unit.documents("token")):
            if now - msgspec.json.decode(content, type=_Token).seconds >= TOKEN_SECONDS:
                unit.delete_document("token", name)


def _repeated(context: Context, unit: Unit, writes: list[Write], known: _Token) -> dict[str, Consumed]:
    """Return the units of a repeated request, which only reads (API reference, TransactWriteItems).

    Source: github.com/nubo-db/dynoxide/pull/188, checked on AWS: what the first one looked at counts.
    """
    totals: dict[str, Consumed] = {}
    for write, size in zip(writes, known.sizes, strict=False):
        table = context.catalog.table(unit, write.table)
        consumed = totals.setdefault(table.name, Consumed(table, is_split=True))
        consumed.own += read_units(size, consistent=True, transactional=True)
    return totals


HANDLERS: dict[str, Handler] = {
    "TransactGetItems": transact_get_items,
    "TransactWriteItems": transact_write_items,
}
