"""What a MemoryTable had accepted is written after its end, and no newer write of anybody else is lost."""

from __future__ import annotations

import json

import pytest

from dynamo_objects import (
    JournalError,
    JournalUnfinished,
    MemoryTable,
    RecoveryReport,
    recover,
)

from .tables import Account, AccountTable, Store, StoreTable, Visit, VisitTable

pytestmark = pytest.mark.filterwarnings("ignore::dynamo_objects.memorydb.UnwrittenChanges")


@pytest.fixture
def path(tmp_path):
    """Where the journal is."""
    return tmp_path / "run.journal"


def counts(report):
    """Return (replayed, there already, conflicts) of a report."""
    return report.replayed, report.there_already, report.conflicts


def conflicts(path):
    """Return what is in the file of conflicts."""
    return [json.loads(line) for line in path.with_name("run.journal.conflicts").read_text().splitlines()]


def died(table, path, change):
    """Have a MemoryTable accept a change, and end before it is flushed."""
    memory = MemoryTable(table, journal=path)
    with memory.unit():
        change(memory)
    memory.close()


def change_city(memory):
    memory.get("s1").city = "Oslo"


# --- what is written -------------------------------------------------------------------------------


def test_a_unit_is_accepted_when_it_ends(db, path):
    """
    Changed, new and deleted records of a unit are written by a recovery, and only those.
    """
    table = StoreTable()
    table.save_many(Store(store_id=f"s{n}", city="Rome", tags=["a"]) for n in range(4))

    def change(memory):
        memory.get("s1").city = "Oslo"
        memory.get("s2").tags.append("b")
        memory.delete("s3")
        memory.save(Store(store_id="new", visits=7))

    died(table, path, change)
    before = table.get_many(["s1", "s2", "s3", "new"])
    report = recover(path, table)

    assert ["s1", "s2", "s3"] == list(before)
    assert (4, 0, 0) == counts(report)
    assert ("Oslo", ["a"]) == (table.get("s1").city, table.get("s1").tags)
    assert ["a", "b"] == table.get("s2").tags
    assert table.find("s3") is None
    assert 7 == table.get("new").visits
    assert "Rome" == table.get("s0").city


def test_a_second_recovery_finds_nothing(db, path):
    """
    A recovery that has ended leaves nothing to do, and the journal may be used again.
    """
    table = StoreTable()
    table.save(Store(store_id="s1"))
    died(table, path, change_city)
    recover(path, table)

    assert (0, 0, 0) == counts(recover(path, table))
    with MemoryTable(table, journal=path) as memory:
        assert "Oslo" == memory.get("s1").city


def test_without_a_journal_there_is_nothing_to_recover(db, path):
    """
    recover() may always be called: a journal that does not exist is no error, and is not made.
    """
    report = recover(path, StoreTable())

    assert RecoveryReport(conflict_file=f"{path}.conflicts") == report
    assert not path.exists()


def test_the_last_accepted_state_counts(db, path):
    """
    Of several accepted changes of a record the last one is written.
    """
    table = StoreTable()
    table.save(Store(store_id="s1"))
    memory = MemoryTable(table, journal=path)
    for number in range(5):
        with memory.unit():
            memory.get("s1").visits = number
    memory.close()

    assert (1, 0, 0) == counts(recover(path, table))
    assert 4 == table.get("s1").visits


def test_what_was_taken_back_is_not_written(db, path):
    """
    A record that a later unit has made what it was is left alone, as a flush would.
    """
    table = StoreTable()
    table.save(Store(store_id="s1", visits=1))
    memory = MemoryTable(table, journal=path)
    with memory.unit():
        memory.get("s1").visits = 2
    with memory.unit():
        memory.get("s1").visits = 1
    memory.close()

    assert (0, 0, 0) == counts(recover(path, table))
    assert 1 == table.get("s1").visits


def test_a_unit_that_was_undone_is_not_accepted(db, path):
    """
    Of a unit that an exception has ended nothing is in the journal.
    """
    table = StoreTable()
    table.save(Store(store_id="s1"))
    memory = MemoryTable(table, journal=path)
    with pytest.raises(ZeroDivisionError):
        with memory.unit():
            memory.get("s1").visits = 2
            raise ZeroDivisionError
    memory.close()

    assert (0, 0, 0) == counts(recover(path, table))
    assert 0 == table.get("s1").visits


