"""Waiting for a job to become final, within bounds: each waiter holds one of the web server's threads."""

from __future__ import annotations

import time
from threading import BoundedSemaphore

from tasks import clock
from tasks.domain.job import Job
from tasks.domain.states import is_final
from tasks.store.jobs import Jobs

MOST_SECONDS = 30
MOST_WAITERS = 2
"""In one process: half of its threads. Who comes when all are taken is answered at once."""
PAUSE_SECONDS = 0.1
_places = BoundedSemaphore(MOST_WAITERS)


def until_final(jobs: Jobs, job_id: str, seconds: float) -> Job | None:
    """The job as it is when final, or when the time is up; None where there is none (any more)."""
    job = jobs.read(job_id)
    if job is None or seconds <= 0 or not _places.acquire(blocking=False):
        return job
    try:
        return _watched(jobs, job, clock.monotonic() + seconds)
    finally:
        _places.release()


def _watched(jobs: Jobs, job: Job, end: float) -> Job | None:
    seen: Job | None = job
    while seen is not None and not is_final(seen.head.state):
        left = end - clock.monotonic()
        if left <= 0:
            break
        time.sleep(min(PAUSE_SECONDS, left))
        if jobs.revision(seen.id) != seen.head.revision:
            seen = jobs.read(seen.id)
    return seen
