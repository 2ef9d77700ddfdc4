"""The front of the engine: is a request of the right shape, and if not, what does AWS say?

``check`` is quick for what is all right, by tests that are compiled once an operation. For all
else it goes through the request twice, first for wrong JSON types (``reading``), then for
violated constraints (``constraints``), and says what the service says (``fronts``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .fronts import is_too_deep, refuse
from .items import ITEM_REQUESTS
from .kinds import Struct, fits
from .reading import read
from .tables import TABLE_REQUESTS

__all__ = ["REQUESTS", "check", "is_too_deep", "name_of", "table_name"]

#: Operation -> what its request may hold.
REQUESTS: dict[str, Struct] = {**TABLE_REQUESTS, **ITEM_REQUESTS}
_FITS = {operation: fits(kind) for operation, kind in REQUESTS.items()}


def check(operation: str, request: dict[str, Any]) -> None:
    """Check the members of a request; attribute values and expressions are left to others.

    Members that are null are taken out of *request*: AWS reads them as absent.

    Raises:
        ApiError: SerializationException or ValidationException.
    """
    if not _FITS[operation](request):
        read(REQUESTS[operation], request)
        refuse(operation, REQUESTS[operation], request)


def table_name(request: Mapping[str, Any]) -> str:
    """Return the name of the table that a checked request is for."""
    name: str = request["TableName"]
    return name_of(name)


def name_of(table: str) -> str:
    """Return the name of a table that is given by its name or its ARN."""
    return table.partition(":table/")[2] if ":" in table else table