def test_what_a_flush_has_written_is_no_longer_in_the_journal(db, path):
    """
    After a flush of everything the journal is as small as a new one.
    """
    table = StoreTable()
    memory = MemoryTable(table, journal=path)
    size = path.stat().st_size
    for number in range(60):
        memory.save(Store(store_id=f"s{number}"))
    memory.save_data_batch()
    after_batches = path.stat().st_size
    for number in range(3):
        memory.get(f"s{number}").visits += 1
    memory.save_data()

    assert (size, size) == (after_batches, path.stat().st_size)
    memory.close()


def test_what_a_flush_could_not_write_stays_accepted(db, path):
    """
    A record that a flush has reported as failed is still in the journal, and becomes a conflict there.
    """
    table = StoreTable()
    table.save_many(Store(store_id=f"s{n}") for n in range(3))
    memory = MemoryTable(table, journal=path)
    for number in range(3):
        memory.get(f"s{number}").visits = 1
    theirs = table.get("s1")
    theirs.visits = 100
    table.save(theirs)
    report = memory.save_data(ignore_errors=True)
    memory.close()

    assert ["s1"] == [failure.key for failure in report.failed]
    assert (0, 0, 1) == counts(recover(path, table))
    assert 100 == table.get("s1").visits


def test_a_journal_that_was_left_must_be_recovered_first(db, path):
    """
    A MemoryTable does not open a journal that still holds what somebody has accepted.
    """
    table = StoreTable()
    table.save(Store(store_id="s1"))
    died(table, path, change_city)
    with pytest.raises(JournalUnfinished, match="recover") as caught:
        MemoryTable(table, journal=path)

    assert (1, str(path)) == (caught.value.count, caught.value.path)
    assert (1, 0, 0) == counts(recover(path, table))


def test_a_journal_belongs_to_one_table(db, path):
    """
    Neither another table's MemoryTable nor its recovery touches a journal; both say what differs.
    """
    stores, accounts = StoreTable(), AccountTable()
    stores.save(Store(store_id="s1"))
    died(stores, path, change_city)
    before = path.read_bytes()
    with pytest.raises(JournalError, match=r"belongs to another table: its table is .*store"):
        MemoryTable(accounts, journal=path)
    with pytest.raises(JournalError, match=r"belongs to another table: its table is .*store"):
        recover(path, accounts)

    assert before == path.read_bytes()


# --- what somebody else has written since -------------------------------------------------------------


def test_a_newer_write_is_kept_and_the_conflict_is_filed(db, path):
    """
    Where somebody else has changed the same field since, theirs stays, and both sides are in a file.
    """
    table = StoreTable()
    table.save(Store(store_id="s1", city="Rome", visits=3))
    died(table, path, change_city)
    theirs = table.get("s1")
    theirs.city = "Bergen"
    table.save(theirs)
    report = recover(path, table)
    (conflict,) = conflicts(path)

    assert (0, 0, 1) == counts(report)
    assert "Bergen" == table.get("s1").city
    assert {"S": "s1"} == conflict["key"]["store_id"]
    cities = [conflict[side]["city"]["S"] for side in ("base", "mine", "theirs")]
    assert ["Rome", "Oslo", "Bergen"] == cities
    assert (db.get_table_name("store"), "it was changed by somebody else") == (
        conflict["table"],
        conflict["reason"],
    )
    assert str(path) + ".conflicts" == report.conflict_file


def test_newer_writes_of_other_fields_are_kept_beside_ours(db, path):
    """
    As with save, a change of other fields is no conflict: both stay.
    """
    table = StoreTable()
    table.save(Store(store_id="s1", city="Rome"))
    died(table, path, change_city)
    theirs = table.get("s1")
    theirs.tags = ["theirs"]
    table.save(theirs)

    assert (1, 0, 0) == counts(recover(path, table))
    assert ("Oslo", ["theirs"]) == (table.get("s1").city, table.get("s1").tags)


def test_what_is_in_the_table_already_is_no_conflict(db, path):
    """
    A change that was carried out, but not noted as done, is recognised.
    """
    table = StoreTable()
    table.save_many([Store(store_id="s1"), Store(store_id="s2")])

    def change(memory):
        memory.get("s1").city = "Oslo"
        memory.delete("s2")
        memory.save(Store(store_id="s3", tags=["x"]))

    died(table, path, change)
    table.save_many([Store(store_id="s1", city="Oslo"), Store(store_id="s3", tags=["x"])])
    table.delete("s2")

    assert (0, 3, 0) == counts(recover(path, table))


