"""Items and keys held against the definition of their table."""

from __future__ import annotations

from binascii import a2b_base64
from collections.abc import Collection, Iterable, Mapping

from ..codec.sizes import MAX_HASH_KEY_BYTES, MAX_RANGE_KEY_BYTES
from ..codec.values import AttributeValue, Item
from ..expressions import tree
from .definitions import Index, KeyPart, Table
from .errors import ApiError, invalid, invalid_parameter
from .values import type_of

__all__ = [
    "check_index_keys",
    "check_item",
    "check_key",
    "check_key_values",
    "check_literals",
    "check_not_empty",
    "check_paths",
    "check_updated_index_keys",
    "has_usual_keys",
    "mismatch",
]

_KINDS = {"S": "string", "B": "binary"}


#: So many characters, of up to four bytes each, any key may have.
_SHORT = MAX_RANGE_KEY_BYTES // 4


def mismatch() -> ApiError:
    """Return the error for a key that is not the table's."""
    return invalid("The provided key element does not match the schema")


def check_key(table: Table, key: Item) -> None:
    """Check the key of a request.

    Raises:
        ApiError: It has other attributes or types than the table's, or a value no key can have.
    """
    parts = table.keys.parts
    if len(key) != len(parts):
        raise mismatch()
    if has_usual_keys(table, key):
        return
    for part in parts:
        value = key.get(part.name)
        if value is None or part.type not in value:
            raise mismatch()
    check_key_values(parts, key)
    _check_sizes(table, key)


def check_item(table: Table, item: Item) -> None:
    """Check the keys of a whole item, those of indexes too.

    Raises:
        ApiError: A key is missing, has another type, or a value no key can have.
    """
    if not has_usual_keys(table, item):
        _check_keys(table, item)
    if table.indexes:
        check_index_keys(table, item)


def has_usual_keys(table: Table, item: Item) -> bool:
    """Tell whether the keys of the table are there, of their types, not empty and short: most are."""
    for name, type in table.keys.named:
        value = item.get(name)
        held = None if value is None else value.get(type)
        if not held or len(held) > _SHORT:
            return False
    return True


def _check_keys(table: Table, item: Item) -> None:
    for part in table.keys.parts:
        value = item.get(part.name)
        if value is None:
            raise invalid_parameter(f"Missing the key {part.name} in the item")
        if part.type not in value:
            raise invalid_parameter(
                f"Type mismatch for key {part.name} expected: {part.type} actual: {type_of(value)}"
            )
    check_key_values(table.keys.parts, item)
    _check_sizes(table, item)


def check_not_empty(table: Table, item: Item) -> None:
    """Check that the keys that an item has, those of indexes too, are not empty; nothing else about them.

    Raises:
        ApiError: One is.
    """
    for part in table.keys.parts:
        if part.type in item.get(part.name, ()):
            _check_key_value(part, item[part.name])
    for index in _by_name(table):
        for part in index.keys.parts:
            if part.type in item.get(part.name, ()):
                _check_index_value(index, part, item[part.name])


def check_key_values(parts: Iterable[KeyPart], item: Item) -> None:
    """Check that key attributes are not empty.

    Raises:
        ApiError: One is.
    """
    for part in parts:
        _check_key_value(part, item[part.name])


def _check_key_value(part: KeyPart, value: AttributeValue) -> None:
    if part.type != "N" and not value[part.type]:
        raise invalid(
            "One or more parameter values are not valid. The AttributeValue for a key attribute "
            f"cannot contain an empty {_KINDS[part.type]} value. Key: {part.name}"
        )


def _check_sizes(table: Table, item: Item) -> None:
    for part in table.keys.hash:
        if _size(part, item) > MAX_HASH_KEY_BYTES:
            raise invalid_parameter("Size of hashkey has exceeded the maximum size limit of2048 bytes")
    for part in table.keys.range:
        if _size(part, item) > MAX_RANGE_KEY_BYTES:
            raise invalid_parameter(
                "Aggregated size of all range keys has exceeded the size limit of 1024 bytes"
            )


def _size(part: KeyPart, item: Item) -> int:
    """Return the bytes of a key value; numbers are never too long."""
    if part.type == "N":
        return 0
    held = item[part.name][part.type]
    return len(held.encode()) if part.type == "S" else len(a2b_base64(held))


