"""moto's mock_aws around tables: with no setting, on the transport that is chosen by itself, whenever it starts."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config
from moto import mock_aws

from dynamo_objects import DynamoRecord, DynamoTable, HashKey
from dynamo_objects.database import DynamoDatabase
from dynamo_objects.errors import DynamoException
from tests.wireservers import ConnectProxy

REGION = "eu-north-1"
TOP = Path(__file__).resolve().parents[2]


class MockedThing(DynamoRecord):
    """What is stored."""

    id: str = ""


class MockedThings(DynamoTable[MockedThing]):
    """Where it is stored."""

    table_name = "mocked_things"
    schema = [HashKey("id")]


WIRES = {None: "PoolWire", "curl": "CurlWire"}


@pytest.fixture(params=[None, "curl", "boto3"])
def kind(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str | None:
    """A transport, None for the one that is chosen by itself."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    if request.param == "curl":
        pytest.importorskip("pycurl")
    found: str | None = request.param
    return found


def use(database: DynamoDatabase) -> list[str]:
    """Write and read, and return what is there."""
    table = MockedThings(database=database)
    table.save_many([MockedThing(id=str(n)) for n in range(60)])
    assert MockedThing(id="7") == table.get("7")
    return sorted(record.id for record in table.scan(segments=4))


EVERY = sorted(map(str, range(60)))


@pytest.mark.parametrize("order", ["mock first", "connect first", "used first"])
def test_the_mock_answers(kind: str | None, order: str) -> None:
    """
    Whether it was started before connect() or after; and again, empty, when it starts again.
    """
    database = DynamoDatabase("test of moto")
    mock = mock_aws()
    try:
        if order == "mock first":
            mock.start()
            database.connect(region_name=REGION, transport=kind)
        else:
            database.connect(region_name=REGION, transport=kind)
            if order == "used first":
                with mock_aws():
                    assert EVERY == use(database)
                database.disconnect()
                database.connect(region_name=REGION, transport=kind)
            mock.start()
        found = use(database)
        transport: Any = database.get_connection().transport

        assert EVERY == found
        if kind != "boto3":
            assert "" == transport.falls_back
            assert WIRES[kind] == type(transport._opened().wire).__name__
    finally:
        database.disconnect()
        if mock is not None:
            mock.stop()


def test_after_the_mock_requests_are_real_and_refused(
    kind: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    As of any client of boto3 they go to AWS, which does not know the credentials: an error, never silence.

    Here a proxy stands in the way, so that nothing leaves this machine.
    """
    with ConnectProxy("Basic nobody") as proxy:
        database = DynamoDatabase("test of moto")
        config = Config(proxies={"https": f"http://{proxy.address}"})
        with mock_aws():
            database.connect(region_name=REGION, transport=kind, config=config)
            assert EVERY == use(database)
            assert [] == proxy.asked
            connection = database.get_connection()
            monkeypatch.setattr(connection, "policy", type(connection.policy)(deadline_seconds=0))
        try:
            with pytest.raises(DynamoException):
                MockedThings(database=database).get("7")
        finally:
            database.disconnect()

    assert {b"CONNECT dynamodb.eu-north-1.amazonaws.com:443"} == {
        asked.split(b" HTTP/")[0] for asked in proxy.asked
    }


@pytest.mark.parametrize("wire", [None, "curl"])
def test_the_mock_is_noticed_when_it_is_imported_late(wire: str | None) -> None:
    """
    By a program that has connected before botocore was there.
    """
    if wire == "curl":
        pytest.importorskip("pycurl")
    program = (
        "from dynamo_objects import DynamoDatabase, DynamoRecord, DynamoTable, HashKey\n"
        "class Thing(DynamoRecord):\n    id: str = ''\n"
        "class Things(DynamoTable[Thing]):\n    table_name = 'things'\n    schema = [HashKey('id')]\n"
        "database = DynamoDatabase('late')\n"
        f"database.connect(region_name='eu-north-1', transport={wire!r})\n"
        "from moto import mock_aws\n"
        "with mock_aws():\n"
        "    table = Things(database=database)\n"
        "    table.save(Thing(id='a'))\n"
        "    print(table.get('a').id)\n"
        "    database.disconnect()\n"
    )
    given = {name: text for name, text in os.environ.items() if not name.startswith("AWS_")}
    given |= {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}
    arguments = [sys.executable, "-X", "dev", "-W", "error::ResourceWarning", "-c", program]
    run = subprocess.run(arguments, capture_output=True, text=True, cwd=TOP, env=given, check=False)

    assert "a\n" == run.stdout, run.stderr
    assert "ResourceWarning" not in run.stderr
