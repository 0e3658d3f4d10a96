"""What a carousel carries (an errand), what it brings back (a report), and whom it answers to (a ledger)."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple, Protocol

from tasks.domain.job import Outcome


@dataclass(frozen=True, slots=True)
class Reply:
    """A server's reply to one command (RFC 5321, 4.2); its lines joined by a newline, without their codes."""

    code: int
    text: str

    def __str__(self) -> str:
        return f"{self.code} {self.text}"


class Exchange(NamedTuple):
    """One command and its reply, as an attempt shows them. ``command`` never holds a credential or the content."""

    command: str
    reply: Reply | None
    """None: the connection was lost or timed out before the reply."""
    at_seconds: float
    """When the reply came, counted from the attempt's MAIL."""


@dataclass(slots=True, eq=False)
class Errand:
    """A claimed job, made ready for SMTP."""

    job_id: str
    mail_from: str
    rcpt_tos: list[str]
    """The recipients still to be served, in wire form."""
    content: bytes
    """The message in wire form: CRLF line ends, dot-stuffed, ending in CRLF, without the final dot."""
    size_bytes: int = 0
    """The content's octets without the stuffed dots, as SIZE counts them; 0 where they are to be counted."""
    smtputf8: bool = False
    """Some address or header needs RFC 6531."""
    deadline: float = 0.0
    """When its session gives up on it, in ``clock.monotonic()`` seconds; set by the carousel, read by the heartbeat.
    0 while it is not begun."""
    standing: list[Outcome] = field(default_factory=list)
    """When the intent is asked for: the outcomes so far, one a recipient; PENDING for those who ride on the dot."""
    lease: object = None
    """The ledger's own: what it knows of the claim."""


class Reached(StrEnum):
    """How far an errand came, which decides whose fault a failure is."""

    NOTHING = "nothing"
    """MAIL was not sent: no attempt was used."""
    MAIL = "mail"
    DOT = "dot"
    """The intent was granted, so the final dot may have gone out."""


@dataclass(slots=True)
class Report:
    """What became of an errand in one attempt."""

    errand: Errand
    reached: Reached
    outcomes: list[Outcome]
    """One a recipient of the errand, in its order. Never PENDING once ``reached`` is MAIL or DOT."""
    replies: list[Reply | None]
    """The reply that decided each recipient's outcome; None where the connection failed first."""
    exchanges: list[Exchange] = field(default_factory=list)
    seconds: float = 0.0
    """From MAIL to the last reply."""
    fault: str | None = None
    """Why it broke off, in words: "The connection was closed in answer to DATA."; None where it was whole."""


class Ledger(Protocol):
    """What the carousel needs from the engine. Calls may take milliseconds; none may be left out."""

    def turn(self, reports: list[Report], intents: list[Errand], want: int) -> tuple[list[bool], list[Errand]]:
        """Settle the reports, record the intents and claim up to ``want`` errands, in one round trip.

        For each intent: True to go on with the dot, False where it is fenced (canceled or taken over): close the
        connection and never send the dot. And the errands, claimed in this worker's name; none when nothing is due or
        claims are held back."""

    def give_back(self, errands: list[Errand]) -> None:
        """These were claimed and not begun (MAIL not sent); somebody else may have them at once. No attempt is used."""

    def relay_failed(self, kind: str, text: str) -> None:
        """A session could not be opened (``connect``, ``greeting``, ``ehlo``, ``tls``, ``auth``): the relay's fault."""

    def relay_answered(self) -> None:
        """A session was opened: the breaker may close."""
