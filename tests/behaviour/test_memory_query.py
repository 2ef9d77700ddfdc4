"""MemoryTable: queries and scans show what is cached, laid over what the table answers."""

from __future__ import annotations

from decimal import Decimal

import pytest
from boto3.dynamodb.conditions import Attr, Key

from dynamo_objects import (
    DynamoRecord,
    DynamoTable,
    GlobalIndex,
    HashKey,
    ItemNotFound,
    MemoryTable,
    MultipleItemsFound,
    QueryError,
    RangeKey,
    UnknownFieldError,
    ValidationError,
)

from .tables import Store, StoreTable, Visit, VisitTable


def visits(numbers, **fields):
    """Return visits of one store with these numbers."""
    return [Visit(store_id="s1", number=n, **fields) for n in numbers]


def filled(numbers=range(10), **fields):
    """Return a MemoryTable over stored visits."""
    table = VisitTable()
    table.save_many(visits(numbers, **{"guest": "ann", "paid": 1.0, "note": "n", **fields}))
    return MemoryTable(table)


def numbers(query):
    """Return the numbers of the visits that a query finds."""
    return [visit.number for visit in query]


# --- one object for each key ------------------------------------------------------------------------


def test_results_are_the_cached_objects(db, count_requests):
    """
    What get has read is what a query gives, and the other way round; nothing is read twice.
    """
    memory = filled()
    third = memory.get("s1", 3)
    found = memory.query("s1")()
    requests = count_requests()

    assert third is found[3]
    assert all(visit is memory.get("s1", visit.number) for visit in found)
    assert found == memory.query("s1")() == sorted(memory.scan(), key=lambda visit: visit.number)
    assert all(one is other for one, other in zip(found, memory.query("s1"), strict=True))
    assert set(requests.sent()) == {"Query", "Scan"}


def test_results_are_flushed_when_they_change(db):
    """
    A record that came from a query is cached like any other: its changes are written.
    """
    memory = filled()
    for visit in memory.query("s1"):
        visit.paid += visit.number

    assert 9 == memory.save_data_batch().puts
    assert [1.0 + n for n in range(10)] == [v.paid for v in memory.db_table.query("s1", consistent=True)]


def test_queries_are_lazy_and_reusable(db, count_requests):
    """
    Nothing is sent before results are wanted; each run asks anew.
    """
    memory, requests = filled(), count_requests()
    query = memory.query("s1").range(3, 5).filter(guest__eq="ann")
    assert {} == requests.sent()

    assert [3, 4, 5] == numbers(query)
    memory.delete("s1", 4)
    assert [3, 5] == numbers(query)
    assert [5, 3] == numbers(query.reverse())
    assert [3] == numbers(query.limit(1))
    assert [3, 5] == numbers(query)


def test_every_way_to_refine(db):
    """
    A MemoryQuery is refined by the methods that a query of the table has.
    """
    memory = filled(range(6))
    memory.get("s1", 0).paid = 9.0

    assert [2, 3] == numbers(memory.query().hash("s1").where(Key("number").between(2, 3)))
    assert [0] == numbers(memory.query().where(store_id__eq="s1", paid__gt=5.0).page_size(2))
    assert [0] == numbers(memory.query().index("ByPaid").hash("s1").range(5.0))
    assert [4, 5] == sorted(numbers(memory.scan().filter(Attr("number").gt(3)).segments(2)))
    assert "MemoryQuery" in repr(memory.query("s1"))


# --- unflushed changes --------------------------------------------------------------------------------


def test_additions_show_in_their_place(db):
    """
    New records that are not flushed appear where they belong, also in reverse.
    """
    memory = filled([1, 3, 5])
    for visit in visits([0, 2, 4, 6]):
        memory.save(visit)
    memory.get("s1", 7, create=True).guest = "changed"
    memory.get("s1", 8, create=True)

    assert [0, 1, 2, 3, 4, 5, 6, 7] == numbers(memory.query("s1"))
    assert [7, 6, 5, 4, 3, 2, 1, 0] == numbers(memory.query("s1", reverse=True))
    assert [2, 3, 4] == numbers(memory.query("s1").range(2, 4))
    assert [0, 1, 2, 3, 4, 5, 6, 7] == sorted(numbers(memory.scan()))
    assert [] == numbers(memory.query("s2"))


