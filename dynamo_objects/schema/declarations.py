"""What users write to declare keys and indexes: frozen values, checked at once.

AWS calls the hash key *partition key* and the range key *sort key*.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import attrs

from ..errors import DynamoSchemaException

__all__ = [
    "GlobalIndex",
    "HashKey",
    "Index",
    "LocalIndex",
    "RangeKey",
    "Throughput",
    "check_name",
    "throughput",
]

#: Names of tables and indexes (Developer Guide, "Naming rules").
_NAME = re.compile(r"[A-Za-z0-9_.-]{3,255}", re.ASCII)

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


@attrs.frozen
class HashKey:
    """The field that says in which partition an item lies.

    Args:
        name: Name of the field.
        data_type: ``S``, ``N`` or ``B``; only needed where the record class has no such field.
    """

    name: str
    data_type: _KeyType | None = None


@attrs.frozen
class RangeKey:
    """The field that orders the items of one hash key.

    Args:
        name: Name of the field.
        data_type: As for HashKey.
    """

    name: str
    data_type: _KeyType | None = None


@attrs.frozen
class Throughput:
    """Provisioned read and write units per second."""

    read: int
    write: int


def throughput(given: Any, where: str) -> Throughput | None:
    """Return a throughput from ``{"read": 3, "write": 3}``, a Throughput or None.

    Raises:
        DynamoSchemaException: It is none of these.
    """
    if given is None or isinstance(given, Throughput):
        found = given
    elif isinstance(given, Mapping) and given.keys() == {"read", "write"}:
        found = Throughput(given["read"], given["write"])
    else:
        raise DynamoSchemaException(f"{where}: throughput is {{'read': 3, 'write': 3}}, say")
    for units in () if found is None else (found.read, found.write):
        if isinstance(units, bool) or not isinstance(units, int) or units < 1:
            raise DynamoSchemaException(f"{where}: throughput counts whole units from 1")
    return found


def _parts(parts: Any) -> tuple[HashKey | RangeKey, ...]:
    if isinstance(parts, HashKey | RangeKey):
        return (parts,)
    if not isinstance(parts, Sequence) or not all(isinstance(p, HashKey | RangeKey) for p in parts):
        raise DynamoSchemaException("keys are [HashKey(...)] or [HashKey(...), RangeKey(...)]")
    return tuple(parts)


def _projection(given: Any) -> str | tuple[str, ...]:
    if given in ("ALL", "KEYS_ONLY"):
        return str(given)
    if isinstance(given, str) or not isinstance(given, Sequence):
        raise DynamoSchemaException("projection is 'ALL', 'KEYS_ONLY' or a list of field names")
    return tuple(given)


@attrs.frozen
class Index:
    """What global and local indexes have in common.

    Attributes:
        name: Name of the index.
        parts: Its keys.
        projection: ``ALL``, ``KEYS_ONLY`` or the names of the fields it holds besides keys.
    """

    name: str
    parts: tuple[HashKey | RangeKey, ...] = attrs.field(converter=_parts)
    projection: str | tuple[str, ...] = attrs.field(default="ALL", converter=_projection, kw_only=True)

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

    throughput: Throughput | None = attrs.field(
        default=None, converter=lambda given: throughput(given, "index"), kw_only=True
    )


@attrs.frozen
class LocalIndex(Index):
    """An index with the table's hash key and a range key of its own.

    Args:
        name: Name of the index.
        parts: ``[RangeKey(...)]``; the table's hash key may stand before it.
        projection: As in Index.
    """
