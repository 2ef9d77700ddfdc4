"""A short fault campaign finds nothing in the library, and finds each of the bugs that are put into it.

``python3 tools/campaign.py`` runs long ones.
"""

from __future__ import annotations

import re
import sys
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from dynamo_objects import DynamoTable
from dynamo_objects.codec.merging import merge
from dynamo_objects.errors import DynamoException
from dynamo_objects.flows import deciding
from dynamo_objects.memorydb import replay
from dynamo_objects.memorydb.flush import Settling
from dynamo_objects.memorydb.journal.files import JournalFile
from dynamo_objects.memorydb.journal.journal import Journal
from dynamo_objects.memorydb.units import Unit
from dynamo_objects.operations.base import Resend
from dynamo_objects.operations.batch import BatchGetItem, BatchWriteItem
from dynamo_objects.operations.item import UpdateItem
from tests.campaignfaults import CampaignTransport, Chooser
from tests.campaignruns import episode, wire_episode
from tests.campaignworld import Ledger
from tests.wirecampaign import serving

sys.path.append(str(Path(__file__).resolve().parent.parent / "tools"))

import campaign  # type: ignore[import-not-found]

Patch = pytest.MonkeyPatch


def test_a_short_run_finds_nothing() -> None:
    """
    Nothing is lost, read wrongly, applied twice or falsely absent; all errors name the keys.
    """
    ledger, findings = Ledger(), []
    for number in range(8):
        result, found = episode(f"short/{number}", jobs=20)
        ledger.add(result)
        findings += found

    assert [] == findings
    assert 6000 < ledger.operations
    assert 1000 < ledger.faults.total()
    assert 30 < len(ledger.faults)
    assert 8 < len(ledger.crashes)


def test_a_short_run_through_sockets_finds_nothing() -> None:
    """
    The same jobs through the usual transport, and a server that breaks requests and replies.
    """
    with serving("server") as url:
        assert url is not None
        ledger, findings = wire_episode("short/1", None, url, jobs=12)

    assert [] == findings
    assert 100 < ledger.operations
    assert 10 < len(ledger.faults)


def test_an_episode_can_be_repeated() -> None:
    """
    The same seed gives the same programs, faults and results.
    """
    first, second = (episode("again/0", jobs=12)[0] for _ in range(2))

    assert first == second


def test_faults_are_chosen_by_seed_operation_keys_and_attempt() -> None:
    """
    Not by the turn of a request, nor by what else it says.
    """

    def kinds(seed: str, text: str) -> list[str | None]:
        chooser = Chooser(seed)
        chooser.rate = 0.5
        payload = f'{{"Item":{{"id":{{"S":"{text}"}},"at":{{"N":"1"}},"text":{{"S":"{uuid.uuid4()}"}}}}}}'
        return [chooser.choose("PutItem", payload.encode(), ("a", "b", "c")) for _ in range(30)]

    assert kinds("1", "k") == kinds("1", "k")
    assert kinds("1", "k") != kinds("2", "k")
    assert kinds("1", "k") != kinds("1", "l")


def test_the_tool_prints_its_table(capsys: Any, monkeypatch: Patch) -> None:
    """
    What was done, and what was found: nothing, which is exit code 0.
    """
    monkeypatch.setattr(sys, "argv", ["campaign.py", "--twin-only", "--operations", "300", "--jobs", "6"])
    code = campaign.main()

    told = capsys.readouterr().out
    assert 0 == code
    for title, _ in campaign.PROMISES:
        assert re.search(rf"^{title} +0$", told, re.MULTILINE)


# --- bugs ---------------------------------------------------------------------------------------


def counts_failures_as_done(patch: Patch) -> None:
    """What was not acknowledged is neither dirty nor reported."""

    def failed(self: Settling, writes: Any, reason: Exception) -> None:
        for write in list(writes):
            self.pending.pop(write, None)
            record = write.ref.record
            if record is not None:
                item = self._codec.encode(record)
                self._codec.remember(record, item, self._codec.loaded_values(record))

    patch.setattr(Settling, "failed", failed)


def drops_unprocessed_items(patch: Patch) -> None:
    """Whatever a batch write answers, all was written."""
    patch.setattr(BatchWriteItem, "parse", lambda self, body: [])


