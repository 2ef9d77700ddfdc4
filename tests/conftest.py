"""Fixtures for all tests: engines, and a database on each of them.

``--engine memory`` (or another of ``engines.ENGINES``; several times for several) chooses engines;
by default all of them run.
"""

from __future__ import annotations

import os
import sys
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from dynamo_objects import DynamoDatabase
from dynamo_objects.local.engine import LocalEngine
from dynamo_objects.local.opening import open_engine
from dynamo_objects.local.server import serve

from .engines import (
    ENGINES,
    LOCAL,
    MEMORY,
    MOTO,
    POSTGRES,
    SERVER,
    SQLITE,
    Engine,
    chosen_engines,
    make_session,
    mocked,
)
from .postgres import postgres_url

# At the end: tools/test.py must not hide the standard library's "test".
sys.path.append(str(Path(__file__).resolve().parents[1] / "tools"))


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--engine``."""
    parser.addoption(
        "--engine", action="append", default=[], choices=ENGINES, help="run on this engine; may be repeated"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker ``engines``."""
    config.addinivalue_line("markers", "engines(*names): run on these engines only")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run tests on each engine, with its name as the id."""
    if "engine_name" in metafunc.fixturenames:
        marker = metafunc.definition.get_closest_marker("engines")
        wanted = ENGINES if marker is None else marker.args
        chosen = [name for name in chosen_engines(metafunc.config.getoption("--engine")) if name in wanted]
        metafunc.parametrize("engine_name", chosen, ids=chosen, scope="module")


class Servers:
    """The servers of this process, each started when it is first needed."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._engines: dict[str, Engine] = {}

    def engine(self, name: str) -> Engine:
        """Return a running engine.

        Raises:
            engines.MissingProgram: It needs java or npm, which is not installed.
        """
        if name not in self._engines:
            self._engines[name] = self._started(name)
        return self._engines[name]

    def _started(self, name: str) -> Engine:
        if name == MOTO:
            return Engine(name, None, make_session())
        if name in (MEMORY, SQLITE, POSTGRES):
            return Engine(name, None, make_session(), self._stack.enter_context(_own(name)))
        return Engine(name, self._stack.enter_context(_serve(name)), make_session())


@contextmanager
def _own(name: str) -> Iterator[LocalEngine]:
    """Give our own engine in this process."""
    from engines import MissingProgram  # of tools

    with ExitStack() as stack:
        url: str | None = "memory://"
        if name == SQLITE:
            folder = stack.enter_context(TemporaryDirectory(ignore_cleanup_errors=True))
            url = f"sqlite:///{folder}/engine.db"
        elif name == POSTGRES:
            url = stack.enter_context(postgres_url())
        if url is None:
            raise MissingProgram("PostgreSQL is not installed: its Debian package is postgresql")
        engine = open_engine(url)
        stack.callback(engine.close)
        yield engine


@contextmanager
def _own_server() -> Iterator[str]:
    with _own(MEMORY) as engine, serve(engine) as url:
        yield url


def _serve(name: str) -> Any:
    """Return what starts a server and gives its URL."""
    if name == SERVER:
        return _own_server()
    if name == LOCAL:
        import dynamodb_local

        return dynamodb_local.serve()
    import dynoxide

    return dynoxide.serve()


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    """The servers of this process."""
    with ExitStack() as stack:
        yield Servers(stack)


@pytest.fixture(scope="module")
def engine(engine_name: str, servers: Servers) -> Iterator[Engine]:
    """An engine; tests that use it run once on each."""
    from engines import MissingProgram  # of tools

    try:
        found = servers.engine(engine_name)
    except MissingProgram as missing:
        if os.environ.get("CI", "").lower() in ("", "0", "false"):
            pytest.skip(str(missing))
        pytest.fail(str(missing))
    with ExitStack() as stack:
        if engine_name == MOTO:
            stack.enter_context(mocked())
        yield found


@pytest.fixture(scope="module")
def engine_client(engine: Engine) -> Iterator[Any]:
    """A boto3 client of an engine."""
    client = engine.client()
    yield client
    client.close()


@pytest.fixture
def prefix() -> str:
    """A table prefix that no other test has."""
    return f"t{uuid.uuid4().hex[:12]}_"


@pytest.fixture
def db(engine: Engine, prefix: str) -> Iterator[DynamoDatabase]:
    """The database that tables use, connected to an engine; its tables are deleted after the test."""
    database = DynamoDatabase()
    database.connect(table_prefix=prefix, deadline_seconds=10.0, **engine.connect_arguments)
    yield database
    if not database.connected():
        database.connect(table_prefix=prefix, **engine.connect_arguments)
    try:
        for name in database.get_tables():
            database.delete_table(name)
    finally:
        database.disconnect()
