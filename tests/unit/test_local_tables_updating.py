"""UpdateTable in the embedded engine, and states that take time."""

from __future__ import annotations

from typing import Any

import pytest

from dynamo_objects.local.lifecycle import is_changing, settled
from tests.localtables import INVALID, UNITS, Service, attributes, index, keys, new_table, on_demand

MORE = {"ReadCapacityUnits": 9, "WriteCapacityUnits": 9}
LESS = {"ReadCapacityUnits": 1, "WriteCapacityUnits": 5}
NEITHER = f"{INVALID}Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST"
ONE_ONLINE = (
    "LimitExceededException",
    "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table",
)


@pytest.fixture
def service() -> Service:
    return Service()


def created(service: Service, **members: Any) -> None:
    """Create a provisioned table with the global index of_b."""
    indexes = [index("of_b", "b", ProvisionedThroughput=UNITS)]
    request = {"AttributeDefinitions": attributes("a", "b"), "GlobalSecondaryIndexes": indexes}
    service.call("CreateTable", **new_table(**{**request, **members}))


def update(service: Service, **members: Any) -> dict[str, Any]:
    """Update the table; return the description in the reply."""
    found: dict[str, Any] = service.call("UpdateTable", TableName="music", **members)["TableDescription"]
    return found


def index_update(action: str, **members: Any) -> dict[str, Any]:
    """Return members that change one index."""
    return {"GlobalSecondaryIndexUpdates": [{action: members}]}


def new_index(name: str, *names: str, type: str = "S", **more: Any) -> dict[str, Any]:
    """Return members that create one index, with its attributes defined."""
    created = index_update("Create", **index(name, *names, **more))
    return {"AttributeDefinitions": attributes(*names, type=type), **created}


# --- throughput and billing ---------------------------------------------------------------


def test_throughput_changes(service):
    """
    The reply shows the units as they were, DescribeTable those asked for, with times of changes.
    """
    created(service)
    reply = update(service, ProvisionedThroughput=MORE)
    grown = service.table("music")
    service.clock.now += 60
    update(service, ProvisionedThroughput=LESS)
    shrunk = service.table("music")["ProvisionedThroughput"]

    assert "UPDATING" == reply["TableStatus"]
    assert UNITS.items() <= reply["ProvisionedThroughput"].items()
    assert "ACTIVE" == grown["TableStatus"]
    assert {
        "NumberOfDecreasesToday": 0,
        "LastIncreaseDateTime": 1_800_000_000.0,
        **MORE,
    } == grown["ProvisionedThroughput"]
    assert (1, 1_800_000_060.0) == (shrunk["NumberOfDecreasesToday"], shrunk["LastDecreaseDateTime"])


def test_decreases_are_counted_by_the_day(service):
    """
    A new day begins with none.
    """
    created(service)
    update(service, ProvisionedThroughput=LESS)
    update(service, ProvisionedThroughput=MORE)
    service.clock.now += 86_400
    update(service, ProvisionedThroughput=LESS)

    assert 1 == service.table("music")["ProvisionedThroughput"]["NumberOfDecreasesToday"]


def test_billing_mode_switches_and_back(service):
    """
    An on-demand table has no units, nor have its indexes; back again, each needs its own.
    """
    created(service)
    update(service, BillingMode="PAY_PER_REQUEST")
    paying = service.table("music")
    half = service.error(
        "UpdateTable", TableName="music", BillingMode="PROVISIONED", ProvisionedThroughput=MORE
    )
    back = index_update("Update", IndexName="of_b", ProvisionedThroughput=LESS)
    update(service, BillingMode="PROVISIONED", ProvisionedThroughput=MORE, **back)
    found = service.table("music")

    assert "PAY_PER_REQUEST" == paying["BillingModeSummary"]["BillingMode"]
    assert 0 == paying["ProvisionedThroughput"]["ReadCapacityUnits"]
    assert 0 == paying["GlobalSecondaryIndexes"][0]["ProvisionedThroughput"]["ReadCapacityUnits"]
    assert f"{INVALID}ProvisionedThroughput must be specified for index: of_b" == half[1]
    assert "PROVISIONED" == found["BillingModeSummary"]["BillingMode"]
    assert MORE.items() <= found["ProvisionedThroughput"].items()
    assert LESS.items() <= found["GlobalSecondaryIndexes"][0]["ProvisionedThroughput"].items()


