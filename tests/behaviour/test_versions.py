"""Records that count their saves."""

from __future__ import annotations

import pytest

from dynamo_objects import BatchFailed, ConflictError, ItemExists, QueryError

from .tables import Account, AccountTable


def test_version_counts_saves(db, kind):
    """
    A new record has version 1 after its save, and one more after each.
    """
    table = kind.AccountTable()
    record = table.save(kind.Account(account_id="a", balance=10))
    record = table.save(kind.changed(record, balance=20))

    assert 2 == record.version
    assert (20, 2) == (table.get("a").balance, table.get("a").version)


def test_unchanged_record_keeps_its_version(db, kind, count_requests):
    """
    Saving without a change sends nothing and counts nothing.
    """
    table = kind.AccountTable()
    record = table.save(kind.Account(account_id="a"))
    requests = count_requests()

    assert 1 == table.save(record).version
    assert {} == requests.sent()


def test_any_save_in_between_is_a_conflict(db, kind):
    """
    With a version, a change of another field by somebody else is a conflict too.
    """
    table = kind.AccountTable()
    table.save(kind.Account(account_id="a", owner="ann"))
    mine = kind.changed(table.get("a"), balance=1)
    table.save(kind.changed(table.get("a"), owner="bob"))

    with pytest.raises(ConflictError) as caught:
        table.save(mine)
    assert (1, 2) == (caught.value.base.version, caught.value.theirs.version)
    assert ("bob", 0) == (table.get("a").owner, table.get("a").balance)
    assert 1 == mine.version


def test_refused_save_leaves_the_version(db, kind):
    """
    A new record that is refused still has the version it had.
    """
    table = kind.AccountTable()
    table.save(kind.Account(account_id="a"))
    mine = kind.Account(account_id="a")

    with pytest.raises(ItemExists):
        table.save(mine)
    assert 0 == mine.version


def test_update_counts_the_version(db, kind):
    """
    update and update_counter count the version, so that who loaded before is told.
    """
    table = kind.AccountTable()
    table.save(kind.Account(account_id="a"))
    mine = kind.changed(table.get("a"), balance=7)

    assert 2 == table.update("a", put={"owner": "bob"}).version
    assert {"balance": 5} == table.update_counter("a", balance=5)
    assert 3 == table.get("a").version
    with pytest.raises(ConflictError):
        table.save(mine)


def test_update_creates_with_version_1(db, kind):
    """
    A record that an update has created is at version 1.
    """
    assert 1 == kind.AccountTable().update("a", put={"owner": "ann"}).version


@pytest.mark.parametrize(
    "change",
    [
        lambda table: table.update("a", put={"version": 5}),
        lambda table: table.update("a", add={"version": 1}),
        lambda table: table.update("a", remove=["version"]),
        lambda table: table.update_counter("a", version=1),
    ],
    ids=["put", "add", "remove", "counter"],
)
def test_version_is_not_for_updates(db, change):
    """
    Nobody sets a version: every update counts it by itself.
    """
    table = AccountTable()

    with pytest.raises(QueryError, match="version is the version: every update counts it by itself"):
        change(table)
    assert table.find("a") is None


def test_save_many_is_conditional(db, kind):
    """
    save_many saves versioned records conditionally: others are saved, conflicts are named.
    """
    table = kind.AccountTable()
    table.save_many([kind.Account(account_id=name, balance=1) for name in "abc"])
    records = [kind.changed(table.get(name), balance=2) for name in "abc"]
    table.update_counter("b", balance=10)

    with pytest.raises(
        BatchFailed, match="save_many of account: 1 not written: 'b': account 'b' was changed"
    ) as caught:
        table.save_many(records)

    (failure,) = caught.value.failures
    assert ("b", ConflictError, records[1]) == (failure.key, type(failure.reason), failure.record)
    assert [2, 11, 2] == [table.get(name).balance for name in "abc"]


def test_save_many_returns_the_new_versions(db, kind):
    """
    save_many returns records that know their new version, in the order given, and skips unchanged ones.
    """
    table = kind.AccountTable()
    first = table.save_many([kind.Account(account_id=name) for name in "ab"])
    again = table.save_many([first[0], kind.changed(first[1], balance=1)])

    assert [1, 2] == [record.version for record in again]
    assert [1, 2] == [table.get(name).version for name in "ab"]


def test_overwrite_goes_on_counting(db, kind):
    """
    overwrite=True stores the record with its next version, whatever is there.
    """
    table = kind.AccountTable()
    mine = table.save(kind.Account(account_id="a"))
    table.update_counter("a", balance=1)
    mine = table.save(kind.changed(mine, balance=9), overwrite=True)

    assert (9, mine.version) == (table.get("a").balance, table.get("a").version)


def test_partial_record_is_guarded_by_its_version(db, kind):
    """
    A partial record has its version even if it was not asked for, so that its changes are guarded.
    """
    table = kind.AccountTable()
    table.save(kind.Account(account_id="a", owner="ann"))
    mine = table.scan(attributes=["owner"]).one()
    table.update_counter("a", balance=1)
    if kind.name == "mutable":
        mine.owner = "bob"
        with pytest.raises(ConflictError):
            table.save(mine)

    assert ("ann", 2) == (table.get("a").owner, table.get("a").version)


def test_delete_and_make_anew(db):
    """
    A deleted record that is saved again is a new one.
    """
    table = AccountTable()
    table.save(Account(account_id="a", balance=3))
    record = table.delete("a")
    table.save(record)

    assert 3 == table.get("a").balance
