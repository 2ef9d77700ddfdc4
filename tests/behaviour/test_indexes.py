"""Indexes, and the partial records that come from them or from attributes=."""

from __future__ import annotations

import pytest

from dynamo_objects import (
    ConflictError,
    DynamoRecord,
    DynamoTable,
    FieldNotLoaded,
    GlobalIndex,
    HashKey,
    LocalIndex,
    QueryError,
    RangeKey,
    ValidationError,
    field,
)

from .tables import Visit, VisitTable


@pytest.fixture
def visits(db):
    """A table with four visits, three of them by ann."""
    table = VisitTable()
    table.save_many(
        [
            Visit(store_id="s1", number=1, guest="ann", paid=3.0, note="x", version=7),
            Visit(store_id="s1", number=2, guest="ann", paid=1.0, note="y"),
            Visit(store_id="s2", number=1, guest="ann", paid=2.0),
            Visit(store_id="s2", number=3, guest="", paid=9.0, note="z"),
        ]
    )
    return table


def keys(query):
    """Return the keys of the visits found."""
    return [(visit.store_id, visit.number) for visit in query]


# --- reading ----------------------------------------------------------------------------------


def test_global_index(visits):
    """
    A global index has keys of its own, in the order of its range key.
    """
    assert [("s2", 1), ("s1", 2)] == sorted(keys(visits.query("ann", index="ByGuest")), reverse=True)[:2]
    assert [("s1", 2)] == keys(visits.query(guest__eq="ann", number__gte=2, index="ByGuest"))
    assert [1.0, 2.0, 3.0] == [
        visits.get(*key).paid for key in keys(visits.query("ann", index="PaidByGuest"))
    ]
    assert [("s1", 1)] == keys(visits.query("ann", index="PaidByGuest", reverse=True, limit=1))


def test_local_index(visits):
    """
    A local index has the hash key of the table in another order.
    """
    assert [("s1", 2), ("s1", 1)] == keys(visits.query("s1", index="ByPaid"))
    assert [("s1", 1)] == keys(visits.query("s1", paid__gt=1.5, index="ByPaid", consistent=True))


def test_whole_records_of_an_index(visits):
    """
    An index that projects all gives whole records.
    """
    expected = [Visit(store_id="s1", number=1, guest="ann", paid=3.0, note="x", version=7)]

    assert expected == visits.query("ann", index="ByGuest", note__eq="x")()
    assert expected == visits.query("s1", index="ByPaid", note__eq="x")()


def test_sparse_indexes(visits):
    """
    A record whose index key is empty is not in the index.
    """
    assert 3 == visits.scan(index="ByGuest").count()
    assert 3 == visits.scan(index="KeysByNote").count()
    visits.update("s1", 1, put={"guest": ""})
    assert 2 == visits.scan(index="ByGuest").count()


def test_scan_and_count_of_an_index(visits):
    """
    Indexes can be scanned and counted.
    """
    assert {"ann"} == {visit.guest for visit in visits.scan(index="ByGuest")}
    assert 3 == visits.query_count("ann", index="KeysByGuest")
    assert 3 == len(visits.scan(index="ByGuest", segments=3)())


def test_keys_of_the_table_filter_on_an_index(visits):
    """
    On an index the keys of the table are fields like others.
    """
    assert [("s2", 1)] == keys(visits.query("ann", index="ByGuest", store_id__eq="s2"))
    assert [("s2", 1)] == keys(visits.query("ann", index="KeysByGuest", store_id__eq="s2"))


# --- partial records ---------------------------------------------------------------------------


@pytest.mark.parametrize("index", ["KeysByGuest", "KeysByNote"])
def test_keys_only(visits, index):
    """
    An index of keys only gives partial records: with the keys of table and index, nothing else.
    """
    hash = "ann" if index == "KeysByGuest" else "s1"
    found = next(visit for visit in visits.query(hash, index=index) if visit.store_id == "s1")

    assert hash == (found.guest if index == "KeysByGuest" else found.store_id)
    for name in ("paid", "version", "note" if index == "KeysByGuest" else "guest"):
        with pytest.raises(FieldNotLoaded, match=f"Visit.{name} was not read: this record is partial"):
            getattr(found, name)