def test_deletions_show(db):
    """
    Deleted records are left out, before a flush and after it.
    """
    memory = filled()
    for number in (0, 4, 9):
        memory.delete("s1", number)

    expected = [1, 2, 3, 5, 6, 7, 8]
    assert expected == numbers(memory.query("s1")) == sorted(numbers(memory.scan()))
    memory.get("s1", 4, create=True)
    assert expected == numbers(memory.query("s1"))
    memory.save_data_batch()
    assert expected == numbers(memory.query("s1")) == sorted(numbers(memory.scan()))
    assert 7 == memory.query_count("s1")


def test_changes_are_tested_again(db):
    """
    A changed record that does not match any more is left out, one that matches now is there.
    """
    memory = filled(guest="ann")
    memory.get("s1", 2).guest = "bob"
    memory.get("s1", 5).guest = "bob"

    assert [2, 5] == numbers(memory.query("s1", guest__eq="bob"))
    assert [0, 1, 3, 4, 6, 7, 8, 9] == numbers(memory.query("s1", query_filter={"guest__eq": "ann"}))
    assert [2, 5] == numbers(memory.query(Key("store_id").eq("s1"), query_filter=Attr("guest").eq("bob")))
    assert [2, 5] == sorted(numbers(memory.scan(guest__beginswith="b")))
    assert 2 == memory.scan(Attr("guest").ne("ann")).count()


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 20])
def test_limit_counts_results(db, limit, count_requests):
    """
    The limit holds for the whole: deleted and changed records do not use it up.
    """
    memory = filled()
    for number in (0, 1, 2):
        memory.delete("s1", number)
    memory.save(Visit(store_id="s1", number=-1, guest="ann"))
    memory.get("s1", 5).guest = "bob"
    requests = count_requests()

    everything = [-1, 3, 4, 5, 6, 7, 8, 9]
    ann = [number for number in everything if number != 5]
    assert everything[:limit] == numbers(memory.query("s1", limit=limit))
    assert {"Query": 1} == requests.sent()
    assert everything[::-1][:limit] == numbers(memory.query("s1", limit=limit, reverse=True))
    assert ann[:limit] == numbers(memory.query("s1", limit=limit, guest__eq="ann"))
    assert everything[:limit] == numbers(memory.query("s1", limit=limit, max_page_size=2))
    assert len(everything[:limit]) == len(memory.scan(limit=limit)())


def test_first_and_one(db):
    """
    first and one know of unflushed changes.
    """
    memory = filled([1, 2])
    memory.delete("s1", 1)
    assert 2 == memory.query("s1").first().number
    assert 2 == memory.query("s1").one().number
    memory.save(Visit(store_id="s1", number=0))
    with pytest.raises(MultipleItemsFound, match="visit: more than one record found"):
        memory.query("s1").one()
    memory.delete("s1", 0)
    memory.delete("s1", 2)
    assert memory.query("s1").first() is None
    with pytest.raises(ItemNotFound, match="visit: no record found"):
        memory.query("s1").one()
    assert 0 == memory.query("s1").count()


# --- order --------------------------------------------------------------------------------------------


class Word(DynamoRecord):
    """A record ordered by text."""

    group: str = ""
    word: str = ""


class WordTable(DynamoTable[Word]):
    """Words of a group, in the order of their bytes."""

    table_name = "word"
    schema = [HashKey("group"), RangeKey("word")]


class Weight(DynamoRecord):
    """A record ordered by numbers, and by bytes in an index."""

    group: str = ""
    weight: Decimal = Decimal(0)
    digest: bytes = b""


