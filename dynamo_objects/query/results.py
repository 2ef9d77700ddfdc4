"""From items to records: whole ones, or partial ones where only some fields were read."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from functools import partial
from typing import Any, Generic, TypeVar

import msgspec

from ..codec.decoders import one_by_one
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
) -> Callable[[Sequence[Item]], Iterator[Any]]:
    """Return the function from the items of a page to their records; it uses the items up.

    It raises DecodeError, naming the key, where an item cannot become a record.

    Args:
        schema: Of the table.
        table: Its name with the prefix.
        wires: The attributes that were asked for; None for all.
    """
    codec = schema.codec
    refuse = partial(decode_error, schema)
    decode = codec.decode_page
    if wires is not None and not codec.options.schemaless:
        names = frozenset(field.name for field in codec.fields if field.wire in wires)
        decode = one_by_one(partial(_decode_partial, codec, names))
    return lambda items: decode(items, table, refuse)


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
