"""save(on_conflict=...): what becomes of a record that met somebody else's write."""

from __future__ import annotations

import threading
from decimal import Decimal
from typing import Any

import pytest
from boto3.dynamodb.conditions import Attr

from dynamo_objects import (
    ConditionFailed,
    ConflictError,
    DynamoRecord,
    DynamoSchemaException,
    DynamoTable,
    HashKey,
    ItemExists,
    ItemNotFound,
    QueryError,
    SchemalessRecord,
    ValidationError,
    field,
)

from ..engines import OWN


class Page(DynamoRecord):
    """A record with rules."""

    page_id: str = ""
    title: str = ""
    note: str = ""
    views: int = field(default=0, merge="sum")
    price: Decimal = field(default=Decimal(0), merge="sum")
    labels: set[str] = field(default=set(), merge="union")
    best: int = field(default=0, merge="max")


class FrozenPage(DynamoRecord, frozen=True):
    """The same, immutable."""

    page_id: str = ""
    title: str = ""
    note: str = ""
    views: int = field(default=0, merge="sum")
    price: Decimal = field(default=Decimal(0), merge="sum")
    labels: set[str] = field(default=set(), merge="union")
    best: int = field(default=0, merge="max")


class VersionedPage(DynamoRecord):
    """The same with a version."""

    page_id: str = ""
    title: str = ""
    note: str = ""
    views: int = field(default=0, merge="sum")
    price: Decimal = field(default=Decimal(0), merge="sum")
    labels: set[str] = field(default=set(), merge="union")
    best: int = field(default=0, merge="max")
    version: int = field(default=0, version=True)


class FrozenVersionedPage(DynamoRecord, frozen=True):
    """Both."""

    page_id: str = ""
    title: str = ""
    note: str = ""
    views: int = field(default=0, merge="sum")
    price: Decimal = field(default=Decimal(0), merge="sum")
    labels: set[str] = field(default=set(), merge="union")
    best: int = field(default=0, merge="max")
    version: int = field(default=0, version=True)


class Pages:
    """A table of pages of one class, and a second writer."""

    def __init__(self, record_class: Any) -> None:
        self.Page = record_class
        self.table: Any = DynamoTable("page", [HashKey("page_id")], record_class=record_class)

    def changed(self, record: Any, **changes: Any) -> Any:
        """Return the record with some fields changed: itself, or a copy."""
        if self.Page.__dynamo_frozen__:
            return record.evolve(**changes)
        for name, value in changes.items():
            setattr(record, name, value)
        return record

    def write(self, **fields: Any) -> None:
        """Change the page p1 as another program would, or make it."""
        theirs = self.table.find("p1") or self.Page(page_id="p1")
        self.table.save(self.changed(theirs, **fields))

    def conflict(self, base: dict[str, Any], mine: dict[str, Any], theirs: dict[str, Any]) -> Any:
        """Return my changed page, after somebody else has changed it."""
        self.write(**base)
        record = self.changed(self.table.get("p1"), **mine)
        self.write(**theirs)
        return record

    def raw(self, **attributes: Any) -> None:
        """Set attributes that the class does not know."""
        for name, value in attributes.items():
            self.table.table.update_item(
                Key={"page_id": "p1"},
                UpdateExpression="SET #n = :v",
                ExpressionAttributeNames={"#n": name},
                ExpressionAttributeValues={":v": value},
            )


@pytest.fixture(params=[Page, FrozenPage, VersionedPage, FrozenVersionedPage], ids=lambda kind: kind.__name__)
def pages(request, db):
    """Pages with and without a version, mutable and frozen."""
    return Pages(request.param)


@pytest.fixture
def plain(db):
    """Mutable pages without a version."""
    return Pages(Page)


def check(pages, mine, saved, **expected):
    """Check that a page is stored with these fields, and that what ``save`` returned is the same and clean."""
    stored = pages.table.get("p1")
    assert expected == {name: getattr(stored, name) for name in expected}
    assert stored == saved
    assert stored._item == saved._item
    assert pages.Page.__dynamo_frozen__ or mine is saved


READ = "keeps failed items to itself"


def requests_of(engine, **writes):
    """Return the requests of a conflict: those writes, and a read where the engine keeps the item to itself."""
    return {**writes, **({"GetItem": 1} if engine.differs(READ) else {})}


# --- merge --------------------------------------------------------------------------------------


