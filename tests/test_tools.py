"""The tools that everybody's first command stands on: the environment, and the engines' fetching and serving.

The servers here are Python's own, so that nothing has to be downloaded; the behaviour suite runs the real engines.
"""

from __future__ import annotations

import ast
import base64
import hashlib
import http.client
import os
import signal
import subprocess
import sys
import tarfile
import time
from pathlib import Path

import pytest

TOOLS = Path(__file__).resolve().parent.parent / "tools"
sys.path.append(str(TOOLS))  # at the end: tools/test.py must not hide the standard library's "test"

import engines  # noqa: E402
from environment import Environment, EnvironmentProblem  # noqa: E402

posix_only = pytest.mark.skipif(os.name == "nt", reason="uses a shell script as npm, or POSIX signals")


def python_server(port):
    return [sys.executable, "-m", "http.server", "--bind", "127.0.0.1", str(port)]


def answers(endpoint_url):
    connection = http.client.HTTPConnection(endpoint_url.removeprefix("http://"), timeout=5)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status == 200
    except ConnectionError:  # refused, or reset in the middle of the server's end
        return False
    finally:
        connection.close()


# --- Python and programs that are missing


@pytest.mark.parametrize("path", sorted(TOOLS.glob("*.py")), ids=lambda path: path.name)
def test_an_old_python_can_read_the_tools(path):
    """
    Python 3.8 can parse every tool, and so reaches the line that says that it is too old.
    """
    ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 8))


