"""What the tests of claims do to jobs and leases."""

from __future__ import annotations

from typing import Any

from redis import Redis

from tasks.domain.job import Head, Outcome
from tasks.ledger import LedgerOfThread
from tasks.settings import Settings
from tasks.smtp.errand import Errand, Reached, Reply, Report
from tasks.store.jobs import Jobs


class Ledger(LedgerOfThread):
    """With the two halves of a turn."""

    def claim(self, want: int) -> list[Errand]:
        return self.turn([], [], want)[1]

    def step(self, reports: list[Report], intents: list[Errand]) -> list[bool]:
        return self.turn(reports, intents, 0)[0]


def report(errand: Errand, outcome: Outcome, reply: Reply | None = None, **changes: Any) -> Report:
    count = len(errand.rcpt_tos)
    return Report(errand, Reached.DOT, [outcome] * count, [reply or Reply(250, "OK")] * count, **changes)


def lapse(redis: Redis, settings: Settings, job_id: str) -> None:
    """Let the lease of a job end now."""
    for lane in ("high", "normal", "low"):
        redis.zadd(f"{settings.key_prefix}due:{lane}", {job_id: 1}, xx=True)


def head_of(jobs: Jobs, job_id: str) -> Head:
    job = jobs.read(job_id)
    assert job is not None
    return job.head
