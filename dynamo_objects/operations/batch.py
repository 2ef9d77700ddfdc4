"""BatchGetItem and BatchWriteItem: bundles that may be carried out in part."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from decimal import Decimal
from typing import Any, ClassVar, Generic

import msgspec

from ..codec.structs import Quiet
from ..codec.typed import TypedItem
from ..codec.values import AttributeValue, Item
from ..errors import NotDynamoDBReply
from ..expressions.render import Placeholders
from ..expressions.tree import Path
from .base import (
    ItemType,
    Operation,
    Reading,
    add_projection,
    encode_payload,
    read_items,
    read_reply,
)

__all__ = [
    "MAX_READS",
    "MAX_REQUEST_BYTES",
    "MAX_WRITES",
    "BatchGetItem",
    "BatchRead",
    "BatchWriteItem",
    "Write",
    "key_identity",
    "put_text",
]

#: Items in one request (API reference, BatchGetItem and BatchWriteItem).
MAX_READS = 100
MAX_WRITES = 25
#: Bytes in one request (same source).
MAX_REQUEST_BYTES = 16 * 1024 * 1024


#: A member called Item hides the type of that name in its class.
_AnItem = Item


def key_identity(key: Item) -> tuple[Any, ...]:
    """Return what two spellings of one key have in common: numbers by value."""
    return tuple([_part(key[name]) for name in sorted(key)])


def _part(value: AttributeValue) -> Any:
    """Return a text as it is, which no other type has, numbers as decimals."""
    ((tag, text),) = value.items()
    if tag == "S":
        return text
    return Decimal(text) if tag == "N" else (tag, text)


def _identity_in_reply(key: Item) -> tuple[Any, ...]:
    try:
        return key_identity(key)
    except (ArithmeticError, TypeError, ValueError):
        raise NotDynamoDBReply("a key that is none") from None


def _identities(keys: Sequence[Item], wires: Sequence[str], are_texts: bool) -> list[tuple[Any, ...]]:
    """Return what the keys are known by in replies: their values in the order of *wires*, numbers by value."""
    if are_texts:
        with suppress(KeyError):
            if len(wires) == 1:
                (only,) = wires
                return [(key[only]["S"],) for key in keys]
            first, second = wires
            return [(key[first]["S"], key[second]["S"]) for key in keys]
    return [tuple([_part(key[wire]) for wire in wires]) for key in keys]


def _identity_of(item: Item, wires: Sequence[str]) -> tuple[Any, ...]:
    """Return the identity of an item's key in a reply."""
    try:
        return tuple([_part(item[wire]) for wire in wires])
    except KeyError:
        raise NotDynamoDBReply("an item without its key") from None
    except (ArithmeticError, TypeError, ValueError):
        raise NotDynamoDBReply("a key that is none") from None


class BatchRead(Quiet, frozen=True):
    """The answer to a BatchGetItem.

    Attributes:
        refs: What the keys of those that exist are known by.
        items: Their items, in the same order.
        absent: What the keys are known by of which the reply says that there is no item.
        unprocessed: Keys that were not read at all: ask again.
    """

    unshown = frozenset({"items"})

    refs: list[Any]
    items: list[Item]
    absent: list[Any]
    unprocessed: list[Item]


class _Keys(msgspec.Struct):
    Keys: list[Item]


class _BatchGetReply(msgspec.Struct, Generic[ItemType]):
    Responses: dict[str, list[ItemType]]
    UnprocessedKeys: dict[str, _Keys]


class BatchGetItem(Reading[BatchRead], frozen=True):
    """Reads up to 100 items of one table by their keys.

    Attributes:
        keys: The key attributes of each.
        refs: What the caller knows the keys by; None: the keys themselves.
        are_texts: Whether each of these is the tuple of the texts in its key, which saves work.
    """

    name: ClassVar[str] = "BatchGetItem"

    table: str
    keys: Sequence[Item]
    consistent: bool = False
    projection: tuple[Path, ...] | None = None
    refs: Sequence[Any] | None = None
    are_texts: bool = False

    @property
    def subject(self) -> tuple[str, Any]:
        return self.table, None

    def payload(self) -> bytes:
        request: dict[str, Any] = {"Keys": list(self.keys)}
        if self.consistent:
            request["ConsistentRead"] = True
        if self.projection is not None:
            placeholders = Placeholders()
            add_projection(request, placeholders, self.projection)
            placeholders.add_to(request)
        return encode_payload({"RequestItems": {self.table: request}})

    def only(self, keys: Sequence[Item]) -> BatchGetItem:
        """Return the request for some of its keys, the very same objects."""
        if self.refs is None:
            return msgspec.structs.replace(self, keys=keys)
        refs = {id(key): ref for key, ref in zip(self.keys, self.refs, strict=True)}
        return msgspec.structs.replace(self, keys=keys, refs=[refs[id(key)] for key in keys])

    def parse(self, body: bytes) -> BatchRead:
        reply = read_items(body, _BatchGetReply, self.reader)
        if (reply.Responses.keys() | reply.UnprocessedKeys.keys()) - {self.table}:
            raise NotDynamoDBReply("items of a table that was not asked for")
        unprocessed = reply.UnprocessedKeys.get(self.table)
        return self._read(
            reply.Responses.get(self.table, []), [] if unprocessed is None else unprocessed.Keys
        )

    def _read(self, items: list[Item], unprocessed: list[Item]) -> BatchRead:
        """Tell the keys apart; absent is what a reply leaves out that has nothing foreign in it."""
        first = self.keys[0]
        wires = tuple(first.places if isinstance(first, TypedItem) else first)
        texts = self.reader.texts(wires)
        found = _identities_of(items, wires, texts)
        refs = self.keys if self.refs is None else self.refs
        is_known = texts is not None and self.are_texts
        asked = refs if is_known else _identities(self.keys, wires, texts is not None)
        seen = set(found)
        if len(seen) < len(found) or not seen <= set(asked):
            raise NotDynamoDBReply("an item that was not asked for")
        if is_known:
            known = found
        else:
            by_identity = dict(zip(asked, refs, strict=True))
            known = [by_identity[identity] for identity in found]
        if len(seen) == len(asked) and not unprocessed:
            return BatchRead(known, items, [], [])
        keys = {i: key for i, key in zip(asked, self.keys, strict=True) if i not in seen}
        left = []
        for spelling in unprocessed:
            key = keys.pop(_identity_of(spelling, wires), None)
            if key is None:
                raise NotDynamoDBReply("an unprocessed key that was not asked for")
            left.append(key)
        return BatchRead(known, items, [r for i, r in zip(asked, refs, strict=True) if i in keys], left)


