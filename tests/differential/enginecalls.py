"""Random calls on our engine and on others, answer by answer: ``python -m tests.differential.enginecalls``.

The first engine is compared with each of the others. After every write the items that it
touched are read on all engines, so that a difference is seen where it arises; then the first
engine's items are stored on the others, so that one difference does not cause the next.
A round has tables of its own; the same seed makes the same calls.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import Any

import attrs

from ..conformance.backends import BACKENDS, Send, backend, make_tables
from .enginecalls_calls import Call, random_call
from .enginecalls_compare import Answer, answered, compare
from .enginecalls_dice import Dice, Item, Table
from .enginecalls_rows import explained

__all__ = ["Difference", "Report", "run"]

#: Calls on one set of tables; then others are made.
ROUND = 400
TABLES = 3
#: Messages of this engine are AWS's own where they are of expressions and conditions.
WORDED = "dynamodb-local"
OWN_WORDS = (
    "Invalid UpdateExpression:", "Invalid ConditionExpression:", "Invalid FilterExpression:", "Invalid ProjectionExpression:", "Value provided in Expression",
    "The document path", "The provided expression", "An operand in", "The conditional request", "Provided list", "Transaction cancelled",
)  # fmt: skip


@attrs.frozen
class Difference:
    """One difference that no row explains, with what leads to it."""

    engine: str
    kinds: list[str]
    tables: list[Table]
    stored: list[tuple[str, Item]] = attrs.field(repr=False)
    call: Call
    mine: Answer
    theirs: Answer

    def replay(self) -> str:
        """Return the requests that show it on empty engines, a line each, and both answers."""
        named = json.dumps(self.call.members)
        tables = [table for table in self.tables if f'"{table.name}"' in named]
        lines = [f"CreateTable {json.dumps(table.definition())}" for table in tables]
        lines += [f"PutItem {json.dumps({'TableName': name, 'Item': item})}" for name, item in self.stored]
        lines.append(f"{self.call.operation} {named}")
        return "\n".join([*lines, f"  first: {_shown(self.mine)}", f"  {self.engine}: {_shown(self.theirs)}"])


def _shown(answer: Answer) -> str:
    return f"{answer.code} {answer.message}" if answer.code else json.dumps(answer.body)[:1500]


@attrs.define
class Report:
    """What a run found."""

    calls: int = 0
    refused: int = 0
    rows: Counter[str] = attrs.field(factory=Counter)
    unexplained: list[Difference] = attrs.field(factory=list)

    def groups(self) -> list[list[Difference]]:
        """Return the unexplained differences, those that look alike together, the most frequent first."""
        found: dict[object, list[Difference]] = {}
        for one in self.unexplained:
            alike = (
                one.engine,
                *one.kinds,
                one.call.operation,
                one.mine.code,
                one.theirs.code,
                one.theirs.message[:40],
            )
            found.setdefault(alike, []).append(one)
        return sorted(found.values(), key=len, reverse=True)


class Round:
    """Engines with the same tables and the same items."""

    def __init__(self, engines: dict[str, Send], dice: Dice, number: int, report: Report) -> None:
        self.engines, self.dice, self.report = engines, dice, report
        self.tables = [dice.table(f"t{number}-{letter}") for letter in "abc"[:TABLES]]
        self.first = next(iter(engines))

    def run(self, calls: int) -> None:
        """Make the tables, make so many calls, delete the tables."""
        for send in self.engines.values():
            make_tables(send, {table.name: _without_name(table.definition()) for table in self.tables})
        for _ in range(calls):
            self.step(random_call(self.dice, self.tables))
        for send in self.engines.values():
            for table in self.tables:
                send("DeleteTable", {"TableName": table.name})

    def step(self, call: Call) -> None:
        """Make one call everywhere, and compare answers and items."""
        before = [(name, item) for name, key in call.touched if (item := self._item(self.first, name, key))]
        answers = {name: answered(send, call) for name, send in self.engines.items()}
        mine = answers[self.first]
        self.report.calls += 1
        self.report.refused += bool(mine.code)
        for name, theirs in answers.items():
            if name != self.first:
                wording = name == WORDED and theirs.message.startswith(OWN_WORDS)
                self._judge(name, call, mine, theirs, compare(call, mine, theirs, wording=wording), before)
                self._same_items(name, call, mine, theirs, before)

    def _judge(
        self,
        name: str,
        call: Call,
        mine: Answer,
        theirs: Answer,
        kinds: list[str],
        before: list[tuple[str, Item]],
    ) -> None:
        if not kinds:
            return
        row = explained(name, call, mine, theirs, kinds)
        if row is not None:
            self.report.rows[f"{name}: {row}"] += 1
            return
        stored = before if call.order is None else list(self._all(call.members["TableName"]))
        self.report.unexplained.append(Difference(name, kinds, self.tables, stored, call, mine, theirs))

    def _same_items(
        self, name: str, call: Call, mine: Answer, theirs: Answer, before: list[tuple[str, Item]]
    ) -> None:
        for table, key in call.touched:
            one, other = self._item(self.first, table, key), self._item(name, table, key)
            read = Call("GetItem", {"TableName": table, "Key": key})
            if compare(read, Answer("", "", {"Item": one}), Answer("", "", {"Item": other}), wording=False):
                if mine.code == theirs.code:
                    self._judge(
                        name,
                        call,
                        attrs.evolve(mine, body={"after": one}),
                        attrs.evolve(theirs, body={"after": other}),
                        ["state"],
                        before,
                    )
                self._store(name, table, key, one)

    def _item(self, engine: str, table: str, key: Item) -> Item | None:
        _, body = self.engines[engine]("GetItem", {"TableName": table, "Key": key, "ConsistentRead": True})
        found: Item | None = body.get("Item")
        return found

    def _store(self, engine: str, table: str, key: Item, item: Item | None) -> None:
        if item is None:
            self.engines[engine]("DeleteItem", {"TableName": table, "Key": key})
            return
        status, _ = self.engines[engine]("PutItem", {"TableName": table, "Item": item})
        if status != 200:  # it refuses what we store: nobody has it then
            for send in self.engines.values():
                send("DeleteItem", {"TableName": table, "Key": key})

    def _all(self, table: str) -> Iterator[tuple[str, Item]]:
        _, body = self.engines[self.first]("Scan", {"TableName": table})
        yield from ((table, item) for item in body.get("Items", ()))


def _without_name(members: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if name != "TableName"}


def run(engines: dict[str, Send], seed: int, calls: int, *, enough: int = 20) -> Report:
    """Make random calls on engines; stop after *enough* differences that no row explains."""
    report = Report()
    number = 0
    while report.calls < calls and len(report.unexplained) < enough:
        dice = Dice(seed * 1_000_003 + number)
        Round(engines, dice, number, report).run(min(ROUND, calls - report.calls))
        number += 1
    return report


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is asked for; return 0 if every difference is explained."""
    parser = argparse.ArgumentParser(prog="python -m tests.differential.enginecalls", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--calls", type=int, default=5000)
    parser.add_argument(
        "--engines", nargs="+", default=["memory", "dynamodb-local", "dynoxide"], choices=list(BACKENDS)
    )
    parser.add_argument("--enough", type=int, default=20, help="stop after so many unexplained differences")
    options = parser.parse_args(arguments)
    with ExitStack() as stack:
        engines = {name: stack.enter_context(backend(name)) for name in options.engines}
        report = run(engines, options.seed, options.calls, enough=options.enough)
    for alike in report.groups():
        shortest = min(alike, key=lambda one: len(one.replay()))
        _say(f"--- {len(alike)} on {shortest.engine}: {', '.join(shortest.kinds)}\n{shortest.replay()}")
    _say(f"\nseed {options.seed}: {report.calls} calls, {report.refused} refused by {options.engines[0]}")
    for row, count in report.rows.most_common():
        _say(f"{count:7}  {row}")
    _say(f"{len(report.unexplained):7}  unexplained")
    return 1 if report.unexplained else 0


if __name__ == "__main__":
    sys.exit(main())
