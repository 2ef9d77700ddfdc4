"""dynoxide, an engine close to today's AWS in one static program (Rust, SQLite): fetch it, run it.

``python3 tools/dynoxide.py`` runs it in the foreground; in a test::

    with dynoxide.serve() as endpoint_url:
        ...

It needs npm for the first download, and nothing to run. It listens on 127.0.0.1 alone.
"""

from __future__ import annotations

import platform
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import engines

__all__ = ["fetch", "serve"]

VERSION = "1.2.1"

#: (platform.system(), platform.machine() in small letters) -> what npm calls that platform.
PLATFORMS = {
    ("Linux", "x86_64"): "linux-x64",
    ("Linux", "aarch64"): "linux-arm64",
    ("Darwin", "x86_64"): "darwin-x64",
    ("Darwin", "arm64"): "darwin-arm64",
    ("Windows", "amd64"): "win32-x64",
}

#: Those of the archives that were tried.
INTEGRITY = {
    "linux-x64": "sha512-sBHqlxJ9ANkLluFkYRfd5r8Y0ApFew4FhOrlhgRAgD4XzEoFOukEo1nuBTQ1+jTtofqwn4NWQ2k0Tn5mNTjgUg==",
}


def fetch() -> Path:
    """Return the program, downloading it when it is not there yet.

    Raises:
        engines.FetchFailed: There is none for this kind of machine, or it cannot be downloaded.
        engines.MissingProgram: It is not there yet, and npm is not installed.
    """
    machine = (platform.system(), platform.machine().lower())
    if machine not in PLATFORMS:
        raise engines.FetchFailed(
            f"dynoxide has no program for {' '.join(machine)}, only for {', '.join(PLATFORMS.values())}; "
            "use tools/dynamodb_local.py"
        )
    name = PLATFORMS[machine]
    package = engines.Package(f"@dynoxide/{name}", VERSION, INTEGRITY.get(name, ""))
    return engines.fetch(package) / "package" / ("dynoxide.exe" if machine[0] == "Windows" else "dynoxide")


@contextmanager
def serve(port: int = 0) -> Iterator[str]:
    """Run the engine, with tables in memory, while the ``with`` block runs; give its endpoint URL.

    Args:
        port: 0 for any free port.

    Raises:
        engines.EngineProblem: It cannot be had (see its subclasses); the message says what to do.
    """
    with _start(port) as engine:
        yield engine.endpoint_url


@contextmanager
def _start(port: int) -> Iterator[engines.Engine]:
    program = str(fetch())  # without --db-path it keeps the tables in memory

    def command(port: int) -> list[str]:
        return [program, "serve", "--host", "127.0.0.1", "--port", str(port)]

    with engines.serve("dynoxide", command, port) as engine:
        yield engine


if __name__ == "__main__":
    engines.command_line(__doc__, fetch, _start)
