"""What a query reads from, handed over by its table."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from ..connection.connection import Connection
from ..schema import TableSchema

__all__ = ["Source"]


class Source(msgspec.Struct, frozen=True, eq=False):
    """What a query reads from.

    Attributes:
        schema: Of the table.
        table: Returns the name of the table with its prefix.
        connection: Returns the connection.
        index_problem: Returns why an index cannot be used, or None.
        consistent: Whether reads are consistent unless told otherwise.
    """

    schema: TableSchema
    table: Callable[[], str]
    connection: Callable[[], Connection]
    index_problem: Callable[[str], str | None]
    consistent: bool = False
