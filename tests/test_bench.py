"""The peer benchmark: it runs with what this Python has, and its verdict is computed as it says."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

TOOLS = Path(__file__).resolve().parent.parent / "tools"
sys.path.append(str(TOOLS / "bench"))  # at the end: its modules must not hide others

from peers.measuring import Results, Sample  # noqa: E402
from peers.registry import CLIENTS, FAST, PLAIN  # noqa: E402
from peers.verdict import claims, ratio  # noqa: E402


@pytest.fixture
def results():
    """Three rounds of gets, the second one on a machine that was busy with something else."""
    found = Results()
    ours, theirs = [10e-6, 40e-6, 10e-6], [130e-6, 440e-6, 120e-6]
    found.samples["get"] = {
        FAST: [Sample(cpu, cpu) for cpu in ours],
        "boto3-table": [Sample(cpu, cpu) for cpu in theirs],
    }
    found.memory = {FAST: 2700.0, "pynamodb": 2600.0}
    return found


def test_ratios_are_medians_of_those_within_a_round(results):
    """
    A round is compared with itself only: 13, 11 and 12 times as much is 12 times as much.
    """
    assert 12 == pytest.approx(ratio(results, "get", "boto3-table", FAST))


def test_a_ratio_that_is_too_small_is_named(results):
    """
    What does not reach its least ratio does not hold, and says by how much it misses it.
    """
    missed = [str(claim) for claim in claims(results, ["get"]) if claim.found is not None and not claim.holds]

    assert ["memory of records, PynamoDB / dynamo_objects[fast]: 0.96, at least 1"] == missed


def test_what_was_not_measured_does_not_hold(results):
    """
    A claim about a client that is missing is neither forgotten nor taken for granted.
    """
    found = {claim.subject: claim for claim in claims(results, ["get"])}
    unknown = found["get, PynamoDB / dynamo_objects[fast]"]

    assert unknown.found is None
    assert not unknown.holds


@pytest.mark.parametrize(("name", "module"), [(FAST, "isal.isal_zlib"), (PLAIN, "zlib")])
def test_ours_without_the_extra_has_nothing_of_it(name, module):
    """
    Both use the transport that is chosen by itself; one has the packages of the extra, the other cannot import them.
    """
    kind = CLIENTS[name]
    if not kind.is_installed():
        pytest.skip(f"needs {', '.join(kind.packages)}")
    program = (
        f"import sys; sys.path += {[str(TOOLS / 'bench'), str(TOOLS.parent)]!r}\n"
        f"from peers.{kind.module} import {kind.name} as Client\n"
        "from dynamo_objects.connection import replies\n"
        "print(replies.crc32.__module__, Client.transport, sys.modules.get('pycurl', 'not looked for'))"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)

    pycurl = "None" if name == PLAIN else "not looked for"
    assert (f"{module} None {pycurl}\n", "") == (run.stdout, run.stderr)


@pytest.mark.skipif(sys.platform == "win32", reason="the server waits for a pipe, which Windows cannot")
def test_a_quick_run_measures_what_is_there(tmp_path):
    """
    A quick run in this Python measures the clients that it has, with right records, and writes all its files.
    """
    files = {name: tmp_path / f"result.{name}" for name in ("json", "chart", "table")}
    options = [part for name, path in files.items() for part in (f"--{name}", str(path))]
    result = subprocess.run(
        [
            sys.executable,
            str(TOOLS / "bench.py"),
            "--quick",
            "--here",
            "--only",
            "get,boto3-client",
            *options,
        ],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (0, True) == (result.returncode, "A quick run is not judged." in result.stdout), result.stderr
    measured = json.loads(files["json"].read_text(encoding="utf-8"))
    assert {"ours-plain", "ours-boto3", "boto3-client"} <= measured["workloads"]["get"].keys()
    assert "svg" in ElementTree.parse(files["chart"]).getroot().tag
    assert "boto3 client" in files["table"].read_text(encoding="utf-8")
