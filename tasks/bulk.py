"""Does bulks in the background: one verb for all jobs that were meant when it was asked for, and for nothing later.

Runs in every worker; a lease lets one at a time be at a bulk. A chunk is noted before its jobs are changed, each change
is the same compare-and-set as a single verb's and notes the bulk in the job's log. So whoever finds a chunk that a lost
worker left half done sees what is done already, goes on, and counts every job once.
"""

from __future__ import annotations

from dataclasses import replace

from redis import Redis

from tasks import clock
from tasks.domain.job import Job
from tasks.domain.verbs import plan
from tasks.settings import Settings
from tasks.store.bulks import Bulk, Bulks, Chunk, Tally
from tasks.store.finder import LOOK_AT_MOST, Finder
from tasks.store.index import Place
from tasks.store.jobs import Change
from tasks.store.memory import Memory
from tasks.stores import make_jobs

CHUNK = 200
AT_ONCE = 50
"""Jobs changed in one call: Redis does nothing else meanwhile."""
TURN_SECONDS = 2.0
_RACES = 3


class BulkRunner:
    """Goes on with the bulks that no other worker is at."""

    def __init__(self, settings: Settings, redis: Redis, worker: str, memory: Memory | None = None) -> None:
        self._worker = worker
        self._jobs = make_jobs(settings, redis, memory)
        self._finder = Finder(self._jobs)
        self._bulks = Bulks(redis, settings.key_prefix)

    def turn(self) -> None:
        """A chunk of each in turn, for a while."""
        ends = clock.monotonic() + TURN_SECONDS
        while clock.monotonic() < ends:
            mine = [bulk for bulk in self._bulks.under_way() if self._bulks.hold(bulk.id, self._worker)]
            for bulk in mine:
                self.advance(bulk)
            if not mine:
                return

    def advance(self, bulk: Bulk) -> None:
        """Do one chunk: the one that was left half done, or the next. Of a bulk that somebody else has gone on with
        since it was read, nothing is done again and nothing counted."""
        chunk = bulk.chunk
        if chunk is None:
            chunk = self._next(bulk) if bulk.state == "running" else Chunk([], bulk.cursor)
            if bulk.state == "running" and not self._bulks.begin(bulk, chunk):
                return
        self._bulks.end(bulk, chunk, self._change(bulk, chunk.ids))

    def _next(self, bulk: Bulk) -> Chunk:
        if bulk.ids is not None:
            start = int(bulk.cursor or 0)
            end = start + CHUNK
            return Chunk(bulk.ids[start:end], str(end) if end < len(bulk.ids) else None)
        # What was accepted later is not even looked at.
        until = min(bulk.filter.until_us or bulk.created_us + 1, bulk.created_us + 1)
        ids: list[str] = []
        looked = 0
        for found in self._finder.walk(replace(bulk.filter, until_us=until), Place.parse(bulk.cursor), CHUNK):
            ids += [place.job_id for place in found.meant]
            looked += len(found.looked)
            if len(ids) >= CHUNK or looked >= LOOK_AT_MOST:
                return Chunk(ids, str(found.looked[-1]))
        return Chunk(ids, None)

    def _change(self, bulk: Bulk, ids: list[str]) -> Tally:
        """Change what is still as it was when the bulk was asked for. A job that somebody else changed between our look
        and our change is looked at again."""
        done = skipped = 0
        left = ids
        for _ in range(_RACES):
            jobs = [job for job in self._jobs.read_many(left) if job is not None]
            before = [job for job in jobs if is_done(bulk, job)]
            changes = [change for job in jobs if (change := change_of(bulk, job)) is not None]
            answers = self._step(changes)
            lost = [change.job_id for change, was_done in zip(changes, answers, strict=True) if not was_done]
            done += len(before) + sum(answers)
            skipped += len(left) - len(before) - len(changes)
            left = lost
            if not left:
                break
        return Tally(done, skipped, len(left))

    def _step(self, changes: list[Change]) -> list[bool]:
        parts = [changes[at : at + AT_ONCE] for at in range(0, len(changes), AT_ONCE)]
        return [was_done for part in parts for was_done in self._jobs.step(part)]


def is_done(bulk: Bulk, job: Job) -> bool:
    """Has this bulk changed the job already?"""
    return any(event.data.get("bulk") == bulk.id for event in job.log)


def change_of(bulk: Bulk, job: Job) -> Change | None:
    """What the bulk makes of a job; None where the job changed since the bulk was asked for, is not meant, or is in
    a state that does not allow the verb, or the bulk was canceled."""
    if bulk.state != "running" or job.log[-1].at_us > bulk.created_us or not bulk.filter.matches(job):
        return None
    planned = plan(job, bulk.verb, bulk.answer, bulk=bulk.id)
    return Change.of("verb", job.id, job.head, planned) if planned else None
