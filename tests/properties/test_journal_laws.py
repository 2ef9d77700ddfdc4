"""Laws of journals that were cut or damaged: nothing is replayed that was not accepted, and damage is never silent."""

from __future__ import annotations

import json
import os
from zlib import crc32

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dynamo_objects import DynamoDatabase, DynamoException, JournalDamaged, JournalError, recover
from dynamo_objects.memorydb.journal.lines import decode_header, decode_line
from dynamo_objects.memorydb.journal.reading import read_lines
from tests.journals import Note, connected, fill

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


def contents_of(data):
    """Return what a journal of these bytes holds."""
    return read_lines(data.splitlines(keepends=True) if b"\r" not in data else split(data))


def split(data):
    """Return lines as a file has them: only a newline ends one."""
    parts = data.split(b"\n")
    return [part + b"\n" for part in parts[:-1]] + ([parts[-1]] if parts[-1] else [])


def pending(contents):
    """Return key -> number of what is to be replayed."""
    return {
        found.change.key["note_id"]["S"]: int(found.change.item["number"]["N"])
        for found in contents.pending.values()
    }


def recovered(table, path, data):
    """Recover a journal of these bytes into an empty table: key -> number, and the error."""
    for note in table.scan():
        table.delete(note.note_id)
    for file in path.parent.glob("run.journal*"):
        file.unlink()
    path.write_bytes(data)
    path.chmod(0o600)
    error = None
    try:
        recover(path, table)
    except DynamoException as caught:
        error = caught
    return {note.note_id: note.number for note in table.scan()}, error


def test_a_journal_cut_at_any_byte_replays_the_units_that_are_whole(table, path):
    """
    Of a journal of 100 records, cut at every byte, exactly the units with their marks are replayed.
    """
    states = fill(table, path, 25, 4)
    data = path.read_bytes()
    header, *ends = [at + 1 for at in range(len(data)) if data[at : at + 1] == b"\n"]
    marks = [end for end in ends if b'["commit"' in data[:end].splitlines()[-1]]
    wrong = []
    for size in range(len(data) + 1):
        contents = contents_of(data[:size])
        whole = sum(mark <= size for mark in marks)
        expected = states[whole] if size >= header else None
        found = None if contents.header is None else pending(contents)
        if found != expected or contents.damaged:
            wrong.append(size)

    assert 100 == data.count(b'["change"')
    assert 25 == len(marks)
    assert [] == wrong
    for size in range(header, len(data), 211):
        state, error = recovered(table, path, data[:size])

        assert (states[sum(mark <= size for mark in marks)], None) == (state, error)
        assert 0 == path.stat().st_size - header


def test_every_flipped_bit_is_noticed(table, path):
    """
    Of a journal of 10 records, with each of its bits wrong in turn, nothing is replayed that was not accepted,
    and never without saying that it is damaged.
    """
    states = fill(table, path, 5, 2)
    with path.open("ab") as file:
        file.write(b"".join(done(number) for number in (1, 4)))
    data = path.read_bytes()
    accepted = {(key, number) for state in states for key, number in state.items()}
    silent, wrong = [], []
    for bit in range(8 * len(data)):
        contents = contents_of(flipped(data, bit))
        if contents.header is None or not contents.damaged:
            is_told = contents.header is None and contents.damaged
            silent += [] if is_told else [bit]
        wrong += [bit] if set(pending(contents).items()) - accepted else []

    assert 10 == data.count(b'["change"')
    assert ([], []) == (silent, wrong)
    for bit in range(0, 8 * len(data), 307):
        state, error = recovered(table, path, flipped(data, bit))

        assert set(state.items()) <= accepted
        assert isinstance(error, JournalError)
        if isinstance(error, JournalDamaged):
            assert [error.kept] == [str(file) for file in path.parent.glob("*.damaged")]
            assert not path.exists()


def flipped(data, bit):
    """Return bytes with one bit changed."""
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def done(number):
    """Return the line that notes a change as done."""
    from dynamo_objects.memorydb.journal.lines import Done, encode_line

    return encode_line(Done([number]))


def test_units_behind_damage_count(table, path):
    """
    A damaged unit takes nothing with it but itself: the newer state of a record is replayed, not an older one.
    """
    states = fill(table, path, 5, 5)
    lines = path.read_bytes().splitlines(keepends=True)
    place = next(at for at, line in enumerate(lines) if b'["change",3,' in line)
    lines[place] = lines[place].replace(b'"N"', b'"X"', 1)
    state, error = recovered(table, path, b"".join(lines))

    assert states[5] == state
    assert isinstance(error, JournalDamaged)
    assert (5, 2) == (error.report.replayed, error.report.damaged)


