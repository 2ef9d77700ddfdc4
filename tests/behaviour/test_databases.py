"""Databases: connecting, prefixes, administration."""

from __future__ import annotations

import boto3
import pytest
from botocore.config import Config

from dynamo_objects import (
    DynamoDatabase,
    DynamoException,
    DynamoRecord,
    DynamoSchemaException,
    DynamoTable,
    GlobalIndex,
    HashKey,
    LocalIndex,
    RangeKey,
    TableNotFound,
    database,
)
from dynamo_objects.errors import TableInUse
from tests.engines import REGION

from .tables import Store, StoreTable, VisitTable


class MyDatabase(DynamoDatabase):
    """A database of one's own."""


@pytest.fixture
def reports(engine, prefix):
    """A second database, under another prefix."""
    second = DynamoDatabase("reports")
    second.connect(table_prefix=f"{prefix}r_", **engine.connect_arguments)
    yield second
    if second.connected():
        for name in second.get_tables():
            second.delete_table(name)
        second.disconnect()


@pytest.fixture
def alone():
    """A database that is not connected."""
    single = DynamoDatabase("alone")
    yield single
    single.disconnect()


# --- connecting -------------------------------------------------------------------------------


def test_databases_are_kept_by_name(db):
    """
    A database is always the same object for the same name.
    """
    assert DynamoDatabase() is DynamoDatabase() is db
    assert DynamoDatabase("other") is DynamoDatabase("other")
    assert DynamoDatabase("other") is not db


def test_second_connect_changes_nothing(db, prefix):
    """
    Connecting again is an error that leaves connection and prefix as they are.
    """
    connection = db.get_connection()

    with pytest.raises(DynamoException, match="is already connected: disconnect"):
        db.connect(region_name="eu-west-1", table_prefix="other_")
    assert (connection, prefix) == (db.get_connection(), db.table_prefix)


def test_without_a_connection(alone):
    """
    Everything that needs a connection says how to make one; the rest answers.
    """
    assert not alone.connected()
    alone.disconnect()
    for call in (
        alone.get_connection,
        alone.get_tables,
        alone.is_local_db,
        lambda: alone.get_table_name("store"),
        lambda: alone.exists("store"),
        lambda: StoreTable(database=alone),
        lambda: DynamoTable("store", schema=[HashKey("store_id")], record_class=Store, database="alone"),
    ):
        with pytest.raises(DynamoException, match=r"is not connected: call connect\(region_name="):
            call()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"region_name": REGION, "table_prefix": "no spaces"}, "table_prefix has up to 200"),
        ({"region_name": REGION, "table_prefix": None}, "table_prefix has up to 200"),
        ({"region_name": "localhost", "endpoint_url": "http://localhost:1"}, "leave out endpoint_url"),
        ({"region_name": "localhost", "session": object()}, "leave out session"),
        ({"region_name": REGION, "DYNAMODB_PORT": 8000}, "DYNAMODB_PORT need region_name='localhost'"),
        ({"region_name": REGION, "endpoint_url": "localhost:8000"}, "an endpoint is a URL"),
        ({"region_name": REGION, "endpoint_url": "http://db.example.com"}, "without encryption"),
        ({"session": object(), "aws_access_key_id": "a"}, "a client, a session or credentials"),
        ({"client": object()}, "client= takes a client"),
        (
            {"transport": object(), "region_name": REGION},
            "connect takes a transport, or region_name, not both",
        ),
        ({"transport": object(), "session": object()}, "connect takes a transport, or session, not both"),
    ],
)
def test_arguments_that_contradict_each_other(alone, arguments, message):
    """
    What would be ignored, or cannot work, is an error; the database stays unconnected.
    """
    with pytest.raises(DynamoException, match=message):
        alone.connect(**arguments)
    assert not alone.connected()


def test_client_with_an_endpoint(alone):
    """
    A client brings its own endpoint and configuration.
    """
    client = boto3.client("dynamodb", region_name=REGION, aws_access_key_id="a", aws_secret_access_key="b")

    with pytest.raises(DynamoException, match="a client= has its own endpoint_url and config"):
        alone.connect(client=client, endpoint_url="http://localhost:1", config=Config())


def test_misspelt_argument(alone):
    """
    An argument that does not exist is an error.
    """
    with pytest.raises(TypeError, match="prefix"):
        alone.connect(region_name=REGION, prefix="x_")


