"""What the fault campaign has found in the library, each as the smallest program that shows it."""

from __future__ import annotations

import json
import threading
import time
from typing import Any

import pytest

from dynamo_objects import DynamoRecord, DynamoTable, HashKey, MemoryTable, field
from dynamo_objects.connection.transport import Reply
from dynamo_objects.errors import AccessRefused, ConflictError, OutcomeUnknown, TransportError
from tests.dictservice import DictService, error_reply
from tests.memoryservice import MemoryService, connect


class Visits(DynamoRecord):
    page: str = ""
    title: str = ""
    count: int = field(default=0, merge="sum")
    version: int = field(default=0, version=True)


class VisitsTable(DynamoTable[Visits]):
    table_name = "visits"
    schema = [HashKey("page")]


class PlainVisits(DynamoRecord):
    page: str = ""
    title: str = ""
    count: int = field(default=0, merge="sum")


class PlainVisitsTable(DynamoTable[PlainVisits]):
    table_name = "plain_visits"
    schema = [HashKey("page")]


def losing(service: MemoryService, operation: str, count: int = 1) -> None:
    """Have the service carry out the next requests of an operation, and lose their replies."""
    left = count

    def step(name: str, request: dict[str, Any]) -> Reply | None:
        nonlocal left
        if name == operation and left:
            left -= 1
            service.step = None
            try:
                DictService.send(service, name, _payload(request), 1.0)
            finally:
                service.step = step
            raise TransportError("connection reset", sent=True)
        return None

    service.step = step


def _payload(request: dict[str, Any]) -> bytes:
    return json.dumps(request).encode()


def counts(service: MemoryService) -> list[str]:
    return [item.get("count", {"N": "0"})["N"] for item in service.items]


@pytest.mark.parametrize("table_class", [VisitsTable, PlainVisitsTable])
def test_a_flush_after_a_lost_reply_does_not_add_the_same_change_again(table_class: Any) -> None:
    """
    A record whose flush ended with an unknown outcome stays dirty; merged again, its sum would count twice.
    """
    service = MemoryService()
    table = table_class(database=connect(service))
    table.save(table.record_class(page="p", count=5))
    memory = MemoryTable(table, on_conflict="merge")
    memory.get("p").count += 3
    losing(service, "UpdateItem")
    first = memory.save_data(ignore_errors=True)
    second = memory.save_data(ignore_errors=True)

    assert [OutcomeUnknown] == [type(failure.reason) for failure in first.failed]
    assert [ConflictError] == [type(failure.reason) for failure in second.failed]
    assert "count twice" in str(second.failed[0].reason)
    assert ["8"] == counts(service)


def test_a_new_record_after_a_lost_reply_is_not_added_to_itself() -> None:
    """
    What is there may be the record itself, which its first flush has stored.
    """
    service = MemoryService()
    memory: Any = MemoryTable(VisitsTable(database=connect(service)), on_conflict="merge")
    memory.save(Visits(page="p", count=5))
    losing(service, "PutItem")
    memory.save_data(ignore_errors=True)
    second = memory.save_data(ignore_errors=True)

    assert ["p"] == [failure.key for failure in second.failed]
    assert ["5"] == counts(service)


def test_a_batch_that_may_have_got_through_is_not_added_to_itself() -> None:
    """
    Batch writes are sent again blindly, so that nobody knows after an error what is stored.
    """
    service = MemoryService()
    table = PlainVisitsTable(database=connect(service))
    table.save(PlainVisits(page="p", count=5))
    memory = MemoryTable(table, on_conflict="merge")
    memory.get("p").count += 3

    losing(service, "BatchWriteItem", count=99)
    memory.save_data_batch(ignore_errors=True)
    service.step = None
    memory.save_data(ignore_errors=True)

    assert ["8"] == counts(service)


def test_doubt_ends_with_the_next_acknowledgement() -> None:
    """
    Fields without a sum merge as always, and after that sums do, too.
    """
    service = MemoryService()
    table = VisitsTable(database=connect(service))
    table.save(Visits(page="p", count=5))
    memory = MemoryTable(table, on_conflict="merge")
    mine = memory.get("p")
    mine.title = "Mine"
    losing(service, "UpdateItem")
    memory.save_data(ignore_errors=True)
    memory.save_data()
    mine.count += 1
    theirs = table.get("p", consistent=True)
    theirs.count += 10
    table.save(theirs)
    report = memory.save_data()

    assert 1 == report.merged
    assert ["16"] == counts(service)


def test_an_interrupted_flush_leaves_doubt() -> None:
    """
    After a KeyboardInterrupt nobody knows what became of the request that was under way.
    """
    service = MemoryService()
    table = VisitsTable(database=connect(service))
    table.save(Visits(page="p", count=5))
    memory = MemoryTable(table, on_conflict="merge")
    memory.get("p").count += 3

    def interrupt(name: str, request: dict[str, Any]) -> Reply | None:
        if name != "UpdateItem":
            return None
        service.step = None
        DictService.send(service, name, _payload(request), 1.0)
        raise KeyboardInterrupt

    service.step = interrupt
    with pytest.raises(KeyboardInterrupt):
        memory.save_data()
    second = memory.save_data(ignore_errors=True)

    assert ["p"] == [failure.key for failure in second.failed]
    assert ["8"] == counts(service)


def test_a_write_that_breaks_off_when_another_one_ends_the_flush_is_unknown() -> None:
    """
    It is not reported with the other one's reason, as if it had not been carried out.
    """
    service = MemoryService()
    memory: Any = MemoryTable(VisitsTable(database=connect(service, max_parallel=2)))
    memory.save(Visits(page="lost", count=1))
    memory.save(Visits(page="refused", count=1))
    is_lost, is_refused = threading.Event(), threading.Event()

    def step(name: str, request: dict[str, Any]) -> Reply | None:
        if request["Item"]["page"]["S"] == "refused":
            assert is_lost.wait(10)
            is_refused.set()
            return error_reply("AccessDeniedException")
        with service._lock:
            service._PutItem(request)
        is_lost.set()
        assert is_refused.wait(10)
        time.sleep(0.3)  # the other one comes first
        raise MemoryError

    service.step = step
    report = memory.save_data_batch(ignore_errors=True)

    reasons = {failure.key: type(failure.reason) for failure in report.failed}
    assert {"lost": OutcomeUnknown, "refused": AccessRefused} == reasons
    assert ["lost"] == [item["page"]["S"] for item in service.items]
