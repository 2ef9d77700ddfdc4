"""Recovery while somebody else writes, and when replies are lost."""

from __future__ import annotations

import os

import pytest

from dynamo_objects import DynamoDatabase, MemoryTable, TransportError, recover
from tests.journals import Note, connected

pytestmark = [
    pytest.mark.skipif(os.name == "nt", reason="journals need POSIX"),
    pytest.mark.filterwarnings("ignore::dynamo_objects.memorydb.UnwrittenChanges"),
]


@pytest.fixture
def table():
    """A table in memory."""
    yield connected()
    DynamoDatabase().disconnect()


@pytest.fixture
def path(tmp_path):
    """Where the journal is."""
    return tmp_path / "run.journal"


def after(table, operation, act):
    """Have something happen once, right after the next request of this kind was answered."""
    transport = table._connection.transport
    send = transport.send

    def sending(name, payload, timeout_seconds):
        reply = send(name, payload, timeout_seconds)
        if name == operation:
            transport.send = send
            act()
        return reply

    transport.send = sending


def accept(table, path, change):
    """Have a MemoryTable accept a change, and end."""
    memory = MemoryTable(table, journal=path)
    with memory.unit():
        change(memory)
    memory.close()


def remade(memory):
    """Delete a record and make it anew."""
    memory.delete("n1")
    memory.save(Note(note_id="n1", number=5))


@pytest.mark.parametrize("change", [lambda memory: memory.delete("n1"), remade], ids=["deletion", "anew"])
def test_a_field_that_somebody_adds_meanwhile_is_kept(table, path, change):
    """
    A field that was absent when the recovery looked at an item, and is there when it writes, stops it.
    """
    table.save(Note(note_id="n1", number=1))
    accept(table, path, change)
    after(table, "GetItem", lambda: table.update("n1", put={"text": "theirs"}))
    report = recover(path, table)

    assert (0, 1) == (report.replayed, report.conflicts)
    assert ("theirs", 1) == (table.get("n1").text, table.get("n1").number)


def test_a_change_between_look_and_write_is_looked_at_again(table, path):
    """
    What somebody changes between the looks of a recovery is decided by what is stored then.
    """
    table.save(Note(note_id="n1", number=1))
    accept(table, path, lambda memory: memory.delete("n1"))
    after(table, "GetItem", lambda: table.delete("n1"))

    assert 1 == recover(path, table).there_already


def test_a_lost_reply_is_looked_up(table, path):
    """
    When the reply to a replay is lost, the item tells whether it was carried out.
    """
    table.save(Note(note_id="n1", number=1))
    accept(table, path, lambda memory: setattr(memory.get("n1"), "number", 2))

    def lose():
        raise TransportError("the reply was lost", sent=True)

    after(table, "UpdateItem", lose)
    report = recover(path, table)

    assert (1, 0) == (report.replayed + report.there_already, report.conflicts)
    assert 2 == table.get("n1").number
