"""What all operations have in common, and how replies are read.

A reply must look like DynamoDB's: what lacks the members that its operation always sends
is an error, never an empty result.
"""

from __future__ import annotations

import math
from enum import Enum
from typing import Any, ClassVar, Generic, TypeVar

import msgspec

from ..codec.structs import Quiet
from ..codec.typed import PLAIN_ITEMS, ItemReader, TypedItem, make_decoder
from ..codec.values import Item
from ..errors import NotDynamoDBReply
from ..expressions.evaluate import equal
from ..expressions.render import Placeholders
from ..expressions.tree import Condition, Path

__all__ = [
    "ItemText",
    "ItemType",
    "Operation",
    "Reading",
    "Resend",
    "add_condition",
    "add_projection",
    "check_key",
    "encode_payload",
    "on_wire",
    "read_attributes",
    "read_item",
    "read_items",
    "read_reply",
]

Result = TypeVar("Result")


class Resend(Enum):
    """Whether a request may be sent again after its reply was lost."""

    #: Applied twice is the same as once.
    SAFE = "safe"
    #: The same, but a repeat that fails its condition or finds nothing proves nothing.
    CHECKED = "checked"
    #: Would count twice.
    NEVER = "never"


class Operation(Quiet, Generic[Result], frozen=True):
    """One request to DynamoDB and how to read its reply.

    Attributes:
        name: DynamoDB's name of the operation.
        is_write: Whether it changes anything.
        retries_limit: Whether LimitExceededException may pass by itself (table operations).
        resend_seconds: How long a repeat counts as the same request.
    """

    name: ClassVar[str]
    is_write: ClassVar[bool] = False
    retries_limit: ClassVar[bool] = False
    resend_seconds: ClassVar[float] = math.inf

    @property
    def resend(self) -> Resend:
        """Return whether it may be sent again after its reply was lost."""
        return Resend.SAFE

    @property
    def subject(self) -> tuple[str, Any]:
        """Return table and key for messages."""
        return "", None

    def payload(self) -> bytes:
        """Return the body of the request."""
        raise TypeError(f"{type(self).__name__} has no payload")

    def parse(self, body: bytes) -> Result:
        """Return the result in the body of a good reply.

        Raises:
            NotDynamoDBReply: The body is not what DynamoDB answers.
        """
        raise TypeError(f"{type(self).__name__} has no reply")

    def is_settled(self, result: Result) -> bool:
        """Tell whether *result* is conclusive even if an earlier reply was lost."""
        return True


class Reading(Operation[Result], frozen=True, kw_only=True):
    """An operation that reads items.

    Attributes:
        reader: Reads the reply; how that is done is no part of what is asked for, and is not compared.
    """

    unshown = frozenset({"reader"})

    reader: ItemReader = PLAIN_ITEMS

    def _asked(self) -> tuple[Any, ...]:
        return tuple(getattr(self, name) for name in self.__struct_fields__ if name != "reader")

    def __eq__(self, other: object) -> bool:
        return self._asked() == other._asked() if type(other) is type(self) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._asked())


def encode_payload(members: dict[str, Any]) -> bytes:
    """Return the JSON of a request, without the members that are None."""
    if None in members.values():
        members = {name: value for name, value in members.items() if value is not None}
    return msgspec.json.encode(members)


