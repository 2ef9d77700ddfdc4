"""Query and Scan: one page of a table or an index."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from ..codec.values import Item
from .capacity import Consumed, read_units, report
from .definitions import Index, Table
from .engine import Context, Handler
from .errors import ApiError, Layer, invalid, invalid_parameter, worded
from .expressions.keyconditions import conditions_of, key_range
from .expressions.parsing import attributes_in, condition, projection
from .expressions.placeholders import Placeholders
from .expressions.projecting import project
from .expressions.testing import holds, paths_in
from .items import json_of
from .legacy import (
    attributes_to_get,
    check_conditional_operator,
    check_mixed,
    filters,
    key_conditions,
)
from .requests import table_name
from .schema import check_key_values, check_paths
from .spans import after, before, query_span, segment_of, segment_span, start_position
from .storage.base import Entry, Span, Unit
from .values import checked_item

__all__ = ["HANDLERS"]


class _Search(msgspec.Struct, frozen=True):
    """What a request asks for, by itself.

    Attributes:
        is_query: Or a scan.
        keys: The key condition of a query.
        filter: What results must fulfil.
        paths: The parts of items that are wanted; None for all.
        start: ExclusiveStartKey.
    """

    request: Mapping[str, Any]
    is_query: bool
    keys: Any = None
    filter: Any = None
    paths: Any = None
    start: Item | None = None

    @property
    def counts_only(self) -> bool:
        """Tell whether items are only counted."""
        return self.request.get("Select") == "COUNT"


class _Page(msgspec.Struct):
    """What one request has read.

    Attributes:
        found: The items that the filter left.
        scanned: How many were read.
        size: Their bytes, as stored in the table or index.
        fetched: Read units for items that were fetched from the table of a local index.
        last: The item at which reading stopped; None at the end.
    """

    found: list[Entry] = msgspec.field(default_factory=list)
    scanned: int = 0
    size: int = 0
    fetched: float = 0.0
    last: Item | None = None


def query(context: Context, request: dict[str, Any]) -> dict[str, Any] | bytes:
    """Return a page of the items of one hash key."""
    return _answer(context, _planned(request, "Query"))


def scan(context: Context, request: dict[str, Any]) -> dict[str, Any] | bytes:
    """Return a page of all items."""
    return _answer(context, _planned(request, "Scan"))


# --- what is asked ------------------------------------------------------------------------


def _planned(request: dict[str, Any], kind: Literal["Query", "Scan"]) -> _Search:
    legacy = ("AttributesToGet", f"{kind}Filter", "ConditionalOperator", "KeyConditions")
    layer: Layer = "current" if kind == "Query" else "older"
    try:
        check_mixed(request, legacy, ("ProjectionExpression", "FilterExpression", "KeyConditionExpression"))
        start = None
        if (given := request.get("ExclusiveStartKey")) is not None:
            start = _checked_start(given)
        if kind == "Scan":
            _check_segments(request)
        search = _with_expressions(_Search(request, kind == "Query", start=start), kind, layer)
        _check_select(search)
    except ApiError as error:
        raise worded(error, layer) from None
    return search


def _checked_start(given: dict[str, Any]) -> Item:
    try:
        return checked_item(given)
    except ApiError as error:
        if any(reason in error.message for reason in _BAD_STARTS):
            raise invalid(f"The provided starting key is invalid: {error.message}") from None
        raise


#: What is said of start keys in more words than of other values (dynalite's test/query.js, run on AWS).
_BAD_STARTS = (
    "Supplied AttributeValue ",
    "Null attribute value types must",
    "An string set  may not",
    "Binary sets should",
)


def _with_expressions(search: _Search, kind: str, layer: Layer) -> _Search:
    request = search.request
    placeholders = Placeholders.of(request, layer)
    keys = filter = paths = None
    check_conditional_operator(request, f"{kind}Filter")
    if search.is_query:
        keys = _key_condition(request, placeholders)
    if (text := request.get("FilterExpression")) is not None:
        filter = condition("FilterExpression", text, placeholders)
    elif (given := request.get(f"{kind}Filter")) is not None:
        filter = filters(given, request.get("ConditionalOperator", "AND"))
    if (text := request.get("ProjectionExpression")) is not None:
        paths = projection(text, placeholders)
    elif (names := request.get("AttributesToGet")) is not None:
        paths = attributes_to_get(names)
    placeholders.check_used()
    if keys is not None:
        conditions_of(keys)  # what no table could answer
    return msgspec.structs.replace(search, keys=keys, filter=filter, paths=paths)


def _key_condition(request: Mapping[str, Any], placeholders: Placeholders) -> Any:
    if (text := request.get("KeyConditionExpression")) is not None:
        return condition("KeyConditionExpression", text, placeholders)
    if (given := request.get("KeyConditions")) is not None:
        return key_conditions(given)
    raise invalid(
        "Either the KeyConditions or KeyConditionExpression parameter must be specified in the request."
    )


def _check_select(search: _Search) -> None:
    request = search.request
    select = request.get("Select")
    named = next((name for name in ("ProjectionExpression", "AttributesToGet") if name in request), None)
    if select == "ALL_PROJECTED_ATTRIBUTES" and "IndexName" not in request:
        raise invalid("ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName")
    if select == "SPECIFIC_ATTRIBUTES" and named is None:
        error = invalid(
            "Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES"
        )
        # Queries say it as their front says what it finds (Parity Suite, error-messages/query.test.ts).
        raise worded(error, "enveloped") if search.is_query else error
    if named is not None and select in _ALONE:
        raise invalid(f"Cannot specify the {named} when choosing to get {_ALONE[select]}")


#: Select -> what it gets, where nothing else can be named.
_ALONE = {
    "ALL_ATTRIBUTES": "ALL_ATTRIBUTES",
    "ALL_PROJECTED_ATTRIBUTES": "ALL_PROJECTED_ATTRIBUTES",
    "COUNT": "only the Count",
}


def _check_segments(request: Mapping[str, Any]) -> None:
    segment, total = request.get("Segment"), request.get("TotalSegments")
    if segment is not None and total is None:
        raise invalid(
            "The TotalSegments parameter is required but was not present in the request "
            "when Segment parameter is present"
        )
    if total is not None and segment is None:
        raise invalid(
            "The Segment parameter is required but was not present in the request "
            "when parameter TotalSegments is present"
        )
    if segment is not None and total is not None and segment >= total:
        raise invalid(
            "The Segment parameter is zero-based and must be less than parameter TotalSegments: "
            f"Segment: {segment} is not less than TotalSegments: {total}"
        )


# --- what is read -------------------------------------------------------------------------


def _answer(context: Context, search: _Search) -> dict[str, Any] | bytes:
    request = search.request
    with context.storage.reading() as unit:
        table = context.catalog.table(unit, table_name(request))
        index = _index(table, request)
        _check_against(table, index, search)
        page = _read(context, unit, table, index, search)
    consistent = bool(request.get("ConsistentRead"))
    units = read_units(page.size, consistent=consistent)
    consumed = Consumed(table, page.fetched if index else units, {index.name: units} if index else {})
    context.meter.read(table, None if index is None else index.name, units)
    return _reply(search, table, index, page, consumed)


def _index(table: Table, request: Mapping[str, Any]) -> Index | None:
    name = request.get("IndexName")
    if name is None:
        return None
    index = table.indexes.get(name)
    if index is None:
        raise invalid(f"The table does not have the specified index: {name}")
    if index.status in ("CREATING", "DELETING"):
        raise invalid(f"Cannot read from backfilling global secondary index: {name}")
    if index.is_global and request.get("ConsistentRead"):
        raise invalid("Consistent reads are not supported on global secondary indexes")
    return index


def _check_against(table: Table, index: Index | None, search: _Search) -> None:
    """Check what only the table and its index can tell."""
    if index is not None and index.is_global and index.projection != "ALL":
        if search.request.get("Select") == "ALL_ATTRIBUTES":
            raise invalid_parameter(
                "Select type ALL_ATTRIBUTES is not supported for global secondary index "
                f"{index.name} because its projection type is not ALL"
            )
        missing = _unprojected(table, index, search)
        if missing:
            shown = ", ".join(sorted(missing))
            raise invalid_parameter(f"Global secondary index {index.name} does not project [{shown}]")
    if search.paths is not None:
        check_paths(table, search.paths)
    if search.filter is not None:
        check_paths(table, paths_in(search.filter))
    if search.is_query and search.filter is not None:
        _check_filter(table if index is None else index, search)
        if index is not None:
            _check_filter_is_projected(table, index, search)


def _check_filter(place: Table | Index, search: _Search) -> None:
    names = attributes_in(search.filter)
    for part in place.keys.parts:
        if part.name in names:
            kind = "Filter Expression" if "FilterExpression" in search.request else "QueryFilter"
            raise invalid(
                f"{kind} can only contain non-primary key attributes: Primary key attribute: {part.name}"
            )


def _check_filter_is_projected(table: Table, index: Index, search: _Search) -> None:
    missing = attributes_in(search.filter) - _held(table, index)
    if index.projection != "ALL" and missing:
        raise invalid_parameter(
            f"Secondary index {index.name} does not project one or more filter attributes: "
            f"[{', '.join(sorted(missing))}]"
        )


def _held(table: Table, index: Index) -> set[str]:
    """Return the attributes that an index holds, if it does not hold all."""
    held = {*table.keys.names, *index.keys.names}
    return held if isinstance(index.projection, str) else held | index.projection


def _unprojected(table: Table, index: Index, search: _Search) -> set[str]:
    """Return the attributes that are asked for and that an index does not hold."""
    if index.projection == "ALL" or search.paths is None:
        return set()
    return {str(path.steps[0]) for path in search.paths} - _held(table, index)


#: A greater Limit tells little about how many entries fit on a page.
_FEW = 100


def _read(context: Context, unit: Unit, table: Table, index: Index | None, search: _Search) -> _Page:
    request = search.request
    limit = request.get("Limit")
    page = _Page()
    fetches = _fetches(table, index, search)
    collection = table.collection if index is None else index.collection
    reverse = search.is_query and request.get("ScanIndexForward") is False
    likely = limit if limit is not None and limit <= _FEW else None
    entries = unit.entries(collection, _span(table, index, search, reverse), reverse=reverse, limit=likely)
    for _, entry in entries:
        page.scanned += 1
        page.size += entry.size
        last = entry.item
        if fetches:
            entry = _fetched(unit, table, entry, page, bool(request.get("ConsistentRead")))
        if search.filter is None or holds(search.filter, entry.item):
            page.found.append(entry)
        if page.scanned == limit or page.size >= context.options.page_bytes:
            page.last = last
            break
    return page


def _span(table: Table, index: Index | None, search: _Search, reverse: bool) -> Span:
    keys = table.keys if index is None else index.keys
    request = search.request
    if search.is_query:
        asked = key_range(search.keys, keys)
        check_key_values((part for part in keys.parts if part.name in asked.hash), asked.hash)
        span = query_span(keys, asked)
    elif (segment := request.get("Segment")) is not None:
        span = segment_span(segment, request["TotalSegments"])
    else:
        span = Span()
    if search.start is None:
        return span
    position = start_position(table, index, search.start, is_query=search.is_query)
    _check_start(search, span, position)
    return before(span, position) if reverse else after(span, position)


def _check_start(search: _Search, span: Span, position: tuple[bytes, bytes]) -> None:
    if not search.is_query:
        total = search.request.get("TotalSegments")
        if total is not None and segment_of(position, total) != search.request["Segment"]:
            raise invalid(
                "The provided starting key is invalid: Invalid ExclusiveStartKey. Please use ExclusiveStartKey "
                f"with correct Segment. TotalSegments: {total} Segment: {search.request['Segment']}"
            )
        return
    if position[0] != span.low[0]:
        raise invalid("The provided starting key is outside query boundaries based on provided conditions")
    if position < span.low or (span.high is not None and position >= span.high):
        raise invalid("The provided starting key does not match the range key predicate")


def _fetches(table: Table, index: Index | None, search: _Search) -> bool:
    """Tell whether items are fetched from the table, because a local index does not hold all of them."""
    if index is None or index.is_global or index.projection == "ALL":
        return False
    if search.request.get("Select") == "ALL_ATTRIBUTES":
        return True
    return bool(_unprojected(table, index, search))


def _fetched(unit: Unit, table: Table, entry: Entry, page: _Page, consistent: bool) -> Entry:
    whole = unit.get(table.collection, table.position(entry.item))
    assert whole is not None  # an index has nothing that its table has not
    page.fetched += read_units(whole.size, consistent=consistent)
    return whole


# --- what is answered ---------------------------------------------------------------------


def _reply(
    search: _Search, table: Table, index: Index | None, page: _Page, consumed: Consumed
) -> dict[str, Any] | bytes:
    reply: dict[str, Any] = {"Count": len(page.found), "ScannedCount": page.scanned}
    if not search.counts_only:
        if search.paths is None:
            reply["Items"] = msgspec.Raw(b"[" + b",".join(map(json_of, page.found)) + b"]")
        else:
            reply["Items"] = [project(search.paths, entry.item) for entry in page.found]
    if page.last is not None:
        names = set(table.keys.names) | set(() if index is None else index.keys.names)
        reply["LastEvaluatedKey"] = {name: page.last[name] for name in page.last if name in names}
    capacity = report(search.request, consumed)
    if capacity is not None:
        reply["ConsumedCapacity"] = capacity
    return reply


HANDLERS: dict[str, Handler] = {"Query": query, "Scan": scan}
