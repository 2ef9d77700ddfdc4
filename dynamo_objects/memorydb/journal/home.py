"""What a journal is bound to: the service, the table under its prefix, and its keys.

Nothing here holds a user or a password; accounts of AWS cannot be told apart.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from ...connection.connection import Connection
from ...errors import JournalError
from ...table import DynamoTable
from .lines import Header

__all__ = ["check_home", "home_of", "place_of"]


def place_of(connection: Connection) -> tuple[str, str]:
    """Return where the requests of a connection go: an endpoint, and the region or ''."""
    transport: Any = connection.transport
    place = getattr(transport, "place", None)
    if isinstance(place, str):
        return place, ""
    meta = getattr(getattr(transport, "client", None), "meta", None)
    url = getattr(meta, "endpoint_url", None)
    if not isinstance(url, str):
        kind = type(transport)
        return f"{kind.__module__}.{kind.__qualname__}", ""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2].lower()
    return f"{parts.scheme}://{host}{parts.path.rstrip('/')}", str(getattr(meta, "region_name", None) or "")


def home_of(table: DynamoTable[Any]) -> Header:
    """Return the header of a table's journal."""
    schema = table._schema
    endpoint, region = place_of(table._connection)
    return Header(
        endpoint=endpoint,
        region=region,
        table=table.full_name,
        keys=[(key.wire, key.tag) for key in schema.keys],
        version=None if schema.codec.version is None else schema.codec.version.wire,
        attributes=sorted(schema.codec.by_wire),
    )


def check_home(path: str, found: Header, wanted: Header) -> None:
    """Check that a journal belongs to a table.

    Raises:
        JournalError: It does not; says what differs.
    """
    for name in ("endpoint", "region", "table", "keys"):
        theirs, ours = getattr(found, name), getattr(wanted, name)
        if theirs != ours:
            raise JournalError(path, f"belongs to another table: its {name} is {theirs!r}, not {ours!r}")
