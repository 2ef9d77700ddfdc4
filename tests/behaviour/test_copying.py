"""copy_item and copy_table_data."""

from __future__ import annotations

import pytest
from tqdm import tqdm

from dynamo_objects import (
    DynamoException,
    DynamoTable,
    FieldNotLoaded,
    HashKey,
    InvalidKeysException,
    ItemExists,
    RangeKey,
    TableNotFound,
    ValidationError,
)

from .tables import Store, StoreTable


class StagingTable(StoreTable):
    """Another table of stores."""

    table_name = "staging_store"


class Progress:
    """Counts what it is told."""

    def __init__(self):
        self.count = 0

    def update(self, n=1):
        """Count *n* more."""
        self.count += n


@pytest.fixture
def stores(db):
    """A table with stores, and another without."""
    StagingTable()
    table = StoreTable()
    table.save_many(
        Store(store_id=f"s{n}", city="Oslo", visits=n, tags=["a"], labels={"x"}, rating=0.5)
        for n in range(30)
    )
    return table


# --- whole tables -----------------------------------------------------------------------------


def test_copy_of_a_table(db, stores):
    """
    All items are copied, and counted.
    """
    assert 30 == db.copy_table_data("store", "staging_store")
    assert sorted(map(repr, stores.scan())) == sorted(map(repr, StagingTable().scan()))


def test_progress(db, stores):
    """
    Anything with update(n) is told of each item, a tqdm bar for one.
    """
    progress = Progress()
    db.copy_table_data("store", "staging_store", progress=progress)
    assert 30 == progress.count

    with tqdm(total=30, disable=None) as bar:
        db.copy_table_data("store", "staging_store", update=True, progress=bar)


def test_transform(db, stores):
    """
    transform gets each item as a record of any fields and changes it in place; the source stays.
    """

    def transform(record):
        record.city = "staging_" + record.city
        record.extra = {"visits": record.visits * 2}
        del record.tags

    db.copy_table_data("store", "staging_store", transform=transform)
    copied = StagingTable().table.get_item(Key={"store_id": "s7"})["Item"]

    assert ("staging_Oslo", {"visits": 14}) == (copied["city"], copied["extra"])
    assert "tags" not in copied
    assert Store(store_id="s7", city="Oslo", visits=7, tags=["a"], labels={"x"}, rating=0.5) == stores.get(
        "s7"
    )


def test_transform_of_the_key(db, stores):
    """
    transform may give items other keys.
    """
    db.copy_table_data(
        "store", "staging_store", transform=lambda record: record.update_data(store_id=f"x{record.visits}")
    )

    assert 7 == StagingTable().get("x7").visits


def test_existing_items_are_not_overwritten(db, stores):
    """
    An item that exists stops the copy: ItemExists names it, and it stays as it was.
    """
    StagingTable().save(Store(store_id="s7", city="Bergen"))
    progress = Progress()

    with pytest.raises(ItemExists, match="s7"):
        db.copy_table_data("store", "staging_store", progress=progress)
    assert "Bergen" == StagingTable().get("s7").city
    assert StagingTable().scan().count() - 1 >= progress.count


def test_update_merges(db, stores):
    """
    update=True merges into items that exist: what only they have stays.
    """
    StagingTable().save(Store(store_id="s7", city="Bergen", company_id="c"))

    assert 30 == db.copy_table_data("store", "staging_store", update=True)
    merged = StagingTable().get("s7")
    assert ("Oslo", "c", 7) == (merged.city, merged.company_id, merged.visits)


def test_errors_of_transform_are_shown_as_they_are(db, stores):
    """
    What transform or progress raise is not hidden.
    """

    def transform(record):
        raise ZeroDivisionError

    class Broken:
        def update(self, n=1):
            raise OSError("closed")

    with pytest.raises(ZeroDivisionError):
        db.copy_table_data("store", "staging_store", transform=transform)
    with pytest.raises(OSError, match="closed"):
        db.copy_table_data("store", "staging_store", progress=Broken())


def test_transform_to_something_that_cannot_be_stored(db, stores):
    """
    A value that cannot be stored is an error with the key of the item and the path.
    """

    def transform(record):
        record.rating = object()

    with pytest.raises(ValidationError, match=r"transformed item .*store_id.*: rating"):
        db.copy_table_data("store", "staging_store", transform=transform)


def test_missing_tables(db, stores):
    """
    Both tables must exist.
    """
    with pytest.raises(TableNotFound, match="nothing"):
        db.copy_table_data("nothing", "staging_store")
    with pytest.raises(TableNotFound, match="nothing"):
        db.copy_table_data("store", "nothing")


def test_tables_with_other_keys(db, stores):
    """
    Items without the keys of the other table, or with keys of another type, are refused.
    """
    db.create_table("by_city", [HashKey("city"), RangeKey("visits", data_type="N")])
    db.create_table("by_number", [HashKey("visits")])

    assert 30 == db.copy_table_data("store", "by_city")
    with pytest.raises(InvalidKeysException, match="visits is a key of type S"):
        db.copy_table_data("store", "by_number")
    with pytest.raises(InvalidKeysException, match="city is a key of type S"):
        db.copy_table_data("store", "by_city", update=True, transform=lambda record: delattr(record, "city"))


def test_large_tables_are_copied_page_by_page(db):
    """
    A table of several pages is copied to its end.
    """
    StoreTable().save_many(Store(store_id=f"s{n}", city="x" * 300_000) for n in range(8))
    StagingTable()

    assert 8 == db.copy_table_data("store", "staging_store")
    assert 8 == StagingTable().scan().count()


# --- single items -------------------------------------------------------------------------------


def test_copy_of_an_item(db, stores):
    """
    A record, or the attribute values of an item, can be copied to another table; what is stored comes back.
    """
    record = stores.get("s1")
    copied = db.copy_item(record, "staging_store")
    assert ("s1", "Oslo", ["a"]) == (copied.store_id, copied.city, copied.tags)
    assert record == StagingTable().get("s1")

    db.copy_item(stores.get("s2")._item, "staging_store")
    assert "Oslo" == StagingTable().get("s2").city


def test_copy_of_an_item_that_exists(db, stores):
    """
    An item that exists is an error, or is merged into and comes back as it is now.
    """
    StagingTable().save(Store(store_id="s1", company_id="c"))

    with pytest.raises(ItemExists):
        db.copy_item(stores.get("s1"), "staging_store")
    merged = db.copy_item(stores.get("s1"), "staging_store", update=True)
    assert ("c", "Oslo", 1) == (merged.company_id, merged.city, merged.visits)


def test_what_is_no_item(db, stores):
    """
    Partial records, records without a key and other things are refused.
    """
    with pytest.raises(FieldNotLoaded):
        db.copy_item(stores.scan(attributes=["city"]).first(), "staging_store")
    with pytest.raises(InvalidKeysException):
        db.copy_item(Store(city="Oslo"), "staging_store")
    with pytest.raises(DynamoException, match="copy_item takes a record or attribute values, not str"):
        db.copy_item("s1", "staging_store")
    with pytest.raises(TableNotFound):
        db.copy_item(stores.get("s1"), "nothing")


def test_copied_record_can_be_changed_and_saved(db, stores):
    """
    What copy_item returns is a loaded record of the other table.
    """
    table: DynamoTable = DynamoTable("staging_store", schema=[HashKey("store_id")])
    copied = db.copy_item(stores.get("s1"), "staging_store")
    copied.city = "Bergen"
    table.save(copied)

    assert ("Bergen", 1) == (StagingTable().get("s1").city, StagingTable().get("s1").visits)
