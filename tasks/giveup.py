"""Gives up jobs whose time is used up while nothing claims them: a relay that is away, too few workers."""

from __future__ import annotations

from redis import Redis

from tasks.domain.job import Job
from tasks.domain.settle import OUT_OF_TIME, Claim, end
from tasks.domain.states import State
from tasks.settings import Settings
from tasks.store.jobs import Change
from tasks.store.keys import LANES
from tasks.stores import make_jobs

CHUNK = 200
WAITING = (State.QUEUED, State.RETRYING)


class GiveUp:
    """Looks through the jobs that are due, a chunk of each lane a turn, in every worker; each change is made once."""

    def __init__(self, settings: Settings, redis: Redis) -> None:
        self._jobs = make_jobs(settings, redis)
        self._place = dict.fromkeys(LANES, 0)

    def turn(self) -> None:
        """Give up what is past its time in the next chunk of each lane."""
        now_us = self._jobs.now_us()
        for lane in LANES:
            ids = self._jobs.due_ids(lane, now_us, self._place[lane], CHUNK)
            over = [job for job in self._jobs.read_many(ids) if job and _is_over(job, now_us)]
            self._jobs.step([_change(job) for job in over])
            # What was given up has left the set, so the next chunk starts that much earlier.
            self._place[lane] = self._place[lane] + CHUNK - len(over) if len(ids) == CHUNK else 0


def _is_over(job: Job, now_us: int) -> bool:
    return job.head.state in WAITING and now_us > job.round_us + job.card.give_up_after_seconds * 1_000_000


def _change(job: Job) -> Change:
    claim = Claim(job.id, job.head, job.card, job.round_attempt, job.round_us)
    settlement = end(claim, OUT_OF_TIME)
    return Change(
        "settle",
        job.id,
        job.head,
        settlement.head,
        due=settlement.due,
        line=settlement.line,
        result=settlement.result,
        reason=settlement.reason,
    )
