"""The read models: from what the store holds to the one document that page and JSON share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, cast

from tasks.clock import rfc3339
from tasks.domain import reading
from tasks.domain.job import Job, Outcome, Phase
from tasks.domain.states import STATES, State, Verb, is_final
from tasks.store.finder import Count
from tasks.store.jobs import Page
from tasks.store.mailbox import Found, Mail
from webapp.attempts import Decision, attempt_documents, decisions, timeline_documents
from webapp.documents import (
    CountDocument,
    JobDocument,
    JobsDocument,
    JobSummary,
    MailboxDocument,
    MailDocument,
    MessageDocument,
    PartDocument,
    RecipientDocument,
    ReplyDocument,
)
from webapp.headline import headline, last_attempt, next_step

Kind = Literal["to", "cc", "bcc"]
Priority = Literal["high", "normal", "low"]
OnUnknown = Literal["hold", "resend"]
OutcomeWord = Literal["pending", "accepted", "deferred", "rejected", "unknown"]


def job_document(job: Job, relay: str) -> JobDocument:
    """A job, whole; ``relay`` is where mail goes."""
    state, card = job.head.state, job.card
    return JobDocument(
        id=job.id,
        state=state,
        final=is_final(state),
        headline=headline(job),
        next_step=next_step(job),
        celery_state=STATES[state].celery,
        revision=job.head.revision,
        sender=card.sender,
        to=card.to,
        cc=card.cc,
        bcc=card.bcc,
        reply_to=card.reply_to,
        subject=card.subject,
        priority=cast(Priority, card.priority),
        tags=card.tags,
        batch=card.batch,
        message_id=job.message_id,
        size_bytes=card.size_bytes,
        relay=relay,
        accepted_at=rfc3339(job.accepted_us),
        send_at=rfc3339(card.send_at_us) if card.send_at_us else None,
        finished_at=_finished_at(job),
        next_attempt_at=_next_attempt_at(job),
        give_up_at=None if is_final(state) else rfc3339(job.round_us + card.give_up_after_seconds * 1_000_000),
        attempt=job.head.attempt,
        max_attempts=last_attempt(job),
        on_unknown=cast(OnUnknown, card.on_unknown),
        recipients=_recipients(job),
        attempts=attempt_documents(job),
        timeline=timeline_documents(job),
        actions=_actions(job),
        url=f"/jobs/{job.id}",
    )


def job_summary(job: Job) -> JobSummary:
    """A job as a line of the list."""
    state, card = job.head.state, job.card
    return JobSummary(
        id=job.id,
        state=state,
        final=is_final(state),
        sender=card.sender,
        to=card.to or card.cc or card.bcc,
        recipients=len(card.rcpt_tos),
        subject=card.subject,
        priority=card.priority,
        tags=card.tags,
        accepted_at=rfc3339(job.accepted_us),
        finished_at=_finished_at(job),
        next_attempt_at=_next_attempt_at(job),
        attempt=job.head.attempt,
        max_attempts=last_attempt(job),
        headline=headline(job),
        url=f"/jobs/{job.id}",
    )


def jobs_document(page: Page, counts: Mapping[State, int], matching: Count | None = None) -> JobsDocument:
    """A page of the list, the counts for its tabs, and how many match its filter (without one: all)."""
    return JobsDocument(
        jobs=[job_summary(job) for job in page.jobs],
        next_cursor=page.next_cursor,
        counts=counts_by_state(counts),
        matching=count_document(matching or Count(sum(counts.values()), exact=True)),
    )


def counts_by_state(counts: Mapping[State, int]) -> dict[str, int]:
    """The jobs in each state, and all."""
    return {"all": sum(counts.values())} | {state.value: count for state, count in counts.items()}


def count_document(count: Count) -> CountDocument:
    """How many a filter means."""
    return CountDocument(count=count.number, exact=count.exact)


def message_document(source: bytes) -> MessageDocument:
    """A message (its RFC 5322 bytes), taken apart for reading."""
    message = reading.read(source)
    return MessageDocument(
        headers=list(message.headers),
        text=message.text,
        html=message.html,
        attachments=[
            PartDocument(
                index=part.index, filename=part.filename, content_type=part.content_type, size_bytes=len(part.content)
            )
            for part in message.attachments
        ],
        size_bytes=len(source),
    )


def mail_document(mail: Mail) -> MailDocument:
    """A captured mail as a line of the mailbox."""
    return MailDocument(
        id=mail.id,
        received_at=rfc3339(mail.received_us),
        mail_from=mail.mail_from,
        rcpt_tos=list(mail.rcpt_tos),
        sender=mail.sender,
        to=mail.to,
        subject=mail.subject,
        message_id=mail.message_id,
        job_id=mail.job_id,
        size_bytes=mail.size_bytes,
        unread=mail.unread,
    )


def mailbox_document(found: Found, count: int, unread: int, *, words: bool) -> MailboxDocument:
    """A page of the mailbox."""
    return MailboxDocument(
        messages=[mail_document(mail) for mail in found.mails],
        count=count,
        unread=unread,
        searched=found.searched if words else None,
        next_cursor=found.before,
    )


def _recipients(job: Job) -> list[RecipientDocument]:
    decided = decisions(job)
    documents = []
    for at, (kind, shown) in enumerate(_shown_recipients(job)):
        word, reply, attempt = _standing(job, at, decided)
        outcome = cast(OutcomeWord, word)
        documents.append(RecipientDocument(address=shown, kind=kind, outcome=outcome, reply=reply, attempt=attempt))
    return documents


def _standing(job: Job, at: int, decided: Mapping[int, Decision]) -> tuple[str, ReplyDocument | None, int | None]:
    """What stands of a recipient: while its dot is out it is pending, though the head notes the worst already."""
    letter = job.head.outcomes[at]
    if letter == Outcome.PENDING or (job.head.state == State.SENDING and letter == Outcome.UNKNOWN):
        return "pending", None, None
    word = Outcome(letter).word
    known, reply, attempt = decided.get(at, (word, None, job.head.attempt))
    return (word, reply, attempt) if known == word else (word, None, attempt)


def _shown_recipients(job: Job) -> Sequence[tuple[Kind, str]]:
    """As submitted, in the envelope's order (an address stands once in all three lists)."""
    kinds: tuple[Kind, ...] = ("to", "cc", "bcc")
    return [(kind, shown) for kind in kinds for shown in getattr(job.card, kind)]


def _actions(job: Job) -> list[str]:
    verbs = STATES[job.head.state].verbs
    too_late = job.head.phase == Phase.INTENT
    return [verb.value for verb in verbs if not (verb == Verb.CANCEL and too_late)]


def _finished_at(job: Job) -> str | None:
    return rfc3339(job.log[-1].at_us) if is_final(job.head.state) else None


def _next_attempt_at(job: Job) -> str | None:
    waiting = job.head.state in (State.SCHEDULED, State.QUEUED, State.RETRYING)
    return rfc3339(job.due_us) if waiting and job.due_us else None
