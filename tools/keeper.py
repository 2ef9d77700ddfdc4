"""Run one command, and end it when standard input closes: ``python3 keeper.py command argument ...``.

Whoever starts a server through the keeper holds the other end of the pipe. However that process ends, even
killed, the system closes its pipe, and the server ends too. This works alike on Linux, macOS and Windows.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading


def main() -> int:
    """Run the command given as arguments.

    Returns:
        The command's exit code.
    """
    with subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL) as process:

        def end_with_input() -> None:
            os.read(0, 1)  # not sys.stdin: its lock, held here, would break the end of this program
            process.kill()

        threading.Thread(target=end_with_input, daemon=True).start()
        signal.signal(signal.SIGTERM, lambda *_: process.kill())
        return process.wait()


if __name__ == "__main__":
    sys.exit(main())