class WeightTable(DynamoTable[Weight]):
    """Weights of a group."""

    table_name = "weight"
    schema = [HashKey("group"), RangeKey("weight")]
    global_indexes = [GlobalIndex("ByDigest", [HashKey("group"), RangeKey("digest")])]


def test_text_is_ordered_by_its_bytes(db):
    """
    Stored and unflushed text is merged in the order of UTF-8, as DynamoDB orders it.
    """
    words = ["", "A", "Z", "a", "z", "zz", "é", "Ω", "中", "\ufffd", "😀", "10", "2", " ", "~"][1:]
    table = WordTable()
    table.save_many(Word(group="g", word=word) for word in words[::2])
    memory = MemoryTable(table)
    for word in words[1::2]:
        memory.save(Word(group="g", word=word))

    expected = sorted(words, key=lambda word: word.encode())
    assert expected == [found.word for found in memory.query("g")]
    assert expected[::-1] == [found.word for found in memory.query("g").reverse()]
    memory.save_data_batch()
    assert expected == [found.word for found in table.query("g", consistent=True)]


def test_numbers_and_bytes_are_ordered_by_value(db):
    """
    Numbers are merged by value, not by their text; bytes as they are.
    """
    weights = [
        Decimal(text) for text in ("-100", "-2", "0", "0.5", "2", "10", "1E+20", "99999999999999999999.5")
    ]
    digests = [bytes([n]) for n in (0, 200, 3, 127, 128, 9, 255, 1)]
    records = [Weight(group="g", weight=w, digest=d) for w, d in zip(weights, digests, strict=True)]
    table = WeightTable()
    table.save_many(records[::2])
    memory = MemoryTable(table)
    for record in records[1::2]:
        memory.save(record)

    assert sorted(weights) == [found.weight for found in memory.query("g")]
    assert sorted(digests) == [found.digest for found in memory.query("g", index="ByDigest")]
    assert sorted(digests)[::-1] == [
        found.digest for found in memory.query("g", index="ByDigest", reverse=True)
    ]
    assert [Decimal("0"), Decimal("0.5"), Decimal(2)] == [w.weight for w in memory.query("g").range(0, 9)]


# --- indexes ------------------------------------------------------------------------------------------


def test_global_index(db, count_requests):
    """
    Through a global index, what is cached shows as it is; other records are read by their keys, once.
    """
    memory = filled(range(6), guest="ann")
    memory.get("s1", 1).guest = "bob"
    memory.delete("s1", 2)
    memory.save(Visit(store_id="s9", number=4, guest="ann"))
    memory.get("s1", 0)
    requests = count_requests()

    found = memory.query("ann", index="ByGuest")()

    assert [("s1", 0), ("s1", 3)] == [(v.store_id, v.number) for v in found[:2]]
    assert {("s1", 4), ("s9", 4), ("s1", 5)} == {(v.store_id, v.number) for v in found[2:]}
    assert [0, 3, 4, 4, 5] == [v.number for v in found]
    assert {"Query": 1, "BatchGetItem": 1} == requests.sent()
    assert [1] == numbers(memory.query("bob", index="ByGuest"))
    assert [5, 4, 4, 3, 0] == numbers(memory.query("ann", index="ByGuest", reverse=True))
    assert [5, 4] == numbers(memory.query("ann", index="ByGuest", reverse=True, limit=2))
    assert [3, 4, 4] == numbers(memory.query("ann", index="ByGuest").range(3, 4))
    assert 1 == requests.sent()["BatchGetItem"]
    found[1].note = "changed"
    assert 4 == memory.save_data_batch().written


def test_index_of_keys_alone(db):
    """
    An index that holds only keys still gives whole records, and filters on all their fields.
    """
    memory = filled(range(6), guest="ann", note="x")
    memory.get("s1", 1).note = "y"
    memory.get("s1", 2).paid = 5.0

    assert 6 == memory.query("ann", index="KeysByGuest").count()
    assert ["x"] == list({visit.note for visit in memory.query("ann", index="KeysByGuest", note__eq="x")})
    assert [1] == numbers(memory.query("ann", index="KeysByGuest", note__eq="y"))
    assert [2] == numbers(memory.query("ann", index="PaidByGuest").range(4.0, 6.0))
    assert 1.0 == memory.query("ann", index="PaidByGuest").first().paid


