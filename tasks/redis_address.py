"""One Redis address, read from either spelling and written in both.

Celery spells a socket ``redis+socket:///path?virtual_host=N``, redis-py ``unix:///path?db=N``; TCP is the same in both.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qs, quote, unquote, urlsplit

REDIS_SCHEMES = ("redis", "rediss", "unix", "redis+socket")
SOCKET_PATH_LIMIT = 107
"""The longest path that a Unix socket can have, in bytes (``sun_path`` of unix(7), less its final NUL)."""


@dataclass(frozen=True, slots=True)
class RedisAddress:
    """Where a Redis is: a socket path, or the URL of a host."""

    path: str | None = None
    url: str | None = None
    database: int = 0

    @classmethod
    def parse(cls, text: str) -> RedisAddress:
        """Read ``redis://``, ``rediss://``, ``unix://`` or ``redis+socket://``; ValueError says what is wrong."""
        parts = urlsplit(text)
        query = parse_qs(parts.query)
        if parts.scheme in ("unix", "redis+socket"):
            if not parts.path:
                raise ValueError("it names no socket path")
            number = (query.get("db") or query.get("virtual_host") or ["0"])[0].lstrip("/")
            return cls(path=unquote(parts.path), database=_database(number))
        if parts.scheme in ("redis", "rediss"):
            if not parts.hostname:
                raise ValueError("it names no host")
            number = parts.path.strip("/") or (query.get("db") or ["0"])[0]
            return cls(url=parts._replace(path="", query="").geturl(), database=_database(number))
        raise ValueError(must_start_with(*REDIS_SCHEMES))

    def for_redis_py(self) -> str:
        """As redis-py's ``from_url`` takes it."""
        if self.path is not None:
            return f"unix://{quote(self.path)}?db={self.database}"
        return f"{self.url}/{self.database}"

    def for_celery(self) -> str:
        """As Celery's broker and result backend take it."""
        if self.path is not None:
            return f"redis+socket://{quote(self.path)}?virtual_host={self.database}"
        return f"{self.url}/{self.database}"

    @property
    def shown(self) -> str:
        """For people: without a password."""
        if self.path is not None:
            return self.path
        parts = urlsplit(self.url or "")
        return f"{parts.hostname}:{parts.port or 6379}/{self.database}"


def must_start_with(*schemes: str) -> str:
    """What to say of an address that starts with none of these."""
    *most, last = (f"{scheme}://" for scheme in schemes)
    return f"it must start with {', '.join(most)} or {last}"


def _database(text: str) -> int:
    if not text.isdigit():
        raise ValueError(f"its database {text!r} is not a number")
    return int(text)
