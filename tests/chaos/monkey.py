"""A seeded schedule of faults. Each is made, and undone, while jobs flow."""

from __future__ import annotations

import random
import signal
import time
from collections import Counter
from collections.abc import Callable

from redis.exceptions import RedisError

from tasks.app import queue_key
from tasks.desk import Desk
from tests.chaos.town import WORKERS, SinkProcess, Town

LEASE_SECONDS = 3.0


class Monkey:
    """What it does is drawn from its seed; ``did`` counts it for the table."""

    def __init__(self, town: Town, sink: SinkProcess, seed: int) -> None:
        self.did: Counter[str] = Counter()
        self.windows = 0
        """How often a worker was killed, or stopped past its lease: each may leave every session's dot unanswered."""
        self._town = town
        self._sink = sink
        self._chance = random.Random(seed)
        self._later: list[tuple[float, Callable[[], None]]] = []
        self._faults: list[tuple[int, str, Callable[[], None]]] = [
            (4, "kill -9 a worker", self._kill_worker),
            (3, "stop a worker past its lease", self._stop_worker),
            (2, "kill -9 the web server", self._kill_web),
            (3, "kill -9 Redis", self._kill_redis),
            (3, "cut all connections to Redis", self._cut_redis),
            (2, "empty Celery's queue", self._empty_queue),
            (2, "delete Celery's queue", self._delete_queue),
            (2, "double the wake-ups", self._double_wake_ups),
            (2, "the relay is away", self._relay_away),
        ]

    def run(self, seconds: float) -> None:
        """Do mischief for so long, then undo all of it."""
        ends = time.monotonic() + seconds
        weights = [weight for weight, _, _ in self._faults]
        while time.monotonic() < ends:
            self._wait(self._chance.uniform(0.3, 1.6))
            _, name, fault = self._chance.choices(self._faults, weights)[0]
            self.did[name] += 1
            fault()
        while self._later:
            self._wait(0.1)

    def _wait(self, seconds: float) -> None:
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            for due, action in [each for each in self._later if each[0] <= time.monotonic()]:
                self._later.remove((due, action))
                action()
            time.sleep(0.02)

    def _soon(self, seconds: float, action: Callable[[], None]) -> None:
        self._later.append((time.monotonic() + seconds, action))

    def _kill_worker(self) -> None:
        self._town.kill(self._chance.choice(WORKERS))
        self.windows += 1

    def _stop_worker(self) -> None:
        name = self._chance.choice(WORKERS)
        process = self._town.processes[name]
        if not process.running:
            return
        pid = process.pid  # now: by then it may have been killed
        process.signal(signal.SIGSTOP)
        self.windows += 1
        self._soon(LEASE_SECONDS + self._chance.uniform(0.3, 2.5), lambda: self._go_on(name, pid))

    def _go_on(self, name: str, pid: int) -> None:
        process = self._town.processes[name]
        if process.running and process.pid == pid:
            process.signal(signal.SIGCONT)

    def _kill_web(self) -> None:
        self._town.kill("web")

    def _kill_redis(self) -> None:
        self._town.kill_redis()
        self._wait(self._chance.uniform(0, 0.8))
        self._town.redis_process.start()

    def _cut_redis(self) -> None:
        self._ask(lambda: self._town.redis.client_kill_filter(_type="normal", skipme=True))

    def _delete_queue(self) -> None:
        self._ask(lambda: self._town.redis.delete(queue_key(self._town.settings)))

    def _empty_queue(self) -> None:
        """And for a while, whatever comes into it."""
        for _ in range(10):
            self._delete_queue()
            self._wait(0.03)

    def _double_wake_ups(self) -> None:
        desk = Desk(self._town.settings, self._town.redis)
        wake_up = desk._wake("0" * 26)
        assert wake_up is not None
        self._ask(lambda: self._town.redis.lpush(wake_up.queue, *[wake_up.message] * 30))

    def _relay_away(self) -> None:
        self._sink.tell(f"away {self._chance.uniform(0.2, 1.5):.2f}")

    def _ask(self, action: Callable[[], object]) -> None:
        try:
            action()
        except RedisError:
            self.did["(Redis did not answer the monkey)"] += 1
