"""The only reader of time and chance, so that tests can replace both.

Times that order things come from Redis (``TIME`` in the scripts); these are for spans, ids and the ``Date`` header.
"""

from __future__ import annotations

import os
import random
import time
from datetime import UTC, datetime
from functools import lru_cache


def now() -> datetime:
    """This host's wall clock, in UTC."""
    return datetime.now(UTC)


def now_us() -> int:
    """This host's wall clock, in microseconds since 1970."""
    return time.time_ns() // 1000


def monotonic() -> float:
    """Seconds of a clock that never steps: for spans and time-outs."""
    return time.monotonic()


def random_bytes(count: int) -> bytes:
    """Bytes nobody can guess, for ids."""
    return os.urandom(count)


def jitter() -> float:
    """A number from 0 up to 1, for spreading out retries."""
    return random.random()


def from_us(microseconds: int) -> datetime:
    """The UTC instant that many microseconds after 1970."""
    return datetime.fromtimestamp(microseconds / 1_000_000, UTC)


def to_us(instant: datetime) -> int:
    """The inverse of :func:`from_us`; the instant must carry its zone."""
    return round(instant.timestamp() * 1_000_000)


@lru_cache(maxsize=1024)  # a new job's document says its acceptance three times
def rfc3339(microseconds: int, precision: str = "milliseconds") -> str:
    """An instant as the API writes it: UTC, milliseconds, Z (RFC 3339)."""
    return from_us(microseconds).isoformat(timespec=precision).replace("+00:00", "Z")
