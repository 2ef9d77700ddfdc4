"""Our engine and the others answer random calls alike: a short run of ``enginecalls``.

``DIFFERENTIAL_CALLS`` and ``DIFFERENTIAL_SEED`` make a longer or a different run.
"""

from __future__ import annotations

import os
from contextlib import ExitStack

import pytest

from ..conformance.backends import backend
from .enginecalls import run
from .enginecalls_calls import random_call
from .enginecalls_dice import Dice

CALLS = int(os.environ.get("DIFFERENTIAL_CALLS", "1500"))
SEED = int(os.environ.get("DIFFERENTIAL_SEED", "1"))


@pytest.mark.parametrize("other", ["sqlite", "dynamodb-local", "dynoxide"])
def test_engines_answer_random_calls_alike(other: str) -> None:
    """
    Every difference between our engine in memory and another one is a known one of the other.
    """
    with ExitStack() as stack:
        engines = {name: stack.enter_context(backend(name)) for name in ("memory", other)}

        report = run(engines, SEED, CALLS, enough=1)

    assert [] == [difference.replay() for difference in report.unexplained]


def test_a_seed_makes_the_same_calls() -> None:
    """
    The same seed makes the same tables and the same calls, so that a failure can be seen again.
    """

    def made() -> list[object]:
        dice = Dice(7)
        tables = [dice.table("t0"), dice.table("t1")]
        return [tables, *(random_call(dice, tables) for _ in range(200))]

    assert made() == made()
