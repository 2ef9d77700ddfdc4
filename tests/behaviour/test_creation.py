"""Tables that create themselves, and tables that are not as declared."""

from __future__ import annotations

import multiprocessing
import threading

import pytest

from dynamo_objects import (
    DynamoException,
    DynamoRecord,
    DynamoSchemaException,
    DynamoTable,
    GlobalIndex,
    HashKey,
    LocalIndex,
    RangeKey,
    TableNotFound,
    field,
)
from dynamo_objects.database import DynamoDatabase

from .tables import Store, StoreTable, Visit, VisitTable


def test_construction_creates_the_table(db, engine_client, prefix):
    """
    Making a table object creates the table as declared, active when it returns.
    """
    StoreTable()
    found = engine_client.describe_table(TableName=f"{prefix}store")["Table"]

    assert "ACTIVE" == found["TableStatus"]
    assert [{"AttributeName": "store_id", "KeyType": "HASH"}] == found["KeySchema"]
    assert "PAY_PER_REQUEST" == found["BillingModeSummary"]["BillingMode"]
    (index,) = found["GlobalSecondaryIndexes"]
    assert ("ByCompany", "ALL") == (index["IndexName"], index["Projection"]["ProjectionType"])
    types = {found["AttributeName"]: found["AttributeType"] for found in found["AttributeDefinitions"]}
    assert {"store_id": "S", "company_id": "S"} == types


def test_projections_of_indexes(db, engine_client, prefix):
    """
    Indexes are made with the projection declared.
    """
    VisitTable()
    found = engine_client.describe_table(TableName=f"{prefix}visit")["Table"]
    indexes = found["GlobalSecondaryIndexes"] + found["LocalSecondaryIndexes"]
    projections = {index["IndexName"]: index["Projection"] for index in indexes}

    assert {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["note"]} == projections["PaidByGuest"]
    assert "KEYS_ONLY" == projections["KeysByNote"]["ProjectionType"]


def test_constructing_again_costs_nothing(db, count_requests):
    """
    The first instance asks the service; writing ``StoreTable().get(x)`` everywhere costs no more requests.
    """
    requests = count_requests()
    StoreTable()
    first = requests.sent()
    for _ in range(10):
        StoreTable()
        DynamoTable(
            "store",
            schema=[HashKey("store_id")],
            record_class=Store,
            global_indexes=StoreTable.global_indexes,
        )

    assert 1 == first["CreateTable"]
    assert {"DescribeTable": 1} == {
        name: n - first.get(name, 0) for name, n in requests.sent().items() if n > first.get(name, 0)
    }


def test_existing_table_is_found(db, engine, prefix):
    """
    A table that exists is used as it is.
    """
    StoreTable().save(Store(store_id="s1"))
    db.disconnect()
    db.connect(table_prefix=prefix, **engine.connect_arguments)

    assert "s1" == StoreTable().get("s1").store_id
    assert "CreateTable" not in db.get_connection().requests


def test_auto_create_can_be_switched_off(db, engine, prefix, count_requests):
    """
    With auto_create=False nothing is created or described, on the table or on all of a connection.
    """

    class Careful(StoreTable):
        auto_create = False

    requests = count_requests()
    table = Careful()
    assert {} == requests.sent()
    with pytest.raises(TableNotFound):
        table.find("s1")

    db.disconnect()
    db.connect(table_prefix=prefix, auto_create=False, **engine.connect_arguments)
    with pytest.raises(TableNotFound):
        StoreTable().find("s1")

    class Eager(StoreTable):
        auto_create = True

    assert Eager().find("s1") is None


def test_deleted_table_is_made_again_by_a_new_object(db):
    """
    After delete_table only making a table object creates the table anew; using an old one does not.
    """
    table = StoreTable()
    table.save(Store(store_id="s1"))
    db.delete_table("store")
    with pytest.raises(TableNotFound):
        table.find("s1")
    assert not db.exists("store")

    StoreTable()
    assert table.find("s1") is None


# --- races ------------------------------------------------------------------------------------


def test_threads_may_race(db):
    """
    Several threads may make the first instance at the same time: one table, no errors.
    """
    errors = []
    barrier = threading.Barrier(6)

    def make(number):
        barrier.wait()
        try:
            StoreTable().save(Store(store_id=f"s{number}"))
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=make, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [] == errors
    assert 6 == StoreTable().scan().count()
    assert 1 == db.get_connection().requests["CreateTable"]


def _make_in_a_process(endpoint_url: str, prefix: str, number: int) -> None:
    import boto3

    session = boto3.session.Session(aws_access_key_id="a", aws_secret_access_key="b")
    arguments = {"session": session, "endpoint_url": endpoint_url, "region_name": "us-east-1"}
    DynamoDatabase().connect(table_prefix=prefix, **arguments)
    StoreTable().save(Store(store_id=f"s{number}"))


