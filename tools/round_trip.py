"""The laws of records and items in one long run: ``python3 tools/round_trip.py --records 100000 --classes 300``.

It generates record classes of all annotations, mutable and frozen, and records of each, and checks with every
record each law of ``tests/laws.py``: decode(encode(record)) == record, foreign spellings are clean, every change is
named, unknown attributes survive, copies remember. It prints classes, records, seconds and failures, each failure
with the choice that leads to it again (``--again SEED/CLASS/RECORD``), and exits with 1 if there are any.
"""

from __future__ import annotations

import sys
from pathlib import Path

import environment

if __name__ == "__main__":
    environment.enter("test")

import argparse
import time
import traceback
from random import Random

sys.path.append(str(Path(__file__).resolve().parents[1]))

from tests.laws import LAWS
from tests.strategies import ClassSpec, make_class

#: So many failures are shown whole; the others are counted.
SHOWN = 10


class Run:
    """One run, and what it has found so far."""

    def __init__(self, seed: str) -> None:
        self.seed = seed
        self.classes = self.records = self.checks = self.failures = 0

    def make(self, place: int) -> ClassSpec:
        """Return the class of this number."""
        self.classes += 1
        return make_class(Random(f"{self.seed}/{place}"))

    def check(self, spec: ClassSpec, place: int, number: int) -> None:
        """Check all laws with the record of this number."""
        self.records += 1
        for law in LAWS:
            self.checks += 1
            try:
                law(spec, Random(f"{self.seed}/{place}/{number}"))
            except Exception:
                self.failures += 1
                if self.failures <= SHOWN:
                    again = f"--again {self.seed}/{place}/{number}"
                    print(f"FAILED {law.__name__} {again}\n{spec}\n{traceback.format_exc(limit=-3)}")


def parse() -> argparse.Namespace:
    """Return what the command line asks."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument("--records", type=int, default=100_000, help="how many, over all classes")
    parser.add_argument("--classes", type=int, default=300, help="how many, all different")
    parser.add_argument("--seed", default="1", help="another seed gives other classes and records")
    parser.add_argument("--again", metavar="SEED/CLASS/RECORD", help="only the record of a failure")
    return parser.parse_args()


def main() -> int:
    """Run, and print what was done.

    Returns:
        The exit code: 1 when a law was broken.
    """
    options = parse()
    started = time.perf_counter()
    if options.again:
        seed, place, number = options.again.split("/")
        run = Run(seed)
        run.check(run.make(int(place)), int(place), int(number))
    else:
        run = Run(options.seed)
        for place in range(options.classes):
            spec = run.make(place)
            for number in range(place, options.records, options.classes):
                run.check(spec, place, number)
    seconds = time.perf_counter() - started
    print(
        f"classes {run.classes:,}  records {run.records:,}  checks {run.checks:,}"
        f"  seconds {seconds:.1f}  failures {run.failures:,}"
    )
    return 1 if run.failures else 0


if __name__ == "__main__":
    sys.exit(main())