def test_connect_sends_nothing(alone):
    """
    Connecting is free; wrong places are found when they are used.
    """
    alone.connect(region_name="localhost", DYNAMODB_PORT=1, deadline_seconds=0.1)

    assert {} == alone.get_connection().requests
    assert alone.is_local_db()
    with pytest.raises(DynamoException, match=r"cannot connect to localhost:1|EndpointConnectionError"):
        alone.get_tables()


def test_localhost_from_the_environment(alone, monkeypatch):
    """
    region_name="localhost" is DynamoDB Local at DYNAMODB_HOST and DYNAMODB_PORT.
    """
    monkeypatch.setenv("DYNAMODB_HOST", "127.0.0.1")
    monkeypatch.setenv("DYNAMODB_PORT", "4567")
    alone.connect(region_name="localhost")

    assert "http://127.0.0.1:4567" == alone.get_connection().transport.client.meta.endpoint_url


@pytest.mark.engines("dynamodb-local", "dynoxide")
def test_localhost_shortcut(engine, alone, prefix):
    """
    The shortcut needs no credentials.
    """
    port = engine.endpoint_url.rpartition(":")[2]
    alone.connect(region_name="localhost", DYNAMODB_HOST="127.0.0.1", DYNAMODB_PORT=port, table_prefix=prefix)

    assert [] == alone.get_tables()
    assert alone.is_local_db()


def test_client_of_ones_own(engine, engine_client, alone, prefix):
    """
    Any boto3 client may be used as it is.
    """
    alone.connect(client=engine_client, table_prefix=prefix)
    table = StoreTable(database=alone)
    table.save(Store(store_id="s1"))

    assert Store(store_id="s1") == table.get("s1")
    assert f"{prefix}store" == table.table.name
    alone.delete_table("store")


def test_is_local_db(db, engine):
    """
    A database tells whether its engine is on this machine.
    """
    assert (engine.name != "moto") == db.is_local_db()


def test_names_of_the_readme():
    """
    The names of the 2016 library lead to the same classes.
    """
    assert database.Database is DynamoDatabase
    assert database.TablesThroughput is database.TableThroughput
    assert issubclass(database.ItemNotFound, DynamoException)


# --- reconnecting -----------------------------------------------------------------------------


def test_table_instances_follow_a_reconnect(db, engine, prefix):
    """
    After a reconnect, a table made before is the table under the new prefix, never one under the old.
    """
    table = StoreTable()
    table.save(Store(store_id="s1"))
    query = table.query("s1")
    db.disconnect()
    with pytest.raises(DynamoException, match="not connected"):
        table.find("s1")
    db.connect(table_prefix=f"{prefix}new_", **engine.connect_arguments)

    assert f"{prefix}new_store" == table.full_name
    assert table.find("s1") is None
    assert [] == query()
    table.save(Store(store_id="s2"))
    db.disconnect()
    db.connect(table_prefix=prefix, **engine.connect_arguments)
    assert ["s1"] == [store.store_id for store in table.scan()]


# --- prefixes ---------------------------------------------------------------------------------


def test_prefixes_keep_databases_apart(db, reports):
    """
    The same table under two prefixes is two tables.
    """
    mine, theirs = StoreTable(), StoreTable(database="reports")
    mine.save(Store(store_id="s1", city="mine"))
    theirs.save(Store(store_id="s1", city="theirs"))
    mine.delete("s1")

    assert "theirs" == theirs.get("s1").city
    assert theirs.full_name.endswith("r_store")
    assert "DynamoDatabase('reports')" == repr(theirs.database)


def test_get_tables_of_a_prefix(db, reports, engine_client, prefix):
    """
    get_tables gives the names under the prefix, without it; a table called like the prefix is none of them.
    """
    StoreTable()
    VisitTable()
    StoreTable(database=reports)
    engine_client.create_table(
        TableName=prefix,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )

    assert ["store"] == reports.get_tables()
    assert ["r_store", "store", "visit"] == sorted(db.get_tables())
    with pytest.raises(DynamoSchemaException):
        db.delete_table("")
    engine_client.delete_table(TableName=prefix)


def test_deleting_stays_inside_the_prefix(db, reports):
    """
    Deleting a table leaves those of other prefixes alone, however alike they are.
    """
    StoreTable()
    StoreTable(database=reports)

    assert reports.delete_table("store") is True
    assert db.exists("store")
    assert db.delete_table("r_store") is False


