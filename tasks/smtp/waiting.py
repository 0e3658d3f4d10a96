"""Errands that were claimed and are not begun: not many, and not for long."""

from __future__ import annotations

from collections import deque

from tasks.smtp.errand import Errand

MOST = 50
"""The most to claim at once."""
LATELY_SECONDS = 0.5
"""Claim ahead about what was settled in so short a time, so that the next envelope can ride with the dot."""
PATIENCE_SECONDS = 3.0
"""Whoever waits longer is given back: the relay is slow or away, and somebody else may be luckier."""
PAUSE_SECONDS = 0.1
"""The wait between two claims while nothing is due."""
FAST = 150
"""So many settled lately (about 200 a second) is fast."""
GATHER_SECONDS = 0.03
"""Where mails go fast, and yet a claim found fewer due than it could take, the next one comes so much later and finds
some more: claims and steps cost much the same for one as for ten, and under ``appendfsync always`` each is synced."""


class Waiting:
    """The claimed errands in their order, and how many more to claim."""

    def __init__(self) -> None:
        self._errands: deque[tuple[float, Errand]] = deque()
        self._again: deque[tuple[float, Errand]] = deque()
        self._asked_at = 0.0
        self._next_claim_at = 0.0
        self._gathers_until = 0.0
        """No claim before then, whatever happens."""
        self._lately = 0.0
        """How many were settled lately: a count that halves in LATELY_SECONDS."""

    def __len__(self) -> int:
        return len(self._errands) + len(self._again)

    def want(self, takers: int, now: float) -> int:
        """How many to claim, with so many sessions able to begin one; 0 where there are enough, or none was due."""
        short = takers - len(self)
        if short <= 0 or now < self._next_claim_at:
            return 0
        self._lately *= 0.5 ** ((now - self._asked_at) / LATELY_SECONDS)
        self._asked_at = now
        return min(MOST, short + int(self._lately))

    def add(self, errands: list[Errand], wanted: int, now: float) -> None:
        """Keep what a claim gave."""
        few = len(errands) < wanted
        self._next_claim_at = now + PAUSE_SECONDS if few else 0.0
        self._gathers_until = now + GATHER_SECONDS if few and self._lately > FAST else 0.0
        self._errands.extend([(now, errand) for errand in errands])

    def hurry(self, settled: int = 0) -> None:
        """Something was settled, or a run begins: the next claim need not wait, but to gather."""
        self._lately += settled
        self._next_claim_at = self._gathers_until

    def rest(self, now: float) -> float:
        """The seconds for which none are claimed; 0 where some may be now."""
        return max(self._next_claim_at - now, 0.0)

    def add_again(self, errands: list[Errand], now: float) -> None:
        """Keep those that met a stale session: they are for new sessions, before all others."""
        self._again.extend([(now, errand) for errand in errands])

    @property
    def for_any(self) -> int:
        """How many wait that any session may begin."""
        return len(self._errands)

    def next(self, new: bool) -> Errand | None:
        """The one to begin now, in a new or in a kept session."""
        if new and self._again:
            return self._again.popleft()[1]
        if self._errands:
            return self._errands.popleft()[1]
        return None

    def too_long(self, now: float) -> list[Errand]:
        """Take out those that have waited too long."""
        late = []
        for line in (self._again, self._errands):
            while line and now - line[0][0] > PATIENCE_SECONDS:
                late.append(line.popleft()[1])
        return late

    def all(self) -> list[Errand]:
        """Take out all of them."""
        errands = [errand for line in (self._again, self._errands) for _, errand in line]
        self._again.clear()
        self._errands.clear()
        return errands
