"""The real processes, for tests: a Redis alone, or the whole stack."""

from __future__ import annotations

import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from redis import Redis
from redis.exceptions import RedisError

from tasks.desk import Desk
from tasks.local.redis_server import command
from tasks.settings import Settings
from tasks.store.connection import connect
from tasks.store.jobs import Jobs
from tasks.store.mailbox import Mailbox

PATIENCE_SECONDS = 30.0
PORTS = range(20_000, 32_000)
ROOT = Path(__file__).resolve().parent.parent.parent


def wait_until(condition: Callable[[], bool], what: str, seconds: float = PATIENCE_SECONDS) -> None:
    """Wait for a condition, or fail saying what did not come about."""
    ends = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > ends:
            raise AssertionError(f"waited {seconds:.0f} s for {what}")
        time.sleep(0.02)


def free_port() -> int:
    """A port that nobody listens on just now, and that no outgoing connection gets either.

    (The kernel gives those from 32768 on, also while a server that a test has stopped is away.)
    """
    for port in random.sample(PORTS, len(PORTS)):
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError(f"no port is free in {PORTS}")


@contextmanager
def short_folder() -> Iterator[Path]:
    """A folder with a path short enough for a Unix socket."""
    folder = Path(tempfile.mkdtemp(prefix="pr-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class Process:
    """A child that is ended, whatever the test does."""

    def __init__(self, arguments: list[str], environment: dict[str, str], output: Path) -> None:
        self._arguments = arguments
        self._environment = environment
        self._output = output
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._child is not None
        return self._child.pid

    def start(self) -> None:
        file: IO[bytes]
        with self._output.open("ab") as file:
            self._child = subprocess.Popen(
                self._arguments, env=self._environment, stdout=file, stderr=file, cwd=ROOT, start_new_session=True
            )

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End it and wait; what does not end in time is killed."""
        if self._child is None:
            return
        self._child.send_signal(how)
        try:
            self._child.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        self._child = None

    def signal(self, how: signal.Signals) -> None:
        assert self._child is not None
        self._child.send_signal(how)

    @property
    def running(self) -> bool:
        return self._child is not None and self._child.poll() is None

    def said(self) -> str:
        """All that it has written."""
        return self._output.read_text() if self._output.exists() else ""


class RedisProcess:
    """A Redis of its own, as the first run embeds it."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.url = f"unix://{settings.socket_path}"
        self.process = Process(command(settings), dict(os.environ), settings.data_dir / "redis.log")

    def start(self) -> None:
        self.process.start()
        wait_until(self._answers, "Redis to answer")

    def _answers(self) -> bool:
        client: Redis = connect(self.settings.store, most=1)
        try:
            return bool(client.ping())
        except RedisError:
            return False
        finally:
            client.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.process.stop()


class Stack:
    """Redis, mailbox, worker and web as a user runs them, with short waits."""

    def __init__(self, folder: Path, **changes: object) -> None:
        values: dict[str, object] = {
            "data_dir": folder,
            "port": free_port(),
            "mailbox_port": free_port(),
            "retry_backoff_seconds": 0.4,
            "lease_seconds": 3,
            "development": True,
        }
        values |= changes
        self.settings = Settings.model_validate(values)
        environment = dict(os.environ) | {name.upper(): str(value) for name, value in values.items()}
        self.base_url = f"http://127.0.0.1:{self.settings.port}"
        self.redis_process = RedisProcess(self.settings)
        self.processes = {
            name: Process([sys.executable, "-m", module], environment, folder / f"{name}.log")
            for name, module in (("mailbox", "tasks.local.mailbox"), ("worker", "tasks.worker"), ("web", "webapp"))
        }
        if not self.settings.embeds_mailbox:
            del self.processes["mailbox"]
        self.redis = connect(self.settings.store)
        self.jobs = Jobs(self.redis, self.settings.key_prefix)
        self.mailbox = Mailbox(self.redis, self.settings.key_prefix, self.settings.retention_days)
        self.desk = Desk(self.settings, self.redis)

    def start(self) -> None:
        self.redis_process.start()
        for process in self.processes.values():
            process.start()
        self._until_ready()

    def stop(self) -> None:
        for process in reversed(self.processes.values()):
            process.stop()
        self.redis_process.process.stop()
        self.redis.close()

    @contextmanager
    def without_web(self) -> Iterator[None]:
        """Stop the web server for a block; it is back afterwards, also where the block fails."""
        self.processes["web"].stop()
        try:
            yield
        finally:
            self.processes["web"].start()
            self._until_ready()

    def restart_web(self) -> None:
        with self.without_web():
            pass

    def _until_ready(self) -> None:
        try:
            wait_until(self._ready, "the stack to be ready")
        except AssertionError as problem:
            told = "\n".join(f"{name}: {process.said()[-3000:]}" for name, process in self.processes.items())
            raise AssertionError(f"{problem}\n{told}") from None

    def _ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.base_url}/readyz", timeout=5) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False


@contextmanager
def running_stack(**changes: object) -> Iterator[Stack]:
    """A whole stack for the time of a block."""
    with short_folder() as folder:
        stack = Stack(folder, **changes)
        try:
            stack.start()
            yield stack
        finally:
            stack.stop()