@pytest.mark.parametrize("name", ["", None, 5, "no spaces", "x" * 300, "a/b"])
def test_names_that_are_none(offline, name):
    """
    A name that no table can have is an error before any request.
    """
    for call in (offline.exists, offline.delete_table, offline.get_table_name, offline.get_table_throughputs):
        with pytest.raises(DynamoSchemaException, match="name"):
            call(name)


# --- administration ---------------------------------------------------------------------------


def test_create_and_delete(db):
    """
    A table without a class can be made, described and deleted.
    """
    assert not db.exists("thing")
    db.create_table(
        "thing",
        [HashKey("id"), RangeKey("number", data_type="N")],
        {"read": 2, "write": 1},
        global_indexes=[GlobalIndex("ByOwner", [HashKey("owner")], throughput={"read": 1, "write": 1})],
        local_indexes=[LocalIndex("BySize", [RangeKey("size", data_type="N")])],
    )

    assert db.exists("thing")
    assert ("id", "number") == db.get_table_key("thing")
    units = {"table": {"read": 2, "write": 1}, "ByOwner": {"read": 1, "write": 1}}
    assert units == db.get_table_throughputs("thing")
    db.wait_table_active("thing")
    assert db.delete_table("thing") is True
    assert db.delete_table("thing") is False
    assert not db.exists("thing")


def test_create_what_exists(db):
    """
    Creating a table that exists is an error.
    """
    db.create_table("thing", [HashKey("id")])

    with pytest.raises(TableInUse):
        db.create_table("thing", [HashKey("id")])


def test_missing_tables(db):
    """
    Asking about a table that does not exist is TableNotFound.
    """
    for call in (db.get_table_key, db.get_table_throughputs, db.wait_table_active):
        with pytest.raises(TableNotFound):
            call("nothing")


def test_throughput_of_a_declared_table(db):
    """
    Throughputs can be asked by a table or its name; on demand they are zero.
    """

    class Provisioned(StoreTable):
        table_name = "provisioned"
        throughput = {"read": 3, "write": 4}

    units = {"read": 3, "write": 4}
    assert {"table": units, "ByCompany": units} == db.get_table_throughputs(Provisioned())
    assert {"table": {"read": 0, "write": 0}} == db.get_table_throughputs(StoreTable())
    assert {"table": {"read": 0, "write": 0}} == db.get_table_throughputs("store")


def test_boto3_table(db, prefix):
    """
    get_table gives the boto3 Table, with its prefix.
    """
    StoreTable().save(Store(store_id="s1"))

    assert f"{prefix}store" == db.get_table("store").name
    assert 1 == db.get_table("store").scan()["Count"]


@pytest.mark.engines("moto", "dynoxide")
def test_more_than_a_hundred_tables(db, engine_client, prefix):
    """
    ListTables answers with a hundred names at once; all pages are read.
    """
    names = [f"n{number:03}" for number in range(105)]
    for name in names:
        engine_client.create_table(
            TableName=prefix + name,
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )

    assert names == sorted(db.get_tables())
    assert db.exists("n104")
    for name in names:
        engine_client.delete_table(TableName=prefix + name)


def test_transport_of_ones_own_has_no_boto3(alone):
    """
    Without boto3 behind it, a database has no boto3 tables, and says so.
    """

    class Silent:
        retries_by_itself = False

        def close(self):
            """Do nothing."""

    alone.connect(transport=Silent(), auto_create=False)

    with pytest.raises(DynamoException, match="there is no boto3 behind a transport= of one's own"):
        alone.get_table("store")
    assert not alone.is_local_db()


def test_another_kind_of_database_of_the_same_name(db):
    """
    A subclass cannot take the name of a database that exists.
    """
    with pytest.raises(DynamoException, match="is a DynamoDatabase already, not a MyDatabase"):
        MyDatabase()
    assert isinstance(MyDatabase("mine"), MyDatabase)


def test_database_of_a_table(db, reports):
    """
    A table's class, or its arguments, may name its database.
    """

    class ReportTable(StoreTable):
        database = "reports"

    assert reports is ReportTable().database
    assert db is ReportTable(database=db).database
    with pytest.raises(DynamoSchemaException, match="database= takes a DynamoDatabase or its name"):
        StoreTable(database=5)


def test_record_of_any_fields(db):
    """
    A table without a record class takes any fields.
    """
    table: DynamoTable = DynamoTable("any", schema=[HashKey("id")])

    assert isinstance(table.save(table.record_class(id="a", x=1)), DynamoRecord)
