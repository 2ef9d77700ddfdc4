"""A few of the kills of tools/kill_memory.py."""

from __future__ import annotations

import os

import pytest

from tests import memorykills


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL and no fork")
def test_nothing_accepted_is_lost_and_nothing_newer_overwritten(tmp_path):
    """
    After workers and recoveries were killed at random and named points, everything accepted is there, or in
    the file of conflicts, and every write of somebody else since.
    """
    report = memorykills.campaign(kills=12, folder=tmp_path, seed=3)

    assert report.kills >= 12
    assert report.accepted > 100
    assert report.in_flush
    assert report.newer
    assert (0, 0, 0, 0) == (report.lost, report.overwritten, report.strange, report.twice)


def test_the_accounts_know_what_was_accepted():
    """
    What was told before a kill counts as accepted only from the mark on disk; the rest may be there or not.
    """
    told = [
        ["changes", {"a": 1, "b": 2}],
        ["accepted"],
        ["changes", {"a": None}],
        ["flush"],
        ["accepted"],
        ["changes", {"c": 3}],
    ]

    assert ({"a": None, "b": 2}, {"c": {3}}, 3) == memorykills._accepted(told, 0)
