"""Worker processes as they report themselves: who is up, and whether it makes progress."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import cast

from redis import Redis

from tasks.store.keys import Keys

ALIVE_SECONDS = 60


@dataclass(frozen=True, slots=True)
class WorkerReport:
    """What a worker process says of itself, every second or so. Times are Redis's."""

    name: str
    host: str
    pid: int
    threads: int
    version: str
    started_us: int
    seen_us: int = 0
    settled: int = 0
    """Attempts, since it started."""
    rates: dict[str, float] = field(default_factory=dict)
    """Attempts a second that it settled of late, by lane."""
    progressed_us: int = 0
    """When it last settled something, or found nothing due."""
    holding: int = 0
    """The jobs in its hand: claimed, and not settled or given back."""
    held: list[tuple[str, int]] = field(default_factory=list)
    """Some of them: id, and when it claimed it."""
    sessions: int = 0
    """Open to the relay."""

    @property
    def rate(self) -> float:
        """Attempts a second that it settled of late."""
        return sum(self.rates.values())

    def dump(self) -> str:
        """As JSON."""
        return json.dumps(asdict(self), separators=(",", ":"))

    @classmethod
    def load(cls, text: str | bytes) -> WorkerReport:
        """The inverse of :meth:`dump`; what a worker of another version says besides is passed over."""
        known = {name: value for name, value in json.loads(text).items() if name in cls.__slots__}
        return cls(**known | {"held": [(job_id, since) for job_id, since in known.get("held", ())]})


class Workers:
    """The reports under one key prefix. Times are Redis's."""

    def __init__(self, redis: Redis, prefix: str) -> None:
        self._redis = redis
        self._keys = Keys(prefix)

    def report(self, worker: WorkerReport) -> None:
        """Say that this worker lives; the record goes by itself a minute after the last time."""
        key = self._keys.of("worker", worker.name)
        pipe = self._redis.pipeline(transaction=False)
        pipe.set(key, worker.dump(), ex=ALIVE_SECONDS)
        pipe.zadd(self._keys.of("workers"), {worker.name: worker.seen_us})
        pipe.zremrangebyscore(self._keys.of("workers"), "-inf", worker.seen_us - ALIVE_SECONDS * 1_000_000)
        pipe.execute()

    def gone(self, name: str) -> None:
        """This worker stops in order."""
        pipe = self._redis.pipeline(transaction=False)
        pipe.delete(self._keys.of("worker", name))
        pipe.zrem(self._keys.of("workers"), name)
        pipe.execute()

    def all(self) -> list[WorkerReport]:
        """Those that reported in the last minute, by name."""
        names = cast("list[bytes]", self._redis.zrange(self._keys.of("workers"), 0, -1))
        pipe = self._redis.pipeline(transaction=False)
        for name in names:
            pipe.get(self._keys.of("worker", name.decode()))
        found = [WorkerReport.load(record) for record in pipe.execute() if record]
        return sorted(found, key=lambda worker: worker.name)
