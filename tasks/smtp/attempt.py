"""One errand's run through a session: which reply decides which recipient, and what is told of it afterwards."""

from __future__ import annotations

from tasks.domain.job import Outcome
from tasks.smtp.errand import Errand, Exchange, Reached, Reply, Report

MOST_EXCHANGES = 100
# Bound once: looking up an enum's member costs as much as a call, and these are needed for every mail.
PENDING, ACCEPTED = Outcome.PENDING, Outcome.ACCEPTED
MAIL, DOT = Reached.MAIL, Reached.DOT
_REFUSED = {4: Outcome.DEFERRED, 5: Outcome.REJECTED}


class Attempt:
    """Replies come in the order of the commands: MAIL, the RCPTs, DATA, and then the final dot's."""

    __slots__ = (
        "began",
        "commands",
        "errand",
        "exchanges",
        "heard",
        "kept",
        "open",
        "outcomes",
        "pending",
        "reached",
        "replies",
        "seconds",
        "size",
    )

    def __init__(self, errand: Errand, commands: list[str], size: int, kept: bool, now: float) -> None:
        self.errand = errand
        self.commands = commands
        self.size = size
        self.kept = kept
        """The session was used before, so that it may have gone stale."""
        self.began = now
        self.heard = 0
        """How many of the commands were answered."""
        self.pending = len(errand.rcpt_tos)
        """How many recipients have no outcome yet."""
        self.outcomes = [PENDING] * self.pending
        self.replies: list[Reply | None] = [None] * self.pending
        self.exchanges: list[Exchange] = []
        self.reached = MAIL
        self.open = False
        """MAIL was accepted, so that the server is in a transaction."""
        self.seconds = 0.0

    def hear(self, reply: Reply, now: float) -> bool:
        """Take the reply to the next command of the envelope; False where it cannot be a reply to it."""
        index = self.heard
        self.heard = index + 1
        self._note(self.commands[index], reply, now)
        kind = reply.code // 100
        if index == 0:
            if kind == 2:
                self.open = True
                return True
            self.refuse(reply)
        elif index <= len(self.outcomes):
            if kind == 2:
                return True
            self._refuse_one(index - 1, reply)
        elif reply.code == 354:
            return True
        else:
            self.refuse(reply)
        return kind in _REFUSED

    def hear_end(self, reply: Reply, now: float) -> bool:
        """Take the reply to the final dot; False where it cannot be one."""
        self._note(self._content(), reply, now)
        if reply.code // 100 != 2:
            self.refuse(reply)
            return reply.code // 100 in _REFUSED
        self._decide(ACCEPTED, reply)
        return True

    def refuse(self, reply: Reply) -> None:
        """A refusal that decides all the recipients that have no outcome yet."""
        outcome = _REFUSED.get(reply.code // 100)
        if outcome is not None:
            self._decide(outcome, reply)

    def broken(self, how: str, now: float, dot_sent: bool = True, answered: bool = False) -> Report:
        """It broke off here. Whoever has no outcome is deferred, or unknown where the final dot may have arrived.

        ``how`` is a sentence with ``{}`` for the command that it broke off at: one that has no reply, or that was
        *answered* with nonsense.
        """
        command, name = self._command(self.heard - 1 if answered and self.reached is MAIL else self.heard)
        if not answered:
            self._note(command, None, now)
        if self.reached is DOT and not dot_sent:
            self.reached = MAIL
        self._decide(Outcome.UNKNOWN if self.reached is DOT else Outcome.DEFERRED, None)
        return self.report(how.replace("{}", name, 1))

    def _command(self, index: int) -> tuple[str, str]:
        """A command as it is shown, and its name in a sentence."""
        if index < len(self.commands):
            command = self.commands[index]
            return command, command[:4]
        return self._content(), "the final dot" if self.reached is DOT else "the content"

    def report(self, fault: str | None = None) -> Report:
        """What became of it."""
        return Report(self.errand, self.reached, self.outcomes, self.replies, self.exchanges, self.seconds, fault)

    def _content(self) -> str:
        return f"(content, {self.size:,} bytes)" if self.pending or self.reached is DOT else "(no content)"

    def _note(self, command: str, reply: Reply | None, now: float) -> None:
        self.seconds = now - self.began
        if len(self.exchanges) < MOST_EXCHANGES:
            self.exchanges.append(Exchange(command, reply, self.seconds))

    def _refuse_one(self, index: int, reply: Reply) -> None:
        outcome = _REFUSED.get(reply.code // 100)
        if outcome is not None and self.outcomes[index] is PENDING:
            self.outcomes[index] = outcome
            self.replies[index] = reply
            self.pending -= 1

    def _decide(self, outcome: Outcome, reply: Reply | None) -> None:
        for index, known in enumerate(self.outcomes):
            if known is PENDING:
                self.outcomes[index] = outcome
                self.replies[index] = reply
        self.pending = 0


def refused_here(errand: Errand, reply: Reply) -> Report:
    """The report of an errand that the server was not even asked to take; it counts as an attempt."""
    count = len(errand.rcpt_tos)
    return Report(errand, MAIL, [Outcome.REJECTED] * count, [reply] * count)
