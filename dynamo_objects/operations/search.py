"""Query and Scan: one request is one page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar, Generic

import msgspec

from ..codec.structs import Quiet
from ..codec.values import Item
from ..errors import NotDynamoDBReply
from ..expressions.render import Placeholders
from ..expressions.tree import And, Compare, Condition, Path, Value
from .base import ItemType, Reading, add_projection, check_key, encode_payload, read_items

__all__ = ["Page", "Query", "Scan"]


class Page(Quiet, frozen=True):
    """The answer to one Query or Scan request.

    Attributes:
        items: Those that the filter left.
        count: How many.
        last_key: Where the next page begins; None after the last.
    """

    unshown = frozenset({"items"})

    items: list[Item]
    count: int
    last_key: Item | None


class _SearchReply(msgspec.Struct, Generic[ItemType]):
    Count: int
    ScannedCount: int
    Items: list[ItemType] | None = None
    LastEvaluatedKey: Item | None = None


class _Search(Reading[Page], frozen=True, kw_only=True):
    table: str
    index: str | None = None
    filter: Condition | None = None
    projection: tuple[Path, ...] | None = None
    limit: int | None = None
    consistent: bool = False
    start_key: Item | None = None
    count_only: bool = False

    @property
    def subject(self) -> tuple[str, Any]:
        return self.table, None

    def payload(self) -> bytes:
        placeholders = Placeholders()
        members: dict[str, Any] = {"TableName": self.table}
        self._add_own(members, placeholders)
        if self.filter is not None:
            members["FilterExpression"] = placeholders.condition(self.filter)
        if self.count_only:
            members["Select"] = "COUNT"
        else:
            add_projection(members, placeholders, self.projection)
        placeholders.add_to(members)
        members["IndexName"] = self.index
        members["Limit"] = self.limit
        members["ConsistentRead"] = True if self.consistent else None
        members["ExclusiveStartKey"] = self.start_key
        return encode_payload(members)

    def _add_own(self, members: dict[str, Any], placeholders: Placeholders) -> None:
        """Add what only one of the two has."""

    def parse(self, body: bytes) -> Page:
        reply = read_items(body, _SearchReply, self.reader)
        if reply.Items is None and not self.count_only:
            raise NotDynamoDBReply("Items are missing")
        items = reply.Items or []
        if not self.count_only and len(items) != reply.Count:
            raise NotDynamoDBReply("Count is not the number of items")
        return Page(items, reply.Count, reply.LastEvaluatedKey or None)


class Query(_Search, frozen=True, kw_only=True):
    """Reads items of one hash key, in the order of the range key."""

    name: ClassVar[str] = "Query"

    key_condition: Condition
    reverse: bool = False

    def parse(self, body: bytes) -> Page:
        page = super().parse(body)
        # One is enough to know a reply that belongs to another request.
        for key, item in zip(_hash_keys(self.key_condition), page.items, strict=False):
            check_key(item, key, is_whole=False)
        return page

    def _add_own(self, members: dict[str, Any], placeholders: Placeholders) -> None:
        members["KeyConditionExpression"] = placeholders.condition(self.key_condition)
        if self.reverse:
            members["ScanIndexForward"] = False


def _hash_keys(condition: Condition) -> Iterator[Item]:
    """Yield the hash key that a key condition asks for: the attribute that must be equal.

    A range key may be such an attribute too, and does as well.
    """
    for part in condition.conditions if isinstance(condition, And) else (condition,):
        match part:
            case Compare("=", Path((str(name),)), Value(value)):
                yield {name: value}
                return


class Scan(_Search, frozen=True, kw_only=True):
    """Reads all items of a table or index, or of one segment of it."""

    name: ClassVar[str] = "Scan"

    segment: int | None = None
    total_segments: int | None = None

    def _add_own(self, members: dict[str, Any], placeholders: Placeholders) -> None:
        members["Segment"] = self.segment
        members["TotalSegments"] = self.total_segments
