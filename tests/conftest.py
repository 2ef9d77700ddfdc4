"""Fixtures for all tests: engines, and a database on each of them.

``--engine moto`` (or ``dynamodb-local``, ``dynoxide``; several times for several) chooses engines;
by default all of them run.
"""

from __future__ import annotations

import os
import sys
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from dynamo_objects import DynamoDatabase

from .engines import ENGINES, LOCAL, MOTO, Engine, chosen_engines, make_session, mocked

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
            endpoint_url = None if name == MOTO else self._stack.enter_context(_serve(name))
            self._engines[name] = Engine(name, endpoint_url, make_session())
        return self._engines[name]


def _serve(name: str) -> Any:
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
