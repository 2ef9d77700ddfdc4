"""The journal of a MemoryTable: who may use it, what is on disk when, and what happens when it cannot be written."""

from __future__ import annotations

import errno
import gc
import os
import stat
import subprocess
import sys
import threading
from functools import partial
from pathlib import Path

import pytest

from dynamo_objects import (
    BatchFailed,
    DynamoDatabase,
    DynamoException,
    JournalError,
    JournalInUse,
    JournalUnfinished,
    MemoryTable,
    TransportError,
    recover,
)
from dynamo_objects.connection.attempts import RetryPolicy
from dynamo_objects.memorydb.flushing import Manner, flush_tables
from dynamo_objects.memorydb.journal import journal as journals
from dynamo_objects.memorydb.journal import points
from dynamo_objects.memorydb.journal.files import JournalFile
from tests.dictservice import error_reply
from tests.journals import Note, connected, fill, points_hook

TOP = Path(__file__).resolve().parents[2]
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


def accepted(path):
    """Return number of records that wait in a journal, without touching it."""
    file = JournalFile(str(path), create=False)
    try:
        return len(file.read().pending)
    finally:
        file.close()


# --- who may use it --------------------------------------------------------------------------------


def test_a_journal_is_for_its_owner_only(table, path):
    """
    The file has mode 0600, whatever the umask; so has the file of conflicts.
    """
    before = os.umask(0)
    try:
        fill(table, path, 1, 1)
        table.save(Note(note_id="n0", number=99))
        recover(path, table)
    finally:
        os.umask(before)
    modes = [stat.S_IMODE(file.stat().st_mode) for file in sorted(path.parent.iterdir())]

    assert [0o600, 0o600] == modes


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o622])
def test_a_journal_that_others_may_read_is_refused(table, path, mode):
    """
    A file that others can read or change is not trusted; the error says what to do.
    """
    MemoryTable(table, journal=path).close()
    path.chmod(mode)
    with pytest.raises(JournalError, match="chmod 600"):
        MemoryTable(table, journal=path)
    with pytest.raises(JournalError, match="chmod 600"):
        recover(path, table)


def test_links_folders_and_pipes_are_refused(table, path, tmp_path):
    """
    Nothing but a plain file becomes a journal; a link is not followed.
    """
    victim = tmp_path / "victim"
    victim.write_bytes(b"")
    link, folder, pipe = tmp_path / "link", tmp_path / "folder", tmp_path / "pipe"
    link.symlink_to(victim)
    folder.mkdir()
    os.mkfifo(pipe, 0o600)
    for place, message in ((link, "symbolic link"), (folder, "cannot be opened"), (pipe, "not a file")):
        with pytest.raises(JournalError, match=message):
            MemoryTable(table, journal=place)
    with pytest.raises(JournalError, match="folder is missing"):
        MemoryTable(table, journal=tmp_path / "none" / "run.journal")

    assert b"" == victim.read_bytes()


@pytest.mark.parametrize("content", [b"notes of mine", b"\n", b"notes\nof mine\n", b'{"journal":1}\n' * 9])
def test_a_file_that_is_no_journal_is_left_alone(table, path, content):
    """
    A file of another kind is refused, and not changed by a bit.
    """
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(JournalError, match="no journal"):
        MemoryTable(table, journal=path)
    with pytest.raises(JournalError, match="no journal"):
        recover(path, table)

    assert content == path.read_bytes()


def test_a_damaged_journal_is_not_begun_anew(table, path):
    """
    Where nothing can be read but damage, the file is left as it is until somebody has recovered it.
    """
    memory = MemoryTable(table, journal=path)
    with memory.unit():
        memory.save(Note(note_id="n1", text="kept"))
    memory.close()
    damaged = path.read_bytes().replace(b"kept", b"lost")
    path.write_bytes(damaged)

    with pytest.raises(JournalUnfinished, match="damaged parts"):
        MemoryTable(table, journal=path)
    assert damaged == path.read_bytes()


def test_two_cannot_use_one_journal(table, path):
    """
    While one MemoryTable has a journal, neither another one nor a recovery gets it; then they do.
    """
    memory = MemoryTable(table, journal=path)
    with pytest.raises(JournalInUse):
        MemoryTable(table, journal=path)
    with pytest.raises(JournalInUse):
        recover(path, table)
    memory.close()

    MemoryTable(table, journal=path).close()


