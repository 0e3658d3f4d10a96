"""A relay that stops at one point of a conversation, for ever, and tells when it has come there."""

from __future__ import annotations

import os
import socket
import sys
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.support.processes import Process, RedisProcess, wait_until

RECEIVE_BUFFER = 4096


class StoppingRelay:
    """``stop_at`` is ``connected``, ``MAIL``, ``RCPT``, ``DATA``, ``body`` or ``dot``: it came, and gets no answer.

    It offers no PIPELINING, so that each step comes alone.
    """

    def __init__(self) -> None:
        self.stop_at = ""
        self.stopped = threading.Event()
        self.taken: Counter[str] = Counter()
        """Final dots that came, by recipient."""
        self.on_rcpt: Callable[[str], None] = lambda recipient: None
        """What is done when a recipient came, before the answer."""
        self._listener = socket.socket()
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen(100)
        self._closing = threading.Event()
        self._sockets: list[socket.socket] = []
        self._sessions: list[threading.Thread] = []
        self.port = int(self._listener.getsockname()[1])

    def wait(self) -> None:
        wait_until(self.stopped.is_set, f"the worker to come to {self.stop_at}", 20)

    def go_on(self) -> None:
        """Whoever comes from now on is answered."""
        self.stop_at = ""
        self.stopped.clear()

    def is_left(self) -> bool:
        """Whether no session is open: all that a killed worker had said was read, too."""
        return not any(each.is_alive() for each in self._sessions)

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._closing.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for each in self._sockets:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            self._sockets.append(sock)
            session = threading.Thread(target=self._serve, args=(sock,), daemon=True)
            session.start()
            self._sessions.append(session)

    def _serve(self, sock: socket.socket) -> None:
        with sock, suppress(OSError):
            self._answer(sock, "connected", "220 stopping")
            recipient = ""
            file = sock.makefile("rb", buffering=1024)
            with file:
                while line := file.readline():
                    verb = line[:4].decode().upper().strip()
                    if verb == "RCPT":
                        recipient = line.decode().split("<")[1].split(">")[0]
                        self.on_rcpt(recipient)
                    self._answer(sock, verb, "354 go on" if verb == "DATA" else "250 ok")
                    if verb == "DATA":
                        while (part := file.readline()) != b".\r\n":
                            if not part:
                                return
                            self._stop_if("body")
                        self.taken[recipient] += 1
                        self._answer(sock, "dot", "250 taken")
                    elif verb == "QUIT":
                        return

    def _answer(self, sock: socket.socket, point: str, reply: str) -> None:
        self._stop_if(point)
        sock.sendall(reply.encode() + b"\r\n")

    def _stop_if(self, point: str) -> None:
        if self.stop_at == point:
            self.stopped.set()
            self._closing.wait()
            raise OSError


def worker_at(relay: StoppingRelay, redis: RedisProcess, folder: Path, **environment: str) -> Process:
    """A worker for this relay, not started yet; its leases last a second."""
    given = {
        "REDIS_URL": redis.url,
        "SMTP_HOST": "127.0.0.1",
        "SMTP_PORT": str(relay.port),
        "SMTP_TLS": "none",
        "LEASE_SECONDS": "1",
        "DATA_DIR": str(folder),
    }
    return Process(
        [sys.executable, "-m", "tasks.worker"], dict(os.environ) | given | environment, folder / "worker.log"
    )