def test_on_demand_limits(service):
    """
    Limits are merged; -1 takes one away.
    """
    service.call("CreateTable", **on_demand(OnDemandThroughput={"MaxReadRequestUnits": 10}))
    update(service, OnDemandThroughput={"MaxReadRequestUnits": -1, "MaxWriteRequestUnits": 5})

    assert {"MaxWriteRequestUnits": 5} == service.table("music")["OnDemandThroughput"]


SAME = (
    "will not change. The requested value equals the current value. "
    "Current ReadCapacityUnits provisioned for the {0}: 5. Requested ReadCapacityUnits: 5. "
    "Current WriteCapacityUnits provisioned for the {0}: 5. Requested WriteCapacityUnits: 5. "
    "Refer to the Amazon DynamoDB Developer Guide for current limits and how to request higher limits."
)
NOTHING = (
    "At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, GlobalSecondaryIndexUpdates, "
    "SSESpecification, ReplicaUpdates, MultiAccountReplicaReady, ReplicaTransitRoleArn, MultiRegionConsistency, "
    "DeletionProtectionEnabled, OnDemandThroughput, WarmThroughput or TableClass is required"
)
STREAM = {"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"}
ONLY = "must be the only operation in the request"
DELETE_B = {"GlobalSecondaryIndexUpdates": [{"Delete": {"IndexName": "of_b"}}]}
WARM = {"ReadUnitsPerSecond": 50, "WriteUnitsPerSecond": 50}
REFUSED = [
    ({}, NOTHING),
    ({"AttributeDefinitions": attributes("c")}, NOTHING),
    ({"GlobalSecondaryIndexUpdates": []}, NOTHING),
    ({"ProvisionedThroughput": UNITS}, f"The provisioned throughput for the table {SAME.format('table')}"),
    ({"ProvisionedThroughput": UNITS, "BillingMode": "PROVISIONED"}, f"The provisioned throughput for the table {SAME.format('table')}"),
    ({"ProvisionedThroughput": MORE, "BillingMode": "PAY_PER_REQUEST"}, NEITHER),
    (index_update("Update", IndexName="of_b", ProvisionedThroughput=UNITS), f"The provisioned throughput for the index of_b {SAME.format('index')}"),
    ({"GlobalSecondaryIndexUpdates": [], "TableClass": "STANDARD"}, f"{INVALID}List of GlobalSecondaryIndexUpdates is empty"),
    (
        {"GlobalSecondaryIndexUpdates": [{"Update": {"IndexName": "of_b"}, "Delete": {"IndexName": "of_b"}}]},
        f"{INVALID}Only one global secondary index action is allowed per GlobalSecondaryIndexUpdate object",
    ),
    ({"BillingMode": "PROVISIONED"}, f"{INVALID}ProvisionedThroughput must be specified when BillingMode is PROVISIONED"),
    ({"DeletionProtectionEnabled": True, "TableClass": "STANDARD", "SSESpecification": {}}, f"{INVALID}TableClass modification {ONLY}"),
    ({"DeletionProtectionEnabled": True, "SSESpecification": {"Enabled": True}}, f"{INVALID}Server-Side Encryption modification {ONLY}"),
    ({"DeletionProtectionEnabled": True, "WarmThroughput": WARM}, f"{INVALID}DeletionProtection modification {ONLY}"),
    ({"StreamSpecification": STREAM, "WarmThroughput": WARM}, f"{INVALID}WarmThroughput {ONLY}"),
    (
        {"WarmThroughput": WARM, **new_index("new", "c", ProvisionedThroughput=UNITS)},
        f"{INVALID}Create global secondary index cannot be specified when updating WarmThroughput",
    ),
    ({"ProvisionedThroughput": MORE, "StreamSpecification": STREAM}, f"{INVALID}You cannot modify stream status while updating table IOPS"),
    ({"ProvisionedThroughput": MORE, **DELETE_B}, f"{INVALID}You cannot create or delete index while updating table IOPS"),
    ({"StreamSpecification": STREAM, **DELETE_B}, f"{INVALID}You cannot create or delete index while changing stream status"),
    (
        {"StreamSpecification": STREAM, "OnDemandThroughput": {"MaxReadRequestUnits": 5}},
        f"{INVALID}OnDemandThroughput can only be combined with BillingMode in an UpdateTable request",
    ),
    (
        {"WarmThroughput": {"ReadUnitsPerSecond": 1}},
        f"{INVALID}Requested ReadUnitsPerSecond for WarmThroughput for table is lower than current WarmThroughput, decreasing WarmThroughput is not supported",
    ),
    ({"GlobalSecondaryIndexUpdates": [{}]}, f"{INVALID}One of GlobalSecondaryIndexUpdate.Update, GlobalSecondaryIndexUpdate.Create, GlobalSecondaryIndexUpdate.Delete must not be null"),
    (
        {"GlobalSecondaryIndexUpdates": [{"Delete": {"IndexName": "of_b"}}] * 2},
        f"{INVALID}Only one global secondary index update per index is allowed simultaneously. Index: of_b",
    ),
    (new_index("of_b", "b", ProvisionedThroughput=UNITS), "Attempting to create an index which already exists"),
    (
        index_update("Create", **index("new", "b", ProvisionedThroughput=UNITS)),
        f"{INVALID}AttributeDefinitions is not specified for index: new",
    ),
    (new_index("new", "c"), f"{INVALID}Both ReadCapacityUnits and WriteCapacityUnits must be specified for index: new"),
    (
        new_index("new", "a", type="N", ProvisionedThroughput=UNITS),
        f"{INVALID}Attributes cannot be redefined. Please check that your attribute has the same type as previously defined. "
        "Existing schema: Schema:[SchemaElement: key{a:S:HASH}] New schema: Schema:[SchemaElement: key{a:N:HASH}]",
    ),
    ({"StreamSpecification": {"StreamEnabled": False}}, "Table has no stream to disable: TableName: music"),
    ({"OnDemandThroughput": {"MaxReadRequestUnits": 5}}, f"{INVALID}MaxReadRequestUnits for OnDemandThroughput cannot be specified when the table BillingMode is PROVISIONED"),
    ({"ReplicaUpdates": [{}]}, f"{INVALID}ReplicaUpdates is not supported by this engine"),
]  # fmt: skip


