"""Transactions: bundles that are carried out as a whole or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import msgspec

from ..codec.values import Item
from ..errors import NotDynamoDBReply, QueryError
from ..expressions.render import Placeholders
from ..expressions.tree import Condition
from .base import Operation, add_condition, check_key, encode_payload, read_reply
from .item import DeleteItem, GetItem, PutItem, UpdateItem

__all__ = ["MAX_ACTIONS", "ConditionCheck", "TransactGetItems", "TransactWriteItems"]

#: Actions in one transaction (Developer Guide, "Quotas": transactions).
MAX_ACTIONS = 100
#: A token holds for ten minutes (API reference, ClientRequestToken); one is left for travel.
_TOKEN_SECONDS = 9 * 60.0


class ConditionCheck(msgspec.Struct, frozen=True):
    """Requires something of an item that the transaction does not change."""

    table: str
    key: Item
    condition: Condition

    def members(self) -> dict[str, Any]:
        """Return the action's members."""
        members: dict[str, Any] = {"TableName": self.table, "Key": self.key}
        placeholders = Placeholders()
        add_condition(members, placeholders, self.condition)
        placeholders.add_to(members)
        return members


_ACTIONS = {
    PutItem: "Put",
    UpdateItem: "Update",
    DeleteItem: "Delete",
    ConditionCheck: "ConditionCheck",
}


def _check_count(count: int) -> None:
    if not 0 < count <= MAX_ACTIONS:
        raise QueryError(f"a transaction has 1 to {MAX_ACTIONS} actions, not {count}")


class _TransactWriteReply(msgspec.Struct, forbid_unknown_fields=True):
    ConsumedCapacity: Any = None
    ItemCollectionMetrics: Any = None


class TransactWriteItems(Operation[None], frozen=True):
    """Carries out all actions or none. With the same token it is carried out once only.

    Attributes:
        actions: Puts, updates, deletions and checks of different items.
        token: 1 to 36 characters; valid for ten minutes (API reference, ClientRequestToken).
    """

    name: ClassVar[str] = "TransactWriteItems"
    is_write: ClassVar[bool] = True
    resend_seconds: ClassVar[float] = _TOKEN_SECONDS

    actions: Sequence[PutItem | UpdateItem | DeleteItem | ConditionCheck]
    token: str

    @property
    def subject(self) -> tuple[str, Any]:
        first = self.actions[0]
        return (first.table, first.key) if isinstance(first, ConditionCheck) else first.subject

    def payload(self) -> bytes:
        _check_count(len(self.actions))
        actions = [{_ACTIONS[type(action)]: action.members()} for action in self.actions]
        return encode_payload({"TransactItems": actions, "ClientRequestToken": self.token})

    def parse(self, body: bytes) -> None:
        read_reply(body, _TransactWriteReply)


#: A member called Item hides the type of that name in its class.
_AnItem = Item


class _Got(msgspec.Struct, forbid_unknown_fields=True):
    Item: _AnItem | None = None


class _TransactGetReply(msgspec.Struct):
    Responses: list[_Got]


class TransactGetItems(Operation[list[Item | None]], frozen=True):
    """Reads several items as of one moment: each item, or None, in the order asked."""

    name: ClassVar[str] = "TransactGetItems"

    gets: Sequence[GetItem]

    @property
    def subject(self) -> tuple[str, Any]:
        return self.gets[0].subject

    def payload(self) -> bytes:
        _check_count(len(self.gets))
        actions = [{"Get": {"TableName": get.table, "Key": get.key}} for get in self.gets]
        return encode_payload({"TransactItems": actions})

    def parse(self, body: bytes) -> list[Item | None]:
        replies = read_reply(body, _TransactGetReply).Responses
        if len(replies) != len(self.gets):
            raise NotDynamoDBReply("as many items as were asked for are missing")
        items = [reply.Item or None for reply in replies]
        for get, item in zip(self.gets, items, strict=True):
            check_key(item, get.key)
        return items
