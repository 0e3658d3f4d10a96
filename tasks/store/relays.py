"""What is known of a relay's health: its circuit breaker, shared by all workers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

from redis import Redis

from tasks.store.keys import Keys
from tasks.store.scripts import script

OPENS_AFTER = 3
FIRST_PAUSE_US = 1_000_000
LONGEST_PAUSE_US = 60_000_000


@dataclass(frozen=True, slots=True)
class RelayHealth:
    """How a relay is: ``open_until_us`` is set while its breaker holds mail back."""

    name: str
    failures: int = 0
    open_until_us: int | None = None
    failed_at_us: int | None = None
    kind: str = ""
    text: str = ""

    @property
    def is_open(self) -> bool:
        """Mail waits: nothing is handed to it but one job at a time, as a probe."""
        return self.open_until_us is not None


class Relays:
    """The breakers under one key prefix."""

    def __init__(self, redis: Redis, prefix: str) -> None:
        self._redis = redis
        self._keys = Keys(prefix)
        self._failed = script(redis, "relay_failed")

    def failed(self, name: str, kind: str, text: str) -> int:
        """Count a failure to open a session; the pause in microseconds, 0 while the breaker stays closed."""
        arguments: list[Any] = [
            self._keys.prefix,
            name,
            OPENS_AFTER,
            FIRST_PAUSE_US,
            LONGEST_PAUSE_US,
            kind,
            text[:500],
        ]
        return int(cast(int, self._failed(args=arguments)))

    def answered(self, name: str) -> None:
        """A session was opened: all is forgotten."""
        if self._redis.delete(self._keys.of("relay", name)):
            self._redis.incr(self._keys.of("revision"))

    def health(self, name: str) -> RelayHealth:
        """How it is, now."""
        record = cast("dict[bytes, bytes]", self._redis.hgetall(self._keys.of("relay", name)))
        return health_of(name, record)


def health_of(name: str, record: dict[bytes, bytes]) -> RelayHealth:
    """A relay's health as its record says it."""
    fields = {key.decode(): value.decode() for key, value in record.items()}
    return RelayHealth(
        name=name,
        failures=int(fields.get("failures", 0)),
        open_until_us=int(fields["open_until"]) if "open_until" in fields else None,
        failed_at_us=int(fields["failed_at"]) if "failed_at" in fields else None,
        kind=fields.get("kind", ""),
        text=fields.get("text", ""),
    )