def test_missing_java_is_reported_by_name(tmp_path):
    """
    Without java, the command ends with one message that names it and its Debian package.
    """
    result = subprocess.run(
        [sys.executable, str(TOOLS / "dynamodb_local.py"), "--port", "0"],
        env={**os.environ, "PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert 1 == result.returncode
    assert "'java'" in result.stderr
    assert "openjdk-17-jre-headless" in result.stderr
    assert "Traceback" not in result.stderr


def test_missing_npm_is_reported_by_name(tmp_path, monkeypatch):
    """
    Without npm, a package that is not there yet raises an error that names npm and its Debian package.
    """
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(engines.MissingProgram, match="apt install npm") as caught:
        engines.fetch(engines.Package("some-engine", "1.0.0"), tmp_path / "store")

    assert "npm" == caught.value.program


# --- fetching


@pytest.fixture
def archive(tmp_path):
    """An npm archive with one file."""
    (tmp_path / "engine.txt").write_text("content", encoding="utf-8")
    path = tmp_path / "made.tgz"
    with tarfile.open(path, "w:gz") as opened:
        opened.add(tmp_path / "engine.txt", "package/engine.txt")
    return path


@pytest.fixture
def use_npm(tmp_path, monkeypatch):
    """Put a program named npm on the PATH that runs the given shell command in the folder that it is called in."""

    def use(shell_command):
        folder = tmp_path / "bin"
        folder.mkdir(exist_ok=True)
        (folder / "npm").write_text(f"#!/bin/sh\n{shell_command}\n", encoding="utf-8")
        (folder / "npm").chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")

    return use


@posix_only
def test_a_package_is_fetched_once(tmp_path, archive, use_npm):
    """
    The second call answers from the store; it does not need npm.
    """
    digest = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    package = engines.Package("@scope/engine", "1.0.0", f"sha512-{digest}")
    use_npm(f"cp '{archive}' .")
    first = engines.fetch(package, tmp_path / "store")
    use_npm("exit 1")

    second = engines.fetch(package, tmp_path / "store")

    assert first == second
    assert "content" == (second / "package" / "engine.txt").read_text(encoding="utf-8")
    assert ["scope-engine-1.0.0"] == os.listdir(tmp_path / "store")


@posix_only
def test_a_wrong_archive_is_refused_and_not_kept(tmp_path, archive, use_npm):
    """
    An archive that is not the pinned one raises, and leaves nothing in the store.
    """
    use_npm(f"cp '{archive}' .")

    with pytest.raises(engines.FetchFailed, match="sha512-AAAA"):
        engines.fetch(engines.Package("engine", "1.0.0", "sha512-AAAA"), tmp_path / "store")

    assert [] == os.listdir(tmp_path / "store")


@posix_only
def test_a_broken_download_looks_not_complete(tmp_path, archive, use_npm):
    """
    A download that broke off raises what npm said, and leaves nothing in the store.
    """
    use_npm(f"head -c 40 '{archive}' > made.tgz; echo 'network went away' >&2; exit 1")

    with pytest.raises(engines.FetchFailed, match="network went away"):
        engines.fetch(engines.Package("engine", "1.0.0"), tmp_path / "store")

    assert [] == os.listdir(tmp_path / "store")


# --- serving


def test_a_server_answers_inside_the_block_and_is_gone_after_it():
    """
    When ``with`` begins, the server answers; when it ends, its process and its port are free.
    """
    with engines.serve("server", python_server) as engine:
        inside = answers(engine.endpoint_url)

    assert inside
    assert not answers(engine.endpoint_url)
    assert engine.process.returncode is not None


def test_a_failing_block_stops_the_server_too():
    """
    An error inside the block passes through, and the server is gone.
    """
    with pytest.raises(ZeroDivisionError), engines.serve("server", python_server) as engine:
        _ = 1 / 0

    assert not answers(engine.endpoint_url)


@posix_only
def test_a_server_does_not_outlive_a_killed_parent():
    """
    When the process that started a server is killed outright, the server ends as well.
    """
    script = (
        f"import sys, time; sys.path.append({str(TOOLS)!r}); import engines\n"
        "def server(port): return [sys.executable, '-m', 'http.server', '--bind', '127.0.0.1', str(port)]\n"
        "with engines.serve('server', server) as engine: print(engine.endpoint_url, flush=True); time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as parent:
        endpoint_url = parent.stdout.readline().strip()
        before = answers(endpoint_url)
        parent.send_signal(signal.SIGKILL)
    give_up = time.monotonic() + 10
    while answers(endpoint_url) and time.monotonic() < give_up:
        time.sleep(0.02)

    assert before
    assert not answers(endpoint_url)


def test_servers_side_by_side_have_their_own_ports():
    """
    Two servers that run at the same time never share a port.
    """
    with engines.serve("one", python_server) as one, engines.serve("two", python_server) as two:
        assert one.endpoint_url != two.endpoint_url
        assert answers(one.endpoint_url)
        assert answers(two.endpoint_url)


def test_a_given_port_that_is_in_use_is_named():
    """
    A port that the caller chose is never replaced by another one: the error names it.
    """
    with engines.serve("first", python_server) as engine:
        port = int(engine.endpoint_url.rpartition(":")[2])

        with (
            pytest.raises(engines.StartFailed, match=f"port {port}"),
            engines.serve("second", python_server, port),
        ):
            pass


def test_a_free_port_that_was_lost_is_replaced():
    """
    When somebody takes the free port before the engine does, another port is tried.
    """
    tried = []

    def command(port):
        tried.append(port)
        lost = [sys.executable, "-c", "raise SystemExit('Address already in use')"]
        return python_server(port) if len(tried) > 1 else lost

    with engines.serve("server", command) as engine:
        works = answers(engine.endpoint_url)

    assert works
    assert 2 == len(tried)


def test_a_server_that_ends_at_once_says_why():
    """
    The error holds the end of what the program printed, and its exit code.
    """
    command = [sys.executable, "-c", "import sys; print('no such option'); sys.exit(7)"]

    with (
        pytest.raises(engines.StartFailed, match=r"ended with code 7.*\n.*no such option"),
        engines.serve("server", lambda _port: command),
    ):
        pass


# --- the environment

#: A project that pip installs without any network: it is its own build backend.
PYPROJECT = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
"""
BACKEND = """
import os, zipfile
METADATA = "Metadata-Version: 2.1\\nName: tiny\\nVersion: 1\\nProvides-Extra: test\\n"
def build_editable(folder, config_settings=None, metadata_directory=None):
    name = "tiny-1-py3-none-any.whl"
    with zipfile.ZipFile(os.path.join(folder, name), "w") as wheel:
        wheel.writestr("tiny.pth", os.getcwd())
        wheel.writestr("tiny-1.dist-info/METADATA", METADATA)
        wheel.writestr("tiny-1.dist-info/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr("tiny-1.dist-info/RECORD", "")
    return name
"""


@pytest.fixture
def project(tmp_path):
    """The environment, not made yet, of a checkout with a tiny project in it."""
    for name, text in {"setup.py": "", "pyproject.toml": PYPROJECT, "backend.py": BACKEND}.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return Environment(tmp_path)


def test_a_finished_environment_is_ready_until_its_sources_change(project):
    """
    Once made, nothing is installed again, until an extra is asked for or the project's declaration changes.
    """
    before = project.is_ready(["test"])
    project.ensure(["test"])
    made = project.is_ready(["test"])
    more = project.is_ready(["test", "sql"])
    (project.top / "setup.py").write_text("# changed", encoding="utf-8")
    changed = project.is_ready(["test"])

    assert (False, True, False, False) == (before, made, more, changed)
    subprocess.run(
        [str(project.python), "-c", "import backend"], env=project.variables(), cwd="/", check=True
    )


@posix_only
def test_an_interrupted_creation_heals(project):
    """
    When the first run is killed in the middle, the next one makes a whole environment.
    """
    script = (
        f"import sys; sys.path.append({str(TOOLS)!r}); import pathlib, environment\n"
        f"environment.Environment(pathlib.Path({str(project.top)!r})).ensure()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], start_new_session=True, stdout=subprocess.DEVNULL
    ) as first:
        while first.poll() is None and not (project.folder / "bin").exists():
            time.sleep(0.01)
        os.killpg(first.pid, signal.SIGKILL)  # its own session: it, and the venv and pip that it started
    interrupted = project.is_ready()

    project.ensure()

    assert not interrupted
    assert project.is_ready()
    subprocess.run(
        [str(project.python), "-c", "import backend, pip"], env=project.variables(), cwd="/", check=True
    )


def test_a_folder_of_somebody_else_is_not_cleared(project):
    """
    A .venv that we did not make and cannot use is reported, and left as it is.
    """
    project.folder.mkdir()
    precious = project.folder / "precious.txt"
    precious.write_text("mine", encoding="utf-8")

    with pytest.raises(EnvironmentProblem, match="Rename or remove it"):
        project.ensure()

    assert ["precious.txt"] == os.listdir(project.folder)


def test_a_python_without_ensurepip_names_the_package(project, monkeypatch):
    """
    Debian's Python without python3-venv is told to install it, before anything is made.
    """
    monkeypatch.setitem(sys.modules, "ensurepip", None)  # how Python marks a module that cannot be imported

    with pytest.raises(EnvironmentProblem, match="apt install python3-venv"):
        project.ensure()

    assert not project.folder.exists()
