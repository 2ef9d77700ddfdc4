"""Kill MemoryTables with a journal, and their recoveries, and count what was lost: ``python3 tools/kill_memory.py``.

Workers accept units and flush them until they are killed (SIGKILL) at a random moment or at a named point; a rival
writes some of the same records, and recoveries run, some of which are killed too. The figures are printed; the exit
status is 1 when an accepted record was lost, a newer write overwritten, or anything else was wrong.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.memorykills import campaign

__all__: list[str] = []


def main() -> int:
    """Run the campaign that the command line asks for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--kills", type=int, default=1000, help="processes to kill (1000)")
    parser.add_argument("--seed", type=int, default=1, help="of the moments (1)")
    parser.add_argument("--folder", type=Path, help="of the files; a temporary one by default")
    arguments = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="dynamo-objects-kills-") as temporary:
        folder = arguments.folder or Path(temporary)
        report = campaign(kills=arguments.kills, folder=folder, seed=arguments.seed)
    for name in type(report).__match_args__:
        print(f"{name.replace('_', ' '):>14} {getattr(report, name):>9,}")
    print(f"{'seconds':>14} {time.monotonic() - began:>9.0f}")
    return 1 if report.faults else 0


if __name__ == "__main__":
    sys.exit(main())