def test_local_index(db):
    """
    A local index orders by its own key; a changed record moves in it; what it does not hold is read.
    """
    table = VisitTable()
    table.save_many(Visit(store_id="s1", number=n, paid=10.0 - n, note=f"n{n % 3}") for n in range(6))
    memory = MemoryTable(table)
    memory.get("s1", 0).paid = 0.5
    memory.save(Visit(store_id="s1", number=9, paid=7.5, note="n9"))
    memory.delete("s1", 5)

    assert [0, 4, 3, 9, 2, 1] == numbers(memory.query("s1", index="ByPaid"))
    assert [1, 2, 9] == numbers(memory.query("s1", index="ByPaid", reverse=True, limit=3))
    notes = [(visit.note, visit.paid) for visit in memory.query("s1", index="KeysByNote")]
    assert sorted(note for note, _ in notes) == [note for note, _ in notes]
    assert {0.5, 6.0, 7.0, 7.5, 8.0, 9.0} == {paid for _, paid in notes}
    read = MemoryTable(table).query("s1", index="KeysByNote")
    assert {5.0, 6.0, 7.0, 8.0, 9.0, 10.0} == {visit.paid for visit in read}


def test_sparse_index(db):
    """
    A record without the key of an index is not in it, nor one that has lost it or not been flushed with it.
    """
    table = StoreTable()
    table.save_many(Store(store_id=f"s{n}", company_id="c1" if n % 2 else "") for n in range(6))
    memory = MemoryTable(table)
    memory.get("s1").company_id = ""
    memory.get("s2").company_id = "c1"
    memory.save(Store(store_id="s8"))
    memory.save(Store(store_id="s9", company_id="c1"))

    assert ["s2", "s3", "s5", "s9"] == [store.store_id for store in memory.query("c1", index="ByCompany")]
    assert {"s2", "s3", "s5", "s9"} == {store.store_id for store in memory.scan(index="ByCompany")}
    memory.save_data_batch()
    assert ["s2", "s3", "s5", "s9"] == [store.store_id for store in memory.query("c1", index="ByCompany")]


# --- scans --------------------------------------------------------------------------------------------


def test_parallel_scan(db):
    """
    segments= reads all segments, and gives each record once.
    """
    table = StoreTable()
    table.save_many(Store(store_id=f"s{n}") for n in range(50))
    memory = MemoryTable(table)
    memory.get("s0").visits = 3
    memory.delete("s1")
    memory.save(Store(store_id="new"))

    found = [store.store_id for store in memory.scan(segments=4)]

    assert 50 == len(found)
    assert {"new", "s0", *(f"s{n}" for n in range(2, 50))} == set(found)


def test_one_segment_is_refused(db, count_requests):
    """
    What is cached belongs to no segment: several workers would each show it.
    """
    memory, requests = MemoryTable(StoreTable()), count_requests()

    with pytest.raises(QueryError, match="use segments="):
        memory.scan(segment=0, total_segments=4)
    assert {} == requests.sent()


def test_attributes_are_checked_and_records_whole(db):
    """
    attributes= is checked, but records in memory are whole.
    """
    memory = filled([1], note="x")

    assert "x" == memory.query("s1", attributes=["guest"]).one().note
    assert "x" == memory.scan().attributes("guest").consistent().one().note
    with pytest.raises(UnknownFieldError):
        memory.query("s1", attributes=["geust"])


# --- what may be wrong --------------------------------------------------------------------------------


