"""The list of seeded bugs (``tests/mutations``) fits the code: ``tools/mutations.py`` runs the tests against them."""

from __future__ import annotations

import ast
import re
import sys
from collections import Counter
from pathlib import Path

import pytest

from .mutations import Mutation, mutations

TOP = Path(__file__).resolve().parents[1]
sys.path.append(str(TOP / "tools"))  # at the end: tools/test.py must not hide the standard library's "test"

from mutations import Verdict, report  # noqa: E402 - of tools

MUTATIONS = mutations()
FILES = sorted({mutation.file for mutation in MUTATIONS})


def test_there_are_enough_of_them():
    """
    There are 48 bugs at least, each with a name of its own.
    """
    counts = Counter(mutation.name for mutation in MUTATIONS)

    assert len(MUTATIONS) >= 48
    assert [] == [name for name, count in counts.items() if count > 1]


@pytest.mark.parametrize("file", FILES)
def test_the_bugs_of_a_file_still_apply(file):
    """
    The text of each bug occurs once in its file, and with the bug that is another program, which can be read.
    """
    source = (TOP / "dynamo_objects" / file).read_text(encoding="utf-8")
    program = ast.dump(ast.parse(source))

    programs = {m.name: ast.dump(ast.parse(m.applied(source))) for m in MUTATIONS if m.file == file}

    assert [] == [name for name, changed in programs.items() if changed == program]
    assert len(programs) == len(set(programs.values()))


def test_the_tests_of_the_bugs_are_there():
    """
    The tests that should notice a bug are files, or single tests in them.
    """
    missing = []
    for mutation in MUTATIONS:
        for place in mutation.tests or ("nothing",):
            path, _, name = place.partition("::")
            is_there = (TOP / path).is_file()
            if not is_there or (name and not re.search(rf"def {name}\(", (TOP / path).read_text())):
                missing.append((mutation.name, place))

    assert [] == missing


@pytest.mark.parametrize("source", ["a = 1\n", "b = 1\nb = 1\n"], ids=["nowhere", "twice"])
def test_a_text_that_does_not_fit_is_refused(source):
    """
    A patch whose text is not there, or is there twice, says so instead of changing anything.
    """
    mutation = Mutation("bug", "x.py", "b = 1\n", "b = 2\n", "nothing", ("tests/test_mutations.py",))

    with pytest.raises(ValueError, match=r"its text occurs \d times in x.py"):
        mutation.applied(source)


@pytest.mark.parametrize(
    ("states", "code", "told"),
    [
        (["nearest"] * 17 + ["wider", "slow", "survived"], 0, "19 of 20 bugs caught, 95.0%"),
        (["nearest"] * 18 + ["survived"] * 2, 1, "18 of 20 bugs caught, 90.0%"),
        (["nearest"] * 39 + ["none"], 1, "39 of 40 bugs caught, 97.5%"),
    ],
    ids=["enough", "too few", "no bug"],
)
def test_the_share_of_bugs_decides(capsys, states, code, told):
    """
    The tool fails when fewer than 95 % are noticed, or when one breaks the tests instead of the behaviour.
    """
    verdicts = [Verdict(f"bug {number}", state, "", 1.0) for number, state in enumerate(states)]

    assert code == report(verdicts)
    printed = capsys.readouterr().out
    assert told in printed
    assert [v.name for v in verdicts if not v.is_caught] == re.findall(
        r"(?:survived|is no bug): (.*)", printed
    )
