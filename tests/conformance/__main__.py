"""``python -m tests.conformance [--engine NAME] [--only PATTERN]``: run the cases, print what differs and scores."""

from __future__ import annotations

import argparse
import fnmatch
import sys
from collections.abc import Sequence

from .backends import BACKENDS, backend, make_tables
from .cases import GROUPS
from .running import run_case
from .tables import TABLES


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is asked for; return 0 if all cases pass on all engines."""
    parser = argparse.ArgumentParser(prog="python -m tests.conformance", description=__doc__)
    parser.add_argument(
        "--engine", action="append", choices=list(BACKENDS), help="may be repeated; all by default"
    )
    parser.add_argument("--only", default="*", help="pattern of 'group: case' names, as of files")
    parser.add_argument("--codes", action="store_true", help="do not compare messages")
    parser.add_argument("--quiet", action="store_true", help="print scores only")
    options = parser.parse_args(arguments)
    scores = {
        name: _run(name, options.only, options.quiet, options.codes) for name in options.engine or [*BACKENDS]
    }
    _print_scores(scores)
    return 0 if all(passed == count for rows in scores.values() for passed, count in rows.values()) else 1


def _run(name: str, only: str, quiet: bool, codes: bool) -> dict[str, tuple[int, int]]:
    rows: dict[str, tuple[int, int]] = {}
    with backend(name) as send:
        make_tables(send, dict(TABLES))
        for group in GROUPS:
            chosen = [one for one in group.cases if fnmatch.fnmatch(f"{group.name}: {one.name}", only)]
            if not chosen:
                continue
            passed = 0
            for case in chosen:
                outcome = run_case(send, case, wordings=not codes)
                passed += outcome.passed
                if not outcome.passed and not quiet:
                    _say(f"{name} | {group.name}: {case.name}")
                    _say("\n".join(f"    {one}" for one in outcome.problems))
            rows[group.name] = (passed, len(chosen))
    return rows


def _print_scores(scores: dict[str, dict[str, tuple[int, int]]]) -> None:
    groups = dict.fromkeys(group for rows in scores.values() for group in rows)
    _say(f"\n{'':36}" + "".join(f"{name:>16}" for name in scores))
    for group in groups:
        cells = [f"{rows[group][0]}/{rows[group][1]}" for rows in scores.values()]
        _say(f"{group:36}" + "".join(f"{cell:>16}" for cell in cells))
    sums = [(sum(p for p, _ in rows.values()), sum(c for _, c in rows.values())) for rows in scores.values()]
    _say(f"{'all':36}" + "".join(f"{f'{p}/{c}':>16}" for p, c in sums))


if __name__ == "__main__":
    sys.exit(main())
