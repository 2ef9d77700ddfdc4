"""Seed bugs, one after another, and see whether the tests notice: ``python3 tools/mutations.py``.

The bugs are in ``tests/mutations``. Each is put into a copy of the checkout, where the tests next to it run; when they
pass, all unit tests, properties and behaviour tests do. A table says which test has noticed which bug, and how long
that took. The exit status is 1 when fewer than 95 % are noticed, or when a bug is none: it breaks the import.
"""

from __future__ import annotations

import argparse
import os
import queue
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

import environment

if __name__ == "__main__":
    environment.enter("test")

sys.path.insert(0, str(environment.TOP))

from tests.mutations import Mutation, mutations

__all__: list[str] = []

#: What the tests need of the checkout.
PARTS = (
    "dynamo_objects",
    "tests",
    "tools",
    "docs",
    "pyproject.toml",
    "setup.py",
    "README.rst",
    "CHANGELOG.rst",
)
#: What runs when the tests next to a bug have not noticed it.
WIDER = ("tests/unit", "tests/properties", "tests/behaviour")
#: The share of bugs that must be noticed.
ENOUGH = 0.95
#: Seconds that the tests next to a bug, and all others, may take: some bugs make them wait for ever.
NEAREST_SECONDS = 180
WIDER_SECONDS = 1800

#: pytest's exit codes.
PASSED, FAILED = 0, 1

#: Loaded as a plugin: tests of the installed package would prove nothing.
GUARD = """
import os
import dynamo_objects

def pytest_configure(config):
    found, wanted = os.path.realpath(dynamo_objects.__file__), os.path.realpath(os.environ["MUTATED"])
    assert found.startswith(wanted + os.sep), f"{found} is tested, not {wanted}"
"""


@dataclass(frozen=True)
class Run:
    """One run of pytest.

    Attributes:
        code: Its exit code; None when it took too long.
        noticed: The first test that failed, or ''.
        output: What it printed.
    """

    code: int | None
    noticed: str
    output: str


@dataclass(frozen=True)
class Verdict:
    """What became of a bug.

    Attributes:
        name: Of the bug.
        state: ``nearest`` or ``wider``: which tests have noticed it; ``slow``: they did not end; ``survived``;
            ``none``: the package cannot be imported with it, or its tests cannot run.
        noticed: The first test that failed.
        seconds: How long it took.
        output: What pytest printed, where it is no bug.
    """

    name: str
    state: str
    noticed: str
    seconds: float
    output: str = ""

    @property
    def is_caught(self) -> bool:
        """Tell whether the tests have noticed it."""
        return self.state in ("nearest", "wider", "slow")