def test_wrong_queries_fail_before_any_request(db, count_requests):
    """
    Unknown fields, missing hash values and consistent reads of global indexes are errors at once.
    """
    memory, requests = filled([1]), count_requests()

    with pytest.raises(UnknownFieldError):
        memory.query("s1", geust__eq="ann")
    with pytest.raises(QueryError, match="needs store_id__eq"):
        memory.query()()
    with pytest.raises(QueryError, match="cannot be read consistently"):
        memory.query("ann", index="ByGuest", consistent=True)()
    with pytest.raises(QueryError, match="a scan has no order"):
        memory.scan().reverse()
    assert {} == requests.sent()


def test_invalid_records_concern_their_own_queries(db):
    """
    A cached record that cannot be stored is an error of queries that may find it, and of no other.
    """
    memory = filled(range(3))
    memory.save(Visit(store_id="s2", number=1, guest="eve"))
    memory.get("s1", 1).paid = "much"

    with pytest.raises(ValidationError, match=r"Visit \('s1', 1\) cannot be stored: paid"):
        memory.query("s1")()
    with pytest.raises(ValidationError):
        memory.scan()()
    assert [1] == numbers(memory.query("s2"))
    assert [1] == numbers(memory.query("eve", index="ByGuest"))


def test_index_key_of_a_wrong_type(db):
    """
    A cached record whose index key cannot be one is not in the index.
    """

    class Task(DynamoRecord):
        task_id: str = ""
        owner: str | None = "nobody"
        rank: int | None = 0

    class TaskTable(DynamoTable[Task]):
        table_name = "task"
        schema = [HashKey("task_id")]
        global_indexes = [GlobalIndex("ByOwner", [HashKey("owner"), RangeKey("rank")])]

    table = TaskTable()
    table.save_many(Task(task_id=f"t{n}", owner="ann", rank=n) for n in range(3))
    memory = MemoryTable(table)
    memory.get("t1").rank = None
    memory.get("t2").owner = None

    assert ["t0"] == [task.task_id for task in memory.query("ann", index="ByOwner")]


# --- changes while a query runs -------------------------------------------------------------------------


def test_changes_while_iterating(db):
    """
    Records that are changed or deleted while a query runs are given as they are when their turn comes.
    """
    memory = filled(range(10))
    memory.prefetch(("s1", n) for n in range(0, 10, 2))
    found = []
    for visit in memory.query("s1", max_page_size=3, guest__eq="ann"):
        found.append(visit.number)
        if visit.number == 1:
            memory.delete("s1", 2)
            memory.delete("s1", 3)
            memory.get("s1", 4).guest = "bob"
            memory.get("s1", 5).guest = "bob"
            memory.get("s1", 7).note = "seen"

    assert [0, 1, 6, 7, 8, 9] == found
    assert "seen" == memory.get("s1", 7).note


def test_deleting_all_results(db):
    """
    Deleting each result of a query as it comes deletes all of them.
    """
    memory = filled(range(10))
    for visit in memory.query("s1", max_page_size=4):
        memory.delete(visit.store_id, visit.number)

    assert 10 == memory.save_data_batch().deletes
    assert [] == memory.db_table.scan(consistent=True)()


def test_others_change_the_table(db):
    """
    What was cached stays as it is; what others have made since shows, though it was absent before.
    """
    memory = filled(range(3))
    first = memory.get("s1", 0)
    assert memory.find("s1", 7) is None
    memory.db_table.update("s1", 0, put={"note": "theirs"})
    memory.db_table.save(Visit(store_id="s1", number=7, note="theirs"))
    memory.db_table.delete("s1", 1)

    found = memory.query("s1")()

    assert [0, 2, 7] == [visit.number for visit in found]
    assert found[0] is first
    assert "n" == first.note
    assert found[2] is memory.get("s1", 7)


def test_one_respects_a_smaller_limit(db):
    """
    Over a MemoryTable as over its table, one() of a query limited to one result is that result.
    """
    memory = filled([1, 2])

    assert 1 == memory.db_table.query("s1").limit(1).one().number
    assert 1 == memory.query("s1").limit(1).one().number
