"""What an operator's verbs make of a job, without I/O: one job from its page, or thousands in a bulk."""

from __future__ import annotations

import json
from typing import Any, Literal

from tasks.domain.job import Head, Job, Outcome, Phase
from tasks.domain.result import celery_result
from tasks.domain.settle import Settlement
from tasks.domain.states import STATES, State, Verb

Answer = Literal["arrived", "again"]
"""What an operator found out about the recipients whose outcome is unknown."""


def plan(job: Job, verb: Verb, answer: Answer | None = None, **data: Any) -> Settlement | None:
    """What becomes of the job; None where its state, or how far its worker has come, does not allow the verb.

    ``data`` is noted in its log beside what happened.
    """
    if verb not in STATES[job.head.state].verbs:
        return None
    match verb:
        case Verb.CANCEL:
            return _cancel(job, data)
        case Verb.RETRY:
            return _settlement(job, _reopened(job, _all_but_accepted(job)), "reopened", data)
        case Verb.DISCARD:
            return _settlement(job, job.head.moved(state=State.DISCARDED, phase=Phase.NONE), "discarded", data)
        case Verb.RESOLVE:
            head = _arrived(job) if answer == "arrived" else _again(job)
            return _settlement(job, head, "resolved", {"answer": answer, **data})


def _cancel(job: Job, data: dict[str, Any]) -> Settlement | None:
    if job.head.phase == Phase.INTENT:
        return None
    # A higher token, so that a worker that holds the job finds itself fenced at its intent.
    head = job.head.moved(state=State.CANCELED, phase=Phase.NONE, token=job.head.token + 1)
    return _settlement(job, head, "canceled", data)


def _all_but_accepted(job: Job) -> str:
    return "".join(letter if letter == Outcome.ACCEPTED else Outcome.PENDING for letter in job.head.outcomes)


def _arrived(job: Job) -> Head:
    outcomes = job.head.outcomes.replace(Outcome.UNKNOWN, Outcome.ACCEPTED)
    state = State.SENT if set(outcomes) == {Outcome.ACCEPTED} else State.PARTIAL
    return job.head.moved(state=state, phase=Phase.NONE, token=job.head.token + 1, outcomes=outcomes)


def _again(job: Job) -> Head:
    return _reopened(job, job.head.outcomes.replace(Outcome.UNKNOWN, Outcome.PENDING))


def _reopened(job: Job, outcomes: str) -> Head:
    return job.head.moved(state=State.QUEUED, phase=Phase.NONE, token=job.head.token + 1, outcomes=outcomes)


def _settlement(job: Job, head: Head, word: str, data: dict[str, Any]) -> Settlement:
    line = f"{word} {json.dumps(data, separators=(',', ':'))}"
    result = celery_result(job.id, head.state, job.card, head.outcomes, "")
    return Settlement(head, "+0" if head.state == State.QUEUED else "-", line, result, reason="")
