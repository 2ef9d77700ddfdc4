"""From items to records: whole ones, or partial ones where only some fields were read."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from functools import partial
from typing import Any, Generic, TypeVar

import msgspec

from ..codec.records import RecordCodec
from ..codec.values import Invalid, Item
from ..errors import DecodeError, ItemNotFound, MultipleItemsFound
from ..flows.saving import at_home
from ..record import DynamoRecord
from ..schema import TableSchema

__all__ = ["Page", "decode_error", "decoder", "only_one"]

Record = TypeVar("Record", bound=DynamoRecord)


class Page(msgspec.Struct, Generic[Record], frozen=True):
    """Some results, and where the next ones begin.

    Attributes:
        items: The records.
        cursor: Opaque text for ``page(after=...)``; None when nothing follows.
    """

    items: list[Record]
    cursor: str | None


def decoder(
    schema: TableSchema, table: str, wires: Collection[str] | None = None
) -> Callable[[Iterable[Item]], Iterator[Any]]:
    """Return the function from items to records.

    It raises DecodeError, naming the key, where an item cannot become a record.

    Args:
        schema: Of the table.
        table: Its name with the prefix.
        wires: The attributes that were asked for; None for all.
    """
    codec = schema.codec
    decode: Callable[..., Any] = codec.decode
    if wires is not None and not codec.options.schemaless:
        names = frozenset(field.name for field in codec.fields if field.wire in wires)
        decode = partial(_decode_partial, codec, names)

    def decode_or_explain(items: Iterable[Item]) -> Iterator[Any]:
        for item in items:
            try:
                record = decode(item, table)
            except Invalid as invalid:
                raise decode_error(schema, item, invalid) from None
            yield record

    return decode_or_explain


def _decode_partial(codec: RecordCodec, names: frozenset[str], item: Item, table: str) -> Any:
    return at_home(codec.decode_partial(item, names), table)


def only_one(results: Iterable[Record], table_name: str, where: str) -> Record:
    """Return the only one of the results of a query.

    Raises:
        ItemNotFound: There is none.
        MultipleItemsFound: There are more.
    """
    found = list(results)
    if not found:
        error = ItemNotFound(table_name, None)
        error.args = (f"{where}: no record found",)
        raise error
    if len(found) > 1:
        raise MultipleItemsFound(f"{where}: more than one record found")
    return found[0]


def decode_error(schema: TableSchema, item: Item, invalid: Invalid) -> DecodeError:
    """Return the error for an item that its class cannot read, naming its key."""
    name = schema.codec.record_class.__name__
    try:
        subject = f"{name} {schema.user_key(item)!r}"
    except (Invalid, KeyError):
        subject = name
    return DecodeError(subject, invalid.problems)
