"""A relay that does as it is told: every step can be told to answer otherwise, late, never, or with an end."""

from __future__ import annotations

import base64
import socket
import ssl
import struct
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from tests.support.processes import wait_until


@dataclass(frozen=True)
class Late:
    """Answer, but after so many seconds."""

    seconds: float
    reply: str | None = None


CUT = "(close)"
"""Close the connection instead of answering."""
RESET = "(reset)"
"""The same, with a TCP reset."""
HANG = "(hang)"
"""Never answer."""

Answer = str | Late | None
"""None: as usual."""

USUAL = {
    "CONNECT": "220 scripted ESMTP",
    "STARTTLS": "220 go",
    "AUTH": "235 welcome",
    "MAIL": "250 sender ok",
    "RCPT": "250 recipient ok",
    "DATA": "354 go on",
    "DOT": "250 queued",
    "RSET": "250 reset",
    "QUIT": "221 bye",
}


@dataclass
class Taken:
    """A message whose final dot was taken with a 250."""

    mail: str
    recipients: list[str]
    content: bytes


@dataclass
class Relayed:
    """What happened, for tests to look at."""

    connections: int = 0
    commands: list[str] = field(default_factory=list)
    taken: list[Taken] = field(default_factory=list)
    cut_off: list[bytes] = field(default_factory=list)
    """Contents whose connection ended before the dot."""
    resets: int = 0
    """How often it did so by a TCP reset."""
    open: int = 0
    most_open: int = 0


class _Ended(Exception):
    """The connection shall end."""


