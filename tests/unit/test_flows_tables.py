"""Flows that create, wait for, change and delete tables: lost replies and races end well."""

from __future__ import annotations

from typing import Any

import pytest

from dynamo_objects.connection.transport import Reply
from dynamo_objects.errors import (
    InvalidRequest,
    TableInUse,
    TableNotFound,
)
from dynamo_objects.flows.waiting import (
    create_table,
    delete_table,
    ensure_table,
    table_names,
    update_table,
    wait_active,
)
from dynamo_objects.operations.table import CreateTable, TableDescription
from tests.dictservice import error_reply, good_reply
from tests.flowing import DEFINITION, RESET, ran, service
from tests.transports import Request, connected

# --- tables -------------------------------------------------------------------------------

CREATE = CreateTable("t", DEFINITION)


def described(status: str, **members: Any) -> Reply:
    """Return the reply to a DescribeTable."""
    return good_reply({"Table": {"TableName": "t", "TableStatus": status, **DEFINITION, **members}})


def changed(status: str) -> Reply:
    """Return the reply to CreateTable, UpdateTable and DeleteTable."""
    return good_reply({"TableDescription": {"TableName": "t", "TableStatus": status}})


GONE = error_reply("ResourceNotFoundException")
IN_USE = error_reply("ResourceInUseException")
INVALID = error_reply("ValidationException")
NO_TTL = good_reply({"TimeToLiveDescription": {"TimeToLiveStatus": "DISABLED"}})
TTL = good_reply({"TimeToLiveDescription": {"TimeToLiveStatus": "ENABLING", "AttributeName": "at"}})
TTL_SET = good_reply({"TimeToLiveSpecification": {}})


@pytest.mark.parametrize(
    ("script", "operations"),
    [
        pytest.param([described("ACTIVE")], ["DescribeTable"], id="it exists"),
        pytest.param([described("UPDATING")], ["DescribeTable"], id="an index is being made, for hours"),
        pytest.param([described("CREATING"), described("ACTIVE")], ["DescribeTable"] * 2, id="being created"),
        pytest.param(
            [GONE, changed("CREATING"), described("CREATING"), described("ACTIVE")],
            ["DescribeTable", "CreateTable", "DescribeTable", "DescribeTable"],
            id="created",
        ),
        pytest.param(
            [GONE, changed("CREATING"), GONE, GONE, described("ACTIVE")],
            ["DescribeTable", "CreateTable", *["DescribeTable"] * 3],
            id="not visible at once",
        ),
        pytest.param(
            [GONE, IN_USE, described("CREATING"), described("ACTIVE")],
            ["DescribeTable", "CreateTable", "DescribeTable", "DescribeTable"],
            id="another process was faster",
        ),
        pytest.param(
            [GONE, RESET, IN_USE, described("ACTIVE")],
            ["DescribeTable", "CreateTable", "CreateTable", "DescribeTable"],
            id="the reply was lost",
        ),
        pytest.param(
            [GONE, error_reply("LimitExceededException"), changed("CREATING"), described("ACTIVE")],
            ["DescribeTable", "CreateTable", "CreateTable", "DescribeTable"],
            id="too many at once",
        ),
        pytest.param(
            [described("DELETING"), described("DELETING"), GONE, changed("CREATING"), described("ACTIVE")],
            [*["DescribeTable"] * 3, "CreateTable", "DescribeTable"],
            id="being deleted",
        ),
    ],
)
def test_ensure_table(script: list[Any], operations: list[str]) -> None:
    """
    Lost replies and races end with a table that can be used.
    """
    found, sent, clock = ran(ensure_table(CREATE, None, 60), *script)

    assert isinstance(found, TableDescription)
    assert found.can_be_used
    assert operations == sent
    assert clock.now < 5


