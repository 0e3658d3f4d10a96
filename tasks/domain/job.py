"""A job as Redis keeps it: its *head* (what changes), its *card* (what does not), and its *log* (what happened)."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

from pydantic_core import from_json

from tasks.domain.states import State


class Outcome(StrEnum):
    """What became of one recipient; the letter stands in the head, one a recipient."""

    PENDING = "p"
    ACCEPTED = "a"
    DEFERRED = "d"
    REJECTED = "r"
    UNKNOWN = "u"

    @property
    def word(self) -> str:
        """The word for API and pages."""
        return self.name.lower()


class Phase(StrEnum):
    """How far the holder of a lease has come, as Redis knows it."""

    NONE = "-"
    CLAIMED = "c"
    BEGUN = "b"
    INTENT = "i"
    """The final dot may have gone out: from here a lost worker means ``unknown``."""


class Head(NamedTuple):
    """The changing part of a job, one string in Redis, so that the fence is one compare.

    ``state phase attempt token revision outcomes``, with single spaces between.
    """

    state: State
    phase: Phase
    attempt: int
    token: int
    revision: int
    outcomes: str

    @classmethod
    def parse(cls, text: str) -> Head:
        """Read a head; the inverse of ``str(head)``."""
        state, phase, attempt, token, revision, outcomes = text.split(" ")
        return cls(State(state), Phase(phase), int(attempt), int(token), int(revision), outcomes)

    def __str__(self) -> str:
        return f"{self.state} {self.phase} {self.attempt} {self.token} {self.revision} {self.outcomes}"

    def moved(
        self,
        state: State | None = None,
        phase: Phase | None = None,
        attempt: int | None = None,
        token: int | None = None,
        outcomes: str | None = None,
    ) -> Head:
        """This head after a change: what is not given stays, and the revision goes up by one."""
        return Head(
            self.state if state is None else state,
            self.phase if phase is None else phase,
            self.attempt if attempt is None else attempt,
            self.token if token is None else token,
            self.revision + 1,
            self.outcomes if outcomes is None else outcomes,
        )


@dataclass(frozen=True, slots=True)
class Card:
    """The constant part of a job: everything submitted but the content, which is kept as the message's own bytes.

    Addresses in ``to``, ``cc``, ``bcc``, ``sender`` and ``reply_to`` are as people read them
    (``Ann <ann@example.org>``); ``mail_from`` and ``rcpt_tos`` are the envelope, in wire form (A-labels), ``to`` then
    ``cc`` then ``bcc``, each once.
    """

    sender: str
    to: list[str]
    mail_from: str
    rcpt_tos: list[str]
    subject: str
    size_bytes: int
    max_attempts: int
    give_up_after_seconds: int
    cc: list[str] = field(default_factory=list)
    bcc: list[str] = field(default_factory=list)
    reply_to: list[str] = field(default_factory=list)
    priority: str = "normal"
    tags: list[str] = field(default_factory=list)
    send_at_us: int | None = None
    on_unknown: str = "hold"
    smtputf8: bool = False
    batch: str | None = None
    result: str | None = None
    """What Celery's result says on success, where the submitter chose it (the seed's "Hello User")."""

    def dump(self) -> str:
        """As compact JSON: defaults, and what follows from the rest, are left out."""
        kept = {name: getattr(self, name) for name in self.__slots__ if getattr(self, name) != _DEFAULTS.get(name)}
        if self.mail_from == self.sender:
            del kept["mail_from"]
        if self.rcpt_tos == [*self.to, *self.cc, *self.bcc]:
            del kept["rcpt_tos"]
        return _COMPACT(kept)

    @classmethod
    def load(cls, text: str) -> Card:
        """The inverse of :meth:`dump`; ValueError, TypeError or KeyError where it is not of its making."""
        values = {**_DEFAULTS, **from_json(text)}
        values.setdefault("mail_from", values["sender"])
        values.setdefault("rcpt_tos", [*values["to"], *values["cc"], *values["bcc"]])
        return cls(**values)

    @classmethod
    def of_record(cls, text: bytes | None, head: Head) -> Card:
        """The card of a record in Redis. One that cannot be read (damaged, or of another version) has a stand-in, so
        that its job can be shown and settled and nothing else suffers from it."""
        try:
            return cls.load((text or b"").decode())
        except (ValueError, TypeError, KeyError):
            many = [UNREADABLE] * len(head.outcomes)
            return cls(UNREADABLE, many, UNREADABLE, many, "", 0, max_attempts=8, give_up_after_seconds=86_400)

    @property
    def readable(self) -> bool:
        """False for a stand-in."""
        return self.sender != UNREADABLE


UNREADABLE = "(cannot be read)"

_COMPACT = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode

_DEFAULTS: dict[str, Any] = {
    "to": [],
    "cc": [],
    "bcc": [],
    "reply_to": [],
    "subject": "",
    "max_attempts": 8,
    "give_up_after_seconds": 86_400,
    "priority": "normal",
    "tags": [],
    "send_at_us": None,
    "on_unknown": "hold",
    "smtputf8": False,
    "batch": None,
    "result": None,
}


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the log: an instant by Redis's clock, a word, and what belongs to it."""

    at_us: int
    word: str
    data: dict[str, Any]

    @classmethod
    def parse(cls, line: str) -> Event:
        """Read ``microseconds word json``."""
        at, word, data = line.split(" ", 2)
        return cls(int(at), word, json.loads(data))


@dataclass(frozen=True, slots=True)
class Job:
    """All that Redis knows of a job but its content."""

    id: str
    head: Head
    card: Card
    accepted_us: int
    round_attempt: int
    """The attempts used before an operator last reopened it; ``max_attempts`` counts from here."""
    round_us: int
    """When its give-up clock started: its acceptance, its ``send_at``, or when it was reopened."""
    due_us: int | None
    """When it next needs somebody: None for a final job."""
    log: list[Event]
    reason: str | None = None
    """Of a dead letter: the digest of why, by which dead letters are grouped."""

    @classmethod
    def accepted(cls, job_id: str, card: Card, accepted_us: int) -> Job:
        """A job as it is when it is accepted: what ``accept.lua`` writes."""
        start = max(accepted_us, card.send_at_us or 0)
        state = State.SCHEDULED if start > accepted_us else State.QUEUED
        head = Head(state, Phase.NONE, 0, 0, 1, str(Outcome.PENDING) * len(card.rcpt_tos))
        log = [Event(accepted_us, "accepted", {})]
        return cls(job_id, head, card, accepted_us, round_attempt=0, round_us=start, due_us=start, log=log)

    @property
    def message_id(self) -> str:
        """Its ``Message-ID``, as :mod:`tasks.domain.message` writes it."""
        return f"<{self.id}@{self.card.mail_from.rpartition('@')[2]}>"
