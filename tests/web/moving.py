"""Jobs moved to a state as a worker would move them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from tasks.domain.job import Head, Job, Outcome, Phase
from tasks.domain.reason import group_of
from tasks.domain.states import State
from tasks.store.jobs import Change, Jobs


def attempt_line(number: int, outcomes: str, reply: tuple[int, str], seconds: float = 0.01) -> str:
    """A settled attempt as the log keeps it."""
    code, text = reply
    decided = [[at, letter, code, text] for at, letter in enumerate(outcomes)]
    exchanges: Sequence[Any] = [
        ["MAIL FROM:<postroom@mailbox.test>", 250, "2.1.0 Ok", 0.001],
        ["DATA", code, text, 0.002],
    ]
    data = {"n": number, "w": "worker-1", "r": "local mailbox", "t": seconds, "o": decided, "x": exchanges}
    return f"attempt {json.dumps(data)}"


def claim(jobs: Jobs, job_id: str) -> Head:
    """Let a worker hold it; its head then."""
    head = _job(jobs, job_id).head
    held = head.moved(state=State.SENDING, phase=Phase.CLAIMED, token=head.token + 1)
    assert jobs.step([Change("verb", job_id, head, held, due="+60000000")]) == [True]
    return held


def settle(jobs: Jobs, job_id: str, state: State, outcome: Outcome, reply: tuple[int, str] = (250, "2.0.0 Ok")) -> None:
    """Let a worker claim it, try once, and settle with this outcome for all recipients."""
    held = claim(jobs, job_id)
    outcomes = str(outcome) * len(held.outcomes)
    done = held.moved(state=state, phase=Phase.NONE, attempt=held.attempt + 1, outcomes=outcomes)
    due = "+10000000" if state == State.RETRYING else "-"
    line = attempt_line(done.attempt, outcomes, reply)
    reason = group_of(f"{reply[0]} {reply[1]}") if state in (State.DEAD, State.PARTIAL) else ""
    assert jobs.step([Change("settle", job_id, held, done, due=due, line=line, reason=reason)]) == [True]


def _job(jobs: Jobs, job_id: str) -> Job:
    job = jobs.read(job_id)
    assert job is not None
    return job
