"""One supervised process: its output, its end, and when it is to be started again."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

from tasks import clock

FIRST_PAUSE = 0.5
LONGEST_PAUSE = 30.0
STEADY_SECONDS = 60.0
"""One that lived this long starts again from the first pause."""

_CHUNKS = 16
# What Redis and Celery say at every start and stop, and nobody needs to know.
_NOISE = (
    "Memory overcommit must be enabled",
    "scheduling shutdown",
    "ready to exit, bye bye",
    "worker: Warm shutdown (MainProcess)",
)


class Child:
    """A process in a session of its own, so that the terminal's Ctrl-C does not reach it."""

    def __init__(self, name: str, command: list[str]) -> None:
        self.name = name
        self.command = command
        self.process: subprocess.Popen[bytes] | None = None
        self.starts_at: float | None = None
        self.last_words = ""
        """The latest line of the kind ``postroom: ...``: why it could not start."""
        self.silent = False
        """Its output has ended (and it soon will)."""
        self._born = 0.0
        self._pause = FIRST_PAUSE
        self._rest = b""

    def start(self) -> None:
        """Start it."""
        self.starts_at = None
        self._born = clock.monotonic()
        self._rest = b""
        self.silent = False
        # `python` in the Procfile is the one that runs this.
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
        self.process = subprocess.Popen(  # noqa: S603  (the Procfile's own commands)
            self.command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env={**os.environ, "PATH": path, "PYTHONUNBUFFERED": "1"},
        )
        os.set_blocking(self.output, False)

    @property
    def output(self) -> int:
        """The descriptor that its output comes from."""
        assert self.process is not None  # noqa: S101  (the selector knows started ones only)
        assert self.process.stdout is not None  # noqa: S101
        return self.process.stdout.fileno()

    def lines(self) -> list[str]:
        """What it has written since, but for noise."""
        with contextlib.suppress(BlockingIOError):
            for _ in range(_CHUNKS):  # and no more at once: the others want to be heard too
                chunk = os.read(self.output, 65_536)
                self._rest += chunk
                if not chunk:
                    self.silent = True
                    break
        *whole, self._rest = self._rest.split(b"\n")
        texts = [line.decode(errors="replace").rstrip() for line in whole]
        return [text for text in texts if text and not any(noise in text for noise in _NOISE)]

    def ended(self) -> int | None:
        """Its exit status, once it has ended; what it left behind in its group is then ended too."""
        if self.process is None or (status := self.process.poll()) is None:
            return None
        self._signal_group(signal.SIGKILL)
        return status

    def bury(self) -> list[str]:
        """Its last lines; afterwards it is as if never started."""
        last = self.lines()
        if self._rest:
            last.append(self._rest.decode(errors="replace"))
        assert self.process is not None  # noqa: S101
        assert self.process.stdout is not None  # noqa: S101
        self.process.stdout.close()
        self.process = None
        return last

    def start_later(self) -> float:
        """Plan its next start, and return the pause: longer each time that it lived only a short while."""
        now = clock.monotonic()
        if now - self._born >= STEADY_SECONDS:
            self._pause = FIRST_PAUSE
        pause, self._pause = self._pause, min(self._pause * 2, LONGEST_PAUSE)
        self.starts_at = now + pause
        return pause

    def ask_to_stop(self) -> None:
        """SIGTERM to the process itself: how it stops what it started is its own affair."""
        if self.process is not None:
            self.process.terminate()

    def kill(self) -> None:
        """SIGKILL to all of its group."""
        if self.process is not None:
            self._signal_group(signal.SIGKILL)

    def _signal_group(self, number: signal.Signals) -> None:
        assert self.process is not None  # noqa: S101
        # macOS answers EPERM for a group of zombies.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, number)


def how_it_ended(status: int) -> str:
    """An exit status in words."""
    if status < 0:
        return f"killed by {signal.Signals(-status).name}"
    return f"exit status {status}"
