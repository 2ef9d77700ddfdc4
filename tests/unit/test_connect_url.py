"""connect(url=...) and connect(engine=...): the same tables without AWS."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dynamo_objects import DynamoDatabase, DynamoException, DynamoRecord, DynamoTable, HashKey, TransportError
from dynamo_objects.connection.local import LocalTransport, local_transport
from dynamo_objects.connection.transport import Reply
from tests.dictservice import good_reply

SECRET = "s3cr:t/@%"
QUOTED = "s3cr%3At%2F%40%25"


class Thing(DynamoRecord):
    id: str = ""
    n: int = 0


class ThingTable(DynamoTable[Thing]):
    table_name = "thing"
    schema = [HashKey("id")]


@pytest.fixture
def db() -> Iterator[DynamoDatabase]:
    """The default database, free before and after."""
    database = DynamoDatabase()
    database.disconnect()
    yield database
    database.disconnect()


class Told:
    """An engine that answers as told, or raises."""

    def __init__(self, answer: Any) -> None:
        self._answer = answer
        self.is_closed = False

    def send(self, operation: str, payload: bytes) -> Reply:
        """Answer."""
        if isinstance(self._answer, Exception):
            raise self._answer
        return good_reply(self._answer)

    def close(self) -> None:
        """Note it."""
        self.is_closed = True


def test_tables_in_memory(db: DynamoDatabase) -> None:
    """
    url="memory://" needs nothing else; disconnecting forgets the tables.
    """
    db.connect(url="memory://", table_prefix="x_")
    ThingTable().save(Thing(id="a", n=1))

    assert db.is_local_db()
    assert (1, ["thing"]) == (ThingTable().get("a").n, db.get_tables())
    db.disconnect()
    db.connect(url="memory://")
    assert [] == db.get_tables()


def test_each_database_in_memory_is_its_own(db: DynamoDatabase) -> None:
    """
    Two databases with the same URL in memory do not share tables.
    """
    db.connect(url="memory://")
    db.create_table("thing", schema=[HashKey("id")])
    other = DynamoDatabase("other in memory").connect(url="memory://")
    try:
        assert ([], ["thing"]) == (other.get_tables(), db.get_tables())
    finally:
        other.disconnect()


def test_the_boto3_table_is_on_the_same_engine(db: DynamoDatabase) -> None:
    """
    table.table is a boto3 Table that reads and writes the same items.
    """
    db.connect(url="memory://", table_prefix="x_")
    table = ThingTable()
    table.table.put_item(Item={"id": "a", "n": 3})

    assert 3 == table.get("a").n
    assert "x_thing" == table.table.name
    assert "ACTIVE" == db.get_table("thing").table_status


def test_an_engine_that_was_given_stays_open(db: DynamoDatabase) -> None:
    """
    disconnect closes what connect has opened, and nothing else.
    """
    engine = Told({"TableNames": ["x_told"]})
    db.connect(engine=engine, table_prefix="x_")

    assert (["told"], True) == (db.get_tables(), db.is_local_db())
    db.disconnect()
    assert not engine.is_closed
    LocalTransport(engine).close()
    assert engine.is_closed


@pytest.mark.parametrize(
    "arguments",
    [
        {"region_name": "us-east-1"},
        {"region_name": "localhost"},
        {"endpoint_url": "http://localhost:8000"},
        {"client": object()},
        {"session": object()},
        {"config": object()},
        {"aws_access_key_id": "a"},
        {"profile_name": "a"},
        {"transport": object()},
        {"DYNAMODB_PORT": 8000},
        {"engine": object()},
    ],
)
def test_an_engine_and_a_service_contradict_each_other(db: DynamoDatabase, arguments: dict[str, Any]) -> None:
    """
    url= stands alone; what contradicts it is named, and nothing is connected.
    """
    with pytest.raises(DynamoException, match=f"url and {next(iter(arguments))} contradict"):
        db.connect(url="memory://", **arguments)

    assert not db.connected()


@pytest.mark.parametrize(
    "url",
    [
        f"nosuchdatabase://user:{QUOTED}@host/db",
        f"nosuchdatabase://host/db?password={QUOTED}",
        f"nosuchdatabase://user:{QUOTED}@host:port/db",
        f"nosuchdatabase://user:{QUOTED}@[/db",
        f"://{QUOTED}@",
        f"sqlite+nosuchdriver://user:half@{QUOTED}@host/db",
        "nonsense",
        "",
    ],
)
def test_bad_urls_are_refused_without_their_passwords(db: DynamoDatabase, url: str) -> None:
    """
    An engine that cannot be opened is a DynamoException; no message or repr has the password.
    """
    with pytest.raises(DynamoException) as caught:
        db.connect(url=url)
    shown = f"{caught.value!r} {caught.value} {caught.value.__cause__!r} {caught.value.__context__!r} {db!r}"

    assert SECRET not in shown
    assert QUOTED not in shown
    assert not db.connected()


def test_faults_of_the_engine_do_not_show_what_they_say() -> None:
    """
    An exception out of the engine is a TransportError, which names its kind.
    """
    transport = local_transport(None, Told(ValueError("a value")))

    with pytest.raises(TransportError) as caught:
        transport.send("GetItem", b"{}", 1.0)

    assert "ValueError" in str(caught.value)
    assert "a value" not in str(caught.value)


def test_a_closed_transport_says_so() -> None:
    """
    After close nothing is sent.
    """
    transport = LocalTransport(Told({}))
    transport.close()
    transport.close()

    with pytest.raises(TransportError, match="closed"):
        transport.send("GetItem", b"{}", 1.0)


# --- in a database --------------------------------------------------------------------------


def test_tables_in_a_file(db: DynamoDatabase, tmp_path: Path) -> None:
    """
    With a URL of SQLite, tables are there again after disconnecting.
    """
    pytest.importorskip("sqlalchemy")
    url = f"sqlite:///{tmp_path / 'stores.db'}"
    db.connect(url=url, table_prefix="x_")
    ThingTable().save(Thing(id="a", n=1))
    ThingTable().table.update_item(
        Key={"id": "a"}, UpdateExpression="SET n = :n", ExpressionAttributeValues={":n": 2}
    )
    db.disconnect()
    db.connect(url=url, table_prefix="x_")

    assert db.is_local_db()
    assert 2 == ThingTable().get("a").n


def test_a_sqlalchemy_engine_stays_open(db: DynamoDatabase, tmp_path: Path) -> None:
    """
    An engine of SQLAlchemy is used as it is, and can be used after disconnecting.
    """
    sqlalchemy = pytest.importorskip("sqlalchemy")
    engine = sqlalchemy.create_engine(f"sqlite:///{tmp_path / 'stores.db'}")
    for n in range(2):
        db.connect(engine=engine)
        ThingTable().update_counter("a", n=1)

        assert n + 1 == ThingTable().get("a").n
        db.disconnect()
    with engine.connect() as connection:
        assert 1 == connection.execute(sqlalchemy.text("select 1")).scalar()
    engine.dispose()


def test_files_that_cannot_be_opened_are_refused(db: DynamoDatabase, tmp_path: Path) -> None:
    """
    A file in a folder that is not there is a DynamoException, at once or when it is used.
    """
    pytest.importorskip("sqlalchemy")
    with pytest.raises(DynamoException):
        db.connect(url=f"sqlite:///{tmp_path / 'no' / 'such' / 'folder.db'}").get_tables()
