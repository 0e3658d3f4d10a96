"""Whether wake-ups still come through Celery, as far as one process can tell."""

from __future__ import annotations

from tasks import clock

UNHEARD_SECONDS = 1.0
"""How long jobs may be due, and a hand free, while no wake-up is heard; then a courier is told to look all the same."""
WEDGED_SECONDS = 10.0
WEDGED_HELPS = 3
"""After so many such helps in so long a time, and nothing heard in between, Celery's consumer is taken for wedged."""


class Hearing:
    """Told of each look at what is due. Only the dispatcher's thread calls it."""

    def __init__(self) -> None:
        self._waits_since: float | None = None
        self._helps = 0
        self._first_help = 0.0

    def needs_help(self, due: int, heard_at: float) -> bool:
        """A hand is free: whether jobs have been due for a while and no wake-up says so. ``heard_at``: when one last
        came (by the monotonic clock)."""
        now = clock.monotonic()
        if self._helps and heard_at > self._first_help:
            self._helps = 0
        if not due or self._waits_since is None or heard_at > self._waits_since:
            self._waits_since = now if due else None
            return False
        if now - self._waits_since <= UNHEARD_SECONDS:
            return False
        self._waits_since = now
        self._first_help = self._first_help if self._helps else now
        self._helps += 1
        return True

    def hands_are_full(self) -> None:
        """Nobody waits for a wake-up."""
        self._waits_since = None

    def broker_is_away(self) -> None:
        """What cannot be rung cannot be heard: that is nobody's fault here."""
        self._helps = 0

    @property
    def is_wedged(self) -> bool:
        """Ask after a help, once rings have reached the broker."""
        return self._helps >= WEDGED_HELPS and clock.monotonic() - self._first_help > WEDGED_SECONDS
