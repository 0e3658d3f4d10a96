"""The web server: ``python -m webapp``. Granian speaks HTTP; a few processes run the application in threads."""

from __future__ import annotations

import os
import sys
from contextlib import suppress

from granian import Granian
from granian.constants import HTTPModes, Interfaces
from granian.log import LogLevels

from tasks import settings
from tasks.domain.errors import StartError
from tasks.local.port import require_free
from webapp import create_app

THREADS = 4
"""Requests that one process works on at one time."""
WAITING = 256
"""Requests that one process takes in at one time; more wait in the kernel's queue."""
STOP_SECONDS = 10


def main() -> None:
    """Serve until SIGTERM; what is being answered then is finished first."""
    try:
        config = settings.load()
        host = "127.0.0.1" if config.host == "localhost" else config.host
        require_free("PORT", host, config.port)
        create_app(config)  # what is wrong is said here, in one line, and not by a worker that dies
    except StartError as problem:
        sys.exit(f"postroom: {problem}")
    _finish_before_switching()
    Granian(
        "webapp:create_app",
        factory=True,
        interface=Interfaces.WSGI,
        http=HTTPModes.http1,
        address=host,
        port=config.port,
        workers=config.web_processes,
        blocking_threads=THREADS,
        backpressure=WAITING,
        websockets=False,
        log_level=LogLevels.error,
        respawn_failed_workers=True,
        respawn_interval=0,
        workers_kill_timeout=STOP_SECONDS,
    ).serve()


def _finish_before_switching() -> None:
    """Let a request that becomes ready wait for the one that is running, where the system can be told so (sched(7),
    SCHED_BATCH; the processes of the server inherit it). On busy cores that saves a third of the switches."""
    if sys.platform == "linux":
        with suppress(OSError):  # some containers forbid it
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))


if __name__ == "__main__":
    main()
