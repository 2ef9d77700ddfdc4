"""What a script did: the steps with their requests and seconds, and the claims that turned out wrong.

Requests are counted where they are sent, in the connection, so that nothing can be left out.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from dynamo_objects import DynamoDatabase

__all__ = ["Ledger", "Row"]


@dataclass
class Row:
    """What one step did: a line of the closing table.

    Attributes:
        title: What it does.
        records: How many records it does it to.
        naive: Requests of a naive loop; None when it would send the same.
        requests: Requests that were sent.
        seconds: How long it took.
    """

    title: str
    records: int = 0
    naive: int | None = None
    requests: int = 0
    seconds: float = 0.0

    def cells(self) -> tuple[str, str, str, str]:
        """Return the numbers as text."""
        naive = self.requests if self.naive is None else self.naive
        return f"{self.records:,}", f"{self.requests:,}", f"{naive:,}", f"{self.seconds:.2f}"


@dataclass
class Ledger:
    """Counts the requests and seconds of each step.

    Attributes:
        database: Its requests are counted.
        rows: One for each step.
        wrong: The claims that did not hold.
    """

    database: DynamoDatabase
    rows: list[Row] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    @contextmanager
    def step(self, title: str, records: int = 0, naive: int | None = None) -> Iterator[Row]:
        """Show and measure a step; the row is complete when the block has ended."""
        row = Row(title, records, naive)
        self.rows.append(row)
        print(f"\n{len(self.rows)}. {title[0].upper()}{title[1:]}", flush=True)
        started, sent = time.perf_counter(), self._sent()
        yield row
        row.seconds, row.requests = time.perf_counter() - started, self._sent() - sent
        _, requests, loop, seconds = row.cells()
        print(f"   {requests} requests in {seconds} s, a naive loop: {loop}", flush=True)

    def _sent(self) -> int:
        return sum(self.database.get_connection().requests.values())

    def check(self, claim: str, holds: bool) -> None:
        """Show a claim and whether it holds."""
        print(f"   {'checked' if holds else 'WRONG'}: {claim}", flush=True)
        if not holds:
            self.wrong.append(claim)

    def show(self) -> None:
        """Print all steps as a table, and the claims that were wrong."""
        print(f"\n{'step':46} {'records':>8} {'requests':>9} {'naive loop':>11} {'seconds':>8}")
        total = Row("together", naive=0)
        for number, row in enumerate(self.rows, 1):
            _print_row(f"{number:2}. {row.title}", *row.cells())
            total.naive += row.requests if row.naive is None else row.naive
            total.requests += row.requests
            total.seconds += row.seconds
        _print_row(f"    {total.title}", "", *total.cells()[1:])
        for claim in self.wrong:
            print(f"WRONG: {claim}")


def _print_row(title: str, records: str, requests: str, naive: str, seconds: str) -> None:
    print(f"{title:46} {records:>8} {requests:>9} {naive:>11} {seconds:>8}")