def test_merge(engine, pages, count_requests):
    """
    Each field takes the side that changed it, or goes by its rule; that costs two requests and no read.
    """
    mine = pages.conflict(
        {"title": "a", "views": 1, "labels": {"x", "y"}, "best": 5, "price": Decimal("0.10")},
        {"title": "b", "views": 3, "labels": {"x", "z"}, "best": 7, "price": Decimal("0.30")},
        {"note": "n", "views": 6, "labels": {"x", "y", "w"}, "best": 9, "price": Decimal("0.15")},
    )
    requests = count_requests()
    saved = pages.table.save(mine, on_conflict="merge")

    assert requests_of(engine, UpdateItem=2) == requests.sent()
    check(
        *(pages, mine, saved),
        title="b",
        note="n",
        views=8,
        labels={"x", "w", "z"},
        best=9,
        price=Decimal("0.35"),
    )


def test_a_merged_record_is_clean_and_goes_on(pages, count_requests):
    """
    Saving it again sends nothing, changing it again is an ordinary change.
    """
    mine = pages.conflict({"views": 1}, {"views": 2}, {"views": 5})
    saved = pages.table.save(mine, on_conflict="merge")
    requests = count_requests()

    assert saved is pages.table.save(saved)
    again = pages.table.save(pages.changed(saved, views=saved.views + 1))

    assert {"UpdateItem": 1} == requests.sent()
    check(pages, again, again, views=7)


def test_without_conflict_nothing_is_different(pages, count_requests):
    """
    A save that meets nobody is one request, and frozen records never change.
    """
    pages.write(title="a")
    mine = pages.changed(pages.table.get("p1"), title="b")
    requests = count_requests()
    pages.table.save(mine, on_conflict="merge")

    assert {"UpdateItem": 1} == requests.sent()
    if pages.Page.__dynamo_frozen__:
        mine = pages.conflict({"views": 1}, {"views": 2}, {"views": 5})
        assert 6 == pages.table.save(mine, on_conflict="merge").views
        assert 2 == mine.views


def test_fields_without_a_rule_stay_a_conflict(pages):
    """
    The error names exactly these fields; the record stays as it was, and nothing was written.
    """
    mine = pages.conflict({"title": "a", "views": 1}, {"title": "b", "views": 2}, {"title": "c", "views": 3})

    with pytest.raises(ConflictError, match=r"same fields, title: .*field\(merge=\.\.\.\)") as caught:
        pages.table.save(mine, on_conflict="merge")

    error = caught.value
    assert ("title",) == error.fields
    assert mine is error.mine
    assert ("a", "b", "c") == (error.base.title, error.mine.title, error.theirs.title)
    assert ("c", 3) == (pages.table.get("p1").title, pages.table.get("p1").views)
    assert "views" not in str(error)
    with pytest.raises(ConflictError):
        pages.table.save(mine)


def test_the_same_change_on_both_sides_is_none(pages):
    """
    Both have written the same value: it stays, without a rule.
    """
    mine = pages.conflict({"title": "a", "views": 1}, {"title": "b", "views": 2}, {"title": "b", "views": 3})

    check(pages, mine, pages.table.save(mine, on_conflict="merge"), title="b", views=4)


def test_nothing_left_to_write(engine, plain, count_requests):
    """
    Where the merge is what is stored already, it is taken, and nothing more is sent.
    """
    mine = plain.conflict({"title": "a"}, {"title": "b"}, {"title": "b", "note": "n"})
    requests = count_requests()
    saved = plain.table.save(mine, on_conflict="merge")

    assert requests_of(engine, UpdateItem=1) == requests.sent()
    check(plain, mine, saved, title="b", note="n")

    mine = plain.conflict({"title": "a"}, {"title": "b"}, {"title": "b", "note": "m"})
    requests = count_requests()
    plain.table.save(mine, condition=Attr("title").eq("b"), on_conflict="merge")

    assert requests_of(engine, UpdateItem=1) == requests.sent()


def test_unknown_attributes_survive(pages):
    """
    Attributes of others are as they have them, new ones and removed ones.
    """
    pages.write(views=1)
    pages.raw(other="x", gone="x")
    mine = pages.changed(pages.table.get("p1"), views=2)
    pages.write(views=5)
    pages.raw(other="y", more="z")
    pages.table.table.update_item(Key={"page_id": "p1"}, UpdateExpression="REMOVE gone")

    saved = pages.table.save(mine, on_conflict="merge")

    check(pages, mine, saved, views=6)
    assert ({"S": "y"}, {"S": "z"}) == (saved._item["other"], saved._item["more"])
    assert "gone" not in saved._item