@pytest.mark.engines("dynamodb-local", "dynoxide")
def test_processes_may_race(db, engine, prefix):
    """
    Several processes may make the first instance at the same time.
    """
    context = multiprocessing.get_context("spawn")
    processes = [
        context.Process(target=_make_in_a_process, args=(engine.endpoint_url, prefix, number))
        for number in range(3)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()

    assert [0, 0, 0] == [process.exitcode for process in processes]
    assert 3 == StoreTable().scan().count()


# --- tables that differ -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("made", "found"),
    [
        ([HashKey("id")], "HASH id .S."),
        ([HashKey("store_id", data_type="N")], "HASH store_id .N."),
        ([HashKey("store_id"), RangeKey("city")], "HASH store_id .S., RANGE city .S."),
    ],
)
def test_other_keys(db, made, found):
    """
    A table whose keys differ from the declaration is an error that shows both, each time.
    """
    db.create_table("store", made)

    for _ in range(2):
        with pytest.raises(
            DynamoSchemaException, match=rf"_store has the keys {found}, but HASH store_id .S. is decl"
        ):
            StoreTable()


def test_missing_index_is_an_error_when_used(db):
    """
    A declared index that the table lacks stops only those who use it.
    """
    db.create_table("store", [HashKey("store_id")])
    table = StoreTable()
    table.save(Store(store_id="s1", company_id="c"))

    assert "s1" == table.get("s1").store_id
    with pytest.raises(DynamoSchemaException, match="_store has no index ByCompany: it was made without it"):
        table.query("c", index="ByCompany")()
    with pytest.raises(DynamoSchemaException, match="ByCompany"):
        table.scan(index="ByCompany").count()


@pytest.mark.parametrize(
    ("index", "message"),
    [
        (
            GlobalIndex("ByCompany", [HashKey("company_id")]),
            "has the keys HASH company_id .S., but HASH company_id",
        ),
        (GlobalIndex("ByCompany", [HashKey("city"), RangeKey("store_id")]), "has the keys HASH city"),
        (
            GlobalIndex("ByCompany", [HashKey("company_id", "N"), RangeKey("store_id")]),
            r"HASH company_id \(N\)",
        ),
        (
            GlobalIndex("ByCompany", [HashKey("company_id"), RangeKey("store_id")], projection="KEYS_ONLY"),
            "projects KEYS_ONLY: less than declared",
        ),
        (
            GlobalIndex("ByCompany", [HashKey("company_id"), RangeKey("store_id")], projection=["city"]),
            "projects INCLUDE: less than declared",
        ),
    ],
)
def test_other_index(db, index, message):
    """
    An index with other keys or less in it than declared is an error when it is used: no made-up defaults.
    """
    db.create_table("store", [HashKey("store_id")], global_indexes=[index])

    with pytest.raises(DynamoSchemaException, match=message):
        StoreTable().query("c", index="ByCompany")()


def test_index_that_holds_more_is_fine(db):
    """
    An index that holds more than declared can be used.
    """

    class Narrow(StoreTable):
        global_indexes = [
            GlobalIndex("ByCompany", [HashKey("company_id"), RangeKey("store_id")], projection="KEYS_ONLY")
        ]

    StoreTable().save(Store(store_id="s1", company_id="c"))

    assert ["s1"] == [store.store_id for store in Narrow().query("c", index="ByCompany")]


# --- declarations -------------------------------------------------------------------------------


def test_time_to_live(db, engine_client, prefix):
    """
    A new table gets its time to live.
    """

    class Session(DynamoRecord):
        session_id: str = ""
        expires: int = field(default=0, ttl=True)

    DynamoTable("session", schema=[HashKey("session_id")], record_class=Session)
    found = engine_client.describe_time_to_live(TableName=f"{prefix}session")["TimeToLiveDescription"]

    assert ("ENABLED", "expires") == (found["TimeToLiveStatus"], found["AttributeName"])


def test_stored_names_are_used_for_keys(db, engine_client, prefix):
    """
    Keys and projections use the names under which fields are stored.
    """

    class Named(DynamoRecord):
        key: str = field(default="", name="k")
        order: int = field(default=0, name="o")
        other: str = field(default="", name="x")

    class NamedTable(DynamoTable[Named]):
        table_name = "named"
        schema = [HashKey("key"), RangeKey("order")]
        global_indexes = [GlobalIndex("ByOther", [HashKey("other")], projection=["order"])]
        local_indexes = [LocalIndex("Local", [RangeKey("other")], projection="KEYS_ONLY")]

    NamedTable().save(Named(key="a", order=1, other="b"))
    found = engine_client.describe_table(TableName=f"{prefix}named")["Table"]

    assert ["k", "o"] == [key["AttributeName"] for key in found["KeySchema"]]
    assert ["o"] == found["GlobalSecondaryIndexes"][0]["Projection"]["NonKeyAttributes"]
    assert 1 == NamedTable().query("b", index="ByOther").one().order
    assert 1 == NamedTable().get("a", 1).order


def test_wrong_declaration_asks_nothing(offline):
    """
    A declaration that cannot work is an error before any request.
    """

    with pytest.raises(DynamoSchemaException):
        DynamoTable("visit", schema=[HashKey("store")], record_class=Visit)


def test_no_connection():
    """
    Without a connection, a table cannot be made.
    """
    with pytest.raises(DynamoException, match="is not connected"):
        StoreTable()
