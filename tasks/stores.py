"""The store as the settings say: the one place where settings and store meet."""

from __future__ import annotations

from redis import Redis

from tasks.settings import Settings
from tasks.store.jobs import Jobs
from tasks.store.memory import Memory


def make_memory(settings: Settings) -> Memory | None:
    """What this process remembers for a Redis that may forget; None where it cannot (``appendfsync always``)."""
    if settings.replay_seconds == 0:
        return None
    retention_us = int(settings.retention_days * 86_400_000_000)
    return Memory(settings.key_prefix, settings.replay_seconds, retention_us, settings.result_seconds)


def make_jobs(settings: Settings, redis: Redis, memory: Memory | None = None) -> Jobs:
    """The jobs in a Redis."""
    return Jobs(
        redis,
        settings.key_prefix,
        retention_seconds=settings.retention_days * 86_400,
        result_seconds=settings.result_seconds,
        memory=memory,
    )
