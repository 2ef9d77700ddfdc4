"""tools/demo.py: the first thing people run, here with few airports and inside the environment of the tests."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

TOOLS = Path(__file__).resolve().parents[1] / "tools"


def run_demo(*arguments, before="pass"):
    """Run the demo's main function in a process of its own."""
    program = f"import sys; sys.path.append({str(TOOLS)!r}); import demo; {before}; sys.exit(demo.main())"
    return subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=False
    )


def test_demo_keeps_its_claims():
    """
    The demo checks its own claims, among them the bounds of reads and writes, and ends with its table.
    """
    result = run_demo("--limit", "300")

    assert ("", 0) == (result.stderr, result.returncode)
    assert "WRONG" not in result.stdout
    assert "checked: at most 1 reads for 300 updates of 80 countries" in result.stdout
    assert "checked: at most 4 writes for 80 changed countries" in result.stdout
    assert "checked: at most 80 reads, one for each country" in result.stdout
    assert "did you mean 'elevation_ft'?" in result.stdout
    assert [str(n) for n in range(1, 13)] == [
        line.split(".")[0].strip() for line in result.stdout.partition("\nstep ")[2].splitlines()[1:13]
    ]


def test_demo_fails_when_a_claim_is_wrong():
    """
    With batches that are smaller than claimed, the demo says which claim is wrong and exits with 1.
    """
    result = run_demo("--limit", "300", before="demo.WRITES_TOGETHER = 30")

    assert 1 == result.returncode
    assert "\nWRONG: at most 10 writes for 300 airports\n" in result.stdout


def test_demo_refuses_to_load_nothing():
    """
    --limit 0 is refused with the usage.
    """
    result = run_demo("--limit", "0")

    assert 2 == result.returncode
    assert "--limit is a whole number from 1" in result.stderr
