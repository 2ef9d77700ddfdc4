"""Updates from what users write: fields to put, to add to, to delete from, to remove."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..errors import QueryError
from . import tree
from .targets import Targets

__all__ = ["build_update"]

_SETS = frozenset({"SS", "NS", "BS"})


def build_update(
    targets: Targets,
    put: Mapping[str, Any],
    add: Mapping[str, Any],
    delete: Mapping[str, Any],
    remove: Iterable[str],
) -> tree.Update:
    """Return an update.

    Args:
        targets: Finds the fields.
        put: Field -> new value; an empty value that equals the default is removed.
        add: Field -> number to add, or members to add to a set.
        delete: Field -> members to take from a set.
        remove: Fields to remove.

    Raises:
        UnknownFieldError: There is no such field.
        ValidationError: A value does not fit its field.
        QueryError: The field is of a wrong kind, is named twice, or is required.
    """
    if isinstance(remove, str):
        raise QueryError("remove= takes several names: write remove=[name]")
    sets: list[tree.Set] = []
    removes: list[tree.Remove] = []
    for name, value in put.items():
        target = targets.find((name,), name)
        if target.is_left_out(value):
            removes.append(tree.Remove(target.path))
        else:
            sets.append(tree.Set(target.path, target.encode(value)))
    for name in remove:
        target = targets.find((name,), name)
        if target.field is not None and not target.field.has_literal:
            raise QueryError(f"{name} is required: without it the item cannot be read")
        removes.append(tree.Remove(target.path))
    adds = [_add(targets, name, value) for name, value in add.items()]
    deletes = [_delete(targets, name, value) for name, value in delete.items()]
    clauses: list[tree.Set | tree.Remove | tree.Add | tree.Delete] = [*sets, *removes, *adds, *deletes]
    if len(clauses) > 1 and len({clause.path for clause in clauses}) < len(clauses):
        raise QueryError("an update names a field twice")
    return tree.Update(tuple(sets), tuple(removes), tuple(adds), tuple(deletes))


def _add(targets: Targets, name: str, value: Any) -> tree.Add:
    target = targets.find((name,), name)
    encoded = target.encode(value)
    if not ({"N"} | _SETS) & encoded.value.keys():
        raise QueryError(f"add: {name} is not a number, or the set to add is empty")
    return tree.Add(target.path, encoded)


def _delete(targets: Targets, name: str, value: Any) -> tree.Delete:
    target = targets.find((name,), name)
    encoded = target.encode(value)
    if not _SETS & encoded.value.keys():
        raise QueryError(f"delete: {name} is not a set, or the set to delete is empty")
    return tree.Delete(target.path, encoded)