def test_a_new_record_is_merged_from_absent_values(pages):
    """
    Two made the same key: numbers add up, sets unite, and what one left at its default is the other's.
    """
    pages.write(title="a", views=2, labels={"x"})
    mine = pages.Page(page_id="p1", note="n", views=3, labels={"y"})

    saved = pages.table.save(mine, on_conflict="merge")

    check(pages, mine, saved, title="a", note="n", views=5, labels={"x", "y"})


def test_a_new_record_that_cannot_be_merged_exists(pages):
    """
    It is an ItemExists, with the fields.
    """
    pages.write(title="a")

    with pytest.raises(ItemExists, match="exists already with other values, title") as caught:
        pages.table.save(pages.Page(page_id="p1", title="b"), on_conflict="merge")

    assert (("title",), None) == (caught.value.fields, caught.value.base)


def test_a_deletion_against_a_change_is_a_conflict(pages):
    """
    No rule can say whether the item is to be.
    """
    pages.write(views=1)
    mine = pages.changed(pages.table.get("p1"), views=2)
    pages.table.delete("p1")

    with pytest.raises(ConflictError, match="was deleted by somebody else") as caught:
        pages.table.save(mine, on_conflict="merge")

    assert (True, None) == (caught.value.is_deleted, caught.value.theirs)
    assert pages.table.find("p1") is None


def test_what_a_rule_makes_must_be_storable(plain):
    """
    A sum with more digits than DynamoDB keeps is a ValidationError, and nothing is written.
    """
    big = Decimal("1E+60")
    mine = plain.conflict({"price": Decimal(0)}, {"price": big}, {"price": Decimal("0.001")})

    with pytest.raises(ValidationError, match="price"):
        plain.table.save(mine, on_conflict="merge")

    assert Decimal("0.001") == plain.table.get("p1").price


def test_partial_records(db):
    """
    A record of which some fields were read is merged by them, and is whole afterwards.
    """
    pages = Pages(Page)
    pages.write(title="a", views=1)
    (mine,) = pages.table.scan(attributes=["page_id", "views"])
    mine.views = 2
    pages.write(title="b", views=5)

    saved = pages.table.save(mine, on_conflict="merge")

    check(pages, mine, saved, title="b", views=6)


def test_partial_records_are_never_put(db):
    """
    What was not read of a deleted item cannot be written anew: it stays a conflict.
    """
    pages = Pages(Page)
    pages.write(title="a", views=1)
    (mine,) = pages.table.scan(attributes=["page_id", "views"])
    mine.views = 2
    pages.table.delete("p1")

    with pytest.raises(ConflictError, match="was deleted by somebody else"):
        pages.table.save(mine, on_conflict="mine")

    assert pages.table.find("p1") is None


def test_fields_that_are_not_declared(db):
    """
    Those of a schemaless record are taken from the side that changed them, as a whole.
    """
    table: Any = DynamoTable("loose", [HashKey("loose_id")], record_class=SchemalessRecord)
    table.save(SchemalessRecord(loose_id="l", a=1, b=1, c=1))
    mine, theirs = table.get("l"), table.get("l")
    mine.a, mine.d = 2, 2
    theirs.a = 2
    theirs.b = 3
    del theirs.c
    table.save(theirs)
    saved = table.save(mine, on_conflict="merge")

    assert mine is saved
    assert {"loose_id": "l", "a": 2, "b": 3, "d": 2} == vars(table.get("l")) == vars(saved)

    def without_b(base, mine, theirs):
        del theirs.b
        return theirs

    mine, theirs = table.get("l"), table.get("l")
    mine.a, theirs.a = 4, 5
    table.save(theirs)
    table.save(mine, on_conflict=without_b)

    assert {"loose_id": "l", "a": 5, "d": 2} == vars(table.get("l")) == vars(mine)


# --- theirs, mine -------------------------------------------------------------------------------


def test_theirs(engine, pages, count_requests):
    """
    Nothing is written: the record takes their values, and is clean.
    """
    mine = pages.conflict({"title": "a", "views": 1}, {"title": "b", "note": "m"}, {"title": "c", "views": 9})
    requests = count_requests()
    saved = pages.table.save(mine, on_conflict="theirs")

    assert requests_of(engine, UpdateItem=1) == requests.sent()
    check(pages, mine, saved, title="c", views=9, note="")
    assert saved is pages.table.save(saved)


def test_theirs_of_a_new_record(pages):
    """
    What is there is taken.
    """
    pages.write(title="a")
    mine = pages.Page(page_id="p1", title="b")

    check(pages, mine, pages.table.save(mine, on_conflict="theirs"), title="a")


