"""Is Postroom ready: does Redis answer, is a worker up and making progress, does the relay take mail."""

from __future__ import annotations

from dataclasses import dataclass

from redis import Redis
from redis.exceptions import RedisError

from tasks.settings import Settings
from tasks.store.direct import Direct
from tasks.store.refusing import ASK, Refusal, why_refusing
from tasks.store.relays import Relays
from tasks.store.workers import Workers
from tasks.stores import make_jobs

FRESH_US = 10_000_000
"""A worker that has not reported for so long is not counted on."""


_REFUSES = {Refusal.FULL: "full: its maxmemory is used up", Refusal.DISK: "cannot write to its disk"}


@dataclass(frozen=True, slots=True)
class Readiness:
    """What was looked at, each in a few words; ``ready`` where mail that is accepted now will move."""

    ready: bool
    checks: dict[str, str]


def readiness(settings: Settings, redis: Redis) -> Readiness:
    """Look at everything that mail needs. A relay that is away is told, and makes nothing unready: jobs wait for it."""
    try:
        return _look(settings, redis)
    except RedisError:
        return Readiness(False, {"redis": "away"})


def _look(settings: Settings, redis: Redis) -> Readiness:
    now_us = make_jobs(settings, redis).now_us()
    fresh = [worker for worker in Workers(redis, settings.key_prefix).all() if now_us - worker.seen_us < FRESH_US]
    health = Relays(redis, settings.key_prefix).health(settings.relay_name)
    refusing = why_refusing(Direct(redis)(*ASK))
    checks = {
        "redis": _REFUSES[refusing] if refusing else "ok",
        "appendfsync": settings.redis_fsync if settings.embeds_redis else _fsync(redis),
        "workers": f"{len(fresh)} up" if fresh else "none",
        "relay": f"held back: {health.text}" if health.is_open else "ok",
    }
    return Readiness(bool(fresh) and refusing is None, checks)


def _fsync(redis: Redis) -> str:
    """What an external Redis promises to keep when its machine crashes."""
    try:
        told = redis.config_get("append*")
    except RedisError:
        return "not told"
    fields = {_text(key): _text(value) for key, value in dict(told).items()}
    return fields.get("appendfsync", "not told") if fields.get("appendonly") == "yes" else "off"


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