def test_a_damaged_journal_recovers_what_is_left_after_a_failure(table, path):
    """
    The kept file is a whole copy: with the damage mended by hand it can be recovered as any other.
    """
    states = fill(table, path, 3, 5)
    data = path.read_bytes()
    _, error = recovered(table, path, data.replace(b'["commit",3,', b'["commit",4,'))
    with open(error.kept, "rb") as file:
        mended = file.read().replace(b'["commit",4,', b'["commit",3,')
    state, error = recovered(table, path, mended)

    assert (states[3], None) == (state, error)


# --- whatever a file holds ------------------------------------------------------------------------------

HEADER = {
    "journal": "dynamo_objects",
    "format": 1,
    "endpoint": "memory://",
    "region": "",
    "table": "journal_note",
    "keys": [["note_id", "S"]],
    "version": None,
    "attributes": ["note_id", "number", "text"],
}
plain = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 10**20) | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)
values = st.dictionaries(
    st.sampled_from(["S", "N", "B", "SS", "NS", "BS", "L", "M", "NULL", "BOOL", "X"]), plain, max_size=2
)
items = st.dictionaries(st.sampled_from(["note_id", "text", "number"]), values, max_size=3)
lines = st.one_of(
    st.tuples(
        st.just("change"),
        st.integers(-1, 3),
        st.integers(-1, 5),
        st.sampled_from(["put", "update", "replace", "delete", "x"]),
        items,
        st.none() | items,
        st.none() | items,
    ),
    st.tuples(st.just("withdrawal"), st.integers(-1, 3), st.integers(-1, 5), items),
    st.tuples(
        st.just("commit"), st.integers(-1, 3), st.integers(-1, 5), st.integers(0, 2**32), st.text(max_size=3)
    ),
    st.tuples(st.just("done"), st.lists(st.integers(-1, 5), max_size=3)),
    plain,
)


def framed(value):
    """Return a line with the right checksum."""
    payload = json.dumps(value).encode()
    return b"%08x %b\n" % (crc32(payload), payload)


@settings(max_examples=300, deadline=None)
@given(content=st.lists(lines, max_size=6), commits=st.booleans())
def test_whatever_a_file_holds_is_taken_or_refused_clearly(content, commits, tmp_path_factory):
    """
    Lines with right checksums, but any content, lead to a recovery or to an error of the library, to nothing else.
    """
    table = connected()
    path = tmp_path_factory.mktemp("hostile") / "run.journal"
    body = b"".join(framed(line) for line in content)
    if commits:
        count = sum(isinstance(line, tuple) and line[0] in ("change", "withdrawal") for line in content)
        body += framed(["commit", 1, count, crc32(body), "s"])
    path.write_bytes(framed(HEADER) + body)
    path.chmod(0o600)
    try:
        recover(path, table)
    except DynamoException:
        pass
    finally:
        DynamoDatabase().disconnect()


@given(data=st.binary(max_size=300) | st.text(max_size=100).map(str.encode))
def test_any_bytes_can_be_read(data):
    """
    Whatever bytes a file has, reading them does not fail, and finds nothing to replay.
    """
    contents = contents_of(data)

    assert (None, {}) == (contents.header, contents.pending)
    assert decode_line(data) is None
    assert decode_header(data) is None


@pytest.mark.parametrize("depth", [40, 5_000, 200_000])
def test_deep_nesting_is_damage(depth, table, path):
    """
    A line that nests lists without an end is damage, not a crash.
    """
    nested = '{"L":[' * depth + '{"S":"x"}' + "]}" * depth
    payload = f'["change",1,1,"put",{{"note_id":{{"S":"a"}}}},{{"note_id":{{"S":"a"}},"text":{nested}}},null]'
    line = b"%08x %b\n" % (crc32(payload.encode()), payload.encode())
    mark = framed(["commit", 1, 1, crc32(line), "s"])
    contents = contents_of(framed(HEADER) + line + mark)

    assert (1 if depth == 40 else 0) == len(contents.pending)
    assert (0 if depth == 40 else 2) == contents.damaged


def test_a_record_is_replayed_as_it_was_accepted(table, path):
    """
    Texts of all scripts, quotes and line ends survive the journal.
    """
    from dynamo_objects import MemoryTable

    text = "æ\n\"'\\\u2028 😀 \x00\x7f"
    memory = MemoryTable(table, journal=path)
    with memory.unit():
        memory.save(Note(note_id=text, text=text))
    memory.close()
    recover(path, table)

    assert text == table.get(text).text