@pytest.mark.parametrize(("members", "message"), REFUSED)
def test_refused_updates(service, members, message):
    """
    What AWS refuses is refused in its words, and nothing changes.
    """
    created(service)
    before = service.table("music")

    assert ("ValidationException", message) == service.error("UpdateTable", TableName="music", **members)
    assert before == service.table("music")


def test_an_on_demand_table_takes_no_units(service):
    """
    Units need the billing mode as well.
    """
    service.call("CreateTable", **on_demand())

    refused = service.error("UpdateTable", TableName="music", ProvisionedThroughput=MORE)
    mode = service.error("UpdateTable", TableName="music", BillingMode="PROVISIONED")

    assert ("ValidationException", NEITHER) == refused
    assert f"{INVALID}ProvisionedThroughput must be specified when BillingMode is PROVISIONED" == mode[1]


def test_an_unknown_index_is_not_changed(service):
    """
    An update and a deletion name an index that there is.
    """
    created(service)
    message = "Requested resource not found: Index none for table music"
    for given in (
        index_update("Update", IndexName="none", ProvisionedThroughput=UNITS),
        index_update("Delete", IndexName="none"),
    ):
        assert ("ResourceNotFoundException", message) == service.error(
            "UpdateTable", TableName="music", **given
        )


# --- indexes ------------------------------------------------------------------------------


