"""A short campaign: thousands of operations, more than a thousand faults, nothing lost, nothing twice."""

from __future__ import annotations

import pytest

from dynamo_objects.connection.transport import Reply
from dynamo_objects.operations.item import UpdateItem
from tests import campaign
from tests.campaign import Oracle, State
from tests.dictservice import DictService
from tests.faults import BATCH_FAULTS, FAULTS
from tests.transports import FaultTransport, VirtualClock


@pytest.mark.parametrize(("seed", "rate"), [(1, 0.3), (2, 0.7)])
def test_nothing_lost_nothing_twice_nothing_falsely_absent(seed: int, rate: float) -> None:
    """
    Every acknowledgement, refusal and answer fits what the service holds.
    """
    outcome = campaign.run(seed, 2400, rate)

    assert [] == outcome.violations, str(outcome)
    assert 800 < outcome.faults.total()
    assert 15 < len(outcome.results)


def test_every_fault_happens() -> None:
    """
    A campaign knows all kinds of faults, but those of table operations.
    """
    outcome = campaign.run(3, 1500, 0.5)

    assert {*FAULTS, *BATCH_FAULTS} - {"table operation limit"} == set(outcome.faults)


def test_a_campaign_can_be_repeated() -> None:
    """
    The same seed makes the same faults and the same results, also with threads.
    """
    first, second = (campaign.run(4, 900, 0.4) for _ in range(2))

    assert first == second


def test_the_oracle_sees_a_counter_that_counts_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A service that carries out an update twice is found out.
    """
    send = DictService.send
    seen: list[bytes] = []

    def twice(self: DictService, operation: str, payload: bytes, timeout_seconds: float) -> Reply:
        if operation == UpdateItem.name and b"ADD" in payload and len(seen) < 1:
            seen.append(payload)
            send(self, operation, payload, timeout_seconds)
        return send(self, operation, payload, timeout_seconds)

    monkeypatch.setattr(DictService, "send", twice)

    assert [] != campaign.run(5, 600, 0.0).violations


def test_the_oracle_knows_what_it_must_complain_about() -> None:
    """
    A lost write, a false absence, a refusal without a reason; not what an unknown outcome allows.
    """
    oracle, key = Oracle(), ("k", 1)
    one = State("a", 1)

    oracle.acknowledged(key, lambda state: one, "put")
    oracle.seen(key, one, "get")
    oracle.unknown(key, lambda state: None)
    assert {one, None} == oracle.of(key)
    oracle.seen(key, None, "get")
    assert [] == oracle.violations
    oracle.seen(key, one, "get")
    oracle.seen(key, None, "get")
    oracle.refused(key, lambda state: state is not None, "create")
    assert ["lost or applied twice", "false absent", "refused without"] == [
        next(
            words
            for words in ("lost or applied twice", "false absent", "refused without")
            if words in violation
        )
        for violation in oracle.violations
    ]


def test_faults_depend_on_the_request_not_on_its_turn() -> None:
    """
    By hash of seed, operation, keys and attempt: tokens, which are random, do not count.
    """

    def kinds(seed: int, token: str) -> list[str]:
        transport = FaultTransport(DictService(), seed=seed, rate=1.0, clock=VirtualClock())
        payload = f'{{"TransactItems":[],"ClientRequestToken":"{token}"}}'.encode()
        return [str(transport._chosen("TransactWriteItems", payload)) for _ in range(20)]

    assert kinds(1, "a") == kinds(1, "b")
    assert kinds(1, "a") != kinds(2, "a")
    assert 5 < len(set(kinds(1, "a")))