class ScriptedRelay:
    """Listens on a port of its own; each connection has a thread.

    ``answers`` maps a step (CONNECT, EHLO, MAIL, RCPT, an address, DATA, DOT, ...) to what it answers in turn, in the
    order in which any connection comes to it; after these, as usual. ``always`` maps a step to its answer every time.
    """

    def __init__(
        self,
        answers: Mapping[str, Sequence[Answer]] | None = None,
        always: Mapping[str, Answer] | None = None,
        offers: Sequence[str] = ("PIPELINING", "SIZE 30000000", "8BITMIME", "SMTPUTF8", "DSN"),
        implicit: ssl.SSLContext | None = None,
        starttls: ssl.SSLContext | None = None,
        login: tuple[str, str] | None = None,
        mechanisms: str = "PLAIN LOGIN",
        most: int = 1000,
    ) -> None:
        self._answers = {step: deque(each) for step, each in (answers or {}).items()}
        self._always = always or {}
        self._offers = list(offers)
        self._implicit = implicit
        self._starttls = starttls
        self._login = login
        self._mechanisms = mechanisms
        self._most = most
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._sockets: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._closing = threading.Event()
        self.port = int(self._listener.getsockname()[1])
        self.happened = Relayed()

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._closing.set()
        self.stop_listening()
        with self._lock:
            sockets = list(self._sockets)
        for each in sockets:
            with suppress(OSError):
                # Of the plain socket: TLS's own shutdown would trip the thread that reads.
                socket.socket.shutdown(each, socket.SHUT_RDWR)
        for thread in list(self._threads):
            thread.join(10)
            assert not thread.is_alive()

    def stop_listening(self) -> None:
        """Take no more connections; those that stand go on."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def count(self, verb: str) -> int:
        """How often a command came."""
        return sum(command.split(" ")[0] == verb for command in self.happened.commands)

    def wait_for(self, verb: str, times: int = 1) -> None:
        """Until a command has come so often."""
        wait_until(lambda: self.count(verb) >= times, f"{times} {verb}", 10)

    def _start(self, work: object, *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._start(self._serve, sock)

    def _serve(self, sock: socket.socket) -> None:
        happened = self.happened
        with self._lock:
            self._sockets.append(sock)
            happened.connections += 1
            happened.open += 1
            happened.most_open = max(happened.most_open, happened.open)
            crowded = happened.open > self._most
        talk = _Talk(self, sock)
        try:
            if crowded:
                talk.say("421 too many connections")
            else:
                talk.run()
        except (_Ended, OSError):
            pass
        finally:
            with self._lock:
                happened.open -= 1
                self._sockets.remove(talk.sock)
            talk.close()

    def _answer_to(self, *steps: str) -> Answer:
        with self._lock:
            for step in steps:
                if self._answers.get(step):
                    answer = self._answers[step].popleft()
                    if answer is not None:
                        return answer
                if step in self._always:
                    return self._always[step]
        return None


class _Talk:
    def __init__(self, relay: ScriptedRelay, sock: socket.socket) -> None:
        self.relay = relay
        self.sock = sock
        self.rest = b""
        self.secure = False
        self.mail = ""
        self.recipients: list[str] = []

    def run(self) -> None:
        if self.relay._implicit is not None:
            self.wrap(self.relay._implicit)
        self.answer("CONNECT")
        while True:
            line = self.line()
            verb = line.split(" ")[0].upper()
            self.relay.happened.commands.append(line if verb != "AUTH" else "AUTH")
            self.command(verb, line)

    def command(self, verb: str, line: str) -> None:
        if verb in ("EHLO", "HELO"):
            self.answer(verb, usual=self.hello() if verb == "EHLO" else "250 scripted")
        elif verb == "STARTTLS" and self.relay._starttls is not None:
            if self.answer(verb).startswith("220"):
                self.wrap(self.relay._starttls)
        elif verb == "AUTH":
            self.log_in(line)
        elif verb == "MAIL":
            if self.answer(verb).startswith("250"):
                self.mail, self.recipients = line, []
        elif verb == "RCPT":
            address = line[line.index("<") + 1 : line.index(">")]
            if self.answer(address, verb).startswith("25"):
                self.recipients.append(address)
        elif verb == "DATA":
            if self.answer(verb).startswith("354"):
                self.content()
        elif verb == "RSET":
            self.answer(verb)
        elif verb == "QUIT":
            self.answer(verb)
            raise _Ended
        else:
            self.say("500 what?")

    def hello(self) -> str:
        lines = ["scripted", *self.relay._offers]
        if self.relay._starttls is not None and not self.secure:
            lines.append("STARTTLS")
        if self.relay._login is not None and self.secure:
            lines.append(f"AUTH {self.relay._mechanisms}")
        return "\r\n".join(f"250{' ' if line is lines[-1] else '-'}{line}" for line in lines)

    def log_in(self, line: str) -> None:
        _, mechanism, *initial = line.split(" ")
        if mechanism == "PLAIN":
            _, user, password = base64.b64decode(initial[0]).decode().split("\0")
        else:
            self.say("334 VXNlcm5hbWU6")
            user = base64.b64decode(self.line()).decode()
            self.say("334 UGFzc3dvcmQ6")
            password = base64.b64decode(self.line()).decode()
        right = (user, password) == self.relay._login and self.secure
        self.answer("AUTH", usual="235 welcome" if right else "535 5.7.8 wrong name or password")

    def content(self) -> None:
        lines = []
        try:
            while (line := self.raw_line()) != b".\r\n":
                lines.append(line)
        except (_Ended, OSError) as end:
            self.relay.happened.cut_off.append(b"".join(lines))
            self.relay.happened.resets += isinstance(end, ConnectionResetError)
            raise
        answer = self.decide("DOT")
        if answer.startswith("250"):
            with self.relay._lock:
                self.relay.happened.taken.append(Taken(self.mail, self.recipients, b"".join(lines)))
        self.say(answer)

    def answer(self, *steps: str, usual: str | None = None) -> str:
        answer = self.decide(*steps, usual=usual)
        self.say(answer)
        return answer

    def decide(self, *steps: str, usual: str | None = None) -> str:
        answer = self.relay._answer_to(*steps)
        if isinstance(answer, Late):
            self.relay._closing.wait(answer.seconds)
            answer = answer.reply
        if answer is None:
            answer = usual or USUAL[steps[-1]]
        if answer == HANG:
            self.relay._closing.wait()
            raise _Ended
        if answer == RESET:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            raise _Ended
        if answer == CUT:
            raise _Ended
        return answer

    def wrap(self, context: ssl.SSLContext) -> None:
        self.rest = b""
        with self.relay._lock:
            self.relay._sockets.remove(self.sock)
            # The handshake is made below, so that the socket in the list can be shut down meanwhile.
            self.sock = context.wrap_socket(self.sock, server_side=True, do_handshake_on_connect=False)
            self.relay._sockets.append(self.sock)
        self.sock.settimeout(10)
        assert isinstance(self.sock, ssl.SSLSocket)
        self.sock.do_handshake()
        self.secure = True

    def say(self, text: str) -> None:
        self.sock.sendall(text.encode() + b"\r\n")

    def line(self) -> str:
        return self.raw_line().decode("utf-8", "replace").removesuffix("\r\n")

    def raw_line(self) -> bytes:
        while b"\n" not in self.rest:
            data = self.sock.recv(65536)
            if not data:
                raise _Ended
            self.rest += data
        line, _, self.rest = self.rest.partition(b"\n")
        return line + b"\n"

    def close(self) -> None:
        if self.sock.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER) == 0:
            # Read what is left, so that closing sends no reset that would overtake our last reply.
            self.sock.settimeout(0)
            with suppress(OSError):
                while self.sock.recv(65536):
                    pass
        self.sock.close()
