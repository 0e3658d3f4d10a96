"""What every conversation with a relay has, errands apart: bytes in and out, its opening, its end, its deadline."""

from __future__ import annotations

from collections.abc import Callable
from math import inf

from tasks.smtp.envelope import Offers
from tasks.smtp.errand import Reply
from tasks.smtp.opening import WRAP_NOW, Opening, OpeningFailed
from tasks.smtp.relay import Relay
from tasks.smtp.replies import ReplyParser

QUIT_SECONDS = 2.0
"""How long the reply to QUIT is waited for."""

CLOSED = "The connection was closed in answer to {}."
LATE = "No reply to {} came in time."
UNCLEAR = "The relay gave an answer to {} that makes no sense: "

_SPOKEN = {"connect": "connecting", "greeting": "connecting", "ehlo": "EHLO", "tls": "STARTTLS", "auth": "the login"}

Bytes = bytes | memoryview


class Conversation:
    """It is fed bytes and asked for bytes, and told what time it is; it never waits."""

    def __init__(self, relay: Relay) -> None:
        self._relay = relay
        self._parser = ReplyParser()
        self._hear: Callable[[Reply, float], None] = self._hear_opening
        self._opening: Opening | None = None
        self._opened_at = inf
        self.out: list[Bytes] = []
        """What is to be written."""
        self.offers: Offers | None = None
        """What the relay offers; None until the session is open."""
        self.failure: OpeningFailed | None = None
        """Why it could not be opened."""
        self.deadline = inf
        """When the reply that is waited for is late."""
        self.wants_tls = False
        """The transport must make the TLS handshake now, and then call :meth:`secured`."""
        self.leaving = False
        """QUIT was said."""
        self.done = False
        """The connection is to be closed; nothing more comes of it."""

    def connected(self, hello: str, now: float) -> None:
        """The connection stands; ``hello`` is this host's name for EHLO."""
        self._opening = Opening(self._relay, hello)
        self.deadline = now + self._relay.timeout_seconds

    def secured(self, now: float) -> None:
        """TLS stands: go on with the opening."""
        self.wants_tls = False
        self._parser.discard()
        self._hear_opening(Reply(220, ""), now)

    def feed(self, data: bytes, now: float) -> None:
        """Bytes that came."""
        for reply in self._parser.feed(data):
            self._hear(reply, now)
            if self.done or self.wants_tls:
                # What follows STARTTLS's reply came before TLS: it is not believed.
                return
        if self._parser.garbage is not None:
            self.lost(f"{UNCLEAR}{self._parser.garbage}", now)

    def take(self) -> Bytes:
        """The bytes to be written now."""
        if len(self.out) == 1:
            return self.out.pop()
        data = b"".join(self.out)
        self.out.clear()
        return data

    def quit(self, now: float) -> None:
        """Take leave."""
        self.out.append(b"QUIT\r\n")
        self.leaving = True
        self._hear = self._hear_leaving
        self.deadline = now + QUIT_SECONDS

    def lost(self, how: str, now: float, unwritten: int = 0, late: bool = False) -> None:
        """The connection is lost or given up. ``how`` is a sentence with ``{}`` for the command that got no reply;
        ``unwritten`` counts the bytes that were taken and did not reach the network; ``late``: it only grew late."""
        del now, unwritten, late
        self.done = True
        if self.offers is None and self.failure is None:
            step = self._opening.step if self._opening is not None else "connect"
            self.failure = OpeningFailed(step, how.replace("{}", _SPOKEN[step], 1))

    def _hear_opening(self, reply: Reply, now: float) -> None:
        if self._opening is None:
            raise RuntimeError("the session is not connected")
        self.deadline = now + self._relay.timeout_seconds
        try:
            command = self._opening.answer(reply)
        except OpeningFailed as failure:
            self.failure = failure
            self.done = True
        except StopIteration as end:
            self.offers = end.value
            self._opened_at = now
            self._hear = self._hear_errands
            self.deadline = inf
        else:
            if command is WRAP_NOW:
                self.wants_tls = True
            else:
                self.out.append(command)

    def _hear_errands(self, reply: Reply, now: float) -> None:
        raise NotImplementedError

    def _hear_leaving(self, reply: Reply, now: float) -> None:  # noqa: ARG002
        self.done = True
