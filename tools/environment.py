"""The project's own virtual environment: ``.venv`` in the checkout, made when it is first needed.

A script that needs more than the standard library begins with::

    import environment

    environment.enter("test")  # an extra of setup.py; continues inside .venv, with that extra installed

By hand, ``python3 tools/environment.py --extras test python -m pytest`` runs one command inside it.

The one rule: an environment is trusted only while its record says that it was finished, for this checkout, this
Python and this setup.py. Otherwise the project is installed again, from scratch when an earlier run was interrupted.
A working ``.venv`` that somebody else made is adopted: the project is installed into it.
Python 3.8 must be able to read this file, so that it can say that it is too old.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import json
import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

try:
    import fcntl
except ImportError:  # Windows: two first runs at the same time may then get in each other's way
    fcntl = None  # type: ignore[assignment]

__all__ = ["TOP", "Environment", "EnvironmentProblem", "enter"]

#: The checkout.
TOP = Path(__file__).resolve().parent.parent

if sys.version_info < (3, 11):  # noqa: UP036 - an older Python gets this far, to say so
    sys.exit(
        f"dynamo_objects needs Python 3.11 or later, this is Python {platform.python_version()} ({sys.executable}).\n"
        f"Start the command with a later one, for example: python3.12 {' '.join(sys.argv)}"
    )


class EnvironmentProblem(RuntimeError):
    """The virtual environment could not be made; the message says what to do."""


class Environment:
    """The virtual environment of one checkout, with the project installed in editable form.

    Args:
        top: The checkout, the folder that holds setup.py.
    """

    def __init__(self, top: Path) -> None:
        self.top = top
        self.folder = top / ".venv"
        scripts, python = ("Scripts", "python.exe") if os.name == "nt" else ("bin", "python")
        self.scripts = self.folder / scripts
        self.python = self.scripts / python
        self._record = self.folder / "environment.json"
        self._unfinished = self.folder / "environment.unfinished"

    def is_active(self) -> bool:
        """Tell whether this very process runs inside the environment."""
        return Path(sys.prefix).resolve() == self.folder.resolve()

    def is_ready(self, extras: Iterable[str] = ()) -> bool:
        """Tell whether nothing has to be installed for *extras*; starts no process and needs no network."""
        record = self._read_record()
        return (
            self.python.exists()
            and not self._unfinished.exists()
            and record.items() >= self._facts().items()
            and set(record["extras"]).issuperset(extras)
        )

    def ensure(self, extras: Iterable[str] = ()) -> None:
        """Make the environment, or bring it up to date, when that is needed.

        Args:
            extras: Names of extras of setup.py; those of earlier calls stay installed.

        Raises:
            EnvironmentProblem: It could not be made; the next call starts from scratch.
        """
        extras = set(extras)
        if not self.is_ready(extras):
            with self._one_at_a_time():
                if not self.is_ready(extras):  # the run that we waited for may have done it
                    self._prepare(sorted(extras.union(self._read_record().get("extras", ()))))

    def run(self, command: list[str]) -> NoReturn:
        """Run *command* inside the (ready) environment, in the place of this process."""
        variables = self.variables()
        program = shutil.which(command[0], path=variables["PATH"])
        if program is None:
            sys.exit(f"There is no program {command[0]} in {self.scripts} or on the PATH.")
        sys.stdout.flush()
        sys.stderr.flush()
        if os.name == "nt":  # there, exec would return to the shell before the command has ended
            sys.exit(subprocess.run([program, *command[1:]], env=variables, check=False).returncode)
        os.execve(program, command, variables)

    def variables(self) -> dict[str, str]:
        """Return the variables for a process inside the environment, as its activate script would set them."""
        variables = {k: v for k, v in os.environ.items() if k not in ("PYTHONHOME", "PYTHONPATH")}
        variables["VIRTUAL_ENV"] = str(self.folder)
        variables["PATH"] = os.pathsep.join([str(self.scripts), variables.get("PATH", os.defpath)])
        return variables

    def _facts(self) -> dict[str, Any]:
        """Return what the installed state depends on, apart from the extras."""
        digest = hashlib.sha256()
        compiled = sorted((self.top / "dynamo_objects").rglob("*.[ch]"))
        for path in (self.top / "setup.py", self.top / "pyproject.toml", *compiled):
            digest.update(path.read_bytes() if path.exists() else b"")
            digest.update(b"\0")
        return {"checkout": str(self.top), "python": sys.version, "sources": digest.hexdigest()}

    def _read_record(self) -> dict[str, Any]:
        """Return the facts and extras of the last finished installation, or nothing."""
        if not self._record.exists():
            return {}
        record: dict[str, Any] = json.loads(self._record.read_text(encoding="utf-8"))
        return record

    def _prepare(self, extras: list[str]) -> None:
        started = time.monotonic()
        target = f".[{','.join(extras)}]" if extras else "."
        print(f"Preparing {self.folder} (Python {platform.python_version()}, {target}) ...", flush=True)
        if not self._is_usable():
            self._create()
        self._unfinished.touch()
        self._run(
            [str(self.python), "-m", "pip", "install", "--quiet", "--editable", target], "install the project"
        )
        temporary = self._record.with_suffix(".new")
        temporary.write_text(json.dumps({**self._facts(), "extras": extras}, indent=1), encoding="utf-8")
        temporary.replace(self._record)
        self._unfinished.unlink()
        print(f"Prepared in {time.monotonic() - started:.1f} s.", flush=True)

    def _is_usable(self) -> bool:
        """Tell whether what is there has a working pip and belongs to this checkout and this Python."""
        if self._unfinished.exists() or not self.python.exists():
            return False
        if self._read_record().get("checkout", str(self.top)) != str(self.top):
            return False  # the checkout was moved: the scripts in the environment name the old place
        check = [str(self.python), "-c", "import sys, pip._internal.cli.main; print(sys.version)"]
        result = subprocess.run(check, env=self.variables(), capture_output=True, text=True, check=False)
        return result.returncode == 0 and result.stdout.strip() == sys.version.strip()

    def _create(self) -> None:
        """Make it anew. It is marked as unfinished before anything is removed."""
        _require_venv_modules()
        self.folder.mkdir(exist_ok=True)
        if any(self.folder.iterdir()) and not self._record.exists() and not self._unfinished.exists():
            raise EnvironmentProblem(
                f"{self.folder} was not made by this script, and has no pip or another Python than "
                f"{platform.python_version()}. Rename or remove it, then run this again."
            )
        self._unfinished.touch()
        for entry in self.folder.iterdir():
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            elif entry != self._unfinished:
                entry.unlink()
        # The Python below any environment that is active now, so that ours does not depend on that one.
        base = getattr(sys, "_base_executable", None) or sys.executable
        self._run([base, "-m", "venv", str(self.folder)], "make a virtual environment")

    def _run(self, command: list[str], purpose: str) -> None:
        variables = {**self.variables(), "PIP_USER": "0", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
        result = subprocess.run(command, cwd=self.top, env=variables, check=False)
        if result.returncode:
            raise EnvironmentProblem(
                f"Could not {purpose}: this command ended with code {result.returncode}, see its messages above.\n"
                f"  {' '.join(command)}\n"
                "When its reason is gone, run the same again."
            )

    @contextmanager
    def _one_at_a_time(self) -> Iterator[None]:
        """Wait until no other process prepares the environment of this checkout."""
        with (self.top / "setup.py").open(encoding="utf-8") as always_there:
            if fcntl:
                fcntl.flock(always_there, fcntl.LOCK_EX)  # ends when the file is closed, or with the process
            yield


def _require_venv_modules() -> None:
    missing = [name for name in ("venv", "ensurepip") if importlib.util.find_spec(name) is None]
    if missing:
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        raise EnvironmentProblem(
            f"Python {version} ({sys.executable}) lacks the part that makes virtual environments "
            f"({' and '.join(missing)}). On Debian and Ubuntu it is the package python3-venv "
            f"(python{version}-venv): sudo apt install python3-venv. Then run this again."
        )


def enter(*extras: str) -> None:
    """Continue the running script inside the checkout's environment; return at once when it runs there already.

    Ends the process with a message when the environment cannot be made.
    """
    environment = Environment(TOP)
    try:
        environment.ensure(extras)
    except EnvironmentProblem as problem:
        sys.exit(str(problem))
    if not environment.is_active():
        environment.run([str(environment.python), *sys.orig_argv[1:]])


def main() -> None:
    """Make the environment; run a command in it."""
    parser = argparse.ArgumentParser(
        description="Make the virtual environment .venv, and run a command inside it."
    )
    parser.add_argument(
        "--extras", default="test", help="extras of setup.py, with commas (default: %(default)s)"
    )
    parser.add_argument("command", nargs=argparse.REMAINDER, help="for example: python -m pytest")
    options = parser.parse_args()
    environment = Environment(TOP)
    try:
        environment.ensure(filter(None, options.extras.split(",")))
    except EnvironmentProblem as problem:
        sys.exit(str(problem))
    if options.command:
        environment.run(options.command)
    print(environment.python)


if __name__ == "__main__":
    main()
