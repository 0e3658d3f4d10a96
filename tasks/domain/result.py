"""What Celery's own record of a job says, so that ``AsyncResult(job_id)`` and other Celery tools agree with the pages.

The form is that of Celery's JSON result backend (``celery.backends.base``): status, result, traceback, children,
date_done, task_id; a failure's result is ``{"exc_type", "exc_message", "exc_module"}``.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from pydantic_core import to_json

from tasks.domain.job import Card, Outcome
from tasks.domain.states import STATES, State

_EXCEPTIONS = {
    State.RETRYING: ("Retry", "celery.exceptions"),
    State.DEAD: ("JobDead", "tasks.domain.errors"),
    State.PARTIAL: ("JobPartlySent", "tasks.domain.errors"),
    State.UNKNOWN: ("JobOutcomeUnknown", "tasks.domain.errors"),
    State.DISCARDED: ("JobDiscarded", "tasks.domain.errors"),
    State.CANCELED: ("TaskRevokedError", "celery.exceptions"),
}
_DEFAULT_REASONS = {
    State.UNKNOWN: "The connection was lost after the last byte; nobody can know whether the relay took it.",
    State.CANCELED: "Canceled before sending.",
    State.DISCARDED: "Discarded by an operator.",
}
_CODES = re.compile(r"^\d{3}[ -](?:\d\.\d{1,3}\.\d{1,3} )?")


def success_value(word: str | None, recipients: int) -> Any:
    """The result of a job that was sent: the submitter's own word, or the state and the count."""
    return word if word is not None else {"state": "sent", "recipients": recipients}


def failure_text(reason: str) -> str:
    """A reply as a sentence: without its code and enhanced code ("Simulated task failure")."""
    return _CODES.sub("", reason).strip() or reason


def celery_result(job_id: str, state: State, card: Card, outcomes: str, reason: str) -> str:
    """The record for a state as JSON; "-" where Celery's word is PENDING, which is to have no record."""
    if STATES[state].celery == "PENDING":
        return "-"
    return f'{_record(state, card.result, outcomes.count(Outcome.ACCEPTED), reason)}"{job_id}"}}'


@lru_cache(maxsize=256)
def _record(state: State, word: str | None, recipients: int, reason: str) -> str:
    """The record up to the id, which comes last: the same for most jobs."""
    status = STATES[state].celery
    result: Any = None
    if status == "SUCCESS":
        result = success_value(word, recipients)
    elif state in _EXCEPTIONS:
        kind, module = _EXCEPTIONS[state]
        text = _DEFAULT_REASONS.get(state) or failure_text(reason) or "It was not sent."
        result = {"exc_type": kind, "exc_message": [text], "exc_module": module}
    record = {"status": status, "result": result, "traceback": None, "children": [], "date_done": None, "task_id": None}
    return to_json(record).decode().removesuffix("null}")
