"""Real processes: the supervisor, with stubs in place of the web server and the worker; a Redis; the local mailbox."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import redis

from tasks.local.redis_server import command
from tasks.redis_address import RedisAddress
from tasks.settings import Settings
from tasks.store.connection import connect
from tests.support.processes import free_port

ROOT = Path(__file__).resolve().parents[2]
STUBS = Path(__file__).with_name("stubs")
PROCFILE = f"""\
redis: python -m tasks.local.redis_server
mailbox: python -m tasks.local.mailbox
worker: python {STUBS / "worker.py"}
web: python {STUBS / "web.py"}
"""
OURS = {name.upper() for name in Settings.model_fields}


def wait_for(condition: Callable[[], object], seconds: float = 20, what: str = "it") -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not come within {seconds} s"
        time.sleep(0.01)


def listens(port: int) -> bool:
    with socket.socket() as trial:
        return trial.connect_ex(("127.0.0.1", port)) == 0


def environment(**more: str) -> dict[str, str]:
    """This process's, without settings of Postroom, and with these."""
    clean = {name: value for name, value in os.environ.items() if name not in OURS}
    return {**clean, "PYTHONPATH": str(ROOT), **more}


def own_settings(**values: Any) -> Settings:
    """Settings of these values alone, but for the environment's."""
    return Settings(_env_file=None, **values)


@dataclass
class Running:
    """A supervisor of its own ports, DATA_DIR and journal."""

    folder: Path
    port: int = field(default_factory=free_port)
    mailbox_port: int = field(default_factory=free_port)
    process: subprocess.Popen[str] | None = None
    lines: list[str] = field(default_factory=list)
    listener: threading.Thread | None = None

    def start(self, procfile: str | None = PROCFILE, **more: str) -> None:
        if self.process is not None and self.process.stdout is not None:
            self.process.stdout.close()
        arguments = []
        if procfile is not None:
            (self.folder / "Procfile").write_text(procfile)
            arguments = ["--procfile", str(self.folder / "Procfile")]
        own = {
            "PORT": str(self.port),
            "MAILBOX_PORT": str(self.mailbox_port),
            "DATA_DIR": str(self.folder / "var"),
            "JOURNAL": str(self.journal_path),
            "WORKER_PROCESSES": "1",
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tasks.supervisor", *arguments],
            cwd=self.folder,
            env=environment(**{**own, **more}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.listener = threading.Thread(target=self._listen, args=(self.process,), daemon=True)
        self.listener.start()

    def _listen(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        with contextlib.suppress(ValueError):
            for line in process.stdout:
                self.lines.append(line.rstrip("\n"))

    @property
    def journal_path(self) -> Path:
        return self.folder / "journal"

    @property
    def journal(self) -> list[str]:
        return self.journal_path.read_text().splitlines() if self.journal_path.exists() else []

    @property
    def output(self) -> str:
        return "\n".join(self.lines)

    @property
    def settings(self) -> Settings:
        return own_settings(data_dir=self.folder / "var", port=self.port, mailbox_port=self.mailbox_port)

    def wait_for_line(self, part: str, seconds: float = 20) -> str:
        wait_for(lambda: part in self.output or self.ended(), seconds, f"a line with {part!r}")
        found = [line for line in self.lines if part in line]
        assert found, f"ended without a line with {part!r}:\n{self.output}"
        return found[0]

    def ready(self) -> str:
        return self.wait_for_line("is ready at")

    def ended(self) -> bool:
        return self.process is not None and self.process.poll() is not None

    def send(self, number: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def wait(self, seconds: float = 20) -> int:
        """Its exit status; ``lines`` is then all that it ever wrote."""
        assert self.process is not None
        assert self.listener is not None
        status = self.process.wait(seconds)
        self.listener.join(seconds)
        return status

    def stop(self) -> int:
        """Ctrl-C, as a terminal does it: to the whole foreground group."""
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGINT)
        return self.wait()

    def pid_of(self, name: str) -> int:
        """The last started stub's."""
        starts = [line for line in self.journal if line.startswith(f"{name} started")]
        return int(starts[-1].split()[2].rstrip(","))

    def left(self) -> list[str]:
        """What of it still runs: every process with its journal in its environment."""
        mark = f"JOURNAL={self.journal_path}".encode()
        return [
            (path.parent / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            for path in Path("/proc").glob("[0-9]*/environ")
            if mark in _read(path).split(b"\0") and not _is_zombie(path.parent)
        ]

    def assert_nothing_left(self, seconds: float = 10) -> None:
        deadline = time.monotonic() + seconds
        while left := self.left():
            assert time.monotonic() < deadline, f"still running: {left}"
            time.sleep(0.1)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def _is_zombie(folder: Path) -> bool:
    return b") Z" in _read(folder / "stat")


@pytest.fixture
def make_running(tmp_path: Path) -> Iterator[Callable[[], Running]]:
    made: list[Running] = []

    def make() -> Running:
        folder = tmp_path / str(len(made))
        folder.mkdir()
        made.append(Running(folder))
        return made[-1]

    yield make
    for one in made:
        if one.process is None:
            continue
        if not one.ended():
            one.process.kill()
        one.process.wait()
        assert one.process.stdout is not None
        one.assert_nothing_left(30)
        one.process.stdout.close()


@pytest.fixture
def running(make_running: Callable[[], Running]) -> Running:
    return make_running()


@dataclass
class OwnRedis:
    """A Redis that a test may stop and start again."""

    settings: Settings
    process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> RedisAddress:
        return self.settings.store

    def start(self) -> None:
        self.process = subprocess.Popen(command(self.settings), stdout=subprocess.DEVNULL)
        with contextlib.closing(connect(self.address)) as client:
            wait_for(lambda: _pings(client), what="Redis")

    def stop(self) -> None:
        assert self.process is not None
        self.process.terminate()
        self.process.wait(10)


def _pings(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False


@pytest.fixture(scope="package")
def own_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnRedis]:
    own = OwnRedis(own_settings(data_dir=tmp_path_factory.mktemp("redis")))
    own.start()
    yield own
    own.stop()


@pytest.fixture
def client(own_redis: OwnRedis) -> Iterator[redis.Redis]:
    with contextlib.closing(connect(own_redis.address)) as client:
        client.flushall()
        yield client
