"""README.rst and docs/*.rst: every Python block runs, prints what it says it prints, and every page is valid.

A page is one program: its blocks run one after another in one namespace, in a process of their own, on moto. What a
``print`` shows is the comment behind it, to the letter.
"""

from __future__ import annotations

import io
import re
import subprocess
import sys
from pathlib import Path

import pytest
from docutils.core import publish_parts

TOP = Path(__file__).resolve().parents[1]
PAGES = [TOP / "README.rst", *sorted((TOP / "docs").glob("*.rst"))]

#: Runs a page on moto.
RUN_ON_MOTO = """
import runpy, sys
from moto import mock_aws

with mock_aws():
    runpy.run_path(sys.argv[1], run_name="__main__")
"""

pages = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


def program(page):
    """Return the Python blocks of a page, on the same lines as there; everything else is blank."""
    kept, inside = [], False
    for line in page.read_text(encoding="utf-8").splitlines():
        if line.strip() and not line.startswith(" "):
            inside = line.startswith(".. code-block:: python")
            line = ""
        kept.append(line[4:] if inside else "")
    return "\n".join(kept) + "\n"


def announced(source):
    """Return the comments behind the prints of a program: what it says that they show."""
    return [match[1] for match in re.finditer(r"^ *print\(.*\)  # (.*)$", source, re.MULTILINE)]


@pages
def test_python_blocks_run_and_print_what_they_say(page, tmp_path):
    """
    All Python code of a page runs, in its order, and prints exactly what the comments say.
    """
    copy = tmp_path / page.name
    copy.write_text(program(page), encoding="utf-8")
    result = subprocess.run(
        [sys.executable, "-c", RUN_ON_MOTO, str(copy)], capture_output=True, text=True, check=False
    )

    assert "" == result.stderr
    assert announced(program(page)) == result.stdout.splitlines()


@pages
def test_every_print_says_what_it_shows(page):
    """
    No example prints anything without telling the reader what.
    """
    source = program(page)

    assert source.count("print(") == len(announced(source))


@pages
def test_page_is_valid(page):
    """
    A page is reStructuredText without a warning, of the kind that a package index shows: no raw parts, no files.
    """
    warnings = io.StringIO()
    parts = publish_parts(
        page.read_text(encoding="utf-8"),
        source_path=str(page),
        writer="html5",
        settings_overrides={
            "warning_stream": warnings,
            "report_level": 1,
            "raw_enabled": False,
            "file_insertion_enabled": False,
            "syntax_highlight": "none",
        },
    )

    assert "" == warnings.getvalue()
    assert parts["title"]


def test_pages_have_examples():
    """
    The README and most pages show code; so the tests above have something to run.
    """
    with_code = [page.name for page in PAGES if program(page).strip()]

    assert "README.rst" in with_code
    assert len(with_code) >= 6
