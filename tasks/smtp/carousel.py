"""The loop that drives a pool of sessions: one thread, many conversations, one step for all of them together.

A turn of it: listen to whoever has spoken, claim what free hands can take, settle what was answered and record the
intents of what comes next in one step, begin new errands, write.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from tasks import clock
from tasks.smtp.connection import Connection
from tasks.smtp.errand import Errand, Ledger, Report
from tasks.smtp.opening import OpeningFailed
from tasks.smtp.pool import Pool
from tasks.smtp.relay import Relay
from tasks.smtp.waiting import Waiting

TICK_SECONDS = 0.1
"""How often deadlines are looked at, and how long a quiet turn lasts at most."""
LAST_REPLIES_SECONDS = 30.0
"""How long replies to final dots are waited for when the ledger has failed."""
ANSWERED_SECONDS = 1.0
"""How often the ledger is told that the relay answers, at most."""

STOPPED = "Postroom was stopped before a reply to {} came."
BROKEN_OFF = "Redis could not be reached, so {} was not sent."
NOT_WAITED = "Redis could not be reached, and the reply to {} did not come in time."


class Carousel:
    """Carries the errands of a ledger over up to ``sessions`` sessions to a relay."""

    def __init__(self, relay: Relay, ledger: Ledger, sessions: int) -> None:
        self.unsettled: list[Report] = []
        """Reports that the ledger has not taken yet; the next run offers them first."""
        self._ledger = ledger
        self._pool = Pool(relay, sessions)
        self._waiting = Waiting()
        self._giving_back: list[Errand] = []
        self._relay_failed = False
        self._slow = False
        """Errands had to be given back in this run: none are claimed for sessions that are not open."""
        self._answered_at = 0.0
        self._looked_at = 0.0
        self._drain_until: float | None = None
        self._running = threading.Lock()

    def run(self, until: Callable[[], bool]) -> None:
        """Go round until nothing is due and all is settled, or until ``until()`` and what is in hand is finished.

        What the ledger raises comes out, after all that is under way was brought to a safe end; what it could then
        not be told is told in the next run.
        """
        with self._running:
            try:
                self._tell_leftovers()
                self._drive(until)
            except BaseException:
                self._break_off()
                raise

    def drain(self, seconds: float) -> None:
        """For good: begin nothing more, and wait at most so long for what is in hand. Any thread may say so."""
        self._drain_until = clock.monotonic() + seconds

    def close(self) -> bool:
        """Leave the idle sessions with QUIT; False, and nothing done, while a run goes on."""
        if not self._running.acquire(blocking=False):
            return False
        try:
            self._pool.leave_idle()
        finally:
            self._running.release()
        return True

    # A run.

    def _tell_leftovers(self) -> None:
        """What the last run could not tell."""
        self._give_back([])
        self._turn([], 0, clock.monotonic())

    def _drive(self, until: Callable[[], bool]) -> None:
        pool = self._pool
        self._relay_failed = self._slow = False
        self._waiting.hurry()
        pool.listen(0)  # so that sessions that ended while nobody looked are not used
        while True:
            now = clock.monotonic()
            asking, takers = self._gather(now)
            stopping = self._relay_failed or self._drain_until is not None or until()
            if stopping:
                self._give_back(self._waiting.all())
            claimed = self._turn(asking, 0 if stopping else takers, now)
            self._hand_out(clock.monotonic())
            if now - self._looked_at >= TICK_SECONDS:
                self._look_after(now)
            news, rest = pool.flush(now), self._waiting.rest(now)
            if not news and not self._in_hand(stopping):
                if stopping or self._slow or claimed == 0:
                    break
                news = not rest
            pool.listen(0 if news else rest or TICK_SECONDS)
        pool.remove_unopened()

    def _gather(self, now: float) -> tuple[list[Connection], int]:
        """Collect what the sessions bring; which of them ask for an intent, and how many errands could be begun."""
        asking, gone, free, opening = [], [], 0, 0
        for connection in self._pool.connections:
            session = connection.session
            if session.reports:
                self.unsettled += session.reports
                session.reports = []
            if session.returned:
                self._waiting.add_again(session.returned, now)
                session.returned = []
            if session.done:
                gone.append(connection)
            elif session.asks is not None:
                asking.append(connection)
                free += session.takes_riders
            elif session.offers is None:
                opening += 1
            else:
                if not connection.opened:
                    self._welcome(connection, now)
                free += session.hungry
        for connection in gone:
            self._pool.remove(connection)
        for connection in gone:
            if connection.session.failure is not None:
                self._fail(connection.session.failure, now)
        return asking, free if self._slow else free + opening + self._pool.room(now)

    def _turn(self, asking: list[Connection], takers: int, now: float) -> int | None:
        """Settle all reports, ask for all intents and claim for whom there is room, at once; grants let the final dots
        go. How many were claimed; None where none were asked for."""
        if self.unsettled:
            self._waiting.hurry(len(self.unsettled))
        want = self._waiting.want(takers, now)
        if not asking and not self.unsettled and not want:
            return None
        intents = [each.session.asks for each in asking if each.session.asks is not None]
        grants, errands = self._ledger.turn(self.unsettled, intents, want)
        self.unsettled = []
        self._grant(asking, grants)
        if want:
            self._waiting.add(errands, want, now)
        return len(errands) if want else None

    def _grant(self, asking: list[Connection], grants: list[bool]) -> None:
        now = clock.monotonic()
        for connection, granted in zip(asking, grants, strict=True):
            if granted:
                connection.session.grant(now)
            else:
                connection.abort()
                self._pool.remove(connection)

    def _hand_out(self, now: float) -> None:
        """Begin what waits: in an idle session, else in a new one, else riding behind another's dot."""
        waiting, pool = self._waiting, self._pool
        if not waiting:
            return
        opening = 0
        for connection in pool.connections:
            session = connection.session
            if session.offers is None:
                opening += 1
            elif session.idle:
                if session.is_worn(now):
                    session.quit(now)
                elif errand := waiting.next(session.is_new(now)):
                    session.begin(errand, now)
        alone = min(len(waiting) - opening, pool.room(now))
        if alone > 0:
            self._open(alone, now)
            opening += alone
        riding = waiting.for_any - opening
        for connection in pool.connections:
            session = connection.session
            if riding > 0 and session.hungry and not session.idle and (errand := waiting.next(new=False)):
                session.begin(errand, now)
                riding -= 1

    def _open(self, count: int, now: float) -> None:
        try:
            self._pool.open(count, now)
        except OSError as problem:
            self._fail(OpeningFailed("connect", str(problem)), now)

    def _in_hand(self, stopping: bool) -> bool:
        """Is there anything to wait for?"""
        if self._waiting or self.unsettled:
            return True
        sessions = [each.session for each in self._pool.connections]
        return any(each.carrying or (each.offers is None and not stopping) for each in sessions)

    def _look_after(self, now: float) -> None:
        """Give up what is late, and give back what has waited too long."""
        self._looked_at = now
        self._pool.expire(now)
        late = self._waiting.too_long(now)
        if late:
            self._slow = True
            self._give_back(late)
        if self._drain_until is not None and now >= self._drain_until:
            for connection in self._pool.connections:
                if connection.session.carrying:
                    connection.session.take_back()
                    connection.lose(STOPPED, now)

    def _give_back(self, errands: list[Errand]) -> None:
        self._giving_back += errands
        if self._giving_back:
            self._ledger.give_back(self._giving_back)
            self._giving_back = []

    # The relay's health.

    def _welcome(self, connection: Connection, now: float) -> None:
        """A session is open."""
        connection.opened = True
        self._slow = False
        if now - self._answered_at >= ANSWERED_SECONDS:
            self._answered_at = now
            self._ledger.relay_answered()

    def _fail(self, failure: OpeningFailed, now: float) -> None:
        """A session could not be opened: the relay's fault, unless it serves others and just wants no more of them."""
        if not self._pool.be_content(now) and not self._relay_failed:
            self._relay_failed = True
            self._answered_at = 0.0
            self._ledger.relay_failed(failure.kind, failure.text)

    # When the ledger fails.

    def _break_off(self) -> None:
        """Send no dot that was not granted; wait for the replies to those that were; keep what the ledger must know."""
        pool = self._pool
        now = clock.monotonic()
        self._giving_back += self._waiting.all()
        for connection in pool.connections:
            session = connection.session
            session.take_back()
            if session.ending:
                connection.flush(now)
            else:
                connection.lose(BROKEN_OFF, now)
                connection.abort()
        end = now + LAST_REPLIES_SECONDS
        while now < end and any(each.session.ending for each in pool.connections):
            pool.listen(TICK_SECONDS)
            now = clock.monotonic()
            pool.expire(now)
        for connection in list(pool.connections):
            connection.lose(NOT_WAITED, now)
            self.unsettled += connection.session.reports
            self._giving_back += connection.session.returned
            pool.remove(connection)
