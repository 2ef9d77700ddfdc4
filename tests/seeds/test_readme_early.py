"""The snippets of the early readme of dynamo_objects, as far as they differ from those of 1.0.17.

Translated as in test_readme_1_0_17.py. Here the database is reached through its module, and classes are defined
without ``self.__class__``.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from moto import mock_aws

from dynamo_objects import (
    DynamoDatabase,
    DynamoRecord,
    DynamoSchemaException,
    DynamoTable,
    HashKey,
    MemoryTable,
    database,
)

sys.path.append(str(Path(__file__).resolve().parents[2] / "tools"))

import dynamodb_local


class Store(DynamoRecord):
    # define table fields in the class body
    store_id: str = ""
    name: str = ""
    tags: list[str] = []


class StoreTable(DynamoTable[Store]):
    def __init__(self):
        super().__init__(
            "store", schema=[HashKey("store_id")], throughput={"read": 3, "write": 3}, record_class=Store
        )


@pytest.fixture
def db():
    """The default database, connected through the database module as the readme shows."""
    database.Database().disconnect()
    with mock_aws():
        yield database.Database().connect(
            region_name="us-west-1",
            aws_access_key_id="access-key-id",
            aws_secret_access_key="secret-access-key",
            table_prefix="my_prefix_",
        )
        database.Database().disconnect()


def test_database_module(db):
    """
    database.Database() is the default database: what it connects, DynamoDatabase() and all tables use.
    """
    StoreTable()

    assert database.Database() is DynamoDatabase()
    assert ["store"] == database.Database().get_tables()
    assert "my_prefix_store" == database.Database().get_table_name("store")


def test_region_localhost_with_host_and_port_given():
    """
    region_name='localhost' reaches DynamoDB Local, whose host and port can be arguments of connect.
    """
    database.Database().disconnect()
    with dynamodb_local.serve() as endpoint_url:
        host, port = endpoint_url.removeprefix("http://").split(":")
        database.Database().connect(
            region_name="localhost", table_prefix="dev_", DYNAMODB_HOST=host, DYNAMODB_PORT=int(port)
        )
        try:
            StoreTable().save(Store(store_id="1", name="My Store"))

            assert "My Store" == StoreTable().get("1").name
            assert "dev_store" == database.Database().get_table_name("store")
        finally:
            database.Database().disconnect()


def test_two_ways_to_fill_a_record(db):
    """
    Fields are set by assignment or in the constructor, and saved.
    """
    table = StoreTable()
    store = Store()
    store.store_id = "1"
    store.name = "My Store"
    table.save(store)

    # or initialize the fields using the constructor
    store2 = Store(store_id="2", name="My Store 2")
    # change the name
    store2.name = "Another Store"
    StoreTable().save(store2)

    assert ["My Store", "Another Store"] == [table.get(key).name for key in ("1", "2")]


def test_mistyped_field(db):
    """
    The typo that plain boto stores as a new field is an exception here.
    """
    store = Store(store_id="1", name="My Store")

    with pytest.raises(DynamoSchemaException, match="Store has no field 'nmae'"):
        store.nmae = "Another Store"


def test_tags_are_not_shared_between_records():
    """
    Each record has a list of its own, as when it was made in __init__.
    """
    first, second = Store(), Store()
    first.tags.append("new")

    assert [] == second.tags


def test_batch_write_flushes_a_memory_table(db):
    """
    Every record is read once, and no data is written until batch_write is called.
    """
    StoreTable().save_many(Store(store_id=str(n)) for n in range(30))
    table = MemoryTable(StoreTable())
    for n in range(30):
        table.get(str(n)).name = f"store {n}"
        table.get(str(n)).tags.append("seen")
    reads, before = table.db_reads, StoreTable().get("7")

    table.batch_write()

    after = StoreTable().get("7")
    assert 30 == reads
    assert ("", []) == (before.name, before.tags)
    assert ("store 7", ["seen"]) == (after.name, after.tags)


def test_there_is_a_script_that_runs_the_tests():
    """
    tools/test.py is there, and says what it does.
    """
    result = subprocess.run(
        [sys.executable, str(Path(dynamodb_local.__file__).with_name("test.py")), "--help"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert 0 == result.returncode
    assert "Everything that CI does" in result.stdout
