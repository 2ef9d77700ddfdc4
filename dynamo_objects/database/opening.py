"""Whether a table is as its class declares it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from ..errors import DynamoSchemaException
from ..operations.table import IndexDescription, TableDescription
from ..schema import IndexSchema, KeyField, TableSchema

__all__ = ["OpenTable", "compare"]


class OpenTable(msgspec.Struct, frozen=True, eq=False):
    """A table that was found or created.

    Attributes:
        name: With the prefix.
        index_problems: Name of a declared index -> why it cannot be used.
    """

    name: str
    index_problems: Mapping[str, str] = msgspec.field(default_factory=dict)


def compare(schema: TableSchema, found: TableDescription) -> dict[str, str]:
    """Compare a declaration with the table; return what is wrong with its indexes, by their names.

    Raises:
        DynamoSchemaException: The keys differ.
    """
    if not _same_keys(schema.keys, found.keys, found.types):
        raise DynamoSchemaException(
            f"table {found.name} has the keys {_shown(found.keys, found.types)}, "
            f"but {_declared(schema.keys)} is declared"
        )
    problems = {name: _index_problem(index, found) for name, index in schema.indexes.items()}
    return {name: problem for name, problem in problems.items() if problem is not None}


def _index_problem(index: IndexSchema, table: TableDescription) -> str | None:
    found = table.indexes.get(index.name)
    if found is None:
        return f"table {table.name} has no index {index.name}: it was made without it"
    if not _same_keys(index.keys, found.keys, table.types):
        return (
            f"index {index.name} of {table.name} has the keys {_shown(found.keys, table.types)}, "
            f"but {_declared(index.keys)} is declared"
        )
    if not _holds_enough(index, found):
        return f"index {index.name} of {table.name} projects {found.projection}: less than declared"
    return None


def _holds_enough(declared: IndexSchema, found: IndexDescription) -> bool:
    if declared.projection == "KEYS_ONLY" or found.projection == "ALL":
        return True
    return declared.projection != "ALL" and found.projection == "INCLUDE"


def _same_keys(keys: Iterable[KeyField], found: Iterable[tuple[str, str]], types: Mapping[str, str]) -> bool:
    declared = [(key.wire, key.role, key.tag) for key in keys]
    return declared == [(wire, role, types.get(wire)) for wire, role in found]


def _shown(found: Iterable[tuple[str, str]], types: Mapping[str, str]) -> str:
    return ", ".join(f"{role} {wire} ({types.get(wire, '?')})" for wire, role in found)


def _declared(keys: Iterable[KeyField]) -> str:
    return ", ".join(f"{key.role} {key.wire} ({key.tag})" for key in keys)
