"""From the outcomes of an attempt to the job's next state: the heart of what a job becomes, without I/O.

Outcomes are per recipient, and the state follows from them. While any recipient may be tried again the job is
``retrying``, and the next attempt serves those alone. With none left: any unknown makes it ``unknown``, else all
accepted ``sent``, some ``partial``, none ``dead``.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from pydantic_core import to_json

from tasks.domain.job import Card, Head, Outcome, Phase
from tasks.domain.reason import group_of
from tasks.domain.result import celery_result
from tasks.domain.retry import Policy, backoff_seconds, hinted_seconds
from tasks.domain.states import State


class Claim(NamedTuple):
    """A job as its holder knows it."""

    job_id: str
    head: Head
    card: Card
    round_attempt: int
    round_us: int

    @property
    def to_serve(self) -> list[int]:
        """The recipients that the next attempt serves, by index."""
        again = {Outcome.PENDING, Outcome.DEFERRED} | ({Outcome.UNKNOWN} if self.card.on_unknown == "resend" else set())
        return [at for at, letter in enumerate(self.head.outcomes) if letter in again]

    @property
    def gives_up_us(self) -> int:
        """When its time is used up."""
        return self.round_us + self.card.give_up_after_seconds * 1_000_000


class Settlement(NamedTuple):
    """What a job becomes: the arguments of its entry in a step."""

    head: Head
    due: str
    line: str
    result: str
    reason: str
    """Of a dead letter or a refusal: the group of its reply, or why it was given up."""


def settle(
    claim: Claim,
    outcomes: str,
    attempt: int,
    *,
    now_us: int,
    policy: Policy,
    jitter: float,
    replies: Iterable[str],
    word: str,
    data: dict[str, Any],
) -> Settlement:
    """Settle a claim whose recipients now stand at ``outcomes`` after attempt number ``attempt``.

    ``word`` and ``data`` are the log line of what happened; ``replies`` are searched for a hint when to try again.
    """
    state, due = State.SENT, "-"
    if outcomes.strip(Outcome.ACCEPTED):
        wait = max(backoff_seconds(policy, max(attempt - claim.round_attempt, 1), jitter), hinted_seconds(replies))
        state = _final_state(outcomes)
        if Outcome.DEFERRED in outcomes or (Outcome.UNKNOWN in outcomes and claim.card.on_unknown == "resend"):
            used_up = _used_up(claim, attempt, now_us + int(wait * 1_000_000))
            if used_up:
                data = data | {"used_up": used_up}
            else:
                state, due = State.RETRYING, f"+{int(wait * 1_000_000)}"
    return _settlement(claim, state, outcomes, attempt, due, word, data, replies)


POISON = "Its worker was lost three times while sending it, and nothing else."
OUT_OF_TIME = "Its time was used up before the next attempt."
MESSAGE_GONE = "Its message is no longer in Redis, so there is nothing to send."
CARD_UNREADABLE = "Its record in Redis is damaged or of another version, so it cannot be known whom to send it to."


def unsendable(claim: Claim, content: bytes | None, now_us: int) -> str | None:
    """Why a job that was claimed is not to be tried, as a sentence; None where it is."""
    if not claim.card.readable:
        return CARD_UNREADABLE
    if now_us > claim.gives_up_us:
        return OUT_OF_TIME
    # An empty mail must never go out in the place of one that is gone.
    return MESSAGE_GONE if content is None else None


def end(claim: Claim, reason: str) -> Settlement:
    """Settle a claim without an attempt: it is dead (or what its outcomes so far say) for a reason, a sentence."""
    data = {"reason": reason}
    state = _final_state(claim.head.outcomes)
    return _settlement(claim, state, claim.head.outcomes, claim.head.attempt, "-", "ended", data, [reason])


def give_back(claim: Claim) -> Head:
    """The head of a job that was claimed and not begun: as it was, for anybody to claim."""
    waited = claim.head.attempt > claim.round_attempt
    return claim.head.moved(state=State.RETRYING if waited else State.QUEUED, phase=Phase.NONE)


def _used_up(claim: Claim, attempt: int, next_us: int) -> str | None:
    if attempt - claim.round_attempt >= claim.card.max_attempts:
        return "attempts"
    return "time" if next_us > claim.gives_up_us else None


def _final_state(outcomes: str) -> State:
    if Outcome.UNKNOWN in outcomes:
        return State.UNKNOWN
    accepted = outcomes.count(Outcome.ACCEPTED)
    if accepted == len(outcomes):
        return State.SENT
    return State.PARTIAL if accepted else State.DEAD


def _settlement(
    claim: Claim,
    state: State,
    outcomes: str,
    attempt: int,
    due: str,
    word: str,
    data: dict[str, Any],
    replies: Iterable[str],
) -> Settlement:
    head = claim.head.moved(state=state, phase=Phase.NONE, attempt=attempt, outcomes=outcomes)
    line = f"{word} {to_json(data).decode()}"
    reason = "" if state is State.SENT else _last(replies)
    told = group_of(reason) if state in (State.DEAD, State.PARTIAL) else ""
    return Settlement(head, due, line, celery_result(claim.job_id, state, claim.card, outcomes, reason), told)


def _last(replies: Iterable[str]) -> str:
    """The last reply that says something, on one line."""
    return " ".join(next((text for text in reversed(list(replies)) if text), "").split())