def drops_unprocessed_keys(patch: Patch) -> None:
    """What a batch read has not answered is absent."""
    parse = BatchGetItem.parse

    def parsed(self: BatchGetItem, body: bytes) -> Any:
        read = parse(self, body)
        return msgspec.structs.replace(read, absent=[*read.absent, *read.unprocessed], unprocessed=[])

    patch.setattr(BatchGetItem, "parse", parsed)


def repeats_with_a_new_token(patch: Patch) -> None:
    """Each attempt of a transaction is another transaction."""
    send = CampaignTransport.send

    def sent(self: CampaignTransport, operation: str, payload: bytes, timeout_seconds: float) -> Any:
        token = f'"ClientRequestToken":"{uuid.uuid4().hex}"'.encode()
        return send(
            self, operation, re.sub(rb'"ClientRequestToken":"[^"]*"', token, payload), timeout_seconds
        )

    patch.setattr(CampaignTransport, "send", sent)


def repeats_additions_blindly(patch: Patch) -> None:
    """An update whose reply was lost is sent again."""
    patch.setattr(UpdateItem, "resend", property(lambda self: Resend.SAFE))


def takes_errors_for_absence(patch: Patch) -> None:
    """What could not be read is not there."""
    find = DynamoTable._find

    def found(self: Any, *arguments: Any, **keywords: Any) -> Any:
        try:
            return find(self, *arguments, **keywords)
        except DynamoException:
            return None

    patch.setattr(DynamoTable, "_find", found)


def gives_up_silently(patch: Patch) -> None:
    """What was not begun is not reported."""
    patch.setattr(Settling, "give_up", lambda self, reason: None)


def merges_in_doubt(patch: Patch) -> None:
    """What may be stored already is added again."""

    def merged(codec: Any, base: Any, mine: Any, theirs: Any, *, is_doubtful: bool = False) -> Any:
        return merge(codec, base, mine, theirs)

    patch.setattr(deciding, "merge", merged)


def leaves_units_as_they_are(patch: Patch) -> None:
    """A unit that has failed is not undone."""
    patch.setattr(Unit, "_roll_back", lambda self: None)


def writes_no_journal(patch: Patch) -> None:
    """What is accepted is not on disk."""
    patch.setattr(Journal, "_write_unit", lambda self, file, unit, lines: None)
    patch.setattr(JournalFile, "note", lambda self, data: None)


def recovers_over_newer_writes(patch: Patch) -> None:
    """A replay does not look at what others have written."""
    patch.setattr(replay, "_fits", lambda header, change, stored: True)
    patch.setattr(replay, "_guard", lambda header, change: None)
    patch.setattr(replay, "_put_guard", lambda header, change: None)


BUGS: dict[Callable[[Patch], None], set[str]] = {
    counts_failures_as_done: {"lost", "other"},
    drops_unprocessed_items: {"lost"},
    drops_unprocessed_keys: {"false absent"},
    repeats_with_a_new_token: {"double apply", "lost", "other"},
    repeats_additions_blindly: {"double apply", "lost"},
    takes_errors_for_absence: {"false absent"},
    gives_up_silently: {"lost", "unnamed"},
    merges_in_doubt: {"double apply"},
    leaves_units_as_they_are: {"wrong read", "lost", "other", "false absent", "unnamed"},
    writes_no_journal: {"recovery"},
    recovers_over_newer_writes: {"overwritten", "lost"},
}


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.__name__)
def test_a_bug_is_found(bug: Callable[[Patch], None], monkeypatch: Patch) -> None:
    """
    Within a few episodes, and as what it is.
    """
    bug(monkeypatch)
    kinds: set[str] = set()
    for number in range(16):
        kinds |= {finding.kind for finding in episode(f"bug/{number}", jobs=20)[1]}
        if kinds & BUGS[bug]:
            break

    assert kinds & BUGS[bug]


def test_a_finding_comes_with_the_command_that_shows_it(capsys: Any, monkeypatch: Patch) -> None:
    """
    And with exit code 1; the command runs the episode no further than its job.
    """
    counts_failures_as_done(monkeypatch)
    monkeypatch.setattr(sys, "argv", ["campaign.py", "--twin-only", "--operations", "1", "--seed", "a"])
    code = campaign.main()
    again = re.search(r"--again (\S+)", capsys.readouterr().out)
    assert again is not None
    monkeypatch.setattr(sys, "argv", ["campaign.py", "--twin-only", "--again", again[1]])
    code_again = campaign.main()

    assert (1, 1) == (code, code_again)
    assert f"--again {again[1]}" in capsys.readouterr().out
