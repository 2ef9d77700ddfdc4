"""What the readme says about testing: dynamock, the base class, DynamoDB Local, and a script for both.

The tests of `StoreTest` and `VisitTest` are those of an application, on ``tests/base.py`` and ``tests/schema.py``.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from dynamo_objects import ItemNotFound
from tests.base import BaseTestCase
from tests.schema import Store, StoreMemoryTable, StoreTable, Visit, VisitTable

TOP = Path(__file__).resolve().parents[2]


class StoreTest(BaseTestCase):
    def test_a_store_is_saved_and_found(self):
        """
        What is saved is found, normalised.
        """
        StoreTable().save(Store(store_id="1", name="  My Store "))

        assert "My Store" == StoreTable().get("1").name

    def test_each_test_begins_without_stores(self):
        """
        Nothing is left of other tests.
        """
        assert [] == self.database.get_tables()
        with pytest.raises(ItemNotFound):
            StoreTable().get("1")

    def test_stores_of_a_company(self):
        """
        The index gives the stores of a company, in order.
        """
        StoreTable().save_many(Store(store_id=str(n), company_id="ab"[n % 2]) for n in range(6))

        found = StoreTable().query(company_id__eq="a", index="StoreCompanyIndex")

        assert ["0", "2", "4"] == [store.store_id for store in found]

    def test_stores_are_counted_in_memory(self):
        """
        Every store is read once and written once.
        """
        StoreTable().save_many(Store(store_id=str(n)) for n in range(3))
        table = StoreMemoryTable()
        for _ in range(5):
            for n in range(3):
                table.get(str(n)).visits += 1
        table.save_data_batch()

        assert 3 == table.db_reads
        assert [5, 5, 5] == [StoreTable().get(str(n)).visits for n in range(3)]

    def test_botos_table_is_the_same_table(self):
        """
        boto3 reads what the library has written.
        """
        StoreTable().save(Store(store_id="1", tags=["a"]))

        assert ["a"] == StoreTable().table.get_item(Key={"store_id": "1"})["Item"]["tags"]


class VisitTest(BaseTestCase):
    def test_visits_of_a_time(self):
        """
        Visits are found by their time, the last ones first.
        """
        start = datetime(2026, 5, 1, tzinfo=UTC)
        VisitTable().save_many(Visit(store_id="1", time=start + timedelta(hours=n)) for n in range(10))

        found = VisitTable().query(
            store_id__eq="1", time__gte=start + timedelta(hours=5), reverse=True, limit=2
        )

        assert [9, 8] == [visit.time.hour for visit in found]
        assert 10 == VisitTable().query_count(store_id__eq="1")


# --- the commands of the readme -----------------------------------------------------------------------


def free_port() -> int:
    """Return a port that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.skipif(os.name == "nt", reason="these are scripts for POSIX shells")
def test_the_script_runs_the_tests_on_the_mock_and_on_dynamodb_local():
    """
    The two-pass script runs the tests on both, and tells whether both have passed.
    """
    variables = {**os.environ, "DYNAMODB_PORT": str(free_port())}
    tests = [sys.executable, "-m", "unittest", "tests.seeds.test_recipe"]
    result = subprocess.run(
        [str(TOP / "tools" / "two-passes.sh"), *tests],
        cwd=TOP,
        env=variables,
        capture_output=True,
        text=True,
        check=False,
    )

    assert 0 == result.returncode, result.stderr
    assert 2 == result.stderr.count("Ran 6 tests")
    assert "Started DynamoDB Local" in result.stderr


@pytest.mark.skipif(os.name == "nt", reason="these are scripts for POSIX shells")
def test_the_script_tells_that_tests_have_failed():
    """
    A command that fails makes the script fail; so does none.
    """
    script = str(TOP / "tools" / "two-passes.sh")
    variables = {**os.environ, "DYNAMODB_PORT": str(free_port())}
    program = "import os, sys; sys.exit(3 if os.environ['DYNAMODB_MOCK'] else 0)"
    failed = subprocess.run(
        [script, sys.executable, "-c", program], env=variables, capture_output=True, check=False
    )
    nothing = subprocess.run([script], capture_output=True, check=False)

    assert (1, 2) == (failed.returncode, nothing.returncode)


@pytest.mark.skipif(os.name == "nt", reason="these are scripts for POSIX shells")
def test_the_script_of_dynamodb_local():
    """
    tools/dynamodb-local.sh is the tool of that name.
    """
    result = subprocess.run(
        [str(TOP / "tools" / "dynamodb-local.sh"), "--help"], capture_output=True, text=True, check=False
    )

    assert 0 == result.returncode
    assert "DynamoDB Local" in result.stdout
