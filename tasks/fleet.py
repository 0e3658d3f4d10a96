"""What delivers, now: the workers and whether they make progress, the lanes, the relay's health."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from redis import Redis

from tasks.health import FRESH_US
from tasks.settings import Settings
from tasks.store.lanes import Lane, Lanes
from tasks.store.relays import RelayHealth, Relays
from tasks.store.workers import WorkerReport, Workers
from tasks.stores import make_jobs

STALLED_US = 10_000_000
"""For so long jobs may be due, and a worker that is up do nothing."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A worker as the others see it: ``up`` where it reports, ``stalled`` where it does nothing though jobs are due."""

    report: WorkerReport
    up: bool
    stalled: bool


@dataclass(frozen=True, slots=True)
class Fleet:
    """All of it at one moment, by Redis's clock."""

    now_us: int
    workers: list[Seen]
    lanes: list[Lane]
    relay: RelayHealth

    def rate(self, lane: str) -> float:
        """Attempts a second that all workers settle in a lane."""
        return sum(seen.report.rates.get(lane, 0.0) for seen in self.workers if seen.up)

    @property
    def sessions(self) -> int:
        """Open to the relay, over all workers."""
        return sum(seen.report.sessions for seen in self.workers if seen.up)


def look(settings: Settings, redis: Redis) -> Fleet:
    """Look at everything that delivers."""
    now_us = make_jobs(settings, redis).now_us()
    lanes = Lanes(redis, settings.key_prefix).all(now_us)
    relay = Relays(redis, settings.key_prefix).health(settings.relay_name)
    held_back = relay.open_until_us is not None and relay.open_until_us > now_us
    oldest = None if held_back else oldest_due_us([lane for lane in lanes if not lane.paused])
    reports = Workers(redis, settings.key_prefix).all()
    return Fleet(now_us, [_seen(report, now_us, oldest) for report in reports], lanes, relay)


def oldest_due_us(lanes: Sequence[Lane]) -> int | None:
    """Since when the first of all that are due has waited."""
    return min((lane.oldest_due_us for lane in lanes if lane.oldest_due_us is not None), default=None)


def _seen(report: WorkerReport, now_us: int, oldest: int | None) -> Seen:
    up = now_us - report.seen_us < FRESH_US
    waited = oldest is not None and now_us - oldest > STALLED_US
    return Seen(report, up, stalled=up and waited and now_us - report.progressed_us > STALLED_US)