def _identities_of(items: list[Item], wires: Sequence[str], texts: Any) -> list[Any]:
    """Return the identities of the keys of a reply's items, which are all typed or none."""
    if texts is None or not items or type(items[0]) is dict:
        return [_identity_of(item, wires) for item in items]
    try:
        found: list[Any] = texts(items)
        return found
    except AttributeError:
        raise NotDynamoDBReply("an item without its key") from None


class Write(Quiet, frozen=True, eq=False):
    """One put or deletion in a batch.

    Attributes:
        table: Name of the table, with its prefix.
        key: The key attributes.
        item: The whole item to put; None to delete.
        ref: Whatever the caller wants to find again.
        text: The write as the request has it, where that is known already; see `put_text`.
    """

    unshown = frozenset({"item", "ref", "text"})

    table: str
    key: Item
    item: Item | None = None
    ref: Any = None
    text: bytes | None = None

    @property
    def request(self) -> bytes:
        """Return the write as the request has it."""
        if self.text is not None:
            return self.text
        if self.item is None:
            return b'{"DeleteRequest":{"Key":%b}}' % msgspec.json.encode(self.key)
        return put_text(self.item)

    @property
    def identity(self) -> tuple[Any, ...]:
        """Return what no two writes of one batch may share."""
        return (self.table, key_identity(self.key))


class _Put(msgspec.Struct, gc=False):
    Item: _AnItem


class _Delete(msgspec.Struct):
    Key: _AnItem


class _WriteRequest(msgspec.Struct, gc=False, omit_defaults=True):
    PutRequest: _Put | None = None
    DeleteRequest: _Delete | None = None


_write_json = msgspec.json.Encoder().encode


def put_text(item: Item) -> bytes:
    """Return the put of an item as the request has it."""
    return _write_json(_WriteRequest(_Put(item)))


class _BatchWriteReply(msgspec.Struct):
    UnprocessedItems: dict[str, list[_WriteRequest]]


class BatchWriteItem(Operation[list[Write]], frozen=True):
    """Puts and deletes up to 25 items: the writes that were not carried out."""

    name: ClassVar[str] = "BatchWriteItem"
    is_write: ClassVar[bool] = True

    writes: Sequence[Write]

    @property
    def subject(self) -> tuple[str, Any]:
        return ", ".join(sorted({write.table for write in self.writes})), None

    def payload(self) -> bytes:
        requests: dict[str, list[bytes]] = {}
        for write in self.writes:
            requests.setdefault(write.table, []).append(write.text or write.request)
        tables = [b"%b:[%b]" % (msgspec.json.encode(t), b",".join(parts)) for t, parts in requests.items()]
        return b'{"RequestItems":{%b}}' % b",".join(tables)

    def parse(self, body: bytes) -> list[Write]:
        reply = read_reply(body, _BatchWriteReply)
        if not reply.UnprocessedItems:
            return []
        sent = {write.identity: write for write in self.writes}
        wires = {write.table: write.key.keys() for write in self.writes}
        unprocessed = []
        for table, requests in reply.UnprocessedItems.items():
            for request in requests:
                key = _key_in(request, wires.get(table, ()))
                write = sent.pop((table, _identity_in_reply(key)), None)
                if write is None:
                    raise NotDynamoDBReply("an unprocessed item that was not sent")
                unprocessed.append(write)
        return unprocessed


def _key_in(request: _WriteRequest, wires: Any) -> Item:
    if request.DeleteRequest is not None:
        return request.DeleteRequest.Key
    if request.PutRequest is None or wires - request.PutRequest.Item.keys():
        raise NotDynamoDBReply("an unprocessed item without its key")
    return {name: request.PutRequest.Item[name] for name in wires}