@pytest.mark.parametrize("theirs", ["changed", "with a new attribute", "another with its key"])
def test_deletions_spare_what_is_newer(db, path, theirs):
    """
    An item that was changed since, in any attribute, is not deleted.
    """
    table = StoreTable()
    table.save(Store(store_id="s1", city="Rome"))
    died(table, path, lambda memory: memory.delete("s1"))
    newer = {
        "changed": Store(store_id="s1", city="Paris"),
        "with a new attribute": Store(store_id="s1", city="Rome", tags=["theirs"]),
        "another with its key": Store(store_id="s1", company_id="c"),
    }[theirs]
    table.save(newer, overwrite=True)
    before = table.get("s1")._item

    assert (0, 0, 1) == counts(recover(path, table))
    assert before == table.get("s1")._item
    assert conflicts(path)[0]["mine"] is None


def test_new_records_do_not_replace_what_was_made_meanwhile(db, path):
    """
    A new record whose key was taken since is a conflict; so is a change of what was deleted.
    """
    table = StoreTable()
    table.save(Store(store_id="s1"))

    def change(memory):
        memory.save(Store(store_id="new", city="Oslo"))
        memory.get("s1").visits = 5

    died(table, path, change)
    table.save(Store(store_id="new", city="Bergen"))
    table.delete("s1")

    assert (0, 0, 2) == counts(recover(path, table))
    assert ("Bergen", None) == (table.get("new").city, table.find("s1"))
    assert [True, False] == [
        line["theirs"] is not None
        for line in sorted(conflicts(path), key=lambda c: c["reason"], reverse=True)
    ]


def test_versions_guard_a_recovery(db, path):
    """
    Records with a version are written at the version that they were read at, and counted.
    """
    table = AccountTable()
    table.save_many([Account(account_id="a"), Account(account_id="b")])

    def change(memory):
        memory.get("a").balance = 1
        memory.get("b").balance = 1

    died(table, path, change)
    theirs = table.get("b")
    theirs.owner = "them"
    table.save(theirs)

    assert (1, 0, 1) == counts(recover(path, table))
    assert (1, 2) == (table.get("a").balance, table.get("a").version)
    assert ("them", 0, 2) == (table.get("b").owner, table.get("b").balance, table.get("b").version)


def test_keys_of_two_parts_and_numbers(db, path):
    """
    Items are found by hash and range key, whatever the types.
    """
    table = VisitTable()
    table.save_many(Visit(store_id="s", number=n, paid=0.5) for n in range(3))

    def change(memory):
        memory.get("s", 1).paid = 2.5
        memory.delete("s", 2)

    died(table, path, change)

    assert (2, 0, 0) == counts(recover(path, table))
    assert [(0, 0.5), (1, 2.5)] == [(visit.number, visit.paid) for visit in table.query("s")]


def test_a_record_deleted_and_made_anew(db, path):
    """
    A new record in the place of a deleted one takes the place of the item, if that is as it was.
    """
    table = StoreTable()
    table.save_many([Store(store_id="s1", city="Rome", tags=["old"]), Store(store_id="s2", city="Rome")])

    def change(memory):
        for key in ("s1", "s2"):
            memory.delete(key)
            memory.save(Store(store_id=key, visits=1))

    died(table, path, change)
    table.save(Store(store_id="s2", city="Bergen"), overwrite=True)

    assert (1, 0, 1) == counts(recover(path, table))
    assert (1, "", []) == (table.get("s1").visits, table.get("s1").city, table.get("s1").tags)
    assert ("Bergen", 0) == (table.get("s2").city, table.get("s2").visits)


def test_an_earlier_state_of_ours_is_not_a_strangers(db, path):
    """
    Where an earlier accepted change was written without our knowing, the later one goes on from there.
    """
    table, accounts = StoreTable(), AccountTable()
    table.save(Store(store_id="s1", tags=["a"]))
    accounts.save(Account(account_id="a"))
    for one, key, name, journal in (
        (table, "s1", "visits", path),
        (accounts, "a", "balance", path.with_name("accounts.journal")),
    ):
        memory = MemoryTable(one, journal=journal)
        for number in (5, 6):
            with memory.unit():
                setattr(memory.get(key), name, number)
        memory.close()
        first = one.get(key)
        setattr(first, name, 5)
        one.save(first)

        assert (1, 0, 0) == counts(recover(journal, one))
        assert 6 == getattr(one.get(key), name)
    assert 3 == accounts.get("a").version
