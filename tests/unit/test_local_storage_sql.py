"""What the SQL storage promises besides: files, several processes, schemas, errors, opening."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from dynamo_objects.local.storage import sql
from dynamo_objects.local.storage.base import Entry, Span, StorageError
from dynamo_objects.local.storage.memory import MemoryStorage
from dynamo_objects.local.storage.opening import open_storage
from tests.kills import campaign
from tests.postgres import postgres_url
from tests.storages import opened, storage_url

TOP = Path(__file__).resolve().parents[2]
A = (b"a", b"1")

#: Adds 1 to an entry as often as the command line says, each time in a unit of its own.
INCREMENT = """
import sys
from dynamo_objects.local.storage.base import Entry
from dynamo_objects.local.storage.opening import open_storage
storage = open_storage(sys.argv[1])
for _ in range(int(sys.argv[2])):
    with storage.writing() as unit:
        found = unit.get(1, (b"a", b"1"))
        unit.put(1, (b"a", b"1"), Entry({}, 1 + (found.size if found else 0)))
storage.close()
"""


@pytest.fixture(scope="module")
def postgres() -> Iterator[str | None]:
    """The URL of a PostgreSQL server, if there is one."""
    with postgres_url() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path, postgres) -> Iterator[str]:
    """The URL of an empty database that several storages can share."""
    with storage_url(request.param, tmp_path, postgres) as url:
        if url is None:
            pytest.skip("no PostgreSQL here")
        yield url


@pytest.fixture
def postgres_schema(tmp_path, postgres) -> Iterator[str]:
    """The URL of an empty database of PostgreSQL."""
    with storage_url("postgresql", tmp_path, postgres) as url:
        if url is None:
            pytest.skip("no PostgreSQL here")
        yield url


def test_a_database_keeps_entries(url):
    """
    What was stored is there when the database is opened again.
    """
    with opened(url) as storage, storage.writing() as unit:
        unit.put(1, A, Entry({"a": {"S": "x"}}, 5))
        unit.put_document("table", "t", b"1")
    with opened(url) as storage, storage.reading() as unit:
        found = unit.get(1, A)

        assert found is not None
        assert ({"a": {"S": "x"}}, 5, (1, 5)) == (found.item, found.size, unit.totals(1))
        assert b"1" == unit.document("table", "t")


def test_processes_take_turns(url):
    """
    Several processes that create the tables of one database and count in them lose nothing.
    """
    command = [sys.executable, "-c", INCREMENT, url, "100"]
    processes = [subprocess.Popen(command, cwd=TOP) for _ in range(3)]
    codes = [process.wait() for process in processes]
    with opened(url) as storage, storage.reading() as unit:
        found = unit.get(1, A)

        assert [0, 0, 0] == codes
        assert found is not None
        assert (300, (1, 300)) == (found.size, unit.totals(1))


def test_other_processes_change_the_version(url):
    """
    A storage notices that another one of the same database changed a table, and only that.
    """
    with opened(url) as mine, opened(url) as theirs:
        seen = []
        for kind in ("token", "table", "token", "table"):
            with theirs.writing() as unit:
                unit.put_document(kind, "t", b"")
            with mine.reading() as unit:
                seen.append(mine.version(unit))

    assert seen[1] == seen[2]
    assert 3 == len(set(seen))


def test_a_reading_unit_keeps_its_state_while_others_write(url):
    """
    What another storage of the same database writes meanwhile does not show in a unit that has begun to read.
    """
    with opened(url) as mine, opened(url) as theirs:
        with mine.reading() as unit:
            before = mine.version(unit)
            with theirs.writing() as writing:
                writing.put(1, A, Entry({}, 1))
                writing.put_document("table", "t", b"")

            assert unit.get(1, A) is None
            assert (0, 0) == unit.totals(1)
            assert before == mine.version(unit)
        with mine.reading() as unit:
            assert unit.get(1, A) is not None
            assert before != mine.version(unit)


def test_acknowledged_writes_survive_kills(tmp_path):
    """
    A writer that is killed at any moment leaves all that it acknowledged, and a sound file.
    """
    report = campaign(kills=4, folder=tmp_path, seed=1)

    assert (4, 0, 0) == (report.kills, report.lost, report.unsound)
    assert report.acknowledged > 0


def test_another_shape_is_refused(url):
    """
    Tables of another version of the library are left alone.
    """
    with opened(url) as storage, storage.writing() as unit:
        unit.put_document("schema", "version", b"99")

    with pytest.raises(StorageError, match="shape '99'"):
        open_storage(url)


def test_an_engine_stays_open(tmp_path):
    """
    An engine of the caller's serves the storage, keeps its settings, and is not closed with it.
    """
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'file.db'}")
    storage = open_storage(engine=engine)
    with storage.writing() as unit:
        unit.put(1, A, Entry({}, 1))
    storage.close()
    with engine.connect() as connection:
        found = connection.exec_driver_sql("SELECT entries, bytes FROM dynamo_objects_totals").all()

        assert [(1, 1)] == found
        assert connection.connection.driver_connection.isolation_level is not None
    engine.dispose()


def test_a_file_is_sound_and_in_wal_mode(tmp_path):
    """
    The file is in the mode in which readers do not wait for writers.
    """
    url = f"sqlite:///{tmp_path / 'file.db'}"
    with opened(url), sa.create_engine(url).connect() as connection:
        assert "wal" == connection.exec_driver_sql("PRAGMA journal_mode").scalar()
        assert "ok" == connection.exec_driver_sql("PRAGMA integrity_check").scalar()


def test_memory():
    """
    ``memory://`` is the storage that needs no SQLAlchemy.
    """
    assert isinstance(open_storage("memory://"), MemoryStorage)


@pytest.mark.parametrize(
    "wrong",
    [
        "mysql://tom:S3CRET@host/db",
        "postgresql+psycopg2://tom:S3CRET@host/db",
        "postgres://tom:S3CRET@host:port/db",
        "tom:S3CRET@host",
        "postgresql+psycopg://tom:S3CRET@127.0.0.1:1/db",
        "sqlite:////no/such/folder/file.db",
        "",
    ],
)
def test_errors_show_no_password(wrong):
    """
    A URL that cannot be used is an error that says so, without quoting it.
    """
    with pytest.raises(StorageError) as caught:
        open_storage(wrong)

    assert "S3CRET" not in repr(caught.value)
    assert "S3CRET" not in str(caught.value.__cause__)


def test_reprs_show_no_password(monkeypatch):
    """
    A storage shows the kind of database and its name.
    """
    monkeypatch.setattr(sql.SqlStorage, "_create_tables", lambda self: None)
    storage = open_storage("postgresql://tom:S3CRET@host/db?password=S3CRET")

    assert "SqlStorage(postgresql, database='db')" == repr(storage)


def test_url_or_engine():
    """
    Exactly one of URL and engine is given.
    """
    for given in ({}, {"url": "sqlite://", "engine": object()}):
        with pytest.raises(StorageError, match="one of them"):
            open_storage(**given)


def test_missing_libraries_name_the_extra(monkeypatch):
    """
    Without SQLAlchemy or a driver, the error names what to install.
    """
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(StorageError, match=r"dynamo_objects\[sql\]"):
        open_storage("postgresql://host/db")
    monkeypatch.setitem(sys.modules, "sqlalchemy", None)
    for name in [name for name in sys.modules if name.startswith("dynamo_objects.local.storage.sql")]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(StorageError, match=r"dynamo_objects\[sql\]"):
        open_storage("sqlite://")


def test_driver_errors_become_errors_of_the_library(url):
    """
    What the database refuses is a StorageError, and the next unit works.
    """
    with opened(url) as storage:
        with sa.create_engine(url, poolclass=sa.NullPool).begin() as connection:
            connection.exec_driver_sql("DROP TABLE dynamo_objects_totals")
        with pytest.raises(StorageError, match="dynamo_objects_totals"):
            with storage.writing() as unit:
                unit.put(1, A, Entry({}, 1))
        with storage.reading() as unit:
            assert [] == list(unit.entries(1, Span()))


def test_lost_connections_are_replaced(postgres_schema):
    """
    When the server has closed the connections that were at rest, the next units open others.
    """
    with opened(postgres_schema) as storage:
        with storage.writing() as unit:
            unit.put(1, A, Entry({}, 1))
        with sa.create_engine(postgres_schema, poolclass=sa.NullPool).connect() as connection:
            connection.exec_driver_sql(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
            )
        with storage.writing() as unit:
            unit.put(1, (b"b", b""), Entry({}, 2))
        with storage.reading() as unit:
            assert (2, 3) == unit.totals(1)


def test_keys_that_postgresql_cannot_index(postgres_schema):
    """
    Keys of 2,000 bytes that cannot be compressed are stored; longer ones are a clear error, and change nothing.
    """
    chance = random.Random(1)
    with opened(postgres_schema) as storage:
        with storage.writing() as unit:
            unit.put(1, (chance.randbytes(1300), chance.randbytes(1300)), Entry({}, 1))
            unit.put(1, (b"h" * 2048, b"s" * 3000), Entry({}, 1))
        with pytest.raises(StorageError, match="index row size"):
            with storage.writing() as unit:
                unit.put(1, A, Entry({}, 1))
                unit.put(1, (chance.randbytes(2048), chance.randbytes(1024)), Entry({}, 1))
        with storage.reading() as unit:
            assert (2, 2) == unit.totals(1)
