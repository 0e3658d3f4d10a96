"""A proxy in front of Redis that holds a worker at an exact point: before a call reaches it, or before its answer."""

from __future__ import annotations

import hashlib
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Self

from tasks.store.scripts import source
from tests.support.processes import wait_until

Wanted = Callable[[bytes], bool]


def calls(verb: str, word: bytes = b"") -> Wanted:
    """Calls of a Lua script, with this word among its arguments."""
    sha = hashlib.sha1(source(verb).encode()).hexdigest().encode()
    return lambda request: sha in request and word in request


class HoldingProxy:
    """Between a Unix socket of Redis and a TCP port of its own. Requests are small, so one read is one request."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._wanted: Wanted | None = None
        self._before = False
        self._word = b""
        self._lock = threading.Lock()
        self._sockets: list[socket.socket] = []
        self.held = threading.Event()
        """A call was met that was waited for."""
        self.url = f"redis://127.0.0.1:{self._listener.getsockname()[1]}/0"

    def hold_request(self, wanted: Wanted) -> None:
        """The next such call never reaches Redis."""
        self._hold(wanted, before=True)

    def hold_answer(self, wanted: Wanted) -> None:
        """The next such call is done by Redis, and the caller never hears of it."""
        self._hold(wanted, before=False)

    def hold_answer_with(self, word: bytes) -> None:
        """The next answer with this word in it does not come to the worker."""
        self.held.clear()
        self._word = word

    def wait(self) -> None:
        wait_until(self.held.is_set, "the worker to come to the point where it is held", 20)

    def _hold(self, wanted: Wanted, before: bool) -> None:
        self.held.clear()
        self._before = before
        self._wanted = wanted

    def _meets(self, request: bytes) -> bool:
        with self._lock:
            if self._wanted is None or not self._wanted(request):
                return False
            self._wanted = None
            return True

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Take nobody any more, and end the connections that there are. Again, it does nothing."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()

    def cut(self) -> None:
        """End the connections that there are; new ones are taken."""
        with self._lock:
            for each in self._sockets:
                with suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)
            self._sockets = []

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            far = socket.socket(socket.AF_UNIX)
            try:
                far.connect(self._path)
            except OSError:
                near.close()
                far.close()
                continue
            near.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self._sockets += [near, far]
            threading.Thread(target=self._serve, args=(near, far), daemon=True).start()

    def _serve(self, near: socket.socket, far: socket.socket) -> None:
        mute = threading.Event()
        back = threading.Thread(target=self._copy, args=(far, near, mute), daemon=True)
        back.start()
        with near, far:
            with suppress(OSError):
                while request := near.recv(1 << 20):
                    if self._meets(request):
                        mute.set()
                        if not self._before:
                            far.sendall(request)
                        self.held.set()
                    elif not mute.is_set():
                        far.sendall(request)
                far.shutdown(socket.SHUT_RDWR)
            back.join(10)

    def _copy(self, far: socket.socket, near: socket.socket, mute: threading.Event) -> None:
        with suppress(OSError):
            while data := far.recv(1 << 20):
                if self._word and self._word in data:
                    self._word = b""
                    mute.set()
                    self.held.set()
                if not mute.is_set():
                    near.sendall(data)
            near.shutdown(socket.SHUT_RDWR)
