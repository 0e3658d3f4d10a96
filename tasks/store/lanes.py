"""The lanes, one a priority: how much waits in each, and which of them an operator paused."""

from __future__ import annotations

from dataclasses import dataclass

from redis import Redis

from tasks.store.keys import LANES, Keys


@dataclass(frozen=True, slots=True)
class Lane:
    """A lane now. ``due`` wait for a worker; ``later`` have their time still to come, or are in a worker's hand."""

    name: str
    paused: bool
    due: int
    later: int
    oldest_due_us: int | None
    """Since when the first of the due has waited."""


class Lanes:
    """The lanes under one key prefix."""

    def __init__(self, redis: Redis, prefix: str) -> None:
        self._redis = redis
        self._keys = Keys(prefix)

    def all(self, now_us: int) -> list[Lane]:
        """Every lane, in the order in which they are drained, in one round trip."""
        pipe = self._redis.pipeline(transaction=False)
        pipe.smembers(self._keys.of("paused"))
        for name in LANES:
            due = self._keys.due(name)
            pipe.zcount(due, "-inf", now_us)
            pipe.zcount(due, f"({now_us}", "+inf")
            pipe.zrange(due, 0, 0, withscores=True)
        paused, *answers = pipe.execute()
        return [
            _lane(name, name.encode() in paused, now_us, *answers[at * 3 : at * 3 + 3]) for at, name in enumerate(LANES)
        ]

    def pause(self, name: str) -> None:
        """Let no worker claim from this lane; what is in hand goes on."""
        self._set("sadd", name)

    def resume(self, name: str) -> None:
        """Let workers claim from it again; a dispatcher rings for what is due."""
        self._set("srem", name)

    def _set(self, command: str, name: str) -> None:
        if name not in LANES:
            raise ValueError(f"{name} is not a lane")
        pipe = self._redis.pipeline(transaction=True)
        getattr(pipe, command)(self._keys.of("paused"), name)
        pipe.incr(self._keys.of("revision"))
        pipe.execute()


def _lane(name: str, paused: bool, now_us: int, due: int, later: int, first: list[tuple[bytes, float]]) -> Lane:
    oldest = int(first[0][1]) if first and first[0][1] <= now_us else None
    return Lane(name, paused, due, later, oldest)
