"""The dead letters, grouped by the reason that they died of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

from redis import Redis

from tasks.store.keys import Keys

MOST_REASONS = 1_000
"""The reasons that are looked through: replies may each carry a number of their own."""


@dataclass(frozen=True, slots=True)
class Group:
    """The dead letters of one reason."""

    digest: str
    reason: str
    count: int
    newest_us: int


class DeadLetters:
    """Reads them under one key prefix."""

    def __init__(self, redis: Redis, prefix: str) -> None:
        self._redis = redis
        self._keys = Keys(prefix)

    def groups(self) -> tuple[list[Group], bool]:
        """The largest group first; and whether that are all (there may be more reasons than are looked through)."""
        reasons, complete = self._reasons()
        pipe = self._redis.pipeline(transaction=False)
        for digest in reasons:
            pipe.zcard(self._keys.of("dead", digest))
            pipe.zrevrange(self._keys.of("dead", digest), 0, 0, withscores=True)
        answers: list[Any] = pipe.execute()
        groups = [
            Group(digest, reason, answers[2 * at], int(answers[2 * at + 1][0][1]))
            for at, (digest, reason) in enumerate(reasons.items())
            if answers[2 * at + 1]  # the last of them may have been retried meanwhile
        ]
        return sorted(groups, key=lambda group: (-group.count, -group.newest_us, group.digest)), complete

    def reason(self, digest: str) -> str | None:
        """What a digest stands for; None where nobody is dead of it any more."""
        found = cast("bytes | None", self._redis.hget(self._keys.of("reasons"), digest))
        return None if found is None else found.decode()

    def _reasons(self) -> tuple[dict[str, str], bool]:
        found: dict[str, str] = {}
        cursor = 0
        while True:
            cursor, part = cast(
                "tuple[int, dict[bytes, bytes]]", self._redis.hscan(self._keys.of("reasons"), cursor, count=500)
            )
            found |= {digest.decode(): reason.decode() for digest, reason in part.items()}
            if cursor == 0 or len(found) >= MOST_REASONS:
                return found, cursor == 0