def test_a_new_index_is_filled(service):
    """
    A new index holds the items of the table, but those whose keys cannot stand in it.
    """
    service.call("CreateTable", **on_demand())
    service.put("music", a={"S": "1"}, b={"S": "x"}, c={"S": "y"})
    service.put("music", a={"S": "2"}, b={"N": "5"})
    service.put("music", a={"S": "3"})
    service.put("music", a={"S": "4"}, b={"S": ""})
    keys_only = {"ProjectionType": "KEYS_ONLY"}
    reply = update(service, **new_index("of_b", "b", projection=keys_only))
    found = service.table("music")

    assert ("UPDATING", "CREATING") == (
        reply["TableStatus"],
        reply["GlobalSecondaryIndexes"][0]["IndexStatus"],
    )
    assert "ACTIVE" == found["GlobalSecondaryIndexes"][0]["IndexStatus"]
    assert attributes("b", "a") in (found["AttributeDefinitions"], found["AttributeDefinitions"][::-1])
    assert [{"a": {"S": "1"}, "b": {"S": "x"}}] == service.held("music", "of_b")


def test_writes_go_to_a_new_index(service):
    """
    What is stored after an index was added stands in it.
    """
    service.call("CreateTable", **on_demand())
    update(service, **new_index("of_b", "b"))
    service.put("music", a={"S": "1"}, b={"S": "x"})

    assert 1 == service.table("music")["GlobalSecondaryIndexes"][0]["ItemCount"]


def test_a_deleted_index_is_gone(service):
    """
    Its attributes are no longer defined, and an index of the same name begins empty.
    """
    created(service)
    service.put("music", a={"S": "1"}, b={"S": "x"})
    reply = update(service, **index_update("Delete", IndexName="of_b"))
    found = service.table("music")

    assert "DELETING" == reply["GlobalSecondaryIndexes"][0]["IndexStatus"]
    assert "GlobalSecondaryIndexes" not in found
    assert attributes("a") == found["AttributeDefinitions"]
    missing = service.error("UpdateTable", TableName="music", **index_update("Delete", IndexName="of_b"))
    assert "ResourceNotFoundException" == missing[0]
    assert missing[1].startswith("Requested resource not found")


def test_one_index_at_a_time(service):
    """
    One call creates or deletes one index.
    """
    created(service)
    two = [{"Delete": {"IndexName": "of_b"}}, {"Delete": {"IndexName": "none"}}]

    assert ONE_ONLINE == service.error("UpdateTable", TableName="music", GlobalSecondaryIndexUpdates=two)


def test_units_of_an_index(service):
    """
    An index has units of its own.
    """
    created(service)
    reply = update(service, **index_update("Update", IndexName="of_b", ProvisionedThroughput=MORE))
    (found,) = service.table("music")["GlobalSecondaryIndexes"]

    assert "UPDATING" == reply["GlobalSecondaryIndexes"][0]["IndexStatus"]
    assert UNITS.items() <= reply["GlobalSecondaryIndexes"][0]["ProvisionedThroughput"].items()
    assert "ACTIVE" == found["IndexStatus"]
    assert MORE.items() <= found["ProvisionedThroughput"].items()


def test_what_is_only_described_changes(service):
    """
    Stream, class, encryption and protection change by themselves.
    """
    created(service)
    stream = {"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"}
    update(service, StreamSpecification=stream)
    update(service, TableClass="STANDARD_INFREQUENT_ACCESS")
    update(service, SSESpecification={"Enabled": True})
    update(service, DeletionProtectionEnabled=True)
    found = service.table("music")
    second = service.error("UpdateTable", TableName="music", StreamSpecification=stream)
    update(service, StreamSpecification={"StreamEnabled": False})
    without = service.table("music")

    assert stream == found["StreamSpecification"]
    assert "STANDARD_INFREQUENT_ACCESS" == found["TableClassSummary"]["TableClass"]
    assert "KMS" == found["SSEDescription"]["SSEType"]
    assert found["DeletionProtectionEnabled"] is True
    assert "Table already has an enabled stream: TableName: music" == second[1]
    assert "StreamSpecification" not in without


# --- states that take time ----------------------------------------------------------------

IN_USE = "Attempt to change a resource which is still in use: Table is being"


@pytest.fixture
def slow() -> Service:
    return Service(table_seconds=10.0)


