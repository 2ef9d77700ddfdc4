"""TableThroughput."""

from __future__ import annotations

import pytest

from dynamo_objects import DynamoException, TableNotFound, TableThroughput

from .tables import Store, StoreTable


class Provisioned(StoreTable):
    """A table with throughputs."""

    table_name = "provisioned"
    throughput = {"read": 3, "write": 4}


class Another(StoreTable):
    """One more."""

    table_name = "another"
    throughput = {"read": 1, "write": 1}


LOW = {"read": 3, "write": 4}
HIGH = {"read": 30, "write": 40}


def units(db, name="provisioned", part="table"):
    """Return the units that are set."""
    return db.get_table_throughputs(name)[part]


def test_higher_and_back(db):
    """
    The throughput is changed on entering, and put back on leaving.
    """
    Provisioned()
    with TableThroughput({"provisioned": {"table": HIGH}}, wait_exit=True) as context:
        assert isinstance(context, TableThroughput)
        assert HIGH == units(db)

    assert LOW == units(db)


def test_several_tables_and_indexes(db, engine):
    """
    Tables and their indexes are changed together, those not named stay.
    """
    Provisioned()
    Another()
    change = {
        "provisioned": {"table": HIGH, "ByCompany": {"read": 5, "write": 6}},
        "another": {"ByCompany": HIGH},
    }
    unchanged = engine.differs("ignores index throughput")
    with TableThroughput(change, wait_exit=True):
        assert HIGH == units(db)
        assert (LOW if unchanged else {"read": 5, "write": 6}) == units(db, part="ByCompany")
        assert {"read": 1, "write": 1} == units(db, "another")

    for name, expected in (("provisioned", LOW), ("another", {"read": 1, "write": 1})):
        assert {"table": expected, "ByCompany": expected} == db.get_table_throughputs(name)


def test_put_back_after_an_error(db):
    """
    The old throughput comes back whatever happens inside.
    """
    Provisioned()
    with pytest.raises(ZeroDivisionError), TableThroughput({"provisioned": {"table": HIGH}}, wait_exit=True):
        raise ZeroDivisionError

    assert LOW == units(db)


def test_without_restoring(db):
    """
    restore=False leaves the new throughput.
    """
    Provisioned()
    with TableThroughput({"provisioned": {"table": HIGH}}, restore=False):
        pass

    assert HIGH == units(db)


def test_given_old_values(db):
    """
    What is to be put back may be given, and then nothing is asked.
    """
    Provisioned()
    before = db.get_connection().requests
    context = TableThroughput(
        {"provisioned": {"table": HIGH}}, {"provisioned": {"table": {"read": 2, "write": 2}}}, wait_exit=True
    )
    assert before == db.get_connection().requests
    with context:
        pass

    assert {"read": 2, "write": 2} == units(db)


def test_no_change_is_no_request(db, count_requests):
    """
    Throughputs that are set already are not set again, which the service would refuse.
    """
    Provisioned()
    requests = count_requests()
    with TableThroughput({"provisioned": {"table": LOW}}):
        pass

    assert "UpdateTable" not in requests.sent()


def test_tables_on_demand_are_left_alone(db, count_requests):
    """
    A table on demand has no throughput to change.
    """
    StoreTable().save(Store(store_id="s1"))
    requests = count_requests()
    with TableThroughput({"store": {"table": HIGH, "ByCompany": HIGH}}):
        pass

    assert "UpdateTable" not in requests.sent()
    assert {"table": {"read": 0, "write": 0}} == db.get_table_throughputs("store")


def test_error_on_entering_puts_back(db):
    """
    When one of several tables cannot be changed, the others are put back.
    """
    Provisioned()
    change = {"provisioned": {"table": HIGH}, "another": {"table": HIGH}}
    context = TableThroughput(change, {"provisioned": {"table": LOW}})

    with pytest.raises(TableNotFound), context:
        pytest.fail("must not be entered")
    db.wait_table_active("provisioned")
    assert LOW == units(db)


def test_unknown_tables_and_indexes(db):
    """
    A table or index that does not exist is an error when the context is made.
    """
    Provisioned()

    with pytest.raises(TableNotFound, match="nothing"):
        TableThroughput({"nothing": {"table": HIGH}})
    with pytest.raises(
        DynamoException, match=r"provisioned has no index 'ByCompny' .did you mean 'ByCompany'"
    ):
        TableThroughput({"provisioned": {"ByCompny": HIGH}})


@pytest.mark.parametrize(
    "throughputs",
    [
        None,
        {"provisioned": HIGH},
        {"provisioned": {"table": {"read": 1}}},
        {"provisioned": {"table": {"read": 1, "write": 1, "other": 1}}},
        {"provisioned": {"table": {"read": 0, "write": 1}}},
        {"provisioned": {"table": {"read": "1", "write": 1}}},
        {"provisioned": {"table": {"read": True, "write": 1}}},
        {"provisioned": {"table": 5}},
    ],
)
def test_wrong_forms(db, throughputs):
    """
    What is not of the right form is an error that shows it.
    """
    with pytest.raises(DynamoException, match=r"'table': {'read': 3, 'write': 3}"):
        TableThroughput(throughputs)


def test_other_database(db):
    """
    The tables may be in another database.
    """
    Provisioned()
    with TableThroughput({"provisioned": {"table": HIGH}}, database=db, wait_exit=True):
        assert HIGH == units(db)
