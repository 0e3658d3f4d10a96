"""The sessions to a relay: opened when there is an errand for one, kept between errands, left with QUIT."""

from __future__ import annotations

import selectors

from tasks import clock
from tasks.smtp.connection import Connection
from tasks.smtp.relay import Address, Relay

ADDRESS_SECONDS = 60.0
"""How long the relay's addresses are believed."""
LOOK_UP_SECONDS = 5.0
TOGETHER_SECONDS = 0.001
"""How long a session whose replies are in waits for others before their step: a step costs Redis and us much the same
for one as for three, and under ``appendfsync always`` each is synced."""
FEWER_SECONDS = 60.0
"""How long a relay that refused one session more is not asked for as many."""


class Pool:
    """Up to ``most`` sessions, and those that are only being left."""

    def __init__(self, relay: Relay, most: int) -> None:
        self.connections: list[Connection] = []
        self._relay = relay
        self._most = most
        self._selector = selectors.DefaultSelector()
        self._addresses: list[Address] = []
        self._looked_up_at = 0.0
        self._fewer = most
        self._fewer_until = 0.0

    def listen(self, seconds: float) -> None:
        """Wait at most so long for the network, and let the sessions hear what came; and a moment more for those that
        wait for replies, too, so that the next step is made for all of them."""
        if self._hear(seconds):
            ends = clock.monotonic() + TOGETHER_SECONDS
            while self._may_be_more() and (left := ends - clock.monotonic()) > 0:
                self._hear(left)

    def _hear(self, seconds: float) -> bool:
        events = self._selector.select(seconds)
        now = clock.monotonic()
        for key, _ in events:
            key.data.ready(now)
        return bool(events)

    def _may_be_more(self) -> bool:
        """Replies are on their way, and nobody has anything to say meanwhile."""
        more = False
        for connection in self.connections:
            if connection.session.out:
                return False
            more = more or connection.session.listening
        return more

    def flush(self, now: float) -> bool:
        """Write what the sessions have to say; True where something came of it that need not wait for the network."""
        news = False
        for connection in self.connections:
            session = connection.session
            if session.out and not session.done:
                connection.flush(now)
            if session.asks is not None or session.reports or session.done:
                news = True
        return news

    def expire(self, now: float) -> None:
        """Give up what is late."""
        for connection in self.connections:
            if not connection.session.done and connection.session.expired(now):
                connection.expire(now)

    def room(self, now: float) -> int:
        """How many more sessions may be opened."""
        most = self._fewer if now < self._fewer_until else self._most
        return most - self._good()

    def open(self, count: int, now: float) -> None:
        """Begin to open so many; OSError with a sentence where the relay's name is not found."""
        quiet = not any(each.session.carrying for each in self.connections)
        if not self._addresses or (quiet and now - self._looked_up_at > ADDRESS_SECONDS):
            # The one wait of the loop: only while nothing is under way.
            try:
                self._addresses = self._relay.look_up(LOOK_UP_SECONDS)
            except OSError:
                if not self._addresses:
                    raise
            self._looked_up_at = now
        for _ in range(count):
            self.connections.append(Connection(self._relay, self._addresses, self._selector, now))

    def be_content(self, now: float) -> bool:
        """One more could not be opened: make do with the others for a while. False where there are none."""
        good = self._good()
        if good:
            self._fewer = good
            self._fewer_until = now + FEWER_SECONDS
        return good > 0

    def _good(self) -> int:
        """How many sessions are open, or may yet be."""
        return sum(not each.session.done and not each.session.leaving for each in self.connections)

    def remove(self, connection: Connection) -> None:
        """Close it, and forget it."""
        connection.close()
        self.connections.remove(connection)

    def remove_unopened(self) -> None:
        """Break off what is still being opened."""
        for connection in [each for each in self.connections if each.session.offers is None]:
            self.remove(connection)

    def leave_idle(self) -> None:
        """QUIT everywhere, and wait a little for the answers; nothing may be under way."""
        now = clock.monotonic()
        for connection in self.connections:
            if connection.session.idle:
                connection.session.quit(now)
            elif not connection.session.leaving:
                connection.session.done = True
        self.flush(now)
        while self.connections:
            for connection in [each for each in self.connections if each.session.done]:
                self.remove(connection)
            if self.connections:
                self.listen(0.1)
                self.expire(clock.monotonic())