def test_theirs_is_a_deletion(pages):
    """
    The deletion stands; there is no record that could be returned.
    """
    pages.write(views=1)
    mine = pages.changed(pages.table.get("p1"), views=2)
    pages.table.delete("p1")

    with pytest.raises(ItemNotFound):
        pages.table.save(mine, on_conflict="theirs")

    assert pages.table.find("p1") is None


def test_mine(engine, pages, count_requests):
    """
    My changed fields win, also against their rules; their other changes stay.
    """
    mine = pages.conflict(
        {"title": "a", "views": 1}, {"title": "b", "views": 2}, {"title": "c", "views": 9, "note": "n"}
    )
    requests = count_requests()
    saved = pages.table.save(mine, on_conflict="mine")

    assert requests_of(engine, UpdateItem=2) == requests.sent()
    check(pages, mine, saved, title="b", views=2, note="n")


def test_mine_of_a_new_record(pages):
    """
    All its fields are written over theirs; attributes that it does not have stay.
    """
    pages.write(title="a", note="n", views=4)
    pages.raw(other="x")
    mine = pages.Page(page_id="p1", title="b")
    saved = pages.table.save(mine, on_conflict="mine")

    check(pages, mine, saved, title="b", note="", views=0)
    assert {"S": "x"} == saved._item["other"]


def test_mine_writes_a_deleted_item_anew(pages):
    """
    The whole record is stored again, as long as nobody else has made one; versions only grow.
    """
    pages.write(title="a", views=1)
    pages.raw(other="x")
    mine = pages.changed(pages.table.get("p1"), views=2)
    pages.table.delete("p1")
    saved = pages.table.save(mine, on_conflict="mine")

    check(pages, mine, saved, title="a", views=2)
    assert {"S": "x"} == saved._item["other"]
    if hasattr(saved, "version"):
        assert 2 == saved.version


def test_versions_go_on_from_theirs(db):
    """
    The merged record has the version after theirs.
    """
    pages = Pages(VersionedPage)
    mine = pages.conflict({"views": 1}, {"views": 2}, {"views": 3})
    pages.write(views=4)

    assert (4, 5) == (pages.table.save(mine, on_conflict="merge").version, pages.table.get("p1").views)


# --- functions ----------------------------------------------------------------------------------


def test_a_function_decides(engine, pages, count_requests):
    """
    It gets three records, and what it returns is stored.
    """
    seen = []

    def decide(base, mine, theirs):
        seen.append((base.title, mine.title, theirs.title))
        return pages.changed(theirs, title=f"{mine.title}+{theirs.title}")

    mine = pages.conflict({"title": "a"}, {"title": "b", "views": 5}, {"title": "c", "note": "n"})
    requests = count_requests()
    saved = pages.table.save(mine, on_conflict=decide)

    assert requests_of(engine, UpdateItem=2) == requests.sent()
    assert [("a", "b", "c")] == seen
    check(pages, mine, saved, title="b+c", note="n", views=0)


def test_what_a_function_may_return(plain):
    """
    Mine is stored as a whole, theirs is left at that, a new record is stored, None gives up.
    """

    def conflict():
        return plain.conflict({"title": "a", "note": ""}, {"title": "b"}, {"title": "c", "note": "n"})

    check(
        plain, mine := conflict(), plain.table.save(mine, on_conflict=lambda b, m, t: m), title="b", note=""
    )
    check(
        plain, mine := conflict(), plain.table.save(mine, on_conflict=lambda b, m, t: t), title="c", note="n"
    )
    new = Page(page_id="p1", title="z", views=3)
    check(
        plain, mine := conflict(), plain.table.save(mine, on_conflict=lambda b, m, t: new), title="z", views=3
    )
    with pytest.raises(ConflictError, match="was changed by somebody else") as caught:
        plain.table.save(conflict(), on_conflict=lambda b, m, t: None)
    assert "c" == caught.value.theirs.title


def test_functions_get_none_for_what_is_not_there(pages):
    """
    No base for a new record, no theirs for a deleted item.
    """
    seen = []

    def decide(base, mine, theirs):
        seen.append((base is None, theirs is None, mine._item is None))
        return mine

    pages.write(title="a")
    new = pages.Page(page_id="p1", title="b")
    check(pages, new, pages.table.save(new, on_conflict=decide), title="b")
    mine = pages.changed(pages.table.get("p1"), title="c")
    pages.table.delete("p1")
    check(pages, mine, pages.table.save(mine, on_conflict=decide), title="c")

    assert [(True, False, True), (False, True, False)] == seen


