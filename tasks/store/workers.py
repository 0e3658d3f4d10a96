"""Worker processes as they report themselves: who is up, and whether it makes progress."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, cast

from redis import Redis

from tasks.store.keys import Keys

ALIVE_SECONDS = 60


@dataclass(frozen=True, slots=True)
class WorkerReport:
    """What a worker process says of itself, every second or so. ``holding`` are the jobs that it has claimed."""

    name: str
    host: str
    pid: int
    threads: int
    version: str
    started_us: int
    seen_us: int
    settled: int
    holding: int


class Workers:
    """The reports under one key prefix. Times are Redis's."""

    def __init__(self, redis: Redis, prefix: str) -> None:
        self._redis = redis
        self._keys = Keys(prefix)

    def report(self, worker: WorkerReport) -> None:
        """Say that this worker lives; the record goes by itself a minute after the last time."""
        key = self._keys.of("worker", worker.name)
        pipe = self._redis.pipeline(transaction=False)
        pipe.hset(key, mapping=cast("dict[Any, Any]", asdict(worker)))
        pipe.expire(key, ALIVE_SECONDS)
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
            pipe.hgetall(self._keys.of("worker", name.decode()))
        records = [{key.decode(): value.decode() for key, value in record.items()} for record in pipe.execute()]
        return sorted((_report(record) for record in records if record), key=lambda worker: worker.name)


def _report(record: dict[str, str]) -> WorkerReport:
    return WorkerReport(
        name=record["name"],
        host=record["host"],
        pid=int(record["pid"]),
        threads=int(record["threads"]),
        version=record["version"],
        started_us=int(record["started_us"]),
        seen_us=int(record["seen_us"]),
        settled=int(record["settled"]),
        holding=int(record["holding"]),
    )