def test_included_fields(visits):
    """
    An index that includes some fields gives partial records with these.
    """
    found = visits.query("ann", index="PaidByGuest").first()

    assert ("s1", 2, "ann", 1.0, "y") == (found.store_id, found.number, found.guest, found.paid, found.note)
    with pytest.raises(FieldNotLoaded):
        found.version


def test_absent_included_field_is_its_default(visits):
    """
    A field that was read, and is absent, has its default.
    """
    assert "" == visits.query("ann", index="PaidByGuest", paid__eq=2.0).one().note


def test_attributes(visits):
    """
    attributes= reads the keys and the fields named, by query, scan and index.
    """
    for query in (
        visits.query("s1", attributes=["note"], limit=1),
        visits.scan(attributes=["note"], note__eq="x"),
        visits.query("ann", index="ByGuest", attributes=["note"], note__eq="x"),
    ):
        found = query.one()
        assert ("s1", 1, "x") == (found.store_id, found.number, found.note)
        with pytest.raises(FieldNotLoaded):
            found.paid


def test_partial_record_shows_what_it_has(visits):
    """
    repr, get_dict and to_json show the fields that were read; repr tells that there are others.
    """
    found = visits.query("s1", number__eq=1, attributes=["note"]).one()

    assert "Visit(store_id='s1', number=1, note='x', ...)" == repr(found)
    assert {"store_id": "s1", "number": 1, "note": "x"} == found.get_dict() == found.to_json()


def test_partial_record_saves_its_changes(visits):
    """
    Changes of a partial record are updates; what was not read stays.
    """
    found = visits.query("s1", number__eq=1, attributes=["note"]).one()
    found.note = "new"
    visits.save(found)
    found.note = "newer"
    visits.save(found)

    assert Visit(store_id="s1", number=1, guest="ann", paid=3.0, note="newer", version=7) == visits.get(
        "s1", 1
    )


def test_partial_record_is_guarded(visits):
    """
    Changes of a partial record are guarded by what was read.
    """
    found = visits.query("s1", number__eq=1, attributes=["note"]).one()
    visits.update("s1", 1, put={"note": "theirs"})
    found.note = "mine"

    with pytest.raises(ConflictError) as caught:
        visits.save(found)
    assert "theirs" == caught.value.theirs.note


def test_partial_record_is_never_put(visits):
    """
    overwrite=True of a partial record changes what was read, and keeps what was not.
    """
    found = visits.query("s1", number__eq=1, attributes=["note"]).one()
    visits.update("s1", 1, put={"note": "theirs"})
    found.note = "mine"
    visits.save(found, overwrite=True)

    assert Visit(store_id="s1", number=1, guest="ann", paid=3.0, note="mine", version=7) == visits.get(
        "s1", 1
    )


def test_partial_record_brings_nothing_back(visits):
    """
    overwrite=True of a partial record whose item is gone is a conflict: half an item would come back.
    """
    found = visits.query("s1", number__eq=1, attributes=["note"]).one()
    visits.delete("s1", 1)
    found.note = "mine"

    with pytest.raises(ConflictError, match="was deleted"):
        visits.save(found, overwrite=True)
    assert visits.find("s1", 1) is None


def test_partial_record_of_a_stored_name(db):
    """
    Fields that are stored under another name can be read alone.
    """

    class Item(DynamoRecord):
        key: str = field(default="", name="k")
        value: str = field(default="", name="v")
        other: str = ""

    table: DynamoTable[Item] = DynamoTable("named", schema=[HashKey("key")], record_class=Item)
    table.save(Item(key="a", value="b", other="c"))
    found = table.scan(attributes=["value"]).one()

    assert ("a", "b") == (found.key, found.value)
    with pytest.raises(FieldNotLoaded):
        found.other


