"""A short campaign on each transport over sockets, and forked children; `tests.wirecampaign` runs long ones."""

from __future__ import annotations

import os

import pytest

from dynamo_objects.connection.connection import Connection
from dynamo_objects.operations.item import PutItem
from tests import campaign, latewrites, wirecampaign
from tests.dictservice import DictService
from tests.transports import VirtualClock

kinds = pytest.mark.parametrize("kind", ["boto3", "urllib3", "curl"])


@kinds
def test_nothing_is_lost_on_the_wire(kind: str) -> None:
    """
    Every acknowledgement, refusal and answer fits what the service holds.
    """
    if kind == "curl":
        pytest.importorskip("pycurl")
    outcome = wirecampaign.run(kind, 1, 300, 0.25)

    assert [] == outcome.violations, outcome.table
    assert 50 < outcome.faults.total()
    assert outcome.faults["late write"] == outcome.landed.total()


@kinds
@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_children_read_their_own_replies(kind: str) -> None:
    """
    As does their parent, which has connections open when they begin.
    """
    if kind == "curl":
        pytest.importorskip("pycurl")

    assert [0, 0, 0, 0] == wirecampaign.forks(kind, 3, 60)


@kinds
def test_threads_share_a_few_connections(kind: str) -> None:
    """
    Each of them gets its own replies, none waits in vain.
    """
    if kind == "curl":
        pytest.importorskip("pycurl")

    assert [0] * 16 == wirecampaign.threads(kind, 16, 30, connections=4)


def test_every_kind_of_fault_is_there() -> None:
    """
    Resets before and after, truncation, corruption, delays, pages, throttling, old credentials, late writes.
    """
    kinds = {*latewrites.QUICK, *latewrites.SLOW}

    assert {
        "reset before", "reset after", "close before", "half", "half of the headers", "truncated", "wrong crc",
        "html", "500 after", "throttling", "throughput exceeded", "request limit", "expired token", "no request id",
        "late", "late and done", "late write",
    } <= kinds  # fmt: skip


def test_a_late_write_is_seen() -> None:
    """
    The campaign notices a plain put that lands over a newer one: it counts it, and nothing else.
    """
    service = DictService()
    with latewrites.SeededServer(service, 1) as server:
        transport = wirecampaign.transport_to("urllib3", server.url)
        database = campaign.connect("late write", transport, VirtualClock())
        table = campaign.ThingTable(database=database)
        worker = latewrites.LateCampaign(table, 0, 1, server, service)
        item = {"id": {"S": "worker 0, thing 1"}, "at": {"N": "0"}, "text": {"S": "old"}}
        server.next_answers.append("late write")
        Connection(transport).call(PutItem(table.full_name, item))  # its repeat is acknowledged
        worker.oracle.overtaken(("worker 0, thing 1", 0), campaign.State("old", 0))
        newer = {**item, "text": {"S": "new"}}
        Connection(transport).call(PutItem(table.full_name, newer))
        worker.oracle.overtaken(("worker 0, thing 1", 0), campaign.State("new", 0))
        worker.run(0)
        worker.check(Connection(service))
        database.disconnect()

    assert {"plain PutItem, after it was acknowledged": 1} == dict(worker.landed)
    assert [] == worker.oracle.violations
