"""Ends the processes in order when the supervisor itself was killed and could not.

It reads from the supervisor which processes there are (``+web 123``, ``-web 0``) until the pipe ends. If some are
left then, it stops them as the supervisor would: each is asked, waited for, and killed when its time is up. This works
wherever pipes do, and in order; a parent-death signal (Linux only) would end Redis together with the worker that still
needs it.

``python -m tasks.supervisor.guardian web=15 worker=35 mailbox=5 redis=60``: the stop order and each one's time.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from itertools import groupby
from pathlib import Path


def main() -> None:
    """Guard until the pipe ends."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    running: dict[str, int] = {}
    for line in sys.stdin:
        name, pid = line[1:].split()
        if line.startswith("+"):
            running[name] = int(pid)
        else:
            running.pop(name, None)
    orders = [argument.partition("=") for argument in sys.argv[1:]]
    for _, alike in groupby(orders, lambda order: order[0].partition(".")[0]):
        left = [(running[name], float(seconds)) for name, _, seconds in alike if name in running]
        for pid, _ in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
        for pid, seconds in left:
            _wait_for_end(pid, seconds)


def _wait_for_end(pid: int, seconds: float) -> None:
    with contextlib.suppress(ProcessLookupError):
        deadline = time.monotonic() + seconds
        while _lives(pid) and time.monotonic() < deadline:
            time.sleep(0.05)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:  # no /proc here, or gone this moment: ask again
        return True
    # A container's first process may never collect the dead.
    return stat.rpartition(")")[2].split()[0] != "Z"


if __name__ == "__main__":
    main()
