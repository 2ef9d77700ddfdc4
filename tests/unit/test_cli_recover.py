"""The command ``dynamo-objects recover``: what it writes, prints and returns."""

from __future__ import annotations

import os

import pytest

from dynamo_objects import DynamoDatabase, MemoryTable, cli
from dynamo_objects.local.opening import open_engine
from dynamo_objects.local.server import serve
from tests.journals import Note, NoteTable, connected, fill

pytestmark = [
    pytest.mark.skipif(os.name == "nt", reason="journals need POSIX"),
    pytest.mark.filterwarnings("ignore::dynamo_objects.memorydb.UnwrittenChanges"),
]


@pytest.fixture
def url(tmp_path):
    """A database in a file."""
    yield f"sqlite:///{tmp_path}/notes.db"
    DynamoDatabase().disconnect()


@pytest.fixture
def path(tmp_path):
    """Where the journal is."""
    return tmp_path / "run.journal"


def printed(capsys):
    """Return what was printed: names and counts, and the lines of the errors."""
    out, err = capsys.readouterr()
    counts = dict(line.split(": ") for line in out.splitlines() if ": " in line)
    return {name: int(count) for name, count in counts.items()}, err.splitlines()


def test_it_knows_the_way_from_the_journal(url, path, capsys):
    """
    Nothing but the journal is named: it says which database and table its changes belong to.
    """
    fill(connected(url), path, 1, 3)
    DynamoDatabase().disconnect()
    code = cli.main(["recover", str(path)])
    counts, errors = printed(capsys)

    assert (0, []) == (code, errors)
    assert 3 == counts.pop("replayed")
    assert {0} == set(counts.values())
    assert 3 == connected(url).get("n2").number


def test_conflicts_have_a_code_of_their_own(url, path, capsys):
    """
    Conflicts end with code 3 and the name of the file; no value is printed.
    """
    table = connected(url)
    fill(table, path, 1, 2)
    table.save(Note(note_id="n0", text="sentinel", number=99))
    DynamoDatabase().disconnect()
    code = cli.main(["recover", str(path), "--url", url])
    out, err = capsys.readouterr()

    assert (3, "") == (code, err)
    assert "conflicts: 1\n" in out
    assert f"{path}.conflicts" in out
    assert "sentinel" not in out
    assert 99 == connected(url).get("n0").number


def test_damage_has_the_same_code(url, path, capsys):
    """
    A damaged journal ends with code 3; what was recovered and where the file is are told.
    """
    fill(connected(url), path, 2, 2)
    DynamoDatabase().disconnect()
    path.write_bytes(path.read_bytes().replace(b'["commit",1,', b'["commit",7,'))
    code = cli.main(["recover", str(path)])
    counts, errors = printed(capsys)

    assert 3 == code
    assert (2, 2) == (counts["replayed"], counts["damaged places"])
    assert [f"{path}.damaged"] == [word for word in errors[0].split() if word.endswith(".damaged")]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--url", "memory://"], "belongs to another table: its endpoint"),
        (["--prefix", "staging_"], "belongs to another prefix"),
        (["--endpoint-url", "http://localhost:1"], "belongs to another table: its endpoint"),
    ],
)
def test_it_is_not_led_elsewhere(url, path, capsys, arguments, message):
    """
    Another database or prefix than the journal's is refused with code 1, and the journal stays as it is.
    """
    fill(connected(url), path, 1, 2)
    DynamoDatabase().disconnect()
    before = path.read_bytes()
    code = cli.main(["recover", str(path), *arguments])
    counts, errors = printed(capsys)

    assert ({}, 1, 1) == (counts, code, len(errors))
    assert message in errors[0]
    assert before == path.read_bytes()


def test_what_cannot_be_recovered_is_told_in_a_line(url, path, capsys):
    """
    A missing journal is a wrong argument; one in use, or a file that is none, has failed.
    """
    assert 2 == cli.main(["recover", str(path)])
    memory = MemoryTable(connected(url), journal=path)
    assert 1 == cli.main(["recover", str(path)])
    memory.close()
    path.write_bytes(b"notes of mine\n")
    assert 1 == cli.main(["recover", str(path)])
    _, errors = printed(capsys)

    assert 3 == len(errors)
    assert "there is no journal" in errors[0]
    assert "is in use by another process" in errors[1]
    assert "is no journal, or its first line is damaged" in errors[2]


def test_a_new_journal_has_nothing(path, capsys):
    """
    A process that died before its journal had a first line has accepted nothing.
    """
    path.write_bytes(b"")
    path.chmod(0o600)

    assert 0 == cli.main(["recover", str(path)])
    assert "nothing was ever accepted\n" == capsys.readouterr().out


def test_a_service_is_found_by_its_endpoint(path, capsys):
    """
    The journal of a table behind DynamoDB's protocol leads to the service, with no option either.
    """
    engine = open_engine("memory://")
    with serve(engine) as endpoint:
        port = endpoint.rpartition(":")[2]
        database = DynamoDatabase()
        database.disconnect()
        database.connect(region_name="localhost", DYNAMODB_HOST="127.0.0.1", DYNAMODB_PORT=port)
        fill(NoteTable(), path, 1, 2)
        database.disconnect()
        assert 0 == cli.main(["recover", str(path)])
        database.connect(region_name="localhost", DYNAMODB_HOST="127.0.0.1", DYNAMODB_PORT=port)
        assert 2 == NoteTable().get("n1").number
        database.disconnect()
    engine.close()
    counts, _ = printed(capsys)

    assert 2 == counts["replayed"]
