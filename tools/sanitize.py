"""Runs the tests of the part in C under the sanitizers of the compiler: ``python3 tools/sanitize.py``.

The part is compiled anew, with checks of every access to memory and of undefined behaviour, beside a copy of the
package and the tests in a temporary folder. Any finding ends the program with the report of the sanitizer and a code
that is not 0. It needs gcc, or a ``cc`` that knows ``-fsanitize``, with its libraries.

Options that are not known here go to pytest.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

import environment

#: What exercises the part in C most.
TESTS = (
    "tests/unit/test_speedups.py",
    "tests/unit/test_kept_items.py",
    "tests/unit/test_sizes.py",
    "tests/properties/test_quick_keys.py",
    "tests/properties/test_round_trip.py",
)
SANITIZERS = "-fsanitize=address,undefined"


def compiled(package: Path) -> None:
    """Compile the part in C into a copy of the package."""
    suffix = sysconfig.get_config_var("EXT_SUFFIX")
    sources = sorted(str(path) for path in (package / "codec" / "csrc").glob("*.c"))
    flags = [
        "-shared",
        "-fPIC",
        "-O1",
        "-g",
        "-Wall",
        "-Wextra",
        "-Werror",
        "-fno-sanitize-recover=all",
        SANITIZERS,
    ]
    include = f"-I{sysconfig.get_paths()['include']}"
    command = ["cc", *flags, include, *sources, "-o", str(package / "codec" / f"_speedups{suffix}")]
    subprocess.run(command, check=True)


def library(name: str) -> str:
    """Return where the compiler has a library of a sanitizer."""
    found = subprocess.run(["cc", f"-print-file-name={name}"], check=True, capture_output=True, text=True)
    return found.stdout.strip()


def main() -> int:
    """Compile and test.

    Returns:
        The exit code of pytest, or of the sanitizer.
    """
    if shutil.which("cc") is None:
        sys.exit("There is no compiler: cc.")
    environment.enter("test")
    with tempfile.TemporaryDirectory() as folder:
        top = Path(folder)
        for name in ("dynamo_objects", "tests"):
            ignored = shutil.ignore_patterns("*.so", "__pycache__")
            shutil.copytree(environment.TOP / name, top / name, ignore=ignored)
        for name in ("setup.py", "pyproject.toml", "README.rst"):
            shutil.copy(environment.TOP / name, top)
        compiled(top / "dynamo_objects")
        variables = {
            **os.environ,
            "PYTHONPATH": folder,
            "PYTHONMALLOC": "malloc",  # else the sanitizer sees only whole arenas
            "LD_PRELOAD": f"{library('libasan.so')} {library('libubsan.so')}",
            "ASAN_OPTIONS": "detect_leaks=0",  # Python itself keeps much until its end
        }
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *TESTS, *sys.argv[1:]]
        return subprocess.run(command, cwd=top, env=variables, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
