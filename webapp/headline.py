"""A job told in words: what happened, and what comes next."""

from __future__ import annotations

from tasks.domain.job import Event, Job, Outcome, Phase
from tasks.domain.states import State
from webapp.attempts import counted, decisions, ended_text


def headline(job: Job) -> str:
    """What happened, in a sentence."""
    match job.head.state:
        case State.SCHEDULED:
            return "Waits for its send time."
        case State.QUEUED:
            return "Waits for a worker." if len(job.log) == 1 else "Waits for a worker, once more."
        case State.SENDING:
            return f"Attempt {_number_under_way(job)} is under way."
        case State.RETRYING:
            return _reason(job, Outcome.DEFERRED, "Deferred by the relay")
        case State.SENT:
            return f"Accepted by the relay for {_everyone(job)}."
        case State.PARTIAL:
            accepted = job.head.outcomes.count(Outcome.ACCEPTED)
            refused = len(job.head.outcomes) - accepted
            return f"Accepted for {counted(accepted)}, refused for {refused}{_reply(job, Outcome.REJECTED)}"
        case State.DEAD:
            return _death(job)
        case State.UNKNOWN:
            return (
                f"Nobody can know whether the relay took it for {_whom(job)}: the connection was lost at the last byte."
            )
        case State.CANCELED:
            return "Canceled before it was sent."
        case State.DISCARDED:
            return "Put away by an operator."


def next_step(job: Job) -> str | None:
    """What comes next, in a sentence; the instant is ``next_attempt_at``."""
    match job.head.state:
        case State.SCHEDULED | State.QUEUED:
            return "It is sent as soon as a worker is free." if job.head.state == State.QUEUED else "It is sent then."
        case State.SENDING:
            return "The relay's answer decides."
        case State.RETRYING:
            return f"Attempt {job.head.attempt + 1} of {last_attempt(job)} follows."
        case State.PARTIAL:
            return "Retry sends it to the refused alone; discard puts it away."
        case State.DEAD:
            return "Retry sends it again; discard puts it away."
        case State.UNKNOWN:
            return "Look for it at the recipient's side, then say whether it arrived or is to be sent again."
        case _:
            return None


def last_attempt(job: Job) -> int:
    """The number of the last attempt that may be made."""
    return job.round_attempt + job.card.max_attempts


def _number_under_way(job: Job) -> int:
    # The number is given at MAIL and recorded with the intent.
    return job.head.attempt if job.head.phase == Phase.INTENT else job.head.attempt + 1


def _death(job: Job) -> str:
    last = _last(job, ("attempt", "lost", "ended"))
    if last is None:
        return "Given up."
    if last.word == "ended":
        return ended_text(last)
    used_up = last.data.get("used_up")
    if used_up == "attempts":
        return _reason(job, Outcome.DEFERRED, f"Given up after {job.head.attempt} attempts")
    if used_up == "time":
        return _reason(job, Outcome.DEFERRED, "Given up: its time was used up")
    return _reason(job, Outcome.REJECTED, "Refused by the relay")


def _reason(job: Job, outcome: Outcome, words: str) -> str:
    reply = _reply(job, outcome)
    if reply != ".":
        return words + reply
    last = _last(job, ("attempt",))
    fault = last.data.get("f") if last else None
    return f"{words}. {fault}" if fault else f"{words}."


def _reply(job: Job, outcome: Outcome) -> str:
    """ ": 451 4.7.1 try later", of the first recipient that stands so; "." where there is no reply."""
    for at, (word, reply, _) in sorted(decisions(job).items()):
        if word == outcome.word and reply and job.head.outcomes[at] == outcome:
            return f": {reply.code} {' '.join(reply.text.split())}"
    return "."


def _whom(job: Job) -> str:
    unknown = job.head.outcomes.count(Outcome.UNKNOWN)
    return _everyone(job) if unknown == len(job.head.outcomes) else f"{unknown} of {counted(len(job.head.outcomes))}"


def _everyone(job: Job) -> str:
    count = len(job.head.outcomes)
    return {1: "its recipient", 2: "both recipients"}.get(count, f"all {count} recipients")


def _last(job: Job, words: tuple[str, ...]) -> Event | None:
    return next((event for event in reversed(job.log) if event.word in words), None)
