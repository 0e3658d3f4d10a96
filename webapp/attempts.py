"""The attempts and the timeline of a job, derived from its log."""

from __future__ import annotations

from typing import Any

from tasks.clock import rfc3339
from tasks.domain.job import Event, Job, Outcome
from webapp.documents import AttemptDocument, ExchangeDocument, ReplyDocument, TimelineDocument

Decision = tuple[str, ReplyDocument | None, int]
"""Of a recipient: the outcome's word, the reply that decided it, the number of the attempt."""

OUTCOMES = {outcome.value: outcome.word for outcome in Outcome}


def attempt_documents(job: Job) -> list[AttemptDocument]:
    """Each attempt that was settled or lost, oldest first."""
    return [_attempt(event) for event in job.log if event.word in ("attempt", "lost")]


def decisions(job: Job) -> dict[int, Decision]:
    """For each recipient by index that was ever served: what its latest attempt decided."""
    latest: dict[int, Decision] = {}
    for event in job.log:
        for at, letter, code, text in decided(event.data):
            latest[at] = OUTCOMES[letter], reply_document(code, text), event.data["n"]
    return latest


def decided(data: dict[str, Any]) -> list[tuple[int, str, int, str]]:
    """What an attempt decided: a recipient by index, the outcome's letter, the reply (maybe in the exchanges)."""
    fates = []
    for at, letter, *where in data.get("o", ()):
        code, text = where if len(where) == 2 else data["x"][where[0]][1:3]
        fates.append((at, letter, code, text))
    return fates


def reply_document(code: int, text: str) -> ReplyDocument | None:
    """A reply as the log keeps it; code 0 is none."""
    return ReplyDocument(code=code, text=text) if code else None


def timeline_documents(job: Job) -> list[TimelineDocument]:
    """What happened to the job, oldest first."""
    return [TimelineDocument(at=rfc3339(event.at_us), event=event.word, text=_told(event)) for event in job.log]


def _attempt(event: Event) -> AttemptDocument:
    data = event.data
    seconds = float(data.get("t", 0))
    letters = [letter for _, letter, _, _ in decided(data)]
    return AttemptDocument(
        number=data["n"],
        worker=data.get("w", ""),
        relay=data.get("r", ""),
        started_at=rfc3339(event.at_us - int(seconds * 1_000_000)),
        duration_seconds=seconds,
        accepted=letters.count(Outcome.ACCEPTED),
        deferred=letters.count(Outcome.DEFERRED),
        rejected=letters.count(Outcome.REJECTED),
        unknown=letters.count(Outcome.UNKNOWN),
        summary=_summary(event),
        fault=data.get("f"),
        exchanges=[
            ExchangeDocument(command=command, reply=reply_document(code, text), at_seconds=at)
            for command, code, text, at in data.get("x", ())
        ],
    )


def _summary(event: Event) -> str:
    """An attempt in a sentence or two: what was accepted, and the first reply of each other kind."""
    if event.word == "lost":
        return "The worker was lost after the last byte may have gone out, before the relay's reply was recorded."
    parts = []
    fates = decided(event.data)
    for outcome, verb in (
        (Outcome.ACCEPTED, "Accepted"),
        (Outcome.DEFERRED, "Deferred"),
        (Outcome.REJECTED, "Refused"),
    ):
        those = [(code, text) for _, letter, code, text in fates if letter == outcome]
        if those:
            parts.append(_part(outcome, verb, those, alone=len(those) == len(fates)))
    if any(letter == Outcome.UNKNOWN for _, letter, _, _ in fates):
        parts.append("The connection was lost after the last byte, before the relay's reply.")
    elif event.data.get("f"):
        parts.append(event.data["f"])
    return " ".join([*map(_closed, parts[:-1]), *parts[-1:]])


def _closed(sentence: str) -> str:
    """A reply has seldom a full stop of its own, and wants one where something follows."""
    return sentence if sentence.endswith((".", "!", "?")) else f"{sentence}."


def _part(outcome: Outcome, verb: str, those: list[Any], *, alone: bool) -> str:
    count = "" if alone and len(those) == 1 else f" for {counted(len(those))}"
    code, text = those[0]
    if outcome == Outcome.ACCEPTED or not code:
        return f"{verb}{count}."
    return f"{verb}{count}: {code} {' '.join(text.split())}"


def _told(event: Event) -> str:
    match event.word:
        case "accepted":
            return "Accepted and kept in Redis."
        case "attempt" | "lost":
            return f"Attempt {event.data['n']}. {_summary(event)}"
        case "lapsed":
            return "Its worker went silent before the last byte; another one took it over."
        case "canceled":
            return "Canceled by an operator."
        case "reopened":
            return "Retried by an operator."
        case "discarded":
            return "Discarded by an operator."
        case "resolved":
            again = event.data.get("answer") == "again"
            return "Resolved by an operator: send again." if again else "Resolved by an operator: it arrived."
        case "ended":
            return ended_text(event)
        case _:
            return event.word


def ended_text(event: Event) -> str:
    """Why a job ended without a further attempt."""
    reason = str(event.data["reason"])
    return f"Given up: {reason[0].lower()}{reason[1:]}"


def counted(number: int) -> str:
    """ "1 recipient", "3 recipients"."""
    return f"{number} recipient{'' if number == 1 else 's'}"
