"""A PostgreSQL server for tests: found, started on a free loopback port, stopped.

``DYNAMO_OBJECTS_POSTGRES_URL`` names a server that runs already. Otherwise the programs of
Debian's package ``postgresql`` start one, with data in a temporary folder. Servers refuse to
run as root, so that root starts it as the user ``postgres`` or ``nobody``.
"""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

__all__ = ["find_programs", "postgres_url"]

_VARIABLE = "DYNAMO_OBJECTS_POSTGRES_URL"
_USER = "tests"
_INITDB = ["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"]
_START_SECONDS = 60


def find_programs() -> Path | None:
    """Return the folder with ``initdb`` and ``postgres``, or None."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: path.parts[-3])
    if found:
        return found[-1].parent
    on_path = shutil.which("postgres")
    return Path(on_path).resolve().parent if on_path else None


@contextmanager
def postgres_url() -> Iterator[str | None]:
    """Give the URL of a server while the block runs; None where there is none and none can be started."""
    given, programs = os.environ.get(_VARIABLE), find_programs()
    if given or programs is None:
        yield given
        return
    with tempfile.TemporaryDirectory(prefix="dynamo-objects-postgres-") as folder:
        with _serve(programs, Path(folder)) as url:
            yield url


@contextmanager
def _serve(programs: Path, folder: Path) -> Iterator[str]:
    user = _user(folder)
    password, data, port = secrets.token_hex(8), folder / "data", _free_port()
    secret = folder / "password"
    secret.write_text(password, encoding="ascii")
    if "user" in user:
        os.chown(secret, user["user"], -1)
    subprocess.run(
        [programs / "initdb", "-D", data, "-U", _USER, f"--pwfile={secret}", *_INITDB],
        check=True,
        capture_output=True,
        cwd=folder,
        **user,
    )
    server = subprocess.Popen(
        [programs / "postgres", "-D", data, "-h", "127.0.0.1", "-p", str(port), "-k", folder, "-F"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=folder,
        **user,
    )
    try:
        _wait(programs, port, server)
        yield f"postgresql+psycopg://{_USER}:{password}@127.0.0.1:{port}/postgres"
    finally:
        server.send_signal(signal.SIGINT)  # its "fast" way to stop
        server.wait(_START_SECONDS)


def _user(folder: Path) -> dict[str, Any]:
    """Return what runs a program as somebody who is not root, to whom the folder belongs."""
    if os.geteuid() != 0:
        return {}
    names = {entry.pw_name for entry in pwd.getpwall()}
    entry = pwd.getpwnam("postgres" if "postgres" in names else "nobody")
    os.chown(folder, entry.pw_uid, entry.pw_gid)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(programs: Path, port: int, server: subprocess.Popen[bytes]) -> None:
    ready = [str(programs / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(port), "-t", "1"]
    for _ in range(_START_SECONDS * 20):
        if server.poll() is not None:
            raise RuntimeError(f"postgres ended at once, with status {server.returncode}")
        if subprocess.run(ready, check=False).returncode == 0:
            return
        try:
            server.wait(0.05)
        except subprocess.TimeoutExpired:
            continue
    raise RuntimeError("postgres does not answer")
