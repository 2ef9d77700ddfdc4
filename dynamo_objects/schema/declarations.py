"""What users write to declare keys and indexes: frozen values, checked at once.

AWS calls the hash key *partition key* and the range key *sort key*.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias

import attrs
import msgspec

from ..errors import DynamoSchemaException

__all__ = [
    "GlobalIndex",
    "HashKey",
    "Index",
    "LocalIndex",
    "RangeKey",
    "Throughput",
    "check_name",
    "read_parts",
    "read_throughput",
]

#: Names of tables and indexes (Developer Guide, "Naming rules").
_NAME = re.compile(r"[A-Za-z0-9_.-]{3,255}", re.ASCII)

_KEY_TYPES = ("S", "N", "B")

_KeyType = Literal["S", "N", "B"]


def check_name(name: str, what: str) -> str:
    """Return a name that AWS allows for a table or index.

    Raises:
        DynamoSchemaException: It is not one.
    """
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise DynamoSchemaException(
            f"{what} name {name!r}: 3 to 255 of the characters a-z, A-Z, 0-9, '_', '-' and '.'"
        )
    return name


def _check_key(kind: str, name: Any, data_type: Any) -> None:
    if not isinstance(name, str) or not name:
        raise DynamoSchemaException(f"{kind} takes the name of a field, got {name!r}")
    if data_type is not None and data_type not in _KEY_TYPES:
        raise DynamoSchemaException(f"{kind}({name!r}): data_type is 'S', 'N' or 'B', got {data_type!r}")


class HashKey(msgspec.Struct, frozen=True):
    """The field that says in which partition an item lies.

    Args:
        name: Name of the field.
        data_type: ``S``, ``N`` or ``B``; only needed where the record class has no such field.
    """

    name: str
    data_type: _KeyType | None = None

    def __post_init__(self) -> None:
        _check_key(type(self).__name__, self.name, self.data_type)


class RangeKey(msgspec.Struct, frozen=True):
    """The field that orders the items of one hash key.

    Args:
        name: Name of the field.
        data_type: As for HashKey.
    """

    name: str
    data_type: _KeyType | None = None

    def __post_init__(self) -> None:
        _check_key(type(self).__name__, self.name, self.data_type)


KeyPart: TypeAlias = HashKey | RangeKey


class Throughput(msgspec.Struct, frozen=True):
    """Provisioned read and write units per second."""

    read: int
    write: int


def read_throughput(given: Any, where: str = "index") -> Throughput | None:
    """Return a throughput from ``{"read": 3, "write": 3}``, a Throughput or None.

    Raises:
        DynamoSchemaException: It is none of these.
    """
    if given is None:
        return None
    if isinstance(given, Throughput):
        found = given
    elif isinstance(given, Mapping) and given.keys() == {"read", "write"}:
        found = Throughput(given["read"], given["write"])
    else:
        raise DynamoSchemaException(f"{where}: throughput is {{'read': 3, 'write': 3}}, say")
    for units in (found.read, found.write):
        if isinstance(units, bool) or not isinstance(units, int) or units < 1:
            raise DynamoSchemaException(f"{where}: throughput counts whole units from 1")
    return found


def read_parts(parts: Any) -> tuple[KeyPart, ...]:
    """Return keys from ``[HashKey(...)]``, ``[HashKey(...), RangeKey(...)]`` or a key alone.

    Raises:
        DynamoSchemaException: It is none of these.
    """
    if isinstance(parts, KeyPart):
        return (parts,)
    if not isinstance(parts, Sequence) or not all(isinstance(part, KeyPart) for part in parts):
        raise DynamoSchemaException("keys are [HashKey(...)] or [HashKey(...), RangeKey(...)]")
    return tuple(parts)


def _read_projection(given: Any) -> str | tuple[str, ...]:
    if isinstance(given, str) and given in ("ALL", "KEYS_ONLY"):
        return given
    names = () if isinstance(given, str) or not isinstance(given, Sequence) else tuple(given)
    if not names or not all(isinstance(name, str) for name in names):
        raise DynamoSchemaException("projection is 'ALL', 'KEYS_ONLY' or a list of field names")
    return tuple(dict.fromkeys(names))


@attrs.frozen
class Index:
    """What global and local indexes have in common.

    Attributes:
        name: Name of the index.
        parts: Its keys.
        projection: ``ALL``, ``KEYS_ONLY`` or the names of the fields it holds besides keys.
    """

    name: str
    parts: tuple[KeyPart, ...] = attrs.field(converter=read_parts)
    projection: str | tuple[str, ...] = attrs.field(default="ALL", converter=_read_projection, kw_only=True)

    def __attrs_post_init__(self) -> None:
        check_name(self.name, "index")


@attrs.frozen
class GlobalIndex(Index):
    """An index with keys of its own, over all partitions; read eventually consistent.

    Args:
        name: Name of the index.
        parts: ``[HashKey(...)]`` or ``[HashKey(...), RangeKey(...)]``.
        throughput: As for tables; left out: as the table's.
        projection: As in Index.
    """

    throughput: Throughput | None = attrs.field(default=None, converter=read_throughput, kw_only=True)


class LocalIndex(Index):
    """An index with the table's hash key and a range key of its own.

    Args:
        name: Name of the index.
        parts: ``[RangeKey(...)]``; the table's hash key may stand before it.
        projection: As in Index.
    """

    __slots__ = ()  # it has the fields and methods of Index, and no need to be compiled again