# --- indexes ------------------------------------------------------------------------------


def check_paths(table: Table, paths: Iterable[tree.Path]) -> None:
    """Check that no path leads into a key: keys are no maps or lists.

    Raises:
        ApiError: One does.
    """
    for path in paths:
        name = path.steps[0]
        if len(path.steps) > 1 and name in table.types:
            kind = "Key" if name in table.keys.names else "IndexKey"
            raise invalid(
                "Key attributes must be scalars; list random access '[]' and map lookup '.' "
                f"are not allowed: {kind}: {name}"
            )


def check_index_keys(table: Table, item: Item) -> None:
    """Check the attributes of an item that are keys of indexes; absent ones are fine.

    Raises:
        ApiError: One has another type than declared, or a value no key can have.
    """
    try:
        _check_index_keys(table.indexes.values(), item)
    except ApiError:
        _check_index_keys(_by_name(table), item)


def _by_name(table: Table) -> list[Index]:
    """Return the indexes in the order in which AWS names them, local and global ones together.

    Source: indexKeyValues.test.ts of the Parity Suite (four regions, 2026).
    """
    return [index for _, index in sorted(table.indexes.items())]


def _check_index_keys(indexes: Iterable[Index], item: Item) -> None:
    for index in indexes:
        for part in index.keys.parts:
            value = item.get(part.name)
            if value is None:
                continue
            if part.type not in value:
                raise _index_mismatch(index, part, value)
            _check_index_value(index, part, value)
            _check_index_size(index, part, item)


def _index_mismatch(index: Index, part: KeyPart, value: AttributeValue) -> ApiError:
    return invalid_parameter(
        f"Type mismatch for Index Key {part.name} Expected: {part.type} "
        f"Actual: {type_of(value)} IndexName: {index.name}"
    )


def _check_index_value(index: Index, part: KeyPart, value: AttributeValue) -> None:
    if part.type != "N" and not value[part.type]:
        raise invalid(
            "One or more parameter values are not valid. A value specified for a secondary index "
            "key is not supported. The AttributeValue for a key attribute cannot contain an empty "
            f"{_KINDS[part.type]} value. IndexName: {index.name}, IndexKey: {part.name}"
        )


def _check_index_size(index: Index, part: KeyPart, item: Item) -> None:
    is_hash = part in index.keys.hash
    if _size(part, item) > (MAX_HASH_KEY_BYTES if is_hash else MAX_RANGE_KEY_BYTES):
        if is_hash:
            raise invalid_parameter("Size of hashkey has exceeded the maximum size limit of2048 bytes")
        raise invalid_parameter("Aggregated size of all range keys has exceeded the size limit of 1024 bytes")


def check_updated_index_keys(table: Table, item: Item, literals: Collection[str]) -> None:
    """Check the keys of indexes in an item that an update has made.

    Args:
        literals: The attributes that were set to values of the request itself.

    Raises:
        ApiError: As ``check_index_keys``, in the words of updates.
    """
    try:
        _check_updated(table.indexes.values(), item, literals)
    except ApiError:
        _check_updated(_by_name(table), item, literals)


def check_literals(table: Table, literals: Mapping[str, AttributeValue]) -> None:
    """Check what an update sets keys of indexes to, as far as its request says it.

    Raises:
        ApiError: It is empty.
    """
    for index in _by_name(table):
        for part in index.keys.parts:
            value = literals.get(part.name)
            if value is not None and part.type != "N" and value.get(part.type) == "":
                raise _empty_update(part)


def _empty_update(part: KeyPart) -> ApiError:
    return invalid(
        "One or more parameter values are not valid. The update expression attempted to update "
        "a secondary index key to a value that is not supported. The AttributeValue for a key "
        f"attribute cannot contain an empty {_KINDS[part.type]} value."
    )


def _check_updated(indexes: Iterable[Index], item: Item, literals: Collection[str]) -> None:
    for index in indexes:
        for part in index.keys.parts:
            value = item.get(part.name)
            if value is None:
                continue
            if part.type not in value:
                if part.name in literals:
                    raise _index_mismatch(index, part, value)
                raise invalid(
                    "The update expression attempted to update the secondary index key to unsupported type"
                )
            if part.type != "N" and not value[part.type]:
                raise _empty_update(part)
            _check_index_size(index, part, item)