def test_a_table_that_is_deleted_while_it_is_ensured_is_created_again() -> None:
    """
    CreateTable meets a table that is going: it is asked again once that has gone.
    """
    creations = iter([IN_USE, changed("CREATING")])
    made: list[Reply] = []

    def judge(request: Request) -> Reply:
        if request.operation == "CreateTable":
            made.append(next(creations))
            return made[-1]
        return GONE if len(made) < 2 else described("ACTIVE")

    result, sent, clock = ran(ensure_table(CREATE, None, 60), judge)

    assert isinstance(result, TableDescription)
    assert 2 == sent.count("CreateTable")
    assert clock.now < 10


@pytest.mark.parametrize(
    ("script", "sent"),
    [
        ([NO_TTL, TTL_SET], ["DescribeTimeToLive", "UpdateTimeToLive"]),
        ([TTL], ["DescribeTimeToLive"]),
        ([NO_TTL, INVALID, TTL], ["DescribeTimeToLive", "UpdateTimeToLive", "DescribeTimeToLive"]),
    ],
    ids=["set", "set already", "set by another process meanwhile"],
)
def test_a_new_table_gets_its_time_to_live(script: list[Any], sent: list[str]) -> None:
    """
    Also when two processes do it at the same time.
    """
    result, operations, _ = ran(
        ensure_table(CREATE, "at", 60), GONE, changed("CREATING"), described("ACTIVE"), *script
    )

    assert isinstance(result, TableDescription)
    assert sent == operations[3:]


def test_a_time_to_live_that_cannot_be_set_is_an_error() -> None:
    """
    Nobody else has set it.
    """
    result, _, _ = ran(
        ensure_table(CREATE, "at", 60),
        GONE,
        changed("CREATING"),
        described("ACTIVE"),
        NO_TTL,
        INVALID,
        NO_TTL,
    )

    assert isinstance(result, InvalidRequest)


def test_create_table_by_hand() -> None:
    """
    An existing table is an error; a lost reply or a faster twin is not.
    """
    created, _, _ = ran(create_table(CREATE, 60), GONE, RESET, IN_USE, described("ACTIVE"))
    exists, sent, _ = ran(create_table(CREATE, 60), described("ACTIVE"))
    other = described("ACTIVE", KeySchema=[{"AttributeName": "x", "KeyType": "HASH"}])
    differs, _, _ = ran(create_table(CREATE, 60), GONE, IN_USE, other)
    again, _, _ = ran(
        create_table(CREATE, 60), described("DELETING"), GONE, changed("CREATING"), described("ACTIVE")
    )

    assert isinstance(created, TableDescription)
    assert isinstance(exists, TableInUse)
    assert ["DescribeTable"] == sent
    assert isinstance(differs, TableInUse)
    assert isinstance(again, TableDescription)


def test_waiting_has_an_end() -> None:
    """
    And begins when it begins, whatever the flow has done before.
    """
    error, _, clock = ran(wait_active("t", 60), described("CREATING"))
    late, _, after = ran(
        ensure_table(CREATE, None, 60),
        *[described("DELETING")] * 32,
        GONE,
        changed("CREATING"),
        *[described("CREATING")] * 25,
        described("ACTIVE"),
    )

    assert "CREATING after 60 s" in str(error)
    assert 60 < clock.now < 65
    assert isinstance(late, TableDescription)
    assert after.now > 90


def test_waiting_for_a_table_that_is_not_there() -> None:
    """
    TableNotFound at once.
    """
    assert isinstance(ran(wait_active("t", 60), GONE)[0], TableNotFound)


