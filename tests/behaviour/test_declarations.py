"""Declarations of tables: mistakes are found when the class or the table is made."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

import pytest

from dynamo_objects import (
    DynamoRecord,
    DynamoSchemaException,
    DynamoTable,
    GlobalIndex,
    HashKey,
    LocalIndex,
    RangeKey,
    SchemalessRecord,
    Throughput,
)

from .tables import Store, StoreTable, Visit

R = TypeVar("R", bound=DynamoRecord)
X = TypeVar("X")


class Base(DynamoTable[R]):
    """A table class of one's own, for any records."""

    def ids(self) -> list[str]:
        """Return the hash values of all records."""
        return sorted(getattr(record, self._schema.hash.name) for record in self.scan())


class Odd(DynamoTable[R], Generic[X, R]):
    """A table class with more parameters, in another order."""


class EarlyTable(DynamoTable["Late"]):
    """A table whose record class comes later."""

    table_name = "early"
    schema = [HashKey("late_id")]


class Late(DynamoRecord):
    """The record class that comes later."""

    late_id: str = ""


# --- the record class -------------------------------------------------------------------------


def test_record_class_of_a_subclass(db):
    """
    The record class is found through generic table classes, whatever their parameters.
    """

    class BasedTable(Base[Store]):
        table_name = "based"
        schema = [HashKey("store_id")]

    class OddTable(Odd[int, Store]):
        table_name = "odd"
        schema = [HashKey("store_id")]

    class Sub(BasedTable):
        table_name = "sub"

    assert [Store, Store, Store] == [table().record_class for table in (BasedTable, OddTable, Sub)]
    BasedTable().save(Store(store_id="b"))
    assert ["b"] == BasedTable().ids()


def test_record_class_by_name(db):
    """
    A record class that comes later may be named in quotes.
    """
    EarlyTable().save(Late(late_id="a"))

    assert Late is EarlyTable().record_class
    assert Late(late_id="a") == EarlyTable().get("a")


def test_no_record_class(offline):
    """
    Without a record class, or with Any, a table takes any fields.
    """

    class AnyTable(DynamoTable[Any]):
        table_name = "any"
        schema = [HashKey("id")]

    assert SchemalessRecord is AnyTable().record_class


def test_wrong_record_classes():
    """
    What is no record class, or two of them, is an error when the class is made.
    """
    with pytest.raises(DynamoSchemaException, match="Wrong: dict is not a DynamoRecord class"):

        class Wrong(DynamoTable[dict]):
            pass

    with pytest.raises(DynamoSchemaException, match=r"Wrong2: Store.* is not a DynamoRecord class"):

        class Wrong2(DynamoTable):
            record_class = Store()

    with pytest.raises(DynamoSchemaException, match="Both names two record classes, Store and Visit"):

        class Both(DynamoTable[Store]):
            record_class = Visit


# --- keys and indexes ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (
            {"schema": [HashKey("stor_id")]},
            "Table, schema: Store has no field 'stor_id' .did you mean 'store_id'",
        ),
        ({"schema": "store_id"}, "keys are .HashKey"),
        ({"schema": [HashKey("store_id"), "city"]}, "keys are .HashKey"),
        (
            {"global_indexes": [GlobalIndex("ByCity", [HashKey("cty")])]},
            "Table, index ByCity: Store has no field 'cty' .did you mean 'city'",
        ),
        ({"tablename": "x"}, "Table.tablename means nothing: did you mean 'table_name'"),
        ({"throughputs": {"read": 1, "write": 1}}, "did you mean 'throughput'"),
        ({"global_index": []}, "did you mean 'global_indexes'"),
    ],
)
def test_mistakes_found_when_the_class_is_made(body, message):
    """
    Misspelt keys and attributes are an error on import.
    """
    with pytest.raises(DynamoSchemaException, match=message):
        type("Table", (StoreTable,), body)


