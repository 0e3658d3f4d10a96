"""The relay of the chaos runs: a fast SMTP sink that counts what it takes, and misbehaves by a seeded plan.

A process of its own, ``python -m tests.chaos.sink FOLDER SEED``. What it takes goes into ``FOLDER/sink.log`` at the
moment of the final dot, before the reply. It obeys lines on its standard input: ``calm``, ``wild``, ``away SECONDS``.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import random
import re
import sys
from pathlib import Path

LOG, PORT = "sink.log", "sink.port"
MESSAGE_ID = re.compile(rb"^message-id: *<([^@>]+)@", re.IGNORECASE | re.MULTILINE)
END = b"\r\n.\r\n"

NOT_NOW, LATER = "421 4.3.2 not now", "451 4.3.0 later"
CUT, HANG, LATE = "cut", "hang", "late"
PLAN: dict[str, list[tuple[float, str]]] = {
    "banner": [(0.01, CUT), (0.01, NOT_NOW), (0.005, HANG), (0.02, LATE)],
    "EHLO": [(0.01, CUT), (0.01, NOT_NOW), (0.01, LATE)],
    "MAIL": [(0.003, CUT), (0.003, NOT_NOW), (0.01, LATER), (0.003, "550 5.7.1 no"), (0.01, LATE)],
    "RCPT": [(0.003, CUT), (0.003, NOT_NOW), (0.03, "451 4.2.1 later"), (0.01, "550 5.1.1 nobody"), (0.01, LATE)],
    "DATA": [(0.003, CUT), (0.002, HANG), (0.01, LATER), (0.003, "550 5.7.1 no"), (0.01, LATE)],
    "content": [(0.002, CUT)],
    "dot": [
        (0.004, "take and cut"),
        (0.002, "cut"),
        (0.001, "take and hang"),
        (0.01, LATER),
        (0.005, "550 5.6.0 no"),
        (0.01, LATE),
    ],
}  # fmt: skip
"""At each point of a conversation: how probable, and what."""
LATE_SECONDS = 0.4


class Sink:
    """What all conversations share."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.chance = random.Random(seed)
        self.wild = False
        self.away_until = 0.0
        self._log = os.open(folder / LOG, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def note(self, *words: str) -> None:
        """In the kernel when this returns: it outlives whatever is killed."""
        os.write(self._log, (" ".join(words) + "\n").encode())

    def choose(self, point: str) -> str:
        """What to do at this point; "" to behave."""
        if not self.wild:
            return ""
        drawn = self.chance.random()
        for probability, what in PLAN[point]:
            if drawn < probability:
                return what
            drawn -= probability
        return ""

    def obey(self, line: str) -> None:
        word, _, rest = line.partition(" ")
        if word == "away":
            self.away_until = asyncio.get_running_loop().time() + float(rest)
        else:
            self.wild = word == "wild"


class Talk(asyncio.Protocol):
    """One connection. Replies are gathered, and written when all that came is read."""

    def __init__(self, sink: Sink) -> None:
        self.sink = sink
        self.rest = b""
        self.replies: list[str] = []
        self.waiting = False
        self.hangs = False
        self.content = False
        self.recipients: list[str] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.loop = asyncio.get_running_loop()
        if self.loop.time() < self.sink.away_until:
            transport.abort()
        else:
            self._answer("banner", "220 sink ESMTP")
            self._flush()

    def data_received(self, data: bytes) -> None:
        self.rest += data
        self._go_on()

    def _go_on(self) -> None:
        while not (self.waiting or self.hangs or self.transport.is_closing()):
            if self.content:
                if not self._read_content():
                    break
            else:
                line, end, rest = self.rest.partition(b"\r\n")
                if not end:
                    break
                self.rest = rest
                self._command(line.decode())
        if not self.waiting:
            self._flush()

    def _command(self, line: str) -> None:
        verb = line[:4].upper()
        if verb == "EHLO":
            self._answer("EHLO", "250-sink\r\n250-PIPELINING\r\n250 8BITMIME")
        elif verb == "MAIL":
            self.recipients = []
            self._answer("MAIL", "250 ok")
        elif verb == "RCPT":
            if self._answer("RCPT", "250 ok"):
                self.recipients.append(line[line.index("<") + 1 : line.index(">")])
        elif verb == "DATA":
            # With no recipient left, some relays refuse and some want content all the same (RFC 2920, 3.1).
            wants = bool(self.recipients) or self.sink.chance.random() < 0.5
            if not wants:
                self.replies.append("554 no valid recipients")
            elif self._answer("DATA", "354 go on"):
                self.content = True
        elif verb == "QUIT":
            self.replies.append("221 bye")
            self._flush()
            self.transport.close()
        else:
            self.replies.append("250 ok")

    def _read_content(self) -> bool:
        """Some of the content; False where its end is not there yet."""
        if self.rest and self.sink.choose("content") == CUT:
            # The final dot may be on its way, so that the other side cannot know.
            self._maybe("content", self.rest)
            self.transport.abort()
            return False
        if self.rest.startswith(END[2:]):
            content, self.rest = b"", self.rest[len(END) - 2 :]
        else:
            at = self.rest.find(END)
            if at < 0:
                return False
            content, self.rest = self.rest[: at + 2], self.rest[at + len(END) :]
        self.content = False
        self._end(content)
        return True

    def _end(self, content: bytes) -> None:
        """The final dot is there."""
        what = self.sink.choose("dot") if content and self.recipients else ""
        if what[:1] in ("4", "5"):
            self.replies.append(what)
            return
        if what != CUT:
            # Taken, from here on, whatever becomes of the reply.
            self._take(content)
        if what in (CUT, "take and cut"):
            self._maybe("dot", content)
            self._flush()
            self.transport.abort()
        elif what == "take and hang":
            self._maybe("dot", content)
            self.hangs = True
        else:
            self._say("250 taken", late=what == LATE)

    def _take(self, content: bytes) -> None:
        found = MESSAGE_ID.search(content)
        name = found[1].decode() if found else "?"
        if not self.recipients or not content:
            self.sink.note("lone", name)  # a dot to end a transaction that nobody is left of: nothing is taken
            return
        self.sink.note("taken", name, hashlib.sha1(content).hexdigest(), ",".join(self.recipients))

    def _maybe(self, point: str, content: bytes) -> None:
        found = MESSAGE_ID.search(content)
        self.sink.note("maybe", point, found[1].decode() if found else "?")

    def _answer(self, point: str, usual: str) -> bool:
        """Answer as usual, or as the plan says; True where as usual."""
        what = self.sink.choose(point)
        if what == CUT:
            self._flush()
            self.transport.abort()
        elif what == HANG:
            self.hangs = True
        elif what in ("", LATE):
            self._say(usual, late=what == LATE)
            return True
        else:
            self.replies.append(what)
            if what.startswith("421"):
                self._flush()
                self.transport.close()
        return False

    def _say(self, reply: str, late: bool) -> None:
        self.replies.append(reply)
        if late:
            self.waiting = True
            self.loop.call_later(self.sink.chance.random() * LATE_SECONDS, self._resume)

    def _resume(self) -> None:
        self.waiting = False
        self._go_on()

    def _flush(self) -> None:
        if self.replies and not self.transport.is_closing():
            self.transport.write("".join(f"{reply}\r\n" for reply in self.replies).encode())
        self.replies = []


async def main(folder: Path, seed: int) -> None:
    sink = Sink(folder, seed)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Talk(sink), "127.0.0.1", 0, backlog=1000)
    (folder / "sink.part").write_text(str(server.sockets[0].getsockname()[1]))
    (folder / "sink.part").rename(folder / PORT)
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        sink.obey(line.decode().strip())


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
