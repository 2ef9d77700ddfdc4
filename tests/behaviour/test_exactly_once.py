"""exactly_once=True: single writes through transactions, with the results of plain ones."""

from __future__ import annotations

import pytest

from dynamo_objects import ConditionFailed, ConflictError, ItemExists, ItemNotFound

from .tables import Store, StoreTable


def test_save(db, kind, count_requests):
    """
    New and changed records are saved by one transaction each.
    """
    table = kind.StoreTable()
    requests = count_requests()
    record = table.save(kind.Store(store_id="s1", city="Oslo"), exactly_once=True)
    record = table.save(kind.changed(record, city="Bergen", tags=["a"]), exactly_once=True)
    table.save(record, exactly_once=True)

    assert {"TransactWriteItems": 2} == requests.sent()
    assert kind.Store(store_id="s1", city="Bergen", tags=["a"]) == table.get("s1")


def test_conflicts(db, kind):
    """
    Conflicts are found as without it, and hold the same facts.
    """
    table = kind.StoreTable()
    table.save(kind.Store(store_id="s1", city="Oslo"))
    mine = kind.changed(table.get("s1"), city="Bergen")
    table.save(kind.changed(table.get("s1"), city="Tromsø"))

    with pytest.raises(ItemExists) as exists:
        table.save(kind.Store(store_id="s1"), exactly_once=True)
    assert "Tromsø" == exists.value.theirs.city
    with pytest.raises(ConflictError) as conflict:
        table.save(mine, exactly_once=True)
    assert ("Bergen", "Tromsø", "Oslo") == tuple(
        record.city for record in (conflict.value.mine, conflict.value.theirs, conflict.value.base)
    )


def test_versions(db, kind):
    """
    Versions count as without it.
    """
    table = kind.AccountTable()
    record = table.save(kind.Account(account_id="a"), exactly_once=True)
    record = table.save(kind.changed(record, balance=5), exactly_once=True)

    assert (2, 2) == (record.version, table.get("a").version)


def test_counters_return_their_values(db, count_requests):
    """
    update_counter gives the new values of the counters named, as without it.
    """
    table = StoreTable()
    table.save(Store(store_id="s1", visits=5, city="Oslo"))
    requests = count_requests()

    assert {"visits": 7} == table.update_counter("s1", visits=2, exactly_once=True)
    assert {"visits": 1} == table.update_counter("s2", visits=1, exactly_once=True)
    assert {"TransactWriteItems": 2, "GetItem": 2} == requests.sent()


def test_update_returns_the_record(db, kind):
    """
    update gives the new record, as without it.
    """
    table = kind.StoreTable()
    given = {"put": {"city": "Oslo"}, "add": {"visits": 1}}

    assert kind.Store(store_id="s1", city="Oslo", visits=1) == table.update("s1", exactly_once=True, **given)
    assert 2 == table.update("s1", exactly_once=True, **given).visits
    with pytest.raises(ConditionFailed, match="store 's1': the condition is false"):
        table.update("s1", exactly_once=True, condition={"visits__gt": 5}, **given)
    assert 2 == table.get("s1").visits


def test_delete_returns_the_record(db, kind):
    """
    delete gives the record as it was, or says that there is none, as without it.
    """
    table = kind.StoreTable()
    table.save(kind.Store(store_id="s1", city="Oslo"))

    with pytest.raises(ConditionFailed, match="store 's1': the condition is false"):
        table.delete("s1", condition={"city__eq": "Bergen"}, exactly_once=True)
    assert "Oslo" == table.delete("s1", exactly_once=True).city
    with pytest.raises(ItemNotFound):
        table.delete("s1", exactly_once=True)
    with pytest.raises(ItemNotFound):
        table.delete("s1", condition={"city__eq": "Oslo"}, exactly_once=True)


def test_conditions(db, kind):
    """
    Conditions of a save hold, as without it.
    """
    table = kind.StoreTable()
    record = table.save(kind.Store(store_id="s1", visits=4))

    record = table.save(kind.changed(record, city="Oslo"), condition={"visits__eq": 4}, exactly_once=True)
    with pytest.raises(ConditionFailed, match="store 's1': the condition is false"):
        table.save(kind.changed(record, city="Bergen"), condition={"visits__eq": 5}, exactly_once=True)
    assert "Oslo" == table.get("s1").city


def test_client_that_retries_by_itself(db, engine, prefix, count_requests):
    """
    With a client that may repeat requests, what must not happen twice goes through transactions by itself.
    """
    client = engine.client(mode="standard", total_max_attempts=3)
    StoreTable()
    db.disconnect()
    db.connect(client=client, table_prefix=prefix)
    table = StoreTable()
    requests = count_requests()

    assert {"visits": 2} == table.update_counter("s1", visits=2)
    assert 2 == table.get("s1").visits
    assert 2 == table.delete("s1").visits
    assert {"TransactWriteItems": 2, "GetItem": 3} == requests.sent()


@pytest.mark.parametrize("times", [1, 2])
def test_one_token_counts_once(db, engine, engine_client, prefix, times):
    """
    The service carries out one transaction for one token, however often it is sent.
    """
    table = StoreTable()
    update = {
        "TableName": table.full_name,
        "Key": {"store_id": {"S": "s1"}},
        "UpdateExpression": "ADD visits :one",
        "ExpressionAttributeValues": {":one": {"N": "1"}},
    }
    for _ in range(times):
        engine_client.transact_write_items(TransactItems=[{"Update": update}], ClientRequestToken=prefix)

    assert (times if engine.differs("ignores tokens") else 1) == table.get("s1").visits
