"""The threads beside the couriers, in every worker and none special: dispatcher, heartbeat, reaper.

The dispatcher rings wake-ups for whatever is due, so that scheduled mail, retries, lapsed leases and lost wake-ups all
start without anybody's memory of them. A ring that is lost or doubled does no harm.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from celery import Celery
from redis import Redis
from redis.exceptions import RedisError

from tasks import clock
from tasks.app import queue_key
from tasks.bell import Ringer
from tasks.courier import Couriers
from tasks.hearing import Hearing
from tasks.settings import Settings
from tasks.store.keys import LANES, Keys
from tasks.store.scripts import script
from tasks.stores import make_jobs

log = logging.getLogger("postroom")

DISPATCH_SECONDS = 0.2
ON_ITS_WAY_US = 50_000
"""A job that has been due for less is left to the wake-up of its acceptance: ringing meanwhile only delays it."""
REPORT_SECONDS = 1.0
GIVE_UP_SECONDS = 2.0
PURGE_SECONDS = 60.0
BULK_SECONDS = 0.3
LOST_RING_SECONDS = 3.0


class Dispatcher:
    """Looks several times a second at what is due, and rings as many wake-ups as this process has free hands."""

    def __init__(
        self, settings: Settings, redis: Redis, app: Celery, couriers: Couriers, end_process: Callable[[], None]
    ) -> None:
        self._settings = settings
        self._ringer = Ringer(app)
        self._couriers = couriers
        self._look = script(redis, "look")
        self._queue = queue_key(settings) if settings.one_redis else ""
        self._rung = 0
        self._rung_at = 0.0
        self._hearing = Hearing()
        self._end_process = end_process

    def turn(self) -> None:
        """Ring for what is due and has no wake-up yet."""
        self._couriers.close_idle()
        hands = self._couriers.idle_hands()
        if hands <= 0:
            self._hearing.hands_are_full()
            return
        due, waiting = self._look(
            args=[self._settings.key_prefix, self._settings.relay_name, hands, self._queue, ON_ITS_WAY_US, *LANES]
        )
        if not due:
            self._couriers.nothing_due_at = clock.monotonic()
        # Celery's consumer may wait to connect again, or be wedged: mail need not wait for what only carries wake-ups.
        helps = self._hearing.needs_help(due, self._couriers.last_heard)
        if helps:
            self._couriers.look()
        self._ring(min(due, hands) - (waiting if self._queue else self._unheard()))
        if helps and self._hearing.is_wedged:
            # Liveness is progress, not process: the supervisor starts a worker that works.
            log.error("worker: jobs are due and Celery hands over no wake-up; it ends, to be started anew")
            self._end_process()

    def _ring(self, times: int) -> None:
        for _ in range(times):
            if not self._ringer.ring():
                self._hearing.broker_is_away()
                return
            self._rung += 1
            self._rung_at = clock.monotonic()

    def _unheard(self) -> int:
        """Where the broker's queue cannot be looked at: how many of our rings are on their way. After some seconds they
        are taken for lost."""
        if self._couriers.last_heard > self._rung_at or clock.monotonic() - self._rung_at > LOST_RING_SECONDS:
            self._rung = 0
        return self._rung


class Heartbeat:
    """Extends, in one call, the leases of the jobs that this process itself knows it is working on."""

    def __init__(self, settings: Settings, redis: Redis, couriers: Couriers) -> None:
        self._settings = settings
        self._couriers = couriers
        self._extend = script(redis, "extend")

    def turn(self) -> None:
        """Extend what is being worked on."""
        leases = self._couriers.leases()
        if leases:
            flat = [part for lease in leases for part in lease]
            self._extend(args=[self._settings.key_prefix, int(self._settings.lease_seconds * 1_000_000), *flat])


class Reaper:
    """Removes final jobs past their retention; one worker at a time does it."""

    def __init__(self, settings: Settings, redis: Redis) -> None:
        self._redis = redis
        self._lock = Keys(settings.key_prefix).of("reaper")
        self._jobs = make_jobs(settings, redis)

    def turn(self) -> None:
        """Purge in chunks, so that no call keeps Redis long."""
        if not self._redis.set(self._lock, 1, nx=True, ex=int(PURGE_SECONDS)):
            return
        while self._jobs.purge():
            pass


class Beat(threading.Thread):
    """Takes a turn of something every so many seconds; a Redis that is away is waited for."""

    def __init__(self, name: str, turn: Callable[[], None], seconds: float, stopping: threading.Event) -> None:
        super().__init__(name=name, daemon=True)
        self._turn = turn
        self._seconds = seconds
        self._stopping = stopping
        self._away = False

    def run(self) -> None:
        """Until the worker stops; the first turn at once, so that a worker that is up is seen at once."""
        while not self._stopping.is_set():
            try:
                self._turn()
                self._say(away=False)
            except (RedisError, OSError) as problem:
                self._say(away=True, why=str(problem))
            self._stopping.wait(self._seconds)

    def _say(self, *, away: bool, why: str = "") -> None:
        if away and not self._away:
            log.warning("%s: Redis is away (%s); waiting for it", self.name, why)
        elif self._away and not away:
            log.warning("%s: Redis is back", self.name)
        self._away = away
