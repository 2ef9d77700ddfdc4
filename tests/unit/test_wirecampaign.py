"""A short campaign on each transport over sockets, and forked children; `tests.wirecampaign` runs long ones."""

from __future__ import annotations

import os

import pytest

from tests import wirecampaign

kinds = pytest.mark.parametrize("kind", ["boto3", "urllib3", "curl"])


@kinds
def test_nothing_is_lost_on_the_wire(kind: str) -> None:
    """
    Every acknowledgement, refusal and answer fits what the service holds.
    """
    if kind == "curl":
        pytest.importorskip("pycurl")
    outcome = wirecampaign.run(kind, 1, 300, 0.25)

    assert [] == outcome.violations, str(outcome)
    assert 50 < outcome.faults.total()


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