@pytest.mark.parametrize(
    ("script", "result"),
    [
        pytest.param([GONE], False, id="absent"),
        pytest.param(
            [described("ACTIVE"), changed("DELETING"), described("DELETING"), GONE], True, id="there"
        ),
        pytest.param([described("ACTIVE"), GONE], True, id="gone meanwhile"),
        pytest.param([described("ACTIVE"), RESET, GONE], True, id="the reply was lost"),
        pytest.param(
            [described("ACTIVE"), RESET, IN_USE, described("DELETING"), described("DELETING"), GONE],
            True,
            id="the reply was lost, it is going",
        ),
        pytest.param(
            [described("CREATING"), IN_USE, described("CREATING"), changed("DELETING"), GONE],
            True,
            id="being created",
        ),
        pytest.param([described("DELETING"), IN_USE, GONE], True, id="being deleted"),
    ],
)
def test_delete_table(script: list[Any], result: bool) -> None:
    """
    True when it was there, False when not; it is gone in any case.
    """
    assert result is ran(delete_table("t", 60), *script)[0]


def test_deleting_has_an_end() -> None:
    """
    A table that stays is an error.
    """
    stays, _, _ = ran(delete_table("t", 60), described("ACTIVE"), changed("DELETING"), described("DELETING"))
    in_use, _, _ = ran(delete_table("t", 1), *[described("UPDATING"), IN_USE] * 20)

    assert "still exists after 60 s" in str(stays)
    assert isinstance(in_use, TableInUse)


def test_table_names_of_all_pages() -> None:
    """
    A hundred on each.
    """
    engine = service(*(f"table_{n:03}" for n in range(250)))

    names = connected(engine).run(table_names())

    assert [f"table_{n:03}" for n in range(250)] == names


UNITS = {"ProvisionedThroughput": {"ReadCapacityUnits": 3, "WriteCapacityUnits": 4}}
WANTED = {"ProvisionedThroughput": {"ReadCapacityUnits": 10, "WriteCapacityUnits": 4}}


@pytest.mark.parametrize(
    ("script", "result", "updates"),
    [
        pytest.param(
            [described("ACTIVE", **UNITS), changed("UPDATING"), described("ACTIVE", **WANTED)],
            True,
            1,
            id="changed",
        ),
        pytest.param([described("ACTIVE", **WANTED)], False, 0, id="as asked already"),
        pytest.param([described("ACTIVE")], False, 0, id="on demand"),
        pytest.param(
            [
                described("ACTIVE", **UNITS),
                RESET,
                IN_USE,
                described("UPDATING", **UNITS),
                described("ACTIVE", **WANTED),
            ],
            True,
            2,
            id="the reply was lost",
        ),
        pytest.param(
            [described("ACTIVE", **UNITS), RESET, INVALID, described("ACTIVE", **WANTED)],
            True,
            2,
            id="the reply was lost, it was quick",
        ),
        pytest.param(
            [
                described("ACTIVE", **UNITS),
                IN_USE,
                described("ACTIVE", **UNITS),
                changed("UPDATING"),
                described("ACTIVE", **WANTED),
            ],
            True,
            2,
            id="another process changes it too",
        ),
    ],
)
def test_update_table(script: list[Any], result: bool, updates: int) -> None:
    """
    What differs is changed; lost replies and races end well.
    """
    throughputs = {"table": {"read": 10, "write": 4}}

    changed_, sent, _ = ran(update_table("t", throughputs, wait=True, patience_seconds=60), *script)

    assert result is changed_
    assert updates == sent.count("UpdateTable")


def test_update_table_raises_what_is_wrong() -> None:
    """
    An unknown index, or units that the service refuses.
    """
    wanted = {"table": {"read": 10, "write": 4}}
    index, _, _ = ran(
        update_table("t", {"by_x": {"read": 1, "write": 1}}, wait=True, patience_seconds=60),
        described("ACTIVE", **UNITS),
    )
    refused, _, _ = ran(
        update_table("t", wanted, wait=True, patience_seconds=60),
        described("ACTIVE", **UNITS),
        INVALID,
        described("ACTIVE", **UNITS),
    )
    busy, _, _ = ran(
        update_table("t", wanted, wait=True, patience_seconds=1), *[described("ACTIVE", **UNITS), IN_USE] * 20
    )

    assert "no index 'by_x'" in str(index)
    assert isinstance(refused, InvalidRequest)
    assert isinstance(busy, TableInUse)
