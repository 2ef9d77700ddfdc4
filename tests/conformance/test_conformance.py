"""Our engine answers as AWS does, in memory and in SQLite; the others deviate as the table says."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .backends import Send, backend, make_tables
from .cases import GROUPS
from .probes import DEVIATIONS, GROUP
from .running import run_case
from .tables import TABLES
from .words import Case

CASES = [
    pytest.param(case, id=f"{group.name}: {case.name}"[:120]) for group in GROUPS for case in group.cases
]


@pytest.fixture(scope="module", params=["memory", "sqlite"])
def send(request: pytest.FixtureRequest) -> Iterator[Send]:
    """Our engine with the shared tables."""
    with backend(request.param) as function:
        make_tables(function, dict(TABLES))
        yield function


@pytest.mark.parametrize("case", CASES)
def test_our_engine_answers_as_aws_does(send: Send, case: Case) -> None:
    """
    Status, code, message and members of the answer are AWS's.
    """
    outcome = run_case(send, case)

    assert () == outcome.problems


def test_every_case_has_a_name_of_its_own() -> None:
    """
    Each case can be told from the others by the names of its group and itself.
    """
    names = [f"{group.name}: {case.name}" for group in GROUPS for case in group.cases]

    assert sorted(set(names)) == sorted(names)


@pytest.mark.engines("moto", "dynamodb-local", "dynoxide")
def test_others_deviate_as_the_table_says(engine_name: str) -> None:
    """
    Each emulator fails the probes that have a row, and no others.
    """
    with backend(engine_name) as function:
        make_tables(function, dict(TABLES))

        failed = [case.name for case in GROUP.cases if not run_case(function, case, wordings=False).passed]

    assert sorted(row.probe for row in DEVIATIONS[engine_name]) == sorted(failed)