def test_a_memory_table_that_is_freed_frees_its_journal(table, path):
    """
    The lock goes with the MemoryTable, at once: nothing holds on to it.
    """
    gc.disable()
    try:
        memory = MemoryTable(table, journal=path)
        with memory.unit():
            memory.save(Note(note_id="n1"))
        del memory

        assert 1 == recover(path, table).replayed
    finally:
        gc.enable()


def test_another_process_is_kept_out(table, path):
    """
    The lock holds between processes.
    """
    program = (
        "import sys; sys.path.insert(0, sys.argv[2])\n"
        "from dynamo_objects import JournalInUse\n"
        "from dynamo_objects.memorydb.journal.files import JournalFile\n"
        "try: JournalFile(sys.argv[1], create=False)\n"
        "except JournalInUse: print('in use')\n"
    )
    memory = MemoryTable(table, journal=path)
    shown = subprocess.run(
        [sys.executable, "-c", program, str(path), str(TOP)], capture_output=True, text=True, check=True
    )
    memory.close()

    assert "in use\n" == shown.stdout


def forked(act):
    """Run a function in a forked child, and return what it returns, or the error's type and text."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        try:
            text = str(act())
        except Exception as error:
            text = f"{type(error).__name__}: {error}"
        os.write(writing, text.encode())
        os._exit(0)
    os.close(writing)
    with open(reading, encoding="utf-8") as result:
        text = result.read()
    os.waitpid(child, 0)
    return text


def test_a_forked_child_is_refused(table, path):
    """
    In a forked child neither a flush nor a unit touches the journal of the parent, who goes on with it.
    """
    memory = MemoryTable(table, journal=path)
    memory.get("n1", create=True).text = "parent"
    before = path.read_bytes()

    def unit():
        with memory.unit():
            memory.save(Note(note_id="n2"))

    def clean_flush():
        memory.reset()
        return memory.save_data_batch()

    assert "inherited" in forked(memory.save_data_batch)
    assert "JournalError" in forked(unit)
    assert "JournalError" in forked(clean_flush)
    assert before == path.read_bytes()
    with memory.unit():
        memory.save(Note(note_id="n3"))
    assert 2 == accepted_by(memory)
    memory.close()
    assert 2 == accepted(path)


def accepted_by(memory):
    """Return how many records a MemoryTable has accepted and not written."""
    return memory._map.journal.count


def test_a_child_does_not_keep_the_lock(table, path):
    """
    A forked child that lives on does not keep a journal locked that its parent has closed.
    """
    memory = MemoryTable(table, journal=path)
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.close(writing)
        os.read(reading, 1)
        os._exit(0)
    try:
        memory.close()
        MemoryTable(table, journal=path).close()
    finally:
        os.close(writing)
        os.close(reading)
        os.waitpid(child, 0)


# --- what it is bound to ----------------------------------------------------------------------------


def test_it_is_bound_to_endpoint_and_prefix(table, path, tmp_path):
    """
    With another prefix, or in another database, a journal is refused, and what it holds stays.
    """
    fill(table, path, 1, 2)
    database = DynamoDatabase()
    for url, prefix, message in (
        ("memory://", "other_", "its table is 'journal_note', not 'other_note'"),
        (f"sqlite:///{tmp_path}/x.db", "journal_", "its endpoint is 'memory://'"),
    ):
        database.disconnect()
        database.connect(url=url, table_prefix=prefix)
        other = type(table)()
        with pytest.raises(JournalError, match=message):
            MemoryTable(other, journal=path)
        with pytest.raises(JournalError, match=message):
            recover(path, other)

    assert 2 == accepted(path)


def test_a_reconnect_elsewhere_is_noticed(path, tmp_path):
    """
    After a reconnect to another database nothing is accepted for the old one.
    """
    table = connected(f"sqlite:///{tmp_path}/one.db")
    memory = MemoryTable(table, journal=path)
    connected(f"sqlite:///{tmp_path}/two.db")
    memory.save(Note(note_id="n1"))
    with pytest.raises(JournalError, match="endpoint"):
        memory.save_data_batch()
    memory.close()
    DynamoDatabase().disconnect()


def test_no_credentials_are_in_it(path):
    """
    Neither keys nor tokens nor passwords of a connection get into the journal.
    """
    database = DynamoDatabase("with credentials")
    database.connect(
        region_name="eu-west-1",
        auto_create=False,
        aws_access_key_id="sentinel-id",
        aws_secret_access_key="sentinel-secret",
        aws_session_token="sentinel-token",
    )
    notes = type("Notes", (type(connected()),), {})(database=database)
    MemoryTable(notes, journal=path).close()
    text = path.read_text()
    database.disconnect()
    DynamoDatabase().disconnect()

    assert "https://dynamodb.eu-west-1.amazonaws.com" in text
    assert "sentinel" not in text


# --- what is on disk when ---------------------------------------------------------------------------


def test_a_flush_is_accepted_before_anything_is_sent(table, path, monkeypatch):
    """
    When the first request of a flush leaves, all its records are in the journal already.
    """
    memory = MemoryTable(table, journal=path)
    for number in range(60):
        memory.save(Note(note_id=f"n{number}"))
    seen = []
    transport = table._connection.transport
    send = transport.send

    def watching(operation, payload, timeout_seconds):
        seen.append((operation, path.read_bytes().count(b'"change"')))
        return send(operation, payload, timeout_seconds)

    monkeypatch.setattr(transport, "send", watching)
    memory.save_data_batch()
    memory.close()

    assert {("BatchWriteItem", 60)} == set(seen)


@pytest.fixture
def synced(monkeypatch):
    """Inode -> bytes that were in the file when it was last synced."""
    sizes = {}

    def watched(sync):
        def watching(descriptor):
            found = os.fstat(descriptor)
            sizes[found.st_ino] = found.st_size
            sync(descriptor)

        return watching

    for name in ("fsync", "fdatasync"):
        if hasattr(os, name):
            monkeypatch.setattr(os, name, watched(getattr(os, name)))
    return sizes


not_on_macos = pytest.mark.skipif(sys.platform == "darwin", reason="files are synced by fcntl there")


def unsynced(synced, path):
    """Return the number of bytes of a file that a power cut may take."""
    found = path.stat()
    return found.st_size - synced.get(found.st_ino, 0)


@not_on_macos
def test_what_is_accepted_is_on_disk(table, path, synced):
    """
    When a unit has ended, all of the journal has been synced: a power cut takes nothing of it.
    """
    memory = MemoryTable(table, journal=path)
    seen = [unsynced(synced, path)]
    for number in range(3):
        with memory.unit():
            memory.save(Note(note_id=f"n{number}"))
        seen.append(unsynced(synced, path))
    memory.close()

    assert [0, 0, 0, 0] == seen
    assert 3 == accepted(path)


@not_on_macos
def test_a_conflict_is_on_disk_before_it_counts_as_done(table, path, synced, monkeypatch):
    """
    When a recovery notes that a change is done, the conflict that became of it has been synced.
    """
    table.save(Note(note_id="n1"))
    memory = MemoryTable(table, journal=path)
    with memory.unit():
        memory.get("n1").number = 1
    memory.close()
    table.update("n1", put={"number": 9})
    beside, seen = path.with_name(f"{path.name}.conflicts"), []
    points_hook(
        monkeypatch,
        lambda name, about: seen.append(unsynced(synced, beside)) if name == "recover: marked" else None,
    )

    assert 1 == recover(path, table).conflicts
    assert [0] == seen
    assert beside.stat().st_size > 0


def test_a_large_flush_is_accepted_as_a_whole(table, path, monkeypatch):
    """
    Where it would go in rounds, all of its records are in the journal from the first request to the last.
    """
    memory = MemoryTable(table, journal=path)
    for number in range(60):
        memory.save(Note(note_id=f"n{number}"))
    seen = []
    transport = table._connection.transport
    send = transport.send

    def watching(operation, payload, timeout_seconds):
        text = path.read_bytes()
        seen.append((text.count(b'"change"'), text.count(b'"withdrawal"')))
        return send(operation, payload, timeout_seconds)

    monkeypatch.setattr(transport, "send", watching)
    flush_tables([memory._map], Manner(round_size=25))
    memory.close()

    assert {(60, 0)} == set(seen)


def test_a_conflict_is_kept_once(table, path, monkeypatch):
    """
    A recovery that was stopped before it noted a conflict as done does not file it again when it is repeated.
    """
    table.save(Note(note_id="n1"))
    memory = MemoryTable(table, journal=path)
    with memory.unit():
        memory.get("n1").number = 1
    memory.close()
    table.update("n1", put={"number": 9})

    def stopping(name, about):
        if name == "recover: conflict kept":
            raise KeyboardInterrupt

    points_hook(monkeypatch, stopping)
    with pytest.raises(KeyboardInterrupt):
        recover(path, table)
    monkeypatch.undo()
    report = recover(path, table)

    assert 1 == report.conflicts
    assert 1 == len(Path(report.conflict_file).read_text().splitlines())


def test_what_a_recovery_has_done_is_noted_at_once(table, path, monkeypatch):
    """
    A recovery that was stopped and is repeated leaves alone what it has written, and others have changed since.
    """
    memory = MemoryTable(table, journal=path)
    with memory.unit():
        for key in ("n1", "n2", "n3"):
            memory.save(Note(note_id=key, number=1))
    memory.close()

    def stopping(name, about):
        if name == "recover: marked":
            raise KeyboardInterrupt

    points_hook(monkeypatch, stopping)
    with pytest.raises(KeyboardInterrupt):
        recover(path, table)
    monkeypatch.undo()
    written = [note.note_id for note in table.scan(consistent=True)]
    for key in written:
        table.update(key, put={"number": 9})
    report = recover(path, table)

    assert len(written) > 0
    assert (3 - len(written), 0, 0) == (report.replayed, report.there_already, report.conflicts)
    assert [9] * len(written) == [table.get(key).number for key in written]


def test_what_a_recovery_could_not_write_stays_accepted(table, path, monkeypatch):
    """
    A record that the service refuses keeps no other from being recovered, and waits for the next recovery.
    """
    memory = MemoryTable(table, journal=path)
    with memory.unit():
        for key in ("n1", "n2", "n3"):
            memory.save(Note(note_id=key, number=1))
    memory.close()
    transport = table._connection.transport
    send = transport.send

    def refusing(operation, payload, timeout_seconds):
        if b'"n1"' in payload:
            return error_reply("ValidationException")
        return send(operation, payload, timeout_seconds)

    table._connection.max_parallel = 1
    monkeypatch.setattr(transport, "send", refusing)
    with pytest.raises(BatchFailed) as caught:
        recover(path, table)
    monkeypatch.undo()

    assert ["n1"] == [failure.key for failure in caught.value.failures]
    assert ["n2", "n3"] == sorted(note.note_id for note in table.scan(consistent=True))
    assert 1 == recover(path, table).replayed
    assert 1 == table.get("n1").number


def test_acknowledged_writes_are_noted(table, path, monkeypatch):
    """
    While a flush runs, what was acknowledged is noted batch by batch, so that little is replayed.
    """
    memory = MemoryTable(table, journal=path)
    for number in range(60):
        memory.save(Note(note_id=f"n{number}"))
    left = []
    points_hook(
        monkeypatch, lambda name, about: left.append(accepted_by(memory)) if name == "flush: marked" else None
    )
    memory.save_data_batch()
    memory.close()

    assert 0 == left[-1]
    assert 3 == len(left)


def test_accepting_the_same_again_writes_nothing(table, path):
    """
    A unit or a flush of what was accepted already does not make the journal larger.
    """
    memory = MemoryTable(table, journal=path)
    with memory.unit():
        memory.save(Note(note_id="n1", text="x" * 100))
    size = path.stat().st_size
    with memory.unit():
        pass
    memory.close()

    assert size == path.stat().st_size


def test_a_journal_does_not_grow_for_ever(table, path):
    """
    A record that changes again and again without a flush takes bounded space, and its last state counts.
    """
    memory = MemoryTable(table, journal=path)
    size = 0
    for number in range(700):
        with memory.unit():
            memory.get("n1", create=True).text = f"{number} " + "x" * 2000
        size = max(size, path.stat().st_size)
    memory.close()

    assert journals._COMPACT_BYTES + 10_000 > size
    assert 1 == recover(path, table).replayed
    assert table.get("n1").text.startswith("699 ")


def test_a_journal_that_was_written_anew_is_in_use_too(table, path, monkeypatch):
    """
    The file that takes the place of the old one is locked like that.
    """
    monkeypatch.setattr(journals, "_COMPACT_BYTES", 2000)
    memory, passed = MemoryTable(table, journal=path), []
    points_hook(monkeypatch, lambda name, about: passed.append(name))
    for number in range(60):
        with memory.unit():
            memory.get("n1", create=True).number = number

    assert "compact: renamed" in passed
    with pytest.raises(JournalInUse):
        recover(path, table)
    memory.close()


def test_what_was_sent_is_still_known_after_the_journal_was_written_anew(table, path, monkeypatch):
    """
    A state that a flush has sent without an answer counts as ours, also when much was accepted since.
    """
    monkeypatch.setattr(journals, "_COMPACT_BYTES", 2000)
    table.save(Note(note_id="n1"))
    memory = MemoryTable(table, journal=path)
    memory.get("n1").number = 1
    connection = table._connection
    send, policy = connection.transport.send, connection.policy
    connection.policy = RetryPolicy(deadline_seconds=0.1)
    connection.transport.send = partial(lost, send)
    with pytest.raises(BatchFailed):
        memory.save_data_batch()
    connection.transport.send, connection.policy = send, policy
    for number in range(2, 60):
        with memory.unit():
            memory.get("n1").number = number
    memory.close()

    assert 1 == table.get("n1").number
    assert 3000 > path.stat().st_size
    report = recover(path, table)
    assert (1, 0) == (report.replayed, report.conflicts)
    assert 59 == table.get("n1").number


def lost(send, operation, payload, seconds):
    """Carry out a request, and lose the reply."""
    send(operation, payload, seconds)
    raise TransportError("the reply was lost", sent=True, can_retry=False)


def test_reset_keeps_what_was_accepted(table, path):
    """
    reset() does not forget what was promised to be kept, unless that is asked for.
    """
    memory = MemoryTable(table, journal=path)
    with memory.unit():
        memory.save(Note(note_id="n1"))
    with pytest.raises(JournalError, match="discard"):
        memory.reset()
    assert ["n1"] == memory.dirty_keys()
    memory.reset(discard=True)
    memory.close()

    assert 0 == accepted(path)


def test_a_unit_that_cannot_be_stored_is_undone(table, path):
    """
    A unit with a record that no table could hold is not accepted in part: it is undone, and the error says why.
    """
    memory = MemoryTable(table, journal=path)
    memory.get("n1", create=True).text = "before"
    with pytest.raises(BatchFailed, match="n2"):
        with memory.unit():
            memory.get("n1").text = "inside"
            memory.get("n2", create=True).text = "x" * 500_000

    assert "before" == memory.get("n1").text
    assert 0 == accepted_by(memory)
    memory.close()


def test_a_record_that_has_become_bad_stays_as_it_was_accepted(table, path):
    """
    What was accepted of a record is not taken back by a later flush that cannot store what it has become.
    """
    memory = MemoryTable(table, journal=path)
    with memory.unit():
        memory.get("n1", create=True).number = 1
    memory.get("n1").text = "x" * 500_000
    memory.save(Note(note_id="n2"))
    with pytest.raises(BatchFailed, match="n1"):
        memory.save_data_batch()
    memory.close()

    assert 1 == recover(path, table).replayed
    assert (1, "") == (table.get("n1").number, table.get("n1").text)
    assert table.find("n2") is not None


def test_save_all_keeps_the_journals_of_its_tables(table, path):
    """
    Flushing tables together uses the journal of each.
    """
    from dynamo_objects import save_all

    memory = MemoryTable(table, journal=path)
    memory.save(Note(note_id="n1"))
    seen = []
    transport = table._connection.transport
    send = transport.send
    transport.send = lambda *request: seen.append(accepted_by(memory)) or send(*request)
    save_all(memory)
    del transport.send

    assert ([1], 0) == (seen, accepted_by(memory))
    memory.close()


def test_threads_may_flush_and_end_units_together(table, path):
    """
    Flushes and units of several threads leave nothing in the journal that is not pending.
    """
    memory = MemoryTable(table, journal=path)

    def work(worker):
        for number in range(30):
            with memory.unit():
                memory.get(f"n{worker}", create=True).number = number
            memory.save_data_batch()

    threads = [threading.Thread(target=work, args=(worker,)) for worker in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    memory.close()

    assert 0 == accepted(path)
    assert [29] * 4 == [table.get(f"n{worker}").number for worker in range(4)]


# --- what cannot be written ---------------------------------------------------------------------------


@pytest.mark.parametrize("point", ["accept: begun", "accept: written"])
def test_a_full_disk_refuses_a_flush_and_a_unit(table, path, monkeypatch, point):
    """
    What cannot be put into the journal is neither sent nor forgotten; with room again it goes on.
    """
    memory = MemoryTable(table, journal=path)
    memory.get("n1", create=True).text = "kept"
    size = path.stat().st_size

    def full(name, about):
        if name == point:
            raise OSError(errno.ENOSPC, "No space left on device")

    points_hook(monkeypatch, full)
    with pytest.raises(JournalError, match="No space left on device; nothing was accepted or sent"):
        memory.save_data_batch()
    with pytest.raises(JournalError, match="No space"):
        with memory.unit():
            memory.get("n1").text = "undone"

    assert ("kept", None, size) == (memory.get("n1").text, table.find("n1"), path.stat().st_size)
    monkeypatch.undo()
    memory.save_data_batch()
    assert "kept" == table.get("n1").text
    memory.close()


def test_a_failing_disk_is_not_trusted_again(table, path, monkeypatch):
    """
    After an error that may have lost something, the journal accepts nothing more, and says so each time.
    """
    memory = MemoryTable(table, journal=path)
    memory.save(Note(note_id="n1"))

    def broken(name, about):
        if name == "accept: written":
            raise OSError(errno.EIO, "Input/output error")

    points_hook(monkeypatch, broken)
    for _ in range(2):
        with pytest.raises(JournalError, match="Input/output error"):
            memory.save_data_batch()
        monkeypatch.undo()

    assert table.find("n1") is None
    assert 0 == accepted_by(memory)
    memory.reset()
    memory.close()


def test_a_closed_journal_accepts_nothing(table, path):
    """
    After close() a flush is refused; a with block opens the journal again.
    """
    memory = MemoryTable(table, journal=path)
    memory.close()
    memory.save(Note(note_id="n1"))
    with pytest.raises(JournalError, match="was closed"):
        memory.save_data_batch()
    with memory:
        pass

    assert "n1" == table.get("n1").note_id


def test_a_journal_left_open_by_a_with_block_is_free(table, path):
    """
    A with block frees its journal at the end, with or without an error, and keeps what was accepted.
    """
    with pytest.raises(ZeroDivisionError):
        with MemoryTable(table, journal=path) as memory:
            with memory.unit():
                memory.save(Note(note_id="n1"))
            raise ZeroDivisionError
    with pytest.raises(JournalUnfinished):
        MemoryTable(table, journal=path)

    assert 1 == recover(path, table).replayed


def test_every_named_point_is_passed(table, path, monkeypatch):
    """
    The points that crash tests stop at are all on the way of a flush, a rewritten journal or a recovery.
    """
    monkeypatch.setattr(journals, "_COMPACT_BYTES", 300)
    passed = set()
    points_hook(monkeypatch, lambda name, about: passed.add(name))
    fill(table, path, 4, 3)
    table.save(Note(note_id="n0", number=99))
    recover(path, table)
    with MemoryTable(table, journal=path) as memory:
        memory.get("n1").number += 1

    assert set(points.NAMES) == passed


def test_errors_are_of_the_library(table, path):
    """
    Every error about journals is a DynamoException, and names the file.
    """
    memory = MemoryTable(table, journal=path)
    with pytest.raises(DynamoException, match=str(path)):
        MemoryTable(table, journal=path)
    memory.close()


def test_a_flush_that_failed_in_part_notes_what_it_has_written(table, path):
    """
    At the end of a flush everything that was acknowledged is noted, one by one or in batches, also of a few records.
    """
    table.save_many(Note(note_id=f"n{number}") for number in range(4))
    memory = MemoryTable(table, journal=path)
    for number in range(4):
        memory.get(f"n{number}").number = 1
    table.update("n2", put={"number": 9})
    memory.save_data(ignore_errors=True)

    assert 1 == accepted_by(memory)
    memory.close()
    assert 1 == accepted(path)
