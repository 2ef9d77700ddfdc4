"""Operations on one item: get, put, update, delete."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from ..codec.values import Item
from ..expressions.evaluate import equal
from ..expressions.render import Placeholders
from ..expressions.tree import Condition, Path, Update
from .base import (
    ItemText,
    Operation,
    Reading,
    Resend,
    add_condition,
    add_projection,
    check_key,
    encode_payload,
    on_wire,
    read_attributes,
    read_item,
)

__all__ = ["DeleteItem", "GetItem", "PutItem", "ReturnValues", "UpdateItem"]

ReturnValues = Literal["NONE", "ALL_OLD", "UPDATED_OLD", "ALL_NEW", "UPDATED_NEW"]
_OLD_VALUES = frozenset({"ALL_OLD", "UPDATED_OLD"})
_WHOLE = frozenset({"ALL_OLD", "ALL_NEW"})


class GetItem(Reading[Item | None], frozen=True):
    """Reads one item by its key: the item, or None when there is none."""

    name: ClassVar[str] = "GetItem"

    table: str
    key: Item
    consistent: bool = False
    projection: tuple[Path, ...] | None = None

    @property
    def subject(self) -> tuple[str, Any]:
        return self.table, self.key

    def payload(self) -> bytes:
        members: dict[str, Any] = {"TableName": self.table, "Key": self.key}
        if self.consistent:
            members["ConsistentRead"] = True
        if self.projection is not None:
            placeholders = Placeholders()
            add_projection(members, placeholders, self.projection)
            placeholders.add_to(members)
        return encode_payload(members)

    def parse(self, body: bytes) -> Item | None:
        item = read_item(body, self.reader)
        check_key(item, self.key, is_whole=self.projection is None)
        return item


class PutItem(Operation[Item | None], frozen=True):
    """Stores a whole item: the old item where *return_old* is set, else None.

    Attributes:
        text: The item as JSON, where that is known; no part of what is asked for, and not compared.
    """

    name: ClassVar[str] = "PutItem"
    is_write: ClassVar[bool] = True
    unshown = frozenset({"item", "text"})

    table: str
    item: Item
    condition: Condition | None = None
    return_old: bool = False
    key_wires: frozenset[str] = frozenset()
    text: ItemText | None = None

    def _asked(self) -> tuple[Any, ...]:
        return self.table, self.item, self.condition, self.return_old, self.key_wires

    def __eq__(self, other: object) -> bool:
        return self._asked() == other._asked() if isinstance(other, PutItem) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # it holds a dict

    @property
    def key(self) -> Item:
        """Return the key attributes."""
        return {name: self.item[name] for name in self.key_wires if name in self.item}

    @property
    def subject(self) -> tuple[str, Any]:
        return self.table, self.key

    @property
    def resend(self) -> Resend:
        conclusive = self.condition is None and not self.return_old
        return Resend.SAFE if conclusive else Resend.CHECKED

    def members(self) -> dict[str, Any]:
        """Return what a transaction also sends."""
        members: dict[str, Any] = {"TableName": self.table, "Item": on_wire(self.item, self.text)}
        if self.condition is not None:
            placeholders = Placeholders()
            add_condition(members, placeholders, self.condition)
            placeholders.add_to(members)
        return members

    def payload(self) -> bytes:
        members = self.members()
        if self.return_old:
            members["ReturnValues"] = "ALL_OLD"
        return encode_payload(members)

    def parse(self, body: bytes) -> Item | None:
        item = read_attributes(body)
        if item is not None:
            check_key(item, self.key)
        return item

    def is_settled(self, result: Item | None) -> bool:
        # What a repeat finds in its place may be what the first attempt has put there.
        return not self.return_old or result is None or not equal({"M": result}, {"M": self.item})


class UpdateItem(Reading[Item | None], frozen=True):
    """Changes some attributes, creating the item if it is absent; what *returns* asks for."""

    name: ClassVar[str] = "UpdateItem"
    is_write: ClassVar[bool] = True

    table: str
    key: Item
    update: Update
    condition: Condition | None = None
    returns: ReturnValues = "NONE"

    @property
    def subject(self) -> tuple[str, Any]:
        return self.table, self.key

    @property
    def resend(self) -> Resend:
        if not self.update.can_repeat or _moves_elements(self.update):
            return Resend.NEVER
        conclusive = self.condition is None and self.returns not in _OLD_VALUES
        return Resend.SAFE if conclusive else Resend.CHECKED

    def members(self) -> dict[str, Any]:
        """Return what a transaction also sends."""
        members: dict[str, Any] = {"TableName": self.table, "Key": self.key}
        placeholders = Placeholders()
        if not self.update.is_empty:
            members["UpdateExpression"] = placeholders.update(self.update)
        add_condition(members, placeholders, self.condition)
        placeholders.add_to(members)
        return members

    def payload(self) -> bytes:
        members = self.members()
        if self.returns != "NONE":
            members["ReturnValues"] = self.returns
        return encode_payload(members)

    def parse(self, body: bytes) -> Item | None:
        item = read_attributes(body, self.reader)
        check_key(item, self.key, is_whole=self.returns in _WHOLE)
        return item

    def is_settled(self, result: Item | None) -> bool:
        # The old values that a repeat finds may be the new ones of the first attempt.
        return self.returns not in _OLD_VALUES


def _moves_elements(update: Update) -> bool:
    """Tell whether an element of a list is removed or set: a repeat removes or appends another."""
    paths = [clause.path for clause in update.sets] + [clause.path for clause in update.removes]
    return any(isinstance(path.steps[-1], int) for path in paths)


class DeleteItem(Operation[Item | None], frozen=True):
    """Deletes one item: the old item where *return_old* is set and there was one, else None."""

    name: ClassVar[str] = "DeleteItem"
    is_write: ClassVar[bool] = True

    table: str
    key: Item
    condition: Condition | None = None
    return_old: bool = False

    @property
    def subject(self) -> tuple[str, Any]:
        return self.table, self.key

    @property
    def resend(self) -> Resend:
        conclusive = self.condition is None and not self.return_old
        return Resend.SAFE if conclusive else Resend.CHECKED

    def members(self) -> dict[str, Any]:
        """Return what a transaction also sends."""
        members: dict[str, Any] = {"TableName": self.table, "Key": self.key}
        placeholders = Placeholders()
        add_condition(members, placeholders, self.condition)
        placeholders.add_to(members)
        return members

    def payload(self) -> bytes:
        members = self.members()
        if self.return_old:
            members["ReturnValues"] = "ALL_OLD"
        return encode_payload(members)

    def parse(self, body: bytes) -> Item | None:
        item = read_attributes(body)
        check_key(item, self.key)
        return item

    def is_settled(self, result: Item | None) -> bool:
        # A repeat that finds nothing may have been preceded by our own deletion.
        return result is not None or not self.return_old
