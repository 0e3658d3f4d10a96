"""When to try again: a pure policy, with chance handed in."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

_HINT = re.compile(
    r"(?:try|retry)\s+(?:again\s+)?(?:later\s+)?(?:in|after)\s+(\d{1,6})\s*(s|m|h)(?:ec|in|our|r)?[a-z]*\b",
    re.IGNORECASE,
)
_UNIT_SECONDS = {"s": 1, "m": 60, "h": 3600}


@dataclass(frozen=True, slots=True)
class Policy:
    """How waits grow: ``first_seconds``, doubled each time, at most ``longest_seconds``."""

    first_seconds: float = 10
    longest_seconds: float = 3600


def backoff_seconds(policy: Policy, attempt: int, jitter: float) -> float:
    """The wait after attempt 1, 2, 3 ...: exponential, and up to a quarter longer by chance.

    ``jitter`` is from 0 up to 1. It spreads out jobs that were deferred together.
    """
    doubled = policy.first_seconds * 2 ** min(attempt - 1, 30)
    return float(min(doubled, policy.longest_seconds) * (1 + jitter / 4))


def hinted_seconds(texts: Iterable[str]) -> float:
    """The longest "try again in N seconds/minutes/hours" that the server's replies name; 0 where none does."""
    hints = [int(number) * _UNIT_SECONDS[unit.lower()] for text in texts for number, unit in _HINT.findall(text)]
    return float(min(max(hints, default=0), 86_400))