def test_attributes_of_ones_own_are_fine():
    """
    A table class may have attributes and methods of its own.
    """
    body = {"owner": "me", "schema_version": 3, "indexes": [], "scheme": "x", "tables": lambda self: []}

    assert issubclass(type("Table", (StoreTable,), body), StoreTable)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"table_name": "no spaces"}, "table name '.*no spaces': 3 to 255 of the characters"),
        ({"schema": []}, "one HashKey is needed, and at most one RangeKey"),
        ({"schema": [RangeKey("city")]}, "one HashKey is needed"),
        ({"schema": [HashKey("store_id"), HashKey("city")]}, "one HashKey is needed"),
        ({"schema": [HashKey("city"), RangeKey("city")]}, "hash and range key must be two fields"),
        ({"schema": [HashKey("tags")]}, "tags is .*: keys are text, numbers or bytes"),
        ({"schema": [HashKey("store_id", data_type="N")]}, "store_id is stored as S, not N"),
        ({"throughput": {"read": 1}}, "throughput is {'read': 3, 'write': 3}"),
        ({"throughput": {"read": 0, "write": 1}}, "throughput counts whole units from 1"),
        ({"throughput": 5}, "throughput is {'read': 3"),
        ({"global_indexes": [LocalIndex("ByCity", [RangeKey("city")])]}, "expected a GlobalIndex"),
        ({"global_indexes": GlobalIndex("ByCity", [HashKey("city")])}, "global_indexes is a list of indexes"),
        ({"global_indexes": ["ByCity"]}, "expected a GlobalIndex, got 'ByCity'"),
        (
            {
                "global_indexes": [
                    GlobalIndex("ByCity", [HashKey("city")]),
                    GlobalIndex("ByCity", [HashKey("city")]),
                ]
            },
            "two indexes are called ByCity",
        ),
        (
            {"global_indexes": [GlobalIndex("ByCity", [HashKey("city")], projection=["tgs"])]},
            "index ByCity: Store has no field 'tgs' .did you mean 'tags'",
        ),
        (
            {
                "global_indexes": [
                    GlobalIndex("ByCity", [HashKey("city")], throughput={"read": 1, "write": 1})
                ]
            },
            "has a throughput, but the table is on demand",
        ),
        (
            {"local_indexes": [LocalIndex("ByCity", [RangeKey("city")])]},
            "a local index needs a table with a range key",
        ),
        (
            {
                "schema": [HashKey("store_id"), RangeKey("visits")],
                "local_indexes": [LocalIndex("ByCity", [HashKey("city"), RangeKey("visits")])],
            },
            "a local index has the hash key store_id and a range key",
        ),
        ({"record_class": dict}, "dict is not a DynamoRecord class"),
    ],
)
def test_mistakes_found_when_the_table_is_made(offline, arguments, message):
    """
    A declaration that cannot work is an error before any request.
    """
    given = {"table_name": "shop", "schema": [HashKey("store_id")], "record_class": Store, **arguments}

    with pytest.raises(DynamoSchemaException, match=message):
        DynamoTable(**given)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: HashKey(""), "HashKey takes the name of a field, got ''"),
        (lambda: RangeKey(5), "RangeKey takes the name of a field, got 5"),
        (lambda: HashKey("a", "NUMBER"), "data_type is 'S', 'N' or 'B', got 'NUMBER'"),
        (lambda: GlobalIndex("x", [HashKey("a")]), "index name 'x': 3 to 255"),
        (lambda: GlobalIndex("ByA", "a"), "keys are .HashKey"),
        (
            lambda: GlobalIndex("ByA", [HashKey("a")], projection="all"),
            "projection is 'ALL', 'KEYS_ONLY' or a list",
        ),
        (
            lambda: GlobalIndex("ByA", [HashKey("a")], projection=[]),
            "projection is 'ALL', 'KEYS_ONLY' or a list",
        ),
        (
            lambda: GlobalIndex("ByA", [HashKey("a")], projection=[5]),
            "projection is 'ALL', 'KEYS_ONLY' or a list",
        ),
        (lambda: GlobalIndex("ByA", [HashKey("a")], throughput={"read": 1}), "throughput is"),
    ],
)
def test_mistakes_in_keys_and_indexes(make, message):
    """
    Keys and indexes check themselves.
    """
    with pytest.raises(DynamoSchemaException, match=message):
        make()


def test_a_key_alone(db):
    """
    A single key needs no list.
    """
    table: DynamoTable[Store] = DynamoTable("alone", schema=HashKey("store_id"), record_class=Store)
    table.save(Store(store_id="a"))

    assert "a" == table.get("a").store_id


def test_table_without_a_name(offline):
    """
    A table needs a name.
    """

    class Nameless(DynamoTable[Store]):
        schema = [HashKey("store_id")]

    with pytest.raises(DynamoSchemaException, match="Nameless has no table_name"):
        Nameless()


def test_arguments_win_over_the_class(db, engine_client, prefix):
    """
    What __init__ is given stands for what the class says, and the seeds' way to say it works.
    """

    class SeedTable(DynamoTable):
        def __init__(self):
            super().__init__(
                "seed",
                schema=[HashKey("store_id")],
                throughput={"read": 3, "write": 4},
                record_class=Store,
                global_indexes=[GlobalIndex("ByCity", [HashKey("city")], throughput=Throughput(1, 2))],
            )

    table = SeedTable()
    table.save(Store(store_id="a"))
    found = engine_client.describe_table(TableName=f"{prefix}seed")["Table"]

    assert ("seed", Store) == (table.table_name, table.record_class)
    assert 3 == found["ProvisionedThroughput"]["ReadCapacityUnits"]
    assert 2 == found["GlobalSecondaryIndexes"][0]["ProvisionedThroughput"]["WriteCapacityUnits"]
    assert "SeedTable('seed')" == repr(table)


def test_table_without_record_class_is_refused(offline):
    """
    A forgotten record class does not silently make a table of any fields.
    """

    class ForgottenTable(DynamoTable):
        table_name = "forgotten"
        schema = [HashKey("id")]

    with pytest.raises(DynamoSchemaException, match=r"no record class: derive from DynamoTable\[Store\]"):
        ForgottenTable(database=offline)
