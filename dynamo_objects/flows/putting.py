"""New records as plain puts: what most batches are made of, planned with as few steps as there can be.

Records that are not as usual in all are planned as any save is, see ``planning``.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import Any, TypeAlias

from ..codec.sizes import MAX_ITEM_BYTES
from ..codec.values import Item
from ..operations.batch import put_text
from ..schema import TableSchema

__all__ = ["Put", "put_planner"]

#: The key as a typed tuple, its attributes, the whole item, its put as the request has it, and the record's
#: immutable values.
Put: TypeAlias = tuple[tuple[Any, ...], Item, Item, bytes, tuple[Any, ...]]


def put_planner(schema: TableSchema) -> Callable[[Any], Put | None]:
    """Return the function that plans the put of a whole new record whose ``_check_data`` has run.

    It answers None where another way knows how, or what is wrong, and raises ValidationError where the item is
    too large, or a key of an index cannot be one.
    """
    codec = schema.codec
    if codec.version is not None:
        return lambda record: None
    record_class: Any = codec.record_class
    is_validated = bool(record_class.__dynamo_validated__)
    is_indexed = any(key.wire not in schema.key_wires for i in schema.indexes.values() for key in i.keys)
    encode, quick = codec.encode_typed, schema.quick_item
    names = [key.name for key in schema.keys]
    keys: Callable[[Any], Any] = attrgetter(*names)
    is_single = len(names) == 1

    def plan(record: Any) -> Put | None:
        if type(record) is not record_class or record._stored is not None:
            return None
        lookup = (keys(record),) if is_single else keys(record)
        key = quick(*lookup)
        if key is None or (is_validated and record._validator_problems()):
            return None
        encoded = encode(record)
        if encoded is None:
            return None
        item: Any = encoded[0]
        try:
            text = put_text(item)
        except UnicodeEncodeError:  # a lone surrogate
            return None
        if is_indexed or len(text) > MAX_ITEM_BYTES:  # an item is smaller than its JSON
            schema.check_item(item)
        return lookup, key, item, text, encoded[1]

    return plan
