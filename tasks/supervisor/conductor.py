"""Starts the processes in order, keeps them running, and stops them in the opposite order. One thread, one selector."""

from __future__ import annotations

import contextlib
import selectors
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from itertools import groupby
from types import FrameType
from typing import IO

from tasks import clock
from tasks.domain.errors import StartError
from tasks.supervisor import procfile
from tasks.supervisor.child import Child, how_it_ended

_TICK_SECONDS = 0.05
_IDLE_SECONDS = 5.0
_STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopped(Exception):
    """Somebody asked for the end."""


class Conductor:
    """Runs children. ``grace``: the stop order, and how many seconds each may take for it."""

    def __init__(self, children: Mapping[str, Child], grace: Mapping[str, float], locked: IO[str]) -> None:
        self._children = children
        self._grace = {name: seconds for name, seconds in grace.items() if name in children}
        self._width = max(len(name) for name in ["postroom", *children])
        self._asked = 0
        self._settled = False
        self._selector = selectors.DefaultSelector()
        self._listen_for_signals()
        self._guardian = self._start_guardian(locked)

    def start(self, name: str) -> None:
        """Start one, and show its output from now on."""
        child = self._children[name]
        try:
            child.start()
        except OSError as problem:
            raise StartError(f"cannot start {name} ({child.command[0]}): {problem.strerror}") from None
        assert child.process is not None  # noqa: S101
        self._selector.register(child.output, selectors.EVENT_READ, child)
        self._tell_guardian(f"+{name} {child.process.pid}")

    def wait_until(self, ready: Callable[[], bool], slow_seconds: float, slow: Callable[[], str]) -> None:
        """Wait for a condition of the start; say ``slow()`` each time that many seconds have passed."""
        told = clock.monotonic()
        while not ready():
            self._turn()
            if clock.monotonic() - told >= slow_seconds:
                told = clock.monotonic()
                self.say(slow())

    def keep(self) -> None:
        """All run: keep it so until somebody asks for the end."""
        self._settled = True
        while True:
            self._turn()

    def stop(self) -> None:
        """Stop all that run, each when those that need it are gone. A second request hurries."""
        running = [name for name in self._grace if self._children[name].process is not None]
        for _, alike in groupby(running, procfile.kind):
            names = list(alike)
            for name in names:
                self._children[name].ask_to_stop()
            for name in names:
                self._wait_for_end(name)
        assert self._guardian.stdin is not None  # noqa: S101
        with contextlib.suppress(BrokenPipeError):
            self._guardian.stdin.close()
        self._guardian.wait()

    def say(self, text: str, name: str = "postroom") -> None:
        """One line for the person at the terminal; nothing, when the terminal is gone."""
        with contextlib.suppress(OSError):
            sys.stdout.write(f"{name:<{self._width}} | {text}\n")
            sys.stdout.flush()

    def _wait_for_end(self, name: str) -> None:
        child = self._children[name]
        hurried = False
        deadline = clock.monotonic() + self._grace[name]
        while child.process is not None:
            self._turn(stopping=True)
            if child.process is not None and clock.monotonic() > deadline:
                self.say(f"{name} did not stop in {self._grace[name]:g} s: killed")
                child.kill()
                deadline = clock.monotonic() + self._grace[name]
            if child.process is not None and self._asked > 1 and name != "redis" and not hurried:
                hurried = True
                self.say(f"Hurrying: {name} is killed; what it had in hand is seen to at the next start.")
                child.kill()

    def _turn(self, stopping: bool = False) -> None:
        """Show what came, notice who ended, start who is due; raises Stopped when asked to end."""
        for key, _ in self._selector.select(self._patience()):
            if key.data is None:
                self._read_signals()
                continue
            self._show(key.data.name, key.data.lines())
            if key.data.silent:
                self._selector.unregister(key.fd)
        for child in self._children.values():
            status = child.ended()
            if status is not None:
                self._bury(child)
                if not stopping:
                    self._mourn(child, status)
            if not stopping and child.starts_at is not None and clock.monotonic() >= child.starts_at:
                self.start(child.name)
        if self._asked and not stopping:
            raise Stopped

    def _patience(self) -> float:
        """How long to sleep where nothing happens; an end or a signal wakes us anyway."""
        waiting = any(child.starts_at is not None for child in self._children.values())
        return _TICK_SECONDS if waiting or self._asked or not self._settled else _IDLE_SECONDS

    def _bury(self, child: Child) -> None:
        if not child.silent:
            self._selector.unregister(child.output)
        self._tell_guardian(f"-{child.name} 0")
        self._show(child.name, child.bury())

    def _mourn(self, child: Child, status: int) -> None:
        if not self._settled:
            raise StartError(f"{child.name} could not start: {child.last_words or how_it_ended(status)}")
        pause = child.start_later()
        self.say(f"{child.name} ended ({child.last_words or how_it_ended(status)}); starting it again in {pause:g} s")

    def _show(self, name: str, lines: list[str]) -> None:
        for line in lines:
            if line.startswith("postroom: "):
                self._children[name].last_words = line.removeprefix("postroom: ")
            else:
                self.say(line, name)

    def _listen_for_signals(self) -> None:
        self._ears, mouth = socket.socketpair()
        self._ears.setblocking(False)
        mouth.setblocking(False)
        self._mouth = mouth
        signal.set_wakeup_fd(mouth.fileno(), warn_on_full_buffer=False)
        for number in (*_STOPS, signal.SIGCHLD):
            signal.signal(number, _nothing)
        self._selector.register(self._ears, selectors.EVENT_READ, None)

    def _read_signals(self) -> None:
        numbers = self._ears.recv(4096)
        fresh = sum(number in _STOPS for number in numbers)
        if fresh and not self._asked:
            self.say("Stopping: " + ", ".join(self._grace) + ". Press Ctrl-C again to hurry.")
        self._asked += fresh

    def _start_guardian(self, locked: IO[str]) -> subprocess.Popen[str]:
        order = [f"{name}={seconds:g}" for name, seconds in self._grace.items()]
        return subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", "tasks.supervisor.guardian", *order],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
            # It holds DATA_DIR for as long as something of ours may still run there.
            pass_fds=(locked.fileno(),),
            text=True,
        )

    def _tell_guardian(self, line: str) -> None:
        assert self._guardian.stdin is not None  # noqa: S101
        with contextlib.suppress(BrokenPipeError):
            self._guardian.stdin.write(line + "\n")
            self._guardian.stdin.flush()


def _nothing(_number: int, _frame: FrameType | None) -> None:
    """The wake-up descriptor has it already; a handler must be there all the same."""