def test_functions_work_on_copies(plain):
    """
    What a function does to mine counts only if it returns it: the record is changed by a save, or not at all.
    """

    def decide(base, mine, theirs):
        mine.title = "spoiled"

    mine = plain.conflict({"title": "a"}, {"title": "b"}, {"title": "c"})

    with pytest.raises(ConflictError):
        plain.table.save(mine, on_conflict=decide)

    assert "b" == mine.title


def test_what_functions_raise_is_raised(plain):
    """
    As it is; and what they return must be a record of the class, with the same key.
    """

    def fail(base, mine, theirs):
        raise KeyError("not today")

    mine = plain.conflict({"title": "a"}, {"title": "b"}, {"title": "c"})

    with pytest.raises(KeyError, match="not today"):
        plain.table.save(mine, on_conflict=fail)
    with pytest.raises(DynamoSchemaException, match="returned dict"):
        plain.table.save(mine, on_conflict=lambda b, m, t: {})
    with pytest.raises(DynamoSchemaException, match="another key than 'p1'"):
        plain.table.save(mine, on_conflict=lambda b, m, t: Page(page_id="p2"))
    with pytest.raises(ValidationError, match="title"):
        plain.table.save(mine, on_conflict=lambda b, m, t: Page(page_id="p1", title=5))
    assert "c" == plain.table.get("p1").title
    plain.table.delete("p1")
    with pytest.raises(DynamoSchemaException, match="another key than 'p1'"):
        plain.table.save(mine, on_conflict=lambda b, m, t: Page(page_id="p2"))
    assert plain.table.find("p2") is None


# --- together with the rest ---------------------------------------------------------------------


def test_false_conditions_are_no_conflicts(pages):
    """
    A condition that is false for what is stored is raised, whatever is to be done about conflicts.
    """
    must = Attr("note").eq("open")
    for on_conflict in ("merge", "mine", "theirs", lambda base, mine, theirs: mine):
        mine = pages.conflict({"note": "open", "views": 1}, {"views": 2}, {"note": "closed", "views": 3})
        with pytest.raises(ConditionFailed, match="condition is false") as caught:
            pages.table.save(mine, condition=must, on_conflict=on_conflict)
        assert not isinstance(caught.value, ConflictError)
        assert 3 == pages.table.get("p1").views


def test_true_conditions_hold_for_what_is_merged(pages):
    """
    The condition goes with the merged write as well.
    """
    mine = pages.conflict({"note": "open", "views": 1}, {"views": 2}, {"views": 3})

    saved = pages.table.save(mine, condition=Attr("note").eq("open"), on_conflict="merge")

    check(pages, mine, saved, views=4)


def test_exactly_once(pages, count_requests):
    """
    Both writes are transactions, with a token each.
    """
    mine = pages.conflict({"views": 1}, {"views": 2}, {"views": 3})
    requests = count_requests()
    saved = pages.table.save(mine, exactly_once=True, on_conflict="merge")

    assert 2 == requests.sent()["TransactWriteItems"]
    check(pages, mine, saved, views=4)


def test_bad_arguments(offline):
    """
    Unknown words, and on_conflict= where there can be no conflict, are refused before anything is sent.
    """
    table: Any = DynamoTable("page", [HashKey("page_id")], record_class=Page)
    for bad in ("Merge", None, 1, ["mine"]):
        with pytest.raises(QueryError, match="on_conflict= is one of"):
            table.save(Page(page_id="p1"), on_conflict=bad)
    with pytest.raises(QueryError, match="overwrite=True"):
        table.save(Page(page_id="p1"), overwrite=True, on_conflict="merge")


@pytest.mark.engines(*OWN)
@pytest.mark.parametrize("record_class", [Page, VersionedPage, FrozenVersionedPage])
def test_concurrent_writers_lose_nothing(db, record_class):
    """
    Threads that each count in their own copy of a record, and merge: every count is there in the end.
    """
    pages = Pages(record_class)
    pages.write(title="counted")
    errors: list[Exception] = []

    def work(name: int) -> None:
        try:
            record = pages.table.get("p1")
            for n in range(15):
                changed = pages.changed(
                    record,
                    views=record.views + 1,
                    price=record.price + Decimal("0.01"),
                    labels=record.labels | {f"{name}-{n}"},
                    best=max(record.best, 100 * name + n),
                )
                record = pages.table.save(changed, on_conflict="merge")
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(name,)) for name in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [] == errors
    stored = pages.table.get("p1")
    assert (45, Decimal("0.45"), 45, 214) == (stored.views, stored.price, len(stored.labels), stored.best)
