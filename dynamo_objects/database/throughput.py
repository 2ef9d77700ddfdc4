"""TableThroughput: higher throughput for the time of an operation."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from ..errors import DynamoException, LimitExceeded, closest
from ..flows.waiting import update_table
from .database import DynamoDatabase

__all__ = ["TableThroughput"]

#: Table name -> "table" or index name -> {"read": units, "write": units}.
Throughputs = Mapping[str, Mapping[str, Mapping[str, int]]]

_PATIENCE_SECONDS = 600.0


class TableThroughput:
    """Sets throughputs when entered and puts the old ones back when left.

    Tables on demand are left alone. ::

        with TableThroughput({"store": {"table": {"read": 100, "write": 50}}}):
            ...

    Args:
        throughputs: Table name -> ``table`` or an index name -> ``{"read": .., "write": ..}``.
        old_throughputs: What to put back, in the same form; left out: what is set now.
        restore: Whether to put anything back.
        wait_enter, wait_exit: Whether to wait until the change is done.
        database: Where the tables are.

    Raises:
        DynamoException: A throughput is not of that form, or a table does not exist.
    """

    def __init__(
        self,
        throughputs: Throughputs,
        old_throughputs: Throughputs | None = None,
        restore: bool = True,
        wait_enter: bool = True,
        wait_exit: bool = False,
        *,
        database: DynamoDatabase | None = None,
    ) -> None:
        self.database = database or DynamoDatabase()
        self.throughputs = _checked(throughputs, least=1)
        self.restore = restore
        self.wait_enter = wait_enter
        self.wait_exit = wait_exit
        if old_throughputs is None:
            self.old_throughputs: Throughputs = {table: self._now(table) for table in throughputs}
        else:
            self.old_throughputs = _checked(old_throughputs, least=0)

    def _now(self, table: str) -> Mapping[str, Mapping[str, int]]:
        """Return the units that are set now, of what is to be changed."""
        now, wanted = self.database.get_table_throughputs(table), self.throughputs[table]
        is_on_demand = not any(now["table"].values())
        if not is_on_demand and (unknown := wanted.keys() - now.keys()):
            name = sorted(unknown)[0]
            raise DynamoException(f"table {table} has no index {name!r}{closest(name, now)}")
        return {name: units for name, units in now.items() if name in wanted}

    def __enter__(self) -> Self:
        try:
            self._apply(self.throughputs, wait=self.wait_enter)
        except BaseException as error:
            if self.restore:
                self._put_back_after(error)
            raise
        return self

    def _put_back_after(self, error: BaseException) -> None:
        try:
            self._apply(self.old_throughputs, wait=False)
        except DynamoException as another:
            error.add_note(f"putting the old throughputs back failed too: {another}")

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self.restore:
            self._apply(self.old_throughputs, wait=self.wait_exit)

    def _apply(self, throughputs: Throughputs, *, wait: bool) -> None:
        connection = self.database.get_connection()
        failures: list[Exception] = []
        for table, units in throughputs.items():
            name = self.database.get_table_name(table)
            flow = update_table(name, units, wait=wait, patience_seconds=_PATIENCE_SECONDS)
            try:
                connection.run(flow)
            except LimitExceeded as error:
                # Local engines know no limits that would matter.
                if not self.database.is_local_db():
                    failures.append(error)
            except DynamoException as error:
                failures.append(error)  # the other tables are changed all the same
        if failures:
            for another in failures[1:]:
                failures[0].add_note(f"and {another}")
            raise failures[0]


def _checked(throughputs: Any, least: int) -> Throughputs:
    """Return throughputs that have the right form and at least so many units.

    Raises:
        DynamoException: They have not.
    """
    form = "{'store': {'table': {'read': 3, 'write': 3}}}"
    if not isinstance(throughputs, Mapping):
        raise DynamoException(f"throughputs are {form}, say")
    for table, named in throughputs.items():
        if not isinstance(named, Mapping):
            raise DynamoException(f"throughput of {table}: expected {form}")
        for name, units in named.items():
            is_units = isinstance(units, Mapping) and units.keys() == {"read", "write"}
            if not is_units or not all(_is_count(count, least) for count in units.values()):
                raise DynamoException(
                    f"throughput of {table}, {name}: expected {form}, whole numbers from {least}"
                )
    return throughputs


def _is_count(count: Any, least: int) -> bool:
    return isinstance(count, int) and not isinstance(count, bool) and count >= least
