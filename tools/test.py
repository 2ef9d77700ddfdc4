"""Everything that CI does: ``python3 tools/test.py``.

Checks style and types (ruff, mypy, pyright), then runs the tests. It needs Python 3.11 or later and nothing else:
it makes its own virtual environment. The engines of the behaviour suite also need java, npm for their download, and
PostgreSQL, which is installed by apt-get where it is missing and that is allowed.

``python3 tools/test.py tests/test_codec.py -k numbers`` gives its arguments to pytest and checks nothing else; paths
are relative to the checkout. With CI=true no test may be skipped.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

import environment

#: What mypy and pyright look at; ruff looks at everything.
TYPED = ["dynamo_objects", "tests/typing"]

#: The version that setup.py pins: with it, pyright runs from its PyPI package and fetches nothing.
PYRIGHT_VERSION = "1.1.414"

#: The slow ones first: they run in parallel.
CHECKS = {
    "mypy": ["mypy", *TYPED],
    "pyright": ["pyright", "--pythonpath", sys.executable, *TYPED],
    "ruff check": ["ruff", "check", "."],
    "ruff format": ["ruff", "format", "--check", "."],
}

#: pytest's processes, unless the command line says otherwise. The debugger needs pytest in one process.
PROCESSES = ["-n", "2"]
PROCESS_OPTIONS = ("-n", "--numprocesses", "--pdb", "--trace", "no:xdist")


@dataclass(frozen=True)
class Outcome:
    """How one check ended."""

    name: str
    code: int
    output: str
    seconds: float


def run_checks() -> list[str]:
    """Run the checks in parallel, printing each when it ends.

    Returns:
        The names of those that failed.
    """
    failed = []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for future in as_completed([pool.submit(_check, name) for name in CHECKS]):
            outcome = future.result()
            verdict = f"FAILED with code {outcome.code}" if outcome.code else "passed"
            print(f"== {outcome.name}: {verdict}, {outcome.seconds:.1f} s\n{outcome.output}", flush=True)
            if outcome.code:
                failed.append(outcome.name)
    return failed


def _check(name: str) -> Outcome:
    started = time.monotonic()
    variables = {
        **os.environ,
        "PYRIGHT_PYTHON_FORCE_VERSION": PYRIGHT_VERSION,
        "PYRIGHT_PYTHON_IGNORE_WARNINGS": "1",
    }
    result = subprocess.run(
        [sys.executable, "-m", *CHECKS[name]],
        cwd=environment.TOP,
        env=variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return Outcome(name, result.returncode, result.stdout, time.monotonic() - started)


def run_tests(arguments: list[str]) -> int:
    """Run pytest with *arguments*.

    Returns:
        Its exit code.
    """
    told = any(argument.startswith(PROCESS_OPTIONS) for argument in arguments)
    command = [sys.executable, "-m", "pytest", *([] if told else PROCESSES), *arguments]
    print(f"== {' '.join(command[2:])}", flush=True)
    return subprocess.run(command, cwd=environment.TOP, check=False).returncode


def install_postgres() -> None:
    """Install PostgreSQL's Debian package where it is missing; tests that need it say so if that fails."""
    is_there = any(Path("/usr/lib/postgresql").glob("*/bin/postgres")) or shutil.which("postgres")
    if is_there or os.environ.get("DYNAMO_OBJECTS_POSTGRES_URL") or shutil.which("apt-get") is None:
        return
    if os.getuid() != 0:
        return
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["apt-get", "update", "-qq"], ["apt-get", "install", "-y", "-qq", "postgresql"]):
        result = subprocess.run(command, env=quiet, capture_output=True, text=True, check=False)
        if result.returncode:
            print(f"== {' '.join(command)}: {result.stderr.strip()}", flush=True)


def main() -> int:
    """Do what the command line asks.

    Returns:
        The exit code: 0 when everything passed.
    """
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    only = parser.add_mutually_exclusive_group()
    only.add_argument("--only-lint", action="store_true", help="only ruff, mypy and pyright")
    only.add_argument("--only-tests", action="store_true", help="only pytest")
    options, pytest_arguments = parser.parse_known_args()
    if options.only_lint and pytest_arguments:
        parser.error(f"--only-lint runs no pytest that could take {' '.join(pytest_arguments)}")
    environment.enter("test")

    failed: list[str] = []
    if not options.only_tests and not pytest_arguments:
        failed = run_checks()
        print(f"== FAILED: {', '.join(failed)}" if failed else "== all checks passed", flush=True)
    if not options.only_lint:
        install_postgres()
    code = 0 if options.only_lint else run_tests(pytest_arguments)
    return code or (1 if failed else 0)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)  # what shells call "ended by Ctrl-C"
