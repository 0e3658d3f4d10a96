"""One conversation with a relay, without I/O: how it carries errands, one after another.

Where the relay offers PIPELINING, an errand's envelope goes out in one write, and the next one's rides in the write
with the final dot. So two errands can be under way: the one that *ends*, whose dot is out, and the one *ahead*.
"""

from __future__ import annotations

from math import inf

from tasks.smtp import envelope
from tasks.smtp.attempt import DOT, Attempt, refused_here
from tasks.smtp.conversation import CLOSED, UNCLEAR, Conversation
from tasks.smtp.errand import Errand, Reply, Report
from tasks.smtp.relay import Relay

SMALL = 65_536
"""Contents up to this go together with their dot, once the intent is granted."""
HELD_BACK = 1024
"""Of a larger content, so many last bytes wait for the intent, to go with the dot."""
NEW_SECONDS = 1.0
"""A session that was not used for longer than this after its opening may have gone stale, like a kept one."""
RIDE_SECONDS = 1.0
"""Nothing rides behind a dot where the last one was answered more slowly."""


class Session(Conversation):
    """A conversation that carries errands."""

    def __init__(self, relay: Relay) -> None:
        super().__init__(relay)
        self._resetting = False
        self._ends: Attempt | None = None
        self._ahead: Attempt | None = None
        self._bulk = False
        """A large content is being written."""
        self._dot_at = 0.0
        self._end_seconds = inf
        """How long the last final dot's reply took."""
        self._after_dot = 0
        """How many bytes of the next envelope follow the dot."""
        self.served = 0
        self.asks: Errand | None = None
        """The errand that waits for its intent."""
        self.reports: list[Report] = []
        self.returned: list[Errand] = []
        """Errands that found this session stale: they go to a new one, for free."""

    # What the transport tells it.

    def feed(self, data: bytes, now: float) -> None:
        """Bytes that came."""
        super().feed(data, now)
        if self._opened_at <= now and self._ends is None and not self.leaving:
            waits = self._ahead is not None or self._resetting
            self.deadline = now + self._relay.timeout_seconds if waits else inf

    def written(self) -> None:
        """All that was taken has been handed to the network."""
        if self._bulk and self._ahead is not None:
            self._bulk = False
            self._ask(self._ahead)

    def progressed(self, now: float) -> None:
        """Some of what was taken has been handed to the network."""
        if self._bulk:
            self.deadline = now + self._relay.timeout_seconds

    def lost(self, how: str, now: float, unwritten: int = 0, late: bool = False) -> None:
        """The connection is lost or given up: what that means for the errands under way."""
        super().lost(how, now)
        self.asks = None
        ends, ahead = self._ends, self._ahead
        self._ends = self._ahead = None
        if ends is not None:
            unwritten += sum(len(each) for each in self.out)
            self.reports.append(ends.broken(how, now, dot_sent=unwritten <= self._after_dot))
        if ahead is None:
            return
        if ahead.kept and ahead.heard == 0 and (ends is not None or not late):
            self._return(ahead.errand)
        else:
            self.reports.append(ahead.broken(how, now))

    def expired(self, now: float) -> bool:
        """Is something late that it waits for?"""
        return now >= self.deadline or (self._ahead is not None and now >= self._ahead.errand.deadline)

    # What the carousel does with it.

    @property
    def busy(self) -> bool:
        """Something is under way: it is being opened, left, or carries an errand."""
        return self.offers is None or self.carrying or self._resetting or self.leaving

    @property
    def carrying(self) -> bool:
        """An errand is under way."""
        return self._ahead is not None or self._ends is not None

    @property
    def listening(self) -> bool:
        """An errand is under way, and it is the relay's turn to speak."""
        return self.carrying and self.asks is None and not self.done

    @property
    def ending(self) -> bool:
        """A final dot is out, and its reply is not in."""
        return self._ends is not None and self._ends.reached is DOT

    @property
    def idle(self) -> bool:
        """An errand given now would be alone in it."""
        return not self.busy and not self.done

    @property
    def hungry(self) -> bool:
        """An errand may be begun now, alone or riding behind a dot."""
        if self._ahead is not None or self.offers is None or self.done or self.leaving:
            return False
        alone = self._ends is None and not self._resetting
        return alone or (bool(self.out) and self.takes_riders)

    @property
    def takes_riders(self) -> bool:
        """The next errand's envelope may ride behind the dot, and will not be held up there."""
        return (
            self._end_seconds < RIDE_SECONDS
            and self.served < self._relay.messages_per_session
            and self.offers is not None
            and self.offers.pipelining
        )

    def is_new(self, now: float) -> bool:
        """It was opened just now, so that it cannot have gone stale."""
        return self.served == 0 and now - self._opened_at <= NEW_SECONDS

    def is_worn(self, now: float) -> bool:
        """It has carried enough, or is too old, to be used again."""
        relay = self._relay
        old = now - self._opened_at > relay.session_seconds
        return self.served >= relay.messages_per_session or (old and self.served > 0)

    def begin(self, errand: Errand, now: float) -> None:
        """Carry this errand next; the session must be hungry."""
        offers = self.offers
        if offers is None:
            raise RuntimeError("the session is not open")
        size = errand.size_bytes or envelope.octets(errand.content)
        lines = envelope.commands(errand, offers, size)
        refusal = envelope.refusal(errand, offers, size, lines)
        if refusal is not None:
            self.reports.append(refused_here(errand, refusal))
            return
        self._ahead = Attempt(errand, lines, size, not self.is_new(now), now)
        self.served += 1
        errand.deadline = now + self._relay.errand_seconds(size)
        if self._ends is None:
            self.deadline = now + self._relay.timeout_seconds
        if offers.pipelining:
            self._say("\r\n".join(lines))
        else:
            self._say(lines[0])

    def grant(self, now: float) -> None:
        """The intent is recorded: the final dot goes out."""
        attempt = self._ahead
        if attempt is None or self.asks is None:
            raise RuntimeError("no intent was asked for")
        self.asks = None
        attempt.reached = DOT
        content = attempt.errand.content
        self.out.append((content if len(content) <= SMALL else content[-HELD_BACK:]) + b".\r\n")
        self._await_end(attempt, now)

    def take_back(self) -> None:
        """Return the errand ahead, unless its intent was asked for: this conversation will not go on with it."""
        if self._ahead is not None and self.asks is None:
            self._return(self._ahead.errand)
            self._ahead = None

    # What replies mean.

    def _hear_errands(self, reply: Reply, now: float) -> None:
        if self._ends is not None:
            self._hear_end(self._ends, reply, now)
        elif self._resetting:
            self._resetting = False
            if reply.code // 100 != 2:
                self.lost(CLOSED, now)
        elif self._ahead is not None:
            self._hear_envelope(self._ahead, reply, now)
        else:
            # Nobody asked: 421 of a relay that closes an idle session, mostly.
            self.done = True

    def _hear_end(self, attempt: Attempt, reply: Reply, now: float) -> None:
        if attempt.hear_end(reply, now):
            self._ends = None
            self.reports.append(attempt.report())
            self._after_dot = 0
            self._end_seconds = now - self._dot_at
            if self._ahead is not None:
                self._ahead.errand.deadline = now + self._relay.errand_seconds(self._ahead.size)
            if reply.code == 421:
                self.lost(CLOSED, now)
        else:
            self._ends = None
            self.reports.append(attempt.broken(f"{UNCLEAR}{reply}", now, answered=True))
            self.lost(CLOSED, now)

    def _hear_envelope(self, attempt: Attempt, reply: Reply, now: float) -> None:
        if attempt.heard == len(attempt.commands):
            self._hear_too_early(attempt, reply, now)
            return
        if reply.code == 421 and attempt.heard == 0 and attempt.kept:
            self.lost(CLOSED, now)
            return
        if not attempt.hear(reply, now):
            self._ahead = None
            self.reports.append(attempt.broken(f"{UNCLEAR}{reply}", now, answered=True))
            self.done = True
        elif reply.code == 421:
            attempt.refuse(reply)
            self._settle(attempt)
            self.done = True
        elif attempt.heard == len(attempt.commands):
            self._begin_content(attempt, reply, now)
        elif self.offers is not None and not self.offers.pipelining:
            self._go_on(attempt)

    def _hear_too_early(self, attempt: Attempt, reply: Reply, now: float) -> None:
        """A reply while the content is on its way: the dot was not sent, and is not sent any more."""
        if reply.code // 100 in (4, 5):
            attempt.hear_end(reply, now)
            self._settle(attempt)
        else:
            self._ahead = None
            self.reports.append(attempt.broken(f"{UNCLEAR}{reply}", now))
        self.asks = None
        self.done = True

    def _go_on(self, attempt: Attempt) -> None:
        """Without PIPELINING: the next command, if there is any use in it."""
        if attempt.pending == 0 and (not attempt.open or attempt.heard == len(attempt.commands) - 1):
            self._settle(attempt)
            self._reset(attempt)
        else:
            self._say(attempt.commands[attempt.heard])

    def _begin_content(self, attempt: Attempt, reply: Reply, now: float) -> None:
        """DATA is answered."""
        content = attempt.errand.content
        if reply.code != 354:
            self._settle(attempt)
            self._reset(attempt)
        elif attempt.pending == 0:
            # Every recipient is refused, yet it wants content: an empty one (RFC 2920, 3.1), which counts for nothing.
            self.out.append(b".\r\n")
            self._await_end(attempt, now)
        elif len(content) <= SMALL:
            self._ask(attempt)
        else:
            self._bulk = True
            self.out.append(memoryview(content)[:-HELD_BACK])

    def _ask(self, attempt: Attempt) -> None:
        """All that precedes the final dot is done: it needs the intent."""
        self.asks = attempt.errand
        self.asks.standing = list(attempt.outcomes)

    def _await_end(self, attempt: Attempt, now: float) -> None:
        self._ends, self._ahead = attempt, None
        self._after_dot = 0
        self._dot_at = now
        self.deadline = attempt.errand.deadline = now + self._relay.end_seconds

    def _settle(self, attempt: Attempt) -> None:
        self._ahead = None
        self.reports.append(attempt.report())

    def _reset(self, attempt: Attempt) -> None:
        """After an error: close the transaction that it left open."""
        if attempt.open:
            self._resetting = True
            self._say("RSET")

    def _return(self, errand: Errand) -> None:
        errand.deadline = 0.0
        self.returned.append(errand)

    def _say(self, text: str) -> None:
        command = text.encode() + b"\r\n"
        self.out.append(command)
        if self._ends is not None:
            self._after_dot += len(command)