class Copy:
    """A copy of the checkout, for one run at a time.

    Args:
        folder: Where it is made.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._process: subprocess.Popen[str] | None = None
        ignored = shutil.ignore_patterns("__pycache__", ".*", "*.egg-info")
        for part in PARTS:
            source = environment.TOP / part
            if source.is_dir():
                shutil.copytree(source, folder / part, ignore=ignored)
            elif source.exists():
                shutil.copy2(source, folder / part)
        (folder / "mutation_guard.py").write_text(GUARD, encoding="utf-8")
        # By contents: a file that is changed and changed back within a second looks the same by its time.
        compiling = ("-m", "compileall", "-q", "--invalidation-mode", "checked-hash", "dynamo_objects")
        subprocess.run([sys.executable, *compiling], cwd=folder, check=True)

    def judge(self, mutation: Mutation, wider: Sequence[str]) -> Verdict:
        """Run the tests next to one bug against it, and then the *wider* ones."""
        began = time.monotonic()
        path = self.folder / "dynamo_objects" / mutation.file
        source = path.read_text(encoding="utf-8")
        path.write_text(mutation.applied(source), encoding="utf-8")
        try:
            state, run = "nearest", self.test(mutation.tests, NEAREST_SECONDS)
            if run.code == PASSED and wider:
                state, run = "wider", self.test(wider, WIDER_SECONDS)
        finally:
            path.write_text(source, encoding="utf-8")
        seconds = time.monotonic() - began
        if run.code == PASSED:
            return Verdict(mutation.name, "survived", "", seconds)
        if run.code is None:
            return Verdict(mutation.name, "slow", f"did not end: {' '.join(mutation.tests)}", seconds)
        if run.code != FAILED or not run.noticed:
            return Verdict(mutation.name, "none", "", seconds, run.output)
        return Verdict(mutation.name, state, run.noticed, seconds)

    def test(self, tests: Sequence[str], most_seconds: float) -> Run:
        """Run some tests until one fails."""
        options = (
            "-x",
            "-q",
            "-rfE",
            "--tb=no",
            "--engine=memory",
            "-p",
            "mutation_guard",
            "-p",
            "no:cacheprovider",
        )
        variables = {**os.environ, "PYTHONPATH": str(self.folder), "MUTATED": str(self.folder)}
        process = subprocess.Popen(
            [sys.executable, "-m", "pytest", *options, *tests],
            cwd=self.folder,
            env=variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._process = process
        try:
            output, _ = process.communicate(timeout=most_seconds)
        except subprocess.TimeoutExpired:
            self.stop()
            process.communicate()
            return Run(None, "", "")
        found = re.search(r"^(?:FAILED|ERROR) (\S+::.*?)(?: - .*)?$", output, re.MULTILINE)
        return Run(process.returncode, "" if found is None else found[1], output)

    def stop(self) -> None:
        """End pytest with all that it has started."""
        if self._process is None or self._process.poll() is not None:
            return
        if os.name == "nt":
            self._process.kill()
        else:
            os.killpg(self._process.pid, signal.SIGKILL)


class Copies:
    """Some copies, each used by one thread at a time.

    Args:
        folder: Where they are made.
        count: How many.
    """

    def __init__(self, folder: Path, count: int) -> None:
        self._all = [Copy(folder / str(number)) for number in range(count)]
        self._free: queue.SimpleQueue[Copy] = queue.SimpleQueue()
        for copy in self._all:
            self._free.put(copy)

    def judge(self, mutation: Mutation, wider: Sequence[str]) -> Verdict:
        """Run the tests against one bug."""
        copy = self._free.get()
        try:
            return copy.judge(mutation, wider)
        finally:
            self._free.put(copy)

    def test(self, tests: Sequence[str]) -> Run:
        """Run some tests without any bug."""
        copy = self._free.get()
        try:
            return copy.test(tests, WIDER_SECONDS)
        finally:
            self._free.put(copy)

    def stop(self) -> None:
        """End what runs."""
        for copy in self._all:
            copy.stop()


def check_sound(pool: ThreadPoolExecutor, copies: Copies, chosen: Sequence[Mutation]) -> None:
    """End the program unless the tests pass without a bug: else they would notice anything."""
    places = dict.fromkeys(place for mutation in chosen for place in mutation.tests)
    print(f"== without a bug: {len(places)} files of tests", flush=True)
    for place, run in zip(places, pool.map(lambda place: copies.test([place]), places), strict=True):
        if run.code != PASSED:
            sys.exit(f"{run.output}\n== {place} fails without any bug")


def judge_all(
    pool: ThreadPoolExecutor, copies: Copies, chosen: Sequence[Mutation], wider: Sequence[str]
) -> list[Verdict]:
    """Run the tests against each bug, printing a line when that ends."""
    verdicts = []
    width = max(len(mutation.name) for mutation in chosen)
    for future in as_completed([pool.submit(copies.judge, mutation, wider) for mutation in chosen]):
        verdict = future.result()
        verdicts.append(verdict)
        print(
            f"{verdict.name:{width}} {verdict.seconds:6.1f} s  {verdict.state:8} {verdict.noticed}",
            flush=True,
        )
        if verdict.output:
            print(verdict.output, flush=True)
    return verdicts


def report(verdicts: Sequence[Verdict]) -> int:
    """Print the share of bugs that were noticed, and return the exit code."""
    counts = {state: sum(v.state == state for v in verdicts) for state in ("nearest", "wider", "slow")}
    caught = sum(v.is_caught for v in verdicts)
    share = caught / len(verdicts)
    print(
        f"== {caught} of {len(verdicts)} bugs caught, {share:.1%}: {counts['nearest']} by the tests next to them, "
        f"{counts['wider']} by others, {counts['slow']} because the tests did not end"
    )
    for verdict in verdicts:
        if not verdict.is_caught:
            print(f"   {'survived' if verdict.state == 'survived' else 'is no bug'}: {verdict.name}")
    return 0 if share >= ENOUGH and all(v.state != "none" for v in verdicts) else 1


def main() -> int:
    """Do what the command line asks.

    Returns:
        The exit code.
    """
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--only", action="append", metavar="NAME", help="bugs with this in name or file; repeatable"
    )
    parser.add_argument(
        "--processes", type=int, default=2, help="copies that are tested at the same time (2)"
    )
    parser.add_argument("--nearest", action="store_true", help="run the tests next to each bug only")
    parser.add_argument("--list", action="store_true", help="say what the bugs break, and run nothing")
    options = parser.parse_args()
    wanted = options.only or [""]
    chosen = [m for m in mutations() if any(word in m.name or word in m.file for word in wanted)]
    if not chosen:
        parser.error(f"no bug is called {' or '.join(wanted)}")
    if options.list:
        for mutation in chosen:
            print(f"{mutation.file}: {mutation.name}\n    {mutation.breaks}")
        return 0
    with tempfile.TemporaryDirectory(prefix="dynamo-objects-mutations-") as folder:
        copies = Copies(Path(folder), options.processes)
        with ThreadPoolExecutor(options.processes) as pool:
            try:
                check_sound(pool, copies, chosen)
                return report(judge_all(pool, copies, chosen, () if options.nearest else WIDER))
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                copies.stop()
                raise


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)  # what shells call "ended by Ctrl-C"
