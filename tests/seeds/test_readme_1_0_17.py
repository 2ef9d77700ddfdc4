"""The snippets of the readme of dynamo_objects 1.0.17 (2016), in its order, on today's library.

Python 2 became Python 3, fields are in attrs style, boto's imports come from dynamo_objects, and slips are mended
(names that were not defined, keys that were not set). What a snippet says in a comment is what its test asserts.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import boto3
import pytest
from moto import mock_aws

from dynamo_objects import (
    ConditionFailed,
    DynamoDatabase,
    DynamoException,
    DynamoRecord,
    DynamoSchemaException,
    DynamoTable,
    GlobalIndex,
    HashKey,
    ItemNotFound,
    RangeKey,
    database,
)
from dynamo_objects.memorydb import MemoryTable

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


class My(DynamoRecord):
    my_hash: str = ""
    my_range: str = ""
    some_field: int = 0
    counter_name: int = 0


class MyTable(DynamoTable[My]):
    def __init__(self):
        super().__init__("my", schema=[HashKey("my_hash"), RangeKey("my_range")], record_class=My)


class User(DynamoRecord):
    user_id: str = ""
    name: str = "guest"
    password: str = ""


class UserTable(DynamoTable[User]):
    def __init__(self):
        super().__init__("user", schema=[HashKey("user_id")], record_class=User)


class Measure(DynamoRecord):
    hash: str = ""
    range: int = 0
    some_field: int = 0


class MeasureTable(DynamoTable[Measure]):
    def __init__(self):
        super().__init__("measure", schema=[HashKey("hash"), RangeKey("range")], record_class=Measure)


class Tally(DynamoRecord):
    name: str = ""
    counter_name: int = 0


class TallyTable(DynamoTable[Tally]):
    def __init__(self):
        super().__init__("tally", schema=[HashKey("name")], record_class=Tally)


class NumberedStore(DynamoRecord):
    store_id: int = 0
    name: str = ""


class NumberedStoreTable(DynamoTable[NumberedStore]):
    def __init__(self):
        super().__init__("numbered_store", schema=[HashKey("store_id")], record_class=NumberedStore)


@pytest.fixture
def aws():
    """DynamoDB simulated by moto; the default database is free before and after."""
    DynamoDatabase().disconnect()
    with mock_aws():
        yield
        DynamoDatabase().disconnect()


@pytest.fixture
def db(aws):
    """The default database, connected as the readme shows."""
    return DynamoDatabase().connect(
        region_name="us-west-1",
        aws_access_key_id="access-key-id",
        aws_secret_access_key="secret-access-key",
        table_prefix="my_prefix_",
    )


def requests(db):
    """Return how many requests of each kind were sent."""
    return Counter(db.get_connection().requests)


# --- DB connection and table prefixes -----------------------------------------------------------------


def test_connect_with_region_credentials_and_prefix(aws):
    """
    The readme's connect call connects.
    """
    DynamoDatabase().connect(
        region_name="us-west-1",
        aws_access_key_id="access-key-id",
        aws_secret_access_key="secret-access-key",
        table_prefix="my_prefix_",
    )

    assert DynamoDatabase().connected()


@pytest.mark.parametrize("prefix", ["staging_", "dev_", ""])
def test_prefix_stands_before_all_table_names(aws, prefix):
    """
    With the prefix staging_ the table is staging_store, with dev_ dev_store, with none store.
    """
    DynamoDatabase().connect(region_name="us-west-1", table_prefix=prefix)

    StoreTable()

    assert [f"{prefix}store"] == boto3.client("dynamodb", region_name="us-west-1").list_tables()["TableNames"]


def test_region_localhost_is_dynamodb_local(monkeypatch):
    """
    region_name='localhost' reaches DynamoDB Local, at DYNAMODB_HOST and DYNAMODB_PORT.
    """
    DynamoDatabase().disconnect()
    with dynamodb_local.serve() as endpoint_url:
        host, port = endpoint_url.removeprefix("http://").split(":")
        monkeypatch.setenv("DYNAMODB_HOST", host)
        monkeypatch.setenv("DYNAMODB_PORT", port)
        DynamoDatabase().connect(region_name="localhost", table_prefix="dev_")
        try:
            StoreTable().save(Store(store_id="1", name="My Store"))

            assert DynamoDatabase().is_local_db()
            assert ["store"] == DynamoDatabase().get_tables()
            assert "My Store" == StoreTable().get("1").name
            assert "dev_store" == StoreTable().table.name
        finally:
            DynamoDatabase().disconnect()


# --- object mapper ------------------------------------------------------------------------------------


def test_table_creates_itself_with_its_throughput(db):
    """
    Constructing the table of the readme creates it, with the keys and throughput declared.
    """
    StoreTable()

    assert db.exists("store")
    assert ("store_id", None) == db.get_table_key("store")
    assert {"table": {"read": 3, "write": 3}} == db.get_table_throughputs("store")


def test_record_is_created_changed_and_saved(db):
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

    assert "My Store" == table.get("1").name
    assert "Another Store" == table.get("2").name


def test_plain_boto_accepts_a_typo_and_a_record_does_not(db):
    """
    boto3 stores a mistyped field without an error; a record refuses it, in every way to set it.
    """
    store = {"store_id": "1", "name": "My Store"}
    # ....
    store["nmae"] = "Another Store"
    StoreTable().table.put_item(Item=store)

    assert "Another Store" == StoreTable().table.get_item(Key={"store_id": "1"})["Item"]["nmae"]
    with pytest.raises(DynamoSchemaException, match="did you mean 'name'"):
        Store(nmae="Another Store")
    with pytest.raises(DynamoSchemaException, match="did you mean 'name'"):
        Store().nmae = "Another Store"
    with pytest.raises(DynamoSchemaException, match="did you mean 'name'"):
        Store().update_data(nmae="Another Store")


def test_freeze_schema_with_pass_goes_schemaless(db):
    """
    Overriding _freeze_schema with pass allows any field, which is stored and loaded.
    """

    class AnyStore(DynamoRecord):
        store_id: str = ""

        def _freeze_schema(self):
            pass

    table = DynamoTable("store", schema=[HashKey("store_id")], record_class=AnyStore)
    store = AnyStore(store_id="1")
    store.nmae = "Another Store"
    table.save(store)

    assert "Another Store" == table.get("1").nmae


def test_check_data_transforms_before_saving(db):
    """
    _check_data normalises data before it is saved, and can refuse it.
    """

    class CheckedStore(DynamoRecord):
        store_id: str = ""
        name: str = ""

        def _check_data(self):
            self.name = self.name.strip().title()
            if self.name == "Forbidden":
                raise DynamoException("forbidden name")

    table = DynamoTable("store", schema=[HashKey("store_id")], record_class=CheckedStore)
    store = CheckedStore(store_id="1")
    store.name = "  my store "
    table.save(store)
    stored = table.get("1").name
    store.name = "forbidden"

    assert "My Store" == stored
    with pytest.raises(DynamoException, match="forbidden name"):
        table.save(store)


def test_find_update_and_save(db):
    """
    get and find return records that can be changed and saved; a missing one is an error or None.
    """
    MyTable().save(My(my_hash="my_hash", my_range="my_range"))

    table = MyTable()
    # will raise ItemNotFound exception if record does not exist
    record = table.get("my_hash", "my_range")
    record.some_field = 100
    table.save(record)

    assert 100 == table.get("my_hash", "my_range").some_field

    # to handle the case when there is no record in the database use try/except
    with pytest.raises(ItemNotFound):
        record = table.get("my_hash", "other")

    # `find` method will return None if record does not exist
    record = table.find("my_hash", "other")

    assert record is None

    record = table.find("my_hash", "my_range")
    if record is not None:
        record.some_field = 101
        table.save(record)

    assert 101 == table.get("my_hash", "my_range").some_field


def test_boto_exception_is_importable_where_boto_had_it(db):
    """
    ItemNotFound, once boto's, comes from dynamo_objects and from its database module.
    """
    assert ItemNotFound is database.ItemNotFound


def test_get_or_create(db):
    """
    create=True gets the record or a new one with its keys set, which save then stores.
    """
    table = MyTable()

    # get a record or create new one if record does not exist
    record = table.get("my_hash", "my_range", create=True)
    record.some_field = 200
    table.save(record)

    assert ("my_hash", "my_range") == (record.my_hash, record.my_range)
    assert 200 == table.get("my_hash", "my_range", create=True).some_field


def test_delete_returns_the_record(db):
    """
    delete returns the deleted record, for actions like logging.
    """
    table = MyTable()
    table.save(My(my_hash="hash", my_range="range", some_field=7))

    record = table.delete("hash", "range")

    assert 7 == record.some_field
    assert table.find("hash", "range") is None


def test_null_object(db, capsys):
    """
    A user that is not in the database is represented by the guest, and nothing is written.
    """
    table = UserTable()
    user_id = "42"

    # Find the user in the database, if not found - the `user` object will represent guest user
    user = table.get(user_id, create=True)
    # print user name or 'guest' (default)
    sys.stdout.write(f"{user.name}\n")

    assert "guest\n" == capsys.readouterr().out
    assert table.find(user_id) is None


def test_query_scan_and_count(db):
    """
    query and scan take boto's keywords and give records; query_count gives their number.
    """
    table = MeasureTable()
    table.save_many(Measure(hash="value", range=n, some_field=n // 10) for n in range(40, 120, 10))
    table.save(Measure(hash="other", range=60, some_field=60))

    # parameters are the same as for boto's query_2
    records = table.query(hash__eq="value", range__gte=50)

    assert [50, 60, 70, 80, 90, 100, 110] == [record.range for record in records]
    assert all(isinstance(record, Measure) for record in records)

    records = table.scan(some_field__gte=10)

    assert [("other", 60), ("value", 100), ("value", 110)] == sorted((r.hash, r.range) for r in records)

    # get count
    count = table.query_count(hash__eq="value", range__gte=50)

    assert 7 == count


def test_update_counter(db):
    """
    Counters go up and down atomically, with a hash key and with hash and range key.
    """
    # increment the `counter_name` field by 2 for the item with hash key = `myhashkey`
    TallyTable().update_counter("myhashkey", counter_name=2)
    TallyTable().update_counter("myhashkey", counter_name=2)

    # decrement the `counter_name` field by 2 for the
    # item with hash key = `myhashkey` and rangekey = 'myrange'
    MyTable().update_counter("myhashkey", "myrange", counter_name=-2)

    assert 4 == TallyTable().get("myhashkey").counter_name
    assert -2 == MyTable().get("myhashkey", "myrange").counter_name


def test_botos_objects_are_at_hand(db):
    """
    table.table is the boto3 Table, record._item the attribute values as loaded; None for a new record.
    """
    table = MyTable()
    # the boto Table object
    boto_table = table.table
    boto_table.put_item(Item={"my_hash": "my_hash", "my_range": "my_range", "some_field": 5})

    record = table.get("my_hash", "my_range")
    # the attribute values
    item = record._item

    assert "my_prefix_my" == boto_table.name
    assert {"my_hash": {"S": "my_hash"}, "my_range": {"S": "my_range"}, "some_field": {"N": "5"}} == item
    assert My()._item is None


# --- memory tables ------------------------------------------------------------------------------------


class StoreMemoryTable(MemoryTable[NumberedStore]):
    def __init__(self):
        super().__init__(NumberedStoreTable())


def test_memory_table_reads_once_and_writes_when_flushed(db):
    """
    Each record is read once; nothing is written before save_data_batch, which uses one batch write.
    """
    NumberedStoreTable().save_many(NumberedStore(store_id=n, name=f"store {n}") for n in (1, 2))
    table = StoreMemoryTable()
    before = requests(db)

    # read records with store_id = 1 and store_id = 2
    record = table.get(1)
    record2 = table.get(2)
    record.name, record2.name = "first", "second"
    # data is not actually saved yet, no write db operations
    table.save(record)
    table.save(record2)
    # read same records again - will fetch from memory, no db read operations
    assert record is table.get(1)
    assert record2 is table.get(2)
    # data is not actually saved yet, no write db operations
    table.save(record)
    table.save(record2)

    assert {"GetItem": 2} == requests(db) - before
    assert "store 1" == NumberedStoreTable().get(1).name
    before = requests(db)

    # Now we flush all the data back to DynamoDB
    # the `save_data_batch` will use the `batch write` DynamoDB operation
    table.save_data_batch()

    assert {"BatchWriteItem": 1} == requests(db) - before
    assert ["first", "second"] == [NumberedStoreTable().get(n).name for n in (1, 2)]


def test_memory_table_save_data(db):
    """
    save_data writes what save_data_batch would, one record after another.
    """
    NumberedStoreTable().save_many(NumberedStore(store_id=n) for n in (1, 2))
    table = StoreMemoryTable()
    table.get(1).name = "first"
    table.get(2).name = "second"

    table.save_data()

    assert ["first", "second"] == [NumberedStoreTable().get(n).name for n in (1, 2)]


# --- additional tools ---------------------------------------------------------------------------------


def filled_tables():
    """Return the database of the copy snippets, without a prefix, and with data to copy."""
    db = database.Database()
    # note: table_prefix is empty, so we can explicitly set table names
    db.connect(region_name="us-west-1", table_prefix="")
    for name in ("table_name", "staging_table_name"):
        db.create_table(name, schema=[HashKey("id")])
    table = db.get_table("table_name")
    for n in range(3):
        table.put_item(Item={"id": str(n), "name": f"name {n}", "tags": {"a", "b"}})
    return db


def test_copy_table_data(aws):
    """
    copy_table_data copies all items and returns their number.
    """
    db = filled_tables()

    num_copied = db.copy_table_data("table_name", "staging_table_name")

    items = db.get_table("staging_table_name").scan()["Items"]
    assert 3 == num_copied
    assert {("0", "name 0"), ("1", "name 1"), ("2", "name 2")} == {(i["id"], i["name"]) for i in items}
    assert all({"a", "b"} == item["tags"] for item in items)


def test_copy_and_transform_data(aws):
    """
    transform changes each record in place while it is copied; the source stays as it is.
    """
    db = filled_tables()

    # copy and transform data
    def transform_fn(record):
        record.name = "staging_" + record.name

    num_copied = db.copy_table_data("table_name", "staging_table_name", transform=transform_fn)

    copied = {i["id"]: i["name"] for i in db.get_table("staging_table_name").scan()["Items"]}
    assert 3 == num_copied
    assert {"0": "staging_name 0", "1": "staging_name 1", "2": "staging_name 2"} == copied
    assert "name 0" == db.get_table("table_name").get_item(Key={"id": "0"})["Item"]["name"]


def test_copy_item(db):
    """
    copy_item copies one record to another table, whose name gets the prefix too.
    """
    record = StoreTable().save(Store(store_id="1", name="My Store", tags=["a"]))
    db.create_table("store_copy", schema=[HashKey("store_id")])

    db.copy_item(record, "store_copy")

    copied = db.get_table("store_copy").get_item(Key={"store_id": "1"})["Item"]
    assert {"store_id": "1", "name": "My Store", "tags": ["a"]} == copied
    with pytest.raises(ConditionFailed):
        db.copy_item(record, "store_copy")


def test_create_wait_and_delete_a_table(db):
    """
    Tables can be created, waited for and deleted by hand.
    """
    db.create_table("by_hand", schema=[HashKey("id"), RangeKey("n", data_type="N")])
    db.wait_table_active("by_hand")

    assert ("id", "n") == db.get_table_key("by_hand")
    assert db.delete_table("by_hand") is True
    assert db.delete_table("by_hand") is False
    assert not db.exists("by_hand")


class Indexed(DynamoRecord):
    id: str = ""
    other: str = ""


class TableOne(DynamoTable[Indexed]):
    def __init__(self):
        super().__init__(
            "table_one", schema=[HashKey("id")], throughput={"read": 3, "write": 3}, record_class=Indexed
        )


class TableTwo(DynamoTable[Indexed]):
    def __init__(self):
        super().__init__(
            "table_two",
            schema=[HashKey("id")],
            throughput={"read": 3, "write": 3},
            global_indexes=[
                GlobalIndex("SomeGlobalIndex", parts=[HashKey("other")], throughput={"read": 1, "write": 2})
            ],
            record_class=Indexed,
        )


def test_throughput_is_high_inside_and_low_again_outside(db):
    """
    TablesThroughput raises the limits of tables and an index, and puts the old ones back.
    """
    TableOne(), TableTwo()
    high_throughputs = {
        "table_one": {"table": {"read": 100, "write": 50}},
        "table_two": {
            "table": {"read": 60, "write": 120},
            "SomeGlobalIndex": {"read": 1, "write": 120},
        },
    }

    def some_computational_operation():
        return [db.get_table_throughputs(table) for table in ("table_one", TableTwo())]

    with database.TablesThroughput(high_throughputs):
        # now throughputs are high
        inside = some_computational_operation()
    # now throughputs are low again (same as before the operation)
    outside = some_computational_operation()

    low = {"read": 3, "write": 3}
    assert list(high_throughputs.values()) == inside
    assert [{"table": low}, {"table": low, "SomeGlobalIndex": {"read": 1, "write": 2}}] == outside
