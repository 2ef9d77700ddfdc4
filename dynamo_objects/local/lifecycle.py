"""States of tables and indexes that take time, on request.

By default everything is ACTIVE at once, and only the reply to a change says CREATING, UPDATING
or DELETING, as AWS's does. With the option ``table_seconds`` a state lasts so long by the
options' clock: its end is kept with the definition, and whoever reads a definition asks
``settled`` what has become of it. Nothing runs in the background.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

import msgspec

from .definitions import Index, Table
from .errors import in_use

__all__ = ["UNTIL", "check_active", "entered", "is_changing", "settled", "without_times"]

#: The member of a description that keeps when a state ends; not among what is described.
UNTIL = "until"
#: What was in force before an update that goes on; ends with it.
_BEFORE = "before"

Thing = TypeVar("Thing", Table, Index)

_DOING = {"CREATING": "created", "UPDATING": "updated", "DELETING": "deleted"}


def entered(thing: Thing, status: str, now: float, seconds: float) -> Thing:
    """Return a table or index in a state that lasts some seconds, or already ACTIVE if none."""
    if seconds <= 0:
        return msgspec.structs.replace(thing, status="ACTIVE", description=without_times(thing.description))
    until = max(now + seconds, float(thing.description.get(UNTIL, 0.0)))
    return msgspec.structs.replace(thing, status=status, description={**thing.description, UNTIL: until})


def without_times(description: Mapping[str, Any]) -> dict[str, Any]:
    """Return a description without what belongs to a state that passes."""
    return {name: held for name, held in description.items() if name not in (UNTIL, _BEFORE)}


def is_changing(table: Table) -> bool:
    """Tell whether the state of a table, or of one of its indexes, passes by itself."""
    return table.status != "ACTIVE" or any(index.status != "ACTIVE" for index in table.indexes.values())


def settled(table: Table, now: float) -> Table | None:
    """Return a table as it is at a time: states that are over have ended; None when it is gone."""
    if not is_changing(table):
        return table
    if _is_over(table, now):
        if table.status == "DELETING":
            return None
        table = msgspec.structs.replace(table, status="ACTIVE", description=without_times(table.description))
    return msgspec.structs.replace(
        table, indexes={index.name: index for index in _settled_indexes(table, now)}
    )


def _settled_indexes(table: Table, now: float) -> Iterator[Index]:
    for index in table.indexes.values():
        if not _is_over(index, now):
            yield index
        elif index.status != "DELETING":
            yield msgspec.structs.replace(
                index, status="ACTIVE", description=without_times(index.description)
            )


def _is_over(thing: Table | Index, now: float) -> bool:
    return thing.status != "ACTIVE" and float(thing.description.get(UNTIL, 0.0)) <= now


def check_active(table: Table) -> None:
    """Check that a table can be changed.

    Raises:
        ApiError: ResourceInUseException, as its state passes.
    """
    if table.status != "ACTIVE":
        doing = _DOING.get(table.status, "updated")
        raise in_use(
            f"Attempt to change a resource which is still in use: Table is being {doing}: {table.name}"
        )
