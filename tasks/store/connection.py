"""Connections to the store: explicit time-outs, no silent repeats."""

from __future__ import annotations

from redis import BlockingConnectionPool, Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tasks.redis_address import RedisAddress
from tasks.store.memory import Memory

TIMEOUT_SECONDS = 5.0


def connect(
    address: RedisAddress, memory: Memory | None = None, *, most: int = 64, timeout_seconds: float = TIMEOUT_SECONDS
) -> Redis:
    """A client that answers or raises within the time-out.

    With a memory, every new connection first looks whether Redis was started anew, and replays what it may have lost.

    redis-py 8 would repeat a failed call ten times by itself. A repeat is the caller's decision here: every Lua call
    says what a second one does.
    """
    pool = BlockingConnectionPool.from_url(
        address.for_redis_py(),
        max_connections=most,
        timeout=timeout_seconds,
        socket_timeout=timeout_seconds,
        socket_connect_timeout=timeout_seconds,
        retry=Retry(NoBackoff(), 0),
        health_check_interval=0,
    )
    client = Redis.from_pool(pool)
    if memory is not None:
        pool.connection_kwargs["redis_connect_func"] = memory.on_connect
        memory.client = client
    return client