def test_a_table_is_created_for_a_while(slow):
    """
    A table is CREATING for so many seconds, in which it can be neither changed nor deleted.
    """
    created(slow)
    before = slow.table("music")
    refused = [
        slow.error("UpdateTable", TableName="music", ProvisionedThroughput=MORE),
        slow.error("DeleteTable", TableName="music"),
    ]
    again = slow.error("CreateTable", **new_table())
    slow.clock.now += 10
    after = slow.table("music")

    assert ("CREATING", "CREATING") == (
        before["TableStatus"],
        before["GlobalSecondaryIndexes"][0]["IndexStatus"],
    )
    assert [("ResourceInUseException", f"{IN_USE} created: music")] * 2 == refused
    assert "ResourceInUseException" == again[0]
    assert ("ACTIVE", "ACTIVE") == (after["TableStatus"], after["GlobalSecondaryIndexes"][0]["IndexStatus"])


def test_an_update_takes_a_while(slow):
    """
    A table shows its old units until the update is over.
    """
    created(slow)
    slow.clock.now += 10
    update(slow, ProvisionedThroughput=MORE)
    during = slow.table("music")
    refused = slow.error("UpdateTable", TableName="music", ProvisionedThroughput=LESS)
    slow.clock.now += 10
    after = slow.table("music")

    assert "UPDATING" == during["TableStatus"]
    assert UNITS.items() <= during["ProvisionedThroughput"].items()
    assert ("ResourceInUseException", f"{IN_USE} updated: music") == refused
    assert "ACTIVE" == after["TableStatus"]
    assert MORE.items() <= after["ProvisionedThroughput"].items()


def test_a_deleted_table_stays_a_while(slow):
    """
    A table is DELETING for so many seconds; then it is gone, and its name is free.
    """
    created(slow)
    slow.clock.now += 10
    slow.call("DeleteTable", TableName="music")
    during = slow.table("music")
    refused = slow.error("DeleteTable", TableName="music")
    slow.clock.now += 10

    assert "DELETING" == during["TableStatus"]
    assert ("ResourceInUseException", f"{IN_USE} deleted: music") == refused
    assert {"TableNames": []} == slow.call("ListTables")
    assert "ResourceNotFoundException" == slow.error("DescribeTable", TableName="music")[0]
    created(slow)
    assert "CREATING" == slow.table("music")["TableStatus"]


def test_an_index_is_created_for_longer_than_its_table_is_updated(slow):
    """
    A table is ACTIVE again while its new index still fills; another index has to wait for it.
    """
    slow.call("CreateTable", **on_demand())
    slow.clock.now += 10
    update(slow, **new_index("of_b", "b"))
    slow.clock.now += 10
    during = slow.table("music")
    second = slow.error("UpdateTable", TableName="music", **new_index("of_c", "c"))
    slow.clock.now += 10
    after = slow.table("music")
    update(slow, **new_index("of_c", "c"))

    (filling,), (full,) = during["GlobalSecondaryIndexes"], after["GlobalSecondaryIndexes"]
    assert ("ACTIVE", "CREATING", True) == (
        during["TableStatus"],
        filling["IndexStatus"],
        filling["Backfilling"],
    )
    assert ONE_ONLINE == second
    assert "ACTIVE" == full["IndexStatus"]
    assert "Backfilling" not in full


def test_an_index_is_deleted_for_a_while(slow):
    """
    A deleted index shows until it is gone; nothing is written to it any more.
    """
    created(slow)
    slow.clock.now += 10
    update(slow, **index_update("Delete", IndexName="of_b"))
    slow.put("music", a={"S": "1"}, b={"S": "x"})
    during = slow.table("music")["GlobalSecondaryIndexes"]
    slow.clock.now += 10

    assert [("DELETING", 0)] == [(found["IndexStatus"], found["ItemCount"]) for found in during]
    assert "GlobalSecondaryIndexes" not in slow.table("music")


def test_states_pass_by_the_clock_alone(slow):
    """
    Nothing is written when a state ends: whoever reads finds out.
    """
    created(slow)
    table = slow.definition("music")

    assert is_changing(table)
    assert table == settled(table, slow.clock.now)
    later = settled(table, slow.clock.now + 10)
    assert later is not None
    assert not is_changing(later)
    assert "until" not in later.description
    assert keys("a") == slow.table("music")["KeySchema"]
