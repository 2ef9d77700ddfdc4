"""The processes of the benchmark: the server, a worker for each client, and fresh ones for what happens once.

All run in the same Python, with made-up credentials and nothing else of what AWS tools read from the environment.
Each ends with its standard input, and so with the process that started it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

__all__ = ["Place", "Worker", "fresh", "serving"]

#: The folder that holds this package, and the checkout, where ours is if it is not installed.
_FOLDERS = [str(Path(__file__).resolve().parents[1]), str(Path(__file__).resolve().parents[3])]

#: A fresh process sees these last, and with -P nothing of the folder that it is started in.
_PATH = f"import sys; sys.path += {_FOLDERS!r}"

_ONCE = """
import time; wall, cpu = time.perf_counter(), time.process_time()
{path}
{program}
print(time.perf_counter() - wall, time.process_time() - cpu)
{after}
"""


class Place:
    """Where the server is, and what its clients have to know.

    Attributes:
        endpoint: Its URL.
        variables: The environment of the clients.
    """

    def __init__(self, endpoint: str, authority: str | None) -> None:
        self.endpoint = endpoint
        self.variables = {name: value for name, value in os.environ.items() if _is_harmless(name)}
        self.variables |= {
            "AWS_ACCESS_KEY_ID": "benchmark",
            "AWS_SECRET_ACCESS_KEY": "benchmark",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        }
        if authority is not None:
            self.variables |= {"AWS_CA_BUNDLE": authority, "SSL_CERT_FILE": authority}


def _is_harmless(name: str) -> bool:
    """Tell whether a variable is none that changes how a client works, or what Python compiles."""
    is_proxy = name.lower().endswith("_proxy")
    is_bundle = name == "REQUESTS_CA_BUNDLE"
    starts = ("AWS_", "BOTO", "DYNAMO", "PYNAMODB_", "SSL_", "PYTHON")
    return not (is_proxy or is_bundle or name.startswith(starts))


def _python(program: str, *arguments: str) -> list[str]:
    return [sys.executable, "-P", "-c", program, *arguments]


@contextmanager
def serving(*, tls: bool) -> Iterator[Place]:
    """Run the server; it is gone after the block."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        authority = _certify(Path(folder)) if tls else None
        options = ["--certificate", f"{folder}/server.pem"] if tls else []
        command = _python(f"{_PATH}; from peers.stub import main; main()", *options)
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
            assert server.stdin is not None
            assert server.stdout is not None
            port = server.stdout.readline().strip()
            if not port:
                raise RuntimeError("the server did not start; its message is above")
            scheme, host = ("https", "localhost") if tls else ("http", "127.0.0.1")
            try:
                yield Place(f"{scheme}://{host}:{port}", authority)
            finally:
                server.stdin.close()


def _certify(folder: Path) -> str:
    """Make an authority and a certificate of the loopback interface; return the authority's file."""
    import trustme

    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "authority.pem")
    certificate = authority.issue_cert("localhost", "127.0.0.1")
    certificate.private_key_and_cert_chain_pem.write_to_path(folder / "server.pem")
    return str(folder / "authority.pem")


class Worker:
    """A process with one client.

    Attributes:
        version: Of the client's package.
        problem: Why the client does not work; None if it does.
    """

    def __init__(self, name: str, place: Place) -> None:
        command = _python(f"{_PATH}; from peers.worker import main; main()", name, place.endpoint)
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=place.variables
        )
        answer = self._answer()
        self.version: str = answer.get("version", "")
        self.problem: str | None = answer.get("problem")

    def _answer(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        return json.loads(line) if line else {"problem": "its process ended, see its message above"}

    def ask(self, *command: Any) -> Any:
        """Send a command and return the answer."""
        assert self._process.stdin is not None
        print(json.dumps(command), file=self._process.stdin, flush=True)
        answer = self._answer()
        if "problem" in answer:
            raise RuntimeError(f"{command}: {answer['problem']}")
        return answer

    def __enter__(self) -> Worker:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        with self._process:  # closes the pipes, and waits
            pass


def fresh(program: str, place: Place, after: str = "") -> tuple[float, float]:
    """Return the wall and CPU seconds that a program takes in a fresh process, without Python's own start.

    Args:
        after: Runs when the clocks have stopped.
    """
    done = subprocess.run(
        _python(_ONCE.format(path=_PATH, program=program, after=after)),
        env=place.variables,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{program!r} failed:\n{done.stderr}")
    wall, cpu = done.stdout.split()[-2:]
    return float(wall), float(cpu)
