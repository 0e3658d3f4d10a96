"""The real processes of a chaos run: Redis, the web server, two workers, and the sink they send to."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tasks.domain.states import STATES
from tests.chaos.sink import LOG, PORT
from tests.support.processes import ROOT, Process, Stack, short_folder, wait_until

WORKERS = ("worker", "worker2")
PATIENCE_SECONDS = 60.0
KEEPER_SECONDS = 0.3


class Town(Stack):
    """A stack with a second worker, a sink as its relay, short waits and a short lease."""

    def __init__(self, folder: Path, sink_port: int, **changes: object) -> None:
        values: dict[str, object] = {
            "smtp_host": "127.0.0.1",
            "smtp_port": sink_port,
            "smtp_tls": "none",
            "smtp_timeout_seconds": 1.5,
            "email_from": "postroom@mailbox.test",
            "retry_backoff_seconds": 0.2,
            "retry_backoff_max_seconds": 1,
            "shutdown_seconds": 5,
        }
        super().__init__(folder, **(values | changes))
        first = self.processes["worker"]
        self.processes["worker2"] = Process(first._arguments, first._environment, folder / "worker2.log")
        self.ended: dict[str, str] = {}
        """Who ended without being killed, and what it said last."""
        self._killed: set[str] = set()
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._keeper = threading.Thread(target=self._keep, daemon=True)

    def start(self) -> None:
        super().start()
        self._keeper.start()

    def stop(self) -> None:
        self._stopping.set()
        if self._keeper.is_alive():
            self._keeper.join()
        for name in WORKERS:
            if self.processes[name].running:
                self.processes[name].signal(signal.SIGCONT)
        super().stop()

    def kill(self, name: str) -> None:
        """kill -9, with all its children: a web server has some."""
        process = self.processes[name]
        with self._lock:
            if process.running:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.stop(signal.SIGKILL)
                self._killed.add(name)

    def kill_redis(self) -> None:
        self.redis_process.process.stop(signal.SIGKILL)

    def _keep(self) -> None:
        """Start anew whatever has ended, as the supervisor does."""
        while not self._stopping.wait(KEEPER_SECONDS):
            for name in (*WORKERS, "web"):
                with self._lock:
                    process = self.processes[name]
                    if process.running:
                        continue
                    if name not in self._killed:
                        self.ended[name] = (process.said().strip().splitlines() or [""])[-1][:80]
                    self._killed.discard(name)
                    process.start()

    @property
    def sessions(self) -> int:
        """The most SMTP sessions that one worker has, and so the most final dots it waits for."""
        return self.settings.worker_threads * self.settings.smtp_sessions

    def unfinished(self) -> int:
        """How many jobs are not final."""
        counts = self.jobs.counts()
        return sum(count for state, count in counts.items() if not STATES[state].final)

    def drain(self) -> None:
        """Wait until every job is final; a job that never gets there is a broken promise, which the verdict tells."""
        ends = time.monotonic() + PATIENCE_SECONDS
        while self.unfinished() and time.monotonic() < ends:
            time.sleep(0.1)


class SinkProcess:
    """The sink, and the way to tell it things."""

    def __init__(self, folder: Path, seed: int) -> None:
        self._folder = folder
        self._child = subprocess.Popen(
            [sys.executable, "-m", "tests.chaos.sink", str(folder), str(seed)], stdin=subprocess.PIPE, cwd=ROOT
        )
        wait_until((folder / PORT).exists, "the sink to listen")
        self.port = int((folder / PORT).read_text())

    def tell(self, line: str) -> None:
        assert self._child.stdin is not None
        self._child.stdin.write(f"{line}\n".encode())
        self._child.stdin.flush()

    def lines(self) -> list[list[str]]:
        """What it noted."""
        return [line.split(" ") for line in (self._folder / LOG).read_text().splitlines()]

    def stop(self) -> None:
        assert self._child.stdin is not None
        self._child.stdin.close()
        self._child.wait(10)


@contextmanager
def running_town(seed: int, **changes: object) -> Iterator[tuple[Town, SinkProcess]]:
    """All of it, for the time of a block."""
    with short_folder() as folder:
        sink = SinkProcess(folder, seed)
        town = Town(folder, sink.port, **changes)
        try:
            town.start()
            yield town, sink
        finally:
            town.stop()
            sink.stop()
