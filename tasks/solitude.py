"""Of one worker process: a job that must be alone is, so that what kills the process then is that job and no other.

A job whose worker was lost while it was begun may be poison. It is claimed alone from then on: the process first comes
to rest, and claims nothing else while it has that job. Both are bounded, so that one slow relay or one slow job does
not hold up a whole process: poison strikes fast.
"""

from __future__ import annotations

import threading
from enum import Enum
from math import inf

from tasks import clock

REST_SECONDS = 5.0
"""How long the process claims nothing so as to come to rest."""
PAUSE_SECONDS = 30.0
"""When it did not come to rest: how long it goes on as usual before it tries again."""
ALONE_SECONDS = 15.0
"""How long a job has the process to itself."""


class Way(Enum):
    """How a thread may claim now."""

    CLOSED = "closed"
    """Not at all."""
    SHARED = "shared"
    """Jobs that need not be alone."""
    ALONE = "alone"
    """One that must be: nobody in this process has any, and nobody will claim one until it is settled."""


class Solitude:
    """Counts the jobs that the threads of this process have, claims under way among them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._resting_until = -inf
        self._alone_until = -inf

    def enter(self) -> Way:
        """Before a claim. After anything but ``CLOSED``, say :meth:`entered`."""
        now = clock.monotonic()
        with self._lock:
            resting = now < self._resting_until
            if now < self._alone_until or (resting and self._inside):
                return Way.CLOSED
            self._inside += 1
            if not resting:
                return Way.SHARED
            self._resting_until = -inf
            self._alone_until = now + ALONE_SECONDS
            return Way.ALONE

    def entered(self, claimed: int, *, passed_over: bool) -> None:
        """After a claim: how many jobs it gave; ``passed_over``: one that must be alone was due, and not given."""
        with self._lock:
            if passed_over and clock.monotonic() > self._resting_until + PAUSE_SECONDS:
                self._resting_until = clock.monotonic() + REST_SECONDS
        self.leave(1 - claimed)

    def leave(self, count: int) -> None:
        """So many jobs are settled or given back."""
        with self._lock:
            self._inside -= count
            if not self._inside:
                self._alone_until = -inf
