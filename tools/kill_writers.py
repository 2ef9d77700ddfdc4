"""Kill writers of the embedded engine's SQLite storage, and count what was lost: ``python3 tools/kill_writers.py``.

Each writer is a process that acknowledges every write; it is killed (SIGKILL) at a random
moment, and all acknowledged writes must be there. The figures are printed; the exit status is
1 when anything was lost.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.kills import campaign

__all__: list[str] = []


def main() -> int:
    """Run the campaign that the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--kills", type=int, default=100, help="writers to kill (100)")
    parser.add_argument("--seed", type=int, default=1, help="of the moments (1)")
    parser.add_argument("--folder", type=Path, help="of the file; a temporary one by default")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="dynamo-objects-kills-") as temporary:
        folder = arguments.folder or Path(temporary)
        report = campaign(kills=arguments.kills, folder=folder, seed=arguments.seed)
    print(report)
    return 1 if report.lost or report.torn or report.unsound else 0


if __name__ == "__main__":
    sys.exit(main())
