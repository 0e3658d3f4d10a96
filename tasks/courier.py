"""The threads of a worker process that deliver: each waits for a wake-up, and has a carousel with its open sessions."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from queue import SimpleQueue

from redis import Redis
from redis.exceptions import RedisError

from tasks import clock
from tasks.ledger import LedgerOfThread
from tasks.settings import Settings
from tasks.smtp.carousel import Carousel
from tasks.smtp.relay import Relay
from tasks.solitude import Solitude
from tasks.store.memory import Memory

log = logging.getLogger("postroom")

SLICE_SECONDS = 10.0
"""How long one wake-up is kept: brokers want them acknowledged in time (RabbitMQ closes a channel after 30 minutes)."""
AWAY_SECONDS = 0.3
IDLE_SECONDS = 10.0
"""How long a session is kept open that nobody uses."""

Acknowledge = Callable[[], object]
"""Tells Celery that a wake-up is done with, so that it brings another."""


def _nobody_waits() -> None:
    """No wake-up is to be acknowledged."""


@dataclass(slots=True)
class Courier:
    """One thread's carousel and ledger. ``busy`` is held while it runs; whoever closes idle sessions takes it too."""

    carousel: Carousel
    ledger: LedgerOfThread
    busy: threading.Lock = field(default_factory=threading.Lock)
    idle_since: float = 0.0


class Couriers:
    """All couriers of this process."""

    def __init__(self, settings: Settings, redis: Redis, worker: str, memory: Memory | None = None) -> None:
        self._settings = settings
        self._memory = memory
        self._redis = redis
        self._worker = worker
        self._relay = Relay.from_settings(settings)
        self._solitude = Solitude()
        self._wake_ups: SimpleQueue[Acknowledge | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self.all: list[Courier] = []
        self._pause = threading.Event()
        self.stopping = threading.Event()
        self.last_heard = clock.monotonic()
        """When a wake-up last came through Celery."""
        self.nothing_due_at = clock.monotonic()
        """When the dispatcher last found nothing to do."""

    def start(self) -> None:
        """Start the threads."""
        for number in range(self._settings.worker_threads):
            courier = self._hire()
            self._threads.append(
                threading.Thread(target=self._work, args=[courier], name=f"courier-{number}", daemon=True)
            )
            self._threads[-1].start()

    def wake(self, acknowledge: Acknowledge) -> None:
        """Something is due. A free thread sees to it, now or when there is one, and acknowledges when its run is over:
        wake-ups that come meanwhile are for others."""
        self.last_heard = clock.monotonic()
        self._wake_ups.put(acknowledge)

    def look(self) -> None:
        """Something is due, and no wake-up says so: a free thread sees to it all the same."""
        self._wake_ups.put(_nobody_waits)

    def _hire(self) -> Courier:
        """One courier more."""
        ledger = LedgerOfThread(self._settings, self._redis, self._worker, self._memory, self._solitude)
        courier = Courier(Carousel(self._relay, ledger, self._settings.smtp_sessions), ledger)
        self.all.append(courier)
        return courier

    def _work(self, courier: Courier) -> None:
        while acknowledge := self._wake_ups.get():
            try:
                self._deliver(courier)
            except Exception:
                # A fault costs the job that it met with (its lease lapses, at last it is dead), not the thread.
                log.exception("deliver: this is a fault of Postroom's")
            acknowledge()

    def _deliver(self, courier: Courier) -> None:
        """What a wake-up leads to: claim and send until nothing is due, the slice is over or the worker stops."""
        if self.stopping.is_set():
            return
        ends = clock.monotonic() + SLICE_SECONDS
        with courier.busy:
            try:
                self._run(courier, lambda: self.stopping.is_set() or clock.monotonic() > ends)
            finally:
                courier.idle_since = clock.monotonic()

    def _run(self, courier: Courier, until: Callable[[], bool]) -> None:
        """A slice; while Redis is away, what it must still be told is kept, and the thread waits for it.

        An error of Redis decides no job's fate: what was claimed is still due when its lease ends.
        """
        gives_up: float | None = None
        while True:
            try:
                courier.carousel.run(until)
            except RedisError as problem:
                log.warning("deliver: Redis is away (%s); waiting for it", problem)
            else:
                return
            if self.stopping.is_set():
                gives_up = gives_up or clock.monotonic() + self._settings.shutdown_seconds
                if clock.monotonic() > gives_up:
                    return
            self._pause.wait(AWAY_SECONDS)

    def idle_hands(self) -> int:
        """How many threads could take a wake-up now."""
        return self._settings.worker_threads - sum(courier.busy.locked() for courier in list(self.all))

    def leases(self) -> list[tuple[str, int]]:
        """All jobs that the threads of this process are working on."""
        return [lease for courier in list(self.all) for lease in courier.ledger.leases()]

    def settled(self) -> int:
        """How many attempts were settled here: a worker whose number stands still while jobs wait is wedged."""
        return sum(courier.ledger.settled for courier in list(self.all))

    def settled_by_lane(self) -> Counter[str]:
        """The same, lane by lane."""
        return sum((courier.ledger.settled_in for courier in list(self.all)), Counter[str]())

    def sessions(self) -> int:
        """How many sessions to the relay are open, or being opened."""
        return sum(len(courier.carousel._pool.connections) for courier in list(self.all))

    def stop(self) -> None:
        """Begin nothing more: give back what is not begun, and wait a bounded time for the replies to final dots."""
        self.stopping.set()
        for courier in list(self.all):
            courier.carousel.drain(self._settings.shutdown_seconds)

    def close_idle(self) -> None:
        """Say QUIT on sessions that nobody has used for a while."""
        for courier in list(self.all):
            if courier.idle_since and clock.monotonic() - courier.idle_since > IDLE_SECONDS:
                self._close(courier)

    def close(self) -> None:
        """The worker stops: wait for what is in hand, and say QUIT."""
        if not self.stopping.is_set():
            self.stop()
        for _ in self._threads:
            self._wake_ups.put(None)
        for thread in self._threads:
            thread.join()
        for courier in list(self.all):
            self._close(courier)

    def _close(self, courier: Courier) -> None:
        if courier.busy.acquire(blocking=False):
            try:
                courier.carousel.close()
                courier.idle_since = 0.0
            finally:
                courier.busy.release()