def add_condition(members: dict[str, Any], placeholders: Placeholders, condition: Condition | None) -> None:
    """Add a write's condition, which sends the stored item back when it fails."""
    if condition is not None:
        members["ConditionExpression"] = placeholders.condition(condition)
        members["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"


def add_projection(
    members: dict[str, Any], placeholders: Placeholders, projection: tuple[Path, ...] | None
) -> None:
    """Add a read's projection."""
    if projection is not None:
        members["ProjectionExpression"] = placeholders.projection(projection)


class ItemText(msgspec.Struct, frozen=True, eq=False):
    """An item with its JSON, which was needed to know its size.

    Attributes:
        item: The item; the JSON holds for this very object.
        json: Its JSON.
    """

    item: Item
    json: bytes


def on_wire(item: Item, text: ItemText | None) -> Any:
    """Return what stands for an item in a request: its JSON, where that is known."""
    return item if text is None or text.item is not item else msgspec.Raw(text.json)


ReplyType = TypeVar("ReplyType")


def read_reply(body: bytes, kind: type[ReplyType]) -> ReplyType:
    """Return the reply as *kind*.

    Raises:
        NotDynamoDBReply: The body is not JSON, or lacks required members.
    """
    try:
        reply: ReplyType = _decoder(kind).decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise NotDynamoDBReply(_reason(error)) from None
    return reply


#: What items are read as: ``Item``, or typed items (see ``codec.typed``).
ItemType = TypeVar("ItemType")


class _ItemReply(msgspec.Struct, Generic[ItemType], forbid_unknown_fields=True):
    Item: ItemType | msgspec.UnsetType = msgspec.UNSET
    ConsumedCapacity: Any = None


class _AttributesReply(msgspec.Struct, Generic[ItemType], forbid_unknown_fields=True):
    Attributes: ItemType | msgspec.UnsetType = msgspec.UNSET
    ConsumedCapacity: Any = None
    ItemCollectionMetrics: Any = None


def read_items(body: bytes, reply: Any, reader: ItemReader) -> Any:
    """Return a reply with items: of the reader's type if they all are just so, else as attribute values.

    Args:
        reply: The type of the reply, generic in that of its items.

    Raises:
        NotDynamoDBReply: The body is not JSON, or lacks required members.
    """
    if reader is not PLAIN_ITEMS:
        try:
            return reader.read(reply, body)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
            pass  # an attribute that the class does not have, or of another type
    try:
        return PLAIN_ITEMS.read(reply, body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise NotDynamoDBReply(_reason(error)) from None


def read_item(body: bytes, reader: ItemReader) -> Item | None:
    """Return the item in the reply of a read, or None where there is none.

    The reply that finds nothing is ``{}``. One with other members than DynamoDB's is no
    proof of absence.

    Raises:
        NotDynamoDBReply: Members that DynamoDB does not send, or an item that is none.
    """
    item: Item | msgspec.UnsetType = read_items(body, _ItemReply, reader).Item
    return None if item is msgspec.UNSET else item


def read_attributes(body: bytes, reader: ItemReader = PLAIN_ITEMS) -> Item | None:
    """Return the attributes in the reply of a write, or None where it has none.

    Raises:
        NotDynamoDBReply: Members that DynamoDB does not send, or attributes that are none.
    """
    if body == b"{}":
        return None
    attributes: Item | msgspec.UnsetType = read_items(body, _AttributesReply, reader).Attributes
    return None if attributes is msgspec.UNSET else attributes


def check_key(item: Item | None, key: Item, *, is_whole: bool = True) -> None:
    """Check that an item in a reply is the one that was asked for.

    Args:
        is_whole: Whether the key must be there: not after a projection, for one.

    Raises:
        NotDynamoDBReply: It has another key: the reply belongs to another request.
    """
    if item is None or (isinstance(item, TypedItem) and item.has(key)):
        return
    for name, wanted in key.items():
        found = item.get(name)
        if found is None:
            if is_whole:
                raise NotDynamoDBReply("an item without its key")
        elif found != wanted and not _is_same(found, wanted):
            raise NotDynamoDBReply("the item of another key")


def _is_same(left: Any, right: Any) -> bool:
    """Tell whether two spellings stand for the same key; a reply may hold anything."""
    try:
        return equal(left, right)
    except (ArithmeticError, ValueError, TypeError, AttributeError):
        return False


_DECODERS: dict[Any, Any] = {}


def _decoder(kind: Any) -> Any:
    decoder = _DECODERS.get(kind)
    if decoder is None:
        decoder = _DECODERS[kind] = make_decoder(lambda: kind)
    return decoder


def _reason(error: Exception) -> str:
    """Return what is wrong, never what was in the body."""
    if isinstance(error, msgspec.ValidationError):
        return "the body is not what the operation answers"
    return "the body is not JSON"
