"""Whether Redis refuses to write is known before somebody finds out by trying."""

from __future__ import annotations

from redis import Redis

from tasks.health import readiness
from tasks.settings import Settings
from tasks.store.attention import attention
from tasks.store.direct import Direct
from tasks.store.refusing import ASK, Refusal, why_refusing


def test_a_redis_without_a_limit_and_one_that_has_room_refuse_nothing(redis: Redis) -> None:
    assert why_refusing(Direct(redis)(*ASK)) is None
    redis.config_set("maxmemory", "1gb")
    try:
        assert why_refusing(Direct(redis)(*ASK)) is None
    finally:
        redis.config_set("maxmemory", 0)


def test_a_full_one_is_known_to_everybody(redis: Redis, settings: Settings) -> None:
    redis.config_set("maxmemory", 1)
    try:
        assert why_refusing(Direct(redis)(*ASK)) is Refusal.FULL
        assert attention(redis, settings.key_prefix, "relay").refusing is Refusal.FULL
        state = readiness(settings, redis)
    finally:
        redis.config_set("maxmemory", 0)
    assert (state.ready, state.checks["redis"]) == (False, "full: its maxmemory is used up")


def test_what_redis_does_not_count_is_not_counted_here() -> None:
    told = b"used_memory:1100\r\nmaxmemory:1000\r\nmem_not_counted_for_evict:%d\r\n"
    assert why_refusing(told % 100) is None
    assert why_refusing(told % 99) is Refusal.FULL


def test_one_whose_disk_refused_it_refuses_us() -> None:
    told = b"# Persistence\r\nmaxmemory:0\r\naof_last_write_status:%s\r\n"
    assert why_refusing(told % b"err") is Refusal.DISK
    assert why_refusing(told % b"ok") is None