# --- mistakes ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"index": "ByGuest", "consistent": True},
            "index ByGuest of visit is global: it cannot be read consist",
        ),
        ({"index": "KeysByGuest", "note__eq": "x"}, "index KeysByGuest of visit does not hold note"),
        ({"index": "KeysByGuest", "attributes": ["note"]}, "index KeysByGuest of visit does not hold note"),
        ({"index": "PaidByGuest", "version__gt": 1}, "index PaidByGuest of visit does not hold version"),
        ({"index": "KeysByGuest", "number__gt": 1, "guest__eq": "x"}, "two conditions on guest"),
        ({"index": "ByGuest", "guest__gt": "a"}, "guest is a key of index ByGuest of visit"),
    ],
)
def test_what_an_index_cannot_do(offline, arguments, message):
    """
    What an index does not hold is an error before any request, not an empty result or a made-up default.
    """

    with pytest.raises(QueryError, match=message):
        VisitTable().query("ann", **arguments)()


def test_filter_of_a_local_index(offline):
    """
    A filter on what a local index does not hold is refused too, as by the service.
    """
    with pytest.raises(QueryError, match="index KeysByNote of visit does not hold paid"):
        VisitTable().query("s1", index="KeysByNote", paid__gt=1.0)()


def test_local_index_fetches_what_is_named(visits, engine):
    """
    Fields that a local index does not hold are fetched from the table, where they are named.
    """
    found = visits.query("s1", index="KeysByNote", note__eq="x", attributes=["paid"]).one()

    assert (0.0 if engine.differs("local indexes never fetch") else 3.0) == found.paid


def test_consistent_tables_read_global_indexes_all_the_same(visits):
    """
    consistent_read = True on the table does not reach global indexes, which have no such reads.
    """

    class Consistent(VisitTable):
        consistent_read = True

    assert 3 == len(Consistent().query("ann", index="ByGuest")())
    assert 2 == len(Consistent().query("s1", index="ByPaid")())


def test_index_keys_are_checked(offline, kind):
    """
    An index key that is too long is refused before it is sent, in batches too.
    """
    table = kind.StoreTable()
    bad = kind.Store(store_id="s1", company_id="x" * 2049)

    with pytest.raises(ValidationError, match="company_id: a hash key has 2049 bytes, at most 2048"):
        table.save(bad)
    with pytest.raises(ValidationError, match="company_id"):
        table.save_many([kind.Store(store_id="s2"), bad])


def test_index_by_an_optional_field(db):
    """
    The key of an index may be absent from items.
    """

    class Task(DynamoRecord):
        task_id: str = ""
        owner: str | None = None
        due: int | None = None

    class TaskTable(DynamoTable[Task]):
        table_name = "task"
        schema = [HashKey("task_id")]
        global_indexes = [GlobalIndex("ByOwner", [HashKey("owner"), RangeKey("due")])]

    table = TaskTable()
    table.save_many(
        [Task(task_id="a", owner="ann", due=3), Task(task_id="b", owner="ann"), Task(task_id="c", due=1)]
    )

    assert ["a"] == [task.task_id for task in table.query("ann", index="ByOwner")]
    assert ["a"] == [task.task_id for task in table.query("ann", index="ByOwner", due__gt=2)]


def test_local_index_beside_the_hash_key(db):
    """
    A local index may name the hash key of the table, or leave it out.
    """

    class Order(DynamoRecord):
        shop: str = ""
        number: int = 0
        total: int = 0

    class OrderTable(DynamoTable[Order]):
        table_name = "order"
        schema = [HashKey("shop"), RangeKey("number")]
        local_indexes = [LocalIndex("ByTotal", [HashKey("shop"), RangeKey("total")])]

    OrderTable().save_many(Order(shop="a", number=n, total=-n) for n in range(3))

    assert [2, 1, 0] == [order.number for order in OrderTable().query("a", index="ByTotal")]


def test_stores_by_company(db, kind):
    """
    The index of the readme.
    """
    table = kind.StoreTable()
    table.save_many(kind.Store(store_id=f"s{n}", company_id=f"c{n % 2}") for n in range(4))

    assert ["s1", "s3"] == [store.store_id for store in table.query(company_id__eq="c1", index="ByCompany")]
