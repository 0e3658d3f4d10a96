"""Each worker tells the others, every second, that it lives, what it has in hand, and whether it makes progress."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import replace

from redis import Redis

from tasks import clock
from tasks.courier import Couriers
from tasks.settings import Settings
from tasks.store.keys import LANES
from tasks.store.workers import WorkerReport, Workers
from tasks.stores import make_jobs

MOST_HELD = 20
"""The jobs in hand that a report names."""
_RATE_SECONDS = 10.0


class Reporter:
    """Writes one worker's report."""

    def __init__(self, settings: Settings, redis: Redis, couriers: Couriers, template: WorkerReport) -> None:
        self._jobs = make_jobs(settings, redis)
        self._couriers = couriers
        self._template = template
        self._workers = Workers(redis, settings.key_prefix)
        self._settled_before: deque[tuple[float, Counter[str]]] = deque()
        self._turned_at = clock.monotonic()
        self._progressed_us: int | None = None

    def turn(self) -> None:
        """Report once."""
        now_us, now = self._jobs.now_us(), clock.monotonic()
        settled, held = self._couriers.settled_by_lane(), self._couriers.leases()
        if self._has_progressed(settled):
            self._progressed_us = now_us
        self._turned_at = now
        self._workers.report(
            replace(
                self._template,
                seen_us=now_us,
                settled=settled.total(),
                rates=self._rates(now, settled),
                progressed_us=self._progressed_us or now_us,
                holding=len(held),
                held=held[:MOST_HELD],  # a token is the instant of its claim
                sessions=self._couriers.sessions(),
            )
        )

    def gone(self) -> None:
        """Report for the last time."""
        self._workers.gone(self._template.name)

    def _has_progressed(self, settled: Counter[str]) -> bool:
        """Something was settled since the last report, or nothing was due."""
        first = self._progressed_us is None
        before = self._settled_before[-1][1] if self._settled_before else Counter[str]()
        return first or settled != before or self._couriers.nothing_due_at > self._turned_at

    def _rates(self, now: float, settled: Counter[str]) -> dict[str, float]:
        """Over the last seconds."""
        self._settled_before.append((now, settled))
        while now - self._settled_before[0][0] > _RATE_SECONDS:
            self._settled_before.popleft()
        at, before = self._settled_before[0]
        return {lane: round((settled[lane] - before[lane]) / (now - at), 2) if now > at else 0.0 for lane in LANES}
