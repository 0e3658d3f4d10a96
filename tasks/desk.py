"""The use cases: submit; an operator's verbs for one job or many; lanes. All that HTTP changes goes here."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from redis import Redis

from tasks import clock
from tasks.app import make_app, queue_key
from tasks.bell import Bell
from tasks.domain.filter import Filter
from tasks.domain.ids import make_id
from tasks.domain.job import Card, Job
from tasks.domain.message import Built, build
from tasks.domain.spec import Defaults, JobSpec
from tasks.domain.states import State, Verb
from tasks.domain.verbs import Answer, plan
from tasks.settings import Settings
from tasks.store.bulks import Bulk, Bulks
from tasks.store.dead_letters import DeadLetters
from tasks.store.finder import Count, Finder
from tasks.store.jobs import Change, Reservation, WakeUp
from tasks.store.lanes import Lanes
from tasks.store.memory import Memory
from tasks.stores import make_jobs
from tasks.wakeup import WakeUpTemplate

SHALLOW = 64
"""The wake-ups that may lie in Celery's queue: enough for every free hand, few enough to be stale only briefly."""
_RACES = 5


@dataclass(frozen=True, slots=True)
class Submission:
    """What became of a submission: ``accepted`` is in Redis; ``replayed`` was, under the same key and content;
    ``conflict`` was not taken, since the key came before with other content."""

    kind: Literal["accepted", "replayed", "conflict"]
    job_id: str
    job: Job | None
    """The job that was accepted, as it is now."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of an operator's verb; ``state`` is the job's state after it."""

    kind: Literal["done", "not_found", "not_allowed"]
    state: State | None = None


class Desk:
    """What the web asks of the engine. Any method may raise redis-py's ``RedisError``; then nothing was half done."""

    def __init__(self, settings: Settings, redis: Redis, memory: Memory | None = None) -> None:
        self._settings = settings
        self.jobs = make_jobs(settings, redis, memory)
        self._finder = Finder(self.jobs)
        self._lanes = Lanes(redis, settings.key_prefix)
        self._bulks = Bulks(redis, settings.key_prefix, memory)
        self._dead_letters = DeadLetters(redis, settings.key_prefix)
        app = make_app(settings)
        self._bell = Bell(app)
        self._wake_up = WakeUpTemplate(app)
        self._queue = queue_key(settings) if settings.one_redis else ""
        self.defaults = Defaults(
            sender=settings.default_from,
            max_attempts=settings.max_attempts,
            give_up_after_seconds=settings.give_up_after_seconds,
            max_message_bytes=settings.max_message_bytes,
        )
        """What a submission may leave out; hand it to the parser."""

    def submit(
        self, spec: JobSpec, *, key: str | None = None, scope: str = "local", result: str | None = None
    ) -> Submission:
        """Take a job. ``key`` is the client's idempotency key, ``scope`` whose it is; ``result`` is what Celery's
        ``AsyncResult.get()`` answers in the end, where the submitter wants a word of its own."""
        accepted = clock.now()
        job_id = make_id(clock.to_us(accepted) // 1000, clock.random_bytes(10))
        built = build(spec, job_id, accepted)
        reservation = _reserve(scope, key, spec.fingerprint()) if key else None
        answer = self.jobs.accept(
            job_id, _card(spec, built, result), built.wire, reservation=reservation, wake_up=self._wake(job_id)
        )
        if answer.kind == "accepted" and not self._queue:
            self._bell.ring(job_id)
        return Submission(answer.kind, answer.job_id, answer.job)

    def cancel(self, job_id: str) -> Verdict:
        """Withdraw a job: until the intent to send its final dot is recorded."""
        return self._change(job_id, Verb.CANCEL)

    def retry(self, job_id: str) -> Verdict:
        """Send again to the recipients that were refused or given up; those that were accepted are left alone."""
        return self._change(job_id, Verb.RETRY)

    def discard(self, job_id: str) -> Verdict:
        """Put a dead letter away."""
        return self._change(job_id, Verb.DISCARD)

    def resolve(self, job_id: str, answer: Answer) -> Verdict:
        """Say what became of the recipients nobody could know of: they have it, or it is to be sent again."""
        return self._change(job_id, Verb.RESOLVE, answer)

    def pause(self, lane: str) -> None:
        """Let no worker claim from a lane; ValueError where there is no such lane."""
        self._lanes.pause(lane)

    def resume(self, lane: str) -> None:
        """Let workers claim from it again."""
        self._lanes.resume(lane)

    def bulk(self, verb: Verb, wanted: Filter, ids: Sequence[str] | None = None, answer: Answer | None = None) -> Bulk:
        """Ask for a verb for all jobs that are meant now (of those in ``ids``, where they are named). Workers do it."""
        now_us = self.jobs.now_us()
        named = None if ids is None else list(dict.fromkeys(ids))
        expected = self._finder.count(wanted) if named is None else Count(len(named), exact=True)
        bulk_id = make_id(now_us // 1000, clock.random_bytes(10))
        reason = self._dead_letters.reason(wanted.reason) if wanted.reason else None
        bulk = Bulk(bulk_id, verb, answer, wanted, named, now_us, expected, reason=reason)
        self._bulks.create(bulk)
        return bulk

    def cancel_bulk(self, bulk_id: str) -> Bulk | None:
        """Change no further jobs; the bulk as it is then, None where there is none."""
        self._bulks.cancel(bulk_id, self.jobs.now_us())
        return self._bulks.read(bulk_id)

    def _wake(self, job_id: str) -> WakeUp | None:
        if not self._queue:
            return None
        return WakeUp(self._wake_up.fill(job_id), self._queue, SHALLOW)

    def _change(self, job_id: str, verb: Verb, answer: Answer | None = None) -> Verdict:
        """Read, decide, and change if it is still so; a job that moved meanwhile is looked at again."""
        state: State | None = None
        for _ in range(_RACES):
            job = self.jobs.read(job_id)
            if job is None:
                return Verdict("not_found")
            state = job.head.state
            planned = plan(job, verb, answer)
            if planned is None:
                break
            if self.jobs.step([Change.of("verb", job.id, job.head, planned)])[0]:
                return Verdict("done", planned.head.state)
        return Verdict("not_allowed", state)


def _card(spec: JobSpec, built: Built, result: str | None) -> Card:
    return Card(
        sender=spec.sender.shown,
        to=[address.shown for address in spec.to],
        cc=[address.shown for address in spec.cc],
        bcc=[address.shown for address in spec.bcc],
        reply_to=[address.shown for address in spec.reply_to],
        mail_from=spec.sender.wire,
        rcpt_tos=spec.rcpt_tos,
        subject=spec.subject,
        size_bytes=built.size_bytes,
        max_attempts=spec.max_attempts,
        give_up_after_seconds=spec.give_up_after_seconds,
        priority=spec.priority,
        tags=list(spec.tags),
        send_at_us=clock.to_us(spec.asked_send_at) if spec.asked_send_at else None,
        on_unknown=spec.on_unknown,
        smtputf8=built.smtputf8,
        result=result,
    )


def _reserve(scope: str, key: str, fingerprint: str) -> Reservation:
    # Hashed, since a key is the client's own text of up to 255 characters.
    return Reservation(f"{scope}:{hashlib.sha256(key.encode()).hexdigest()}", fingerprint)
