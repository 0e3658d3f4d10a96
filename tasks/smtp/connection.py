"""A session's bytes over the network: connecting, TLS, reading and writing, all without waiting."""

from __future__ import annotations

import errno
import os
import socket
import ssl
import struct
from enum import Enum
from selectors import EVENT_READ, EVENT_WRITE, BaseSelector

from tasks.smtp.conversation import CLOSED, LATE, Bytes
from tasks.smtp.opening import OpeningFailed
from tasks.smtp.relay import Address, Relay
from tasks.smtp.session import Session

READ_BYTES = 8192
_NOT_NOW = (BlockingIOError, InterruptedError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class _Phase(Enum):
    CONNECTING = 1
    SHAKING = 2
    OPEN = 3
    CLOSED = 4


class Connection:
    """Moves bytes between a session and a socket, and tells the session what becomes of the socket."""

    __slots__ = ("_left", "_phase", "_relay", "_selector", "_socket", "_unwritten", "_watched", "opened", "session")

    def __init__(self, relay: Relay, addresses: list[Address], selector: BaseSelector, now: float) -> None:
        self.session = Session(relay)
        self.opened = False
        """The carousel's own mark: it has seen this session open."""
        self._relay = relay
        self._left = list(addresses)
        self._selector = selector
        self._unwritten: Bytes = b""
        self._watched = 0
        self._phase = _Phase.CLOSED
        self._socket: socket.socket
        self._connect(f"{relay.host} has no address.", now)

    def ready(self, now: float) -> None:
        """The selector says that something can be done."""
        if self._phase is _Phase.OPEN:
            self._read(now)
            if self._unwritten and not self.session.done:
                self.flush(now)
        elif self._phase is _Phase.CONNECTING:
            self._find_out(now)
        elif self._phase is _Phase.SHAKING:
            self._shake(now)

    def flush(self, now: float) -> None:
        """Write what the session has to say, as far as it goes without waiting."""
        if self._phase is not _Phase.OPEN:
            return
        out = self._unwritten or self.session.take()
        while out:
            try:
                sent = self._socket.send(out)
            except _NOT_NOW:
                sent = 0
            except OSError as problem:
                self._unwritten = out
                self._broken(problem, now)
                return
            if sent < len(out):
                self._unwritten = memoryview(out)[sent:]
                if sent:
                    self.session.progressed(now)
                self._watch(EVENT_READ | EVENT_WRITE)
                return
            if self._unwritten:
                self._unwritten = b""
                self._watch(EVENT_READ)
            self.session.written()
            out = self.session.take()

    def expire(self, now: float) -> None:
        """The session's deadline is past."""
        if self._phase is _Phase.CONNECTING:
            self._connect(f"{self._where} did not answer in time.", now)
        elif self._phase is _Phase.SHAKING:
            self._failed("tls", f"The TLS handshake with {self._where} did not end in time.")
        else:
            self.session.lost(LATE, now, len(self._unwritten), late=True)

    def lose(self, how: str, now: float) -> None:
        """Give the session up, whatever is under way; ``how`` as in :meth:`Session.lost`."""
        if not self.session.done:
            self.session.lost(how, now, len(self._unwritten))

    def close(self) -> None:
        """Close the socket, whatever is under way."""
        if self._phase is not _Phase.CLOSED:
            self._phase = _Phase.CLOSED
            if self._watched:
                self._selector.unregister(self._socket.fileno())
                self._watched = 0
            self._socket.close()

    def abort(self) -> None:
        """Close with a reset: the relay shall not see an end where there is none."""
        if self._phase is not _Phase.CLOSED:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close()

    # Connecting.

    @property
    def _where(self) -> str:
        return f"{self._relay.host}:{self._relay.port}"

    def _connect(self, why: str, now: float) -> None:
        """Try the next address; where none is left, the session failed for this reason."""
        while self._left:
            self.close()
            share = self._relay.timeout_seconds / len(self._left)
            family, address = self._left.pop(0)
            try:
                self._socket = socket.socket(family, socket.SOCK_STREAM)
            except OSError as problem:
                why = f"Could not connect to {self._where}: {_reason(problem)}."
                continue
            self._phase = _Phase.CONNECTING
            self._socket.setblocking(False)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            number = self._socket.connect_ex(address)
            if number in (0, errno.EINPROGRESS):
                self._watch(EVENT_WRITE)
                self.session.deadline = now + share
                return
            why = f"Could not connect to {self._where}: {os.strerror(number)}."
        self._failed("connect", why)

    def _find_out(self, now: float) -> None:
        """Connecting has ended: how?"""
        number = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if number:
            self._connect(f"Could not connect to {self._where}: {os.strerror(number)}.", now)
            return
        self._left = []
        self.session.connected(_hello(self._socket), now)
        if self._relay.tls == "implicit":
            self._wrap(now)
        else:
            self._phase = _Phase.OPEN
            self._watch(EVENT_READ)

    def _wrap(self, now: float) -> None:
        try:
            context = self._relay.tls_context()
        except OSError as problem:
            self._failed("tls", f"The certificates in {self._relay.ca_file} cannot be used: {_reason(problem)}.")
            return
        # The selector goes on watching: it knows the socket by its number, which stays.
        self._socket = context.wrap_socket(
            self._socket, server_hostname=self._relay.host, do_handshake_on_connect=False
        )
        self._phase = _Phase.SHAKING
        self._shake(now)

    def _shake(self, now: float) -> None:
        """Go on with the TLS handshake."""
        if not isinstance(self._socket, ssl.SSLSocket):
            raise RuntimeError("the socket is not wrapped")
        try:
            self._socket.do_handshake()
        except ssl.SSLWantReadError:
            self._watch(EVENT_READ)
        except ssl.SSLWantWriteError:
            self._watch(EVENT_WRITE)
        except ssl.SSLCertVerificationError as problem:
            self._failed("tls", f"The certificate of {self._where} is not trusted: {problem.verify_message}.")
        except OSError as problem:
            self._failed("tls", f"The TLS handshake with {self._where} failed: {_reason(problem)}.")
        else:
            self._phase = _Phase.OPEN
            self._watch(EVENT_READ)
            if self.session.wants_tls:
                self.session.secured(now)

    def _failed(self, kind: str, text: str) -> None:
        self.session.failure = OpeningFailed(kind, text)
        self.session.done = True

    # Reading and writing.

    def _read(self, now: float) -> bool:
        """Feed the session what came; False where nothing did."""
        try:
            data = self._socket.recv(READ_BYTES)
            while isinstance(self._socket, ssl.SSLSocket) and self._socket.pending():
                data += self._socket.recv(READ_BYTES)
        except _NOT_NOW:
            return False
        except OSError as problem:
            self.session.lost(_broke(problem), now, len(self._unwritten))
            return False
        if not data:
            self.session.lost(CLOSED, now, len(self._unwritten))
            return False
        self.session.feed(data, now)
        if self.session.wants_tls:
            self._wrap(now)
        return True

    def _broken(self, problem: OSError, now: float) -> None:
        """Writing failed. What the relay said before it closed still counts."""
        while not self.session.done and self._read(now):
            pass
        if not self.session.done:
            self.session.lost(_broke(problem), now, len(self._unwritten))

    def _watch(self, events: int) -> None:
        if not self._watched:
            self._selector.register(self._socket.fileno(), events, self)
        elif events != self._watched:
            self._selector.modify(self._socket.fileno(), events, self)
        self._watched = events


def _hello(sock: socket.socket) -> str:
    """This host's full name where it knows one without asking anybody, else its address (RFC 5321, 4.1.3)."""
    name = socket.gethostname()
    if "." in name.strip(".") and name.isascii():
        return name
    address = sock.getsockname()[0].partition("%")[0]
    return f"[IPv6:{address}]" if sock.family is socket.AF_INET6 else f"[{address}]"


def _broke(problem: OSError) -> str:
    return f"The connection broke in answer to {{}} ({_reason(problem)})."


def _reason(problem: OSError) -> str:
    if isinstance(problem, ssl.SSLError):
        return (problem.reason or "TLS error").replace("_", " ").lower()
    return problem.strerror or str(problem)
