"""What a worker thread asks Redis for when it claims, and what the answer means."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from redis import Redis

from tasks.domain.job import Card, Head
from tasks.domain.settle import Claim
from tasks.settings import Settings
from tasks.solitude import Way
from tasks.store.jobs import Jobs
from tasks.store.keys import LANES
from tasks.store.scripts import script

log = logging.getLogger("postroom")

MOST_AT_ONCE = 50
LARGEST = 16_384
"""The message of a job that is claimed by itself comes with the claim, up to so many bytes."""
_LOW_LANES_TURN = 8
"""Every so many claims start with the lowest lane, so that a stream of urgent mail does not starve it."""
PROBE_US = 15_000_000


@dataclass(frozen=True, slots=True)
class Claimed:
    """What a claim gave."""

    now_us: int
    """By Redis's clock."""
    taken: list[tuple[Claim, bytes | None]]
    """Jobs that are the thread's own now, each with its message; None where that is gone."""
    lapsed: list[Claim]
    """Their lease lapsed after the intent: to be settled from there."""
    poison: list[Claim]
    """To be settled as dead."""
    passed_over: bool
    """A job that must be alone was due, and was not given."""


class Claiming:
    """The claims of one thread."""

    def __init__(self, settings: Settings, redis: Redis, jobs: Jobs) -> None:
        self._settings = settings
        self._jobs = jobs
        self.script = script(redis, "claim")
        self.lease_us = int(settings.lease_seconds * 1_000_000)
        self._claims = 0

    def arguments(self, want: int, way: Way) -> list[Any]:
        """What ``lua/claim.lua`` is told."""
        self._claims += 1
        lanes = LANES if self._claims % _LOW_LANES_TURN else tuple(reversed(LANES))
        return [
            self._jobs.keys.prefix,
            min(want, MOST_AT_ONCE) if way is Way.SHARED else MOST_AT_ONCE,
            self._settings.smtp_sessions,
            self.lease_us,
            self._settings.relay_name,
            PROBE_US,
            way.value,
            self._jobs.result_seconds,
            LARGEST,
            *lanes,
        ]

    def read(self, answer: Sequence[Any]) -> Claimed:
        """What the answer means; contents that did not come along are read here."""
        now_us, entries, passed_over = answer
        claimed = Claimed(int(now_us), [], [], [], bool(passed_over))
        for verdict, job_id, head, card, round_, *content in entries:
            if verdict == b"damaged":
                log.error("job %s: its record in Redis is damaged; it is looked at again in an hour", job_id.decode())
                continue
            claim = _claim(job_id, head, card, round_)
            if verdict == b"claimed":
                claimed.taken.append((claim, content[0]))
            else:
                (claimed.poison if verdict == b"poison" else claimed.lapsed).append(claim)
        return claimed if all(content for _, content in claimed.taken) else self._completed(claimed)

    def _completed(self, claimed: Claimed) -> Claimed:
        """With the contents that did not come along."""
        missing = [claim.job_id for claim, content in claimed.taken if content is None]
        found = dict(zip(missing, self._jobs.contents(missing), strict=True))
        taken = [(claim, content or found[claim.job_id]) for claim, content in claimed.taken]
        return replace(claimed, taken=taken)


def _claim(job_id: bytes, head: bytes, card: bytes | None, round_: bytes) -> Claim:
    attempt, us = round_.split(b" ")
    parsed = Head.parse(head.decode())
    return Claim(job_id.decode(), parsed, Card.of_record(card, parsed), int(attempt), int(us))
