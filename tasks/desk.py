"""The use cases: submit, and an operator's cancel, retry, discard and resolve. All that HTTP changes goes here."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from celery import Celery
from kombu.exceptions import OperationalError
from redis import Redis

from tasks import clock
from tasks.app import DELIVER, make_app, queue_key
from tasks.domain.ids import make_id
from tasks.domain.job import Card, Head, Job, Outcome, Phase
from tasks.domain.message import Built, build
from tasks.domain.result import celery_result
from tasks.domain.spec import Defaults, JobSpec
from tasks.domain.states import STATES, State, Verb
from tasks.settings import Settings
from tasks.store.jobs import Change, Reservation, WakeUp
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
        self._app: Celery = make_app(settings)
        self._wake_up = WakeUpTemplate(self._app)
        self._queue = queue_key(settings)
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
        if answer.kind == "accepted" and not self._settings.one_redis:
            self._publish(job_id)
        return Submission(answer.kind, answer.job_id)

    def cancel(self, job_id: str) -> Verdict:
        """Withdraw a job: until the intent to send its final dot is recorded."""
        return self._change(job_id, Verb.CANCEL, _canceled)

    def retry(self, job_id: str) -> Verdict:
        """Send again to the recipients that were refused or given up; those that were accepted are left alone."""
        return self._change(job_id, Verb.RETRY, _retried)

    def discard(self, job_id: str) -> Verdict:
        """Put a dead letter away."""
        return self._change(job_id, Verb.DISCARD, _discarded)

    def resolve(self, job_id: str, answer: Literal["arrived", "again"]) -> Verdict:
        """Say what became of the recipients nobody could know of: they have it, or it is to be sent again."""
        return self._change(job_id, Verb.RESOLVE, _resolved_arrived if answer == "arrived" else _resolved_again)

    def _wake(self, job_id: str) -> WakeUp | None:
        if not self._settings.one_redis:
            return None
        return WakeUp(self._wake_up.fill(job_id), self._queue, SHALLOW)

    def _publish(self, job_id: str) -> None:
        """Ring over a broker of its own. The job is due and safe: should this fail, a dispatcher rings."""
        try:
            self._app.send_task(DELIVER, task_id=job_id, ignore_result=True)
        except OperationalError:
            return

    def _change(self, job_id: str, verb: Verb, become: Callable[[Job], Plan | None]) -> Verdict:
        """Read, decide, and change if it is still so; a job that moved meanwhile is looked at again."""
        state: State | None = None
        for _ in range(_RACES):
            job = self.jobs.read(job_id)
            if job is None:
                return Verdict("not_found")
            state = job.head.state
            plan = become(job) if verb in STATES[state].verbs else None
            if plan is None:
                break
            if self.jobs.step([_change_of(job, plan)])[0]:
                return Verdict("done", plan.head.state)
        return Verdict("not_allowed", state)


@dataclass(frozen=True, slots=True)
class Plan:
    """What an operator's verb makes of a job."""

    head: Head
    word: str
    data: dict[str, Any]


def _canceled(job: Job) -> Plan | None:
    if job.head.phase == Phase.INTENT:
        return None
    # A higher token, so that a worker that holds the job finds itself fenced at its intent.
    head = job.head.moved(state=State.CANCELED, phase=Phase.NONE, token=job.head.token + 1)
    return Plan(head, "canceled", {})


def _retried(job: Job) -> Plan:
    outcomes = "".join(letter if letter == Outcome.ACCEPTED else Outcome.PENDING for letter in job.head.outcomes)
    return Plan(_reopened(job, outcomes), "reopened", {})


def _discarded(job: Job) -> Plan:
    return Plan(job.head.moved(state=State.DISCARDED, phase=Phase.NONE), "discarded", {})


def _resolved_arrived(job: Job) -> Plan:
    outcomes = job.head.outcomes.replace(Outcome.UNKNOWN, Outcome.ACCEPTED)
    state = State.SENT if set(outcomes) == {Outcome.ACCEPTED} else State.PARTIAL
    head = job.head.moved(state=state, phase=Phase.NONE, token=job.head.token + 1, outcomes=outcomes)
    return Plan(head, "resolved", {"answer": "arrived"})


def _resolved_again(job: Job) -> Plan:
    outcomes = job.head.outcomes.replace(Outcome.UNKNOWN, Outcome.PENDING)
    return Plan(_reopened(job, outcomes), "resolved", {"answer": "again"})


def _reopened(job: Job, outcomes: str) -> Head:
    return job.head.moved(state=State.QUEUED, phase=Phase.NONE, token=job.head.token + 1, outcomes=outcomes)


def _change_of(job: Job, plan: Plan) -> Change:
    line = f"{plan.word} {json.dumps(plan.data, separators=(',', ':'))}"
    result = celery_result(job.id, plan.head.state, job.card, plan.head.outcomes, "")
    due = "+0" if plan.head.state == State.QUEUED else "-"
    return Change("verb", job.id, job.head, plan.head, due=due, line=line, result=result)


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
        message_id=built.message_id,
        size_bytes=built.size_bytes,
        max_attempts=spec.max_attempts,
        give_up_after_seconds=spec.give_up_after_seconds,
        priority=spec.priority,
        tags=list(spec.tags),
        send_at_us=clock.to_us(spec.send_at) if spec.send_at else None,
        on_unknown=spec.on_unknown,
        smtputf8=built.smtputf8,
        result=result,
    )


def _reserve(scope: str, key: str, fingerprint: str) -> Reservation:
    # Hashed, since a key is the client's own text of up to 255 characters.
    return Reservation(f"{scope}:{hashlib.sha256(key.encode()).hexdigest()}", fingerprint)
